/* SPDX-License-Identifier: GPL-2.0 */
/*
 * env.h - one ring with both its sides, for tests
 *
 * Read before: driver.h (the guest's side), ring/ring_ops.h (ours).
 *
 * The memory map: region 0 at ENV_RAM, 1 MiB, where drv_alloc_tables() and
 * env_buf() carve from; what else a test adds before env_map().
 */
#ifndef VTAP_TEST_ENV_H
#define VTAP_TEST_ENV_H

#include <kunit/test.h>
#include "driver.h"
#include "ring_ops.h"

#define ENV_RAM		0x100000ull
#define ENV_RAM_SIZE	(1ull << 20)

struct env {
	struct gmem g;
	struct drv d;
	struct vtap_memmap *map;
	struct vtap_mem m;
	struct vtap_ring_cfg cfg;
	struct vtap_ring r;
	struct vtap_chain c;
	struct iovec iov[VTAP_CHAIN_MAX];
};

/* A ring in service, both indices at @start; NULL test: abort on failure. */
struct env *env_new(struct kunit *test, u16 num, bool event_idx, u16 start);
/* The same, packed; both positions at @start. */
struct env *env_new_packed(u16 num, bool event_idx, u16 start);
void env_free(struct env *e);
/* (Re)build the memory table from e->g; the last-hit region is forgotten. */
void env_map(struct env *e);
/* Start the ring again at @base, faults forgotten. */
int env_start(struct env *e, u32 base);

/* Pop with room for VTAP_CHAIN_MAX segments; nothing left open. */
int env_pop(struct env *e);
/* Add @nr one-buffer chains of @len bytes, cookies from @cookie on. */
void env_add(struct env *e, unsigned int nr, u64 cookie);
/* Pop one and stage it with @len; returns what pop returned. */
int env_serve(struct env *e, u32 len);

/*
 * After a fault, with nothing staged: the verbs refuse and touch no guest
 * memory, but for must_call, which still may unless ring memory failed.
 */
void env_expect_refusal(struct kunit *test, struct env *e,
			enum vtap_fault fault);
/* Sum of segment lengths, and whether all lie in guest memory. */
bool env_chain_ok(const struct env *e, const struct vtap_chain *c);

/* A small generator, so that failures repeat. */
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
