// SPDX-License-Identifier: GPL-2.0
/*
 * The guest in a process: the vhost file, set-up, end, packets in both directions.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../../../../include/uapi/linux/vhost_tap.h"
#include "guest.h"
#include "net.h"

#define KSFT_SKIP	4	/* kselftest.h */

#define PAGE		4096UL
#define DEBUGFS		"/sys/kernel/debug/vhost_tap"

/* ---- device ---- */

const char *guest_node(void)
{
	const char *node = getenv("VTAP_NODE");

	return node && *node ? node : "/dev/vhost-tap";
}

/* Compare the kernel's release. Distributions backport changes, so use this with care. */
bool guest_kernel_before(unsigned int major, unsigned int minor)
{
	unsigned int is_major = 0, is_minor = 0;
	struct utsname u;

	if (uname(&u) || sscanf(u.release, "%u.%u", &is_major, &is_minor) != 2)
		return false;
	return is_major < major || (is_major == major && is_minor < minor);
}

/*
 * Check whether RX from a tap works without recvmsg() after the first packet. It does not
 * in a module that was built without access to a tap's ring (make check-recvmsg), nor
 * before 5.11, where the module cannot update the tap's counters, nor on a big-endian
 * machine, where it cannot know the byte order of the tap's headers.
 */
bool guest_rx_is_direct(void)
{
	return !IS_BIG_ENDIAN && !getenv("VTAP_RECVMSG") && !guest_kernel_before(5, 11);
}

/* Check for vhost-tap: tests that in-tree vhost-net is known to fail skip otherwise. */
bool guest_is_ours(void)
{
	const char *want = getenv("VTAP_OURS");

	if (want)
		return *want == '1';
	return !strstr(guest_node(), "vhost-net");
}

int guest_ioctl(int fd, unsigned long req, void *arg)
{
	return ioctl(fd, req, arg) < 0 ? -errno : 0;
}

int guest_vring_state(int fd, unsigned long req, unsigned int index,
		      unsigned int num)
{
	struct vhost_vring_state s = { .index = index, .num = num };

	return guest_ioctl(fd, req, &s);
}

int guest_vring_file(int fd, unsigned long req, unsigned int index, int file)
{
	struct vhost_vring_file f = { .index = index, .fd = file };

	return guest_ioctl(fd, req, &f);
}

/* Return: as vq_base(), or -errno */
long guest_get_base(int fd, unsigned int index)
{
	struct vhost_vring_state s = { .index = index };
	int err = guest_ioctl(fd, VHOST_GET_VRING_BASE, &s);

	return err ?: (long)s.num;
}

/* Choose page fragments for the GSO frames of TX; vhost-tap only. */
int guest_set_frags(struct guest *g, unsigned int enable)
{
	struct vhost_tap_vring_gso_frags f = {
		.index = g->vq[TX].index, .enable = enable,
	};

	return guest_ioctl(g->vhost, VHOST_TAP_SET_VRING_GSO_FRAGS, &f);
}

/* Return: bits 0 to 63 of the offered features, 0 on an error */
uint64_t guest_offered(int fd)
{
	uint64_t features = 0;

	return guest_ioctl(fd, VHOST_GET_FEATURES, &features) ? 0 : features;
}

int guest_set_addr(struct guest *g, unsigned int index)
{
	struct vq *q = &g->vq[index];
	struct vhost_vring_addr a = {
		.index = q->index,
		.desc_user_addr = (uintptr_t)q->desc + q->shift,
		.avail_user_addr = (uintptr_t)q->avail + q->shift,
		.used_user_addr = (uintptr_t)q->used + q->shift,
	};

	if (q->is_logged) {
		a.flags = 1 << VHOST_VRING_F_LOG;
		a.log_guest_addr = q->gpa + ((char *)q->used - (char *)q->desc);
	}
	return guest_ioctl(g->vhost, VHOST_SET_VRING_ADDR, &a);
}

/* ---- set-up and restart ---- */

/* The newest debugfs folder of this process belongs to the fd just opened. */
void guest_find_debugfs(struct guest *g)
{
	struct guest other = { .vhost = -1 };
	long best = -1, serial;
	struct dirent *de;
	char *end;
	DIR *d;

	d = opendir(DEBUGFS);
	if (!d)
		return;
	while ((de = readdir(d))) {
		serial = strtol(de->d_name, &end, 10);
		if (end == de->d_name || serial < best)
			continue;
		snprintf(other.debugfs, sizeof(other.debugfs), DEBUGFS "/%ld",
			 serial);
		if (guest_stat(&other, "state", "owner_pid") != getpid())
			continue;
		best = serial;
		memcpy(g->debugfs, other.debugfs, sizeof(g->debugfs));
	}
	closedir(d);
}

/* Set up one vring from the start, as QEMU does. */
int guest_vq_setup(struct guest *g, unsigned int index, unsigned int base)
{
	struct vq *q = &g->vq[index];
	int err;

	index = q->index;
	err = guest_vring_state(g->vhost, VHOST_SET_VRING_NUM, index, q->num);
	if (!err)
		err = guest_vring_state(g->vhost, VHOST_SET_VRING_BASE, index,
					base);
	if (!err)
		err = guest_set_addr(g, index % 2);
	if (!err)
		err = guest_vring_file(g->vhost, VHOST_SET_VRING_KICK, index,
				       q->kick);
	if (!err)
		err = guest_vring_file(g->vhost, VHOST_SET_VRING_CALL, index,
				       q->call);
	if (!err)
		err = guest_vring_file(g->vhost, VHOST_SET_VRING_ERR, index,
				       q->err);
	return err;
}

/* Place a ring in guest memory, page-aligned and contiguous for the device. */
static int ring_inside(struct guest *g, unsigned int index, unsigned int num)
{
	size_t at = (g->kept + PAGE - 1) & ~(PAGE - 1), len = vq_bytes(num);
	struct vq *q = &g->vq[index];
	uint8_t *p;
	int err;

	if (!g->view && len > g->chunk_len - at % g->chunk_len)
		at += g->chunk_len - at % g->chunk_len;
	if (at + len > g->mem_len)
		return -ENOMEM;
	g->kept = at + len;
	p = g->view ? g->view + at : guest_ptr(g, guest_gpa(g, at), NULL);
	err = vq_init_at(q, index, num, g->features, p);
	q->gpa = guest_gpa(g, at);
	q->shift = g->view ? q->gpa - (uintptr_t)p : 0;
	return err;
}

static int rings_init(struct guest *g, const struct guest_cfg *cfg)
{
	unsigned int i, num;
	int err = 0;

	for (i = 0; !err && i < 2; i++) {
		num = cfg->num[i] ?: 256;
		if (cfg->rings_inside || g->view)
			err = ring_inside(g, i, num);
		else
			err = vq_init(&g->vq[i], i, num, g->features);
	}
	return err;
}

/* Open a device for this guest. */
int guest_open(struct guest *g, const char *node)
{
	g->vhost = open(node, O_RDWR | O_CLOEXEC);
	if (g->vhost < 0)
		return -errno;
	return guest_ioctl(g->vhost, VHOST_SET_OWNER, NULL);
}

/*
 * Set up features, memory and both vrings, which continue at @base. The node refuses
 * legacy rings on a big-endian machine, so the test is skipped there.
 */
int guest_setup(struct guest *g, const uint32_t base[2])
{
	if (IS_BIG_ENDIAN && guest_is_ours() && !(g->features & F_VERSION_1)) {
		printf("#      SKIP      legacy rings on a big-endian machine\n");
		fflush(stdout);
		_exit(KSFT_SKIP);
	}
	return guest_ioctl(g->vhost, VHOST_SET_FEATURES, &g->features) ?:
	       guest_set_mem(g) ?: guest_vq_setup(g, RX, base[RX]) ?:
	       guest_vq_setup(g, TX, base[TX]);
}

int guest_init(struct guest *g, const struct guest_cfg *cfg)
{
	uint64_t features = cfg->features, v2 = 2;
	uint32_t base[2];
	int err;

	*g = (struct guest){ .vhost = -1, .memfd = -1, .features = features };
	g->hdr_len = features & (F_MRG_RXBUF | F_VERSION_1) ? 12 : 10;
	err = guest_mem_init(g, cfg) ?: rings_init(g, cfg) ?:
	      guest_open(g, guest_node());
	if (!err && cfg->msg_v2)
		err = guest_ioctl(g->vhost, VHOST_SET_BACKEND_FEATURES, &v2);
	if (!err) {
		base[RX] = vq_base(&g->vq[RX]);
		base[TX] = vq_base(&g->vq[TX]);
		err = guest_setup(g, base);
	}
	guest_find_debugfs(g);
	return err;
}

int guest_attach(struct guest *g, unsigned int index, int backend)
{
	return guest_vring_file(g->vhost, VHOST_NET_SET_BACKEND,
				g->vq[index].index, backend);
}

int guest_start(struct guest *g, int backend)
{
	return guest_attach(g, RX, backend) ?: guest_attach(g, TX, backend);
}

int guest_stop(struct guest *g)
{
	return guest_attach(g, RX, -1) ?: guest_attach(g, TX, -1);
}

/*
 * Stop both queues and get their positions.
 * Return: 0, -errno, or -EPROTO if a queue has not used all that it took
 */
int guest_stop_at(struct guest *g, uint32_t base[2])
{
	int i, err = guest_stop(g);
	long at;

	for (i = 0; !err && i < 2; i++) {
		at = guest_get_base(g->vhost, g->vq[i].index);
		base[i] = at;
		if (!vq_is_base(&g->vq[i], at))
			err = -EPROTO;
	}
	return err;
}

/* Set up new rings without old content, as a guest reboot does. */
int guest_restart(struct guest *g, int backend)
{
	int i, err = guest_stop(g);

	for (i = 0; !err && i < 2; i++) {
		vq_reset(&g->vq[i]);
		err = guest_vq_setup(g, i, vq_base(&g->vq[i]));
	}
	return err ?: guest_start(g, backend);
}

void guest_free(struct guest *g)
{
	if (g->vhost >= 0)
		close(g->vhost);
	vq_free(&g->vq[RX]);
	vq_free(&g->vq[TX]);
	guest_mem_free(g);
	g->vhost = -1;
}

/* Give a test its network namespace, a tap and a guest that is not started. */
int guest_on_tap(struct guest *g, struct tap *t, const struct guest_cfg *cfg)
{
	bool vhost_hdr = cfg->features & F_NET_HDR;
	int hdr_len = cfg->features & (F_MRG_RXBUF | F_VERSION_1) ? 12 : 10;

	return net_ns() ?:
	       tap_make(t, vhost_hdr ? 0 : IFF_VNET_HDR, 1,
			vhost_hdr ? 0 : hdr_len) ?:
	       guest_init(g, cfg);
}

void guest_off_tap(struct guest *g, struct tap *t)
{
	guest_free(g);
	tap_free(t);
}

/* ---- packets ---- */

/* Tests use headers in CPU order; those in guest memory are little-endian. */
static void swap_hdr(struct virtio_net_hdr_mrg_rxbuf *h)
{
	h->hdr.hdr_len = drv_le16(h->hdr.hdr_len);
	h->hdr.gso_size = drv_le16(h->hdr.gso_size);
	h->hdr.csum_start = drv_le16(h->hdr.csum_start);
	h->hdr.csum_offset = drv_le16(h->hdr.csum_offset);
	h->num_buffers = drv_le16(h->num_buffers);
}

int guest_write_hdr(struct guest *g, uint64_t gpa,
		    const struct virtio_net_hdr_mrg_rxbuf *hdr)
{
	uint8_t bytes[GUEST_HDR_MAX] = {};

	if (hdr) {
		memcpy(bytes, hdr, g->hdr_len);
		swap_hdr((void *)bytes);
	}
	return guest_write(g, gpa, bytes, g->hdr_len);
}

static uint64_t put_packet(struct guest *g,
			   const struct virtio_net_hdr_mrg_rxbuf *hdr,
			   const void *frame, size_t len)
{
	uint64_t gpa = guest_scratch(g, g->hdr_len + len);

	if (guest_write_hdr(g, gpa, hdr) ||
	    guest_write(g, gpa + g->hdr_len, frame, len))
		return 0;
	return gpa;
}

/* Post and publish one packet in one descriptor; the caller kicks. */
int guest_tx(struct guest *g, const struct virtio_net_hdr_mrg_rxbuf *hdr,
	     const void *frame, size_t len)
{
	struct seg seg = { .len = g->hdr_len + len };
	int head;

	seg.gpa = put_packet(g, hdr, frame, len);
	if (!seg.gpa)
		return -EFAULT;
	head = vq_add(&g->vq[TX], &seg, 1, seg.gpa);
	if (head >= 0)
		vq_publish(&g->vq[TX]);
	return head;
}

/* Post @nr short frames; the caller kicks. */
int guest_tx_some(struct guest *g, unsigned int nr)
{
	uint8_t f[60];
	int err = 0;

	frame_raw(f, 60, 0);
	while (nr-- && err >= 0)
		err = guest_tx(g, NULL, f, 60);
	return err < 0 ? err : 0;
}

int guest_tx_kick(struct guest *g, unsigned int nr)
{
	int err = guest_tx_some(g, nr);

	vq_kick(&g->vq[TX]);
	return err;
}

/* The first call after a start is always permitted: cause it, and clear it. */
bool guest_first_call(struct guest *g)
{
	struct vq *q = &g->vq[TX];

	if (guest_tx_some(g, 1))
		return false;
	vq_kick_hard(q);
	if (!vq_take_used(q, 1))
		return false;
	usleep(QUIET_MS * 1000);
	fd_count(q->call);
	return true;
}

/* Post the data at @gpa, cut into @nr pieces; the caller kicks. */
int guest_tx_segs(struct guest *g, uint64_t gpa, const uint32_t *cut,
		  unsigned int nr, bool indirect)
{
	struct seg *seg = calloc(nr, sizeof(*seg));
	uint64_t at = gpa;
	unsigned int i;
	int head;

	if (!seg)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		seg[i].gpa = at;
		seg[i].len = cut[i];
		at += cut[i];
	}
	if (indirect)
		head = vq_add_indirect(g, &g->vq[TX], seg, nr,
				       guest_scratch(g, nr * 16), gpa);
	else
		head = vq_add(&g->vq[TX], seg, nr, gpa);
	free(seg);
	if (head >= 0)
		vq_publish(&g->vq[TX]);
	return head;
}

int guest_tx_sync(struct guest *g, const struct virtio_net_hdr_mrg_rxbuf *hdr,
		  const void *frame, size_t len)
{
	int err = guest_tx(g, hdr, frame, len);

	if (err < 0)
		return err;
	vq_kick(&g->vq[TX]);
	err = vq_wait_used(&g->vq[TX], WAIT_MS);
	if (err != 1)
		return err ?: -ETIMEDOUT;
	return vq_get_used(&g->vq[TX], NULL, NULL) == 1 ? 0 : -EIO;
}

int guest_rx_post(struct guest *g, unsigned int nr, uint32_t len)
{
	struct seg seg = { .len = len, .is_write = true };
	int head = 0;

	while (nr-- && head >= 0) {
		seg.gpa = guest_alloc(g, len);
		if (!seg.gpa)
			return -ENOMEM;
		head = vq_add(&g->vq[RX], &seg, 1, seg.gpa);
	}
	vq_publish(&g->vq[RX]);
	vq_kick(&g->vq[RX]);
	return head < 0 ? head : 0;
}

static int take_rx(struct guest *g, uint64_t *gpa, uint32_t *len, int ms)
{
	int err = vq_wait_used(&g->vq[RX], ms);

	if (err != 1)
		return err ?: -ETIMEDOUT;
	return vq_get_used(&g->vq[RX], len, gpa) == 1 ? 0 : -EIO;
}

static uint32_t posted_len(struct guest *g, uint64_t gpa)
{
	struct vq *q = &g->vq[RX];
	unsigned int i;

	/* Heads keep the cookie after use, so this needs single-descriptor buffers. */
	for (i = 0; i < q->num; i++)
		if (q->slot[i].cookie == gpa)
			return q->slot[i].len;
	return 0;
}

/**
 * guest_rx - receive one packet and return its buffers to the device
 * @hdr: receives the header that the device wrote, in CPU order
 *
 * Return: frame length, -ETIMEDOUT, or -EPROTO if the used elements do not match the
 * packet's length or number of buffers.
 */
ssize_t guest_rx(struct guest *g, struct virtio_net_hdr_mrg_rxbuf *hdr,
		 void *frame, size_t room, int timeout_ms)
{
	struct virtio_net_hdr_mrg_rxbuf h = {};
	unsigned int i, nr = 1;
	size_t got = 0, skip;
	struct seg seg;
	uint64_t gpa;
	uint32_t len;
	int err;

	for (i = 0; i < nr; i++) {
		/* The device publishes the buffers of one packet together. */
		err = take_rx(g, &gpa, &len, i ? 0 : timeout_ms);
		if (err)
			return i ? -EPROTO : err;
		skip = 0;
		if (!i) {
			if (len < g->hdr_len ||
			    guest_read(g, gpa, g->rx_hdr, g->hdr_len))
				return -EPROTO;
			memcpy(&h, g->rx_hdr, sizeof(h));
			swap_hdr(&h);
			skip = g->hdr_len;
			if (g->features & F_MRG_RXBUF)
				nr = h.num_buffers;
			if (!nr || nr > g->vq[RX].num)
				return -EPROTO;
		}
		seg.gpa = gpa;
		seg.len = posted_len(g, gpa);
		seg.is_write = true;
		if (len > seg.len || got + len - skip > room ||
		    guest_read(g, gpa + skip, (char *)frame + got, len - skip))
			return -EPROTO;
		got += len - skip;
		if (vq_add(&g->vq[RX], &seg, 1, gpa) < 0)
			return -EPROTO;
	}
	vq_publish(&g->vq[RX]);
	vq_kick(&g->vq[RX]);
	if (hdr)
		*hdr = h;
	return got;
}

/* ---- observability ---- */

/* Return: number of open files of the machine, or -1 */
long open_files(void)
{
	long n = -1;
	FILE *f = fopen("/proc/sys/fs/file-nr", "r");

	if (f && fscanf(f, "%ld", &n) != 1)
		n = -1;
	if (f)
		fclose(f);
	return n;
}

/**
 * guest_stat - read one counter of this device from debugfs
 * @file: state, rx or tx
 * @name: first word of the line
 *
 * Return: the value, or -1 if the counter does not exist.
 */
long guest_stat(struct guest *g, const char *file, const char *name)
{
	char path[128], line[256], key[64];
	long val = -1, v;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", g->debugfs, file);
	f = fopen(path, "r");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63[^ :\t]%*[ :\t]%li", key, &v) == 2 &&
		    !strcmp(key, name))
			val = v;
	}
	fclose(f);
	return val;
}
