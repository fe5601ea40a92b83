// SPDX-License-Identifier: GPL-2.0
/*
 * What a worker may do at a time: others get the CPU between two passes however
 * many queues it serves, and a pass counts all of its work.
 *
 * Read before: pairs_test.c.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
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

/* Generous: a pass of 256 packets takes some milliseconds under TCG. */
#define MAX_GAP_S	0.5
/* Or, where the VM itself waits for a CPU: 128 passes, half a round. */
#define MAX_GAP_PACKETS	(128u * 256)

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* One descriptor table and avail ring for all queues; each has a used ring. */
static void fill(uint8_t *m)
{
	struct vring_desc *d = (void *)m;
	struct vring_avail *a = (void *)(m + AVAIL_AT);
	unsigned int i;

	for (i = 0; i < NUM; i++) {
		d[i] = (struct vring_desc){ BUF_AT, 12 + 64, 0, 0 };
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

/* Packets of all queues so far; a queue ends before its index wraps. */
static unsigned long moved(const uint8_t *m)
{
	unsigned long sum = 0;
	int i;

	for (i = 0; i < PAIRS; i++)
		sum += *(volatile uint16_t *)(m + USED_AT + i * USED_SIZE + 2);
	return sum;
}

/*
 * Other preemption models give the CPU away at each lock that may sleep, and would
 * hide a worker that does not. A kernel without "none" is preemptible anyway.
 */
static void preempt_none(void)
{
	run("cd /sys/kernel/debug/sched; echo none 2>/dev/null >preempt; "
	    "sed 's/^/# preemption: /' preempt");
}

/* The longest time in which this thread did not run, and the most packets in one. */
static void watch(const uint8_t *m, double *gap, unsigned long *most)
{
	double from = now(), last = from, n;
	unsigned long before = moved(m), sum;

	*gap = 0;
	*most = 0;
	while (last - from < WATCH_S) {
		n = now();
		sum = moved(m);
		if (n - last > *gap)
			*gap = n - last;
		if (sum - before > *most)
			*most = sum - before;
		last = n;
		before = sum;
	}
}

TEST(one_worker_for_many_queues)
{
	struct { struct vhost_memory m; struct vhost_memory_region r; } t = {
		{ 1, 0 },
	};
	uint64_t features = F_VERSION_1;
	unsigned int i, tries;
	unsigned long most;
	struct tap tap;
	cpu_set_t cpu;
	double gap;
	uint8_t *m;
	int fd;

	if (!guest_is_ours())
		SKIP(return, "in-tree has one pair for each file");
	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(cpu), &cpu));
	preempt_none();
	ASSERT_EQ(0, net_ns());
	ASSERT_EQ(0, tap_make(&tap, IFF_VNET_HDR, 1, 12));
	m = mmap(NULL, MEM_LEN, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, m);
	fill(m);
	t.r = (struct vhost_memory_region){ 0, MEM_LEN, (uintptr_t)m, 0 };
	fd = open(guest_node(), O_RDWR | O_CLOEXEC);
	ASSERT_EQ(0, node_set_pairs(fd, PAIRS));
	ASSERT_EQ(0, node_set_layout(fd, VHOST_TAP_WORKERS_SHARED, 1));
	ASSERT_EQ(0, guest_ioctl(fd, VHOST_SET_OWNER, NULL));
	ASSERT_EQ(0, guest_ioctl(fd, VHOST_SET_FEATURES, &features));
	ASSERT_EQ(0, guest_ioctl(fd, VHOST_SET_MEM_TABLE, &t));
	for (i = 0; i < PAIRS; i++)
		ASSERT_EQ(0, start_queue(fd, tap.fd[0], m, i));

	/*
	 * When the host was busy, 2 of some 40 watches on 7.3 showed over a second; on
	 * an idle host none of 20 did. A worker that does not reschedule fails each time.
	 */
	for (tries = 0; tries < 3; tries++) {
		watch(m, &gap, &most);
		TH_LOG("longest time without the CPU %.3f s, most packets meanwhile %lu",
		       gap, most);
		if (gap < MAX_GAP_S || most < MAX_GAP_PACKETS)
			break;
	}
	EXPECT_LT(0, moved(m));
	EXPECT_GT(PAIRS * (unsigned long)NUM, moved(m));
	EXPECT_GT(3, tries);
	close(fd);
	tap_free(&tap);
}

/*
 * Memory behind 509 guest addresses, all logged: noting a buffer takes 509
 * steps, and a pass ends after fewer packets.
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
		SKIP(return, "reads our counters");
	ASSERT_EQ(0, net_ns());
	ASSERT_EQ(0, tap_make(&tap, IFF_VNET_HDR, 1, 12));
	ASSERT_EQ(0, guest_init(&g, &cfg));
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
	guest_free(&g);
	tap_free(&tap);
}

TEST_HARNESS_MAIN
