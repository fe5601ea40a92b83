// SPDX-License-Identifier: GPL-2.0
/*
 * latency.c - latency histograms of queues, measured on request
 *
 * Two times are measured: from the guest's kick to the next used entries that the
 * guest can see, and from the wake-up by an arriving packet to the call of the
 * guest. Callbacks set kick_at and wake_at, and the pass clears them. A kick that
 * arrives while one is being measured is not measured.
 *
 * The probes are attached to tracepoints that exist anyway, and only while a queue
 * is measured. Otherwise a pass runs the same instructions as without this file.
 */
#include <linux/ktime.h>
#include <linux/log2.h>

#include "control.h"
#include "netlink.h"
#include "probes.h"
#include "registry.h"
#include "trace.h"

/* Tracepoints pass the queue as const, but this file owns q->latency. */
static struct vtap_latency *vtap_latency_of(const struct vtap_queue *q)
{
	if (!READ_ONCE(q->latency.is_on))
		return NULL;
	return (struct vtap_latency *)&q->latency;
}

static void vtap_latency_begin(u64 *start_ns)
{
	if (!READ_ONCE(*start_ns))
		WRITE_ONCE(*start_ns, ktime_get_ns());
}

static void vtap_latency_measure(u64 *start_ns, u64 *hist)
{
	u64 begin = READ_ONCE(*start_ns), *bucket;
	unsigned int i;

	if (!begin)
		return;
	WRITE_ONCE(*start_ns, 0);
	i = ilog2((ktime_get_ns() - begin) | 1);
	bucket = &hist[clamp_t(int, i - VTAP_LATENCY_FIRST, 0,
			       VTAP_LATENCY_BUCKETS - 1)];
	WRITE_ONCE(*bucket, *bucket + 1);
}

static void vtap_latency_on_kick(void *unused, const struct vtap_queue *q)
{
	struct vtap_latency *l = vtap_latency_of(q);

	if (l)
		vtap_latency_begin(&l->kick_at);
}

static void vtap_latency_on_wake(void *unused, const struct vtap_queue *q)
{
	struct vtap_latency *l = vtap_latency_of(q);

	if (l)
		vtap_latency_begin(&l->wake_at);
}

static void vtap_latency_on_batch(void *unused, const struct vtap_queue *q,
				  int n)
{
	struct vtap_latency *l = vtap_latency_of(q);

	if (l)
		vtap_latency_measure(&l->kick_at, l->kick_to_done);
}

static void vtap_latency_on_call(void *unused, const struct vtap_queue *q,
				 int must)
{
	struct vtap_latency *l = vtap_latency_of(q);

	if (!l)
		return;
	if (must > 0)
		vtap_latency_measure(&l->wake_at, l->wake_to_call);
	else
		WRITE_ONCE(l->wake_at, 0);
}

static int vtap_latency_register(void)
{
	int err;

	err = register_trace_vtap_kick(vtap_latency_on_kick, NULL);
	if (err)
		return err;
	err = register_trace_vtap_wake(vtap_latency_on_wake, NULL);
	if (err)
		goto err_kick;
	err = register_trace_vtap_batch(vtap_latency_on_batch, NULL);
	if (err)
		goto err_wake;
	err = register_trace_vtap_call(vtap_latency_on_call, NULL);
	if (err)
		goto err_batch;
	return 0;

err_batch:
	unregister_trace_vtap_batch(vtap_latency_on_batch, NULL);
err_wake:
	unregister_trace_vtap_wake(vtap_latency_on_wake, NULL);
err_kick:
	unregister_trace_vtap_kick(vtap_latency_on_kick, NULL);
	return err;
}

static void vtap_latency_unregister(void)
{
	unregister_trace_vtap_call(vtap_latency_on_call, NULL);
	unregister_trace_vtap_batch(vtap_latency_on_batch, NULL);
	unregister_trace_vtap_wake(vtap_latency_on_wake, NULL);
	unregister_trace_vtap_kick(vtap_latency_on_kick, NULL);
}

static VTAP_PROBES(probes, vtap_latency_register, vtap_latency_unregister);

/**
 * vtap_latency_set - start or stop measuring a queue
 * @q: queue of a listed device
 * @on: start, with empty histograms
 *
 * Context: vtap_registry_lock() held.
 * Return: 0, or a negative errno: -ENOSYS in a kernel without tracepoints.
 */
int vtap_latency_set(struct vtap_queue *q, bool on)
{
	struct vtap_latency *l = &q->latency;
	int err;

	vtap_registry_assert_held();
	if (l->is_on == on)
		return 0;
	if (!on) {
		WRITE_ONCE(l->is_on, false);
		vtap_probes_put(&probes);
		return 0;
	}
	err = vtap_probes_get(&probes);
	if (err)
		return err;
	memset(l, 0, sizeof(*l));
	WRITE_ONCE(l->is_on, true);
	return 0;
}

/**
 * vtap_latency_stop - stop measuring all queues of a device
 * @dev: device, not listed any more
 *
 * Context: Takes vtap_registry_lock().
 */
void vtap_latency_stop(struct vtap_dev *dev)
{
	struct vtap_queue *q;
	u32 i;

	lockdep_assert_held(&dev->lock);
	vtap_registry_lock();
	vtap_for_each_queue(dev, q, i)
		vtap_latency_set(q, false);
	vtap_registry_unlock();
}

/**
 * vtap_latency_exit - detach all probes; no queue is measured any more
 */
void vtap_latency_exit(void)
{
	vtap_probes_exit(&probes);
}
