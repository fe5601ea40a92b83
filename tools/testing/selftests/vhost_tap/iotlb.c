// SPDX-License-Identifier: GPL-2.0
/* IOTLB messages, and the thread that replies to misses (iotlb.h). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "iotlb.h"

#define load(p)		__atomic_load_n((p), __ATOMIC_ACQUIRE)
#define store(p, v)	__atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define add(p)		__atomic_add_fetch((p), 1, __ATOMIC_RELEASE)

/* ---- single messages ---- */

int iotlb_send(int fd, bool v2, const struct vhost_iotlb_msg *m)
{
	struct vhost_msg one = { .type = VHOST_IOTLB_MSG };
	struct vhost_msg_v2 two = { .type = VHOST_IOTLB_MSG_V2 };
	ssize_t n;

	one.iotlb = *m;
	two.iotlb = *m;
	n = v2 ? write(fd, &two, sizeof(two)) : write(fd, &one, sizeof(one));
	if (n < 0)
		return -errno;
	return n == (v2 ? sizeof(two) : sizeof(one)) ? 0 : -EPROTO;
}

int iotlb_update(int fd, bool v2, uint64_t iova, uint64_t size,
		 uint64_t uaddr, uint8_t perm)
{
	struct vhost_iotlb_msg m = {
		.iova = iova, .size = size, .uaddr = uaddr, .perm = perm,
		.type = VHOST_IOTLB_UPDATE,
	};

	return iotlb_send(fd, v2, &m);
}

int iotlb_invalidate(int fd, bool v2, uint64_t iova, uint64_t size)
{
	struct vhost_iotlb_msg m = {
		.iova = iova, .size = size, .type = VHOST_IOTLB_INVALIDATE,
	};

	return iotlb_send(fd, v2, &m);
}

/**
 * iotlb_read - read the next miss
 *
 * Return: 0, -ETIMEDOUT, -EPROTO unless it is a whole message of the negotiated version
 * with all other bytes zero, or another -errno
 */
int iotlb_read(int fd, bool v2, struct vhost_iotlb_msg *m, int timeout_ms)
{
	static const uint8_t zero[64];
	struct vhost_msg_v2 two;
	struct vhost_msg one;
	uint8_t pad[sizeof(*m)] = {};
	ssize_t n;

	if (!fd_wait(fd, timeout_ms))
		return -ETIMEDOUT;
	memset(&one, 0xff, sizeof(one));
	memset(&two, 0xff, sizeof(two));
	n = v2 ? read(fd, &two, sizeof(two)) : read(fd, &one, sizeof(one));
	if (n < 0)
		return -errno;
	if (n != (v2 ? sizeof(two) : sizeof(one)))
		return -EPROTO;
	*m = v2 ? two.iotlb : one.iotlb;
	memcpy(pad, m, sizeof(pad));
	memset(pad, 0, offsetof(struct vhost_iotlb_msg, type) + 1);
	if (memcmp(pad, zero, sizeof(pad)))
		return -EPROTO;
	if (v2)
		return two.type == VHOST_IOTLB_MSG_V2 && !two.asid &&
		       !memcmp(two.padding + sizeof(*m), zero, 64 - sizeof(*m)) ?
		       0 : -EPROTO;
	/* The struct has four bytes of padding after an int. */
	return one.type == VHOST_IOTLB_MSG &&
	       !memcmp((uint8_t *)&one + 4, zero, 4) &&
	       !memcmp(one.padding + sizeof(*m), zero, 64 - sizeof(*m)) ?
	       0 : -EPROTO;
}

/* ---- the server ---- */

static size_t page_of(uint64_t iova)
{
	return (iova - GUEST_GPA) / IOTLB_PAGE;
}

int iotlb_init(struct iotlb *t, struct guest *g, bool v2)
{
	size_t i;

	*t = (struct iotlb){ .g = g, .v2 = v2, .nr_pages = g->nr_regions };
	t->uaddr = calloc(t->nr_pages, sizeof(*t->uaddr));
	t->perm = calloc(t->nr_pages, 1);
	if (!t->uaddr || !t->perm)
		return -ENOMEM;
	for (i = 0; i < t->nr_pages; i++) {
		t->uaddr[i] = (uintptr_t)g->mem + g->perm[i] * IOTLB_PAGE;
		t->perm[i] = RW;
	}
	return 0;
}

static int answer(struct iotlb *t, uint64_t iova)
{
	size_t page = page_of(iova);

	return iotlb_update(t->g->vhost, t->v2, iova & ~(IOTLB_PAGE - 1),
			    IOTLB_PAGE, t->uaddr[page], t->perm[page]);
}

static void one_miss(struct iotlb *t)
{
	struct vhost_iotlb_msg m;
	size_t page;
	int err = iotlb_read(t->g->vhost, t->v2, &m, 20);

	/* The device may withdraw a message between poll and read. */
	if (err == -ETIMEDOUT || err == -EAGAIN)
		return;
	if (err || m.type != VHOST_IOTLB_MISS) {
		add(&t->nr_bad);
		return;
	}
	t->last = m;
	add(&t->nr_misses);
	page = page_of(m.iova);
	if (m.iova < GUEST_GPA || page >= t->nr_pages ||
	    (t->perm[page] & m.perm) != m.perm) {
		add(&t->nr_denied);
	} else if (!load(&t->hold) && answer(t, m.iova)) {
		add(&t->nr_bad);
	}
}

static void *serve(void *arg)
{
	struct iotlb *t = arg;

	while (!load(&t->must_stop))
		one_miss(t);
	return NULL;
}

int iotlb_start(struct iotlb *t)
{
	int err;

	if (fcntl(t->g->vhost, F_SETFL, O_NONBLOCK))
		return -errno;
	store(&t->must_stop, false);
	err = pthread_create(&t->thread, NULL, serve, t);
	t->is_running = !err;
	return -err;
}

void iotlb_stop(struct iotlb *t)
{
	if (!t->is_running)
		return;
	store(&t->must_stop, true);
	pthread_join(t->thread, NULL);
	t->is_running = false;
}

void iotlb_free(struct iotlb *t)
{
	iotlb_stop(t);
	free(t->uaddr);
	free(t->perm);
	t->uaddr = NULL;
	t->perm = NULL;
}

/* Send translations before the device misses them. */
int iotlb_preload(struct iotlb *t, uint64_t iova, size_t len)
{
	uint64_t at = iova & ~(IOTLB_PAGE - 1);
	int err = 0;

	for (; !err && at < iova + len; at += IOTLB_PAGE)
		err = answer(t, at);
	return err;
}

/* Send the translations of a ring; in-tree needs the used ring before the start. */
int iotlb_ring(struct iotlb *t, unsigned int index)
{
	struct vq *q = &t->g->vq[index];

	return iotlb_preload(t, q->gpa, vq_bytes(q->num));
}

/* Start a guest on scattered pages, and its server. */
int iotlb_up(struct iotlb *t, struct guest *g, const struct guest_cfg *cfg,
	     int backend)
{
	return guest_init(g, cfg) ?: iotlb_init(t, g, cfg->msg_v2) ?:
	       iotlb_start(t) ?: iotlb_ring(t, RX) ?: iotlb_ring(t, TX) ?:
	       guest_start(g, backend);
}

void iotlb_down(struct iotlb *t, struct guest *g)
{
	iotlb_free(t);
	guest_free(g);
}

unsigned long iotlb_misses(struct iotlb *t)
{
	return load(&t->nr_misses);
}

/* Return: true if no miss comes for @ms */
bool iotlb_quiet(struct iotlb *t, int ms)
{
	unsigned long before = iotlb_misses(t);

	usleep(ms * 1000);
	return iotlb_misses(t) == before;
}
