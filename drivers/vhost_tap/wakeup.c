// SPDX-License-Identifier: GPL-2.0
/*
 * wakeup.c - set pending bits of a worker and wake it
 *
 * A waker sets a bit of vtap_worker.pending and then wakes the thread. The worker
 * sets TASK_INTERRUPTIBLE and then checks the bits, so no wake-up is lost.
 */
#include "shared_thread.h"
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
	 * Under load the bit is mostly set, and the test avoids a locked
	 * access. The setter of the bit wakes the worker, whose xchg() in
	 * vtap_worker_serve_word() precedes the pass. The reason for the
	 * wake-up must therefore be visible before this test: by a lock that
	 * the pass takes as well (q->lock), or by a full barrier of the caller
	 * (vtap_poll_wakeup(), iotlb_msg.c).
	 */
	if (test_bit(bit, w->pending) || test_and_set_bit(bit, w->pending))
		return;
	vtap_thread_wake(READ_ONCE(w->thread));
}

/**
 * vtap_worker_is_pending - check for pending bits
 * @w: worker
 *
 * Context: the worker's thread.
 * Return: true if a bit is set.
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
 * vtap_worker_may_run - check whether a shared thread should run a worker
 * @w: worker
 *
 * Context: the worker's thread; vtap_shared_thread.lock held.
 * Return: true if the worker has work, and is neither interrupted nor leaving.
 */
bool vtap_worker_may_run(const struct vtap_worker *w)
{
	lockdep_assert_held(&w->shared->lock);
	return !w->is_interrupted && !w->is_leaving &&
	       (w->is_last || vtap_worker_is_pending(w));
}

/**
 * vtap_worker_sibling_has_work - check whether another worker needs the thread
 * @w: worker with a shared thread
 *
 * Context: the worker's thread, in a round of @w.
 * Return: true if another worker of the thread has work.
 */
bool vtap_worker_sibling_has_work(const struct vtap_worker *w)
{
	struct vtap_shared_thread *t = w->shared;
	const struct vtap_worker *other;
	bool has_work = false;

	spin_lock(&t->lock);
	list_for_each_entry(other, &t->workers, shared_entry) {
		has_work = other != w && vtap_worker_may_run(other);
		if (has_work)
			break;
	}
	spin_unlock(&t->lock);
	return has_work;
}

/**
 * vtap_worker_has_more - check for work other than the current pass
 * @w: worker
 *
 * Context: a pass of this worker.
 * Return: true if another queue waits, a bit is pending, the worker must stop, or
 * another worker needs the thread.
 */
bool vtap_worker_has_more(const struct vtap_worker *w)
{
	return w->others_wait || vtap_worker_is_pending(w) ||
	       READ_ONCE(w->stop) ||
	       (w->shared && vtap_worker_sibling_has_work(w));
}

/**
 * vtap_worker_requeue - schedule another pass of a queue
 * @w: worker that served the last pass
 * @q: queue
 *
 * The queue's current worker runs the pass. Otherwise a queue under load would
 * stay with its former worker after a move.
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
 * vtap_queue_wake - schedule a pass of a queue
 * @q: queue; nothing happens without an owner
 */
void vtap_queue_wake(struct vtap_queue *q)
{
	lockdep_assert_held(&q->dev->lock);
	if (q->worker)
		vtap_worker_wake(q->worker,
				 vtap_work_bit(q, VTAP_WORK_REQUEUED));
}

/**
 * vtap_queue_tid - thread ID of the worker that serves a queue
 * @q: queue; its lock, or vtap_dev.lock, is held
 * @ns: PID namespace of the reader
 *
 * Return: as vtap_thread_pid(); 0 without an owner.
 */
pid_t vtap_queue_tid(const struct vtap_queue *q, struct pid_namespace *ns)
{
	lockdep_assert(lockdep_is_held(&q->lock) ||
		       lockdep_is_held(&q->dev->lock));
	return q->worker ? vtap_thread_pid(READ_ONCE(q->worker->thread), ns) : 0;
}

/**
 * vtap_workers_config_changed - make workers reread the settings of their queues
 * @dev: device whose settings have changed
 *
 * Each worker caches the settings that a round needs. Its next round refreshes
 * them.
 */
void vtap_workers_config_changed(struct vtap_dev *dev)
{
	/* Pairs with the acquire in vtap_worker_reread_config(). */
	atomic_fetch_inc_release(&dev->config_gen);
}

/**
 * vtap_queue_set_busyloop - set how long a queue's worker polls
 * @q: queue
 * @us: microseconds; 0 for no polling
 *
 * Context: Any. Takes no lock: of two callers, the last one decides.
 */
void vtap_queue_set_busyloop(struct vtap_queue *q, u32 us)
{
	WRITE_ONCE(q->busyloop_us, us);
	vtap_workers_config_changed(q->dev);
}
