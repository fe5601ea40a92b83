/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rows of the benchmarks, as read from rows.conf.
 */
#ifndef VTAP_BENCH_ROWS_CONF_H
#define VTAP_BENCH_ROWS_CONF_H

#include <stdbool.h>
#include <stdio.h>

enum iotlb_mode { IOTLB_OFF, IOTLB_BIG, IOTLB_4K };

enum gso_kind { GSO_NONE, GSO_TCP, GSO_UDP };

/* Destination of the guest's frames, see forward.c. */
enum bench_path { PATH_HOST, PATH_NIC, PATH_VXLAN, PATH_TAP };

/* Implemented in rounds.c, stream.c, idle.c, rr.c, many.c, latency.c and ops.c. */
enum bench_mode {
	MODE_ROUNDS, MODE_STREAM, MODE_IDLE, MODE_RR, MODE_MANY, MODE_LATENCY, MODE_OP
};

/* Operations of ops.c, not of a device. */
enum bench_op { OP_IRQ, OP_MB, OP_LOCK, OP_USER, OP_LINE, OP_WAKEUP, OP_SYSCALL };

/**
 * struct bench_row - the parameters of one measurement
 * @rx: host to guest, else guest to host
 * @len: bytes of a frame
 * @gso: a TCP or UDP packet that the receiver's side segments
 * @ring: ring size
 * @chain: descriptors of a packet or of a receive buffer
 * @buf: bytes of a receive buffer
 * @indirect: each chain is in an indirect table
 * @regions: number of regions of guest memory; packets use all of them in turn
 * @spread: number of separate parts of guest memory that packets use in turn; 0: as
 *	many as regions
 * @adjacent: buffers follow each other in memory without a gap
 * @mrg: mergeable buffers
 * @eidx: event index
 * @in_order: VIRTIO_F_IN_ORDER
 * @packed: packed rings, on vhost-tap only; rounds only
 * @log: dirty logging is on
 * @iotlb: addresses go through the device IOTLB
 * @burst: packets at a time; 0 for as many as the ring takes
 * @pairs: number of vhost files, each on a queue of one tap; 0 for one on a plain tap
 * @nr_idle: number of idle devices that exist as well, each on a tap of its own
 * @mode: kind of measurement
 * @op: operation of MODE_OP
 * @two_cpus: the guest runs on the first CPU, the workers on the last; rounds and stream
 * @poll_us: polling window of each vring, VHOST_SET_VRING_BUSYLOOP_TIMEOUT
 * @adapt_us: limit of adaptive polling, VHOST_TAP_SET_POLLING, on vhost-tap only
 * @pace_us: rr: time from one request to the next; 0 for no pause
 * @bridged: packets come from another tap over a bridge, with headroom, instead of from
 *	a packet socket
 * @path: destination of the guest's packets behind the tap
 * @frags: page fragments for GSO frames, VHOST_TAP_SET_VRING_GSO_FRAGS
 * @batch: the worker waits until the guest sleeps, and the reverse
 * @plain: the row to compare this one with
 * @times: runs in a boot, each side in turn; they share the time
 * @baseline: the row also makes sense without a ring
 */
struct bench_row {
	char name[48];
	char plain[48];
	bool rx;
	unsigned int len;
	enum gso_kind gso;
	unsigned int ring;
	unsigned int chain;
	unsigned int buf;
	bool indirect;
	unsigned int regions;
	unsigned int spread;
	bool adjacent;
	bool mrg;
	bool eidx;
	bool in_order;
	bool packed;
	bool log;
	enum iotlb_mode iotlb;
	unsigned int burst;
	unsigned int pairs;
	unsigned int nr_idle;
	enum bench_mode mode;
	enum bench_op op;
	bool two_cpus;
	unsigned int poll_us;
	unsigned int adapt_us;
	unsigned int pace_us;
	bool bridged;
	enum bench_path path;
	bool frags;
	bool batch;
	unsigned int times;
	bool baseline;
};

int bench_row_parse(struct bench_row *row, const char *line);

#endif
