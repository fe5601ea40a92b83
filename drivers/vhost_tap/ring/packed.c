// SPDX-License-Identifier: GPL-2.0
/*
 * packed.c - the packed ring: fetch descriptors and walk chains of several
 *
 * Read before: packed.h.
 */
#include "event.h"
#include "packed.h"

/* The position @n <= num descriptors back. */
static __always_inline u16 vtap_packed_rewind(const struct vtap_ring *r, u16 at,
					      u16 n)
{
	/* As many as make a whole lap on, and the lap taken off. */
	return vtap_packed_advance(r, at, r->num - n) ^ VTAP_PACKED_WRAP;
}

/* That word of a copy. */
static __always_inline u64 vtap_packed_tail(const struct vring_packed_desc *d)
{
	return *(const u64 *)&d->len;
}

/* Is the descriptor at a position available, as a look tells? */
int vtap_packed_is_avail(struct vtap_ring *r, u16 at)
{
	struct vring_packed_desc __user *d = r->packed_desc +
					     vtap_packed_idx(at);
	u16 __user *word = (u16 __user *)&d->flags;
	u16 flags;
	int err;

	if (unlikely(r->fault))
		return -EIO;
	err = vtap_ring_get16(r, vtap_ring_desc_addr(r, word), &flags);
	return err ? err : vtap_packed_offered(at, flags);
}

/* @n descriptors from the next position on are in @packed_first. */
static __always_inline int vtap_packed_fetched(struct vtap_ring *r, u16 n)
{
	r->fetch_start = r->last_avail;
	r->nr_fetched = n;
	r->fetch_end = r->packed_first + n;
	r->nr_left = -n;
	r->prefetched = 0;
	r->avail_idx = vtap_packed_advance(r, r->last_avail, n);
	return n > 0;
}

/* The user address of a descriptor's word; whether the ring is scattered is known. */
static __always_inline u64 __user *
vtap_packed_desc_addr(const struct vtap_ring *r, u64 __user *word,
		      const bool scattered)
{
	return scattered ? vtap_ring_scattered_at(&r->scattered->desc, word) :
			   word;
}

/*
 * Copy what is available from the next position on (B), up to VTAP_FETCH and
 * the end of the ring. In a scattered ring (@scattered) each word has its own place.
 *
 * Return: 1 something is fetched, 0 the ring is empty, -EIO broken.
 */
static __always_inline int vtap_packed_copy(struct vtap_ring *r,
					    const bool scattered)
{
	/* Pointers, not array[i]: see vtap_split_fetch(). */
	u16 at = r->last_avail, idx = vtap_packed_idx(at), n;
	u16 max = min_t(u16, VTAP_FETCH, r->num - idx);
	u64 __user *word = (u64 __user *)(r->packed_desc + idx);
	u64 *to = (u64 *)r->packed_first;
	u64 both = vtap_packed_pack_word(0, 0, VTAP_PACKED_BOTH);
	u64 want = vtap_packed_pack_word(0, 0, vtap_packed_avail_flags(at));

	if (unlikely(r->fault))
		return -EIO;
	r->nr_fetched = 0;

	if (!user_read_access_begin(vtap_packed_desc_addr(r, word, scattered),
				    (scattered ? 1 : 2 * max) * sizeof(*word)))
		return vtap_ring_break(r, VTAP_FAULT_RING_ACCESS);
	for (n = 0; n < max; n++, word += 2, to += 2) {
		u64 __user *low = vtap_packed_desc_addr(r, word, scattered);
		u64 __user *high =
			vtap_packed_desc_addr(r, word + 1, scattered);
		u64 tail;

		/* B, pairs with A */
		vtap_get64_acquire(tail, high, fault);
		if ((tail & both) != want)
			break;
		unsafe_get_user(to[0], low, fault);
		to[1] = tail;
	}
	user_read_access_end();
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
	const u64 both = vtap_packed_pack_word(0, 0, VTAP_PACKED_BOTH);
	const u16 flags = vtap_packed_avail_flags(r->last_avail);
	const u64 want = vtap_packed_pack_word(0, 0, flags);

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
		if (vtap_user_copy_avail(to, from, 0, nr))	/* B */
			goto fault;
		sure = vtap_packed_nr_offered(r, to, nr);
	}
	n = sure;
	ahead = n == VTAP_FETCH ? min_t(u16, ahead, left - n) : 0;
	if (n && vtap_user_copy_avail(to, from, n, n + ahead))
		goto fault;
	vtap_packed_fetched(r, n);
	if (ahead && vtap_packed_nr_offered(r, to + n, ahead) == ahead)
		r->prefetched = ahead;
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
int vtap_packed_fetch(struct vtap_ring *r)
{
	bool follows = r->last_avail == vtap_packed_advance(r, r->fetch_start,
							    r->nr_fetched);
	u16 seen = follows && !r->fault ? r->prefetched : 0;
	int ret = 1;

	if (r->run < VTAP_RUN_LONG) {
		ret = vtap_packed_copy(r, false);
	} else {
		if (!seen)
			ret = vtap_packed_is_avail(r, r->last_avail);
		if (ret > 0)
			ret = vtap_packed_copy_run(r, seen, 2 * r->run,
						   follows ? VTAP_FETCH : 0);
	}
	if (ret > 0)
		r->run = r->nr_fetched;
	return ret;
}

int vtap_packed_fetch_scattered(struct vtap_ring *r)
{
	return vtap_packed_copy(r, true);
}

/*
 * A chain that is more than one plain descriptor; @from is the copy of its
 * first one. What it has behind the fetched ones is copied as far as the last chain
 * went on, or this one has so far.
 * Return: descriptors in the ring, or a negative errno.
 */
int vtap_packed_walk(struct vtap_ring *r, struct vtap_mem *m,
		     struct vtap_chain *c,
		     const struct vring_packed_desc *from)
{
	u16 at = r->last_avail, found = 0, ready = -r->nr_left, left = ready;
	u16 ahead = r->ahead;
	struct vtap_desc d;
	int n;

	for (;;) {
		d = vtap_desc_from_packed(from);
		if (++found > VTAP_CHAIN_MAX)
			return vtap_ring_break(r, VTAP_FAULT_CHAIN_LONG);
		if (d.flags & VRING_DESC_F_INDIRECT) {
			/* virtio 1.2, 2.8.8: a chain by itself */
			if (found > 1 || d.flags & VRING_DESC_F_NEXT)
				return vtap_ring_break(r,
						VTAP_FAULT_INDIRECT_NEXT);
			c->head = vtap_packed_head(d.id, 1);
			n = vtap_chain_indirect_packed(r, m, c, d);
			return n ? n : 1;
		}
		n = vtap_chain_add(r, m, c, d);
		if (n)
			return n;
		if (!(d.flags & VRING_DESC_F_NEXT))
			break;
		if (found == r->num)
			return vtap_ring_break(r, VTAP_FAULT_CHAIN_LOOP);
		at = vtap_packed_advance(r, at, 1);
		from++;
		if (--left)
			continue;

		/* Behind B of the first one. */
		n = vtap_chain_fetch(r, vtap_packed_idx(at), max(found, ahead));
		if (n < 0)
			return n;
		left = n;
		from = r->packed_table;
		for (n = 0; n < left; n++) {
			d = vtap_desc_from_packed(from + n);
			if (!vtap_packed_offered(at, d.flags))
				break;
		}
		if (!n)
			return vtap_ring_break(r, VTAP_FAULT_CHAIN_TORN);
		left = n;
		ahead = 0;
	}
	c->head = vtap_packed_head(d.id, found);
	r->ahead = found - 1;
	if (found > ready)			/* all of it was seen */
		r->avail_idx = vtap_packed_advance(r, at, 1);
	return found;
}

/* The next is @n descriptors back again. */
void vtap_packed_take_back(struct vtap_ring *r, u16 n)
{
	u16 i;

	r->last_avail = vtap_packed_rewind(r, r->last_avail, n);
	/* A fetch ends with the ring: the other lap is never within it. */
	i = r->last_avail - r->fetch_start;
	r->nr_left = i < r->nr_fetched && !r->fault ? i - r->nr_fetched : 0;
}

/* All that was fetched is popped. A fetch ends with the ring, if not before. */
void vtap_packed_wrap(struct vtap_ring *r)
{
	r->last_avail = vtap_packed_advance(r, r->last_avail, 0);
}
