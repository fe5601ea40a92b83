// SPDX-License-Identifier: GPL-2.0
/*
 * top_rows.c - views of vhost-tapctl top: columns, and the rows of a snapshot
 *
 * A row fits 80 columns.
 */
#include <stdlib.h>
#include <string.h>

#include "top.h"

/* Seconds between two snapshots, never 0 */
static double seconds(const struct snapshot *s, const struct snapshot *was)
{
	return s->at > was->at ? s->at - was->at : 1;
}

static double growth(const struct queue *q, const struct queue *b, int which)
{
	return q->counter[which] - b->counter[which];
}

static void fill_traffic(struct top_row *r, const struct queue *q,
			 const struct queue *b, double t)
{
	double batches = growth(q, b, COUNTER(BATCHES));

	r->val[0] = growth(q, b, COUNTER(PACKETS)) / t;
	r->val[1] = growth(q, b, COUNTER(BYTES)) / t;
	r->val[2] = growth(q, b, COUNTER(KICKS)) / t;
	r->val[3] = growth(q, b, COUNTER(CALLS)) / t;
	r->val[4] = (queue_drops(q) - queue_drops(b)) / t;
	r->val[5] = batches ? growth(q, b, COUNTER(BUFFERS)) / batches : 0;
}

static double starved_ns(const struct queue *q)
{
	return q->counter[COUNTER(STARVED_NS)] + q->starved_for_ns;
}

static void fill_drops(struct top_row *r, const struct queue *q,
		       const struct queue *b, double t)
{
	r->val[0] = growth(q, b, COUNTER(PACKETS)) / t;
	r->val[1] = (queue_drops(q) - queue_drops(b)) / t;
	/* A new tap starts at 0. */
	if (q->if_dropped > b->if_dropped)
		r->val[2] = (q->if_dropped - b->if_dropped) / t;
	r->val[3] = growth(q, b, COUNTER(STARVED)) / t;
	if (starved_ns(q) > starved_ns(b))
		r->val[4] = (starved_ns(q) - starved_ns(b)) / t / 1e7;
	r->val[5] = growth(q, b, COUNTER(BLOCKED)) / t;
}

/* The load is 0 unless it is measured (set load=1). */
static void fill_load(struct top_row *r, const struct queue *q,
		      const struct queue *b, double t)
{
	double packets = growth(q, b, COUNTER(PACKETS));
	double busy_ns = q->load && b->load && q->busy_ns > b->busy_ns ?
			 q->busy_ns - b->busy_ns : 0;

	r->val[0] = busy_ns / t / 1e7;
	r->val[1] = packets / t;
	r->val[2] = growth(q, b, COUNTER(PASSES)) / t;
	r->val[3] = packets ? busy_ns / packets : 0;
}

/* Columns of the view of workers */
enum {
	CPU,
	WAIT,
	PACKETS,
	COST,
};

/* A queue of the worker @r; set_worker() sets the other columns. */
static void add_traffic(struct top_row *r, const struct queue *q,
			const struct queue *b, double t)
{
	r->val[PACKETS] += growth(q, b, COUNTER(PACKETS)) / t;
}

const struct top_view top_views[] = {
	{
		.name = "traffic",
		.title = "DEV QUEUE TAP        STATE     ",
		.nr_columns = 6,
		.columns = {
			{ 'p', "packets", "[p]kt/s", 7 },
			{ 'b', "bytes", "[b]yte/s", 8 },
			{ 'k', "kicks", "[k]icks", 7 },
			{ 'c', "calls", "[c]alls", 7 },
			{ 'd', "drops", "[d]rops", 7 },
			{ 'a', "batch", "b[a]tch", 7 },
		},
		.fill = fill_traffic,
	},
	{
		.name = "drops",
		.title = "DEV QUEUE TAP        STATE     ",
		.nr_columns = 6,
		.columns = {
			{ 'p', "packets", "[p]kt/s", 7 },
			{ 'd', "drops", "[d]rops", 7 },
			{ 't', "tap", "[t]ap/s", 7 },
			{ 's', "starved", "[s]tarve", 8 },
			{ 'w', "wait", "[w]ait%", 7 },
			{ 'o', "blocked", "bl[o]ck", 7 },
		},
		.fill = fill_drops,
	},
	{
		.name = "load",
		.title = "DEV QUEUE TAP        STATE     ",
		.nr_columns = 4,
		.columns = {
			{ 'b', "busy", "[b]usy %", 8 },
			{ 'p', "packets", "[p]kt/s", 7 },
			{ 'a', "passes", "p[a]ss/s", 8 },
			{ 'n', "cost", "[n]s/pkt", 8 },
		},
		.fill = fill_load,
	},
	{
		.name = "workers",
		.title = "DEV WORKER  THREAD TAP           CPU",
		.of_workers = true,
		.nr_columns = 4,
		.columns = {
			[CPU] = { 'c', "cpu", "[c]pu %", 7 },
			[WAIT] = { 'w', "wait", "[w]ait %", 8 },
			[PACKETS] = { 'p', "packets", "[p]kt/s", 7 },
			[COST] = { 'n', "cost", "[n]s/pkt", 8 },
		},
		.fill = add_traffic,
	},
};

const unsigned int top_nr_views = sizeof(top_views) / sizeof(*top_views);

static void add_queue_rows(const struct top_view *v, struct top_row *rows,
			   const struct snapshot *s,
			   const struct snapshot *was, unsigned int *nr)
{
	double t = seconds(s, was);
	unsigned int i;

	for (i = 0; i < s->nr_queues; i++) {
		const struct queue *q = &s->queue[i];
		const struct queue *b = snapshot_queue(was, q->device, q->index);

		if (!b)
			continue;
		rows[*nr] = (struct top_row){ .s = s, .q = q };
		v->fill(&rows[(*nr)++], q, b, t);
	}
}

static double at_most(double v, double max)
{
	return v < max ? v : max;
}

/* The traffic of the worker's queues is complete. */
static void set_worker(struct top_row *r, const struct worker *w,
		       const struct worker *b, double t)
{
	/*
	 * A thread uses one CPU at most, but its times can grow at once: on a
	 * nohz_full CPU, and when a long wait ends.
	 */
	double run = at_most(w->run_ns - b->run_ns, t * 1e9);
	double wait = at_most(w->wait_ns - b->wait_ns, t * 1e9);

	r->val[CPU] = run / t / 1e7;
	r->val[WAIT] = wait / t / 1e7;
	r->val[COST] = r->val[PACKETS] ? run / t / r->val[PACKETS] : 0;
}

/* Each worker has a row, in the order of the snapshot, until they are sorted. */
static void add_worker_rows(const struct top_view *v, struct top_row *rows,
			    const struct snapshot *s,
			    const struct snapshot *was, unsigned int *nr)
{
	double t = seconds(s, was);
	unsigned int i;

	for (i = 0; i < s->nr_workers; i++)
		rows[i] = (struct top_row){ .s = s, .w = &s->worker[i] };
	for (i = 0; i < s->nr_queues; i++) {
		const struct queue *q = &s->queue[i];
		const struct queue *b = snapshot_queue(was, q->device, q->index);
		const struct worker *w = snapshot_worker(s, q->device,
							 q->worker);

		if (b && w)
			v->fill(&rows[w - s->worker], q, b, t);
	}
	for (i = 0; i < s->nr_workers; i++) {
		const struct worker *w = &s->worker[i];
		const struct worker *b = snapshot_worker(was, w->device,
							 w->index);

		/* A thread that is new since then started at 0. */
		if (b && b->run_ns <= w->run_ns && b->wait_ns <= w->wait_ns) {
			set_worker(&rows[i], w, b, t);
			rows[(*nr)++] = rows[i];
		}
	}
}

/**
 * top_rows - make the rows of a view
 * @v: view
 * @s: snapshot
 * @was: an earlier snapshot; the rows are what is in both
 * @nr: set to the number of rows
 *
 * Return: the rows, which the caller frees, or NULL without memory.
 */
struct top_row *top_rows(const struct top_view *v, const struct snapshot *s,
			 const struct snapshot *was, unsigned int *nr)
{
	unsigned int max = v->of_workers ? s->nr_workers : s->nr_queues;
	struct top_row *rows = calloc(max + 1, sizeof(*rows));

	*nr = 0;
	if (!rows)
		return NULL;
	if (v->of_workers)
		add_worker_rows(v, rows, s, was, nr);
	else
		add_queue_rows(v, rows, s, was, nr);
	return rows;
}

/**
 * top_totals - add the rates of all queues that are in two snapshots
 * @s: snapshot
 * @was: an earlier snapshot
 * @packets: set to packets per second
 * @bytes: set to bytes per second
 */
void top_totals(const struct snapshot *s, const struct snapshot *was,
		double *packets, double *bytes)
{
	double t = seconds(s, was);
	unsigned int i;

	*packets = 0;
	*bytes = 0;
	for (i = 0; i < s->nr_queues; i++) {
		const struct queue *q = &s->queue[i];
		const struct queue *b = snapshot_queue(was, q->device, q->index);

		if (!b)
			continue;
		*packets += growth(q, b, COUNTER(PACKETS)) / t;
		*bytes += growth(q, b, COUNTER(BYTES)) / t;
	}
}

/**
 * top_title - write the titles of a view's columns
 * @v: view
 * @buf: result
 * @len: size of @buf
 */
void top_title(const struct top_view *v, char *buf, size_t len)
{
	unsigned int i, at = snprintf(buf, len, "%s", v->title);

	for (i = 0; i < v->nr_columns && at < len; i++)
		at += snprintf(buf + at, len - at, " %*s", v->columns[i].width,
			       v->columns[i].title);
	if (v->of_workers && at < len)
		snprintf(buf + at, len - at, " QUEUES");
}

static const char *short_state(const struct queue *q)
{
	if (q->state == VHOST_TAP_STATE_BROKEN)
		return q->fault[0] ? q->fault : "broken";
	return q->throttled ? "throttled" : q->starved ? "starved" :
	       q->blocked ? "blocked" : state_name(q->state);
}

/* As many queues as a line has room for */
static void queues_text(const struct worker *w, char *buf, size_t len)
{
	unsigned int i, at = 0;

	buf[0] = 0;
	for (i = 0; i < w->queues.nr && at < len; i++)
		at += snprintf(buf + at, len - at, " %llu",
			       (unsigned long long)w->queues.val[i]);
}

/**
 * top_text - write a row as text
 * @v: view
 * @r: row
 * @buf: result
 * @len: size of @buf
 */
void top_text(const struct top_view *v, const struct top_row *r, char *buf,
	      size_t len)
{
	char label[16], value[16], cpu[24] = "-";
	const char *tap = r->q ? r->q->tap : worker_tap(r->s, r->w);
	unsigned int i, at;

	tap = tap[0] ? tap : "-";
	if (r->q) {
		queue_label(r->q, label, sizeof(label));
		at = snprintf(buf, len, "%3u %-5s %-10.10s %-10.10s",
			      r->q->device, label, tap, short_state(r->q));
	} else {
		if (r->w->cpu >= 0)
			snprintf(cpu, sizeof(cpu), "%lld",
				 (long long)r->w->cpu);
		at = snprintf(buf, len, "%3u %6u %7u %-10.10s %6s",
			      r->w->device, r->w->index, r->w->tid, tap, cpu);
	}
	for (i = 0; i < v->nr_columns && at < len; i++) {
		human(r->val[i], value, sizeof(value));
		at += snprintf(buf + at, len - at, " %*s", v->columns[i].width,
			       value);
	}
	if (r->w && at < len)
		queues_text(r->w, buf + at, len - at < 12 ? len - at : 12);
}
