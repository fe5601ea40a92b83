/* SPDX-License-Identifier: GPL-2.0 */
/*
 * arena_kernel.h - accesses of arena.c to user memory in a kernel
 *
 * Only arena.c includes this file. It is compiled without hooks.h, so these are
 * the accesses that ring/ring_env.h defines.
 */
#ifndef VTAP_KUNIT_ARENA_KERNEL_H
#define VTAP_KUNIT_ARENA_KERNEL_H

#include <linux/futex.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/futex.h>

#include "arena.h"

static bool move_in(void *dst, const void *src, size_t len)
{
	return !_copy_from_user(dst, (const void __user *)src, len);
}

static bool move_out(void *dst, const void *src, size_t len)
{
	return !_copy_to_user((void __user *)dst, src, len);
}

static bool move_word_in(void *val, const void *src, size_t size, bool acquire)
{
	if (!user_read_access_begin(src, size))
		return false;
	switch (size) {
	case sizeof(u16):
		unsafe_get_user(*(u16 *)val, (const u16 __user *)src, fault);
		break;
	case sizeof(u32):
		unsafe_get_user(*(u32 *)val, (const u32 __user *)src, fault);
		break;
	default:
		unsafe_get_user(*(u64 *)val, (const u64 __user *)src, fault);
	}
	user_read_access_end();
	return true;
fault:
	user_read_access_end();
	return false;
}

static bool move_word_out(void *dst, u64 val, size_t size, bool release)
{
	if (!user_write_access_begin(dst, size))
		return false;
	switch (size) {
	case sizeof(u16):
		unsafe_put_user((u16)val, (u16 __user *)dst, fault);
		break;
	case sizeof(u32):
		unsafe_put_user((u32)val, (u32 __user *)dst, fault);
		break;
	default:
		unsafe_put_user(val, (u64 __user *)dst, fault);
	}
	user_write_access_end();
	return true;
fault:
	user_write_access_end();
	return false;
}

static bool move_or32(u32 bits, u32 *word)
{
	int old;

	return !arch_futex_atomic_op_inuser(FUTEX_OP_OR, (int)bits, &old,
					    (u32 __user *)word);
}

#endif /* VTAP_KUNIT_ARENA_KERNEL_H */
