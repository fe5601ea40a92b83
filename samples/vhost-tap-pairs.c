// SPDX-License-Identifier: GPL-2.0
/*
 * vhost-tap-pairs.c - several queue pairs behind one /dev/vhost-tap file
 *
 * The program acts as the guest of a file with several pairs, attached to the
 * queues of one multi-queue tap. Each pair sends broadcast frames of the local
 * experimental ethertype. The program then prints the time for each packet and
 * the threads that served the pairs. Start reading at main().
 *
 * Usage: vhost-tap-pairs [-1] [-n PAIRS] [-p PACKETS] [-w pair|vring|NUMBER] [-f NODE] [TAP]
 *   -1  wait for each packet before the next
 *   -f  for comparison: open one file of NODE for each pair, as with vhost-net
 *   -w  workers: one for each pair (default), one for each vring, or NUMBER for
 *       all pairs
 * The tap is created if it does not exist. The exit status is 0, or 1 after a
 * message.
 *
 * Build: cc -O2 -I include/uapi samples/vhost-tap-pairs.c
 */
#define _GNU_SOURCE
#include <endian.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/vhost.h>
#include <linux/vhost_tap.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NUM		64		/* entries of each ring */
#define RING_BYTES	8192		/* bytes reserved for each ring */
#define FRAME_BYTES	256		/* header and frame */
#define HDR_LEN		12		/* VERSION_1 */
#define MAX_PAIRS	256

struct ring {
	struct vring vring;
	int kick, call;
	uint16_t used;
};

static int node;			/* the current file */
static int nodes[MAX_PAIRS];
static unsigned int pairs_of_file;
static uint8_t *memory;			/* memory of the guest */
static struct ring tx[MAX_PAIRS], rx[MAX_PAIRS];

static void node_ioctl(unsigned long request, void *arg, const char *name)
{
	if (ioctl(node, request, arg) < 0)
		err(1, "%s", name);
}

#define NODE(request, arg)	node_ioctl(request, arg, #request)

/* Make the file of a vring the current one. Returns the vring's index in it. */
static unsigned int use(unsigned int vring)
{
	node = nodes[vring / 2 / pairs_of_file];
	return vring % (2 * pairs_of_file);
}

/* Check that the node is vhost-tap and supports pairs and worker layouts. */
static void check_node(unsigned int pairs)
{
	struct vhost_tap_info info = { .size = sizeof(info) };

	if (ioctl(node, VHOST_TAP_GET_INFO, &info))
		errx(1, "this node is not vhost-tap; use -f to open one file for each pair");
	if (!(info.caps & VHOST_TAP_CAP_QUEUE_PAIRS) ||
	    !(info.caps & VHOST_TAP_CAP_WORKERS))
		errx(1, "this version of vhost-tap does not support queue pairs and workers");
	if (pairs > info.max_pairs || pairs > MAX_PAIRS)
		errx(1, "the device supports at most %u pairs", info.max_pairs);
}

static int open_queue(const char *tap)
{
	struct ifreq ifr = {
		.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE,
	};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK), len = HDR_LEN;

	strncpy(ifr.ifr_name, tap, IFNAMSIZ - 1);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) ||
	    ioctl(fd, TUNSETVNETHDRSZ, &len))
		err(1, "%s", tap);
	return fd;
}

static void tap_up(const char *tap)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq ifr = {};

	strncpy(ifr.ifr_name, tap, IFNAMSIZ - 1);
	if (s < 0 || ioctl(s, SIOCGIFFLAGS, &ifr))
		err(1, "%s", tap);
	ifr.ifr_flags |= IFF_UP;
	if (ioctl(s, SIOCSIFFLAGS, &ifr))
		err(1, "%s up", tap);
	close(s);
}

/* Guest memory starts at address 0: all rings, then the frames of each. */
static size_t make_memory(unsigned int pairs)
{
	size_t len = pairs * (2 * RING_BYTES + (size_t)NUM * FRAME_BYTES);

	memory = mmap(NULL, len, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		err(1, "memory");
	return len;
}

static void set_mem_table(size_t len)
{
	struct vhost_memory *table = calloc(1, sizeof(*table) +
					    sizeof(table->regions[0]));

	if (!table)
		err(1, "memory");
	table->nregions = 1;
	table->regions[0].memory_size = len;
	table->regions[0].userspace_addr = (uintptr_t)memory;
	NODE(VHOST_SET_MEM_TABLE, table);
	free(table);
}

/* Vring 2i is pair i's RX, vring 2i + 1 its TX. */
static void make_ring(struct ring *r, unsigned int vring)
{
	unsigned int index = use(vring);
	struct vhost_vring_state state = { .index = index };
	struct vhost_vring_file file = { .index = index };
	struct vhost_vring_addr addr = { .index = index };

	vring_init(&r->vring, NUM, memory + vring * RING_BYTES, 4096);
	r->kick = eventfd(0, EFD_NONBLOCK);
	r->call = eventfd(0, EFD_NONBLOCK);
	state.num = NUM;
	NODE(VHOST_SET_VRING_NUM, &state);
	state.num = 0;
	NODE(VHOST_SET_VRING_BASE, &state);
	addr.desc_user_addr = (uintptr_t)r->vring.desc;
	addr.avail_user_addr = (uintptr_t)r->vring.avail;
	addr.used_user_addr = (uintptr_t)r->vring.used;
	NODE(VHOST_SET_VRING_ADDR, &addr);
	file.fd = r->kick;
	NODE(VHOST_SET_VRING_KICK, &file);
	file.fd = r->call;
	NODE(VHOST_SET_VRING_CALL, &file);
}

static void start_ring(unsigned int vring, int queue)
{
	struct vhost_vring_file file = { .index = use(vring), .fd = queue };

	NODE(VHOST_NET_SET_BACKEND, &file);
}

/* Send a frame in one descriptor, behind a header of zeroes. */
static void send_frame(struct ring *r, unsigned int pair, unsigned int pairs)
{
	uint16_t idx = le16toh(r->vring.avail->idx), slot = idx % NUM;
	uint64_t at = 2ULL * pairs * RING_BYTES +
		      ((uint64_t)pair * NUM + slot) * FRAME_BYTES;
	uint8_t *frame = memory + at + HDR_LEN;

	memset(frame, 0xff, 6);
	memcpy(frame + 6, (uint8_t[]){ 2, 0, 0, 0, pair >> 8, pair }, 6);
	memcpy(frame + 12, (uint8_t[]){ 0x88, 0xb5 }, 2);
	r->vring.desc[slot] = (struct vring_desc){
		.addr = htole64(at), .len = htole32(HDR_LEN + 60),
	};
	r->vring.avail->ring[slot] = htole16(slot);
	__atomic_store_n(&r->vring.avail->idx, htole16(idx + 1), __ATOMIC_RELEASE);
}

static void kick(struct ring *r)
{
	uint64_t one = 1;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!(__atomic_load_n(&r->vring.used->flags, __ATOMIC_RELAXED) &
	      htole16(VRING_USED_F_NO_NOTIFY)) &&
	    write(r->kick, &one, sizeof(one)) < 0)
		err(1, "kick");
}

static void wait_used(struct ring *r, uint16_t idx)
{
	struct pollfd p = { .fd = r->call, .events = POLLIN };
	uint64_t count;

	while (__atomic_load_n(&r->vring.used->idx, __ATOMIC_ACQUIRE) != htole16(idx)) {
		if (poll(&p, 1, 10000) == 0)
			errx(1, "the device did not use the buffers within 10 seconds");
		if (read(r->call, &count, sizeof(count)) < 0 && errno != EAGAIN)
			err(1, "call");
	}
	r->used = idx;
}

static int thread_of(unsigned int vring)
{
	struct vhost_tap_vring_thread t = { .index = vring };

	while (ioctl(node, VHOST_TAP_GET_VRING_THREAD, &t)) {
		if (errno != EAGAIN)
			err(1, "VHOST_TAP_GET_VRING_THREAD");
		usleep(1000);
	}
	return t.tid;
}

static struct vhost_tap_workers parse_workers(const char *s)
{
	struct vhost_tap_workers w = { .layout = VHOST_TAP_WORKERS_SHARED };

	if (!strcmp(s, "pair"))
		w.layout = VHOST_TAP_WORKER_PER_PAIR;
	else if (!strcmp(s, "vring"))
		w.layout = VHOST_TAP_WORKER_PER_VRING;
	else
		w.nr = atoi(s);
	return w;
}

int main(int argc, char **argv)
{
	struct vhost_tap_queue_pairs pairs = { .nr = 4 };
	struct vhost_tap_workers workers = {};
	uint64_t features = 1ULL << VIRTIO_F_VERSION_1;
	unsigned int i, sent, packets = 1000;
	const char *tap, *name = NULL;
	size_t memory_len;
	struct timespec from, to;
	int c, queue[MAX_PAIRS];
	bool one_by_one = false, a_file_each;
	double ns;

	while ((c = getopt(argc, argv, "1f:n:p:w:")) != -1) {
		if (c == 'n')
			pairs.nr = atoi(optarg);
		else if (c == 'f')
			name = optarg;
		else if (c == 'p')
			packets = atoi(optarg);
		else if (c == 'w')
			workers = parse_workers(optarg);
		else if (c == '1')
			one_by_one = true;
		else
			return 1;
	}
	a_file_each = !!name;
	tap = optind < argc ? argv[optind] : "vtap-sample";

	if (!pairs.nr || pairs.nr > MAX_PAIRS)
		errx(1, "-n takes a number from 1 to %u", MAX_PAIRS);
	pairs_of_file = a_file_each ? 1 : pairs.nr;
	memory_len = make_memory(pairs.nr);
	for (i = 0; i < pairs.nr / pairs_of_file; i++) {
		node = open(name ?: "/dev/vhost-tap", O_RDWR);
		nodes[i] = node;
		if (node < 0)
			err(1, "%s", name ?: "/dev/vhost-tap");

		/* Without an owner: set the number of pairs and workers. */
		if (!a_file_each) {
			check_node(pairs.nr);
			NODE(VHOST_TAP_SET_QUEUE_PAIRS, &pairs);
			NODE(VHOST_TAP_SET_WORKERS, &workers);
		}

		/* From here on as with vhost-net. First the calls for a file. */
		NODE(VHOST_SET_OWNER, NULL);
		NODE(VHOST_SET_FEATURES, &features);
		set_mem_table(memory_len);
	}

	/* Then the calls for each vring. */
	for (i = 0; i < pairs.nr; i++) {
		queue[i] = open_queue(tap);
		make_ring(&rx[i], 2 * i);
		make_ring(&tx[i], 2 * i + 1);
	}
	tap_up(tap);
	for (i = 0; i < pairs.nr; i++) {
		start_ring(2 * i, queue[i]);
		start_ring(2 * i + 1, queue[i]);
	}

	clock_gettime(CLOCK_MONOTONIC, &from);
	for (sent = 0; sent < packets; sent++) {
		for (i = 0; i < pairs.nr; i++) {
			/* do not overfill the ring */
			if (sent % NUM == 0)
				wait_used(&tx[i], sent);
			send_frame(&tx[i], i, pairs.nr);
			kick(&tx[i]);
			if (one_by_one)
				wait_used(&tx[i], sent + 1);
		}
	}
	for (i = 0; i < pairs.nr; i++)
		wait_used(&tx[i], packets);
	clock_gettime(CLOCK_MONOTONIC, &to);
	for (i = 0; i < pairs.nr && !a_file_each; i++) {
		printf("pair %u: %u packets, RX by thread %d, TX by thread %d\n",
		       i, packets, thread_of(2 * i), thread_of(2 * i + 1));
	}
	ns = (to.tv_sec - from.tv_sec) * 1e9 + to.tv_nsec - from.tv_nsec;
	printf("%.0f ns a packet\n", ns / packets / pairs.nr);
	return 0;
}
