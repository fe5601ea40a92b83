/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest with its queue pairs on one tap, set up as a row wants it.
 *
 * Read before: rows_conf.h, ../selftests/vhost_tap/guest.h. Read next: testbed.c, tap.c.
 */
#ifndef VTAP_BENCH_TESTBED_H
#define VTAP_BENCH_TESTBED_H

#include <stdint.h>

#include "guest.h"
#include "rows_conf.h"

#define BED_HDR		12	/* virtio-net header of all that is measured */
#define BED_PAIRS	4

/** struct pair - a vhost file with guest memory of its own, and a tap queue */
struct pair {
	struct guest g;
	int tap;
	unsigned int slot;	/* the next place to be used */
};

/**
 * struct testbed - what one row runs on
 * @baseline: module without rings in the place of a vhost node, or -1
 * @per_packet: chains that a packet takes
 * @most: packets of a full round, for each pair
 * @nr_packets: moved at a time
 * @nr_chains: made available at a time
 * @nr_slots: places for packets or buffers in guest memory, used in turn
 * @stride: bytes from one to the next in its part of memory
 * @nr_parts: they go round so many parts, @part_len bytes each
 * @in_slot: where in a slot the packet is; before it, an indirect table
 * @mem: guest memory where there is no guest
 */
struct testbed {
	const struct row *row;
	struct pair pair[BED_PAIRS];
	unsigned int nr_pairs;
	int baseline;
	int host;		/* where RX packets come from */
	unsigned int per_packet;
	unsigned int most;
	unsigned int nr_packets;
	unsigned int nr_chains;
	unsigned int nr_slots;
	size_t stride;
	size_t in_slot;
	unsigned int nr_parts;
	size_t part_len;
	uint8_t *frame;		/* virtio-net header in front */
	size_t frame_len;	/* with it */
	uint64_t *log;
	uint8_t *mem;
};

int bed_init(struct testbed *tb, const struct row *row);
void bed_round(struct testbed *tb, unsigned int nr_packets);
struct vq *bed_vq(struct testbed *tb, unsigned int pair);
int bed_post(struct testbed *tb, unsigned int pair, unsigned int nr_chains);
int bed_reap(struct testbed *tb);
void bed_free(struct testbed *tb);
uint64_t testbed_features(const struct row *row);

/* tap.c: what is sent and where */
int wire_init(struct testbed *tb);
int wire_feed(struct testbed *tb);

/* baseline.c: the same without rings */
bool baseline_is_node(const char *node);
int baseline_init(struct testbed *tb);
int baseline_run(struct testbed *tb);

#endif
