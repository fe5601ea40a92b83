// SPDX-License-Identifier: GPL-2.0
/*
 * The steps of a device's life, in order.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/vhost_tap.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../iotlb.h"
#include "life.h"

#define FEATURES	F_QEMU
#define LOG_BYTES	0x1000000UL
#define REGIONS		16
#define NUM		256
#define RING_ROOM	32768	/* larger than vq_bytes(NUM) */
#define TRAFFIC_MS	5000

/* Rings are in guest memory, because only writes to guest memory can be logged. */
static size_t ring_at(const struct life *l, int i)
{
	return l->g.mem_len - (2 - i) * RING_ROOM;
}

/* ---- before the owner ---- */

static int do_open(struct life *l)
{
	int fd = open(guest_node(), O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	l->g.vhost = fd;
	return 0;
}

static int do_fork_from_owner(struct life *l)
{
	uint8_t one = 1;

	return guest_ioctl(l->g.vhost, VHOST_SET_FORK_FROM_OWNER, &one);
}

static int do_feature_mask(struct life *l)
{
	struct vhost_tap_feature_mask all = { { ~0ULL, ~0ULL } };

	return guest_ioctl(l->g.vhost, VHOST_TAP_SET_FEATURE_MASK, &all);
}

static int do_queue_pairs(struct life *l)
{
	struct vhost_tap_queue_pairs p = { .nr = LIFE_PAIRS };

	return guest_ioctl(l->g.vhost, VHOST_TAP_SET_QUEUE_PAIRS, &p);
}

static int do_workers(struct life *l)
{
	struct vhost_tap_workers w = { .layout = VHOST_TAP_WORKER_PER_VRING };

	return guest_ioctl(l->g.vhost, VHOST_TAP_SET_WORKERS, &w);
}

static int do_set_owner(struct life *l)
{
	return guest_ioctl(l->g.vhost, VHOST_SET_OWNER, NULL);
}

/* ---- the device ---- */

static int do_get_features(struct life *l)
{
	uint64_t f;

	return guest_ioctl(l->g.vhost, VHOST_GET_FEATURES, &f);
}

static uint64_t features_of(const struct life *l)
{
	return l->g.features | (l->iotlb ? F_ACCESS_PLATFORM : 0);
}

static int do_set_features(struct life *l)
{
	uint64_t f = features_of(l);

	return guest_ioctl(l->g.vhost, VHOST_SET_FEATURES, &f);
}

static int do_features_array(struct life *l)
{
	uint64_t a[3] = { 2 };

	return guest_ioctl(l->g.vhost, VHOST_GET_FEATURES_ARRAY, a);
}

static int do_set_features_array(struct life *l)
{
	uint64_t a[3] = { 2, features_of(l), 0 };

	return guest_ioctl(l->g.vhost, VHOST_SET_FEATURES_ARRAY, a);
}

static int do_backend_features(struct life *l)
{
	uint64_t v2 = 1 << VHOST_BACKEND_F_IOTLB_MSG_V2;

	return guest_ioctl(l->g.vhost, VHOST_SET_BACKEND_FEATURES, &v2);
}

static int do_get_info(struct life *l)
{
	struct vhost_tap_info info = { .size = sizeof(info) };

	return guest_ioctl(l->g.vhost, VHOST_TAP_GET_INFO, &info);
}

static int do_mem_table(struct life *l)
{
	return guest_set_mem(&l->g);
}

static int do_log_base(struct life *l)
{
	uint64_t base = (uintptr_t)l->log;

	return guest_ioctl(l->g.vhost, VHOST_SET_LOG_BASE, &base);
}

static int do_log_fd(struct life *l)
{
	return guest_ioctl(l->g.vhost, VHOST_SET_LOG_FD, &l->spare[2]);
}

/* ---- IOTLB: identity mapping of guest memory ---- */

static int map(struct life *l, uint64_t iova, void *at, size_t len)
{
	return iotlb_update(l->g.vhost, true, iova, len, (uintptr_t)at, RW);
}

static int do_iotlb_rings(struct life *l)
{
	uint8_t *p = l->g.mem + ring_at(l, 0);

	return map(l, (uintptr_t)p, p, RING_ROOM) ?:
	       map(l, (uintptr_t)p + RING_ROOM, p + RING_ROOM, RING_ROOM);
}

/* Map the guest's memory by regions, so that there are several entries. */
static int do_iotlb_memory(struct life *l)
{
	struct guest *g = &l->g;
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < g->nr_regions; i++)
		err = map(l, guest_gpa(g, i * g->chunk_len),
			  g->mem + i * g->chunk_len, g->chunk_len);
	return err;
}

static int do_iotlb_invalidate(struct life *l)
{
	return iotlb_invalidate(l->g.vhost, true, 0, 1ULL << 62);
}

static int do_iotlb_poll(struct life *l)
{
	struct pollfd p = { .fd = l->g.vhost, .events = POLLIN };

	return poll(&p, 1, 0) < 0 ? -errno : 0;
}

/* Nothing is mapped: a kick causes a miss, unless one is already pending. */
static int do_iotlb_read(struct life *l)
{
	struct vhost_iotlb_msg m;
	struct pollfd p = { .fd = l->g.vhost, .events = POLLIN };
	int err;

	vq_kick_hard(&l->g.vq[TX]);
	poll(&p, 1, 300);
	err = iotlb_read(l->g.vhost, true, &m, 0);
	return err == -EAGAIN || err == -ETIMEDOUT ? 0 : err;
}

/* ---- rings ---- */

static int both(struct life *l, unsigned long req, const unsigned int num[2])
{
	return guest_vring_state(l->g.vhost, req, 0, num[0]) ?:
	       guest_vring_state(l->g.vhost, req, 1, num[1]);
}

static int do_num(struct life *l)
{
	return both(l, VHOST_SET_VRING_NUM, (unsigned int[]){ NUM, NUM });
}

static int do_base(struct life *l)
{
	return both(l, VHOST_SET_VRING_BASE, (unsigned int[]){ 0, 0 });
}

static int do_busyloop(struct life *l)
{
	return both(l, VHOST_SET_VRING_BUSYLOOP_TIMEOUT,
		    (unsigned int[]){ 0, 0 });
}

static int do_addr(struct life *l)
{
	return guest_set_addr(&l->g, 0) ?: guest_set_addr(&l->g, 1);
}

static int files(struct life *l, unsigned long req, int rx, int tx)
{
	return guest_vring_file(l->g.vhost, req, 0, rx) ?:
	       guest_vring_file(l->g.vhost, req, 1, tx);
}

static int do_kick(struct life *l)
{
	return files(l, VHOST_SET_VRING_KICK, l->g.vq[0].kick, l->g.vq[1].kick);
}

static int do_call(struct life *l)
{
	return files(l, VHOST_SET_VRING_CALL, l->g.vq[0].call, l->g.vq[1].call);
}

static int do_err(struct life *l)
{
	return files(l, VHOST_SET_VRING_ERR, l->g.vq[0].err, l->g.vq[1].err);
}

static int do_other_kick(struct life *l)
{
	return files(l, VHOST_SET_VRING_KICK, l->spare[0], l->spare[1]);
}

static int do_no_call(struct life *l)
{
	return files(l, VHOST_SET_VRING_CALL, -1, -1);
}

/* ---- running ---- */

static int do_start_rx(struct life *l)
{
	return guest_attach(&l->g, RX, l->tap[0].fd[0]);
}

static int do_start_tx(struct life *l)
{
	return guest_attach(&l->g, TX, l->tap[0].fd[0]);
}

static int do_other_tap(struct life *l)
{
	return guest_attach(&l->g, RX, l->tap[1].fd[0]) ?:
	       guest_attach(&l->g, TX, l->tap[1].fd[0]);
}

static int do_traffic(struct life *l)
{
	return life_traffic(l, l->tap[0].host);
}

static int do_other_traffic(struct life *l)
{
	return life_traffic(l, l->tap[1].host);
}

static int do_log_on(struct life *l)
{
	uint64_t f = features_of(l) | F_LOG_ALL;

	return guest_ioctl(l->g.vhost, VHOST_SET_FEATURES, &f);
}

static int do_log_addr(struct life *l)
{
	struct vhost_vring_addr a = { .flags = 1 << VHOST_VRING_F_LOG };
	int i, err = 0;

	for (i = 0; !err && i < 2; i++) {
		a.index = i;
		a.desc_user_addr = (uintptr_t)l->g.vq[i].desc;
		a.avail_user_addr = (uintptr_t)l->g.vq[i].avail;
		a.used_user_addr = (uintptr_t)l->g.vq[i].used;
		a.log_guest_addr = guest_gpa(&l->g, (uint8_t *)l->g.vq[i].used -
					     l->g.mem);
		err = guest_ioctl(l->g.vhost, VHOST_SET_VRING_ADDR, &a);
	}
	return err;
}

/* ---- workers ---- */

static int do_new_worker(struct life *l)
{
	return guest_ioctl(l->g.vhost, VHOST_NEW_WORKER, &l->worker);
}

static int attach_both(struct life *l, unsigned int rx, unsigned int tx)
{
	unsigned int to_rx[2] = { RX, rx }, to_tx[2] = { TX, tx };

	return guest_ioctl(l->g.vhost, VHOST_ATTACH_VRING_WORKER, to_rx) ?:
	       guest_ioctl(l->g.vhost, VHOST_ATTACH_VRING_WORKER, to_tx);
}

static int do_attach(struct life *l)
{
	return attach_both(l, l->worker, l->worker);
}

static int do_attach_back(struct life *l)
{
	return attach_both(l, 0, 1);
}

/* If the worker cannot be freed, the next run frees it. */
static int do_new_and_free(struct life *l)
{
	int err = l->extra ? 0 : guest_ioctl(l->g.vhost, VHOST_NEW_WORKER, &l->extra);

	if (!err)
		err = guest_ioctl(l->g.vhost, VHOST_FREE_WORKER, &l->extra);
	if (!err)
		l->extra = 0;
	return err;
}

static int do_get_thread(struct life *l)
{
	struct vhost_tap_vring_thread t = { .index = TX };

	return guest_ioctl(l->g.vhost, VHOST_TAP_GET_VRING_THREAD, &t);
}

static int do_stop(struct life *l)
{
	return guest_stop(&l->g);
}

static int do_get_base(struct life *l)
{
	int base = guest_get_base(l->g.vhost, RX);

	return base < 0 ? base : 0;
}

static int do_reset_owner(struct life *l)
{
	return guest_ioctl(l->g.vhost, VHOST_RESET_OWNER, NULL);
}

static int do_close(struct life *l)
{
	int fd = l->g.vhost;

	l->g.vhost = -1;
	return close(fd) ? -errno : 0;
}

#define STEP_NL		(STEP_OURS | STEP_NETLINK)

const struct step steps[] = {
	{ "open", do_open, STEP_ONCE },
	{ "SET_FORK_FROM_OWNER", do_fork_from_owner, STEP_OURS },
	{ "SET_FEATURE_MASK", do_feature_mask, STEP_OURS },
	{ "SET_QUEUE_PAIRS", do_queue_pairs, STEP_OURS },
	{ "SET_WORKERS", do_workers, STEP_OURS },
	{ "SET_OWNER", do_set_owner, STEP_ONCE },
	{ "GET_FEATURES", do_get_features },
	{ "SET_FEATURES", do_set_features },
	{ "GET_FEATURES_ARRAY", do_features_array, STEP_OURS },
	{ "SET_FEATURES_ARRAY", do_set_features_array, STEP_OURS },
	{ "SET_BACKEND_FEATURES", do_backend_features },
	{ "GET_INFO", do_get_info, STEP_OURS },
	{ "SET_MEM_TABLE", do_mem_table },
	{ "SET_LOG_BASE", do_log_base },
	{ "SET_LOG_FD", do_log_fd },
	{ "SET_VRING_NUM", do_num },
	{ "SET_VRING_BASE", do_base },
	{ "SET_VRING_ADDR", do_addr },
	{ "SET_VRING_KICK", do_kick },
	{ "SET_VRING_CALL", do_call },
	{ "SET_VRING_ERR", do_err },
	{ "SET_VRING_BUSYLOOP_TIMEOUT", do_busyloop },
	{ "IOTLB update: rings", do_iotlb_rings, STEP_IOTLB | STEP_EINVAL },
	{ "IOTLB update: memory", do_iotlb_memory, STEP_IOTLB | STEP_EINVAL },
	{ "NET_SET_BACKEND: RX", do_start_rx },
	{ "NET_SET_BACKEND: TX", do_start_tx },
	{ "traffic", do_traffic, STEP_PEER },
	{ "NEW_WORKER", do_new_worker, STEP_OURS },
	{ "ATTACH_VRING_WORKER, running", do_attach, STEP_OURS },
	{ "traffic, other worker", do_traffic, STEP_OURS | STEP_PEER },
	{ "ATTACH_VRING_WORKER, back, running", do_attach_back, STEP_OURS },
	{ "NEW_WORKER and FREE_WORKER, running", do_new_and_free, STEP_OURS },
	{ "GET_VRING_THREAD", do_get_thread, STEP_OURS },
	{ "netlink: dump of devices", nl_dump_devices, STEP_NL },
	{ "netlink: dump of queues", nl_dump_queues, STEP_NL },
	{ "netlink: dump of workers", nl_dump_workers, STEP_NL },
	{ "netlink: device, queue and worker get", nl_get, STEP_NL },
	{ "netlink: queue-set latency, busyloop", nl_latency_on, STEP_NL },
	{ "netlink: device-set adaptive", nl_device_set, STEP_NL },
	{ "traffic, measured and polled", do_traffic, STEP_OURS | STEP_PEER },
	{ "netlink: queue-set, latency off", nl_latency_off, STEP_NL },
	{ "SET_MEM_TABLE, running", do_mem_table },
	{ "SET_FEATURES with LOG_ALL, running", do_log_on },
	/* SET_FEATURES created a new, empty IOTLB. */
	{ "IOTLB update: rings, after SET_FEATURES", do_iotlb_rings,
	  STEP_IOTLB | STEP_EINVAL },
	{ "IOTLB update: memory, after SET_FEATURES", do_iotlb_memory,
	  STEP_IOTLB | STEP_EINVAL },
	{ "SET_LOG_BASE, running", do_log_base },
	{ "SET_VRING_ADDR with log, running", do_log_addr },
	{ "traffic, logged", do_traffic, STEP_PEER },
	{ "IOTLB invalidate, running", do_iotlb_invalidate, STEP_IOTLB | STEP_EINVAL },
	{ "IOTLB poll", do_iotlb_poll, STEP_IOTLB },
	{ "IOTLB miss read", do_iotlb_read, STEP_IOTLB },
	{ "IOTLB update: rings, running", do_iotlb_rings, STEP_IOTLB | STEP_EINVAL },
	{ "IOTLB update: memory, running", do_iotlb_memory, STEP_IOTLB | STEP_EINVAL },
	{ "SET_VRING_KICK, other, running", do_other_kick },
	{ "SET_VRING_KICK, back, running", do_kick },
	{ "SET_VRING_CALL -1, running", do_no_call },
	{ "SET_VRING_CALL, running", do_call },
	{ "NET_SET_BACKEND: another tap", do_other_tap },
	{ "traffic, other tap", do_other_traffic, STEP_PEER },
	{ "NET_SET_BACKEND: -1", do_stop },
	{ "GET_VRING_BASE", do_get_base },
	{ "SET_FEATURES: IOTLB on a stopped device", do_set_features, STEP_IOTLB },
	{ "RESET_OWNER", do_reset_owner },
	{ "close", do_close, STEP_LAST },
};

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
const unsigned int nr_steps = ARRAY_SIZE(steps);

/* The number of steps until packets pass for the first time. */
unsigned int steps_to_traffic(void)
{
	unsigned int i = 0;

	while (!(steps[i].flags & STEP_PEER))
		i++;
	return i;
}

/* ---- set-up and traffic ---- */

int life_begin(struct life *l, const struct tap *taps, bool iotlb)
{
	struct guest_cfg cfg = {
		.features = FEATURES, .regions = REGIONS, .layout = LAYOUT_FLAT,
		.mem_len = 1 << 20,
	};
	int i, err;

	*l = (struct life){ .tap = taps, .iotlb = iotlb };
	l->g = (struct guest){
		.vhost = -1, .memfd = -1, .features = cfg.features,
		.hdr_len = 12,
	};
	err = guest_is_ours() ? nl_begin(l) : 0;
	if (err)
		return err;
	err = guest_mem_init(&l->g, &cfg);
	for (i = 0; !err && i < 2; i++)
		err = vq_init_at(&l->g.vq[i], i, NUM, cfg.features,
				 l->g.mem + ring_at(l, i));
	if (err)
		return err;
	for (i = 0; i < 3; i++)
		l->spare[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	l->log = mmap(NULL, LOG_BYTES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (l->log == MAP_FAILED || l->spare[2] < 0)
		return -errno;
	/* A UML debug kernel cannot fault pages in during writes to the log. */
	memset(l->log + (guest_gpa(&l->g, 0) >> 15), 0, l->g.mem_len >> 15);
	return 0;
}

void life_end(struct life *l)
{
	int i;

	guest_free(&l->g);
	nl_end(l);
	for (i = 0; i < 3; i++)
		close(l->spare[i]);
	if (l->log)
		munmap(l->log, LOG_BYTES);
}

/* Packets that passed before a fault may still arrive. */
static bool same(const uint8_t *got, ssize_t n, const uint8_t *f, size_t len)
{
	return n == (ssize_t)len && !memcmp(got, f, len);
}

static int to_host(struct life *l, int host, const uint8_t *f, size_t len)
{
	struct vq *q = &l->g.vq[TX];
	uint8_t got[2048];
	ssize_t n;
	int err;

	err = guest_tx(&l->g, NULL, f, len);
	if (err < 0)
		return err;
	vq_kick(q);
	if (vq_wait_used(q, TRAFFIC_MS) != 1) {
		printf("# TX: used %u of %u, call %llu, avail event %u, err %llu\n",
		       vq_used_idx(q), q->avail_idx,
		       (unsigned long long)fd_count(q->call), vq_avail_event(q),
		       (unsigned long long)fd_count(q->err));
		return -EIO;
	}
	if (vq_get_used(q, NULL, NULL) != 1)
		return -EPROTO;
	do {
		n = host_recv(host, got, sizeof(got), TRAFFIC_MS);
	} while (n > 0 && !same(got, n, f, len));
	return n > 0 ? 0 : -ENOMSG;
}

static int to_guest(struct life *l, int host, const uint8_t *f, size_t len)
{
	struct vq *q = &l->g.vq[RX];
	uint8_t got[2048];
	ssize_t n;

	if (!q->avail_idx && guest_rx_post(&l->g, 16, 2048))
		return -ENOBUFS;
	if (host_send(host, f, len) < 0)
		return -EPIPE;
	do {
		n = guest_rx(&l->g, NULL, got, sizeof(got), TRAFFIC_MS);
	} while (n >= 0 && !same(got, n, f, len));
	if (n < 0)
		printf("# RX: used %u, avail %u, avail event %u, err %llu\n",
		       vq_used_idx(q), q->avail_idx, vq_avail_event(q),
		       (unsigned long long)fd_count(q->err));
	return n < 0 ? n : 0;
}

/* Send one packet in each direction. */
int life_traffic(struct life *l, int host)
{
	uint8_t f[200];
	size_t len = frame_raw(f, sizeof(f), ++l->seq);

	return to_host(l, host, f, len) ?: to_guest(l, host, f, len);
}
