// SPDX-License-Identifier: GPL-2.0
/*
 * The driver's side of a packed ring: post, publish, kick, reap.
 *
 * Section numbers are those of the virtio 1.2 specification.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "pvq.h"

#define load_acquire(p)		__atomic_load_n((p), __ATOMIC_ACQUIRE)
#define store_release(p, v)	__atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define full_barrier()		__atomic_thread_fence(__ATOMIC_SEQ_CST)

struct vring_packed_desc *pvq_desc(const struct vq *q, unsigned int i)
{
	return (struct vring_packed_desc *)q->desc + i;
}

/* The driver's event structure, which controls calls. */
struct vring_packed_desc_event *pvq_driver(const struct vq *q)
{
	return (struct vring_packed_desc_event *)q->avail;
}

/* The device's event structure, which controls kicks. */
struct vring_packed_desc_event *pvq_device(const struct vq *q)
{
	return (struct vring_packed_desc_event *)q->used;
}

static uint16_t index_of(uint16_t at)
{
	return at & ~PVQ_WRAP;
}

/* The flags of a descriptor that is available, or used, at a position. */
uint16_t pvq_avail_flags(uint16_t at)
{
	return at & PVQ_WRAP ? PVQ_AVAIL : PVQ_USED;
}

static uint16_t used_flags(uint16_t at)
{
	return at & PVQ_WRAP ? PVQ_BOTH : 0;
}

/* The position @n descriptors later. */
uint16_t pvq_on(const struct vq *q, uint16_t at, unsigned int n)
{
	for (n += index_of(at); n >= q->num; n -= q->num)
		at ^= PVQ_WRAP;
	return (at & PVQ_WRAP) | n;
}

/* Is @event a descriptor in the range from @from up to, but not including, @to? */
static bool is_between(const struct vq *q, uint16_t from, uint16_t event,
		       uint16_t to)
{
	for (; from != to; from = pvq_on(q, from, 1))
		if (from == event)
			return true;
	return false;
}

/* Start with an empty ring: all descriptors were used, in this lap or the last. */
void pvq_start_at(struct vq *q, uint16_t at)
{
	uint16_t i;

	q->avail_at = at;
	q->used_at = at;
	q->kicked_at = at;
	q->nr_held = 0;
	for (i = 0; i < q->num; i++)
		pvq_desc(q, i)->flags = used_flags(i < index_of(at) ?
						   at : at ^ PVQ_WRAP);
}

/* Write the next descriptor, but hold back the first flags of a chain (2.8.21.1). */
void pvq_put(struct vq *q, uint64_t addr, uint32_t len, uint16_t id,
	     uint16_t flags, bool is_first)
{
	struct vring_packed_desc *d = pvq_desc(q, index_of(q->avail_at));

	d->addr = addr;
	d->len = len;
	d->id = id;
	flags |= pvq_avail_flags(q->avail_at);
	if (is_first) {
		q->held[q->nr_held++] = (struct vq_held){ q->avail_at, flags };
		q->last_at = q->avail_at;
	} else {
		store_release(&d->flags, flags);
	}
	q->avail_at = pvq_on(q, q->avail_at, 1);
}

static uint16_t take_id(struct vq *q, unsigned int nr, uint64_t cookie)
{
	uint16_t id = q->free_head;

	q->free_head = q->next[id];
	q->ndesc[id] = nr;
	q->cookie[id] = cookie;
	q->nr_free -= nr;
	q->order[q->avail_idx++ % q->num] = id;
	return id;
}

/* Return: the buffer's id, or -ENOSPC */
int pvq_add(struct vq *q, const struct seg *seg, unsigned int nr,
	    uint64_t cookie)
{
	unsigned int i;
	uint16_t id;

	if (q->nr_free < nr)
		return -ENOSPC;
	id = take_id(q, nr, cookie);
	q->first_len[id] = seg->len;
	/* Only the id of the last one matters (2.8.6). */
	for (i = 0; i < nr; i++)
		pvq_put(q, seg[i].gpa, seg[i].len, i + 1 < nr ? ~id : id,
			(seg[i].is_write ? VRING_DESC_F_WRITE : 0) |
			(i + 1 < nr ? VRING_DESC_F_NEXT : 0), !i);
	return id;
}

/* The table's descriptors are consecutive; only WRITE matters (2.8.7). */
int pvq_add_indirect(struct guest *g, struct vq *q, const struct seg *seg,
		     unsigned int nr, uint64_t table_gpa, uint64_t cookie)
{
	struct vring_packed_desc d;
	unsigned int i;
	uint16_t id;

	if (!q->nr_free)
		return -ENOSPC;
	for (i = 0; i < nr; i++) {
		d = (struct vring_packed_desc){
			.addr = seg[i].gpa, .len = seg[i].len, .id = 0xabcd,
			.flags = seg[i].is_write ? VRING_DESC_F_WRITE : 0,
		};
		if (guest_write(g, table_gpa + i * sizeof(d), &d, sizeof(d)))
			return -EFAULT;
	}
	id = take_id(q, 1, cookie);
	q->first_len[id] = seg->len;
	pvq_put(q, table_gpa, nr * sizeof(d), id, VRING_DESC_F_INDIRECT, true);
	return id;
}

/* Publish all but the first: the device does not see them before that one. */
void pvq_publish_behind(struct vq *q)
{
	unsigned int i;

	for (i = 1; i < q->nr_held; i++)
		store_release(&pvq_desc(q, index_of(q->held[i].at))->flags,
			      q->held[i].flags);
	q->nr_held = i > 1 ? 1 : q->nr_held;
}

void pvq_publish(struct vq *q)
{
	pvq_publish_behind(q);
	if (q->nr_held)
		store_release(&pvq_desc(q, index_of(q->held->at))->flags,
			      q->held->flags);
	q->nr_held = 0;
}

/* 2.8.21.3.1 */
bool pvq_must_kick(struct vq *q)
{
	uint16_t mode;

	full_barrier();
	mode = load_acquire(&pvq_device(q)->flags);
	if (mode != VRING_PACKED_EVENT_FLAG_DESC)
		return mode != VRING_PACKED_EVENT_FLAG_DISABLE;
	return is_between(q, q->kicked_at, pvq_device(q)->off_wrap,
			  q->avail_at);
}

void pvq_kicked(struct vq *q)
{
	q->kicked_at = q->avail_at;
}

/* Request a call when the descriptor at @at is used. */
void pvq_call_at(struct vq *q, uint16_t at)
{
	pvq_driver(q)->off_wrap = at;
	store_release(&pvq_driver(q)->flags, VRING_PACKED_EVENT_FLAG_DESC);
	full_barrier();
}

void pvq_calls_on(struct vq *q)
{
	if (q->features & F_EVENT_IDX)
		pvq_call_at(q, q->used_at);
	else
		store_release(&pvq_driver(q)->flags,
			      VRING_PACKED_EVENT_FLAG_ENABLE);
}

void pvq_calls_off(struct vq *q)
{
	store_release(&pvq_driver(q)->flags, VRING_PACKED_EVENT_FLAG_DISABLE);
}

static bool is_used(const struct vq *q, uint16_t at)
{
	uint16_t flags = load_acquire(&pvq_desc(q, index_of(at))->flags);

	return (flags & PVQ_BOTH) == used_flags(at);
}

/*
 * Can @base be the base of a stopped device that used all it took? Check it against
 * the ring, while other threads post and reap.
 */
bool pvq_is_base(const struct vq *q, uint32_t base)
{
	uint16_t at = base;

	return base >> 16 == at && index_of(at) < q->num && !is_used(q, at);
}

/* Is the next descriptor used? Any thread may have posted it. */
bool pvq_next_is_used(const struct vq *q)
{
	return is_used(q, q->used_at);
}

/* Has the device used all that was posted? */
bool pvq_last_is_used(const struct vq *q)
{
	return is_used(q, q->last_at);
}

bool pvq_has_used(const struct vq *q)
{
	return q->nr_free < q->num && pvq_next_is_used(q);
}

/*
 * Count the used chains that vq_get_used() has not returned yet, and set @end to the
 * position of the next one.
 */
unsigned int pvq_count_used(const struct vq *q, uint16_t *end)
{
	unsigned int n = 0, left = q->num - q->nr_free;
	uint16_t at = q->used_at, id;

	while (left && is_used(q, at)) {
		id = pvq_desc(q, index_of(at))->id;
		if (id >= q->num || !q->ndesc[id] || q->ndesc[id] > left)
			break;		/* vq_get_used() reports the error */
		left -= q->ndesc[id];
		at = pvq_on(q, at, q->ndesc[id]);
		n++;
	}
	*end = at;
	return n;
}

static int used_id(struct vq *q, uint16_t id)
{
	uint16_t oldest = q->order[q->used_idx % q->num];

	if (q->features & F_IN_ORDER && id != oldest)
		return -EPROTO;
	return id < q->num && q->ndesc[id] ? id : -EPROTO;
}

/* With IN_ORDER take ids in turn, otherwise reuse the last one first. */
static void give_back(struct vq *q, uint16_t id)
{
	bool none_free = (uint16_t)(q->avail_idx - q->used_idx) == q->num;

	if (!(q->features & F_IN_ORDER)) {
		q->next[id] = q->free_head;
		q->free_head = id;
	} else {
		q->next[q->free_tail] = id;
		q->free_tail = id;
		if (none_free)
			q->free_head = id;
	}
	q->nr_free += q->ndesc[id];
	q->ndesc[id] = 0;
}

int pvq_get_used(struct vq *q, uint32_t *len, uint64_t *cookie)
{
	const struct vring_packed_desc *d;
	int id;

	if (!pvq_has_used(q))
		return 0;
	d = pvq_desc(q, index_of(q->used_at));
	id = used_id(q, d->id);
	if (id < 0)
		return id;
	if (len)	/* 2.8.6: undefined without WRITE */
		*len = d->flags & VRING_DESC_F_WRITE ? d->len : 0;
	if (cookie)
		*cookie = q->cookie[id];
	q->used_at = pvq_on(q, q->used_at, q->ndesc[id]);
	give_back(q, id);
	q->used_idx++;
	return 1;
}
