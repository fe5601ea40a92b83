// SPDX-License-Identifier: GPL-2.0
/*
 * One bad buffer does not end reception or transmission. The device returns a chain
 * whose memory cannot be accessed, drops and counts its packet, and uses the next chain
 * for the next packet. The variants are split and packed rings, with and without
 * mergeable buffers, with one bad chain or a bad one among several of a packet.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "guest.h"
#include "net.h"

#ifndef MADV_HWPOISON
#define MADV_HWPOISON 100
#endif

#define PAGE	4096

FIXTURE(bad) {
	struct guest g;
	struct tap tap;
	uint64_t gpa;		/* the bad page */
	uint8_t *page;
	uint8_t f[1400];
	uint8_t got[2048];
};

FIXTURE_VARIANT(bad) {
	uint64_t features;
};

#define PLAIN	(F_INDIRECT | F_EVENT_IDX | F_VERSION_1)

FIXTURE_VARIANT_ADD(bad, split) { .features = PLAIN };
FIXTURE_VARIANT_ADD(bad, split_mergeable) { .features = PLAIN | F_MRG_RXBUF };
FIXTURE_VARIANT_ADD(bad, packed) { .features = PLAIN | F_PACKED };
FIXTURE_VARIANT_ADD(bad, packed_mergeable) {
	.features = PLAIN | F_PACKED | F_MRG_RXBUF,
};
FIXTURE_VARIANT_ADD(bad, packed_in_order) {
	.features = PLAIN | F_PACKED | F_MRG_RXBUF | F_IN_ORDER,
};

FIXTURE_SETUP(bad)
{
	struct guest_cfg cfg = { .features = variant->features };
	uint64_t gpa;

	self->g.vhost = -1;
	self->tap.host = -1;
	if (!guest_is_ours())
		SKIP(return, "in-tree retries the same buffer forever");
	ASSERT_EQ(0, guest_on_tap(&self->g, &self->tap, &cfg));
	gpa = guest_alloc(&self->g, 3 * PAGE);
	self->gpa = (gpa + PAGE - 1) & ~(PAGE - 1ULL);
	self->page = guest_ptr(&self->g, self->gpa, NULL);
	frame_raw(self->f, sizeof(self->f), 1);
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
}

FIXTURE_TEARDOWN(bad)
{
	if (self->g.vhost >= 0)
		guest_off_tap(&self->g, &self->tap);
}

static void post(struct __test_metadata *_metadata, FIXTURE_DATA(bad) *self,
		 uint64_t gpa, uint32_t len)
{
	struct seg seg = { gpa, len, true };

	ASSERT_LE(0, vq_add(&self->g.vq[RX], &seg, 1, gpa));
}

static void take(struct __test_metadata *_metadata, FIXTURE_DATA(bad) *self,
		 uint64_t gpa, uint32_t want)
{
	uint64_t cookie;
	uint32_t len;

	ASSERT_EQ(1, vq_wait_used(&self->g.vq[RX], WAIT_MS));
	ASSERT_EQ(1, vq_get_used(&self->g.vq[RX], &len, &cookie));
	EXPECT_EQ(gpa, cookie);
	EXPECT_EQ(want, len);
}

/* Only the first buffer is on the bad page. */
static void receive(struct __test_metadata *_metadata, FIXTURE_DATA(bad) *self)
{
	uint64_t good[4];
	int i;

	post(_metadata, self, self->gpa, 2000);
	for (i = 0; i < 4; i++) {
		/* Below the bad page, because a truncated file ends there. */
		good[i] = self->gpa - (i + 1) * 2048ULL;
		ASSERT_NE(NULL, guest_ptr(&self->g, good[i], NULL));
		post(_metadata, self, good[i], 2000);
	}
	vq_publish(&self->g.vq[RX]);
	vq_kick(&self->g.vq[RX]);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, host_send(self->tap.host, self->f, 1000 + i));
	take(_metadata, self, self->gpa, 0);
	for (i = 0; i < 3; i++) {
		take(_metadata, self, good[i], 1012 + i + 1);
		ASSERT_EQ(0, guest_read(&self->g, good[i] + 12, self->got,
					1001 + i));
		EXPECT_EQ(0, memcmp(self->f, self->got, 1001 + i));
	}
	EXPECT_EQ(1, guest_stat(&self->g, "rx", "fault.RX_UNWRITABLE"));
	EXPECT_EQ(3, guest_stat(&self->g, "rx", "packets"));
	EXPECT_EQ(0, guest_stat(&self->g, "rx", "broken"));
	EXPECT_EQ(0, fd_count(self->g.vq[RX].err));
}

TEST_F(bad, rx_prot_none)
{
	ASSERT_EQ(0, mprotect(self->page, PAGE, PROT_NONE));
	receive(_metadata, self);
}

TEST_F(bad, rx_read_only)
{
	ASSERT_EQ(0, mprotect(self->page, PAGE, PROT_READ));
	receive(_metadata, self);
}

TEST_F(bad, rx_truncated_file)
{
	ASSERT_EQ(0, ftruncate(self->g.memfd, self->page - self->g.mem));
	receive(_metadata, self);
}

static void on_sigbus(int sig)
{
}

TEST_F(bad, rx_hwpoison)
{
	self->page[0] = 1;
	signal(SIGBUS, on_sigbus);	/* madvise() raises it; do not ignore it */
	if (madvise(self->page, PAGE, MADV_HWPOISON))
		SKIP(return, "no memory failure injection");
	receive(_metadata, self);
}

/* The second of several 500-byte buffers is bad: all buffers of the packet return. */
TEST_F(bad, rx_one_of_several)
{
	uint64_t good = self->gpa - 2048;
	uint64_t at[5] = { good, self->gpa, good + 500, good + 1000, good - 2048 };
	int i;

	if (!(variant->features & F_MRG_RXBUF))
		SKIP(return, "a packet has one buffer");
	ASSERT_EQ(0, mprotect(self->page, PAGE, PROT_NONE));
	for (i = 0; i < 4; i++)
		post(_metadata, self, at[i], 500);
	post(_metadata, self, at[4], 2000);
	vq_publish(&self->g.vq[RX]);
	vq_kick(&self->g.vq[RX]);
	ASSERT_EQ(0, host_send(self->tap.host, self->f, 1400));
	ASSERT_EQ(0, host_send(self->tap.host, self->f, 700));
	for (i = 0; i < 3; i++)
		take(_metadata, self, at[i], 0);
	/* 712 bytes fill this buffer of 500 and part of the next one. */
	take(_metadata, self, at[3], 500);
	take(_metadata, self, at[4], 212);
	EXPECT_EQ(1, guest_stat(&self->g, "rx", "fault.RX_UNWRITABLE"));
	EXPECT_EQ(1, guest_stat(&self->g, "rx", "packets"));
}

/* TX sends small packets in batches, and long and GSO packets one at a time. */
TEST_F(bad, tx_continues_after_a_bad_buffer)
{
	static const uint32_t len[] = { 112, 4000, 30000, 60000 };
	struct vq *q = &self->g.vq[TX];
	uint64_t good = self->gpa - 2048, n = 0;
	unsigned int i, k;
	uint32_t used;

	ASSERT_EQ(0, guest_write(&self->g, good + 12, self->f, 1000));
	ASSERT_EQ(0, mprotect(self->page, PAGE, PROT_NONE));
	for (i = 0; i < ARRAY_SIZE(len); i++) {
		struct seg bad[2] = {
			{ good, 60, false },
			{ self->gpa + PAGE - 50, len[i] - 60, false },
		};
		struct seg fine = { good, 1012, false };

		ASSERT_LE(0, vq_add(q, bad, 2, 2 * i));
		ASSERT_LE(0, vq_add(q, &fine, 1, 2 * i + 1));
		vq_publish(q);
		vq_kick(q);
		for (k = 0; k < 2; k++) {
			uint64_t cookie;

			ASSERT_EQ(1, vq_wait_used(q, WAIT_MS));
			ASSERT_EQ(1, vq_get_used(q, &used, &cookie));
			EXPECT_EQ(n++, cookie);
		}
		ASSERT_EQ(1000, host_recv(self->tap.host, self->got,
					  sizeof(self->got), WAIT_MS));
		EXPECT_EQ(0, memcmp(self->f, self->got, 1000));
	}
	EXPECT_EQ(i, guest_stat(&self->g, "tx", "fault.TX_UNREADABLE"));
	EXPECT_EQ(i, guest_stat(&self->g, "tx", "packets"));
	EXPECT_EQ(0, guest_stat(&self->g, "tx", "broken"));
}

TEST_HARNESS_MAIN
