// SPDX-License-Identifier: GPL-2.0
/*
 * nl.c - requests to the netlink family, with libmnl
 *
 * Messages of the kernel are checked: libmnl checks that attributes stay inside
 * their message, and the code below that they have the expected length.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "ctl.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK	270
#endif

/* A dump uses messages of up to 32 KiB. */
#define ROOM	(64 * 1024)

struct genl {
	struct mnl_socket *sock;
	unsigned int seq;
	uint16_t family;
	uint32_t group;
	bool all_namespaces;
	char said[128];			/* the kernel's message */
	char buf[ROOM] __attribute__((aligned(NLMSG_ALIGNTO)));
};

static struct nlmsghdr *request(struct genl *nl, uint16_t type, uint8_t cmd,
				uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(nl->buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++nl->seq;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = 1;
	return nlh;
}

/* Save the message of an extended acknowledgment. */
static int on_error(const struct nlmsghdr *nlh, void *data)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
	struct genl *nl = data;
	const struct nlattr *attr;
	size_t skip = sizeof(*err);

	if (nlh->nlmsg_len < mnl_nlmsg_size(sizeof(*err))) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED) && err->error)
		skip += err->msg.nlmsg_len - mnl_nlmsg_size(0);
	if (nlh->nlmsg_flags & NLM_F_ACK_TLVS &&
	    skip < mnl_nlmsg_get_payload_len(nlh)) {
		mnl_attr_for_each(attr, nlh, skip) {
			if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
				clean_name(nl->said, sizeof(nl->said),
					   mnl_attr_get_str(attr),
					   mnl_attr_get_payload_len(attr));
		}
	}
	if (!err->error)
		return MNL_CB_STOP;
	errno = -err->error;
	return MNL_CB_ERROR;
}

static int talk(struct genl *nl, struct nlmsghdr *nlh,
		int (*each)(const struct nlmsghdr *nlh, void *data), void *data)
{
	static mnl_cb_t control[NLMSG_MIN_TYPE] = {
		[NLMSG_ERROR] = on_error,
	};
	unsigned int port = mnl_socket_get_portid(nl->sock);
	ssize_t len;
	int ret;

	nl->said[0] = 0;
	if (mnl_socket_sendto(nl->sock, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		len = mnl_socket_recvfrom(nl->sock, nl->buf, sizeof(nl->buf));
		if (len < 0)
			return -errno;
		/*
		 * The handler of errors gets @nl, the other one the caller's
		 * data.
		 */
		ret = MNL_CB_OK;
		if (((struct nlmsghdr *)nl->buf)->nlmsg_type == NLMSG_ERROR)
			ret = mnl_cb_run2(nl->buf, len, nl->seq, port, NULL, nl,
					  control, NLMSG_MIN_TYPE);
		else
			ret = mnl_cb_run(nl->buf, len, nl->seq, port, each,
					 data);
	} while (ret > 0);
	return ret < 0 ? -errno : 0;
}

static void find_group(struct genl *nl, const struct nlattr *groups)
{
	const struct nlattr *group, *attr;

	mnl_attr_for_each_nested(group, groups) {
		const char *name = NULL;
		uint32_t id = 0;

		mnl_attr_for_each_nested(attr, group) {
			if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_NAME &&
			    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
				name = mnl_attr_get_str(attr);
			if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_ID &&
			    mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
				id = mnl_attr_get_u32(attr);
		}
		if (name && !strcmp(name, VHOST_TAP_MCGRP_EVENTS))
			nl->group = id;
	}
}

static int on_family(const struct nlmsghdr *nlh, void *data)
{
	struct genl *nl = data;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
		    mnl_attr_validate(attr, MNL_TYPE_U16) >= 0)
			nl->family = mnl_attr_get_u16(attr);
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GROUPS)
			find_group(nl, attr);
	}
	return MNL_CB_OK;
}

static int find_family(struct genl *nl)
{
	struct nlmsghdr *nlh = request(nl, GENL_ID_CTRL, CTRL_CMD_GETFAMILY,
				       NLM_F_ACK);
	int err;

	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, VHOST_TAP_FAMILY_NAME);
	err = talk(nl, nlh, on_family, nl);
	return err ? err : nl->family ? 0 : -ENOENT;
}

/**
 * genl_open_loaded - open a socket for the family without loading the module
 *
 * The kernel loads a module whose netlink family is asked for.
 *
 * Return: as of genl_open().
 */
struct genl *genl_open_loaded(void)
{
	if (!access("/sys/module/vhost_tap", F_OK))
		return genl_open();
	errno = ENOENT;
	return NULL;
}

/**
 * genl_open - open a socket for the family; this loads the module
 *
 * Return: the socket, or NULL with errno: ENOENT if the module is not loaded.
 */
struct genl *genl_open(void)
{
	struct genl *nl = calloc(1, sizeof(*nl));
	int one = 1, err;

	if (!nl)
		return NULL;
	nl->sock = mnl_socket_open(NETLINK_GENERIC);
	if (!nl->sock || mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		err = errno;
		genl_close(nl);
		errno = err;
		return NULL;
	}
	/* Kernels without this option send no error messages. */
	mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(nl->sock, NETLINK_GET_STRICT_CHK, &one,
			      sizeof(one));
	err = find_family(nl);
	if (err) {
		genl_close(nl);
		errno = -err;
		return NULL;
	}
	return nl;
}

/**
 * genl_close - close a socket
 * @nl: socket, or NULL
 */
void genl_close(struct genl *nl)
{
	if (nl && nl->sock)
		mnl_socket_close(nl->sock);
	free(nl);
}

/**
 * genl_fd - get the file descriptor, for poll()
 * @nl: socket
 *
 * Return: the file descriptor.
 */
int genl_fd(const struct genl *nl)
{
	return mnl_socket_get_fd(nl->sock);
}

/**
 * genl_all_namespaces - make dumps cover all network namespaces
 * @nl: socket
 */
void genl_all_namespaces(struct genl *nl)
{
	nl->all_namespaces = true;
}

static uint16_t all_namespaces_attr(uint8_t cmd)
{
	switch (cmd) {
	case VHOST_TAP_CMD_QUEUE_GET:
		return VHOST_TAP_A_QUEUE_ALL_NAMESPACES;
	case VHOST_TAP_CMD_WORKER_GET:
		return VHOST_TAP_A_WORKER_ALL_NAMESPACES;
	default:
		return VHOST_TAP_A_DEVICE_ALL_NAMESPACES;
	}
}

/**
 * genl_dump - dump all devices, queues or workers
 * @nl: socket
 * @cmd: VHOST_TAP_CMD_*_GET
 * @each: called for each message; a result below 0, with errno, stops the dump
 * @data: argument of @each
 *
 * Return: 0 or a negative errno.
 */
int genl_dump(struct genl *nl, uint8_t cmd,
	      int (*each)(const struct nlmsghdr *nlh, void *data), void *data)
{
	struct nlmsghdr *nlh = request(nl, nl->family, cmd, NLM_F_DUMP);

	if (nl->all_namespaces)
		mnl_attr_put(nlh, all_namespaces_attr(cmd), 0, NULL);
	return talk(nl, nlh, each, data);
}

/**
 * genl_set - change tunables
 * @nl: socket
 * @cmd: VHOST_TAP_CMD_*_SET
 * @attr: attributes that identify the device or queue, and the new values
 * @nr: number of attributes
 *
 * Return: 0 or a negative errno.
 */
int genl_set(struct genl *nl, uint8_t cmd, const struct number_attr *attr,
	     size_t nr)
{
	struct nlmsghdr *nlh = request(nl, nl->family, cmd, NLM_F_ACK);
	size_t i;

	for (i = 0; i < nr; i++) {
		if (attr[i].is_wide)
			mnl_attr_put_u64(nlh, attr[i].type, attr[i].value);
		else
			mnl_attr_put_u32(nlh, attr[i].type, attr[i].value);
	}
	return talk(nl, nlh, NULL, NULL);
}

/**
 * genl_subscribe - subscribe to notifications
 * @nl: socket, which can only receive notifications afterwards
 *
 * Return: 0 or a negative errno.
 */
int genl_subscribe(struct genl *nl)
{
	return mnl_socket_setsockopt(nl->sock, NETLINK_ADD_MEMBERSHIP,
				     &nl->group, sizeof(nl->group)) < 0 ?
	       -errno : 0;
}

/**
 * genl_receive - wait for notifications
 * @nl: subscribed socket
 * @each: called for each message
 * @data: argument of @each
 *
 * Return: 0, or a negative errno: -ENOBUFS if notifications were lost.
 */
int genl_receive(struct genl *nl,
		 int (*each)(const struct nlmsghdr *nlh, void *data),
		 void *data)
{
	ssize_t len = mnl_socket_recvfrom(nl->sock, nl->buf, sizeof(nl->buf));

	if (len < 0)
		return -errno;
	return mnl_cb_run(nl->buf, len, 0, 0, each, data) < 0 ? -errno : 0;
}

/**
 * genl_failure - print why a request failed
 * @nl: socket, or NULL if it could not be opened
 * @err: negative errno
 *
 * Return: the exit code for the error.
 */
int genl_failure(const struct genl *nl, int err)
{
	if (!nl && err == -ENOENT) {
		warn("the module vhost_tap is not loaded here; load it with \"modprobe vhost_tap\", or run \"vhost-tapctl doctor\" for details");
		return CTL_NO_MODULE;
	}
	if (err == -EPERM && nl && nl->all_namespaces) {
		warn("--all-namespaces requires CAP_NET_ADMIN in the initial user namespace; run vhost-tapctl as root of the host");
		return CTL_DENIED;
	}
	if (err == -EPERM) {
		warn("%s; run it as root", nl && nl->said[0] ? nl->said :
		     "the command requires CAP_NET_ADMIN in its network namespace");
		return CTL_DENIED;
	}
	warn("%s%s%s", nl && nl->said[0] ? nl->said : "netlink",
	     ": ", strerror(-err));
	return err == -ENODEV || err == -ENOENT ? CTL_NOT_FOUND : CTL_FAILED;
}
