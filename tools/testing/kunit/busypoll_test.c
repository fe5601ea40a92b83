// SPDX-License-Identifier: GPL-2.0
/*
 * busypoll_test.c - decisions of busy polling, with simulated clocks
 *
 * Runs in user space and as a KUnit suite.
 */
#include <kunit/test.h>
#include "busypoll.h"

#define US	1000ull

static void busypoll_off_without_timeout(struct kunit *test)
{
	struct vtap_busypoll a;

	KUNIT_EXPECT_FALSE(test, vtap_busypoll_begin(&a, 5000, 0));
	KUNIT_EXPECT_FALSE(test, vtap_busypoll_continue(&a, 5000, false));
}

static void busypoll_ends_at_deadline(struct kunit *test)
{
	struct vtap_busypoll a;
	u64 now = 123456789;

	KUNIT_EXPECT_TRUE(test, vtap_busypoll_begin(&a, now, 50 * US));
	KUNIT_EXPECT_TRUE(test,
			  vtap_busypoll_continue(&a, now + 50 * US - 1, false));
	KUNIT_EXPECT_FALSE(test, vtap_busypoll_continue(&a, now + 50 * US, false));
}

/* A client can set 2^32 us, which is more than an hour of a busy CPU. */
static void busypoll_timeout_is_capped(struct kunit *test)
{
	u64 cap = VTAP_POLL_MAX_US * US;

	KUNIT_EXPECT_EQ(test, vtap_busypoll_limit_ns(0), 0);
	KUNIT_EXPECT_EQ(test, vtap_busypoll_limit_ns(1), US);
	KUNIT_EXPECT_EQ(test, vtap_busypoll_limit_ns(VTAP_POLL_MAX_US + 1),
			cap);
	KUNIT_EXPECT_EQ(test, vtap_busypoll_limit_ns(U32_MAX), cap);
}

static void busypoll_yields_at_once(struct kunit *test)
{
	struct vtap_busypoll a;

	KUNIT_EXPECT_TRUE(test, vtap_busypoll_begin(&a, 0, 1000 * US));
	KUNIT_EXPECT_FALSE(test, vtap_busypoll_continue(&a, 0, true));
	KUNIT_EXPECT_TRUE(test, vtap_busypoll_continue(&a, 0, false));
	a = (struct vtap_busypoll){.window_ns = {20 * US, 30 * US}, .last_dir = 1};
	vtap_busypoll_yield(&a);
	KUNIT_EXPECT_EQ(test, a.window_ns[0], 20 * US);
	KUNIT_EXPECT_EQ(test, a.window_ns[1], 0);
}

/* A late clock ends polling, however late; the start value does not matter. */
static void busypoll_clock_edges(struct kunit *test)
{
	struct vtap_busypoll a;

	KUNIT_EXPECT_TRUE(test, vtap_busypoll_begin(&a, 1000, 10 * US));
	KUNIT_EXPECT_FALSE(test, vtap_busypoll_continue(&a, 1000 + (1ull << 62),
							false));

	KUNIT_EXPECT_TRUE(test, vtap_busypoll_begin(&a, U64_MAX - 5, 10 * US));
	KUNIT_EXPECT_TRUE(test, vtap_busypoll_continue(&a, U64_MAX, false));
	KUNIT_EXPECT_TRUE(test, vtap_busypoll_continue(&a, 9000, false));
	KUNIT_EXPECT_FALSE(test, vtap_busypoll_continue(&a, 10000, false));
}

/* The queue idles from @now for @gap_ns. Returns the end of the gap. */
static u64 gap(struct vtap_busypoll *a, u64 now, u64 gap_ns, u64 limit_ns)
{
	vtap_busypoll_begin(a, now, a->window_ns[a->last_dir]);
	vtap_busypoll_learn(a, now + gap_ns, limit_ns);
	return now + gap_ns;
}

static void busypoll_zero_limit_clears_windows(struct kunit *test)
{
	struct vtap_busypoll a = { .window_ns = { 5 * US, 5 * US } };
	u64 now = 1;

	now = gap(&a, now, US, 0);
	KUNIT_EXPECT_EQ(test, a.window_ns[0], 0);
	KUNIT_EXPECT_EQ(test, a.window_ns[1], 0);
	gap(&a, now, US, 0);
	KUNIT_EXPECT_EQ(test, a.window_ns[0], 0);
}

/* The first work has no gap before it. */
static void busypoll_ignores_first_work(struct kunit *test)
{
	struct vtap_busypoll a = {};

	vtap_busypoll_learn(&a, 1000, 50 * US);
	KUNIT_EXPECT_EQ(test, a.window_ns[0], 0);
}

/* With gaps of 20 us and a limit of 50 us the window soon covers the gaps. */
static void busypoll_window_grows(struct kunit *test)
{
	u64 limit = 50 * US, now = 1ull << 40;
	struct vtap_busypoll a = {};
	int i;

	for (i = 0; i < 4; i++)
		now = gap(&a, now, 20 * US, limit);
	KUNIT_EXPECT_GT(test, a.window_ns[0], 20 * US);
	KUNIT_EXPECT_LE(test, a.window_ns[0], limit);
	for (i = 0; i < 1000; i++)
		now = gap(&a, now, 20 * US, limit);
	KUNIT_EXPECT_GT(test, a.window_ns[0], 20 * US);
	KUNIT_EXPECT_LE(test, a.window_ns[0], limit);
}

static void busypoll_window_within_limit(struct kunit *test)
{
	u64 limit = 50 * US, now = 7;
	struct vtap_busypoll a = {};
	int i;

	for (i = 0; i < 100; i++) {
		now = gap(&a, now, limit, limit);
		KUNIT_EXPECT_LE(test, a.window_ns[0], limit);
	}
	KUNIT_EXPECT_EQ(test, a.window_ns[0], limit);
	/* the client may lower the limit */
	gap(&a, now, 10 * US, 10 * US);
	KUNIT_EXPECT_LE(test, a.window_ns[0], 10 * US);
}

static void busypoll_stops_after_long_gaps(struct kunit *test)
{
	u64 limit = 50 * US, now = 7;
	struct vtap_busypoll a = {};
	int i;

	for (i = 0; i < 10; i++)
		now = gap(&a, now, 30 * US, limit);
	KUNIT_EXPECT_GT(test, a.window_ns[0], 0);
	for (i = 0; i < 2; i++)
		now = gap(&a, now, 1000 * US, limit);
	KUNIT_EXPECT_EQ(test, a.window_ns[0], 0);
	/* polling stays off while the guest idles now and then */
	for (i = 0; i < 100; i++) {
		now = gap(&a, now, (60 + i * i) * US, limit);
		KUNIT_EXPECT_EQ(test, a.window_ns[0], 0);
	}
	/* until traffic resumes */
	for (i = 0; i < 4; i++)
		now = gap(&a, now, 30 * US, limit);
	KUNIT_EXPECT_GT(test, a.window_ns[0], 30 * US);
}

/* One long gap does not reset the window to zero. */
static void busypoll_survives_one_long_gap(struct kunit *test)
{
	u64 limit = 80 * US, now = 7;
	struct vtap_busypoll a = {};
	int i;

	for (i = 0; i < 10; i++)
		now = gap(&a, now, 60 * US, limit);
	now = gap(&a, now, 5000 * US, limit);
	KUNIT_EXPECT_GT(test, a.window_ns[0], 0);
	now = gap(&a, now, 60 * US, limit);
	gap(&a, now, 60 * US, limit);
	KUNIT_EXPECT_GT(test, a.window_ns[0], 60 * US);
}

/*
 * Request and response: the guest responds within the limit, and the next
 * request takes longer. Only the response is worth polling for.
 */
static void busypoll_windows_are_separate(struct kunit *test)
{
	u64 limit = 50 * US, now = 7;
	struct vtap_busypoll a = {};
	int i;

	for (i = 0; i < 100; i++) {
		a.last_dir = 0;
		now = gap(&a, now, 20 * US, limit);
		a.last_dir = 1;
		now = gap(&a, now, 200 * US, limit);
		KUNIT_EXPECT_EQ(test, a.window_ns[1], 0);
	}
	KUNIT_EXPECT_GT(test, a.window_ns[0], 20 * US);
	KUNIT_EXPECT_LE(test, a.window_ns[0], limit);
}

/* The window that is not in use also follows a new limit. */
static void busypoll_lower_limit_caps_both_windows(struct kunit *test)
{
	struct vtap_busypoll a = { .window_ns = { 90 * US, 80 * US } };

	vtap_busypoll_learn(&a, 7, 30 * US);
	KUNIT_EXPECT_EQ(test, a.window_ns[0], 30 * US);
	KUNIT_EXPECT_EQ(test, a.window_ns[1], 30 * US);
}

/* Without a burst, only the client's settings count. */
static void busypoll_burst_needs_burst(struct kunit *test)
{
	struct vtap_busypoll a = { .is_burst = true };

	vtap_busypoll_wake(&a, 7000);
	KUNIT_EXPECT_EQ(test, vtap_busypoll_burst_ns(&a, 7000 + 100 * US), 0);
	a.is_burst = true;
	KUNIT_EXPECT_EQ(test, vtap_busypoll_burst_ns(&a, 7000 + 8 * US), 4 * US);
}

static void busypoll_burst_half_of_work_time(struct kunit *test)
{
	struct vtap_busypoll a = {};

	vtap_busypoll_wake(&a, 7000);
	a.is_burst = true;
	KUNIT_EXPECT_EQ(test, vtap_busypoll_burst_ns(&a, 7000), 0);
	KUNIT_EXPECT_EQ(test, vtap_busypoll_burst_ns(&a, 7000 + 4 * US), 2 * US);
	KUNIT_EXPECT_EQ(test, vtap_busypoll_burst_ns(&a, 7000 + 1000 * US),
			VTAP_BUSYPOLL_BURST_NS);
}

/* Polling after bursts takes at most a third of the time, even if it succeeds. */
static void busypoll_burst_at_most_a_third(struct kunit *test)
{
	u64 now = 1ull << 40, start = now, ns;
	struct vtap_busypoll a = {};
	int i;

	vtap_busypoll_wake(&a, now);
	a.is_burst = true;
	for (i = 0; i < 256; i++) {
		now += 200;		/* a packet */
		ns = vtap_busypoll_burst_ns(&a, now);
		vtap_busypoll_begin(&a, now, ns);
		now += ns;
		vtap_busypoll_end(&a, now);
		KUNIT_EXPECT_LE(test, a.polled_ns, (now - start) / 3);
	}
	KUNIT_EXPECT_EQ(test, a.polled_ns, 256 * 100);
}

/* However long the work, the worker polls for four windows after its last burst. */
static void busypoll_burst_after_long_work(struct kunit *test)
{
	u64 now = 1ull << 40, polled_ns[2] = {}, ns;
	struct vtap_busypoll a = {};
	int i;

	vtap_busypoll_wake(&a, now);
	a.is_burst = true;
	now += 10000000 * US;
	for (i = 0; i < 2000; i++) {
		/* The second half is further work, a little at a time. */
		if (i >= 1000)
			now += 20 * US;
		ns = vtap_busypoll_burst_ns(&a, now);
		vtap_busypoll_begin(&a, now, ns);
		now += ns;
		vtap_busypoll_end(&a, now);
		polled_ns[i >= 1000] += ns;
	}
	KUNIT_EXPECT_EQ(test, polled_ns[0], 4 * VTAP_BUSYPOLL_BURST_NS);
	KUNIT_EXPECT_EQ(test, polled_ns[1], 1000 * 10 * US);
}

/* The time of a longer window, as the client allows, counts as well. */
static void busypoll_burst_after_long_window(struct kunit *test)
{
	struct vtap_busypoll a = {};

	vtap_busypoll_wake(&a, 1000);
	a.is_burst = true;
	vtap_busypoll_begin(&a, 1000 + 10 * US, 500 * US);
	vtap_busypoll_end(&a, 1000 + 400 * US);
	KUNIT_EXPECT_EQ(test, vtap_busypoll_burst_ns(&a, 1000 + 420 * US), 0);
}

/* The clocks of two CPUs can differ a little. */
static void busypoll_burst_clock_backwards(struct kunit *test)
{
	struct vtap_busypoll a = {};

	vtap_busypoll_wake(&a, 5000);
	a.is_burst = true;
	KUNIT_EXPECT_EQ(test, vtap_busypoll_burst_ns(&a, 4000), 0);
	vtap_busypoll_begin(&a, 5100, 50);
	vtap_busypoll_end(&a, 5090);
	KUNIT_EXPECT_LE(test, vtap_busypoll_burst_ns(&a, 5100), 100);
}

static struct kunit_case busypoll_cases[] = {
	KUNIT_CASE(busypoll_off_without_timeout),
	KUNIT_CASE(busypoll_ends_at_deadline),
	KUNIT_CASE(busypoll_timeout_is_capped),
	KUNIT_CASE(busypoll_yields_at_once),
	KUNIT_CASE(busypoll_clock_edges),
	KUNIT_CASE(busypoll_zero_limit_clears_windows),
	KUNIT_CASE(busypoll_ignores_first_work),
	KUNIT_CASE(busypoll_window_grows),
	KUNIT_CASE(busypoll_window_within_limit),
	KUNIT_CASE(busypoll_stops_after_long_gaps),
	KUNIT_CASE(busypoll_survives_one_long_gap),
	KUNIT_CASE(busypoll_windows_are_separate),
	KUNIT_CASE(busypoll_lower_limit_caps_both_windows),
	KUNIT_CASE(busypoll_burst_needs_burst),
	KUNIT_CASE(busypoll_burst_half_of_work_time),
	KUNIT_CASE(busypoll_burst_at_most_a_third),
	KUNIT_CASE(busypoll_burst_after_long_work),
	KUNIT_CASE(busypoll_burst_after_long_window),
	KUNIT_CASE(busypoll_burst_clock_backwards),
	{}
};

static struct kunit_suite busypoll_suite = {
	.name = "vtap_busypoll",
	.test_cases = busypoll_cases,
};

kunit_test_suite(busypoll_suite);
