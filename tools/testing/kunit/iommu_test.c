// SPDX-License-Identifier: GPL-2.0
/*
 * iommu_test.c - chains behind an IOMMU: misses, denied accesses and limits
 *
 * Chains without an IOMMU are in chain_test.c, and the mapping of rings is in
 * ring_map_test.c.
 */
#include "iommu.h"

#define RAM(page)	(IOMMU_RAM + (page) * IOMMU_PAGE)

static struct iommu *f;

static void start_at(enum iommu_kind kind, u16 num, u64 desc)
{
	struct iommu_shape s = {
		.kind = kind, .num = num, .event_idx = true, .start = 0xfffe,
		.seed = 5, .place = { desc, 0x140ffa, 0x160ffc },
	};

	iommu_free(f);
	shim_reset();
	f = iommu_new(&s);
	shim_assert(!iommu_map(f));
}

static void start(enum iommu_kind kind, u16 num)
{
	start_at(kind, num, 0x100f00);
}

static void iommu_exit(struct kunit *test)
{
	iommu_free(f);
	f = NULL;
}

static struct seg buf(u64 gpa, u32 len, bool write)
{
	return (struct seg){ .gpa = gpa, .len = len, .is_write = write };
}

static void add(struct kunit *test, const struct seg *b, u32 nr,
		bool indirect)
{
	if (indirect)
		KUNIT_ASSERT_GE(test, drv_add_indirect(&f->d, b, nr, 0, 1), 0);
	else
		KUNIT_ASSERT_GE(test, drv_add(&f->d, b, nr, 1), 0);
	drv_publish(&f->d);
}

/* Pop once, without an answer to a miss. */
static int pop(u16 room)
{
	int ret;

	f->c.iov = f->iov;
	f->c.iov_max = room;
	ret = vtap_split_pop(&f->r, &f->m, &f->c);
	shim_idle();
	return ret;
}

/* Expect a miss that consumes no chain and does not break the ring. */
static void expect_miss(struct kunit *test, u64 iova, u8 perm)
{
	u16 at = f->r.last_avail;

	KUNIT_ASSERT_EQ(test, pop(VTAP_CHAIN_MAX), -EAGAIN);
	KUNIT_EXPECT_EQ(test, f->tlb.miss_iova, iova);
	KUNIT_EXPECT_EQ(test, (u32)f->tlb.miss_perm, (u32)perm);
	KUNIT_EXPECT_EQ(test, (int)f->r.fault, 0);
	KUNIT_EXPECT_EQ(test, f->r.last_avail, at);
	KUNIT_EXPECT_TRUE(test, iommu_answer(f));
}

/* Each buffer of a chain misses in turn, and then the pop succeeds. */
static void iommu_buffer_misses(struct kunit *test)
{
	const struct seg b[] = {
		buf(RAM(1) + 0xff0, 0x20, false), buf(RAM(5), 100, false),
		buf(RAM(7) + 8, 2 * IOMMU_PAGE, true),
	};
	int indirect;

	for (indirect = 0; indirect < 2; indirect++) {
		start(IOMMU_IOTLB_PAGES, 8);
		add(test, b, ARRAY_SIZE(b), indirect);
		if (indirect)
			expect_miss(test, f->d.table_gpa, VHOST_ACCESS_RO);
		expect_miss(test, b[0].gpa, VHOST_ACCESS_RO);
		expect_miss(test, RAM(2), VHOST_ACCESS_RO);
		expect_miss(test, b[1].gpa, VHOST_ACCESS_RO);
		expect_miss(test, b[2].gpa, VHOST_ACCESS_WO);
		expect_miss(test, RAM(8), VHOST_ACCESS_WO);
		expect_miss(test, RAM(9), VHOST_ACCESS_WO);
		KUNIT_ASSERT_EQ(test, pop(VTAP_CHAIN_MAX), 1);
		KUNIT_EXPECT_EQ(test, f->c.nr_out, 3);
		KUNIT_EXPECT_EQ(test, f->c.nr_in, 3);
		KUNIT_EXPECT_EQ(test, f->c.out_len, 0x20 + 100ull);
		KUNIT_EXPECT_EQ(test, f->c.in_len, 2 * IOMMU_PAGE);
	}
}

/* A table on two pages, of which the second misses when it is read. */
static void iommu_table_misses(struct kunit *test)
{
	struct seg b[IOMMU_TABLE];
	struct drv_desc d;
	u32 i;

	for (i = 0; i < IOMMU_TABLE; i++)
		b[i] = buf(RAM(3) + i * 64, 64, false);
	start(IOMMU_IOTLB_PAGES, 8);
	add(test, b, IOMMU_TABLE, true);
	iommu_read(f, &d, f->d.table_gpa, sizeof(d));
	/* The same table with its middle at the end of a page. */
	for (i = 0; i < IOMMU_TABLE; i++) {
		iommu_read(f, &d, f->d.table_gpa + i * 16, 16);
		iommu_write(f, RAM(20) - 64 + i * 16, &d, 16);
	}
	drv_desc_at(&f->d, 0)->addr = RAM(20) - 64;
	expect_miss(test, RAM(20) - 64, VHOST_ACCESS_RO);
	expect_miss(test, RAM(20), VHOST_ACCESS_RO);
	expect_miss(test, RAM(3), VHOST_ACCESS_RO);
	KUNIT_ASSERT_EQ(test, pop(VTAP_CHAIN_MAX), 1);
	KUNIT_EXPECT_EQ(test, f->c.out_len, IOMMU_TABLE * 64ull);
}

/* The wrong permission breaks the ring; a retry with the right one works. */
static void iommu_denied(struct kunit *test)
{
	static const struct { u32 page; bool write; u8 perm; } t[] = {
		{ 5, false, VHOST_ACCESS_WO }, { 5, true, VHOST_ACCESS_RO },
		{ 32, false, VHOST_ACCESS_WO },		/* of the table */
	};
	struct seg b;
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(t); i++)
		for (k = 0; k < 2; k++) {
			int reg;

			b = buf(RAM(5), 64, t[i].write);
			start(IOMMU_IOTLB_LINEAR, 8);
			reg = iommu_region(f, RAM(t[i].page));
			f->perm[reg] = t[i].perm;
			add(test, &b, 1, k || t[i].page == 32);
			KUNIT_ASSERT_EQ(test, iommu_pop(f), -EIO);
			KUNIT_EXPECT_EQ(test, f->r.fault,
					VTAP_FAULT_IOTLB_DENIED);
			KUNIT_EXPECT_EQ(test, f->r.last_avail, 0xfffe);
			f->perm[reg] = VHOST_ACCESS_RW;
			iommu_invalidate(f, 0, U64_MAX);
			KUNIT_EXPECT_TRUE(test, vtap_ring_clear_fault(&f->r));
			KUNIT_EXPECT_EQ(test, iommu_pop(f), 1);
			KUNIT_EXPECT_EQ(test, f->c.out_len + f->c.in_len,
					64ull);
		}
}

/* Pages that are not contiguous take a segment each, and add to the cost. */
static void iommu_segments(struct kunit *test)
{
	const struct seg b = buf(RAM(0), 20 * IOMMU_PAGE, true);

	start(IOMMU_IOTLB_PAGES, 8);
	add(test, &b, 1, false);
	KUNIT_ASSERT_EQ(test, iommu_pop(f), 1);
	KUNIT_EXPECT_EQ(test, f->c.nr_in, 20);
	KUNIT_EXPECT_EQ(test, f->c.cost, 20);
	vtap_split_discard(&f->r, 1);
	KUNIT_EXPECT_EQ(test, pop(19), -ENOBUFS);
	KUNIT_EXPECT_EQ(test, (int)f->r.fault, 0);
	KUNIT_EXPECT_EQ(test, pop(20), 1);

	start(IOMMU_IOTLB_LINEAR, 8);
	add(test, &b, 1, false);
	KUNIT_ASSERT_EQ(test, iommu_pop(f), 1);
	/* 64 KiB, and the rest */
	KUNIT_EXPECT_EQ(test, f->c.nr_in, 2);
	KUNIT_EXPECT_EQ(test, f->c.cost, 2);
	KUNIT_EXPECT_EQ(test, (u64)f->iov[0].iov_len, 16 * IOMMU_PAGE);
}

/* The number of translation steps of a chain is bounded. */
static void iommu_work_is_bounded(struct kunit *test)
{
	struct seg b[40];
	u32 i;

	for (i = 0; i < 40; i++)
		b[i] = buf(RAM(0), IOMMU_RAM_SIZE, false);
	start(IOMMU_IOTLB_PAGES, 64);
	add(test, b, 40, false);
	KUNIT_EXPECT_EQ(test, iommu_pop(f), -EIO);
	KUNIT_EXPECT_EQ(test, f->r.fault, VTAP_FAULT_CHAIN_SEGMENTS);

	/* Longer than all pages, and than the limit of a walk. */
	start(IOMMU_IOTLB_LINEAR, 64);
	iommu_update(f, 1ull << 40, 1ull << 36, 1ull << 35,
		     VHOST_ACCESS_RO);
	for (i = 0; i < 40; i++)
		b[i] = buf(1ull << 40, U32_MAX, false);
	add(test, b, 40, false);
	KUNIT_EXPECT_EQ(test, iommu_pop(f), 1);
	KUNIT_EXPECT_EQ(test, f->c.nr_out, 40);
	KUNIT_EXPECT_EQ(test, f->c.out_len, 40ull * U32_MAX);
}

/* Attacks of a hostile driver on a scattered ring. */
static void iommu_hostile_ring(struct kunit *test)
{
	static const u16 jump[] = { 65, 66, 32767, 32768, 0xffff };
	const struct seg b = buf(RAM(0), 64, false);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(jump); i++) {
		start(IOMMU_IOTLB_PAGES, 64);
		KUNIT_EXPECT_TRUE(test, f->r.scattered);
		drv_avail_at(&f->d, 1)->v = 0xfffe + jump[i];
		KUNIT_EXPECT_EQ(test, iommu_pop(f), -EIO);
		KUNIT_EXPECT_EQ(test, f->r.fault, VTAP_FAULT_AVAIL_JUMP);
		KUNIT_EXPECT_EQ(test, iommu_pop(f), -EIO);
	}
	/* A head past the table ends the batch before it. */
	start(IOMMU_IOTLB_PAGES, 64);
	add(test, &b, 1, false);
	drv_put_avail(&f->d, 64);
	drv_publish(&f->d);
	KUNIT_EXPECT_EQ(test, iommu_pop(f), 1);
	KUNIT_EXPECT_EQ(test, iommu_pop(f), -EIO);
	KUNIT_EXPECT_EQ(test, f->r.fault, VTAP_FAULT_HEAD_RANGE);
	/* next points past the table, or makes a loop. */
	for (i = 0; i < 2; i++) {
		start(IOMMU_IOTLB_PAGES, 64);
		add(test, &b, 1, false);
		drv_desc_at(&f->d, 0)->flags = DRV_NEXT;
		drv_desc_at(&f->d, 0)->next = i ? 64 : 0;
		KUNIT_EXPECT_EQ(test, iommu_pop(f), -EIO);
		KUNIT_EXPECT_EQ(test, f->r.fault, i ? VTAP_FAULT_NEXT_RANGE :
				VTAP_FAULT_CHAIN_LOOP);
	}
}

/* An area above 64 KiB, with two linear halves that are not contiguous. */
static void iommu_ring_in_halves(struct kunit *test)
{
	const struct seg b = buf(RAM(0), 64, false);
	u64 first, at, k;
	char *half;
	int reg;

	for (k = 0; k < 2; k++) {
		start_at(IOMMU_IOTLB_LINEAR, 8192, 0x100000);
		KUNIT_EXPECT_TRUE(test, !f->r.scattered);
		/* at 64 KiB of the area, or one page later */
		first = f->shape.place.desc + (16 + k) * IOMMU_PAGE;
		half = gmem_host(&f->g, 16 * IOMMU_PAGE);
		for (at = 0; at < (16 - k) * IOMMU_PAGE;
		     at += IOMMU_PAGE) {
			reg = iommu_region(f, first + at);
			memcpy(half + at, (void *)(uintptr_t)f->g.r[reg].hva,
			       IOMMU_PAGE);
			f->g.r[reg].hva = (uintptr_t)half + at;
			f->span.page[(first + at - f->span.first) /
				     IOMMU_PAGE] = half + at;
		}
		iommu_invalidate(f, 0, U64_MAX);
		KUNIT_ASSERT_EQ(test, iommu_map(f), 0);
		KUNIT_EXPECT_TRUE(test, f->r.scattered);
		for (at = 0; at < 8192; at++)
			KUNIT_ASSERT_GE(test, drv_add(&f->d, &b, 1, at), 0);
		drv_publish(&f->d);
		for (at = 0; at < 8192; at++)
			KUNIT_ASSERT_EQ(test, iommu_pop(f), 1);
		KUNIT_EXPECT_EQ(test, vtap_ring_size(&f->cfg).used,
				drv_used_size(8192, true));
	}
}

/* A ring that is mapped again continues without an access to its memory. */
static void iommu_remapped_ring_continues(struct kunit *test)
{
	u16 used;
	int kind;

	for (kind = IOMMU_IOTLB_LINEAR; kind <= IOMMU_IOTLB_PAGES;
	     kind++) {
		unsigned long nr;

		start(kind, 64);
		used = f->r.last_used;
		KUNIT_EXPECT_EQ(test, used, 0xfffe);
		iommu_invalidate(f, 0, U64_MAX);
		drv_used_at(&f->d, 1)->v = 0x1234;
		nr = shim.nr;
		KUNIT_EXPECT_EQ(test, iommu_map(f), 0);
		KUNIT_EXPECT_EQ(test, shim.nr, nr);
		KUNIT_EXPECT_EQ(test, f->r.last_used, used);
	}
}

static struct kunit_case iommu_cases[] = {
	KUNIT_CASE(iommu_buffer_misses),
	KUNIT_CASE(iommu_table_misses),
	KUNIT_CASE(iommu_denied),
	KUNIT_CASE(iommu_segments),
	KUNIT_CASE(iommu_work_is_bounded),
	KUNIT_CASE(iommu_hostile_ring),
	KUNIT_CASE(iommu_ring_in_halves),
	KUNIT_CASE(iommu_remapped_ring_continues),
	{}
};

static struct kunit_suite iommu_suite = {
	.name = "vtap_iommu",
	.exit = iommu_exit,
	.test_cases = iommu_cases,
};

kunit_test_suite(iommu_suite);
