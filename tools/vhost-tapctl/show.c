// SPDX-License-Identifier: GPL-2.0
/*
 * show.c - vhost-tapctl show: print devices, queues and workers
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "json.h"

/* Print what a queue and its tap lost, and why packets waited. */
static void show_losses(const struct queue *q)
{
	bool is_rx = q->direction == VHOST_TAP_DIRECTION_RX;
	uint64_t drops = queue_drops(q), waits;
	double starved;

	waits = q->counter[is_rx ? COUNTER(STARVED) : COUNTER(BLOCKED)];
	if (!drops && !waits && !q->if_dropped)
		return;
	printf("        drops %llu  %s %llu times", (unsigned long long)drops,
	       is_rx ? "starved" : "blocked", (unsigned long long)waits);
	starved = q->counter[COUNTER(STARVED_NS)] + q->starved_for_ns;
	if (is_rx)
		printf(", %.3f s", starved / 1e9);
	if (q->has_if_dropped)
		printf("  tap drops %s%llu%s", q->if_dropped ? yellow() : "",
		       (unsigned long long)q->if_dropped,
		       q->if_dropped ? plain() : "");
	putchar('\n');
}

/* Print the limit of a queue, and how long it waited for it. */
static void show_limit(const struct queue *q)
{
	if (!q->rate && !q->pps)
		return;
	printf("        limit");
	if (q->rate)
		printf(" %llu bytes/s, burst %llu", (unsigned long long)q->rate,
		       (unsigned long long)q->burst);
	if (q->pps)
		printf("%s %llu packets/s", q->rate ? "," : "",
		       (unsigned long long)q->pps);
	printf("  throttled %llu times, %.3f s\n",
	       (unsigned long long)q->counter[COUNTER(THROTTLED)],
	       q->counter[COUNTER(THROTTLED_NS)] / 1e9);
}

static void show_queue(const struct queue *q)
{
	const char *c = q->state == VHOST_TAP_STATE_BROKEN ? red() :
			q->state == VHOST_TAP_STATE_RUNNING ? green() : "";
	char label[16];

	queue_label(q, label, sizeof(label));
	printf("  %-5s %s%-8s%s %-8s %-15s size %-5u depth %-5u worker %-3u busyloop %u us",
	       label, c, state_name(q->state), *c ? plain() : "",
	       backend_name(q->backend), q->tap[0] ? q->tap : "-", q->size,
	       q->depth, q->worker, q->busyloop_us);
	if (q->gso_frags)
		printf(" gso-frags");
	if (q->load)
		printf(" busy %.3f s", q->busy_ns / 1e9);
	if (q->starved)
		printf(" %sstarved%s", yellow(), plain());
	if (q->blocked)
		printf(" %sblocked%s", yellow(), plain());
	if (q->throttled)
		printf(" %sthrottled%s", yellow(), plain());
	if (q->fault[0])
		printf("\n        %s%s%s: %s", red(), q->fault, plain(),
		       q->fault_means);
	putchar('\n');
	show_losses(q);
	show_limit(q);
}

static void show_worker(const struct worker *w)
{
	struct cpus cpus;
	char *text = NULL;
	unsigned int i;

	printf("  worker %u  thread ", w->index);
	if (w->tid)
		printf("%u%s", w->tid, w->shared_tids.nr ? " (shared)" : "");
	else
		putchar('-');
	if (w->cpu >= 0)
		printf("  cpu %lld", (long long)w->cpu);
	if (w->tid && !thread_cpus(w->tid, &cpus))
		text = cpus_text(&cpus);
	if (text)
		printf("  may use %s", text);
	free(text);
	if (w->cpu >= 0)
		printf("  ran %.3f s", w->run_ns / 1e9);
	if (w->has_wait)
		printf("  waited %.3f s", w->wait_ns / 1e9);
	if (w->node >= 0)
		printf("  node %lld", (long long)w->node);
	printf("  queues");
	for (i = 0; i < w->queues.nr; i++)
		printf(" %llu", (unsigned long long)w->queues.val[i]);
	putchar('\n');
}

static void show_device(const struct snapshot *s, const struct device *d,
			bool netns)
{
	unsigned int i;

	printf("%sdevice %u%s  owner ", bold(), d->id, plain());
	if (d->owner_pid)
		printf("%u ", d->owner_pid);
	printf("%s  features 0x%llx",
	       d->owner[0] ? d->owner : "(not in this PID namespace)",
	       (unsigned long long)d->features[0]);
	if (d->features[1])
		printf(":0x%llx", (unsigned long long)d->features[1]);
	printf("  memory regions %u%s%s\n", d->memory_regions,
	       d->iotlb ? "  iotlb" : "", d->dirty_log ? "  dirty log" : "");
	printf("  workers %u (%s)  polling %s", d->nr_workers,
	       layout_name(d->layout), poll_mode_name(d->poll_mode));
	if (d->poll_us)
		printf(" %u us", d->poll_us);
	if (netns)
		printf("  network namespace %llu",
		       (unsigned long long)d->netns_cookie);
	putchar('\n');
	for (i = d->first_queue; i < d->end_queue; i++)
		show_queue(&s->queue[i]);
	for (i = d->first_worker; i < d->end_worker; i++)
		show_worker(&s->worker[i]);
}

/**
 * cmd_show - vhost-tapctl show
 * @argc: arguments, with the name
 * @argv: arguments
 *
 * Return: exit code.
 */
int cmd_show(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "all-namespaces", no_argument, NULL, 'a' },
		{ 0 },
	};
	bool json = false, all = false;
	struct snapshot s;
	unsigned int i;
	int c, ret;

	while ((c = next_option(argc, argv, "", options)) != -1) {
		if (c == 'j')
			json = true;
		else if (c == 'a')
			all = true;
		else
			return CTL_USAGE;
	}
	if (optind != argc)
		return CTL_USAGE;
	ret = snapshot_read(&s, all);
	if (ret == CTL_OK && json) {
		ret = json_print(json_snapshot(&s, NULL));
	} else if (ret == CTL_OK) {
		for (i = 0; i < s.nr_devices; i++)
			show_device(&s, &s.device[i], all);
		if (!s.nr_devices)
			printf("no device is open in %s network namespace\n",
			       all ? "any" : "this");
	}
	snapshot_free(&s);
	return ret;
}
