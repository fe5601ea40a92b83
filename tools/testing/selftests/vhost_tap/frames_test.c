// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of TX frames: the content of a frame stays intact while the host keeps it,
 * whatever is sent after it (vtap_frames_next_piece(), vtap_xdp_tx_long_alloc()).
 */
#define _GNU_SOURCE
#include <sys/socket.h>

#include "kselftest_harness.h"
#include "guest.h"
#include "net.h"

FIXTURE(frames) {
	struct guest g;
	struct tap tap;
	uint32_t sent;
	uint32_t read;
	uint8_t *want;
	uint8_t *got;
};

FIXTURE_VARIANT(frames) {
	size_t len[4];		/* take turns */
	int batch;
	uint32_t lag;		/* frames that wait unread, at most */
	int rounds;
};

FIXTURE_VARIANT_ADD(frames, small) { { 60, 60, 60, 60 }, 64, 3000, 300 };
FIXTURE_VARIANT_ADD(frames, full) { { 1514, 1514, 1514, 1514 }, 64, 3000, 300 };
FIXTURE_VARIANT_ADD(frames, mixed) { { 60, 1514, 200, 3000 }, 64, 3000, 300 };
FIXTURE_VARIANT_ADD(frames, jumbo) { { 9000, 9000, 9000, 9000 }, 64, 1000, 100 };
/* Around the sizes at which a frame takes another kind of memory. */
FIXTURE_VARIANT_ADD(frames, thresholds) { { 3600, 31700, 16100, 32200 }, 16, 300, 100 };
FIXTURE_VARIANT_ADD(frames, large_mixed) { { 60, 5000, 20000, 1514 }, 64, 1000, 100 };
FIXTURE_VARIANT_ADD(frames, long_between) { { 1514, 60, 9000, 60 }, 64, 3000, 300 };
/* More than VTAP_LONG_FRAMES wait. */
FIXTURE_VARIANT_ADD(frames, longest) { { 60, 65500, 33000, 48000 }, 16, 300, 60 };

FIXTURE_SETUP(frames)
{
	struct guest_cfg cfg = { .features = F_QEMU };
	int bytes = 64 << 20;

	ASSERT_EQ(0, guest_on_tap(&self->g, &self->tap, &cfg));
	ASSERT_EQ(0, setsockopt(self->tap.host, SOL_SOCKET, SO_RCVBUFFORCE,
				&bytes, sizeof(bytes)));
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	self->want = malloc(FRAME_ROOM);
	self->got = malloc(FRAME_ROOM);
	ASSERT_NE(NULL, self->want);
	ASSERT_NE(NULL, self->got);
}

FIXTURE_TEARDOWN(frames)
{
	guest_off_tap(&self->g, &self->tap);
	free(self->want);
	free(self->got);
}

static size_t make(FIXTURE_DATA(frames) *self,
		   const struct _fixture_variant_frames *variant, uint32_t seq)
{
	return frame_raw(self->want, variant->len[seq % 4], seq);
}

static int send_batch(FIXTURE_DATA(frames) *self,
		      const struct _fixture_variant_frames *variant)
{
	struct vq *q = &self->g.vq[TX];
	int i, err;

	for (i = 0; i < variant->batch; i++) {
		size_t len = make(self, variant, self->sent++);

		err = guest_tx(&self->g, NULL, self->want, len);
		if (err < 0)
			return err;
	}
	vq_kick(q);
	return vq_drain(q, variant->batch, WAIT_MS);
}

/* Read @nr frames and compare them with what was sent. */
static int check(FIXTURE_DATA(frames) *self,
		 const struct _fixture_variant_frames *variant, uint32_t nr)
{
	while (nr--) {
		size_t len = make(self, variant, self->read++);
		ssize_t n = host_recv(self->tap.host, self->got, FRAME_ROOM,
				      WAIT_MS);

		if (n < 0)
			return n;
		if (!frame_same(self->got, n, self->want, len))
			return -EBADMSG;
	}
	return 0;
}

/* All frames wait unread, so every piece of memory stays with its frames. */
TEST_F(frames, all_held_stay_intact)
{
	while (self->sent < variant->lag)
		ASSERT_EQ(0, send_batch(self, variant));
	EXPECT_EQ(0, check(self, variant, self->sent));
}

/* Some frames wait unread: pieces are freed early, late, and not in order. */
TEST_F(frames, some_held_stay_intact)
{
	uint32_t keep;
	int i;

	for (i = 0; i < variant->rounds; i++) {
		ASSERT_EQ(0, send_batch(self, variant));
		keep = i * 37 % 11 * 31;
		if (self->sent - self->read > keep)
			ASSERT_EQ(0, check(self, variant,
					   self->sent - self->read - keep));
	}
	EXPECT_EQ(0, check(self, variant, self->sent - self->read));
}

/* The queue stops and starts while its frames wait unread. */
TEST_F(frames, held_stay_intact_over_a_stop)
{
	struct guest *g = &self->g;
	int i;

	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, send_batch(self, variant));
		ASSERT_EQ(0, guest_stop(g));
		ASSERT_EQ(0, guest_start(g, self->tap.fd[0]));
	}
	EXPECT_EQ(0, check(self, variant, self->sent));
}

/*
 * A socket that holds a frame is charged for it (truesize). For a long frame the
 * charge is the whole piece of memory, which is not freed before the frame.
 */
TEST(held_frames_are_charged_to_the_socket)
{
	static const struct {
		size_t len;
		uint32_t room;
	} want[] = {
		{ 33000, 65536 }, { 60000, 65536 }, { 65500, 131072 },
	};
	struct guest_cfg cfg = { .features = F_QEMU };
	uint8_t *f = malloc(FRAME_ROOM);
	socklen_t size;
	struct guest g;
	struct tap t;
	int i;

	if (!guest_is_ours())
		SKIP(return, "in-tree sends long frames one by one");
	ASSERT_EQ(0, guest_on_tap(&g, &t, &cfg));
	ASSERT_EQ(0, guest_start(&g, t.fd[0]));
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		uint32_t info[9] = {};

		frame_raw(f, want[i].len, i);
		ASSERT_EQ(0, guest_tx_sync(&g, NULL, f, want[i].len));
		ASSERT_TRUE(fd_wait(t.host, WAIT_MS));
		size = sizeof(info);
		ASSERT_EQ(0, getsockopt(t.host, SOL_SOCKET, SO_MEMINFO, info,
					&size));
		EXPECT_LE(want[i].room, info[0]) {
			TH_LOG("%zu bytes are charged as %u", want[i].len, info[0]);
		}
		EXPECT_GE(want[i].room + 1024, info[0]);
		ASSERT_EQ(want[i].len, host_recv(t.host, f, FRAME_ROOM, WAIT_MS));
	}
	guest_off_tap(&g, &t);
	free(f);
}

TEST_HARNESS_MAIN
