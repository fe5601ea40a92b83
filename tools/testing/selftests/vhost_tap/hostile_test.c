// SPDX-License-Identifier: GPL-2.0
/*
 * Hostile guests with a split ring: one case for each way to break the ring.
 * A case ends in one of two ways:
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

#define N	VRING_DESC_F_NEXT
#define W	VRING_DESC_F_WRITE
#define I	VRING_DESC_F_INDIRECT

FIXTURE(hostile) {
	struct guest g;
	struct tap tap;
	uint64_t gpa;		/* 64 KiB of valid memory */
	uint64_t table;		/* room for an indirect table */
};

FIXTURE_SETUP(hostile)
{
	struct guest_cfg cfg = { .features = F_QEMU, .num = { 256, 256 } };

	ASSERT_EQ(0, net_ns());
	ASSERT_EQ(0, tap_make(&self->tap, IFF_VNET_HDR, 1, 12));
	ASSERT_EQ(0, guest_init(&self->g, &cfg));
	self->gpa = guest_alloc(&self->g, 0x10000);
	self->table = guest_alloc(&self->g, 0x10000);
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
}

FIXTURE_TEARDOWN(hostile)
{
	guest_free(&self->g);
	tap_free(&self->tap);
}

static void put(struct vq *q, unsigned int i, uint64_t addr, uint32_t len,
		uint16_t flags, uint16_t next)
{
	q->desc[i] = (struct drv_desc){ addr, len, flags, next };
}

static void avail(struct vq *q, uint16_t head)
{
	q->avail->ring[q->avail_idx++ % q->num] = head;
}

/* ---- the cases ---- */

static void table_put(struct target *t, unsigned int i, uint64_t addr,
		      uint32_t len, uint16_t flags, uint16_t next)
{
	struct drv_desc d = { addr, len, flags, next };

	guest_write(t->g, t->table + i * sizeof(d), &d, sizeof(d));
}

static void avail_jump(struct target *t)
{
	t->q->avail_idx += t->q->num + 1;
}

static void avail_back(struct target *t)
{
	t->q->avail_idx -= 1;
}

static void head_range(struct target *t)
{
	avail(t->q, t->q->num);
}

static void head_max(struct target *t)
{
	avail(t->q, 0xffff);
}

static void next_range(struct target *t)
{
	put(t->q, 0, t->gpa, 100, N, t->q->num);
	avail(t->q, 0);
}

static void loop_self(struct target *t)
{
	put(t->q, 0, t->gpa, 100, N, 0);
	avail(t->q, 0);
}

static void loop_two(struct target *t)
{
	put(t->q, 0, t->gpa, 100, N, 1);
	put(t->q, 1, t->gpa, 100, N, 0);
	avail(t->q, 0);
}

static void loop_empty(struct target *t)
{
	put(t->q, 0, t->gpa, 0, N, 1);
	put(t->q, 1, t->gpa, 0, N, 0);
	avail(t->q, 0);
}

static void unmapped(struct target *t)
{
	put(t->q, 0, 0x1000, 100, 0, 0);
	avail(t->q, 0);
}

static void unmapped_second(struct target *t)
{
	put(t->q, 0, t->gpa, 100, N, 1);
	put(t->q, 1, 1ULL << 63, 100, 0, 0);
	avail(t->q, 0);
}

static void gpa_wraps(struct target *t)
{
	put(t->q, 0, -16ULL, 64, 0, 0);
	avail(t->q, 0);
}

static void past_region(struct target *t)
{
	put(t->q, 0, guest_gpa(t->g, t->g->mem_len - 50), 100, 0, 0);
	avail(t->q, 0);
}

static void len_max(struct target *t)
{
	put(t->q, 0, t->gpa, ~0U, 0, 0);
	avail(t->q, 0);
}

static void write_then_read(struct target *t)
{
	put(t->q, 0, t->gpa, 100, N | W, 1);
	put(t->q, 1, t->gpa, 100, 0, 0);
	avail(t->q, 0);
}

static void tx_writable(struct target *t)
{
	put(t->q, 0, t->gpa, 100, W, 0);
	avail(t->q, 0);
}

static void tx_read_then_write(struct target *t)
{
	put(t->q, 0, t->gpa, 100, N, 1);
	put(t->q, 1, t->gpa, 100, W, 0);
	avail(t->q, 0);
}

static void indirect_of(struct target *t, uint32_t len, uint16_t flags)
{
	put(t->q, 0, t->table, len, I | flags, 1);
	put(t->q, 1, t->gpa, 100, 0, 0);
	avail(t->q, 0);
}

static void indirect_nested(struct target *t)
{
	table_put(t, 0, t->table + 64, 16, I, 0);
	table_put(t, 4, t->gpa, 100, 0, 0);
	indirect_of(t, 16, 0);
}

static void indirect_next(struct target *t)
{
	table_put(t, 0, t->gpa, 100, 0, 0);
	indirect_of(t, 16, N);
}

static void indirect_len_0(struct target *t)
{
	indirect_of(t, 0, 0);
}

static void indirect_len_8(struct target *t)
{
	indirect_of(t, 8, 0);
}

static void indirect_len_24(struct target *t)
{
	table_put(t, 0, t->gpa, 100, 0, 0);
	indirect_of(t, 24, 0);
}

static void indirect_65537(struct target *t)
{
	indirect_of(t, 16 * 65537, 0);
}

static void indirect_len_max(struct target *t)
{
	indirect_of(t, 0xfffffff0, 0);
}

static void indirect_unmapped(struct target *t)
{
	put(t->q, 0, 0x1000, 64, I, 0);
	avail(t->q, 0);
}

static void indirect_wraps(struct target *t)
{
	put(t->q, 0, -16ULL, 64, I, 0);
	avail(t->q, 0);
}

static void indirect_next_range(struct target *t)
{
	table_put(t, 0, t->gpa, 100, N, 2);
	indirect_of(t, 32, 0);
}

static void indirect_loop(struct target *t)
{
	table_put(t, 0, t->gpa, 100, N, 1);
	table_put(t, 1, t->gpa, 100, N, 0);
	indirect_of(t, 32, 0);
}

static void indirect_buffer_unmapped(struct target *t)
{
	table_put(t, 0, t->gpa, 100, N, 1);
	table_put(t, 1, 0x1000, 100, 0, 0);
	indirect_of(t, 32, 0);
}

static void indirect_1500(struct target *t)
{
	int i;

	for (i = 0; i < 1500; i++)
		table_put(t, i, t->gpa, 1, i < 1499 ? N : 0, i + 1);
	indirect_of(t, 1500 * 16, 0);
}

static void no_bytes(struct target *t)
{
	put(t->q, 0, t->gpa, 0, 0, 0);
	avail(t->q, 0);
}

static void header_only(struct target *t)
{
	put(t->q, 0, t->gpa, 12, 0, 0);
	avail(t->q, 0);
}

static void half_header(struct target *t)
{
	put(t->q, 0, t->gpa, 5, 0, 0);
	avail(t->q, 0);
}

static void too_long(struct target *t)
{
	put(t->q, 0, t->gpa, 0x10000, N, 1);
	put(t->q, 1, t->gpa, 0x10000, 0, 0);
	avail(t->q, 0);
}

static void too_long_256(struct target *t)
{
	unsigned int i;

	for (i = 0; i < t->q->num; i++)
		put(t->q, i, t->gpa, 0x10000, i + 1 < t->q->num ? N : 0, i + 1);
	avail(t->q, 0);
}

static const struct bad tx_bad[] = {
	{ "avail index jumps", avail_jump, "AVAIL_JUMP" },
	{ "avail index steps back", avail_back, "AVAIL_JUMP" },
	{ "head past table", head_range, "HEAD_RANGE" },
	{ "head 65535", head_max, "HEAD_RANGE" },
	{ "next past table", next_range, "NEXT_RANGE" },
	{ "next is itself", loop_self, "CHAIN_LOOP" },
	{ "cycle of two", loop_two, "CHAIN_LOOP" },
	{ "cycle of empty descriptors", loop_empty, "CHAIN_LOOP" },
	{ "buffer unmapped", unmapped, "UNMAPPED" },
	{ "second buffer unmapped", unmapped_second, "UNMAPPED" },
	{ "buffer wraps 2^64", gpa_wraps, "UNMAPPED" },
	{ "buffer leaves region", past_region, "UNMAPPED" },
	{ "length 2^32-1", len_max, "UNMAPPED" },
	{ "readable after writable", write_then_read, "CHAIN_ORDER" },
	{ "writable buffer", tx_writable, "CHAIN_DIRECTION" },
	{ "readable, then writable", tx_read_then_write, "CHAIN_DIRECTION" },
	{ "nested indirect", indirect_nested, "INDIRECT_NESTED" },
	{ "indirect and next", indirect_next, "INDIRECT_NEXT" },
	{ "indirect length 0", indirect_len_0, "INDIRECT_LEN" },
	{ "indirect length 8", indirect_len_8, "INDIRECT_LEN" },
	{ "indirect length 24", indirect_len_24, "INDIRECT_LEN" },
	{ "indirect of 65537", indirect_65537, "INDIRECT_BIG" },
	{ "indirect length 2^32-16", indirect_len_max, "INDIRECT_BIG" },
	{ "indirect unmapped", indirect_unmapped, "INDIRECT_ACCESS" },
	{ "indirect wraps 2^64", indirect_wraps, "INDIRECT_ACCESS" },
	{ "indirect next past table", indirect_next_range, "NEXT_RANGE" },
	{ "indirect cycle", indirect_loop, "CHAIN_LOOP" },
	{ "indirect buffer unmapped", indirect_buffer_unmapped, "UNMAPPED" },
	{ "indirect of 1500 buffers", indirect_1500,
	  "CHAIN_LONG|CHAIN_SEGMENTS" },
	{ "no bytes", no_bytes, "TX_NO_HEADER", .is_drop = true },
	{ "half a header", half_header, "TX_NO_HEADER", .is_drop = true },
	{ "header only", header_only, "TX_NO_HEADER|TX_RUNT", .is_drop = true },
	{ "128 KiB", too_long, "TX_TOO_LONG", true, true },
	{ "256 times 64 KiB", too_long_256, "TX_TOO_LONG", true, true },
};

static void one_bad(struct __test_metadata *_metadata,
		    FIXTURE_DATA(hostile) *self, const struct bad *b, int dir)
{
	struct target t = { &self->g, &self->g.vq[dir], self->gpa, self->table };
	const char *wrong = hostile_case(&t, b, self->tap.fd[0],
					 self->tap.host);

	EXPECT_EQ(NULL, wrong) {
		TH_LOG("%s: %s", b->name, wrong);
	}
}

TEST_F_TIMEOUT(hostile, tx_descriptors, 120)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(tx_bad); i++)
		one_bad(_metadata, self, &tx_bad[i], TX);
	ASSERT_EQ(0, guest_restart(&self->g, self->tap.fd[0]));
	EXPECT_TRUE(traffic_once(&self->g, self->tap.host));
}

/* While the bad head remains, later good packets do not pass, even after a kick. */
TEST_F(hostile, broken_queue_stays_broken)
{
	struct vq *q = &self->g.vq[TX];
	uint16_t used;
	uint8_t f[60];

	if (!guest_is_ours())
		SKIP(return, "in-tree continues with the next kick");
	avail(q, 0xffff);
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

/* ---- RX ---- */

static void rx_readable(struct target *t)
{
	put(t->q, 0, t->gpa, 2048, 0, 0);
	avail(t->q, 0);
}

static void rx_read_then_write(struct target *t)
{
	put(t->q, 0, t->gpa, 100, N, 1);
	put(t->q, 1, t->gpa, 2048, W, 0);
	avail(t->q, 0);
}

static void rx_unmapped(struct target *t)
{
	put(t->q, 0, 0x1000, 2048, W, 0);
	avail(t->q, 0);
}

static void rx_no_bytes(struct target *t)
{
	put(t->q, 0, t->gpa, 0, W, 0);
	avail(t->q, 0);
}

static void rx_loop(struct target *t)
{
	put(t->q, 0, t->gpa, 1, W | N, 0);
	avail(t->q, 0);
}

/* CVE-2014-0055: the fault is in the middle of a packet's buffers. */
static void rx_second_bad(struct target *t)
{
	put(t->q, 0, t->gpa, 50, W, 0);
	put(t->q, 1, 0x1000, 2048, W, 0);
	avail(t->q, 0);
	avail(t->q, 1);
}

static const struct bad rx_bad[] = {
	{ "avail index jumps", avail_jump, "AVAIL_JUMP" },
	{ "head past table", head_range, "HEAD_RANGE" },
	{ "next past table", next_range, "NEXT_RANGE" },
	{ "cycle", rx_loop, "CHAIN_LOOP" },
	{ "readable buffer", rx_readable, "CHAIN_DIRECTION" },
	{ "readable, then writable", rx_read_then_write, "CHAIN_DIRECTION" },
	{ "readable after writable", write_then_read, "CHAIN_ORDER" },
	{ "buffer unmapped", rx_unmapped, "UNMAPPED" },
	{ "second buffer unmapped", rx_second_bad, "UNMAPPED" },
	{ "no bytes", rx_no_bytes, "CHAIN_EMPTY" },
	{ "nested indirect", indirect_nested, "INDIRECT_NESTED" },
	{ "indirect length 24", indirect_len_24, "INDIRECT_LEN" },
	{ "indirect unmapped", indirect_unmapped, "INDIRECT_ACCESS" },
};

TEST_F_TIMEOUT(hostile, rx_descriptors, 120)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(rx_bad); i++)
		one_bad(_metadata, self, &rx_bad[i], RX);
	ASSERT_EQ(0, guest_restart(&self->g, self->tap.fd[0]));
	ASSERT_EQ(0, guest_rx_post(&self->g, 64, 2048));
	EXPECT_TRUE(traffic_in(&self->g, self->tap.host));
}

TEST_HARNESS_MAIN
