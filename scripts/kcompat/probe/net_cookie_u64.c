/* since 5.12 | net: initialize net->net_cookie at netns setup | before, the cookie is atomic64_t and 0 until used */
/* BTF: member net.net_cookie u64 */
#include <net/net_namespace.h>

u64 probe(const struct net *net);
u64 probe(const struct net *net)
{
	return net->net_cookie;
}
