/* SPDX-License-Identifier: GPL-2.0 */
/* FOLL_NOFAULT appeared in 5.16. */
#include_next <linux/mm.h>

#undef FOLL_NOFAULT
