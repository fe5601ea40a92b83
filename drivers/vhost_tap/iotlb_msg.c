// SPDX-License-Identifier: GPL-2.0
/*
 * iotlb_msg.c - the device IOTLB's conversation with the client
 *
 * The client reads misses from the node (VHOST_IOTLB_MISS, iotlb_miss.c) and
 * writes mappings to it (VHOST_IOTLB_UPDATE, VHOST_IOTLB_INVALIDATE). An update
 * wakes the queues that wait for it.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "control.h"

#define MSG_SIZE	sizeof(struct vhost_msg)

/* There is a mapping for [first, last] now: wake who waits for it. */
static void vtap_msg_wake_queues(struct vtap_dev *dev, u64 first, u64 last)
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
			/* Pairs with the worker's xchg of its bits. */
			smp_mb();
			vtap_queue_wake(q);
		}
	}
}

static void vtap_msg_invalidate_queues(struct vtap_dev *dev, u64 first,
				       u64 last)
{
	struct vtap_queue *q;
	u32 i;

	vtap_for_each_queue(dev, q, i)
		vtap_queue_invalidate(q, first, last);
}

static int vtap_msg_update(struct vtap_dev *dev,
			   const struct vhost_iotlb_msg *m)
{
	u64 last = m->iova + (m->size - 1);
	struct vtap_queue *q;
	bool stale;
	u32 i;

	if (last < m->iova ||
	    !access_ok((void __user *)(unsigned long)m->uaddr, m->size))
		return -EFAULT;
	stale = vtap_iotlb_add(dev->iotlb, m->iova, last, m->uaddr,
			       m->perm & VHOST_ACCESS_RW);
	/* A queue that a mapping was too narrow for may go on, too. */
	vtap_for_each_queue(dev, q, i)
		stale |= READ_ONCE(q->state) == VTAP_BROKEN;
	if (stale)
		vtap_msg_invalidate_queues(dev, m->iova, last);
	vtap_msg_wake_queues(dev, m->iova, last);
	return 0;
}

/*
 * A size of 0 comes from a client that takes everything back and for whom 2^64
 * does not fit the field. What would wrap ends at the top: to forget too much
 * is never wrong.
 */
static int vtap_msg_invalidate(struct vtap_dev *dev,
			       const struct vhost_iotlb_msg *m)
{
	u64 last = m->iova + (m->size - 1);

	if (last < m->iova || !m->size)
		last = U64_MAX;
	vtap_iotlb_del(dev->iotlb, m->iova, last);
	vtap_msg_invalidate_queues(dev, m->iova, last);
	return 0;
}

static int vtap_msg_handle(struct vtap_dev *dev,
			   const struct vhost_iotlb_msg *m)
{
	int err = -EFAULT;

	if (vtap_dev_lock(dev))
		return -EINTR;
	if (dev->mm && dev->mm != current->mm) {
		err = -EPERM;
	} else if (dev->iotlb) {
		if (m->type == VHOST_IOTLB_UPDATE)
			err = vtap_msg_update(dev, m);
		else if (m->type == VHOST_IOTLB_INVALIDATE)
			err = vtap_msg_invalidate(dev, m);
	}
	vtap_dev_unlock(dev);
	return err;
}

/* Both forms of the message have a 32-bit type, 4 bytes that we do not need,
 * and the same contents; what follows is padding, which may be missing.
 */
static int vtap_msg_write_one(struct vtap_dev *dev, struct iov_iter *from)
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
	return vtap_msg_handle(dev, &m);
}

/**
 * vtap_iotlb_write - take messages from the client
 * @dev: device
 * @from: one or more struct vhost_msg or vhost_msg_v2, 72 bytes each; the
 *	padding of the last may be missing
 *
 * Return: bytes consumed; -EINVAL a short or unknown message, or an update of
 * size 0; -EFAULT no IOTLB in use, an unknown request, addresses that wrap or
 * are no user memory; -EPERM the caller is not the owner. With several
 * messages an error is told only if it is in the first.
 */
ssize_t vtap_iotlb_write(struct vtap_dev *dev, struct iov_iter *from)
{
	ssize_t done = 0;

	do {
		size_t before = iov_iter_count(from);
		size_t len = min(before, MSG_SIZE);
		int err = vtap_msg_write_one(dev, from);

		if (err)
			return done ?: err;
		iov_iter_advance(from, len - (before - iov_iter_count(from)));
		done += len;
		cond_resched();
	} while (iov_iter_count(from) && !signal_pending(current));
	return done;
}

/* Take the next question, if any. */
static struct vtap_queue *vtap_msg_take_miss(struct vtap_dev *dev,
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
 * vtap_iotlb_read - give the client a question
 * @dev: device
 * @to: room for a struct vhost_msg or, by the acked backend features, a struct
 *	vhost_msg_v2: 72 bytes
 * @nonblock: do not wait for one
 *
 * Return: 72; 0 @to is too small; -EAGAIN there is none; -EBADFD there is no
 * IOTLB and none is waited for; -EFAULT; -ERESTARTSYS.
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
	/* Paddings included: all of it is the reader's. */
	memset(&msg, 0, sizeof(msg));
	memset(&m, 0, sizeof(m));
	q = vtap_msg_take_miss(dev, &m);
	if (!q && nonblock)
		return -EAGAIN;
	if (!q) {
		err = wait_event_interruptible(dev->miss_wait,
					       (q = vtap_msg_take_miss(dev, &m)) ||
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
 * vtap_iotlb_poll - is there a question?
 * @dev: device
 * @file: its file
 * @wait: from vfs_poll()
 *
 * Return: EPOLLIN | EPOLLRDNORM if so.
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
 * vtap_iotlb_enable - guest addresses are I/O virtual from now on
 * @dev: device, locked; its queues may be running
 *
 * The table starts empty, also when there was one: a client that acks features
 * anew has not told us what it took back while it was away.
 *
 * Return: 0 or -ENOMEM, and nothing has changed.
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
		vtap_msg_invalidate_queues(dev, 0, U64_MAX);
		return 0;
	}
	table = vtap_iotlb_new();
	tlb = kvcalloc(vtap_nr_queues(dev), sizeof(*tlb), GFP_KERNEL_ACCOUNT);
	if (!table || !tlb)
		goto err_free;
	vtap_for_each_queue(dev, q, i) {
		tlb[i] = kvmalloc(sizeof(*tlb[i]), GFP_KERNEL_ACCOUNT);
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
 * vtap_iotlb_disable - guest addresses are physical from now on
 * @dev: device, locked; its queues may be running
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
