// SPDX-License-Identifier: GPL-2.0
/*
 * Bad guest memory: missing, protected, blocked and enormous pages, descriptors that
 * change while the device reads them, and garbage in the rings.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "kselftest_harness.h"
#include "guest.h"
#include "net.h"
#include "threads.h"
#include "traffic.h"

#define PAGE	4096
#define N	VRING_DESC_F_NEXT
#define W	VRING_DESC_F_WRITE
#define I	VRING_DESC_F_INDIRECT

FIXTURE(mem) {
	struct guest g;
	struct tap tap;
	uint64_t gpa;		/* the guest page that tests make bad */
	uint8_t *page;
};

FIXTURE_SETUP(mem)
{
	struct guest_cfg cfg = { .features = F_QEMU };
	uint64_t gpa;

	ASSERT_EQ(0, guest_on_tap(&self->g, &self->tap, &cfg));
	gpa = guest_alloc(&self->g, 3 * PAGE);
	self->gpa = (gpa + PAGE - 1) & ~(PAGE - 1ULL);
	self->page = guest_ptr(&self->g, self->gpa, NULL);
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
}

FIXTURE_TEARDOWN(mem)
{
	guest_off_tap(&self->g, &self->tap);
}

static int tx_at(struct guest *g, uint64_t gpa, uint32_t len)
{
	struct seg seg = { gpa, len, false };
	int head = vq_add(&g->vq[TX], &seg, 1, gpa);

	vq_publish(&g->vq[TX]);
	vq_kick(&g->vq[TX]);
	return head < 0 ? head : vq_drain(&g->vq[TX], 1, WAIT_MS);
}

static void expect_unreadable(struct __test_metadata *_metadata,
			      FIXTURE_DATA(mem) *self)
{
	if (!guest_is_ours())
		return;		/* in-tree leaves the packet in the ring */
	EXPECT_EQ(0, tx_at(&self->g, self->gpa, 200));
	EXPECT_EQ(0, tx_at(&self->g, self->gpa, 3900));
	/* A good page first, then the bad one. */
	EXPECT_EQ(0, tx_at(&self->g, self->gpa - 100, 300));
	EXPECT_EQ(3, guest_stat(&self->g, "tx", "fault.TX_UNREADABLE"));
	EXPECT_EQ(0, fd_count(self->g.vq[TX].err));
	EXPECT_EQ(0, host_quiet(self->tap.host, 0));
	EXPECT_TRUE(traffic_once(&self->g, self->tap.host));
}

/* ---- pages the device cannot read ---- */

TEST_F(mem, tx_prot_none)
{
	ASSERT_EQ(0, mprotect(self->page, PAGE, PROT_NONE));
	expect_unreadable(_metadata, self);
}

TEST_F(mem, tx_unmapped)
{
	ASSERT_EQ(0, munmap(self->page, PAGE));
	expect_unreadable(_metadata, self);
}

/* Truncating the memfd causes SIGBUS in this process and EFAULT in the device. */
TEST_F(mem, tx_truncated_memfd)
{
	off_t at = self->page - self->g.mem;

	ASSERT_EQ(0, ftruncate(self->g.memfd, at));
	if (!guest_is_ours())
		return;
	EXPECT_EQ(0, tx_at(&self->g, self->gpa, 200));
	EXPECT_EQ(1, guest_stat(&self->g, "tx", "fault.TX_UNREADABLE"));
	EXPECT_TRUE(traffic_once(&self->g, self->tap.host));
}

/* Discarded pages read as zeroes, so the device sends a frame of zeroes. */
TEST_F(mem, tx_discarded_pages)
{
	off_t at = self->page - self->g.mem;

	memset(self->page, 0xff, PAGE);
	ASSERT_EQ(0, madvise(self->page, PAGE, MADV_DONTNEED));
	ASSERT_EQ(0, fallocate(self->g.memfd, FALLOC_FL_PUNCH_HOLE |
			       FALLOC_FL_KEEP_SIZE, at, PAGE));
	EXPECT_EQ(0, tx_at(&self->g, self->gpa, 200));
	EXPECT_TRUE(traffic_once(&self->g, self->tap.host));
}

/* ---- pages the device cannot write ---- */

static void rx_at(struct __test_metadata *_metadata, FIXTURE_DATA(mem) *self)
{
	struct seg seg = { self->gpa, 2000, true };
	struct vq *q = &self->g.vq[RX];
	uint8_t f[200], got[2048];
	uint32_t len;
	ssize_t n;

	frame_raw(f, 200, 1);
	ASSERT_LE(0, vq_add(q, &seg, 1, self->gpa));
	vq_publish(q);
	vq_kick(q);
	ASSERT_EQ(0, host_send(self->tap.host, f, 200));
	if (guest_is_ours()) {
		ASSERT_EQ(1, vq_wait_used(q, WAIT_MS));
		ASSERT_EQ(1, vq_get_used(q, &len, NULL));
		EXPECT_EQ(0, len);
		EXPECT_EQ(1, guest_stat(&self->g, "rx",
					"fault.RX_UNWRITABLE"));
		ASSERT_LE(0, vq_add(q, &seg, 1, self->gpa));
		vq_publish(q);
	} else {
		usleep(QUIET_MS * 1000);
		EXPECT_EQ(0, vq_used_idx(q));
	}
	/* With the page restored, a buffer there works. */
	mprotect(self->page, PAGE, PROT_READ | PROT_WRITE);
	vq_kick(q);
	ASSERT_EQ(0, host_send(self->tap.host, f, 200));
	ASSERT_EQ(1, vq_wait_used(q, WAIT_MS));
	ASSERT_EQ(1, vq_get_used(q, NULL, NULL));
	n = guest_read(&self->g, self->gpa + 12, got, 200);
	EXPECT_EQ(0, n);
	EXPECT_EQ(0, memcmp(f, got, 200));
}

TEST_F(mem, rx_prot_none)
{
	ASSERT_EQ(0, mprotect(self->page, PAGE, PROT_NONE));
	rx_at(_metadata, self);
}

TEST_F(mem, rx_read_only)
{
	ASSERT_EQ(0, mprotect(self->page, PAGE, PROT_READ));
	rx_at(_metadata, self);
}

/* ---- the ring itself ---- */

static void protect_ring(struct __test_metadata *_metadata,
			 FIXTURE_DATA(mem) *self, void *part, int prot)
{
	struct vq *q = &self->g.vq[TX];

	ASSERT_TRUE(traffic_once(&self->g, self->tap.host));
	usleep(QUIET_MS * 1000);
	/* A packet is available, but the device got no kick. */
	q->desc[1] = (struct drv_desc){ self->gpa, 200, 0, 0 };
	q->avail->ring[q->avail_idx % q->num] = 1;
	q->avail->idx = ++q->avail_idx;
	ASSERT_EQ(0, mprotect(part, PAGE, prot));
	vq_kick_hard(q);
	if (guest_is_ours()) {
		EXPECT_TRUE(fd_wait(q->err, WAIT_MS));
		EXPECT_EQ(1, guest_stat(&self->g, "tx", "broken"));
		EXPECT_EQ(1, guest_stat(&self->g, "tx", "fault.RING_ACCESS"));
	} else {
		usleep(QUIET_MS * 1000);
	}
	/* Stopping still works. */
	EXPECT_EQ(0, guest_stop(&self->g));
	EXPECT_LE(0, guest_get_base(self->g.vhost, TX));
	ASSERT_EQ(0, mprotect(part, PAGE, PROT_READ | PROT_WRITE));
	ASSERT_EQ(0, guest_restart(&self->g, self->tap.fd[0]));
	EXPECT_TRUE(traffic_once(&self->g, self->tap.host));
}

TEST_F(mem, ring_desc_gone)
{
	protect_ring(_metadata, self, self->g.vq[TX].desc, PROT_NONE);
}

TEST_F(mem, ring_avail_gone)
{
	protect_ring(_metadata, self, self->g.vq[TX].avail, PROT_NONE);
}

TEST_F(mem, ring_used_read_only)
{
	protect_ring(_metadata, self, self->g.vq[TX].used, PROT_READ);
}

/* ---- enormous ---- */

#define HIGH_GPA	(1ULL << 40)

/* Add a region of @size bytes at HIGH_GPA. Return: its memory or NULL */
static uint8_t *add_high_region(struct guest *g, uint64_t size)
{
	struct { struct vhost_memory m; struct vhost_memory_region r[2]; } t = {
		.m.nregions = 2,
	};
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	t.r[0] = g->table->regions[0];
	t.r[1] = (struct vhost_memory_region){
		.guest_phys_addr = HIGH_GPA, .memory_size = size,
		.userspace_addr = (uintptr_t)p,
	};
	return p != MAP_FAILED &&
	       !guest_ioctl(g->vhost, VHOST_SET_MEM_TABLE, &t) ? p : NULL;
}

/* A legal region, with chains of up to 4 GiB and sums past 2^32. */
TEST_F(mem, tx_4_gib_chains)
{
	static const struct {
		uint32_t len[5];
	} chain[] = {
		{ { 0xffffffff } },
		{ { 0x80000000 } },
		{ { 0x7fffffff } },
		{ { 0x80000000, 0x80000000 } },
		{ { 0xffffffff, 0xffffffff, 0xffffffff } },
		/* The sum is 112 modulo 2^32, which looks like a small packet. */
		{ { 12, 0x40000000, 0x40000000, 0x40000000, 0x40000064 } },
		{ { 0x80000000, 0x80000070 } },
		{ { 12, 0x00100000 } },
		{ { 12, 70000 } },
	};
	struct seg seg[5];
	unsigned int i, nr;

	if (!guest_is_ours())
		SKIP(return, "in-tree WARNs in copy_page_from_iter");
	ASSERT_NE(NULL, add_high_region(&self->g, 0x100000000ULL + 0x10000));
	for (i = 0; i < ARRAY_SIZE(chain); i++) {
		for (nr = 0; nr < 5 && chain[i].len[nr]; nr++)
			seg[nr] = (struct seg){ HIGH_GPA, chain[i].len[nr],
						false };
		ASSERT_LE(0, vq_add(&self->g.vq[TX], seg, nr, 0));
		vq_publish(&self->g.vq[TX]);
		vq_kick(&self->g.vq[TX]);
		ASSERT_EQ(0, vq_drain(&self->g.vq[TX], 1, WAIT_MS)) {
			TH_LOG("chain %u", i);
		}
	}
	EXPECT_EQ(i, guest_stat(&self->g, "tx", "fault.TX_TOO_LONG"));
	EXPECT_EQ(0, guest_stat(&self->g, "tx", "packets"));
	EXPECT_TRUE(traffic_once(&self->g, self->tap.host));
}

/* RX may get 4 GiB of buffer: only the packet's length matters. */
TEST_F(mem, rx_4_gib_buffer)
{
	struct seg seg = { HIGH_GPA, 0xffffffff, true };
	struct vq *q = &self->g.vq[RX];
	uint8_t f[200];
	uint32_t len;
	uint8_t *p;

	if (!guest_is_ours())
		SKIP(return, "in-tree counts wrong above 2 GiB");
	p = add_high_region(&self->g, 0x100000000ULL);
	ASSERT_NE(NULL, p);
	ASSERT_LE(0, vq_add(q, &seg, 1, 0));
	vq_publish(q);
	vq_kick(q);
	frame_raw(f, 200, 1);
	ASSERT_EQ(0, host_send(self->tap.host, f, 200));
	ASSERT_EQ(1, vq_wait_used(q, WAIT_MS));
	ASSERT_EQ(1, vq_get_used(q, &len, NULL));
	EXPECT_EQ(212, len);
	EXPECT_EQ(0, memcmp(p + 12, f, 200));
}

/* ---- blocked ---- */

static int block(uint8_t *page)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { (uintptr_t)page, PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &reg)) {
		close(fd);
		return -errno;
	}
	return fd;
}

/* User space resolves a page fault late: the device waits, then continues. */
TEST_F(mem, tx_userfaultfd)
{
	struct uffdio_zeropage zero = { .range = { 0, PAGE } };
	struct seg seg = { self->gpa, 200, false };
	struct vq *q = &self->g.vq[TX];
	int fd = block(self->page);

	if (fd < 0)
		SKIP(return, "no userfaultfd for shared memory");
	ASSERT_LE(0, vq_add(q, &seg, 1, 0));
	vq_publish(q);
	vq_kick(q);
	usleep(QUIET_MS * 1000);
	EXPECT_EQ(0, vq_used_idx(q));
	zero.range.start = (uintptr_t)self->page;
	ASSERT_EQ(0, ioctl(fd, UFFDIO_ZEROPAGE, &zero));
	EXPECT_EQ(0, vq_drain(q, 1, WAIT_MS));
	EXPECT_TRUE(traffic_once(&self->g, self->tap.host));
	close(fd);
}

/* The owner is killed while its worker waits in such a fault. */
TEST_F(mem, killed_in_userfaultfd)
{
	struct seg seg = { self->gpa, 200, false };
	struct child child;

	if (block(self->page) < 0)
		SKIP(return, "no userfaultfd for shared memory");
	guest_free(&self->g);
	if (!child_fork(&child)) {
		struct guest_cfg cfg = { .features = F_QEMU };
		struct guest g;
		bool failed;

		failed = guest_init(&g, &cfg) || guest_start(&g, self->tap.fd[0]) ||
			 block(guest_ptr(&g, self->gpa, NULL)) < 0 ||
			 vq_add(&g.vq[TX], &seg, 1, 0) < 0;
		vq_publish(&g.vq[TX]);
		vq_kick(&g.vq[TX]);
		usleep(QUIET_MS * 1000);
		child_report(&child, failed);
	}
	EXPECT_TRUE(child_is_ready(&child));
	ASSERT_TRUE(child_kill(&child));
}

/* ---- concurrent changes ---- */

struct rewriter {
	struct vq *q;
	uint64_t gpa;
	bool must_stop;
};

/* Change descriptor fields and indices while the device reads them. */
static void *rewrite(void *arg)
{
	struct rewriter *w = arg;
	struct vq *q = w->q;
	unsigned int seed = 1, r, i;

	while (!__atomic_load_n(&w->must_stop, __ATOMIC_RELAXED)) {
		r = rand_r(&seed);
		i = r % q->num;
		switch (r >> 16 & 7) {
		case 0:
			q->desc[i].len = rand_r(&seed) % 70000;
			break;
		case 1:
			q->desc[i].len = rand_r(&seed) << 4;
			break;
		case 2:
			q->desc[i].addr = w->gpa + rand_r(&seed) % 8192;
			break;
		case 3:
			q->desc[i].next = rand_r(&seed) % (q->num + 2);
			break;
		case 4:
			q->desc[i].flags = rand_r(&seed) & 7;
			break;
		case 5:
			q->avail->ring[i] = rand_r(&seed) % q->num;
			break;
		default:
			q->desc[i] = (struct drv_desc){ w->gpa, 200, 0, 0 };
		}
		if (r % 64 == 0)
			sched_yield();
	}
	return NULL;
}

TEST_F_TIMEOUT(mem, CVE_2020_14374_to_14378_toctou, 120)
{
	uint8_t f[200], got[2048];
	struct rewriter w[2];
	pthread_t thread[2];
	int round, i, k;

	if (!guest_is_ours())
		SKIP(return, "in-tree may retry a bad header forever");
	frame_raw(f, 200, 0);
	memset(self->page, 0, PAGE);
	for (round = 0; round < 25; round++) {
		ASSERT_EQ(0, guest_restart(&self->g, self->tap.fd[0]));
		for (i = 0; i < 2; i++) {
			struct vq *q = &self->g.vq[i];

			for (k = 0; k < q->num; k++) {
				q->desc[k] = (struct drv_desc){
					self->gpa, 200, i == RX ? W : 0, 0 };
				q->avail->ring[k] = k;
			}
			w[i] = (struct rewriter){ q, self->gpa, false };
			ASSERT_EQ(0, pthread_create(&thread[i], NULL, rewrite,
						    &w[i]));
		}
		for (k = 0; k < 150 && !fd_count(self->g.vq[TX].err); k++) {
			for (i = 0; i < 2; i++) {
				struct vq *q = &self->g.vq[i];

				q->avail_idx = vq_used_idx(q) + q->num / 2;
				vq_publish(q);
				vq_kick_hard(q);
			}
			host_send(self->tap.host, f, 200);
			while (host_recv(self->tap.host, got, sizeof(got), 0) > 0)
				;
		}
		for (i = 0; i < 2; i++) {
			__atomic_store_n(&w[i].must_stop, true,
					 __ATOMIC_RELAXED);
			ASSERT_EQ(0, pthread_join(thread[i], NULL));
		}
	}
	ASSERT_EQ(0, guest_restart(&self->g, self->tap.fd[0]));
	EXPECT_TRUE(traffic_once(&self->g, self->tap.host));
}

/* Fill the rings with random data many times. */
TEST_F_TIMEOUT(mem, garbage, 120)
{
	unsigned int seed = 42, i, k, round;
	uint8_t f[200] = {}, got[2048];

	if (!guest_is_ours())
		SKIP(return, "in-tree may retry a bad header forever");
	for (round = 0; round < 150; round++) {
		ASSERT_EQ(0, guest_restart(&self->g, self->tap.fd[0]));
		for (k = 0; k < PAGE; k++)
			self->page[k] = rand_r(&seed);
		for (i = 0; i < 2; i++) {
			struct vq *q = &self->g.vq[i];
			bool wild = round & 1;

			for (k = 0; k < q->num; k++) {
				q->desc[k].addr = wild && !(k % 7) ?
					rand_r(&seed) :
					self->gpa + rand_r(&seed) % 4000;
				q->desc[k].len = rand_r(&seed) %
						 (wild ? 1 << 30 : 8192);
				q->desc[k].flags = rand_r(&seed) &
						   (wild ? 0xffff : N | W);
				q->desc[k].next = rand_r(&seed) %
						  (q->num + wild);
				q->avail->ring[k] = rand_r(&seed) %
						    (q->num + wild);
			}
			q->avail_idx = q->num;
			vq_publish(q);
			vq_kick_hard(q);
			host_send(self->tap.host, f, 200);
		}
		usleep(2000);
		while (host_recv(self->tap.host, got, sizeof(got), 0) > 0)
			;
	}
	ASSERT_EQ(0, guest_restart(&self->g, self->tap.fd[0]));
	EXPECT_TRUE(traffic_once(&self->g, self->tap.host));
}

/* CVE-2023-1838: the number names another file at each read. */
static void *dup_race(void *arg)
{
	int *fd = arg;
	unsigned int i;

	for (i = 0; fd[3] == 0; i++) {
		dup2(i & 1 ? fd[0] : fd[1], fd[2]);
		if (i % 16 == 0)
			sched_yield();
	}
	return NULL;
}

TEST_F_TIMEOUT(mem, CVE_2023_1838_backend_file_race, 60)
{
	int fd[4] = { self->tap.fd[0], open("/dev/null", O_RDWR), 200, 0 };
	pthread_t thread;
	int i, err;

	ASSERT_EQ(200, dup2(fd[0], 200));
	ASSERT_EQ(0, pthread_create(&thread, NULL, dup_race, fd));
	for (i = 0; i < 2000; i++) {
		err = guest_attach(&self->g, i & 1, 200);
		ASSERT_TRUE(!err || err == -ENOTSOCK);
		if (i % 8 == 0)
			ASSERT_EQ(0, guest_attach(&self->g, i & 1, -1));
	}
	fd[3] = 1;
	ASSERT_EQ(0, pthread_join(thread, NULL));
	close(200);
	ASSERT_EQ(0, guest_restart(&self->g, self->tap.fd[0]));
	EXPECT_TRUE(traffic_once(&self->g, self->tap.host));
}

TEST_HARNESS_MAIN
