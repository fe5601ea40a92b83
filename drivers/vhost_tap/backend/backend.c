// SPDX-License-Identifier: GPL-2.0
/* backend.c - attach a file descriptor to a queue as its backend */
#include <linux/file.h>
#include <linux/if_tap.h>
#include <linux/if_tun.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include "backend.h"

static struct socket *vtap_backend_packet_socket(int fd)
{
	int err;
	struct socket *sock = sockfd_lookup(fd, &err);

	if (!sock)
		return NULL;
	if (sock->sk->sk_type == SOCK_RAW && sock->sk->sk_family == AF_PACKET)
		return sock;
	sockfd_put(sock);
	return NULL;
}

/**
 * vtap_backend_socket - find the socket of a file descriptor
 * @fd: of the current process
 * @kind: set on success
 *
 * Context: process context.
 * Return: the socket, with a reference to its file that vtap_backend_detach()
 * returns; ERR_PTR(-ENOTSOCK), as in-tree vhost-net, for any other file.
 */
struct socket *vtap_backend_socket(int fd, enum vtap_backend_kind *kind)
{
	struct socket *sock = vtap_backend_packet_socket(fd);
	struct file *file;

	if (sock) {
		*kind = VTAP_BACKEND_PACKET;
		return sock;
	}
	file = fget(fd);
	if (!file)
		return ERR_PTR(-ENOTSOCK);

	sock = tun_get_socket(file);
	if (!IS_ERR(sock)) {
		*kind = VTAP_BACKEND_TAP;
		return sock;
	}
	sock = tap_get_socket(file);
	if (!IS_ERR(sock)) {
		*kind = VTAP_BACKEND_MACVTAP;
		return sock;
	}
	fput(file);
	return ERR_PTR(-ENOTSOCK);
}

/**
 * vtap_backend_takes_batches - check whether a backend takes TUN_MSG_PTR
 * @sock: from vtap_backend_socket()
 * @kind: of @sock
 * @own: network namespace of the vhost device
 *
 * Tap and macvtap do. An L3 tun (IFF_TUN) accepts batches too, but takes the
 * first bytes of each packet for an Ethernet header. The device is found by its
 * name in @own and in the namespace of the file. All namespaces are searched only
 * if it was moved elsewhere, so that an L3 tun of another tenant with the same name
 * does not slow down this queue. An L3 tun that was moved elsewhere is not
 * recognized if a tap in one of the two namespaces has its name.
 *
 * Context: process context; takes RTNL.
 * Return: true if frames may be handed over in batches.
 */
bool vtap_backend_takes_batches(struct socket *sock,
				enum vtap_backend_kind kind,
				const struct net *own)
{
	bool is_near = false, near_l3 = false, far_l3 = false;
	char name[IFNAMSIZ];
	struct net *net;

	if (kind != VTAP_BACKEND_TAP)
		return kind == VTAP_BACKEND_MACVTAP;
	vtap_backend_tun_name(sock, kind, name);
	rcu_read_lock();
	for_each_net_rcu(net) {
		struct net_device *dev = dev_get_by_name_rcu(net, name);
		bool is_l3;

		if (!dev || !vtap_is_tun(dev))
			continue;
		is_l3 = !dev->hard_header_len;
		if (net_eq(net, own) || net_eq(net, sock_net(sock->sk))) {
			is_near = true;
			near_l3 |= is_l3;
		} else {
			far_l3 |= is_l3;
		}
	}
	rcu_read_unlock();
	return is_near ? !near_l3 : !far_l3;
}

/**
 * vtap_backend_attach - attach a socket to a queue as its backend
 * @b: empty backend
 * @dir: of the queue
 * @sock: from vtap_backend_socket(); the backend takes over the reference
 * @kind: of @sock
 * @batches: TX: vtap_backend_takes_batches()
 */
void vtap_backend_attach(struct vtap_backend *b, enum vtap_dir dir,
			 struct socket *sock, enum vtap_backend_kind kind,
			 bool batches)
{
	vtap_backend_assert_locked(b);
	b->kind = kind;
	b->batches = batches;
	b->sock = sock;
	b->ring = dir == VTAP_RX ? vtap_ring_rx_find(sock, kind) : NULL;
	b->batch_next = 0;
	b->nr_batch = 0;
	b->batch_bytes = 0;
	b->nr_lost = 0;
	b->direct_hlen = 0;
	b->nr_searches = 0;
	b->dev = NULL;
	b->dev_index = 0;
}

/**
 * vtap_backend_detach - detach the backend of a queue
 * @b: backend, attached or empty; its queue's lock is held
 *
 * Packets of an RX queue are returned first, with vtap_ring_rx_give_back().
 *
 * Return: the socket, which the caller passes to sockfd_put() without the lock;
 * NULL if the queue had none.
 */
struct socket *vtap_backend_detach(struct vtap_backend *b)
{
	struct socket *sock = b->sock;

	vtap_backend_assert_locked(b);
	if (!sock)
		return NULL;
	if (WARN_ON_ONCE(b->done))
		vtap_skb_rx_free(b);
	vtap_xdp_tx_free(b);
	b->kind = VTAP_BACKEND_NONE;
	b->sock = NULL;
	b->ring = NULL;
	b->batch_next = 0;
	b->nr_batch = 0;
	return sock;
}
