/* SPDX-License-Identifier: GPL-2.0 */
/* hrtimer_setup() appeared in 6.13. */
#include_next <linux/hrtimer.h>

#define hrtimer_setup(timer, fn, clock, mode)	\
	(hrtimer_init(timer, clock, mode), (void)((timer)->function = (fn)))
