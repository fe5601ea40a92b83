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

static uint16_t load(const uint16_t *p, int order)
{
	return order == __ATOMIC_ACQUIRE ?
	       __atomic_load_n(p, __ATOMIC_ACQUIRE) :
	       __atomic_load_n(p, __ATOMIC_RELAXED);
}

static void store(uint16_t *p, uint16_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
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

uint16_t *drv_avail_at(const struct drv *d, size_t word)
{
	return word_at(d, d->avail, d->place.avail, 2 * word);
}

uint16_t *drv_used_at(const struct drv *d, size_t word)
{
	return word_at(d, d->used, d->place.used, 2 * word);
}

static void init(struct drv *d, uint16_t start)
{
	unsigned int i, num = d->num;

	d->nr_free = num;
	d->avail_idx = start;
	d->shown_idx = start;
	d->kick_idx = start;
	d->used_idx = start;
	d->slot = calloc(num, sizeof(*d->slot));
	d->link = calloc(num, sizeof(*d->link));
	for (i = 0; i < num; i++)
		d->link[i] = i + 1;
	if (d->packed) {
		d->held = calloc(num, sizeof(*d->held));
		pdrv_init(d, start);
		return;
	}
	*drv_avail_at(d, AV_IDX) = start;
	*drv_used_at(d, US_IDX) = start;
	if (d->event_idx) {
		*drv_avail_at(d, AV_RING + num) = start;
		*drv_used_at(d, US_RING + 4 * (size_t)num) = start;
	}
}

void drv_init(struct drv *d, struct gmem *g, uint16_t num, bool event_idx,
	      uint16_t start)
{
	*d = (struct drv){
		.num = num, .event_idx = event_idx, .g = g,
		.desc = gmem_host(g, drv_desc_size(num)),
		.avail = gmem_host(g, drv_avail_size(num, event_idx)),
		.used = gmem_host(g, drv_used_size(num, event_idx)),
	};
	init(d, start);
}

void drv_init_packed(struct drv *d, struct gmem *g, uint16_t num,
		     bool event_idx, uint16_t start)
{
	*d = (struct drv){
		.packed = true, .num = num, .event_idx = event_idx, .g = g,
		.desc = gmem_host(g, drv_desc_size(num)),
		.avail = gmem_host(g, DRV_EVENT_SIZE),
		.used = gmem_host(g, DRV_EVENT_SIZE),
	};
	init(d, start);
}

void drv_init_scattered(struct drv *d, struct gmem *g, uint16_t num,
			bool event_idx, uint16_t start,
			const struct drv_span *span,
			const struct drv_place *place)
{
	*d = (struct drv){
		.packed = d->packed, .num = num, .event_idx = event_idx, .g = g,
		.span = span, .place = *place,
	};
	init(d, start);
}

void drv_exit(struct drv *d)
{
	free(d->slot);
	free(d->link);
	free(d->held);
	d->held = NULL;
	d->slot = NULL;
	d->link = NULL;
}

void drv_alloc_tables(struct drv *d, uint16_t max)
{
	d->table_max = max;
	d->table_gpa = gmem_alloc(d->g, (uint64_t)d->num * max * 16);
}

struct drv_desc *drv_table(struct drv *d, uint16_t head)
{
	uint64_t size = (uint64_t)d->table_max * 16;

	return gmem_hva(d->g, d->table_gpa + head * size, size);
}

static uint16_t take_desc(struct drv *d)
{
	uint16_t i = d->free_head;

	d->free_head = d->link[i];
	d->nr_free--;
	return i;
}

static void fill(struct drv_desc *desc, const struct drv_buf *b)
{
	desc->addr = b->gpa;
	desc->len = b->len;
	desc->flags = b->write ? DRV_WRITE : 0;
	desc->next = 0xdead;	/* ignored without NEXT */
}

void drv_put_avail(struct drv *d, uint16_t head)
{
	*drv_avail_at(d, AV_RING + (d->avail_idx & (d->num - 1))) = head;
	d->avail_idx++;
}

/* Link @nr descriptors of the ring, and leave the last one open. */
static uint16_t link_ring(struct drv *d, const struct drv_buf *buf,
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
		if (buf)
			fill(*last, &buf[i]);
	}
	return head;
}

static void note(struct drv *d, uint16_t head, unsigned int nr_desc,
		 uint64_t cookie)
{
	d->slot[head] = (struct drv_slot){
		.cookie = cookie, .busy = true, .nr_desc = nr_desc,
	};
	drv_put_avail(d, head);
}

int drv_add(struct drv *d, const struct drv_buf *buf, unsigned int nr,
	    uint64_t cookie)
{
	struct drv_desc *last;
	uint16_t head;

	if (d->packed)
		return pdrv_add(d, buf, nr, cookie);
	if (!nr || nr > d->nr_free)
		return -1;
	head = link_ring(d, buf, nr, &last);
	note(d, head, nr, cookie);
	return head;
}

int drv_add_indirect(struct drv *d, const struct drv_buf *buf,
		     unsigned int nr, unsigned int nr_direct, uint64_t cookie)
{
	unsigned int i, nr_table = nr - nr_direct;
	struct drv_desc *last, *table;
	uint16_t head, at;

	if (d->packed)
		return pdrv_add_indirect(d, buf, nr, cookie);
	if (nr_direct + 1 > d->nr_free || nr_table > d->table_max || !nr_table)
		return -1;
	head = link_ring(d, buf, nr_direct, &last);
	at = take_desc(d);
	if (last) {
		last->flags |= DRV_NEXT;
		last->next = at;
	} else {
		head = at;
	}
	table = drv_table(d, at);
	for (i = 0; i < nr_table; i++) {
		fill(&table[i], &buf[nr_direct + i]);
		if (i + 1 < nr_table) {
			table[i].flags |= DRV_NEXT;
			table[i].next = i + 1;
		}
	}
	*drv_desc_at(d, at) = (struct drv_desc){
		.addr = d->table_gpa + (uint64_t)at * d->table_max * 16,
		.len = nr_table * 16, .flags = DRV_INDIRECT, .next = 0xdead,
	};
	note(d, head, nr_direct + 1, cookie);
	return head;
}

void drv_publish(struct drv *d)
{
	if (d->packed)
		return pdrv_publish(d);
	/* 2.7.13.3: write the index after the entries it covers. */
	__atomic_store_n(drv_avail_at(d, AV_IDX), d->avail_idx, __ATOMIC_RELEASE);
	d->shown_idx = d->avail_idx;
}

/* Is entry @event in the range from @old up to, but not including, @new? */
static bool is_among(uint16_t event, uint16_t old, uint16_t new)
{
	uint16_t nr = new - old, dist = event - old;

	return dist < nr;
}

bool drv_must_kick(struct drv *d)
{
	uint16_t old = d->kick_idx;

	if (d->packed)
		return pdrv_must_kick(d);
	/* 2.7.13.3.1: make idx visible before reading the suppression word. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	d->kick_idx = d->shown_idx;
	if (d->event_idx)
		return is_among(drv_avail_event(d), old, d->shown_idx);
	return !(drv_used_flags(d) & US_F_NO_NOTIFY);
}

uint16_t drv_nr_used(const struct drv *d)
{
	if (d->packed)
		return pdrv_nr_used(d);
	return load(drv_used_at(d, US_IDX), __ATOMIC_ACQUIRE) - d->used_idx;
}

/* Put the descriptors of a chain back on the free list. */
static void release(struct drv *d, uint16_t head)
{
	uint16_t at = head;
	unsigned int i;

	for (i = 1; i < d->slot[head].nr_desc; i++)
		at = d->link[at];
	d->link[at] = d->free_head;
	d->free_head = head;
	d->nr_free += d->slot[head].nr_desc;
	d->slot[head].busy = false;
}

bool drv_get(struct drv *d, unsigned long long *cookie, uint32_t *len)
{
	uint16_t nr = drv_nr_used(d);
	uint32_t elem[2];
	size_t at;

	if (d->packed)
		return pdrv_get(d, cookie, len);
	if (!nr)
		return false;
	if (nr > d->num) {
		d->broken = "used idx jumped by more than the ring size";
		return false;
	}
	at = US_RING + 4 * (size_t)(d->used_idx & (d->num - 1));
	memcpy(&elem[0], drv_used_at(d, at), sizeof(elem[0]));
	memcpy(&elem[1], drv_used_at(d, at + 2), sizeof(elem[1]));
	if (elem[0] >= d->num || !d->slot[elem[0]].busy) {
		d->broken = "used entry names a chain that is not out";
		return false;
	}
	*cookie = d->slot[elem[0]].cookie;
	*len = elem[1];
	release(d, elem[0]);
	d->used_idx++;
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
	/* With event idx: select an entry far behind. */
	if (d->event_idx)
		store(drv_avail_at(d, AV_RING + d->num), d->used_idx - 1);
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
