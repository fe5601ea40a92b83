// SPDX-License-Identifier: GPL-2.0
/*
 * news.c - notifications: devices come and go, queues change their state
 *
 * Read before: netlink.h.
 *
 * A pass only sets a bit and, if none is, queues a delayed work. The work tells
 * the state of the queues that have the bit as it finds it, so the last state is
 * never lost; it runs no more often than VTAP_NEWS_INTERVAL for a device and
 * tells of so many queues at a time, whatever a guest does.
 */
#include <linux/jiffies.h>

#include "control.h"
#include "netlink.h"

#define VTAP_NEWS_INTERVAL	(HZ / 10)
#define VTAP_NEWS_MAX		32

static bool nobody_listens(const struct vtap_dev *dev)
{
	return !genl_has_listeners(&vtap_nl_family, dev->net, VTAP_NL_EVENTS);
}

/* Send a message that was filled, or free it. */
static void tell(const struct vtap_dev *dev, struct sk_buff *skb, int err)
{
	if (err)
		nlmsg_free(skb);
	else
		genlmsg_multicast_netns(&vtap_nl_family, dev->net, skb, 0,
					VTAP_NL_EVENTS, GFP_KERNEL);
}

/**
 * vtap_news_device - a device came or went
 * @dev: device, locked
 * @is_there: it has an owner
 */
void vtap_news_device(struct vtap_dev *dev, bool is_there)
{
	struct vtap_nl_to to = {
		.cmd = is_there ? VHOST_TAP_CMD_DEVICE_ADD_NTF :
				  VHOST_TAP_CMD_DEVICE_DEL_NTF,
	};

	if (nobody_listens(dev))
		return;
	to.skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!to.skb)
		return;
	tell(dev, to.skb, is_there ? vtap_nl_fill_device(&to, dev) :
				     vtap_nl_fill_gone(&to, dev));
}

static void tell_queue(struct vtap_dev *dev, struct vtap_queue *q)
{
	struct vtap_nl_to to = { .cmd = VHOST_TAP_CMD_QUEUE_NTF };
	int err = -ENODEV;

	/* Cleared first: what happens from here on is news again. */
	xchg(&q->has_news, 0);
	to.skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!to.skb)
		return;
	vtap_nl_lock();
	if (dev->listed)
		err = vtap_nl_fill_queue(&to, q);
	vtap_nl_unlock();
	tell(dev, to.skb, err);
}

static void news_work(struct work_struct *work)
{
	struct vtap_dev *dev = container_of(to_delayed_work(work),
					    struct vtap_dev, news);
	u32 i, nr = vtap_nr_queues(dev), from = dev->news_from;
	int told = 0;

	WRITE_ONCE(dev->news_next, jiffies + VTAP_NEWS_INTERVAL);
	/* Each round begins where the last one ended: all get their turn. */
	for (i = 0; i < nr && told <= VTAP_NEWS_MAX; i++) {
		u32 at = (from + i) % nr;
		struct vtap_queue *q = vtap_queue_at(dev, at);

		if (!READ_ONCE(q->has_news))
			continue;
		if (told++ == VTAP_NEWS_MAX)
			dev->news_from = at;
		else
			tell_queue(dev, q);
	}
	if (told > VTAP_NEWS_MAX)
		schedule_delayed_work(&dev->news, VTAP_NEWS_INTERVAL);
}

/**
 * vtap_news_queue - a queue changed its state or dropped a packet
 * @q: queue
 *
 * Context: any that may take a spinlock.
 */
void vtap_news_queue(struct vtap_queue *q)
{
	struct vtap_dev *dev = q->dev;
	unsigned long now = jiffies, next;

	if (READ_ONCE(q->has_news) || !READ_ONCE(dev->listed) ||
	    nobody_listens(dev) || xchg(&q->has_news, 1))
		return;
	next = READ_ONCE(dev->news_next);
	/* Long ago, or a clock that has wrapped: at once. */
	schedule_delayed_work(&dev->news,
			      next - now <= VTAP_NEWS_INTERVAL ? next - now : 0);
}

/**
 * vtap_news_init - prepare a new device
 * @dev: device, zeroed
 */
void vtap_news_init(struct vtap_dev *dev)
{
	dev->news_next = jiffies;
	INIT_DELAYED_WORK(&dev->news, news_work);
}

/**
 * vtap_news_stop - no more notifications of a device
 * @dev: device, off the list; its workers and hooks are gone
 */
void vtap_news_stop(struct vtap_dev *dev)
{
	struct vtap_queue *q;
	u32 i;

	cancel_delayed_work_sync(&dev->news);
	vtap_for_each_queue(dev, q, i)
		q->has_news = 0;
}
