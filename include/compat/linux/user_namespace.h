/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Resource limits of a user namespace. They have fields and a function of their own
 * since 6.1. From 5.14 to 6.0, they are among the other limits of the namespace.
 */
#ifndef VTAP_COMPAT_LINUX_USER_NAMESPACE_H
#define VTAP_COMPAT_LINUX_USER_NAMESPACE_H

#include_next <linux/user_namespace.h>

#ifdef VTAP_HAVE_UCOUNTS_RLIMIT
#define ucounts_nproc(u)	(&(u)->rlimit[UCOUNT_RLIMIT_NPROC])
#else
#define ucounts_nproc(u)	(&(u)->ucount[UCOUNT_RLIMIT_NPROC])
#define get_userns_rlimit_max(ns, type)	READ_ONCE((ns)->ucount_max[type])
#endif /* VTAP_HAVE_UCOUNTS_RLIMIT: remove with 5.10 */

#endif
