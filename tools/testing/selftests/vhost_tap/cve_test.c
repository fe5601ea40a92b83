// SPDX-License-Identifier: GPL-2.0
/*
 * Numbered defects of kernel vhost and of DPDK's vhost, except those tested under their
 * number in other programs. Documentation/testing.rst lists all of them, and those
 * that do not apply here.
 */
#define _GNU_SOURCE
#include <linux/if_link.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <time.h>

#include "kselftest_harness.h"
#include "guest.h"
#include "net.h"
#include "traffic.h"

#define N	VRING_DESC_F_NEXT
#define W	VRING_DESC_F_WRITE
#define I	VRING_DESC_F_INDIRECT

FIXTURE(cve) {
	struct guest g;
	struct tap tap;
	uint64_t gpa;		/* 64 KiB of valid memory */
	uint64_t table;
	uint8_t *f;
	uint8_t *got;
};

FIXTURE_VARIANT(cve) {
	struct guest_cfg cfg;
};

FIXTURE_VARIANT_ADD(cve, qemu) { .cfg.features = F_QEMU };
FIXTURE_VARIANT_ADD(cve, legacy) { .cfg.features = F_INDIRECT };

FIXTURE_SETUP(cve)
{
	self->f = calloc(1, FRAME_ROOM);
	self->got = malloc(FRAME_ROOM);
	ASSERT_EQ(0, guest_on_tap(&self->g, &self->tap, &variant->cfg));
	self->gpa = guest_alloc(&self->g, 0x10000);
	self->table = guest_alloc(&self->g, 0x10000);
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
}

FIXTURE_TEARDOWN(cve)
{
	guest_off_tap(&self->g, &self->tap);
	free(self->f);
	free(self->got);
}

static void write_desc(struct vq *q, unsigned int i, uint64_t addr, uint32_t len,
		       uint16_t flags, uint16_t next)
{
	q->desc[i] = (struct drv_desc){ addr, len, flags, next };
}

static void go(struct vq *q)
{
	vq_publish(q);
	vq_kick_hard(q);
}

/* Set up new rings, and empty the tap and the host's socket. */
static bool emptied(struct guest *g, struct tap *t)
{
	static uint8_t got[FRAME_ROOM];
	bool mrg = g->features & F_MRG_RXBUF;

	if (guest_restart(g, t->fd[0]))
		return false;
	g->kept = g->mem_len / 2 + 0x20000;
	if (guest_rx_post(g, mrg ? 64 : 8, mrg ? 2048 : 66000))
		return false;
	while (guest_rx(g, NULL, got, sizeof(got), 50) > 0)
		;
	while (host_recv(t->host, got, sizeof(got), 0) > 0)
		;
	return true;
}

/* After any of these cases, a restart makes both directions work again. */
static bool healed(struct guest *g, struct tap *t)
{
	return emptied(g, t) && traffic_once(g, t->host) && traffic_in(g, t->host);
}

/* An error in the middle of a packet was taken for the number of its buffers. */
TEST_F(cve, CVE_2014_0055_error_in_mid_packet)
{
	struct vq *q = &self->g.vq[RX];
	unsigned int good, i;

	for (good = 0; good < 5; good++) {
		ASSERT_TRUE(healed(&self->g, &self->tap));
		ASSERT_EQ(0, guest_restart(&self->g, self->tap.fd[0]));
		for (i = 0; i < good; i++) {
			write_desc(q, i, self->gpa + i * 64, 64, W, 0);
			drv_put_avail(&q->drv, i);
		}
		write_desc(q, good, 0x1000, 2048, W, 0);
		drv_put_avail(&q->drv, good);
		go(q);
		frame_raw(self->f, 1000, good);
		ASSERT_EQ(0, host_send(self->tap.host, self->f, 1000));
		if (guest_is_ours() && (self->g.features & F_MRG_RXBUF)) {
			EXPECT_TRUE(fd_wait(q->err, WAIT_MS));
			/* The device returned none of them. */
			EXPECT_EQ(0, vq_used_idx(q));
		} else {
			usleep(30000);
		}
	}
	EXPECT_TRUE(healed(&self->g, &self->tap));
}

/* Without mergeable buffers a packet ends at the end of its buffer. */
TEST_F(cve, CVE_2014_0077_big_packet_small_buffer)
{
	static const uint32_t room[] = { 20, 64, 100, 1000 };
	struct vq *q = &self->g.vq[RX];
	uint8_t *p = guest_ptr(&self->g, self->gpa, NULL);
	uint32_t i, k;

	for (i = 0; i < ARRAY_SIZE(room); i++) {
		ASSERT_EQ(0, guest_restart(&self->g, self->tap.fd[0]));
		memset(p, 0xee, 0x10000);
		write_desc(q, 0, self->gpa + 4096, room[i], W, 0);
		drv_put_avail(&q->drv, 0);
		go(q);
		frame_raw(self->f, 9000, i);
		ASSERT_EQ(0, host_send(self->tap.host, self->f, 9000));
		usleep(30000);
		for (k = 0; k < 0x10000; k++)
			if (k < 4096 || k >= 4096 + room[i])
				ASSERT_EQ(0xee, p[k]) {
					TH_LOG("byte %u, buffer of %u", k,
					       room[i]);
				}
	}
	EXPECT_TRUE(healed(&self->g, &self->tap));
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

struct feeder {
	struct guest *g;
	bool must_stop;
	unsigned long fed;
};

/* Keep TX busy: make one good buffer available again and again. */
static void *feed(void *arg)
{
	struct feeder *w = arg;
	struct vq *q = &w->g->vq[TX];

	while (!__atomic_load_n(&w->must_stop, __ATOMIC_RELAXED)) {
		q->avail_idx = vq_used_idx(q) + q->num - 1;
		vq_publish(q);
		vq_kick_hard(q);
		w->fed++;
		sched_yield();
	}
	return NULL;
}

/* @len: length of the one buffer; a packet only if it is long enough */
static void endless(struct __test_metadata *_metadata, FIXTURE_DATA(cve) *self,
		    uint32_t len)
{
	struct feeder w = { .g = &self->g };
	struct vq *q = &self->g.vq[TX];
	double start = seconds();
	pthread_t thread;
	unsigned int i;

	/* No socket receives these, and our own socket does not return them. */
	ASSERT_EQ(0, guest_rx_post(&self->g, 64, 2048));
	frame_raw(self->f, 200, 1);
	self->f[12] = 0x99;
	guest_write(&self->g, self->gpa + self->g.hdr_len, self->f, 200);
	for (i = 0; i < q->num; i++) {
		write_desc(q, i, self->gpa, len, 0, 0);
		q->avail->ring[i] = i;
	}
	ASSERT_EQ(0, pthread_create(&thread, NULL, feed, &w));
	/* RX gets its share, and ioctls of the client succeed. */
	for (i = 0; i < 50 || (w.fed < 30 && seconds() < start + 30); i++) {
		ASSERT_TRUE(frame_in(&self->g, self->tap.host, 300, i));
		ASSERT_EQ(0, guest_set_mem(&self->g));
	}
	ASSERT_EQ(0, guest_stop(&self->g));
	__atomic_store_n(&w.must_stop, true, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_LT(10, w.fed);
	EXPECT_GT(60, seconds() - start);
	EXPECT_TRUE(healed(&self->g, &self->tap));
}

TEST_F_TIMEOUT(cve, CVE_2019_3900_endless_packets, 120)
{
	endless(_metadata, self, self->g.hdr_len + 200);
}

/* The same with dropped packets, which have no bytes for the weight by bytes. */
TEST_F_TIMEOUT(cve, CVE_2019_3900_endless_runts, 120)
{
	endless(_metadata, self, self->g.hdr_len + 5);
}

TEST_F_TIMEOUT(cve, CVE_2019_3900_endless_headers, 120)
{
	endless(_metadata, self, 3);
}

/* The avail index jumps while a mergeable packet needs more buffers. */
TEST_F(cve, CVE_2026_74356_avail_leaps)
{
	struct vq *q = &self->g.vq[RX];
	double start = seconds();
	int i;

	if (!(self->g.features & F_MRG_RXBUF))
		return;		/* a packet uses only one buffer */
	for (i = 0; i < 4; i++) {
		ASSERT_TRUE(emptied(&self->g, &self->tap));
		ASSERT_EQ(0, guest_restart(&self->g, self->tap.fd[0]));
		ASSERT_EQ(0, guest_rx_post(&self->g, 3, 64));
		frame_raw(self->f, 1000, i);
		ASSERT_EQ(0, host_send(self->tap.host, self->f, 40));
		ASSERT_EQ(1, vq_wait_used(q, WAIT_MS));
		q->avail_idx += i & 1 ? 0x8000 : q->num + 1 + i;
		go(q);
		ASSERT_EQ(0, host_send(self->tap.host, self->f, 1000));
		if (guest_is_ours()) {
			EXPECT_TRUE(fd_wait(q->err, WAIT_MS));
		} else {
			usleep(30000);
		}
	}
	EXPECT_GT(60, seconds() - start);
	EXPECT_TRUE(healed(&self->g, &self->tap));
}

/* ---- defects of DPDK ---- */

/* Header, frame and table are contiguous for the guest, but cross our regions. */
TEST_F(cve, CVE_2018_1059_across_regions)
{
	struct guest_cfg cfg = variant->cfg;
	struct seg seg[3];
	uint64_t edge;
	struct guest g;
	unsigned int at, i;
	ssize_t n;

	cfg.regions = 8;
	cfg.layout = LAYOUT_SHUFFLED;
	ASSERT_EQ(0, guest_stop(&self->g));
	ASSERT_EQ(0, guest_init(&g, &cfg));
	ASSERT_EQ(0, guest_start(&g, self->tap.fd[0]));
	edge = guest_gpa(&g, g.chunk_len);
	memset(self->got, 0, g.hdr_len);
	for (at = 1; at < 80; at++) {
		frame_raw(self->f, 200, at);
		guest_write(&g, edge - at, self->got, g.hdr_len);
		guest_write(&g, edge - at + g.hdr_len, self->f, 200);
		/* Cut the packet in three, with no cut at the edge. */
		seg[0] = (struct seg){ edge - at, at + 1, false };
		seg[1] = (struct seg){ edge + 1, 3, false };
		seg[2] = (struct seg){ edge + 4, g.hdr_len + 200 - at - 4,
				       false };
		/* The indirect table crosses the next edge. */
		ASSERT_LE(0, at & 1 ? vq_add(&g.vq[TX], seg, 3, 0) :
			  vq_add_indirect(&g, &g.vq[TX], seg, 3,
					  edge + g.chunk_len - 24, 0));
		go(&g.vq[TX]);
		ASSERT_EQ(0, vq_drain(&g.vq[TX], 1, WAIT_MS));
		n = host_recv(self->tap.host, self->got + 100, 1000, WAIT_MS);
		ASSERT_TRUE(frame_same(self->got + 100, n, self->f, 200)) {
			TH_LOG("%u bytes before the edge", at);
		}
	}
	/* And in the other direction. */
	for (i = 1; i < 200; i += 13) {
		seg[0] = (struct seg){ edge - i, 2000, true };
		ASSERT_LE(0, vq_add(&g.vq[RX], seg, 1, 0));
		go(&g.vq[RX]);
		frame_raw(self->f, 500, i);
		ASSERT_EQ(0, host_send(self->tap.host, self->f, 500));
		ASSERT_EQ(0, vq_drain(&g.vq[RX], 1, WAIT_MS));
		guest_read(&g, edge - i + g.hdr_len, self->got, 500);
		ASSERT_TRUE(frame_same(self->got, 500, self->f, 500));
	}
	guest_free(&g);
}

/* Use addresses without a translation in every place for an address. */
TEST_F(cve, CVE_2020_10723_and_10725_unmapped)
{
	static const uint64_t bad[] = {
		0, 1, 0x1000, 0xfffff000, GUEST_GPA - 1, 1ULL << 40,
		1ULL << 63, -1ULL, -4096ULL,
	};
	struct drv_desc d;
	unsigned int i, place, dir;
	struct vq *q;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		for (place = 0; place < 6; place++) {
			dir = place / 3;
			q = &self->g.vq[dir];
			d = (struct drv_desc){ bad[i], 100,
					       dir == RX ? W : 0, 0 };
			ASSERT_EQ(0, guest_restart(&self->g,
						   self->tap.fd[0]));
			if (place % 3 == 0)
				q->desc[0] = d;
			else if (place % 3 == 1)
				write_desc(q, 0, bad[i], 16, I, 0);
			else
				write_desc(q, 0, self->table, 16, I, 0);
			guest_write(&self->g, self->table, &d, sizeof(d));
			drv_put_avail(&q->drv, 0);
			go(q);
			frame_raw(self->f, 60, i);
			ASSERT_EQ(0, host_send(self->tap.host, self->f, 60));
			if (guest_is_ours()) {
				EXPECT_TRUE(fd_wait(q->err, WAIT_MS)) {
					TH_LOG("0x%llx at %u",
					       (long long)bad[i], place);
				}
				EXPECT_EQ(0, vq_used_idx(q));
			} else {
				usleep(3000);
			}
		}
	}
	EXPECT_TRUE(healed(&self->g, &self->tap));
}

/* ---- values that change between two reads ---- */

struct flipper {
	volatile uint32_t *word;
	uint32_t a;
	uint32_t b;
	bool must_stop;
};

static void *flip(void *arg)
{
	struct flipper *w = arg;
	unsigned int i;

	for (i = 0; !__atomic_load_n(&w->must_stop, __ATOMIC_RELAXED); i++) {
		*w->word = i & 1 ? w->a : w->b;
		if (i % 64 == 0)
			sched_yield();
	}
	return NULL;
}

static void flipped(struct __test_metadata *_metadata, FIXTURE_DATA(cve) *self,
		    volatile uint32_t *at, uint32_t a, uint32_t b)
{
	struct flipper w = { .word = at, .a = drv_le32(a), .b = drv_le32(b) };
	struct vq *q = &self->g.vq[TX];
	struct drv_desc table[2], first = q->desc[0], second = q->desc[1];
	double start = seconds();
	pthread_t thread;
	int i;

	guest_read(&self->g, self->table, table, sizeof(table));
	ASSERT_EQ(0, pthread_create(&thread, NULL, flip, &w));
	for (i = 0; i < 300; i++) {
		/* One of the two values broke the queue: restart it. */
		if (i == 0 || fd_count(q->err)) {
			ASSERT_EQ(0, guest_restart(&self->g,
						   self->tap.fd[0]));
			q->desc[0] = first;
			q->desc[1] = second;
		}
		if ((uint16_t)(q->avail_idx - vq_used_idx(q)) < q->num)
			drv_put_avail(&q->drv, 0);
		else
			usleep(10000);
		go(q);
		if (i % 8 == 0)
			sched_yield();
		while (host_recv(self->tap.host, self->got, FRAME_ROOM, 0) > 0)
			;
	}
	__atomic_store_n(&w.must_stop, true, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_GT(100, seconds() - start);
	EXPECT_TRUE(healed(&self->g, &self->tap));
}

/* The length of an indirect table changes between its check and its use. */
TEST_F_TIMEOUT(cve, CVE_2026_93683_indirect_length_flips, 120)
{
	struct drv_desc d = { self->gpa, 100, N, 1 };
	struct vq *q = &self->g.vq[TX];
	unsigned int i;

	if (!guest_is_ours())
		SKIP(return, "in-tree may retry a bad header forever");
	for (i = 0; i < 4000; i++) {
		d.next = i + 1;
		guest_write(&self->g, self->table + i * 16, &d, 16);
	}
	write_desc(q, 0, self->table, 32, I, 0);
	flipped(_metadata, self, drv_field(&q->desc[0], len), 32, 0xfffffff0);
	flipped(_metadata, self, drv_field(&q->desc[0], len), 16, 64 * 1024);
}

/* A chain sometimes links back to itself. Flags and next are one word. */
TEST_F_TIMEOUT(cve, CVE_2026_86847_and_86848_cyclic_next, 120)
{
	struct vq *q = &self->g.vq[TX];

	write_desc(q, 0, self->gpa, 50, N, 1);
	write_desc(q, 1, self->gpa, 50, N, 0);
	drv_put_avail(&q->drv, 0);
	go(q);
	if (guest_is_ours())
		ASSERT_TRUE(fd_wait(q->err, WAIT_MS));
	ASSERT_TRUE(healed(&self->g, &self->tap));
	if (!guest_is_ours())
		SKIP(return, "in-tree may retry a bad header forever");
	write_desc(q, 0, self->gpa, 50, N, 1);
	write_desc(q, 1, self->gpa, 50, 0, 0);
	flipped(_metadata, self, drv_field(&q->desc[1], flags), N, 0);
	write_desc(q, 0, self->gpa, 50, N, 1);
	write_desc(q, 1, self->gpa, 50, 0, 0);
	flipped(_metadata, self, drv_field(&q->desc[0], flags),
		N | 1 << 16, N | 0xffffU << 16);
}

/* Frames shorter than an Ethernet header, through the code of macvtap. */
TEST_F(cve, CVE_2024_41090_macvtap_runts)
{
	struct virtio_net_hdr_mrg_rxbuf h = {};
	int index = 50000 + getpid(), fd, len, gso, host;

	ASSERT_EQ(0, link_veth("veth0", "veth1"));
	ASSERT_EQ(0, link_macvtap("mvt0", "veth0", MACVLAN_MODE_VEPA, index));
	fd = macvtap_open(index, self->g.hdr_len);
	ASSERT_LE(0, fd);
	host = host_open("veth1", HOST_ALL);
	ASSERT_LE(0, host);
	ASSERT_EQ(0, guest_start(&self->g, fd));
	for (gso = 0; gso < 2; gso++) {
		h.hdr.gso_type = gso ? VIRTIO_NET_HDR_GSO_TCPV4 : 0;
		h.hdr.gso_size = gso ? 10 : 0;
		for (len = 0; len < 14; len++)
			EXPECT_EQ(0, guest_tx_sync(&self->g, &h, self->f, len)) {
				TH_LOG("%d bytes", len);
			}
	}
	EXPECT_EQ(0, host_quiet(host, QUIET_MS));
	close(fd);
	close(host);
}

TEST_HARNESS_MAIN
