/* SPDX-License-Identifier: GPL-2.0 */
/*
 * iommu.h - a ring behind an IOMMU with a mock driver, for tests
 *
 * The guest uses I/O virtual addresses: buffers are at IOMMU_RAM, and the ring
 * is where the shape puts it. Each page is a region of @g. Its host page
 * follows the previous one or is at a random place. The IOMMU knows all pages;
 * the device IOTLB knows those that iommu_answer() added. Guest physical
 * addresses are different again. Only the dirty log uses them: iommu_gpa().
 *
 * The ring's host memory allows only the accesses that a device needs.
 */
#ifndef VTAP_TEST_IOMMU_H
#define VTAP_TEST_IOMMU_H

#include "env.h"

#define IOMMU_PAGE	4096ull
#define IOMMU_RAM		0x40000000ull
#define IOMMU_RAM_PAGES	64u
#define IOMMU_RAM_SIZE	(IOMMU_RAM_PAGES * IOMMU_PAGE)
/* Number of descriptors in an indirect table. */
#define IOMMU_TABLE	8
#define IOMMU_LOG_BYTES	256u
/* Guest physical address of the device area without an IOTLB. */
#define IOMMU_RING_GPA	0x500ff0ull

enum iommu_kind {
	IOMMU_TABLE_LINEAR,	/* memory table, linear host memory */
	IOMMU_TABLE_PAGES,	/* memory table, scattered host pages */
	IOMMU_IOTLB_LINEAR,
	IOMMU_IOTLB_PAGES,
	NR_IOMMU_KINDS
};

/**
 * struct iommu_shape - parameters of iommu_new()
 * @at: I/O virtual addresses of the areas; less than 256 pages apart
 * @seed: seed of the order of pages in host memory
 * @log: a dirty log for ring and payload
 */
struct iommu_shape {
	enum iommu_kind kind;
	u16 num;
	bool packed;
	bool event_idx;
	u16 start;
	struct drv_place place;
	u64 seed;
	bool log;
};

struct iommu {
	struct iommu_shape shape;
	struct rnd rnd;
	struct gmem g;
	struct drv_span span;
	struct drv d;
	struct vtap_iotlb *table;
	struct vtap_tlb tlb;
	struct vtap_memmap *phys;
	struct vtap_memmap *virt;	/* of IOMMU_TABLE_* */
	struct vtap_mem m;
	struct vtap_dirty log;
	u8 *bitmap;		/* IOMMU_LOG_BYTES */
	/* Expected bitmap: the pages of all stores that the arena saw. */
	u8 want[IOMMU_LOG_BYTES];
	struct vtap_ring_cfg cfg;
	struct vtap_ring r;
	struct vtap_chain c;
	struct iovec iov[VTAP_CHAIN_MAX];
	/* Permission in the IOMMU of each region of @g; 0 if it is not mapped. */
	u8 perm[GMEM_MAX];
	/* Number of misses that were answered. */
	unsigned long nr_misses;
};

/* Start a ring; the IOTLB, if any, is empty. */
struct iommu *iommu_new(const struct iommu_shape *shape);
void iommu_free(struct iommu *f);
/* Start the ring again at @base. */
int iommu_start(struct iommu *f, u32 base);
static inline bool iommu_has_iotlb(const struct iommu *f)
{
	return f->shape.kind >= IOMMU_IOTLB_LINEAR;
}

/* Return the region of @g that contains an address, or -1. */
int iommu_region(const struct iommu *f, u64 iova);
/* Return the guest physical address of a region. */
u64 iommu_gpa(const struct iommu *f, int region);
/* Add or remove a mapping of the IOTLB, as the client's messages do. */
void iommu_update(struct iommu *f, u64 iova, u64 size, u64 uaddr,
		  u8 perm);
void iommu_invalidate(struct iommu *f, u64 first, u64 last);
/* Answer the miss; false if the IOMMU has no mapping. */
bool iommu_answer(struct iommu *f);
/* Map the ring and answer misses; 0 or the result of vtap_ring_map(). */
int iommu_map(struct iommu *f);
/* Pop with full room and answer misses; maps the ring if needed. */
int iommu_pop(struct iommu *f);

/* Record the stores of the device from now on (shim.after_store). */
void iommu_watch(struct iommu *f);
/*
 * Compare the log with the recorded stores; the client then clears it.
 * Return: 0 if they are equal, 1 if page @gpa is missing in the log, 2 if page
 * @gpa is in the log but was not written.
 */
int iommu_check_log(struct iommu *f, u64 *gpa);
void iommu_expect_log(struct kunit *test, struct iommu *f);

/* Access guest memory by I/O virtual address, on any number of pages. */
void iommu_write(struct iommu *f, u64 iova, const void *from,
		 size_t len);
void iommu_read(const struct iommu *f, void *to, u64 iova, size_t len);

#endif /* VTAP_TEST_IOMMU_H */
