/* SPDX-License-Identifier: GPL-2.0 */
/* netlink.h - functions that the files of the netlink family share */
#ifndef VTAP_NETLINK_H
#define VTAP_NETLINK_H

#include <linux/vhost_tap_netlink.h>
#include <net/genetlink.h>

#include "vtap.h"

enum vtap_nl_group {
	VTAP_NL_EVENTS,
};

/*
 * netlink_dump.c: each function adds one complete message or, with -EMSGSIZE,
 * nothing. The caller holds vtap_registry_lock(), or vtap_dev.lock for a device
 * that was listed just now.
 */
struct vtap_nl_msg {
	const struct genl_family *family;
	struct sk_buff *skb;
	u32 portid;
	u32 seq;
	int flags;
	u8 cmd;
	struct pid_namespace *pids;	/* the reader's; NULL: report no ids */
	const struct sk_buff *req;	/* the request; NULL: a notification */
};

int vtap_nl_fill_device(const struct vtap_nl_msg *msg, struct vtap_dev *dev);
int vtap_nl_fill_device_id(const struct vtap_nl_msg *msg,
			   const struct vtap_dev *dev);
int vtap_nl_fill_queue(const struct vtap_nl_msg *msg, struct vtap_queue *q);
int vtap_nl_fill_worker(const struct vtap_nl_msg *msg,
			const struct vtap_worker *w);

/* netlink_notify.c */
void vtap_notify_init(const struct genl_family *family);
void vtap_notify_exit(void);

/* latency.c */
int vtap_latency_set(struct vtap_queue *q, bool on);
void vtap_latency_exit(void);

/* load.c */
int vtap_load_set(struct vtap_queue *q, bool on);
void vtap_load_exit(void);

#endif /* VTAP_NETLINK_H */
