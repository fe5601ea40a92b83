// SPDX-License-Identifier: GPL-2.0
/*
 * mem.c - translation off the last-hit region
 *
 * Read before: mem.h.
 */
#include "mem.h"

/*
 * Through the memory table. A buffer may continue in the next region; each one
 * costs a segment, so the loop is bounded by @max.
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
		/* The buffer may end at 2^64, but not go on at 0. */
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

/* Ask the device's table; what it says of the whole page is worth keeping. */
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
	if (!r->size)			/* all 2^64: half of it will do */
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
 * The usual case of vtap_mem_translate_iotlb(): every page is in the queue's cache, and they
 * are contiguous in user memory.
 * Return: 1 segment, or 0: another case.
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
	/* The tag ends in the permissions: access is one of two bits. */
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
 * Through the IOTLB, a page or a mapping at a time. What continues in user
 * memory continues the segment, up to VTAP_TLB_MERGE. Bounded by @max and VTAP_TLB_STEPS.
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
		/* The tag ends in the permissions: access is one of two bits. */
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
 * vtap_mem_translate_slow - vtap_mem_translate() off the last-hit region
 * @m: view
 * @access: VHOST_ACCESS_RO or _WO
 * @gpa: guest address
 * @len: bytes
 * @iov: where the segments go
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
 * @dst: where to
 * @gpa: guest address
 * @len: bytes
 *
 * Context: process context of the owner's address space, may fault.
 * Return: 0, -EFAULT, or -EAGAIN and -EACCES as vtap_mem_translate().
 */
int vtap_mem_read(struct vtap_mem *m, void *dst, u64 gpa, u32 len)
{
	while (len) {
		struct iovec iov;
		int n = vtap_mem_translate(m, VHOST_ACCESS_RO, gpa, len, &iov,
					   1);

		/* -ENOBUFS: the first segment is valid, the rest comes next. */
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
 * vtap_tlb_init - make an empty cache
 * @tlb: cache
 * @table: the device's table
 */
void vtap_tlb_init(struct vtap_tlb *tlb, struct vtap_iotlb *table)
{
	memset(tlb, 0, sizeof(*tlb));
	tlb->table = table;
}

/* Does the region have an address of [first, last]? */
static bool vtap_mem_touches(const struct vtap_region *r, u64 first, u64 last)
{
	return r->size && r->gpa <= last && r->gpa + (r->size - 1) >= first;
}

/**
 * vtap_mem_invalidate - a range of I/O virtual addresses means something else now
 * @m: view of a queue, not in a pass; nothing happens without IOTLB
 * @first: first address
 * @last: last one
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
