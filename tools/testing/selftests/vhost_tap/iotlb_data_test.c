// SPDX-License-Identifier: GPL-2.0
/*
 * Packets over the device IOTLB, compared byte by byte. Each 4 KiB page of guest memory
 * is at an unrelated address: rings are in pieces, used elements cross page borders,
 * packets span up to 17 pages. Further tests change mappings under traffic.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "guest.h"
#include "iotlb.h"
#include "net.h"
#include "traffic.h"

#define FEATURES	(F_QEMU | F_ACCESS_PLATFORM)

FIXTURE(over) {
	struct guest g;
	struct iotlb t;
	struct tap tap;
	uint8_t *sent;
	uint8_t *got;
};

FIXTURE_VARIANT(over) {
	struct guest_cfg cfg;
	bool ours_only;
};

FIXTURE_VARIANT_ADD(over, v2) {
	.cfg = { .features = FEATURES, .msg_v2 = true, .num = { 256, 256 } },
};
/* Ring size 1024: the table spans four pages, the used ring three. */
FIXTURE_VARIANT_ADD(over, v1_ring_1024) {
	.cfg = { .features = FEATURES, .num = { 1024, 1024 },
		 .mem_len = 24 << 20 },
};
FIXTURE_VARIANT_ADD(over, packed) {
	.cfg = { .features = FEATURES | F_PACKED, .msg_v2 = true,
		 .num = { 256, 256 } }, .ours_only = true,
};
/* The rings span several pages, none of them adjacent. */
FIXTURE_VARIANT_ADD(over, packed_ring_1000) {
	.cfg = { .features = FEATURES | F_PACKED, .num = { 1000, 1000 },
		 .mem_len = 16 << 20 }, .ours_only = true,
};
FIXTURE_VARIANT_ADD(over, legacy) {
	.cfg = { .features = F_ACCESS_PLATFORM | F_INDIRECT, .msg_v2 = true,
		 .mem_len = 16 << 20 },
};

FIXTURE_SETUP(over)
{
	if (variant->ours_only && !guest_is_ours())
		SKIP(return, "in-tree has no packed rings");
	self->sent = malloc(FRAME_ROOM);
	self->got = malloc(FRAME_ROOM);
	ASSERT_EQ(0, net_ns());
	ASSERT_EQ(0, tap_make(&self->tap, IFF_VNET_HDR, 1,
			      variant->cfg.features & F_VERSION_1 ? 12 : 10));
	ASSERT_EQ(0, iotlb_up(&self->t, &self->g, &variant->cfg,
			      self->tap.fd[0]));
}

FIXTURE_TEARDOWN(over)
{
	EXPECT_EQ(0, self->t.nr_bad);
	iotlb_down(&self->t, &self->g);
	tap_free(&self->tap);
	free(self->sent);
	free(self->got);
}

static const uint32_t sizes[] = {
	14, 60, 1514, 4083, 4084, 4085, 8180, 9014, 20000, 65535,
};

static int post_rx(struct guest *g)
{
	if (g->features & F_MRG_RXBUF)
		return guest_rx_post(g, 200, 1500);
	return guest_rx_post(g, 32, 66000);
}

TEST_F(over, sizes_both_ways)
{
	struct guest *g = &self->g;
	uint32_t i, len;

	ASSERT_EQ(0, post_rx(g));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		len = sizes[i];
		ASSERT_TRUE(frame_out(g, self->tap.host, len, i)) {
			TH_LOG("size %u", len);
		}
		ASSERT_TRUE(frame_in(g, self->tap.host, len, i)) {
			TH_LOG("size %u", len);
		}
	}
	EXPECT_LT(0, iotlb_misses(&self->t));
	EXPECT_EQ(0, self->t.nr_denied);
}

/* Go three times around the ring, so that each of its elements crosses a border. */
TEST_F_TIMEOUT(over, bursts_around_the_ring, 120)
{
	uint32_t seq = 0, i, nr = self->g.vq[TX].num * 3 + 50, k;
	struct guest *g = &self->g;

	ASSERT_EQ(0, post_rx(g));
	while (seq < nr) {
		for (k = 0; k < 50; k++) {
			frame_raw(self->sent, 60 + k * 30, seq + k);
			ASSERT_LE(0, guest_tx(g, NULL, self->sent,
					      60 + k * 30));
		}
		vq_kick(&g->vq[TX]);
		ASSERT_EQ(0, vq_drain(&g->vq[TX], 50, WAIT_MS));
		for (k = 0; k < 50; k++) {
			ASSERT_TRUE(frame_at_host(self->tap.host, 60 + k * 30,
						  seq + k));
		}
		for (i = 0; i < 20; i++) {
			frame_raw(self->sent, 200 + i, seq + i);
			ASSERT_EQ(0, host_send(self->tap.host, self->sent,
					       200 + i));
		}
		for (i = 0; i < 20; i++) {
			ASSERT_TRUE(frame_at_guest(g, 200 + i, seq + i));
		}
		seq += 50;
	}
}

/* Chains and indirect tables; a table of 500 spans three pages. */
TEST_F(over, chains_and_indirect)
{
	static const uint32_t nr[] = { 2, 3, 17, 64, 200, 500 };
	static const uint8_t zero[GUEST_HDR_MAX];
	struct guest *g = &self->g;
	uint32_t cut[500], i, k, len, left;
	uint64_t gpa;
	bool table;
	ssize_t n;

	for (i = 0; i < 2 * ARRAY_SIZE(nr); i++) {
		table = i & 1;
		if (!table && nr[i / 2] > g->vq[TX].num)
			continue;
		len = 600 + 5000 * i;
		left = len + g->hdr_len;
		for (k = 0; k < nr[i / 2]; k++) {
			cut[k] = left / (nr[i / 2] - k);
			left -= cut[k];
		}
		frame_raw(self->sent, len, i);
		gpa = guest_scratch(g, g->hdr_len + len);
		ASSERT_EQ(0, guest_write(g, gpa, zero, g->hdr_len));
		ASSERT_EQ(0, guest_write(g, gpa + g->hdr_len, self->sent, len));
		ASSERT_LE(0, guest_tx_segs(g, gpa, cut, nr[i / 2], table));
		vq_kick(&g->vq[TX]);
		ASSERT_EQ(0, vq_drain(&g->vq[TX], 1, WAIT_MS));
		n = host_recv(self->tap.host, self->got, FRAME_ROOM, WAIT_MS);
		ASSERT_TRUE(frame_same(self->got, n, self->sent, len)) {
			TH_LOG("%u pieces, indirect %d", nr[i / 2], table);
		}
	}
}

/* Receive into a chain of pieces, direct and through a table across pages. */
TEST_F(over, rx_chains)
{
	struct guest *g = &self->g;
	struct vq *q = &g->vq[RX];
	uint32_t i, k, used, len;
	struct seg seg[100];
	uint64_t gpa, table;
	int head;

	for (i = 0; i < 8; i++) {
		len = 100 + i * 2200;
		gpa = guest_alloc(g, 20000);
		/* The table crosses a page border. */
		table = guest_alloc(g, 8192);
		table = ((table + 4095) & ~4095ULL) + 4096 - 160;
		guest_alloc(g, 4096);
		for (k = 0; k < 100; k++)
			seg[k] = (struct seg){ gpa + k * 200, 200, true };
		head = i & 1 ? vq_add_indirect(g, q, seg, 100, table, gpa) :
			       vq_add(q, seg, 100, gpa);
		ASSERT_LE(0, head);
		vq_publish(q);
		vq_kick(q);
		frame_raw(self->sent, len, i);
		ASSERT_EQ(0, host_send(self->tap.host, self->sent, len));
		ASSERT_EQ(1, vq_wait_used(q, WAIT_MS));
		ASSERT_EQ(1, vq_get_used(q, &used, NULL));
		ASSERT_EQ(len + g->hdr_len, used);
		guest_read(g, gpa + g->hdr_len, self->got, len);
		ASSERT_TRUE(frame_same(self->got, len, self->sent, len));
	}
}

/* Use more pages in turn than the IOTLB has entries (in-tree has 2048). */
TEST_F_TIMEOUT(over, more_mappings_than_the_table_holds, 240)
{
	struct guest *g = &self->g;
	uint32_t i, nr = g->nr_regions / 2;
	uint64_t gpa;

	if (variant->cfg.mem_len < 16 << 20)
		return;		/* the other variants have enough memory */
	for (i = 0; i < nr; i++) {
		gpa = GUEST_GPA + i * IOTLB_PAGE;
		g->scratch = i * IOTLB_PAGE;
		ASSERT_TRUE(frame_out(g, self->tap.host, 100, i)) {
			TH_LOG("page %u at 0x%llx", i, (long long)gpa);
		}
	}
	EXPECT_LE(nr, iotlb_misses(&self->t));
	EXPECT_TRUE(traffic_once(g, self->tap.host));
}

/* ---- mappings that change ---- */

static uint64_t random_page(struct guest *g, unsigned int *seed)
{
	struct vq *q = &g->vq[rand_r(seed) & 1];
	unsigned int r = rand_r(seed);

	/* Half of them are ring pages, which every packet needs. */
	if (r & 1)
		return q->gpa + (r >> 1) % vq_bytes(q->num) / 4096 * 4096;
	return GUEST_GPA + (r >> 1) % g->nr_regions * IOTLB_PAGE;
}

TEST_F_TIMEOUT(over, invalidated_under_traffic, 120)
{
	struct guest *g = &self->g;
	unsigned int seed = 1, i;
	bool v2 = variant->cfg.msg_v2;
	struct traffic t;

	ASSERT_EQ(0, post_rx(g));
	ASSERT_EQ(0, traffic_start(&t, g, self->tap.host, false));
	for (i = 0; i < 300; i++) {
		bool all = i % 10 == 9;

		ASSERT_EQ(0, iotlb_invalidate(g->vhost, v2,
					      all ? 0 : random_page(g, &seed),
					      all ? 0 : IOTLB_PAGE));
		if (i % 10 == 0)
			ASSERT_TRUE(traffic_wait(&t, 1));
	}
	ASSERT_TRUE(traffic_wait(&t, 2));
	EXPECT_EQ(0, traffic_stop(&t));
	EXPECT_EQ(0, self->t.nr_denied);
}

/* All of 2^64 bytes: in two halves, in one message, and as size 0. */
TEST_F(over, invalidate_all)
{
	static const uint64_t range[][4] = {
		{ 0, 0, 0, 0 },
		{ 0, -1ULL, -1ULL, 1 },
		{ 0, 1ULL << 63, 1ULL << 63, 1ULL << 63 },
	};
	struct guest *g = &self->g;
	bool v2 = variant->cfg.msg_v2;
	unsigned long before;
	int i;

	for (i = 0; i < 3; i++) {
		ASSERT_TRUE(traffic_once(g, self->tap.host));
		/* In-tree 6.1 repeats its misses. */
		if (guest_is_ours())
			ASSERT_TRUE(iotlb_quiet(&self->t, QUIET_MS));
		before = iotlb_misses(&self->t);
		ASSERT_EQ(0, iotlb_invalidate(g->vhost, v2, range[i][0],
					      range[i][1]));
		if (range[i][2])
			ASSERT_EQ(0, iotlb_invalidate(g->vhost, v2, range[i][2],
						      range[i][3]));
		ASSERT_TRUE(traffic_once(g, self->tap.host));
		/* At least the descriptor table, avail, used and the buffer. */
		EXPECT_LE(before + 4, iotlb_misses(&self->t));
	}
}

/*
 * After the write(2) of an update or invalidation, the device does not access the old
 * page again. In-tree keeps both translations when an update overlaps an older one, so
 * the test invalidates first there.
 */
TEST_F_TIMEOUT(over, remapped_while_running, 120)
{
	struct guest *g = &self->g;
	bool v2 = variant->cfg.msg_v2;
	uint64_t gpa = (guest_alloc(g, 8192) + 4095) & ~4095ULL;
	uint8_t *page[2];
	struct seg seg = { gpa, 200 + g->hdr_len, false };
	unsigned int i, k;
	ssize_t n;

	for (k = 0; k < 2; k++)
		page[k] = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (i = 0; i < 200; i++) {
		k = i & 1;
		frame_raw(page[k] + g->hdr_len, 200, i);
		frame_raw(page[!k] + g->hdr_len, 200, 9999);
		if (!guest_is_ours() || i & 2)
			ASSERT_EQ(0, iotlb_invalidate(g->vhost, v2, gpa, 4096));
		ASSERT_EQ(0, iotlb_update(g->vhost, v2, gpa, 4096,
					  (uintptr_t)page[k], RW));
		ASSERT_LE(0, vq_add(&g->vq[TX], &seg, 1, gpa));
		vq_publish(&g->vq[TX]);
		vq_kick(&g->vq[TX]);
		ASSERT_EQ(0, vq_drain(&g->vq[TX], 1, WAIT_MS));
		n = host_recv(self->tap.host, self->got, FRAME_ROOM, WAIT_MS);
		ASSERT_TRUE(frame_same(self->got, n, page[k] + g->hdr_len, 200));
	}
}

/* The same for a page in the middle or at the end of a range, or over its start. */
TEST_F(over, update_over_part_of_a_mapping)
{
	static const struct { uint32_t offset, len; } part[] = {
		{ 0x2000, 0x1000 }, { 0x7000, 0x1000 }, { 0, 0x1000 },
		{ 0x3800, 0x1000 }, { 0, 0x8000 },
	};
	struct guest *g = &self->g;
	bool v2 = variant->cfg.msg_v2;
	uint64_t iova = 1ULL << 50;
	uint8_t *old, *new, *want;
	struct seg seg = { iova, 0x8000, false };
	unsigned int i;
	ssize_t n;

	if (!guest_is_ours())
		SKIP(return, "in-tree keeps both translations");
	old = mmap(NULL, 0x10000, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	new = old + 0x8000;
	want = malloc(0x8000);
	for (i = 0; i < ARRAY_SIZE(part); i++) {
		memset(old, 0, g->hdr_len);
		memset(new, 0, g->hdr_len);
		frame_raw(old + g->hdr_len, 0x8000 - g->hdr_len, i);
		frame_raw(new + g->hdr_len, 0x8000 - g->hdr_len, i + 100);
		memcpy(want, old, 0x8000);
		memcpy(want + part[i].offset, new + part[i].offset, part[i].len);
		/* The host's socket only receives this ethertype. */
		memcpy(want + g->hdr_len, new + g->hdr_len, 14);
		memcpy(old + g->hdr_len, new + g->hdr_len, 14);
		ASSERT_EQ(0, iotlb_update(g->vhost, v2, iova, 0x8000,
					  (uintptr_t)old, RO));
		ASSERT_EQ(0, iotlb_update(g->vhost, v2, iova + part[i].offset,
					  part[i].len,
					  (uintptr_t)new + part[i].offset, RO));
		ASSERT_LE(0, vq_add(&g->vq[TX], &seg, 1, 0));
		vq_publish(&g->vq[TX]);
		vq_kick(&g->vq[TX]);
		ASSERT_EQ(0, vq_drain(&g->vq[TX], 1, WAIT_MS));
		n = host_recv(self->tap.host, self->got, FRAME_ROOM, WAIT_MS);
		ASSERT_TRUE(frame_same(self->got, n, want + g->hdr_len,
				       0x8000 - g->hdr_len)) {
			TH_LOG("part %u", i);
		}
	}
	free(want);
}

/* An invalidation removes exactly its range from a larger mapping. */
TEST_F(over, partial_invalidation)
{
	struct guest *g = &self->g;
	bool v2 = variant->cfg.msg_v2;
	uint64_t iova = 1ULL << 50;
	uint8_t *p = mmap(NULL, 0x8000, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct seg seg = { iova + 0x3000, 200, false };

	ASSERT_EQ(0, iotlb_update(g->vhost, v2, iova, 0x8000, (uintptr_t)p,
				  RO));
	ASSERT_EQ(0, iotlb_invalidate(g->vhost, v2, iova + 0x3000, 0x1000));
	ASSERT_TRUE(traffic_once(g, self->tap.host));
	self->t.nr_denied = 0;
	ASSERT_LE(0, vq_add(&g->vq[TX], &seg, 1, 0));
	vq_publish(&g->vq[TX]);
	vq_kick(&g->vq[TX]);
	/* The device reports a miss, for which the server has no translation. */
	usleep(QUIET_MS * 1000);
	EXPECT_LT(0, self->t.nr_denied);
	EXPECT_EQ(iova + 0x3000, self->t.last.iova);
	ASSERT_EQ(0, iotlb_update(g->vhost, v2, iova + 0x3000, 0x1000,
				  (uintptr_t)p, RO));
	EXPECT_EQ(0, vq_drain(&g->vq[TX], 1, WAIT_MS));
}

/* ---- changes on a running device ---- */

/* Switch the IOTLB off and on under traffic. */
TEST_F_TIMEOUT(over, iotlb_toggled_live, 120)
{
	struct guest *g = &self->g;
	uint64_t off = g->features & ~F_ACCESS_PLATFORM;
	struct traffic t;
	int i;

	for (i = 0; i < 15; i++) {
		ASSERT_EQ(0, post_rx(g));
		ASSERT_EQ(0, traffic_start(&t, g, self->tap.host, true));
		ASSERT_TRUE(traffic_wait(&t, 2));
		/* The device now uses direct addresses, which do not exist. */
		ASSERT_EQ(0, guest_ioctl(g->vhost, VHOST_SET_FEATURES, &off));
		if (i & 1)
			usleep(5000);
		ASSERT_EQ(0, guest_ioctl(g->vhost, VHOST_SET_FEATURES,
					 &g->features));
		traffic_stop(&t);
		/* All earlier translations are gone: set up again. */
		iotlb_stop(&self->t);
		self->t.nr_bad = 0;	/* replies to a device without IOTLB */
		ASSERT_EQ(0, iotlb_start(&self->t));
		ASSERT_EQ(0, guest_stop(g));
		g->kept = g->mem_len / 2 + 2 * (vq_bytes(g->vq[0].num) + 8192);
		vq_reset(&g->vq[RX]);
		vq_reset(&g->vq[TX]);
		ASSERT_EQ(0, iotlb_ring(&self->t, RX));
		ASSERT_EQ(0, iotlb_ring(&self->t, TX));
		ASSERT_EQ(0, guest_vq_setup(g, RX, vq_base(&g->vq[RX])));
		ASSERT_EQ(0, guest_vq_setup(g, TX, vq_base(&g->vq[TX])));
		ASSERT_EQ(0, guest_start(g, self->tap.fd[0]));
		while (host_recv(self->tap.host, self->got, FRAME_ROOM, 0) > 0)
			;
		ASSERT_TRUE(traffic_once(g, self->tap.host));
	}
}

/* The ring moves and becomes shorter: its old translation is dropped. */
TEST_F(over, CVE_2026_74580_ring_moved)
{
	struct guest *g = &self->g;
	struct vq *q = &g->vq[TX], old = *q;
	size_t len = vq_bytes(q->num);
	uint64_t gpa = (guest_alloc(g, len + 4096) + 4095) & ~4095ULL;
	uint8_t *copy = malloc(len), *there = g->view + (gpa - GUEST_GPA);
	int i;

	ASSERT_TRUE(traffic_once(g, self->tap.host));
	usleep(QUIET_MS * 1000);
	/* While it runs: the same ring at another address. */
	memcpy(there, old.desc, len);
	q->desc = (void *)there;
	q->avail = (void *)(there + ((char *)old.avail - (char *)old.desc));
	q->used = (void *)(there + ((char *)old.used - (char *)old.desc));
	q->gpa = gpa;
	ASSERT_EQ(0, guest_set_addr(g, TX));
	memset(old.desc, 0x5a, len);
	for (i = 0; i < 20; i++)
		ASSERT_TRUE(traffic_once(g, self->tap.host));
	memset(copy, 0x5a, len);
	EXPECT_EQ(0, memcmp(copy, old.desc, len));

	/* While stopped: another length, at the first address again. */
	ASSERT_EQ(0, guest_attach(g, TX, -1));
	memset(there, 0xa5, len);
	memset(copy, 0xa5, len);
	old.num /= 2;
	*q = old;
	vq_reset(q);
	ASSERT_EQ(0, iotlb_ring(&self->t, TX));
	ASSERT_EQ(0, guest_vq_setup(g, TX, vq_base(q)));
	ASSERT_EQ(0, guest_attach(g, TX, self->tap.fd[0]));
	for (i = 0; i < 20; i++)
		ASSERT_TRUE(traffic_once(g, self->tap.host));
	EXPECT_EQ(0, memcmp(copy, there, len));
	free(copy);
}

/*
 * No mapping exists at the start. In-tree's NET_SET_BACKEND fails until the used ring
 * is mapped. Here the queue reports a miss and starts when it is resolved.
 */
TEST_F(over, started_before_ring_is_mapped)
{
	struct guest *g = &self->g;
	int i;

	if (!guest_is_ours())
		SKIP(return, "in-tree returns EFAULT");
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, guest_stop(g));
		ASSERT_EQ(0, iotlb_invalidate(g->vhost, variant->cfg.msg_v2,
					      0, 0));
		vq_reset(&g->vq[RX]);
		vq_reset(&g->vq[TX]);
		ASSERT_EQ(0, guest_vq_setup(g, RX, vq_base(&g->vq[RX])));
		ASSERT_EQ(0, guest_vq_setup(g, TX, vq_base(&g->vq[TX])));
		ASSERT_EQ(0, guest_start(g, self->tap.fd[0]));
		ASSERT_TRUE(traffic_once(g, self->tap.host));
	}
}

/* Stop the queue during a miss: the base counts only used chains. */
TEST_F(over, stopped_with_outstanding_miss)
{
	struct guest *g = &self->g;
	struct vq *q = &g->vq[TX];
	long base;
	int i;

	for (i = 0; i < 20; i++) {
		ASSERT_TRUE(traffic_once(g, self->tap.host));
		self->t.hold = true;
		ASSERT_EQ(0, iotlb_invalidate(g->vhost, variant->cfg.msg_v2,
					      0, 0));
		frame_raw(self->sent, 100, i);
		ASSERT_LE(0, guest_tx(g, NULL, self->sent, 100));
		vq_kick_hard(q);
		if (i & 1)
			usleep(10000);
		ASSERT_EQ(0, guest_stop(g));
		base = guest_get_base(g->vhost, TX);
		ASSERT_TRUE(vq_is_base(q, base));
		self->t.hold = false;
		ASSERT_EQ(0, iotlb_ring(&self->t, RX));
		ASSERT_EQ(0, iotlb_ring(&self->t, TX));
		ASSERT_EQ(0, guest_vq_setup(g, TX, base));
		ASSERT_EQ(0, guest_start(g, self->tap.fd[0]));
		ASSERT_EQ(0, vq_drain(q, 1, WAIT_MS));
		ASSERT_EQ(100, host_recv(self->tap.host, self->got, FRAME_ROOM,
					 WAIT_MS));
	}
}

TEST_HARNESS_MAIN
