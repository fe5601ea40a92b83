/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One bad thing that a guest can put into a ring, and how it must end: the queue
 * stops, its err eventfd signalled, or the packet is dropped; either is counted.
 *
 * Read before: guest.h. Read next: hostile_test.c, packed_hostile_test.c.
 */
#ifndef VTAP_TEST_HOSTILE_H
#define VTAP_TEST_HOSTILE_H

#include "guest.h"

/**
 * struct world - what a bad guest has at hand
 * @gpa: 64 KiB of good memory
 * @table: room for an indirect table
 */
struct world {
	struct guest *g;
	struct vq *q;
	uint64_t gpa;
	uint64_t table;
};

/**
 * struct bad - a case
 * @fault: counter that it adds to; "A|B": either will do
 * @is_drop: the packet is completed, the queue goes on
 * @intree_fails: in-tree is known to fail it
 */
struct bad {
	const char *name;
	void (*make)(struct world *w);
	const char *fault;
	bool is_drop;
	bool intree_fails;
};

const char *hostile_case(struct world *w, const struct bad *b, int backend,
			 int host);

#endif
