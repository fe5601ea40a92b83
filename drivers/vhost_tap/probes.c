// SPDX-License-Identifier: GPL-2.0
/*
 * probes.c - attach probes to tracepoints while a queue is measured
 *
 * Attaching and detaching probes patches the kernel text on all CPUs. They are
 * detached a second after the last queue, which limits this to once per second if a
 * user toggles the measurement of a queue.
 */
#include <linux/tracepoint.h>

#include "probes.h"
#include "registry.h"

/**
 * vtap_probes_detach_work - detach the probes if no queue is measured any more
 * @work: vtap_probes.work
 */
void vtap_probes_detach_work(struct work_struct *work)
{
	struct vtap_probes *p = container_of(to_delayed_work(work),
					     struct vtap_probes, work);

	vtap_registry_lock();
	if (!p->nr_queues && p->attached) {
		p->detach();
		p->attached = false;
	}
	vtap_registry_unlock();
}

/**
 * vtap_probes_get - attach the probes for one more queue
 * @p: probes
 *
 * Context: vtap_registry_lock() held.
 * Return: 0, or a negative errno: -ENOSYS in a kernel without tracepoints.
 */
int vtap_probes_get(struct vtap_probes *p)
{
	int err;

	vtap_registry_assert_held();
	if (!p->attached) {
		err = p->attach();
		if (err)
			return err;
		p->attached = true;
	}
	p->nr_queues++;
	return 0;
}

/**
 * vtap_probes_put - stop measuring a queue
 * @p: probes; vtap_probes_get() has returned 0 for the queue
 *
 * Context: vtap_registry_lock() held.
 */
void vtap_probes_put(struct vtap_probes *p)
{
	vtap_registry_assert_held();
	if (!--p->nr_queues)
		schedule_delayed_work(&p->work, HZ);
}

/**
 * vtap_probes_exit - detach the probes; no queue is measured any more
 * @p: probes
 *
 * Waits until no probe runs.
 */
void vtap_probes_exit(struct vtap_probes *p)
{
	cancel_delayed_work_sync(&p->work);
	if (p->attached)
		p->detach();
	tracepoint_synchronize_unregister();
}
