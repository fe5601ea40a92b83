// SPDX-License-Identifier: GPL-2.0
/*
 * arena.c - guest memory that checks every access (arena.h)
 *
 * The file is built in user space and for the KUnit module. They differ in the access to
 * the bytes (move_*) and in the origin of the memory.
 */
#ifdef __KERNEL__
#include "arena_kernel.h"
#else
#include <sched.h>
#include <sanitizer/asan_interface.h>
#include "ring_env_user.h"
#endif

#define NR_EXTENTS	1024

struct extent {
	char *addr;
	size_t len;
	enum shim_right right;
};

/* Written only while a single thread runs; see shim_extent_add(). */
static struct extent extents[NR_EXTENTS];
static unsigned int nr_extents;

/* Ranges that access_ok() approved in this thread since shim_reset(). */
static shim_thread struct extent vetted[NR_EXTENTS];
static shim_thread unsigned int nr_vetted;

shim_thread struct shim_ctl shim;

void shim_reset(void)
{
	shim_idle();
	memset(&shim, 0, sizeof(shim));
	nr_vetted = 0;
}

void shim_idle(void)
{
	shim_assert(!shim.win_right);
	shim_assert(!shim.nr_locks);
}

void shim_extent_add(void *addr, size_t len, enum shim_right right)
{
	shim_assert(nr_extents < NR_EXTENTS);
	extents[nr_extents++] = (struct extent){ addr, len, right };
}

static bool begins_within(const struct extent *e, const char *addr, size_t len)
{
	return e->addr >= addr && e->addr < addr + len;
}

void shim_extent_del(void *addr, size_t len)
{
	unsigned int i, kept = 0;

	for (i = 0; i < nr_extents; i++)
		if (!begins_within(&extents[i], addr, len))
			extents[kept++] = extents[i];
	nr_extents = kept;
}

void shim_extent_right(void *addr, enum shim_right right)
{
	unsigned int i;

	for (i = 0; i < nr_extents; i++)
		if (extents[i].addr == addr)
			extents[i].right = right;
}

static bool covers(const struct extent *e, const void *addr, size_t len)
{
	/* An address below the extent wraps to an offset past its end. */
	size_t off = (uintptr_t)addr - (uintptr_t)e->addr;

	return len <= e->len && off <= e->len - len;
}

/* Check that the range is in one or several adjacent extents with these rights. */
static bool in_extents(const struct extent *e, unsigned int nr,
		       const char *addr, size_t len, enum shim_right right)
{
	unsigned int i;

	while (len) {
		size_t part = 0;

		for (i = 0; i < nr && !part; i++)
			if ((e[i].right & right) == right &&
			    covers(&e[i], addr, 1))
				part = e[i].addr + e[i].len - addr;
		if (!part)
			return false;
		part = min(part, len);
		addr += part;
		len -= part;
	}
	return true;
}

bool shim_extent_has(const void *addr, size_t len, enum shim_right right)
{
	return in_extents(extents, nr_extents, addr, len, right);
}

static bool is_vetted(const void *addr, size_t len)
{
	return in_extents(vetted, nr_vetted, addr, len, SHIM_RW);
}

/* Count one event; return true if it must fail. */
static bool shim_strikes(const void *addr, size_t len)
{
	const char *bad = shim.fail_on;
	const char *p = addr;

	shim.nr++;
	if (shim.fail_at && shim.nr == shim.fail_at)
		return true;
	return bad && bad >= p && bad < p + len;
}

static bool in_user_half(const void *p, size_t len)
{
	return len <= TASK_SIZE_MAX && (uintptr_t)p <= TASK_SIZE_MAX - len;
}

bool shim_access_ok(const void *p, size_t len)
{
	/*
	 * Accept a range that wraps, as s390x does, where user and kernel have
	 * separate address spaces.
	 */
	if ((uintptr_t)p + len < (uintptr_t)p)
		return true;
	if (!in_user_half(p, len))
		return false;
	if (!is_vetted(p, len)) {
		/* A forgotten range may abort a test, but never hides a bug. */
		vetted[nr_vetted % NR_EXTENTS] =
			(struct extent){ (char *)p, len, SHIM_RW };
		if (nr_vetted < NR_EXTENTS - 1)
			nr_vetted++;
	}
	return true;
}

/* Check that sleeping is allowed and no window is open. */
static void shim_may_fault(void)
{
	shim_assert(!shim.win_right);
	shim_assert(!shim.nr_locks);
}

#ifndef __KERNEL__

/* ---- access to user-space memory ---- */

static bool move_in(void *dst, const void *src, size_t len)
{
	memcpy(dst, src, len);
	return true;
}

static bool move_out(void *dst, const void *src, size_t len)
{
	memcpy(dst, src, len);
	return true;
}

/*
 * Only 16-bit fields (indices, flags, events) and the dirty bitmap may change under the
 * reader. Other wide loads are plain, so that TSan detects a read of a descriptor that
 * no acquire orders after the driver's write.
 */
static bool move_word_in(void *val, const void *src, size_t size, bool acquire)
{
	if (size == sizeof(u32) && !acquire &&
	    shim_extent_has(src, size, SHIM_R | SHIM_SHARED)) {
		u32 v = __atomic_load_n((const u32 *)src, __ATOMIC_RELAXED);

		memcpy(val, &v, sizeof(v));
	} else if (size == sizeof(u16)) {
		const u16 *p = src;
		u16 v = acquire ? __atomic_load_n(p, __ATOMIC_ACQUIRE) :
				  __atomic_load_n(p, __ATOMIC_RELAXED);

		memcpy(val, &v, sizeof(v));
	} else {
		shim_assert(!acquire);
		memcpy(val, src, size);
	}
	return true;
}

static const bool is_big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;

static bool move_word_out(void *dst, u64 val, size_t size, bool release)
{
	if (size == sizeof(u16)) {
		u16 *p = dst;

		if (release)
			__atomic_store_n(p, (u16)val, __ATOMIC_RELEASE);
		else
			__atomic_store_n(p, (u16)val, __ATOMIC_RELAXED);
	} else {
		shim_assert(!release);
		memcpy(dst, (char *)&val + (is_big_endian ? sizeof(val) - size : 0), size);
	}
	return true;
}

static bool move_or32(u32 bits, u32 *word)
{
	__atomic_fetch_or(word, bits, __ATOMIC_RELAXED);
	return true;
}

#endif /* !__KERNEL__ */

static void shim_loaded(const void *src, size_t len)
{
	if (shim.after_load)
		shim.after_load((void *)src, len, shim.arg);
}

unsigned long shim_copy_from_user(void *dst, const void *src, size_t len)
{
	shim_may_fault();
	if (shim_strikes(src, len)) {
		/* As in the kernel: a part may be copied, the rest is zeroed. */
		size_t part = len / 2;

		if (!shim_extent_has(src, part, SHIM_R) || !move_in(dst, src, part))
			part = 0;
		memset((char *)dst + part, 0, len - part);
		return len - part;
	}
	if (!in_user_half(src, len) || !shim_extent_has(src, len, SHIM_R) ||
	    !move_in(dst, src, len)) {
		memset(dst, 0, len);
		return len;
	}
	shim_loaded(src, len);
	return 0;
}

#ifndef __KERNEL__
/* Copy only the flags of descriptors that the driver may be writing. */
unsigned long shim_copy_early(void *dst, const void *src, u16 sure, u16 nr)
{
	const size_t words = 8;		/* of 16 bits each, the flags last */
	size_t len = nr * words * sizeof(u16), i;
	const u16 *from = src;
	u16 *to = dst;

	shim_may_fault();
	memset(dst, 0, len);
	if (shim_strikes(src, len) || !in_user_half(src, len) ||
	    !shim_extent_has(src, len, SHIM_R))
		return len;
	memcpy(dst, src, sure * words * sizeof(u16));
	for (i = (sure + 1) * words - 1; i < nr * words; i += words)
		to[i] = __atomic_load_n(from + i, __ATOMIC_ACQUIRE);
	shim_loaded(src, len);
	return 0;
}
#endif

unsigned long shim_copy_to_user(void *dst, const void *src, size_t len)
{
	shim_may_fault();
	if (shim_strikes(dst, len) || !in_user_half(dst, len) ||
	    !shim_extent_has(dst, len, SHIM_W) || !move_out(dst, src, len))
		return len;
	if (shim.after_store)
		shim.after_store(dst, len, shim.arg);
	return 0;
}

#ifndef SHIM_FAST

bool shim_window_open(const void *p, size_t len, enum shim_right right)
{
	shim_may_fault();
	shim.nr_windows++;
	if (shim_strikes(NULL, 0) || !in_user_half(p, len))
		return false;
	shim.win = p;
	shim.win_len = len;
	shim.win_right = right;
	return true;
}

void shim_window_close(enum shim_right right)
{
	shim_assert(shim.win_right == right);
	shim.win_right = 0;
}

static void shim_check_run(const void *addr, size_t len,
			   enum shim_right right)
{
	const struct extent win = { (char *)shim.win, shim.win_len, right };

	shim_assert(shim.win_right & right);
	shim_assert(covers(&win, addr, len) || is_vetted(addr, len));
}

static void shim_check_window(const void *addr, size_t len,
			      enum shim_right right)
{
	shim_check_run(addr, len, right);
	/* Both sides of virtio require natural alignment. */
	shim_assert(((uintptr_t)addr & (len - 1)) == 0);
}

bool shim_load(void *val, const void *src, size_t size, bool acquire)
{
	shim_check_window(src, size, SHIM_R);
	if (shim_strikes(src, size) || !shim_extent_has(src, size, SHIM_R))
		return false;

	if (!move_word_in(val, src, size, acquire))
		return false;
	shim_loaded(src, size);
	return true;
}

#ifndef __KERNEL__
/*
 * One load of the second half of a packed descriptor, acquire by its flags. The driver
 * may be writing it. TSan matches an acquire with a release of the same 16 bits, so
 * this loads the flags first; the fields loaded afterwards are as new, or newer.
 */
bool shim_load_tail(u64 *val, const void *src)
{
	const u16 *half = src;
	u16 word[4];
	u32 len;

	shim_check_window(src, sizeof(*val), SHIM_R);
	if (shim_strikes(src, sizeof(*val)) ||
	    !shim_extent_has(src, sizeof(*val), SHIM_R))
		return false;
	word[3] = __atomic_load_n(half + 3, __ATOMIC_ACQUIRE);
	len = __atomic_load_n((const u32 *)src, __ATOMIC_RELAXED);
	word[2] = __atomic_load_n(half + 2, __ATOMIC_RELAXED);
	memcpy(word, &len, sizeof(len));
	memcpy(val, word, sizeof(*val));
	shim_loaded(src, sizeof(*val));
	return true;
}
#endif

bool shim_store(void *dst, u64 val, size_t size, bool release)
{
	shim_check_window(dst, size, SHIM_W);
	if (shim_strikes(dst, size) || !shim_extent_has(dst, size, SHIM_W))
		return false;
	if (!move_word_out(dst, val, size, release))
		return false;
	if (shim.after_store)
		shim.after_store(dst, size, shim.arg);
	return true;
}

#ifndef __KERNEL__
/* Store the second half of a packed descriptor at once, release by its flags. */
bool shim_store_tail(void *dst, u64 val)
{
	u16 *half = dst, word[4];

	shim_check_window(dst, sizeof(val), SHIM_W);
	if (shim_strikes(dst, sizeof(val)) ||
	    !shim_extent_has(dst, sizeof(val), SHIM_W))
		return false;
	memcpy(word, &val, sizeof(val));
	memcpy(half, word, 3 * sizeof(*half));
	__atomic_store_n(half + 3, word[3], __ATOMIC_RELEASE);
	if (shim.after_store)
		shim.after_store(dst, sizeof(val), shim.arg);
	return true;
}
#endif

bool shim_load_run(void *dst, const void *src, size_t len)
{
	shim_check_run(src, len, SHIM_R);
	if (shim_strikes(src, len) || !shim_extent_has(src, len, SHIM_R) ||
	    !move_in(dst, src, len))
		return false;
	shim_loaded(src, len);
	return true;
}

#ifndef __KERNEL__
/* Hidden from TSan: the driver may write these words meanwhile. */
__attribute__((no_sanitize("thread")))
static void copy_racy(u64 *dst, const volatile u64 *src, size_t len)
{
	for (; len; len -= sizeof(*dst))
		*dst++ = *src++;
}

bool shim_load_ahead(void *dst, const void *src, size_t sure, size_t len)
{
	shim_check_run(src, len, SHIM_R);
	if (shim_strikes(src, len) || !shim_extent_has(src, len, SHIM_R))
		return false;
	memcpy(dst, src, sure);
	copy_racy(dst + sure, src + sure, len - sure);
	shim_loaded(src, len);
	return true;
}
#endif

bool shim_store_run(void *dst, const void *src, size_t len)
{
	shim_check_run(dst, len, SHIM_W);
	if (shim_strikes(dst, len) || !shim_extent_has(dst, len, SHIM_W) ||
	    !move_out(dst, src, len))
		return false;
	if (shim.after_store)
		shim.after_store(dst, len, shim.arg);
	return true;
}

/* As a futex operation: it has its own window and does all or nothing. */
int shim_or32(u32 bits, u32 *word)
{
	shim_may_fault();
	shim_assert(((uintptr_t)word & 3) == 0);
	if (shim_strikes(word, sizeof(*word)) ||
	    !in_user_half(word, sizeof(*word)) ||
	    !shim_extent_has(word, sizeof(*word), SHIM_RW) ||
	    !move_or32(bits, word))
		return -EFAULT;
	if (shim.after_store)
		shim.after_store(word, sizeof(*word), shim.arg);
	return 0;
}

void shim_mb(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (shim.at_mb)
		shim.at_mb(shim.arg);
}

#endif /* SHIM_FAST */

#ifndef __KERNEL__

void shim_die(const char *what, const char *file, int line)
{
	fflush(stdout);
	fprintf(stderr, "# %s:%d: %s\n", file, line, what);
	abort();
}

/* ---- memory for guests ---- */

/*
 * The largest freed block, poisoned. Most tests need the same size repeatedly, and
 * mapping a megabyte takes longer than the test itself.
 */
static void *spare;
static size_t spare_size;

void *shim_guest_alloc(size_t size)
{
	void *p = NULL;

	if (spare && spare_size == size) {
		p = spare;
		spare = NULL;
		ASAN_UNPOISON_MEMORY_REGION(p, size);
	} else if (posix_memalign(&p, 64, size)) {
		/* Exactly @size, so that the byte after it is out of bounds. */
		abort();
	}
	memset(p, 0, size);
	return p;
}

void shim_guest_free(void *p, size_t size)
{
	if (spare && spare_size >= size) {
		free(p);
		return;
	}
	if (spare) {
		ASAN_UNPOISON_MEMORY_REGION(spare, spare_size);
		free(spare);
	}
	spare = p;
	spare_size = size;
	ASAN_POISON_MEMORY_REGION(spare, spare_size);
}

/* ---- locks ---- */

void spin_lock_init(spinlock_t *lock)
{
	lock->taken = false;
}

void spin_lock(spinlock_t *lock)
{
	shim_assert(!shim.win_right);
	while (__atomic_exchange_n(&lock->taken, true, __ATOMIC_ACQUIRE))
		sched_yield();
	shim.nr_locks++;
}

void spin_unlock(spinlock_t *lock)
{
	shim_assert(shim.nr_locks);
	shim_assert(__atomic_load_n(&lock->taken, __ATOMIC_RELAXED));
	shim.nr_locks--;
	__atomic_store_n(&lock->taken, false, __ATOMIC_RELEASE);
}

/* ---- allocations, counted to detect leaks ---- */

static long nr_live;

void *shim_alloc(size_t size, bool zero)
{
	void *p;

	if (shim.alloc_fail_at && ++shim.nr_alloc == shim.alloc_fail_at)
		return NULL;
	/* The kernel warns about larger sizes, and a guest must not cause warnings. */
	shim_assert(size <= INT_MAX);
	p = malloc(size);
	if (!p)
		return NULL;
	/* Never zero by accident, so that a missing initialization is detected. */
	memset(p, zero ? 0 : 0xa5, size);
	__atomic_fetch_add(&nr_live, 1, __ATOMIC_RELAXED);
	return p;
}

void shim_free(const void *p)
{
	if (!p)
		return;
	__atomic_fetch_sub(&nr_live, 1, __ATOMIC_RELAXED);
	free((void *)p);
}

long shim_nr_live(void)
{
	return nr_live;
}

#endif /* !__KERNEL__ */
