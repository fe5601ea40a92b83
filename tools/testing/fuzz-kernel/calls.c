// SPDX-License-Identifier: GPL-2.0
/* calls.c - steps of the client: ioctls, set-up, IOTLB messages, files */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fuzz.h"

/* Kinds of arguments of ioctls. */
enum kind {
	NONE, FEATURES, ARRAY, BYTE, FD, MEMORY, ADDRESS, STATE, RING_FILE, RING_ADDR, WORKER,
	ATTACH, MASK, PAIRS, WORKERS, POLLING, LIMIT, FRAGS, INFO,
};

static const struct call {
	unsigned long cmd;
	enum kind kind;
} calls[] = {
	{ VHOST_GET_FEATURES, NONE },
	{ VHOST_SET_FEATURES, FEATURES },
	{ VHOST_GET_FEATURES_ARRAY, ARRAY },
	{ VHOST_SET_FEATURES_ARRAY, ARRAY },
	{ VHOST_GET_BACKEND_FEATURES, NONE },
	{ VHOST_SET_BACKEND_FEATURES, BYTE },
	{ VHOST_SET_FORK_FROM_OWNER, BYTE },
	{ VHOST_GET_FORK_FROM_OWNER, NONE },
	{ VHOST_SET_OWNER, NONE },
	{ VHOST_RESET_OWNER, NONE },
	{ VHOST_SET_MEM_TABLE, MEMORY },
	{ VHOST_SET_LOG_BASE, ADDRESS },
	{ VHOST_SET_LOG_FD, FD },
	{ VHOST_SET_VRING_NUM, STATE },
	{ VHOST_SET_VRING_BASE, STATE },
	{ VHOST_GET_VRING_BASE, STATE },
	{ VHOST_SET_VRING_ADDR, RING_ADDR },
	{ VHOST_SET_VRING_KICK, RING_FILE },
	{ VHOST_SET_VRING_CALL, RING_FILE },
	{ VHOST_SET_VRING_ERR, RING_FILE },
	{ VHOST_SET_VRING_BUSYLOOP_TIMEOUT, STATE },
	{ VHOST_GET_VRING_BUSYLOOP_TIMEOUT, STATE },
	{ VHOST_NEW_WORKER, WORKER },
	{ VHOST_FREE_WORKER, WORKER },
	{ VHOST_ATTACH_VRING_WORKER, ATTACH },
	{ VHOST_GET_VRING_WORKER, ATTACH },
	{ VHOST_NET_SET_BACKEND, RING_FILE },
	{ VHOST_TAP_GET_INFO, INFO },
	{ VHOST_TAP_SET_FEATURE_MASK, MASK },
	{ VHOST_TAP_SET_QUEUE_PAIRS, PAIRS },
	{ VHOST_TAP_SET_WORKERS, WORKERS },
	{ VHOST_TAP_SET_POLLING, POLLING },
	{ VHOST_TAP_GET_VRING_THREAD, STATE },
	{ VHOST_TAP_SET_VRING_LIMIT, LIMIT },
	{ VHOST_TAP_SET_VRING_GSO_FRAGS, FRAGS },
	{ VHOST_SET_VRING_ENDIAN, STATE },
	{ _IO(0xAF, 0xff), NONE },
};

static const uint64_t limits[] = { 0, 1, 1000, 64000, 1000000, 100000000000, 100000000001,
				   ~0ULL };

/* A file of the target, of the wrong kind or closed. */
static int some_fd(const struct op *o)
{
	struct ring *r = op_ring(o);
	unsigned int nr = o->c & 31;

	if (nr >= 16 && nr < 16 + NR_BACKENDS)
		return net_backend(nr - 16);
	switch (nr) {
	case 0: return target_eventfd(&r->kick);
	case 1: return target_eventfd(&r->call);
	case 2: return target_eventfd(&r->err);
	case 3: return target.dev[o->x & 3].fd;
	case 4: return target_eventfd(&target.dev[o->x & 3].ring[o->x >> 2 & 3].kick);
	case 5: return target_eventfd(&target.dev[o->x & 3].ring[o->x >> 2 & 3].call);
	case 6: return 0;
	case 7: return o->x;
	default: return -1;
	}
}

/* An address: in the arena, any page of it, its end, or raw. */
static uint64_t some_addr(const struct op *o)
{
	static const uint64_t odd[] = { 0, ~0ULL, ~4095ULL, 1ULL << 63, 0x7fffffff0000,
					0x7fc0000000, ARENA - 4096, ARENA + ARENA_LEN };

	switch (o->b & 3) {
	case 0: return ARENA + o->y % ARENA_LEN;
	case 1: return ARENA + (o->y % ARENA_LEN & ~4095ULL);
	case 2: return odd[o->y & 7] + (o->y >> 8 & 0xffff);
	default: return o->y;
	}
}

static uint64_t some_features(const struct op *o)
{
	/* Mostly without packed rings and IOTLB, which need more than a bit. */
	return o->c & 1 ? o->y : o->y & ~(F_PACKED | F_ACCESS_PLATFORM);
}

/* The memory table of a layout. Return: its size */
static size_t put_memory(struct vhost_memory *m, unsigned int layout)
{
	struct vhost_memory_region *r = m->regions;
	const uint64_t part = ARENA_LEN / 4;
	unsigned int i;

	memset(m, 0, sizeof(*m));
	switch (layout & 3) {
	case 0:
		m->nregions = 1;
		r[0] = (struct vhost_memory_region){ GPA, ARENA_LEN, ARENA, 0 };
		break;
	case 1:		/* the same addresses */
		m->nregions = 1;
		r[0] = (struct vhost_memory_region){ ARENA, ARENA_LEN, ARENA, 0 };
		break;
	case 2:		/* neighbors in guest memory that are not neighbors in ours */
		m->nregions = 4;
		for (i = 0; i < 4; i++)
			r[i] = (struct vhost_memory_region){ GPA + (i ^ 2) * part, part,
							     ARENA + i * part, 0 };
		break;
	default:	/* short regions with holes */
		m->nregions = 16;
		for (i = 0; i < 16; i++)
			r[i] = (struct vhost_memory_region){ GPA + i * part / 2, part / 4,
							     ARENA + i * part / 4, 0 };
	}
	return sizeof(*m) + m->nregions * sizeof(*r);
}

uint64_t target_gpa(const struct dev *d, uint64_t off)
{
	switch (d->layout) {
	case 0: return GPA + off;
	case 1: return ARENA + off;
	case 4: return GPA + (off ^ 0x1000);	/* pages swapped, with an IOTLB */
	case 2: return GPA + (off ^ ARENA_LEN / 2);
	default: return GPA + off / (ARENA_LEN / 16) * (ARENA_LEN / 8) + off % (ARENA_LEN / 16);
	}
}

/* The inverse of target_gpa(), for addresses in the arena. */
static uint64_t arena_off(const struct dev *d, uint64_t gpa)
{
	const uint64_t part = ARENA_LEN / 16;
	uint64_t off = gpa - GPA;

	switch (d->layout) {
	case 1: off = gpa - ARENA; break;
	case 2: off ^= ARENA_LEN / 2; break;
	case 3: off = off / (2 * part) * part + off % part; break;
	case 4: off ^= 0x1000; break;
	}
	return off % ARENA_LEN;
}

static struct vhost_vring_addr ring_addr(const struct dev *d, unsigned int index)
{
	const struct ring *r = &d->ring[index];
	uint64_t at = r->is_swapped ? GPA + r->off :
		      d->features & F_ACCESS_PLATFORM ? target_gpa(d, r->off) : ARENA + r->off;

	return (struct vhost_vring_addr){
		.index = index, .desc_user_addr = at + ring_part(r, 0),
		.avail_user_addr = at + ring_part(r, 1), .used_user_addr = at + ring_part(r, 2),
		.flags = d->features & F_LOG_ALL ? 1 << VHOST_VRING_F_LOG : 0,
		.log_guest_addr = target_gpa(d, r->off + ring_part(r, 2)),
	};
}

struct arg {
	union {
		uint64_t word[70];
		struct vhost_memory memory;
		struct vhost_vring_state state;
		struct vhost_vring_file file;
		struct vhost_vring_addr addr;
		struct vhost_worker_state worker;
		struct vhost_vring_worker attach;
		struct vhost_tap_queue_pairs pairs;
		struct vhost_tap_workers workers;
		struct vhost_tap_polling polling;
		struct vhost_tap_vring_limit limit;
		struct vhost_tap_vring_gso_frags frags;
		struct vhost_tap_info info;
		uint8_t room[4096];	/* VHOST_TAP_GET_INFO clears up to a page */
	};
};

static void put_ring_addr(const struct op *o, unsigned int index, struct arg *a)
{
	a->addr = ring_addr(op_dev(o), op_index(o));
	a->addr.index = index;
	switch (o->c & 7) {
	case 1: a->addr.desc_user_addr = some_addr(o); break;
	case 2: a->addr.avail_user_addr = some_addr(o); break;
	case 3: a->addr.used_user_addr = some_addr(o); break;
	case 4: a->addr.log_guest_addr = o->y; a->addr.flags = 1; break;
	case 5: a->addr.flags = o->x; break;
	}
}

static void put_memory_arg(const struct op *o, struct arg *a)
{
	struct vhost_memory_region *r;

	put_memory(&a->memory, o->c);
	r = &a->memory.regions[o->x % a->memory.nregions];
	switch (o->c >> 2 & 7) {
	case 1: a->memory.nregions = o->x; break;
	case 2: r->guest_phys_addr = o->y; break;
	case 3: r->memory_size = o->y; break;
	case 4: r->userspace_addr = some_addr(o); break;
	case 5: a->memory.padding = o->y; break;
	case 6: a->memory.nregions = 0; break;
	case 7:		/* an alias of the first region */
		a->memory.regions[a->memory.nregions] = a->memory.regions[0];
		a->memory.regions[a->memory.nregions++].guest_phys_addr = 4 * GPA;
		op_dev(o)->layout = o->c & 3;
		break;
	default: op_dev(o)->layout = o->c & 3; break;
	}
}

static void put_arg(const struct op *o, const struct call *c, struct arg *a)
{
	uint32_t index = o->c & 32 ? o->x : op_index(o);

	memset(a, 0, offsetof(struct arg, word[70]));
	switch (c->kind) {
	case NONE: break;
	case FEATURES: a->word[0] = some_features(o); break;
	case ARRAY:
		a->word[0] = o->c & 2 ? o->x : 2;
		a->word[1] = some_features(o);
		a->word[2] = o->x >> 8 & F_TUNNEL_GSO;
		a->word[3 + (o->c >> 2 & 15)] = o->c & 64 ? o->y : 0;
		break;
	case BYTE: a->word[0] = o->x; break;
	case FD: a->word[0] = some_fd(o); break;
	case MEMORY: put_memory_arg(o, a); break;
	case ADDRESS: a->word[0] = o->c & 1 ? some_addr(o) : ARENA + ARENA_LOG; break;
	case STATE: a->state.index = index; a->state.num = o->y; break;
	case RING_FILE: a->file.index = index; a->file.fd = some_fd(o); break;
	case RING_ADDR: put_ring_addr(o, index, a); break;
	case WORKER: a->worker.worker_id = o->x; break;
	case ATTACH: a->attach.index = index; a->attach.worker_id = o->y; break;
	case MASK: a->word[0] = ~o->y; a->word[1] = ~o->x; break;
	case PAIRS: a->pairs.nr = o->x; a->pairs.reserved = o->c & 1; break;
	case WORKERS: a->workers.layout = o->x; a->workers.nr = o->y; break;
	case POLLING: a->polling.adaptive_us = o->x; a->polling.reserved = o->c & 1; break;
	case LIMIT:
		a->limit = (struct vhost_tap_vring_limit){ index, o->c & 1, limits[o->y & 7],
			limits[o->y >> 8 & 7], limits[o->y >> 16 & 7] };
		break;
	case FRAGS: a->frags.index = index; a->frags.enable = o->y; break;
	case INFO: a->info.size = o->x; break;
	}
}

/*
 * Any ioctl. @b: bits 2-7 number, bits 0-1 kind of address; @c: variant, bit 5 raw index;
 * bit 7 of @c puts the argument into guest memory, which may be gone.
 */
STEP(op_ioctl)
{
	static __thread struct arg a;
	const struct call *c = &calls[(o->b >> 2) % ARRAY_SIZE(calls)];

	put_arg(o, c, &a);
	if (o->c & 128) {
		uint64_t off = o->y % (ARENA_LEN - sizeof(a));

		memcpy(target.mem + off, &a, sizeof(a.word));
		ioctl(op_dev(o)->fd, c->cmd, o->c & 64 ? some_addr(o) : ARENA + off);
	} else {
		ioctl(op_dev(o)->fd, c->cmd, &a);
	}
	return 0;
}

/* ---- IOTLB ---- */

static void iotlb_write(const struct dev *d, bool v1, struct vhost_iotlb_msg m)
{
	struct vhost_msg_v2 v2 = { .type = VHOST_IOTLB_MSG_V2, .iotlb = m };
	struct vhost_msg old = { .type = VHOST_IOTLB_MSG, .iotlb = m };

	if (write(d->fd, v1 ? (void *)&old : (void *)&v2, sizeof(v2)) < 0)
		return;
}

/* Map @len bytes of the arena at @off. */
static void iotlb_map(const struct dev *d, uint64_t off, uint64_t len, uint8_t perm)
{
	iotlb_write(d, false, (struct vhost_iotlb_msg){
		.iova = target_gpa(d, off), .size = len, .uaddr = ARENA + off, .perm = perm,
		.type = VHOST_IOTLB_UPDATE });
}

/* Map everything in pieces that the layout keeps together. */
static void iotlb_map_all(const struct dev *d)
{
	uint64_t len = d->layout == 4 ? 4096 : ARENA_LEN / 16, off;

	for (off = 0; off < ARENA_LEN; off += len)
		iotlb_map(d, off, len, VHOST_ACCESS_RW);
}

/* Many mappings in few calls, more than the table holds. */
static void iotlb_map_many(const struct dev *d, unsigned int nr)
{
	struct vhost_msg_v2 m[64] = {};
	unsigned int i, j;

	for (i = 0; i < nr; i += ARRAY_SIZE(m)) {
		for (j = 0; j < ARRAY_SIZE(m); j++) {
			m[j].type = VHOST_IOTLB_MSG_V2;
			m[j].iotlb = (struct vhost_iotlb_msg){
				.iova = 2 * GPA + 2 * (i + j), .size = 1, .uaddr = ARENA,
				.perm = VHOST_ACCESS_RW, .type = VHOST_IOTLB_UPDATE };
		}
		if (write(d->fd, m, sizeof(m)) < 0)
			return;
	}
}

/*
 * A message. @b: 0 all, 1 a page, 2 invalidate a page, 3 raw, 4 odd address, 5 invalidate
 * all, 6 in pieces, 7 many, 8 odd length; @c: permission, bit 7 v1
 */
STEP(op_iotlb)
{
	struct dev *d = op_dev(o);
	uint64_t off = o->x % ARENA_LEN & ~4095ULL;
	struct vhost_iotlb_msg m = { .iova = o->y, .size = o->x, .uaddr = ARENA + o->x % ARENA_LEN,
				     .perm = o->c & 3, .type = o->c >> 2 & 15 };
	struct iovec iov[2] = { { &m, o->x % sizeof(m) }, { &m, sizeof(m) } };

	switch (o->b % 9) {
	case 0: iotlb_map_all(d); break;
	case 1: iotlb_map(d, off, 4096ULL << (o->y & 7), o->c & 3); break;
	case 2:
		m = (struct vhost_iotlb_msg){
			.iova = target_gpa(d, off), .size = 4096ULL << (o->y & 7),
			.type = VHOST_IOTLB_INVALIDATE };
		iotlb_write(d, o->c & 128, m);
		break;
	case 3: iotlb_write(d, o->c & 128, m); break;
	case 4: m.uaddr = some_addr(o); m.type = VHOST_IOTLB_UPDATE;
		iotlb_write(d, o->c & 128, m); break;
	case 5: m.iova = 0; m.size = ~0ULL; m.type = VHOST_IOTLB_INVALIDATE;
		iotlb_write(d, o->c & 128, m); break;
	case 6: return writev(d->fd, iov, 2) == -2;
	case 7: iotlb_map_many(d, o->x % 4096); break;
	default: return write(d->fd, target.mem + (o->y % (ARENA_LEN / 2)), o->x % 4096) == -2;
	}
	return 0;
}

/*
 * Read misses. @b: bit 0 answer them, bit 1 only poll, bit 2 read less, bit 3 bad memory,
 * bit 4 in a child wait for one
 */
STEP(op_miss)
{
	struct dev *d = op_dev(o);
	struct pollfd p = { .fd = d->fd, .events = POLLIN | POLLOUT };
	struct vhost_msg_v2 m;
	unsigned int i;

	poll(&p, 1, 0);
	if (o->b & 2)
		return 0;
	if (o->b & 16 && target.in_child) {
		procs_child_done();
		fcntl(d->fd, F_SETFL, 0);
		return read(d->fd, &m, sizeof(m)) == -2;
	}
	fcntl(d->fd, F_SETFL, O_NONBLOCK);
	if (o->b & 8)
		return read(d->fd, (void *)ARENA + o->y % ARENA_LEN, sizeof(m)) == -2;
	for (i = 0; i < 8; i++) {
		if (read(d->fd, &m, o->b & 4 ? o->x % 100 : sizeof(m)) != sizeof(m))
			break;
		if (o->b & 1)
			iotlb_write(d, false, (struct vhost_iotlb_msg){
				.iova = m.iotlb.iova & ~4095ULL, .size = 4096,
				.uaddr = ARENA + arena_off(d, m.iotlb.iova & ~4095ULL),
				.perm = VHOST_ACCESS_RW, .type = VHOST_IOTLB_UPDATE });
		op_settle(o, 0);
	}
	return 0;
}

/* ---- macros of calls ---- */

static void set_state(const struct dev *d, unsigned long cmd, unsigned int index, uint32_t num)
{
	struct vhost_vring_state s = { index, num };

	ioctl(d->fd, cmd, &s);
}

static void set_file(const struct dev *d, unsigned long cmd, unsigned int index, int fd)
{
	struct vhost_vring_file f = { index, fd };

	ioctl(d->fd, cmd, &f);
}

static void start_ring(struct dev *d, unsigned int index, uint32_t base)
{
	struct ring *r = &d->ring[index];
	struct vhost_vring_addr a = ring_addr(d, index);

	set_state(d, VHOST_SET_VRING_NUM, index, r->num);
	set_state(d, VHOST_SET_VRING_BASE, index, base);
	ioctl(d->fd, VHOST_SET_VRING_ADDR, &a);
	set_file(d, VHOST_SET_VRING_KICK, index, target_eventfd(&r->kick));
	set_file(d, VHOST_SET_VRING_CALL, index, target_eventfd(&r->call));
}

/* The features of bits 0-11. */
static uint64_t setup_features(uint32_t x)
{
	static const uint64_t bits[] = { F_MRG_RXBUF, F_VERSION_1, F_EVENT_IDX, F_INDIRECT,
		F_PACKED | F_VERSION_1, F_IN_ORDER, F_ACCESS_PLATFORM, F_LOG_ALL, F_NET_HDR,
		F_NOTIFY_ON_EMPTY, F_RING_RESET };
	uint64_t features = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bits); i++)
		features |= x >> i & 1 ? bits[i] : 0;
	return features;
}

/*
 * Everything up to running rings. @x: bits 0-10 features, 11 tunnels, 12 kernel threads,
 * 13-14 worker layout, 15 two pairs, 16-18 ring size, 19-20 memory, 21 do not start, 22
 * scattered rings; @b: backend; @c: bit 0 map all memory in the IOTLB, bit 1 fragments
 */
STEP(op_setup)
{
	static const uint16_t sizes[] = { 256, 64, 16, 4, 2, 1, 128, 3 };
	struct dev *d = op_dev(o);
	struct vhost_tap_workers workers = { .layout = o->x >> 13 & 3 };
	struct vhost_tap_queue_pairs pairs = { .nr = 2 };
	unsigned int nr = o->x & BIT(15) ? 4 : 2, i;
	uint64_t log = ARENA + ARENA_LOG;
	struct {
		uint64_t count, features[2];
	} array = { 2 };
	uint8_t kind = 0;
	struct arg a;

	d->features = setup_features(o->x);
	d->features_hi = o->x & BIT(11) ? F_TUNNEL_GSO : 0;
	array.features[0] = d->features;
	array.features[1] = d->features_hi;
	d->layout = o->x >> 19 & 3;
	if (o->x & BIT(22) && d->features & F_ACCESS_PLATFORM)
		d->layout = 4;
	workers.nr = workers.layout == VHOST_TAP_WORKERS_SHARED;
	if (o->x & BIT(12))
		ioctl(d->fd, VHOST_SET_FORK_FROM_OWNER, &kind);
	if (nr > 2)
		ioctl(d->fd, VHOST_TAP_SET_QUEUE_PAIRS, &pairs);
	if (workers.layout)
		ioctl(d->fd, VHOST_TAP_SET_WORKERS, &workers);
	ioctl(d->fd, VHOST_SET_OWNER, 0);
	put_memory(&a.memory, d->layout);
	ioctl(d->fd, VHOST_SET_MEM_TABLE, &a);
	ioctl(d->fd, VHOST_SET_LOG_BASE, &log);
	ioctl(d->fd, VHOST_SET_FEATURES_ARRAY, &array);
	if (d->features & F_ACCESS_PLATFORM && o->c & 1)
		iotlb_map_all(d);
	for (i = 0; i < nr; i++) {
		d->ring[i].num = sizes[o->x >> 16 & 7];
		d->ring[i].is_swapped = d->layout == 4;
		ring_start(&d->ring[i], d->features & F_PACKED ? 0x80008000 : o->y & 0xffff,
			   d->features & F_PACKED);
		start_ring(d, i, d->ring[i].base);
	}
	net_set_header(o->b, d->features & F_NET_HDR ? 0 : d->features_hi ? 24 :
		       d->features & (F_MRG_RXBUF | F_VERSION_1) ? 12 : 10);
	for (i = 1; i < nr && o->c & 2; i += 2) {
		struct vhost_tap_vring_gso_frags frags = { i, 1 };

		ioctl(d->fd, VHOST_TAP_SET_VRING_GSO_FRAGS, &frags);
	}
	for (i = 0; i < nr && !(o->x & BIT(21)); i++)
		set_file(d, VHOST_NET_SET_BACKEND, i, net_backend(o->b + (i / 2)));
	return 0;
}

STEP(op_start)
{
	set_file(op_dev(o), VHOST_NET_SET_BACKEND, op_index(o), net_backend(o->b));
	return 0;
}

STEP(op_stop)
{
	set_file(op_dev(o), VHOST_NET_SET_BACKEND, op_index(o), -1);
	return 0;
}

/* A snapshot: positions and the first part of memory, with the rings. */
static uint8_t saved[ARENA_LOG];
static uint32_t saved_base[NR_DEVS][NR_RINGS];

STEP(op_save)
{
	struct dev *d = op_dev(o);
	unsigned int i;

	for (i = 0; i < NR_RINGS; i++) {
		struct vhost_vring_state s = { i, 0 };

		set_file(d, VHOST_NET_SET_BACKEND, i, -1);
		if (!ioctl(d->fd, VHOST_GET_VRING_BASE, &s))
			saved_base[o->a & 3][i] = s.num;
	}
	memcpy(saved, target.mem, sizeof(saved));
	return 0;
}

STEP(op_load)
{
	struct dev *d = op_dev(o);
	unsigned int i;

	for (i = 0; i < NR_RINGS; i++)
		set_file(d, VHOST_NET_SET_BACKEND, i, -1);
	if (o->c & 1)
		memcpy(target.mem, saved, sizeof(saved));
	for (i = 0; i < NR_RINGS; i++) {
		if (o->c & 2)
			ring_start(&d->ring[i], saved_base[o->a & 3][i], d->features & F_PACKED);
		start_ring(d, i, saved_base[o->a & 3][i]);
		set_file(d, VHOST_NET_SET_BACKEND, i, net_backend(o->b));
	}
	return 0;
}
