// SPDX-License-Identifier: GPL-2.0
/*
 * Latency: one packet at a time, while guest and worker have a CPU each.
 *
 * TX: from the kick until the buffer is used, or from its publication if no kick is
 *     needed. The guest waits in a loop.
 * RX: from the host's send to the tap until the guest runs after the call. The guest
 *     sleeps while it waits.
 *
 * The guest pauses between packets. A worker that does not poll then sleeps, and the
 * time includes its wake-up. A system call of UML takes longer than all of this, so the
 * guest kicks, sends and waits in the kernel, in vtap_ops.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "testbed.h"
#include "cost.h"
#include "ops/ops.h"

#define PAUSE_NS	50000
#define BUFFERS		64

struct latency {
	struct testbed tb;
	int ops;		/* /dev/vtap-ops */
	double ns_per_tick;
	uint8_t frame[OPS_FRAME];
	size_t frame_len;
};

/* UML reads the clock by a system call, which takes longer than the packet. */
static int64_t now_ticks(void)
{
#ifdef __x86_64__
	return __builtin_ia32_rdtsc();
#else
	return now_ns();
#endif
}

static double ns_per_tick(void)
{
	int64_t ns = now_ns(), ticks = now_ticks(), end = ns + 20000000, at;

	do
		at = now_ns();
	while (at < end);
	return (double)(at - ns) / (now_ticks() - ticks);
}

static void spin_until(int64_t end)
{
	while (now_ns() < end)
		;
}

static bool spin_for_used(const struct vq *q)
{
	unsigned int i;

	for (i = 0; vq_used_idx(q) == q->used_idx; i++)
		if (i == 1U << 31)
			return false;
	return true;
}

static int kick_in_kernel(struct latency *l, struct vq *q, double *ns)
{
	struct ops_kick kick = { .used = (uintptr_t)&q->used->idx, .kick = q->kick };

	if (ioctl(l->ops, OPS_KICK, &kick))
		return -errno;
	q->nr_kicks++;
	*ns = kick.ns;
	return 0;
}

static int tx_once(struct latency *l, struct vq *q, double *ns)
{
	int64_t start;
	int err;

	err = testbed_post(&l->tb, 0, 1);
	if (err)
		return err;
	start = now_ticks();
	vq_publish(q);
	if (drv_must_kick(&q->drv)) {
		err = kick_in_kernel(l, q, ns);
	} else {
		err = spin_for_used(q) ? 0 : -ETIMEDOUT;
		*ns = (now_ticks() - start) * l->ns_per_tick;
	}
	if (err)
		return err;
	return testbed_take_used(&l->tb, q) == 1 ? 0 : -EPROTO;
}

static int rx_once(struct latency *l, struct vq *q, double *ns)
{
	struct ops_arrival arrival = {
		.frame = (uintptr_t)l->frame, .len = l->frame_len,
		.sock = l->tb.host, .call = q->call,
	};
	int err;

	vq_calls_on(q);
	if (ioctl(l->ops, OPS_ARRIVAL, &arrival))
		return -errno;
	q->nr_calls++;
	*ns = arrival.ns;
	if (testbed_take_used(&l->tb, q) != 1)
		return -EPROTO;
	err = testbed_post(&l->tb, 0, 1);
	vq_publish(q);
	vq_kick(q);
	return err;
}

/* A packet socket uses the header of 10 bytes. */
static void make_frame(struct latency *l)
{
	const size_t hdr = sizeof(struct virtio_net_hdr);

	l->frame_len = hdr + l->tb.row->len;
	memcpy(l->frame, l->tb.frame, hdr);
	memcpy(l->frame + hdr, l->tb.frame + TESTBED_HDR_LEN, l->tb.row->len);
}

static int prepare(struct latency *l, struct vq *q)
{
	struct testbed *tb = &l->tb;
	int err = 0;

	l->ops = open("/dev/vtap-ops", O_RDWR | O_CLOEXEC);
	if (l->ops < 0 || fcntl(q->call, F_SETFL, 0))
		return -errno;
	l->ns_per_tick = ns_per_tick();
	vq_calls_off(q);
	testbed_round(tb, 1);
	if (tb->row->rx) {
		make_frame(l);
		err = testbed_post(tb, 0, BUFFERS);
		vq_publish(q);
		vq_kick(q);
	}
	return err ?: worker_on_last_cpu();
}

/* Return: number of packets, their sorted times in @ns, or -errno */
static int packets(struct latency *l, unsigned int ms, int64_t *ns, struct packet_cost *cost)
{
	struct vq *q = testbed_vq(&l->tb, 0);
	int64_t end = 0, at;
	double last = 0;
	int n, err;

	for (n = -100; n < COST_MAX_ROUNDS; n++) {
		at = now_ns();
		if (!n) {
			q->nr_kicks = 0;
			q->nr_calls = 0;
			cost->worker_ns = -worker_cpu_ns();
			end = at + ms * 1000000LL;
		}
		if (n >= COST_MIN_ROUNDS && at > end)
			break;
		spin_until(at + PAUSE_NS);
		err = l->tb.row->rx ? rx_once(l, q, &last) : tx_once(l, q, &last);
		if (err)
			return err;
		ns[n < 0 ? 0 : n] = last;
	}
	cost->worker_ns = (cost->worker_ns + worker_cpu_ns()) / n;
	cost->kicks = q->nr_kicks / (double)n;
	cost->calls = q->nr_calls / (double)n;
	qsort(ns, n, sizeof(*ns), by_value);
	return n;
}

int cost_latency(const struct bench_row *row, unsigned int ms, struct packet_cost *cost)
{
	static int64_t ns[COST_MAX_ROUNDS];
	struct latency l;
	int n;

	if (!row->eidx || row->packed || row->pairs || row->chain != 1 ||
	    row->len > sizeof(l.frame) - TESTBED_HDR_LEN)
		return -EINVAL;
	n = testbed_init(&l.tb, row);
	if (!n)
		n = prepare(&l, testbed_vq(&l.tb, 0));
	if (!n)
		n = packets(&l, ms, ns, cost);
	if (n < 0)
		return n;
	cost->rounds = n;
	cost->packets = 1;
	cost->more = ns[n / 2];
	cost->whole = typical(ns, n);
	cost->median = ns[n / 2];
	cost->p99 = ns[n - 1 - n / 100];
	close(l.ops);
	testbed_free(&l.tb);
	return 0;
}
