// SPDX-License-Identifier: GPL-2.0
/*
 * stats.c - vhost-tapctl stats: print counters, or their growth per second
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "json.h"

/* Bucket i counts the values below 2^(@first + i + 1); the last has no limit. */
static void print_hist(const char *name, const struct list *l,
		       unsigned int first, const char *unit)
{
	unsigned int i;

	for (i = 0; i < l->nr; i++)
		if (l->val[i])
			printf("  %-18s %s%llu %s: %llu\n", name,
			       i + 1 == l->nr ? "from " : "below ",
			       i + 1 == l->nr ? 1ULL << (first + i) :
						2ULL << (first + i),
			       unit, (unsigned long long)l->val[i]);
}

static void print_counters(const struct queue *q)
{
	char label[16];
	unsigned int i;

	queue_label(q, label, sizeof(label));
	printf("%sdevice %u %s%s %s %s\n", bold(), q->device, label, plain(),
	       q->tap[0] ? q->tap : "-", state_name(q->state));
	for (i = 0; i < NR_COUNTERS; i++)
		printf("  %-18s %llu\n", counter_names[i],
		       (unsigned long long)q->counter[i]);
	printf("  %-18s %llu\n", "iotlb_lookups",
	       (unsigned long long)q->iotlb_lookups);
	if (q->has_if_dropped)
		printf("  %-18s %llu\n", "tap_dropped",
		       (unsigned long long)q->if_dropped);
	print_hist("batch_size", &q->batch_sizes, 0, "buffers");
	print_hist("kick_to_done", &q->kick_to_done, 10, "ns");
	print_hist("wake_to_call", &q->wake_to_call, 10, "ns");
	for (i = 0; i < q->nr_faults; i++)
		printf("  %-18s %llu\n", q->faults[i].name,
		       (unsigned long long)q->faults[i].count);
}

/* Print one line for each queue with its most important rates. */
static void print_rates(const struct snapshot *s, const struct snapshot *was)
{
	double t = s->at - was->at;
	unsigned int i;

	printf("%s%6s %-5s %-15s %10s %12s %9s %9s %9s%s\n", bold(), "device",
	       "queue", "tap", "packets/s", "bytes/s", "kicks/s", "calls/s",
	       "drops/s", plain());
	for (i = 0; i < s->nr_queues; i++) {
		const struct queue *q = &s->queue[i];
		const struct queue *b = snapshot_queue(was, q->device, q->index);
		char label[16];

		if (!b)
			continue;
		queue_label(q, label, sizeof(label));
#define RATE(name)	((double)(q->counter[COUNTER(name)] - \
				  b->counter[COUNTER(name)]) / t)
		printf("%6u %-5s %-15s %10.0f %12.0f %9.0f %9.0f %9.0f\n",
		       q->device, label, q->tap[0] ? q->tap : "-",
		       RATE(PACKETS), RATE(BYTES), RATE(KICKS), RATE(CALLS),
		       (double)(queue_drops(q) - queue_drops(b)) / t);
#undef RATE
	}
}

static int report(const struct snapshot *s, const struct snapshot *was,
		  bool json)
{
	unsigned int i;

	if (json)
		return json_print(json_snapshot(s, was));
	if (was)
		print_rates(s, was);
	else
		for (i = 0; i < s->nr_queues; i++)
			print_counters(&s->queue[i]);
	return output_flush();
}

static int repeat(struct genl *nl, unsigned long interval, unsigned long count,
		  bool json)
{
	struct snapshot was, s;
	int err = snapshot_take(nl, &was), ret = CTL_OK;

	while (!err && ret == CTL_OK) {
		if (output_wait(-1, interval)) {
			ret = output_lost();
			break;
		}
		err = snapshot_take(nl, &s);
		if (!err)
			ret = report(&s, &was, json);
		snapshot_free(&was);
		was = s;
		if (count && !--count)
			break;
	}
	snapshot_free(&was);
	return err ? genl_failure(nl, err) : ret;
}

/**
 * cmd_stats - vhost-tapctl stats
 * @argc: arguments, with the name
 * @argv: arguments
 *
 * Return: exit code.
 */
int cmd_stats(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "all-namespaces", no_argument, NULL, 'a' },
		{ "interval", required_argument, NULL, 'i' },
		{ "count", required_argument, NULL, 'c' },
		{ 0 },
	};
	unsigned long interval = 0, count = 0;
	struct snapshot s;
	bool json = false, all = false;
	struct genl *nl;
	int c, err, ret;

	while ((c = next_option(argc, argv, "", options)) != -1) {
		if (c == 'j')
			json = true;
		else if (c == 'a')
			all = true;
		else if (c == 'i' && !number(optarg, 1, 86400, &interval))
			;
		else if (c == 'c' && !number(optarg, 1, 1000000000, &count))
			;
		else
			return CTL_USAGE;
	}
	if (optind != argc || (count && !interval))
		return CTL_USAGE;
	nl = genl_open();
	if (!nl)
		return genl_failure(NULL, -errno);
	if (all)
		genl_all_namespaces(nl);
	if (interval) {
		ret = repeat(nl, interval, count, json);
	} else {
		err = snapshot_take(nl, &s);
		ret = err ? genl_failure(nl, err) : report(&s, NULL, json);
		snapshot_free(&s);
	}
	genl_close(nl);
	return ret;
}
