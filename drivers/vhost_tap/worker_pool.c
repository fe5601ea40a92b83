// SPDX-License-Identifier: GPL-2.0
/*
 * worker_pool.c - the workers of a device, and which of them serves which queue
 *
 * A device with an owner has workers, and each of its queues has one of them.
 * Three parties wake a worker: a hook in a wait queue (poll.c), whose target
 * changes under that wait queue's lock; control code under vtap_dev.lock; and a
 * former worker of one of its queues, under that queue's lock (wakeup.c).
 * Once a queue has moved to another worker, nobody wakes the former one on its
 * behalf. Bits that are set there already are served there, or passed on when
 * that worker ends.
 *
 * Documentation/locking.rst ("The life of a worker") has the rules for looking at
 * a queue's worker and for ending one.
 */
#include <linux/bitmap.h>
#include <linux/capability.h>
#include <linux/cpumask.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vhost_tap.h>

#include "control.h"
#include "registry.h"
#include "thread.h"

static bool split_workers;
module_param(split_workers, bool, 0644);
MODULE_PARM_DESC(split_workers, "Give RX and TX of each new file a worker each (default off)");

static bool kthread_workers = true;
module_param(kthread_workers, bool, 0644);
MODULE_PARM_DESC(kthread_workers, "Let clients ask for kernel threads where threads of their own are available (default on)");

static int vtap_workers_set_adaptive_poll_us(const char *val,
					     const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, VTAP_POLL_MAX_US);
}

static const struct kernel_param_ops adaptive_poll_us_ops = {
	.set = vtap_workers_set_adaptive_poll_us,
	.get = param_get_uint,
};

static uint adaptive_poll_us;
module_param_cb(adaptive_poll_us, &adaptive_poll_us_ops, &adaptive_poll_us,
		0644);
__MODULE_PARM_TYPE(adaptive_poll_us, "uint");
MODULE_PARM_DESC(adaptive_poll_us, "Microseconds that workers of new files poll at most, while it pays (default 0, off)");

/**
 * vtap_workers_interrupt - have no worker wait for the owner's memory
 * @dev: device, locked
 *
 * Kernel threads wait for a page fault as long as it takes; with an owner who is
 * being killed that may be for ever. The access to memory fails instead, which may
 * cost a packet or break a ring, and the worker rests until vtap_dev_unlock().
 * All of them, for a queue's pass may be in the hands of any former worker.
 */
void vtap_workers_interrupt(struct vtap_dev *dev)
{
	struct vtap_worker *w;
	unsigned long id;

	lockdep_assert_held(&dev->lock);
	dev->is_interrupted = true;
	xa_for_each(&dev->workers, id, w)
		vtap_thread_interrupt(w->thread);
}

/* Let workers go on that were interrupted. */
static void vtap_workers_resume(struct vtap_dev *dev)
{
	struct vtap_worker *w;
	unsigned long id;

	lockdep_assert_held(&dev->lock);
	dev->is_interrupted = false;
	xa_for_each(&dev->workers, id, w)
		vtap_thread_resume(w->thread);
}

/**
 * vtap_dev_lock - lock a device for a call of a client
 * @dev: device
 *
 * Another call may wait for a pass, and a pass for its owner's memory.
 *
 * Return: 0; -EINTR the caller is being killed.
 */
int vtap_dev_lock(struct vtap_dev *dev)
{
	return mutex_lock_killable(&dev->lock);
}

/**
 * vtap_dev_unlock - the call is over
 * @dev: device, locked
 */
void vtap_dev_unlock(struct vtap_dev *dev)
{
	lockdep_assert_held(&dev->lock);
	if (unlikely(dev->is_interrupted))
		vtap_workers_resume(dev);
	mutex_unlock(&dev->lock);
}

/**
 * vtap_queue_lock - lock a queue for control code
 * @q: queue; vtap_dev.lock is held
 *
 * Waits for the pass in progress. A caller that is being killed interrupts it, so
 * that a change of state is always completed and never waits for ever.
 */
void vtap_queue_lock(struct vtap_queue *q)
{
	lockdep_assert_held(&q->dev->lock);
	if (likely(!mutex_lock_killable(&q->lock)))
		return;
	vtap_workers_interrupt(q->dev);
	mutex_lock(&q->lock);
}

/* Wait until a worker that was told to end has. */
static void vtap_worker_end(struct vtap_worker *w)
{
	if (vtap_thread_wait_killable(w->thread))
		vtap_workers_interrupt(w->dev);
	vtap_thread_end(w->thread);
}

/* Free a worker that nobody can find any more; its thread, if any, has ended. */
static void vtap_worker_destroy(struct vtap_worker *w)
{
	if (!IS_ERR_OR_NULL(w->thread))
		vtap_thread_free(w->thread);
	vtap_numa_free(w);
	kfree(w);
}

/* Make a worker, running, without queues. */
static struct vtap_worker *vtap_worker_create(struct vtap_dev *dev)
{
	struct vtap_worker *w = kzalloc(sizeof(*w), GFP_KERNEL_ACCOUNT);
	char name[TASK_COMM_LEN];
	int err;

	if (!w)
		return ERR_PTR(-ENOMEM);
	err = vtap_numa_init(w);
	if (err)
		goto err_free;
	w->dev = dev;
	w->first = U16_MAX;
	w->config_gen = atomic_read(&dev->config_gen) - 1;
	/* The id only: who finds the worker may ask for its thread. */
	err = xa_alloc(&dev->workers, &w->id, NULL, xa_limit_32b,
		       GFP_KERNEL_ACCOUNT);
	if (err)
		goto err_free;
	snprintf(name, sizeof(name), "vhost-%d", current->pid);
	w->thread = vtap_thread_create(vtap_worker_run, w, name, dev->kthread);
	if (IS_ERR(w->thread)) {
		err = PTR_ERR(w->thread);
		goto err_erase;
	}
	vtap_numa_save_cpus(w);
	xa_store(&dev->workers, w->id, w, 0);	/* its place is reserved */
	vtap_thread_start(w->thread);
	return w;

err_erase:
	xa_erase(&dev->workers, w->id);
err_free:
	vtap_worker_destroy(w);
	return ERR_PTR(err);
}

/* Let a worker serve a queue. Its range is wide enough before it is woken. */
static void vtap_worker_attach(struct vtap_queue *q, struct vtap_worker *w)
{
	WRITE_ONCE(w->first, min(w->first, q->index));
	WRITE_ONCE(w->last, max(w->last, q->index));
	w->nr_queues++;
	if (q->worker)
		q->worker->nr_queues--;
	vtap_queue_lock(q);
	WRITE_ONCE(q->worker, w);
	mutex_unlock(&q->lock);
	vtap_poll_retarget(&q->kick_poll, w);
	vtap_poll_retarget(&q->sock_poll, w);
	vtap_workers_config_changed(q->dev);
}

/**
 * vtap_workers_init - the layout and polling of a device unless told otherwise
 * @dev: device, without owner
 */
void vtap_workers_init(struct vtap_dev *dev)
{
	dev->layout = READ_ONCE(split_workers) ? VHOST_TAP_WORKER_PER_VRING :
						 VHOST_TAP_WORKER_PER_PAIR;
	dev->nr_shared = 0;
	WRITE_ONCE(dev->layout_is_custom, false);
	WRITE_ONCE(dev->adaptive_us, READ_ONCE(adaptive_poll_us));
}

/**
 * vtap_workers_set_kind - which kind of thread (VHOST_SET_FORK_FROM_OWNER)
 * @dev: device, locked, without owner
 * @kthread: kernel threads, not threads of the owner's
 *
 * Return: 0; -EOPNOTSUPP this kernel has kernel threads only; -EPERM the
 * administrator does not want them where there is a choice.
 */
int vtap_workers_set_kind(struct vtap_dev *dev, bool kthread)
{
	lockdep_assert_held(&dev->lock);
	if (!vtap_thread_has_owner_kind())
		return kthread ? 0 : -EOPNOTSUPP;
	if (kthread && !READ_ONCE(kthread_workers))
		return -EPERM;
	dev->kthread = kthread;
	return 0;
}

/* Place of vring @i's worker among those of the layout. */
static u32 vtap_workers_place(const struct vtap_dev *dev, u32 i)
{
	switch (dev->layout) {
	case VHOST_TAP_WORKER_PER_VRING:
		return i;
	case VHOST_TAP_WORKERS_SHARED:
		return i / VTAP_NR_DIRS % dev->nr_shared;
	default:
		return i / VTAP_NR_DIRS;
	}
}

/* Workers that the layout asks for. */
static u32 vtap_workers_nr_wanted(const struct vtap_dev *dev)
{
	u32 pairs = vtap_nr_queues(dev) / VTAP_NR_DIRS;

	switch (dev->layout) {
	case VHOST_TAP_WORKER_PER_VRING:
		return vtap_nr_queues(dev);
	case VHOST_TAP_WORKERS_SHARED:
		return min(pairs, dev->nr_shared);
	default:
		return pairs;
	}
}

/*
 * Workers that there will be. More kernel threads than CPUs serve nobody, so only
 * a client that may use resources freely gets them; nor does it get two for a pair
 * unless the administrator said so for all files.
 */
static u32 vtap_workers_nr_granted(const struct vtap_dev *dev)
{
	u32 nr = vtap_nr_queues(dev), wanted = vtap_workers_nr_wanted(dev);

	if (!READ_ONCE(split_workers))
		nr /= VTAP_NR_DIRS;
	nr = min(nr, num_online_cpus());
	if (!dev->kthread || wanted <= nr || capable(CAP_SYS_RESOURCE))
		return wanted;
	return nr;
}

/**
 * vtap_workers_start - give each queue of a device a worker
 * @dev: device, locked, without workers
 *
 * Return: 0 or negative errno, and there are no workers.
 */
int vtap_workers_start(struct vtap_dev *dev)
{
	u32 nr = vtap_workers_nr_granted(dev);
	struct vtap_worker *w;
	struct vtap_queue *q;
	u32 i;

	lockdep_assert_held(&dev->lock);
	vtap_for_each_queue(dev, q, i) {
		/* The xarray gives ids from 0 on. */
		w = xa_load(&dev->workers, vtap_workers_place(dev, i) % nr) ?:
			    vtap_worker_create(dev);
		if (IS_ERR(w)) {
			vtap_workers_stop(dev);
			return PTR_ERR(w);
		}
		vtap_worker_attach(q, w);
	}
	return 0;
}

/**
 * vtap_workers_stop - end all workers of a device
 * @dev: device, locked and off netlink's list; the hooks of its queues are
 *	disarmed, and debugfs does not show it
 *
 * Then a worker is found by a queue only. First no queue has one any more, then
 * all threads end, and only then the workers are freed: until its end any thread
 * may be in a pass of any queue and look for that one's worker.
 */
void vtap_workers_stop(struct vtap_dev *dev)
{
	struct vtap_worker *w;
	struct vtap_queue *q;
	unsigned long id;
	u32 i;

	lockdep_assert_held(&dev->lock);
	xa_for_each(&dev->workers, id, w)
		WRITE_ONCE(w->stop, true);
	vtap_for_each_queue(dev, q, i) {
		vtap_queue_lock(q);
		WRITE_ONCE(q->worker, NULL);
		mutex_unlock(&q->lock);
		q->kick_poll.worker = NULL;
		q->sock_poll.worker = NULL;
	}
	xa_for_each(&dev->workers, id, w)
		vtap_thread_stop(w->thread);
	xa_for_each(&dev->workers, id, w)
		vtap_worker_end(w);
	dev->is_interrupted = false;
	xa_for_each(&dev->workers, id, w) {
		xa_erase(&dev->workers, id);
		vtap_worker_destroy(w);
	}
}

/**
 * vtap_workers_new - make a worker for the client (VHOST_NEW_WORKER)
 * @dev: device, locked, with an owner, who calls
 * @id: set on success
 *
 * As with vhost-scsi, kernel threads are not to be had this way: nothing of the
 * owner's would limit their number.
 *
 * Return: 0; -EFAULT the workers are kernel threads; -ENOMEM, whatever the
 * reason, as in-tree.
 */
int vtap_workers_new(struct vtap_dev *dev, u32 *id)
{
	struct vtap_worker *w;

	lockdep_assert_held(&dev->lock);
	if (dev->kthread)
		return -EFAULT;
	w = vtap_worker_create(dev);
	if (IS_ERR(w))
		return -ENOMEM;
	*id = w->id;
	return 0;
}

/**
 * vtap_workers_free - end a worker (VHOST_FREE_WORKER)
 * @dev: device, locked
 * @id: of any worker, also of those it started with
 *
 * Return: 0; -ENODEV no such worker; -EBUSY it serves a queue.
 */
int vtap_workers_free(struct vtap_dev *dev, u32 id)
{
	struct vtap_worker *w = xa_load(&dev->workers, id);
	u32 bit;

	lockdep_assert_held(&dev->lock);
	if (!w)
		return -ENODEV;
	if (w->nr_queues)
		return -EBUSY;
	WRITE_ONCE(w->stop, true);
	vtap_thread_stop(w->thread);
	vtap_worker_end(w);
	/*
	 * No queue has this worker, and no hook wakes it, since it lost its last
	 * queue (vtap_worker_attach()): former workers and callbacks cannot find it. Control
	 * waits for vtap_dev.lock. Netlink finds it in vtap_dev.workers, or by a
	 * look at a queue before that, and has its lock for as long as it looks.
	 */
	vtap_registry_lock();
	xa_erase(&dev->workers, id);
	vtap_registry_unlock();
	/* Its notes go to the workers that its queues have now. */
	bitmap_or(w->pending, w->pending, w->kicks_off,
		  VTAP_MAX_QUEUES * VTAP_NR_WORKS);
	for_each_set_bit(bit, w->pending, VTAP_MAX_QUEUES * VTAP_NR_WORKS)
		vtap_queue_wake(vtap_queue_at(dev, (bit / VTAP_NR_WORKS) ^ 1));
	vtap_worker_destroy(w);
	return 0;
}

/**
 * vtap_workers_attach - have another worker serve a queue
 * (VHOST_ATTACH_VRING_WORKER)
 * @q: queue of a locked device, may be running
 * @id: of the worker
 *
 * The former worker may be in a pass of the queue, and has one more if it was
 * woken; passes of both take turns by the queue's lock.
 *
 * Return: 0; -ENODEV no such worker.
 */
int vtap_workers_attach(struct vtap_queue *q, u32 id)
{
	struct vtap_worker *w = xa_load(&q->dev->workers, id);

	lockdep_assert_held(&q->dev->lock);
	if (!w)
		return -ENODEV;
	if (w != q->worker)
		WRITE_ONCE(q->dev->layout_is_custom, true);
	vtap_worker_attach(q, w);
	if (q->backend.sock)
		vtap_numa_set_node(q);
	vtap_queue_wake(q);
	return 0;
}
