// SPDX-License-Identifier: GPL-2.0
/*
 * race.c - a driver thread against a device thread
 *
 * Read before: driver.h, ring/split.h. Built twice: under TSan, which tells
 * when one side touches what the other has not handed over, and at full speed,
 * where a missing barrier loses a kick or a call now and then.
 *
 * The two sleep on eventfds through syscall(), which TSan does not know: a
 * kick or a call must not count as the synchronisation that the ring lacks.
 */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "driver.h"
#include "split.h"

#define MAX_BUFS	6
#define BUF_SIZE	64
#ifdef SHIM_FAST
#define BUILD		"fast"
#else
#define BUILD		"tsan"
#endif

/* Longer than any scheduler; what sleeps that long was never woken. */
#define LOST_MS		10000

struct race {
	const char *name;
	u16 num;
	bool event_idx;
	bool indirect;
	int driver_pause;	/* yield after every n-th batch; 0 never */
	int device_pause;

	u64 nr_chains;
	struct gmem g;
	struct drv d;
	u64 bufs;		/* guest address of MAX_BUFS buffers a head */
	int kick;
	int call;
	u64 nr_kicks;
	u64 nr_calls;
	const char *failed;	/* by whoever sees it first */
};

static void fail(struct race *t, const char *what)
{
	__atomic_store_n(&t->failed, what, __ATOMIC_RELAXED);
}

static bool has_failed(struct race *t)
{
	return __atomic_load_n(&t->failed, __ATOMIC_RELAXED);
}

static void signal_fd(int fd)
{
	u64 one = 1;

	if (syscall(SYS_write, fd, &one, sizeof(one)) != sizeof(one))
		abort();
}

/* Sleep until the other side signals; false when it does not. */
static bool sleep_fd(struct race *t, int fd, const char *lost)
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

static void maybe_pause(int every, u64 n)
{
	if (every && n % every == 0)
		sched_yield();
}

/* ---- the device ---- */

struct device {
	struct race *t;
	struct vtap_ring r;
	struct vtap_mem m;
	struct vtap_chain c;
	struct iovec iov[VTAP_CHAIN_MAX];
	u64 nr_done;
};

/* Check what the driver wrote, write what it will check. */
static bool device_touch(struct device *dev)
{
	const struct vtap_chain *c = &dev->c;
	u64 words[BUF_SIZE / sizeof(u64)];
	unsigned int i, k;

	for (i = 0; i < c->nr_out; i++) {
		memcpy(words, c->iov[i].iov_base, c->iov[i].iov_len);
		for (k = 0; k < c->iov[i].iov_len / sizeof(u64); k++)
			if (words[k] != dev->nr_done + i)
				return false;
	}
	for (; i < c->nr_out + c->nr_in; i++) {
		for (k = 0; k < ARRAY_SIZE(words); k++)
			words[k] = ~(dev->nr_done + i);
		memcpy(c->iov[i].iov_base, words, c->iov[i].iov_len);
	}
	return true;
}

/* Serve what is there, up to a budget; returns chains served or -errno. */
static int device_batch(struct device *dev)
{
	struct race *t = dev->t;
	int n, ret = 0;

	for (n = 0; n < 64; n++) {
		dev->c.iov = dev->iov;
		dev->c.iov_max = VTAP_CHAIN_MAX;
		ret = vtap_split_pop(&dev->r, &dev->m, &dev->c);
		if (ret <= 0)
			break;
		if (!device_touch(dev)) {
			fail(t, "device read other bytes than were written");
			return -EIO;
		}
		ret = vtap_split_stage(&dev->r, dev->c.head,
				       (u32)dev->nr_done);
		if (ret)
			return ret;
		dev->nr_done++;
	}
	if (ret < 0)
		return ret;
	if (!n)
		return 0;
	if (vtap_split_publish(&dev->r) != n)
		return -EIO;
	ret = vtap_split_must_call(&dev->r);
	if (ret == 1) {
		t->nr_calls++;
		signal_fd(t->call);
	}
	return ret < 0 ? ret : n;
}

static void device_run(struct device *dev)
{
	struct race *t = dev->t;
	u64 batches = 0;
	int ret;

	vtap_split_kick_off(&dev->r);
	while (dev->nr_done < t->nr_chains && !has_failed(t)) {
		ret = device_batch(dev);
		maybe_pause(t->device_pause, ++batches);
		if (ret > 0)
			continue;
		if (!ret)
			ret = vtap_split_kick_on(&dev->r);
		if (ret < 0) {
			fail(t, vtap_fault_name(dev->r.fault));
			return;
		}
		if (!ret && !sleep_fd(t, t->kick, "a kick was lost"))
			return;
		vtap_split_kick_off(&dev->r);
	}
}

static void *device_main(void *arg)
{
	struct device *dev = calloc(1, sizeof(*dev));
	struct vhost_memory_region reg;
	struct vtap_ring_cfg cfg;
	struct race *t = arg;

	dev->t = t;
	reg = (struct vhost_memory_region){
		.guest_phys_addr = t->g.r[0].gpa,
		.memory_size = t->g.r[0].size,
		.userspace_addr = t->g.r[0].hva,
	};
	vtap_mem_init(&dev->m, vtap_memmap_build(&reg, 1));
	cfg = (struct vtap_ring_cfg){
		.num = t->num, .event_idx = t->event_idx,
		.desc = (uintptr_t)t->d.desc,
		.avail = (uintptr_t)t->d.avail,
		.used = (uintptr_t)t->d.used,
	};
	if (!vtap_ring_memory_ok(&cfg) ||
	    vtap_ring_start(&dev->r, &cfg, 0xff00))
		fail(t, "the ring did not start");
	else
		device_run(dev);
	vtap_memmap_free((struct vtap_memmap *)dev->m.map);
	free(dev);
	return NULL;
}

/* ---- the driver ---- */

struct driver {
	struct race *t;
	u64 seed;
	u64 nr_added;
	u64 nr_got;
	u8 nr_out[32768];	/* by slot of the buffer area */
	u8 nr_all[32768];
};

static u32 rnd(struct driver *v)
{
	v->seed = v->seed * 6364136223846793005ull + 1442695040888963407ull;
	return v->seed >> 33;
}

/* Buffers are reused only after the chain came back: FIFO, one slot each. */
static u64 *buf_of(struct race *t, u64 chain, unsigned int i,
		   u64 *gpa)
{
	*gpa = t->bufs + (chain % t->num * MAX_BUFS + i) * BUF_SIZE;
	return gmem_hva(&t->g, *gpa, BUF_SIZE);
}

static bool driver_add_one(struct driver *v)
{
	struct race *t = v->t;
	struct drv_buf buf[MAX_BUFS];
	u16 slot = v->nr_added % t->num;
	unsigned int nr = 1 + rnd(v) % min_t(u32, MAX_BUFS, t->num);
	unsigned int nr_out = rnd(v) % (nr + 1), i, k;
	u64 gpa;

	if (v->nr_added - v->nr_got >= t->num)
		return false;
	if (!t->indirect && nr > t->d.nr_free)
		return false;
	for (i = 0; i < nr; i++) {
		u64 *p = buf_of(t, v->nr_added, i, &gpa);

		for (k = 0; k < BUF_SIZE / sizeof(u64); k++)
			p[k] = v->nr_added + i;
		buf[i] = (struct drv_buf){ gpa, BUF_SIZE, i >= nr_out };
	}
	v->nr_out[slot] = nr_out;
	v->nr_all[slot] = nr;
	if (t->indirect)
		return drv_add_indirect(&t->d, buf, nr, 0, v->nr_added) >= 0;
	return drv_add(&t->d, buf, nr, v->nr_added) >= 0;
}

static void driver_add(struct driver *v)
{
	struct race *t = v->t;
	u32 nr = 1 + rnd(v) % 40, i;

	for (i = 0; i < nr && v->nr_added < t->nr_chains; i++) {
		if (!driver_add_one(v))
			break;
		v->nr_added++;
	}
	if (!i)
		return;
	drv_publish(&t->d);
	if (drv_must_kick(&t->d)) {
		t->nr_kicks++;
		signal_fd(t->kick);
	}
}

static bool driver_check(struct driver *v, u64 chain, u32 len)
{
	struct race *t = v->t;
	unsigned int i, k;
	u64 gpa;

	/* This device uses chains in the order they came. */
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

	while (drv_get(&t->d, &chain, &len)) {
		if (!driver_check(v, chain, len)) {
			fail(t, "driver got other bytes than were written");
			return;
		}
		v->nr_got++;
	}
	if (t->d.broken)
		fail(t, t->d.broken);
}

static void driver_run(struct driver *v)
{
	struct race *t = v->t;
	u64 batches = 0, before;

	drv_call_off(&t->d);
	while (v->nr_got < t->nr_chains && !has_failed(t)) {
		before = v->nr_added + v->nr_got;
		driver_add(v);
		maybe_pause(t->driver_pause, ++batches);
		driver_take(v);
		if (before != v->nr_added + v->nr_got)
			continue;
		/* Full, or all added: nothing to do but wait. */
		if (!drv_call_on(&t->d) &&
		    !sleep_fd(t, t->call, "a call was lost"))
			return;
		drv_call_off(&t->d);
	}
}

static void run(struct race *t, int nr)
{
	struct driver *v = calloc(1, sizeof(*v));
	pthread_t device;

	gmem_add(&t->g, 1 << 20, 8 << 20);
	drv_init(&t->d, &t->g, t->num, t->event_idx, 0xff00);
	t->bufs = gmem_alloc(&t->g, (u64)t->num * MAX_BUFS * BUF_SIZE);
	drv_alloc_tables(&t->d, MAX_BUFS);
	t->kick = eventfd(0, 0);
	t->call = eventfd(0, 0);
	v->t = t;
	v->seed = nr;

	if (pthread_create(&device, NULL, device_main, t))
		abort();
	driver_run(v);
	pthread_join(device, NULL);

	printf("# %llu chains, %llu kicks, %llu calls\n", v->nr_got,
	       t->nr_kicks, t->nr_calls);
	if (t->failed)
		printf("# %s\n", t->failed);
	printf("%sok %d - " BUILD ".%s\n", t->failed ? "not " : "", nr,
	       t->name);
	fflush(stdout);
	close(t->kick);
	close(t->call);
	drv_exit(&t->d);
	gmem_free(&t->g);
	free(v);
}

static struct race races[] = {
	{ "race.event_idx", 256, true, false, 0, 0 },
	{ "race.flags", 256, false, false, 0, 0 },
	{ "race.event_idx_indirect", 64, true, true, 0, 0 },
	{ "race.flags_indirect", 64, false, true, 0, 0 },
	{ "race.event_idx_ring_of_one", 1, true, false, 0, 0 },
	{ "race.flags_ring_of_one", 1, false, false, 0, 0 },
	{ "race.event_idx_slow_driver", 8, true, false, 1, 0 },
	{ "race.flags_slow_driver", 8, false, true, 1, 0 },
	{ "race.event_idx_slow_device", 32, true, true, 0, 1 },
	{ "race.flags_slow_device", 32, false, false, 0, 1 },
};

/* Usage: race [chains of each], a tenth of it for rings of one. */
int main(int argc, char **argv)
{
	u64 nr = argc > 1 ? strtoull(argv[1], NULL, 0) : 100000;
	int failed = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(races); i++) {
		races[i].nr_chains = races[i].num == 1 ? nr / 10 : nr;
		run(&races[i], i + 1);
		failed |= !!races[i].failed;
	}
	printf("1..%u\n", i);
	return failed;
}
