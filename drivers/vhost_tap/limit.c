// SPDX-License-Identifier: GPL-2.0
/*
 * limit.c - limit the rate of a queue
 *
 * The administrator of the host, that of the network namespace (both netlink) and
 * the client (ioctl) can each set a limit; the lowest value applies. See "Rate
 * limits" in Documentation/design.rst.
 *
 * Locking: vtap_limit.lock protects the settings, so that netlink does not wait
 * for a pass. Everything else belongs to the queue's lock. The timer is only started
 * while the queue has a worker. vtap_queue.worker changes only after
 * vtap_limit_cancel(), under the same lock. So the worker is valid when the timer
 * expires.
 */
#include <linux/hrtimer.h>
#include <linux/ktime.h>

#include "registry.h"
#include "vtap.h"

/* Context: hard or soft interrupt. */
static enum hrtimer_restart vtap_limit_expired(struct hrtimer *timer)
{
	struct vtap_queue *q = container_of(timer, struct vtap_queue,
					    limit.timer);

	vtap_worker_wake(q->worker, vtap_work_bit(q, VTAP_WORK_REQUEUED));
	return HRTIMER_NORESTART;
}

/**
 * vtap_limit_init - initialize the limit of a new queue
 * @q: queue, zeroed
 */
void vtap_limit_init(struct vtap_queue *q)
{
	spin_lock_init(&q->limit.lock);
	hrtimer_setup(&q->limit.timer, vtap_limit_expired, CLOCK_MONOTONIC,
		      HRTIMER_MODE_ABS);
}

/**
 * vtap_limit_cancel - stop the timer
 * @q: queue; its lock is held
 *
 * The callback does not run after this returns. If the queue is throttled, the
 * next pass is refused and starts the timer again.
 */
void vtap_limit_cancel(struct vtap_queue *q)
{
	lockdep_assert_held(&q->lock);
	hrtimer_cancel(&q->limit.timer);
}

/* The lower of two limits; 0 stands for unlimited. */
static u64 vtap_limit_lower(u64 a, u64 b)
{
	return a && b ? min(a, b) : a ?: b;
}

static struct vtap_limit_cfg vtap_limit_lowest(const struct vtap_limit *l)
{
	struct vtap_limit_cfg all = {};
	u32 i;

	lockdep_assert_held(&l->lock);
	for (i = 0; i < VTAP_NR_LIMITS; i++) {
		const struct vtap_limit_cfg *cfg = &l->cfg[i];

		all.rate = vtap_limit_lower(all.rate, cfg->rate);
		all.burst = vtap_limit_lower(all.burst, cfg->burst);
		all.pps = vtap_limit_lower(all.pps, cfg->pps);
	}
	return all;
}

/**
 * vtap_limit_get - get the limit that applies
 * @q: queue
 * @cfg: set to the lowest value of each kind
 */
void vtap_limit_get(struct vtap_queue *q, struct vtap_limit_cfg *cfg)
{
	spin_lock(&q->limit.lock);
	*cfg = vtap_limit_lowest(&q->limit);
	spin_unlock(&q->limit.lock);
}

/**
 * vtap_limit_set - change the limit of a queue
 * @q: queue, may be running
 * @source: whose limit it is
 * @cfg: new limit; values up to VTAP_BUCKET_MAX, and no burst without a rate
 * @mask: VTAP_LIMIT_* bits of the values to change
 *
 * The change applies from the next pass on, which the worker runs at once, even
 * if the queue is throttled.
 *
 * Context: vtap_dev.lock held; or vtap_registry_lock(), if the device is
 * listed.
 */
void vtap_limit_set(struct vtap_queue *q, enum vtap_limit_source source,
		    const struct vtap_limit_cfg *cfg, u32 mask)
{
	struct vtap_limit *l = &q->limit;
	struct vtap_limit_cfg *cur = &l->cfg[source], old;
	struct vtap_worker *w;
	bool is_changed;

	vtap_registry_assert_stays(q->dev);	/* so does its worker */
	spin_lock(&l->lock);
	old = *cur;
	if (mask & VTAP_LIMIT_RATE) {
		cur->rate = cfg->rate;
		cur->burst = cfg->rate ?
			     vtap_bucket_burst(cfg->rate, cfg->burst) : 0;
	}
	if (mask & VTAP_LIMIT_PPS)
		cur->pps = cfg->pps;
	is_changed = memcmp(&old, cur, sizeof(old));
	if (is_changed) {
		WRITE_ONCE(l->gen, l->gen + 1);
		WRITE_ONCE(q->is_limited, true);
	}
	spin_unlock(&l->lock);
	w = READ_ONCE(q->worker);
	if (!is_changed || !w)
		return;
	/* The new limit comes before the test of the pending bit. */
	smp_mb();
	vtap_worker_wake(w, vtap_work_bit(q, VTAP_WORK_REQUEUED));
}

/* Adopt new settings. */
static void vtap_limit_apply(struct vtap_queue *q, u64 now)
{
	struct vtap_limit *l = &q->limit;
	struct vtap_limit_cfg cfg;

	spin_lock(&l->lock);
	l->gen_seen = l->gen;
	cfg = vtap_limit_lowest(l);
	WRITE_ONCE(q->is_limited, cfg.rate || cfg.pps);
	spin_unlock(&l->lock);
	vtap_bucket_set(&l->bytes, cfg.rate, cfg.burst, now);
	vtap_bucket_set(&l->packets, cfg.pps, vtap_bucket_burst(cfg.pps, 0),
			now);
}

/*
 * Take no buffers until vtap_limit.until_ns. The socket's wake-ups are ignored
 * meanwhile. None is lost, because the timer causes a pass in any case.
 */
static void vtap_limit_throttle(struct vtap_queue *q, u64 now)
{
	const ktime_t until = ns_to_ktime(q->limit.until_ns);
	struct hrtimer *timer = &q->limit.timer;

	if (!q->throttled) {
		WRITE_ONCE(q->throttled, true);
		q->limit.throttled_at = now;
		vtap_count(&q->stats, throttled);
	}
	/* Without a worker, the device is about to end. */
	if (!q->worker)
		return;
	/* Kicks of the guest must not program the clock each time. */
	if (hrtimer_is_queued(timer) && hrtimer_get_expires(timer) == until)
		return;
	hrtimer_start(timer, until, HRTIMER_MODE_ABS);
}

static void vtap_limit_release(struct vtap_queue *q, u64 now)
{
	if (!q->throttled)
		return;
	vtap_limit_cancel(q);
	vtap_count_add(&q->stats, throttled_ns, now - q->limit.throttled_at);
	/*
	 * The pass reads the backend's ring after this. Pairs with the barrier
	 * in vtap_poll_wakeup().
	 */
	smp_store_mb(q->throttled, false);
}

/**
 * vtap_limit_begin - check whether the limit permits a pass
 * @q: queue with @q->is_limited; its lock is held
 *
 * Sets the budget of the pass. vtap_limit_end() follows after the pass.
 *
 * Return: true if it does; false if the queue is throttled.
 */
bool vtap_limit_begin(struct vtap_queue *q)
{
	struct vtap_limit *l = &q->limit;
	u64 now = ktime_get_ns(), wait_ns;

	lockdep_assert_held(&q->lock);
	if (READ_ONCE(l->gen) != l->gen_seen) {
		vtap_limit_apply(q, now);
	} else if (q->throttled && now < l->until_ns) {
		/* A kick, or a new worker, for which the timer must start. */
		vtap_limit_throttle(q, now);
		return false;
	}
	if (l->bytes.rate)
		vtap_bucket_refill(&l->bytes, now);
	if (l->packets.rate)
		vtap_bucket_refill(&l->packets, now);
	wait_ns = max(vtap_bucket_wait_ns(&l->bytes),
		      vtap_bucket_wait_ns(&l->packets));
	if (wait_ns) {
		l->until_ns = now + wait_ns;
		vtap_limit_throttle(q, now);
		return false;
	}
	vtap_limit_release(q, now);
	q->spent_bytes = VTAP_PASS_BYTES -
			 vtap_bucket_budget(&l->bytes, VTAP_PASS_BYTES);
	q->spent_packets = VTAP_PASS_PACKETS -
			   vtap_bucket_budget(&l->packets, VTAP_PASS_PACKETS);
	l->bytes_seen = q->stats.bytes;
	l->packets_seen = q->stats.packets;
	return true;
}

/**
 * vtap_limit_end - take tokens for what a pass moved
 * @q: queue with @q->is_limited; its lock is held
 */
void vtap_limit_end(struct vtap_queue *q)
{
	struct vtap_limit *l = &q->limit;

	lockdep_assert_held(&q->lock);
	vtap_bucket_take(&l->bytes, q->stats.bytes - l->bytes_seen);
	vtap_bucket_take(&l->packets, q->stats.packets - l->packets_seen);
	l->bytes_seen = q->stats.bytes;
	l->packets_seen = q->stats.packets;
}

/**
 * vtap_limit_stop - end the throttling of a queue that stops
 * @q: queue; its lock is held
 *
 * Tokens and debt stay, so a guest that resets its device gains nothing.
 */
void vtap_limit_stop(struct vtap_queue *q)
{
	lockdep_assert_held(&q->lock);
	vtap_limit_release(q, ktime_get_ns());
}
