// SPDX-License-Identifier: GPL-2.0
/*
 * iotlb_miss.c - report addresses that the device IOTLB does not map
 *
 * A queue has at most one outstanding miss. The pass that meets an unmapped
 * address records it here and stops; the client reads the miss from the node,
 * and its answer (iotlb_msg.c) wakes the queue. A pass that reports and a client
 * that answers run at the same time and look at two things in opposite order:
 *
 *   pass: report the miss; look the      client: add the mapping; look for a
 *         address up again                       miss that it answers
 *
 * Both do so under vtap_dev.miss_lock and vtap_iotlb.lock, so one of them sees
 * what the other did and no answer is lost.
 */
#include "trace.h"
#include "vtap.h"

/* Write once: vtap_queue_begin() reads the state without the lock. */
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
 * The queue has no passes until the client answers.
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
 * vtap_miss_requeue - offer a miss that was read to the next reader
 * @q: queue; nothing happens if its miss is answered or was not read
 *
 * Either copying the miss to a reader failed, or a kick woke the queue while
 * its miss was open: a client that could not answer tells nobody, and by
 * now its IOMMU may map the address.
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
