/* SPDX-License-Identifier: GPL-2.0 */
/* hrtimer_setup() replaced hrtimer_init() and the store of the function. */
#ifndef VTAP_COMPAT_LINUX_HRTIMER_H
#define VTAP_COMPAT_LINUX_HRTIMER_H

#include_next <linux/hrtimer.h>

#ifndef VTAP_HAVE_HRTIMER_SETUP
#define hrtimer_setup(timer, fn, clock, mode)		\
	do {						\
		hrtimer_init(timer, clock, mode);	\
		(timer)->function = (fn);		\
	} while (0)
#endif /* VTAP_HAVE_HRTIMER_SETUP: remove with 6.12 */

#endif
