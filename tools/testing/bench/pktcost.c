// SPDX-License-Identifier: GPL-2.0
/*
 * pktcost.c - measure the cost of a packet on vhost nodes, row by row
 *
 * Usage: pktcost [-t MS] [-r TIMES] [-p] -n NODE [-n NODE]... ROWS.CONF [PATTERN]...
 *
 * Each row runs on all nodes before the next row, so that the nodes meet the same load
 * on the machine. It runs as often as the row says, at most -r times. With -p, the row
 * named by plain= runs before it on each node. A node may be a vhost file,
 * /dev/vtap-baseline, /dev/vtap-baseline:kernel with its memory in the kernel, or
 * /dev/vtap-ops for rows with mode=op.
 * Prints, tab-separated: node, row, and the members of struct packet_cost (cost.h); or node,
 * row and an errno.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testbed.h"
#include "cost.h"
#include "net.h"

#define MAX_ROWS	160

static int run_row(const struct bench_row *row, unsigned int ms)
{
	struct packet_cost c = {};
	int err = net_ns();

	if (!err && row->mode == MODE_STREAM)
		err = cost_stream(row, ms, &c);
	else if (!err && row->mode == MODE_RR)
		err = cost_rr(row, ms, &c);
	else if (!err && row->mode == MODE_IDLE)
		err = cost_idle(row, &c);
	else if (!err && row->mode == MODE_MANY)
		err = cost_many(row, &c);
	else if (!err && row->mode == MODE_LATENCY)
		err = cost_latency(row, ms, &c);
	else if (!err && row->mode == MODE_OP)
		err = cost_op(row, &c);
	else if (!err)
		err = cost_rounds(row, ms, &c);
	if (!err)
		printf("%s\t%d\t%u\t%.1f\t%.1f\t%.1f\t%.4f\t%.4f\t%.1f\t%.1f\t%.4f\n",
		       row->name, c.rounds, c.packets, c.more, c.whole,
		       c.median, c.kicks, c.calls, c.worker_ns, c.p99,
		       c.switches);
	return err;
}

/* Run each row in its own process and network namespace. */
static int fork_row(const struct bench_row *row, const char *node, unsigned int ms)
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
	struct bench_row row[MAX_ROWS];
	unsigned int nr_rows;
	char *nodes[5];
	char **patterns;
	unsigned int ms;
	unsigned int times;
	bool with_plain;
};

static const struct bench_row *find(const struct job *job, const char *name)
{
	unsigned int i;

	for (i = 0; i < job->nr_rows; i++)
		if (!strcmp(job->row[i].name, name))
			return &job->row[i];
	return NULL;
}

static bool is_for(const struct bench_row *row, const char *node)
{
	bool is_op = row->mode == MODE_OP;

	return is_op == ops_is_node(node) && (row->baseline || !baseline_is_node(node));
}

/* Run the row on all nodes, each time after its plain row if it has one. */
static unsigned int run_on_all(const struct job *job, const struct bench_row *row)
{
	unsigned int times = row->times < job->times ? row->times : job->times;
	const struct bench_row *plain = find(job, row->plain);
	unsigned int bad = 0, ms = job->ms / times, i;
	struct bench_row beside;
	char *const *n;

	if (plain && job->with_plain) {
		beside = *plain;
		snprintf(beside.name, sizeof(beside.name), "%.40s:plain",
			 row->name);
	} else {
		plain = NULL;
	}
	for (i = 0; i < times; i++) {
		for (n = job->nodes; *n; n++) {
			if (!is_for(row, *n))
				continue;
			if (plain)
				bad += fork_row(&beside, *n, ms) != 0;
			bad += fork_row(row, *n, ms) != 0;
		}
	}
	return bad;
}

static int read_rows(struct job *job, const char *path)
{
	FILE *f = fopen(path, "r");
	char line[256];
	int ret = 0;

	while (f && ret >= 0 && job->nr_rows < MAX_ROWS &&
	       fgets(line, sizeof(line), f)) {
		ret = bench_row_parse(&job->row[job->nr_rows], line);
		if (ret < 0)
			fprintf(stderr, "rows: %s", line);
		else
			job->nr_rows += ret;
	}
	if (f)
		fclose(f);
	return f ? ret : -1;
}

int main(int argc, char **argv)
{
	static const char usage[] =
		"usage: pktcost [-t MS] [-r TIMES] [-p] -n NODE ROWS.CONF [PATTERN]...\n";
	static struct job job = { .ms = 100, .times = 100 };
	unsigned int nr = 0, bad = 0, i;
	int opt;

	while ((opt = getopt(argc, argv, "t:r:pn:")) != -1) {
		if (opt == 't')
			job.ms = atoi(optarg);
		else if (opt == 'r')
			job.times = atoi(optarg);
		else if (opt == 'p')
			job.with_plain = true;
		else if (opt == 'n' && nr < 4)
			job.nodes[nr++] = optarg;
		else
			nr = 5;
	}
	if (!nr || nr > 4 || optind >= argc ||
	    read_rows(&job, argv[optind]) < 0) {
		fputs(usage, stderr);
		return 2;
	}
	job.patterns = argv + optind + 1;
	for (i = 0; i < job.nr_rows; i++)
		if (wanted(job.row[i].name, job.patterns))
			bad += run_on_all(&job, &job.row[i]);
	return bad != 0;
}
