/* SPDX-License-Identifier: GPL-2.0 */
/*
 * dirty_env.h - a dirty log with its bitmap, for tests
 *
 * The bitmap is memory of the arena, whose accesses are checked and can fail.
 * Guest addresses are arbitrary, because the log does not access guest memory.
 * The expected bitmap is computed byte by byte.
 */
#ifndef VTAP_TEST_DIRTY_ENV_H
#define VTAP_TEST_DIRTY_ENV_H

#include "env.h"

#define PAGE		0x1000ull
#define UBASE		0x10000000ull

/* Bytes of the bitmap, for guest memory up to LOG_END, and of its margins. */
#define LOG_BYTES	1024u
#define LOG_END		(LOG_BYTES * 8 * PAGE)
#define AROUND		32u

/**
 * struct dirty_env - the log and its bitmap
 * @d: the log under test
 * @map: memory table, set by dirty_env_map()
 * @mem: margin, bitmap, margin; each margin has AROUND bytes
 * @skew: offset of the bitmap from an aligned address, in bytes
 */
struct dirty_env {
	struct vtap_dirty d;
	struct vtap_memmap *map;
	u8 *mem;
	u8 want[LOG_BYTES + 2 * AROUND];
	unsigned int skew;
};

struct dirty_env *dirty_env_new(void);
void dirty_env_free(struct dirty_env *e);
/* Reset to an empty bitmap, @skew < AROUND bytes from an aligned address. */
void dirty_env_fresh(struct dirty_env *e, unsigned int skew);
/* Set a memory table, and reset to an empty log. */
void dirty_env_map(struct dirty_env *e, const struct vhost_memory_region *r,
		   u32 nr);
u8 *dirty_env_log(struct dirty_env *e);
u8 *dirty_env_want(struct dirty_env *e);

void expect_page(struct dirty_env *e, u64 page);
/* Record expected writes, byte by byte. */
void expect_bytes(struct dirty_env *e, u64 gpa, u64 len);
void expect_user_bytes(struct dirty_env *e, u64 uaddr, u64 len);
u64 nr_expected(const struct dirty_env *e);

/* Flush, then compare the bitmap and check that its margins are unchanged. */
void dirty_env_expect(struct kunit *test, struct dirty_env *e);

static inline struct vhost_memory_region reg(u64 gpa, u64 size, u64 uaddr)
{
	return (struct vhost_memory_region){
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = uaddr,
	};
}

#endif /* VTAP_TEST_DIRTY_ENV_H */
