// SPDX-License-Identifier: GPL-2.0
/*
 * dirtymap_test.c - the dirty log finds guest pages by user address
 */
#include "dirty_env.h"

static struct dirty_env *e;

static int dirtymap_init(struct kunit *test)
{
	e = dirty_env_new();
	return 0;
}

static void dirtymap_exit(struct kunit *test)
{
	dirty_env_free(e);
}

static void user(struct kunit *test, u64 uaddr, u64 len, u64 gpa)
{
	dirty_env_fresh(e, e->skew);
	vtap_dirty_mark_user(&e->d, uaddr, len);
	if (gpa != U64_MAX)
		expect_bytes(e, gpa, len);
	dirty_env_expect(test, e);
}

static void dirtymap_edges(struct kunit *test)
{
	struct vhost_memory_region r[] = {
		reg(0x40000, 4 * PAGE, UBASE + 0x100000),
		reg(0x10000, 2 * PAGE, UBASE + 0x200000),
		reg(0x20123, 2 * PAGE, UBASE + 0x300456),	/* unaligned */
	};
	int again;

	dirty_env_map(e, r, ARRAY_SIZE(r));
	KUNIT_EXPECT_FALSE(test, e->map->aliased);
	for (again = 0; again < 2; again++) {
		user(test, UBASE + 0x100000, 1, 0x40000);
		user(test, UBASE + 0x103fff, 1, 0x43fff);
		user(test, UBASE + 0x0fffff, 1, U64_MAX);
		user(test, UBASE + 0x104000, 1, U64_MAX);
		user(test, UBASE + 0x100ffe, PAGE + 4, 0x40ffe);
		user(test, UBASE + 0x201000, PAGE, 0x11000);
		user(test, UBASE + 0x300456, 2 * PAGE, 0x20123);
		/* the start of a guest page, and the byte before it */
		user(test, UBASE + 0x300456 + 0xedd, 1, 0x21000);
		user(test, UBASE + 0x300456 + 0xedc, 1, 0x20fff);
		user(test, 0, 1, U64_MAX);
		user(test, U64_MAX, 1, U64_MAX);
	}
}

/* A contiguous range of user memory can be in several guest regions. */
static void dirtymap_spans_regions(struct kunit *test)
{
	struct vhost_memory_region r[] = {
		reg(0x90000, PAGE, UBASE),
		reg(0x10000, PAGE, UBASE + PAGE),
		reg(0x50000, 2 * PAGE, UBASE + 2 * PAGE),
	};

	dirty_env_map(e, r, ARRAY_SIZE(r));
	KUNIT_EXPECT_FALSE(test, e->map->aliased);
	vtap_dirty_mark_user(&e->d, UBASE + 10, 4 * PAGE - 20);
	expect_page(e, 0x90);
	expect_page(e, 0x10);
	expect_page(e, 0x50);
	expect_page(e, 0x51);
	dirty_env_expect(test, e);
}

/* Bytes outside guest memory have no bit; guest memory after them has. */
static void dirtymap_hole(struct kunit *test)
{
	struct vhost_memory_region r[] = {
		reg(0x90000, PAGE, UBASE),
		reg(0x10000, PAGE, UBASE + 3 * PAGE),
	};

	dirty_env_map(e, r, ARRAY_SIZE(r));
	vtap_dirty_mark_user(&e->d, UBASE + 10, 2 * PAGE);
	expect_page(e, 0x90);
	dirty_env_expect(test, e);
	vtap_dirty_mark_user(&e->d, UBASE + 10, 4 * PAGE - 20);
	expect_page(e, 0x10);
	dirty_env_expect(test, e);
}

static void dirtymap_hole_at_start(struct kunit *test)
{
	struct vhost_memory_region r = reg(0x10000, PAGE, UBASE + 3 * PAGE);

	dirty_env_map(e, &r, 1);
	vtap_dirty_mark_user(&e->d, UBASE, 3 * PAGE + 1);
	expect_page(e, 0x10);
	dirty_env_expect(test, e);
	vtap_dirty_mark_user(&e->d, UBASE + 4 * PAGE, U64_MAX - UBASE - 4 * PAGE);
	dirty_env_expect(test, e);
}

static void dirtymap_aliases(struct kunit *test)
{
	struct vhost_memory_region r[] = {
		reg(0x10000, 4 * PAGE, UBASE),
		reg(0x80000, 4 * PAGE, UBASE + 2 * PAGE),
		reg(0x100000, PAGE, UBASE + 2 * PAGE + 5),
		reg(0x200000, PAGE, UBASE + 0x100000),
	};

	dirty_env_map(e, r, ARRAY_SIZE(r));
	KUNIT_EXPECT_TRUE(test, e->map->aliased);
	vtap_dirty_mark_user(&e->d, UBASE + PAGE, 2);
	expect_page(e, 0x11);
	dirty_env_expect(test, e);
	vtap_dirty_mark_user(&e->d, UBASE + 2 * PAGE + 4, 1);
	expect_page(e, 0x12);
	expect_page(e, 0x80);
	dirty_env_expect(test, e);
	vtap_dirty_mark_user(&e->d, UBASE + 2 * PAGE + 4, 2);
	expect_page(e, 0x100);
	dirty_env_expect(test, e);
	vtap_dirty_mark_user(&e->d, UBASE + 0x100000, 1);
	expect_page(e, 0x200);
	dirty_env_expect(test, e);
	vtap_dirty_mark_user(&e->d, UBASE + 0x101000, 1);
	vtap_dirty_mark_user(&e->d, UBASE, 0);
	dirty_env_expect(test, e);
}

/* Equal regions and regions inside another one are aliases. */
static void dirtymap_detects_aliases(struct kunit *test)
{
	static const struct { u64 a, b; bool aliased; } t[] = {
		{ UBASE, UBASE, true },
		{ UBASE, UBASE + 4 * PAGE - 1, true },
		{ UBASE, UBASE + 4 * PAGE, false },
		{ UBASE + 4 * PAGE - 1, UBASE, true },
		{ UBASE + 4 * PAGE, UBASE, false },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vhost_memory_region r[] = {
			reg(0, 4 * PAGE, t[i].a),
			reg(0x100000, 4 * PAGE, t[i].b),
			reg(0x200000, PAGE, UBASE + 0x100000),
		};

		dirty_env_map(e, r, 3);
		KUNIT_EXPECT_EQ(test, e->map->aliased, t[i].aliased);
	}
}

/* The region that contains the address, or else the next one. */
static void expect_found(struct kunit *test, u64 uaddr, u64 at)
{
	const struct vtap_region *f = vtap_memmap_find_user(e->map, uaddr);

	KUNIT_ASSERT_NOT_NULL(test, f);
	KUNIT_EXPECT_EQ(test, f->uaddr, at);
}

static void dirtymap_find_user(struct kunit *test)
{
	struct vhost_memory_region r[20];
	u32 i;

	KUNIT_EXPECT_TRUE(test, !vtap_memmap_find_user(NULL, 0));
	for (i = 0; i < 20; i++)
		r[i] = reg(i * 2 * PAGE, PAGE, UBASE + i * 7 % 20 * 2 * PAGE);
	dirty_env_map(e, r, 20);
	expect_found(test, 0, UBASE);
	for (i = 0; i < 20; i++) {
		u64 at = UBASE + i * 2 * PAGE;

		expect_found(test, at - 1, at);
		expect_found(test, at, at);
		expect_found(test, at + PAGE - 1, at);
		if (i < 19)
			expect_found(test, at + PAGE, at + 2 * PAGE);
	}
	KUNIT_EXPECT_TRUE(test, !vtap_memmap_find_user(e->map, UBASE +
						       39 * PAGE));
	KUNIT_EXPECT_TRUE(test, !vtap_memmap_find_user(e->map, U64_MAX));
}

/* ---- comparison with an oracle ---- */

#define NR_REGIONS	5

/* Regions without overlaps in guest memory; @alias: overlaps in user memory. */
static void random_map(struct rnd *g, bool alias)
{
	struct vhost_memory_region r[NR_REGIONS];
	u64 gpa = rnd_below(g, 0x4000), uaddr = UBASE;
	u32 i;

	for (i = 0; i < NR_REGIONS; i++) {
		u64 size = 1 + rnd_below(g, 6 * PAGE);

		r[i] = reg(gpa, size, uaddr);
		gpa += size + rnd_below(g, 3) * rnd_below(g, 0x300000);
		uaddr += size + rnd_below(g, 2) * rnd_below(g, 0x2000);
		if (alias)
			uaddr = UBASE + rnd_below(g, 8 * PAGE);
	}
	/* Shuffle the order in user memory. */
	for (i = 0; i < NR_REGIONS; i++) {
		u32 k = rnd_below(g, i + 1);

		swap(r[i].guest_phys_addr, r[k].guest_phys_addr);
	}
	/* This swaps sizes, so cut the overlaps. */
	for (i = 0; i < NR_REGIONS; i++) {
		u32 k;

		for (k = 0; k < NR_REGIONS; k++) {
			u64 gap = r[k].guest_phys_addr - r[i].guest_phys_addr;

			if (k != i && gap < r[i].memory_size)
				r[i].memory_size = gap;
		}
	}
	dirty_env_map(e, r, NR_REGIONS);
}

static void dirtymap_matches_oracle(struct kunit *test)
{
	struct rnd g = { 23 };
	u32 round, step, i;

	for (round = 0; round < 60; round++) {
		dirty_env_fresh(e, rnd_below(&g, 8));
		random_map(&g, round % 3 == 2);
		for (step = 0; step < 20; step++) {
			for (i = 0; i < 1 + rnd_below(&g, 4); i++) {
				u64 at = rnd_below(&g, 12 * PAGE);
				u64 len = rnd_below(&g, rnd_below(&g, 2) ?
						    100 : 3 * PAGE);

				if (rnd_below(&g, 3)) {
					at += UBASE - PAGE;
					vtap_dirty_mark_user(&e->d, at, len);
					expect_user_bytes(e, at, len);
				} else {
					at *= rnd_below(&g, 300);
					vtap_dirty_mark(&e->d, at, len);
					expect_bytes(e, at, len);
				}
			}
			dirty_env_expect(test, e);
			/* The client clears some bytes of the bitmap. */
			for (i = 0; i < LOG_BYTES; i++) {
				if (rnd_below(&g, 3))
					continue;
				dirty_env_log(e)[i] = 0;
				dirty_env_want(e)[i] = 0;
			}
		}
	}
}

static struct kunit_case dirtymap_cases[] = {
	KUNIT_CASE(dirtymap_edges),
	KUNIT_CASE(dirtymap_spans_regions),
	KUNIT_CASE(dirtymap_hole),
	KUNIT_CASE(dirtymap_hole_at_start),
	KUNIT_CASE(dirtymap_aliases),
	KUNIT_CASE(dirtymap_detects_aliases),
	KUNIT_CASE(dirtymap_find_user),
	KUNIT_CASE(dirtymap_matches_oracle),
	{}
};

static struct kunit_suite dirtymap_suite = {
	.name = "vtap_dirtymap",
	.init = dirtymap_init,
	.exit = dirtymap_exit,
	.test_cases = dirtymap_cases,
};

kunit_test_suite(dirtymap_suite);
