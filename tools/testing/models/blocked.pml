/* SPDX-License-Identifier: GPL-2.0 */
/*
 * blocked.pml - a TX queue whose socket has no room
 *
 * The socket holds two frames. It frees them one by one, and wakes writers only
 * when it is empty, since a writable socket has half of its buffer free. A tap
 * only wakes a writer that has set SOCKWQ_ASYNC_NOSPACE; a packet socket wakes all.
 * The queue ignores wake-ups unless it is blocked. The guest adds frames and
 * kicks unless kicks are disabled. A client detaches the socket and attaches it
 * again. All run at the same time; guest and client may stop at any time.
 *
 * Proved: if guest and client stop and the queue runs, all frames are sent. The
 * device alone never runs forever.
 *
 * function: tx.c vtap_tx_pass vtap_tx_block vtap_tx_end_batch vtap_tx_refused
 * function: poll.c vtap_poll_wakeup vtap_poll_sock_wakeup_matters vtap_poll_arm
 * function: poll.c vtap_poll_disarm
 * function: queue.c vtap_queue_stop vtap_queue_start
 * function: pass.c vtap_queue_begin
 * function: wakeup.c vtap_queue_wake
 * function: backend/send.c vtap_backend_has_room
 * site: tx.c smp_store_mb(q->blocked, true);
 * site: tx.c if (vtap_backend_has_room(&q->backend)) {
 * site: poll.c smp_mb__after_spinlock();
 * site: poll.c return READ_ONCE(q->blocked);
 *
 * run: TAP
 * run: PACKET_SOCKET
 * mutant: NO_CALLBACK_BARRIER PACKET_SOCKET
 * mutant: NO_BLOCKED_BARRIER PACKET_SOCKET
 * mutant: TSO NO_BLOCKED_BARRIER PACKET_SOCKET
 * mutant: NO_LOOK
 * mutant: NO_START_WAKE
 */
#define SOCKET	0
#define DEVICE	1
#define CLIENT	2
#define NR_CPUS	3

/* Memory that is read without a lock. Frames count modulo 4. */
#define FRAMES	0	/* that the guest has added */
#define FREED	1	/* that the socket has freed */
#define NO_KICK	2	/* used->flags */
#define BLOCKED	3	/* vtap_queue.blocked */
#define NR_LOCATIONS	4

#define OVERTAKING							\
	may_overtake(SOCKET, FREED)					\
	may_overtake(DEVICE, NO_KICK)					\
	may_overtake(DEVICE, BLOCKED)					\
	may_overtake(CLIENT, BLOCKED)					\
	may_overtake(CLIENT, NO_KICK)
#include "memory.inc"

#define PACKET_SOCKET		OPTION(1)
/* Mutants */
#define NO_CALLBACK_BARRIER	OPTION(2)
#define NO_BLOCKED_BARRIER	OPTION(3)
#define NO_LOOK			OPTION(4)
#define NO_START_WAKE		OPTION(5)

#include "queue.inc"

#define SOCKET_ROOM	2

byte added;		/* by the guest */
byte sent;		/* by the device: vtap_ring.last_avail */
byte freed;		/* by the socket */
bool nospace;		/* SOCKWQ_ASYNC_NOSPACE */
bool blocked;		/* as written last, under the queue's lock */

#define minus(a, b)	((a - b) & 3)

/* sock_writeable(), as the device sees it */
#define is_writable()	(sent == load(FREED))

/* Free a frame, then sk_write_space(). */
active proctype socket()
{
	bool must_wake;

end:	do
	:: atomic { sent != freed -> freed = minus(freed, -1); store(SOCKET, FREED, freed) }
progress:	if
		:: sent == freed ->
			if
			:: PACKET_SOCKET -> socket_callback(SOCKET, !load(BLOCKED))
			:: !PACKET_SOCKET ->
				atomic {	/* test_and_clear_bit() */
					full_barrier(SOCKET) ->
					must_wake = nospace;
					nospace = false
				}
				if
				:: must_wake ->
					must_wake = false;
					socket_callback(SOCKET, !load(BLOCKED))
				:: !must_wake
				fi
			fi
		:: sent != freed
		fi
	od
}

/* The guest, and vtap_poll_wakeup() for a kick, which always wakes. */
active proctype guest()
{
	do
	:: atomic { added == sent -> added = minus(added, -1); memory[FRAMES] = added }
progress:	atomic {		/* after the driver's E */
			if
			:: !load(NO_KICK) -> pending = true
			:: else
			fi
		}
	:: break
	od
}

/* vfs_poll() of a tap, which returns whether it can be written, with both its barriers. */
inline poll_socket(cpu, result)
{
	result = is_writable();
	if
	:: !result && !PACKET_SOCKET ->
		atomic {			/* test_and_set_bit() */
			full_barrier(cpu) ->
			look_again = !nospace;
			nospace = true
		}
		atomic { result = look_again && is_writable(); look_again = false }
	:: result || PACKET_SOCKET
	fi
}

/* vtap_queue_stop(), vtap_queue_start() */
active proctype client()
{
	bool room, look_again;

	do
	:: true ->
progress:	set_hook(false);
		atomic { !queue_lock -> is_running = false }

		atomic {
			!queue_lock -> queue_lock = true;
			store(CLIENT, NO_KICK, 0);	/* vtap_ring_load() */
			store(CLIENT, BLOCKED, 0);
			blocked = false
		}
		unlock(queue_lock, CLIENT);
		set_hook(true);
		poll_socket(CLIENT, room);
		atomic {
			if
			:: room -> pending = true; room = false
			:: !room
			fi
		}
		atomic { !queue_lock -> is_running = true }
		if				/* vtap_queue_wake() */
		:: !NO_START_WAKE -> pending = true
		:: NO_START_WAKE
		fi
	:: break
	od
}

/* vtap_tx_pass() */
inline tx_pass()
{
	if
	:: blocked -> atomic { store(DEVICE, BLOCKED, 0); blocked = false }
	:: !blocked
	fi;
	store(DEVICE, NO_KICK, 1);		/* vtap_ring_disable_notify() */
	do
	:: atomic {
		load(FRAMES) != sent && minus(sent, load(FREED)) < SOCKET_ROOM ->
		sent = minus(sent, -1);
		if
		:: true
		:: pending = true; break	/* budget spent: VTAP_MORE */
		fi
	   }
	:: load(FRAMES) != sent && minus(sent, load(FREED)) == SOCKET_ROOM ->
		/* vtap_tx_block() */
		atomic { store(DEVICE, BLOCKED, 1); blocked = true }
		NO_BLOCKED_BARRIER || full_barrier(DEVICE);
		poll_socket(DEVICE, room);
		if
		:: room && !NO_LOOK ->
			atomic { store(DEVICE, BLOCKED, 0); blocked = false; room = false; pending = true }
		:: !room || NO_LOOK -> room = false
		fi;
		break
	:: load(FRAMES) == sent ->		/* vtap_tx_end_batch() */
		store(DEVICE, NO_KICK, 0);	/* vtap_ring_enable_notify() */
		if				/* E */
		:: full_barrier(DEVICE) && load(FRAMES) == sent -> break
		:: full_barrier(DEVICE) && load(FRAMES) != sent -> store(DEVICE, NO_KICK, 1)
		fi
	od
}

active proctype device()
{
	bool room, look_again;

end:	do
	:: atomic { pending && !queue_lock && !is_running -> pending = false }
	:: atomic { pending && !queue_lock && is_running -> pending = false; queue_lock = true }
		tx_pass();
		unlock(queue_lock, DEVICE)
	od
}

/* Nothing else can run: guest and client have stopped, and the socket is empty. */
active proctype at_rest()
{
	timeout;
	assert(!pending && !queue_lock && !hook_lock);
	assert(!is_running || sent == added);
	assert(!is_running || hook_is_armed)
}
