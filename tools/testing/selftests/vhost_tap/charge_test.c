// SPDX-License-Identifier: GPL-2.0
/*
 * The memory that a guest makes the host allocate is charged to the owner's memory
 * cgroup. All TX vrings of a file send, so each allocates memory for frames. The
 * charge must match the memory that the host lost, for both kinds of worker, and idle
 * vrings must free the memory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "kselftest_harness.h"
#include "../../../../include/uapi/linux/vhost_tap.h"
#include "pairs.h"
#include "threads.h"

#define PAIRS		256
#define NUM		64	/* entries of each ring */
#define CGROUP		"/sys/fs/cgroup/vtap-charge"
#define USED(i)		(0x300000 + (i) * 0x1000UL)
#define MEM_LEN		(8UL << 20)

static long kb_of(const char *path, const char *key)
{
	char line[256];
	long kb = -1;
	FILE *f = fopen(path, "re");

	while (f && kb < 0 && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, key, strlen(key)))
			kb = atol(line + strlen(key));
	}
	if (f)
		fclose(f);
	return kb;
}

/* MemFree excludes the freed pages that each CPU keeps on its own list. */
static long cpu_lists_kb(void)
{
	long pages, sum = 0;
	char line[256];
	FILE *f = fopen("/proc/zoneinfo", "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, " count: %ld", &pages) == 1)
			sum += pages;
	}
	if (f)
		fclose(f);
	return sum * (sysconf(_SC_PAGESIZE) / 1024);
}

static long host_kb(void)
{
	return kb_of("/proc/meminfo", "MemFree:") + cpu_lists_kb();
}

static long charged_kb(void)
{
	long bytes = kb_of(CGROUP "/memory.current", "");

	return bytes < 0 ? bytes : bytes / 1024;
}

FIXTURE(charge) {
	struct tap tap;
	uint8_t *mem;
	int fd;
};

FIXTURE_VARIANT(charge) {
	bool kthread;
	uint32_t frame_len;
	uint16_t nr;		/* frames for each vring */
	long kb;		/* minimum memory of each vring */
	bool frags;		/* GSO frames in page fragments */
};

FIXTURE_VARIANT_ADD(charge, owner_short) { false, 3000, 60, 120 };
FIXTURE_VARIANT_ADD(charge, owner_long) { false, 40000, 4, 64 };
FIXTURE_VARIANT_ADD(charge, owner_frags) { false, 40000, 4, 96, true };
FIXTURE_VARIANT_ADD(charge, kthread_short) { true, 3000, 60, 120 };
FIXTURE_VARIANT_ADD(charge, kthread_long) { true, 40000, 4, 64 };

/* All vrings share one descriptor table, driver area and buffer. */
static void make_rings(uint8_t *mem, uint32_t len, bool is_gso)
{
	struct virtio_net_hdr *h = (void *)(mem + 0x100000);
	struct drv_desc *desc = (void *)mem;
	struct drv_avail *avail = (void *)(mem + 0x4000);
	int i;

	memset(mem, 0, MEM_LEN);
	if (is_gso) {
		frame_l4(mem + 0x100000 + 12, len - 54, false, IPPROTO_TCP, 1, h);
		h->gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
		h->gso_size = 1448;
	} else {
		frame_raw(mem + 0x100000 + 12, len, 1);
	}
	for (i = 0; i < NUM; i++) {
		desc[i] = (struct drv_desc){ 0x100000, 12 + len, 0, 0 };
		avail->ring[i] = i;
	}
}

static int start_vring(int fd, uint8_t *mem, unsigned int i, int tap)
{
	struct vhost_vring_addr a = {
		.index = i,
		.desc_user_addr = (uintptr_t)mem,
		.avail_user_addr = (uintptr_t)mem + 0x4000,
		.used_user_addr = (uintptr_t)mem + USED(i),
	};

	return guest_vring_state(fd, VHOST_SET_VRING_NUM, i, NUM) ?:
	       guest_ioctl(fd, VHOST_SET_VRING_ADDR, &a) ?:
	       guest_vring_file(fd, VHOST_NET_SET_BACKEND, i, tap);
}

/* After a vring is attached again, the worker serves it without a kick. */
static int wait_for_vring(uint8_t *mem, unsigned int i, uint16_t want)
{
	volatile struct drv_used *used = (void *)(mem + USED(i));

	return wait_for(used->idx == want) ? 0 : -ETIMEDOUT;
}

FIXTURE_SETUP(charge)
{
	struct {
		struct vhost_memory m;
		struct vhost_memory_region r;
	} table = { .m.nregions = 1 };
	uint64_t features = F_VERSION_1;
	char pid[16];

	self->fd = -1;
	if (!variant->kthread && !node_has_owner_kind())
		SKIP(return, "this kernel has only kernel threads");
	mkdir(CGROUP, 0755);
	put_text("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	if (charged_kb() < 0)
		SKIP(return, "no memory controller below /sys/fs/cgroup");
	snprintf(pid, sizeof(pid), "%d", getpid());
	ASSERT_EQ(0, put_text(CGROUP "/cgroup.procs", pid));

	ASSERT_EQ(0, net_ns());
	ASSERT_EQ(0, tap_make(&self->tap, IFF_VNET_HDR, 1, 12));
	close(self->tap.host);
	self->tap.host = -1;
	self->mem = mmap(NULL, MEM_LEN, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	ASSERT_NE(MAP_FAILED, self->mem);
	make_rings(self->mem, variant->frame_len, variant->frags);
	self->fd = open(guest_node(), O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, node_set_pairs(self->fd, PAIRS));
	ASSERT_EQ(0, node_set_layout(self->fd, VHOST_TAP_WORKERS_SHARED, 1));
	if (variant->kthread && node_has_owner_kind())
		ASSERT_EQ(0, node_set_kind(self->fd, 0));
	ASSERT_EQ(0, guest_ioctl(self->fd, VHOST_SET_OWNER, NULL));
	ASSERT_EQ(0, guest_ioctl(self->fd, VHOST_SET_FEATURES, &features));
	table.r = (struct vhost_memory_region){
		.memory_size = MEM_LEN, .userspace_addr = (uintptr_t)self->mem,
	};
	ASSERT_EQ(0, guest_ioctl(self->fd, VHOST_SET_MEM_TABLE, &table));
}

FIXTURE_TEARDOWN(charge)
{
	if (self->fd < 0)
		return;
	close(self->fd);
	tap_free(&self->tap);
	put_text("/sys/fs/cgroup/cgroup.procs", "0");
	rmdir(CGROUP);
}

TEST_F_TIMEOUT(charge, owner_is_charged_and_uncharged, 120)
{
	volatile struct drv_avail *avail = (void *)(self->mem + 0x4000);
	long host, charged, taken, paid, i;

	for (i = 1; variant->frags && i < 2 * PAIRS; i += 2) {
		struct vhost_tap_vring_gso_frags f = { .index = i, .enable = 1 };

		ASSERT_EQ(0, guest_ioctl(self->fd, VHOST_TAP_SET_VRING_GSO_FRAGS, &f));
	}
	/* Starting a queue also allocates memory; a second start allocates nothing. */
	for (i = 1; i < 2 * PAIRS; i += 2)
		ASSERT_EQ(0, start_vring(self->fd, self->mem, i,
					 self->tap.fd[0]));
	for (i = 1; i < 2 * PAIRS; i += 2)
		ASSERT_EQ(0, guest_vring_file(self->fd, VHOST_NET_SET_BACKEND,
					      i, -1));
	sleep(1);
	host = host_kb();
	charged = charged_kb();

	avail->idx = variant->nr;
	for (i = 1; i < 2 * PAIRS; i += 2)
		ASSERT_EQ(0, start_vring(self->fd, self->mem, i,
					 self->tap.fd[0]));
	for (i = 1; i < 2 * PAIRS; i += 2)
		ASSERT_EQ(0, wait_for_vring(self->mem, i, variant->nr));
	taken = host - host_kb();
	paid = charged_kb() - charged;
	TH_LOG("the host lost %ld KiB, the owner is charged %ld KiB", taken, paid);
	/* The test means nothing unless much memory was allocated. */
	EXPECT_LE(PAIRS * variant->kb * 9 / 10, taken);
	EXPECT_LE(taken * 9 / 10, paid);
	EXPECT_LE(paid * 9 / 10, taken);

	for (i = 0; i < 20 && charged_kb() - charged > paid / 10; i++)
		sleep(1);
	TH_LOG("after %ld s the owner is charged %ld KiB", i, charged_kb() - charged);
	EXPECT_GE(paid / 10, charged_kb() - charged);
	EXPECT_GE(taken / 10, host - host_kb());

	/* New traffic allocates the memory again. */
	ASSERT_EQ(0, guest_vring_file(self->fd, VHOST_NET_SET_BACKEND, 1, -1));
	avail->idx = variant->nr + 1;
	ASSERT_EQ(0, start_vring(self->fd, self->mem, 1, self->tap.fd[0]));
	EXPECT_EQ(0, wait_for_vring(self->mem, 1, variant->nr + 1));
}

TEST_HARNESS_MAIN
