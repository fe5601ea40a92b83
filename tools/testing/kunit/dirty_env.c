// SPDX-License-Identifier: GPL-2.0
/*
 * dirty_env.c - a dirty log with its bitmap, for tests
 */
#include "dirty_env.h"

#define MEM_BYTES	(LOG_BYTES + 2 * AROUND)

struct dirty_env *dirty_env_new(void)
{
	struct dirty_env *e = calloc(1, sizeof(*e));

	shim_assert(e);
	e->mem = shim_guest_alloc(MEM_BYTES);
	shim_extent_add(e->mem, MEM_BYTES, SHIM_RW | SHIM_SHARED);
	dirty_env_fresh(e, 0);
	return e;
}

void dirty_env_free(struct dirty_env *e)
{
	shim_idle();
	vtap_memmap_free(e->map);
	shim_extent_del(e->mem, MEM_BYTES);
	shim_guest_free(e->mem, MEM_BYTES);
	free(e);
}

u8 *dirty_env_log(struct dirty_env *e)
{
	return e->mem + AROUND + e->skew;
}

u8 *dirty_env_want(struct dirty_env *e)
{
	return e->want + AROUND + e->skew;
}

static void start(struct dirty_env *e)
{
	vtap_dirty_init(&e->d);
	e->d.base = (uintptr_t)dirty_env_log(e);
	e->d.map = e->map;
}

void dirty_env_fresh(struct dirty_env *e, unsigned int skew)
{
	e->skew = skew;
	memset(e->mem, 0xc3, MEM_BYTES);
	memset(dirty_env_log(e), 0, LOG_BYTES);
	memcpy(e->want, e->mem, MEM_BYTES);
	start(e);
}

void dirty_env_map(struct dirty_env *e, const struct vhost_memory_region *r,
		   u32 nr)
{
	vtap_memmap_free(e->map);
	e->map = vtap_memmap_build(r, nr);
	shim_assert(!IS_ERR(e->map));
	start(e);
}

void expect_page(struct dirty_env *e, u64 page)
{
	dirty_env_want(e)[page / 8] |= 1 << page % 8;
}

void expect_bytes(struct dirty_env *e, u64 gpa, u64 len)
{
	for (; len; len--)
		expect_page(e, gpa++ / PAGE);
}

void expect_user_bytes(struct dirty_env *e, u64 uaddr, u64 len)
{
	u32 i;

	for (; len; len--, uaddr++)
		for (i = 0; i < e->map->nr; i++) {
			const struct vtap_region *r = &e->map->region[i];

			if (uaddr - r->uaddr < r->size)
				expect_page(e, (r->gpa + uaddr - r->uaddr) /
					  PAGE);
		}
}

u64 nr_expected(const struct dirty_env *e)
{
	u64 nr = 0;
	u32 i;

	for (i = 0; i < LOG_BYTES; i++)
		nr += hweight32(e->want[AROUND + e->skew + i]);
	return nr;
}

void dirty_env_expect(struct kunit *test, struct dirty_env *e)
{
	unsigned int i;

	vtap_dirty_flush(&e->d);
	shim_idle();
	for (i = 0; i < MEM_BYTES; i++)
		if (e->mem[i] != e->want[i])
			KUNIT_FAIL(test, "byte %d: %#x, not %#x",
				   (int)i - (int)(AROUND + e->skew), e->mem[i],
				   e->want[i]);
	for (i = 0; i < VTAP_DIRTY_SLOTS; i++)
		KUNIT_EXPECT_EQ(test, e->d.slot[i].bits, 0u);
	KUNIT_EXPECT_FALSE(test, e->d.failed);
}
