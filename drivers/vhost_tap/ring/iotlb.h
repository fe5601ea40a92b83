/* SPDX-License-Identifier: GPL-2.0 */
/*
 * iotlb.h - the device IOTLB, a cache of the client's IOMMU mappings
 *
 * The mappings are sorted and do not overlap. A new mapping replaces what it
 * covers of older ones. A full table evicts the oldest one. Each queue also caches
 * translations (struct vtap_tlb). Code that removes a mapping must remove it from
 * these caches too, with vtap_mem_invalidate().
 */
#ifndef VTAP_RING_IOTLB_H
#define VTAP_RING_IOTLB_H

#include "ring_env.h"

/* Without NOWARN vmalloc() logs when the memory cgroup of its caller is full. */
#define VTAP_GFP		(GFP_KERNEL_ACCOUNT | __GFP_NOWARN)

/* Maximum number of mappings; the in-tree default of max_iotlb_entries. */
#define VTAP_IOTLB_MAX		2048

/* Page size of an IOMMU, of the per-queue cache and of scattered rings. */
#define VTAP_PAGE_SHIFT		12
#define VTAP_PAGE_SIZE		BIT_ULL(VTAP_PAGE_SHIFT)
#define VTAP_PAGE_MASK		(~(VTAP_PAGE_SIZE - 1))

/**
 * struct vtap_mapping - I/O virtual addresses that are contiguous user memory
 * @first: first I/O virtual address
 * @last: last I/O virtual address, inclusive
 * @uaddr: user address of @first
 * @age: value of the table's clock when the mapping was added, for eviction
 * @perm: VHOST_ACCESS_RO, VHOST_ACCESS_WO or VHOST_ACCESS_RW
 */
struct vtap_mapping {
	u64 first;
	u64 last;
	u64 uaddr;
	u32 age;
	u8 perm;
};

/**
 * struct vtap_iotlb - the IOTLB of a device
 * @nr: number of mappings in @map
 * @clock: @age of the next mapping
 * @evicted: a mapping was evicted that queues may still have in their caches
 * @map: sorted, without overlaps; has room for two more than VTAP_IOTLB_MAX,
 *	because a new mapping may split an old one
 */
struct vtap_iotlb {
	/** @lock: protects the table; a leaf, no guest access under it */
	spinlock_t lock;
	u32 nr;
	u32 clock;
	bool evicted;
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
