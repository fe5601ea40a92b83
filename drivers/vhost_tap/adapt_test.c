// SPDX-License-Identifier: GPL-2.0
/*
 * adapt_test.c - poll or sleep, with invented clocks
 *
 * Read before: adapt.h. Pure: runs in user space and under the kernel's
 * KUnit.
 */
#include <kunit/test.h>
#include "adapt.h"

#define US	1000ull

static void adapt_no_wish_no_poll(struct kunit *test)
{
	struct vtap_adapt a;

	KUNIT_EXPECT_FALSE(test, vtap_adapt_begin(&a, 5000, 0, 0));
	KUNIT_EXPECT_FALSE(test, vtap_adapt_go_on(&a, 5000, false));
}

static void adapt_longer_wish_decides(struct kunit *test)
{
	struct vtap_adapt a;
	u64 now = 123456789;

	KUNIT_EXPECT_TRUE(test, vtap_adapt_begin(&a, now, 50, 20));
	KUNIT_EXPECT_TRUE(test, vtap_adapt_go_on(&a, now + 50 * US - 1, false));
	KUNIT_EXPECT_FALSE(test, vtap_adapt_go_on(&a, now + 50 * US, false));

	KUNIT_EXPECT_TRUE(test, vtap_adapt_begin(&a, now, 1, 30));
	KUNIT_EXPECT_TRUE(test, vtap_adapt_go_on(&a, now + 30 * US - 1, false));
	KUNIT_EXPECT_FALSE(test, vtap_adapt_go_on(&a, now + 30 * US, false));

	KUNIT_EXPECT_TRUE(test, vtap_adapt_begin(&a, now, 0, 1));
	KUNIT_EXPECT_TRUE(test, vtap_adapt_go_on(&a, now, false));
}

/* A client's 2^32 us are more than an hour of a busy CPU. */
static void adapt_wish_is_capped(struct kunit *test)
{
	u64 cap = VTAP_POLL_MAX_US * US, now = 7;
	struct vtap_adapt a;

	KUNIT_EXPECT_TRUE(test, vtap_adapt_begin(&a, now, U32_MAX, 0));
	KUNIT_EXPECT_TRUE(test, vtap_adapt_go_on(&a, now + cap - 1, false));
	KUNIT_EXPECT_FALSE(test, vtap_adapt_go_on(&a, now + cap, false));

	KUNIT_EXPECT_TRUE(test, vtap_adapt_begin(&a, now, 0,
						 VTAP_POLL_MAX_US + 1));
	KUNIT_EXPECT_FALSE(test, vtap_adapt_go_on(&a, now + cap, false));
}

static void adapt_yields_at_once(struct kunit *test)
{
	struct vtap_adapt a;

	KUNIT_EXPECT_TRUE(test, vtap_adapt_begin(&a, 0, 1000, 1000));
	KUNIT_EXPECT_FALSE(test, vtap_adapt_go_on(&a, 0, true));
	KUNIT_EXPECT_TRUE(test, vtap_adapt_go_on(&a, 0, false));
}

/* Late is late, however late; and the clock may be anywhere. */
static void adapt_clock_edges(struct kunit *test)
{
	struct vtap_adapt a;

	KUNIT_EXPECT_TRUE(test, vtap_adapt_begin(&a, 1000, 10, 0));
	KUNIT_EXPECT_FALSE(test, vtap_adapt_go_on(&a, 1000 + (1ull << 62),
						  false));

	KUNIT_EXPECT_TRUE(test, vtap_adapt_begin(&a, U64_MAX - 5, 10, 0));
	KUNIT_EXPECT_TRUE(test, vtap_adapt_go_on(&a, U64_MAX, false));
	KUNIT_EXPECT_TRUE(test, vtap_adapt_go_on(&a, 9000, false));
	KUNIT_EXPECT_FALSE(test, vtap_adapt_go_on(&a, 10000, false));
}

static void linger_half_of_the_work(struct kunit *test)
{
	struct vtap_linger l;

	vtap_linger_begin(&l, 7000);
	KUNIT_EXPECT_EQ(test, vtap_linger_ns(&l, 7000, 64), 0);
	KUNIT_EXPECT_EQ(test, vtap_linger_ns(&l, 7000 + 4 * US, 64), 2 * US);
	KUNIT_EXPECT_EQ(test, vtap_linger_ns(&l, 7000 + 4 * US,
					     VTAP_LINGER_PACKETS), 2 * US);
	KUNIT_EXPECT_EQ(test, vtap_linger_ns(&l, 7000 + 1000 * US, 64),
			VTAP_LINGER_MAX_NS);
}

/* One packet now and then is no load: ask for the kick at once. */
static void linger_not_for_a_few(struct kunit *test)
{
	struct vtap_linger l;
	u32 n;

	vtap_linger_begin(&l, 0);
	for (n = 0; n < VTAP_LINGER_PACKETS; n++)
		KUNIT_EXPECT_EQ(test, vtap_linger_ns(&l, 100 * US, n), 0);
}

/* However often there is something just in time, it stays a third of all. */
static void linger_is_no_polling(struct kunit *test)
{
	struct vtap_linger l;
	u64 now = 1ull << 40, start = now, ns;
	int i;

	vtap_linger_begin(&l, now);
	for (i = 0; i < 256; i++) {
		now += 200;		/* a packet */
		ns = vtap_linger_ns(&l, now, 64);
		now += ns;
		l.idle_ns += ns;
		KUNIT_EXPECT_LE(test, l.idle_ns, (now - start) / 3);
	}
	KUNIT_EXPECT_EQ(test, l.idle_ns, 256 * 100);
}

/* Clocks of two processors differ a little. */
static void linger_clock_backwards(struct kunit *test)
{
	struct vtap_linger l;

	vtap_linger_begin(&l, 5000);
	KUNIT_EXPECT_EQ(test, vtap_linger_ns(&l, 4000, 64), 0);
	l.idle_ns = -10ull;
	KUNIT_EXPECT_LE(test, vtap_linger_ns(&l, 5100, 64), 100);
}

static struct kunit_case adapt_cases[] = {
	KUNIT_CASE(adapt_no_wish_no_poll),
	KUNIT_CASE(adapt_longer_wish_decides),
	KUNIT_CASE(adapt_wish_is_capped),
	KUNIT_CASE(adapt_yields_at_once),
	KUNIT_CASE(adapt_clock_edges),
	KUNIT_CASE(linger_half_of_the_work),
	KUNIT_CASE(linger_not_for_a_few),
	KUNIT_CASE(linger_is_no_polling),
	KUNIT_CASE(linger_clock_backwards),
	{}
};

static struct kunit_suite adapt_suite = {
	.name = "vtap_adapt",
	.test_cases = adapt_cases,
};

kunit_test_suite(adapt_suite);
