/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Newer vhost ioctls, which the device supports on every kernel: workers (6.5),
 * the kind of worker thread (6.17) and features beyond 64 bits (6.18).
 */
#ifndef VTAP_COMPAT_LINUX_VHOST_H
#define VTAP_COMPAT_LINUX_VHOST_H

#include_next <linux/vhost.h>

#ifndef VHOST_NEW_WORKER
struct vhost_worker_state {
	unsigned int worker_id;
};

struct vhost_vring_worker {
	unsigned int index;
	unsigned int worker_id;
};

#define VHOST_NEW_WORKER	_IOR(VHOST_VIRTIO, 0x8, \
				     struct vhost_worker_state)
#define VHOST_FREE_WORKER	_IOW(VHOST_VIRTIO, 0x9, \
				     struct vhost_worker_state)
#define VHOST_ATTACH_VRING_WORKER _IOW(VHOST_VIRTIO, 0x15, \
				       struct vhost_vring_worker)
#define VHOST_GET_VRING_WORKER	_IOWR(VHOST_VIRTIO, 0x16, \
				      struct vhost_vring_worker)
#endif /* VHOST_NEW_WORKER: remove with 6.1 */

#ifndef VHOST_GET_FEATURES_ARRAY
struct vhost_features_array {
	__u64 count;
	__u64 features[];
};

#define VHOST_GET_FEATURES_ARRAY	_IOR(VHOST_VIRTIO, 0x83, \
					     struct vhost_features_array)
#define VHOST_SET_FEATURES_ARRAY	_IOW(VHOST_VIRTIO, 0x83, \
					     struct vhost_features_array)
#endif /* VHOST_GET_FEATURES_ARRAY: remove with 6.1 and 6.12 */

#ifndef VHOST_SET_FORK_FROM_OWNER
#define VHOST_FORK_OWNER_KTHREAD	0
#define VHOST_FORK_OWNER_TASK		1
#define VHOST_SET_FORK_FROM_OWNER	_IOW(VHOST_VIRTIO, 0x84, __u8)
#define VHOST_GET_FORK_FROM_OWNER	_IOR(VHOST_VIRTIO, 0x85, __u8)
#endif /* VHOST_SET_FORK_FROM_OWNER: remove with 6.1 and 6.12 */

#endif
