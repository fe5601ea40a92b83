/* SPDX-License-Identifier: GPL-2.0 */
/*
 * gmem.h - memory of the mock guest in unit tests and fuzzers
 *
 * Each region has a guest address and a host allocation of its own, so that ASan,
 * KASAN and the shim's extents detect accesses past any edge. The mock driver and the
 * tests use it; it does not depend on ring/.
 */
#ifndef VTAP_TEST_GMEM_H
#define VTAP_TEST_GMEM_H

#include "regions.h"

#define GMEM_MAX	640

struct gmem_block {
	void *mem;
	size_t size;
};

/**
 * struct gmem - guest memory
 * @nr: regions, in the order they were added
 * @r: the regions
 * @next: next free offset in region 0, for gmem_alloc()
 * @nr_blocks: number of host allocations, of rings and regions
 * @block: the host allocations
 */
struct gmem {
	unsigned int nr;
	struct gmem_region r[GMEM_MAX];
	uint64_t next;
	unsigned int nr_blocks;
	struct gmem_block block[GMEM_MAX];
};

/* Add zeroed memory of @size bytes as region @gpa; return its host address. */
void *gmem_add(struct gmem *g, uint64_t gpa, uint64_t size);
/* Add a region at @gpa that claims host address @hva, without memory there. */
void gmem_claim(struct gmem *g, uint64_t gpa, uint64_t size, uint64_t hva);
/* Allocate zeroed host memory outside of all regions, for rings. */
void *gmem_host(struct gmem *g, size_t size);
/* As gmem_host(), without an extent: the device must not access it until one is added. */
void *gmem_host_bare(struct gmem *g, size_t size);
/* Return the host address of guest bytes in one region, or NULL. */
void *gmem_hva(const struct gmem *g, uint64_t gpa, uint64_t len);
/* Allocate @size bytes of region 0, 16-byte aligned; abort if it is full. */
uint64_t gmem_alloc(struct gmem *g, uint64_t size);
void gmem_free(struct gmem *g);

#endif /* VTAP_TEST_GMEM_H */
