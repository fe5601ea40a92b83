// SPDX-License-Identifier: GPL-2.0
/*
 * tlb_test.c - translation with the IOTLB and the cache of a queue
 *
 * Addresses are arbitrary. Runs in user space and as a KUnit suite.
 */
#include <kunit/test.h>
#include "mem.h"

#define PAGE		VTAP_PAGE_SIZE
#define UBASE		0x10000000ull
#define RO		VHOST_ACCESS_RO
#define WO		VHOST_ACCESS_WO
#define RW		VHOST_ACCESS_RW

#define NR_VIEWS	2

static struct vtap_iotlb *t;
static struct vtap_mem view[NR_VIEWS];
static struct vtap_mem *m = &view[0];
static u64 seed;

static u32 rnd32(void)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return seed >> 33;
}

static int tlb_init(struct kunit *test)
{
	int i;

	seed = 17;
	t = vtap_iotlb_new();
	if (!t)
		return -ENOMEM;
	for (i = 0; i < NR_VIEWS; i++) {
		struct vtap_tlb *tlb = kunit_kzalloc(test, sizeof(*tlb),
						     GFP_KERNEL);

		if (!tlb)
			return -ENOMEM;
		vtap_tlb_init(tlb, t);
		vtap_mem_init(&view[i], NULL);
		vtap_mem_set(&view[i], NULL, tlb);
	}
	return 0;
}

static void tlb_exit(struct kunit *test)
{
	vtap_iotlb_free(t);
	t = NULL;
}

/* Change the table, then the caches, as the client's messages do. */
static void forget(u64 first, u64 last)
{
	int i;

	for (i = 0; i < NR_VIEWS; i++)
		vtap_mem_invalidate(&view[i], first, last);
}

static void update(u64 first, u64 size, u64 uaddr, u8 perm)
{
	if (vtap_iotlb_add(t, first, first + (size - 1), uaddr, perm))
		forget(first, first + (size - 1));
}

static void invalidate(u64 first, u64 last)
{
	vtap_iotlb_del(t, first, last);
	forget(first, last);
}

static u64 uaddr_of(const struct iovec *iov)
{
	return (u64)(unsigned long)iov->iov_base;
}

static void expect_at(struct kunit *test, u8 access, u64 iova, u32 len,
		      u64 uaddr)
{
	struct iovec iov = {};

	KUNIT_EXPECT_EQ(test, vtap_mem_translate(m, access, iova, len, &iov, 1),
			1);
	KUNIT_EXPECT_EQ(test, uaddr_of(&iov), uaddr);
	KUNIT_EXPECT_EQ(test, (u64)iov.iov_len, (u64)len);
}

static void expect_err(struct kunit *test, u8 access, u64 iova, u32 len,
		       int err)
{
	struct iovec iov[4];

	KUNIT_EXPECT_EQ(test, vtap_mem_translate(m, access, iova, len, iov, 4),
			err);
}

static void expect_miss(struct kunit *test, u8 access, u64 iova, u32 len,
			u64 at)
{
	m->tlb->miss_iova = ~at;
	m->tlb->miss_perm = 0;
	expect_err(test, access, iova, len, -EAGAIN);
	KUNIT_EXPECT_EQ(test, m->tlb->miss_iova, at);
	KUNIT_EXPECT_EQ(test, (u32)m->tlb->miss_perm, (u32)access);
}

static void tlb_misses(struct kunit *test)
{
	expect_miss(test, RO, 0, 1, 0);
	expect_miss(test, WO, U64_MAX, 1, U64_MAX);
	expect_miss(test, RO, 0x5123, 100, 0x5123);
	expect_err(test, RO, 0x5123, 0, 0);

	/* The miss is at the missing byte, not at the start of the buffer. */
	update(0x5000, PAGE, UBASE, RW);
	expect_miss(test, RO, 0x5ffe, 3, 0x6000);
	expect_miss(test, WO, 0x4fff, 2, 0x4fff);
	update(0x6000, PAGE, UBASE + 5 * PAGE, RW);
	expect_miss(test, RO, 0x5000, 2 * PAGE + 1, 0x7000);
	expect_at(test, RO, 0x5fff, 1, UBASE + PAGE - 1);
	expect_at(test, WO, 0x6000, PAGE, UBASE + 5 * PAGE);
}

/* A page that was found once needs no search of the table. */
static void tlb_caches_pages(struct kunit *test)
{
	u32 i;

	for (i = 0; i < 200; i++)
		update(i * PAGE, PAGE, UBASE + 3 * i * PAGE, RW);
	for (i = 0; i < 200; i++)
		expect_at(test, i % 2 ? RO : WO, i * PAGE + 7, 9,
			  UBASE + 3 * i * PAGE + 7);
	vtap_iotlb_clear(t);		/* but not the cache */
	for (i = 0; i < 200; i++) {
		expect_at(test, RO, i * PAGE, PAGE, UBASE + 3 * i * PAGE);
		expect_at(test, WO, i * PAGE + PAGE - 1, 1,
			  UBASE + 3 * i * PAGE + PAGE - 1);
	}
	for (i = 0; i < 200; i++) {
		vtap_mem_invalidate(m, i * PAGE + PAGE - 1,
				    i * PAGE + PAGE - 1);
		expect_miss(test, RO, i * PAGE, 1, i * PAGE);
		if (i + 1 < 200)
			expect_at(test, RO, i * PAGE + PAGE, 1,
				  UBASE + 3 * (i + 1) * PAGE);
	}
	KUNIT_EXPECT_EQ(test, view[1].tlb->slot[0].tag, 0ull);
}

/* Pages that share a slot evict each other and never match another. */
static void tlb_slots_collide(struct kunit *test)
{
	const u64 far = VTAP_TLB_SLOTS * PAGE;
	u32 i;

	for (i = 0; i < 5; i++)
		update(i * far, PAGE, UBASE + i * PAGE, RW);
	for (i = 0; i < 25; i++)
		expect_at(test, RO, i % 5 * far, 8, UBASE + i % 5 * PAGE);
	expect_miss(test, RO, 5 * far, 8, 5 * far);
	/* Only the permissions distinguish page 0 from an empty slot. */
	invalidate(0, PAGE - 1);
	expect_miss(test, RO, 0, 8, 0);
}

static void tlb_permissions(struct kunit *test)
{
	static const u8 perms[] = { RO, WO, RW };
	unsigned int i, again;

	for (i = 0; i < ARRAY_SIZE(perms); i++) {
		u64 at = (u64)i * 16 * PAGE;

		/* One page is cached; many pages are the last hit. */
		update(at, PAGE, UBASE + at, perms[i]);
		update(at + PAGE, 8 * PAGE, UBASE + at + PAGE, perms[i]);
		for (again = 0; again < 4; again++) {
			u64 iova = at + (again & 1 ? PAGE : 0);

			if (perms[i] & RO)
				expect_at(test, RO, iova, 8, UBASE + iova);
			else
				expect_err(test, RO, iova, 8, -EACCES);
			if (perms[i] & WO)
				expect_at(test, WO, iova, 8, UBASE + iova);
			else
				expect_err(test, WO, iova, 8, -EACCES);
		}
	}
	/* In the middle of a buffer. */
	update(8 * PAGE, PAGE, UBASE + 8 * PAGE, RO);
	update(9 * PAGE, PAGE, UBASE + 9 * PAGE, WO);
	expect_err(test, RO, 8 * PAGE, PAGE + 1, -EACCES);
	expect_err(test, WO, 8 * PAGE, PAGE + 1, -EACCES);
	expect_at(test, RO, 8 * PAGE, PAGE, UBASE + 8 * PAGE);
	expect_at(test, WO, 9 * PAGE, PAGE, UBASE + 9 * PAGE);
	/* Add a permission, then remove it. */
	update(9 * PAGE, PAGE, UBASE + 9 * PAGE, RW);
	expect_at(test, RO, 8 * PAGE, PAGE + 1, UBASE + 8 * PAGE);
	update(9 * PAGE, PAGE, UBASE + 9 * PAGE, RO);
	expect_err(test, WO, 9 * PAGE, 1, -EACCES);
	/* A mapping without any permission is denied and not a miss. */
	update(40 * PAGE, PAGE, UBASE, 0);
	expect_err(test, RO, 40 * PAGE, 1, -EACCES);
	expect_err(test, WO, 40 * PAGE, 1, -EACCES);
}

/* Contiguous user memory is one segment; no segment past @max is written. */
static void tlb_merges(struct kunit *test)
{
	struct iovec iov[6];
	int again;

	update(0, PAGE, UBASE, RW);
	update(1 * PAGE, PAGE, UBASE + 1 * PAGE, RW);
	update(2 * PAGE, PAGE, UBASE + 9 * PAGE, RW);
	update(3 * PAGE, PAGE, UBASE + 8 * PAGE, RW);
	update(4 * PAGE, 2 * PAGE, UBASE + 9 * PAGE, RW);
	for (again = 0; again < 2; again++) {
		memset(iov, 0x5a, sizeof(iov));
		KUNIT_ASSERT_EQ(test, vtap_mem_translate(m, RO, 0x10, 6 * PAGE -
							 0x20, iov, 3), 3);
		KUNIT_EXPECT_EQ(test, uaddr_of(&iov[0]), UBASE + 0x10);
		KUNIT_EXPECT_EQ(test, (u64)iov[0].iov_len, 2 * PAGE - 0x10);
		KUNIT_EXPECT_EQ(test, uaddr_of(&iov[1]), UBASE + 9 * PAGE);
		KUNIT_EXPECT_EQ(test, (u64)iov[1].iov_len, PAGE);
		KUNIT_EXPECT_EQ(test, uaddr_of(&iov[2]), UBASE + 8 * PAGE);
		KUNIT_EXPECT_EQ(test, (u64)iov[2].iov_len, 3 * PAGE - 0x10);
		KUNIT_EXPECT_EQ(test, (u32)iov[3].iov_len, 0x5a5a5a5au);

		memset(iov, 0x5a, sizeof(iov));
		KUNIT_EXPECT_EQ(test, vtap_mem_translate(m, WO, 0, 6 * PAGE,
							 iov, 2), -ENOBUFS);
		KUNIT_EXPECT_EQ(test, (u32)iov[2].iov_len, 0x5a5a5a5au);
		/* vtap_mem_read() relies on the segments that fit. */
		KUNIT_EXPECT_EQ(test, (u64)iov[0].iov_len, 2 * PAGE);
		KUNIT_EXPECT_EQ(test, (u64)iov[1].iov_len, PAGE);
		KUNIT_EXPECT_EQ(test, vtap_mem_translate(m, WO, 0, 1, iov, 0),
				-ENOBUFS);
	}
	expect_at(test, RO, 0x800, PAGE, UBASE + 0x800);
}

static void tlb_sub_page(struct kunit *test)
{
	struct iovec iov[4];
	int again;

	update(0x5100, 0x100, UBASE, RO);
	update(0x5200, 1, UBASE + 0x900, WO);
	update(0x5201, 0xdff, UBASE + 0x100, RW);
	for (again = 0; again < 2; again++) {
		expect_miss(test, RO, 0x50ff, 4, 0x50ff);
		expect_at(test, RO, 0x5100, 0x100, UBASE);
		expect_err(test, WO, 0x5100, 1, -EACCES);
		expect_err(test, RO, 0x51ff, 2, -EACCES);
		expect_at(test, WO, 0x5200, 1, UBASE + 0x900);
		expect_at(test, RO, 0x5201, 0xdff, UBASE + 0x100);
		KUNIT_EXPECT_EQ(test, vtap_mem_translate(m, WO, 0x5200, 2, iov,
							 4), 2);
		KUNIT_EXPECT_EQ(test, uaddr_of(&iov[1]), UBASE + 0x100);
		expect_miss(test, WO, 0x5fff, 2, 0x6000);
	}
	/* A mapping of a page's size on two pages: neither page is cached. */
	update(0x7800, PAGE, UBASE + 0x7800, RW);
	expect_at(test, RO, 0x7fff, 2, UBASE + 0x7fff);
	expect_miss(test, RO, 0x77ff, 1, 0x77ff);
	expect_miss(test, RO, 0x8800, 1, 0x8800);
	invalidate(0x8000, 0x8000);
	expect_at(test, RO, 0x7fff, 1, UBASE + 0x7fff);
	expect_miss(test, RO, 0x7fff, 2, 0x8000);
	expect_at(test, RO, 0x8001, 1, UBASE + 0x8001);
}

/* A huge page or all of RAM in one mapping becomes the last hit. */
static void tlb_large(struct kunit *test)
{
	const u64 at = 1ull << 40, size = 5ull << 30;

	update(at, size, UBASE, RW);
	expect_at(test, WO, at + 123, U32_MAX, UBASE + 123);
	/* A page that the other access has not cached. */
	expect_at(test, RO, at + PAGE, 1, UBASE + PAGE);
	KUNIT_EXPECT_EQ(test, m->hit[0].gpa, at);
	KUNIT_EXPECT_EQ(test, m->hit[0].size, size);
	vtap_iotlb_clear(t);		/* the last hit needs no table */
	expect_at(test, RO, at + size - 8, 8, UBASE + size - 8);
	/* A range next to the mapping, and one with a byte of it. */
	vtap_mem_invalidate(m, 0, at - 1);
	vtap_mem_invalidate(m, at + size, U64_MAX);
	expect_at(test, RO, at + size / 2, 8, UBASE + size / 2);
	vtap_mem_invalidate(m, at + size - 1, at + size - 1);
	expect_miss(test, RO, at + size / 2, 8, at + size / 2);
	expect_miss(test, WO, at + size / 2, 8, at + size / 2);

	update(at, size, UBASE, RW);
	expect_at(test, RO, at + size / 2, 8, UBASE + size / 2);
	vtap_iotlb_clear(t);
	vtap_mem_invalidate(m, at - 8, at);
	expect_miss(test, RO, at + size / 2 + 8 * PAGE, 8,
		    at + size / 2 + 8 * PAGE);
}

/* A hole in the last hit, and in pages cached from it. */
static void tlb_hole_in_large(struct kunit *test)
{
	update(0, 64 * PAGE, UBASE, RW);
	expect_at(test, RO, 0, 64 * PAGE, UBASE);
	expect_at(test, WO, 10 * PAGE, 64, UBASE + 10 * PAGE);
	invalidate(10 * PAGE, 11 * PAGE - 1);
	expect_miss(test, WO, 10 * PAGE, 64, 10 * PAGE);
	expect_miss(test, RO, 0, 64 * PAGE, 10 * PAGE);
	expect_at(test, RO, 0, 10 * PAGE, UBASE);
	expect_at(test, RO, 11 * PAGE, 53 * PAGE, UBASE + 11 * PAGE);
	update(10 * PAGE, PAGE, UBASE + 99 * PAGE, RO);
	expect_at(test, RO, 10 * PAGE, 64, UBASE + 99 * PAGE);
	expect_err(test, WO, 9 * PAGE, 2 * PAGE, -EACCES);
}

static void expect_segments(struct kunit *test, u64 iova, u32 len, int n)
{
	static struct iovec iov[VTAP_TLB_STEPS * PAGE / VTAP_TLB_MERGE + 8];
	u64 sum = 0;
	int i, ret;

	ret = vtap_mem_translate(m, RO, iova, len, iov, ARRAY_SIZE(iov));
	KUNIT_ASSERT_EQ(test, ret, n);
	for (i = 0; i < n; i++) {
		KUNIT_EXPECT_EQ(test, uaddr_of(&iov[i]), UBASE + iova + sum);
		/* A segment is as long as the limit, but not much longer. */
		if (i + 1 < n)
			KUNIT_EXPECT_GE(test, (u64)iov[i].iov_len,
					(u64)VTAP_TLB_MERGE);
		KUNIT_EXPECT_LT(test, (u64)iov[i].iov_len,
				VTAP_TLB_MERGE + PAGE);
		sum += iov[i].iov_len;
	}
	if (n > 0)
		KUNIT_EXPECT_EQ(test, sum, (u64)len);
}

/* Merged pages cost by their length, and the number of steps is limited. */
static void tlb_step_bound(struct kunit *test)
{
	const u32 max = VTAP_TLB_STEPS * PAGE, merge = VTAP_TLB_MERGE;
	u32 i;

	for (i = 0; i < VTAP_TLB_STEPS + 1; i++)
		update(i * PAGE, PAGE, UBASE + i * PAGE, RW);
	expect_segments(test, 0, merge, 1);
	expect_segments(test, 0, merge + 1, 2);
	expect_segments(test, 5, merge, 1);
	expect_segments(test, 5, merge + PAGE, 2);
	expect_segments(test, 0, max, max / merge);
	expect_segments(test, PAGE, max, max / merge);
	expect_segments(test, 0, max + 1, -ENOBUFS);
	expect_segments(test, PAGE - 1, max, -ENOBUFS);
	expect_err(test, RO, 0, 4 * merge + 1, -ENOBUFS);
	/* A mapping is one step and one segment. */
	update(0, max + PAGE, UBASE, RW);
	expect_at(test, WO, 0, max + PAGE, UBASE);
}

static void tlb_top_of_address_space(struct kunit *test)
{
	const u64 top = 0 - PAGE;

	update(top, PAGE, UBASE, RW);
	update(0, PAGE, UBASE + PAGE, RW);
	expect_at(test, RO, U64_MAX, 1, UBASE + PAGE - 1);
	expect_at(test, WO, top, PAGE, UBASE);
	/* The range does not wrap to 0, although 0 has a mapping. */
	expect_err(test, RO, U64_MAX, 2, -EFAULT);
	expect_err(test, WO, top, 2 * PAGE, -EFAULT);
	invalidate(U64_MAX, U64_MAX);
	expect_miss(test, RO, top, PAGE, U64_MAX);
	expect_at(test, RO, 0, PAGE, UBASE + PAGE);
	invalidate(0, U64_MAX);
	expect_miss(test, RO, 0, 1, 0);
	expect_miss(test, RO, top, 1, top);

	update(0, 0, 0, RW);		/* all 2^64 */
	KUNIT_EXPECT_EQ(test, t->nr, 1u);
	expect_at(test, RO, UBASE, 8, UBASE);
	expect_at(test, RO, 0, 8, 0);
	expect_at(test, WO, U64_MAX - 8, 9, U64_MAX - 8);
	expect_at(test, WO, U64_MAX, 1, U64_MAX);
	expect_at(test, RO, U64_MAX, 1, U64_MAX);
	invalidate(0, U64_MAX);
	expect_miss(test, RO, U64_MAX, 1, U64_MAX);
	expect_miss(test, WO, U64_MAX, 1, U64_MAX);
}

/* Exactly the range is removed, or the whole cache if that is faster. */
static void tlb_invalidate(struct kunit *test)
{
	const u32 nr = VTAP_TLB_SLOTS;
	u32 i, len;

	for (len = 1; len <= nr; len = len == 1 ? nr - 1 : len + 1) {
		vtap_iotlb_clear(t);
		vtap_mem_invalidate(m, 0, U64_MAX);
		for (i = 0; i < nr; i++)
			update(i * PAGE, PAGE, UBASE + 2 * i * PAGE, RW);
		for (i = 0; i < nr; i++)
			expect_at(test, RO, i * PAGE, 1, UBASE + 2 * i * PAGE);
		vtap_iotlb_clear(t);
		vtap_mem_invalidate(m, PAGE - 1, (u64)len * PAGE - 1);
		for (i = 0; i < nr; i++) {
			if (i < len)
				expect_miss(test, RO, i * PAGE, 1, i * PAGE);
			else
				expect_at(test, RO, i * PAGE, 1,
					  UBASE + 2 * i * PAGE);
		}
	}
	/* Another page of the slot stays. */
	update(0, PAGE, UBASE, RW);
	expect_at(test, RO, 0, 1, UBASE);
	vtap_mem_invalidate(m, nr * PAGE, nr * PAGE + 5);
	vtap_iotlb_clear(t);
	expect_at(test, RO, 0, 1, UBASE);
	/* The largest range. */
	vtap_mem_invalidate(m, 1, U64_MAX);
	expect_miss(test, RO, 0, 1, 0);
	/* Without an IOTLB this has no effect. */
	vtap_mem_set(m, NULL, NULL);
	m->hit[0] = (struct vtap_region){ .size = 5 };
	vtap_mem_invalidate(m, 0, U64_MAX);
	KUNIT_EXPECT_EQ(test, m->hit[0].size, 5ull);
}

/* ---- oracle: an address space of 256-byte cells ---- */

#define CELL		256u
#define PER_PAGE	((unsigned int)(PAGE / CELL))
#define NR_CELLS	(40 * PER_PAGE)
#define MAX_IOV		5

static struct cell {
	u64 uaddr;
	u8 perm;
	bool there;
} cells[NR_CELLS];

/* Expected result of a translation, computed cell by cell. */
struct translation {
	int n;
	u64 miss;
	struct iovec iov[MAX_IOV];
};

static void oracle(struct translation *a, u64 base, u8 access, u64 iova, u64 len,
		   int max)
{
	*a = (struct translation){};
	while (len) {
		u64 off = (iova - base) % CELL, part = min(len, CELL - off);
		struct iovec *last = a->n ? &a->iov[a->n - 1] : NULL;
		u64 end = last ? uaddr_of(last) + last->iov_len : 0;
		u64 nr = (iova - base) / CELL;
		struct cell c = {};

		if (nr < NR_CELLS)
			c = cells[nr];
		if (!c.there) {
			a->miss = iova;
			a->n = -EAGAIN;
		} else if (!(c.perm & access)) {
			a->n = -EACCES;
		} else if (last && c.uaddr + off == end) {
			last->iov_len += part;
		} else if (a->n == max) {
			a->n = -ENOBUFS;
		} else {
			a->iov[a->n].iov_base =
				(void __user *)(unsigned long)(c.uaddr + off);
			a->iov[a->n++].iov_len = part;
		}
		iova += part;
		len -= part;
		if (a->n >= 0 && len && !iova)
			a->n = -EFAULT;
		if (a->n < 0)
			return;
	}
}

static void compare(struct kunit *test, struct vtap_mem *v, u64 base)
{
	u64 off = rnd32() % (NR_CELLS * CELL);
	u64 len = rnd32() % (CELL << rnd32() % 8);
	int max = rnd32() % (MAX_IOV + 1), n, i;
	u8 access = rnd32() % 2 ? RO : WO;
	struct iovec iov[MAX_IOV];
	struct translation want;

	/* Use the same places often, like buffers. */
	if (rnd32() % 2)
		off &= ~(u64)(4 * PAGE - 1);
	oracle(&want, base, access, base + off, len, max);
	n = vtap_mem_translate(v, access, base + off, len, iov, max);
	KUNIT_ASSERT_EQ(test, n, want.n);
	for (i = 0; i < n; i++) {
		KUNIT_ASSERT_EQ(test, uaddr_of(&iov[i]),
				uaddr_of(&want.iov[i]));
		KUNIT_ASSERT_EQ(test, (u64)iov[i].iov_len,
				(u64)want.iov[i].iov_len);
	}
	if (n != -EAGAIN)
		return;
	KUNIT_ASSERT_EQ(test, v->tlb->miss_iova, want.miss);
	KUNIT_ASSERT_EQ(test, (u32)v->tlb->miss_perm, (u32)access);
}

/* A random change of the oracle and of the table. */
static void change(u64 base)
{
	u32 unit = rnd32() % 4 ? PER_PAGE : 1, last, i;
	u32 first = rnd32() % (NR_CELLS / unit) * unit;
	/* Close together in user memory, so that some can be merged. */
	u64 uaddr = UBASE + rnd32() % 64 * PAGE;
	u8 perm = rnd32() % 4 ? RW : rnd32() % 4;
	bool add = rnd32() % 4;

	last = first + unit * (1 + rnd32() % (1 << rnd32() % 5)) - 1;
	last = min_t(u32, last, NR_CELLS - 1);
	/* In order, half of the time. */
	if (rnd32() % 2)
		uaddr = UBASE + first * CELL;
	for (i = first; i <= last; i++)
		cells[i] = (struct cell){ uaddr + (i - first) * CELL, perm,
					  add };
	if (add)
		update(base + first * CELL, (last + 1 - first) * CELL, uaddr,
		       perm);
	else
		invalidate(base + first * CELL, base + last * CELL + CELL - 1);
}

static void tlb_matches_oracle(struct kunit *test)
{
	static const u64 base[] = { 0, 5ull << 40,
				    0 - (u64)NR_CELLS * CELL };
	u32 round, step, k;

	for (round = 0; round < ARRAY_SIZE(base); round++) {
		memset(cells, 0, sizeof(cells));
		for (step = 0; step < 8000; step++) {
			change(base[round]);
			for (k = 0; k < 6; k++)
				compare(test, &view[k % NR_VIEWS],
					base[round]);
		}
		invalidate(0, U64_MAX);
	}
}

static struct kunit_case tlb_cases[] = {
	KUNIT_CASE(tlb_misses),
	KUNIT_CASE(tlb_caches_pages),
	KUNIT_CASE(tlb_slots_collide),
	KUNIT_CASE(tlb_permissions),
	KUNIT_CASE(tlb_merges),
	KUNIT_CASE(tlb_sub_page),
	KUNIT_CASE(tlb_large),
	KUNIT_CASE(tlb_hole_in_large),
	KUNIT_CASE(tlb_step_bound),
	KUNIT_CASE(tlb_top_of_address_space),
	KUNIT_CASE(tlb_invalidate),
	KUNIT_CASE(tlb_matches_oracle),
	{}
};

static struct kunit_suite tlb_suite = {
	.name = "vtap_tlb",
	.init = tlb_init,
	.exit = tlb_exit,
	.test_cases = tlb_cases,
};

kunit_test_suite(tlb_suite);
