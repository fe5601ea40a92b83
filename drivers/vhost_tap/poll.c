// SPDX-License-Identifier: GPL-2.0
/*
 * poll.c - hooks in the wait queues of kick eventfds and sockets
 *
 * A hook turns a guest's kick, or a packet or room in the backend's socket, into
 * a pending bit of the queue's worker. It runs in the context of whoever
 * writes the eventfd or feeds the socket.
 */
#include <linux/file.h>

#include "trace.h"
#include "vtap.h"

/*
 * Does a wake-up of the socket lead to work? RX without guest buffers goes on
 * with a kick, and TX waits for room only when it was refused some.
 */
static bool vtap_poll_sock_wakeup_matters(const struct vtap_queue *q)
{
	if (q->dir == VTAP_RX)
		return !READ_ONCE(q->starved);
	return READ_ONCE(q->blocked);
}

/* In the context of whoever writes the eventfd or feeds the tap: any. */
static int vtap_poll_wakeup(wait_queue_entry_t *wait, unsigned int mode,
			    int sync, void *key)
{
	struct vtap_poll *p = container_of(wait, struct vtap_poll, wait);
	struct vtap_queue *q = p->queue;
	__poll_t events = key_to_poll(key);

	/* No key is a wake-up of everybody: look. */
	if (events && !(events & (p->mask | EPOLLERR | EPOLLHUP)))
		return 0;
	if (p == &q->kick_poll)
		vtap_count(&q->stats, kicks);
	/*
	 * The wait queue's lock was taken after the packet was put into the ring
	 * or room was made. What is read from here on (@starved, @blocked, the
	 * pending bit) is read after that, and the kick's count, became visible.
	 * Pairs with the barrier behind the write of each: vtap_rx_enable_wakeups(),
	 * vtap_tx_block(), the worker's xchg().
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

	/* One hook, one queue: what polls on two is no eventfd or socket. */
	if (p->wqh)
		return;
	p->wqh = wqh;
	add_wait_queue(wqh, &p->wait);
}

/**
 * vtap_poll_init - prepare a hook
 * @p: hook
 * @q: whose queue it wakes
 * @mask: EPOLL* events that count
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
 * vtap_poll_arm - hang the hook into a file's wait queue
 * @p: hook, not armed
 * @file: eventfd, tap or socket; the caller keeps it until disarmed
 *
 * What the file already has to offer counts as a first wake-up.
 *
 * Context: process context, vtap_dev.lock held.
 * Return: 0, or -EINVAL when the file is in error (a tun without device).
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
 * vtap_poll_disarm - take the hook out
 * @p: hook; nothing happens when it is not armed
 *
 * No callback runs once this returns.
 */
void vtap_poll_disarm(struct vtap_poll *p)
{
	if (!p->wqh)
		return;
	remove_wait_queue(p->wqh, &p->wait);
	p->wqh = NULL;
}

/**
 * vtap_poll_retarget - wake another worker from now on
 * @p: hook, armed or not
 * @w: worker
 *
 * Once this returns the former worker is not woken by the hook any more.
 *
 * Context: process context, vtap_dev.lock held.
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
