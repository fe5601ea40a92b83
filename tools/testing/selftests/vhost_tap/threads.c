// SPDX-License-Identifier: GPL-2.0
/* The worker threads of a process, and processes to be killed (threads.h). */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"
#include "threads.h"

bool is_worker_of(pid_t pid, const char *task)
{
	char path[80], want[32], name[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/comm", task);
	snprintf(want, sizeof(want), "vhost-%d", pid);
	f = fopen(path, "r");
	if (f && fscanf(f, "%31s", name) != 1)
		name[0] = 0;
	if (f)
		fclose(f);
	return !strcmp(name, want);
}

/* Visit the workers under @dir. */
static int workers_in(const char *dir, pid_t pid, worker_fn visit, void *arg)
{
	char task[64];
	struct dirent *de;
	DIR *d = opendir(dir);
	int nr = 0;

	while (d && (de = readdir(d))) {
		if (de->d_name[0] < '0' || de->d_name[0] > '9')
			continue;
		snprintf(task, sizeof(task), "%.40s/%.20s", dir, de->d_name);
		if (!is_worker_of(pid, task))
			continue;
		nr++;
		visit(task, arg);
	}
	if (d)
		closedir(d);
	return nr;
}

/* Workers are threads of the owner since 6.4, kernel threads before. */
int workers_each(pid_t pid, worker_fn visit, void *arg)
{
	char dir[40];

	snprintf(dir, sizeof(dir), "/proc/%d/task", pid);
	return workers_in(dir, pid, visit, arg) ?: workers_in("/proc", pid, visit, arg);
}

static void store_path(const char *task, void *last)
{
	if (last)
		memcpy(last, task, strlen(task) + 1);
}

int workers_of(pid_t pid, char *last)
{
	return workers_each(pid, store_path, last);
}

bool workers_gone(pid_t pid)
{
	return wait_for(!workers_of(pid, NULL));
}

pid_t child_fork(struct child *c)
{
	c->pid = pipe(c->pipe) ? -1 : fork();
	return c->pid;
}

void child_report(struct child *c, bool failed)
{
	if (write(c->pipe[1], &failed, sizeof(failed)) == sizeof(failed))
		pause();
	_exit(1);
}

bool child_is_ready(struct child *c)
{
	bool failed;

	return read(c->pipe[0], &failed, sizeof(failed)) == sizeof(failed) && !failed;
}

bool child_kill(struct child *c)
{
	int status;

	close(c->pipe[0]);
	close(c->pipe[1]);
	return !kill(c->pid, SIGKILL) && waitpid(c->pid, &status, 0) == c->pid &&
	       WIFSIGNALED(status);
}

/* Return field @i of /proc/TID/schedstat, 0 if the thread does not exist. */
static uint64_t thread_schedstat(pid_t tid, unsigned int i)
{
	unsigned long long field[3] = {};
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", tid);
	f = fopen(path, "r");
	if (f && fscanf(f, "%llu %llu %llu", &field[0], &field[1], &field[2]) != 3)
		field[i] = 0;
	if (f)
		fclose(f);
	return field[i];
}

/* Return the CPU time of a thread in ns, 0 if it does not exist. */
uint64_t thread_cpu_ns(pid_t tid)
{
	return thread_schedstat(tid, 0);
}

/* Return how often a thread got a CPU, 0 if it does not exist. */
uint64_t thread_timeslices(pid_t tid)
{
	return thread_schedstat(tid, 2);
}

static char thread_state(pid_t tid)
{
	char path[64], state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	f = fopen(path, "r");
	if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	if (f)
		fclose(f);
	return state;
}

/* Wait until a thread sleeps. A worker sleeps after it has served all wake-ups. */
bool thread_sleeps(pid_t tid)
{
	return wait_for(thread_state(tid) == 'S');
}

/* Write to a file of sysfs or a similar file system. Return: 0 or -errno */
int put_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* A cpuset of cgroup version 1 starts without memory nodes. */
static int cpuset_copy_mems(void)
{
	char text[64] = "";
	int fd = open("/mnt/cpuset.mems", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return put_text(CPUSET_DIR "/cpuset.mems", text);
}

/*
 * Move this process into CPUSET_DIR. Linux 5.10 moves kernel threads, also those of
 * in-tree, in hierarchies of version 1 only.
 * Return: 0, -EOPNOTSUPP without a cpuset controller, -errno
 */
int cpuset_enter(int cpu)
{
	const bool v1 = guest_kernel_before(5, 12);
	char text[16];
	int err = 0;

	if (unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/mnt", v1 ? "cgroup" : "cgroup2", 0, v1 ? "cpuset" : NULL) ||
	    (!v1 && put_text("/mnt/cgroup.subtree_control", "+cpuset")))
		return -EOPNOTSUPP;
	if (mkdir(CPUSET_DIR, 0755) && errno != EEXIST)
		return -errno;
	if (v1)
		err = cpuset_copy_mems();
	snprintf(text, sizeof(text), "%d", cpu);
	err = err ?: put_text(CPUSET_DIR "/cpuset.cpus", text);
	return err ?: put_text(CPUSET_DIR "/cgroup.procs", "0");
}

void cpuset_leave(void)
{
	put_text("/mnt/cgroup.procs", "0");
	rmdir(CPUSET_DIR);
}
