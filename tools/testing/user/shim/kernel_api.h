/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kernel_api.h - kernel functions, reimplemented with the kernel's meaning
 */
#ifndef VTAP_SHIM_KERNEL_API_H
#define VTAP_SHIM_KERNEL_API_H

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long long u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef long long s64;

#define U8_MAX			0xffu
#define U16_MAX			0xffffu
#define S16_MAX			0x7fff
#define U32_MAX			0xffffffffu
#define S32_MAX			0x7fffffff
#define U64_MAX			0xffffffffffffffffull
#define INT_MAX			S32_MAX
#define ULONG_MAX		(~0ul)

#define UIO_MAXIOV		1024
#define PAGE_SIZE		4096ul
#define PAGE_MASK		(~(PAGE_SIZE - 1))
#define NSEC_PER_USEC		1000l
#define NSEC_PER_MSEC		1000000l
#define NSEC_PER_SEC		1000000000l
#define USEC_PER_SEC		1000000l

/* ---- byte order ---- */

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define le16_to_cpu(x)		__builtin_bswap16(x)
#define le32_to_cpu(x)		__builtin_bswap32(x)
#define le64_to_cpu(x)		((u64)__builtin_bswap64(x))
#else
#define le16_to_cpu(x)		((u16)(x))
#define le32_to_cpu(x)		((u32)(x))
#define le64_to_cpu(x)		((u64)(x))
#endif
#define cpu_to_le16(x)		((__le16)le16_to_cpu(x))
#define cpu_to_le32(x)		((__le32)le32_to_cpu(x))
#define cpu_to_le64(x)		((__le64)le64_to_cpu(x))

/* ---- the compiler ---- */

#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#define barrier()		__asm__ __volatile__("" : : : "memory")
#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v)	__atomic_store_n(&(x), (v), __ATOMIC_RELAXED)
#define BUILD_BUG_ON(cond)	static_assert(!(cond), "BUILD_BUG_ON: " #cond)
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))
#define sizeof_field(type, member)	sizeof(((type *)0)->member)
#define offsetofend(type, member) \
	(offsetof(type, member) + sizeof_field(type, member))

/* ---- small arithmetic ---- */

static inline u64 div64_u64(u64 a, u64 b)
{
	return a / b;
}

static inline u64 div_u64(u64 a, u32 b)
{
	return a / b;
}

static inline u64 div_u64_rem(u64 a, u32 b, u32 *rem)
{
	*rem = a % b;
	return a / b;
}

#define min(a, b) ({						\
	__auto_type __min_a = (a);				\
	__auto_type __min_b = (b);				\
	__min_a < __min_b ? __min_a : __min_b; })
#define max(a, b) ({						\
	__auto_type __max_a = (a);				\
	__auto_type __max_b = (b);				\
	__max_a > __max_b ? __max_a : __max_b; })
#define min_t(type, a, b)	min((type)(a), (type)(b))
#define array_index_nospec(index, size)	(index)
#define max_t(type, a, b)	max((type)(a), (type)(b))
#define min3(a, b, c)		min(min(a, b), c)
#define max3(a, b, c)		max(max(a, b), c)
#define clamp(v, lo, hi)	min(max(v, lo), hi)
#define clamp_t(type, v, lo, hi) min_t(type, max_t(type, v, lo), hi)
#define swap(a, b) do {						\
	__auto_type __swap_t = (a);				\
	(a) = (b);						\
	(b) = __swap_t;						\
} while (0)

#define check_add_overflow(a, b, d)	__builtin_add_overflow(a, b, d)
#define check_sub_overflow(a, b, d)	__builtin_sub_overflow(a, b, d)
#define check_mul_overflow(a, b, d)	__builtin_mul_overflow(a, b, d)

#define BIT(n)			(1ul << (n))
#define BIT_ULL(n)		(1ull << (n))
#define IS_ALIGNED(x, a)	(((x) & ((__typeof__(x))(a) - 1)) == 0)
#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))

static inline unsigned int hweight32(u32 x)
{
	return __builtin_popcount(x);
}

static inline bool is_power_of_2(unsigned long n)
{
	return n && !(n & (n - 1));
}

static inline size_t shim_size_mul_add(size_t n, size_t each, size_t base)
{
	size_t all;

	if (__builtin_mul_overflow(n, each, &all) ||
	    __builtin_add_overflow(all, base, &all))
		return SIZE_MAX;
	return all;
}

#define array_size(n, each)	shim_size_mul_add(n, each, 0)
#define struct_size(p, member, n) \
	shim_size_mul_add(n, sizeof((p)->member[0]), sizeof(*(p)))
#define flex_array_size(p, member, n) \
	shim_size_mul_add(n, sizeof((p)->member[0]), 0)

/* ---- pointers that carry an errno ---- */

#define MAX_ERRNO		4095

static inline void *ERR_PTR(long error)
{
	return (void *)error;
}

static inline long PTR_ERR(const void *ptr)
{
	return (long)ptr;
}

static inline bool IS_ERR(const void *ptr)
{
	return (unsigned long)ptr >= (unsigned long)-MAX_ERRNO;
}

static inline bool IS_ERR_OR_NULL(const void *ptr)
{
	return !ptr || IS_ERR(ptr);
}

#define ERR_CAST(p)		((void *)(p))
#define u64_to_user_ptr(x)	((void __user *)(uintptr_t)(x))

/* ---- sorting (lib/sort.h) ---- */

typedef int (*cmp_func_t)(const void *a, const void *b);
typedef void (*swap_func_t)(void *a, void *b, int size);

static inline void sort(void *base, size_t num, size_t size, cmp_func_t cmp,
			swap_func_t swap_func)
{
	(void)swap_func;	/* only an optimization */
	qsort(base, num, size, cmp);
}

#endif /* VTAP_SHIM_KERNEL_API_H */
