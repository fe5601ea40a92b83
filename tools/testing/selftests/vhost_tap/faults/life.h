/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The life of a device as a list of calls, each of which can be made to fail.
 *
 * Read before: ../guest.h. Read next: life.c, sweep.c.
 */
#ifndef VTAP_FAULTS_LIFE_H
#define VTAP_FAULTS_LIFE_H

#include "../guest.h"
#include "../net.h"

/**
 * struct life - a device under test and what it is made of
 * @tap: two, so that a queue can be plugged into another
 * @iotlb: the device has F_ACCESS_PLATFORM; addresses map to themselves
 * @log: the dirty log
 * @spare: eventfds to swap in
 * @worker: made by VHOST_NEW_WORKER
 */
struct life {
	struct guest g;
	const struct tap *tap;
	bool iotlb;
	void *log;
	int spare[3];
	unsigned int worker;
	uint32_t seq;
};

enum {
	STEP_OURS = 1,		/* in-tree has no such call, or not before 7.2 */
	STEP_ONCE = 2,		/* -EBUSY when it is done again */
	STEP_LAST = 4,		/* cannot be done again */
	STEP_IOTLB = 8,		/* of a life with an IOTLB only */
	STEP_PLAIN = 16,	/* of one without */
	STEP_PEER = 32,		/* traffic: no call, nothing to fail */
	STEP_EINVAL = 64,	/* what in-tree says of a message it cannot read */
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

#endif
