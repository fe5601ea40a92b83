// SPDX-License-Identifier: GPL-2.0
/*
 * chain_test.c - direct chains: every rule and every limit
 *
 * Cases with links out of order are for split rings, all others run for both formats. The
 * tests need the fault injection of the shim. Indirect tables are in indirect_test.c.
 */
#include "env_case.h"
#include "pdriver.h"

#define HOLE	0x40000000ull	/* no region is here or just below */

ENV_FORMATS();

/* The chain to offer. */
static struct drv_desc chain[VTAP_CHAIN_MAX + 1];

static void restart(u16 num)
{
	start(num, true, packed ? 0x8000 | num / 2 : 0xfffe);
}

static int chain_init(struct kunit *test)
{
	const struct env_format *f = test->param_value;

	packed = f && f->packed;
	restart(8);
	return 0;
}

static int offer_chain(u32 nr)
{
	return env_offer_chain(e, chain, nr);
}

/* Fill @chain with buffers of one byte. */
static void fill_chain(u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		chain[i] = (struct drv_desc){ ENV_RAM + i, 1 };
}

/* The offer broke the ring, which keeps its indices. */
static void expect_refusal(struct kunit *test, int ret, u16 avail, enum vtap_fault fault)
{
	KUNIT_EXPECT_EQ(test, ret, -EIO);
	KUNIT_EXPECT_EQ(test, e->r.last_avail, avail);
	env_expect_refusal(test, e, fault);
}

static void expect_fault(struct kunit *test, u16 head, enum vtap_fault fault)
{
	u16 avail = e->r.last_avail;

	expect_refusal(test, env_offer(e, head), avail, fault);
}

static void expect_chain_fault(struct kunit *test, u32 nr, enum vtap_fault fault)
{
	u16 avail = e->r.last_avail;

	expect_refusal(test, offer_chain(nr), avail, fault);
}

static void expect_segment(struct kunit *test, int i, u64 gpa, size_t len)
{
	KUNIT_EXPECT_PTR_EQ(test, e->iov[i].iov_base,
			    gmem_hva(&e->g, gpa, len));
	KUNIT_EXPECT_EQ(test, e->iov[i].iov_len, len);
}

static void chain_single(struct kunit *test)
{
	env_set_desc(e, 3, ENV_RAM + 100, 1514, 0, 0xffff);
	KUNIT_ASSERT_EQ(test, env_offer(e, 3), 1);
	KUNIT_EXPECT_EQ(test, e->c.head, 3);
	env_expect_chain(test, e, 1, 1514, 0, 0);
	expect_segment(test, 0, ENV_RAM + 100, 1514);

	env_set_desc(e, 7, ENV_RAM, 1, VRING_DESC_F_WRITE, 8);
	KUNIT_ASSERT_EQ(test, env_offer(e, 7), 1);
	KUNIT_EXPECT_EQ(test, e->c.head, 7);
	env_expect_chain(test, e, 0, 0, 1, 1);
}

/* Reserved flag bits are ignored (virtio 1.2, 2.2.2). */
static void chain_unknown_flags(struct kunit *test)
{
	chain[0] = (struct drv_desc){ ENV_RAM, 60, packed ? 0xfff8 & ~PDRV_BOTH : 0xfff8 };
	KUNIT_ASSERT_EQ(test, offer_chain(1), 1);
	KUNIT_EXPECT_EQ(test, e->c.out_len, 60ull);
}

static void chain_readable_then_writable(struct kunit *test)
{
	env_set_desc(e, 5, ENV_RAM + 0x100, 10, VRING_DESC_F_NEXT, 2);
	env_set_desc(e, 2, ENV_RAM + 0x200, 20, VRING_DESC_F_NEXT, 6);
	env_set_desc(e, 6, ENV_RAM + 0x300, 30,
		     VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 0);
	env_set_desc(e, 0, ENV_RAM + 0x400, 40, VRING_DESC_F_WRITE, 5);
	KUNIT_ASSERT_EQ(test, env_offer(e, 5), 1);
	KUNIT_EXPECT_EQ(test, e->c.head, 5);
	env_expect_chain(test, e, 2, 30, 2, 70);
	expect_segment(test, 0, ENV_RAM + 0x100, 10);
	expect_segment(test, 1, ENV_RAM + 0x200, 20);
	expect_segment(test, 2, ENV_RAM + 0x300, 30);
	expect_segment(test, 3, ENV_RAM + 0x400, 40);
}

static void chain_readable_after_writable(struct kunit *test)
{
	fill_chain(2);
	chain[0].flags = DRV_WRITE;
	expect_chain_fault(test, 2, VTAP_FAULT_CHAIN_ORDER);
}

/* Link @nr descriptors of one byte from 0 on; the last one ends the chain. */
static void link_chain(u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		env_set_desc(e, i, ENV_RAM + i, 1,
			     i + 1 < nr ? VRING_DESC_F_NEXT : 0, i + 1);
}

static void chain_every_length(struct kunit *test)
{
	u32 nr;

	restart(256);
	for (nr = 1; nr <= 256; nr++) {
		fill_chain(nr);
		KUNIT_ASSERT_EQ(test, offer_chain(nr), 1);
		KUNIT_EXPECT_EQ(test, e->c.nr_out, nr);
		KUNIT_EXPECT_EQ(test, e->c.out_len, (u64)nr);
		KUNIT_EXPECT_TRUE(test, env_chain_ok(e, &e->c));
	}
}

static void chain_longest_by_ring_size(struct kunit *test)
{
	u32 num;

	for (num = 1; num <= VTAP_RING_MAX; num *= 2) {
		u32 nr = min_t(u32, num, VTAP_CHAIN_MAX);

		restart(num);
		fill_chain(nr);
		KUNIT_ASSERT_EQ(test, offer_chain(nr), 1);
		KUNIT_EXPECT_EQ(test, e->c.nr_out, nr);

		if (num <= VTAP_CHAIN_MAX)
			continue;
		fill_chain(VTAP_CHAIN_MAX + 1);
		chain[100].len = 0;		/* no segment */
		expect_chain_fault(test, VTAP_CHAIN_MAX + 1, VTAP_FAULT_CHAIN_LONG);
	}
}

static void chain_loops(struct kunit *test)
{
	u32 num;

	for (num = 1; num <= VTAP_RING_MAX; num *= 2) {
		enum vtap_fault fault = num <= VTAP_CHAIN_MAX ?
			VTAP_FAULT_CHAIN_LOOP : VTAP_FAULT_CHAIN_LONG;

		/* a loop of one descriptor */
		start(num, true, 0xfffe);
		env_set_desc(e, 0, ENV_RAM, 1, VRING_DESC_F_NEXT, 0);
		shim.nr = 0;
		expect_fault(test, 0, fault);
		/* Two loads and a window per step, and a few more. */
		KUNIT_EXPECT_LT(test, shim.nr, 3ul * VTAP_CHAIN_MAX + 64);

		/* a loop through the whole table */
		start(num, true, 0xfffe);
		link_chain(num);
		env_set_desc(e, num - 1, ENV_RAM, 1, VRING_DESC_F_NEXT, 0);
		expect_fault(test, 0, fault);

		/* a loop that excludes the head, with empty buffers */
		start(num, true, 0xfffe);
		link_chain(num);
		env_set_desc(e, num - 1, ENV_RAM, 0, VRING_DESC_F_NEXT, num - 1);
		expect_fault(test, 0, fault);
	}
}

static void chain_next_range(struct kunit *test)
{
	static const u16 bad[] = { 8, 9, 255, 0x7fff, 0x8000, 0xffff };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		start(8, true, 0xfffe);
		env_set_desc(e, 1, ENV_RAM, 1, VRING_DESC_F_NEXT, bad[i]);
		expect_fault(test, 1, VTAP_FAULT_NEXT_RANGE);

		start(8, true, 0xfffe);
		env_set_desc(e, 1, ENV_RAM, 1, VRING_DESC_F_NEXT, 7);
		env_set_desc(e, 7, ENV_RAM, 1, VRING_DESC_F_NEXT, bad[i]);
		expect_fault(test, 1, VTAP_FAULT_NEXT_RANGE);
	}
}

static void chain_zero_length(struct kunit *test)
{
	/* An empty buffer outside all memory: its address is not checked. */
	chain[0] = (struct drv_desc){ HOLE };
	KUNIT_ASSERT_EQ(test, offer_chain(1), 1);
	KUNIT_EXPECT_EQ(test, e->c.nr_out + e->c.nr_in, 0);
	KUNIT_EXPECT_EQ(test, e->c.out_len + e->c.in_len, 0ull);

	chain[0] = (struct drv_desc){ ENV_RAM, 0 };
	chain[1] = (struct drv_desc){ ENV_RAM + 8, 9 };
	chain[2] = (struct drv_desc){ 0, 0 };
	chain[3] = (struct drv_desc){ ENV_RAM + 16, 5, DRV_WRITE };
	KUNIT_ASSERT_EQ(test, offer_chain(4), 1);
	env_expect_chain(test, e, 1, 9, 1, 5);
	expect_segment(test, 0, ENV_RAM + 8, 9);
	expect_segment(test, 1, ENV_RAM + 16, 5);
}

static void chain_unmapped(struct kunit *test)
{
	static const struct { u64 gpa; u32 len; } bad[] = {
		{ HOLE, 1 },
		{ ENV_RAM - 1, 1 },
		{ ENV_RAM - 1, 2 },
		{ ENV_RAM + ENV_RAM_SIZE, 1 },
		{ ENV_RAM + ENV_RAM_SIZE - 1, 2 },
		{ ENV_RAM, U32_MAX },
		{ U64_MAX, 1 },
		{ U64_MAX, U32_MAX },
		{ U64_MAX - ENV_RAM, U32_MAX },
		{ 0, 1 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		restart(8);
		chain[0] = (struct drv_desc){ bad[i].gpa, bad[i].len };
		expect_chain_fault(test, 1, VTAP_FAULT_UNMAPPED);

		/* The same after a valid buffer, which sets the last hit. */
		restart(8);
		chain[0] = (struct drv_desc){ ENV_RAM, 4 };
		chain[1] = (struct drv_desc){ bad[i].gpa, bad[i].len, DRV_WRITE };
		expect_chain_fault(test, 2, VTAP_FAULT_UNMAPPED);
	}
}

/* A valid region that exceeds any length, with no memory behind it. */
static void chain_four_gib_totals(struct kunit *test)
{
	u32 i;

	restart(1024);
	gmem_claim(&e->g, 1ull << 40, 1ull << 33, 1ull << 42);
	env_map(e);
	for (i = 0; i < 1024; i++)
		chain[i] = (struct drv_desc){ (1ull << 40) + i, U32_MAX };
	KUNIT_ASSERT_EQ(test, offer_chain(1024), 1);
	KUNIT_EXPECT_EQ(test, e->c.nr_out, 1024);
	KUNIT_EXPECT_EQ(test, e->c.out_len, 1024ull * U32_MAX);
	KUNIT_EXPECT_EQ(test, (u64)e->iov[1023].iov_len, (u64)U32_MAX);

	for (i = 0; i < 1024; i++)
		chain[i].flags = DRV_WRITE;
	KUNIT_ASSERT_EQ(test, offer_chain(1024), 1);
	KUNIT_EXPECT_EQ(test, e->c.in_len, 1024ull * U32_MAX);
}

static void chain_spans_regions(struct kunit *test)
{
	u64 end = ENV_RAM + ENV_RAM_SIZE;
	void *second = gmem_add(&e->g, end, 0x1000);
	void *third = gmem_add(&e->g, end + 0x1000, 0x1000);

	env_map(e);
	chain[0] = (struct drv_desc){ end - 0x10, 0x1020 };
	chain[1] = (struct drv_desc){ end + 0xff0, 0x20, DRV_WRITE };
	KUNIT_ASSERT_EQ(test, offer_chain(2), 1);
	env_expect_chain(test, e, 3, 0x1020, 2, 0x20);
	KUNIT_EXPECT_PTR_EQ(test, e->iov[1].iov_base, second);
	KUNIT_EXPECT_EQ(test, (u64)e->iov[1].iov_len, 0x1000ull);
	KUNIT_EXPECT_PTR_EQ(test, e->iov[2].iov_base, third);
	KUNIT_EXPECT_PTR_EQ(test, e->iov[3].iov_base, second + 0xff0);
	KUNIT_EXPECT_PTR_EQ(test, e->iov[4].iov_base, third);
	KUNIT_EXPECT_TRUE(test, env_chain_ok(e, &e->c));

	chain[0] = (struct drv_desc){ end + 0x1ff0, 0x11 };
	expect_chain_fault(test, 1, VTAP_FAULT_UNMAPPED);
}

/* Descriptors without bytes need no segment, but they add to the cost. */
static void chain_cost(struct kunit *test)
{
	fill_chain(4);
	chain[1].len = 0;
	chain[3].len = 0;
	KUNIT_ASSERT_EQ(test, offer_chain(4), 1);
	KUNIT_EXPECT_EQ(test, e->c.nr_out, 2);
	KUNIT_EXPECT_EQ(test, e->c.cost, 4);

	e->c.iov = e->iov;
	e->c.iov_max = 3;
	env_show_chain(e, chain, 4);
	KUNIT_EXPECT_EQ(test, vtap_ring_pop(&e->r, &e->m, &e->c, packed), -ENOBUFS);
	KUNIT_EXPECT_EQ(test, (int)e->r.fault, VTAP_FAULT_NONE);
}

static void chain_segment_limit(struct kunit *test)
{
	u64 end = ENV_RAM + ENV_RAM_SIZE;

	/* 1023 descriptors with the last one in two regions just fit. */
	restart(2048);
	gmem_add(&e->g, end, 0x1000);
	env_map(e);
	fill_chain(1024);
	chain[1022] = (struct drv_desc){ end - 1, 2 };
	KUNIT_ASSERT_EQ(test, offer_chain(1023), 1);
	KUNIT_EXPECT_EQ(test, e->c.nr_out, VTAP_CHAIN_MAX);
	chain[1023] = chain[1022];
	chain[1022] = chain[0];
	expect_chain_fault(test, 1024, VTAP_FAULT_CHAIN_SEGMENTS);
}

/* ---- the guest changes what was just read ---- */

static void flip(void *addr, size_t len, void *arg)
{
	u8 *p = addr;

	while (len--)
		*p++ ^= 0xff;
}

static void chain_survives_changes(struct kunit *test)
{
	env_set_desc(e, 5, ENV_RAM + 0x100, 10, VRING_DESC_F_NEXT, 2);
	env_set_desc(e, 2, ENV_RAM + 0x200, 20, VRING_DESC_F_NEXT, 6);
	env_set_desc(e, 6, ENV_RAM + 0x300, 30, VRING_DESC_F_WRITE, 0);
	shim.after_load = flip;
	KUNIT_ASSERT_EQ(test, env_offer(e, 5), 1);
	KUNIT_EXPECT_EQ(test, e->c.head, 5);
	env_expect_chain(test, e, 2, 30, 1, 30);
	expect_segment(test, 0, ENV_RAM + 0x100, 10);
	expect_segment(test, 1, ENV_RAM + 0x200, 20);
	expect_segment(test, 2, ENV_RAM + 0x300, 30);
}

static void count(void *addr, size_t len, void *arg)
{
	++*(u32 *)arg;
}

static void count_bytes(void *addr, size_t len, void *arg)
{
	*(u32 *)arg += len;
}

/* With a jump after every second descriptor the windows stay short. */
static void chain_windows_shrink(struct kunit *test)
{
	const u32 nr = 512;
	u32 i, bytes = 0;

	start(1024, true, 0xfffe);
	for (i = 0; i < nr; i++) {
		/* 0, 1; 510, 511; 2, 3; 508, 509; ... */
		u16 pair = i / 2, odd = i % 2, at, next;

		at = (pair % 2 ? nr - pair - 1 : pair) + odd;
		pair = (i + 1) / 2;
		next = (pair % 2 ? nr - pair - 1 : pair) + (i + 1) % 2;
		env_set_desc(e, at, ENV_RAM, 1, i + 1 < nr ? VRING_DESC_F_NEXT : 0,
			     next);
	}
	KUNIT_ASSERT_EQ(test, env_offer(e, 0), 1);
	shim.after_load = count_bytes;
	shim.arg = &bytes;
	KUNIT_ASSERT_EQ(test, env_offer(e, 0), 1);
	KUNIT_EXPECT_EQ(test, e->c.nr_out, nr);
	KUNIT_EXPECT_LE(test, bytes, 3 * 16 * nr);
}

/* The first window has as many descriptors as the previous chain. */
static void chain_windows(struct kunit *test)
{
	u32 loads = 0;

	start(64, true, 0xfffe);
	link_chain(17);
	KUNIT_ASSERT_EQ(test, env_offer(e, 0), 1);
	shim.after_load = count;
	shim.arg = &loads;
	KUNIT_ASSERT_EQ(test, env_offer(e, 0), 1);
	KUNIT_EXPECT_EQ(test, e->c.nr_out, 17);
	/* idx, head, first descriptor, others */
	KUNIT_EXPECT_LE(test, loads, 4u);

	/* The last 4 of a table: the window ends with the table. */
	loads = 0;
	env_set_desc(e, 60, ENV_RAM, 1, VRING_DESC_F_NEXT, 61);
	env_set_desc(e, 61, ENV_RAM, 1, VRING_DESC_F_NEXT, 62);
	env_set_desc(e, 62, ENV_RAM, 1, VRING_DESC_F_NEXT, 63);
	env_set_desc(e, 63, ENV_RAM, 1, 0, 0);
	KUNIT_ASSERT_EQ(test, env_offer(e, 60), 1);
	KUNIT_EXPECT_EQ(test, e->c.nr_out, 4);
	KUNIT_EXPECT_LE(test, loads, 4u);
}

/* Jump back and forth: inside the window, before it and after it. */
static void chain_out_of_order(struct kunit *test)
{
	static const u16 order[] = { 8, 9, 12, 10, 3, 4, 2, 15, 0, 9 };
	const int nr = ARRAY_SIZE(order) - 1;
	int i;

	start(16, true, 0xfffe);
	link_chain(8);			/* makes the windows long */
	KUNIT_ASSERT_EQ(test, env_offer(e, 0), 1);
	for (i = 0; i < nr; i++)
		env_set_desc(e, order[i], ENV_RAM + 0x100 * i, 1 + i,
			     i + 1 < nr ? VRING_DESC_F_NEXT : 0, order[i + 1]);
	KUNIT_ASSERT_EQ(test, env_offer(e, 8), 1);
	KUNIT_EXPECT_EQ(test, e->c.nr_out, nr);
	for (i = 0; i < nr; i++)
		expect_segment(test, i, ENV_RAM + 0x100 * i, 1 + i);

	/* then back to a descriptor that was already used */
	env_set_desc(e, 0, ENV_RAM, 1, VRING_DESC_F_NEXT, 9);
	expect_fault(test, 8, VTAP_FAULT_CHAIN_LOOP);
}

/* Fail every access in turn. No chain is consumed until none fails. */
static void chain_fault_sweep(struct kunit *test)
{
	unsigned long n;
	int ret = -EIO;

	for (n = 1; ret != 1; n++) {
		KUNIT_ASSERT_LE(test, n, 100ul);
		start(8, true, 0xfffe);
		shim_reset();
		KUNIT_ASSERT_TRUE(test, vtap_ring_memory_ok(&e->cfg));
		link_chain(5);
		shim.fail_at = n;
		ret = env_offer(e, 0);
		if (ret == 1)
			break;
		shim.fail_at = 0;
		KUNIT_EXPECT_EQ(test, ret, -EIO);
		KUNIT_EXPECT_EQ(test, e->r.last_avail, 0xfffe);
		env_expect_refusal(test, e, VTAP_FAULT_RING_ACCESS);
	}
	/* idx, head, first descriptor; three windows of 1, 2 and 1 more */
	KUNIT_EXPECT_GE(test, n, 1 + 1 + 1 + 1 + 3 * 2ul);
}

static struct kunit_case chain_cases[] = {
	KUNIT_CASE(chain_single),
	ENV_CASE(chain_unknown_flags),
	KUNIT_CASE(chain_readable_then_writable),
	ENV_CASE(chain_readable_after_writable),
	ENV_CASE(chain_every_length),
	ENV_CASE(chain_longest_by_ring_size),
	KUNIT_CASE(chain_loops),
	KUNIT_CASE(chain_next_range),
	ENV_CASE(chain_zero_length),
	ENV_CASE(chain_cost),
	ENV_CASE(chain_unmapped),
	ENV_CASE(chain_four_gib_totals),
	ENV_CASE(chain_spans_regions),
	ENV_CASE(chain_segment_limit),
	KUNIT_CASE(chain_survives_changes),
	KUNIT_CASE(chain_windows),
	KUNIT_CASE(chain_windows_shrink),
	KUNIT_CASE(chain_out_of_order),
	KUNIT_CASE(chain_fault_sweep),
	{}
};

static struct kunit_suite chain_suite = {
	.name = "vtap_chain",
	.init = chain_init,
	.exit = end_case,
	.test_cases = chain_cases,
};

kunit_test_suite(chain_suite);
