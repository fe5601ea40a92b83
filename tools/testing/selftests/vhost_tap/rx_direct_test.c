// SPDX-License-Identifier: GPL-2.0
/*
 * RX without recvmsg gives a guest the same bytes as recvmsg of the same tap. The
 * oracle is /dev/vhost-net, which calls recvmsg for each packet: two guests with the
 * same buffers behind two taps (macvtaps, and so on), and the same packets for both.
 *
 *   packet socket 0 -> tap 0 == /dev/vhost-tap == guest 0
 *   packet socket 1 -> tap 1 == /dev/vhost-net == guest 1
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "kselftest_harness.h"
#include "guest.h"
#include "net.h"

#define ORACLE		"/dev/vhost-net"
#define OURS		0
#define MAX_CUTS	17
#define FENCE_LEN	61
#define FENCE_SEQ	0xfe4ce
#define UNTOUCHED	0xa5
#define OUT_ROOM	(3 * FRAME_ROOM)
#define VNET_HDR	sizeof(struct virtio_net_hdr)

/** struct rx_layout - the buffers that a guest offers */
struct rx_layout {
	uint64_t features;
	unsigned int nr;		/* number of buffers */
	unsigned int nr_cuts;
	uint32_t cut[MAX_CUTS];		/* lengths of a buffer's descriptors */
	unsigned int regions;
};

struct rx_guest {
	struct guest g;
	char name[IFNAMSIZ];
	int tap;
	int send;
	uint8_t *out;
	size_t out_len;
};

static uint32_t buf_len(const struct rx_layout *s)
{
	uint32_t len = 0;
	unsigned int i;

	for (i = 0; i < s->nr_cuts; i++)
		len += s->cut[i];
	return len;
}

static int post(struct guest *g, const struct rx_layout *s, uint64_t gpa)
{
	static uint8_t fill[OUT_ROOM];
	struct seg seg[MAX_CUTS];
	uint64_t at = gpa;
	unsigned int i;

	memset(fill, UNTOUCHED, sizeof(fill));
	for (i = 0; i < s->nr_cuts; i++) {
		seg[i] = (struct seg){ at, s->cut[i], true };
		at += s->cut[i];
	}
	if (guest_write(g, gpa, fill, at - gpa))
		return -EFAULT;
	return vq_add(&g->vq[RX], seg, s->nr_cuts, gpa);
}

static void show(struct guest *g)
{
	vq_publish(&g->vq[RX]);
	vq_kick(&g->vq[RX]);
}

static int post_all(struct guest *g, const struct rx_layout *s, unsigned int nr)
{
	uint64_t gpa;

	while (nr--) {
		gpa = guest_alloc(g, buf_len(s));
		if (!gpa || post(g, s, gpa) < 0)
			return -ENOMEM;
	}
	show(g);
	return 0;
}

/*
 * Record what the device did to the buffers of one packet: the length in each used
 * element and every byte. Return: 0 or -errno.
 */
static int take(struct rx_guest *w, const struct rx_layout *s, int timeout_ms)
{
	struct guest *g = &w->g;
	uint32_t len = buf_len(s), used;
	unsigned int i, nr = 1;
	uint8_t *p = w->out;
	uint16_t num;
	uint64_t gpa;
	int err;

	w->out_len = 0;
	for (i = 0; i < nr; i++) {
		err = vq_wait_used(&g->vq[RX], i ? 0 : timeout_ms);
		if (err != 1)
			return err ?: -ETIMEDOUT;
		if (vq_get_used(&g->vq[RX], &used, &gpa) != 1)
			return -EPROTO;
		memcpy(p, &used, 4);
		if (guest_read(g, gpa, p + 4, len))
			return -EFAULT;
		if (!i && s->features & F_MRG_RXBUF) {
			memcpy(&num, p + 4 + 10, 2);
			nr = drv_le16(num);
		}
		p += 4 + len;
		w->out_len += 4 + len;
		if (w->out_len + 4 + len > OUT_ROOM || post(g, s, gpa) < 0)
			return -EPROTO;
	}
	show(g);
	return 0;
}

static int rx_guest_init(struct rx_guest *w, int i, const struct rx_layout *s)
{
	struct guest_cfg cfg = {
		.features = s->features,
		.regions = s->regions,
		.layout = s->regions ? LAYOUT_SHUFFLED : LAYOUT_FLAT,
	};
	const char *ours = guest_node();
	char keep[64];
	int err;

	snprintf(keep, sizeof(keep), "%s", ours);
	if (i != OURS)
		setenv("VTAP_NODE", ORACLE, 1);
	err = guest_init(&w->g, &cfg);
	setenv("VTAP_NODE", keep, 1);
	return err ?: guest_start(&w->g, w->tap) ?:
	       post_all(&w->g, s, s->nr);
}

#define OFFLOADS (TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN)

static void want_offloads(int fd)
{
	if (tap_offload(fd, OFFLOADS | TUN_F_USO4 | TUN_F_USO6))
		tap_offload(fd, OFFLOADS);	/* before 6.2 */
}

static int rx_guest_tap(struct rx_guest *w, int hlen)
{
	w->tap = tap_open(w->name, IFF_VNET_HDR);
	if (w->tap < 0)
		return w->tap;
	want_offloads(w->tap);
	return tap_hdr_len(w->tap, hlen) ?: link_mtu(w->name, TAP_MAX_MTU) ?:
	       link_up(w->name);
}

static int rx_guest_macvtap(struct rx_guest *w, int i, int hlen)
{
	int index = 40000 + 50000 * i + getpid();
	char lower[16], far[16];
	int err;

	snprintf(lower, sizeof(lower), "lower%d", i);
	snprintf(far, sizeof(far), "far%d", i);
	err = link_veth(lower, far) ?: link_mtu(lower, TAP_MAX_MTU) ?:
	      link_mtu(far, TAP_MAX_MTU) ?:
	      link_macvtap(w->name, lower, MACVLAN_MODE_PASSTHRU, index) ?:
	      link_mtu(w->name, TAP_MAX_MTU);
	if (err)
		return err;
	w->tap = macvtap_open(index, hlen);
	if (w->tap < 0)
		return w->tap;
	want_offloads(w->tap);
	memcpy(w->name, far, sizeof(far));	/* packets are sent here */
	return 0;
}

/* Open a socket that also receives each packet, so that the skbs are clones. */
static int listen_all(const char *name)
{
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex(name),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	return bind(fd, (struct sockaddr *)&ll, sizeof(ll)) ? -errno : fd;
}

/* Read the device's own counters of sent packets. */
static int sent_by(const char *name, unsigned long *packets,
		   unsigned long *bytes)
{
	char line[512], dev[64];
	FILE *f = fopen("/proc/self/net/dev", "r");
	int found = 0;

	while (f && !found && fgets(line, sizeof(line), f)) {
		found = sscanf(line, " %63[^:]: %*u %*u %*u %*u %*u %*u %*u %*u %lu %lu",
			       dev, bytes, packets) == 3 && !strcmp(dev, name);
	}
	if (f)
		fclose(f);
	return found ? 0 : -ENODEV;
}

FIXTURE(direct) {
	struct rx_guest side[2];
	uint8_t *f;
	uint8_t *buf;
	unsigned int nr_packets;
};

FIXTURE_VARIANT(direct) {
	struct rx_layout shape;
	bool macvtap;
};

#define PIECES 4000, 4000, 4000, 4000, 4000, 4000, 4000, 4000, 4000, 4000, \
	       4000, 4000, 4000, 4000, 4000, 4000, 4000

/* ---- buffers: one piece, split at any place, across regions ---- */

FIXTURE_VARIANT_ADD(direct, mergeable) {
	.shape = { F_QEMU, 60, 1, { 2048 } },
};
FIXTURE_VARIANT_ADD(direct, small) {
	.shape = { F_QEMU, 250, 1, { 300 } },
};
FIXTURE_VARIANT_ADD(direct, header_apart) {
	.shape = { F_QEMU, 60, 2, { 12, 2048 } },
};
FIXTURE_VARIANT_ADD(direct, odd_pieces) {
	.shape = { F_QEMU, 40, 5, { 5, 6, 20, 1, 2400 } },
};
FIXTURE_VARIANT_ADD(direct, borders) {
	.shape = { F_QEMU, 60, 1, { 3001 }, .regions = 64 },
};
FIXTURE_VARIANT_ADD(direct, large) {
	.shape = { F_QEMU & ~F_MRG_RXBUF, 8, 1, { 65600 } },
};
FIXTURE_VARIANT_ADD(direct, chain17) {
	.shape = { F_QEMU & ~F_MRG_RXBUF, 12, 17, { PIECES } },
};
FIXTURE_VARIANT_ADD(direct, legacy) {
	.shape = { F_INDIRECT, 8, 2, { 10, 65600 } },
};
FIXTURE_VARIANT_ADD(direct, legacy_one_piece) {
	.shape = { F_INDIRECT | F_EVENT_IDX, 8, 1, { 65600 } },
};
FIXTURE_VARIANT_ADD(direct, macvtap) {
	.shape = { F_QEMU, 60, 1, { 2048 } }, .macvtap = true,
};
FIXTURE_VARIANT_ADD(direct, macvtap_chain17) {
	.shape = { F_QEMU & ~F_MRG_RXBUF, 12, 17, { PIECES } }, .macvtap = true,
};
FIXTURE_VARIANT_ADD(direct, macvtap_legacy) {
	.shape = { F_INDIRECT, 8, 2, { 10, 65600 } }, .macvtap = true,
};

FIXTURE_SETUP(direct)
{
	const struct rx_layout *s = &variant->shape;
	int hlen = s->features & (F_MRG_RXBUF | F_VERSION_1) ? 12 : 10, i;

	if (access(ORACLE, R_OK | W_OK))
		SKIP(return, "no " ORACLE " to compare with");
	self->f = malloc(FRAME_ROOM);
	self->buf = malloc(FRAME_ROOM);
	ASSERT_EQ(0, net_ns());
	for (i = 0; i < 2; i++) {
		struct rx_guest *w = &self->side[i];

		w->out = malloc(OUT_ROOM);
		snprintf(w->name, sizeof(w->name), "vtap%d", i);
		ASSERT_EQ(0, variant->macvtap ? rx_guest_macvtap(w, i, hlen) :
						rx_guest_tap(w, hlen));
		ASSERT_EQ(0, rx_guest_init(w, i, s));
		w->send = host_open(w->name, HOST_ALL | HOST_VNET_HDR);
		ASSERT_LE(0, w->send);
	}
}

FIXTURE_TEARDOWN(direct)
{
	int i;

	for (i = 0; i < 2; i++) {
		guest_free(&self->side[i].g);
		close(self->side[i].tap);
		close(self->side[i].send);
		free(self->side[i].out);
	}
	free(self->f);
	free(self->buf);
}

/* Send self->f with this header to both sides. */
static int send_both(FIXTURE_DATA(direct) *self,
		     const struct virtio_net_hdr *hdr, size_t len)
{
	int i, err[2];

	memcpy(self->buf, hdr, VNET_HDR);
	memcpy(self->buf + VNET_HDR, self->f, len);
	for (i = 0; i < 2; i++)
		err[i] = host_send(self->side[i].send, self->buf,
				   VNET_HDR + len);
	return err[0] == err[1] ? err[0] : -EPROTO;
}

static bool is_fence(const struct rx_guest *w)
{
	uint32_t used, hlen = w->g.hdr_len;

	memcpy(&used, w->out, 4);
	return used == hlen + FENCE_LEN &&
	       frame_seq(w->out + 4 + hlen) == FENCE_SEQ;
}

/*
 * The specification requires num_buffers to be 1 without mergeable buffers, too
 * (5.1.6.4), but in-tree does not write the field before 6.14.
 */
static bool repair_oracle(struct rx_guest *w, const struct rx_layout *s)
{
	uint8_t *in_tree = w[1].out + 4 + 10, *ours = w[0].out + 4 + 10;

	if (!(s->features & F_VERSION_1) || s->features & F_MRG_RXBUF)
		return true;
	if (in_tree[0] == UNTOUCHED && in_tree[1] == UNTOUCHED) {
		in_tree[0] = 1;
		in_tree[1] = 0;
		if (!guest_is_ours())
			memcpy(ours, in_tree, 2);
	}
	return ours[0] == 1 && !ours[1];
}

/* All packets up to the fence must be the same on both sides. */
static void same_until_fence(struct __test_metadata *_metadata,
			     FIXTURE_DATA(direct) *self, const struct rx_layout *s,
			     const char *what, size_t size)
{
	static const struct virtio_net_hdr plain;
	struct rx_guest *w = self->side;
	uint8_t keep[FENCE_LEN];
	unsigned int nr = 0;

	memcpy(keep, self->f, FENCE_LEN);
	frame_raw(self->f, FENCE_LEN, FENCE_SEQ);
	ASSERT_EQ(0, send_both(self, &plain, FENCE_LEN));
	memcpy(self->f, keep, FENCE_LEN);
	do {
		ASSERT_EQ(0, take(&w[0], s, WAIT_MS)) {
			TH_LOG("%s %zu: packet %u, ours", what, size, nr);
		}
		ASSERT_EQ(0, take(&w[1], s, WAIT_MS)) {
			TH_LOG("%s %zu: packet %u, in-tree", what, size, nr);
		}
		ASSERT_TRUE(repair_oracle(w, s));
		ASSERT_TRUE(frame_same(w[0].out, w[0].out_len, w[1].out,
				       w[1].out_len)) {
			TH_LOG("%s %zu: packet %u", what, size, nr);
		}
		nr++;
		self->nr_packets++;
	} while (!is_fence(&w[0]));
}

/* Packets of one size: complete, without checksum, and to be segmented. */
static void all_kinds(struct __test_metadata *_metadata,
		      FIXTURE_DATA(direct) *self, const struct rx_layout *s,
		      size_t payload)
{
	struct virtio_net_hdr h = {};
	int v6, tcp, err;
	size_t len;

	frame_raw(self->f, payload + 14, payload);
	err = send_both(self, &h, payload + 14);
	ASSERT_TRUE(!err || payload < 4);
	same_until_fence(_metadata, self, s, "raw", payload);
	if (payload > 65000)
		return;
	for (v6 = 0; v6 < 2; v6++) {
		for (tcp = 0; tcp < 2; tcp++) {
			len = frame_l4(self->f, payload, v6,
				       tcp ? IPPROTO_TCP : IPPROTO_UDP,
				       payload, &h);
			ASSERT_EQ(0, send_both(self, &h, len));
			same_until_fence(_metadata, self, s, "csum", payload);

			if (payload < 2000)
				continue;
			h.gso_size = 1000;
			h.gso_type = !tcp ? VIRTIO_NET_HDR_GSO_UDP_L4 :
				     v6 ? VIRTIO_NET_HDR_GSO_TCPV6 :
				     VIRTIO_NET_HDR_GSO_TCPV4;
			err = send_both(self, &h, len);
			ASSERT_TRUE(!err || !tcp);	/* UDP: since 6.2 */
			same_until_fence(_metadata, self, s, "gso", payload);
			if (!tcp)
				continue;
			h.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
			ASSERT_EQ(0, send_both(self, &h, len));
			same_until_fence(_metadata, self, s, "ecn", payload);
		}
	}
}

static const size_t sizes[] = {
	0, 1, 4, 46, 60, 274, 300, 1000, 1486, 2021, 2022, 2023, 2048, 2990,
	3500, 4000, 4096, 9000, 20000, 40000, 62000,
	/* The longest frame of the tap's MTU. */ TAP_MAX_MTU,
};

/* Are the device's counters equal on both sides? vhost-tap counts later. */
static void same_counters(struct __test_metadata *_metadata,
			  FIXTURE_DATA(direct) *self)
{
	unsigned long packets[2] = {}, bytes[2] = {};
	int i, tries = 0;

	do {
		usleep(10000);
		for (i = 0; i < 2; i++)
			ASSERT_EQ(0, sent_by(self->side[i].name, &packets[i],
					     &bytes[i]));
	} while (packets[0] != packets[1] && ++tries < 100);
	EXPECT_EQ(packets[1], packets[0]);
	EXPECT_EQ(bytes[1], bytes[0]);
}

/* The first packet needs recvmsg to check the header, the others do not if possible. */
static unsigned int nr_by_recvmsg(unsigned int nr_packets, bool macvtap)
{
	return (macvtap && !IS_BIG_ENDIAN) || guest_rx_is_direct() ? 1 : nr_packets;
}

TEST_F(direct, all_sizes_and_kinds)
{
	struct guest *g = &self->side[OURS].g;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		all_kinds(_metadata, self, &variant->shape, sizes[i]);
	same_counters(_metadata, self);
	if (guest_is_ours()) {
		EXPECT_EQ(nr_by_recvmsg(self->nr_packets, variant->macvtap),
			  guest_stat(g, "rx", "singles"));
		EXPECT_EQ(self->nr_packets, guest_stat(g, "rx", "packets"));
	}
}

/* A listener on the tap makes the skbs clones. */
TEST_F(direct, cloned_skbs_arrive_unchanged)
{
	struct guest *g = &self->side[OURS].g;
	int fd[2], i;
	size_t k;

	for (i = 0; i < 2; i++) {
		fd[i] = listen_all(self->side[i].name);
		ASSERT_LE(0, fd[i]);
	}
	for (k = 0; k < ARRAY_SIZE(sizes); k++)
		all_kinds(_metadata, self, &variant->shape, sizes[k]);
	same_counters(_metadata, self);
	if (guest_is_ours()) {
		EXPECT_EQ(nr_by_recvmsg(self->nr_packets, variant->macvtap),
			  guest_stat(g, "rx", "singles"));
	}
	for (i = 0; i < 2; i++)
		close(fd[i]);
}

/* Offloads are turned off while it runs: the host segments and checksums. */
TEST_F(direct, same_packets_without_offloads)
{
	size_t i;

	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, tap_offload(self->side[i].tap, 0));
	for (i = 0; i < ARRAY_SIZE(sizes); i += 3)
		all_kinds(_metadata, self, &variant->shape, sizes[i]);
	same_counters(_metadata, self);
}

/*
 * VLAN tags outside of the frame: set by the stack on reception, by the macvtap's
 * lower device, or by a bridge port.
 */
TEST_F(direct, vlan_tags_arrive_unchanged)
{
	static const struct virtio_net_hdr plain;
	int src = -1;
	size_t i, len;

	if (!variant->macvtap) {
		/* A bridge without traffic of its own; with snooping it would join groups. */
		if (run("ip link add br0 type bridge mcast_snooping 0 2>/dev/null") ||
		    run("ip link set vtap0 master br0") ||
		    run("ip link set vtap1 master br0") ||
		    run("ip link set br0 up"))
			SKIP(return, "no ip, or no bridge");
		src = tap_open("vsrc", IFF_VNET_HDR);
		ASSERT_LE(0, src);
		ASSERT_EQ(0, link_mtu("vsrc", TAP_MAX_MTU) ?: link_up("vsrc"));
		ASSERT_EQ(0, run("ip link set vsrc master br0"));
		usleep(200000);
	}
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		len = sizes[i] + 64;
		if (len > TAP_MAX_MTU)
			break;
		frame_raw(self->f, len, i);
		memmove(self->f + 16, self->f + 12, len - 16);
		self->f[12] = 0x81;
		self->f[13] = 0;
		self->f[14] = 0x20;
		self->f[15] = 7;
		if (variant->macvtap) {
			ASSERT_EQ(0, send_both(self, &plain, len));
		} else {
			memcpy(self->buf, &plain, VNET_HDR);
			memcpy(self->buf + VNET_HDR, self->f, len);
			ASSERT_EQ(VNET_HDR + len,
				  write(src, self->buf, VNET_HDR + len));
		}
		same_until_fence(_metadata, self, &variant->shape, "vlan",
				 len);
	}
	same_counters(_metadata, self);
	if (src >= 0)
		close(src);
}

TEST_HARNESS_MAIN
