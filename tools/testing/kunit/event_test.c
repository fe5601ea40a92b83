// SPDX-License-Identifier: GPL-2.0
/*
 * event_test.c - arithmetic of event indices, compared with counting
 *
 * The expected result comes from counting entries one by one, or from 64-bit
 * indices, which never wrap. Runs in user space and as a KUnit suite.
 */
#include <kunit/test.h>
#include "event.h"

static const u16 edges[] = {
	0, 1, 2, 63, 64, 255, 256, 0x7ffe, 0x7fff, 0x8000, 0x8001, 0xfffd,
	0xfffe, 0xffff,
};

/* Step from @old to @new and test whether @event is passed. */
static bool met_by_walking(u16 event, u16 new, u16 old)
{
	u16 at;

	for (at = old; at != new; at++)
		if (at == event)
			return true;
	return false;
}

static void event_passed_edges(struct kunit *test)
{
	unsigned int i, n = ARRAY_SIZE(edges);

	for (i = 0; i < n * n * n; i++) {
		u16 event = edges[i % n];
		u16 new = edges[i / n % n];
		u16 old = edges[i / n / n];

		KUNIT_EXPECT_EQ(test, vtap_event_passed(event, new, old),
				met_by_walking(event, new, old));
	}
}

/* Every event for steps of 0 to 3 around the wrap. */
static void event_passed_small_steps(struct kunit *test)
{
	u32 event, nr;
	u16 old;

	for (old = 0xfffc; old != 4; old++)
		for (nr = 0; nr < 4; nr++)
			for (event = 0; event <= U16_MAX; event++) {
				u16 new = old + nr;

				if (vtap_event_passed(event, new, old) ==
				    met_by_walking(event, new, old))
					continue;
				KUNIT_FAIL(test, "event %u, %u to %u", event,
					   old, new);
				return;
			}
}

static void event_passed_nothing_published(struct kunit *test)
{
	u32 event;

	for (event = 0; event <= U16_MAX; event++)
		if (vtap_event_passed(event, 77, 77))
			KUNIT_FAIL(test, "event %u without a step", event);
}

/* A device and its driver's event word, as indices that do not wrap. */
struct model {
	struct vtap_ring *r;
	u64 used;
	u64 decided;
	bool ever;
};

static void model_publish(struct model *m, u32 nr)
{
	u16 old = m->r->last_used;

	m->used += nr;
	m->r->last_used = m->used;
	vtap_event_published(m->r, old, m->r->last_used);
}

/* Check one decision for the entry that the driver waits for. */
static void model_decide(struct kunit *test, struct model *m, u64 event)
{
	u64 since = m->used - m->decided;
	bool wanted = event >= m->decided && event < m->used;
	bool call = vtap_event_needs_call(m->r, event);

	if (!m->ever || since > U16_MAX)
		KUNIT_EXPECT_TRUE(test, call);
	else
		KUNIT_EXPECT_EQ(test, call, wanted);
	m->decided = m->used;
	m->ever = true;
}

static struct vtap_ring *model_init(struct kunit *test, struct model *m,
				    u16 start)
{
	m->r = kunit_kzalloc(test, sizeof(*m->r), GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, m->r);
	m->r->event_idx = true;
	m->r->last_used = start;
	m->r->called = start;
	m->used = start;
	m->decided = start;
	m->ever = false;
	return m->r;
}

static void event_first_decision_is_call(struct kunit *test)
{
	struct model m;

	model_init(test, &m, 40000);
	model_publish(&m, 1);
	/* The age of the driver's word is unknown, so call. */
	KUNIT_EXPECT_TRUE(test, vtap_event_needs_call(m.r, 12345));
	model_publish(&m, 1);
	KUNIT_EXPECT_FALSE(test, vtap_event_needs_call(m.r, 12345));
}

static void event_sequence_matches_counting(struct kunit *test)
{
	static const u32 steps[] = { 1, 2, 5, 64, 255, 1000, 32767, 32768 };
	u64 seed = 1;
	struct model m;
	int i;

	model_init(test, &m, 65500);
	for (i = 0; i < 20000; i++) {
		u32 pick, nr;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		pick = seed >> 40;
		nr = steps[pick % ARRAY_SIZE(steps)];
		model_publish(&m, nr);
		if (pick & 0x100)
			continue;
		/* The driver waits for an entry near the new ones. */
		model_decide(test, &m, m.used - nr + pick / 512 % (nr + 2) - 1);
	}
}

/* After exactly 2^16 entries without a decision the index is the same. */
static void event_full_turn_is_call(struct kunit *test)
{
	struct model m;
	int i;

	model_init(test, &m, 5);
	model_publish(&m, 3);
	model_decide(test, &m, 100);
	for (i = 0; i < 2; i++)
		model_publish(&m, 32768);
	KUNIT_EXPECT_TRUE(test, vtap_event_needs_call(m.r, 100));

	/* After one entry less the decision is still exact. */
	model_init(test, &m, 0);
	model_publish(&m, 1);
	model_decide(test, &m, 0);
	model_publish(&m, 32768);
	model_publish(&m, 32767);
	KUNIT_EXPECT_FALSE(test, vtap_event_needs_call(m.r, 0));
}

static struct kunit_case event_cases[] = {
	KUNIT_CASE(event_passed_edges),
	KUNIT_CASE(event_passed_small_steps),
	KUNIT_CASE(event_passed_nothing_published),
	KUNIT_CASE(event_first_decision_is_call),
	KUNIT_CASE(event_sequence_matches_counting),
	KUNIT_CASE(event_full_turn_is_call),
	{}
};

static struct kunit_suite event_suite = {
	.name = "vtap_event",
	.test_cases = event_cases,
};

kunit_test_suite(event_suite);
