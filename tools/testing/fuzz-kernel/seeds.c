// SPDX-License-Identifier: GPL-2.0
/* seeds.c - programs to start from: traffic over each kind of set-up, and rarer events */
#include <stdio.h>
#include <string.h>

#include "fuzz.h"

/* A step by its name. */
struct step {
	const char *name;
	uint8_t a, b, c;
	uint32_t x;
	uint64_t y;
};

#define MAX_STEPS	14

/* Headers of a TCP segment to be cut, and of one without a checksum. */
#define GSO_TCP		0x102205a800360101ULL
/* Set-ups, as of op_setup(): plain, mergeable and modern, packed, with an IOTLB. */
#define PLAIN		0x00a
#define MERGEABLE	0x00f
#define PACKED		0x01f
#define IOTLB		0x04f
#define SCATTERED	0x40004f
#define SCATTERED_P	0x40005f
#define TX		4
#define DEV_1		1
#define WAIT		{ "settle", 0, 31, 0, 0, 0 }
#define CALL(nr, c, x, y) { "ioctl", 0, (nr) << 2, c, x, y }

/* Buffers that are shorter than packets, so that packets use several. */
#define SHORT_BUFFERS(setup) {						\
	{ "setup", 0, 0, 1, setup, 0 },					\
	{ "rx", 0, 0, 8, 60 << 24 | 200, 0 },				\
	{ "send", 0, 0, 2, 3 << 24 | 1400, 0 },				\
	{ "send", 0, 0, 3, 9000, GSO_TCP },				\
	{ "rx", 0, 0, 8, 60 << 24 | 700, 0 },				\
	{ "send", 0, 0, 2, 9 << 24 | 1400, 0 },				\
	{ "rx", 0, 0, 9, 3 << 24 | 15 << 16 | 64, 0 },			\
	{ "send", 0, 0, 3, 30000, GSO_TCP },				\
	WAIT }

/* Long frames, cut by the host. */
#define LONG_FRAMES(setup, how, backend) {				\
	{ "setup", 0, backend, how, setup, 0 },				\
	{ "tx", TX, 0, 8, 1 << 24 | 3 << 16 | 40000, GSO_TCP },		\
	{ "tx", TX, 0, 9, 1 << 24 | 15 << 16 | 65000, GSO_TCP },	\
	{ "tx", TX, 0, 12, 5 << 16 | 3000, 0 },				\
	{ "tx", TX, 0, 8, 100 << 24 | 1 << 16 | 1400, 0 },		\
	WAIT }

#define NETLINK(setup) {						\
	{ "netlink", 0, 0x40 | 1, 0, 0, 0 },				\
	{ "setup", 0, 0, 1, setup, 0 },					\
	{ "netlink", TX, 5, 0x7f, 0xc09, 1000000 },			\
	{ "netlink", 0, 5, 0x46, 0x808, 1000000 },			\
	{ "rx", 0, 0, 8, 16 << 24 | 2000, 0 },				\
	{ "tx", TX, 0, 8, 9 << 24 | 1000, 0 },				\
	{ "send", 0, 0, 2, 5 << 24 | 1000, 0 },				\
	{ "netlink", 0, 0x81, 1, 0, 0 },				\
	{ "netlink", 0, 0x84, 1, 0, 0 },				\
	{ "netlink", TX, 4, 0, 0, 0 },					\
	{ "netlink", 0, 7, 0, 0, 0 },					\
	{ "netlink", 0, 8, 1, 0x13, 0 },				\
	{ "debugfs", 0, 0, 0, 0, 0 },					\
	WAIT }

/* Misses, which the client answers one by one. */
#define MISSES(setup) {							\
	{ "setup", 0, 0, 0, setup, 0 },					\
	{ "tx", TX, 0, 8, 1 << 24 | 2 << 16 | 3000, 0 },		\
	{ "miss", 0, 1, 0, 0, 0 },					\
	{ "miss", 0, 1, 0, 0, 0 },					\
	{ "rx", 0, 0, 8, 16 << 24 | 2000, 0 },				\
	{ "send", 0, 0, 2, 5 << 24 | 1000, 0 },				\
	{ "miss", 0, 1, 0, 0, 0 },					\
	{ "iotlb", 0, 5, 0, 0, 0 },					\
	{ "kick", TX, 0, 1, 0, 0 },					\
	{ "miss", 0, 1, 0, 0, 0 },					\
	WAIT }

static const struct step programs[][MAX_STEPS] = {
	MISSES(IOTLB), MISSES(0x05f), MISSES(SCATTERED), MISSES(SCATTERED_P), MISSES(0x0df),
	SHORT_BUFFERS(MERGEABLE), SHORT_BUFFERS(PACKED), SHORT_BUFFERS(IOTLB),
	SHORT_BUFFERS(SCATTERED), SHORT_BUFFERS(SCATTERED_P), SHORT_BUFFERS(0x08f),
	SHORT_BUFFERS(0x09f), SHORT_BUFFERS(0x02f), SHORT_BUFFERS(0x03f),
	LONG_FRAMES(MERGEABLE, 1, 0), LONG_FRAMES(MERGEABLE, 3, 0), LONG_FRAMES(PACKED, 3, 0),
	LONG_FRAMES(SCATTERED, 3, 0), LONG_FRAMES(MERGEABLE, 3, 4), LONG_FRAMES(PLAIN, 1, 5),
	LONG_FRAMES(0x80f, 3, 0),
	NETLINK(MERGEABLE), NETLINK(PACKED), NETLINK(0xa00f),
	{	/* chains with as many segments as a chain may have, and more */
		{ "setup", 0, 0, 0, MERGEABLE, 0 },
		{ "tx", TX, 0, 0x29, 12 << 16 | 2000, 0 },
		{ "tx", TX, 0, 0x29, 15 << 16 | 2000, 0 },
		{ "kick", TX, 0, 1, 0, 0 },
		{ "rx", 0, 0, 9, 250U << 24 | 15 << 16 | 20, 0 },
		{ "send", 0, 0, 3, 19000, GSO_TCP },
		{ "send", 0, 0, 3, 40000, GSO_TCP },
		WAIT,
	}, {	/* a child that waits for a miss */
		{ "setup", 0, 0, 0, IOTLB, 0 },
		{ "child", 0, 7, 0, 0, 0 },
		{ "miss", 0, 16, 0, 0, 0 },
		{ "tx", TX, 0, 8, 1000, 0 },
		WAIT,
		{ "setup", 0, 0, 0, MERGEABLE, 0 },
		{ "child", 0, 7, 0, 0, 0 },
		{ "miss", 0, 16, 0, 0, 0 },
	}, {	/* the other name of the node */
		{ "param", 0, 6, 0, 1, 0 },
		{ "files", 0, 1, 0, 1, 0 },
		{ "param", 0, 6, 0, 0, 0 },
		{ "files", 0, 0, 0, 0, 0 },
		{ "param", 0, 6, 0, 0, 0 },
	}, {	/* trace events, a dirty log with two addresses for a page */
		{ "param", 0, 7, 0, 1, 0 },
		{ "setup", 0, 0, 1, 0x08f, 0 },
		CALL(10, 28, 0, 0),
		{ "rx", 0, 0, 8, 16 << 24 | 2000, 0 },
		{ "tx", TX, 0, 8, 9 << 24 | 1000, 0 },
		{ "send", 0, 0, 2, 5 << 24 | 1000, 0 },
		{ "avail", TX, 1, 128, 999, 0 },
		{ "debugfs", 0, 2, 0, 0, 0 },
		{ "param", 0, 7, 0, 0, 0 },
	}, {	/* limits of the client, and polling */
		{ "setup", 0, 0, 1, MERGEABLE, 0 },
		{ "ioctl", TX, 33 << 2, 0, 0, 0x020202 },
		{ "ioctl", 0, 33 << 2, 0, 0, 0x020003 },
		{ "rx", 0, 0, 8, 60 << 24 | 2000, 0 },
		{ "tx", TX, 0, 8, 60 << 24 | 1000, 0 },
		{ "send", 0, 0, 2, 60 << 24 | 1000, 0 },
		WAIT, WAIT,
		{ "tx", TX, 0, 8, 9 << 24 | 1000, 0 },
		{ "netlink", TX, 4, 0, 0, 0 },
	}, {
		{ "setup", 0, 0, 1, MERGEABLE, 0 },
		{ "ioctl", TX, 20 << 2, 0, 0, 100 },
		{ "tx", TX, 0, 8, 9 << 24 | 1000, 0 },
		CALL(31, 0, 100, 0),
		{ "tx", TX, 0, 8, 9 << 24 | 1000, 0 },
		WAIT,
		{ "ioctl", TX, 20 << 2, 0, 0, 0 },
		{ "tx", TX, 0, 8, 9 << 24 | 1000, 0 },
		WAIT,
	}, {	/* two devices with shared threads; a worker moves */
		{ "param", 0, 0, 0, 2, 0 },
		{ "setup", 0, 0, 1, MERGEABLE, 0 },
		{ "setup", DEV_1, 1, 1, 0x800f, 0 },
		{ "tx", TX, 0, 2, 20 << 24 | 1000, 0 },
		{ "tx", DEV_1 | TX, 0, 0, 20 << 24 | 1000, 0 },
		{ "netlink", 0, 9, 1, 0, 0 },
		{ "kick", TX, 0, 1, 0, 0 },
		{ "netlink", 1, 9, 1, 0, 0 },
		{ "netlink", 0, 0x87, 1, 0, 0 },
		CALL(31, 0, 100, 0),
		{ "tx", TX, 0, 8, 20 << 24 | 1000, 0 },
		WAIT,
	}, {	/* kernel threads, shared, with slow memory */
		{ "param", 0, 0, 0, 1, 0 },
		{ "setup", 0, 0, 1, 0x100f, 0 },
		{ "setup", DEV_1, 4, 1, 0x100f, 0 },
		{ "uffd", 0, 0, 0, 0x3f0080, 0 },
		{ "tx", TX, 0, 8, 5 << 24 | 1000, 0 },
		{ "tx", DEV_1 | TX, 0, 8, 5 << 24 | 1000, 0 },
		CALL(9, 0, 0, 0),
		WAIT,
	}, {	/* another worker */
		{ "setup", 0, 0, 1, MERGEABLE, 0 },
		CALL(22, 0, 0, 0),
		{ "ioctl", TX, 24 << 2, 0, 0, 1 },
		{ "tx", TX, 0, 8, 5 << 24 | 1000, 0 },
		{ "ioctl", TX, 32 << 2, 0, 0, 0 },
		{ "ioctl", TX, 24 << 2, 0, 0, 0 },
		CALL(23, 0, 1, 0),
		{ "ioctl", TX, 25 << 2, 0, 0, 0 },
	}, {	/* no room in the socket */
		{ "setup", 0, 0, 1, MERGEABLE, 0 },
		{ "tap", 0, 4, 0, 1, 0 },
		{ "tx", TX, 0, 8, 20 << 24 | 1400, 0 },
		{ "tap", 0, 4, 0, 60000, 0 },
		{ "kick", TX, 0, 1, 0, 0 },
	}, {	/* memory that comes and goes */
		{ "setup", 0, 0, 1, MERGEABLE, 0 },
		{ "mm", 0, 1, 0, 0x030000, 0 },
		{ "kick", TX, 0, 1, 0, 0 },
		{ "tx", TX, 0, 8, 1000, 0 },
		{ "mm", 0, 6, 0, 0, 0 },
		{ "tx", TX, 0, 8, 1000, 0 },
		{ "save", 0, 0, 0, 0, 0 },
		{ "load", 0, 0, 3, 0, 0 },
		{ "tx", TX, 0, 8, 1000, 0 },
	}, {	/* an IOTLB that is full */
		{ "setup", 0, 0, 1, IOTLB, 0 },
		{ "iotlb", 0, 7, 0, 4095, 0 },
		{ "tx", TX, 0, 8, 1000, 0 },
	}, {	/* used rings that cannot be written, of both formats */
		{ "setup", 0, 0, 1, MERGEABLE, 0 },
		{ "mm", 0, 2, 0, 7, 0 },
		{ "mm", 0, 2, 0, 3, 0 },
		{ "tx", TX, 0, 8, 5 << 24 | 1000, 0 },
		{ "rx", 0, 0, 8, 60 << 24 | 200, 0 },
		{ "send", 0, 0, 2, 3 << 24 | 1400, 0 },
		{ "mm", 0, 6, 0, 0, 0 },
		{ "kick", TX, 0, 1, 0, 0 },
		{ "kick", 0, 0, 1, 0, 0 },
	}, {
		{ "setup", 0, 0, 1, PACKED, 0 },
		{ "mm", 0, 2, 0, 4, 0 },
		{ "mm", 0, 2, 0, 0, 0 },
		{ "tx", TX, 0, 8, 5 << 24 | 1000, 0 },
		{ "rx", 0, 0, 8, 60 << 24 | 200, 0 },
		{ "send", 0, 0, 2, 3 << 24 | 1400, 0 },
		{ "mm", 0, 6, 0, 0, 0 },
		{ "kick", TX, 0, 1, 0, 0 },
		{ "kick", 0, 0, 1, 0, 0 },
	}, {	/* an owner that dies, and one that only has the file */
		{ "child", 0, 1, 0, 3, 0 },
		{ "setup", 0, 0, 1, MERGEABLE, 0 },
		{ "tx", TX, 0, 8, 20 << 24 | 1400, 0 },
		{ "rx", 0, 0, 8, 20 << 24 | 1400, 0 },
		{ "send", 0, 0, 2, 9 << 24 | 1000, 0 },
		WAIT,
		{ "setup", 0, 0, 1, MERGEABLE, 0 },
		{ "netlink", 0, 0x81, 0, 0, 0 },
	}, {	/* a namespace of its own */
		{ "child", 0, 4, 0, 4, 0 },
		{ "unshare", 0, 1, 0, 0, 0 },
		{ "setup", 0, 0, 1, MERGEABLE, 0 },
		{ "netlink", TX, 5, 0x7f, 0xc09, 1000000 },
		{ "netlink", 0, 0x81, 1, 0, 0 },
		{ "netlink", 0, 9, 1, 0, 0 },
		WAIT,
	}, {
		{ "param", 0, 6, 0, 1, 0 },
		{ "param", 0, 5, 0, 1, 0 },
		{ "param", 0, 7, 0, 1, 0 },
		{ "setup", 0, 4, 1, MERGEABLE, 0 },
		{ "tx", TX, 0, 8, 20 << 24 | 1400, 0 },
		{ "rx", 0, 0, 8, 20 << 24 | 1400, 0 },
		{ "send", 0, 4, 2, 9 << 24 | 1000, 0 },
		{ "param", 0, 5, 0, 2, 0 },
		{ "stop", TX, 0, 0, 0, 0 },
		{ "start", TX, 4, 0, 0, 0 },
	},
};

static uint8_t number(const char *name)
{
	unsigned int i;

	for (i = 0; i < nr_ops && strcmp(ops[i].name, name); i++)
		;
	return i;
}

static void write_program(const char *dir, unsigned int nr, const struct step *s, unsigned int max)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/seed-%03u", dir, nr);
	f = open_or_exit(path, "w");
	for (; max-- && s->name; s++) {
		const struct op o = { number(s->name), s->a, s->b, s->c, s->x, s->y };

		fwrite(&o, sizeof(o), 1, f);
	}
	fclose(f);
}

/* Buffers and frames on a set-up @x with backend @b, and a stop. */
static void write_traffic(const char *dir, unsigned int nr, uint32_t x, uint8_t b)
{
	const struct step s[] = {
		{ "setup", 0, b, 1, x, 0 },
		{ "rx", 0, 0, 8, 16 << 24 | 2048, 0 },
		{ "tx", TX, 0, 8, 100, 0 },
		{ "tx", TX, 0, 8, 5 << 24 | 1 << 16 | 1500, 0 },
		{ "miss", 0, 1, 0, 0, 0 },
		{ "send", 0, b, 2, 5 << 24 | 1000, 0 },
		{ "miss", 0, 1, 0, 0, 0 },
		{ "tx", TX, 0, 9, 3 << 16 | 40000, GSO_TCP },
		WAIT,
		{ "stop", TX, 0, 0, 0, 0 },
	};

	write_program(dir, nr, s, ARRAY_SIZE(s));
}

void seeds_write(const char *dir)
{
	static const uint32_t setups[] = {
		0x000, 0x00b, MERGEABLE, PACKED, 0x02f, 0x03f, IOTLB, 0x05f, 0x08f, 0x09f, 0x10f,
		0x80f, 0x300f, 0x500f, 0xa00f, 0x1000f, 0x8000f, 0x10000f, 0x18000f, SCATTERED,
		SCATTERED_P,
	};
	unsigned int nr = 0, i, b;

	for (i = 0; i < ARRAY_SIZE(programs); i++)
		write_program(dir, nr++, programs[i], MAX_STEPS);
	for (i = 0; i < ARRAY_SIZE(setups); i++) {
		for (b = 0; b < 6; b++) {
			if (i < 4 || !b || !((i + b) % 6))
				write_traffic(dir, nr++, setups[i], b);
		}
	}
}
