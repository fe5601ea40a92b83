// SPDX-License-Identifier: GPL-2.0
/*
 * iotlb.c - mappings in a sorted array
 *
 * Read before: iotlb.h.
 *
 * An array and not a tree: look-ups are a binary search over what fits the
 * cache, changes come one by system call and move at most 80 KiB.
 */
#include "iotlb.h"

/**
 * vtap_iotlb_new - make an empty table
 *
 * Return: the table or NULL.
 */
struct vtap_iotlb *vtap_iotlb_new(void)
{
	struct vtap_iotlb *t = kvmalloc(sizeof(*t), GFP_KERNEL_ACCOUNT);

	if (!t)
		return NULL;
	spin_lock_init(&t->lock);
	t->nr = 0;
	t->clock = 0;
	t->forgot = false;
	return t;
}

/**
 * vtap_iotlb_free - free a table
 * @t: may be NULL; no queue may use it any more
 */
void vtap_iotlb_free(struct vtap_iotlb *t)
{
	kvfree(t);
}

/* The first mapping that does not end before @iova; @nr if there is none. */
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
 * Put @n mappings of @with in the place of those that touch [first, last],
 * which keep what they have outside. Room for two more is there.
 *
 * Return: true if there was something in the place.
 */
static bool vtap_iotlb_replace(struct vtap_iotlb *t, u64 first, u64 last,
			       const struct vtap_mapping *with, u32 n)
{
	u32 from = vtap_iotlb_lower_bound(t, first), to = from, put = from;
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
		t->map[put++] = left;
	if (n)
		t->map[put++] = *with;
	if (nr_right)
		t->map[put] = right;
	return to > from;
}

/* Forget the oldest mapping. Queues that have it in their cache keep it. */
static void vtap_iotlb_evict_oldest(struct vtap_iotlb *t)
{
	u32 i, oldest = 0;

	for (i = 1; i < t->nr; i++) {
		/* age by distance: the clock may have wrapped */
		if (t->clock - t->map[i].age > t->clock - t->map[oldest].age)
			oldest = i;
	}
	t->nr--;
	t->forgot = true;
	memmove(&t->map[oldest], &t->map[oldest + 1],
		(t->nr - oldest) * sizeof(t->map[0]));
}

/**
 * vtap_iotlb_add - take in a mapping
 * @t: table
 * @first: first I/O virtual address
 * @last: last one, @first or more
 * @uaddr: user address of @first, checked by the caller
 * @perm: VHOST_ACCESS_*
 *
 * Return: true when there may be translations of the range in the queues'
 * caches, which the caller then has to clear: it replaced a mapping, or one was
 * forgotten earlier that nobody can tell the range of any more.
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
	replaced = vtap_iotlb_replace(t, first, last, &m, 1) || t->forgot;
	while (t->nr > VTAP_IOTLB_MAX)
		vtap_iotlb_evict_oldest(t);
	spin_unlock(&t->lock);
	return replaced;
}

/**
 * vtap_iotlb_del - forget what is mapped in a range
 * @t: table
 * @first: first I/O virtual address
 * @last: last one, @first or more
 */
void vtap_iotlb_del(struct vtap_iotlb *t, u64 first, u64 last)
{
	spin_lock(&t->lock);
	vtap_iotlb_replace(t, first, last, NULL, 0);
	if (t->nr > VTAP_IOTLB_MAX)	/* a hole made two of one */
		vtap_iotlb_evict_oldest(t);
	spin_unlock(&t->lock);
}

/**
 * vtap_iotlb_clear - forget everything
 * @t: table; the caller clears the queues' caches
 */
void vtap_iotlb_clear(struct vtap_iotlb *t)
{
	spin_lock(&t->lock);
	t->nr = 0;
	t->forgot = false;
	spin_unlock(&t->lock);
}

/**
 * vtap_iotlb_find - look an address up
 * @t: table
 * @iova: I/O virtual address
 * @m: a copy of the mapping that has it
 *
 * Return: true if there is one.
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
