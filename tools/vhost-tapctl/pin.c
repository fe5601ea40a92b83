// SPDX-License-Identifier: GPL-2.0
/*
 * pin.c - vhost-tapctl pin: choose the CPUs of workers
 *
 * A worker is a thread with an id, so the scheduler's own system call moves it.
 * The kernel's cpusets stay in force.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

/** struct pinned_worker - a worker, and its CPUs before the command */
struct pinned_worker {
	const struct worker *w;
	struct cpus before;
};

static int failure(const struct worker *w, int err, const char *list)
{
	switch (err) {
	case -ESRCH:
		warn("worker %u of device %u has ended", w->index, w->device);
		return CTL_NOT_FOUND;
	case -EPERM:
		warn("this user may not move thread %u, worker %u of device %u: run it as root (CAP_SYS_NICE)",
		     w->tid, w->index, w->device);
		return CTL_DENIED;
	case -EINVAL:
		warn("worker %u of device %u can use none of the CPUs %s: they are offline, or outside of its cpuset",
		     w->index, w->device, list);
		return CTL_FAILED;
	default:
		warn("worker %u of device %u: %s", w->index, w->device,
		     strerror(-err));
		return CTL_FAILED;
	}
}

/*
 * The kernel ignores CPUs that the worker cannot use, if it can use others.
 * Refuse them, since the user would expect the worker there.
 */
static int check_result(const struct worker *w, const struct cpus *wanted,
			const char *list)
{
	struct cpus now;
	char *text;
	int err = thread_cpus(w->tid, &now);

	if (err)
		return failure(w, err, list);
	if (CPU_EQUAL_S(sizeof(now.set), now.set, wanted->set))
		return CTL_OK;
	text = cpus_text(&now);
	warn("worker %u of device %u can use only %s of the CPUs %s: the others are offline, or outside of its cpuset",
	     w->index, w->device, text ?: "some", list);
	free(text);
	return CTL_FAILED;
}

static int pin_worker(struct pinned_worker *m, const struct cpus *cpus, const char *list)
{
	const struct worker *w = m->w;
	int err, ret;

	if (!w->tid) {
		warn("worker %u of device %u has ended, or has no thread id in this PID namespace",
		     w->index, w->device);
		return CTL_NOT_FOUND;
	}
	err = thread_cpus(w->tid, &m->before);
	if (!err)
		err = thread_set_cpus(w->tid, cpus);
	if (err)
		return failure(w, err, list);
	ret = check_result(w, cpus, list);
	if (ret != CTL_OK)
		thread_set_cpus(w->tid, &m->before);
	return ret;
}

/* Pin all workers or, after a failure, none. */
static int pin_workers(struct pinned_worker *pinned, unsigned int nr,
		       const struct cpus *cpus, const char *list)
{
	unsigned int i;
	int ret;

	for (i = 0; i < nr; i++) {
		ret = pin_worker(&pinned[i], cpus, list);
		if (ret == CTL_OK)
			continue;
		while (i--)
			thread_set_cpus(pinned[i].w->tid, &pinned[i].before);
		return ret;
	}
	return CTL_OK;
}

/* Find the worker of @queue, or all workers if @queue is NULL. */
static int find(const struct snapshot *s, uint32_t device,
		const unsigned long *queue, struct pinned_worker *pinned,
		unsigned int *nr)
{
	const struct device *d = snapshot_device(s, device);
	const struct queue *q;
	unsigned int i;

	*nr = 0;
	if (!d) {
		warn("no such device: %u (\"vhost-tapctl show\" lists them)",
		     device);
		return CTL_NOT_FOUND;
	}
	if (!queue) {
		for (i = d->first_worker; i < d->end_worker; i++)
			pinned[(*nr)++].w = &s->worker[i];
	} else {
		q = snapshot_queue(s, device, *queue);
		if (!q) {
			warn("device %u has no queue %lu", device, *queue);
			return CTL_NOT_FOUND;
		}
		pinned[0].w = snapshot_worker(s, device, q->worker);
		*nr = !!pinned[0].w;
	}
	if (*nr)
		return CTL_OK;
	warn("device %u has no such worker any more", device);
	return CTL_NOT_FOUND;
}

static int pin(const struct snapshot *s, uint32_t device,
	       const unsigned long *queue, const struct cpus *cpus,
	       const char *list)
{
	struct pinned_worker *pinned = calloc(s->nr_workers + 1, sizeof(*pinned));
	unsigned int nr;
	int ret;

	if (!pinned) {
		warn("out of memory");
		return CTL_FAILED;
	}
	ret = find(s, device, queue, pinned, &nr);
	if (ret == CTL_OK)
		ret = pin_workers(pinned, nr, cpus, list);
	free(pinned);
	return ret;
}

/**
 * cmd_pin - vhost-tapctl pin
 * @argc: arguments, with the name
 * @argv: arguments
 *
 * Return: exit code.
 */
int cmd_pin(int argc, char **argv)
{
	unsigned long device, queue;
	struct snapshot s;
	struct cpus cpus;
	char *text;
	int ret;

	if (argc != 3)
		return CTL_USAGE;
	if (device_number(argv[1], &device, &text))
		return CTL_USAGE;
	if (text && number(text, 0, UINT16_MAX, &queue)) {
		warn("\"%s\" is not the number of a queue", text);
		return CTL_USAGE;
	}
	if (cpus_parse(argv[2], &cpus)) {
		warn("\"%s\" is not a list of CPUs, as in 0-3,8", argv[2]);
		return CTL_USAGE;
	}
	ret = snapshot_read(&s, false);
	if (ret == CTL_OK)
		ret = pin(&s, device, text ? &queue : NULL, &cpus, argv[2]);
	snapshot_free(&s);
	return ret;
}
