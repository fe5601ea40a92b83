// SPDX-License-Identifier: GPL-2.0
/* memmap.c - build and search the memory table */
#include "mem.h"

static int vtap_memmap_region_cmp(const void *a, const void *b)
{
	const struct vtap_region *ra = a, *rb = b;

	if (ra->gpa != rb->gpa)
		return ra->gpa < rb->gpa ? -1 : 1;
	return 0;
}

/*
 * Where regions overlap, the one with the lower start keeps the bytes, as in
 * the interval tree of in-tree vhost. The other region is trimmed and keeps its
 * own mapping. A region with no bytes left is removed.
 */
static void vtap_memmap_resolve_overlaps(struct vtap_memmap *map)
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

/**
 * vtap_user_range_ok - check that a range lies in user address space
 * @uaddr: first address
 * @size: number of bytes
 *
 * access_ok() alone accepts a range that wraps where user and kernel have an
 * address space each (s390x).
 *
 * Return: true if the addresses are valid. The memory may still be unmapped.
 */
bool vtap_user_range_ok(u64 uaddr, u64 size)
{
	u64 end;

	return !check_add_overflow(uaddr, size, &end) &&
	       access_ok((void __user *)(unsigned long)uaddr, size);
}

/*
 * Index the first region of each part of the address space. Memory devices
 * create regions of equal size, so a part then has one or two.
 */
static void vtap_memmap_index_by_part(struct vtap_memmap *map)
{
	const struct vtap_region *top;
	u32 i = 0, k;

	if (!map->nr)
		return;
	top = &map->region[map->nr - 1];
	while ((top->gpa + (top->size - 1)) >> map->part_shift >=
	       VTAP_MAP_PARTS)
		map->part_shift++;
	for (k = 0; k < VTAP_MAP_PARTS; k++) {
		u64 start = (u64)k << map->part_shift;

		while (i < map->nr &&
		       map->region[i].gpa + (map->region[i].size - 1) < start)
			i++;
		map->part[k] = i;
	}
	map->part[k] = map->nr;
}

static int vtap_memmap_uaddr_cmp(const void *a, const void *b)
{
	const struct vtap_region *ra = a, *rb = b;

	if (ra->uaddr != rb->uaddr)
		return ra->uaddr < rb->uaddr ? -1 : 1;
	return 0;
}

static void vtap_memmap_index_by_uaddr(struct vtap_memmap *map)
{
	u32 i;

	map->region[map->nr] = (struct vtap_region){};
	map->by_uaddr = map->region + map->nr + 1;
	memcpy(map->by_uaddr, map->region, map->nr * sizeof(map->region[0]));
	sort(map->by_uaddr, map->nr, sizeof(map->region[0]),
	     vtap_memmap_uaddr_cmp, NULL);
	for (i = 1; i < map->nr; i++) {
		const struct vtap_region *r = &map->by_uaddr[i - 1];

		if (map->by_uaddr[i].uaddr - r->uaddr < r->size)
			map->aliased = true;
	}
}

/**
 * vtap_memmap_build - build a memory table from the regions of the client
 * @regs: regions in any order
 * @nr: number of regions, 0 to VTAP_MAX_REGIONS
 *
 * A region of size 0 at address 0 covers all 2^64 addresses, as in-tree, where
 * last = start + size - 1. It takes two entries, because its size does not fit
 * in a u64.
 *
 * Return: the table; ERR_PTR(-EFAULT) if a region is empty or wraps;
 * ERR_PTR(-ENOMEM).
 */
struct vtap_memmap *vtap_memmap_build(const struct vhost_memory_region *regs,
				      u32 nr)
{
	struct vtap_memmap *map;
	u32 i, n = 0;

	/* Up to two entries per region, in two orders, and an empty one. */
	map = kvzalloc(struct_size(map, region, 4 * (size_t)nr + 1),
		       VTAP_GFP);
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
		map->in_user_space &=
			vtap_user_range_ok(map->region[i].uaddr, map->region[i].size);

	sort(map->region, n, sizeof(map->region[0]), vtap_memmap_region_cmp,
	     NULL);
	vtap_memmap_resolve_overlaps(map);
	vtap_memmap_index_by_part(map);
	vtap_memmap_index_by_uaddr(map);
	return map;

err_free:
	kvfree(map);
	return ERR_PTR(-EFAULT);
}

/**
 * vtap_memmap_free - free a memory table
 * @map: table that no view uses any longer, or NULL
 */
void vtap_memmap_free(struct vtap_memmap *map)
{
	kvfree(map);
}

/**
 * vtap_memmap_find - find the region that contains an address
 * @map: table or NULL
 * @gpa: guest physical address
 *
 * Return: the region, or NULL if none contains @gpa.
 */
const struct vtap_region *vtap_memmap_find(const struct vtap_memmap *map,
					   u64 gpa)
{
	u32 lo, hi;
	u64 part;

	if (!map)
		return NULL;
	part = gpa >> map->part_shift;
	if (part >= VTAP_MAP_PARTS)
		return NULL;
	part = array_index_nospec(part, VTAP_MAP_PARTS);
	/* The last region may start in this part and extend into the next. */
	lo = map->part[part];
	hi = min_t(u32, map->part[part + 1] + 1, map->nr);

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
 * vtap_memmap_find_user - find the first region at or after an address
 * @map: table that is not aliased, or NULL
 * @uaddr: user address
 *
 * Return: the region that contains @uaddr or starts after it, or NULL.
 */
const struct vtap_region *vtap_memmap_find_user(const struct vtap_memmap *map,
						u64 uaddr)
{
	u32 lo = 0, hi = map ? map->nr : 0;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;
		const struct vtap_region *r = &map->by_uaddr[mid];

		if (r->uaddr + (r->size - 1) < uaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return map && lo < map->nr ? &map->by_uaddr[lo] : NULL;
}
