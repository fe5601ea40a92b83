// SPDX-License-Identifier: GPL-2.0
/* system.c - steps of the system: memory layout, parameters, failing allocations, time */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

#define PARAMETERS	"/sys/module/vhost_tap/parameters/"
#define FOLDER		"/sys/kernel/debug/vhost_tap"
#define TRACING		"/sys/kernel/tracing/"
#define EVENTS		TRACING "events/vhost_tap/enable"

static volatile bool *params_changed;

/*
 * Let workers run until they sleep. There is one CPU, so yielding suffices. As a step of its
 * own it may also wait for timers. @b: bits 0-3 times, bit 4 sleep
 */
STEP(op_settle)
{
	const struct timespec t = { .tv_nsec = 200000 };
	bool is_step = ops[o->nr % nr_ops].run == op_settle;
	unsigned int i, n = is_step ? o->b % 16 + 3 : 3;

	for (i = 0; i < n; i++) {
		sched_yield();
		if (is_step && o->b & 16)
			nanosleep(&t, NULL);
	}
	return 0;
}

/* ---- memory layout ---- */

/* Change pages. @b: the change; @x: first page and number of pages; @y: more */
STEP(op_mm)
{
	unsigned int page = o->x % (ARENA_LEN / 4096), nr = (o->x >> 16 & 63) + 1;
	char *at = (char *)ARENA + page * 4096UL;
	size_t len = nr * 4096UL;
	char *to;

	if (page + nr > ARENA_LEN / 4096)
		return 0;
	target_unmapped();
	switch (o->b % 14) {
	case 0: munmap(at, len); break;
	case 1: mprotect(at, len, PROT_NONE); break;
	case 2: mprotect(at, len, PROT_READ); break;
	case 3: mprotect(at, len, PROT_READ | PROT_WRITE); break;
	case 4: madvise(at, len, MADV_DONTNEED); break;
	case 5: madvise(at, len, MADV_COLD); break;
	case 6: target_map(); break;
	case 7:
		mmap(at, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		     -1, 0);
		break;
	case 8: to = (char *)ARENA + (o->y % (ARENA_LEN / 4096 - nr)) * 4096;
		if (mremap(at, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, to) == MAP_FAILED)
			break;
		break;
	case 9: madvise(at, len, MADV_PAGEOUT); break;
	case 10: mlock(at, len); break;
	case 11: madvise(at, len, MADV_WILLNEED); break;
	case 12: /* a file that ends before the mapping does */
		mmap(at, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		     open("/tmp/empty", O_RDWR | O_CREAT | O_CLOEXEC, 0600), 0);
		break;
	default: madvise(at, len, MADV_DONTFORK);
	}
	return 0;
}

/* ---- page faults that take time ---- */

static int uffd = -1;
static pthread_t resolver;

static void *resolve(void *arg)
{
	struct uffdio_range all = { ARENA, ARENA_LEN };
	struct pollfd p = { .fd = uffd, .events = POLLIN };

	poll(&p, 1, 30);
	usleep(2000);
	/* Waiting faults are repeated, and find memory. */
	ioctl(uffd, UFFDIO_UNREGISTER, &all);
	return arg;
}

/* Let the next access to pages wait, as for a migrated guest. @x: as above */
STEP(op_uffd)
{
	unsigned int page = o->x % (ARENA_LEN / 4096), nr = (o->x >> 16 & 63) + 1;
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register r = { .range = { ARENA + page * 4096UL, nr * 4096UL },
				     .mode = UFFDIO_REGISTER_MODE_MISSING };

	if (uffd >= 0 || target.in_child || page + nr > ARENA_LEN / 4096)
		return 0;
	target_unmapped();
	/* Empty pages. UML 7.2 warns about its own locks when pages leave the memfd. */
	mmap((char *)ARENA + page * 4096UL, nr * 4096UL, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api) || ioctl(uffd, UFFDIO_REGISTER, &r) ||
	    pthread_create(&resolver, NULL, resolve, NULL)) {
		close(uffd);
		uffd = -1;
		return 0;
	}
	return 0;
}

/* ---- parameters, failing allocations, debugfs ---- */

/* Set a parameter of the module, or enable its trace events. @b: which one; @x: value */
STEP(op_param)
{
	static const struct {
		const char *path;
		const char *value[4];
	} params[] = {
		{ PARAMETERS "shared_threads", { "0", "1", "2", "65" } },
		{ PARAMETERS "adaptive_poll_us", { "0", "20", "1000", "100001" } },
		{ PARAMETERS "split_workers", { "0", "1", "0", "1" } },
		{ PARAMETERS "kthread_workers", { "1", "0", "1", "0" } },
		{ PARAMETERS "gso_frags", { "0", "1", "0", "1" } },
		{ PARAMETERS "numa", { "off", "memory", "netdev", "odd" } },
		{ PARAMETERS "takeover", { "0", "1", "0", "1" } },
		{ EVENTS, { "0", "1", "0", "1" } },
	};

	*params_changed = true;
	write_file(params[o->b % ARRAY_SIZE(params)].path,
		   params[o->b % ARRAY_SIZE(params)].value[o->x & 3]);
	return 0;
}

/*
 * Let allocation or copy number @x of the next step fail. Not of a parameter: the kernel
 * itself warns if it lacks memory to enable trace events.
 */
STEP(op_fail)
{
	char text[16];
	int fd;

	if (!nr_left || ops[o[1].nr % nr_ops].run == op_param)
		return 0;
	fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return 0;
	snprintf(text, sizeof(text), "%u", o->x % 64 + 1);
	if (write(fd, text, strlen(text)) > 0)
		run_ops(o + 1, 1);
	/* The copy of this text may be the one that fails. */
	while (pwrite(fd, "0", 1, 0) < 0 && errno == EFAULT)
		;
	close(fd);
	return 1;
}

static void read_all(const char *path)
{
	char buf[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	while (read(fd, buf, sizeof(buf)) > 0)
		;
	close(fd);
}

/* Read the files of all devices in debugfs. @b: bit 0 TX, bit 1 also the trace */
STEP(op_debugfs)
{
	DIR *d = opendir(FOLDER);
	struct dirent *e;
	char path[640];

	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), FOLDER "/%s/state", e->d_name);
		read_all(path);
		snprintf(path, sizeof(path), FOLDER "/%s/%s%s", e->d_name, o->b & 1 ? "tx" : "rx",
			 op_index(o) / 2 ? "1" : "");
		read_all(path);
	}
	if (d)
		closedir(d);
	if (o->b & 2)
		read_all(TRACING "trace");
	return 0;
}

void system_init(void)
{
	params_changed = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			      -1, 0);
	*params_changed = true;
	system_restore();
}

void system_end(void)
{
	if (uffd >= 0) {
		pthread_join(resolver, NULL);
		close(uffd);
		uffd = -1;
	}
}

/* Restore the parameters. Files must be closed, or takeover= stays. */
void system_restore(void)
{
	if (!*params_changed)
		return;
	*params_changed = false;
	write_file(PARAMETERS "shared_threads", "0");
	write_file(PARAMETERS "adaptive_poll_us", "0");
	write_file(PARAMETERS "split_workers", "0");
	write_file(PARAMETERS "kthread_workers", "1");
	write_file(PARAMETERS "gso_frags", "0");
	write_file(PARAMETERS "numa", "off");
	write_file(PARAMETERS "takeover", "0");
	write_file(EVENTS, "0");
}
