// SPDX-License-Identifier: GPL-2.0
/*
 * worker.c - serve the queues with pending bits, then poll or sleep
 *
 * A round takes the pending bits a word at a time and gives each queue with a
 * bit one pass, so queues that share a worker take turns.
 */
#include <linux/cpumask.h>
#include <linux/kcov.h>
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>

#include "busypoll.h"
#include "thread.h"
#include "vtap.h"

static void vtap_worker_keep_kicks_off(struct vtap_worker *w,
				       const struct vtap_queue *q)
{
	__set_bit(vtap_work_bit(q, VTAP_WORK_REQUEUED), w->kicks_off);
	/* Without the client's polling, only a burst leaves kicks off. */
	w->busypoll.is_burst |= !w->poll_ns;
}

/* Give a queue a pass; @works are its bits of vtap_worker.pending. */
static void vtap_worker_serve(struct vtap_worker *w, struct vtap_queue *q,
			      u8 works)
{
	enum vtap_verdict verdict;

	if (unlikely(READ_ONCE(q->miss.state)) && works & BIT(VTAP_WORK_WAKE))
		vtap_miss_requeue(q);
	verdict = q->dir == VTAP_TX ? vtap_tx(q, w) : vtap_rx(q);
	if (unlikely(READ_ONCE(q->requeue))) {
		WRITE_ONCE(q->requeue, false);
		verdict = VTAP_MORE;
	}
	if (verdict == VTAP_MORE)
		vtap_worker_requeue(w, q);
	else if (verdict == VTAP_POLL)
		vtap_worker_keep_kicks_off(w, q);
}

/* True if a queue whose kicks are off has no work, and the client's polling goes on. */
static bool vtap_worker_may_skip(const struct vtap_worker *w,
				 struct vtap_queue *q)
{
	/* A pass must call the guest for a burst before the polling was enabled. */
	return w->poll_ns && !READ_ONCE(q->nr_uncalled) &&
	       !vtap_queue_has_work(q);
}

#define WORKS_MASK	(BIT(VTAP_NR_WORKS) - 1)

/*
 * Serve the queues of one word. Each round polls the queues whose kicks are off,
 * because nothing else reports their work. The last round enables kicks.
 */
static void vtap_worker_serve_word(struct vtap_worker *w, u32 word)
{
	unsigned long woken = xchg(&w->pending[word], 0);
	unsigned long pending = woken | w->kicks_off[word];

	w->kicks_off[word] = 0;
	while (pending) {
		u32 slot = __ffs(pending) / VTAP_NR_WORKS;
		u32 shift = slot * VTAP_NR_WORKS;
		u32 index = (word * VTAP_QUEUES_PER_WORD + slot) ^ 1;
		u8 works = (pending >> shift) & WORKS_MASK;
		struct vtap_queue *q = vtap_queue_at(w->dev, index);

		pending &= ~(WORKS_MASK << shift);
		w->others_wait = pending;
		if (woken >> shift & WORKS_MASK) {
			w->busypoll.last_dir = q->dir;
		} else if (vtap_worker_may_skip(w, q)) {
			vtap_worker_keep_kicks_off(w, q);
			continue;
		}
		vtap_worker_serve(w, q, works);
		/* A round may have 512 passes: reschedule after each. */
		cond_resched();
	}
}

/* Indices of the queues that may belong to worker @w. */
#define for_each_vring(w, i)						\
	for ((i) = READ_ONCE((w)->first); (i) <= READ_ONCE((w)->last); (i)++)

/* Queue @i if it belongs to @w, else NULL. No lock: a stale result is harmless. */
static struct vtap_queue *vtap_worker_queue(const struct vtap_worker *w, u32 i)
{
	struct vtap_queue *q = vtap_queue_at(w->dev, i);

	return READ_ONCE(q->worker) == w ? q : NULL;
}

/*
 * Set the pending bits of queues with work. Returns false if all queues are
 * stopped, broken or throttled: something else wakes the worker for those.
 */
static bool vtap_worker_poll_queues(struct vtap_worker *w)
{
	bool may_find = false;
	u32 i;

	for_each_vring(w, i) {
		struct vtap_queue *q = vtap_worker_queue(w, i);

		if (!q || READ_ONCE(q->state) != VTAP_RUNNING ||
		    READ_ONCE(q->throttled))
			continue;
		may_find = true;
		if (vtap_queue_has_work(q))
			set_bit(vtap_work_bit(q, VTAP_WORK_REQUEUED),
				w->pending);
	}
	return may_find;
}

/*
 * Set the pending bits of queues with work whose kicks are off. Other work sets
 * them by itself.
 */
static void vtap_worker_poll_burst(struct vtap_worker *w)
{
	u32 i, bit;

	vtap_for_each_word(w, i) {
		for_each_set_bit(bit, &w->kicks_off[i], BITS_PER_LONG) {
			u32 work = i * BITS_PER_LONG + bit;

			if (vtap_queue_has_work(vtap_work_queue(w->dev, work)))
				set_bit(work, w->pending);
		}
	}
}

/* Move this thread to the CPUs of the node that numa.c chose, once. */
static void vtap_worker_move_to_node(struct vtap_worker *w)
{
	int node = READ_ONCE(w->node);

	if (node == NUMA_NO_NODE || w->node_is_applied)
		return;
	w->node_is_applied = true;
	if (!cpumask_equal(current->cpus_ptr, w->initial_cpus))
		return;			/* the affinity was changed: keep it */
	/* The node may have no CPU that the thread may use. */
	if (cpumask_and(w->initial_cpus, w->initial_cpus,
			cpumask_of_node(node)))
		set_cpus_allowed_ptr(current, w->initial_cpus);
}

/* Reread the settings of the worker's queues, and the node. */
static noinline __cold void vtap_worker_reread_config(struct vtap_worker *w)
{
	u32 us = 0, i;

	/* Pairs with the release in vtap_workers_config_changed(). */
	w->config_gen = atomic_read_acquire(&w->dev->config_gen);
	for_each_vring(w, i) {
		struct vtap_queue *q = vtap_worker_queue(w, i);

		if (q)
			us = max(us, READ_ONCE(q->busyloop_us));
	}
	w->busyloop_us = us;
	vtap_worker_move_to_node(w);
}

/*
 * Set the polling budget of this round. The longest timeout of the worker's
 * queues is the budget of fixed polling and the limit of adaptive polling. The
 * last round before sleeping, which turns kicks on, has none.
 */
static void vtap_worker_set_budget(struct vtap_worker *w)
{
	u32 adaptive_us = READ_ONCE(w->dev->adaptive_us);

	if (unlikely(atomic_read(&w->dev->config_gen) != w->config_gen))
		vtap_worker_reread_config(w);
	if (!w->is_awake) {
		w->is_awake = true;
		/* With one CPU no burst is polled for, and no clock is read. */
		vtap_busypoll_wake(&w->busypoll, num_online_cpus() > 1 ?
						 local_clock() : 0);
	}
	if (w->is_last) {
		w->poll_ns = 0;
		w->busypoll.is_burst = false;
		return;
	}
	w->poll_ns = vtap_busypoll_limit_ns(w->busyloop_us ?: adaptive_us);
	if (likely(!adaptive_us))
		return;
	vtap_busypoll_learn(&w->busypoll, local_clock(), w->poll_ns);
	/* TX passes leave kicks off if it is not 0; vtap_worker_idle() sets its own. */
	w->poll_ns = w->busypoll.window_ns[VTAP_TX];
}

/* Count the result of polling. */
static void vtap_worker_count_poll(struct vtap_worker *w)
{
	bool found = vtap_worker_is_pending(w);
	u32 i;

	for_each_vring(w, i) {
		struct vtap_queue *q = vtap_worker_queue(w, i);

		if (!q)
			continue;
		mutex_lock(&q->lock);
		if (!found)
			vtap_count(&q->stats, poll_misses);
		else if (test_bit(vtap_work_bit(q, VTAP_WORK_WAKE),
				  w->pending) ||
			 test_bit(vtap_work_bit(q, VTAP_WORK_REQUEUED),
				  w->pending))
			vtap_count(&q->stats, poll_hits);
		mutex_unlock(&q->lock);
	}
}

/*
 * Poll until a queue has work, none can have any, or the window is over. After a burst
 * that is for the queues of the burst only, as a worker may have hundreds.
 */
static void vtap_worker_poll(struct vtap_worker *w)
{
	bool must_yield = false, polls_all = w->poll_ns;
	u64 now = local_clock(), ns;

	ns = max(w->poll_ns, vtap_busypoll_burst_ns(&w->busypoll, now));
	if (!vtap_busypoll_begin(&w->busypoll, now, ns))
		return;
	while (!vtap_worker_is_pending(w) &&
	       vtap_busypoll_continue(&w->busypoll, now, must_yield)) {
		if (!polls_all)
			vtap_worker_poll_burst(w);
		else if (!vtap_worker_poll_queues(w))
			break;
		cpu_relax();
		must_yield = need_resched() || !single_task_running() ||
			     signal_pending(current) || READ_ONCE(w->stop) ||
			     (w->shared && vtap_worker_sibling_has_work(w));
		now = local_clock();
	}
	vtap_busypoll_end(&w->busypoll, now);
	if (must_yield && !vtap_worker_is_pending(w))
		vtap_busypoll_yield(&w->busypoll);
	if (polls_all)
		vtap_worker_count_poll(w);
}

/*
 * Call the guest for the bursts that were polled for, because the other workers of a
 * shared thread run before the last round of this one.
 */
static noinline void vtap_worker_call_late(struct vtap_worker *w)
{
	u32 bit;

	for_each_set_bit(bit, w->kicks_off, VTAP_MAX_QUEUES * VTAP_NR_WORKS) {
		struct vtap_queue *q = vtap_work_queue(w->dev, bit);

		mutex_lock(&q->lock);
		vtap_queue_call_now(q);
		mutex_unlock(&q->lock);
	}
}

static bool vtap_worker_kicks_are_off(const struct vtap_worker *w)
{
	u32 i;

	vtap_for_each_word(w, i) {
		if (w->kicks_off[i])
			return true;
	}
	return false;
}

/*
 * Poll after the last work, if polling is on. If nothing is found and queues
 * have their kicks off, a last round turns them on before the worker sleeps. A
 * shared thread does not call a worker without work, so the end of the work is noted
 * here.
 */
static void vtap_worker_idle(struct vtap_worker *w)
{
	bool is_adaptive = READ_ONCE(w->dev->adaptive_us), is_pending;

	if (is_adaptive)
		w->poll_ns = w->busypoll.window_ns[w->busypoll.last_dir];
	if (w->poll_ns || is_adaptive || w->busypoll.is_burst)
		vtap_worker_poll(w);
	is_pending = vtap_worker_is_pending(w);
	w->is_last = !is_pending && vtap_worker_kicks_are_off(w);
	w->is_awake = is_pending || w->is_last;
	if (w->is_last && w->shared)
		vtap_worker_call_late(w);
}

/**
 * vtap_worker_run - run one round of a worker
 * @data: struct vtap_worker
 *
 * Called in TASK_INTERRUPTIBLE. The state is TASK_RUNNING afterwards if the
 * round did work.
 *
 * Return: true if there may be more to do, false to sleep until woken.
 */
bool vtap_worker_run(void *data)
{
	struct vtap_worker *w = data;
	u32 i;

	if (!vtap_worker_is_pending(w) && !w->is_last)
		return false;
	__set_current_state(TASK_RUNNING);
	kcov_remote_start_common(w->kcov_handle);

	vtap_worker_set_budget(w);
	vtap_for_each_word(w, i) {
		if (READ_ONCE(w->pending[i]) || w->kicks_off[i])
			vtap_worker_serve_word(w, i);
	}
	if (w->is_last) {
		w->is_last = false;
		w->is_awake = false;
	} else if (!vtap_worker_is_pending(w)) {
		vtap_worker_idle(w);
	}
	/* A worker with work in every round never sleeps: report to RCU-tasks. */
	cond_resched_tasks_rcu_qs();
	kcov_remote_stop();
	return true;
}
