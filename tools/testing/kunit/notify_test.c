// SPDX-License-Identifier: GPL-2.0
/*
 * notify_test.c - kicks and calls of the split ring only
 *
 * ring.h explains barriers E and F. ring_notify_test.c has the cases of both formats.
 */
#include "env_case.h"

static int notify_init(struct kunit *test)
{
	start(256, true, 0xfff0);
	return 0;
}

/* ---- calls ---- */

/* Other bits of the flags have no meaning. */
static void notify_call_unknown_flags(struct kunit *test)
{
	start(16, false, 0);
	e->d.avail->flags = 0xfffe;
	env_use(test, e, 1);
	KUNIT_EXPECT_EQ(test, vtap_split_needs_call(&e->r), 1);
}

/* With event indices the flags have no meaning (2.7.7.2). */
static void notify_call_ignores_flags(struct kunit *test)
{
	env_use(test, e, 1);
	vtap_split_needs_call(&e->r);
	env_take_all(e);
	e->d.avail->flags = 1;
	drv_call_on(&e->d);
	env_use(test, e, 1);
	KUNIT_EXPECT_EQ(test, vtap_split_needs_call(&e->r), 1);
	env_use(test, e, 1);
	KUNIT_EXPECT_EQ(test, vtap_split_needs_call(&e->r), 0);
}

/* Every batch size and every entry the driver may wait for, over the wrap. */
static void notify_call_event(struct kunit *test)
{
	u32 nr;
	int ahead;

	for (nr = 1; nr <= 70; nr += 1 + nr / 4)
		for (ahead = -2; ahead <= (int)nr + 1; ahead++) {
			u16 old = drv_used_idx(&e->d);
			bool want = old == 0xfff0;	/* the first one */

			drv_call_at(&e->d, old + ahead);
			env_use(test, e, nr);
			want |= drv_wants_call(&e->d, old, old + nr);
			KUNIT_EXPECT_EQ(test, vtap_split_needs_call(&e->r),
					(int)want);
			env_take_all(e);
		}
}

/* A late decision covers all entries since the previous one. */
static void notify_call_covers_all_publishes(struct kunit *test)
{
	struct rnd r = { 5 };
	bool first = true;
	u16 asked;
	u32 i;

	asked = drv_used_idx(&e->d);
	for (i = 0; i < 5000; i++) {
		u16 now;

		if (rnd_below(&r, 3) == 0)
			drv_call_at(&e->d, asked + rnd_below(&r, 200) - 20);
		env_use(test, e, 1 + rnd_below(&r, 90));
		env_take_all(e);
		if (rnd_below(&r, 4))
			continue;
		now = drv_used_idx(&e->d);
		KUNIT_EXPECT_EQ(test, vtap_split_needs_call(&e->r),
				(int)(first ||
				      drv_wants_call(&e->d, asked, now)));
		asked = now;
		first = false;
	}
}

/* VIRTIO_F_NOTIFY_ON_EMPTY: call for the last chain, suppressed or not. */
static void notify_call_on_empty(struct kunit *test)
{
	int event_idx;

	for (event_idx = 0; event_idx < 2; event_idx++) {
		start(16, event_idx, 0);
		e->cfg.call_on_empty = true;
		KUNIT_ASSERT_EQ(test, env_start(e, 0), 0);
		drv_call_off(&e->d);
		env_add(e, 4, 0);
		drv_publish(&e->d);
		KUNIT_ASSERT_EQ(test, env_serve(e, 0), 1);
		KUNIT_ASSERT_EQ(test, vtap_split_publish(&e->r), 1);
		/* With event indices the first decision is always a call. */
		KUNIT_EXPECT_EQ(test, vtap_split_needs_call(&e->r), event_idx);
		KUNIT_ASSERT_EQ(test, env_serve(e, 0), 1);
		KUNIT_ASSERT_EQ(test, vtap_split_publish(&e->r), 1);
		KUNIT_EXPECT_EQ(test, vtap_split_needs_call(&e->r), 0);
		KUNIT_ASSERT_EQ(test, env_serve(e, 0), 1);
		KUNIT_ASSERT_EQ(test, env_serve(e, 0), 1);
		KUNIT_ASSERT_EQ(test, vtap_split_publish(&e->r), 2);
		KUNIT_EXPECT_EQ(test, vtap_split_needs_call(&e->r), 1);
	}
}

/* ---- kicks ---- */

/* An invalid index is not empty: pop reports it. */
static void notify_jump_is_not_empty(struct kunit *test)
{
	env_add(e, 2, 0);
	drv_publish(&e->d);
	e->d.avail->idx += 1000;
	KUNIT_EXPECT_EQ(test, vtap_split_empty(&e->r), 0);
	KUNIT_EXPECT_EQ(test, vtap_split_enable_notify(&e->r), 1);
	KUNIT_EXPECT_EQ(test, env_pop(e), -EIO);
}

/* ---- barriers ---- */

/* Order of accesses: our word, the barrier, the driver's index. */
struct trace {
	char text[64];
	int nr;
};

static void trace_load(void *addr, size_t len, void *arg)
{
	struct trace *t = arg;

	t->text[t->nr++] = addr == drv_field(e->d.avail, idx) ? 'i' : 'l';
}

static void trace_store(void *addr, size_t len, void *arg)
{
	struct trace *t = arg;
	char c = addr == drv_field(e->d.used, idx) ? 'U' : 'S';

	/* An entry takes one store or two. */
	if (!t->nr || t->text[t->nr - 1] != c)
		t->text[t->nr++] = c;
}

static void trace_mb(void *arg)
{
	struct trace *t = arg;

	t->text[t->nr++] = '|';
}

static void notify_barrier_order(struct kunit *test)
{
	int event_idx;

	for (event_idx = 0; event_idx < 2; event_idx++) {
		struct trace on = {}, call = {};

		start(16, event_idx, 0);
		shim.after_load = trace_load;
		shim.after_store = trace_store;
		shim.at_mb = trace_mb;
		shim.arg = &on;
		vtap_split_enable_notify(&e->r);
		KUNIT_EXPECT_STREQ(test, on.text, "S|i");

		env_add(e, 1, 0);
		drv_publish(&e->d);
		KUNIT_ASSERT_EQ(test, env_serve(e, 0), 1);
		shim.arg = &call;
		vtap_split_publish(&e->r);
		vtap_split_needs_call(&e->r);
		KUNIT_EXPECT_STREQ(test, call.text, "SU|l");
		shim_reset();
	}
}

static struct kunit_case notify_cases[] = {
	KUNIT_CASE(notify_call_unknown_flags),
	KUNIT_CASE(notify_call_ignores_flags),
	KUNIT_CASE(notify_call_event),
	KUNIT_CASE(notify_call_covers_all_publishes),
	KUNIT_CASE(notify_call_on_empty),
	KUNIT_CASE(notify_jump_is_not_empty),
	KUNIT_CASE(notify_barrier_order),
	{}
};

static struct kunit_suite notify_suite = {
	.name = "vtap_notify",
	.init = notify_init,
	.exit = end_case,
	.test_cases = notify_cases,
};

kunit_test_suite(notify_suite);
