// SPDX-License-Identifier: GPL-2.0
/*
 * Who serves which queue: vhost-scsi's four calls with its states and errnos
 * (the same program asks /dev/vhost-scsi where there is one), the layouts to
 * start with, workers that change under checked traffic, queues that share one,
 * and what an administrator does to the threads.
 *
 * Read before: pairs_test.c.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "../../../../include/uapi/linux/vhost_tap.h"
#include "pairs.h"
#include "threads.h"

/* Newer than the headers of Debian 12. */
struct vring_worker {
	unsigned int index;
	unsigned int id;
};

#define NEW_WORKER	_IOR(VHOST_VIRTIO, 0x08, unsigned int)
#define FREE_WORKER	_IOW(VHOST_VIRTIO, 0x09, unsigned int)
#define ATTACH		_IOW(VHOST_VIRTIO, 0x15, struct vring_worker)
#define GET_WORKER	_IOWR(VHOST_VIRTIO, 0x16, struct vring_worker)
#define SET_FORK	_IOW(VHOST_VIRTIO, 0x84, uint8_t)

static const struct guest_cfg qemu = { .features = F_QEMU };

/* Return: id or -errno */
static int new_worker(int fd)
{
	unsigned int id = ~0U;

	return guest_ioctl(fd, NEW_WORKER, &id) ?: (int)id;
}

static int free_worker(int fd, unsigned int id)
{
	return guest_ioctl(fd, FREE_WORKER, &id);
}

static int attach(int fd, unsigned int vring, unsigned int id)
{
	struct vring_worker w = { vring, id };

	return guest_ioctl(fd, ATTACH, &w);
}

static int worker_of(int fd, unsigned int vring)
{
	struct vring_worker w = { vring, ~0U };

	return guest_ioctl(fd, GET_WORKER, &w) ?: (int)w.id;
}

static int set_layout(int fd, unsigned int layout, unsigned int nr)
{
	struct vhost_tap_workers w = { layout, nr };

	return guest_ioctl(fd, VHOST_TAP_SET_WORKERS, &w);
}

/* Return: tid or -errno */
static int thread_of(int fd, unsigned int vring)
{
	struct vhost_tap_vring_thread t = { .index = vring };
	int err;

	do {
		err = guest_ioctl(fd, VHOST_TAP_GET_VRING_THREAD, &t);
	} while (err == -EAGAIN && !usleep(1000));
	return err ?: t.tid;
}

static int set_kind(int fd, uint8_t kind)
{
	return guest_ioctl(fd, SET_FORK, &kind);
}

/* Kernels before 6.4 have kernel threads only. */
static bool has_owner_kind(void)
{
	int fd = open(guest_node(), O_RDWR | O_CLOEXEC);
	bool has = !set_kind(fd, 1);

	close(fd);
	return has;
}

/* ---- vhost-scsi's calls ---- */

FIXTURE(calls) {
	int fd;
};

FIXTURE_VARIANT(calls) {
	const char *node;
};

FIXTURE_VARIANT_ADD(calls, ours) { .node = NULL };
FIXTURE_VARIANT_ADD(calls, vhost_scsi) { .node = "/dev/vhost-scsi" };

FIXTURE_SETUP(calls)
{
	if (!guest_is_ours())
		SKIP(return, "vhost-net has no such calls");
	if (!has_owner_kind())
		SKIP(return, "kernel threads only: the_owner_kind_only");
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
	EXPECT_EQ(-EINVAL, attach(fd, 0, 0));
	EXPECT_EQ(-EINVAL, attach(fd, 999, 0));
	EXPECT_EQ(-EINVAL, worker_of(fd, 0));
	EXPECT_EQ(-EINVAL, guest_ioctl(fd, NEW_WORKER, bad));

	ASSERT_EQ(0, guest_ioctl(fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(0, worker_of(fd, 0));
	EXPECT_EQ(0, worker_of(fd, 1));
	EXPECT_EQ(-ENOBUFS, worker_of(fd, 4096));
	EXPECT_EQ(-ENOBUFS, attach(fd, ~0U, 0));
	EXPECT_EQ(-EBUSY, free_worker(fd, 0));
	EXPECT_EQ(-ENODEV, free_worker(fd, 1));
	EXPECT_EQ(-ENODEV, free_worker(fd, ~0U));
	EXPECT_EQ(-ENODEV, attach(fd, 0, 1));
	EXPECT_EQ(-ENODEV, attach(fd, 0, ~0U));
	EXPECT_EQ(-EFAULT, guest_ioctl(fd, FREE_WORKER, bad));
	EXPECT_EQ(-EFAULT, guest_ioctl(fd, ATTACH, bad));
	EXPECT_EQ(-EFAULT, guest_ioctl(fd, GET_WORKER, bad));

	id = new_worker(fd);
	EXPECT_EQ(1, id);
	id2 = new_worker(fd);
	EXPECT_EQ(2, id2);
	EXPECT_EQ(0, attach(fd, 0, id));
	EXPECT_EQ(id, worker_of(fd, 0));
	EXPECT_EQ(0, worker_of(fd, 1));
	EXPECT_EQ(0, attach(fd, 0, id));
	EXPECT_EQ(-EBUSY, free_worker(fd, id));
	EXPECT_EQ(0, attach(fd, 0, id2));
	EXPECT_EQ(0, free_worker(fd, id));
	EXPECT_EQ(-ENODEV, attach(fd, 0, id));
	EXPECT_EQ(-ENODEV, free_worker(fd, id));
	/* the lowest id is next */
	EXPECT_EQ(id, new_worker(fd));

	/* only the owner */
	pid = fork();
	if (!pid)
		_exit(new_worker(fd) != -EPERM || free_worker(fd, id) != -EPERM ||
		      attach(fd, 0, 0) != -EPERM || worker_of(fd, 0) != -EPERM);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(id2, worker_of(fd, 0));
	close(fd);
	EXPECT_TRUE(workers_gone(getpid()));
	self->fd = open(variant->node ?: guest_node(), O_RDWR | O_CLOEXEC);
}

/* Kernel threads are nobody's: the client gets no more of them. */
TEST_F(calls, the_owner_kind_only)
{
	int fd = self->fd;

	if (set_kind(fd, 0))
		SKIP(return, "this kernel's vhost-scsi cannot choose");
	ASSERT_EQ(0, guest_ioctl(fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(-EFAULT, new_worker(fd));
	EXPECT_EQ(0, worker_of(fd, 1));
	EXPECT_EQ(0, attach(fd, 1, 0));
}

/* ---- the layouts ---- */

FIXTURE(work) {
	struct pairs p;
};

FIXTURE_SETUP(work)
{
	self->p.fd = -1;
	if (!guest_is_ours())
		SKIP(return, "ours only");
	ASSERT_EQ(0, net_ns());
}

FIXTURE_TEARDOWN(work)
{
	pairs_free(&self->p);
}

static int own_and_start(struct pairs *p)
{
	int err = pairs_own(p, &qemu) ?: pairs_taps(p);
	unsigned int i;

	for (i = 0; !err && i < p->nr; i++)
		err = pairs_start(p, i);
	return err;
}

static bool all_pass(struct pairs *p)
{
	unsigned int i;

	for (i = 0; i < p->nr; i++)
		if (!traffic_once(&p->g[i], p->tap[i].host))
			return false;
	return true;
}

static int load_all(struct pairs *p)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < p->nr; i++)
		err = traffic_start(&p->t[i], &p->g[i], p->tap[i].host, false);
	return err;
}

static int stop_all(struct pairs *p)
{
	unsigned int i;
	int line = 0;

	for (i = 0; i < p->nr; i++)
		line = traffic_stop(&p->t[i]) ?: line;
	return line;
}

TEST_F(work, layouts)
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
		ASSERT_EQ(0, set_layout(p->fd, want[i].layout, want[i].nr));
		ASSERT_EQ(0, own_and_start(p));
		EXPECT_EQ(want[i].workers, workers_of(getpid(), NULL));
		for (k = 0; k < 6; k++)
			EXPECT_EQ(want[i].id[k], worker_of(p->fd, k));
		EXPECT_TRUE(all_pass(p));
		EXPECT_EQ(-EBUSY, set_layout(p->fd, 0, 0));
		pairs_free(p);
		EXPECT_TRUE(workers_gone(getpid()));
	}
}

TEST_F(work, layout_errnos)
{
	int fd = open(guest_node(), O_RDWR | O_CLOEXEC);

	EXPECT_EQ(-EINVAL, set_layout(fd, 3, 0));
	EXPECT_EQ(-EINVAL, set_layout(fd, VHOST_TAP_WORKER_PER_PAIR, 1));
	EXPECT_EQ(-EINVAL, set_layout(fd, VHOST_TAP_WORKER_PER_VRING, 1));
	EXPECT_EQ(-EINVAL, set_layout(fd, VHOST_TAP_WORKERS_SHARED, 0));
	EXPECT_EQ(-EINVAL, set_layout(fd, VHOST_TAP_WORKERS_SHARED, 257));
	EXPECT_EQ(-EFAULT, guest_ioctl(fd, VHOST_TAP_SET_WORKERS, NULL));
	EXPECT_EQ(0, set_layout(fd, VHOST_TAP_WORKER_PER_VRING, 0));
	EXPECT_EQ(-EPERM, thread_of(fd, 0));
	ASSERT_EQ(0, guest_ioctl(fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(2, workers_of(getpid(), NULL));
	EXPECT_EQ(-ENOBUFS, thread_of(fd, 2));
	/* back to what open() gave */
	ASSERT_EQ(0, guest_ioctl(fd, VHOST_RESET_OWNER, NULL));
	ASSERT_TRUE(workers_gone(getpid()));
	ASSERT_EQ(0, guest_ioctl(fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(1, workers_of(getpid(), NULL));
	close(fd);
}

/* ---- changes under traffic ---- */

/* Each vring goes from worker to worker; no kick and no packet is lost. */
TEST_F_TIMEOUT(work, attach_under_traffic, 300)
{
	struct pairs *p = &self->p;
	unsigned int k;

	ASSERT_EQ(0, pairs_open(p, 2));
	ASSERT_EQ(0, set_layout(p->fd, VHOST_TAP_WORKER_PER_VRING, 0));
	ASSERT_EQ(0, own_and_start(p));
	ASSERT_EQ(0, load_all(p));
	srand(2);
	for (k = 0; k < 400; k++) {
		unsigned int vring = rand() % 4, id = rand() % 4;

		ASSERT_EQ(0, attach(p->fd, vring, id));
		ASSERT_EQ(id, worker_of(p->fd, vring));
		if (k % 16 == 15) {
			ASSERT_TRUE(traffic_wait(&p->t[0], 1));
			ASSERT_TRUE(traffic_wait(&p->t[1], 1));
		}
	}
	EXPECT_EQ(0, stop_all(p));
	EXPECT_TRUE(all_pass(p));
}

/* Workers come, serve and go: a freed one leaves nothing behind. */
TEST_F_TIMEOUT(work, new_and_free_under_traffic, 300)
{
	struct pairs *p = &self->p;
	int id, k;

	if (!has_owner_kind())
		SKIP(return, "kernel threads only");
	ASSERT_EQ(0, pairs_open(p, 2));
	ASSERT_EQ(0, own_and_start(p));
	ASSERT_EQ(0, load_all(p));
	for (k = 0; k < 60; k++) {
		unsigned int vring = k % 4, old = worker_of(p->fd, vring);

		id = new_worker(p->fd);
		ASSERT_LT(1, id);
		ASSERT_EQ(0, attach(p->fd, vring, id));
		if (k % 8 == 7)
			ASSERT_TRUE(traffic_wait(&p->t[vring / 2], 1));
		ASSERT_EQ(0, attach(p->fd, vring, old));
		ASSERT_EQ(0, free_worker(p->fd, id));
	}
	ASSERT_TRUE(traffic_wait(&p->t[0], 2));
	ASSERT_TRUE(traffic_wait(&p->t[1], 2));
	EXPECT_EQ(0, stop_all(p));
	EXPECT_EQ(2, workers_of(getpid(), NULL));
}

/* Queues on one worker take turns: a flood does not starve the neighbour. */
TEST_F_TIMEOUT(work, fair_to_neighbours, 200)
{
	struct pairs *p = &self->p;
	int i;

	ASSERT_EQ(0, pairs_open(p, 4));
	ASSERT_EQ(0, set_layout(p->fd, VHOST_TAP_WORKERS_SHARED, 1));
	ASSERT_EQ(0, own_and_start(p));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, traffic_start(&p->t[i], &p->g[i], p->tap[i].host,
					   true));
	ASSERT_EQ(0, traffic_start(&p->t[3], &p->g[3], p->tap[3].host, false));
	EXPECT_TRUE(traffic_wait(&p->t[3], 20));
	for (i = 0; i < 3; i++)
		EXPECT_TRUE(traffic_wait(&p->t[i], 3));
	EXPECT_EQ(0, stop_all(p));
}

/*
 * The same while the worker polls: the neighbour's driver is not asked to kick,
 * so the worker has to see its packets beside those of the flood.
 */
TEST_F_TIMEOUT(work, fair_while_polling, 200)
{
	struct pairs *p = &self->p;
	int i;

	ASSERT_EQ(0, pairs_open(p, 2));
	ASSERT_EQ(0, set_layout(p->fd, VHOST_TAP_WORKERS_SHARED, 1));
	ASSERT_EQ(0, own_and_start(p));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, guest_vring_state(p->fd,
					VHOST_SET_VRING_BUSYLOOP_TIMEOUT, i,
					2000));
	ASSERT_EQ(0, traffic_start(&p->t[0], &p->g[0], p->tap[0].host, true));
	ASSERT_EQ(0, traffic_start(&p->t[1], &p->g[1], p->tap[1].host, false));
	EXPECT_TRUE(traffic_wait(&p->t[1], 20));
	EXPECT_TRUE(traffic_wait(&p->t[0], 3));
	/* polling ends under load: kicks are wanted again, and come */
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, guest_vring_state(p->fd,
					VHOST_SET_VRING_BUSYLOOP_TIMEOUT, i, 0));
	EXPECT_TRUE(traffic_wait(&p->t[1], 20));
	EXPECT_EQ(0, stop_all(p));
	EXPECT_TRUE(all_pass(p));
}

/* A queue under load goes over to its new worker; the former one has peace. */
TEST_F_TIMEOUT(work, former_worker_rests, 100)
{
	struct pairs *p = &self->p;
	int i, tid[2];
	uint64_t before;

	ASSERT_EQ(0, pairs_open(p, 2));
	ASSERT_EQ(0, own_and_start(p));
	tid[0] = thread_of(p->fd, 0);
	tid[1] = thread_of(p->fd, 2);
	ASSERT_EQ(0, traffic_start(&p->t[0], &p->g[0], p->tap[0].host, true));
	ASSERT_TRUE(traffic_wait(&p->t[0], 3));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, attach(p->fd, i, 1));
	ASSERT_TRUE(traffic_wait(&p->t[0], 3));
	before = thread_cpu_ns(tid[0]);
	ASSERT_LT(0, before);
	ASSERT_TRUE(traffic_wait(&p->t[0], 10));
	EXPECT_EQ(before, thread_cpu_ns(tid[0]));
	EXPECT_EQ(0, traffic_stop(&p->t[0]));
	EXPECT_EQ(tid[1], thread_of(p->fd, 0));
}

TEST_F_TIMEOUT(work, end_while_attaching, 200)
{
	struct pairs *p = &self->p;
	int i, k;

	for (k = 0; k < 6; k++) {
		ASSERT_EQ(0, pairs_open(p, 2));
		ASSERT_EQ(0, own_and_start(p));
		for (i = 0; i < 2; i++)
			ASSERT_EQ(0, traffic_start(&p->t[i], &p->g[i],
						   p->tap[i].host, true));
		ASSERT_TRUE(traffic_wait(&p->t[k & 1], 2));
		for (i = 0; i < 4; i++)
			ASSERT_EQ(0, attach(p->fd, i, !(i / 2)));
		ASSERT_EQ(0, guest_ioctl(p->fd, VHOST_RESET_OWNER, NULL));
		stop_all(p);
		pairs_free(p);
		EXPECT_TRUE(workers_gone(getpid()));
	}
}

/* ---- what an administrator does ---- */

FIXTURE(admin) {
	struct pairs p;
	int tid[4];
};

FIXTURE_VARIANT(admin) {
	uint8_t kind;
};

FIXTURE_VARIANT_ADD(admin, kthread) { .kind = 0 };
FIXTURE_VARIANT_ADD(admin, vhost_task) { .kind = 1 };

FIXTURE_SETUP(admin)
{
	struct pairs *p = &self->p;
	int i;

	p->fd = -1;
	if (!guest_is_ours())
		SKIP(return, "ours only");
	if (variant->kind && !has_owner_kind())
		SKIP(return, "kernel threads only");
	ASSERT_EQ(0, net_ns());
	ASSERT_EQ(0, pairs_open(p, 2));
	ASSERT_EQ(0, set_kind(p->fd, variant->kind));
	ASSERT_EQ(0, set_layout(p->fd, VHOST_TAP_WORKER_PER_VRING, 0));
	ASSERT_EQ(0, own_and_start(p));
	for (i = 0; i < 4; i++) {
		self->tid[i] = thread_of(p->fd, i);
		ASSERT_LT(0, self->tid[i]);
	}
}

FIXTURE_TEARDOWN(admin)
{
	pairs_free(&self->p);
}

static bool comm_is_vhost(int tid)
{
	char path[64], name[32] = "", want[32];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", tid);
	snprintf(want, sizeof(want), "vhost-%d", getpid());
	f = fopen(path, "r");
	if (f && fscanf(f, "%31s", name) != 1)
		name[0] = 0;
	if (f)
		fclose(f);
	return !strcmp(name, want);
}

TEST_F(admin, finds_the_threads)
{
	static const char *const file[] = { "rx", "tx", "rx1", "tx1" };
	int i, k;

	for (i = 0; i < 4; i++) {
		EXPECT_TRUE(comm_is_vhost(self->tid[i]));
		EXPECT_EQ(self->tid[i], guest_stat(&self->p.g[0], file[i],
						   "worker_tid"));
		EXPECT_EQ(i, guest_stat(&self->p.g[0], file[i], "worker_id"));
		for (k = 0; k < i; k++)
			EXPECT_NE(self->tid[k], self->tid[i]);
	}
}

/* Where the thread ran last: field 39 of stat, behind the name. */
static int cpu_of(int tid)
{
	char path[64], line[1024] = "", *at;
	int i, cpu = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	f = fopen(path, "r");
	if (!f)
		return -1;
	at = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	fclose(f);
	for (i = 2; at && i < 39; i++) {
		at = strchr(at, ' ');
		at += !!at;
	}
	if (at)
		cpu = atoi(at);
	return cpu;
}

TEST_F_TIMEOUT(admin, pins_them, 120)
{
	int cpu, i, nr = sysconf(_SC_NPROCESSORS_ONLN);
	struct pairs *p = &self->p;
	cpu_set_t set;

	ASSERT_EQ(0, load_all(p));
	for (i = 0; i < 8; i++) {
		cpu = (i / 4 + i) % nr;
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		ASSERT_EQ(0, sched_setaffinity(self->tid[i % 4], sizeof(set),
					       &set));
		CPU_ZERO(&set);
		ASSERT_EQ(0, sched_getaffinity(self->tid[i % 4], sizeof(set),
					       &set));
		EXPECT_EQ(1, CPU_COUNT(&set));
		EXPECT_TRUE(CPU_ISSET(cpu, &set));
		ASSERT_TRUE(traffic_wait(&p->t[i % 4 / 2], 2));
		EXPECT_EQ(cpu, cpu_of(self->tid[i % 4]));
	}
	EXPECT_EQ(0, stop_all(p));
}

TEST_F_TIMEOUT(admin, gives_them_a_class, 120)
{
	struct sched_param fifo = { .sched_priority = 3 }, none = {};
	struct pairs *p = &self->p;

	ASSERT_EQ(0, load_all(p));
	ASSERT_EQ(0, sched_setscheduler(self->tid[0], SCHED_FIFO, &fifo));
	ASSERT_EQ(0, sched_setscheduler(self->tid[1], SCHED_RR, &fifo));
	ASSERT_EQ(0, sched_setscheduler(self->tid[2], SCHED_BATCH, &none));
	ASSERT_EQ(0, sched_setscheduler(self->tid[3], SCHED_IDLE, &none));
	EXPECT_EQ(SCHED_FIFO, sched_getscheduler(self->tid[0]));
	EXPECT_EQ(SCHED_RR, sched_getscheduler(self->tid[1]));
	EXPECT_EQ(SCHED_BATCH, sched_getscheduler(self->tid[2]));
	EXPECT_EQ(SCHED_IDLE, sched_getscheduler(self->tid[3]));
	EXPECT_TRUE(traffic_wait(&p->t[0], 3));
	EXPECT_EQ(0, stop_all(p));
}

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* The cpuset of the owner's cgroup holds for workers that are there and to come. */
TEST_F_TIMEOUT(admin, confines_them_by_cpuset, 120)
{
	int i, last = sysconf(_SC_NPROCESSORS_ONLN) - 1;
	struct pairs *p = &self->p;
	char dir[64], path[96], text[16];
	cpu_set_t set;

	if (unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/mnt", "cgroup2", 0, NULL) ||
	    put("/mnt/cgroup.subtree_control", "+cpuset"))
		SKIP(return, "no cpuset controller in cgroup2");
	snprintf(dir, sizeof(dir), "/mnt/vtap-%d", getpid());
	ASSERT_EQ(0, mkdir(dir, 0755));
	snprintf(path, sizeof(path), "%s/cpuset.cpus", dir);
	snprintf(text, sizeof(text), "%d", last);
	ASSERT_EQ(0, put(path, text));
	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	ASSERT_EQ(0, put(path, "0"));

	/* threads of the process move with it; kernel threads by hand */
	for (i = 0; i < 4 && !variant->kind; i++) {
		snprintf(text, sizeof(text), "%d", self->tid[i]);
		ASSERT_EQ(0, put(path, text));
	}
	ASSERT_EQ(0, load_all(p));
	for (i = 0; i < 4; i++) {
		ASSERT_TRUE(traffic_wait(&p->t[i / 2], 2));
		CPU_ZERO(&set);
		ASSERT_EQ(0, sched_getaffinity(self->tid[i], sizeof(set), &set));
		EXPECT_EQ(1, CPU_COUNT(&set));
		EXPECT_TRUE(CPU_ISSET(last, &set));
		EXPECT_EQ(last, cpu_of(self->tid[i]));
	}
	EXPECT_EQ(0, stop_all(p));
	pairs_free(p);

	/* a file set up in there begins in there */
	ASSERT_EQ(0, pairs_open(p, 1));
	ASSERT_EQ(0, set_kind(p->fd, variant->kind));
	ASSERT_EQ(0, own_and_start(p));
	i = thread_of(p->fd, 0);
	CPU_ZERO(&set);
	ASSERT_EQ(0, sched_getaffinity(i, sizeof(set), &set));
	EXPECT_TRUE(CPU_COUNT(&set) == 1 && CPU_ISSET(last, &set));
	EXPECT_TRUE(all_pass(p));
	pairs_free(p);
	put("/mnt/cgroup.procs", "0");
	rmdir(dir);
}

TEST_HARNESS_MAIN
