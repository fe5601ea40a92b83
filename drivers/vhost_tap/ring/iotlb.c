// SPDX-License-Identifier: GPL-2.0
/*
 * iotlb.c - the device IOTLB as a sorted array
 *
 * Lookups are binary searches in memory that fits the CPU cache. Changes come
 * one per system call, and each moves at most 80 KiB.
 */
#include "iotlb.h"

/**
 * vtap_iotlb_new - allocate an empty table
 *
 * Return: the table, or NULL without memory.
 */
struct vtap_iotlb *vtap_iotlb_new(void)
{
	struct vtap_iotlb *t = kvmalloc(sizeof(*t), VTAP_GFP);

	if (!t)
		return NULL;
	spin_lock_init(&t->lock);
	t->nr = 0;
	t->clock = 0;
	t->evicted = false;
	return t;
}

/**
 * vtap_iotlb_free - free a table
 * @t: table that no queue uses any longer, or NULL
 */
void vtap_iotlb_free(struct vtap_iotlb *t)
{
	kvfree(t);
}

/* Return the first mapping that ends at or after @iova, or @nr. */
static u32 vtap_iotlb_lower_bound(const struct vtap_iotlb *t, u64 iova)
{
	u32 lo = 0, hi = t->nr;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (t->map[mid].last < iova)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/*
 * Replace the mappings of [first, last] by the @n mappings @with. Mappings that
 * extend beyond the range keep the part outside. The caller ensures room for
 * two more mappings.
 * Return: true if the range had a mapping.
 */
static bool vtap_iotlb_replace(struct vtap_iotlb *t, u64 first, u64 last,
			       const struct vtap_mapping *with, u32 n)
{
	u32 from = vtap_iotlb_lower_bound(t, first), to = from, dst = from;
	struct vtap_mapping left = {}, right = {};
	u32 nr_left = 0, nr_right = 0;

	while (to < t->nr && t->map[to].first <= last)
		to++;
	if (to > from) {
		left = t->map[from];
		nr_left = left.first < first;
		left.last = first - 1;		/* used if nr_left */

		right = t->map[to - 1];
		nr_right = right.last > last;
		right.uaddr += last + 1 - right.first;
		right.first = last + 1;
	}
	memmove(&t->map[from + nr_left + n + nr_right], &t->map[to],
		(t->nr - to) * sizeof(t->map[0]));
	t->nr = t->nr - (to - from) + nr_left + n + nr_right;
	if (nr_left)
		t->map[dst++] = left;
	if (n)
		t->map[dst++] = *with;
	if (nr_right)
		t->map[dst] = right;
	return to > from;
}

/* Evict the oldest mapping. Queues may still have it in their caches. */
static void vtap_iotlb_evict_oldest(struct vtap_iotlb *t)
{
	u32 i, oldest = 0;

	for (i = 1; i < t->nr; i++) {
		/* compare distances: the clock may have wrapped */
		if (t->clock - t->map[i].age > t->clock - t->map[oldest].age)
			oldest = i;
	}
	t->nr--;
	t->evicted = true;
	memmove(&t->map[oldest], &t->map[oldest + 1],
		(t->nr - oldest) * sizeof(t->map[0]));
}

/**
 * vtap_iotlb_add - add a mapping
 * @t: table
 * @first: first I/O virtual address
 * @last: last I/O virtual address, at least @first
 * @uaddr: user address of @first, checked by the caller
 * @perm: VHOST_ACCESS_*
 *
 * Return: true if the caller must invalidate the range in the queues' caches: the
 * mapping replaced another one, or one of unknown range was evicted earlier.
 */
bool vtap_iotlb_add(struct vtap_iotlb *t, u64 first, u64 last, u64 uaddr,
		    u8 perm)
{
	struct vtap_mapping m = {
		.first = first,
		.last = last,
		.uaddr = uaddr,
		.perm = perm,
	};
	bool replaced;

	spin_lock(&t->lock);
	m.age = t->clock++;
	replaced = vtap_iotlb_replace(t, first, last, &m, 1) || t->evicted;
	while (t->nr > VTAP_IOTLB_MAX)
		vtap_iotlb_evict_oldest(t);
	spin_unlock(&t->lock);
	return replaced;
}

/**
 * vtap_iotlb_del - remove the mappings of a range
 * @t: table
 * @first: first I/O virtual address
 * @last: last I/O virtual address, at least @first
 */
void vtap_iotlb_del(struct vtap_iotlb *t, u64 first, u64 last)
{
	spin_lock(&t->lock);
	vtap_iotlb_replace(t, first, last, NULL, 0);
	if (t->nr > VTAP_IOTLB_MAX)	/* the range split a mapping */
		vtap_iotlb_evict_oldest(t);
	spin_unlock(&t->lock);
}

/**
 * vtap_iotlb_clear - remove all mappings
 * @t: table; the caller clears the queues' caches
 */
void vtap_iotlb_clear(struct vtap_iotlb *t)
{
	spin_lock(&t->lock);
	t->nr = 0;
	t->evicted = false;
	spin_unlock(&t->lock);
}

/**
 * vtap_iotlb_find - find the mapping of an address
 * @t: table
 * @iova: I/O virtual address
 * @m: returns a copy of the mapping
 *
 * Return: true if the address has a mapping.
 */
bool vtap_iotlb_find(struct vtap_iotlb *t, u64 iova, struct vtap_mapping *m)
{
	bool found = false;
	u32 i;

	spin_lock(&t->lock);
	i = vtap_iotlb_lower_bound(t, iova);
	if (i < t->nr && t->map[i].first <= iova) {
		*m = t->map[i];
		found = true;
	}
	spin_unlock(&t->lock);
	return found;
}
