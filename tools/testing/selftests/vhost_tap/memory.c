// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory and its regions: one memfd, divided and shuffled as a test needs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest.h"

#define GPA_HOLE	0x40000000ULL
#define PAGE		4096UL

static uint64_t hole(const struct guest *g)
{
	return g->layout == LAYOUT_HOLES ? GPA_HOLE : 0;
}

/* Offsets count bytes of memory; holes only exist in guest addresses. */
uint64_t guest_gpa(const struct guest *g, size_t offset)
{
	return g->gpa_base + offset + offset / g->chunk_len * hole(g);
}

static void shuffle(uint16_t *v, unsigned int nr)
{
	unsigned int i, j;
	uint16_t tmp;

	srand(1);
	for (i = nr - 1; i > 0; i--) {
		j = rand() % (i + 1);
		tmp = v[i];
		v[i] = v[j];
		v[j] = tmp;
	}
}

/* With an IOTLB, the table only maps user addresses to guest pages. */
static void fill_table_flat(struct guest *g)
{
	size_t half = g->mem_len / 2;
	unsigned int i;

	g->table->nregions = 2;
	for (i = 0; i < 2; i++) {
		struct gmem_region r = {
			.gpa = g->gpa_base + i * (half + GPA_HOLE),
			.size = half,
			.hva = (uintptr_t)g->mem + i * half,
		};

		gmem_fill_entry(&g->table->regions[i], &r);
	}
}

/* Map the scattered pages for this process, in the order of their IOVAs. */
static int view_init(struct guest *g)
{
	size_t i;

	g->view = mmap(NULL, g->mem_len, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	for (i = 0; g->view != MAP_FAILED && i < g->nr_regions; i++)
		if (mmap(g->view + i * PAGE, PAGE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, g->memfd,
			 g->perm[i] * PAGE) == MAP_FAILED)
			return -errno;
	return g->view == MAP_FAILED ? -errno : 0;
}

/* Place the chunks of memory at their guest addresses. */
static void fill_regions(struct guest *g)
{
	unsigned int i;

	for (i = 0; i < g->nr_regions; i++)
		g->region[i] = (struct gmem_region){
			.gpa = guest_gpa(g, i * g->chunk_len),
			.size = g->chunk_len,
			.hva = (uintptr_t)(g->mem + g->perm[i] * g->chunk_len),
		};
}

static int fill_table(struct guest *g)
{
	unsigned int i, slot;

	if (g->features & F_ACCESS_PLATFORM) {
		fill_table_flat(g);
		return view_init(g);
	}
	for (i = 0; i < g->nr_regions; i++) {
		slot = i;
		if (g->layout == LAYOUT_SHUFFLED)
			slot = g->perm[i];
		else if (g->layout == LAYOUT_HOLES)
			slot = g->nr_regions - 1 - i;
		gmem_fill_entry(&g->table->regions[slot], &g->region[i]);
	}
	g->table->nregions = g->nr_regions;
	return 0;
}

int guest_mem_init(struct guest *g, const struct guest_cfg *cfg)
{
	unsigned int i;

	g->gpa_base = cfg->gpa_base ?: GUEST_GPA;
	g->nr_regions = cfg->regions ?: 1;
	g->layout = cfg->layout;
	g->mem_len = cfg->mem_len ?: 8 << 20;
	if (g->features & F_ACCESS_PLATFORM) {
		g->nr_regions = g->mem_len / PAGE;
		g->layout = LAYOUT_SHUFFLED;
	}
	g->chunk_len = g->mem_len / g->nr_regions & ~(PAGE - 1);
	g->mem_len = g->chunk_len * g->nr_regions;
	g->kept = g->nr_regions / 2 * g->chunk_len;
	if (g->nr_regions == 1)
		g->kept = g->mem_len / 2;

	g->memfd = memfd_create("guest", MFD_CLOEXEC);
	if (g->memfd < 0 || ftruncate(g->memfd, g->mem_len))
		return -errno;
	g->mem = mmap(NULL, g->mem_len, PROT_READ | PROT_WRITE, MAP_SHARED,
		      g->memfd, 0);
	if (g->mem == MAP_FAILED)
		return -errno;

	g->table = calloc(1, sizeof(*g->table) +
			  g->nr_regions * sizeof(g->table->regions[0]));
	g->perm = calloc(g->nr_regions, sizeof(*g->perm));
	g->region = calloc(g->nr_regions, sizeof(*g->region));
	if (!g->table || !g->perm || !g->region)
		return -ENOMEM;
	for (i = 0; i < g->nr_regions; i++)
		g->perm[i] = i;
	if (g->layout == LAYOUT_SHUFFLED)
		shuffle(g->perm, g->nr_regions);
	fill_regions(g);
	return fill_table(g);
}

int guest_set_mem(struct guest *g)
{
	return guest_ioctl(g->vhost, VHOST_SET_MEM_TABLE, g->table);
}

static size_t place(const struct guest *g, size_t at, size_t len)
{
	size_t left = g->chunk_len - at % g->chunk_len;

	/* A buffer may cross regions, but not a hole. */
	if (g->layout == LAYOUT_HOLES && len > left)
		at += left;
	return at;
}

/* Short-lived memory for packets in flight. At its end it is reused from the start. */
uint64_t guest_scratch(struct guest *g, size_t len)
{
	size_t half = g->nr_regions == 1 ? g->mem_len / 2 :
		      g->nr_regions / 2 * g->chunk_len;
	size_t at = place(g, g->scratch, len);

	if (at + len > half)
		at = 0;
	g->scratch = at + len;
	return guest_gpa(g, at);
}

/* Return: guest address, 0 if memory is exhausted */
uint64_t guest_alloc(struct guest *g, size_t len)
{
	size_t at = place(g, g->kept, len);

	if (at + len > g->mem_len)
		return 0;
	g->kept = at + len;
	return guest_gpa(g, at);
}

/* Return the number of the chunk that may contain @gpa; no later one is below it. */
static unsigned int chunk_of(const struct guest *g, uint64_t gpa)
{
	uint64_t i = (gpa - g->gpa_base) / (g->chunk_len + hole(g));

	return i < g->nr_regions ? i : g->nr_regions;
}

static int copy(struct guest *g, uint64_t gpa, void *buf, size_t len,
		bool to_guest)
{
	unsigned int i = chunk_of(g, gpa);

	return gmem_copy(g->region + i, g->nr_regions - i, gpa, buf, len,
			 to_guest) ? 0 : -EFAULT;
}

/* Return our address of a guest address, and the contiguous bytes from there. */
void *guest_ptr(struct guest *g, uint64_t gpa, size_t *room)
{
	unsigned int i = chunk_of(g, gpa);

	return gmem_at(g->region + i, g->nr_regions - i, gpa, room);
}

int guest_write(struct guest *g, uint64_t gpa, const void *buf, size_t len)
{
	return copy(g, gpa, (void *)buf, len, true);
}

int guest_read(struct guest *g, uint64_t gpa, void *buf, size_t len)
{
	return copy(g, gpa, buf, len, false);
}

void guest_mem_free(struct guest *g)
{
	if (g->mem && g->mem != MAP_FAILED)
		munmap(g->mem, g->mem_len);
	if (g->view && g->view != MAP_FAILED)
		munmap(g->view, g->mem_len);
	if (g->memfd >= 0)
		close(g->memfd);
	free(g->table);
	free(g->perm);
	free(g->region);
	g->memfd = -1;
	g->mem = NULL;
	g->view = NULL;
	g->table = NULL;
	g->perm = NULL;
	g->region = NULL;
}
