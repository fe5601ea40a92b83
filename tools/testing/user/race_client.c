// SPDX-License-Identifier: GPL-2.0
/*
 * race_client.c - the client's side of the races: IOMMU and migration. Barrier G is the
 * one of ring/dirty.h.
 */
#include <sched.h>
#include <unistd.h>
#include "race.h"

static bool device_is_done(struct race *t)
{
	return __atomic_load_n(&t->device_is_done, __ATOMIC_ACQUIRE) ||
	       has_failed(t);
}

/* ---- the IOMMU ---- */

/* As vtap_queue_invalidate() does: translations from before must not be used now. */
static void forget(struct race *t, u64 first, u64 last)
{
	__atomic_store_n(&t->client_waits, true, __ATOMIC_RELAXED);
	pthread_mutex_lock(&t->lock);
	__atomic_store_n(&t->client_waits, false, __ATOMIC_RELAXED);
	vtap_mem_invalidate(&t->f->m, first, last);
	if (vtap_ring_touches(&t->f->cfg, first, last))
		vtap_ring_unmap(&t->f->r);
	pthread_mutex_unlock(&t->lock);
}

static void take_back(struct race *t, u32 i)
{
	const struct gmem_region *r = &t->f->g.r[i];
	u64 last = r->gpa + IOMMU_PAGE - 1;

	vtap_iotlb_del(t->f->table, r->gpa, last);
	forget(t, r->gpa, last);
	__atomic_store_n(&t->revoked[i], 1, __ATOMIC_RELAXED);
	t->nr_taken_back++;
}

static void give(struct race *t, u32 i)
{
	const struct gmem_region *r = &t->f->g.r[i];
	u64 last = r->gpa + IOMMU_PAGE - 1;

	__atomic_store_n(&t->revoked[i], 0, __ATOMIC_RELAXED);
	if (vtap_iotlb_add(t->f->table, r->gpa, last, r->hva, VHOST_ACCESS_RW))
		forget(t, r->gpa, last);
}

static void answer(struct race *t)
{
	if (!__atomic_load_n(&t->asked, __ATOMIC_ACQUIRE))
		return;
	t->f->nr_misses++;
	give(t, iommu_region(t->f, t->f->tlb.miss_iova));
	__atomic_store_n(&t->asked, false, __ATOMIC_RELEASE);
	signal_fd(t->answered);
}

void *iommu_main(void *arg)
{
	struct rnd g = { 11 };
	struct race *t = arg;

	while (!device_is_done(t)) {
		u32 i = rnd_below(&g, t->f->g.nr);

		answer(t);
		/* Seldom enough that the device makes progress. */
		switch (rnd_below(&g, 64)) {
		case 0:
		case 1:
		case 2:
			take_back(t, i);
			break;
		case 3:
			give(t, i);
			break;
		default:
			sched_yield();
		}
		if (rnd_below(&g, 64) == 0)
			usleep(rnd_below(&g, 200));
	}
	return NULL;
}

/* ---- the migration ---- */

/* Hidden from TSan: a page may change during its copy and is then copied again. */
__attribute__((__no_sanitize__("thread")))
static void copy_page(struct race *t, u64 gpa)
{
	volatile const u64 *from;
	unsigned int i, k;
	u64 *to;

	for (i = 0; i < t->f->g.nr; i++) {
		if (iommu_gpa(t->f, i) != gpa)
			continue;
		from = (u64 *)(uintptr_t)t->f->g.r[i].hva;
		to = (u64 *)t->copy[i];
		for (k = 0; k < IOMMU_PAGE / sizeof(u64); k++)
			to[k] = from[k];
		t->nr_pages_copied++;
		return;
	}
	fail(t, "a bit of no page");
}

static void take_bits(struct race *t)
{
	u32 *word = (u32 *)t->f->bitmap, i, bits;

	for (i = 0; i < IOMMU_LOG_BYTES / sizeof(*word); i++) {
		/* Clients read it this way: exchange a word, then copy the pages. */
		if (!__atomic_load_n(&word[i], __ATOMIC_RELAXED))
			continue;
		bits = __atomic_exchange_n(&word[i], 0, __ATOMIC_SEQ_CST);
		for (; bits; bits &= bits - 1)
			copy_page(t, (i * 32ull + __builtin_ctz(bits)) *
				  IOMMU_PAGE);
	}
}

void *migration_main(void *arg)
{
	struct race *t = arg;

	while (!device_is_done(t)) {
		take_bits(t);
		sched_yield();
	}
	return NULL;
}

void migration_finish(struct race *t)
{
	take_bits(t);
}

/* ---- barrier G ---- */

#define PAGES	32

static struct {
	struct vtap_dirty d;
	u64 page[PAGES][64];	/* one cacheline of each is enough */
	u32 __aligned(64) bitmap;
	u64 __aligned(64) warm;
	u64 __aligned(64) ready;
	u64 __aligned(64) go;
	u64 __aligned(64) done;
} litmus;

static void await(const u64 *what, u64 value)
{
	u32 spins = 0;

	while (__atomic_load_n(what, __ATOMIC_ACQUIRE) != value)
		if (++spins % 1024 == 0)
			sched_yield();
}

static void *writer_main(void *arg)
{
	u64 round, rounds = *(u64 *)arg;
	int i;

	for (round = 1; round <= rounds; round++) {
		u32 pages = 1 + round % PAGES;

		/* Read the bitmap early, so that the later access is fast. */
		await(&litmus.warm, round);
		__atomic_load_n(&litmus.bitmap, __ATOMIC_RELAXED);
		__atomic_store_n(&litmus.ready, round, __ATOMIC_RELEASE);

		await(&litmus.go, round);
		for (i = 0; i < pages; i++) {
			__atomic_store_n(&litmus.page[i][0], round,
					 __ATOMIC_RELAXED);
			vtap_dirty_mark(&litmus.d, i * IOMMU_PAGE, 8);
		}
		vtap_dirty_flush(&litmus.d);
		__atomic_store_n(&litmus.done, round, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* Make writes to the pages slow, so that later accesses may overtake them. */
static void cool_pages(void)
{
#ifdef __x86_64__
	int i;

	for (i = 0; i < PAGES; i++)
		__builtin_ia32_clflush(&litmus.page[i][0]);
	__builtin_ia32_mfence();
#endif
}

static void take(u64 *copy)
{
	u32 bits = __atomic_exchange_n(&litmus.bitmap, 0, __ATOMIC_SEQ_CST);
	int i;

	for (i = PAGES - 1; i >= 0; i--)
		if (bits & 1u << i)
			copy[i] = __atomic_load_n(&litmus.page[i][0],
						  __ATOMIC_RELAXED);
}

/*
 * All bits are set at the start of a round. The writer writes. Another thread reads the
 * bits and the pages at some moment of it, and again afterwards. Then all written data
 * has been seen, or a page is lost.
 */
const char *race_dirty_barrier(u64 rounds)
{
	u64 copy[PAGES] = {}, round, lost = 0;
	pthread_t writer;
	int i;

	memset(&litmus, 0, sizeof(litmus));
	shim_extent_add(&litmus.bitmap, sizeof(litmus.bitmap),
			SHIM_RW | SHIM_SHARED);
	vtap_dirty_init(&litmus.d);
	litmus.d.base = (uintptr_t)&litmus.bitmap;
	if (pthread_create(&writer, NULL, writer_main, &rounds))
		abort();
	for (round = 1; round <= rounds; round++) {
		u32 pages = 1 + round % PAGES, wait = round * 7 % 501;

		__atomic_store_n(&litmus.bitmap, ~0u, __ATOMIC_RELAXED);
		cool_pages();
		__atomic_store_n(&litmus.warm, round, __ATOMIC_RELEASE);
		await(&litmus.ready, round);
		__atomic_store_n(&litmus.go, round, __ATOMIC_RELEASE);
		while (wait--)
			barrier();
		take(copy);
		await(&litmus.done, round);
		take(copy);
		for (i = 0; i < pages; i++)
			lost += copy[i] != round;
	}
	pthread_join(writer, NULL);
	shim_extent_del(&litmus.bitmap, sizeof(litmus.bitmap));
	printf("# %llu rounds, %llu pages lost\n", rounds, lost);
	if (litmus.d.failed)
		return "the log failed";
	return lost ? "a page was written and its bit not set" : NULL;
}
