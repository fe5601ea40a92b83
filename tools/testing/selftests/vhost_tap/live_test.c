// SPDX-License-Identifier: GPL-2.0
/*
 * Operations of clients on running rings, under checked traffic: stop and start with
 * base round trips, memory hotplug, replaced eventfds, addresses set again, reset of
 * one queue. No packet may be lost, duplicated or reordered.
 */
#define _GNU_SOURCE
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "guest.h"
#include "net.h"
#include "traffic.h"

FIXTURE(live) {
	struct guest g;
	struct tap tap;
	struct traffic t;
};

FIXTURE_VARIANT(live) {
	struct guest_cfg cfg;
	bool ours_only;
};

FIXTURE_VARIANT_ADD(live, qemu) { .cfg.features = F_QEMU };
FIXTURE_VARIANT_ADD(live, legacy) { .cfg.features = 0 };
FIXTURE_VARIANT_ADD(live, packed) {
	.cfg = { .features = F_QEMU | F_PACKED, .num = { 300, 100 } },
	.ours_only = true,
};

FIXTURE_SETUP(live)
{
	if (variant->ours_only && !guest_is_ours())
		SKIP(return, "in-tree has no packed rings");
	ASSERT_EQ(0, guest_on_tap(&self->g, &self->tap, &variant->cfg));
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	ASSERT_EQ(0, guest_rx_post(&self->g, 64, 2048));
	ASSERT_EQ(0, traffic_start(&self->t, &self->g, self->tap.host, false));
	ASSERT_TRUE(traffic_wait(&self->t, 3));
}

FIXTURE_TEARDOWN(live)
{
	guest_off_tap(&self->g, &self->tap);
}

static int base_round_trip(struct guest *g, unsigned int index, int backend)
{
	long base;
	int err;

	err = guest_attach(g, index, -1);
	if (err)
		return err;
	base = guest_get_base(g->vhost, index);
	/* A stopped queue is drained: all taken chains are used. */
	if (!vq_is_base(&g->vq[index], base))
		return -EPROTO;
	return guest_vq_setup(g, index, base) ?:
	       guest_attach(g, index, backend);
}

TEST_F_TIMEOUT(live, stop_and_start, 120)
{
	int i;

	for (i = 0; i < 60; i++) {
		ASSERT_EQ(0, base_round_trip(&self->g, i & 1,
					     self->tap.fd[0]));
		if (i % 4 == 3)
			ASSERT_TRUE(traffic_wait(&self->t, 1));
	}
	ASSERT_TRUE(traffic_wait(&self->t, 3));
	EXPECT_EQ(0, traffic_stop(&self->t));
}

/* Hotplug: a larger table, the old table, the same table again. */
TEST_F_TIMEOUT(live, memory_hotplug, 120)
{
	struct vhost_memory *t = calloc(1, sizeof(*t) +
					2 * sizeof(t->regions[0]));
	void *extra = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int i;

	t->regions[0] = self->g.table->regions[0];
	t->regions[1] = (struct vhost_memory_region){
		.guest_phys_addr = 1ULL << 40, .memory_size = 1 << 20,
		.userspace_addr = (uintptr_t)extra,
	};
	for (i = 0; i < 100; i++) {
		t->nregions = 1 + (i & 1);
		ASSERT_EQ(0, guest_ioctl(self->g.vhost, VHOST_SET_MEM_TABLE, t));
		if (i % 8 == 7)
			ASSERT_TRUE(traffic_wait(&self->t, 1));
	}
	EXPECT_EQ(0, traffic_stop(&self->t));
	free(t);
}

/* Migration sets the same addresses and features again. */
TEST_F_TIMEOUT(live, addresses_and_features, 120)
{
	int i;

	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, guest_set_addr(&self->g, i & 1));
		ASSERT_EQ(0, guest_ioctl(self->g.vhost, VHOST_SET_FEATURES,
					 &self->g.features));
		if (i % 8 == 7)
			ASSERT_TRUE(traffic_wait(&self->t, 1));
	}
	EXPECT_EQ(0, traffic_stop(&self->t));
}

TEST_F_TIMEOUT(live, CVE_2024_47748_eventfds_swapped, 120)
{
	int i, fd = self->g.vhost, other = eventfd(0, EFD_NONBLOCK);
	struct vq *q;

	for (i = 0; i < 100; i++) {
		q = &self->g.vq[i & 1];
		ASSERT_EQ(0, guest_vring_file(fd, VHOST_SET_VRING_KICK, i & 1,
					      q->kick));
		ASSERT_EQ(0, guest_vring_file(fd, VHOST_SET_VRING_CALL, i & 1,
					      q->call));
		ASSERT_EQ(0, guest_vring_file(fd, VHOST_SET_VRING_ERR, i & 1,
					      i & 2 ? other : -1));
		ASSERT_EQ(0, guest_vring_state(fd,
					       VHOST_SET_VRING_BUSYLOOP_TIMEOUT,
					       i & 1, i & 4 ? 20 : 0));
		if (i % 8 == 7)
			ASSERT_TRUE(traffic_wait(&self->t, 1));
	}
	EXPECT_EQ(0, fd_count(other));
	EXPECT_EQ(0, traffic_stop(&self->t));
	close(other);
}

/*
 * Replace the call eventfd under traffic and watch the old one, as QEMU does when it
 * unmasks: each used element must cause a call on one of the two.
 */
TEST_F_TIMEOUT(live, call_masked_and_unmasked, 120)
{
	int i, fd = self->g.vhost, masked = eventfd(0, EFD_NONBLOCK);
	uint64_t n;
	struct vq *q;

	for (i = 0; i < 100; i++) {
		q = &self->g.vq[i & 1];
		ASSERT_EQ(0, guest_vring_file(fd, VHOST_SET_VRING_CALL, i & 1,
					      masked));
		sched_yield();
		ASSERT_EQ(0, guest_vring_file(fd, VHOST_SET_VRING_CALL, i & 1,
					      q->call));
		n = fd_count(masked);
		if (n && write(q->call, &n, sizeof(n)) < 0)
			ASSERT_TRUE(false);
		if (i % 8 == 7)
			ASSERT_TRUE(traffic_wait(&self->t, 1));
	}
	EXPECT_EQ(0, traffic_stop(&self->t));
	close(masked);
}

/* RING_RESET: one queue restarts from zero, the other is not affected. */
TEST_F_TIMEOUT(live, CVE_2026_86565_one_queue_reset, 120)
{
	struct guest *g = &self->g;
	int i, k;

	ASSERT_EQ(0, traffic_stop(&self->t));
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, guest_attach(g, TX, -1));
		EXPECT_LE(0, guest_get_base(g->vhost, TX));
		/* RX continues meanwhile. */
		ASSERT_TRUE(frame_in(g, self->tap.host, 200, i));
		/* Use another size each time: CVE-2026-86565. */
		vq_free(&g->vq[TX]);
		ASSERT_EQ(0, vq_init(&g->vq[TX], TX, 16 << i % 6, g->features));
		ASSERT_EQ(0, guest_vq_setup(g, TX, vq_base(&g->vq[TX])));
		ASSERT_EQ(0, guest_attach(g, TX, self->tap.fd[0]));
		for (k = 0; k < 20; k++)
			ASSERT_TRUE(frame_out(g, self->tap.host, 200, i));
	}
}

/*
 * Packets that the device took from the tap before a stop, without delivering them,
 * arrive after the next start.
 */
TEST_F(live, rx_packets_survive_a_stop)
{
	struct guest *g = &self->g;
	uint8_t f[200];
	int i;

	ASSERT_EQ(0, traffic_stop(&self->t));
	ASSERT_EQ(0, guest_stop(g));
	vq_reset(&g->vq[RX]);
	ASSERT_EQ(0, guest_vq_setup(g, RX, vq_base(&g->vq[RX])));
	/* 5 buffers for 40 packets. */
	ASSERT_EQ(0, guest_start(g, self->tap.fd[0]));
	ASSERT_EQ(0, guest_rx_post(g, 5, 2048));
	for (i = 0; i < 40; i++) {
		frame_raw(f, 200, i);
		ASSERT_EQ(0, host_send(self->tap.host, f, 200));
	}
	ASSERT_EQ(1, vq_wait_used(&g->vq[RX], WAIT_MS));
	usleep(QUIET_MS * 1000);
	ASSERT_EQ(0, base_round_trip(g, RX, self->tap.fd[0]));
	for (i = 0; i < 40; i++) {
		ASSERT_TRUE(frame_at_guest(g, 200, i)) {
			TH_LOG("packet %d", i);
		}
	}
}

/* Switch from one tap to another without a stop. */
TEST_F(live, backend_replaced)
{
	struct guest *g = &self->g;
	int fd, host[2], i, k;

	ASSERT_EQ(0, traffic_stop(&self->t));
	fd = tap_open("vtap1", IFF_VNET_HDR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, tap_hdr_len(fd, g->hdr_len));
	ASSERT_EQ(0, link_up("vtap1"));
	host[0] = self->tap.host;
	host[1] = host_open("vtap1", 0);
	ASSERT_LE(0, host[1]);
	for (i = 1; i < 21; i++) {
		k = i & 1;
		ASSERT_EQ(0, guest_start(g, k ? fd : self->tap.fd[0]));
		ASSERT_TRUE(frame_out(g, host[k], 200, i));
		ASSERT_TRUE(frame_in(g, host[k], 200, i));
	}
	EXPECT_EQ(0, host_quiet(host[0], 0));
	close(fd);
	close(host[1]);
}

/* Change features while running: header length and call suppression. */
TEST_F(live, features_change)
{
	struct guest *g = &self->g;
	/* The ring format stays. */
	uint64_t other = F_NET_HDR | F_EVENT_IDX |
			 (g->features & F_PACKED ? F_PACKED | F_VERSION_1 : 0) |
			 (IS_BIG_ENDIAN ? F_VERSION_1 : 0);
	uint8_t f[200], got[2048];
	int i;

	ASSERT_EQ(0, traffic_stop(&self->t));
	/* No crash, no stuck worker; packets may get lost meanwhile. */
	for (i = 0; i < 30; i++) {
		ASSERT_EQ(0, guest_ioctl(g->vhost, VHOST_SET_FEATURES,
					 i & 1 ? &g->features : &other));
		frame_raw(f, 200, i);
		guest_tx(g, NULL, f, 200);
		vq_kick_hard(&g->vq[TX]);
		host_send(self->tap.host, f, 200);
	}
	ASSERT_EQ(0, guest_ioctl(g->vhost, VHOST_SET_FEATURES, &g->features));
	ASSERT_EQ(0, guest_restart(g, self->tap.fd[0]));
	while (host_recv(self->tap.host, got, sizeof(got), QUIET_MS) > 0)
		;
	EXPECT_TRUE(frame_out(g, self->tap.host, 100, 9));
}

TEST_HARNESS_MAIN
