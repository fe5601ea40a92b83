/* SPDX-License-Identifier: GPL-2.0 */
/*
 * driver.h - a mock guest driver for split and packed rings
 *
 * This driver is written from the virtio 1.2 specification (sections 2.6 to 2.8) and
 * shares no code or header with ring/. Both can therefore only agree if both follow
 * the specification. It uses C11 atomics where the specification lets both sides
 * race, and plain accesses elsewhere. TSan then reports a device that reads early.
 *
 * One thread owns a driver. drv_add() writes a chain, drv_publish() shows it to the
 * device, drv_get() takes a used entry back.
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
} DRV_LE;

#define DRV_NEXT	1
#define DRV_WRITE	2
#define DRV_INDIRECT	4

/* 2.7.6: the driver's area; used_event follows the entries */
struct drv_avail {
	uint16_t flags;
	uint16_t idx;
	uint16_t ring[];
} DRV_LE;

/* 2.7.8: the device's area; avail_event follows the entries */
struct drv_used {
	uint16_t flags;
	uint16_t idx;
	struct drv_used_elem {
		uint32_t id;
		uint32_t len;
	} DRV_LE ring[];
} DRV_LE;

/** struct seg - a piece of guest memory for one descriptor */
struct seg {
	uint64_t gpa;
	uint32_t len;
	bool is_write;
};

/**
 * struct drv_slot - the driver's state of an added chain
 * @len: length of its first buffer
 */
struct drv_slot {
	uint64_t cookie;
	uint32_t len;
	bool busy;
	uint16_t nr_desc;
};

/* The first flags of a packed chain, written at publication. */
struct drv_held {
	uint16_t desc;
	uint16_t flags;
};

#define DRV_PAGE	4096

/**
 * struct drv_span - guest addresses whose pages are scattered in host memory
 * @first: guest address of the first page
 * @page: host address of each page; NULL for a hole
 */
struct drv_span {
	uint64_t first;
	char *page[256];
};

/* Positions of the three areas of a scattered ring in a span. */
struct drv_place {
	uint64_t desc;
	uint64_t avail;
	uint64_t used;
};

/**
 * struct drv - one virtqueue, as the driver sees it
 *
 * The indices of a packed ring are positions, with the wrap counter in bit 15. Its two
 * event structures are @avail and @used, see pdrv_driver() and pdrv_device().
 *
 * @packed: the ring has the packed format (pdriver.h)
 * @event_idx: VIRTIO_F_EVENT_IDX is negotiated
 * @in_order: VIRTIO_F_IN_ORDER is negotiated
 * @skips_ids: with @in_order, the device may leave out the ids of used entries
 * @num: ring size
 * @desc: descriptor table
 * @avail: the driver's area
 * @used: the device's area
 * @span: for a scattered ring: the pointers above are NULL and @place is valid
 * @avail_idx: number of added chains, free running; drv_publish() shows it
 * @shown_idx: index that the device sees
 * @kick_idx: index that the device saw at the last drv_must_kick()
 * @used_idx: number of entries taken back, free running
 * @last_at: packed: position of the last chain
 * @nr_added: number of chains added since drv_start()
 * @nr_got: number of chains taken back since drv_start()
 * @free_head: list of free descriptors, or of free ids, linked by @link
 * @free_tail: end of that list
 * @nr_free: number of free descriptors
 * @table_gpa: indirect tables, one for each head, or 0
 * @table_max: descriptors in each table
 * @broken: the rule that the device broke
 * @slot: state of each head or id
 * @link: next links, because a device could change those in the ring
 * @order: with @in_order: heads in the order they were added
 * @held: packed: chains that are not published
 */
struct drv {
	bool packed;
	bool event_idx;
	bool in_order;
	bool skips_ids;
	uint16_t num;
	struct drv_desc *desc;
	struct drv_avail *avail;
	struct drv_used *used;
	const struct drv_span *span;
	struct drv_place place;
	uint16_t avail_idx;
	uint16_t shown_idx;
	uint16_t kick_idx;
	uint16_t used_idx;
	uint16_t last_at;
	unsigned int nr_added;
	unsigned int nr_got;
	uint16_t free_head;
	uint16_t free_tail;
	uint16_t nr_free;
	uint64_t table_gpa;
	uint16_t table_max;
	const char *broken;
	struct gmem *g;
	struct drv_slot *slot;
	uint16_t *link;
	uint16_t *order;
	struct drv_held *held;
	unsigned int nr_held;
};

size_t drv_desc_size(uint16_t num);
size_t drv_avail_size(uint16_t num, bool event_idx);
size_t drv_used_size(uint16_t num, bool event_idx);
#define DRV_EVENT_SIZE	4	/* size of each event area of a packed ring */

/* Allocate the state of a ring whose format, size and memory the caller has set. */
bool drv_alloc(struct drv *d);
/* Start with an empty ring at index or position @start, as after a migration. */
void drv_start(struct drv *d, uint16_t start);
void drv_exit(struct drv *d);

/* Add a chain; return its head, or -1 if there are too few descriptors. */
int drv_add(struct drv *d, const struct seg *seg, unsigned int nr,
	    uint64_t cookie);
/* Add the indirect @table, after @nr_direct plain descriptors (split). */
int drv_add_table(struct drv *d, const struct seg *table, const struct seg *seg,
		  unsigned int nr_direct, uint64_t cookie);
/* Write entry @i of an indirect table of @nr. */
void drv_fill_entry(const struct drv *d, struct drv_desc *entry,
		    const struct seg *seg, unsigned int i, unsigned int nr);
/* Put @head into the next avail slot without any check. */
void drv_put_avail(struct drv *d, uint16_t head);

void drv_publish(struct drv *d);
/* Publish the chains of a packed ring that the device finds after the next one. */
void drv_publish_behind(struct drv *d);
/* Return whether the device needs a kick for chains published since the last decision. */
bool drv_wants_kick(const struct drv *d);
/* Take that decision, after drv_publish(). Return: true to kick the device. */
bool drv_must_kick(struct drv *d);

/* Take one used entry back; return false if there is none. */
bool drv_get(struct drv *d, unsigned long long *cookie, uint32_t *len);
/* Return the number of used entries not taken back; for a packed ring 0 or 1. */
uint16_t drv_nr_used(const struct drv *d);

/* Enable the call for the next used entry; return true if there are entries now. */
bool drv_call_on(struct drv *d);
/* Request a call when entry @idx of the free-running used index is used. */
void drv_call_at(struct drv *d, uint16_t idx);
void drv_call_off(struct drv *d);
/*
 * Return whether the specification requires a call after used idx went from @old to
 * @new, with the driver's present suppression words.
 */
bool drv_wants_call(const struct drv *d, uint16_t old, uint16_t new);

/* Words of a ring, contiguous or scattered. */
struct drv_desc *drv_desc_at(const struct drv *d, uint16_t i);
struct drv_word *drv_avail_at(const struct drv *d, size_t word);
struct drv_word *drv_used_at(const struct drv *d, size_t word);

/* Put free descriptors or ids back: @first to @last, linked. */
void drv_give_back(struct drv *d, uint16_t first, uint16_t last, bool none_free);
/* Return the head of a used entry that says @id, or -1. */
int drv_used_head(struct drv *d, uint32_t id);

uint16_t drv_used_idx(const struct drv *d);
uint16_t drv_used_flags(const struct drv *d);
uint16_t drv_avail_event(const struct drv *d);

/* ---- rings and tables in the memory of gmem.h (mock.c) ---- */

/* Set up a ring of @num in host memory, both indices at @start. */
void drv_init(struct drv *d, struct gmem *g, uint16_t num, bool event_idx,
	      uint16_t start);
/* Set up a packed ring at position @start. */
void drv_init_packed(struct drv *d, struct gmem *g, uint16_t num,
		     bool event_idx, uint16_t start);
/* Set up a ring in existing, zeroed pages; @d->packed selects the format. */
void drv_init_scattered(struct drv *d, struct gmem *g, uint16_t num,
			bool event_idx, uint16_t start,
			const struct drv_span *span,
			const struct drv_place *place);
/* Give every head an indirect table of @max descriptors, in region 0. */
void drv_alloc_tables(struct drv *d, uint16_t max);
/* Add a chain as one indirect descriptor, or after @nr_direct plain ones (split). */
int drv_add_indirect(struct drv *d, const struct seg *seg,
		     unsigned int nr, unsigned int nr_direct, uint64_t cookie);
/* Return the indirect table of a head, for tests that corrupt it. */
struct drv_desc *drv_table(struct drv *d, uint16_t head);

#endif /* VTAP_TEST_DRIVER_H */
