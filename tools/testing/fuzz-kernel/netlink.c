// SPDX-License-Identifier: GPL-2.0
/* netlink.c - steps of the administrator: requests to the netlink family */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../../include/uapi/linux/vhost_tap_netlink.h"
#include "../lib/genl_msg.h"
#include "fuzz.h"

/* Commands, and one more that does not exist, in the low bits. */
#define NR_CMDS	(VHOST_TAP_CMD_MAX + 2)

static uint16_t family;
static uint32_t group;
/* A socket that gets the notifications, or -1. */
static int member = -1;

static void add_u32(struct message *m, uint16_t type, uint32_t val)
{
	add(m, type, &val, sizeof(val));
}

/* Find an attribute. Return: it, or NULL */
static const struct nlattr *find(const void *at, const void *end, uint16_t type)
{
	const struct nlattr *a = at;

	while ((void *)(a + 1) <= end && a->nla_len >= NLA_HDRLEN) {
		if ((a->nla_type & NLA_TYPE_MASK) == type)
			return a;
		a = (const void *)((const char *)a + NLA_ALIGN(a->nla_len));
	}
	return NULL;
}

static uint32_t value(const struct nlattr *a)
{
	uint32_t val = 0;

	if (a)
		memcpy(&val, a + 1, a->nla_len < NLA_HDRLEN + 4 ? 2 : 4);
	return val;
}

static int open_family(void)
{
	struct timeval wait = { .tv_usec = 200000 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	return fd;
}

void netlink_init(void)
{
	const struct nlattr *groups;
	int fd = open_family();
	struct message m;
	const void *end;

	begin(&m, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	add(&m, CTRL_ATTR_FAMILY_NAME, VHOST_TAP_FAMILY_NAME, sizeof(VHOST_TAP_FAMILY_NAME));
	if (send(fd, &m, m.nlh.nlmsg_len, 0) < 0 || recv(fd, &m, sizeof(m), 0) < 0) {
		perror("netlink");
		exit(1);
	}
	end = (char *)&m + m.nlh.nlmsg_len;
	family = value(find(m.attrs, end, CTRL_ATTR_FAMILY_ID));
	/* A list with one group, which has an id and a name. */
	groups = find(m.attrs, end, CTRL_ATTR_MCAST_GROUPS);
	group = groups ? value(find(groups + 2, end, CTRL_ATTR_MCAST_GRP_ID)) : 0;
	close(fd);
}

/* The serial number of the last device but @nr that a dump shows, and a thread's id. */
static uint32_t some_device(int fd, unsigned int nr, uint32_t *tid)
{
	uint32_t id[8] = {}, n = 0;
	struct message m;
	ssize_t len;

	begin(&m, family, VHOST_TAP_CMD_WORKER_GET, NLM_F_DUMP);
	if (send(fd, &m, m.nlh.nlmsg_len, 0) < 0)
		return 0;
	while ((len = recv(fd, &m, sizeof(m), 0)) > 0) {
		const struct nlmsghdr *h = &m.nlh;

		for (; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
			const char *at = (const char *)NLMSG_DATA(h) + GENL_HDRLEN;
			const char *end = (const char *)h + h->nlmsg_len;

			if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
				return n ? id[nr % (n < 8 ? n : 8)] : 0;
			id[n++ % 8] = value(find(at, end, VHOST_TAP_A_WORKER_DEVICE));
			*tid = value(find(at, end, VHOST_TAP_A_WORKER_TID));
		}
	}
	return 0;
}

static unsigned int cmd_of(const struct op *o)
{
	return (o->b & 63) % NR_CMDS;
}

static void add_settings(struct message *m, const struct op *o, uint32_t tid)
{
	static const uint32_t values[] = { 0, 1, 2, 50, 100000, 100001, 1000000, ~0U };
	uint64_t wide = o->y;

	switch (cmd_of(o)) {
	case VHOST_TAP_CMD_QUEUE_SET:
		if (o->c & 1)
			add_u32(m, VHOST_TAP_A_QUEUE_BUSYLOOP_US, values[o->x & 7]);
		if (o->c & 2)
			add_u32(m, VHOST_TAP_A_QUEUE_LATENCY, o->x >> 3 & 1);
		if (o->c & 4)
			add(m, VHOST_TAP_A_QUEUE_RATE, &wide, o->c & 128 ? 8 : 4);
		if (o->c & 8)
			add_u32(m, VHOST_TAP_A_QUEUE_BURST, values[o->x >> 4 & 7]);
		if (o->c & 16)
			add_u32(m, VHOST_TAP_A_QUEUE_PPS, values[o->x >> 7 & 7]);
		if (o->c & 32)
			add_u32(m, VHOST_TAP_A_QUEUE_GSO_FRAGS, o->x >> 10 & 1);
		if (o->c & 64)
			add_u32(m, VHOST_TAP_A_QUEUE_LOAD, o->x >> 11 & 1);
		break;
	case VHOST_TAP_CMD_DEVICE_SET:
		add_u32(m, VHOST_TAP_A_DEVICE_POLLING, o->x >> 3 & 3);
		if (o->c & 1)
			add_u32(m, VHOST_TAP_A_DEVICE_POLL_US, values[o->x & 7]);
		break;
	case VHOST_TAP_CMD_WORKER_SET:
		add_u32(m, VHOST_TAP_A_WORKER_TID, o->c & 1 ? tid : o->x);
		break;
	case VHOST_TAP_CMD_DEVICE_GET:
		if (o->c & 1)
			add(m, VHOST_TAP_A_DEVICE_ALL_NAMESPACES, "", 0);
		break;
	case VHOST_TAP_CMD_QUEUE_GET:
		if (o->c & 1)
			add(m, VHOST_TAP_A_QUEUE_ALL_NAMESPACES, "", 0);
		break;
	case VHOST_TAP_CMD_WORKER_GET:
		if (o->c & 1)
			add(m, VHOST_TAP_A_WORKER_ALL_NAMESPACES, "", 0);
		break;
	}
	if (o->a & 64)		/* any attribute */
		add(m, o->x >> 16 & 63, &wide, o->x >> 24 & 15);
}

/*
 * A request. @b: bits 0-5 command, bit 7 dump, bit 6 join the group; @a: bits 0-1 device,
 * 2-3 queue, bit 4 no id, bit 5 a short buffer, bit 6 an odd attribute; @c, @x, @y: attributes
 */
STEP(op_netlink)
{
	int fd = open_family();
	uint32_t tid = 0, device = some_device(fd, o->a & 3, &tid);
	struct message m;
	unsigned int i;

	if (o->b & 64)
		setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group));
	begin(&m, family, cmd_of(o), o->b & 128 ? NLM_F_DUMP : NLM_F_ACK);
	if (!(o->a & 16)) {
		add_u32(&m, VHOST_TAP_A_QUEUE_DEVICE, device);
		if (cmd_of(o) != VHOST_TAP_CMD_DEVICE_GET &&
		    cmd_of(o) != VHOST_TAP_CMD_DEVICE_SET)
			add_u32(&m, VHOST_TAP_A_QUEUE_INDEX, o->a >> 2 & 3);
	}
	add_settings(&m, o, tid);
	if (send(fd, &m, m.nlh.nlmsg_len, 0) > 0) {
		for (i = 0; i < 4; i++) {
			if (recv(fd, &m, o->a & 32 ? 512 : sizeof(m), i ? MSG_DONTWAIT : 0) < 0)
				break;
		}
	}
	/* A member stays until the end of the program. */
	if (o->b & 64 && member < 0)
		member = fd;
	else
		close(fd);
	return 0;
}

void netlink_end(void)
{
	if (member >= 0)
		close(member);
	member = -1;
}
