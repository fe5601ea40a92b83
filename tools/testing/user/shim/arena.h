/* SPDX-License-Identifier: GPL-2.0 */
/*
 * arena.h - guest memory that checks every access
 *
 * Guest memory is a list of extents. Each access of ring/ goes through one window at a
 * time:
 *
 *   - An access without an extent returns EFAULT, as in the kernel.
 *   - These accesses abort, because they are defects of ring/: outside an open window,
 *     in a window of the wrong kind, or to a range that neither the window nor an
 *     earlier access_ok() covers.
 *   - These also abort: a nested window, a window left open or closed twice,
 *     vtap_user_copy_in() in a window, and any of them under a spinlock.
 *   - The n-th event (a window opened, a load, a store, a copy) can be made to fail,
 *     so that a test can cover every error path.
 *   - In hostile mode bytes change right after each read, so that a value fetched
 *     twice has two values.
 *
 * All state is per thread, except the extents. In user space the extents are heap memory
 * (user_access.h). In a kernel they are mapped in the address space of the test, and a
 * checked access is a real access to user memory (kunit/kernel/guest_memory.c).
 */
#ifndef VTAP_SHIM_ARENA_H
#define VTAP_SHIM_ARENA_H

#ifdef __KERNEL__
#define shim_thread
#else
#define shim_thread	__thread
#endif

/* ---- interface for tests ---- */

/*
 * SHIM_SHARED: the other side changes 32-bit words by atomic operations. In other
 * extents only 16-bit words may change under the reader.
 */
enum shim_right { SHIM_R = 1, SHIM_W = 2, SHIM_RW = 3, SHIM_SHARED = 4 };

/**
 * struct shim_ctl - control of one thread's guest memory accesses
 */
struct shim_ctl {
	/** @nr: events so far: windows opened, loads, stores and copies */
	unsigned long nr;
	/** @nr_windows: windows opened so far */
	unsigned long nr_windows;
	/** @fail_at: the event that must fail, counted from 1; 0 for none */
	unsigned long fail_at;
	/** @fail_on: any load, store or copy touching this byte fails */
	const void *fail_on;
	/** @alloc_fail_at: the allocation that must fail, from 1; 0 for none */
	unsigned long alloc_fail_at;
	/** @nr_alloc: allocations so far */
	unsigned long nr_alloc;
	/** @after_load: called after each load or copy, to change memory */
	void (*after_load)(void *addr, size_t len, void *arg);
	/** @after_store: called after each store or atomic operation */
	void (*after_store)(void *addr, size_t len, void *arg);
	void *arg;
	/** @at_mb: called at each full barrier (@arg as above) */
	void (*at_mb)(void *arg);

	/* locks held; only arena.c uses the fields from here on */
	unsigned int nr_locks;

	/* the open window */
	const char *win;
	size_t win_len;
	enum shim_right win_right;
};

extern shim_thread struct shim_ctl shim;

/* Reset counters, faults and callbacks; abort if a window is open. */
void shim_reset(void);
/* Abort unless all windows are closed. */
void shim_idle(void);
/* Declare [addr, addr + len) guest memory; not while other threads run. */
void shim_extent_add(void *addr, size_t len, enum shim_right right);
/* Remove all extents that start within [addr, addr + len). */
void shim_extent_del(void *addr, size_t len);
/* Change the rights of the extent that starts at @addr. */
void shim_extent_right(void *addr, enum shim_right right);
/* Check that all of [addr, addr + len) is guest memory with these rights. */
bool shim_extent_has(const void *addr, size_t len, enum shim_right right);
/* Number of kvmalloc()s not yet freed. */
long shim_nr_live(void);

/* Allocate zeroed memory of @size bytes, to declare extents in it. */
void *shim_guest_alloc(size_t size);
void shim_guest_free(void *p, size_t size);

/* ---- interface for user_access.h and hooks.h ---- */

void *shim_alloc(size_t size, bool zero);
void shim_free(const void *p);

void shim_die(const char *what, const char *file, int line)
	__attribute__((__noreturn__));

#define shim_assert(cond) do {					\
	if (!(cond))						\
		shim_die(#cond, __FILE__, __LINE__);		\
} while (0)

bool shim_access_ok(const void *p, size_t len);
unsigned long shim_copy_from_user(void *dst, const void *src, size_t len);
unsigned long shim_copy_to_user(void *dst, const void *src, size_t len);
unsigned long shim_copy_early(void *dst, const void *src, u16 sure, u16 nr);
bool shim_window_open(const void *p, size_t len, enum shim_right right);
void shim_window_close(enum shim_right right);
bool shim_load(void *val, const void *src, size_t size, bool acquire);
bool shim_load_tail(u64 *val, const void *src);
bool shim_store_tail(void *dst, u64 val);
bool shim_store(void *dst, u64 val, size_t size, bool release);
bool shim_load_run(void *dst, const void *src, size_t len);
bool shim_load_ahead(void *dst, const void *src, size_t sure, size_t len);
bool shim_store_run(void *dst, const void *src, size_t len);
int shim_or32(u32 bits, u32 *word);
void shim_mb(void);

#endif /* VTAP_SHIM_ARENA_H */
