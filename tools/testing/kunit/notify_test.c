// SPDX-License-Identifier: GPL-2.0
/*
 * notify_test.c - kicks and calls of the split ring: none is missing
 *
 * ring.h explains barriers E and F. User space only. In some tests the driver
 * acts in the middle of an operation. The hooks of the shim then run it after a
 * load or store, or at a full barrier.
 */
#include "env.h"

static struct env *e;

static void start(u16 num, bool event_idx, u16 at)
{
	env_free(e);
	e = env_new(NULL, num, event_idx, at);
}

static int notify_init(struct kunit *test)
{
	start(256, true, 0xfff0);
	return 0;
}

static void notify_exit(struct kunit *test)
{
	env_free(e);
	e = NULL;
}

/* Use @nr chains and publish them; the driver does not look at them yet. */
static void use(struct kunit *test, u32 nr)
{
	u32 i;

	env_add(e, nr, 0);
	drv_publish(&e->d);
	for (i = 0; i < nr; i++)
		KUNIT_ASSERT_EQ(test, env_serve(e, 0), 1);
	KUNIT_ASSERT_EQ(test, vtap_split_publish(&e->r), (int)nr);
}

static void take_all(void)
{
	unsigned long long cookie;
	u32 len;

	while (drv_get(&e->d, &cookie, &len))
		;
}

/* ---- calls ---- */

static void notify_call_flags(struct kunit *test)
{
	start(16, false, 0);
	use(test, 1);
	KUNIT_EXPECT_EQ(test, vtap_split_needs_call(&e->r), 1);
	drv_call_off(&e->d);
	use(test, 1);
	KUNIT_EXPECT_EQ(test, vtap_split_needs_call(&e->r), 0);
	drv_call_on(&e->d);
	use(test, 1);
	KUNIT_EXPECT_EQ(test, vtap_split_needs_call(&e->r), 1);
	/* Other bits have no meaning. */
	e->d.avail->flags = 0xfffe;
	use(test, 1);
	KUNIT_EXPECT_EQ(test, vtap_split_needs_call(&e->r), 1);
}

/* With event indices the flags have no meaning (2.7.7.2). */
static void notify_call_ignores_flags(struct kunit *test)
{
	use(test, 1);
	vtap_split_needs_call(&e->r);
	take_all();
	e->d.avail->flags = 1;
	drv_call_on(&e->d);
	use(test, 1);
	KUNIT_EXPECT_EQ(test, vtap_split_needs_call(&e->r), 1);
	use(test, 1);
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
			use(test, nr);
			want |= drv_wants_call(&e->d, old, old + nr);
			KUNIT_EXPECT_EQ(test, vtap_split_needs_call(&e->r),
					(int)want);
			take_all();
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
		use(test, 1 + rnd_below(&r, 90));
		take_all();
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

static void notify_kick_flags(struct kunit *test)
{
	unsigned long nr;

	start(16, false, 0);
	KUNIT_EXPECT_EQ(test, drv_used_flags(&e->d), 0);
	KUNIT_EXPECT_EQ(test, vtap_split_disable_notify(&e->r), 0);
	KUNIT_EXPECT_EQ(test, drv_used_flags(&e->d), VRING_USED_F_NO_NOTIFY);
	env_add(e, 1, 0);
	drv_publish(&e->d);
	KUNIT_EXPECT_FALSE(test, drv_must_kick(&e->d));

	/* Kicks are off already, so nothing is written. */
	nr = shim.nr;
	KUNIT_EXPECT_EQ(test, vtap_split_disable_notify(&e->r), 0);
	KUNIT_EXPECT_EQ(test, shim.nr, nr);

	KUNIT_EXPECT_EQ(test, env_pop(e), 1);
	KUNIT_EXPECT_EQ(test, vtap_split_enable_notify(&e->r), 0);
	KUNIT_EXPECT_EQ(test, drv_used_flags(&e->d), 0);
	env_add(e, 1, 0);
	drv_publish(&e->d);
	KUNIT_EXPECT_TRUE(test, drv_must_kick(&e->d));
	KUNIT_EXPECT_EQ(test, vtap_split_disable_notify(&e->r), 0);
	KUNIT_EXPECT_EQ(test, drv_used_flags(&e->d), VRING_USED_F_NO_NOTIFY);
}

static void notify_kick_event(struct kunit *test)
{
	/* A driver that has not seen our word kicks for its first chain. */
	env_add(e, 1, 0);
	drv_publish(&e->d);
	KUNIT_EXPECT_TRUE(test, drv_must_kick(&e->d));
	KUNIT_EXPECT_EQ(test, vtap_split_enable_notify(&e->r), 1);

	KUNIT_EXPECT_EQ(test, vtap_split_disable_notify(&e->r), 0);
	KUNIT_EXPECT_EQ(test, drv_used_flags(&e->d), 0);
	env_add(e, 5, 0);
	drv_publish(&e->d);
	KUNIT_EXPECT_FALSE(test, drv_must_kick(&e->d));
	while (env_pop(e) == 1)
		;
	KUNIT_EXPECT_EQ(test, vtap_split_enable_notify(&e->r), 0);
	KUNIT_EXPECT_EQ(test, drv_avail_event(&e->d), e->r.last_avail);
	env_add(e, 1, 0);
	drv_publish(&e->d);
	KUNIT_EXPECT_TRUE(test, drv_must_kick(&e->d));
	env_add(e, 1, 0);
	drv_publish(&e->d);
	KUNIT_EXPECT_FALSE(test, drv_must_kick(&e->d));
}

/* The kick is for the first chain not seen, popped or discarded. */
static void notify_kick_for_unseen_chain(struct kunit *test)
{
	env_add(e, 3, 0);
	drv_publish(&e->d);
	KUNIT_EXPECT_EQ(test, vtap_split_enable_notify(&e->r), 1);
	KUNIT_EXPECT_EQ(test, env_pop(e), 1);
	KUNIT_EXPECT_EQ(test, vtap_split_enable_notify(&e->r), 0);
	KUNIT_EXPECT_EQ(test, drv_avail_event(&e->d), (u16)(0xfff0 + 3));
	KUNIT_EXPECT_EQ(test, vtap_split_empty(&e->r), 0);
	drv_must_kick(&e->d);
	env_add(e, 1, 3);
	drv_publish(&e->d);
	KUNIT_EXPECT_TRUE(test, drv_must_kick(&e->d));
	KUNIT_EXPECT_EQ(test, vtap_split_enable_notify(&e->r), 1);

	/* The new chain is fetched after the three others are popped. */
	KUNIT_EXPECT_EQ(test, env_pop(e), 1);
	KUNIT_EXPECT_EQ(test, env_pop(e), 1);
	KUNIT_EXPECT_EQ(test, env_pop(e), 1);
	KUNIT_EXPECT_EQ(test, env_pop(e), 0);
	KUNIT_EXPECT_EQ(test, vtap_split_empty(&e->r), 1);
	vtap_split_discard(&e->r, 2);
	KUNIT_EXPECT_EQ(test, vtap_split_empty(&e->r), 0);
	KUNIT_EXPECT_EQ(test, vtap_split_enable_notify(&e->r), 0);
	KUNIT_EXPECT_EQ(test, drv_avail_event(&e->d), (u16)(0xfff0 + 4));
}

static void notify_empty_changes_nothing(struct kunit *test)
{
	static struct vtap_ring before;

	KUNIT_EXPECT_EQ(test, vtap_split_empty(&e->r), 1);
	env_add(e, 2, 0);
	before = e->r;
	KUNIT_EXPECT_EQ(test, vtap_split_empty(&e->r), 1);
	drv_publish(&e->d);
	KUNIT_EXPECT_EQ(test, vtap_split_empty(&e->r), 0);
	KUNIT_EXPECT_TRUE(test, !memcmp(&before, &e->r, sizeof(before)));
	/* An invalid index is not empty: pop reports it. */
	e->d.avail->idx += 1000;
	KUNIT_EXPECT_EQ(test, vtap_split_empty(&e->r), 0);
	KUNIT_EXPECT_EQ(test, vtap_split_enable_notify(&e->r), 1);
	KUNIT_EXPECT_EQ(test, env_pop(e), -EIO);
}

/* ---- the driver acts in the middle of an operation ---- */

struct act {
	int at;		/* event to act at, from 0 */
	int nr;		/* number of events so far */
	bool saw;	/* what the driver saw when it acted */
	void (*fn)(struct act *a);
};

static void act_now(struct act *a)
{
	if (a->nr++ == a->at)
		a->fn(a);
}

static void at_access(void *addr, size_t len, void *arg)
{
	act_now(arg);
}

static void at_barrier(void *arg)
{
	act_now(arg);
}

static void act_arm(struct act *a)
{
	shim.after_load = at_access;
	shim.after_store = at_access;
	shim.at_mb = at_barrier;
	shim.arg = a;
}

static void act_disarm(void)
{
	shim.after_load = NULL;
	shim.after_store = NULL;
	shim.at_mb = NULL;
}

static void driver_adds(struct act *a)
{
	env_add(e, 1, 0);
	drv_publish(&e->d);
	a->saw = drv_must_kick(&e->d);
}

/* Whenever a chain is added, the driver kicks or we see the chain. */
static void notify_kick_race(struct kunit *test)
{
	int event_idx, at;

	for (event_idx = 0; event_idx < 2; event_idx++)
		for (at = 0;; at++) {
			struct act a = { .at = at, .fn = driver_adds };
			int more;

			start(16, event_idx, 0xffff);
			env_add(e, 1, 0);
			drv_publish(&e->d);
			drv_must_kick(&e->d);
			vtap_split_disable_notify(&e->r);
			KUNIT_ASSERT_EQ(test, env_pop(e), 1);
			KUNIT_ASSERT_EQ(test, env_pop(e), 0);

			act_arm(&a);
			more = vtap_split_enable_notify(&e->r);
			act_disarm();
			if (a.nr <= at)
				break;
			KUNIT_EXPECT_TRUE_MSG(test, more == 1 || a.saw,
					      "lost kick, event %d", at);
		}
}

static void driver_waits(struct act *a)
{
	a->saw = drv_call_on(&e->d);
}

/* Whenever the driver goes to sleep, it is called or saw the entry. */
static void notify_call_race(struct kunit *test)
{
	int event_idx, at;

	for (event_idx = 0; event_idx < 2; event_idx++)
		for (at = 0;; at++) {
			struct act a = { .at = at, .fn = driver_waits };
			int call;

			start(16, event_idx, 0xffff);
			use(test, 1);
			vtap_split_needs_call(&e->r);
			take_all();
			drv_call_off(&e->d);
			env_add(e, 1, 0);
			drv_publish(&e->d);
			KUNIT_ASSERT_EQ(test, env_serve(e, 0), 1);

			act_arm(&a);
			KUNIT_EXPECT_EQ(test, vtap_split_publish(&e->r), 1);
			call = vtap_split_needs_call(&e->r);
			act_disarm();
			if (a.nr <= at)
				break;
			KUNIT_EXPECT_TRUE_MSG(test, call == 1 || a.saw,
					      "lost call, event %d", at);
		}
}

/* Order of accesses: our word, the barrier, the driver's index. */
struct trace {
	char text[64];
	int nr;
};

static void trace_load(void *addr, size_t len, void *arg)
{
	struct trace *t = arg;

	t->text[t->nr++] = addr == &e->d.avail->idx ? 'i' : 'l';
}

static void trace_store(void *addr, size_t len, void *arg)
{
	struct trace *t = arg;
	char c = addr == &e->d.used->idx ? 'U' : 'S';

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
		act_disarm();
	}
}

/* ---- faults ---- */

static int op_needs_call(struct vtap_ring *r)
{
	return vtap_split_needs_call(r);
}

static int op_empty(struct vtap_ring *r)
{
	return vtap_split_empty(r);
}

static int op_disable_notify(struct vtap_ring *r)
{
	return vtap_split_disable_notify(r);
}

static int op_enable_notify(struct vtap_ring *r)
{
	return vtap_split_enable_notify(r);
}

static void notify_fault_sweep(struct kunit *test)
{
	int (*ops[])(struct vtap_ring *r) = {
		op_needs_call, op_empty, op_disable_notify, op_enable_notify,
	};
	unsigned int i, event_idx;
	unsigned long n;
	int ret;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		for (event_idx = 0; event_idx < 2; event_idx++)
			for (n = 1;; n++) {
				start(16, event_idx, 0);
				shim.nr = 0;
				shim.fail_at = n;
				ret = ops[i](&e->r);
				shim_idle();
				shim.fail_at = 0;
				if (shim.nr < n)
					break;
				KUNIT_EXPECT_EQ(test, ret, -EIO);
				env_expect_refusal(test, e,
						   VTAP_FAULT_RING_ACCESS);
			}
}

static struct kunit_case notify_cases[] = {
	KUNIT_CASE(notify_call_flags),
	KUNIT_CASE(notify_call_ignores_flags),
	KUNIT_CASE(notify_call_event),
	KUNIT_CASE(notify_call_covers_all_publishes),
	KUNIT_CASE(notify_call_on_empty),
	KUNIT_CASE(notify_kick_flags),
	KUNIT_CASE(notify_kick_event),
	KUNIT_CASE(notify_kick_for_unseen_chain),
	KUNIT_CASE(notify_empty_changes_nothing),
	KUNIT_CASE(notify_kick_race),
	KUNIT_CASE(notify_call_race),
	KUNIT_CASE(notify_barrier_order),
	KUNIT_CASE(notify_fault_sweep),
	{}
};

static struct kunit_suite notify_suite = {
	.name = "vtap_notify",
	.init = notify_init,
	.exit = notify_exit,
	.test_cases = notify_cases,
};

kunit_test_suite(notify_suite);
