// SPDX-License-Identifier: GPL-2.0
/*
 * Shapes of a packet in the ring (chains, indirect tables, headers cut at any place,
 * buffers across regions) and the offloads of its header, through a tap.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "guest.h"
#include "net.h"

FIXTURE(shape) {
	struct guest g;
	struct tap tap;
	uint8_t *sent;
	uint8_t *got;
};

FIXTURE_VARIANT(shape) {
	struct guest_cfg cfg;
	bool ours_only;
};

FIXTURE_VARIANT_ADD(shape, legacy) { .cfg.features = F_INDIRECT };
FIXTURE_VARIANT_ADD(shape, qemu) {
	.cfg = { .features = F_QEMU, .num = { 256, 256 } },
};
FIXTURE_VARIANT_ADD(shape, packed) {
	.cfg = { .features = F_QEMU | F_PACKED, .num = { 256, 257 } },
	.ours_only = true,
};
FIXTURE_VARIANT_ADD(shape, packed_no_mrg) {
	.cfg = { .features = F_VERSION_1 | F_PACKED, .num = { 300, 300 } },
	.ours_only = true,
};
FIXTURE_VARIANT_ADD(shape, packed_scattered) {
	.cfg = { .features = F_QEMU | F_PACKED, .num = { 256, 1024 },
		 .regions = 64, .mem_len = 64 * 8192,
		 .layout = LAYOUT_SHUFFLED }, .ours_only = true,
};
/* Pages are scattered: every second buffer crosses a region border. */
FIXTURE_VARIANT_ADD(shape, scattered) {
	.cfg = { .features = F_QEMU, .num = { 256, 1024 }, .regions = 64,
		 .mem_len = 64 * 8192, .layout = LAYOUT_SHUFFLED },
};

FIXTURE_SETUP(shape)
{
	if (variant->ours_only && !guest_is_ours())
		SKIP(return, "in-tree has no packed rings");
	self->sent = malloc(FRAME_ROOM + 16);
	self->got = malloc(FRAME_ROOM + 16);
	ASSERT_EQ(0, guest_on_tap(&self->g, &self->tap, &variant->cfg));
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
}

FIXTURE_TEARDOWN(shape)
{
	guest_off_tap(&self->g, &self->tap);
	free(self->sent);
	free(self->got);
}

/* Send one packet in the given pieces; return whether it arrives unchanged. */
static bool send_cut(struct guest *g, struct tap *t, uint8_t *sent,
		     uint8_t *got, size_t len, const uint32_t *cut,
		     unsigned int nr, bool indirect)
{
	static const uint8_t zero[GUEST_HDR_MAX];
	uint64_t gpa = guest_scratch(g, g->hdr_len + len);
	ssize_t n;

	if (guest_write(g, gpa, zero, g->hdr_len) ||
	    guest_write(g, gpa + g->hdr_len, sent, len) ||
	    guest_tx_segs(g, gpa, cut, nr, indirect) < 0)
		return false;
	vq_kick(&g->vq[TX]);
	if (vq_drain(&g->vq[TX], 1, WAIT_MS))
		return false;
	n = host_recv(t->host, got, FRAME_ROOM, WAIT_MS);
	return frame_same(got, n, sent, len);
}

/* Make @nr pieces of roughly equal length that add up to @total. */
static void cut_evenly(uint32_t *cut, unsigned int nr, uint32_t total)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		cut[i] = total / (nr - i);
		total -= cut[i];
	}
}

static bool rx_into(struct guest *g, struct tap *t, uint8_t *sent, uint8_t *got,
		    size_t len, const uint32_t *cut, unsigned int nr,
		    bool indirect)
{
	struct vq *q = &g->vq[RX];
	struct seg seg[256];
	uint64_t gpa, at, table = guest_scratch(g, nr * 16);
	uint32_t total = 0, used, i;
	int head;

	for (i = 0; i < nr; i++)
		total += cut[i];
	gpa = guest_scratch(g, total);
	at = gpa;
	for (i = 0; i < nr; i++) {
		seg[i] = (struct seg){ at, cut[i], true };
		at += cut[i];
	}
	head = indirect ? vq_add_indirect(g, q, seg, nr, table, gpa) :
			  vq_add(q, seg, nr, gpa);
	if (head < 0)
		return false;
	vq_publish(q);
	vq_kick(q);
	if (host_send(t->host, sent, len) ||
	    vq_wait_used(q, WAIT_MS) != 1 ||
	    vq_get_used(q, &used, &gpa) != 1 ||
	    used != len + g->hdr_len ||
	    guest_read(g, gpa + g->hdr_len, got, len))
		return false;
	return frame_same(got, len, sent, len);
}

/* One packet through a chain of @nr pieces: send_cut() or rx_into() */
typedef bool (*move_fn)(struct guest *g, struct tap *t, uint8_t *sent, uint8_t *got,
			size_t len, const uint32_t *cut, unsigned int nr, bool indirect);

static const uint32_t chain_lens[] = { 1, 2, 3, 4, 15, 16, 17, 18, 64, 65, 200 };
static const uint32_t chain_sizes[] = { 300, 1514, 3900, 9000, 65000 };

/* Move packets in chains that have @more bytes than the packet. */
static void chains(struct __test_metadata *_metadata, FIXTURE_DATA(shape) *self,
		   move_fn move, uint32_t more, bool indirect)
{
	/* The MTU of the tap limits packets to the guest. */
	unsigned int nr_sizes = ARRAY_SIZE(chain_sizes) - (move == rx_into);
	uint32_t cut[256], i, j, seq = 0;

	for (i = 0; i < ARRAY_SIZE(chain_lens); i++) {
		for (j = 0; j < nr_sizes; j++) {
			frame_raw(self->sent, chain_sizes[j], seq++);
			cut_evenly(cut, chain_lens[i],
				   chain_sizes[j] + self->g.hdr_len + more);
			ASSERT_TRUE(move(&self->g, &self->tap, self->sent, self->got,
					 chain_sizes[j], cut, chain_lens[i], indirect)) {
				TH_LOG("%u bytes in %u pieces", chain_sizes[j],
				       chain_lens[i]);
			}
		}
	}
}

/* Cut header and frame at each place, then into pieces of a byte up to @end of the frame. */
static void header_split(struct __test_metadata *_metadata,
			 FIXTURE_DATA(shape) *self, move_fn move, uint32_t end)
{
	uint32_t cut[64], at, i, hdr = self->g.hdr_len;

	for (at = 1; at < hdr + 20; at++) {
		cut[0] = at;
		cut[1] = hdr + 200 - at;
		frame_raw(self->sent, 200, at);
		ASSERT_TRUE(move(&self->g, &self->tap, self->sent, self->got, 200,
				 cut, 2, at & 1)) {
			TH_LOG("cut at %u", at);
		}
	}
	for (i = 0; i < hdr + end; i++)
		cut[i] = 1;
	cut[i++] = 200 - end;
	frame_raw(self->sent, 200, 99);
	EXPECT_TRUE(move(&self->g, &self->tap, self->sent, self->got, 200, cut, i, false));
	EXPECT_TRUE(move(&self->g, &self->tap, self->sent, self->got, 200, cut, i, true));
}

/* ---- guest to host ---- */

TEST_F(shape, tx_chains)
{
	chains(_metadata, self, send_cut, 0, false);
}

TEST_F(shape, tx_indirect)
{
	chains(_metadata, self, send_cut, 0, true);
}

/* CVE-2022-2132: the header in 1 to 12 descriptors, cut at every place. */
TEST_F(shape, CVE_2022_2132_tx_header_split)
{
	header_split(_metadata, self, send_cut, 14);
}

/* Use the maximum number of pieces, which is the kernel's iovec limit. */
TEST_F(shape, tx_1024_pieces)
{
	uint32_t cut[1024], len = 1024 * 8 - self->g.hdr_len;

	cut_evenly(cut, 1024, 1024 * 8);
	frame_raw(self->sent, len, 1);
	if (variant->cfg.regions > 1) {
		/* A border inside a piece splits it in two: stay below the limit. */
		cut_evenly(cut, 1000, 1024 * 8);
		EXPECT_TRUE(send_cut(&self->g, &self->tap, self->sent,
				     self->got, len, cut, 1000, false));
		return;
	}
	EXPECT_TRUE(send_cut(&self->g, &self->tap, self->sent, self->got, len,
			     cut, 1024, true));
}

/* ---- host to guest ---- */

TEST_F(shape, rx_chains)
{
	chains(_metadata, self, rx_into, 3, false);
	chains(_metadata, self, rx_into, 3, true);
}

TEST_F(shape, rx_header_split)
{
	header_split(_metadata, self, rx_into, 4);
}

/* CVE-2018-16880: one packet in far more than 64 buffers. */
TEST_F(shape, CVE_2018_16880_rx_200_buffers)
{
	uint32_t cut[200], i, len = 200 * 64 - self->g.hdr_len;
	struct virtio_net_hdr_mrg_rxbuf hdr;
	ssize_t n;

	cut_evenly(cut, 200, 200 * 64);
	if (self->g.features & F_MRG_RXBUF)
		ASSERT_EQ(0, guest_rx_post(&self->g, 220, 64));
	for (i = 0; i < 5; i++) {
		frame_raw(self->sent, len, i);
		if (!(self->g.features & F_MRG_RXBUF)) {
			ASSERT_TRUE(rx_into(&self->g, &self->tap, self->sent,
					    self->got, len, cut, 200, i & 1));
			continue;
		}
		ASSERT_EQ(0, host_send(self->tap.host, self->sent, len));
		n = guest_rx(&self->g, &hdr, self->got, FRAME_ROOM, WAIT_MS);
		ASSERT_TRUE(frame_same(self->got, n, self->sent, len));
		EXPECT_EQ(200, hdr.num_buffers);
	}
}

/* ---- offloads ---- */

struct offload {
	const char *name;
	bool ipv6;
	int proto;
	uint8_t gso;
	uint16_t gso_size;
	uint16_t payload;
	unsigned int tap;	/* offloads of the tap for the way back */
};

static const struct offload offloads[] = {
	{ "csum tcp4", false, IPPROTO_TCP, 0, 0, 1000, TUN_F_CSUM },
	{ "csum tcp6", true, IPPROTO_TCP, 0, 0, 1000, TUN_F_CSUM },
	{ "csum udp4", false, IPPROTO_UDP, 0, 0, 900, TUN_F_CSUM },
	{ "csum udp6", true, IPPROTO_UDP, 0, 0, 3600, TUN_F_CSUM },
	{ "tso4", false, IPPROTO_TCP, VIRTIO_NET_HDR_GSO_TCPV4, 1448, 20000,
	  TUN_F_CSUM | TUN_F_TSO4 },
	{ "tso4 64k", false, IPPROTO_TCP, VIRTIO_NET_HDR_GSO_TCPV4, 1448, 65160,
	  TUN_F_CSUM | TUN_F_TSO4 },
	{ "tso4 small", false, IPPROTO_TCP, VIRTIO_NET_HDR_GSO_TCPV4, 500, 1400,
	  TUN_F_CSUM | TUN_F_TSO4 },
	{ "tso4 ecn", false, IPPROTO_TCP,
	  VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN, 1448, 20000,
	  TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO_ECN },
	{ "tso6", true, IPPROTO_TCP, VIRTIO_NET_HDR_GSO_TCPV6, 1428, 20000,
	  TUN_F_CSUM | TUN_F_TSO6 },
	{ "tso6 64k", true, IPPROTO_TCP, VIRTIO_NET_HDR_GSO_TCPV6, 1428, 64260,
	  TUN_F_CSUM | TUN_F_TSO6 },
	{ "uso4", false, IPPROTO_UDP, VIRTIO_NET_HDR_GSO_UDP_L4, 1400, 14000,
	  TUN_F_CSUM | TUN_F_USO4 | TUN_F_USO6 },
	{ "uso6", true, IPPROTO_UDP, VIRTIO_NET_HDR_GSO_UDP_L4, 1400, 14000,
	  TUN_F_CSUM | TUN_F_USO4 | TUN_F_USO6 },
};


static size_t build(const struct offload *o, uint8_t *f, uint32_t seq,
		    struct virtio_net_hdr *hdr)
{
	size_t len = frame_l4(f, o->payload, o->ipv6, o->proto, seq, hdr);

	hdr->gso_type = o->gso;
	hdr->gso_size = o->gso_size;
	return len;
}

static bool same_hdr(const struct virtio_net_hdr *a,
		     const struct virtio_net_hdr *b)
{
	if (a->gso_type == b->gso_type && a->gso_size == b->gso_size &&
	    a->csum_start == b->csum_start &&
	    a->csum_offset == b->csum_offset && a->flags == b->flags)
		return true;
	printf("# flags %x gso %x/%u csum %u+%u, wanted %x %x/%u %u+%u\n",
	       a->flags, a->gso_type, a->gso_size, a->csum_start,
	       a->csum_offset, b->flags, b->gso_type, b->gso_size,
	       b->csum_start, b->csum_offset);
	return false;
}

static bool uso_missing(const struct offload *o, struct tap *t)
{
	return o->gso == VIRTIO_NET_HDR_GSO_UDP_L4 && tap_offload(t->fd[0], o->tap);
}

/* The host receives the guest's offload request unchanged. */
TEST_F(shape, tx_offloads)
{
	struct virtio_net_hdr_mrg_rxbuf h = {};
	struct virtio_net_hdr seen;
	int host, i;
	size_t len;
	ssize_t n;

	host = host_open(self->tap.name, HOST_VNET_HDR | HOST_ALL);
	ASSERT_LE(0, host);
	for (i = 0; i < ARRAY_SIZE(offloads); i++) {
		if (uso_missing(&offloads[i], &self->tap))
			continue;
		len = build(&offloads[i], self->sent, i, &h.hdr);
		ASSERT_EQ(0, guest_tx_sync(&self->g, &h, self->sent, len));
		n = host_recv(host, self->got, FRAME_ROOM, WAIT_MS);
		ASSERT_TRUE(frame_same(self->got + 10, n - 10, self->sent,
				       len)) {
			TH_LOG("%s", offloads[i].name);
		}
		memcpy(&seen, self->got, 10);
		EXPECT_TRUE(same_hdr(&seen, &h.hdr)) {
			TH_LOG("%s", offloads[i].name);
		}
	}
	close(host);
}

static int post_any(struct guest *g)
{
	return g->features & F_MRG_RXBUF ? guest_rx_post(g, 100, 1600) :
					   guest_rx_post(g, 8, 66000);
}

/* The other direction, with the offloads that the guest has negotiated. */
TEST_F(shape, rx_offloads)
{
	struct virtio_net_hdr_mrg_rxbuf h = {};
	struct virtio_net_hdr want;
	int host, i;
	size_t len;
	ssize_t n;

	host = host_open(self->tap.name, HOST_VNET_HDR | HOST_ALL);
	ASSERT_LE(0, host);
	ASSERT_EQ(0, post_any(&self->g));
	for (i = 0; i < ARRAY_SIZE(offloads); i++) {
		if (tap_offload(self->tap.fd[0], offloads[i].tap))
			continue;
		len = build(&offloads[i], self->sent + 10, i, &want);
		memcpy(self->sent, &want, 10);
		ASSERT_EQ(0, host_send(host, self->sent, len + 10));
		n = guest_rx(&self->g, &h, self->got, FRAME_ROOM, WAIT_MS);
		ASSERT_TRUE(frame_same(self->got, n, self->sent + 10, len)) {
			TH_LOG("%s", offloads[i].name);
		}
		EXPECT_TRUE(same_hdr(&h.hdr, &want)) {
			TH_LOG("%s", offloads[i].name);
		}
	}
	close(host);
}

/* A guest without TSO gets segments, each with a complete checksum. */
TEST_F(shape, rx_segments_without_offload)
{
	struct virtio_net_hdr_mrg_rxbuf h;
	struct virtio_net_hdr hdr;
	size_t len, got = 0;
	int host, i;
	ssize_t n;

	host = host_open(self->tap.name, HOST_VNET_HDR | HOST_ALL);
	ASSERT_LE(0, host);
	ASSERT_EQ(0, tap_offload(self->tap.fd[0], 0));
	ASSERT_EQ(0, post_any(&self->g));
	len = frame_l4(self->sent + 10, 14480, false, IPPROTO_TCP, 1, &hdr);
	hdr.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
	hdr.gso_size = 1448;
	memcpy(self->sent, &hdr, 10);
	ASSERT_EQ(0, host_send(host, self->sent, len + 10));
	for (i = 0; i < 10; i++) {
		n = guest_rx(&self->g, &h, self->got, FRAME_ROOM, WAIT_MS);
		ASSERT_EQ(54 + 1448, n);
		EXPECT_EQ(0, h.hdr.gso_type);
		EXPECT_EQ(0, h.hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM);
		EXPECT_EQ(0, memcmp(self->got + 54,
				    self->sent + 64 + got, 1448));
		got += 1448;
	}
	close(host);
}

TEST_HARNESS_MAIN
