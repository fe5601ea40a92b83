// SPDX-License-Identifier: GPL-2.0
/*
 * The guest of one row: its memory, its rings, and their contents.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "testbed.h"

#define PAGE		4096UL
/* Up to 1 GiB of hole may follow each region. */
#define LOG_BYTES	((0x100000000ULL + 512 * 0x41000000ULL) / PAGE / 8)
/* Guest address for logging the writes to the used rings. */
#define LOG_RING_GPA	0x10000000ULL

static size_t up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

uint64_t testbed_features(const struct bench_row *row)
{
	return F_VERSION_1 | F_INDIRECT |
	       (row->mrg ? F_MRG_RXBUF : 0) |
	       (row->eidx ? F_EVENT_IDX : 0) |
	       (row->in_order ? F_IN_ORDER : 0) |
	       (row->packed ? F_PACKED : 0) |
	       (row->log ? F_LOG_ALL : 0) |
	       (row->iotlb ? F_ACCESS_PLATFORM : 0);
}

/* ---- dirty log and IOTLB ---- */

static int log_init(struct testbed *tb, struct guest *g)
{
	struct vhost_vring_addr a = {};
	uint64_t base;
	int i, err;

	if (!tb->log)
		tb->log = mmap(NULL, LOG_BYTES, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			       -1, 0);
	if (tb->log == MAP_FAILED)
		return -errno;
	base = (uintptr_t)tb->log;
	err = guest_ioctl(g->vhost, VHOST_SET_LOG_BASE, &base);
	for (i = 0; !err && i < 2; i++) {
		a.index = i;
		a.flags = 1 << VHOST_VRING_F_LOG;
		a.desc_user_addr = (uintptr_t)g->vq[i].desc;
		a.avail_user_addr = (uintptr_t)g->vq[i].avail;
		a.used_user_addr = (uintptr_t)g->vq[i].used;
		a.log_guest_addr = LOG_RING_GPA * (1 + i);
		err = guest_ioctl(g->vhost, VHOST_SET_VRING_ADDR, &a);
	}
	return err;
}

static int iotlb_map(int vhost, uint64_t iova, const void *at, size_t len,
		     size_t step)
{
	struct vhost_msg_v2 msg = {
		.type = VHOST_IOTLB_MSG_V2,
		.iotlb = {
			.perm = VHOST_ACCESS_RW,
			.type = VHOST_IOTLB_UPDATE,
		},
	};
	size_t done;

	for (done = 0; done < len; done += step) {
		msg.iotlb.iova = iova + done;
		msg.iotlb.uaddr = (uintptr_t)at + done;
		msg.iotlb.size = step;
		if (write(vhost, &msg, sizeof(msg)) != sizeof(msg))
			return -errno;
	}
	return 0;
}

/* Map everything at the start, to measure the steady state without misses. */
static int iotlb_init(struct testbed *tb, struct guest *g)
{
	uint64_t bits = 1 << VHOST_BACKEND_F_IOTLB_MSG_V2;
	uint64_t features = testbed_features(tb->row);
	bool in_pages = tb->row->iotlb == IOTLB_4K;
	uintptr_t begin, end;
	int i, err;

	err = guest_ioctl(g->vhost, VHOST_SET_FEATURES, &features) ?:
	      guest_ioctl(g->vhost, VHOST_SET_BACKEND_FEATURES, &bits);
	/* In-tree loses the rings' addresses when the IOTLB is set up. */
	for (i = 0; !err && !tb->row->log && i < 2; i++)
		err = guest_set_addr(g, i);
	for (i = 0; !err && i < 2; i++) {
		/* IOVAs of the rings equal their addresses. */
		begin = (uintptr_t)g->vq[i].desc & ~(PAGE - 1);
		end = up((uintptr_t)&g->vq[i].used->ring[g->vq[i].num] + 2, PAGE);
		err = iotlb_map(g->vhost, begin, (void *)begin, end - begin,
				in_pages ? PAGE : end - begin);
	}
	return err ?: iotlb_map(g->vhost, guest_gpa(g, 0), g->mem, g->mem_len,
				in_pages ? PAGE : g->mem_len);
}

/* ---- the guest ---- */

/* Use the parts in turn, and start at different cache sets. */
static uint64_t next_slot(const struct testbed *tb, struct testbed_pair *p)
{
	unsigned int i = p->slot++ % tb->nr_slots;

	return guest_gpa(&p->g, i % tb->nr_parts * tb->part_len +
				i / tb->nr_parts * tb->stride);
}

struct vq *testbed_vq(struct testbed *tb, unsigned int pair)
{
	return &tb->pair[pair].g.vq[tb->row->rx ? RX : TX];
}

/* Set the number of packets of the next round, at most @most. */
void testbed_round(struct testbed *tb, unsigned int nr_packets)
{
	tb->nr_packets = nr_packets;
	tb->nr_chains = nr_packets * tb->per_packet;
}

/* Compute the maximum of a round and the positions of its packets. */
static void shape(struct testbed *tb)
{
	const struct bench_row *row = tb->row;
	size_t bytes = row->rx ? row->buf : tb->frame_len;
	unsigned int most;

	tb->per_packet = 1;
	if (row->rx && row->mrg)
		tb->per_packet = (tb->frame_len + bytes - 1) / bytes;
	most = row->ring / (row->indirect ? 1 : row->chain) / tb->per_packet;
	tb->most = row->burst && row->burst < most ? row->burst : most;
	testbed_round(tb, tb->most);
	tb->nr_slots = tb->most == 1 || row->mode == MODE_STREAM ?
			most : tb->nr_chains;
	tb->in_slot = row->indirect ? up(row->chain * 16, 64) : 0;
	/* An skb of a guest's driver takes at least 704 bytes. */
	tb->stride = up(tb->in_slot + bytes, 64) + 64;
	if (tb->stride < 704)
		tb->stride = 704;
	if (row->adjacent)
		tb->stride = tb->in_slot + bytes;
	tb->nr_parts = row->spread ?: row->regions;
	tb->part_len = up((tb->nr_slots + tb->nr_parts - 1) / tb->nr_parts *
			   tb->stride, PAGE);
}

/* In-tree has no such setting, and runs the row without it. */
static int frags_init(struct guest *g)
{
	int err = guest_is_ours() ? guest_set_frags(g, 1) : 0;

	return err == -ENOTTY ? -EOPNOTSUPP : err;
}

static int pair_setup(struct testbed *tb, struct testbed_pair *p)
{
	const struct bench_row *row = tb->row;
	struct guest_cfg cfg = {
		/* With an IOTLB guest.c would scatter the pages. */
		.features = testbed_features(row) & ~F_ACCESS_PLATFORM,
		.num = { row->ring, row->ring },
		.regions = row->regions,
		.layout = row->regions > 1 ? LAYOUT_HOLES : LAYOUT_FLAT,
		.mem_len = tb->part_len * tb->nr_parts,
	};
	struct guest *g = &p->g;
	unsigned int i;
	int err;

	err = guest_init(g, &cfg);
	if (err)
		return err;
	memset(g->mem, 0, g->mem_len);
	for (i = 0; !err && !row->rx && i < tb->nr_slots; i++)
		err = guest_write(g, next_slot(tb, p) + tb->in_slot,
				  tb->frame, tb->frame_len);
	for (i = 0; !err && row->poll_us && i < 2; i++)
		err = guest_vring_state(g->vhost, VHOST_SET_VRING_BUSYLOOP_TIMEOUT,
					i, row->poll_us);
	if (!err && row->frags)
		err = frags_init(g);
	if (!err && row->iotlb)
		err = iotlb_init(tb, g);
	if (!err && row->log)
		err = log_init(tb, g);
	return err ?: guest_start(g, p->tap);
}

/* Return: 0, or -EOPNOTSUPP if the node does not offer the features */
static int is_offered(uint64_t features)
{
	uint64_t offered;
	int fd;

	fd = open(guest_node(), O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	offered = guest_offered(fd);
	close(fd);
	return features & ~offered ? -EOPNOTSUPP : 0;
}

/* Return: 0 or -errno; -EOPNOTSUPP if the node does not support the row */
int testbed_init(struct testbed *tb, const struct bench_row *row)
{
	bool has_rings = !baseline_is_node(guest_node());
	unsigned int i;
	int err;

	*tb = (struct testbed){
		.row = row, .nr_pairs = row->pairs ?: 1, .baseline = -1,
		.host = -1, .sink = -1,
	};
	if (tb->nr_pairs > TESTBED_MAX_PAIRS)
		return -EINVAL;
	for (i = 0; i < TESTBED_MAX_PAIRS; i++)
		tb->pair[i] = (struct testbed_pair){
			.tap = -1, .g = { .vhost = -1, .memfd = -1 },
		};
	if (has_rings)
		err = is_offered(testbed_features(row));
	else
		err = row->baseline ? 0 : -EOPNOTSUPP;
	err = err ?: testbed_tap_init(tb);
	if (err)
		return err;
	shape(tb);
	if (!has_rings)
		return baseline_init(tb);
	for (i = 0; !err && i < tb->nr_pairs; i++)
		err = pair_setup(tb, &tb->pair[i]);
	if (!err && row->nr_idle)
		err = many_prepare(&tb->idle, row) ?: many_start(&tb->idle);
	return err;
}

/* Compute the pieces of a chain: a separate header, then equal parts. */
static unsigned int cut(const struct testbed *tb, uint64_t gpa, struct seg *seg)
{
	const struct bench_row *row = tb->row;
	size_t left = row->rx ? row->buf : tb->frame_len;
	size_t part = left;
	unsigned int i;

	if (row->chain > 1)
		part = (left - TESTBED_HDR_LEN + row->chain - 2) / (row->chain - 1);
	for (i = 0; i < row->chain && left; i++) {
		seg[i].gpa = gpa;
		seg[i].len = row->chain > 1 && !i ? TESTBED_HDR_LEN :
			     left < part ? left : part;
		seg[i].is_write = row->rx;
		gpa += seg[i].len;
		left -= seg[i].len;
	}
	return i;
}

/* Put chains into the ring of a pair without publishing them. */
int testbed_post(struct testbed *tb, unsigned int pair, unsigned int nr_chains)
{
	struct testbed_pair *p = &tb->pair[pair];
	struct vq *q = testbed_vq(tb, pair);
	struct seg seg[64];
	unsigned int i, nr;
	uint64_t gpa;
	int head;

	for (i = 0; i < nr_chains; i++) {
		gpa = next_slot(tb, p);
		nr = cut(tb, gpa + tb->in_slot, seg);
		if (tb->row->indirect)
			head = vq_add_indirect(&p->g, q, seg, nr, gpa, gpa);
		else
			head = vq_add(q, seg, nr, gpa);
		if (head < 0)
			return head;
	}
	return 0;
}

/*
 * A whole round is used: check a sample and take all chains back. Descriptors are used
 * in the order of the table, as VIRTIO_F_IN_ORDER requires.
 */
int testbed_reap(struct testbed *tb)
{
	uint32_t want = tb->row->rx ? tb->frame_len : 0;
	struct drv_used_elem e;
	unsigned int i, k;
	struct vq *q;

	if (tb->row->rx && tb->nr_chains > tb->nr_packets)
		want = tb->row->buf;
	for (i = 0; i < tb->nr_pairs; i++) {
		q = testbed_vq(tb, i);
		/* The last buffer of a packet may not be full. */
		for (k = 0; q->packed && k < tb->nr_chains; k++)
			if (vq_get_used(q, &e.len, NULL) != 1 ||
			    (want && e.len != want &&
			     (k + 1) % tb->per_packet))
				return -EPROTO;
		if (q->packed)
			continue;
		e = q->used->ring[q->used_idx % q->num];
		if (!tb->row->in_order &&
		    (e.id >= q->num || (want && e.len != want)))
			return -EPROTO;
		q->used_idx += tb->nr_chains;
		q->nr_free = q->num;
	}
	return 0;
}

/* Take back all used chains of a split ring. Return: their number */
unsigned int testbed_take_used(struct testbed *tb, struct vq *q)
{
	uint16_t nr = vq_used_idx(q) - q->used_idx;

	q->used_idx += nr;
	q->nr_free += nr * (tb->row->indirect ? 1 : tb->row->chain);
	return nr;
}

void testbed_free(struct testbed *tb)
{
	unsigned int i;

	for (i = 0; i < tb->nr_pairs; i++) {
		guest_free(&tb->pair[i].g);
		if (tb->pair[i].tap >= 0)
			close(tb->pair[i].tap);
	}
	if (tb->host >= 0)
		close(tb->host);
	if (tb->sink >= 0)
		close(tb->sink);
	if (tb->baseline >= 0)
		close(tb->baseline);
	free(tb->frame);
	if (tb->log)
		munmap(tb->log, LOG_BYTES);
}
