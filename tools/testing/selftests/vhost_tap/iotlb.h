/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What stands in for an IOMMU: IOTLB messages by hand, and a thread that
 * reads the device's misses and answers them page by page from a table.
 *
 * A guest with F_ACCESS_PLATFORM has every 4 KiB page somewhere else in our
 * address space, so its IOVAs mean nothing without this.
 *
 * Read before: guest.h.
 */
#ifndef VTAP_TEST_IOTLB_H
#define VTAP_TEST_IOTLB_H

#include <pthread.h>

#include "guest.h"

#define IOTLB_PAGE	4096UL
#define RO		VHOST_ACCESS_RO
#define WO		VHOST_ACCESS_WO
#define RW		VHOST_ACCESS_RW

/**
 * struct iotlb - the server and its page table
 * @uaddr, @perm: per page of guest memory; @perm 0 is "not mapped", unanswered
 * @hold: read misses, answer none
 * @nr_misses: misses read
 * @nr_denied: those the table has no answer for
 * @last: the last miss, as the device wrote it
 */
struct iotlb {
	struct guest *g;
	bool v2;
	uint64_t *uaddr;
	uint8_t *perm;
	size_t nr_pages;
	pthread_t thread;
	bool is_running;
	bool must_stop;
	bool hold;
	unsigned long nr_misses;
	unsigned long nr_denied;
	unsigned long nr_bad;
	struct vhost_iotlb_msg last;
};

/* ---- messages by hand: 0 or -errno ---- */
int iotlb_send(int fd, bool v2, const struct vhost_iotlb_msg *m);
int iotlb_update(int fd, bool v2, uint64_t iova, uint64_t size,
		 uint64_t uaddr, uint8_t perm);
int iotlb_invalidate(int fd, bool v2, uint64_t iova, uint64_t size);
int iotlb_read(int fd, bool v2, struct vhost_iotlb_msg *m, int timeout_ms);

/* ---- the server ---- */
int iotlb_init(struct iotlb *t, struct guest *g, bool v2);
int iotlb_start(struct iotlb *t);
void iotlb_stop(struct iotlb *t);
void iotlb_free(struct iotlb *t);
int iotlb_preload(struct iotlb *t, uint64_t iova, size_t len);
int iotlb_ring(struct iotlb *t, unsigned int index);
int iotlb_up(struct iotlb *t, struct guest *g, const struct guest_cfg *cfg,
	     int backend);
void iotlb_down(struct iotlb *t, struct guest *g);
unsigned long iotlb_misses(struct iotlb *t);
bool iotlb_quiet(struct iotlb *t, int ms);

#endif
