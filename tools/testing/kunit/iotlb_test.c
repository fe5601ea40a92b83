// SPDX-License-Identifier: GPL-2.0
/*
 * iotlb_test.c - the device IOTLB: add, replace, remove and evict mappings
 *
 * Addresses are arbitrary. Runs in user space and as a KUnit suite. The cache
 * of a queue is in tlb_test.c.
 */
#include <kunit/test.h>
#include "iotlb.h"

#define PAGE		VTAP_PAGE_SIZE
#define UBASE		0x10000000ull
#define RO		VHOST_ACCESS_RO
#define WO		VHOST_ACCESS_WO
#define RW		VHOST_ACCESS_RW

static struct vtap_iotlb *t;
static u64 seed;

static u32 rnd32(void)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return seed >> 33;
}

static int iotlb_init(struct kunit *test)
{
	t = vtap_iotlb_new();
	seed = 5;
	return t ? 0 : -ENOMEM;
}

static void iotlb_exit(struct kunit *test)
{
	vtap_iotlb_free(t);
	t = NULL;
}

/* Mappings are sorted, without overlaps, not empty and not too many. */
static void expect_sane(struct kunit *test)
{
	u32 i;

	KUNIT_ASSERT_LE(test, t->nr, (u32)VTAP_IOTLB_MAX);
	for (i = 0; i < t->nr; i++) {
		KUNIT_ASSERT_LE(test, t->map[i].first, t->map[i].last);
		if (i)
			KUNIT_ASSERT_TRUE(test, t->map[i - 1].last <
					  t->map[i].first);
	}
}

static void expect_map(struct kunit *test, u64 first, u64 last, u64 uaddr,
		       u8 perm)
{
	const u64 at[] = { first, last, first + (last - first) / 2 };
	struct vtap_mapping m;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(at); i++) {
		KUNIT_ASSERT_TRUE(test, vtap_iotlb_find(t, at[i], &m));
		KUNIT_EXPECT_EQ(test, m.first, first);
		KUNIT_EXPECT_EQ(test, m.last, last);
		KUNIT_EXPECT_EQ(test, m.uaddr, uaddr);
		KUNIT_EXPECT_EQ(test, (u32)m.perm, (u32)perm);
	}
}

static void expect_none(struct kunit *test, u64 iova)
{
	struct vtap_mapping m;

	KUNIT_EXPECT_FALSE(test, vtap_iotlb_find(t, iova, &m));
}

static void iotlb_empty(struct kunit *test)
{
	expect_none(test, 0);
	expect_none(test, U64_MAX);
	vtap_iotlb_del(t, 0, U64_MAX);
	vtap_iotlb_del(t, 5, 5);
	vtap_iotlb_clear(t);
	KUNIT_EXPECT_EQ(test, t->nr, 0u);
	vtap_iotlb_free(NULL);
}

static void iotlb_edges(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, vtap_iotlb_add(t, 0x5000, 0x7fff, UBASE, RO));
	KUNIT_EXPECT_FALSE(test, vtap_iotlb_add(t, 0x9000, 0x9000, 7, WO));
	expect_map(test, 0x5000, 0x7fff, UBASE, RO);
	expect_map(test, 0x9000, 0x9000, 7, WO);
	expect_none(test, 0x4fff);
	expect_none(test, 0x8000);
	expect_none(test, 0x8fff);
	expect_none(test, 0x9001);
	/* Adjacent mappings need no invalidation. */
	KUNIT_EXPECT_FALSE(test, vtap_iotlb_add(t, 0x8000, 0x8fff, UBASE, RW));
	KUNIT_EXPECT_FALSE(test, vtap_iotlb_add(t, 0x4fff, 0x4fff, 3, RW));
	expect_map(test, 0x5000, 0x7fff, UBASE, RO);
	expect_map(test, 0x8000, 0x8fff, UBASE, RW);
	vtap_iotlb_clear(t);
	expect_none(test, 0x5000);
	KUNIT_EXPECT_EQ(test, t->nr, 0u);
}

/* A new mapping over one at [0x5000, 0x8fff], from each side. */
static void iotlb_replace(struct kunit *test)
{
	/* the same range with another address and permission */
	KUNIT_EXPECT_FALSE(test, vtap_iotlb_add(t, 0x5000, 0x8fff, UBASE, RO));
	KUNIT_EXPECT_TRUE(test, vtap_iotlb_add(t, 0x5000, 0x8fff, 99, RW));
	expect_map(test, 0x5000, 0x8fff, 99, RW);
	KUNIT_EXPECT_EQ(test, t->nr, 1u);

	/* its start, its end, its middle */
	KUNIT_EXPECT_TRUE(test, vtap_iotlb_add(t, 0x4000, 0x5000, 7, RO));
	expect_map(test, 0x5001, 0x8fff, 100, RW);
	expect_map(test, 0x4000, 0x5000, 7, RO);
	KUNIT_EXPECT_TRUE(test, vtap_iotlb_add(t, 0x8fff, 0x9fff, 8, RO));
	expect_map(test, 0x5001, 0x8ffe, 100, RW);
	expect_map(test, 0x8fff, 0x9fff, 8, RO);
	KUNIT_EXPECT_TRUE(test, vtap_iotlb_add(t, 0x6000, 0x6fff, 9, WO));
	expect_map(test, 0x5001, 0x5fff, 100, RW);
	expect_map(test, 0x6000, 0x6fff, 9, WO);
	expect_map(test, 0x7000, 0x8ffe, 99 + 0x2000, RW);
	KUNIT_EXPECT_EQ(test, t->nr, 5u);

	/* several mappings; the outer ends of two remain */
	KUNIT_EXPECT_TRUE(test, vtap_iotlb_add(t, 0x4800, 0x97ff, 1, RW));
	expect_map(test, 0x4000, 0x47ff, 7, RO);
	expect_map(test, 0x4800, 0x97ff, 1, RW);
	expect_map(test, 0x9800, 0x9fff, 8 + 0x801, RO);
	KUNIT_EXPECT_EQ(test, t->nr, 3u);

	/* a range that covers all of them */
	KUNIT_EXPECT_TRUE(test, vtap_iotlb_add(t, 0x10, 0xffff, 2, RO));
	expect_map(test, 0x10, 0xffff, 2, RO);
	KUNIT_EXPECT_EQ(test, t->nr, 1u);
	expect_sane(test);
}

static void iotlb_remove(struct kunit *test)
{
	vtap_iotlb_add(t, 0x5000, 0x8fff, UBASE, RW);
	vtap_iotlb_del(t, 0x4000, 0x4fff);
	vtap_iotlb_del(t, 0x9000, U64_MAX);
	expect_map(test, 0x5000, 0x8fff, UBASE, RW);
	vtap_iotlb_del(t, 0, 0x5000);
	expect_none(test, 0x5000);
	expect_map(test, 0x5001, 0x8fff, UBASE + 1, RW);
	vtap_iotlb_del(t, 0x8fff, 0x8fff);
	expect_none(test, 0x8fff);
	vtap_iotlb_del(t, 0x6000, 0x6fff);
	expect_map(test, 0x5001, 0x5fff, UBASE + 1, RW);
	expect_none(test, 0x6000);
	expect_none(test, 0x6fff);
	expect_map(test, 0x7000, 0x8ffe, UBASE + 0x2000, RW);
	vtap_iotlb_add(t, 0x10000, 0x10fff, 1, RW);
	vtap_iotlb_del(t, 0x5800, 0x77ff);
	expect_map(test, 0x5001, 0x57ff, UBASE + 1, RW);
	expect_map(test, 0x7800, 0x8ffe, UBASE + 0x2800, RW);
	vtap_iotlb_del(t, 0x5001, 0x8ffe);
	KUNIT_EXPECT_EQ(test, t->nr, 1u);
	vtap_iotlb_del(t, 0, U64_MAX);
	KUNIT_EXPECT_EQ(test, t->nr, 0u);
}

/* The first and the last address, and all 2^64 in one mapping. */
static void iotlb_address_limits(struct kunit *test)
{
	const u64 top = 0 - PAGE;

	vtap_iotlb_add(t, 0, PAGE - 1, UBASE, RO);
	vtap_iotlb_add(t, top, U64_MAX, UBASE + PAGE, WO);
	expect_map(test, 0, PAGE - 1, UBASE, RO);
	expect_map(test, top, U64_MAX, UBASE + PAGE, WO);
	vtap_iotlb_del(t, 0, 0);
	expect_none(test, 0);
	expect_map(test, 1, PAGE - 1, UBASE + 1, RO);
	vtap_iotlb_del(t, U64_MAX, U64_MAX);
	expect_none(test, U64_MAX);
	expect_map(test, top, U64_MAX - 1, UBASE + PAGE, WO);

	KUNIT_EXPECT_TRUE(test, vtap_iotlb_add(t, 0, U64_MAX, 16, RW));
	expect_map(test, 0, U64_MAX, 16, RW);
	KUNIT_EXPECT_EQ(test, t->nr, 1u);
	KUNIT_EXPECT_TRUE(test, vtap_iotlb_add(t, 0, 0, 1, RO));
	KUNIT_EXPECT_TRUE(test, vtap_iotlb_add(t, U64_MAX, U64_MAX, 2, WO));
	expect_map(test, 0, 0, 1, RO);
	expect_map(test, 1, U64_MAX - 1, 17, RW);
	expect_map(test, U64_MAX, U64_MAX, 2, WO);
	vtap_iotlb_del(t, 1ull << 63, 1ull << 63);
	expect_map(test, 1, (1ull << 63) - 1, 17, RW);
	expect_map(test, (1ull << 63) + 1, U64_MAX - 1, 17 + (1ull << 63), RW);
	KUNIT_EXPECT_TRUE(test, vtap_iotlb_add(t, 0, U64_MAX, 3, RO));
	expect_map(test, 0, U64_MAX, 3, RO);
	vtap_iotlb_del(t, 0, U64_MAX);
	KUNIT_EXPECT_EQ(test, t->nr, 0u);
}

/* ---- oracle: a small address space with an entry per address ---- */

#define NR_CELLS	256

static struct cell {
	u32 id;		/* mapping that set it; 0 for none */
	u64 uaddr;
	u8 perm;
} cells[NR_CELLS];

static void expect_cells(struct kunit *test, u64 base, u32 i)
{
	const struct cell *c = &cells[i];
	struct vtap_mapping m;
	u64 k;

	if (!vtap_iotlb_find(t, base + i, &m)) {
		KUNIT_ASSERT_EQ(test, c->id, 0u);
		return;
	}
	KUNIT_ASSERT_NE(test, c->id, 0u);
	KUNIT_ASSERT_EQ(test, m.uaddr + (base + i - m.first), c->uaddr);
	KUNIT_ASSERT_EQ(test, (u32)m.perm, (u32)c->perm);
	/* The mapping covers all addresses with this id, and no others. */
	KUNIT_ASSERT_TRUE(test, m.first >= base && m.last - base < NR_CELLS);
	for (k = m.first - base; k <= m.last - base; k++)
		KUNIT_ASSERT_EQ(test, cells[k].id, c->id);
	KUNIT_ASSERT_TRUE(test, m.first == base ||
			  cells[m.first - base - 1].id != c->id);
}

static void random_steps(struct kunit *test, u64 base, u32 steps)
{
	u32 id, i, first, last;

	memset(cells, 0, sizeof(cells));
	for (id = 1; id <= steps; id++) {
		bool add = rnd32() % 3, was = false;
		u64 uaddr = (u64)rnd32() << 9;
		u8 perm = 1 + rnd32() % 3;

		first = rnd32() % NR_CELLS;
		last = min_t(u32, NR_CELLS - 1, first + rnd32() % (1u << rnd32() % 8));
		for (i = first; i <= last; i++) {
			was |= cells[i].id;
			cells[i] = (struct cell){};
			if (add)
				cells[i] = (struct cell){ id, uaddr + i - first,
							  perm };
		}
		if (add)
			KUNIT_ASSERT_EQ(test, was,
					vtap_iotlb_add(t, base + first,
						       base + last, uaddr,
						       perm));
		else
			vtap_iotlb_del(t, base + first, base + last);
		expect_sane(test);
		for (i = 0; i < NR_CELLS; i += 1 + rnd32() % 3)
			expect_cells(test, base, i);
	}
	/* There is no mapping next to the cells. */
	if (base)
		expect_none(test, base - 1);
	if (base + NR_CELLS)
		expect_none(test, base + NR_CELLS);
}

static void iotlb_matches_oracle(struct kunit *test)
{
	static const u64 base[] = { 0, 0x7000, 1ull << 63, 0 - (u64)NR_CELLS };
	int round;

	for (round = 0; round < 12; round++) {
		random_steps(test, base[round % 4], 500);
		vtap_iotlb_clear(t);
	}
}

/* ---- a full table ---- */

/* Every second page in a mixed order, so that none are adjacent. */
static u64 page_of(u32 i)
{
	return (u64)(i * 1021 % 4096) * 2 * PAGE;
}

static void fill(struct kunit *test, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		vtap_iotlb_add(t, page_of(i), page_of(i) + PAGE - 1,
			       UBASE + page_of(i), RW);
	expect_sane(test);
}

static void expect_pages(struct kunit *test, u32 from, u32 to)
{
	u32 i;

	for (i = from; i < to; i++)
		expect_map(test, page_of(i), page_of(i) + PAGE - 1,
			   UBASE + page_of(i), RW);
}

/* The oldest mapping is evicted, whatever its address. */
static void iotlb_evicts_oldest(struct kunit *test)
{
	u32 i;

	fill(test, VTAP_IOTLB_MAX);
	KUNIT_EXPECT_EQ(test, t->nr, (u32)VTAP_IOTLB_MAX);
	expect_pages(test, 0, VTAP_IOTLB_MAX);
	for (i = VTAP_IOTLB_MAX; i < 4096; i += 97) {
		fill(test, i + 1);
		KUNIT_EXPECT_EQ(test, t->nr, (u32)VTAP_IOTLB_MAX);
		expect_pages(test, i + 1 - VTAP_IOTLB_MAX, i + 1);
		expect_none(test, page_of(i - VTAP_IOTLB_MAX));
	}
}

/* A mapping that is added again is young again. */
static void iotlb_renewed_mapping_stays(struct kunit *test)
{
	fill(test, VTAP_IOTLB_MAX);
	fill(test, 1);
	vtap_iotlb_add(t, PAGE, 2 * PAGE - 1, UBASE, RO);
	expect_map(test, PAGE, 2 * PAGE - 1, UBASE, RO);
	expect_pages(test, 0, 1);
	expect_none(test, page_of(1));
	expect_pages(test, 2, VTAP_IOTLB_MAX);
}

static void iotlb_clock_wraps(struct kunit *test)
{
	t->clock = U32_MAX - 20;
	fill(test, VTAP_IOTLB_MAX + 10);
	KUNIT_EXPECT_LT(test, t->clock, 2u * VTAP_IOTLB_MAX);
	expect_pages(test, 10, VTAP_IOTLB_MAX + 10);
	expect_none(test, page_of(9));
}

/* A full table has room for two more while a mapping is split. */
static void iotlb_split_when_full(struct kunit *test)
{
	u64 last = page_of(VTAP_IOTLB_MAX - 1);

	/* split of a young mapping: the two oldest are evicted */
	fill(test, VTAP_IOTLB_MAX);
	KUNIT_EXPECT_TRUE(test, vtap_iotlb_add(t, last + 5, last + 6, 1, RO));
	expect_sane(test);
	KUNIT_EXPECT_EQ(test, t->nr, (u32)VTAP_IOTLB_MAX);
	expect_map(test, last, last + 4, UBASE + last, RW);
	expect_map(test, last + 5, last + 6, 1, RO);
	expect_map(test, last + 7, last + PAGE - 1, UBASE + last + 7, RW);
	expect_none(test, page_of(0));
	expect_none(test, page_of(1));
	expect_pages(test, 2, VTAP_IOTLB_MAX - 1);

	/* split of the oldest mapping: its parts are evicted */
	vtap_iotlb_clear(t);
	fill(test, VTAP_IOTLB_MAX);
	KUNIT_EXPECT_TRUE(test, vtap_iotlb_add(t, page_of(0) + 5,
					       page_of(0) + 6, 1, RO));
	expect_map(test, page_of(0) + 5, page_of(0) + 6, 1, RO);
	expect_none(test, page_of(0));
	expect_none(test, page_of(0) + 7);
	expect_pages(test, 1, VTAP_IOTLB_MAX);
}

/* A removal can split a mapping, so a full table has to evict one. */
static void iotlb_hole_when_full(struct kunit *test)
{
	u64 last = page_of(VTAP_IOTLB_MAX - 1);

	fill(test, VTAP_IOTLB_MAX);
	vtap_iotlb_del(t, last + 5, last + 6);
	expect_sane(test);
	KUNIT_EXPECT_EQ(test, t->nr, (u32)VTAP_IOTLB_MAX);
	expect_map(test, last, last + 4, UBASE + last, RW);
	expect_none(test, last + 5);
	expect_map(test, last + 7, last + PAGE - 1, UBASE + last + 7, RW);
	expect_none(test, page_of(0));
	expect_pages(test, 1, VTAP_IOTLB_MAX - 1);
}

/*
 * Queues may still have an evicted mapping in their caches. If the client maps
 * the same addresses elsewhere, the caches must be invalidated.
 */
static void iotlb_update_after_eviction(struct kunit *test)
{
	fill(test, VTAP_IOTLB_MAX + 1);
	expect_none(test, page_of(0));
	KUNIT_EXPECT_TRUE(test, vtap_iotlb_add(t, page_of(0),
					       page_of(0) + PAGE - 1, 16, RW));
}

static struct kunit_case iotlb_cases[] = {
	KUNIT_CASE(iotlb_empty),
	KUNIT_CASE(iotlb_edges),
	KUNIT_CASE(iotlb_replace),
	KUNIT_CASE(iotlb_remove),
	KUNIT_CASE(iotlb_address_limits),
	KUNIT_CASE(iotlb_matches_oracle),
	KUNIT_CASE(iotlb_evicts_oldest),
	KUNIT_CASE(iotlb_renewed_mapping_stays),
	KUNIT_CASE(iotlb_clock_wraps),
	KUNIT_CASE(iotlb_split_when_full),
	KUNIT_CASE(iotlb_hole_when_full),
	KUNIT_CASE(iotlb_update_after_eviction),
	{}
};

static struct kunit_suite iotlb_suite = {
	.name = "vtap_iotlb",
	.init = iotlb_init,
	.exit = iotlb_exit,
	.test_cases = iotlb_cases,
};

kunit_test_suite(iotlb_suite);
