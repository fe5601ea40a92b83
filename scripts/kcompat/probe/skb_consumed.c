/* since 6.3 | name in include/net/dropreason-core.h | lists of skbs can be freed without reporting drops */
/* BTF: enumerator SKB_CONSUMED */
#include <linux/skbuff.h>

void probe(struct sk_buff *list);
void probe(struct sk_buff *list)
{
	kfree_skb_list_reason(list, SKB_CONSUMED);
}
