/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A thread that sends packets both ways while a test operates on the device. Checked
 * traffic compares every byte; a flood does not.
 */
#ifndef VTAP_TEST_TRAFFIC_H
#define VTAP_TEST_TRAFFIC_H

#include <pthread.h>
#include <stdbool.h>

#include "guest.h"

struct traffic {
	struct guest *g;
	int host;
	bool is_flood;
	pthread_t thread;
	bool must_stop;
	unsigned long rounds;
	int line;		/* line of the failed check, or 0 */
};

/* Wait for the frame of frame_raw(), and compare it. */
bool frame_at_host(int host, size_t len, uint32_t seq);
bool frame_at_guest(struct guest *g, size_t len, uint32_t seq);
/* Send the frame of frame_raw() out of or into the guest, and compare it. */
bool frame_out(struct guest *g, int host, size_t len, uint32_t seq);
bool frame_in(struct guest *g, int host, size_t len, uint32_t seq);

bool traffic_once(struct guest *g, int host);
bool traffic_in(struct guest *g, int host);
int traffic_start(struct traffic *t, struct guest *g, int host, bool is_flood);
bool traffic_wait(struct traffic *t, unsigned long more);
int traffic_stop(struct traffic *t);

#endif
