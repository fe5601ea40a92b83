/* SPDX-License-Identifier: GPL-2.0 */
/*
 * dirty_env.h - a dirty log with its bitmap, for tests
 *
 * Read before: env.h, ring/dirty.h. The bitmap is memory that checks and
 * fails; guest memory is invented, for the log never touches it. @want is what
 * the bitmap should be, kept byte by byte.
 */
#ifndef VTAP_TEST_DIRTY_ENV_H
#define VTAP_TEST_DIRTY_ENV_H

#include "env.h"

#define PAGE		0x1000ull
#define UBASE		0x10000000ull

/* Bytes of the bitmap, for guest memory up to LOG_END, and around it. */
#define LOG_BYTES	1024u
#define LOG_END		(LOG_BYTES * 8 * PAGE)
#define AROUND		32u

/**
 * struct dirty_env - the log
 * @d: what is tested
 * @map: memory table, for dirty_env_map()
 * @mem: AROUND, bitmap, AROUND
 * @skew: how far the bitmap is from aligned
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
/* An empty bitmap, @skew bytes from an aligned place; below AROUND. */
void dirty_env_fresh(struct dirty_env *e, unsigned int skew);
/* A memory table; an empty log. */
void dirty_env_map(struct dirty_env *e, const struct vhost_memory_region *r,
		   u32 nr);
u8 *dirty_env_log(struct dirty_env *e);
u8 *dirty_env_want(struct dirty_env *e);

void want_page(struct dirty_env *e, u64 page);
/* Byte by byte: the oracle. */
void want_bytes(struct dirty_env *e, u64 gpa, u64 len);
void want_user_bytes(struct dirty_env *e, u64 uaddr, u64 len);
u64 want_nr(const struct dirty_env *e);

/* Flush: the bitmap is as expected, and nothing is where no bitmap is. */
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
