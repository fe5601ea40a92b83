// SPDX-License-Identifier: GPL-2.0
/*
 * iommu.c - a ring behind an IOMMU, for tests
 */
#include "iommu.h"

static u64 page_of(u64 iova)
{
	return iova & ~(IOMMU_PAGE - 1);
}

static bool is_scattered(const struct iommu *f)
{
	return f->shape.kind == IOMMU_TABLE_PAGES ||
	       f->shape.kind == IOMMU_IOTLB_PAGES;
}

/* Allocate host pages for @nr guest pages from @iova on, maybe shuffled. */
static void add_pages(struct iommu *f, u64 iova, unsigned int nr)
{
	static char *page[512];	/* too large for a kernel stack */
	char *block = NULL;
	unsigned int i;

	shim_assert(nr <= ARRAY_SIZE(page));
	if (!is_scattered(f))
		block = gmem_host_bare(&f->g, nr * IOMMU_PAGE);
	for (i = 0; i < nr; i++)
		page[i] = block ? block + i * IOMMU_PAGE :
				  gmem_host_bare(&f->g, IOMMU_PAGE);
	for (i = nr; is_scattered(f) && i > 1; i--) {
		u32 k = rnd_below(&f->rnd, i);

		swap(page[i - 1], page[k]);
	}
	for (i = 0; i < nr; i++) {
		f->perm[f->g.nr] = VHOST_ACCESS_RW;
		gmem_claim(&f->g, iova + i * IOMMU_PAGE, IOMMU_PAGE,
			   (uintptr_t)page[i]);
	}
}

int iommu_region(const struct iommu *f, u64 iova)
{
	const struct gmem_region *r = gmem_find(f->g.r, f->g.nr, iova);

	return r ? r - f->g.r : -1;
}

/* Distinct, in another order and on every second page, below 4 MiB. */
u64 iommu_gpa(const struct iommu *f, int region)
{
	return (region * 37ull % 512) << 13;
}

static void add_rights(struct iommu *f, u64 iova, u64 len,
		       enum shim_right right)
{
	while (len) {
		size_t room;
		void *at = gmem_at(f->g.r, f->g.nr, iova, &room);
		u64 part = min_t(u64, len, room);

		shim_extent_add(at, part, right);
		iova += part;
		len -= part;
	}
}

static int cmp_u64(const void *a, const void *b)
{
	const u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The pages of the three areas, each once. */
static void make_ring_pages(struct iommu *f)
{
	const struct iommu_shape *s = &f->shape;
	const struct { u64 iova, len; } area[] = {
		{ s->place.desc, drv_desc_size(s->num) },
		{ s->place.avail, s->packed ? DRV_EVENT_SIZE :
			       drv_avail_size(s->num, s->event_idx) },
		{ s->place.used, s->packed ? DRV_EVENT_SIZE :
			      drv_used_size(s->num, s->event_idx) },
	};
	static u64 page[512];
	u64 at;
	unsigned int i, k, nr = 0;

	for (i = 0; i < ARRAY_SIZE(area); i++) {
		u64 last = page_of(area[i].iova + area[i].len - 1);

		for (at = page_of(area[i].iova); ; at += IOMMU_PAGE) {
			for (k = 0; k < nr && page[k] != at; k++)
				;
			if (k == nr)
				page[nr++] = at;
			if (at == last)
				break;
		}
	}
	sort(page, nr, sizeof(page[0]), cmp_u64, NULL);
	for (i = 0; i < nr; i = k) {
		for (k = i + 1;
		     k < nr && page[k] == page[k - 1] + IOMMU_PAGE;)
			k++;
		add_pages(f, page[i], k - i);
	}
	f->span.first = page[0];
	for (i = 0; i < nr; i++) {
		k = (page[i] - page[0]) / IOMMU_PAGE;
		shim_assert(k < ARRAY_SIZE(f->span.page));
		f->span.page[k] = gmem_hva(&f->g, page[i], IOMMU_PAGE);
	}
	add_rights(f, area[0].iova, area[0].len, s->packed ? SHIM_RW : SHIM_R);
	add_rights(f, area[1].iova, area[1].len, SHIM_R);
	add_rights(f, area[2].iova, area[2].len, SHIM_RW);
	f->d.packed = s->packed;
	drv_init_scattered(&f->d, &f->g, s->num, s->event_idx, s->start,
			   &f->span, &s->place);
}

static struct vtap_memmap *build(const struct iommu *f, bool phys)
{
	struct vhost_memory_region *reg = calloc(GMEM_MAX, sizeof(*reg));
	struct vtap_memmap *map;
	unsigned int i;

	shim_assert(reg);
	for (i = 0; i < f->g.nr; i++) {
		gmem_fill_entry(&reg[i], &f->g.r[i]);
		if (phys)
			reg[i].guest_phys_addr = iommu_gpa(f, i);
	}
	map = vtap_memmap_build(reg, f->g.nr);
	free(reg);
	shim_assert(!IS_ERR(map));
	return map;
}

static void start_log(struct iommu *f)
{
	f->bitmap = gmem_host_bare(&f->g, IOMMU_LOG_BYTES);
	shim_extent_add(f->bitmap, IOMMU_LOG_BYTES, SHIM_RW | SHIM_SHARED);
	vtap_dirty_init(&f->log);
	f->log.base = (uintptr_t)f->bitmap;
	f->log.map = f->phys;
	f->log.payload = true;
	f->log.ring = true;
	f->log.ring_by_user = iommu_has_iotlb(f);
	f->log.ring_gpa = IOMMU_RING_GPA;
	f->cfg.log = &f->log;
}

struct iommu *iommu_new(const struct iommu_shape *shape)
{
	struct iommu *f = calloc(1, sizeof(*f));
	u64 table = IOMMU_RAM + IOMMU_RAM_SIZE / 2;

	shim_assert(f);
	f->shape = *shape;
	f->rnd.state = shape->seed;
	f->cfg = (struct vtap_ring_cfg){
		.num = shape->num,
		.packed = shape->packed,
		.event_idx = shape->event_idx,
		.iotlb = iommu_has_iotlb(f),
	};
	add_pages(f, IOMMU_RAM, IOMMU_RAM_PAGES);
	add_rights(f, IOMMU_RAM, IOMMU_RAM_SIZE, SHIM_RW);
	if (iommu_has_iotlb(f)) {
		make_ring_pages(f);
		f->cfg.desc = shape->place.desc;
		f->cfg.avail = shape->place.avail;
		f->cfg.used = shape->place.used;
	} else if (shape->packed) {
		drv_init_packed(&f->d, &f->g, shape->num, shape->event_idx,
				shape->start);
	} else {
		drv_init(&f->d, &f->g, shape->num, shape->event_idx,
			 shape->start);
	}
	if (!iommu_has_iotlb(f)) {
		f->cfg.desc = (uintptr_t)f->d.desc;
		f->cfg.avail = (uintptr_t)f->d.avail;
		f->cfg.used = (uintptr_t)f->d.used;
	}
	/* Tables have their own pages, each with a whole number of them. */
	f->d.table_max = IOMMU_TABLE;
	f->d.table_gpa = table;
	f->phys = build(f, true);
	if (iommu_has_iotlb(f)) {
		f->table = vtap_iotlb_new();
		shim_assert(f->table);
		vtap_tlb_init(&f->tlb, f->table);
		vtap_mem_init(&f->m, f->phys);
		vtap_mem_set(&f->m, f->phys, &f->tlb);
	} else {
		f->virt = build(f, false);
		vtap_mem_init(&f->m, f->virt);
	}
	if (shape->log)
		start_log(f);
	shim_assert(vtap_ring_memory_ok(&f->cfg));
	shim_assert(!vtap_ring_start(&f->r, &f->cfg, shape->packed ?
				     shape->start | (u32)shape->start << 16 :
				     shape->start));
	return f;
}

void iommu_free(struct iommu *f)
{
	if (!f)
		return;
	shim_idle();
	vtap_ring_unmap(&f->r);
	vtap_iotlb_free(f->table);
	vtap_memmap_free(f->phys);
	vtap_memmap_free(f->virt);
	drv_exit(&f->d);
	gmem_free(&f->g);
	free(f);
}

int iommu_start(struct iommu *f, u32 base)
{
	vtap_ring_unmap(&f->r);
	return vtap_ring_start(&f->r, &f->cfg, base);
}

void iommu_update(struct iommu *f, u64 iova, u64 size, u64 uaddr,
		  u8 perm)
{
	u64 last = iova + (size - 1);

	/* As the client's message is checked; it permits later accesses. */
	shim_assert(access_ok((void *)(uintptr_t)uaddr, size));
	if (!vtap_iotlb_add(f->table, iova, last, uaddr, perm))
		return;
	vtap_mem_invalidate(&f->m, iova, last);
	if (vtap_ring_touches(&f->cfg, iova, last))
		vtap_ring_unmap(&f->r);
}

void iommu_invalidate(struct iommu *f, u64 first, u64 last)
{
	vtap_iotlb_del(f->table, first, last);
	vtap_mem_invalidate(&f->m, first, last);
	if (vtap_ring_touches(&f->cfg, first, last))
		vtap_ring_unmap(&f->r);
}

bool iommu_answer(struct iommu *f)
{
	int i = iommu_region(f, f->tlb.miss_iova);

	if (i < 0 || !f->perm[i])
		return false;
	f->nr_misses++;
	iommu_update(f, f->g.r[i].gpa, f->g.r[i].size, f->g.r[i].hva,
		     f->perm[i]);
	return true;
}

int iommu_map(struct iommu *f)
{
	int err;

	do {
		err = vtap_ring_map(&f->r, &f->m, &f->cfg);
		shim_idle();
	} while (err == -EAGAIN && iommu_answer(f));
	return err;
}

int iommu_pop(struct iommu *f)
{
	int ret;

	do {
		if (!f->r.mapped || !f->r.loaded) {
			ret = iommu_map(f);
			if (ret)
				return ret;
		}
		f->c.iov = f->iov;
		f->c.iov_max = ARRAY_SIZE(f->iov);
		ret = vtap_ring_pop(&f->r, &f->m, &f->c, f->r.packed);
		shim_idle();
	} while (ret == -EAGAIN && iommu_answer(f));
	return ret;
}

/* Return the guest physical address of a byte of host memory. */
static u64 gpa_of(const struct iommu *f, u64 hva)
{
	u64 off = hva - (uintptr_t)f->d.used;
	unsigned int i;

	if (f->d.used && off < drv_used_size(f->d.num, f->d.event_idx))
		return IOMMU_RING_GPA + off;
	for (i = 0; i < f->g.nr; i++)
		if (hva - f->g.r[i].hva < f->g.r[i].size)
			return iommu_gpa(f, i) + (hva - f->g.r[i].hva);
	shim_die("the device wrote what is no guest memory", __FILE__,
		 __LINE__);
}

static void note_store(void *addr, size_t len, void *arg)
{
	struct iommu *f = arg;
	u64 hva = (uintptr_t)addr;
	u64 page;

	if (hva - (uintptr_t)f->bitmap < IOMMU_LOG_BYTES)
		return;
	for (; len; len--) {
		page = gpa_of(f, hva++) / IOMMU_PAGE;
		f->want[page / 8] |= 1 << page % 8;
	}
}

void iommu_watch(struct iommu *f)
{
	shim.after_store = note_store;
	shim.arg = f;
}

static bool is_logged(const u8 *bitmap, u64 gpa)
{
	return bitmap[gpa / IOMMU_PAGE / 8] >> gpa / IOMMU_PAGE % 8 & 1;
}

int iommu_check_log(struct iommu *f, u64 *gpa)
{
	int wrong = 0;
	u64 at;

	if (memcmp(f->want, f->bitmap, sizeof(f->want)) == 0)
		goto take;
	for (at = 0; at < IOMMU_LOG_BYTES * 8 * IOMMU_PAGE;
	     at += IOMMU_PAGE) {
		if (is_logged(f->want, at) == is_logged(f->bitmap, at))
			continue;
		*gpa = at;
		wrong = max(wrong, is_logged(f->want, at) ? 1 : 2);
	}
take:
	memset(f->bitmap, 0, IOMMU_LOG_BYTES);
	memset(f->want, 0, sizeof(f->want));
	return wrong;
}

void iommu_expect_log(struct kunit *test, struct iommu *f)
{
	u64 gpa = 0;
	int wrong;

	vtap_dirty_flush(&f->log);
	KUNIT_EXPECT_FALSE(test, f->log.failed);
	wrong = iommu_check_log(f, &gpa);
	if (wrong)
		KUNIT_FAIL(test, "page %#llx: %s", gpa, wrong == 1 ? "missed" :
			   "marked, and not written");
}

void iommu_write(struct iommu *f, u64 iova, const void *from,
		 size_t len)
{
	shim_assert(gmem_copy(f->g.r, f->g.nr, iova, (void *)from, len, true));
}

void iommu_read(const struct iommu *f, void *to, u64 iova, size_t len)
{
	shim_assert(gmem_copy(f->g.r, f->g.nr, iova, to, len, false));
}
