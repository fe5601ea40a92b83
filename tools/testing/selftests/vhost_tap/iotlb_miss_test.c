// SPDX-License-Identifier: GPL-2.0
/*
 * Misses of the device IOTLB: which pages the device reports, how often, with which
 * permission, how it handles a reply, a refusal, and no reply at all.
 *
 * A test names the defect and skips where in-tree vhost-net is wrong.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "guest.h"
#include "iotlb.h"
#include "net.h"
#include "threads.h"

#define FEATURES	(F_QEMU | F_ACCESS_PLATFORM)
#define GPA		GUEST_GPA
#define MSG_LEN		((ssize_t)sizeof(struct vhost_msg))

FIXTURE(miss) {
	struct guest g;
	struct iotlb t;
	struct tap tap;
	uint64_t gpa;		/* a page without a translation */
};

FIXTURE_VARIANT(miss) {
	bool v2;
};

FIXTURE_VARIANT_ADD(miss, v1) { .v2 = false };
FIXTURE_VARIANT_ADD(miss, v2) { .v2 = true };

FIXTURE_SETUP(miss)
{
	struct guest_cfg cfg = { .features = FEATURES, .msg_v2 = variant->v2 };
	uint64_t gpa;

	ASSERT_EQ(0, guest_on_tap(&self->g, &self->tap, &cfg));
	/* The tests reply themselves, without a server. */
	ASSERT_EQ(0, iotlb_init(&self->t, &self->g, variant->v2));
	ASSERT_EQ(0, iotlb_ring(&self->t, RX));
	ASSERT_EQ(0, iotlb_ring(&self->t, TX));
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	gpa = guest_alloc(&self->g, 3 * IOTLB_PAGE);
	self->gpa = (gpa + IOTLB_PAGE - 1) & ~(IOTLB_PAGE - 1);
}

FIXTURE_TEARDOWN(miss)
{
	iotlb_down(&self->t, &self->g);
	tap_free(&self->tap);
}

static int post(struct guest *g, unsigned int index, uint64_t gpa,
		uint32_t len)
{
	struct seg seg = { gpa, len, index == RX };
	int head = vq_add(&g->vq[index], &seg, 1, gpa);

	vq_publish(&g->vq[index]);
	vq_kick_hard(&g->vq[index]);
	return head < 0 ? head : 0;
}

#define READ(m, ms) iotlb_read(self->g.vhost, variant->v2, m, ms)

/* CVE-2018-1118, CVE-2024-0340: iotlb_read() checks that all other bytes are zero. */
TEST_F(miss, CVE_2024_0340_and_CVE_2018_1118_no_stale_bytes)
{
	struct vhost_iotlb_msg m;
	uint8_t f[100], got[200];
	ssize_t n;

	frame_raw(f, 100, 1);
	guest_write(&self->g, self->gpa + 12, f, 100);
	ASSERT_EQ(0, post(&self->g, TX, self->gpa, 112));
	ASSERT_EQ(0, READ(&m, WAIT_MS));
	EXPECT_EQ(VHOST_IOTLB_MISS, m.type);
	EXPECT_EQ(RO, m.perm);
	EXPECT_EQ(0, m.uaddr);
	EXPECT_EQ(self->gpa, m.iova);
	ASSERT_EQ(0, iotlb_preload(&self->t, self->gpa, 112));
	n = host_recv(self->tap.host, got, sizeof(got), WAIT_MS);
	EXPECT_TRUE(frame_same(got, n, f, 100));
}

TEST_F(miss, rx_miss_needs_write)
{
	struct vhost_iotlb_msg m;
	uint8_t f[100];

	ASSERT_EQ(0, post(&self->g, RX, self->gpa, 2048));
	frame_raw(f, 100, 1);
	ASSERT_EQ(0, host_send(self->tap.host, f, 100));
	ASSERT_EQ(0, READ(&m, WAIT_MS));
	EXPECT_EQ(VHOST_IOTLB_MISS, m.type);
	EXPECT_EQ(WO, m.perm);
	EXPECT_EQ(self->gpa, m.iova);
	ASSERT_EQ(0, iotlb_preload(&self->t, self->gpa, 2048));
	ASSERT_EQ(1, vq_wait_used(&self->g.vq[RX], WAIT_MS));
}

/* Read the next miss for another page than @page; in-tree repeats misses. */
static int other_miss(struct guest *g, bool v2, uint64_t page,
		      struct vhost_iotlb_msg *m)
{
	int err;

	do {
		err = iotlb_read(g->vhost, v2, m, WAIT_MS);
	} while (!err && !guest_is_ours() && (m->iova & ~4095ULL) == page);
	return err;
}

/* A buffer on two pages: both are reported, one after the other or at once. */
TEST_F(miss, reports_each_page)
{
	struct vhost_iotlb_msg m = {};
	int i;

	ASSERT_EQ(0, post(&self->g, TX, self->gpa + 4000, 200));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, other_miss(&self->g, variant->v2,
					m.iova & ~4095ULL, &m));
		EXPECT_EQ(i, (m.iova - self->gpa) / IOTLB_PAGE);
		ASSERT_EQ(0, iotlb_preload(&self->t, m.iova, 1));
	}
	EXPECT_EQ(1, vq_wait_used(&self->g.vq[TX], WAIT_MS));
}

/* The rings: the descriptor table and avail need read access, used needs write. */
TEST_F(miss, reports_ring_parts)
{
	struct vq *q = &self->g.vq[TX];
	struct vhost_iotlb_msg m = {};
	struct {
		void *part;
		uint8_t perm;
	} part[] = { { q->desc, RO }, { q->avail, RO }, { q->used, WO } };
	uint64_t iova;
	int i;

	ASSERT_EQ(0, iotlb_preload(&self->t, self->gpa, 112));
	for (i = 0; i < 3; i++) {
		iova = (uintptr_t)part[i].part + q->shift;
		ASSERT_EQ(0, iotlb_invalidate(self->g.vhost, variant->v2,
					      iova, 4096));
		ASSERT_EQ(0, post(&self->g, TX, self->gpa, 112));
		ASSERT_EQ(0, other_miss(&self->g, variant->v2,
					m.iova & ~4095ULL, &m)) {
			TH_LOG("part %d", i);
		}
		EXPECT_EQ(iova & ~4095ULL, m.iova & ~4095ULL);
		EXPECT_EQ(part[i].perm, m.perm);
		ASSERT_EQ(0, iotlb_preload(&self->t, m.iova, 1));
		ASSERT_EQ(0, vq_drain(q, 1, WAIT_MS));
	}
}

/* A miss is reported once, however often the guest kicks. */
TEST_F(miss, one_outstanding)
{
	struct vhost_iotlb_msg m;
	int i;

	if (!guest_is_ours())
		SKIP(return, "in-tree queues a message for every kick");
	ASSERT_EQ(0, post(&self->g, TX, self->gpa, 112));
	ASSERT_EQ(0, post(&self->g, RX, self->gpa, 2048));
	for (i = 0; i < 50; i++) {
		vq_kick_hard(&self->g.vq[TX]);
		vq_kick_hard(&self->g.vq[RX]);
		usleep(1000);
	}
	/* RX reports a miss when a packet arrives, or earlier. */
	ASSERT_EQ(0, READ(&m, WAIT_MS));
	for (i = 0; !READ(&m, 0); i++)
		;
	EXPECT_GE(1, i);
	/* Read without a reply, then kicked again: reported once more, not 20 times. */
	for (i = 0; i < 20; i++) {
		vq_kick_hard(&self->g.vq[TX]);
		usleep(1000);
	}
	usleep(QUIET_MS * 1000);
	for (i = 0; !READ(&m, 0); i++)
		;
	EXPECT_GE(1, i);
	ASSERT_EQ(0, iotlb_preload(&self->t, self->gpa, 112));
	EXPECT_EQ(1, vq_wait_used(&self->g.vq[TX], WAIT_MS));
}

/* Only a reply for this page resolves the miss; it may cover a larger range. */
TEST_F(miss, answered_by_a_larger_mapping)
{
	struct vhost_iotlb_msg m;
	struct guest *g = &self->g;
	uint64_t far = 1ULL << 50;
	size_t len = 64 << 10;
	uint8_t *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t got[200];

	ASSERT_NE(MAP_FAILED, p);
	frame_raw(p + 30000 + 12, 100, 7);
	ASSERT_EQ(0, post(g, TX, far + 30000, 112));
	ASSERT_EQ(0, READ(&m, WAIT_MS));
	ASSERT_EQ(far + 30000, m.iova);
	ASSERT_EQ(0, iotlb_preload(&self->t, self->gpa, 4096));
	usleep(QUIET_MS * 1000);
	EXPECT_EQ(0, vq_used_idx(&g->vq[TX]));
	ASSERT_EQ(0, iotlb_update(g->vhost, variant->v2, far, len,
				  (uintptr_t)p, RO));
	EXPECT_EQ(100, host_recv(self->tap.host, got, sizeof(got), WAIT_MS));
	EXPECT_EQ(7, frame_seq(got));
}

struct reader {
	int fd;
	ssize_t n;
	uint8_t buf[72];
};

static void *read_blocking(void *arg)
{
	struct reader *r = arg;

	r->n = read(r->fd, r->buf, sizeof(r->buf));
	return NULL;
}

/* The miss wakes a thread that sleeps in read(2). */
TEST_F(miss, blocking_read_and_poll)
{
	struct reader r = { .fd = self->g.vhost };
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, read_blocking, &r));
	usleep(QUIET_MS * 1000);
	ASSERT_EQ(0, post(&self->g, TX, self->gpa, 112));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(MSG_LEN, r.n);
	ASSERT_EQ(0, iotlb_preload(&self->t, self->gpa, 112));
	EXPECT_EQ(1, vq_wait_used(&self->g.vq[TX], WAIT_MS));
	EXPECT_FALSE(fd_wait(self->g.vhost, 0));
}

/* ---- permissions ---- */

/* The device must not use a page without the needed permission. */
static void denied(struct __test_metadata *_metadata, FIXTURE_DATA(miss) *self,
		   bool v2, unsigned int index, uint8_t perm)
{
	struct guest *g = &self->g;
	struct vq *q = &g->vq[index];
	uint8_t f[100], page[4096], before[4096];
	uint64_t uaddr = self->t.uaddr[(self->gpa - GPA) / IOTLB_PAGE];

	memset((void *)uaddr, 0x5a, 4096);
	memcpy(before, (void *)uaddr, 4096);
	ASSERT_EQ(0, iotlb_update(g->vhost, v2, self->gpa, 4096, uaddr, perm));
	ASSERT_EQ(0, post(g, index, self->gpa, 1500));
	frame_raw(f, 100, 1);
	ASSERT_EQ(0, host_send(self->tap.host, f, 100));
	if (guest_is_ours()) {
		EXPECT_TRUE(fd_wait(q->err, WAIT_MS));
		/* Twice if the kick came during a pass, which causes one retry. */
		EXPECT_LE(1, guest_stat(g, index == RX ? "rx" : "tx",
					"fault.IOTLB_DENIED"));
	} else {
		usleep(QUIET_MS * 1000);
	}
	EXPECT_EQ(0, vq_used_idx(q));
	memcpy(page, (void *)uaddr, 4096);
	EXPECT_EQ(0, memcmp(before, page, 4096));
	EXPECT_EQ(0, host_quiet(self->tap.host, 0));
	/* With the permission granted, the next update repairs the queue. */
	ASSERT_EQ(0, iotlb_invalidate(g->vhost, v2, self->gpa, 4096));
	ASSERT_EQ(0, iotlb_update(g->vhost, v2, self->gpa, 4096, uaddr, RW));
	vq_kick_hard(q);
	if (index == RX)
		ASSERT_EQ(0, host_send(self->tap.host, f, 100));
	EXPECT_EQ(1, vq_wait_used(q, WAIT_MS));
}

TEST_F(miss, read_only_page_is_not_written)
{
	denied(_metadata, self, variant->v2, RX, RO);
}

TEST_F(miss, write_only_page_is_not_read)
{
	denied(_metadata, self, variant->v2, TX, WO);
}

TEST_F(miss, read_only_used_ring_is_not_written)
{
	struct guest *g = &self->g;
	struct vq *q = &g->vq[TX];
	uint64_t iova = (uintptr_t)q->used + q->shift;
	uint64_t uaddr = self->t.uaddr[(iova - GPA) / IOTLB_PAGE];
	uint8_t before[4096], after[4096];

	ASSERT_EQ(0, iotlb_preload(&self->t, self->gpa, 4096));
	usleep(QUIET_MS * 1000);
	memcpy(before, (void *)uaddr, 4096);
	ASSERT_EQ(0, iotlb_invalidate(g->vhost, variant->v2, iova, 4096));
	ASSERT_EQ(0, iotlb_update(g->vhost, variant->v2, iova, 4096, uaddr,
				  RO));
	ASSERT_EQ(0, post(g, TX, self->gpa, 112));
	if (guest_is_ours())
		EXPECT_TRUE(fd_wait(q->err, WAIT_MS));
	usleep(QUIET_MS * 1000);
	memcpy(after, (void *)uaddr, 4096);
	EXPECT_EQ(0, memcmp(before, after, 4096));
	ASSERT_EQ(0, iotlb_invalidate(g->vhost, variant->v2, iova, 4096));
	ASSERT_EQ(0, iotlb_preload(&self->t, iova, 4096));
	vq_kick_hard(q);
	EXPECT_EQ(1, vq_wait_used(q, WAIT_MS));
}

/* ---- outdated misses ---- */

/* The ring moves while the device waits for its old address. */
TEST_F(miss, ring_moved_with_a_pending_miss)
{
	struct guest *g = &self->g;
	struct vq *q = &g->vq[TX], old = *q;
	size_t len = vq_bytes(q->num);
	uint64_t gpa = (guest_alloc(g, len + 4096) + 4095) & ~4095ULL;
	uint8_t *there = g->view + (gpa - GPA);
	struct vhost_iotlb_msg m = {};
	int i;

	ASSERT_EQ(0, iotlb_preload(&self->t, self->gpa, 4096));
	for (i = 0; i < 2; i++) {
		/* The miss is read, or only pending. */
		ASSERT_EQ(0, iotlb_invalidate(g->vhost, variant->v2, q->gpa,
					      len));
		ASSERT_EQ(0, post(g, TX, self->gpa, 112));
		ASSERT_TRUE(fd_wait(g->vhost, WAIT_MS));
		if (i)
			ASSERT_EQ(0, READ(&m, WAIT_MS));
		memcpy(i ? (void *)old.desc : there, q->desc, len);
		if (i) {
			old.avail_idx = q->avail_idx;
			old.used_idx = q->used_idx;
			old.kick_idx = q->kick_idx;
		}
		q->desc = i ? old.desc : (void *)there;
		q->avail = (void *)q->desc +
			   ((void *)old.avail - (void *)old.desc);
		q->used = (void *)q->desc +
			  ((void *)old.used - (void *)old.desc);
		q->gpa = i ? old.gpa : gpa;
		ASSERT_EQ(0, guest_set_addr(g, TX));
		/* In-tree reports it at the next kick. */
		if (!guest_is_ours())
			vq_kick_hard(q);
		do {
			ASSERT_EQ(0, READ(&m, WAIT_MS));
		} while (!guest_is_ours() &&
			 (m.iova < q->gpa || m.iova >= q->gpa + len));
		EXPECT_LE(q->gpa, m.iova);
		EXPECT_GT(q->gpa + len, m.iova);
		ASSERT_EQ(0, iotlb_ring(&self->t, TX));
		/* In-tree ignores a reply to a miss that was not read. */
		if (!guest_is_ours())
			vq_kick_hard(q);
		ASSERT_EQ(0, vq_drain(q, 1, WAIT_MS));
	}
}

/* Set the features again, as a migration does, with a miss pending. */
TEST_F(miss, features_set_with_a_pending_miss)
{
	struct guest *g = &self->g;
	struct vhost_iotlb_msg m;
	int i;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, iotlb_invalidate(g->vhost, variant->v2, self->gpa,
					      4096));
		ASSERT_EQ(0, post(g, TX, self->gpa, 112));
		ASSERT_TRUE(fd_wait(g->vhost, WAIT_MS));
		if (i & 1)
			ASSERT_EQ(0, READ(&m, WAIT_MS));
		ASSERT_EQ(0, guest_ioctl(g->vhost, VHOST_SET_FEATURES,
					 &g->features));
		ASSERT_EQ(0, iotlb_ring(&self->t, TX));
		ASSERT_EQ(0, iotlb_ring(&self->t, RX));
		ASSERT_EQ(0, iotlb_preload(&self->t, self->gpa, 4096));
		if (!guest_is_ours())
			vq_kick_hard(&g->vq[TX]);
		ASSERT_EQ(0, vq_drain(&g->vq[TX], 1, WAIT_MS));
		while (!READ(&m, 0))
			;
	}
}

/* ---- a client that does not reply ---- */

TEST_F(miss, unanswered_miss_does_not_block_close)
{
	struct guest *g = &self->g;
	uint64_t off = F_QEMU;
	int i;

	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, post(g, TX, self->gpa, 112));
		ASSERT_EQ(0, post(g, RX, self->gpa, 2048));
	}
	/* Nothing hangs: stop, base, features and close work. */
	EXPECT_EQ(0, guest_stop(g));
	EXPECT_EQ(0, guest_get_base(g->vhost, TX));
	EXPECT_EQ(0, guest_get_base(g->vhost, RX));
	EXPECT_EQ(0, guest_ioctl(g->vhost, VHOST_SET_FEATURES, &off));
	EXPECT_FALSE(fd_wait(g->vhost, 0));
	EXPECT_EQ(0, guest_ioctl(g->vhost, VHOST_RESET_OWNER, NULL));
}

TEST_F(miss, killed_with_outstanding_misses)
{
	struct vhost_iotlb_msg m;
	struct child child;

	iotlb_down(&self->t, &self->g);
	if (!child_fork(&child)) {
		struct guest_cfg cfg = { .features = FEATURES,
					 .msg_v2 = variant->v2 };

		child_report(&child, guest_init(&self->g, &cfg) ||
			     iotlb_init(&self->t, &self->g, variant->v2) ||
			     iotlb_ring(&self->t, RX) || iotlb_ring(&self->t, TX) ||
			     guest_start(&self->g, self->tap.fd[0]) ||
			     post(&self->g, TX, self->gpa, 112) || READ(&m, WAIT_MS) ||
			     post(&self->g, RX, self->gpa, 2048));
	}
	EXPECT_TRUE(child_is_ready(&child));
	ASSERT_TRUE(child_kill(&child));
}

TEST_HARNESS_MAIN
