// SPDX-License-Identifier: GPL-2.0
/*
 * log.c - enter writes to the ring itself into the dirty log
 *
 * Slow path: runs only while a live migration has the ring logged.
 */
#include "ring.h"

/* Mark the pages of a written range by their user addresses, page by page. */
static void vtap_ring_log_by_user(struct vtap_ring *r,
				  const struct vtap_ring_area *area,
				  unsigned long at, u64 len)
{
	while (len) {
		u64 part = min(len, VTAP_PAGE_SIZE - (at & ~VTAP_PAGE_MASK));
		void __user *user = (void __user *)at;

		if (area)
			user = vtap_ring_scattered_at(area, user);
		vtap_dirty_mark_user(r->log, (unsigned long)user, part);
		at += part;
		len -= part;
	}
}

/**
 * vtap_ring_log_used - mark bytes of the device area as written
 * @r: ring with a log
 * @off: offset of the first byte in the area
 * @len: bytes; may be 0
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
 * vtap_ring_log_desc - mark bytes of a packed descriptor ring as written
 * @r: packed ring with a log
 * @off: offset of the first byte in the ring
 * @len: bytes; may be 0
 *
 * The client's log_guest_addr covers the device area only, so the guest pages
 * of the descriptors are looked up by their user address.
 *
 * Context: as vtap_dirty_flush(), with no user access window open.
 */
void vtap_ring_log_desc(struct vtap_ring *r, u64 off, u64 len)
{
	vtap_ring_log_by_user(r, r->scattered ? &r->scattered->desc : NULL,
			      (unsigned long)r->desc + off, len);
}
