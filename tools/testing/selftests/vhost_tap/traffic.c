// SPDX-License-Identifier: GPL-2.0
/* Traffic in the background (traffic.h). */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net.h"
#include "traffic.h"

#define AT_ONCE 4

/* Send and receive one packet, after old packets in the host's socket. */
bool traffic_once(struct guest *g, int host)
{
	uint8_t f[100], got[2048];
	ssize_t n;

	frame_raw(f, 100, 4711);
	if (guest_tx_sync(g, NULL, f, 100))
		return false;
	do {
		n = host_recv(host, got, sizeof(got), WAIT_MS);
	} while (n > 0 && (n != 100 || frame_seq(got) != 4711));
	return frame_same(got, n, f, 100);
}

/*
 * Send one packet to the guest, and skip other packets that a test left in the tap.
 * Waiting for silence is not enough: on a busy host they may arrive later.
 */
bool traffic_in(struct guest *g, int host)
{
	uint8_t f[100], got[2048];
	ssize_t n;

	frame_raw(f, 100, 4242);
	if (host_send(host, f, 100))
		return false;
	do {
		n = guest_rx(g, NULL, got, sizeof(got), WAIT_MS);
	} while (n > 0 && (n != 100 || frame_seq(got) != 4242));
	return frame_same(got, n, f, 100);
}

bool frame_at_host(int host, size_t len, uint32_t seq)
{
	uint8_t f[FRAME_ROOM], got[FRAME_ROOM];

	frame_raw(f, len, seq);
	return frame_same(got, host_recv(host, got, sizeof(got), WAIT_MS), f, len);
}

bool frame_at_guest(struct guest *g, size_t len, uint32_t seq)
{
	uint8_t f[FRAME_ROOM], got[FRAME_ROOM];

	frame_raw(f, len, seq);
	return frame_same(got, guest_rx(g, NULL, got, sizeof(got), WAIT_MS), f,
			  len);
}

bool frame_out(struct guest *g, int host, size_t len, uint32_t seq)
{
	uint8_t f[FRAME_ROOM];
	int err;

	frame_raw(f, len, seq);
	err = guest_tx_sync(g, NULL, f, len);
	if (err)
		printf("# guest_tx_sync: %d\n", err);
	return !err && frame_at_host(host, len, seq);
}

bool frame_in(struct guest *g, int host, size_t len, uint32_t seq)
{
	uint8_t f[FRAME_ROOM];

	frame_raw(f, len, seq);
	return !host_send(host, f, len) && frame_at_guest(g, len, seq);
}

static bool done(struct traffic *t)
{
	return __atomic_load_n(&t->must_stop, __ATOMIC_ACQUIRE);
}

/* Return: 0, or the line of the failed check */
static int tx_checked(struct traffic *t, uint32_t seq)
{
	struct vq *q = &t->g->vq[TX];
	uint8_t f[2048];
	int i;

	for (i = 0; i < AT_ONCE; i++) {
		frame_raw(f, 60 + (seq + i) % 1400, seq + i);
		if (guest_tx(t->g, NULL, f, 60 + (seq + i) % 1400) < 0)
			return __LINE__;
	}
	vq_kick(q);
	if (vq_drain(q, AT_ONCE, WAIT_MS))
		return __LINE__;
	for (i = 0; i < AT_ONCE; i++) {
		if (!frame_at_host(t->host, 60 + (seq + i) % 1400, seq + i))
			return __LINE__;
	}
	return 0;
}

static int rx_checked(struct traffic *t, uint32_t seq)
{
	uint8_t f[2048];
	int i;

	for (i = 0; i < AT_ONCE; i++) {
		frame_raw(f, 60 + (seq + i) % 1400, seq + i);
		if (host_send(t->host, f, 60 + (seq + i) % 1400))
			return __LINE__;
	}
	for (i = 0; i < AT_ONCE; i++) {
		if (!frame_at_guest(t->g, 60 + (seq + i) % 1400, seq + i))
			return __LINE__;
	}
	return 0;
}

static void flood(struct traffic *t)
{
	struct vq *q = &t->g->vq[TX];
	uint8_t f[2048];
	int i;

	frame_raw(f, 600, t->rounds);
	for (i = 0; i < 32 && q->nr_free; i++)
		guest_tx(t->g, NULL, f, 600);
	vq_kick(q);
	while (vq_get_used(q, NULL, NULL) == 1)
		;
	for (i = 0; i < 8; i++)
		host_send(t->host, f, 600);
	while (guest_rx(t->g, NULL, f, sizeof(f), 0) > 0)
		;
	while (host_recv(t->host, f, sizeof(f), 0) > 0)
		;
	sched_yield();
}

static void *loop(void *arg)
{
	struct traffic *t = arg;
	uint32_t seq = 0;

	while (!done(t) && !t->line) {
		if (t->is_flood) {
			flood(t);
		} else {
			t->line = tx_checked(t, seq) ?: rx_checked(t, seq);
			seq += AT_ONCE;
		}
		__atomic_add_fetch(&t->rounds, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

int traffic_start(struct traffic *t, struct guest *g, int host, bool is_flood)
{
	*t = (struct traffic){ .g = g, .host = host, .is_flood = is_flood };
	return -pthread_create(&t->thread, NULL, loop, t);
}

/* Wait for some traffic. Return: false if it stopped */
bool traffic_wait(struct traffic *t, unsigned long more)
{
	unsigned long want = __atomic_load_n(&t->rounds, __ATOMIC_ACQUIRE) + more;
	int ms;

	for (ms = 0; ms < 2 * WAIT_MS && !t->line; ms++) {
		if (__atomic_load_n(&t->rounds, __ATOMIC_ACQUIRE) >= want)
			return true;
		usleep(1000);
	}
	return false;
}

/* Return: 0, or the line of the failed check in traffic.c */
int traffic_stop(struct traffic *t)
{
	__atomic_store_n(&t->must_stop, true, __ATOMIC_RELEASE);
	pthread_join(t->thread, NULL);
	return t->line;
}
