// SPDX-License-Identifier: GPL-2.0
/*
 * load.c - time that workers spend in passes of a queue, measured on request
 *
 * The sum of the queues of a worker says how busy it is, also if it shares its
 * thread. As in latency.c, the probes are attached to tracepoints, and only while a
 * queue is measured.
 */
#include <linux/ktime.h>

#include "control.h"
#include "netlink.h"
#include "probes.h"
#include "registry.h"
#include "trace.h"

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

static VTAP_PROBES(probes, vtap_load_register, vtap_load_unregister);

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
		vtap_probes_put(&probes);
		return 0;
	}
	err = vtap_probes_get(&probes);
	if (err)
		return err;
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
	vtap_probes_exit(&probes);
}
