/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ring_env.h - the single gate between ring/ and whatever it is compiled in
 *
 * Read before: nothing. Read next: fault.h, mem.h.
 *
 * Code in ring/ includes this file and other ring/ headers only. In the kernel
 * it leads to kernel headers; in user space to ring_env_user.h (tools/testing/user/
 * shim/), which offers the same names over an arena that checks, counts,
 * fails and falsifies guest accesses.
 *
 * Guest memory is touched only inside a user access window
 * (user_read_access_begin() and friends), by vtap_user_copy_in(), _early() and
 * _out(), or by vtap_user_or32(). A window holds nothing but unsafe_*_user() and
 * the three ordered accesses below.
 */
#ifndef VTAP_RING_ENV_H
#define VTAP_RING_ENV_H

#ifdef __KERNEL__

#include <linux/align.h>
#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/vhost_types.h>
#include <linux/virtio_ring.h>

#include <asm/barrier.h>
#include <asm/futex.h>
#include <uapi/linux/futex.h>

/*
 * Acquire: smp_rmb() keeps later loads, of what the loaded index covers, behind
 * it. Later stores need no barrier: each of them happens only if a comparison
 * with the loaded index says so, and no CPU makes such a store visible before
 * the load has completed (a control dependency).
 */
#define vtap_get16_acquire(x, uptr, label)		\
	do {						\
		unsafe_get_user(x, uptr, label);	\
		smp_rmb();				\
	} while (0)

/*
 * The same of the second word of a packed descriptor, with the flags on top:
 * length, id and flags, loaded at once, so that all are as new as the flags.
 */
#define vtap_get64_acquire(x, uptr, label)	vtap_get16_acquire(x, uptr, label)

/*
 * Orders all earlier loads and stores before all later stores. smp_wmb() does it
 * for the earlier stores. For the earlier loads smp_rmb() suffices where it also
 * orders loads before stores: on x86-64, which never swaps the two, and on arm64
 * (dmb ishld). Other architectures, such as riscv64 (fence r,r), need the full
 * barrier.
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
 * Release: the payload loads (TX), the payload stores (RX) and the used entries
 * come before the index.
 */
#define vtap_put16_release(x, uptr, label)		\
	do {						\
		vtap_release_fence();			\
		unsafe_put_user(x, uptr, label);	\
	} while (0)

/* The same of a used entry in a packed ring; what its flags vouch for with them. */
#define vtap_put64_release(x, uptr, label)	vtap_put16_release(x, uptr, label)

/*
 * Set bits of an aligned word of user memory by an atomic operation; opens its
 * own window. What futexes do is the one such operation that every
 * architecture has. Some do it without handling page faults (-EFAULT): the page
 * is brought in and the operation tried again, in case it went at once. Some give
 * up when others want the word too often (-EAGAIN).
 *
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
 * Copy a table or a run; opens its own window. Who calls it has compared the length
 * with the buffer, so the check by hardened usercopy, dearer than the copy, is left out.
 * Return: bytes that could not be copied.
 */
static inline unsigned long vtap_user_copy_in(void *to, const void __user *from,
					      unsigned long len)
{
	return _copy_from_user(to, from, len);
}

/*
 * The same of packed descriptors, of which only the first @sure are known to be
 * available; the driver may be writing the others. Of those only the flags say
 * something: up to the first that is not available, what they vouch for can be
 * copied after it.
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

/* Store, then load, of two words that the driver loads and stores crosswise. */
#define vtap_mb()	smp_mb()

#else

#include "ring_env_user.h"

#endif /* __KERNEL__ */

/*
 * Copy a run of ring entries inside a window: words of 8 bytes, then of 2, or
 * by what the architecture has for it. Lengths are multiples of 2.
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
 * The same where only the first @sure bytes are known to be available. The
 * driver may be writing the others; a copy is of use only if it turns out to
 * belong to what was available before.
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
