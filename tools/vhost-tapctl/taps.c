// SPDX-License-Identifier: GPL-2.0
/*
 * taps.c - the network devices behind the queues of a snapshot
 *
 * Several queues, and with QEMU several devices, can use one tap. The tap counts
 * its drops for all of them together.
 */
#include <stdlib.h>

#include "ctl.h"

static int compare(const void *a, const void *b)
{
	const struct queue *x = ((const struct tap *)a)->q;
	const struct queue *y = ((const struct tap *)b)->q;

	if (x->if_netns_cookie != y->if_netns_cookie)
		return x->if_netns_cookie < y->if_netns_cookie ? -1 : 1;
	if (x->ifindex != y->ifindex)
		return x->ifindex < y->ifindex ? -1 : 1;
	if (x->direction != y->direction)
		return x->direction < y->direction ? -1 : 1;
	return 0;
}

/* Join the queues of each tap. Returns the number of taps. */
static unsigned int join(struct tap *taps, unsigned int nr)
{
	struct tap *last = taps;
	unsigned int i;

	for (i = 1; i < nr; i++) {
		if (compare(last, &taps[i])) {
			*++last = taps[i];
			continue;
		}
		last->packets += taps[i].packets;
		last->starved += taps[i].starved;
		if (taps[i].size < last->size)
			last->size = taps[i].size;
		/* The tap may have dropped more between two messages. */
		if (taps[i].q->if_dropped > last->q->if_dropped)
			last->q = taps[i].q;
	}
	return nr ? last - taps + 1 : 0;
}

/**
 * taps_find - find the taps of a snapshot whose drops are known
 * @s: snapshot
 * @nr: set to the number of elements, one for each tap and direction
 *
 * Return: the taps, which the caller frees, or NULL without memory.
 */
struct tap *taps_find(const struct snapshot *s, unsigned int *nr)
{
	struct tap *taps = calloc(s->nr_queues + 1, sizeof(*taps));
	unsigned int i, n = 0;

	*nr = 0;
	if (!taps)
		return NULL;
	for (i = 0; i < s->nr_queues; i++) {
		const struct queue *q = &s->queue[i];

		if (q->has_if_dropped)
			taps[n++] = (struct tap){
				.q = q,
				.packets = q->counter[COUNTER(PACKETS)],
				.starved = q->counter[COUNTER(STARVED)],
				.size = q->size,
			};
	}
	qsort(taps, n, sizeof(*taps), compare);
	*nr = join(taps, n);
	return taps;
}

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
