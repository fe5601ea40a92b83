// SPDX-License-Identifier: GPL-2.0
/* target.c - the state of a program: devices, guest memory, eventfds, and steps with files */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

struct target target;
static int memory;
/* Pages may be missing; shared with children. */
static volatile bool *is_unmapped;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* Map all of guest memory at ARENA, over whatever a program has left there. */
void target_map(void)
{
	if (mmap((void *)ARENA, ARENA_LEN, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		 memory, 0) == MAP_FAILED)
		fail("guest memory");
}

/* A program is about to change the mapping. */
void target_unmapped(void)
{
	*is_unmapped = true;
}

void target_init(void)
{
	memory = memfd_create("guest", MFD_CLOEXEC);
	if (memory < 0 || ftruncate(memory, ARENA_LEN))
		fail("memfd");
	target.mem = mmap(NULL, ARENA_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	if (target.mem == MAP_FAILED)
		fail("guest memory");
	is_unmapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (is_unmapped == MAP_FAILED)
		fail("memory");
	target_map();
	netlink_init();
	net_init();
	system_init();
	procs_init();
}

static void dev_begin(struct dev *d, unsigned int nr)
{
	unsigned int i;

	memset(d, 0, sizeof(*d));
	d->fd = -1;
	for (i = 0; i < NR_RINGS; i++) {
		struct ring *r = &d->ring[i];

		r->off = (nr * NR_RINGS + i) * 0x4000ULL;
		r->num = 256;
		r->kick = -1;
		r->call = -1;
		r->err = -1;
	}
}

void target_begin(void)
{
	unsigned int i;

	if (*is_unmapped)
		target_map();
	*is_unmapped = false;
	memset(target.mem, 0, ARENA_LEN);
	target.data = ARENA_DATA;
	for (i = 0; i < NR_DEVS; i++)
		dev_begin(&target.dev[i], i);
	for (i = 0; i < NR_BACKENDS; i++)
		target.backend[i] = -1;
	net_begin();
}

int target_open(void)
{
	return open("/dev/vhost-tap", O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

/* The device of a step, which is opened at the first use. */
struct dev *op_dev(const struct op *o)
{
	struct dev *d = &target.dev[o->a & 3];

	if (d->is_used)
		return d;
	d->is_used = true;
	d->fd = target_open();
	return d;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* End the program. Each step undoes what would block a later one. */
void target_end(void)
{
	unsigned int i, j;

	procs_end();
	system_end();
	for (i = 0; i < NR_DEVS; i++) {
		struct dev *d = &target.dev[i];

		close_fd(d->fd);
		for (j = 0; j < NR_RINGS; j++) {
			close_fd(d->ring[j].kick);
			close_fd(d->ring[j].call);
			close_fd(d->ring[j].err);
		}
	}
	netlink_end();
	net_end();
	system_restore();
}

/* Take @len bytes of the arena, from the start again at its end. Return: offset */
uint64_t target_alloc(uint64_t len)
{
	uint64_t off;

	len = (len + 15) & ~15ULL;
	if (target.data + len > ARENA_LEN)
		target.data = ARENA_DATA;
	off = target.data;
	target.data += len;
	return off;
}

/* The eventfd of @fd, which is created at the first use. */
int target_eventfd(int *fd)
{
	if (*fd < 0)
		*fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return *fd;
}

void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0 && errno == ENOENT)
		fail(path);
	close(fd);
}

/* ---- steps that use files ---- */

/* @b: 0 close, 1 open, 2 duplicate, 3 pass through a socket, 4 use another device's file */
STEP(op_files)
{
	struct dev *d = op_dev(o);
	int fd;

	switch (o->b % 5) {
	case 0:
		close(d->fd);
		d->fd = -1;
		break;
	case 1:
		close(d->fd);
		d->fd = o->x & 1 ? open("/dev/vhost-net", O_RDWR | O_NONBLOCK | O_CLOEXEC) :
				   target_open();
		break;
	case 2:
		fd = dup(d->fd);
		close(d->fd);
		d->fd = fd;
		break;
	case 3:
		fcntl(d->fd, F_SETFL, o->x & 1 ? O_NONBLOCK : O_NONBLOCK | O_APPEND);
		break;
	default:
		dup2(target.dev[o->x & 3].fd, d->fd);
	}
	return 0;
}

/* Use or close an eventfd of a ring. @b: 0 kick, 1 call, 2 err; @c: 0 read, 1 fill, 2 close */
STEP(op_eventfd)
{
	struct ring *r = op_ring(o);
	int *fd = o->b % 3 == 0 ? &r->kick : o->b % 3 == 1 ? &r->call : &r->err;
	uint64_t v = -2;

	switch (o->c % 3) {
	case 0: return read(*fd, &v, sizeof(v)) == -2;
	case 1: return write(*fd, &v, sizeof(v)) == -2;
	default:
		close(*fd);
		*fd = -1;
	}
	return 0;
}
