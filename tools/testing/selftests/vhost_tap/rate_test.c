// SPDX-License-Identifier: GPL-2.0
/*
 * Rate limits of vrings (VHOST_TAP_SET_VRING_LIMIT): the rate in both directions, no
 * lost packet, no work while a queue is throttled, and changes of limit, worker and
 * backend meanwhile. Limits of administrators have tests in tools/testing/tapctl.
 *
 * On a busy host the VM may get no CPU for a while. A queue never exceeds its limit for
 * that reason, so each measurement has to show this. It can fall behind, so one of
 * several measurements has to come within 5 % of the limit.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "../../../../include/uapi/linux/vhost_tap.h"
#include "flow.h"
#include "guest.h"
#include "net.h"
#include "pairs.h"
#include "threads.h"

#define WINDOW_S	3
#define WINDOWS		6

static int limit(struct guest *g, unsigned int index, uint64_t rate,
		 uint64_t burst, uint64_t pps)
{
	struct vhost_tap_vring_limit l = {
		.index = index, .rate = rate, .burst = burst, .pps = pps,
	};

	return guest_ioctl(g->vhost, VHOST_TAP_SET_VRING_LIMIT, &l);
}

/* ---- rates ---- */

/* A burst of half a second makes up for a VM that stands still for less than that. */
static int flow_limit(struct flow *f, bool is_pps)
{
	unsigned int index = f->g->vq[f->dir].index;

	return is_pps ? limit(f->g, index, 0, 0, f->rate) :
			limit(f->g, index, f->rate * FLOW_LEN, f->rate * FLOW_LEN / 2, 0);
}

/*
 * Keep two flows running for WINDOW_S. Return: 1 if each is within 5 % of its limit, 0
 * if not, -ERANGE if one exceeds it, or -errno
 */
static int flows_window(struct __test_metadata *_metadata, struct flow *f)
{
	long before[2];
	double start[2];
	int i, err, good = 1;

	for (i = 0; i < 2; i++) {
		start[i] = seconds_now();
		before[i] = flow_stat(&f[i], "packets");
	}
	err = flows_run(f, 2, WINDOW_S);
	for (i = 0; i < 2 && !err; i++) {
		long moved = flow_stat(&f[i], "packets") - before[i];
		double fit = f[i].rate * (seconds_now() - start[i]);
		double percent = moved / fit * 100;

		TH_LOG("%s: %.1f %% of the limit", f[i].side, percent);
		good &= percent > 95 && percent < 105;
		/* The burst may have been unused, and a pass may go into debt. */
		if (moved > fit + f[i].rate / 2 + 2)
			err = -ERANGE;
	}
	return err ?: good;
}

static int flows_reach_limits(struct __test_metadata *_metadata, struct flow *f)
{
	int i, ret;

	/* Use up the burst, and let the tap learn its length of headers. */
	ret = flows_run(f, 2, 0.5);
	for (i = 0; i < WINDOWS && !ret; i++)
		ret = flows_window(_metadata, f);
	return ret;
}

FIXTURE(rate) {
	struct guest g;
	struct tap tap;
};

FIXTURE_VARIANT(rate) {
	uint64_t features;
	bool is_pps;
};

FIXTURE_VARIANT_ADD(rate, split) { F_QEMU, false };
FIXTURE_VARIANT_ADD(rate, packed) { F_QEMU | F_PACKED, false };
FIXTURE_VARIANT_ADD(rate, packets) { F_QEMU & ~F_EVENT_IDX, true };

static int up(struct guest *g, struct tap *tap, uint64_t features)
{
	struct guest_cfg cfg = { .features = features };

	g->vhost = -1;
	return guest_on_tap(g, tap, &cfg) ?: guest_start(g, tap->fd[0]) ?:
	       guest_rx_post(g, 128, 2048);
}

FIXTURE_SETUP(rate)
{
	if (!guest_is_ours())
		SKIP(return, "vhost-tap only");
	ASSERT_EQ(0, up(&self->g, &self->tap, variant->features));
}

FIXTURE_TEARDOWN(rate)
{
	if (guest_is_ours())
		guest_off_tap(&self->g, &self->tap);
}

TEST_F_TIMEOUT(rate, within_5_percent, 120)
{
	struct flow f[2] = {
		{ &self->g, self->tap.host, RX, "rx", 300 },
		{ &self->g, self->tap.host, TX, "tx", 400 },
	};
	long times[2];
	int i;

	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, flow_limit(&f[i], variant->is_pps));
	ASSERT_EQ(1, flows_reach_limits(_metadata, f));
	for (i = 0; i < 2; i++) {
		EXPECT_LT(0, flow_stat(&f[i], "throttled"));
		EXPECT_LT(WINDOW_S * 100000000L, flow_stat(&f[i], "throttled_ns"));
	}

	/* Without a limit, what waits moves at once. */
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, limit(&self->g, i, 0, 0, 0));
		ASSERT_EQ(0, flow_end(&f[i]));
		times[i] = flow_stat(&f[i], "throttled");
	}
	ASSERT_EQ(0, flows_run(f, 2, 0.2));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, flow_end(&f[i]));
		EXPECT_EQ(times[i], flow_stat(&f[i], "throttled"));
		EXPECT_EQ(f[i].got, flow_stat(&f[i], "packets"));
	}
}

/* ---- queues of one worker ---- */

FIXTURE(shared) {
	struct pairs p;
};

FIXTURE_SETUP(shared)
{
	static const struct guest_cfg qemu = { .features = F_QEMU };

	self->p.fd = -1;
	if (!guest_is_ours())
		SKIP(return, "vhost-tap only");
	ASSERT_EQ(0, net_ns());
	ASSERT_EQ(0, pairs_open(&self->p, 3));
	ASSERT_EQ(0, node_set_layout(self->p.fd, VHOST_TAP_WORKERS_SHARED, 1));
	ASSERT_EQ(0, pairs_up(&self->p, &qemu));
}

FIXTURE_TEARDOWN(shared)
{
	pairs_free(&self->p);
}

/* Each queue has its own rate, and does not slow down one without a limit. */
TEST_F_TIMEOUT(shared, each_queue_has_its_rate, 120)
{
	struct pairs *p = &self->p;
	struct flow f[3] = {
		{ &p->g[0], p->tap[0].host, TX, "tx", 150 },
		{ &p->g[1], p->tap[1].host, TX, "tx1", 450 },
		{ &p->g[2], p->tap[2].host, TX, "tx2" },
	};
	long nr = 0;
	int i;

	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, flow_limit(&f[i], false));
	ASSERT_EQ(1, flows_reach_limits(_metadata, f));
	for (i = 0; i < WINDOWS && nr < 3 * f[1].rate; i++) {
		nr = f[2].got;
		ASSERT_EQ(0, flows_run(f, 3, 1));
		nr = f[2].got - nr;
	}
	EXPECT_LE(3 * f[1].rate, nr);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, flow_end(&f[i]));
}

/* ---- a throttled queue ---- */

FIXTURE(throttled) {
	struct guest g;
	struct tap tap;
	struct flow f;
	double start;
};

FIXTURE_VARIANT(throttled) {
	uint64_t features;
	unsigned int dir;
};

FIXTURE_VARIANT_ADD(throttled, tx_split) { F_QEMU, TX };
FIXTURE_VARIANT_ADD(throttled, rx_split) { F_QEMU, RX };
FIXTURE_VARIANT_ADD(throttled, tx_packed) { F_QEMU | F_PACKED, TX };
FIXTURE_VARIANT_ADD(throttled, tx_flags) { F_QEMU & ~F_EVENT_IDX, TX };

static bool is_throttled(struct flow *f)
{
	return wait_for(flow_stat(f, "throttled_now") == 1);
}

/*
 * Send @nr frames with a limit of a byte per second. The first two fit the burst,
 * and the third one is a debt of minutes.
 */
static int flow_throttle(struct flow *f, int nr)
{
	int err = limit(f->g, f->g->vq[f->dir].index, 1, 5 * FLOW_LEN / 2, 0);

	while (!err && nr--)
		err = flow_send(f);
	return err ?: is_throttled(f) ? 0 : -ETIMEDOUT;
}

FIXTURE_SETUP(throttled)
{
	if (!guest_is_ours())
		SKIP(return, "vhost-tap only");
	ASSERT_EQ(0, up(&self->g, &self->tap, variant->features));
	self->f = (struct flow){ &self->g, self->tap.host, variant->dir,
				 variant->dir == TX ? "tx" : "rx" };
	self->start = seconds_now();
	ASSERT_EQ(0, flow_throttle(&self->f, 20));
}

FIXTURE_TEARDOWN(throttled)
{
	if (guest_is_ours())
		guest_off_tap(&self->g, &self->tap);
}

/* It takes no more than burst and one frame, and its worker sleeps. */
TEST_F(throttled, worker_sleeps)
{
	struct flow *f = &self->f;
	unsigned long kicks;
	long passes, packets;
	double start;
	uint64_t cpu;
	int tid, i;

	packets = flow_stat(f, "packets");
	EXPECT_EQ(3, packets);
	tid = guest_stat(f->g, "state", "worker_tid");
	passes = flow_stat(f, "passes");
	cpu = thread_cpu_ns(tid);
	kicks = f->g->vq[TX].nr_kicks;
	start = seconds_now();
	for (i = 0; i < 50; i++) {
		ASSERT_EQ(0, flow_send(f));
		usleep(10000);
	}
	cpu = thread_cpu_ns(tid) - cpu;
	TH_LOG("worker: %.3f ms in %.1f s", cpu / 1e6, seconds_now() - start);
	EXPECT_GT((seconds_now() - start) / 4, cpu / 1e9);
	EXPECT_EQ(passes, flow_stat(f, "passes"));
	EXPECT_EQ(packets, flow_stat(f, "packets"));
	/* The guest was asked not to kick. */
	EXPECT_GE(kicks + 1, f->g->vq[TX].nr_kicks);
	/* A guest that kicks nevertheless gains nothing. */
	for (i = 0; i < 100; i++)
		vq_kick_hard(&f->g->vq[f->dir]);
	usleep(QUIET_MS * 1000);
	EXPECT_EQ(packets, flow_stat(f, "packets"));
	ASSERT_EQ(0, limit(f->g, f->dir, 0, 0, 0));
	EXPECT_EQ(0, flow_end(f));
}

/* A worker may poll for a throttled queue no more than for a stopped one. */
TEST_F(throttled, worker_does_not_poll)
{
	struct flow *f = &self->f;
	double share = 1;
	int tid, i;

	ASSERT_EQ(0, guest_vring_state(f->g->vhost, VHOST_SET_VRING_BUSYLOOP_TIMEOUT,
				       f->dir, 100000));
	/* The other queue of the worker would be polled. */
	ASSERT_EQ(0, guest_attach(f->g, !f->dir, -1));
	tid = guest_stat(f->g, "state", "worker_tid");
	/* 20 times a second it moves a frame, and could then poll for 100 ms. */
	ASSERT_EQ(0, limit(f->g, f->dir, 20 * FLOW_LEN, 0, 0));
	ASSERT_EQ(0, flows_run(f, 1, 0.2));
	for (i = 0; i < WINDOWS && share > 0.3; i++) {
		uint64_t cpu = thread_cpu_ns(tid);
		double start = seconds_now();

		ASSERT_EQ(0, flows_run(f, 1, 0.7));
		cpu = thread_cpu_ns(tid) - cpu;
		share = cpu / 1e9 / (seconds_now() - start);
		TH_LOG("worker: %.0f %% of a CPU", share * 100);
	}
	EXPECT_GE(0.3, share);
	ASSERT_EQ(0, limit(f->g, f->dir, 0, 0, 0));
	EXPECT_EQ(0, flow_end(f));
}

/* A new limit applies at once, although the old one lasts for minutes. */
TEST_F(throttled, limit_is_raised)
{
	struct flow *f = &self->f;
	double start = seconds_now();

	ASSERT_EQ(0, limit(f->g, f->dir, 1000000, 0, 0));
	EXPECT_EQ(0, flow_end(f));
	EXPECT_GT(10, seconds_now() - start);
	EXPECT_LT(0, flow_stat(f, "throttled_ns"));
	EXPECT_GT((seconds_now() - self->start) * 1e9, flow_stat(f, "throttled_ns"));
}

/* Tokens and debt survive a stop, and so does every packet. */
TEST_F(throttled, queue_stops_and_starts)
{
	struct flow *f = &self->f;
	long packets = flow_stat(f, "packets");
	int i;

	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, guest_attach(f->g, f->dir, -1));
		EXPECT_EQ(0, flow_stat(f, "throttled_now"));
		ASSERT_EQ(0, guest_attach(f->g, f->dir, self->tap.fd[0]));
		vq_kick_hard(&f->g->vq[f->dir]);
		EXPECT_TRUE(is_throttled(f));
	}
	EXPECT_EQ(packets, flow_stat(f, "packets"));
	ASSERT_EQ(0, limit(f->g, f->dir, 0, 0, 0));
	EXPECT_EQ(0, flow_end(f));
}

/* Close the file while the timer is armed, and while it expires. */
TEST_F_TIMEOUT(throttled, close_early_and_late, 120)
{
	struct guest_cfg cfg = { .features = variant->features };
	struct guest g = { .vhost = -1 };
	int i;

	for (i = 0; i < 20; i++) {
		struct flow f = { &g, self->tap.host, variant->dir, self->f.side };

		ASSERT_EQ(0, guest_stop(self->f.g));
		ASSERT_EQ(0, guest_init(&g, &cfg));
		ASSERT_EQ(0, limit(&g, variant->dir, i % 2 ? 1 : 2000000, FLOW_LEN, 0));
		ASSERT_EQ(0, guest_start(&g, self->tap.fd[0]));
		ASSERT_EQ(0, guest_rx_post(&g, 64, 2048));
		while (f.sent < 40)
			f.sent += flow_send(&f) ? 1 : 0;	/* the tap may be full */
		usleep(i * 200);
		guest_free(&g);
	}
	guest_free(self->f.g);
	EXPECT_TRUE(workers_gone(getpid()));
}

/* A pass that began with the former limit ends before the ioctl does. */
TEST(limit_holds_on_return)
{
	struct tap tap;
	struct guest g;
	struct vq *q = &g.vq[TX];
	uint16_t idx;
	int i;

	if (!guest_is_ours())
		SKIP(return, "vhost-tap only");
	ASSERT_EQ(0, up(&g, &tap, F_QEMU));
	for (i = 0; i < 20; i++) {
		idx = vq_used_idx(q);
		ASSERT_EQ(0, guest_tx_kick(&g, 200));
		/*
		 * The pass publishes the first batch, and goes on. To sleep here would
		 * give it the time to end. The harness ends a test that waits too long.
		 */
		while (vq_used_idx(q) == idx)
			;
		ASSERT_EQ(0, limit(&g, TX, 1, 0, 0));
		/* Not debugfs: it waits for the pass. */
		idx = vq_used_idx(q);
		usleep(QUIET_MS * 1000);
		/* The burst is a byte: one frame of 60 makes a debt of a minute. */
		EXPECT_GE(1, (uint16_t)(vq_used_idx(q) - idx));
		ASSERT_EQ(0, limit(&g, TX, 0, 0, 0));
		ASSERT_EQ(0, vq_drain(q, 200, WAIT_MS));
	}
	guest_off_tap(&g, &tap);
}

/* The limit of the client ends with RESET_OWNER. */
TEST(reset_owner)
{
	uint64_t features = F_QEMU;
	struct tap tap;
	struct guest g;
	int i;

	if (!guest_is_ours())
		SKIP(return, "vhost-tap only");
	ASSERT_EQ(0, up(&g, &tap, features));
	ASSERT_EQ(0, limit(&g, TX, 0, 0, 1));
	ASSERT_EQ(0, guest_tx_kick(&g, 20));
	EXPECT_EQ(-ETIMEDOUT, vq_drain(&g.vq[TX], 20, 2 * QUIET_MS));
	ASSERT_EQ(0, guest_ioctl(g.vhost, VHOST_RESET_OWNER, NULL));
	ASSERT_EQ(0, guest_ioctl(g.vhost, VHOST_SET_OWNER, NULL));
	ASSERT_EQ(0, guest_ioctl(g.vhost, VHOST_SET_FEATURES, &features));
	ASSERT_EQ(0, guest_set_mem(&g));
	for (i = 0; i < 2; i++) {
		vq_reset(&g.vq[i]);
		ASSERT_EQ(0, guest_vq_setup(&g, i, vq_base(&g.vq[i])));
	}
	ASSERT_EQ(0, guest_start(&g, tap.fd[0]));
	ASSERT_EQ(0, guest_tx_kick(&g, 20));
	EXPECT_EQ(0, vq_drain(&g.vq[TX], 20, WAIT_MS));
	guest_off_tap(&g, &tap);
}

/* ---- workers ---- */

/* The queue moves between workers while it is throttled, most of the time. */
TEST(queue_moves)
{
	static const struct guest_cfg qemu = { .features = F_QEMU };
	struct flow f;
	struct pairs p;
	int i, id = 1;

	if (!guest_is_ours())
		SKIP(return, "vhost-tap only");
	ASSERT_EQ(0, net_ns());
	ASSERT_EQ(0, pairs_open(&p, 1));
	ASSERT_EQ(0, node_set_layout(p.fd, VHOST_TAP_WORKER_PER_VRING, 0));
	ASSERT_EQ(0, pairs_up(&p, &qemu));
	f = (struct flow){ &p.g[0], p.tap[0].host, TX, "tx" };
	ASSERT_EQ(0, limit(f.g, TX, 500 * FLOW_LEN, 2 * FLOW_LEN, 0));
	for (i = 0; i < 250; i++) {
		ASSERT_EQ(0, flow_turn(&f));
		ASSERT_EQ(0, node_attach(p.fd, TX, i % 2));
		usleep(i % 7 * 300);
	}
	ASSERT_EQ(0, flow_end(&f));
	/* The former worker ends while the queue waits. */
	ASSERT_EQ(0, node_attach(p.fd, TX, 1));
	ASSERT_EQ(0, flow_throttle(&f, 20));
	ASSERT_EQ(0, node_attach(p.fd, TX, 0));
	ASSERT_EQ(0, guest_ioctl(p.fd, VHOST_FREE_WORKER, &id));
	ASSERT_EQ(0, limit(f.g, TX, 100 * FLOW_LEN, 0, 0));
	EXPECT_EQ(0, flow_end(&f));
	pairs_free(&p);
}

/* ---- errnos ---- */

TEST(errnos)
{
	static const struct {
		struct vhost_tap_vring_limit l;
		int err;
	} bad[] = {
		{ { .index = 2, .rate = 1 }, -ENOBUFS },
		{ { .reserved = 1, .rate = 1 }, -EINVAL },
		{ { .burst = 1 }, -EINVAL },
		{ { .rate = 100000000001 }, -EINVAL },
		{ { .rate = 1, .burst = 100000000001 }, -EINVAL },
		{ { .pps = 100000000001 }, -EINVAL },
		{ { .pps = ~0ULL }, -EINVAL },
		{ { .rate = 100000000000, .burst = 100000000000, .pps = 100000000000 }, 0 },
		{ { .index = 1, .rate = 1, .burst = 1, .pps = 1 }, 0 },
		{ { .pps = 1 }, 0 },
		{ { }, 0 },
	};
	struct vhost_tap_info info = { .size = sizeof(info) };
	struct vhost_tap_vring_limit l = { .rate = 1 };
	struct guest g = {};
	unsigned int i;
	int status;
	pid_t pid;

	if (!guest_is_ours())
		SKIP(return, "vhost-tap only");
	g.vhost = open(guest_node(), O_RDWR | O_CLOEXEC);
	ASSERT_EQ(0, guest_ioctl(g.vhost, VHOST_TAP_GET_INFO, &info));
	EXPECT_TRUE(info.caps & VHOST_TAP_CAP_LIMITS);
	EXPECT_EQ(-EPERM, guest_ioctl(g.vhost, VHOST_TAP_SET_VRING_LIMIT, &l));
	ASSERT_EQ(0, guest_ioctl(g.vhost, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(-EFAULT, guest_ioctl(g.vhost, VHOST_TAP_SET_VRING_LIMIT, NULL));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		l = bad[i].l;
		EXPECT_EQ(bad[i].err,
			  guest_ioctl(g.vhost, VHOST_TAP_SET_VRING_LIMIT, &l)) {
			TH_LOG("%u", i);
		}
	}
	pid = fork();
	if (!pid)
		_exit(guest_ioctl(g.vhost, VHOST_TAP_SET_VRING_LIMIT, &l) != -EPERM);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	close(g.vhost);
}

TEST_HARNESS_MAIN
