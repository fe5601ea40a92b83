// SPDX-License-Identifier: GPL-2.0
/*
 * Rounds on the module without rings, with the packets where a guest has them.
 *
 * Read before: testbed.h, floor/floor.h. Read next: floor/vtap_floor.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "testbed.h"
#include "floor/floor.h"

#define NODE	"/dev/vtap-floor"

bool floor_is_node(const char *node)
{
	return !strncmp(node, NODE, strlen(NODE));
}

/* A GSO packet to the guest takes several of its buffers; here, one place. */
static size_t place(const struct bed *bed)
{
	return bed->per_packet > 1 ? bed->per_packet * bed->stride : bed->stride;
}

static unsigned int nr_places(const struct bed *bed)
{
	return bed->nr_slots / bed->per_packet;
}

int floor_init(struct bed *bed)
{
	unsigned int i;

	bed->floor = open(NODE, O_RDWR | O_CLOEXEC);
	if (bed->floor < 0 ||
	    ioctl(bed->floor, FLOOR_SET_TAP, &bed->pair[0].tap))
		return -errno;
	bed->mem = mmap(NULL, place(bed) * nr_places(bed),
			PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (bed->mem == MAP_FAILED)
		return -errno;
	for (i = 0; !bed->row->rx && i < nr_places(bed); i++)
		memcpy(bed->mem + i * place(bed), bed->frame, bed->frame_len);
	return 0;
}

int floor_run(struct bed *bed)
{
	struct pair *p = &bed->pair[0];
	struct floor_run run = {
		.mem = (uintptr_t)bed->mem,
		.stride = place(bed),
		.nr_places = nr_places(bed),
		.first = p->slot,
		.nr_packets = bed->nr_packets,
		.len = bed->frame_len,
		.flags = (bed->row->rx ? FLOOR_RX : 0) |
			 (strstr(guest_node(), ":kernel") ? FLOOR_KERNEL : 0),
	};

	p->slot = (p->slot + bed->nr_packets) % nr_places(bed);
	return ioctl(bed->floor, FLOOR_RUN, &run) ? -errno : 0;
}
