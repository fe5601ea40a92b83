// SPDX-License-Identifier: GPL-2.0
/*
 * netdev.c - find the network device behind a backend
 *
 * The kernel exports no function for this, so each kind of backend has its own
 * way:
 *
 *   macvtap  struct tap_queue, which a header declares, points to the device.
 *   packet   getsockname() returns the index of the device.
 *   tun      The only source is the name in /proc/PID/fdinfo, so show_fdinfo() is
 *            called with a buffer. The device is then looked up by its name.
 *
 * A tun can be renamed, moved or deleted after show_fdinfo() has released RTNL,
 * and the name then finds another tun. Only namespaces that the reader may see
 * are therefore searched: the reader learns nothing that it could not read there.
 */
#include <linux/if_packet.h>
#include <linux/if_tap.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/seq_file.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include "backend.h"

/**
 * vtap_backend_tun_name - the name of the device that a tun's file has
 * @sock: backend
 * @kind: of @sock
 * @name: IFNAMSIZ; empty unless @sock is a tun that has a device
 *
 * Context: process context; takes RTNL.
 */
void vtap_backend_tun_name(struct socket *sock, enum vtap_backend_kind kind,
			   char *name)
{
	char text[32] = "";
	struct seq_file m = { .buf = text, .size = sizeof(text) - 1 };
	struct file *file = sock->file;

	if (kind == VTAP_BACKEND_TAP && file->f_op->show_fdinfo)
		file->f_op->show_fdinfo(&m, file);
	/* A name has no white space. */
	if (sscanf(text, "iff: %15s", name) != 1)
		*name = 0;
}

/* Compare with a recorded device. No device matches NULL or index 0. */
static bool vtap_backend_is_same(const struct net_device *dev,
				 const struct vtap_interface_id *last)
{
	return last && dev->ifindex == last->ifindex &&
	       vtap_net_cookie(dev_net(dev)) == last->net_cookie;
}

static bool vtap_backend_may_see(const struct net_device *dev,
				 const struct vtap_interface_reader *reader)
{
	const struct net *net = dev_net(dev);

	return net_eq(net, reader->net) ||
	       (reader->req &&
		netlink_ns_capable(reader->req, net->user_ns, CAP_NET_ADMIN));
}

/*
 * Look for a tun in all namespaces that @reader may see. Others must not even make
 * a name ambiguous, which would reveal that they have a tun of this name.
 * Return: @last if it has this name, else the only tun of this name; NULL if
 * there are none or several.
 */
static struct net_device *
vtap_backend_find_tun(const char *name, const struct vtap_interface_id *last,
		      const struct vtap_interface_reader *reader)
{
	struct net_device *found = NULL;
	unsigned int nr = 0;
	struct net *net;

	rcu_read_lock();
	for_each_net_rcu(net) {
		struct net_device *dev = dev_get_by_name_rcu(net, name);

		if (!dev || !vtap_is_tun(dev) || !vtap_backend_may_see(dev, reader))
			continue;
		found = dev;
		nr++;
		if (vtap_backend_is_same(dev, last)) {
			nr = 1;
			break;
		}
	}
	rcu_read_unlock();
	return nr == 1 ? found : NULL;
}

/*
 * A tun is in the namespace of its file until it is moved. Another tun may then
 * have its name there, but has another index.
 */
static struct net_device *
vtap_backend_tun_dev(struct socket *sock, const char *name,
		     const struct vtap_interface_id *last,
		     const struct vtap_interface_reader *reader)
{
	bool is_known = last && last->ifindex;
	struct net_device *dev;

	if (!*name)
		return NULL;
	dev = __dev_get_by_name(sock_net(sock->sk), name);
	if (dev && vtap_is_tun(dev) && vtap_backend_may_see(dev, reader) &&
	    (!is_known || vtap_backend_is_same(dev, last)))
		return dev;
	return vtap_backend_find_tun(name, last, reader);
}

static struct net_device *vtap_backend_packet_dev(struct socket *sock)
{
	struct sockaddr_storage addr = {};
	struct sockaddr_ll *ll = (struct sockaddr_ll *)&addr;

	if (kernel_getsockname(sock, (struct sockaddr *)&addr) < 0)
		return NULL;
	return __dev_get_by_index(sock_net(sock->sk), ll->sll_ifindex);
}

/**
 * vtap_backend_netdev - get the network device of a backend
 * @sock: backend
 * @kind: kind of @sock
 * @tun: name of a tun, from vtap_backend_tun_name() or as recorded
 * @last: the device at the last call, to distinguish tuns of one name, or NULL
 * @reader: namespaces in which a tun may be found
 *
 * Context: RTNL held.
 * Return: the device, valid under RTNL, or NULL if there is none, if @reader may
 * not see it, or if several tuns have the name.
 */
struct net_device *vtap_backend_netdev(struct socket *sock,
				       enum vtap_backend_kind kind,
				       const char *tun,
				       const struct vtap_interface_id *last,
				       const struct vtap_interface_reader *reader)
{
	struct tap_dev *tap;

	ASSERT_RTNL();
	switch (kind) {
	case VTAP_BACKEND_TAP:
		return vtap_backend_tun_dev(sock, tun, last, reader);
	case VTAP_BACKEND_MACVTAP:
		tap = rtnl_dereference(container_of(sock, struct tap_queue,
						    sock)->tap);
		return tap ? tap->dev : NULL;
	case VTAP_BACKEND_PACKET:
		return vtap_backend_packet_dev(sock);
	case VTAP_BACKEND_NONE:
		break;
	}
	return NULL;
}

/**
 * vtap_interface_init - prepare a queue's interface
 * @i: interface, zeroed
 */
void vtap_interface_init(struct vtap_interface *i)
{
	mutex_init(&i->lock);
}

/**
 * vtap_interface_free - free what vtap_interface_init() prepared
 * @i: interface
 */
void vtap_interface_free(struct vtap_interface *i)
{
	mutex_destroy(&i->lock);
}

/*
 * The driver of a tap counts as the host, the driver of a macvtap as the guest:
 * the host transmits what the guest receives.
 */
static void vtap_interface_read_drops(struct net_device *dev,
				      enum vtap_backend_kind kind,
				      struct vtap_interface_drops *drops)
{
	bool is_tun = kind == VTAP_BACKEND_TAP;
	struct rtnl_link_stats64 st;

	drops->is_known = kind != VTAP_BACKEND_PACKET;
	if (!drops->is_known)
		return;
	dev_get_stats(dev, &st);
	drops->to_guest = is_tun ? st.tx_dropped : st.rx_dropped;
	drops->from_guest = is_tun ? st.rx_dropped : st.tx_dropped;
}

/*
 * Set @id, and @drops unless it is NULL. Without a device that the reader may
 * see, only the name is set. Return: true if the device was found.
 */
static bool vtap_interface_find(struct vtap_interface *i,
				const struct sk_buff *req,
				struct vtap_interface_id *id,
				struct vtap_interface_drops *drops)
{
	const struct vtap_interface_reader reader = { .net = i->net, .req = req };
	struct net_device *dev;

	lockdep_assert_held(&i->lock);
	vtap_backend_tun_name(i->sock, i->kind, id->name);
	rtnl_lock();
	dev = vtap_backend_netdev(i->sock, i->kind, id->name, &i->last, &reader);
	if (dev) {
		strscpy(id->name, dev->name, sizeof(id->name));
		id->ifindex = dev->ifindex;
		id->net_cookie = vtap_net_cookie(dev_net(dev));
	}
	if (dev && drops)
		vtap_interface_read_drops(dev, i->kind, drops);
	rtnl_unlock();
	return dev;
}

/**
 * vtap_interface_set - record another backend of a queue
 * @i: interface
 * @net: network namespace of the vhost device
 * @sock: the backend, or NULL. Its file stays open until the next call.
 * @kind: of @sock
 *
 * Context: process context; takes RTNL, waits for vtap_interface_get().
 */
void vtap_interface_set(struct vtap_interface *i, const struct net *net,
			struct socket *sock, enum vtap_backend_kind kind)
{
	mutex_lock(&i->lock);
	i->net = net;
	i->sock = sock;
	i->kind = kind;
	memset(&i->last, 0, sizeof(i->last));
	/* Find the device at once: a tun may be moved before the first request. */
	if (sock && kind == VTAP_BACKEND_TAP)
		vtap_interface_find(i, NULL, &i->last, NULL);
	mutex_unlock(&i->lock);
}

/**
 * vtap_interface_last - get the recorded interface of a queue
 * @i: interface
 * @id: result: the tun at SET_BACKEND, or the device at the last request from
 *	root of the host; empty if there was none
 *
 * Context: process context; waits for vtap_interface_get().
 */
void vtap_interface_last(struct vtap_interface *i, struct vtap_interface_id *id)
{
	mutex_lock(&i->lock);
	*id = i->last;
	mutex_unlock(&i->lock);
}

/**
 * vtap_interface_get - find the current interface of a queue
 * @i: interface
 * @req: the netlink request, or NULL for a notification
 * @id: result; the name is empty without a device, the index is 0 if the reader
 *	may not see the device or if another device may be meant
 * @drops: set to the packets that the interface dropped, if they are known. NULL
 *	to not read them: this visits each possible CPU under RTNL.
 *
 * Context: process context; takes RTNL.
 */
void vtap_interface_get(struct vtap_interface *i, const struct sk_buff *req,
			struct vtap_interface_id *id,
			struct vtap_interface_drops *drops)
{
	memset(id, 0, sizeof(*id));
	if (drops)
		memset(drops, 0, sizeof(*drops));
	mutex_lock(&i->lock);
	if (i->sock && vtap_interface_find(i, req, id, drops) && req &&
	    netlink_capable(req, CAP_NET_ADMIN))
		i->last = *id;
	mutex_unlock(&i->lock);
}
