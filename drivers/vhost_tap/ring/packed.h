/* SPDX-License-Identifier: GPL-2.0 */
/*
 * packed.h - the packed ring: positions, and what runs for each chain
 *
 * Read before: ring.h (what the verbs promise), chain.h. Beside: split.h. Read
 * next: packed.c (fetch), packed_used.c (used entries), packed_event.c (calls and
 * kicks).
 *
 * A packed virtqueue (virtio 1.2, section 2.8) is one ring of descriptors that
 * both sides write, and two words on notifications:
 *
 *   desc[num]   address, length, id, flags
 *   driver      the driver writes when it wants to be called
 *   device      the device writes when it wants to be kicked
 *
 * There are no indices. Each side walks round the ring and flips its wrap
 * counter at the end of it. A descriptor's AVAIL and USED bits tell whose it
 * is: AVAIL as the wrap counter and USED not, the driver has made it available
 * in this lap; both as the wrap counter, the device has used it. A chain is
 * descriptors in a row; its last one has the id that the used entry names. The
 * used entry overwrites the chain's first descriptor and stands for all of it,
 * so the next one goes as many descriptors on. Chains are used in the order
 * they were taken, which is why that first descriptor is always ours.
 *
 *   driver                              device (we)
 *   ------                              -----------
 *   write desc[] but the first's flags
 *   A  store the first's flags,    ->   B  load flags, acquire, of each in a
 *      release                             row; load the rest of it
 *                                          read buffers
 *                                          write buffers, used entries but the
 *                                          first
 *   D  load flags of the next,     <-   C  store the first, release
 *      acquire
 *   read its id and length, buffers
 *
 * B decides for each descriptor by its own flags, which vouch for what is
 * loaded with them or behind them. Length, id and flags are one aligned word
 * and come by one load; the address, loaded the other way round, could be that
 * of the last lap. A long run is copied twice instead, and used as copied the
 * second time, behind the flags of the first: two calls are cheaper than two
 * loads a descriptor.
 *
 * The driver makes a chain available by its first descriptor. Seeing that one
 * is seeing all, if they are loaded behind it, and they are: in the run, or
 * when the chain is walked. A second one that is not available is torn.
 *
 * C is the same the other way round: the driver goes from used entry to used
 * entry, so what is hidden behind the first one's flags is hidden. E and F are
 * ring.h's, with the flags of the next descriptor for an index.
 */
#ifndef VTAP_RING_PACKED_H
#define VTAP_RING_PACKED_H

#include "chain.h"

#define VTAP_PACKED_WRAP	BIT(VRING_PACKED_EVENT_F_WRAP_CTR)
#define VTAP_PACKED_IDX		(VTAP_PACKED_WRAP - 1)
/* A base: both positions at the start of the first lap. */
#define VTAP_PACKED_FRESH	((u32)VTAP_PACKED_WRAP << 16 | VTAP_PACKED_WRAP)
#define VTAP_PACKED_AVAIL	BIT(VRING_PACKED_DESC_F_AVAIL)
#define VTAP_PACKED_USED	BIT(VRING_PACKED_DESC_F_USED)
#define VTAP_PACKED_BOTH	(VTAP_PACKED_AVAIL | VTAP_PACKED_USED)

/* packed.c */
int vtap_packed_is_avail(struct vtap_ring *r, u16 at);
int vtap_packed_fetch(struct vtap_ring *r);
int vtap_packed_fetch_scattered(struct vtap_ring *r);
int vtap_packed_walk(struct vtap_ring *r, struct vtap_mem *m,
		     struct vtap_chain *c,
		     const struct vring_packed_desc *from);
void vtap_packed_take_back(struct vtap_ring *r, u16 n);
void vtap_packed_wrap(struct vtap_ring *r);

/* packed_used.c */
void vtap_packed_set_max(struct vtap_ring *r);
void vtap_packed_stage_from(struct vtap_ring *r, u16 used);
void vtap_packed_end_lap(struct vtap_ring *r);
int vtap_packed_stage_wrapped(struct vtap_ring *r);
int vtap_packed_publish(struct vtap_ring *r);

/* packed_event.c */
int vtap_packed_put_event(struct vtap_ring *r, int at, u16 mode);
int vtap_packed_needs_call(struct vtap_ring *r);
int vtap_packed_empty(struct vtap_ring *r);
int vtap_packed_has_new(struct vtap_ring *r);
int vtap_packed_disable_notify(struct vtap_ring *r);
int vtap_packed_enable_notify(struct vtap_ring *r);

/* ---- positions: an index below num, and the wrap counter in bit 15 ---- */

static __always_inline u16 vtap_packed_idx(u16 at)
{
	return at & VTAP_PACKED_IDX;
}

/* The position @n <= num descriptors on. */
static __always_inline u16 vtap_packed_advance(const struct vtap_ring *r,
					       u16 at, u16 n)
{
	u32 idx = vtap_packed_idx(at) + n;	/* below 2^16 */
	u16 wrap = at & VTAP_PACKED_WRAP;

	if (unlikely(idx >= r->num)) {
		idx -= r->num;
		wrap ^= VTAP_PACKED_WRAP;
	}
	return wrap | idx;
}

/* Descriptors from @from on to @to, modulo two laps; both indices below num. */
static __always_inline u32 vtap_packed_distance(const struct vtap_ring *r,
						u16 from, u16 to)
{
	s32 n = vtap_packed_idx(to) - vtap_packed_idx(from);

	if ((to ^ from) & VTAP_PACKED_WRAP)
		n += r->num;
	return n < 0 ? n + 2 * r->num : n;
}

/* AVAIL and USED of a descriptor that is available at a position of this lap. */
static __always_inline u16 vtap_packed_avail_flags(u16 at)
{
	return at & VTAP_PACKED_WRAP ? VTAP_PACKED_AVAIL : VTAP_PACKED_USED;
}

static __always_inline bool vtap_packed_offered(u16 at, u16 flags)
{
	return (flags & VTAP_PACKED_BOTH) == vtap_packed_avail_flags(at);
}

/*
 * The second word of a descriptor, as it lies in the ring: length, id, flags. A
 * used entry is no more than that.
 */
static __always_inline u64 vtap_packed_pack_word(u32 len, u16 id, u16 flags)
{
	u64 word = (u64)flags << 48 | (u64)id << 32 | len;

	BUILD_BUG_ON(offsetof(struct vring_packed_desc, len) != 8 ||
		     offsetof(struct vring_packed_desc, id) != 12 ||
		     offsetof(struct vring_packed_desc, flags) != 14);
	return (__force u64)cpu_to_le64(word);
}

/* ---- chains: the buffer id, and how many descriptors more than one they have ---- */

static __always_inline u32 vtap_packed_head(u16 id, u16 nr_desc)
{
	return (u32)(nr_desc - 1) << 16 | id;
}

static __always_inline u16 vtap_packed_nr_extra(u32 head)
{
	return head >> 16;
}

/* ---- the verbs of each chain ---- */

/**
 * vtap_packed_pop - take the next available chain
 * @r: ring; the caller owns the pass
 * @m: guest memory view
 * @c: as of vtap_split_pop(); @head is a vtap_packed_head()
 * @plain: chains are mostly one descriptor, see vtap_chain_walk_copied()
 *
 * Context: process context of the owner's address space, may fault.
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

	/* Nothing is ready when the ring is broken. */
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
		/* Taken first, which leaves less to do where all is well. */
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

/**
 * vtap_packed_discard - give the last popped chains back, untouched
 * @r: ring
 * @heads: theirs
 * @nr_chains: how many; not more than were popped since the last stage
 */
static inline void vtap_packed_discard(struct vtap_ring *r, const u32 *heads,
				       u16 nr_chains)
{
	for (; nr_chains; nr_chains--, heads++)
		vtap_packed_take_back(r, vtap_packed_nr_extra(*heads) + 1);
}

/**
 * vtap_packed_stage - note a used entry, not yet visible to the driver
 * @r: ring
 * @head: the chain's; chains are staged in the order they were popped
 * @len: bytes written into the chain
 *
 * Return: 0, or -EIO when the ring is or gets broken.
 */
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
