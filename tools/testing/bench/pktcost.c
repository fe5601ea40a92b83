// SPDX-License-Identifier: GPL-2.0
/*
 * pktcost.c - what a packet costs on a vhost node, row by row
 *
 * Read before: row.h, cost.h. Read next: rounds.c.
 *
 * Usage: pktcost [-t MS] [-r TIMES] -n NODE [-n NODE]... ROWS.CONF [PATTERN]...
 *
 * Each row is run on all nodes before the next, so that they meet the same
 * weather, and as often as the row says, at most -r times. A node may be a vhost file or
 * /dev/vtap-floor, or, with its memory in the kernel, /dev/vtap-floor:kernel.
 * Printed, tab-separated: node, row, and the members of struct cost (cost.h);
 * or node, row and the errno why there is no figure.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bed.h"
#include "cost.h"
#include "net.h"

static int run_row(const struct row *row, unsigned int ms)
{
	struct cost c = {};
	int err = net_ns();

	if (!err && row->mode == ROW_STREAM)
		err = cost_stream(row, ms, &c);
	else if (!err && row->mode == ROW_IDLE)
		err = cost_idle(row, &c);
	else if (!err)
		err = cost_rounds(row, ms, &c);
	if (!err)
		printf("%s\t%d\t%u\t%.1f\t%.1f\t%.1f\t%.4f\t%.4f\n",
		       row->name, c.rounds, c.packets, c.more, c.whole,
		       c.median, c.kicks, c.calls);
	return err;
}

/* Each row in a process and a network namespace of its own. */
static int fork_row(const struct row *row, const char *node, unsigned int ms)
{
	int status, err;
	pid_t pid;

	printf("%s\t", node);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		setenv("VTAP_NODE", node, 1);
		err = run_row(row, ms);
		if (err)
			printf("%s\t%s\n", row->name, strerrorname_np(-err));
		fflush(stdout);
		_exit(err && err != -EOPNOTSUPP);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return status;
}

static bool wanted(const char *name, char **patterns)
{
	if (!*patterns)
		return true;
	for (; *patterns; patterns++)
		if (!fnmatch(*patterns, name, 0))
			return true;
	return false;
}

struct job {
	char *nodes[5];
	char **patterns;
	unsigned int ms;
	unsigned int times;
};

static unsigned int run_on_all(const struct row *row, const struct job *job)
{
	unsigned int times = row->times < job->times ? row->times : job->times;
	unsigned int bad = 0, i;
	char *const *n;

	if (!wanted(row->name, job->patterns))
		return 0;
	for (i = 0; i < times; i++)
		for (n = job->nodes; *n; n++)
			if (row->floor || !floor_is_node(*n))
				bad += fork_row(row, *n,
						job->ms / times) != 0;
	return bad;
}

static int run_rows(FILE *f, const struct job *job)
{
	unsigned int bad = 0;
	char line[256];
	struct row row;

	while (fgets(line, sizeof(line), f)) {
		switch (row_parse(&row, line)) {
		case 0:
			break;
		case 1:
			bad += run_on_all(&row, job);
			break;
		default:
			fprintf(stderr, "rows: %s", line);
			return 2;
		}
	}
	return bad != 0;
}

int main(int argc, char **argv)
{
	struct job job = { .ms = 100, .times = 100 };
	unsigned int nr = 0;
	FILE *f = NULL;
	int opt, ret;

	while ((opt = getopt(argc, argv, "t:r:n:")) != -1) {
		if (opt == 't')
			job.ms = atoi(optarg);
		else if (opt == 'r')
			job.times = atoi(optarg);
		else if (opt == 'n' && nr < 4)
			job.nodes[nr++] = optarg;
		else
			nr = 5;
	}
	if (nr && nr < 5 && optind < argc)
		f = fopen(argv[optind], "r");
	if (!f) {
		fprintf(stderr, "usage: %s [-t MS] [-r TIMES] -n NODE ROWS.CONF [PATTERN]...\n",
			argv[0]);
		return 2;
	}
	job.patterns = argv + optind + 1;
	ret = run_rows(f, &job);
	fclose(f);
	return ret;
}
