// SPDX-License-Identifier: GPL-2.0
/*
 * ring_notify_test.c - kicks and calls that are the same for both formats: none is missing
 *
 * ring.h explains barriers E and F. In some tests the driver acts in the middle of
 * an operation. The hooks of the shim then run it after a load or store, or at a full
 * barrier. notify_test.c and packed_event_test.c have the cases of a single format.
 */
#include "env_case.h"
#include "pdriver.h"

ENV_FORMATS();

static int ring_notify_init(struct kunit *test)
{
	const struct env_format *f = test->param_value;

	packed = f->packed;
	start(64, true, packed ? 0x8000 | 60 : 0xfff0);
	return 0;
}

/* Add @nr chains and decide on a kick. */
static bool add(u32 nr)
{
	env_add(e, nr, 0);
	drv_publish(&e->d);
	return drv_must_kick(&e->d);
}

static int needs_call(void)
{
	return vtap_ring_needs_call(&e->r, packed);
}

static int disable_notify(void)
{
	return vtap_ring_disable_notify(&e->r, packed);
}

static int enable_notify(void)
{
	return vtap_ring_enable_notify(&e->r, packed);
}

/* Position of the chain for which the device requests a kick. */
static u16 kick_at(void)
{
	return packed ? pdrv_device(&e->d)->off_wrap : drv_avail_event(&e->d);
}

static bool kicks_are_off(void)
{
	if (packed)
		return pdrv_device(&e->d)->flags == PDRV_DISABLE;
	return drv_used_flags(&e->d) == VRING_USED_F_NO_NOTIFY;
}

/* ---- calls ---- */

static void ring_notify_call_off_and_on(struct kunit *test)
{
	start(16, false, e->start & 0x8000);
	env_use(test, e, 1);
	KUNIT_EXPECT_EQ(test, needs_call(), 1);
	drv_call_off(&e->d);
	env_use(test, e, 1);
	KUNIT_EXPECT_EQ(test, needs_call(), 0);
	drv_call_on(&e->d);
	env_use(test, e, 1);
	KUNIT_EXPECT_EQ(test, needs_call(), 1);
}

/* The age of the driver's word is unknown at the first decision. */
static void ring_notify_first_decision_is_call(struct kunit *test)
{
	drv_call_at(&e->d, env_step(e, e->start, 40));
	env_use(test, e, 1);
	KUNIT_EXPECT_EQ(test, needs_call(), 1);
	env_take_all(e);
	env_use(test, e, 1);
	KUNIT_EXPECT_EQ(test, needs_call(), 0);
}

/* ---- kicks ---- */

static void ring_notify_kick_flags(struct kunit *test)
{
	unsigned long nr;

	start(16, false, e->start & 0x8000);
	KUNIT_EXPECT_FALSE(test, kicks_are_off());
	KUNIT_EXPECT_EQ(test, disable_notify(), 0);
	KUNIT_EXPECT_TRUE(test, kicks_are_off());
	KUNIT_EXPECT_FALSE(test, add(1));

	/* Kicks are off already, so nothing is written. */
	nr = shim.nr;
	KUNIT_EXPECT_EQ(test, disable_notify(), 0);
	KUNIT_EXPECT_EQ(test, shim.nr, nr);

	KUNIT_EXPECT_EQ(test, enable_notify(), 1);
	KUNIT_EXPECT_FALSE(test, kicks_are_off());
	KUNIT_EXPECT_EQ(test, env_serve(e, 0), 1);
	KUNIT_EXPECT_EQ(test, env_pop(e), 0);
	KUNIT_EXPECT_EQ(test, enable_notify(), 0);
	KUNIT_EXPECT_TRUE(test, add(1));
	KUNIT_EXPECT_EQ(test, disable_notify(), 0);
	KUNIT_EXPECT_TRUE(test, kicks_are_off());
}

/* One kick for the next chain, at any position of the ring. */
static void ring_notify_kick_event(struct kunit *test)
{
	u32 turn;

	start(packed ? 7 : 8, true, packed ? 0x8000 : 0xfff0);
	/* A driver that has not seen our word kicks for its first chain. */
	KUNIT_EXPECT_TRUE(test, add(1));
	KUNIT_EXPECT_EQ(test, enable_notify(), 1);
	KUNIT_EXPECT_EQ(test, env_serve(e, 0), 1);
	vtap_ring_publish(&e->r, packed);
	env_take_all(e);

	for (turn = 0; turn < 50; turn++) {
		u32 n = 1 + turn % 7;

		KUNIT_EXPECT_EQ(test, env_pop(e), 0);
		KUNIT_EXPECT_EQ(test, enable_notify(), 0);
		KUNIT_EXPECT_FALSE(test, kicks_are_off());
		KUNIT_EXPECT_EQ(test, kick_at(), e->d.avail_idx);
		KUNIT_EXPECT_TRUE(test, add(n));
		if (e->d.nr_free)
			KUNIT_EXPECT_FALSE(test, add(1));
		KUNIT_EXPECT_EQ(test, disable_notify(), 0);
		while (env_serve(e, 0) == 1)
			;
		vtap_ring_publish(&e->r, packed);
		env_take_all(e);
		KUNIT_EXPECT_FALSE(test, add(1));
		KUNIT_EXPECT_EQ(test, enable_notify(), 1);
		KUNIT_EXPECT_EQ(test, env_serve(e, 0), 1);
		vtap_ring_publish(&e->r, packed);
		env_take_all(e);
	}
}

/* The kick is for the first chain not seen, popped or discarded. */
static void ring_notify_kick_for_unseen_chain(struct kunit *test)
{
	u32 heads[4], n;

	start(packed ? 7 : 8, true, packed ? 0x8000 | 3 : 0xfff0);
	add(3);
	KUNIT_EXPECT_EQ(test, enable_notify(), 1);
	KUNIT_EXPECT_EQ(test, env_pop(e), 1);
	heads[0] = e->c.head;
	KUNIT_EXPECT_EQ(test, enable_notify(), 0);
	KUNIT_EXPECT_EQ(test, kick_at(), env_step(e, e->start, 3));
	KUNIT_EXPECT_EQ(test, vtap_ring_empty(&e->r, packed), 0);
	KUNIT_EXPECT_EQ(test, vtap_ring_has_new(&e->r, packed), 0);
	KUNIT_EXPECT_TRUE(test, add(1));
	KUNIT_EXPECT_EQ(test, vtap_ring_has_new(&e->r, packed), 1);
	KUNIT_EXPECT_EQ(test, enable_notify(), 1);

	/* The new chain is fetched after the three others are popped. */
	for (n = 1; n < 4; n++) {
		KUNIT_ASSERT_EQ(test, env_pop(e), 1);
		heads[n] = e->c.head;
	}
	KUNIT_EXPECT_EQ(test, env_pop(e), 0);
	KUNIT_EXPECT_EQ(test, vtap_ring_empty(&e->r, packed), 1);
	vtap_ring_discard(&e->r, heads + 2, 2, packed);
	KUNIT_EXPECT_EQ(test, vtap_ring_empty(&e->r, packed), 0);
	KUNIT_EXPECT_EQ(test, enable_notify(), 0);
	KUNIT_EXPECT_EQ(test, kick_at(), env_step(e, e->start, 4));
	vtap_ring_discard(&e->r, heads, 2, packed);
	KUNIT_EXPECT_EQ(test, enable_notify(), 0);
	KUNIT_EXPECT_EQ(test, kick_at(), env_step(e, e->start, 4));
	KUNIT_EXPECT_TRUE(test, add(1));
}

static void ring_notify_empty_changes_nothing(struct kunit *test)
{
	static struct vtap_ring before;

	KUNIT_EXPECT_EQ(test, vtap_ring_empty(&e->r, packed), 1);
	env_add(e, 2, 0);
	before = e->r;
	KUNIT_EXPECT_EQ(test, vtap_ring_empty(&e->r, packed), 1);
	drv_publish(&e->d);
	KUNIT_EXPECT_EQ(test, vtap_ring_empty(&e->r, packed), 0);
	KUNIT_EXPECT_TRUE(test, !memcmp(&before, &e->r, sizeof(before)));
}

/* ---- the driver acts in the middle of an operation ---- */

struct driver_action {
	int event;	/* event to act at, from 0 */
	int nr;		/* number of events so far */
	bool saw;	/* result of the driver's check when it acted */
	void (*fn)(struct driver_action *a);
};

static void act_now(struct driver_action *a)
{
	if (a->nr++ == a->event)
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

static void act_arm(struct driver_action *a)
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

static void driver_adds(struct driver_action *a)
{
	a->saw = add(1);
}

/*
 * Whenever a chain is added, the driver kicks or we see the chain. Returns false if the
 * operation has fewer events.
 */
static bool kick_race_once(struct kunit *test, u16 num, bool event_idx, u16 from,
			   int at)
{
	struct driver_action a = { .event = at, .fn = driver_adds };
	int more;

	start(num, event_idx, from);
	add(1);
	disable_notify();
	KUNIT_ASSERT_EQ(test, env_pop(e), 1);
	KUNIT_ASSERT_EQ(test, env_pop(e), 0);
	act_arm(&a);
	more = enable_notify();
	act_disarm();
	KUNIT_EXPECT_TRUE_MSG(test, a.nr <= at || more == 1 || a.saw,
			      "lost kick, event %d", at);
	return a.nr > at;
}

/* The same at each position, which also gives both wrap counters. */
static void ring_notify_kick_race(struct kunit *test)
{
	u16 num = packed ? 5 : 8, from = packed ? 0x8000 : 0xfff8;
	int event_idx, at, i;

	for (event_idx = 0; event_idx < 2; event_idx++)
		for (i = 0; i < 2 * num; i++) {
			for (at = 0; kick_race_once(test, num, event_idx, from, at); at++)
				;
			KUNIT_EXPECT_GE(test, at, 3);
			from = env_step(e, from, 1);
		}
}

static void driver_waits(struct driver_action *a)
{
	a->saw = drv_call_on(&e->d);
}

/* Whenever the driver goes to sleep, it is called or saw the entry. */
static void ring_notify_call_race(struct kunit *test)
{
	int event_idx, at;

	for (event_idx = 0; event_idx < 2; event_idx++)
		for (at = 0;; at++) {
			struct driver_action a = { .event = at, .fn = driver_waits };
			int call;

			start(16, event_idx, packed ? 0x8000 | 15 : 0xffff);
			env_use(test, e, 1);
			needs_call();
			env_take_all(e);
			drv_call_off(&e->d);
			env_add(e, 1, 0);
			drv_publish(&e->d);
			KUNIT_ASSERT_EQ(test, env_serve(e, 0), 1);

			act_arm(&a);
			KUNIT_EXPECT_EQ(test, vtap_ring_publish(&e->r, packed), 1);
			call = needs_call();
			act_disarm();
			if (a.nr <= at)
				break;
			KUNIT_EXPECT_TRUE_MSG(test, call == 1 || a.saw,
					      "lost call, event %d", at);
		}
}

/* ---- faults ---- */

static int empty(void)
{
	return vtap_ring_empty(&e->r, packed);
}

static void ring_notify_fault_sweep(struct kunit *test)
{
	int (*ops[])(void) = { needs_call, empty, disable_notify, enable_notify };
	unsigned int i, event_idx;
	unsigned long n;
	int ret;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		for (event_idx = 0; event_idx < 2; event_idx++)
			for (n = 1;; n++) {
				start(16, event_idx, e->start & 0x8000);
				shim.nr = 0;
				shim.fail_at = n;
				ret = ops[i]();
				shim_idle();
				shim.fail_at = 0;
				if (shim.nr < n)
					break;
				KUNIT_EXPECT_EQ(test, ret, -EIO);
				env_expect_refusal(test, e,
						   VTAP_FAULT_RING_ACCESS);
			}
}

static struct kunit_case ring_notify_cases[] = {
	ENV_CASE(ring_notify_call_off_and_on),
	ENV_CASE(ring_notify_first_decision_is_call),
	ENV_CASE(ring_notify_kick_flags),
	ENV_CASE(ring_notify_kick_event),
	ENV_CASE(ring_notify_kick_for_unseen_chain),
	ENV_CASE(ring_notify_empty_changes_nothing),
	ENV_CASE(ring_notify_kick_race),
	ENV_CASE(ring_notify_call_race),
	ENV_CASE(ring_notify_fault_sweep),
	{}
};

static struct kunit_suite ring_notify_suite = {
	.name = "vtap_ring_notify",
	.init = ring_notify_init,
	.exit = end_case,
	.test_cases = ring_notify_cases,
};

kunit_test_suite(ring_notify_suite);
