/* SPDX-License-Identifier: GPL-2.0 */
/* nla_put_uint() appeared in 6.7. */
#include_next <net/netlink.h>

#ifndef VTAP_STANDIN_NLA_PUT_UINT
#define VTAP_STANDIN_NLA_PUT_UINT
static inline int nla_put_uint(struct sk_buff *skb, int attrtype, u64 value)
{
	return nla_put(skb, attrtype, sizeof(value), &value);
}
#endif
