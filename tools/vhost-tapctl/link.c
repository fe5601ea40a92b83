// SPDX-License-Identifier: GPL-2.0
/*
 * link.c - a macvtap comes and goes, by rtnetlink
 *
 * Read before: ctl.h, link.h.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "link.h"

/**
 * link_mode - a macvtap mode by its name
 * @name: bridge, vepa, private, passthru
 * @mode: MACVLAN_MODE_*
 *
 * Return: 0; -EINVAL no mode.
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

/* Send one request and take the acknowledgment. 0 or negative errno. */
static int ask(struct nlmsghdr *nlh)
{
	struct mnl_socket *sock = mnl_socket_open(NETLINK_ROUTE);
	char buf[8192];
	ssize_t len = -1;
	int ret = -1;

	nlh->nlmsg_seq = 1;
	if (sock && mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) >= 0 &&
	    mnl_socket_sendto(sock, nlh, nlh->nlmsg_len) >= 0)
		len = mnl_socket_recvfrom(sock, buf, sizeof(buf));
	if (len >= 0)
		ret = mnl_cb_run(buf, len, 1, mnl_socket_get_portid(sock), NULL,
				 NULL);
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

/**
 * link_add_macvtap - make a macvtap, up
 * @lower: link that it is on
 * @name: IFNAMSIZ; its name, chosen here if empty
 * @mode: MACVLAN_MODE_*
 *
 * It takes all groups: a macvtap passes only those that its own device joined,
 * and the guest's are not.
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
	err = ask(nlh);
	if (!err)
		return CTL_OK;
	warn("cannot make the macvtap %s on %s: %s", name, lower,
	     strerror(-err));
	return err == -EPERM ? CTL_DENIED : CTL_FAILED;
}

/**
 * link_del - remove a link
 * @name: its name
 */
void link_del(const char *name)
{
	char buf[256] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = link_request(buf, RTM_DELLINK, 0);
	int err;

	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	err = ask(nlh);
	if (err && err != -ENODEV)
		warn("cannot remove %s: %s", name, strerror(-err));
}
