/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What pktcost asks of vtap_baseline.ko.
 */
#ifndef VTAP_BENCH_BASELINE_H
#define VTAP_BENCH_BASELINE_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define BASELINE_RX	1	/* from the tap to memory, else the other way */
#define BASELINE_KERNEL	2	/* memory is the kernel's, @mem does not count */

/**
 * struct baseline_run - packets to be moved in one go
 * @mem: places in the caller's memory
 * @stride: bytes from one to the next
 * @nr_places: places there are
 * @first: the one to begin with
 * @nr_packets: to be moved, in batches of 64
 * @len: bytes of a packet, with a virtio-net header of 12
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
