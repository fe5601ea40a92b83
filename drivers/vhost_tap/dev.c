// SPDX-License-Identifier: GPL-2.0
/* dev.c - the life of an open file: owner, guest memory, dirty log, release */
#include <linux/idr.h>
#include <linux/nsproxy.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <net/net_namespace.h>

#include "control.h"
#include "registry.h"
#include "thread.h"

static atomic_t vtap_dev_last_id = ATOMIC_INIT(0);

static void vtap_pair_free(struct vtap_pair *p)
{
	vtap_queue_free(&p->queue[VTAP_RX]);
	vtap_queue_free(&p->queue[VTAP_TX]);
	kvfree(p);
}

static int vtap_dev_add_pair(struct vtap_dev *dev)
{
	struct vtap_pair *p = kvzalloc(sizeof(*p), VTAP_GFP);
	u32 index = dev->nr_allocated * VTAP_NR_DIRS;
	int err;

	if (!p)
		return -ENOMEM;
	err = vtap_queue_init(&p->queue[VTAP_RX], dev, index + VTAP_RX) ?:
	      vtap_queue_init(&p->queue[VTAP_TX], dev, index + VTAP_TX);
	if (err) {
		vtap_pair_free(p);
		return err;
	}
	dev->pair[dev->nr_allocated++] = p;
	return 0;
}

/**
 * vtap_dev_set_pairs - VHOST_TAP_SET_QUEUE_PAIRS: set the number of queue pairs
 * @dev: device
 * @nr: 1 to VTAP_MAX_PAIRS
 *
 * Context: vtap_dev.lock held.
 * Return: 0, -EBUSY if the device has an owner or acked features, or -ENOMEM.
 * Nothing has changed after an error.
 */
int vtap_dev_set_pairs(struct vtap_dev *dev, u32 nr)
{
	u32 i;
	int err;

	lockdep_assert_held(&dev->lock);
	if (dev->mm || memchr_inv(dev->features, 0, sizeof(dev->features)))
		return -EBUSY;
	while (dev->nr_allocated < nr) {
		err = vtap_dev_add_pair(dev);
		if (err)
			return err;
	}
	/* New pairs inherit cfg: the client may have acked an empty set. */
	for (i = VTAP_NR_DIRS; i < nr * VTAP_NR_DIRS; i++)
		vtap_queue_at(dev, i)->cfg = vtap_queue_at(dev, 0)->cfg;
	/*
	 * read(2) and poll(2) of the file walk the queues without the lock.
	 * Pairs with the acquire in vtap_nr_queues(): the pairs come first.
	 */
	smp_store_release(&dev->nr_pairs, nr);
	return 0;
}

/**
 * vtap_dev_open - allocate a device for a new open file
 *
 * Return: the device, without owner, or ERR_PTR(-ENOMEM).
 */
struct vtap_dev *vtap_dev_open(void)
{
	struct vtap_dev *dev = kvzalloc(sizeof(*dev), VTAP_GFP);
	int err;

	if (!dev)
		return ERR_PTR(-ENOMEM);
	mutex_init(&dev->lock);
	spin_lock_init(&dev->miss_lock);
	init_waitqueue_head(&dev->miss_wait);
	/* No other user: only for the assertions of the functions called. */
	mutex_lock(&dev->lock);
	vtap_features_init(dev);
	vtap_notify_open(dev);
	vtap_trim_init(dev);
	dev->kthread = !vtap_thread_has_owner_kind();
	dev->id = atomic_inc_return(&vtap_dev_last_id);
	xa_init_flags(&dev->workers, XA_FLAGS_ALLOC);
	vtap_workers_init(dev);
	err = vtap_dev_set_pairs(dev, 1);
	mutex_unlock(&dev->lock);
	if (err) {
		kvfree(dev);
		return ERR_PTR(err);
	}
	dev->net = get_net(current->nsproxy->net_ns);
	return dev;
}

/**
 * vtap_dev_check_owner - check that the caller is the owner
 * @dev: device
 *
 * Return: 0, or -EPERM if the owner is another process or there is none.
 */
int vtap_dev_check_owner(const struct vtap_dev *dev)
{
	lockdep_assert_held(&dev->lock);
	return dev->mm && dev->mm == current->mm ? 0 : -EPERM;
}

/**
 * vtap_dev_set_owner - make the caller's process the owner
 * @dev: device
 *
 * From now on guest addresses refer to the owner's memory, and the workers run
 * in its cgroups.
 *
 * Return: 0, or a negative errno:
 *
 * * -EBUSY: the device has an owner.
 * * -ENOMEM: a thread could not be created, out of memory or beyond the owner's
 *   limits (RLIMIT_NPROC, pids cgroup), as in-tree vhost-net.
 * * -EAGAIN: kernel threads would exceed RLIMIT_NPROC, as for fork(2).
 */
int vtap_dev_set_owner(struct vtap_dev *dev)
{
	int err;

	lockdep_assert_held(&dev->lock);
	if (dev->mm)
		return -EBUSY;
	err = vtap_workers_start(dev);
	if (err)
		return err == -EAGAIN && dev->kthread ? err : -ENOMEM;

	dev->mm = current->mm;
	mmgrab(dev->mm);
	dev->owner = get_pid(task_tgid(current));
	vtap_debugfs_add(dev);
	vtap_registry_add(dev);
	if (dev->is_registered)
		vtap_notify_device(dev, true);
	return 0;
}

/* Switch all queues to @map, each between two passes, and free the old map. */
static void vtap_dev_install_map(struct vtap_dev *dev, struct vtap_memmap *map)
{
	struct vtap_queue *q;
	u32 i;

	lockdep_assert_held(&dev->lock);
	vtap_for_each_queue(dev, q, i)
		vtap_queue_set_map(q, map);
	vtap_memmap_free(dev->map);
	dev->map = map;
	WRITE_ONCE(dev->nr_regions, map ? map->nr : 0);
}

/*
 * Interrupt the workers first: debugfs readers wait for passes, and
 * vtap_debugfs_remove() waits for the readers. Then disarm the hooks that wake
 * workers, then end the workers. Detaching the queues needs neither.
 */
static void vtap_dev_quiesce(struct vtap_dev *dev)
{
	struct vtap_queue *q;
	u32 i;

	lockdep_assert_held(&dev->lock);
	vtap_workers_interrupt(dev);
	if (dev->is_registered) {
		vtap_registry_remove(dev);
		vtap_latency_stop(dev);
		vtap_load_stop(dev);
		vtap_notify_device(dev, false);
	}
	vtap_debugfs_remove(dev);
	vtap_for_each_queue(dev, q, i) {
		vtap_poll_disarm(&q->kick_poll);
		vtap_poll_disarm(&q->sock_poll);
	}
	vtap_workers_stop(dev);
	vtap_trim_stop(dev);
	vtap_for_each_queue(dev, q, i)
		vtap_queue_reset(q);
	vtap_notify_stop(dev);
	vtap_iotlb_disable(dev);
	memset(dev->features, 0, sizeof(dev->features));
	dev->kthread = !vtap_thread_has_owner_kind();
	WRITE_ONCE(dev->backend_features, 0);
	vtap_dev_install_map(dev, NULL);
	if (dev->mm) {
		mmdrop(dev->mm);
		dev->mm = NULL;
		put_pid(dev->owner);
		dev->owner = NULL;
	}
	vtap_workers_init(dev);
	WRITE_ONCE(dev->nr_pairs, 1);
}

/**
 * vtap_dev_reset_owner - return a device to the state after open()
 * @dev: device, owned by the caller
 *
 * Implements VHOST_RESET_OWNER. The feature mask and the counters stay.
 *
 * Return: 0.
 */
int vtap_dev_reset_owner(struct vtap_dev *dev)
{
	lockdep_assert_held(&dev->lock);
	vtap_dev_quiesce(dev);
	return 0;
}

/**
 * vtap_dev_close - free a device
 * @dev: device, without any other user
 *
 * Context: Process context. Waits for the workers to end.
 */
void vtap_dev_close(struct vtap_dev *dev)
{
	mutex_lock(&dev->lock);
	vtap_dev_quiesce(dev);
	mutex_unlock(&dev->lock);
	while (dev->nr_allocated)
		vtap_pair_free(dev->pair[--dev->nr_allocated]);
	xa_destroy(&dev->workers);
	mutex_destroy(&dev->lock);
	put_net(dev->net);
	kvfree(dev);
}

static bool vtap_dev_queues_agree(const struct vtap_dev *dev,
				  const struct vtap_memmap *map)
{
	const struct vtap_queue *q;
	u32 i;

	vtap_for_each_queue(dev, q, i) {
		if (q->backend.sock &&
		    (!map->in_user_space ||
		     !vtap_queue_log_ok(q, q->dirty.base, map,
					q->dirty.payload, q->ring_cfg.iotlb)))
			return false;
	}
	return true;
}

/**
 * vtap_dev_set_mem_table - VHOST_SET_MEM_TABLE: set the memory table
 * @dev: device, owned by the caller; its queues may be running
 * @uarg: the client's table
 *
 * Return: 0, or a negative errno:
 *
 * * -EFAULT: the table is not readable, a region is empty or wraps, or a queue
 *   is running and a region or its part of the dirty log lies outside user
 *   memory.
 * * -EOPNOTSUPP: padding is set.
 * * -E2BIG: the table has more than VTAP_MAX_REGIONS regions.
 * * -ENOMEM
 */
int vtap_dev_set_mem_table(struct vtap_dev *dev,
			   const struct vhost_memory __user *uarg)
{
	struct vhost_memory_region *regs;
	struct vhost_memory head;
	struct vtap_memmap *map;

	lockdep_assert_held(&dev->lock);
	if (copy_from_user(&head, uarg, sizeof(head)))
		return -EFAULT;
	if (head.padding)
		return -EOPNOTSUPP;
	if (head.nregions > VTAP_MAX_REGIONS)
		return -E2BIG;
	regs = kvcalloc(head.nregions ?: 1, sizeof(*regs), VTAP_GFP);
	if (!regs)
		return -ENOMEM;
	if (copy_from_user(regs, uarg->regions, head.nregions * sizeof(*regs)))
		map = ERR_PTR(-EFAULT);
	else
		map = vtap_memmap_build(regs, head.nregions);
	kvfree(regs);
	if (IS_ERR(map))
		return PTR_ERR(map);
	if (!vtap_dev_queues_agree(dev, map)) {
		vtap_memmap_free(map);
		return -EFAULT;
	}
	vtap_dev_install_map(dev, map);
	return 0;
}

/**
 * vtap_dev_set_log_base - VHOST_SET_LOG_BASE: set the address of the dirty log
 * @dev: device, owned by the caller; its queues may be running
 * @base: user address of the bitmap, see dirty.h
 *
 * Return: 0, or -EFAULT if a queue is running and a bit of its log would lie
 * outside user memory. As with in-tree vhost-net, the other queues use the new
 * log even then.
 */
int vtap_dev_set_log_base(struct vtap_dev *dev, u64 base)
{
	struct vtap_queue *q;
	int err = 0;
	u32 i;

	lockdep_assert_held(&dev->lock);
	if ((unsigned long)base != base)
		return -EFAULT;
	vtap_for_each_queue(dev, q, i) {
		if (q->backend.sock &&
		    !vtap_queue_log_ok(q, base, dev->map, q->dirty.payload,
				       q->ring_cfg.iotlb))
			err = -EFAULT;
		else
			vtap_queue_set_log(q, base);
	}
	return err;
}

/**
 * vtap_dev_set_log_fd - VHOST_SET_LOG_FD: set the eventfd that reports new bits
 * @dev: device, owned by the caller
 * @fd: eventfd, or VHOST_FILE_UNBIND
 *
 * Return: 0, -EBADF if @fd is not open, or -EINVAL if it is not an eventfd.
 */
int vtap_dev_set_log_fd(struct vtap_dev *dev, int fd)
{
	struct vtap_queue *q;
	int err;
	u32 i;

	lockdep_assert_held(&dev->lock);
	/* Each queue takes a reference. Results differ only if @fd is closed meanwhile. */
	vtap_for_each_queue(dev, q, i) {
		err = vtap_queue_set_eventfd(q, &q->log_call, fd);
		if (err)
			return err;
	}
	return 0;
}
