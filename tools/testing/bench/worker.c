// SPDX-License-Identifier: GPL-2.0
/*
 * The worker threads of this process: count context switches and CPU time, set the policy.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cost.h"

static long switches_of(const char *task)
{
	char path[300], line[128];
	long n = 0, part;
	FILE *f;

	snprintf(path, sizeof(path), "%s/status", task);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "voluntary_ctxt_switches: %ld", &part) == 1 ||
		    sscanf(line, "nonvoluntary_ctxt_switches: %ld", &part) == 1)
			n += part;
	if (f)
		fclose(f);
	return n;
}

static long cpu_ns_of(const char *task)
{
	char path[300];
	long ns = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/schedstat", task);
	f = fopen(path, "r");
	if (f && fscanf(f, "%ld", &ns) != 1)
		ns = 0;
	if (f)
		fclose(f);
	return ns;
}

static long set_batch(const char *task)
{
	const struct sched_param param = {};

	return sched_setscheduler(atoi(strrchr(task, '/') + 1), SCHED_BATCH,
				  &param) ? -1 : 0;
}

/* Call @of for each thread below @dir with a worker's name; @sum adds its results. */
static int visit(const char *dir, long (*of)(const char *task), long *sum)
{
	char want[32], task[280], path[300], name[32];
	struct dirent *de;
	DIR *d = opendir(dir);
	int nr = 0;
	FILE *f;

	snprintf(want, sizeof(want), "vhost-%d\n", getpid());
	while (d && (de = readdir(d))) {
		snprintf(task, sizeof(task), "%.20s/%s", dir, de->d_name);
		snprintf(path, sizeof(path), "%s/comm", task);
		f = fopen(path, "r");
		if (f && fgets(name, sizeof(name), f) && !strcmp(name, want)) {
			*sum += of(task);
			nr++;
		}
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return nr;
}

/* Workers are threads of the process since 6.4, kernel threads before. */
static int visit_all(long (*of)(const char *task), long *sum)
{
	*sum = 0;
	return visit("/proc/self/task", of, sum) ?: visit("/proc", of, sum);
}

/* Return: number of context switches, or -ESRCH */
long worker_switches(void)
{
	long sum;

	return visit_all(switches_of, &sum) ? sum : -ESRCH;
}

/* Return: CPU time of all workers, 0 if there is none */
int64_t worker_cpu_ns(void)
{
	long sum;

	visit_all(cpu_ns_of, &sum);
	return sum;
}

/* A wake-up preempts neither a worker nor the guest. */
int worker_batch(void)
{
	const struct sched_param param = {};
	long failed;

	if (!visit_all(set_batch, &failed) || failed ||
	    sched_setscheduler(0, SCHED_BATCH, &param))
		return -ESRCH;
	return 0;
}
