/* SPDX-License-Identifier: GPL-2.0 */
/*
 * User copies without the check of hardened usercopy. From 6.12 on, they are
 * inline under another name on some architectures, such as arm64 and s390. Linux 7.2
 * has the same two definitions.
 */
#ifndef VTAP_COMPAT_LINUX_UACCESS_H
#define VTAP_COMPAT_LINUX_UACCESS_H

#include_next <linux/uaccess.h>

#ifdef VTAP_HAVE_INLINE_USER_COPY
#if defined(INLINE_COPY_FROM_USER) && !defined(_copy_from_user)
#define _copy_from_user		_inline_copy_from_user
#endif
#if defined(INLINE_COPY_TO_USER) && !defined(_copy_to_user)
#define _copy_to_user		_inline_copy_to_user
#endif
#endif /* VTAP_HAVE_INLINE_USER_COPY: remove with 6.12 */

#endif
