/* SPDX-License-Identifier: GPL-2.0 */
/*
 * env.h - a ring with a mock driver, for tests
 *
 * Region 0 of guest memory is 1 MiB at ENV_RAM. drv_alloc_tables() and
 * env_buf() allocate from it. A test may add more regions before env_map().
 */
#ifndef VTAP_TEST_ENV_H
#define VTAP_TEST_ENV_H

#include <kunit/test.h>
#include "driver.h"
#include "ring_ops.h"

#define ENV_RAM		0x100000ull
#define ENV_RAM_SIZE	(1ull << 20)

struct env {
	/* Index or position at which the ring started. */
	u16 start;
	struct gmem g;
	struct drv d;
	struct vtap_memmap *map;
	struct vtap_mem m;
	struct vtap_ring_cfg cfg;
	struct vtap_ring r;
	struct vtap_chain c;
	struct iovec iov[VTAP_CHAIN_MAX];
};

/** struct env_format - parameter of the cases that run for both formats */
struct env_format {
	const char *name;
	bool packed;
};

extern const struct env_format env_formats[2];

/* Once in a file that has an ENV_CASE(). */
#define ENV_FORMATS()	KUNIT_ARRAY_PARAM_DESC(env_format, env_formats, name)
#define ENV_CASE(fn)	KUNIT_CASE_PARAM(fn, env_format_gen_params)

/* Start a ring, both indices or positions at @start. */
struct env *env_new(bool packed, u16 num, bool event_idx, u16 start);
void env_free(struct env *e);
/* Build the memory table from e->g; this resets the last hit. */
void env_map(struct env *e);
/* Start the ring again at @base, without a fault. */
int env_start(struct env *e, u32 base);

/* Return the index or position @nr entries after @at. */
u16 env_step(const struct env *e, u16 at, u16 nr);

/* Pop with room for VTAP_CHAIN_MAX segments; check that no window is open. */
int env_pop(struct env *e);
/* Add @nr chains of one buffer each, with cookies from @cookie on. */
void env_add(struct env *e, unsigned int nr, u64 cookie);
/* Pop a chain and stage it with @len; returns the result of the pop. */
int env_serve(struct env *e, u32 len);
/* Pop @nr chains of env_add() and stage each. */
void env_expect_served(struct kunit *test, struct env *e, u32 nr, u64 cookie);
/* The driver gets @nr used chains; cookies and lengths rise from @cookie. */
void env_expect_used(struct kunit *test, struct env *e, u32 nr, u64 cookie);
/* Add, serve and publish @nr chains; the driver does not look at them yet. */
void env_use(struct kunit *test, struct env *e, u32 nr);
/* The driver takes all used chains back. */
void env_take_all(struct env *e);
/* Write a descriptor of a split ring. */
void env_set_desc(struct env *e, u16 i, u64 gpa, u32 len, u16 flags, u16 next);
/* Make a head available without any check, and pop it. */
int env_offer(struct env *e, u16 head);
/*
 * Make a chain of @nr descriptors available without any check: the next ones of a packed
 * ring, the first ones of a split ring. NEXT is set in all but the last.
 */
void env_show_chain(struct env *e, const struct drv_desc *desc, unsigned int nr);
/* Pop it, too. */
int env_offer_chain(struct env *e, const struct drv_desc *desc, unsigned int nr);

/*
 * Expect that a broken ring with nothing staged refuses all operations and
 * accesses no guest memory. needs_call may still do so unless the fault is
 * VTAP_FAULT_RING_ACCESS.
 */
void env_expect_refusal(struct kunit *test, struct env *e,
			enum vtap_fault fault);
/* The popped chain has these segments and bytes, for the device to read and to write. */
void env_expect_chain(struct kunit *test, const struct env *e, u32 nr_out, u64 out_len,
		      u32 nr_in, u64 in_len);
/* Test whether the segments add up and lie in guest memory. */
bool env_chain_ok(const struct env *e, const struct vtap_chain *c);

/* Small random number generator, so that failures are reproducible. */
struct rnd {
	u64 state;
};

static inline u32 rnd(struct rnd *r)
{
	r->state = r->state * 6364136223846793005ull + 1442695040888963407ull;
	return r->state >> 33;
}

static inline u32 rnd_below(struct rnd *r, u32 n)
{
	return rnd(r) % n;
}

#endif /* VTAP_TEST_ENV_H */
