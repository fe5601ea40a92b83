/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Before 5.14, user_struct counts processes, in an atomic_t. Another one of the
 * structure stands in, so this code must not run.
 */
#include_next <linux/sched/user.h>

#define processes	__count.refs
