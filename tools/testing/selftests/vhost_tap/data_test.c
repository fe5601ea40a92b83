// SPDX-License-Identifier: GPL-2.0
/*
 * Packets through a tap in both directions, compared byte by byte: every header length
 * and feature set, every memory layout, sizes from 14 to 65550, bursts that wrap the
 * ring, and rings without buffers.
 *
 *   guest (this process) == vhost == tap vtap0 == AF_PACKET socket (this process)
 */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "guest.h"
#include "net.h"
#include "traffic.h"

#define BIG_BUF		66000
#define MRG_BUF		2048

static const uint32_t sizes[] = {
	14, 15, 17, 18, 59, 60, 61, 64, 127, 128, 300, 1499, 1500, 1513, 1514,
	1515, 2000, 3300, 3500, 3600, 3700, 3800, 3900, 4000, 4083, 4084, 4085,
	4095, 4096, 4097, 8192, 9014, 16384, 32768, 40000, 65534, 65535,
};

FIXTURE(data) {
	struct guest g;
	struct tap tap;
	uint8_t *sent;
	uint8_t *got;
};

FIXTURE_VARIANT(data) {
	struct guest_cfg cfg;
	bool ours_only;
};

FIXTURE_VARIANT_ADD(data, legacy) {};
FIXTURE_VARIANT_ADD(data, legacy_event_idx) {
	.cfg.features = F_EVENT_IDX | F_INDIRECT,
};
FIXTURE_VARIANT_ADD(data, mrg) {
	.cfg.features = F_MRG_RXBUF | F_NOTIFY_ON_EMPTY,
};
FIXTURE_VARIANT_ADD(data, v1_no_mrg) {
	.cfg.features = F_VERSION_1 | F_EVENT_IDX,
};
FIXTURE_VARIANT_ADD(data, qemu) {
	.cfg = { .features = F_QEMU, .num = { 1024, 256 } },
};
FIXTURE_VARIANT_ADD(data, qemu_shuffled) {
	.cfg = { .features = F_QEMU, .regions = 64, .layout = LAYOUT_SHUFFLED },
};
FIXTURE_VARIANT_ADD(data, qemu_holes) {
	.cfg = { .features = F_QEMU, .regions = 8, .layout = LAYOUT_HOLES },
};
FIXTURE_VARIANT_ADD(data, qemu_509_regions) {
	.cfg = { .features = F_QEMU, .regions = 509, .layout = LAYOUT_SHUFFLED },
	.ours_only = true,
};
FIXTURE_VARIANT_ADD(data, vhost_hdr_10) {
	.cfg.features = F_NET_HDR,
};
FIXTURE_VARIANT_ADD(data, vhost_hdr_12) {
	.cfg.features = F_NET_HDR | F_QEMU,
};

FIXTURE_VARIANT_ADD(data, packed) {
	.cfg = { .features = F_QEMU | F_PACKED, .num = { 1024, 256 } },
	.ours_only = true,
};
FIXTURE_VARIANT_ADD(data, packed_odd_sizes) {
	.cfg = { .features = F_QEMU | F_PACKED, .num = { 301, 99 },
		 .regions = 64, .layout = LAYOUT_SHUFFLED },
	.ours_only = true,
};
FIXTURE_VARIANT_ADD(data, packed_no_mrg_no_event) {
	.cfg.features = F_VERSION_1 | F_PACKED, .ours_only = true,
};
FIXTURE_VARIANT_ADD(data, packed_in_order) {
	.cfg.features = F_QEMU | F_PACKED | F_IN_ORDER, .ours_only = true,
};

FIXTURE_SETUP(data)
{
	if (variant->ours_only && !guest_is_ours())
		SKIP(return, "in-tree does not support this");
	self->sent = malloc(FRAME_ROOM);
	self->got = malloc(FRAME_ROOM);
	ASSERT_EQ(0, guest_on_tap(&self->g, &self->tap, &variant->cfg));
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
}

FIXTURE_TEARDOWN(data)
{
	guest_off_tap(&self->g, &self->tap);
	free(self->sent);
	free(self->got);
}

/* Post enough buffers for any packet. */
static int post_rx(struct guest *g)
{
	if (g->features & F_MRG_RXBUF)
		return guest_rx_post(g, 128, MRG_BUF);
	return guest_rx_post(g, 32, BIG_BUF);
}

/* ---- one packet at a time ---- */

TEST_F(data, tx_sizes)
{
	uint32_t len, i;

	for (i = 0; i <= ARRAY_SIZE(sizes); i++) {
		len = i < ARRAY_SIZE(sizes) ?
		      sizes[i] : GUEST_FRAME_MAX;
		ASSERT_TRUE(frame_out(&self->g, self->tap.host, len, i)) {
			TH_LOG("size %u", len);
		}
	}
	EXPECT_EQ(0, host_quiet(self->tap.host, 0));
}

TEST_F(data, rx_sizes)
{
	struct virtio_net_hdr_mrg_rxbuf hdr;
	struct guest *g = &self->g;
	uint32_t i, nr;
	ssize_t n;

	ASSERT_EQ(0, post_rx(g));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		frame_raw(self->sent, sizes[i], i);
		ASSERT_EQ(0, host_send(self->tap.host, self->sent, sizes[i]));
		n = guest_rx(g, &hdr, self->got, FRAME_ROOM, WAIT_MS);
		ASSERT_TRUE(frame_same(self->got, n, self->sent, sizes[i])) {
			TH_LOG("size %u", sizes[i]);
		}
		EXPECT_EQ(0, hdr.hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM);
		EXPECT_EQ(VIRTIO_NET_HDR_GSO_NONE, hdr.hdr.gso_type);
		nr = g->features & F_MRG_RXBUF ?
		     (sizes[i] + 12 + MRG_BUF - 1) / MRG_BUF : 1;
		/* Without mergeable buffers in-tree sets it since 6.14. */
		if (g->features & F_MRG_RXBUF ||
		    (g->hdr_len == 12 && guest_is_ours())) {
			EXPECT_EQ(nr, hdr.num_buffers);
		}
	}
}

/* ---- bursts ---- */

static uint32_t odd_len(uint32_t seq)
{
	return 60 + seq * 37 % 1455;
}

TEST_F(data, tx_burst)
{
	struct vq *q = &self->g.vq[TX];
	uint32_t seq, out = 0;

	/* Go several times around the ring, with one kick for each ringful. */
	for (seq = 0; seq < 700;) {
		while (seq < 700 && q->nr_free) {
			frame_raw(self->sent, odd_len(seq), seq);
			ASSERT_LE(0, guest_tx(&self->g, NULL, self->sent,
					      odd_len(seq)));
			seq++;
		}
		vq_kick(q);
		ASSERT_EQ(0, vq_drain(q, seq - out, WAIT_MS));
		for (; out < seq; out++) {
			ASSERT_TRUE(frame_at_host(self->tap.host, odd_len(out),
						  out));
		}
	}
	EXPECT_EQ(0, host_quiet(self->tap.host, 0));
	EXPECT_EQ(q->num, q->nr_free);
}

TEST_F(data, rx_burst)
{
	uint32_t seq, i;

	ASSERT_EQ(0, post_rx(&self->g));
	for (seq = 0; seq < 700; seq += 100) {
		for (i = seq; i < seq + 100; i++) {
			frame_raw(self->sent, odd_len(i), i);
			ASSERT_EQ(0, host_send(self->tap.host, self->sent,
					       odd_len(i)));
		}
		for (i = seq; i < seq + 100; i++) {
			ASSERT_TRUE(frame_at_guest(&self->g, odd_len(i), i));
		}
	}
	EXPECT_EQ(0, fd_count(self->g.vq[RX].err));
}

/* Packets in both directions: one worker serves them fairly. */
TEST_F(data, both_ways)
{
	uint32_t tx = 0, tx_seen = 0, rx = 0, rx_seen = 0;
	struct vq *q = &self->g.vq[TX];
	ssize_t n;

	ASSERT_EQ(0, post_rx(&self->g));
	while (tx_seen < 300 || rx_seen < 300) {
		if (tx < 300 && q->nr_free) {
			frame_raw(self->sent, odd_len(tx), tx);
			ASSERT_LE(0, guest_tx(&self->g, NULL, self->sent,
					      odd_len(tx)));
			vq_kick(q);
			tx++;
		}
		if (rx < 300 && rx < rx_seen + 64) {
			frame_raw(self->sent, 200, 1000 + rx++);
			ASSERT_EQ(0, host_send(self->tap.host, self->sent,
					       200));
		}
		while (vq_get_used(q, NULL, NULL) == 1)
			;
		n = host_recv(self->tap.host, self->got, FRAME_ROOM,
			      tx == 300 && tx_seen < 300 ? WAIT_MS : 0);
		if (n > 0) {
			ASSERT_EQ(tx_seen, frame_seq(self->got));
			tx_seen++;
		}
		n = guest_rx(&self->g, NULL, self->got, FRAME_ROOM,
			     rx == 300 && rx_seen < 300 ? WAIT_MS : 0);
		if (n > 0) {
			ASSERT_EQ(1000 + rx_seen, frame_seq(self->got));
			rx_seen++;
		} else {
			ASSERT_EQ(-ETIMEDOUT, n);
		}
	}
}

/* ---- rings without buffers ---- */

TEST_F(data, rx_starved_then_refilled)
{
	uint32_t i;

	for (i = 0; i < 20; i++) {
		frame_raw(self->sent, 500, i);
		ASSERT_EQ(0, host_send(self->tap.host, self->sent, 500));
	}
	EXPECT_FALSE(fd_wait(self->g.vq[RX].call, QUIET_MS));
	ASSERT_EQ(0, post_rx(&self->g));
	for (i = 0; i < 20; i++) {
		ASSERT_TRUE(frame_at_guest(&self->g, 500, i));
	}
	EXPECT_EQ(0, fd_count(self->g.vq[RX].err));
}

/* The buffers do not suffice for the packet, so the device waits for more. */
static void wait_for_more(struct __test_metadata *_metadata,
			  FIXTURE_DATA(data) *self)
{
	struct guest *g = &self->g;
	ssize_t n;
	int i;

	ASSERT_EQ(0, guest_rx_post(g, 3, 256));
	frame_raw(self->sent, 1500, 7);
	ASSERT_EQ(0, host_send(self->tap.host, self->sent, 1500));
	EXPECT_FALSE(fd_wait(g->vq[RX].call, QUIET_MS));
	EXPECT_EQ(0, vq_used_idx(&g->vq[RX]));
	ASSERT_EQ(0, guest_rx_post(g, 3, 256));
	n = guest_rx(g, NULL, self->got, FRAME_ROOM, WAIT_MS);
	ASSERT_TRUE(frame_same(self->got, n, self->sent, 1500));
	/* The buffers returned in order: now each small packet fits one. */
	for (i = 0; i < 12; i++) {
		ASSERT_TRUE(frame_in(g, self->tap.host, 100, i));
	}
}

/* Without mergeable buffers, a packet that does not fit is dropped. The buffer stays. */
static void drop_too_big(struct __test_metadata *_metadata,
			 FIXTURE_DATA(data) *self)
{
	struct guest *g = &self->g;
	int i;

	ASSERT_EQ(0, guest_rx_post(g, 4, 256));
	for (i = 0; i < 10; i++) {
		/* One byte too long already drops it. */
		frame_raw(self->sent, 1000, i);
		ASSERT_EQ(0, host_send(self->tap.host, self->sent,
				       i & 1 ? 1000 : 257 - g->hdr_len));
		ASSERT_TRUE(frame_in(g, self->tap.host, 256 - g->hdr_len,
				     100 + i));
	}
	if (guest_is_ours()) {
		EXPECT_EQ(10, guest_stat(g, "rx", "fault.RX_TRUNCATED"));
	}
}

TEST_F(data, rx_buffers_too_small)
{
	if (self->g.features & F_MRG_RXBUF)
		wait_for_more(_metadata, self);
	else
		drop_too_big(_metadata, self);
}

/* ---- ring sizes ---- */

FIXTURE(ring) {
	struct tap tap;
};

FIXTURE_VARIANT(ring) {
	unsigned int num;
	bool packed;
};

FIXTURE_VARIANT_ADD(ring, 1) { .num = 1 };
FIXTURE_VARIANT_ADD(ring, 2) { .num = 2 };
FIXTURE_VARIANT_ADD(ring, 8) { .num = 8 };
FIXTURE_VARIANT_ADD(ring, 32768) { .num = 32768 };
FIXTURE_VARIANT_ADD(ring, packed_1) { .num = 1, .packed = true };
FIXTURE_VARIANT_ADD(ring, packed_2) { .num = 2, .packed = true };
FIXTURE_VARIANT_ADD(ring, packed_3) { .num = 3, .packed = true };
FIXTURE_VARIANT_ADD(ring, packed_7) { .num = 7, .packed = true };
FIXTURE_VARIANT_ADD(ring, packed_1000) { .num = 1000, .packed = true };
FIXTURE_VARIANT_ADD(ring, packed_32767) { .num = 32767, .packed = true };
FIXTURE_VARIANT_ADD(ring, packed_32768) { .num = 32768, .packed = true };

FIXTURE_SETUP(ring)
{
	if (variant->packed && !guest_is_ours())
		SKIP(return, "in-tree has no packed rings");
	ASSERT_EQ(0, net_ns());
	ASSERT_EQ(0, tap_make(&self->tap, IFF_VNET_HDR, 1, 12));
}

FIXTURE_TEARDOWN(ring)
{
	tap_free(&self->tap);
}

TEST_F(ring, both_ways)
{
	struct guest_cfg cfg = {
		.features = F_QEMU | (variant->packed ? F_PACKED : 0),
		.num = { variant->num, variant->num },
	};
	struct guest g;
	int i;

	ASSERT_EQ(0, guest_init(&g, &cfg));
	ASSERT_EQ(0, guest_start(&g, self->tap.fd[0]));
	ASSERT_EQ(0, guest_rx_post(&g, variant->num < 500 ? variant->num : 500,
				   1600));
	for (i = 0; i < 50; i++) {
		ASSERT_TRUE(frame_out(&g, self->tap.host, 100 + i, i));
		ASSERT_TRUE(frame_in(&g, self->tap.host, 100 + i, i));
	}
	guest_free(&g);
}

/*
 * Indices have 16 bits and wrap from 65535 to 0. A packed ring passes its end from the
 * second lap on.
 */
TEST_F(ring, index_wraps_at_65536)
{
	struct guest_cfg cfg = {
		.features = F_QEMU | (variant->packed ? F_PACKED : 0),
		.num = { variant->num, variant->num },
	};
	uint16_t start = variant->packed ? variant->num - 1 : 65530;
	struct guest g;
	int i, j;

	ASSERT_EQ(0, guest_init(&g, &cfg));
	for (i = 0; i < 2; i++) {
		struct vq *q = &g.vq[i];

		vq_start_at(q, start);
		ASSERT_EQ(0, guest_vq_setup(&g, i, vq_base(q)));
		vq_calls_on(q);
	}
	ASSERT_EQ(0, guest_start(&g, self->tap.fd[0]));
	ASSERT_EQ(0, guest_rx_post(&g, 1, 1600));
	for (j = 0; j < 12; j++) {
		ASSERT_TRUE(frame_out(&g, self->tap.host, 64, j));
		ASSERT_TRUE(frame_in(&g, self->tap.host, 64, j));
	}
	ASSERT_EQ(0, guest_stop(&g));
	if (!variant->packed) {
		EXPECT_EQ(65530 + 12 - 65536, guest_get_base(g.vhost, TX));
	}
	EXPECT_EQ(vq_base(&g.vq[TX]), guest_get_base(g.vhost, TX));
	EXPECT_EQ(vq_base(&g.vq[RX]), guest_get_base(g.vhost, RX));
	guest_free(&g);
}

TEST_HARNESS_MAIN
