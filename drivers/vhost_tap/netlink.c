// SPDX-License-Identifier: GPL-2.0
/*
 * netlink.c - the generic netlink family: requests and permissions
 *
 * Documentation/netlink.rst has the rules. The registry's lock is held for one
 * message at a time and keeps the devices and their workers (registry.c). All other
 * fields are read without a lock.
 */
#include <linux/module.h>
#include <linux/pid_namespace.h>
#include <linux/xarray.h>
#include <net/sock.h>

#include "control.h"
#include "netlink.h"
#include "registry.h"
#include "shared_thread.h"

static struct genl_family vtap_nl_family;

enum vtap_nl_object {
	VTAP_NL_DEVICE,
	VTAP_NL_QUEUE,
	VTAP_NL_WORKER,
};

static const u16 vtap_nl_all_attr[] = {
	[VTAP_NL_DEVICE] = VHOST_TAP_A_DEVICE_ALL_NAMESPACES,
	[VTAP_NL_QUEUE] = VHOST_TAP_A_QUEUE_ALL_NAMESPACES,
	[VTAP_NL_WORKER] = VHOST_TAP_A_WORKER_ALL_NAMESPACES,
};

/*
 * Both the opener of the socket and the current process need the capability.
 * Otherwise a privileged program could be made to read through a socket that
 * another program passed to it.
 */
static int vtap_nl_check_all(struct sk_buff *skb,
			     struct netlink_ext_ack *extack)
{
	if (netlink_capable(skb, CAP_NET_ADMIN))
		return 0;
	NL_SET_ERR_MSG(extack,
		       "all-namespaces requires CAP_NET_ADMIN in the initial user namespace");
	return -EPERM;
}

/* ---- get ---- */

/*
 * Find the first device, queue or worker of @dev from number @index on, and set
 * @index to its number. Returns NULL if there is none.
 */
static void *vtap_nl_next(enum vtap_nl_object type, struct vtap_dev *dev,
			  unsigned long *index)
{
	vtap_registry_assert_held();
	switch (type) {
	case VTAP_NL_QUEUE:
		return vtap_queue_find(dev, *index);
	case VTAP_NL_WORKER:
		return xa_find(&dev->workers, index, ULONG_MAX, XA_PRESENT);
	default:
		return *index ? NULL : dev;
	}
}

static int vtap_nl_fill(enum vtap_nl_object type,
			const struct vtap_nl_msg *msg, void *object)
{
	switch (type) {
	case VTAP_NL_QUEUE:
		return vtap_nl_fill_queue(msg, object);
	case VTAP_NL_WORKER:
		return vtap_nl_fill_worker(msg, object);
	default:
		return vtap_nl_fill_device(msg, object);
	}
}

/*
 * Find the device, queue or worker that a request from @net names, or return
 * ERR_PTR(-ENODEV) or ERR_PTR(-ENOENT). vtap_registry_lock() held.
 */
static void *vtap_nl_find(struct genl_info *info, enum vtap_nl_object type,
			  const struct net *net)
{
	static_assert((int)VHOST_TAP_A_QUEUE_DEVICE == VHOST_TAP_A_DEVICE_ID);
	static_assert((int)VHOST_TAP_A_WORKER_DEVICE == VHOST_TAP_A_DEVICE_ID);
	static_assert((int)VHOST_TAP_A_WORKER_INDEX == VHOST_TAP_A_QUEUE_INDEX);
	struct nlattr *const *attrs = info->attrs;
	unsigned long index, wanted = 0;
	struct vtap_dev *dev;
	void *object;

	vtap_registry_assert_held();
	dev = vtap_registry_find(net,
				 nla_get_u32(attrs[VHOST_TAP_A_DEVICE_ID]));
	if (!dev) {
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[VHOST_TAP_A_DEVICE_ID],
				    "no such device");
		return ERR_PTR(-ENODEV);
	}
	if (type != VTAP_NL_DEVICE)
		wanted = nla_get_u32(attrs[VHOST_TAP_A_QUEUE_INDEX]);
	index = wanted;
	object = vtap_nl_next(type, dev, &index);
	if (!object || index != wanted) {
		NL_SET_ERR_MSG_ATTR(info->extack,
				    attrs[VHOST_TAP_A_QUEUE_INDEX],
				    "the device has no such queue or worker");
		return ERR_PTR(-ENOENT);
	}
	return object;
}

static int vtap_nl_get(struct sk_buff *skb, struct genl_info *info,
		       enum vtap_nl_object type)
{
	struct vtap_nl_msg msg = {
		.family = &vtap_nl_family,
		.portid = info->snd_portid,
		.seq = info->snd_seq,
		.cmd = info->genlhdr->cmd,
		.pids = task_active_pid_ns(current),
		.req = skb,
	};
	const struct net *net = genl_info_net(info);
	void *object;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, VHOST_TAP_A_DEVICE_ID) ||
	    (type != VTAP_NL_DEVICE &&
	     GENL_REQ_ATTR_CHECK(info, VHOST_TAP_A_QUEUE_INDEX)))
		return -EINVAL;
	if (info->attrs[vtap_nl_all_attr[type]]) {
		err = vtap_nl_check_all(skb, info->extack);
		if (err)
			return err;
		net = NULL;
	}
	msg.skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!msg.skb)
		return -ENOMEM;
	vtap_registry_lock();
	object = vtap_nl_find(info, type, net);
	err = IS_ERR(object) ? PTR_ERR(object) : vtap_nl_fill(type, &msg, object);
	vtap_registry_unlock();
	if (err) {
		nlmsg_free(msg.skb);
		return err;
	}
	return genlmsg_reply(msg.skb, info);
}

static int vtap_nl_device_get(struct sk_buff *skb, struct genl_info *info)
{
	return vtap_nl_get(skb, info, VTAP_NL_DEVICE);
}

static int vtap_nl_queue_get(struct sk_buff *skb, struct genl_info *info)
{
	return vtap_nl_get(skb, info, VTAP_NL_QUEUE);
}

static int vtap_nl_worker_get(struct sk_buff *skb, struct genl_info *info)
{
	return vtap_nl_get(skb, info, VTAP_NL_WORKER);
}

/* ---- dump ---- */

/*
 * The position of a dump: args[0] is the id of the device, args[1] the number
 * of the queue or worker. args[2] is set if the dump covers all namespaces.
 */
static int vtap_nl_start(struct netlink_callback *cb, enum vtap_nl_object type)
{
	cb->args[2] = !!nlmsg_find_attr(cb->nlh, GENL_HDRLEN,
					vtap_nl_all_attr[type]);
	return cb->args[2] ? vtap_nl_check_all(cb->skb, cb->extack) : 0;
}

static int vtap_nl_device_start(struct netlink_callback *cb)
{
	return vtap_nl_start(cb, VTAP_NL_DEVICE);
}

static int vtap_nl_queue_start(struct netlink_callback *cb)
{
	return vtap_nl_start(cb, VTAP_NL_QUEUE);
}

static int vtap_nl_worker_start(struct netlink_callback *cb)
{
	return vtap_nl_start(cb, VTAP_NL_WORKER);
}

static int vtap_nl_dump(struct sk_buff *skb, struct netlink_callback *cb,
			enum vtap_nl_object type, u8 cmd)
{
	const struct vtap_nl_msg msg = {
		.family = &vtap_nl_family,
		.skb = skb,
		.portid = NETLINK_CB(cb->skb).portid,
		.seq = cb->nlh->nlmsg_seq,
		.flags = NLM_F_MULTI,
		.cmd = cmd,
		.pids = task_active_pid_ns(current),
		.req = cb->skb,
	};
	const struct net *net = cb->args[2] ? NULL : sock_net(cb->skb->sk);
	unsigned long id = cb->args[0];
	unsigned long index = cb->args[1];
	struct vtap_dev *dev;
	void *object;
	int err = 0;

	do {
		vtap_registry_lock();
		dev = vtap_registry_next(net, &id);
		if (dev) {
			if (id != cb->args[0])
				index = 0;
			cb->args[0] = id;
			object = vtap_nl_next(type, dev, &index);
			if (object)
				err = vtap_nl_fill(type, &msg, object);
			if (!object)
				id++;
			else if (!err)
				index++;
			cb->args[1] = index;
		}
		vtap_registry_unlock();
	} while (dev && !err);
	return skb->len ?: err;
}

static int vtap_nl_device_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return vtap_nl_dump(skb, cb, VTAP_NL_DEVICE, VHOST_TAP_CMD_DEVICE_GET);
}

static int vtap_nl_queue_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return vtap_nl_dump(skb, cb, VTAP_NL_QUEUE, VHOST_TAP_CMD_QUEUE_GET);
}

static int vtap_nl_worker_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return vtap_nl_dump(skb, cb, VTAP_NL_WORKER, VHOST_TAP_CMD_WORKER_GET);
}

/* ---- set ---- */

/*
 * Read a limit, which has 32 or 64 bits as every attribute of the type uint.
 * The policies of 6.1 do not know that type.
 */
static int vtap_nl_read_limit(struct genl_info *info, int type, u64 *val)
{
	struct nlattr *attr = info->attrs[type];

	if (!attr)
		return 0;
	if (nla_len(attr) == sizeof(u32)) {
		*val = nla_get_u32(attr);
	} else if (nla_len(attr) == sizeof(u64)) {
		*val = nla_get_u64(attr);
	} else {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "not a number of 32 or 64 bits");
		return -EINVAL;
	}
	if (*val > VHOST_TAP_LIMIT_MAX) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "value out of range");
		return -ERANGE;
	}
	return 0;
}

/* Read the limit of a request, and set @mask to the values that it has. */
static int vtap_nl_parse_limit(struct genl_info *info,
			       struct vtap_limit_cfg *cfg, u32 *mask)
{
	const struct nlattr *rate = info->attrs[VHOST_TAP_A_QUEUE_RATE];

	*mask = (rate ? VTAP_LIMIT_RATE : 0) |
		(info->attrs[VHOST_TAP_A_QUEUE_PPS] ? VTAP_LIMIT_PPS : 0);
	return vtap_nl_read_limit(info, VHOST_TAP_A_QUEUE_RATE, &cfg->rate) ?:
	       vtap_nl_read_limit(info, VHOST_TAP_A_QUEUE_BURST, &cfg->burst) ?:
	       vtap_nl_read_limit(info, VHOST_TAP_A_QUEUE_PPS, &cfg->pps);
}

/*
 * A client may be root of its network namespace, for instance a VMM in a
 * container without privileges. It cannot lift a limit of the host.
 */
static enum vtap_limit_source vtap_nl_limit_source(struct sk_buff *skb)
{
	return netlink_capable(skb, CAP_NET_ADMIN) ? VTAP_LIMIT_HOST :
						     VTAP_LIMIT_NETNS;
}

static int vtap_nl_queue_set(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *busyloop =
		info->attrs[VHOST_TAP_A_QUEUE_BUSYLOOP_US];
	const struct nlattr *latency = info->attrs[VHOST_TAP_A_QUEUE_LATENCY];
	const struct nlattr *frags = info->attrs[VHOST_TAP_A_QUEUE_GSO_FRAGS];
	const struct nlattr *load = info->attrs[VHOST_TAP_A_QUEUE_LOAD];
	struct vtap_limit_cfg limit = {};
	struct vtap_queue *q;
	u32 limits;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, VHOST_TAP_A_QUEUE_DEVICE) ||
	    GENL_REQ_ATTR_CHECK(info, VHOST_TAP_A_QUEUE_INDEX))
		return -EINVAL;
	err = vtap_nl_parse_limit(info, &limit, &limits);
	if (err)
		return err;
	if (limit.burst && !limit.rate) {
		NL_SET_ERR_MSG_ATTR(info->extack,
				    info->attrs[VHOST_TAP_A_QUEUE_BURST],
				    "a burst requires a rate");
		return -EINVAL;
	}
	if (frags && nla_get_u32(frags) && !netlink_capable(skb, CAP_NET_ADMIN)) {
		NL_SET_ERR_MSG_ATTR(info->extack, frags,
				    "gso-frags=1 requires CAP_NET_ADMIN of the host");
		return -EPERM;
	}
	vtap_registry_lock();
	q = vtap_nl_find(info, VTAP_NL_QUEUE, genl_info_net(info));
	err = PTR_ERR_OR_ZERO(q);
	if (!err && latency)
		err = vtap_latency_set(q, nla_get_u32(latency));
	if (!err && load)
		err = vtap_load_set(q, nla_get_u32(load));
	if (!err && busyloop)
		vtap_queue_set_busyloop(q, nla_get_u32(busyloop));
	if (!err && frags)
		WRITE_ONCE(q->gso_frags, nla_get_u32(frags));
	if (!err && limits)
		vtap_limit_set(q, vtap_nl_limit_source(skb), &limit, limits);
	vtap_registry_unlock();
	return err;
}

static void vtap_nl_set_polling(struct vtap_dev *dev, u32 mode, u32 us)
{
	u32 busyloop_us = mode == VHOST_TAP_POLL_MODE_FIXED ? us : 0, i;
	struct vtap_queue *q;

	WRITE_ONCE(dev->adaptive_us,
		   mode == VHOST_TAP_POLL_MODE_ADAPTIVE ? us : 0);
	vtap_for_each_queue(dev, q, i)
		vtap_queue_set_busyloop(q, busyloop_us);
}

static int vtap_nl_device_set(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *poll_us = info->attrs[VHOST_TAP_A_DEVICE_POLL_US];
	u32 us = poll_us ? nla_get_u32(poll_us) : 0, mode;
	bool polls;
	struct vtap_dev *dev;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, VHOST_TAP_A_DEVICE_ID) ||
	    GENL_REQ_ATTR_CHECK(info, VHOST_TAP_A_DEVICE_POLLING))
		return -EINVAL;
	mode = nla_get_u32(info->attrs[VHOST_TAP_A_DEVICE_POLLING]);
	polls = mode != VHOST_TAP_POLL_MODE_OFF;
	if (polls != !!us) {
		NL_SET_ERR_MSG(info->extack,
			       "microseconds go with fixed and adaptive polling");
		return -EINVAL;
	}
	vtap_registry_lock();
	dev = vtap_nl_find(info, VTAP_NL_DEVICE, genl_info_net(info));
	err = PTR_ERR_OR_ZERO(dev);
	if (!err)
		vtap_nl_set_polling(dev, mode, us);
	vtap_registry_unlock();
	return err;
}

/* The CPUs belong to the host, so root of a container may not use more of them. */
static int vtap_nl_worker_set(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *tid = info->attrs[VHOST_TAP_A_WORKER_TID];
	struct vtap_worker *w;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, VHOST_TAP_A_WORKER_DEVICE) ||
	    GENL_REQ_ATTR_CHECK(info, VHOST_TAP_A_WORKER_INDEX) ||
	    GENL_REQ_ATTR_CHECK(info, VHOST_TAP_A_WORKER_TID))
		return -EINVAL;
	if (!netlink_capable(skb, CAP_NET_ADMIN)) {
		NL_SET_ERR_MSG(info->extack,
			       "worker-set requires CAP_NET_ADMIN of the host");
		return -EPERM;
	}
	vtap_registry_lock();
	w = vtap_nl_find(info, VTAP_NL_WORKER, genl_info_net(info));
	err = IS_ERR(w) ? PTR_ERR(w) :
			  vtap_shared_move(w, nla_get_u32(tid),
					   task_active_pid_ns(current));
	vtap_registry_unlock();
	if (err == -EOPNOTSUPP)
		NL_SET_ERR_MSG(info->extack, "the worker has a thread of its own");
	else if (err == -ESRCH)
		NL_SET_ERR_MSG_ATTR(info->extack, tid,
				    "not a shared thread of the worker's process");
	return err;
}

/* ---- the family ---- */

static const struct nla_policy vtap_nl_device_get_policy[] = {
	[VHOST_TAP_A_DEVICE_ID] = { .type = NLA_U32 },
	[VHOST_TAP_A_DEVICE_ALL_NAMESPACES] = { .type = NLA_FLAG },
};

static const struct nla_policy vtap_nl_queue_get_policy[] = {
	[VHOST_TAP_A_QUEUE_DEVICE] = { .type = NLA_U32 },
	[VHOST_TAP_A_QUEUE_INDEX] = { .type = NLA_U32 },
	[VHOST_TAP_A_QUEUE_ALL_NAMESPACES] = { .type = NLA_FLAG },
};

static const struct nla_policy vtap_nl_worker_get_policy[] = {
	[VHOST_TAP_A_WORKER_DEVICE] = { .type = NLA_U32 },
	[VHOST_TAP_A_WORKER_INDEX] = { .type = NLA_U32 },
	[VHOST_TAP_A_WORKER_ALL_NAMESPACES] = { .type = NLA_FLAG },
};

/* Not const, because policies of 6.1 take a pointer to non-const. */
static struct netlink_range_validation vtap_nl_busyloop_range = {
	.max = VHOST_TAP_BUSYLOOP_MAX_US,
};

static const struct nla_policy vtap_nl_device_set_policy[] = {
	[VHOST_TAP_A_DEVICE_ID] = { .type = NLA_U32 },
	[VHOST_TAP_A_DEVICE_POLLING] =
		NLA_POLICY_MAX(NLA_U32, VHOST_TAP_POLL_MODE_ADAPTIVE),
	[VHOST_TAP_A_DEVICE_POLL_US] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &vtap_nl_busyloop_range),
};

static const struct nla_policy vtap_nl_queue_set_policy[] = {
	[VHOST_TAP_A_QUEUE_DEVICE] = { .type = NLA_U32 },
	[VHOST_TAP_A_QUEUE_INDEX] = { .type = NLA_U32 },
	[VHOST_TAP_A_QUEUE_BUSYLOOP_US] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &vtap_nl_busyloop_range),
	[VHOST_TAP_A_QUEUE_LATENCY] = NLA_POLICY_MAX(NLA_U32, 1),
	[VHOST_TAP_A_QUEUE_RATE] = NLA_POLICY_MIN_LEN(sizeof(u32)),
	[VHOST_TAP_A_QUEUE_BURST] = NLA_POLICY_MIN_LEN(sizeof(u32)),
	[VHOST_TAP_A_QUEUE_PPS] = NLA_POLICY_MIN_LEN(sizeof(u32)),
	[VHOST_TAP_A_QUEUE_GSO_FRAGS] = NLA_POLICY_MAX(NLA_U32, 1),
	[VHOST_TAP_A_QUEUE_LOAD] = NLA_POLICY_MAX(NLA_U32, 1),
};

static const struct nla_policy vtap_nl_worker_set_policy[] = {
	[VHOST_TAP_A_WORKER_DEVICE] = { .type = NLA_U32 },
	[VHOST_TAP_A_WORKER_INDEX] = { .type = NLA_U32 },
	[VHOST_TAP_A_WORKER_TID] = { .type = NLA_U32 },
};

static const struct genl_ops vtap_nl_ops[] = {
	{
		.cmd = VHOST_TAP_CMD_DEVICE_GET,
		.doit = vtap_nl_device_get,
		.start = vtap_nl_device_start,
		.dumpit = vtap_nl_device_dump,
		.policy = vtap_nl_device_get_policy,
		.maxattr = ARRAY_SIZE(vtap_nl_device_get_policy) - 1,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = VHOST_TAP_CMD_DEVICE_SET,
		.doit = vtap_nl_device_set,
		.policy = vtap_nl_device_set_policy,
		.maxattr = ARRAY_SIZE(vtap_nl_device_set_policy) - 1,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = VHOST_TAP_CMD_QUEUE_GET,
		.doit = vtap_nl_queue_get,
		.start = vtap_nl_queue_start,
		.dumpit = vtap_nl_queue_dump,
		.policy = vtap_nl_queue_get_policy,
		.maxattr = ARRAY_SIZE(vtap_nl_queue_get_policy) - 1,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = VHOST_TAP_CMD_QUEUE_SET,
		.doit = vtap_nl_queue_set,
		.policy = vtap_nl_queue_set_policy,
		.maxattr = ARRAY_SIZE(vtap_nl_queue_set_policy) - 1,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = VHOST_TAP_CMD_WORKER_GET,
		.doit = vtap_nl_worker_get,
		.start = vtap_nl_worker_start,
		.dumpit = vtap_nl_worker_dump,
		.policy = vtap_nl_worker_get_policy,
		.maxattr = ARRAY_SIZE(vtap_nl_worker_get_policy) - 1,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = VHOST_TAP_CMD_WORKER_SET,
		.doit = vtap_nl_worker_set,
		.policy = vtap_nl_worker_set_policy,
		.maxattr = ARRAY_SIZE(vtap_nl_worker_set_policy) - 1,
		.flags = GENL_UNS_ADMIN_PERM,
	},
};

static const struct genl_multicast_group vtap_nl_groups[] = {
	[VTAP_NL_EVENTS] = {
		.name = VHOST_TAP_MCGRP_EVENTS,
		.flags = GENL_MCAST_CAP_NET_ADMIN,
	},
};

static struct genl_family vtap_nl_family __ro_after_init = {
	.name = VHOST_TAP_FAMILY_NAME,
	.version = VHOST_TAP_FAMILY_VERSION,
	.netnsok = true,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.ops = vtap_nl_ops,
	.n_ops = ARRAY_SIZE(vtap_nl_ops),
	.mcgrps = vtap_nl_groups,
	.n_mcgrps = ARRAY_SIZE(vtap_nl_groups),
};

/**
 * vtap_nl_init - register the family
 *
 * Return: 0 or a negative errno.
 */
int __init vtap_nl_init(void)
{
	int err = genl_register_family(&vtap_nl_family);

	if (!err)
		vtap_notify_init(&vtap_nl_family);
	return err;
}

/**
 * vtap_nl_exit - unregister the family
 */
void vtap_nl_exit(void)
{
	vtap_notify_exit();
	genl_unregister_family(&vtap_nl_family);
	vtap_latency_exit();
	vtap_load_exit();
}
