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

/* 2.8.6 and 2.8.13 */
#define F_AVAIL		(1 << 7)
#define F_USED		(1 << 15)
#define EV_ENABLE	0
#define EV_DISABLE	1
#define EV_DESC		2
#define EV_WRAP		(1 << 15)

static uint16_t load(const uint16_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static void store(uint16_t *p, uint16_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

static uint32_t lap_pos(const struct drv *d, uint16_t at)
{
	return (at & 0x7fff) + (at & EV_WRAP ? 0 : d->num);
}

static uint16_t at_of(const struct drv *d, uint32_t pos)
{
	pos %= 2u * d->num;
	return pos < d->num ? pos | EV_WRAP : pos - d->num;
}

static uint32_t dist(const struct drv *d, uint16_t from, uint16_t to)
{
	return (lap_pos(d, to) + 2u * d->num - lap_pos(d, from)) %
	       (2u * d->num);
}

static uint16_t step(const struct drv *d, uint16_t at, uint16_t n)
{
	return at_of(d, lap_pos(d, at) + n);
}

/* Return the flags of a descriptor that is available, or used, at a position. */
static uint16_t avail_bits(uint16_t at)
{
	return at & EV_WRAP ? F_AVAIL : F_USED;
}

static uint16_t used_bits(uint16_t at)
{
	return at & EV_WRAP ? F_AVAIL | F_USED : 0;
}

static uint16_t *flags_at(const struct drv *d, uint16_t at)
{
	return &pdrv_desc_at(d, at & 0x7fff)->flags;
}

struct pdrv_desc *pdrv_desc_at(const struct drv *d, uint16_t i)
{
	return (struct pdrv_desc *)drv_desc_at(d, i);
}

/* Initialize as earlier laps leave it: all entries before @start are used. */
void pdrv_init(struct drv *d, uint16_t start)
{
	uint16_t i, idx = start & 0x7fff;

	for (i = 0; i < d->num; i++)
		pdrv_desc_at(d, i)->flags =
			used_bits(i < idx ? start : start ^ EV_WRAP);
}

/* Write a descriptor, except the first flags of a chain: pdrv_publish() writes those. */
static void put(struct drv *d, unsigned int i, const struct pdrv_desc *desc)
{
	struct pdrv_desc *to = pdrv_desc_at(d, d->avail_idx & 0x7fff);
	uint16_t flags = desc->flags | avail_bits(d->avail_idx);

	/* The device may read all fields but the address at any time. */
	to->addr = desc->addr;
	__atomic_store_n(&to->len, desc->len, __ATOMIC_RELAXED);
	__atomic_store_n(&to->id, desc->id, __ATOMIC_RELAXED);
	if (i)
		store(&to->flags, flags);
	else
		d->held[d->nr_held++] =
			(struct drv_held){ d->avail_idx, flags };
	d->avail_idx = step(d, d->avail_idx, 1);
	d->nr_free--;
}

static uint16_t take_id(struct drv *d, unsigned int nr_desc, uint64_t cookie)
{
	uint16_t id = d->free_head;

	d->free_head = d->link[id];
	d->slot[id] = (struct drv_slot){
		.cookie = cookie, .busy = true, .nr_desc = nr_desc,
	};
	return id;
}

int pdrv_add(struct drv *d, const struct drv_buf *buf, unsigned int nr,
	     uint64_t cookie)
{
	unsigned int i;
	uint16_t id;

	if (!nr || nr > d->nr_free)
		return -1;
	id = take_id(d, nr, cookie);
	for (i = 0; i < nr; i++) {
		struct pdrv_desc desc = {
			.addr = buf[i].gpa, .len = buf[i].len,
			/* 2.8.8: the device reads the last one */
			.id = i + 1 < nr ? 0xdead : id,
			.flags = (buf[i].write ? DRV_WRITE : 0) |
				 (i + 1 < nr ? DRV_NEXT : 0),
		};

		put(d, i, &desc);
	}
	return id;
}

int pdrv_add_indirect(struct drv *d, const struct drv_buf *buf,
		      unsigned int nr, uint64_t cookie)
{
	struct pdrv_desc *table, desc;
	unsigned int i;
	uint16_t id;

	if (!d->nr_free || nr > d->table_max || !nr)
		return -1;
	id = take_id(d, 1, cookie);
	table = (struct pdrv_desc *)drv_table(d, id);
	for (i = 0; i < nr; i++)
		table[i] = (struct pdrv_desc){
			.addr = buf[i].gpa, .len = buf[i].len,
			.id = 0xdead, .flags = buf[i].write ? DRV_WRITE : 0,
		};
	desc = (struct pdrv_desc){
		.addr = d->table_gpa + (uint64_t)id * d->table_max * 16,
		.len = nr * 16, .id = id, .flags = DRV_INDIRECT,
	};
	put(d, 0, &desc);
	return id;
}

void pdrv_publish(struct drv *d)
{
	unsigned int i;

	/* 2.8.21.1: write the first flags after all the rest. */
	for (i = 0; i < d->nr_held; i++)
		__atomic_store_n(flags_at(d, d->held[i].at), d->held[i].flags,
				 __ATOMIC_RELEASE);
	d->nr_held = 0;
	d->shown_idx = d->avail_idx;
}

bool pdrv_must_kick(struct drv *d)
{
	uint16_t old = d->kick_idx, mode;

	/* 2.8.21.3.1 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	d->kick_idx = d->shown_idx;
	mode = __atomic_load_n(drv_used_at(d, 1), __ATOMIC_ACQUIRE);
	if (mode != EV_DESC)
		return mode != EV_DISABLE;
	return dist(d, old, load(drv_used_at(d, 0))) <
	       dist(d, old, d->shown_idx);
}

uint16_t pdrv_nr_used(const struct drv *d)
{
	uint16_t flags = __atomic_load_n(flags_at(d, d->used_idx),
					 __ATOMIC_ACQUIRE);

	/* With no chain outstanding, all descriptors belong to an earlier lap. */
	return d->nr_free < d->num &&
	       (flags & (F_AVAIL | F_USED)) == used_bits(d->used_idx);
}

bool pdrv_get(struct drv *d, unsigned long long *cookie, uint32_t *len)
{
	const struct pdrv_desc *desc = pdrv_desc_at(d, d->used_idx & 0x7fff);
	struct drv_slot *slot;
	uint16_t id;

	if (!pdrv_nr_used(d))
		return false;
	if (d->nr_held && d->used_idx == d->held[0].at) {
		d->broken = "a chain is used that was not shown";
		return false;
	}
	id = desc->id;
	if (id >= d->num || !d->slot[id].busy) {
		d->broken = "used entry names a chain that is not out";
		return false;
	}
	slot = &d->slot[id];
	*cookie = slot->cookie;
	/* 2.8.6: without WRITE the length is undefined */
	*len = load(&desc->flags) & DRV_WRITE ? desc->len : 0;
	slot->busy = false;
	d->used_idx = step(d, d->used_idx, slot->nr_desc);
	d->nr_free += slot->nr_desc;
	d->link[id] = d->free_head;
	d->free_head = id;
	return true;
}

void pdrv_call_at(struct drv *d, uint16_t at)
{
	store(drv_avail_at(d, 0), at);
	/* 2.8.14: write the offset before the mode that makes it valid */
	__atomic_store_n(drv_avail_at(d, 1), EV_DESC, __ATOMIC_RELEASE);
}

bool pdrv_call_on(struct drv *d)
{
	if (d->event_idx)
		pdrv_call_at(d, d->used_idx);
	else
		store(drv_avail_at(d, 1), EV_ENABLE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return pdrv_nr_used(d);
}

void pdrv_call_off(struct drv *d)
{
	store(drv_avail_at(d, 1), EV_DISABLE);
}

bool pdrv_wants_call(const struct drv *d, uint16_t old, uint16_t new)
{
	uint16_t mode = load(drv_avail_at(d, 1));

	if (old == new || mode == EV_DISABLE)
		return false;
	if (mode != EV_DESC)
		return true;
	return dist(d, old, load(drv_avail_at(d, 0))) < dist(d, old, new);
}
