// SPDX-License-Identifier: GPL-2.0
/*
 * The tap of a row, and its frames.
 *
 * TX frames end in the host's stack right after the tap, or are forwarded
 * (forward.c). If they end there, their Ethernet type is experimental, or, for GSO, their
 * address belongs to another host. RX frames come from
 * a packet socket without a queueing discipline, which leaves two bytes of headroom, as
 * UDP and pktgen do. Or they come from a second tap over a bridge, with headroom of 64
 * bytes or more, as TCP and forwarded packets have. A tap with several queues selects
 * the queue by a frame's first byte after the Ethernet header.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "testbed.h"
#include "net.h"

#define QUEUE_LEN	2048	/* tap queue length: all packets of one round */
#define QUEUE_AT	14	/* the byte of a frame that selects the queue */

static void make_frame(struct testbed *tb)
{
	static const uint8_t guest[6] = { 2, 0, 0, 0, 0, 1 };
	static const uint8_t absent[6] = { 2, 0, 0, 0, 0, 99 };
	const struct bench_row *row = tb->row;
	struct virtio_net_hdr *h;
	uint8_t *f;

	tb->frame_len = TESTBED_HDR_LEN + row->len;
	tb->frame = calloc(1, tb->frame_len);
	f = tb->frame + TESTBED_HDR_LEN;
	if (!row->gso) {
		frame_raw_to(f, row->len, 0, absent, guest);
		return;
	}
	h = (void *)tb->frame;
	if (row->gso == GSO_UDP) {
		frame_l4(f, row->len - 42, false, IPPROTO_UDP, 0, h);
		h->gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
	} else {
		frame_l4(f, row->len - 54, false, IPPROTO_TCP, 0, h);
		h->gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
	}
	memcpy(f, absent, sizeof(absent));
	h->gso_size = 1448;
}

static int attach_steering(int tap)
{
	struct bpf_insn prog[] = {
		{ BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0 },
		{ BPF_LD | BPF_ABS | BPF_B, 0, 0, 0, QUEUE_AT },
		{ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insns = (uintptr_t)prog,
		.insn_cnt = sizeof(prog) / sizeof(*prog),
		.license = (uintptr_t)"GPL",
	};
	int fd, err;

	fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd < 0)
		return -errno;
	err = ioctl(tap, TUNSETSTEERINGEBPF, &fd) ? -errno : 0;
	close(fd);
	return err;
}

static int open_queues(struct testbed *tb, const char *name)
{
	unsigned int offload = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
	unsigned int flags = IFF_VNET_HDR, i;

	/* Linux 6.1 has no segmentation of UDP. */
	if (tb->row->gso == GSO_UDP)
		offload |= TUN_F_USO4 | TUN_F_USO6;
	if (tb->row->pairs)
		flags |= IFF_MULTI_QUEUE;
	for (i = 0; i < tb->nr_pairs; i++) {
		int fd = tap_open(name, flags);

		if (fd < 0)
			return fd;
		tb->pair[i].tap = fd;
		if (tap_hdr_len(fd, TESTBED_HDR_LEN) || tap_offload(fd, offload))
			return tb->row->gso == GSO_UDP ? -EOPNOTSUPP : -errno;
	}
	return tb->row->pairs ? attach_steering(tb->pair[0].tap) : 0;
}

static int packet_socket(const char *name)
{
	struct sockaddr_ll sll = {
		.sll_family = AF_PACKET,
		.sll_protocol = 0,	/* receive nothing */
		.sll_ifindex = if_nametoindex(name),
	};
	int on = 1, size = 1 << 29, err;
	int s = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (s < 0)
		return -errno;
	if (!bind(s, (void *)&sll, sizeof(sll)) &&
	    !setsockopt(s, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) &&
	    !setsockopt(s, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) &&
	    !setsockopt(s, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		return s;
	err = -errno;
	close(s);
	return err;
}

/* Disable multicast: a bridge reports the groups it joins into our queue. */
static int disable_multicast_reports(void)
{
	int fd = open("/proc/sys/net/ipv4/igmp_link_local_mcast_reports",
		      O_WRONLY | O_CLOEXEC);
	int err = fd < 0 || write(fd, "0", 1) != 1 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

/* Create a bridge with two ports, which exist. */
int bridge_ports(int s, const char *a, const char *b)
{
	struct ifreq ifr = { .ifr_name = "bench-br" };
	int err = disable_multicast_reports();

	if (err)
		return err;
	if (ioctl(s, SIOCBRADDBR, ifr.ifr_name))
		return -errno;
	ifr.ifr_ifindex = if_nametoindex(a);
	if (ioctl(s, SIOCBRADDIF, &ifr))
		return -errno;
	ifr.ifr_ifindex = if_nametoindex(b);
	if (ioctl(s, SIOCBRADDIF, &ifr))
		return -errno;
	return link_up("bench-br");
}

/* Create the second tap on one bridge with @name. Return: its fd, or -errno */
static int bridged_tap(int s, const char *name)
{
	const char *const other = "bench1";
	int fd, err;

	fd = tap_open(other, IFF_VNET_HDR);
	if (fd < 0)
		return fd;
	err = tap_hdr_len(fd, TESTBED_HDR_LEN) ?: bridge_ports(s, name, other) ?:
	      link_up(other);
	if (err)
		close(fd);
	return err ?: fd;
}

int testbed_tap_init(struct testbed *tb)
{
	struct ifreq ifr = { .ifr_name = "bench0", .ifr_qlen = QUEUE_LEN };
	int err, s;

	make_frame(tb);
	err = open_queues(tb, ifr.ifr_name);
	if (err)
		return err;
	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	err = ioctl(s, SIOCSIFTXQLEN, &ifr) ? -errno : 0;
	if (!err && link_up(ifr.ifr_name))
		err = -ENETDOWN;
	if (!err)
		err = forward_init(tb, s, ifr.ifr_name);
	if (!err && tb->row->rx) {
		tb->host = tb->row->bridged ? bridged_tap(s, ifr.ifr_name) :
						packet_socket(ifr.ifr_name);
		err = tb->host < 0 ? tb->host : 0;
	}
	close(s);
	return err;
}

static int send_over_bridge(struct testbed *tb)
{
	unsigned int i;

	for (i = 0; i < tb->nr_packets; i++)
		if (write(tb->host, tb->frame, tb->frame_len) !=
		    (ssize_t)tb->frame_len)
			return -errno;
	return 0;
}

/* RX: put the packets of a round into each of the tap's queues. */
int testbed_send_rx(struct testbed *tb)
{
	/* A packet socket uses the header of 10 bytes. */
	struct iovec iov[2] = {
		{ tb->frame, sizeof(struct virtio_net_hdr) },
		{ tb->frame + TESTBED_HDR_LEN, tb->row->len },
	};
	struct mmsghdr msg[64];
	unsigned int i, n, queue;
	int ret;

	if (tb->row->bridged)
		return send_over_bridge(tb);
	for (i = 0; i < 64; i++)
		msg[i] = (struct mmsghdr){
			.msg_hdr = { .msg_iov = iov, .msg_iovlen = 2 },
		};
	for (queue = 0; queue < tb->nr_pairs; queue++) {
		if (tb->row->pairs)
			tb->frame[TESTBED_HDR_LEN + QUEUE_AT] = queue;
		for (i = 0; i < tb->nr_packets; i += ret) {
			n = tb->nr_packets - i;
			ret = sendmmsg(tb->host, msg, n < 64 ? n : 64, 0);
			if (ret <= 0)
				return -errno;
		}
	}
	return 0;
}
