// SPDX-License-Identifier: GPL-2.0
/*
 * setup_test.c - start and relocate a split ring; the fault list
 *
 * ring_test.c has the cases of both formats.
 */
#include "env_case.h"

static int setup_init(struct kunit *test)
{
	start(64, true, 0);
	return 0;
}

/* ---- addresses ---- */

static void setup_memory_wraps(struct kunit *test)
{
	static const u64 at[] = { 1ull << 63, 0xffff800000000000ull,
				  0 - 16ull, 0 - 64ull };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(at); i++) {
		struct vtap_ring_cfg bad = e->cfg;

		bad.desc = at[i];
		KUNIT_EXPECT_FALSE(test, vtap_ring_memory_ok(&bad));
		bad = e->cfg;
		bad.avail = at[i];
		KUNIT_EXPECT_FALSE(test, vtap_ring_memory_ok(&bad));
		bad = e->cfg;
		bad.used = at[i];
		KUNIT_EXPECT_FALSE(test, vtap_ring_memory_ok(&bad));
	}
}

/* Only the memory that the features need is accessed. */
static void setup_no_event_words(struct kunit *test)
{
	u32 num;

	for (num = 1; num <= VTAP_RING_MAX; num *= 8) {
		/* The areas of env have no room for event words. */
		start(num, false, 0xffff);
		env_add(e, 1, 0);
		drv_publish(&e->d);
		KUNIT_EXPECT_EQ(test, env_serve(e, 1), 1);
		KUNIT_EXPECT_EQ(test, vtap_split_publish(&e->r), 1);
		KUNIT_EXPECT_EQ(test, vtap_split_needs_call(&e->r), 1);
		KUNIT_EXPECT_EQ(test, vtap_split_enable_notify(&e->r), 0);
		KUNIT_EXPECT_EQ(test, vtap_split_disable_notify(&e->r), 0);
	}
}

/* ---- start ---- */

static void setup_start_state(struct kunit *test)
{
	e->d.used->flags = 0xffff;
	e->d.used->idx = 777;
	e->d.avail->idx = 1000;
	KUNIT_ASSERT_EQ(test, env_start(e, 990), 0);
	KUNIT_EXPECT_EQ(test, e->r.last_avail, 990);
	KUNIT_EXPECT_EQ(test, e->r.last_used, 777);
	KUNIT_EXPECT_EQ(test, (int)e->r.fault, VTAP_FAULT_NONE);
	KUNIT_EXPECT_EQ(test, e->r.num, 64);
	/* Kicks are enabled, because nothing has disabled them. */
	KUNIT_EXPECT_EQ(test, drv_used_flags(&e->d), 0);
	KUNIT_EXPECT_EQ(test, drv_used_idx(&e->d), 777);
	KUNIT_EXPECT_EQ(test, vtap_split_empty(&e->r), 0);
}

static void setup_start_fault_sweep(struct kunit *test)
{
	unsigned long n;
	int ret;

	for (n = 1; n < 20; n++) {
		shim.nr = 0;
		shim.fail_at = n;
		ret = env_start(e, 5);
		shim_idle();
		shim.fail_at = 0;
		if (!ret)
			break;
		KUNIT_EXPECT_EQ(test, ret, -EFAULT);
		KUNIT_EXPECT_EQ(test, (int)e->r.fault, VTAP_FAULT_NONE);
	}
	/* Two windows, a store and a load can fail. */
	KUNIT_EXPECT_EQ(test, n, 5ul);

	shim_extent_right(e->d.used, SHIM_R);
	KUNIT_EXPECT_EQ(test, env_start(e, 5), -EFAULT);
	shim_extent_right(e->d.used, SHIM_W);
	KUNIT_EXPECT_EQ(test, env_start(e, 5), -EFAULT);
	shim_extent_right(e->d.used, SHIM_RW);
	KUNIT_EXPECT_EQ(test, env_start(e, 5), 0);
}

/* Settings that are invalid for the format. Nothing is accessed. */
static void setup_start_refuses(struct kunit *test)
{
	unsigned long nr = shim.nr;
	struct vtap_ring_cfg c;
	unsigned int i;
	static const struct {
		u32 num, desc, avail;
		bool packed;
	} t[] = {
		{ 0, 0, 0, false },
		{ 3, 0, 0, false },
		{ VTAP_RING_MAX * 2, 0, 0, false },
		{ 0, 0, 0, true },
		{ VTAP_RING_MAX + 1, 0, 0, true },
		{ 3, 8, 0, true },
		{ 3, 0, 2, true },
	};

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		c = e->cfg;
		c.num = t[i].num;
		c.packed = t[i].packed;
		c.desc += t[i].desc;
		c.avail += t[i].avail;
		KUNIT_EXPECT_EQ_MSG(test, vtap_ring_start(&e->r, &c, 5), -EINVAL,
				    "row %u", i);
	}
	KUNIT_EXPECT_EQ(test, shim.nr, nr);
}

/* A start clears the fault, and discards staged and fetched entries. */
static void setup_start_after_fault(struct kunit *test)
{
	env_add(e, 3, 10);
	drv_put_avail(&e->d, 64);
	drv_publish(&e->d);
	KUNIT_EXPECT_EQ(test, env_serve(e, 0), 1);
	KUNIT_EXPECT_EQ(test, vtap_split_publish(&e->r), 1);
	KUNIT_EXPECT_EQ(test, env_serve(e, 0), 1);
	KUNIT_EXPECT_EQ(test, env_serve(e, 0), 1);
	KUNIT_EXPECT_EQ(test, env_pop(e), -EIO);
	KUNIT_EXPECT_EQ(test, (int)e->r.fault, VTAP_FAULT_HEAD_RANGE);

	e->d.avail->ring[3] = 0;	/* the driver fixes it */
	KUNIT_ASSERT_EQ(test, env_start(e, 3), 0);
	KUNIT_EXPECT_EQ(test, vtap_split_publish(&e->r), 0);
	KUNIT_EXPECT_EQ(test, e->r.last_used, drv_used_idx(&e->d));
	KUNIT_EXPECT_EQ(test, env_pop(e), 1);
	KUNIT_EXPECT_EQ(test, e->c.head, 0);
}

/* A bad head that the driver fixes: each retry reads the guest again. */
static void setup_retry_head(struct kunit *test)
{
	env_add(e, 1, 1);
	drv_put_avail(&e->d, 64);
	drv_publish(&e->d);
	KUNIT_ASSERT_EQ(test, env_serve(e, 7), 1);
	KUNIT_ASSERT_EQ(test, env_pop(e), -EIO);
	KUNIT_EXPECT_EQ(test, (int)e->r.fault, VTAP_FAULT_HEAD_RANGE);
	/* Not repaired: the same fault again. */
	KUNIT_EXPECT_TRUE(test, vtap_ring_clear_fault(&e->r));
	KUNIT_EXPECT_EQ(test, env_pop(e), -EIO);
	KUNIT_EXPECT_EQ(test, (int)e->r.fault, VTAP_FAULT_HEAD_RANGE);
	e->d.desc[1] = (struct drv_desc){ .addr = ENV_RAM, .len = 8 };
	e->d.avail->ring[(e->d.avail_idx - 1) & 63] = 1;
	KUNIT_EXPECT_TRUE(test, vtap_ring_clear_fault(&e->r));
	KUNIT_EXPECT_EQ(test, env_pop(e), 1);
	KUNIT_EXPECT_EQ(test, e->c.head, 1);
}

/* An invalid index that the driver fixes. */
static void setup_retry_jump(struct kunit *test)
{
	u16 right;

	env_add(e, 2, 1);
	drv_publish(&e->d);
	right = e->d.avail->idx;
	e->d.avail->idx = right + 1000;
	KUNIT_ASSERT_EQ(test, env_pop(e), -EIO);
	KUNIT_EXPECT_EQ(test, (int)e->r.fault, VTAP_FAULT_AVAIL_JUMP);
	e->d.avail->idx = right;
	KUNIT_EXPECT_TRUE(test, vtap_ring_clear_fault(&e->r));
	KUNIT_EXPECT_EQ(test, env_serve(e, 0), 1);
	KUNIT_EXPECT_EQ(test, env_serve(e, 0), 1);
	KUNIT_EXPECT_EQ(test, env_pop(e), 0);
	KUNIT_EXPECT_EQ(test, vtap_split_publish(&e->r), 2);
}

/* ---- relocation ---- */

/* The features may change too: flags from now on, no event words. */
static void setup_relocate_features(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, vtap_split_disable_notify(&e->r), 0);
	KUNIT_EXPECT_EQ(test, drv_used_flags(&e->d), 0);
	e->cfg.event_idx = false;
	vtap_ring_relocate(&e->r, &e->cfg);
	KUNIT_EXPECT_EQ(test, vtap_split_disable_notify(&e->r), 0);
	KUNIT_EXPECT_EQ(test, drv_used_flags(&e->d), VRING_USED_F_NO_NOTIFY);
	/* The flag may be missing in the new place, so it is written again. */
	e->d.used->flags = 0;
	vtap_ring_relocate(&e->r, &e->cfg);
	KUNIT_EXPECT_EQ(test, vtap_split_disable_notify(&e->r), 0);
	KUNIT_EXPECT_EQ(test, drv_used_flags(&e->d), VRING_USED_F_NO_NOTIFY);
}

static void setup_memmap_no_memory(struct kunit *test)
{
	struct vhost_memory_region reg = { 0, 4096, 4096, 0 };
	struct vtap_memmap *map;

	shim.alloc_fail_at = 1;
	map = vtap_memmap_build(&reg, 1);
	KUNIT_EXPECT_TRUE(test, IS_ERR(map));
	KUNIT_EXPECT_EQ(test, PTR_ERR(map), (long)-ENOMEM);
	map = vtap_memmap_build(&reg, 1);
	KUNIT_EXPECT_FALSE(test, IS_ERR(map));
	vtap_memmap_free(map);
}

/* ---- the fault list ---- */

static void setup_fault_names(struct kunit *test)
{
	int i, k;

	KUNIT_EXPECT_STREQ(test, vtap_fault_name(VTAP_FAULT_NONE), "none");
	KUNIT_EXPECT_STREQ(test, vtap_fault_name(VTAP_NR_FAULTS), "?");
	KUNIT_EXPECT_STREQ(test, vtap_fault_doc(VTAP_NR_FAULTS), "");
	for (i = 1; i < VTAP_NR_FAULTS; i++) {
		KUNIT_EXPECT_GT(test, strlen(vtap_fault_name(i)), (size_t)3);
		KUNIT_EXPECT_GT(test, strlen(vtap_fault_doc(i)), (size_t)10);
		for (k = 1; k < i; k++)
			KUNIT_EXPECT_TRUE(test, strcmp(vtap_fault_name(i),
						       vtap_fault_name(k)));
	}
	KUNIT_EXPECT_LE(test, (int)VTAP_NR_FAULTS, 256);	/* fits a u8 */
}

static struct kunit_case setup_cases[] = {
	KUNIT_CASE(setup_memory_wraps),
	KUNIT_CASE(setup_no_event_words),
	KUNIT_CASE(setup_start_state),
	KUNIT_CASE(setup_start_fault_sweep),
	KUNIT_CASE(setup_start_refuses),
	KUNIT_CASE(setup_start_after_fault),
	KUNIT_CASE(setup_retry_head),
	KUNIT_CASE(setup_retry_jump),
	KUNIT_CASE(setup_relocate_features),
	KUNIT_CASE(setup_memmap_no_memory),
	KUNIT_CASE(setup_fault_names),
	{}
};

static struct kunit_suite setup_suite = {
	.name = "vtap_setup",
	.init = setup_init,
	.exit = end_case,
	.test_cases = setup_cases,
};

kunit_test_suite(setup_suite);
