// SPDX-License-Identifier: GPL-2.0
/*
 * The worker threads of this process: count their context switches, set their policy.
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

/* For each thread below @dir with a worker's name: set @batch or count switches. */
static int visit(const char *dir, bool batch, long *switches)
{
	const struct sched_param param = {};
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
			if (!batch)
				*switches += switches_of(task);
			else if (sched_setscheduler(atoi(de->d_name),
						    SCHED_BATCH, &param))
				nr = -1000;
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
static int visit_all(bool batch, long *switches)
{
	return visit("/proc/self/task", batch, switches) ?:
	       visit("/proc", batch, switches);
}

/* Return: number of context switches, or -ESRCH */
long worker_switches(void)
{
	long sum = 0;

	return visit_all(false, &sum) ? sum : -ESRCH;
}

/* A wake-up preempts neither a worker nor the guest. */
int worker_batch(void)
{
	const struct sched_param param = {};

	if (visit_all(true, NULL) <= 0 ||
	    sched_setscheduler(0, SCHED_BATCH, &param))
		return -ESRCH;
	return 0;
}
