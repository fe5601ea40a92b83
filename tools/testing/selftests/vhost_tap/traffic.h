/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A thread that keeps packets moving both ways while a test does things to
 * the device. Checked traffic compares every byte; a flood only keeps going.
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
	int line;		/* where checked traffic failed, 0 if it did not */
};

bool traffic_once(struct guest *g, int host);
int traffic_start(struct traffic *t, struct guest *g, int host, bool is_flood);
bool traffic_wait(struct traffic *t, unsigned long more);
int traffic_stop(struct traffic *t);

#endif
