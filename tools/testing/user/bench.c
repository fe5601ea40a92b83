// SPDX-License-Identifier: GPL-2.0
/*
 * bench.c - nanoseconds a chain, for each verb
 *
 * Read before: ring/split.h. In plain memory and without the shim's checks, so
 * what is measured is ring/ itself: a user access window costs nothing here
 * and 20 to 40 cycles in the kernel. Good for comparing two versions on one
 * quiet machine, and for nothing else.
 */
#include <time.h>
#include "driver.h"
#include "split.h"

#define NUM		256
#define BATCH		64
#define ROUNDS		20000
#define REPEAT		5

enum form { PLAIN, PAIR, INDIRECT, NR_FORMS };

static const char *const form_names[] = { "plain", "chain of 2",
					  "indirect of 2" };

struct bench {
	struct gmem g;
	struct drv d;
	struct vtap_memmap *map;
	struct vtap_mem m;
	struct vtap_ring r;
	struct vtap_chain c;
	struct iovec iov[64];
	u16 heads[BATCH];
	double pop, stage, publish, call, kick;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static void add_batch(struct bench *b, enum form form)
{
	struct drv_buf buf[2] = {};
	int i;

	for (i = 0; i < BATCH; i++) {
		buf[0] = (struct drv_buf){ b->g.r[0].gpa + i * 2048, 12,
					   false };
		buf[1] = (struct drv_buf){ b->g.r[0].gpa + i * 2048 + 12,
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

static void round_trip(struct bench *b, enum form form)
{
	double t[6];
	int i;

	add_batch(b, form);
	t[0] = now();
	for (i = 0; i < BATCH; i++) {
		b->c.iov = b->iov;
		b->c.iov_max = ARRAY_SIZE(b->iov);
		if (vtap_split_pop(&b->r, &b->m, &b->c) != 1)
			abort();
		b->heads[i] = b->c.head;
	}
	t[1] = now();
	for (i = 0; i < BATCH; i++)
		vtap_split_stage(&b->r, b->heads[i], 0);
	t[2] = now();
	vtap_split_publish(&b->r);
	t[3] = now();
	vtap_split_must_call(&b->r);
	t[4] = now();
	vtap_split_kick_off(&b->r);
	vtap_split_kick_on(&b->r);
	t[5] = now();
	take_batch(b);
	b->pop += t[1] - t[0];
	b->stage += t[2] - t[1];
	b->publish += t[3] - t[2];
	b->call += t[4] - t[3];
	b->kick += t[5] - t[4];
}

static void start(struct bench *b, bool event_idx)
{
	struct vhost_memory_region reg;
	struct vtap_ring_cfg cfg;

	memset(b, 0, sizeof(*b));
	gmem_add(&b->g, 1 << 20, 1 << 20);
	drv_init(&b->d, &b->g, NUM, event_idx, 0);
	drv_alloc_tables(&b->d, 2);
	reg = (struct vhost_memory_region){ b->g.r[0].gpa, b->g.r[0].size,
					    b->g.r[0].hva, 0 };
	b->map = vtap_memmap_build(&reg, 1);
	vtap_mem_init(&b->m, b->map);
	cfg = (struct vtap_ring_cfg){
		.num = NUM, .event_idx = event_idx,
		.desc = (uintptr_t)b->d.desc,
		.avail = (uintptr_t)b->d.avail,
		.used = (uintptr_t)b->d.used,
	};
	if (!vtap_ring_memory_ok(&cfg) || vtap_ring_start(&b->r, &cfg, 0))
		abort();
}

static void stop(struct bench *b)
{
	vtap_memmap_free(b->map);
	drv_exit(&b->d);
	gmem_free(&b->g);
}

/* The best of some: noise only ever adds. */
static void bench_ring(enum form form, bool event_idx)
{
	double pop = 1e9, stage = 1e9, publish = 1e9, call = 1e9, kick = 1e9;
	static struct bench b;
	int i, k;

	for (k = 0; k < REPEAT; k++) {
		start(&b, event_idx);
		for (i = 0; i < ROUNDS / REPEAT; i++)
			round_trip(&b, form);
		stop(&b);
		pop = min(pop, b.pop);
		stage = min(stage, b.stage);
		publish = min(publish, b.publish);
		call = min(call, b.call);
		kick = min(kick, b.kick);
	}
	i = ROUNDS / REPEAT;
	printf("%-14s %-9s %7.1f %7.1f %7.1f %9.1f %9.1f\n", form_names[form],
	       event_idx ? "event_idx" : "flags", pop / i / BATCH,
	       stage / i / BATCH, publish / i / BATCH, call / i, kick / i);
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
	printf("translate, %3u regions, any of them: %7.1f\n", nr,
	       best / 1000000);
}

int main(void)
{
	enum form form;

	printf("%-24s %7s %7s %7s %9s %9s\n", "ns", "pop", "stage", "publish",
	       "must_call", "kick_*");
	printf("%-24s %7s %7s %7s %9s %9s\n", "for each", "chain", "chain",
	       "chain", "batch", "batch");
	for (form = 0; form < NR_FORMS; form++) {
		bench_ring(form, true);
		bench_ring(form, false);
	}
	bench_translate(1);
	bench_translate(8);
	bench_translate(64);
	bench_translate(509);
	return 0;
}
