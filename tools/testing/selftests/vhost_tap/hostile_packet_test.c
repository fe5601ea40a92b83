// SPDX-License-Identifier: GPL-2.0
/*
 * Valid rings with bad packets: runts, header offsets past the packet, every gso_type,
 * buffers that are too small; and unusual but legal packets. Each packet is completed,
 * and sent or counted.
 */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "guest.h"
#include "net.h"
#include "traffic.h"

FIXTURE(packet) {
	struct guest g;
	struct tap tap;
	uint64_t gpa;		/* 64 KiB of valid memory */
};

FIXTURE_SETUP(packet)
{
	struct guest_cfg cfg = { .features = F_QEMU };

	ASSERT_EQ(0, guest_on_tap(&self->g, &self->tap, &cfg));
	self->gpa = guest_alloc(&self->g, 0x10000);
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
}

FIXTURE_TEARDOWN(packet)
{
	guest_off_tap(&self->g, &self->tap);
}

/* The packet is larger than all buffers that the guest can have. */
TEST_F(packet, rx_packet_larger_than_ring)
{
	struct guest *g = &self->g;
	uint8_t *f = malloc(FRAME_ROOM);
	int i;

	if (!guest_is_ours())
		SKIP(return, "in-tree waits forever");
	ASSERT_EQ(0, guest_stop(g));
	vq_free(&g->vq[RX]);
	ASSERT_EQ(0, vq_init(&g->vq[RX], RX, 8, g->features));
	ASSERT_EQ(0, guest_vq_setup(g, RX, 0));
	ASSERT_EQ(0, guest_start(g, self->tap.fd[0]));
	ASSERT_EQ(0, guest_rx_post(g, 8, 200));
	for (i = 0; i < 3; i++) {
		frame_raw(f, 3000, i);
		ASSERT_EQ(0, host_send(self->tap.host, f, 3000));
		frame_raw(f, 150, i);
		ASSERT_EQ(0, host_send(self->tap.host, f, 150));
		EXPECT_EQ(150, guest_rx(g, NULL, f, 3000, WAIT_MS));
	}
	EXPECT_EQ(3, guest_stat(g, "rx", "fault.RX_TRUNCATED"));
	free(f);
}

/* ---- runts, headers ---- */

/* CVE-2024-41090/41091: frames shorter than an Ethernet header */
TEST_F(packet, CVE_2024_41091_tx_runts)
{
	struct virtio_net_hdr_mrg_rxbuf h = {};
	uint8_t f[16] = {};
	int i, gso;

	for (gso = 0; gso < 2; gso++) {
		h.hdr.gso_type = gso ? VIRTIO_NET_HDR_GSO_TCPV4 : 0;
		h.hdr.gso_size = gso ? 10 : 0;
		for (i = 1; i < 14; i++)
			EXPECT_EQ(0, guest_tx_sync(&self->g, &h, f, i)) {
				TH_LOG("%d bytes", i);
			}
	}
	if (guest_is_ours()) {
		EXPECT_EQ(26, guest_stat(&self->g, "tx", "fault.TX_RUNT"));
		EXPECT_EQ(0, guest_stat(&self->g, "tx", "packets"));
	}
	EXPECT_EQ(0, host_quiet(self->tap.host, 0));
	EXPECT_TRUE(traffic_once(&self->g, self->tap.host));
}

static const uint16_t edges[] = { 0, 1, 13, 14, 33, 34, 54, 99, 100, 101, 255,
				  256, 4095, 0x7fff, 0x8000, 0xfffd, 0xffff };

/* CVE-2024-11614: checksum offsets past the packet. */
TEST_F_TIMEOUT(packet, CVE_2024_11614_tx_header_offsets, 120)
{
	struct virtio_net_hdr_mrg_rxbuf h = {};
	uint8_t f[4000];
	int i, k, big;

	if (!guest_is_ours())
		SKIP(return, "in-tree retries them forever");
	for (big = 0; big < 2; big++) {
		uint32_t len = big ? 4000 : 100;

		frame_raw(f, len, 0);
		for (i = 0; i < ARRAY_SIZE(edges); i++) {
			h.hdr = (struct virtio_net_hdr){
				.hdr_len = edges[i],
			};
			ASSERT_EQ(0, guest_tx_sync(&self->g, &h, f, len));
			for (k = 0; k < ARRAY_SIZE(edges); k++) {
				h.hdr = (struct virtio_net_hdr){
					.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
					.csum_start = edges[i],
					.csum_offset = edges[k],
				};
				ASSERT_EQ(0, guest_tx_sync(&self->g, &h, f,
							   len)) {
					TH_LOG("csum %u+%u in %u bytes",
					       edges[i], edges[k], len);
				}
			}
		}
	}
	EXPECT_LT(100, guest_stat(&self->g, "tx", "fault.TX_BAD_HEADER"));
	EXPECT_EQ(0, fd_count(self->g.vq[TX].err));
	EXPECT_TRUE(traffic_once(&self->g, self->tap.host));
}

TEST_F_TIMEOUT(packet, tx_all_gso_types, 120)
{
	static const uint16_t size[] = { 0, 1, 1400, 0xffff };
	struct virtio_net_hdr_mrg_rxbuf h = {};
	struct virtio_net_hdr ok;
	uint8_t f[4000];
	int type, i;
	size_t len;

	for (type = 0; type < 256; type++) {
		for (i = 0; i < ARRAY_SIZE(size); i++) {
			/* One packet in a batch, one alone. */
			len = frame_l4(f, type & 1 ? 3700 : 600, type & 4, 6,
				       type, &ok);
			h.hdr = ok;
			h.hdr.gso_type = type;
			h.hdr.gso_size = size[i];
			if (i & 1)
				h.hdr.flags = 0;
			ASSERT_LE(0, guest_tx(&self->g, &h, f, len));
		}
		vq_kick(&self->g.vq[TX]);
		ASSERT_EQ(0, vq_drain(&self->g.vq[TX], i, WAIT_MS)) {
			TH_LOG("gso_type %d", type);
		}
	}
	EXPECT_EQ(0, fd_count(self->g.vq[TX].err));
	EXPECT_TRUE(traffic_once(&self->g, self->tap.host));
}

/* ---- unusual but legal packets ---- */

TEST_F(packet, tx_empty_descriptors_between)
{
	struct seg seg[] = {
		{ self->gpa, 0 }, { self->gpa, 12 }, { self->gpa, 0 },
		{ self->gpa + 12, 100 }, { self->gpa, 0 },
	};
	struct vq *q = &self->g.vq[TX];
	uint8_t f[100], got[256];
	ssize_t n;

	frame_raw(f, 100, 5);
	guest_write(&self->g, self->gpa + 12, f, 100);
	ASSERT_LE(0, vq_add(q, seg, 5, 0));
	vq_publish(q);
	vq_kick_hard(q);
	n = host_recv(self->tap.host, got, sizeof(got), WAIT_MS);
	EXPECT_TRUE(frame_same(got, n, f, 100));
}

/* Every descriptor names the same buffer, which is legal. */
TEST_F(packet, duplicate_heads)
{
	struct vq *q = &self->g.vq[TX];
	uint8_t f[100];
	int i;

	frame_raw(f, 100, 5);
	guest_write(&self->g, self->gpa + 12, f, 100);
	q->desc[7] = (struct drv_desc){ self->gpa, 112 };
	for (i = 0; i < 100; i++)
		drv_put_avail(&q->drv, 7);
	vq_publish(q);
	vq_kick_hard(q);
	EXPECT_TRUE(wait_for(vq_used_idx(q) == 100));
}

TEST_HARNESS_MAIN
