/* SPDX-License-Identifier: GPL-2.0 */
/* event.h - decisions on calls with the event indices of a split ring */
#ifndef VTAP_RING_EVENT_H
#define VTAP_RING_EVENT_H

#include "ring.h"

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
 * The driver requests a call when the entry at index @event is used: when @event
 * is in [old, new) modulo 2^16 (virtio 1.2, 2.7.7.2; vring_need_event()).
 */
static __always_inline bool vtap_event_passed(u16 event, u16 new, u16 old)
{
	return (u16)(new - event - 1) < (u16)(new - old);
}

/*
 * Publishing moved the used index from @old to @new. If it passed the index of
 * the last decision, 2^16 entries were published since. That decision is then
 * invalid, and the next one must be a call.
 */
static __always_inline void vtap_event_published(struct vtap_ring *r, u16 old,
						 u16 new)
{
	if (unlikely((u16)(new - r->called) < (u16)(new - old)))
		r->called_valid = false;
}

/* Decide with @event for all entries published since the last decision. */
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
