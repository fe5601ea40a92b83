/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The packed format of the rings in vq.c, which calls these if q->packed is set.
 *
 * A position is an index below num, with the wrap counter in bit 15.
 */
#ifndef VTAP_TEST_PVQ_H
#define VTAP_TEST_PVQ_H

#include "guest.h"

#define PVQ_WRAP	(1 << VRING_PACKED_EVENT_F_WRAP_CTR)
#define PVQ_AVAIL	(1 << VRING_PACKED_DESC_F_AVAIL)
#define PVQ_USED	(1 << VRING_PACKED_DESC_F_USED)
#define PVQ_BOTH	(PVQ_AVAIL | PVQ_USED)

struct vring_packed_desc *pvq_desc(const struct vq *q, unsigned int i);
struct vring_packed_desc_event *pvq_driver(const struct vq *q);
struct vring_packed_desc_event *pvq_device(const struct vq *q);
uint16_t pvq_avail_flags(uint16_t at);
uint16_t pvq_on(const struct vq *q, uint16_t at, unsigned int n);

void pvq_start_at(struct vq *q, uint16_t at);
int pvq_add(struct vq *q, const struct seg *seg, unsigned int nr,
	    uint64_t cookie);
int pvq_add_indirect(struct guest *g, struct vq *q, const struct seg *seg,
		     unsigned int nr, uint64_t table_gpa, uint64_t cookie);
void pvq_put(struct vq *q, uint64_t addr, uint32_t len, uint16_t id,
	     uint16_t flags, bool is_first);
void pvq_publish(struct vq *q);
void pvq_publish_behind(struct vq *q);
bool pvq_must_kick(struct vq *q);
void pvq_kicked(struct vq *q);
void pvq_call_at(struct vq *q, uint16_t at);
void pvq_calls_on(struct vq *q);
void pvq_calls_off(struct vq *q);
bool pvq_is_base(const struct vq *q, uint32_t base);
bool pvq_next_is_used(const struct vq *q);
bool pvq_last_is_used(const struct vq *q);
bool pvq_has_used(const struct vq *q);
unsigned int pvq_count_used(const struct vq *q, uint16_t *end);
int pvq_get_used(struct vq *q, uint32_t *len, uint64_t *cookie);

#endif
