// SPDX-License-Identifier: GPL-2.0
/*
 * bucket_test.c - token buckets of rate limits, with simulated clocks
 *
 * Runs in user space and as a KUnit suite.
 */
#include <kunit/test.h>
#include "bucket.h"

#define US	1000ull
#define MS	(1000 * US)
#define SEC	(1000 * MS)

static struct vtap_bucket bucket(u64 rate, u64 burst)
{
	struct vtap_bucket b = {};

	vtap_bucket_set(&b, rate, vtap_bucket_burst(rate, burst), 0);
	return b;
}

static void bucket_without_limit(struct kunit *test)
{
	struct vtap_bucket b = {};

	vtap_bucket_take(&b, 1000);
	KUNIT_EXPECT_EQ(test, b.tokens, 0);
	KUNIT_EXPECT_EQ(test, vtap_bucket_wait_ns(&b), 0);
	KUNIT_EXPECT_EQ(test, vtap_bucket_budget(&b, 256), 256);
}

static void bucket_default_burst(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, vtap_bucket_burst(1, 0), 1);
	KUNIT_EXPECT_EQ(test, vtap_bucket_burst(1000000, 0), 50000);
	KUNIT_EXPECT_EQ(test, vtap_bucket_burst(1000000, 7000), 7000);
	/* Less than two steps could not reach the rate. */
	KUNIT_EXPECT_EQ(test, vtap_bucket_burst(1000000, 1), 1000);
}

static void bucket_burst_is_the_most(struct kunit *test)
{
	struct vtap_bucket b = bucket(1000000, 7000);

	KUNIT_EXPECT_EQ(test, b.tokens, 7000);
	vtap_bucket_refill(&b, 10 * SEC);
	KUNIT_EXPECT_EQ(test, b.tokens, 7000);
	vtap_bucket_take(&b, 5000);
	vtap_bucket_refill(&b, 10 * SEC + 1 * MS);
	KUNIT_EXPECT_EQ(test, b.tokens, 3000);
}

/* An empty bucket waits for half a millisecond of its rate, and for its debt. */
static void bucket_waits_for_debt(struct kunit *test)
{
	struct vtap_bucket b = bucket(1000000, 7000);

	vtap_bucket_take(&b, 7000 + 2000);
	KUNIT_EXPECT_EQ(test, vtap_bucket_wait_ns(&b), 2500 * US);
	vtap_bucket_refill(&b, 2500 * US - 1 * US);
	KUNIT_EXPECT_EQ(test, b.tokens, 499);
	vtap_bucket_refill(&b, 2500 * US);
	KUNIT_EXPECT_EQ(test, b.tokens, 500);
	KUNIT_EXPECT_EQ(test, vtap_bucket_wait_ns(&b), 0);
}

static void bucket_budget(struct kunit *test)
{
	struct vtap_bucket b = bucket(1000000, 7000);

	KUNIT_EXPECT_EQ(test, vtap_bucket_budget(&b, 100000), 7000);
	KUNIT_EXPECT_EQ(test, vtap_bucket_budget(&b, 256), 256);
	vtap_bucket_take(&b, 6999);
	/* A pass for a single token would not be worth its cost. */
	KUNIT_EXPECT_EQ(test, vtap_bucket_budget(&b, 100000), 500);
	b = bucket(1, 0);
	KUNIT_EXPECT_EQ(test, vtap_bucket_budget(&b, 256), 1);
}

static void bucket_clock_goes_back(struct kunit *test)
{
	struct vtap_bucket b = bucket(1000000, 7000);

	vtap_bucket_refill(&b, 5 * SEC);
	vtap_bucket_take(&b, 7000);
	vtap_bucket_refill(&b, 5 * SEC - 10);
	KUNIT_EXPECT_EQ(test, b.tokens, 0);
	vtap_bucket_refill(&b, 5 * SEC + 1 * MS);
	KUNIT_EXPECT_EQ(test, b.tokens, 1000);
}

/* Looking often must not lose the fractions of a token. */
static void bucket_keeps_fractions(struct kunit *test)
{
	struct vtap_bucket b = bucket(1, 0);
	u64 now = 0;
	int i;

	vtap_bucket_take(&b, 11);
	for (i = 0; i < 10000; i++) {
		now += 700 * US;
		vtap_bucket_refill(&b, now);
	}
	/* 7 s */
	KUNIT_EXPECT_EQ(test, b.tokens, -3);
	KUNIT_EXPECT_EQ(test, vtap_bucket_wait_ns(&b), 4 * SEC);
}

/* The client and the host's administrator change limits at any time. */
static void bucket_change(struct kunit *test)
{
	struct vtap_bucket b = bucket(1000000, 7000);

	vtap_bucket_take(&b, 10000);
	/* The debt stays, and takes as long as the new rate needs. */
	vtap_bucket_set(&b, 1000, 50, 1 * MS);
	KUNIT_EXPECT_EQ(test, b.tokens, -2000);
	KUNIT_EXPECT_EQ(test, vtap_bucket_wait_ns(&b), 2001 * MS);
	vtap_bucket_set(&b, 100000000, 5000000, 1 * MS);
	KUNIT_EXPECT_EQ(test, vtap_bucket_wait_ns(&b), 520 * US);
	/* A larger burst does not come with tokens, a smaller one takes some. */
	vtap_bucket_refill(&b, 1 * SEC);
	KUNIT_EXPECT_EQ(test, b.tokens, 5000000);
	vtap_bucket_set(&b, 1000000, 7000, 1 * SEC);
	KUNIT_EXPECT_EQ(test, b.tokens, 7000);
	vtap_bucket_set(&b, 1000000, 9000, 1 * SEC);
	KUNIT_EXPECT_EQ(test, b.tokens, 7000);
	vtap_bucket_set(&b, 0, 0, 1 * SEC);
	KUNIT_EXPECT_EQ(test, vtap_bucket_wait_ns(&b), 0);
}

static void bucket_no_overflow(struct kunit *test)
{
	static const u64 rate[] = { 1, 999, 1000000, 50000000000ull,
				    VTAP_BUCKET_MAX };
	static const u64 gap[] = { 1, 999, 1000, 1 * SEC, 86400 * SEC,
				   366 * 86400 * SEC, 1ull << 62 };
	struct vtap_bucket b;
	int i, k;
	u64 ns;

	for (i = 0; i < ARRAY_SIZE(rate); i++) {
		for (k = 0; k < ARRAY_SIZE(gap); k++) {
			b = bucket(rate[i], VTAP_BUCKET_MAX);
			vtap_bucket_take(&b, VTAP_BUCKET_MAX);
			vtap_bucket_take(&b, 600000);
			ns = vtap_bucket_wait_ns(&b);
			KUNIT_EXPECT_GE(test, ns, 600000ull * SEC / rate[i]);
			KUNIT_EXPECT_LE(test, ns, 700000ull * SEC / rate[i] +
						  1 * SEC);
			vtap_bucket_refill(&b, gap[k]);
			KUNIT_EXPECT_GE(test, b.tokens, -600000);
			KUNIT_EXPECT_LE(test, b.tokens, (s64)b.burst);
			KUNIT_EXPECT_LT(test, b.fraction, 1000000);
		}
	}
}

/* Move as fast as the bucket permits, with timers that are late, for @end_ns. */
static u64 moved(u64 rate, u64 frame, u64 late_ns, u64 end_ns)
{
	struct vtap_bucket b = bucket(rate, 0);
	u64 now = 0, sum = 0;

	while (now < end_ns) {
		u64 wait, part = 0;
		u32 budget;

		vtap_bucket_refill(&b, now);
		wait = vtap_bucket_wait_ns(&b);
		if (wait) {
			now += wait + late_ns;
			continue;
		}
		budget = vtap_bucket_budget(&b, 512 * 1024);
		while (part < budget)
			part += frame;
		vtap_bucket_take(&b, part);
		sum += part;
		now += 1 * US;
	}
	return sum;
}

/* From 1 byte/s to 400 Gbit/s, in 10 s: the rate, and the burst at the start. */
static void bucket_rate_is_exact(struct kunit *test)
{
	static const u64 frame[] = { 1, 60, 1514, 65000 };
	u64 rate, sum, most;
	int i, late;

	for (rate = 100000; rate <= 50000000000ull; rate *= 10) {
		for (i = 0; i < ARRAY_SIZE(frame); i++) {
			if (frame[i] == 1 && rate > 10000000)
				continue;	/* too many frames */
			for (late = 0; late < 2; late++) {
				sum = moved(rate, frame[i], late * 5 * MS,
					    10 * SEC);
				/* burst, step and one frame */
				most = 10 * rate + rate / 20 + rate / 1000 +
				       frame[i];
				KUNIT_EXPECT_LE(test, sum, most);
				KUNIT_EXPECT_GE(test, sum + frame[i],
						10 * rate - rate / 50);
			}
		}
	}
	sum = moved(1, 1, 0, 1000 * SEC);
	KUNIT_EXPECT_GE(test, sum, 999);
	KUNIT_EXPECT_LE(test, sum, 1002);
}

static struct kunit_case bucket_cases[] = {
	KUNIT_CASE(bucket_without_limit),
	KUNIT_CASE(bucket_default_burst),
	KUNIT_CASE(bucket_burst_is_the_most),
	KUNIT_CASE(bucket_waits_for_debt),
	KUNIT_CASE(bucket_budget),
	KUNIT_CASE(bucket_clock_goes_back),
	KUNIT_CASE(bucket_keeps_fractions),
	KUNIT_CASE(bucket_change),
	KUNIT_CASE(bucket_no_overflow),
	KUNIT_CASE(bucket_rate_is_exact),
	{}
};

static struct kunit_suite bucket_suite = {
	.name = "vtap_bucket",
	.test_cases = bucket_cases,
};

kunit_test_suite(bucket_suite);
