// SPDX-License-Identifier: GPL-2.0
/*
 * json.c - convert queues and snapshots to JSON
 *
 * An object is NULL after an allocation failure. json-c accepts NULL and prints
 * null; json_print() fails for it. All names are printable ASCII (text.c), so
 * the output is valid UTF-8.
 */
#include <stdlib.h>
#include <string.h>

#include "json.h"

static void add(struct json_object *o, const char *key, struct json_object *val)
{
	json_object_object_add(o, key, val);
}

static void add_number(struct json_object *o, const char *key, uint64_t val)
{
	json_object_object_add(o, key, json_object_new_uint64(val));
}

static void add_bool(struct json_object *o, const char *key, bool val)
{
	json_object_object_add(o, key, json_object_new_boolean(val));
}

static void add_string(struct json_object *o, const char *key, const char *val)
{
	json_object_object_add(o, key, json_object_new_string(val));
}

static void add_list(struct json_object *o, const char *key,
		     const struct list *l)
{
	struct json_object *array = json_object_new_array();
	unsigned int i;

	for (i = 0; i < l->nr; i++)
		json_object_array_add(array, json_object_new_uint64(l->val[i]));
	json_object_object_add(o, key, array);
}

static struct json_object *counters(const struct queue *q,
				    const struct queue *before, double seconds)
{
	struct json_object *o = json_object_new_object();
	int i;

	for (i = 0; i < NR_COUNTERS; i++) {
		uint64_t n = q->counter[i];

		if (before)
			add(o, counter_names[i], json_object_new_double((double)
				(n - before->counter[i]) / seconds));
		else
			add_number(o, counter_names[i], n);
	}
	return o;
}

/**
 * json_queue - convert a queue to an object
 * @q: queue
 * @before: the same queue earlier, for rates, or NULL for counters
 * @seconds: time between @before and @q
 *
 * Return: the object, or NULL without memory.
 */
struct json_object *json_queue(const struct queue *q, const struct queue *before,
			       double seconds)
{
	struct json_object *o = json_object_new_object();
	struct json_object *faults = json_object_new_object();
	unsigned int i;

	add_number(o, "device", q->device);
	add_number(o, "index", q->index);
	add_string(o, "direction", direction_name(q->direction));
	add_string(o, "state", state_name(q->state));
	if (q->fault[0]) {
		add_string(o, "fault", q->fault);
		add_string(o, "fault_means", q->fault_means);
	}
	add_string(o, "backend", backend_name(q->backend));
	if (q->tap[0])
		add_string(o, "tap", q->tap);
	if (q->ifindex) {
		add_number(o, "ifindex", q->ifindex);
		add_number(o, "if_netns_cookie", q->if_netns_cookie);
	}
	if (q->has_if_dropped)
		add_number(o, "tap_dropped", q->if_dropped);
	add_number(o, "size", q->size);
	add_number(o, "depth", q->depth);
	add_bool(o, "starved", q->starved);
	add_bool(o, "blocked", q->blocked);
	add_bool(o, "throttled", q->throttled);
	if (q->rate) {
		add_number(o, "rate", q->rate);
		add_number(o, "burst", q->burst);
	}
	if (q->pps)
		add_number(o, "pps", q->pps);
	add_number(o, "busyloop_us", q->busyloop_us);
	add_number(o, "worker", q->worker);
	if (q->direction == VHOST_TAP_DIRECTION_TX)
		add_bool(o, "gso_frags", q->gso_frags);
	json_object_object_add(o, before ? "rates" : "counters",
			       counters(q, before, seconds));
	for (i = 0; i < q->nr_faults; i++)
		add_number(faults, q->faults[i].name, q->faults[i].count);
	json_object_object_add(o, "faults", faults);
	add_list(o, "batch_sizes", &q->batch_sizes);
	add_number(o, "iotlb_lookups", q->iotlb_lookups);
	add_number(o, "starved_for_ns", q->starved_for_ns);
	add_bool(o, "latency", q->latency);
	if (q->latency) {
		add_list(o, "kick_to_done", &q->kick_to_done);
		add_list(o, "wake_to_call", &q->wake_to_call);
	}
	if (q->load)
		add_number(o, "busy_ns", q->busy_ns);
	return o;
}

/* Values that are not known are left out. */
static struct json_object *worker(const struct worker *w)
{
	struct json_object *o = json_object_new_object();
	struct cpus cpus;
	char *text = NULL;

	add_number(o, "index", w->index);
	if (w->tid)
		add_number(o, "tid", w->tid);
	if (w->node >= 0)
		add_number(o, "node", w->node);
	if (w->shared_tids.nr)
		add_list(o, "shared_tids", &w->shared_tids);
	if (w->cpu >= 0) {
		add_number(o, "cpu", w->cpu);
		add_number(o, "run_ns", w->run_ns);
	}
	if (w->has_wait)
		add_number(o, "wait_ns", w->wait_ns);
	if (w->tid && !thread_cpus(w->tid, &cpus))
		text = cpus_text(&cpus);
	if (text)
		add_string(o, "may_use_cpus", text);
	free(text);
	add_list(o, "queues", &w->queues);
	return o;
}

static struct json_object *device(const struct snapshot *s,
				  const struct device *d)
{
	struct json_object *o = json_object_new_object();
	struct json_object *workers = json_object_new_array();
	unsigned int i;

	add_number(o, "id", d->id);
	if (d->owner_pid) {
		add_number(o, "owner_pid", d->owner_pid);
		add_string(o, "owner", d->owner);
	}
	add_number(o, "netns_cookie", d->netns_cookie);
	add_number(o, "nr_queues", d->nr_queues);
	add_number(o, "features", d->features[0]);
	add_number(o, "features_hi", d->features[1]);
	add_bool(o, "iotlb", d->iotlb);
	add_bool(o, "dirty_log", d->dirty_log);
	add_number(o, "memory_regions", d->memory_regions);
	add_string(o, "worker_layout", layout_name(d->layout));
	add_string(o, "polling", poll_mode_name(d->poll_mode));
	add_number(o, "poll_us", d->poll_us);
	for (i = d->first_worker; i < d->end_worker; i++)
		json_object_array_add(workers, worker(&s->worker[i]));
	json_object_object_add(o, "workers", workers);
	return o;
}

/**
 * json_snapshot - convert a snapshot to an object
 * @s: snapshot
 * @before: an earlier snapshot, for rates, or NULL for counters
 *
 * Return: the object, or NULL without memory.
 */
struct json_object *json_snapshot(const struct snapshot *s,
				  const struct snapshot *before)
{
	struct json_object *o = json_object_new_object();
	struct json_object *devices = json_object_new_array();
	struct json_object *queues = json_object_new_array();
	double seconds = before ? s->at - before->at : 0;
	unsigned int i;

	for (i = 0; i < s->nr_devices; i++)
		json_object_array_add(devices, device(s, &s->device[i]));
	for (i = 0; i < s->nr_queues; i++) {
		const struct queue *q = &s->queue[i], *was = NULL;

		if (before)
			was = snapshot_queue(before, q->device, q->index);
		if (!before || was)
			json_object_array_add(queues,
					      json_queue(q, was, seconds));
	}
	json_object_object_add(o, "devices", devices);
	json_object_object_add(o, "queues", queues);
	return o;
}

/**
 * json_print - print an object as one line, and free it
 * @o: object
 *
 * Return: exit code.
 */
int json_print(struct json_object *o)
{
	const char *text = NULL;

	if (o)
		text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
	if (text)
		puts(text);
	else
		warn("out of memory");
	json_object_put(o);
	return text ? output_flush() : CTL_FAILED;
}
