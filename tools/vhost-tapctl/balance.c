// SPDX-License-Identifier: GPL-2.0
/*
 * balance.c - vhost-tapctl balance: move workers from busy to idle shared threads
 *
 * The load of a worker is the time that it spends in passes of its queues. In each
 * interval, each process has at most one move: from its busiest thread to its idlest
 * one, and only if the maximum falls clearly. So the result settles, and small changes
 * of the load move nothing.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "ctl.h"

/* A thread below this load needs no help. In CPUs. */
#define MIN_BUSY	0.8
/* A move must lower the load of the busiest thread at least this much. */
#define MIN_GAIN	0.1

/** struct shared - a worker in a shared thread, with its load in CPUs */
struct shared {
	const struct worker *w;
	double load;
};

/** struct thread - a thread, with the load of its workers */
struct thread {
	uint32_t tid;
	double load;
};

/** struct balance - options, and the queues for which this measures the load */
struct balance {
	struct genl *nl;
	unsigned long owner;	/* process to balance, or 0 for all */
	bool dry_run;
	struct number_attr (*measured)[3];
	size_t nr_measured;
};

/* ---- measuring ---- */

static bool is_mine(const struct balance *b, const struct snapshot *s,
		    const struct worker *w)
{
	const struct device *d = snapshot_device(s, w->device);

	return w->tid && w->shared_tids.nr > 1 &&
	       (!b->owner || (d && d->owner_pid == b->owner));
}

/* A device or worker may end at any time, and a thread with its process. */
static bool has_ended(int err)
{
	return err == -ENODEV || err == -ENOENT || err == -ESRCH || err == -EBUSY;
}

/* Measure the load of @q, until stop_measuring(). Returns 0 or negative errno. */
static int measure(struct balance *b, const struct queue *q)
{
	const struct number_attr attr[3] = {
		{ VHOST_TAP_A_QUEUE_DEVICE, false, q->device },
		{ VHOST_TAP_A_QUEUE_INDEX, false, q->index },
		{ VHOST_TAP_A_QUEUE_LOAD, false, 1 },
	};
	void *more;
	int err;

	if (!(b->nr_measured & (b->nr_measured - 1))) {
		more = reallocarray(b->measured,
				    b->nr_measured ? 2 * b->nr_measured : 1,
				    sizeof(*b->measured));
		if (!more)
			return -ENOMEM;
		b->measured = more;
	}
	err = genl_set(b->nl, VHOST_TAP_CMD_QUEUE_SET, attr, 3);
	if (!err)
		memcpy(b->measured[b->nr_measured++], attr, sizeof(attr));
	return has_ended(err) ? 0 : err;
}

static int measure_all(struct balance *b, const struct snapshot *s)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < s->nr_queues && !err; i++) {
		const struct queue *q = &s->queue[i];
		const struct worker *w = snapshot_worker(s, q->device, q->worker);

		if (w && !q->load && is_mine(b, s, w))
			err = measure(b, q);
	}
	return err;
}

/* Measurements that somebody else began go on. */
static void stop_measuring(struct balance *b)
{
	size_t i;

	for (i = 0; i < b->nr_measured; i++) {
		b->measured[i][2].value = 0;
		genl_set(b->nl, VHOST_TAP_CMD_QUEUE_SET, b->measured[i], 3);
	}
	free(b->measured);
}

static int compare_pools(const void *a, const void *b)
{
	uint64_t x = ((const struct shared *)a)->w->shared_tids.val[0];
	uint64_t y = ((const struct shared *)b)->w->shared_tids.val[0];

	return (x > y) - (x < y);
}

/* Find all workers to balance, sorted by process. Returns NULL without memory. */
static struct shared *find_workers(const struct balance *b,
				   const struct snapshot *s,
				   const struct snapshot *was, unsigned int *nr)
{
	struct shared *all = calloc(s->nr_workers + 1, sizeof(*all));
	double t = s->at > was->at ? s->at - was->at : 1;
	unsigned int i;

	*nr = 0;
	if (!all)
		return NULL;
	for (i = 0; i < s->nr_workers; i++)
		all[i].w = &s->worker[i];
	for (i = 0; i < s->nr_queues; i++) {
		const struct queue *q = &s->queue[i];
		const struct queue *old = snapshot_queue(was, q->device, q->index);
		const struct worker *w = snapshot_worker(s, q->device, q->worker);

		if (w && old && q->load && old->load && q->busy_ns > old->busy_ns)
			all[w - s->worker].load += (q->busy_ns - old->busy_ns) / t / 1e9;
	}
	for (i = 0; i < s->nr_workers; i++) {
		if (is_mine(b, s, all[i].w))
			all[(*nr)++] = all[i];
	}
	qsort(all, *nr, sizeof(*all), compare_pools);
	return all;
}

/* ---- deciding ---- */

/* Add up the load of each thread of the process. Returns their number. */
static unsigned int add_up(const struct shared *pool, unsigned int nr,
			   struct thread *thread)
{
	const struct list *tids = &pool[0].w->shared_tids;
	unsigned int i, k;

	for (k = 0; k < tids->nr; k++)
		thread[k] = (struct thread){ .tid = tids->val[k] };
	for (i = 0; i < nr; i++) {
		for (k = 0; k < tids->nr; k++) {
			if (thread[k].tid == pool[i].w->tid)
				thread[k].load += pool[i].load;
		}
	}
	return tids->nr;
}

static double larger(double a, double b)
{
	return a > b ? a : b;
}

/* Choose the worker whose move lowers the maximum most. Returns NULL for no move. */
static const struct shared *choose(const struct shared *pool, unsigned int nr,
				   struct thread *from, struct thread *to)
{
	struct thread thread[MAX_LIST];
	unsigned int nr_threads = add_up(pool, nr, thread), i;
	const struct shared *best = NULL;
	double after, limit;

	*from = *to = thread[0];
	for (i = 1; i < nr_threads; i++) {
		if (thread[i].load > from->load)
			*from = thread[i];
		if (thread[i].load < to->load)
			*to = thread[i];
	}
	if (from->load < MIN_BUSY)
		return NULL;
	limit = from->load - MIN_GAIN;
	for (i = 0; i < nr; i++) {
		after = larger(from->load - pool[i].load, to->load + pool[i].load);
		if (pool[i].w->tid == from->tid && after <= limit) {
			limit = after;
			best = &pool[i];
		}
	}
	return best;
}

/* Returns 0 or negative errno. */
static int balance_pool(const struct balance *b, const struct snapshot *s,
			const struct shared *pool, unsigned int nr)
{
	struct thread from, to;
	const struct shared *m = choose(pool, nr, &from, &to);
	const char *tap;
	int err = 0;

	if (!m)
		return 0;
	if (!b->dry_run) {
		const struct number_attr attr[] = {
			{ VHOST_TAP_A_WORKER_DEVICE, false, m->w->device },
			{ VHOST_TAP_A_WORKER_INDEX, false, m->w->index },
			{ VHOST_TAP_A_WORKER_TID, false, to.tid },
		};

		err = genl_set(b->nl, VHOST_TAP_CMD_WORKER_SET, attr, 3);
	}
	if (err)
		return has_ended(err) ? 0 : err;
	tap = worker_tap(s, m->w);
	printf("%s worker %u of device %u (%s, %.0f %%) from thread %u (%.0f %%) to thread %u (%.0f %%)\n",
	       b->dry_run ? "would move" : "moved", m->w->index, m->w->device,
	       tap && tap[0] ? tap : "-", 100 * m->load, from.tid, 100 * from.load, to.tid,
	       100 * to.load);
	return 0;
}

/* Returns 0 or negative errno. */
static int balance_all(const struct balance *b, const struct snapshot *s,
		       const struct snapshot *was)
{
	unsigned int nr, first, end;
	struct shared *all = find_workers(b, s, was, &nr);
	int err = all ? 0 : -ENOMEM;

	for (first = 0; first < nr && !err; first = end) {
		for (end = first; end < nr &&
		     !compare_pools(&all[first], &all[end]); end++)
			;
		err = balance_pool(b, s, all + first, end - first);
	}
	free(all);
	return err;
}

/* ---- the command ---- */

/* Wait for an interval. Returns 0, 1 after a signal, or -EPIPE. */
static int wait_interval(unsigned long interval, int signals)
{
	if (output_flush() != CTL_OK)
		return -EPIPE;
	return output_wait(signals, interval);
}

static int run(struct balance *b, unsigned long interval, bool once, int signals)
{
	struct snapshot was, s;
	int err = snapshot_take(b->nl, &was), wait = 0;

	if (!err)
		err = measure_all(b, &was);
	/* The load counts from the first snapshot in which it is measured. */
	if (!err && b->nr_measured) {
		snapshot_free(&was);
		err = snapshot_take(b->nl, &was);
	}
	while (!err && !(wait = wait_interval(interval, signals))) {
		err = snapshot_take(b->nl, &s);
		if (!err)
			err = balance_all(b, &s, &was) ?: measure_all(b, &s);
		snapshot_free(&was);
		was = s;
		if (once)
			break;
	}
	snapshot_free(&was);
	stop_measuring(b);
	if (err)
		return genl_failure(b->nl, err);
	return wait < 0 ? output_lost() : CTL_OK;
}

/* Returns a file that is readable once the user wants to end the command, or -1. */
static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/**
 * cmd_balance - vhost-tapctl balance
 * @argc: arguments, with the name
 * @argv: arguments
 *
 * Return: exit code.
 */
int cmd_balance(int argc, char **argv)
{
	static const struct option options[] = {
		{ "owner", required_argument, NULL, 'p' },
		{ "interval", required_argument, NULL, 'i' },
		{ "once", no_argument, NULL, 'o' },
		{ "dry-run", no_argument, NULL, 'n' },
		{ 0 },
	};
	struct balance b = { 0 };
	unsigned long interval = 10;
	bool once = false;
	int c, ret, signals;

	while ((c = next_option(argc, argv, "", options)) != -1) {
		if (c == 'p' && !number(optarg, 1, INT32_MAX, &b.owner))
			;
		else if (c == 'i' && !number(optarg, 1, 86400, &interval))
			;
		else if (c == 'o')
			once = true;
		else if (c == 'n')
			b.dry_run = true;
		else
			return CTL_USAGE;
	}
	if (optind != argc)
		return CTL_USAGE;
	b.nl = genl_open();
	if (!b.nl)
		return genl_failure(NULL, -errno);
	signals = open_signals();
	ret = run(&b, interval, once, signals);
	close(signals);
	genl_close(b.nl);
	return ret;
}
