/* SPDX-License-Identifier: GPL-2.0 */
/*
 * usercopy.h - copy whole packets to and from guest memory
 *
 * copy_from_user() and copy_to_user() also check the object that the kernel side
 * lies in (hardened usercopy), which is a tenth of the cost of a short packet. The
 * functions here leave that check out. Their callers pass memory that was allocated
 * for the frame's length, or a part of an skb with the skb's own length.
 *
 * Context of all: process context, in the owner's address space; may fault.
 */
#ifndef VTAP_USERCOPY_H
#define VTAP_USERCOPY_H

#include <linux/fault-inject-usercopy.h>
#include <linux/instrumented.h>
#include <linux/minmax.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

static inline bool vtap_user_read(void *to, const void __user *from,
				  unsigned long len)
{
	might_fault();
	return !_copy_from_user(to, from, len);
}

/*
 * _copy_to_user() without a function call, as the kernel's iov_iter has it. A
 * 64 KiB packet takes 20 of these.
 */
static inline bool vtap_user_write(void __user *to, const void *from,
				   unsigned long len)
{
	might_fault();
	if (should_fail_usercopy() || unlikely(!access_ok(to, len)))
		return false;
	instrument_copy_to_user(to, from, len);
	return !raw_copy_to_user(to, from, len);
}

/* Copy @len bytes from the segments @iov, starting @skip bytes into them. */
static inline bool vtap_user_gather(void *to, const struct iovec *iov,
				    u16 nr_iov, size_t skip, size_t len)
{
	for (; nr_iov && len; nr_iov--, iov++) {
		size_t part = min(iov->iov_len - min(iov->iov_len, skip), len);

		if (part && !vtap_user_read(to, iov->iov_base + skip, part))
			return false;
		skip -= min(iov->iov_len, skip);
		to += part;
		len -= part;
	}
	return !len;
}

/* Copy @len bytes to the segments @iov, starting @skip bytes into them. */
static inline bool vtap_user_scatter(const struct iovec *iov, u16 nr_iov,
				     size_t skip, const void *from, size_t len)
{
	if (likely(iov->iov_len >= skip + len))
		return vtap_user_write(iov->iov_base + skip, from, len);
	for (; nr_iov && len; nr_iov--, iov++) {
		size_t part = min(iov->iov_len - min(iov->iov_len, skip), len);

		if (part && !vtap_user_write(iov->iov_base + skip, from, part))
			return false;
		skip -= min(iov->iov_len, skip);
		from += part;
		len -= part;
	}
	return !len;
}

#endif /* VTAP_USERCOPY_H */
