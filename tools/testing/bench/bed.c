// SPDX-License-Identifier: GPL-2.0
/*
 * The guest, its memory and the tap of one row.
 *
 * Read before: bed.h. Read next: pktcost.c.
 *
 * TX frames end in the host's stack right after the tap: their Ethernet type
 * is one for experiments, or, for GSO, their address is somebody else's. RX
 * frames come from a packet socket past the queueing discipline.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bed.h"
#include "net.h"

#define PAGE		4096UL
#define QUEUE_LEN	2048	/* of the tap: all that one round sends */
/* Behind the regions' addresses there may be holes of 1 GiB each. */
#define LOG_BYTES	((0x100000000ULL + 512 * 0x41000000ULL) / PAGE / 8)
/* Guest address that the used rings' writes are logged under. */
#define LOG_RING_GPA	0x10000000ULL

static size_t up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

uint64_t bed_features(const struct row *row)
{
	return F_VERSION_1 | F_INDIRECT |
	       (row->mrg ? F_MRG_RXBUF : 0) |
	       (row->eidx ? F_EVENT_IDX : 0) |
	       (row->in_order ? F_IN_ORDER : 0) |
	       (row->log ? F_LOG_ALL : 0) |
	       (row->iotlb ? F_ACCESS_PLATFORM : 0);
}

/* ---- frames ---- */

static void make_frame(struct bed *bed)
{
	struct virtio_net_hdr_mrg_rxbuf *h;
	const struct row *row = bed->row;
	uint8_t *f;

	bed->frame_len = BED_HDR + row->len;
	bed->frame = calloc(1, bed->frame_len);
	f = bed->frame + BED_HDR;
	memcpy(f, "\x02\x00\x00\x00\x00\x63\x02\x00\x00\x00\x00\x01\x88\xb5", 14);
	if (!row->gso)
		return;

	h = (void *)bed->frame;
	h->hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	h->hdr.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
	h->hdr.hdr_len = 54;
	h->hdr.gso_size = 1448;
	h->hdr.csum_start = 34;
	h->hdr.csum_offset = 16;
	f[12] = 0x08;
	f[13] = 0x00;
	f += 14;
	f[0] = 0x45;			/* IPv4 */
	f[2] = (row->len - 14) >> 8;
	f[3] = row->len - 14;
	f[8] = 64;
	f[9] = 6;			/* TCP */
	memcpy(f + 12, "\x0a\x00\x00\x01\x0a\x00\x00\x02", 8);
	f[20 + 12] = 5 << 4;
	f[20 + 13] = 0x10;
}

/* ---- the tap ---- */

static int tap_init(struct bed *bed)
{
	struct ifreq ifr = { .ifr_name = "bench0", .ifr_qlen = QUEUE_LEN };
	struct sockaddr_ll sll = {
		.sll_family = AF_PACKET,
		.sll_protocol = 0,	/* nothing comes back */
	};
	int on = 1, size = 1 << 29, s;

	bed->tap = tap_open(ifr.ifr_name, IFF_VNET_HDR);
	if (bed->tap < 0)
		return bed->tap;
	s = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (s < 0 || tap_hdr_len(bed->tap, BED_HDR) ||
	    tap_offload(bed->tap, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) ||
	    ioctl(s, SIOCSIFTXQLEN, &ifr))
		return -errno;
	if (link_up(ifr.ifr_name))
		return -ENETDOWN;
	bed->host = s;
	if (!bed->row->rx)
		return 0;
	sll.sll_ifindex = if_nametoindex(ifr.ifr_name);
	if (bind(s, (void *)&sll, sizeof(sll)) ||
	    setsockopt(s, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) ||
	    setsockopt(s, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) ||
	    setsockopt(s, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		return -errno;
	return 0;
}

/* ---- dirty log and IOTLB ---- */

static int log_init(struct bed *bed)
{
	struct guest *g = &bed->g;
	struct vhost_vring_addr a = {};
	uint64_t base;
	int i, err;

	bed->log = mmap(NULL, LOG_BYTES, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (bed->log == MAP_FAILED)
		return -errno;
	base = (uintptr_t)bed->log;
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

static int iotlb_map(struct bed *bed, uint64_t iova, const void *at,
		     size_t len)
{
	size_t step = bed->row->iotlb == IOTLB_4K ? PAGE : len;
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
		if (write(bed->g.vhost, &msg, sizeof(msg)) != sizeof(msg))
			return -errno;
	}
	return 0;
}

/* Everything is mapped from the start: the steady state, no misses. */
static int iotlb_init(struct bed *bed)
{
	uint64_t bits = 1 << VHOST_BACKEND_F_IOTLB_MSG_V2;
	uint64_t features = bed_features(bed->row);
	struct guest *g = &bed->g;
	uintptr_t begin, end;
	int i, err;

	err = guest_ioctl(g->vhost, VHOST_SET_FEATURES, &features) ?:
	      guest_ioctl(g->vhost, VHOST_SET_BACKEND_FEATURES, &bits);
	/* in-tree forgets the rings' addresses when the IOTLB comes */
	for (i = 0; !err && !bed->row->log && i < 2; i++)
		err = guest_set_addr(g, i);
	for (i = 0; !err && i < 2; i++) {
		/* the rings' addresses are their own IOVA */
		begin = (uintptr_t)g->vq[i].desc & ~(PAGE - 1);
		end = up((uintptr_t)&g->vq[i].used->ring[g->vq[i].num] + 2, PAGE);
		err = iotlb_map(bed, begin, (void *)begin, end - begin);
	}
	return err ?: iotlb_map(bed, guest_gpa(g, 0), g->mem, g->mem_len);
}

/* ---- the guest ---- */

/* Places go round the regions, and do not all start at the same cache set. */
static uint64_t next_slot(struct bed *bed)
{
	unsigned int i = bed->slot++ % bed->nr_slots;
	unsigned int regions = bed->row->regions;

	return guest_gpa(&bed->g, i % regions * bed->g.chunk_len +
				  i / regions * bed->stride);
}

/* How many packets the next round is; at most @most. */
void bed_round(struct bed *bed, unsigned int nr_packets)
{
	bed->nr_packets = nr_packets;
	bed->nr_chains = nr_packets * bed->per_packet;
}

/* What a round is at most, and where its packets are. */
static void shape(struct bed *bed)
{
	const struct row *row = bed->row;
	size_t bytes = row->rx ? row->buf : bed->frame_len;
	unsigned int most;

	bed->per_packet = 1;
	if (row->rx && row->mrg)
		bed->per_packet = (bed->frame_len + bytes - 1) / bytes;
	most = row->ring / (row->indirect ? 1 : row->chain) / bed->per_packet;
	bed->most = row->burst && row->burst < most ? row->burst : most;
	bed_round(bed, bed->most);
	bed->nr_slots = bed->most == 1 ? most : bed->nr_chains;
	bed->in_slot = row->indirect ? up(row->chain * 16, 64) : 0;
	/* 704 is what an skb of a guest's driver takes at least */
	bed->stride = up(bed->in_slot + bytes, 64) + 64;
	if (bed->stride < 704)
		bed->stride = 704;
}

static void make_circle(struct vq *q)
{
	unsigned int i;

	for (i = 0; i < q->num; i++)
		q->next[i] = (i + 1) % q->num;
}

static int guest_setup(struct bed *bed)
{
	const struct row *row = bed->row;
	size_t chunk = up((bed->nr_slots + row->regions - 1) / row->regions *
			  bed->stride, PAGE);
	struct guest_cfg cfg = {
		/* guest.c would scatter the pages behind an IOTLB */
		.features = bed_features(row) & ~F_ACCESS_PLATFORM,
		.num = { row->ring, row->ring },
		.regions = row->regions,
		.layout = row->regions > 1 ? LAYOUT_HOLES : LAYOUT_FLAT,
		.mem_len = chunk * row->regions,
	};
	unsigned int i;
	int err;

	err = guest_init(&bed->g, &cfg);
	if (err)
		return err;
	make_circle(&bed->g.vq[RX]);
	make_circle(&bed->g.vq[TX]);
	memset(bed->g.mem, 0, bed->g.mem_len);
	for (i = 0; !err && !row->rx && i < bed->nr_slots; i++)
		err = guest_write(&bed->g, next_slot(bed) + bed->in_slot,
				  bed->frame, bed->frame_len);
	if (!err && row->iotlb)
		err = iotlb_init(bed);
	if (!err && row->log)
		err = log_init(bed);
	return err ?: guest_start(&bed->g, bed->tap);
}

/* Return: 0 or -errno; -EOPNOTSUPP when the node does not offer the features */
int bed_init(struct bed *bed, const struct row *row)
{
	uint64_t offered = 0;
	int fd, err;

	*bed = (struct bed){ .row = row, .tap = -1, .host = -1 };
	fd = open(guest_node(), O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = guest_ioctl(fd, VHOST_GET_FEATURES, &offered);
	close(fd);
	if (!err && bed_features(row) & ~offered)
		err = -EOPNOTSUPP;
	if (err)
		return err;
	make_frame(bed);
	shape(bed);
	return tap_init(bed) ?: guest_setup(bed);
}

/* The pieces of a chain: a header of its own, then equal parts. */
static unsigned int cut(const struct bed *bed, uint64_t gpa, struct seg *seg)
{
	const struct row *row = bed->row;
	size_t left = row->rx ? row->buf : bed->frame_len;
	size_t part = left;
	unsigned int i;

	if (row->chain > 1)
		part = (left - BED_HDR + row->chain - 2) / (row->chain - 1);
	for (i = 0; i < row->chain && left; i++) {
		seg[i].gpa = gpa;
		seg[i].len = row->chain > 1 && !i ? BED_HDR :
			     left < part ? left : part;
		seg[i].is_write = row->rx;
		gpa += seg[i].len;
		left -= seg[i].len;
	}
	return i;
}

/* Put a round's chains into the ring; they are not visible yet. */
int bed_post(struct bed *bed)
{
	struct vq *q = &bed->g.vq[bed->row->rx ? RX : TX];
	struct seg seg[64];
	unsigned int i, nr;
	uint64_t gpa;
	int head;

	for (i = 0; i < bed->nr_chains; i++) {
		gpa = next_slot(bed);
		nr = cut(bed, gpa + bed->in_slot, seg);
		if (bed->row->indirect)
			head = vq_add_indirect(&bed->g, q, seg, nr, gpa, gpa);
		else
			head = vq_add(q, seg, nr, gpa);
		if (head < 0)
			return head;
	}
	return 0;
}

/* RX: put a round's packets into the tap's queue. */
int bed_feed(struct bed *bed)
{
	/* a packet socket's header is the one of 10 bytes */
	struct iovec iov[2] = {
		{ bed->frame, sizeof(struct virtio_net_hdr) },
		{ bed->frame + BED_HDR, bed->row->len },
	};
	struct mmsghdr msg[64];
	unsigned int i, n;
	int ret;

	for (i = 0; i < 64; i++)
		msg[i] = (struct mmsghdr){
			.msg_hdr = { .msg_iov = iov, .msg_iovlen = 2 },
		};
	for (i = 0; i < bed->nr_packets; i += ret) {
		n = bed->nr_packets - i;
		ret = sendmmsg(bed->host, msg, n < 64 ? n : 64, 0);
		if (ret <= 0)
			return -errno;
	}
	return 0;
}

/*
 * All of a round is used: check a sample, take everything back. Descriptors are
 * used in a circle, which is what VIRTIO_F_IN_ORDER asks for.
 */
int bed_reap(struct bed *bed)
{
	struct vq *q = &bed->g.vq[bed->row->rx ? RX : TX];
	struct vring_used_elem e = q->used->ring[q->used_idx % q->num];
	uint32_t want = bed->row->rx ? bed->frame_len : 0;

	if (bed->row->rx && bed->nr_chains > bed->nr_packets)
		want = bed->row->buf;
	if (!bed->row->in_order && (e.id >= q->num || (want && e.len != want)))
		return -EPROTO;
	q->used_idx += bed->nr_chains;
	q->nr_free = q->num;
	return 0;
}

void bed_free(struct bed *bed)
{
	guest_free(&bed->g);
	if (bed->tap >= 0)
		close(bed->tap);
	if (bed->host >= 0)
		close(bed->host);
	free(bed->frame);
	if (bed->log)
		munmap(bed->log, LOG_BYTES);
}
