// SPDX-License-Identifier: GPL-2.0
/*
 * client.c - a client of the module that reads commands from stdin
 *
 * It has one device and a tap, and uses the guest of the selftests (guest.h).
 *
 *   tx N          send N packets
 *   drop N        send N frames that are too short
 *   flood N       send N such frames without waiting for each
 *   starve N      let N packets arrive without posting buffers; for root of the host
 *   feed N        post N buffers and receive for half a second
 *   break         publish a descriptor that does not exist
 *   restart       stop the queues and start them again
 *   stop          stop them
 *   file LAYOUT   open another device of two pairs with that enum vhost_tap_layout
 *                 (one worker if shared) and close the previous one; -1 only closes
 *   files N       open N more devices, of one pair and one worker each
 *   move VRING    assign a vring of that device to its first worker
 *   attach        create the tap again for its file, after it was deleted
 *   swap          close the backend's file, which the device keeps, and give its number
 *                 to another tap, ctlswap
 *   limit RATE BURST PPS
 *                 limit the TX vring; 0 for no limit
 *   frags 0|1     page fragments for the GSO frames of the TX vring
 *   worker DEVICE TID
 *                 move the worker of a device to another thread
 *   heir          fork a process that keeps all files open and does nothing else
 *
 * Usage: client NAME. Prints "ok" or "failed ERRNO" when it is ready and after each
 * command. Ends at the end of stdin. Environment:
 *
 *   CLIENT_BACKEND  macvtap or packet: NAME is a macvtap on a veth, or a veth with a
 *                   packet socket; otherwise it is a tap
 *   CLIENT_IOTLB    the guest is behind an IOMMU, and the client replies to each miss
 *   CLIENT_THREAD   a thread sets up the device, prints "thread TID" to stderr, and ends
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../../include/uapi/linux/vhost_tap.h"
#include "genl.h"
#include "guest.h"
#include "iotlb.h"
#include "net.h"
#include "pairs.h"

static struct guest g;
static struct iotlb iommu;
static struct tap tap = { .host = -1 };
static int file = -1;

/* Open the backend's file, on a veth. */
static int open_on_veth(const char *name, const char *kind)
{
	int err, index = 10000 + getpid();

	if (!strcmp(kind, "packet"))
		return link_veth(name, "ctlfar") ?: host_open(name, 0);
	err = link_veth("ctlnear", "ctlfar") ?:
	      link_macvtap(name, "ctlnear", MACVLAN_MODE_BRIDGE, index);
	return err ?: macvtap_open(index, 12);
}

/* Open the backend's file, and the packet socket at its other end. */
static int open_backend(const char *name)
{
	const char *kind = getenv("CLIENT_BACKEND");
	int err;

	snprintf(tap.name, sizeof(tap.name), "%s", name);
	if (kind)
		tap.fd[0] = open_on_veth(name, kind);
	else
		tap.fd[0] = tap_open(tap.name, IFF_VNET_HDR);
	if (tap.fd[0] < 0)
		return tap.fd[0];
	tap.nr = 1;
	err = kind ? 0 : tap_hdr_len(tap.fd[0], 12) ?: link_up(tap.name);
	if (err)
		return err;
	tap.host = host_open(kind ? "ctlfar" : tap.name, 0);
	/* Root of a user namespace may not enlarge the buffer of a socket. */
	return tap.host < 0 && tap.host != -EPERM ? tap.host : 0;
}

static int start(const char *name)
{
	struct guest_cfg cfg = { .features = F_QEMU };
	int err = open_backend(name);

	if (err)
		return err;
	if (getenv("CLIENT_IOTLB")) {
		cfg.features |= F_ACCESS_PLATFORM;
		return iotlb_up(&iommu, &g, &cfg, tap.fd[0]);
	}
	return guest_init(&g, &cfg) ?: guest_start(&g, tap.fd[0]);
}

static int send_frames(long n, size_t len)
{
	uint8_t f[1500];
	int err = 0;

	frame_raw(f, sizeof(f), 0);
	while (n-- > 0 && !err)
		err = guest_tx_sync(&g, NULL, f, len);
	return err;
}

static int flood(long n)
{
	uint8_t f[60] = { 0 };

	while (n-- > 0) {
		if (guest_tx(&g, NULL, f, 5) < 0) {
			n++;
			usleep(100);
		} else {
			vq_kick(&g.vq[TX]);
		}
		while (vq_get_used(&g.vq[TX], NULL, NULL) == 1)
			;
	}
	return 0;
}

static int starve(long n)
{
	uint8_t f[100];
	int err = 0;

	frame_raw(f, sizeof(f), 0);
	while (n-- > 0 && err >= 0)
		err = host_send(tap.host, f, sizeof(f));
	return err < 0 ? err : 0;
}

static int feed(long n)
{
	uint8_t f[2048];
	int err = guest_rx_post(&g, n, 2048);

	while (!err && guest_rx(&g, NULL, f, sizeof(f), 500) > 0)
		;
	return err;
}

static int break_ring(void)
{
	struct vq *q = &g.vq[TX];

	q->avail->ring[q->avail_idx++ % q->num] = 0xffff;
	vq_publish(q);
	vq_kick_hard(q);
	return fd_wait(q->err, WAIT_MS) ? 0 : -ETIMEDOUT;
}

static int open_file(long layout)
{
	const long shared = 2;

	if (file >= 0)
		close(file);
	file = -1;
	if (layout < 0)
		return 0;
	file = open(guest_node(), O_RDWR | O_CLOEXEC);
	if (file < 0)
		return -errno;
	return node_set_pairs(file, 2) ?:
	       node_set_layout(file, layout, layout == shared) ?:
	       guest_ioctl(file, VHOST_SET_OWNER, NULL);
}

/* These files stay open until the process ends. */
static int open_nodes(long n)
{
	struct rlimit limit;
	int err = 0;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return -errno;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		return -errno;
	while (n-- > 0 && !err) {
		int fd = open(guest_node(), O_RDWR | O_CLOEXEC);

		if (fd < 0)
			return -errno;
		err = guest_ioctl(fd, VHOST_SET_OWNER, NULL);
	}
	return err;
}

static int attach(void)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };

	memcpy(ifr.ifr_name, tap.name, sizeof(ifr.ifr_name));
	return ioctl(tap.fd[0], TUNSETIFF, &ifr) ? -errno : 0;
}

static int swap(void)
{
	int fd = tap_open("ctlswap", IFF_VNET_HDR), err;

	if (fd < 0)
		return fd;
	err = dup2(fd, tap.fd[0]) < 0 ? -errno : 0;
	close(fd);
	return err;
}

static int set_limit(uint64_t rate, uint64_t burst, uint64_t pps)
{
	struct vhost_tap_vring_limit l = {
		.index = TX, .rate = rate, .burst = burst, .pps = pps,
	};

	return guest_ioctl(g.vhost, VHOST_TAP_SET_VRING_LIMIT, &l);
}

static int move_worker(uint32_t device, uint32_t tid)
{
	const struct genl_attr attr[] = {
		{ VHOST_TAP_A_WORKER_DEVICE, device },
		{ VHOST_TAP_A_WORKER_INDEX, 0 },
		{ VHOST_TAP_A_WORKER_TID, tid },
	};
	int fd = genl_open(), err;

	if (fd < 0)
		return fd;
	err = genl_set(fd, VHOST_TAP_CMD_WORKER_SET, attr, 3);
	close(fd);
	return err;
}

static int heir(void)
{
	pid_t pid = fork();

	while (!pid)
		pause();
	return pid < 0 ? -errno : 0;
}

static int obey(const char *line)
{
	char verb[16] = "";
	long n = 0, burst = 0, pps = 0;

	if (sscanf(line, "%15s %ld %ld %ld", verb, &n, &burst, &pps) < 1)
		return -EINVAL;
	if (!strcmp(verb, "tx"))
		return send_frames(n, 100);
	if (!strcmp(verb, "drop"))
		return send_frames(n, 5);
	if (!strcmp(verb, "flood"))
		return flood(n);
	if (!strcmp(verb, "starve"))
		return starve(n);
	if (!strcmp(verb, "feed"))
		return feed(n);
	if (!strcmp(verb, "break"))
		return break_ring();
	if (!strcmp(verb, "restart"))
		return guest_restart(&g, tap.fd[0]);
	if (!strcmp(verb, "stop"))
		return guest_stop(&g);
	if (!strcmp(verb, "file"))
		return open_file(n);
	if (!strcmp(verb, "files"))
		return open_nodes(n);
	if (!strcmp(verb, "move"))
		return node_attach(file, n, 0);
	if (!strcmp(verb, "attach"))
		return attach();
	if (!strcmp(verb, "swap"))
		return swap();
	if (!strcmp(verb, "limit"))
		return set_limit(n, burst, pps);
	if (!strcmp(verb, "frags"))
		return guest_set_frags(&g, n);
	if (!strcmp(verb, "worker"))
		return move_worker(n, burst);
	if (!strcmp(verb, "heir"))
		return heir();
	return -EINVAL;
}

static void answer(int err)
{
	if (err)
		printf("failed %s\n", strerror(-err));
	else
		printf("ok\n");
	fflush(stdout);
}

static void *run_start(void *name)
{
	fprintf(stderr, "thread %ld\n", syscall(SYS_gettid));
	return (void *)(long)start(name);
}

/* Start in a thread that ends before this returns. */
static int start_in_thread(char *name)
{
	pthread_t t;
	void *err;
	int ret = pthread_create(&t, NULL, run_start, name);

	if (!ret)
		ret = pthread_join(t, &err);
	return ret ? -ret : (long)err;
}

int main(int argc, char **argv)
{
	char line[128];
	int err;

	if (argc != 2) {
		fprintf(stderr, "usage: client NAME\n");
		return 2;
	}
	err = getenv("CLIENT_THREAD") ? start_in_thread(argv[1]) :
					start(argv[1]);
	answer(err);
	while (!err && fgets(line, sizeof(line), stdin))
		answer(obey(line));
	if (getenv("CLIENT_IOTLB"))
		iotlb_down(&iommu, &g);
	else
		guest_free(&g);
	tap_free(&tap);
	return !!err;
}
