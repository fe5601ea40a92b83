/* SPDX-License-Identifier: GPL-2.0 */
/*
 * control.h - functions that the control files share
 *
 * The caller holds vtap_dev.lock, except in functions that create or free an object, or
 * whose kernel-doc says otherwise.
 */
#ifndef VTAP_CONTROL_H
#define VTAP_CONTROL_H

#include <linux/virtio_config.h>

#include "vtap.h"

/* dev.c: life of an open file */
struct vtap_dev *vtap_dev_open(void);
void vtap_dev_close(struct vtap_dev *dev);
int vtap_dev_check_owner(const struct vtap_dev *dev);
int vtap_dev_set_owner(struct vtap_dev *dev);
int vtap_dev_set_pairs(struct vtap_dev *dev, u32 nr);
int vtap_dev_reset_owner(struct vtap_dev *dev);
int vtap_dev_set_mem_table(struct vtap_dev *dev,
			   const struct vhost_memory __user *uarg);
int vtap_dev_set_log_base(struct vtap_dev *dev, u64 base);
int vtap_dev_set_log_fd(struct vtap_dev *dev, int fd);

/* worker_pool.c: which thread serves which queue */
void vtap_workers_init(struct vtap_dev *dev);
int vtap_workers_set_kind(struct vtap_dev *dev, bool kthread);
int vtap_workers_start(struct vtap_dev *dev);
void vtap_workers_stop(struct vtap_dev *dev);
int vtap_workers_new(struct vtap_dev *dev, u32 *id);
int vtap_workers_free(struct vtap_dev *dev, u32 id);
int vtap_workers_attach(struct vtap_queue *q, u32 id);
void vtap_workers_interrupt(struct vtap_dev *dev);
int vtap_dev_lock(struct vtap_dev *dev);
void vtap_dev_unlock(struct vtap_dev *dev);
void vtap_queue_lock(struct vtap_queue *q);

/* numa.c: which CPUs a worker runs on */
int vtap_numa_init(struct vtap_worker *w, bool is_shared);
void vtap_numa_save_cpus(struct vtap_worker *w);
void vtap_numa_free(struct vtap_worker *w);
void vtap_numa_set_node(struct vtap_queue *q);

/* features.c */
void vtap_features_init(struct vtap_dev *dev);
void vtap_features_offered(const struct vtap_dev *dev, u64 *features);
int vtap_features_mask(struct vtap_dev *dev, const u64 *mask);
int vtap_features_set(struct vtap_dev *dev, const u64 *features);

/*
 * The module reads rings and headers as little-endian. Without VERSION_1 they
 * have the guest's byte order, which can be expected to be the host's.
 */
static inline bool vtap_features_byte_order_ok(const u64 *features)
{
	return virtio_legacy_is_little_endian() ||
	       features[0] & BIT_ULL(VIRTIO_F_VERSION_1);
}

/* iotlb_msg.c: messages about the device IOTLB */
int vtap_iotlb_enable(struct vtap_dev *dev);
void vtap_iotlb_disable(struct vtap_dev *dev);
ssize_t vtap_iotlb_write(struct vtap_dev *dev, struct iov_iter *from);
ssize_t vtap_iotlb_read(struct vtap_dev *dev, struct iov_iter *to,
			bool nonblock);
__poll_t vtap_iotlb_poll(struct vtap_dev *dev, struct file *file,
			 poll_table *wait);

/* queue.c: life of a queue */
int vtap_queue_init(struct vtap_queue *q, struct vtap_dev *dev, u16 index);
void vtap_queue_reset(struct vtap_queue *q);
void vtap_queue_free(struct vtap_queue *q);
void vtap_queue_set_map(struct vtap_queue *q, const struct vtap_memmap *map);
struct vtap_tlb *vtap_queue_set_tlb(struct vtap_queue *q, struct vtap_tlb *tlb);
void vtap_queue_invalidate(struct vtap_queue *q, u64 first, u64 last);
bool vtap_queue_log_ok(const struct vtap_queue *q, u64 base,
		       const struct vtap_memmap *map, bool payload,
		       bool iotlb);
void vtap_queue_set_log(struct vtap_queue *q, u64 base);
bool vtap_queue_memory_ok(const struct vtap_queue *q, bool event_idx,
			  bool iotlb);
void vtap_queue_set_features(struct vtap_queue *q, const struct vtap_qcfg *cfg,
			     const u64 *features);
int vtap_queue_set_backend(struct vtap_queue *q, int fd);
int vtap_queue_set_addr(struct vtap_queue *q, const struct vhost_vring_addr *a);
int vtap_queue_set_kick(struct vtap_queue *q, int fd);
int vtap_queue_set_eventfd(struct vtap_queue *q, struct eventfd_ctx **slot,
			   int fd);
u32 vtap_queue_base(struct vtap_queue *q);

/* trim.c: memory of idle queues */
void vtap_trim_init(struct vtap_dev *dev);
void vtap_trim_stop(struct vtap_dev *dev);

/* ioctl.c */
long vtap_ioctl(struct vtap_dev *dev, unsigned int cmd, void __user *uarg);

/* debugfs.c */
void vtap_debugfs_init(void);
void vtap_debugfs_exit(void);
void vtap_debugfs_add(struct vtap_dev *dev);
void vtap_debugfs_remove(struct vtap_dev *dev);

/* netlink.c */
int vtap_nl_init(void);
void vtap_nl_exit(void);

/* netlink_notify.c */
void vtap_notify_open(struct vtap_dev *dev);
void vtap_notify_stop(struct vtap_dev *dev);
void vtap_notify_device(struct vtap_dev *dev, bool has_owner);

/* latency.c */
void vtap_latency_stop(struct vtap_dev *dev);

/* load.c */
void vtap_load_stop(struct vtap_dev *dev);

/* node.c: names in /dev */
int vtap_node_init(void);
void vtap_node_exit(void);

/* chardev.c */
extern const struct file_operations vtap_fops;
int vtap_chardev_admit(bool admit);

#endif /* VTAP_CONTROL_H */
