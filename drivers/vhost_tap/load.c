// SPDX-License-Identifier: GPL-2.0
/*
 * load.c - time that workers spend in passes of a queue, measured on request
 *
 * The sum of the queues of a worker says how busy it is, also if it shares its
 * thread. As in latency.c, the probes are attached to tracepoints, and only while a
 * queue is measured.
 */
#include <linux/ktime.h>
#include <linux/workqueue.h>

#include "control.h"
#include "netlink.h"
#include "registry.h"
#include "trace.h"

/* Number of measured queues. Protected by vtap_registry_lock(). */
static unsigned int nr_measured;
static bool has_probes;

/* Tracepoints pass the queue as const, but this file owns q->load. */
static struct vtap_load *vtap_load_of(const struct vtap_queue *q)
{
	/* Pairs with the release in vtap_load_set(): begin_ns is 0 first. */
	if (!smp_load_acquire(&q->load.is_on))
		return NULL;
	return (struct vtap_load *)&q->load;
}

static void vtap_load_on_begin(void *unused, const struct vtap_queue *q)
{
	struct vtap_load *l = vtap_load_of(q);

	if (l)
		WRITE_ONCE(l->begin_ns, ktime_get_ns());
}

static void vtap_load_on_pass(void *unused, const struct vtap_queue *q,
			      u32 packets, enum vtap_verdict verdict)
{
	struct vtap_load *l = vtap_load_of(q);
	u64 begin = l ? READ_ONCE(l->begin_ns) : 0;

	/* The first pass may have begun before the measurement. */
	if (!begin)
		return;
	WRITE_ONCE(l->busy_ns, l->busy_ns + ktime_get_ns() - begin);
	WRITE_ONCE(l->begin_ns, 0);
}

static int vtap_load_register(void)
{
	int err;

	err = register_trace_vtap_begin(vtap_load_on_begin, NULL);
	if (err)
		return err;
	err = register_trace_vtap_pass(vtap_load_on_pass, NULL);
	if (err)
		unregister_trace_vtap_begin(vtap_load_on_begin, NULL);
	return err;
}

static void vtap_load_unregister(void)
{
	unregister_trace_vtap_pass(vtap_load_on_pass, NULL);
	unregister_trace_vtap_begin(vtap_load_on_begin, NULL);
}

/* As in latency.c, at most once per second. */
static void vtap_load_unregister_work(struct work_struct *unused)
{
	vtap_registry_lock();
	if (!nr_measured && has_probes) {
		vtap_load_unregister();
		has_probes = false;
	}
	vtap_registry_unlock();
}

static DECLARE_DELAYED_WORK(detach_work, vtap_load_unregister_work);

/**
 * vtap_load_set - start or stop measuring a queue
 * @q: queue of a listed device
 * @on: start; the time continues from its last value
 *
 * Context: vtap_registry_lock() held.
 * Return: 0, or a negative errno: -ENOSYS in a kernel without tracepoints.
 */
int vtap_load_set(struct vtap_queue *q, bool on)
{
	int err;

	vtap_registry_assert_held();
	if (q->load.is_on == on)
		return 0;
	if (!on) {
		WRITE_ONCE(q->load.is_on, false);
		if (!--nr_measured)
			schedule_delayed_work(&detach_work, HZ);
		return 0;
	}
	if (!has_probes) {
		err = vtap_load_register();
		if (err)
			return err;
		has_probes = true;
	}
	nr_measured++;
	/* A pass that ended while this was off leaves its begin. */
	WRITE_ONCE(q->load.begin_ns, 0);
	/* Pairs with the acquire in vtap_load_of(). */
	smp_store_release(&q->load.is_on, true);
	return 0;
}

/**
 * vtap_load_stop - stop measuring all queues of a device
 * @dev: device, not listed any more
 *
 * Context: Takes vtap_registry_lock().
 */
void vtap_load_stop(struct vtap_dev *dev)
{
	struct vtap_queue *q;
	u32 i;

	lockdep_assert_held(&dev->lock);
	vtap_registry_lock();
	vtap_for_each_queue(dev, q, i)
		vtap_load_set(q, false);
	vtap_registry_unlock();
}

/**
 * vtap_load_exit - detach all probes; no queue is measured any more
 */
void vtap_load_exit(void)
{
	cancel_delayed_work_sync(&detach_work);
	if (has_probes)
		vtap_load_unregister();
	tracepoint_synchronize_unregister();
}
