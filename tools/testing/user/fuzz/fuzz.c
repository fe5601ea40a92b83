// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz.c - common parts of the fuzz targets (fuzz.h)
 */
#include "fuzz.h"

static struct gmem ram;
static struct vtap_memmap *map;
static u32 hostile_key;

static void make_map(void)
{
	struct vhost_memory_region reg[4];
	unsigned int i;

	for (i = 0; i < ram.nr; i++)
		gmem_fill_entry(&reg[i], &ram.r[i]);
	map = vtap_memmap_build(reg, ram.nr);
	shim_assert(!IS_ERR(map));
}

struct gmem *fuzz_ram(void)
{
	u64 behind = FUZZ_RAM + FUZZ_RAM_SIZE;
	unsigned int i;

	if (!ram.nr) {
		gmem_add(&ram, FUZZ_RAM, FUZZ_RAM_SIZE);
		gmem_add(&ram, behind, FUZZ_RAM2_SIZE);
		gmem_add(&ram, behind + FUZZ_RAM2_SIZE, FUZZ_RAM3_SIZE);
		gmem_claim(&ram, FUZZ_VOID, FUZZ_VOID_SIZE, 1ull << 42);
		make_map();
	}
	for (i = 0; i < ram.nr_blocks; i++)
		memset(ram.block[i].mem, 0, ram.block[i].size);
	ram.next = 0;
	return &ram;
}

const struct vtap_memmap *fuzz_map(void)
{
	return map;
}

void fuzz_ring_init(struct fuzz_ring *f, struct gmem *g, u16 num, bool packed,
		    bool event_idx, u16 start)
{
	memset(f, 0, sizeof(*f));
	if (packed)
		drv_init_packed(&f->d, &f->rings, num, event_idx, start);
	else
		drv_init(&f->d, &f->rings, num, event_idx, start);
	f->d.g = g;
	f->cfg = (struct vtap_ring_cfg){
		.num = num, .packed = packed, .event_idx = event_idx,
		.desc = (uintptr_t)f->d.desc,
		.avail = (uintptr_t)f->d.avail,
		.used = (uintptr_t)f->d.used,
	};
	vtap_mem_init(&f->m, map);
}

static void change(void *addr, size_t len, void *arg)
{
	u8 *p = addr;

	for (; len--; p++) {
		hostile_key = hostile_key * 1103515245 + 12345;
		/* Change only one byte in four, so that some chains get far. */
		if (!(hostile_key >> 16 & 3))
			*p ^= hostile_key >> 24;
	}
}

void fuzz_hostile(u32 key)
{
	hostile_key = key;
	shim.after_load = change;
}

const struct gmem *fuzz_pages;

static bool in_guest(const struct iovec *iov)
{
	u64 void_at = (uintptr_t)iov->iov_base - (1ull << 42);
	u32 i;

	if (shim_extent_has(iov->iov_base, iov->iov_len, SHIM_RW))
		return true;
	for (i = 0; fuzz_pages && i < fuzz_pages->nr; i++) {
		u64 at = (uintptr_t)iov->iov_base - fuzz_pages->r[i].hva;

		if (at < fuzz_pages->r[i].size &&
		    iov->iov_len <= fuzz_pages->r[i].size - at)
			return true;
	}
	return void_at < FUZZ_VOID_SIZE &&
	       iov->iov_len <= FUZZ_VOID_SIZE - void_at;
}

void fuzz_check_chain(const struct vtap_chain *c)
{
	u64 out = 0, in = 0;
	int i;

	shim_assert(c->nr_out + c->nr_in <= c->iov_max);
	for (i = 0; i < c->nr_out + c->nr_in; i++) {
		shim_assert(c->iov[i].iov_len);
		shim_assert(in_guest(&c->iov[i]));
		if (i < c->nr_out)
			out += c->iov[i].iov_len;
		else
			in += c->iov[i].iov_len;
	}
	shim_assert(out == c->out_len);
	shim_assert(in == c->in_len);
}

void fuzz_check_refusal(struct vtap_ring *r, struct vtap_mem *m)
{
	u16 avail = r->last_avail, used = r->last_used;
	unsigned long nr = shim.nr;
	struct iovec iov[1];
	struct vtap_chain c = { .iov = iov, .iov_max = 1 };
	u8 fault = r->fault;

	shim_assert(fault && fault < VTAP_NR_FAULTS);
	shim_assert(vtap_ring_pop(r, m, &c, r->packed) == -EIO);
	shim_assert(vtap_ring_stage(r, 0, 0, r->packed) == -EIO);
	shim_assert(vtap_ring_empty(r, r->packed) == -EIO);
	shim_assert(vtap_ring_disable_notify(r, r->packed) == -EIO);
	shim_assert(vtap_ring_enable_notify(r, r->packed) == -EIO);
	if (fault == VTAP_FAULT_RING_ACCESS) {
		shim_assert(vtap_ring_publish(r, r->packed) == -EIO);
		shim_assert(vtap_ring_needs_call(r, r->packed) == -EIO);
	}
	shim_assert(shim.nr == nr);
	shim_assert(r->fault == fault);
	shim_assert(r->last_avail == avail && r->last_used == used);
}
