// SPDX-License-Identifier: GPL-2.0
/*
 * tx.c - TX pass: move frames from the guest to the backend
 *
 * Each descriptor chain is one frame, which the backend sends or adds to its
 * batch. The used entry of a chain is staged at once, because the frame has
 * been copied, and published after the batch was sent.
 */
#include <linux/cpumask.h>
#include <linux/if_ether.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/sched/stat.h>

#include "backend/backend.h"
#include "busypoll.h"
#include "trace.h"
#include "vtap.h"

/* Send the batch. Its chains are staged already, so lost frames are only counted. */
static void vtap_tx_flush(struct vtap_queue *q)
{
	u32 nr_lost = vtap_backend_flush(q);

	while (unlikely(nr_lost--))
		vtap_queue_drop(q, VTAP_FAULT_TX_NO_BACKEND);
}

static void vtap_tx_flush_all(struct vtap_queue *q)
{
	vtap_tx_flush(q);
	vtap_queue_publish_and_call(q);
}

/* True if the worker polls the ring after this round; @packets are of this pass. */
static bool vtap_tx_keeps_polling(const struct vtap_queue *q,
				  const struct vtap_worker *w, u32 packets)
{
	if (q->worker != w || w->is_last)
		return false;
	/* With one CPU the driver cannot run while the worker polls. */
	return w->poll_ns || w->busypoll.is_burst ||
	       (packets >= VTAP_BUSYPOLL_BURST_PACKETS && num_online_cpus() > 1);
}

/*
 * The driver of a burst runs at the same time, so the call can wait while the worker
 * polls, until a pass without packets or a full batch. It does not wait for other
 * queues, nor for longer than one window.
 */
static bool vtap_tx_may_call_later(struct vtap_queue *q,
				   const struct vtap_worker *w, u32 packets)
{
	u64 now;

	if (!packets || w->poll_ns || READ_ONCE(q->dev->adaptive_us) ||
	    need_resched() || !single_task_running() || vtap_worker_has_more(w))
		return false;
	now = local_clock();
	if (!q->late_since_ns)
		q->late_since_ns = now;
	return now - q->late_since_ns < VTAP_BUSYPOLL_BURST_NS;
}

/*
 * The ring is empty after @packets: send the batch, then enable kicks and check
 * once more. Kicks stay off if the worker polls. If new chains have arrived, the
 * driver runs at the same time, and the call can wait for a full batch.
 * Return: 1 to continue, 0 to end the pass, -EIO if the ring is broken.
 */
static int vtap_tx_end_batch(struct vtap_queue *q, const struct vtap_worker *w,
			     u32 packets)
{
	struct vtap_ring *r = &q->ring;
	int ret;

	vtap_tx_flush(q);
	if (!q->nr_uncalled)
		q->late_since_ns = 0;
	vtap_queue_publish(q);
	if (q->nr_uncalled >= VTAP_BATCH)
		vtap_queue_call(q);
	q->keep_polling = vtap_tx_keeps_polling(q, w, packets);
	if (q->keep_polling) {
		if (!vtap_tx_may_call_later(q, w, packets))
			vtap_queue_call(q);
		return r->fault ? -EIO : 0;
	}
	ret = vtap_ring_enable_notify(r, r->packed);
	if (ret <= 0)
		vtap_queue_call(q);
	return ret > 0 ? vtap_ring_disable_notify(r, r->packed) ?: 1 : ret;
}

static enum vtap_fault vtap_tx_drop_reason(int err)
{
	switch (err) {
	case -EFAULT:
		return VTAP_FAULT_TX_UNREADABLE;
	case -EINVAL:		/* from vtap_vnet_hdr_ok(), or from the socket */
		return VTAP_FAULT_TX_BAD_HEADER;
	case -EBADFD:
	case -ENXIO:
	case -ENETDOWN:
		return VTAP_FAULT_TX_NO_BACKEND;
	default:
		return VTAP_FAULT_TX_REFUSED;
	}
}

/* @len bytes after the header, or less than 0, are not a valid frame. */
static noinline __cold void vtap_tx_drop_length(struct vtap_queue *q, s64 len)
{
	vtap_queue_drop(q, len <= 0 ? VTAP_FAULT_TX_NO_HEADER :
			   len < ETH_HLEN ? VTAP_FAULT_TX_RUNT :
					    VTAP_FAULT_TX_TOO_LONG);
}

/*
 * The backend refused a frame of @len bytes, and may have copied them. Return:
 * -EAGAIN to keep the chain, @len if the frame was dropped.
 */
static noinline int vtap_tx_refused(struct vtap_queue *q, int err, u32 len)
{
	if (err == -EAGAIN)
		return err;
	vtap_queue_drop(q, vtap_tx_drop_reason(err));
	return len;
}

/*
 * Send the frame of one chain, add it to the batch, or drop it.
 * Return: bytes that may have been copied, -EAGAIN to keep the chain.
 */
static __always_inline int vtap_tx_send_chain(struct vtap_queue *q,
					      const struct vtap_chain *c)
{
	/* out_len < 2^42, so a chain shorter than the header gives less than 0. */
	s64 len = c->out_len - q->cfg.guest_hlen - q->cfg.sock_hlen;
	int err;

	if (unlikely(len < ETH_HLEN || len > VTAP_FRAME_MAX)) {
		vtap_tx_drop_length(q, len);
		return 0;
	}
	err = vtap_backend_add(q, c, len);
	if (unlikely(err))
		return vtap_tx_refused(q, err, len);
	return len;
}

/* Cost of logging the used entries, in bytes of the budget. */
static u32 vtap_tx_log_cost(struct vtap_queue *q)
{
	return vtap_dirty_take_steps(&q->dirty) * VTAP_DESC_WEIGHT;
}

/*
 * The socket has no room, or the kernel no memory: give the chain back and wait
 * for a wake-up of the socket, or continue at once if it has room by now.
 */
static enum vtap_verdict vtap_tx_block(struct vtap_queue *q, u32 head)
{
	vtap_ring_discard(&q->ring, &head, 1, q->ring.packed);
	vtap_tx_flush_all(q);
	/*
	 * Pairs with the barrier in vtap_poll_wakeup(): the socket frees room
	 * and its callback then reads @blocked. One of the two sides sees the
	 * other.
	 */
	smp_store_mb(q->blocked, true);
	if (vtap_backend_has_room(&q->backend)) {
		WRITE_ONCE(q->blocked, false);
		return VTAP_MORE;
	}
	vtap_count(&q->stats, blocked);
	return VTAP_IDLE;
}

/*
 * The ring broke after the frame was taken; the next ring operation reports it.
 * The chain is given back, so a retry sends the frame twice. A chain that never
 * returned to the driver would be worse.
 */
static noinline __cold void vtap_tx_keep_chain(struct vtap_queue *q, u32 head)
{
	vtap_ring_discard(&q->ring, &head, 1, q->ring.packed);
}

static __always_inline enum vtap_verdict
vtap_tx_pass(struct vtap_queue *q, const struct vtap_worker *w,
	     const bool packed)
{
	struct vtap_chain c = { .iov = q->iov, .iov_max = VTAP_CHAIN_MAX };
	u32 packets = q->spent_packets, bytes = q->spent_bytes;
	u32 rounds = packets;	/* the part of @packets that moved no packet */
	int ret;

	BUILD_BUG_ON(VTAP_BATCH > VTAP_FETCH);
	/* No barrier: vtap_tx_block() has one when it sets it again. */
	if (unlikely(q->blocked))
		WRITE_ONCE(q->blocked, false);
	if (vtap_ring_disable_notify(&q->ring, packed))
		return vtap_queue_break(q);

	while (packets < VTAP_PASS_PACKETS && bytes < VTAP_PASS_BYTES) {
		ret = vtap_ring_pop(&q->ring, &q->mem, &c, packed);
		if (ret == 0) {
			ret = vtap_tx_end_batch(q, w, packets - rounds);
			if (ret == 0)
				return q->keep_polling ? VTAP_POLL : VTAP_IDLE;
			if (ret < 0)
				return vtap_queue_break(q);
			/* Charge the budget, so that the loop ends. */
			packets++;
			bytes += vtap_tx_log_cost(q);
			rounds++;
			continue;
		}
		if (unlikely(ret < 0 || c.nr_in)) {
			if (ret == -EAGAIN) {
				vtap_tx_flush_all(q);
				vtap_miss_report(q);
				return VTAP_IDLE;
			}
			if (ret > 0) {
				vtap_ring_discard(&q->ring, &c.head, 1, packed);
				vtap_ring_break(&q->ring,
						VTAP_FAULT_CHAIN_DIRECTION);
			}
			vtap_tx_flush_all(q);
			return vtap_queue_break(q);
		}

		ret = vtap_tx_send_chain(q, &c);
		if (unlikely(ret == -EAGAIN))
			return vtap_tx_block(q, c.head);
		packets++;
		bytes += ret + c.cost * VTAP_DESC_WEIGHT;

		if (unlikely(vtap_ring_stage(&q->ring, c.head, 0, packed)))
			vtap_tx_keep_chain(q, c.head);
		/* At least as many chains are staged as the batch has frames. */
		if (q->ring.nr_staged == VTAP_BATCH) {
			vtap_tx_flush_all(q);
			bytes += vtap_tx_log_cost(q);
		}
	}
	vtap_tx_flush_all(q);
	return VTAP_MORE;
}

static noinline enum vtap_verdict vtap_tx_split(struct vtap_queue *q,
						const struct vtap_worker *w)
{
	return vtap_tx_pass(q, w, false);
}

static noinline enum vtap_verdict vtap_tx_packed(struct vtap_queue *q,
						 const struct vtap_worker *w)
{
	return vtap_tx_pass(q, w, true);
}

/**
 * vtap_tx - run a TX pass
 * @q: TX queue
 * @w: worker that runs the pass; the queue may have moved to another one
 *
 * Context: thread of @w.
 * Return: what the worker does next with the queue.
 */
enum vtap_verdict vtap_tx(struct vtap_queue *q, const struct vtap_worker *w)
{
	enum vtap_verdict verdict = VTAP_IDLE;

	mutex_lock(&q->lock);
	if (vtap_queue_begin(q)) {
		u64 before = q->stats.packets;

		verdict = q->ring.packed ? vtap_tx_packed(q, w) :
					   vtap_tx_split(q, w);
		vtap_queue_end(q);
		trace_vtap_pass(q, q->stats.packets - before, verdict);
	} else {
		vtap_queue_call_now(q);
	}
	mutex_unlock(&q->lock);
	return verdict;
}
