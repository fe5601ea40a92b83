/* SPDX-License-Identifier: GPL-2.0 */
/* dev_sw_netstats_tx_add() appeared in 5.12. */
#ifndef VTAP_COMPAT_LINUX_NETDEVICE_H
#define VTAP_COMPAT_LINUX_NETDEVICE_H

#include_next <linux/netdevice.h>

#ifndef VTAP_HAVE_DEV_SW_NETSTATS_TX_ADD
#define dev_sw_netstats_tx_add	vtap_dev_sw_netstats_tx_add

static inline void dev_sw_netstats_tx_add(struct net_device *dev,
					  unsigned int packets,
					  unsigned int len)
{
	struct pcpu_sw_netstats *tstats = this_cpu_ptr(dev->tstats);

	u64_stats_update_begin(&tstats->syncp);
	tstats->tx_bytes += len;
	tstats->tx_packets += packets;
	u64_stats_update_end(&tstats->syncp);
}
#endif /* VTAP_HAVE_DEV_SW_NETSTATS_TX_ADD: remove with 5.10 */

#endif
