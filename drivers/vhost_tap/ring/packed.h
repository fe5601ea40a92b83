/* SPDX-License-Identifier: GPL-2.0 */
/*
 * packed.h - positions and per-chain operations of the packed ring
 *
 * A packed virtqueue (virtio 1.2, section 2.8) has one ring of descriptors,
 * which both sides write, and an event structure of each side:
 *
 *   desc[num]   address, length, id, flags
 *   driver      written by the driver: when to call it
 *   device      written by the device: when to kick it
 *
 * There are no indices. Each side goes around the ring and flips its wrap
 * counter at the end. The AVAIL and USED bits of a descriptor show its owner.
 * A descriptor is available in this lap if AVAIL equals the wrap counter and
 * USED does not. It is used if both equal the wrap counter.
 *
 * A chain is a contiguous run of descriptors. Its last descriptor has the
 * buffer id, which the used entry repeats. The used entry overwrites the first
 * descriptor of the chain and stands for the whole chain. The next used entry
 * follows after as many descriptors as the chain has. We use chains in the
 * order in which we took them, so a used entry overwrites only descriptors
 * that we own.
 *
 *   driver                              device (we)
 *   ------                              -----------
 *   write desc[] but the first's flags
 *   A  store the first's flags,    ->   B  load flags, acquire, of each
 *      release                             descriptor; load the rest of it
 *                                          read buffers
 *                                          write buffers, used entries but the
 *                                          first
 *   D  load flags of the next,     <-   C  store the first, release
 *      acquire
 *   read its id and length, buffers
 *
 * B checks the flags of each descriptor. These flags cover what is loaded
 * together with them or after them. Length, id and flags are one aligned word,
 * which one load reads. The address must be loaded after that word, or it could
 * belong to the last lap. A long run is copied twice instead: the first copy
 * supplies the flags, and the second copy, ordered after it, is used. Two copy
 * calls cost less than two loads per descriptor.
 *
 * The driver makes a chain available with its first descriptor. If that one is
 * available, so are the others, which are always loaded after it. One that is
 * not available is a fault (CHAIN_TORN).
 *
 * C works in the opposite direction. The driver reads used entries one by one,
 * so it sees no entry before the flags of the first one are stored. E and F are
 * as in ring.h, with the flags of the next descriptor instead of an index.
 */
#ifndef VTAP_RING_PACKED_H
#define VTAP_RING_PACKED_H

#include "chain.h"

#define VTAP_PACKED_WRAP	BIT(VRING_PACKED_EVENT_F_WRAP_CTR)
#define VTAP_PACKED_IDX		(VTAP_PACKED_WRAP - 1)
/* Both positions at the start of the first lap. */
#define VTAP_PACKED_FRESH	((u32)VTAP_PACKED_WRAP << 16 | VTAP_PACKED_WRAP)
#define VTAP_PACKED_AVAIL	BIT(VRING_PACKED_DESC_F_AVAIL)
#define VTAP_PACKED_USED	BIT(VRING_PACKED_DESC_F_USED)
#define VTAP_PACKED_BOTH	(VTAP_PACKED_AVAIL | VTAP_PACKED_USED)

/* packed.c */
int vtap_packed_is_avail(struct vtap_ring *r, u16 pos);
int vtap_packed_fetch(struct vtap_ring *r);
int vtap_packed_fetch_scattered(struct vtap_ring *r);
int vtap_packed_walk(struct vtap_ring *r, struct vtap_mem *m,
		     struct vtap_chain *c,
		     const struct vring_packed_desc *from);
void vtap_packed_pop_run(struct vtap_ring *r, const struct vtap_mem *m,
			 struct vtap_run *run);
void vtap_packed_take_back(struct vtap_ring *r, u16 n);
void vtap_packed_wrap(struct vtap_ring *r);

/* packed_used.c */
void vtap_packed_set_max(struct vtap_ring *r);
void vtap_packed_stage_from(struct vtap_ring *r, u16 used);
void vtap_packed_end_lap(struct vtap_ring *r);
int vtap_packed_stage_wrapped(struct vtap_ring *r);
u16 vtap_packed_stage_run(struct vtap_ring *r, const struct vtap_used *used,
			  u16 nr);
int vtap_packed_publish(struct vtap_ring *r);

/* packed_event.c */
int vtap_packed_write_event(struct vtap_ring *r, int pos, u16 mode);
int vtap_packed_needs_call(struct vtap_ring *r);
int vtap_packed_empty(struct vtap_ring *r);
int vtap_packed_has_new(struct vtap_ring *r);
int vtap_packed_disable_notify(struct vtap_ring *r);
int vtap_packed_enable_notify(struct vtap_ring *r);

/* ---- positions: an index below num, and the wrap counter in bit 15 ---- */

static __always_inline u16 vtap_packed_idx(u16 pos)
{
	return pos & VTAP_PACKED_IDX;
}

/* Return the position @n <= num descriptors after @pos. */
static __always_inline u16 vtap_packed_advance(const struct vtap_ring *r,
					       u16 pos, u16 n)
{
	u32 idx = vtap_packed_idx(pos) + n;	/* below 2^16 */
	u16 wrap = pos & VTAP_PACKED_WRAP;

	if (unlikely(idx >= r->num)) {
		idx -= r->num;
		wrap ^= VTAP_PACKED_WRAP;
	}
	return wrap | idx;
}

/* Return the distance from @from to @to modulo two laps; indices below num. */
static __always_inline u32 vtap_packed_distance(const struct vtap_ring *r,
						u16 from, u16 to)
{
	s32 n = vtap_packed_idx(to) - vtap_packed_idx(from);

	if ((to ^ from) & VTAP_PACKED_WRAP)
		n += r->num;
	return n < 0 ? n + 2 * r->num : n;
}

/* AVAIL and USED bits of an available descriptor in the lap of @pos. */
static __always_inline u16 vtap_packed_avail_flags(u16 pos)
{
	return pos & VTAP_PACKED_WRAP ? VTAP_PACKED_AVAIL : VTAP_PACKED_USED;
}

static __always_inline bool vtap_packed_offered(u16 pos, u16 flags)
{
	return (flags & VTAP_PACKED_BOTH) == vtap_packed_avail_flags(pos);
}

/* The second word of a descriptor in ring format; a used entry has no other. */
static __always_inline u64 vtap_packed_pack_word(u32 len, u16 id, u16 flags)
{
	u64 word = (u64)flags << 48 | (u64)id << 32 | len;

	BUILD_BUG_ON(offsetof(struct vring_packed_desc, len) != 8 ||
		     offsetof(struct vring_packed_desc, id) != 12 ||
		     offsetof(struct vring_packed_desc, flags) != 14);
	return (__force u64)cpu_to_le64(word);
}

/* ---- chain head: buffer id, and number of descriptors minus one ---- */

static __always_inline u32 vtap_packed_head(u16 id, u16 nr_desc)
{
	return (u32)(nr_desc - 1) << 16 | id;
}

static __always_inline u16 vtap_packed_nr_extra(u32 head)
{
	return head >> 16;
}

/* ---- per-chain operations ---- */

/**
 * vtap_packed_pop - take the next available chain
 * @r: ring; the caller owns the pass
 * @m: guest memory view
 * @c: as in vtap_split_pop(); @head is a vtap_packed_head()
 * @plain: optimize for chains of one descriptor, see vtap_chain_walk_copied()
 *
 * Context: process context with the owner's address space; may fault.
 * Return: as vtap_split_pop().
 */
static __always_inline int vtap_packed_pop(struct vtap_ring *r,
					   struct vtap_mem *m,
					   struct vtap_chain *c,
					   const bool plain)
{
	const u16 not_plain = VRING_DESC_F_NEXT | VRING_DESC_F_INDIRECT;
	const struct vring_packed_desc *first;
	struct vtap_desc d;
	int ret;

	/* vtap_ring_break() clears nr_left, so a broken ring fails here. */
	if (!r->nr_left) {
		ret = unlikely(r->scattered) ? vtap_packed_fetch_scattered(r) :
					 vtap_packed_fetch(r);
		if (ret <= 0)
			return ret;
	}
	first = r->fetch_end + r->nr_left;
	d = vtap_desc_from_packed(first);
	c->head = vtap_packed_head(d.id, 1);
	c->nr_out = 0;
	c->nr_in = 0;
	c->cost = 0;
	c->out_len = 0;
	c->in_len = 0;

	if (likely(!(d.flags & not_plain))) {
		/* Advance first: this shortens the path without an error. */
		r->last_avail++;
		if (unlikely(!++r->nr_left))
			vtap_packed_wrap(r);
		ret = vtap_chain_add(r, m, c, d);
		if (likely(!ret))
			return 1;
		vtap_packed_take_back(r, 1);
		return ret;
	}
	if (plain) {
		struct vtap_chain whole = *c;

		ret = vtap_packed_walk(r, m, &whole, first);
		*c = whole;
	} else {
		ret = vtap_packed_walk(r, m, c, first);
	}
	if (unlikely(ret < 0))
		return ret;
	r->last_avail = vtap_packed_advance(r, r->last_avail, ret);
	r->nr_left = min(r->nr_left + ret, 0L);
	return 1;
}

/* As vtap_split_discard(), with the heads of the chains. */
static inline void vtap_packed_discard(struct vtap_ring *r, const u32 *heads,
				       u16 nr_chains)
{
	for (; nr_chains; nr_chains--, heads++)
		vtap_packed_take_back(r, vtap_packed_nr_extra(*heads) + 1);
}

/* As vtap_split_stage(); chains are staged in the order they were popped. */
static __always_inline int vtap_packed_stage(struct vtap_ring *r, u32 head,
					     u32 len)
{
	u64 word = vtap_packed_pack_word(len, head, 0);
	u16 more = vtap_packed_nr_extra(head), i;

	if (unlikely(r->nr_staged >= r->stage_max)) {
		int err = vtap_packed_stage_wrapped(r);

		if (err)
			return err;
	}
	if (likely(len))
		word |= vtap_packed_pack_word(0, 0, VRING_DESC_F_WRITE);
	i = r->nr_staged++;
	r->packed_staged[i] = word | r->stage_word;
	if (!more)
		return 0;
	r->skip[i] = more;
	r->has_gaps = true;
	r->stage_room -= more;
	if (r->stage_room <= VTAP_FETCH)
		vtap_packed_end_lap(r);
	return 0;
}

#endif /* VTAP_RING_PACKED_H */
