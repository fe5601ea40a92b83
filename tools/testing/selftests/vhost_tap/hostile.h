/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A bad ring entry of a guest and its required result: the queue stops and signals its
 * err eventfd, or the packet is dropped. Both are counted.
 */
#ifndef VTAP_TEST_HOSTILE_H
#define VTAP_TEST_HOSTILE_H

#include "guest.h"

#define N	VRING_DESC_F_NEXT
#define W	VRING_DESC_F_WRITE
#define I	VRING_DESC_F_INDIRECT

/* Addresses in a bad_desc: 64 KiB of valid memory, the indirect table, memory's end. */
#define MEM	0x6d656d00000000ULL
#define TABLE	0x74626c00000000ULL
#define END	0x656e6480000000ULL

/**
 * struct hostile_target - memory for bad ring entries
 * @gpa: 64 KiB of valid guest memory
 * @table: room for an indirect table
 */
struct hostile_target {
	struct guest *g;
	struct vq *q;
	uint64_t gpa;
	uint64_t table;
};

/**
 * struct hostile_desc - a descriptor of either format
 * @next: split rings only
 */
struct hostile_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

/**
 * struct hostile_case - a test case
 * @desc: the first descriptors of the ring; one without N ends a chain
 * @table: indirect table
 * @make: make the case, after @desc
 * @fault: counter of the fault; "A|B" permits either
 * @is_drop: the packet is completed and the queue continues
 * @intree_fails: in-tree vhost-net is known to fail this case
 */
struct hostile_case {
	const char *name;
	struct hostile_desc desc[3];
	struct hostile_desc table[2];
	void (*make)(struct hostile_target *t);
	const char *fault;
	bool is_drop;
	bool intree_fails;
};

void hostile_put(struct hostile_target *t, unsigned int i, const struct hostile_desc *bad,
		 bool is_first);
void hostile_chain(struct hostile_target *t, unsigned int nr, uint32_t len,
		   uint16_t last_flags);
const char *hostile_run(struct hostile_target *t, const struct hostile_case *b, int backend,
			int host);

#endif
