// SPDX-License-Identifier: GPL-2.0
/*
 * Calls after bursts of TX packets, also for vhost-net (VTAP_NODE=/dev/vhost-net). The
 * device polls first and calls later. No call may be lost, and none may wait for RX.
 *
 * With one CPU the device does not poll after bursts, so the tests need two.
 */
#define _GNU_SOURCE
#include <sys/eventfd.h>
#include <time.h>

#include "kselftest_harness.h"
#include "guest.h"
#include "net.h"

#define FLOOD		4000	/* RX packets, with a buffer each */
#define BURST		8
#define TRICKLE_US	50
#define RX_PASS		256	/* packets that a pass moves at most */

FIXTURE(burst) {
	struct guest g;
	struct tap tap;
};

FIXTURE_SETUP(burst)
{
	struct guest_cfg cfg = { .features = F_QEMU, .num = { 4096, 256 } };

	self->g.vhost = -1;
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "needs two CPUs");
	ASSERT_EQ(0, guest_on_tap(&self->g, &self->tap, &cfg));
	ASSERT_EQ(0, run("ip link set %s txqueuelen %d", self->tap.name, FLOOD));
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
}

FIXTURE_TEARDOWN(burst)
{
	if (self->g.vhost >= 0)
		guest_off_tap(&self->g, &self->tap);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static void spin_us(uint64_t us)
{
	uint64_t end = now_ns() + us * 1000;

	while (now_ns() < end)
		;
}

/* Poll until the device has used @nr more chains. Return: 0 or -errno */
static int spin_used_idx(struct vq *q, unsigned int nr)
{
	uint64_t end = now_ns() + WAIT_MS * 1000000ULL;
	uint16_t want = q->nr_got + nr;

	while (vq_used_idx(q) != want)
		if (now_ns() > end)
			return -ETIMEDOUT;
	return 0;
}

/* After a burst the device polls first and calls later, but it calls. */
TEST_F_TIMEOUT(burst, bursts_are_called, 100)
{
	struct vq *q = &self->g.vq[TX];
	unsigned int i, n;

	srand(5);
	for (i = 0; i < 2000; i++) {
		n = 1 + rand() % 24;
		ASSERT_EQ(0, guest_tx_kick(&self->g, n));
		/* Sleeps until the call. */
		ASSERT_EQ(0, vq_drain(q, n, WAIT_MS)) {
			TH_LOG("burst %u of %u packets", i, n);
		}
		if (rand() % 2)
			usleep(rand() % 200);
	}
}

/* A stopped queue has called the guest for all that it used. */
TEST_F_TIMEOUT(burst, stop_calls_for_a_burst, 100)
{
	struct vq *q = &self->g.vq[TX];
	int i;

	for (i = 0; i < 300; i++) {
		vq_calls_on(q);
		fd_count(q->call);
		ASSERT_EQ(0, guest_tx_kick(&self->g, 8));
		while (!vq_has_used(q))
			;
		ASSERT_EQ(0, guest_attach(&self->g, TX, -1));
		EXPECT_LT(0, fd_count(q->call));
		ASSERT_EQ(0, guest_attach(&self->g, TX, self->tap.fd[0]));
		ASSERT_TRUE(vq_take_used(q, 8));
	}
}

/*
 * The client replaces the call eventfd after a burst, or during one. The former one is
 * called for all entries that were used before.
 */
TEST_F_TIMEOUT(burst, new_call_eventfd_loses_no_call, 100)
{
	struct vq *q = &self->g.vq[TX];
	uint64_t called;
	unsigned int i, n;
	bool is_after;
	int old;

	srand(7);
	for (i = 0; i < 2000; i++) {
		n = 4 + rand() % 20;
		is_after = rand() % 2;
		vq_calls_on(q);
		fd_count(q->call);
		ASSERT_EQ(0, guest_tx_kick(&self->g, n));
		if (is_after)
			ASSERT_EQ(0, spin_used_idx(q, n));
		spin_us(is_after ? 0 : rand() % 200);
		old = q->call;
		q->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		ASSERT_LE(0, q->call);
		ASSERT_EQ(0, guest_vring_file(self->g.vhost, VHOST_SET_VRING_CALL,
					      q->index, q->call));
		called = fd_count(old);
		close(old);
		if (!called && !is_after)
			called = fd_wait(q->call, WAIT_MS);
		ASSERT_LT(0, called) {
			TH_LOG("round %u, %u packets, %s", i, n,
			       is_after ? "after" : "during");
		}
		ASSERT_TRUE(vq_take_used(q, n));
	}
}

/* Fill the tap, give RX its buffers, and send a burst meanwhile. */
static int start_flood(struct guest *g, int host)
{
	struct seg seg = { .gpa = guest_gpa(g, 0), .len = 128, .is_write = true };
	uint8_t f[60];
	int i, err;

	frame_raw(f, sizeof(f), 1);
	for (i = 0; i < FLOOD; i++) {
		err = host_send(host, f, sizeof(f));
		if (err)
			return err;
	}
	for (i = 0; i < FLOOD; i++) {
		if (vq_add(&g->vq[RX], &seg, 1, seg.gpa) < 0)
			return -ENOSPC;
	}
	vq_publish(&g->vq[RX]);
	vq_kick_hard(&g->vq[RX]);
	err = guest_tx_some(g, BURST);
	vq_kick_hard(&g->vq[TX]);
	return err;
}

/*
 * Send one packet at a time. Return: number of RX packets between the first used entry
 * and the call, -1 if RX has ended before, or -errno
 */
static long trickle_until_call(struct guest *g, uint16_t rx_end)
{
	uint64_t start = now_ns(), now = start, sent = 0;
	uint16_t rx_now, rx_used = 0;
	struct vq *q = &g->vq[TX];
	bool is_used = false;

	vq_calls_on(q);
	fd_count(q->call);
	while (now - start < WAIT_MS * 1000000ULL) {
		if (now - sent >= TRICKLE_US * 1000 && q->nr_free) {
			if (guest_tx_kick(g, 1))
				return -ENOSPC;
			sent = now;
		}
		rx_now = vq_used_idx(&g->vq[RX]);
		if (!is_used && vq_has_used(q)) {
			is_used = true;
			rx_used = rx_now;
		}
		if (fd_count(q->call) || rx_now == rx_end)
			return is_used ? (uint16_t)(rx_now - rx_used) : -1;
		now = now_ns();
	}
	return -ETIMEDOUT;
}

/*
 * After a burst, the call for a packet does not wait for passes of RX. The test counts RX
 * packets, because a busy host delays RX and the call alike.
 */
TEST_F_TIMEOUT(burst, trickle_is_called, 200)
{
	struct vq *rx = &self->g.vq[RX], *tx = &self->g.vq[TX];
	unsigned int i, n = 0, late = 0;
	uint16_t rx_end;
	long waited;

	for (i = 0; n < 100; i++) {
		ASSERT_GT(1000, i);
		rx_end = vq_used_idx(rx) + FLOOD;
		ASSERT_EQ(0, start_flood(&self->g, self->tap.host));
		ASSERT_EQ(0, spin_used_idx(tx, BURST));
		while (vq_get_used(tx, NULL, NULL) == 1)
			;
		waited = trickle_until_call(&self->g, rx_end);
		ASSERT_LE(-1, waited);
		n += waited >= 0;
		late += waited >= RX_PASS;
		ASSERT_TRUE(vq_take_used(rx, FLOOD));
		vq_kick_hard(tx);
		ASSERT_TRUE(vq_take_used(tx, tx->nr_added - tx->nr_got));
	}
	TH_LOG("%u of %u calls waited for RX", late, n);
	EXPECT_GE(5, late);
}

TEST_HARNESS_MAIN
