// SPDX-License-Identifier: GPL-2.0
/*
 * Rounds on the module without rings, with packets at the places a guest would use.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "testbed.h"
#include "baseline/baseline.h"

#define NODE	"/dev/vtap-baseline"

bool baseline_is_node(const char *node)
{
	return !strncmp(node, NODE, strlen(NODE));
}

/* A GSO packet to the guest takes several of its buffers, but only one place here. */
static size_t place(const struct testbed *tb)
{
	return tb->per_packet > 1 ? tb->per_packet * tb->stride : tb->stride;
}

static unsigned int nr_places(const struct testbed *tb)
{
	return tb->nr_slots / tb->per_packet;
}

int baseline_init(struct testbed *tb)
{
	unsigned int i;

	tb->baseline = open(NODE, O_RDWR | O_CLOEXEC);
	if (tb->baseline < 0 ||
	    ioctl(tb->baseline, BASELINE_SET_TAP, &tb->pair[0].tap))
		return -errno;
	tb->mem = mmap(NULL, place(tb) * nr_places(tb),
		       PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (tb->mem == MAP_FAILED)
		return -errno;
	for (i = 0; !tb->row->rx && i < nr_places(tb); i++)
		memcpy(tb->mem + i * place(tb), tb->frame, tb->frame_len);
	return 0;
}

int baseline_run(struct testbed *tb)
{
	struct testbed_pair *p = &tb->pair[0];
	struct baseline_run run = {
		.mem = (uintptr_t)tb->mem,
		.stride = place(tb),
		.nr_places = nr_places(tb),
		.first = p->slot,
		.nr_packets = tb->nr_packets,
		.len = tb->frame_len,
		.flags = (tb->row->rx ? BASELINE_RX : 0) |
			 (strstr(guest_node(), ":kernel") ? BASELINE_KERNEL : 0),
	};

	p->slot = (p->slot + tb->nr_packets) % nr_places(tb);
	return ioctl(tb->baseline, BASELINE_RUN, &run) ? -errno : 0;
}
