/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ring_env.h - the kernel or user-space environment that ring/ compiles in
 *
 * Files in ring/ include this header and other ring/ headers only. In user space it
 * includes ring_env_user.h (tools/testing/user/shim/), which has the same names and
 * checks, counts and modifies guest accesses, and lets them fail.
 *
 * Guest memory is accessed in two ways only: inside a user access window
 * (user_read_access_begin() and similar), or by the vtap_user_*() functions below,
 * which open their own window. A window contains only unsafe_*_user() and the
 * ordered accesses and copy macros of this file.
 */
#ifndef VTAP_RING_ENV_H
#define VTAP_RING_ENV_H

#ifdef __KERNEL__

#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>	/* ALIGN(), also before Linux 5.12 */
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/time64.h>
#include <linux/types.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/vhost_types.h>
#include <linux/virtio_ring.h>

#include <asm/barrier.h>
#include <asm/futex.h>
#include <uapi/linux/futex.h>

/*
 * Load an index with acquire semantics. smp_rmb() orders later loads, of the
 * entries that the index covers, after this load. Later stores need no
 * barrier: they depend on a comparison with the index (control dependency).
 */
#define vtap_get16_acquire(x, uptr, label)		\
	do {						\
		unsafe_get_user(x, uptr, label);	\
		smp_rmb();				\
	} while (0)

/* The same for the second word of a packed descriptor, whose parts are equally new. */
#define vtap_get64_acquire(x, uptr, label)	vtap_get16_acquire(x, uptr, label)

/*
 * Order all earlier loads and stores before all later stores. smp_wmb() orders
 * the earlier stores. smp_rmb() also orders the earlier loads before stores on
 * x86-64, which never reorders the two, and on arm64 (dmb ishld). Other
 * architectures, such as riscv64 (fence r,r), need the full barrier.
 */
static __always_inline void vtap_release_fence(void)
{
	if (IS_ENABLED(CONFIG_X86_64) || IS_ENABLED(CONFIG_ARM64)) {
		smp_rmb();
		smp_wmb();
	} else {
		smp_mb();
	}
}

/*
 * Store an index with release semantics. The payload loads (TX), the payload
 * stores (RX) and the stores of used entries come before it.
 */
#define vtap_put16_release(x, uptr, label)		\
	do {						\
		vtap_release_fence();			\
		unsafe_put_user(x, uptr, label);	\
	} while (0)

/* Store a packed used entry, flags included, with release semantics. */
#define vtap_put64_release(x, uptr, label)	vtap_put16_release(x, uptr, label)

/*
 * Set bits of an aligned word of user memory atomically. The futex operation is
 * the only atomic one on user memory that every architecture has. On some it fails
 * with -EFAULT for a page that is not resident. The page is faulted in, and can go
 * away again. On some it fails with -EAGAIN under contention.
 * Return: 0 or -EFAULT.
 */
static inline int vtap_user_or32(u32 bits, u32 __user *word)
{
	const char __user *page = (const char __user *)word;
	int old, err, tries;

	for (tries = 0; tries < 1024; tries++) {
		err = arch_futex_atomic_op_inuser(FUTEX_OP_OR, (int)bits, &old,
						  word);
		if (!err)
			return 0;
		if (err == -EAGAIN)
			cond_resched();
		else if (tries > 4 || fault_in_safe_writeable(page, 1))
			return -EFAULT;
	}
	return -EFAULT;
}

/*
 * Copy a descriptor table or a run of ring entries from user memory. The caller
 * has checked @len against the buffer, so the check by hardened usercopy, which
 * costs more than the copy, is left out.
 * Return: number of bytes that could not be copied.
 */
static inline unsigned long vtap_user_copy_in(void *to, const void __user *from,
					      unsigned long len)
{
	return _copy_from_user(to, from, len);
}

/*
 * Copy packed descriptors as vtap_user_copy_in(). Only the first @sure ones are
 * known to be available. The driver may be writing the others, so only their flags
 * may be used: smp_rmb() orders a second copy of those that are available.
 */
static inline unsigned long vtap_user_copy_avail(struct vring_packed_desc *to,
						 const void __user *from,
						 u16 sure, u16 nr)
{
	unsigned long left = _copy_from_user(to, from, nr * sizeof(*to));

	smp_rmb();
	return left;
}

static inline unsigned long vtap_user_copy_out(void __user *to,
					       const void *from,
					       unsigned long len)
{
	return _copy_to_user(to, from, len);
}

/* Order a store before a later load (E and F in ring.h, G in dirty.h). */
#define vtap_mb()	smp_mb()

#else

#include "ring_env_user.h"

#endif /* __KERNEL__ */

/*
 * Copy a run of ring entries inside a user access window. Where the
 * architecture has no unsafe_copy_from_user(), the macro copies words of 8
 * bytes, then of 2. @len must be a multiple of 2.
 */
#ifdef unsafe_copy_from_user
#define vtap_copy_in(dst, src, len, label)				\
	unsafe_copy_from_user((char *)(dst), (const char __user *)(src), \
			      len, label)
#else
#define vtap_copy_in(dst, src, len, label)				\
	do {								\
		const u8 __user *__src = (const u8 __user *)(src);	\
		u8 *__dst = (u8 *)(dst);				\
		size_t __left = (len);					\
									\
		for (; __left >= 8; __left -= 8, __src += 8, __dst += 8) \
			unsafe_get_user(*(u64 *)__dst,			\
					(u64 __user *)__src, label);	\
		for (; __left; __left -= 2, __src += 2, __dst += 2)	\
			unsafe_get_user(*(u16 *)__dst,			\
					(u16 __user *)__src, label);	\
	} while (0)
#endif

/*
 * Copy a run, of which only the first @sure bytes are known to be available.
 * The driver may be writing the others. The caller may use those only if they
 * belong to a chain that was available before the copy.
 */
#ifndef vtap_copy_ahead
#define vtap_copy_ahead(dst, src, sure, len, label)			\
	vtap_copy_in(dst, src, len, label)
#endif

#ifdef unsafe_copy_to_user
#define vtap_copy_out(dst, src, len, label)				\
	unsafe_copy_to_user((char __user *)(dst), (const char *)(src), \
			    len, label)
#else
#define vtap_copy_out(dst, src, len, label)				\
	do {								\
		u8 __user *__dst = (u8 __user *)(dst);			\
		const u8 *__src = (const u8 *)(src);			\
		size_t __left = (len);					\
									\
		for (; __left >= 8; __left -= 8, __src += 8, __dst += 8) \
			unsafe_put_user(*(const u64 *)__src,		\
					(u64 __user *)__dst, label);	\
		for (; __left; __left -= 2, __src += 2, __dst += 2)	\
			unsafe_put_user(*(const u16 *)__src,		\
					(u16 __user *)__dst, label);	\
	} while (0)
#endif

#endif /* VTAP_RING_ENV_H */
