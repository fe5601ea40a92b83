/* SPDX-License-Identifier: GPL-2.0 */
/* split.h - per-chain operations of the split ring */
#ifndef VTAP_RING_SPLIT_H
#define VTAP_RING_SPLIT_H

#include "chain.h"

/* split.c */
int vtap_split_fetch(struct vtap_ring *r);
int vtap_split_fetch_scattered(struct vtap_ring *r);
void vtap_split_pop_run(struct vtap_ring *r, const struct vtap_mem *m,
			struct vtap_run *run);
u16 vtap_split_stage_run(struct vtap_ring *r, const struct vtap_used *used,
			 u16 nr);
int vtap_split_spill(struct vtap_ring *r);
void vtap_split_log_word(struct vtap_ring *r, const u16 __user *word);
int vtap_split_publish(struct vtap_ring *r);
int vtap_split_needs_call(struct vtap_ring *r);
int vtap_split_empty(struct vtap_ring *r);
int vtap_split_has_new(struct vtap_ring *r);
int vtap_split_disable_notify(struct vtap_ring *r);
int vtap_split_enable_notify(struct vtap_ring *r);

static __always_inline u16 vtap_split_le16(u16 x)
{
	return le16_to_cpu((__force __le16)x);
}

static __always_inline size_t vtap_split_avail_bytes(size_t num, bool event_idx)
{
	return sizeof(struct vring_avail) + (num + event_idx) * sizeof(u16);
}

static __always_inline size_t vtap_split_used_bytes(size_t num, bool event_idx)
{
	return sizeof(struct vring_used) +
	       num * sizeof(struct vring_used_elem) + event_idx * sizeof(u16);
}

/* vtap_split_pop(); @plain optimizes for chains of one descriptor. */
static __always_inline int vtap_split_pop_as(struct vtap_ring *r,
					     struct vtap_mem *m,
					     struct vtap_chain *c,
					     const bool plain)
{
	const u16 not_plain = VRING_DESC_F_NEXT | VRING_DESC_F_INDIRECT;
	u16 i = r->last_avail - r->fetch_start;
	struct vtap_desc d;
	int ret;

	if (i >= r->nr_fetched || unlikely(r->fault)) {
		ret = unlikely(r->scattered) ? vtap_split_fetch_scattered(r) :
					 vtap_split_fetch(r);
		if (ret <= 0)
			return ret;
		i = 0;
	}
	c->head = vtap_split_le16(r->head[i]);
	c->nr_out = 0;
	c->nr_in = 0;
	c->cost = 0;
	c->out_len = 0;
	c->in_len = 0;

	d = vtap_desc_from_split(&r->first[i]);
	if (likely(!(d.flags & not_plain)))
		ret = vtap_chain_add(r, m, c, d);
	else if (plain)
		ret = vtap_chain_walk_copied(r, m, c, d);
	else
		ret = vtap_chain_walk(r, m, c, d);
	if (unlikely(ret))
		return ret;
	r->last_avail++;
	return 1;
}

/**
 * vtap_split_pop - take the next available chain
 * @r: ring; the caller owns the pass
 * @m: guest memory view
 * @c: chain; the caller sets @iov and @iov_max. The other members are valid on
 *	success only.
 *
 * Each field is fetched from the guest once. A fault consumes no chain, so the
 * indices still show what the driver made available.
 *
 * Context: process context with the owner's address space; may fault.
 * Return: 1 if a chain was taken; 0 if the ring is empty; -EIO if the ring is
 * broken (r->fault); -ENOBUFS if the chain exceeds an @iov_max below
 * VTAP_CHAIN_MAX; -EAGAIN on an IOTLB miss (m->tlb->miss_iova and miss_perm).
 */
static __always_inline int vtap_split_pop(struct vtap_ring *r,
					  struct vtap_mem *m,
					  struct vtap_chain *c)
{
	return vtap_split_pop_as(r, m, c, false);
}

/**
 * vtap_split_discard - return the last popped chains to the ring
 * @r: ring
 * @nr_chains: number of chains, at most those popped since the last stage
 *
 * The chains must be unused. vtap_split_pop() takes them again in the same
 * order, and fetches them again where needed.
 */
static inline void vtap_split_discard(struct vtap_ring *r, u16 nr_chains)
{
	r->last_avail -= nr_chains;
}

/**
 * vtap_split_stage - record a used entry, which the driver does not see yet
 * @r: ring
 * @head: head of the chain
 * @len: number of bytes written to the chain
 *
 * Return: 0, or -EIO if the ring is broken.
 */
static __always_inline int vtap_split_stage(struct vtap_ring *r, u16 head,
					    u32 len)
{
	struct vring_used_elem *e;

	if (unlikely(r->fault))
		return -EIO;
	if (unlikely(r->nr_staged == ARRAY_SIZE(r->staged))) {
		int err = vtap_split_spill(r);

		if (err)
			return err;
	}
	e = &r->staged[r->nr_staged++];
	e->id = (__force __virtio32)cpu_to_le32(head);
	e->len = (__force __virtio32)cpu_to_le32(len);
	return 0;
}

#endif /* VTAP_RING_SPLIT_H */
