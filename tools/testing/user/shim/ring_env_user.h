/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ring_env_user.h - the includes of ring/ring_env.h in user space
 *
 * The shim has three files, which differ in how they relate to the kernel:
 *
 *   kernel_api.h   the same meaning as in the kernel, reimplemented here
 *   annotations.h  without effect; the tested code must not depend on it
 *   user_access.h  deliberately different from the kernel: guest memory that checks
 *                  every access, fails on request and changes behind the reader
 */
#ifndef VTAP_RING_ENV_USER_H
#define VTAP_RING_ENV_USER_H

/* Everything the tests use: no system header may follow the names of the shim. */
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
/* Without vring_need_event() and others of the legacy part: ring/ has its own. */
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <linux/vhost_types.h>

/* Since 6.2. */
#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4	5
#endif

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
#include "annotations.h"
#include "kernel_api.h"
#include "user_access.h"

#endif /* VTAP_RING_ENV_USER_H */
