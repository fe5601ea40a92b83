/* SPDX-License-Identifier: GPL-2.0 */
/* Before 5.11, <linux/if_tap.h> uses these names and does not declare them. */
#ifndef VTAP_COMPAT_LINUX_IF_TAP_H
#define VTAP_COMPAT_LINUX_IF_TAP_H

struct file;
struct socket;

#include_next <linux/if_tap.h>

#endif
