/* SPDX-License-Identifier: GPL-2.0 */
/*
 * event.h - "must I call?" as arithmetic on free-running 16-bit indices, and the
 *	     one look at a word that such questions begin with
 *
 * Read before: ring.h. Read next: split.c; packed_event.c has its own arithmetic.
 */
#ifndef VTAP_RING_EVENT_H
#define VTAP_RING_EVENT_H

#include "ring.h"

/* Read one 16-bit word of the ring; @from is its user address. */
static inline int vtap_ring_get16(struct vtap_ring *r, u16 __user *from,
				  u16 *val)
{
	u16 x;

	if (!user_read_access_begin(from, sizeof(*from)))
		goto fault;
	unsafe_get_user(x, from, fault_in_window);
	user_read_access_end();
	*val = le16_to_cpu((__force __le16)x);
	return 0;

fault_in_window:
	user_read_access_end();
fault:
	return vtap_ring_break(r, VTAP_FAULT_RING_ACCESS);
}

/*
 * The driver asks for a call once the entry at index event is used, that is
 * when our index steps from event to event + 1: event in [old, new), modulo
 * 2^16 (virtio 1.2, section 2.7.7.2; vring_need_event() of the UAPI).
 */
static __always_inline bool vtap_event_passed(u16 event, u16 new, u16 old)
{
	return (u16)(new - event - 1) < (u16)(new - old);
}

/*
 * Publishing moved the used index from @old to @new. When it ran past the
 * index of the last decision, that is 2^16 entries without one, the decision
 * says nothing any more and the next one must be "call".
 */
static __always_inline void vtap_event_published(struct vtap_ring *r, u16 old,
						 u16 new)
{
	if (unlikely((u16)(new - r->called) < (u16)(new - old)))
		r->called_valid = false;
}

/* Decide with the driver's @event for all since the last decision. */
static __always_inline bool vtap_event_needs_call(struct vtap_ring *r,
						  u16 event)
{
	u16 old = r->called;
	bool known = r->called_valid;

	r->called = r->last_used;
	r->called_valid = true;
	return !known || vtap_event_passed(event, r->last_used, old);
}

#endif /* VTAP_RING_EVENT_H */
