// SPDX-License-Identifier: GPL-2.0
/*
 * indirect_test.c - indirect tables: every rule and every limit
 *
 * Cases with links out of order, or with direct descriptors before the table, are for split
 * rings; all others run for both formats.
 */
#include "env_case.h"
#include "pdriver.h"

#define TABLE	(ENV_RAM + 0x8000)	/* default address of tables */
#define HOLE	0x40000000ull
#define END	(ENV_RAM + ENV_RAM_SIZE)

ENV_FORMATS();

static void restart(void)
{
	start(8, true, packed ? 0x8000 | 7 : 0xffff);
}

static int indirect_init(struct kunit *test)
{
	const struct env_format *f = test->param_value;

	packed = f && f->packed;
	restart();
	return 0;
}

/* Write entry @i of @table, which may be unaligned or cross regions. */
static void set_entry(u64 table, u32 i, u64 gpa, u32 len, u16 flags, u16 next)
{
	struct drv_desc split = { gpa, len, flags, next };
	struct pdrv_desc pdesc = { gpa, len, next, flags };
	const u8 *from = packed ? (u8 *)&pdesc : (u8 *)&split;
	unsigned int k;

	for (k = 0; k < sizeof(split); k++)
		*(u8 *)gmem_hva(&e->g, table + i * sizeof(split) + k, 1) = from[k];
}

/* Write @nr entries in order, with buffers of 1, 2, 3, ... bytes. */
static void fill_table(u64 table, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		set_entry(table, i, ENV_RAM + 4 * i, i + 1,
			  i + 1 < nr ? VRING_DESC_F_NEXT : 0, i + 1);
}

static int offer_table(u64 table, u32 len)
{
	return env_offer_chain(e, &(struct drv_desc){ table, len, DRV_INDIRECT }, 1);
}

static void expect_fault(struct kunit *test, int ret, enum vtap_fault fault)
{
	KUNIT_EXPECT_EQ(test, ret, -EIO);
	KUNIT_EXPECT_EQ(test, e->r.last_avail, e->start);
	env_expect_refusal(test, e, fault);
}

/* Expect @nr buffers as fill_table() wrote them. */
static void expect_filled(struct kunit *test, u32 nr)
{
	u32 i;

	KUNIT_ASSERT_EQ(test, e->c.nr_out, nr);
	KUNIT_EXPECT_EQ(test, e->c.out_len, nr * (nr + 1ull) / 2);
	for (i = 0; i < nr; i++) {
		KUNIT_EXPECT_EQ(test, e->iov[i].iov_len, i + 1ul);
		KUNIT_EXPECT_PTR_EQ(test, e->iov[i].iov_base,
				    gmem_hva(&e->g, ENV_RAM + 4 * i, 1));
	}
}

static void indirect_every_length(struct kunit *test)
{
	u32 nr;

	for (nr = 1; nr <= 200; nr++) {
		fill_table(TABLE, nr);
		KUNIT_ASSERT_EQ(test, offer_table(TABLE, nr * 16), 1);
		KUNIT_EXPECT_EQ(test, e->c.head, 0);
		expect_filled(test, nr);
	}
}

/* The table may be longer than its chain. */
static void indirect_chain_ends_early(struct kunit *test)
{
	fill_table(TABLE, 3);
	KUNIT_ASSERT_EQ(test, offer_table(TABLE, 100 * 16), 1);
	expect_filled(test, 3);
}

static void indirect_backwards(struct kunit *test)
{
	u32 i, nr = 150;

	/* Entry 0 is first, then the chain goes from the end down to 1. */
	for (i = 0; i < nr; i++)
		set_entry(TABLE, i, ENV_RAM, 7, i == 1 ? 0 : VRING_DESC_F_NEXT,
			  i ? i - 1 : nr - 1);
	KUNIT_ASSERT_EQ(test, offer_table(TABLE, nr * 16), 1);
	KUNIT_EXPECT_EQ(test, e->c.nr_out, nr);
	KUNIT_EXPECT_EQ(test, e->c.out_len, 7ull * nr);
}

static void indirect_writable_part(struct kunit *test)
{
	/* Virtio 1.2, 2.7.5.3.2: WRITE is ignored together with INDIRECT. */
	struct drv_desc d = { TABLE, 48, DRV_INDIRECT | DRV_WRITE };

	set_entry(TABLE, 0, ENV_RAM, 12, VRING_DESC_F_NEXT, 1);
	set_entry(TABLE, 1, ENV_RAM + 64, 100,
		  VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 2);
	set_entry(TABLE, 2, ENV_RAM + 640, 200, VRING_DESC_F_WRITE, 0);
	KUNIT_ASSERT_EQ(test, env_offer_chain(e, &d, 1), 1);
	env_expect_chain(test, e, 1, 12, 2, 300);

	set_entry(TABLE, 2, ENV_RAM + 640, 200, 0, 0);
	KUNIT_EXPECT_EQ(test, offer_table(TABLE, 48), -EIO);
	env_expect_refusal(test, e, VTAP_FAULT_CHAIN_ORDER);
}

static void indirect_after_direct(struct kunit *test)
{
	fill_table(TABLE, 70);
	env_set_desc(e, 4, ENV_RAM, 12, VRING_DESC_F_NEXT, 6);
	env_set_desc(e, 6, TABLE, 70 * 16, VRING_DESC_F_INDIRECT, 0);
	KUNIT_ASSERT_EQ(test, env_offer(e, 4), 1);
	KUNIT_EXPECT_EQ(test, e->c.head, 4);
	KUNIT_EXPECT_EQ(test, e->c.nr_out, 71);
	KUNIT_EXPECT_EQ(test, e->c.out_len, 12ull + 70 * 71 / 2);

	/* Writable before the table, readable in it. */
	e->d.desc[4].flags |= VRING_DESC_F_WRITE;
	KUNIT_EXPECT_EQ(test, env_offer(e, 4), -EIO);
	env_expect_refusal(test, e, VTAP_FAULT_CHAIN_ORDER);
}

static void indirect_bad_length(struct kunit *test)
{
	static const u32 bad[] = { 0, 1, 15, 17, 24, 31, 33, 0xfffffff1,
				   U32_MAX };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		restart();
		fill_table(TABLE, 3);
		expect_fault(test, offer_table(TABLE, bad[i]),
			     VTAP_FAULT_INDIRECT_LEN);
	}
}

static void indirect_too_big(struct kunit *test)
{
	static const u32 bad[] = { 65537 * 16, 0x80000000, 0xfffffff0 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		restart();
		gmem_claim(&e->g, 1ull << 40, 1ull << 33, 1ull << 42);
		env_map(e);
		expect_fault(test, offer_table(1ull << 40, bad[i]),
			     VTAP_FAULT_INDIRECT_BIG);
	}
	/* The largest valid table: only its memory is missing. */
	restart();
	gmem_claim(&e->g, 1ull << 40, 1ull << 33, 1ull << 42);
	env_map(e);
	expect_fault(test, offer_table(1ull << 40, 65536 * 16),
		     VTAP_FAULT_INDIRECT_ACCESS);
}

/* 65536 entries; the chain jumps through the last ones. */
static void indirect_largest_table(struct kunit *test)
{
	gmem_add(&e->g, HOLE, 65536 * 16);
	env_map(e);
	set_entry(HOLE, 0, ENV_RAM, 1, VRING_DESC_F_NEXT, 65535);
	set_entry(HOLE, 65535, ENV_RAM, 2, VRING_DESC_F_NEXT, 32768);
	set_entry(HOLE, 32768, ENV_RAM, 3, 0, 0);
	KUNIT_ASSERT_EQ(test, offer_table(HOLE, 65536 * 16), 1);
	KUNIT_EXPECT_EQ(test, e->c.nr_out, 3);
	KUNIT_EXPECT_EQ(test, e->c.out_len, 6ull);
}

static void indirect_longest(struct kunit *test)
{
	fill_table(TABLE, VTAP_CHAIN_MAX);
	KUNIT_ASSERT_EQ(test, offer_table(TABLE, VTAP_CHAIN_MAX * 16), 1);
	expect_filled(test, VTAP_CHAIN_MAX);

	restart();
	fill_table(TABLE, VTAP_CHAIN_MAX + 1);
	expect_fault(test, offer_table(TABLE, (VTAP_CHAIN_MAX + 1) * 16),
		     VTAP_FAULT_CHAIN_LONG);
}

/* In a chain with a direct part both parts count. */
static void indirect_longest_after_direct(struct kunit *test)
{
	fill_table(TABLE, VTAP_CHAIN_MAX - 1);
	env_set_desc(e, 1, ENV_RAM, 1, VRING_DESC_F_NEXT, 2);
	env_set_desc(e, 2, TABLE, (VTAP_CHAIN_MAX - 1) * 16, VRING_DESC_F_INDIRECT,
		     0);
	KUNIT_ASSERT_EQ(test, env_offer(e, 1), 1);
	KUNIT_EXPECT_EQ(test, e->c.nr_out, VTAP_CHAIN_MAX);

	fill_table(TABLE, VTAP_CHAIN_MAX);
	e->d.desc[2].len = VTAP_CHAIN_MAX * 16;
	KUNIT_EXPECT_EQ(test, env_offer(e, 1), -EIO);
	env_expect_refusal(test, e, VTAP_FAULT_CHAIN_LONG);
}

static void indirect_nested(struct kunit *test)
{
	static const u32 at[] = { 0, 1, 63, 64, 79 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(at); i++) {
		restart();
		fill_table(TABLE, 80);
		set_entry(TABLE, at[i], TABLE, 80 * 16, VRING_DESC_F_INDIRECT,
			  0);
		expect_fault(test, offer_table(TABLE, 80 * 16),
			     VTAP_FAULT_INDIRECT_NESTED);
	}
}

static void indirect_and_next(struct kunit *test)
{
	const struct drv_desc d[] = {
		{ ENV_RAM, 1 }, { TABLE, 32, DRV_INDIRECT }, { ENV_RAM, 1 },
	};

	fill_table(TABLE, 2);
	expect_fault(test, env_offer_chain(e, d + 1, 2), VTAP_FAULT_INDIRECT_NEXT);
	restart();
	fill_table(TABLE, 2);
	expect_fault(test, env_offer_chain(e, d, 3), VTAP_FAULT_INDIRECT_NEXT);
}

static void indirect_next_range(struct kunit *test)
{
	static const u16 bad[] = { 70, 71, 0x7fff, 0xffff };
	static const u32 at[] = { 0, 5, 63, 64, 69 };
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		for (k = 0; k < ARRAY_SIZE(at); k++) {
			restart();
			fill_table(TABLE, 70);
			set_entry(TABLE, at[k], ENV_RAM, 1, VRING_DESC_F_NEXT,
				  bad[i]);
			expect_fault(test, offer_table(TABLE, 70 * 16),
				     VTAP_FAULT_NEXT_RANGE);
		}
}

static void indirect_loops(struct kunit *test)
{
	static const struct { u32 nr, from, next; enum vtap_fault fault; } t[] = {
		{ 1, 0, 0, VTAP_FAULT_CHAIN_LOOP },
		{ 2, 1, 0, VTAP_FAULT_CHAIN_LOOP },
		{ 64, 63, 63, VTAP_FAULT_CHAIN_LOOP },
		{ 65, 64, 0, VTAP_FAULT_CHAIN_LOOP },
		{ 1000, 999, 500, VTAP_FAULT_CHAIN_LOOP },
		{ 2000, 1999, 0, VTAP_FAULT_CHAIN_LONG },
		{ 2000, 1, 0, VTAP_FAULT_CHAIN_LONG },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		restart();
		fill_table(TABLE, t[i].nr);
		set_entry(TABLE, t[i].from, ENV_RAM, 0, VRING_DESC_F_NEXT,
			  t[i].next);
		expect_fault(test, offer_table(TABLE, t[i].nr * 16),
			     t[i].fault);
	}
}

static void add_bytes(void *addr, size_t len, void *arg)
{
	*(size_t *)arg += len;
}

/* Every step leaves the window. The number of bytes copied is still bounded. */
static void indirect_hostile_jumps(struct kunit *test)
{
	size_t bytes = 0;
	u32 i;

	for (i = 0; i < 2000; i++)
		set_entry(TABLE, i, ENV_RAM, 1, VRING_DESC_F_NEXT,
			  (i + 1000) % 2000);
	shim.nr = 0;
	shim.after_load = add_bytes;
	shim.arg = &bytes;
	expect_fault(test, offer_table(TABLE, 2000 * 16),
		     VTAP_FAULT_CHAIN_LONG);
	KUNIT_EXPECT_LT(test, shim.nr, VTAP_CHAIN_MAX + 32ul);
	/* At most one window more than for a chain in order. */
	KUNIT_EXPECT_LT(test, bytes, (VTAP_CHAIN_MAX + 2 * VTAP_FETCH) * 16ul);
}

/* A table that starts or ends outside memory. */
static void indirect_unmapped(struct kunit *test)
{
	static const struct { u64 gpa; u32 nr; } bad[] = {
		{ HOLE, 1 },
		{ ENV_RAM - 16, 2 },
		{ ENV_RAM - 1, 1 },
		{ END - 15, 1 },
		{ END - 16, 2 },
		{ U64_MAX - 15, 1 },		/* ends at 2^64 */
		{ U64_MAX - 14, 1 },		/* wraps */
		{ U64_MAX, 65536 },
		{ 0 - 65535ull * 16, 65536 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		restart();
		fill_table(TABLE, 2);
		if (bad[i].gpa == END - 16)
			set_entry(END - 16, 0, ENV_RAM, 1, VRING_DESC_F_NEXT,
				  1);
		expect_fault(test, offer_table(bad[i].gpa, bad[i].nr * 16),
			     VTAP_FAULT_INDIRECT_ACCESS);
	}
}

/* A table may cross regions, aligned or with an entry in two of them. */
static void indirect_spans_regions(struct kunit *test)
{
	u64 at;

	gmem_add(&e->g, END, 0x20);
	gmem_add(&e->g, END + 0x20, 0x1000);
	env_map(e);
	for (at = END - 100; at < END + 0x30; at++) {
		fill_table(at, 75);
		KUNIT_ASSERT_EQ(test, offer_table(at, 75 * 16), 1);
		expect_filled(test, 75);
	}
}

static void indirect_bad_buffers(struct kunit *test)
{
	fill_table(TABLE, 70);
	set_entry(TABLE, 66, HOLE, 1, VRING_DESC_F_NEXT, 67);
	expect_fault(test, offer_table(TABLE, 70 * 16), VTAP_FAULT_UNMAPPED);

	restart();
	fill_table(TABLE, 3);
	set_entry(TABLE, 1, END - 1, 2, VRING_DESC_F_NEXT, 2);
	expect_fault(test, offer_table(TABLE, 48), VTAP_FAULT_UNMAPPED);

	/* All buffers empty: a chain without segments. */
	restart();
	set_entry(TABLE, 0, HOLE, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, offer_table(TABLE, 16), 1);
	KUNIT_EXPECT_EQ(test, e->c.nr_out + e->c.nr_in, 0);
}

static void indirect_exceeds_room(struct kunit *test)
{
	fill_table(TABLE, 70);
	env_show_chain(e, &(struct drv_desc){ TABLE, 70 * 16, DRV_INDIRECT }, 1);
	e->c.iov = e->iov;
	e->c.iov_max = 69;
	KUNIT_EXPECT_EQ(test, vtap_ring_pop(&e->r, &e->m, &e->c, packed), -ENOBUFS);
	KUNIT_EXPECT_EQ(test, (int)e->r.fault, VTAP_FAULT_NONE);
	KUNIT_EXPECT_EQ(test, e->r.last_avail, e->start);
	e->c.iov_max = 70;
	KUNIT_EXPECT_EQ(test, vtap_ring_pop(&e->r, &e->m, &e->c, packed), 1);
	expect_filled(test, 70);
}

static void flip(void *addr, size_t len, void *arg)
{
	u8 *p = addr;

	while (len--)
		*p++ ^= 0xff;
}

/* The guest changes everything after it was read, first the table's length. */
static void indirect_survives_changes(struct kunit *test)
{
	fill_table(TABLE, 75);
	shim.after_load = flip;
	KUNIT_ASSERT_EQ(test, offer_table(TABLE, 75 * 16), 1);
	expect_filled(test, 75);
}

static void indirect_fault_sweep(struct kunit *test)
{
	unsigned long n;
	int ret;

	for (n = 1;; n++) {
		KUNIT_ASSERT_LE(test, n, 100ul);
		restart();
		shim_reset();
		KUNIT_ASSERT_TRUE(test, vtap_ring_memory_ok(&e->cfg));
		gmem_add(&e->g, END, 0x1000);
		env_map(e);
		fill_table(END - 40, 75);
		shim.fail_at = n;
		ret = offer_table(END - 40, 75 * 16);
		if (ret == 1)
			break;
		shim.fail_at = 0;
		KUNIT_EXPECT_EQ(test, ret, -EIO);
		KUNIT_EXPECT_EQ(test, e->r.last_avail, e->start);
		env_expect_refusal(test, e, e->r.fault);
		if (e->r.fault != VTAP_FAULT_RING_ACCESS)
			KUNIT_EXPECT_EQ(test, (int)e->r.fault,
					VTAP_FAULT_INDIRECT_ACCESS);
	}
	/* Window, idx and head of a split ring, descriptor; the table in three pieces. */
	KUNIT_EXPECT_GE(test, n, packed ? 6ul : 8ul);
}

static struct kunit_case indirect_cases[] = {
	ENV_CASE(indirect_every_length),
	KUNIT_CASE(indirect_chain_ends_early),
	KUNIT_CASE(indirect_backwards),
	ENV_CASE(indirect_writable_part),
	KUNIT_CASE(indirect_after_direct),
	ENV_CASE(indirect_bad_length),
	ENV_CASE(indirect_too_big),
	KUNIT_CASE(indirect_largest_table),
	ENV_CASE(indirect_longest),
	KUNIT_CASE(indirect_longest_after_direct),
	ENV_CASE(indirect_nested),
	ENV_CASE(indirect_and_next),
	KUNIT_CASE(indirect_next_range),
	KUNIT_CASE(indirect_loops),
	KUNIT_CASE(indirect_hostile_jumps),
	ENV_CASE(indirect_unmapped),
	ENV_CASE(indirect_spans_regions),
	ENV_CASE(indirect_bad_buffers),
	ENV_CASE(indirect_exceeds_room),
	ENV_CASE(indirect_survives_changes),
	ENV_CASE(indirect_fault_sweep),
	{}
};

static struct kunit_suite indirect_suite = {
	.name = "vtap_indirect",
	.init = indirect_init,
	.exit = end_case,
	.test_cases = indirect_cases,
};

kunit_test_suite(indirect_suite);
