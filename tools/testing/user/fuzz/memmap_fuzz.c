// SPDX-License-Identifier: GPL-2.0
/*
 * memmap_fuzz.c - memory tables and lookups from arbitrary bytes
 *
 * The oracle has one rule: a byte belongs to the region with the lowest start that
 * contains it. Nothing changes between two neighboring region edges, so ranges of
 * gigabytes are compared in few steps.
 *
 * Input: number of regions, each a form byte and its numbers; then lookups.
 */
#include "fuzz.h"

#define MAX_REGIONS	24

/* The oracle's regions. Like memmap.c, it splits the whole address space in two. */
static struct vhost_memory_region reg[2 * MAX_REGIONS];
static u32 nr_reg;

static bool holds(const struct vhost_memory_region *r, u64 gpa)
{
	return gpa >= r->guest_phys_addr &&
	       gpa - r->guest_phys_addr < r->memory_size;
}

/* Check that @gpa may become @uaddr. Equal starts have no order, so several may be right. */
static bool oracle(u64 gpa, u64 uaddr)
{
	u64 lowest = U64_MAX;
	u32 i;

	for (i = 0; i < nr_reg; i++)
		if (holds(&reg[i], gpa) && reg[i].guest_phys_addr < lowest)
			lowest = reg[i].guest_phys_addr;
	for (i = 0; i < nr_reg; i++)
		if (holds(&reg[i], gpa) && reg[i].guest_phys_addr == lowest &&
		    reg[i].userspace_addr + (gpa - lowest) == uaddr)
			return true;
	return false;
}

static bool mapped(u64 gpa)
{
	u32 i;

	for (i = 0; i < nr_reg; i++)
		if (holds(&reg[i], gpa))
			return true;
	return false;
}

/* Return the next address after @gpa where a region starts or ends, or 0. */
static u64 next_edge(u64 gpa)
{
	u64 best = 0;
	u32 i;

	for (i = 0; i < nr_reg; i++) {
		u64 start = reg[i].guest_phys_addr;
		u64 end = start + reg[i].memory_size;

		if (start > gpa && start - 1 < best - 1)
			best = start;
		if (end > gpa && end - 1 < best - 1)
			best = end;
	}
	return best;
}

/* Check that all of [gpa, gpa + len) is mapped, without a wrap. */
static bool all_mapped(u64 gpa, u64 len)
{
	u64 last = gpa + len - 1;

	if (last < gpa)
		return false;
	for (;;) {
		if (!mapped(gpa))
			return false;
		gpa = next_edge(gpa);
		if (!gpa || gpa > last)
			return true;
	}
}

static void check_lookup(struct vtap_mem *m, u64 gpa, u32 len, int max)
{
	struct iovec iov[64];
	u64 at = gpa, sum = 0;
	int n, i;

	iov[max].iov_len = 0x5a;
	n = vtap_mem_translate(m, VHOST_ACCESS_RO, gpa, len, iov, max);
	shim_assert(iov[max].iov_len == 0x5a);
	if (n == -EFAULT) {
		shim_assert(len && !all_mapped(gpa, len));
		return;
	}
	if (n == -ENOBUFS)
		return;		/* the segments that fit are unspecified */
	shim_assert(n >= 0 && n <= max);
	for (i = 0; i < n; i++) {
		u64 u = (uintptr_t)iov[i].iov_base, k, edge;

		shim_assert(iov[i].iov_len);
		for (k = 0; k < iov[i].iov_len; k = edge - at) {
			shim_assert(oracle(at + k, u + k));
			edge = next_edge(at + k);
			if (!edge)
				break;
		}
		shim_assert(oracle(at + iov[i].iov_len - 1,
				   u + iov[i].iov_len - 1));
		at += iov[i].iov_len;
		sum += iov[i].iov_len;
	}
	shim_assert(sum == len);
	shim_assert(!len || all_mapped(gpa, len));
}

static bool acceptable(void)
{
	u32 i;

	for (i = 0; i < nr_reg; i++) {
		u64 start = reg[i].guest_phys_addr, size = reg[i].memory_size;

		if (size ? start + size - 1 < start : start != 0)
			return false;
	}
	return true;
}

static void split_whole_space(void)
{
	u32 i, nr = nr_reg;

	for (i = 0; i < nr; i++) {
		if (reg[i].memory_size)
			continue;
		reg[i].memory_size = 1ull << 63;
		reg[nr_reg] = reg[i];
		reg[nr_reg].guest_phys_addr += 1ull << 63;
		reg[nr_reg++].userspace_addr += 1ull << 63;
	}
}

static void check_table(const struct vtap_memmap *map)
{
	u32 i;

	for (i = 0; i < map->nr; i++) {
		const struct vtap_region *r = &map->region[i];

		shim_assert(r->size && r->gpa + (r->size - 1) >= r->gpa);
		if (i)
			shim_assert(r[-1].gpa + (r[-1].size - 1) < r->gpa);
		shim_assert(vtap_memmap_find(map, r->gpa) == r);
		shim_assert(vtap_memmap_find(map, r->gpa + r->size - 1) == r);
	}
}

int fuzz_one(const u8 *data, size_t size)
{
	struct input in = { data, size };
	struct vtap_memmap *map;
	struct vtap_mem m;
	u32 i;

	shim_reset();
	nr_reg = in8(&in) % (MAX_REGIONS + 1);
	for (i = 0; i < nr_reg; i++) {
		u8 form = in8(&in);

		reg[i] = (struct vhost_memory_region){
			.guest_phys_addr = in_number(&in, form),
			.memory_size = in_number(&in, form >> 2),
			.userspace_addr = in_number(&in, form >> 4),
		};
	}
	map = vtap_memmap_build(reg, nr_reg);
	if (IS_ERR(map)) {
		shim_assert(PTR_ERR(map) == -EFAULT && !acceptable());
		return 0;
	}
	shim_assert(acceptable());
	split_whole_space();
	check_table(map);
	vtap_mem_init(&m, map);
	while (in.left) {
		u8 form = in8(&in);
		u64 gpa = in_number(&in, form);
		u32 len = in_number(&in, form >> 2);

		check_lookup(&m, gpa, len, in8(&in) % 64);
	}
	vtap_memmap_free(map);
	return 0;
}
