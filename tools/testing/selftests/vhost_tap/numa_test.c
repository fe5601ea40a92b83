// SPDX-License-Identifier: GPL-2.0
/*
 * Workers that follow a NUMA node (module parameter numa=): the node of the guest's
 * memory, or of the NIC behind the backend. Affinities set by others stay.
 *
 * The tests need a host with two nodes of one CPU each, and a NIC on node 1. run-vm
 * --nodes provides that.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <glob.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "kselftest_harness.h"
#include "../../../../include/uapi/linux/vhost_tap.h"
#include "pairs.h"
#include "threads.h"

#define MPOL_DEFAULT	0
#define MPOL_BIND	2
#define PARAMETER	"/sys/module/vhost_tap/parameters/numa"

static const struct guest_cfg qemu = { .features = F_QEMU };

FIXTURE(numa) {
	struct pairs p;
	int cpu[2];		/* the CPU of each node */
	char nic[IFNAMSIZ];	/* see fetch_nic() */
};

FIXTURE_VARIANT(numa) {
	uint8_t kind;
};

FIXTURE_VARIANT_ADD(numa, kthread) { .kind = 0 };
FIXTURE_VARIANT_ADD(numa, vhost_task) { .kind = 1 };

/* Return the only CPU of a node, or -1. */
static int node_cpu(int node)
{
	char path[64];
	int cpu = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpulist",
		 node);
	f = fopen(path, "r");
	if (f && (fscanf(f, "%d", &cpu) != 1 || fgetc(f) != '\n'))
		cpu = -1;
	if (f)
		fclose(f);
	return cpu;
}

FIXTURE_SETUP(numa)
{
	self->p.fd = -1;
	self->nic[0] = 0;
	if (!guest_is_ours())
		SKIP(return, "vhost-tap only");
	if (variant->kind && !node_has_owner_kind())
		SKIP(return, "this kernel has only kernel threads");
	self->cpu[0] = node_cpu(0);
	self->cpu[1] = node_cpu(1);
	if (self->cpu[0] < 0 || self->cpu[1] < 0)
		SKIP(return, "needs two nodes of one CPU each");
	ASSERT_EQ(0, net_ns());
}

FIXTURE_TEARDOWN(numa)
{
	if (self->p.fd >= 0)
		pairs_free(&self->p);
	if (self->nic[0])		/* before the next test needs it */
		run("ip link set %s netns 1", self->nic);
	put_text(PARAMETER, "off");
}

/* Allocate from this node the memory that the process touches first from now on. */
static int memory_from(int node)
{
	unsigned long mask = 1UL << node;

	return syscall(SYS_set_mempolicy, MPOL_BIND, &mask, 64) ? -errno : 0;
}

/* Set up all but the backends, with memory of @node. */
static int prepare(struct pairs *p, const char *follow, uint8_t kind, int node)
{
	int err = put_text(PARAMETER, follow) ?: memory_from(node) ?:
		  pairs_open(p, 1) ?: node_set_kind(p->fd, kind) ?:
		  pairs_own(p, &qemu) ?: pairs_taps(p);

	syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0);
	return err;
}

static int bring_up(struct pairs *p, const char *follow, uint8_t kind, int node)
{
	return prepare(p, follow, kind, node) ?: pairs_start(p, 0);
}

/* Return the only CPU that a thread may run on, or -1. */
static int only_cpu(int tid)
{
	cpu_set_t set;
	int cpu;

	CPU_ZERO(&set);
	if (sched_getaffinity(tid, sizeof(set), &set) || CPU_COUNT(&set) != 1)
		return -1;
	for (cpu = 0; !CPU_ISSET(cpu, &set); cpu++)
		;
	return cpu;
}

static int pin(int tid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(tid, sizeof(set), &set) ? -errno : 0;
}

/* The worker moves at the start of its next pass, which may be later than a packet. */
static bool goes_to(int tid, int cpu)
{
	return wait_for(only_cpu(tid) == cpu);
}

/* The same for the worker, after two passes. */
static int worker_cpu(struct pairs *p)
{
	return pairs_pass(p) && pairs_pass(p) ? only_cpu(node_thread_of(p->fd, 0)) : -2;
}

TEST_F(numa, off_is_the_default)
{
	char now[16] = "";
	FILE *f = fopen(PARAMETER, "r");

	ASSERT_NE(NULL, f);
	EXPECT_EQ(1, fscanf(f, "%15s", now));
	fclose(f);
	EXPECT_STREQ("off", now);
	EXPECT_EQ(-EINVAL, put_text(PARAMETER, "both"));
	ASSERT_EQ(0, bring_up(&self->p, "off", variant->kind, 1));
	EXPECT_EQ(-1, worker_cpu(&self->p));
}

TEST_F(numa, follows_guest_memory)
{
	int node;

	for (node = 0; node < 2; node++) {
		ASSERT_EQ(0, bring_up(&self->p, "memory", variant->kind, node));
		EXPECT_EQ(self->cpu[node], worker_cpu(&self->p));
		pairs_free(&self->p);
	}
}

/* Each worker follows on its own, also one that is created later. */
TEST_F(numa, follows_for_each_worker)
{
	struct pairs *p = &self->p;
	int i;

	ASSERT_EQ(0, put_text(PARAMETER, "memory"));
	ASSERT_EQ(0, memory_from(1));
	ASSERT_EQ(0, pairs_open(p, 2));
	ASSERT_EQ(0, node_set_kind(p->fd, variant->kind));
	ASSERT_EQ(0, node_set_layout(p->fd, VHOST_TAP_WORKER_PER_VRING, 0));
	ASSERT_EQ(0, pairs_up(p, &qemu));
	ASSERT_TRUE(pairs_pass(p));
	for (i = 0; i < 4; i++)
		EXPECT_TRUE(goes_to(node_thread_of(p->fd, i), self->cpu[1]))
			TH_LOG("vring %d", i);
}

/* Use only CPUs that the owner may use. */
TEST_F(numa, stays_on_cpus_of_the_owner)
{
	if (!variant->kind)
		SKIP(return, "kernel threads may use all CPUs of the cpuset");
	ASSERT_EQ(0, pin(0, self->cpu[0]));
	ASSERT_EQ(0, bring_up(&self->p, "memory", variant->kind, 1));
	EXPECT_EQ(self->cpu[0], worker_cpu(&self->p));
}

TEST_F(numa, pinned_worker_is_not_moved)
{
	struct pairs *p = &self->p;

	ASSERT_EQ(0, prepare(p, "memory", variant->kind, 1));
	ASSERT_EQ(0, pin(node_thread_of(p->fd, 0), self->cpu[0]));
	ASSERT_EQ(0, pairs_start(p, 0));
	EXPECT_EQ(self->cpu[0], worker_cpu(p));
}

TEST_F(numa, later_affinity_is_kept)
{
	struct pairs *p = &self->p;

	ASSERT_EQ(0, bring_up(p, "memory", variant->kind, 1));
	ASSERT_EQ(self->cpu[1], worker_cpu(p));
	ASSERT_EQ(0, pin(node_thread_of(p->fd, 0), self->cpu[0]));
	EXPECT_EQ(self->cpu[0], worker_cpu(p));
	ASSERT_EQ(0, guest_restart(&p->g[0], p->tap[0].fd[0]));
	EXPECT_EQ(self->cpu[0], worker_cpu(p));
}

TEST_F(numa, stays_in_the_cpuset)
{
	int err;

	err = cpuset_enter(self->cpu[0]);
	if (err == -EOPNOTSUPP)
		SKIP(return, "no cpuset controller");
	ASSERT_EQ(0, err);
	ASSERT_EQ(0, bring_up(&self->p, "memory", variant->kind, 1));
	EXPECT_EQ(self->cpu[0], worker_cpu(&self->p));
	pairs_free(&self->p);
	cpuset_leave();
}

/* ---- the NIC behind the backend ---- */

/* Move a NIC whose device is on node 1 to our namespace. */
static int fetch_nic(char *name)
{
	char path[300], *at;
	int node = -1, err = -ENODEV;
	size_t i;
	glob_t g;
	FILE *f;

	run("modprobe -q virtio_net");
	if (glob("/sys/bus/pci/devices/*/virtio*/net/*", 0, NULL, &g))
		return -ENODEV;
	for (i = 0; i < g.gl_pathc && err; i++) {
		at = strstr(g.gl_pathv[i], "/virtio");
		snprintf(path, sizeof(path), "%.*s/numa_node",
			 (int)(at - g.gl_pathv[i]), g.gl_pathv[i]);
		f = fopen(path, "r");
		if (f && fscanf(f, "%d", &node) == 1 && node == 1) {
			snprintf(name, IFNAMSIZ, "%s",
				 strrchr(g.gl_pathv[i], '/') + 1);
			err = run("nsenter -t 1 -n ip link set %s netns %d",
				  name, getpid());
		}
		if (f)
			fclose(f);
	}
	globfree(&g);
	return err ?: link_up(name);
}

#define NEED_NIC()							\
	do {								\
		if (fetch_nic(self->nic))				\
			SKIP(return, "no NIC on node 1");		\
	} while (0)

/* No socket receives the packet; the pass is enough. */
static int cpu_after_tx(struct guest *g, int fd)
{
	uint8_t f[100];
	int err;

	frame_raw(f, sizeof(f), 0);
	err = guest_start(g, fd) ?: guest_tx_sync(g, NULL, f, sizeof(f));
	return err ?: only_cpu(node_thread_of(g->vhost, 0));
}

TEST_F(numa, follows_the_nic_of_a_bridge)
{
	struct pairs *p = &self->p;

	NEED_NIC();
	ASSERT_EQ(0, prepare(p, "netdev", variant->kind, 0));
	ASSERT_EQ(0, run("ip link add br9 type bridge"));
	ASSERT_EQ(0, run("ip link set %s master br9", self->nic));
	ASSERT_EQ(0, run("ip link set %s master br9", p->tap[0].name));
	EXPECT_EQ(self->cpu[1], cpu_after_tx(&p->g[0], p->tap[0].fd[0]));
}

TEST_F(numa, tap_without_nic_changes_nothing)
{
	ASSERT_EQ(0, bring_up(&self->p, "netdev", variant->kind, 1));
	EXPECT_EQ(-1, worker_cpu(&self->p));
}

TEST_F(numa, follows_the_nic_of_a_macvtap)
{
	struct pairs *p = &self->p;
	int fd;

	NEED_NIC();
	ASSERT_EQ(0, prepare(p, "netdev", variant->kind, 0));
	ASSERT_EQ(0, link_macvtap("mvt9", self->nic, 4, 9009));
	ASSERT_EQ(0, link_up("mvt9"));
	fd = macvtap_open(9009, p->g[0].hdr_len);
	ASSERT_LE(0, fd);
	EXPECT_EQ(self->cpu[1], cpu_after_tx(&p->g[0], fd));
	close(fd);
}

TEST_F(numa, follows_the_nic_of_a_packet_socket)
{
	struct pairs *p = &self->p;
	int fd;

	NEED_NIC();
	ASSERT_EQ(0, prepare(p, "netdev", variant->kind, 0));
	fd = host_open(self->nic, 0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(self->cpu[1], cpu_after_tx(&p->g[0], fd));
	close(fd);
}

TEST_HARNESS_MAIN
