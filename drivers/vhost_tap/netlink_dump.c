// SPDX-License-Identifier: GPL-2.0
/*
 * netlink_dump.c - messages that describe a device, a queue or a worker
 *
 * The message of a queue with all faults and the largest numbers has about 2.5
 * KiB, which fits GENLMSG_DEFAULT_SIZE.
 *
 * These functions take no lock that a pass holds, because a pass that waits for
 * guest memory would block all readers. Counters may thus be a pass apart. Only a
 * limit has a spinlock, which a pass holds for a moment. The name of an interface
 * needs the lock of the interface, and RTNL.
 */
#include <linux/ktime.h>
#include <linux/vhost_tap.h>
#include <net/net_namespace.h>

#include "backend/backend.h"
#include "busypoll.h"
#include "netlink.h"
#include "registry.h"
#include "shared_thread.h"
#include "thread.h"

static_assert(VTAP_POLL_MAX_US == VHOST_TAP_BUSYLOOP_MAX_US);
static_assert(VTAP_BUCKET_MAX == VHOST_TAP_LIMIT_MAX);
static_assert((int)VTAP_RX == VHOST_TAP_DIRECTION_RX);
static_assert((int)VTAP_TX == VHOST_TAP_DIRECTION_TX);
static_assert((int)VTAP_STOPPED == VHOST_TAP_STATE_STOPPED);
static_assert((int)VTAP_RUNNING == VHOST_TAP_STATE_RUNNING);
static_assert((int)VTAP_BROKEN == VHOST_TAP_STATE_BROKEN);
static_assert((int)VHOST_TAP_WORKER_PER_PAIR == VHOST_TAP_WORKER_LAYOUT_PAIR);
static_assert((int)VHOST_TAP_WORKER_PER_VRING ==
	      VHOST_TAP_WORKER_LAYOUT_DIRECTION);
static_assert((int)VHOST_TAP_WORKERS_SHARED == VHOST_TAP_WORKER_LAYOUT_SHARED);
static_assert((int)VTAP_BACKEND_NONE == VHOST_TAP_BACKEND_NONE);
static_assert((int)VTAP_BACKEND_TAP == VHOST_TAP_BACKEND_TUN);
static_assert((int)VTAP_BACKEND_MACVTAP == VHOST_TAP_BACKEND_MACVTAP);
static_assert((int)VTAP_BACKEND_PACKET == VHOST_TAP_BACKEND_PACKET);

/* A message does not have room for all queues of a worker. */
#define MAX_WORKER_QUEUES	256

static void *vtap_nl_begin(const struct vtap_nl_msg *msg)
{
	return genlmsg_put(msg->skb, msg->portid, msg->seq, msg->family,
			   msg->flags, msg->cmd);
}

static int vtap_nl_end(const struct vtap_nl_msg *msg, void *head, int failed)
{
	if (failed) {
		genlmsg_cancel(msg->skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(msg->skb, head);
	return 0;
}

static int vtap_nl_put_flag(struct sk_buff *skb, int type, bool set)
{
	return set ? nla_put_flag(skb, type) : 0;
}

static int vtap_nl_put_owner(const struct vtap_nl_msg *msg,
			     const struct vtap_dev *dev)
{
	pid_t nr = msg->pids ? vtap_process_pid(dev->owner, msg->pids) : 0;

	return nr ? nla_put_u32(msg->skb, VHOST_TAP_A_DEVICE_OWNER_PID, nr) : 0;
}

static int vtap_nl_put_tid(const struct vtap_nl_msg *msg,
			   const struct vtap_worker *w)
{
	pid_t nr = msg->pids ? vtap_thread_pid(READ_ONCE(w->thread), msg->pids) : 0;

	return nr ? nla_put_u32(msg->skb, VHOST_TAP_A_WORKER_TID, nr) : 0;
}

static u32 vtap_nl_nr_workers(struct vtap_dev *dev)
{
	unsigned long id;
	u32 nr = 0;
	void *w;

	xa_for_each(&dev->workers, id, w)
		nr++;
	return nr;
}

static int vtap_nl_put_layout(struct sk_buff *skb, const struct vtap_dev *dev)
{
	return nla_put_u32(skb, VHOST_TAP_A_DEVICE_WORKER_LAYOUT,
			   READ_ONCE(dev->layout_is_custom) ?
			   VHOST_TAP_WORKER_LAYOUT_BY_HAND : dev->layout);
}

static int vtap_nl_put_polling(struct sk_buff *skb, const struct vtap_dev *dev)
{
	enum vhost_tap_poll_mode mode = VHOST_TAP_POLL_MODE_ADAPTIVE;
	u32 us = READ_ONCE(dev->adaptive_us), i;
	const struct vtap_queue *q;

	if (!us) {
		vtap_for_each_queue(dev, q, i)
			us = max(us, READ_ONCE(q->busyloop_us));
		us = min(us, VTAP_POLL_MAX_US);
		mode = us ? VHOST_TAP_POLL_MODE_FIXED : VHOST_TAP_POLL_MODE_OFF;
	}
	return nla_put_u32(skb, VHOST_TAP_A_DEVICE_POLLING, mode) ||
	       nla_put_u32(skb, VHOST_TAP_A_DEVICE_POLL_US, us);
}

/**
 * vtap_nl_fill_device - add a message that describes a device
 * @msg: message to add
 * @dev: device, listed
 *
 * Context: vtap_registry_lock() held, or vtap_dev.lock for a device that was
 * listed just now.
 * Return: 0 or -EMSGSIZE.
 */
int vtap_nl_fill_device(const struct vtap_nl_msg *msg, struct vtap_dev *dev)
{
	const struct vtap_queue *q = vtap_queue_at(dev, 0);
	struct sk_buff *skb = msg->skb;
	void *head = vtap_nl_begin(msg);
	int failed;

	vtap_registry_assert_stays(dev);
	if (!head)
		return -EMSGSIZE;
	failed = nla_put_u32(skb, VHOST_TAP_A_DEVICE_ID, dev->id) ||
		 vtap_nl_put_owner(msg, dev) ||
		 nla_put_uint(skb, VHOST_TAP_A_DEVICE_NETNS_COOKIE,
			      vtap_net_cookie(dev->net)) ||
		 nla_put_u32(skb, VHOST_TAP_A_DEVICE_NR_QUEUES,
			     vtap_nr_queues(dev)) ||
		 nla_put_u32(skb, VHOST_TAP_A_DEVICE_NR_WORKERS,
			     vtap_nl_nr_workers(dev)) ||
		 nla_put_uint(skb, VHOST_TAP_A_DEVICE_FEATURES,
			      READ_ONCE(dev->features[0])) ||
		 nla_put_uint(skb, VHOST_TAP_A_DEVICE_FEATURES_HI,
			      READ_ONCE(dev->features[1])) ||
		 vtap_nl_put_flag(skb, VHOST_TAP_A_DEVICE_IOTLB,
				  READ_ONCE(q->ring_cfg.iotlb)) ||
		 vtap_nl_put_flag(skb, VHOST_TAP_A_DEVICE_DIRTY_LOG,
				  READ_ONCE(q->dirty.payload)) ||
		 nla_put_u32(skb, VHOST_TAP_A_DEVICE_MEMORY_REGIONS,
			     READ_ONCE(dev->nr_regions)) ||
		 vtap_nl_put_layout(skb, dev) ||
		 vtap_nl_put_polling(skb, dev);
	return vtap_nl_end(msg, head, failed);
}

/**
 * vtap_nl_fill_device_id - add a message with the id of a device only
 * @msg: message to add
 * @dev: device
 *
 * Return: 0 or -EMSGSIZE.
 */
int vtap_nl_fill_device_id(const struct vtap_nl_msg *msg,
			   const struct vtap_dev *dev)
{
	void *head = vtap_nl_begin(msg);

	if (!head)
		return -EMSGSIZE;
	return vtap_nl_end(msg, head,
			   nla_put_u32(msg->skb, VHOST_TAP_A_DEVICE_ID, dev->id));
}

static int vtap_nl_put_counters(struct sk_buff *skb,
				const struct vtap_stats *st)
{
#define OFFSET(name, doc)	offsetof(struct vtap_stats, name),
	static const u16 offset[] = { VTAP_COUNTERS(OFFSET, OFFSET) };
#undef OFFSET
	struct nlattr *nest = nla_nest_start(skb, VHOST_TAP_A_QUEUE_COUNTERS);
	int i;

	/* The attributes are numbered in the order of VTAP_COUNTERS. */
	BUILD_BUG_ON(ARRAY_SIZE(offset) != VHOST_TAP_A_COUNTERS_MAX);
	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < ARRAY_SIZE(offset); i++) {
		const u64 *count = (const void *)st + offset[i];

		if (nla_put_uint(skb, i + 1, READ_ONCE(*count)))
			return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

static int vtap_nl_put_fault(struct sk_buff *skb, enum vtap_fault fault,
			     u64 count)
{
	struct nlattr *nest = nla_nest_start(skb, VHOST_TAP_A_QUEUE_FAULTS);

	if (!nest || nla_put_string(skb, VHOST_TAP_A_FAULT_NAME,
				    vtap_fault_name(fault)) ||
	    nla_put_uint(skb, VHOST_TAP_A_FAULT_COUNT, count))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int vtap_nl_put_faults(struct sk_buff *skb, const struct vtap_stats *st)
{
	enum vtap_fault fault;

	for (fault = VTAP_FAULT_NONE + 1; fault < VTAP_NR_FAULTS; fault++) {
		u64 count = READ_ONCE(st->fault[fault]);

		if (count && vtap_nl_put_fault(skb, fault, count))
			return -EMSGSIZE;
	}
	return 0;
}

static int vtap_nl_put_state(struct sk_buff *skb, const struct vtap_queue *q)
{
	enum vtap_queue_state state = READ_ONCE(q->state);
	enum vtap_fault fault = READ_ONCE(q->ring.fault);

	if (nla_put_u32(skb, VHOST_TAP_A_QUEUE_STATE, state))
		return -EMSGSIZE;
	if (state != VTAP_BROKEN)
		return 0;
	return nla_put_string(skb, VHOST_TAP_A_QUEUE_FAULT,
			      vtap_fault_name(fault)) ||
	       nla_put_string(skb, VHOST_TAP_A_QUEUE_FAULT_MEANS,
			      vtap_fault_doc(fault));
}

/*
 * May wait for RTNL, never for a pass. A guest can cause notifications, so these
 * do not sum up the counters of all CPUs under RTNL.
 */
static int vtap_nl_put_interface(const struct vtap_nl_msg *msg,
				 struct vtap_queue *q)
{
	struct vtap_interface_drops drops = {};
	struct vtap_interface_id id;
	struct sk_buff *skb = msg->skb;

	vtap_interface_get(&q->interface, msg->req, &id,
			   msg->req ? &drops : NULL);
	if (!id.name[0])
		return 0;
	if (nla_put_string(skb, VHOST_TAP_A_QUEUE_IFNAME, id.name))
		return -EMSGSIZE;
	if (!id.ifindex)
		return 0;
	return nla_put_u32(skb, VHOST_TAP_A_QUEUE_IFINDEX, id.ifindex) ||
	       nla_put_uint(skb, VHOST_TAP_A_QUEUE_IF_NETNS_COOKIE,
			    id.net_cookie) ||
	       (drops.is_known &&
		nla_put_uint(skb, VHOST_TAP_A_QUEUE_IF_DROPPED,
			     q->dir == VTAP_RX ? drops.to_guest :
						 drops.from_guest));
}

static int vtap_nl_put_backend(const struct vtap_nl_msg *msg,
			       struct vtap_queue *q)
{
	enum vtap_backend_kind kind = READ_ONCE(q->backend.kind);
	struct sk_buff *skb = msg->skb;

	if (nla_put_u32(skb, VHOST_TAP_A_QUEUE_BACKEND, kind))
		return -EMSGSIZE;
	return kind != VTAP_BACKEND_NONE &&
	       (nla_put_u32(skb, VHOST_TAP_A_QUEUE_BACKEND_FD,
			    READ_ONCE(q->backend_fd)) ||
		vtap_nl_put_interface(msg, q));
}

/* Chains, or descriptors of a packed ring, that a pass saw but did not take. */
static u32 vtap_nl_avail_depth(const struct vtap_ring *r)
{
	/* data_race(): the worker stores them without a mark, and an old index will do. */
	u16 from = data_race(READ_ONCE(r->last_avail));
	/* data_race(): as above */
	u16 to = data_race(READ_ONCE(r->avail_idx));

	return READ_ONCE(r->packed) ? vtap_packed_distance(r, from, to) :
				      (u16)(to - from);
}

static int vtap_nl_put_starved(struct sk_buff *skb, const struct vtap_queue *q)
{
	u64 since;

	/* Pairs with the release in rx.c: @starved_at is set before. */
	if (!smp_load_acquire(&q->starved))
		return 0;
	since = READ_ONCE(q->starved_at);
	return nla_put_flag(skb, VHOST_TAP_A_QUEUE_STARVED) ||
	       nla_put_uint(skb, VHOST_TAP_A_QUEUE_STARVED_FOR_NS,
			    ktime_get_ns() - since);
}

/* Attributes that a stopped queue does not have. */
static int vtap_nl_put_ring_load(struct sk_buff *skb, const struct vtap_queue *q)
{
	if (READ_ONCE(q->state) == VTAP_STOPPED)
		return 0;
	return nla_put_u32(skb, VHOST_TAP_A_QUEUE_DEPTH,
			   vtap_nl_avail_depth(&q->ring)) ||
	       vtap_nl_put_starved(skb, q) ||
	       vtap_nl_put_flag(skb, VHOST_TAP_A_QUEUE_BLOCKED,
				READ_ONCE(q->blocked)) ||
	       vtap_nl_put_flag(skb, VHOST_TAP_A_QUEUE_THROTTLED,
				READ_ONCE(q->throttled));
}

/* A limit that is not set is left out. */
static int vtap_nl_put_limit(struct sk_buff *skb, struct vtap_queue *q)
{
	struct vtap_limit_cfg cfg;

	vtap_limit_get(q, &cfg);
	return (cfg.rate &&
		(nla_put_uint(skb, VHOST_TAP_A_QUEUE_RATE, cfg.rate) ||
		 nla_put_uint(skb, VHOST_TAP_A_QUEUE_BURST, cfg.burst))) ||
	       (cfg.pps &&
		nla_put_uint(skb, VHOST_TAP_A_QUEUE_PPS, cfg.pps));
}

static int vtap_nl_put_worker(struct sk_buff *skb, const struct vtap_queue *q)
{
	const struct vtap_worker *w = READ_ONCE(q->worker);

	return w ? nla_put_u32(skb, VHOST_TAP_A_QUEUE_WORKER, w->id) : 0;
}

static int vtap_nl_put_list(struct sk_buff *skb, int type, const u64 *val,
			    int nr)
{
	int i, failed = 0;

	for (i = 0; i < nr && !failed; i++)
		failed = nla_put_uint(skb, type, READ_ONCE(val[i]));
	return failed;
}

static int vtap_nl_put_latency(struct sk_buff *skb, const struct vtap_queue *q)
{
	const struct vtap_latency *l = &q->latency;

	if (nla_put_u32(skb, VHOST_TAP_A_QUEUE_LATENCY, READ_ONCE(l->is_on)))
		return -EMSGSIZE;
	if (!READ_ONCE(l->is_on))
		return 0;
	return vtap_nl_put_list(skb, VHOST_TAP_A_QUEUE_KICK_TO_DONE,
				l->kick_to_done, VTAP_LATENCY_BUCKETS) ||
	       vtap_nl_put_list(skb, VHOST_TAP_A_QUEUE_WAKE_TO_CALL,
				l->wake_to_call, VTAP_LATENCY_BUCKETS);
}

static int vtap_nl_put_load(struct sk_buff *skb, const struct vtap_queue *q)
{
	bool is_on = READ_ONCE(q->load.is_on);

	return nla_put_u32(skb, VHOST_TAP_A_QUEUE_LOAD, is_on) ||
	       (is_on && nla_put_uint(skb, VHOST_TAP_A_QUEUE_BUSY_NS,
				      READ_ONCE(q->load.busy_ns)));
}

static int vtap_nl_put_frags(struct sk_buff *skb, const struct vtap_queue *q)
{
	return q->dir == VTAP_TX ? nla_put_u32(skb, VHOST_TAP_A_QUEUE_GSO_FRAGS,
					       READ_ONCE(q->gso_frags)) : 0;
}

/**
 * vtap_nl_fill_queue - add a message that describes a queue
 * @msg: message to add
 * @q: queue of a listed device
 *
 * Context: vtap_registry_lock() held. May wait for RTNL.
 * Return: 0 or -EMSGSIZE.
 */
int vtap_nl_fill_queue(const struct vtap_nl_msg *msg, struct vtap_queue *q)
{
	struct sk_buff *skb = msg->skb;
	void *head = vtap_nl_begin(msg);
	int failed;

	vtap_registry_assert_held();
	if (!head)
		return -EMSGSIZE;
	failed = nla_put_u32(skb, VHOST_TAP_A_QUEUE_DEVICE, q->dev->id) ||
		 nla_put_u32(skb, VHOST_TAP_A_QUEUE_INDEX, q->index) ||
		 nla_put_u32(skb, VHOST_TAP_A_QUEUE_DIRECTION, q->dir) ||
		 vtap_nl_put_state(skb, q) ||
		 vtap_nl_put_backend(msg, q) ||
		 nla_put_u32(skb, VHOST_TAP_A_QUEUE_SIZE,
			     READ_ONCE(q->ring_cfg.num)) ||
		 vtap_nl_put_ring_load(skb, q) ||
		 nla_put_u32(skb, VHOST_TAP_A_QUEUE_BUSYLOOP_US,
			     READ_ONCE(q->busyloop_us)) ||
		 vtap_nl_put_worker(skb, q) ||
		 vtap_nl_put_counters(skb, &q->stats) ||
		 vtap_nl_put_faults(skb, &q->stats) ||
		 vtap_nl_put_list(skb, VHOST_TAP_A_QUEUE_BATCH_SIZES,
				  q->stats.batch_size, VTAP_BATCH_SIZES) ||
		 nla_put_uint(skb, VHOST_TAP_A_QUEUE_IOTLB_LOOKUPS,
			      READ_ONCE(q->mem.lookups)) ||
		 vtap_nl_put_latency(skb, q) ||
		 vtap_nl_put_load(skb, q) ||
		 vtap_nl_put_limit(skb, q) ||
		 vtap_nl_put_frags(skb, q);
	return vtap_nl_end(msg, head, failed);
}

static int vtap_nl_put_node(struct sk_buff *skb, int node)
{
	return node == NUMA_NO_NODE ? 0 :
	       nla_put_u32(skb, VHOST_TAP_A_WORKER_NODE, node);
}

static int vtap_nl_put_usage(struct sk_buff *skb, const struct vtap_worker *w)
{
	struct vtap_thread_usage u;

	if (!vtap_thread_usage(READ_ONCE(w->thread), &u))
		return 0;
	return nla_put_uint(skb, VHOST_TAP_A_WORKER_RUN_NS, u.run_ns) ||
	       (u.has_wait &&
		nla_put_uint(skb, VHOST_TAP_A_WORKER_WAIT_NS, u.wait_ns)) ||
	       nla_put_u32(skb, VHOST_TAP_A_WORKER_CPU, u.cpu);
}

/* The threads that the worker can move to, if its thread is a shared one. */
static int vtap_nl_put_shared(const struct vtap_nl_msg *msg,
			      const struct vtap_worker *w)
{
	u32 tids[VTAP_SHARED_MAX], nr, i;
	int failed = 0;

	nr = msg->pids ? vtap_shared_tids(w, tids, msg->pids) : 0;
	for (i = 0; i < nr && !failed; i++)
		failed = nla_put_u32(msg->skb, VHOST_TAP_A_WORKER_SHARED_TIDS,
				     tids[i]);
	return failed;
}

/**
 * vtap_nl_fill_worker - add a message that describes a worker
 * @msg: message to add
 * @w: worker of a listed device
 *
 * Context: vtap_registry_lock() held.
 * Return: 0 or -EMSGSIZE.
 */
int vtap_nl_fill_worker(const struct vtap_nl_msg *msg,
			const struct vtap_worker *w)
{
	struct sk_buff *skb = msg->skb;
	void *head = vtap_nl_begin(msg);
	struct vtap_queue *q;
	int failed, nr_listed = 0;
	u32 i;

	vtap_registry_assert_held();
	if (!head)
		return -EMSGSIZE;
	failed = nla_put_u32(skb, VHOST_TAP_A_WORKER_DEVICE, w->dev->id) ||
		 nla_put_u32(skb, VHOST_TAP_A_WORKER_INDEX, w->id) ||
		 vtap_nl_put_tid(msg, w) ||
		 vtap_nl_put_node(skb, READ_ONCE(w->node)) ||
		 vtap_nl_put_usage(skb, w) ||
		 vtap_nl_put_shared(msg, w);
	vtap_for_each_queue(w->dev, q, i) {
		if (READ_ONCE(q->worker) == w &&
		    nr_listed++ < MAX_WORKER_QUEUES)
			failed = failed ||
				 nla_put_u32(skb, VHOST_TAP_A_WORKER_QUEUES, i);
	}
	return vtap_nl_end(msg, head, failed);
}
