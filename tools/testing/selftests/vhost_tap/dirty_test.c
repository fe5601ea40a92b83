// SPDX-License-Identifier: GPL-2.0
/*
 * The dirty log is exact. After each step the test compares the changed pages of guest
 * memory with the set bits: no page is missed, none is logged without need. It covers
 * payload, used ring, used index and event words, in every ring mode and over the IOTLB.
 */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "dirty.h"
#include "guest.h"
#include "iotlb.h"
#include "net.h"

FIXTURE(dirty) {
	struct guest g;
	struct iotlb t;
	struct tap tap;
	struct dirty d;
	uint8_t *f;
	bool has_iotlb;
};

FIXTURE_VARIANT(dirty) {
	struct guest_cfg cfg;
	bool ours_only;
};

FIXTURE_VARIANT_ADD(dirty, flags) {
	.cfg = { .rings_inside = true, .features = F_INDIRECT },
};
FIXTURE_VARIANT_ADD(dirty, event_idx) {
	.cfg = { .features = F_VERSION_1 | F_EVENT_IDX | F_INDIRECT,
		 .rings_inside = true, .num = { 512, 512 } },
};
/* The used ring spans three pages, with its event word on the last. */
FIXTURE_VARIANT_ADD(dirty, qemu_ring_1024) {
	.cfg = { .features = F_QEMU, .rings_inside = true,
		 .num = { 1024, 1024 }, .mem_len = 16 << 20 },
};
FIXTURE_VARIANT_ADD(dirty, qemu_shuffled) {
	.cfg = { .features = F_QEMU, .rings_inside = true,
		 .num = { 256, 256 }, .regions = 32, .mem_len = 16 << 20,
		 .layout = LAYOUT_SHUFFLED },
};
FIXTURE_VARIANT_ADD(dirty, qemu_holes) {
	.cfg = { .features = F_QEMU, .rings_inside = true,
		 .regions = 4, .layout = LAYOUT_HOLES },
};
FIXTURE_VARIANT_ADD(dirty, vhost_hdr) {
	.cfg = { .features = F_QEMU | F_NET_HDR, .rings_inside = true },
};
/*
 * In-tree logs a wrong range of the used ring here, because it computes the range from
 * an index that it has already advanced.
 */
FIXTURE_VARIANT_ADD(dirty, in_order) {
	.cfg = { .features = F_QEMU | F_IN_ORDER, .rings_inside = true,
		 .num = { 1024, 1024 }, .mem_len = 16 << 20 },
	.ours_only = true,
};
/* The descriptor ring spans 5 pages, 3 of them only known by user address. */
FIXTURE_VARIANT_ADD(dirty, packed) {
	.cfg = { .features = F_QEMU | F_PACKED, .rings_inside = true,
		 .num = { 1024, 1200 }, .mem_len = 16 << 20 },
	.ours_only = true,
};
FIXTURE_VARIANT_ADD(dirty, packed_no_event) {
	.cfg = { .features = F_VERSION_1 | F_PACKED | F_INDIRECT,
		 .rings_inside = true, .num = { 512, 300 },
		 .regions = 32, .mem_len = 16 << 20,
		 .layout = LAYOUT_SHUFFLED },
	.ours_only = true,
};
FIXTURE_VARIANT_ADD(dirty, packed_iotlb) {
	.cfg = { .features = F_QEMU | F_PACKED | F_ACCESS_PLATFORM,
		 .msg_v2 = true, .num = { 1024, 1000 },
		 .mem_len = 16 << 20 },
	.ours_only = true,
};
/* Each page has an unrelated address, found through the memory table. */
FIXTURE_VARIANT_ADD(dirty, iotlb) {
	.cfg = { .features = F_QEMU | F_ACCESS_PLATFORM, .msg_v2 = true,
		 .num = { 1024, 1024 }, .mem_len = 16 << 20 },
};
FIXTURE_VARIANT_ADD(dirty, iotlb_flags) {
	.cfg = { .features = F_ACCESS_PLATFORM | F_INDIRECT },
};

FIXTURE_SETUP(dirty)
{
	uint64_t features = variant->cfg.features;
	bool vhost_hdr = features & F_NET_HDR;
	int hdr_len = features & F_VERSION_1 ? 12 : 10, err;

	if (variant->ours_only && !guest_is_ours())
		SKIP(return, "in-tree logs the wrong range, or has no packed rings");
	self->f = malloc(FRAME_ROOM);
	self->has_iotlb = features & F_ACCESS_PLATFORM;
	ASSERT_EQ(0, net_ns());
	ASSERT_EQ(0, tap_make(&self->tap, vhost_hdr ? 0 : IFF_VNET_HDR, 1,
			      vhost_hdr ? 0 : hdr_len));
	if (self->has_iotlb)
		err = iotlb_up(&self->t, &self->g, &variant->cfg,
			       self->tap.fd[0]);
	else
		err = guest_init(&self->g, &variant->cfg) ?:
		      guest_start(&self->g, self->tap.fd[0]);
	ASSERT_EQ(0, err);
	ASSERT_EQ(0, dirty_init(&self->d, &self->g));
	ASSERT_EQ(0, dirty_on(&self->d));
}

FIXTURE_TEARDOWN(dirty)
{
	if (self->has_iotlb)
		iotlb_free(&self->t);
	guest_free(&self->g);
	dirty_free(&self->d);
	tap_free(&self->tap);
	free(self->f);
}

/* Write bytes that no test packet contains by chance. */
static void taint(struct guest *g, uint64_t gpa, size_t len)
{
	static uint8_t ee[4096];
	size_t n;

	memset(ee, 0xee, sizeof(ee));
	for (; len; len -= n, gpa += n) {
		n = len < sizeof(ee) ? len : sizeof(ee);
		guest_write(g, gpa, ee, n);
	}
}

static void taint_used(struct vq *q)
{
	if (q->packed)		/* a used descriptor changes its flags */
		return;
	memset(q->used->ring, 0xee, 8 * q->num);
}

/* Compare the log with the changes. In-tree logs whole buffers over an IOTLB. */
static bool log_is_right(struct dirty *d)
{
	if (d->g->view && !guest_is_ours())
		return dirty_covered(d);
	return dirty_exact(d);
}

/* ---- RX ---- */

/*
 * One packet of @len into @nr buffers, whose pieces have the length @piece and the
 * distance @pitch.
 */
struct rx_buffers {
	uint32_t len;
	uint32_t nr;
	uint32_t pieces;
	uint32_t piece;
	uint32_t pitch;
	bool indirect;
};

static int put_buffers(struct guest *g, const struct rx_buffers *in)
{
	struct vq *q = &g->vq[RX];
	struct seg seg[256];
	uint32_t i, k;
	uint64_t gpa, table;
	int head = 0;

	for (i = 0; i < in->nr && head >= 0; i++) {
		gpa = guest_scratch(g, in->pieces * in->pitch + 4096);
		taint(g, gpa, in->pieces * in->pitch);
		for (k = 0; k < in->pieces; k++)
			seg[k] = (struct seg){ gpa + k * in->pitch, in->piece,
					       true };
		table = guest_scratch(g, 4096);
		head = in->indirect ?
		       vq_add_indirect(g, q, seg, in->pieces, table, gpa) :
		       vq_add(q, seg, in->pieces, gpa);
	}
	return head < 0 ? head : 0;
}

static int rx_one(FIXTURE_DATA(dirty) *self, const struct rx_buffers *in,
		  uint32_t seq)
{
	struct guest *g = &self->g;
	struct vq *q = &g->vq[RX];
	unsigned int n = 0;

	if (put_buffers(g, in))
		return -ENOSPC;
	taint_used(q);
	vq_publish(q);
	vq_kick(q);
	/* Let the notification words settle before copying memory. */
	usleep(20000);
	dirty_snap(&self->d);
	self->d.driver_rests = true;
	frame_raw(self->f, in->len, seq);
	if (host_send(self->tap.host, self->f, in->len) ||
	    vq_wait_used(q, WAIT_MS) != 1)
		return -EIO;
	while (vq_get_used(q, NULL, NULL) == 1)
		n++;
	return n;
}

TEST_F_TIMEOUT(dirty, rx_payload, 240)
{
	static const uint32_t len[] = {
		60, 100, 1514, 4083, 4084, 4085, 8000, 9000, 40000, 65535,
	};
	bool mrg = variant->cfg.features & F_MRG_RXBUF;
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(len); i++) {
		struct rx_buffers in = { .len = len[i], .nr = 1, .pieces = 1,
				   .piece = 66000, .pitch = 66000 };

		if (mrg && i & 1) {
			in.piece = 1500;
			in.pitch = 1500;
			in.nr = (len[i] + 12 + 1499) / 1500;
		}
		n = rx_one(self, &in, i);
		ASSERT_EQ(in.nr, n);
		ASSERT_TRUE(log_is_right(&self->d)) {
			TH_LOG("%u bytes into %u buffers", len[i], in.nr);
		}
		EXPECT_LE(len[i] / 4096, dirty_set(&self->d));
	}
}

/* Pieces on separate pages: each page is logged, the pages between are not. */
TEST_F_TIMEOUT(dirty, rx_chains_of_small_pieces, 240)
{
	struct rx_buffers in[] = {
		{ 600, 1, 12, 64, 8192, false },
		{ 600, 1, 12, 64, 8192, true },
		/* The packet ends long before the chain does. */
		{ 100, 1, 100, 64, 4096, false },
		{ 100, 1, 100, 64, 4096, true },
		/* Each piece crosses a page border. */
		{ 5000, 1, 60, 100, 4096 + 50, false },
		{ 5000, 1, 60, 100, 4096 + 50, true },
		{ 60, 1, 200, 4, 4096, false },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(in); i++) {
		ASSERT_EQ(1, rx_one(self, &in[i], i)) {
			TH_LOG("case %u", i);
		}
		ASSERT_TRUE(log_is_right(&self->d)) {
			TH_LOG("case %u", i);
		}
	}
}

/* ---- used ring, index, event words ---- */

static int tx_burst(FIXTURE_DATA(dirty) *self, unsigned int nr)
{
	struct guest *g = &self->g;
	struct vq *q = &g->vq[TX];
	unsigned int i;

	/*
	 * A device that is still in a pass, from the last burst or because it was
	 * attached, uses these frames before the kick. Their entries must stay.
	 */
	usleep(20000);
	taint_used(q);
	frame_raw(self->f, 60, 0);
	for (i = 0; i < nr; i++)
		if (guest_tx(g, NULL, self->f, 60) < 0)
			return -ENOSPC;
	dirty_snap(&self->d);
	self->d.driver_rests = true;
	vq_kick_hard(q);
	return vq_drain(q, nr, WAIT_MS);
}

/* Go twice around the ring, in steps that reach its end at different places. */
TEST_F_TIMEOUT(dirty, used_ring_wraps, 240)
{
	static const unsigned int step[] = { 1, 2, 37, 64, 100, 5, 129 };
	unsigned int done = 0, seen = 0, i;

	for (i = 0; done < 2 * self->g.vq[TX].num + 10; i++) {
		ASSERT_EQ(0, tx_burst(self, step[i % 7]));
		ASSERT_TRUE(log_is_right(&self->d)) {
			TH_LOG("used %u to %u of %u", done, done + step[i % 7],
			       self->g.vq[TX].num);
		}
		/* A device that still works may write before the copy. */
		seen += dirty_set(&self->d);
		done += step[i % 7];
	}
	EXPECT_LT(i / 2, seen);
}

/* Indices pass 65535; a packed ring starts its second lap again. */
TEST_F(dirty, used_index_wraps)
{
	struct guest *g = &self->g;
	struct vq *q = &g->vq[TX];
	int i;

	ASSERT_EQ(0, guest_attach(g, TX, -1));
	vq_reset(q);
	vq_start_at(q, q->packed ? q->num - 40 : 65500);
	/* In-tree lost its mappings when the log was switched on. */
	if (self->has_iotlb)
		ASSERT_EQ(0, iotlb_ring(&self->t, TX));
	ASSERT_EQ(0, guest_vq_setup(g, TX, vq_base(q)));
	ASSERT_EQ(0, guest_attach(g, TX, self->tap.fd[0]));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, tx_burst(self, 19));
		ASSERT_TRUE(log_is_right(&self->d));
	}
}

/* ---- what must not be logged ---- */

TEST_F(dirty, nothing_is_logged_while_disabled)
{
	struct rx_buffers in = { 1000, 1, 1, 2000, 2000, false };

	ASSERT_EQ(0, dirty_off(&self->d));
	EXPECT_EQ(1, rx_one(self, &in, 1));
	EXPECT_EQ(0, tx_burst(self, 5));
	usleep(QUIET_MS * 1000);
	EXPECT_EQ(0, dirty_set(&self->d));
	ASSERT_EQ(0, dirty_on(&self->d));
	EXPECT_EQ(1, rx_one(self, &in, 2));
	EXPECT_TRUE(log_is_right(&self->d));
}

/* LOG_ALL without the ring's own flag logs payload, but not the used ring. */
TEST_F(dirty, used_ring_is_logged_only_with_flag)
{
	struct rx_buffers in = { 1000, 1, 1, 2000, 2000, false };
	struct guest *g = &self->g;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		g->vq[i].is_logged = false;
		ASSERT_EQ(0, guest_set_addr(g, i));
	}
	ASSERT_EQ(0, tx_burst(self, 5));
	usleep(QUIET_MS * 1000);
	EXPECT_EQ(0, dirty_set(&self->d));
	ASSERT_EQ(1, rx_one(self, &in, 1));
	usleep(QUIET_MS * 1000);
	EXPECT_LE(1, dirty_set(&self->d));
	EXPECT_GE(guest_is_ours() || !self->has_iotlb ? 2 : 3,
		  dirty_set(&self->d));
}

TEST_HARNESS_MAIN
