/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Several pairs of one file. Each pair is a struct guest with its own part of guest
 * memory, and all share the file and its memory table. Functions for a guest therefore
 * work on a pair: guest_attach(), guest_tx(), traffic.
 */
#ifndef VTAP_TEST_PAIRS_H
#define VTAP_TEST_PAIRS_H

#include "guest.h"
#include "net.h"
#include "traffic.h"

#define PAIRS_MAX	256

/**
 * struct pairs - the pairs of one file
 * @fd: the node; each pair has a copy
 * @g: the pairs; pair i has vrings 2i and 2i + 1
 * @tap: one tap for each pair, see pairs_taps()
 */
struct pairs {
	int fd;
	unsigned int nr;
	struct guest *g;
	struct tap *tap;
	struct traffic *t;
	struct vhost_memory *table;
};

int pairs_open(struct pairs *p, unsigned int nr);
int pairs_own(struct pairs *p, const struct guest_cfg *cfg);
int pairs_taps(struct pairs *p);
int pairs_start(struct pairs *p, unsigned int i);
int pairs_up(struct pairs *p, const struct guest_cfg *cfg);
bool pairs_pass(struct pairs *p);
int pairs_load(struct pairs *p);
int pairs_stop(struct pairs *p);
void pairs_free(struct pairs *p);

int node_set_pairs(int fd, unsigned int nr);
int node_set_layout(int fd, unsigned int layout, unsigned int nr);
int node_attach(int fd, unsigned int vring, unsigned int worker);
int node_set_kind(int fd, uint8_t kind);
bool node_has_owner_kind(void);
int node_thread_of(int fd, unsigned int vring);

#endif
