// SPDX-License-Identifier: GPL-2.0
/*
 * Many idle devices: their memory, and how often their workers run. Each has one pair
 * on a tap of its own; RX buffers are posted, TX is empty.
 *
 * A row with idle=N has N such devices as well. mode=many measures only them, without the
 * memory of the guests. With pairs=N, vhost-tap has one file with N pairs, and a node
 * that only knows single pairs has N files.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../../../include/uapi/linux/vhost_tap.h"
#include "testbed.h"
#include "cost.h"
#include "net.h"

#define IDLE_S		2
#define RING		256
#define BUFFERS		64
/* Files that each device needs: guest memory, eventfds, the node, the tap. */
#define FILES		10

/* Prepare all that does not belong to the node. */
static int guest_prepare(struct guest *g, const struct guest_cfg *cfg, unsigned int pair)
{
	int err;

	*g = (struct guest){ .vhost = -1, .memfd = -1, .features = cfg->features, .hdr_len = 12 };
	err = guest_mem_init(g, cfg) ?: vq_init(&g->vq[RX], 2 * pair + RX, RING, cfg->features) ?:
	      vq_init(&g->vq[TX], 2 * pair + TX, RING, cfg->features);
	/* Without a kick, and before the device looks at the ring. */
	return err ?: guest_rx_post(g, BUFFERS, 1536);
}

static int tap_prepare(unsigned int i)
{
	char name[16];
	int fd, err;

	snprintf(name, sizeof(name), "idle%u", i);
	fd = tap_open(name, IFF_VNET_HDR);
	if (fd < 0)
		return fd;
	err = tap_hdr_len(fd, TESTBED_HDR_LEN) ?: link_up(name);
	return err ?: fd;
}

/* One guest address space serves all pairs of a file: the table of the first. */
static int start_pair(struct guest *g, int tap)
{
	return guest_vq_setup(g, RX, 0) ?: guest_vq_setup(g, TX, 0) ?: guest_start(g, tap);
}

static int open_file(struct guest *g, unsigned int pairs)
{
	struct vhost_tap_queue_pairs arg = { .nr = pairs };
	int err = 0;

	g->vhost = open(guest_node(), O_RDWR | O_CLOEXEC);
	if (g->vhost < 0)
		return -errno;
	if (pairs > 1)
		err = guest_ioctl(g->vhost, VHOST_TAP_SET_QUEUE_PAIRS, &arg);
	return err ?: guest_ioctl(g->vhost, VHOST_SET_OWNER, NULL) ?:
	       guest_ioctl(g->vhost, VHOST_SET_FEATURES, &g->features) ?: guest_set_mem(g);
}

int many_prepare(struct many *m, const struct bench_row *row)
{
	struct guest_cfg cfg = {
		.features = testbed_features(row), .mem_len = 64 * BUFFERS * 64,
	};
	struct rlimit files;
	unsigned int i;
	int err = 0;

	*m = (struct many){ .nr = row->nr_idle ?: row->pairs, .pairs_of_file = 1 };
	if (!row->nr_idle && guest_is_ours())
		m->pairs_of_file = row->pairs;
	files.rlim_cur = m->nr * FILES + 1024;
	files.rlim_max = files.rlim_cur;
	m->g = calloc(m->nr, sizeof(*m->g));
	m->tap = calloc(m->nr, sizeof(*m->tap));
	if (!m->g || !m->tap || setrlimit(RLIMIT_NOFILE, &files))
		return -ENOMEM;
	for (i = 0; !err && i < m->nr; i++) {
		err = guest_prepare(&m->g[i], &cfg, i % m->pairs_of_file);
		m->tap[i] = err ?: tap_prepare(i);
		if (m->tap[i] < 0)
			err = m->tap[i];
	}
	return err;
}

int many_start(struct many *m)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < m->nr; i++) {
		if (i % m->pairs_of_file)
			m->g[i].vhost = m->g[i - 1].vhost;
		else
			err = open_file(&m->g[i], m->pairs_of_file);
		err = err ?: start_pair(&m->g[i], m->tap[i]);
	}
	/* The workers look at their rings, and sleep. */
	usleep(200000);
	return err;
}

static long free_kb(void)
{
	char line[128];
	FILE *f;
	long kb = -1;

	/* Return what waits in lists of a CPU. */
	f = fopen("/proc/sys/vm/stat_refresh", "r");
	if (f)
		fclose(f);
	f = fopen("/proc/meminfo", "r");
	while (f && fgets(line, sizeof(line), f) && sscanf(line, "MemFree: %ld", &kb) != 1)
		;
	if (f)
		fclose(f);
	return kb;
}

/* The cost is in KiB for each device or pair; the CPU time of the workers in ns. */
int cost_many(const struct bench_row *row, struct packet_cost *cost)
{
	struct many m;
	int64_t cpu;
	long kb, switches;
	int err = many_prepare(&m, row);

	/* The kernel frees what the last row had. */
	sleep(1);
	kb = free_kb();
	err = err ?: many_start(&m);
	if (err)
		return err;
	kb -= free_kb();
	cpu = worker_cpu_ns();
	switches = worker_switches();
	if (cpu <= 0 || switches <= 0)
		return -ESRCH;
	sleep(IDLE_S);
	*cost = (struct packet_cost){
		.rounds = 1, .packets = m.nr, .more = (double)kb / m.nr,
		.worker_ns = (double)(worker_cpu_ns() - cpu) / m.nr,
		.switches = (double)(worker_switches() - switches) / m.nr,
	};
	cost->whole = cost->more;
	cost->median = cost->more;
	return 0;
}
