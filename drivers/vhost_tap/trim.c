// SPDX-License-Identifier: GPL-2.0
/*
 * trim.c - give back the memory that idle TX queues keep for their frames
 *
 * Read before: vtap.h, backend/xdp_tx.h.
 *
 * A TX queue keeps the memory of its frames to use it again. The work item of
 * its device is scheduled whenever a queue takes memory from the page allocator.
 * It returns what was not used for a whole interval, and comes again until no
 * queue has any memory left. A device without traffic has no timer.
 */
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include "backend/xdp_tx.h"
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
		/* A pass can hold the lock as long as guest memory lets it. */
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
 * vtap_trim_init - prepare a new device
 * @dev: device, zeroed
 */
void vtap_trim_init(struct vtap_dev *dev)
{
	INIT_DELAYED_WORK(&dev->trim, vtap_trim_work);
}

/**
 * vtap_trim_stop - wait for the work item, which does not come again
 * @dev: device; its workers are gone
 */
void vtap_trim_stop(struct vtap_dev *dev)
{
	cancel_delayed_work_sync(&dev->trim);
}
