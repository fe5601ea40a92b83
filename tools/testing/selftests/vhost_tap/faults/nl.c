// SPDX-License-Identifier: GPL-2.0
/*
 * The netlink requests of a device's life. Like a tool, each opens its own socket.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/vhost_tap_netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "life.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK	270
#endif

/* Large enough for the longest message of the kernel. */
static uint8_t answer[64 * 1024] __attribute__((aligned(NLMSG_ALIGNTO)));

struct request {
	struct nlmsghdr nlh;
	struct genlmsghdr genl;
	uint8_t attrs[64];
};

static void put_attr(struct request *r, uint16_t type, const void *data, size_t len)
{
	struct nlattr attr = { NLA_HDRLEN + len, type };
	uint8_t *at = (uint8_t *)r + r->nlh.nlmsg_len;

	memcpy(at, &attr, NLA_HDRLEN);
	memcpy(at + NLA_HDRLEN, data, len);
	r->nlh.nlmsg_len += NLA_ALIGN(attr.nla_len);
}

static struct request request(uint16_t family, uint8_t cmd, uint16_t flags)
{
	return (struct request){
		.nlh = { NLMSG_LENGTH(GENL_HDRLEN), family,
			 NLM_F_REQUEST | flags, .nlmsg_seq = 1 },
		.genl = { .cmd = cmd, .version = 1 },
	};
}

/* Find the attribute @type in @len bytes, or in a nest, after @skip bytes of @from. */
static const struct nlattr *find(const void *from, size_t len, size_t skip,
				 uint16_t type)
{
	const struct nlattr *a;

	for (; skip + NLA_HDRLEN <= len; skip += NLA_ALIGN(a->nla_len)) {
		a = (const void *)((const uint8_t *)from + skip);
		if (a->nla_len < NLA_HDRLEN)
			break;
		if ((a->nla_type & NLA_TYPE_MASK) == type)
			return a;
	}
	return NULL;
}

static const struct nlattr *attr_of(const struct nlmsghdr *nlh, uint16_t type)
{
	return find(nlh, nlh->nlmsg_len, NLMSG_LENGTH(GENL_HDRLEN), type);
}

typedef void (*on_message)(struct life *l, const struct nlmsghdr *nlh);

/* Return: 1 if more follows, 0 at the end, or -errno. */
static int read_answer(struct life *l, size_t len, on_message each)
{
	const struct nlmsghdr *nlh = (const void *)answer;
	int err;

	for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len)) {
		if (nlh->nlmsg_type == NLMSG_ERROR ||
		    nlh->nlmsg_type == NLMSG_DONE) {
			memcpy(&err, NLMSG_DATA(nlh), sizeof(err));
			return err;
		}
		l->nl_answers++;
		if (each)
			each(l, nlh);
	}
	return 1;
}

/* Return: 0 if the kernel acknowledges the request, or -errno. */
static int request_reply(struct life *l, const struct request *r, on_message each)
{
	int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	struct timeval timeout = { .tv_sec = 5 };
	int err = s < 0 ? -errno : 0;
	ssize_t n;

	l->nl_answers = 0;
	if (!err && (setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &timeout,
				sizeof(timeout)) ||
		     send(s, r, r->nlh.nlmsg_len, 0) < 0))
		err = -errno;
	if (!err) {
		do {
			n = recv(s, answer, sizeof(answer), 0);
			if (n < 0)
				err = errno == EAGAIN ? -ETIMEDOUT : -errno;
			else
				err = read_answer(l, n, each);
		} while (err > 0);
	}
	if (s >= 0)
		close(s);
	return err;
}

/* ---- the family, and a listener ---- */

static void on_family(struct life *l, const struct nlmsghdr *nlh)
{
	const struct nlattr *id = attr_of(nlh, CTRL_ATTR_FAMILY_ID);
	const struct nlattr *a = attr_of(nlh, CTRL_ATTR_MCAST_GROUPS);

	if (id)
		memcpy(&l->nl_family, id + 1, sizeof(l->nl_family));
	/* The list of groups is a nest, and so is its only entry. */
	if (a)
		a = find(a, a->nla_len, 2 * NLA_HDRLEN, CTRL_ATTR_MCAST_GRP_ID);
	if (a)
		memcpy(&l->nl_group, a + 1, sizeof(l->nl_group));
}

/* Open a listener, so that the kernel sends events from now on. */
int nl_begin(struct life *l)
{
	struct request r = request(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, NLM_F_ACK);
	int err;

	put_attr(&r, CTRL_ATTR_FAMILY_NAME, VHOST_TAP_FAMILY_NAME,
		 sizeof(VHOST_TAP_FAMILY_NAME));
	err = request_reply(l, &r, on_family);
	if (err || !l->nl_family || !l->nl_group)
		return err ?: -ENOENT;
	l->nl_events = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			      NETLINK_GENERIC);
	return setsockopt(l->nl_events, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
			  &l->nl_group, sizeof(l->nl_group)) ? -errno : 0;
}

void nl_end(struct life *l)
{
	if (l->nl_events > 0)
		close(l->nl_events);
}

/* ---- requests ---- */

static void on_device(struct life *l, const struct nlmsghdr *nlh)
{
	const struct nlattr *id = attr_of(nlh, VHOST_TAP_A_DEVICE_ID);

	if (id)
		memcpy(&l->nl_device, id + 1, sizeof(l->nl_device));
}

static int dump(struct life *l, uint8_t cmd, unsigned int nr, on_message each)
{
	struct request r = request(l->nl_family, cmd, NLM_F_DUMP);
	int err = request_reply(l, &r, each);

	return err ?: l->nl_answers == nr ? 0 : -ENODATA;
}

int nl_dump_devices(struct life *l)
{
	return dump(l, VHOST_TAP_CMD_DEVICE_GET, 1, on_device);
}

int nl_dump_queues(struct life *l)
{
	return dump(l, VHOST_TAP_CMD_QUEUE_GET, 2 * LIFE_PAIRS, NULL);
}

int nl_dump_workers(struct life *l)
{
	return dump(l, VHOST_TAP_CMD_WORKER_GET, 2 * LIFE_PAIRS + 1, NULL);
}

/* Send a request for the device, with @nr pairs of attribute type and value. */
static int act(struct life *l, uint8_t cmd, const uint32_t more[][2],
	       unsigned int nr)
{
	struct request r = request(l->nl_family, cmd, NLM_F_ACK);
	unsigned int i;

	put_attr(&r, VHOST_TAP_A_DEVICE_ID, &l->nl_device, sizeof(l->nl_device));
	for (i = 0; i < nr; i++)
		put_attr(&r, more[i][0], &more[i][1], sizeof(more[i][1]));
	return request_reply(l, &r, NULL);
}

int nl_get(struct life *l)
{
	const uint32_t tx[][2] = { { VHOST_TAP_A_QUEUE_INDEX, 1 } };
	const uint32_t first[][2] = { { VHOST_TAP_A_WORKER_INDEX, 0 } };

	return act(l, VHOST_TAP_CMD_DEVICE_GET, NULL, 0) ?:
	       act(l, VHOST_TAP_CMD_QUEUE_GET, tx, 1) ?:
	       act(l, VHOST_TAP_CMD_WORKER_GET, first, 1);
}

/* Enable short busy polling, so that the next calls meet a polling thread. */
int nl_device_set(struct life *l)
{
	const uint32_t adaptive[][2] = {
		{ VHOST_TAP_A_DEVICE_POLLING, VHOST_TAP_POLL_MODE_ADAPTIVE },
		{ VHOST_TAP_A_DEVICE_POLL_US, 200 },
	};

	return act(l, VHOST_TAP_CMD_DEVICE_SET, adaptive, 2);
}

/* Enabling the latency histograms allocates memory for the queue. */
static int latency(struct life *l, uint32_t on)
{
	const uint32_t rx[][2] = {
		{ VHOST_TAP_A_QUEUE_INDEX, 0 },
		{ VHOST_TAP_A_QUEUE_LATENCY, on },
	};
	const uint32_t tx[][2] = {
		{ VHOST_TAP_A_QUEUE_INDEX, 1 },
		{ VHOST_TAP_A_QUEUE_LATENCY, on },
		{ VHOST_TAP_A_QUEUE_BUSYLOOP_US, 20 },
	};

	return act(l, VHOST_TAP_CMD_QUEUE_SET, rx, 2) ?:
	       act(l, VHOST_TAP_CMD_QUEUE_SET, tx, 3);
}

int nl_latency_on(struct life *l)
{
	return latency(l, 1);
}

int nl_latency_off(struct life *l)
{
	return latency(l, 0);
}
