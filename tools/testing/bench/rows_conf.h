/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a row of the bench measures, and how it is read from rows.conf.
 *
 * Read before: rows.conf. Read next: testbed.h.
 */
#ifndef VTAP_BENCH_ROWS_CONF_H
#define VTAP_BENCH_ROWS_CONF_H

#include <stdbool.h>
#include <stdio.h>

enum iotlb_mode { IOTLB_OFF, IOTLB_BIG, IOTLB_4K };

/* See rounds.c, stream.c, idle.c. */
enum row_mode { ROW_ROUNDS, ROW_STREAM, ROW_IDLE };

/**
 * struct row - one set of circumstances
 * @rx: host to guest, else guest to host
 * @len: bytes of a frame
 * @gso: a TCP packet to be cut by whoever sends it on
 * @ring: entries of the ring
 * @chain: descriptors of a packet or of a receive buffer
 * @buf: bytes of a receive buffer
 * @indirect: the chain lies in a table of its own
 * @regions: of guest memory; packets go round all of them
 * @spread: parts of guest memory that packets go round, pages of their own; 0:
 *	as many as regions
 * @mrg: mergeable buffers
 * @eidx: event index
 * @in_order: VIRTIO_F_IN_ORDER
 * @packed: packed rings, which only our node has; rounds only
 * @log: dirty logging is on
 * @iotlb: addresses go through the device IOTLB
 * @burst: packets at a time; 0 is as many as the ring takes
 * @pairs: vhost files, each on a queue of one tap; 0 is one on a plain tap
 * @mode: what is done with it
 * @bridged: packets come from another tap over a bridge, with headroom, instead
 *	of from a packet socket
 * @batch: the worker waits until the guest sleeps, and the other way round
 * @plain: the row that this one is the other of
 * @times: runs in a boot, each side in turn; the time is divided
 * @baseline: it makes sense without a ring, too
 */
struct row {
	char name[48];
	char plain[48];
	bool rx;
	unsigned int len;
	bool gso;
	unsigned int ring;
	unsigned int chain;
	unsigned int buf;
	bool indirect;
	unsigned int regions;
	unsigned int spread;
	bool mrg;
	bool eidx;
	bool in_order;
	bool packed;
	bool log;
	enum iotlb_mode iotlb;
	unsigned int burst;
	unsigned int pairs;
	enum row_mode mode;
	bool bridged;
	bool batch;
	unsigned int times;
	bool baseline;
};

int row_parse(struct row *row, const char *line);

#endif
