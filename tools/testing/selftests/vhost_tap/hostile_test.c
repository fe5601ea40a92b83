// SPDX-License-Identifier: GPL-2.0
/*
 * Hostile guests: one case for each way to break a split or a packed ring. Most cases
 * break both formats. A case ends in one of two ways:
 *
 *   BREAK  the queue stops, signals the err eventfd and counts the fault; a stop
 *          and a start with fresh rings repairs it
 *   DROP   the packet is completed and counted, traffic continues
 *
 * On in-tree vhost-net the tests only check the restart, and skip cases that it is
 * known to fail.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "hostile.h"
#include "net.h"
#include "traffic.h"

FIXTURE(hostile) {
	struct guest g;
	struct tap tap;
	uint64_t gpa;		/* 64 KiB of valid memory */
	uint64_t table;		/* room for an indirect table */
};

FIXTURE_VARIANT(hostile) {
	uint64_t features;
	unsigned int num;
};

FIXTURE_VARIANT_ADD(hostile, split) { F_QEMU, 256 };
FIXTURE_VARIANT_ADD(hostile, packed) { F_QEMU | F_PACKED, 200 };

FIXTURE_SETUP(hostile)
{
	struct guest_cfg cfg = {
		.features = variant->features,
		.num = { variant->num, variant->num },
	};

	if (variant->features & F_PACKED && !guest_is_ours())
		SKIP(return, "in-tree has no packed rings");
	ASSERT_EQ(0, guest_on_tap(&self->g, &self->tap, &cfg));
	self->gpa = guest_alloc(&self->g, 0x10000);
	self->table = guest_alloc(&self->g, 0x10000);
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
}

FIXTURE_TEARDOWN(hostile)
{
	guest_off_tap(&self->g, &self->tap);
}

/* ---- split rings ---- */

static void avail_jump(struct hostile_target *t)
{
	t->q->avail_idx += t->q->num + 1;
}

static void avail_back(struct hostile_target *t)
{
	t->q->avail_idx -= 1;
}

static void head_range(struct hostile_target *t)
{
	drv_put_avail(&t->q->drv, t->q->num);
}

static void head_max(struct hostile_target *t)
{
	drv_put_avail(&t->q->drv, 0xffff);
}

static void indirect_1500(struct hostile_target *t)
{
	bool packed = t->q->packed;
	unsigned int i;

	for (i = 0; i < 1500; i++) {
		struct drv_desc d = { t->gpa, 1, i < 1499 ? N : 0, i + 1 };
		struct pdrv_desc p = { t->gpa, 1 };

		guest_write(t->g, t->table + i * sizeof(d),
			    packed ? (void *)&p : &d, sizeof(d));
	}
}

static const struct hostile_case split_tx[] = {
	{ "avail index jumps", .make = avail_jump, .fault = "AVAIL_JUMP" },
	{ "avail index steps back", .make = avail_back, .fault = "AVAIL_JUMP" },
	{ "head past table", .make = head_range, .fault = "HEAD_RANGE" },
	{ "head 65535", .make = head_max, .fault = "HEAD_RANGE" },
	{ "next past table", { { MEM, 100, N, 256 } }, .fault = "NEXT_RANGE" },
	{ "next is itself", { { MEM, 100, N, 0 } }, .fault = "CHAIN_LOOP" },
	{ "cycle of two", { { MEM, 100, N, 1 }, { MEM, 100, N, 0 } },
	  .fault = "CHAIN_LOOP" },
	{ "cycle of empty descriptors", { { MEM, 0, N, 1 }, { MEM, 0, N, 0 } },
	  .fault = "CHAIN_LOOP" },
	{ "indirect next past table", { { TABLE, 32, I } },
	  { { MEM, 100, N, 2 } }, .fault = "NEXT_RANGE" },
	{ "indirect cycle", { { TABLE, 32, I } },
	  { { MEM, 100, N, 1 }, { MEM, 100, N, 0 } }, .fault = "CHAIN_LOOP" },
	{ "indirect of 1500 buffers", { { TABLE, 1500 * 16, I } },
	  .make = indirect_1500, .fault = "CHAIN_LONG|CHAIN_SEGMENTS" },
};

static const struct hostile_case split_rx[] = {
	{ "avail index jumps", .make = avail_jump, .fault = "AVAIL_JUMP" },
	{ "head past table", .make = head_range, .fault = "HEAD_RANGE" },
	{ "next past table", { { MEM, 100, N, 256 } }, .fault = "NEXT_RANGE" },
	{ "cycle", { { MEM, 1, W | N, 0 } }, .fault = "CHAIN_LOOP" },
};

/* ---- packed rings ---- */

/* Set the flags of the descriptor @behind positions after the next one. */
static void set_bits(struct hostile_target *t, unsigned int behind, uint16_t bits)
{
	uint16_t at = pdrv_step(&t->q->drv, t->q->avail_idx, behind);

	pdrv_desc_at(&t->q->drv, at & ~PDRV_WRAP)->flags = bits;
}

static void torn_not_yet(struct hostile_target *t)
{
	set_bits(t, 1, 0);
	hostile_chain(t, 1, 100, N);
}

static void torn_used(struct hostile_target *t)
{
	set_bits(t, 1, PDRV_BOTH);
	hostile_chain(t, 1, 100, N);
}

static void torn_other_lap(struct hostile_target *t)
{
	set_bits(t, 1, PDRV_USED);
	hostile_chain(t, 1, 100, N);
}

static void torn_in_the_middle(struct hostile_target *t)
{
	hostile_chain(t, 2, 100, N);
	set_bits(t, 0, PDRV_BOTH | N);
}

/* After a good buffer. */
static void torn_second(struct hostile_target *t)
{
	set_bits(t, 1, 0);
	hostile_chain(t, 1, 10, W | N);
}

/* A chain as long as the ring, which continues into the next lap. */
static void whole_ring(struct hostile_target *t)
{
	hostile_chain(t, t->q->num, 10, N);
}

static void whole_ring_empty(struct hostile_target *t)
{
	hostile_chain(t, t->q->num, 0, N);
}

static const struct hostile_case packed_tx[] = {
	{ "chain into nothing", .make = torn_not_yet, .fault = "CHAIN_TORN" },
	{ "chain into a used one", .make = torn_used, .fault = "CHAIN_TORN" },
	{ "chain into the other lap", .make = torn_other_lap,
	  .fault = "CHAIN_TORN" },
	{ "flags change within the chain", .make = torn_in_the_middle,
	  .fault = "CHAIN_TORN" },
	{ "chain without end", .make = whole_ring, .fault = "CHAIN_LOOP" },
	{ "chain without end or bytes", .make = whole_ring_empty,
	  .fault = "CHAIN_LOOP" },
	{ "indirect in a chain", { { MEM, 100, N, 1 }, { TABLE, 16, I } },
	  { { MEM, 100 } }, .fault = "INDIRECT_NEXT" },
	{ "indirect of 1500 buffers", { { TABLE, 1500 * 16, I } },
	  .make = indirect_1500, .fault = "CHAIN_LONG" },
};

static const struct hostile_case packed_rx[] = {
	{ "chain into nothing", { { MEM, 50, W } }, .make = torn_second,
	  .fault = "CHAIN_TORN" },
	{ "chain without end", .make = whole_ring, .fault = "CHAIN_LOOP" },
};

/* ---- both formats ---- */

static void too_long_ring(struct hostile_target *t)
{
	hostile_chain(t, t->q->num, 0x10000, 0);
}

#define INDIRECT_NESTED						\
	"nested indirect", { { TABLE, 16, I } },		\
	{ { TABLE + 16, 16, I }, { MEM, 100 } }, .fault = "INDIRECT_NESTED"

static const struct hostile_case both_tx[] = {
	{ "buffer unmapped", { { 0x1000, 100 } }, .fault = "UNMAPPED" },
	{ "second buffer unmapped", { { MEM, 100, N, 1 }, { 1ULL << 63, 100 } },
	  .fault = "UNMAPPED" },
	{ "buffer wraps 2^64", { { -16ULL, 64 } }, .fault = "UNMAPPED" },
	{ "buffer leaves region", { { END - 50, 100 } }, .fault = "UNMAPPED" },
	{ "length 2^32-1", { { MEM, ~0U } }, .fault = "UNMAPPED" },
	{ "readable after writable", { { MEM, 100, N | W, 1 }, { MEM, 100 } },
	  .fault = "CHAIN_ORDER" },
	{ "writable buffer", { { MEM, 100, W } }, .fault = "CHAIN_DIRECTION" },
	{ "readable, then writable", { { MEM, 100, N, 1 }, { MEM, 100, W } },
	  .fault = "CHAIN_DIRECTION" },
	{ INDIRECT_NESTED },
	{ "indirect and next", { { TABLE, 16, I | N, 1 }, { MEM, 100 } },
	  { { MEM, 100 } }, .fault = "INDIRECT_NEXT" },
	{ "indirect length 0", { { TABLE, 0, I } }, .fault = "INDIRECT_LEN" },
	{ "indirect length 8", { { TABLE, 8, I } }, .fault = "INDIRECT_LEN" },
	{ "indirect length 24", { { TABLE, 24, I } }, { { MEM, 100 } },
	  .fault = "INDIRECT_LEN" },
	{ "indirect of 65537", { { TABLE, 16 * 65537, I } },
	  .fault = "INDIRECT_BIG" },
	{ "indirect length 2^32-16", { { TABLE, 0xfffffff0, I } },
	  .fault = "INDIRECT_BIG" },
	{ "indirect unmapped", { { 0x1000, 64, I } }, .fault = "INDIRECT_ACCESS" },
	{ "indirect wraps 2^64", { { -16ULL, 64, I } },
	  .fault = "INDIRECT_ACCESS" },
	{ "indirect buffer unmapped", { { TABLE, 32, I } },
	  { { MEM, 100, N, 1 }, { 0x1000, 100 } }, .fault = "UNMAPPED" },
	{ "no bytes", { { MEM, 0 } }, .fault = "TX_NO_HEADER", .is_drop = true },
	{ "half a header", { { MEM, 5 } }, .fault = "TX_NO_HEADER",
	  .is_drop = true },
	{ "header only", { { MEM, 12 } }, .fault = "TX_NO_HEADER|TX_RUNT",
	  .is_drop = true },
	{ "128 KiB", { { MEM, 0x10000, N, 1 }, { MEM, 0x10000 } },
	  .fault = "TX_TOO_LONG", .is_drop = true, .intree_fails = true },
	{ "a ring of 64 KiB buffers", .make = too_long_ring,
	  .fault = "TX_TOO_LONG", .is_drop = true, .intree_fails = true },
};

static const struct hostile_case both_rx[] = {
	{ "readable buffer", { { MEM, 2048 } }, .fault = "CHAIN_DIRECTION" },
	{ "readable, then writable", { { MEM, 100, N, 1 }, { MEM, 2048, W } },
	  .fault = "CHAIN_DIRECTION" },
	{ "readable after writable", { { MEM, 100, N | W, 1 }, { MEM, 100 } },
	  .fault = "CHAIN_ORDER" },
	{ "buffer unmapped", { { 0x1000, 2048, W } }, .fault = "UNMAPPED" },
	/* CVE-2014-0055: the fault is in the middle of a packet's buffers. */
	{ "second buffer unmapped", { { MEM, 50, W }, { 0x1000, 2048, W } },
	  .fault = "UNMAPPED" },
	{ "no bytes", { { MEM, 0, W } }, .fault = "CHAIN_EMPTY" },
	{ INDIRECT_NESTED },
	{ "indirect and next", { { TABLE, 16, I | N, 1 }, { MEM, 100 } },
	  { { MEM, 100 } }, .fault = "INDIRECT_NEXT" },
	{ "indirect length 24", { { TABLE, 24, I } }, { { MEM, 100 } },
	  .fault = "INDIRECT_LEN" },
	{ "indirect unmapped", { { 0x1000, 64, I } }, .fault = "INDIRECT_ACCESS" },
};

static void all_bad(struct __test_metadata *_metadata,
		    FIXTURE_DATA(hostile) *self, int dir, const struct hostile_case *b,
		    unsigned int nr)
{
	struct hostile_target t = { &self->g, &self->g.vq[dir], self->gpa, self->table };
	const char *wrong;

	for (; nr; nr--, b++) {
		wrong = hostile_run(&t, b, self->tap.fd[0], self->tap.host);
		EXPECT_EQ(NULL, wrong) {
			TH_LOG("%s: %s", b->name, wrong);
		}
	}
}

#define ALL_BAD(dir, bad)	\
	all_bad(_metadata, self, dir, bad, ARRAY_SIZE(bad))

TEST_F_TIMEOUT(hostile, tx_descriptors, 120)
{
	if (variant->features & F_PACKED)
		ALL_BAD(TX, packed_tx);
	else
		ALL_BAD(TX, split_tx);
	ALL_BAD(TX, both_tx);
	ASSERT_EQ(0, guest_restart(&self->g, self->tap.fd[0]));
	EXPECT_TRUE(traffic_once(&self->g, self->tap.host));
}

TEST_F_TIMEOUT(hostile, rx_descriptors, 120)
{
	if (variant->features & F_PACKED)
		ALL_BAD(RX, packed_rx);
	else
		ALL_BAD(RX, split_rx);
	ALL_BAD(RX, both_rx);
	ASSERT_EQ(0, guest_restart(&self->g, self->tap.fd[0]));
	ASSERT_EQ(0, guest_rx_post(&self->g, 64, 2048));
	EXPECT_TRUE(traffic_in(&self->g, self->tap.host));
}

/* While the bad head remains, later good packets do not pass, even after a kick. */
TEST_F(hostile, broken_queue_stays_broken)
{
	struct vq *q = &self->g.vq[TX];
	struct hostile_target t = { &self->g, q };
	uint16_t used;
	uint8_t f[60];

	if (!guest_is_ours())
		SKIP(return, "in-tree continues with the next kick");
	if (q->packed)
		hostile_put(&t, 0, &(struct hostile_desc){ 0x1000, 100 }, true);
	else
		drv_put_avail(&q->drv, 0xffff);
	vq_publish(q);
	vq_kick_hard(q);
	ASSERT_TRUE(fd_wait(q->err, WAIT_MS));
	used = vq_used_idx(q);
	frame_raw(f, 60, 1);
	ASSERT_LE(0, guest_tx(&self->g, NULL, f, 60));
	vq_kick_hard(q);
	usleep(QUIET_MS * 1000);
	EXPECT_EQ(used, vq_used_idx(q));
	/* The other direction still works. */
	ASSERT_EQ(0, guest_rx_post(&self->g, 4, 2048));
	ASSERT_EQ(0, host_send(self->tap.host, f, 60));
	EXPECT_EQ(60, guest_rx(&self->g, NULL, f, 60, WAIT_MS));
	ASSERT_EQ(0, guest_restart(&self->g, self->tap.fd[0]));
	EXPECT_TRUE(traffic_once(&self->g, self->tap.host));
}

TEST_HARNESS_MAIN
