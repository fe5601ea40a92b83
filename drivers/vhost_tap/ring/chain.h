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

/* Length and flags from the second word of a descriptor, without next or id. */
static __always_inline u64 vtap_chain_shape(u64 tail, const bool packed)
{
	return packed ? tail & ~((u64)U16_MAX << 32) : tail << 16;
}

/*
 * Append chains of one writable buffer each to a packet, while the buffers are
 * in the region m->hit[1]. @descs are @nr > 0 descriptors in ring format, @heads
 * their heads in a split ring. Drivers add many buffers of one length, so flags
 * and length are checked only if they are not those of the last descriptor.
 */
static __always_inline void
vtap_chain_run(struct vtap_run *run, const struct vtap_mem *m, const void *descs,
	       u16 nr, const u16 *heads, const bool packed)
{
	const u8 flags_at = packed ? 48 : 32;	/* bit of the second word */
	const u16 kind = VRING_DESC_F_NEXT | VRING_DESC_F_INDIRECT |
			 VRING_DESC_F_WRITE;
	const __le64 *d = descs, *end = d + 2 * min(nr, run->max);
	const struct vtap_region hit = m->hit[1];
	struct vtap_used *used = run->used;
	struct iovec *iov = run->iov;
	void __user *iov_end = iov->iov_base + iov->iov_len;
	u64 last = ~le64_to_cpu(d[1]), len = 0, max_off = 0;
	s64 need = run->need;

	for (; d < end; d += 2) {
		u64 off = le64_to_cpu(d[0]) - hit.gpa;
		u64 tail = le64_to_cpu(d[1]);
		void __user *buf;

		if (unlikely(vtap_chain_shape(tail ^ last, packed))) {
			len = (u32)tail;
			if ((tail >> flags_at & kind) != VRING_DESC_F_WRITE ||
			    !len || len > hit.size)
				break;
			max_off = hit.size - len;
			last = tail;
		}
		if (off > max_off)
			break;
		buf = (void __user *)(unsigned long)(hit.uaddr + off);
		if (buf == iov_end) {
			iov->iov_len += len;
		} else {
			iov++;
			iov->iov_base = buf;
			iov->iov_len = len;
		}
		iov_end = buf + len;
		used->head = packed ? (u16)(tail >> 32) :
				      le16_to_cpu((__force __le16)*heads++);
		used->len = len;
		used++;
		need -= len;
		if (need <= 0) {
			/* The buffer may be longer than the rest of the packet. */
			used[-1].len += need;
			need = 0;
			break;
		}
	}
	run->nr = used - run->used;
	run->nr_iov = iov - run->iov;
	run->need = need;
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
