/* SPDX-License-Identifier: GPL-2.0 */
/* probes.h - probes of tracepoints that are attached while a queue is measured */
#ifndef VTAP_PROBES_H
#define VTAP_PROBES_H

#include <linux/workqueue.h>

/**
 * struct vtap_probes - the probes of one kind of measurement
 * @attach: registers all probes, or returns a negative errno
 * @detach: unregisters all probes
 * @nr_queues: number of measured queues
 * @attached: the probes are registered
 * @work: detaches them when no queue is measured any more
 *
 * Locking: vtap_registry_lock().
 */
struct vtap_probes {
	int (*attach)(void);
	void (*detach)(void);
	unsigned int nr_queues;
	bool attached;
	struct delayed_work work;
};

void vtap_probes_detach_work(struct work_struct *work);

#define VTAP_PROBES(name, attach_fn, detach_fn)				\
	struct vtap_probes name = {					\
		.attach = (attach_fn),					\
		.detach = (detach_fn),					\
		.work = __DELAYED_WORK_INITIALIZER((name).work,		\
					vtap_probes_detach_work, 0),	\
	}

int vtap_probes_get(struct vtap_probes *p);
void vtap_probes_put(struct vtap_probes *p);
void vtap_probes_exit(struct vtap_probes *p);

#endif /* VTAP_PROBES_H */
