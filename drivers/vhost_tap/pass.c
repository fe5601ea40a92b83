// SPDX-License-Identifier: GPL-2.0
/* pass.c - begin and end a pass, publish used entries, call the guest */
#include <linux/eventfd.h>
#include <linux/log2.h>

#include "backend/backend.h"
#include "trace.h"
#include "vtap.h"

/**
 * vtap_queue_set_state - start, stop or break a queue
 * @q: queue; its lock is held
 * @state: new state
 *
 * The tracepoint comes after the change, because netlink notifications are
 * triggered by it and read the new state.
 */
void vtap_queue_set_state(struct vtap_queue *q, enum vtap_queue_state state)
{
	enum vtap_queue_state old = q->state;

	lockdep_assert_held(&q->lock);
	WRITE_ONCE(q->state, state);	/* iotlb_msg.c reads it without the lock */
	trace_vtap_state(q, old, state);
}

/**
 * vtap_queue_drop - count a dropped packet
 * @q: queue; its lock is held
 * @reason: a packet fault
 */
noinline __cold void vtap_queue_drop(struct vtap_queue *q, enum vtap_fault reason)
{
	lockdep_assert_held(&q->lock);
	vtap_count(&q->stats, fault[reason]);
	trace_vtap_fault(q, reason);
}

/**
 * vtap_queue_call_now - call the guest although no pass runs
 * @q: queue; its lock is held
 *
 * For the entries of a TX pass that left the call to the next one
 * (vtap_tx_end_batch()). Does not read the guest's memory: the ring may be
 * unmapped, and the caller need not be the owner.
 */
void vtap_queue_call_now(struct vtap_queue *q)
{
	lockdep_assert_held(&q->lock);
	if (q->nr_uncalled && q->call) {
		eventfd_signal(q->call);
		vtap_count(&q->stats, calls);
	}
	q->nr_uncalled = 0;
}

/**
 * vtap_queue_break - stop a queue whose guest broke the ring
 * @q: queue whose ring has a fault; its lock is held
 *
 * Return: VTAP_IDLE, for the pass to end with.
 */
noinline __cold enum vtap_verdict vtap_queue_break(struct vtap_queue *q)
{
	lockdep_assert_held(&q->lock);
	vtap_queue_drop(q, q->ring.fault);
	vtap_count(&q->stats, broken);
	vtap_queue_set_state(q, VTAP_BROKEN);
	vtap_queue_call_now(q);
	if (q->err)
		eventfd_signal(q->err);
	return VTAP_IDLE;
}

/* After a failure of the dirty log: true if it works again and lost no bit. */
static bool vtap_pass_log_works(struct vtap_dirty *d)
{
	if (d->lost)
		return false;
	d->failed = false;
	vtap_dirty_flush(d);
	return !d->failed;
}

/*
 * Retry a broken ring after a kick, as in-tree vhost-net does: the driver may
 * have repaired it, and its memory may be accessible again. Each kick gives one
 * pass, which ends when it meets the fault again.
 */
static noinline __cold bool vtap_pass_recover(struct vtap_queue *q)
{
	lockdep_assert_held(&q->lock);
	if (q->state != VTAP_BROKEN)
		return false;
	q->kicks_seen = READ_ONCE(q->stats.kicks);
	vtap_count(&q->stats, ring_retries);
	if (q->ring.fault == VTAP_FAULT_LOG_ACCESS &&
	    !vtap_pass_log_works(&q->dirty))
		return false;
	vtap_ring_clear_fault(&q->ring);
	vtap_queue_set_state(q, VTAP_RUNNING);
	return true;
}

/* Check the limit. A throttled queue does not need kicks. */
static noinline __cold bool vtap_pass_is_permitted(struct vtap_queue *q)
{
	lockdep_assert_held(&q->lock);
	if (vtap_limit_begin(q))
		return true;
	if (q->ring.mapped && q->ring.loaded &&
	    vtap_ring_disable_notify(&q->ring, q->ring.packed))
		vtap_queue_break(q);
	vtap_queue_end(q);
	return false;
}

/**
 * vtap_queue_begin - begin a pass
 * @q: queue; its lock is held
 *
 * Return: true if the pass may run, and vtap_queue_end() must follow it; false
 * if the queue is stopped, broken or throttled, or waits for the client to
 * answer a miss.
 */
bool vtap_queue_begin(struct vtap_queue *q)
{
	u64 kicks = READ_ONCE(q->stats.kicks);
	int err;

	lockdep_assert_held(&q->lock);
	if (unlikely(q->state != VTAP_RUNNING) &&
	    (kicks == q->kicks_seen || !vtap_pass_recover(q)))
		return false;
	/* A kick after this point may be for a change that this pass misses. */
	q->kicks_seen = kicks;
	if (READ_ONCE(q->miss.state))
		return false;
	if (unlikely(READ_ONCE(q->is_limited)) && !vtap_pass_is_permitted(q))
		return false;
	vtap_count(&q->stats, passes);
	trace_vtap_begin(q);
	if (likely(q->ring.mapped && q->ring.loaded))
		return true;

	err = vtap_ring_map(&q->ring, &q->mem, &q->ring_cfg);
	if (!err)
		return true;
	if (err == -EAGAIN)
		vtap_miss_report(q);
	else
		vtap_queue_break(q);
	vtap_queue_end(q);
	return false;
}

/* Write the collected dirty bits to the client's bitmap, and signal its eventfd. */
static noinline __cold void vtap_pass_write_log(struct vtap_queue *q)
{
	struct vtap_dirty *d = &q->dirty;
	u64 before = d->pages;

	lockdep_assert_held(&q->lock);
	vtap_dirty_flush(d);
	vtap_count_add(&q->stats, dirty_pages, d->pages - before);
	if (d->has_new && q->log_call)
		eventfd_signal(q->log_call);
	d->has_new = false;
	if (d->failed && q->state == VTAP_RUNNING) {
		vtap_ring_break(&q->ring, VTAP_FAULT_LOG_ACCESS);
		vtap_queue_break(q);
	}
}

/**
 * vtap_queue_end - end a pass
 * @q: queue; its lock is held
 *
 * Writes the dirty log, and charges the limit.
 */
void vtap_queue_end(struct vtap_queue *q)
{
	lockdep_assert_held(&q->lock);
	if (unlikely(q->dirty.payload || q->dirty.ring))
		vtap_pass_write_log(q);
	if (unlikely(READ_ONCE(q->is_limited)))
		vtap_limit_end(q);
}

/**
 * vtap_queue_call - call the guest, unless it suppresses the call
 * @q: queue; its lock is held
 *
 * The call covers all used entries published since the last one. A broken ring
 * calls the guest in any case, as it may wait for earlier entries. Without an
 * eventfd (QEMU uses none for a queue without a vector) nothing happens.
 */
void vtap_queue_call(struct vtap_queue *q)
{
	int must;

	lockdep_assert_held(&q->lock);
	if (!q->nr_uncalled)
		return;
	q->nr_uncalled = 0;
	if (!q->call)
		return;
	must = vtap_ring_needs_call(&q->ring, q->ring.packed);
	if (must) {
		eventfd_signal(q->call);
		vtap_count(&q->stats, calls);
	} else {
		vtap_count(&q->stats, calls_suppressed);
	}
	trace_vtap_call(q, must);
}

/**
 * vtap_queue_publish - make the staged used entries visible to the driver
 * @q: queue; its lock is held
 *
 * vtap_queue_call() follows before the pass ends, or in the next pass if the
 * worker polls meanwhile.
 */
void vtap_queue_publish(struct vtap_queue *q)
{
	int n;

	lockdep_assert_held(&q->lock);
	n = vtap_ring_publish(&q->ring, q->ring.packed);
	if (n <= 0)
		return;
	vtap_count_add(&q->stats, buffers, n);
	vtap_count(&q->stats, batches);
	vtap_count(&q->stats, batch_size[min(ilog2(n), VTAP_BATCH_SIZES - 1)]);
	trace_vtap_batch(q, n);
	q->nr_uncalled += n;
}

/**
 * vtap_queue_publish_and_call - publish used entries, and call if the guest wants it
 * @q: queue; its lock is held
 */
void vtap_queue_publish_and_call(struct vtap_queue *q)
{
	lockdep_assert_held(&q->lock);
	vtap_queue_publish(q);
	vtap_queue_call(q);
}

/**
 * vtap_queue_has_work - check whether a pass would find work
 * @q: queue; not locked
 *
 * Used for polling. A starved queue is checked for buffers only, and a blocked
 * or throttled one has no work: otherwise each poll would find packets that
 * cannot move. A ring fault counts as work, because the pass reports it, and so does
 * a ring that is not mapped, because the pass maps it or reports the miss.
 *
 * Context: the worker's thread.
 * Return: true if there is work.
 */
bool vtap_queue_has_work(struct vtap_queue *q)
{
	bool found = false;

	mutex_lock(&q->lock);
	if (q->state == VTAP_RUNNING && !q->blocked && !q->throttled &&
	    !READ_ONCE(q->miss.state)) {
		if (!q->ring.mapped || !q->ring.loaded)
			found = true;
		else if (q->dir == VTAP_TX || q->starved)
			found = vtap_ring_has_new(&q->ring,
						  q->ring.packed) != 0;
		else
			found = vtap_backend_peek(&q->backend) != 0;
	}
	mutex_unlock(&q->lock);
	return found;
}
