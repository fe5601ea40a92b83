// SPDX-License-Identifier: GPL-2.0
/*
 * Features beyond the 64 bits of VHOST_SET_FEATURES, IN_ORDER, the worker's kind, and
 * the mask that limits the offered features.
 *
 * In-tree vhost-net has each of them since some kernel; its tests skip before that.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>

#include "kselftest_harness.h"
#include "guest.h"
#include "net.h"
#include "../../../../include/uapi/linux/vhost_tap.h"
#include "traffic.h"

/* As struct vhost_features_array, with room for more words than the driver accepts. */
struct features_array {
	uint64_t count;
	uint64_t f[70];
};

static int open_node(void)
{
	return open(guest_node(), O_RDWR | O_CLOEXEC);
}

/* ---- FEATURES_ARRAY ---- */

FIXTURE(array) {
	int fd;
	uint64_t offered;
	struct features_array w;
};

FIXTURE_SETUP(array)
{
	struct features_array w = {};

	self->fd = open_node();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, guest_ioctl(self->fd, VHOST_SET_OWNER, NULL));
	if (!guest_is_ours() && guest_ioctl(self->fd, VHOST_GET_FEATURES_ARRAY, &w))
		SKIP(return, "in-tree has it since 6.17");
	self->offered = guest_offered(self->fd);
}

FIXTURE_TEARDOWN(array)
{
	close(self->fd);
}

static int get_array(FIXTURE_DATA(array) *self, uint64_t count)
{
	memset(&self->w, 0xee, sizeof(self->w));
	self->w.count = count;
	return guest_ioctl(self->fd, VHOST_GET_FEATURES_ARRAY, &self->w);
}

TEST_F(array, get_every_count)
{
	uint64_t n, i, want;

	for (n = 0; n <= 64; n++) {
		ASSERT_EQ(0, get_array(self, n));
		EXPECT_EQ(n, self->w.count);
		for (i = 0; i < 70; i++) {
			want = i >= n ? 0xeeeeeeeeeeeeeeeeULL :
			       i ? 0 : self->offered;
			/* The second word has the tunnel features or nothing. */
			if (i == 1 && n > 1 && self->w.f[1] == F_TUNNEL_GSO)
				continue;
			ASSERT_EQ(want, self->w.f[i]) {
				TH_LOG("word %d of %d", (int)i, (int)n);
			}
		}
	}
}

TEST_F(array, get_bad_memory)
{
	uint8_t *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t n = 2;

	ASSERT_EQ(0, munmap(p + 4096, 4096));
	EXPECT_EQ(-EFAULT, guest_ioctl(self->fd, VHOST_GET_FEATURES_ARRAY, p + 4092));
	/* The count can be read, but the words cannot be written. */
	memcpy(p + 4088, &n, 8);
	EXPECT_EQ(-EFAULT, guest_ioctl(self->fd, VHOST_GET_FEATURES_ARRAY, p + 4088));
	memcpy(p + 4080, &n, 8);
	EXPECT_EQ(-EFAULT, guest_ioctl(self->fd, VHOST_GET_FEATURES_ARRAY, p + 4080));
	memcpy(p + 4072, &n, 8);
	EXPECT_EQ(0, guest_ioctl(self->fd, VHOST_GET_FEATURES_ARRAY, p + 4072));
}

TEST_F(array, set_each_bit)
{
	uint64_t second;
	int i;

	ASSERT_EQ(0, get_array(self, 2));
	second = self->w.f[1];
	memset(&self->w, 0, sizeof(self->w));
	self->w.count = 64;
	for (i = 0; i < 64 * 64; i++) {
		uint64_t bit = 1ULL << i % 64;
		/* Packed rings also need VERSION_1. */
		bool is_on = (i < 64 && self->offered & bit & ~F_PACKED) ||
			     (i / 64 == 1 && second & bit);

		self->w.f[i / 64] = bit;
		/* These change more than the bit. */
		if (i != 26 && i != 33)
			ASSERT_EQ(is_on ? 0 : -EOPNOTSUPP,
				  guest_ioctl(self->fd, VHOST_SET_FEATURES_ARRAY, &self->w)) {
				TH_LOG("bit %d", i);
			}
		self->w.f[i / 64] = 0;
	}
}

TEST_F(array, set_counts)
{
	uint64_t n;

	memset(&self->w, 0, sizeof(self->w));
	for (n = 0; n <= 64; n++) {
		self->w.count = n;
		self->w.f[0] = n ? F_QEMU : ~0ULL;
		/* Past the end of the array, so it is ignored. */
		self->w.f[n > 1 ? n : 1] = ~0ULL;
		ASSERT_EQ(0, guest_ioctl(self->fd, VHOST_SET_FEATURES_ARRAY, &self->w)) {
			TH_LOG("count %d", (int)n);
		}
		self->w.f[n > 1 ? n : 1] = 0;
	}
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/*
 * In-tree reads the given number of words one by one and ignores signals meanwhile.
 * A client can map any number of zero words for free.
 */
TEST_F(array, count_is_bounded)
{
	static const uint64_t count[] = {
		65, 1 << 20, 1ULL << 31, 1ULL << 32, 1ULL << 61, -1ULL,
		(1ULL << 61) + 1, 1ULL << 63,
	};
	size_t len = 1ULL << 34;
	double start = seconds();
	unsigned int i;
	uint64_t *p;

	if (!guest_is_ours())
		SKIP(return, "in-tree has no bound");
	p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, p);
	for (i = 0; i < ARRAY_SIZE(count); i++) {
		p[0] = count[i];
		EXPECT_EQ(-E2BIG, guest_ioctl(self->fd, VHOST_SET_FEATURES_ARRAY, p));
		EXPECT_EQ(-E2BIG, guest_ioctl(self->fd, VHOST_GET_FEATURES_ARRAY, p));
	}
	EXPECT_GT(5, seconds() - start);
	munmap(p, len);
}

/* ---- IN_ORDER ---- */

FIXTURE(order) {
	struct guest g;
	struct tap tap;
	uint8_t *f;
	uint8_t *got;
};

FIXTURE_VARIANT(order) {
	struct guest_cfg cfg;
	bool ours_only;
};

FIXTURE_VARIANT_ADD(order, plain) {
	.cfg = { .features = F_VERSION_1 | F_IN_ORDER, .num = { 64, 64 } },
};
FIXTURE_VARIANT_ADD(order, event_idx) {
	.cfg = { .features = F_VERSION_1 | F_IN_ORDER | F_EVENT_IDX |
			     F_INDIRECT },
};
/* DPDK expects an element for each buffer, in-tree writes one for each packet. */
FIXTURE_VARIANT_ADD(order, mergeable) {
	.cfg = { .features = F_QEMU | F_IN_ORDER }, .ours_only = true,
};
FIXTURE_VARIANT_ADD(order, packed) {
	.cfg = { .features = F_VERSION_1 | F_IN_ORDER | F_PACKED,
		 .num = { 50, 60 } }, .ours_only = true,
};
FIXTURE_VARIANT_ADD(order, packed_mergeable) {
	.cfg = { .features = F_QEMU | F_IN_ORDER | F_PACKED },
	.ours_only = true,
};

FIXTURE_SETUP(order)
{
	int fd = open_node();

	if (variant->ours_only && !guest_is_ours())
		SKIP(return, "in-tree writes one element for all buffers");
	if (!guest_is_ours() && !(guest_offered(fd) & F_IN_ORDER))
		SKIP(return, "in-tree has it since 6.18");
	close(fd);
	self->f = malloc(FRAME_ROOM);
	self->got = malloc(FRAME_ROOM);
	ASSERT_EQ(0, guest_on_tap(&self->g, &self->tap, &variant->cfg));
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
}

FIXTURE_TEARDOWN(order)
{
	guest_off_tap(&self->g, &self->tap);
	free(self->f);
	free(self->got);
}

/* vq_get_used() checks that each element names the oldest buffer. */
TEST_F_TIMEOUT(order, tx, 120)
{
	struct vq *q = &self->g.vq[TX];
	uint32_t seq = 0, burst, k, len;

	while (seq < 4 * q->num) {
		burst = 1 + seq % 29;
		for (k = 0; k < burst; k++) {
			/* Some packets are batched, some single, some dropped. */
			len = (seq + k) % 7 == 3 ? 5 :
			      60 + (seq + k) % 5 * 1100;
			frame_raw(self->f, len, seq + k);
			ASSERT_LE(0, guest_tx(&self->g, NULL, self->f, len));
		}
		vq_kick(q);
		ASSERT_EQ(0, vq_drain(q, burst, WAIT_MS)) {
			TH_LOG("from %u, %u", seq, burst);
		}
		for (k = 0; k < burst; k++) {
			if ((seq + k) % 7 == 3)
				continue;
			len = 60 + (seq + k) % 5 * 1100;
			ASSERT_TRUE(frame_at_host(self->tap.host, len,
						  seq + k));
		}
		seq += burst;
	}
}

TEST_F_TIMEOUT(order, rx, 120)
{
	bool mrg = variant->cfg.features & F_MRG_RXBUF;
	uint32_t seq, len, bufs = self->g.vq[RX].num;

	ASSERT_EQ(0, guest_rx_post(&self->g, bufs, mrg ? 600 : 10000));
	for (seq = 0; seq < 4 * bufs; seq++) {
		len = 60 + seq % 9 * 1000;
		ASSERT_TRUE(frame_in(&self->g, self->tap.host, len, seq)) {
			TH_LOG("packet %u", seq);
		}
	}
}

/* Stop and start in the middle of the ring. */
TEST_F(order, base_round_trip)
{
	struct vq *q = &self->g.vq[TX];
	long base;
	int i;

	for (i = 0; i < 30; i++) {
		frame_raw(self->f, 100, i);
		ASSERT_EQ(0, guest_tx_sync(&self->g, NULL, self->f, 100));
		ASSERT_EQ(100, host_recv(self->tap.host, self->got, FRAME_ROOM,
					 WAIT_MS));
		if (i % 3)
			continue;
		ASSERT_EQ(0, guest_attach(&self->g, TX, -1));
		base = guest_get_base(self->g.vhost, TX);
		ASSERT_TRUE(vq_is_base(q, base));
		ASSERT_EQ(0, guest_vq_setup(&self->g, TX, base));
		ASSERT_EQ(0, guest_attach(&self->g, TX, self->tap.fd[0]));
	}
}

/* ---- FORK_FROM_OWNER ---- */

static int fork_owner(int fd, uint8_t val)
{
	return guest_ioctl(fd, VHOST_SET_FORK_FROM_OWNER, &val);
}

/* Check for a thread of this process with a worker's name. */
static bool has_thread(void)
{
	char path[300], name[32], want[32];
	bool found = false;
	struct dirent *de;
	DIR *d = opendir("/proc/self/task");
	FILE *f;

	snprintf(want, sizeof(want), "vhost-%d", getpid());
	while (d && (de = readdir(d))) {
		snprintf(path, sizeof(path), "/proc/self/task/%s/comm",
			 de->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fscanf(f, "%31s", name) == 1 && !strcmp(name, want))
			found = true;
		fclose(f);
	}
	if (d)
		closedir(d);
	return found;
}

TEST(fork_from_owner)
{
	int fd = open_node(), task, i;
	uint8_t kind = 77;

	ASSERT_LE(0, fd);
	if (!guest_is_ours() && guest_ioctl(fd, VHOST_GET_FORK_FROM_OWNER, &kind))
		SKIP(return, "in-tree has it since 6.17");
	ASSERT_EQ(0, guest_ioctl(fd, VHOST_GET_FORK_FROM_OWNER, &kind));
	EXPECT_GE(1, kind);
	EXPECT_EQ(-EINVAL, fork_owner(fd, 2));
	EXPECT_EQ(-EINVAL, fork_owner(fd, 255));
	EXPECT_EQ(-EFAULT, guest_ioctl(fd, VHOST_SET_FORK_FROM_OWNER, NULL));
	EXPECT_EQ(-EFAULT, guest_ioctl(fd, VHOST_GET_FORK_FROM_OWNER, NULL));
	/* Before 6.4 there are only kernel threads. */
	task = fork_owner(fd, 1);
	EXPECT_TRUE(!task || task == -EOPNOTSUPP);
	for (i = 0; i < 2; i++) {
		if (i && task)
			break;
		ASSERT_EQ(0, fork_owner(fd, i));
		ASSERT_EQ(0, guest_ioctl(fd, VHOST_GET_FORK_FROM_OWNER, &kind));
		EXPECT_EQ(i, kind);
		ASSERT_EQ(0, guest_ioctl(fd, VHOST_SET_OWNER, NULL));
		EXPECT_EQ(-EBUSY, fork_owner(fd, 0));
		EXPECT_EQ(-EBUSY, fork_owner(fd, 1));
		usleep(50000);
		EXPECT_EQ(i, has_thread()) {
			TH_LOG("kind %d", i);
		}
		ASSERT_EQ(0, guest_ioctl(fd, VHOST_RESET_OWNER, NULL));
	}
	/* A reset restores the default. */
	ASSERT_EQ(0, guest_ioctl(fd, VHOST_GET_FORK_FROM_OWNER, &kind));
	EXPECT_EQ(task ? 0 : 1, kind);
	close(fd);
}

/* Both kinds of worker move packets. */
TEST(fork_from_owner_traffic)
{
	struct guest_cfg cfg = { .features = F_QEMU };
	uint8_t f[100], got[200], kind;
	struct guest g;
	struct tap t;
	int i;

	ASSERT_EQ(0, guest_on_tap(&g, &t, &cfg));
	if (!guest_is_ours() && guest_ioctl(g.vhost, VHOST_GET_FORK_FROM_OWNER, &kind))
		SKIP(return, "in-tree has it since 6.17");
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, guest_ioctl(g.vhost, VHOST_RESET_OWNER, NULL));
		if (fork_owner(g.vhost, i))
			continue;
		ASSERT_EQ(0, guest_ioctl(g.vhost, VHOST_SET_OWNER, NULL));
		ASSERT_EQ(0, guest_ioctl(g.vhost, VHOST_SET_FEATURES,
					 &g.features));
		ASSERT_EQ(0, guest_set_mem(&g));
		ASSERT_EQ(0, guest_restart(&g, t.fd[0]));
		frame_raw(f, 100, i);
		ASSERT_EQ(0, guest_tx_sync(&g, NULL, f, 100));
		EXPECT_EQ(100, host_recv(t.host, got, sizeof(got), WAIT_MS));
	}
	guest_off_tap(&g, &t);
}

/* ---- the feature mask ---- */

static int mask(int fd, uint64_t low, uint64_t high)
{
	struct vhost_tap_feature_mask m = { { low, high } };

	return guest_ioctl(fd, VHOST_TAP_SET_FEATURE_MASK, &m);
}

TEST(feature_mask)
{
	struct vhost_tap_info info = { .size = sizeof(info) };
	uint64_t offered, features;
	struct features_array w = { .count = 2 };
	int fd = open_node();

	if (!guest_is_ours())
		SKIP(return, "vhost-tap only");
	ASSERT_EQ(0, guest_ioctl(fd, VHOST_TAP_GET_INFO, &info));
	EXPECT_TRUE(info.caps & VHOST_TAP_CAP_FEATURE_MASK);
	offered = guest_offered(fd);
	EXPECT_EQ(0, mask(fd, ~0ULL, ~0ULL));
	EXPECT_EQ(offered, guest_offered(fd));
	EXPECT_EQ(0, mask(fd, ~(F_EVENT_IDX | F_IN_ORDER), 0));
	offered &= ~(F_EVENT_IDX | F_IN_ORDER);
	EXPECT_EQ(offered, guest_offered(fd));
	ASSERT_EQ(0, guest_ioctl(fd, VHOST_GET_FEATURES_ARRAY, &w));
	EXPECT_EQ(offered, w.f[0]);
	EXPECT_EQ(0, w.f[1]);
	/* The mask can only become narrower. */
	EXPECT_EQ(0, mask(fd, ~0ULL, ~0ULL));
	EXPECT_EQ(offered, guest_offered(fd));

	ASSERT_EQ(0, guest_ioctl(fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(-EBUSY, mask(fd, 0, 0));
	features = F_EVENT_IDX | F_VERSION_1;
	EXPECT_EQ(-EOPNOTSUPP, guest_ioctl(fd, VHOST_SET_FEATURES, &features));
	features = F_VERSION_1;
	EXPECT_EQ(0, guest_ioctl(fd, VHOST_SET_FEATURES, &features));
	/* The mask stays after its owner. */
	ASSERT_EQ(0, guest_ioctl(fd, VHOST_RESET_OWNER, NULL));
	EXPECT_EQ(offered, guest_offered(fd));
	EXPECT_EQ(-EFAULT, guest_ioctl(fd, VHOST_TAP_SET_FEATURE_MASK, NULL));
	close(fd);
	/* The mask applies to this file only. */
	fd = open_node();
	EXPECT_LE(offered, guest_offered(fd));
	close(fd);
}

/* The module parameter, with the value from load time. */
TEST(parameter_limits_the_offer)
{
	FILE *f = fopen("/sys/module/vhost_tap/parameters/features", "r");
	struct features_array w = { .count = 2 };
	unsigned long low = ~0UL, high = ~0UL;
	int fd = open_node();

	if (!guest_is_ours())
		SKIP(return, "vhost-tap only");
	ASSERT_NE(NULL, f);
	ASSERT_LE(1, fscanf(f, "%lu,%lu", &low, &high));
	fclose(f);
	ASSERT_EQ(0, guest_ioctl(fd, VHOST_GET_FEATURES_ARRAY, &w));
	EXPECT_EQ(0, w.f[0] & ~low);
	EXPECT_EQ(0, w.f[1] & ~high);
	EXPECT_EQ(F_VERSION_1 & low, w.f[0] & F_VERSION_1);
	close(fd);
}

/* ---- kernel options that are off ---- */

/* Debian's kernels lack VHOST_CROSS_ENDIAN_LEGACY, so these calls do not exist. */
TEST(vring_endian_as_in_tree)
{
	struct vhost_vring_state s = {};
	int fd = open_node();

	ASSERT_EQ(0, guest_ioctl(fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(-ENOTTY, guest_ioctl(fd, VHOST_SET_VRING_ENDIAN, &s));
	s.num = 1;
	EXPECT_EQ(-ENOTTY, guest_ioctl(fd, VHOST_SET_VRING_ENDIAN, &s));
	EXPECT_EQ(-ENOTTY, guest_ioctl(fd, VHOST_GET_VRING_ENDIAN, &s));
	close(fd);
}

TEST_HARNESS_MAIN
