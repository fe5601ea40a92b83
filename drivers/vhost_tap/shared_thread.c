// SPDX-License-Identifier: GPL-2.0
/*
 * shared_thread.c - run several workers of one process in one thread
 *
 * With shared_threads=N the workers of all files of a process run in at most N
 * threads. Each such thread gives its workers with work one round after the other.
 * Everything else about a worker stays as it is: its pending bits, hooks and queues.
 *
 * The threads of a process form a pool. A pool ends with its last worker, and its
 * threads end with it. So a thread without workers sleeps until then.
 *
 * Locking: vtap_shared_lock protects the list of pools and the references to them. The
 * lock of a pool decides which thread a worker belongs to. Under vtap_shared_thread.lock
 * leaving and moving workers check that they do not run, and a signal is sent only
 * while its worker runs. Documentation/locking.rst ("Shared threads") has the rules.
 */
#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "shared_thread.h"
#include "thread.h"

/**
 * struct vtap_thread_pool - the shared threads of a process
 * @entry: entry in vtap_pools
 * @mm: address space of the process (mm_count reference)
 * @process: id of its thread group (a reference)
 * @cred: user that the threads count for (a reference)
 * @kthread: the threads are kernel threads
 * @nr_workers: workers with a reference to the pool; protected by vtap_shared_lock
 * @create_lock: held to choose or create a thread for a worker
 * @lock: protects vtap_worker.shared and the counts of workers
 * @threads: struct vtap_shared_thread; only grows, under @create_lock and @lock
 */
struct vtap_thread_pool {
	struct list_head entry;
	struct mm_struct *mm;
	struct pid *process;
	const struct cred *cred;
	bool kthread;
	u32 nr_workers;
	struct mutex create_lock;	/* one choice of a thread at a time */
	spinlock_t lock;		/* which worker belongs to which thread */
	struct list_head threads;
};

static DEFINE_SPINLOCK(vtap_shared_lock);
static LIST_HEAD(vtap_pools);

/* The pool of a worker, which has a reference to it. All its threads have the same one. */
static struct vtap_thread_pool *vtap_pool_of(const struct vtap_worker *w)
{
	return READ_ONCE(w->shared)->pool;
}

/* ---- in the thread ---- */

/*
 * End the round of @prev, and begin that of the next worker with work. The first
 * round follows after @prev == NULL. A signal for @prev must not reach the next
 * worker.
 */
static struct vtap_worker *vtap_shared_next(struct vtap_shared_thread *t,
					    struct vtap_worker *prev)
{
	struct vtap_worker *w = prev;
	bool must_wake;

	spin_lock(&t->lock);
	t->running = NULL;
	w = list_prepare_entry(w, &t->workers, shared_entry);
	list_for_each_entry_continue(w, &t->workers, shared_entry) {
		if (vtap_worker_may_run(w)) {
			t->running = w;
			break;
		}
	}
	/* vtap_shared_resume() may have been called during the round. */
	if (prev)
		vtap_thread_flush_signal(t->thread);
	/* @prev can be freed once the lock is released. */
	must_wake = prev && prev->is_leaving;
	w = t->running;
	spin_unlock(&t->lock);
	if (unlikely(must_wake))
		wake_up_all(&t->wait);
	return w;
}

/*
 * Move a worker that does not run to another thread of its pool. The caller holds
 * the lock of the present one. Only a task that holds the pool's lock waits for one
 * of these locks while it holds another, so the order of the two does not matter.
 *
 * The new thread takes its lock before it looks for pending bits. A waker that found
 * the former thread has set its bit before that.
 */
static void vtap_shared_move_to(struct vtap_worker *w,
				struct vtap_shared_thread *to)
{
	struct vtap_shared_thread *from = w->shared;

	lockdep_assert_held(&from->pool->lock);
	lockdep_assert_held(&from->lock);
	spin_lock_nested(&to->lock, SINGLE_DEPTH_NESTING);
	WRITE_ONCE(w->shared, to);
	w->move_to = NULL;
	WRITE_ONCE(w->thread, to->thread);
	list_move_tail(&w->shared_entry, &to->workers);
	from->nr_workers--;
	to->nr_workers++;
	spin_unlock(&to->lock);
	vtap_thread_wake(to->thread);
}

static void vtap_shared_move_later(struct vtap_worker *w,
				   struct vtap_shared_thread *to)
{
	lockdep_assert_held(&w->shared->lock);
	w->move_to = to;
	WRITE_ONCE(w->shared->has_moves, true);
}

/* Move the workers that were running when their move was requested. */
static noinline __cold void vtap_shared_move_all(struct vtap_shared_thread *t)
{
	struct vtap_worker *w, *next;

	spin_lock(&t->pool->lock);
	spin_lock(&t->lock);
	list_for_each_entry_safe(w, next, &t->workers, shared_entry) {
		if (w->move_to)
			vtap_shared_move_to(w, w->move_to);
	}
	WRITE_ONCE(t->has_moves, false);
	spin_unlock(&t->lock);
	spin_unlock(&t->pool->lock);
}

/* Run a round of each worker with work. Called as vtap_worker_run(). */
static bool vtap_shared_run(void *data)
{
	struct vtap_shared_thread *t = data;
	struct vtap_worker *w = NULL;
	bool has_run = false;

	while ((w = vtap_shared_next(t, w)))
		has_run |= vtap_worker_run(w);
	if (unlikely(READ_ONCE(t->has_moves)))
		vtap_shared_move_all(t);
	return has_run;
}

/* ---- pools ---- */

static bool vtap_pool_is_mine(const struct vtap_thread_pool *p, bool kthread)
{
	return p->mm == current->mm && p->process == task_tgid(current) &&
	       uid_eq(p->cred->uid, current_uid()) &&
	       p->cred->user_ns == current_user_ns() && p->kthread == kthread;
}

static struct vtap_thread_pool *vtap_pool_find(bool kthread)
{
	struct vtap_thread_pool *p;

	lockdep_assert_held(&vtap_shared_lock);
	list_for_each_entry(p, &vtap_pools, entry) {
		if (vtap_pool_is_mine(p, kthread))
			return p;
	}
	return NULL;
}

static void vtap_pool_free(struct vtap_thread_pool *p)
{
	struct vtap_shared_thread *t, *next;

	list_for_each_entry(t, &p->threads, entry)
		vtap_thread_stop(t->thread);
	list_for_each_entry_safe(t, next, &p->threads, entry) {
		vtap_thread_end(t->thread);
		vtap_thread_free(t->thread);
		kfree(t);
	}
	put_cred(p->cred);
	put_pid(p->process);
	mmdrop(p->mm);
	mutex_destroy(&p->create_lock);
	kfree(p);
}

/* Get a reference to the pool of the current process, which may be new. */
static struct vtap_thread_pool *vtap_pool_get(bool kthread)
{
	struct vtap_thread_pool *new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	struct vtap_thread_pool *p;

	if (!new)
		return ERR_PTR(-ENOMEM);
	new->mm = current->mm;
	mmgrab(new->mm);
	new->process = get_pid(task_tgid(current));
	new->cred = get_current_cred();
	new->kthread = kthread;
	mutex_init(&new->create_lock);
	spin_lock_init(&new->lock);
	INIT_LIST_HEAD(&new->threads);

	spin_lock(&vtap_shared_lock);
	p = vtap_pool_find(kthread);
	if (!p) {
		list_add(&new->entry, &vtap_pools);
		swap(new, p);
	}
	p->nr_workers++;
	spin_unlock(&vtap_shared_lock);
	if (new)
		vtap_pool_free(new);
	return p;
}

static void vtap_pool_put(struct vtap_thread_pool *p)
{
	bool is_last;

	spin_lock(&vtap_shared_lock);
	is_last = !--p->nr_workers;
	if (is_last)
		list_del(&p->entry);
	spin_unlock(&vtap_shared_lock);
	if (is_last)
		vtap_pool_free(p);
}

static struct vtap_shared_thread *
vtap_pool_add_thread(struct vtap_thread_pool *p, const char *name)
{
	struct vtap_shared_thread *t = kzalloc(sizeof(*t), GFP_KERNEL_ACCOUNT);
	int err;

	lockdep_assert_held(&p->create_lock);
	if (!t)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&t->lock);
	INIT_LIST_HEAD(&t->workers);
	init_waitqueue_head(&t->wait);
	t->pool = p;
	t->thread = vtap_thread_create(vtap_shared_run, t, name, p->kthread);
	if (IS_ERR(t->thread)) {
		err = PTR_ERR(t->thread);
		kfree(t);
		return ERR_PTR(err);
	}
	spin_lock(&p->lock);
	list_add_tail(&t->entry, &p->threads);
	spin_unlock(&p->lock);
	vtap_thread_start(t->thread);
	return t;
}

/*
 * The thread with the fewest workers, or a new one if all have some. If a new one cannot
 * be created, the others take the worker as well.
 */
static struct vtap_shared_thread *
vtap_pool_choose_thread(struct vtap_thread_pool *p, u32 max, const char *name)
{
	struct vtap_shared_thread *t, *best = NULL;
	u32 nr = 0, least = VTAP_SHARED_WORKERS;

	lockdep_assert_held(&p->create_lock);
	spin_lock(&p->lock);
	list_for_each_entry(t, &p->threads, entry) {
		nr++;
		if (t->nr_workers < least) {
			best = t;
			least = t->nr_workers;
		}
	}
	spin_unlock(&p->lock);
	if (best && !least)
		return best;
	if (nr >= max)
		return best ?: ERR_PTR(-EUSERS);
	t = vtap_pool_add_thread(p, name);
	return IS_ERR(t) && best ? best : t;
}

/* ---- a worker's life ---- */

/**
 * vtap_shared_join - let a shared thread of the current process run a worker
 * @w: new worker
 * @max: threads that the process may have for such workers
 * @name: name of a new thread
 *
 * Sets vtap_worker.thread. vtap_shared_put() must follow when the worker is freed.
 *
 * Return: 0; -EUSERS if all threads have VTAP_SHARED_WORKERS workers; or as
 * vtap_thread_create().
 */
int vtap_shared_join(struct vtap_worker *w, u32 max, const char *name)
{
	struct vtap_thread_pool *p = vtap_pool_get(w->dev->kthread);
	struct vtap_shared_thread *t;

	if (IS_ERR(p))
		return PTR_ERR(p);
	mutex_lock(&p->create_lock);
	t = vtap_pool_choose_thread(p, max, name);
	if (!IS_ERR(t)) {
		w->shared = t;
		w->thread = t->thread;
		spin_lock(&p->lock);
		spin_lock(&t->lock);
		list_add_tail(&w->shared_entry, &t->workers);
		t->nr_workers++;
		spin_unlock(&t->lock);
		spin_unlock(&p->lock);
	}
	mutex_unlock(&p->create_lock);
	if (IS_ERR(t)) {
		vtap_pool_put(p);
		return PTR_ERR(t);
	}
	return 0;
}

/**
 * vtap_shared_stop - request the end of a worker
 * @w: worker of a shared thread
 *
 * No new round of the worker begins. vtap_shared_leave() must follow.
 */
void vtap_shared_stop(struct vtap_worker *w)
{
	struct vtap_thread_pool *p = vtap_pool_of(w);
	struct vtap_shared_thread *t;

	spin_lock(&p->lock);
	t = w->shared;
	spin_lock(&t->lock);
	w->is_leaving = true;
	w->move_to = NULL;
	spin_unlock(&t->lock);
	spin_unlock(&p->lock);
}

/* The worker is leaving, so its thread is constant. */
static bool vtap_shared_is_running(struct vtap_worker *w)
{
	struct vtap_shared_thread *t = w->shared;
	bool is_running;

	spin_lock(&t->lock);
	is_running = t->running == w;
	spin_unlock(&t->lock);
	return is_running;
}

/**
 * vtap_shared_wait_killable - wait for the last round of a worker
 * @w: worker after vtap_shared_stop()
 *
 * Does not wait for other workers of the thread.
 *
 * Return: 0, or -EINTR if the caller is being killed. The round may still be in
 * progress then.
 */
int vtap_shared_wait_killable(struct vtap_worker *w)
{
	return wait_event_killable(w->shared->wait,
				   !vtap_shared_is_running(w)) ? -EINTR : 0;
}

/**
 * vtap_shared_leave - remove a worker from its thread
 * @w: worker after vtap_shared_stop()
 *
 * The thread does not use the worker after this returns.
 *
 * Context: Process context. Waits for the round in progress.
 */
void vtap_shared_leave(struct vtap_worker *w)
{
	struct vtap_shared_thread *t = w->shared;

	wait_event(t->wait, !vtap_shared_is_running(w));
	spin_lock(&t->pool->lock);
	spin_lock(&t->lock);
	list_del(&w->shared_entry);
	t->nr_workers--;
	spin_unlock(&t->lock);
	spin_unlock(&t->pool->lock);
}

/**
 * vtap_shared_put - release the threads of a worker that is freed
 * @w: worker after vtap_shared_leave(), which nothing can wake any more
 *
 * Context: Process context. The last worker of a process ends the threads.
 */
void vtap_shared_put(struct vtap_worker *w)
{
	vtap_pool_put(w->shared->pool);
}

/**
 * vtap_shared_interrupt - make a worker stop waiting for memory
 * @w: worker of a shared thread
 *
 * As vtap_thread_interrupt(), but the other workers of the thread go on.
 */
void vtap_shared_interrupt(struct vtap_worker *w)
{
	struct vtap_thread_pool *p = vtap_pool_of(w);
	struct vtap_shared_thread *t;

	spin_lock(&p->lock);
	t = w->shared;
	spin_lock(&t->lock);
	if (p->kthread) {
		w->is_interrupted = true;
		if (t->running == w)
			vtap_thread_signal(t->thread);
	}
	spin_unlock(&t->lock);
	spin_unlock(&p->lock);
}

/**
 * vtap_shared_resume - let an interrupted worker run again
 * @w: worker of a shared thread, interrupted or not
 */
void vtap_shared_resume(struct vtap_worker *w)
{
	struct vtap_thread_pool *p = vtap_pool_of(w);
	struct vtap_shared_thread *t;

	spin_lock(&p->lock);
	t = w->shared;
	spin_lock(&t->lock);
	w->is_interrupted = false;
	spin_unlock(&t->lock);
	spin_unlock(&p->lock);
	vtap_thread_wake(t->thread);
}

static struct vtap_shared_thread *
vtap_pool_find_thread(const struct vtap_thread_pool *p, u32 tid,
		      struct pid_namespace *ns)
{
	struct vtap_shared_thread *t;

	lockdep_assert_held(&p->lock);
	list_for_each_entry(t, &p->threads, entry) {
		if (tid && vtap_thread_pid(t->thread, ns) == tid)
			return t;
	}
	return NULL;
}

/**
 * vtap_shared_move - move a worker to another shared thread of its process
 * @w: worker
 * @tid: id of the thread
 * @ns: PID namespace of @tid
 *
 * If the worker runs, it moves when its thread has ended this round of its workers. If
 * several moves are requested meanwhile, it makes the last one.
 *
 * Context: vtap_registry_lock() held, and the device is listed. Does not wait.
 * Return: 0, -EOPNOTSUPP if the worker has a thread of its own, -ESRCH if the
 * process has no such shared thread, or -EBUSY if the worker is about to end.
 */
int vtap_shared_move(struct vtap_worker *w, u32 tid, struct pid_namespace *ns)
{
	struct vtap_shared_thread *from, *to;
	struct vtap_thread_pool *p;
	int err = 0;

	if (!READ_ONCE(w->shared))
		return -EOPNOTSUPP;
	p = vtap_pool_of(w);
	spin_lock(&p->lock);
	from = w->shared;
	to = vtap_pool_find_thread(p, tid, ns);
	spin_lock(&from->lock);
	if (!to)
		err = -ESRCH;
	else if (w->is_leaving)
		err = -EBUSY;
	else if (to == from)
		w->move_to = NULL;
	else if (from->running != w)
		vtap_shared_move_to(w, to);
	else
		vtap_shared_move_later(w, to);
	spin_unlock(&from->lock);
	spin_unlock(&p->lock);
	return err;
}

/**
 * vtap_shared_tids - list the threads that a worker can move to
 * @w: worker
 * @tids: array of VTAP_SHARED_MAX thread ids
 * @ns: PID namespace of the reader
 *
 * Return: number of ids, 0 if the worker has a thread of its own. Threads without
 * an id in @ns are left out.
 */
u32 vtap_shared_tids(const struct vtap_worker *w, u32 *tids,
		     struct pid_namespace *ns)
{
	struct vtap_shared_thread *t;
	struct vtap_thread_pool *p;
	u32 nr = 0;

	if (!READ_ONCE(w->shared))
		return 0;
	p = vtap_pool_of(w);
	spin_lock(&p->lock);
	list_for_each_entry(t, &p->threads, entry) {
		pid_t tid = vtap_thread_pid(t->thread, ns);

		if (tid && nr < VTAP_SHARED_MAX)
			tids[nr++] = tid;
	}
	spin_unlock(&p->lock);
	return nr;
}
