// SPDX-License-Identifier: GPL-2.0
/*
 * GSO frames in page fragments (VHOST_TAP_SET_VRING_GSO_FRAGS): frames of all kinds and
 * sizes arrive unchanged, also if many wait in the host or are segmented there, and if
 * the setting changes meanwhile.
 *
 *   guest == vhost == tap vtap0 -- AF_PACKET socket (this process)
 *   guest == vhost == macvtap -- veth0 ===== veth1 -- AF_PACKET socket
 *   guest == vhost == tap vtap0 -- br0 -- tap vtap1 (this process)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/if_link.h>
#include <netinet/in.h>
#include <pthread.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "guest.h"
#include "net.h"

#define HDR	10	/* bytes of the header of a packet socket */


struct kind {
	const char *name;
	bool ipv6;
	int proto;
	uint8_t gso;
	uint16_t gso_size;
};

static const struct kind kinds[] = {
	{ "tso4", false, IPPROTO_TCP, VIRTIO_NET_HDR_GSO_TCPV4, 1448 },
	{ "tso4 ecn", false, IPPROTO_TCP,
	  VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN, 1448 },
	{ "tso6", true, IPPROTO_TCP, VIRTIO_NET_HDR_GSO_TCPV6, 1428 },
	{ "uso4", false, IPPROTO_UDP, VIRTIO_NET_HDR_GSO_UDP_L4, 1400 },
	{ "uso6", true, IPPROTO_UDP, VIRTIO_NET_HDR_GSO_UDP_L4, 1400 },
	{ "no gso", false, IPPROTO_TCP, VIRTIO_NET_HDR_GSO_NONE, 0 },
};

/* Around the sizes of a page and of a piece of memory. */
static const uint16_t payloads[] = {
	1500, 3000, 3700, 3900, 4000, 4019, 4020, 4031, 4032, 4100, 8115, 8116, 8117,
	8200, 12000, 16300, 16384, 24000, 32600, 32703, 32704, 32768, 36000, 40000,
	50000, 61000, 65000, 65160,
};

static size_t build(const struct kind *k, uint8_t *f, size_t payload, uint32_t seq,
		    struct virtio_net_hdr_mrg_rxbuf *h)
{
	size_t len;

	*h = (struct virtio_net_hdr_mrg_rxbuf){};
	len = frame_l4(f, payload, k->ipv6, k->proto, seq, &h->hdr);
	h->hdr.gso_type = k->gso;
	h->hdr.gso_size = k->gso_size;
	return len;
}

enum backend { TAP, NAPI, NAPI_FRAGS, MACVTAP };

FIXTURE(frags) {
	struct guest g;
	struct tap tap;
	int backend;
	int host;
	uint32_t seq;
	uint8_t *sent;
	uint8_t *got;
};

FIXTURE_VARIANT(frags) {
	enum backend backend;
	struct guest_cfg cfg;
};

FIXTURE_VARIANT_ADD(frags, tap) { TAP, { .features = F_QEMU } };
FIXTURE_VARIANT_ADD(frags, tap_packed) { TAP, { .features = F_QEMU | F_PACKED } };
FIXTURE_VARIANT_ADD(frags, tap_legacy) { TAP, { .features = F_INDIRECT } };
FIXTURE_VARIANT_ADD(frags, tap_scattered) {
	TAP, { .features = F_QEMU, .num = { 256, 1024 }, .regions = 64,
	       .mem_len = 64 * 0x20000, .layout = LAYOUT_SHUFFLED },
};
FIXTURE_VARIANT_ADD(frags, tap_napi) { NAPI, { .features = F_QEMU } };
FIXTURE_VARIANT_ADD(frags, tap_napi_frags) { NAPI_FRAGS, { .features = F_QEMU } };
FIXTURE_VARIANT_ADD(frags, macvtap) { MACVTAP, { .features = F_QEMU } };
FIXTURE_VARIANT_ADD(frags, macvtap_packed) { MACVTAP, { .features = F_QEMU | F_PACKED } };

/*
 * The setting has no effect on Linux 5.10, which cannot refer to pages without a copy,
 * nor on a tap with IFF_NAPI_FRAGS, which makes its own fragments.
 */
static bool has_frags(enum backend backend)
{
	return !guest_kernel_before(5, 12) && backend != NAPI_FRAGS;
}

static int open_tap(struct tap *tap, enum backend backend, uint64_t features)
{
	unsigned int flags = IFF_VNET_HDR;

	if (backend != TAP)
		flags |= IFF_NAPI;
	if (backend == NAPI_FRAGS)
		flags |= IFF_NAPI_FRAGS;
	return tap_make(tap, flags, 1, features & F_VERSION_1 ? 12 : 10);
}

FIXTURE_SETUP(frags)
{
	int index = 40000 + getpid() % 10000, sndbuf = INT_MAX;

	if (!guest_is_ours())
		SKIP(return, "vhost-tap only");
	self->sent = malloc(FRAME_ROOM);
	self->got = malloc(FRAME_ROOM);
	ASSERT_EQ(0, net_ns());
	if (variant->backend != MACVTAP) {
		ASSERT_EQ(0, open_tap(&self->tap, variant->backend,
				      variant->cfg.features));
		self->backend = self->tap.fd[0];
		self->host = host_open(self->tap.name, HOST_VNET_HDR | HOST_ALL);
	} else {
		ASSERT_EQ(0, link_veth("veth0", "veth1"));
		ASSERT_EQ(0, link_mtu("veth0", TAP_MAX_MTU));
		ASSERT_EQ(0, link_mtu("veth1", TAP_MAX_MTU));
		ASSERT_EQ(0, link_macvtap("mvt0", "veth0", MACVLAN_MODE_VEPA, index));
		self->backend = macvtap_open(index, 12);
		self->host = host_open("veth1", HOST_VNET_HDR | HOST_ALL);
	}
	ASSERT_LE(0, self->backend);
	ASSERT_LE(0, self->host);
	/* As QEMU does: a macvtap has a limit otherwise. */
	ASSERT_EQ(0, ioctl(self->backend, TUNSETSNDBUF, &sndbuf));
	ASSERT_EQ(0, guest_init(&self->g, &variant->cfg));
	ASSERT_EQ(0, guest_set_frags(&self->g, 1));
	ASSERT_EQ(0, guest_start(&self->g, self->backend));
}

FIXTURE_TEARDOWN(frags)
{
	guest_free(&self->g);
	if (variant->backend == MACVTAP)
		close(self->backend);
	close(self->host);
	tap_free(&self->tap);
	free(self->sent);
	free(self->got);
}

static long nr_frags(struct guest *g)
{
	return guest_stat(g, "tx", "frag_frames");
}

/* Receive the next frame of the guest; the host's stack may send others. */
static ssize_t recv_frame(int host, uint8_t *got, const uint8_t *sent)
{
	ssize_t n;

	do {
		n = host_recv(host, got, FRAME_ROOM, WAIT_MS);
	} while (n >= HDR + 12 && memcmp(got + HDR, sent, 12));
	return n;
}

static bool same_hdr(const uint8_t *got, const struct virtio_net_hdr *want)
{
	struct virtio_net_hdr h;

	memcpy(&h, got, HDR);
	return h.flags == want->flags && h.gso_type == want->gso_type &&
	       h.gso_size == want->gso_size && h.csum_start == want->csum_start &&
	       h.csum_offset == want->csum_offset;
}

static bool arrives(FIXTURE_DATA(frags) *self, size_t len,
		    const struct virtio_net_hdr *want)
{
	ssize_t n = recv_frame(self->host, self->got, self->sent);

	return frame_same(self->got + HDR, n - HDR, self->sent, len) &&
	       same_hdr(self->got, want);
}

TEST_F_TIMEOUT(frags, frames_of_all_kinds_and_sizes, 120)
{
	struct virtio_net_hdr_mrg_rxbuf h;
	long long_frames = 0, singles;
	unsigned int i, k;
	size_t len;

	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		/* Tun does not know UDP segmentation before 6.2. */
		if (kinds[k].proto == IPPROTO_UDP && guest_kernel_before(6, 2))
			continue;
		for (i = 0; i < ARRAY_SIZE(payloads); i++) {
			/* The MTU of the macvtap, and no frame of one segment. */
			if (!kinds[k].gso && payloads[i] > 60000)
				continue;
			len = build(&kinds[k], self->sent, payloads[i],
				    self->seq++, &h);
			ASSERT_EQ(0, guest_tx_sync(&self->g, &h, self->sent, len));
			ASSERT_TRUE(arrives(self, len, &h.hdr)) {
				TH_LOG("%s, %u bytes", kinds[k].name, payloads[i]);
			}
			long_frames += kinds[k].gso && payloads[i] >= 4096;
		}
	}
	singles = guest_stat(&self->g, "tx", "singles");
	TH_LOG("%ld frames in fragments, %ld sent alone", nr_frags(&self->g), singles);
	if (has_frags(variant->backend))
		EXPECT_LE(long_frames, nr_frags(&self->g));
	if (variant->backend != NAPI_FRAGS)
		EXPECT_LE(long_frames, singles);
	EXPECT_EQ(0, fd_count(self->g.vq[TX].err));
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

TEST_F_TIMEOUT(frags, chains, 120)
{
	static const uint32_t pieces[] = { 1, 2, 3, 16, 17, 18, 65, 200 };
	static const uint16_t sizes[] = { 4500, 20000, 65160 };
	struct virtio_net_hdr_mrg_rxbuf h;
	struct guest *g = &self->g;
	unsigned int i, k;
	uint32_t cut[256];
	uint64_t gpa;
	size_t len;

	if (variant->backend == NAPI_FRAGS && guest_kernel_before(5, 12))
		SKIP(return, "such a tap takes no piece of more than a page");
	for (i = 0; i < ARRAY_SIZE(pieces); i++) {
		for (k = 0; k < 2 * ARRAY_SIZE(sizes); k++) {
			len = build(&kinds[0], self->sent, sizes[k / 2],
				    self->seq++, &h);
			cut_evenly(cut, pieces[i], g->hdr_len + len);
			gpa = guest_scratch(g, g->hdr_len + len);
			ASSERT_EQ(0, guest_write_hdr(g, gpa, &h));
			ASSERT_EQ(0, guest_write(g, gpa + g->hdr_len, self->sent, len));
			ASSERT_LE(0, guest_tx_segs(g, gpa, cut, pieces[i], k & 1));
			vq_kick(&g->vq[TX]);
			ASSERT_EQ(0, vq_drain(&g->vq[TX], 1, WAIT_MS));
			ASSERT_TRUE(arrives(self, len, &h.hdr)) {
				TH_LOG("%zu bytes in %u pieces", len, pieces[i]);
			}
		}
	}
}

/*
 * Frames wait in a socket while more are sent. The memory of a frame may only be used
 * again when it has left the socket, and frames that find no memory arrive as well.
 */
TEST_F_TIMEOUT(frags, waiting_frames_keep_their_memory, 120)
{
	static const unsigned int waits[] = { 1, 2, 3, 30, 150, 3, 20 };
	struct virtio_net_hdr_mrg_rxbuf h;
	unsigned int i, k, at;
	uint32_t first;
	size_t len;

	for (i = 0; i < ARRAY_SIZE(waits); i++) {
		for (k = 0; k < 3; k++) {
			first = self->seq;
			for (at = 0; at < waits[i]; at++) {
				len = build(&kinds[0], self->sent,
					    4100 + self->seq * 7919 % 61000,
					    self->seq, &h);
				self->seq++;
				ASSERT_EQ(0, guest_tx_sync(&self->g, &h,
							   self->sent, len));
			}
			for (at = first; at < self->seq; at++) {
				len = build(&kinds[0], self->sent,
					    4100 + at * 7919 % 61000, at, &h);
				ASSERT_TRUE(arrives(self, len, &h.hdr)) {
					TH_LOG("frame %u of %u", at - first, waits[i]);
				}
			}
		}
	}
	TH_LOG("%ld of %u frames in fragments", nr_frags(&self->g), self->seq);
	if (has_frags(variant->backend))
		EXPECT_LT(self->seq / 3, nr_frags(&self->g));
}

/* A frame that stays in a socket does not keep the queue from using other memory again. */
TEST_F_TIMEOUT(frags, others_pass_a_waiting_frame, 120)
{
	const bool is_tap = variant->backend != MACVTAP;
	struct virtio_net_hdr_mrg_rxbuf h;
	int one = 1, waiting;
	unsigned int i;
	size_t len;

	/* A full socket takes no second frame. */
	waiting = host_open(is_tap ? self->tap.name : "veth1", HOST_VNET_HDR | HOST_ALL);
	ASSERT_LE(0, waiting);
	ASSERT_EQ(0, setsockopt(waiting, SOL_SOCKET, SO_RCVBUF, &one, sizeof(one)));
	for (i = 0; i < 600; i++) {
		len = build(&kinds[0], self->sent, 60000, self->seq++, &h);
		ASSERT_EQ(0, guest_tx_sync(&self->g, &h, self->sent, len));
		ASSERT_TRUE(arrives(self, len, &h.hdr)) {
			TH_LOG("frame %u", i);
		}
	}
	if (has_frags(variant->backend))
		EXPECT_EQ(600, nr_frags(&self->g));
	close(waiting);
}

TEST_F(frags, default_is_one_piece)
{
	struct virtio_net_hdr_mrg_rxbuf h;
	unsigned int i;

	ASSERT_EQ(0, guest_set_frags(&self->g, 0));
	for (i = 0; i < 8; i++)
		ASSERT_EQ(0, guest_tx_sync(&self->g, &h, self->sent,
					   build(&kinds[0], self->sent, 40000,
						 self->seq + i, &h)));
	for (i = 0; i < 8; i++) {
		build(&kinds[0], self->sent, 40000, self->seq++, &h);
		ASSERT_TRUE(arrives(self, 40054, &h.hdr));
	}
	EXPECT_EQ(0, nr_frags(&self->g));
}

/* ---- changes while frames are sent ---- */

struct toggle {
	struct guest *g;
	bool must_stop;
	unsigned int nr;
	int err;
};

static void *toggle(void *data)
{
	struct toggle *t = data;

	while (!t->err && !__atomic_load_n(&t->must_stop, __ATOMIC_ACQUIRE)) {
		t->err = guest_set_frags(t->g, t->nr++ & 1);
		usleep(200);
	}
	return NULL;
}

/* Send @nr frames at once, without waiting for the host. */
static int send_some(FIXTURE_DATA(frags) *self, unsigned int nr, uint32_t *len)
{
	struct virtio_net_hdr_mrg_rxbuf h;
	unsigned int i;
	int err = 0;

	for (i = 0; i < nr && err >= 0; i++) {
		len[i] = build(&kinds[0], self->sent, 2000 + (self->seq + i) * 7919 % 63000,
			       self->seq + i, &h);
		err = guest_tx(&self->g, &h, self->sent, len[i]);
	}
	vq_kick(&self->g.vq[TX]);
	return err < 0 ? err : 0;
}

TEST_F_TIMEOUT(frags, switched_while_frames_are_sent, 120)
{
	struct toggle t = { .g = &self->g };
	struct virtio_net_hdr_mrg_rxbuf h;
	unsigned int round, i;
	uint32_t len[24];
	pthread_t thread;
	long nr;

	ASSERT_EQ(0, pthread_create(&thread, NULL, toggle, &t));
	for (round = 0; round < 60; round++) {
		ASSERT_EQ(0, send_some(self, ARRAY_SIZE(len), len));
		for (i = 0; i < ARRAY_SIZE(len); i++) {
			build(&kinds[0], self->sent, len[i] - 54, self->seq++, &h);
			ASSERT_TRUE(arrives(self, len[i], &h.hdr)) {
				TH_LOG("round %u frame %u", round, i);
			}
		}
		ASSERT_EQ(0, vq_drain(&self->g.vq[TX], ARRAY_SIZE(len), WAIT_MS));
	}
	__atomic_store_n(&t.must_stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, t.err);
	nr = nr_frags(&self->g);
	TH_LOG("%ld of %u frames in fragments, %u changes", nr, self->seq, t.nr);
	if (has_frags(variant->backend)) {
		EXPECT_LT(0, nr);
		EXPECT_GE(self->seq, nr);
	}
	EXPECT_EQ(0, fd_count(self->g.vq[TX].err));
}

/* The queue gives its memory back while frames from it still wait. */
TEST_F_TIMEOUT(frags, memory_of_a_stopped_queue, 120)
{
	struct virtio_net_hdr_mrg_rxbuf h;
	unsigned int round, i;
	uint32_t len[12];

	for (round = 0; round < 5; round++) {
		ASSERT_EQ(0, send_some(self, ARRAY_SIZE(len), len));
		ASSERT_EQ(0, vq_drain(&self->g.vq[TX], ARRAY_SIZE(len), WAIT_MS));
		ASSERT_EQ(0, guest_stop(&self->g));
		ASSERT_EQ(0, guest_start(&self->g, self->backend));
		if (round == 4)
			sleep(6);	/* idle queues give memory back as well */
		for (i = 0; i < ARRAY_SIZE(len); i++) {
			build(&kinds[0], self->sent, len[i] - 54, self->seq++, &h);
			ASSERT_TRUE(arrives(self, len[i], &h.hdr));
		}
	}
}

/* ---- segmentation in software ---- */

FIXTURE(segments) {
	struct guest g;
	struct tap tap;
	int sink;
};

FIXTURE_VARIANT(segments) {
	unsigned int offload;	/* of the tap that needs segments */
};

FIXTURE_VARIANT_ADD(segments, shared) { TUN_F_CSUM };
FIXTURE_VARIANT_ADD(segments, copied) { 0 };

FIXTURE_SETUP(segments)
{
	struct guest_cfg cfg = { .features = F_QEMU };

	if (!guest_is_ours())
		SKIP(return, "vhost-tap only");
	ASSERT_EQ(0, net_ns());
	ASSERT_EQ(0, tap_make(&self->tap, IFF_VNET_HDR, 1, 12));
	ASSERT_EQ(0, link_mtu(self->tap.name, 1500));
	self->sink = tap_open("vtap1", IFF_VNET_HDR);
	ASSERT_LE(0, self->sink);
	ASSERT_EQ(0, tap_hdr_len(self->sink, 12));
	ASSERT_EQ(0, tap_offload(self->sink, variant->offload));
	ASSERT_EQ(0, run("ip link set vtap1 txqueuelen 3000 && ip link set vtap1 up"));
	ASSERT_EQ(0, run("ip link add br0 type bridge && ip link set br0 up"));
	ASSERT_EQ(0, run("ip link set vtap0 master br0 && ip link set vtap1 master br0"));
	ASSERT_EQ(0, guest_init(&self->g, &cfg));
	ASSERT_EQ(0, guest_set_frags(&self->g, 1));
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
}

FIXTURE_TEARDOWN(segments)
{
	guest_free(&self->g);
	close(self->sink);
	tap_free(&self->tap);
}

/* Read the next segment of the frame @sent. Return: its bytes of payload, or -errno */
static ssize_t read_segment(int fd, uint8_t *got, const uint8_t *sent)
{
	int64_t end = now_ms() + WAIT_MS;
	ssize_t n;

	for (;;) {
		n = read(fd, got, FRAME_ROOM);
		if (n > 12 + 54 && !memcmp(got + 12, sent, 14))
			return n - 12 - 54;
		if (n < 0 && (errno != EAGAIN || now_ms() > end))
			return -errno;
		if (n < 0)
			fd_wait(fd, 100);
	}
}

/* Frames become segments, all of which wait in the tap's queue before they are read. */
TEST_F_TIMEOUT(segments, have_the_bytes_of_their_frame, 120)
{
	uint8_t *sent = malloc(FRAME_ROOM), *got = malloc(FRAME_ROOM);
	static const unsigned int batch[] = { 1, 5, 40, 2 };
	struct virtio_net_hdr_mrg_rxbuf h;
	unsigned int i, k, seq = 0, first;
	size_t len, at;
	ssize_t n;

	for (i = 0; i < ARRAY_SIZE(batch); i++) {
		first = seq;
		for (k = 0; k < batch[i]; k++, seq++) {
			len = build(&kinds[0], sent, 5000 + seq * 7919 % 60000, seq, &h);
			ASSERT_EQ(0, guest_tx_sync(&self->g, &h, sent, len));
		}
		for (k = first; k < seq; k++) {
			len = build(&kinds[0], sent, 5000 + k * 7919 % 60000, k, &h);
			for (at = 54; at < len; at += n) {
				n = read_segment(self->sink, got, sent);
				ASSERT_LT(0, n) {
					TH_LOG("frame %u at %zu of %zu", k, at, len);
				}
				ASSERT_GE(1448, n);
				ASSERT_EQ(0, memcmp(got + 12 + 54, sent + at, n)) {
					TH_LOG("frame %u at %zu of %zu", k, at, len);
				}
			}
			ASSERT_EQ(len, at);
		}
	}
	if (has_frags(TAP))
		EXPECT_EQ(seq, nr_frags(&self->g));
	free(sent);
	free(got);
}

TEST_HARNESS_MAIN
