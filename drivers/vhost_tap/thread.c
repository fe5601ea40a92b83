// SPDX-License-Identifier: GPL-2.0
/*
 * thread.c - the worker thread: a thread of the owner, or a kernel thread
 *
 * Kernel compatibility boundary. The client chooses the kind of thread before the
 * device has an owner (VHOST_SET_FORK_FROM_OWNER).
 *
 *   owner kind   a vhost_task: a thread of the owner's process, which shares
 *                its memory, cgroups, limits and affinity, and dies with it.
 *                It needs the handler for SIGKILL, which 6.10 added.
 *   kthread      a kernel thread that uses the owner's memory, is moved into
 *                the owner's cgroups, which are charged for its allocations,
 *                and counts as a process of its user. It lives until the file
 *                is closed.
 *
 * Both kinds call @fn in TASK_INTERRUPTIBLE. It returns false to sleep. A thread
 * ends in two steps. After vtap_thread_end() it runs no code of this driver, and
 * vtap_thread_free() frees it. A wake-up between the two is harmless.
 * Documentation/locking.rst ("Ownership of workers") defines who may wake it.
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
	/* Our own reference, because vhost_task of some kernels does not hold
	 * one and its thread may die with the owner. Owner kind: NULL until
	 * the first round, set once @done is complete.
	 */
	struct task_struct *task;
	struct vhost_task *vhost;	/* owner kind, or NULL */
	struct completion done;		/* @fn is not called any more */
	bool must_end;			/* vtap_thread_stop() was called */
	/* kthread */
	struct mm_struct *mm;
	const struct cred *cred;	/* user that it counts for */
	struct task_struct *owner;	/* until @ready */
	struct completion ready;	/* cgroups are set, or @err */
	int err;
	bool may_run;			/* @fn may be called */
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
 * The owner is being killed, and its threads with it, perhaps before the first
 * round of this one. Pending bits stay set.
 */
static void vtap_owner_thread_killed(void *data)
{
	struct vtap_thread *t = data;

	vtap_thread_set_task(t);
	complete_all(&t->done);
}

/*
 * Block signals: fork fails if the caller has a pending signal. A client with
 * many workers and a periodic timer would never succeed.
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
 * vtap_thread_has_owner_kind - check for threads of the owner's process
 *
 * Return: true if this kernel supports them.
 */
bool vtap_thread_has_owner_kind(void)
{
	return true;
}

#else /* !VTAP_HAVE_VHOST_TASK_SIGKILL: 5.10 and 6.1 */

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
 * Count the thread as a process of the user who created it, in each user
 * namespace up to the initial one, as fork(2) does. The kernel does not export
 * a function for it. The credentials keep the counters alive. Before 5.14, a
 * user has one counter for all namespaces. vtap_kthread_inc_nproc() returns true
 * if a counter is over its limit.
 */
#ifdef VTAP_HAVE_UCOUNTS_NPROC

static void vtap_kthread_uncharge(struct vtap_thread *t)
{
	struct ucounts *u;

	for (u = t->cred->ucounts; u; u = u->ns->ucounts)
		atomic_long_dec(ucounts_nproc(u));
	put_cred(t->cred);
}

static bool vtap_kthread_inc_nproc(const struct cred *cred, long limit)
{
	struct ucounts *u;
	bool is_over = false;

	for (u = cred->ucounts; u; u = u->ns->ucounts) {
		is_over |= atomic_long_inc_return(ucounts_nproc(u)) > limit;
		limit = get_userns_rlimit_max(u->ns, UCOUNT_RLIMIT_NPROC);
	}
	return is_over;
}

#else /* !VTAP_HAVE_UCOUNTS_NPROC: 5.10 */

static void vtap_kthread_uncharge(struct vtap_thread *t)
{
	atomic_dec(&t->cred->user->processes);
	put_cred(t->cred);
}

static bool vtap_kthread_inc_nproc(const struct cred *cred, long limit)
{
	return atomic_inc_return(&cred->user->processes) > limit;
}

#endif /* VTAP_HAVE_UCOUNTS_NPROC */

static int vtap_kthread_charge(struct vtap_thread *t)
{
	long limit = min_t(unsigned long, rlimit(RLIMIT_NPROC), LONG_MAX);

	t->cred = get_current_cred();
	if (!vtap_kthread_inc_nproc(t->cred, limit) ||
	    capable(CAP_SYS_RESOURCE))
		return 0;
	vtap_kthread_uncharge(t);
	return -EAGAIN;
}

/*
 * Charge the thread's allocations to a memory cgroup. set_active_memcg() also
 * works in interrupts, with a variable that 5.10 does not export to modules.
 */
static void vtap_kthread_set_memcg(struct mem_cgroup *memcg)
{
#ifdef CONFIG_MEMCG
	current->active_memcg = memcg;
#endif
}

static int vtap_kthread_main(void *data)
{
	struct vtap_thread *t = data;
	struct mem_cgroup *memcg;

	/* For vtap_thread_interrupt(). User space cannot send this signal. */
	allow_kernel_signal(SIGKILL);
	/* The thread attaches itself: the cpuset controller checks that current
	 * may move the thread, which an owner without CAP_SYS_NICE may not.
	 */
	t->err = cgroup_attach_task_all(t->owner, current);
	complete(&t->ready);

	/* By default a kernel thread's allocations are not charged. */
	memcg = get_mem_cgroup_from_mm(t->mm);
	vtap_kthread_set_memcg(memcg);
	kthread_use_mm(t->mm);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (READ_ONCE(t->must_end))
			break;
		/* Flush the signal, then read @may_run; see vtap_thread_interrupt(). */
		if (unlikely(signal_pending(current)))
			flush_signals(current);
		if (!READ_ONCE(t->may_run) || !t->fn(t->data))
			schedule();
	}
	__set_current_state(TASK_RUNNING);
	kthread_unuse_mm(t->mm);
	vtap_kthread_set_memcg(NULL);
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

static int vtap_kthread_create(struct vtap_thread *t, const char *name)
{
	int err;

	t->mm = get_task_mm(current);
	if (!t->mm)			/* a kernel thread or exiting */
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
 * vtap_thread_create - create a worker thread for the current process
 * @fn: one round of work; called in TASK_INTERRUPTIBLE, returns false to sleep
 * @data: argument of @fn
 * @name: thread name, of which 15 characters are shown
 * @kthread: create a kernel thread instead of a thread of the process
 *
 * Context: Process context.
 * Return: the thread, which vtap_thread_start() starts, or ERR_PTR():
 *
 * * -ENOMEM: out of memory.
 * * -EAGAIN: RLIMIT_NPROC or, for the owner kind, another limit of the owner.
 * * -EOPNOTSUPP: this kernel only has kernel threads.
 * * -EINVAL: @kthread is set and the caller does not have an address space.
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
	err = kthread ? vtap_kthread_create(t, name) :
			vtap_owner_thread_create(t, name);
	if (err) {
		kfree(t);
		return ERR_PTR(err);
	}
	return t;
}

/**
 * vtap_thread_resume - let an interrupted thread run again
 * @t: thread, interrupted or not
 */
void vtap_thread_resume(struct vtap_thread *t)
{
	if (t->vhost)
		return;
	WRITE_ONCE(t->may_run, true);
	wake_up_process(t->task);
}

/**
 * vtap_thread_start - start a new thread
 * @t: thread
 */
void vtap_thread_start(struct vtap_thread *t)
{
	if (t->vhost)
		vtap_owner_thread_start(t);
	else
		vtap_thread_resume(t);
}

/**
 * vtap_thread_wake - wake a thread
 * @t: thread, not freed, or NULL
 *
 * Context: Any.
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
	/* The thread did not reach vtap_thread_set_task() yet, and may be killed
	 * meanwhile. A killed thread calls it before it exits, and is freed
	 * after a grace period.
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
 * vtap_thread_signal - make page faults fail until vtap_thread_flush_signal()
 * @t: thread; nothing happens if it is a thread of the owner's process
 */
void vtap_thread_signal(struct vtap_thread *t)
{
	if (!t->vhost)
		send_sig(SIGKILL, t->task, 1);
}

/**
 * vtap_thread_flush_signal - end vtap_thread_signal()
 * @t: the current thread
 */
void vtap_thread_flush_signal(struct vtap_thread *t)
{
	if (!t->vhost && signal_pending(current))
		flush_signals(current);
}

/**
 * vtap_thread_interrupt - make a kernel thread stop waiting for memory
 * @t: thread
 *
 * A page fault of the round in progress fails, and with it the access to the
 * owner's memory. No more rounds run until vtap_thread_resume(). Does nothing
 * for a thread of the owner's process, which only the owner's SIGKILL
 * interrupts.
 *
 * Context: Process context. Does not wait.
 */
void vtap_thread_interrupt(struct vtap_thread *t)
{
	/*
	 * Both sides take siglock between their two steps: if the thread
	 * flushes this signal, it reads the new @may_run afterwards. Otherwise the
	 * signal stays pending for the rest of the round.
	 */
	WRITE_ONCE(t->may_run, false);
	vtap_thread_signal(t);
}

/**
 * vtap_thread_stop - request the end of a thread
 * @t: thread, started
 *
 * Context: Process context. Does not wait; vtap_thread_end() must follow.
 */
void vtap_thread_stop(struct vtap_thread *t)
{
	WRITE_ONCE(t->must_end, true);
	vtap_thread_wake(t);
}

/**
 * vtap_thread_wait_killable - wait for the last round of a thread
 * @t: thread after vtap_thread_stop()
 *
 * Return: 0, or -EINTR if the caller is being killed. The round may still be in
 * progress then.
 */
int vtap_thread_wait_killable(struct vtap_thread *t)
{
	return wait_for_completion_killable(&t->done) ? -EINTR : 0;
}

/**
 * vtap_thread_end - wait until a thread runs no code of this driver
 * @t: thread after vtap_thread_stop()
 *
 * Context: Process context. Waits for the round in progress.
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
 * vtap_thread_free - free a thread
 * @t: thread after vtap_thread_end(), which nothing can wake any more
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
 * vtap_thread_cpus - get the CPUs that a new thread may run on
 * @t: thread of the caller, not started
 *
 * Return: the CPUs, valid until the caller sleeps or starts the thread.
 */
const struct cpumask *vtap_thread_cpus(const struct vtap_thread *t)
{
	/* A thread of the owner inherits the CPUs of its creator. */
	return t->vhost ? current->cpus_ptr : t->task->cpus_ptr;
}

/**
 * vtap_process_pid - get the id of a process
 * @process: id of its thread group
 * @ns: PID namespace of the reader
 *
 * Return: id in @ns, or 0 if the process has ended or @ns does not know it.
 */
pid_t vtap_process_pid(struct pid *process, struct pid_namespace *ns)
{
	pid_t nr = 0;

	rcu_read_lock();
	/* The number of an ended process may have been reused. */
	if (pid_task(process, PIDTYPE_TGID))
		nr = pid_nr_ns(process, ns);
	rcu_read_unlock();
	return nr;
}

/**
 * vtap_thread_pid - get the thread id
 * @t: thread
 * @ns: PID namespace of the reader
 *
 * Return: id in @ns, or 0 if the thread has ended, if @ns does not know it, or
 * before the first round of a thread of the owner kind.
 */
pid_t vtap_thread_pid(const struct vtap_thread *t, struct pid_namespace *ns)
{
	/* Pairs with the release in vtap_thread_set_task(). */
	struct task_struct *task = smp_load_acquire(&t->task);

	return task ? task_pid_nr_ns(task, ns) : 0;
}

#ifdef CONFIG_SCHED_INFO
static u64 vtap_thread_wait_ns(const struct task_struct *task)
{
	return READ_ONCE(task->sched_info.run_delay);
}
#else
static u64 vtap_thread_wait_ns(const struct task_struct *task)
{
	return 0;
}
#endif /* CONFIG_SCHED_INFO */

/**
 * vtap_thread_usage - get the CPU time of a thread
 * @t: thread
 * @u: set to the values, which are final if the thread has ended
 *
 * Takes no lock of the scheduler. The times of a thread that runs are those of
 * the last tick or context switch, as in /proc/TID/schedstat. On a nohz_full CPU
 * without a tick, sched_tick_remote() updates them once in a second.
 *
 * Return: true, or false before the first round of a thread of the owner kind.
 */
bool vtap_thread_usage(const struct vtap_thread *t, struct vtap_thread_usage *u)
{
	/* Pairs with the release in vtap_thread_set_task(). */
	const struct task_struct *task = smp_load_acquire(&t->task);

	if (!task)
		return false;
	u->run_ns = READ_ONCE(task->se.sum_exec_runtime);
	u->has_wait = IS_ENABLED(CONFIG_SCHED_INFO);
	u->wait_ns = vtap_thread_wait_ns(task);
	u->cpu = task_cpu(task);
	return true;
}

/**
 * vtap_thread_vpid - get the thread id for the current process
 * @t: thread
 *
 * Return: id in the current PID namespace, 0 if it has none there, or -EAGAIN
 * before the first round of a thread of the owner kind.
 */
pid_t vtap_thread_vpid(const struct vtap_thread *t)
{
	/* Pairs with the release in vtap_thread_set_task(). */
	struct task_struct *task = smp_load_acquire(&t->task);

	return task ? task_pid_vnr(task) : -EAGAIN;
}
