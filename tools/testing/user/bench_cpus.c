// SPDX-License-Identifier: GPL-2.0
/*
 * bench_cpus.c - a driver and a device on two CPUs: what the ring's cache lines cost
 *
 * A thread is the driver of a ring, and another one is the device: ring/ on split and packed
 * rings, or the accesses of in-tree vhost-net (vhost_model.h). Nothing else touches the
 * buffers, so the time is that of the ring. Each case runs
 *
 *   stream    the driver adds up to 32 buffers at a time, and never waits if it has free ones
 *   steps     it adds 32 buffers and waits until all are used. The threads take turns, so
 *             the time of each has the transfers of the other's lines
 *   single    it adds one buffer and waits. Device and driver poll
 *
 * and, for the instructions alone, "steps" with both sides on one CPU. The difference estimates
 * the lines that bounce, in units of the time in which a line goes from one CPU to the other
 * ("a line"). Kicks and calls are stores that the other thread waits for. Needs two quiet CPUs.
 */
#include <time.h>
#include "driver.h"
#include "ring_ops.h"
#include "vhost_model.h"

#define NUM		256
#define BURST		32
#define BATCH		64
#define REPEAT		7

enum flavor { MODEL, SPLIT, PACKED, NR_FLAVORS };
enum kind { STREAM, STEPS, SINGLE, ONE_CPU };

static const char *const flavor_names[] = { "in-tree's accesses", "split", "packed" };

/* Each word is on a line of its own. */
static __aligned(128) u32 kick_word;
static __aligned(128) u32 call_word;
static __aligned(128) u32 ping_word;

/**
 * struct bench - a ring between two threads
 * @total: number of buffers
 * @drv_ns: time of the driver without waiting
 * @dev_ns: time of the device without waiting
 */
struct bench {
	enum flavor device;
	enum kind kind;
	u32 total;
	struct gmem g;
	struct drv d;
	struct vtap_memmap *map;
	u32 __aligned(128) nr_added;	/* the driver's */
	u32 nr_got;
	u32 nr_kicks;
	double drv_ns;
	struct vtap_mem __aligned(128) m;	/* the device's */
	struct vtap_ring r;
	struct vtap_chain c;
	struct iovec iov[64];
	struct vhost_model v;
	u32 nr_calls;
	u32 kicks_seen;
	double dev_ns;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static void pin(int cpu)
{
	u64 mask = 1ull << cpu;

	if (syscall(SYS_sched_setaffinity, 0, sizeof(mask), &mask)) {
		fprintf(stderr, "bench_cpus: no CPU %d\n", cpu);
		exit(1);
	}
}

static void await(const u32 *what, u32 value)
{
	while (__atomic_load_n(what, __ATOMIC_ACQUIRE) != value)
		__builtin_ia32_pause();
}

/* ---- device ---- */

/* Serve up to a batch; return the number of chains. */
static __always_inline u32 device_batch(struct bench *b, const enum flavor device)
{
	const bool packed = device == PACKED;
	u32 n;

	if (device == MODEL) {
		for (n = 0; n < BATCH && vhost_model_pop(&b->v); n++)
			;
		b->nr_calls += n && vhost_model_use(&b->v);
		return n;
	}
	for (n = 0; n < BATCH; n++) {
		b->c.iov = b->iov;
		b->c.iov_max = ARRAY_SIZE(b->iov);
		if (vtap_ring_pop(&b->r, &b->m, &b->c, packed) != 1)
			break;
		if (vtap_ring_stage(&b->r, b->c.head, 0, packed))
			abort();
	}
	if (n) {
		vtap_ring_publish(&b->r, packed);
		b->nr_calls += vtap_ring_needs_call(&b->r, packed) == 1;
	}
	return n;
}

static __always_inline void device_kicks(struct bench *b, const enum flavor device, bool on,
					 bool *more)
{
	const bool packed = device == PACKED;

	if (device == MODEL && on)
		*more = vhost_model_enable_notify(&b->v);
	else if (device == MODEL)
		vhost_model_disable_notify(&b->v);
	else if (on)
		*more = vtap_ring_enable_notify(&b->r, packed) > 0;
	else
		vtap_ring_disable_notify(&b->r, packed);
}

/* Serve chains until none is left. */
static __always_inline u32 device_pass(struct bench *b, const enum flavor device)
{
	u32 n, calls, sum = 0;
	bool more = false;

	device_kicks(b, device, false, NULL);
	do {
		calls = b->nr_calls;
		n = device_batch(b, device);
		sum += n;
		if (b->nr_calls != calls)
			__atomic_store_n(&call_word, b->nr_calls, __ATOMIC_RELEASE);
		if (!n && b->kind != SINGLE)
			device_kicks(b, device, true, &more);
		if (more)
			device_kicks(b, device, false, NULL);
	} while (n || more);
	return sum;
}

static u32 device_serve(struct bench *b)
{
	switch (b->device) {
	case MODEL:
		return device_pass(b, MODEL);
	case SPLIT:
		return device_pass(b, SPLIT);
	default:
		return device_pass(b, PACKED);
	}
}

static void *device_main(void *arg)
{
	struct bench *b = arg;
	u32 n = 0, kicks;
	double t;

	pin(1);
	while (n < b->total) {
		if (b->kind != SINGLE) {
			do {
				__builtin_ia32_pause();
				kicks = __atomic_load_n(&kick_word, __ATOMIC_ACQUIRE);
			} while (kicks == b->kicks_seen);
			b->kicks_seen = kicks;
		}
		t = now();
		n += device_serve(b);
		b->dev_ns += now() - t;
	}
	return NULL;
}

/* ---- driver ---- */

static void driver_add(struct bench *b, u32 nr)
{
	struct seg seg = { b->g.r[0].gpa, 1514, false };
	u32 i;

	for (i = 0; i < nr; i++, b->nr_added++)
		drv_add(&b->d, &seg, 1, b->nr_added);
	drv_publish(&b->d);
	if (drv_must_kick(&b->d))
		__atomic_store_n(&kick_word, ++b->nr_kicks, __ATOMIC_RELEASE);
}

static u32 driver_take(struct bench *b)
{
	unsigned long long cookie;
	u32 len, n = 0;

	while (drv_get(&b->d, &cookie, &len))
		n++;
	b->nr_got += n;
	return n;
}

/* Wait until the device calls, as a driver does whose ring is full. */
static void driver_wait(struct bench *b)
{
	u32 calls = __atomic_load_n(&call_word, __ATOMIC_ACQUIRE);

	if (drv_call_on(&b->d))
		return;
	while (__atomic_load_n(&call_word, __ATOMIC_ACQUIRE) == calls && !drv_nr_used(&b->d))
		__builtin_ia32_pause();
	drv_call_off(&b->d);
}

static void driver_stream(struct bench *b)
{
	u32 nr;

	while (b->nr_got < b->total) {
		nr = min3(b->total - b->nr_added, (u32)BURST, NUM - (b->nr_added - b->nr_got));
		if (nr)
			driver_add(b, nr);
		if (!driver_take(b) && !nr)
			driver_wait(b);
	}
}

static void driver_steps(struct bench *b, u32 burst)
{
	double t;

	while (b->nr_got < b->total) {
		t = now();
		driver_add(b, burst);
		b->drv_ns += now() - t;
		if (b->kind == ONE_CPU) {
			t = now();
			device_serve(b);
			b->dev_ns += now() - t;
		}
		while (b->nr_got < b->nr_added) {
			while (!drv_nr_used(&b->d))
				__builtin_ia32_pause();
			t = now();
			driver_take(b);
			b->drv_ns += now() - t;
		}
	}
}

/* ---- a run ---- */

static void start(struct bench *b, enum flavor device, enum kind kind, bool event_idx, u32 total)
{
	const bool packed = device == PACKED;
	struct vhost_memory_region reg;
	struct vtap_ring_cfg cfg;

	memset(b, 0, sizeof(*b));
	kick_word = 0;
	call_word = 0;
	b->device = device;
	b->kind = kind;
	b->total = total;
	gmem_add(&b->g, 1 << 20, 1 << 20);
	if (packed)
		drv_init_packed(&b->d, &b->g, NUM, event_idx, 0x8000);
	else
		drv_init(&b->d, &b->g, NUM, event_idx, 0);
	gmem_fill_entry(&reg, &b->g.r[0]);
	b->map = vtap_memmap_build(&reg, 1);
	vtap_mem_init(&b->m, b->map);
	cfg = (struct vtap_ring_cfg){
		.num = NUM, .event_idx = event_idx, .packed = packed,
		.desc = (uintptr_t)b->d.desc, .avail = (uintptr_t)b->d.avail,
		.used = (uintptr_t)b->d.used,
	};
	b->v = (struct vhost_model){ .ring = &b->d, .event_idx = event_idx };
	if (device != MODEL &&
	    (!vtap_ring_memory_ok(&cfg) || vtap_ring_start(&b->r, &cfg, packed ? 0x8000 : 0) ||
	     vtap_ring_map(&b->r, &b->m, &cfg)))
		abort();
	drv_call_off(&b->d);
}

static void stop(struct bench *b)
{
	if (b->device != MODEL)
		vtap_ring_unmap(&b->r);
	vtap_memmap_free(b->map);
	drv_exit(&b->d);
	gmem_free(&b->g);
}

/**
 * struct result - figures per buffer, the best of several runs, as noise only adds time
 */
struct result {
	double ns;
	double drv_ns;
	double dev_ns;
	double kicks;
	double calls;
};

static struct result run(enum flavor device, enum kind kind, bool event_idx)
{
	const u32 total = kind == SINGLE ? 100000 : kind == STREAM ? 2000000 : 640000;
	struct result best = { 1e9, 1e9, 1e9 };
	static struct bench b;
	pthread_t thread;
	double t;
	int i;

	for (i = 0; i < REPEAT; i++) {
		start(&b, device, kind, event_idx, total);
		if (kind != ONE_CPU && pthread_create(&thread, NULL, device_main, &b))
			abort();
		t = now();
		if (kind == STREAM)
			driver_stream(&b);
		else
			driver_steps(&b, kind == SINGLE ? 1 : BURST);
		t = now() - t;
		if (kind != ONE_CPU)
			pthread_join(thread, NULL);
		if (b.d.broken || b.r.fault)
			abort();
		best.drv_ns = min(best.drv_ns, b.drv_ns / total);
		best.dev_ns = min(best.dev_ns, b.dev_ns / total);
		if (t / total < best.ns) {
			best.ns = t / total;
			best.kicks = 1000. * b.nr_kicks / total;
			best.calls = 1000. * b.nr_calls / total;
		}
		stop(&b);
	}
	return best;
}

/* ---- the time of a transfer ---- */

#define PINGS	200000

static void *ping_main(void *unused)
{
	u32 i;

	pin(1);
	for (i = 0; i < PINGS; i++) {
		await(&ping_word, 2 * i + 1);
		__atomic_store_n(&ping_word, 2 * i + 2, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* Two CPUs store to a line in turn: the time from a store to the other CPU's load of it. */
static double transfer_ns(void)
{
	double best = 1e9, t;
	pthread_t thread;
	u32 i, k;

	for (k = 0; k < REPEAT; k++) {
		ping_word = 0;
		if (pthread_create(&thread, NULL, ping_main, NULL))
			abort();
		t = now();
		for (i = 0; i < PINGS; i++) {
			__atomic_store_n(&ping_word, 2 * i + 1, __ATOMIC_RELEASE);
			await(&ping_word, 2 * i + 2);
		}
		best = min(best, now() - t);
		pthread_join(thread, NULL);
	}
	return best / PINGS / 2;
}

/* A hypervisor may move the CPUs, so the transfer is measured before and after. */
static bool row(enum flavor device, bool event_idx)
{
	struct result stream, steps, single, alone;
	double line = transfer_ns(), after;

	alone = run(device, ONE_CPU, event_idx);
	steps = run(device, STEPS, event_idx);
	single = run(device, SINGLE, event_idx);
	stream = run(device, STREAM, event_idx);
	after = transfer_ns();
	if (max(line, after) > 1.5 * min(line, after))
		return false;
	line = min(line, after);
	printf("%-19s %-11s%6.0f%8.1f%7.2f%7.2f%8.1f%8.1f%8.2f%8.1f%9.2f%9.0f\n",
	       flavor_names[device], event_idx ? "event_idx" : "flags", line, stream.ns,
	       stream.kicks, stream.calls, alone.dev_ns, steps.dev_ns,
	       (steps.dev_ns - alone.dev_ns) / line, steps.drv_ns,
	       (steps.drv_ns - alone.drv_ns) / line, single.ns);
	return true;
}

int main(void)
{
	enum flavor device;
	int event_idx, i;

	pin(0);
	printf("%-31s%6s%8s%7s%7s%8s%8s%8s%8s%9s%9s\n", "", "a line", "stream", "kicks", "calls",
	       "device", "device", "lines", "driver", "lines", "single");
	printf("%-31s%6s%8s%7s%7s%8s%8s%8s%8s%9s%9s\n", "", "ns", "ns", "/1000", "/1000", "1 CPU",
	       "2 CPUs", "", "2 CPUs", "", "ns");
	for (event_idx = 0; event_idx < 2; event_idx++)
		for (device = 0; device < NR_FLAVORS; device++) {
			for (i = 0; i < 5; i++)
				if (row(device, event_idx))
					break;
			if (i == 5)
				printf("%-19s the CPUs are too busy\n", flavor_names[device]);
		}
	return 0;
}
