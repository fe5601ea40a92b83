// SPDX-License-Identifier: GPL-2.0
/*
 * Rounds: fill the rings, kick, sleep until the last is used.
 *
 * Read before: testbed.h, cost.h. Read next: stream.c, idle.c.
 *
 * For RX the packets wait in the tap's queue before, and the guest had no
 * buffers; so the producer's cost is outside. Timed is from the first kick to the
 * last call. Full rounds take turns with rounds of a quarter: the difference,
 * spread over the other three quarters, is what a packet costs without the
 * wake-ups, whatever those cost today. It is made of the 10th percentile of each:
 * noise only ever adds.
 *
 * Bursts are about the wake-ups. Where guest and worker share a processor, it is
 * the scheduler's whim whether the worker runs at the kick, before the guest
 * can even begin to sleep, or later; that is half of the time. With batch=1 it is
 * always later: kick, sleep, worker, call, and the guest when the worker sleeps.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "testbed.h"
#include "cost.h"
#include "pvq.h"

/* One look, whatever the format. */
static bool all_used(struct vq *q)
{
	return q->packed ? pvq_last_is_used(q) :
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
		err = bed_post(tb, i, tb->nr_chains);
		/* a packed ring has no index: what is left is one store */
		pvq_publish_behind(bed_vq(tb, i));
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
		q = bed_vq(tb, i);
		vq_publish(q);
		vq_kick(q);
		/* the next is for what comes */
		q->kicked_idx = q->avail_idx;
		q->kicked_at = q->avail_at;
	}
	for (i = 0; !err && i < tb->nr_pairs; i++) {
		q = bed_vq(tb, i);
		err = wait_used(q);
	}
	return err;
}

/* One call, for the last; without event index, whenever the device likes. */
static void want_last(struct testbed *tb)
{
	unsigned int i;
	struct vq *q;

	for (i = 0; i < tb->nr_pairs; i++) {
		q = bed_vq(tb, i);
		if (q->packed)
			pvq_call_at(q, q->last_at);
		else
			q->avail->ring[q->num] = q->avail_idx - 1;
	}
}

/* Return: 0 and ns of a round, or -errno */
static int do_round(struct testbed *tb, int64_t *ns)
{
	bool has_rings = tb->baseline < 0;
	int64_t start;
	int err = 0;

	if (has_rings)
		err = post_all(tb);
	if (!err && tb->row->rx) {
		err = wire_feed(tb);
		/* the worker finds no buffers, and sleeps */
		usleep(50);
	}
	if (err)
		return err;
	if (has_rings && tb->row->eidx)
		want_last(tb);

	start = now_ns();
	err = run(tb);
	*ns = now_ns() - start;
	return err || !has_rings ? err : bed_reap(tb);
}

static void count_from_here(struct testbed *tb)
{
	unsigned int i;

	for (i = 0; tb->baseline < 0 && i < tb->nr_pairs; i++) {
		bed_vq(tb, i)->nr_kicks = 0;
		bed_vq(tb, i)->nr_calls = 0;
	}
}

/* Rounds of both sizes for @ms, sorted. Return: pairs of them, or -errno */
static int do_rounds(struct testbed *tb, unsigned int ms, int64_t *full,
		     int64_t *part)
{
	unsigned int quarter = tb->most < 4 ? 1 : tb->most / 4;
	int64_t end = 0;
	int n, i, err;

	for (n = -COST_WARM_UP; n < COST_MAX_ROUNDS; n++) {
		if (!n) {
			count_from_here(tb);
			end = now_ns() + ms * 1000000LL;
		}
		if (n >= COST_MIN_ROUNDS && now_ns() > end)
			break;
		i = n < 0 ? 0 : n;
		bed_round(tb, tb->most);
		err = do_round(tb, &full[i]);
		if (err)
			return err;
		bed_round(tb, quarter);
		err = do_round(tb, &part[i]);
		if (err)
			return err;
	}
	qsort(full, n, sizeof(*full), by_value);
	qsort(part, n, sizeof(*part), by_value);
	return n;
}

int cost_rounds(const struct row *row, unsigned int ms, struct cost *cost)
{
	static int64_t full[COST_MAX_ROUNDS], part[COST_MAX_ROUNDS];
	unsigned int more, i;
	struct testbed tb;
	double all;
	int n;

	n = bed_init(&tb, row);
	if (!n && row->batch)
		n = worker_batch();
	if (!n)
		n = do_rounds(&tb, ms, full, part);
	if (n < 0)
		return n;

	/* the last round was a short one */
	more = (tb.most - tb.nr_packets) * tb.nr_pairs;
	all = (double)n * (tb.most + tb.nr_packets) * tb.nr_pairs;
	*cost = (struct cost){
		.rounds = n, .packets = tb.most * tb.nr_pairs,
	};
	if (more)
		cost->more = (double)(full[n / 10] - part[n / 10]) / more;
	cost->whole = typical(full, n) / cost->packets;
	cost->median = (double)full[n / 2] / cost->packets;
	for (i = 0; tb.baseline < 0 && i < tb.nr_pairs; i++) {
		cost->kicks += bed_vq(&tb, i)->nr_kicks / all;
		cost->calls += bed_vq(&tb, i)->nr_calls / all;
	}
	bed_free(&tb);
	return 0;
}
