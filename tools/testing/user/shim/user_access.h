/* SPDX-License-Identifier: GPL-2.0 */
/*
 * user_access.h - guest memory that checks each access, through arena.h
 *
 * In the kernel, a wrong access to the client's memory may hit something and go
 * unnoticed. Here all of them go through the checks of arena.h. Spinlocks are real, so
 * that TSan sees their ordering.
 */
#ifndef VTAP_SHIM_USER_ACCESS_H
#define VTAP_SHIM_USER_ACCESS_H

#define TASK_SIZE_MAX		0x7ffffffff000ul

#include "arena.h"

#define kvmalloc(size, gfp)		shim_alloc(size, false)
#define kvzalloc(size, gfp)		shim_alloc(size, true)
#define kvmalloc_array(n, size, gfp)	shim_alloc(array_size(n, size), false)
#define kvcalloc(n, size, gfp)		shim_alloc(array_size(n, size), true)
#define kmalloc(size, gfp)		shim_alloc(size, false)
#define kzalloc(size, gfp)		shim_alloc(size, true)
#define kvfree(p)			shim_free(p)
#define kfree(p)			shim_free(p)

/* A warning means a defect in ring/, so it aborts the test. */
#define WARN_ON_ONCE(cond) ({					\
	bool __warn = (cond);					\
	if (__warn)						\
		shim_die("WARN_ON_ONCE(" #cond ")", __FILE__, __LINE__); \
	__warn; })
#define WARN_ON(cond)		WARN_ON_ONCE(cond)

typedef struct {
	bool taken;
} spinlock_t;

void spin_lock_init(spinlock_t *lock);
void spin_lock(spinlock_t *lock);
void spin_unlock(spinlock_t *lock);

#ifndef SHIM_FAST

#define access_ok(p, len)		shim_access_ok(p, len)
#define vtap_user_copy_in(dst, src, n)	shim_copy_from_user(dst, src, n)
#define vtap_user_copy_out(dst, src, n)	shim_copy_to_user(dst, src, n)
#define vtap_user_copy_avail(dst, src, sure, nr) \
	shim_copy_early(dst, src, sure, nr)

#define user_read_access_begin(p, len)	shim_window_open(p, len, SHIM_R)
#define user_read_access_end()		shim_window_close(SHIM_R)
#define user_write_access_begin(p, len)	shim_window_open(p, len, SHIM_W)
#define user_write_access_end()		shim_window_close(SHIM_W)
#define user_access_begin(p, len)	shim_window_open(p, len, SHIM_RW)
#define user_access_end()		shim_window_close(SHIM_RW)

#define shim_get(x, ptr, acquire, label) do {			\
	__typeof__(*(ptr)) __get_v;				\
	if (!shim_load(&__get_v, ptr, sizeof(*(ptr)), acquire))	\
		goto label;					\
	(x) = (__typeof__(x))__get_v;				\
} while (0)

#define shim_put(x, ptr, release, label) do {			\
	__typeof__(*(ptr)) __put_v = (x);			\
	if (!shim_store(ptr, __put_v, sizeof(*(ptr)), release))	\
		goto label;					\
} while (0)

/* A copy of several words is one event, and readers do not rely on its order. */
#define unsafe_copy_from_user(dst, src, len, label) do {	\
	if (!shim_load_run(dst, src, len))			\
		goto label;					\
} while (0)

#define unsafe_copy_to_user(dst, src, len, label) do {		\
	if (!shim_store_run(dst, src, len))			\
		goto label;					\
} while (0)

#define vtap_copy_ahead(dst, src, sure, len, label) do {	\
	if (!shim_load_ahead(dst, src, sure, len))		\
		goto label;					\
} while (0)

#define unsafe_get_user(x, ptr, label)		shim_get(x, ptr, false, label)
#define unsafe_put_user(x, ptr, label)		shim_put(x, ptr, false, label)
#define vtap_get16_acquire(x, ptr, label)	shim_get(x, ptr, true, label)
#define vtap_put16_release(x, ptr, label)	shim_put(x, ptr, true, label)
#define vtap_get64_acquire(x, ptr, label) do {			\
	if (!shim_load_tail(&(x), ptr))				\
		goto label;					\
} while (0)
#define vtap_put64_release(x, ptr, label) do {			\
	if (!shim_store_tail(ptr, x))				\
		goto label;					\
} while (0)
#define vtap_user_or32(bits, word)		shim_or32(bits, word)
#define vtap_mb()				shim_mb()

#else /* SHIM_FAST: plain memory, for the benchmark and the faster race */

static inline bool access_ok(const void *p, size_t len)
{
	return len <= TASK_SIZE_MAX && (uintptr_t)p <= TASK_SIZE_MAX - len;
}

static inline unsigned long vtap_user_copy_in(void *dst, const void *src,
					      size_t len)
{
	memcpy(dst, src, len);
	return 0;
}

static inline unsigned long vtap_user_copy_out(void *dst, const void *src,
					       size_t len)
{
	memcpy(dst, src, len);
	return 0;
}

static inline unsigned long vtap_user_copy_avail(void *dst, const void *src,
						 u16 sure, u16 nr)
{
	memcpy(dst, src, nr * 16);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return 0;
}

#define user_read_access_begin(p, len)	access_ok(p, len)
#define user_read_access_end()		barrier()
#define user_write_access_begin(p, len)	access_ok(p, len)
#define user_write_access_end()		barrier()
#define user_access_begin(p, len)	access_ok(p, len)
#define user_access_end()		barrier()

/* The never-taken jump keeps the caller's label in use. */
#define shim_fast(stmt, label) do {				\
	stmt;							\
	if (0)							\
		goto label;					\
} while (0)

#define unsafe_copy_from_user(dst, src, len, label) \
	shim_fast(memcpy(dst, src, len), label)
#define unsafe_copy_to_user(dst, src, len, label) \
	shim_fast(memcpy(dst, src, len), label)
#define unsafe_get_user(x, ptr, label) \
	shim_fast((x) = READ_ONCE(*(ptr)), label)
#define unsafe_put_user(x, ptr, label) \
	shim_fast(WRITE_ONCE(*(ptr), x), label)
#define vtap_get16_acquire(x, ptr, label) \
	shim_fast((x) = __atomic_load_n(ptr, __ATOMIC_ACQUIRE), label)
#define vtap_put16_release(x, ptr, label) \
	shim_fast(__atomic_store_n(ptr, x, __ATOMIC_RELEASE), label)
#define vtap_get64_acquire(x, ptr, label) \
	shim_fast((x) = __atomic_load_n(ptr, __ATOMIC_ACQUIRE), label)
#define vtap_put64_release(x, ptr, label)	vtap_put16_release(x, ptr, label)
#define vtap_mb()		__atomic_thread_fence(__ATOMIC_SEQ_CST)

static inline int vtap_user_or32(u32 bits, u32 *word)
{
	__atomic_fetch_or(word, bits, __ATOMIC_RELAXED);
	return 0;
}

#endif /* SHIM_FAST */

#endif /* VTAP_SHIM_USER_ACCESS_H */
