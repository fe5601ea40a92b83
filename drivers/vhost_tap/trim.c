// SPDX-License-Identifier: GPL-2.0
/*
 * trim.c - free the frame memory of idle TX queues
 *
 * A queue that allocates pages schedules the work item of its device. It frees
 * memory that was unused for a whole interval, and runs again until none is left.
 */
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include "backend/backend.h"
#include "control.h"

static void vtap_trim_work(struct work_struct *work)
{
	struct vtap_dev *dev = container_of(to_delayed_work(work),
					    struct vtap_dev, trim);
	struct vtap_queue *q;
	bool is_left = false;
	u32 i;

	vtap_for_each_queue(dev, q, i) {
		if (q->dir != VTAP_TX)
			continue;
		/* Do not wait: a pass may sleep in a fault of guest memory. */
		if (!mutex_trylock(&q->lock)) {
			is_left = true;
			continue;
		}
		is_left |= vtap_xdp_tx_trim(&q->backend);
		mutex_unlock(&q->lock);
	}
	if (is_left)
		schedule_delayed_work(&dev->trim, VTAP_TRIM_INTERVAL);
}

/**
 * vtap_trim_init - initialize the work item of a new device
 * @dev: device, zeroed
 */
void vtap_trim_init(struct vtap_dev *dev)
{
	INIT_DELAYED_WORK(&dev->trim, vtap_trim_work);
}

/**
 * vtap_trim_stop - cancel the work item and wait for it
 * @dev: device without workers, which would schedule it again
 */
void vtap_trim_stop(struct vtap_dev *dev)
{
	lockdep_assert_held(&dev->lock);
	cancel_delayed_work_sync(&dev->trim);
}
