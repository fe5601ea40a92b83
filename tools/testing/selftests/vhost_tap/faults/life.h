/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The life of a device as a list of calls. The sweep makes each of them fail.
 */
#ifndef VTAP_FAULTS_LIFE_H
#define VTAP_FAULTS_LIFE_H

#include "../guest.h"
#include "../net.h"

#define LIFE_PAIRS	3

/**
 * struct life - a device under test and its resources
 * @tap: two taps, to test a queue with another backend
 * @iotlb: the device has F_ACCESS_PLATFORM, with an identity mapping
 * @log: the dirty log
 * @spare: eventfds for replacement
 * @worker: worker made by VHOST_NEW_WORKER
 * @extra: another worker, to be freed at once; 0 for none
 * @nl_family: the netlink family
 * @nl_group: the multicast group of its events
 * @nl_events: a socket that receives them
 * @nl_device: the device's id there
 * @nl_answers: number of replies to the last request
 */
struct life {
	struct guest g;
	const struct tap *tap;
	bool iotlb;
	void *log;
	int spare[3];
	unsigned int worker;
	unsigned int extra;
	uint32_t seq;
	uint16_t nl_family;
	uint32_t nl_group;
	int nl_events;
	uint32_t nl_device;
	unsigned int nl_answers;
};

enum {
	STEP_OURS = 1,		/* in-tree lacks this call, at least before 7.2 */
	STEP_ONCE = 2,		/* a repetition returns -EBUSY */
	STEP_LAST = 4,		/* cannot be repeated */
	STEP_IOTLB = 8,		/* only with an IOTLB */
	STEP_PLAIN = 16,	/* only without an IOTLB */
	STEP_PEER = 32,		/* traffic, no call that could fail */
	STEP_EINVAL = 64,	/* in-tree's errno for an unreadable message */
	STEP_NETLINK = 128,	/* netlink sockets report ENOBUFS without memory */
};

/** struct step - one call; returns 0 or -errno */
struct step {
	const char *name;
	int (*run)(struct life *l);
	unsigned int flags;
};

extern const struct step steps[];
extern const unsigned int nr_steps;

unsigned int steps_to_traffic(void);
int life_begin(struct life *l, const struct tap *taps, bool iotlb);
void life_end(struct life *l);
int life_traffic(struct life *l, int host);

int nl_begin(struct life *l);
void nl_end(struct life *l);
int nl_dump_devices(struct life *l);
int nl_dump_queues(struct life *l);
int nl_dump_workers(struct life *l);
int nl_get(struct life *l);
int nl_device_set(struct life *l);
int nl_latency_on(struct life *l);
int nl_latency_off(struct life *l);

#endif
