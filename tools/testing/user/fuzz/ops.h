/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ops.h - the program format of ring_fuzz.c, and functions to write it for seeds.c
 *
 * A program is struct ops_head, then operations: a byte of enum op and its operands.
 * All numbers are little-endian. Missing bytes at the end are 0.
 */
#ifndef VTAP_FUZZ_OPS_H
#define VTAP_FUZZ_OPS_H

#include <stdint.h>
#include <string.h>

/*
 * Head: log2 of the size, or for packed the size less 1 (1); OPS_F_* (1); first
 * index (2).
 */
#define OPS_F_EVENT_IDX		1
#define OPS_F_CALL_ON_EMPTY	2
#define OPS_F_IOMMU		4
#define OPS_F_PAGES		8
#define OPS_F_LOG		16
#define OPS_F_PACKED		32

enum op {
	/* operations of the driver */
	OP_ADD,			/* nr (1), then place (2) and len (2) of each */
	OP_ADD_INDIRECT,	/* as for OP_ADD */
	OP_SHOW,		/* publish, kick if needed */
	OP_TAKE,		/* take back all used chains */
	OP_CALL_ON,
	OP_CALL_OFF,
	OP_CALL_AT,		/* distance from the used index (1) */
	/* operations of the device */
	OP_POP,			/* number (1), room for segments (1) */
	OP_UNPOP,		/* number (1) */
	OP_STAGE,		/* number (1) */
	OP_PUBLISH,		/* and call if needed */
	OP_KICK_OFF,
	OP_KICK_ON,
	OP_EMPTY,
	OP_RESTART,		/* save the base, start again from it */
	OP_MOVE,
	/* operations of the IOMMU, if it exists */
	OP_TAKE_BACK,		/* page (1), offset / 16 (1), log2 of size (1) */
	OP_TELL,		/* page (1), 1: a lie, 2: not its start, 4: nor
				 * its end (1); then page, perm; offset; size
				 */
	/* Other operations: after these, few guarantees hold. */
	OP_FAIL,		/* fail the n-th access from here (1) */
	OP_HOSTILE,		/* key (4) */
	OP_WRITE,		/* area (1), offset (2), len (1), bytes */
	NR_OPS
};

/* Bit 15 of a buffer's len means writable. The place is an offset into RAM. */
#define OPS_WRITE	0x8000

struct ops {
	uint8_t buf[65536];
	size_t len;
};

static inline void ops8(struct ops *o, unsigned int v)
{
	if (o->len < sizeof(o->buf))
		o->buf[o->len++] = v;
}

static inline void ops16(struct ops *o, unsigned int v)
{
	ops8(o, v & 0xff);
	ops8(o, v >> 8);
}

static inline void ops_begin(struct ops *o, unsigned int log2,
			     unsigned int flags, unsigned int start)
{
	o->len = 0;
	ops8(o, log2);
	ops8(o, flags);
	ops16(o, start);
}

/* Write a chain of @nr buffers of @len bytes, the last @nr_in writable. */
static inline void ops_add(struct ops *o, enum op code, unsigned int nr,
			   unsigned int nr_in, unsigned int len)
{
	unsigned int i;

	ops8(o, code);
	ops8(o, nr - 1);
	for (i = 0; i < nr; i++) {
		ops16(o, i * 64);
		ops16(o, len | (i >= nr - nr_in ? OPS_WRITE : 0));
	}
}

static inline void ops_1(struct ops *o, enum op code, unsigned int a)
{
	ops8(o, code);
	ops8(o, a);
}

static inline void ops_pop(struct ops *o, unsigned int nr, unsigned int room)
{
	ops8(o, OP_POP);
	ops8(o, nr - 1);
	ops8(o, room);
}

static inline void ops_write(struct ops *o, unsigned int area,
			     unsigned int at, const void *from,
			     unsigned int len)
{
	const uint8_t *p = from;

	ops8(o, OP_WRITE);
	ops8(o, area);
	ops16(o, at);
	ops8(o, len - 1);
	while (len--)
		ops8(o, *p++);
}

#endif /* VTAP_FUZZ_OPS_H */
