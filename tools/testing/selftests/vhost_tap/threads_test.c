// SPDX-License-Identifier: GPL-2.0
/*
 * Administration of worker threads of both kinds: find them, pin them, set their
 * scheduling class, confine them by a cpuset.
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

static const struct guest_cfg qemu = { .features = F_QEMU };

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
		SKIP(return, "vhost-tap only");
	if (variant->kind && !node_has_owner_kind())
		SKIP(return, "this kernel has only kernel threads");
	ASSERT_EQ(0, net_ns());
	ASSERT_EQ(0, pairs_open(p, 2));
	ASSERT_EQ(0, node_set_kind(p->fd, variant->kind));
	ASSERT_EQ(0, node_set_layout(p->fd, VHOST_TAP_WORKER_PER_VRING, 0));
	ASSERT_EQ(0, pairs_up(p, &qemu));
	for (i = 0; i < 4; i++) {
		self->tid[i] = node_thread_of(p->fd, i);
		ASSERT_LT(0, self->tid[i]);
	}
}

FIXTURE_TEARDOWN(admin)
{
	pairs_free(&self->p);
}

TEST_F(admin, thread_ids_are_reported)
{
	static const char *const file[] = { "rx", "tx", "rx1", "tx1" };
	char task[64];
	int i, k;

	for (i = 0; i < 4; i++) {
		snprintf(task, sizeof(task), "/proc/%d", self->tid[i]);
		EXPECT_TRUE(is_worker_of(getpid(), task));
		EXPECT_EQ(self->tid[i], guest_stat(&self->p.g[0], file[i],
						   "worker_tid"));
		EXPECT_EQ(i, guest_stat(&self->p.g[0], file[i], "worker_id"));
		for (k = 0; k < i; k++)
			EXPECT_NE(self->tid[k], self->tid[i]);
	}
}

/* Return the thread's last CPU: field 39 of stat, counted after the name. */
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

TEST_F_TIMEOUT(admin, affinity_can_be_set, 120)
{
	int cpu, i, nr = sysconf(_SC_NPROCESSORS_ONLN);
	struct pairs *p = &self->p;
	cpu_set_t set;

	ASSERT_EQ(0, pairs_load(p));
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
	EXPECT_EQ(0, pairs_stop(p));
}

TEST_F_TIMEOUT(admin, scheduling_class_can_be_set, 120)
{
	struct sched_param fifo = { .sched_priority = 3 }, none = {};
	struct pairs *p = &self->p;

	ASSERT_EQ(0, pairs_load(p));
	ASSERT_EQ(0, sched_setscheduler(self->tid[0], SCHED_FIFO, &fifo));
	ASSERT_EQ(0, sched_setscheduler(self->tid[1], SCHED_RR, &fifo));
	ASSERT_EQ(0, sched_setscheduler(self->tid[2], SCHED_BATCH, &none));
	ASSERT_EQ(0, sched_setscheduler(self->tid[3], SCHED_IDLE, &none));
	EXPECT_EQ(SCHED_FIFO, sched_getscheduler(self->tid[0]));
	EXPECT_EQ(SCHED_RR, sched_getscheduler(self->tid[1]));
	EXPECT_EQ(SCHED_BATCH, sched_getscheduler(self->tid[2]));
	EXPECT_EQ(SCHED_IDLE, sched_getscheduler(self->tid[3]));
	EXPECT_TRUE(traffic_wait(&p->t[0], 3));
	EXPECT_EQ(0, pairs_stop(p));
}

/* The cpuset of the owner's cgroup applies to existing and future workers. */
TEST_F_TIMEOUT(admin, cpuset_confines_threads, 120)
{
	int i, err, last = sysconf(_SC_NPROCESSORS_ONLN) - 1;
	struct pairs *p = &self->p;
	char text[16];
	cpu_set_t set;

	err = cpuset_enter(last);
	if (err == -EOPNOTSUPP)
		SKIP(return, "no cpuset controller");
	ASSERT_EQ(0, err);

	/* Threads of the process move with it; kernel threads are moved one by one. */
	for (i = 0; i < 4 && !variant->kind; i++) {
		snprintf(text, sizeof(text), "%d", self->tid[i]);
		ASSERT_EQ(0, put_text(CPUSET_DIR "/cgroup.procs", text));
	}
	ASSERT_EQ(0, pairs_load(p));
	for (i = 0; i < 4; i++) {
		ASSERT_TRUE(traffic_wait(&p->t[i / 2], 2));
		CPU_ZERO(&set);
		ASSERT_EQ(0, sched_getaffinity(self->tid[i], sizeof(set), &set));
		EXPECT_EQ(1, CPU_COUNT(&set));
		EXPECT_TRUE(CPU_ISSET(last, &set));
		EXPECT_EQ(last, cpu_of(self->tid[i]));
	}
	EXPECT_EQ(0, pairs_stop(p));
	pairs_free(p);

	/* The workers of a new file start in the cpuset. */
	ASSERT_EQ(0, pairs_open(p, 1));
	ASSERT_EQ(0, node_set_kind(p->fd, variant->kind));
	ASSERT_EQ(0, pairs_up(p, &qemu));
	i = node_thread_of(p->fd, 0);
	CPU_ZERO(&set);
	ASSERT_EQ(0, sched_getaffinity(i, sizeof(set), &set));
	EXPECT_TRUE(CPU_COUNT(&set) == 1 && CPU_ISSET(last, &set));
	EXPECT_TRUE(pairs_pass(p));
	pairs_free(p);
	cpuset_leave();
}

TEST_HARNESS_MAIN
