/* since 6.7 | netlink: add variable-length / auto integers | nla_put_uint() */
#include <net/netlink.h>

int probe(struct sk_buff *skb);
int probe(struct sk_buff *skb)
{
	return nla_put_uint(skb, 1, 1);
}
