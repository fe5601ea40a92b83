// SPDX-License-Identifier: GPL-2.0
/*
 * Idle: how often workers run without traffic. The result is a number of context
 * switches of all worker threads in IDLE_S seconds, not a time.
 *
 * The rings are started, RX buffers are posted, TX is empty. A check before it makes
 * sure that counting works: packets must have made the worker run.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <unistd.h>

#include "testbed.h"
#include "cost.h"

#define IDLE_S		2

/* Send a packet to the guest, so that the worker runs. */
static int exercise(struct testbed *tb)
{
	struct vq *q = testbed_vq(tb, 0);
	int err;

	testbed_round(tb, 1);
	vq_calls_on(q);
	err = testbed_send_rx(tb);
	if (!err && !fd_wait(q->call, 5000))
		err = -ETIMEDOUT;
	return err;
}

int cost_idle(const struct bench_row *row, struct packet_cost *cost)
{
	long before, after;
	struct testbed tb;
	struct vq *q;
	int err;

	if (!row->rx)
		return -EINVAL;
	err = testbed_init(&tb, row);
	if (err)
		return err;
	q = testbed_vq(&tb, 0);
	err = testbed_post(&tb, 0, tb.nr_chains);
	if (err)
		return err;
	vq_publish(q);
	vq_kick(q);
	usleep(100000);

	before = worker_switches();
	err = exercise(&tb);
	usleep(200000);
	after = worker_switches();
	if (err)
		return err;
	if (before < 0 || after <= before)
		return -ESRCH;

	sleep(IDLE_S);
	*cost = (struct packet_cost){ .rounds = 1, .more = worker_switches() - after };
	cost->whole = cost->more;
	cost->median = cost->more;
	testbed_free(&tb);
	return 0;
}
