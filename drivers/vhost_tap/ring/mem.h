/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mem.h - guest memory: from guest physical addresses to user memory
 *
 * Read before: os.h. Read next: ring.h, chain.h.
 *
 * A guest address becomes one or more segments of the owner's address space
 * through the memory table (VHOST_SET_MEM_TABLE), kept as a sorted array.
 * Rings and packets repeat the same few regions, so each user of the table
 * remembers the region it hit last and searches only when that one misses.
 */
#ifndef VTAP_RING_MEM_H
#define VTAP_RING_MEM_H

#include "os.h"

/* Regions one memory table may have; what QEMU's virtio-mem asks for. */
#define VTAP_MAX_REGIONS	509

/**
 * struct vtap_region - guest memory that is contiguous in user memory
 * @gpa: first guest physical address
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
 * @region: sorted by guest address, never overlapping
 */
struct vtap_memmap {
	u32 nr;
	bool in_user_space;
	struct vtap_region region[] __counted_by(nr);
};

struct vtap_memmap *vtap_memmap_build(const struct vhost_memory_region *regs,
				      u32 nr);
void vtap_memmap_free(struct vtap_memmap *map);
const struct vtap_region *vtap_memmap_find(const struct vtap_memmap *map,
					   u64 gpa);

/**
 * struct vtap_mem - one queue's view of guest memory
 * @map: the table, NULL before the first VHOST_SET_MEM_TABLE
 * @hit: copy of the region that answered last
 */
struct vtap_mem {
	const struct vtap_memmap *map;
	struct vtap_region hit;
};

static inline void vtap_mem_init(struct vtap_mem *m,
				 const struct vtap_memmap *map)
{
	*m = (struct vtap_mem){ .map = map };
}

int vtap_mem_translate_slow(struct vtap_mem *m, u64 gpa, u32 len,
			    struct iovec *iov, int max);
int vtap_mem_read(struct vtap_mem *m, void *dst, u64 gpa, u32 len);

/**
 * vtap_mem_translate - find the user memory behind a guest buffer
 * @m: view; the last-hit region is updated
 * @gpa: guest physical address of the buffer
 * @len: bytes; a buffer of no bytes has no segments, wherever it lies
 * @iov: where the segments go
 * @max: room in @iov
 *
 * Return: number of segments written, -EFAULT when a byte of the buffer is in
 * no region, -ENOBUFS when @max segments do not suffice.
 */
static __always_inline int vtap_mem_translate(struct vtap_mem *m, u64 gpa,
					      u32 len, struct iovec *iov,
					      int max)
{
	u64 off = gpa - m->hit.gpa;

	/* Unsigned: an address below the region gives an offset past it. */
	if (likely(off < m->hit.size && len <= m->hit.size - off &&
		   len && max > 0)) {
		iov->iov_base = (void __user *)(unsigned long)
				(m->hit.uaddr + off);
		iov->iov_len = len;
		return 1;
	}
	return vtap_mem_translate_slow(m, gpa, len, iov, max);
}

#endif /* VTAP_RING_MEM_H */
