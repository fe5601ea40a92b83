// SPDX-License-Identifier: GPL-2.0
/*
 * The counters in debugfs match the operations on the device, and the tracepoints fire.
 * drivers/vhost_tap/stats.h has the list of counters.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>

#include "kselftest_harness.h"
#include "guest.h"
#include "net.h"
#include "threads.h"

#define TRACING	"/sys/kernel/tracing"

FIXTURE(stats) {
	struct guest g;
	struct tap tap;
};

FIXTURE_SETUP(stats)
{
	struct guest_cfg cfg = { .features = F_QEMU };

	if (!guest_is_ours())
		SKIP(return, "in-tree has no counters");
	ASSERT_EQ(0, guest_on_tap(&self->g, &self->tap, &cfg));
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
}

FIXTURE_TEARDOWN(stats)
{
	guest_off_tap(&self->g, &self->tap);
}

static long tx(struct guest *g, const char *name)
{
	return guest_stat(g, "tx", name);
}

static long rx(struct guest *g, const char *name)
{
	return guest_stat(g, "rx", name);
}

/* The worker counts after publication: wait for the count. */
static long settled(struct guest *g, const char *file, const char *name,
		    long want)
{
	long val;

	wait_for((val = guest_stat(g, file, name)) >= want);
	return val;
}

TEST_F(stats, state_shows_owner_and_features)
{
	struct guest *g = &self->g;

	EXPECT_EQ(getpid(), guest_stat(g, "state", "owner_pid"));
	/* Known after the worker's first pass. */
	EXPECT_LT(0, settled(g, "state", "worker_tid", 1));
	EXPECT_EQ(F_QEMU, guest_stat(g, "state", "features"));
	EXPECT_EQ(1, guest_stat(g, "state", "memory_regions"));
	EXPECT_EQ(256, tx(g, "num"));
}

TEST_F(stats, tx_packets_and_bytes)
{
	struct guest *g = &self->g;
	long bytes = 0, len;
	uint8_t f[9000];
	int i;

	for (i = 0; i < 50; i++) {
		len = 60 + i * 150;	/* less and more than a page */
		frame_raw(f, len, i);
		ASSERT_EQ(0, guest_tx_sync(g, NULL, f, len));
		bytes += len;
	}
	EXPECT_EQ(50, tx(g, "packets"));
	EXPECT_EQ(bytes, tx(g, "bytes"));
	EXPECT_EQ(50, tx(g, "buffers"));
	EXPECT_EQ(50, tx(g, "last_avail"));
	EXPECT_EQ(0, tx(g, "singles"));
	EXPECT_EQ(50, tx(g, "backend_batches"));
	EXPECT_LE(50, tx(g, "passes"));
	EXPECT_EQ(0, tx(g, "broken"));
	EXPECT_EQ(0, rx(g, "packets"));
}

TEST_F(stats, kicks_and_calls)
{
	struct guest *g = &self->g;
	struct vq *q = &g->vq[TX];
	long calls, batches;
	uint8_t f[60];
	int i;

	frame_raw(f, 60, 0);
	for (i = 0; i < 30; i++) {
		vq_calls_on(q);
		ASSERT_EQ(0, guest_tx_sync(g, NULL, f, 60));
	}
	EXPECT_EQ(q->nr_kicks, settled(g, "tx", "kicks", q->nr_kicks));
	calls = settled(g, "tx", "calls", 30);
	EXPECT_EQ(30, calls);
	batches = tx(g, "batches");
	EXPECT_EQ(30, batches);

	vq_calls_off(q);
	for (i = 0; i < 20; i++) {
		ASSERT_LE(0, guest_tx(g, NULL, f, 60));
		vq_kick_hard(q);
		while (vq_get_used(q, NULL, NULL) != 1)
			usleep(1000);
		vq_calls_off(q);
	}
	EXPECT_EQ(20, settled(g, "tx", "calls_suppressed", 20));
	EXPECT_EQ(calls, tx(g, "calls"));
	EXPECT_EQ(q->nr_kicks, tx(g, "kicks"));
}

TEST_F(stats, rx_packets_and_bytes)
{
	struct guest *g = &self->g;
	long bytes = 0, len;
	uint8_t f[9000];
	int i;

	ASSERT_EQ(0, guest_rx_post(g, 64, 2048));
	for (i = 0; i < 50; i++) {
		len = 60 + i * 150;
		frame_raw(f, len, i);
		ASSERT_EQ(0, host_send(self->tap.host, f, len));
		ASSERT_EQ(len, guest_rx(g, NULL, f, sizeof(f), WAIT_MS));
		bytes += len;
	}
	EXPECT_EQ(50, settled(g, "rx", "packets", 50));
	EXPECT_EQ(bytes, rx(g, "bytes"));
	EXPECT_LT(50, rx(g, "buffers"));
	EXPECT_EQ(vq_used_idx(&g->vq[RX]), rx(g, "buffers"));
	EXPECT_EQ(0, rx(g, "fault.RX_TRUNCATED"));
}

TEST_F(stats, rx_starved)
{
	struct guest *g = &self->g;
	uint8_t f[100];

	frame_raw(f, 100, 0);
	ASSERT_EQ(0, host_send(self->tap.host, f, 100));
	EXPECT_LE(1, settled(g, "rx", "starved", 1));
	EXPECT_EQ(1, rx(g, "starved_now"));
	ASSERT_EQ(0, guest_rx_post(g, 1, 2048));
	ASSERT_EQ(100, guest_rx(g, NULL, f, sizeof(f), WAIT_MS));
	EXPECT_EQ(0, rx(g, "starved_now"));
}

/* Each packet counts as sent, or as dropped for one reason. */
TEST_F(stats, drops_by_reason)
{
	static const char * const reason[] = {
		"fault.TX_NO_HEADER", "fault.TX_BAD_HEADER", "fault.TX_RUNT",
		"fault.TX_TOO_LONG", "fault.TX_UNREADABLE", "fault.TX_REFUSED",
		"fault.TX_NO_BACKEND",
	};
	struct virtio_net_hdr_mrg_rxbuf h = {};
	struct guest *g = &self->g;
	uint8_t *f = calloc(1, 80000);
	long drops = 0;
	unsigned int i;

	frame_raw(f, 100, 0);
	ASSERT_EQ(0, guest_tx_sync(g, NULL, f, 100));
	ASSERT_EQ(0, guest_tx_sync(g, NULL, f, 0));
	ASSERT_EQ(0, guest_tx_sync(g, NULL, f, 5));
	ASSERT_EQ(0, guest_tx_sync(g, NULL, f, 80000));
	h.hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	h.hdr.csum_start = 200;
	ASSERT_EQ(0, guest_tx_sync(g, &h, f, 100));
	h.hdr.flags = 0;
	h.hdr.gso_type = 77;
	ASSERT_EQ(0, guest_tx_sync(g, &h, f, 5000));
	EXPECT_EQ(1, tx(g, "fault.TX_NO_HEADER"));
	EXPECT_EQ(1, tx(g, "fault.TX_RUNT"));
	EXPECT_EQ(1, tx(g, "fault.TX_TOO_LONG"));
	EXPECT_EQ(2, tx(g, "fault.TX_BAD_HEADER"));
	EXPECT_EQ(0, tx(g, "fault.TX_REFUSED"));
	for (i = 0; i < ARRAY_SIZE(reason); i++)
		drops += tx(g, reason[i]);
	EXPECT_EQ(5, drops);
	EXPECT_EQ(1, tx(g, "packets"));
	EXPECT_EQ(100, tx(g, "bytes"));
	EXPECT_EQ(6, tx(g, "buffers"));
	free(f);
}

TEST_F(stats, tap_gone)
{
	struct guest *g = &self->g;
	uint8_t f[100];
	int i;

	frame_raw(f, 100, 0);
	ASSERT_EQ(0, link_del(self->tap.name));
	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, guest_tx_sync(g, NULL, f, 100));
	EXPECT_EQ(10, settled(g, "tx", "fault.TX_NO_BACKEND", 10));
	EXPECT_EQ(0, tx(g, "packets"));
}

TEST_F(stats, broken_ring)
{
	struct guest *g = &self->g;
	struct vq *q = &g->vq[TX];

	q->avail->ring[0] = 0xffff;
	q->avail_idx = 1;
	vq_publish(q);
	vq_kick_hard(q);
	ASSERT_TRUE(fd_wait(q->err, WAIT_MS));
	EXPECT_EQ(1, settled(g, "tx", "broken", 1));
	EXPECT_EQ(1, tx(g, "fault.HEAD_RANGE"));
	/* A restart keeps the counters. */
	ASSERT_EQ(0, guest_restart(g, self->tap.fd[0]));
	EXPECT_EQ(1, tx(g, "broken"));
}

/* The folder disappears with the file. */
TEST_F(stats, debugfs_folder_is_removed)
{
	EXPECT_EQ(0, access(self->g.debugfs, F_OK));
	close(self->g.vhost);
	self->g.vhost = -1;
	EXPECT_EQ(-1, access(self->g.debugfs, F_OK));
}

/* ---- tracepoints ---- */

/* Count the lines with @event in the trace. */
static int count_in_trace(const char *event)
{
	char line[512];
	int n = 0;
	FILE *f = fopen(TRACING "/trace", "r");

	while (f && fgets(line, sizeof(line), f))
		n += !!strstr(line, event);
	if (f)
		fclose(f);
	return n;
}

TEST_F(stats, tracepoints)
{
	static const char * const event[] = {
		"vtap_pass:", "vtap_state:", "vtap_fault:", "vtap_call:",
		"vtap_kick:", "vtap_begin:",
	};
	struct guest *g = &self->g;
	struct vq *q = &g->vq[TX];
	int seen[ARRAY_SIZE(event)];
	uint8_t f[100];
	unsigned int i;

	if (put_text(TRACING "/events/vhost_tap/enable", "1"))
		SKIP(return, "no tracefs");
	put_text(TRACING "/trace", "");
	frame_raw(f, 100, 0);
	ASSERT_EQ(0, guest_tx_sync(g, NULL, f, 100));
	/* A packet fault, a ring fault, a stop and a start. */
	ASSERT_EQ(0, guest_tx_sync(g, NULL, f, 1));
	q->avail->ring[q->avail_idx++ % q->num] = 0xffff;
	vq_publish(q);
	vq_kick_hard(q);
	ASSERT_TRUE(fd_wait(q->err, WAIT_MS));
	ASSERT_EQ(0, guest_restart(g, self->tap.fd[0]));
	ASSERT_EQ(0, put_text(TRACING "/events/vhost_tap/enable", "0"));
	for (i = 0; i < ARRAY_SIZE(event); i++) {
		seen[i] = count_in_trace(event[i]);
		printf("# %s %d times\n", event[i], seen[i]);
		EXPECT_LT(0, seen[i]);
	}
	EXPECT_LE(2, count_in_trace("vtap_fault:"));
	EXPECT_LT(0, count_in_trace("HEAD_RANGE"));
	put_text(TRACING "/trace", "");
}

TEST_HARNESS_MAIN
