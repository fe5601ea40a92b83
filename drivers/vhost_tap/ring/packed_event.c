// SPDX-License-Identifier: GPL-2.0
/*
 * packed_event.c - calls and kicks of the packed ring
 *
 * Read before: packed.h. Read next: ring_ops.h.
 *
 * Each side has two words (virtio 1.2, 2.8.14), which only it writes: a mode,
 * for enable, disable or a descriptor, and the position of that descriptor. The
 * position is written first and read last.
 */
#include "event.h"
#include "packed.h"

/**
 * vtap_packed_needs_call - does the driver want to be called now? (F)
 * @r: ring; something was published since the last time
 *
 * What no driver may write, a mode there is none of or an offset past the ring,
 * is a call: one too many does no harm.
 *
 * Return: 1 signal the call eventfd, 0 do not, -EIO broken.
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

	/* Both words are in one aligned word: on one page. */
	mode = vtap_ring_avail_addr(r, mode);
	where = vtap_ring_avail_addr(r, where);
	if (!user_read_access_begin(where, sizeof(*r->driver_event)))
		goto fault;
	/* The mode goes last when the driver writes them. */
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
	/* Is the event's descriptor among those used since? */
	return vtap_packed_distance(r, old, event) < since;

fault_in_window:
	user_read_access_end();
fault:
	return vtap_ring_break(r, VTAP_FAULT_RING_ACCESS);
}

/**
 * vtap_packed_empty - is nothing available?
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
 * vtap_packed_has_new - did the driver add chains since we last looked?
 * @r: ring; not changed
 *
 * Return: as vtap_split_has_new().
 */
int vtap_packed_has_new(struct vtap_ring *r)
{
	return vtap_packed_is_avail(r, r->avail_idx);
}

/* Write our event words: the mode, and before it the position if @at >= 0. */
int vtap_packed_put_event(struct vtap_ring *r, int at, u16 mode)
{
	u16 __user *where = (u16 __user *)&r->device_event->off_wrap;
	u16 __user *flags = (u16 __user *)&r->device_event->flags;

	where = vtap_ring_used_addr(r, where);
	flags = vtap_ring_used_addr(r, flags);
	if (!user_write_access_begin(where, sizeof(*r->device_event)))
		goto fault;
	if (at >= 0)
		unsafe_put_user((__force u16)cpu_to_le16(at), where,
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
 * vtap_packed_disable_notify - ask the driver not to kick
 * @r: ring
 *
 * An event position asks for one kick, and for another two laps later: it is
 * left alone until one lap has gone.
 *
 * Return: 0, or -EIO broken.
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
	err = vtap_packed_put_event(r, -1, VRING_PACKED_EVENT_FLAG_DISABLE);
	r->kicks_off = !err;
	r->kicks_at = false;
	return err;
}

/**
 * vtap_packed_enable_notify - ask for a kick for the next chain, and look again (E)
 * @r: ring
 *
 * Return: as vtap_split_enable_notify().
 */
int vtap_packed_enable_notify(struct vtap_ring *r)
{
	int err;

	if (unlikely(r->fault))
		return -EIO;
	err = vtap_packed_put_event(r, r->event_idx ? r->avail_idx : -1,
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
