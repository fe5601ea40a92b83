// SPDX-License-Identifier: GPL-2.0
/* packed.c - fetch descriptors and walk chains of the packed ring */
#include "event.h"
#include "packed.h"

/* Return the position @n <= num descriptors before @pos. */
static __always_inline u16 vtap_packed_rewind(const struct vtap_ring *r, u16 pos,
					      u16 n)
{
	/* Go forward to the same index in the next lap, then undo the lap. */
	return vtap_packed_advance(r, pos, r->num - n) ^ VTAP_PACKED_WRAP;
}

/* Length, id and flags of a copied descriptor, see vtap_packed_pack_word(). */
static __always_inline u64 vtap_packed_tail(const struct vring_packed_desc *d)
{
	return *(const u64 *)&d->len;
}

/* Test without a barrier whether the descriptor at a position is available. */
int vtap_packed_is_avail(struct vtap_ring *r, u16 pos)
{
	struct vring_packed_desc __user *d = r->packed_desc +
					     vtap_packed_idx(pos);
	u16 __user *word = (u16 __user *)&d->flags;
	u16 flags;
	int err;

	if (unlikely(r->fault))
		return -EIO;
	err = vtap_ring_get16(r, vtap_ring_desc_addr(r, word), &flags);
	return err ? err : vtap_packed_offered(pos, flags);
}

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

/* vtap_ring_desc_addr() with a constant @scattered. */
static __always_inline u64 __user *
vtap_packed_desc_addr(const struct vtap_ring *r, u64 __user *word,
		      const bool scattered)
{
	return scattered ? vtap_ring_scattered_addr(&r->scattered->desc, word) :
			   word;
}

/*
 * Copy the available descriptors from the next position on (B), up to
 * VTAP_FETCH and to the end of the ring. In a scattered ring each word is
 * translated.
 * Return: 1 if a descriptor was copied, 0 if the ring is empty, -EIO if broken.
 */
static __always_inline int vtap_packed_copy(struct vtap_ring *r,
					    const bool scattered)
{
	/* Use pointers instead of array[i]; see vtap_split_fetch(). */
	u16 pos = r->last_avail, idx = vtap_packed_idx(pos), n;
	u16 max = min_t(u16, VTAP_FETCH, r->num - idx);
	u64 __user *word = (u64 __user *)(r->packed_desc + idx);
	u64 *to = (u64 *)r->packed_first;
	u64 both = vtap_packed_pack_word(0, 0, VTAP_PACKED_BOTH);
	u64 want = vtap_packed_pack_word(0, 0, vtap_packed_avail_flags(pos));

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

static __always_inline u16
vtap_packed_nr_offered(const struct vtap_ring *r,
		       const struct vring_packed_desc *first, u16 nr)
{
	const struct vring_packed_desc *d = first, *end = d + nr;
	const u64 both = vtap_packed_pack_word(0, 0, VTAP_PACKED_BOTH);
	const u16 flags = vtap_packed_avail_flags(r->last_avail);
	const u64 want = vtap_packed_pack_word(0, 0, flags);

	/* In most cases all are available: test four at a time. */
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
 * Fetch up to @nr descriptors with two copy calls. The first copy supplies the
 * flags; it is skipped if @sure descriptors are known to be available. The
 * second copies the available descriptors again. If they fill the window, it
 * also copies up to @ahead descriptors after them. If these are all available
 * too, the next fetch needs one copy call only.
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
 * Short runs are loaded descriptor by descriptor; the last run predicts the
 * length. A long copy starts with a test of one word, because the ring is often
 * empty. If the last chain extended past the fetched descriptors, the next one
 * may do so too, and nothing is prefetched.
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
 * Walk a chain that is not a single plain descriptor; @from is the copy of its
 * first one. Descriptors past the fetched ones are copied in windows. The first
 * window is as long as the last chain was, or as this chain is so far.
 * Return: number of descriptors in the ring, or a negative errno.
 */
int vtap_packed_walk(struct vtap_ring *r, struct vtap_mem *m,
		     struct vtap_chain *c,
		     const struct vring_packed_desc *from)
{
	u16 pos = r->last_avail, found = 0, ready = -r->nr_left, left = ready;
	u16 ahead = r->ahead;
	struct vtap_desc d;
	int n;

	for (;;) {
		d = vtap_desc_from_packed(from);
		if (++found > VTAP_CHAIN_MAX)
			return vtap_ring_break(r, VTAP_FAULT_CHAIN_LONG);
		if (d.flags & VRING_DESC_F_INDIRECT) {
			/* virtio 1.2, 2.8.8: a chain of its own */
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
		pos = vtap_packed_advance(r, pos, 1);
		from++;
		if (--left)
			continue;

		/* This copy comes after B of the chain's first descriptor. */
		n = vtap_chain_fetch(r, vtap_packed_idx(pos), max(found, ahead));
		if (n < 0)
			return n;
		left = n;
		from = r->packed_table;
		for (n = 0; n < left; n++) {
			d = vtap_desc_from_packed(from + n);
			if (!vtap_packed_offered(pos, d.flags))
				break;
		}
		if (!n)
			return vtap_ring_break(r, VTAP_FAULT_CHAIN_TORN);
		left = n;
		ahead = 0;
	}
	c->head = vtap_packed_head(d.id, found);
	r->ahead = found - 1;
	if (found > ready)			/* past the fetched ones */
		r->avail_idx = vtap_packed_advance(r, pos, 1);
	return found;
}

/**
 * vtap_packed_pop_run - take chains of one writable buffer each
 * @r: ring; the caller owns the pass
 * @m: guest memory view
 * @run: as in vtap_split_pop_run()
 */
void vtap_packed_pop_run(struct vtap_ring *r, const struct vtap_mem *m,
			 struct vtap_run *run)
{
	if (!r->nr_left)	/* as in a broken ring */
		return;
	vtap_chain_run(run, m, r->fetch_end + r->nr_left, -r->nr_left, NULL,
		       true);
	r->last_avail += run->nr;
	r->nr_left += run->nr;
	if (!r->nr_left)
		vtap_packed_wrap(r);
}

void vtap_packed_take_back(struct vtap_ring *r, u16 n)
{
	u16 i;

	r->last_avail = vtap_packed_rewind(r, r->last_avail, n);
	/* A fetch does not cross laps, so i is large if the lap differs. */
	i = r->last_avail - r->fetch_start;
	r->nr_left = i < r->nr_fetched && !r->fault ? i - r->nr_fetched : 0;
}

/* Normalize the position after the fetched descriptors: it may be num. */
void vtap_packed_wrap(struct vtap_ring *r)
{
	r->last_avail = vtap_packed_advance(r, r->last_avail, 0);
}
