// SPDX-License-Identifier: GPL-2.0
/* mem.c - set-up and slow paths of address translation */
#include "mem.h"

/**
 * vtap_mem_set - set what translates guest addresses
 * @m: view of a queue, not in a pass
 * @map: the memory table, or NULL
 * @tlb: cache of the IOTLB, which translates instead of @map, or NULL
 */
void vtap_mem_set(struct vtap_mem *m, const struct vtap_memmap *map,
		  struct vtap_tlb *tlb)
{
	m->map = map;
	m->tlb = tlb;
	m->table = tlb ? NULL : map;
	memset(m->hit, 0, sizeof(m->hit));
}

/**
 * vtap_mem_init - initialize a view
 * @m: view
 * @map: the memory table, or NULL
 */
void vtap_mem_init(struct vtap_mem *m, const struct vtap_memmap *map)
{
	m->lookups = 0;
	vtap_mem_set(m, map, NULL);
}

/*
 * Translate with the memory table. A buffer may continue in the next region.
 * Each region takes a segment, so @max bounds the loop.
 */
static noinline int vtap_mem_translate_table(struct vtap_mem *m,
					     struct vtap_region *hit, u64 gpa,
					     u32 len, struct iovec *iov,
					     int max)
{
	int n = 0;

	while (len) {
		const struct vtap_region *r = vtap_memmap_find(m->map, gpa);
		u64 off, part;

		if (!r)
			return -EFAULT;
		if (n >= max)
			return -ENOBUFS;

		off = gpa - r->gpa;
		part = min_t(u64, len, r->size - off);
		iov[n].iov_base = (void __user *)(unsigned long)
				  (r->uaddr + off);
		iov[n].iov_len = part;
		n++;
		*hit = *r;
		len -= part;
		/* A buffer may end at 2^64 but not wrap to 0. */
		if (len && gpa > U64_MAX - part)
			return -EFAULT;
		gpa += part;
	}
	return n;
}

static struct vtap_tlb_slot *vtap_tlb_slot(struct vtap_tlb *tlb, u64 iova)
{
	return &tlb->slot[(iova >> VTAP_PAGE_SHIFT) & (VTAP_TLB_SLOTS - 1)];
}

/* Search the device's table. A mapping of a whole page enters the cache. */
static int vtap_tlb_find(struct vtap_tlb *tlb, struct vtap_region *hit,
			 u8 access, u64 iova, struct vtap_region *r)
{
	u64 page = iova & VTAP_PAGE_MASK;
	struct vtap_mapping map;

	if (!vtap_iotlb_find(tlb->table, iova, &map)) {
		tlb->miss_iova = iova;
		tlb->miss_perm = access;
		return -EAGAIN;
	}
	if (!(map.perm & access))
		return -EACCES;

	r->gpa = map.first;
	r->size = map.last - map.first + 1;
	r->uaddr = map.uaddr;
	if (!r->size)			/* 2^64 does not fit in a u64 */
		r->size = U64_MAX;
	if (r->size > VTAP_PAGE_SIZE)
		*hit = *r;
	if (map.first <= page && map.last >= page + (VTAP_PAGE_SIZE - 1)) {
		struct vtap_tlb_slot *slot = vtap_tlb_slot(tlb, iova);

		slot->tag = page | map.perm;
		slot->uaddr = map.uaddr + (page - map.first);
	}
	return 0;
}

/*
 * Fast path of vtap_mem_translate_iotlb(): every page is in the queue's cache,
 * and the pages are contiguous in user memory.
 * Return: 1 for one segment, 0 if this does not apply.
 */
static __always_inline int vtap_mem_translate_cached(struct vtap_tlb *tlb,
						     u8 access, u64 iova,
						     u32 len, struct iovec *iov)
{
	const struct vtap_tlb_slot *slot = vtap_tlb_slot(tlb, iova);
	u64 page = iova & VTAP_PAGE_MASK, last = iova + len - 1;
	u64 uaddr = slot->uaddr;

	if (last < iova || len - 1 >= VTAP_TLB_MERGE)
		return 0;
	/* The low bits of a tag are permissions; access is one bit. */
	if ((slot->tag & (VTAP_PAGE_MASK | access)) != (page | access))
		return 0;
	iov->iov_base = (void __user *)(unsigned long)(uaddr + (iova - page));
	iov->iov_len = len;
	while (last - page >= VTAP_PAGE_SIZE) {
		page += VTAP_PAGE_SIZE;
		uaddr += VTAP_PAGE_SIZE;
		slot = vtap_tlb_slot(tlb, page);
		if ((slot->tag & (VTAP_PAGE_MASK | access)) != (page | access) ||
		    slot->uaddr != uaddr)
			return 0;
	}
	return 1;
}

/*
 * Translate with the IOTLB, one page or mapping at a time. Memory that is
 * contiguous in user space extends the segment up to VTAP_TLB_MERGE. @max and
 * VTAP_TLB_STEPS bound the loop.
 */
static noinline int vtap_mem_translate_iotlb(struct vtap_mem *m,
					     struct vtap_region *hit, u8 access,
					     u64 iova, u32 len,
					     struct iovec *iov, int max)
{
	unsigned long end = 0;
	int n = 0, step;

	for (step = 0; len; step++) {
		const struct vtap_tlb_slot *slot = vtap_tlb_slot(m->tlb, iova);
		struct vtap_region r;
		u64 uaddr, part;

		if (step == VTAP_TLB_STEPS)
			return -ENOBUFS;
		if ((slot->tag & VTAP_PAGE_MASK) == (iova & VTAP_PAGE_MASK) &&
		    slot->tag & access) {
			u64 off = iova & ~VTAP_PAGE_MASK;

			uaddr = slot->uaddr + off;
			part = min_t(u64, len, VTAP_PAGE_SIZE - off);
		} else {
			int err = vtap_tlb_find(m->tlb, hit, access, iova, &r);

			m->lookups++;
			if (err)
				return err;
			uaddr = r.uaddr + (iova - r.gpa);
			part = min_t(u64, len, r.size - (iova - r.gpa));
		}

		if (n && uaddr == end && iov[n - 1].iov_len < VTAP_TLB_MERGE) {
			iov[n - 1].iov_len += part;
		} else {
			if (n >= max)
				return -ENOBUFS;
			iov[n].iov_base = (void __user *)(unsigned long)uaddr;
			iov[n].iov_len = part;
			n++;
		}
		end = uaddr + part;
		len -= part;
		if (len && iova > U64_MAX - part)
			return -EFAULT;
		iova += part;
	}
	return n;
}

/**
 * vtap_mem_translate_slow - translate a buffer outside the last hit
 * @m: view
 * @access: VHOST_ACCESS_RO or VHOST_ACCESS_WO
 * @gpa: guest address
 * @len: length in bytes
 * @iov: array for the segments
 * @max: room in @iov
 *
 * Return: as vtap_mem_translate().
 */
int vtap_mem_translate_slow(struct vtap_mem *m, u8 access, u64 gpa, u32 len,
			    struct iovec *iov, int max)
{
	struct vtap_region *hit = m->hit + (access == VHOST_ACCESS_WO);

	if (m->tlb && likely(max > 0) &&
	    likely(vtap_mem_translate_cached(m->tlb, access, gpa, len, iov)))
		return 1;
	if (m->tlb)
		return vtap_mem_translate_iotlb(m, hit, access, gpa, len, iov,
						max);
	return vtap_mem_translate_table(m, hit, gpa, len, iov, max);
}

/**
 * vtap_mem_read - copy guest memory that may span regions
 * @m: view
 * @dst: destination buffer
 * @gpa: guest address
 * @len: length in bytes
 *
 * Context: process context with the owner's address space; may fault.
 * Return: 0 or -EFAULT; -EAGAIN or -EACCES as vtap_mem_translate().
 */
int vtap_mem_read(struct vtap_mem *m, void *dst, u64 gpa, u32 len)
{
	while (len) {
		struct iovec iov;
		int n = vtap_mem_translate(m, VHOST_ACCESS_RO, gpa, len, &iov,
					   1);

		/* -ENOBUFS: the first segment is valid, the rest follows. */
		if (n < 0 && n != -ENOBUFS)
			return n;
		if (vtap_user_copy_in(dst, iov.iov_base, iov.iov_len))
			return -EFAULT;
		dst += iov.iov_len;
		gpa += iov.iov_len;
		len -= iov.iov_len;
	}
	return 0;
}

/**
 * vtap_tlb_init - initialize an empty cache
 * @tlb: cache
 * @table: the device's table
 */
void vtap_tlb_init(struct vtap_tlb *tlb, struct vtap_iotlb *table)
{
	memset(tlb, 0, sizeof(*tlb));
	tlb->table = table;
}

static bool vtap_mem_touches(const struct vtap_region *r, u64 first, u64 last)
{
	return r->size && r->gpa <= last && r->gpa + (r->size - 1) >= first;
}

/**
 * vtap_mem_invalidate - remove translations of I/O virtual addresses
 * @m: view of a queue, not in a pass; unchanged without the IOTLB
 * @first: first address
 * @last: last address, inclusive
 */
void vtap_mem_invalidate(struct vtap_mem *m, u64 first, u64 last)
{
	u64 page = first & VTAP_PAGE_MASK;
	int i;

	if (!m->tlb)
		return;
	for (i = 0; i < (int)ARRAY_SIZE(m->hit); i++) {
		if (vtap_mem_touches(&m->hit[i], first, last))
			m->hit[i].size = 0;
	}
	if ((last - page) >> VTAP_PAGE_SHIFT >= VTAP_TLB_SLOTS) {
		memset(m->tlb->slot, 0, sizeof(m->tlb->slot));
		return;
	}
	for (;;) {
		struct vtap_tlb_slot *slot = vtap_tlb_slot(m->tlb, page);

		if ((slot->tag & VTAP_PAGE_MASK) == page)
			slot->tag = 0;
		if (last - page < VTAP_PAGE_SIZE)
			break;
		page += VTAP_PAGE_SIZE;
	}
}
