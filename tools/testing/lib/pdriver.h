/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pdriver.h - the mock driver's packed format (virtio 1.2, section 2.8)
 *
 * The functions of driver.h call these for packed rings. Tests call them directly only
 * to test the format itself.
 */
#ifndef VTAP_TEST_PDRIVER_H
#define VTAP_TEST_PDRIVER_H

#include "driver.h"

/* 2.8.13 */
struct pdrv_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t id;
	uint16_t flags;
} DRV_LE;

/* 2.8.14: event suppression of calls (driver) and of kicks (device) */
struct pdrv_event {
	uint16_t off_wrap;
	uint16_t flags;
} DRV_LE;

/* Flags of a descriptor, bit 15 of a position, and modes of a notification. */
#define PDRV_AVAIL	(1 << 7)
#define PDRV_USED	(1 << 15)
#define PDRV_BOTH	(PDRV_AVAIL | PDRV_USED)
#define PDRV_WRAP	(1 << 15)
#define PDRV_ENABLE	0
#define PDRV_DISABLE	1
#define PDRV_DESC	2

struct pdrv_desc *pdrv_desc_at(const struct drv *d, uint16_t i);
struct pdrv_event *pdrv_driver(const struct drv *d);
struct pdrv_event *pdrv_device(const struct drv *d);
/* Return the position @nr descriptors after @at. */
uint16_t pdrv_step(const struct drv *d, uint16_t at, uint16_t nr);
/* Return the flags of a descriptor that is available at a position. */
uint16_t pdrv_avail_bits(uint16_t at);
/* Return whether the descriptor at a position is used. */
bool pdrv_is_used(const struct drv *d, uint16_t at);
/* Count the used chains not taken back; @end is the position after them. */
unsigned int pdrv_count_used(const struct drv *d, uint16_t *end);

/* Write the next descriptor without any check. The first one of a chain is held back. */
void pdrv_put(struct drv *d, const struct pdrv_desc *desc, bool is_first);
/* Request a call at a position. */
void pdrv_call_at(struct drv *d, uint16_t at);

/* The functions of driver.h for a packed ring */
void pdrv_start(struct drv *d, uint16_t start);
void pdrv_fill_entry(struct drv_desc *entry, const struct seg *seg);
int pdrv_add(struct drv *d, const struct seg *seg, unsigned int nr,
	     uint64_t cookie);
int pdrv_add_table(struct drv *d, const struct seg *table, uint64_t cookie);
void pdrv_publish(struct drv *d);
bool pdrv_wants_kick(const struct drv *d);
uint16_t pdrv_nr_used(const struct drv *d);
bool pdrv_get(struct drv *d, unsigned long long *cookie, uint32_t *len);
bool pdrv_call_on(struct drv *d);
void pdrv_call_off(struct drv *d);
bool pdrv_wants_call(const struct drv *d, uint16_t old, uint16_t new);

#endif /* VTAP_TEST_PDRIVER_H */
