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
};

struct pdrv_desc *pdrv_desc_at(const struct drv *d, uint16_t i);
void pdrv_init(struct drv *d, uint16_t start);
int pdrv_add(struct drv *d, const struct drv_buf *buf, unsigned int nr,
	     uint64_t cookie);
int pdrv_add_indirect(struct drv *d, const struct drv_buf *buf,
		      unsigned int nr, uint64_t cookie);
void pdrv_publish(struct drv *d);
bool pdrv_must_kick(struct drv *d);
uint16_t pdrv_nr_used(const struct drv *d);
bool pdrv_get(struct drv *d, unsigned long long *cookie, uint32_t *len);
bool pdrv_call_on(struct drv *d);
/* Request a call at a position, with its wrap counter in bit 15. */
void pdrv_call_at(struct drv *d, uint16_t at);
void pdrv_call_off(struct drv *d);
bool pdrv_wants_call(const struct drv *d, uint16_t old, uint16_t new);

#endif /* VTAP_TEST_PDRIVER_H */
