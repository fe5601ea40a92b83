// SPDX-License-Identifier: GPL-2.0
/*
 * The worker threads of this process: count context switches and CPU time, set the policy.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cost.h"
#include "threads.h"

static int tid_of(const char *task)
{
	return atoi(strrchr(task, '/') + 1);
}

static void add_switches(const char *task, void *sum)
{
	char path[80], line[128];
	long part;
	FILE *f;

	snprintf(path, sizeof(path), "%s/status", task);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "voluntary_ctxt_switches: %ld", &part) == 1 ||
		    sscanf(line, "nonvoluntary_ctxt_switches: %ld", &part) == 1)
			*(long *)sum += part;
	if (f)
		fclose(f);
}

/*
 * The clock of a thread of this process; UML kernels have no schedstat. Return: 0 with one
 * CPU, because UML then counts in ticks of 10 ms, and finds a worker in few of them
 */
static int64_t clock_of(int tid)
{
	clockid_t per_thread = ~(clockid_t)tid << 3 | 6;
	struct timespec t;

	if (sysconf(_SC_NPROCESSORS_ONLN) == 1 || clock_gettime(per_thread, &t))
		return 0;
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void add_cpu_ns(const char *task, void *sum)
{
	int tid = tid_of(task);

	*(int64_t *)sum += thread_cpu_ns(tid) ?: (uint64_t)clock_of(tid);
}

static void set_batch(const char *task, void *failed)
{
	const struct sched_param param = {};

	if (sched_setscheduler(tid_of(task), SCHED_BATCH, &param))
		*(bool *)failed = true;
}

/* Return: number of context switches, or -ESRCH */
long worker_switches(void)
{
	long sum = 0;

	return workers_each(getpid(), add_switches, &sum) ? sum : -ESRCH;
}

/* Return: CPU time of all workers, 0 if there is none or it is not known */
int64_t worker_cpu_ns(void)
{
	int64_t sum = 0;

	workers_each(getpid(), add_cpu_ns, &sum);
	return sum;
}

/* A wake-up preempts neither a worker nor the guest. */
int worker_batch(void)
{
	const struct sched_param param = {};
	bool failed = false;

	if (!workers_each(getpid(), set_batch, &failed) || failed ||
	    sched_setscheduler(0, SCHED_BATCH, &param))
		return -ESRCH;
	return 0;
}

static void set_cpu(const char *task, void *failed)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &set);
	if (sched_setaffinity(tid_of(task), sizeof(set), &set))
		*(bool *)failed = true;
}

/* Run this thread on the first CPU, and the workers on the last one. */
int worker_on_last_cpu(void)
{
	bool failed = false;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	if (!workers_each(getpid(), set_cpu, &failed) || failed ||
	    sched_setaffinity(0, sizeof(set), &set))
		return -ESRCH;
	return 0;
}
