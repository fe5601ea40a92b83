// SPDX-License-Identifier: GPL-2.0
/*
 * mock.c - rings and indirect tables in the memory of gmem.h
 */
#include "driver.h"

static void init(struct drv *d, uint16_t start)
{
	if (drv_alloc(d))
		drv_start(d, start);
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

int drv_add_indirect(struct drv *d, const struct seg *seg,
		     unsigned int nr, unsigned int nr_direct, uint64_t cookie)
{
	unsigned int i, nr_table;
	uint16_t at = d->free_head;
	struct drv_desc *entry;
	struct seg table;

	if (d->packed)
		nr_direct = 0;
	nr_table = nr - nr_direct;
	if (nr_direct + 1 > d->nr_free || nr_table > d->table_max || !nr_table)
		return -1;
	/* The table belongs to the descriptor that refers to it. */
	for (i = 0; i < nr_direct; i++)
		at = d->link[at];
	entry = drv_table(d, at);
	for (i = 0; i < nr_table; i++)
		drv_fill_entry(d, &entry[i], &seg[nr_direct], i, nr_table);
	table.gpa = d->table_gpa + (uint64_t)at * d->table_max * 16;
	table.len = nr_table * 16;
	return drv_add_table(d, &table, seg, nr_direct, cookie);
}
