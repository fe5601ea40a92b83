// SPDX-License-Identifier: GPL-2.0
/*
 * A flood of frames in one direction, see flow.h.
 */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "flow.h"
#include "net.h"

double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

#define IN_FLIGHT	128u

/* Send the next frame, if there is room for it. Return: 0 or -errno */
int flow_send(struct flow *f)
{
	struct vq *q = &f->g->vq[TX];
	uint8_t frame[FLOW_LEN];
	int err;

	if (f->dir == TX) {
		while (vq_get_used(q, NULL, NULL) == 1)
			;
		if (!q->nr_free)
			return 0;
	}
	frame_raw(frame, FLOW_LEN, f->sent);
	if (f->dir == RX) {
		err = host_send(f->host, frame, FLOW_LEN);
	} else {
		err = guest_tx(f->g, NULL, frame, FLOW_LEN);
		vq_kick(q);
	}
	if (err >= 0)
		f->sent++;
	return err < 0 ? err : 0;
}

/* Return: 1 for a frame, 0 for none, -EPROTO if it is not the next one */
static int flow_recv(struct flow *f, int ms)
{
	uint8_t want[FLOW_LEN], frame[2048];
	ssize_t n;

	n = f->dir == TX ? host_recv(f->host, frame, sizeof(frame), ms) :
			   guest_rx(f->g, NULL, frame, sizeof(frame), ms);
	if (n <= 0)
		return 0;
	frame_raw(want, FLOW_LEN, f->got);
	if (!frame_same(frame, n, want, FLOW_LEN))
		return -EPROTO;
	f->got++;
	return 1;
}

/* Send and receive all that is possible now. Return: 0 or -errno */
int flow_turn(struct flow *f)
{
	int ret = 0;

	while (!ret && f->sent - f->got < IN_FLIGHT) {
		uint32_t before = f->sent;

		ret = flow_send(f);
		if (f->sent == before)
			break;
	}
	while (ret >= 0) {
		ret = flow_recv(f, 0);
		if (!ret)
			return 0;
	}
	return ret;
}

/* Keep @nr flows running for @seconds. Return: 0 or -errno */
int flows_run(struct flow *f, int nr, double seconds)
{
	double end = seconds_now() + seconds;
	int i, err = 0;

	while (!err && seconds_now() < end) {
		for (i = 0; !err && i < nr; i++)
			err = flow_turn(&f[i]);
		usleep(500);
	}
	return err;
}

/* Receive what is in flight. Return: 0 or -errno */
int flow_end(struct flow *f)
{
	int ret = 1;

	while (ret == 1 && f->got != f->sent)
		ret = flow_recv(f, WAIT_MS);
	return ret < 0 ? ret : f->got == f->sent ? 0 : -ETIMEDOUT;
}

/* Read a counter of the queue. */
long flow_stat(struct flow *f, const char *name)
{
	return guest_stat(f->g, f->side, name);
}
