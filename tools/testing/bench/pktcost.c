// SPDX-License-Identifier: GPL-2.0
/*
 * pktcost.c - what a packet costs on a vhost node, row by row
 *
 * Read before: row.h, bed.h.
 *
 * Usage: pktcost [-t MS] ROWS.CONF [PATTERN]...      (node: $VTAP_NODE)
 *
 * A round: the guest fills its ring, kicks, sleeps until the device calls for
 * the last of it. Timed is from the kick to the call. For RX the packets wait
 * in the tap's queue before, and the guest had no buffers; so the producer's
 * cost is outside, and what is left is the worker, a wake-up each way, and the
 * call. The same is timed with one packet at a time; the difference, spread
 * over the other packets, is what a packet more costs.
 *
 * Prints for each row, tab-separated: name, rounds, packets in a round, ns that
 * a packet more costs, ns of a round of one packet, ns of a round divided by
 * its packets, the same as median of the rounds, kicks and calls per packet;
 * or name and the errno why there is no figure. But for the median these are
 * the 10th percentile of the rounds: noise only ever adds, and a UML wake-up
 * takes 15 us or, now and then, two of them.
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
	err = wait_used(q, target);
	*ns = now_ns() - start;
	return err ?: bed_reap(bed);
}

static int by_value(const void *a, const void *b)
{
	int64_t d = *(const int64_t *)a - *(const int64_t *)b;

	return d < 0 ? -1 : d > 0;
}

/* Rounds for @ms, sorted. Return: their number, or -errno */
static int do_rounds(struct bed *bed, unsigned int ms, int64_t *ns)
{
	int64_t end = 0;
	int n, err;

	for (n = -WARM_UP; n < MAX_ROUNDS; n++) {
		if (!n) {
			bed->g.vq[RX].nr_kicks = 0;
			bed->g.vq[RX].nr_calls = 0;
			bed->g.vq[TX].nr_kicks = 0;
			bed->g.vq[TX].nr_calls = 0;
			end = now_ns() + ms * 1000000LL;
		}
		if (n >= MIN_ROUNDS && now_ns() > end)
			break;
		err = do_round(bed, &ns[n < 0 ? 0 : n]);
		if (err)
			return err;
	}
	qsort(ns, n, sizeof(ns[0]), by_value);
	return n;
}

static int run_row(const struct row *row, unsigned int ms)
{
	static int64_t ns[MAX_ROUNDS];
	int64_t single;
	struct bed bed;
	struct vq *q;
	double each;
	int n;

	n = net_ns() ?: bed_init(&bed, row);
	if (n)
		return n;
	bed_round(&bed, 1);
	n = do_rounds(&bed, ms / 5, ns);
	if (n < 0)
		return n;
	single = ns[n / 10];
	bed_round(&bed, row->burst);
	n = do_rounds(&bed, ms, ns);
	if (n < 0)
		return n;

	q = &bed.g.vq[row->rx ? RX : TX];
	each = n * (double)bed.nr_packets;
	printf("%s\t%d\t%u\t%.1f\t%.1f\t%.1f\t%.1f\t%.4f\t%.4f\n", row->name,
	       n, bed.nr_packets,
	       bed.nr_packets == 1 ? 0. :
	       (double)(ns[n / 10] - single) / (bed.nr_packets - 1),
	       (double)single, (double)ns[n / 10] / bed.nr_packets,
	       (double)ns[n / 2] / bed.nr_packets,
	       q->nr_kicks / each, q->nr_calls / each);
	bed_free(&bed);
	return 0;
}

/* Each row in a process and a network namespace of its own. */
static int fork_row(const struct row *row, unsigned int ms)
{
	int status, err;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
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

int main(int argc, char **argv)
{
	unsigned int ms = 100, bad = 0;
	char line[256];
	struct row row;
	FILE *f;
	int opt;

	while ((opt = getopt(argc, argv, "t:")) == 't')
		ms = atoi(optarg);
	if (opt != -1 || optind >= argc) {
		fprintf(stderr, "usage: %s [-t MS] ROWS.CONF [PATTERN]...\n",
			argv[0]);
		return 2;
	}
	f = fopen(argv[optind], "r");
	if (!f) {
		perror(argv[optind]);
		return 2;
	}
	while (fgets(line, sizeof(line), f)) {
		switch (row_parse(&row, line)) {
		case 0:
			break;
		case 1:
			if (wanted(row.name, argv + optind + 1))
				bad += fork_row(&row, ms) != 0;
			break;
		default:
			fprintf(stderr, "rows: %s", line);
			return 2;
		}
	}
	fclose(f);
	return bad != 0;
}
