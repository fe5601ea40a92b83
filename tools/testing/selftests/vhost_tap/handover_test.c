// SPDX-License-Identifier: GPL-2.0
/*
 * Handover of a device's state. Vring bases are exact after a stop under load. A second
 * device, vhost-tap or in-tree vhost-net, continues with the same guest memory without
 * lost or duplicated packets. VHOST_RESET_OWNER works in every state.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "dirty.h"
#include "guest.h"
#include "iotlb.h"
#include "net.h"
#include "traffic.h"

/* ---- from one device to the next ---- */

FIXTURE(hand) {
	struct guest g;
	struct tap tap;
	struct traffic t;
	const char *node[2];
};

FIXTURE_VARIANT(hand) {
	struct guest_cfg cfg;
	bool to_intree;
	bool ours_only;
};

FIXTURE_VARIANT_ADD(hand, same_driver) {
	.cfg = { .features = F_QEMU },
};
FIXTURE_VARIANT_ADD(hand, same_driver_legacy) {
	.cfg = { .features = 0 },
};
FIXTURE_VARIANT_ADD(hand, same_driver_packed) {
	.cfg = { .features = F_QEMU | F_PACKED, .num = { 32, 50 } },
	.ours_only = true,
};
FIXTURE_VARIANT_ADD(hand, same_driver_packed_in_order) {
	.cfg = { .features = F_VERSION_1 | F_PACKED | F_IN_ORDER },
	.ours_only = true,
};
FIXTURE_VARIANT_ADD(hand, with_vhost_net) {
	.cfg = { .features = F_QEMU }, .to_intree = true,
};
FIXTURE_VARIANT_ADD(hand, with_vhost_net_legacy) {
	.cfg = { .features = 0 }, .to_intree = true,
};
FIXTURE_VARIANT_ADD(hand, with_vhost_net_v1_no_event) {
	.cfg = { .features = F_VERSION_1 | F_INDIRECT, .num = { 32, 32 } },
	.to_intree = true,
};

FIXTURE_SETUP(hand)
{
	self->node[0] = guest_node();
	self->node[1] = variant->to_intree ? "/dev/vhost-net" : guest_node();
	if (variant->ours_only && !guest_is_ours())
		SKIP(return, "in-tree has no packed rings");
	if (access(self->node[1], F_OK))
		SKIP(return, "this system has no %s", self->node[1]);
	ASSERT_EQ(0, guest_on_tap(&self->g, &self->tap, &variant->cfg));
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
}

FIXTURE_TEARDOWN(hand)
{
	guest_off_tap(&self->g, &self->tap);
}

/*
 * Stop, read the bases, open @node, set it up with them, start. @late selects whether
 * the old file closes before or after the new one starts.
 */
static int hand_over(struct guest *g, const char *node, int backend, bool late)
{
	int err, old = g->vhost;
	uint32_t base[2];

	err = guest_stop_at(g, base);
	if (err)
		return err;
	if (!late)
		close(old);
	err = guest_open(g, node) ?: guest_setup(g, base) ?:
	      guest_start(g, backend);
	if (late)
		close(old);
	return err;
}

TEST_F_TIMEOUT(hand, under_checked_traffic, 240)
{
	int i, k;

	ASSERT_EQ(0, guest_rx_post(&self->g, 20, 2048));
	ASSERT_EQ(0, traffic_start(&self->t, &self->g, self->tap.host, false));
	for (i = 0; i < 30; i++) {
		ASSERT_EQ(0, hand_over(&self->g, self->node[~i & 1],
				       self->tap.fd[0], i & 2)) {
			TH_LOG("hand-over %d to %s", i, self->node[~i & 1]);
		}
		/* Hand over at once, and after some packets. */
		if (i % 3)
			ASSERT_TRUE(traffic_wait(&self->t, 1)) {
				TH_LOG("after hand-over %d", i);
			}
	}
	k = traffic_stop(&self->t);
	EXPECT_EQ(0, k);
}

/*
 * The tap has more packets than there are buffers. Packets that a device took from the
 * tap without delivering them must reach the next device, in order.
 */
TEST_F(hand, packets_waiting_for_buffers)
{
	uint8_t f[200];
	struct guest *g = &self->g;
	int i, k, seq, round;

	ASSERT_EQ(0, guest_rx_post(g, 3, 2048));
	for (round = 0; round < 4; round++) {
		for (i = 0; i < 60; i++) {
			frame_raw(f, 200, i);
			ASSERT_EQ(0, host_send(self->tap.host, f, 200));
		}
		ASSERT_EQ(1, vq_wait_used(&g->vq[RX], WAIT_MS));
		usleep(30000);
		for (seq = 0; seq < 60; seq++) {
			/* Hand over during delivery and while nothing moves. */
			k = (seq / 20 + round) & 1;
			if (seq % 20 == 7)
				ASSERT_EQ(0, hand_over(g, self->node[k],
						       self->tap.fd[0], false));
			ASSERT_TRUE(frame_at_guest(g, 200, seq)) {
				TH_LOG("round %d, packet %d", round, seq);
			}
		}
	}
	EXPECT_EQ(0, vq_wait_used(&g->vq[RX], QUIET_MS));
}

/* TX buffers posted while no device runs are sent once, after the next start. */
TEST_F(hand, posted_in_between)
{
	struct guest *g = &self->g;
	struct vq *q = &g->vq[TX];
	uint8_t f[200];
	long base;
	int i, k;

	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, guest_stop(g));
		for (k = 0; k < 20; k++) {
			frame_raw(f, 100 + k, i * 100 + k);
			ASSERT_LE(0, guest_tx(g, NULL, f, 100 + k));
		}
		vq_kick_hard(q);
		base = guest_get_base(g->vhost, TX);
		EXPECT_TRUE(vq_is_base(q, base));
		ASSERT_EQ(0, hand_over(g, self->node[~i & 1], self->tap.fd[0],
				       false));
		ASSERT_EQ(0, vq_drain(q, 20, WAIT_MS));
		for (k = 0; k < 20; k++) {
			ASSERT_TRUE(frame_at_host(self->tap.host, 100 + k,
						  i * 100 + k));
		}
		EXPECT_EQ(0, host_quiet(self->tap.host, 0));
	}
}

/* ---- RESET_OWNER ---- */

FIXTURE(reset) {
	struct guest g;
	struct tap tap;
};

FIXTURE_SETUP(reset)
{
	struct guest_cfg cfg = { .features = F_QEMU, .rings_inside = true };

	ASSERT_EQ(0, guest_on_tap(&self->g, &self->tap, &cfg));
}

FIXTURE_TEARDOWN(reset)
{
	guest_off_tap(&self->g, &self->tap);
}

static int reset_owner(struct guest *g)
{
	return guest_ioctl(g->vhost, VHOST_RESET_OWNER, NULL);
}

/* From a reset file to traffic. */
static bool lives_again(struct guest *g, struct tap *t)
{
	uint8_t f[100], got[2048];

	if (guest_ioctl(g->vhost, VHOST_SET_OWNER, NULL) ||
	    guest_ioctl(g->vhost, VHOST_SET_FEATURES, &g->features) ||
	    guest_set_mem(g) || guest_restart(g, t->fd[0]))
		return false;
	while (host_recv(t->host, got, sizeof(got), 0) > 0)
		;
	if (!traffic_once(g, t->host) || guest_rx_post(g, 8, 2048))
		return false;
	frame_raw(f, 100, 1);
	return !host_send(t->host, f, 100) &&
	       guest_rx(g, NULL, got, sizeof(got), WAIT_MS) > 0;
}

TEST_F(reset, fresh_and_owned)
{
	int fd = open(guest_node(), O_RDWR);

	EXPECT_EQ(-EPERM, guest_ioctl(fd, VHOST_RESET_OWNER, NULL));
	ASSERT_EQ(0, guest_ioctl(fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(0, guest_ioctl(fd, VHOST_RESET_OWNER, NULL));
	EXPECT_EQ(-EPERM, guest_ioctl(fd, VHOST_RESET_OWNER, NULL));
	close(fd);
}

TEST_F(reset, memory_and_rings_set)
{
	int i;

	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, reset_owner(&self->g));
		ASSERT_TRUE(lives_again(&self->g, &self->tap));
	}
}

TEST_F(reset, running_and_stopped)
{
	int i;

	for (i = 0; i < 6; i++) {
		ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
		if (i % 3 == 1)
			ASSERT_EQ(0, guest_attach(&self->g, RX, -1));
		if (i % 3 == 2)
			ASSERT_EQ(0, guest_stop(&self->g));
		ASSERT_EQ(0, reset_owner(&self->g));
		ASSERT_TRUE(lives_again(&self->g, &self->tap));
	}
}

TEST_F(reset, broken)
{
	struct vq *q = &self->g.vq[TX];

	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	q->avail->ring[0] = 0xffff;
	q->avail_idx = 1;
	vq_publish(q);
	vq_kick_hard(q);
	if (guest_is_ours())
		ASSERT_TRUE(fd_wait(q->err, WAIT_MS));
	ASSERT_EQ(0, reset_owner(&self->g));
	EXPECT_TRUE(lives_again(&self->g, &self->tap));
}

TEST_F(reset, dirty_log_on)
{
	struct dirty d;

	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	ASSERT_EQ(0, dirty_init(&d, &self->g));
	ASSERT_EQ(0, dirty_on(&d));
	ASSERT_EQ(0, reset_owner(&self->g));
	memset(d.bits, 0, d.len);
	self->g.vq[RX].is_logged = false;
	self->g.vq[TX].is_logged = false;
	ASSERT_TRUE(lives_again(&self->g, &self->tap));
	EXPECT_EQ(0, dirty_set(&d));
	dirty_free(&d);
}

TEST_F(reset, misses_outstanding)
{
	struct guest_cfg cfg = {
		.features = F_QEMU | F_ACCESS_PLATFORM, .msg_v2 = true,
	};
	struct guest g;
	struct iotlb t;
	uint8_t f[100];

	ASSERT_EQ(0, guest_init(&g, &cfg));
	ASSERT_EQ(0, iotlb_init(&t, &g, true));
	ASSERT_EQ(0, iotlb_ring(&t, RX));
	ASSERT_EQ(0, iotlb_ring(&t, TX));
	ASSERT_EQ(0, guest_start(&g, self->tap.fd[0]));
	frame_raw(f, 100, 1);
	ASSERT_LE(0, guest_tx(&g, NULL, f, 100));
	vq_kick(&g.vq[TX]);
	EXPECT_TRUE(fd_wait(g.vhost, WAIT_MS));
	ASSERT_EQ(0, reset_owner(&g));
	EXPECT_FALSE(fd_wait(g.vhost, 0));
	iotlb_down(&t, &g);
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	EXPECT_TRUE(traffic_once(&self->g, self->tap.host));
}

TEST_HARNESS_MAIN
