/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kunit/test.h - the part of KUnit that *_test.c need, in user space
 *
 * A failed expectation marks the case as failed and continues; a failed assertion leaves
 * the case. Each case has one TAP line, after "#" lines with its failures. A case with
 * parameters has a line for each, "suite.case: parameter". The program's arguments select
 * cases by a part of such a name.
 */
#ifndef VTAP_SHIM_KUNIT_TEST_H
#define VTAP_SHIM_KUNIT_TEST_H

#include <setjmp.h>
#include "../ring_env_user.h"

struct kunit {
	const char *name;
	void *priv;
	const void *param_value;
	int failed;	/* number of failures */
	const char *skipped;
	jmp_buf leave;
	void *allocs;	/* freed after exit() */
};

struct kunit_case {
	void (*run_case)(struct kunit *test);
	const char *name;
	/* Return the parameter after @prev, or NULL, and write its name to @desc. */
	const void *(*generate_params)(struct kunit *test, const void *prev,
				       char *desc);
};

struct kunit_suite {
	const char *name;
	int (*init)(struct kunit *test);
	void (*exit)(struct kunit *test);
	struct kunit_case *test_cases;
	struct kunit_suite *next;
};

#define KUNIT_CASE(fn)		{ .run_case = fn, .name = #fn }
#define KUNIT_CASE_SLOW(fn)	KUNIT_CASE(fn)
#define KUNIT_CASE_PARAM(fn, gen_params) \
	{ .run_case = fn, .name = #fn, .generate_params = gen_params }

#define KUNIT_PARAM_DESC_SIZE	128

/* Define the generator @id_gen_params, for the entries of an array. */
#define KUNIT_ARRAY_PARAM_DESC(id, array, member)			\
	static const void *id##_gen_params(struct kunit *test,		\
					   const void *prev, char *desc) \
	{								\
		__typeof__(&(array)[0]) next = prev;			\
									\
		next = next ? next + 1 : (array);			\
		if (next == (array) + ARRAY_SIZE(array))		\
			return NULL;					\
		snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", next->member); \
		return next;						\
	}

void kunit_register(struct kunit_suite *suite);
void kunit_fail(struct kunit *test, const char *file, int line,
		const char *fmt, ...) __attribute__((__format__(printf, 4, 5)));
void *kunit_kzalloc(struct kunit *test, size_t size, gfp_t gfp);
int kunit_main(int argc, char **argv);

#define kunit_test_suite(suite)						\
	static __attribute__((__constructor__)) void suite##_register(void) \
	{								\
		kunit_register(&(suite));				\
	}								\
	struct kunit_suite *suite##_ptr = &(suite)

#define kunit_info(test, fmt, ...)	printf("# " fmt "\n", ##__VA_ARGS__)
#define kunit_skip(test, why) do {					\
	(test)->skipped = (why);					\
	longjmp((test)->leave, 1);					\
} while (0)

#define KUNIT_LEAVE_(test)	longjmp((test)->leave, 1)
#define KUNIT_STAY_(test)	do { } while (0)

#define KUNIT_BOOL_(test, after, cond, want, fmt, ...) do {		\
	const bool __is = (cond);					\
	if (__is != (want)) {						\
		kunit_fail(test, __FILE__, __LINE__,			\
			   "%s is %s" fmt, #cond,			\
			   (want) ? "false" : "true", ##__VA_ARGS__);	\
		after(test);						\
	}								\
} while (0)

#define KUNIT_CMP_(test, after, l, op, r, fmt, ...) do {		\
	__auto_type __l = (l);						\
	__auto_type __r = (r);						\
	if (!(__l op __r)) {						\
		kunit_fail(test, __FILE__, __LINE__,			\
			   "%s " #op " %s: %lld (%#llx), %lld (%#llx)" fmt, \
			   #l, #r, (long long)__l, (long long)__l,	\
			   (long long)__r, (long long)__r, ##__VA_ARGS__); \
		after(test);						\
	}								\
} while (0)

#define KUNIT_PTR_(test, after, l, op, r) do {				\
	const void *__l = (l);						\
	const void *__r = (r);						\
	if (!(__l op __r)) {						\
		kunit_fail(test, __FILE__, __LINE__,			\
			   "%s " #op " %s: %p, %p", #l, #r, __l, __r);	\
		after(test);						\
	}								\
} while (0)

#define KUNIT_FAIL(test, fmt, ...) \
	kunit_fail(test, __FILE__, __LINE__, fmt, ##__VA_ARGS__)

#define KUNIT_EXPECT_TRUE(t, c)	 KUNIT_BOOL_(t, KUNIT_STAY_, c, true, "")
#define KUNIT_EXPECT_FALSE(t, c) KUNIT_BOOL_(t, KUNIT_STAY_, c, false, "")
#define KUNIT_ASSERT_TRUE(t, c)	 KUNIT_BOOL_(t, KUNIT_LEAVE_, c, true, "")
#define KUNIT_ASSERT_FALSE(t, c) KUNIT_BOOL_(t, KUNIT_LEAVE_, c, false, "")
#define KUNIT_EXPECT_TRUE_MSG(t, c, fmt, ...) \
	KUNIT_BOOL_(t, KUNIT_STAY_, c, true, ": " fmt, ##__VA_ARGS__)
#define KUNIT_ASSERT_TRUE_MSG(t, c, fmt, ...) \
	KUNIT_BOOL_(t, KUNIT_LEAVE_, c, true, ": " fmt, ##__VA_ARGS__)

#define KUNIT_EXPECT_EQ(t, l, r) KUNIT_CMP_(t, KUNIT_STAY_, l, ==, r, "")
#define KUNIT_EXPECT_NE(t, l, r) KUNIT_CMP_(t, KUNIT_STAY_, l, !=, r, "")
#define KUNIT_EXPECT_LT(t, l, r) KUNIT_CMP_(t, KUNIT_STAY_, l, <, r, "")
#define KUNIT_EXPECT_LE(t, l, r) KUNIT_CMP_(t, KUNIT_STAY_, l, <=, r, "")
#define KUNIT_EXPECT_GT(t, l, r) KUNIT_CMP_(t, KUNIT_STAY_, l, >, r, "")
#define KUNIT_EXPECT_GE(t, l, r) KUNIT_CMP_(t, KUNIT_STAY_, l, >=, r, "")
#define KUNIT_ASSERT_EQ(t, l, r) KUNIT_CMP_(t, KUNIT_LEAVE_, l, ==, r, "")
#define KUNIT_ASSERT_NE(t, l, r) KUNIT_CMP_(t, KUNIT_LEAVE_, l, !=, r, "")
#define KUNIT_ASSERT_LE(t, l, r) KUNIT_CMP_(t, KUNIT_LEAVE_, l, <=, r, "")
#define KUNIT_ASSERT_GE(t, l, r) KUNIT_CMP_(t, KUNIT_LEAVE_, l, >=, r, "")
#define KUNIT_EXPECT_EQ_MSG(t, l, r, fmt, ...) \
	KUNIT_CMP_(t, KUNIT_STAY_, l, ==, r, ": " fmt, ##__VA_ARGS__)
#define KUNIT_ASSERT_EQ_MSG(t, l, r, fmt, ...) \
	KUNIT_CMP_(t, KUNIT_LEAVE_, l, ==, r, ": " fmt, ##__VA_ARGS__)

#define KUNIT_EXPECT_PTR_EQ(t, l, r) KUNIT_PTR_(t, KUNIT_STAY_, l, ==, r)
#define KUNIT_EXPECT_PTR_NE(t, l, r) KUNIT_PTR_(t, KUNIT_STAY_, l, !=, r)
#define KUNIT_ASSERT_PTR_EQ(t, l, r) KUNIT_PTR_(t, KUNIT_LEAVE_, l, ==, r)
#define KUNIT_ASSERT_PTR_NE(t, l, r) KUNIT_PTR_(t, KUNIT_LEAVE_, l, !=, r)
#define KUNIT_ASSERT_NOT_NULL(t, p) KUNIT_PTR_(t, KUNIT_LEAVE_, p, !=, NULL)
#define KUNIT_ASSERT_NOT_ERR_OR_NULL(t, p) \
	KUNIT_BOOL_(t, KUNIT_LEAVE_, IS_ERR_OR_NULL(p), false, "")
#define KUNIT_EXPECT_STREQ(t, l, r) \
	KUNIT_BOOL_(t, KUNIT_STAY_, !strcmp(l, r), true, ": %s", (l))

#endif /* VTAP_SHIM_KUNIT_TEST_H */
