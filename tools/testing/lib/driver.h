/* SPDX-License-Identifier: GPL-2.0 */
/*
 * driver.h - a mock guest driver for split and packed rings
 *
 * Written from the virtio 1.2 specification (sections 2.6 to 2.8), on purpose
 * without a line or a header of ring/, so that both can only agree because
 * both are right. It touches memory with C11 atomics where the specification
 * lets both sides race, and plainly everywhere else: TSan then tells when the
 * device looks too early.
 *
 * A driver is one thread. drv_add() writes a chain, drv_publish() shows it to
 * the device, drv_get() takes back what was used.
 */
#ifndef VTAP_TEST_DRIVER_H
#define VTAP_TEST_DRIVER_H

#include "gmem.h"

/* virtio 1.2, 2.7.5 */
struct drv_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

#define DRV_NEXT	1
#define DRV_WRITE	2
#define DRV_INDIRECT	4

/* One buffer of a chain to add. */
struct drv_buf {
	uint64_t gpa;
	uint32_t len;
	bool write;
};

/* What the driver remembers of a chain it has added. */
struct drv_slot {
	uint64_t cookie;
	bool busy;
	uint16_t nr_desc;
};

/* A packed chain's first flags, written when it is shown. */
struct drv_held {
	uint16_t at;
	uint16_t flags;
};

#define DRV_PAGE	4096

/**
 * struct drv_span - guest addresses whose pages are anywhere in host memory
 * @first: guest address of the first page
 * @page: host address of each; NULL where there is none
 */
struct drv_span {
	uint64_t first;
	char *page[256];
};

/* Where in a span the three areas of a scattered ring are. */
struct drv_place {
	uint64_t desc;
	uint64_t avail;
	uint64_t used;
};

/**
 * struct drv - one virtqueue, seen by the driver
 *
 * A packed ring's indices are positions: the wrap counter is bit 15. Its two
 * event structures are @avail and @used, words 0 (offset) and 1 (mode).
 *
 * @packed: the format (pdriver.h)
 * @num: ring size
 * @event_idx: VIRTIO_F_EVENT_IDX negotiated
 * @desc: descriptor table
 * @avail: flags, idx, ring[num], used_event as 16-bit words
 * @used: flags, idx, ring[num] of two 32-bit words, avail_event
 * @span: the ring is scattered: NULL above, and @place counts
 * @avail_idx: chains added, free running; what drv_publish() shows
 * @shown_idx: what the device sees
 * @kick_idx: what the device saw at the last drv_must_kick()
 * @used_idx: entries taken back, free running
 * @free_head: list of free descriptors through their next fields
 * @nr_free: how many of them
 * @table_gpa: indirect tables, one for each head; 0 none
 * @table_max: descriptors in each
 * @broken: the device broke a rule; what it was
 */
struct drv {
	bool packed;
	uint16_t num;
	bool event_idx;
	struct drv_desc *desc;
	uint16_t *avail;
	uint16_t *used;
	const struct drv_span *span;
	struct drv_place place;
	uint16_t avail_idx;
	uint16_t shown_idx;
	uint16_t kick_idx;
	uint16_t used_idx;
	uint16_t free_head;
	uint16_t nr_free;
	uint64_t table_gpa;
	uint16_t table_max;
	const char *broken;
	struct gmem *g;
	struct drv_slot *slot;
	/* A copy of the next links: the device may not change the ring's. */
	uint16_t *link;
	struct drv_held *held;
	unsigned int nr_held;
};

size_t drv_desc_size(uint16_t num);
size_t drv_avail_size(uint16_t num, bool event_idx);
size_t drv_used_size(uint16_t num, bool event_idx);
#define DRV_EVENT_SIZE	4	/* of each area, if packed */

/* Set up a ring of @num in host memory, both indices at @start. */
void drv_init(struct drv *d, struct gmem *g, uint16_t num, bool event_idx,
	      uint16_t start);
/* The same as a packed ring, at position @start. */
void drv_init_packed(struct drv *d, struct gmem *g, uint16_t num,
		     bool event_idx, uint16_t start);
/* In pages that are all there, and zeroed; @d->packed tells the format. */
void drv_init_scattered(struct drv *d, struct gmem *g, uint16_t num,
			bool event_idx, uint16_t start,
			const struct drv_span *span,
			const struct drv_place *place);
void drv_exit(struct drv *d);
/* Give every head an indirect table of @max descriptors, in region 0. */
void drv_alloc_tables(struct drv *d, uint16_t max);

/* Add a chain; returns its head, or -1 when descriptors do not suffice. */
int drv_add(struct drv *d, const struct drv_buf *buf, unsigned int nr,
	    uint64_t cookie);
/* The same as one indirect descriptor, or after @nr_direct plain ones (split). */
int drv_add_indirect(struct drv *d, const struct drv_buf *buf,
		     unsigned int nr, unsigned int nr_direct, uint64_t cookie);
/* The head's indirect table, to spoil it. */
struct drv_desc *drv_table(struct drv *d, uint16_t head);
/* Put any head into the next avail slot, whatever it is. */
void drv_put_avail(struct drv *d, uint16_t head);

void drv_publish(struct drv *d);
/* After drv_publish(): must the device be kicked? */
bool drv_must_kick(struct drv *d);

/* Take one used entry back: true and the cookie, or nothing there. */
bool drv_get(struct drv *d, unsigned long long *cookie, uint32_t *len);
/* Entries used and not yet taken back; of a packed ring 1 stands for any. */
uint16_t drv_nr_used(const struct drv *d);

/* Ask for a call at the next used entry; true when some are there already. */
bool drv_call_on(struct drv *d);
/* Ask for a call once entry @idx of the free-running used index is used. */
void drv_call_at(struct drv *d, uint16_t idx);
void drv_call_off(struct drv *d);
/*
 * By the specification, has the device to signal after used idx went from
 * @old to @new, as the driver's words are now?
 */
bool drv_wants_call(const struct drv *d, uint16_t old, uint16_t new);

/* Words of the ring, wherever they are. */
struct drv_desc *drv_desc_at(const struct drv *d, uint16_t i);
uint16_t *drv_avail_at(const struct drv *d, size_t word);
uint16_t *drv_used_at(const struct drv *d, size_t word);

uint16_t drv_used_idx(const struct drv *d);
uint16_t drv_used_flags(const struct drv *d);
uint16_t drv_avail_event(const struct drv *d);

#endif /* VTAP_TEST_DRIVER_H */
