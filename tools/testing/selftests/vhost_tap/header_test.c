// SPDX-License-Identifier: GPL-2.0
/*
 * The virtio-net headers of TX packets. The oracle is in-tree vhost-net in the same
 * kernel: vhost-tap must deliver what it delivers, with the same bytes, checksum and
 * segmentation. A packet whose header has flags 0 and GSO none needs no offload and
 * must arrive, whatever the other header fields hold.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <linux/if_link.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "kselftest_harness.h"
#include "guest.h"
#include "net.h"

#define RIVAL	"/dev/vhost-net"

enum backend { TAP, TAP_SNDBUF, MACVTAP, MACVTAP_SNDBUF, PACKET };

FIXTURE(header) {
	struct tap tap;
	int backend;
	int host;		/* packet socket at the far end, with headers */
	uint8_t *sent;
	uint8_t *got;
};

FIXTURE_VARIANT(header) {
	enum backend backend;
	uint64_t features;	/* of vhost-tap; in-tree is never packed */
	size_t payload;
	bool frags;		/* GSO frames in page fragments */
};

FIXTURE_VARIANT_ADD(header, tap) { TAP, F_QEMU, 46 };
FIXTURE_VARIANT_ADD(header, tap_packed) { TAP, F_QEMU | F_PACKED, 46 };
FIXTURE_VARIANT_ADD(header, tap_jumbo) { TAP, F_QEMU, 8900 };
FIXTURE_VARIANT_ADD(header, tap_long) { TAP, F_QEMU, 40000 };
FIXTURE_VARIANT_ADD(header, tap_sndbuf) { TAP_SNDBUF, F_QEMU, 46 };
FIXTURE_VARIANT_ADD(header, tap_sndbuf_packed) { TAP_SNDBUF, F_QEMU | F_PACKED, 8900 };
FIXTURE_VARIANT_ADD(header, macvtap) { MACVTAP, F_QEMU, 46 };
FIXTURE_VARIANT_ADD(header, macvtap_jumbo) { MACVTAP, F_QEMU, 8900 };
FIXTURE_VARIANT_ADD(header, macvtap_sndbuf) { MACVTAP_SNDBUF, F_QEMU, 46 };
FIXTURE_VARIANT_ADD(header, tap_long_frags) { TAP, F_QEMU, 40000, true };
FIXTURE_VARIANT_ADD(header, macvtap_frags) { MACVTAP, F_QEMU, 46, true };
/* Macvtap takes 128 bytes for the linear part if hdr_len is 0. */
FIXTURE_VARIANT_ADD(header, macvtap_frags_124) { MACVTAP, F_QEMU, 70, true };
FIXTURE_VARIANT_ADD(header, macvtap_frags_264) { MACVTAP, F_QEMU, 210, true };
FIXTURE_VARIANT_ADD(header, macvtap_jumbo_frags) { MACVTAP, F_QEMU | F_PACKED, 8900, true };
FIXTURE_VARIANT_ADD(header, packet) { PACKET, 0, 46 };

FIXTURE_SETUP(header)
{
	int index = 30000 + getpid() % 10000, sndbuf = variant->frags ? INT_MAX : 1 << 20;

	if (!guest_is_ours())
		SKIP(return, "compares vhost-tap with in-tree");
	if (IS_BIG_ENDIAN && variant->backend == PACKET)
		SKIP(return, "a packet socket has headers in CPU order");
	self->sent = malloc(FRAME_ROOM);
	self->got = malloc(FRAME_ROOM);
	ASSERT_EQ(0, net_ns());
	if (variant->backend <= TAP_SNDBUF) {
		ASSERT_EQ(0, tap_make(&self->tap, IFF_VNET_HDR, 1, 12));
		self->backend = self->tap.fd[0];
		self->host = host_open(self->tap.name, HOST_ALL | HOST_VNET_HDR);
	} else {
		ASSERT_EQ(0, link_veth("veth0", "veth1"));
		ASSERT_EQ(0, link_mtu("veth0", 9000));
		ASSERT_EQ(0, link_mtu("veth1", 9000));
		self->host = host_open("veth1", HOST_ALL | HOST_VNET_HDR);
	}
	if (variant->backend == PACKET) {
		self->backend = host_open("veth0", HOST_VNET_HDR);
	} else if (variant->backend >= MACVTAP) {
		ASSERT_EQ(0, link_macvtap("mvt0", "veth0", MACVLAN_MODE_VEPA,
					  index));
		self->backend = macvtap_open(index, 12);
	}
	ASSERT_LE(0, self->host);
	ASSERT_LE(0, self->backend);
	if (variant->backend == TAP_SNDBUF || variant->backend == MACVTAP_SNDBUF ||
	    variant->frags)
		ASSERT_EQ(0, ioctl(self->backend, TUNSETSNDBUF, &sndbuf));
}

FIXTURE_TEARDOWN(header)
{
	if (variant->backend > TAP_SNDBUF)
		close(self->backend);
	close(self->host);
	tap_free(&self->tap);
	free(self->sent);
	free(self->got);
}

#define CASES	(2 * 7 * 3 * 3 * 2 * 2)

static void make_case(unsigned int i, size_t len, struct virtio_net_hdr *h)
{
	const uint16_t hdr_len[] = { 0, 1, 14, 54, len, len + 1, 0xffff };
	static const uint16_t start[] = { 0, 34, 0xffff };
	static const uint16_t offset[] = { 6, 16, 0xffff };

	*h = (struct virtio_net_hdr){};
	h->flags = i % 2 ? VIRTIO_NET_HDR_F_NEEDS_CSUM : 0;
	i /= 2;
	h->hdr_len = hdr_len[i % 7];
	i /= 7;
	h->csum_start = start[i % 3];
	i /= 3;
	h->csum_offset = offset[i % 3];
	i /= 3;
	h->gso_type = i % 2 ? VIRTIO_NET_HDR_GSO_TCPV4 : 0;
	i /= 2;
	h->gso_size = i % 2 ? 1000 : 0;
}

/*
 * In-tree never completes such a packet: the checksum is past the packet's end, and
 * in-tree retries the same descriptor forever.
 */
static bool rival_hangs(const struct virtio_net_hdr *h, size_t len)
{
	uint32_t end = h->csum_start + h->csum_offset + 2;

	return h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM && end > h->hdr_len &&
	       end > len;
}

/*
 * Before 5.11, in-tree retries each packet that a socket refuses forever. It ignores what
 * happens to the packets of a batch, which a tap without a limit gets if they are short.
 */
static bool rival_retries(enum backend backend, size_t payload)
{
	return guest_kernel_before(5, 11) && (backend != TAP || payload > 1500);
}

/*
 * Send @f and then a plain packet, whose arrival ends the wait.
 * Return: the length of the packet that arrived, with its header; 0 for none; -errno
 */
static ssize_t send_one(struct guest *g, int host, const struct virtio_net_hdr *h,
			const uint8_t *f, size_t len, uint8_t *got)
{
	struct virtio_net_hdr_mrg_rxbuf hdr = { .hdr = *h };
	uint8_t mark[60], *room = malloc(FRAME_ROOM);
	ssize_t n, found = 0;

	frame_raw(mark, sizeof(mark), 77);
	n = guest_tx_sync(g, &hdr, f, len) ?:
	    guest_tx_sync(g, NULL, mark, sizeof(mark));
	while (!n) {
		n = host_recv(host, room, FRAME_ROOM, WAIT_MS);
		if (n < 0 || (n == 70 && !memcmp(room + 10, mark, 60)))
			break;
		/* The host also sends packets of its own. */
		if (n >= 24 && !memcmp(room + 10, f, 12)) {
			/* Ignore hdr_len: it depends on how the host split the skb. */
			memset(room + 2, 0, 2);
			found = n;
			memcpy(got, room, n);
		}
		n = 0;
	}
	free(room);
	return n < 0 ? n : found;
}

static int up(struct guest *g, const char *node, uint64_t features, int backend)
{
	struct guest_cfg cfg = { .features = features };
	int err;

	if (node)
		setenv("VTAP_NODE", node, 1);
	err = guest_init(g, &cfg) ?: guest_start(g, backend);
	if (node)
		unsetenv("VTAP_NODE");
	return err;
}

/* FNV-1a hash, to compare in-tree's packet later. */
static uint64_t digest(const uint8_t *p, ssize_t len)
{
	uint64_t sum = 0xcbf29ce484222325ULL;

	while (len-- > 0)
		sum = (sum ^ *p++) * 0x100000001b3ULL;
	return sum;
}

TEST_F_TIMEOUT(header, delivers_same_frames_as_in_tree, 300)
{
	unsigned int i, both = 0, ours_only = 0;
	static uint64_t want[CASES];
	struct virtio_net_hdr h;
	struct guest g;
	ssize_t n;
	size_t len;

	len = frame_l4(self->sent, variant->payload, false, IPPROTO_TCP, 1, &h);
	if (!access(RIVAL, R_OK | W_OK) &&
	    !rival_retries(variant->backend, variant->payload)) {
		ASSERT_EQ(0, up(&g, RIVAL, variant->features & ~F_PACKED,
				self->backend));
		for (i = 0; i < CASES; i++) {
			make_case(i, len, &h);
			if (rival_hangs(&h, len))
				continue;
			n = send_one(&g, self->host, &h, self->sent, len,
				     self->got);
			ASSERT_LE(0, n) {
				TH_LOG("in-tree, case %u: %zd", i, n);
			}
			want[i] = n ? digest(self->got, n) : 0;
		}
		guest_free(&g);
	}

	ASSERT_EQ(0, up(&g, NULL, variant->features, self->backend));
	if (variant->frags)
		ASSERT_EQ(0, guest_set_frags(&g, 1));
	for (i = 0; i < CASES; i++) {
		uint64_t got;

		make_case(i, len, &h);
		n = send_one(&g, self->host, &h, self->sent, len, self->got);
		ASSERT_LE(0, n) {
			TH_LOG("case %u: %zd", i, n);
		}
		got = n ? digest(self->got, n) : 0;
		both += got && want[i];
		ours_only += got && !want[i];
		if (want[i])
			EXPECT_EQ(want[i], got);
		if (!h.flags && !h.gso_type) {
			EXPECT_EQ(len + 10, n);
			EXPECT_TRUE(!memcmp(self->got + 10, self->sent, len));
		}
		if ((want[i] && want[i] != got) ||
		    (!h.flags && !h.gso_type && n != len + 10))
			TH_LOG("flags %u gso %u size %u hdr_len %u csum %u+%u in %zu bytes",
			       h.flags, h.gso_type, h.gso_size, h.hdr_len,
			       h.csum_start, h.csum_offset, len);
	}
	TH_LOG("of %u headers both deliver %u, only we %u", CASES, both, ours_only);
	EXPECT_EQ(0, fd_count(g.vq[TX].err));
	guest_free(&g);
}

TEST_HARNESS_MAIN
