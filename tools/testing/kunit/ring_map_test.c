// SPDX-License-Identifier: GPL-2.0
/*
 * ring_map_test.c - map a ring with the IOTLB and use it
 */
#include "iommu.h"

#define RING		0x100000ull	/* approximate address of rings */

static struct iommu *f;

static void start(const struct iommu_shape *s)
{
	iommu_free(f);
	shim_reset();
	f = iommu_new(s);
}

static void ring_map_exit(struct kunit *test)
{
	iommu_free(f);
	f = NULL;
}

/* Areas a page apart, each @skew bytes into its first page. */
static struct iommu_shape shape(enum iommu_kind kind, u16 num, u64 skew)
{
	u64 pages = (drv_desc_size(num) / IOMMU_PAGE + 2) * IOMMU_PAGE;
	struct iommu_shape s = {
		.kind = kind, .num = num, .event_idx = true, .start = 0xfff0,
		.seed = 1 + skew,
	};

	skew &= IOMMU_PAGE - 1;
	s.place.desc = RING + (skew & ~15ull);
	s.place.avail = RING + pages + (skew & ~1ull);
	s.place.used = RING + 2 * pages + (skew & ~3ull);
	return s;
}

/* Add, pop and use @nr distinct plain chains. */
static void traffic(struct kunit *test, u32 nr, u32 cookie)
{
	unsigned long long got;
	u32 i, len;

	for (i = 0; i < nr; i++) {
		struct seg b = {
			.gpa = IOMMU_RAM +
			       (cookie + i) * 97 % IOMMU_RAM_SIZE / 2,
			.len = 1 + (cookie + i) % 5000,
			.is_write = i & 1,
		};

		KUNIT_ASSERT_GE(test, drv_add(&f->d, &b, 1, cookie + i), 0);
	}
	drv_publish(&f->d);
	for (i = 0; i < nr; i++) {
		KUNIT_ASSERT_EQ(test, iommu_pop(f), 1);
		KUNIT_EXPECT_EQ(test, f->c.out_len + f->c.in_len,
				1ull + (cookie + i) % 5000);
		KUNIT_ASSERT_EQ(test, vtap_split_stage(&f->r, f->c.head,
						       cookie + i), 0);
	}
	KUNIT_EXPECT_EQ(test, iommu_pop(f), 0);
	KUNIT_ASSERT_EQ(test, vtap_split_publish(&f->r), (int)nr);
	for (i = 0; i < nr; i++) {
		KUNIT_ASSERT_TRUE(test, drv_get(&f->d, &got, &len));
		KUNIT_EXPECT_EQ(test, got, cookie + i);
		KUNIT_EXPECT_EQ(test, len, cookie + i);
	}
	KUNIT_EXPECT_FALSE(test, drv_get(&f->d, &got, &len));
	KUNIT_EXPECT_TRUE(test, !f->d.broken);
}

/* Run all operations, with both words of each kind of notification. */
static void all_operations(struct kunit *test)
{
	u16 used = f->r.last_used;

	KUNIT_ASSERT_EQ(test, iommu_map(f), 0);
	drv_publish(&f->d);
	KUNIT_EXPECT_EQ(test, vtap_split_disable_notify(&f->r), 0);
	KUNIT_EXPECT_EQ(test, vtap_split_empty(&f->r), 1);
	KUNIT_EXPECT_EQ(test, iommu_pop(f), 0);
	KUNIT_EXPECT_EQ(test, vtap_split_enable_notify(&f->r), 0);
	if (f->d.event_idx)
		KUNIT_EXPECT_EQ(test, drv_avail_event(&f->d), f->d.shown_idx);
	drv_call_on(&f->d);
	traffic(test, min_t(u32, f->d.num, 70), used);
	KUNIT_EXPECT_EQ(test, vtap_split_needs_call(&f->r), 1);
	drv_call_off(&f->d);
	traffic(test, 1, used);
	KUNIT_EXPECT_EQ(test, vtap_split_needs_call(&f->r), 0);
	if (!f->d.event_idx) {
		KUNIT_EXPECT_EQ(test, vtap_split_disable_notify(&f->r), 0);
		KUNIT_EXPECT_EQ(test, drv_used_flags(&f->d), 1);
		KUNIT_EXPECT_EQ(test, vtap_split_enable_notify(&f->r), 0);
		KUNIT_EXPECT_EQ(test, drv_used_flags(&f->d), 0);
	}
	KUNIT_EXPECT_EQ(test, (int)f->r.fault, 0);
}

/* A linear ring uses plain pointers, whatever the number of mappings. */
static void ring_map_linear(struct kunit *test)
{
	struct iommu_shape s = shape(IOMMU_IOTLB_LINEAR, 1024, 0x540);

	start(&s);
	KUNIT_EXPECT_FALSE(test, f->r.mapped);
	KUNIT_EXPECT_EQ(test, shim.nr, 0ul);	/* not accessed yet */
	KUNIT_ASSERT_EQ(test, iommu_map(f), 0);
	KUNIT_EXPECT_TRUE(test, !f->r.scattered);
	KUNIT_EXPECT_TRUE(test, f->r.mapped && f->r.loaded);
	KUNIT_EXPECT_PTR_EQ(test, (void *)f->r.desc,
			    (void *)drv_desc_at(&f->d, 0));
	KUNIT_EXPECT_PTR_EQ(test, (void *)f->r.avail,
			    (void *)drv_avail_at(&f->d, 0));
	KUNIT_EXPECT_PTR_EQ(test, (void *)f->r.used,
			    (void *)drv_used_at(&f->d, 0));
	KUNIT_EXPECT_EQ(test, f->r.last_used, 0xfff0);
	all_operations(test);
	traffic(test, 1024, 0);

	/* The same with one mapping. */
	s.place = (struct drv_place){ RING, RING + 4 * IOMMU_PAGE,
				   RING + 5 * IOMMU_PAGE };
	start(&s);
	iommu_update(f, RING, 8 * IOMMU_PAGE,
		     f->g.r[IOMMU_RAM_PAGES].hva, VHOST_ACCESS_RW);
	KUNIT_ASSERT_EQ(test, iommu_map(f), 0);
	KUNIT_EXPECT_TRUE(test, !f->r.scattered);
	KUNIT_EXPECT_EQ(test, f->nr_misses, 0ul);
	all_operations(test);
	traffic(test, 1024, 0);

	/* Longer than a merged segment. */
	s = shape(IOMMU_IOTLB_LINEAR, 8192, 0);
	start(&s);
	all_operations(test);
	KUNIT_EXPECT_TRUE(test, !f->r.scattered);
	traffic(test, 8192, 0);
}

/* Each offset of each area from the end of a page. */
static void ring_map_every_skew(struct kunit *test)
{
	u64 skew;
	u16 num;

	for (skew = 0; skew < IOMMU_PAGE; skew += 4) {
		struct iommu_shape s;

		num = 1 << skew / 4 % 9;
		s = shape(IOMMU_IOTLB_PAGES, num, IOMMU_PAGE - 4 - skew);
		s.event_idx = skew & 4;
		start(&s);
		all_operations(test);
		traffic(test, num, 0);
		traffic(test, num, 5);
	}
}

static void ring_map_every_size(struct kunit *test)
{
	u32 num;

	for (num = 1; num <= VTAP_RING_MAX / 2; num *= 2) {
		struct iommu_shape s = shape(IOMMU_IOTLB_PAGES, num, num * 36);

		start(&s);
		all_operations(test);
		traffic(test, num, 0);
		traffic(test, num, 1);
	}
}

/* A used entry whose two words are on different pages. */
static void ring_map_used_entry_straddles(struct kunit *test)
{
	struct iommu_shape s = shape(IOMMU_IOTLB_PAGES, 1024, 0);
	u32 i;

	for (i = 0; i < 2; i++) {
		s.place.used += 4 * i;	/* entries start at 4 or 0 modulo 8 */
		s.seed++;
		start(&s);
		KUNIT_ASSERT_EQ(test, iommu_map(f), 0);
		KUNIT_EXPECT_TRUE(test, f->r.scattered);
		traffic(test, 1000, 0);
		traffic(test, 1000, 0);
		traffic(test, 1000, 0);
	}
}

/* Areas that share a page, as legacy drivers place them. */
static void ring_map_one_span(struct kunit *test)
{
	static const u16 nums[] = { 64, 128, 256, 1024 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(nums); i++) {
		struct iommu_shape s = shape(IOMMU_IOTLB_PAGES, nums[i], 0);

		s.place.avail = s.place.desc + drv_desc_size(nums[i]);
		s.place.used = s.place.avail + drv_avail_size(nums[i], true);
		s.place.used = (s.place.used + 3) & ~3ull;
		start(&s);
		all_operations(test);
		traffic(test, nums[i], 0);
	}
}

/* A page of two mappings works if they are contiguous in user memory. */
static void ring_map_sub_page(struct kunit *test)
{
	struct iommu_shape s = shape(IOMMU_IOTLB_PAGES, 1024, 0);
	u64 page = s.place.desc + IOMMU_PAGE, hva;

	start(&s);
	hva = f->g.r[iommu_region(f, page)].hva;
	iommu_update(f, page, 0x700, hva, VHOST_ACCESS_RO);
	iommu_update(f, page + 0x700, 0x900, hva + 0x700, VHOST_ACCESS_RO);
	KUNIT_ASSERT_EQ(test, iommu_map(f), 0);
	KUNIT_EXPECT_TRUE(test, f->r.scattered);
	traffic(test, 1024, 0);

	iommu_update(f, page + 0x700, 0x900, hva + 0x300, VHOST_ACCESS_RO);
	KUNIT_EXPECT_FALSE(test, f->r.mapped);
	KUNIT_ASSERT_EQ(test, iommu_map(f), -EIO);
	KUNIT_EXPECT_EQ(test, (int)f->r.fault, (int)VTAP_FAULT_RING_PIECES);
	KUNIT_EXPECT_EQ(test, iommu_map(f), -EIO);
	/* The client fixes the mapping, and the ring continues. */
	iommu_update(f, page, IOMMU_PAGE, hva, VHOST_ACCESS_RO);
	KUNIT_EXPECT_TRUE(test, vtap_ring_clear_fault(&f->r));
	traffic(test, 1024, 0);
}

/* Map an area in more pieces than its translation may have. */
static void ring_map_many_mappings(struct kunit *test)
{
	struct iommu_shape s = shape(IOMMU_IOTLB_LINEAR, 4096, 0);
	u64 at;

	start(&s);
	for (at = 0; at < drv_desc_size(4096); at += 48)
		iommu_update(f, s.place.desc + at, 48,
			     (uintptr_t)drv_desc_at(&f->d, 0) + at,
			     VHOST_ACCESS_RO);
	KUNIT_ASSERT_EQ(test, iommu_map(f), 0);
	traffic(test, 4096, 0);
}

/* A descriptor is read as two words, and each must be on one page. */
static void ring_map_misaligned_table(struct kunit *test)
{
	struct iommu_shape s = shape(IOMMU_IOTLB_PAGES, 512, 0);

	start(&s);
	f->cfg.desc += 4;
	KUNIT_EXPECT_EQ(test, iommu_start(f, s.start), 0);
	KUNIT_EXPECT_EQ(test, iommu_map(f), -EIO);
	KUNIT_EXPECT_EQ(test, (int)f->r.fault, (int)VTAP_FAULT_RING_PIECES);
}

struct ring_area {
	u64 first;
	u64 last;
	u8 perm;
};

static void ring_areas(struct ring_area *w)
{
	const struct iommu_shape *s = &f->shape;

	w[0] = (struct ring_area){ s->place.desc, s->place.desc +
			      drv_desc_size(s->num) - 1, VHOST_ACCESS_RO };
	w[1] = (struct ring_area){ s->place.avail, s->place.avail +
			      drv_avail_size(s->num, s->event_idx) - 1,
			      VHOST_ACCESS_RO };
	w[2] = (struct ring_area){ s->place.used, s->place.used +
			      drv_used_size(s->num, s->event_idx) - 1,
			      VHOST_ACCESS_WO };
}

/* Remove each page in turn: the miss is at its first byte of the ring. */
static void each_page_missing(struct kunit *test, enum iommu_kind kind,
			      u64 skew)
{
	struct iommu_shape s = shape(kind, 1024, skew);
	struct ring_area w[3];
	unsigned int i;
	u64 page;

	start(&s);
	ring_areas(w);
	KUNIT_ASSERT_EQ(test, iommu_map(f), 0);
	for (i = 0; i < 3; i++)
		for (page = w[i].first & ~(IOMMU_PAGE - 1); page <= w[i].last;
		     page += IOMMU_PAGE) {
			iommu_invalidate(f, page, page + IOMMU_PAGE - 1);
			KUNIT_EXPECT_FALSE(test, f->r.mapped);
			KUNIT_ASSERT_EQ(test, vtap_ring_map(&f->r, &f->m,
							    &f->cfg), -EAGAIN);
			KUNIT_EXPECT_EQ(test, f->tlb.miss_iova,
					max(page, w[i].first));
			KUNIT_EXPECT_EQ(test, (u32)f->tlb.miss_perm,
					(u32)w[i].perm);
			KUNIT_EXPECT_EQ(test, (int)f->r.fault, 0);
			KUNIT_EXPECT_TRUE(test, iommu_answer(f));
			KUNIT_ASSERT_EQ(test, vtap_ring_map(&f->r, &f->m,
							    &f->cfg), 0);
		}
	traffic(test, 1024, 0);
}

static void ring_map_each_page_missing(struct kunit *test)
{
	each_page_missing(test, IOMMU_IOTLB_LINEAR, 0);
	each_page_missing(test, IOMMU_IOTLB_PAGES, 0);
	each_page_missing(test, IOMMU_IOTLB_LINEAR, 0xff0);
	each_page_missing(test, IOMMU_IOTLB_PAGES, 0x123);
}

/* Map each page without the permission that it needs. */
static void ring_map_each_page_denied(struct kunit *test)
{
	enum iommu_kind kind = IOMMU_IOTLB_LINEAR;
	unsigned int i;
	u64 page;

	for (; kind <= IOMMU_IOTLB_PAGES; kind++) {
		struct iommu_shape s = shape(kind, 1024, 0x7f4);
		struct ring_area w[3];

		start(&s);
		ring_areas(w);
		for (i = 0; i < 3; i++)
			for (page = w[i].first & ~(IOMMU_PAGE - 1);
			     page <= w[i].last; page += IOMMU_PAGE) {
				int reg = iommu_region(f, page);

				f->perm[reg] = 3 - w[i].perm;
				iommu_invalidate(f, page,
						 page + IOMMU_PAGE - 1);
				KUNIT_ASSERT_EQ(test, iommu_map(f), -EIO);
				KUNIT_EXPECT_EQ(test, (int)f->r.fault,
						(int)VTAP_FAULT_IOTLB_DENIED);
				f->perm[reg] = w[i].perm;
				iommu_invalidate(f, page,
						 page + IOMMU_PAGE - 1);
				KUNIT_EXPECT_TRUE(test,
						  vtap_ring_clear_fault(&f->r));
				KUNIT_ASSERT_EQ(test, iommu_map(f), 0);
			}
		traffic(test, 1000, 0);
	}
}

/* A mapping to missing memory is a fault at the first access. */
static void ring_map_memory_missing(struct kunit *test)
{
	struct iommu_shape s = shape(IOMMU_IOTLB_LINEAR, 64, 0);

	start(&s);
	iommu_update(f, s.place.used, IOMMU_PAGE, 1ull << 42, VHOST_ACCESS_RW);
	KUNIT_EXPECT_EQ(test, iommu_map(f), -EIO);
	KUNIT_EXPECT_EQ(test, (int)f->r.fault, (int)VTAP_FAULT_RING_ACCESS);
	KUNIT_EXPECT_FALSE(test, f->r.loaded);
	/* A retry fails until the client fixes the mapping. */
	KUNIT_EXPECT_TRUE(test, vtap_ring_clear_fault(&f->r));
	KUNIT_EXPECT_EQ(test, iommu_map(f), -EIO);
	iommu_invalidate(f, 0, U64_MAX);
	KUNIT_EXPECT_TRUE(test, vtap_ring_clear_fault(&f->r));
	traffic(test, 64, 0);
}

static void ring_map_no_memory(struct kunit *test)
{
	struct iommu_shape s = shape(IOMMU_IOTLB_PAGES, 512, 0);

	start(&s);
	shim.alloc_fail_at = 1;
	KUNIT_EXPECT_TRUE(test, !vtap_iotlb_new());
	shim.alloc_fail_at = 0;
	KUNIT_ASSERT_EQ(test, iommu_map(f), 0);
	vtap_ring_unmap(&f->r);
	shim.nr_alloc = 0;
	shim.alloc_fail_at = 1;
	KUNIT_EXPECT_EQ(test, iommu_map(f), -EIO);
	shim.alloc_fail_at = 0;
	KUNIT_EXPECT_TRUE(test, !f->r.scattered);
	KUNIT_EXPECT_FALSE(test, f->r.mapped);
	KUNIT_EXPECT_EQ(test, (int)f->r.fault, (int)VTAP_FAULT_RING_PIECES);
	KUNIT_EXPECT_TRUE(test, vtap_ring_clear_fault(&f->r));
	traffic(test, 512, 0);
}

/* Both ends of the address space, and past the upper one. */
static void ring_map_address_limits(struct kunit *test)
{
	enum iommu_kind kind = IOMMU_IOTLB_LINEAR;

	for (; kind <= IOMMU_IOTLB_PAGES; kind++) {
		struct iommu_shape s = shape(kind, 1024, 0);

		/* contiguous: 4, 1 and 3 pages, up to the last byte */
		s.event_idx = false;
		s.place.desc = 0 - 8 * IOMMU_PAGE;
		s.place.avail = 0 - 4 * IOMMU_PAGE;
		s.place.used = 0 - drv_used_size(1024, false);
		start(&s);
		all_operations(test);
		traffic(test, 1024, 0);
		iommu_invalidate(f, U64_MAX, U64_MAX);
		KUNIT_EXPECT_FALSE(test, f->r.mapped);

		/* 4 bytes later the area wraps to 0 */
		iommu_update(f, 0, IOMMU_PAGE, f->g.r[0].hva, VHOST_ACCESS_RW);
		f->cfg.used += 4;
		KUNIT_EXPECT_EQ(test, iommu_start(f, s.start), 0);
		KUNIT_EXPECT_EQ(test, iommu_map(f), -EIO);
		KUNIT_EXPECT_EQ(test, f->r.fault, VTAP_FAULT_RING_ACCESS);
		/* the same with a part that misses */
		iommu_invalidate(f, 0, U64_MAX);
		KUNIT_EXPECT_EQ(test, iommu_start(f, s.start), 0);
		KUNIT_EXPECT_EQ(test, iommu_map(f), -EIO);
		f->cfg.used = s.place.used;
		f->cfg.desc = 0 - 16ull;
		KUNIT_EXPECT_EQ(test, iommu_start(f, s.start), 0);
		KUNIT_EXPECT_EQ(test, iommu_map(f), -EIO);

		s.place.desc = 0;
		s.place.avail = 5 * IOMMU_PAGE;
		s.place.used = 8 * IOMMU_PAGE;
		start(&s);
		all_operations(test);
		traffic(test, 1024, 0);
	}
}

/* The ring moves to other host memory while it is in use. */
static void ring_map_moved_pages(struct kunit *test)
{
	struct iommu_shape s = shape(IOMMU_IOTLB_PAGES, 1024, 0x80);
	u32 i, k;

	start(&s);
	f->rnd.state = 7;
	for (i = 0; i < 40; i++) {
		traffic(test, 1 + rnd_below(&f->rnd, 1000), i);
		for (k = 0; k < 3; k++) {
			u32 reg = IOMMU_RAM_PAGES +
				  rnd_below(&f->rnd, f->g.nr - IOMMU_RAM_PAGES);
			struct gmem_region *r = &f->g.r[reg];
			char *old = (char *)(uintptr_t)r->hva, *new;

			/* Move the page with its permissions. */
			new = gmem_host(&f->g, IOMMU_PAGE);
			memcpy(new, old, IOMMU_PAGE);
			shim_extent_del(old, IOMMU_PAGE);
			memset(old, 0xee, IOMMU_PAGE);
			r->hva = (uintptr_t)new;
			f->span.page[(r->gpa - f->span.first) / IOMMU_PAGE] =
				new;
			iommu_invalidate(f, r->gpa, r->gpa + IOMMU_PAGE - 1);
			KUNIT_EXPECT_FALSE(test, f->r.mapped);
			KUNIT_EXPECT_TRUE(test, !f->r.scattered);
			KUNIT_EXPECT_TRUE(test, f->r.loaded);
		}
	}
}

/* Relocate the ring to plain addresses, and back to the IOTLB. */
static void ring_map_relocate(struct kunit *test)
{
	struct iommu_shape s = shape(IOMMU_IOTLB_LINEAR, 256, 0);
	struct vtap_ring_cfg plain;
	struct vtap_mem phys;
	u32 i;

	start(&s);
	plain = f->cfg;
	plain.iotlb = false;
	plain.desc = (uintptr_t)drv_desc_at(&f->d, 0);
	plain.avail = (uintptr_t)drv_avail_at(&f->d, 0);
	plain.used = (uintptr_t)drv_used_at(&f->d, 0);
	KUNIT_EXPECT_TRUE(test, vtap_ring_memory_ok(&plain));
	vtap_mem_init(&phys, f->phys);
	for (i = 0; i < 3; i++) {
		struct vtap_ring_cfg virt = f->cfg;

		traffic(test, 200, i);
		vtap_ring_relocate(&f->r, &plain);
		KUNIT_EXPECT_TRUE(test, f->r.mapped && f->r.loaded);
		KUNIT_EXPECT_EQ(test, vtap_ring_map(&f->r, &phys, &plain), 0);
		KUNIT_EXPECT_EQ(test, vtap_split_empty(&f->r), 1);
		vtap_ring_relocate(&f->r, &virt);
		KUNIT_EXPECT_FALSE(test, f->r.mapped);
	}
	/* Relocate it before it was loaded. */
	KUNIT_EXPECT_EQ(test, iommu_start(f, f->r.last_avail), 0);
	vtap_ring_relocate(&f->r, &plain);
	KUNIT_EXPECT_FALSE(test, f->r.loaded);
	KUNIT_EXPECT_EQ(test, vtap_ring_map(&f->r, &phys, &plain), 0);
	KUNIT_EXPECT_TRUE(test, f->r.loaded);
	KUNIT_EXPECT_EQ(test, f->r.last_used, drv_used_idx(&f->d));
	vtap_ring_relocate(&f->r, &f->cfg);
	traffic(test, 200, 9);
}

static void ring_map_touches(struct kunit *test)
{
	struct iommu_shape s = shape(IOMMU_IOTLB_PAGES, 256, 0x230);
	struct ring_area w[3];
	unsigned int i;

	start(&s);
	ring_areas(w);
	for (i = 0; i < 3; i++) {
		const struct vtap_ring_cfg *c = &f->cfg;
		u64 a = w[i].first, b = w[i].last;

		KUNIT_EXPECT_FALSE(test, vtap_ring_touches(c, a - 9, a - 1));
		KUNIT_EXPECT_TRUE(test, vtap_ring_touches(c, a - 9, a));
		KUNIT_EXPECT_TRUE(test, vtap_ring_touches(c, a, a));
		KUNIT_EXPECT_TRUE(test, vtap_ring_touches(c, b, b));
		KUNIT_EXPECT_TRUE(test, vtap_ring_touches(c, b, b + 9));
		KUNIT_EXPECT_TRUE(test, vtap_ring_touches(c, a - 9, b + 9));
		KUNIT_EXPECT_TRUE(test, vtap_ring_touches(c, a + 1, b - 1));
		KUNIT_EXPECT_FALSE(test, vtap_ring_touches(c, b + 1, b + 9));
	}
	KUNIT_EXPECT_TRUE(test, vtap_ring_touches(&f->cfg, 0, U64_MAX));
	KUNIT_EXPECT_FALSE(test, vtap_ring_touches(&f->cfg, 0, RING));
}

/* Fail each access of a scattered ring: it breaks, and nothing leaks. */
static void ring_map_fault_sweep(struct kunit *test)
{
	unsigned long n, total = 1;

	for (n = 0; n <= total; n++) {
		struct iommu_shape s = shape(IOMMU_IOTLB_PAGES, 256, 0xf80);
		struct seg b[2] = {{IOMMU_RAM, 9}, {IOMMU_RAM, 9}};
		int ret;

		start(&s);
		shim.nr = 0;
		shim.fail_at = n;
		drv_add(&f->d, b, 2, 1);
		drv_add_indirect(&f->d, b, 1, 0, 1);
		drv_publish(&f->d);
		ret = iommu_map(f);
		if (!ret)
			ret = vtap_split_disable_notify(&f->r);
		while (ret >= 0 && (ret = iommu_pop(f)) == 1)
			vtap_split_stage(&f->r, f->c.head, 0);
		if (ret >= 0)
			ret = vtap_split_publish(&f->r);
		if (ret >= 0)
			ret = vtap_split_needs_call(&f->r);
		if (ret >= 0)
			ret = vtap_split_enable_notify(&f->r);
		shim_idle();
		KUNIT_EXPECT_EQ(test, ret < 0, n != 0 && f->r.fault);
		if (!n)
			total = shim.nr;
	}
	KUNIT_EXPECT_GT(test, total, 15ul);
}

static struct kunit_case ring_map_cases[] = {
	KUNIT_CASE(ring_map_linear),
	KUNIT_CASE(ring_map_every_skew),
	KUNIT_CASE(ring_map_every_size),
	KUNIT_CASE(ring_map_used_entry_straddles),
	KUNIT_CASE(ring_map_one_span),
	KUNIT_CASE(ring_map_sub_page),
	KUNIT_CASE(ring_map_many_mappings),
	KUNIT_CASE(ring_map_misaligned_table),
	KUNIT_CASE(ring_map_each_page_missing),
	KUNIT_CASE(ring_map_each_page_denied),
	KUNIT_CASE(ring_map_memory_missing),
	KUNIT_CASE(ring_map_no_memory),
	KUNIT_CASE(ring_map_address_limits),
	KUNIT_CASE(ring_map_moved_pages),
	KUNIT_CASE(ring_map_relocate),
	KUNIT_CASE(ring_map_touches),
	KUNIT_CASE(ring_map_fault_sweep),
	{}
};

static struct kunit_suite ring_map_suite = {
	.name = "vtap_ring_map",
	.exit = ring_map_exit,
	.test_cases = ring_map_cases,
};

kunit_test_suite(ring_map_suite);
