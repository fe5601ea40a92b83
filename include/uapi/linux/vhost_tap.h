/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * vhost_tap.h - extensions of /dev/vhost-tap to the vhost-net interface
 *
 * The device implements the vhost-net ioctls of <linux/vhost.h> with the same
 * structures, states and errnos, and a VMM needs no others. The ioctls of this
 * header are extensions. On in-tree vhost-net they fail with EPERM, ENOTTY or
 * ENOBUFS and change nothing.
 *
 * Errnos of all ioctls of the device:
 *
 *   EPERM       the caller's process is not the owner (VHOST_SET_OWNER);
 *               VHOST_SET_FORK_FROM_OWNER: the module parameter
 *               kthread_workers=0 forbids kernel threads
 *   EBUSY       the file has an owner, or features are acked; the queue has a
 *               backend and the call needs it stopped; VHOST_FREE_WORKER: the
 *               worker serves a vring
 *   EFAULT      the argument cannot be read or written; VHOST_NET_SET_BACKEND:
 *               ring, memory or dirty log is not set up or not accessible;
 *               VHOST_SET_MEM_TABLE: a region is empty or wraps; a queue is
 *               running and could not use the new memory, features or log;
 *               VHOST_NEW_WORKER: the workers are kernel threads
 *   ENOBUFS     the vring does not exist
 *   ENODEV      the worker does not exist
 *   EINVAL      a value is out of range, a ring is misaligned, the file is not
 *               an eventfd, a tun does not have a device, or a worker ioctl was
 *               called without an owner
 *   EOPNOTSUPP  a feature was not offered, a flag is unknown, padding is set;
 *               VHOST_SET_FORK_FROM_OWNER: this kernel only has kernel threads;
 *               VHOST_NET_SET_BACKEND: VERSION_1 is not acked on a big-endian
 *               host
 *   E2BIG       more than 509 memory regions or 64 feature words
 *   EBADF       the file descriptor is not open (eventfds)
 *   ENOTSOCK    the backend is not a tap, macvtap or AF_PACKET raw socket
 *   ENOTTY      the ioctl is unknown
 *   ENOMEM      out of memory; VHOST_SET_OWNER and VHOST_NEW_WORKER: also if
 *               the owner's limits do not allow more threads
 *   EAGAIN      VHOST_SET_OWNER: the workers are kernel threads, and the
 *               caller's user would exceed RLIMIT_NPROC;
 *               VHOST_TAP_GET_VRING_THREAD: the thread has no id yet
 *   EINTR       the caller is being killed
 *
 * VHOST_NET_SET_BACKEND with fd -1 succeeds for the owner in every state.
 */
#ifndef _UAPI_LINUX_VHOST_TAP_H
#define _UAPI_LINUX_VHOST_TAP_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Incremented with each addition to this file. */
#define VHOST_TAP_VERSION	7

/**
 * struct vhost_tap_info - version and capabilities of the device
 * @size: in: size of the caller's structure in bytes, at least
 *	VHOST_TAP_INFO_SIZE_V1; out: size of the kernel's structure
 * @version: VHOST_TAP_VERSION of the running module
 * @caps: supported extensions, VHOST_TAP_CAP_* bits
 * @max_pairs: largest number of pairs for VHOST_TAP_SET_QUEUE_PAIRS
 * @reserved: 0
 *
 * The structure only grows at its end. The kernel zeroes the bytes of the
 * caller's structure that it does not know.
 */
struct vhost_tap_info {
	__u32 size;
	__u32 version;
	__aligned_u64 caps;
	__u32 max_pairs;
	__u32 reserved;
};

#define VHOST_TAP_INFO_SIZE_V1	16

/* VHOST_TAP_SET_FEATURE_MASK is supported. */
#define VHOST_TAP_CAP_FEATURE_MASK	(1ULL << 0)
/* VHOST_TAP_SET_QUEUE_PAIRS is supported. */
#define VHOST_TAP_CAP_QUEUE_PAIRS	(1ULL << 1)
/*
 * VHOST_TAP_SET_WORKERS, VHOST_TAP_GET_VRING_THREAD, and the worker ioctls of
 * <linux/vhost.h> (VHOST_NEW_WORKER and others) are supported.
 */
#define VHOST_TAP_CAP_WORKERS		(1ULL << 2)
/* VHOST_TAP_SET_POLLING is supported. */
#define VHOST_TAP_CAP_POLLING		(1ULL << 3)
/* VHOST_TAP_SET_VRING_LIMIT is supported. */
#define VHOST_TAP_CAP_LIMITS		(1ULL << 4)
/* VHOST_TAP_SET_VRING_GSO_FRAGS is supported. */
#define VHOST_TAP_CAP_GSO_FRAGS		(1ULL << 5)

/*
 * Get version and capabilities. A success distinguishes vhost-tap from
 * vhost-net. Works in any state and without an owner.
 *
 * Returns 0, or fails with EFAULT, or EINVAL if @size is smaller than
 * VHOST_TAP_INFO_SIZE_V1 or larger than a page.
 */
#define VHOST_TAP_GET_INFO	_IOWR(0xAF, 0xE0, struct vhost_tap_info)

/**
 * struct vhost_tap_feature_mask - features that a file may offer
 * @features: feature bits 0 to 63, and 64 to 127
 */
struct vhost_tap_feature_mask {
	__aligned_u64 features[2];
};

/*
 * Limit the features that this open file offers to those in the mask. A call
 * can only remove features, and only while the file has no owner. The program
 * that opens the file for a VMM thus decides. VHOST_RESET_OWNER keeps the
 * limit. The module parameter features= limits all files in the same way.
 *
 * Returns 0, or fails with EFAULT, or EBUSY if the file has an owner or a
 * feature that would be removed is acked.
 */
#define VHOST_TAP_SET_FEATURE_MASK	_IOW(0xAF, 0xE1, \
					     struct vhost_tap_feature_mask)

/**
 * struct vhost_tap_queue_pairs - number of queue pairs of a file
 * @nr: pairs, 1 to vhost_tap_info.max_pairs
 * @reserved: must be 0
 */
struct vhost_tap_queue_pairs {
	__u32 nr;
	__u32 reserved;
};

/*
 * Set the number of queue pairs of this file, which can be the queues of one
 * multi-queue tap or macvtap. In all calls with a vring index, vring 2i is the
 * RX and vring 2i + 1 the TX of pair i. VHOST_NET_SET_BACKEND starts and stops
 * each vring separately. The pairs share owner, memory, features, dirty log and
 * IOTLB. VHOST_SET_OWNER starts a worker thread for each pair (see
 * VHOST_TAP_SET_WORKERS). VHOST_RESET_OWNER returns to one pair.
 *
 * Returns 0, or fails with EFAULT, EINVAL if @nr is out of range or @reserved
 * is not 0, EBUSY if the file has an owner or acked features, or ENOMEM.
 */
#define VHOST_TAP_SET_QUEUE_PAIRS	_IOW(0xAF, 0xE2, \
					     struct vhost_tap_queue_pairs)

/**
 * enum vhost_tap_layout - assignment of workers to queues by VHOST_SET_OWNER
 * @VHOST_TAP_WORKER_PER_PAIR: one worker for each pair
 * @VHOST_TAP_WORKER_PER_VRING: one worker for each vring
 * @VHOST_TAP_WORKERS_SHARED: a given number of workers; pair i has worker i
 *	modulo that number
 */
enum vhost_tap_layout {
	VHOST_TAP_WORKER_PER_PAIR,
	VHOST_TAP_WORKER_PER_VRING,
	VHOST_TAP_WORKERS_SHARED,
};

/**
 * struct vhost_tap_workers - workers that VHOST_SET_OWNER creates
 * @layout: enum vhost_tap_layout
 * @nr: number of workers for VHOST_TAP_WORKERS_SHARED, 1 to
 *	vhost_tap_info.max_pairs, of which no more than one for each pair are
 *	created; 0 for other layouts
 */
struct vhost_tap_workers {
	__u32 layout;
	__u32 nr;
};

/*
 * Choose the workers before the file has an owner. By default each pair has one
 * worker, or with the module parameter split_workers=1 each vring.
 * VHOST_RESET_OWNER returns to the default. Workers have the ids 0, 1 and so on
 * in the order of their first vring. VHOST_ATTACH_VRING_WORKER moves vrings
 * between them and workers that VHOST_NEW_WORKER created. The module parameter
 * numa= moves workers to the CPUs of a NUMA node if their affinity was not set
 * otherwise.
 *
 * Kernel threads (VHOST_SET_FORK_FROM_OWNER) are limited if the caller of
 * VHOST_SET_OWNER lacks CAP_SYS_RESOURCE. Their number then exceeds neither
 * that of the online CPUs nor that of the pairs (with split_workers=1: of the
 * vrings). Vrings that @layout assigns to worker i are assigned to worker i
 * modulo that number.
 *
 * Returns 0, or fails with EFAULT, EINVAL if @layout is unknown or @nr out of
 * range, or EBUSY if the file has an owner.
 */
#define VHOST_TAP_SET_WORKERS	_IOW(0xAF, 0xE3, struct vhost_tap_workers)

/**
 * struct vhost_tap_vring_thread - thread that serves a vring
 * @index: in: index of the vring
 * @tid: out: id of the thread in the caller's PID namespace, or 0 if it has
 *	none there
 */
struct vhost_tap_vring_thread {
	__u32 index;
	__s32 tid;
};

/*
 * Get the thread that serves a vring now, for instance for
 * sched_setaffinity(2).
 *
 * Returns 0, or fails with EFAULT, EPERM if the caller is not the owner,
 * ENOBUFS if the vring does not exist, or EAGAIN if the thread was created just
 * now and has no id yet.
 */
#define VHOST_TAP_GET_VRING_THREAD	_IOWR(0xAF, 0xE4, \
					      struct vhost_tap_vring_thread)

/**
 * struct vhost_tap_polling - adaptive polling of a file's workers
 * @adaptive_us: longest time to poll in microseconds, up to 100000; 0 disables
 *	adaptive polling
 * @reserved: must be 0
 */
struct vhost_tap_polling {
	__u32 adaptive_us;
	__u32 reserved;
};

/*
 * Set adaptive polling: a worker that runs out of work polls its vrings before
 * it sleeps, as long as recent polling found work. It polls at most for
 * @adaptive_us or, if one of its vrings has a VHOST_SET_VRING_BUSYLOOP_TIMEOUT,
 * for that time instead. It stops when another task needs the CPU. Idle guests
 * are not polled. Works in any state. VHOST_RESET_OWNER returns to the default,
 * which the module parameter adaptive_poll_us= sets (0 unless given).
 *
 * Returns 0, or fails with EFAULT, EINVAL if @adaptive_us is out of range or
 * @reserved is not 0, or EPERM if another process is the owner.
 */
#define VHOST_TAP_SET_POLLING	_IOW(0xAF, 0xE5, struct vhost_tap_polling)

/**
 * struct vhost_tap_vring_limit - rate limit of a vring
 * @index: index of the vring
 * @reserved: must be 0
 * @rate: bytes per second, without virtio-net headers; 0 for no limit
 * @burst: bytes that the vring may move at once after an idle time; 0 selects
 *	1/20 s of @rate, and less than 1/1000 s of @rate counts as that; must be
 *	0 if @rate is 0
 * @pps: packets per second; 0 for no limit
 */
struct vhost_tap_vring_limit {
	__u32 index;
	__u32 reserved;
	__aligned_u64 rate;
	__aligned_u64 burst;
	__aligned_u64 pps;
};

/*
 * Limit the rate of a vring. A vring at its limit waits before it takes more
 * buffers, and drops no packets. A GSO frame counts its bytes, and as one packet.
 * Works while the vring runs, and applies at once.
 *
 * The administrators of the host and of the network namespace can set limits as
 * well (netlink, queue-set). Of each value, the lowest one applies, so this call
 * cannot lift a limit of theirs. VHOST_RESET_OWNER removes the limit of this call
 * only.
 *
 * Returns 0, or fails with EFAULT, EPERM if the caller is not the owner,
 * ENOBUFS if the vring does not exist, or EINVAL if a value is larger than
 * 100000000000 (10^11), @burst is set without @rate, or @reserved is not 0.
 */
#define VHOST_TAP_SET_VRING_LIMIT	_IOW(0xAF, 0xE6, \
					     struct vhost_tap_vring_limit)

/**
 * struct vhost_tap_vring_gso_frags - memory layout of long GSO frames
 * @index: index of the vring
 * @enable: 1 for page fragments, 0 for one piece of memory
 */
struct vhost_tap_vring_gso_frags {
	__u32 index;
	__u32 enable;
};

/*
 * Choose the memory layout of the GSO frames of a TX vring that do not fit a
 * page. By default such a frame is one piece of memory. This costs the least if
 * the NIC or another guest takes the whole frame, but segmentation in software
 * copies each byte again. In page fragments a frame costs somewhat more, and its
 * segments share the fragments. Choose fragments if the host segments most of
 * the frames itself.
 *
 * Works while the vring runs, and applies from the next frame on. It has no
 * effect on RX vrings. The administrator can set the same value (netlink,
 * queue-set), and the last caller decides. VHOST_RESET_OWNER returns to the
 * default, which the module parameter gso_frags= sets (0 unless given).
 *
 * Returns 0, or fails with EFAULT, EPERM if the caller is not the owner or
 * enables fragments without CAP_NET_ADMIN in the initial user namespace,
 * ENOBUFS if the vring does not exist, or EINVAL if @enable is neither 0 nor 1.
 */
#define VHOST_TAP_SET_VRING_GSO_FRAGS	_IOW(0xAF, 0xE7, \
					     struct vhost_tap_vring_gso_frags)

#endif /* _UAPI_LINUX_VHOST_TAP_H */
