/* SPDX-License-Identifier: GPL-2.0 */
/*
 * packed.pml - kicks and calls of a packed ring
 *
 * As split.pml, for a packed ring of two entries. A position counts descriptors
 * modulo two laps, which is an index and a wrap counter. Each chain is a single
 * descriptor. Both sides read the two event words one after the other.
 *
 * Proved: as in split.pml. A call is decided before two laps have passed, as the
 * call always has an eventfd here.
 *
 * function: ring/packed.h vtap_packed_distance vtap_packed_avail_flags
 * function: ring/packed.h vtap_packed_offered vtap_packed_pop vtap_packed_discard
 * function: ring/packed.c vtap_packed_is_avail vtap_packed_fetch vtap_packed_copy
 * function: ring/packed_used.c vtap_packed_publish vtap_packed_published
 * function: ring/packed_event.c vtap_packed_needs_call vtap_packed_has_new
 * function: ring/packed_event.c vtap_packed_write_event vtap_packed_disable_notify
 * function: ring/packed_event.c vtap_packed_enable_notify
 * function: ring/setup.c vtap_ring_refetch
 * function: pass.c vtap_queue_publish vtap_queue_call vtap_queue_publish_and_call
 * function: tx.c vtap_tx_pass vtap_tx_end_batch vtap_tx_flush_all
 * function: rx.c vtap_rx_pass vtap_rx_take_buffers vtap_rx_give_back
 * function: rx.c vtap_rx_wait_for_buffers
 * site: ring/packed_event.c vtap_mb(); E: our words before the driver's flags
 * site: ring/packed_event.c vtap_mb(); F: used flags before the driver's
 * site: ring/packed_event.c return vtap_packed_has_new(r);
 *
 * run: TX
 * run: RX
 * run: TX EVENT_IDX
 * run: RX EVENT_IDX
 * never: called_valid = 0
 * never: is_uncalled = 0
 * mutant: NO_E
 * mutant: TSO NO_E EVENT_IDX
 * mutant: NO_F
 * mutant: TSO NO_F RX EVENT_IDX
 * mutant: NO_LOOK EVENT_IDX
 */
#define DEVICE	0
#define NR_CPUS	1

#define FLAGS(at)	((at) & (NUM - 1))	/* of the descriptors */
#define KICKS		2	/* flags of the device's event structure */
#define KICK_AT		3	/* its position */
#define CALLS		4	/* flags of the driver's event structure */
#define CALL_AT		5
#define NR_LOCATIONS	6

#define OVERTAKING							\
	may_overtake(DEVICE, 0)						\
	may_overtake(DEVICE, 1)						\
	may_overtake(DEVICE, KICK_AT)
#include "memory.inc"

#define EVENT_IDX	OPTION(1)
#define RX		OPTION(2)
#define MASKING		false
/* Event positions have many states, so the rest is simpler then. */
#define ADDS_TWO	(!EVENT_IDX)
#define DELAYS_CALLS	EVENT_IDX
#define STOPS_EARLY	(!EVENT_IDX)
/* Mutants */
#define NO_E		OPTION(4)
#define NO_F		OPTION(5)
#define NO_LOOK		OPTION(6)

#define NUM	2
#define WRAP	(2 * NUM)
#include "ring.inc"

/* VRING_PACKED_EVENT_FLAG_* */
#define ENABLE	0
#define DISABLE	1
#define DESC	2

/* AVAIL is 1 and USED is 2; the first lap starts with wrap counter 1. */
#define avail_flags(at)	((at) < NUM -> 1 : 2)
#define used_flags(at)	((at) < NUM -> 3 : 0)

/* ---- driver ---- */

inline add_chains(n)
{
	memory[FLAGS(added)] = avail_flags(added);
	added = position(added + 1);
	if
	:: n == 2 ->
		memory[FLAGS(added)] = avail_flags(added);
		added = position(added + 1)
	:: n == 1
	fi
}

inline wants_kick(n)
{
	if
	:: atomic { load(KICKS) == ENABLE -> kick = true; n = 0 }
	:: atomic { load(KICKS) == DISABLE -> n = 0 }
	:: load(KICKS) == DESC ->
		atomic {		/* vring_need_event() */
			kick = kick || distance(load(KICK_AT) + 1, added) < n;
			n = 0
		}
	fi
}

#define is_used(ahead)							\
	(load(FLAGS(reclaimed + ahead)) == used_flags(position(reclaimed + ahead)))

inline ask_for_call()
{
	if
	:: EVENT_IDX ->
		memory[CALL_AT] = position(reclaimed + delay);
		memory[CALLS] = DESC
	:: !EVENT_IDX -> memory[CALLS] = ENABLE
	fi
}

inline refuse_calls()
{
	memory[CALLS] = DISABLE
}

/* ---- device ---- */

bool kicks_at;		/* vtap_ring.kicks_at and kick_at */
byte kick_at;
byte nr_since;		/* vtap_ring.uncalled; two laps stand for more as well */

#define has_new()	(load(FLAGS(seen)) == avail_flags(seen))

/* A fetch ends at the end of the ring. */
inline fetch()
{
	seen = popped;
	do
	:: atomic {
		has_new() && distance(popped, seen) < NUM &&
		(seen == popped || FLAGS(seen)) ->
		seen = position(seen + 1)
	   }
	:: else -> break
	od;
	fetched = seen
}

/* The first used entry makes the others visible. */
inline publish_staged()
{
	if
	:: nr_staged == 2 ->
		store(DEVICE, FLAGS(used + 1), used_flags(position(used + 1)))
	:: nr_staged == 1
	fi;
	atomic {
		store_release(DEVICE, FLAGS(used), used_flags(used));
		used = position(used + nr_staged);
		nr_since = (EVENT_IDX -> nr_since + nr_staged : 0); /* vtap_packed_published() */
		if
		:: nr_since >= 2 * NUM -> nr_since = 2 * NUM; called_valid = false
		:: else
		fi;
		nr_staged = 0; is_uncalled = true
	}
}

/* vtap_packed_needs_call() */
inline needs_call()
{
	atomic {
		NO_F || full_barrier(DEVICE) ->
		if
		:: load(CALLS) == ENABLE -> call = true
		:: load(CALLS) == DISABLE
		:: load(CALLS) == DESC -> mode_is_desc = true
		fi
	}
	atomic {
		if
		:: mode_is_desc && (!called_valid || distance(called, load(CALL_AT)) < nr_since) ->
			call = true
		:: else
		fi;
		mode_is_desc = false; is_uncalled = false;
		called = (EVENT_IDX -> used : 0);
		nr_since = 0;
		called_valid = true
	}
}

/* vtap_packed_disable_notify() */
inline disable_kicks()
{
	atomic {
		if
		:: !kicks_off && !(kicks_at && distance(kick_at, popped) < NUM) ->
			store_release(DEVICE, KICKS, DISABLE);
			kicks_off = true; kicks_at = false
		:: else
		fi
	}
}

/* vtap_packed_enable_notify(), vtap_packed_write_event() */
inline enable_kicks()
{
	if
	:: EVENT_IDX -> store(DEVICE, KICK_AT, seen); store_release(DEVICE, KICKS, DESC)
	:: !EVENT_IDX -> store_release(DEVICE, KICKS, ENABLE)
	fi;
	atomic {
		kick_at = (EVENT_IDX -> seen : 0);
		kicks_at = EVENT_IDX;
		kicks_off = false
	}
}

#include "ring_passes.inc"
