// SPDX-License-Identifier: GPL-2.0
/*
 * Recovery after a fault: exact indices, and the ways to restart a queue. Also polling
 * that must end although a packet waits. Each case covers a fixed defect.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "guest.h"
#include "net.h"
#include "stuck.h"
#include "traffic.h"

#define LEN	100
#define MIB	(1ULL << 20)

FIXTURE(recover) {
	struct guest g;
	struct tap tap;
	uint8_t f[2000];
	uint8_t got[2000];
};

FIXTURE_SETUP(recover)
{
	struct guest_cfg cfg = { .features = F_QEMU };

	ASSERT_EQ(0, guest_on_tap(&self->g, &self->tap, &cfg));
	frame_raw(self->f, sizeof(self->f), 1);
}

FIXTURE_TEARDOWN(recover)
{
	guest_off_tap(&self->g, &self->tap);
}

/* Offer three good RX buffers that do not suffice, then a bad one. */
static int break_rx(struct guest *g, struct tap *t, const uint8_t *f,
		    const struct seg *bad)
{
	struct vq *q = &g->vq[RX];

	if (guest_start(g, t->fd[0]) || guest_rx_post(g, 3, 64) ||
	    vq_add(q, bad, 1, 0) < 0)
		return -1;
	vq_publish(q);
	vq_kick(q);
	if (host_send(t->host, f, 1000) || !fd_wait(q->err, WAIT_MS))
		return -1;
	return guest_stop(g);
}

/* The chains of an undelivered packet do not count as taken. */
TEST_F(recover, base_after_unmapped)
{
	struct seg bad = { .gpa = 0x10, .len = 64, .is_write = true };

	if (!guest_is_ours())
		SKIP(return, "in-tree does not signal this error");
	ASSERT_EQ(0, break_rx(&self->g, &self->tap, self->f, &bad));
	EXPECT_EQ(0, vq_used_idx(&self->g.vq[RX]));
	EXPECT_EQ(0, guest_get_base(self->g.vhost, RX));
}

TEST_F(recover, base_after_wrong_direction)
{
	struct seg bad = { .gpa = guest_alloc(&self->g, 64), .len = 64 };

	if (!guest_is_ours())
		SKIP(return, "in-tree does not signal this error");
	ASSERT_EQ(0, break_rx(&self->g, &self->tap, self->f, &bad));
	EXPECT_EQ(0, vq_used_idx(&self->g.vq[RX]));
	EXPECT_EQ(0, guest_get_base(self->g.vhost, RX));
}

/* The guest uses memory before the client has added it to the table. */
TEST_F(recover, table_set_after_start)
{
	struct vhost_memory_region *r = self->g.table->regions;

	r->guest_phys_addr += MIB;
	r->memory_size -= MIB;
	ASSERT_EQ(0, guest_set_mem(&self->g));
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	ASSERT_LE(0, guest_tx(&self->g, NULL, self->f, LEN));
	vq_kick(&self->g.vq[TX]);
	ASSERT_EQ(0, host_quiet(self->tap.host, QUIET_MS));

	r->guest_phys_addr -= MIB;
	r->memory_size += MIB;
	ASSERT_EQ(0, guest_set_mem(&self->g));
	vq_kick_hard(&self->g.vq[TX]);
	ASSERT_EQ(LEN, host_recv(self->tap.host, self->got, sizeof(self->got),
				 WAIT_MS));
	EXPECT_EQ(0, vq_drain(&self->g.vq[TX], 1, WAIT_MS));
}

/* Setting the same backend again restarts a broken queue. */
TEST_F(recover, same_backend_restarts_a_queue)
{
	struct vq *q = &self->g.vq[TX];
	struct seg bad = { .gpa = 0x10, .len = 12 + LEN };
	int head;

	if (!guest_is_ours())
		SKIP(return, "in-tree does not signal this error");
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	head = vq_add(q, &bad, 1, 0);
	ASSERT_LE(0, head);
	vq_publish(q);
	vq_kick(q);
	ASSERT_TRUE(fd_wait(q->err, WAIT_MS));

	q->desc[head].addr = guest_alloc(&self->g, 12 + LEN);
	ASSERT_EQ(0, guest_write(&self->g, q->desc[head].addr + 12, self->f,
				 LEN));
	ASSERT_EQ(0, guest_attach(&self->g, TX, self->tap.fd[0]));
	ASSERT_EQ(LEN, host_recv(self->tap.host, self->got, sizeof(self->got),
				 WAIT_MS));
	EXPECT_EQ(0, vq_drain(q, 1, WAIT_MS));
}

/* RX polls, a packet waits, and the only buffer is too small: polling must end. */
TEST_F(recover, polling_ends_when_starved)
{
	if (!guest_is_ours())
		SKIP(return, "needs the counters of vhost-tap");
	ASSERT_EQ(0, guest_vring_state(self->g.vhost,
				       VHOST_SET_VRING_BUSYLOOP_TIMEOUT, RX,
				       20000));
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	ASSERT_EQ(0, guest_rx_post(&self->g, 1, 64));
	ASSERT_EQ(0, host_send(self->tap.host, self->f, 1000));
	usleep(300 * 1000);
	EXPECT_LE(1, guest_stat(&self->g, "rx", "starved"));
	EXPECT_GE(10, guest_stat(&self->g, "rx", "starved"));

	/* Sufficient buffers end the wait. */
	ASSERT_EQ(0, guest_rx_post(&self->g, 1, 2000));
	EXPECT_EQ(1000, guest_rx(&self->g, NULL, self->got, sizeof(self->got),
				 WAIT_MS));
}

/*
 * Replace the tap's ring while the worker polls it. The defect was a read of freed
 * memory. Only KASAN detects that reliably; other kernels show a lost packet or a
 * crash.
 */
TEST_F_TIMEOUT(recover, ring_resized_under_polling, 120)
{
	int i;

	ASSERT_EQ(0, guest_vring_state(self->g.vhost,
				       VHOST_SET_VRING_BUSYLOOP_TIMEOUT, RX,
				       50000));
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	ASSERT_EQ(0, guest_rx_post(&self->g, 200, 2000));
	for (i = 0; i < 40; i++) {
		ASSERT_EQ(0, run("ip link set %s txqueuelen %d",
				 self->tap.name, i & 1 ? 10 : 2000));
		ASSERT_EQ(0, host_send(self->tap.host, self->f, 1000));
		ASSERT_EQ(1000, guest_rx(&self->g, NULL, self->got,
					 sizeof(self->got), WAIT_MS));
	}
}

/* ---- recovery by a kick, as with in-tree vhost-net ---- */

/* Break TX by @change to a good chain, which repairs it when called again. */
static void kick_recovers(struct __test_metadata *_metadata,
			  FIXTURE_DATA(recover) *self,
			  void (*change)(struct guest *g, int head, bool repair))
{
	struct vq *q = &self->g.vq[TX];
	long retries, broken;
	int head, i;

	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	usleep(QUIET_MS * 1000);
	head = guest_tx(&self->g, NULL, self->f, LEN);
	ASSERT_LE(0, head);
	change(&self->g, head, false);
	vq_kick_hard(q);
	if (guest_is_ours()) {
		/* Each kick causes one retry, and nothing else does. */
		ASSERT_TRUE(fd_wait(q->err, WAIT_MS));
		usleep(QUIET_MS * 1000);
		retries = guest_stat(&self->g, "tx", "ring_retries");
		broken = guest_stat(&self->g, "tx", "broken");
		for (i = 1; i <= 3; i++) {
			fd_count(q->err);
			vq_kick_hard(q);
			ASSERT_TRUE(fd_wait(q->err, WAIT_MS));
			usleep(QUIET_MS * 1000);
			EXPECT_EQ(retries + i, guest_stat(&self->g, "tx",
							  "ring_retries"));
			EXPECT_EQ(broken + i, guest_stat(&self->g, "tx",
							 "broken"));
		}
	} else {
		usleep(QUIET_MS * 1000);
	}
	change(&self->g, head, true);
	vq_kick_hard(q);
	ASSERT_EQ(LEN, host_recv(self->tap.host, self->got, sizeof(self->got),
				 WAIT_MS));
	EXPECT_EQ(0, memcmp(self->f, self->got, LEN));
	EXPECT_EQ(0, vq_drain(q, 1, WAIT_MS));
	EXPECT_TRUE(traffic_once(&self->g, self->tap.host));
}

static void corrupt_addr(struct guest *g, int head, bool repair)
{
	g->vq[TX].desc[head].addr ^= 1ULL << 60;
}

static void corrupt_next(struct guest *g, int head, bool repair)
{
	struct drv_desc *d = &g->vq[TX].desc[head];

	d->flags = repair ? 0 : VRING_DESC_F_NEXT;
	d->next = 0xffff;
}

static void corrupt_direction(struct guest *g, int head, bool repair)
{
	g->vq[TX].desc[head].flags ^= VRING_DESC_F_WRITE;
}

static void corrupt_head(struct guest *g, int head, bool repair)
{
	struct vq *q = &g->vq[TX];

	q->avail->ring[(uint16_t)(q->avail_idx - 1) % q->num] =
		repair ? head : 0xffff;
}

static void corrupt_idx(struct guest *g, int head, bool repair)
{
	struct vq *q = &g->vq[TX];

	q->avail->idx = q->avail_idx + (repair ? 0 : 1000);
}

static void corrupt_table(struct guest *g, int head, bool repair)
{
	g->vq[TX].desc[head].flags ^= VRING_DESC_F_INDIRECT;
	g->vq[TX].desc[head].len ^= 1;	/* not a multiple of 16 */
}

static void protect(struct guest *g, void *at, bool repair)
{
	mprotect(at, 4096, repair ? PROT_READ | PROT_WRITE : PROT_NONE);
}

static void corrupt_desc_memory(struct guest *g, int head, bool repair)
{
	protect(g, g->vq[TX].desc, repair);
}

static void corrupt_avail_memory(struct guest *g, int head, bool repair)
{
	protect(g, g->vq[TX].avail, repair);
}

#define KICK_RECOVERS(what) \
TEST_F(recover, kick_##what) { kick_recovers(_metadata, self, corrupt_##what); }

KICK_RECOVERS(addr)
KICK_RECOVERS(next)
KICK_RECOVERS(direction)
KICK_RECOVERS(head)
KICK_RECOVERS(idx)
KICK_RECOVERS(table)
KICK_RECOVERS(desc_memory)
KICK_RECOVERS(avail_memory)

/* Used entries whose write failed are written later, each once. */
TEST_F(recover, kick_used_memory)
{
	struct vq *q = &self->g.vq[TX];
	int i;

	if (!guest_is_ours())
		SKIP(return, "in-tree loses the used entries");
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	ASSERT_TRUE(traffic_once(&self->g, self->tap.host));
	for (i = 0; i < 10; i++)
		ASSERT_LE(0, guest_tx(&self->g, NULL, self->f, LEN));
	ASSERT_EQ(0, mprotect(q->used, 4096, PROT_READ));
	vq_kick_hard(q);
	ASSERT_TRUE(fd_wait(q->err, WAIT_MS));
	EXPECT_LE(1, guest_stat(&self->g, "tx", "fault.RING_ACCESS"));
	ASSERT_EQ(0, mprotect(q->used, 4096, PROT_READ | PROT_WRITE));
	vq_kick_hard(q);
	EXPECT_EQ(0, vq_drain(q, 10, WAIT_MS));
	for (i = 0; i < 10; i++)
		EXPECT_EQ(LEN, host_recv(self->tap.host, self->got,
					 sizeof(self->got), WAIT_MS));
	EXPECT_TRUE(traffic_once(&self->g, self->tap.host));
}

/* The ring breaks at the second of two frames. Its chain is given back and sent again. */
TEST(tx_ring_breaks_after_the_frame)
{
	struct guest_cfg cfg = { .features = F_NET_HDR };
	uint8_t f[100], got[2000];
	struct guest g;
	struct stuck at;
	int fd, host, i;
	struct seg seg;
	struct vq *q;

	if (!guest_is_ours() || stuck_open(&at))
		SKIP(return, "vhost-tap only, with userfaultfd");
	ASSERT_EQ(0, net_ns());
	ASSERT_EQ(0, link_veth("veth0", "veth1"));
	fd = host_open("veth0", 0);
	host = host_open("veth1", HOST_ALL);
	ASSERT_LE(0, fd);
	ASSERT_LE(0, host);
	ASSERT_EQ(0, guest_init(&g, &cfg));
	ASSERT_EQ(0, guest_start(&g, fd));
	q = &g.vq[TX];
	ASSERT_EQ(0, stuck_page(&at, &g));
	seg = (struct seg){ at.gpa, g.hdr_len + 100, false };
	ASSERT_LE(0, vq_add(q, &seg, 1, 0));
	frame_raw(f, sizeof(f), 1);
	ASSERT_LE(0, guest_tx(&g, NULL, f, sizeof(f)));
	vq_kick_hard(q);
	ASSERT_TRUE(stuck_wait(&at));
	ASSERT_EQ(0, mprotect(q->avail, 4096, PROT_NONE));
	ASSERT_EQ(0, stuck_end(&at));
	ASSERT_TRUE(fd_wait(q->err, WAIT_MS));
	EXPECT_EQ(0, vq_used_idx(q));
	ASSERT_EQ(0, mprotect(q->avail, 4096, PROT_READ | PROT_WRITE));
	vq_kick_hard(q);
	EXPECT_EQ(0, vq_drain(q, 2, WAIT_MS));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(100, host_recv(host, got, sizeof(got), WAIT_MS));
	guest_free(&g);
	close(fd);
	close(host);
}

/*
 * A packet has more chains than the device stages at a time, and the used entries of the
 * last ones cannot be written. A kick continues with these, so no chain is missing.
 */
static void rx_continues_within_a_packet(struct __test_metadata *_metadata,
					 FIXTURE_DATA(recover) *self, bool packed)
{
	struct guest_cfg cfg = {
		.features = F_QEMU | (packed ? F_PACKED : 0), .num = { 1024, 256 },
	};
	const size_t len = 95 * 16 - 12;	/* 95 buffers of 16 bytes */
	struct vq *q = &self->g.vq[RX];
	char *page;
	ssize_t n;
	int i;

	guest_off_tap(&self->g, &self->tap);
	ASSERT_EQ(0, guest_on_tap(&self->g, &self->tap, &cfg));
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	ASSERT_EQ(0, guest_rx_post(&self->g, 1000, 16));
	/* Entry 511 or 512 begins on another page. */
	page = packed ? (char *)q->desc + 2 * 4096 : (char *)q->used + 4096;
	for (i = 0; i < 7; i++) {
		frame_raw(self->f, len, i);
		if (i == 5)
			ASSERT_EQ(0, mprotect(page, 4096, PROT_READ));
		ASSERT_EQ(0, host_send(self->tap.host, self->f, len));
		if (i == 5) {
			ASSERT_TRUE(fd_wait(q->err, WAIT_MS));
			ASSERT_EQ(0, mprotect(page, 4096, PROT_READ | PROT_WRITE));
			vq_kick_hard(q);
		}
		n = guest_rx(&self->g, NULL, self->got, sizeof(self->got), WAIT_MS);
		EXPECT_TRUE(frame_same(self->got, n, self->f, len))
			TH_LOG("packet %d", i);
	}
}

TEST_F(recover, rx_continues_within_a_packet)
{
	if (!guest_is_ours())
		SKIP(return, "in-tree does not signal this error");
	rx_continues_within_a_packet(_metadata, self, false);
}

TEST_F(recover, rx_continues_within_a_packet_packed)
{
	if (!guest_is_ours())
		SKIP(return, "in-tree has no packed rings");
	rx_continues_within_a_packet(_metadata, self, true);
}

/* On RX, packets that arrive meanwhile do not cause a retry. */
TEST_F(recover, rx_is_retried_only_by_kicks)
{
	struct seg bad = { .gpa = 0x10, .len = 2000, .is_write = true };
	struct vq *q = &self->g.vq[RX];
	long retries;
	int head, i;

	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	head = vq_add(q, &bad, 1, 0);
	ASSERT_LE(0, head);
	vq_publish(q);
	vq_kick(q);
	ASSERT_EQ(0, host_send(self->tap.host, self->f, LEN));
	if (guest_is_ours()) {
		ASSERT_TRUE(fd_wait(q->err, WAIT_MS));
		usleep(QUIET_MS * 1000);
		retries = guest_stat(&self->g, "rx", "ring_retries");
		for (i = 0; i < 5; i++) {
			ASSERT_EQ(0, host_send(self->tap.host, self->f, LEN));
			usleep(20000);
		}
		EXPECT_EQ(retries, guest_stat(&self->g, "rx", "ring_retries"));
	}
	q->desc[head].addr = guest_alloc(&self->g, 2000);
	vq_kick_hard(q);
	ASSERT_EQ(1, vq_wait_used(q, WAIT_MS));
}

/*
 * Without mergeable buffers: enlarge a buffer that is too small in place. The next
 * packet uses the new length, although the device read the old one ahead.
 */
static void enlarge(struct __test_metadata *_metadata,
		    FIXTURE_DATA(recover) *self, uint64_t features, bool waits)
{
	struct guest_cfg cfg = { .features = features };
	struct vq *q = &self->g.vq[RX];
	int i, n = waits ? 4 : 8;
	uint32_t len;

	guest_free(&self->g);
	ASSERT_EQ(0, guest_init(&self->g, &cfg));
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	for (i = 0; i < n; i++) {
		struct seg seg = { guest_alloc(&self->g, 2000), 100, true };

		ASSERT_LE(0, vq_add(q, &seg, 1, i));
	}
	vq_publish(q);
	vq_kick(q);
	ASSERT_EQ(0, host_send(self->tap.host, self->f, 1000));
	usleep(QUIET_MS * 1000);
	EXPECT_EQ(0, vq_used_idx(q));
	for (i = 0; i < n; i++) {
		if (q->packed)
			pdrv_desc_at(&q->drv, i)->len = 2000;
		else
			q->desc[i].len = 2000;
	}
	vq_kick_hard(q);
	if (!waits)		/* the first packet was dropped as too long */
		ASSERT_EQ(0, host_send(self->tap.host, self->f, 1000));
	ASSERT_EQ(1, vq_wait_used(q, WAIT_MS));
	ASSERT_EQ(1, vq_get_used(q, &len, NULL));
	EXPECT_EQ(1012, len);
}

TEST_F(recover, enlarged_in_place)
{
	enlarge(_metadata, self, F_QEMU & ~F_MRG_RXBUF, false);
}

TEST_F(recover, enlarged_in_place_packed)
{
	if (!guest_is_ours())
		SKIP(return, "in-tree has no packed rings");
	enlarge(_metadata, self, (F_QEMU & ~F_MRG_RXBUF) | F_PACKED, false);
}

TEST_F(recover, enlarged_while_starved)
{
	enlarge(_metadata, self, F_QEMU, true);
}

TEST_F(recover, enlarged_while_starved_packed)
{
	if (!guest_is_ours())
		SKIP(return, "in-tree has no packed rings");
	enlarge(_metadata, self, F_QEMU | F_PACKED, true);
}

/*
 * The same for buffers that the device has read ahead with the buffer of an earlier
 * packet: the first packet that needs the new length arrives.
 */
static void enlarge_read_ahead(struct __test_metadata *_metadata,
			       FIXTURE_DATA(recover) *self, uint64_t features)
{
	struct guest_cfg cfg = { .features = features };
	struct vq *q = &self->g.vq[RX];
	uint32_t len;
	int i;

	guest_free(&self->g);
	ASSERT_EQ(0, guest_init(&self->g, &cfg));
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	for (i = 0; i < 8; i++) {
		struct seg seg = { guest_alloc(&self->g, 2000), 100, true };

		ASSERT_LE(0, vq_add(q, &seg, 1, i));
	}
	vq_publish(q);
	vq_kick(q);
	ASSERT_EQ(0, host_send(self->tap.host, self->f, 60));
	ASSERT_EQ(1, vq_wait_used(q, WAIT_MS));
	ASSERT_EQ(1, vq_get_used(q, &len, NULL));
	EXPECT_EQ(72, len);
	for (i = 1; i < 8; i++) {
		if (q->packed)
			pdrv_desc_at(&q->drv, i)->len = 2000;
		else
			q->desc[i].len = 2000;
	}
	vq_kick_hard(q);
	usleep(QUIET_MS * 1000);
	/* More than all buffers had before. */
	ASSERT_EQ(0, host_send(self->tap.host, self->f, 1900));
	ASSERT_EQ(1, vq_wait_used(q, WAIT_MS));
	ASSERT_EQ(1, vq_get_used(q, &len, NULL));
	EXPECT_EQ(1912, len);
	if (guest_is_ours())
		EXPECT_EQ(0, guest_stat(&self->g, "rx", "fault.RX_TRUNCATED"));
}

TEST_F(recover, enlarged_after_read_ahead)
{
	enlarge_read_ahead(_metadata, self, F_QEMU & ~F_MRG_RXBUF);
}

TEST_F(recover, enlarged_after_read_ahead_mergeable)
{
	enlarge_read_ahead(_metadata, self, F_QEMU);
}

TEST_F(recover, enlarged_after_read_ahead_packed)
{
	if (!guest_is_ours())
		SKIP(return, "in-tree has no packed rings");
	enlarge_read_ahead(_metadata, self, (F_QEMU & ~F_MRG_RXBUF) | F_PACKED);
}

TEST_F(recover, enlarged_after_read_ahead_packed_mergeable)
{
	if (!guest_is_ours())
		SKIP(return, "in-tree has no packed rings");
	enlarge_read_ahead(_metadata, self, F_QEMU | F_PACKED);
}

/*
 * DPDK leaves WRITE set on the header's entry of a packed ring's indirect table, and
 * other flags on all entries. The device must read all of a TX table.
 */
TEST_F(recover, packed_table_flags)
{
	struct guest_cfg cfg = { .features = F_QEMU | F_PACKED };
	struct vq *q = &self->g.vq[TX];
	uint64_t table, gpa;
	int i;

	if (!guest_is_ours())
		SKIP(return, "in-tree has no packed rings");
	guest_free(&self->g);
	ASSERT_EQ(0, guest_init(&self->g, &cfg));
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	gpa = guest_alloc(&self->g, 2000);
	table = guest_alloc(&self->g, 64);
	ASSERT_EQ(0, guest_write(&self->g, gpa + 12, self->f, LEN));
	for (i = 0; i < 8; i++) {
		struct seg seg[3] = {
			{ gpa, 12, i & 1 }, { gpa + 12, 60, i & 2 },
			{ gpa + 72, LEN - 60, i & 4 },
		};

		ASSERT_LE(0, vq_add_indirect(&self->g, q, seg, 3, table, i));
		vq_publish(q);
		vq_kick(q);
		ASSERT_EQ(LEN, host_recv(self->tap.host, self->got,
					 sizeof(self->got), WAIT_MS)) {
			TH_LOG("case %d", i);
		}
		EXPECT_EQ(0, memcmp(self->f, self->got, LEN));
		EXPECT_EQ(0, vq_drain(q, 1, WAIT_MS));
	}
	EXPECT_EQ(0, guest_stat(&self->g, "tx", "broken"));
}

TEST_HARNESS_MAIN
