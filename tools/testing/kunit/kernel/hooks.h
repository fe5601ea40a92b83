/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hooks.h - observe and disturb the accesses of ring/ in a kernel
 *
 * The compiler includes this file before each file of the KUnit module. It
 * includes the kernel headers first. Then it redirects the names that
 * ring/ring_env.h uses for user memory to the checks of arena.h, which call the
 * kernel functions.
 */
#ifndef VTAP_KUNIT_HOOKS_H
#define VTAP_KUNIT_HOOKS_H

#include <kunit/test.h>
#include <linux/align.h>
#include <linux/bitops.h>
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/if_ether.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/vhost_types.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <asm/futex.h>
#include <uapi/linux/futex.h>

#include "arena.h"

/* Names of the C library that tests use. */
static inline void *shim_calloc(size_t nr, size_t size)
{
	return kvcalloc(nr, size, GFP_KERNEL);
}

static inline void shim_calloc_free(const void *p)
{
	kvfree(p);
}

#define calloc(nr, size)	shim_calloc(nr, size)
#define free(p)			shim_calloc_free(p)

/* Allocations of ring/ can be made to fail. */
#undef kvmalloc
#undef kvzalloc
#undef kvfree
#define kvmalloc(size, gfp)	shim_alloc(size, false)
#define kvzalloc(size, gfp)	shim_alloc(size, true)
#define kvfree(p)		shim_free(p)

#undef access_ok
#undef user_access_begin
#undef user_access_end
#undef user_read_access_begin
#undef user_read_access_end
#undef user_write_access_begin
#undef user_write_access_end
#undef unsafe_get_user
#undef unsafe_put_user
#undef unsafe_copy_from_user
#undef unsafe_copy_to_user
#undef _copy_from_user
#undef _copy_to_user
#undef arch_futex_atomic_op_inuser
#undef fault_in_safe_writeable
#undef smp_mb

#define access_ok(p, len)		shim_access_ok((const void *)(p), len)
#define user_read_access_begin(p, len)	\
	shim_window_open((const void *)(p), len, SHIM_R)
#define user_read_access_end()		shim_window_close(SHIM_R)
#define user_write_access_begin(p, len)	\
	shim_window_open((const void *)(p), len, SHIM_W)
#define user_write_access_end()		shim_window_close(SHIM_W)
#define user_access_begin(p, len)	\
	shim_window_open((const void *)(p), len, SHIM_RW)
#define user_access_end()		shim_window_close(SHIM_RW)

#define unsafe_get_user(x, ptr, label) do {				\
	__typeof__(*(ptr)) __get_v;					\
	if (!shim_load(&__get_v, (const void *)(ptr), sizeof(*(ptr)), false)) \
		goto label;						\
	(x) = (__typeof__(x))__get_v;					\
} while (0)

#define unsafe_put_user(x, ptr, label) do {				\
	__typeof__(*(ptr)) __put_v = (x);				\
	if (!shim_store((void *)(ptr), (u64)__put_v, sizeof(*(ptr)), false)) \
		goto label;						\
} while (0)

/* A run of words is one event. */
#define unsafe_copy_from_user(dst, src, len, label) do {		\
	if (!shim_load_run(dst, (const void *)(src), len))		\
		goto label;						\
} while (0)

#define unsafe_copy_to_user(dst, src, len, label) do {			\
	if (!shim_store_run((void *)(dst), src, len))			\
		goto label;						\
} while (0)

#define _copy_from_user(dst, src, len)	\
	shim_copy_from_user(dst, (const void *)(src), len)
#define _copy_to_user(dst, src, len)	\
	shim_copy_to_user((void *)(dst), src, len)

/* A failure is final here: vtap_user_or32() must not retry. */
#define arch_futex_atomic_op_inuser(op, bits, old, word) \
	({ (void)(old); shim_or32(bits, (u32 *)(word)); })
#define fault_in_safe_writeable(page, len)	((void)(page), (size_t)(len))

#define smp_mb()			shim_mb()

#endif /* VTAP_KUNIT_HOOKS_H */
