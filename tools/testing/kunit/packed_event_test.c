// SPDX-License-Identifier: GPL-2.0
/*
 * packed_event_test.c - kicks and calls of the packed ring only
 *
 * ring_notify_test.c has the cases of both formats.
 */
#include "env_case.h"
#include "pdriver.h"

enum { ENABLE, DISABLE, DESC };

static int packed_event_init(struct kunit *test)
{
	packed = true;
	start(100, true, 0x8000 | 90);
	return 0;
}

static void set_driver_event(u16 off_wrap, u16 mode)
{
	drv_avail_at(&e->d, 0)->v = off_wrap;
	drv_avail_at(&e->d, 1)->v = mode;
}

static int needs_call(void)
{
	int ret = vtap_packed_needs_call(&e->r);

	shim_idle();
	return ret;
}

static u16 mode(void)
{
	return drv_used_at(&e->d, 1)->v;
}

static u16 kick_at(void)
{
	return drv_used_at(&e->d, 0)->v;
}

/* ---- calls ---- */

static void packed_call_modes(struct kunit *test)
{
	static const u16 bad[] = { 3, 4, 0x8000, 0x8001, 0xffff };
	unsigned int i, event_idx;

	for (event_idx = 0; event_idx < 2; event_idx++) {
		start(100, event_idx, 0x8000);
		env_use(test, e, 1);
		set_driver_event(0x1234, ENABLE);
		KUNIT_EXPECT_EQ(test, needs_call(), 1);
		set_driver_event(0x1234, DISABLE);
		KUNIT_EXPECT_EQ(test, needs_call(), 0);
		for (i = 0; i < ARRAY_SIZE(bad); i++) {
			set_driver_event(0, bad[i]);
			KUNIT_EXPECT_EQ(test, needs_call(), 1);
		}
	}
	/* Without EVENT_IDX the third mode is invalid. */
	start(100, false, 0x8000);
	env_use(test, e, 1);
	set_driver_event(50, DESC);
	KUNIT_EXPECT_EQ(test, needs_call(), 1);
	KUNIT_EXPECT_EQ(test, needs_call(), 1);
}

/* All events, positions and distances, compared with the mock driver. */
static void packed_call_every_event(struct kunit *test)
{
	static const u16 nums[] = { 1, 2, 3, 7, 16 };
	u32 i, at, n, event;
	int want;

	for (i = 0; i < ARRAY_SIZE(nums); i++) {
		u32 num = nums[i];

		for (at = 0; at < 2 * num; at++)
			for (n = 1; n <= num; n++)
				for (event = 0; event < 2 * num; event++) {
					u16 old = at % num | (at < num) << 15;

					start(num, true, old);
					set_driver_event(0, DISABLE);
					KUNIT_EXPECT_EQ(test, needs_call(), 0);
					env_use(test, e, n);
					set_driver_event(event % num |
							 (event < num) << 15,
							 DESC);
					want = drv_wants_call(&e->d, old,
							      e->r.last_used);
					KUNIT_ASSERT_EQ(test, needs_call(), want);
				}
	}
}

static void packed_call_garbage_offset(struct kunit *test)
{
	static const u16 bad[] = { 100, 101, 0x7fff, 0x8000 | 100, 0xffff };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		env_use(test, e, 1);
		needs_call();
		env_take_all(e);
		env_use(test, e, 1);
		set_driver_event(bad[i], DESC);
		KUNIT_EXPECT_EQ(test, needs_call(), 1);
		env_take_all(e);
	}
}

/* After two laps without a decision the last one is invalid. */
static void packed_call_after_two_laps(struct kunit *test)
{
	u32 laps, i;

	for (laps = 1; laps < 8; laps++) {
		start(10, true, 0x8000 | 3);
		env_use(test, e, 1);
		set_driver_event(0, DISABLE);
		KUNIT_EXPECT_EQ(test, needs_call(), 0);
		env_take_all(e);
		for (i = 0; i < laps; i++) {
			env_use(test, e, 5);
			env_take_all(e);
		}
		/* Just after the last entries, so not one of them. */
		set_driver_event(e->r.last_used, DESC);
		KUNIT_EXPECT_EQ(test, needs_call(), laps >= 4);
	}
}

/* The further descriptors of a chain are used with the first. */
static void packed_call_within_chain(struct kunit *test)
{
	struct seg b[4] = {};
	u16 old, i;

	for (i = 0; i < 6; i++) {
		start(100, true, 0x8000 | 97);
		set_driver_event(0, DISABLE);
		needs_call();
		old = e->r.last_used;
		KUNIT_ASSERT_GE(test, drv_add(&e->d, b, 4, 0), 0);
		drv_publish(&e->d);
		KUNIT_ASSERT_EQ(test, env_serve(e, 0), 1);
		vtap_packed_publish(&e->r);
		set_driver_event(i < 3 ? 0x8000 | (97 + i) : i - 3, DESC);
		KUNIT_EXPECT_EQ(test, needs_call(), i < 4);
		KUNIT_EXPECT_EQ(test, drv_wants_call(&e->d, old,
						     e->r.last_used), i < 4);
	}
}

/* ---- kicks ---- */

/* A busy ring needs one write, and gets no kick for many laps. */
static void packed_kick_off_while_busy(struct kunit *test)
{
	u32 turn, nr_windows, nr_writes = 0;

	start(100, true, 0x8000 | 55);
	KUNIT_EXPECT_EQ(test, vtap_packed_enable_notify(&e->r), 0);
	for (turn = 0; turn < 200; turn++) {
		nr_windows = shim.nr_windows;
		KUNIT_EXPECT_EQ(test, vtap_packed_disable_notify(&e->r), 0);
		nr_writes += shim.nr_windows - nr_windows;
		env_use(test, e, 30);
		KUNIT_EXPECT_EQ(test, drv_must_kick(&e->d), turn == 0);
		env_take_all(e);
	}
	KUNIT_EXPECT_EQ(test, nr_writes, 1);
	KUNIT_EXPECT_EQ(test, mode(), DISABLE);
}

/* The driver must never see the mode with an older offset. */
static void offset_first(void *addr, size_t len, void *arg)
{
	if (addr == (void *)drv_used_at(&e->d, 1) && mode() == DESC)
		shim_assert(kick_at() == *(u16 *)arg);
}

static void packed_kick_words_in_order(struct kunit *test)
{
	u16 at = 0x8000 | 90;

	KUNIT_EXPECT_EQ(test, vtap_packed_disable_notify(&e->r), 0);
	KUNIT_EXPECT_EQ(test, mode(), DISABLE);
	shim.after_store = offset_first;
	shim.arg = &at;
	KUNIT_EXPECT_EQ(test, vtap_packed_enable_notify(&e->r), 0);
	shim.after_store = NULL;
	KUNIT_EXPECT_EQ(test, mode(), DESC);
}

static struct kunit_case packed_event_cases[] = {
	KUNIT_CASE(packed_call_modes),
	KUNIT_CASE(packed_call_every_event),
	KUNIT_CASE(packed_call_garbage_offset),
	KUNIT_CASE(packed_call_after_two_laps),
	KUNIT_CASE(packed_call_within_chain),
	KUNIT_CASE(packed_kick_off_while_busy),
	KUNIT_CASE(packed_kick_words_in_order),
	{}
};

static struct kunit_suite packed_event_suite = {
	.name = "vtap_packed_event",
	.init = packed_event_init,
	.exit = end_case,
	.test_cases = packed_event_cases,
};

kunit_test_suite(packed_event_suite);
