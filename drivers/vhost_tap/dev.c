// SPDX-License-Identifier: GPL-2.0
/*
 * dev.c - the life of an open file: owner, memory, end
 *
 * Read before: vtap.h, control.h. Read next: queue.c.
 */
#include <linux/idr.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "control.h"
#include "task.h"

static atomic_t next_id = ATOMIC_INIT(0);

/**
 * vtap_dev_open - make a device for a new open file
 *
 * Return: the device, without owner; ERR_PTR(-ENOMEM).
 */
struct vtap_dev *vtap_dev_open(void)
{
	struct vtap_dev *dev = kvzalloc(sizeof(*dev), GFP_KERNEL);
	int i, err;

	if (!dev)
		return ERR_PTR(-ENOMEM);
	mutex_init(&dev->lock);
	spin_lock_init(&dev->miss_lock);
	init_waitqueue_head(&dev->miss_wait);
	vtap_features_init(dev);
	dev->kthread = !vtap_task_has_owner_kind();
	dev->id = atomic_inc_return(&next_id);
	for (i = 0; i < VTAP_NR_QUEUES; i++) {
		err = vtap_queue_init(&dev->queue[i], dev, i);
		if (err)
			goto err_free;
	}
	return dev;

err_free:
	for (i = 0; i < VTAP_NR_QUEUES; i++)
		vtap_queue_free(&dev->queue[i]);
	kvfree(dev);
	return ERR_PTR(err);
}

/**
 * vtap_dev_check_owner - is the caller the owner?
 * @dev: device, locked
 *
 * Return: 0 or -EPERM, also when there is no owner.
 */
int vtap_dev_check_owner(const struct vtap_dev *dev)
{
	return dev->mm && dev->mm == current->mm ? 0 : -EPERM;
}

/**
 * vtap_dev_set_owner - the caller's process becomes the owner
 * @dev: device, locked
 *
 * Guest addresses mean the owner's memory from here on, and the worker runs
 * in its cgroups.
 *
 * Return: 0; -EBUSY there is an owner; -ENOMEM no thread could be made, be it
 * for the owner's limits (RLIMIT_NPROC, pids cgroup).
 */
int vtap_dev_set_owner(struct vtap_dev *dev)
{
	char name[TASK_COMM_LEN];
	struct vtap_task *task;

	if (dev->mm)
		return -EBUSY;
	snprintf(name, sizeof(name), "vhost-%d", current->pid);
	task = vtap_task_create(vtap_worker_run, dev, name, dev->kthread);
	if (IS_ERR(task))		/* in-tree's errno, also for -EAGAIN */
		return -ENOMEM;

	dev->mm = current->mm;
	mmgrab(dev->mm);
	dev->owner_pid = task_pid_nr(current);
	dev->worker.task = task;
	vtap_debugfs_add(dev);
	vtap_task_start(task);
	return 0;
}

/* Queues go over to @map between two passes; the old map is free after. */
static void install_map(struct vtap_dev *dev, struct vtap_memmap *map)
{
	int i;

	for (i = 0; i < VTAP_NR_QUEUES; i++)
		vtap_queue_set_map(&dev->queue[i], map);
	vtap_memmap_free(dev->map);
	dev->map = map;
}

/*
 * Stop everything. Callbacks that wake the worker go first, then the worker;
 * detaching the queues needs neither.
 */
static void quiesce(struct vtap_dev *dev)
{
	struct vtap_task *task = dev->worker.task;
	int i;

	vtap_debugfs_remove(dev);
	for (i = 0; i < VTAP_NR_QUEUES; i++) {
		vtap_poll_disarm(&dev->queue[i].kick_poll);
		vtap_poll_disarm(&dev->queue[i].sock_poll);
	}
	if (task) {
		/* A worker that polls looks at the bits, not at us. */
		set_bit(VTAP_WORK_AGAIN(VTAP_RX), &dev->worker.pending);
		dev->worker.task = NULL;
		vtap_task_stop(task);
	}
	for (i = 0; i < VTAP_NR_QUEUES; i++)
		vtap_queue_reset(&dev->queue[i]);
	vtap_iotlb_off(dev);
	dev->worker.pending = 0;
	memset(dev->features, 0, sizeof(dev->features));
	dev->kthread = !vtap_task_has_owner_kind();
	WRITE_ONCE(dev->backend_features, 0);
	install_map(dev, NULL);
	if (dev->mm) {
		mmdrop(dev->mm);
		dev->mm = NULL;
	}
}

/**
 * vtap_dev_reset_owner - back to what open() made (VHOST_RESET_OWNER)
 * @dev: device, locked, owned by the caller
 *
 * Return: 0.
 */
int vtap_dev_reset_owner(struct vtap_dev *dev)
{
	quiesce(dev);
	return 0;
}

/**
 * vtap_dev_close - end of a device
 * @dev: device; nobody else can reach it any more
 */
void vtap_dev_close(struct vtap_dev *dev)
{
	int i;

	mutex_lock(&dev->lock);
	quiesce(dev);
	mutex_unlock(&dev->lock);
	for (i = 0; i < VTAP_NR_QUEUES; i++)
		vtap_queue_free(&dev->queue[i]);
	mutex_destroy(&dev->lock);
	kvfree(dev);
}

/* Can the queues that run go over to @map? */
static bool queues_agree(const struct vtap_dev *dev,
			 const struct vtap_memmap *map)
{
	int i;

	for (i = 0; i < VTAP_NR_QUEUES; i++) {
		const struct vtap_queue *q = &dev->queue[i];

		if (q->backend.sock &&
		    (!map->in_user_space ||
		     !vtap_queue_log_ok(q, q->dirty.base, map,
					q->dirty.payload, q->ring_cfg.iotlb)))
			return false;
	}
	return true;
}

/**
 * vtap_dev_set_mem_table - where guest memory is (VHOST_SET_MEM_TABLE)
 * @dev: device, locked, owned by the caller; its queues may be running
 * @uarg: the client's table
 *
 * Return: 0; -EFAULT unreadable, a region wraps, or a queue runs and a region
 * is no user memory; -EOPNOTSUPP padding set; -E2BIG more than
 * VTAP_MAX_REGIONS; -ENOMEM.
 */
int vtap_dev_set_mem_table(struct vtap_dev *dev,
			   const struct vhost_memory __user *uarg)
{
	struct vhost_memory_region *regs;
	struct vhost_memory head;
	struct vtap_memmap *map;

	if (copy_from_user(&head, uarg, sizeof(head)))
		return -EFAULT;
	if (head.padding)
		return -EOPNOTSUPP;
	if (head.nregions > VTAP_MAX_REGIONS)
		return -E2BIG;
	regs = kvcalloc(head.nregions ?: 1, sizeof(*regs), GFP_KERNEL);
	if (!regs)
		return -ENOMEM;
	if (copy_from_user(regs, uarg->regions, head.nregions * sizeof(*regs)))
		map = ERR_PTR(-EFAULT);
	else
		map = vtap_memmap_build(regs, head.nregions);
	kvfree(regs);
	if (IS_ERR(map))
		return PTR_ERR(map);
	if (!queues_agree(dev, map)) {
		vtap_memmap_free(map);
		return -EFAULT;
	}
	install_map(dev, map);
	return 0;
}

/**
 * vtap_dev_set_log_base - where the dirty log is (VHOST_SET_LOG_BASE)
 * @dev: device, locked, owned by the caller; its queues may be running
 * @base: user address of a bitmap with a bit for each guest page, bit n of the
 *	byte string for guest physical address n * 4096
 *
 * Return: 0; -EFAULT a queue runs and the bitmap has a bit that would lie
 * outside of user memory; as in-tree, queues without that trouble have the new
 * log then.
 */
int vtap_dev_set_log_base(struct vtap_dev *dev, u64 base)
{
	int i, err = 0;

	if ((unsigned long)base != base)
		return -EFAULT;
	for (i = 0; i < VTAP_NR_QUEUES; i++) {
		struct vtap_queue *q = &dev->queue[i];

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
 * vtap_dev_set_log_fd - what to signal when bits were set (VHOST_SET_LOG_FD)
 * @dev: device, locked, owned by the caller
 * @fd: eventfd, or VHOST_FILE_UNBIND
 *
 * Return: 0; -EBADF, -EINVAL @fd is no eventfd.
 */
int vtap_dev_set_log_fd(struct vtap_dev *dev, int fd)
{
	int i, err = 0;

	/* Each queue has a reference; the first to fail is the first of all. */
	for (i = 0; i < VTAP_NR_QUEUES && !err; i++)
		err = vtap_queue_set_eventfd(&dev->queue[i],
					     &dev->queue[i].log_call, fd);
	return err;
}
