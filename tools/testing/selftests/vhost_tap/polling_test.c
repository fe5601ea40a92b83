// SPDX-License-Identifier: GPL-2.0
/*
 * Busy polling, fixed (VHOST_SET_VRING_BUSYLOOP_TIMEOUT) and adaptive
 * (VHOST_TAP_SET_POLLING). The device disables kicks meanwhile and loses none at the
 * end. Adaptive polling continues while it pays and stops when it does not. An idle
 * guest costs nothing. The last test only measures.
 *
 * With one CPU the worker yields at once, so most tests need two.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <time.h>

#include "kselftest_harness.h"
#include "../../../../include/uapi/linux/vhost_tap.h"
#include "guest.h"
#include "iotlb.h"
#include "net.h"
#include "threads.h"

static const struct guest_cfg qemu = { .features = F_QEMU };

FIXTURE(poll) {
	struct guest g;
	struct tap tap;
};

static int up(struct guest *g, struct tap *tap)
{
	return net_ns() ?: tap_make(tap, IFF_VNET_HDR, 1, 12) ?:
	       guest_init(g, &qemu) ?: guest_start(g, tap->fd[0]) ?:
	       guest_rx_post(g, 64, 2048);
}

FIXTURE_SETUP(poll)
{
	self->g.vhost = -1;
	if (!guest_is_ours())
		SKIP(return, "vhost-tap only");
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "needs two CPUs");
	ASSERT_EQ(0, up(&self->g, &self->tap));
}

FIXTURE_TEARDOWN(poll)
{
	if (self->g.vhost >= 0)
		guest_off_tap(&self->g, &self->tap);
}

/* Also for vhost-net (VTAP_NODE=/dev/vhost-net). */
FIXTURE(either) {
	struct guest g;
	struct tap tap;
};

FIXTURE_SETUP(either)
{
	self->g.vhost = -1;
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "needs two CPUs");
	ASSERT_EQ(0, up(&self->g, &self->tap));
}

FIXTURE_TEARDOWN(either)
{
	if (self->g.vhost >= 0)
		guest_off_tap(&self->g, &self->tap);
}

static int adaptive(struct guest *g, unsigned int us)
{
	struct vhost_tap_polling p = { .adaptive_us = us };

	return guest_ioctl(g->vhost, VHOST_TAP_SET_POLLING, &p);
}

static int fixed(struct guest *g, unsigned int us)
{
	return guest_vring_state(g->vhost, VHOST_SET_VRING_BUSYLOOP_TIMEOUT,
				 TX, us);
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* Poll as a driver does, without calls or sleep. Return: 0 or -errno */
static int spin_used(struct vq *q, uint64_t ms)
{
	uint64_t end = now_ns(CLOCK_MONOTONIC) + ms * 1000000;

	while (vq_get_used(q, NULL, NULL) != 1)
		if (now_ns(CLOCK_MONOTONIC) > end)
			return -ETIMEDOUT;
	return 0;
}

static void spin_us(uint64_t us)
{
	uint64_t end = now_ns(CLOCK_MONOTONIC) + us * 1000;

	while (now_ns(CLOCK_MONOTONIC) < end)
		;
}

static int send_one(struct guest *g, uint32_t seq)
{
	uint8_t f[64];

	frame_raw(f, sizeof(f), seq);
	return guest_tx(g, NULL, f, sizeof(f));
}

TEST(set_polling_errnos)
{
	struct vhost_tap_polling odd = { .adaptive_us = 1, .reserved = 1 };
	int fd = open(guest_node(), O_RDWR | O_CLOEXEC);
	struct guest g = { .vhost = fd };

	if (!guest_is_ours())
		SKIP(return, "vhost-tap only");
	EXPECT_EQ(0, adaptive(&g, 100000));
	EXPECT_EQ(-EINVAL, adaptive(&g, 100001));
	EXPECT_EQ(-EINVAL, guest_ioctl(fd, VHOST_TAP_SET_POLLING, &odd));
	EXPECT_EQ(-EFAULT, guest_ioctl(fd, VHOST_TAP_SET_POLLING, NULL));
	ASSERT_EQ(0, guest_ioctl(fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(0, adaptive(&g, 0));
	close(fd);
}

/* While it polls, packets go without a kick; afterwards kicks are enabled. */
TEST_F(poll, kicks_are_disabled_while_polling)
{
	struct vq *q = &self->g.vq[TX];
	int i, went = 0;

	ASSERT_EQ(0, fixed(&self->g, 100000));
	for (i = 0; i < 50; i++) {
		ASSERT_LE(0, send_one(&self->g, i));
		vq_kick_hard(q);
		ASSERT_EQ(0, spin_used(q, WAIT_MS));
		usleep(1000);
		ASSERT_LE(0, send_one(&self->g, i));
		if (vq_must_kick(q))
			vq_kick_hard(q);
		else
			went++;
		ASSERT_EQ(0, spin_used(q, WAIT_MS));
	}
	/* Another task may use the CPU now and then. */
	EXPECT_LT(10, went);
	EXPECT_LT(0, guest_stat(&self->g, "tx", "poll_hits"));
	ASSERT_EQ(0, fixed(&self->g, 0));
	usleep(250000);
	ASSERT_LE(0, send_one(&self->g, i));
	EXPECT_TRUE(vq_must_kick(q));
	vq_kick_hard(q);
	EXPECT_EQ(0, spin_used(q, WAIT_MS));
}

/*
 * A driver that kicks only if enabled, with pauses about as long as the polling window:
 * packets arrive at every moment of its end.
 */
TEST_F_TIMEOUT(poll, no_kick_is_lost, 200)
{
	struct vq *q = &self->g.vq[TX];
	int i, k;

	srand(3);
	for (k = 0; k < 2; k++) {
		ASSERT_EQ(0, k ? fixed(&self->g, 0) : adaptive(&self->g, 0));
		ASSERT_EQ(0, k ? adaptive(&self->g, 300) : fixed(&self->g, 300));
		for (i = 0; i < 3000; i++) {
			uint64_t end = now_ns(CLOCK_MONOTONIC) +
				       rand() % 600 * 1000;

			ASSERT_LE(0, send_one(&self->g, i));
			vq_kick(q);
			ASSERT_EQ(0, spin_used(q, WAIT_MS)) {
				TH_LOG("%s %d", k ? "adaptive" : "fixed", i);
			}
			while (now_ns(CLOCK_MONOTONIC) < end)
				;
		}
	}
	EXPECT_LT(0, guest_stat(&self->g, "tx", "poll_hits"));
	EXPECT_LT(0, guest_stat(&self->g, "tx", "poll_misses"));
}

/* Packets in both directions through a polling worker; host_send() wakes it. */
TEST_F_TIMEOUT(poll, rx_polling, 100)
{
	uint8_t f[100], got[2048];
	int i;

	ASSERT_EQ(0, adaptive(&self->g, 1000));
	for (i = 0; i < 1000; i++) {
		frame_raw(f, sizeof(f), i);
		ASSERT_EQ(0, host_send(self->tap.host, f, sizeof(f)));
		ASSERT_TRUE(frame_same(got, guest_rx(&self->g, NULL, got,
						     sizeof(got), WAIT_MS),
				       f, sizeof(f)));
	}
}

/* Count the worker's voluntary and involuntary context switches. */
static long switches(int tid)
{
	char path[64], line[128];
	long n, sum = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		char *at = strstr(line, "ctxt_switches:");

		if (at && sscanf(at, "ctxt_switches: %ld", &n) == 1)
			sum += n;
	}
	if (f)
		fclose(f);
	return sum;
}

/* Ping-pong, then silence without a single wake-up. */
TEST_F(poll, idle_guest_is_not_polled)
{
	struct vq *q = &self->g.vq[TX];
	int i, tid;
	long before;

	ASSERT_EQ(0, adaptive(&self->g, 1000));
	for (i = 0; i < 500; i++) {
		ASSERT_LE(0, send_one(&self->g, i));
		vq_kick(q);
		ASSERT_EQ(0, spin_used(q, WAIT_MS));
	}
	usleep(200000);
	tid = guest_stat(&self->g, "state", "worker_tid");
	before = switches(tid);
	ASSERT_LT(0, before);
	sleep(3);
	EXPECT_EQ(before, switches(tid));
}

static long polled(struct guest *g)
{
	return guest_stat(g, "tx", "poll_hits") +
	       guest_stat(g, "tx", "poll_misses");
}

/* Adaptive polling starts under ping-pong and stops under sparse traffic. */
TEST_F_TIMEOUT(poll, adapts_to_load, 100)
{
	struct vq *q = &self->g.vq[TX];
	long before;
	int i, k;

	ASSERT_EQ(0, polled(&self->g));
	ASSERT_EQ(0, adaptive(&self->g, 2000));
	/* Long gaps on a busy machine pause the polling. */
	for (i = 0; guest_stat(&self->g, "tx", "poll_hits") < 300; i++) {
		ASSERT_GT(100, i);
		for (k = 0; k < 200; k++) {
			ASSERT_LE(0, send_one(&self->g, k));
			vq_kick(q);
			ASSERT_EQ(0, spin_used(q, WAIT_MS));
		}
	}

	for (i = 0; i < 4; i++) {
		usleep(20000);
		ASSERT_LE(0, send_one(&self->g, i));
		vq_kick(q);
		ASSERT_EQ(0, spin_used(q, WAIT_MS));
	}
	before = polled(&self->g);
	for (i = 0; i < 20; i++) {
		usleep(20000);
		ASSERT_LE(0, send_one(&self->g, i));
		vq_kick(q);
		ASSERT_EQ(0, spin_used(q, WAIT_MS));
	}
	/* A busy machine may cut one gap short. */
	EXPECT_GE(before + 4, polled(&self->g));
}

/* ---- a worker that fixed polling and RX keep awake ---- */

FIXTURE(awake) {
	struct guest g;
	struct iotlb t;
	struct tap tap;
};

FIXTURE_SETUP(awake)
{
	struct guest_cfg cfg = {
		.features = F_QEMU | F_ACCESS_PLATFORM, .mem_len = 2 << 20,
	};

	self->g.vhost = -1;
	if (!guest_is_ours())
		SKIP(return, "vhost-tap only");
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "needs two CPUs");
	ASSERT_EQ(0, guest_on_tap(&self->g, &self->tap, &cfg));
	/* A thread that replies to misses could use the worker's CPU. */
	ASSERT_EQ(0, iotlb_init(&self->t, &self->g, false));
	ASSERT_EQ(0, iotlb_preload(&self->t, GUEST_GPA, cfg.mem_len));
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	ASSERT_EQ(0, guest_rx_post(&self->g, 64, 2048));
}

FIXTURE_TEARDOWN(awake)
{
	if (self->g.vhost < 0)
		return;
	iotlb_down(&self->t, &self->g);
	tap_free(&self->tap);
}

/* Poll for a used TX entry, and send a packet to the guest every 200 us meanwhile. */
static int spin_used_under_rx(struct guest *g, int host, uint64_t ms)
{
	uint64_t end = now_ns(CLOCK_MONOTONIC) + ms * 1000000;
	uint8_t f[100], got[2048];

	frame_raw(f, sizeof(f), 1);
	while (vq_get_used(&g->vq[TX], NULL, NULL) != 1) {
		if (now_ns(CLOCK_MONOTONIC) > end)
			return -ETIMEDOUT;
		host_send(host, f, sizeof(f));
		while (guest_rx(g, NULL, got, sizeof(got), 0) > 0)
			;
		spin_us(200);
	}
	return 0;
}

/* An invalidation unmaps the TX ring, and the next chain comes without a kick. */
TEST_F_TIMEOUT(awake, unmapped_ring_is_served_while_polling, 100)
{
	struct vq *q = &self->g.vq[TX];
	int i, went = 0;

	ASSERT_EQ(0, fixed(&self->g, 100000));
	/* Another task may use the CPU now and then, which enables kicks. */
	for (i = 0; went < 20; i++) {
		ASSERT_GT(500, i);
		ASSERT_LE(0, send_one(&self->g, i));
		vq_kick_hard(q);
		ASSERT_EQ(0, spin_used_under_rx(&self->g, self->tap.host, WAIT_MS));
		ASSERT_EQ(0, iotlb_invalidate(self->g.vhost, false, q->gpa,
					      vq_bytes(q->num)));
		ASSERT_LE(0, send_one(&self->g, i));
		if (vq_must_kick(q))
			vq_kick_hard(q);
		else
			went++;
		ASSERT_EQ(0, iotlb_ring(&self->t, TX));
		ASSERT_EQ(0, spin_used_under_rx(&self->g, self->tap.host, 2000)) {
			TH_LOG("round %d, %d without a kick", i, went);
		}
	}
}

/*
 * Request and response between host and guest, one at a time, with a guest that sleeps
 * until the call. The test prints figures and does not fail on them.
 */
TEST_F_TIMEOUT(either, prints_figures, 200)
{
	static const struct {
		const char *name;
		unsigned int fixed_us, adaptive_us;
	} mode[] = {
		{ "off", 0, 0 }, { "fixed 200 us", 200, 0 },
		{ "adaptive 200 us", 0, 200 },
	};
	int i, k, round, tid;
	uint64_t busy[3] = {}, cpu[3] = {}, idle[3] = {}, at, used;
	uint8_t f[64], got[2048];
	long kicks[3] = {};

	/* A worker of the owner's kind has an id after its first run. */
	ASSERT_LE(0, send_one(&self->g, 0));
	vq_kick_hard(&self->g.vq[TX]);
	ASSERT_EQ(0, spin_used(&self->g.vq[TX], WAIT_MS));
	ASSERT_EQ(64, host_recv(self->tap.host, got, sizeof(got), WAIT_MS));
	tid = guest_stat(&self->g, "state", "worker_tid");
	for (round = 0; round < 9; round++) {
		k = round % 3;
		if (!guest_is_ours() && mode[k].adaptive_us)
			continue;
		ASSERT_EQ(0, fixed(&self->g, mode[k].fixed_us));
		if (guest_is_ours())
			ASSERT_EQ(0, adaptive(&self->g, mode[k].adaptive_us));
		at = now_ns(CLOCK_MONOTONIC);
		used = thread_cpu_ns(tid);
		kicks[k] -= guest_stat(&self->g, "tx", "kicks");
		for (i = 0; i < 2000; i++) {
			frame_raw(f, sizeof(f), i);
			ASSERT_EQ(0, host_send(self->tap.host, f, sizeof(f)));
			ASSERT_EQ(64, guest_rx(&self->g, NULL, got, sizeof(got),
					       WAIT_MS));
			ASSERT_LE(0, send_one(&self->g, i));
			vq_kick(&self->g.vq[TX]);
			ASSERT_EQ(64, host_recv(self->tap.host, got, sizeof(got),
						WAIT_MS));
			ASSERT_EQ(0, spin_used(&self->g.vq[TX], WAIT_MS));
		}
		kicks[k] += guest_stat(&self->g, "tx", "kicks");
		busy[k] += now_ns(CLOCK_MONOTONIC) - at;
		cpu[k] += thread_cpu_ns(tid) - used;
		usleep(100000);
		used = thread_cpu_ns(tid);
		sleep(1);
		idle[k] += thread_cpu_ns(tid) - used;
	}
	for (k = 0; k < 3; k++)
		TH_LOG("%-15s %6.1f us a round trip, worker %6.1f us, %.2f kicks; idle: %.3f ms",
		       mode[k].name, busy[k] / 6e6, cpu[k] / 6e6,
		       kicks[k] / 6000.0, idle[k] / 1e6);
}

TEST_HARNESS_MAIN
