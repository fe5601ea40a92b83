/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The dirty log as live migration uses it, and its check: guest memory is
 * copied, something happens, and then the pages that differ are compared with
 * the bits that are set, both ways.
 *
 * What the driver writes itself - descriptor tables and avail rings - is left
 * out of the comparison, but must never be logged. A packed ring's descriptors
 * both write: they are compared only while the driver rests.
 *
 * Read before: guest.h (rings_inside).
 */
#ifndef VTAP_TEST_DIRTY_H
#define VTAP_TEST_DIRTY_H

#include "guest.h"

/**
 * struct dirty - a bitmap and a copy of guest memory
 * @bits: the log: bit (gpa / 4096 % 8) of byte (gpa / 4096 / 8)
 * @snap: guest memory as it was, in the order of g->mem
 * @may: per page of g->mem: may be logged though its bytes are the same
 * @ours: per page of g->mem: written by the driver
 * @shared: per page of g->mem: a packed ring's descriptors, written by both
 * @driver_rests: @shared has been written by the device only since the copy
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
