// SPDX-License-Identifier: GPL-2.0
/*
 * The vhost-net ioctl contract, call by call: valid calls succeed, invalid calls return
 * the right errno. The expectations are those of in-tree vhost-net, so the program also
 * passes with VTAP_NODE=/dev/vhost-net. errno_diff.sh compares all calls of both nodes.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "guest.h"
#include "net.h"

#define BAD_PTR ((void *)8)
#define set_state guest_vring_state
#define set_file guest_vring_file

FIXTURE(abi) {
	struct guest g;
	struct tap tap;
};

FIXTURE_SETUP(abi)
{
	struct guest_cfg cfg = { .features = F_QEMU };

	ASSERT_EQ(0, guest_on_tap(&self->g, &self->tap, &cfg));
}

FIXTURE_TEARDOWN(abi)
{
	guest_off_tap(&self->g, &self->tap);
}

/* ---- ownership ---- */

TEST(calls_without_owner_are_refused)
{
	struct vhost_vring_addr addr = {};
	struct vhost_memory mem = {};
	uint64_t u64 = 0;
	int fd = open(guest_node(), O_RDWR);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, guest_ioctl(fd, VHOST_GET_FEATURES, &u64));
	EXPECT_EQ(-EPERM, guest_ioctl(fd, VHOST_SET_MEM_TABLE, &mem));
	EXPECT_EQ(-EPERM, set_state(fd, VHOST_SET_VRING_NUM, 0, 256));
	EXPECT_EQ(-EPERM, set_state(fd, VHOST_SET_VRING_BASE, 0, 0));
	EXPECT_EQ(-EPERM, guest_get_base(fd, 0));
	EXPECT_EQ(-EPERM, guest_ioctl(fd, VHOST_SET_VRING_ADDR, &addr));
	EXPECT_EQ(-EPERM, set_file(fd, VHOST_SET_VRING_KICK, 0, -1));
	EXPECT_EQ(-EPERM, set_file(fd, VHOST_SET_VRING_CALL, 0, -1));
	EXPECT_EQ(-EPERM, set_file(fd, VHOST_NET_SET_BACKEND, 0, 0));
	EXPECT_EQ(-EPERM, guest_ioctl(fd, VHOST_RESET_OWNER, NULL));
	EXPECT_EQ(0, guest_ioctl(fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(-EBUSY, guest_ioctl(fd, VHOST_SET_OWNER, NULL));
	close(fd);
}

static int foreign(struct guest *g, int (*fn)(struct guest *g))
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(-fn(g));
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}

static int foreign_num(struct guest *g)
{
	return set_state(g->vhost, VHOST_SET_VRING_NUM, 0, 128);
}

static int foreign_mem(struct guest *g)
{
	return guest_set_mem(g);
}

static int foreign_owner(struct guest *g)
{
	return guest_ioctl(g->vhost, VHOST_SET_OWNER, NULL);
}

TEST_F(abi, other_mm_is_not_owner)
{
	EXPECT_EQ(-EPERM, foreign(&self->g, foreign_num));
	EXPECT_EQ(-EPERM, foreign(&self->g, foreign_mem));
	EXPECT_EQ(-EBUSY, foreign(&self->g, foreign_owner));
	EXPECT_EQ(0, set_state(self->g.vhost, VHOST_SET_VRING_NUM, 0, 256));
}

TEST_F(abi, reset_owner_starts_over)
{
	struct guest *g = &self->g;
	int fd = g->vhost;
	uint8_t f[64];

	ASSERT_EQ(0, guest_start(g, self->tap.fd[0]));
	ASSERT_EQ(0, guest_ioctl(fd, VHOST_RESET_OWNER, NULL));
	EXPECT_EQ(-EPERM, guest_set_mem(g));
	EXPECT_EQ(-EPERM, guest_ioctl(fd, VHOST_RESET_OWNER, NULL));
	ASSERT_EQ(0, guest_ioctl(fd, VHOST_SET_OWNER, NULL));
	ASSERT_EQ(0, guest_ioctl(fd, VHOST_SET_FEATURES, &g->features));
	ASSERT_EQ(0, guest_set_mem(g));
	vq_reset(&g->vq[RX]);
	vq_reset(&g->vq[TX]);
	ASSERT_EQ(0, guest_vq_setup(g, RX, 0));
	ASSERT_EQ(0, guest_vq_setup(g, TX, 0));
	ASSERT_EQ(0, guest_start(g, self->tap.fd[0]));
	frame_raw(f, 64, 1);
	EXPECT_EQ(0, guest_tx_sync(g, NULL, f, 64));
}

/* ---- features ---- */

TEST_F(abi, each_feature_bit)
{
	uint64_t offered = 0, bit;
	int fd = self->g.vhost, i;

	ASSERT_EQ(0, guest_ioctl(fd, VHOST_GET_FEATURES, &offered));
	EXPECT_EQ(F_QEMU | F_NET_HDR | F_NOTIFY_ON_EMPTY,
		  offered & (F_QEMU | F_NET_HDR | F_NOTIFY_ON_EMPTY));
	for (i = 0; i < 64; i++) {
		bit = 1ULL << i;
		/* These two need more than the bit itself. */
		if (bit == F_LOG_ALL || bit == F_ACCESS_PLATFORM)
			continue;
		/* This one depends on another bit. */
		if (bit == F_PACKED)
			bit |= F_VERSION_1;
		EXPECT_EQ((offered & bit) == bit ? 0 : -EOPNOTSUPP,
			  guest_ioctl(fd, VHOST_SET_FEATURES, &bit)) {
			TH_LOG("bit %d", i);
		}
	}
	EXPECT_EQ(-EFAULT, guest_ioctl(fd, VHOST_GET_FEATURES, BAD_PTR));
	EXPECT_EQ(-EFAULT, guest_ioctl(fd, VHOST_SET_FEATURES, BAD_PTR));
}

TEST_F(abi, backend_features)
{
	uint64_t offered = ~0ULL, all = ~0ULL, none = 0;
	int fd = self->g.vhost;

	ASSERT_EQ(0, guest_ioctl(fd, VHOST_GET_BACKEND_FEATURES, &offered));
	EXPECT_EQ(0, guest_ioctl(fd, VHOST_SET_BACKEND_FEATURES, &offered));
	EXPECT_EQ(0, guest_ioctl(fd, VHOST_SET_BACKEND_FEATURES, &none));
	EXPECT_EQ(-EOPNOTSUPP,
		  guest_ioctl(fd, VHOST_SET_BACKEND_FEATURES, &all));
	EXPECT_EQ(-EFAULT, guest_ioctl(fd, VHOST_SET_BACKEND_FEATURES, BAD_PTR));
}

/* ---- memory table ---- */

TEST_F(abi, mem_table)
{
	struct vhost_memory *t = self->g.table;
	int fd = self->g.vhost;

	EXPECT_EQ(-EFAULT, guest_ioctl(fd, VHOST_SET_MEM_TABLE, BAD_PTR));
	t->padding = 1;
	EXPECT_EQ(-EOPNOTSUPP, guest_set_mem(&self->g));
	t->padding = 0;
	t->nregions = 510;
	EXPECT_EQ(-E2BIG, guest_set_mem(&self->g));
	t->nregions = ~0U;
	EXPECT_EQ(-E2BIG, guest_set_mem(&self->g));
	t->nregions = 0;
	EXPECT_EQ(0, guest_set_mem(&self->g));

	/* Kernel addresses are refused, on a running ring at the latest. */
	t->nregions = 1;
	ASSERT_EQ(0, guest_set_mem(&self->g));
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	t->regions[0].userspace_addr = -4096ULL;
	EXPECT_EQ(-EFAULT, guest_set_mem(&self->g));
	t->regions[0].userspace_addr = KERNEL_ADDR;
	EXPECT_EQ(HAS_KERNEL_ADDRS ? -EFAULT : 0, guest_set_mem(&self->g));
}

TEST_F(abi, mem_table_509)
{
	struct guest_cfg cfg = {
		.features = F_QEMU, .regions = 509, .layout = LAYOUT_SHUFFLED,
	};
	struct guest g;

	if (!guest_is_ours())
		SKIP(return, "vhost.ko is limited by its max_mem_regions");
	EXPECT_EQ(0, guest_init(&g, &cfg));
	guest_free(&g);
}

/* ---- vrings ---- */

TEST_F(abi, vring_num)
{
	int fd = self->g.vhost;

	EXPECT_EQ(0, set_state(fd, VHOST_SET_VRING_NUM, 0, 1));
	EXPECT_EQ(0, set_state(fd, VHOST_SET_VRING_NUM, 1, 32768));
	EXPECT_EQ(-EINVAL, set_state(fd, VHOST_SET_VRING_NUM, 0, 0));
	EXPECT_EQ(-EINVAL, set_state(fd, VHOST_SET_VRING_NUM, 0, 3));
	EXPECT_EQ(-EINVAL, set_state(fd, VHOST_SET_VRING_NUM, 0, 65536));
	EXPECT_EQ(-ENOBUFS, set_state(fd, VHOST_SET_VRING_NUM, 2, 256));
	EXPECT_EQ(-EFAULT, guest_ioctl(fd, VHOST_SET_VRING_NUM, BAD_PTR));
	EXPECT_EQ(0, set_state(fd, VHOST_SET_VRING_NUM, 0, 256));
	EXPECT_EQ(0, set_state(fd, VHOST_SET_VRING_NUM, 1, 256));
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	EXPECT_EQ(-EBUSY, set_state(fd, VHOST_SET_VRING_NUM, 0, 256));
	EXPECT_EQ(-EBUSY, set_state(fd, VHOST_SET_VRING_NUM, 1, 512));
}

TEST_F(abi, CVE_2021_3839_and_CVE_2022_0669_vring_base)
{
	int fd = self->g.vhost;

	EXPECT_EQ(0, guest_get_base(fd, 0));
	EXPECT_EQ(0, set_state(fd, VHOST_SET_VRING_BASE, 0, 65535));
	EXPECT_EQ(65535, guest_get_base(fd, 0));
	EXPECT_EQ(0, guest_get_base(fd, 1));
	EXPECT_EQ(-EINVAL, set_state(fd, VHOST_SET_VRING_BASE, 0, 65536));
	EXPECT_EQ(-ENOBUFS, set_state(fd, VHOST_SET_VRING_BASE, 2, 0));
	EXPECT_EQ(-ENOBUFS, guest_get_base(fd, 2));
	EXPECT_EQ(0, set_state(fd, VHOST_SET_VRING_BASE, 0, 0));
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	EXPECT_EQ(-EBUSY, set_state(fd, VHOST_SET_VRING_BASE, 0, 0));
	EXPECT_EQ(0, guest_get_base(fd, 0));
}

TEST_F(abi, vring_addr)
{
	struct vq *q = &self->g.vq[RX];
	struct vhost_vring_addr good = {
		.desc_user_addr = (uintptr_t)q->desc,
		.avail_user_addr = (uintptr_t)q->avail,
		.used_user_addr = (uintptr_t)q->used,
	}, a = good;
	int fd = self->g.vhost;

	EXPECT_EQ(0, guest_ioctl(fd, VHOST_SET_VRING_ADDR, &a));
	a.flags = 2;
	EXPECT_EQ(-EOPNOTSUPP, guest_ioctl(fd, VHOST_SET_VRING_ADDR, &a));
	a = good;
	a.avail_user_addr++;
	EXPECT_EQ(-EINVAL, guest_ioctl(fd, VHOST_SET_VRING_ADDR, &a));
	a = good;
	a.used_user_addr += 2;
	EXPECT_EQ(-EINVAL, guest_ioctl(fd, VHOST_SET_VRING_ADDR, &a));
	a = good;
	a.index = 2;
	EXPECT_EQ(-ENOBUFS, guest_ioctl(fd, VHOST_SET_VRING_ADDR, &a));
	EXPECT_EQ(-EFAULT, guest_ioctl(fd, VHOST_SET_VRING_ADDR, BAD_PTR));

	/* Not checked before the backend is set. */
	a = good;
	a.desc_user_addr = KERNEL_ADDR;
	EXPECT_EQ(0, guest_ioctl(fd, VHOST_SET_VRING_ADDR, &a));
	EXPECT_EQ(HAS_KERNEL_ADDRS ? -EFAULT : 0,
		  guest_attach(&self->g, RX, self->tap.fd[0]));
	EXPECT_EQ(0, guest_attach(&self->g, RX, -1));
	EXPECT_EQ(0, guest_ioctl(fd, VHOST_SET_VRING_ADDR, &good));
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	EXPECT_EQ(0, guest_ioctl(fd, VHOST_SET_VRING_ADDR, &good));
	EXPECT_EQ(HAS_KERNEL_ADDRS ? -EINVAL : 0,
		  guest_ioctl(fd, VHOST_SET_VRING_ADDR, &a));
}

static const unsigned long vring_files[] = {
	VHOST_SET_VRING_KICK, VHOST_SET_VRING_CALL, VHOST_SET_VRING_ERR,
};

TEST_F(abi, vring_eventfds)
{
	int fd = self->g.vhost, event = eventfd(0, 0);
	int null = open("/dev/null", O_RDWR);
	unsigned int i;

	for (i = 0; i < 3; i++) {
		unsigned long req = vring_files[i];

		EXPECT_EQ(0, set_file(fd, req, 0, event));
		EXPECT_EQ(0, set_file(fd, req, 1, event));
		EXPECT_EQ(0, set_file(fd, req, 0, -1));
		EXPECT_EQ(0, set_file(fd, req, 0, -1));
		EXPECT_EQ(-EBADF, set_file(fd, req, 0, -2));
		EXPECT_EQ(-EBADF, set_file(fd, req, 0, 9999));
		EXPECT_EQ(-EINVAL, set_file(fd, req, 0, null));
		EXPECT_EQ(-ENOBUFS, set_file(fd, req, 2, event));
		EXPECT_EQ(-EFAULT, guest_ioctl(fd, req, BAD_PTR));
	}
	close(event);
	close(null);
}

/* Replaced eventfds and rejected backends must not keep a reference. */
TEST_F(abi, CVE_2019_14818_no_file_leak)
{
	int fd = self->g.vhost, event, i, j;
	long before;

	before = open_files();
	for (i = 0; i < 500; i++) {
		event = eventfd(0, 0);
		ASSERT_LE(0, event);
		for (j = 0; j < 3; j++)
			ASSERT_EQ(0, set_file(fd, vring_files[j], i & 1, event));
		ASSERT_EQ(-ENOTSOCK,
			  set_file(fd, VHOST_NET_SET_BACKEND, 0, event));
		close(event);
	}
	for (j = 0; j < 6; j++)
		ASSERT_EQ(0, set_file(fd, vring_files[j / 2], j & 1, -1));
	/* RCU and task work drop the last references. */
	usleep(200000);
	EXPECT_GT(before + 250, open_files());
}

TEST_F(abi, busyloop_timeout)
{
	struct vhost_vring_state s = { .index = 1 };
	int fd = self->g.vhost;

	EXPECT_EQ(0, set_state(fd, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, 1, 77));
	EXPECT_EQ(0, guest_ioctl(fd, VHOST_GET_VRING_BUSYLOOP_TIMEOUT, &s));
	EXPECT_EQ(77, s.num);
	EXPECT_EQ(-ENOBUFS,
		  set_state(fd, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, 2, 0));
}

/* ---- backend ---- */

TEST_F(abi, CVE_2020_10942_backend_kinds)
{
	int fd = self->g.vhost, f;
	struct {
		int family, type, proto, want;
	} sk[] = {
		{ AF_UNIX, SOCK_DGRAM, 0, -ENOTSOCK },
		{ AF_INET, SOCK_DGRAM, 0, -ENOTSOCK },
		{ AF_INET, SOCK_RAW, 17, -ENOTSOCK },
		{ AF_PACKET, SOCK_DGRAM, 0, -ENOTSOCK },
		{ AF_NETLINK, SOCK_RAW, 0, -ENOTSOCK },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sk); i++) {
		f = socket(sk[i].family, sk[i].type, sk[i].proto);
		ASSERT_LE(0, f);
		EXPECT_EQ(sk[i].want, set_file(fd, VHOST_NET_SET_BACKEND, 0, f));
		close(f);
	}
	EXPECT_EQ(-ENOTSOCK, set_file(fd, VHOST_NET_SET_BACKEND, 0, fd));
	EXPECT_EQ(-ENOTSOCK, set_file(fd, VHOST_NET_SET_BACKEND, 0, 9999));
	EXPECT_EQ(-ENOBUFS,
		  set_file(fd, VHOST_NET_SET_BACKEND, 2, self->tap.fd[0]));
	EXPECT_EQ(-EFAULT, guest_ioctl(fd, VHOST_NET_SET_BACKEND, BAD_PTR));
	EXPECT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	EXPECT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	EXPECT_EQ(0, guest_stop(&self->g));
	EXPECT_EQ(0, guest_stop(&self->g));
}

/* QEMU aborts unless detaching a backend succeeds. */
TEST_F(abi, detach_always_works)
{
	struct guest *g = &self->g;
	int fd;

	if (!guest_is_ours())
		SKIP(return, "in-tree may return EFAULT");
	fd = open(guest_node(), O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, guest_ioctl(fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(0, set_file(fd, VHOST_NET_SET_BACKEND, 0, -1));
	EXPECT_EQ(0, set_file(fd, VHOST_NET_SET_BACKEND, 1, -1));
	close(fd);

	ASSERT_EQ(0, guest_start(g, self->tap.fd[0]));
	munmap(g->mem, g->mem_len);
	g->mem = NULL;
	mprotect(g->vq[TX].desc, 4096, PROT_NONE);
	vq_kick_hard(&g->vq[TX]);
	EXPECT_EQ(0, guest_stop(g));

	/* These rings were never valid. */
	ASSERT_EQ(0, set_state(g->vhost, VHOST_SET_VRING_NUM, 0, 32768));
	EXPECT_EQ(0, guest_stop(g));
}

TEST_F(abi, unknown_ioctls)
{
	char arg[64] = {};
	int fd = self->g.vhost;

	EXPECT_EQ(-ENOTTY, guest_ioctl(fd, _IO(VHOST_VIRTIO, 0xfe), arg));
	EXPECT_EQ(-ENOTTY, guest_ioctl(fd, _IO('T', 1), arg));
	EXPECT_EQ(-ENOTTY, guest_ioctl(fd, 0, arg));
	EXPECT_EQ(-ENOTTY, guest_ioctl(fd, 0xffffffff, arg));
}

/* Without a device IOTLB there are no messages, but read, write and poll return. */
TEST_F(abi, read_write_poll)
{
	struct pollfd p = { .fd = self->g.vhost, .events = POLLIN };
	char buf[256] = {};
	int fd = self->g.vhost;

	ASSERT_EQ(0, fcntl(fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-1, read(fd, buf, sizeof(buf)));
	EXPECT_EQ(-1, write(fd, buf, 3));
	EXPECT_EQ(-1, write(fd, buf, 72));
	EXPECT_GE(1, poll(&p, 1, 0));
	EXPECT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
}

TEST(many_files_at_once)
{
	int fd[32], i;

	for (i = 0; i < 32; i++) {
		fd[i] = open(guest_node(), O_RDWR);
		ASSERT_LE(0, fd[i]);
		ASSERT_EQ(0, guest_ioctl(fd[i], VHOST_SET_OWNER, NULL));
	}
	for (i = 0; i < 32; i++)
		close(fd[i]);
}

TEST_HARNESS_MAIN
