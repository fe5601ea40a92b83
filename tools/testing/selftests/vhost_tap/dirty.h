/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The dirty log as live migration uses it, and its check: copy guest memory, run a
 * test, then compare the changed pages with the set bits in both directions.
 *
 * The comparison leaves out pages that the driver writes (descriptor tables and avail
 * rings), but they must never be logged. Driver and device both write the descriptors
 * of a packed ring, so these are compared only while the driver is idle.
 */
#ifndef VTAP_TEST_DIRTY_H
#define VTAP_TEST_DIRTY_H

#include "guest.h"

/**
 * struct dirty - a bitmap and a copy of guest memory
 * @snap: copy of guest memory, in the order of g->mem
 * @may: per page of g->mem: may be logged without a change of its bytes
 * @ours: per page of g->mem: written by the driver
 * @shared: per page of g->mem: a packed ring's descriptors, written by both sides
 * @driver_rests: only the device has written @shared since the copy
 */
struct dirty {
	struct guest *g;
	uint8_t *bits;
	size_t len;
	uint8_t *snap;
	uint8_t *may;
	uint8_t *ours;
	uint8_t *shared;
	bool driver_rests;
};

int dirty_init(struct dirty *d, struct guest *g);
void dirty_free(struct dirty *d);
int dirty_base(struct dirty *d, void *base);
int dirty_on(struct dirty *d);
int dirty_off(struct dirty *d);
void dirty_snap(struct dirty *d);
unsigned int dirty_missed(struct dirty *d, bool tell);
unsigned int dirty_needless(struct dirty *d, bool tell);
unsigned int dirty_set(struct dirty *d);
unsigned int dirty_set_soon(struct dirty *d);
bool dirty_exact(struct dirty *d);
bool dirty_covered(struct dirty *d);
void dirty_harvest(struct dirty *d);
unsigned int dirty_stale(struct dirty *d, size_t from);

#endif
