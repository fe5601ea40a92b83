/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * vhost_tap.h - what /dev/vhost-tap has beyond the vhost-net interface
 *
 * Everything a VMM needs comes from <linux/vhost.h>: the device answers the
 * vhost-net ioctls with vhost-net's structures, states and errnos. This file
 * adds what vhost-net lacks.
 *
 * What an errno means, for all ioctls of the device:
 *
 *   EPERM       the caller's process is not the owner (VHOST_SET_OWNER);
 *               VHOST_SET_FORK_FROM_OWNER: kernel threads are forbidden (module
 *               parameter kthread_workers=)
 *   EBUSY       there is an owner already; or the queue has a backend and
 *               the call wants it stopped
 *   EFAULT      the argument cannot be read or written; VHOST_NET_SET_BACKEND:
 *               ring or guest memory is not set up or not accessible;
 *               VHOST_SET_MEM_TABLE: a region wraps
 *   ENOBUFS     no such vring
 *   EINVAL      a value out of its range; an unaligned ring; no eventfd;
 *               a tun without a device
 *   EOPNOTSUPP  a feature that was not offered, unknown flags, or padding set
 *   E2BIG       more memory regions (509) or feature words (64) than supported
 *   EBADF       no such file descriptor (eventfds)
 *   ENOTSOCK    the backend is no tap, macvtap or AF_PACKET raw socket
 *   ENOTTY      unknown ioctl
 *   ENOMEM      out of memory; VHOST_SET_OWNER, VHOST_NEW_WORKER: also no more
 *               threads for the owner
 *   EAGAIN      VHOST_SET_OWNER: the workers are kernel threads, and the
 *               caller's user would have more processes than RLIMIT_NPROC allows
 *
 * VHOST_NET_SET_BACKEND with fd -1 succeeds for the owner in every state.
 */
#ifndef _UAPI_LINUX_VHOST_TAP_H
#define _UAPI_LINUX_VHOST_TAP_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Grows with each addition to this file. */
#define VHOST_TAP_VERSION	5

/**
 * struct vhost_tap_info - what this device is
 * @size: in: bytes of the caller's structure, at least
 *	VHOST_TAP_INFO_SIZE_V1; out: bytes the kernel knows
 * @version: VHOST_TAP_VERSION of the running module
 * @caps: extensions, VHOST_TAP_CAP_* bits
 * @max_pairs: the most that VHOST_TAP_SET_QUEUE_PAIRS takes
 * @reserved: 0
 *
 * Append-only. What the caller's structure has beyond the kernel's is zeroed.
 */
struct vhost_tap_info {
	__u32 size;
	__u32 version;
	__aligned_u64 caps;
	__u32 max_pairs;
	__u32 reserved;
};

#define VHOST_TAP_INFO_SIZE_V1	16

/* VHOST_TAP_SET_FEATURE_MASK is there. */
#define VHOST_TAP_CAP_FEATURE_MASK	(1ULL << 0)
/* VHOST_TAP_SET_QUEUE_PAIRS is there. */
#define VHOST_TAP_CAP_QUEUE_PAIRS	(1ULL << 1)
/* VHOST_TAP_SET_WORKERS, VHOST_TAP_GET_VRING_THREAD and vhost-scsi's calls. */
#define VHOST_TAP_CAP_WORKERS		(1ULL << 2)
/* VHOST_TAP_SET_POLLING is there. */
#define VHOST_TAP_CAP_POLLING		(1ULL << 3)

/*
 * Tell vhost-tap from vhost-net: works in any state and without owner.
 * Returns 0; EFAULT; EINVAL @size too small or more than a page. On a stock
 * vhost-net it fails (EPERM or ENOTTY, ENOBUFS) and changes nothing.
 */
#define VHOST_TAP_GET_INFO	_IOWR(0xAF, 0xE0, struct vhost_tap_info)

/**
 * struct vhost_tap_feature_mask - what a file may offer
 * @features: feature bits 0 to 63, and 64 to 127
 */
struct vhost_tap_feature_mask {
	__aligned_u64 features[2];
};

/*
 * Limit the features that this open file offers from now on to those in the
 * mask. It can only be narrowed, and only while the file has no owner, so what
 * opens the file for a VMM decides; VHOST_RESET_OWNER leaves it. The module
 * parameter features= sets the same limit for all files.
 * Returns 0; EFAULT; EBUSY there is an owner, or features are acked that would
 * go. On a stock vhost-net it fails (EPERM or ENOTTY, ENOBUFS) and changes
 * nothing.
 */
#define VHOST_TAP_SET_FEATURE_MASK	_IOW(0xAF, 0xE1, \
					     struct vhost_tap_feature_mask)

/**
 * struct vhost_tap_queue_pairs - how many queues a file has
 * @nr: pairs, 1 to vhost_tap_info.max_pairs
 * @reserved: must be 0
 */
struct vhost_tap_queue_pairs {
	__u32 nr;
	__u32 reserved;
};

/*
 * Have several queue pairs behind this file, as many queues of one multi-queue
 * tap or macvtap. Vring 2i is pair i's RX and vring 2i + 1 its TX in all calls
 * that take a vring index; VHOST_NET_SET_BACKEND starts and stops each for
 * itself. All else is the file's: owner, memory, features, log, IOTLB. From
 * VHOST_SET_OWNER on each pair has a worker thread. VHOST_RESET_OWNER goes back
 * to one pair.
 * Returns 0; EFAULT; EINVAL @nr is 0 or too large, or @reserved not 0; EBUSY
 * there is an owner, or features are acked; ENOMEM. On a stock vhost-net it
 * fails (EPERM or ENOTTY, ENOBUFS) and changes nothing.
 */
#define VHOST_TAP_SET_QUEUE_PAIRS	_IOW(0xAF, 0xE2, \
					     struct vhost_tap_queue_pairs)

/**
 * enum vhost_tap_layout - how VHOST_SET_OWNER gives the queues workers
 * @VHOST_TAP_WORKER_PER_PAIR: one for each pair
 * @VHOST_TAP_WORKER_PER_VRING: one for each RX, one for each TX
 * @VHOST_TAP_WORKERS_SHARED: as many as asked for; the pairs take turns
 */
enum vhost_tap_layout {
	VHOST_TAP_WORKER_PER_PAIR,
	VHOST_TAP_WORKER_PER_VRING,
	VHOST_TAP_WORKERS_SHARED,
};

/**
 * struct vhost_tap_workers - the workers that a file starts with
 * @layout: enum vhost_tap_layout
 * @nr: VHOST_TAP_WORKERS_SHARED: workers, 1 to vhost_tap_info.max_pairs; there
 *	are never more than pairs. Else 0
 */
struct vhost_tap_workers {
	__u32 layout;
	__u32 nr;
};

/*
 * Choose the workers before there is an owner; each pair has one unless told
 * otherwise (module parameter split_workers=). VHOST_RESET_OWNER goes back to
 * that. They have the ids 0, 1 and so on in the order of their first vring,
 * and VHOST_ATTACH_VRING_WORKER can move vrings between them, as between those
 * that VHOST_NEW_WORKER makes. The module parameter numa= gives them the CPUs of
 * a NUMA node where nobody else does.
 *
 * If they are kernel threads (VHOST_SET_FORK_FROM_OWNER) and whoever calls
 * VHOST_SET_OWNER lacks CAP_SYS_RESOURCE, there are no more of them than CPUs, nor
 * than pairs (with split_workers=1: vrings): what @layout would give worker i has
 * worker i modulo that number.
 *
 * Returns 0; EFAULT; EINVAL an unknown layout, or @nr out of range; EBUSY there
 * is an owner. On a stock vhost-net it fails (EPERM or ENOTTY, ENOBUFS) and
 * changes nothing.
 */
#define VHOST_TAP_SET_WORKERS	_IOW(0xAF, 0xE3, struct vhost_tap_workers)

/**
 * struct vhost_tap_vring_thread - which thread serves a vring
 * @index: in: of the vring
 * @tid: out: id of the thread in the caller's pid namespace; 0 when it has none
 *	there
 */
struct vhost_tap_vring_thread {
	__u32 index;
	__s32 tid;
};

/*
 * The thread that serves a vring now, for sched_setaffinity(2) and the like.
 * Returns 0; EFAULT; EPERM the caller is not the owner; ENOBUFS no such vring;
 * EAGAIN the thread was made just now and is not known yet. On a stock
 * vhost-net it fails (EPERM, ENOTTY or ENOBUFS) and changes nothing.
 */
#define VHOST_TAP_GET_VRING_THREAD	_IOWR(0xAF, 0xE4, \
					      struct vhost_tap_vring_thread)

/**
 * struct vhost_tap_polling - whether workers poll before they sleep
 * @adaptive_us: microseconds to poll at most, up to 100000; 0 not adaptive
 * @reserved: must be 0
 */
struct vhost_tap_polling {
	__u32 adaptive_us;
	__u32 reserved;
};

/*
 * Adaptive polling: a worker that runs out of work looks for more as long as
 * that has been paying, at most @adaptive_us or, if one of its vrings has a
 * VHOST_SET_VRING_BUSYLOOP_TIMEOUT, that long; and not while another task wants
 * the CPU. A guest that is idle is not polled for. At any time;
 * VHOST_RESET_OWNER goes back to the default (module parameter
 * adaptive_poll_us=, 0).
 * Returns 0; EFAULT; EINVAL @adaptive_us out of range, or @reserved not 0; EPERM
 * another process is the owner. On a stock vhost-net it fails (EPERM, ENOTTY or
 * ENOBUFS) and changes nothing.
 */
#define VHOST_TAP_SET_POLLING	_IOW(0xAF, 0xE5, struct vhost_tap_polling)

#endif /* _UAPI_LINUX_VHOST_TAP_H */
