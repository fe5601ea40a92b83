// SPDX-License-Identifier: GPL-2.0
/*
 * iotlb_miss.c - report addresses that the device IOTLB does not map
 *
 * A queue has at most one outstanding miss. A pass that meets an unmapped address
 * records the miss and ends. The client reads it from the node, and its answer
 * (iotlb_msg.c) wakes the queue. Report and answer may run at the same time:
 *
 *   pass: record the miss, then look     client: add the mapping, then look for
 *         the address up again                   a miss that it answers
 *
 * The miss is accessed under vtap_dev.miss_lock, the mapping under
 * vtap_iotlb.lock. So one side sees what the other did, and no answer is lost.
 */
#include "trace.h"
#include "vtap.h"

/* WRITE_ONCE() because vtap_queue_begin() reads the state without the lock. */
static void vtap_miss_set_state(struct vtap_queue *q,
				enum vtap_miss_state state)
{
	lockdep_assert_held(&q->dev->miss_lock);
	WRITE_ONCE(q->miss.state, state);
}

/**
 * vtap_miss_cancel - withdraw a queue's miss
 * @q: queue
 */
void vtap_miss_cancel(struct vtap_queue *q)
{
	spin_lock(&q->dev->miss_lock);
	vtap_miss_set_state(q, VTAP_MISS_NONE);
	spin_unlock(&q->dev->miss_lock);
}

/**
 * vtap_miss_report - report the address that was not mapped to the client
 * @q: queue whose translation gave -EAGAIN; its lock is held
 *
 * No pass runs on the queue until the client answers.
 */
void vtap_miss_report(struct vtap_queue *q)
{
	const struct vtap_tlb *tlb = q->mem.tlb;
	struct vtap_dev *dev = q->dev;
	struct vtap_mapping found;

	lockdep_assert_held(&q->lock);
	vtap_count(&q->stats, iotlb_misses);
	trace_vtap_iotlb_miss(q, tlb->miss_iova, tlb->miss_perm);

	spin_lock(&dev->miss_lock);
	q->miss.iova = tlb->miss_iova;
	q->miss.perm = tlb->miss_perm;
	vtap_miss_set_state(q, VTAP_MISS_QUEUED);
	spin_unlock(&dev->miss_lock);

	if (vtap_iotlb_find(tlb->table, tlb->miss_iova, &found)) {
		vtap_miss_cancel(q);
		q->requeue = true;
		return;
	}
	wake_up_interruptible_poll(&dev->miss_wait, EPOLLIN | EPOLLRDNORM);
}

/**
 * vtap_miss_requeue - report a miss again that a client has read
 * @q: queue; nothing happens if its miss was answered, or not read yet
 *
 * Called if the miss could not be copied to its reader, and after a kick: a client
 * does not answer a miss that its IOMMU does not map, which may have changed.
 */
void vtap_miss_requeue(struct vtap_queue *q)
{
	bool open;

	spin_lock(&q->dev->miss_lock);
	open = q->miss.state == VTAP_MISS_READ;
	if (open)
		vtap_miss_set_state(q, VTAP_MISS_QUEUED);
	spin_unlock(&q->dev->miss_lock);
	if (open)
		wake_up_interruptible_poll(&q->dev->miss_wait,
					   EPOLLIN | EPOLLRDNORM);
}
