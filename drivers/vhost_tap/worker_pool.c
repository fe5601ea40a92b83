// SPDX-License-Identifier: GPL-2.0
/*
 * worker_pool.c - create and end workers, and assign them to queues
 *
 * Documentation/locking.rst ("Ownership of workers") defines who may use the
 * worker of a queue, and how a worker ends.
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
#include "shared_thread.h"
#include "thread.h"

static bool split_workers;
module_param(split_workers, bool, 0644);
MODULE_PARM_DESC(split_workers, "Give RX and TX of each new file a worker each (default off)");

static bool kthread_workers = true;
module_param(kthread_workers, bool, 0644);
MODULE_PARM_DESC(kthread_workers, "Permit clients to choose kernel threads as workers (default on)");

static int vtap_workers_set_shared_threads(const char *val,
					   const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, VTAP_SHARED_MAX);
}

static const struct kernel_param_ops shared_threads_ops = {
	.set = vtap_workers_set_shared_threads,
	.get = param_get_uint,
};

static uint shared_threads;
module_param_cb(shared_threads, &shared_threads_ops, &shared_threads, 0644);
__MODULE_PARM_TYPE(shared_threads, "uint");
MODULE_PARM_DESC(shared_threads, "Threads that all files of a process share, for new files with one worker per pair (default 0, a thread for each worker)");

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
MODULE_PARM_DESC(adaptive_poll_us, "Microseconds that workers of new files poll at most, while polling finds work (default 0, off)");

static void vtap_worker_interrupt(struct vtap_worker *w)
{
	if (w->shared)
		vtap_shared_interrupt(w);
	else
		vtap_thread_interrupt(w->thread);
}

/**
 * vtap_workers_interrupt - make passes stop waiting for the owner's memory
 * @dev: device
 *
 * The owner's SIGKILL does not reach a kernel thread. After this call an access to
 * memory that waits for the owner fails, which may drop a packet or break a ring, and
 * no worker runs until vtap_dev_unlock(). All workers are interrupted, because a
 * former worker of a queue may be in a pass of it.
 */
void vtap_workers_interrupt(struct vtap_dev *dev)
{
	struct vtap_worker *w;
	unsigned long id;

	lockdep_assert_held(&dev->lock);
	dev->is_interrupted = true;
	xa_for_each(&dev->workers, id, w)
		vtap_worker_interrupt(w);
}

static void vtap_worker_resume(struct vtap_worker *w)
{
	if (w->shared)
		vtap_shared_resume(w);
	else
		vtap_thread_resume(w->thread);
}

static void vtap_workers_resume(struct vtap_dev *dev)
{
	struct vtap_worker *w;
	unsigned long id;

	lockdep_assert_held(&dev->lock);
	dev->is_interrupted = false;
	xa_for_each(&dev->workers, id, w)
		vtap_worker_resume(w);
}

/**
 * vtap_dev_lock - lock a device for a call of a client
 * @dev: device
 *
 * Another call may hold the lock and wait for a pass, which waits for the
 * memory of its owner. So the caller can be killed.
 *
 * Return: 0, or -EINTR if the caller is being killed.
 */
int vtap_dev_lock(struct vtap_dev *dev)
{
	return mutex_lock_killable(&dev->lock);
}

/**
 * vtap_dev_unlock - unlock a device and resume interrupted workers
 * @dev: device
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
 * @q: queue
 *
 * Waits for the pass in progress. If the caller is being killed, this
 * interrupts the pass, so a change of state is always completed and never waits
 * without limit.
 */
void vtap_queue_lock(struct vtap_queue *q)
{
	lockdep_assert_held(&q->dev->lock);
	if (likely(!mutex_lock_killable(&q->lock)))
		return;
	vtap_workers_interrupt(q->dev);
	mutex_lock(&q->lock);
}

/* Request the end of a worker. vtap_worker_end() waits for it. */
static void vtap_worker_stop(struct vtap_worker *w)
{
	if (w->shared)
		vtap_shared_stop(w);
	else
		vtap_thread_stop(w->thread);
}

static int vtap_worker_wait_killable(struct vtap_worker *w)
{
	return w->shared ? vtap_shared_wait_killable(w) :
			   vtap_thread_wait_killable(w->thread);
}

/* Wait for a stopped worker. A caller that is being killed interrupts it. */
static void vtap_worker_end(struct vtap_worker *w)
{
	if (vtap_worker_wait_killable(w))
		vtap_workers_interrupt(w->dev);
	if (w->shared)
		vtap_shared_leave(w);
	else
		vtap_thread_end(w->thread);
}

/* Free a worker that cannot be found any more and whose thread has ended. */
static void vtap_worker_destroy(struct vtap_worker *w)
{
	if (w->shared)
		vtap_shared_put(w);
	else if (w->thread)
		vtap_thread_free(w->thread);
	vtap_numa_free(w);
	kfree(w);
}

/* Create a thread for a worker, unless @nr_shared allows it to share one. */
static int vtap_worker_set_thread(struct vtap_worker *w, u32 nr_shared)
{
	struct vtap_thread *t;
	char name[TASK_COMM_LEN];
	int err;

	snprintf(name, sizeof(name), "vhost-%d", current->pid);
	if (nr_shared) {
		err = vtap_shared_join(w, nr_shared, name);
		if (err != -EUSERS)
			return err;
	}
	t = vtap_thread_create(vtap_worker_run, w, name, w->dev->kthread);
	if (IS_ERR(t))
		return PTR_ERR(t);
	w->thread = t;
	return 0;
}

static struct vtap_worker *vtap_worker_create(struct vtap_dev *dev,
					      u32 nr_shared)
{
	struct vtap_worker *w = kzalloc(sizeof(*w), GFP_KERNEL_ACCOUNT);
	int err;

	if (!w)
		return ERR_PTR(-ENOMEM);
	err = vtap_numa_init(w, nr_shared);
	if (err)
		goto err_free;
	w->dev = dev;
	w->kcov_handle = kcov_common_handle();
	w->first = U16_MAX;
	w->config_gen = atomic_read(&dev->config_gen) - 1;
	/* Reserve the id only: a worker that can be found has a thread. */
	err = xa_alloc(&dev->workers, &w->id, NULL, xa_limit_32b,
		       GFP_KERNEL_ACCOUNT);
	if (err)
		goto err_free;
	err = vtap_worker_set_thread(w, nr_shared);
	if (err)
		goto err_erase;
	vtap_numa_save_cpus(w);
	xa_store(&dev->workers, w->id, w, 0);	/* the id is reserved */
	if (!w->shared)
		vtap_thread_start(w->thread);
	return w;

err_erase:
	xa_erase(&dev->workers, w->id);
err_free:
	vtap_worker_destroy(w);
	return ERR_PTR(err);
}

/*
 * Assign a worker to a queue. Its range has to include the queue before the
 * hooks wake it.
 */
static void vtap_worker_attach(struct vtap_queue *q, struct vtap_worker *w)
{
	WRITE_ONCE(w->first, min(w->first, q->index));
	WRITE_ONCE(w->last, max(w->last, q->index));
	w->nr_queues++;
	if (q->worker)
		q->worker->nr_queues--;
	vtap_queue_lock(q);
	vtap_limit_cancel(q);	/* its timer wakes the former worker */
	WRITE_ONCE(q->worker, w);
	mutex_unlock(&q->lock);
	vtap_poll_retarget(&q->kick_poll, w);
	vtap_poll_retarget(&q->sock_poll, w);
	vtap_workers_config_changed(q->dev);
}

/**
 * vtap_workers_init - set the default layout and polling of a device
 * @dev: device without owner
 *
 * Context: vtap_dev.lock held.
 */
void vtap_workers_init(struct vtap_dev *dev)
{
	lockdep_assert_held(&dev->lock);
	dev->layout = READ_ONCE(split_workers) ? VHOST_TAP_WORKER_PER_VRING :
						 VHOST_TAP_WORKER_PER_PAIR;
	dev->nr_shared = 0;
	WRITE_ONCE(dev->layout_is_custom, false);
	WRITE_ONCE(dev->adaptive_us, READ_ONCE(adaptive_poll_us));
}

/**
 * vtap_workers_set_kind - VHOST_SET_FORK_FROM_OWNER: choose the kind of threads
 * @dev: device without owner
 * @kthread: kernel threads instead of threads of the owner's process
 *
 * Return: 0, -EOPNOTSUPP if this kernel only has kernel threads, or -EPERM if
 * the administrator forbids kernel threads (kthread_workers=).
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

static u32 vtap_workers_layout_index(const struct vtap_dev *dev, u32 i)
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
 * Number of workers to create. Kernel threads are limited to one for each CPU
 * and pair (for each vring with split_workers=1), unless the client has
 * CAP_SYS_RESOURCE. More threads than CPUs gain nothing.
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
 * vtap_workers_start - create workers and assign them to all queues
 * @dev: device without workers
 *
 * Return: 0, or a negative errno, in which case the device has no workers.
 */
int vtap_workers_start(struct vtap_dev *dev)
{
	u32 nr_shared = dev->layout == VHOST_TAP_WORKER_PER_PAIR ?
			READ_ONCE(shared_threads) : 0;
	u32 nr = vtap_workers_nr_granted(dev);
	struct vtap_worker *w;
	struct vtap_queue *q;
	u32 i;

	lockdep_assert_held(&dev->lock);
	vtap_for_each_queue(dev, q, i) {
		/* The xarray assigns ids from 0 on. */
		w = xa_load(&dev->workers, vtap_workers_layout_index(dev, i) % nr) ?:
			    vtap_worker_create(dev, nr_shared);
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
 * @dev: device, removed from the registry and debugfs; the hooks of its queues
 *	are disarmed
 *
 * Each step is complete for all workers before the next one: until it ends, a thread
 * may be in a pass of any queue and look for the worker of that queue.
 *
 * Context: vtap_dev.lock held. Waits for passes in progress.
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
		vtap_limit_cancel(q);
		WRITE_ONCE(q->worker, NULL);
		mutex_unlock(&q->lock);
		q->kick_poll.worker = NULL;
		q->sock_poll.worker = NULL;
	}
	xa_for_each(&dev->workers, id, w)
		vtap_worker_stop(w);
	xa_for_each(&dev->workers, id, w)
		vtap_worker_end(w);
	dev->is_interrupted = false;
	xa_for_each(&dev->workers, id, w) {
		xa_erase(&dev->workers, id);
		vtap_worker_destroy(w);
	}
}

/**
 * vtap_workers_new - VHOST_NEW_WORKER: create a worker for the client
 * @dev: device, owned by the caller
 * @id: set to the id of the worker on success
 *
 * As in vhost-scsi, clients cannot create kernel threads this way, because no limit
 * of the owner's would apply.
 *
 * Return: 0, -EFAULT if the workers are kernel threads, or -ENOMEM for any
 * other reason, as in-tree.
 */
int vtap_workers_new(struct vtap_dev *dev, u32 *id)
{
	struct vtap_worker *w;

	lockdep_assert_held(&dev->lock);
	if (dev->kthread)
		return -EFAULT;
	w = vtap_worker_create(dev, 0);
	if (IS_ERR(w))
		return -ENOMEM;
	*id = w->id;
	return 0;
}

/**
 * vtap_workers_free - VHOST_FREE_WORKER: end a worker
 * @dev: device
 * @id: id of the worker, which may be one that SET_OWNER created
 *
 * Context: vtap_dev.lock held. Waits for the pass in progress.
 * Return: 0, -ENODEV if there is no such worker, or -EBUSY if it serves a
 * queue.
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
	vtap_worker_stop(w);
	vtap_worker_end(w);
	/*
	 * No queue or hook has had this worker since its last queue was
	 * assigned to another one, so former workers and callbacks cannot find
	 * it. Control code waits for vtap_dev.lock. Netlink may have found it
	 * in vtap_dev.workers, or earlier by a queue, and uses it under the
	 * registry's lock only.
	 */
	vtap_registry_lock();
	xa_erase(&dev->workers, id);
	vtap_registry_unlock();
	/* Pass its pending bits on to the present workers of the queues. */
	bitmap_or(w->pending, w->pending, w->kicks_off,
		  VTAP_MAX_QUEUES * VTAP_NR_WORKS);
	for_each_set_bit(bit, w->pending, VTAP_MAX_QUEUES * VTAP_NR_WORKS)
		vtap_queue_wake(vtap_work_queue(dev, bit));
	vtap_worker_destroy(w);
	return 0;
}

/**
 * vtap_workers_attach - VHOST_ATTACH_VRING_WORKER: assign another worker to a queue
 * @q: queue, may be running
 * @id: id of the worker
 *
 * The former worker may be in a pass of the queue, and runs one more if a bit was
 * pending. The queue's lock serializes the passes of both.
 *
 * Return: 0, or -ENODEV if there is no such worker.
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
