// SPDX-License-Identifier: GPL-2.0
/*
 * After a fault: exact indices, and the ways back into service. And polling
 * that must end although something waits. Each case was a defect once.
 *
 * Read before: hostile_test.c.
 */
#define _GNU_SOURCE
#include <unistd.h>

#include "kselftest_harness.h"
#include "guest.h"
#include "net.h"

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

	ASSERT_EQ(0, net_ns());
	ASSERT_EQ(0, tap_make(&self->tap, IFF_VNET_HDR, 1, 12));
	ASSERT_EQ(0, guest_init(&self->g, &cfg));
	frame_raw(self->f, sizeof(self->f), 1);
}

FIXTURE_TEARDOWN(recover)
{
	guest_free(&self->g);
	tap_free(&self->tap);
}

/* Three good RX buffers that do not suffice, then a bad one. */
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

/* The chains of a packet that was not delivered are not taken. */
TEST_F(recover, base_after_unmapped)
{
	struct seg bad = { .gpa = 0x10, .len = 64, .is_write = true };

	if (!guest_is_ours())
		SKIP(return, "in-tree signals no such error");
	ASSERT_EQ(0, break_rx(&self->g, &self->tap, self->f, &bad));
	EXPECT_EQ(0, vq_used_idx(&self->g.vq[RX]));
	EXPECT_EQ(0, guest_get_base(self->g.vhost, RX));
}

TEST_F(recover, base_after_wrong_direction)
{
	struct seg bad = { .gpa = guest_alloc(&self->g, 64), .len = 64 };

	if (!guest_is_ours())
		SKIP(return, "in-tree signals no such error");
	ASSERT_EQ(0, break_rx(&self->g, &self->tap, self->f, &bad));
	EXPECT_EQ(0, vq_used_idx(&self->g.vq[RX]));
	EXPECT_EQ(0, guest_get_base(self->g.vhost, RX));
}

/* The guest was faster than the client's memory table. */
TEST_F(recover, table_comes_late)
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

/* The same backend again is a start, when the queue is broken. */
TEST_F(recover, same_backend)
{
	struct vq *q = &self->g.vq[TX];
	struct seg bad = { .gpa = 0x10, .len = 12 + LEN };
	int head;

	if (!guest_is_ours())
		SKIP(return, "in-tree signals no such error");
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

/* RX polls, a packet waits, and the one buffer is too small: no use to spin. */
TEST_F(recover, polling_ends_when_starved)
{
	if (!guest_is_ours())
		SKIP(return, "reads our counters");
	ASSERT_EQ(0, guest_vring_state(self->g.vhost,
				       VHOST_SET_VRING_BUSYLOOP_TIMEOUT, RX,
				       20000));
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	ASSERT_EQ(0, guest_rx_post(&self->g, 1, 64));
	ASSERT_EQ(0, host_send(self->tap.host, self->f, 1000));
	usleep(300 * 1000);
	EXPECT_LE(1, guest_stat(&self->g, "rx", "starved"));
	EXPECT_GE(10, guest_stat(&self->g, "rx", "starved"));

	/* And the buffers that it needs end the wait. */
	ASSERT_EQ(0, guest_rx_post(&self->g, 1, 2000));
	EXPECT_EQ(1000, guest_rx(&self->g, NULL, self->got, sizeof(self->got),
				 WAIT_MS));
}

/*
 * The tap's ring is replaced while the worker looks at it all the time. The
 * defect was a read of freed memory, which only a KASAN kernel shows for sure;
 * elsewhere this sees a lost packet or a crash.
 */
TEST_F(recover, ring_resized_under_polling)
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

TEST_HARNESS_MAIN
