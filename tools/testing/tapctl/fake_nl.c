// SPDX-License-Identifier: GPL-2.0
/*
 * fake_nl.c - nl.c without a kernel: devices that exist only in messages
 *
 * check-tool links it with the other files of vhost-tapctl, to run the tool where
 * the module is not loaded. The environment describes the devices:
 *
 *   FAKE_DEVICES  number of devices, of two queues and one worker each (1)
 *   FAKE_OWNER    process id of their owner (none)
 *   FAKE_NAME     name of each queue's fault; any bytes
 *   FAKE_TID      thread id of each worker (none)
 *   FAKE_GROWTH   nanoseconds by which the times of a worker grow from one dump to the
 *                 next (0)
 *   FAKE_DROPPED  packets for the guest that the one tap of all devices dropped; it
 *                 dropped one more of the guest (the taps are not known)
 *   FAKE_IFINDEX  index of this tap (7)
 *   FAKE_NETNS    network namespace of this tap (42)
 *   FAKE_STARVED  times that each queue was without buffers (11)
 *   FAKE_LOADS    percentages of a CPU, "90,40": the load of the worker of each device,
 *                 while it is measured; all others have none
 *   FAKE_BUSY     nanoseconds in passes of queue 0 of each device (not measured)
 *   FAKE_SHARED   number of threads that all workers share in turn, from id 101 on (none)
 *   FAKE_REFUSED  errno that moving a worker fails with (none)
 *   FAKE_EVENTS   milliseconds between two events (none ever)
 *   FAKE_ERROR    errno that opening the socket fails with (none)
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "ctl.h"

struct genl {
	int timer;
	char buf[8192] __attribute__((aligned(NLMSG_ALIGNTO)));
};

static unsigned long env_number(const char *name, unsigned long otherwise)
{
	const char *s = getenv(name);

	return s ? strtoul(s, NULL, 10) : otherwise;
}

/* Devices that can be moved or measured. */
#define NR_MOVABLE	64

static struct {
	bool is_measured;
	bool has_moved;
	uint32_t tid;
} movable[NR_MOVABLE];

static uint32_t shared_tid(unsigned int device)
{
	if (device < NR_MOVABLE && movable[device].has_moved)
		return movable[device].tid;
	return 101 + device % env_number("FAKE_SHARED", 1);
}

static unsigned long load_of(unsigned int device)
{
	const char *at = getenv("FAKE_LOADS");

	while (at && device--) {
		at = strchr(at, ',');
		at += !!at;
	}
	return at ? strtoul(at, NULL, 10) : 0;
}

static void put_load(struct nlmsghdr *nlh, unsigned int device, unsigned int index)
{
	bool is_on = device < NR_MOVABLE && movable[device].is_measured;
	uint64_t busy = index ? 0 : now() * 1e7 * load_of(device);

	if (!index && getenv("FAKE_BUSY")) {
		is_on = true;
		busy = env_number("FAKE_BUSY", 0);
	}
	mnl_attr_put_u32(nlh, VHOST_TAP_A_QUEUE_LOAD, is_on);
	if (is_on)
		mnl_attr_put_u64(nlh, VHOST_TAP_A_QUEUE_BUSY_NS, busy);
}

static void put_shared(struct nlmsghdr *nlh, unsigned int device)
{
	unsigned long nr = env_number("FAKE_SHARED", 0), i;

	if (!nr)
		return;
	mnl_attr_put_u32(nlh, VHOST_TAP_A_WORKER_TID, shared_tid(device));
	for (i = 0; i < nr; i++)
		mnl_attr_put_u32(nlh, VHOST_TAP_A_WORKER_SHARED_TIDS, 101 + i);
}

static struct nlmsghdr *message(struct genl *nl, uint8_t cmd)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(nl->buf);
	struct genlmsghdr *genl;

	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	return nlh;
}

static void put_device(struct nlmsghdr *nlh, unsigned int id)
{
	unsigned int pid = env_number("FAKE_OWNER", 0);

	mnl_attr_put_u32(nlh, VHOST_TAP_A_DEVICE_ID, id);
	mnl_attr_put_u32(nlh, VHOST_TAP_A_DEVICE_NR_QUEUES, 2);
	mnl_attr_put_u32(nlh, VHOST_TAP_A_DEVICE_NR_WORKERS, 1);
	if (pid)
		mnl_attr_put_u32(nlh, VHOST_TAP_A_DEVICE_OWNER_PID, pid);
}

static void put_queue(struct nlmsghdr *nlh, unsigned int device,
		      unsigned int index)
{
	const char *name = getenv("FAKE_NAME") ?: "RX_DROP";
	unsigned long dropped = env_number("FAKE_DROPPED", 0);
	struct nlattr *nest;
	int i;

	mnl_attr_put_u32(nlh, VHOST_TAP_A_QUEUE_DEVICE, device);
	mnl_attr_put_u32(nlh, VHOST_TAP_A_QUEUE_INDEX, index);
	mnl_attr_put_u32(nlh, VHOST_TAP_A_QUEUE_DIRECTION, index % 2);
	mnl_attr_put_u32(nlh, VHOST_TAP_A_QUEUE_STATE,
			 VHOST_TAP_STATE_BROKEN);
	mnl_attr_put_strz(nlh, VHOST_TAP_A_QUEUE_FAULT, name);
	mnl_attr_put_strz(nlh, VHOST_TAP_A_QUEUE_FAULT_MEANS, name);
	mnl_attr_put_strz(nlh, VHOST_TAP_A_QUEUE_IFNAME, name);
	if (dropped) {
		mnl_attr_put_u32(nlh, VHOST_TAP_A_QUEUE_IFINDEX,
				 env_number("FAKE_IFINDEX", 7));
		mnl_attr_put_u64(nlh, VHOST_TAP_A_QUEUE_IF_NETNS_COOKIE,
				 env_number("FAKE_NETNS", 42));
		mnl_attr_put_u32(nlh, VHOST_TAP_A_QUEUE_IF_DROPPED,
				 dropped + index % 2);
	}
	put_load(nlh, device, index);
	nest = mnl_attr_nest_start(nlh, VHOST_TAP_A_QUEUE_COUNTERS);
	for (i = 1; i <= NR_COUNTERS; i++)
		mnl_attr_put_u64(nlh, i, i == VHOST_TAP_A_COUNTERS_STARVED ?
				 env_number("FAKE_STARVED", i) :
				 (unsigned long)i);
	mnl_attr_nest_end(nlh, nest);
	nest = mnl_attr_nest_start(nlh, VHOST_TAP_A_QUEUE_FAULTS);
	mnl_attr_put_strz(nlh, VHOST_TAP_A_FAULT_NAME, name);
	mnl_attr_put_u64(nlh, VHOST_TAP_A_FAULT_COUNT, 1);
	mnl_attr_nest_end(nlh, nest);
}

static void put_worker(struct nlmsghdr *nlh, unsigned int device)
{
	unsigned int tid = env_number("FAKE_TID", 0);
	static unsigned long grown;

	mnl_attr_put_u32(nlh, VHOST_TAP_A_WORKER_DEVICE, device);
	mnl_attr_put_u32(nlh, VHOST_TAP_A_WORKER_QUEUES, 0);
	mnl_attr_put_u32(nlh, VHOST_TAP_A_WORKER_QUEUES, 1);
	put_shared(nlh, device);
	if (!tid)
		return;
	mnl_attr_put_u32(nlh, VHOST_TAP_A_WORKER_TID, tid);
	mnl_attr_put_u64(nlh, VHOST_TAP_A_WORKER_RUN_NS, 1234567890 + grown);
	mnl_attr_put_u64(nlh, VHOST_TAP_A_WORKER_WAIT_NS, 5000000 + grown);
	grown += env_number("FAKE_GROWTH", 0);
	mnl_attr_put_u32(nlh, VHOST_TAP_A_WORKER_CPU, 7);
}

struct genl *genl_open(void)
{
	errno = env_number("FAKE_ERROR", 0);
	return errno ? NULL : calloc(1, sizeof(struct genl));
}

struct genl *genl_open_loaded(void)
{
	return genl_open();
}

void genl_close(struct genl *nl)
{
	free(nl);
}

int genl_fd(const struct genl *nl)
{
	return nl->timer;
}

void genl_all_namespaces(struct genl *nl)
{
	(void)nl;
}

int genl_dump(struct genl *nl, uint8_t cmd,
	      int (*each)(const struct nlmsghdr *nlh, void *data), void *data)
{
	unsigned int nr = env_number("FAKE_DEVICES", 1), id, k;

	for (id = 0; id < nr; id++) {
		for (k = 0; k < (cmd == VHOST_TAP_CMD_QUEUE_GET ? 2 : 1); k++) {
			struct nlmsghdr *nlh = message(nl, cmd);

			if (cmd == VHOST_TAP_CMD_DEVICE_GET)
				put_device(nlh, id);
			else if (cmd == VHOST_TAP_CMD_QUEUE_GET)
				put_queue(nlh, id, k);
			else
				put_worker(nlh, id);
			if (each(nlh, data) < 0)
				return -errno;
		}
	}
	return 0;
}

int genl_set(struct genl *nl, uint8_t cmd, const struct number_attr *attr,
	     size_t nr)
{
	unsigned int device = attr[0].value;

	(void)nl;
	if (nr != 3 || device >= NR_MOVABLE)
		return 0;
	if (cmd == VHOST_TAP_CMD_WORKER_SET) {
		if (getenv("FAKE_REFUSED"))
			return -(int)env_number("FAKE_REFUSED", 0);
		movable[device].has_moved = true;
		movable[device].tid = attr[2].value;
	} else if (attr[2].type == VHOST_TAP_A_QUEUE_LOAD) {
		movable[device].is_measured = attr[2].value;
	}
	return 0;
}

int genl_subscribe(struct genl *nl)
{
	unsigned long ms = env_number("FAKE_EVENTS", 0);
	struct itimerspec when = {
		.it_value = { ms / 1000, ms % 1000 * 1000000 },
		.it_interval = { ms / 1000, ms % 1000 * 1000000 },
	};

	nl->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	return nl->timer < 0 || timerfd_settime(nl->timer, 0, &when, NULL) ?
	       -errno : 0;
}

int genl_receive(struct genl *nl,
		 int (*each)(const struct nlmsghdr *nlh, void *data),
		 void *data)
{
	struct nlmsghdr *nlh;
	uint64_t ticks;

	if (read(nl->timer, &ticks, sizeof(ticks)) < 0)
		return -errno;
	nlh = message(nl, VHOST_TAP_CMD_QUEUE_NTF);
	put_queue(nlh, 0, 0);
	return each(nlh, data) < 0 ? -errno : 0;
}

int genl_failure(const struct genl *nl, int err)
{
	(void)nl;
	warn("%s", strerror(-err));
	return CTL_FAILED;
}
