/* SPDX-License-Identifier: GPL-2.0 */
/*
 * packed.h - the packed ring: positions, and the verbs that take chains
 *
 * Read before: ring.h (what the verbs promise), chain.h. Beside: split.h. Read
 * next: packed_used.h, packed_event.h (calls and kicks).
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
#include "event.h"

#define VTAP_PACKED_WRAP	BIT(VRING_PACKED_EVENT_F_WRAP_CTR)
#define VTAP_PACKED_IDX		(VTAP_PACKED_WRAP - 1)
/* A base: both positions at the start of the first lap. */
#define VTAP_PACKED_FRESH	((u32)VTAP_PACKED_WRAP << 16 | VTAP_PACKED_WRAP)
#define VTAP_PACKED_AVAIL	BIT(VRING_PACKED_DESC_F_AVAIL)
#define VTAP_PACKED_USED	BIT(VRING_PACKED_DESC_F_USED)
#define VTAP_PACKED_BOTH	(VTAP_PACKED_AVAIL | VTAP_PACKED_USED)

/* ---- positions: an index below num, and the wrap counter in bit 15 ---- */

static __always_inline u16 vtap_packed_idx(u16 at)
{
	return at & VTAP_PACKED_IDX;
}

/* The position @n <= num descriptors on. */
static __always_inline u16 vtap_packed_on(const struct vtap_ring *r, u16 at,
					  u16 n)
{
	u32 idx = vtap_packed_idx(at) + n;	/* below 2^16 */
	u16 wrap = at & VTAP_PACKED_WRAP;

	if (unlikely(idx >= r->num)) {
		idx -= r->num;
		wrap ^= VTAP_PACKED_WRAP;
	}
	return wrap | idx;
}

/* The position @n <= num descriptors back. */
static __always_inline u16 vtap_packed_back(const struct vtap_ring *r, u16 at,
					    u16 n)
{
	/* As many as make a whole lap on, and the lap taken off. */
	return vtap_packed_on(r, at, r->num - n) ^ VTAP_PACKED_WRAP;
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
static __always_inline u16 vtap_packed_want(u16 at)
{
	return at & VTAP_PACKED_WRAP ? VTAP_PACKED_AVAIL : VTAP_PACKED_USED;
}

static __always_inline bool vtap_packed_offered(u16 at, u16 flags)
{
	return (flags & VTAP_PACKED_BOTH) == vtap_packed_want(at);
}

/*
 * The second word of a descriptor, as it lies in the ring: length, id, flags. A
 * used entry is no more than that.
 */
static __always_inline u64 vtap_packed_word(u32 len, u16 id, u16 flags)
{
	u64 word = (u64)flags << 48 | (u64)id << 32 | len;

	BUILD_BUG_ON(offsetof(struct vring_packed_desc, len) != 8 ||
		     offsetof(struct vring_packed_desc, id) != 12 ||
		     offsetof(struct vring_packed_desc, flags) != 14);
	return (__force u64)cpu_to_le64(word);
}

/* That word of a copy. */
static __always_inline u64 vtap_packed_tail(const struct vring_packed_desc *d)
{
	return *(const u64 *)&d->len;
}

static __always_inline void vtap_packed_set_tail(struct vring_packed_desc *d,
						 u64 word)
{
	*(u64 *)&d->len = word;
}

/* ---- chains: the buffer id, and how many descriptors more than one they have ---- */

static __always_inline u32 vtap_packed_head(u16 id, u16 nr_desc)
{
	return (u32)(nr_desc - 1) << 16 | id;
}

static __always_inline u16 vtap_packed_more(u32 head)
{
	return head >> 16;
}

/* ---- pop ---- */

/* Is the descriptor at a position available, as a look tells? */
static inline int vtap_packed_look(struct vtap_ring *r, u16 at)
{
	struct vring_packed_desc __user *d = r->packed_desc +
					     vtap_packed_idx(at);
	u16 __user *word = (u16 __user *)&d->flags;
	u16 flags;
	int err;

	if (unlikely(r->fault))
		return -EIO;
	err = vtap_ring_get16(r, vtap_ring_at(r, desc, word), &flags);
	return err ? err : vtap_packed_offered(at, flags);
}

/* @n descriptors from the next position on are in @packed_first. */
static __always_inline int vtap_packed_fetched(struct vtap_ring *r, u16 n)
{
	r->fetch_start = r->last_avail;
	r->nr_fetched = n;
	r->fetch_end = r->packed_first + n;
	r->ready = -n;
	r->seen = 0;
	r->avail_idx = vtap_packed_on(r, r->last_avail, n);
	return n > 0;
}

/*
 * Copy what is available from the next position on (B), up to VTAP_FETCH and
 * the end of the ring. In a scattered ring (@far) each word has its own place.
 *
 * Return: 1 something is fetched, 0 the ring is empty, -EIO broken.
 */
static __always_inline int vtap_packed_copy(struct vtap_ring *r, const bool far)
{
	/* Pointers, not array[i]: see vtap_split_fetch(). */
	u16 at = r->last_avail, idx = vtap_packed_idx(at), n;
	u16 max = min_t(u16, VTAP_FETCH, r->num - idx);
	u64 __user *word = (u64 __user *)(r->packed_desc + idx);
	u64 *to = (u64 *)r->packed_first;
	u64 both = vtap_packed_word(0, 0, VTAP_PACKED_BOTH);
	u64 want = vtap_packed_word(0, 0, vtap_packed_want(at));

#define vtap_packed_place(p)	(far ? vtap_ring_far_at(&r->far->desc, p) : (p))
	if (unlikely(r->fault))
		return -EIO;
	r->nr_fetched = 0;

	if (!user_read_access_begin(vtap_packed_place(word),
				    (far ? 1 : 2 * max) * sizeof(*word)))
		return vtap_ring_break(r, VTAP_FAULT_RING_ACCESS);
	for (n = 0; n < max; n++, word += 2, to += 2) {
		u64 __user *low = vtap_packed_place(word);
		u64 __user *high = vtap_packed_place(word + 1);
		u64 tail;

		/* B, pairs with A */
		vtap_get64_acquire(tail, high, fault);
		if ((tail & both) != want)
			break;
		unsafe_get_user(to[0], low, fault);
		to[1] = tail;
	}
	user_read_access_end();
#undef vtap_packed_place
	return vtap_packed_fetched(r, n);

fault:
	user_read_access_end();
	return vtap_ring_break(r, VTAP_FAULT_RING_ACCESS);
}

/* How many of @nr copied descriptors, from @first on, are available. */
static __always_inline u16
vtap_packed_nr_offered(const struct vtap_ring *r,
		       const struct vring_packed_desc *first, u16 nr)
{
	const struct vring_packed_desc *d = first, *end = d + nr;
	const u64 both = vtap_packed_word(0, 0, VTAP_PACKED_BOTH);
	const u64 want = vtap_packed_word(0, 0,
					  vtap_packed_want(r->last_avail));

	/* Mostly all are: four at a time. */
	for (; end - d >= 4; d += 4) {
		u64 bad = vtap_packed_tail(d) ^ want;

		bad |= vtap_packed_tail(d + 1) ^ want;
		bad |= vtap_packed_tail(d + 2) ^ want;
		bad |= vtap_packed_tail(d + 3) ^ want;
		if (bad & both)
			break;
	}
	while (d < end && (vtap_packed_tail(d) & both) == want)
		d++;
	return d - first;
}

/*
 * The same by two copies of all, the first for the flags: of @nr, unless @sure are
 * known to be available. Of a full window the second copy is the first one of up
 * to @ahead behind: where the driver is far ahead, one call does for a fetch.
 */
static noinline int vtap_packed_copy_run(struct vtap_ring *r, u16 sure, u16 nr,
					 u16 ahead)
{
	u16 idx = vtap_packed_idx(r->last_avail), n;
	const struct vring_packed_desc __user *from = r->packed_desc + idx;
	struct vring_packed_desc *to = r->packed_first;
	u16 left = r->num - idx;

	if (!sure) {
		nr = min3(nr, (u16)VTAP_FETCH, left);
		if (vtap_user_copy_early(to, from, 0, nr))	/* B */
			goto fault;
		sure = vtap_packed_nr_offered(r, to, nr);
	}
	n = sure;
	ahead = n == VTAP_FETCH ? min_t(u16, ahead, left - n) : 0;
	if (n && vtap_user_copy_early(to, from, n, n + ahead))
		goto fault;
	vtap_packed_fetched(r, n);
	if (ahead && vtap_packed_nr_offered(r, to + n, ahead) == ahead)
		r->seen = ahead;
	return n > 0;

fault:
	r->nr_fetched = 0;
	return vtap_ring_break(r, VTAP_FAULT_RING_ACCESS);
}

/*
 * Runs are mostly about as long as the last one. Often there is nothing: long
 * copies begin with a look at one word. Where the last chain went on behind the
 * window, a copy ahead was for nothing, and the next one may be, too.
 */
static noinline int vtap_packed_fetch(struct vtap_ring *r)
{
	bool follows = r->last_avail == vtap_packed_on(r, r->fetch_start,
						       r->nr_fetched);
	u16 seen = follows && !r->fault ? r->seen : 0;
	int ret = 1;

	if (r->run < VTAP_RUN_LONG) {
		ret = vtap_packed_copy(r, false);
	} else {
		if (!seen)
			ret = vtap_packed_look(r, r->last_avail);
		if (ret > 0)
			ret = vtap_packed_copy_run(r, seen, 2 * r->run,
						   follows ? VTAP_FETCH : 0);
	}
	if (ret > 0)
		r->run = r->nr_fetched;
	return ret;
}

static noinline int vtap_packed_fetch_far(struct vtap_ring *r)
{
	return vtap_packed_copy(r, true);
}

static __always_inline u16 vtap_packed_id(const struct vring_desc *d)
{
	return le16_to_cpu(((const struct vring_packed_desc *)d)->id);
}

static noinline int vtap_packed_indirect(struct vtap_ring *r,
					 struct vtap_mem *m,
					 struct vtap_chain *c,
					 const struct vring_desc *table)
{
	return vtap_chain_table(r, m, c, table, 0, true);
}

/*
 * A chain that is more than one plain descriptor; @d is its first one, fetched.
 * What it has behind the fetched ones is copied as far as the last chain went
 * on, or this one has so far.
 * Return: descriptors in the ring, or a negative errno.
 */
static noinline int vtap_packed_walk(struct vtap_ring *r, struct vtap_mem *m,
				     struct vtap_chain *c,
				     const struct vring_desc *d)
{
	u16 at = r->last_avail, found = 0, ready = -r->ready, left = ready;
	u16 ahead = r->ahead;
	int n;

	for (;;) {
		u16 flags = vtap_chain_flags(d, true);

		if (++found > VTAP_CHAIN_MAX)
			return vtap_ring_break(r, VTAP_FAULT_CHAIN_LONG);
		if (flags & VRING_DESC_F_INDIRECT) {
			struct vring_desc table = *d;

			/* virtio 1.2, 2.8.8: a chain by itself */
			if (found > 1 || flags & VRING_DESC_F_NEXT)
				return vtap_ring_break(r,
						VTAP_FAULT_INDIRECT_NEXT);
			c->head = vtap_packed_head(vtap_packed_id(d), 1);
			n = vtap_packed_indirect(r, m, c, &table);
			return n ? n : 1;
		}
		n = vtap_chain_add(r, m, c, d, true);
		if (n)
			return n;
		if (!(flags & VRING_DESC_F_NEXT))
			break;
		if (found == r->num)
			return vtap_ring_break(r, VTAP_FAULT_CHAIN_LOOP);
		at = vtap_packed_on(r, at, 1);
		d++;
		if (--left)
			continue;

		/* Behind B of the first one. */
		n = vtap_chain_fetch(r, vtap_packed_idx(at), max(found, ahead));
		if (n < 0)
			return n;
		left = n;
		d = r->table;
		for (n = 0; n < left; n++)
			if (!vtap_packed_offered(at, vtap_chain_flags(d + n,
								      true)))
				break;
		if (!n)
			return vtap_ring_break(r, VTAP_FAULT_CHAIN_TORN);
		left = n;
		ahead = 0;
	}
	c->head = vtap_packed_head(vtap_packed_id(d), found);
	r->ahead = found - 1;
	if (found > ready)			/* all of it was seen */
		r->avail_idx = vtap_packed_on(r, at, 1);
	return found;
}

/* The next is @n descriptors back again. */
static noinline void vtap_packed_untake(struct vtap_ring *r, u16 n)
{
	u16 i;

	r->last_avail = vtap_packed_back(r, r->last_avail, n);
	/* A fetch ends with the ring: the other lap is never within it. */
	i = r->last_avail - r->fetch_start;
	r->ready = i < r->nr_fetched && !r->fault ? i - r->nr_fetched : 0;
}

/* All that was fetched is popped. A fetch ends with the ring, if not before. */
static noinline void vtap_packed_wrap(struct vtap_ring *r)
{
	r->last_avail = vtap_packed_on(r, r->last_avail, 0);
}

/**
 * vtap_packed_pop - take the next available chain
 * @r: ring; the caller owns the pass
 * @m: guest memory view
 * @c: as of vtap_split_pop(); @head is a vtap_packed_head()
 * @plain: chains are mostly one descriptor, see vtap_chain_walk_apart()
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
	const struct vring_desc *d;
	int ret;

	/* Nothing is ready when the ring is broken. */
	if (!r->ready) {
		ret = unlikely(r->far) ? vtap_packed_fetch_far(r) :
					 vtap_packed_fetch(r);
		if (ret <= 0)
			return ret;
	}
	d = (const struct vring_desc *)(r->fetch_end + r->ready);
	c->head = vtap_packed_head(vtap_packed_id(d), 1);
	c->nr_out = 0;
	c->nr_in = 0;
	c->cost = 0;
	c->out_len = 0;
	c->in_len = 0;

	if (likely(!(vtap_chain_flags(d, true) & not_plain))) {
		/* Taken first, which leaves less to do where all is well. */
		r->last_avail++;
		if (unlikely(!++r->ready))
			vtap_packed_wrap(r);
		ret = vtap_chain_add(r, m, c, d, true);
		if (likely(!ret))
			return 1;
		vtap_packed_untake(r, 1);
		return ret;
	}
	if (plain) {
		struct vtap_chain whole = *c;

		ret = vtap_packed_walk(r, m, &whole, d);
		*c = whole;
	} else {
		ret = vtap_packed_walk(r, m, c, d);
	}
	if (unlikely(ret < 0))
		return ret;
	r->last_avail = vtap_packed_on(r, r->last_avail, ret);
	r->ready = min(r->ready + ret, 0L);
	return 1;
}

/**
 * vtap_packed_unpop - give the last popped chains back, untouched
 * @r: ring
 * @heads: theirs
 * @nr_chains: how many; not more than were popped since the last stage
 */
static inline void vtap_packed_unpop(struct vtap_ring *r, const u32 *heads,
				     u16 nr_chains)
{
	for (; nr_chains; nr_chains--, heads++)
		vtap_packed_untake(r, vtap_packed_more(*heads) + 1);
}

#endif /* VTAP_RING_PACKED_H */
