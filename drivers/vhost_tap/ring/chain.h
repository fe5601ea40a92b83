/* SPDX-License-Identifier: GPL-2.0 */
/*
 * chain.h - translate a chain of one descriptor to segments of user memory
 *
 * Each descriptor is fetched once and checked in the copy that is then used.
 */
#ifndef VTAP_RING_CHAIN_H
#define VTAP_RING_CHAIN_H

#include "ring.h"

/* chain.c */
int __cold vtap_chain_unmapped(struct vtap_ring *r, u16 iov_max, int err);
int vtap_chain_indirect(struct vtap_ring *r, struct vtap_mem *m,
			struct vtap_chain *c, struct vtap_desc table, u16 seen);
int vtap_chain_indirect_packed(struct vtap_ring *r, struct vtap_mem *m,
			       struct vtap_chain *c, struct vtap_desc table);
int vtap_chain_fetch(struct vtap_ring *r, u16 i, u16 n);
int vtap_chain_walk(struct vtap_ring *r, struct vtap_mem *m,
		    struct vtap_chain *c, struct vtap_desc d);

/*
 * Append the segments of one buffer to @c->iov.
 * Return: number of segments, or a negative errno as vtap_split_pop().
 */
static __always_inline int vtap_chain_map(struct vtap_ring *r,
					  struct vtap_mem *m,
					  const struct vtap_chain *c,
					  struct vtap_desc d, bool in)
{
	u16 room = c->iov_max - c->cost;	/* cost <= iov_max */
	int n;

	/* nr_out + nr_in <= cost, so at least @room segments are free */
	n = vtap_mem_translate(m, in ? VHOST_ACCESS_WO : VHOST_ACCESS_RO,
			       d.addr, d.len, c->iov + c->nr_out + c->nr_in,
			       room);
	if (unlikely(!n && !room))
		n = -ENOBUFS;
	if (unlikely(n < 0))
		return vtap_chain_unmapped(r, c->iov_max, n);
	return n;
}

/* Append one buffer, writable if @in is set. */
static __always_inline int vtap_chain_add_as(struct vtap_ring *r,
					     struct vtap_mem *m,
					     struct vtap_chain *c,
					     struct vtap_desc d, bool in)
{
	int n = vtap_chain_map(r, m, c, d, in);

	if (unlikely(n < 0))
		return n;
	c->cost += n ?: 1;

	if (in) {
		c->nr_in += n;
		c->in_len += d.len;	/* <= 1024 * (2^32 - 1): no wrap */
	} else {
		/* virtio 1.2, 2.7.4.2: readable before writable */
		if (unlikely(c->nr_in))
			return vtap_ring_break(r, VTAP_FAULT_CHAIN_ORDER);
		c->nr_out += n;
		c->out_len += d.len;
	}
	return 0;
}

static __always_inline int vtap_chain_add(struct vtap_ring *r,
					  struct vtap_mem *m,
					  struct vtap_chain *c,
					  struct vtap_desc d)
{
	return vtap_chain_add_as(r, m, c, d, d.flags & VRING_DESC_F_WRITE);
}

/*
 * Append a chain of one buffer to a run, and advance the pointers of the run.
 * Return: false if the buffer is not writable or not inside the region @hit.
 */
static __always_inline bool vtap_chain_run_add(struct vtap_run *run,
					       const struct vtap_region *hit,
					       struct vtap_desc d, u32 head)
{
	const u16 kind = VRING_DESC_F_NEXT | VRING_DESC_F_INDIRECT |
			 VRING_DESC_F_WRITE;
	u64 off = d.addr - hit->gpa;
	u32 part = min(d.len, run->need);

	if ((d.flags & kind) != VRING_DESC_F_WRITE || off >= hit->size)
		return false;
	if (d.len > hit->size - off || !part)
		return false;
	run->iov->iov_base = (void __user *)(unsigned long)(hit->uaddr + off);
	run->iov->iov_len = d.len;
	run->iov++;
	run->used->head = head;
	run->used->len = part;
	run->used++;
	run->need -= part;
	return true;
}

/*
 * Walk a copy of @c, so its address is never taken and the compiler keeps @c in
 * registers. Callers use this where most chains have one descriptor.
 */
static __always_inline int vtap_chain_walk_copied(struct vtap_ring *r,
						  struct vtap_mem *m,
						  struct vtap_chain *c,
						  struct vtap_desc d)
{
	struct vtap_chain whole = *c;
	int err = vtap_chain_walk(r, m, &whole, d);

	*c = whole;
	return err;
}

#endif /* VTAP_RING_CHAIN_H */
