// SPDX-License-Identifier: GPL-2.0
/*
 * The backends of a queue pair: multi-queue taps, taps with a small send buffer,
 * macvtap in its four modes, ipvtap, packet sockets.
 *
 *   guest A == vhost == macvtap A --.
 *                                    veth0 ===== veth1 -- AF_PACKET socket
 *   guest B == vhost == macvtap B --'
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "kselftest_harness.h"
#include "genl.h"
#include "guest.h"
#include "net.h"
#include "traffic.h"

static const struct guest_cfg qemu = { .features = F_QEMU };

static int guest_up(struct guest *g, int backend)
{
	return guest_init(g, &qemu) ?: guest_start(g, backend) ?:
	       guest_rx_post(g, 64, 2048);
}

/* ---- multi-queue tap ---- */

#define QUEUES 4

TEST(tap_multi_queue)
{
	struct virtio_net_hdr_mrg_rxbuf h = {};
	uint8_t f[2048], got[2048];
	uint16_t port, swap;
	struct guest g[QUEUES];
	int host, i, k, total = 0;
	struct tap t;
	size_t len;
	ssize_t n;

	ASSERT_EQ(0, net_ns());
	ASSERT_EQ(0, tap_make(&t, IFF_VNET_HDR | IFF_MULTI_QUEUE, QUEUES, 12));
	host = host_open(t.name, HOST_ALL);
	ASSERT_LE(0, host);
	for (i = 0; i < QUEUES; i++)
		ASSERT_EQ(0, guest_up(&g[i], t.fd[i]));

	/* Each queue sends, and the host receives from all of them. */
	for (k = 0; k < 10; k++) {
		for (i = 0; i < QUEUES; i++) {
			ASSERT_TRUE(frame_out(&g[i], t.host, 200 + i,
					      i * 100 + k));
			host_recv(host, got, sizeof(got), 0);
		}
	}

	/* Replies to a flow return on the queue that sent it. */
	for (i = 0; i < QUEUES; i++) {
		len = frame_l4(f, 100, false, IPPROTO_UDP, i, &h.hdr);
		port = htons(5000 + i * 17);
		memcpy(f + 34, &port, 2);
		for (k = 0; k < 3; k++) {
			ASSERT_EQ(0, guest_tx_sync(&g[i], &h, f, len));
			ASSERT_EQ(len, host_recv(host, got, sizeof(got),
						 WAIT_MS));
		}
		/* Swap addresses and ports. */
		memcpy(got + 26, f + 30, 4);
		memcpy(got + 30, f + 26, 4);
		memcpy(&swap, f + 36, 2);
		memcpy(got + 34, &swap, 2);
		memcpy(got + 36, &port, 2);
		usleep(20000);	/* the flow entry appears after RCU */
		ASSERT_EQ(0, host_send(host, got, len));
		n = guest_rx(&g[i], NULL, got, sizeof(got), WAIT_MS);
		EXPECT_EQ(len, n) {
			TH_LOG("queue %d", i);
		}
	}

	/* Each packet of the host arrives once, on any queue. */
	for (k = 0; k < 100; k++) {
		frame_raw(f, 300, k);
		f[5] = k;
		ASSERT_EQ(0, host_send(t.host, f, 300));
	}
	for (i = 0; i < QUEUES; i++)
		while (guest_rx(&g[i], NULL, got, sizeof(got), QUIET_MS) == 300)
			total++;
	EXPECT_EQ(100, total);
	for (i = 0; i < QUEUES; i++)
		guest_free(&g[i]);
	close(host);
	tap_free(&t);
}

/* ---- send buffer limit ---- */

/*
 * A slow link behind the macvtap charges packets to its send buffer for long. vhost
 * gets EAGAIN and must retry without loss or reordering.
 */
TEST(sndbuf_limit)
{
	uint8_t f[1500];
	int fd, host, seq, sndbuf = 20000;
	struct guest g;

	ASSERT_EQ(0, net_ns());
	ASSERT_EQ(0, link_veth("veth0", "veth1"));
	if (run("tc qdisc add dev veth0 root tbf rate 8mbit burst 5000 limit 1000000 2>/dev/null"))
		SKIP(return, "no tc or no sch_tbf");
	ASSERT_EQ(0, link_macvtap("mvt0", "veth0", MACVLAN_MODE_VEPA,
				  10000 + getpid()));
	fd = macvtap_open(10000 + getpid(), 12);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ioctl(fd, TUNSETSNDBUF, &sndbuf));
	host = host_open("veth1", 0);
	ASSERT_LE(0, host);
	ASSERT_EQ(0, guest_up(&g, fd));
	for (seq = 0; seq < 200; seq++) {
		frame_raw(f, 1400, seq);
		ASSERT_LE(0, guest_tx(&g, NULL, f, 1400));
	}
	vq_kick(&g.vq[TX]);
	for (seq = 0; seq < 200; seq++) {
		ASSERT_TRUE(frame_at_host(host, 1400, seq)) {
			TH_LOG("packet %d", seq);
		}
	}
	EXPECT_EQ(0, vq_drain(&g.vq[TX], 200, WAIT_MS));
	EXPECT_EQ(0, fd_count(g.vq[TX].err));
	guest_free(&g);
	close(fd);
	close(host);
}

/* A tap with a tiny send buffer still sends, even packets larger than the buffer. */
TEST(sndbuf_tiny)
{
	uint8_t *f = malloc(FRAME_ROOM), *got = malloc(FRAME_ROOM);
	uint32_t len[] = { 60, 1500, 20000, 65535, 60 }, i, k;
	int sndbuf = 1;
	struct guest g;
	struct tap t;

	ASSERT_EQ(0, net_ns());
	ASSERT_EQ(0, tap_make(&t, IFF_VNET_HDR, 1, 12));
	ASSERT_EQ(0, ioctl(t.fd[0], TUNSETSNDBUF, &sndbuf));
	ASSERT_EQ(0, guest_up(&g, t.fd[0]));
	for (k = 0; k < 10; k++) {
		for (i = 0; i < 5; i++) {
			frame_raw(f, len[i], i + k);
			ASSERT_LE(0, guest_tx(&g, NULL, f, len[i]));
		}
		vq_kick(&g.vq[TX]);
		for (i = 0; i < 5; i++) {
			ASSERT_TRUE(frame_at_host(t.host, len[i], i + k));
		}
		ASSERT_EQ(0, vq_drain(&g.vq[TX], 5, WAIT_MS));
	}
	guest_free(&g);
	tap_free(&t);
	free(f);
	free(got);
}

/* ---- tun without Ethernet header ---- */

/*
 * For a batch, tun treats the first 14 bytes as an Ethernet header in any case (in-tree
 * always sends batches), so packets have to go one by one.
 */
TEST(l3_tun)
{
	struct ifreq ifr = { .ifr_name = "l3", .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR };
	static const uint32_t len[] = { 60, 64, 1400, 1500, 9000, 40000 };
	uint8_t *f = malloc(FRAME_ROOM), *got = malloc(FRAME_ROOM);
	struct virtio_net_hdr_mrg_rxbuf h = {};
	struct guest_cfg cfg = { .features = F_QEMU };
	int fd, host, i, moved;
	struct guest g;
	ssize_t n;
	size_t l;

	if (!guest_is_ours())
		SKIP(return, "in-tree delivers no packet");
	ASSERT_EQ(0, net_ns());
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	ASSERT_EQ(0, ioctl(fd, TUNSETIFF, &ifr));
	ASSERT_EQ(0, tap_hdr_len(fd, 12));
	/* In the second round the device is in another namespace than its file. */
	for (moved = 0; moved < 2; moved++) {
		if (moved) {
			int old = open("/proc/self/ns/net", O_RDONLY);

			ASSERT_EQ(0, net_ns());
			ASSERT_EQ(0, run("nsenter --net=/proc/%d/fd/%d ip link set l3 netns %d",
					 getpid(), old, getpid()));
			close(old);
		}
		ASSERT_EQ(0, link_mtu("l3", 65000));
		ASSERT_EQ(0, link_up("l3"));
		host = host_open("l3", HOST_ALL);
		ASSERT_LE(0, host);
		ASSERT_EQ(0, guest_init(&g, &cfg));
		ASSERT_EQ(0, guest_start(&g, fd));
		ASSERT_EQ(0, guest_rx_post(&g, 128, 2048));
		for (i = 0; i < ARRAY_SIZE(len); i++) {
			/* The IP packet is the frame without its first 14 bytes. */
			l = frame_l4(f, len[i], false, IPPROTO_UDP, i, &h.hdr);
			l -= 14;
			ASSERT_EQ(0, guest_tx_sync(&g, NULL, f + 14, l));
			do {
				n = host_recv(host, got, FRAME_ROOM, WAIT_MS);
			} while (n > 0 && got[0] >> 4 != 4);
			EXPECT_TRUE(frame_same(got, n, f + 14, l)) {
				TH_LOG("%u bytes to the host", len[i]);
			}
			ASSERT_EQ(0, host_send(host, f + 14, l));
			do {
				n = guest_rx(&g, NULL, got, FRAME_ROOM,
					     WAIT_MS);
			} while (n > 0 && got[0] >> 4 != 4);
			EXPECT_TRUE(frame_same(got, n, f + 14, l)) {
				TH_LOG("%u bytes to the guest", len[i]);
			}
		}
		guest_free(&g);
		close(host);
	}
	close(fd);
	free(f);
	free(got);
}

/* ---- macvtap ---- */

FIXTURE(macvtap) {
	struct guest a;
	struct guest b;
	uint8_t mac_a[6];
	uint8_t mac_b[6];
	int fd_a;
	int fd_b;
	int host;
};

FIXTURE_VARIANT(macvtap) {
	uint32_t mode;
	bool one;		/* passthru allows only one on a link */
	bool local;		/* A reaches B inside the host */
	bool wire;		/* the outside receives what A sends to B */
};

FIXTURE_VARIANT_ADD(macvtap, bridge) {
	.mode = MACVLAN_MODE_BRIDGE, .local = true,
};
FIXTURE_VARIANT_ADD(macvtap, vepa) {
	.mode = MACVLAN_MODE_VEPA, .wire = true,
};
FIXTURE_VARIANT_ADD(macvtap, private) {
	.mode = MACVLAN_MODE_PRIVATE, .wire = true,
};
FIXTURE_VARIANT_ADD(macvtap, passthru) {
	.mode = MACVLAN_MODE_PASSTHRU, .one = true, .wire = true,
};

FIXTURE_SETUP(macvtap)
{
	int index = 20000 + getpid();

	self->fd_b = -1;
	ASSERT_EQ(0, net_ns());
	ASSERT_EQ(0, link_veth("veth0", "veth1"));
	ASSERT_EQ(0, link_macvtap("mvt0", "veth0", variant->mode, index));
	ASSERT_EQ(0, link_mac("mvt0", self->mac_a));
	ASSERT_EQ(0, link_allmulti("mvt0"));
	self->fd_a = macvtap_open(index, 12);
	ASSERT_LE(0, self->fd_a);
	ASSERT_EQ(0, guest_up(&self->a, self->fd_a));
	if (!variant->one) {
		index += 100000;
		ASSERT_EQ(0, link_macvtap("mvt1", "veth0", variant->mode,
					  index));
		ASSERT_EQ(0, link_mac("mvt1", self->mac_b));
		self->fd_b = macvtap_open(index, 12);
		ASSERT_LE(0, self->fd_b);
		ASSERT_EQ(0, guest_up(&self->b, self->fd_b));
	}
	self->host = host_open("veth1", 0);
	ASSERT_LE(0, self->host);
}

FIXTURE_TEARDOWN(macvtap)
{
	guest_free(&self->a);
	close(self->fd_a);
	if (!variant->one) {
		guest_free(&self->b);
		close(self->fd_b);
	}
	close(self->host);
}

static const uint8_t outside[6] = { 2, 0, 0, 0, 9, 9 };
static const uint8_t group[6] = { 1, 0, 0x5e, 1, 2, 3 };

TEST_F(macvtap, to_and_from_the_wire)
{
	uint32_t len[] = { 60, 64, 300, 1400, 1500 }, i;
	uint8_t f[2048], got[2048];
	ssize_t n;

	for (i = 0; i < 5; i++) {
		frame_raw_to(f, len[i], i, outside, self->mac_a);
		ASSERT_EQ(0, guest_tx_sync(&self->a, NULL, f, len[i]));
		n = host_recv(self->host, got, sizeof(got), WAIT_MS);
		ASSERT_TRUE(frame_same(got, n, f, len[i]));

		frame_raw_to(f, len[i], i, self->mac_a, outside);
		ASSERT_EQ(0, host_send(self->host, f, len[i]));
		n = guest_rx(&self->a, NULL, got, sizeof(got), WAIT_MS);
		ASSERT_TRUE(frame_same(got, n, f, len[i]));

		frame_raw_to(f, len[i], i, group, outside);
		ASSERT_EQ(0, host_send(self->host, f, len[i]));
		n = guest_rx(&self->a, NULL, got, sizeof(got), WAIT_MS);
		ASSERT_TRUE(frame_same(got, n, f, len[i]));
	}
}

TEST_F(macvtap, burst)
{
	uint8_t f[1500], got[2048];
	struct vq *q = &self->a.vq[TX];
	int seq;
	ssize_t n;

	for (seq = 0; seq < 200; seq++) {
		frame_raw_to(f, 100 + seq, seq, outside, self->mac_a);
		ASSERT_LE(0, guest_tx(&self->a, NULL, f, 100 + seq));
	}
	vq_kick(q);
	ASSERT_EQ(0, vq_drain(q, 200, WAIT_MS));
	for (seq = 0; seq < 200; seq++) {
		frame_raw_to(f, 100 + seq, seq, outside, self->mac_a);
		n = host_recv(self->host, got, sizeof(got), WAIT_MS);
		ASSERT_TRUE(frame_same(got, n, f, 100 + seq));
	}
	for (seq = 0; seq < 60; seq++) {
		frame_raw_to(f, 100 + seq, seq, self->mac_a, outside);
		ASSERT_EQ(0, host_send(self->host, f, 100 + seq));
	}
	for (seq = 0; seq < 60; seq++) {
		frame_raw_to(f, 100 + seq, seq, self->mac_a, outside);
		n = guest_rx(&self->a, NULL, got, sizeof(got), WAIT_MS);
		ASSERT_TRUE(frame_same(got, n, f, 100 + seq));
	}
}

TEST_F(macvtap, between_guests)
{
	uint8_t f[300], got[2048];
	ssize_t n;

	if (variant->one) {
		EXPECT_NE(0, link_macvtap("mvt1", "veth0", variant->mode,
					  120000 + getpid()));
		return;
	}
	frame_raw_to(f, 300, 1, self->mac_b, self->mac_a);
	ASSERT_EQ(0, guest_tx_sync(&self->a, NULL, f, 300));
	n = guest_rx(&self->b, NULL, got, sizeof(got),
		     variant->local ? WAIT_MS : QUIET_MS);
	if (variant->local) {
		EXPECT_TRUE(frame_same(got, n, f, 300));
	} else {
		EXPECT_EQ(-ETIMEDOUT, n);
	}
	n = host_recv(self->host, got, sizeof(got),
		      variant->wire ? WAIT_MS : 0);
	if (variant->wire) {
		EXPECT_TRUE(frame_same(got, n, f, 300));
	} else {
		EXPECT_EQ(-ETIMEDOUT, n);
	}
}

TEST_F(macvtap, tso_and_checksum)
{
	struct virtio_net_hdr_mrg_rxbuf h = {};
	uint8_t *f = malloc(FRAME_ROOM), *got = malloc(FRAME_ROOM);
	struct virtio_net_hdr seen;
	int host = host_open("veth1", HOST_ALL | HOST_VNET_HDR);
	size_t len;
	ssize_t n;

	ASSERT_LE(0, host);
	ASSERT_EQ(0, tap_offload(self->fd_a, TUN_F_CSUM | TUN_F_TSO4));
	len = frame_l4(f, 14480, false, IPPROTO_TCP, 1, &h.hdr);
	memcpy(f + 6, self->mac_a, 6);
	h.hdr.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
	h.hdr.gso_size = 1448;
	ASSERT_EQ(0, guest_tx_sync(&self->a, &h, f, len));
	n = host_recv(host, got, FRAME_ROOM, WAIT_MS);
	ASSERT_TRUE(frame_same(got + 10, n - 10, f, len));
	memcpy(&seen, got, 10);
	EXPECT_EQ(VIRTIO_NET_HDR_GSO_TCPV4, seen.gso_type);
	EXPECT_EQ(1448, seen.gso_size);
	EXPECT_EQ(VIRTIO_NET_HDR_F_NEEDS_CSUM, seen.flags);

	/* The way back to the guest. */
	memcpy(got + 10, self->mac_a, 6);
	memcpy(got + 16, outside, 6);
	ASSERT_EQ(0, host_send(host, got, n));
	n = guest_rx(&self->a, &h, f, FRAME_ROOM, WAIT_MS);
	EXPECT_TRUE(frame_same(f, n, got + 10, len));
	EXPECT_EQ(VIRTIO_NET_HDR_GSO_TCPV4, h.hdr.gso_type);
	close(host);
	free(f);
	free(got);
}

/* CVE-2026-74684: a GSO header on a frame without a protocol */
TEST_F(macvtap, CVE_2026_74684_gso_header_ethertype_0)
{
	struct virtio_net_hdr_mrg_rxbuf h = {
		.hdr = { .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 100,
			 .hdr_len = 54,
			 .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
			 .csum_start = 34, .csum_offset = 16 },
	};
	uint8_t f[500] = {}, got[2048];
	ssize_t n;
	int i;

	memcpy(f + 6, self->mac_a, 6);
	for (i = 0; i < 8; i++) {
		h.hdr.gso_type = i;
		EXPECT_EQ(0, guest_tx_sync(&self->a, &h, f, 500));
	}
	frame_raw_to(f, 100, 1, outside, self->mac_a);
	ASSERT_EQ(0, guest_tx_sync(&self->a, NULL, f, 100));
	n = host_recv(self->host, got, sizeof(got), WAIT_MS);
	ASSERT_TRUE(frame_same(got, n, f, 100));
}

/* ---- ipvtap ---- */

TEST(ipvtap_l2)
{
	int index = 30000 + getpid(), fd, host;
	struct virtio_net_hdr_mrg_rxbuf h = {};
	uint8_t f[2048], got[2048], mac[6];
	struct guest g;
	size_t len;
	ssize_t n;

	ASSERT_EQ(0, net_ns());
	ASSERT_EQ(0, link_veth("veth0", "veth1"));
	if (link_ipvtap("ipvt0", "veth0", index))
		SKIP(return, "no ipvtap");
	ASSERT_EQ(0, link_addr("ipvt0", 0x0a000002, 24));
	ASSERT_EQ(0, link_mac("ipvt0", mac));
	fd = macvtap_open(index, 12);
	ASSERT_LE(0, fd);
	host = host_open("veth1", HOST_ALL);
	ASSERT_LE(0, host);
	ASSERT_EQ(0, guest_up(&g, fd));

	/* To the guest: selected by IP address, with the checksum left to veth. */
	len = frame_l4(f, 500, false, IPPROTO_UDP, 1, &h.hdr);
	memcpy(f, mac, 6);
	ASSERT_EQ(0, host_send(host, f, len));
	n = guest_rx(&g, NULL, got, sizeof(got), WAIT_MS);
	EXPECT_TRUE(frame_same(got, n, f, len));

	/* From the guest. */
	frame_raw_to(f, 400, 5, outside, mac);
	ASSERT_EQ(0, guest_tx_sync(&g, NULL, f, 400));
	do {
		n = host_recv(host, got, sizeof(got), WAIT_MS);
	} while (n > 0 && (got[12] != TEST_PROTO >> 8 || n != 400));
	EXPECT_TRUE(frame_same(got, n, f, 400));
	guest_free(&g);
	close(fd);
	close(host);
}

/* ---- packet socket ---- */

/* Check what administrators see: the interface and the frames, which go by sendmsg. */
static bool is_shown(struct guest *g, const char *name, long nr)
{
	uint64_t ifindex = 0;
	int nl = genl_open();

	genl_get(nl, VHOST_TAP_CMD_QUEUE_GET, genl_device(g), TX, VHOST_TAP_A_QUEUE_IFINDEX,
		 &ifindex, 1);
	close(nl);
	return ifindex && ifindex == if_nametoindex(name) &&
	       guest_stat(g, "tx", "packets") == nr && guest_stat(g, "tx", "singles") == nr;
}

static void packet_socket(struct __test_metadata *_metadata, bool vhost_hdr)
{
	struct guest_cfg cfg = { .features = vhost_hdr ? F_NET_HDR : 0 };
	uint32_t len[] = { 60, 100, 1000, 1514 }, i, k;
	uint8_t f[2048];
	int fd, host;
	struct guest g;

	ASSERT_EQ(0, net_ns());
	ASSERT_EQ(0, link_veth("veth0", "veth1"));
	fd = host_open("veth0", vhost_hdr ? 0 : HOST_VNET_HDR);
	host = host_open("veth1", 0);
	ASSERT_LE(0, fd);
	ASSERT_LE(0, host);
	ASSERT_EQ(0, guest_init(&g, &cfg));
	ASSERT_EQ(0, guest_start(&g, fd));
	ASSERT_EQ(0, guest_rx_post(&g, 64, 2048));
	for (i = 0; i < 4; i++) {
		ASSERT_TRUE(frame_out(&g, host, len[i], i));
		ASSERT_TRUE(frame_in(&g, host, len[i], i));
	}
	/* Bursts both ways. */
	for (k = 0; k < 150; k++) {
		frame_raw(f, 200, k);
		ASSERT_LE(0, guest_tx(&g, NULL, f, 200));
		ASSERT_EQ(0, host_send(host, f, 200));
	}
	vq_kick(&g.vq[TX]);
	ASSERT_EQ(0, vq_drain(&g.vq[TX], 150, WAIT_MS));
	for (k = 0; k < 150; k++) {
		ASSERT_TRUE(frame_at_host(host, 200, k));
		ASSERT_TRUE(frame_at_guest(&g, 200, k));
	}
	EXPECT_TRUE(!guest_is_ours() || is_shown(&g, "veth0", 154));
	guest_free(&g);
	close(fd);
	close(host);
}

TEST(packet_socket_with_vhost_header)
{
	packet_socket(_metadata, true);
}

TEST(packet_socket_with_its_own_header)
{
	packet_socket(_metadata, false);
}

/* Frames that the socket refuses are dropped, each with its reason, and none blocks. */
TEST(packet_socket_refuses)
{
	struct guest_cfg cfg = { .features = F_NET_HDR };
	uint8_t f[2048];
	struct guest g;
	int fd, host;

	ASSERT_EQ(0, net_ns());
	ASSERT_EQ(0, link_veth("veth0", "veth1"));
	fd = host_open("veth0", 0);
	host = host_open("veth1", 0);
	ASSERT_LE(0, fd);
	ASSERT_LE(0, host);
	ASSERT_EQ(0, guest_init(&g, &cfg));
	ASSERT_EQ(0, guest_start(&g, fd));
	frame_raw(f, sizeof(f), 0);
	EXPECT_EQ(0, guest_tx_sync(&g, NULL, f, 2000));		/* EMSGSIZE */
	if (guest_is_ours()) {
		EXPECT_EQ(1, guest_stat(&g, "tx", "fault.TX_REFUSED"));
	}
	ASSERT_EQ(0, run("ip link set veth0 down"));
	EXPECT_EQ(0, guest_tx_sync(&g, NULL, f, 100));		/* ENETDOWN */
	if (guest_is_ours()) {
		EXPECT_EQ(1, guest_stat(&g, "tx", "fault.TX_NO_BACKEND"));
	}
	ASSERT_EQ(0, run("ip link set veth0 up"));
	/* The socket still reports the error once. */
	EXPECT_EQ(0, guest_tx_sync(&g, NULL, f, 100));
	EXPECT_TRUE(frame_out(&g, host, 100, 1));
	guest_free(&g);
	close(fd);
	close(host);
}

TEST_HARNESS_MAIN
