/* SPDX-License-Identifier: GPL-2.0 */
/* eventfd_signal() lost its count in 6.8; all callers had passed 1. */
#ifndef VTAP_COMPAT_LINUX_EVENTFD_H
#define VTAP_COMPAT_LINUX_EVENTFD_H

#include_next <linux/eventfd.h>

#ifndef VTAP_HAVE_EVENTFD_SIGNAL_1ARG
#define eventfd_signal(ctx)	eventfd_signal(ctx, 1)
#endif /* VTAP_HAVE_EVENTFD_SIGNAL_1ARG: remove with 6.1 */

#endif
