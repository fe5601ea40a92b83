// SPDX-License-Identifier: GPL-2.0
/*
 * Assignment of queues to workers: vhost-scsi's four calls with its states and errnos
 * (the program also tests /dev/vhost-scsi if it exists), the initial layouts, changes of
 * workers under checked traffic, queues that share a worker.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "../../../../include/uapi/linux/vhost_tap.h"
#include "iotlb.h"
#include "pairs.h"
#include "stuck.h"
#include "threads.h"

static const struct guest_cfg qemu = { .features = F_QEMU };

/* Return: the worker's id, or -errno */
static int new_worker(int fd)
{
	unsigned int id = ~0U;

	return guest_ioctl(fd, VHOST_NEW_WORKER, &id) ?: (int)id;
}

static int free_worker(int fd, unsigned int id)
{
	return guest_ioctl(fd, VHOST_FREE_WORKER, &id);
}

static int worker_of(int fd, unsigned int vring)
{
	struct vhost_vring_worker w = { vring, ~0U };

	return guest_ioctl(fd, VHOST_GET_VRING_WORKER, &w) ?: (int)w.worker_id;
}

/* ---- vhost-scsi's calls ---- */

FIXTURE(calls) {
	int fd;
};

FIXTURE_VARIANT(calls) {
	const char *node;
};

FIXTURE_VARIANT_ADD(calls, vhost_tap) { .node = NULL };
FIXTURE_VARIANT_ADD(calls, vhost_scsi) { .node = "/dev/vhost-scsi" };

FIXTURE_SETUP(calls)
{
	if (!guest_is_ours())
		SKIP(return, "vhost-net lacks these calls");
	if (!node_has_owner_kind())
		SKIP(return, "this kernel has only kernel threads");
	if (variant->node)
		run("modprobe vhost_scsi 2>/dev/null");
	self->fd = open(variant->node ?: guest_node(), O_RDWR | O_CLOEXEC);
	if (self->fd < 0)
		SKIP(return, "no %s", variant->node);
}

FIXTURE_TEARDOWN(calls)
{
	close(self->fd);
}

TEST_F(calls, states_and_errnos)
{
	void *bad = (void *)8;
	int fd = self->fd, id, id2, status;
	pid_t pid;

	EXPECT_EQ(-EINVAL, new_worker(fd));
	EXPECT_EQ(-EINVAL, free_worker(fd, 0));
	EXPECT_EQ(-EINVAL, node_attach(fd, 0, 0));
	EXPECT_EQ(-EINVAL, node_attach(fd, 999, 0));
	EXPECT_EQ(-EINVAL, worker_of(fd, 0));
	EXPECT_EQ(-EINVAL, guest_ioctl(fd, VHOST_NEW_WORKER, bad));

	ASSERT_EQ(0, guest_ioctl(fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(0, worker_of(fd, 0));
	EXPECT_EQ(0, worker_of(fd, 1));
	EXPECT_EQ(-ENOBUFS, worker_of(fd, 4096));
	EXPECT_EQ(-ENOBUFS, node_attach(fd, ~0U, 0));
	EXPECT_EQ(-EBUSY, free_worker(fd, 0));
	EXPECT_EQ(-ENODEV, free_worker(fd, 1));
	EXPECT_EQ(-ENODEV, free_worker(fd, ~0U));
	EXPECT_EQ(-ENODEV, node_attach(fd, 0, 1));
	EXPECT_EQ(-ENODEV, node_attach(fd, 0, ~0U));
	EXPECT_EQ(-EFAULT, guest_ioctl(fd, VHOST_FREE_WORKER, bad));
	EXPECT_EQ(-EFAULT, guest_ioctl(fd, VHOST_ATTACH_VRING_WORKER, bad));
	EXPECT_EQ(-EFAULT, guest_ioctl(fd, VHOST_GET_VRING_WORKER, bad));

	/* In-tree keeps a worker whose id could not be stored. */
	EXPECT_EQ(-EFAULT, guest_ioctl(fd, VHOST_NEW_WORKER, bad));
	if (variant->node)
		free_worker(fd, 1);
	id = new_worker(fd);
	EXPECT_EQ(1, id);
	id2 = new_worker(fd);
	EXPECT_EQ(2, id2);
	EXPECT_EQ(0, node_attach(fd, 0, id));
	EXPECT_EQ(id, worker_of(fd, 0));
	EXPECT_EQ(0, worker_of(fd, 1));
	EXPECT_EQ(0, node_attach(fd, 0, id));
	EXPECT_EQ(-EBUSY, free_worker(fd, id));
	EXPECT_EQ(0, node_attach(fd, 0, id2));
	EXPECT_EQ(0, free_worker(fd, id));
	EXPECT_EQ(-ENODEV, node_attach(fd, 0, id));
	EXPECT_EQ(-ENODEV, free_worker(fd, id));
	/* The lowest free id is the next one. */
	EXPECT_EQ(id, new_worker(fd));

	/* Only the owner may call it. */
	pid = fork();
	if (!pid)
		_exit(new_worker(fd) != -EPERM || free_worker(fd, id) != -EPERM ||
		      node_attach(fd, 0, 0) != -EPERM || worker_of(fd, 0) != -EPERM);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(id2, worker_of(fd, 0));
	close(fd);
	EXPECT_TRUE(workers_gone(getpid()));
	self->fd = open(variant->node ?: guest_node(), O_RDWR | O_CLOEXEC);
}

/* Kernel threads do not belong to the client, so it cannot create more of them. */
TEST_F(calls, new_worker_needs_owner_threads)
{
	int fd = self->fd;

	if (node_set_kind(fd, 0))
		SKIP(return, "this kernel's vhost-scsi lacks the choice");
	ASSERT_EQ(0, guest_ioctl(fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(-EFAULT, new_worker(fd));
	EXPECT_EQ(0, worker_of(fd, 1));
	EXPECT_EQ(0, node_attach(fd, 1, 0));
}

/* ---- the layouts ---- */

FIXTURE(work) {
	struct pairs p;
};

FIXTURE_SETUP(work)
{
	self->p.fd = -1;
	if (!guest_is_ours())
		SKIP(return, "vhost-tap only");
	ASSERT_EQ(0, net_ns());
}

FIXTURE_TEARDOWN(work)
{
	pairs_free(&self->p);
}

TEST_F(work, layouts_assign_workers)
{
	static const struct {
		unsigned int layout, nr, workers, id[6];
	} want[] = {
		{ VHOST_TAP_WORKER_PER_PAIR, 0, 3, { 0, 0, 1, 1, 2, 2 } },
		{ VHOST_TAP_WORKER_PER_VRING, 0, 6, { 0, 1, 2, 3, 4, 5 } },
		{ VHOST_TAP_WORKERS_SHARED, 1, 1, { 0, 0, 0, 0, 0, 0 } },
		{ VHOST_TAP_WORKERS_SHARED, 2, 2, { 0, 0, 1, 1, 0, 0 } },
		{ VHOST_TAP_WORKERS_SHARED, 9, 3, { 0, 0, 1, 1, 2, 2 } },
	};
	struct pairs *p = &self->p;
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(want); i++) {
		ASSERT_EQ(0, pairs_open(p, 3));
		ASSERT_EQ(0, node_set_layout(p->fd, want[i].layout, want[i].nr));
		ASSERT_EQ(0, pairs_up(p, &qemu));
		EXPECT_EQ(want[i].workers, workers_of(getpid(), NULL));
		for (k = 0; k < 6; k++)
			EXPECT_EQ(want[i].id[k], worker_of(p->fd, k));
		EXPECT_TRUE(pairs_pass(p));
		EXPECT_EQ(-EBUSY, node_set_layout(p->fd, 0, 0));
		pairs_free(p);
		EXPECT_TRUE(workers_gone(getpid()));
	}
}

TEST_F(work, layout_errnos)
{
	int fd = open(guest_node(), O_RDWR | O_CLOEXEC);

	EXPECT_EQ(-EINVAL, node_set_layout(fd, 3, 0));
	EXPECT_EQ(-EINVAL, node_set_layout(fd, VHOST_TAP_WORKER_PER_PAIR, 1));
	EXPECT_EQ(-EINVAL, node_set_layout(fd, VHOST_TAP_WORKER_PER_VRING, 1));
	EXPECT_EQ(-EINVAL, node_set_layout(fd, VHOST_TAP_WORKERS_SHARED, 0));
	EXPECT_EQ(-EINVAL, node_set_layout(fd, VHOST_TAP_WORKERS_SHARED, 257));
	EXPECT_EQ(-EFAULT, guest_ioctl(fd, VHOST_TAP_SET_WORKERS, NULL));
	EXPECT_EQ(0, node_set_layout(fd, VHOST_TAP_WORKER_PER_VRING, 0));
	EXPECT_EQ(-EPERM, node_thread_of(fd, 0));
	ASSERT_EQ(0, guest_ioctl(fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(2, workers_of(getpid(), NULL));
	EXPECT_EQ(-ENOBUFS, node_thread_of(fd, 2));
	/* A reset restores the state after open(). */
	ASSERT_EQ(0, guest_ioctl(fd, VHOST_RESET_OWNER, NULL));
	ASSERT_TRUE(workers_gone(getpid()));
	ASSERT_EQ(0, guest_ioctl(fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(1, workers_of(getpid(), NULL));
	close(fd);
}

/* ---- changes under traffic ---- */

/* Each vring moves from worker to worker; no kick and no packet is lost. */
TEST_F_TIMEOUT(work, attach_under_traffic, 300)
{
	struct pairs *p = &self->p;
	unsigned int k;

	ASSERT_EQ(0, pairs_open(p, 2));
	ASSERT_EQ(0, node_set_layout(p->fd, VHOST_TAP_WORKER_PER_VRING, 0));
	ASSERT_EQ(0, pairs_up(p, &qemu));
	ASSERT_EQ(0, pairs_load(p));
	srand(2);
	for (k = 0; k < 400; k++) {
		unsigned int vring = rand() % 4, id = rand() % 4;

		ASSERT_EQ(0, node_attach(p->fd, vring, id));
		ASSERT_EQ(id, worker_of(p->fd, vring));
		if (k % 16 == 15) {
			ASSERT_TRUE(traffic_wait(&p->t[0], 1));
			ASSERT_TRUE(traffic_wait(&p->t[1], 1));
		}
	}
	EXPECT_EQ(0, pairs_stop(p));
	EXPECT_TRUE(pairs_pass(p));
}

/* Workers are created, serve queues and are freed; a freed one leaves nothing. */
TEST_F_TIMEOUT(work, new_and_free_under_traffic, 300)
{
	struct pairs *p = &self->p;
	int id, k;

	if (!node_has_owner_kind())
		SKIP(return, "this kernel has only kernel threads");
	ASSERT_EQ(0, pairs_open(p, 2));
	ASSERT_EQ(0, pairs_up(p, &qemu));
	ASSERT_EQ(0, pairs_load(p));
	for (k = 0; k < 60; k++) {
		unsigned int vring = k % 4, old = worker_of(p->fd, vring);

		id = new_worker(p->fd);
		ASSERT_LT(1, id);
		ASSERT_EQ(0, node_attach(p->fd, vring, id));
		if (k % 8 == 7)
			ASSERT_TRUE(traffic_wait(&p->t[vring / 2], 1));
		ASSERT_EQ(0, node_attach(p->fd, vring, old));
		ASSERT_EQ(0, free_worker(p->fd, id));
	}
	ASSERT_TRUE(traffic_wait(&p->t[0], 2));
	ASSERT_TRUE(traffic_wait(&p->t[1], 2));
	EXPECT_EQ(0, pairs_stop(p));
	EXPECT_EQ(2, workers_of(getpid(), NULL));
}

/* Queues on one worker take turns: a flood does not starve the other queue. */
TEST_F_TIMEOUT(work, fair_to_other_queues, 200)
{
	struct pairs *p = &self->p;
	int i;

	ASSERT_EQ(0, pairs_open(p, 4));
	ASSERT_EQ(0, node_set_layout(p->fd, VHOST_TAP_WORKERS_SHARED, 1));
	ASSERT_EQ(0, pairs_up(p, &qemu));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, traffic_start(&p->t[i], &p->g[i], p->tap[i].host,
					   true));
	ASSERT_EQ(0, traffic_start(&p->t[3], &p->g[3], p->tap[3].host, false));
	EXPECT_TRUE(traffic_wait(&p->t[3], 20));
	for (i = 0; i < 3; i++)
		EXPECT_TRUE(traffic_wait(&p->t[i], 3));
	EXPECT_EQ(0, pairs_stop(p));
}

static int set_busyloop(int fd, unsigned int vring, unsigned int us)
{
	return guest_vring_state(fd, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, vring,
				 us);
}

/*
 * The same while the worker polls: kicks are disabled for the other queue's driver, so
 * the worker must find its packets during the flood.
 */
TEST_F_TIMEOUT(work, fair_while_polling, 200)
{
	struct pairs *p = &self->p;
	int i;

	ASSERT_EQ(0, pairs_open(p, 2));
	ASSERT_EQ(0, node_set_layout(p->fd, VHOST_TAP_WORKERS_SHARED, 1));
	ASSERT_EQ(0, pairs_up(p, &qemu));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, set_busyloop(p->fd, i, 2000));
	ASSERT_EQ(0, traffic_start(&p->t[0], &p->g[0], p->tap[0].host, true));
	ASSERT_EQ(0, traffic_start(&p->t[1], &p->g[1], p->tap[1].host, false));
	EXPECT_TRUE(traffic_wait(&p->t[1], 20));
	EXPECT_TRUE(traffic_wait(&p->t[0], 3));
	/* Polling ends under load: kicks are enabled again and arrive. */
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, set_busyloop(p->fd, i, 0));
	EXPECT_TRUE(traffic_wait(&p->t[1], 20));
	EXPECT_EQ(0, pairs_stop(p));
	EXPECT_TRUE(pairs_pass(p));
}

/* A queue under load moves to its new worker; the former one becomes idle. */
TEST_F_TIMEOUT(work, former_worker_becomes_idle, 100)
{
	struct pairs *p = &self->p;
	int i, tid[2];
	uint64_t before;

	if (!thread_timeslices(getpid()))
		SKIP(return, "no timeslices in /proc/PID/schedstat");
	ASSERT_EQ(0, pairs_open(p, 2));
	ASSERT_EQ(0, pairs_up(p, &qemu));
	tid[0] = node_thread_of(p->fd, 0);
	tid[1] = node_thread_of(p->fd, 2);
	ASSERT_EQ(0, traffic_start(&p->t[0], &p->g[0], p->tap[0].host, true));
	ASSERT_TRUE(traffic_wait(&p->t[0], 3));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, node_attach(p->fd, i, 1));
	ASSERT_TRUE(traffic_wait(&p->t[0], 3));
	/* It may still have a pending bit and be yielding to others. */
	usleep(QUIET_MS * 1000);
	before = thread_timeslices(tid[0]);
	ASSERT_LT(0, before);
	ASSERT_TRUE(traffic_wait(&p->t[0], 10));
	/* On a slow machine a wake-up from before the move may come this late. */
	EXPECT_GE(before + 1, thread_timeslices(tid[0]));
	EXPECT_EQ(0, traffic_stop(&p->t[0]));
	EXPECT_EQ(tid[1], node_thread_of(p->fd, 0));
}

TEST_F_TIMEOUT(work, end_while_attaching, 200)
{
	struct pairs *p = &self->p;
	int i, k;

	for (k = 0; k < 6; k++) {
		ASSERT_EQ(0, pairs_open(p, 2));
		ASSERT_EQ(0, pairs_up(p, &qemu));
		for (i = 0; i < 2; i++)
			ASSERT_EQ(0, traffic_start(&p->t[i], &p->g[i],
						   p->tap[i].host, true));
		ASSERT_TRUE(traffic_wait(&p->t[k & 1], 2));
		for (i = 0; i < 4; i++)
			ASSERT_EQ(0, node_attach(p->fd, i, !(i / 2)));
		ASSERT_EQ(0, guest_ioctl(p->fd, VHOST_RESET_OWNER, NULL));
		pairs_stop(p);
		pairs_free(p);
		EXPECT_TRUE(workers_gone(getpid()));
	}
}

/* ---- the end of the workers ---- */

FIXTURE(ending) {
	struct pairs p;
	struct stuck at[2];
};

FIXTURE_VARIANT(ending) {
	uint8_t kind;
};

FIXTURE_VARIANT_ADD(ending, kthread) { .kind = 0 };
FIXTURE_VARIANT_ADD(ending, vhost_task) { .kind = 1 };

FIXTURE_SETUP(ending)
{
	static const struct guest_cfg big = {
		.features = F_QEMU, .num = { 512, 512 },
	};
	int i;

	self->p.fd = -1;
	if (!guest_is_ours())
		SKIP(return, "vhost-tap only");
	if (variant->kind && !node_has_owner_kind())
		SKIP(return, "this kernel has only kernel threads");
	if (stuck_open(&self->at[0]) || stuck_open(&self->at[1]))
		SKIP(return, "no userfaultfd");
	ASSERT_EQ(0, net_ns());
	ASSERT_EQ(0, pairs_open(&self->p, 2));
	ASSERT_EQ(0, node_set_kind(self->p.fd, variant->kind));
	ASSERT_EQ(0, pairs_up(&self->p, &big));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, stuck_page(&self->at[i], &self->p.g[i]));
}

FIXTURE_TEARDOWN(ending)
{
	pairs_free(&self->p);
}

static void *answer(void *arg)
{
	usleep(4 * QUIET_MS * 1000);
	stuck_end(arg);
	return NULL;
}

/*
 * Worker 1 is stuck in TX 0 and has a pending bit for TX 1, which worker 0 now serves
 * and which has more packets than a pass may handle. At the end of the workers, worker
 * 1 must pass this work on to a worker that may have ended before it.
 */
static int end_with_a_former_worker(struct pairs *p, struct stuck *at,
				    int (*end)(struct pairs *p))
{
	struct seg seg = { at[1].gpa, 100, false };
	pthread_t thread;
	int i;

	if (node_attach(p->fd, TX, 1) ||
	    stuck_tx(&at[1], &p->g[1]) || !stuck_wait(&at[1]) ||
	    stuck_tx(&at[0], &p->g[0]))
		return __LINE__;
	vq_kick_hard(&p->g[1].vq[TX]);
	if (stuck_end(&at[1]) || !stuck_wait(&at[0]) ||
	    node_attach(p->fd, 2 + TX, 0))
		return __LINE__;
	usleep(QUIET_MS * 1000);
	for (i = 0; i < 400; i++)
		if (vq_add(&p->g[1].vq[TX], &seg, 1, 0) < 0)
			return __LINE__;
	vq_publish(&p->g[1].vq[TX]);
	if (pthread_create(&thread, NULL, answer, &at[0]))
		return __LINE__;
	i = end(p) ? __LINE__ : 0;
	pthread_join(thread, NULL);
	return i;
}

static int reset(struct pairs *p)
{
	return guest_ioctl(p->fd, VHOST_RESET_OWNER, NULL);
}

static int close_all(struct pairs *p)
{
	unsigned int i;

	for (i = 0; i < p->nr; i++) {
		close(p->g[i].vhost);
		p->g[i].vhost = -1;
	}
	i = close(p->fd);
	p->fd = -1;
	return i;
}

TEST_F_TIMEOUT(ending, reset_with_a_former_worker, 100)
{
	ASSERT_EQ(0, end_with_a_former_worker(&self->p, self->at, reset));
	EXPECT_TRUE(workers_gone(getpid()));
}

TEST_F_TIMEOUT(ending, close_with_a_former_worker, 100)
{
	ASSERT_EQ(0, end_with_a_former_worker(&self->p, self->at, close_all));
	EXPECT_TRUE(workers_gone(getpid()));
}

/* ---- the module parameter numa= on a host with one node (numa_test needs two) ---- */

#define NUMA_PARAMETER	"/sys/module/vhost_tap/parameters/numa"

FIXTURE(one_node) {
	struct pairs p;
	cpu_set_t cpus;		/* of the process */
};

FIXTURE_VARIANT(one_node) {
	const char *follow;
	uint8_t kind;
	char backend;		/* tap, macvtap or packet socket */
};

FIXTURE_VARIANT_ADD(one_node, memory) { "memory", 1, 't' };
FIXTURE_VARIANT_ADD(one_node, memory_kthread) { "memory", 0, 't' };
FIXTURE_VARIANT_ADD(one_node, netdev_of_tap) { "netdev", 1, 't' };
FIXTURE_VARIANT_ADD(one_node, netdev_of_macvtap) { "netdev", 1, 'm' };
FIXTURE_VARIANT_ADD(one_node, netdev_of_packet_socket) { "netdev", 1, 'p' };

FIXTURE_SETUP(one_node)
{
	self->p.fd = -1;
	if (!guest_is_ours())
		SKIP(return, "vhost-tap only");
	if (variant->kind && !node_has_owner_kind())
		SKIP(return, "this kernel has only kernel threads");
	if (!access("/sys/devices/system/node/node1", F_OK))
		SKIP(return, "this host has two nodes");
	ASSERT_EQ(0, net_ns());
	ASSERT_EQ(0, sched_getaffinity(0, sizeof(self->cpus), &self->cpus));
	ASSERT_EQ(0, put_text(NUMA_PARAMETER, variant->follow));
}

FIXTURE_TEARDOWN(one_node)
{
	if (self->p.fd >= 0)
		pairs_free(&self->p);
	put_text(NUMA_PARAMETER, "off");
}

/* Return a macvtap or a packet socket on dummy9. */
static int other_backend(char kind, int hdr_len)
{
	int err;

	if (kind == 'p')
		return host_open("dummy9", 0);
	err = link_macvtap("mvt9", "dummy9", 4, 9009) ?: link_up("mvt9");
	return err ?: macvtap_open(9009, hdr_len);
}

/* A tap is in a bridge, below which a worker looks for a NIC. */
TEST_F(one_node, worker_keeps_its_cpus)
{
	struct pairs *p = &self->p;
	uint8_t f[100];
	cpu_set_t now;
	int fd, i;

	ASSERT_EQ(0, pairs_open(p, 1));
	ASSERT_EQ(0, node_set_kind(p->fd, variant->kind));
	ASSERT_EQ(0, pairs_own(p, &qemu));
	ASSERT_EQ(0, pairs_taps(p));
	ASSERT_EQ(0, run("ip link add br9 type bridge"));
	ASSERT_EQ(0, run("ip link add dummy9 type dummy"));
	ASSERT_EQ(0, link_up("dummy9"));
	if (variant->backend == 't') {
		ASSERT_EQ(0, run("ip link set dummy9 master br9"));
		ASSERT_EQ(0, run("ip link set %s master br9", p->tap[0].name));
		fd = p->tap[0].fd[0];
	} else {
		fd = other_backend(variant->backend, p->g[0].hdr_len);
		ASSERT_LE(0, fd);
	}
	ASSERT_EQ(0, guest_start(&p->g[0], fd));
	frame_raw(f, sizeof(f), 0);
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, guest_tx_sync(&p->g[0], NULL, f, sizeof(f)));
	ASSERT_EQ(0, sched_getaffinity(node_thread_of(p->fd, 0), sizeof(now), &now));
	EXPECT_TRUE(CPU_EQUAL(&self->cpus, &now));
	if (variant->backend != 't')
		close(fd);
}

/* The ring has I/O virtual addresses, so the node is that of the largest region. */
TEST_F(one_node, behind_an_iotlb)
{
	struct guest_cfg cfg = { .features = F_QEMU | F_ACCESS_PLATFORM };
	struct iotlb t;
	struct guest g;
	struct tap tap;

	ASSERT_EQ(0, tap_make(&tap, IFF_VNET_HDR, 1, 12));
	ASSERT_EQ(0, iotlb_up(&t, &g, &cfg, tap.fd[0]));
	EXPECT_TRUE(frame_out(&g, tap.host, 100, 1));
	iotlb_free(&t);
	guest_free(&g);
	tap_free(&tap);
}

TEST_F(one_node, parameter_is_checked)
{
	char now[16] = "";
	FILE *f;

	EXPECT_EQ(-EINVAL, put_text(NUMA_PARAMETER, "both"));
	f = fopen(NUMA_PARAMETER, "r");
	ASSERT_NE(NULL, f);
	EXPECT_EQ(1, fscanf(f, "%15s", now));
	fclose(f);
	EXPECT_STREQ(variant->follow, now);
}

TEST_HARNESS_MAIN
