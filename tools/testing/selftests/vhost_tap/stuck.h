/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A page of guest memory whose first access blocks until user space acts. It stops a
 * worker in the middle of a pass.
 */
#ifndef VTAP_TEST_STUCK_H
#define VTAP_TEST_STUCK_H

#include "guest.h"

/**
 * struct stuck - the page
 * @uffd: userfaultfd that reports the blocked access
 * @gpa: guest address of the page
 */
struct stuck {
	int uffd;
	uint8_t *page;
	uint64_t gpa;
};

int stuck_open(struct stuck *s);
int stuck_page(struct stuck *s, struct guest *g);
int stuck_tx(struct stuck *s, struct guest *g);
bool stuck_wait(struct stuck *s);
int stuck_end(struct stuck *s);

#endif
