/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The life of a device as a list of calls, each of which can be made to fail.
 *
 * Read before: ../guest.h. Read next: life.c, nl.c, sweep.c.
 */
#ifndef VTAP_FAULTS_LIFE_H
#define VTAP_FAULTS_LIFE_H

#include "../guest.h"
#include "../net.h"

#define LIFE_PAIRS	3

/**
 * struct life - a device under test and what it is made of
 * @tap: two, so that a queue can be plugged into another
 * @iotlb: the device has F_ACCESS_PLATFORM; addresses map to themselves
 * @log: the dirty log
 * @spare: eventfds to swap in
 * @worker: made by VHOST_NEW_WORKER
 * @extra: another one, to be freed at once; 0 none
 * @nl_family: the netlink family
 * @nl_group: of its events
 * @nl_events: a socket that hears them
 * @nl_device: the device's number there
 * @nl_answers: messages that the last request got
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
	STEP_OURS = 1,		/* in-tree has no such call, or not before 7.2 */
	STEP_ONCE = 2,		/* -EBUSY when it is done again */
	STEP_LAST = 4,		/* cannot be done again */
	STEP_IOTLB = 8,		/* of a life with an IOTLB only */
	STEP_PLAIN = 16,	/* of one without */
	STEP_PEER = 32,		/* traffic: no call, nothing to fail */
	STEP_EINVAL = 64,	/* what in-tree says of a message it cannot read */
	STEP_NETLINK = 128,	/* whose sockets say ENOBUFS for want of memory */
};

/** struct step - one call; 0 or -errno */
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
