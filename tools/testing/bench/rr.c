// SPDX-License-Identifier: GPL-2.0
/*
 * Request and response: a packet from the host, a call, an answer of the guest, a
 * packet to the host; then the next one, at once or at a fixed rate (pace=).
 *
 * The host's program and the guest are threads. Each sleeps while it waits. The time is
 * that from the request to its answer. Both threads run on the first CPU and the workers
 * on the last one, so that with two CPUs no task competes with the workers.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../../include/uapi/linux/vhost_tap.h"
#include "guest.h"
#include "net.h"
#include "cost.h"

#define RR_BUFFERS	64
#define RR_BUFFER_LEN	2048

struct rr {
	const struct bench_row *row;
	struct guest g;
	struct tap tap;
	pthread_t guest;
	volatile bool is_over;
	uint8_t frame[RR_BUFFER_LEN];
};

static int set_polling(struct rr *rr)
{
	struct vhost_tap_polling p = { .adaptive_us = rr->row->adapt_us };
	int i, err = 0;

	for (i = 0; !err && rr->row->poll_us && i < 2; i++)
		err = guest_vring_state(rr->g.vhost, VHOST_SET_VRING_BUSYLOOP_TIMEOUT,
					i, rr->row->poll_us);
	if (!err && rr->row->adapt_us)
		err = guest_ioctl(rr->g.vhost, VHOST_TAP_SET_POLLING, &p);
	/* In-tree has no adaptive polling. */
	return err == -ENOTTY || err == -ENOBUFS ? -EOPNOTSUPP : err;
}

/* Answer one request. Return: 0 or -errno */
static int answer(struct rr *rr)
{
	struct vq *tx = &rr->g.vq[TX];
	ssize_t len = rr->row->len;
	uint8_t frame[RR_BUFFER_LEN];

	if (guest_rx(&rr->g, NULL, frame, sizeof(frame), 5000) != len)
		return -EPROTO;
	if (rr->is_over)
		return -ECANCELED;
	/* Take back what the device has used by now, without a call. */
	while (vq_get_used(tx, NULL, NULL) == 1)
		;
	if (guest_tx(&rr->g, NULL, frame, len) < 0)
		return -ENOSPC;
	vq_kick(tx);
	return 0;
}

static void *guest_main(void *arg)
{
	while (!answer(arg))
		;
	return NULL;
}

static int rr_init(struct rr *rr)
{
	const struct guest_cfg cfg = { .features = F_QEMU };
	int err;

	err = tap_make(&rr->tap, IFF_VNET_HDR, 1, 12) ?: guest_init(&rr->g, &cfg) ?:
	      set_polling(rr) ?: guest_start(&rr->g, rr->tap.fd[0]) ?:
	      guest_rx_post(&rr->g, RR_BUFFERS, RR_BUFFER_LEN);
	err = err ?: worker_on_last_cpu();
	if (err)
		return err;
	vq_calls_off(&rr->g.vq[TX]);
	return -pthread_create(&rr->guest, NULL, guest_main, rr);
}

static int request(struct rr *rr)
{
	ssize_t len = rr->row->len;

	if (host_send(rr->tap.host, rr->frame, len))
		return -EIO;
	return host_recv(rr->tap.host, rr->frame, sizeof(rr->frame), 5000) == len ?
		0 : -EPROTO;
}

/* Wait until the next request is due. */
static void rest(int64_t *due, unsigned int pace_us)
{
	struct timespec t;

	*due += pace_us * 1000LL;
	/* After a delay of the machine: do not catch up with a burst. */
	if (*due < now_ns()) {
		*due = now_ns();
		return;
	}
	t = (struct timespec){ *due / 1000000000, *due % 1000000000 };
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* Return: requests in @ms, sorted times in @ns, or -errno */
static int requests(struct rr *rr, unsigned int ms, int64_t *ns,
		    struct packet_cost *cost)
{
	struct guest *g = &rr->g;
	int64_t due = now_ns(), end = 0, start;
	int n, err;

	for (n = -100; n < COST_MAX_ROUNDS; n++) {
		if (!n) {
			g->vq[TX].nr_kicks = 0;
			g->vq[RX].nr_calls = 0;
			cost->worker_ns = -worker_cpu_ns();
			cost->switches = -worker_switches();
			end = now_ns() + ms * 1000000LL;
		}
		if (n >= COST_MIN_ROUNDS && now_ns() > end)
			break;
		if (rr->row->pace_us)
			rest(&due, rr->row->pace_us);
		start = now_ns();
		err = request(rr);
		if (err)
			return err;
		ns[n < 0 ? 0 : n] = now_ns() - start;
	}
	cost->worker_ns = (cost->worker_ns + worker_cpu_ns()) / n;
	cost->switches = (cost->switches + worker_switches()) / n;
	cost->kicks = g->vq[TX].nr_kicks / (double)n;
	cost->calls = g->vq[RX].nr_calls / (double)n;
	qsort(ns, n, sizeof(*ns), by_value);
	return n;
}

int cost_rr(const struct bench_row *row, unsigned int ms, struct packet_cost *cost)
{
	static int64_t ns[COST_MAX_ROUNDS];
	static struct rr rr;
	int n;

	if (row->len > RR_BUFFER_LEN - GUEST_HDR_MAX)
		return -EINVAL;
	rr.row = row;
	frame_raw(rr.frame, row->len, 1);
	n = rr_init(&rr);
	if (!n)
		n = requests(&rr, ms, ns, cost);
	if (n < 0)
		return n;
	rr.is_over = true;
	host_send(rr.tap.host, rr.frame, row->len);
	pthread_join(rr.guest, NULL);
	cost->rounds = n;
	cost->packets = 1;
	cost->more = ns[n / 2];
	cost->whole = typical(ns, n);
	cost->median = ns[n / 2];
	cost->p99 = ns[n - 1 - n / 100];
	guest_off_tap(&rr.g, &rr.tap);
	return 0;
}
