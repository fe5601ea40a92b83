/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A namespace has a cookie from the start since 5.12. Before, only the kernel itself
 * can create it, and no system call returns it, so the inode number replaces it.
 */
#ifndef VTAP_COMPAT_NET_NET_NAMESPACE_H
#define VTAP_COMPAT_NET_NET_NAMESPACE_H

#include_next <net/net_namespace.h>

static inline u64 vtap_net_cookie(const struct net *net)
{
#ifdef VTAP_HAVE_NET_COOKIE_U64
	return net->net_cookie;
#else
	return net->ns.inum;
#endif /* VTAP_HAVE_NET_COOKIE_U64: remove with 5.10 */
}

#endif
