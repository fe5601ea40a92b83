// SPDX-License-Identifier: GPL-2.0
/*
 * ring_test.c - operations of a ring that are the same for both formats
 *
 * Each case runs once for a split ring and once for a packed one. split_test.c and
 * packed_test.c have the cases of a single format, ring_notify_test.c the notifications.
 */
#include "env_case.h"
#include "pdriver.h"

ENV_FORMATS();

static int ring_init(struct kunit *test)
{
	const struct env_format *f = test->param_value;

	packed = f->packed;
	start(256, true, packed ? 0x8000 | 200 : 0xff80);
	return 0;
}

/* Descriptor of the chain number @n since the start, if all have one. */
static struct drv_desc *nth_desc(u16 n)
{
	return drv_desc_at(&e->d, packed ? env_step(e, e->start, n) & 0x7fff : n);
}

/* Add a chain of @nr readable buffers of a byte each. */
static void add_chain(unsigned int nr)
{
	struct seg buf[16];
	unsigned int i;

	shim_assert(nr <= ARRAY_SIZE(buf));
	for (i = 0; i < nr; i++)
		buf[i] = (struct seg){ ENV_RAM + i, 1, false };
	shim_assert(drv_add(&e->d, buf, nr, 0) >= 0);
	drv_publish(&e->d);
}

static int publish(void)
{
	return vtap_ring_publish(&e->r, packed);
}

static void ring_round_trip(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, env_pop(e), 0);
	env_add(e, 1, 7);
	KUNIT_EXPECT_EQ(test, env_pop(e), 0);	/* not available yet */
	drv_publish(&e->d);
	env_expect_served(test, e, 1, 7);
	KUNIT_EXPECT_EQ(test, env_pop(e), 0);
	KUNIT_EXPECT_EQ(test, drv_nr_used(&e->d), 0);
	KUNIT_EXPECT_EQ(test, publish(), 1);
	env_expect_used(test, e, 1, 7);
	KUNIT_EXPECT_EQ(test, publish(), 0);
}

/*
 * Fill rings completely for several laps. A split ring starts at 0 and below the wrap of
 * its index, a packed one with each wrap counter.
 */
static void ring_all_sizes_full(struct kunit *test)
{
	static const u16 sizes[2][16] = {
		{ 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192,
		  16384, 32768 },
		{ 1, 2, 3, 5, 63, 64, 65, 100, 127, 255, 1000, 4097, 32767,
		  32768 },
	};
	unsigned int i, turn;

	for (i = 0; i < 32 && sizes[packed][i / 2]; i++) {
		u16 num = sizes[packed][i / 2], at = i & 1 ? 0xfffd : 0;

		if (packed)
			at = num / 3 | (i & 1 ? 0x8000 : 0);
		start(num, i & 2, at);
		for (turn = 0; turn < (packed ? 5 : 3); turn++) {
			env_add(e, num, turn);
			drv_publish(&e->d);
			env_expect_served(test, e, num, turn);
			KUNIT_EXPECT_EQ(test, env_pop(e), 0);
			KUNIT_EXPECT_EQ(test, publish(), (int)num);
			env_expect_used(test, e, num, turn);
			at = env_step(e, at, num);
			KUNIT_EXPECT_EQ(test, e->r.last_avail, at);
			KUNIT_EXPECT_EQ(test, e->r.last_used, at);
		}
	}
}

/*
 * Small batches for many laps, so the end of the ring is anywhere in a batch, and
 * through more than 2^16 entries, so the index of a split ring wraps.
 */
static void ring_laps(struct kunit *test)
{
	static const u16 sizes[2][6] = {
		{ 1, 2, 8, 64, 256 },
		{ 1, 2, 7, 64, 100, 257 },
	};
	unsigned int i;
	u32 nr, all;
	u16 at;

	for (i = 0; i < 6 && sizes[packed][i]; i++) {
		at = packed ? 0x8000 : 0;
		start(sizes[packed][i], true, at);
		for (all = 0; all < 70000; all += nr) {
			nr = 1 + all % min_t(u32, e->d.num, 7);
			env_add(e, nr, all);
			drv_publish(&e->d);
			env_expect_served(test, e, nr, all);
			KUNIT_ASSERT_EQ(test, publish(), (int)nr);
			env_expect_used(test, e, nr, all);
			at = env_step(e, at, nr);
		}
		KUNIT_EXPECT_EQ(test, e->r.last_avail, at);
		KUNIT_EXPECT_EQ(test, e->r.last_used, at);
	}
}

/* Chains may be used in any order. */
static void ring_out_of_order(struct kunit *test)
{
	unsigned long long cookie;
	u32 heads[40], len;
	int i;

	env_add(e, 40, 0);
	drv_publish(&e->d);
	for (i = 0; i < 40; i++) {
		KUNIT_ASSERT_EQ(test, env_pop(e), 1);
		heads[i] = e->c.head;
	}
	for (i = 39; i >= 0; i--)
		KUNIT_EXPECT_EQ(test, vtap_ring_stage(&e->r, heads[i], i, packed), 0);
	KUNIT_EXPECT_EQ(test, publish(), 40);
	for (i = 39; i >= 0; i--) {
		KUNIT_ASSERT_TRUE(test, drv_get(&e->d, &cookie, &len));
		KUNIT_EXPECT_EQ(test, cookie, (u64)i);
		KUNIT_EXPECT_EQ(test, len, (u32)i);
	}
}

/* Return popped chains in two parts, and pop them again. */
static void ring_discard(struct kunit *test)
{
	u32 n, back, i, all = 0, heads[140];

	for (n = 1; n <= ARRAY_SIZE(heads); n += 3)
		for (back = 0; back <= n; back += 1 + back / 8) {
			u16 at = e->r.last_avail;

			env_add(e, n, all);
			drv_publish(&e->d);
			for (i = 0; i < n; i++) {
				KUNIT_ASSERT_EQ(test, env_pop(e), 1);
				heads[i] = e->c.head;
			}
			KUNIT_EXPECT_EQ(test, env_pop(e), 0);
			vtap_ring_discard(&e->r, heads + n - back, back, packed);
			KUNIT_EXPECT_EQ(test, vtap_ring_empty(&e->r, packed), !back);
			KUNIT_EXPECT_EQ(test, e->r.last_avail, env_step(e, at, n - back));
			vtap_ring_discard(&e->r, heads, n - back, packed);
			KUNIT_EXPECT_EQ(test, e->r.last_avail, at);
			env_expect_served(test, e, n, all);
			KUNIT_EXPECT_EQ(test, env_pop(e), 0);
			KUNIT_EXPECT_EQ(test, publish(), (int)n);
			env_expect_used(test, e, n, all);
			all += n;
		}
}

/* The driver sees no entry before the publish, however many are staged. */
static void ring_stage_many(struct kunit *test)
{
	static const u16 nums[] = {
		1, 63, 64, 65, 66, 127, 128, 129, 200, 256, 1000,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(nums); i++) {
		start(packed ? 1000 : 1024, true, packed ? 0x8000 | 900 : 0xff80);
		env_add(e, nums[i], 1);
		drv_publish(&e->d);
		env_expect_served(test, e, nums[i], 1);
		KUNIT_EXPECT_EQ(test, drv_nr_used(&e->d), 0);
		KUNIT_EXPECT_EQ(test, e->r.last_used, e->start);
		KUNIT_EXPECT_EQ(test, publish(), nums[i]);
		KUNIT_EXPECT_EQ(test, drv_nr_used(&e->d), packed ? 1 : nums[i]);
		KUNIT_EXPECT_EQ(test, e->r.last_used, env_step(e, e->start, nums[i]));
		env_expect_used(test, e, nums[i], 1);
	}
}

static void ring_publish_nothing(struct kunit *test)
{
	unsigned long nr = shim.nr;

	KUNIT_EXPECT_EQ(test, publish(), 0);
	KUNIT_EXPECT_EQ(test, shim.nr, nr);
}

/*
 * Chains share a short segment array. A chain that fits exactly is popped. One
 * that is too long by a segment is neither a fault nor consumed.
 */
static void ring_exceeds_room(struct kunit *test)
{
	u16 max, room;

	for (max = 1; max < 8; max++) {
		start(16, true, packed ? 0x8000 | 10 : 0xfffe);
		e->c.iov = e->iov;
		e->iov[max].iov_len = 0x5a5a;
		add_chain(max);
		for (room = 0; room < max; room++) {
			e->c.iov_max = room;
			KUNIT_EXPECT_EQ(test, vtap_ring_pop(&e->r, &e->m, &e->c, packed),
					-ENOBUFS);
			KUNIT_EXPECT_EQ(test, e->r.last_avail, e->start);
		}
		e->c.iov_max = max;
		KUNIT_EXPECT_EQ(test, vtap_ring_pop(&e->r, &e->m, &e->c, packed), 1);
		KUNIT_EXPECT_EQ(test, e->c.nr_out, max);

		add_chain(max + 1);
		KUNIT_EXPECT_EQ(test, vtap_ring_pop(&e->r, &e->m, &e->c, packed),
				-ENOBUFS);
		KUNIT_EXPECT_EQ(test, e->iov[max].iov_len, (size_t)0x5a5a);
		KUNIT_EXPECT_EQ(test, (int)e->r.fault, VTAP_FAULT_NONE);
		KUNIT_EXPECT_EQ(test, e->r.last_avail, env_step(e, e->start, packed ? max : 1));
		/* With more room the whole chain is popped. */
		KUNIT_EXPECT_EQ(test, env_pop(e), 1);
		KUNIT_EXPECT_EQ(test, e->c.nr_out, max + 1);
		KUNIT_EXPECT_EQ(test, e->c.out_len, max + 1ull);
	}
}

/* ---- addresses ---- */

static void ring_memory_ok(struct kunit *test)
{
	const u64 top = TASK_SIZE_MAX;
	u32 num, ev;

	for (num = 1; num <= VTAP_RING_MAX; num *= 2)
		for (ev = 0; ev < 2; ev++) {
			u64 desc = drv_desc_size(num);
			u64 avail = packed ? DRV_EVENT_SIZE : drv_avail_size(num, ev);
			u64 used = packed ? DRV_EVENT_SIZE : drv_used_size(num, ev);
			struct vtap_ring_cfg good = {
				.num = num, .event_idx = ev, .packed = packed,
				.desc = top - desc, .avail = top - avail,
				.used = top - used,
			};
			struct vtap_ring_cfg bad;

			/* Exactly up to the end, and past it. */
			KUNIT_EXPECT_TRUE(test, vtap_ring_memory_ok(&good));
			bad = good;
			bad.desc++;
			KUNIT_EXPECT_FALSE(test, vtap_ring_memory_ok(&bad));
			bad = good;
			bad.avail++;
			KUNIT_EXPECT_FALSE(test, vtap_ring_memory_ok(&bad));
			bad = good;
			bad.used++;
			KUNIT_EXPECT_FALSE(test, vtap_ring_memory_ok(&bad));
		}
}

/* ---- faults, and retries ---- */

/* A late memory table: the retry reads the guest again. */
static void ring_retry(struct kunit *test)
{
	u64 late = ENV_RAM + 16 * ENV_RAM_SIZE;
	struct seg buf = { late, 8, false };

	KUNIT_EXPECT_FALSE(test, vtap_ring_clear_fault(&e->r));
	env_add(e, 1, 1);
	drv_publish(&e->d);
	KUNIT_ASSERT_EQ(test, env_serve(e, 7), 1);
	KUNIT_ASSERT_GE(test, drv_add(&e->d, &buf, 1, 2), 0);
	drv_publish(&e->d);
	KUNIT_ASSERT_EQ(test, env_pop(e), -EIO);
	KUNIT_ASSERT_EQ(test, (int)e->r.fault, VTAP_FAULT_UNMAPPED);
	KUNIT_EXPECT_EQ(test, e->r.last_avail, env_step(e, e->start, 1));

	gmem_add(&e->g, late, 0x1000);
	env_map(e);
	KUNIT_EXPECT_TRUE(test, vtap_ring_clear_fault(&e->r));
	/* Fetched again, because the old copy may be outdated. */
	nth_desc(1)->len = 9;
	KUNIT_EXPECT_EQ(test, env_pop(e), 1);
	KUNIT_EXPECT_EQ(test, e->c.out_len, 9ull);
	KUNIT_EXPECT_EQ(test, publish(), 1);
}

/*
 * Fail every access of a pass once, like ring memory that is missing for a
 * while. After a retry each chain is used once and in order. The batch is long
 * enough to spill.
 */
static void ring_retry_sweep(struct kunit *test)
{
	u32 heads[200], nr = 150;
	unsigned long at;

	for (at = 1; ; at++) {
		unsigned long long cookie;
		u32 len, i, got = 0, popped = 0, staged = 0;
		bool failed = false;

		start(256, true, e->start);
		env_add(e, nr, 0);
		drv_publish(&e->d);
		shim.nr = 0;
		shim.fail_at = at;
		while (staged < nr) {
			while (popped < nr && env_pop(e) == 1)
				heads[popped++] = e->c.head;
			while (staged < popped &&
			       !vtap_ring_stage(&e->r, heads[staged], staged, packed))
				staged++;
			if (e->r.fault) {
				shim_idle();
				KUNIT_ASSERT_FALSE(test, failed);
				failed = true;
				KUNIT_ASSERT_TRUE(test,
						  vtap_ring_clear_fault(&e->r));
			}
		}
		if (publish() < 0) {
			shim_idle();
			failed = true;
			KUNIT_ASSERT_EQ(test, drv_nr_used(&e->d), 0);
			KUNIT_ASSERT_TRUE(test, vtap_ring_clear_fault(&e->r));
			KUNIT_ASSERT_EQ(test, publish(), (int)nr);
		}
		for (i = 0; drv_get(&e->d, &cookie, &len); i++, got++) {
			KUNIT_EXPECT_EQ(test, cookie, (u64)i);
			KUNIT_EXPECT_EQ(test, len, i);
		}
		KUNIT_ASSERT_EQ(test, got, nr);
		KUNIT_EXPECT_TRUE(test, !e->d.broken);
		if (!failed)
			break;
	}
	KUNIT_EXPECT_GE(test, at, 10ul);
}

/* Fetched chains that were not popped may change, and are fetched again. */
static void ring_refetch(struct kunit *test)
{
	u32 i, heads[3];

	start(64, true, packed ? 0x8000 | 60 : 60);
	env_add(e, 20, 0);
	drv_publish(&e->d);
	KUNIT_ASSERT_EQ(test, env_serve(e, 0), 1);
	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, env_pop(e), 1);
		heads[i] = e->c.head;
	}
	vtap_ring_discard(&e->r, heads, 3, packed);
	for (i = 0; i < 64; i++) {
		struct drv_desc *d = drv_desc_at(&e->d, i);

		if (d->len)
			d->len += 1000;
	}
	vtap_ring_refetch(&e->r);
	for (i = 1; i < 20; i++) {
		KUNIT_ASSERT_EQ(test, env_pop(e), 1);
		KUNIT_EXPECT_EQ(test, e->c.out_len, 64ull + i + 1000);
		vtap_ring_stage(&e->r, e->c.head, 0, packed);
	}
	KUNIT_EXPECT_EQ(test, env_pop(e), 0);
	KUNIT_EXPECT_EQ(test, publish(), 20);
}

/* ---- migration: GET_VRING_BASE, then SET_VRING_BASE ---- */

static void ring_base(struct kunit *test)
{
	unsigned long long cookie;
	u32 len, all = 0, got = 0, i;

	start(packed ? 9 : 16, true, packed ? 0x8000 : 0xffe0);
	for (i = 0; i < 200; i++) {
		u32 base, k, nr = 1 + i % 7;

		env_add(e, nr + 2, all);
		drv_publish(&e->d);
		/* Stop with two chains fetched but not popped. */
		for (k = 0; k < nr; k++)
			KUNIT_ASSERT_EQ(test, env_serve(e, 0), 1);
		KUNIT_ASSERT_EQ(test, publish(), (int)nr);
		base = vtap_ring_base(&e->r);
		memset(&e->r, 0xee, sizeof(e->r));
		KUNIT_ASSERT_EQ(test, env_start(e, base), 0);
		KUNIT_EXPECT_EQ(test, vtap_ring_base(&e->r), base);
		while (env_serve(e, 0) == 1)
			;
		KUNIT_ASSERT_EQ(test, publish(), 2);
		all += nr + 2;
		for (; drv_get(&e->d, &cookie, &len); got++)
			KUNIT_EXPECT_EQ(test, cookie, (u64)got);
		base = e->d.avail_idx | (packed ? (u32)e->d.used_idx << 16 : 0);
		KUNIT_EXPECT_EQ(test, vtap_ring_base(&e->r), base);
	}
	KUNIT_EXPECT_EQ(test, got, all);
	KUNIT_EXPECT_TRUE(test, !e->d.broken);
}

/* ---- relocation ---- */

static void *move_area(void *old, size_t size)
{
	void *new = gmem_host(&e->g, size);

	memcpy(new, old, size);
	shim_extent_right(old, 0);
	return new;
}

/* Move the ring with its contents, and remove the old memory. */
static void move_rings(void)
{
	u16 num = e->d.num;

	e->d.desc = move_area(e->d.desc, drv_desc_size(num));
	e->d.avail = move_area(e->d.avail, packed ? DRV_EVENT_SIZE :
						    drv_avail_size(num, true));
	e->d.used = move_area(e->d.used, packed ? DRV_EVENT_SIZE :
						  drv_used_size(num, true));
	e->cfg.desc = (uintptr_t)e->d.desc;
	e->cfg.avail = (uintptr_t)e->d.avail;
	e->cfg.used = (uintptr_t)e->d.used;
	shim_assert(vtap_ring_memory_ok(&e->cfg));
}

static void ring_relocate(struct kunit *test)
{
	unsigned long long cookie;
	u32 len, i;

	env_add(e, 100, 0);
	drv_publish(&e->d);
	for (i = 0; i < 70; i++)
		KUNIT_ASSERT_EQ(test, env_serve(e, i), 1);
	KUNIT_ASSERT_EQ(test, publish(), 70);
	vtap_ring_needs_call(&e->r, packed);

	move_rings();
	vtap_ring_relocate(&e->r, &e->cfg);
	/* The fetched copy is from the old place and must be read again. */
	nth_desc(70)->len = 4321;
	KUNIT_ASSERT_EQ(test, env_serve(e, 70), 1);
	KUNIT_EXPECT_EQ(test, e->c.out_len, 4321ull);
	for (i = 71; i < 100; i++)
		KUNIT_ASSERT_EQ(test, env_serve(e, i), 1);
	KUNIT_EXPECT_EQ(test, env_pop(e), 0);
	KUNIT_ASSERT_EQ(test, publish(), 30);
	/* The age of the new event word is unknown, so the decision is a call. */
	drv_call_at(&e->d, e->start);
	KUNIT_EXPECT_EQ(test, vtap_ring_needs_call(&e->r, packed), 1);
	for (i = 0; i < 100; i++) {
		KUNIT_ASSERT_TRUE(test, drv_get(&e->d, &cookie, &len));
		KUNIT_EXPECT_EQ(test, cookie, (u64)i);
		KUNIT_EXPECT_EQ(test, len, i);
	}
}

static struct kunit_case ring_cases[] = {
	ENV_CASE(ring_round_trip),
	ENV_CASE(ring_all_sizes_full),
	ENV_CASE(ring_laps),
	ENV_CASE(ring_out_of_order),
	ENV_CASE(ring_discard),
	ENV_CASE(ring_stage_many),
	ENV_CASE(ring_publish_nothing),
	ENV_CASE(ring_exceeds_room),
	ENV_CASE(ring_memory_ok),
	ENV_CASE(ring_retry),
	ENV_CASE(ring_retry_sweep),
	ENV_CASE(ring_refetch),
	ENV_CASE(ring_base),
	ENV_CASE(ring_relocate),
	{}
};

static struct kunit_suite ring_suite = {
	.name = "vtap_ring",
	.init = ring_init,
	.exit = end_case,
	.test_cases = ring_cases,
};

kunit_test_suite(ring_suite);
