// SPDX-License-Identifier: GPL-2.0
/*
 * thread.c - the worker thread, of the owner or of the kernel
 *
 * Kernel compatibility boundary.
 *
 * Read before: thread.h.
 *
 * Two kinds of thread, of which the client may choose one before the device has
 * an owner (VHOST_SET_FORK_FROM_OWNER):
 *
 *   owner kind   a vhost_task: a thread of the owner's process, so it has the
 *                owner's memory, cgroups, limits and affinity, shows up among
 *                its threads, and dies with it. There since 6.4; its signature
 *                settled in 6.10, when the handler for SIGKILL came.
 *   kthread      a kernel thread that borrows the owner's memory, is moved
 *                into the owner's cgroups, which are charged for what it
 *                allocates, and counts as a process of its user; it lives
 *                until the file is closed. The only kind of 6.1.
 *
 * Either way @fn is called in TASK_INTERRUPTIBLE and returns false to sleep.
 *
 * A worker ends in two steps. After vtap_thread_end() its thread runs none of our
 * code; vtap_thread_free() frees the task. Between the two a wake-up still finds
 * memory, and nothing happens. Documentation/locking.rst says who may wake a
 * worker until when.
 */
#include <linux/capability.h>
#include <linux/cgroup.h>
#include <linux/completion.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/memcontrol.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "thread.h"

struct vhost_task;

struct vtap_thread {
	/* A reference of our own, because vhost_task of some kernels has none
	 * and its thread may die with the owner. Owner kind: NULL until the
	 * first round; set once @done is.
	 */
	struct task_struct *task;
	struct vhost_task *vhost;	/* owner kind, or NULL */
	struct completion done;		/* @fn is not called any more */
	bool must_end;			/* vtap_thread_stop() was called */
	/* kthread */
	struct mm_struct *mm;
	const struct cred *cred;	/* whose process it counts as */
	struct task_struct *owner;	/* until it is ready */
	struct completion ready;	/* it is in the owner's cgroups, or @err */
	int err;
	bool go;			/* rounds are run */
	bool (*fn)(void *data);
	void *data;
};

#ifdef VTAP_HAVE_VHOST_TASK_SIGKILL

#include <linux/sched/vhost_task.h>

static void vtap_thread_set_task(struct vtap_thread *t)
{
	if (unlikely(!t->task)) {
		/* Pairs with the acquires below: the reference comes first. */
		smp_store_release(&t->task, get_task_struct(current));
	}
}

static bool vtap_owner_thread_fn(void *data)
{
	struct vtap_thread *t = data;

	vtap_thread_set_task(t);
	if (unlikely(READ_ONCE(t->must_end))) {
		complete_all(&t->done);
		return false;
	}
	return t->fn(t->data);
}

/*
 * The owner is being killed and takes the worker along, perhaps before its
 * first round. What is pending stays pending.
 */
static void vtap_owner_thread_killed(void *data)
{
	struct vtap_thread *t = data;

	vtap_thread_set_task(t);
	complete_all(&t->done);
}

/*
 * A fork is given up when the caller has a signal to look at. Many workers are
 * many forks; one of them would always meet the caller's timer. So signals wait.
 */
static int vtap_owner_thread_create(struct vtap_thread *t, const char *name)
{
	struct vhost_task *vhost;
	sigset_t all, old;

	siginitsetinv(&all, sigmask(SIGKILL) | sigmask(SIGSTOP));
	sigprocmask(SIG_BLOCK, &all, &old);
	vhost = vhost_task_create(vtap_owner_thread_fn,
				  vtap_owner_thread_killed, t, name);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (IS_ERR_OR_NULL(vhost))	/* NULL: before 6.14 */
		return vhost ? PTR_ERR(vhost) : -ENOMEM;
	t->vhost = vhost;
	return 0;
}

static void vtap_owner_thread_start(struct vtap_thread *t)
{
	vhost_task_start(t->vhost);
}

static void vtap_owner_thread_wake(struct vtap_thread *t)
{
	vhost_task_wake(t->vhost);
}

static void vtap_owner_thread_end(struct vtap_thread *t)
{
	vhost_task_stop(t->vhost);
}

/**
 * vtap_thread_has_owner_kind - can a worker be a thread of the owner's process?
 *
 * Return: true if this kernel has them.
 */
bool vtap_thread_has_owner_kind(void)
{
	return true;
}

#else /* !VTAP_HAVE_VHOST_TASK_SIGKILL: 6.1 */

static int vtap_owner_thread_create(struct vtap_thread *t, const char *name)
{
	return -EOPNOTSUPP;
}

static void vtap_owner_thread_start(struct vtap_thread *t)
{
}

static void vtap_owner_thread_wake(struct vtap_thread *t)
{
}

static void vtap_owner_thread_end(struct vtap_thread *t)
{
}

bool vtap_thread_has_owner_kind(void)
{
	return false;
}

#endif /* VTAP_HAVE_VHOST_TASK_SIGKILL */

/* ---- kernel threads ---- */

/*
 * Count the thread as a process of the user who asked for it, in each user
 * namespace up to the initial one, as fork(2) counts. The kernel exports no
 * function for it; credentials hold the counters as long as they are held.
 */
static long vtap_thread_count(struct ucounts *u, long nr)
{
	return atomic_long_add_return(nr, &u->rlimit[UCOUNT_RLIMIT_NPROC]);
}

static void vtap_kthread_uncharge(struct vtap_thread *t)
{
	struct ucounts *u;

	for (u = t->cred->ucounts; u; u = u->ns->ucounts)
		vtap_thread_count(u, -1);
	put_cred(t->cred);
}

static int vtap_kthread_charge(struct vtap_thread *t)
{
	long limit = min_t(unsigned long, rlimit(RLIMIT_NPROC), LONG_MAX);
	struct ucounts *u;
	bool is_over = false;

	t->cred = get_current_cred();
	for (u = t->cred->ucounts; u; u = u->ns->ucounts) {
		is_over |= vtap_thread_count(u, 1) > limit;
		limit = get_userns_rlimit_max(u->ns, UCOUNT_RLIMIT_NPROC);
	}
	if (!is_over || capable(CAP_SYS_RESOURCE))
		return 0;
	vtap_kthread_uncharge(t);
	return -EAGAIN;
}

static int vtap_kthread_main(void *data)
{
	struct vtap_thread *t = data;
	struct mem_cgroup *memcg;

	/* For vtap_thread_interrupt(). Nobody outside of the kernel can send it. */
	allow_kernel_signal(SIGKILL);
	/* Here and not by the owner: the cpuset controller asks whether current
	 * may steer the thread, and an owner without CAP_SYS_NICE may not.
	 */
	t->err = cgroup_attach_task_all(t->owner, current);
	complete(&t->ready);

	/* Allocations of a kernel thread are charged to nobody by default. */
	memcg = get_mem_cgroup_from_mm(t->mm);
	set_active_memcg(memcg);
	kthread_use_mm(t->mm);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (READ_ONCE(t->must_end))
			break;
		/* First the signal, then @go: see vtap_thread_interrupt(). */
		if (unlikely(signal_pending(current)))
			flush_signals(current);
		if (!READ_ONCE(t->go) || !t->fn(t->data))
			schedule();
	}
	__set_current_state(TASK_RUNNING);
	kthread_unuse_mm(t->mm);
	set_active_memcg(NULL);
	mem_cgroup_put(memcg);
	complete_all(&t->done);
	return 0;
}

static void vtap_kthread_free(struct vtap_thread *t)
{
	put_task_struct(t->task);
	mmput(t->mm);
	vtap_kthread_uncharge(t);
}

static int vtap_kthread_begin(struct vtap_thread *t, const char *name)
{
	int err;

	t->mm = get_task_mm(current);
	if (!t->mm)			/* a kernel thread or an exiting one */
		return -EINVAL;
	err = vtap_kthread_charge(t);
	if (err)
		goto err_mmput;
	t->task = kthread_create(vtap_kthread_main, t, "%s", name);
	if (IS_ERR(t->task)) {
		err = PTR_ERR(t->task);
		goto err_uncharge;
	}
	get_task_struct(t->task);
	t->owner = current;
	init_completion(&t->ready);
	wake_up_process(t->task);
	wait_for_completion(&t->ready);
	t->owner = NULL;
	if (t->err) {
		vtap_thread_stop(t);
		vtap_thread_end(t);
		vtap_kthread_free(t);
	}
	return t->err;

err_uncharge:
	vtap_kthread_uncharge(t);
err_mmput:
	mmput(t->mm);
	return err;
}

/**
 * vtap_thread_create - make a worker thread for the current process
 * @fn: one round of work; called in TASK_INTERRUPTIBLE, returns false to sleep
 * @data: for @fn
 * @name: thread name, at most 15 characters show
 * @kthread: a kernel thread, not one of the process
 *
 * Return: the task, not running before vtap_thread_start(); ERR_PTR() with
 * -ENOMEM, -EAGAIN by the owner's limits (RLIMIT_NPROC for both kinds), or
 * -EOPNOTSUPP if this kernel has kernel threads only.
 */
struct vtap_thread *vtap_thread_create(bool (*fn)(void *data), void *data,
				       const char *name, bool kthread)
{
	struct vtap_thread *t = kzalloc(sizeof(*t), GFP_KERNEL_ACCOUNT);
	int err;

	if (!t)
		return ERR_PTR(-ENOMEM);
	t->fn = fn;
	t->data = data;
	init_completion(&t->done);
	err = kthread ? vtap_kthread_begin(t, name) :
			vtap_owner_thread_create(t, name);
	if (err) {
		kfree(t);
		return ERR_PTR(err);
	}
	return t;
}

/**
 * vtap_thread_resume - let an interrupted worker run
 * @t: worker, interrupted or not
 */
void vtap_thread_resume(struct vtap_thread *t)
{
	if (t->vhost)
		return;
	WRITE_ONCE(t->go, true);
	wake_up_process(t->task);
}

/**
 * vtap_thread_start - let a new worker run
 * @t: worker
 */
void vtap_thread_start(struct vtap_thread *t)
{
	if (t->vhost)
		vtap_owner_thread_start(t);
	else
		vtap_thread_resume(t);
}

/**
 * vtap_thread_wake - make a sleeping worker look for work
 * @t: worker, not freed, or NULL
 *
 * Context: any.
 */
void vtap_thread_wake(struct vtap_thread *t)
{
	struct task_struct *task;

	if (!t)
		return;
	/* Pairs with the release in vtap_thread_set_task(). */
	task = smp_load_acquire(&t->task);
	if (likely(task)) {
		wake_up_process(task);
		return;
	}
	/* A thread that has not come to vtap_thread_set_task() yet may be killed while
	 * we wake it: it comes there first, and is freed after a grace period.
	 */
	rcu_read_lock();
	/* Pairs with the release in vtap_thread_set_task(). */
	task = smp_load_acquire(&t->task);
	if (task)
		wake_up_process(task);
	else
		vtap_owner_thread_wake(t);
	rcu_read_unlock();
}

/**
 * vtap_thread_interrupt - make a kernel thread give up waiting for memory
 * @t: worker
 *
 * A page fault of the round in progress that nobody answers fails, and with it
 * the access to the owner's memory; no more rounds are run. vtap_thread_resume()
 * ends that. A thread of the owner's is interrupted by the owner's SIGKILL only.
 *
 * Context: process context; does not wait.
 */
void vtap_thread_interrupt(struct vtap_thread *t)
{
	if (t->vhost)
		return;
	/*
	 * Both sides have siglock between their two steps: if the thread flushes
	 * this signal, it sees @go after that. Otherwise the signal stays for as
	 * long as its round lasts.
	 */
	WRITE_ONCE(t->go, false);
	send_sig(SIGKILL, t->task, 1);
}

/**
 * vtap_thread_stop - tell a worker to end
 * @t: worker, started
 *
 * Context: process context; does not wait. vtap_thread_end() comes next.
 */
void vtap_thread_stop(struct vtap_thread *t)
{
	WRITE_ONCE(t->must_end, true);
	vtap_thread_wake(t);
}

/**
 * vtap_thread_wait_killable - wait for the last round of a worker
 * @t: worker that was told to end
 *
 * Return: 0; -EINTR the caller is being killed, and the round is still in
 * progress.
 */
int vtap_thread_wait_killable(struct vtap_thread *t)
{
	return wait_for_completion_killable(&t->done) ? -EINTR : 0;
}

/**
 * vtap_thread_end - wait until a worker's thread runs none of our code
 * @t: worker that was told to end
 *
 * Context: process context; waits for the round in progress.
 */
void vtap_thread_end(struct vtap_thread *t)
{
	wait_for_completion(&t->done);
	if (t->vhost)
		vtap_owner_thread_end(t);
	else
		kthread_stop(t->task);
}

/**
 * vtap_thread_free - free a worker's task
 * @t: worker that has ended; nobody can wake it any more
 */
void vtap_thread_free(struct vtap_thread *t)
{
	if (t->vhost)
		put_task_struct(t->task);
	else
		vtap_kthread_free(t);
	kfree(t);
}

/**
 * vtap_thread_cpus - what a new worker may run on
 * @t: worker, not started; the caller made it
 *
 * Return: CPUs, valid until the caller sleeps or starts it.
 */
const struct cpumask *vtap_thread_cpus(const struct vtap_thread *t)
{
	/* A thread of the owner's has its creator's, like any. */
	return t->vhost ? current->cpus_ptr : t->task->cpus_ptr;
}

/**
 * vtap_process_pid - the id of a process
 * @process: id of its thread group
 * @ns: PID namespace of the reader
 *
 * Return: id in @ns; 0 when the process has ended or is not known there.
 */
pid_t vtap_process_pid(struct pid *process, struct pid_namespace *ns)
{
	pid_t nr = 0;

	rcu_read_lock();
	/* The number of a process that has ended may be another one's by now. */
	if (pid_task(process, PIDTYPE_TGID))
		nr = pid_nr_ns(process, ns);
	rcu_read_unlock();
	return nr;
}

/**
 * vtap_thread_pid - the worker's thread id
 * @t: worker
 * @ns: PID namespace of the reader
 *
 * Return: id in @ns; 0 when the thread has ended or is not known there, and
 * before the first round of a worker of the owner's kind.
 */
pid_t vtap_thread_pid(const struct vtap_thread *t, struct pid_namespace *ns)
{
	/* Pairs with the release in vtap_thread_set_task(). */
	struct task_struct *task = smp_load_acquire(&t->task);

	return task ? task_pid_nr_ns(task, ns) : 0;
}

/**
 * vtap_thread_vpid - the worker's thread id, for the current process
 * @t: worker
 *
 * Return: id in the current pid namespace, 0 when it has none there; -EAGAIN
 * before the first round of a worker of the owner's kind.
 */
pid_t vtap_thread_vpid(const struct vtap_thread *t)
{
	/* Pairs with the release in vtap_thread_set_task(). */
	struct task_struct *task = smp_load_acquire(&t->task);

	return task ? task_pid_vnr(task) : -EAGAIN;
}
