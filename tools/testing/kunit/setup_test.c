// SPDX-License-Identifier: GPL-2.0
/*
 * setup_test.c - start and relocate a ring, migrate its base; the fault list
 *
 * User space only.
 */
#include "env.h"

static struct env *e;

static int setup_init(struct kunit *test)
{
	e = env_new(test, 64, true, 0);
	return 0;
}

static void setup_exit(struct kunit *test)
{
	env_free(e);
	e = NULL;
}

/* ---- addresses ---- */

static void setup_memory_ok(struct kunit *test)
{
	const u64 top = TASK_SIZE_MAX;
	u32 num, ev;

	for (num = 1; num <= VTAP_RING_MAX; num *= 2)
		for (ev = 0; ev < 2; ev++) {
			u64 desc = drv_desc_size(num);
			u64 avail = drv_avail_size(num, ev);
			u64 used = drv_used_size(num, ev);
			struct vtap_ring_cfg good = {
				.num = num, .event_idx = ev,
				.desc = top - desc, .avail = top - avail,
				.used = top - used,
			};
			struct vtap_ring_cfg bad;

			/* Exactly up to the end, and one unit past it. */
			KUNIT_EXPECT_TRUE(test, vtap_ring_memory_ok(&good));
			bad = good;
			bad.desc += 16;
			KUNIT_EXPECT_FALSE(test, vtap_ring_memory_ok(&bad));
			bad = good;
			bad.avail += 2;
			KUNIT_EXPECT_FALSE(test, vtap_ring_memory_ok(&bad));
			bad = good;
			bad.used += 4;
			KUNIT_EXPECT_FALSE(test, vtap_ring_memory_ok(&bad));
		}
}

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
		env_free(e);
		e = env_new(test, num, false, 0xffff);
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

/* A late memory table, then a bad head: each retry reads the guest again. */
static void setup_retry(struct kunit *test)
{
	u64 late = ENV_RAM + 16 * ENV_RAM_SIZE;

	KUNIT_EXPECT_FALSE(test, vtap_ring_clear_fault(&e->r));
	env_add(e, 1, 1);
	drv_publish(&e->d);
	KUNIT_ASSERT_EQ(test, env_serve(e, 7), 1);
	e->d.desc[1] = (struct drv_desc){ .addr = late, .len = 8 };
	drv_put_avail(&e->d, 1);
	drv_publish(&e->d);
	KUNIT_ASSERT_EQ(test, env_pop(e), -EIO);
	KUNIT_ASSERT_EQ(test, (int)e->r.fault, VTAP_FAULT_UNMAPPED);

	gmem_add(&e->g, late, 0x1000);
	env_map(e);
	KUNIT_EXPECT_TRUE(test, vtap_ring_clear_fault(&e->r));
	/* Fetched again, because the old copy may be outdated. */
	e->d.desc[1].len = 9;
	KUNIT_EXPECT_EQ(test, env_pop(e), 1);
	KUNIT_EXPECT_EQ(test, e->c.out_len, 9ull);
	KUNIT_EXPECT_EQ(test, vtap_split_publish(&e->r), 1);

	drv_put_avail(&e->d, 64);
	drv_publish(&e->d);
	KUNIT_ASSERT_EQ(test, env_pop(e), -EIO);
	KUNIT_EXPECT_EQ(test, (int)e->r.fault, VTAP_FAULT_HEAD_RANGE);
	/* Not repaired: the same fault again. */
	KUNIT_EXPECT_TRUE(test, vtap_ring_clear_fault(&e->r));
	KUNIT_EXPECT_EQ(test, env_pop(e), -EIO);
	KUNIT_EXPECT_EQ(test, (int)e->r.fault, VTAP_FAULT_HEAD_RANGE);
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

/*
 * Fail every access of a pass once, like ring memory that is missing for a
 * while. After a retry each chain is used once and in order. The batch is long
 * enough to spill.
 */
static void retry_sweep(struct kunit *test, bool packed)
{
	u32 heads[200], nr = 150;
	unsigned long at;

	for (at = 1; ; at++) {
		unsigned long long cookie;
		u32 len, i, got = 0, popped = 0, staged = 0;
		bool failed = false;

		env_free(e);
		e = packed ? env_new_packed(256, true, 0x8000 | 200) :
			     env_new(test, 256, true, 0xff80);
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
		if (vtap_ring_publish(&e->r, packed) < 0) {
			shim_idle();
			failed = true;
			KUNIT_ASSERT_EQ(test, drv_nr_used(&e->d), 0);
			KUNIT_ASSERT_TRUE(test, vtap_ring_clear_fault(&e->r));
			KUNIT_ASSERT_EQ(test, vtap_ring_publish(&e->r, packed),
					(int)nr);
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

static void setup_retry_split_sweep(struct kunit *test)
{
	retry_sweep(test, false);
}

static void setup_retry_packed_sweep(struct kunit *test)
{
	retry_sweep(test, true);
}

/* Fetched chains that were not popped may change, and are fetched again. */
static void setup_refetch(struct kunit *test)
{
	u32 packed, i;

	for (packed = 0; packed < 2; packed++) {
		u32 heads[3];

		env_free(e);
		e = packed ? env_new_packed(64, true, 0x8000 | 60) :
			     env_new(test, 64, true, 60);
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
		KUNIT_EXPECT_EQ(test, vtap_ring_publish(&e->r, packed), 20);
	}
}

/* ---- migration: GET_VRING_BASE, then SET_VRING_BASE ---- */

static void setup_base_round_trip(struct kunit *test)
{
	unsigned long long cookie;
	u32 len, all = 0, got = 0, i;

	env_free(e);
	e = env_new(test, 64, true, 0xffe0);
	for (i = 0; i < 200; i++) {
		u16 base;
		u32 k, nr = 1 + i % 7;

		env_add(e, nr + 2, all);
		drv_publish(&e->d);
		/* Stop with two chains fetched but not popped. */
		for (k = 0; k < nr; k++)
			KUNIT_ASSERT_EQ(test, env_serve(e, 0), 1);
		KUNIT_ASSERT_EQ(test, vtap_split_publish(&e->r), (int)nr);
		base = e->r.last_avail;
		memset(&e->r, 0xee, sizeof(e->r));
		KUNIT_ASSERT_EQ(test, env_start(e, base), 0);
		while (env_serve(e, 0) == 1)
			;
		KUNIT_ASSERT_EQ(test, vtap_split_publish(&e->r), 2);
		all += nr + 2;
		for (; drv_get(&e->d, &cookie, &len); got++)
			KUNIT_EXPECT_EQ(test, cookie, (u64)got);
	}
	KUNIT_EXPECT_EQ(test, got, all);
	KUNIT_EXPECT_TRUE(test, !e->d.broken);
}

/* ---- relocation ---- */

/* Move the ring with its contents, and remove the old memory. */
static void move_rings(void)
{
	void *desc = gmem_host(&e->g, drv_desc_size(64));
	void *avail = gmem_host(&e->g, drv_avail_size(64, true));
	void *used = gmem_host(&e->g, drv_used_size(64, true));

	memcpy(desc, e->d.desc, drv_desc_size(64));
	memcpy(avail, e->d.avail, drv_avail_size(64, true));
	memcpy(used, e->d.used, drv_used_size(64, true));
	shim_extent_right(e->d.desc, 0);
	shim_extent_right(e->d.avail, 0);
	shim_extent_right(e->d.used, 0);
	e->d.desc = desc;
	e->d.avail = avail;
	e->d.used = used;
	e->cfg.desc = (uintptr_t)desc;
	e->cfg.avail = (uintptr_t)avail;
	e->cfg.used = (uintptr_t)used;
	shim_assert(vtap_ring_memory_ok(&e->cfg));
}

static void setup_relocate(struct kunit *test)
{
	unsigned long long cookie;
	u32 len, i;

	env_add(e, 20, 0);
	drv_publish(&e->d);
	for (i = 0; i < 5; i++)
		KUNIT_ASSERT_EQ(test, env_serve(e, 0), 1);
	KUNIT_ASSERT_EQ(test, vtap_split_publish(&e->r), 5);
	vtap_split_needs_call(&e->r);

	move_rings();
	vtap_ring_relocate(&e->r, &e->cfg);
	/* The fetched copy is from the old place and must be read again. */
	e->d.desc[e->d.avail->ring[5]].len = 4321;
	KUNIT_ASSERT_EQ(test, env_serve(e, 0), 1);
	KUNIT_EXPECT_EQ(test, e->c.out_len, 4321ull);
	for (i = 6; i < 20; i++)
		KUNIT_ASSERT_EQ(test, env_serve(e, 0), 1);
	KUNIT_EXPECT_EQ(test, env_pop(e), 0);
	KUNIT_ASSERT_EQ(test, vtap_split_publish(&e->r), 15);
	/* The new event word is unknown, so the decision is a call. */
	drv_call_off(&e->d);
	KUNIT_EXPECT_EQ(test, vtap_split_needs_call(&e->r), 1);
	for (i = 0; i < 20; i++) {
		KUNIT_ASSERT_TRUE(test, drv_get(&e->d, &cookie, &len));
		KUNIT_EXPECT_EQ(test, cookie, (u64)i);
	}
}

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
	KUNIT_CASE(setup_memory_ok),
	KUNIT_CASE(setup_memory_wraps),
	KUNIT_CASE(setup_no_event_words),
	KUNIT_CASE(setup_start_state),
	KUNIT_CASE(setup_start_fault_sweep),
	KUNIT_CASE(setup_start_after_fault),
	KUNIT_CASE(setup_retry),
	KUNIT_CASE(setup_retry_jump),
	KUNIT_CASE(setup_retry_split_sweep),
	KUNIT_CASE(setup_retry_packed_sweep),
	KUNIT_CASE(setup_refetch),
	KUNIT_CASE(setup_base_round_trip),
	KUNIT_CASE(setup_relocate),
	KUNIT_CASE(setup_relocate_features),
	KUNIT_CASE(setup_memmap_no_memory),
	KUNIT_CASE(setup_fault_names),
	{}
};

static struct kunit_suite setup_suite = {
	.name = "vtap_setup",
	.init = setup_init,
	.exit = setup_exit,
	.test_cases = setup_cases,
};

kunit_test_suite(setup_suite);
