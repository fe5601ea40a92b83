/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A flood of frames in one direction that something else slows down, such as a limit.
 */
#ifndef VTAP_TEST_FLOW_H
#define VTAP_TEST_FLOW_H

#include <stdint.h>

#include "guest.h"

#define FLOW_LEN	1000	/* length of a frame */

/**
 * struct flow - frames in one direction, numbered from 0
 * @g: guest
 * @host: packet socket on the tap
 * @dir: RX or TX
 * @side: file of the queue in debugfs
 * @rate: limit in frames per second, for the test
 * @sent: frames added
 * @got: frames that arrived, in order
 */
struct flow {
	struct guest *g;
	int host;
	unsigned int dir;
	const char *side;
	long rate;
	uint32_t sent;
	uint32_t got;
};

double seconds_now(void);
int flow_send(struct flow *f);
int flow_turn(struct flow *f);
int flows_run(struct flow *f, int nr, double seconds);
int flow_end(struct flow *f);
long flow_stat(struct flow *f, const char *name);

#endif
