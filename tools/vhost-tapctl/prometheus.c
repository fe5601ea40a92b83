// SPDX-License-Identifier: GPL-2.0
/*
 * prometheus.c - vhost-tapctl prometheus: print counters for Prometheus
 *
 * With --output, a temporary file is written and renamed, so that node_exporter's
 * textfile collector never reads an incomplete file.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl.h"

/* Write the value of a label. Cleaned names do not contain newlines. */
static void put_label(FILE *f, const char *s)
{
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fprintf(f, "\\%c", *s);
		else
			fputc(*s, f);
	}
}

static void put_sample(FILE *f, const char *metric, const struct snapshot *s,
		       const struct queue *q, const char *reason)
{
	const struct device *d = snapshot_device(s, q->device);

	fprintf(f, "vhost_tap_%s{device=\"%u\",queue=\"%u\",direction=\"%s\",tap=\"",
		metric, q->device, q->index, direction_name(q->direction));
	put_label(f, q->tap);
	fprintf(f, "\",owner=\"%u\"", d ? d->owner_pid : 0);
	if (s->all_namespaces)
		fprintf(f, ",netns=\"%llu\"",
			d ? (unsigned long long)d->netns_cookie : 0);
	if (reason) {
		fputs(",reason=\"", f);
		put_label(f, reason);
		fputc('"', f);
	}
	fputs("} ", f);
}

static void head(FILE *f, const char *metric, const char *type,
		 const char *help)
{
	fprintf(f, "# HELP vhost_tap_%s %s\n# TYPE vhost_tap_%s %s\n", metric,
		help, metric, type);
}

static void put_seconds(FILE *f, unsigned long long ns)
{
	fprintf(f, "%llu.%09llu\n", ns / 1000000000, ns % 1000000000);
}

/* Prometheus expects seconds; nanosecond counters are converted. */
static void put_counter(FILE *f, const struct snapshot *s, unsigned int which)
{
	const char *name = counter_names[which];
	int len = strlen(name);
	unsigned int i;
	char metric[64];
	bool is_ns;

	is_ns = len > 3 && !strcmp(name + len - 3, "_ns");
	snprintf(metric, sizeof(metric), "%.*s%s_total", is_ns ? len - 3 : len,
		 name, is_ns ? "_seconds" : "");
	head(f, metric, "counter",
	     "See Documentation/netlink/specs/vhost_tap.yaml, counters.");
	for (i = 0; i < s->nr_queues; i++) {
		unsigned long long val = s->queue[i].counter[which];

		put_sample(f, metric, s, &s->queue[i], NULL);
		if (is_ns)
			put_seconds(f, val);
		else
			fprintf(f, "%llu\n", val);
	}
}

static void put_faults(FILE *f, const struct snapshot *s)
{
	unsigned int i, k;

	head(f, "faults_total", "counter",
	     "Dropped packets and ring faults, by reason.");
	for (i = 0; i < s->nr_queues; i++) {
		const struct queue *q = &s->queue[i];

		for (k = 0; k < q->nr_faults; k++) {
			put_sample(f, "faults_total", s, q, q->faults[k].name);
			fprintf(f, "%llu\n",
				(unsigned long long)q->faults[k].count);
		}
	}
}

/* A queue whose load is not measured has no sample. */
static void put_load(FILE *f, const struct snapshot *s)
{
	unsigned int i;

	head(f, "queue_busy_seconds_total", "counter",
	     "Time that workers spent in passes of the queue while its load was measured.");
	for (i = 0; i < s->nr_queues; i++) {
		const struct queue *q = &s->queue[i];

		if (!q->load)
			continue;
		put_sample(f, "queue_busy_seconds_total", s, q, NULL);
		put_seconds(f, q->busy_ns);
	}
}

/* One sample for each tap and direction, however many queues use it. */
static void put_taps(FILE *f, const struct snapshot *s)
{
	unsigned int nr, i;
	struct tap *taps = taps_find(s, &nr);

	head(f, "tap_dropped_total", "counter",
	     "Packets that the tap itself dropped: rx to the guest, tx from the guest. tx includes frames that no protocol of the host accepted.");
	for (i = 0; i < nr; i++) {
		const struct queue *q = taps[i].q;

		fprintf(f, "vhost_tap_tap_dropped_total{tap=\"");
		put_label(f, q->tap);
		fprintf(f, "\",ifindex=\"%u\",tap_netns=\"%llu\",direction=\"%s\"} %llu\n",
			q->ifindex, (unsigned long long)q->if_netns_cookie,
			direction_name(q->direction),
			(unsigned long long)q->if_dropped);
	}
	free(taps);
}

static void put_worker(FILE *f, const char *metric, const struct snapshot *s,
		       const struct worker *w)
{
	const struct device *d = snapshot_device(s, w->device);

	fprintf(f, "vhost_tap_%s{device=\"%u\",worker=\"%u\",tap=\"", metric,
		w->device, w->index);
	put_label(f, worker_tap(s, w));
	fprintf(f, "\",owner=\"%u\"", d ? d->owner_pid : 0);
	if (s->all_namespaces)
		fprintf(f, ",netns=\"%llu\"",
			d ? (unsigned long long)d->netns_cookie : 0);
	fputs("} ", f);
}

/* A worker that did not run yet has no samples. */
static void put_workers(FILE *f, const struct snapshot *s)
{
	unsigned int i;

	head(f, "worker_run_seconds_total", "counter",
	     "CPU time of the thread of the worker, which may be shared.");
	for (i = 0; i < s->nr_workers; i++) {
		const struct worker *w = &s->worker[i];

		if (w->cpu < 0)
			continue;
		put_worker(f, "worker_run_seconds_total", s, w);
		put_seconds(f, w->run_ns);
	}
	head(f, "worker_wait_seconds_total", "counter",
	     "Time that the thread of the worker was ready to run and waited for a CPU.");
	for (i = 0; i < s->nr_workers; i++) {
		const struct worker *w = &s->worker[i];

		if (!w->has_wait)
			continue;
		put_worker(f, "worker_wait_seconds_total", s, w);
		put_seconds(f, w->wait_ns);
	}
	head(f, "worker_cpu", "gauge",
	     "Number of the CPU that the worker thread ran on last.");
	for (i = 0; i < s->nr_workers; i++) {
		const struct worker *w = &s->worker[i];

		if (w->cpu < 0)
			continue;
		put_worker(f, "worker_cpu", s, w);
		fprintf(f, "%lld\n", (long long)w->cpu);
	}
}

static void put_all(FILE *f, const struct snapshot *s)
{
	unsigned int i;

	head(f, "devices", "gauge", "Devices with an owner.");
	fprintf(f, "vhost_tap_devices %u\n", s->nr_devices);
	for (i = 0; i < NR_COUNTERS; i++)
		put_counter(f, s, i);
	put_faults(f, s);
	put_load(f, s);
	put_taps(f, s);
	put_workers(f, s);

#define GAUGE(metric, help, value)					\
	do {								\
		head(f, metric, "gauge", help);				\
		for (i = 0; i < s->nr_queues; i++) {			\
			const struct queue *q = &s->queue[i];		\
									\
			put_sample(f, metric, s, q, NULL);		\
			fprintf(f, "%llu\n", (unsigned long long)(value)); \
		}							\
	} while (0)
	GAUGE("queue_broken", "1 if the queue is broken by a fault of the guest.",
	      q->state == VHOST_TAP_STATE_BROKEN);
	GAUGE("queue_running", "1 if the queue is running.",
	      q->state == VHOST_TAP_STATE_RUNNING);
	GAUGE("queue_starved", "1 if packets wait for a buffer of the guest.",
	      q->starved);
	GAUGE("queue_throttled", "1 if the limit of the queue makes it wait.",
	      q->throttled);
	GAUGE("queue_depth", "Descriptors that the guest made available and that wait.",
	      q->depth);
	GAUGE("queue_size", "Size of the ring in entries.", q->size);
	GAUGE("queue_rate_limit_bytes", "Limit in bytes per second, 0 for none.",
	      q->rate);
	GAUGE("queue_rate_limit_packets",
	      "Limit in packets per second, 0 for none.", q->pps);
#undef GAUGE
}

static int write_file(const char *path, const struct snapshot *s)
{
	char tmp[PATH_MAX];
	bool bad;
	FILE *f;

	if (snprintf(tmp, sizeof(tmp), "%s.%d", path, getpid()) >=
	    (int)sizeof(tmp)) {
		warn("%s: the name is too long", path);
		return CTL_USAGE;
	}
	f = fopen(tmp, "wxe");
	if (!f) {
		warn("%s: %s", tmp, strerror(errno));
		return CTL_FAILED;
	}
	put_all(f, s);
	fchmod(fileno(f), 0644);
	bad = ferror(f);
	if (fclose(f) || bad || rename(tmp, path)) {
		warn("%s: %s", path, strerror(errno));
		unlink(tmp);
		return CTL_FAILED;
	}
	return CTL_OK;
}

/**
 * cmd_prometheus - vhost-tapctl prometheus
 * @argc: arguments, with the name
 * @argv: arguments
 *
 * Return: exit code.
 */
int cmd_prometheus(int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "all-namespaces", no_argument, NULL, 'a' },
		{ 0 },
	};
	const char *output = NULL;
	struct snapshot s;
	bool all = false;
	int c, ret;

	while ((c = next_option(argc, argv, "", options)) != -1) {
		if (c == 'o')
			output = optarg;
		else if (c == 'a')
			all = true;
		else
			return CTL_USAGE;
	}
	if (optind != argc)
		return CTL_USAGE;
	ret = snapshot_read(&s, all);
	if (ret == CTL_OK && output)
		ret = write_file(output, &s);
	else if (ret == CTL_OK)
		put_all(stdout, &s);
	snapshot_free(&s);
	return ret;
}
