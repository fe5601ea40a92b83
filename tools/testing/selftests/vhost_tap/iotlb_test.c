// SPDX-License-Identifier: GPL-2.0
/*
 * Messages of the device IOTLB: what write(2) accepts and refuses, what read(2) and
 * poll(2) return. See iotlb_miss_test.c for misses, iotlb_data_test.c for packets.
 *
 * A test names the defect and skips where in-tree vhost-net is wrong.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "guest.h"
#include "iotlb.h"

#define FEATURES	(F_QEMU | F_ACCESS_PLATFORM)
#define GPA		GUEST_GPA
#define MSG_LEN		((ssize_t)sizeof(struct vhost_msg))

/* ---- messages, no rings ---- */

FIXTURE(msg) {
	int fd;
	uint8_t *mem;
};

FIXTURE_VARIANT(msg) {
	bool v2;
};

FIXTURE_VARIANT_ADD(msg, v1) { .v2 = false };
FIXTURE_VARIANT_ADD(msg, v2) { .v2 = true };

static int open_iotlb(bool v2)
{
	uint64_t features = FEATURES, backend = 2;
	int fd = open(guest_node(), O_RDWR | O_CLOEXEC);

	if (fd < 0 || guest_ioctl(fd, VHOST_SET_OWNER, NULL) ||
	    guest_ioctl(fd, VHOST_SET_FEATURES, &features) ||
	    (v2 && guest_ioctl(fd, VHOST_SET_BACKEND_FEATURES, &backend)))
		return -1;
	return fd;
}

FIXTURE_SETUP(msg)
{
	self->fd = open_iotlb(variant->v2);
	ASSERT_LE(0, self->fd);
	self->mem = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->mem);
}

FIXTURE_TEARDOWN(msg)
{
	close(self->fd);
}

/* The memory ends before the message does. */
TEST_F(msg, write_unreadable)
{
	ASSERT_EQ(0, munmap(self->mem + 4096, 4096));
	EXPECT_EQ(-1, write(self->fd, self->mem + 4096, 72));
	EXPECT_EQ(-1, write(self->fd, self->mem + 4096 - 20, 72));
}

/* Write a valid update to @buf, which has space for any length. */
static void put_update(uint8_t *buf, bool v2, uint8_t *mem, uint64_t iova)
{
	struct vhost_msg_v2 m = {
		.type = v2 ? VHOST_IOTLB_MSG_V2 : VHOST_IOTLB_MSG,
		.iotlb = { .iova = iova, .size = 4096, .perm = RW,
			   .uaddr = (uintptr_t)mem,
			   .type = VHOST_IOTLB_UPDATE },
	};

	/* With asid 0 the two versions only differ in their type. */
	memcpy(buf, &m, sizeof(m));
}

TEST_F(msg, write_every_length)
{
	uint8_t buf[256] = {};
	ssize_t n, len;

	for (len = 0; len <= 200; len++) {
		put_update(buf, variant->v2, self->mem, GPA);
		n = write(self->fd, buf, len);
		if (len < 40) {
			/* Too short even for the fields. */
			EXPECT_EQ(-1, n);
			EXPECT_EQ(EINVAL, errno);
		} else if (len == MSG_LEN) {
			EXPECT_EQ(MSG_LEN, n);
		} else if (len > MSG_LEN) {
			/* The first message counts, the rest belongs to another one. */
			EXPECT_EQ(MSG_LEN, n) {
				TH_LOG("length %zd", len);
			}
		}
	}
}

/* In-tree takes only the first message; a batch saves system calls. */
TEST_F(msg, write_two_at_once)
{
	uint8_t buf[144];

	put_update(buf, variant->v2, self->mem, GPA);
	put_update(buf + 72, variant->v2, self->mem + 4096, GPA + 4096);
	EXPECT_EQ(guest_is_ours() ? 144 : 72, write(self->fd, buf, 144));
	/* A good message, then a bad one: the return value covers only the good one. */
	buf[72] = 99;
	EXPECT_EQ(72, write(self->fd, buf, 144));
}

TEST_F(msg, write_garbage)
{
	static const uint32_t type[] = { 0, 3, 4, 255, 0x80000000, 0xffffffff };
	struct vhost_iotlb_msg m = { .iova = GPA, .size = 4096, .perm = RW };
	uint8_t buf[72];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(type); i++) {
		put_update(buf, variant->v2, self->mem, GPA);
		memcpy(buf, &type[i], 4);
		EXPECT_EQ(-1, write(self->fd, buf, 72));
		EXPECT_EQ(EINVAL, errno);
	}
	/* A client may only send updates and invalidations. */
	m.uaddr = (uintptr_t)self->mem;
	for (i = 0; i < 256; i++) {
		m.type = i;
		if (i == VHOST_IOTLB_UPDATE || i == VHOST_IOTLB_INVALIDATE)
			continue;
		EXPECT_EQ(-EFAULT, iotlb_send(self->fd, variant->v2, &m)) {
			TH_LOG("message type %u", i);
		}
	}
}

#define UPDATE(iova, size, uaddr, perm) \
	iotlb_update(self->fd, variant->v2, iova, size, uaddr, perm)

TEST_F(msg, update_ranges)
{
	uintptr_t mem = (uintptr_t)self->mem;
	uint8_t perm;

	EXPECT_EQ(0, UPDATE(GPA, 4096, mem, RW));
	EXPECT_EQ(0, UPDATE(GPA, 4096, mem, RO));
	EXPECT_EQ(0, UPDATE(GPA, 1, mem, RW));
	EXPECT_EQ(0, UPDATE(GPA + 1, 4095, mem + 1, RW));
	EXPECT_EQ(-EINVAL, UPDATE(GPA, 0, mem, RW));
	/* The last bytes of the address space, and one more. */
	EXPECT_EQ(0, UPDATE(-4096ULL, 4096, mem, RW));
	EXPECT_EQ(-EFAULT, UPDATE(-4096ULL, 4097, mem, RW));
	EXPECT_EQ(-EFAULT, UPDATE(-1ULL, 2, mem, RW));
	/* User addresses: kernel memory, a wrap, everything. */
	for (perm = RO; perm <= RW; perm++) {
		EXPECT_EQ(HAS_KERNEL_ADDRS ? -EFAULT : 0, UPDATE(GPA, 4096, KERNEL_ADDR, perm));
		EXPECT_EQ(-EFAULT, UPDATE(GPA, 4096, -4096ULL, perm));
		EXPECT_EQ(-EFAULT, UPDATE(GPA, 8192, -4096ULL, perm));
		EXPECT_EQ(HAS_KERNEL_ADDRS ? -EFAULT : 0, UPDATE(0, -1ULL, 0, perm));
		EXPECT_EQ(-EFAULT, UPDATE(0, -1ULL, mem, perm));
	}
}

#define INVALIDATE(iova, size) \
	iotlb_invalidate(self->fd, variant->v2, iova, size)

TEST_F(msg, invalidate_ranges)
{
	uintptr_t mem = (uintptr_t)self->mem;

	EXPECT_EQ(0, INVALIDATE(GPA, 4096));
	EXPECT_EQ(0, UPDATE(GPA, 4096, mem, RW));
	EXPECT_EQ(0, INVALIDATE(GPA + 100, 1));
	EXPECT_EQ(0, INVALIDATE(0, 0));
	EXPECT_EQ(0, INVALIDATE(0, -1ULL));
	EXPECT_EQ(0, INVALIDATE(-1ULL, 1));
	EXPECT_EQ(0, INVALIDATE(0, 1ULL << 63));
	EXPECT_EQ(0, INVALIDATE(1ULL << 63, 1ULL << 63));
}

/* The device accepts both versions, whichever was negotiated for reading. */
TEST_F(msg, write_accepts_both_versions)
{
	uintptr_t mem = (uintptr_t)self->mem;

	EXPECT_EQ(0, iotlb_update(self->fd, false, GPA, 4096, mem, RW));
	EXPECT_EQ(0, iotlb_update(self->fd, true, GPA, 4096, mem, RW));
	EXPECT_EQ(0, iotlb_invalidate(self->fd, false, GPA, 4096));
	EXPECT_EQ(0, iotlb_invalidate(self->fd, true, GPA, 4096));
}

TEST_F(msg, feature_off)
{
	uint64_t off = F_QEMU;
	char buf[72];
	int fd;

	ASSERT_EQ(0, guest_ioctl(self->fd, VHOST_SET_FEATURES, &off));
	if (!guest_is_ours() && !INVALIDATE(GPA, 4096))
		SKIP(return, "on 6.1 the feature cannot be switched off");
	EXPECT_EQ(-EFAULT, UPDATE(GPA, 4096, (uintptr_t)self->mem, RW));
	EXPECT_EQ(-EFAULT, INVALIDATE(GPA, 4096));
	/* A blocking read has nothing to wait for. */
	EXPECT_EQ(-1, read(self->fd, buf, sizeof(buf)));
	EXPECT_EQ(EBADFD, errno);
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-1, read(self->fd, buf, sizeof(buf)));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_FALSE(fd_wait(self->fd, 0));

	/* The same on a file without an owner. */
	fd = open(guest_node(), O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_NE(0, iotlb_update(fd, variant->v2, GPA, 4096,
				  (uintptr_t)self->mem, RW));
	EXPECT_EQ(-1, read(fd, buf, sizeof(buf)));
	close(fd);
}

TEST_F(msg, read_without_miss)
{
	uint8_t buf[72];

	EXPECT_EQ(0, read(self->fd, buf, 71));
	EXPECT_EQ(0, read(self->fd, buf, 0));
	EXPECT_FALSE(fd_wait(self->fd, 0));
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-1, read(self->fd, buf, 72));
	EXPECT_EQ(EAGAIN, errno);
}

static void nothing(int sig)
{
}

struct reader {
	int fd;
	ssize_t n;
	int err;
	uint8_t buf[72];
};

static void *read_blocking(void *arg)
{
	struct reader *r = arg;

	r->n = read(r->fd, r->buf, sizeof(r->buf));
	r->err = r->n < 0 ? errno : 0;
	return NULL;
}

TEST_F(msg, read_is_interrupted_by_signal)
{
	struct sigaction sa = { .sa_handler = nothing };
	struct reader r = { .fd = self->fd };
	pthread_t thread;

	ASSERT_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	ASSERT_EQ(0, pthread_create(&thread, NULL, read_blocking, &r));
	usleep(QUIET_MS * 1000);
	ASSERT_EQ(0, pthread_kill(thread, SIGUSR1));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(EINTR, r.err);
}

/* In-tree wakes a reader when the IOTLB is removed since 7.2. */
TEST_F(msg, read_ends_when_feature_is_removed)
{
	struct reader r = { .fd = self->fd };
	uint64_t off = F_QEMU;
	pthread_t thread;

	if (!guest_is_ours())
		SKIP(return, "in-tree before 7.2 keeps sleeping");
	ASSERT_EQ(0, pthread_create(&thread, NULL, read_blocking, &r));
	usleep(QUIET_MS * 1000);
	ASSERT_EQ(0, guest_ioctl(self->fd, VHOST_SET_FEATURES, &off));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(EBADFD, r.err);
}

/* Only the owner may write translations; in-tree accepts them from any process. */
TEST_F(msg, write_by_another_process)
{
	int status;
	pid_t pid;

	if (!guest_is_ours())
		SKIP(return, "in-tree does not check the writer");
	pid = fork();
	if (!pid)
		_exit(-UPDATE(GPA, 4096, (uintptr_t)self->mem, RW));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(EPERM, WEXITSTATUS(status));
}

TEST_HARNESS_MAIN
