// SPDX-License-Identifier: GPL-2.0
/*
 * memmap.c - the memory table: build, search, and the slow path of mem.h
 *
 * Read before: mem.h.
 */
#include "mem.h"

static int region_cmp(const void *a, const void *b)
{
	const struct vtap_region *ra = a, *rb = b;

	if (ra->gpa != rb->gpa)
		return ra->gpa < rb->gpa ? -1 : 1;
	return 0;
}

/*
 * Where regions overlap, the one that starts lower has the bytes, as the
 * interval tree of in-tree vhost answers. What is left of the other keeps its
 * own mapping; a region with nothing left goes.
 */
static void resolve_overlaps(struct vtap_memmap *map)
{
	u64 free_from = 0;
	u32 i, kept = 0;

	for (i = 0; i < map->nr; i++) {
		struct vtap_region r = map->region[i];
		u64 last = r.gpa + (r.size - 1);	/* checked: no wrap */

		if (kept && last < free_from)
			continue;
		if (kept && r.gpa < free_from) {
			u64 cut = free_from - r.gpa;

			r.gpa += cut;
			r.uaddr += cut;
			r.size -= cut;
		}
		map->region[kept++] = r;
		free_from = last + 1;
		if (!free_from)		/* the top of the address space */
			break;
	}
	map->nr = kept;
}

static bool region_in_user_space(const struct vtap_region *r)
{
	u64 end;

	return !check_add_overflow(r->uaddr, r->size, &end) &&
	       access_ok((void __user *)(unsigned long)r->uaddr, r->size);
}

/**
 * vtap_memmap_build - make a memory table from what the client sent
 * @regs: regions in any order, @nr of them
 * @nr: 0 to VTAP_MAX_REGIONS
 *
 * A region of size 0 at address 0 means all 2^64 addresses, as in-tree, where
 * last = start + size - 1; it takes two entries because its size fits no u64.
 *
 * Return: the table; ERR_PTR(-EFAULT) for a region that is empty or wraps,
 * ERR_PTR(-ENOMEM).
 */
struct vtap_memmap *vtap_memmap_build(const struct vhost_memory_region *regs,
				      u32 nr)
{
	struct vtap_memmap *map;
	u32 i, n = 0;

	map = kvzalloc(struct_size(map, region, 2 * (size_t)nr), GFP_KERNEL);
	if (!map)
		return ERR_PTR(-ENOMEM);
	map->nr = 2 * nr;
	map->in_user_space = true;

	for (i = 0; i < nr; i++) {
		struct vtap_region r = {
			.gpa = regs[i].guest_phys_addr,
			.size = regs[i].memory_size,
			.uaddr = regs[i].userspace_addr,
		};
		u64 last = r.gpa + r.size - 1;

		if (last < r.gpa)
			goto err_free;
		if (!r.gpa && last == U64_MAX) {
			r.size = 1ULL << 63;
			map->region[n++] = r;
			r.gpa = r.size;
			r.uaddr += r.size;
		}
		map->region[n++] = r;
	}
	map->nr = n;
	for (i = 0; i < n; i++)
		map->in_user_space &= region_in_user_space(&map->region[i]);

	sort(map->region, n, sizeof(map->region[0]), region_cmp, NULL);
	resolve_overlaps(map);
	return map;

err_free:
	kvfree(map);
	return ERR_PTR(-EFAULT);
}

/**
 * vtap_memmap_free - free a memory table
 * @map: may be NULL; no view may use it any more
 */
void vtap_memmap_free(struct vtap_memmap *map)
{
	kvfree(map);
}

/**
 * vtap_memmap_find - the region that holds an address
 * @map: table or NULL
 * @gpa: guest physical address
 *
 * Return: the region, or NULL when none holds @gpa.
 */
const struct vtap_region *vtap_memmap_find(const struct vtap_memmap *map,
					   u64 gpa)
{
	u32 lo = 0, hi = map ? map->nr : 0;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;
		const struct vtap_region *r = &map->region[mid];

		if (gpa < r->gpa)
			hi = mid;
		else if (gpa - r->gpa >= r->size)
			lo = mid + 1;
		else
			return r;
	}
	return NULL;
}

/**
 * vtap_mem_translate_slow - vtap_mem_translate() off the last-hit region
 * @m: view
 * @gpa: guest physical address
 * @len: bytes
 * @iov: where the segments go
 * @max: room in @iov
 *
 * A buffer may continue in the next region; each one costs a segment, so the
 * loop is bounded by @max.
 *
 * Return: as vtap_mem_translate().
 */
int vtap_mem_translate_slow(struct vtap_mem *m, u64 gpa, u32 len,
			    struct iovec *iov, int max)
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
		m->hit = *r;
		len -= part;
		/* The buffer may end at 2^64, but not go on at 0. */
		if (len && gpa > U64_MAX - part)
			return -EFAULT;
		gpa += part;
	}
	return n;
}

/**
 * vtap_mem_read - copy guest memory that may span regions
 * @m: view
 * @dst: where to
 * @gpa: guest physical address
 * @len: bytes
 *
 * Context: process context of the owner's address space, may fault.
 * Return: 0, or -EFAULT.
 */
int vtap_mem_read(struct vtap_mem *m, void *dst, u64 gpa, u32 len)
{
	while (len) {
		struct iovec iov;
		int n = vtap_mem_translate(m, gpa, len, &iov, 1);

		/* -ENOBUFS: the first segment is valid, the rest comes next. */
		if (n < 0 && n != -ENOBUFS)
			return n;
		if (copy_from_user(dst, iov.iov_base, iov.iov_len))
			return -EFAULT;
		dst += iov.iov_len;
		gpa += iov.iov_len;
		len -= iov.iov_len;
	}
	return 0;
}
