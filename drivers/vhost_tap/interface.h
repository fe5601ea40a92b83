/* SPDX-License-Identifier: GPL-2.0 */
/* interface.h - the network device of a backend, as netlink reports it */
#ifndef VTAP_INTERFACE_H
#define VTAP_INTERFACE_H

#include <linux/if.h>
#include <linux/mutex.h>
#include <linux/types.h>

struct net;
struct sk_buff;
struct socket;

enum vtap_backend_kind {
	VTAP_BACKEND_NONE,
	VTAP_BACKEND_TAP,	/* tun and tap */
	VTAP_BACKEND_MACVTAP,	/* macvtap and ipvtap */
	VTAP_BACKEND_PACKET,	/* AF_PACKET, SOCK_RAW */
};

/**
 * struct vtap_interface_id - identity of a network device
 * @name: empty if there is no device
 * @ifindex: 0 if not known
 * @net_cookie: network namespace of the device; valid with @ifindex
 */
struct vtap_interface_id {
	char name[IFNAMSIZ];
	int ifindex;
	u64 net_cookie;
};

/**
 * struct vtap_interface_reader - the namespaces whose tuns may be found by name
 * @net: network namespace of the vhost device
 * @req: netlink request: also each network namespace over which its sender has
 *	CAP_NET_ADMIN. NULL: no other.
 */
struct vtap_interface_reader {
	const struct net *net;
	const struct sk_buff *req;
};

/**
 * struct vtap_interface - backend of a queue, as netlink reports it
 */
struct vtap_interface {
	/**
	 * @lock: protects the other members and keeps the file of @sock open.
	 * Readers wait for RTNL under it, so a pass must not take it.
	 */
	struct mutex lock;
	/** @sock: the backend, or NULL */
	struct socket *sock;
	/** @kind: of @sock */
	enum vtap_backend_kind kind;
	/** @net: network namespace of the vhost device, valid with @sock */
	const struct net *net;
	/**
	 * @last: its device as of SET_BACKEND, or of the last request from
	 * root of the host. Requests of others do not change what root reads.
	 */
	struct vtap_interface_id last;
};

#endif /* VTAP_INTERFACE_H */
