// SPDX-License-Identifier: GPL-2.0
/*
 * pktcost.c - what a packet costs on a vhost node, row by row
 *
 * Read before: row.h, bed.h.
 *
 * Usage: pktcost [-t MS] -n NODE [-n NODE]... ROWS.CONF [PATTERN]...
 *
 * A round: the guest fills its ring, kicks, sleeps until the device calls for
 * the last of it. For RX the packets wait in the tap's queue before, and the
 * guest had no buffers; so the producer's cost is outside. Timed is from the
 * kick to the call. Full rounds take turns with rounds of a quarter: the
 * difference, spread over the other three quarters, is what a packet costs without
 * the wake-ups, whatever those cost today.
 *
 * Each row is run on all nodes before the next, so that they meet the same
 * weather. Printed, tab-separated: node, row, rounds, packets in a full round, ns
 * that a packet more costs, ns of a full round divided by its packets, the same as
 * median of the rounds, kicks and calls per packet; or name and the errno
 * why there is no figure. But for the median these are made of the 10th
 * percentile of the rounds: noise only ever adds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fnmatch.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bed.h"
#include "net.h"

#define MAX_ROUNDS	20000
#define MIN_ROUNDS	20
#define WARM_UP		5

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int wait_used(struct vq *q, uint16_t target)
{
	while (vq_used_idx(q) != target) {
		if (!fd_wait(q->call, 5000))
			return -ETIMEDOUT;
		q->nr_calls += fd_count(q->call);
	}
	return 0;
}

/* Return: 0 and ns of a round, or -errno */
static int do_round(struct bed *bed, int64_t *ns)
{
	struct vq *q = &bed->g.vq[bed->row->rx ? RX : TX];
	uint16_t target = q->used_idx + bed->nr_chains;
	int64_t start;
	int err;

	err = bed_post(bed);
	if (!err && bed->row->rx) {
		err = bed_feed(bed);
		/* the worker finds no buffers, and sleeps */
		usleep(50);
	}
	if (err)
		return err;
	/* one call, for the last; without event index, whenever it likes */
	if (bed->row->eidx)
		q->avail->ring[q->num] = target - 1;

	start = now_ns();
	vq_publish(q);
	vq_kick(q);
	q->kicked_idx = q->avail_idx;	/* the next kick is for what comes */
	err = wait_used(q, target);
	*ns = now_ns() - start;
	return err ?: bed_reap(bed);
}

static int by_value(const void *a, const void *b)
{
	int64_t d = *(const int64_t *)a - *(const int64_t *)b;

	return d < 0 ? -1 : d > 0;
}

static void count_from_here(struct vq *q)
{
	q->nr_kicks = 0;
	q->nr_calls = 0;
}

/* Rounds of both sizes for @ms, sorted. Return: pairs of them, or -errno */
static int do_rounds(struct bed *bed, unsigned int ms, int64_t *full,
		     int64_t *part)
{
	unsigned int quarter = bed->most < 4 ? 1 : bed->most / 4;
	int64_t end = 0;
	int n, i, err;

	for (n = -WARM_UP; n < MAX_ROUNDS; n++) {
		if (!n) {
			count_from_here(&bed->g.vq[RX]);
			count_from_here(&bed->g.vq[TX]);
			end = now_ns() + ms * 1000000LL;
		}
		if (n >= MIN_ROUNDS && now_ns() > end)
			break;
		i = n < 0 ? 0 : n;
		bed_round(bed, bed->most);
		err = do_round(bed, &full[i]);
		if (err)
			return err;
		bed_round(bed, quarter);
		err = do_round(bed, &part[i]);
		if (err)
			return err;
	}
	qsort(full, n, sizeof(*full), by_value);
	qsort(part, n, sizeof(*part), by_value);
	return n;
}

static int run_row(const struct row *row, unsigned int ms)
{
	static int64_t full[MAX_ROUNDS], part[MAX_ROUNDS];
	unsigned int more;
	struct bed bed;
	struct vq *q;
	double all;
	int n;

	n = net_ns() ?: bed_init(&bed, row);
	if (!n)
		n = do_rounds(&bed, ms, full, part);
	if (n < 0)
		return n;

	q = &bed.g.vq[row->rx ? RX : TX];
	more = bed.most - bed.nr_packets;	/* the last round was a short one */
	all = (double)n * (bed.most + bed.nr_packets);
	printf("%s\t%d\t%u\t%.1f\t%.1f\t%.1f\t%.4f\t%.4f\n", row->name, n,
	       bed.most,
	       more ? (double)(full[n / 10] - part[n / 10]) / more : 0.,
	       (double)full[n / 10] / bed.most, (double)full[n / 2] / bed.most,
	       q->nr_kicks / all, q->nr_calls / all);
	bed_free(&bed);
	return 0;
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

static int run_rows(FILE *f, char **nodes, char **patterns, unsigned int ms)
{
	unsigned int bad = 0;
	char line[256], **n;
	struct row row;

	while (fgets(line, sizeof(line), f)) {
		switch (row_parse(&row, line)) {
		case 0:
			break;
		case 1:
			for (n = nodes; *n && wanted(row.name, patterns); n++)
				bad += fork_row(&row, *n, ms) != 0;
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
	char *nodes[5] = {};
	unsigned int ms = 100, nr = 0;
	FILE *f = NULL;
	int opt, ret;

	while ((opt = getopt(argc, argv, "t:n:")) != -1) {
		if (opt == 't')
			ms = atoi(optarg);
		else if (opt == 'n' && nr < 4)
			nodes[nr++] = optarg;
		else
			nr = 5;
	}
	if (nr && nr < 5 && optind < argc)
		f = fopen(argv[optind], "r");
	if (!f) {
		fprintf(stderr, "usage: %s [-t MS] -n NODE ROWS.CONF [PATTERN]...\n",
			argv[0]);
		return 2;
	}
	ret = run_rows(f, nodes, argv + optind + 1, ms);
	fclose(f);
	return ret;
}
