/* SPDX-License-Identifier: GPL-2.0 */
/* lockdep_assert() appeared in 5.13. */
#ifndef VTAP_COMPAT_LINUX_LOCKDEP_H
#define VTAP_COMPAT_LINUX_LOCKDEP_H

#include_next <linux/lockdep.h>

#ifndef lockdep_assert
#ifdef CONFIG_LOCKDEP
#define lockdep_assert(cond)	WARN_ON(debug_locks && !(cond))
#else
/* lockdep_is_held() is not declared without lockdep. */
#define lockdep_assert(cond)	do { } while (0)
#endif
#endif /* lockdep_assert: remove with 5.10 */

#endif
