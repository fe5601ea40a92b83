/* SPDX-License-Identifier: GPL-2.0 */
/*
 * starved.pml - an RX queue that lacks guest buffers, and its tap
 *
 * The tap adds packets and wakes the queue, which ignores that while it is
 * starved. The guest adds buffers and kicks unless kicks are disabled. A client
 * detaches the tap and attaches it again, as a VMM does on a reset. All of them
 * run at the same time, and may stop at any time.
 *
 * Proved: if all stop and the queue runs, no packet waits while the guest has a
 * buffer. The device alone never runs forever.
 *
 * Kicks use flags here; split.pml and packed.pml have event indices. A set pending
 * bit stands for a pass, see worker.pml.
 *
 * function: rx.c vtap_rx_pass vtap_rx_take_buffers vtap_rx_give_back
 * function: rx.c vtap_rx_wait_for_buffers vtap_rx_enable_wakeups vtap_rx_end_starved
 * function: poll.c vtap_poll_wakeup vtap_poll_sock_wakeup_matters vtap_poll_arm
 * function: poll.c vtap_poll_disarm
 * function: queue.c vtap_queue_stop vtap_queue_start
 * function: pass.c vtap_queue_begin
 * function: wakeup.c vtap_queue_wake
 * function: backend/backend.h vtap_backend_peek
 * function: backend/ring_rx.c vtap_ring_rx_peek
 * site: rx.c smp_store_mb(q->starved, false);
 * site: rx.c smp_store_release(&q->starved, true);
 * site: poll.c smp_mb__after_spinlock();
 * site: poll.c return !READ_ONCE(q->starved) && !READ_ONCE(q->throttled);
 *
 * run: PSO
 * mutant: NO_CALLBACK_BARRIER
 * mutant: NO_STARVED_BARRIER
 * mutant: TSO NO_STARVED_BARRIER
 * mutant: NO_LOOK
 * mutant: NO_START_WAKE
 */
#define TAP	0
#define DEVICE	1
#define CLIENT	2
#define NR_CPUS	3

/* Memory that is read without a lock. Indices count modulo 2. */
#define PACKETS	0	/* that the tap has added to its ring */
#define BUFFERS	1	/* that the guest has added */
#define NO_KICK	2	/* used->flags */
#define STARVED	3	/* vtap_queue.starved */
#define NR_LOCATIONS	4

#define OVERTAKING							\
	may_overtake(TAP, PACKETS)					\
	may_overtake(DEVICE, NO_KICK)					\
	may_overtake(DEVICE, STARVED)					\
	may_overtake(CLIENT, STARVED)					\
	may_overtake(CLIENT, NO_KICK)
#include "memory.inc"

/* Mutants */
#define NO_CALLBACK_BARRIER	OPTION(1)
#define NO_STARVED_BARRIER	OPTION(2)
#define NO_LOOK			OPTION(3)
#define NO_START_WAKE		OPTION(4)

#include "queue.inc"

bool tapped, consumed;	/* packets, by the tap and the device */
bool held;		/* vtap_backend.batch: consumed, not delivered */
bool added, popped;	/* buffers, by the guest and the device */
bool starved;		/* as written last, under the queue's lock */

active proctype tap()
{
	bool must_wake;

	do
	:: atomic { tapped == consumed -> tapped = !tapped; store(TAP, PACKETS, tapped) }
progress:		socket_callback(TAP, load(STARVED))
	:: break
	od
}

/* The guest, and vtap_poll_wakeup() for a kick, which always wakes. */
active proctype guest()
{
	do
	:: atomic { added == popped -> added = !added; memory[BUFFERS] = added }
progress:	atomic {		/* after the driver's E */
			if
			:: !load(NO_KICK) -> pending = true
			:: else
			fi
		}
	:: break
	od
}

/* vtap_queue_stop(), vtap_queue_start() */
active proctype client()
{
	do
	:: true ->
progress:	set_hook(false);
		atomic { !queue_lock -> is_running = false; held = false }

		atomic {
			!queue_lock -> queue_lock = true;
			store(CLIENT, NO_KICK, 0);	/* vtap_ring_load() */
			store(CLIENT, STARVED, 0);
			starved = false
		}
		unlock(queue_lock, CLIENT);
		set_hook(true);
		if				/* vfs_poll() */
		:: load(PACKETS) != consumed -> pending = true
		:: load(PACKETS) == consumed
		fi;
		atomic { !queue_lock -> is_running = true }
		if				/* vtap_queue_wake() */
		:: !NO_START_WAKE -> pending = true
		:: NO_START_WAKE
		fi
	:: break
	od
}

/* vtap_rx_enable_wakeups(): smp_store_mb(q->starved, false) */
inline enable_wakeups()
{
	atomic { store(DEVICE, STARVED, 0); starved = false }
	NO_STARVED_BARRIER || full_barrier(DEVICE)
}

/* vtap_rx_pass() */
inline rx_pass()
{
	if
	:: starved -> enable_wakeups()		/* vtap_rx_end_starved() */
	:: !starved
	fi;
	store(DEVICE, NO_KICK, 1);		/* vtap_ring_disable_notify() */
	do
	:: atomic {				/* vtap_backend_peek() */
		!held && load(PACKETS) != consumed ->
		held = true; consumed = !consumed
	   }
	:: !held && load(PACKETS) == consumed -> break
	:: atomic {
		held && load(BUFFERS) != popped ->
		held = false; popped = !popped;
		if
		:: true
		:: pending = true; break	/* budget spent: VTAP_MORE */
		fi
	   }
	:: held && load(BUFFERS) == popped ->	/* vtap_rx_wait_for_buffers() */
		atomic { store_release(DEVICE, STARVED, 1); starved = true }
		store(DEVICE, NO_KICK, 0);	/* vtap_ring_enable_notify() */
		if				/* E */
		:: full_barrier(DEVICE) && (load(BUFFERS) == popped || NO_LOOK) -> break
		:: full_barrier(DEVICE) && load(BUFFERS) != popped && !NO_LOOK ->
			enable_wakeups();
			store(DEVICE, NO_KICK, 1)
		fi
	od
}

active proctype device()
{
end:	do
	:: atomic { pending && !queue_lock && !is_running -> pending = false }
	:: atomic { pending && !queue_lock && is_running -> pending = false; queue_lock = true }
		rx_pass();
		unlock(queue_lock, DEVICE)
	od
}

/* Nothing else can run: tap, guest and client have stopped. */
active proctype at_rest()
{
	timeout;
	assert(!pending && !queue_lock && !hook_lock);
	assert(!is_running || !(held || tapped != consumed) || added == popped);
	assert(!is_running || hook_is_armed)
}
