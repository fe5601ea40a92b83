// SPDX-License-Identifier: GPL-2.0
/* The dirty log and its check (dirty.h). */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dirty.h"

#define PAGE	4096UL

/* Return the page number in g->mem of a pointer into guest memory. */
static size_t page_at(struct guest *g, const void *ptr)
{
	const uint8_t *p = ptr;

	if (g->view && p >= g->view && p < g->view + g->mem_len)
		return g->perm[(p - g->view) / PAGE];
	return (p - g->mem) / PAGE;
}

static void mark(struct dirty *d, uint8_t *map, const void *from,
		 const void *end)
{
	const uint8_t *p = (void *)((uintptr_t)from & ~(PAGE - 1));

	for (; p < (const uint8_t *)end; p += PAGE)
		map[page_at(d->g, p)] = 1;
}

static void mark_ring(struct dirty *d, struct vq *q)
{
	if (q->packed) {
		mark(d, d->shared, q->desc, q->desc + q->num);
		mark(d, d->ours, q->avail, (char *)q->avail + 4);
		mark(d, d->may, q->used, (char *)q->used + 4);
		return;
	}
	mark(d, d->ours, q->desc, q->desc + q->num);
	mark(d, d->ours, q->avail, (char *)q->avail + drv_avail_size(q->num, true));
	/* Writes of flags, index and event word often do not change them. */
	mark(d, d->may, q->used, q->used->ring);
	mark(d, d->may, &q->used->ring[q->num],
	     (char *)&q->used->ring[q->num] + 2);
}

static uint64_t highest_gpa(struct guest *g)
{
	struct vhost_memory_region *r;
	uint64_t top = 0;
	unsigned int i;

	for (i = 0; i < g->table->nregions; i++) {
		r = &g->table->regions[i];
		if (r->guest_phys_addr + r->memory_size > top)
			top = r->guest_phys_addr + r->memory_size;
	}
	return top;
}

int dirty_init(struct dirty *d, struct guest *g)
{
	size_t pages = g->mem_len / PAGE;
	int i;

	*d = (struct dirty){ .g = g, .len = highest_gpa(g) / PAGE / 8 + PAGE };
	d->bits = mmap(NULL, d->len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	d->snap = malloc(g->mem_len);
	d->may = calloc(pages, 1);
	d->ours = calloc(pages, 1);
	d->shared = calloc(pages, 1);
	if (d->bits == MAP_FAILED || !d->snap || !d->may || !d->ours ||
	    !d->shared)
		return -ENOMEM;
	for (i = 0; i < 2; i++) {
		if (g->vq[i].gpa)	/* otherwise not in guest memory */
			mark_ring(d, &g->vq[i]);
	}
	return 0;
}

void dirty_free(struct dirty *d)
{
	if (d->bits && d->bits != MAP_FAILED)
		munmap(d->bits, d->len);
	free(d->snap);
	free(d->may);
	free(d->ours);
	free(d->shared);
	*d = (struct dirty){};
}

int dirty_base(struct dirty *d, void *base)
{
	uint64_t addr = (uintptr_t)base;

	return guest_ioctl(d->g->vhost, VHOST_SET_LOG_BASE, &addr);
}

static int switch_log(struct dirty *d, bool on)
{
	struct guest *g = d->g;
	uint64_t features = g->features | (on ? F_LOG_ALL : 0);
	int i, err;

	err = guest_ioctl(g->vhost, VHOST_SET_FEATURES, &features);
	for (i = 0; !err && i < 2; i++) {
		g->vq[i].is_logged = on;
		err = guest_set_addr(g, i);
	}
	return err;
}

/* Do what QEMU does at the start of a migration, on running rings. */
int dirty_on(struct dirty *d)
{
	return dirty_base(d, d->bits) ?: switch_log(d, true);
}

int dirty_off(struct dirty *d)
{
	return switch_log(d, false);
}

/* Clear the bits, copy memory, and make sure that used elements will differ. */
void dirty_snap(struct dirty *d)
{
	memset(d->bits, 0, d->len);
	memcpy(d->snap, d->g->mem, d->g->mem_len);
}

static bool is_set(struct dirty *d, uint64_t gpa)
{
	return __atomic_load_n(&d->bits[gpa / PAGE / 8], __ATOMIC_ACQUIRE) &
	       1 << gpa / PAGE % 8;
}

static bool is_same(struct dirty *d, size_t page)
{
	return !memcmp(d->snap + page * PAGE, d->g->mem + page * PAGE, PAGE);
}

enum sort { MISSED, NEEDLESS, SET };

static unsigned int count(struct dirty *d, enum sort what, bool tell)
{
	struct vhost_memory_region *r;
	unsigned int i, n = 0;
	size_t at, page;
	bool hit;

	for (i = 0; i < d->g->table->nregions; i++) {
		r = &d->g->table->regions[i];
		for (at = 0; at < r->memory_size; at += PAGE) {
			page = page_at(d->g, (uint8_t *)r->userspace_addr + at);
			/* Read the bit first: the device sets it after writing the bytes. */
			hit = is_set(d, r->guest_phys_addr + at);
			if (what != SET && d->shared[page] && !d->driver_rests)
				continue;
			/* Comparing bytes is slow and mostly unnecessary. */
			if (what == SET ? !hit :
			    what == MISSED ? hit || d->ours[page] || is_same(d, page) :
			    !hit || (!d->ours[page] &&
				     (d->may[page] || !is_same(d, page))))
				continue;
			n++;
			if (tell && n < 6)
				printf("# page 0x%llx %s%s\n",
				       (unsigned long long)r->guest_phys_addr +
				       at, what == MISSED ? "missed" :
				       "logged without need",
				       d->ours[page] ? ", the driver's" : "");
		}
	}
	return n;
}

/* Count the pages that changed and are not in the log. */
unsigned int dirty_missed(struct dirty *d, bool tell)
{
	return count(d, MISSED, tell);
}

/* Count the pages in the log that did not change. */
unsigned int dirty_needless(struct dirty *d, bool tell)
{
	return count(d, NEEDLESS, tell);
}

unsigned int dirty_set(struct dirty *d)
{
	return count(d, SET, false);
}

/* Wait for the first set bit, if the device is about to set one. */
unsigned int dirty_set_soon(struct dirty *d)
{
	int i;

	for (i = 0; i < 100 && !dirty_set(d); i++)
		usleep(10000);
	return dirty_set(d);
}

/* Check that the log matches exactly. Give a device that still works time to finish. */
bool dirty_exact(struct dirty *d)
{
	int i;

	for (i = 0; i < 100; i++) {
		if (!dirty_missed(d, false) && !dirty_needless(d, false))
			return true;
		usleep(10000);
	}
	return !dirty_missed(d, true) & !dirty_needless(d, true);
}

/* Check that no page is missing. Pages logged without need only cost time. */
bool dirty_covered(struct dirty *d)
{
	int i;

	for (i = 0; i < 100; i++) {
		if (!dirty_missed(d, false))
			return true;
		usleep(10000);
	}
	return !dirty_missed(d, true);
}

/* Do a round of precopy: clear the bits and copy their pages to the destination. */
void dirty_harvest(struct dirty *d)
{
	struct vhost_memory_region *r;
	unsigned int i;
	size_t at, page;
	uint64_t gpa;
	uint8_t bit;

	for (i = 0; i < d->g->table->nregions; i++) {
		r = &d->g->table->regions[i];
		for (at = 0; at < r->memory_size; at += PAGE) {
			gpa = r->guest_phys_addr + at;
			bit = 1 << gpa / PAGE % 8;
			if (!(__atomic_fetch_and(&d->bits[gpa / PAGE / 8],
						 ~bit, __ATOMIC_SEQ_CST) & bit))
				continue;
			page = page_at(d->g, (uint8_t *)r->userspace_addr + at);
			memcpy(d->snap + page * PAGE, d->g->mem + page * PAGE,
			       PAGE);
		}
	}
}

/* Count the pages from offset @from on (in guest order) that precopy got wrong. */
unsigned int dirty_stale(struct dirty *d, size_t from)
{
	struct guest *g = d->g;
	unsigned int n = 0;
	size_t at, page;

	for (at = from & ~(PAGE - 1); at < g->mem_len; at += PAGE) {
		page = page_at(g, guest_ptr(g, guest_gpa(g, at), NULL));
		n += !d->ours[page] && !d->shared[page] && memcmp(d->snap + page * PAGE,
					      g->mem + page * PAGE, PAGE);
	}
	return n;
}
