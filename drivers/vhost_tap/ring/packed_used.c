// SPDX-License-Identifier: GPL-2.0
/*
 * packed_used.c - stage and publish used entries of the packed ring
 *
 * Used entries follow each other, with a gap after the entry of a longer chain. The
 * place of a staged entry is computed from the gaps when the entry is written.
 */
#include "packed.h"

/* Set the fill level up to which staging takes the fast path; 0 if broken. */
void vtap_packed_set_max(struct vtap_ring *r)
{
	r->stage_max = r->fault ? 0 : min_t(u32, r->stage_room, VTAP_FETCH);
}

void vtap_packed_stage_from(struct vtap_ring *r, u16 used)
{
	bool wrap = used & VTAP_PACKED_WRAP;

	r->last_used = used;
	r->nr_spilled = 0;
	r->nr_staged = 0;
	r->stage_room = r->num - vtap_packed_idx(used);
	vtap_packed_set_max(r);
	r->stage_word =
		vtap_packed_pack_word(0, 0, wrap ? VTAP_PACKED_BOTH : 0);
	if (unlikely(r->has_gaps))
		memset(r->skip, 0, sizeof(r->skip));
	r->has_gaps = false;
	r->skip[0] = 0;
}

static __always_inline void vtap_packed_set_tail(struct vring_packed_desc *d,
						 u64 word)
{
	*(u64 *)&d->len = word;
}

static __always_inline bool vtap_packed_begin_write(struct vtap_ring *r)
{
	if (unlikely(r->scattered))
		return user_write_access_begin(vtap_ring_desc_addr(r, r->desc),
					       sizeof(*r->desc));
	return user_write_access_begin(r->desc, r->num * sizeof(*r->desc));
}

/*
 * Write the staged entries except the first one. There is no gap between them, so
 * they are two runs, or more if a driver reuses descriptors too early. All indices
 * are below num whatever the driver does.
 * Return: 0 or -EFAULT.
 */
static __always_inline int vtap_packed_write_rows(const struct vtap_ring *r)
{
	u32 idx = vtap_packed_idx(r->last_used) + 1 + r->skip[0], num = r->num;
	const u64 *entry = r->packed_staged, *end = entry + r->nr_staged;

	if (idx >= num)
		idx -= num;
	for (entry++; entry < end; idx = 0) {
		u64 __user *to = (u64 __user *)&(r->packed_desc + idx)->len;
		const u64 *stop = entry + min_t(u32, end - entry, num - idx);

		for (; entry < stop; entry++, to += 2)
			unsafe_put_user(*entry, to, fault);
	}
	return 0;

fault:
	return -EFAULT;
}

/*
 * Write all staged entries except the first one, which makes the others
 * visible. The caller has opened the write window. All indices are below num
 * whatever the driver does.
 * Return: 0 or -EFAULT.
 */
static __always_inline int vtap_packed_write_staged(const struct vtap_ring *r)
{
	u32 idx = vtap_packed_idx(r->last_used), num = r->num;
	const u64 *entry = r->packed_staged, *end = entry + r->nr_staged;
	const u16 *more = r->skip;

	if (likely(!r->has_gaps && !r->scattered))
		return vtap_packed_write_rows(r);
	while (++entry < end) {
		u64 __user *to;

		idx += 1 + *more++;
		if (unlikely(idx >= num))
			idx -= num;
		to = (u64 __user *)&(r->packed_desc + idx)->len;
		to = vtap_ring_desc_addr(r, to);
		unsafe_put_user(*entry, to, fault);
	}
	return 0;

fault:
	return -EFAULT;
}

/*
 * Write contiguous entries with one copy call: store them in the copies of their
 * descriptors, whose buffers are already served, and write these copies back.
 * Return: 1 if they were written, 0 if the caller has to, -EIO if broken.
 */
static noinline int vtap_packed_write_run(struct vtap_ring *r)
{
	u16 nr = r->nr_staged, off = r->last_used - r->fetch_start;
	const u64 *from = r->packed_staged + 1;
	struct vring_packed_desc __user *to;
	struct vring_packed_desc *copy, *end, *d;

	/* After a spill the first entry is older than the last fetch, too. */
	if (r->has_gaps || r->nr_spilled ||
	    off + nr > r->nr_fetched + r->nr_left || unlikely(r->scattered))
		return 0;
	to = r->packed_desc + vtap_packed_idx(r->last_used) + 1;
	copy = r->packed_first + off + 1;
	end = copy + nr - 1;
	for (d = copy; end - d >= 4; d += 4, from += 4) {
		vtap_packed_set_tail(d, from[0]);
		vtap_packed_set_tail(d + 1, from[1]);
		vtap_packed_set_tail(d + 2, from[2]);
		vtap_packed_set_tail(d + 3, from[3]);
	}
	while (d < end)
		vtap_packed_set_tail(d++, *from++);
	if (vtap_user_copy_out(to, copy, (nr - 1) * sizeof(*to)))
		return vtap_ring_break(r, VTAP_FAULT_RING_ACCESS);
	return 1;
}

static noinline __cold void vtap_packed_log_staged(struct vtap_ring *r, u16 i)
{
	const size_t used = offsetof(struct vring_packed_desc, len);
	const size_t size = sizeof(struct vring_packed_desc);
	u16 pos = r->last_used, n;

	for (n = 0; n < r->nr_staged; n++) {
		if (n >= i)
			vtap_ring_log_desc(r, vtap_packed_idx(pos) * size + used,
					   size - used);
		pos = vtap_packed_advance(r, pos, r->skip[n] + 1);
	}
}

static __always_inline void vtap_packed_next_lap(struct vtap_ring *r)
{
	r->stage_room += r->num;
	r->stage_word ^= vtap_packed_pack_word(0, 0, VTAP_PACKED_BOTH);
}

/* Return the index of the next staged entry, or num at the end of the ring. */
static __always_inline u16 vtap_packed_stage_idx(const struct vtap_ring *r)
{
	return r->num - (r->stage_room - r->nr_staged);
}

/*
 * Write the staged entries early because the staging array is full. The driver
 * does not see them before the first one is written. That one therefore stays
 * staged, with a gap as long as the spilled part.
 */
static noinline int vtap_packed_spill(struct vtap_ring *r)
{
	u16 first = vtap_packed_idx(r->last_used);
	u16 pos = vtap_packed_stage_idx(r);

	if (!vtap_packed_begin_write(r))
		return vtap_ring_break(r, VTAP_FAULT_RING_ACCESS);
	if (vtap_packed_write_staged(r))
		goto fault;
	user_write_access_end();
	if (unlikely(r->log))
		vtap_packed_log_staged(r, 1);
	if (unlikely(r->has_gaps))
		memset(r->skip, 0, sizeof(r->skip));
	r->has_gaps = false;
	r->skip[0] = pos - first - 1 + (pos > first ? 0 : r->num);
	r->stage_room -= r->nr_staged - 1;
	r->nr_spilled += r->nr_staged - 1;
	r->nr_staged = 1;
	vtap_packed_set_max(r);
	return 0;

fault:
	user_write_access_end();
	return vtap_ring_break(r, VTAP_FAULT_RING_ACCESS);
}

/* Handle a next entry that may be past the end of the ring. */
void vtap_packed_end_lap(struct vtap_ring *r)
{
	if (r->stage_room <= r->nr_staged)
		vtap_packed_next_lap(r);
	vtap_packed_set_max(r);
}

/* Handle a next entry that is past the end of the ring or of the array. */
int vtap_packed_stage_wrapped(struct vtap_ring *r)
{
	int err = 0;

	if (r->fault)
		return -EIO;
	vtap_packed_end_lap(r);
	if (r->nr_staged == VTAP_FETCH)
		err = vtap_packed_spill(r);
	return err;
}

/**
 * vtap_packed_stage_run - record used entries of several chains
 * @r: ring
 * @used: the chains, in the order they were popped
 * @nr: number of chains
 *
 * Return: number of entries recorded; the next one takes vtap_packed_stage().
 */
u16 vtap_packed_stage_run(struct vtap_ring *r, const struct vtap_used *used,
			  u16 nr)
{
	u16 room = r->stage_max - min(r->stage_max, r->nr_staged);
	const u64 flags = r->stage_word |
			  vtap_packed_pack_word(0, 0, VRING_DESC_F_WRITE);
	u64 *first = r->packed_staged + r->nr_staged, *to = first, *end;

	for (end = to + min(nr, room); to < end; to++, used++) {
		u64 word = (u64)used->head << 32 | used->len;

		/* A longer chain, whose head has more bits, or no bytes. */
		if (word >> 48 || !(u32)word)
			break;
		*to = flags | (__force u64)cpu_to_le64(word);
	}
	r->nr_staged += to - first;
	return to - first;
}

/*
 * Publishing moved the used position from @old. A decision on a call is invalid
 * once the used position is two laps past it.
 */
static __always_inline void vtap_packed_published(struct vtap_ring *r, u16 old)
{
	r->uncalled += vtap_packed_distance(r, old, r->last_used);
	if (unlikely(r->uncalled >= 2 * r->num))
		r->called_valid = false;
}

/**
 * vtap_packed_publish - make all staged entries visible to the driver (C)
 * @r: ring
 *
 * Return: number of entries published, or -EIO if the ring is broken.
 */
int vtap_packed_publish(struct vtap_ring *r)
{
	u64 __user *to;
	u16 n = r->nr_spilled + r->nr_staged, old = r->last_used;
	int written = 0;

	if (unlikely(r->fault == VTAP_FAULT_RING_ACCESS))
		return -EIO;
	if (!n)
		return 0;
	to = (u64 __user *)&(r->packed_desc + vtap_packed_idx(old))->len;
	to = vtap_ring_desc_addr(r, to);
	if (r->nr_staged >= 2 * VTAP_RUN_LONG)
		written = vtap_packed_write_run(r);
	if (unlikely(written < 0) || !vtap_packed_begin_write(r))
		goto fault;
	if (!written && vtap_packed_write_staged(r))
		goto fault_in_window;
	/* C, pairs with D */
	vtap_put64_release(*r->packed_staged, to, fault_in_window);
	user_write_access_end();

	if (unlikely(r->log))
		vtap_packed_log_staged(r, 0);
	if (r->nr_staged == r->stage_room)
		vtap_packed_next_lap(r);
	vtap_packed_stage_from(r, vtap_packed_stage_idx(r) |
				  (r->stage_word ? VTAP_PACKED_WRAP : 0));
	vtap_packed_published(r, old);
	return n;

fault_in_window:
	user_write_access_end();
fault:
	return vtap_ring_break(r, VTAP_FAULT_RING_ACCESS);
}
