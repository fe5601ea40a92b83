/* SPDX-License-Identifier: GPL-2.0 */
/* Tun supports UDP tunnel GSO since 6.17; before, the flag is 0. */
#ifndef VTAP_COMPAT_LINUX_IF_TUN_H
#define VTAP_COMPAT_LINUX_IF_TUN_H

#include_next <linux/if_tun.h>

#ifndef TUN_F_UDP_TUNNEL_GSO
#define TUN_F_UDP_TUNNEL_GSO	0
#endif /* TUN_F_UDP_TUNNEL_GSO: remove with 6.1 and 6.12 */

#endif
