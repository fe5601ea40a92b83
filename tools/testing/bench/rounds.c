// SPDX-License-Identifier: GPL-2.0
/*
 * Rounds: fill the rings, kick, sleep until the last chain is used.
 *
 * For RX the packets already wait in the tap's queue while the guest has no buffers, so
 * the producer's cost is excluded. The time is from the first kick to the last call.
 * Full rounds alternate with rounds of a quarter. Their difference, divided by the other
 * three quarters, is the cost of a packet without the wake-ups. It uses the 10th
 * percentile of each, because noise only adds time.
 *
 * Bursts measure the wake-ups. If guest and worker share a CPU, the scheduler decides
 * whether the worker runs at the kick, before the guest can sleep, or later; that is
 * half of the time. With batch=1 it is always later: kick, sleep, worker, call, and the
 * guest when the worker sleeps.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "testbed.h"
#include "cost.h"

/* Check once, in either format. */
static bool all_used(struct vq *q)
{
	return q->packed ? pdrv_is_used(&q->drv, q->last_at) :
			   vq_used_idx(q) == q->avail_idx;
}

static int wait_used(struct vq *q)
{
	while (!all_used(q)) {
		if (!fd_wait(q->call, 5000))
			return -ETIMEDOUT;
		q->nr_calls += fd_count(q->call);
	}
	return 0;
}

static int post_all(struct testbed *tb)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < tb->nr_pairs; i++) {
		err = testbed_post(tb, i, tb->nr_chains);
		/* A packed ring has no index; one store remains to publish. */
		drv_publish_behind(&testbed_vq(tb, i)->drv);
	}
	return err;
}

static int run(struct testbed *tb)
{
	unsigned int i;
	struct vq *q;
	int err = 0;

	if (tb->baseline >= 0)
		return baseline_run(tb);
	for (i = 0; i < tb->nr_pairs; i++) {
		q = testbed_vq(tb, i);
		vq_publish(q);
		vq_kick(q);
		/* The next chain is the first of the next round. */
		q->kick_idx = q->avail_idx;
	}
	for (i = 0; !err && i < tb->nr_pairs; i++) {
		q = testbed_vq(tb, i);
		err = wait_used(q);
	}
	return err;
}

/* Request one call, for the last; without event index the device decides. */
static void want_last(struct testbed *tb)
{
	unsigned int i;
	struct vq *q;

	for (i = 0; i < tb->nr_pairs; i++) {
		q = testbed_vq(tb, i);
		drv_call_at(&q->drv, q->packed ? q->last_at : q->avail_idx - 1);
	}
}

/* Return: 0 and the ns of a round, or -errno */
static int do_round(struct testbed *tb, int64_t *ns)
{
	bool has_rings = tb->baseline < 0;
	int64_t start;
	int err = 0;

	forward_drain(tb);
	if (has_rings)
		err = post_all(tb);
	if (!err && tb->row->rx) {
		err = testbed_send_rx(tb);
		/* The worker finds no buffers and sleeps. */
		usleep(50);
	}
	if (err)
		return err;
	if (has_rings && tb->row->eidx)
		want_last(tb);

	start = now_ns();
	err = run(tb);
	*ns = now_ns() - start;
	return err || !has_rings ? err : testbed_reap(tb);
}

static void count_from_here(struct testbed *tb)
{
	unsigned int i;

	for (i = 0; tb->baseline < 0 && i < tb->nr_pairs; i++) {
		testbed_vq(tb, i)->nr_kicks = 0;
		testbed_vq(tb, i)->nr_calls = 0;
	}
}

/*
 * Run rounds of both sizes for @ms, sorted. @worker_ns is set to the CPU time of the
 * workers. Return: pairs of rounds, or -errno
 */
static int do_rounds(struct testbed *tb, unsigned int ms, int64_t *full,
		     int64_t *part, int64_t *worker_ns)
{
	unsigned int quarter = tb->most < 4 ? 1 : tb->most / 4;
	int64_t end = 0;
	int n, i, err;

	for (n = -COST_WARM_UP; n < COST_MAX_ROUNDS; n++) {
		if (!n) {
			count_from_here(tb);
			*worker_ns = -worker_cpu_ns();
			end = now_ns() + ms * 1000000LL;
		}
		if (n >= COST_MIN_ROUNDS && now_ns() > end)
			break;
		i = n < 0 ? 0 : n;
		testbed_round(tb, tb->most);
		err = do_round(tb, &full[i]);
		if (err)
			return err;
		testbed_round(tb, quarter);
		err = do_round(tb, &part[i]);
		if (err)
			return err;
	}
	*worker_ns += worker_cpu_ns();
	qsort(full, n, sizeof(*full), by_value);
	qsort(part, n, sizeof(*part), by_value);
	return n;
}

int cost_rounds(const struct bench_row *row, unsigned int ms, struct packet_cost *cost)
{
	static int64_t full[COST_MAX_ROUNDS], part[COST_MAX_ROUNDS];
	unsigned int more, i;
	struct testbed tb;
	int64_t worker_ns = 0;
	double all;
	int n;

	n = testbed_init(&tb, row);
	if (!n && row->batch)
		n = worker_batch();
	if (!n && row->two_cpus)
		n = worker_on_last_cpu();
	if (!n)
		n = do_rounds(&tb, ms, full, part, &worker_ns);
	if (n < 0)
		return n;

	/* The last round was a short one. */
	more = (tb.most - tb.nr_packets) * tb.nr_pairs;
	all = (double)n * (tb.most + tb.nr_packets) * tb.nr_pairs;
	*cost = (struct packet_cost){
		.rounds = n, .packets = tb.most * tb.nr_pairs,
	};
	if (more)
		cost->more = (double)(full[n / 10] - part[n / 10]) / more;
	cost->whole = typical(full, n) / cost->packets;
	cost->median = (double)full[n / 2] / cost->packets;
	cost->p99 = (double)full[n - 1 - n / 100] / cost->packets;
	cost->worker_ns = worker_ns / all;
	for (i = 0; tb.baseline < 0 && i < tb.nr_pairs; i++) {
		cost->kicks += testbed_vq(&tb, i)->nr_kicks / all;
		cost->calls += testbed_vq(&tb, i)->nr_calls / all;
	}
	testbed_free(&tb);
	return 0;
}
