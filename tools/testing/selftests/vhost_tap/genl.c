// SPDX-License-Identifier: GPL-2.0
/* Requests to the generic netlink family (genl.h). */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../lib/genl_msg.h"
#include "genl.h"

static uint16_t family;
static uint32_t events;		/* the group of notifications */

/* Send a request and receive the reply or the result. Return: 0 or -errno */
static int exchange(int fd, struct message *m)
{
	ssize_t len;

	if (send(fd, m, m->nlh.nlmsg_len, 0) < 0)
		return -errno;
	len = recv(fd, m, sizeof(*m), 0);
	if (len < (ssize_t)sizeof(m->nlh))
		return len < 0 ? -errno : -EIO;
	if (m->nlh.nlmsg_type == NLMSG_ERROR)
		return ((struct nlmsgerr *)&m->genl)->error;
	return 0;
}

/* Copy up to @nr values of an attribute. Return: their number */
static int collect(const struct message *m, uint16_t type, uint64_t *val, unsigned int nr)
{
	const char *at = m->attrs, *end = (const char *)m + m->nlh.nlmsg_len;
	const bool is_big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	unsigned int found = 0, size;

	while (at + NLA_HDRLEN <= end) {
		const struct nlattr *a = (const void *)at;

		size = a->nla_len - NLA_HDRLEN;
		if (a->nla_type == type && found < nr && size <= sizeof(*val)) {
			val[found] = 0;
			memcpy((char *)&val[found++] + (is_big ? sizeof(*val) - size : 0),
			       at + NLA_HDRLEN, size);
		}
		at += NLA_ALIGN(a->nla_len);
	}
	return found;
}

static const struct nlattr *find(const void *at, const void *end, uint16_t type)
{
	const struct nlattr *a = at;

	while ((const void *)(a + 1) <= end && (a->nla_type & NLA_TYPE_MASK) != type)
		a = (const void *)a + NLA_ALIGN(a->nla_len);
	return (const void *)(a + 1) <= end ? a : NULL;
}

/* The family has one group. */
static void find_events(const struct message *m)
{
	const struct nlattr *groups, *group, *id;

	groups = find(m->attrs, (const char *)m + m->nlh.nlmsg_len, CTRL_ATTR_MCAST_GROUPS);
	group = groups ? groups + 1 : NULL;
	id = group ? find(group + 1, (const char *)group + group->nla_len,
			  CTRL_ATTR_MCAST_GRP_ID) : NULL;
	if (id)
		memcpy(&events, id + 1, sizeof(events));
}

/* Return: a socket or -errno */
int genl_open(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC), err;
	struct message m;
	uint64_t id = 0;

	if (fd < 0)
		return -errno;
	begin(&m, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	add(&m, CTRL_ATTR_FAMILY_NAME, VHOST_TAP_FAMILY_NAME, sizeof(VHOST_TAP_FAMILY_NAME));
	err = exchange(fd, &m);
	if (!err && collect(&m, CTRL_ATTR_FAMILY_ID, &id, 1) != 1)
		err = -ENOENT;
	if (err) {
		close(fd);
		return err;
	}
	family = id;
	find_events(&m);
	return fd;
}

int genl_listen(void)
{
	int fd = genl_open();

	if (fd >= 0 && setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &events,
				  sizeof(events))) {
		close(fd);
		return -errno;
	}
	return fd;
}

/* Return: 0 or -errno */
int genl_set(int fd, uint8_t cmd, const struct genl_attr *attr, unsigned int nr)
{
	struct message m;
	unsigned int i;

	begin(&m, family, cmd, NLM_F_ACK);
	for (i = 0; i < nr; i++)
		add(&m, attr[i].type, &attr[i].val, sizeof(attr[i].val));
	return exchange(fd, &m);
}

/* Get up to @nr values of an attribute. Return: number or -errno */
int genl_get(int fd, uint8_t cmd, uint32_t device, uint32_t index, uint16_t type,
	     uint64_t *val, unsigned int nr)
{
	struct message m;
	int err;

	begin(&m, family, cmd, 0);
	add(&m, VHOST_TAP_A_QUEUE_DEVICE, &device, sizeof(device));
	if (index != GENL_DEVICE)
		add(&m, VHOST_TAP_A_QUEUE_INDEX, &index, sizeof(index));
	err = exchange(fd, &m);
	return err ? err : collect(&m, type, val, nr);
}

int genl_dump(int fd, uint8_t cmd)
{
	struct message m;

	begin(&m, family, cmd, NLM_F_DUMP);
	return send(fd, &m, m.nlh.nlmsg_len, 0) < 0 ? -errno : 0;
}

/* Devices, queues and workers have the same numbers of these attributes. */
static struct genl_item item_of(const struct message *m)
{
	uint64_t device = 0, index = 0, state = 0;

	collect(m, VHOST_TAP_A_QUEUE_DEVICE, &device, 1);
	collect(m, VHOST_TAP_A_QUEUE_INDEX, &index, 1);
	collect(m, VHOST_TAP_A_QUEUE_STATE, &state, 1);
	return (struct genl_item){ m->genl.cmd, device, index, state };
}

int genl_items(int fd, struct genl_item *item, unsigned int max, int ms)
{
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	unsigned int nr = 0;
	struct message m;

	while (poll(&readable, 1, ms) > 0) {
		const struct nlmsghdr *h = &m.nlh;
		int len = recv(fd, &m, sizeof(m), 0);

		if (len < 0)
			return -errno;
		for (; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
			if (h->nlmsg_type == NLMSG_ERROR)
				return ((const struct nlmsgerr *)NLMSG_DATA(h))->error;
			if (h->nlmsg_type == NLMSG_DONE)
				return nr;
			if (nr++ < max)
				item[nr - 1] = item_of((const void *)h);
		}
	}
	return nr;
}

/* Return: serial number of the device, which is the name of its folder in debugfs */
unsigned int genl_device(const struct guest *g)
{
	const char *name = strrchr(g->debugfs, '/');

	return name ? strtoul(name + 1, NULL, 10) : 0;
}
