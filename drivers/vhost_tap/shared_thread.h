/* SPDX-License-Identifier: GPL-2.0 */
/* shared_thread.h - a thread that runs several workers of one process */
#ifndef VTAP_SHARED_THREAD_H
#define VTAP_SHARED_THREAD_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "vtap.h"

/* The most threads that the workers of a process can share. */
#define VTAP_SHARED_MAX		64

/* The most workers of a thread, which it goes through with its lock held. */
#define VTAP_SHARED_WORKERS	256

struct vtap_thread_pool;

/**
 * struct vtap_shared_thread - a thread that runs several workers
 *
 * It lives as long as its pool, and each worker holds a reference to the pool. So a
 * waker can use vtap_worker.thread, even if the worker has just left that thread.
 */
struct vtap_shared_thread {
	/** @lock: protects @workers, @running and the flags of the workers */
	spinlock_t lock;
	/** @workers: the workers that this thread runs */
	struct list_head workers;
	/** @running: the worker that runs a round, or NULL; it stays in @workers */
	struct vtap_worker *running;
	/** @wait: tasks that wait for the end of a worker's round */
	wait_queue_head_t wait;
	/** @thread: the thread; constant */
	struct vtap_thread *thread;
	/** @pool: constant */
	struct vtap_thread_pool *pool;
	/** @entry: entry in vtap_thread_pool.threads; constant */
	struct list_head entry;
	/** @has_moves: a worker has to move once the round ends */
	bool has_moves;
	/** @nr_workers: length of @workers; protected by the pool's lock */
	u32 nr_workers;
};

int vtap_shared_join(struct vtap_worker *w, u32 max, const char *name);
void vtap_shared_stop(struct vtap_worker *w);
int vtap_shared_wait_killable(struct vtap_worker *w);
void vtap_shared_leave(struct vtap_worker *w);
void vtap_shared_put(struct vtap_worker *w);
void vtap_shared_interrupt(struct vtap_worker *w);
void vtap_shared_resume(struct vtap_worker *w);
int vtap_shared_move(struct vtap_worker *w, u32 tid, struct pid_namespace *ns);
u32 vtap_shared_tids(const struct vtap_worker *w, u32 *tids,
		     struct pid_namespace *ns);

#endif /* VTAP_SHARED_THREAD_H */
