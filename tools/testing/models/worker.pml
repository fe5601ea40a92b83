/* SPDX-License-Identifier: GPL-2.0 */
/*
 * worker.pml - pending bits, polling and sleep of a worker
 *
 * One worker serves a TX and an RX queue. The guest adds TX chains and kicks
 * unless the worker has disabled kicks. The tap adds packets and wakes the
 * worker each time. The polling settings may change in every round, and bursts come at
 * any time, so each round either polls or does not, and polling ends at any time.
 *
 * Proved: if guest and tap stop, the worker serves all chains and packets, calls the
 * guest for all chains, enables kicks and sleeps. It never runs forever without new work.
 * With the option CALLS: if only the guest stops, the worker calls it for all chains,
 * even if the tap adds packets forever.
 *
 * Not in this model: starved and blocked queues (starved.pml, blocked.pml), moves
 * of queues (lifecycle.pml), event indices (split.pml, packed.pml).
 *
 * One chain and one packet wait at most, because all others would be served by the
 * same pass.
 *
 * function: poll.c vtap_poll_wakeup
 * function: wakeup.c vtap_worker_wake vtap_worker_is_pending vtap_worker_requeue
 * function: worker.c vtap_worker_run vtap_worker_set_budget vtap_worker_serve_word
 * function: worker.c vtap_worker_serve vtap_worker_idle vtap_worker_poll
 * function: worker.c vtap_worker_poll_queues vtap_worker_poll_burst
 * function: worker.c vtap_worker_may_skip vtap_worker_kicks_are_off
 * function: thread.c vtap_kthread_main vtap_thread_wake
 * function: tx.c vtap_tx_pass vtap_tx_end_batch
 * function: pass.c vtap_queue_has_work
 * site: poll.c smp_mb__after_spinlock();
 * site: wakeup.c if (test_bit(bit, w->pending) || test_and_set_bit(bit, w->pending))
 * site: worker.c xchg(&w->pending[word], 0);
 * site: worker.c w->is_last = !is_pending && vtap_worker_kicks_are_off(w);
 * site: thread.c set_current_state(TASK_INTERRUPTIBLE);
 *
 * run: PSO
 * run: PSO CALLS
 * never: works = pending
 * never: pending = 0
 * mutant: NO_CALLBACK_BARRIER
 * mutant: NO_STATE_BARRIER
 * mutant: TSO NO_STATE_BARRIER
 * mutant: NO_XCHG
 * mutant: NO_LAST_ROUND
 * mutant: CALLS NO_CALL_WHILE_POLLING
 */
#define TAP	0
#define WORKER	1
#define GUEST	2
#define NR_CPUS	3

/* Memory that is read without a lock. Indices count modulo 2. */
#define AVAIL	0	/* chains that the guest has added */
#define PACKETS	1	/* packets that the tap has added */
#define NO_KICK	2	/* used->flags */
#define STATE	3	/* of the worker's thread */
#define NR_LOCATIONS	4

#define OVERTAKING							\
	may_overtake(WORKER, NO_KICK)					\
	may_overtake(WORKER, STATE)					\
	may_overtake(TAP, PACKETS)
#include "memory.inc"

/* Mutants */
#define NO_CALLBACK_BARRIER	OPTION(1)
#define NO_STATE_BARRIER	OPTION(2)
#define NO_XCHG			OPTION(3)
#define NO_LAST_ROUND		OPTION(4)
#define NO_CALL_WHILE_POLLING	OPTION(6)

/* Progress is a new chain or a called guest, not a new packet. */
#define CALLS			OPTION(5)

/* States of a thread; 0 is the initial one. */
#define TASK_RUNNING		0
#define TASK_INTERRUPTIBLE	1

/*
 * Pending bits, one for each queue. WAKE and REQUEUED are the same here: a waker
 * that finds one of them set relies on its setter, which is the stricter case.
 */
#define TX	1
#define RX	2

byte pending;		/* vtap_worker.pending; atomic, so never in a buffer */
bool kicks_off;		/* vtap_worker.kicks_off */
bool uncalled;		/* vtap_queue.nr_uncalled of TX */
bool added, tapped;	/* AVAIL and PACKETS as guest and tap know them */
bool popped, taken;	/* by the worker */

/*
 * vtap_poll_wakeup(), vtap_worker_wake(), try_to_wake_up(). Locking is an acquire
 * only, so the store before it may be late.
 */
inline callback(cpu, work)
{
	atomic {
		NO_CALLBACK_BARRIER || full_barrier(cpu) ->	/* smp_mb__after_spinlock() */
		must_wake = !(pending & work)		/* test_bit() */
	}
	if
	:: must_wake ->
		atomic {				/* test_and_set_bit() */
			full_barrier(cpu) ->
			must_wake = !(pending & work);
			pending = pending | work
		}
		atomic {			/* the state is tested under a lock */
			if
			:: must_wake && load(STATE) == TASK_INTERRUPTIBLE ->
				memory[STATE] = TASK_RUNNING
			:: else
			fi;
			must_wake = false
		}
	:: else
	fi
}

active proctype guest()
{
	bool must_wake;

	do
	:: atomic { added == popped -> added = !added }
progress:	memory[AVAIL] = added;	/* the driver's E follows */
		if
		:: !load(NO_KICK) -> callback(GUEST, TX)
		:: else
		fi
	:: break
	od
}

active proctype tap()
{
	bool must_wake;

	do
	:: atomic { tapped == taken -> tapped = !tapped }
		if
		:: CALLS
		:: !CALLS ->
progress:		skip
		fi;
		store(TAP, PACKETS, tapped);
		callback(TAP, RX)
	:: break
	od
}

/* vtap_worker_requeue() */
#define requeue(work)	pending = pending | work

/*
 * vtap_tx_pass(). With keep_polling it leaves kicks disabled, and after a burst the call
 * to the next pass.
 */
inline tx_pass(keep_polling)
{
	store(WORKER, NO_KICK, 1);		/* vtap_ring_disable_notify() */
	do
	:: atomic {
		load(AVAIL) != popped ->	/* vtap_ring_pop() */
		popped = !popped;
		has_popped = true;
		uncalled = true;
		if
		:: true
		:: requeue(TX); uncalled = false; break	/* budget spent: VTAP_MORE */
		fi
	   }
	:: atomic {
		load(AVAIL) == popped ->	/* vtap_tx_end_batch() */
		if
		:: keep_polling ->
			kicks_off = true;
			if
			:: has_popped
			:: uncalled = false
			fi;
			break
		:: !keep_polling -> store(WORKER, NO_KICK, 0)
		fi
	   }
	   atomic {
		full_barrier(WORKER) ->		/* E, then vtap_ring_has_new() */
		if
		:: load(AVAIL) == popped -> uncalled = false; break
		:: load(AVAIL) != popped -> store(WORKER, NO_KICK, 1)
		fi
	   }
	od
}

/* vtap_rx_pass(), with buffers for all packets */
inline rx_pass()
{
	do
	:: atomic {
		load(PACKETS) != taken ->	/* vtap_backend_peek() */
		taken = !taken;
		if
		:: !CALLS		/* else the pass may last as long as the tap */
		:: requeue(RX); break
		fi
	   }
	:: load(PACKETS) == taken -> break
	od
}

#define must_call()	(uncalled && !NO_CALL_WHILE_POLLING)

/* vtap_worker_serve_word() */
inline serve()
{
	if
	:: atomic { !NO_XCHG && full_barrier(WORKER) -> works = pending; pending = 0 }
	:: NO_XCHG -> works = pending; pending = 0
	fi;
	if
	:: works & RX -> works = works - RX; rx_pass()
	:: else
	fi;
	if
	:: works & TX || kicks_off ->
		if
		:: works & TX || is_last || !polls || must_call() || load(AVAIL) != popped ->
			works = 0; kicks_off = false; tx_pass(polls); has_popped = false
		:: else				/* vtap_worker_may_skip() */
		fi
	:: else
	fi
}

/* vtap_worker_idle(): vtap_worker_poll_queues() looks once, or not at all */
inline idle()
{
	if
	:: true -> skip
	:: true ->
		if
		:: load(PACKETS) != taken -> requeue(RX)
		:: else
		fi;
		if
		:: load(AVAIL) != popped -> requeue(TX)
		:: else
		fi
	fi;
	is_last = !pending && kicks_off && !NO_LAST_ROUND
}

/* vtap_kthread_main() and vtap_worker_run() */
active proctype worker()
{
	bool is_last, polls, go, has_popped;
	byte works;

	do
	:: store(WORKER, STATE, TASK_INTERRUPTIBLE);
		atomic {
			NO_STATE_BARRIER || full_barrier(WORKER) ->	/* set_current_state() */
			go = pending || is_last
		}
		if
		:: !go ->			/* schedule() */
end_asleep:		full_barrier(WORKER) && load(STATE) == TASK_RUNNING
		:: else ->
			atomic {
				store(WORKER, STATE, TASK_RUNNING);
				go = false;
				if		/* vtap_worker_set_budget() */
				:: polls = false
				:: !is_last -> polls = true
				fi
			}
			serve();
			polls = false;
			if
			:: CALLS && !uncalled ->
progress_called:		skip
			:: !CALLS || uncalled
			fi;
			if
			:: is_last -> is_last = false
			:: !is_last && !pending -> idle()
			:: else
			fi
		fi
	od
}

/* Nothing else can run: guest and tap have stopped. */
active proctype at_rest()
{
	timeout;
	assert(worker@end_asleep && load(STATE) == TASK_INTERRUPTIBLE);
	assert(popped == added && taken == tapped);
	assert(!pending && !kicks_off && !uncalled && !load(NO_KICK))
}
