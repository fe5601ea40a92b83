// SPDX-License-Identifier: GPL-2.0
/*
 * task.c - SEAM: the worker thread of this kernel
 *
 * Read before: task.h.
 *
 * Since 6.4 there is vhost_task: a thread of the owner's process, so it has
 * the owner's memory, cgroups, limits and affinity, shows up among its
 * threads, and dies with it. Its signature settled in 6.10, when the handler
 * for SIGKILL came. Before, a kernel thread borrows the owner's memory and is
 * moved into the owner's cgroups; it lives until the file is closed.
 *
 * Either way @fn is called in TASK_INTERRUPTIBLE and returns false to sleep.
 */
#include <linux/err.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "task.h"

#ifdef VTAP_HAVE_VHOST_TASK_SIGKILL

#include <linux/sched/vhost_task.h>

struct vtap_task {
	struct vhost_task *vhost;
	/* from the first round on; a reference of our own, because vhost_task
	 * of some kernels has none and its thread may die with the owner
	 */
	struct task_struct *thread;
	bool (*fn)(void *data);
	void *data;
};

static bool task_fn(void *data)
{
	struct vtap_task *t = data;

	if (unlikely(!t->thread)) {
		/* Pairs with the acquires below: the reference comes first. */
		smp_store_release(&t->thread, get_task_struct(current));
	}
	return t->fn(t->data);
}

/*
 * The owner is being killed and takes the worker along. Nothing to do: what
 * is pending stays pending; closing the file waits for the round in progress.
 */
static void task_killed(void *data)
{
}

/**
 * vtap_task_create - make a worker thread of the current process
 * @fn: one round of work; called in TASK_INTERRUPTIBLE, returns false to sleep
 * @data: for @fn
 * @name: thread name, at most 15 characters show
 *
 * Return: the task, not running before vtap_task_start(); ERR_PTR() with
 * -ENOMEM, or -EAGAIN by the owner's limits.
 */
struct vtap_task *vtap_task_create(bool (*fn)(void *data), void *data,
				   const char *name)
{
	struct vtap_task *t = kzalloc(sizeof(*t), GFP_KERNEL);
	struct vhost_task *vhost;

	if (!t)
		return ERR_PTR(-ENOMEM);
	t->fn = fn;
	t->data = data;
	vhost = vhost_task_create(task_fn, task_killed, t, name);
	if (IS_ERR_OR_NULL(vhost)) {	/* NULL: before 6.14 */
		kfree(t);
		return vhost ? ERR_CAST(vhost) : ERR_PTR(-ENOMEM);
	}
	t->vhost = vhost;
	return t;
}

/**
 * vtap_task_start - let a new worker run
 * @t: worker
 */
void vtap_task_start(struct vtap_task *t)
{
	vhost_task_start(t->vhost);
}

/**
 * vtap_task_wake - make a sleeping worker look for work
 * @t: worker or NULL
 *
 * Context: any.
 */
void vtap_task_wake(struct vtap_task *t)
{
	struct task_struct *thread;

	if (!t)
		return;
	/* Pairs with the release in task_fn(). */
	thread = smp_load_acquire(&t->thread);
	if (likely(thread))
		wake_up_process(thread);
	else
		vhost_task_wake(t->vhost);
}

/**
 * vtap_task_stop - end a worker and free it
 * @t: worker, started; no one wakes it any more
 *
 * Context: process context; waits for the round in progress.
 */
void vtap_task_stop(struct vtap_task *t)
{
	vhost_task_stop(t->vhost);
	if (t->thread)
		put_task_struct(t->thread);
	kfree(t);
}

/**
 * vtap_task_pid - the worker's thread id
 * @t: worker
 *
 * Return: id in the initial pid namespace; 0 before its first round.
 */
pid_t vtap_task_pid(const struct vtap_task *t)
{
	/* Pairs with the release in task_fn(). */
	struct task_struct *thread = smp_load_acquire(&t->thread);

	return thread ? task_pid_nr(thread) : 0;
}

#else /* !VTAP_HAVE_VHOST_TASK_SIGKILL: 6.1 */

#include <linux/cgroup.h>
#include <linux/kthread.h>
#include <linux/sched/mm.h>

struct vtap_task {
	struct task_struct *thread;
	struct mm_struct *mm;
	bool (*fn)(void *data);
	void *data;
};

static int task_main(void *data)
{
	struct vtap_task *t = data;

	kthread_use_mm(t->mm);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		if (!t->fn(t->data))
			schedule();
	}
	__set_current_state(TASK_RUNNING);
	kthread_unuse_mm(t->mm);
	return 0;
}

struct vtap_task *vtap_task_create(bool (*fn)(void *data), void *data,
				   const char *name)
{
	struct vtap_task *t = kzalloc(sizeof(*t), GFP_KERNEL);
	int err;

	if (!t)
		return ERR_PTR(-ENOMEM);
	t->fn = fn;
	t->data = data;
	t->mm = get_task_mm(current);
	t->thread = kthread_create(task_main, t, "%s", name);
	if (IS_ERR(t->thread)) {
		err = PTR_ERR(t->thread);
		goto err_put_mm;
	}
	get_task_struct(t->thread);
	err = cgroup_attach_task_all(current, t->thread);
	if (err)
		goto err_stop;
	return t;

err_stop:
	kthread_stop(t->thread);
	put_task_struct(t->thread);
err_put_mm:
	mmput(t->mm);
	kfree(t);
	return ERR_PTR(err);
}

void vtap_task_start(struct vtap_task *t)
{
	wake_up_process(t->thread);
}

void vtap_task_wake(struct vtap_task *t)
{
	if (t)
		wake_up_process(t->thread);
}

void vtap_task_stop(struct vtap_task *t)
{
	kthread_stop(t->thread);
	put_task_struct(t->thread);
	mmput(t->mm);
	kfree(t);
}

pid_t vtap_task_pid(const struct vtap_task *t)
{
	return task_pid_nr(t->thread);
}

#endif /* VTAP_HAVE_VHOST_TASK_SIGKILL */
