/* SPDX-License-Identifier: GPL-2.0 */
/* SKB_CONSUMED appeared in 6.3. */
#include_next <linux/skbuff.h>

#define SKB_CONSUMED	SKB_DROP_REASON_NOT_SPECIFIED
