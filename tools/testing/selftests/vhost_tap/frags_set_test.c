// SPDX-License-Identifier: GPL-2.0
/*
 * The setting of VHOST_TAP_SET_VRING_GSO_FRAGS: errnos, and how long it lasts.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "../../../../include/uapi/linux/vhost_tap.h"
#include "guest.h"
#include "pairs.h"

static int set_frags(int fd, unsigned int index, unsigned int enable)
{
	struct vhost_tap_vring_gso_frags f = { .index = index, .enable = enable };

	return guest_ioctl(fd, VHOST_TAP_SET_VRING_GSO_FRAGS, &f);
}

static int own(int fd)
{
	return guest_ioctl(fd, VHOST_SET_OWNER, NULL);
}

/* Set the capability of this thread. Return: 0 or -errno */
static int set_net_admin(bool has)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		return -errno;
	if (has)
		data[0].effective |= 1u << CAP_NET_ADMIN;
	else
		data[0].effective &= ~(1u << CAP_NET_ADMIN);
	return syscall(SYS_capset, &head, data) ? -errno : 0;
}

TEST(errnos)
{
	struct vhost_tap_info info = { .size = sizeof(info) };
	int fd, status;
	pid_t pid;

	if (!guest_is_ours())
		SKIP(return, "vhost-tap only");
	fd = open(guest_node(), O_RDWR | O_CLOEXEC);
	ASSERT_EQ(0, guest_ioctl(fd, VHOST_TAP_GET_INFO, &info));
	EXPECT_TRUE(info.caps & VHOST_TAP_CAP_GSO_FRAGS);
	EXPECT_LE(7, info.version);
	EXPECT_EQ(-EPERM, set_frags(fd, TX, 1));
	ASSERT_EQ(0, own(fd));
	EXPECT_EQ(-EFAULT, guest_ioctl(fd, VHOST_TAP_SET_VRING_GSO_FRAGS, NULL));
	EXPECT_EQ(-ENOBUFS, set_frags(fd, 2, 1));
	EXPECT_EQ(-EINVAL, set_frags(fd, TX, 2));
	EXPECT_EQ(-EINVAL, set_frags(fd, TX, ~0U));
	EXPECT_EQ(0, set_frags(fd, RX, 1));
	EXPECT_EQ(0, set_frags(fd, TX, 1));
	EXPECT_EQ(0, set_frags(fd, TX, 0));
	ASSERT_EQ(0, set_net_admin(false));
	EXPECT_EQ(-EPERM, set_frags(fd, TX, 1));
	EXPECT_EQ(0, set_frags(fd, TX, 0));
	ASSERT_EQ(0, set_net_admin(true));
	pid = fork();
	if (!pid)
		_exit(set_frags(fd, TX, 1) != -EPERM);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	close(fd);
}

/* Return: the setting of TX vring @name, or -1 */
static long setting(struct guest *g, const char *name)
{
	return guest_stat(g, name, "gso_frags");
}

TEST(reset_by_reset_owner_and_not_inherited)
{
	struct guest g = {}, other = {};

	if (!guest_is_ours())
		SKIP(return, "vhost-tap only");
	g.vhost = open(guest_node(), O_RDWR | O_CLOEXEC);
	ASSERT_EQ(0, node_set_pairs(g.vhost, 2));
	ASSERT_EQ(0, own(g.vhost));
	guest_find_debugfs(&g);
	EXPECT_EQ(0, setting(&g, "tx"));
	ASSERT_EQ(0, set_frags(g.vhost, TX, 1));
	EXPECT_EQ(1, setting(&g, "tx"));
	EXPECT_EQ(0, setting(&g, "rx"));
	/* Neither another pair nor another file has it. */
	EXPECT_EQ(0, setting(&g, "tx1"));
	other.vhost = open(guest_node(), O_RDWR | O_CLOEXEC);
	ASSERT_EQ(0, own(other.vhost));
	guest_find_debugfs(&other);
	EXPECT_EQ(0, setting(&other, "tx"));

	ASSERT_EQ(0, guest_ioctl(g.vhost, VHOST_RESET_OWNER, NULL));
	close(other.vhost);
	ASSERT_EQ(0, own(g.vhost));
	guest_find_debugfs(&g);
	EXPECT_EQ(0, setting(&g, "tx"));
	close(g.vhost);
}

static int put_param(char val)
{
	int fd = open("/sys/module/vhost_tap/parameters/gso_frags", O_WRONLY | O_CLOEXEC);
	int ret = fd < 0 ? -errno : write(fd, &val, 1) == 1 ? 0 : -errno;

	close(fd);
	return ret;
}

TEST(default_is_the_module_parameter)
{
	struct guest g = {};

	if (!guest_is_ours())
		SKIP(return, "vhost-tap only");
	ASSERT_EQ(0, put_param('1'));
	g.vhost = open(guest_node(), O_RDWR | O_CLOEXEC);
	ASSERT_EQ(0, put_param('0'));
	ASSERT_EQ(0, own(g.vhost));
	guest_find_debugfs(&g);
	EXPECT_EQ(1, setting(&g, "tx"));
	ASSERT_EQ(0, guest_ioctl(g.vhost, VHOST_RESET_OWNER, NULL));
	ASSERT_EQ(0, own(g.vhost));
	guest_find_debugfs(&g);
	EXPECT_EQ(0, setting(&g, "tx"));
	close(g.vhost);
}

TEST_HARNESS_MAIN
