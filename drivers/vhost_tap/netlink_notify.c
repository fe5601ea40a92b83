// SPDX-License-Identifier: GPL-2.0
/*
 * netlink_notify.c - notifications of devices and of queue states
 *
 * A pass that drops a packet or breaks its ring hits a tracepoint. The probe sets a
 * flag in the queue and schedules a delayed work if the flag was clear. The work
 * reports the current state of each flagged queue, so the last state is never lost.
 * It runs at most once in NOTIFY_INTERVAL for each device and sends at most
 * NOTIFY_MAX messages, whatever a guest does.
 */
#include <linux/jiffies.h>

#include "control.h"
#include "netlink.h"
#include "registry.h"
#include "trace.h"

#define NOTIFY_INTERVAL	(HZ / 10)
#define NOTIFY_MAX		32

/* Set by vtap_notify_init(); constant while devices exist. */
static const struct genl_family *vtap_notify_family;
static bool has_probes;

static bool vtap_notify_is_unused(const struct vtap_dev *dev)
{
	return !genl_has_listeners(vtap_notify_family, dev->net, VTAP_NL_EVENTS);
}

static void vtap_notify_send(const struct vtap_dev *dev, struct sk_buff *skb,
			     int err)
{
	if (err)
		nlmsg_free(skb);
	else
		genlmsg_multicast_netns(vtap_notify_family, dev->net, skb, 0,
					VTAP_NL_EVENTS, GFP_KERNEL);
}

/**
 * vtap_notify_device - report that a device got or lost its owner
 * @dev: device
 * @has_owner: the device has an owner now
 *
 * Context: vtap_dev.lock held.
 */
void vtap_notify_device(struct vtap_dev *dev, bool has_owner)
{
	struct vtap_nl_msg msg = {
		.family = vtap_notify_family,
		.cmd = has_owner ? VHOST_TAP_CMD_DEVICE_ADD_NTF :
				   VHOST_TAP_CMD_DEVICE_DEL_NTF,
	};
	int err;

	lockdep_assert_held(&dev->lock);
	if (vtap_notify_is_unused(dev))
		return;
	msg.skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!msg.skb)
		return;
	err = has_owner ? vtap_nl_fill_device(&msg, dev) :
			  vtap_nl_fill_device_id(&msg, dev);
	vtap_notify_send(dev, msg.skb, err);
}

/* Send the notification of a queue that is due. */
static void vtap_notify_send_due(struct vtap_dev *dev, struct vtap_queue *q)
{
	struct vtap_nl_msg msg = {
		.family = vtap_notify_family,
		.cmd = VHOST_TAP_CMD_QUEUE_NTF,
	};
	int err = -ENODEV;

	/*
	 * A state change after this needs another message. Pairs with the full
	 * barrier in vtap_notify_queue().
	 */
	xchg(&q->notify_due, 0);
	msg.skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!msg.skb)
		return;
	vtap_registry_lock();
	if (dev->is_registered)
		err = vtap_nl_fill_queue(&msg, q);
	vtap_registry_unlock();
	vtap_notify_send(dev, msg.skb, err);
}

static void vtap_notify_run(struct work_struct *work)
{
	struct vtap_dev *dev = container_of(to_delayed_work(work),
					    struct vtap_dev, notify_work);
	u32 i, nr = vtap_nr_queues(dev), from = dev->notify_from;
	int nr_sent = 0;

	WRITE_ONCE(dev->notify_next, jiffies + NOTIFY_INTERVAL);
	/* Start where the last round stopped: each queue gets its turn. */
	for (i = 0; i < nr && nr_sent <= NOTIFY_MAX; i++) {
		u32 index = (from + i) % nr;
		struct vtap_queue *q = vtap_queue_at(dev, index);

		if (!READ_ONCE(q->notify_due))
			continue;
		if (nr_sent++ == NOTIFY_MAX)
			dev->notify_from = index;
		else
			vtap_notify_send_due(dev, q);
	}
	if (nr_sent > NOTIFY_MAX)
		schedule_delayed_work(&dev->notify_work, NOTIFY_INTERVAL);
}

/*
 * Report a state change or a dropped packet. Any context that may take a spinlock.
 * Tracepoints pass the queue as const, but this file owns @notify_due.
 */
static void vtap_notify_queue(const struct vtap_queue *queue)
{
	struct vtap_queue *q = (struct vtap_queue *)queue;
	struct vtap_dev *dev = q->dev;
	unsigned long now = jiffies, next;

	if (!READ_ONCE(dev->is_registered) || vtap_notify_is_unused(dev))
		return;
	/*
	 * Write the state before reading @notify_due. Pairs with the xchg()
	 * that clears it before the state is read: either the pending work
	 * sends this state, or the flag is clear and another work follows.
	 */
	smp_mb();
	if (READ_ONCE(q->notify_due) || xchg(&q->notify_due, 1))
		return;
	next = READ_ONCE(dev->notify_next);
	/* If @notify_next is in the past, or jiffies wrapped, run now. */
	schedule_delayed_work(&dev->notify_work,
			      next - now <= NOTIFY_INTERVAL ? next - now : 0);
}

static void vtap_notify_on_state(void *unused, const struct vtap_queue *q,
				 enum vtap_queue_state from,
				 enum vtap_queue_state to)
{
	vtap_notify_queue(q);
}

static void vtap_notify_on_fault(void *unused, const struct vtap_queue *q,
				 enum vtap_fault fault)
{
	vtap_notify_queue(q);
}

/**
 * vtap_notify_open - initialize the notifications of a new device
 * @dev: device, zeroed
 */
void vtap_notify_open(struct vtap_dev *dev)
{
	dev->notify_next = jiffies;
	INIT_DELAYED_WORK(&dev->notify_work, vtap_notify_run);
}

/**
 * vtap_notify_stop - stop the notifications of a device
 * @dev: device, not listed, without workers and armed hooks
 */
void vtap_notify_stop(struct vtap_dev *dev)
{
	struct vtap_queue *q;
	u32 i;

	lockdep_assert_held(&dev->lock);
	cancel_delayed_work_sync(&dev->notify_work);
	vtap_for_each_queue(dev, q, i)
		q->notify_due = 0;
}

/**
 * vtap_notify_init - register the probes
 * @family: the netlink family, registered
 *
 * A kernel without tracepoints does not have notifications of queues.
 */
void vtap_notify_init(const struct genl_family *family)
{
	vtap_notify_family = family;
	if (register_trace_vtap_state(vtap_notify_on_state, NULL))
		return;
	if (register_trace_vtap_fault(vtap_notify_on_fault, NULL)) {
		unregister_trace_vtap_state(vtap_notify_on_state, NULL);
		return;
	}
	has_probes = true;
}

/**
 * vtap_notify_exit - unregister the probes; no devices exist any more
 */
void vtap_notify_exit(void)
{
	if (!has_probes)
		return;
	unregister_trace_vtap_fault(vtap_notify_on_fault, NULL);
	unregister_trace_vtap_state(vtap_notify_on_state, NULL);
}
