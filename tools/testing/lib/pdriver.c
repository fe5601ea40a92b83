// SPDX-License-Identifier: GPL-2.0
/*
 * pdriver.c - the mock driver of driver.h, packed format
 *
 * driver.c calls these functions for packed rings. Section numbers are those of virtio
 * 1.2. Positions count over two laps, 0 to 2 * num - 1: the wrap counter is 1 in the
 * first lap and 0 in the second. Only the interface in driver.h has the wrap counter
 * in bit 15.
 */
#include "pdriver.h"

static uint16_t load(const uint16_t *p)
{
	return drv_le16(__atomic_load_n(p, __ATOMIC_RELAXED));
}

static void store(uint16_t *p, uint16_t v)
{
	__atomic_store_n(p, drv_le16(v), __ATOMIC_RELAXED);
}

static uint32_t lap_pos(const struct drv *d, uint16_t at)
{
	return (at & 0x7fff) + (at & PDRV_WRAP ? 0 : d->num);
}

static uint16_t at_of(const struct drv *d, uint32_t pos)
{
	pos %= 2u * d->num;
	return pos < d->num ? pos | PDRV_WRAP : pos - d->num;
}

static uint32_t dist(const struct drv *d, uint16_t from, uint16_t to)
{
	return (lap_pos(d, to) + 2u * d->num - lap_pos(d, from)) %
	       (2u * d->num);
}

uint16_t pdrv_step(const struct drv *d, uint16_t at, uint16_t nr)
{
	return at_of(d, lap_pos(d, at) + nr);
}

/* Return the flags of a descriptor that is available, or used, at a position. */
uint16_t pdrv_avail_bits(uint16_t at)
{
	return at & PDRV_WRAP ? PDRV_AVAIL : PDRV_USED;
}

static uint16_t used_bits(uint16_t at)
{
	return at & PDRV_WRAP ? PDRV_BOTH : 0;
}

static uint16_t *flags_at(const struct drv *d, uint16_t at)
{
	return drv_field(pdrv_desc_at(d, at & 0x7fff), flags);
}

struct pdrv_desc *pdrv_desc_at(const struct drv *d, uint16_t i)
{
	return (struct pdrv_desc *)drv_desc_at(d, i);
}

struct pdrv_event *pdrv_driver(const struct drv *d)
{
	return (struct pdrv_event *)drv_avail_at(d, 0);
}

struct pdrv_event *pdrv_device(const struct drv *d)
{
	return (struct pdrv_event *)drv_used_at(d, 0);
}

/* Initialize as earlier laps leave it: all entries before @start are used. */
void pdrv_start(struct drv *d, uint16_t start)
{
	uint16_t i, idx = start & 0x7fff;

	d->last_at = start;
	for (i = 0; i < d->num; i++)
		pdrv_desc_at(d, i)->flags =
			used_bits(i < idx ? start : start ^ PDRV_WRAP);
}

/* pdrv_publish() writes the first flags of a chain. */
void pdrv_put(struct drv *d, const struct pdrv_desc *desc, bool is_first)
{
	struct pdrv_desc *to = pdrv_desc_at(d, d->avail_idx & 0x7fff);
	uint16_t flags = desc->flags | pdrv_avail_bits(d->avail_idx);

	/* The device may read all fields but the address at any time. */
	to->addr = desc->addr;
	__atomic_store_n((uint32_t *)drv_field(to, len), drv_le32(desc->len),
			 __ATOMIC_RELAXED);
	store(drv_field(to, id), desc->id);
	if (is_first) {
		d->held[d->nr_held++] =
			(struct drv_held){ d->avail_idx, flags };
		d->last_at = d->avail_idx;
	} else {
		store(drv_field(to, flags), flags);
	}
	d->avail_idx = pdrv_step(d, d->avail_idx, 1);
}

static uint16_t take_id(struct drv *d, unsigned int nr_desc, uint32_t len,
			uint64_t cookie)
{
	uint16_t id = d->free_head;

	d->free_head = d->link[id];
	d->nr_free -= nr_desc;
	d->slot[id] = (struct drv_slot){
		.cookie = cookie, .len = len, .busy = true, .nr_desc = nr_desc,
	};
	if (d->in_order)
		d->order[d->nr_added % d->num] = id;
	d->nr_added++;
	return id;
}

int pdrv_add(struct drv *d, const struct seg *seg, unsigned int nr,
	     uint64_t cookie)
{
	unsigned int i;
	uint16_t id;

	if (!nr || nr > d->nr_free)
		return -1;
	id = take_id(d, nr, seg->len, cookie);
	for (i = 0; i < nr; i++) {
		struct pdrv_desc desc = {
			.addr = seg[i].gpa, .len = seg[i].len,
			/* 2.8.8: the device reads the last one */
			.id = i + 1 < nr ? 0xdead : id,
			.flags = (seg[i].is_write ? DRV_WRITE : 0) |
				 (i + 1 < nr ? DRV_NEXT : 0),
		};

		pdrv_put(d, &desc, !i);
	}
	return id;
}

/* 2.8.7: the entries are consecutive; only WRITE matters. */
void pdrv_fill_entry(struct drv_desc *entry, const struct seg *seg)
{
	*(struct pdrv_desc *)entry = (struct pdrv_desc){
		.addr = seg->gpa, .len = seg->len, .id = 0xdead,
		.flags = seg->is_write ? DRV_WRITE : 0,
	};
}

int pdrv_add_table(struct drv *d, const struct seg *table, uint64_t cookie)
{
	struct pdrv_desc desc = {
		.addr = table->gpa, .len = table->len, .flags = DRV_INDIRECT,
		.id = take_id(d, 1, table->len, cookie),
	};

	pdrv_put(d, &desc, true);
	return desc.id;
}

static void show(struct drv *d, const struct drv_held *held)
{
	/* 2.8.21.1: write the first flags after all the rest. */
	drv_store_release(flags_at(d, held->desc), held->flags);
}

void drv_publish_behind(struct drv *d)
{
	unsigned int i;

	for (i = 1; i < d->nr_held; i++)
		show(d, &d->held[i]);
	if (d->nr_held)
		d->nr_held = 1;
}

void pdrv_publish(struct drv *d)
{
	unsigned int i;

	for (i = 0; i < d->nr_held; i++)
		show(d, &d->held[i]);
	d->nr_held = 0;
	d->shown_idx = d->avail_idx;
}

bool pdrv_wants_kick(const struct drv *d)
{
	uint16_t mode, old = d->kick_idx;

	/* 2.8.21.3.1 */
	mode = drv_load_acquire(drv_field(pdrv_device(d), flags));
	if (mode != PDRV_DESC)
		return mode != PDRV_DISABLE;
	return dist(d, old, load(drv_field(pdrv_device(d), off_wrap))) <
	       dist(d, old, d->shown_idx);
}

bool pdrv_is_used(const struct drv *d, uint16_t at)
{
	uint16_t flags = drv_load_acquire(flags_at(d, at));

	return (flags & PDRV_BOTH) == used_bits(at);
}

uint16_t pdrv_nr_used(const struct drv *d)
{
	/* With no chain outstanding, all descriptors belong to an earlier lap. */
	return d->nr_free < d->num && pdrv_is_used(d, d->used_idx);
}

unsigned int pdrv_count_used(const struct drv *d, uint16_t *end)
{
	unsigned int nr = 0, left = d->num - d->nr_free;
	uint16_t at = d->used_idx, id, nr_desc;

	while (left && pdrv_is_used(d, at)) {
		id = pdrv_desc_at(d, at & 0x7fff)->id;
		nr_desc = id < d->num && d->slot[id].busy ?
			  d->slot[id].nr_desc : 0;
		if (!nr_desc || nr_desc > left)
			break;		/* pdrv_get() reports the error */
		left -= nr_desc;
		at = pdrv_step(d, at, nr_desc);
		nr++;
	}
	*end = at;
	return nr;
}

bool pdrv_get(struct drv *d, unsigned long long *cookie, uint32_t *len)
{
	const struct pdrv_desc *desc = pdrv_desc_at(d, d->used_idx & 0x7fff);
	struct drv_slot *slot;
	int id;

	if (!pdrv_nr_used(d))
		return false;
	if (d->nr_held && d->used_idx == d->held[0].desc) {
		d->broken = "a chain is used that was not shown";
		return false;
	}
	id = drv_used_head(d, desc->id);
	if (id < 0)
		return false;
	slot = &d->slot[id];
	*cookie = slot->cookie;
	/* 2.8.6: without WRITE the length is undefined */
	*len = load(drv_field(desc, flags)) & DRV_WRITE ? desc->len : 0;
	slot->busy = false;
	drv_give_back(d, id, id, d->nr_added - d->nr_got == d->num);
	d->used_idx = pdrv_step(d, d->used_idx, slot->nr_desc);
	d->nr_free += slot->nr_desc;
	d->nr_got++;
	return true;
}

void pdrv_call_at(struct drv *d, uint16_t at)
{
	store(drv_field(pdrv_driver(d), off_wrap), at);
	/* 2.8.14: write the offset before the mode that makes it valid */
	drv_store_release(drv_field(pdrv_driver(d), flags), PDRV_DESC);
}

bool pdrv_call_on(struct drv *d)
{
	if (d->event_idx)
		pdrv_call_at(d, d->used_idx);
	else
		store(drv_field(pdrv_driver(d), flags), PDRV_ENABLE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return pdrv_nr_used(d);
}

void pdrv_call_off(struct drv *d)
{
	store(drv_field(pdrv_driver(d), flags), PDRV_DISABLE);
}

bool pdrv_wants_call(const struct drv *d, uint16_t old, uint16_t new)
{
	uint16_t mode = load(drv_field(pdrv_driver(d), flags));

	if (old == new || mode == PDRV_DISABLE)
		return false;
	if (mode != PDRV_DESC)
		return true;
	return dist(d, old, load(drv_field(pdrv_driver(d), off_wrap))) < dist(d, old, new);
}
