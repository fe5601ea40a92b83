/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A user-space IOMMU: IOTLB messages, and a thread that reads the device's misses and
 * replies to them page by page from a table.
 *
 * A guest with F_ACCESS_PLATFORM has each 4 KiB page at an unrelated process address,
 * so the device needs this table to translate its IOVAs.
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
 * @uaddr, @perm: per page of guest memory; @perm 0 means "not mapped", without a reply
 * @hold: read misses, but do not reply
 * @nr_misses: misses read
 * @nr_denied: misses for which the table has no translation
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

/* ---- single messages; they return 0 or -errno ---- */
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
