// SPDX-License-Identifier: GPL-2.0
/*
 * Notifications: call and kick suppression by flags and by event index, NOTIFY_ON_EMPTY,
 * eventfds replaced and masked under traffic. No race may lose a notification.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "guest.h"
#include "net.h"
#include "threads.h"

FIXTURE(notify) {
	struct guest g;
	struct tap tap;
};

FIXTURE_VARIANT(notify) {
	uint64_t features;
};

FIXTURE_VARIANT_ADD(notify, flags) { .features = F_VERSION_1 };
FIXTURE_VARIANT_ADD(notify, event_idx) {
	.features = F_VERSION_1 | F_EVENT_IDX,
};
FIXTURE_VARIANT_ADD(notify, packed_flags) {
	.features = F_VERSION_1 | F_PACKED,
};
FIXTURE_VARIANT_ADD(notify, packed_event) {
	.features = F_VERSION_1 | F_PACKED | F_EVENT_IDX,
};

FIXTURE_SETUP(notify)
{
	struct guest_cfg cfg = { .features = variant->features };

	if (variant->features & F_PACKED && !guest_is_ours())
		SKIP(return, "in-tree has no packed rings");
	ASSERT_EQ(0, guest_on_tap(&self->g, &self->tap, &cfg));
	/* No socket receives: the frames end in the host's stack. */
	close(self->tap.host);
	self->tap.host = -1;
}

FIXTURE_TEARDOWN(notify)
{
	guest_off_tap(&self->g, &self->tap);
}

/* ---- calls ---- */

TEST_F(notify, call_off)
{
	struct vq *q = &self->g.vq[TX];
	int i;

	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	ASSERT_TRUE(guest_first_call(&self->g));
	for (i = 0; i < 20; i++) {
		vq_calls_off(q);
		ASSERT_EQ(0, guest_tx_kick(&self->g, 5));
		ASSERT_TRUE(vq_take_used(q, 5));
	}
	EXPECT_FALSE(fd_wait(q->call, QUIET_MS));
}

TEST_F(notify, call_on)
{
	struct vq *q = &self->g.vq[TX];
	int i;

	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	for (i = 0; i < 20; i++) {
		vq_calls_on(q);
		ASSERT_EQ(0, guest_tx_kick(&self->g, 1));
		ASSERT_TRUE(fd_wait(q->call, WAIT_MS));
		fd_count(q->call);
		ASSERT_TRUE(vq_take_used(q, 1));
	}
}

/* One publication causes one call: 64 packets are not 64 interrupts. */
TEST_F(notify, one_call_per_batch)
{
	struct vq *q = &self->g.vq[TX];

	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	ASSERT_TRUE(guest_first_call(&self->g));
	vq_calls_on(q);
	ASSERT_EQ(0, guest_tx_kick(&self->g, 64));
	ASSERT_TRUE(vq_take_used(q, 64));
	usleep(QUIET_MS * 1000);
	EXPECT_GE(3, fd_count(q->call));
}

/* Request a call when the @nr-th buffer from now on is used. */
static void call_at(struct vq *q, unsigned int nr)
{
	drv_call_at(&q->drv, q->packed ? pdrv_step(&q->drv, q->used_idx, nr - 1) :
					 q->used_idx + nr - 1);
	__sync_synchronize();
}

/* Event index: the call comes when used passes the requested index, not before. */
TEST_F(notify, used_event_threshold)
{
	struct vq *q = &self->g.vq[TX];
	int i;

	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	ASSERT_TRUE(guest_first_call(&self->g));
	if (!(variant->features & F_EVENT_IDX)) {
		/* Without the feature the word has no meaning. */
		call_at(q, q->packed ? 100 : 1001);
		ASSERT_EQ(0, guest_tx_kick(&self->g, 1));
		EXPECT_TRUE(fd_wait(q->call, WAIT_MS));
		return;
	}
	for (i = 0; i < 5; i++) {
		call_at(q, 10);
		ASSERT_EQ(0, guest_tx_kick(&self->g, 9));
		ASSERT_TRUE(vq_take_used(q, 9));
		ASSERT_FALSE(fd_wait(q->call, QUIET_MS));
		ASSERT_EQ(0, guest_tx_kick(&self->g, 1));
		ASSERT_TRUE(fd_wait(q->call, WAIT_MS));
		fd_count(q->call);
		ASSERT_TRUE(vq_take_used(q, 1));
	}
}

/* Start the queues and open the host's side of the tap. Return: 0 or -errno */
static int start_with_host(FIXTURE_DATA(notify) *self)
{
	self->tap.host = host_open(self->tap.name, 0);
	return self->tap.host < 0 ? self->tap.host :
				    guest_start(&self->g, self->tap.fd[0]);
}

TEST_F(notify, rx_call_off_and_on)
{
	struct vq *q = &self->g.vq[RX];
	uint8_t f[100];
	int i;

	ASSERT_EQ(0, start_with_host(self));
	ASSERT_EQ(0, guest_rx_post(&self->g, 100, 200));
	frame_raw(f, 100, 1);
	ASSERT_EQ(0, host_send(self->tap.host, f, 100));
	ASSERT_TRUE(vq_take_used(q, 1));
	usleep(QUIET_MS * 1000);
	fd_count(q->call);
	vq_calls_off(q);
	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, host_send(self->tap.host, f, 100));
	ASSERT_TRUE(vq_take_used(q, 10));
	EXPECT_FALSE(fd_wait(q->call, QUIET_MS));
	vq_calls_on(q);
	ASSERT_EQ(0, host_send(self->tap.host, f, 100));
	EXPECT_TRUE(fd_wait(q->call, WAIT_MS));
}

/* ---- NOTIFY_ON_EMPTY ---- */

TEST(notify_on_empty)
{
	struct guest_cfg cfg = { .features = F_NOTIFY_ON_EMPTY };
	struct vq *q;
	struct guest g;
	struct tap t;
	int i;

	ASSERT_EQ(0, guest_on_tap(&g, &t, &cfg));
	ASSERT_EQ(0, guest_start(&g, t.fd[0]));
	q = &g.vq[TX];
	for (i = 0; i < 10; i++) {
		/* Calls are off, but running out of buffers causes one. */
		vq_calls_off(q);
		ASSERT_EQ(0, guest_tx_kick(&g, 3));
		EXPECT_TRUE(fd_wait(q->call, WAIT_MS));
		fd_count(q->call);
		ASSERT_TRUE(vq_take_used(q, 3));
	}
	guest_off_tap(&g, &t);
}

/* ---- kicks ---- */

/* An idle device needs a kick for new buffers. */
TEST_F(notify, idle_device_enables_kicks)
{
	struct vq *q = &self->g.vq[TX];
	int i;

	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, guest_tx_kick(&self->g, 1));
		ASSERT_TRUE(vq_take_used(q, 1));
		usleep(QUIET_MS * 1000 / 2);
		ASSERT_EQ(0, guest_tx_some(&self->g, 1));
		EXPECT_TRUE(vq_must_kick(q));
		vq_kick(q);
		ASSERT_TRUE(vq_take_used(q, 1));
	}
}

TEST_F(notify, rx_waits_for_kick)
{
	struct vq *q = &self->g.vq[RX];
	uint8_t f[100];
	int i;

	ASSERT_EQ(0, start_with_host(self));
	frame_raw(f, 100, 1);
	for (i = 0; i < 10; i++) {
		/* The data comes before the buffer, so only the kick can wake the device. */
		ASSERT_EQ(0, host_send(self->tap.host, f, 100));
		usleep(QUIET_MS * 1000 / 4);
		ASSERT_EQ(0, guest_rx_post(&self->g, 1, 200));
		ASSERT_TRUE(vq_take_used(q, 1));
	}
}

/*
 * Post, kick if needed, sleep until the call. The pauses make posts often coincide with
 * a device that goes to sleep. A lost kick or call causes a timeout.
 */
TEST_F_TIMEOUT(notify, ping_pong, 240)
{
	const char *rounds = getenv("VTAP_ROUNDS");
	int i, n = rounds ? atoi(rounds) : 50000;
	struct vq *q = &self->g.vq[TX];
	volatile int spin;
	int64_t kicks;

	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	for (i = 0; i < n; i++) {
		for (spin = i * 7 % 400; spin; spin--)
			;
		ASSERT_EQ(0, guest_tx_kick(&self->g, 1 + i % 3));
		ASSERT_EQ(0, vq_drain(q, 1 + i % 3, WAIT_MS)) {
			TH_LOG("round %d", i);
		}
	}
	kicks = q->nr_kicks;
	TH_LOG("%d rounds, %lld kicks, %ld calls", n, (long long)kicks,
	       q->nr_calls);
}

/*
 * Driver and worker alternate on one CPU. No kick or call is lost, in a stream or with
 * one packet at a time. Their number depends on the scheduler.
 */
TEST_F_TIMEOUT(notify, guest_and_worker_on_one_cpu, 120)
{
	const unsigned int n = 20000;
	struct vq *q = &self->g.vq[TX];
	unsigned int i;
	char worker[64];
	cpu_set_t cpu;

	if (!guest_is_ours())
		SKIP(return, "vhost-tap only");
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	ASSERT_EQ(1, workers_of(getpid(), worker));
	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(cpu), &cpu));
	ASSERT_EQ(0, sched_setaffinity(atoi(strrchr(worker, '/') + 1),
				       sizeof(cpu), &cpu));
	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, vq_drain(q, q->nr_free ? 0 : 1, WAIT_MS));
		ASSERT_EQ(0, guest_tx_kick(&self->g, 1));
	}
	ASSERT_TRUE(vq_take_used(q, q->num - q->nr_free));
	TH_LOG("%lu kicks, %lu calls for %u packets", q->nr_kicks, q->nr_calls, n);
	for (i = 0; i < 500; i++) {
		ASSERT_EQ(0, guest_tx_kick(&self->g, 1));
		ASSERT_EQ(0, vq_drain(q, 1, WAIT_MS));
	}
}

/* A second thread uses CPU time; the first one never waits. */
static void *yield(void *arg)
{
	struct guest *g = arg;

	while (__atomic_load_n(&g->vq[TX].nr_added, __ATOMIC_RELAXED) != 20000)
		sched_yield();
	return NULL;
}

TEST_F_TIMEOUT(notify, 22e1992cf7b0_kick_race, 120)
{
	struct vq *q = &self->g.vq[TX];
	pthread_t thread;
	int i;

	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	ASSERT_EQ(0, pthread_create(&thread, NULL, yield, &self->g));
	for (i = 0; i < 20000; i++) {
		while (!q->nr_free)
			if (vq_get_used(q, NULL, NULL) != 1)
				sched_yield();
		ASSERT_EQ(0, guest_tx_kick(&self->g, 1));
	}
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_TRUE(wait_for(vq_used_idx(q) == 20000));
}

/* ---- replaced eventfds ---- */

/* The device finds buffers from before the start without a kick. */
TEST_F(notify, posted_before_start)
{
	struct vq *q = &self->g.vq[TX];

	ASSERT_EQ(0, guest_tx_some(&self->g, 3));
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	EXPECT_TRUE(vq_take_used(q, 3));
}

TEST_F(notify, call_swapped_live)
{
	struct vq *q = &self->g.vq[TX];
	int i, fd[2] = { q->call, eventfd(0, EFD_NONBLOCK) };

	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	for (i = 0; i < 300; i++) {
		q->call = fd[i & 1];
		fd_count(q->call);
		ASSERT_EQ(0, guest_vring_file(self->g.vhost,
					      VHOST_SET_VRING_CALL, TX,
					      q->call));
		ASSERT_EQ(0, guest_tx_kick(&self->g, 2));
		ASSERT_EQ(0, vq_drain(q, 2, WAIT_MS)) {
			TH_LOG("round %d", i);
		}
	}
	close(fd[1]);
	q->call = fd[0];
}

/* Masked: used elements still appear. Unmasked: calls work again. */
TEST_F(notify, call_masked)
{
	struct vq *q = &self->g.vq[TX];
	int i;

	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, guest_vring_file(self->g.vhost,
					      VHOST_SET_VRING_CALL, TX, -1));
		vq_calls_on(q);
		fd_count(q->call);
		ASSERT_EQ(0, guest_tx_kick(&self->g, 2));
		ASSERT_TRUE(vq_take_used(q, 2));
		EXPECT_EQ(0, fd_count(q->call));
		ASSERT_EQ(0, guest_vring_file(self->g.vhost,
					      VHOST_SET_VRING_CALL, TX,
					      q->call));
		ASSERT_EQ(0, guest_tx_kick(&self->g, 1));
		ASSERT_EQ(0, vq_drain(q, 1, WAIT_MS));
	}
}

/* A new kick eventfd that is already signaled counts as a kick. */
TEST_F(notify, kick_swapped_live)
{
	struct vq *q = &self->g.vq[TX];
	int i, old;

	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	for (i = 0; i < 50; i++) {
		old = q->kick;
		q->kick = eventfd(i & 1, EFD_NONBLOCK);
		if (i & 1)
			ASSERT_EQ(0, guest_tx_some(&self->g, 1));
		ASSERT_EQ(0, guest_vring_file(self->g.vhost,
					      VHOST_SET_VRING_KICK, TX,
					      q->kick));
		close(old);
		if (!(i & 1)) {
			ASSERT_EQ(0, guest_tx_kick(&self->g, 1));
		}
		ASSERT_TRUE(vq_take_used(q, 1)) {
			TH_LOG("round %d", i);
		}
		q->kick_idx = q->avail_idx;
	}
}

TEST_F(notify, e08a9fac5cf8_busyloop)
{
	struct vq *q = &self->g.vq[TX];
	uint8_t f[100];
	int i;

	self->tap.host = host_open(self->tap.name, 0);
	ASSERT_LE(0, self->tap.host);
	frame_raw(f, 100, 1);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, guest_vring_state(self->g.vhost,
					       VHOST_SET_VRING_BUSYLOOP_TIMEOUT,
					       i, 50));
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	ASSERT_EQ(0, guest_rx_post(&self->g, 100, 200));
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, guest_tx_kick(&self->g, 1));
		ASSERT_EQ(0, host_send(self->tap.host, f, 100));
		ASSERT_EQ(0, vq_drain(q, 1, WAIT_MS));
		ASSERT_EQ(0, vq_drain(&self->g.vq[RX], 1, WAIT_MS));
	}
	/* An extreme timeout: in-tree polls for an hour on one CPU. */
	if (!guest_is_ours())
		return;
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, guest_vring_state(self->g.vhost,
					       VHOST_SET_VRING_BUSYLOOP_TIMEOUT,
					       i, ~0U));
	ASSERT_EQ(0, guest_tx_kick(&self->g, 1));
	ASSERT_EQ(0, vq_drain(q, 1, WAIT_MS));
	ASSERT_EQ(0, guest_stop(&self->g));
}

TEST_HARNESS_MAIN
