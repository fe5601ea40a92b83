// SPDX-License-Identifier: GPL-2.0
/*
 * driver.c - the mock driver of driver.h
 *
 * Section numbers are those of virtio 1.2. pdriver.c has the code for the packed
 * format.
 */
#include "pdriver.h"

/* Words of the avail area (2.7.6) and of the used area (2.7.8). */
#define AV_FLAGS	0
#define AV_IDX		1
#define AV_RING		2
#define US_FLAGS	0
#define US_IDX		1
#define US_RING		2	/* four 16-bit words per entry */

#define AV_F_NO_INTERRUPT	1
#define US_F_NO_NOTIFY		1

static uint16_t load(const struct drv_word *word, int order)
{
	const uint16_t *p = (const uint16_t *)word;

	return drv_le16(order == __ATOMIC_ACQUIRE ?
			__atomic_load_n(p, __ATOMIC_ACQUIRE) :
			__atomic_load_n(p, __ATOMIC_RELAXED));
}

static void store(struct drv_word *word, uint16_t v)
{
	__atomic_store_n((uint16_t *)word, drv_le16(v), __ATOMIC_RELAXED);
}

size_t drv_desc_size(uint16_t num)
{
	return 16 * (size_t)num;
}

size_t drv_avail_size(uint16_t num, bool event_idx)
{
	return 4 + 2 * (size_t)num + (event_idx ? 2 : 0);
}

size_t drv_used_size(uint16_t num, bool event_idx)
{
	return 4 + 8 * (size_t)num + (event_idx ? 2 : 0);
}

/* Return a word of an area. It has at most 8 bytes and never crosses a page. */
static void *word_at(const struct drv *d, void *linear, uint64_t far,
		     size_t off)
{
	if (!d->span)
		return (char *)linear + off;
	off += far - d->span->first;
	return d->span->page[off / DRV_PAGE] + off % DRV_PAGE;
}

struct drv_desc *drv_desc_at(const struct drv *d, uint16_t i)
{
	return word_at(d, d->desc, d->place.desc, i * sizeof(*d->desc));
}

struct drv_word *drv_avail_at(const struct drv *d, size_t word)
{
	return word_at(d, d->avail, d->place.avail, 2 * word);
}

struct drv_word *drv_used_at(const struct drv *d, size_t word)
{
	return word_at(d, d->used, d->place.used, 2 * word);
}

bool drv_alloc(struct drv *d)
{
	d->slot = calloc(d->num, sizeof(*d->slot));
	d->link = calloc(d->num, sizeof(*d->link));
	d->order = calloc(d->num, sizeof(*d->order));
	d->held = calloc(d->num, sizeof(*d->held));
	return d->slot && d->link && d->order && d->held;
}

void drv_start(struct drv *d, uint16_t start)
{
	unsigned int i, num = d->num;

	d->nr_free = num;
	d->avail_idx = start;
	d->shown_idx = start;
	d->kick_idx = start;
	d->used_idx = start;
	d->nr_added = 0;
	d->nr_got = 0;
	d->nr_held = 0;
	d->broken = NULL;
	/* 2.7.9: with IN_ORDER the next descriptor follows from the index. */
	d->free_head = d->in_order && !d->packed ? start & (num - 1) : 0;
	d->free_tail = (d->free_head + num - 1) % num;
	memset(d->slot, 0, num * sizeof(*d->slot));
	for (i = 0; i < num; i++)
		d->link[i] = i + 1 < num ? i + 1 : 0;
	if (d->packed) {
		pdrv_start(d, start);
		return;
	}
	drv_avail_at(d, AV_IDX)->v = start;
	drv_used_at(d, US_IDX)->v = start;
	if (d->event_idx) {
		drv_avail_at(d, AV_RING + num)->v = start;
		drv_used_at(d, US_RING + 4 * (size_t)num)->v = start;
	}
}

void drv_exit(struct drv *d)
{
	free(d->slot);
	free(d->link);
	free(d->order);
	free(d->held);
	d->slot = NULL;
	d->link = NULL;
	d->order = NULL;
	d->held = NULL;
}

static uint16_t take_desc(struct drv *d)
{
	uint16_t i = d->free_head;

	d->free_head = d->link[i];
	d->nr_free--;
	return i;
}

static void fill(struct drv_desc *desc, const struct seg *seg)
{
	desc->addr = seg->gpa;
	desc->len = seg->len;
	desc->flags = seg->is_write ? DRV_WRITE : 0;
	desc->next = 0xdead;	/* ignored without NEXT */
}

void drv_fill_entry(const struct drv *d, struct drv_desc *entry,
		    const struct seg *seg, unsigned int i, unsigned int nr)
{
	if (d->packed) {
		pdrv_fill_entry(entry, &seg[i]);
		return;
	}
	fill(entry, &seg[i]);
	if (i + 1 < nr) {
		entry->flags |= DRV_NEXT;
		entry->next = i + 1;
	}
}

void drv_put_avail(struct drv *d, uint16_t head)
{
	drv_avail_at(d, AV_RING + (d->avail_idx & (d->num - 1)))->v = head;
	d->avail_idx++;
}

/* Link @nr descriptors of the ring, and leave the last one open. */
static uint16_t link_ring(struct drv *d, const struct seg *seg,
			  unsigned int nr, struct drv_desc **last)
{
	uint16_t head = 0, at;
	unsigned int i;

	*last = NULL;
	for (i = 0; i < nr; i++) {
		at = take_desc(d);
		if (*last) {
			(*last)->flags |= DRV_NEXT;
			(*last)->next = at;
		} else {
			head = at;
		}
		*last = drv_desc_at(d, at);
		if (seg)
			fill(*last, &seg[i]);
	}
	return head;
}

static void note(struct drv *d, uint16_t head, unsigned int nr_desc,
		 uint32_t len, uint64_t cookie)
{
	d->slot[head] = (struct drv_slot){
		.cookie = cookie, .len = len, .busy = true, .nr_desc = nr_desc,
	};
	if (d->in_order)
		d->order[d->nr_added % d->num] = head;
	d->nr_added++;
	drv_put_avail(d, head);
}

int drv_add(struct drv *d, const struct seg *seg, unsigned int nr,
	    uint64_t cookie)
{
	struct drv_desc *last;
	uint16_t head;

	if (d->packed)
		return pdrv_add(d, seg, nr, cookie);
	if (!nr || nr > d->nr_free)
		return -1;
	head = link_ring(d, seg, nr, &last);
	note(d, head, nr, seg ? seg->len : 0, cookie);
	return head;
}

int drv_add_table(struct drv *d, const struct seg *table, const struct seg *seg,
		  unsigned int nr_direct, uint64_t cookie)
{
	struct drv_desc *last;
	uint16_t head, at;

	if (nr_direct + 1 > d->nr_free)
		return -1;
	if (d->packed)
		return pdrv_add_table(d, table, cookie);
	head = link_ring(d, seg, nr_direct, &last);
	at = take_desc(d);
	if (last) {
		last->flags |= DRV_NEXT;
		last->next = at;
	}
	*drv_desc_at(d, at) = (struct drv_desc){
		.addr = table->gpa, .len = table->len,
		.flags = DRV_INDIRECT, .next = 0xdead,
	};
	if (!nr_direct)
		head = at;
	note(d, head, nr_direct + 1, table->len, cookie);
	return head;
}

void drv_publish(struct drv *d)
{
	if (d->packed)
		return pdrv_publish(d);
	/* 2.7.13.3: write the index after the entries it covers. */
	drv_store_release(drv_avail_at(d, AV_IDX), d->avail_idx);
	d->shown_idx = d->avail_idx;
}

/* Check that entry @event is in the range from @old up to, but not including, @new. */
static bool is_among(uint16_t event, uint16_t old, uint16_t new)
{
	uint16_t nr = new - old, dist = event - old;

	return dist < nr;
}

bool drv_wants_kick(const struct drv *d)
{
	/* 2.7.13.3.1: make idx visible before reading the suppression word. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (d->packed)
		return pdrv_wants_kick(d);
	if (d->event_idx)
		return is_among(drv_avail_event(d), d->kick_idx, d->shown_idx);
	return !(drv_used_flags(d) & US_F_NO_NOTIFY);
}

bool drv_must_kick(struct drv *d)
{
	bool must = drv_wants_kick(d);

	d->kick_idx = d->shown_idx;
	return must;
}

uint16_t drv_nr_used(const struct drv *d)
{
	if (d->packed)
		return pdrv_nr_used(d);
	return load(drv_used_at(d, US_IDX), __ATOMIC_ACQUIRE) - d->used_idx;
}

/*
 * With IN_ORDER, free descriptors go to the end of the list, to be taken in the order
 * of the table. Otherwise they go to its front, so that few stay in the cache.
 */
void drv_give_back(struct drv *d, uint16_t first, uint16_t last, bool none_free)
{
	if (!d->in_order) {
		d->link[last] = d->free_head;
		d->free_head = first;
		return;
	}
	if (none_free)
		d->free_head = first;
	else
		d->link[d->free_tail] = first;
	d->free_tail = last;
}

int drv_used_head(struct drv *d, uint32_t id)
{
	uint16_t oldest = d->order[d->nr_got % d->num];

	if (d->in_order && id != oldest) {
		if (!d->skips_ids) {
			d->broken = "used entry is out of order";
			return -1;
		}
		id = oldest;
	}
	if (id >= d->num || !d->slot[id].busy) {
		d->broken = "used entry names a chain that is not out";
		return -1;
	}
	return id;
}

bool drv_get(struct drv *d, unsigned long long *cookie, uint32_t *len)
{
	struct drv_used_elem elem;
	struct drv_slot *slot;
	uint16_t nr, i, last;
	size_t at;
	int head;

	if (d->packed)
		return pdrv_get(d, cookie, len);
	nr = drv_nr_used(d);
	if (!nr)
		return false;
	if (nr > d->num) {
		d->broken = "used idx jumped by more than the ring size";
		return false;
	}
	at = US_RING + 4 * (size_t)(d->used_idx & (d->num - 1));
	/* A page may end between the two. */
	memcpy(&elem, drv_used_at(d, at), 4);
	memcpy((char *)&elem + 4, drv_used_at(d, at + 2), 4);
	head = drv_used_head(d, elem.id);
	if (head < 0)
		return false;
	slot = &d->slot[head];
	for (i = 1, last = head; i < slot->nr_desc; i++)
		last = d->link[last];
	drv_give_back(d, head, last, !d->nr_free);
	d->nr_free += slot->nr_desc;
	slot->busy = false;
	*cookie = slot->cookie;
	*len = elem.len;
	d->used_idx++;
	d->nr_got++;
	return true;
}

bool drv_call_on(struct drv *d)
{
	if (d->packed)
		return pdrv_call_on(d);
	/* 2.7.7.1: with event idx flags stay 0, and used_event selects the entry. */
	if (d->event_idx)
		store(drv_avail_at(d, AV_RING + d->num), d->used_idx);
	else
		store(drv_avail_at(d, AV_FLAGS), 0);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return drv_nr_used(d) != 0;
}

void drv_call_at(struct drv *d, uint16_t idx)
{
	if (d->packed)
		return pdrv_call_at(d, idx);
	store(drv_avail_at(d, AV_RING + d->num), idx);
}

void drv_call_off(struct drv *d)
{
	if (d->packed)
		return pdrv_call_off(d);
	/* With event idx: an entry so far behind that the device has decided on its call. */
	if (d->event_idx)
		store(drv_avail_at(d, AV_RING + d->num), d->used_idx - 0x4000);
	else
		store(drv_avail_at(d, AV_FLAGS), AV_F_NO_INTERRUPT);
}

bool drv_wants_call(const struct drv *d, uint16_t old, uint16_t new)
{
	if (d->packed)
		return pdrv_wants_call(d, old, new);
	if (old == new)
		return false;
	if (!d->event_idx)
		return !(load(drv_avail_at(d, AV_FLAGS), __ATOMIC_RELAXED) &
			 AV_F_NO_INTERRUPT);
	return is_among(load(drv_avail_at(d, AV_RING + d->num), __ATOMIC_RELAXED),
			old, new);
}

uint16_t drv_used_idx(const struct drv *d)
{
	return load(drv_used_at(d, US_IDX), __ATOMIC_ACQUIRE);
}

uint16_t drv_used_flags(const struct drv *d)
{
	return load(drv_used_at(d, US_FLAGS), __ATOMIC_RELAXED);
}

uint16_t drv_avail_event(const struct drv *d)
{
	return load(drv_used_at(d, US_RING + 4 * (size_t)d->num), __ATOMIC_RELAXED);
}
