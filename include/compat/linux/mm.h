/* SPDX-License-Identifier: GPL-2.0 */
/*
 * FOLL_NOFAULT appeared in 5.16. Before, get_user_pages_fast() accepts
 * FOLL_FAST_ONLY, which does not fault pages in either.
 */
#ifndef VTAP_COMPAT_LINUX_MM_H
#define VTAP_COMPAT_LINUX_MM_H

#include_next <linux/mm.h>

#ifndef VTAP_HAVE_FOLL_NOFAULT
#define FOLL_NOFAULT	FOLL_FAST_ONLY
#endif /* VTAP_HAVE_FOLL_NOFAULT: remove with 5.10 */

#endif
