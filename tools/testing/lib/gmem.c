// SPDX-License-Identifier: GPL-2.0
/*
 * gmem.c - memory of the mock guest in unit tests and fuzzers
 */
#include "gmem.h"
#include "ring_env.h"

void gmem_claim(struct gmem *g, uint64_t gpa, uint64_t size, uint64_t hva)
{
	shim_assert(g->nr < GMEM_MAX);
	g->r[g->nr++] = (struct gmem_region){ gpa, size, hva };
}

void *gmem_host_bare(struct gmem *g, size_t size)
{
	void *p = shim_guest_alloc(size);

	shim_assert(g->nr_blocks < GMEM_MAX);
	g->block[g->nr_blocks++] = (struct gmem_block){ p, size };
	return p;
}

void *gmem_host(struct gmem *g, size_t size)
{
	void *p = gmem_host_bare(g, size);

	shim_extent_add(p, size, SHIM_RW);
	return p;
}

void *gmem_add(struct gmem *g, uint64_t gpa, uint64_t size)
{
	void *p = gmem_host(g, size);

	gmem_claim(g, gpa, size, (uintptr_t)p);
	return p;
}

void *gmem_hva(const struct gmem *g, uint64_t gpa, uint64_t len)
{
	size_t room;
	void *at = gmem_at(g->r, g->nr, gpa, &room);

	return at && len <= room ? at : NULL;
}

uint64_t gmem_alloc(struct gmem *g, uint64_t size)
{
	uint64_t at = (g->next + 15) & ~15ull;

	shim_assert(g->nr && at + size <= g->r[0].size);
	g->next = at + size;
	return g->r[0].gpa + at;
}

void gmem_free(struct gmem *g)
{
	unsigned int i;

	for (i = 0; i < g->nr_blocks; i++) {
		shim_extent_del(g->block[i].mem, g->block[i].size);
		shim_guest_free(g->block[i].mem, g->block[i].size);
	}
	memset(g, 0, sizeof(*g));
}
