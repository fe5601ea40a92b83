// SPDX-License-Identifier: GPL-2.0
/*
 * Hostile guests with a packed ring: the cases that the packed format adds or handles
 * differently. The format permits any buffer id, descriptors whose flags do not make
 * them available, and any event word; the device must accept them.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "hostile.h"
#include "net.h"
#include "traffic.h"

#define N	VRING_DESC_F_NEXT
#define W	VRING_DESC_F_WRITE
#define I	VRING_DESC_F_INDIRECT
#define NUM	200

FIXTURE(bad) {
	struct guest g;
	struct tap tap;
	uint64_t gpa;
	uint64_t table;
};

FIXTURE_SETUP(bad)
{
	struct guest_cfg cfg = {
		.features = F_QEMU | F_PACKED, .num = { NUM, NUM },
	};

	if (!guest_is_ours())
		SKIP(return, "in-tree has no packed rings");
	ASSERT_EQ(0, net_ns());
	ASSERT_EQ(0, tap_make(&self->tap, IFF_VNET_HDR, 1, 12));
	ASSERT_EQ(0, guest_init(&self->g, &cfg));
	self->gpa = guest_alloc(&self->g, 0x10000);
	self->table = guest_alloc(&self->g, 0x10000);
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
}

FIXTURE_TEARDOWN(bad)
{
	guest_free(&self->g);
	tap_free(&self->tap);
}

/* ---- the cases ---- */

static void first(struct target *t, uint64_t addr, uint32_t len, uint16_t flags)
{
	pdrv_put(&t->q->drv, &(struct pdrv_desc){ addr, len, 0, flags }, true);
}

static void more(struct target *t, uint64_t addr, uint32_t len, uint16_t flags)
{
	pdrv_put(&t->q->drv, &(struct pdrv_desc){ addr, len, 0, flags }, false);
}

/* Set the flags of the descriptor @behind positions after the next one. */
static void set_bits(struct target *t, unsigned int behind, uint16_t bits)
{
	uint16_t at = pdrv_step(&t->q->drv, t->q->avail_idx, behind);

	pdrv_desc_at(&t->q->drv, at & ~PDRV_WRAP)->flags = bits;
}

static void table_put(struct target *t, unsigned int i, uint64_t addr,
		      uint32_t len, uint16_t flags)
{
	struct pdrv_desc d = { addr, len, 0, flags };

	guest_write(t->g, t->table + i * sizeof(d), &d, sizeof(d));
}

static void torn_not_yet(struct target *t)
{
	set_bits(t, 1, 0);
	first(t, t->gpa, 100, N);
}

static void torn_used(struct target *t)
{
	set_bits(t, 1, PDRV_BOTH);
	first(t, t->gpa, 100, N);
}

static void torn_other_lap(struct target *t)
{
	set_bits(t, 1, PDRV_USED);
	first(t, t->gpa, 100, N);
}

static void torn_in_the_middle(struct target *t)
{
	first(t, t->gpa, 100, N);
	more(t, t->gpa, 100, N);
	set_bits(t, 0, PDRV_BOTH | N);
}

/* A chain as long as the ring, which continues into the next lap. */
static void whole_ring(struct target *t)
{
	unsigned int i;

	first(t, t->gpa, 10, N);
	for (i = 1; i < NUM; i++)
		more(t, t->gpa, 10, N);
}

static void whole_ring_empty(struct target *t)
{
	unsigned int i;

	first(t, t->gpa, 0, N);
	for (i = 1; i < NUM; i++)
		more(t, t->gpa, 0, N);
}

static void unmapped(struct target *t)
{
	first(t, 0x1000, 100, 0);
}

static void unmapped_second(struct target *t)
{
	first(t, t->gpa, 100, N);
	more(t, 1ULL << 63, 100, 0);
}

static void gpa_wraps(struct target *t)
{
	first(t, -16ULL, 64, 0);
}

static void past_region(struct target *t)
{
	first(t, guest_gpa(t->g, t->g->mem_len - 50), 100, 0);
}

static void len_max(struct target *t)
{
	first(t, t->gpa, ~0U, 0);
}

static void write_then_read(struct target *t)
{
	first(t, t->gpa, 100, N | W);
	more(t, t->gpa, 100, 0);
}

static void tx_writable(struct target *t)
{
	first(t, t->gpa, 100, W);
}

static void read_then_write(struct target *t)
{
	first(t, t->gpa, 100, N);
	more(t, t->gpa, 100, W);
}

static void indirect_nested(struct target *t)
{
	table_put(t, 0, t->table + 64, 16, I);
	table_put(t, 4, t->gpa, 100, 0);
	first(t, t->table, 16, I);
}

static void indirect_next(struct target *t)
{
	table_put(t, 0, t->gpa, 100, 0);
	first(t, t->table, 16, I | N);
	more(t, t->gpa, 100, 0);
}

static void indirect_second(struct target *t)
{
	table_put(t, 0, t->gpa, 100, 0);
	first(t, t->gpa, 100, N);
	more(t, t->table, 16, I);
}

static void indirect_len_0(struct target *t)
{
	first(t, t->table, 0, I);
}

static void indirect_len_8(struct target *t)
{
	first(t, t->table, 8, I);
}

static void indirect_len_24(struct target *t)
{
	table_put(t, 0, t->gpa, 100, 0);
	first(t, t->table, 24, I);
}

static void indirect_65537(struct target *t)
{
	first(t, t->table, 16 * 65537, I);
}

static void indirect_len_max(struct target *t)
{
	first(t, t->table, 0xfffffff0, I);
}

static void indirect_unmapped(struct target *t)
{
	first(t, 0x1000, 64, I);
}

static void indirect_wraps(struct target *t)
{
	first(t, -16ULL, 64, I);
}

static void indirect_buffer_unmapped(struct target *t)
{
	table_put(t, 0, t->gpa, 100, 0);
	table_put(t, 1, 0x1000, 100, 0);
	first(t, t->table, 32, I);
}

static void indirect_1500(struct target *t)
{
	int i;

	for (i = 0; i < 1500; i++)
		table_put(t, i, t->gpa, 1, 0);
	first(t, t->table, 1500 * 16, I);
}

static void no_bytes(struct target *t)
{
	first(t, t->gpa, 0, 0);
}

static void half_header(struct target *t)
{
	first(t, t->gpa, 5, 0);
}

static void header_only(struct target *t)
{
	first(t, t->gpa, 12, 0);
}

static void too_long(struct target *t)
{
	first(t, t->gpa, 0x10000, N);
	more(t, t->gpa, 0x10000, 0);
}

static void too_long_200(struct target *t)
{
	unsigned int i;

	first(t, t->gpa, 0x10000, N);
	for (i = 1; i < NUM; i++)
		more(t, t->gpa, 0x10000, i + 1 < NUM ? N : 0);
}

static const struct bad tx_bad[] = {
	{ "chain into nothing", torn_not_yet, "CHAIN_TORN" },
	{ "chain into a used one", torn_used, "CHAIN_TORN" },
	{ "chain into the other lap", torn_other_lap, "CHAIN_TORN" },
	{ "flags change within the chain", torn_in_the_middle, "CHAIN_TORN" },
	{ "chain without end", whole_ring, "CHAIN_LOOP" },
	{ "chain without end or bytes", whole_ring_empty, "CHAIN_LOOP" },
	{ "buffer unmapped", unmapped, "UNMAPPED" },
	{ "second buffer unmapped", unmapped_second, "UNMAPPED" },
	{ "buffer wraps 2^64", gpa_wraps, "UNMAPPED" },
	{ "buffer leaves region", past_region, "UNMAPPED" },
	{ "length 2^32-1", len_max, "UNMAPPED" },
	{ "readable after writable", write_then_read, "CHAIN_ORDER" },
	{ "writable buffer", tx_writable, "CHAIN_DIRECTION" },
	{ "readable, then writable", read_then_write, "CHAIN_DIRECTION" },
	{ "nested indirect", indirect_nested, "INDIRECT_NESTED" },
	{ "indirect and next", indirect_next, "INDIRECT_NEXT" },
	{ "indirect in a chain", indirect_second, "INDIRECT_NEXT" },
	{ "indirect length 0", indirect_len_0, "INDIRECT_LEN" },
	{ "indirect length 8", indirect_len_8, "INDIRECT_LEN" },
	{ "indirect length 24", indirect_len_24, "INDIRECT_LEN" },
	{ "indirect of 65537", indirect_65537, "INDIRECT_BIG" },
	{ "indirect length 2^32-16", indirect_len_max, "INDIRECT_BIG" },
	{ "indirect unmapped", indirect_unmapped, "INDIRECT_ACCESS" },
	{ "indirect wraps 2^64", indirect_wraps, "INDIRECT_ACCESS" },
	{ "indirect buffer unmapped", indirect_buffer_unmapped, "UNMAPPED" },
	{ "indirect of 1500 buffers", indirect_1500, "CHAIN_LONG" },
	{ "no bytes", no_bytes, "TX_NO_HEADER", .is_drop = true },
	{ "half a header", half_header, "TX_NO_HEADER", .is_drop = true },
	{ "header only", header_only, "TX_NO_HEADER|TX_RUNT", .is_drop = true },
	{ "128 KiB", too_long, "TX_TOO_LONG", .is_drop = true },
	{ "200 times 64 KiB", too_long_200, "TX_TOO_LONG", .is_drop = true },
};

static void rx_unmapped(struct target *t)
{
	first(t, 0x1000, 2048, W);
}

static void rx_no_bytes(struct target *t)
{
	first(t, t->gpa, 0, W);
}

/* CVE-2014-0055: the fault is in the middle of a packet's buffers. */
static void rx_second_bad(struct target *t)
{
	first(t, t->gpa, 50, W);
	first(t, 0x1000, 2048, W);
}

static void rx_second_torn(struct target *t)
{
	first(t, t->gpa, 50, W);
	set_bits(t, 1, 0);
	first(t, t->gpa, 10, W | N);
}

static void rx_readable(struct target *t)
{
	first(t, t->gpa, 2048, 0);
}

static const struct bad rx_bad[] = {
	{ "chain into nothing", rx_second_torn, "CHAIN_TORN" },
	{ "chain without end", whole_ring, "CHAIN_LOOP" },
	{ "readable buffer", rx_readable, "CHAIN_DIRECTION" },
	{ "readable, then writable", read_then_write, "CHAIN_DIRECTION" },
	{ "readable after writable", write_then_read, "CHAIN_ORDER" },
	{ "buffer unmapped", rx_unmapped, "UNMAPPED" },
	{ "second buffer unmapped", rx_second_bad, "UNMAPPED" },
	{ "no bytes", rx_no_bytes, "CHAIN_EMPTY" },
	{ "nested indirect", indirect_nested, "INDIRECT_NESTED" },
	{ "indirect and next", indirect_next, "INDIRECT_NEXT" },
	{ "indirect length 24", indirect_len_24, "INDIRECT_LEN" },
	{ "indirect unmapped", indirect_unmapped, "INDIRECT_ACCESS" },
};

static void one_bad(struct __test_metadata *_metadata,
		    FIXTURE_DATA(bad) *self, const struct bad *b, int dir)
{
	struct target t = { &self->g, &self->g.vq[dir], self->gpa, self->table };
	const char *wrong = hostile_case(&t, b, self->tap.fd[0],
					 self->tap.host);

	EXPECT_EQ(NULL, wrong) {
		TH_LOG("%s: %s", b->name, wrong);
	}
}

TEST_F_TIMEOUT(bad, tx_descriptors, 120)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(tx_bad); i++)
		one_bad(_metadata, self, &tx_bad[i], TX);
	ASSERT_EQ(0, guest_restart(&self->g, self->tap.fd[0]));
	EXPECT_TRUE(traffic_once(&self->g, self->tap.host));
}

TEST_F_TIMEOUT(bad, rx_descriptors, 120)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(rx_bad); i++)
		one_bad(_metadata, self, &rx_bad[i], RX);
	ASSERT_EQ(0, guest_restart(&self->g, self->tap.fd[0]));
	ASSERT_EQ(0, guest_rx_post(&self->g, 64, 2048));
	EXPECT_TRUE(traffic_in(&self->g, self->tap.host));
}

/* ---- input that the device must accept ---- */

/*
 * A descriptor whose flags do not make it available in this lap is not a fault and is
 * not used. The queue continues when its flags change.
 */
TEST_F(bad, flags_that_offer_nothing)
{
	static const uint16_t bits[] = { 0, PDRV_BOTH, PDRV_USED };
	struct vq *q = &self->g.vq[TX];
	struct target t = { &self->g, q, self->gpa, self->table };
	uint8_t f[100];
	int lap, i;

	for (lap = 0; lap < 2; lap++) {
		for (i = 0; i < ARRAY_SIZE(bits); i++) {
			uint16_t flip = lap ? PDRV_BOTH : 0;

			set_bits(&t, 0, bits[i] ^ flip);
			vq_kick_hard(q);
			usleep(QUIET_MS * 1000 / 4);
			EXPECT_EQ(0, fd_count(q->err));
			ASSERT_EQ((bits[i] ^ flip),
				  pdrv_desc_at(&q->drv, q->avail_idx &
					       ~PDRV_WRAP)->flags);
			ASSERT_TRUE(traffic_once(&self->g, self->tap.host)) {
				TH_LOG("lap %d, bits %x", lap, bits[i]);
			}
		}
		/* Continue into the other lap. */
		frame_raw(f, 100, 1);
		while (!lap && q->avail_idx & PDRV_WRAP)
			ASSERT_EQ(0, guest_tx_sync(&self->g, NULL, f, 100));
	}
}

/* The driver chooses ids: out of range or duplicate, they return unchanged. */
TEST_F(bad, ids_are_returned_unchanged)
{
	static const uint16_t id[] = { 0xffff, 0xffff, NUM, 0x8000, 7, 7 };
	struct vq *q = &self->g.vq[TX];
	struct pdrv_desc *d;
	uint16_t at = q->avail_idx;
	int i, ms;

	for (i = 0; i < ARRAY_SIZE(id); i++)
		pdrv_put(&q->drv, &(struct pdrv_desc){ self->gpa, 100, id[i] },
			 true);
	vq_publish(q);
	vq_kick_hard(q);
	for (i = 0; i < ARRAY_SIZE(id); i++, at = pdrv_step(&q->drv, at, 1)) {
		d = pdrv_desc_at(&q->drv, at & ~PDRV_WRAP);
		for (ms = 0; ms < WAIT_MS; ms++) {
			if ((__atomic_load_n(&d->flags, __ATOMIC_ACQUIRE) &
			     PDRV_BOTH) == PDRV_BOTH)
				break;
			usleep(1000);
		}
		ASSERT_EQ(PDRV_BOTH, d->flags & PDRV_BOTH);
		EXPECT_EQ(id[i], d->id);
	}
	EXPECT_EQ(0, fd_count(q->err));
}

/* An invalid mode or position causes an additional call at worst. */
TEST_F(bad, invalid_event_words)
{
	static const uint16_t words[][2] = {
		{ 0, 3 }, { 0xffff, 0xffff }, { NUM, 2 }, { 0x7fff, 2 },
		{ 0xffff, 2 }, { 0x8000 | NUM, 2 }, { 0, 0x8000 }, { 5, 0x102 },
	};
	struct vq *q = &self->g.vq[TX];
	uint8_t f[100], got[200];
	int i;

	frame_raw(f, 100, 1);
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		pdrv_driver(&q->drv)->off_wrap = words[i][0];
		pdrv_driver(&q->drv)->flags = words[i][1];
		fd_count(q->call);
		ASSERT_LE(0, guest_tx(&self->g, NULL, f, 100));
		vq_kick_hard(q);
		ASSERT_TRUE(fd_wait(q->call, WAIT_MS)) {
			TH_LOG("words %x %x", words[i][0], words[i][1]);
		}
		ASSERT_EQ(1, vq_get_used(q, NULL, NULL));
		ASSERT_EQ(100, host_recv(self->tap.host, got, sizeof(got),
					 WAIT_MS));
		EXPECT_EQ(0, fd_count(q->err));
	}
}

/* ---- concurrent changes ---- */

struct scribbler {
	struct vq *q;
	bool must_stop;
};

/* Change flags, lengths, ids and event words at any time. */
static void *scribble(void *arg)
{
	struct scribbler *s = arg;
	uint64_t seed = 1;
	uint16_t *p;

	while (!__atomic_load_n(&s->must_stop, __ATOMIC_ACQUIRE)) {
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		p = (uint16_t *)s->q->desc + seed % NUM * 8 + 4 + (seed >> 40) % 4;
		__atomic_store_n(p, seed >> 48, __ATOMIC_RELAXED);
		pdrv_driver(&s->q->drv)->off_wrap = seed >> 20;
		pdrv_driver(&s->q->drv)->flags = seed >> 18 & 3;
	}
	return NULL;
}

TEST_F_TIMEOUT(bad, ring_rewritten_while_read, 120)
{
	struct guest *g = &self->g;
	struct scribbler s[2];
	pthread_t thread[2];
	uint8_t f[100], got[2048];
	int round, i, k;

	frame_raw(f, 100, 1);
	for (round = 0; round < 12; round++) {
		ASSERT_EQ(0, guest_restart(g, self->tap.fd[0]));
		guest_rx_post(g, 64, 2048);
		for (i = 0; i < 2; i++) {
			s[i] = (struct scribbler){ &g->vq[i] };
			ASSERT_EQ(0, pthread_create(&thread[i], NULL, scribble,
						    &s[i]));
		}
		for (k = 0; k < 60; k++) {
			guest_tx(g, NULL, f, 100);
			vq_kick_hard(&g->vq[TX]);
			host_send(self->tap.host, f, 100);
			usleep(500);
		}
		for (i = 0; i < 2; i++) {
			__atomic_store_n(&s[i].must_stop, true,
					 __ATOMIC_RELEASE);
			pthread_join(thread[i], NULL);
		}
		ASSERT_EQ(0, guest_stop(g));
		EXPECT_LE(0, guest_get_base(g->vhost, TX));
	}
	ASSERT_EQ(0, guest_restart(g, self->tap.fd[0]));
	while (host_recv(self->tap.host, got, sizeof(got), QUIET_MS) > 0)
		;
	EXPECT_TRUE(traffic_once(g, self->tap.host));
}

TEST_HARNESS_MAIN
