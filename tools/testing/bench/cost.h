/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The result of a row. Each mode has its own way to measure it.
 */
#ifndef VTAP_BENCH_COST_H
#define VTAP_BENCH_COST_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "rows_conf.h"

#define COST_WARM_UP	5
#define COST_MIN_ROUNDS	20
#define COST_MAX_ROUNDS	20000

/**
 * struct packet_cost - cost of one packet, in ns unless the mode says otherwise
 * @rounds: number of timed rounds
 * @packets: packets in a full round
 * @more: cost of one additional packet
 * @whole: typical() time of a full round, per packet
 * @median: median time of a full round, per packet
 * @kicks: kicks of the guest, per packet
 * @calls: calls of the device, per packet
 * @worker_ns: CPU time of all workers, per packet; 0 if there is none
 * @switches: context switches of all workers, per packet; rr only
 * @p99: 99th percentile of the time of a full round, per packet
 */
struct packet_cost {
	int rounds;
	unsigned int packets;
	double more;
	double whole;
	double median;
	double kicks;
	double calls;
	double worker_ns;
	double switches;
	double p99;
};

/* All return 0 or -errno. */
int cost_rounds(const struct bench_row *row, unsigned int ms, struct packet_cost *cost);
int cost_stream(const struct bench_row *row, unsigned int ms, struct packet_cost *cost);
int cost_rr(const struct bench_row *row, unsigned int ms, struct packet_cost *cost);
int cost_idle(const struct bench_row *row, struct packet_cost *cost);
int cost_many(const struct bench_row *row, struct packet_cost *cost);
int cost_latency(const struct bench_row *row, unsigned int ms, struct packet_cost *cost);
int cost_op(const struct bench_row *row, struct packet_cost *cost);

bool ops_is_node(const char *node);

/* worker.c */
long worker_switches(void);
int64_t worker_cpu_ns(void);
int worker_batch(void);
int worker_on_last_cpu(void);

static inline int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Average the less noisy half of sorted times; finer than the clock. */
static inline double typical(const int64_t *sorted, int n)
{
	double sum = 0;
	int i;

	for (i = n / 20; i < n / 2; i++)
		sum += sorted[i];
	return sum / (n / 2 - n / 20);
}

static inline int by_value(const void *a, const void *b)
{
	int64_t d = *(const int64_t *)a - *(const int64_t *)b;

	return d < 0 ? -1 : d > 0;
}

#endif
