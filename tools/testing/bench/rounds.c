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

static int post_all(struct bed *bed)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < bed->nr_pairs; i++) {
		err = bed_post(bed, i, bed->nr_chains);
		/* a packed ring has no index: what is left is one store */
		pvq_publish_behind(bed_vq(bed, i));
	}
	return err;
}

static int run(struct bed *bed)
{
	unsigned int i;
	struct vq *q;
	int err = 0;

	if (bed->floor >= 0)
		return floor_run(bed);
	for (i = 0; i < bed->nr_pairs; i++) {
		q = bed_vq(bed, i);
		vq_publish(q);
		vq_kick(q);
		/* the next is for what comes */
		q->kicked_idx = q->avail_idx;
		q->kicked_at = q->avail_at;
	}
	for (i = 0; !err && i < bed->nr_pairs; i++) {
		q = bed_vq(bed, i);
		err = wait_used(q);
	}
	return err;
}

/* One call, for the last; without event index, whenever the device likes. */
static void want_last(struct bed *bed)
{
	unsigned int i;
	struct vq *q;

	for (i = 0; i < bed->nr_pairs; i++) {
		q = bed_vq(bed, i);
		if (q->packed)
			pvq_call_at(q, q->last_at);
		else
			q->avail->ring[q->num] = q->avail_idx - 1;
	}
}

/* Return: 0 and ns of a round, or -errno */
static int do_round(struct bed *bed, int64_t *ns)
{
	bool has_rings = bed->floor < 0;
	int64_t start;
	int err = 0;

	if (has_rings)
		err = post_all(bed);
	if (!err && bed->row->rx) {
		err = wire_feed(bed);
		/* the worker finds no buffers, and sleeps */
		usleep(50);
	}
	if (err)
		return err;
	if (has_rings && bed->row->eidx)
		want_last(bed);

	start = now_ns();
	err = run(bed);
	*ns = now_ns() - start;
	return err || !has_rings ? err : bed_reap(bed);
}

static void count_from_here(struct bed *bed)
{
	unsigned int i;

	for (i = 0; bed->floor < 0 && i < bed->nr_pairs; i++) {
		bed_vq(bed, i)->nr_kicks = 0;
		bed_vq(bed, i)->nr_calls = 0;
	}
}

/* Rounds of both sizes for @ms, sorted. Return: pairs of them, or -errno */
static int do_rounds(struct bed *bed, unsigned int ms, int64_t *full,
		     int64_t *part)
{
	unsigned int quarter = bed->most < 4 ? 1 : bed->most / 4;
	int64_t end = 0;
	int n, i, err;

	for (n = -COST_WARM_UP; n < COST_MAX_ROUNDS; n++) {
		if (!n) {
			count_from_here(bed);
			end = now_ns() + ms * 1000000LL;
		}
		if (n >= COST_MIN_ROUNDS && now_ns() > end)
			break;
		i = n < 0 ? 0 : n;
		bed_round(bed, bed->most);
		err = do_round(bed, &full[i]);
		if (err)
			return err;
		bed_round(bed, quarter);
		err = do_round(bed, &part[i]);
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
	struct bed bed;
	double all;
	int n;

	n = bed_init(&bed, row);
	if (!n && row->batch)
		n = worker_batch();
	if (!n)
		n = do_rounds(&bed, ms, full, part);
	if (n < 0)
		return n;

	/* the last round was a short one */
	more = (bed.most - bed.nr_packets) * bed.nr_pairs;
	all = (double)n * (bed.most + bed.nr_packets) * bed.nr_pairs;
	*cost = (struct cost){
		.rounds = n, .packets = bed.most * bed.nr_pairs,
	};
	if (more)
		cost->more = (double)(full[n / 10] - part[n / 10]) / more;
	cost->whole = typical(full, n) / cost->packets;
	cost->median = (double)full[n / 2] / cost->packets;
	for (i = 0; bed.floor < 0 && i < bed.nr_pairs; i++) {
		cost->kicks += bed_vq(&bed, i)->nr_kicks / all;
		cost->calls += bed_vq(&bed, i)->nr_calls / all;
	}
	bed_free(&bed);
	return 0;
}
