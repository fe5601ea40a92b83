// SPDX-License-Identifier: GPL-2.0
/*
 * worker.c - the thread of a device: who has work, who is next, when to sleep
 *
 * Read before: vtap.h, adapt.h. Read next: tx.c, rx.c.
 *
 * The worker knows nothing of packets. Callbacks set bits in the pending
 * word; the worker takes them all at once and gives each queue with a bit one
 * pass. A bit that is set during a pass is found in the next round, so no
 * wake-up is lost: set bit, wake on one side; TASK_INTERRUPTIBLE, look at the
 * bits on the other.
 */
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>

#include "adapt.h"
#include "backend/backend.h"
#include "task.h"
#include "vtap.h"

/**
 * vtap_worker_wake - leave a note for the worker and wake it
 * @w: worker, running or not yet
 * @bit: VTAP_WORK_* bit number
 *
 * Context: any.
 */
void vtap_worker_wake(struct vtap_worker *w, u8 bit)
{
	/* Under load the bit is mostly set: no locked access, no wake-up. */
	if (test_bit(bit, &w->pending) || test_and_set_bit(bit, &w->pending))
		return;
	vtap_task_wake(w->task);
}

/* Give a queue a pass if one of its bits is in @pending. */
static void serve(struct vtap_dev *dev, unsigned long pending,
		  enum vtap_dir dir)
{
	struct vtap_queue *q = &dev->queue[dir];
	enum vtap_verdict verdict;

	if (!(pending & VTAP_WORK_ALL(dir)))
		return;
	if (unlikely(READ_ONCE(q->miss.state)) &&
	    pending & (BIT(VTAP_WORK_KICK(dir)) | BIT(VTAP_WORK_SOCK(dir))))
		vtap_queue_ask_again(q);
	verdict = dir == VTAP_TX ? vtap_tx(q) : vtap_rx(q);
	if (verdict == VTAP_MORE)
		set_bit(VTAP_WORK_AGAIN(dir), &dev->worker.pending);
}

/*
 * Has the queue something to do that no bit told us of yet? A queue that
 * waits for the other side is asked for what it waits for only, or polling
 * would find the same useless work for ever. A broken ring counts as work: the
 * pass tells the client.
 */
static bool has_work(struct vtap_queue *q)
{
	bool found = false;

	mutex_lock(&q->lock);
	if (q->state == VTAP_RUNNING && !q->parked && q->ring.mapped &&
	    !READ_ONCE(q->miss.state)) {
		if (q->dir == VTAP_TX || q->starved)
			found = vtap_ring_has_news(&q->ring,
						   q->ring.packed) != 0;
		else
			found = vtap_backend_peek(&q->backend) != 0;
	}
	mutex_unlock(&q->lock);
	return found;
}

/*
 * Busy polling (VHOST_SET_VRING_BUSYLOOP_TIMEOUT): look at both queues until
 * one has work or the time is up. The locks are taken for each look only.
 */
static void poll_a_while(struct vtap_dev *dev)
{
	struct vtap_adapt spell;

	if (!vtap_adapt_begin(&spell, local_clock(),
			      READ_ONCE(dev->queue[VTAP_RX].busyloop_us),
			      READ_ONCE(dev->queue[VTAP_TX].busyloop_us)))
		return;

	while (!READ_ONCE(dev->worker.pending) &&
	       vtap_adapt_go_on(&spell, local_clock(),
				need_resched() || signal_pending(current))) {
		if (has_work(&dev->queue[VTAP_TX]))
			set_bit(VTAP_WORK_AGAIN(VTAP_TX), &dev->worker.pending);
		else if (has_work(&dev->queue[VTAP_RX]))
			set_bit(VTAP_WORK_AGAIN(VTAP_RX), &dev->worker.pending);
		else
			cpu_relax();
	}
}

/**
 * vtap_worker_run - one round of the worker
 * @data: the struct vtap_dev
 *
 * Called in TASK_INTERRUPTIBLE; leaves the task running when it did work.
 *
 * Return: true if there may be more to do, false to sleep until woken.
 */
bool vtap_worker_run(void *data)
{
	struct vtap_dev *dev = data;
	unsigned long pending;

	if (!READ_ONCE(dev->worker.pending))
		return false;
	__set_current_state(TASK_RUNNING);

	pending = xchg(&dev->worker.pending, 0);
	serve(dev, pending, VTAP_TX);
	serve(dev, pending, VTAP_RX);

	if (!READ_ONCE(dev->worker.pending))
		poll_a_while(dev);
	cond_resched();
	return true;
}
