// SPDX-License-Identifier: GPL-2.0
/*
 * run_test.c - operations on several chains, against those on one chain
 *
 * pop_run must find what pop finds, and stop at every chain that pop treats in
 * a special way. stage_run must record what stage records.
 */
#include "env.h"

#define OTHER_RAM	0x40000000ull	/* a second region */
#define SLOT		2048u
#define MAX_CHAINS	64
#define ROUNDS		400

/* Chains of one packet. */
struct popped_packet {
	struct vtap_used used[MAX_CHAINS];
	struct iovec iov[VTAP_CHAIN_MAX];
	u32 nr;
	u32 nr_iov;
	u32 nr_by_run;
	int ret;		/* of the last pop */
};

static struct env *e;
static struct rnd dice;
static bool packed;

ENV_FORMATS();

static void start(u16 num)
{
	env_free(e);
	shim_reset();		/* The shim remembers few addresses. */
	e = env_new(packed, num, true, packed ? 0x8000 : 0xfff0);
	gmem_add(&e->g, OTHER_RAM, ENV_RAM_SIZE);
	env_map(e);
	drv_alloc_tables(&e->d, 2);
}

static int run_init(struct kunit *test)
{
	const struct env_format *f = test->param_value;

	packed = f->packed;
	dice.state = 42;
	return 0;
}

static void run_exit(struct kunit *test)
{
	env_free(e);
	e = NULL;
}

/*
 * Mostly a buffer that RX gets from a driver, else one that ends a run. Many
 * have the length of the last one, or follow it in memory.
 */
static int add_chain(u64 cookie)
{
	static u64 next_at;
	static u32 len;
	u64 at = ENV_RAM + 0x40000 + rnd_below(&dice, 256) * SLOT;
	struct seg buf[2] = { { at, 0, true }, { at, SLOT, true } };

	if (!len || !rnd_below(&dice, 4))
		len = 1 + rnd_below(&dice, SLOT);
	if (next_at && next_at <= ENV_RAM + ENV_RAM_SIZE - len &&
	    rnd_below(&dice, 2))
		buf[0].gpa = next_at;
	buf[0].len = len;
	next_at = buf[0].gpa + len;

	switch (rnd_below(&dice, 40)) {
	case 0:
		buf[0].is_write = false;
		break;
	case 1:
		buf[0].len = 0;
		break;
	case 2:
		buf[0].gpa = OTHER_RAM + rnd_below(&dice, 256) * SLOT;
		break;
	case 3:			/* outside of all regions, or in part */
		buf[0].gpa = OTHER_RAM + ENV_RAM_SIZE - rnd_below(&dice, 2);
		buf[0].len = 2;
		break;
	case 4:
		return drv_add(&e->d, buf, 2, cookie);
	case 5:
		return drv_add_indirect(&e->d, buf, 1 + rnd_below(&dice, 2), 0,
					cookie);
	}
	return drv_add(&e->d, buf, 1, cookie);
}

/* Take chains for @need bytes as RX does, with or without pop_run. */
static void take(struct popped_packet *t, u32 need, u32 max, bool use_runs)
{
	*t = (struct popped_packet){ .ret = 1 };
	while (need && t->nr < max) {
		struct vtap_run run;

		e->c.iov = t->iov + t->nr_iov;
		e->c.iov_max = VTAP_CHAIN_MAX - t->nr_iov;
		t->ret = vtap_ring_pop_plain(&e->r, &e->m, &e->c,
					     e->r.packed);
		shim_idle();
		if (t->ret != 1)
			return;
		t->used[t->nr].head = e->c.head;
		t->used[t->nr].len = min_t(u64, e->c.in_len, need);
		need -= t->used[t->nr++].len;
		t->nr_iov += e->c.nr_out + e->c.nr_in;
		/* A run needs a segment before it. */
		if (!need || !use_runs || !t->nr_iov)
			continue;

		run = (struct vtap_run){
			.iov = t->iov + t->nr_iov - 1, .used = t->used + t->nr,
			.max = max - t->nr, .need = need,
		};
		vtap_ring_pop_run(&e->r, &e->m, &run, e->r.packed);
		t->nr += run.nr;
		t->nr_iov += run.nr_iov;
		t->nr_by_run += run.nr;
		need = run.need;
	}
}

/* pop does not merge segments of different chains, and pop_run does. */
static void merge_segments(struct popped_packet *t)
{
	struct iovec *to = t->iov;
	u32 i;

	for (i = 1; i < t->nr_iov; i++) {
		if (t->iov[i].iov_base == to->iov_base + to->iov_len)
			to->iov_len += t->iov[i].iov_len;
		else
			*++to = t->iov[i];
	}
	if (t->nr_iov)
		t->nr_iov = to - t->iov + 1;
}

static void stage(struct kunit *test, const struct popped_packet *t)
{
	u32 i, nr;

	for (i = 0; i < t->nr; i++) {
		nr = rnd_below(&dice, t->nr - i + 1);
		i += vtap_ring_stage_run(&e->r, t->used + i, nr, e->r.packed);
		if (i == t->nr)
			break;
		KUNIT_ASSERT_EQ(test, vtap_ring_stage(&e->r, t->used[i].head,
						      t->used[i].len,
						      e->r.packed), 0);
	}
}

/* The driver gets the chains of a packet back, in order. */
static void expect_used(struct kunit *test, const struct popped_packet *t, u64 *next)
{
	unsigned long long cookie;
	u32 len, i;

	KUNIT_ASSERT_EQ(test, vtap_ring_publish(&e->r, e->r.packed), (int)t->nr);
	shim_idle();
	for (i = 0; i < t->nr; i++) {
		KUNIT_ASSERT_TRUE(test, drv_get(&e->d, &cookie, &len));
		KUNIT_ASSERT_EQ(test, cookie, *next);
		KUNIT_ASSERT_EQ(test, len, t->used[i].len);
		++*next;
	}
	KUNIT_EXPECT_FALSE(test, drv_get(&e->d, &cookie, &len));
}

static void expect_same(struct kunit *test, u16 num)
{
	u64 added = 0, used = 0, nr = 0, nr_by_run = 0, nr_merged = 0;
	static struct popped_packet one, runs;
	int i;

	start(num);
	for (i = 0; i < ROUNDS; i++) {
		u32 need = 1 + rnd_below(&dice, 32 * SLOT);
		u32 max = 1 + rnd_below(&dice, MAX_CHAINS), n;

		while (add_chain(added) >= 0)
			added++;
		drv_publish(&e->d);
		take(&one, need, max, false);
		for (n = one.nr; n; n--)
			vtap_ring_discard(&e->r, &one.used[n - 1].head, 1, packed);
		if (one.ret < 0) {
			/* Chains before the bad one are given back by RX. */
			KUNIT_ASSERT_EQ(test, e->r.fault, VTAP_FAULT_UNMAPPED);
			vtap_ring_clear_fault(&e->r);
		}
		vtap_ring_refetch(&e->r);
		take(&runs, need, max, true);
		KUNIT_ASSERT_EQ(test, runs.ret, one.ret);
		KUNIT_ASSERT_EQ(test, runs.nr, one.nr);
		KUNIT_ASSERT_TRUE(test, runs.nr_iov <= one.nr_iov);
		nr_merged += one.nr_iov - runs.nr_iov;
		merge_segments(&one);
		merge_segments(&runs);
		KUNIT_ASSERT_EQ(test, runs.nr_iov, one.nr_iov);
		KUNIT_ASSERT_EQ(test, memcmp(runs.used, one.used,
					     sizeof(one.used)), 0);
		KUNIT_ASSERT_EQ(test, memcmp(runs.iov, one.iov, one.nr_iov *
					     sizeof(*one.iov)), 0);
		nr += runs.nr;
		nr_by_run += runs.nr_by_run;
		if (runs.ret < 0) {
			start(num);
			added = 0;
			used = 0;
			continue;
		}
		stage(test, &runs);
		expect_used(test, &runs, &used);
	}
	/* A ring of two entries has no run that is worth the name. */
	if (num > 2) {
		KUNIT_EXPECT_GT(test, nr_by_run, nr / 3);
		KUNIT_EXPECT_GT(test, nr_merged, nr_by_run / 8);
	}
}

static void run_same_as_pop(struct kunit *test)
{
	static const u16 split_sizes[] = { 2, 4, 8, 16, 32, 64, 128, 256, 512 };
	static const u16 packed_sizes[] = { 2, 3, 16, 61, 64, 100, 256 };
	int i;

	for (i = 0; i < (packed ? ARRAY_SIZE(packed_sizes) : ARRAY_SIZE(split_sizes)); i++)
		expect_same(test, packed ? packed_sizes[i] : split_sizes[i]);
}

/* Take chains of the buffers @buf, until one is a fault or @need bytes have room. */
static void take_buffers(struct popped_packet *t, const struct seg *buf, u32 nr,
			 u32 need)
{
	u32 i;

	for (i = 0; i < nr; i++)
		drv_add(&e->d, buf + i, 1, i);
	drv_publish(&e->d);
	take(t, need, nr, true);
}

static void expect_segment(struct kunit *test, const struct popped_packet *t,
			   u32 i, u64 gpa, size_t len)
{
	KUNIT_ASSERT_TRUE(test, i < t->nr_iov);
	KUNIT_EXPECT_PTR_EQ(test, t->iov[i].iov_base,
			    gmem_hva(&e->g, gpa, len));
	KUNIT_EXPECT_EQ(test, (u64)t->iov[i].iov_len, (u64)len);
}

/* Buffers that follow each other are one segment. Others are not, whatever their order. */
static void run_adjacent(struct kunit *test)
{
	const u64 at = ENV_RAM + 0x40000;
	const struct seg buf[] = {
		{ at, 0x100, true }, { at + 0x100, 0x100, true },
		{ at + 0x200, 0x80, true }, { at + 0x281, 0x80, true },
		{ at + 0x201, 0x80, true }, { at + 0x201, 0x80, true },
	};
	static const u32 len[] = { 0x100, 0x100, 0x80, 0x80, 0x80, 0x7f };
	static struct popped_packet t;
	u32 i;

	start(16);
	take_buffers(&t, buf, ARRAY_SIZE(buf), 0x3ff);
	KUNIT_ASSERT_EQ(test, t.nr, ARRAY_SIZE(buf));
	KUNIT_EXPECT_EQ(test, t.nr_by_run, t.nr - 1);
	for (i = 0; i < t.nr; i++)
		KUNIT_EXPECT_EQ(test, t.used[i].len, len[i]);
	KUNIT_ASSERT_EQ(test, t.nr_iov, 4);
	expect_segment(test, &t, 0, at, 0x280);
	expect_segment(test, &t, 1, at + 0x281, 0x80);
	expect_segment(test, &t, 2, at + 0x201, 0x80);
	expect_segment(test, &t, 3, at + 0x201, 0x80);
}

/* A run takes a buffer that ends with its region, and leaves the next region to pop. */
static void run_region_end(struct kunit *test)
{
	const u64 end = ENV_RAM + ENV_RAM_SIZE;
	const struct seg buf[] = {
		{ end - 0x30, 0x10, true }, { end - 0x20, 0x10, true },
		{ end - 0x10, 0x10, true }, { end, 0x10, true },
		{ end + 0x10, 0x10, true },
	};
	static struct popped_packet t;
	int i;

	start(16);
	gmem_add(&e->g, end, ENV_RAM_SIZE);
	env_map(e);
	take_buffers(&t, buf, ARRAY_SIZE(buf), 0x50);
	KUNIT_ASSERT_EQ(test, t.nr, ARRAY_SIZE(buf));
	KUNIT_EXPECT_EQ(test, t.nr_by_run, 3);
	KUNIT_ASSERT_EQ(test, t.nr_iov, 2);
	expect_segment(test, &t, 0, end - 0x30, 0x30);
	expect_segment(test, &t, 1, end, 0x20);
	for (i = 0; i < (int)t.nr; i++)
		KUNIT_EXPECT_EQ(test, t.used[i].len, 0x10);
}

/* pop finds the fault of a buffer outside of memory, whose length is the usual one. */
static void run_outside(struct kunit *test)
{
	const u64 end = ENV_RAM + ENV_RAM_SIZE;
	const u64 at[] = {
		end, end - 1, end - 0xf, ENV_RAM - 1, ENV_RAM - 0x10, 0,
		U64_MAX, U64_MAX - 0xf,
	};
	static struct popped_packet t;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(at); i++) {
		const struct seg buf[] = {
			{ ENV_RAM + 0x40000, 0x10, true },
			{ end - 0x10, 0x10, true }, { at[i], 0x10, true },
		};

		start(16);
		take_buffers(&t, buf, ARRAY_SIZE(buf), 0x30);
		KUNIT_EXPECT_EQ(test, t.ret, -EIO);
		KUNIT_EXPECT_EQ(test, e->r.fault, VTAP_FAULT_UNMAPPED);
		KUNIT_EXPECT_EQ(test, t.nr, 2);
		KUNIT_EXPECT_EQ(test, t.nr_by_run, 1);
	}
}

/* A buffer without bytes, or longer than its region, is left to pop. */
static void run_length(struct kunit *test)
{
	const u64 at = ENV_RAM + 0x40000;
	struct seg buf[] = {
		{ at, 0x10, true }, { at + 0x10, 0x10, true },
		{ at + 0x20, 0, true }, { at + 0x20, 0x10, true },
	};
	static struct popped_packet t;

	start(16);
	take_buffers(&t, buf, ARRAY_SIZE(buf), 0x30);
	KUNIT_ASSERT_EQ(test, t.nr, ARRAY_SIZE(buf));
	KUNIT_EXPECT_EQ(test, t.nr_by_run, 2);
	KUNIT_ASSERT_EQ(test, t.nr_iov, 1);
	expect_segment(test, &t, 0, at, 0x30);
	KUNIT_EXPECT_EQ(test, t.used[2].len, 0);

	buf[2].len = ENV_RAM_SIZE + 1;
	start(16);
	take_buffers(&t, buf, ARRAY_SIZE(buf), 0x30);
	KUNIT_EXPECT_EQ(test, t.nr_by_run, 1);
	KUNIT_EXPECT_EQ(test, e->r.fault, VTAP_FAULT_UNMAPPED);
	buf[2].len = U32_MAX;
	start(16);
	take_buffers(&t, buf, ARRAY_SIZE(buf), 0x30);
	KUNIT_EXPECT_EQ(test, t.nr_by_run, 1);
	KUNIT_EXPECT_EQ(test, e->r.fault, VTAP_FAULT_UNMAPPED);
}

/* A broken ring gives no run, and records nothing. */
static void run_broken(struct kunit *test)
{
	struct vtap_used used[2] = { { 0, 1 }, { 1, 1 } };
	struct iovec iov[3] = {};
	struct vtap_run run = {
		.iov = iov, .used = used, .max = 2, .need = 2,
	};

	start(8);
	while (add_chain(0) >= 0)
		;
	drv_publish(&e->d);
	KUNIT_ASSERT_EQ(test, env_pop(e), 1);
	vtap_ring_break(&e->r, VTAP_FAULT_CHAIN_EMPTY);
	vtap_ring_pop_run(&e->r, &e->m, &run, packed);
	KUNIT_EXPECT_EQ(test, run.nr, 0);
	KUNIT_EXPECT_EQ(test, vtap_ring_stage_run(&e->r, used, 2, packed), 0);
	KUNIT_EXPECT_EQ(test, e->r.nr_staged, 0);
}

static struct kunit_case run_cases[] = {
	ENV_CASE(run_same_as_pop),
	ENV_CASE(run_adjacent),
	ENV_CASE(run_region_end),
	ENV_CASE(run_outside),
	ENV_CASE(run_length),
	ENV_CASE(run_broken),
	{}
};

static struct kunit_suite run_suite = {
	.name = "vtap_run",
	.init = run_init,
	.exit = run_exit,
	.test_cases = run_cases,
};

kunit_test_suite(run_suite);
