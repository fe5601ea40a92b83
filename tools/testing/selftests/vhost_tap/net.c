// SPDX-License-Identifier: GPL-2.0
/*
 * The host's network (net.h): namespaces and links by rtnetlink, taps and macvtaps by
 * their ioctls, packet sockets.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

/* ---- minimal rtnetlink ---- */

struct req {
	struct nlmsghdr nh;
	union {
		struct ifinfomsg link;
		struct ifaddrmsg addr;
	};
	char attrs[512];
};

static void *tail(struct req *r)
{
	return (char *)r + NLMSG_ALIGN(r->nh.nlmsg_len);
}

static struct rtattr *put_attr(struct req *r, int type, const void *data,
			       size_t len)
{
	struct rtattr *a = tail(r);

	a->rta_type = type;
	a->rta_len = RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(a), data, len);
	r->nh.nlmsg_len = NLMSG_ALIGN(r->nh.nlmsg_len) + RTA_ALIGN(a->rta_len);
	return a;
}

static struct rtattr *put_str(struct req *r, int type, const char *s)
{
	return put_attr(r, type, s, strlen(s) + 1);
}

static void end(struct req *r, struct rtattr *nest)
{
	nest->rta_len = (char *)tail(r) - (char *)nest;
}

static int talk(struct req *r)
{
	struct {
		struct nlmsghdr nh;
		struct nlmsgerr err;
		char request[1024];
	} ack;
	int fd, ret;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	r->nh.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	if (send(fd, r, r->nh.nlmsg_len, 0) < 0 ||
	    recv(fd, &ack, sizeof(ack), 0) < 0)
		ret = -errno;
	else
		ret = ack.nh.nlmsg_type == NLMSG_ERROR ? ack.err.error : -EPROTO;
	close(fd);
	return ret;
}

/* Whether the link has a carrier and its queueing discipline; without it, frames are lost. */
static int link_is_ready(int fd, const char *name)
{
	struct req r = {
		.nh.nlmsg_len = NLMSG_LENGTH(sizeof(r.link)),
		.nh.nlmsg_type = RTM_GETLINK,
		.nh.nlmsg_flags = NLM_F_REQUEST,
		.link.ifi_index = if_nametoindex(name),
	};
	union {
		struct req head;
		char bytes[16384];
	} reply;
	struct rtattr *a;
	int n, carrier = 0, qdisc = 0;

	if (send(fd, &r, r.nh.nlmsg_len, 0) < 0)
		return -errno;
	n = recv(fd, &reply, sizeof(reply), 0);
	if (n < 0)
		return -errno;
	if (reply.head.nh.nlmsg_type != RTM_NEWLINK)
		return -EPROTO;
	n -= NLMSG_LENGTH(sizeof(r.link));
	for (a = (void *)reply.head.attrs; RTA_OK(a, n); a = RTA_NEXT(a, n)) {
		if (a->rta_type == IFLA_CARRIER)
			carrier = *(uint8_t *)RTA_DATA(a);
		else if (a->rta_type == IFLA_QDISC)
			qdisc = strcmp(RTA_DATA(a), "noop");
	}
	return carrier && qdisc;
}

/* The kernel completes a carrier change in a work item. */
static int link_wait(const char *name)
{
	int fd, try, ret = 0;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	for (try = 0; try < 500 && !ret; try++) {
		ret = link_is_ready(fd, name);
		if (!ret)
			usleep(10000);
	}
	close(fd);
	return ret < 0 ? ret : ret ? 0 : -ETIMEDOUT;
}

static struct req new_link(const char *name, int ifindex)
{
	struct req r = {
		.nh.nlmsg_len = NLMSG_LENGTH(sizeof(r.link)),
		.nh.nlmsg_type = RTM_NEWLINK,
		.nh.nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL,
		.link.ifi_index = ifindex,
	};

	put_str(&r, IFLA_IFNAME, name);
	return r;
}

int link_veth(const char *a, const char *b)
{
	struct req r = new_link(a, 0);
	struct rtattr *info, *data, *peer;
	struct ifinfomsg ifi = {};

	info = put_attr(&r, IFLA_LINKINFO, NULL, 0);
	put_str(&r, IFLA_INFO_KIND, "veth");
	data = put_attr(&r, IFLA_INFO_DATA, NULL, 0);
	peer = put_attr(&r, VETH_INFO_PEER, &ifi, sizeof(ifi));
	put_str(&r, IFLA_IFNAME, b);
	end(&r, peer);
	end(&r, data);
	end(&r, info);
	return talk(&r) ?: link_up(a) ?: link_up(b) ?: link_wait(a) ?: link_wait(b);
}

int link_dummy(const char *name)
{
	struct req r = new_link(name, 0);
	struct rtattr *info = put_attr(&r, IFLA_LINKINFO, NULL, 0);

	put_str(&r, IFLA_INFO_KIND, "dummy");
	end(&r, info);
	return talk(&r) ?: link_up(name);
}

int link_vxlan(const char *name, const char *lower, uint32_t id, uint32_t remote)
{
	struct req r = new_link(name, 0);
	uint32_t on = if_nametoindex(lower);
	uint16_t port = htons(4789);
	struct rtattr *info, *data;

	remote = htonl(remote);
	info = put_attr(&r, IFLA_LINKINFO, NULL, 0);
	put_str(&r, IFLA_INFO_KIND, "vxlan");
	data = put_attr(&r, IFLA_INFO_DATA, NULL, 0);
	put_attr(&r, IFLA_VXLAN_ID, &id, sizeof(id));
	put_attr(&r, IFLA_VXLAN_GROUP, &remote, sizeof(remote));
	put_attr(&r, IFLA_VXLAN_LINK, &on, sizeof(on));
	put_attr(&r, IFLA_VXLAN_PORT, &port, sizeof(port));
	end(&r, data);
	end(&r, info);
	return talk(&r) ?: link_up(name);
}

static int link_on(const char *name, const char *lower, const char *kind,
		   int attr, const void *val, size_t len, int ifindex)
{
	struct req r = new_link(name, ifindex);
	uint32_t on = if_nametoindex(lower);
	struct rtattr *info, *data;

	put_attr(&r, IFLA_LINK, &on, sizeof(on));
	info = put_attr(&r, IFLA_LINKINFO, NULL, 0);
	put_str(&r, IFLA_INFO_KIND, kind);
	data = put_attr(&r, IFLA_INFO_DATA, NULL, 0);
	put_attr(&r, attr, val, len);
	end(&r, data);
	end(&r, info);
	return talk(&r) ?: link_up(name) ?: link_wait(name);
}

int link_macvtap(const char *name, const char *lower, uint32_t mode, int ifindex)
{
	return link_on(name, lower, "macvtap", IFLA_MACVLAN_MODE, &mode,
		       sizeof(mode), ifindex);
}

int link_macvlan(const char *name, const char *lower, uint32_t mode)
{
	return link_on(name, lower, "macvlan", IFLA_MACVLAN_MODE, &mode,
		       sizeof(mode), 0);
}

int link_ipvtap(const char *name, const char *lower, int ifindex)
{
	uint16_t mode = IPVLAN_MODE_L2;

	return link_on(name, lower, "ipvtap", IFLA_IPVLAN_MODE, &mode,
		       sizeof(mode), ifindex);
}

int link_del(const char *name)
{
	struct req r = {
		.nh.nlmsg_len = NLMSG_LENGTH(sizeof(r.link)),
		.nh.nlmsg_type = RTM_DELLINK,
		.link.ifi_index = if_nametoindex(name),
	};

	return r.link.ifi_index ? talk(&r) : -ENODEV;
}

int link_addr(const char *name, uint32_t addr, int prefix)
{
	struct req r = {
		.nh.nlmsg_len = NLMSG_LENGTH(sizeof(r.addr)),
		.nh.nlmsg_type = RTM_NEWADDR,
		.nh.nlmsg_flags = NLM_F_CREATE | NLM_F_REPLACE,
		.addr.ifa_family = AF_INET,
		.addr.ifa_prefixlen = prefix,
		.addr.ifa_index = if_nametoindex(name),
	};

	addr = htonl(addr);
	put_attr(&r, IFA_LOCAL, &addr, sizeof(addr));
	put_attr(&r, IFA_ADDRESS, &addr, sizeof(addr));
	return talk(&r);
}

/* ---- socket ioctls ---- */

static int ifreq(const char *name, unsigned long req, struct ifreq *ifr)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret;

	if (fd < 0)
		return -errno;
	strncpy(ifr->ifr_name, name, IFNAMSIZ - 1);
	ret = ioctl(fd, req, ifr) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

static int link_flags(const char *name, int set, int clear)
{
	struct ifreq ifr = {};
	int err = ifreq(name, SIOCGIFFLAGS, &ifr);

	ifr.ifr_flags = (ifr.ifr_flags | set) & ~clear;
	return err ?: ifreq(name, SIOCSIFFLAGS, &ifr);
}

int link_up(const char *name)
{
	return link_flags(name, IFF_UP, 0);
}

int link_down(const char *name)
{
	return link_flags(name, 0, IFF_UP);
}

/* A macvlan passes only the multicast groups it knows, or all. */
int link_allmulti(const char *name)
{
	return link_flags(name, IFF_ALLMULTI, 0);
}

int link_mtu(const char *name, int mtu)
{
	struct ifreq ifr = { .ifr_mtu = mtu };

	return ifreq(name, SIOCSIFMTU, &ifr);
}

int link_mac(const char *name, uint8_t mac[6])
{
	struct ifreq ifr = {};
	int err = ifreq(name, SIOCGIFHWADDR, &ifr);

	memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
	return err;
}

int run(const char *fmt, ...)
{
	char cmd[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	return system(cmd) ? -ECHILD : 0;
}

static void sysctl(const char *path, const char *val)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, val, strlen(val)) < 0)
		perror(path);
	close(fd);
}

/* Enter a new namespace without traffic of the IPv6 stack. */
int net_ns(void)
{
	if (unshare(CLONE_NEWNET))
		return -errno;
	sysctl("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
	sysctl("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	return link_up("lo");
}

/* ---- taps ---- */

int tap_open(const char *name, unsigned int flags)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | flags };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	int err;

	if (fd < 0)
		return -errno;
	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	if (ioctl(fd, TUNSETIFF, &ifr)) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

int tap_hdr_len(int fd, int len)
{
	int is_le = 1;

	/* As a VMM does for VERSION_1; on a little-endian machine it changes nothing. */
	return ioctl(fd, TUNSETVNETHDRSZ, &len) || ioctl(fd, TUNSETVNETLE, &is_le) ? -errno : 0;
}

int tap_offload(int fd, unsigned int offload)
{
	return ioctl(fd, TUNSETOFFLOAD, (unsigned long)offload) ? -errno : 0;
}

/**
 * tap_make - create a tap that is up, with a packet socket on its host side
 * @flags: added to IFF_TAP | IFF_NO_PI
 * @nr: number of queues, more than one needs IFF_MULTI_QUEUE in @flags
 * @hdr_len: virtio header length, 0 for the default
 */
int tap_make(struct tap *t, unsigned int flags, unsigned int nr, int hdr_len)
{
	return tap_make_named(t, "vtap0", flags, nr, hdr_len);
}

int tap_make_named(struct tap *t, const char *name, unsigned int flags,
		   unsigned int nr, int hdr_len)
{
	int err;

	*t = (struct tap){ .host = -1 };
	strncpy(t->name, name, IFNAMSIZ - 1);
	while (t->nr < nr) {
		t->fd[t->nr] = tap_open(t->name, flags);
		if (t->fd[t->nr] < 0)
			return t->fd[t->nr];
		t->nr++;
		err = hdr_len ? tap_hdr_len(t->fd[t->nr - 1], hdr_len) : 0;
		if (err)
			return err;
	}
	err = link_mtu(t->name, TAP_MAX_MTU) ?: link_up(t->name);
	if (err)
		return err;
	t->host = host_open(t->name, 0);
	return t->host < 0 ? t->host : 0;
}

void tap_free(struct tap *t)
{
	while (t->nr)
		close(t->fd[--t->nr]);
	if (t->host >= 0)
		close(t->host);
	t->host = -1;
}

/* devtmpfs names the node by ifindex; each queue needs its own file. */
int macvtap_open(int ifindex, int hdr_len)
{
	struct ifreq ifr = {
		.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE,
	};
	char path[32];
	int fd, err = 0;

	snprintf(path, sizeof(path), "/dev/tap%d", ifindex);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, TUNSETIFF, &ifr))
		err = -errno;
	if (!err)
		err = tap_hdr_len(fd, hdr_len);
	if (err)
		close(fd);
	return err ?: fd;
}

/* ---- the far end ---- */

int host_open(const char *name, unsigned int flags)
{
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(flags & HOST_ALL ? ETH_P_ALL : TEST_PROTO),
		.sll_ifindex = if_nametoindex(name),
	};
	int one = 1, room = 32 << 20, err;
	struct packet_mreq promisc = {
		.mr_ifindex = ll.sll_ifindex,
		.mr_type = PACKET_MR_PROMISC,
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one,
		       sizeof(one)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promisc,
		       sizeof(promisc)) ||
	    (flags & HOST_VNET_HDR &&
	     setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one))) ||
	    bind(fd, (struct sockaddr *)&ll, sizeof(ll))) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

ssize_t host_recv(int fd, void *buf, size_t room, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n;

	if (poll(&p, 1, timeout_ms) != 1)
		return -ETIMEDOUT;
	n = recv(fd, buf, room, MSG_TRUNC);
	return n < 0 ? -errno : n;
}

int host_send(int fd, const void *buf, size_t len)
{
	return send(fd, buf, len, 0) == (ssize_t)len ? 0 : -errno;
}

/* Return: 0 if nothing arrives for @ms */
int host_quiet(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) ? -EBUSY : 0;
}
