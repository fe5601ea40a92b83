/* SPDX-License-Identifier: GPL-2.0 */
/*
 * iommu.h - a ring behind an IOMMU, with both its sides, for tests
 *
 * Read before: env.h (the same without), driver.h, ring/mem.h, ring/dirty.h.
 *
 * The guest's own addresses are I/O virtual: RAM for buffers at IOMMU_RAM, and
 * the ring where the shape says. Each page is a region of @g, whose host page
 * follows the one before or is anywhere. The IOMMU has them all; the device
 * IOTLB has what iommu_answer() told it. Guest physical addresses are a third
 * thing, which only the dirty log knows: iommu_gpa().
 *
 * The ring's host memory has the rights that a device needs and no more.
 */
#ifndef VTAP_TEST_IOMMU_H
#define VTAP_TEST_IOMMU_H

#include "env.h"

#define IOMMU_PAGE	4096ull
#define IOMMU_RAM		0x40000000ull
#define IOMMU_RAM_PAGES	64u
#define IOMMU_RAM_SIZE	(IOMMU_RAM_PAGES * IOMMU_PAGE)
/* Descriptors in an indirect table. */
#define IOMMU_TABLE	8
#define IOMMU_LOG_BYTES	256u
/* Guest physical address of the device area where there is no IOTLB. */
#define IOMMU_RING_GPA	0x500ff0ull

enum iommu_kind {
	IOMMU_TABLE_LINEAR,	/* a memory table and no IOTLB */
	IOMMU_TABLE_PAGES,	/* ... of pages that are anywhere */
	IOMMU_IOTLB_LINEAR,
	IOMMU_IOTLB_PAGES,
	NR_IOMMU_KINDS
};

/**
 * struct iommu_shape - what to make
 * @at: I/O virtual addresses of the areas; less than 256 pages apart
 * @seed: of the order of pages in host memory
 * @log: a dirty log for ring and payload
 */
struct iommu_shape {
	enum iommu_kind kind;
	u16 num;
	bool packed;
	bool event_idx;
	u16 start;
	struct drv_place at;
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
	/* What it should be: the pages of all bytes that the arena saw. */
	u8 want[IOMMU_LOG_BYTES];
	struct vtap_ring_cfg cfg;
	struct vtap_ring r;
	struct vtap_chain c;
	struct iovec iov[VTAP_CHAIN_MAX];
	/* By region of @g: what the IOMMU allows; 0 and it knows nothing. */
	u8 perm[GMEM_MAX];
	/* Mappings asked for and answered. */
	unsigned long nr_misses;
};

/* Ready to be used; with an IOTLB that has nothing yet. */
struct iommu *iommu_new(const struct iommu_shape *shape);
void iommu_free(struct iommu *f);
/* Start the ring again at @base. */
int iommu_start(struct iommu *f, u32 base);
static inline bool iommu_has_iotlb(const struct iommu *f)
{
	return f->shape.kind >= IOMMU_IOTLB_LINEAR;
}

/* The region of @g that has an address, or -1. */
int iommu_region(const struct iommu *f, u64 iova);
/* Its pages by guest physical address. */
u64 iommu_gpa(const struct iommu *f, int region);
/* Put a mapping into the IOTLB, or take it back, as the client's messages do. */
void iommu_update(struct iommu *f, u64 iova, u64 size, u64 uaddr,
		  u8 perm);
void iommu_invalidate(struct iommu *f, u64 first, u64 last);
/* Answer the miss; false if the IOMMU has nothing there. */
bool iommu_answer(struct iommu *f);
/* Map the ring, answering; 0 or what vtap_ring_map() returned. */
int iommu_map(struct iommu *f);
/* Pop with room for all, answering; the ring is mapped where needed. */
int iommu_pop(struct iommu *f);

/* From now on note what is stored by the device (shim.after_store). */
void iommu_watch(struct iommu *f);
/*
 * The log has just that; the client takes it.
 * Return: 0, 1 page @gpa is missed, 2 it is marked and was not written.
 */
int iommu_check_log(struct iommu *f, u64 *gpa);
void iommu_expect_log(struct kunit *test, struct iommu *f);

/* Bytes of guest memory by I/O virtual address, on any number of pages. */
void iommu_write(struct iommu *f, u64 iova, const void *from,
		 size_t len);
void iommu_read(const struct iommu *f, void *to, u64 iova, size_t len);

#endif /* VTAP_TEST_IOMMU_H */
