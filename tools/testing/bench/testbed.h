/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest with its queue pairs on one tap, set up for a row.
 */
#ifndef VTAP_BENCH_TESTBED_H
#define VTAP_BENCH_TESTBED_H

#include <stdint.h>

#include "guest.h"
#include "rows_conf.h"

#define TESTBED_HDR_LEN		12	/* size of the virtio-net header */
#define TESTBED_MAX_PAIRS	16

/** struct testbed_pair - a vhost file with its own guest memory, and a tap queue */
struct testbed_pair {
	struct guest g;
	int tap;
	unsigned int slot;	/* the next slot */
};

/**
 * struct many - idle devices, see many.c
 * @nr: number of pairs
 */
struct many {
	unsigned int nr;
	unsigned int pairs_of_file;
	struct guest *g;
	int *tap;
};

/**
 * struct testbed - the resources of one row
 * @baseline: module without rings instead of a vhost node, or -1
 * @per_packet: chains per packet
 * @most: packets of a full round, for each pair
 * @nr_packets: packets moved at a time
 * @nr_chains: chains made available at a time
 * @nr_slots: slots for packets or buffers in guest memory, used in turn
 * @stride: bytes from one slot to the next in its part of memory
 * @nr_parts: number of parts, used in turn, of @part_len bytes each
 * @in_slot: offset of the packet in a slot; an indirect table precedes it
 * @mem: guest memory without a guest
 */
struct testbed {
	const struct bench_row *row;
	struct testbed_pair pair[TESTBED_MAX_PAIRS];
	unsigned int nr_pairs;
	int baseline;
	int host;		/* source of RX packets */
	int sink;		/* the tap behind the tap, or -1 */
	unsigned int per_packet;
	unsigned int most;
	unsigned int nr_packets;
	unsigned int nr_chains;
	unsigned int nr_slots;
	size_t stride;
	size_t in_slot;
	unsigned int nr_parts;
	size_t part_len;
	uint8_t *frame;		/* starts with the virtio-net header */
	size_t frame_len;	/* including the header */
	uint64_t *log;
	uint8_t *mem;
	struct many idle;
};

int testbed_init(struct testbed *tb, const struct bench_row *row);
void testbed_round(struct testbed *tb, unsigned int nr_packets);
struct vq *testbed_vq(struct testbed *tb, unsigned int pair);
int testbed_post(struct testbed *tb, unsigned int pair, unsigned int nr_chains);
int testbed_reap(struct testbed *tb);
unsigned int testbed_take_used(struct testbed *tb, struct vq *q);
void testbed_free(struct testbed *tb);
uint64_t testbed_features(const struct bench_row *row);

/* tap.c: frames and their path */
int testbed_tap_init(struct testbed *tb);
int testbed_send_rx(struct testbed *tb);
int bridge_ports(int s, const char *a, const char *b);

/* forward.c: what is behind the tap */
int forward_init(struct testbed *tb, int s, const char *tap);
void forward_drain(struct testbed *tb);

/* many.c: idle devices */
int many_prepare(struct many *m, const struct bench_row *row);
int many_start(struct many *m);

/* baseline.c: rounds without rings */
bool baseline_is_node(const char *node);
int baseline_init(struct testbed *tb);
int baseline_run(struct testbed *tb);

#endif
