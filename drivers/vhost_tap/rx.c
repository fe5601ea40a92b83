// SPDX-License-Identifier: GPL-2.0
/*
 * rx.c - RX pass: move packets from the backend to guest buffers
 *
 * A packet gets one descriptor chain, or as many as it needs with mergeable
 * buffers. The pass takes them after it has read the length of the packet, and
 * gives them back if they do not suffice: the packet then waits in the backend.
 */
#include <linux/ktime.h>

#include "backend/backend.h"
#include "trace.h"
#include "vtap.h"

enum vtap_rx_fit {
	VTAP_RX_FITS,
	VTAP_RX_STARVED,	/* not enough chains are available yet */
	VTAP_RX_TOO_LONG,	/* the packet does not fit any number of chains */
	VTAP_RX_TOO_MANY,	/* it needs too many segments in its chains */
	VTAP_RX_UNMAPPED,	/* the IOTLB lacks the address of a buffer */
	VTAP_RX_BROKEN,
};

/* The buffers of one packet and their cost. Small enough to return in a register. */
struct vtap_rx_buffers {
	u16 fit;		/* enum vtap_rx_fit */
	u16 nr_chains;
	u16 nr_iov;
	u16 cost;
};

/* Return the chains of the current packet to the ring, unused. */
static void vtap_rx_give_back_chains(struct vtap_queue *q,
				     u16 nr_chains)
{
	while (nr_chains)
		vtap_ring_discard(&q->ring, &q->rx_used[--nr_chains].head, 1,
				  q->ring.packed);
}

/* RX cannot use this chain: discard it and break the ring. */
static noinline __cold enum vtap_rx_fit
vtap_rx_refuse_chain(struct vtap_queue *q, u32 head, enum vtap_fault fault)
{
	vtap_ring_discard(&q->ring, &head, 1, q->ring.packed);
	vtap_ring_break(&q->ring, fault);
	return VTAP_RX_BROKEN;
}

/*
 * Take the next chain for a packet that needs @need bytes more.
 * Return: number of bytes that still need a buffer; 0 if @buf->fit is the result.
 */
static __always_inline u32 vtap_rx_take_chain(struct vtap_queue *q, u32 need,
					      struct vtap_rx_buffers *buf,
					      const bool packed)
{
	struct vtap_chain c = {
		.iov = q->iov + buf->nr_iov,
		.iov_max = VTAP_CHAIN_MAX - buf->cost,
	};
	int ret;

	ret = vtap_ring_pop_plain(&q->ring, &q->mem, &c, packed);
	if (unlikely(ret <= 0)) {
		buf->fit = ret == 0 ? VTAP_RX_STARVED :
			   ret == -ENOBUFS ? VTAP_RX_TOO_MANY :
			   ret == -EAGAIN ? VTAP_RX_UNMAPPED : VTAP_RX_BROKEN;
		return 0;
	}
	if (unlikely(c.nr_out)) {
		buf->fit = vtap_rx_refuse_chain(q, c.head,
						VTAP_FAULT_CHAIN_DIRECTION);
		return 0;
	}
	if (unlikely(!c.nr_in)) {
		buf->fit = vtap_rx_refuse_chain(q, c.head,
						VTAP_FAULT_CHAIN_EMPTY);
		return 0;
	}

	/* The length of a used entry has 32 bits. */
	q->rx_used[buf->nr_chains++] = (struct vtap_used){
		.head = c.head,
		.len = min_t(u64, c.in_len, need),
	};
	buf->nr_iov += c.nr_in;
	buf->cost += c.cost;
	buf->fit = VTAP_RX_FITS;
	return need - min_t(u64, c.in_len, need);
}

/*
 * Take chains of the usual shape: one writable buffer in the region q->mem.hit[1].
 * The packet has a segment, the last of which a buffer next to it extends.
 * Return: number of bytes that still need a buffer.
 */
static __always_inline u32 vtap_rx_take_run(struct vtap_queue *q, u32 need,
					    struct vtap_rx_buffers *buf,
					    u16 max_chains)
{
	struct vtap_run run = {
		.iov = q->iov + buf->nr_iov - 1,
		.used = q->rx_used + buf->nr_chains,
		.max = min(max_chains - buf->nr_chains,
			   VTAP_CHAIN_MAX - buf->cost),
		.need = need,
	};

	vtap_ring_pop_run(&q->ring, &q->mem, &run, q->ring.packed);
	buf->nr_chains += run.nr;
	buf->nr_iov += run.nr_iov;
	buf->cost += run.nr;
	return run.need;
}

/*
 * The first chain of a packet did not suffice: take more for @need bytes.
 * Together they may cost as much as a single chain.
 */
static noinline struct vtap_rx_buffers
vtap_rx_take_more(struct vtap_queue *q, u32 need, struct vtap_rx_buffers buf)
{
	u16 max_chains = q->cfg.mergeable ?
			 min_t(u16, q->ring.num, VTAP_CHAIN_MAX) : 1;

	while (buf.nr_chains < max_chains) {
		need = vtap_rx_take_run(q, need, &buf, max_chains);
		if (!need)
			return buf;
		if (buf.nr_chains == max_chains)
			break;
		need = vtap_rx_take_chain(q, need, &buf, q->ring.packed);
		if (!need)
			return buf;
	}
	buf.fit = VTAP_RX_TOO_LONG;
	return buf;
}

/* Take chains for @need bytes, including headers. nr_chains is right for any result. */
static __always_inline struct vtap_rx_buffers
vtap_rx_take_buffers(struct vtap_queue *q, u32 need, const bool packed)
{
	struct vtap_rx_buffers buf = {};

	need = vtap_rx_take_chain(q, need, &buf, packed);
	return likely(!need) ? buf : vtap_rx_take_more(q, need, buf);
}

/*
 * Log the first @len bytes of the buffers, which may have been written.
 * Segments less than a page apart are logged together, as no whole page lies
 * between them.
 */
static noinline void vtap_rx_log_payload(struct vtap_queue *q, u32 len,
					 u16 nr_iov)
{
	unsigned long from = 0, to = 0;
	u16 i;

	for (i = 0; i < nr_iov && len; i++) {
		unsigned long uaddr = (unsigned long)q->iov[i].iov_base;
		u32 part = min_t(size_t, q->iov[i].iov_len, len);

		if (uaddr - to >= BIT(VTAP_LOG_PAGE_SHIFT)) {
			vtap_dirty_mark_user(&q->dirty, from, to - from);
			from = uaddr;
		}
		to = uaddr + part;
		len -= part;
	}
	vtap_dirty_mark_user(&q->dirty, from, to - from);
}

/* Cost of logging since the last call, in bytes of the budget. */
static u32 vtap_rx_log_cost(struct vtap_queue *q)
{
	return vtap_dirty_take_steps(&q->dirty) * VTAP_DESC_WEIGHT;
}

/*
 * Move the packet into its buffers, and add the cost of logging to @budget.
 * Return: 0, or the fault if the packet was lost.
 */
static __always_inline enum vtap_fault
vtap_rx_deliver(struct vtap_queue *q, u32 len,
		const struct vtap_rx_buffers *buf, u32 *budget)
{
	u32 all_len = q->cfg.guest_hlen + q->cfg.sock_hlen + len;
	int err;

	err = vtap_backend_deliver(q, len, buf->nr_chains, buf->nr_iov);

	/* Log after the write, and after a partial write as well. */
	if (unlikely(q->dirty.payload)) {
		if (likely(buf->nr_iov == 1))
			vtap_dirty_mark_user(&q->dirty,
					     (unsigned long)q->iov->iov_base,
					     all_len);
		else
			vtap_rx_log_payload(q, all_len, buf->nr_iov);
		*budget += vtap_rx_log_cost(q);
	}
	if (likely(!err))
		return VTAP_FAULT_NONE;
	return err == -EFAULT ? VTAP_FAULT_RX_UNWRITABLE :
				VTAP_FAULT_RX_REFUSED;
}

static noinline __cold void vtap_rx_drop(struct vtap_queue *q,
					 enum vtap_fault reason)
{
	vtap_backend_discard(&q->backend);
	vtap_queue_drop(q, reason);
}

/*
 * The ring broke at chain @i of the current packet. The next ring operation
 * reports it, and the remaining chains wait for a retry: a driver that misses a
 * chain of a packet would use one of the next packet instead.
 */
static void vtap_rx_keep_unstaged(struct vtap_queue *q, u16 i, u16 nr_chains)
{
	q->rx_unstaged = i;
	q->nr_unstaged = nr_chains - i;
}

/* Stage the chains of the current packet from index @i on. */
static noinline void vtap_rx_stage_from(struct vtap_queue *q, u16 i,
					u16 nr_chains)
{
	const bool packed = q->ring.packed;

	while (i < nr_chains) {
		i += vtap_ring_stage_run(&q->ring, q->rx_used + i,
					 nr_chains - i, packed);
		if (i == nr_chains)
			return;
		if (vtap_ring_stage(&q->ring, q->rx_used[i].head,
				    q->rx_used[i].len, packed)) {
			vtap_rx_keep_unstaged(q, i, nr_chains);
			return;
		}
		i++;
	}
}

static __always_inline void vtap_rx_stage(struct vtap_queue *q, u16 nr_chains,
					  const bool packed)
{
	if (unlikely(nr_chains != 1))
		vtap_rx_stage_from(q, 0, nr_chains);
	else if (unlikely(vtap_ring_stage(&q->ring, q->rx_used->head,
					  q->rx_used->len, packed)))
		vtap_rx_keep_unstaged(q, 0, 1);
}

/* After a retry: stage the remaining chains of the packet at which the ring broke. */
static noinline __cold void vtap_rx_stage_remaining(struct vtap_queue *q)
{
	u16 nr_chains = q->rx_unstaged + q->nr_unstaged;

	q->nr_unstaged = 0;
	vtap_rx_stage_from(q, q->rx_unstaged, nr_chains);
}

/*
 * Drop a packet that was not delivered. Buffers that cannot be written are
 * returned with length 0, as every later packet would fail on them. Otherwise
 * the packet was at fault, and the next one uses the buffers.
 * Return: number of chains to stage.
 */
static noinline __cold u16 vtap_rx_drop_delivered(struct vtap_queue *q,
						  enum vtap_fault reason,
						  u16 nr_chains)
{
	u16 i;

	vtap_queue_drop(q, reason);
	if (reason != VTAP_FAULT_RX_UNWRITABLE) {
		vtap_rx_give_back_chains(q, nr_chains);
		return 0;
	}
	for (i = 0; i < nr_chains; i++)
		q->rx_used[i].len = 0;
	return nr_chains;
}

/*
 * Make the socket's wake-ups count again, before the pass reads the backend's
 * ring. Without the barrier the read could come first, and the wake-up of a
 * packet that it missed could still find @starved set.
 */
static void vtap_rx_enable_wakeups(struct vtap_queue *q)
{
	/* Pairs with the barrier in vtap_poll_wakeup(). */
	smp_store_mb(q->starved, false);
}

/*
 * The guest has no buffer for the next packet: enable kicks, and ignore
 * wake-ups by more packets.
 * Return: 1 if buffers have arrived, 0 to wait for a kick, -EIO if the ring is
 * broken.
 */
static int vtap_rx_wait_for_buffers(struct vtap_queue *q)
{
	int ret;

	vtap_queue_publish_and_call(q);
	WRITE_ONCE(q->starved_at, ktime_get_ns());
	/* Pairs with the acquire in netlink_dump.c, which reads the time next. */
	smp_store_release(&q->starved, true);
	ret = vtap_ring_enable_notify(&q->ring, q->ring.packed);
	if (ret)
		vtap_rx_enable_wakeups(q);
	else
		vtap_count(&q->stats, starved);
	return ret;
}

/* A starved queue gets a pass: it may have buffers now. */
static noinline __cold void vtap_rx_end_starved(struct vtap_queue *q)
{
	vtap_count_add(&q->stats, starved_ns, ktime_get_ns() - q->starved_at);
	vtap_rx_enable_wakeups(q);
}

/*
 * Chains that were fetched with those of earlier packets may have changed: the
 * driver may have enlarged a buffer. Fetch them once more before a packet is
 * dropped, or waits for more buffers.
 *
 * A position recurs after 65536 chains, or after two laps of a packed ring. If no
 * chain was fetched again in between, the older copy then decides about one packet.
 * This makes a difference only to a driver that changes a chain which it has made
 * available, against the rules of virtio. Such a driver may lose that packet.
 */
static bool vtap_rx_must_reread(struct vtap_queue *q)
{
	const struct vtap_ring *r = &q->ring;

	if (r->fetch_start == r->last_avail || q->reread_at == r->last_avail)
		return false;
	q->reread_at = r->last_avail;
	return true;
}

/*
 * The next packet lacks buffers: give back those that it has.
 * Return: 1 to continue, 0 to wait for a wake-up, -EIO if the ring is broken.
 */
static noinline int vtap_rx_give_back(struct vtap_queue *q,
				      enum vtap_rx_fit fit, u16 nr_chains)
{
	struct vtap_ring *r = &q->ring;
	int ret;

	vtap_rx_give_back_chains(q, nr_chains);
	/* The driver may change them in place and kick. */
	vtap_ring_refetch(r);
	switch (fit) {
	case VTAP_RX_STARVED:
		if (vtap_rx_must_reread(q))
			return 1;
		ret = vtap_rx_wait_for_buffers(q);
		if (ret <= 0)
			return ret;
		return vtap_ring_disable_notify(r, r->packed) ?: 1;
	case VTAP_RX_TOO_LONG:
	case VTAP_RX_TOO_MANY:
		if (!vtap_rx_must_reread(q))
			vtap_rx_drop(q, VTAP_FAULT_RX_TRUNCATED);
		return 1;
	case VTAP_RX_UNMAPPED:
		vtap_queue_publish_and_call(q);
		vtap_miss_report(q);
		return 0;
	default:
		vtap_queue_publish_and_call(q);
		return -EIO;
	}
}

static __always_inline enum vtap_verdict vtap_rx_pass(struct vtap_queue *q,
						      const bool packed)
{
	const u32 hlen = q->cfg.guest_hlen + q->cfg.sock_hlen;
	u32 packets = q->spent_packets, bytes = q->spent_bytes, len;
	u16 nr_staged = 0;

	if (unlikely(q->starved))
		vtap_rx_end_starved(q);
	if (unlikely(q->nr_unstaged))
		vtap_rx_stage_remaining(q);
	if (vtap_ring_disable_notify(&q->ring, packed))
		return vtap_queue_break(q);

	while (packets < VTAP_PASS_PACKETS && bytes < VTAP_PASS_BYTES) {
		struct vtap_rx_buffers buf;
		enum vtap_fault lost;
		int ret;

		len = vtap_backend_peek(&q->backend);
		if (!len) {
			vtap_queue_publish_and_call(q);
			return q->ring.fault ? vtap_queue_break(q) : VTAP_IDLE;
		}
		packets++;
		buf = vtap_rx_take_buffers(q, hlen + len, packed);
		bytes += buf.cost * VTAP_DESC_WEIGHT;
		if (unlikely(buf.fit != VTAP_RX_FITS)) {
			if (buf.fit == VTAP_RX_TOO_MANY)
				bytes += VTAP_CHAIN_MAX * VTAP_DESC_WEIGHT;
			ret = vtap_rx_give_back(q, buf.fit, buf.nr_chains);
			if (ret == 0)
				return VTAP_IDLE;
			if (ret < 0)
				return vtap_queue_break(q);
			continue;
		}

		lost = vtap_rx_deliver(q, len, &buf, &bytes);
		if (unlikely(lost)) {
			buf.nr_chains =
				vtap_rx_drop_delivered(q, lost, buf.nr_chains);
		} else {
			vtap_count(&q->stats, packets);
			vtap_count_add(&q->stats, bytes, len);
		}
		bytes += len;
		vtap_rx_stage(q, buf.nr_chains, packed);
		nr_staged += buf.nr_chains;
		if (nr_staged >= VTAP_BATCH) {
			vtap_queue_publish_and_call(q);
			nr_staged = 0;
			bytes += vtap_rx_log_cost(q);
		}
	}
	vtap_queue_publish_and_call(q);
	return VTAP_MORE;
}

static noinline enum vtap_verdict vtap_rx_split(struct vtap_queue *q)
{
	return vtap_rx_pass(q, false);
}

static noinline enum vtap_verdict vtap_rx_packed(struct vtap_queue *q)
{
	return vtap_rx_pass(q, true);
}

/**
 * vtap_rx - run an RX pass
 * @q: RX queue
 *
 * Context: thread of a worker.
 * Return: what the worker does next with the queue.
 */
enum vtap_verdict vtap_rx(struct vtap_queue *q)
{
	enum vtap_verdict verdict = VTAP_IDLE;

	mutex_lock(&q->lock);
	if (vtap_queue_begin(q)) {
		u64 before = q->stats.packets;

		verdict = q->ring.packed ? vtap_rx_packed(q) : vtap_rx_split(q);
		vtap_backend_end_rx(&q->backend);
		vtap_queue_end(q);
		trace_vtap_pass(q, q->stats.packets - before, verdict);
	}
	mutex_unlock(&q->lock);
	return verdict;
}
