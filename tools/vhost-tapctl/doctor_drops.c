// SPDX-License-Identifier: GPL-2.0
/*
 * doctor_drops.c - the doctor's check for packets that taps dropped
 *
 * A tap keeps the packets for the guest until the guest has buffers, and drops
 * those that do not fit its queue. The tap's counter also includes packets that
 * its filters reject and packets for a detached queue. The advice therefore
 * depends on whether the guest was without buffers.
 */
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "link.h"

/* Length that absorbs bursts; see Documentation/tuning.rst. */
#define LONG_QUEUE	4000

/* The largest ring that QEMU offers */
#define LARGE_RING	1024

static void report(struct doctor_ctx *ctx, const struct tap *tap,
		   const struct link_info *l, const char *name)
{
	unsigned long long dropped = tap->q->if_dropped;
	char word[SHELL_ROOM], what[256], why[256];

	shell_word(word, sizeof(word), name);
	if (tap->starved && l->queue_len < LONG_QUEUE) {
		snprintf(what, sizeof(what),
			 "%s has a short queue and dropped %llu packets for the guest, which got %llu",
			 tap->q->tap, dropped,
			 (unsigned long long)tap->packets);
		snprintf(why, sizeof(why),
			 "the guest had no free buffer %llu times, and only %u packets could wait; a longer queue absorbs bursts",
			 (unsigned long long)tap->starved, l->queue_len);
		finding(ctx, WARNING, what, why,
			"ip link set dev %s txqueuelen %u", word, LONG_QUEUE);
		return;
	}
	snprintf(what, sizeof(what),
		 "%s dropped %llu packets for the guest, which got %llu",
		 tap->q->tap, dropped, (unsigned long long)tap->packets);
	if (!tap->starved) {
		finding(ctx, NOTE, what,
			"the guest always had free buffers, so the worker has too little CPU time, or a filter of the tap rejected the packets, or a queue of the tap was detached",
			NULL);
		return;
	}
	snprintf(why, sizeof(why),
		 "the guest had no free buffer %llu times, and the queue of %u packets was full; %s",
		 (unsigned long long)tap->starved, l->queue_len,
		 tap->size < LARGE_RING ?
		 "start the guest with rx_queue_size=1024, or with more queues" :
		 "give the guest more queues or CPU time");
	finding(ctx, NOTE, what, why, NULL);
}

/* Less than one packet in a thousand is not worth a finding. */
static bool is_worth_it(const struct tap *tap)
{
	return tap->q->direction == VHOST_TAP_DIRECTION_RX &&
	       tap->q->if_dropped > tap->packets / 1000;
}

/**
 * check_drops - check whether taps in this namespace drop packets for guests
 * @ctx: context
 */
void check_drops(struct doctor_ctx *ctx)
{
	uint64_t here = link_netns_cookie();
	struct snapshot s = { 0 };
	struct tap *taps = NULL;
	unsigned int nr = 0, i;
	struct genl *nl;

	nl = genl_open_loaded();
	if (nl && !snapshot_take(nl, &s))
		taps = taps_find(&s, &nr);
	for (i = 0; i < nr; i++) {
		const struct queue *q = taps[i].q;
		char name[IFNAMSIZ];
		struct link_info l;

		if (is_worth_it(&taps[i]) && q->if_netns_cookie == here &&
		    if_indextoname(q->ifindex, name) && !link_get(name, &l) &&
		    l.index == q->ifindex)
			report(ctx, &taps[i], &l, name);
	}
	free(taps);
	snapshot_free(&s);
	genl_close(nl);
}
