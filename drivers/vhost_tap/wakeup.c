// SPDX-License-Identifier: GPL-2.0
/*
 * wakeup.c - pending bits: tell a worker that one of its queues has work
 *
 * A leaf of the datapath. Kick and socket callbacks, passes and control code
 * all wake workers through this file. A bit in vtap_worker.pending stands for
 * one reason to run one queue. The waker sets the bit and then wakes the
 * thread; the worker announces that it will sleep (TASK_INTERRUPTIBLE) and then
 * checks the bits, so no wake-up is lost.
 */
#include "thread.h"
#include "vtap.h"

/**
 * vtap_worker_wake - set a pending bit of a worker and wake it
 * @w: worker
 * @bit: from vtap_work_bit()
 *
 * Context: any.
 */
void vtap_worker_wake(struct vtap_worker *w, u32 bit)
{
	/*
	 * Under load the bit is mostly set: no locked access, no wake-up. Whoever
	 * set it wakes the worker, whose xchg() in vtap_worker_serve_word() comes before it
	 * looks at the queue. So what the wake-up is about must be visible before
	 * this look: by a lock that the pass takes as well (q->lock), or by a
	 * full barrier of the caller (vtap_poll_wakeup(), iotlb_msg.c).
	 */
	if (test_bit(bit, w->pending) || test_and_set_bit(bit, w->pending))
		return;
	vtap_thread_wake(w->thread);
}

/**
 * vtap_worker_is_pending - does a worker have pending bits?
 * @w: worker
 *
 * Context: the worker's thread.
 * Return: true if so.
 */
bool vtap_worker_is_pending(const struct vtap_worker *w)
{
	u32 i;

	vtap_for_each_word(w, i) {
		if (READ_ONCE(w->pending[i]))
			return true;
	}
	return false;
}

/**
 * vtap_worker_has_more - is there work besides the pass in hand?
 * @w: worker
 *
 * Context: a pass of this worker.
 * Return: true if another queue waits, a bit was set for this one, or the
 * worker is to end.
 */
bool vtap_worker_has_more(const struct vtap_worker *w)
{
	return w->others_wait || vtap_worker_is_pending(w) || READ_ONCE(w->stop);
}

/**
 * vtap_worker_requeue - have a queue served once more
 * @w: the worker whose pass was cut short
 * @q: its queue
 *
 * The worker that has the queue by now does it, or a queue under load would
 * never leave its former worker.
 *
 * Context: @w's thread; no queue is locked.
 */
void vtap_worker_requeue(struct vtap_worker *w, struct vtap_queue *q)
{
	u32 bit = vtap_work_bit(q, VTAP_WORK_REQUEUED);

	if (likely(READ_ONCE(q->worker) == w)) {
		set_bit(bit, w->pending);
		return;
	}
	/* The worker of a queue is not freed while the queue is locked. */
	mutex_lock(&q->lock);
	if (q->worker)
		vtap_worker_wake(q->worker, bit);
	mutex_unlock(&q->lock);
}

/**
 * vtap_queue_wake - have a queue's worker give it a pass
 * @q: queue; nothing happens without owner
 *
 * Context: vtap_dev.lock held.
 */
void vtap_queue_wake(struct vtap_queue *q)
{
	lockdep_assert_held(&q->dev->lock);
	if (q->worker)
		vtap_worker_wake(q->worker,
				 vtap_work_bit(q, VTAP_WORK_REQUEUED));
}

/**
 * vtap_queue_tid - which thread serves a queue?
 * @q: queue; its lock, or vtap_dev.lock, is held
 * @ns: PID namespace of the reader
 *
 * Return: as vtap_thread_pid(); 0 without owner.
 */
pid_t vtap_queue_tid(const struct vtap_queue *q, struct pid_namespace *ns)
{
	lockdep_assert(lockdep_is_held(&q->lock) ||
		       lockdep_is_held(&q->dev->lock));
	return q->worker ? vtap_thread_pid(q->worker->thread, ns) : 0;
}

/**
 * vtap_workers_config_changed - have workers reread their queues' settings
 * @dev: device; the change is made
 *
 * Each worker caches the settings that every round needs, so that a round need
 * not go through all queues. The next round starts by refreshing that cache.
 */
void vtap_workers_config_changed(struct vtap_dev *dev)
{
	/* Pairs with the acquire in vtap_worker_find_queues(). */
	atomic_fetch_inc_release(&dev->config_gen);
}

/**
 * vtap_queue_set_busyloop - set how long a queue's worker polls
 * @q: queue
 * @us: microseconds, 0 not at all
 */
void vtap_queue_set_busyloop(struct vtap_queue *q, u32 us)
{
	WRITE_ONCE(q->busyloop_us, us);
	vtap_workers_config_changed(q->dev);
}
