/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A bad ring entry of a guest and its required result: the queue stops and signals its
 * err eventfd, or the packet is dropped. Both are counted.
 */
#ifndef VTAP_TEST_HOSTILE_H
#define VTAP_TEST_HOSTILE_H

#include "guest.h"

/**
 * struct target - memory for bad ring entries
 * @gpa: 64 KiB of valid guest memory
 * @table: room for an indirect table
 */
struct target {
	struct guest *g;
	struct vq *q;
	uint64_t gpa;
	uint64_t table;
};

/**
 * struct bad - a test case
 * @fault: counter of the fault; "A|B" permits either
 * @is_drop: the packet is completed and the queue continues
 * @intree_fails: in-tree vhost-net is known to fail this case
 */
struct bad {
	const char *name;
	void (*make)(struct target *t);
	const char *fault;
	bool is_drop;
	bool intree_fails;
};

const char *hostile_case(struct target *t, const struct bad *b, int backend,
			 int host);

#endif
