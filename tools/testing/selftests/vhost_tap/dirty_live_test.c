// SPDX-License-Identifier: GPL-2.0
/*
 * The dirty log of a busy guest: precopy under traffic, switching the log on and off,
 * moving and removing it, and known defects with bad guests and clients.
 */
#define _GNU_SOURCE
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "dirty.h"
#include "guest.h"
#include "iotlb.h"
#include "net.h"
#include "traffic.h"

#define N	VRING_DESC_F_NEXT
#define W	VRING_DESC_F_WRITE
#define I	VRING_DESC_F_INDIRECT

/* The end of user memory, for the largest page tables of the architecture. */
#if defined(__x86_64__)
#define USER_END	0x7ffffffff000ULL
#elif defined(__riscv)
#define USER_END	(1ULL << 56)
#elif defined(__s390x__)
#define USER_END	(1ULL << 63)
#else
#define USER_END	(1ULL << 52)
#endif

FIXTURE(log) {
	struct guest g;
	struct iotlb t;
	struct tap tap;
	struct dirty d;
	struct traffic traffic;
	bool has_iotlb;
};

FIXTURE_VARIANT(log) {
	struct guest_cfg cfg;
	bool ours_only;
};

FIXTURE_VARIANT_ADD(log, qemu) {
	.cfg = { .features = F_QEMU, .rings_inside = true,
		 .num = { 1024, 256 } },
};
FIXTURE_VARIANT_ADD(log, legacy) {
	.cfg = { .features = F_INDIRECT, .rings_inside = true, .regions = 8,
		 .layout = LAYOUT_SHUFFLED },
};
FIXTURE_VARIANT_ADD(log, iotlb) {
	.cfg = { .features = F_QEMU | F_ACCESS_PLATFORM, .msg_v2 = true },
};
FIXTURE_VARIANT_ADD(log, packed) {
	.cfg = { .features = F_QEMU | F_PACKED, .rings_inside = true,
		 .num = { 300, 300 } }, .ours_only = true,
};

FIXTURE_SETUP(log)
{
	uint64_t features = variant->cfg.features;
	struct guest *g = &self->g;
	int err;

	if (variant->ours_only && !guest_is_ours())
		SKIP(return, "in-tree has no packed rings");
	self->has_iotlb = features & F_ACCESS_PLATFORM;
	ASSERT_EQ(0, net_ns());
	ASSERT_EQ(0, tap_make(&self->tap, IFF_VNET_HDR, 1,
			      features & F_VERSION_1 ? 12 : 10));
	if (self->has_iotlb)
		err = iotlb_up(&self->t, g, &variant->cfg, self->tap.fd[0]);
	else
		err = guest_init(g, &variant->cfg) ?:
		      guest_start(g, self->tap.fd[0]);
	ASSERT_EQ(0, err);
	ASSERT_EQ(0, dirty_init(&self->d, g));
	ASSERT_EQ(0, guest_rx_post(g, 64, 2048));
}

FIXTURE_TEARDOWN(log)
{
	if (self->has_iotlb)
		iotlb_free(&self->t);
	guest_free(&self->g);
	dirty_free(&self->d);
	tap_free(&self->tap);
}

/* ---- migration ---- */

/*
 * Precopy as QEMU does it, with every packet checked. At the end the destination's copy
 * equals memory. CVE-2025-38074 was a race between the ring's log flag and its use.
 */
TEST_F_TIMEOUT(log, CVE_2025_38074_precopy_under_traffic, 240)
{
	struct dirty *d = &self->d;
	struct guest *g = &self->g;
	int round, i;

	ASSERT_EQ(0, traffic_start(&self->traffic, g, self->tap.host, false));
	ASSERT_TRUE(traffic_wait(&self->traffic, 2));
	for (round = 0; round < 5; round++) {
		ASSERT_EQ(0, dirty_on(d));
		dirty_snap(d);
		for (i = 0; i < 8; i++) {
			ASSERT_TRUE(traffic_wait(&self->traffic, 2));
			dirty_harvest(d);
		}
		if (round == 4)
			break;
		/* Cancel the migration and start again. */
		ASSERT_EQ(0, dirty_off(d));
		ASSERT_TRUE(traffic_wait(&self->traffic, 1));
	}
	ASSERT_EQ(0, traffic_stop(&self->traffic));
	ASSERT_EQ(0, guest_stop(g));
	dirty_harvest(d);
	/* Only the upper half, with rings and RX buffers: the driver uses the lower. */
	EXPECT_EQ(0, dirty_stale(d, g->mem_len / 2));
	/* Nothing changes after the stop. */
	usleep(QUIET_MS * 1000);
	EXPECT_EQ(0, dirty_set(d));
}

TEST_F_TIMEOUT(log, toggled_under_traffic, 240)
{
	struct dirty *d = &self->d;
	int i;

	ASSERT_EQ(0, traffic_start(&self->traffic, &self->g, self->tap.host,
				   false));
	for (i = 0; i < 60; i++) {
		ASSERT_EQ(0, i & 1 ? dirty_off(d) : dirty_on(d));
		if (i % 6 == 5)
			ASSERT_TRUE(traffic_wait(&self->traffic, 1));
	}
	ASSERT_TRUE(traffic_wait(&self->traffic, 2));
	ASSERT_EQ(0, traffic_stop(&self->traffic));
	/* With the log off, no bit is set. */
	memset(d->bits, 0, d->len);
	ASSERT_TRUE(traffic_once(&self->g, self->tap.host));
	usleep(QUIET_MS * 1000);
	EXPECT_EQ(0, dirty_set(d));
}

/* Once SET_LOG_BASE has returned, the client may free the old bitmap. */
TEST_F_TIMEOUT(log, base_moved_under_traffic, 120)
{
	struct dirty *d = &self->d;
	uint8_t *bits = d->bits, *page;
	int i;

	page = mmap(NULL, d->len, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, page);
	ASSERT_EQ(0, dirty_on(d));
	ASSERT_EQ(0, traffic_start(&self->traffic, &self->g, self->tap.host,
				   false));
	for (i = 0; i < 30; i++) {
		ASSERT_TRUE(traffic_wait(&self->traffic, 1));
		EXPECT_LT(0, dirty_set(d));
		d->bits = i & 1 ? bits : page;
		ASSERT_EQ(0, dirty_base(d, d->bits));
		/* The device does not write to the old bitmap again. */
		memset(i & 1 ? page : bits, 0, d->len);
		ASSERT_TRUE(traffic_wait(&self->traffic, 1));
		d->bits = i & 1 ? page : bits;
		EXPECT_EQ(0, dirty_set(d));
		d->bits = i & 1 ? bits : page;
	}
	ASSERT_EQ(0, traffic_stop(&self->traffic));
	d->bits = bits;
	munmap(page, d->len);
}

/* ---- log memory that cannot be written ---- */

TEST_F(log, log_unmapped)
{
	struct dirty *d = &self->d;
	struct guest *g = &self->g;
	struct vq *q = &g->vq[RX];
	uint8_t f[100], got[2048];
	ssize_t n;
	int i;

	ASSERT_EQ(0, dirty_on(d));
	ASSERT_EQ(0, munmap(d->bits, d->len));
	frame_raw(f, 100, 1);
	ASSERT_EQ(0, host_send(self->tap.host, f, 100));
	if (guest_is_ours()) {
		EXPECT_TRUE(fd_wait(q->err, WAIT_MS));
		EXPECT_LE(1, guest_stat(g, "rx", "fault.LOG_ACCESS"));
	} else {
		/* In-tree continues without a report and loses the page. */
		usleep(QUIET_MS * 1000);
	}
	/* Nothing hangs, and a new log makes it work again. */
	d->bits = mmap(NULL, d->len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_EQ(0, dirty_base(d, d->bits));
	if (!guest_is_ours()) {
		EXPECT_EQ(0, guest_stop(g));
		return;
	}
	fd_count(q->err);
	for (i = 0; i < 3; i++) {
		frame_raw(f, 100, 2 + i);
		ASSERT_EQ(0, host_send(self->tap.host, f, 100));
	}
	/* The fault may drop one packet, but not later ones. */
	do {
		n = guest_rx(g, NULL, got, sizeof(got), WAIT_MS);
	} while (n == 100 && frame_seq(got) < 4);
	EXPECT_EQ(100, n);
	EXPECT_LT(0, dirty_set(d));
}

/*
 * Each kick retries a ring whose log failed. It works when the log does, and the bits of
 * the time in between are set.
 */
TEST_F(log, kick_retries_the_log)
{
	struct dirty *d = &self->d;
	struct guest *g = &self->g;
	struct vq *q = &g->vq[RX];
	uint8_t f[100], got[2048];
	long retries;
	ssize_t n;

	if (!guest_is_ours())
		SKIP(return, "in-tree continues without a report");
	ASSERT_EQ(0, dirty_on(d));
	ASSERT_EQ(0, mprotect(d->bits, d->len, PROT_NONE));
	frame_raw(f, 100, 1);
	ASSERT_EQ(0, host_send(self->tap.host, f, 100));
	ASSERT_TRUE(fd_wait(q->err, WAIT_MS));
	EXPECT_LE(1, guest_stat(g, "rx", "fault.LOG_ACCESS"));
	retries = guest_stat(g, "rx", "ring_retries");
	vq_kick_hard(q);
	EXPECT_TRUE(wait_for(guest_stat(g, "rx", "ring_retries") > retries));
	frame_raw(f, 100, 2);
	ASSERT_EQ(0, host_send(self->tap.host, f, 100));

	ASSERT_EQ(0, mprotect(d->bits, d->len, PROT_READ | PROT_WRITE));
	vq_kick_hard(q);
	do {
		n = guest_rx(g, NULL, got, sizeof(got), WAIT_MS);
	} while (n == 100 && frame_seq(got) < 2);
	EXPECT_EQ(100, n);
	/* The TX queue may have failed too: enabling the log gives it a pass. */
	vq_kick_hard(&g->vq[TX]);
	EXPECT_TRUE(dirty_covered(d));
}

/* Stopping and setting the base work without a log; QEMU aborts otherwise. */
TEST_F(log, stop_with_log_unmapped)
{
	struct guest *g = &self->g;
	uint8_t f[100];
	long base;

	ASSERT_EQ(0, dirty_on(&self->d));
	ASSERT_EQ(0, munmap(self->d.bits, self->d.len));
	self->d.bits = NULL;
	frame_raw(f, 100, 1);
	ASSERT_EQ(0, host_send(self->tap.host, f, 100));
	ASSERT_LE(0, guest_tx(g, NULL, f, 100));
	vq_kick_hard(&g->vq[TX]);
	usleep(QUIET_MS * 1000);
	EXPECT_EQ(0, guest_stop(g));
	base = guest_get_base(g->vhost, TX);
	EXPECT_TRUE(vq_is_base(&g->vq[TX], base));
	base = guest_get_base(g->vhost, RX);
	EXPECT_TRUE(vq_is_base(&g->vq[RX], base));
}

/* DPDK's CVE-2020-10722: base plus offset overflows. */
TEST_F(log, CVE_2020_10722_log_base_overflow)
{
	static const uint64_t base[] = {
		/* The bitmap wraps, or is in kernel memory. */
		-1ULL, -8ULL,
		-4096ULL, KERNEL_ADDR, 0x8000000000000000ULL, USER_END, USER_END - 0xf000,
	};
	const unsigned int nr = HAS_KERNEL_ADDRS ? ARRAY_SIZE(base) : 2;
	struct dirty *d = &self->d;
	struct guest *g = &self->g;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		/* Not in use yet: in-tree checks the log when it is used. */
		ASSERT_EQ(0, guest_ioctl(g->vhost, VHOST_SET_FEATURES,
					 &g->features));
		if (self->has_iotlb)
			ASSERT_EQ(0, iotlb_ring(&self->t, TX));
		dirty_base(d, (void *)base[i]);
		EXPECT_NE(0, dirty_on(d) ?: dirty_base(d, (void *)base[i])) {
			TH_LOG("base 0x%llx", (long long)base[i]);
		}
	}
	ASSERT_EQ(0, dirty_on(d));
	for (i = 0; i < nr; i++)
		EXPECT_EQ(-EFAULT, dirty_base(d, (void *)base[i])) {
			TH_LOG("base 0x%llx", (long long)base[i]);
		}
	EXPECT_TRUE(traffic_once(g, self->tap.host));
	EXPECT_LT(0, dirty_set_soon(d));
}

/* The ring's log address is past the end of any log. */
TEST_F(log, log_guest_addr_overflow)
{
	struct guest *g = &self->g;
	struct vq *q = &g->vq[TX];
	struct vhost_vring_addr a = {
		.index = TX,
		.flags = 1,
		.desc_user_addr = (uintptr_t)q->desc + q->shift,
		.avail_user_addr = (uintptr_t)q->avail + q->shift,
		.used_user_addr = (uintptr_t)q->used + q->shift,
		.log_guest_addr = 0xfffffffffffff000ULL,
	};
	/* A log has a bit for each page. */
	bool is_past = a.log_guest_addr / 4096 / 8 >= USER_END;

	ASSERT_EQ(0, dirty_on(&self->d));
	/* Over an IOTLB the field is unused. */
	EXPECT_EQ(self->has_iotlb || !is_past ? 0 : -EINVAL,
		  guest_ioctl(g->vhost, VHOST_SET_VRING_ADDR, &a));
	if (!self->has_iotlb && !is_past) {
		/* Nothing is mapped there, so the first used entry is a fault. */
		traffic_once(g, self->tap.host);
		EXPECT_TRUE(fd_wait(g->vq[TX].err, WAIT_MS));
		return;
	}
	EXPECT_TRUE(traffic_once(g, self->tap.host));
}

/* ---- the log's eventfd ---- */

static int log_fd(struct guest *g, int fd)
{
	return guest_ioctl(g->vhost, VHOST_SET_LOG_FD, &fd);
}

TEST_F(log, log_fd_is_signalled)
{
	struct guest *g = &self->g;
	int fd = eventfd(0, EFD_NONBLOCK);
	uint8_t f[100];

	ASSERT_EQ(0, log_fd(g, fd));
	ASSERT_TRUE(traffic_once(g, self->tap.host));
	EXPECT_FALSE(fd_wait(fd, 0));
	ASSERT_EQ(0, dirty_on(&self->d));
	ASSERT_TRUE(traffic_once(g, self->tap.host));
	EXPECT_TRUE(fd_wait(fd, WAIT_MS));
	usleep(QUIET_MS * 1000);
	fd_count(fd);
	frame_raw(f, 100, 1);
	ASSERT_EQ(0, host_send(self->tap.host, f, 100));
	EXPECT_TRUE(fd_wait(fd, WAIT_MS));
	ASSERT_EQ(0, log_fd(g, -1));
	usleep(QUIET_MS * 1000);
	fd_count(fd);
	ASSERT_TRUE(traffic_once(g, self->tap.host));
	EXPECT_FALSE(fd_wait(fd, QUIET_MS));
	EXPECT_EQ(-EBADF, log_fd(g, -2));
	EXPECT_EQ(-EBADF, log_fd(g, 9999));
	EXPECT_EQ(-EINVAL, log_fd(g, self->tap.fd[0]));
	close(fd);
}

TEST_F(log, CVE_2015_6252_log_fd_leak)
{
	long before = open_files();
	int fd, i;

	for (i = 0; i < 1000; i++) {
		fd = eventfd(0, 0);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, log_fd(&self->g, fd));
		close(fd);
	}
	ASSERT_EQ(0, log_fd(&self->g, -1));
	usleep(300000);
	EXPECT_GT(before + 250, open_files());
}

/* ---- bad guests while migrating ---- */

static void put_indirect(struct guest *g, uint64_t table, unsigned int nr,
			 uint64_t gpa, uint32_t len)
{
	struct pdrv_desc p = { gpa, len, 0, W };
	struct drv_desc d = { gpa, len, W | N, 0 };
	bool packed = g->features & F_PACKED;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		d.next = i + 1;
		d.flags = i + 1 < nr ? W | N : W;
		guest_write(g, table + i * sizeof(d),
			    packed ? (void *)&p : (void *)&d, sizeof(d));
	}
}

static void post_table(struct vq *q, uint64_t table, unsigned int nr)
{
	if (q->packed) {
		pdrv_put(&q->drv, &(struct pdrv_desc){ table, nr * 16, 0, I },
			 true);
	} else {
		q->desc[0] = (struct drv_desc){ table, nr * 16, I, 0 };
		q->avail->ring[0] = 0;
		q->avail_idx = 1;
	}
	vq_publish(q);
}

/*
 * More log entries than the array holds: each zero-length writable descriptor took an
 * entry but no segment, so their number had no bound.
 */
TEST_F(log, CVE_2019_14835_log_array_indirect)
{
	static const struct { unsigned int nr; uint32_t len; } chain[] = {
		{ 1024, 0 }, { 1025, 0 }, { 2000, 0 }, { 30000, 0 },
		{ 1025, 1 }, { 4000, 1 }, { 1024, 64 }, { 30000, 64 },
	};
	struct guest *g = &self->g;
	struct vq *q = &g->vq[RX];
	uint64_t table = guest_alloc(g, 30000 * 16);
	uint64_t gpa = guest_alloc(g, 4096);
	uint8_t f[1000], got[2048];
	unsigned int i, k;
	long base;

	ASSERT_NE(0, gpa);
	for (i = 0; i < ARRAY_SIZE(chain); i++) {
		ASSERT_EQ(0, guest_stop(g));
		base = guest_get_base(g->vhost, TX);
		for (k = 0; k < 2; k++) {
			vq_reset(&g->vq[k]);
			if (self->has_iotlb)
				ASSERT_EQ(0, iotlb_ring(&self->t, k));
			ASSERT_EQ(0, guest_vq_setup(g, k,
						    vq_base(&g->vq[k])));
		}
		ASSERT_EQ(0, dirty_on(&self->d));
		if (self->has_iotlb) {
			ASSERT_EQ(0, iotlb_ring(&self->t, RX));
			ASSERT_EQ(0, iotlb_ring(&self->t, TX));
		}
		ASSERT_EQ(0, guest_start(g, self->tap.fd[0]));
		put_indirect(g, table, chain[i].nr, gpa, chain[i].len);
		post_table(q, table, chain[i].nr);
		vq_kick_hard(q);
		frame_raw(f, 1000, i);
		ASSERT_EQ(0, host_send(self->tap.host, f, 1000));
		/* 1024 pieces with room for the packet fit, more are a fault. */
		if (guest_is_ours() && chain[i].nr > 1024) {
			EXPECT_TRUE(fd_wait(q->err, WAIT_MS)) {
				TH_LOG("%u of %u bytes", chain[i].nr,
				       chain[i].len);
			}
		} else {
			usleep(QUIET_MS * 1000);
		}
		/* A chain without bytes is a fault or ignored; the other queue still works. */
		EXPECT_LE(0, base);
		EXPECT_TRUE(traffic_once(g, self->tap.host)) {
			TH_LOG("%u of %u bytes", chain[i].nr, chain[i].len);
		}
	}
	ASSERT_EQ(0, guest_stop(g));
	vq_reset(q);
	if (self->has_iotlb) {
		ASSERT_EQ(0, iotlb_ring(&self->t, RX));
		ASSERT_EQ(0, iotlb_ring(&self->t, TX));
	}
	ASSERT_EQ(0, guest_vq_setup(g, RX, vq_base(q)));
	ASSERT_EQ(0, guest_attach(g, RX, self->tap.fd[0]));
	ASSERT_EQ(0, guest_rx_post(g, 8, 2048));
	frame_raw(f, 1000, 99);
	ASSERT_EQ(0, host_send(self->tap.host, f, 1000));
	do {
		k = guest_rx(g, NULL, got, sizeof(got), WAIT_MS);
	} while (k == 1000 && frame_seq(got) != 99);
	EXPECT_EQ(1000, k);
}

/* One host page at two guest addresses: both must be logged. */
TEST_F(log, aliased_memory)
{
	struct vhost_memory *t;
	struct guest *g = &self->g;
	struct vhost_memory_region *r;
	uint64_t alias = 1ULL << 34, gpa;
	uint8_t f[100];
	unsigned int i, n = g->table->nregions, other = 0;
	struct dirty d;

	if (!self->has_iotlb)
		return;		/* direct mode writes to guest addresses */
	t = calloc(1, sizeof(*t) + 2 * n * sizeof(*r));
	memcpy(t, g->table, sizeof(*t) + n * sizeof(*r));
	for (i = 0; i < n; i++) {
		t->regions[n + i] = t->regions[i];
		t->regions[n + i].guest_phys_addr += alias;
	}
	t->nregions = 2 * n;
	free(g->table);
	g->table = t;
	ASSERT_EQ(0, guest_set_mem(g));
	ASSERT_EQ(0, dirty_init(&d, g));
	ASSERT_EQ(0, dirty_on(&d));
	frame_raw(f, 100, 5);
	ASSERT_EQ(0, host_send(self->tap.host, f, 100));
	ASSERT_EQ(100, guest_rx(g, NULL, f, 100, WAIT_MS));
	usleep(QUIET_MS * 1000);
	EXPECT_LT(0, dirty_set(&d));
	for (i = 0; i < n; i++) {
		r = &t->regions[i];
		for (gpa = r->guest_phys_addr;
		     gpa < r->guest_phys_addr + r->memory_size; gpa += 4096) {
			uint8_t bit = 1 << gpa / 4096 % 8;
			bool a = d.bits[gpa / 4096 / 8] & bit;
			bool b = d.bits[(gpa + alias) / 4096 / 8] & bit;

			other += a != b;
		}
	}
	EXPECT_EQ(0, other);
	dirty_free(&d);
}

TEST_HARNESS_MAIN
