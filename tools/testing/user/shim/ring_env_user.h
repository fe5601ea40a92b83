/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ring_env_user.h - what ring/ring_env.h includes when there is no kernel around it
 *
 * Read before: drivers/vhost_tap/ring/ring_env.h. The shim is three files with
 * three meanings, so that nobody has to guess how far to trust it:
 *
 *   kernel_api.h   the same meaning as in the kernel, written again here
 *   stubs.h        nothing behind it; code under test must not care
 *   user_access.h  different from the kernel on purpose: guest memory that checks
 *                  every access, fails on request and changes behind the reader
 */
#ifndef VTAP_OS_USER_H
#define VTAP_OS_USER_H

/* All that the tests use: no system header follows the names of the shim. */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <linux/types.h>
/* Without the vring_need_event() & co of the legacy part: ring/ has its own. */
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <linux/vhost_types.h>

/*
 * A newer C library, UAPI header or compiler may define any name of the three
 * files below. The Makefile generates undef.h from them (names.awk), which
 * frees those names, so the shim's own meaning always holds. With SHIM_CLASH,
 * clash.h defines all of them first, as such a header would.
 */
#ifdef SHIM_CLASH
#include "clash.h"
#endif
#include "undef.h"
#include "stubs.h"
#include "kernel_api.h"
#include "user_access.h"

#endif /* VTAP_OS_USER_H */
