// SPDX-License-Identifier: GPL-2.0
/*
 * The netlink family: what it shows of devices, queues and workers, settings, errnos, dumps
 * and notifications. Permissions and namespaces have tests in tools/testing/tapctl.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>

#include "kselftest_harness.h"
#include "../../../../include/uapi/linux/vhost_tap.h"
#include "genl.h"
#include "pairs.h"

#define NR_PAIRS	2
#define NR_QUEUES	(2 * NR_PAIRS)
/* Queues of a file whose dump takes several messages of the kernel. */
#define NR_MANY		512
/* Longer than the interval of notifications. */
#define EVENT_MS	400

FIXTURE(netlink) {
	struct pairs p;
	uint32_t id;
	int nl;
};

FIXTURE_SETUP(netlink)
{
	static const struct guest_cfg qemu = { .features = F_QEMU };

	if (!guest_is_ours())
		SKIP(return, "vhost-tap only");
	ASSERT_EQ(0, net_ns());
	self->nl = genl_open();
	ASSERT_LE(0, self->nl);
	ASSERT_EQ(0, pairs_open(&self->p, NR_PAIRS));
	ASSERT_EQ(0, pairs_up(&self->p, &qemu));
	self->id = genl_device(&self->p.g[0]);
}

FIXTURE_TEARDOWN(netlink)
{
	if (guest_is_ours())
		pairs_free(&self->p);
}

/* Return: an attribute, -ENODATA if it is left out, or another -errno */
static int64_t get(int nl, uint32_t id, uint8_t cmd, uint32_t index, uint16_t type)
{
	uint64_t val = 0;
	int nr = genl_get(nl, cmd, id, index, type, &val, 1);

	return nr == 1 ? (int64_t)val : nr ?: -ENODATA;
}

#define GET(cmd, index, type)	get(self->nl, self->id, cmd, index, type)
#define DEVICE(type)	GET(VHOST_TAP_CMD_DEVICE_GET, GENL_DEVICE, VHOST_TAP_A_DEVICE_##type)
#define QUEUE(i, type)	GET(VHOST_TAP_CMD_QUEUE_GET, i, VHOST_TAP_A_QUEUE_##type)
#define WORKER(i, type)	GET(VHOST_TAP_CMD_WORKER_GET, i, VHOST_TAP_A_WORKER_##type)

/* The first attributes are the device and, except for a device, a queue or worker. */
#define SET(cmd, ...) ({							\
	const struct genl_attr attr[] = { { VHOST_TAP_A_DEVICE_ID, self->id }, __VA_ARGS__ }; \
	genl_set(self->nl, cmd, attr, ARRAY_SIZE(attr));			\
})
#define SET_DEVICE(...)	SET(VHOST_TAP_CMD_DEVICE_SET, __VA_ARGS__)
#define SET_QUEUE(i, ...)							\
	SET(VHOST_TAP_CMD_QUEUE_SET, { VHOST_TAP_A_QUEUE_INDEX, i }, __VA_ARGS__)

/* ---- get ---- */

TEST_F(netlink, device)
{
	EXPECT_EQ(self->id, DEVICE(ID));
	EXPECT_EQ(getpid(), DEVICE(OWNER_PID));
	EXPECT_EQ(NR_QUEUES, DEVICE(NR_QUEUES));
	EXPECT_EQ(NR_PAIRS, DEVICE(NR_WORKERS));
	EXPECT_EQ(F_QEMU, DEVICE(FEATURES));
	EXPECT_EQ(0, DEVICE(FEATURES_HI));
	EXPECT_EQ(self->p.table->nregions, DEVICE(MEMORY_REGIONS));
	EXPECT_EQ(-ENODATA, DEVICE(IOTLB));
	EXPECT_EQ(-ENODATA, DEVICE(DIRTY_LOG));
	EXPECT_EQ(VHOST_TAP_WORKER_LAYOUT_PAIR, DEVICE(WORKER_LAYOUT));
	ASSERT_EQ(0, node_attach(self->p.fd, RX, 1));
	EXPECT_EQ(VHOST_TAP_WORKER_LAYOUT_BY_HAND, DEVICE(WORKER_LAYOUT));
}

TEST_F(netlink, queue)
{
	uint32_t i;

	for (i = 0; i < NR_QUEUES; i++) {
		const struct tap *tap = &self->p.tap[i / 2];
		bool is_tx = i % 2;

		EXPECT_EQ(is_tx ? VHOST_TAP_DIRECTION_TX : VHOST_TAP_DIRECTION_RX,
			  QUEUE(i, DIRECTION));
		EXPECT_EQ(VHOST_TAP_STATE_RUNNING, QUEUE(i, STATE));
		EXPECT_EQ(-ENODATA, QUEUE(i, FAULT));
		EXPECT_EQ(VHOST_TAP_BACKEND_TUN, QUEUE(i, BACKEND));
		EXPECT_EQ(tap->fd[0], QUEUE(i, BACKEND_FD));
		EXPECT_EQ(if_nametoindex(tap->name), QUEUE(i, IFINDEX));
		EXPECT_EQ(DEVICE(NETNS_COOKIE), QUEUE(i, IF_NETNS_COOKIE));
		EXPECT_LE(0, QUEUE(i, IF_DROPPED));
		EXPECT_EQ(256, QUEUE(i, SIZE));
		EXPECT_EQ(i / 2, QUEUE(i, WORKER));
		EXPECT_EQ(-ENODATA, QUEUE(i, STARVED));
		EXPECT_EQ(-ENODATA, QUEUE(i, THROTTLED));
		EXPECT_EQ(0, QUEUE(i, BUSYLOOP_US));
		EXPECT_EQ(-ENODATA, QUEUE(i, RATE));
		EXPECT_EQ(-ENODATA, QUEUE(i, PPS));
		EXPECT_EQ(is_tx ? 0 : -ENODATA, QUEUE(i, GSO_FRAGS));
	}
	ASSERT_EQ(0, guest_attach(&self->p.g[0], TX, -1));
	EXPECT_EQ(VHOST_TAP_STATE_STOPPED, QUEUE(TX, STATE));
	EXPECT_EQ(VHOST_TAP_BACKEND_NONE, QUEUE(TX, BACKEND));
	EXPECT_EQ(-ENODATA, QUEUE(TX, BACKEND_FD));
	EXPECT_EQ(-ENODATA, QUEUE(TX, IFINDEX));
	EXPECT_EQ(-ENODATA, QUEUE(TX, DEPTH));
	/* The same file at another number. */
	ASSERT_EQ(200, dup2(self->p.tap[0].fd[0], 200));
	ASSERT_EQ(0, guest_attach(&self->p.g[0], TX, 200));
	EXPECT_EQ(200, QUEUE(TX, BACKEND_FD));
}

TEST_F(netlink, starved_queue)
{
	struct guest *g = &self->p.g[0];
	uint8_t f[200];
	int i;

	/* The guest has posted 64 buffers. */
	for (i = 0; i < 70; i++) {
		frame_raw(f, sizeof(f), i);
		ASSERT_EQ(0, host_send(self->p.tap[0].host, f, sizeof(f)));
	}
	EXPECT_TRUE(wait_for(QUEUE(RX, STARVED) >= 0));
	EXPECT_LT(0, QUEUE(RX, STARVED_FOR_NS));
	ASSERT_EQ(0, guest_rx_post(g, 64, 2048));
	EXPECT_TRUE(wait_for(QUEUE(RX, STARVED) == -ENODATA));
	EXPECT_EQ(-ENODATA, QUEUE(RX, STARVED_FOR_NS));
}

TEST_F(netlink, worker)
{
	uint64_t queue[NR_QUEUES + 1];
	int i;

	for (i = 0; i < NR_PAIRS; i++) {
		EXPECT_EQ(node_thread_of(self->p.fd, 2 * i), WORKER(i, TID));
		EXPECT_LE(0, WORKER(i, CPU));
		EXPECT_LE(0, WORKER(i, RUN_NS));
		EXPECT_EQ(-ENODATA, WORKER(i, SHARED_TIDS));
	}
	ASSERT_EQ(0, node_attach(self->p.fd, RX, 1));
	EXPECT_EQ(TX, WORKER(0, QUEUES));
	ASSERT_EQ(3, genl_get(self->nl, VHOST_TAP_CMD_WORKER_GET, self->id, 1,
			      VHOST_TAP_A_WORKER_QUEUES, queue, NR_QUEUES + 1));
	EXPECT_EQ(RX, queue[0]);
	EXPECT_EQ(2, queue[1]);
	EXPECT_EQ(3, queue[2]);
}

/* ---- set ---- */

TEST_F(netlink, polling)
{
	EXPECT_EQ(VHOST_TAP_POLL_MODE_OFF, DEVICE(POLLING));
	EXPECT_EQ(0, SET_QUEUE(TX, { VHOST_TAP_A_QUEUE_BUSYLOOP_US, 50 }));
	EXPECT_EQ(50, QUEUE(TX, BUSYLOOP_US));
	EXPECT_EQ(0, QUEUE(RX, BUSYLOOP_US));
	EXPECT_EQ(VHOST_TAP_POLL_MODE_FIXED, DEVICE(POLLING));
	EXPECT_EQ(50, DEVICE(POLL_US));
	EXPECT_EQ(0, SET_DEVICE({ VHOST_TAP_A_DEVICE_POLLING, VHOST_TAP_POLL_MODE_ADAPTIVE },
				{ VHOST_TAP_A_DEVICE_POLL_US, 20 }));
	EXPECT_EQ(VHOST_TAP_POLL_MODE_ADAPTIVE, DEVICE(POLLING));
	EXPECT_EQ(20, DEVICE(POLL_US));
	EXPECT_EQ(0, QUEUE(TX, BUSYLOOP_US));
	EXPECT_EQ(0, SET_DEVICE({ VHOST_TAP_A_DEVICE_POLLING, VHOST_TAP_POLL_MODE_FIXED },
				{ VHOST_TAP_A_DEVICE_POLL_US, 30 }));
	EXPECT_EQ(VHOST_TAP_POLL_MODE_FIXED, DEVICE(POLLING));
	EXPECT_EQ(30, QUEUE(RX, BUSYLOOP_US));
	EXPECT_EQ(0, SET_DEVICE({ VHOST_TAP_A_DEVICE_POLLING, VHOST_TAP_POLL_MODE_OFF }));
	EXPECT_EQ(VHOST_TAP_POLL_MODE_OFF, DEVICE(POLLING));
	EXPECT_EQ(0, DEVICE(POLL_US));
	EXPECT_TRUE(pairs_pass(&self->p));
}

/* How often a worker has polled for the TX queue */
static long nr_polls(struct guest *g)
{
	return guest_stat(g, "tx", "poll_hits") + guest_stat(g, "tx", "poll_misses");
}

/* The new worker of a queue polls for it, although it has done so for no queue before. */
TEST_F(netlink, polling_moves_with_queue)
{
	struct guest *g = &self->p.g[0];
	long before;

	ASSERT_EQ(0, SET_QUEUE(TX, { VHOST_TAP_A_QUEUE_BUSYLOOP_US, 2000 }));
	EXPECT_TRUE(pairs_pass(&self->p));
	EXPECT_TRUE(wait_for(nr_polls(g) > 0));
	ASSERT_EQ(0, node_attach(self->p.fd, TX, 1));
	before = nr_polls(g);
	EXPECT_TRUE(pairs_pass(&self->p));
	EXPECT_TRUE(wait_for(nr_polls(g) > before));
}

TEST_F(netlink, limits)
{
	EXPECT_EQ(0, SET_QUEUE(TX, { VHOST_TAP_A_QUEUE_RATE, 1000000 },
			       { VHOST_TAP_A_QUEUE_BURST, 300000 }));
	EXPECT_EQ(1000000, QUEUE(TX, RATE));
	EXPECT_EQ(300000, QUEUE(TX, BURST));
	EXPECT_EQ(-ENODATA, QUEUE(TX, PPS));
	EXPECT_EQ(0, SET_QUEUE(TX, { VHOST_TAP_A_QUEUE_PPS, 5000 }));
	EXPECT_EQ(1000000, QUEUE(TX, RATE));
	EXPECT_EQ(5000, QUEUE(TX, PPS));
	EXPECT_EQ(0, SET_QUEUE(TX, { VHOST_TAP_A_QUEUE_RATE, 0 }));
	EXPECT_EQ(-ENODATA, QUEUE(TX, RATE));
	EXPECT_EQ(-ENODATA, QUEUE(TX, BURST));
	EXPECT_EQ(5000, QUEUE(TX, PPS));
	EXPECT_EQ(-ENODATA, QUEUE(RX, PPS));
	EXPECT_TRUE(pairs_pass(&self->p));
}

/* Return: the number of measurements in a histogram */
static long nr_measured(int nl, uint32_t id, uint32_t index, uint16_t type)
{
	uint64_t bucket[64];
	int i, nr_buckets;
	long nr = 0;

	nr_buckets = genl_get(nl, VHOST_TAP_CMD_QUEUE_GET, id, index, type, bucket,
			      ARRAY_SIZE(bucket));
	for (i = 0; i < nr_buckets; i++)
		nr += bucket[i];
	return nr;
}

#define NR_MEASURED(i, type)	nr_measured(self->nl, self->id, i, VHOST_TAP_A_QUEUE_##type)

TEST_F(netlink, latency)
{
	EXPECT_EQ(0, QUEUE(TX, LATENCY));
	EXPECT_EQ(-ENODATA, QUEUE(TX, KICK_TO_DONE));
	ASSERT_EQ(0, SET_QUEUE(TX, { VHOST_TAP_A_QUEUE_LATENCY, 1 }));
	ASSERT_EQ(0, SET_QUEUE(RX, { VHOST_TAP_A_QUEUE_LATENCY, 1 }));
	EXPECT_EQ(1, QUEUE(TX, LATENCY));
	EXPECT_EQ(0, NR_MEASURED(TX, KICK_TO_DONE));
	EXPECT_TRUE(pairs_pass(&self->p));
	EXPECT_TRUE(wait_for(NR_MEASURED(TX, KICK_TO_DONE) > 0));
	EXPECT_TRUE(traffic_in(&self->p.g[0], self->p.tap[0].host));
	EXPECT_TRUE(wait_for(NR_MEASURED(RX, WAKE_TO_CALL) > 0));
	EXPECT_EQ(0, QUEUE(2 + TX, LATENCY));
	ASSERT_EQ(0, SET_QUEUE(TX, { VHOST_TAP_A_QUEUE_LATENCY, 0 }));
	EXPECT_EQ(-ENODATA, QUEUE(TX, KICK_TO_DONE));
	/* It starts from zero again. */
	ASSERT_EQ(0, SET_QUEUE(TX, { VHOST_TAP_A_QUEUE_LATENCY, 1 }));
	EXPECT_EQ(0, NR_MEASURED(TX, KICK_TO_DONE));
}

TEST_F(netlink, errnos)
{
	EXPECT_EQ(-ENOENT, QUEUE(NR_QUEUES, STATE));
	EXPECT_EQ(-ENOENT, WORKER(NR_PAIRS, TID));
	EXPECT_EQ(-ENOENT, SET_QUEUE(NR_QUEUES, { VHOST_TAP_A_QUEUE_BUSYLOOP_US, 1 }));
	EXPECT_EQ(-EINVAL, SET(VHOST_TAP_CMD_QUEUE_SET));
	EXPECT_EQ(-EINVAL, SET_DEVICE());
	EXPECT_EQ(-ERANGE, SET_QUEUE(TX, { VHOST_TAP_A_QUEUE_BUSYLOOP_US, 100001 }));
	EXPECT_EQ(-EINVAL, SET_QUEUE(TX, { VHOST_TAP_A_QUEUE_BURST, 1000 }));
	EXPECT_EQ(-EINVAL,
		  SET_DEVICE({ VHOST_TAP_A_DEVICE_POLLING, VHOST_TAP_POLL_MODE_FIXED }));
	EXPECT_EQ(-EINVAL, SET_DEVICE({ VHOST_TAP_A_DEVICE_POLLING, VHOST_TAP_POLL_MODE_OFF },
				      { VHOST_TAP_A_DEVICE_POLL_US, 10 }));
	EXPECT_EQ(0, QUEUE(TX, BUSYLOOP_US));
	self->id += 1000;
	EXPECT_EQ(-ENODEV, DEVICE(ID));
	EXPECT_EQ(-ENODEV, SET_QUEUE(TX, { VHOST_TAP_A_QUEUE_BUSYLOOP_US, 1 }));
	EXPECT_EQ(-ENODEV, SET_DEVICE({ VHOST_TAP_A_DEVICE_POLLING, VHOST_TAP_POLL_MODE_OFF }));
}

/* ---- dumps ---- */

/* Return: the file of a device with @nr pairs and an owner, or -errno */
static int own_file(unsigned int nr)
{
	int fd = open(guest_node(), O_RDWR | O_CLOEXEC);

	return node_set_pairs(fd, nr) ?: guest_ioctl(fd, VHOST_SET_OWNER, NULL) ?: fd;
}

/* The device is followed by another one with @nr_many objects. Return: a failed line, or 0 */
static int check_dump(int nl, uint32_t id, uint8_t cmd, int nr, int nr_many)
{
	static struct genl_item item[NR_QUEUES + NR_MANY];
	int i;

	if (genl_dump(nl, cmd) ||
	    genl_items(nl, item, ARRAY_SIZE(item), WAIT_MS) != nr + nr_many)
		return __LINE__;
	for (i = 0; i < nr + nr_many; i++) {
		bool is_many = i >= nr, is_other = item[i].device != id;

		if (item[i].cmd != cmd || is_other != is_many)
			return __LINE__;
		if (cmd != VHOST_TAP_CMD_DEVICE_GET && item[i].index != i - (is_many ? nr : 0))
			return __LINE__;
	}
	return 0;
}

TEST_F(netlink, dumps)
{
	int fd = own_file(NR_MANY / 2);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, check_dump(self->nl, self->id, VHOST_TAP_CMD_DEVICE_GET, 1, 1));
	EXPECT_EQ(0, check_dump(self->nl, self->id, VHOST_TAP_CMD_QUEUE_GET, NR_QUEUES, NR_MANY));
	EXPECT_EQ(0, check_dump(self->nl, self->id, VHOST_TAP_CMD_WORKER_GET, NR_PAIRS,
				NR_MANY / 2));
	close(fd);
	EXPECT_EQ(0, check_dump(self->nl, self->id, VHOST_TAP_CMD_QUEUE_GET, NR_QUEUES, 0));
}

/* ---- notifications ---- */

TEST_F(netlink, devices_come_and_go)
{
	struct genl_item item[3];
	int nl = genl_listen(), fd;

	ASSERT_LE(0, nl);
	fd = own_file(1);
	ASSERT_LE(0, fd);
	close(fd);
	ASSERT_EQ(2, genl_items(nl, item, 3, EVENT_MS));
	EXPECT_EQ(VHOST_TAP_CMD_DEVICE_ADD_NTF, item[0].cmd);
	EXPECT_EQ(VHOST_TAP_CMD_DEVICE_DEL_NTF, item[1].cmd);
	EXPECT_NE(self->id, item[0].device);
	EXPECT_EQ(item[0].device, item[1].device);
	/* The first message has all attributes. For a device, @state is the number of workers. */
	EXPECT_EQ(1, item[0].state);
	EXPECT_EQ(0, item[1].state);
	close(nl);
}

/* Changes within an interval are one message, with the last state. */
TEST_F(netlink, states)
{
	struct guest *g = &self->p.g[1];
	struct genl_item item[64];
	uint32_t last[2] = {};
	int nl = genl_listen(), i, nr;

	ASSERT_LE(0, nl);
	ASSERT_EQ(0, guest_attach(g, TX, -1));
	ASSERT_EQ(1, genl_items(nl, item, 64, EVENT_MS));
	EXPECT_EQ(VHOST_TAP_CMD_QUEUE_NTF, item[0].cmd);
	EXPECT_EQ(self->id, item[0].device);
	EXPECT_EQ(2 + TX, item[0].index);
	EXPECT_EQ(VHOST_TAP_STATE_STOPPED, item[0].state);
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, guest_attach(g, TX, i % 2 ? -1 : self->p.tap[1].fd[0]));
		ASSERT_EQ(0, guest_attach(g, RX, i % 2 ? self->p.tap[1].fd[0] : -1));
	}
	nr = genl_items(nl, item, 64, EVENT_MS);
	ASSERT_LE(2, nr);
	ASSERT_GE(64, nr);
	for (i = 0; i < nr; i++)
		last[item[i].index % 2] = item[i].state;
	EXPECT_EQ(VHOST_TAP_STATE_RUNNING, last[RX]);
	EXPECT_EQ(VHOST_TAP_STATE_STOPPED, last[TX]);
	close(nl);
}

/* The file is closed while a message is due. */
TEST_F(netlink, close_before_notification)
{
	struct genl_item item[8];
	int nl = genl_listen(), nr;

	ASSERT_LE(0, nl);
	ASSERT_EQ(0, guest_attach(&self->p.g[1], RX, -1));
	ASSERT_EQ(1, poll(&(struct pollfd){ nl, POLLIN }, 1, WAIT_MS));
	/* The second message has to wait for the interval. */
	ASSERT_EQ(0, guest_attach(&self->p.g[1], RX, self->p.tap[1].fd[0]));
	pairs_free(&self->p);
	nr = genl_items(nl, item, 8, EVENT_MS);
	ASSERT_LE(1, nr);
	ASSERT_GE(8, nr);
	EXPECT_EQ(VHOST_TAP_CMD_DEVICE_DEL_NTF, item[nr - 1].cmd);
	close(nl);
}

TEST_HARNESS_MAIN
