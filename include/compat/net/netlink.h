/* SPDX-License-Identifier: GPL-2.0 */
/* nla_put_uint(), which puts 4 or 8 bytes as needed, appeared in 6.7. */
#ifndef VTAP_COMPAT_NET_NETLINK_H
#define VTAP_COMPAT_NET_NETLINK_H

#include_next <net/netlink.h>

#ifndef VTAP_HAVE_NLA_PUT_UINT
#define nla_put_uint	vtap_nla_put_uint

static inline int nla_put_uint(struct sk_buff *skb, int attrtype, u64 value)
{
	u32 small = value;

	if (small == value)
		return nla_put_u32(skb, attrtype, small);
	return nla_put(skb, attrtype, sizeof(value), &value);
}
#endif /* VTAP_HAVE_NLA_PUT_UINT: remove with 6.1 */

#endif
