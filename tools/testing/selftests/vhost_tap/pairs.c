// SPDX-License-Identifier: GPL-2.0
/* Several pairs of one file (pairs.h). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../../include/uapi/linux/vhost_tap.h"
#include "pairs.h"

int node_set_pairs(int fd, unsigned int nr)
{
	struct vhost_tap_queue_pairs arg = { .nr = nr };

	return guest_ioctl(fd, VHOST_TAP_SET_QUEUE_PAIRS, &arg);
}

int node_set_layout(int fd, unsigned int layout, unsigned int nr)
{
	struct vhost_tap_workers w = { layout, nr };

	return guest_ioctl(fd, VHOST_TAP_SET_WORKERS, &w);
}

int node_attach(int fd, unsigned int vring, unsigned int worker)
{
	struct vhost_vring_worker w = { vring, worker };

	return guest_ioctl(fd, VHOST_ATTACH_VRING_WORKER, &w);
}

/* Return: tid or -errno */
int node_thread_of(int fd, unsigned int vring)
{
	struct vhost_tap_vring_thread t = { .index = vring };
	int err;

	do {
		err = guest_ioctl(fd, VHOST_TAP_GET_VRING_THREAD, &t);
	} while (err == -EAGAIN && !usleep(1000));
	return err ?: t.tid;
}

int node_set_kind(int fd, uint8_t kind)
{
	return guest_ioctl(fd, VHOST_SET_FORK_FROM_OWNER, &kind);
}

/* Kernels before 6.4 only have kernel threads. */
bool node_has_owner_kind(void)
{
	int fd = open(guest_node(), O_RDWR | O_CLOEXEC);
	bool has = !node_set_kind(fd, 1);

	close(fd);
	return has;
}

/* Open a file without an owner; the caller may configure it before pairs_own(). */
int pairs_open(struct pairs *p, unsigned int nr)
{
	*p = (struct pairs){ .nr = nr };
	p->g = calloc(nr, sizeof(*p->g));
	p->tap = calloc(nr, sizeof(*p->tap));
	p->t = calloc(nr, sizeof(*p->t));
	p->table = calloc(1, sizeof(*p->table) +
			  GUEST_MAX_REGIONS * sizeof(p->table->regions[0]));
	if (!p->g || !p->tap || !p->t || !p->table)
		return -ENOMEM;
	while (nr--) {
		p->g[nr].vhost = -1;
		p->g[nr].memfd = -1;
		p->tap[nr].host = -1;
	}
	p->fd = open(guest_node(), O_RDWR | O_CLOEXEC);
	return p->fd < 0 ? -errno : node_set_pairs(p->fd, p->nr);
}

/* Set up rings and memory of one pair; its regions go into the file's table. */
static int pair_init(struct pairs *p, unsigned int i, struct guest_cfg cfg)
{
	struct guest *g = &p->g[i];
	int err;

	cfg.gpa_base = GUEST_GPA + ((uint64_t)i << 36);
	*g = (struct guest){ .memfd = -1, .features = cfg.features };
	g->hdr_len = cfg.features & (F_MRG_RXBUF | F_VERSION_1) ? 12 : 10;
	g->vhost = dup(p->fd);
	err = guest_mem_init(g, &cfg) ?:
	      vq_init(&g->vq[RX], 2 * i + RX, cfg.num[RX] ?: 256, cfg.features) ?:
	      vq_init(&g->vq[TX], 2 * i + TX, cfg.num[TX] ?: 256, cfg.features);
	if (err || p->table->nregions + g->table->nregions > GUEST_MAX_REGIONS)
		return err ?: -E2BIG;
	memcpy(p->table->regions + p->table->nregions, g->table->regions,
	       g->table->nregions * sizeof(g->table->regions[0]));
	p->table->nregions += g->table->nregions;
	return 0;
}

/* Become the owner and set up all but the backends. */
int pairs_own(struct pairs *p, const struct guest_cfg *cfg)
{
	uint64_t features = cfg->features;
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < p->nr; i++)
		err = pair_init(p, i, *cfg);
	if (!err)
		err = guest_ioctl(p->fd, VHOST_SET_OWNER, NULL) ?:
		      guest_ioctl(p->fd, VHOST_SET_FEATURES, &features) ?:
		      guest_ioctl(p->fd, VHOST_SET_MEM_TABLE, p->table);
	for (i = 0; !err && i < p->nr; i++) {
		struct vq *vq = p->g[i].vq;

		err = guest_vq_setup(&p->g[i], RX, vq_base(&vq[RX])) ?:
		      guest_vq_setup(&p->g[i], TX, vq_base(&vq[TX]));
		guest_find_debugfs(&p->g[i]);
	}
	return err;
}

/* Create a tap for each pair, to know where a packet arrives. */
int pairs_taps(struct pairs *p)
{
	char name[16];
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < p->nr; i++) {
		snprintf(name, sizeof(name), "vtap%u", i);
		err = tap_make_named(&p->tap[i], name, IFF_VNET_HDR, 1,
				     p->g[i].hdr_len);
	}
	return err;
}

int pairs_start(struct pairs *p, unsigned int i)
{
	return guest_start(&p->g[i], p->tap[i].fd[0]) ?:
	       guest_rx_post(&p->g[i], 64, 2048);
}

int pairs_up(struct pairs *p, const struct guest_cfg *cfg)
{
	int err = pairs_own(p, cfg) ?: pairs_taps(p);
	unsigned int i;

	for (i = 0; !err && i < p->nr; i++)
		err = pairs_start(p, i);
	return err;
}

/* A flood ends with a full ring and a full socket on the host. */
static bool is_empty_soon(struct guest *g, int host)
{
	struct vq *q = &g->vq[TX];
	uint8_t got[2048];

	if (vq_drain(q, q->num - q->nr_free, WAIT_MS))
		return false;
	while (host_recv(host, got, sizeof(got), 0) > 0)
		;
	return true;
}

bool pairs_pass(struct pairs *p)
{
	unsigned int i;

	for (i = 0; i < p->nr; i++)
		if (!is_empty_soon(&p->g[i], p->tap[i].host) ||
		    !traffic_once(&p->g[i], p->tap[i].host))
			return false;
	return true;
}

int pairs_load(struct pairs *p)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < p->nr; i++)
		err = traffic_start(&p->t[i], &p->g[i], p->tap[i].host, false);
	return err;
}

int pairs_stop(struct pairs *p)
{
	unsigned int i;
	int line = 0;

	for (i = 0; i < p->nr; i++)
		line = traffic_stop(&p->t[i]) ?: line;
	return line;
}

void pairs_free(struct pairs *p)
{
	unsigned int i;

	if (p->fd >= 0)
		close(p->fd);
	for (i = 0; p->g && i < p->nr; i++) {
		guest_free(&p->g[i]);
		tap_free(&p->tap[i]);
	}
	free(p->g);
	free(p->tap);
	free(p->t);
	free(p->table);
	*p = (struct pairs){ .fd = -1 };
}
