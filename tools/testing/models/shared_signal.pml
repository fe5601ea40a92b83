/* SPDX-License-Identifier: GPL-2.0 */
/*
 * shared_signal.pml - interrupt one of two workers that share a kernel thread
 *
 * The guests of two devices give work to their workers, 0 and 1. The passes of both
 * access memory of the owner, and wait in a page fault. User space answers the faults
 * of worker 1 and never those of worker 0. Meanwhile callers that are being killed
 * wait for the pass of worker 0. Each of them interrupts that worker, takes the lock of
 * its queue and resumes it.
 *
 * Proved: a signal never reaches the pass of worker 1, and the call always ends.
 *
 * All of this happens under locks, so there are no store buffers. Not in this model:
 * the sleep of the thread, moves and the end of a worker (shared.pml).
 *
 * function: wakeup.c vtap_worker_may_run
 * function: shared_thread.c vtap_shared_next vtap_shared_run
 * function: shared_thread.c vtap_shared_interrupt vtap_shared_resume
 * function: worker_pool.c vtap_queue_lock vtap_workers_interrupt vtap_dev_unlock
 * function: thread.c vtap_kthread_main vtap_thread_signal vtap_thread_flush_signal
 * site: shared_thread.c if (prev) vtap_thread_flush_signal(t->thread);
 * site: shared_thread.c if (t->running == w) vtap_thread_signal(t->thread);
 * site: wakeup.c return !w->is_interrupted && !w->is_leaving &&
 *
 * run: CALLS
 * mutant: NO_FLUSH
 * mutant: NO_FLUSH_AFTER_RESUME
 * mutant: NO_RUNNING_CHECK
 * mutant: NO_PAUSE
 */
#include "options.inc"

/* Mutants */
#define NO_FLUSH		OPTION(1)
#define NO_FLUSH_AFTER_RESUME	OPTION(2)	/* if (prev && prev->is_interrupted) */
#define NO_RUNNING_CHECK	OPTION(3)
#define NO_PAUSE		OPTION(4)

#define NONE	2	/* no worker */

bool work[2];		/* vtap_worker.pending */
bool is_locked;		/* vtap_queue.lock of worker 0's queue */
bool has_signal;	/* SIGKILL is pending for the thread */
bool is_calling;	/* a caller waits, or has not resumed worker 0 yet */

/* Protected by vtap_shared_thread.lock; each step that holds it is atomic. */
byte running = NONE;	/* vtap_shared_thread.running */
bool is_interrupted;	/* vtap_worker.is_interrupted of worker 0 */

/* vtap_worker_may_run() */
#define may_run(w)	(work[w] && (w == 1 || !is_interrupted || NO_PAUSE))

/* vtap_kthread_main(), vtap_shared_run() */
active proctype thread()
{
	byte prev = NONE;

	do
	:: prev == NONE ->
end_asleep:	atomic { (may_run(0) || may_run(1)) -> has_signal = false }
		goto next
	:: prev == 0 ->			/* the pass */
		atomic { !is_locked -> is_locked = true };
end_stuck:	has_signal;		/* the page fault fails, and is never answered */
		is_locked = false;
		goto next
	:: prev == 1 ->
		assert(!has_signal);
		goto next		/* the page fault is answered */
next:		atomic {		/* vtap_shared_next() */
			if
			:: prev == NONE && may_run(0) -> running = 0; work[0] = false
			:: (prev != NONE || !may_run(0)) && prev != 1 && may_run(1) ->
				running = 1; work[1] = false
			:: else -> running = NONE
			fi;
			if
			:: prev == NONE || NO_FLUSH
			:: (prev == 1 || !is_interrupted) && NO_FLUSH_AFTER_RESUME
			:: else -> has_signal = false
			fi;
			prev = running
		}
	od
}

active proctype guests()
{
	do
	:: work[0] = true;
progress:	skip
	:: work[1] = true;
progress1:	skip
	:: break
	od
}

/* vtap_queue_lock(), for example in VHOST_SET_FEATURES */
active proctype caller()
{
	do
	:: is_calling = true;
progress:	atomic {		/* vtap_shared_interrupt() */
			is_interrupted = true;
			if
			:: running == 0 || NO_RUNNING_CHECK -> has_signal = true
			:: else
			fi
		}
		atomic { !is_locked -> is_locked = true };
		is_locked = false;
		is_interrupted = false;	/* vtap_shared_resume() */
		is_calling = false
	:: break
	od
}

/* Nothing else can run: the last call has ended. Only the pass of worker 0 may wait. */
active proctype at_rest()
{
	timeout;
	assert(!is_calling && (running == 0 || !work[0] && !work[1]))
}
