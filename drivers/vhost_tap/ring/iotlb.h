/* SPDX-License-Identifier: GPL-2.0 */
/*
 * iotlb.h - the device IOTLB: what the client's IOMMU said so far
 *
 * Read before: ring_env.h. Read next: mem.h.
 *
 * With VIRTIO_F_ACCESS_PLATFORM the guest's addresses are I/O virtual. The
 * client answers our questions about them (VHOST_IOTLB_MISS) with mappings to
 * user memory (VHOST_IOTLB_UPDATE) and takes them back
 * (VHOST_IOTLB_INVALIDATE). The table keeps the answers, sorted and never
 * overlapping: a new mapping replaces what it covers of older ones. It is a
 * cache, so it may forget; the oldest mapping goes when it is full.
 *
 * One table belongs to a device and is looked up by its queues; each queue
 * keeps the translations it uses in a cache of its own (struct vtap_tlb), which
 * whoever takes a mapping back has to clear: vtap_mem_invalidate().
 */
#ifndef VTAP_RING_IOTLB_H
#define VTAP_RING_IOTLB_H

#include "ring_env.h"

/* Mappings a device remembers; in-tree's default for max_iotlb_entries. */
#define VTAP_IOTLB_MAX		2048

/* The granule of an IOMMU, of the per-queue cache, and of scattered rings. */
#define VTAP_PAGE_SHIFT		12
#define VTAP_PAGE_SIZE		BIT_ULL(VTAP_PAGE_SHIFT)
#define VTAP_PAGE_MASK		(~(VTAP_PAGE_SIZE - 1))

/**
 * struct vtap_mapping - I/O virtual addresses that are contiguous user memory
 * @first: first I/O virtual address
 * @last: last one, included
 * @uaddr: user address of @first
 * @age: when it came, for the choice of what to forget
 * @perm: VHOST_ACCESS_RO, _WO or _RW
 */
struct vtap_mapping {
	u64 first;
	u64 last;
	u64 uaddr;
	u32 age;
	u8 perm;
};

/**
 * struct vtap_iotlb - the table
 * @nr: mappings in @map
 * @clock: the next @age
 * @forgot: a mapping was forgotten that queues may still have in their caches
 * @map: sorted, never overlapping; room for two more than VTAP_IOTLB_MAX,
 *	which a new mapping in the middle of an old one takes
 */
struct vtap_iotlb {
	/** @lock: protects all of it; a leaf, no guest access under it */
	spinlock_t lock;
	u32 nr;
	u32 clock;
	bool forgot;
	struct vtap_mapping map[VTAP_IOTLB_MAX + 2];
};

struct vtap_iotlb *vtap_iotlb_new(void);
void vtap_iotlb_free(struct vtap_iotlb *t);
bool vtap_iotlb_add(struct vtap_iotlb *t, u64 first, u64 last, u64 uaddr,
		    u8 perm);
void vtap_iotlb_del(struct vtap_iotlb *t, u64 first, u64 last);
void vtap_iotlb_clear(struct vtap_iotlb *t);
bool vtap_iotlb_find(struct vtap_iotlb *t, u64 iova, struct vtap_mapping *m);

#endif /* VTAP_RING_IOTLB_H */
