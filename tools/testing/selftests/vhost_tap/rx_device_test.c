// SPDX-License-Identifier: GPL-2.0
/*
 * RX without recvmsg from a tap that changes or does not match the features: another
 * header length, deleted while packets wait, replaced, moved to another namespace. The
 * device must not deliver wrong data, must keep counters right, and must not access
 * freed memory (run it with KASAN).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <sys/syscall.h>

#include "kselftest_harness.h"
#include "guest.h"
#include "net.h"
#include "traffic.h"

static const struct guest_cfg qemu = { .features = F_QEMU };

/* ---- a tap that does not match the features ---- */

FIXTURE(odd_tap) {
	struct guest g;
	int tap;
	int host;
};

FIXTURE_VARIANT(odd_tap) {
	unsigned int flags;
	int hlen;
	bool curable;		/* a change of the header length helps */
};

FIXTURE_VARIANT_ADD(odd_tap, short_header) {
	IFF_VNET_HDR | IFF_NO_PI, 10, true,
};
FIXTURE_VARIANT_ADD(odd_tap, long_header) {
	IFF_VNET_HDR | IFF_NO_PI, 16, true,
};
FIXTURE_VARIANT_ADD(odd_tap, no_header) {
	IFF_NO_PI, 0, false,
};
FIXTURE_VARIANT_ADD(odd_tap, packet_info) {
	IFF_VNET_HDR, 12, false,
};

FIXTURE_SETUP(odd_tap)
{
	struct ifreq ifr = { .ifr_name = "vtap0",
			     .ifr_flags = IFF_TAP | variant->flags };

	ASSERT_EQ(0, net_ns());
	self->tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	ASSERT_EQ(0, ioctl(self->tap, TUNSETIFF, &ifr));
	if (variant->hlen)
		ASSERT_EQ(0, tap_hdr_len(self->tap, variant->hlen));
	ASSERT_EQ(0, link_up("vtap0"));
	self->host = host_open("vtap0", 0);
	ASSERT_LE(0, self->host);
	ASSERT_EQ(0, guest_init(&self->g, &qemu));
	ASSERT_EQ(0, guest_start(&self->g, self->tap));
	ASSERT_EQ(0, guest_rx_post(&self->g, 100, 2048));
}

FIXTURE_TEARDOWN(odd_tap)
{
	guest_free(&self->g);
	close(self->tap);
	close(self->host);
}

TEST_F(odd_tap, delivers_no_damaged_packet)
{
	struct guest *g = &self->g;
	uint8_t f[200], got[2048];
	int i;

	for (i = 0; i < 20; i++) {
		frame_raw(f, 200, i);
		ASSERT_EQ(0, host_send(self->host, f, 200));
	}
	EXPECT_EQ(-ETIMEDOUT, guest_rx(g, NULL, got, sizeof(got), QUIET_MS));
	if (guest_is_ours()) {
		EXPECT_EQ(20, guest_stat(g, "rx", "fault.RX_REFUSED"));
	}
	if (!variant->curable)
		return;

	/* Corrected while it runs, it works. */
	ASSERT_EQ(0, tap_hdr_len(self->tap, 12));
	for (i = 0; i < 20; i++) {
		ASSERT_TRUE(frame_in(g, self->host, 200, i));
	}
	if (guest_is_ours()) {
		EXPECT_EQ(guest_rx_is_direct() ? 21 : 40,
			  guest_stat(g, "rx", "singles"));
	}
}

/* Other features while it runs: another header length on both sides. */
TEST(header_length_changes_while_running)
{
	uint64_t features = F_INDIRECT | F_EVENT_IDX, modern = F_QEMU;
	struct guest_cfg cfg = { .features = features };
	struct guest g;
	struct tap t;
	int i;

	ASSERT_EQ(0, guest_on_tap(&g, &t, &cfg));
	ASSERT_EQ(0, guest_start(&g, t.fd[0]));
	ASSERT_EQ(0, guest_rx_post(&g, 20, 2048));
	for (i = 0; i < 100; i++) {
		if (i == 50) {
			ASSERT_EQ(0, guest_ioctl(g.vhost, VHOST_SET_FEATURES,
						 &modern));
			ASSERT_EQ(0, tap_hdr_len(t.fd[0], 12));
			g.features = modern;
			g.hdr_len = 12;
		}
		ASSERT_TRUE(frame_in(&g, t.host, 200, i));
	}
	if (guest_is_ours()) {
		EXPECT_EQ(guest_rx_is_direct() ? 2 : 100,
			  guest_stat(&g, "rx", "singles"));
	}
	guest_off_tap(&g, &t);
}

/* ---- a removed device with packets left ---- */

FIXTURE(gone) {
	struct guest g;
	struct tap t;
};

FIXTURE_SETUP(gone)
{
	uint8_t f[300];
	int i;

	ASSERT_EQ(0, guest_on_tap(&self->g, &self->t, &qemu));
	ASSERT_EQ(0, guest_start(&self->g, self->t.fd[0]));
	ASSERT_EQ(0, guest_rx_post(&self->g, 8, 2048));

	/* 8 are delivered; the worker has taken most others from the tap. */
	for (i = 0; i < 40; i++) {
		frame_raw(f, 300, i);
		ASSERT_EQ(0, host_send(self->t.host, f, 300));
	}
	for (i = 0; vq_used_idx(&self->g.vq[RX]) != 8 && i < 2000; i++)
		usleep(10000);
	usleep(QUIET_MS * 1000);
	ASSERT_EQ(8, vq_used_idx(&self->g.vq[RX]));
}

FIXTURE_TEARDOWN(gone)
{
	guest_off_tap(&self->g, &self->t);
}

/* Attach the same file to another device of the same name. */
static int replug(struct tap *t)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int err;

	memcpy(ifr.ifr_name, t->name, IFNAMSIZ);
	if (ioctl(t->fd[0], TUNSETIFF, &ifr))
		return -errno;
	err = tap_hdr_len(t->fd[0], 12) ?: link_up(t->name);
	close(t->host);
	t->host = host_open(t->name, 0);
	return err ?: t->host < 0 ? t->host : 0;
}

/* Packets that the device counted as sent, or as dropped; -1 without a device. */
static long counted_by(const char *name, bool dropped)
{
	FILE *f = fopen("/proc/self/net/dev", "r");
	char line[512], dev[64];
	long found = -1, n[2];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %63[^:]: %*u %*u %*u %*u %*u %*u %*u %*u %*u %ld %*u %ld",
			   dev, &n[0], &n[1]) == 3 && !strcmp(dev, name))
			found = n[dropped];
	}
	if (f)
		fclose(f);
	return found;
}

static long sent_by(const char *name)
{
	return counted_by(name, false);
}

/* The new device's packets arrive, perhaps after old ones, and it counts them. */
static void works(struct __test_metadata *_metadata, struct guest *g,
		  struct tap *t)
{
	uint8_t f[300], got[2048];
	long before, old = 0, now;
	unsigned int i;
	ssize_t n;

	before = sent_by(t->name);
	ASSERT_LE(0, before);
	frame_raw(f, 250, 1000);
	ASSERT_EQ(0, host_send(t->host, f, 250));
	while ((n = guest_rx(g, NULL, got, sizeof(got), WAIT_MS)) == 300)
		old++;
	ASSERT_EQ(250, n);
	EXPECT_GE(40, old);
	for (i = 0; i < 100; i++) {
		ASSERT_TRUE(frame_in(g, t->host, 250, i));
	}
	usleep(50000);
	now = sent_by(t->name);
	EXPECT_LE(before + 101, now);
	EXPECT_GE(before + 141, now);
}

TEST_F(gone, tap_deleted)
{
	struct guest *g = &self->g;
	uint8_t got[2048];
	long refused;
	int i;

	ASSERT_EQ(0, link_del("vtap0"));
	usleep(100000);
	ASSERT_EQ(0, guest_rx_post(g, 100, 2048));
	for (i = 0; i < 8; i++)
		ASSERT_EQ(300, guest_rx(g, NULL, got, sizeof(got), WAIT_MS));
	EXPECT_EQ(-ETIMEDOUT, guest_rx(g, NULL, got, sizeof(got), QUIET_MS));
	/* Only those taken from the ring; tun itself purges the others. */
	if (guest_is_ours()) {
		refused = guest_stat(g, "rx", "fault.RX_REFUSED");
		if (guest_rx_is_direct()) {
			EXPECT_LT(0, refused);
		}
		EXPECT_GE(32, refused);
	}
	ASSERT_EQ(0, guest_stop(g));
}

/* The file gets another device while the queue runs. */
TEST_F(gone, tap_replaced_while_running)
{
	ASSERT_EQ(0, link_del("vtap0"));
	usleep(100000);
	ASSERT_EQ(0, replug(&self->t));
	ASSERT_EQ(0, guest_rx_post(&self->g, 100, 2048));
	works(_metadata, &self->g, &self->t);
}

/* Packets of a removed device return to the ring of another one. */
TEST_F(gone, tap_replaced_while_stopped)
{
	struct guest *g = &self->g;

	ASSERT_EQ(0, link_del("vtap0"));
	ASSERT_EQ(0, guest_attach(g, RX, -1));
	usleep(100000);
	ASSERT_EQ(0, replug(&self->t));
	ASSERT_EQ(0, guest_attach(g, RX, self->t.fd[0]));
	ASSERT_EQ(0, guest_rx_post(g, 100, 2048));
	works(_metadata, g, &self->t);
}

/* In another namespace the device is only reachable by recvmsg; it still counts. */
TEST_F(gone, tap_moved_to_another_namespace)
{
	struct guest *g = &self->g;
	struct tap *t = &self->t;
	uint8_t got[2048];
	int i;

	if (run("ip link show dev vtap0 >/dev/null 2>&1"))
		SKIP(return, "no ip");
	ASSERT_EQ(0, guest_rx_post(g, 100, 2048));
	for (i = 0; i < 40; i++)
		ASSERT_EQ(300, guest_rx(g, NULL, got, sizeof(got), WAIT_MS));
	/* The shell inherits this and moves the device back to our namespace. */
	i = open("/proc/self/ns/net", O_RDONLY);
	ASSERT_LE(0, i);
	ASSERT_EQ(0, net_ns());
	ASSERT_EQ(0, run("nsenter --net=/proc/self/fd/%d ip link set vtap0 netns %d",
			 i, getpid()));
	close(i);
	ASSERT_EQ(0, link_up("vtap0"));
	close(t->host);
	t->host = host_open("vtap0", 0);
	ASSERT_LE(0, t->host);
	works(_metadata, g, t);
}

/* ---- a full tap queue when the RX queue stops ---- */

#define QUEUE_LEN	100
#define BATCH		64	/* packets that a pass takes from the tap */

/* The host may send more than the tap takes. */
static void send_some(int host, unsigned int nr)
{
	uint8_t f[300];

	while (nr--) {
		frame_raw(f, 300, 0);
		(void)!host_send(host, f, 300);
	}
}

/*
 * A starved queue holds a batch of packets, and the host fills the tap's queue again.
 * The packets that the tap does not take back are counted, so none is lost unseen.
 */
TEST(full_queue_drops_are_counted)
{
	unsigned int nr_sent = 2 * QUEUE_LEN, nr_got = 0;
	long dropped, lost;
	uint8_t got[2048];
	struct guest g;
	struct tap t;
	int i;

	ASSERT_EQ(0, guest_on_tap(&g, &t, &qemu));
	if (!guest_is_ours())
		SKIP(return, "in-tree vhost-net does not count them");
	ASSERT_EQ(0, run("ip link set %s txqueuelen %d", t.name, QUEUE_LEN));
	send_some(t.host, QUEUE_LEN);
	ASSERT_EQ(0, guest_start(&g, t.fd[0]));
	for (i = 0; !guest_stat(&g, "rx", "starved") && i < 2000; i++)
		usleep(10000);
	ASSERT_EQ(1, guest_stat(&g, "rx", "starved"));
	send_some(t.host, QUEUE_LEN);
	ASSERT_EQ(0, guest_attach(&g, RX, -1));
	lost = guest_stat(&g, "rx", "fault.RX_NO_ROOM");
	/* With recvmsg alone, packets stay in the tap. */
	EXPECT_EQ(getenv("VTAP_RECVMSG") ? 0 : BATCH, lost);
	dropped = counted_by(t.name, true);
	EXPECT_LE(1, dropped);

	ASSERT_EQ(0, guest_rx_post(&g, 200, 2048));
	ASSERT_EQ(0, guest_attach(&g, RX, t.fd[0]));
	while (guest_rx(&g, NULL, got, sizeof(got), WAIT_MS) == 300)
		nr_got++;
	EXPECT_EQ(nr_sent, nr_got + dropped + lost);
	guest_off_tap(&g, &t);
}

/* ---- XDP ---- */

/* Let a program with the verdict XDP_TX return each frame that the tap gets. Return: fd */
static int xdp_return(const char *name)
{
	static const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_TX },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr load = {
		.prog_type = BPF_PROG_TYPE_XDP, .insn_cnt = 2,
		.insns = (uintptr_t)code, .license = (uintptr_t)"GPL",
	}, link = {};
	int fd, prog = syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load));

	if (prog < 0)
		return -errno;
	link.link_create.prog_fd = prog;
	link.link_create.target_ifindex = if_nametoindex(name);
	link.link_create.attach_type = BPF_XDP;
	fd = syscall(SYS_bpf, BPF_LINK_CREATE, &link, sizeof(link));
	close(prog);
	return fd < 0 ? -errno : fd;
}

/* The tap's queue has frames without an sk_buff. */
TEST(frames_of_xdp)
{
	static const size_t len[] = { 60, 61, 1000, 1514 };
	uint8_t f[1514], got[2048];
	struct guest g;
	struct tap t;
	ssize_t n;
	int fd, i;

	ASSERT_EQ(0, guest_on_tap(&g, &t, &qemu));
	ASSERT_EQ(0, guest_start(&g, t.fd[0]));
	ASSERT_EQ(0, guest_rx_post(&g, 100, 2048));
	fd = xdp_return(t.name);
	ASSERT_LE(0, fd);
	for (i = 0; i < 40; i++) {
		frame_raw(f, len[i % 4], i);
		ASSERT_LE(0, guest_tx(&g, NULL, f, len[i % 4]));
		vq_kick(&g.vq[TX]);
		n = guest_rx(&g, NULL, got, sizeof(got), WAIT_MS);
		EXPECT_TRUE(frame_same(got, n, f, len[i % 4]))
			TH_LOG("frame %d", i);
	}
	close(fd);
	EXPECT_TRUE(frame_in(&g, t.host, 200, 99));
	guest_off_tap(&g, &t);
}

TEST_HARNESS_MAIN
