/* SPDX-License-Identifier: GPL-2.0 */
/*
 * split.pml - kicks and calls of a split ring
 *
 * A ring of two entries whose indices wrap at 4. The driver adds one or two
 * chains, reclaims used entries, waits for a call, or stops; all of this at any
 * time and in any order. With event indices it may ask for a call after several
 * used entries. With MASKING the call has no eventfd at times; then the driver polls,
 * and it adds one chain at a time.
 *
 * The device runs TX or RX passes. RX needs one or two chains for a packet, and
 * starves with a chain that does not suffice. A pass may end early at any time.
 *
 * Proved, with and without event indices: if the driver stops, the device has seen
 * all its chains. If the driver waits for a call, it has seen all used entries that
 * it asked for. The device alone never runs forever.
 *
 * Kick and call are flags here: worker.pml shows that a pass follows a kick.
 *
 * function: ring/event.h vtap_event_passed vtap_event_published vtap_event_needs_call
 * function: ring/split.h vtap_split_pop_as vtap_split_discard vtap_split_stage
 * function: ring/split.c vtap_split_fetch vtap_split_publish vtap_split_needs_call
 * function: ring/split.c vtap_split_has_new vtap_split_disable_notify
 * function: ring/split.c vtap_split_enable_notify
 * function: ring/setup.c vtap_ring_refetch
 * function: pass.c vtap_queue_publish vtap_queue_call vtap_queue_publish_and_call
 * function: tx.c vtap_tx_pass vtap_tx_end_batch vtap_tx_flush_all
 * function: rx.c vtap_rx_pass vtap_rx_take_buffers vtap_rx_give_back
 * function: rx.c vtap_rx_wait_for_buffers
 * site: ring/split.c vtap_mb(); E: our word before the driver's idx
 * site: ring/split.c vtap_mb(); F: used->idx before the driver's word
 * site: ring/split.c return vtap_split_has_new(r);
 * site: ring/split.c vtap_event_published(r, old, new);
 *
 * run: TX
 * run: RX
 * run: TX EVENT_IDX
 * run: RX EVENT_IDX
 * run: TX EVENT_IDX MASKING
 * never: is_uncalled = 0
 * mutant: NO_E
 * mutant: TSO NO_E
 * mutant: NO_E RX EVENT_IDX
 * mutant: NO_F
 * mutant: TSO NO_F EVENT_IDX
 * mutant: NO_LOOK
 * mutant: NO_WRAP EVENT_IDX MASKING
 */
#define DEVICE	0
#define NR_CPUS	1

#define AVAIL	0	/* avail->idx */
#define USED	1	/* used->idx */
#define KICKS	2	/* used->flags, or avail_event */
#define CALLS	3	/* avail->flags, or used_event */
#define NR_LOCATIONS	4

#define OVERTAKING	may_overtake(DEVICE, KICKS)
#include "memory.inc"

#define EVENT_IDX	OPTION(1)
#define RX		OPTION(2)
#define MASKING		OPTION(3)
/* Mutants */
#define NO_E		OPTION(4)
#define NO_F		OPTION(5)
#define NO_LOOK		OPTION(6)
#define NO_WRAP		OPTION(7)

/* Masking has many states, so the rest is simple then. */
#define ADDS_TWO	(!MASKING)
#define DELAYS_CALLS	(EVENT_IDX && !MASKING)
#define STOPS_EARLY	(!MASKING)

#define NUM	2
#define WRAP	4
#include "ring.inc"

/* vtap_event_passed(), vring_need_event() of the driver */
#define passed(event, new, old)	(distance((event) + 1, new) < distance(old, new))

/* ---- driver ---- */

inline add_chains(n)
{
	atomic { added = position(added + n); memory[AVAIL] = added }
}

inline wants_kick(n)
{
	atomic {
		kick = kick || (EVENT_IDX -> passed(load(KICKS), added, added - n) : !load(KICKS));
		n = 0
	}
}

#define is_used(ahead)	(distance(reclaimed, load(USED)) > ahead)

inline ask_for_call()
{
	if
	:: EVENT_IDX -> memory[CALLS] = position(reclaimed + delay)
	:: !EVENT_IDX -> memory[CALLS] = 0
	fi
}

inline refuse_calls()
{
	if
	:: !EVENT_IDX -> memory[CALLS] = 1
	:: EVENT_IDX
	fi
}

/* ---- device ---- */

inline fetch()
{
	atomic {
		seen = load(AVAIL);
		assert(distance(popped, seen) <= NUM);
		fetched = seen
	}
}

#define has_new()	(load(AVAIL) != seen)

inline publish_staged()
{
	atomic {
		used = position(used + nr_staged);
		store_release(DEVICE, USED, used);
		if			/* vtap_event_published() */
		:: distance(called, used) < nr_staged && !NO_WRAP ->
			called_valid = false
		:: else
		fi;
		nr_staged = 0; is_uncalled = true
	}
}

/* vtap_split_needs_call() */
inline needs_call()
{
	atomic {
		NO_F || full_barrier(DEVICE) ->
		if
		:: !EVENT_IDX -> call = call || !load(CALLS)
		:: EVENT_IDX ->
			call = call || !called_valid || passed(load(CALLS), used, called);
			called = used;
			called_valid = true
		fi;
		is_uncalled = false
	}
}

inline disable_kicks()
{
	atomic {
		if
		:: !EVENT_IDX && !kicks_off ->
			store(DEVICE, KICKS, 1);
			kicks_off = true
		:: else
		fi
	}
}

inline enable_kicks()
{
	atomic {
		if
		:: EVENT_IDX -> store(DEVICE, KICKS, seen)
		:: !EVENT_IDX -> store(DEVICE, KICKS, 0)
		fi;
		kicks_off = false
	}
}

#include "ring_passes.inc"
