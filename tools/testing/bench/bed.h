/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest with one queue pair on one tap, set up as a row wants it.
 *
 * Read before: row.h, ../selftests/vhost_tap/guest.h. Read next: bed.c, pktcost.c.
 */
#ifndef VTAP_BENCH_BED_H
#define VTAP_BENCH_BED_H

#include <stdint.h>

#include "guest.h"
#include "row.h"

#define BED_HDR		12	/* virtio-net header of all that is measured */

/**
 * struct bed - what one row runs on
 * @per_packet: chains that a packet takes
 * @most: packets of a full round
 * @nr_packets: moved at a time
 * @nr_chains: made available at a time
 * @nr_slots: places for packets or buffers in guest memory, used in turn
 * @stride: bytes from one to the next in its region
 * @in_slot: where in a slot the packet is; before it, an indirect table
 */
struct bed {
	const struct row *row;
	struct guest g;
	int tap;
	int host;		/* packet socket on the tap; RX only */
	unsigned int per_packet;
	unsigned int most;
	unsigned int nr_packets;
	unsigned int nr_chains;
	unsigned int nr_slots;
	unsigned int slot;
	size_t stride;
	size_t in_slot;
	uint8_t *frame;		/* virtio-net header in front */
	size_t frame_len;	/* with it */
	uint64_t *log;
};

int bed_init(struct bed *bed, const struct row *row);
void bed_round(struct bed *bed, unsigned int nr_packets);
int bed_post(struct bed *bed);
int bed_feed(struct bed *bed);
int bed_reap(struct bed *bed);
void bed_free(struct bed *bed);
uint64_t bed_features(const struct row *row);

#endif
