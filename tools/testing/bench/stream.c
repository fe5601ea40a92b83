// SPDX-License-Identifier: GPL-2.0
/*
 * A stream: guest and device work at the same time, with as few notifications as the
 * ring permits. It measures kicks and calls per packet.
 *
 * TX: the guest adds a burst, kicks if needed, and takes used buffers back without
 * calls. When the ring is full, it requests one call after three quarters, and sleeps.
 * RX: a burst arrives at the tap. The guest waits for a call if there is no packet,
 * disables calls, takes all packets, refills when half of its buffers are used, and
 * enables calls. Linux's virtio-net works like this. If both share one CPU, the time
 * includes the guest's. With batch=1 the worker then does not preempt the guest; without
 * it, the scheduler decides at each kick. With two_cpus=1 each has a CPU.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>

#include "testbed.h"
#include "cost.h"

#define BLOCK	4096	/* packets timed as one round */

static int sleep_for(struct vq *q)
{
	if (!fd_wait(q->call, 5000))
		return -ETIMEDOUT;
	q->nr_calls += fd_count(q->call);
	return 0;
}

/* The ring is full: sleep until most of it is used. */
static int make_room(struct vq *q)
{
	uint16_t flying = q->avail_idx - q->used_idx;
	uint16_t event = q->used_idx + flying * 3 / 4;

	q->avail->ring[q->num] = event;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if ((uint16_t)(vq_used_idx(q) - q->used_idx) > flying * 3 / 4)
		return 0;
	return sleep_for(q);
}

static int tx_block(struct testbed *tb)
{
	struct vq *q = testbed_vq(tb, 0);
	unsigned int done, burst = tb->row->burst;
	int err;

	for (done = 0; done < BLOCK; done += burst) {
		testbed_take_used(tb, q);
		while (q->nr_free < burst * tb->row->chain) {
			err = make_room(q);
			if (err)
				return err;
			testbed_take_used(tb, q);
			vq_calls_off(q);
		}
		err = testbed_post(tb, 0, burst);
		if (err)
			return err;
		vq_publish(q);
		vq_kick(q);
	}
	return 0;
}

static int rx_refill(struct testbed *tb, struct vq *q)
{
	int err;

	if (q->nr_free < q->num / 2)
		return 0;
	err = testbed_post(tb, 0, q->nr_free / tb->row->chain);
	vq_publish(q);
	vq_kick(q);
	return err;
}

static int rx_block(struct testbed *tb)
{
	unsigned int done, got, burst = tb->row->burst;
	struct vq *q = testbed_vq(tb, 0);
	int err;

	testbed_round(tb, burst);
	for (done = 0; done < BLOCK; done += burst) {
		err = rx_refill(tb, q) ?: testbed_send_rx(tb);
		for (got = 0; !err && got < burst; ) {
			vq_calls_on(q);
			if (vq_used_idx(q) == q->used_idx)
				err = sleep_for(q);
			vq_calls_off(q);
			got += testbed_take_used(tb, q);
		}
		if (err)
			return err;
	}
	return 0;
}

int cost_stream(const struct bench_row *row, unsigned int ms, struct packet_cost *cost)
{
	static int64_t ns[COST_MAX_ROUNDS];
	int64_t start, worker_ns = 0, end = 0;
	struct testbed tb;
	struct vq *q;
	int n, err;

	if (!row->burst || !row->eidx || row->pairs)
		return -EINVAL;
	err = testbed_init(&tb, row);
	if (!err && row->batch)
		err = worker_batch();
	if (!err && row->two_cpus)
		err = worker_on_last_cpu();
	if (err)
		return err;
	q = testbed_vq(&tb, 0);
	vq_calls_off(q);
	for (n = -COST_WARM_UP; n < COST_MAX_ROUNDS; n++) {
		if (!n) {
			q->nr_kicks = 0;
			q->nr_calls = 0;
			worker_ns = worker_cpu_ns();
			end = now_ns() + ms * 1000000LL;
		}
		if (n >= COST_MIN_ROUNDS && now_ns() > end)
			break;
		start = now_ns();
		err = row->rx ? rx_block(&tb) : tx_block(&tb);
		ns[n < 0 ? 0 : n] = now_ns() - start;
		if (err)
			return err;
	}
	worker_ns = worker_cpu_ns() - worker_ns;
	qsort(ns, n, sizeof(*ns), by_value);
	*cost = (struct packet_cost){
		.rounds = n, .packets = BLOCK,
		.more = (double)ns[n / 10] / BLOCK,
		.whole = (double)ns[n / 10] / BLOCK,
		.median = (double)ns[n / 2] / BLOCK,
		.kicks = q->nr_kicks / ((double)n * BLOCK),
		.calls = q->nr_calls / ((double)n * BLOCK),
		.worker_ns = worker_ns / ((double)n * BLOCK),
		.p99 = (double)ns[n - 1 - n / 100] / BLOCK,
	};
	testbed_free(&tb);
	return 0;
}
