/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mem.h - guest memory: from the guest's addresses to user memory
 *
 * Read before: ring_env.h, iotlb.h. Read next: dirty.h, ring.h, chain.h.
 *
 * A guest address becomes one or more segments of the owner's address space,
 * in one of two ways:
 *
 *   the memory table (VHOST_SET_MEM_TABLE)   guest physical addresses, kept as
 *                                            a sorted array
 *   the device IOTLB (iotlb.h)               I/O virtual addresses, where a
 *                                            mapping may have to be asked for
 *
 * Rings and packets repeat the same few places, so each user remembers the
 * region it hit last, for reading and for writing, and searches only when that
 * one misses. With the IOTLB regions are mostly single pages: a direct-mapped
 * cache of pages comes between (struct vtap_tlb).
 */
#ifndef VTAP_RING_MEM_H
#define VTAP_RING_MEM_H

#include "iotlb.h"
#include "ring_env.h"

/* Regions one memory table may have; what QEMU's virtio-mem asks for. */
#define VTAP_MAX_REGIONS	509

/* So many regions are few: the next address is likely in the same one. */
#define VTAP_MAP_FEW		8

/* Equal parts of the address space that a search starts in. */
#define VTAP_MAP_PARTS		1024

/* Pages in a queue's translation cache; a power of two. */
#define VTAP_TLB_SLOTS		1024

/*
 * Pages that are contiguous make one segment up to this length, so what a chain
 * costs tells the work of its translation.
 */
#define VTAP_TLB_MERGE		(64 * 1024)

/* Steps of one translation through the IOTLB: 4 MiB of single pages. */
#define VTAP_TLB_STEPS		1024

/**
 * struct vtap_region - guest memory that is contiguous in user memory
 * @gpa: first guest address
 * @size: bytes; 0 matches no address
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
 * @in_user_space: every region lies in the user half of the address space;
 *	a table without it can be set but no ring can be started on it
 * @aliased: regions share user memory, so an address there has several guest
 *	addresses
 * @part_shift: a part is 2^@part_shift bytes
 * @part: for each part, the first region that does not end before it; one
 *	more at the end
 * @by_uaddr: the regions once more, sorted by user address; behind @region
 * @region: sorted by guest address, never overlapping; the one behind the last
 *	matches no address, and is that of parts which are behind all
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
const struct vtap_region *vtap_memmap_find(const struct vtap_memmap *map,
					   u64 gpa);
const struct vtap_region *vtap_memmap_find_user(const struct vtap_memmap *map,
						u64 uaddr);

/**
 * struct vtap_tlb - a queue's cache over the device IOTLB
 * @table: the device's table
 * @miss_iova: the address without a mapping, after -EAGAIN
 * @miss_perm: what it is wanted for, VHOST_ACCESS_RO or _WO
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
 * @table: @map where it counts; NULL with @tlb
 * @hit: copies of the regions that answered last, for reading and writing
 * @map: the table, NULL before the first VHOST_SET_MEM_TABLE
 * @tlb: guest addresses are I/O virtual and go through here; NULL: they are
 *	physical and go through @map
 * @lookups: times the device's IOTLB was searched, for neither @hit nor @tlb
 *	knew the address
 */
struct vtap_mem {
	const struct vtap_memmap *table;
	struct vtap_region hit[2];
	const struct vtap_memmap *map;
	struct vtap_tlb *tlb;
	u64 lookups;
};

/* From now on addresses go through @tlb, or where that is NULL through @map. */
static inline void vtap_mem_set(struct vtap_mem *m,
				const struct vtap_memmap *map,
				struct vtap_tlb *tlb)
{
	m->map = map;
	m->tlb = tlb;
	m->table = tlb ? NULL : map;
	memset(m->hit, 0, sizeof(m->hit));
}

static inline void vtap_mem_init(struct vtap_mem *m,
				 const struct vtap_memmap *map)
{
	m->lookups = 0;
	vtap_mem_set(m, map, NULL);
}

void vtap_tlb_init(struct vtap_tlb *tlb, struct vtap_iotlb *table);
void vtap_mem_invalidate(struct vtap_mem *m, u64 first, u64 last);
int vtap_mem_translate_slow(struct vtap_mem *m, u8 access, u64 gpa, u32 len,
			    struct iovec *iov, int max);
int vtap_mem_read(struct vtap_mem *m, void *dst, u64 gpa, u32 len);

/* Does one region have all of a buffer? Unsigned: below it is past it. */
static __always_inline bool vtap_region_contains(const struct vtap_region *r,
						 u64 gpa, u32 len)
{
	u64 off = gpa - r->gpa;

	return off < r->size && len <= r->size - off;
}

/**
 * vtap_mem_translate - find the user memory behind a guest buffer
 * @m: view; the last-hit region is updated
 * @access: VHOST_ACCESS_RO the device reads it, VHOST_ACCESS_WO it writes
 * @gpa: guest address of the buffer
 * @len: bytes; a buffer of no bytes has no segments, wherever it lies
 * @iov: where the segments go
 * @max: room in @iov
 *
 * Return: number of segments written; -EFAULT when a byte of the buffer is in
 * no region; -ENOBUFS when @max segments do not suffice; with the IOTLB also
 * -EAGAIN when a byte has no mapping yet (tlb->miss_* tell which) and -EACCES
 * when its mapping forbids @access.
 */
static __always_inline int vtap_mem_translate(struct vtap_mem *m, u8 access,
					      u64 gpa, u32 len,
					      struct iovec *iov, int max)
{
	struct vtap_region *hit = m->hit + (access == VHOST_ACCESS_WO);
	u64 uaddr = hit->uaddr + (gpa - hit->gpa);

	if (unlikely(!vtap_region_contains(hit, gpa, len))) {
		/*
		 * Where regions are many the last hit seldom helps: look at the
		 * first one of the address's part before searching that.
		 */
		const struct vtap_memmap *table = m->table;
		const struct vtap_region *r;
		u32 part;

		if (!table)
			goto slow;
		/* An address behind all parts is in no region, so in none here. */
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
