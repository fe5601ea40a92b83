/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ioctl interface of vtap_baseline.ko for pktcost.
 */
#ifndef VTAP_BENCH_BASELINE_H
#define VTAP_BENCH_BASELINE_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define BASELINE_RX	1	/* from the tap to memory, else from memory */
#define BASELINE_KERNEL	2	/* use kernel memory and ignore @mem */

/**
 * struct baseline_run - packets to be moved in one call
 * @mem: places in the caller's memory
 * @stride: bytes from one place to the next
 * @nr_places: number of places
 * @first: the first place to use
 * @nr_packets: number of packets, moved in batches of 64
 * @len: bytes of a packet, with a virtio-net header of 12 bytes
 * @flags: BASELINE_*
 */
struct baseline_run {
	__aligned_u64 mem;
	__u32 stride;
	__u32 nr_places;
	__u32 first;
	__u32 nr_packets;
	__u32 len;
	__u32 flags;
};

#define BASELINE_SET_TAP	_IOW(0xf7, 1, __s32)
#define BASELINE_RUN	_IOW(0xf7, 2, struct baseline_run)

#endif
