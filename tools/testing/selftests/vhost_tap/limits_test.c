// SPDX-License-Identifier: GPL-2.0
/*
 * Limits of the kernel threads that a client without CAP_SYS_RESOURCE gets as workers:
 * at most one per CPU for a file, and RLIMIT_NPROC for its user, across files, forks
 * and user namespaces. Permitted threads are created.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "../../../../include/uapi/linux/vhost_tap.h"
#include "pairs.h"
#include "threads.h"

#define PARAMETER(name)	"/sys/module/vhost_tap/parameters/" name
/* A user without other processes that would count. */
#define USER		54321
#define NR_FILES	12

#define CHECK(x)	do { if (!(x)) return __LINE__; } while (0)

static int open_node(void)
{
	int fd = open(guest_node(), O_RDWR | O_CLOEXEC);

	if (fd >= 0 && node_set_kind(fd, 0)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Run @fn as an unprivileged user with @nproc processes. Return: a failed line, or 0 */
static int as_user(rlim_t nproc, int (*fn)(int *fd))
{
	struct rlimit r = { nproc, nproc };
	int fd[NR_FILES], status, line, i;
	pid_t pid = fork();

	if (!pid) {
		for (i = 0; i < NR_FILES; i++)
			fd[i] = open_node();
		if (setrlimit(RLIMIT_NPROC, &r) || setgroups(0, NULL) ||
		    setresgid(USER, USER, USER) || setresuid(USER, USER, USER))
			_exit(255);
		line = fn(fd);
		if (line)
			fprintf(stderr, "# limits_test.c:%d\n", line);
		_exit(!!line);
	}
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int own(int fd)
{
	return guest_ioctl(fd, VHOST_SET_OWNER, NULL);
}

static int worker_of(int fd, unsigned int vring)
{
	struct vhost_vring_worker w = { vring, ~0U };

	return guest_ioctl(fd, VHOST_GET_VRING_WORKER, &w) ?: (int)w.worker_id;
}

/* Check that the user has reached the limit of fork(2), too. */
static bool cannot_fork(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return pid < 0 && errno == EAGAIN;
}

FIXTURE(limits) {
};

FIXTURE_SETUP(limits)
{
	if (!guest_is_ours())
		SKIP(return, "vhost-tap only");
}

FIXTURE_TEARDOWN(limits)
{
}

static int min_int(int a, int b)
{
	return a < b ? a : b;
}

/* Every layout gets the permitted threads, and every vring has a worker. */
static int limited_by_cpus(int *fd)
{
	static const struct {
		unsigned int layout, nr, pairs, wanted;
	} ask[] = {
		{ VHOST_TAP_WORKER_PER_VRING, 0, 1, 1 },
		{ VHOST_TAP_WORKER_PER_PAIR, 0, 256, 256 },
		{ VHOST_TAP_WORKER_PER_VRING, 0, 256, 256 },
		{ VHOST_TAP_WORKERS_SHARED, 256, 100, 100 },
		{ VHOST_TAP_WORKERS_SHARED, 1, 100, 1 },
	};
	int cpus = sysconf(_SC_NPROCESSORS_ONLN), nr, i, k;

	for (i = 0; i < (int)ARRAY_SIZE(ask); i++) {
		nr = min_int(ask[i].wanted, cpus);
		CHECK(!node_set_pairs(fd[i], ask[i].pairs));
		CHECK(!node_set_layout(fd[i], ask[i].layout, ask[i].nr));
		CHECK(!own(fd[i]));
		CHECK(workers_of(getpid(), NULL) == nr);
		CHECK(worker_of(fd[i], 0) == 0);
		for (k = 0; k < (int)ask[i].pairs * 2; k++)
			CHECK(worker_of(fd[i], k) < nr);
		CHECK(!guest_ioctl(fd[i], VHOST_RESET_OWNER, NULL));
		CHECK(workers_gone(getpid()));
	}
	return 0;
}

TEST_F(limits, limited_by_cpus)
{
	EXPECT_EQ(0, as_user(RLIM_INFINITY, limited_by_cpus));
}

TEST_F(limits, capability_lifts_limits)
{
	int fd = open_node(), cpus = sysconf(_SC_NPROCESSORS_ONLN);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, node_set_pairs(fd, cpus + 2));
	ASSERT_EQ(0, node_set_layout(fd, VHOST_TAP_WORKER_PER_VRING, 0));
	ASSERT_EQ(0, own(fd));
	EXPECT_EQ(2 * (cpus + 2), workers_of(getpid(), NULL));
	close(fd);
}

/* The administrator's parameter, two workers for a pair, applies to all users. */
static int split_workers_doubles_limit(int *fd)
{
	CHECK(!own(fd[0]));
	CHECK(workers_of(getpid(), NULL) ==
	      min_int(2, sysconf(_SC_NPROCESSORS_ONLN)));
	return 0;
}

TEST_F(limits, split_workers_doubles_limit)
{
	ASSERT_EQ(0, put_text(PARAMETER("split_workers"), "1"));
	EXPECT_EQ(0, as_user(RLIM_INFINITY, split_workers_doubles_limit));
	ASSERT_EQ(0, put_text(PARAMETER("split_workers"), "0"));
}

/* This process is one of 5. A refused call leaves no thread behind. */
static int limited_by_rlimit_nproc(int *fd)
{
	int i, round;

	for (round = 0; round < 3; round++) {
		for (i = 0; i < 4; i++)
			CHECK(!own(fd[i]));
		CHECK(workers_of(getpid(), NULL) == 4);
		for (i = 0; i < 20; i++)
			CHECK(own(fd[4]) == -EAGAIN);
		CHECK(workers_of(getpid(), NULL) == 4);
		CHECK(cannot_fork());
		/* Free one thread and get another. */
		CHECK(!guest_ioctl(fd[0], VHOST_RESET_OWNER, NULL));
		CHECK(!own(fd[4]));
		CHECK(!node_set_kind(fd[0], 0) && own(fd[0]) == -EAGAIN);
		for (i = 1; i < 5; i++)
			CHECK(!guest_ioctl(fd[i], VHOST_RESET_OWNER, NULL));
		for (i = 0; i < 5; i++)
			CHECK(!node_set_kind(fd[i], 0));
		CHECK(workers_gone(getpid()) && !cannot_fork());
	}
	return 0;
}

TEST_F(limits, limited_by_rlimit_nproc)
{
	EXPECT_EQ(0, as_user(5, limited_by_rlimit_nproc));
}

static int no_shared_thread(int *fd)
{
	CHECK(own(fd[0]) == -EAGAIN);
	CHECK(workers_of(getpid(), NULL) == 0);
	return 0;
}

static int one_shared_thread(int *fd)
{
	int i;

	for (i = 0; i < NR_FILES; i++)
		CHECK(!own(fd[i]));
	CHECK(workers_of(getpid(), NULL) == 1);
	return 0;
}

/* A shared thread counts, too. If a second one is refused, the first takes all workers. */
TEST_F(limits, shared_threads_count)
{
	ASSERT_EQ(0, put_text(PARAMETER("shared_threads"), "2"));
	EXPECT_EQ(0, as_user(1, no_shared_thread));
	EXPECT_EQ(0, as_user(2, one_shared_thread));
	ASSERT_EQ(0, put_text(PARAMETER("shared_threads"), "0"));
}

/* Root of a user namespace has the capability only there, not here. */
static int limited_in_user_namespace(int *fd)
{
	int i;

	if (unshare(CLONE_NEWUSER))
		return 0;
	for (i = 0; i < 4; i++)
		CHECK(!own(fd[i]));
	CHECK(own(fd[4]) == -EAGAIN);
	return 0;
}

TEST_F(limits, limited_in_user_namespace)
{
	EXPECT_EQ(0, as_user(5, limited_in_user_namespace));
}

/* As an unprivileged QEMU: one file for each pair, and a sufficient limit. */
static int one_file_per_pair(int *fd)
{
	int i;

	for (i = 0; i < NR_FILES; i++)
		CHECK(!own(fd[i]));
	CHECK(workers_of(getpid(), NULL) == NR_FILES);
	return 0;
}

TEST_F(limits, one_file_per_pair)
{
	EXPECT_EQ(0, as_user(100, one_file_per_pair));
	/* The end of the first run freed all threads. */
	EXPECT_EQ(0, as_user(NR_FILES + 1, one_file_per_pair));
}

/* Kernel threads are refused where the other kind is available. */
TEST_F(limits, forbidden_by_parameter)
{
	int fd = open_node(), other = open_node();
	bool has_choice = node_has_owner_kind();

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, put_text(PARAMETER("kthread_workers"), "0"));
	EXPECT_EQ(has_choice ? -EPERM : 0, node_set_kind(other, 0));
	EXPECT_EQ(has_choice ? 0 : -EOPNOTSUPP, node_set_kind(other, 1));
	EXPECT_EQ(-EINVAL, node_set_kind(other, 2));
	EXPECT_EQ(0, own(other));
	EXPECT_EQ(-EBUSY, node_set_kind(other, 0));
	/* This file got its kind before the parameter changed. */
	EXPECT_EQ(0, own(fd));
	ASSERT_EQ(0, put_text(PARAMETER("kthread_workers"), "1"));
	close(other);
	other = open_node();
	EXPECT_LE(0, other);
	close(fd);
	close(other);
}

TEST_HARNESS_MAIN
