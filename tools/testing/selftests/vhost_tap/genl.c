// SPDX-License-Identifier: GPL-2.0
/* Requests to the generic netlink family (genl.h). */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../lib/genl_msg.h"
#include "genl.h"

static uint16_t family;

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
	unsigned int found = 0, size;

	while (at + NLA_HDRLEN <= end) {
		const struct nlattr *a = (const void *)at;

		size = a->nla_len - NLA_HDRLEN;
		if (a->nla_type == type && found < nr && size <= sizeof(*val)) {
			val[found] = 0;
			memcpy(&val[found++], at + NLA_HDRLEN, size);
		}
		at += NLA_ALIGN(a->nla_len);
	}
	return found;
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

/* Get up to @nr values of an attribute of a queue or worker. Return: number or -errno */
int genl_get(int fd, uint8_t cmd, uint32_t device, uint32_t index, uint16_t type,
	     uint64_t *val, unsigned int nr)
{
	struct message m;
	int err;

	begin(&m, family, cmd, 0);
	add(&m, VHOST_TAP_A_QUEUE_DEVICE, &device, sizeof(device));
	add(&m, VHOST_TAP_A_QUEUE_INDEX, &index, sizeof(index));
	err = exchange(fd, &m);
	return err ? err : collect(&m, type, val, nr);
}

/* Return: serial number of the device, which is the name of its folder in debugfs */
unsigned int genl_device(const struct guest *g)
{
	const char *name = strrchr(g->debugfs, '/');

	return name ? strtoul(name + 1, NULL, 10) : 0;
}
