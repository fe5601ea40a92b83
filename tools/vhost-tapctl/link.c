// SPDX-License-Identifier: GPL-2.0
/*
 * link.c - network devices of the current network namespace, by rtnetlink
 *
 * /sys/class/net is not a substitute: it shows the namespace in which /sys was
 * mounted, which "nsenter --net" does not change.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl.h"
#include "link.h"

#ifndef SO_NETNS_COOKIE		/* before glibc 2.35 */
#define SO_NETNS_COOKIE	71
#endif

/**
 * link_mode - parse the name of a macvtap mode
 * @name: bridge, vepa, private or passthru
 * @mode: set to MACVLAN_MODE_*
 *
 * Return: 0, or -EINVAL if @name is not a mode.
 */
int link_mode(const char *name, uint32_t *mode)
{
	static const struct {
		const char *name;
		uint32_t mode;
	} modes[] = {
		{ "bridge", MACVLAN_MODE_BRIDGE },
		{ "vepa", MACVLAN_MODE_VEPA },
		{ "private", MACVLAN_MODE_PRIVATE },
		{ "passthru", MACVLAN_MODE_PASSTHRU },
	};
	size_t i;

	for (i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		if (!strcmp(modes[i].name, name)) {
			*mode = modes[i].mode;
			return 0;
		}
	}
	return -EINVAL;
}

/*
 * Send a request, call @each for each message of the reply, and wait for the
 * acknowledgment. Returns 0 or a negative errno.
 */
static int request(struct nlmsghdr *nlh, mnl_cb_t each, void *data)
{
	struct mnl_socket *sock = mnl_socket_open(NETLINK_ROUTE);
	char buf[32 * 1024] __attribute__((aligned(NLMSG_ALIGNTO)));
	int ret = -1;
	ssize_t len;

	nlh->nlmsg_seq = 1;
	if (sock && mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) >= 0 &&
	    mnl_socket_sendto(sock, nlh, nlh->nlmsg_len) >= 0) {
		do {
			len = mnl_socket_recvfrom(sock, buf, sizeof(buf));
			ret = len < 0 ? -1 :
			      mnl_cb_run(buf, len, 1,
					 mnl_socket_get_portid(sock), each,
					 data);
		} while (ret > 0);
	}
	ret = ret < 0 ? -errno : 0;
	if (sock)
		mnl_socket_close(sock);
	return ret;
}

static struct nlmsghdr *link_request(char *buf, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifm;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	ifm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifm));
	if (type == RTM_NEWLINK) {
		ifm->ifi_change = IFF_UP | IFF_ALLMULTI;
		ifm->ifi_flags = IFF_UP | IFF_ALLMULTI;
	}
	return nlh;
}

static uint32_t get_number(const struct nlattr *attr)
{
	switch (mnl_attr_get_payload_len(attr)) {
	case sizeof(uint8_t):
		return mnl_attr_get_u8(attr);
	case sizeof(uint32_t):
		return mnl_attr_get_u32(attr);
	default:
		return 0;
	}
}

static void parse_tun(const struct nlattr *nest, struct link_info *l)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest) {
		uint32_t val = get_number(attr);

		switch (mnl_attr_get_type(attr)) {
		case IFLA_TUN_TYPE:
			l->is_tap = val == IFF_TAP;
			break;
		case IFLA_TUN_MULTI_QUEUE:
			l->multi_queue = val;
			break;
		case IFLA_TUN_VNET_HDR:
			l->vnet_hdr = val;
			break;
		case IFLA_TUN_OWNER:
			l->owner = val;
			break;
		case IFLA_TUN_GROUP:
			l->group = val;
			break;
		}
	}
}

/* The kind comes first, because the meaning of the data depends on it. */
static void parse_kind(const struct nlattr *nest, struct link_info *l)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest) {
		if (mnl_attr_get_type(attr) == IFLA_INFO_KIND &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			snprintf(l->kind, sizeof(l->kind), "%s",
				 mnl_attr_get_str(attr));
		if (mnl_attr_get_type(attr) == IFLA_INFO_DATA &&
		    !strcmp(l->kind, "tun"))
			parse_tun(attr, l);
	}
}

static int on_link(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *ifm = mnl_nlmsg_get_payload(nlh);
	struct link_info *l = data;
	const struct nlattr *attr;
	bool other_namespace = false;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifm))
		return MNL_CB_OK;
	l->index = ifm->ifi_index;
	l->flags = ifm->ifi_flags;
	mnl_attr_for_each(attr, nlh, sizeof(*ifm)) {
		switch (mnl_attr_get_type(attr)) {
		case IFLA_MASTER:
			l->master = get_number(attr);
			break;
		case IFLA_TXQLEN:
			l->queue_len = get_number(attr);
			break;
		case IFLA_LINK:
			l->lower = get_number(attr);
			break;
		case IFLA_LINK_NETNSID:
			other_namespace = true;
			break;
		case IFLA_ADDRESS:
			l->has_mac = mnl_attr_get_payload_len(attr) == LINK_MAC;
			if (l->has_mac)
				memcpy(l->mac, mnl_attr_get_payload(attr),
				       LINK_MAC);
			break;
		case IFLA_LINKINFO:
			parse_kind(attr, l);
			break;
		}
	}
	if (other_namespace)
		l->lower = 0;
	return MNL_CB_OK;
}

/**
 * link_netns_cookie - get the cookie of the current network namespace
 *
 * Return: the cookie, or 0 if it is not known.
 */
uint64_t link_netns_cookie(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	if (fd < 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len))
		cookie = 0;
	close(fd);
	return cookie;
}

/**
 * link_get - read the properties of a network device
 * @name: name of the device
 * @l: set to its properties
 *
 * Return: 0, -ENODEV if the current network namespace does not have the device,
 * or another negative errno.
 */
int link_get(const char *name, struct link_info *l)
{
	char buf[256] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = link_request(buf, RTM_GETLINK, 0);
	int err;

	*l = (struct link_info){ .owner = -1, .group = -1 };
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	err = request(nlh, on_link, l);
	return err ? err : l->index ? 0 : -ENODEV;
}

/**
 * link_mac_text - write an Ethernet address as text
 * @mac: LINK_MAC bytes
 * @text: result of LINK_MAC_TEXT bytes
 */
void link_mac_text(const uint8_t *mac, char *text)
{
	snprintf(text, LINK_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0],
		 mac[1], mac[2], mac[3], mac[4], mac[5]);
}

/**
 * link_is_macvtap - check whether a link has a node of its own
 * @l: link
 *
 * Return: true for macvtap and ipvtap.
 */
bool link_is_macvtap(const struct link_info *l)
{
	return !strcmp(l->kind, "macvtap") || !strcmp(l->kind, "ipvtap");
}

/**
 * link_add_macvtap - create a macvtap and set it up
 * @lower: link below it
 * @name: name of IFNAMSIZ bytes; chosen here if empty
 * @mode: MACVLAN_MODE_*
 *
 * The macvtap accepts all multicast groups. By default it accepts only groups
 * that its own device joined, which the guest's are not.
 *
 * Return: exit code.
 */
int link_add_macvtap(const char *lower, char *name, uint32_t mode)
{
	char buf[1024] __attribute__((aligned(NLMSG_ALIGNTO)));
	unsigned int index = if_nametoindex(lower);
	struct nlattr *info, *data;
	struct nlmsghdr *nlh;
	int err;

	if (!index) {
		warn("there is no link \"%s\" (\"ip link\" lists them)", lower);
		return CTL_NOT_FOUND;
	}
	if (!name[0])
		snprintf(name, IFNAMSIZ, "vtap%d", getpid());
	nlh = link_request(buf, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	mnl_attr_put_u32(nlh, IFLA_LINK, index);
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "macvtap");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	mnl_attr_put_u32(nlh, IFLA_MACVLAN_MODE, mode);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	err = request(nlh, NULL, NULL);
	if (!err)
		return CTL_OK;
	warn("cannot make the macvtap %s on %s: %s", name, lower,
	     strerror(-err));
	return err == -EPERM ? CTL_DENIED : CTL_FAILED;
}

/**
 * link_del - remove a link
 * @name: name of the link
 */
void link_del(const char *name)
{
	char buf[256] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = link_request(buf, RTM_DELLINK, 0);
	int err;

	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	err = request(nlh, NULL, NULL);
	if (err && err != -ENODEV)
		warn("cannot remove %s: %s", name, strerror(-err));
}
