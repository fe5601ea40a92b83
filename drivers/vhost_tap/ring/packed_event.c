// SPDX-License-Identifier: GPL-2.0
/*
 * packed_event.c - notification suppression of the packed ring
 *
 * Each side writes an event structure of two words (virtio 1.2, 2.8.14). The mode
 * enables or disables notifications, or requests one at a descriptor. The other
 * word is the position of that descriptor. The writer stores the position first,
 * and the reader loads it last.
 */
#include "event.h"
#include "packed.h"

/**
 * vtap_packed_needs_call - decide whether the driver needs a call (F)
 * @r: ring; entries were published since the last decision
 *
 * An invalid mode or a position past the ring results in a call, because a
 * spurious call is harmless.
 *
 * Return: 1 to signal the call eventfd, 0 not to, -EIO if the ring is broken.
 */
int vtap_packed_needs_call(struct vtap_ring *r)
{
	u16 __user *where = (u16 __user *)&r->driver_event->off_wrap;
	u16 __user *mode = (u16 __user *)&r->driver_event->flags;
	u32 since = r->uncalled;
	u16 old = r->called, flags, event;
	bool known = r->called_valid;

	if (unlikely(r->fault == VTAP_FAULT_RING_ACCESS))
		return -EIO;
	vtap_mb();			/* F: used flags before the driver's */

	/* The two words form one aligned word, so they are on one page. */
	mode = vtap_ring_avail_addr(r, mode);
	where = vtap_ring_avail_addr(r, where);
	if (!user_read_access_begin(where, sizeof(*r->driver_event)))
		goto fault;
	/* The driver writes the mode last, so read it first. */
	vtap_get16_acquire(flags, mode, fault_in_window);
	unsafe_get_user(event, where, fault_in_window);
	user_read_access_end();

	r->called = r->last_used;
	r->uncalled = 0;
	r->called_valid = true;
	flags = le16_to_cpu((__force __le16)flags);
	event = le16_to_cpu((__force __le16)event);
	if (flags == VRING_PACKED_EVENT_FLAG_DISABLE)
		return 0;
	if (flags != VRING_PACKED_EVENT_FLAG_DESC || !r->event_idx || !known ||
	    vtap_packed_idx(event) >= r->num)
		return 1;
	/* Call if the descriptor of the event is one of those used since. */
	return vtap_packed_distance(r, old, event) < since;

fault_in_window:
	user_read_access_end();
fault:
	return vtap_ring_break(r, VTAP_FAULT_RING_ACCESS);
}

/**
 * vtap_packed_empty - test whether no chain is available
 * @r: ring; not changed
 *
 * Return: as vtap_split_empty().
 */
int vtap_packed_empty(struct vtap_ring *r)
{
	int ret = vtap_packed_is_avail(r, r->last_avail);

	return ret < 0 ? ret : !ret;
}

/**
 * vtap_packed_has_new - test for chains added after those already seen
 * @r: ring; not changed
 *
 * Return: as vtap_split_has_new().
 */
int vtap_packed_has_new(struct vtap_ring *r)
{
	return vtap_packed_is_avail(r, r->avail_idx);
}

/* Write our event words: the position first, if @pos >= 0, then the mode. */
int vtap_packed_write_event(struct vtap_ring *r, int pos, u16 mode)
{
	u16 __user *where = (u16 __user *)&r->device_event->off_wrap;
	u16 __user *flags = (u16 __user *)&r->device_event->flags;

	where = vtap_ring_used_addr(r, where);
	flags = vtap_ring_used_addr(r, flags);
	if (!user_write_access_begin(where, sizeof(*r->device_event)))
		goto fault;
	if (pos >= 0)
		unsafe_put_user((__force u16)cpu_to_le16(pos), where,
				fault_in_window);
	vtap_put16_release((__force u16)cpu_to_le16(mode), flags,
			   fault_in_window);
	user_write_access_end();
	if (unlikely(r->log))
		vtap_ring_log_used(r, 0, sizeof(*r->device_event));
	return 0;

fault_in_window:
	user_write_access_end();
fault:
	return vtap_ring_break(r, VTAP_FAULT_RING_ACCESS);
}

/**
 * vtap_packed_disable_notify - disable kicks
 * @r: ring
 *
 * An event position causes one kick, and another one two laps later. It is
 * therefore left in place until the next descriptor is one lap past it.
 *
 * Return: 0, or -EIO if the ring is broken.
 */
int vtap_packed_disable_notify(struct vtap_ring *r)
{
	int err;

	if (unlikely(r->fault))
		return -EIO;
	if (r->kicks_off)
		return 0;
	if (r->kicks_at &&
	    vtap_packed_distance(r, r->kick_at, r->last_avail) < r->num)
		return 0;
	err = vtap_packed_write_event(r, -1, VRING_PACKED_EVENT_FLAG_DISABLE);
	r->kicks_off = !err;
	r->kicks_at = false;
	return err;
}

/**
 * vtap_packed_enable_notify - enable kicks and test for new chains again (E)
 * @r: ring
 *
 * Return: as vtap_split_enable_notify().
 */
int vtap_packed_enable_notify(struct vtap_ring *r)
{
	int err;

	if (unlikely(r->fault))
		return -EIO;
	err = vtap_packed_write_event(r, r->event_idx ? r->avail_idx : -1,
				      r->event_idx ? VRING_PACKED_EVENT_FLAG_DESC :
				      VRING_PACKED_EVENT_FLAG_ENABLE);
	if (unlikely(err))
		return err;
	r->kick_at = r->avail_idx;
	r->kicks_at = r->event_idx;
	r->kicks_off = false;

	vtap_mb();			/* E: our words before the driver's flags */
	return vtap_packed_has_new(r);
}
