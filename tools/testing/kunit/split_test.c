// SPDX-License-Identifier: GPL-2.0
/*
 * split_test.c - the split ring only: heads, indices and their faults
 *
 * ring_test.c has the cases of both formats, chain_test.c those of chains.
 */
#include "env_case.h"

static int split_init(struct kunit *test)
{
	start(256, true, 0xff80);
	return 0;
}

/* ---- faults of the driver ---- */

static void split_avail_jump(struct kunit *test)
{
	static const u16 nums[] = { 1, 2, 256, 32768 };
	static const u16 jump[] = { 1, 2, 1000, 32767 };
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(nums); i++) {
		/* An advance by the size of the ring is valid. */
		start(nums[i], true, 0xfff0);
		e->d.avail_idx += nums[i];
		drv_publish(&e->d);
		KUNIT_EXPECT_EQ(test, env_pop(e), 1);

		for (k = 0; k < ARRAY_SIZE(jump); k++) {
			start(nums[i], true, 0xfff0);
			e->d.avail_idx += nums[i] + jump[k];
			drv_publish(&e->d);
			KUNIT_EXPECT_EQ(test, env_pop(e), -EIO);
			KUNIT_EXPECT_EQ(test, e->r.last_avail, 0xfff0);
			env_expect_refusal(test, e, VTAP_FAULT_AVAIL_JUMP);
		}

		/* A step back is a jump too. */
		start(nums[i], true, 0xfff0);
		e->d.avail_idx--;
		drv_publish(&e->d);
		KUNIT_EXPECT_EQ(test, env_pop(e), -EIO);
		env_expect_refusal(test, e, VTAP_FAULT_AVAIL_JUMP);
	}
}

/* Chains before the bad head are served first. */
static void split_head_range(struct kunit *test)
{
	static const u16 bad[] = { 256, 257, 0x7fff, 0x8000, 0xffff };
	static const u16 before[] = { 0, 1, 63, 64, 65, 127 };
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		for (k = 0; k < ARRAY_SIZE(before); k++) {
			start(256, true, 0xffa0);
			env_add(e, before[k], 5);
			drv_put_avail(&e->d, bad[i]);
			env_add(e, 3, 5);
			drv_publish(&e->d);
			env_expect_served(test, e, before[k], 5);
			KUNIT_EXPECT_EQ(test, env_pop(e), -EIO);
			KUNIT_EXPECT_EQ(test, e->r.last_avail,
					(u16)(0xffa0 + before[k]));
			KUNIT_EXPECT_EQ(test, vtap_split_publish(&e->r),
					before[k]);
			env_expect_used(test, e, before[k], 5);
			env_expect_refusal(test, e, VTAP_FAULT_HEAD_RANGE);
		}
}

/* The same head twice breaks no rule that we can check: it is served twice. */
static void split_same_head_twice(struct kunit *test)
{
	env_add(e, 1, 3);
	drv_put_avail(&e->d, e->d.avail->ring[0x80]);
	drv_publish(&e->d);
	KUNIT_EXPECT_EQ(test, env_serve(e, 0), 1);
	KUNIT_EXPECT_EQ(test, env_serve(e, 0), 1);
	KUNIT_EXPECT_EQ(test, vtap_split_publish(&e->r), 2);
}

/* ---- stage and publish ---- */

struct order {
	u16 *idx;
	size_t stored;
	size_t at_idx;
};

static void note_store(void *addr, size_t len, void *arg)
{
	struct order *o = arg;

	if (addr == o->idx)
		o->at_idx = o->stored;
	o->stored += len;
}

/* The index is written last, and once. */
static void split_publish_order(struct kunit *test)
{
	struct order o = { .idx = drv_field(e->d.used, idx) };

	env_add(e, 100, 0);
	drv_publish(&e->d);
	shim.after_store = note_store;
	shim.arg = &o;
	env_expect_served(test, e, 100, 0);
	KUNIT_EXPECT_EQ(test, vtap_split_publish(&e->r), 100);
	KUNIT_EXPECT_EQ(test, o.at_idx, 100 * sizeof(struct vring_used_elem));
	KUNIT_EXPECT_EQ(test, o.stored, o.at_idx + sizeof(u16));
}

/* A batch costs two windows, as split.h says. */
static void split_batch_takes_two_windows(struct kunit *test)
{
	env_add(e, VTAP_FETCH, 0);
	drv_publish(&e->d);
	shim.nr_windows = 0;
	env_expect_served(test, e, VTAP_FETCH, 0);
	KUNIT_EXPECT_EQ(test, vtap_split_publish(&e->r), VTAP_FETCH);
	KUNIT_EXPECT_EQ(test, shim.nr_windows, 2ul);
}

/* The guest changes heads and descriptors after they are fetched. */
static void flip(void *addr, size_t len, void *arg)
{
	u8 *p = addr;

	/* The index is left alone: it may only grow. */
	if (addr == drv_field(e->d.avail, idx))
		return;
	while (len--)
		*p++ ^= 0xff;
}

static void split_fetches_once(struct kunit *test)
{
	env_add(e, 200, 0);
	drv_publish(&e->d);
	shim.after_load = flip;
	env_expect_served(test, e, 200, 0);
	shim.after_load = NULL;
	KUNIT_EXPECT_EQ(test, vtap_split_publish(&e->r), 200);
	env_expect_used(test, e, 200, 0);
}

/* ---- failing accesses ---- */

/*
 * Serve 130 chains while access @n fails. Returns true if no access did. One chain has two
 * buffers, so a long run of descriptors ends within a fetch, as the ring does in another.
 */
static bool sweep_once(struct kunit *test, unsigned long n)
{
	struct seg two[2] = { { ENV_RAM, 9 }, { ENV_RAM, 9 } };
	u32 popped = 0, i;
	bool failed;
	u16 used;

	start(256, true, 0xff90);
	shim_reset();
	KUNIT_ASSERT_TRUE(test, vtap_ring_memory_ok(&e->cfg));
	env_add(e, 20, 0);
	drv_add(&e->d, two, 2, 20);
	env_add(e, 109, 21);
	drv_publish(&e->d);
	used = drv_used_idx(&e->d);
	shim.fail_at = n;
	for (i = 0; i < 130 && env_pop(e) == 1; i++) {
		popped++;
		if (vtap_split_stage(&e->r, e->c.head, i * 3))
			break;
	}
	failed = vtap_split_publish(&e->r) < 0;
	KUNIT_EXPECT_EQ(test, e->r.last_avail, (u16)(0xff90 + popped));
	if (!failed) {
		env_expect_used(test, e, 130, 0);
		return true;
	}
	/* The driver sees no entry of the failed publish. */
	KUNIT_EXPECT_EQ(test, drv_used_idx(&e->d), used);
	KUNIT_EXPECT_EQ(test, e->r.last_used, used);
	shim.fail_at = 0;
	env_expect_refusal(test, e, VTAP_FAULT_RING_ACCESS);
	return false;
}

static void split_fault_sweep(struct kunit *test)
{
	unsigned long n;

	for (n = 1; !sweep_once(test, n); n++)
		KUNIT_ASSERT_LE(test, n, 1000ul);
	/* Three batches of: index, heads, descriptors; entries; used index. */
	KUNIT_EXPECT_GE(test, n, 3 * 3 + 3 + 1ul);
}

/* Memory that is read-only or missing. */
static void split_memory_missing(struct kunit *test)
{
	env_add(e, 4, 0);
	drv_publish(&e->d);
	env_expect_served(test, e, 2, 0);
	shim_extent_right(e->d.used, SHIM_R);
	KUNIT_EXPECT_EQ(test, vtap_split_publish(&e->r), -EIO);
	env_expect_refusal(test, e, VTAP_FAULT_RING_ACCESS);
	KUNIT_EXPECT_EQ(test, drv_nr_used(&e->d), 0);

	start(256, true, 0);
	shim_extent_right(e->d.avail, SHIM_W);
	KUNIT_EXPECT_EQ(test, env_pop(e), -EIO);
	env_expect_refusal(test, e, VTAP_FAULT_RING_ACCESS);

	start(256, true, 0);
	env_add(e, 1, 0);
	drv_publish(&e->d);
	shim_extent_right(e->d.desc, SHIM_W);
	KUNIT_EXPECT_EQ(test, env_pop(e), -EIO);
	env_expect_refusal(test, e, VTAP_FAULT_RING_ACCESS);
}

/* A broken chain does not affect chains that were served before. */
static void split_publish_after_fault(struct kunit *test)
{
	env_add(e, 70, 0);
	e->d.desc[e->d.free_head] = (struct drv_desc){ 0, 1, DRV_NEXT, 999 };
	drv_put_avail(&e->d, e->d.free_head);
	drv_publish(&e->d);
	env_expect_served(test, e, 70, 0);
	KUNIT_EXPECT_EQ(test, env_pop(e), -EIO);
	KUNIT_EXPECT_NE(test, (int)e->r.fault, VTAP_FAULT_NONE);
	KUNIT_EXPECT_EQ(test, vtap_split_publish(&e->r), 70);
	KUNIT_EXPECT_EQ(test, vtap_split_needs_call(&e->r), 1);
	env_expect_used(test, e, 70, 0);
	KUNIT_EXPECT_EQ(test, vtap_split_publish(&e->r), 0);
	env_expect_refusal(test, e, e->r.fault);
}

static struct kunit_case split_cases[] = {
	KUNIT_CASE(split_avail_jump),
	KUNIT_CASE(split_head_range),
	KUNIT_CASE(split_same_head_twice),
	KUNIT_CASE(split_publish_order),
	KUNIT_CASE(split_batch_takes_two_windows),
	KUNIT_CASE(split_fetches_once),
	KUNIT_CASE(split_fault_sweep),
	KUNIT_CASE(split_memory_missing),
	KUNIT_CASE(split_publish_after_fault),
	{}
};

static struct kunit_suite split_suite = {
	.name = "vtap_split",
	.init = split_init,
	.exit = end_case,
	.test_cases = split_cases,
};

kunit_test_suite(split_suite);
