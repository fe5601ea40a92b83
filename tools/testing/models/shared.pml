/* SPDX-License-Identifier: GPL-2.0 */
/*
 * shared.pml - move a worker between two shared threads, and end it
 *
 * A waker sets the pending bit of a worker and wakes the thread that it finds in the
 * worker. Meanwhile netlink moves the worker from thread to thread, and control code
 * ends it once the waker has stopped.
 *
 * Proved: the threads never run the worker at the same time, nor after it was freed.
 * If the waker stops, all work is served.
 *
 * Not in this model: polling and the sleep of a worker (worker.pml), interrupts
 * (shared_signal.pml).
 *
 * function: wakeup.c vtap_worker_wake vtap_worker_may_run
 * function: shared_thread.c vtap_shared_next vtap_shared_run vtap_shared_move_to
 * function: shared_thread.c vtap_shared_move_later vtap_shared_move_all
 * function: shared_thread.c vtap_shared_move vtap_shared_stop vtap_shared_leave
 * function: thread.c vtap_kthread_main vtap_thread_wake
 * site: wakeup.c vtap_thread_wake(READ_ONCE(w->thread));
 * site: shared_thread.c WRITE_ONCE(w->thread, to->thread);
 * site: shared_thread.c wait_event(t->wait, !vtap_shared_is_running(w));
 *
 * run: MOVES
 * mutant: NO_MOVE_WAKE
 * mutant: NO_RUNNING_CHECK
 * mutant: NO_WAIT
 */
#define MOVER	2	/* the threads are CPU 0 and 1; the waker has no stores to delay */
#define NR_CPUS	3

/* Those of thread 1 follow. */
#define STATE	0	/* of the thread */
#define LOCK	2	/* vtap_shared_thread.lock */
#define GLOBAL	4	/* vtap_thread_pool.lock */
#define THREAD	5	/* vtap_worker.thread */
#define NR_LOCATIONS	6

#define OVERTAKING							\
	may_overtake(0, STATE)						\
	may_overtake(0, THREAD)						\
	may_overtake(1, 1)	/* its STATE */				\
	may_overtake(1, THREAD)						\
	may_overtake(MOVER, THREAD)
#include "memory.inc"

/* Mutants */
#define NO_MOVE_WAKE		OPTION(1)
#define NO_RUNNING_CHECK	OPTION(2)
#define NO_WAIT			OPTION(3)

/* States of a thread; 0 is the initial one. */
#define TASK_RUNNING		0
#define TASK_INTERRUPTIBLE	1

#define NONE	2

bool pending;		/* vtap_worker.pending; atomic */
bool work;		/* work of the queue */
bool waker_is_done;

/* Protected by the lock of the worker's thread. */
byte shared;		/* vtap_worker.shared, and the list that the worker is in */
byte move_to = NONE;
bool is_leaving;
bool is_running[2];	/* vtap_shared_thread.running */
bool has_moves[2];
bool is_freed;

#define lock(where)	atomic { !load(where) -> memory[where] = 1 }
#define unlock(cpu, where)	store_release(cpu, where, 0)

/* try_to_wake_up(): the state is tested under a lock, after a full barrier */
inline wake(cpu, to)
{
	atomic {
		full_barrier(cpu) ->
		if
		:: load(STATE + to) == TASK_INTERRUPTIBLE ->
			memory[STATE + to] = TASK_RUNNING
		:: else
		fi
	}
}

/* vtap_shared_move_to(); GLOBAL and the lock of the present thread are held */
inline move(cpu, to)
{
	lock(LOCK + to);
	atomic { shared = to; move_to = NONE }
	store(cpu, THREAD, to);
	unlock(cpu, LOCK + to);
	if
	:: !NO_MOVE_WAKE -> wake(cpu, to)
	:: NO_MOVE_WAKE
	fi
}

/* vtap_kthread_main(), vtap_shared_run() */
active [2] proctype thread()
{
	byte me = _pid - 1;
	bool runs;

	do
	:: store(me, STATE + me, TASK_INTERRUPTIBLE);
		full_barrier(me);		/* set_current_state() */
		lock(LOCK + me);		/* vtap_shared_next() */
		atomic {
			runs = shared == me && pending && !is_leaving;
			is_running[me] = runs
		}
		unlock(me, LOCK + me);
		if
		:: !runs ->			/* schedule() */
end_asleep:		full_barrier(me) && load(STATE + me) == TASK_RUNNING
		:: runs ->
			store(me, STATE + me, TASK_RUNNING);
			atomic { full_barrier(me) -> pending = false }	/* xchg() */
			assert(!is_freed && !(is_running[0] && is_running[1]));
			work = false;		/* the pass */
			assert(!is_freed);
			lock(LOCK + me);
			is_running[me] = false;
			unlock(me, LOCK + me);
			if			/* vtap_shared_move_all() */
			:: has_moves[me] ->
				lock(GLOBAL);
				lock(LOCK + me);
				if
				:: shared == me && move_to != NONE -> move(me, 1 - me)
				:: else
				fi;
				has_moves[me] = false;
				unlock(me, LOCK + me);
				unlock(me, GLOBAL)
			:: !has_moves[me]
			fi
		fi
	od
}

/* vtap_worker_wake() */
active proctype waker()
{
	bool must_wake;
	byte to;

	do
	:: atomic { !work -> work = true }
progress:	atomic { must_wake = !pending; pending = true }	/* test_and_set_bit() */
		if
		:: must_wake ->
			to = load(THREAD);
			atomic {
				if
				:: load(STATE + to) == TASK_INTERRUPTIBLE ->
					memory[STATE + to] = TASK_RUNNING
				:: else
				fi;
				to = 0; must_wake = false
			}
		:: !must_wake
		fi
	:: waker_is_done = true; break
	od
}

/* Netlink and control code: one after the other, as both take GLOBAL. */
active proctype mover()
{
	byte from;

	do
	:: lock(GLOBAL);			/* vtap_shared_move() */
progress:	from = shared;
		lock(LOCK + from);
		if
		:: is_running[from] && !NO_RUNNING_CHECK ->
			atomic { move_to = 1 - from; has_moves[from] = true }
		:: else ->
			move(MOVER, 1 - from)
		fi;
		unlock(MOVER, LOCK + from);
		unlock(MOVER, GLOBAL)
	:: waker_is_done ->
		lock(GLOBAL);			/* vtap_shared_stop() */
		from = shared;
		lock(LOCK + from);
		atomic { is_leaving = true; move_to = NONE }
		unlock(MOVER, LOCK + from);
		unlock(MOVER, GLOBAL);
		atomic {			/* vtap_shared_leave() */
			!load(LOCK + from) && !is_running[from] || NO_WAIT ->
			shared = NONE;
			is_freed = true
		}
		break
	:: break
	od
}

/* Nothing else can run: waker and mover have stopped. */
active proctype at_rest()
{
	timeout;
	assert(is_freed || !work && !pending && move_to == NONE)
}
