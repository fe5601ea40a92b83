// SPDX-License-Identifier: GPL-2.0
/*
 * unlogged - turn off the dirty log of a vhost device, for check-migrate
 *
 * This library is preloaded into QEMU and hides from the kernel that the dirty log is
 * on. The tests must fail then, which proves that they can see such a bug.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/vhost.h>
#include <stdarg.h>
#include <stdint.h>

int ioctl(int fd, unsigned long cmd, ...)
{
	static int (*next)(int fd, unsigned long cmd, ...);
	struct vhost_vring_addr addr;
	uint64_t features;
	va_list ap;
	void *arg;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (!next)
		next = dlsym(RTLD_NEXT, "ioctl");
	if (cmd == VHOST_SET_FEATURES) {
		features = *(uint64_t *)arg & ~(1ull << VHOST_F_LOG_ALL);
		arg = &features;
	} else if (cmd == VHOST_SET_VRING_ADDR) {
		addr = *(struct vhost_vring_addr *)arg;
		addr.flags &= ~(1u << VHOST_VRING_F_LOG);
		arg = &addr;
	}
	return next(fd, cmd, arg);
}
