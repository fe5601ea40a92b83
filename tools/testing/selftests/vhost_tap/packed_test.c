// SPDX-License-Identifier: GPL-2.0
/*
 * Features of packed rings only: the bases of QEMU and DPDK, ring sizes that are not a
 * power of two, rules of the set-up, calls and kicks in three modes, packets across the
 * end of the ring.
 *
 * Other programs test data, shapes, dirty log and IOTLB with both formats.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "guest.h"
#include "net.h"
#include "traffic.h"

#define FEATURES	(F_QEMU | F_PACKED)

FIXTURE(packed) {
	struct guest g;
	struct tap tap;
};

FIXTURE_SETUP(packed)
{
	struct guest_cfg cfg = { .features = FEATURES, .num = { 60, 60 } };

	if (!guest_is_ours())
		SKIP(return, "in-tree has no packed rings");
	ASSERT_EQ(0, guest_on_tap(&self->g, &self->tap, &cfg));
}

FIXTURE_TEARDOWN(packed)
{
	guest_off_tap(&self->g, &self->tap);
}

/* ---- features ---- */

TEST_F(packed, only_with_version_1)
{
	uint64_t f = F_PACKED | F_EVENT_IDX;
	int fd = open(guest_node(), O_RDWR | O_CLOEXEC);

	ASSERT_EQ(0, guest_ioctl(fd, VHOST_SET_OWNER, NULL));
	EXPECT_TRUE(guest_offered(fd) & F_PACKED);
	EXPECT_EQ(-EOPNOTSUPP, guest_ioctl(fd, VHOST_SET_FEATURES, &f));
	f |= F_VERSION_1;
	EXPECT_EQ(0, guest_ioctl(fd, VHOST_SET_FEATURES, &f));
	close(fd);
}

/* A running ring keeps its format; a stopped one may change it. */
TEST_F(packed, running_queue_keeps_format)
{
	uint64_t split = F_QEMU;
	struct guest *g = &self->g;

	ASSERT_EQ(0, guest_attach(g, RX, self->tap.fd[0]));
	EXPECT_EQ(-EFAULT, guest_ioctl(g->vhost, VHOST_SET_FEATURES, &split));
	ASSERT_EQ(0, guest_attach(g, TX, self->tap.fd[0]));
	EXPECT_EQ(-EFAULT, guest_ioctl(g->vhost, VHOST_SET_FEATURES, &split));
	EXPECT_TRUE(traffic_once(g, self->tap.host));
	ASSERT_EQ(0, guest_stop(g));
	EXPECT_EQ(0, guest_ioctl(g->vhost, VHOST_SET_FEATURES, &split));
	/* The base now means the start of a split ring, and the size is invalid for one. */
	EXPECT_EQ(0, guest_get_base(g->vhost, TX));
	EXPECT_EQ(-EINVAL, guest_attach(g, TX, self->tap.fd[0]));
	EXPECT_EQ(0, guest_ioctl(g->vhost, VHOST_SET_FEATURES, &g->features));
	EXPECT_EQ(0x80008000, guest_get_base(g->vhost, TX));
	EXPECT_EQ(0, guest_attach(g, TX, self->tap.fd[0]));
}

/* ---- set-up ---- */

TEST_F(packed, accepts_sizes_1_to_32768)
{
	static const uint32_t good[] = { 1, 3, 255, 257, 32767, 32768 };
	static const uint32_t bad[] = { 0, 32769, 65535, 65536, ~0U };
	uint64_t split = F_QEMU;
	int i, fd = self->g.vhost;

	for (i = 0; i < ARRAY_SIZE(good); i++)
		EXPECT_EQ(0, guest_vring_state(fd, VHOST_SET_VRING_NUM, 0,
					       good[i]));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(-EINVAL, guest_vring_state(fd, VHOST_SET_VRING_NUM,
						     0, bad[i]));
	ASSERT_EQ(0, guest_ioctl(fd, VHOST_SET_FEATURES, &split));
	EXPECT_EQ(-EINVAL, guest_vring_state(fd, VHOST_SET_VRING_NUM, 0, 257));
}

TEST_F(packed, alignment)
{
	static const struct { int desc, avail, used, err; } at[] = {
		{ 0, 0, 0, 0 }, { 16, 4, 4, 0 }, { 8, 0, 0, -EINVAL },
		{ 1, 0, 0, -EINVAL }, { 0, 2, 0, -EINVAL },
		{ 0, 1, 0, -EINVAL }, { 0, 0, 2, -EINVAL },
	};
	struct vq *q = &self->g.vq[TX];
	uint64_t split = F_QEMU;
	int i;

	for (i = 0; i < ARRAY_SIZE(at); i++) {
		struct vhost_vring_addr a = {
			.index = TX,
			.desc_user_addr = (uintptr_t)q->desc + at[i].desc,
			.avail_user_addr = (uintptr_t)q->avail + at[i].avail,
			.used_user_addr = (uintptr_t)q->used + at[i].used,
		};

		EXPECT_EQ(at[i].err, guest_ioctl(self->g.vhost,
						 VHOST_SET_VRING_ADDR, &a)) {
			TH_LOG("case %d", i);
		}
	}

	/* This address, set before, is valid for a split ring only. */
	ASSERT_EQ(0, guest_ioctl(self->g.vhost, VHOST_SET_FEATURES, &split));
	q->avail = (void *)((char *)q->avail + 2);
	ASSERT_EQ(0, guest_set_addr(&self->g, TX));
	ASSERT_EQ(0, guest_ioctl(self->g.vhost, VHOST_SET_FEATURES,
				 &self->g.features));
	EXPECT_EQ(-EINVAL, guest_attach(&self->g, TX, self->tap.fd[0]));
	EXPECT_EQ(0, guest_attach(&self->g, TX, -1));
	q->avail = (void *)((char *)q->avail - 2);
	ASSERT_EQ(0, guest_set_addr(&self->g, TX));
	ASSERT_EQ(0, guest_attach(&self->g, TX, self->tap.fd[0]));
	EXPECT_TRUE(traffic_once(&self->g, self->tap.host));
}

/* ---- bases ---- */

static int set_base(struct guest *g, uint32_t base)
{
	return guest_vring_state(g->vhost, VHOST_SET_VRING_BASE, TX, base);
}

/* Without a base the ring starts at the first lap, as with DPDK's base 0x8000. */
TEST_F(packed, initial_position)
{
	uint64_t split = F_QEMU;
	struct guest *g = &self->g;
	struct vq *q = &g->vq[TX];

	ASSERT_EQ(0, guest_ioctl(g->vhost, VHOST_SET_FEATURES, &split));
	ASSERT_EQ(0, guest_ioctl(g->vhost, VHOST_SET_FEATURES, &g->features));
	ASSERT_EQ(0, guest_attach(g, TX, self->tap.fd[0]));
	ASSERT_TRUE(traffic_once(g, self->tap.host));
	ASSERT_EQ(0, guest_attach(g, TX, -1));
	EXPECT_EQ(0x80018001, guest_get_base(g->vhost, TX));

	vq_reset(q);
	ASSERT_EQ(0, set_base(g, 0x8000));
	ASSERT_EQ(0, guest_attach(g, TX, self->tap.fd[0]));
	ASSERT_TRUE(traffic_once(g, self->tap.host));
	ASSERT_EQ(0, guest_attach(g, TX, -1));
	EXPECT_EQ(0x80018001, guest_get_base(g->vhost, TX));
}

/* The base is exact at every position of both laps, after each stop. */
TEST_F_TIMEOUT(packed, base_round_trip, 120)
{
	struct guest *g = &self->g;
	struct vq *q = &g->vq[TX];
	uint8_t f[100], got[200];
	unsigned int i, at;
	uint16_t want;

	for (at = 0; at < 2 * q->num; at += 7) {
		want = at < q->num ? PDRV_WRAP | at : at - q->num;
		vq_reset(q);
		vq_start_at(q, want);
		ASSERT_EQ(0, guest_vq_setup(g, TX, want | want << 16));
		EXPECT_EQ((uint32_t)want << 16 | want,
			  guest_get_base(g->vhost, TX));
		for (i = 0; i < 30; i++) {
			ASSERT_EQ(0, guest_attach(g, TX, self->tap.fd[0]));
			frame_raw(f, 100, i);
			ASSERT_EQ(0, guest_tx_sync(g, NULL, f, 100));
			ASSERT_EQ(100, host_recv(self->tap.host, got,
						 sizeof(got), WAIT_MS));
			/* Also while it runs, between two packets. */
			ASSERT_EQ(vq_base(q), guest_get_base(g->vhost, TX));
			ASSERT_EQ(0, guest_attach(g, TX, -1));
			ASSERT_EQ(vq_base(q), guest_get_base(g->vhost, TX)) {
				TH_LOG("from %x, %u packets", want, i + 1);
			}
		}
	}
}

TEST_F(packed, invalid_bases)
{
	static const uint32_t bad[] = {
		60, 0x8000803c, 0x803c8000, 0xffffffff, 0x7fff, 0x80007fff,
	};
	struct guest *g = &self->g;
	uint64_t split = F_QEMU;
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		/* The ring's size may follow later. */
		EXPECT_EQ(0, set_base(g, bad[i]));
		EXPECT_EQ(-EINVAL, guest_attach(g, TX, self->tap.fd[0])) {
			TH_LOG("base %x", bad[i]);
		}
	}
	EXPECT_EQ(0, set_base(g, 0x80008000));
	ASSERT_EQ(0, guest_attach(g, TX, self->tap.fd[0]));
	EXPECT_EQ(-EBUSY, set_base(g, 0x80008000));
	EXPECT_TRUE(traffic_once(g, self->tap.host));
	ASSERT_EQ(0, guest_attach(g, TX, -1));
	ASSERT_EQ(0, guest_ioctl(g->vhost, VHOST_SET_FEATURES, &split));
	EXPECT_EQ(-EINVAL, set_base(g, 0x10000));
}

/* The used position is behind the avail position: the device was not drained. */
TEST_F(packed, used_behind_avail)
{
	struct guest *g = &self->g;
	struct vq *q = &g->vq[TX];
	uint64_t gpa = guest_alloc(g, 4096);
	struct seg seg = { .gpa = gpa, .len = 100 };
	uint8_t f[88], got[200];
	int i;

	frame_raw(f, 88, 1);
	ASSERT_EQ(0, guest_write(g, gpa + 12, f, 88));
	/* Another device took two chains and never used them. */
	for (i = 0; i < 3; i++)
		ASSERT_LE(0, vq_add(q, &seg, 1, i));
	vq_publish(q);
	ASSERT_EQ(0, set_base(g, 0x80008002));
	ASSERT_EQ(0, guest_attach(g, TX, self->tap.fd[0]));
	ASSERT_EQ(88, host_recv(self->tap.host, got, sizeof(got), WAIT_MS));
	EXPECT_EQ(0, host_quiet(self->tap.host, QUIET_MS));
	ASSERT_EQ(0, guest_attach(g, TX, -1));
	EXPECT_EQ(0x80018003, guest_get_base(g->vhost, TX));
}

/* ---- packets across the end of the ring ---- */

/* Seven buffers per packet, 3 descriptors each, reach the end at every place. */
TEST_F(packed, mergeable_over_the_end)
{
	struct guest *g = &self->g;
	struct vq *q = &g->vq[RX];
	struct seg seg[3];
	uint64_t gpa[60], cookie;
	uint8_t f[2000], got[2100];
	uint32_t len, at;
	int i, k, packet;

	for (i = 0; i < 60; i++)
		gpa[i] = guest_alloc(g, 300);
	ASSERT_EQ(0, guest_attach(g, RX, self->tap.fd[0]));
	for (packet = 0; packet < 100; packet++) {
		for (i = 0; i < 7; i++) {
			for (k = 0; k < 3; k++)
				seg[k] = (struct seg){ gpa[i] + k * 100, 100,
						       true };
			ASSERT_LE(0, vq_add(q, seg, 3, i));
		}
		vq_publish(q);
		vq_kick(q);
		frame_raw(f, 1900, packet);
		ASSERT_EQ(0, host_send(self->tap.host, f, 1900));
		for (i = 0, at = 0; i < 7; i++, at += len) {
			ASSERT_EQ(1, i ? vq_has_used(q) :
				     vq_wait_used(q, WAIT_MS)) {
				TH_LOG("packet %d, buffer %d", packet, i);
			}
			ASSERT_EQ(1, vq_get_used(q, &len, &cookie));
			ASSERT_EQ(i, cookie);
			ASSERT_EQ(i < 6 ? 300 : 1912 - 1800, len);
			guest_read(g, gpa[i], got + at, len);
		}
		ASSERT_TRUE(frame_same(got + 12, at - 12, f, 1900));
	}
}

/* ---- notifications ---- */

/* Enable, disable, and one descriptor: at each position, in both laps. */
TEST_F_TIMEOUT(packed, calls_in_three_modes, 120)
{
	struct guest *g = &self->g;
	struct vq *q = &g->vq[TX];
	int i;

	ASSERT_EQ(0, guest_attach(g, TX, self->tap.fd[0]));
	ASSERT_TRUE(guest_first_call(g));
	for (i = 0; i < 25; i++) {
		pdrv_driver(&q->drv)->flags = PDRV_ENABLE;
		fd_count(q->call);
		ASSERT_EQ(0, guest_tx_kick(g, 2));
		ASSERT_TRUE(fd_wait(q->call, WAIT_MS));
		ASSERT_TRUE(vq_take_used(q, 2));

		vq_calls_off(q);
		fd_count(q->call);
		ASSERT_EQ(0, guest_tx_kick(g, 3));
		ASSERT_TRUE(vq_take_used(q, 3));
		ASSERT_FALSE(fd_wait(q->call, 20));

		/* The third descriptor from now on. */
		pdrv_call_at(&q->drv, pdrv_step(&q->drv, q->used_idx, 2));
		ASSERT_EQ(0, guest_tx_kick(g, 2));
		ASSERT_TRUE(vq_take_used(q, 2));
		ASSERT_FALSE(fd_wait(q->call, 20)) {
			TH_LOG("round %d: called too early", i);
		}
		ASSERT_EQ(0, guest_tx_kick(g, 1));
		ASSERT_TRUE(fd_wait(q->call, WAIT_MS)) {
			TH_LOG("round %d: not called", i);
		}
		ASSERT_TRUE(vq_take_used(q, 1));
	}
}

/* A position in the previous lap never causes a call. */
TEST_F(packed, call_event_with_other_wrap_counter)
{
	struct guest *g = &self->g;
	struct vq *q = &g->vq[TX];

	ASSERT_EQ(0, guest_attach(g, TX, self->tap.fd[0]));
	ASSERT_TRUE(guest_first_call(g));
	pdrv_call_at(&q->drv, pdrv_step(&q->drv, q->used_idx, 1) ^ PDRV_WRAP);
	ASSERT_EQ(0, guest_tx_kick(g, 5));
	ASSERT_TRUE(vq_take_used(q, 5));
	EXPECT_FALSE(fd_wait(q->call, QUIET_MS));
}

static uint16_t device_mode(struct vq *q)
{
	return drv_load_acquire(drv_field(pdrv_device(&q->drv), flags));
}

static bool mode_becomes(struct vq *q, uint16_t mode)
{
	return wait_for(device_mode(q) == mode);
}

/* An idle device requests a kick for the position of the next descriptor. */
TEST_F(packed, kick_position)
{
	struct guest *g = &self->g;
	struct vq *q = &g->vq[TX];
	int i;

	ASSERT_EQ(0, guest_attach(g, TX, self->tap.fd[0]));
	for (i = 0; i < 150; i++) {
		ASSERT_TRUE(mode_becomes(q, PDRV_DESC));
		ASSERT_EQ(q->avail_idx, pdrv_device(&q->drv)->off_wrap);
		ASSERT_EQ(0, guest_tx_some(g, 1));
		ASSERT_TRUE(vq_kick(q));
		ASSERT_TRUE(vq_take_used(q, 1));
		usleep(2000);
	}
}

/* Without event positions: kicks on if idle, off while packets wait for buffers. */
TEST_F(packed, kick_flags)
{
	struct guest_cfg cfg = { .features = F_VERSION_1 | F_PACKED };
	uint8_t f[100];
	struct guest g;
	int i;

	ASSERT_EQ(0, guest_init(&g, &cfg));
	ASSERT_EQ(0, guest_start(&g, self->tap.fd[0]));
	EXPECT_TRUE(mode_becomes(&g.vq[TX], PDRV_ENABLE));
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, guest_tx_kick(&g, 3));
		ASSERT_TRUE(vq_take_used(&g.vq[TX], 3));
		EXPECT_TRUE(mode_becomes(&g.vq[TX], PDRV_ENABLE));
	}
	/* RX without packets needs no kicks. */
	ASSERT_EQ(0, guest_rx_post(&g, 10, 2048));
	frame_raw(f, 100, 0);
	ASSERT_EQ(0, host_send(self->tap.host, f, 100));
	ASSERT_EQ(1, vq_wait_used(&g.vq[RX], WAIT_MS));
	EXPECT_TRUE(mode_becomes(&g.vq[RX], PDRV_DISABLE));
	for (i = 0; i < 20; i++)
		ASSERT_EQ(0, host_send(self->tap.host, f, 100));
	EXPECT_TRUE(mode_becomes(&g.vq[RX], PDRV_ENABLE));
	guest_free(&g);
}

TEST_HARNESS_MAIN
