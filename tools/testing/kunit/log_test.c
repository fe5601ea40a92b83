// SPDX-License-Identifier: GPL-2.0
/*
 * log_test.c - the dirty log has all writes to the ring, and no others
 *
 * The arena records each byte that is stored.
 */
#include "iommu.h"

static struct iommu *f;

/*
 * Start a ring whose device area is @at bytes into a page. The other areas are
 * on other pages and are scattered on their own.
 */
static void start(enum iommu_kind kind, u16 num, bool event_idx, u64 at)
{
	struct iommu_shape s = {
		.kind = kind, .num = num, .event_idx = event_idx,
		.start = 0xffc0, .seed = 3, .log = true,
		.place = { 0x100f00, 0x140ffa, 0x160000 + at },
	};

	iommu_free(f);
	shim_reset();
	f = iommu_new(&s);
	iommu_watch(f);
}

static int log_init(struct kunit *test)
{
	f = NULL;
	return 0;
}

static void log_exit(struct kunit *test)
{
	iommu_free(f);
	f = NULL;
}

static void map(struct kunit *test)
{
	/* Without an IOTLB the ring was loaded before stores were recorded. */
	if (!iommu_has_iotlb(f))
		KUNIT_ASSERT_EQ(test, iommu_start(f, 0xffc0), 0);
	KUNIT_ASSERT_EQ(test, iommu_map(f), 0);
}

static void publish(struct kunit *test, u32 nr)
{
	unsigned long long cookie;
	u32 i, len;

	for (i = 0; i < nr; i++) {
		struct seg b = {
			.gpa = IOMMU_RAM, .len = 64, .is_write = true};

		KUNIT_ASSERT_GE(test, drv_add(&f->d, &b, 1, i), 0);
	}
	drv_publish(&f->d);
	for (i = 0; i < nr; i++) {
		KUNIT_ASSERT_EQ(test, iommu_pop(f), 1);
		KUNIT_ASSERT_EQ(test, vtap_split_stage(&f->r, f->c.head, i), 0);
	}
	KUNIT_ASSERT_EQ(test, vtap_split_publish(&f->r), (int)nr);
	while (drv_get(&f->d, &cookie, &len))
		;
	KUNIT_EXPECT_TRUE(test, !f->d.broken);
}

/* Words outside the entries: the flags at start and those for kicks. */
static void log_words(struct kunit *test)
{
	static const u64 at[] = { 0, 0xffc, 0xffc - 8 * 64, 0xff8 - 8 * 64 };
	enum iommu_kind kind;
	unsigned int i, ev;

	for (kind = 0; kind < NR_IOMMU_KINDS; kind++)
		for (i = 0; i < 2 * ARRAY_SIZE(at); i++) {
			ev = i & 1;
			start(kind, 64, ev, at[i / 2]);
			map(test);
			KUNIT_EXPECT_EQ(test, f->log.has_new, false);
			iommu_expect_log(test, f);
			KUNIT_EXPECT_EQ(test, f->log.pages, 1ull);

			KUNIT_EXPECT_EQ(test, vtap_split_disable_notify(&f->r),
					0);
			iommu_expect_log(test, f);
			KUNIT_EXPECT_EQ(test, f->log.pages, ev ? 1ull : 2ull);
			KUNIT_EXPECT_EQ(test, vtap_split_disable_notify(&f->r),
					0);
			iommu_expect_log(test, f);
			KUNIT_EXPECT_EQ(test, f->log.pages, ev ? 1ull : 2ull);
			KUNIT_EXPECT_EQ(test, vtap_split_enable_notify(&f->r),
					0);
			iommu_expect_log(test, f);
			KUNIT_EXPECT_EQ(test, f->log.pages, ev ? 2ull : 3ull);
			/* Operations that only read do not write. */
			KUNIT_EXPECT_EQ(test, vtap_split_empty(&f->r), 1);
			KUNIT_EXPECT_EQ(test, iommu_pop(f), 0);
			KUNIT_EXPECT_EQ(test, vtap_split_publish(&f->r), 0);
			KUNIT_EXPECT_GE(test, vtap_split_needs_call(&f->r), 0);
			iommu_expect_log(test, f);
			KUNIT_EXPECT_EQ(test, f->log.pages, ev ? 2ull : 3ull);
		}
}

/* Each entry of a ring of several pages, alone and in batches. */
static void log_entries(struct kunit *test)
{
	static const u64 at[] = { 0, 4, 0x7fc, 0xff8, 0xffc };
	struct rnd g = { 7 };
	enum iommu_kind kind;
	u32 i, k;

	for (kind = 0; kind < NR_IOMMU_KINDS; kind++)
		for (i = 0; i < ARRAY_SIZE(at); i++) {
			start(kind, 1024, i & 1, at[i]);
			map(test);
			iommu_expect_log(test, f);
			for (k = 0; k < 1100; k++) {
				publish(test, 1);
				iommu_expect_log(test, f);
			}
			for (k = 0; k < 60; k++) {
				publish(test, 1 + rnd_below(&g, 1024));
				iommu_expect_log(test, f);
			}
		}
}

/* One flush after many batches has the same result. */
static void log_late_flush(struct kunit *test)
{
	enum iommu_kind kind;
	u32 k;

	for (kind = 0; kind < NR_IOMMU_KINDS; kind++) {
		start(kind, 8192, true, 0xff4);
		map(test);
		for (k = 0; k < 40; k++) {
			publish(test, 1 + k * 7);
			if (k % 7 == 6)
				iommu_expect_log(test, f);
		}
	}
}

/*
 * A driver that reuses descriptors too early can have more entries staged than
 * the ring has. Only the ring is written and logged: nothing after it, and no
 * page that a scattered ring does not have.
 */
static void log_more_entries_than_ring(struct kunit *test)
{
	static const u16 nums[] = { 1, 2, 8, 32 };
	enum iommu_kind kind;
	u32 i, k, round;
	int ret;

	for (kind = 0; kind < NR_IOMMU_KINDS; kind++)
		for (i = 0; i < ARRAY_SIZE(nums); i++) {
			u16 num = nums[i];
			u64 size = drv_used_size(num, false);

			/* up to the last byte of its page */
			start(kind, num, false, IOMMU_PAGE - size);
			map(test);
			iommu_expect_log(test, f);
			for (round = 0; round < 5; round++) {
				for (k = 0; k < 60; k++) {
					drv_put_avail(&f->d, k % num);
					drv_publish(&f->d);
					*drv_desc_at(&f->d, k % num) =
						(struct drv_desc){IOMMU_RAM,
								  4};
					KUNIT_ASSERT_EQ(test, iommu_pop(f),
							1);
					ret = vtap_split_stage(&f->r, k % num,
							       0);
					KUNIT_ASSERT_EQ(test, ret, 0);
				}
				KUNIT_ASSERT_EQ(test, 60,
						vtap_split_publish(&f->r));
				iommu_expect_log(test, f);
			}
		}
}

/* Logging is switched on and off while the ring runs. */
static void log_switch_while_running(struct kunit *test)
{
	enum iommu_kind kind;

	for (kind = 0; kind < NR_IOMMU_KINDS; kind++) {
		struct vtap_dirty *log;
		u64 pages;

		start(kind, 256, true, 0xffc);
		log = f->cfg.log;
		map(test);
		publish(test, 200);
		iommu_expect_log(test, f);
		pages = log->pages;

		f->cfg.log = NULL;
		vtap_ring_relocate(&f->r, &f->cfg);
		publish(test, 200);
		KUNIT_EXPECT_EQ(test, vtap_split_enable_notify(&f->r), 0);
		memset(f->want, 0, sizeof(f->want));
		iommu_expect_log(test, f);
		KUNIT_EXPECT_EQ(test, log->pages, pages);

		f->cfg.log = log;
		vtap_ring_relocate(&f->r, &f->cfg);
		publish(test, 200);
		iommu_expect_log(test, f);
		KUNIT_EXPECT_GT(test, log->pages, pages);
	}
}

/* A ring outside guest memory has no pages to log. */
static void log_ring_not_in_table(struct kunit *test)
{
	struct vhost_memory_region none = {
		.guest_phys_addr = 0, .memory_size = 4096,
		.userspace_addr = 4096,
	};
	struct vtap_memmap *empty = vtap_memmap_build(&none, 1);

	start(IOMMU_IOTLB_PAGES, 64, true, 0xffc);
	f->log.map = empty;
	map(test);
	publish(test, 64);
	memset(f->want, 0, sizeof(f->want));
	iommu_expect_log(test, f);
	KUNIT_EXPECT_EQ(test, f->log.pages, 0ull);
	f->log.map = f->phys;
	publish(test, 64);
	iommu_expect_log(test, f);
	vtap_memmap_free(empty);
}

/* Without its bitmap the ring continues until it is marked broken. */
static void log_bitmap_missing(struct kunit *test)
{
	enum iommu_kind kind;

	for (kind = 0; kind < NR_IOMMU_KINDS; kind++) {
		start(kind, 64, true, 0xffc);
		map(test);
		publish(test, 10);
		shim_extent_right(f->bitmap, 0);
		vtap_dirty_flush(&f->log);
		KUNIT_EXPECT_TRUE(test, f->log.failed);
		KUNIT_EXPECT_EQ(test, (int)f->r.fault, 0);
		/* As queue.c does, and then as SET_LOG_BASE does. */
		vtap_ring_break(&f->r, VTAP_FAULT_LOG_ACCESS);
		KUNIT_EXPECT_EQ(test, iommu_pop(f), -EIO);
		shim_extent_right(f->bitmap, SHIM_RW | SHIM_SHARED);
		f->log.failed = false;
		KUNIT_EXPECT_TRUE(test, vtap_ring_clear_fault(&f->r));
		/* The writes in between are not lost. */
		iommu_expect_log(test, f);
		publish(test, 10);
		iommu_expect_log(test, f);
	}
}

/* Serve @nr chains of one or two buffers in a packed ring. */
static void publish_packed(struct kunit *test, u32 nr)
{
	struct seg buf[2] = {
		{ .gpa = IOMMU_RAM, .len = 4 },
		{ .gpa = IOMMU_RAM, .len = 64, .is_write = true },
	};
	unsigned long long cookie;
	u32 i, len;

	for (i = 0; i < nr; i++)
		KUNIT_ASSERT_GE(test, drv_add(&f->d, buf, 1 + i % 5 / 4, i), 0);
	drv_publish(&f->d);
	for (i = 0; i < nr; i++) {
		KUNIT_ASSERT_EQ(test, iommu_pop(f), 1);
		KUNIT_ASSERT_EQ(test, vtap_packed_stage(&f->r, f->c.head, i), 0);
	}
	KUNIT_ASSERT_EQ(test, vtap_packed_publish(&f->r), (int)nr);
	while (drv_get(&f->d, &cookie, &len))
		;
	KUNIT_EXPECT_TRUE(test, !f->d.broken);
}

/*
 * A packed ring has its used entries in the descriptor area, and only the words for kicks
 * in the device area. Batches are longer than the staging array.
 */
static void log_packed_ring(struct kunit *test)
{
	struct iommu_shape s = {
		.num = 700, .packed = true, .start = 0x8000 | 690,
		.seed = 5, .log = true,
		.place = { 0x100f30, 0x140ffc, 0x160ffc },
	};
	struct rnd g = { 9 };
	unsigned int ev, k;

	for (s.kind = IOMMU_IOTLB_LINEAR; s.kind < NR_IOMMU_KINDS; s.kind++)
		for (ev = 0; ev < 2; ev++) {
			s.event_idx = ev;
			iommu_free(f);
			shim_reset();
			f = iommu_new(&s);
			iommu_watch(f);
			map(test);
			for (k = 0; k < 60; k++) {
				publish_packed(test, 1 + rnd_below(&g, k & 1 ? 500 : 9));
				iommu_expect_log(test, f);
				KUNIT_EXPECT_EQ(test, vtap_packed_disable_notify(&f->r), 0);
				iommu_expect_log(test, f);
				KUNIT_EXPECT_EQ(test, vtap_packed_enable_notify(&f->r), 0);
				iommu_expect_log(test, f);
			}
			KUNIT_EXPECT_GT(test, f->log.pages, 100ull);
		}
}

/* The first entry that is written early is alone on its page. */
static void log_packed_spill(struct kunit *test)
{
	struct iommu_shape s = {
		.num = 700, .packed = true, .start = 0x8000 | 699,
		.seed = 5, .log = true,
		.place = { 0x100ff0, 0x140ffc, 0x160ffc },
	};

	for (s.kind = IOMMU_IOTLB_LINEAR; s.kind < NR_IOMMU_KINDS; s.kind++) {
		iommu_free(f);
		shim_reset();
		f = iommu_new(&s);
		iommu_watch(f);
		map(test);
		publish_packed(test, 100);
		iommu_expect_log(test, f);
	}
}

static struct kunit_case log_cases[] = {
	KUNIT_CASE(log_words),
	KUNIT_CASE(log_entries),
	KUNIT_CASE(log_late_flush),
	KUNIT_CASE(log_more_entries_than_ring),
	KUNIT_CASE(log_switch_while_running),
	KUNIT_CASE(log_ring_not_in_table),
	KUNIT_CASE(log_bitmap_missing),
	KUNIT_CASE(log_packed_ring),
	KUNIT_CASE(log_packed_spill),
	{}
};

static struct kunit_suite log_suite = {
	.name = "vtap_log",
	.init = log_init,
	.exit = log_exit,
	.test_cases = log_cases,
};

kunit_test_suite(log_suite);
