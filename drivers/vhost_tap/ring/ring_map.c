// SPDX-License-Identifier: GPL-2.0
/*
 * ring_map.c - translate the addresses of a ring with the IOTLB
 *
 * An area that is linear in user memory gets a plain pointer. In a ring on scattered
 * pages each word is translated by its page (struct vtap_ring_scattered).
 */
#include "ring_ops.h"

enum { DESC, AVAIL, USED, NR_AREAS };

struct vtap_extent {
	u64 iova;
	u64 size;
	u8 access;
};

static void vtap_map_extents(const struct vtap_ring_cfg *cfg,
			     struct vtap_extent *e)
{
	struct vtap_ring_size s = vtap_ring_size(cfg);

	e[DESC] = (struct vtap_extent){ cfg->desc, s.desc, cfg->packed ?
					VHOST_ACCESS_RW : VHOST_ACCESS_RO };
	e[AVAIL] = (struct vtap_extent){ cfg->avail, s.avail, VHOST_ACCESS_RO };
	e[USED] = (struct vtap_extent){ cfg->used, s.used, VHOST_ACCESS_WO };
}

/* Translate a part of an area, and check all accesses that the area needs. */
static int vtap_map_translate(struct vtap_mem *m, const struct vtap_extent *e,
			      u64 off, u32 len, struct iovec *iov)
{
	int n = 1;

	if (e->access & VHOST_ACCESS_WO)
		n = vtap_mem_translate(m, VHOST_ACCESS_WO, e->iova + off, len,
				       iov, 1);
	if (n > 0 && e->access & VHOST_ACCESS_RO)
		n = vtap_mem_translate(m, VHOST_ACCESS_RO, e->iova + off, len,
				       iov, 1);
	return n;
}

/* The addresses come from the guest, so an area may wrap. */
static bool vtap_map_any_wraps(const struct vtap_extent *e)
{
	int i;

	for (i = 0; i < NR_AREAS; i++) {
		if (e[i].iova + (e[i].size - 1) < e[i].iova)
			return true;
	}
	return false;
}

static u64 vtap_map_nr_pages(const struct vtap_extent *e)
{
	return ((e->iova + e->size - 1) >> VTAP_PAGE_SHIFT) -
	       (e->iova >> VTAP_PAGE_SHIFT) + 1;
}

static int vtap_map_pages(struct vtap_mem *m, const struct vtap_extent *e,
			  struct vtap_ring_area *area, u64 *delta)
{
	u64 done, part;

	area->first_page = e->iova >> VTAP_PAGE_SHIFT;
	area->nr_pages = vtap_map_nr_pages(e);
	area->delta = delta;
	for (done = 0; done < e->size; done += part) {
		u64 iova = e->iova + done;
		struct iovec iov;
		int n;

		part = min(e->size - done,
			   VTAP_PAGE_SIZE - (iova & ~VTAP_PAGE_MASK));
		n = vtap_map_translate(m, e, done, part, &iov);
		if (n < 0)
			return n;
		*delta++ = (unsigned long)iov.iov_base - iova;
	}
	return 0;
}

static int vtap_map_scattered(struct vtap_ring *r, struct vtap_mem *m,
			      const struct vtap_extent *e)
{
	u64 nr[NR_AREAS], total = 0;
	struct vtap_ring_scattered *map;
	int i, err;

	/* Words are accessed as a whole, so none may cross a page boundary. */
	if (!IS_ALIGNED(e[DESC].iova, sizeof(u64)))
		return -ENOBUFS;
	for (i = 0; i < NR_AREAS; i++) {
		nr[i] = vtap_map_nr_pages(&e[i]);
		total += nr[i];
	}
	map = kvmalloc(struct_size(map, delta, total), VTAP_GFP);
	if (!map)
		return -ENOMEM;

	err = vtap_map_pages(m, &e[DESC], &map->desc, map->delta);
	if (!err)
		err = vtap_map_pages(m, &e[AVAIL], &map->avail,
				     map->delta + nr[DESC]);
	if (!err)
		err = vtap_map_pages(m, &e[USED], &map->used,
				     map->delta + nr[DESC] + nr[AVAIL]);
	if (err) {
		kvfree(map);
		return err;
	}
	r->scattered = map;
	r->desc = (struct vring_desc __user *)(unsigned long)e[DESC].iova;
	r->avail = (struct vring_avail __user *)(unsigned long)e[AVAIL].iova;
	r->used = (struct vring_used __user *)(unsigned long)e[USED].iova;
	return 0;
}

/*
 * Translate an area that is linear in user memory.
 * Return: 0, -ENOBUFS if it is scattered, or an errno of vtap_mem_translate().
 */
static int vtap_map_linear_area(struct vtap_mem *m, const struct vtap_extent *e,
				void __user **area)
{
	u64 done, part;

	for (done = 0; done < e->size; done += part) {
		struct iovec iov;
		int n;

		part = min_t(u64, e->size - done, VTAP_TLB_MERGE);
		n = vtap_map_translate(m, e, done, part, &iov);
		if (n < 0)
			return n;
		if (!done)
			*area = iov.iov_base;
		else if (iov.iov_base != *area + done)
			return -ENOBUFS;
	}
	return 0;
}

static int vtap_map_linear(struct vtap_ring *r, struct vtap_mem *m,
			   const struct vtap_extent *e)
{
	void __user *area[NR_AREAS];
	int i, err;

	for (i = 0; i < NR_AREAS; i++) {
		err = vtap_map_linear_area(m, &e[i], &area[i]);
		if (err)
			return err;
	}
	r->desc = area[DESC];
	r->avail = area[AVAIL];
	r->used = area[USED];
	return 0;
}

/**
 * vtap_ring_map - make the addresses of a ring valid
 * @r: ring, started
 * @m: guest memory view
 * @cfg: configuration of the last vtap_ring_start() or vtap_ring_relocate()
 *
 * Context: process context with the owner's address space; may fault.
 * Return: 0; -EAGAIN on an IOTLB miss (m->tlb->miss_iova and miss_perm); -EIO
 * if the ring is broken.
 */
int vtap_ring_map(struct vtap_ring *r, struct vtap_mem *m,
		  const struct vtap_ring_cfg *cfg)
{
	struct vtap_extent e[NR_AREAS];
	int err;

	if (r->fault)
		return -EIO;
	if (!r->mapped) {
		vtap_map_extents(cfg, e);
		if (vtap_map_any_wraps(e))
			return vtap_ring_break(r, VTAP_FAULT_RING_ACCESS);
		err = vtap_map_linear(r, m, e);
		if (err == -ENOBUFS)
			err = vtap_map_scattered(r, m, e);
		if (err)
			return vtap_ring_untranslated(r, err,
						      VTAP_FAULT_RING_PIECES,
						      VTAP_FAULT_RING_ACCESS);
		r->mapped = true;
	}
	if (!r->loaded && vtap_ring_load(r))
		return vtap_ring_break(r, VTAP_FAULT_RING_ACCESS);
	return 0;
}

/**
 * vtap_ring_touches - test whether a range of addresses overlaps a ring
 * @cfg: configuration of the ring
 * @first: first address
 * @last: last address, inclusive
 *
 * Return: true if it does.
 */
bool vtap_ring_touches(const struct vtap_ring_cfg *cfg, u64 first, u64 last)
{
	struct vtap_extent e[NR_AREAS];
	int i;

	vtap_map_extents(cfg, e);
	for (i = 0; i < NR_AREAS; i++) {
		if (e[i].iova <= last && e[i].iova + (e[i].size - 1) >= first)
			return true;
	}
	return false;
}
