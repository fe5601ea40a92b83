/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mem.h - translation of guest addresses to user memory
 *
 * A guest address becomes one or more segments in the owner's address space. The
 * memory table (VHOST_SET_MEM_TABLE) translates guest physical addresses. With
 * VIRTIO_F_ACCESS_PLATFORM the device IOTLB (iotlb.h) translates I/O virtual
 * addresses, and reports a miss to the client.
 *
 * Each queue keeps the region of its last hit, one for reads and one for writes.
 * With the IOTLB most regions are single pages, so a direct-mapped cache of pages
 * comes before the search (struct vtap_tlb).
 */
#ifndef VTAP_RING_MEM_H
#define VTAP_RING_MEM_H

#include "iotlb.h"
#include "ring_env.h"

/* Maximum number of regions in a memory table; QEMU's virtio-mem needs it. */
#define VTAP_MAX_REGIONS	509

/* Up to this number of regions the next address tends to be in the same one. */
#define VTAP_MAP_FEW		8

/* Equal parts of the address space; a search starts in the address's part. */
#define VTAP_MAP_PARTS		1024

/* Number of pages in a queue's translation cache; a power of two. */
#define VTAP_TLB_SLOTS		1024

/*
 * Contiguous pages are merged to one segment up to this length. The limit keeps
 * the cost of a chain in proportion to the work of its translation.
 */
#define VTAP_TLB_MERGE		(64 * 1024)

/* Maximum number of steps of an IOTLB translation: 4 MiB of single pages. */
#define VTAP_TLB_STEPS		1024

/**
 * struct vtap_region - guest memory that is contiguous in user memory
 * @gpa: first guest address
 * @size: size in bytes; 0 matches no address
 * @uaddr: user address of @gpa
 */
struct vtap_region {
	u64 gpa;
	u64 size;
	u64 uaddr;
};

/**
 * struct vtap_memmap - a memory table, immutable once built
 * @nr: number of regions
 * @in_user_space: every region lies in user address space; the client can set
 *	any table, but cannot start a ring without this
 * @aliased: regions share user memory, so a user address can have several guest
 *	addresses
 * @part_shift: a part has 2^@part_shift bytes
 * @part: for each part, index of the first region that does not end before it;
 *	the last element is @nr
 * @by_uaddr: copies of the regions sorted by user address, stored after @region
 * @region: sorted by guest address without overlaps; the entry after the last
 *	region is empty, and parts above all regions refer to it
 */
struct vtap_memmap {
	u32 nr;
	bool in_user_space;
	bool aliased;
	u8 part_shift;
	u16 part[VTAP_MAP_PARTS + 1];
	struct vtap_region *by_uaddr;
	struct vtap_region region[];
};

struct vtap_memmap *vtap_memmap_build(const struct vhost_memory_region *regs,
				      u32 nr);
void vtap_memmap_free(struct vtap_memmap *map);
bool vtap_user_range_ok(u64 uaddr, u64 size);
const struct vtap_region *vtap_memmap_find(const struct vtap_memmap *map,
					   u64 gpa);
const struct vtap_region *vtap_memmap_find_user(const struct vtap_memmap *map,
						u64 uaddr);

/**
 * struct vtap_tlb - a queue's cache of the device IOTLB
 * @table: the device's table
 * @miss_iova: the address without a mapping, after -EAGAIN
 * @miss_perm: the access that missed, VHOST_ACCESS_RO or VHOST_ACCESS_WO
 * @slot: translations of whole pages; @tag: page address and permissions, 0
 *	matches nothing; @uaddr: user address of the page
 */
struct vtap_tlb {
	struct vtap_iotlb *table;
	u64 miss_iova;
	u8 miss_perm;
	struct vtap_tlb_slot {
		u64 tag;
		u64 uaddr;
	} slot[VTAP_TLB_SLOTS];
};

/**
 * struct vtap_mem - one queue's view of guest memory
 * @table: @map, or NULL if @tlb is set
 * @hit: copies of the regions of the last hits, for reads and for writes
 * @map: the memory table, NULL before the first VHOST_SET_MEM_TABLE
 * @tlb: cache of the IOTLB, which translates instead of @map, or NULL
 * @lookups: searches of the device's IOTLB, after misses in @hit and in @tlb
 */
struct vtap_mem {
	const struct vtap_memmap *table;
	struct vtap_region hit[2];
	const struct vtap_memmap *map;
	struct vtap_tlb *tlb;
	u64 lookups;
};

void vtap_mem_init(struct vtap_mem *m, const struct vtap_memmap *map);
void vtap_mem_set(struct vtap_mem *m, const struct vtap_memmap *map,
		  struct vtap_tlb *tlb);
void vtap_tlb_init(struct vtap_tlb *tlb, struct vtap_iotlb *table);
void vtap_mem_invalidate(struct vtap_mem *m, u64 first, u64 last);
int vtap_mem_translate_slow(struct vtap_mem *m, u8 access, u64 gpa, u32 len,
			    struct iovec *iov, int max);
int vtap_mem_read(struct vtap_mem *m, void *dst, u64 gpa, u32 len);

/* Test for a whole buffer. If gpa is below the region, off wraps around. */
static __always_inline bool vtap_region_contains(const struct vtap_region *r,
						 u64 gpa, u32 len)
{
	u64 off = gpa - r->gpa;

	return off < r->size && len <= r->size - off;
}

/**
 * vtap_mem_translate - find the user memory of a guest buffer
 * @m: view; the region of the last hit is updated
 * @access: VHOST_ACCESS_RO if the device reads the buffer, VHOST_ACCESS_WO if
 *	it writes
 * @gpa: guest address of the buffer
 * @len: length in bytes; a buffer of length 0 has no segments at any address
 * @iov: array for the segments
 * @max: room in @iov
 *
 * Return: number of segments; -EFAULT if a byte of the buffer is in no region;
 * -ENOBUFS if the buffer needs more than @max segments. With the IOTLB also
 * -EAGAIN on a miss (tlb->miss_iova and miss_perm) and -EACCES if a mapping
 * forbids @access.
 */
static __always_inline int vtap_mem_translate(struct vtap_mem *m, u8 access,
					      u64 gpa, u32 len,
					      struct iovec *iov, int max)
{
	struct vtap_region *hit = m->hit + (access == VHOST_ACCESS_WO);
	u64 uaddr = hit->uaddr + (gpa - hit->gpa);

	if (unlikely(!vtap_region_contains(hit, gpa, len))) {
		/* Try the part's first region: with many, the last hit seldom matches. */
		const struct vtap_memmap *table = m->table;
		const struct vtap_region *r;
		u32 part;

		if (!table)
			goto slow;
		/* The mask wraps higher addresses; the test below fails. */
		part = (gpa >> table->part_shift) & (VTAP_MAP_PARTS - 1);
		r = &table->region[table->part[part]];
		if (unlikely(!vtap_region_contains(r, gpa, len)))
			goto slow;
		uaddr = r->uaddr + (gpa - r->gpa);
		if (table->nr <= VTAP_MAP_FEW)
			*hit = *r;
	}
	if (unlikely(!len || max <= 0))
		goto slow;
	iov->iov_base = (void __user *)(unsigned long)uaddr;
	iov->iov_len = len;
	return 1;

slow:
	return vtap_mem_translate_slow(m, access, gpa, len, iov, max);
}

#endif /* VTAP_RING_MEM_H */
