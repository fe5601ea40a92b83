// SPDX-License-Identifier: GPL-2.0
/* Numbered frames in both directions (load.h). */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "load.h"
#include "net.h"

/* Frames on their way to the peer, and frames to send before looking at the rings. */
#define TX_WINDOW	64
#define AT_ONCE		4

static size_t frame_len(uint32_t seq)
{
	return 60 + seq * 31 % 1400;
}

static bool is_frame(const uint8_t *f, ssize_t len, uint32_t seq)
{
	uint8_t want[2048];

	frame_raw(want, frame_len(seq), seq);
	if (len > 0 && frame_same(f, len, want, frame_len(seq)))
		return true;
	printf("# frame %u of length %zd, wanted frame %u\n", frame_seq(f), len, seq);
	return false;
}

/* The CPU can be paused here, and continue in another place. */
static void may_pause(struct load *l)
{
	if (!LOAD_GET(l->must_pause))
		return;
	sem_post(&l->paused);
	sem_wait(&l->resumed);
}

static bool is_awake(struct load *l, int dir)
{
	struct vq *q = &l->g->vq[dir];

	if (!l->prog.is_asleep[dir])
		return true;
	if (!fd_count(q->call))
		return false;
	l->prog.is_asleep[dir] = false;
	vq_calls_off(q);
	return true;
}

/* Return: true if the ring is still empty when the call is enabled */
static bool falls_asleep(struct load *l, int dir)
{
	struct vq *q = &l->g->vq[dir];

	vq_calls_on(q);
	l->prog.is_asleep[dir] = !vq_has_used(q);
	return l->prog.is_asleep[dir];
}

/* The functions below return 0, or the line of a failed check. */

static int receive(struct load *l, bool *is_busy)
{
	struct program *p = &l->prog;
	uint8_t f[2048];
	ssize_t n;

	if (!is_awake(l, RX))
		return 0;
	n = guest_rx(l->g, NULL, f, sizeof(f), 0);
	if (n == -ETIMEDOUT) {
		*is_busy |= !falls_asleep(l, RX);
		return 0;
	}
	if (n < 0)
		return __LINE__;
	*is_busy = true;
	if (l->may_jump && frame_seq(f) == l->jump) {
		p->rx_seq = l->jump;
		l->may_jump = false;
	}
	if (!is_frame(f, n, p->rx_seq))
		return __LINE__;
	p->rx_seq++;
	if ((int32_t)(p->rx_seq - l->acked) > 0)
		LOAD_SET(l->acked, p->rx_seq);
	LOAD_SET(l->moved[0], l->moved[0] + 1);
	return 0;
}

static int reap(struct load *l, bool *is_busy)
{
	int r;

	if (!is_awake(l, TX))
		return 0;
	while ((r = vq_get_used(&l->g->vq[TX], NULL, NULL)) == 1)
		*is_busy = true;
	if (r < 0)
		return __LINE__;
	*is_busy |= !falls_asleep(l, TX);
	return 0;
}

/* Send a frame in one descriptor, in three, or in an indirect table. */
static int send_frame(struct load *l, uint32_t seq)
{
	static const uint8_t hdr[GUEST_HDR_MAX];
	uint32_t hdr_len = l->g->hdr_len, len = frame_len(seq);
	uint32_t cut[3] = { hdr_len, 20, len - 20 }, all = hdr_len + len;
	bool indirect = l->g->features & F_INDIRECT && seq % 3 == 2;
	uint64_t gpa = guest_scratch(l->g, all);
	uint8_t f[2048];

	frame_raw(f, len, seq);
	if (guest_write(l->g, gpa, hdr, hdr_len) ||
	    guest_write(l->g, gpa + hdr_len, f, len))
		return __LINE__;
	if (guest_tx_segs(l->g, gpa, seq % 3 ? cut : &all, seq % 3 ? 3 : 1, indirect) < 0)
		return __LINE__;
	return 0;
}

static int transmit(struct load *l, bool *is_busy)
{
	int i, line;

	for (i = 0; i < AT_ONCE; i++) {
		if (l->g->vq[TX].nr_free < 3 ||
		    l->prog.tx_seq - LOAD_GET(l->peer_seq) >= TX_WINDOW)
			break;
		line = send_frame(l, l->prog.tx_seq);
		if (line)
			return line;
		l->prog.tx_seq++;
		*is_busy = true;
		may_pause(l);
	}
	vq_kick(&l->g->vq[TX]);
	return 0;
}

static void *run_cpu(void *arg)
{
	struct load *l = arg;
	struct pollfd call[2];
	bool is_busy;
	int line = 0;

	while (!line && !LOAD_GET(l->must_stop)) {
		is_busy = false;
		line = receive(l, &is_busy);
		may_pause(l);
		line = line ?: reap(l, &is_busy);
		may_pause(l);
		line = line ?: transmit(l, &is_busy);
		may_pause(l);
		if (is_busy)
			continue;
		call[RX] = (struct pollfd){ .fd = l->g->vq[RX].call, .events = POLLIN };
		call[TX] = (struct pollfd){ .fd = l->g->vq[TX].call, .events = POLLIN };
		poll(call, 2, 1);
	}
	LOAD_SET(l->line[0], line);
	return NULL;
}

static int peer_sends(struct load *l, bool *is_busy)
{
	uint8_t f[2048];
	int i;

	for (i = 0; i < AT_ONCE && l->sent - LOAD_GET(l->acked) < LOAD_RX_WINDOW; i++) {
		frame_raw(f, frame_len(l->sent), l->sent);
		if (host_send(l->host, f, frame_len(l->sent)))
			return __LINE__;
		LOAD_SET(l->sent, l->sent + 1);
		*is_busy = true;
	}
	return 0;
}

static int peer_receives(struct load *l, bool *is_busy)
{
	uint8_t f[2048];
	ssize_t n;

	while ((n = host_recv(l->host, f, sizeof(f), 0)) >= 0) {
		if (!is_frame(f, n, l->peer_seq))
			return __LINE__;
		LOAD_SET(l->peer_seq, l->peer_seq + 1);
		LOAD_SET(l->moved[1], l->moved[1] + 1);
		*is_busy = true;
	}
	return n == -ETIMEDOUT ? 0 : __LINE__;
}

static void *run_peer(void *arg)
{
	struct load *l = arg;
	bool is_busy, is_quiet;
	int line = 0;

	while (!line && !LOAD_GET(l->must_stop)) {
		is_busy = false;
		is_quiet = LOAD_GET(l->is_quiet);
		LOAD_SET(l->was_quiet, is_quiet);
		if (!is_quiet)
			line = peer_sends(l, &is_busy);
		line = line ?: peer_receives(l, &is_busy);
		if (!is_busy)
			fd_wait(l->host, 1);
	}
	LOAD_SET(l->line[1], line);
	return NULL;
}

int load_start(struct load *l, struct guest *g, int host)
{
	*l = (struct load){ .g = g, .host = host };
	sem_init(&l->paused, 0, 0);
	sem_init(&l->resumed, 0, 0);
	if (pthread_create(&l->cpu, NULL, run_cpu, l) ||
	    pthread_create(&l->peer, NULL, run_peer, l))
		return -errno;
	l->is_on = true;
	return 0;
}

bool load_failed(struct load *l)
{
	return LOAD_GET(l->line[0]) || LOAD_GET(l->line[1]);
}

/* Return: 0, or the line of the failed check */
int load_stop(struct load *l)
{
	if (!l->is_on)
		return 0;
	l->is_on = false;
	LOAD_SET(l->must_stop, true);
	LOAD_SET(l->must_pause, false);
	sem_post(&l->resumed);
	pthread_join(l->cpu, NULL);
	pthread_join(l->peer, NULL);
	return l->line[0] ?: l->line[1];
}

/* Wait until @more frames have arrived on both sides. Return: false if they do not. */
bool load_wait(struct load *l, unsigned long more)
{
	unsigned long to[2] = { LOAD_GET(l->moved[0]) + more, LOAD_GET(l->moved[1]) + more };
	int64_t end = now_ms() + 2 * WAIT_MS;

	while (now_ms() < end && !load_failed(l)) {
		if (LOAD_GET(l->moved[0]) >= to[0] && LOAD_GET(l->moved[1]) >= to[1])
			return true;
		usleep(500);
	}
	printf("# guest: received %u of %u, sent %u; peer: received %u; lines %d %d\n",
	       l->prog.rx_seq, l->sent, l->prog.tx_seq, l->peer_seq, l->line[0],
	       l->line[1]);
	return false;
}

/* Wait until *@seq is @to. Return: false if it never is. */
bool load_reaches(struct load *l, uint32_t *seq, uint32_t to)
{
	int64_t end = now_ms() + 2 * WAIT_MS;

	while (now_ms() < end && !load_failed(l)) {
		if (LOAD_GET(*seq) == to)
			return true;
		usleep(500);
	}
	return false;
}

bool load_pause(struct load *l)
{
	struct timespec end;

	LOAD_SET(l->must_pause, true);
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += WAIT_MS / 1000;
	return !sem_timedwait(&l->paused, &end);
}

void load_resume(struct load *l)
{
	LOAD_SET(l->must_pause, false);
	sem_post(&l->resumed);
}

/*
 * Stop the peer from sending, and wait until the guest has received all its frames.
 * Clear @is_quiet to continue.
 */
bool load_quiet(struct load *l)
{
	LOAD_SET(l->is_quiet, true);
	while (!LOAD_GET(l->was_quiet) && !load_failed(l))
		usleep(500);
	return load_reaches(l, &l->acked, LOAD_GET(l->sent));
}

/* Return the number of the first frame that the device, which is stopped, has not taken. */
uint32_t load_next_tx(const struct load *l)
{
	const struct vq *q = &l->g->vq[TX];

	return l->prog.tx_seq - (uint16_t)(q->nr_added - vq_used_idx(q));
}
