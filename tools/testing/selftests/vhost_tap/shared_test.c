// SPDX-License-Identifier: GPL-2.0
/*
 * Shared threads (module parameter shared_threads=): the files of a process, each with
 * one queue pair as in QEMU, run their workers in a few threads.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "../../../../include/uapi/linux/vhost_tap.h"
#include "genl.h"
#include "load.h"
#include "pairs.h"
#include "stuck.h"
#include "threads.h"

#define NR_FILES	6
#define PARAMETER	"/sys/module/vhost_tap/parameters/shared_threads"

static const struct guest_cfg qemu = { .features = F_QEMU, .mem_len = 2 << 20 };

/* Take the next line number as the name of a failed step. */
#define DO(x)	do { if (x) return __LINE__; } while (0)

static int open_file(struct pairs *p, uint8_t kind)
{
	return pairs_open(p, 1) ?: node_set_kind(p->fd, kind);
}

/* Own the file, and connect it with tap number @i. */
static int own_file(struct pairs *p, int i)
{
	char name[16];

	snprintf(name, sizeof(name), "share%d", i);
	return pairs_own(p, &qemu) ?:
	       tap_make_named(&p->tap[0], name, IFF_VNET_HDR, 1, p->g[0].hdr_len) ?:
	       pairs_start(p, 0);
}

FIXTURE(shared) {
	struct pairs p[NR_FILES];
};

FIXTURE_VARIANT(shared) {
	uint8_t kind;
};

FIXTURE_VARIANT_ADD(shared, kthread) { .kind = 0 };
FIXTURE_VARIANT_ADD(shared, vhost_task) { .kind = 1 };

FIXTURE_SETUP(shared)
{
	int i;

	for (i = 0; i < NR_FILES; i++)
		self->p[i].fd = -1;
	if (!guest_is_ours())
		SKIP(return, "vhost-tap only");
	if (variant->kind && !node_has_owner_kind())
		SKIP(return, "this kernel has only kernel threads");
	ASSERT_EQ(0, net_ns());
}

FIXTURE_TEARDOWN(shared)
{
	int i;

	for (i = 0; i < NR_FILES; i++) {
		if (self->p[i].fd >= 0)
			pairs_free(&self->p[i]);
	}
	put_text(PARAMETER, "0");
}

/* Open all files with @threads for all of them. */
static int bring_up(struct pairs *p, uint8_t kind, const char *threads)
{
	int i;

	DO(put_text(PARAMETER, threads));
	for (i = 0; i < NR_FILES; i++) {
		DO(open_file(&p[i], kind));
		DO(own_file(&p[i], i));
	}
	return 0;
}

/* Return: how many of the files have the thread of file @i */
static int nr_with_thread_of(struct pairs *p, int i)
{
	int tid = node_thread_of(p[i].fd, 0), k, nr = 0;

	for (k = 0; k < NR_FILES; k++)
		nr += node_thread_of(p[k].fd, 0) == tid && node_thread_of(p[k].fd, 1) == tid;
	return nr;
}

/* Idle pairs cost no thread, and all queues move packets. */
TEST_F_TIMEOUT(shared, two_threads_for_six_files, 120)
{
	int i;

	ASSERT_EQ(0, bring_up(self->p, variant->kind, "2"));
	EXPECT_EQ(2, workers_of(getpid(), NULL));
	for (i = 0; i < NR_FILES; i++) {
		EXPECT_EQ(NR_FILES / 2, nr_with_thread_of(self->p, i));
		EXPECT_TRUE(pairs_pass(&self->p[i]));
	}
	for (i = 0; i < NR_FILES; i++)
		ASSERT_EQ(0, pairs_load(&self->p[i]));
	for (i = 0; i < NR_FILES; i++)
		EXPECT_TRUE(traffic_wait(&self->p[i].t[0], 50));
	for (i = 0; i < NR_FILES; i++)
		EXPECT_EQ(0, pairs_stop(&self->p[i]));
}

/* The other files keep their traffic, and the last one ends the thread. */
TEST_F_TIMEOUT(shared, close_in_any_order, 120)
{
	static const int order[] = { 3, 0, 5, 1, 4, 2 };
	int i, k;

	ASSERT_EQ(0, bring_up(self->p, variant->kind, "1"));
	for (i = 0; i < NR_FILES; i++)
		ASSERT_EQ(0, pairs_load(&self->p[i]));
	for (i = 0; i < NR_FILES; i++) {
		EXPECT_EQ(1, workers_of(getpid(), NULL));
		EXPECT_EQ(0, pairs_stop(&self->p[order[i]]));
		if (i % 2)
			EXPECT_EQ(0, guest_ioctl(self->p[order[i]].fd, VHOST_RESET_OWNER, NULL));
		pairs_free(&self->p[order[i]]);
		for (k = i + 1; k < NR_FILES; k++)
			EXPECT_TRUE(traffic_wait(&self->p[order[k]].t[0], 5));
	}
	EXPECT_TRUE(workers_gone(getpid()));
}

/* A thread that lost its workers gets the next one. */
TEST_F(shared, idle_thread_is_used_again)
{
	ASSERT_EQ(0, bring_up(self->p, variant->kind, "3"));
	EXPECT_EQ(3, workers_of(getpid(), NULL));
	pairs_free(&self->p[1]);
	pairs_free(&self->p[4]);	/* both had the second thread */
	EXPECT_EQ(3, workers_of(getpid(), NULL));
	ASSERT_EQ(0, open_file(&self->p[1], variant->kind));
	ASSERT_EQ(0, own_file(&self->p[1], 1));
	EXPECT_EQ(3, workers_of(getpid(), NULL));
	ASSERT_EQ(0, open_file(&self->p[4], variant->kind));
	ASSERT_EQ(0, own_file(&self->p[4], 4));
	EXPECT_EQ(2, nr_with_thread_of(self->p, 1));
	EXPECT_TRUE(pairs_pass(&self->p[1]));
}

/* The parameter does not change what clients ask for, nor files with an owner. */
TEST_F(shared, other_workers_have_threads_of_their_own)
{
	struct vhost_worker_state w = { 0 };
	struct pairs *p = self->p;

	ASSERT_EQ(0, open_file(&p[0], variant->kind));
	ASSERT_EQ(0, own_file(&p[0], 0));
	ASSERT_EQ(0, put_text(PARAMETER, "1"));
	ASSERT_EQ(0, open_file(&p[1], variant->kind));
	ASSERT_EQ(0, node_set_layout(p[1].fd, VHOST_TAP_WORKERS_SHARED, 1));
	ASSERT_EQ(0, own_file(&p[1], 1));
	EXPECT_EQ(2, workers_of(getpid(), NULL));
	ASSERT_EQ(0, open_file(&p[2], variant->kind));
	ASSERT_EQ(0, own_file(&p[2], 2));
	ASSERT_EQ(0, open_file(&p[3], variant->kind));
	ASSERT_EQ(0, own_file(&p[3], 3));
	EXPECT_EQ(3, workers_of(getpid(), NULL));
	EXPECT_EQ(node_thread_of(p[2].fd, 0), node_thread_of(p[3].fd, 1));
	/* A worker that the client creates takes over, and the shared one ends. */
	if (variant->kind) {
		ASSERT_EQ(0, guest_ioctl(p[3].fd, VHOST_NEW_WORKER, &w));
		EXPECT_EQ(4, workers_of(getpid(), NULL));
		ASSERT_EQ(0, node_attach(p[3].fd, 0, w.worker_id));
		ASSERT_EQ(0, node_attach(p[3].fd, 1, w.worker_id));
		EXPECT_NE(node_thread_of(p[2].fd, 0), node_thread_of(p[3].fd, 0));
		w.worker_id = 0;
		EXPECT_EQ(0, guest_ioctl(p[3].fd, VHOST_FREE_WORKER, &w));
		EXPECT_TRUE(pairs_pass(&p[3]));
	}
	EXPECT_TRUE(pairs_pass(&p[2]));
	EXPECT_EQ(-EINVAL, put_text(PARAMETER, "65"));
	EXPECT_EQ(-EINVAL, put_text(PARAMETER, "-1"));
}

/* A thread has at most 256 workers. The next one has a thread of its own. */
TEST_F(shared, thread_is_full)
{
	struct pairs *p = self->p;

	ASSERT_EQ(0, put_text(PARAMETER, "1"));
	ASSERT_EQ(0, open_file(&p[0], variant->kind));
	ASSERT_EQ(0, node_set_pairs(p[0].fd, 256));
	ASSERT_EQ(0, guest_ioctl(p[0].fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(1, workers_of(getpid(), NULL));
	ASSERT_EQ(0, open_file(&p[1], variant->kind));
	ASSERT_EQ(0, own_file(&p[1], 1));
	EXPECT_EQ(2, workers_of(getpid(), NULL));
	EXPECT_TRUE(pairs_pass(&p[1]));
}

/* A polling worker stops when another one has packets. */
TEST_F_TIMEOUT(shared, polling_worker_yields, 120)
{
	struct vhost_vring_state us = { .num = 100000 };
	struct pairs *p = self->p;
	int64_t start;
	int i;

	ASSERT_EQ(0, bring_up(p, variant->kind, "1"));
	for (us.index = 0; us.index < 2; us.index++)
		ASSERT_EQ(0, guest_ioctl(p[0].fd, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, &us));
	start = now_ms();
	for (i = 0; i < 20; i++) {
		EXPECT_TRUE(pairs_pass(&p[0]));
		EXPECT_TRUE(pairs_pass(&p[1]));
	}
	/* Each of the 40 packets of file 1 would wait for 100 ms. */
	EXPECT_GT(3000, now_ms() - start) {
		TH_LOG("%ld ms", (long)(now_ms() - start));
	}
}

/* ---- moves ---- */

#define NR_MOVES	10000
/* Files with traffic; each has two busy threads of the test. */
#define NR_LOADS	1

/* Ask for a move of the worker of a file. Return: 0 or -errno */
static int move(int nl, const struct pairs *p, int tid)
{
	const struct genl_attr attr[] = {
		{ VHOST_TAP_A_WORKER_DEVICE, genl_device(&p->g[0]) },
		{ VHOST_TAP_A_WORKER_INDEX, 0 },
		{ VHOST_TAP_A_WORKER_TID, tid },
	};

	return genl_set(nl, VHOST_TAP_CMD_WORKER_SET, attr, 3);
}

static int shared_tids(int nl, const struct pairs *p, uint64_t *tid, unsigned int nr)
{
	return genl_get(nl, VHOST_TAP_CMD_WORKER_GET, genl_device(&p->g[0]), 0,
			VHOST_TAP_A_WORKER_SHARED_TIDS, tid, nr);
}

TEST_F(shared, moves_are_checked)
{
	struct pairs *p = self->p;
	uint64_t tid[3];
	int nl, own;

	ASSERT_EQ(0, bring_up(p, variant->kind, "2"));
	nl = genl_open();
	ASSERT_LE(0, nl);
	ASSERT_EQ(2, shared_tids(nl, &p[0], tid, 3));
	EXPECT_TRUE(node_thread_of(p[0].fd, 0) == (int)tid[0]);
	EXPECT_TRUE(node_thread_of(p[1].fd, 0) == (int)tid[1]);
	EXPECT_EQ(0, move(nl, &p[0], tid[0]));
	EXPECT_EQ(-ESRCH, move(nl, &p[0], getpid()));
	EXPECT_EQ(-ESRCH, move(nl, &p[0], 0));
	EXPECT_EQ(-ESRCH, move(nl, &p[0], -1));
	EXPECT_EQ(0, move(nl, &p[0], tid[1]));
	EXPECT_TRUE(wait_for(node_thread_of(p[0].fd, 0) == (int)tid[1]));
	EXPECT_EQ(4, nr_with_thread_of(p, 1));
	EXPECT_TRUE(pairs_pass(&p[0]));
	/* Neither a worker with a thread of its own, nor to such a thread. */
	pairs_free(&p[5]);
	put_text(PARAMETER, "0");
	ASSERT_EQ(0, open_file(&p[5], variant->kind));
	ASSERT_EQ(0, own_file(&p[5], 5));
	own = node_thread_of(p[5].fd, 0);
	EXPECT_EQ(0, shared_tids(nl, &p[5], tid, 3));
	EXPECT_EQ(-EOPNOTSUPP, move(nl, &p[5], tid[0]));
	EXPECT_EQ(-ESRCH, move(nl, &p[0], own));
	/* A thread without workers stays, and can get some again. */
	EXPECT_EQ(0, move(nl, &p[2], tid[1]));
	EXPECT_EQ(0, move(nl, &p[4], tid[1]));
	EXPECT_TRUE(wait_for(nr_with_thread_of(p, 1) == 5));
	EXPECT_EQ(2, shared_tids(nl, &p[0], tid, 3));
	EXPECT_EQ(0, move(nl, &p[3], tid[0]));
	EXPECT_TRUE(wait_for(node_thread_of(p[3].fd, 0) == (int)tid[0]));
	EXPECT_TRUE(pairs_pass(&p[3]));
	close(nl);
}

/* Each worker has moved before its next move. No frame is lost or overtaken. */
TEST_F_TIMEOUT(shared, moves_under_load, 500)
{
	int i, nl, nr = 3, round, to[NR_FILES];
	struct load load[NR_LOADS] = {};
	struct pairs *p = self->p;
	uint64_t tid[3];

	ASSERT_EQ(0, bring_up(p, variant->kind, "3"));
	nl = genl_open();
	ASSERT_LE(0, nl);
	ASSERT_EQ(nr, shared_tids(nl, &p[0], tid, 3));
	for (i = 0; i < NR_FILES; i++) {
		to[i] = i % nr;
		ASSERT_EQ(to[i], node_thread_of(p[i].fd, 0) == (int)tid[to[i]] ? to[i] : -1);
		if (i < NR_LOADS)
			ASSERT_EQ(0, load_start(&load[i], &p[i].g[0], p[i].tap[0].host));
	}
	for (round = 0; round * NR_FILES < NR_MOVES; round++) {
		for (i = 0; i < NR_FILES; i++) {
			to[i] = (to[i] + 1 + (round + i) % 2) % nr;
			ASSERT_EQ(0, move(nl, &p[i], tid[to[i]]));
		}
		for (i = 0; i < NR_FILES; i++)
			ASSERT_TRUE(wait_for(node_thread_of(p[i].fd, 0) == (int)tid[to[i]]));
	}
	for (i = 0; i < NR_LOADS; i++) {
		EXPECT_TRUE(load_wait(&load[i], 100));
		EXPECT_EQ(0, load_stop(&load[i]));
		TH_LOG("%lu frames to the guest, %lu from it", load[i].moved[0],
		       load[i].moved[1]);
	}
	for (i = NR_LOADS; i < NR_FILES; i++)
		EXPECT_TRUE(pairs_pass(&p[i]));
	close(nl);
}

/* The time in passes of a busy queue grows, and that of an idle one does not. */
TEST_F(shared, load_is_measured)
{
	struct genl_attr attr[] = {
		{ VHOST_TAP_A_QUEUE_DEVICE, 0 },
		{ VHOST_TAP_A_QUEUE_INDEX, TX },
		{ VHOST_TAP_A_QUEUE_LOAD, 1 },
	};
	struct pairs *p = self->p;
	uint64_t ns[2];
	int i, nl;

	ASSERT_EQ(0, bring_up(p, variant->kind, "1"));
	nl = genl_open();
	ASSERT_LE(0, nl);
#define BUSY(i, ns)	genl_get(nl, VHOST_TAP_CMD_QUEUE_GET, genl_device(&p[i].g[0]), TX, \
				 VHOST_TAP_A_QUEUE_BUSY_NS, ns, 1)
	EXPECT_EQ(0, BUSY(0, ns));
	for (i = 0; i < 2; i++) {
		attr[0].val = genl_device(&p[i].g[0]);
		ASSERT_EQ(0, genl_set(nl, VHOST_TAP_CMD_QUEUE_SET, attr, 3));
	}
	for (i = 0; i < 20; i++)
		EXPECT_TRUE(pairs_pass(&p[0]));
	EXPECT_EQ(1, BUSY(0, &ns[0]));
	EXPECT_EQ(1, BUSY(1, &ns[1]));
	EXPECT_LT(0, ns[0]);
	EXPECT_GT(1000000000, ns[0]);
	EXPECT_EQ(0, ns[1]);
	attr[0].val = genl_device(&p[0].g[0]);
	attr[2].val = 0;
	ASSERT_EQ(0, genl_set(nl, VHOST_TAP_CMD_QUEUE_SET, attr, 3));
	EXPECT_EQ(0, BUSY(0, ns));
	attr[2].val = 2;
	EXPECT_EQ(-ERANGE, genl_set(nl, VHOST_TAP_CMD_QUEUE_SET, attr, 3));
	close(nl);
}

/* ---- a worker that is stuck in a pass ---- */

struct stage {
	int fd;
	int line;
	bool is_ready;
};

/* File 0 is stuck in its TX queue. */
static int stick(struct pairs *p, struct stuck *s, uint8_t kind, const char *threads)
{
	DO(stuck_open(s));
	DO(bring_up(p, kind, threads));
	DO(stuck_page(s, &p[0].g[0]));
	DO(stuck_tx(s, &p[0].g[0]) || !stuck_wait(s));
	return 0;
}

/*
 * The end of another file does not wait for the stuck worker, and does not interrupt
 * its pass: the packet is sent.
 */
TEST_F_TIMEOUT(shared, end_does_not_disturb_others, 120)
{
	struct pairs *p = self->p;
	struct stuck s;

	if (stuck_open(&s))
		SKIP(return, "no userfaultfd");
	close(s.uffd);
	ASSERT_EQ(0, stick(p, &s, variant->kind, "1"));
	EXPECT_EQ(0, guest_ioctl(p[1].fd, VHOST_RESET_OWNER, NULL));
	pairs_free(&p[2]);
	EXPECT_EQ(0, guest_attach(&p[3].g[0], TX, -1));
	EXPECT_EQ(1, workers_of(getpid(), NULL));
	ASSERT_EQ(0, stuck_end(&s));
	EXPECT_EQ(0, vq_drain(&p[0].g[0].vq[TX], 1, WAIT_MS));
	EXPECT_EQ(1, guest_stat(&p[0].g[0], "tx", "packets"));
	EXPECT_EQ(0, guest_stat(&p[0].g[0], "tx", "fault.TX_UNREADABLE"));
	EXPECT_TRUE(pairs_pass(&p[0]));
	EXPECT_TRUE(pairs_pass(&p[4]));
	close(s.uffd);
}

/* A worker in a pass moves after it; another request may change or cancel this. */
TEST_F_TIMEOUT(shared, stuck_worker_moves_later, 120)
{
	struct pairs *p = self->p;
	uint64_t tid[2];
	struct stuck s;
	int nl, i;

	if (stuck_open(&s))
		SKIP(return, "no userfaultfd");
	close(s.uffd);
	ASSERT_EQ(0, stick(p, &s, variant->kind, "2"));
	nl = genl_open();
	ASSERT_LE(0, nl);
	ASSERT_EQ(2, shared_tids(nl, &p[0], tid, 2));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, move(nl, &p[0], tid[1 - i % 2]));
		EXPECT_TRUE(node_thread_of(p[0].fd, 0) == (int)tid[0]);
	}
	/* The others of its thread leave it at once. */
	EXPECT_EQ(0, move(nl, &p[2], tid[1]));
	EXPECT_TRUE(node_thread_of(p[2].fd, 0) == (int)tid[1]);
	EXPECT_TRUE(pairs_pass(&p[2]));
	ASSERT_EQ(0, stuck_end(&s));
	EXPECT_EQ(0, vq_drain(&p[0].g[0].vq[TX], 1, WAIT_MS));
	EXPECT_TRUE(wait_for(node_thread_of(p[0].fd, 0) == (int)tid[1]));
	EXPECT_TRUE(pairs_pass(&p[0]));
	close(nl);
	close(s.uffd);
}

static void owner(struct stage *st, uint8_t kind, bool resets)
{
	struct pairs p[NR_FILES];
	struct stuck s;

	st->line = stick(p, &s, kind, "1");
	st->fd = p[1].fd;
	__atomic_store_n(&st->is_ready, true, __ATOMIC_RELEASE);
	if (!st->line && resets)
		guest_ioctl(p[0].fd, VHOST_RESET_OWNER, NULL);
	pause();
	_exit(1);
}

static bool reap(pid_t pid)
{
	return wait_for(waitpid(pid, NULL, WNOHANG) == pid);
}

static struct stage *stage_new(void)
{
	struct stage *st = mmap(NULL, sizeof(*st), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return st == MAP_FAILED ? NULL : st;
}

#define KILLED(resets, keeps)						\
do {									\
	struct stage *st = stage_new();					\
	struct stuck s;							\
	pid_t pid;							\
	int fd = -1;							\
									\
	if (stuck_open(&s))						\
		SKIP(return, "no userfaultfd");				\
	close(s.uffd);							\
	ASSERT_NE(NULL, st);						\
	pid = fork();							\
	if (!pid)							\
		owner(st, variant->kind, resets);			\
	ASSERT_TRUE(wait_for(__atomic_load_n(&st->is_ready, __ATOMIC_ACQUIRE))); \
	ASSERT_EQ(0, st->line);						\
	usleep(QUIET_MS * 1000);					\
	if (keeps) {							\
		fd = syscall(SYS_pidfd_open, pid, 0);			\
		fd = syscall(SYS_pidfd_getfd, fd, st->fd, 0);		\
		ASSERT_LE(0, fd);					\
	}								\
	ASSERT_EQ(0, kill(pid, SIGKILL));				\
	EXPECT_TRUE(reap(pid));						\
	if (keeps)							\
		close(fd);						\
	EXPECT_TRUE(workers_gone(pid));					\
	ASSERT_EQ(0, bring_up(self->p, variant->kind, "1"));		\
	EXPECT_TRUE(pairs_pass(&self->p[0]));				\
} while (0)

TEST_F_TIMEOUT(shared, killed_owner, 120) { KILLED(false, false); }
TEST_F_TIMEOUT(shared, killed_owner_in_reset, 120) { KILLED(true, false); }
/* Another process has one of the files, whose worker keeps the thread. */
TEST_F_TIMEOUT(shared, killed_owner_with_heir, 120) { KILLED(false, true); }

/* A child has a pool of its own, also while it shares the parent's files. */
TEST_F_TIMEOUT(shared, process_is_the_border, 120)
{
	struct child c;

	ASSERT_EQ(0, bring_up(self->p, variant->kind, "1"));
	pairs_free(&self->p[5]);
	if (!child_fork(&c)) {
		bool failed = open_file(&self->p[5], variant->kind) ||
			      own_file(&self->p[5], 5) ||
			      workers_of(getpid(), NULL) != 1 || !pairs_pass(&self->p[5]);

		child_report(&c, failed);
	}
	EXPECT_TRUE(child_is_ready(&c));
	EXPECT_EQ(1, workers_of(getpid(), NULL));
	EXPECT_TRUE(child_kill(&c));
	EXPECT_TRUE(workers_gone(c.pid));
	EXPECT_TRUE(pairs_pass(&self->p[0]));
}

/* ---- files that come and go at the same time ---- */

static void store_tid(const char *task, void *tid)
{
	*(int *)tid = atoi(strrchr(task, '/') + 1);
}

static void *come_and_go(void *arg)
{
	struct guest g = { .vhost = -1 };
	struct pairs p = { .g = &g };
	uint8_t kind = *(uint8_t *)arg;
	int i, tid, err, nl = genl_open();
	long failed = nl < 0;

	for (i = 0; i < 100; i++) {
		g.vhost = open(guest_node(), O_RDWR | O_CLOEXEC);
		failed += node_set_kind(g.vhost, kind) ||
			  guest_ioctl(g.vhost, VHOST_SET_OWNER, NULL) ||
			  node_thread_of(g.vhost, 0) <= 0;
		/* The folder may be that of another file, which may be gone. */
		guest_find_debugfs(&g);
		tid = 0;
		workers_each(getpid(), store_tid, &tid);
		err = move(nl, &p, tid);
		failed += err && err != -ESRCH && err != -EBUSY && err != -ENODEV &&
			  err != -ENOENT;
		if (i % 3 == 0)
			failed += !!guest_ioctl(g.vhost, VHOST_RESET_OWNER, NULL);
		close(g.vhost);
	}
	close(nl);
	return (void *)failed;
}

TEST_F_TIMEOUT(shared, files_come_and_go, 120)
{
	uint8_t kind = variant->kind;
	pthread_t thread[4];
	void *failed;
	int i;

	ASSERT_EQ(0, put_text(PARAMETER, "2"));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, come_and_go, &kind));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, pthread_join(thread[i], &failed));
		EXPECT_EQ(NULL, failed);
	}
	EXPECT_TRUE(workers_gone(getpid()));
}

TEST_HARNESS_MAIN
