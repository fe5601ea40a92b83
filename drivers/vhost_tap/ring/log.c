// SPDX-License-Identifier: GPL-2.0
/* log.c - record writes to the ring in the dirty log */
#include "ring.h"

static void vtap_ring_log_by_user(struct vtap_ring *r,
				  const struct vtap_ring_area *area,
				  unsigned long uaddr, u64 len)
{
	while (len) {
		u64 part = min(len, VTAP_PAGE_SIZE - (uaddr & ~VTAP_PAGE_MASK));
		void __user *user = (void __user *)uaddr;

		if (area)
			user = vtap_ring_scattered_addr(area, user);
		vtap_dirty_mark_user(r->log, (unsigned long)user, part);
		uaddr += part;
		len -= part;
	}
}

/**
 * vtap_ring_log_used - record a write to the device area
 * @r: ring with a log
 * @off: offset in the area, in bytes
 * @len: length in bytes; may be 0
 *
 * Context: as vtap_dirty_flush(), with no user access window open.
 */
void vtap_ring_log_used(struct vtap_ring *r, u64 off, u64 len)
{
	if (!r->log->ring_by_user)
		vtap_dirty_mark(r->log, r->log->ring_gpa + off, len);
	else
		vtap_ring_log_by_user(r,
				      r->scattered ? &r->scattered->used : NULL,
				      (unsigned long)r->used + off, len);
}

/**
 * vtap_ring_log_desc - record a write to a packed descriptor ring
 * @r: packed ring with a log
 * @off: offset in the ring, in bytes
 * @len: length in bytes; may be 0
 *
 * The client's log_guest_addr covers the device area only, so the guest pages
 * of the descriptors are found by their user addresses.
 *
 * Context: as vtap_dirty_flush(), with no user access window open.
 */
void vtap_ring_log_desc(struct vtap_ring *r, u64 off, u64 len)
{
	vtap_ring_log_by_user(r, r->scattered ? &r->scattered->desc : NULL,
			      (unsigned long)r->desc + off, len);
}
