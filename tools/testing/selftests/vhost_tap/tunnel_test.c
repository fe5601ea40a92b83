// SPDX-License-Identifier: GPL-2.0
/*
 * Segmentation inside a UDP tunnel (VXLAN): feature bits 65 and 67, with a header of 24
 * bytes. In-tree vhost-net and tun support it since 6.17.
 *
 *   guest A == vhost == tap vtap0 -- br0 -- tap vtap1 == vhost == guest B
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "guest.h"
#include "net.h"

#ifndef TUN_F_UDP_TUNNEL_GSO
#define TUN_F_UDP_TUNNEL_GSO	0x080
#endif
#define GSO_TUNNEL_IPV4		0x20

struct features_array {
	uint64_t count;
	uint64_t f[2];
};

struct tunnel_hdr {
	struct virtio_net_hdr_mrg_rxbuf base;
	uint32_t hash;
	uint16_t hash_report;
	uint16_t padding;
	uint16_t outer_th;
	uint16_t inner_nh;
};

/* Build a VXLAN frame around a TCP packet that needs segmentation. */
static size_t frame_tunnel(uint8_t *f, size_t payload, struct tunnel_hdr *h)
{
	struct virtio_net_hdr inner, outer;
	size_t in_len, len;

	in_len = frame_l4(f + 50, payload, false, IPPROTO_TCP, 1, &inner);
	/* The frame built so far becomes the outer packet's payload. */
	uint8_t *save = malloc(in_len);

	memcpy(save, f + 50, in_len);
	len = frame_l4(f, 8 + in_len, false, IPPROTO_UDP, 2, &outer);
	f[36] = 4789 >> 8;
	f[37] = 4789 & 0xff;
	memset(f + 40, 0, 10);		/* no outer checksum; VXLAN header */
	f[42] = 8;
	memcpy(f + 50, save, in_len);
	free(save);
	*h = (struct tunnel_hdr){
		.base.hdr = {
			.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
			.gso_type = VIRTIO_NET_HDR_GSO_TCPV4 | GSO_TUNNEL_IPV4,
			.gso_size = 1000,
			.hdr_len = 50 + inner.hdr_len,
			.csum_start = 50 + inner.csum_start,
			.csum_offset = inner.csum_offset,
		},
		.outer_th = 34,
		.inner_nh = 64,
	};
	return len;
}

static int tunnel_up(struct guest *g, struct tap *t, const char *name)
{
	struct guest_cfg cfg = { .features = F_QEMU };
	struct features_array w = { .count = 2, .f = { F_QEMU, F_TUNNEL_GSO } };
	int err;

	*t = (struct tap){ .host = -1, .nr = 1 };
	strncpy(t->name, name, sizeof(t->name) - 1);
	t->fd[0] = tap_open(name, IFF_VNET_HDR);
	if (t->fd[0] < 0)
		return t->fd[0];
	err = tap_hdr_len(t->fd[0], 24) ?: link_mtu(name, 9000) ?:
	      link_up(name) ?: run("ip link set %s master br0", name) ?:
	      guest_init(g, &cfg) ?: guest_ioctl(g->vhost, VHOST_SET_FEATURES_ARRAY, &w);
	g->hdr_len = 24;
	/* This comes last, because it depends on the header's length. */
	return err ?: tap_offload(t->fd[0], TUN_F_CSUM | TUN_F_TSO4 |
				  TUN_F_TSO6 | TUN_F_UDP_TUNNEL_GSO) ?:
	       guest_start(g, t->fd[0]) ?: guest_rx_post(g, 100, 1500);
}

/* Packets from one guest through a bridge to the other, with 24-byte headers. */
TEST(udp_tunnel_gso)
{
	uint8_t *f = calloc(1, FRAME_ROOM), *got = calloc(1, FRAME_ROOM);
	struct features_array w = { .count = 2 };
	struct tunnel_hdr h, seen;
	int fd = open(guest_node(), O_RDWR | O_CLOEXEC), i, k;
	struct guest g[2];
	struct tap t[2];
	size_t len;
	ssize_t n;

	if (guest_ioctl(fd, VHOST_GET_FEATURES_ARRAY, &w) || w.f[1] != F_TUNNEL_GSO)
		SKIP(return, "this kernel's tun does not support it");
	close(fd);
	ASSERT_EQ(0, net_ns());
	ASSERT_EQ(0, run("ip link add br0 type bridge && ip link set br0 up"));
	ASSERT_EQ(0, tunnel_up(&g[0], &t[0], "vtap0"));
	ASSERT_EQ(0, tunnel_up(&g[1], &t[1], "vtap1"));
	for (i = 0; i < 10; i++) {
		k = i & 1;
		/* Then in page fragments. */
		if (i == 5 && guest_is_ours())
			ASSERT_EQ(0, guest_set_frags(&g[0], 1) ?:
				     guest_set_frags(&g[1], 1));
		len = frame_tunnel(f, 20000 + i * 100, &h);
		ASSERT_EQ(0, guest_tx_sync(&g[k], (void *)&h, f, len));
		do {
			n = guest_rx(&g[!k], NULL, got, FRAME_ROOM, WAIT_MS);
		} while (n > 0 && n < 10000);
		ASSERT_TRUE(frame_same(got, n, f, len));
		memcpy(&seen, g[!k].rx_hdr, sizeof(seen));
		EXPECT_EQ(h.base.hdr.gso_type, seen.base.hdr.gso_type);
		EXPECT_EQ(h.base.hdr.gso_size, seen.base.hdr.gso_size);
		EXPECT_EQ(h.base.hdr.csum_start, seen.base.hdr.csum_start);
		EXPECT_EQ(h.outer_th, seen.outer_th);
		EXPECT_EQ(h.inner_nh, seen.inner_nh);
		EXPECT_LT(10, seen.base.num_buffers);
		/* A plain packet with the long header. */
		frame_raw(f, 100, i);
		memset(&h, 0, sizeof(h));
		ASSERT_EQ(0, guest_tx_sync(&g[k], (void *)&h, f, 100));
		do {
			n = guest_rx(&g[!k], NULL, got, FRAME_ROOM, WAIT_MS);
		} while (n > 0 && n != 100);
		ASSERT_TRUE(frame_same(got, n, f, 100));
	}
	for (i = 0; i < 2; i++) {
		guest_free(&g[i]);
		tap_free(&t[i]);
	}
	free(f);
	free(got);
}

TEST_HARNESS_MAIN
