// SPDX-License-Identifier: GPL-2.0
/* The worker threads of a process (threads.h). */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest.h"
#include "threads.h"

static bool has_name(const char *path, const char *want)
{
	char name[32] = "";
	FILE *f = fopen(path, "r");

	if (!f)
		return false;
	if (fscanf(f, "%31s", name) != 1)
		name[0] = 0;
	fclose(f);
	return !strcmp(name, want);
}

/* Count threads named vhost-@pid under @dir, and store the path of the last one. */
static int workers_in(const char *dir, pid_t pid, char *last)
{
	char path[300], want[32];
	struct dirent *de;
	int nr = 0;
	DIR *d;

	snprintf(want, sizeof(want), "vhost-%d", pid);
	d = opendir(dir);
	while (d && (de = readdir(d))) {
		if (de->d_name[0] < '0' || de->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "%s/%s/comm", dir, de->d_name);
		if (!has_name(path, want))
			continue;
		nr++;
		if (last)
			snprintf(last, 64, "%s/%.20s", dir, de->d_name);
	}
	if (d)
		closedir(d);
	return nr;
}

/* Workers are threads of the owner since 6.4, kernel threads before. */
int workers_of(pid_t pid, char *last)
{
	char dir[64];
	int nr;

	snprintf(dir, sizeof(dir), "/proc/%d/task", pid);
	nr = workers_in(dir, pid, last);
	return nr ?: workers_in("/proc", pid, last);
}

bool workers_gone(pid_t pid)
{
	int i;

	for (i = 0; i < WAIT_MS / 10; i++) {
		if (!workers_of(pid, NULL))
			return true;
		usleep(10000);
	}
	return false;
}

/* Return the CPU time of a thread in ns, 0 if it does not exist. */
uint64_t thread_cpu_ns(pid_t tid)
{
	unsigned long long ns = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", tid);
	f = fopen(path, "r");
	if (f && fscanf(f, "%llu", &ns) != 1)
		ns = 0;
	if (f)
		fclose(f);
	return ns;
}

/* Wait until a thread sleeps. A worker sleeps after it has served all wake-ups. */
bool thread_sleeps(pid_t tid)
{
	char path[64], state;
	FILE *f;
	int i;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	for (i = 0; i < WAIT_MS / 10; i++) {
		state = 0;
		f = fopen(path, "r");
		if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
			state = 0;
		if (f)
			fclose(f);
		if (state == 'S')
			return true;
		usleep(10000);
	}
	return false;
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

/*
 * Move this process into CPUSET_DIR.
 * Return: 0, -EOPNOTSUPP without a cpuset controller in cgroup2, -errno
 */
int cpuset_enter(int cpu)
{
	char text[16];
	int err;

	if (unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/mnt", "cgroup2", 0, NULL) ||
	    put_text("/mnt/cgroup.subtree_control", "+cpuset"))
		return -EOPNOTSUPP;
	if (mkdir(CPUSET_DIR, 0755) && errno != EEXIST)
		return -errno;
	snprintf(text, sizeof(text), "%d", cpu);
	err = put_text(CPUSET_DIR "/cpuset.cpus", text);
	return err ? err : put_text(CPUSET_DIR "/cgroup.procs", "0");
}

void cpuset_leave(void)
{
	put_text("/mnt/cgroup.procs", "0");
	rmdir(CPUSET_DIR);
}
