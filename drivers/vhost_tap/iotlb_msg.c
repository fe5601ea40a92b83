// SPDX-License-Identifier: GPL-2.0
/* iotlb_msg.c - messages between the device IOTLB and the client */
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "control.h"

#define MSG_SIZE	sizeof(struct vhost_msg)

/* Wake the queues whose miss lies in [first, last], which is mapped now. */
static void vtap_iotlb_msg_wake_queues(struct vtap_dev *dev, u64 first, u64 last)
{
	struct vtap_queue *q;
	u32 i;

	vtap_for_each_queue(dev, q, i) {
		bool hit;

		spin_lock(&dev->miss_lock);
		hit = q->miss.state && q->miss.iova >= first &&
		      q->miss.iova <= last;
		if (hit)
			WRITE_ONCE(q->miss.state, VTAP_MISS_NONE);
		spin_unlock(&dev->miss_lock);
		if (hit) {
			/*
			 * The miss is answered before the pending bit is read.
			 * Pairs with the xchg() in vtap_worker_serve_word().
			 */
			smp_mb();
			vtap_queue_wake(q);
		}
	}
}

static void vtap_iotlb_msg_invalidate_queues(struct vtap_dev *dev, u64 first,
					     u64 last)
{
	struct vtap_queue *q;
	u32 i;

	vtap_for_each_queue(dev, q, i)
		vtap_queue_invalidate(q, first, last);
}

static int vtap_iotlb_msg_update(struct vtap_dev *dev,
				 const struct vhost_iotlb_msg *m)
{
	u64 last = m->iova + (m->size - 1);
	struct vtap_queue *q;
	bool stale;
	u32 i;

	if (last < m->iova || !vtap_user_range_ok(m->uaddr, m->size))
		return -EFAULT;
	stale = vtap_iotlb_add(dev->iotlb, m->iova, last, m->uaddr,
			       m->perm & VHOST_ACCESS_RW);
	/* A wider mapping may recover a broken queue. */
	vtap_for_each_queue(dev, q, i)
		stale |= READ_ONCE(q->state) == VTAP_BROKEN;
	if (stale)
		vtap_iotlb_msg_invalidate_queues(dev, m->iova, last);
	vtap_iotlb_msg_wake_queues(dev, m->iova, last);
	return 0;
}

/*
 * Size 0 invalidates up to the top, because 2^64 does not fit the field. So
 * does a size that wraps: dropping too much is always safe.
 */
static int vtap_iotlb_msg_invalidate(struct vtap_dev *dev,
				     const struct vhost_iotlb_msg *m)
{
	u64 last = m->iova + (m->size - 1);

	if (last < m->iova || !m->size)
		last = U64_MAX;
	vtap_iotlb_del(dev->iotlb, m->iova, last);
	vtap_iotlb_msg_invalidate_queues(dev, m->iova, last);
	return 0;
}

static int vtap_iotlb_msg_handle(struct vtap_dev *dev,
				 const struct vhost_iotlb_msg *m)
{
	int err = -EFAULT;

	if (vtap_dev_lock(dev))
		return -EINTR;
	if (dev->mm && dev->mm != current->mm) {
		err = -EPERM;
	} else if (dev->iotlb) {
		if (m->type == VHOST_IOTLB_UPDATE)
			err = vtap_iotlb_msg_update(dev, m);
		else if (m->type == VHOST_IOTLB_INVALIDATE)
			err = vtap_iotlb_msg_invalidate(dev, m);
	}
	vtap_dev_unlock(dev);
	return err;
}

/*
 * Both versions of the message have a 32-bit type, 4 unused bytes, and the same
 * contents. The padding behind them may be missing.
 */
static int vtap_iotlb_msg_write_one(struct vtap_dev *dev, struct iov_iter *from)
{
	struct vhost_iotlb_msg m;
	u32 type, unused;

	if (copy_from_iter(&type, sizeof(type), from) != sizeof(type))
		return -EINVAL;
	if (type != VHOST_IOTLB_MSG && type != VHOST_IOTLB_MSG_V2)
		return -EINVAL;
	if (copy_from_iter(&unused, sizeof(unused), from) != sizeof(unused) ||
	    copy_from_iter(&m, sizeof(m), from) != sizeof(m))
		return -EINVAL;
	if (m.type == VHOST_IOTLB_UPDATE && !m.size)
		return -EINVAL;
	return vtap_iotlb_msg_handle(dev, &m);
}

/**
 * vtap_iotlb_write - handle messages from the client
 * @dev: device
 * @from: one or more struct vhost_msg or vhost_msg_v2 of 72 bytes; the padding
 *	of the last one may be missing
 *
 * Context: Process context. Takes vtap_dev.lock for each message and waits for
 * passes in progress.
 * Return: the number of bytes consumed, or a negative errno if the first
 * message fails:
 *
 * * -EINVAL: the message is short or of unknown type, or an update of size 0.
 * * -EFAULT: the IOTLB is not in use, the request is unknown, or an address
 *   range wraps or lies outside user memory.
 * * -EPERM: the caller is not the owner.
 * * -EINTR: the caller is being killed.
 */
ssize_t vtap_iotlb_write(struct vtap_dev *dev, struct iov_iter *from)
{
	ssize_t done = 0;

	do {
		size_t before = iov_iter_count(from);
		size_t len = min(before, MSG_SIZE);
		int err = vtap_iotlb_msg_write_one(dev, from);

		if (err)
			return done ?: err;
		iov_iter_advance(from, len - (before - iov_iter_count(from)));
		done += len;
		cond_resched();
	} while (iov_iter_count(from) && !signal_pending(current));
	return done;
}

/* Take the next unread miss. Returns its queue, or NULL. */
static struct vtap_queue *vtap_iotlb_msg_take_miss(struct vtap_dev *dev,
						   struct vhost_iotlb_msg *m)
{
	struct vtap_queue *taken = NULL, *q;
	u32 i;

	spin_lock(&dev->miss_lock);
	vtap_for_each_queue(dev, q, i) {
		if (q->miss.state != VTAP_MISS_QUEUED)
			continue;
		WRITE_ONCE(q->miss.state, VTAP_MISS_READ);
		m->iova = q->miss.iova;
		m->perm = q->miss.perm;
		m->type = VHOST_IOTLB_MISS;
		taken = q;
		break;
	}
	spin_unlock(&dev->miss_lock);
	return taken;
}

/**
 * vtap_iotlb_read - copy a miss to the client
 * @dev: device
 * @to: room for 72 bytes: a struct vhost_msg_v2 if the client acked
 *	VHOST_BACKEND_F_IOTLB_MSG_V2, else a struct vhost_msg
 * @nonblock: return -EAGAIN instead of waiting for a miss
 *
 * Context: Process context, without vtap_dev.lock.
 * Return: 72, 0 if @to is too small, or a negative errno:
 *
 * * -EAGAIN: @nonblock is set and there is no miss.
 * * -EBADFD: the IOTLB is not in use.
 * * -EFAULT: @to cannot be written. The next reader gets the miss.
 * * -ERESTARTSYS: a signal is pending.
 */
ssize_t vtap_iotlb_read(struct vtap_dev *dev, struct iov_iter *to,
			bool nonblock)
{
	union {
		struct vhost_msg v1;
		struct vhost_msg_v2 v2;
	} msg;
	struct vhost_iotlb_msg m;
	struct vtap_queue *q;
	int err;

	BUILD_BUG_ON(sizeof(msg) != MSG_SIZE);
	if (iov_iter_count(to) < MSG_SIZE)
		return 0;
	/* Clear the padding, which user space gets to see. */
	memset(&msg, 0, sizeof(msg));
	memset(&m, 0, sizeof(m));
	q = vtap_iotlb_msg_take_miss(dev, &m);
	if (!q && nonblock)
		return -EAGAIN;
	if (!q) {
		err = wait_event_interruptible(dev->miss_wait,
					       (q = vtap_iotlb_msg_take_miss(dev, &m)) ||
					       !READ_ONCE(dev->iotlb));
		if (err)
			return err;
		if (!q)
			return -EBADFD;
	}

	if (READ_ONCE(dev->backend_features) &
	    BIT_ULL(VHOST_BACKEND_F_IOTLB_MSG_V2)) {
		msg.v2.type = VHOST_IOTLB_MSG_V2;
		memcpy(&msg.v2.iotlb, &m, sizeof(m));
	} else {
		msg.v1.type = VHOST_IOTLB_MSG;
		memcpy(&msg.v1.iotlb, &m, sizeof(m));
	}
	if (copy_to_iter(&msg, MSG_SIZE, to) != MSG_SIZE) {
		vtap_miss_requeue(q);
		return -EFAULT;
	}
	return MSG_SIZE;
}

/**
 * vtap_iotlb_poll - check for an unread miss
 * @dev: device
 * @file: file of @dev
 * @wait: from vfs_poll()
 *
 * Context: Process context, without vtap_dev.lock.
 * Return: EPOLLIN | EPOLLRDNORM if there is one, else 0.
 */
__poll_t vtap_iotlb_poll(struct vtap_dev *dev, struct file *file,
			 poll_table *wait)
{
	struct vtap_queue *q;
	__poll_t mask = 0;
	u32 i;

	poll_wait(file, &dev->miss_wait, wait);
	vtap_for_each_queue(dev, q, i) {
		if (READ_ONCE(q->miss.state) == VTAP_MISS_QUEUED)
			mask = EPOLLIN | EPOLLRDNORM;
	}
	return mask;
}

/**
 * vtap_iotlb_enable - translate guest addresses with an empty IOTLB
 * @dev: device; its queues may be running
 *
 * An existing IOTLB is emptied: the client may have dropped mappings while it
 * did not use the device.
 *
 * Context: vtap_dev.lock held. Waits for passes in progress.
 * Return: 0, or -ENOMEM, in which case nothing has changed.
 */
int vtap_iotlb_enable(struct vtap_dev *dev)
{
	struct vtap_iotlb *table;
	struct vtap_tlb **tlb;
	struct vtap_queue *q;
	u32 i;

	lockdep_assert_held(&dev->lock);
	if (dev->iotlb) {
		vtap_iotlb_clear(dev->iotlb);
		vtap_iotlb_msg_invalidate_queues(dev, 0, U64_MAX);
		return 0;
	}
	table = vtap_iotlb_new();
	tlb = kvcalloc(vtap_nr_queues(dev), sizeof(*tlb), VTAP_GFP);
	if (!table || !tlb)
		goto err_free;
	vtap_for_each_queue(dev, q, i) {
		tlb[i] = kvmalloc(sizeof(*tlb[i]), VTAP_GFP);
		if (!tlb[i])
			goto err_free_tlbs;
		vtap_tlb_init(tlb[i], table);
	}
	WRITE_ONCE(dev->iotlb, table);
	vtap_for_each_queue(dev, q, i)
		kvfree(vtap_queue_set_tlb(q, tlb[i]));
	kvfree(tlb);
	return 0;

err_free_tlbs:
	while (i--)
		kvfree(tlb[i]);
err_free:
	kvfree(tlb);
	vtap_iotlb_free(table);
	return -ENOMEM;
}

/**
 * vtap_iotlb_disable - translate guest addresses with the memory table
 * @dev: device; its queues may be running
 *
 * Wakes readers of the file, which return -EBADFD.
 *
 * Context: vtap_dev.lock held. Waits for passes in progress.
 */
void vtap_iotlb_disable(struct vtap_dev *dev)
{
	struct vtap_iotlb *table = dev->iotlb;
	struct vtap_queue *q;
	u32 i;

	lockdep_assert_held(&dev->lock);
	if (!table)
		return;
	vtap_for_each_queue(dev, q, i)
		kvfree(vtap_queue_set_tlb(q, NULL));
	WRITE_ONCE(dev->iotlb, NULL);
	vtap_iotlb_free(table);
	wake_up_interruptible_poll(&dev->miss_wait, EPOLLIN | EPOLLRDNORM);
}
