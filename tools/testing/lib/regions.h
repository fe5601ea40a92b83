/* SPDX-License-Identifier: GPL-2.0 */
/*
 * regions.h - regions of guest memory: lookup, copies and tables
 *
 * All mock guests use these functions, in whatever way their memory is made. Memory in
 * the unit tests (gmem.h) is one allocation for each region, so that the sanitizers and
 * the shim find accesses past its edges. Memory in the selftests (memory.c) is one memfd,
 * so that a test can map it again, share it and compare it as a whole.
 */
#ifndef VTAP_TEST_REGIONS_H
#define VTAP_TEST_REGIONS_H

#include "types.h"

struct vhost_memory_region;

struct gmem_region {
	uint64_t gpa;
	uint64_t size;
	uint64_t hva;
};

/* Return the first of @nr regions that contains @gpa, or NULL. */
const struct gmem_region *gmem_find(const struct gmem_region *r, unsigned int nr,
				    uint64_t gpa);
/*
 * Return the host address of @gpa, or NULL. @room is set to the number of bytes from
 * there to the end of the region, unless it is NULL.
 */
void *gmem_at(const struct gmem_region *r, unsigned int nr, uint64_t gpa, size_t *room);
/*
 * Copy to guest memory at @gpa, or from there, on any number of regions. Return false
 * if a byte is in no region.
 */
bool gmem_copy(const struct gmem_region *r, unsigned int nr, uint64_t gpa, void *buf,
	       size_t len, bool to_guest);
/* Fill an entry of a memory table for VHOST_SET_MEM_TABLE. */
void gmem_fill_entry(struct vhost_memory_region *entry, const struct gmem_region *r);

#endif /* VTAP_TEST_REGIONS_H */
