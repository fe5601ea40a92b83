// SPDX-License-Identifier: GPL-2.0
/*
 * kunit.c - run all registered suites
 */
#include <stdarg.h>
#include "kunit/test.h"

struct kunit_alloc {
	struct kunit_alloc *next;
	max_align_t mem[];
};

#define MAX_SAID	8

static struct kunit_suite *suites, **suites_end = &suites;
static int kunit_nr_failed;

void kunit_register(struct kunit_suite *suite)
{
	suite->next = NULL;
	*suites_end = suite;
	suites_end = &suite->next;
}

void kunit_fail(struct kunit *test, const char *file, int line,
		const char *fmt, ...)
{
	va_list ap;

	/* A loop may fail a thousand times: print only the first few. */
	if (++test->failed > MAX_SAID)
		return;
	printf("# %s:%d: ", file, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

void *kunit_kzalloc(struct kunit *test, size_t size, gfp_t gfp)
{
	struct kunit_alloc *a = calloc(1, sizeof(*a) + size);

	(void)gfp;
	if (!a)
		return NULL;
	a->next = test->allocs;
	test->allocs = a;
	return a->mem;
}

static void free_allocs(struct kunit *test)
{
	struct kunit_alloc *a = test->allocs, *next;

	for (; a; a = next) {
		next = a->next;
		free(a);
	}
}

static void run_case(struct kunit_suite *s, struct kunit_case *c,
		     const void *param, const char *name, int nr)
{
	struct kunit test = { .name = c->name, .param_value = param };
	long live = shim_nr_live();

	shim_reset();
	if (s->init && s->init(&test)) {
		kunit_fail(&test, __FILE__, __LINE__, "suite init failed");
	} else {
		if (!setjmp(test.leave))
			c->run_case(&test);
		if (s->exit)
			s->exit(&test);
	}
	free_allocs(&test);
	/* Aborts if the tested code left a window open. */
	shim_reset();
	if (!test.failed && !test.skipped && shim_nr_live() != live)
		kunit_fail(&test, __FILE__, __LINE__, "%ld allocations leaked",
			   shim_nr_live() - live);

	printf("%sok %d - %s%s%s\n", test.failed ? "not " : "", nr, name,
	       test.skipped ? " # SKIP " : "",
	       test.skipped ? test.skipped : "");
	fflush(stdout);
	if (test.failed)
		kunit_nr_failed++;
}

static bool selected(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (strstr(name, argv[i]))
			return true;
	return argc <= 1;
}

/* Run a case once, or once for each parameter. Return the number of runs. */
static int run_params(struct kunit_suite *s, struct kunit_case *c, int nr,
		      int argc, char **argv)
{
	char name[256], desc[KUNIT_PARAM_DESC_SIZE];
	const void *param = NULL;
	int nr_runs = 0;

	do {
		snprintf(name, sizeof(name), "%s.%s", s->name, c->name);
		if (c->generate_params) {
			param = c->generate_params(NULL, param, desc);
			if (!param)
				break;
			snprintf(name, sizeof(name), "%s.%s: %s", s->name,
				 c->name, desc);
		}
		if (selected(name, argc, argv))
			run_case(s, c, param, name, nr + ++nr_runs);
	} while (param);
	return nr_runs;
}

int kunit_main(int argc, char **argv)
{
	struct kunit_suite *s;
	struct kunit_case *c;
	int nr = 0;

	for (s = suites; s; s = s->next)
		for (c = s->test_cases; c->run_case; c++)
			nr += run_params(s, c, nr, argc, argv);
	printf("1..%d\n", nr);
	return !nr || kunit_nr_failed;
}
