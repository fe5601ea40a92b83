// SPDX-License-Identifier: GPL-2.0
/*
 * The bounds of a worker: it lets other tasks run between two passes, however many
 * queues it serves, and a pass counts all of its work, also for packets that it drops.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include "kselftest_harness.h"
#include "../../../../include/uapi/linux/vhost_tap.h"
#include "guest.h"
#include "net.h"
#include "pairs.h"

#define PAIRS		256
#define NUM		32768u
#define AVAIL_AT	0x100000
#define BUF_AT		0x180000
#define USED_AT		0x200000
#define USED_SIZE	0x42000ul
#define MEM_LEN		(192ul << 20)
#define WATCH_S		6

/*
 * A worker that does not reschedule between two queues moves PAIRS * 256 packets at a
 * time. The kernel preempts at a timer interrupt, which a busy host may delay in a VM.
 * The number of packets alone therefore does not prove that the worker is at fault.
 */
#define MAX_GAP_PACKETS	(128u * 256)
#define MAX_GAP_TICKS	20

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* All queues share a descriptor table and an avail ring; each has a used ring. */
static void fill(uint8_t *m)
{
	struct drv_desc *d = (void *)m;
	struct drv_avail *a = (void *)(m + AVAIL_AT);
	unsigned int i;

	for (i = 0; i < NUM; i++) {
		d[i] = (struct drv_desc){ BUF_AT, 12 + 64, 0, 0 };
		a->ring[i] = i;
	}
	a->idx = NUM;
	memset(m + BUF_AT + 12, 0xff, 12);
}

static int start_queue(int fd, int tap, uint8_t *m, unsigned int pair)
{
	struct vhost_vring_addr addr = {
		.index = 2 * pair + TX,
		.desc_user_addr = (uintptr_t)m,
		.avail_user_addr = (uintptr_t)m + AVAIL_AT,
		.used_user_addr = (uintptr_t)m + USED_AT + pair * USED_SIZE,
	};

	return guest_vring_state(fd, VHOST_SET_VRING_NUM, addr.index, NUM) ?:
	       guest_ioctl(fd, VHOST_SET_VRING_ADDR, &addr) ?:
	       guest_vring_file(fd, VHOST_NET_SET_BACKEND, addr.index, tap);
}

/* Count the packets of all queues; a queue ends before its index wraps. */
static unsigned long moved(const uint8_t *m)
{
	unsigned long sum = 0;
	int i;

	for (i = 0; i < PAIRS; i++)
		sum += drv_load_acquire(m + USED_AT + i * USED_SIZE + 2);
	return sum;
}

/*
 * Other preemption models reschedule at each lock that may sleep, and would hide a
 * worker that does not. A kernel without the model "none" is preemptible anyway.
 */
static void preempt_none(void)
{
	run("cd /sys/kernel/debug/sched; echo none 2>/dev/null >preempt; "
	    "sed 's/^/# preemption: /' preempt");
}

/* Return the number of timer interrupts of CPU 0, or -1. */
static long ticks(int interrupts)
{
	char buf[16384], *at;
	ssize_t len = pread(interrupts, buf, sizeof(buf) - 1, 0);

	buf[len < 0 ? 0 : len] = 0;
	at = strstr(buf, "LOC:");
	return at ? strtol(at + 4, NULL, 10) : -1;
}

/* The work done up to a moment, or between two of them. */
struct sample {
	double time;
	unsigned long packets;
	long ticks;
};

static struct sample sample(const uint8_t *m, int interrupts)
{
	return (struct sample){ now(), moved(m), ticks(interrupts) };
}

static bool too_long(const struct sample *g)
{
	return g->packets >= MAX_GAP_PACKETS && (g->ticks < 0 || g->ticks >= MAX_GAP_TICKS);
}

/*
 * Find the period with most packets between two samples of this thread, but prefer a
 * period that is too long. This thread may be preempted within a sample, so a period
 * spans three samples.
 */
static struct sample watch(const uint8_t *m)
{
	int interrupts = open("/proc/interrupts", O_RDONLY | O_CLOEXEC);
	struct sample first = sample(m, interrupts), before = first, last = first, s, gap;
	struct sample worst = { 0 };

	while (last.time - first.time < WATCH_S) {
		s = sample(m, interrupts);
		gap = (struct sample){ s.time - before.time, s.packets - before.packets,
				       s.ticks < 0 ? -1 : s.ticks - before.ticks };
		if (too_long(&gap) > too_long(&worst) ||
		    (too_long(&gap) == too_long(&worst) && gap.packets > worst.packets))
			worst = gap;
		before = last;
		last = s;
	}
	close(interrupts);
	return worst;
}

FIXTURE(fair) {
	struct tap tap;
	uint8_t *m;		/* guest memory: the rings of all queues */
	int fd;
};

FIXTURE_SETUP(fair)
{
	self->fd = -1;
	ASSERT_EQ(0, net_ns());
	ASSERT_EQ(0, tap_make(&self->tap, IFF_VNET_HDR, 1, 12));
	self->m = mmap(NULL, MEM_LEN, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->m);
	fill(self->m);
}

FIXTURE_TEARDOWN(fair)
{
	close(self->fd);
	tap_free(&self->tap);
}

/* Set-up takes long on a busy host, so the queues are already busy during it. */
TEST_F_TIMEOUT(fair, one_worker_for_many_queues, 120)
{
	struct { struct vhost_memory m; struct vhost_memory_region r; } t = {
		{ 1, 0 },
		{ 0, MEM_LEN, (uintptr_t)self->m, 0 },
	};
	uint64_t features = F_VERSION_1;
	struct sample gap;
	unsigned int i;
	cpu_set_t cpu;

	if (!guest_is_ours())
		SKIP(return, "in-tree has one pair for each file");
	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(cpu), &cpu));
	preempt_none();
	self->fd = open(guest_node(), O_RDWR | O_CLOEXEC);
	ASSERT_EQ(0, node_set_pairs(self->fd, PAIRS));
	ASSERT_EQ(0, node_set_layout(self->fd, VHOST_TAP_WORKERS_SHARED, 1));
	ASSERT_EQ(0, guest_ioctl(self->fd, VHOST_SET_OWNER, NULL));
	ASSERT_EQ(0, guest_ioctl(self->fd, VHOST_SET_FEATURES, &features));
	ASSERT_EQ(0, guest_ioctl(self->fd, VHOST_SET_MEM_TABLE, &t));
	for (i = 0; i < PAIRS; i++)
		ASSERT_EQ(0, start_queue(self->fd, self->tap.fd[0], self->m, i));

	gap = watch(self->m);
	TH_LOG("without the CPU for up to %.3f s, with %lu packets and %ld timer interrupts",
	       gap.time, gap.packets, gap.ticks);
	EXPECT_FALSE(too_long(&gap));
	EXPECT_LT(0, moved(self->m));
	EXPECT_GT(PAIRS * (unsigned long)NUM, moved(self->m));
}

/*
 * Memory behind 509 guest addresses, all logged: each buffer takes 509 steps, so a pass
 * ends after fewer packets.
 */
TEST(pass_counts_aliases)
{
	struct guest_cfg cfg = { .features = F_QEMU | F_LOG_ALL };
	struct vhost_memory *t = calloc(1, sizeof(*t) + GUEST_MAX_REGIONS *
					sizeof(t->regions[0]));
	size_t log_len = 1 << 20;
	uint8_t f[100];
	struct guest g;
	struct tap tap;
	long passes;
	unsigned int i;
	void *log;
	uint64_t at;

	if (!guest_is_ours())
		SKIP(return, "needs the counters of vhost-tap");
	ASSERT_EQ(0, guest_on_tap(&g, &tap, &cfg));
	log = mmap(NULL, log_len, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, log);
	t->nregions = GUEST_MAX_REGIONS;
	for (i = 0; i < GUEST_MAX_REGIONS; i++) {
		t->regions[i] = g.table->regions[0];
		t->regions[i].guest_phys_addr += i * (16ULL << 20);
	}
	at = (uintptr_t)log;
	ASSERT_EQ(0, guest_ioctl(g.vhost, VHOST_SET_MEM_TABLE, t));
	ASSERT_EQ(0, guest_ioctl(g.vhost, VHOST_SET_LOG_BASE, &at));
	ASSERT_EQ(0, guest_start(&g, tap.fd[0]));

	frame_raw(f, sizeof(f), 1);
	for (i = 0; i < 200; i++)
		ASSERT_EQ(0, host_send(tap.host, f, sizeof(f)));
	usleep(QUIET_MS * 1000);
	passes = guest_stat(&g, "rx", "passes");
	ASSERT_EQ(0, guest_rx_post(&g, 200, 2000));
	ASSERT_EQ(0, vq_drain(&g.vq[RX], 200, WAIT_MS));
	passes = guest_stat(&g, "rx", "passes") - passes;
	EXPECT_LE(200 / 20, passes) {
		TH_LOG("%ld passes for 200 packets", passes);
	}
	free(t);
	munmap(log, log_len);
	guest_off_tap(&g, &tap);
}

/* ---- work that moves no packet ends a pass as well ---- */

#define PASS_BYTES	(512u * 1024)
#define DESC_WEIGHT	64u

FIXTURE(wasted) {
	struct guest g;
	struct tap tap;
	uint8_t *f;
};

FIXTURE_SETUP(wasted)
{
	struct guest_cfg cfg = { .features = F_QEMU };
	int room = 64 << 20;

	self->g.vhost = -1;
	self->tap.host = -1;
	if (!guest_is_ours())
		SKIP(return, "needs the counters of vhost-tap");
	self->f = calloc(1, FRAME_ROOM);
	ASSERT_EQ(0, guest_on_tap(&self->g, &self->tap, &cfg));
	ASSERT_EQ(0, setsockopt(self->tap.host, SOL_SOCKET, SO_SNDBUFFORCE,
				&room, sizeof(room)));
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
}

FIXTURE_TEARDOWN(wasted)
{
	if (self->g.vhost >= 0)
		guest_off_tap(&self->g, &self->tap);
	free(self->f);
}

static bool wait_for_drops(struct guest *g, const char *file, const char *fault,
			   long nr)
{
	return wait_for(guest_stat(g, file, fault) == nr);
}

/* The packets wait in the tap until the guest offers buffers. */
static int queue_packets(struct tap *t, const uint8_t *f, size_t len, int nr)
{
	int err = 0;

	while (nr-- && !err)
		err = host_send(t->host, f, len);
	usleep(QUIET_MS * 1000);
	return err;
}

/*
 * Publish @nr buffers, kick, and wait until all are used.
 * Return: number of passes that this took, or -errno
 */
static long passes_for(struct guest *g, struct vq *q, const char *file,
		       unsigned int nr)
{
	long before = guest_stat(g, file, "passes");
	int err;

	vq_publish(q);
	vq_kick_hard(q);
	err = vq_drain(q, nr, WAIT_MS);
	return err ?: guest_stat(g, file, "passes") - before;
}

/* Long frames are copied before their header is checked, and then dropped. */
TEST_F(wasted, tx_bad_headers)
{
	struct virtio_net_hdr_mrg_rxbuf hdr = {
		.hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.hdr.csum_start = 0xffff,
	};
	const unsigned int nr = 200, len = 60000;
	struct vq *q = &self->g.vq[TX];
	struct seg seg = { guest_alloc(&self->g, 12 + len), 12 + len, false };
	unsigned int i;
	long passes;

	ASSERT_EQ(0, guest_write_hdr(&self->g, seg.gpa, &hdr));
	for (i = 0; i < nr; i++)
		ASSERT_LE(0, vq_add(q, &seg, 1, 0));
	passes = passes_for(&self->g, q, "tx", nr);
	ASSERT_LE(0, passes);
	EXPECT_EQ(nr, guest_stat(&self->g, "tx", "fault.TX_BAD_HEADER"));
	EXPECT_LE(nr * len / PASS_BYTES - 2, passes) {
		TH_LOG("%ld passes for %u frames", passes, nr);
	}
}

/* Only the last page of each buffer cannot be written. */
TEST_F(wasted, rx_unwritable_buffers)
{
	const unsigned int nr = 100, len = 60000, page = 4096;
	uint64_t gpa = guest_alloc(&self->g, len + 3 * page);
	struct vq *q = &self->g.vq[RX];
	struct seg seg = { .len = len + 12, .is_write = true };
	unsigned int i;
	long passes;

	/* The page begins 1000 bytes before the end of the buffer. */
	gpa = (gpa + len + page - 1) & ~(page - 1ULL);
	ASSERT_EQ(0, mprotect(guest_ptr(&self->g, gpa, NULL), page, PROT_NONE));
	seg.gpa = gpa + 1000 - seg.len;
	ASSERT_EQ(0, queue_packets(&self->tap, self->f, len, nr));
	for (i = 0; i < nr; i++)
		ASSERT_LE(0, vq_add(q, &seg, 1, 0));
	passes = passes_for(&self->g, q, "rx", nr);
	ASSERT_LE(0, passes);
	EXPECT_EQ(nr, guest_stat(&self->g, "rx", "fault.RX_UNWRITABLE"));
	EXPECT_LE(nr * len / PASS_BYTES - 2, passes) {
		TH_LOG("%ld passes for %u packets", passes, nr);
	}
}

/* Two chains have one segment too many for one packet, and too few bytes. */
TEST_F(wasted, rx_too_many_segments)
{
	const unsigned int nr = 200, max = 1024;
	uint64_t table = guest_alloc(&self->g, 16 * max);
	uint64_t gpa = guest_alloc(&self->g, 64 + max);
	struct vq *q = &self->g.vq[RX];
	struct seg seg[1024];
	unsigned int i;
	long passes;

	for (i = 0; i < max; i++)
		seg[i] = (struct seg){ gpa + i, 1, true };
	ASSERT_EQ(0, queue_packets(&self->tap, self->f, 1500, nr));
	passes = guest_stat(&self->g, "rx", "passes");
	ASSERT_LE(0, vq_add(q, seg, 1, 0));
	ASSERT_LE(0, vq_add_indirect(&self->g, q, seg, max, table, 0));
	vq_publish(q);
	vq_kick_hard(q);
	ASSERT_TRUE(wait_for_drops(&self->g, "rx", "fault.RX_TRUNCATED", nr));
	passes = guest_stat(&self->g, "rx", "passes") - passes;
	EXPECT_LE(nr * max * DESC_WEIGHT / PASS_BYTES - 2, passes) {
		TH_LOG("%ld passes for %u packets", passes, nr);
	}
	EXPECT_EQ(0, vq_used_idx(q));
}

TEST_HARNESS_MAIN
