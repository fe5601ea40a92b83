// SPDX-License-Identifier: GPL-2.0
/*
 * owner.c - the guest's side of a slot: devices with one pair for each link, frames in
 * both directions, operations on the device meanwhile, and the sums of each device
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "../../../include/uapi/linux/vhost_tap.h"
#include "iotlb.h"
#include "net.h"
#include "pairs.h"
#include "soak.h"
#include "threads.h"

#define RX_BUFFERS	64
#define RX_LEN		2048

/**
 * struct device - an open file
 * @g: one guest for each pair; of @p, or @one with an IOTLB
 * @has_faults: a part of its allocations fails
 * @is_running: its queues are started
 * @posted, @used: TX chains since it was opened
 * @got: RX frames since then
 */
struct device {
	struct slot *s;
	struct guest *g;
	unsigned int nr;
	struct pairs p;
	struct guest one;
	struct iotlb tlb;
	bool has_iotlb;
	bool has_faults;
	uint32_t posted[LINKS_MAX];
	uint32_t used[LINKS_MAX];
	uint32_t got[LINKS_MAX];
	unsigned int nr_workers;
};

static void failing(const struct device *d, bool on)
{
	int err = -ENOMEM, i;

	/* An injected fault, or the limit of the cgroup, can make open() fail. */
	for (i = 0; d->has_faults && err == -ENOMEM && i < 1000; i++)
		err = put_text("/proc/self/make-it-fail", on ? "1" : "0");
	if (d->has_faults && err && (!on || err != -ENOMEM))
		fail(d->s, "no fault injection");
}

/* Return: whether the call succeeded. It may only fail for lack of memory. */
static bool worked(struct device *d, const char *what, int err)
{
	if (!err)
		return true;
	/* Without memory, memfd_create() fails with ENOSPC and a new thread with EAGAIN. */
	if (err == -ENOMEM || err == -ENOSPC || (d->has_faults && err == -EAGAIN)) {
		ADD(no_memory, 1);
		return false;
	}
	fail(d->s, "%s: %s", what, strerror(-err));
	return false;
}

/* As worked(), for a pair's attach to its link. EINVAL: the host has deleted the tap. */
static bool attached(struct device *d, const char *what, unsigned int i, int err)
{
	if (err == -EINVAL && GET(d->s->flow[i].is_gone))
		return false;
	return worked(d, what, err);
}

/* ---- traffic ---- */

static bool reap(struct device *d, unsigned int i)
{
	int ret;

	while ((ret = vq_get_used(&d->g[i].vq[TX], NULL, NULL)) == 1)
		d->used[i]++;
	if (ret < 0)
		fail(d->s, "pair %u: TX: %s", i, d->g[i].vq[TX].broken);
	return !ret;
}

static void send_some(struct device *d, unsigned int i, unsigned int nr)
{
	struct guest *g = &d->g[i];
	uint8_t f[FRAME_MAX];
	uint32_t seq;

	while (nr-- && g->vq[TX].nr_free) {
		seq = d->s->flow[i].tx_seq + d->posted[i];
		frame_raw(f, frame_len(seq), seq);
		if (guest_tx(g, NULL, f, frame_len(seq)) < 0)
			break;
		d->posted[i]++;
	}
	vq_kick(&g->vq[TX]);
}

/* Receive all frames in the ring. Numbers that are skipped belong to dropped frames. */
static bool receive(struct device *d, unsigned int i)
{
	struct flow *w = &d->s->flow[i];
	uint8_t f[2 * FRAME_MAX], want[FRAME_MAX];
	static uint32_t next[LINKS_MAX];
	uint32_t seq;
	ssize_t n;

	while ((n = guest_rx(&d->g[i], NULL, f, sizeof(f), 0)) != -ETIMEDOUT) {
		seq = n < 18 ? 0 : frame_seq(f);
		frame_raw(want, frame_len(seq), seq);
		if ((int32_t)(seq - next[i]) < 0 || !frame_same(f, n, want, frame_len(seq))) {
			fail(d->s, "pair %u: RX frame %u, %zd, wanted %u or a later one", i,
			     seq, n, next[i]);
			return false;
		}
		next[i] = seq + 1;
		d->got[i]++;
		SET(w->rx_got, w->rx_got + 1);
	}
	return true;
}

static void traffic(struct device *d)
{
	struct slot *s = d->s;
	unsigned int i = draw(s, d->nr), nr;

	if (!one_in(s, 4))
		send_some(d, i, 1 + draw(s, 1 << draw(s, 8)));
	for (nr = 0; nr < d->nr; nr++)
		if (!reap(d, nr) || !receive(d, nr))
			return;
	if (one_in(s, 50))
		usleep(draw(s, 3000));
}

/* ---- counters ---- */

/* Counters of a queue. */
struct counters {
	uint64_t packets;
	uint64_t faults;
	uint64_t retries;
};

/* Return: false if the queue has no counters */
static bool counters(struct device *d, unsigned int i, int dir, struct counters *c, bool is_last)
{
	char path[128], line[256], name[64];
	unsigned int at = 0;
	long val;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s%.0u", d->g[i].debugfs, dir == TX ? "tx" : "rx", i);
	f = d->g[i].debugfs[0] ? fopen(path, "r") : NULL;
	if (!f)
		return false;
	*c = (struct counters){};
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63s %li", name, &val) != 2)
			continue;
		if (!strcmp(name, "packets"))
			c->packets = val;
		if (!strcmp(name, "retries"))
			c->retries = val;
		if (strncmp(name, "fault.", 6))
			continue;
		c->faults += val;
		if (is_last && at < 64) {
			__atomic_add_fetch(&all->fault[dir][at], val, __ATOMIC_RELAXED);
			snprintf(all->fault_name[at], sizeof(all->fault_name[at]), "%.23s",
				 name + 6);
		}
		at++;
	}
	fclose(f);
	return true;
}

/*
 * A device that its owner stopped:
 *   TX: chains used = packets + drops
 *   RX: packets = frames received
 */
static void check_pair(struct device *d, unsigned int i)
{
	struct flow *w = &d->s->flow[i];
	struct counters c[2];

	w->tx_seq += d->used[i];
	if (!counters(d, i, RX, &c[RX], true) || !counters(d, i, TX, &c[TX], true)) {
		if (!d->has_faults)
			fail(d->s, "pair %u: no counters in %s", i, d->g[i].debugfs);
		d->s->is_unknown = true;
		return;
	}
	w->packets[RX] += c[RX].packets;
	w->packets[TX] += c[TX].packets;
	w->faults[RX] += c[RX].faults;
	w->faults[TX] += c[TX].faults;
	w->tries += c[TX].retries + c[TX].faults;
	ADD(tx_frames, d->used[i]);
	ADD(tx_packets, c[TX].packets);
	ADD(tx_faults, c[TX].faults);
	ADD(rx_packets, c[RX].packets);
	ADD(rx_faults, c[RX].faults);
	ADD(rx_received, d->got[i]);
	ADD(device_sums, 1);
	if (d->used[i] != c[TX].packets + c[TX].faults)
		fail(d->s, "pair %u: %u TX chains used; the device counts %lu and %lu drops",
		     i, d->used[i], c[TX].packets, c[TX].faults);
	if (d->got[i] != c[RX].packets)
		fail(d->s, "pair %u: %u RX frames arrived; the device counts %lu packets",
		     i, d->got[i], c[RX].packets);
}

/* ---- start and stop ---- */

static void stuck(struct device *d, unsigned int i, const char *dir, const char *why)
{
	char path[128], line[256];
	FILE *f;

	SET(all->is_stuck, true);
	fail(d->s, "pair %u %s: %s for %d s: posted %u, used %u, got %u; sent %u, got %u, lost %u",
	     i, dir, why, STUCK_MS / 1000, d->posted[i], d->used[i], d->got[i],
	     d->s->flow[i].rx_tried, d->s->flow[i].rx_got, d->s->flow[i].rx_dropped);
	snprintf(path, sizeof(path), "%s/%s%.0u", d->g[i].debugfs, dir, i);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		printf("#   %s", line);
	if (f)
		fclose(f);
}

/* The guest sleeps until all its chains are used: needs each kick and each call. */
static bool drain_tx(struct device *d, unsigned int i)
{
	while (reap(d, i) && d->used[i] != d->posted[i]) {
		int ret = vq_wait_used(&d->g[i].vq[TX], STUCK_MS);

		if (ret == 1)
			continue;
		stuck(d, i, "tx", ret ? "used chains without a call" : "no chain used");
		return false;
	}
	return d->used[i] == d->posted[i];
}

/* The guest sleeps until all frames that the host sent have arrived. */
static bool drain_rx(struct device *d, unsigned int i)
{
	struct flow *w = &d->s->flow[i];
	struct counters c;

	while (receive(d, i)) {
		if (GET(w->is_gone) ||
		    w->rx_got + w->faults[RX] == w->rx_tried - GET(w->rx_dropped))
			return true;
		if (vq_wait_used(&d->g[i].vq[RX], STUCK_MS) == 1)
			continue;
		failing(d, false);
		if (GET(w->is_gone) || !counters(d, i, RX, &c, false) ||
		    w->rx_got + w->faults[RX] + c.faults == w->rx_tried - w->rx_dropped)
			return true;
		stuck(d, i, "rx", "no frame received");
		return false;
	}
	return false;
}

static bool drain(struct device *d)
{
	struct slot *s = d->s;
	bool ok = true;
	unsigned int i;

	SET(s->is_quiet, true);
	for (i = 0; ok && i < d->nr; i++)
		ok = drain_tx(d, i);
	/* The host answers between two bursts; a full ring does not stop it. */
	while (ok && !GET(s->was_quiet) && !GET(all->has_failed))
		for (i = 0; i < d->nr; i++)
			ok = ok && receive(d, i);
	for (i = 0; ok && i < d->nr; i++)
		ok = drain_rx(d, i);
	SET(s->is_quiet, false);
	while (ok && GET(s->was_quiet) && !GET(all->has_failed))
		usleep(500);
	ADD(drained, ok);
	return ok;
}

static bool start_all(struct device *d)
{
	bool ok = true;
	unsigned int i;

	for (i = 0; ok && i < d->nr; i++) {
		ok = attached(d, "start", i, guest_start(&d->g[i], d->s->fd[i]));
		SET(d->s->flow[i].is_open, ok);
	}
	ADD(starts, ok);
	return ok;
}

/* Stop with frames on their way, and take those that arrived. */
static bool stop_all(struct device *d)
{
	uint32_t base[2];
	unsigned int i;
	bool ok = true;
	int err;

	for (i = 0; i < d->nr; i++)
		SET(d->s->flow[i].is_open, false);
	for (i = 0; ok && i < d->nr; i++) {
		err = guest_stop_at(&d->g[i], base);
		if (err)
			fail(d->s, "pair %u: stop: %s", i, strerror(-err));
		ok = !err && reap(d, i) && receive(d, i);
	}
	ADD(stops, ok);
	return ok;
}

/* ---- operations under traffic ---- */

static void op_move(struct device *d)
{
	int err = node_attach(d->g[0].vhost, draw(d->s, 2 * d->nr), draw(d->s, d->nr_workers + 1));

	/* Not every worker of these numbers exists. */
	if (err != -ENODEV && worked(d, "attach a worker", err))
		ADD(moves, 1);
}

static void op_workers(struct device *d)
{
	struct vhost_worker_state w = { .worker_id = draw(d->s, d->nr_workers + 1) };
	int err;

	/* Kernel threads cannot be added (EFAULT); a worker may have queues or not exist. */
	if (d->nr_workers < 6 && one_in(d->s, 2)) {
		err = guest_ioctl(d->g[0].vhost, VHOST_NEW_WORKER, &w);
		if (!err)
			d->nr_workers = w.worker_id + 1;
		if (err == -EFAULT)
			return;
	} else {
		err = guest_ioctl(d->g[0].vhost, VHOST_FREE_WORKER, &w);
		if (err == -EBUSY || err == -ENODEV || err == -EFAULT)
			return;
	}
	if (worked(d, "add or free a worker", err))
		ADD(workers, 1);
}

static void op_restart(struct device *d)
{
	unsigned int i = draw(d->s, d->nr), dir = draw(d->s, 2);
	int err;

	/* Without its link the queue can only stop. */
	if (GET(d->s->flow[i].is_gone))
		return;
	err = guest_attach(&d->g[i], dir, -1) ?: guest_attach(&d->g[i], dir, d->s->fd[i]);
	/* For lack of memory or link, it stays stopped until the end of the device. */
	if (attached(d, "restart", i, err))
		ADD(restarts, 1);
	else
		SET(d->s->must_stop, true);
}

static void op_settings(struct device *d)
{
	struct vhost_tap_polling polling = { .adaptive_us = draw(d->s, 3) * 50 };
	unsigned int i = draw(d->s, d->nr), dir = draw(d->s, 2);
	struct guest *g = &d->g[i];
	int err;

	switch (draw(d->s, 4)) {
	case 0:
		err = guest_ioctl(g->vhost, VHOST_SET_MEM_TABLE,
				  d->has_iotlb ? g->table : d->p.table);
		break;
	case 1:
		err = guest_vring_file(g->vhost, VHOST_SET_VRING_CALL, g->vq[dir].index,
				       g->vq[dir].call);
		break;
	case 2:
		err = guest_vring_file(g->vhost, VHOST_SET_VRING_KICK, g->vq[dir].index,
				       g->vq[dir].kick);
		break;
	default:
		err = guest_ioctl(g->vhost, VHOST_TAP_SET_POLLING, &polling);
	}
	if (worked(d, "settings", err))
		ADD(settings, 1);
}

static void op_invalidate(struct device *d)
{
	uint64_t page = draw(d->s, d->tlb.nr_pages);

	if (!d->has_iotlb)
		return;
	if (worked(d, "invalidate", iotlb_invalidate(d->one.vhost, d->tlb.v2,
						     GUEST_GPA + page * IOTLB_PAGE,
						     (1 + draw(d->s, 16)) * IOTLB_PAGE)))
		ADD(invalidations, 1);
}

static void operate(struct device *d)
{
	static void (*const op[])(struct device *d) = {
		op_move, op_move, op_workers, op_restart, op_settings, op_invalidate,
	};

	op[draw(d->s, ARRAY_SIZE(op))](d);
}

/* ---- a device ---- */

static int open_pairs(struct device *d, const struct guest_cfg *cfg)
{
	struct slot *s = d->s;
	int err = pairs_open(&d->p, d->nr);

	d->g = d->p.g;
	if (!err && one_in(s, 2))
		err = node_set_layout(d->p.fd, VHOST_TAP_WORKERS_SHARED, 1 + draw(s, d->nr));
	if (!err && one_in(s, 3))
		err = node_set_kind(d->p.fd, draw(s, 2));
	return err ?: pairs_own(&d->p, cfg);
}

static int open_device(struct device *d)
{
	struct slot *s = d->s;
	struct guest_cfg cfg = {
		.features = F_MRG_RXBUF | F_VERSION_1,
		.num = { 64 << draw(s, 3), 64 << draw(s, 3) },
		.mem_len = 4 << 20,
	};
	unsigned int i;
	int err;

	cfg.features |= one_in(s, 2) ? F_PACKED : 0;
	cfg.features |= one_in(s, 3) ? F_IN_ORDER : 0;
	cfg.features |= one_in(s, 4) ? 0 : F_EVENT_IDX;
	d->nr = s->nr;
	d->nr_workers = s->nr;
	d->has_iotlb = one_in(s, 4);
	if (d->has_iotlb) {
		d->nr = 1;
		d->g = &d->one;
		cfg.features |= F_ACCESS_PLATFORM;
		cfg.msg_v2 = one_in(s, 2);
		err = guest_init(&d->one, &cfg) ?: iotlb_init(&d->tlb, &d->one, cfg.msg_v2) ?:
		      iotlb_start(&d->tlb);
	} else {
		/* Not with an IOTLB: a reply to a miss that fails is not repeated. */
		d->has_faults = one_in(s, 2);
		failing(d, true);
		err = open_pairs(d, &cfg);
		failing(d, false);
	}
	for (i = 0; !err && i < d->nr; i++) {
		if (!d->g[i].debugfs[0])
			guest_find_debugfs(&d->g[i]);
		err = guest_rx_post(&d->g[i], RX_BUFFERS, RX_LEN);
	}
	return err;
}

static void close_device(struct device *d)
{
	if (d->has_iotlb) {
		ADD(misses, d->tlb.nr_misses);
		if (d->tlb.nr_bad || d->tlb.nr_denied)
			fail(d->s, "%lu bad and %lu denied IOTLB misses", d->tlb.nr_bad,
			     d->tlb.nr_denied);
		iotlb_down(&d->tlb, &d->one);
	} else {
		pairs_free(&d->p);
	}
}

/* Start, move frames and operate, stop; several times. */
static void use_device(struct device *d)
{
	unsigned int cycles = 1 + draw(d->s, 4), rounds, i;
	bool ok = true;

	while (ok && cycles-- && !must_stop(d->s)) {
		failing(d, true);
		ok = start_all(d);
		for (rounds = 1 << draw(d->s, 11); ok && rounds; rounds--) {
			traffic(d);
			if (one_in(d->s, 20))
				operate(d);
			ok = !must_stop(d->s);
		}
		if (ok && one_in(d->s, 2))
			ok = drain(d);
		failing(d, false);
		/* A device that did not start completely has queues to stop, too. */
		if (GET(all->has_failed) || !stop_all(d))
			return;
	}
	for (i = 0; i < d->nr; i++)
		check_pair(d, i);
}

/* The module is unloaded now and then, and takes its node with it. */
static bool is_away(int err)
{
	return err == -ENOENT || err == -ENODEV || err == -ENXIO;
}

void owner_main(struct slot *s)
{
	unsigned int devices = 1 + draw(s, 4);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (devices && !must_stop(s)) {
		struct device d = { .s = s, .one.vhost = -1, .one.memfd = -1, .p.fd = -1 };
		int err = open_device(&d);

		if (is_away(err)) {
			close_device(&d);
			usleep(1000);
			continue;
		}
		devices--;
		if (worked(&d, "open", err)) {
			ADD(devices, 1);
			use_device(&d);
		}
		/* A failed test leaves the device as it is. */
		if (!GET(all->has_failed))
			close_device(&d);
	}
}
