/* SPDX-License-Identifier: GPL-2.0 */
/*
 * gmem.h - a fake guest's memory
 *
 * Regions with a guest address each, every one a block of its own, so that
 * ASan or KASAN and the shim's extents see a step over any edge. Used by the mock
 * driver and the tests; knows nothing of ring/.
 */
#ifndef VTAP_TEST_GMEM_H
#define VTAP_TEST_GMEM_H

#include "types.h"

#define GMEM_MAX	640

struct gmem_region {
	uint64_t gpa;
	uint64_t size;
	uint64_t hva;
};

struct gmem_block {
	void *mem;
	size_t size;
};

/**
 * struct gmem - guest memory
 * @nr: regions, in the order they were added
 * @r: the regions
 * @next: where in region 0 gmem_alloc() goes on
 * @nr_blocks: host memory to free, rings and regions
 * @block: that memory
 */
struct gmem {
	unsigned int nr;
	struct gmem_region r[GMEM_MAX];
	uint64_t next;
	unsigned int nr_blocks;
	struct gmem_block block[GMEM_MAX];
};

/* Zeroed memory of @size bytes as region @gpa; returns its host address. */
void *gmem_add(struct gmem *g, uint64_t gpa, uint64_t size);
/* A claim only: @gpa names @hva, where there may be no memory at all. */
void gmem_claim(struct gmem *g, uint64_t gpa, uint64_t size, uint64_t hva);
/* Zeroed host memory outside any region, for rings. */
void *gmem_host(struct gmem *g, size_t size);
/* Host memory that the device may not touch: who calls adds extents to it. */
void *gmem_host_bare(struct gmem *g, size_t size);
/* Host address of guest bytes that lie in one region, or NULL. */
void *gmem_hva(const struct gmem *g, uint64_t gpa, uint64_t len);
/* Carve @size bytes out of region 0, 16-byte aligned; aborts when full. */
uint64_t gmem_alloc(struct gmem *g, uint64_t size);
void gmem_free(struct gmem *g);

#endif /* VTAP_TEST_GMEM_H */
