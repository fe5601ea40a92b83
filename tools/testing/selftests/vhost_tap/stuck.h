/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A page of guest memory whose first access waits for user space: it sticks the
 * worker that reads it in the middle of a pass.
 *
 * Read before: guest.h.
 */
#ifndef VTAP_TEST_STUCK_H
#define VTAP_TEST_STUCK_H

#include "guest.h"

/**
 * struct stuck - the page
 * @uffd: who waits for it tells here
 * @gpa: where the guest has it
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
