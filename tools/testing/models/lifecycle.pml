/* SPDX-License-Identifier: GPL-2.0 */
/*
 * lifecycle.pml - attach, move, stop and free workers and queues
 *
 * A client creates workers, attaches a queue to any of them, frees idle ones,
 * stops and starts the queue, resets the device and closes it, in any order.
 * Meanwhile the guest adds work and kicks, workers run passes, and a reader
 * (netlink, debugfs) looks for workers. Memory is never reused, so each access to
 * freed memory is found.
 *
 * Proved: no process accesses a worker, thread, socket or queue that is freed. If
 * guest and client stop, each queue that runs has its work served, and kicks
 * enabled. The workers alone never run forever.
 *
 * Pointers change under locks, so there are no store buffers. The client is one
 * process: all its calls hold vtap_dev.lock.
 *
 * function: worker_pool.c vtap_worker_create vtap_worker_attach vtap_workers_start
 * function: worker_pool.c vtap_workers_stop vtap_workers_free vtap_workers_attach
 * function: worker_pool.c vtap_worker_end vtap_worker_destroy
 * function: wakeup.c vtap_worker_wake vtap_worker_requeue vtap_queue_wake
 * function: wakeup.c vtap_queue_tid
 * function: worker.c vtap_worker_run vtap_worker_serve
 * function: thread.c vtap_kthread_main vtap_thread_wake vtap_thread_stop
 * function: thread.c vtap_thread_end vtap_thread_free
 * function: poll.c vtap_poll_wakeup vtap_poll_arm vtap_poll_disarm vtap_poll_retarget
 * function: dev.c vtap_dev_quiesce vtap_dev_close
 * function: queue.c vtap_queue_stop vtap_queue_start
 * function: registry.c vtap_registry_lock vtap_registry_remove
 * function: netlink_dump.c
 * site: wakeup.c mutex_lock(&q->lock); if (q->worker)
 * site: poll.c spin_lock_irqsave(&p->wqh->lock, flags); p->worker = w;
 * site: worker_pool.c vtap_registry_lock(); xa_erase(&dev->workers, id);
 * site: worker_pool.c bitmap_or(w->pending, w->pending, w->kicks_off,
 *
 * After a move, vtap_workers_attach() wakes the new worker, and the former worker
 * serves its pending bits or passes them on when it ends. Each of the two is
 * enough, so the last two mutants lack both.
 *
 * run: GUEST
 * run: READER
 * run: BACKEND
 * never: hook_worker = 0
 * never: hook_worker = 1
 * mutant: NO_REQUEUE_LOCK
 * mutant: NO_HOOK_LOCK
 * mutant: NO_REGISTRY_LOCK READER
 * mutant: NO_END
 * mutant: NO_PASSING_ON NO_ATTACH_WAKE
 * mutant: NO_KICKS_PASSED_ON NO_ATTACH_WAKE
 */
#include "options.inc"

/* Mutants */
#define NO_REQUEUE_LOCK		OPTION(1)
#define NO_HOOK_LOCK		OPTION(2)
#define NO_REGISTRY_LOCK	OPTION(3)
#define NO_PASSING_ON		OPTION(4)
#define NO_KICKS_PASSED_ON	OPTION(5)
#define NO_END			OPTION(6)
#define NO_ATTACH_WAKE		OPTION(7)

/* READER: a reader instead of the guest. BACKEND: stop and start the queue, with one
 * worker, instead of creating and freeing workers.
 */
#define READER			OPTION(8)
#define BACKEND			OPTION(9)

/* Workers that the client may create altogether. */
#define NR_WORKERS	2
#define NONE		NR_WORKERS


bool allocated[NR_WORKERS];	/* struct vtap_worker and its thread */
bool listed[NR_WORKERS];	/* in vtap_dev.workers */
bool started[NR_WORKERS];
bool must_end[NR_WORKERS];
bool ended[NR_WORKERS];		/* vtap_thread.done */
bool pending[NR_WORKERS];	/* bit of the queue */
bool kicks_off[NR_WORKERS];	/* bit of the queue */
byte nr_created;

bool queue_is_allocated = true;
bool queue_lock;
byte queue_worker = NONE;	/* vtap_queue.worker */
bool is_running;		/* vtap_queue.state */
bool has_socket;		/* the backend is not freed */
bool hook_lock;			/* of the kick eventfd's wait queue */
bool hook_is_armed;
byte hook_worker = NONE;	/* vtap_poll.worker */

bool registry_lock;
bool dev_is_listed;
bool debugfs_lock;		/* readers, and vtap_debugfs_remove() */
bool has_debugfs;

byte work;			/* in the ring; a pass may leave a part of it */
bool kicks = true;		/* the guest may kick */

/* vtap_worker_wake(), vtap_thread_wake(); worker.pml has the steps */
inline wake(w)
{
	atomic { assert(allocated[w]); pending[w] = true }
}

/* A worker; the process id is its number. */
active [NR_WORKERS] proctype worker()
{
	bool took, more;
	byte w;

	started[_pid];
	do
	:: atomic { must_end[_pid] -> ended[_pid] = true; break }
	:: atomic {
		!must_end[_pid] && (pending[_pid] || kicks_off[_pid]) ->
		assert(allocated[_pid]);
		took = pending[_pid];
		pending[_pid] = false; kicks_off[_pid] = false
	   }
		atomic {			/* vtap_tx(), with the lock held */
			!queue_lock ->
			assert(queue_is_allocated && allocated[_pid]);
			if
			:: is_running ->
				assert(has_socket);
				if
				:: took && queue_worker == _pid ->	/* VTAP_POLL */
					work = 0; kicks = false; kicks_off[_pid] = true
				:: work == 2 ->				/* VTAP_MORE */
					work = 1; kicks = false; more = true
				:: work = 0; kicks = true		/* VTAP_IDLE */
				fi
			:: !is_running
			fi;
			took = false
		}
		if				/* vtap_worker_requeue() */
		:: !more
		:: atomic { more && queue_worker == _pid -> more = false; wake(_pid) }
		:: atomic { more && queue_worker != _pid -> more = false }
			atomic {
				!queue_lock || NO_REQUEUE_LOCK ->
				queue_lock = queue_lock || !NO_REQUEUE_LOCK;
				w = queue_worker
			}
			atomic {
				if
				:: w != NONE -> wake(w)
				:: w == NONE
				fi;
				w = 0;
				queue_lock = queue_lock && NO_REQUEUE_LOCK
			}
		fi
	od
}

/* The guest adds work and kicks: vtap_poll_wakeup(). */
active proctype guest()
{
	byte w;

	do
	:: atomic { !work && !READER -> work = 2 }
progress:	if
		:: !kicks
		:: atomic { kicks && !hook_lock && hook_is_armed -> hook_lock = true; w = hook_worker }
			atomic { wake(w); w = 0; hook_lock = false }
		:: kicks && !hook_lock && !hook_is_armed
		fi
	:: break
	od
}

/* Netlink looks in the list of workers and in the queue, debugfs in the queue. */
active proctype reader()
{
	byte w;

	do
	:: READER && dev_is_listed ->
progress_netlink:
		atomic {
			!registry_lock && dev_is_listed -> registry_lock = true;
			if
			:: w = queue_worker
			:: listed[0] -> w = 0
			:: listed[1] -> w = 1
			fi
		}
		atomic {
			assert(w == NONE || allocated[w]);
			w = 0; registry_lock = false
		}
	:: READER && has_debugfs ->
progress_debugfs:
		atomic { !debugfs_lock && has_debugfs -> debugfs_lock = true }
		atomic {
			!queue_lock -> queue_lock = true;
			assert(queue_is_allocated);
			w = queue_worker
		}
		atomic {
			assert(w == NONE || allocated[w]);
			w = 0; queue_lock = false; debugfs_lock = false
		}
	:: break
	od
}

/* vtap_queue_wake(); nothing happens without an owner */
inline wake_queue()
{
	if
	:: queue_worker != NONE -> wake(queue_worker)
	:: queue_worker == NONE
	fi
}

/* vtap_worker_create() */
inline create(w)
{
	atomic {
		w = nr_created;
		nr_created++;
		allocated[w] = true; listed[w] = true; started[w] = true
	}
}

/* vtap_worker_attach() */
inline attach(w)
{
	atomic { !queue_lock -> queue_worker = w }
	if				/* vtap_poll_retarget() */
	:: hook_is_armed && !NO_HOOK_LOCK -> atomic { !hook_lock -> hook_worker = w }
	:: !hook_is_armed || NO_HOOK_LOCK -> hook_worker = w
	fi
}

inline wake_attached()
{
	if
	:: queue_worker != NONE && !NO_ATTACH_WAKE -> wake(queue_worker)
	:: NO_ATTACH_WAKE
	fi
}

/* vtap_workers_free() */
inline free(w)
{
	must_end[w] = true;
	ended[w] || NO_END;
	atomic {
		NO_REGISTRY_LOCK || !registry_lock ->
		listed[w] = false
	}
	if
	:: (pending[w] || kicks_off[w] && !NO_KICKS_PASSED_ON) && !NO_PASSING_ON -> wake_queue()
	:: else
	fi;
	atomic { allocated[w] = false; w = 0 }
}

/* vtap_queue_stop(), and the caller that puts the socket */
inline stop_queue()
{
	atomic { !queue_lock -> is_running = false }
	has_socket = false
}

/* vtap_queue_start() */
inline start_queue()
{
	atomic { !queue_lock -> has_socket = true; is_running = true; kicks = true }
	wake_queue()
}

/* vtap_dev_set_owner(), then VHOST_SET_VRING_KICK; no process finds it earlier */
inline set_owner()
{
	atomic {
		create(w);
		queue_worker = w; hook_worker = w;
		w = 0;
		has_debugfs = true; dev_is_listed = true; hook_is_armed = true;
		if
		:: !BACKEND -> has_socket = true; is_running = true; kicks = true
		:: BACKEND
		fi
	}
}

/* vtap_dev_quiesce() */
inline quiesce()
{
	atomic { !registry_lock -> dev_is_listed = false }
	atomic { !debugfs_lock -> has_debugfs = false }
	atomic { !hook_lock -> hook_is_armed = false }
	/* vtap_workers_stop() */
	atomic { !queue_lock -> queue_worker = NONE }
	hook_worker = NONE;
	atomic { must_end[0] = started[0]; must_end[1] = started[1] }
	(ended[0] || !allocated[0]) && (ended[1] || !allocated[1]);
	atomic {
		w = 0;
		do
		:: w < NR_WORKERS ->
			listed[w] = false; allocated[w] = false; w++
		:: else -> w = 0; break
		od
	}
	stop_queue()
}

#define has_owner	(queue_worker != NONE)

active proctype client()
{
	byte w;

	do
	:: !has_owner && nr_created < NR_WORKERS ->
progress_owner:	set_owner();
		wake_queue()
	:: has_owner && nr_created < NR_WORKERS && !BACKEND ->
progress_new:	create(w); w = 0
	:: has_owner ->
progress_attach:
		if
		:: listed[0] -> attach(0); wake_attached()
		:: listed[1] -> attach(1); wake_attached()
		:: else
		fi
	:: has_owner && !BACKEND ->
progress_free:	if
		:: listed[0] && queue_worker != 0 -> w = 0; free(w)
		:: listed[1] && queue_worker != 1 -> w = 1; free(w)
		:: else
		fi
	:: has_owner && is_running && BACKEND ->
progress_stop:	stop_queue()
	:: has_owner && !is_running && BACKEND ->
progress_start:	start_queue()
	:: has_owner ->
progress_reset:	quiesce()
	:: quiesce(); queue_is_allocated = false; break	/* vtap_dev_close() */
	:: break
	od
}

/* Nothing else can run: guest, reader and client have stopped. */
active proctype at_rest()
{
	timeout;
	assert(!is_running || !work && kicks)
}
