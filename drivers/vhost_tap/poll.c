// SPDX-License-Identifier: GPL-2.0
/*
 * poll.c - hooks in the wait queues of kick eventfds and sockets
 *
 * A hook turns a kick of the guest, a packet in the socket or room in it into a
 * pending bit of the queue's worker. It runs in the context of the writer.
 */
#include <linux/file.h>

#include "trace.h"
#include "vtap.h"

/*
 * Check whether a wake-up of the socket means work. A starved RX queue
 * continues after a kick, a throttled one when its timer expires, and a TX queue
 * waits for the socket only while it is blocked.
 */
static bool vtap_poll_sock_wakeup_matters(const struct vtap_queue *q)
{
	if (q->dir == VTAP_RX)
		return !READ_ONCE(q->starved) && !READ_ONCE(q->throttled);
	return READ_ONCE(q->blocked);
}

/* Context: any, with the wait queue's lock held. */
static int vtap_poll_wakeup(wait_queue_entry_t *wait, unsigned int mode,
			    int sync, void *key)
{
	struct vtap_poll *p = container_of(wait, struct vtap_poll, wait);
	struct vtap_queue *q = p->queue;
	__poll_t events = key_to_poll(key);

	lockdep_assert_held(&p->wqh->lock);
	/* A wake-up without a key may be for any event. */
	if (events && !(events & (p->mask | EPOLLERR | EPOLLHUP)))
		return 0;
	if (p == &q->kick_poll)
		vtap_count(&q->stats, kicks);
	/*
	 * The lock was taken after the packet was added or room was made. The
	 * barrier orders that, and the count above, before the reads below of
	 * @starved, @throttled, @blocked and the pending bit. It pairs with the
	 * full barrier after the write of each: vtap_rx_enable_wakeups(),
	 * vtap_limit_release(), vtap_tx_block(), and xchg() in
	 * vtap_worker_serve_word().
	 */
	smp_mb__after_spinlock();
	if (p == &q->kick_poll)
		trace_vtap_kick(q);
	else if (vtap_poll_sock_wakeup_matters(q))
		trace_vtap_wake(q);
	else
		return 0;
	vtap_worker_wake(p->worker, vtap_work_bit(q, VTAP_WORK_WAKE));
	return 0;
}

static void vtap_poll_attach(struct file *file, wait_queue_head_t *wqh,
			     poll_table *table)
{
	struct vtap_poll *p = container_of(table, struct vtap_poll, table);

	/* An eventfd or socket has one wait queue; ignore a second one. */
	if (p->wqh)
		return;
	p->wqh = wqh;
	add_wait_queue(wqh, &p->wait);
}

/**
 * vtap_poll_init - initialize a hook
 * @p: hook
 * @q: queue that it wakes
 * @mask: EPOLL* events that matter
 */
void vtap_poll_init(struct vtap_poll *p, struct vtap_queue *q, __poll_t mask)
{
	init_waitqueue_func_entry(&p->wait, vtap_poll_wakeup);
	init_poll_funcptr(&p->table, vtap_poll_attach);
	p->table._key = mask;
	p->wqh = NULL;
	p->queue = q;
	p->mask = mask;
}

/**
 * vtap_poll_arm - add a hook to the wait queue of a file
 * @p: hook that is not armed
 * @file: eventfd, tap or socket; the caller keeps it until the hook is disarmed
 *
 * Wakes the worker if the file is ready already.
 *
 * Return: 0, or -EINVAL if the file is in error (a tun without a device).
 */
int vtap_poll_arm(struct vtap_poll *p, struct file *file)
{
	__poll_t mask;

	lockdep_assert_held(&p->queue->dev->lock);
	mask = vfs_poll(file, &p->table);
	if (mask & EPOLLERR) {
		vtap_poll_disarm(p);
		return -EINVAL;
	}
	if (mask & p->mask)
		vtap_worker_wake(p->worker,
				 vtap_work_bit(p->queue, VTAP_WORK_WAKE));
	return 0;
}

/**
 * vtap_poll_disarm - remove a hook from its wait queue
 * @p: hook; nothing happens if it is not armed
 *
 * No callback runs after this returns.
 */
void vtap_poll_disarm(struct vtap_poll *p)
{
	lockdep_assert_held(&p->queue->dev->lock);
	if (!p->wqh)
		return;
	remove_wait_queue(p->wqh, &p->wait);
	p->wqh = NULL;
}

/**
 * vtap_poll_retarget - change the worker that a hook wakes
 * @p: hook, armed or not
 * @w: new worker
 *
 * The hook does not wake the former worker after this returns.
 */
void vtap_poll_retarget(struct vtap_poll *p, struct vtap_worker *w)
{
	unsigned long flags;

	lockdep_assert_held(&p->queue->dev->lock);
	if (!p->wqh) {
		p->worker = w;
		return;
	}
	/* The callback runs under this lock. */
	spin_lock_irqsave(&p->wqh->lock, flags);
	p->worker = w;
	spin_unlock_irqrestore(&p->wqh->lock, flags);
}
