// SPDX-License-Identifier: GPL-2.0
/*
 * taps.c - the network devices behind the queues of a snapshot
 */
#include "ctl.h"

/**
 * worker_tap - get the tap of a worker's first queue
 * @s: snapshot
 * @w: worker
 *
 * Return: name of the tap, or "".
 */
const char *worker_tap(const struct snapshot *s, const struct worker *w)
{
	const struct queue *q = NULL;

	if (w->queues.nr)
		q = snapshot_queue(s, w->device, w->queues.val[0]);
	return q ? q->tap : "";
}
