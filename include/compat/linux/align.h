/* SPDX-License-Identifier: GPL-2.0 */
/* <linux/align.h> exists since 5.12. Before, <linux/kernel.h> had its macros. */
#ifndef VTAP_COMPAT_LINUX_ALIGN_H
#define VTAP_COMPAT_LINUX_ALIGN_H

#if __has_include_next("linux/align.h")
#include_next <linux/align.h>
#else
#include <linux/kernel.h>
#endif /* __has_include_next: remove with 5.10 */

#endif
