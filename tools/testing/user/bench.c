// SPDX-License-Identifier: GPL-2.0
/*
 * bench.c - nanoseconds per chain, for each operation of a ring
 *
 * The benchmark uses plain memory without the shim's checks, and so measures ring/
 * alone. A user access window is free here and costs 20 to 40 cycles in the kernel. The
 * results are only good to compare two versions on one quiet machine.
 *
 * Translation uses the memory table or the IOTLB, with a mapping for each page or one
 * for all. With a log, "log" is the cost of marking and flushing.
 */
#include <time.h>
#include "driver.h"
#include "ring_ops.h"

#define NUM		256
#define BATCH		64
#define ROUNDS		20000
#define REPEAT		5
/* Rounds timed together: about 50 us, mostly without an interruption. */
#define AT_A_TIME	40

enum form { PLAIN, PAIR, INDIRECT, NR_FORMS };

static const char *const form_names[] = { "plain", "chain of 2",
					  "indirect of 2" };

enum memory {
	TABLE,
	IOTLB_PAGES,
	IOTLB_ONE,
	IOTLB_SCATTERED,
	LOGGED,
	LOGGED_IOTLB,
	NR_MEMORIES
};

static const char *const memory_names[] = {
	"table", "iotlb, 4K pages", "iotlb, one mapping", "iotlb, scattered",
	"table, log", "iotlb 4K, log",
};

struct bench {
	enum memory memory;
	struct vtap_iotlb *table;
	struct vtap_tlb tlb;
	struct vtap_dirty log;
	u8 bitmap[4096];
	struct drv_span span;
	double marks;
	struct gmem g;
	struct drv d;
	struct vtap_memmap *map;
	struct vtap_mem m;
	struct vtap_ring r;
	struct vtap_chain c;
	struct iovec iov[64];
	u32 heads[BATCH];
	double pop, stage, publish, call, kick;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

/* The cost of now(), which each difference contains once for AT_A_TIME rounds. */
static double clock_cost(void)
{
	double best = 1e9, sum, t;
	int i, k;

	for (i = 0; i < 1000; i++) {
		sum = 0;
		for (k = 0; k < AT_A_TIME; k++) {
			t = now();
			sum += now() - t;
		}
		best = min(best, sum);
	}
	return best;
}

static void add_batch(struct bench *b, enum form form)
{
	struct seg buf[2] = {};
	int i;

	for (i = 0; i < BATCH; i++) {
		buf[0] = (struct seg){ b->g.r[0].gpa + i * 2048, 12,
					   false };
		buf[1] = (struct seg){ b->g.r[0].gpa + i * 2048 + 12,
					   1500, false };
		if (form == INDIRECT)
			drv_add_indirect(&b->d, buf, 2, 0, i);
		else
			drv_add(&b->d, buf, form == PAIR ? 2 : 1, i);
	}
	drv_publish(&b->d);
}

static void take_batch(struct bench *b)
{
	unsigned long long cookie;
	u32 len;

	while (drv_get(&b->d, &cookie, &len))
		;
}

/* The format is a constant, as in the kernel's packet loops. */
static __always_inline void round_trip(struct bench *b, const enum form form,
				       const bool packed)
{
	bool logged = b->memory >= LOGGED;
	double t[7];
	int i;

	add_batch(b, form);
	t[0] = now();
	for (i = 0; i < BATCH; i++) {
		b->c.iov = b->iov;
		b->c.iov_max = ARRAY_SIZE(b->iov);
		if (vtap_ring_pop(&b->r, &b->m, &b->c, packed) != 1)
			abort();
		b->heads[i] = b->c.head;
	}
	t[1] = now();
	for (i = 0; i < BATCH; i++)
		vtap_ring_stage(&b->r, b->heads[i], 0, packed);
	t[2] = now();
	vtap_ring_publish(&b->r, packed);
	t[3] = now();
	vtap_ring_needs_call(&b->r, packed);
	t[4] = now();
	vtap_ring_disable_notify(&b->r, packed);
	vtap_ring_enable_notify(&b->r, packed);
	t[5] = now();
	/* As rx.c does: log the bytes of each first packet, then end the pass. */
	for (i = 0; logged && i < BATCH; i++)
		vtap_dirty_mark_user(&b->log, b->g.r[0].hva + i * 2048, 1512);
	if (logged)
		vtap_dirty_flush(&b->log);
	t[6] = now();
	take_batch(b);
	b->marks += t[6] - t[5];
	b->pop += t[1] - t[0];
	b->stage += t[2] - t[1];
	b->publish += t[3] - t[2];
	b->call += t[4] - t[3];
	b->kick += t[5] - t[4];
}

static void tell(struct bench *b, u64 iova, u64 size, u64 hva, bool in_pages)
{
	u64 off, part = in_pages ? VTAP_PAGE_SIZE : size;

	for (off = 0; off < size; off += part)
		vtap_iotlb_add(b->table, iova + off, iova + off + part - 1,
			       hva + off, VHOST_ACCESS_RW);
}

/* Map buffers as with the table; the ring contiguous or in scattered pages. */
static void start_iotlb(struct bench *b, bool event_idx)
{
	static const struct drv_place at = { 0x10800, 0x20f00, 0x30c00 };
	const struct gmem_region *ram = &b->g.r[0];
	int i;

	b->table = vtap_iotlb_new();
	vtap_tlb_init(&b->tlb, b->table);
	vtap_mem_set(&b->m, b->map, &b->tlb);
	tell(b, ram->gpa, ram->size, ram->hva, b->memory != IOTLB_ONE);
	if (b->memory != IOTLB_SCATTERED) {
		/* IOVAs of the ring equal its addresses. */
		tell(b, 1ull << 40, 1ull << 46, 1ull << 40, false);
		tell(b, 1ull << 46, 1ull << 46, 1ull << 46, false);
		return;
	}
	b->span.first = 0x10000;
	for (i = 0; i < 0x30; i++) {
		/* Use every other page, so that no two pages are adjacent. */
		b->span.page[i] = gmem_host(&b->g, 2 * VTAP_PAGE_SIZE);
		tell(b, b->span.first + i * VTAP_PAGE_SIZE, VTAP_PAGE_SIZE,
		     (uintptr_t)b->span.page[i], true);
	}
	drv_exit(&b->d);
	drv_init_scattered(&b->d, &b->g, NUM, event_idx,
			   b->d.packed ? 0x8000 : 0, &b->span, &at);
	drv_alloc_tables(&b->d, 2);
}

static void start(struct bench *b, enum memory kind, bool event_idx,
		  bool packed)
{
	const bool scattered = kind == IOTLB_SCATTERED;
	struct vhost_memory_region reg;
	struct vtap_ring_cfg cfg;

	memset(b, 0, sizeof(*b));
	b->memory = kind;
	gmem_add(&b->g, 1 << 20, 1 << 20);
	if (packed)
		drv_init_packed(&b->d, &b->g, NUM, event_idx, 0x8000);
	else
		drv_init(&b->d, &b->g, NUM, event_idx, 0);
	drv_alloc_tables(&b->d, 2);
	gmem_fill_entry(&reg, &b->g.r[0]);
	b->map = vtap_memmap_build(&reg, 1);
	vtap_mem_init(&b->m, b->map);
	if (kind != TABLE && kind != LOGGED)
		start_iotlb(b, event_idx);
	cfg = (struct vtap_ring_cfg){
		.num = NUM, .event_idx = event_idx, .iotlb = b->m.tlb,
		.packed = packed,
		.desc = scattered ? b->d.place.desc :
					      (uintptr_t)b->d.desc,
		.avail = scattered ? b->d.place.avail :
					       (uintptr_t)b->d.avail,
		.used = scattered ? b->d.place.used :
					      (uintptr_t)b->d.used,
	};
	if (kind >= LOGGED) {
		vtap_dirty_init(&b->log);
		b->log.base = (uintptr_t)b->bitmap;
		b->log.map = b->map;
		b->log.ring_gpa = 0x1000;
		b->log.ring_by_user = b->m.tlb;
		cfg.log = &b->log;
	}
	if (!vtap_ring_memory_ok(&cfg) || vtap_ring_start(&b->r, &cfg, packed ? 0x8000 : 0) ||
	    vtap_ring_map(&b->r, &b->m, &cfg) ||
	    !!b->r.scattered != scattered)
		abort();
}

static void stop(struct bench *b)
{
	vtap_ring_unmap(&b->r);
	vtap_iotlb_free(b->table);
	vtap_memmap_free(b->map);
	drv_exit(&b->d);
	gmem_free(&b->g);
}

/* Report the best of many runs, because noise only adds time. */
static void bench_ring(enum memory memory, enum form form, bool event_idx,
		       bool packed)
{
	double pop = 1e9, stage = 1e9, publish = 1e9, call = 1e9, kick = 1e9;
	double marks = 1e9;
	const double tick = clock_cost();
	static struct bench b;
	int i;

	start(&b, memory, event_idx, packed);
	for (i = 0; i < ROUNDS; i++) {
		if (packed)
			round_trip(&b, form, true);
		else
			round_trip(&b, form, false);
		if (i % AT_A_TIME != AT_A_TIME - 1)
			continue;
		pop = min(pop, b.pop - tick);
		stage = min(stage, b.stage - tick);
		publish = min(publish, b.publish - tick);
		call = min(call, b.call - tick);
		kick = min(kick, b.kick - tick);
		marks = min(marks, b.marks - tick);
		b.pop = 0;
		b.stage = 0;
		b.publish = 0;
		b.call = 0;
		b.kick = 0;
		b.marks = 0;
	}
	stop(&b);
	i = AT_A_TIME;
	printf("%-6s %-18s %-13s %-9s %6.1f %6.1f %7.1f %6.1f %9.1f %7.1f\n",
	       packed ? "packed" : "split", memory_names[memory], form_names[form],
	       event_idx ? "event_idx" : "flags", pop / i / BATCH,
	       stage / i / BATCH, publish / i / BATCH, marks / i / BATCH,
	       call / i, kick / i);
}

static void bench_translate(u32 nr)
{
	struct vhost_memory_region reg[VTAP_MAX_REGIONS];
	struct vtap_memmap *map;
	double best = 1e9, t;
	struct vtap_mem m;
	struct iovec iov;
	u64 at = 0;
	u32 i, k;

	for (i = 0; i < nr; i++)
		reg[i] = (struct vhost_memory_region){ (u64)i << 20, 1 << 20,
						       (u64)i << 21, 0 };
	map = vtap_memmap_build(reg, nr);
	for (k = 0; k < REPEAT; k++) {
		vtap_mem_init(&m, map);
		t = now();
		for (i = 0; i < 1000000; i++) {
			at = at * 2862933555777941757ull + 3037000493ull;
			vtap_mem_translate(&m, VHOST_ACCESS_RO,
					   ((at >> 32) % nr << 20) + 64,
					   1500, &iov, 1);
			__asm__ __volatile__("" : : "r"(&iov) : "memory");
		}
		best = min(best, now() - t);
	}
	vtap_memmap_free(map);
	printf("translate, %3u regions, random one: %7.1f\n", nr,
	       best / 1000000);
}

int main(void)
{
	enum memory memory;
	enum form form;

	printf("%-49s %6s %6s %7s %6s %9s %7s\n", "ns", "pop", "stage",
	       "publish", "log", "must_call", "kick_*");
	printf("%-49s %6s %6s %7s %6s %9s %7s\n", "for each", "chain", "chain",
	       "chain", "chain", "batch", "batch");
	for (memory = 0; memory < NR_MEMORIES; memory++)
		for (form = 0; form < NR_FORMS; form++) {
			bench_ring(memory, form, true, false);
			bench_ring(memory, form, true, true);
			if (memory != TABLE)
				continue;
			bench_ring(memory, form, false, false);
			bench_ring(memory, form, false, true);
		}
	bench_translate(1);
	bench_translate(8);
	bench_translate(64);
	bench_translate(509);
	return 0;
}
