/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ioctl interface of vtap_ops.ko for pktcost.
 */
#ifndef VTAP_BENCH_OPS_H
#define VTAP_BENCH_OPS_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define OPS_MAX		10000	/* limit of @nr and of @times */

/**
 * enum ops_op - operation
 * @OPS_IRQ: local_irq_save() and local_irq_restore()
 * @OPS_MB: smp_mb()
 * @OPS_LOCK: spin_lock() and spin_unlock() without contention
 * @OPS_USER: get_user() of a 16-bit value
 * @OPS_LINE: a cache line goes from one CPU to another
 * @OPS_WAKEUP: a thread wakes one on the last CPU and sleeps, until that runs
 */
enum ops_op { OPS_IRQ, OPS_MB, OPS_LOCK, OPS_USER, OPS_LINE, OPS_WAKEUP };

/**
 * struct ops_run - operations to be timed
 * @ns: an array of @nr samples of 64 bits, written by the ioctl
 * @mem: 16-bit value in the caller's memory, for OPS_USER
 * @op: enum ops_op
 * @nr: number of samples
 * @times: operations in a sample; OPS_LINE and OPS_WAKEUP have two for each
 */
struct ops_run {
	__aligned_u64 ns;
	__aligned_u64 mem;
	__u32 op;
	__u32 nr;
	__u32 times;
	__u32 reserved;
};

/**
 * struct ops_kick - kick a vring and wait until a buffer is used
 * @used: index of the used ring, in the caller's memory
 * @ns: time from the kick, written by the ioctl
 * @kick: eventfd
 */
struct ops_kick {
	__aligned_u64 used;
	__aligned_u64 ns;
	__s32 kick;
	__u32 reserved;
};

/**
 * struct ops_arrival - send a packet and sleep until a vring has a call
 * @frame: the packet, in the caller's memory
 * @ns: time from the packet, written by the ioctl
 * @len: bytes of the packet, at most OPS_FRAME
 * @sock: packet socket
 * @call: eventfd, blocking
 */
struct ops_arrival {
	__aligned_u64 frame;
	__aligned_u64 ns;
	__u32 len;
	__s32 sock;
	__s32 call;
	__u32 reserved;
};

#define OPS_FRAME	2048

#define OPS_RUN		_IOW(0xf7, 3, struct ops_run)
#define OPS_KICK	_IOWR(0xf7, 4, struct ops_kick)
#define OPS_ARRIVAL	_IOWR(0xf7, 5, struct ops_arrival)

#endif
