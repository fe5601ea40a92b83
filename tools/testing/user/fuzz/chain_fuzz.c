// SPDX-License-Identifier: GPL-2.0
/*
 * chain_fuzz.c - descriptor chains and indirect tables from arbitrary bytes
 *
 * In stable memory, each chain is compared with a second walker, written here from
 * virtio 1.2. In hostile memory, which changes after each read, the target only checks
 * invariants that hold in any case.
 *
 * Input: size and mode, room for segments, first head, number of heads, key (4), the
 * descriptor table; the rest goes to FUZZ_TABLE. The unit tests write the seeds in this
 * format (env.c).
 */
#include "fuzz.h"

#define F_NEXT		1
#define F_WRITE		2
#define F_INDIRECT	4

/*
 * Result of the second walker. A table that is partly unmapped after the end of its
 * chain may be accepted or refused.
 */
struct ref {
	const struct gmem *g;
	bool vague;
	struct iovec seg[VTAP_CHAIN_MAX];
	int max;
	int cost;		/* segments, plus descriptors without segments */
	int nr[2];		/* readable, writable */
	u64 sum[2];
};

enum ref_verdict { REF_TAKE, REF_FAULT, REF_NO_ROOM };

static enum ref_verdict ref_full(const struct ref *f)
{
	return f->max < VTAP_CHAIN_MAX ? REF_NO_ROOM : REF_FAULT;
}

static enum ref_verdict ref_buffer(struct ref *f, const struct drv_desc *d)
{
	int kind = !!(d->flags & F_WRITE);
	u64 gpa = d->addr, left = d->len;

	if (!left && f->cost++ == f->max)
		return ref_full(f);
	while (left) {
		const struct gmem_region *r = gmem_find(f->g->r, f->g->nr, gpa);
		u64 part;

		if (!r || gpa + left < gpa)
			return REF_FAULT;
		if (f->cost++ == f->max)
			return ref_full(f);
		part = r->gpa + r->size - gpa;
		if (part > left)
			part = left;
		f->seg[f->nr[0] + f->nr[1]] = (struct iovec){
			(void *)(uintptr_t)(r->hva + gpa - r->gpa), part };
		f->nr[kind]++;
		f->sum[kind] += part;
		gpa += part;
		left -= part;
	}
	return REF_TAKE;
}

static bool ref_all_there(const struct ref *f, u64 gpa, u64 len)
{
	while (len) {
		const struct gmem_region *r = gmem_find(f->g->r, f->g->nr, gpa);
		u64 part;

		if (!r || r->gpa == FUZZ_VOID)
			return false;
		part = min_t(u64, r->gpa + r->size - gpa, len);
		gpa += part;
		len -= part;
	}
	return true;
}

/* Read guest memory in any region; return false if some bytes do not exist. */
static bool ref_read(const struct ref *f, void *to, u64 gpa, size_t len)
{
	u8 *p = to;

	for (; len; len--, gpa++) {
		u8 *from = gmem_hva(f->g, gpa, 1);

		if (!from || !shim_extent_has(from, 1, SHIM_R))
			return false;
		*p++ = *from;
	}
	return true;
}

/* Walk one list of descriptors: the ring's (@table 0) or an indirect table. */
static enum ref_verdict ref_list(struct ref *f, const struct drv_desc *ring,
				 u64 table, u32 count, u32 at, int *nr_buf)
{
	u32 steps;

	for (steps = 0; steps < count; steps++) {
		enum ref_verdict v;
		struct drv_desc d;

		if (!table)
			d = ring[at];
		else if (!ref_read(f, &d, table + 16ull * at, 16))
			return REF_FAULT;
		if (d.flags & F_INDIRECT) {
			if (table || d.flags & F_NEXT || !d.len ||
			    d.len % 16 || d.len / 16 > 65536 ||
			    d.addr + d.len < d.addr)
				return REF_FAULT;
			if (!d.addr)
				return REF_FAULT;	/* never mapped here */
			f->vague = !ref_all_there(f, d.addr, d.len);
			return ref_list(f, ring, d.addr, d.len / 16, 0,
					nr_buf);
		}
		if (++*nr_buf > VTAP_CHAIN_MAX)
			return REF_FAULT;
		if (!(d.flags & F_WRITE) && f->nr[1]) {
			/* Check the buffer first; both faults have the same result. */
			v = ref_buffer(f, &d);
			return v == REF_NO_ROOM ? v : REF_FAULT;
		}
		v = ref_buffer(f, &d);
		if (v != REF_TAKE || !(d.flags & F_NEXT))
			return v;
		at = d.next;
		if (at >= count)
			return REF_FAULT;
	}
	return REF_FAULT;
}

static void compare(const struct ref *f, const struct vtap_chain *c)
{
	int i;

	shim_assert(c->nr_out == f->nr[0] && c->nr_in == f->nr[1]);
	shim_assert(c->out_len == f->sum[0] && c->in_len == f->sum[1]);
	for (i = 0; i < c->nr_out + c->nr_in; i++) {
		shim_assert(c->iov[i].iov_base == f->seg[i].iov_base);
		shim_assert(c->iov[i].iov_len == f->seg[i].iov_len);
	}
}

struct guest_ring {
	struct gmem rings;
	struct drv d;
	struct vtap_ring r;
	struct vtap_mem m;
	struct vtap_chain c;
	struct iovec iov[VTAP_CHAIN_MAX];
};

static void guest_ring_start(struct guest_ring *w, u16 num)
{
	struct vtap_ring_cfg cfg;

	drv_init(&w->d, &w->rings, num, false, 0);
	cfg = (struct vtap_ring_cfg){
		.num = num,
		.desc = (uintptr_t)w->d.desc,
		.avail = (uintptr_t)w->d.avail,
		.used = (uintptr_t)w->d.used,
	};
	shim_assert(vtap_ring_memory_ok(&cfg));
	shim_assert(!vtap_ring_start(&w->r, &cfg, 0));
	vtap_mem_init(&w->m, fuzz_map());
}

/* Pop one chain; return false if the rest of the input has no effect. */
static bool pop_one(struct guest_ring *w, const struct gmem *g, u16 max, bool quiet)
{
	static struct ref f;	/* static because it is large */
	enum ref_verdict v = REF_TAKE;
	u16 head = w->d.avail->ring[w->r.last_avail % w->d.num];
	u16 at = w->r.last_avail;
	unsigned long nr;
	int ret, nr_buf = 0;

	if (quiet) {
		f.g = g;
		f.max = max;
		f.cost = 0;
		f.nr[0] = 0;
		f.nr[1] = 0;
		f.sum[0] = 0;
		f.sum[1] = 0;
		f.vague = false;
		v = head >= w->d.num ? REF_FAULT :
		    ref_list(&f, w->d.desc, 0, w->d.num, head, &nr_buf);
	}
	w->c.iov = w->iov;
	w->c.iov_max = max;
	nr = shim.nr;
	ret = vtap_split_pop(&w->r, &w->m, &w->c);
	shim_idle();
	/* A hostile table may cost a copy in up to 4 parts per step. */
	shim_assert(shim.nr - nr <= 4 * VTAP_CHAIN_MAX + 4 * VTAP_FETCH);

	if (ret == 1) {
		shim_assert(!quiet || v == REF_TAKE);
		shim_assert(w->c.head < w->d.num);
		shim_assert(w->r.last_avail == (u16)(at + 1));
		fuzz_check_chain(&w->c);
		if (quiet)
			compare(&f, &w->c);
		return true;
	}
	shim_assert(w->r.last_avail == at);
	if (ret == -ENOBUFS) {
		shim_assert(!quiet || v == REF_NO_ROOM);
		shim_assert(!w->r.fault && max < VTAP_CHAIN_MAX);
		return false;
	}
	if (ret == -EIO) {
		shim_assert(!quiet || v == REF_FAULT || f.vague);
		/* The ring's own memory is complete, so this access cannot fail. */
		shim_assert(w->r.fault != VTAP_FAULT_RING_ACCESS);
		fuzz_check_refusal(&w->r, &w->m);
		return false;
	}
	shim_assert(!ret && !quiet);
	return false;
}

int fuzz_one(const u8 *data, size_t size)
{
	static struct guest_ring w;
	struct input in = { data, size };
	struct gmem *g = fuzz_ram();
	u8 mode = in8(&in), room = in8(&in);
	u16 num = 1 << (mode & 7);
	bool quiet = !(mode & 8);
	u16 max = mode & 16 ? room : VTAP_CHAIN_MAX;
	u8 head = in8(&in), nr = in8(&in), i;
	u32 key;

	shim_reset();
	key = in16(&in);
	key |= (u32)in16(&in) << 16;
	guest_ring_start(&w, num);
	nr = nr % num + 1;
	in_bytes(&in, w.d.desc, drv_desc_size(num));
	in_bytes(&in, gmem_hva(g, FUZZ_TABLE, 1),
		 FUZZ_RAM + FUZZ_RAM_SIZE - FUZZ_TABLE);
	in_bytes(&in, gmem_hva(g, FUZZ_RAM + FUZZ_RAM_SIZE, 1),
		 FUZZ_RAM2_SIZE);
	for (i = 0; i < nr; i++)
		drv_put_avail(&w.d, head + i);
	drv_publish(&w.d);

	if (!quiet)
		fuzz_hostile(key);
	for (i = 0; i < nr; i++)
		if (!pop_one(&w, g, max, quiet))
			break;
	shim_reset();
	drv_exit(&w.d);
	gmem_free(&w.rings);
	return 0;
}
