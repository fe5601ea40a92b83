// SPDX-License-Identifier: GPL-2.0
/*
 * Hostile guests with a packed ring, in addition to hostile_test.c. The format permits any
 * buffer id, descriptors whose flags do not make them available, and any event word; the
 * device must accept them.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "guest.h"
#include "net.h"
#include "traffic.h"

#define NUM	200

FIXTURE(bad) {
	struct guest g;
	struct tap tap;
	uint64_t gpa;
};

FIXTURE_SETUP(bad)
{
	struct guest_cfg cfg = {
		.features = F_QEMU | F_PACKED, .num = { NUM, NUM },
	};

	if (!guest_is_ours())
		SKIP(return, "in-tree has no packed rings");
	ASSERT_EQ(0, guest_on_tap(&self->g, &self->tap, &cfg));
	self->gpa = guest_alloc(&self->g, 0x10000);
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
}

FIXTURE_TEARDOWN(bad)
{
	guest_off_tap(&self->g, &self->tap);
}

/* Set the flags of the next descriptor. */
static void set_bits(struct vq *q, uint16_t bits)
{
	pdrv_desc_at(&q->drv, q->avail_idx & ~PDRV_WRAP)->flags = bits;
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
	uint8_t f[100];
	int lap, i;

	for (lap = 0; lap < 2; lap++) {
		for (i = 0; i < ARRAY_SIZE(bits); i++) {
			uint16_t flip = lap ? PDRV_BOTH : 0;

			set_bits(q, bits[i] ^ flip);
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
	int i;

	for (i = 0; i < ARRAY_SIZE(id); i++)
		pdrv_put(&q->drv, &(struct pdrv_desc){ self->gpa, 100, id[i] },
			 true);
	vq_publish(q);
	vq_kick_hard(q);
	for (i = 0; i < ARRAY_SIZE(id); i++, at = pdrv_step(&q->drv, at, 1)) {
		d = pdrv_desc_at(&q->drv, at & ~PDRV_WRAP);
		ASSERT_TRUE(wait_for((drv_load_acquire(drv_field(d, flags)) & PDRV_BOTH) ==
				     PDRV_BOTH));
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
