// SPDX-License-Identifier: GPL-2.0
/*
 * race.c - the driver's side of the races, and the list of races
 */
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "pdriver.h"
#include "race.h"

void fail(struct race *t, const char *what)
{
	__atomic_store_n(&t->failed, what, __ATOMIC_RELAXED);
}

bool has_failed(struct race *t)
{
	return __atomic_load_n(&t->failed, __ATOMIC_RELAXED);
}

void signal_fd(int fd)
{
	u64 one = 1;

	if (syscall(SYS_write, fd, &one, sizeof(one)) != sizeof(one))
		abort();
}

bool sleep_fd(struct race *t, int fd, const char *lost)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int waited;
	u64 count;

	for (waited = 0; waited < LOST_MS && !has_failed(t); waited += 100) {
		if (syscall(SYS_poll, &p, 1, 100) != 1)
			continue;
		if (syscall(SYS_read, fd, &count, sizeof(count)) < 0)
			abort();
		return true;
	}
	if (!has_failed(t))
		fail(t, lost);
	return false;
}

void maybe_pause(int every, u64 n)
{
	if (every && n % every == 0)
		sched_yield();
}

/* ---- the driver ---- */

struct driver {
	struct race *t;
	struct rnd rnd;
	u64 nr_added;
	u64 nr_got;
	u8 nr_out[32768];	/* indexed by slot of the buffer area */
	u8 nr_all[32768];
};

/* A buffer is reused only after its chain returned: FIFO, one slot for each. */
static u64 *buf_of(struct race *t, u64 chain, unsigned int i,
		   u64 *gpa)
{
	*gpa = t->bufs + (chain % t->num * MAX_BUFS + i) * BUF_SIZE;
	return gmem_hva(&t->f->g, *gpa, BUF_SIZE);
}

static bool driver_add_one(struct driver *v)
{
	struct race *t = v->t;
	struct seg buf[MAX_BUFS];
	u16 slot = v->nr_added % t->num;
	unsigned int nr = 1 + rnd(&v->rnd) % min_t(u32, MAX_BUFS, t->num);
	unsigned int nr_out = rnd(&v->rnd) % (nr + 1), i, k;
	u64 gpa;

	if (v->nr_added - v->nr_got >= t->num)
		return false;
	if (!t->indirect && nr > t->d->nr_free)
		return false;
	for (i = 0; i < nr; i++) {
		u64 *p = buf_of(t, v->nr_added, i, &gpa);

		for (k = 0; k < BUF_SIZE / sizeof(u64); k++)
			p[k] = v->nr_added + i;
		buf[i] = (struct seg){ gpa, BUF_SIZE, i >= nr_out };
	}
	v->nr_out[slot] = nr_out;
	v->nr_all[slot] = nr;
	if (t->indirect)
		return drv_add_indirect(t->d, buf, nr, 0, v->nr_added) >= 0;
	return drv_add(t->d, buf, nr, v->nr_added) >= 0;
}

static void driver_add(struct driver *v)
{
	struct race *t = v->t;
	u32 nr = 1 + rnd(&v->rnd) % 40, i;

	for (i = 0; i < nr && v->nr_added < t->nr_chains; i++) {
		if (!driver_add_one(v))
			break;
		v->nr_added++;
	}
	if (!i)
		return;
	drv_publish(t->d);
	if (drv_must_kick(t->d)) {
		t->nr_kicks++;
		signal_fd(t->kick);
	}
}

static bool driver_check(struct driver *v, u64 chain, u32 len)
{
	struct race *t = v->t;
	unsigned int i, k;
	u64 gpa;

	/* This device uses chains in the order of their arrival. */
	if (chain != v->nr_got || len != (u32)chain)
		return false;
	for (i = v->nr_out[chain % t->num]; i < v->nr_all[chain % t->num];
	     i++) {
		const u64 *p = buf_of(t, chain, i, &gpa);

		for (k = 0; k < BUF_SIZE / sizeof(u64); k++)
			if (p[k] != ~(chain + i))
				return false;
	}
	return true;
}

static void driver_take(struct driver *v)
{
	struct race *t = v->t;
	unsigned long long chain;
	u32 len;

	while (drv_get(t->d, &chain, &len)) {
		if (!driver_check(v, chain, len)) {
			fail(t, "driver got other bytes than were written");
			return;
		}
		v->nr_got++;
	}
	if (t->d->broken)
		fail(t, t->d->broken);
}

static void driver_run(struct driver *v)
{
	struct race *t = v->t;
	u64 batches = 0, before;

	drv_call_off(t->d);
	while (v->nr_got < t->nr_chains && !has_failed(t)) {
		before = v->nr_added + v->nr_got;
		driver_add(v);
		maybe_pause(t->driver_pause, ++batches);
		driver_take(v);
		if (before != v->nr_added + v->nr_got)
			continue;
		/* Full, or all are added: wait for the device. */
		if (!drv_call_on(t->d) &&
		    !sleep_fd(t, t->call, "a call was lost"))
			return;
		drv_call_off(t->d);
	}
}

static u8 *copy_of(struct race *t, u64 iova)
{
	return &t->copy[iommu_region(t->f, iova)][iova % IOMMU_PAGE];
}

/* Check the copy of the device area, and of each used packed descriptor. */
static void check_ring_copy(struct race *t)
{
	const struct drv_place *at = &t->f->shape.place;
	u32 i, len = t->packed ? DRV_EVENT_SIZE :
				 drv_used_size(t->num, t->event_idx);

	for (i = 0; i < len / 2; i++)
		if (memcmp(drv_used_at(t->d, i), copy_of(t, at->used + 2 * i),
			   2))
			fail(t, "a write into the ring did not migrate");
	for (i = 0; t->packed && i < t->num; i++) {
		const struct pdrv_desc *d = pdrv_desc_at(t->d, i);

		/* AVAIL and USED: written by the device, or before the first lap. */
		if (!(d->flags >> 15) == !(d->flags & 1 << 7) && d->len &&
		    memcmp(&d->len, copy_of(t, at->desc + 16ull * i + 8), 8))
			fail(t, "a used entry did not migrate");
	}
}

/* Check that the copy has all that the device wrote. */
static void check_copy(struct driver *v)
{
	struct race *t = v->t;
	u8 *from, *to;
	u64 chain, gpa;
	u32 i;
	int r;

	check_ring_copy(t);
	/* Check the device's last writes; the driver's own are not in this log. */
	chain = v->nr_got > t->num ? v->nr_got - t->num : 0;
	for (; chain < v->nr_got; chain++)
		for (i = v->nr_out[chain % t->num];
		     i < v->nr_all[chain % t->num]; i++) {
			from = (u8 *)buf_of(t, chain, i, &gpa);
			r = iommu_region(t->f, gpa);
			to = &t->copy[r][gpa % IOMMU_PAGE];
			if (memcmp(from, to, BUF_SIZE))
				fail(t, "a write into a buffer did not migrate");
		}
}

static void start(struct race *t, u64 seed)
{
	struct iommu_shape s = {
		.kind = t->kind, .num = t->num, .event_idx = t->event_idx,
		.start = t->packed ? 0x8000 | (t->num - 1) : 0xff00,
		.packed = t->packed, .seed = seed, .log = t->log,
		.place = { 0x100f00, t->packed ? 0x120ffc : 0x120ffe, 0x140ffc },
	};

	t->f = iommu_new(&s);
	t->d = &t->f->d;
	t->bufs = IOMMU_RAM;
	t->kick = eventfd(0, 0);
	t->call = eventfd(0, 0);
	t->answered = eventfd(0, 0);
	pthread_mutex_init(&t->lock, NULL);
	t->copy = calloc(t->f->g.nr, IOMMU_PAGE);
}

static void stop(struct race *t)
{
	close(t->kick);
	close(t->call);
	close(t->answered);
	pthread_mutex_destroy(&t->lock);
	free(t->copy);
	iommu_free(t->f);
	shim_reset();
}

static void run(struct race *t, int nr)
{
	struct driver *v = calloc(1, sizeof(*v));
	pthread_t device, iommu, migration;

	start(t, nr);
	v->t = t;
	v->rnd.state = nr;
	if (pthread_create(&device, NULL, device_main, t) ||
	    (iommu_has_iotlb(t->f) &&
	     pthread_create(&iommu, NULL, iommu_main, t)) ||
	    (t->log && pthread_create(&migration, NULL, migration_main, t)))
		abort();
	driver_run(v);
	pthread_join(device, NULL);
	if (iommu_has_iotlb(t->f))
		pthread_join(iommu, NULL);
	if (t->log) {
		pthread_join(migration, NULL);
		migration_finish(t);
		check_copy(v);
	}

	printf("# %llu chains, %llu kicks, %llu calls\n", v->nr_got,
	       t->nr_kicks, t->nr_calls);
	if (iommu_has_iotlb(t->f))
		printf("# %lu misses, %llu mappings removed\n",
		       t->f->nr_misses, t->nr_taken_back);
	if (t->log)
		printf("# %llu pages logged, %llu copied\n", t->f->log.pages,
		       t->nr_pages_copied);
	if (t->failed)
		printf("# %s\n", t->failed);
	printf("%sok %d - " BUILD ".%s\n", t->failed ? "not " : "", nr,
	       t->name);
	fflush(stdout);
	stop(t);
	free(v);
}

static struct race races[] = {
	{"race.event_idx", 256, true, false, 0, 0},
	{"race.flags", 256, false, false, 0, 0},
	{"race.event_idx_indirect", 64, true, true, 0, 0},
	{"race.flags_indirect", 64, false, true, 0, 0},
	{"race.event_idx_ring_of_one", 1, true, false, 0, 0},
	{"race.flags_ring_of_one", 1, false, false, 0, 0},
	{"race.event_idx_slow_driver", 8, true, false, 1, 0},
	{"race.flags_slow_driver", 8, false, true, 1, 0},
	{"race.event_idx_slow_device", 32, true, true, 0, 1},
	{"race.flags_slow_device", 32, false, false, 0, 1},
	{"race.iotlb", 256, true, false, 0, 4, IOMMU_IOTLB_LINEAR},
	{"race.iotlb_scattered", 256, true, true, 0, 4, IOMMU_IOTLB_PAGES},
	{"race.iotlb_scattered_flags", 32, false, false, 0, 1,
	 IOMMU_IOTLB_PAGES},
	{"race.iotlb_log", 256, true, false, 0, 4, IOMMU_IOTLB_LINEAR,
	 true},
	{"race.iotlb_log_scattered", 128, false, true, 0, 4,
	 IOMMU_IOTLB_PAGES, true},
	{"race.packed_event_idx", 256, true, false, 0, 0, .packed = true},
	{"race.packed_flags", 255, false, false, 0, 0, .packed = true},
	{"race.packed_event_idx_indirect", 77, true, true, 0, 0,
	 .packed = true},
	{"race.packed_flags_indirect", 64, false, true, 0, 0, .packed = true},
	{"race.packed_event_idx_ring_of_one", 1, true, false, 0, 0,
	 .packed = true},
	{"race.packed_flags_ring_of_one", 1, false, false, 0, 0,
	 .packed = true},
	{"race.packed_event_idx_slow_driver", 7, true, false, 1, 0,
	 .packed = true},
	{"race.packed_flags_slow_driver", 8, false, true, 1, 0, .packed = true},
	{"race.packed_event_idx_slow_device", 33, true, false, 0, 1,
	 .packed = true},
	{"race.packed_flags_slow_device", 32, false, true, 0, 1,
	 .packed = true},
	{"race.packed_iotlb", 300, true, false, 0, 4, IOMMU_IOTLB_LINEAR,
	 .packed = true},
	{"race.packed_iotlb_scattered", 300, true, false, 0, 4,
	 IOMMU_IOTLB_PAGES, .packed = true},
	{"race.packed_iotlb_scattered_flags", 300, false, true, 0, 1,
	 IOMMU_IOTLB_PAGES, .packed = true},
	{"race.packed_iotlb_log", 300, true, false, 0, 4,
	 IOMMU_IOTLB_LINEAR, true, .packed = true},
	{"race.packed_iotlb_log_scattered", 300, true, false, 0, 4,
	 IOMMU_IOTLB_PAGES, true, .packed = true},
};

/* Usage: race [number of chains for each race]; rings of one use a tenth. */
int main(int argc, char **argv)
{
	u64 nr = argc > 1 ? strtoull(argv[1], NULL, 0) : 100000;
	const char *lost;
	int failed = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(races); i++) {
		races[i].nr_chains = races[i].num == 1 ? nr / 10 : nr;
		run(&races[i], i + 1);
		failed |= !!races[i].failed;
	}
	lost = race_dirty_barrier(nr);
	if (lost)
		printf("# %s\n", lost);
	printf("%sok %u - " BUILD ".race.dirty_barrier\n1..%u\n",
	       lost ? "not " : "", i + 1, i + 1);
	return failed || lost;
}
