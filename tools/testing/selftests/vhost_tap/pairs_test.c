// SPDX-License-Identifier: GPL-2.0
/*
 * One file with many queue pairs: results of the calls, pairs that start and stop while
 * others carry checked traffic, and state of the file (memory, features, reset, end)
 * that applies to every pair.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "../../../../include/uapi/linux/vhost_tap.h"
#include "pairs.h"
#include "threads.h"

static const struct guest_cfg qemu = { .features = F_QEMU };
/* Many pairs: little memory each, because of the limits of locked memory. */
static const struct guest_cfg small = {
	.features = F_QEMU, .num = { 64, 64 }, .mem_len = 1 << 20,
};

static int open_node(void)
{
	return open(guest_node(), O_RDWR | O_CLOEXEC);
}

/* ---- the calls ---- */

TEST(set_queue_pairs_errnos)
{
	struct vhost_tap_queue_pairs odd = { .nr = 2, .reserved = 1 };
	struct vhost_tap_info info = { .size = sizeof(info) };
	uint64_t features = F_VERSION_1;
	int fd = open_node();

	if (!guest_is_ours())
		SKIP(return, "vhost-tap only");
	ASSERT_EQ(0, guest_ioctl(fd, VHOST_TAP_GET_INFO, &info));
	EXPECT_LE(3, info.version);
	EXPECT_TRUE(info.caps & VHOST_TAP_CAP_QUEUE_PAIRS);
	EXPECT_EQ(256, info.max_pairs);
	EXPECT_EQ(0, info.reserved);

	EXPECT_EQ(-EINVAL, node_set_pairs(fd, 0));
	EXPECT_EQ(-EINVAL, node_set_pairs(fd, info.max_pairs + 1));
	EXPECT_EQ(-EINVAL, node_set_pairs(fd, ~0U));
	EXPECT_EQ(-EINVAL, guest_ioctl(fd, VHOST_TAP_SET_QUEUE_PAIRS, &odd));
	EXPECT_EQ(-EFAULT, guest_ioctl(fd, VHOST_TAP_SET_QUEUE_PAIRS, NULL));
	EXPECT_EQ(0, node_set_pairs(fd, info.max_pairs));
	EXPECT_EQ(0, node_set_pairs(fd, 3));

	ASSERT_EQ(0, guest_ioctl(fd, VHOST_SET_FEATURES, &features));
	EXPECT_EQ(-EBUSY, node_set_pairs(fd, 2));
	features = 0;
	ASSERT_EQ(0, guest_ioctl(fd, VHOST_SET_FEATURES, &features));
	EXPECT_EQ(0, node_set_pairs(fd, 2));

	ASSERT_EQ(0, guest_ioctl(fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(-EBUSY, node_set_pairs(fd, 2));
	EXPECT_EQ(0, guest_get_base(fd, 3));
	EXPECT_EQ(-ENOBUFS, guest_get_base(fd, 4));
	EXPECT_EQ(-ENOBUFS, guest_vring_file(fd, VHOST_NET_SET_BACKEND, 4, -1));
	EXPECT_EQ(0, guest_vring_file(fd, VHOST_NET_SET_BACKEND, 3, -1));

	/* A reset restores the state after open(). */
	ASSERT_EQ(0, guest_ioctl(fd, VHOST_RESET_OWNER, NULL));
	ASSERT_EQ(0, guest_ioctl(fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(0, guest_get_base(fd, 1));
	EXPECT_EQ(-ENOBUFS, guest_get_base(fd, 2));
	close(fd);
}

/* A client may try the call on any vhost file; vhost-net must not be affected. */
TEST(vhost_net_refuses_calls)
{
	int fd = open("/dev/vhost-net", O_RDWR | O_CLOEXEC), owned;
	struct vhost_tap_info info = { .size = sizeof(info) };
	struct guest_cfg cfg = qemu;
	uint8_t f[100], got[200];
	struct guest g;
	unsigned int nr;
	struct tap t;

	if (fd < 0)
		SKIP(return, "no /dev/vhost-net");
	for (owned = 0; owned < 2; owned++) {
		for (nr = 1; nr <= 4; nr++)
			EXPECT_GT(0, node_set_pairs(fd, nr));
		EXPECT_GT(0, guest_ioctl(fd, VHOST_TAP_GET_INFO, &info));
		EXPECT_EQ(sizeof(info), info.size);
		EXPECT_EQ(0, info.version);
		if (!owned)
			ASSERT_EQ(0, guest_ioctl(fd, VHOST_SET_OWNER, NULL));
	}
	close(fd);

	/* It then works as if the call had not happened. */
	ASSERT_EQ(0, setenv("VTAP_NODE", "/dev/vhost-net", 1));
	ASSERT_EQ(0, guest_on_tap(&g, &t, &cfg));
	EXPECT_GT(0, node_set_pairs(g.vhost, 2));
	ASSERT_EQ(0, guest_start(&g, t.fd[0]));
	frame_raw(f, 100, 1);
	ASSERT_EQ(0, guest_tx_sync(&g, NULL, f, 100));
	EXPECT_EQ(100, host_recv(t.host, got, sizeof(got), WAIT_MS));
	guest_off_tap(&g, &t);
	unsetenv("VTAP_NODE");
}

/* ---- traffic ---- */

FIXTURE(pairs) {
	struct pairs p;
};

FIXTURE_SETUP(pairs)
{
	self->p.fd = -1;
	if (!guest_is_ours())
		SKIP(return, "vhost-tap only");
	ASSERT_EQ(0, net_ns());
}

FIXTURE_TEARDOWN(pairs)
{
	pairs_free(&self->p);
}

static int up(struct pairs *p, unsigned int nr, const struct guest_cfg *cfg)
{
	return pairs_open(p, nr) ?: pairs_own(p, cfg) ?: pairs_taps(p);
}

static int load_on(struct pairs *p, unsigned int i, bool is_flood)
{
	return traffic_start(&p->t[i], &p->g[i], p->tap[i].host, is_flood);
}

TEST_F(pairs, one_worker_for_each_pair)
{
	struct pairs *p = &self->p;
	long tid[4];
	int i, k;

	ASSERT_EQ(0, up(p, 4, &qemu));
	EXPECT_EQ(4, workers_of(getpid(), NULL));
	for (i = 0; i < 4; i++) {
		char name[8];

		snprintf(name, sizeof(name), i ? "rx%d" : "rx", i);
		tid[i] = guest_stat(&p->g[i], name, "worker_tid");
		name[0] = 't';
		EXPECT_EQ(tid[i], guest_stat(&p->g[i], name, "worker_tid"));
		EXPECT_LT(0, tid[i]);
		for (k = 0; k < i; k++)
			EXPECT_NE(tid[k], tid[i]);
	}
	EXPECT_EQ(4, guest_stat(&p->g[0], "state", "pairs"));
	EXPECT_EQ(tid[0], guest_stat(&p->g[0], "state", "worker_tid"));
	pairs_free(p);
	EXPECT_TRUE(workers_gone(getpid()));
}

/* Each pair stops and starts at its base, while all carry traffic. */
TEST_F_TIMEOUT(pairs, pairs_start_and_stop_independently, 200)
{
	struct pairs *p = &self->p;
	int i, k, base;

	ASSERT_EQ(0, up(p, 4, &qemu));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, pairs_start(p, i));
		ASSERT_EQ(0, load_on(p, i, false));
	}
	for (k = 0; k < 40; k++) {
		struct guest *g = &p->g[k % 4];
		int vq = k / 4 % 2;

		ASSERT_EQ(0, guest_attach(g, vq, -1));
		base = guest_get_base(g->vhost, g->vq[vq].index);
		ASSERT_EQ(vq_used_idx(&g->vq[vq]), base);
		/* The others do not wait for it. */
		if (k % 8 == 7) {
			for (i = 0; i < 4; i++)
				if (i != k % 4)
					ASSERT_TRUE(traffic_wait(&p->t[i], 2));
		}
		ASSERT_EQ(0, guest_vq_setup(g, vq, base));
		ASSERT_EQ(0, guest_attach(g, vq, p->tap[k % 4].fd[0]));
	}
	for (i = 0; i < 4; i++) {
		EXPECT_TRUE(traffic_wait(&p->t[i], 2));
		EXPECT_EQ(0, traffic_stop(&p->t[i]));
	}
}

/* As ethtool -L does: stop pairs from the last one down, then start them. */
TEST_F_TIMEOUT(pairs, number_of_pairs_changes, 200)
{
	struct pairs *p = &self->p;
	int i, k;

	ASSERT_EQ(0, up(p, 4, &qemu));
	ASSERT_EQ(0, pairs_start(p, 0));
	ASSERT_EQ(0, load_on(p, 0, false));
	for (k = 0; k < 6; k++) {
		for (i = 1; i < 4; i++) {
			ASSERT_EQ(0, guest_restart(&p->g[i], p->tap[i].fd[0]));
			ASSERT_EQ(0, guest_rx_post(&p->g[i], 32, 2048));
			ASSERT_EQ(0, load_on(p, i, false));
		}
		for (i = 3; i > 0; i--) {
			ASSERT_TRUE(traffic_wait(&p->t[i], 2));
			ASSERT_EQ(0, traffic_stop(&p->t[i]));
			ASSERT_EQ(0, guest_stop(&p->g[i]));
		}
		ASSERT_TRUE(traffic_wait(&p->t[0], 2));
	}
	EXPECT_EQ(0, traffic_stop(&p->t[0]));
}

/* Memory, features and addresses of all pairs change. */
TEST_F_TIMEOUT(pairs, live_changes, 200)
{
	struct pairs *p = &self->p;
	uint64_t features = qemu.features;
	int i, k;

	ASSERT_EQ(0, up(p, 3, &qemu));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, pairs_start(p, i));
		ASSERT_EQ(0, load_on(p, i, false));
	}
	for (k = 0; k < 60; k++) {
		ASSERT_EQ(0, guest_ioctl(p->fd, VHOST_SET_MEM_TABLE, p->table));
		ASSERT_EQ(0, guest_ioctl(p->fd, VHOST_SET_FEATURES, &features));
		ASSERT_EQ(0, guest_set_addr(&p->g[k % 3], k & 1));
		if (k % 8 == 7)
			ASSERT_TRUE(traffic_wait(&p->t[k % 3], 1));
	}
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, traffic_stop(&p->t[i]));

	/* One ring without memory makes the call fail with EFAULT and no effect. */
	p->table->nregions = 1;
	p->table->regions[0].userspace_addr = -4096ULL;
	EXPECT_EQ(-EFAULT, guest_ioctl(p->fd, VHOST_SET_MEM_TABLE, p->table));
	for (i = 0; i < 3; i++)
		EXPECT_TRUE(traffic_once(&p->g[i], p->tap[i].host));
}

/* The ring of one pair breaks; the others continue. */
TEST_F(pairs, broken_pair_does_not_stop_others)
{
	struct pairs *p = &self->p;
	struct vq *q;

	ASSERT_EQ(0, up(p, 2, &qemu));
	ASSERT_EQ(0, pairs_start(p, 0));
	ASSERT_EQ(0, pairs_start(p, 1));
	ASSERT_TRUE(traffic_once(&p->g[1], p->tap[1].host));
	q = &p->g[1].vq[TX];
	q->avail->idx += q->num + 1;
	vq_kick_hard(q);
	EXPECT_TRUE(fd_wait(q->err, WAIT_MS));
	EXPECT_EQ(1, guest_stat(&p->g[1], "tx1", "broken"));
	EXPECT_EQ(0, guest_stat(&p->g[1], "tx", "broken"));
	EXPECT_TRUE(traffic_once(&p->g[0], p->tap[0].host));
}

/* ---- one multi-queue tap ---- */

#define PORT(i)		(5000 + 17 * (i))

/* A UDP frame of pair @i to the host, or with @back in the other direction. */
static size_t flow(uint8_t *f, int i, bool back, struct virtio_net_hdr *hdr)
{
	size_t len = frame_l4(f, 100, false, IPPROTO_UDP, i, hdr);
	uint16_t port = htons(PORT(i)), swap;
	uint8_t addr[4];

	memcpy(f + 34, &port, 2);
	if (!back)
		return len;
	memcpy(addr, f + 26, 4);
	memcpy(f + 26, f + 30, 4);
	memcpy(f + 30, addr, 4);
	memcpy(&swap, f + 36, 2);
	memcpy(f + 36, &port, 2);
	memcpy(f + 34, &swap, 2);
	return len;
}

TEST_F(pairs, multi_queue_tap)
{
	struct virtio_net_hdr_mrg_rxbuf h = {};
	uint8_t f[2048], got[2048];
	struct pairs *p = &self->p;
	int host, i, k;
	struct tap mq;
	size_t len;

	ASSERT_EQ(0, pairs_open(p, 8));
	ASSERT_EQ(0, pairs_own(p, &qemu));
	ASSERT_EQ(0, tap_make_named(&mq, "mq0", IFF_VNET_HDR | IFF_MULTI_QUEUE,
				    8, 12));
	host = host_open("mq0", HOST_ALL);
	ASSERT_LE(0, host);
	for (i = 0; i < 8; i++) {
		ASSERT_EQ(0, guest_start(&p->g[i], mq.fd[i]));
		ASSERT_EQ(0, guest_rx_post(&p->g[i], 64, 2048));
	}
	for (i = 0; i < 8; i++) {
		len = flow(f, i, false, &h.hdr);
		for (k = 0; k < 3; k++) {
			ASSERT_EQ(0, guest_tx_sync(&p->g[i], &h, f, len));
			ASSERT_TRUE(frame_same(got, host_recv(host, got,
							      sizeof(got), WAIT_MS),
					       f, len));
		}
		usleep(20000);	/* the flow entry appears after RCU */
		flow(f, i, true, &h.hdr);
		ASSERT_EQ(0, host_send(host, f, len));
		EXPECT_TRUE(frame_same(got, guest_rx(&p->g[i], NULL, got,
						     sizeof(got), WAIT_MS),
				       f, len)) {
			TH_LOG("pair %d", i);
		}
	}
	close(host);
	tap_free(&mq);
}

/* ---- the end, and limits ---- */

TEST_F_TIMEOUT(pairs, reset_owner_under_load, 200)
{
	struct pairs *p = &self->p;
	int i, k;

	for (k = 0; k < 4; k++) {
		ASSERT_EQ(0, up(p, 4, &qemu));
		for (i = 0; i < 4; i++) {
			ASSERT_EQ(0, pairs_start(p, i));
			ASSERT_EQ(0, load_on(p, i, true));
		}
		for (i = 0; i < 4; i++)
			ASSERT_TRUE(traffic_wait(&p->t[i], 3));
		if (k & 1)
			ASSERT_EQ(0, guest_ioctl(p->fd, VHOST_RESET_OWNER, NULL));
		for (i = 0; i < 4; i++)
			traffic_stop(&p->t[i]);
		pairs_free(p);
		EXPECT_TRUE(workers_gone(getpid()));
	}
}

TEST_F_TIMEOUT(pairs, owner_killed_under_load, 200)
{
	struct pairs *p = &self->p;
	struct child child;
	bool failed;
	int i, k;

	for (k = 0; k < 3; k++) {
		if (!child_fork(&child)) {
			failed = up(p, 4, &qemu);
			for (i = 0; !failed && i < 4; i++)
				failed = pairs_start(p, i) || load_on(p, i, true) ||
					 !traffic_wait(&p->t[i], 3);
			child_report(&child, failed);
		}
		ASSERT_TRUE(child_is_ready(&child));
		ASSERT_TRUE(child_kill(&child));
		EXPECT_TRUE(workers_gone(child.pid));
	}
}

TEST_F_TIMEOUT(pairs, maximum_number_of_pairs, 300)
{
	struct rlimit files = { 8192, 8192 };
	struct pairs *p = &self->p;
	int i;

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	ASSERT_EQ(0, up(p, PAIRS_MAX, &small));
	EXPECT_EQ(PAIRS_MAX, workers_of(getpid(), NULL));
	for (i = 0; i < PAIRS_MAX; i++)
		ASSERT_EQ(0, guest_start(&p->g[i], p->tap[i].fd[0]));
	for (i = 0; i < PAIRS_MAX; i++)
		ASSERT_TRUE(traffic_once(&p->g[i], p->tap[i].host));
	EXPECT_EQ(-ENOBUFS, guest_get_base(p->fd, 2 * PAIRS_MAX));
	pairs_free(p);
	EXPECT_TRUE(workers_gone(getpid()));
}

/* No thread is left half-way: no owner, no worker, and a later try works. */
TEST_F(pairs, thread_limit_is_reported)
{
	struct pairs *p = &self->p;
	struct rlimit few = { 20, 20 };
	int fd, status, kthreads;
	uint8_t kind = 1;
	pid_t pid;

	fd = open_node();
	kthreads = guest_ioctl(fd, VHOST_SET_FORK_FROM_OWNER, &kind);
	close(fd);
	if (kthreads)
		SKIP(return, "kernel threads do not count as the owner's");
	pid = fork();
	if (!pid) {
		fd = open_node();
		if (node_set_pairs(fd, 64) || setrlimit(RLIMIT_NPROC, &few) ||
		    setuid(65534))
			_exit(1);
		if (guest_ioctl(fd, VHOST_SET_OWNER, NULL) != -ENOMEM)
			_exit(2);
		if (!workers_gone(getpid()))
			_exit(3);
		if (node_set_pairs(fd, 4) ||
		    guest_ioctl(fd, VHOST_SET_OWNER, NULL))
			_exit(4);
		if (workers_of(getpid(), NULL) != 4)
			_exit(5);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status >> 8);
	EXPECT_TRUE(workers_gone(pid));
	ASSERT_EQ(0, up(p, 2, &qemu));
}

static void on_alarm(int sig)
{
}

/* Many threads take a while; a caller with a timer still becomes the owner. */
TEST_F_TIMEOUT(pairs, owner_with_a_timer, 100)
{
	static const struct itimerval off, often = {
		.it_interval.tv_usec = 3000, .it_value.tv_usec = 3000,
	};
	struct sigaction act = { .sa_handler = on_alarm };
	int i, fd;

	ASSERT_EQ(0, sigaction(SIGALRM, &act, NULL));
	for (i = 0; i < 5; i++) {
		fd = open_node();
		ASSERT_EQ(0, node_set_pairs(fd, 64));
		ASSERT_EQ(0, setitimer(ITIMER_REAL, &often, NULL));
		EXPECT_EQ(0, guest_ioctl(fd, VHOST_SET_OWNER, NULL));
		ASSERT_EQ(0, setitimer(ITIMER_REAL, &off, NULL));
		EXPECT_EQ(64, workers_of(getpid(), NULL));
		close(fd);
	}
	ASSERT_EQ(0, up(&self->p, 1, &qemu));
}

TEST_HARNESS_MAIN
