// SPDX-License-Identifier: GPL-2.0
/*
 * packed_test.c - the packed ring only: wrap counters, ids, long chains
 *
 * ring_test.c has the cases of both formats.
 */
#include "env_case.h"
#include "pdriver.h"

static int packed_init(struct kunit *test)
{
	packed = true;
	start(256, true, 0x8000 | 200);
	return 0;
}

/* Add a chain of @nr buffers, of which the last @nr_in are writable. */
static int add_chain(unsigned int nr, unsigned int nr_in, u64 cookie)
{
	static struct seg buf[256];
	unsigned int i;

	for (i = 0; i < nr; i++)
		buf[i] = (struct seg){ ENV_RAM + i * 64, 64,
					   i >= nr - nr_in };
	return drv_add(&e->d, buf, nr, cookie);
}

static int publish(void)
{
	return vtap_packed_publish(&e->r);
}

static struct pdrv_desc *desc(u16 i)
{
	return pdrv_desc_at(&e->d, i);
}

/* Chains of every length across the end of the ring and of the fetch. */
static void packed_chain_lengths(struct kunit *test)
{
	static const u16 nums[] = { 1, 3, 64, 65, 200, 256 };
	unsigned int i, nr, nr_in;
	u32 turn, n;
	u64 got;

	for (i = 0; i < ARRAY_SIZE(nums); i++) {
		start(nums[i], true, 0x8000);
		for (turn = 0; turn < 3000; turn++) {
			unsigned long long cookie;
			u32 len;
			int ret;

			for (n = 0; ; n++) {
				nr = 1 + (turn * 7 + n * 13) %
				     min_t(u32, nums[i], 150);
				nr_in = n % (nr + 1);
				if (add_chain(nr, nr_in, nr << 8 | nr_in) < 0)
					break;
			}
			drv_publish(&e->d);
			for (got = 0; env_pop(e) == 1; got++) {
				cookie = (e->c.nr_out + e->c.nr_in) << 8 |
					 e->c.nr_in;
				KUNIT_ASSERT_EQ(test, e->d.slot[(u16)e->c.head].cookie,
						cookie);
				KUNIT_EXPECT_TRUE(test, env_chain_ok(e, &e->c));
				ret = vtap_packed_stage(&e->r, e->c.head,
							cookie);
				KUNIT_EXPECT_EQ(test, ret, 0);
			}
			KUNIT_ASSERT_EQ(test, got, n);
			KUNIT_EXPECT_EQ(test, publish(), (int)n);
			for (; n; n--) {
				KUNIT_ASSERT_TRUE(test, drv_get(&e->d, &cookie,
								&len));
				KUNIT_EXPECT_EQ(test, cookie, len);
			}
			KUNIT_EXPECT_EQ(test, e->d.nr_free, nums[i]);
		}
	}
}

/* An indirect table takes one descriptor; only WRITE has a meaning in it. */
static void packed_indirect(struct kunit *test)
{
	struct seg buf[100];
	struct pdrv_desc *table;
	unsigned int nr, i;
	int id;

	start(5, true, 4);
	drv_alloc_tables(&e->d, 100);
	for (nr = 1; nr <= 100; nr++) {
		for (i = 0; i < nr; i++)
			buf[i] = (struct seg){ ENV_RAM + i * 64, 64,
						   i >= nr / 2 };
		id = drv_add_indirect(&e->d, buf, nr, 0, nr);
		KUNIT_ASSERT_GE(test, id, 0);
		table = (struct pdrv_desc *)drv_table(&e->d, id);
		for (i = 0; i < nr; i++)
			table[i].flags |= 0xfff8 | (i % 2 ? DRV_NEXT : 0);
		drv_publish(&e->d);
		KUNIT_ASSERT_EQ(test, env_serve(e, nr * 3), 1);
		KUNIT_EXPECT_EQ(test, e->c.nr_out, nr / 2);
		KUNIT_EXPECT_EQ(test, e->c.nr_in, nr - nr / 2);
		KUNIT_EXPECT_TRUE(test, env_chain_ok(e, &e->c));
		KUNIT_EXPECT_EQ(test, publish(), 1);
		env_expect_used(test, e, 1, nr);
	}
}

/* The used entry is written at the start of the chain, and nothing else. */
static void packed_used_entry(struct kunit *test)
{
	struct pdrv_desc before[5], want;
	int id;

	start(5, true, 3);
	id = add_chain(3, 1, 0);
	drv_publish(&e->d);
	memcpy(before, desc(0), sizeof(before));
	KUNIT_EXPECT_EQ(test, env_serve(e, 77), 1);
	KUNIT_EXPECT_TRUE(test, !memcmp(before, desc(0), sizeof(before)));
	KUNIT_EXPECT_EQ(test, publish(), 1);
	want = before[3];
	want.len = 77;
	want.id = id;
	want.flags = DRV_WRITE;		/* both bits as the wrap counter: 0 */
	KUNIT_EXPECT_TRUE(test, !memcmp(&want, desc(3), sizeof(want)));
	before[3] = want;
	KUNIT_EXPECT_TRUE(test, !memcmp(before, desc(0), sizeof(before)));
	KUNIT_EXPECT_EQ(test, e->r.last_used, 0x8000 | 1);

	/* the next entry is in the other lap, with no bytes written */
	add_chain(1, 0, 0);
	drv_publish(&e->d);
	KUNIT_EXPECT_EQ(test, env_serve(e, 0), 1);
	KUNIT_EXPECT_EQ(test, publish(), 1);
	KUNIT_EXPECT_EQ(test, desc(1)->flags, 0x8080);
}

/* The driver may choose any id of 16 bits, and use it twice. */
static void packed_any_id(struct kunit *test)
{
	static const u16 ids[] = { 0, 255, 256, 0x7fff, 0x8000, 0xffff, 0xffff };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		add_chain(1, 0, 0);
		desc(200 + i)->id = ids[i];
	}
	drv_publish(&e->d);
	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		KUNIT_EXPECT_EQ(test, env_serve(e, i), 1);
		KUNIT_EXPECT_EQ(test, e->c.head, ids[i]);
	}
	KUNIT_EXPECT_EQ(test, publish(), (int)ARRAY_SIZE(ids));
	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		KUNIT_EXPECT_EQ(test, desc(200 + i)->id, ids[i]);
		KUNIT_EXPECT_EQ(test, desc(200 + i)->len, i);
	}
}

/* ---- discard and publish ---- */

static void packed_discard(struct kunit *test)
{
	struct rnd rnd = { 1 };
	static u32 heads[300];
	static u16 at[300];
	u32 turn, n, back, i;

	start(300, true, 0x8000 | 123);
	for (turn = 0; turn < 2000; turn++) {
		while (add_chain(1 + rnd_below(&rnd, 4), 0, 0) >= 0)
			;
		drv_publish(&e->d);
		for (n = 0; ; n++) {
			at[n] = e->r.last_avail;
			if (env_pop(e) != 1)
				break;
			heads[n] = e->c.head;
		}
		back = rnd_below(&rnd, n + 1);
		vtap_packed_discard(&e->r, heads + n - back, back);
		KUNIT_ASSERT_EQ(test, e->r.last_avail, at[n - back]);
		for (i = n - back; i < n; i++) {
			KUNIT_ASSERT_EQ(test, e->r.last_avail, at[i]);
			KUNIT_ASSERT_EQ(test, env_pop(e), 1);
		}
		KUNIT_EXPECT_EQ(test, env_pop(e), 0);
		for (i = 0; i < n; i++)
			vtap_packed_stage(&e->r, heads[i], 0);
		KUNIT_ASSERT_EQ(test, publish(), (int)n);
		KUNIT_EXPECT_EQ(test, e->r.last_used, e->r.last_avail);
		/* The chains are not used: start again at this position. */
		start(300, true, at[n]);
	}
}

/*
 * Alternate long and short runs for many laps. Long ones are copied by calls,
 * in both directions. A used entry does not change the address.
 */
static void packed_long_runs(struct kunit *test)
{
	static const u32 runs[] = { 64, 64, 1, 20, 150, 7, 8, 9, 16, 100 };
	u64 cookie = 0, addr;
	u32 turn, n, i;
	u16 at;

	start(300, true, 0x8000 | 123);
	for (turn = 0; turn < 200; turn++) {
		n = runs[turn % ARRAY_SIZE(runs)];
		at = e->r.last_avail & 0x7fff;
		env_add(e, n, cookie);
		drv_publish(&e->d);
		addr = desc(at)->addr;
		for (i = 0; i < n; i++) {
			KUNIT_ASSERT_EQ(test, env_serve(e, (cookie + i) * 3), 1);
			KUNIT_ASSERT_TRUE(test, env_chain_ok(e, &e->c));
			KUNIT_EXPECT_EQ(test, e->c.out_len,
					64 + (cookie + i) % 1024);
			if (i % 64 == 63)
				KUNIT_ASSERT_EQ(test, publish(), 64);
		}
		KUNIT_EXPECT_EQ(test, env_pop(e), 0);
		KUNIT_ASSERT_EQ(test, publish(), (int)(n % 64));
		KUNIT_EXPECT_EQ(test, desc(at)->addr, addr);
		env_expect_used(test, e, n, cookie);
		cookie += n;
	}
}

/* Long and short chains, in publishes of any size: gaps, spills and wraps. */
static void packed_mixed_chains(struct kunit *test)
{
	static const u16 nums[] = { 5, 64, 100, 300, 1000 };
	struct rnd rnd = { 1 };
	unsigned int i, turn;
	u64 cookie = 0;
	u32 nr, most;

	for (i = 0; i < ARRAY_SIZE(nums); i++) {
		start(nums[i], true, 0x8000 | (nums[i] - 3));
		for (turn = 0; turn < 400; turn++) {
			most = 1 + rnd_below(&rnd, turn & 1 ? 4 : 200);
			for (nr = 0; nr < most; nr++) {
				u32 len = 1;

				if (turn & 2 || !rnd_below(&rnd, 40))
					len += rnd_below(&rnd, 4);
				if (add_chain(len, 1, cookie + nr) < 0)
					break;
			}
			drv_publish(&e->d);
			for (most = 0; most < nr; most++)
				KUNIT_ASSERT_EQ(test, env_serve(e, (cookie + most) * 3), 1);
			KUNIT_EXPECT_EQ(test, drv_nr_used(&e->d), 0);
			KUNIT_ASSERT_EQ(test, publish(), (int)nr);
			env_expect_used(test, e, nr, cookie);
			cookie += nr;
		}
	}
}

/* After each store of a publish the driver sees all entries or none. */
static void seen_only_whole(void *addr, size_t len, void *arg)
{
	const struct pdrv_desc *first = desc(3);

	if (addr == drv_field(first, len))
		*(int *)arg += 1;
	else
		shim_assert(first->flags == 0x80);	/* as added */
}

static void packed_first_entry_written_last(struct kunit *test)
{
	u32 nr;

	for (nr = 10; nr <= 40; nr += 30) {
		int seen = 0;

		/* the run of 40 ends before the wrap */
		start(nr == 10 ? nr : nr + 3, true, 0x8000 | 3);
		env_add(e, nr, 0);
		drv_publish(&e->d);
		env_expect_served(test, e, nr, 0);
		shim.after_store = seen_only_whole;
		shim.arg = &seen;
		KUNIT_EXPECT_EQ(test, publish(), (int)nr);
		shim.after_store = NULL;
		KUNIT_EXPECT_EQ(test, seen, 1);
		env_expect_used(test, e, nr, 0);
	}
}

/* ---- stop and start ---- */

static void packed_base_dpdk(struct kunit *test)
{
	start(7, true, 0x8000);
	KUNIT_EXPECT_EQ(test, env_start(e, 0x8000), 0);
	KUNIT_EXPECT_EQ(test, vtap_ring_base(&e->r), 0x80008000);
	env_add(e, 7, 1);
	drv_publish(&e->d);
	env_expect_served(test, e, 7, 1);
	KUNIT_EXPECT_EQ(test, publish(), 7);
	env_expect_used(test, e, 7, 1);
	/* No other value has this special meaning. */
	KUNIT_EXPECT_EQ(test, env_start(e, 0x8001), 0);
	KUNIT_EXPECT_EQ(test, vtap_ring_base(&e->r), 0x8001);
	KUNIT_EXPECT_EQ(test, env_start(e, 0), 0);
	KUNIT_EXPECT_EQ(test, vtap_ring_base(&e->r), 0);
}

static void packed_base_range(struct kunit *test)
{
	static const u16 nums[] = { 1, 7, 256, 32767 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(nums); i++) {
		u32 num = nums[i], last = num - 1;

		start(num, true, 0x8000);
		KUNIT_EXPECT_EQ(test, env_start(e, num), -EINVAL);
		KUNIT_EXPECT_EQ(test, env_start(e, num << 16), -EINVAL);
		KUNIT_EXPECT_EQ(test, env_start(e, 0x80008000 | num), -EINVAL);
		KUNIT_EXPECT_EQ(test, env_start(e, last | last << 16), 0);
	}
	start(32768, true, 0x8000);
	KUNIT_EXPECT_EQ(test, env_start(e, 0xffffffff), 0);
}

/* The device stopped with chains not used yet: used is behind avail. */
static void packed_base_used_behind_avail(struct kunit *test)
{
	start(8, true, 0x8000 | 6);
	env_add(e, 4, 1);
	drv_publish(&e->d);
	KUNIT_EXPECT_EQ(test, env_start(e, 0x80060000), 0);
	KUNIT_EXPECT_EQ(test, e->r.last_avail, 0);
	KUNIT_EXPECT_EQ(test, env_serve(e, 9), 1);
	KUNIT_EXPECT_EQ(test, publish(), 1);
	KUNIT_EXPECT_EQ(test, desc(6)->flags, 0x8080 | DRV_WRITE);
	KUNIT_EXPECT_EQ(test, e->r.last_used, 0x8000 | 7);
}

static struct kunit_case packed_cases[] = {
	KUNIT_CASE(packed_chain_lengths),
	KUNIT_CASE(packed_indirect),
	KUNIT_CASE(packed_used_entry),
	KUNIT_CASE(packed_any_id),
	KUNIT_CASE(packed_discard),
	KUNIT_CASE(packed_long_runs),
	KUNIT_CASE(packed_mixed_chains),
	KUNIT_CASE(packed_first_entry_written_last),
	KUNIT_CASE(packed_base_dpdk),
	KUNIT_CASE(packed_base_range),
	KUNIT_CASE(packed_base_used_behind_avail),
	{}
};

static struct kunit_suite packed_suite = {
	.name = "vtap_packed",
	.init = packed_init,
	.exit = end_case,
	.test_cases = packed_cases,
};

kunit_test_suite(packed_suite);
