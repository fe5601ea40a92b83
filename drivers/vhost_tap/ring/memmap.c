// SPDX-License-Identifier: GPL-2.0
/*
 * memmap.c - the memory table: build, search, and the slow path of mem.h
 *
 * Read before: mem.h.
 */
#include "mem.h"

static int vtap_memmap_region_cmp(const void *a, const void *b)
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

static bool vtap_memmap_region_in_user_space(const struct vtap_region *r)
{
	u64 end;

	return !check_add_overflow(r->uaddr, r->size, &end) &&
	       access_ok((void __user *)(unsigned long)r->uaddr, r->size);
}

/*
 * Where to start a search: with regions of one size, as memory devices make
 * them, each part has one or two.
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

/* The way back, from user to guest addresses, for the dirty log. */
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

	/* Each may take two entries, and has them in two orders. One ends them. */
	map = kvzalloc(struct_size(map, region, 4 * (size_t)nr + 1),
		       GFP_KERNEL_ACCOUNT);
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
			vtap_memmap_region_in_user_space(&map->region[i]);

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
	u32 lo, hi;
	u64 part;

	if (!map)
		return NULL;
	part = gpa >> map->part_shift;
	if (part >= VTAP_MAP_PARTS)
		return NULL;
	part = array_index_nospec(part, VTAP_MAP_PARTS);
	/* The last may start in this part and reach into the next. */
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
 * vtap_memmap_find_user - the first region that does not end before an address
 * @map: table or NULL, not aliased
 * @uaddr: user address
 *
 * Return: the region, which has @uaddr or lies behind it; NULL if there is
 * none.
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
