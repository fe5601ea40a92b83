// SPDX-License-Identifier: GPL-2.0
/*
 * mem_test.c - the memory table: build, search and translate
 *
 * Addresses are arbitrary. Runs in user space and as a KUnit suite. Copies are
 * in chain_test.c.
 */
#include <kunit/test.h>
#include "mem.h"

#define PAGE		0x1000ull
#define UBASE		0x10000000ull	/* start of the simulated user memory */

static u64 seed;

static u32 rnd32(void)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return seed >> 33;
}

static struct vhost_memory_region reg(u64 gpa, u64 size, u64 uaddr)
{
	return (struct vhost_memory_region){
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = uaddr,
	};
}

static struct vtap_memmap *build(struct kunit *test,
				 const struct vhost_memory_region *r, u32 nr)
{
	struct vtap_memmap *map = vtap_memmap_build(r, nr);

	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(map));
	return map;
}

/* The table has no permissions: both accesses have the same result. */
static int translate(struct vtap_mem *m, u64 gpa, u32 len, struct iovec *iov,
		     int max)
{
	int n = vtap_mem_translate(m, VHOST_ACCESS_WO, gpa, len, iov, max);
	struct iovec first = max ? iov[0] : (struct iovec){};

	if (vtap_mem_translate(m, VHOST_ACCESS_RO, gpa, len, iov, max) != n)
		return -EINVAL;
	if (n > 0 && (first.iov_base != iov[0].iov_base ||
		      first.iov_len != iov[0].iov_len))
		return -EINVAL;
	return n;
}

static u64 uaddr_of(const struct iovec *iov)
{
	return (u64)(unsigned long)iov->iov_base;
}

static void mem_empty_table(struct kunit *test)
{
	struct vtap_memmap *map = build(test, NULL, 0);
	struct vtap_mem m;
	struct iovec iov;

	KUNIT_EXPECT_EQ(test, map->nr, 0u);
	KUNIT_EXPECT_TRUE(test, map->in_user_space);
	KUNIT_EXPECT_TRUE(test, !vtap_memmap_find(map, 0));
	vtap_mem_init(&m, map);
	KUNIT_EXPECT_EQ(test, translate(&m, 0, 1, &iov, 1), -EFAULT);
	vtap_mem_init(&m, NULL);
	KUNIT_EXPECT_EQ(test, translate(&m, 0, 1, &iov, 1), -EFAULT);
	KUNIT_EXPECT_EQ(test, translate(&m, 0, 0, &iov, 1), 0);
	vtap_memmap_free(map);
	vtap_memmap_free(NULL);
}

static void mem_one_region_edges(struct kunit *test)
{
	struct vhost_memory_region r = reg(0x5000, 3 * PAGE, UBASE);
	struct vtap_memmap *map = build(test, &r, 1);
	struct vtap_mem m;
	struct iovec iov;
	int again;

	vtap_mem_init(&m, map);
	/* Once with a search, once with the last hit. */
	for (again = 0; again < 2; again++) {
		KUNIT_EXPECT_EQ(test, translate(&m, 0x4fff, 1, &iov, 1),
				-EFAULT);
		KUNIT_EXPECT_EQ(test, translate(&m, 0x5000, 3 * PAGE, &iov, 1),
				1);
		KUNIT_EXPECT_EQ(test, uaddr_of(&iov), UBASE);
		KUNIT_EXPECT_EQ(test, (u64)iov.iov_len, 3 * PAGE);
		KUNIT_EXPECT_EQ(test, translate(&m, 0x7fff, 1, &iov, 1), 1);
		KUNIT_EXPECT_EQ(test, uaddr_of(&iov), UBASE + 0x2fff);
		KUNIT_EXPECT_EQ(test, (u64)iov.iov_len, 1ull);
		KUNIT_EXPECT_EQ(test, translate(&m, 0x7fff, 2, &iov, 2),
				-EFAULT);
		KUNIT_EXPECT_EQ(test, translate(&m, 0x8000, 1, &iov, 1),
				-EFAULT);
		KUNIT_EXPECT_EQ(test, translate(&m, 0x5000, U32_MAX, &iov, 1),
				-EFAULT);
	}
	vtap_memmap_free(map);
}

/* An empty buffer has no segments, and needs neither memory nor room. */
static void mem_zero_length(struct kunit *test)
{
	struct vhost_memory_region r = reg(0, PAGE, UBASE);
	struct vtap_memmap *map = build(test, &r, 1);
	struct vtap_mem m;
	struct iovec iov;

	vtap_mem_init(&m, map);
	KUNIT_EXPECT_EQ(test, translate(&m, 0, 0, &iov, 1), 0);
	KUNIT_EXPECT_EQ(test, translate(&m, 0, 1, &iov, 1), 1);
	KUNIT_EXPECT_EQ(test, translate(&m, 0, 0, &iov, 1), 0);
	KUNIT_EXPECT_EQ(test, translate(&m, 0, 0, &iov, 0), 0);
	KUNIT_EXPECT_EQ(test, translate(&m, PAGE, 0, &iov, 1), 0);
	KUNIT_EXPECT_EQ(test, translate(&m, U64_MAX, 0, &iov, 1), 0);
	vtap_memmap_free(map);
}

/* Adjacent in guest memory, apart and out of order in user memory. */
static void mem_span_regions(struct kunit *test)
{
	struct vhost_memory_region r[] = {
		reg(2 * PAGE, PAGE, UBASE),
		reg(0, PAGE, UBASE + 50 * PAGE),
		reg(PAGE, PAGE, UBASE + 20 * PAGE),
		reg(4 * PAGE, PAGE, UBASE + 3 * PAGE),	/* page 3 is a hole */
	};
	struct vtap_memmap *map = build(test, r, ARRAY_SIZE(r));
	struct iovec iov[8];
	struct vtap_mem m;

	vtap_mem_init(&m, map);
	KUNIT_ASSERT_EQ(test, translate(&m, 0x800, 2 * PAGE, iov, 8), 3);
	KUNIT_EXPECT_EQ(test, uaddr_of(&iov[0]), UBASE + 50 * PAGE + 0x800);
	KUNIT_EXPECT_EQ(test, (u64)iov[0].iov_len, 0x800ull);
	KUNIT_EXPECT_EQ(test, uaddr_of(&iov[1]), UBASE + 20 * PAGE);
	KUNIT_EXPECT_EQ(test, (u64)iov[1].iov_len, PAGE);
	KUNIT_EXPECT_EQ(test, uaddr_of(&iov[2]), UBASE);
	KUNIT_EXPECT_EQ(test, (u64)iov[2].iov_len, 0x800ull);

	KUNIT_EXPECT_EQ(test, translate(&m, 0, 3 * PAGE, iov, 3), 3);
	KUNIT_EXPECT_EQ(test, translate(&m, 0, 3 * PAGE, iov, 2), -ENOBUFS);
	KUNIT_EXPECT_EQ(test, translate(&m, 0, 1, iov, 0), -ENOBUFS);
	KUNIT_EXPECT_EQ(test, translate(&m, 0, 3 * PAGE + 1, iov, 8), -EFAULT);
	KUNIT_EXPECT_EQ(test, translate(&m, 2 * PAGE, 2 * PAGE, iov, 8),
			-EFAULT);
	/* A failed search must not leave a wrong last hit. */
	KUNIT_EXPECT_EQ(test, translate(&m, 4 * PAGE + 5, 7, iov, 8), 1);
	KUNIT_EXPECT_EQ(test, uaddr_of(&iov[0]), UBASE + 3 * PAGE + 5);
	KUNIT_EXPECT_EQ(test, translate(&m, 3 * PAGE, 1, iov, 8), -EFAULT);
	vtap_memmap_free(map);
}

static void mem_top_of_address_space(struct kunit *test)
{
	struct vhost_memory_region r[] = {
		reg(0 - PAGE, PAGE, UBASE),
		reg(0, PAGE, UBASE + PAGE),
	};
	struct vtap_memmap *map = build(test, r, 2);
	struct iovec iov[4];
	struct vtap_mem m;

	vtap_mem_init(&m, map);
	KUNIT_EXPECT_EQ(test, translate(&m, U64_MAX, 1, iov, 4), 1);
	KUNIT_EXPECT_EQ(test, uaddr_of(&iov[0]), UBASE + PAGE - 1);
	KUNIT_EXPECT_EQ(test, translate(&m, 0 - PAGE, PAGE, iov, 4), 1);
	/* Guest memory does not wrap from its last byte to 0. */
	KUNIT_EXPECT_EQ(test, translate(&m, U64_MAX, 2, iov, 4), -EFAULT);
	KUNIT_EXPECT_EQ(test, translate(&m, 0 - PAGE, 2 * PAGE, iov, 4),
			-EFAULT);
	vtap_memmap_free(map);
}

static void mem_refused_regions(struct kunit *test)
{
	struct vhost_memory_region bad[] = {
		reg(PAGE, 0, UBASE),			/* empty */
		reg(U64_MAX, 0, UBASE),
		reg(U64_MAX, 2, UBASE),			/* wraps */
		reg(2, U64_MAX, UBASE),
		reg(0 - PAGE, 2 * PAGE, UBASE),
		reg(1ull << 63, (1ull << 63) + 1, UBASE),
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct vhost_memory_region r[2] = { reg(0, PAGE, UBASE) };
		struct vtap_memmap *map;

		r[1] = bad[i];
		map = vtap_memmap_build(r, 2);
		KUNIT_EXPECT_TRUE(test, IS_ERR(map));
		KUNIT_EXPECT_EQ(test, PTR_ERR(map), (long)-EFAULT);
	}
}

/* Start 0 and size 0 mean the whole address space, as in-tree. */
static void mem_whole_address_space(struct kunit *test)
{
	struct vhost_memory_region r = reg(0, 0, 0);
	struct vtap_memmap *map = build(test, &r, 1);
	static const u64 at[] = { 0, 1, UBASE, 1ull << 62, U64_MAX - 7 };
	struct vtap_mem m;
	struct iovec iov[2];
	unsigned int i;

	vtap_mem_init(&m, map);
	KUNIT_EXPECT_FALSE(test, map->in_user_space);
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		KUNIT_ASSERT_EQ(test, translate(&m, at[i], 8, iov, 2), 1);
		KUNIT_EXPECT_EQ(test, uaddr_of(&iov[0]), at[i]);
	}
	vtap_memmap_free(map);
}

/* The part index wraps; the region found there must not match. */
static void mem_above_all_parts(struct kunit *test)
{
	struct vhost_memory_region r[2] = {
		reg(0x10000, PAGE, UBASE),
		reg(0x40000, PAGE, UBASE + PAGE),
	};
	struct vtap_memmap *map = build(test, r, 2);
	struct iovec iov;
	struct vtap_mem m;
	u64 lap;

	vtap_mem_init(&m, map);
	for (lap = 1ull << map->part_shift; lap; lap <<= 1) {
		KUNIT_EXPECT_EQ(test, translate(&m, 0x40000, 1, &iov, 1), 1);
		KUNIT_EXPECT_EQ(test, translate(&m, 0x10000, PAGE, &iov, 1), 1);
		if (lap < 0x80000)
			continue;
		KUNIT_EXPECT_EQ(test, translate(&m, lap + 0x10000, 1, &iov, 1),
				-EFAULT);
		KUNIT_EXPECT_EQ(test, translate(&m, lap + 0x40000, 1, &iov, 1),
				-EFAULT);
	}
	vtap_memmap_free(map);
}

static void mem_in_user_space(struct kunit *test)
{
	static const struct { u64 size, uaddr; bool ok; } t[] = {
		{ PAGE, 0, true },
		{ PAGE, UBASE, true },
		{ PAGE, 1ull << 63, false },
		{ PAGE, 0 - PAGE, false },
		{ PAGE, 0 - PAGE + 1, false },		/* uaddr wraps */
		{ 1ull << 62, 1ull << 40, false },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vhost_memory_region r[2] = { reg(0, PAGE, UBASE) };
		struct vtap_memmap *map;

		r[1] = reg(PAGE, t[i].size, t[i].uaddr);
		map = build(test, r, 2);
		KUNIT_EXPECT_EQ(test, map->in_user_space, t[i].ok);
		vtap_memmap_free(map);
	}
}

/* The maximum number of regions, shuffled; each edge is looked up. */
static void mem_all_509_regions(struct kunit *test)
{
	struct vhost_memory_region *r;
	struct vtap_memmap *map;
	struct vtap_mem m;
	struct iovec iov;
	u32 i;

	r = kunit_kzalloc(test, VTAP_MAX_REGIONS * sizeof(*r), GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, r);
	/* Seven pages each, with a hole of a page after every third. */
	for (i = 0; i < VTAP_MAX_REGIONS; i++)
		r[i] = reg((7 * i + i / 3) * PAGE, 7 * PAGE, UBASE + i * 0x10000);
	seed = 3;
	for (i = VTAP_MAX_REGIONS - 1; i; i--) {
		u32 j = rnd32() % (i + 1);

		swap(r[i], r[j]);
	}
	map = build(test, r, VTAP_MAX_REGIONS);
	KUNIT_ASSERT_EQ(test, map->nr, (u32)VTAP_MAX_REGIONS);

	vtap_mem_init(&m, map);
	for (i = 0; i < VTAP_MAX_REGIONS; i++) {
		u64 first = r[i].guest_phys_addr;
		u64 last = first + 7 * PAGE - 1;

		KUNIT_EXPECT_EQ(test, translate(&m, first, 9, &iov, 1), 1);
		KUNIT_EXPECT_EQ(test, uaddr_of(&iov), r[i].userspace_addr);
		KUNIT_EXPECT_EQ(test, translate(&m, last, 1, &iov, 1), 1);
		KUNIT_EXPECT_EQ(test, uaddr_of(&iov), r[i].userspace_addr +
				7 * PAGE - 1);
	}
	for (i = 0; i + 3 < VTAP_MAX_REGIONS; i += 3) {
		u64 gap = (7 * (i + 3) + i / 3) * PAGE;

		KUNIT_EXPECT_EQ(test, translate(&m, gap, 1, &iov, 1), -EFAULT);
	}
	vtap_memmap_free(map);
}

/* Expected mapping of a page: that of the region with the lowest start. */
static bool oracle(const struct vhost_memory_region *r, u32 nr, u64 gpa,
		   u64 *uaddr)
{
	const struct vhost_memory_region *best = NULL;
	u32 i;

	for (i = 0; i < nr; i++)
		if (gpa >= r[i].guest_phys_addr &&
		    gpa - r[i].guest_phys_addr < r[i].memory_size &&
		    (!best || r[i].guest_phys_addr < best->guest_phys_addr))
			best = &r[i];
	if (best)
		*uaddr = best->userspace_addr + (gpa - best->guest_phys_addr);
	return best;
}

/* Translate a range and compare each byte with the oracle. */
static void check_range(struct kunit *test, struct vtap_mem *m,
			const struct vhost_memory_region *r, u32 nr, u64 gpa,
			u32 len)
{
	struct iovec iov[32];
	u64 at = 0, want;
	int n, i;

	n = translate(m, gpa, len, iov, ARRAY_SIZE(iov));
	KUNIT_ASSERT_NE(test, n, -ENOBUFS);
	for (i = 0; i < n; i++) {
		u64 k;

		KUNIT_EXPECT_NE(test, (u64)iov[i].iov_len, 0ull);
		for (k = 0; k < iov[i].iov_len; k++, at++) {
			KUNIT_ASSERT_TRUE(test, oracle(r, nr, gpa + at, &want));
			KUNIT_ASSERT_EQ(test, uaddr_of(&iov[i]) + k, want);
		}
	}
	if (n >= 0) {
		KUNIT_EXPECT_EQ(test, at, (u64)len);
		return;
	}
	KUNIT_EXPECT_EQ(test, n, -EFAULT);
	for (at = 0; at < len; at++)
		if (!oracle(r, nr, gpa + at, &want))
			return;
	KUNIT_FAIL(test, "%#llx + %u is mapped, but refused", gpa, len);
}

/* Small sets of overlapping regions, compared byte by byte. */
static void mem_overlaps_match_oracle(struct kunit *test)
{
	struct vhost_memory_region r[12];
	int round;

	seed = 11;
	for (round = 0; round < 3000; round++) {
		u32 nr = 1 + rnd32() % ARRAY_SIZE(r), i;
		struct vtap_memmap *map;
		struct vtap_mem m;

		/* Starts differ: the order of equal ones is undefined. */
		for (i = 0; i < nr; i++)
			r[i] = reg(rnd32() % 8 * 16 + i, 1 + rnd32() % 40,
				   UBASE + i * 0x1000);
		map = build(test, r, nr);
		vtap_mem_init(&m, map);
		for (i = 0; i < 12; i++)
			check_range(test, &m, r, nr, rnd32() % 160,
				    rnd32() % 60);
		vtap_memmap_free(map);
	}
}

/* Regions with equal starts: either may win, but each byte has one owner. */
static void mem_equal_starts(struct kunit *test)
{
	struct vhost_memory_region r[] = {
		reg(PAGE, PAGE, UBASE),
		reg(PAGE, 3 * PAGE, UBASE + 100 * PAGE),
		reg(PAGE, 2 * PAGE, UBASE + 200 * PAGE),
	};
	struct vtap_memmap *map = build(test, r, 3);
	struct vtap_mem m;
	struct iovec iov[4];
	u64 sum = 0;
	int n, i;

	vtap_mem_init(&m, map);
	n = translate(&m, PAGE, 3 * PAGE, iov, 4);
	KUNIT_ASSERT_GE(test, n, 1);
	for (i = 0; i < n; i++)
		sum += iov[i].iov_len;
	KUNIT_EXPECT_EQ(test, sum, 3 * PAGE);
	KUNIT_ASSERT_EQ(test, translate(&m, 4 * PAGE - 1, 1, iov, 4), 1);
	KUNIT_EXPECT_EQ(test, uaddr_of(&iov[0]), UBASE + 103 * PAGE - 1);
	vtap_memmap_free(map);
}

/* access_ok() may accept a range that wraps. */
static void mem_user_range(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, vtap_user_range_ok(UBASE, PAGE));
	KUNIT_EXPECT_TRUE(test, vtap_user_range_ok(UBASE, 0));
	KUNIT_EXPECT_TRUE(test, vtap_user_range_ok(0, UBASE));
	KUNIT_EXPECT_FALSE(test, vtap_user_range_ok(U64_MAX, 1));
	KUNIT_EXPECT_FALSE(test, vtap_user_range_ok(U64_MAX, 2));
	KUNIT_EXPECT_FALSE(test, vtap_user_range_ok(0ULL - PAGE, PAGE));
	KUNIT_EXPECT_FALSE(test, vtap_user_range_ok(0ULL - PAGE, 2 * PAGE));
	KUNIT_EXPECT_FALSE(test, vtap_user_range_ok(UBASE, 0ULL - UBASE));
	KUNIT_EXPECT_FALSE(test, vtap_user_range_ok(UBASE, U64_MAX));
}

static struct kunit_case mem_cases[] = {
	KUNIT_CASE(mem_empty_table),
	KUNIT_CASE(mem_one_region_edges),
	KUNIT_CASE(mem_zero_length),
	KUNIT_CASE(mem_span_regions),
	KUNIT_CASE(mem_top_of_address_space),
	KUNIT_CASE(mem_refused_regions),
	KUNIT_CASE(mem_whole_address_space),
	KUNIT_CASE(mem_above_all_parts),
	KUNIT_CASE(mem_in_user_space),
	KUNIT_CASE(mem_all_509_regions),
	KUNIT_CASE(mem_equal_starts),
	KUNIT_CASE(mem_user_range),
	KUNIT_CASE(mem_overlaps_match_oracle),
	{}
};

static struct kunit_suite mem_suite = {
	.name = "vtap_mem",
	.test_cases = mem_cases,
};

kunit_test_suite(mem_suite);
