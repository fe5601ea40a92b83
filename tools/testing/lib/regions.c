// SPDX-License-Identifier: GPL-2.0
/*
 * regions.c - regions of guest memory
 */
#include <linux/vhost_types.h>

#include "regions.h"

const struct gmem_region *gmem_find(const struct gmem_region *r, unsigned int nr,
				    uint64_t gpa)
{
	for (; nr; nr--, r++)
		if (gpa - r->gpa < r->size)
			return r;
	return NULL;
}

void *gmem_at(const struct gmem_region *r, unsigned int nr, uint64_t gpa, size_t *room)
{
	uint64_t off;

	r = gmem_find(r, nr, gpa);
	if (!r)
		return NULL;
	off = gpa - r->gpa;
	if (room)
		*room = r->size - off;
	return (void *)(uintptr_t)(r->hva + off);
}

bool gmem_copy(const struct gmem_region *r, unsigned int nr, uint64_t gpa, void *buf,
	       size_t len, bool to_guest)
{
	char *p = buf;
	size_t room;
	void *at;

	for (; len; p += room, gpa += room, len -= room) {
		at = gmem_at(r, nr, gpa, &room);
		if (!at)
			return false;
		if (room > len)
			room = len;
		memcpy(to_guest ? at : p, to_guest ? p : at, room);
	}
	return true;
}

void gmem_fill_entry(struct vhost_memory_region *entry, const struct gmem_region *r)
{
	*entry = (struct vhost_memory_region){
		.guest_phys_addr = r->gpa,
		.memory_size = r->size,
		.userspace_addr = r->hva,
	};
}
