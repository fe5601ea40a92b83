/* SPDX-License-Identifier: GPL-2.0 */
/*
 * env_case.h - the ring of the current case, for suites that use one at a time
 *
 * The init function of a suite sets @packed and calls start(). A case may call
 * start() again for another ring.
 */
#ifndef VTAP_TEST_ENV_CASE_H
#define VTAP_TEST_ENV_CASE_H

#include "env.h"

static struct env *e;
static bool packed;

/* Start a ring, both indices or positions at @at. */
static void start(u16 num, bool event_idx, u16 at)
{
	env_free(e);
	e = env_new(packed, num, event_idx, at);
}

static void end_case(struct kunit *test)
{
	env_free(e);
	e = NULL;
}

#endif /* VTAP_TEST_ENV_CASE_H */
