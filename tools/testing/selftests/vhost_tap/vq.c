// SPDX-License-Identifier: GPL-2.0
/*
 * A ring of the driver in tools/testing/lib, with its eventfds: post, publish, kick,
 * reap.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

size_t vq_bytes(unsigned int num)
{
	/* Each part has its own pages, so that tests can unmap one of them. */
	return 16 * num + 4096 + 6 + 2 * num + 4096 + 6 + 8 * num + 2 * 4096;
}

static uintptr_t page_up(uintptr_t p)
{
	return (p + 4095) & ~4095UL;
}

int vq_init(struct vq *q, unsigned int index, unsigned int num,
	    uint64_t features)
{
	void *p = mmap(NULL, vq_bytes(num), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int err;

	if (p == MAP_FAILED)
		return -errno;
	err = vq_init_at(q, index, num, features, p);
	q->map = p;
	return err;
}

/* Set up the ring in the caller's page-aligned memory of vq_bytes(). */
int vq_init_at(struct vq *q, unsigned int index, unsigned int num,
	       uint64_t features, void *at)
{
	*q = (struct vq){ .index = index };
	q->drv = (struct drv){
		.num = num,
		.packed = features & F_PACKED,
		.event_idx = features & F_EVENT_IDX,
		.in_order = features & F_IN_ORDER,
		.skips_ids = !guest_is_ours(),
		.desc = at,
	};
	q->avail = (void *)page_up((uintptr_t)at + 16 * num);
	q->used = (void *)page_up((uintptr_t)q->avail + 6 + 2 * num);
	q->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q->err = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!drv_alloc(&q->drv))
		return -ENOMEM;
	if (q->kick < 0 || q->call < 0 || q->err < 0)
		return -errno;
	vq_reset(q);
	return 0;
}

/*
 * Return the base of a stopped device that used the whole ring, as in
 * VHOST_GET_VRING_BASE and VHOST_SET_VRING_BASE.
 */
uint32_t vq_base(const struct vq *q)
{
	uint16_t at;

	if (!q->packed)
		return vq_used_idx(q);
	pdrv_count_used(&q->drv, &at);
	return (uint32_t)at << 16 | at;
}

/*
 * Check that a device that stopped at @base has used all that it took. The base of a
 * packed ring is compared with the ring, while other threads post and reap.
 */
bool vq_is_base(const struct vq *q, long base)
{
	uint16_t at = base;
	bool ok;

	if (q->packed)
		ok = base >= 0 && base >> 16 == at &&
		     (at & ~PDRV_WRAP) < q->num && !pdrv_is_used(&q->drv, at);
	else
		ok = vq_used_idx(q) == base;
	if (!ok)
		printf("# vring %u: base %lx, used %x\n", q->index, base,
		       vq_used_idx(q));
	return ok;
}

/* Start with an empty ring at an index, or at a packed ring's position. */
void vq_start_at(struct vq *q, uint16_t idx)
{
	drv_start(&q->drv, idx);
}

/* Reset as the device does: indices at the start, all descriptors free. */
void vq_reset(struct vq *q)
{
	memset(q->desc, 0, 16 * q->num);
	memset(q->avail, 0, 6 + 2 * q->num);
	memset(q->used, 0, 6 + 8 * q->num);
	drv_start(&q->drv, q->packed ? PDRV_WRAP : 0);
	fd_count(q->kick);
	fd_count(q->call);
	fd_count(q->err);
}

void vq_free(struct vq *q)
{
	if (!q->desc)
		return;
	if (q->map)
		munmap(q->map, vq_bytes(q->num));
	drv_exit(&q->drv);
	close(q->kick);
	close(q->call);
	close(q->err);
	q->desc = NULL;
}

/* Return: head of the chain, not yet visible to the device, or -ENOSPC */
int vq_add(struct vq *q, const struct seg *seg, unsigned int nr,
	   uint64_t cookie)
{
	int head = drv_add(&q->drv, seg, nr, cookie);

	return head < 0 ? -ENOSPC : head;
}

/* Add a chain through an indirect table at @table_gpa (virtio 1.2, 2.7.5.3). */
int vq_add_indirect(struct guest *g, struct vq *q, const struct seg *seg,
		    unsigned int nr, uint64_t table_gpa, uint64_t cookie)
{
	struct seg table = { .gpa = table_gpa, .len = 16 * nr };
	struct drv_desc d;
	unsigned int i;
	int head;

	for (i = 0; i < nr; i++) {
		drv_fill_entry(&q->drv, &d, seg, i, nr);
		if (guest_write(g, table_gpa + i * sizeof(d), &d, sizeof(d)))
			return -EFAULT;
	}
	head = drv_add_table(&q->drv, &table, NULL, 0, cookie);
	return head < 0 ? -ENOSPC : head;
}

/* The device of a packed ring sees all chains at once. */
void vq_publish(struct vq *q)
{
	drv_publish_behind(&q->drv);
	drv_publish(&q->drv);
}

uint16_t vq_avail_event(const struct vq *q)
{
	return drv_avail_event(&q->drv);
}

/* Check whether the device needs a kick for chains published since the last one. */
bool vq_must_kick(struct vq *q)
{
	return drv_wants_kick(&q->drv);
}

void vq_kick_hard(struct vq *q)
{
	uint64_t one = 1;

	if (write(q->kick, &one, sizeof(one)) == sizeof(one))
		q->nr_kicks++;
	q->kick_idx = q->shown_idx;
}

/* Return: true if a kick was needed */
bool vq_kick(struct vq *q)
{
	bool must = drv_must_kick(&q->drv);

	if (must)
		vq_kick_hard(q);
	return must;
}

/* Enable the call for the next used element. */
void vq_calls_on(struct vq *q)
{
	drv_call_on(&q->drv);
}

void vq_calls_off(struct vq *q)
{
	drv_call_off(&q->drv);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/*
 * Return the number of chains used since the start, modulo 2^16; for a split ring plus
 * the index at the start.
 */
uint16_t vq_used_idx(const struct vq *q)
{
	uint16_t at;

	if (q->packed)
		return q->nr_got + pdrv_count_used(&q->drv, &at);
	return drv_used_idx(&q->drv);
}

bool vq_has_used(const struct vq *q)
{
	return drv_nr_used(&q->drv);
}

/* Wait, with calls as they are, until the device has used @nr more, and reap all. */
bool vq_take_used(struct vq *q, unsigned int nr)
{
	uint16_t want = q->nr_got + nr;

	if (!wait_for(vq_used_idx(q) == want))
		return false;
	while (vq_get_used(q, NULL, NULL) == 1)
		;
	return true;
}

/**
 * vq_get_used - reap one used element
 *
 * Return: 1 with the cookie of the chain, 0 if there is none, -EPROTO if the device
 * returned a chain that it never got.
 */
int vq_get_used(struct vq *q, uint32_t *len, uint64_t *cookie)
{
	unsigned long long c;
	uint32_t l;

	if (!drv_get(&q->drv, &c, &l))
		return q->broken ? -EPROTO : 0;
	if (len)
		*len = l;
	if (cookie)
		*cookie = c;
	return 1;
}

bool fd_wait(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, timeout_ms) == 1;
}

/* Read and clear the count of an eventfd. */
uint64_t fd_count(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/**
 * vq_wait_used - sleep until the device calls, as a driver would
 *
 * Return: 1 if there are used elements, 0 on timeout, -EPROTO if there are some
 * without a call.
 */
int vq_wait_used(struct vq *q, int timeout_ms)
{
	int64_t end = now_ms() + timeout_ms;
	bool called = true;
	int left;

	for (;;) {
		if (vq_has_used(q))
			return called ? 1 : -EPROTO;
		if (!called || !timeout_ms)
			return 0;
		vq_calls_on(q);
		if (vq_has_used(q))
			return 1;
		left = end - now_ms();
		called = left > 0 && fd_wait(q->call, left);
		q->nr_calls += fd_count(q->call);
	}
}

/* Reap @nr elements. Return: 0, -ETIMEDOUT, -EPROTO */
int vq_drain(struct vq *q, unsigned int nr, int timeout_ms)
{
	int r;

	while (nr) {
		r = vq_wait_used(q, timeout_ms);
		if (r != 1)
			return r ?: -ETIMEDOUT;
		while (nr && (r = vq_get_used(q, NULL, NULL)) == 1)
			nr--;
		if (r < 0)
			return r;
	}
	return 0;
}
