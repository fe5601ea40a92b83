// SPDX-License-Identifier: GPL-2.0
/*
 * worker.c - a thread: who has work, who is next, when to sleep
 *
 * The worker knows nothing of packets. Callbacks set bits in the pending
 * words; the worker takes a word at once and gives each queue with a bit one
 * pass, so queues that share a worker take turns. A bit that is set during a
 * pass is found in the next round, so no wake-up is lost: set bit, wake on one
 * side; TASK_INTERRUPTIBLE, look at the bits on the other.
 */
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>

#include "busypoll.h"
#include "thread.h"
#include "vtap.h"

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
		__set_bit(vtap_work_bit(q, VTAP_WORK_REQUEUED), w->kicks_off);
}

#define WORKS_MASK	(BIT(VTAP_NR_WORKS) - 1)

/*
 * Queues whose kicks are off take part in each round, for nobody else tells of
 * their work. The pass with which polling ends turns the kicks on.
 */
static void vtap_worker_serve_word(struct vtap_worker *w, u32 word)
{
	unsigned long told = xchg(&w->pending[word], 0);
	unsigned long pending = told | w->kicks_off[word];

	w->kicks_off[word] = 0;
	while (pending) {
		u32 at = __ffs(pending) / VTAP_NR_WORKS;
		u32 shift = at * VTAP_NR_WORKS;
		u32 index = (word * VTAP_QUEUES_PER_WORD + at) ^ 1;
		u8 works = (pending >> shift) & WORKS_MASK;
		struct vtap_queue *q = vtap_queue_at(w->dev, index);

		pending &= ~(WORKS_MASK << shift);
		w->others_wait = pending;
		if (told >> shift & WORKS_MASK)
			w->busypoll.after = q->dir;
		vtap_worker_serve(w, q, works);
		/* A round may be 512 passes; one is the longest without this. */
		cond_resched();
	}
}

/* Vrings that may be this worker's. */
#define for_each_vring(w, i)						\
	for ((i) = READ_ONCE((w)->first); (i) <= READ_ONCE((w)->last); (i)++)

/* Vring @i if it is, or NULL. No lock: a stale answer costs a look. */
static struct vtap_queue *vtap_worker_queue(const struct vtap_worker *w, u32 i)
{
	struct vtap_queue *q = vtap_queue_at(w->dev, i);

	return READ_ONCE(q->worker) == w ? q : NULL;
}

/* Look at each queue once. */
static void vtap_worker_poll_queues(struct vtap_worker *w)
{
	u32 i;

	for_each_vring(w, i) {
		struct vtap_queue *q = vtap_worker_queue(w, i);

		if (q && vtap_queue_has_work(q))
			set_bit(vtap_work_bit(q, VTAP_WORK_REQUEUED),
				w->pending);
	}
	cpu_relax();
}

/* Move this thread, once, to the CPUs of the node that control chose (numa.c). */
static void vtap_worker_move_to_node(struct vtap_worker *w)
{
	int node = READ_ONCE(w->node);

	if (node == NUMA_NO_NODE || w->node_is_applied)
		return;
	w->node_is_applied = true;
	if (!cpumask_equal(current->cpus_ptr, w->initial_cpus))
		return;			/* somebody has other plans */
	/* None left: the node has no CPUs, or not for us. */
	if (cpumask_and(w->initial_cpus, w->initial_cpus,
			cpumask_of_node(node)))
		set_cpus_allowed_ptr(current, w->initial_cpus);
}

/* Control changed something: what have our queues now, and where do we run? */
static noinline __cold void vtap_worker_find_queues(struct vtap_worker *w)
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
 * At the begin of a round: what did the last pause teach, will we look? The
 * longest wish of our queues decides how long, or how long at most. Not in the
 * last round, which turns kicks on.
 */
static void vtap_worker_set_budget(struct vtap_worker *w)
{
	u32 adaptive_us = READ_ONCE(w->dev->adaptive_us);

	if (unlikely(atomic_read(&w->dev->config_gen) != w->config_gen))
		vtap_worker_find_queues(w);
	if (w->is_last) {
		w->poll_ns = 0;
		return;
	}
	w->poll_ns = vtap_busypoll_limit_ns(w->busyloop_us ?: adaptive_us);
	if (likely(!adaptive_us))
		return;
	vtap_busypoll_learn(&w->busypoll, local_clock(), w->poll_ns);
	/* For the passes of TX, which leave kicks off; vtap_worker_idle() has its own. */
	w->poll_ns = w->busypoll.window_ns[VTAP_TX];
}

/* The looking is over: what was it good for? */
static void vtap_worker_end_poll(struct vtap_worker *w)
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

/* Look at all queues until one has work or the time is up. The locks are taken
 * for each look only.
 */
static void vtap_worker_poll(struct vtap_worker *w)
{
	bool must_yield = false;
	u64 now = local_clock();

	if (!vtap_busypoll_begin(&w->busypoll, now, w->poll_ns))
		return;
	while (!vtap_worker_is_pending(w) &&
	       vtap_busypoll_go_on(&w->busypoll, now, must_yield)) {
		vtap_worker_poll_queues(w);
		must_yield = need_resched() || !single_task_running() ||
			     signal_pending(current) || READ_ONCE(w->stop);
		now = local_clock();
	}
	if (must_yield && !vtap_worker_is_pending(w))
		vtap_busypoll_yield(&w->busypoll);
	vtap_worker_end_poll(w);
}

/* Are there queues whose kicks are off? */
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
 * Out of work. When nothing comes of looking for it the worker will sleep;
 * before it does there is a last round, in which kicks are turned on.
 */
static void vtap_worker_idle(struct vtap_worker *w)
{
	bool is_adaptive = READ_ONCE(w->dev->adaptive_us);

	if (is_adaptive)
		w->poll_ns = w->busypoll.window_ns[w->busypoll.after];
	if (w->poll_ns || is_adaptive)
		vtap_worker_poll(w);
	w->is_last = !vtap_worker_is_pending(w) && vtap_worker_kicks_are_off(w);
}

/**
 * vtap_worker_run - one round of a worker
 * @data: the struct vtap_worker
 *
 * Called in TASK_INTERRUPTIBLE; leaves the task running when it did work.
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

	vtap_worker_set_budget(w);
	vtap_for_each_word(w, i) {
		if (READ_ONCE(w->pending[i]) || w->kicks_off[i])
			vtap_worker_serve_word(w, i);
	}
	if (w->is_last)
		w->is_last = false;
	else if (!vtap_worker_is_pending(w))
		vtap_worker_idle(w);
	/* A worker with work in every round never sleeps: RCU-tasks must know. */
	cond_resched_tasks_rcu_qs();
	return true;
}
