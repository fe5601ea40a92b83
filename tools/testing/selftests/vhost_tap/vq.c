// SPDX-License-Identifier: GPL-2.0
/*
 * The driver's side of a ring: post, publish, kick, reap. This file has the split
 * format, pvq.c the packed one. Section numbers are those of the virtio 1.2
 * specification.
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

#include "pvq.h"

#define load_acquire(p)		__atomic_load_n((p), __ATOMIC_ACQUIRE)
#define store_release(p, v)	__atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define full_barrier()		__atomic_thread_fence(__ATOMIC_SEQ_CST)

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
	*q = (struct vq){
		.num = num, .index = index, .features = features,
		.packed = features & F_PACKED,
	};
	q->desc = at;
	q->avail = (void *)page_up((uintptr_t)at + 16 * num);
	q->used = (void *)page_up((uintptr_t)q->avail + 6 + 2 * num);
	q->next = calloc(num, sizeof(*q->next));
	q->ndesc = calloc(num, sizeof(*q->ndesc));
	q->cookie = calloc(num, sizeof(*q->cookie));
	q->first_len = calloc(num, sizeof(*q->first_len));
	q->order = calloc(num, sizeof(*q->order));
	q->held = calloc(num, sizeof(*q->held));
	q->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q->err = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!q->next || !q->ndesc || !q->cookie || !q->first_len ||
	    !q->order || !q->held)
		return -ENOMEM;
	if (q->kick < 0 || q->call < 0 || q->err < 0)
		return -errno;
	vq_reset(q);
	return 0;
}

/*
 * Start with an empty ring whose indices are @idx, or the packed ring's position, as
 * after a migration. With IN_ORDER the next descriptor also follows from the index.
 */
void vq_start_at(struct vq *q, uint16_t idx)
{
	if (q->packed) {
		pvq_start_at(q, idx);
		return;
	}
	q->free_head = q->features & F_IN_ORDER ? idx % q->num : 0;
	q->free_tail = (q->free_head + q->num - 1) % q->num;
	q->avail_idx = idx;
	q->kicked_idx = idx;
	q->used_idx = idx;
	q->avail->idx = idx;
	q->used->idx = idx;
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
	pvq_count_used(q, &at);
	return (uint32_t)at << 16 | at;
}

/* Has a device stopped at @base used all that it took? */
bool vq_is_base(const struct vq *q, long base)
{
	if (base >= 0 && (q->packed ? pvq_is_base(q, base) :
				      vq_used_idx(q) == base))
		return true;
	printf("# vring %u: base %lx, used %x\n", q->index, base,
	       vq_used_idx(q));
	return false;
}

/* Reset as the device does: indices at the start, all descriptors free. */
void vq_reset(struct vq *q)
{
	unsigned int i;

	memset(q->desc, 0, 16 * q->num);
	memset(q->avail, 0, 6 + 2 * q->num);
	memset(q->used, 0, 6 + 8 * q->num);
	for (i = 0; i < q->num; i++) {
		q->next[i] = (i + 1) % q->num;
		q->ndesc[i] = 0;
	}
	q->nr_free = q->num;
	q->free_head = 0;
	q->free_tail = q->num - 1;
	q->avail_idx = 0;
	q->used_idx = 0;
	vq_start_at(q, q->packed ? PVQ_WRAP : 0);
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
	free(q->next);
	free(q->ndesc);
	free(q->cookie);
	free(q->first_len);
	free(q->order);
	free(q->held);
	close(q->kick);
	close(q->call);
	close(q->err);
	q->desc = NULL;
}

static int take(struct vq *q, unsigned int nr)
{
	return q->nr_free < nr ? -ENOSPC : q->free_head;
}

static void make_avail(struct vq *q, uint16_t head, unsigned int nr,
		       uint64_t cookie)
{
	q->ndesc[head] = nr;
	q->cookie[head] = cookie;
	q->nr_free -= nr;
	q->avail->ring[q->avail_idx % q->num] = head;
	q->avail_idx++;
}

/* Return: head of the chain, not yet visible to the device, or -ENOSPC */
int vq_add(struct vq *q, const struct seg *seg, unsigned int nr,
	   uint64_t cookie)
{
	unsigned int i;
	uint16_t at;
	int head;

	if (q->packed)
		return pvq_add(q, seg, nr, cookie);
	head = take(q, nr);
	if (head < 0)
		return head;
	q->first_len[head] = seg->len;
	for (i = 0, at = head; i < nr; i++, at = q->next[at]) {
		q->desc[at].addr = seg[i].gpa;
		q->desc[at].len = seg[i].len;
		q->desc[at].flags = seg[i].is_write ? VRING_DESC_F_WRITE : 0;
		if (i + 1 < nr) {
			q->desc[at].flags |= VRING_DESC_F_NEXT;
			q->desc[at].next = q->next[at];
		}
	}
	q->free_head = at;
	make_avail(q, head, nr, cookie);
	return head;
}

/* Add a chain through an indirect table at @table_gpa (2.7.5.3). */
int vq_add_indirect(struct guest *g, struct vq *q, const struct seg *seg,
		    unsigned int nr, uint64_t table_gpa, uint64_t cookie)
{
	struct vring_desc d;
	unsigned int i;
	int head;

	if (q->packed)
		return pvq_add_indirect(g, q, seg, nr, table_gpa, cookie);
	head = take(q, 1);
	if (head < 0)
		return head;
	for (i = 0; i < nr; i++) {
		d.addr = seg[i].gpa;
		d.len = seg[i].len;
		d.flags = (seg[i].is_write ? VRING_DESC_F_WRITE : 0) |
			  (i + 1 < nr ? VRING_DESC_F_NEXT : 0);
		d.next = i + 1 < nr ? i + 1 : 0;
		if (guest_write(g, table_gpa + i * sizeof(d), &d, sizeof(d)))
			return -EFAULT;
	}
	q->desc[head].addr = table_gpa;
	q->desc[head].len = nr * sizeof(d);
	q->desc[head].flags = VRING_DESC_F_INDIRECT;
	q->free_head = q->next[head];
	make_avail(q, head, 1, cookie);
	return head;
}

void vq_publish(struct vq *q)
{
	if (q->packed)
		pvq_publish(q);
	else
		store_release(&q->avail->idx, q->avail_idx);
}

uint16_t vq_avail_event(const struct vq *q)
{
	const void *event = &q->used->ring[q->num];

	return load_acquire((const uint16_t *)event);
}

/* Does the device need a kick for what was published since the last one? */
bool vq_must_kick(struct vq *q)
{
	uint16_t old = q->kicked_idx, new = q->avail_idx;

	if (q->packed)
		return pvq_must_kick(q);
	full_barrier();
	if (!(q->features & F_EVENT_IDX))
		return !(load_acquire(&q->used->flags) &
			 VRING_USED_F_NO_NOTIFY);
	return (uint16_t)(new - vq_avail_event(q) - 1) < (uint16_t)(new - old);
}

void vq_kick_hard(struct vq *q)
{
	uint64_t one = 1;

	if (write(q->kick, &one, sizeof(one)) == sizeof(one))
		q->nr_kicks++;
	q->kicked_idx = q->avail_idx;
	pvq_kicked(q);
}

/* Return: true if a kick was needed */
bool vq_kick(struct vq *q)
{
	if (!vq_must_kick(q)) {
		/* After two laps a packed position has the same value again. */
		pvq_kicked(q);
		return false;
	}
	vq_kick_hard(q);
	return true;
}

static void set_used_event(struct vq *q, uint16_t idx)
{
	store_release(&q->avail->ring[q->num], idx);
}

/* Enable the call for the next used element. */
void vq_calls_on(struct vq *q)
{
	if (q->packed)
		pvq_calls_on(q);
	else if (q->features & F_EVENT_IDX)
		set_used_event(q, q->used_idx);
	else
		store_release(&q->avail->flags, 0);
	full_barrier();
}

void vq_calls_off(struct vq *q)
{
	if (q->packed)
		pvq_calls_off(q);
	else if (q->features & F_EVENT_IDX)
		set_used_event(q, q->used_idx - 1);
	else
		store_release(&q->avail->flags, VRING_AVAIL_F_NO_INTERRUPT);
	full_barrier();
}

/* Return the number of chains used since the start, modulo 2^16. */
uint16_t vq_used_idx(const struct vq *q)
{
	uint16_t at;

	if (q->packed)
		return q->used_idx + pvq_count_used(q, &at);
	return load_acquire(&q->used->idx);
}

bool vq_has_used(const struct vq *q)
{
	return q->packed ? pvq_has_used(q) : vq_used_idx(q) != q->used_idx;
}

/*
 * Find the chain of a used element. With IN_ORDER it is the oldest one, whatever the
 * element says; vhost-tap must also say so for every buffer.
 */
static int used_head(struct vq *q, uint32_t id)
{
	uint16_t oldest = q->avail->ring[q->used_idx % q->num];

	if (q->features & F_IN_ORDER) {
		if (guest_is_ours() && id != oldest)
			return -EPROTO;
		id = oldest;
	}
	return id < q->num && q->ndesc[id] ? (int)id : -EPROTO;
}

/*
 * With IN_ORDER, free descriptors go to the end of the list, to be taken in the order
 * of the table. Otherwise they go to its front, so that few stay in the cache.
 */
static void give_back(struct vq *q, uint16_t head)
{
	uint16_t last = head;
	unsigned int n;

	for (n = q->ndesc[head]; n > 1; n--)
		last = q->next[last];
	if (!(q->features & F_IN_ORDER)) {
		q->next[last] = q->free_head;
		q->free_head = head;
	} else {
		if (q->nr_free)
			q->next[q->free_tail] = head;
		else
			q->free_head = head;
		q->free_tail = last;
	}
	q->nr_free += q->ndesc[head];
	q->ndesc[head] = 0;
}

/**
 * vq_get_used - reap one used element
 *
 * Return: 1 with the cookie of the chain, 0 if there is none, -EPROTO if the device
 * returned a chain that it never got.
 */
int vq_get_used(struct vq *q, uint32_t *len, uint64_t *cookie)
{
	struct vring_used_elem e;
	int head;

	if (q->packed)
		return pvq_get_used(q, len, cookie);
	if (!vq_has_used(q))
		return 0;
	e = q->used->ring[q->used_idx % q->num];
	head = used_head(q, e.id);
	if (head < 0)
		return head;
	if (len)
		*len = e.len;
	if (cookie)
		*cookie = q->cookie[head];
	give_back(q, head);
	q->used_idx++;
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

static int64_t now_ms(void)
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
