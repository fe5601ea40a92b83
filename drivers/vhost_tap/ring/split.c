// SPDX-License-Identifier: GPL-2.0
/* split.c - per-batch operations of the split ring */
#include "event.h"
#include "split.h"

/* The event words follow the rings (virtio 1.2, 2.7.6 and 2.7.8). */
static __always_inline u16 __user *vtap_split_used_event(struct vtap_ring *r)
{
	return (u16 __user *)&r->avail->ring[r->num];
}

static __always_inline u16 __user *vtap_split_avail_event(struct vtap_ring *r)
{
	return (u16 __user *)&r->used->ring[r->num];
}

static __always_inline size_t vtap_split_avail_size(const struct vtap_ring *r)
{
	return vtap_split_avail_bytes(r->num, r->event_idx);
}

static __always_inline size_t vtap_split_used_size(const struct vtap_ring *r)
{
	return vtap_split_used_bytes(r->num, r->event_idx);
}

/*
 * Record a fetch of @got chains out of @n available ones. A head out of range
 * ends the fetch, and breaks the ring when it is the next one.
 * Return: 1 if a chain was fetched, 0 if the ring is empty, -EIO if broken.
 */
static __always_inline int vtap_split_fetched(struct vtap_ring *r, u16 got,
					      u16 n)
{
	r->nr_fetched = got;
	if (likely(got))
		return 1;
	return n ? vtap_ring_break(r, VTAP_FAULT_HEAD_RANGE) : 0;
}

/*
 * Count the heads from the first one on that follow each other. Most drivers
 * allocate descriptors in order, so four heads are compared at a time.
 * Return: their number, at most @max; 0 if the first one is not below @num.
 */
static __always_inline u16 vtap_split_nr_in_order(const u16 *heads, u16 max,
						  u16 num)
{
	const u16 head = vtap_split_le16(*heads);
	const u16 *next = heads, *end;
	u64 want, four;

	if (unlikely(head >= num))
		return 0;
	end = heads + min_t(u16, max, num - head);
	/* No part overflows: the last head is below num. */
	want = head * 0x0001000100010001ull + 0x0003000200010000ull;
	for (; end - next >= 4; next += 4, want += 0x0004000400040004ull) {
		memcpy(&four, next, sizeof(four));
		if (le64_to_cpu((__force __le64)four) != want)
			break;
	}
	while (next < end && vtap_split_le16(*next) == head + (next - heads))
		next++;
	return next - heads;
}

/*
 * Fetch the driver's index (B), the heads and their first descriptors. Most
 * drivers allocate descriptors in order, so runs of descriptors are copied.
 * Return: as vtap_split_fetched().
 */
int vtap_split_fetch(struct vtap_ring *r)
{
	/*
	 * Pointers instead of array[i]: an index check by UBSAN would be a call inside
	 * the window, which objtool forbids. i and j are below n <= VTAP_FETCH.
	 */
	u16 start = r->last_avail & (r->num - 1);
	struct vring_desc *first = r->first;
	u16 *heads = r->head;
	u16 idx, n, run, i, j;

	if (unlikely(r->fault))
		return -EIO;
	r->fetch_start = r->last_avail;
	r->nr_fetched = 0;

	if (!user_read_access_begin(r->avail, vtap_split_avail_size(r)))
		return vtap_ring_break(r, VTAP_FAULT_RING_ACCESS);
	/* B, pairs with A */
	vtap_get16_acquire(idx, (u16 __user *)&r->avail->idx, fault);
	n = vtap_split_le16(idx) - r->last_avail;
	if (unlikely(n > r->num))
		goto jump;
	r->avail_idx = r->last_avail + n;
	n = min_t(u16, n, VTAP_FETCH);
	run = min_t(u16, n, r->num - start);
	vtap_copy_in(heads, (u16 __user *)r->avail->ring + start,
		     run * sizeof(*heads), fault);
	if (unlikely(run < n))
		vtap_copy_in(heads + run, (u16 __user *)r->avail->ring,
			     (n - run) * sizeof(*heads), fault);

	for (i = 0; i < n; i = j) {
		u16 head = vtap_split_le16(*(heads + i));

		j = i + vtap_split_nr_in_order(heads + i, n - i, r->num);
		if (unlikely(j == i))
			break;
		if (j - i < VTAP_RUN_LONG) {
			vtap_copy_in(first + i, r->desc + head,
				     (j - i) * sizeof(*first), fault);
			continue;
		}
		/* vtap_user_copy_in() opens its own window. */
		user_read_access_end();
		if (vtap_user_copy_in(first + i, r->desc + head,
				      (j - i) * sizeof(*first)))
			return vtap_ring_break(r, VTAP_FAULT_RING_ACCESS);
		if (j == n)
			return vtap_split_fetched(r, n, n);
		if (!user_read_access_begin(r->avail, sizeof(*r->avail)))
			return vtap_ring_break(r, VTAP_FAULT_RING_ACCESS);
	}
	user_read_access_end();
	return vtap_split_fetched(r, i, n);

jump:
	user_read_access_end();
	return vtap_ring_break(r, VTAP_FAULT_AVAIL_JUMP);
fault:
	user_read_access_end();
	return vtap_ring_break(r, VTAP_FAULT_RING_ACCESS);
}

/* vtap_split_fetch() for a scattered ring: translate each word. */
int vtap_split_fetch_scattered(struct vtap_ring *r)
{
	const struct vtap_ring_scattered *map = r->scattered;
	struct vring_desc *first = r->first;
	u16 __user *slot = (u16 __user *)&r->avail->idx;
	u16 *heads = r->head;
	u16 idx, n, i;

	if (unlikely(r->fault))
		return -EIO;
	r->fetch_start = r->last_avail;
	r->nr_fetched = 0;

	slot = vtap_ring_scattered_addr(&map->avail, slot);
	if (!user_read_access_begin(slot, sizeof(*slot)))
		return vtap_ring_break(r, VTAP_FAULT_RING_ACCESS);
	vtap_get16_acquire(idx, slot, fault);	/* B, pairs with A */
	n = vtap_split_le16(idx) - r->last_avail;
	if (unlikely(n > r->num))
		goto jump;
	r->avail_idx = r->last_avail + n;
	n = min_t(u16, n, VTAP_FETCH);
	for (i = 0; i < n; i++) {
		u64 *to = (u64 *)(first + i);
		u64 __user *from, *from2;
		u16 head;

		slot = (u16 __user *)r->avail->ring +
		       ((r->last_avail + i) & (r->num - 1));
		slot = vtap_ring_scattered_addr(&map->avail, slot);
		unsafe_get_user(*(heads + i), slot, fault);
		head = vtap_split_le16(*(heads + i));
		if (unlikely(head >= r->num))
			break;
		from = (u64 __user *)(r->desc + head);
		from2 = vtap_ring_scattered_addr(&map->desc, from + 1);
		from = vtap_ring_scattered_addr(&map->desc, from);
		unsafe_get_user(to[0], from, fault);
		unsafe_get_user(to[1], from2, fault);
	}
	user_read_access_end();
	return vtap_split_fetched(r, i, n);

jump:
	user_read_access_end();
	return vtap_ring_break(r, VTAP_FAULT_AVAIL_JUMP);
fault:
	user_read_access_end();
	return vtap_ring_break(r, VTAP_FAULT_RING_ACCESS);
}

/**
 * vtap_split_pop_run - take chains of one writable buffer each
 * @r: ring; the caller owns the pass
 * @m: guest memory view
 * @run: the caller sets all members; @nr and @nr_iov are 0
 *
 * Takes chains that are fetched already, while their buffers are in the region
 * @m->hit[1] and the packet needs more. vtap_split_pop() takes the next
 * chain in every other case, and finds its faults.
 */
void vtap_split_pop_run(struct vtap_ring *r, const struct vtap_mem *m,
			struct vtap_run *run)
{
	u16 i = r->last_avail - r->fetch_start;

	if (i >= r->nr_fetched || unlikely(r->fault))
		return;
	vtap_chain_run(run, m, r->first + i, r->nr_fetched - i, r->head + i,
		       false);
	r->last_avail += run->nr;
}

/**
 * vtap_split_stage_run - record used entries of several chains
 * @r: ring
 * @used: the chains
 * @nr: number of chains
 *
 * Return: number of entries recorded. vtap_split_stage() records the next one,
 * and finds its fault.
 */
u16 vtap_split_stage_run(struct vtap_ring *r, const struct vtap_used *used,
			 u16 nr)
{
	u64 *to = (u64 *)(r->staged + r->nr_staged), *end;

	if (unlikely(r->fault))
		return 0;
	nr = min_t(u16, nr, ARRAY_SIZE(r->staged) - r->nr_staged);
	/* A used entry is id and len, both little-endian: one word. */
	for (end = to + nr; to < end; to++, used++)
		*to = (__force u64)cpu_to_le64((u64)used->len << 32 |
					       used->head);
	r->nr_staged += nr;
	return nr;
}

/*
 * Write @n staged entries, which do not wrap, to a scattered used ring. The
 * caller has opened the write window.
 * Return: 0 or -EFAULT.
 */
static __always_inline int
vtap_split_write_scattered(const struct vtap_ring *r, u16 slot,
			   const struct vring_used_elem *entry, u16 n)
{
	u32 __user *to = (u32 __user *)(r->used->ring + slot);
	const u32 *from = (const u32 *)entry, *end = from + 2 * n;

	for (; from < end; from++, to++) {
		u32 __user *word = vtap_ring_used_addr(r, to);

		unsafe_put_user(*from, word, fault);
	}
	return 0;

fault:
	return -EFAULT;
}

/*
 * Write the staged entries to used->ring, after the spilled ones. The caller
 * has opened the write window. The index is masked, so all writes stay in the
 * ring whatever the driver does to its indices.
 * Return: 0 or -EFAULT.
 */
static __always_inline int vtap_split_write_staged(const struct vtap_ring *r)
{
	u16 slot = (r->last_used + r->nr_spilled) & (r->num - 1);
	const struct vring_used_elem *entry = r->staged;
	u16 left = r->nr_staged, run;

	for (; left; left -= run, entry += run, slot = 0) {
		run = min_t(u16, left, r->num - slot);
		if (likely(!r->scattered))
			vtap_copy_out(r->used->ring + slot, entry,
				      run * sizeof(*entry), fault);
		else if (vtap_split_write_scattered(r, slot, entry, run))
			return -EFAULT;
	}
	return 0;

fault:
	return -EFAULT;
}

static __always_inline bool vtap_split_begin_write(struct vtap_ring *r)
{
	if (unlikely(r->scattered))
		return user_write_access_begin(vtap_ring_used_addr(r, r->used),
					       sizeof(u16));
	return user_write_access_begin(r->used, vtap_split_used_size(r));
}

/*
 * Log writes of @n used entries from free-running index @idx on. @n can exceed
 * the ring size if a driver makes descriptors available that are not used yet.
 */
static noinline __cold void vtap_split_log_entries(struct vtap_ring *r, u16 idx,
						   u16 n)
{
	const u32 size = sizeof(struct vring_used_elem);
	u16 start = n < r->num ? idx & (r->num - 1) : 0;
	u16 before_wrap;

	n = min(n, r->num);
	before_wrap = min_t(u16, n, r->num - start);
	vtap_ring_log_used(r, sizeof(*r->used) + (u64)start * size,
			   (u64)before_wrap * size);
	vtap_ring_log_used(r, sizeof(*r->used),
			   (u64)(n - before_wrap) * size);
}

void vtap_split_log_word(struct vtap_ring *r, const u16 __user *word)
{
	if (unlikely(r->log))
		vtap_ring_log_used(r, (u64)((unsigned long)word -
					    (unsigned long)r->used),
				   sizeof(*word));
}

/*
 * Write many staged entries with one copy call, which opens its own window.
 * Return: 1 if they were written, 0 if the caller has to, -EIO if broken.
 */
static int vtap_split_write_run(struct vtap_ring *r)
{
	u16 idx = (r->last_used + r->nr_spilled) & (r->num - 1);
	struct vring_used_elem __user *to = r->used->ring;
	u16 n = r->nr_staged;

	if (n < 2 * VTAP_RUN_LONG || unlikely(r->scattered) || idx + n > r->num)
		return 0;
	if (vtap_user_copy_out(to + idx, r->staged, n * sizeof(*r->staged)))
		return vtap_ring_break(r, VTAP_FAULT_RING_ACCESS);
	return 1;
}

/*
 * Write the staged entries early because the staging array is full. The driver
 * does not see them before used->idx covers them.
 */
int vtap_split_spill(struct vtap_ring *r)
{
	if (!vtap_split_begin_write(r))
		return vtap_ring_break(r, VTAP_FAULT_RING_ACCESS);
	if (vtap_split_write_staged(r))
		goto fault;
	user_write_access_end();
	if (unlikely(r->log))
		vtap_split_log_entries(r, r->last_used + r->nr_spilled,
				       r->nr_staged);
	r->nr_spilled += r->nr_staged;
	r->nr_staged = 0;
	return 0;

fault:
	user_write_access_end();
	return vtap_ring_break(r, VTAP_FAULT_RING_ACCESS);
}

/**
 * vtap_split_publish - make all staged entries visible to the driver (C)
 * @r: ring
 *
 * Return: number of entries published, or -EIO if the ring is broken.
 */
int vtap_split_publish(struct vtap_ring *r)
{
	u16 n = r->nr_spilled + r->nr_staged;	/* <= chains popped in a pass */
	u16 old = r->last_used, new = old + n;
	u16 __user *idx = (u16 __user *)&r->used->idx;
	int written;

	if (unlikely(r->fault == VTAP_FAULT_RING_ACCESS))
		return -EIO;
	if (!n)
		return 0;
	idx = vtap_ring_used_addr(r, idx);
	written = vtap_split_write_run(r);
	if (unlikely(written < 0) || !vtap_split_begin_write(r))
		goto fault;
	if (!written && vtap_split_write_staged(r))
		goto fault_in_window;
	/* C, pairs with D */
	vtap_put16_release((__force u16)cpu_to_le16(new), idx,
			   fault_in_window);
	user_write_access_end();

	if (unlikely(r->log)) {
		vtap_split_log_entries(r, old + r->nr_spilled, r->nr_staged);
		vtap_split_log_word(r, (u16 __user *)&r->used->idx);
	}
	r->last_used = new;
	r->nr_spilled = 0;
	r->nr_staged = 0;
	vtap_event_published(r, old, new);
	return n;

fault_in_window:
	user_write_access_end();
fault:
	return vtap_ring_break(r, VTAP_FAULT_RING_ACCESS);
}

static int vtap_split_get_idx(struct vtap_ring *r, u16 *idx)
{
	u16 __user *from = (u16 __user *)&r->avail->idx;

	return vtap_ring_get16(r, vtap_ring_avail_addr(r, from), idx);
}

/**
 * vtap_split_needs_call - decide whether the driver needs a call (F)
 * @r: ring; entries were published since the last decision
 *
 * Return: 1 to signal the call eventfd, 0 not to, -EIO if the ring is broken.
 */
int vtap_split_needs_call(struct vtap_ring *r)
{
	u16 __user *flags = (u16 __user *)&r->avail->flags;
	u16 word;
	int err;

	if (unlikely(r->fault == VTAP_FAULT_RING_ACCESS))
		return -EIO;
	vtap_mb();			/* F: used->idx before the driver's word */

	/* Virtio 0.9.5, appendix C: call even if calls are suppressed. */
	if (unlikely(r->call_on_empty && r->avail_idx == r->last_avail))
		return 1;

	if (!r->event_idx) {
		err = vtap_ring_get16(r, vtap_ring_avail_addr(r, flags),
				      &word);
		if (unlikely(err))
			return err;
		return !(word & VRING_AVAIL_F_NO_INTERRUPT);
	}
	err = vtap_ring_get16(r, vtap_ring_avail_addr(r, vtap_split_used_event(r)),
			      &word);
	if (unlikely(err))
		return err;
	return vtap_event_needs_call(r, word);
}

/**
 * vtap_split_empty - test whether no chain is available
 * @r: ring; not changed
 *
 * Return: 1 if the ring is empty; 0 if a chain is available or the index is
 * invalid, which pop reports; -EIO if the ring is broken.
 */
int vtap_split_empty(struct vtap_ring *r)
{
	u16 idx;
	int err;

	if (unlikely(r->fault))
		return -EIO;
	err = vtap_split_get_idx(r, &idx);
	return err ? err : idx == r->last_avail;
}

/**
 * vtap_split_has_new - test for chains added since the index was last read
 * @r: ring; not changed
 *
 * Return: 1 if the driver added chains, whether or not the earlier ones were
 * popped; 0 if it did not; -EIO if the ring is broken.
 */
int vtap_split_has_new(struct vtap_ring *r)
{
	u16 idx;
	int err;

	if (unlikely(r->fault))
		return -EIO;
	err = vtap_split_get_idx(r, &idx);
	return err ? err : idx != r->avail_idx;
}

/**
 * vtap_split_disable_notify - disable kicks
 * @r: ring
 *
 * With event indices nothing is written. The driver kicks only once, for the
 * index that vtap_split_enable_notify() last wrote.
 *
 * Return: 0, or -EIO if the ring is broken.
 */
int vtap_split_disable_notify(struct vtap_ring *r)
{
	u16 __user *flags = (u16 __user *)&r->used->flags;
	u16 __user *to;

	if (unlikely(r->fault))
		return -EIO;
	if (r->event_idx || r->kicks_off)
		return 0;
	to = vtap_ring_used_addr(r, flags);
	if (!user_write_access_begin(to, sizeof(*to)))
		goto fault;
	unsafe_put_user((__force u16)cpu_to_le16(VRING_USED_F_NO_NOTIFY), to,
			fault_in_window);
	user_write_access_end();
	vtap_split_log_word(r, flags);
	r->kicks_off = true;
	return 0;

fault_in_window:
	user_write_access_end();
fault:
	return vtap_ring_break(r, VTAP_FAULT_RING_ACCESS);
}

/**
 * vtap_split_enable_notify - enable kicks and test for new chains again (E)
 * @r: ring
 *
 * The driver kicks for the first chain after those that were seen, popped or
 * not. RX may leave chains in the ring that are too small for the next packet.
 *
 * Return: 1 if the driver added chains meanwhile and may not kick, so the pass
 * must continue; 0 if the worker may sleep; -EIO if the ring is broken.
 */
int vtap_split_enable_notify(struct vtap_ring *r)
{
	u16 __user *word, *to;
	u16 val;

	if (unlikely(r->fault))
		return -EIO;
	if (r->event_idx) {
		word = vtap_split_avail_event(r);
		val = (__force u16)cpu_to_le16(r->avail_idx);
	} else {
		word = (u16 __user *)&r->used->flags;
		val = 0;
	}
	to = vtap_ring_used_addr(r, word);
	if (!user_write_access_begin(to, sizeof(*to)))
		goto fault;
	unsafe_put_user(val, to, fault_in_window);
	user_write_access_end();
	vtap_split_log_word(r, word);
	r->kicks_off = false;

	vtap_mb();			/* E: our word before the driver's idx */
	return vtap_split_has_new(r);

fault_in_window:
	user_write_access_end();
fault:
	return vtap_ring_break(r, VTAP_FAULT_RING_ACCESS);
}
