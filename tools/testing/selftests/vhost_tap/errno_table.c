// SPDX-License-Identifier: GPL-2.0
/*
 * Print the result of every vhost ioctl in every state of a device, one line
 * "state call result" each. errno_diff.sh compares the output of /dev/vhost-net and of
 * /dev/vhost-tap, and so defines "vhost-net compatible".
 *
 * Usage: errno_table NODE
 *
 * Each line uses a fresh file, so the order does not matter.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "errno_table.h"
#include "guest.h"
#include "iotlb.h"
#include "net.h"

#define MEM_LEN		(2UL << 20)
#define EVENTS		3

static struct {
	int dev;
	int tap;
	int event[EVENTS];
	int fds[NR_FD_KINDS];
	uint8_t *mem;		/* guest memory with a ring */
	uint8_t *edge;		/* only its last 4 bytes are readable */
	uint8_t *readonly;
	uint8_t *words;		/* a page of zeroes before unmapped memory */
	uint8_t *log;
	struct vhost_memory *table;
} env;

static const char *const state_names[] = {
	"fresh", "owner", "mem", "set", "running", "stopped", "reset",
	"logging", "iotlb", "iotlb-running",
	"foreign", "foreign-running", "foreign-iotlb",
};

enum state { FRESH, OWNER, MEM, SET, RUNNING, STOPPED, RESET, LOGGING, IOTLB,
	     IOTLB_RUNNING, FOREIGN, FOREIGN_RUNNING, FOREIGN_IOTLB,
	     NR_STATES };

/* ---- bring a device into a state ---- */

static int set_vring(unsigned int i)
{
	uint8_t *ring = env.mem + i * 0x10000;
	struct vhost_vring_addr a = {
		.index = i,
		.desc_user_addr = (uintptr_t)ring,
		.avail_user_addr = (uintptr_t)ring + 0x4000,
		.used_user_addr = (uintptr_t)ring + 0x8000,
	};

	return guest_vring_state(env.dev, VHOST_SET_VRING_NUM, i, 256) ?:
	       guest_vring_state(env.dev, VHOST_SET_VRING_BASE, i, 0) ?:
	       guest_ioctl(env.dev, VHOST_SET_VRING_ADDR, &a) ?:
	       guest_vring_file(env.dev, VHOST_SET_VRING_KICK, i,
				env.event[0]) ?:
	       guest_vring_file(env.dev, VHOST_SET_VRING_CALL, i,
				env.event[1]) ?:
	       guest_vring_file(env.dev, VHOST_SET_VRING_ERR, i, env.event[2]);
}

static int backend(int fd)
{
	return guest_vring_file(env.dev, VHOST_NET_SET_BACKEND, 0, fd) ?:
	       guest_vring_file(env.dev, VHOST_NET_SET_BACKEND, 1, fd);
}

static int set_features(uint64_t more)
{
	uint64_t features = F_VERSION_1 | F_MRG_RXBUF | more;

	return guest_ioctl(env.dev, VHOST_SET_FEATURES, &features);
}

static void table_flat(unsigned int nr, uint64_t len)
{
	unsigned int i;

	memset(env.table, 0, sizeof(*env.table));
	env.table->nregions = nr;
	for (i = 0; i < nr && i < 600; i++)
		env.table->regions[i] = (struct vhost_memory_region){
			.guest_phys_addr = i * len,
			.memory_size = len,
			.userspace_addr = (uintptr_t)env.mem,
		};
}

static int log_base(void)
{
	uint64_t base = (uintptr_t)env.log;

	return guest_ioctl(env.dev, VHOST_SET_LOG_BASE, &base);
}

static bool has_iotlb(enum state s)
{
	return s == IOTLB || s == IOTLB_RUNNING || s == FOREIGN_IOTLB;
}

static int enter(enum state s)
{
	uintptr_t mem = (uintptr_t)env.mem;
	int err;

	memset(env.mem, 0, 0x20000);
	table_flat(1, MEM_LEN);
	if (s == FRESH)
		return 0;
	err = guest_ioctl(env.dev, VHOST_SET_OWNER, NULL);
	if (err || s == OWNER)
		return err;
	err = set_features(has_iotlb(s) ? F_ACCESS_PLATFORM : 0) ?:
	      guest_ioctl(env.dev, VHOST_SET_MEM_TABLE, env.table);
	if (err || s == MEM)
		return err;
	err = set_vring(0) ?: set_vring(1);
	if (err || s == SET || s == FOREIGN || s == IOTLB || s == FOREIGN_IOTLB)
		return err;
	/* Identity mapping: IOVAs equal user addresses. */
	err = s == IOTLB_RUNNING ?
	      iotlb_update(env.dev, false, mem, MEM_LEN, mem, RW) : 0;
	err = err ?: backend(env.tap);
	if (err || s == RUNNING || s == FOREIGN_RUNNING || s == IOTLB_RUNNING)
		return err;
	if (s == LOGGING)
		return log_base() ?: set_features(F_LOG_ALL);
	if (s == STOPPED)
		return backend(-1);
	return guest_ioctl(env.dev, VHOST_RESET_OWNER, NULL);
}

/* ---- do one call ---- */

static int do_mem(enum mem_kind kind)
{
	struct vhost_memory *t = env.table;
	struct vhost_memory_region *r = t->regions;

	switch (kind) {
	case MEM_GOOD:
		break;
	case MEM_NONE:
		t->nregions = 0;
		break;
	case MEM_64:
		table_flat(64, 0x8000);
		break;
	case MEM_65:
		table_flat(65, 0x8000);
		break;
	case MEM_509:
		table_flat(509, 0x1000);
		break;
	case MEM_510:
		table_flat(510, 0x1000);
		break;
	case MEM_HUGE_COUNT:
		t->nregions = 0xffffffff;
		break;
	case MEM_OVERLAP:
		table_flat(2, MEM_LEN);
		r[1].guest_phys_addr = 0x1000;
		break;
	case MEM_SAME:
		table_flat(2, MEM_LEN);
		r[1].guest_phys_addr = 0;
		break;
	case MEM_SIZE_0:
		r[0].memory_size = 0;
		break;
	case MEM_GPA_WRAP:
		r[0].guest_phys_addr = -0x1000ULL;
		break;
	case MEM_GPA_TOP:
		r[0].guest_phys_addr = -MEM_LEN;
		break;
	case MEM_HVA_WRAP:
		r[0].userspace_addr = -0x1000ULL;
		break;
	case MEM_HVA_KERNEL:
		r[0].userspace_addr = 0xffff888000000000ULL;
		break;
	case MEM_HVA_ODD:
		r[0].userspace_addr++;
		r[0].memory_size -= 1;
		break;
	case MEM_HVA_UNMAPPED:
		r[0].userspace_addr = 0x10000;
		break;
	case MEM_ALL:
		r[0].memory_size = -1ULL;
		break;
	case MEM_PADDING:
		t->padding = 1;
		break;
	case MEM_FLAGS:
		r[0].flags_padding = 1;
		break;
	}
	return guest_ioctl(env.dev, VHOST_SET_MEM_TABLE, t);
}

static int do_addr(const struct errno_case *c)
{
	uint8_t *ring = env.mem + (c->index & 1) * 0x10000;
	struct vhost_vring_addr a = {
		.index = c->index,
		.flags = c->val,
		.desc_user_addr = (uintptr_t)ring,
		.avail_user_addr = (uintptr_t)ring + 0x4000,
		.used_user_addr = (uintptr_t)ring + 0x8000,
	};

	switch (c->addr) {
	case ADDR_GOOD:
		break;
	case ADDR_DESC_ODD:
		a.desc_user_addr += 8;
		break;
	case ADDR_AVAIL_ODD:
		a.avail_user_addr += 1;
		break;
	case ADDR_USED_ODD:
		a.used_user_addr += 2;
		break;
	case ADDR_LOG_ODD:
		a.log_guest_addr = 2;
		break;
	case ADDR_KERNEL:
		a.desc_user_addr = 0xffff888000000000ULL;
		break;
	case ADDR_WRAP:
		a.avail_user_addr = -0x100ULL;
		break;
	case ADDR_ZERO:
		a.desc_user_addr = 0;
		a.avail_user_addr = 0;
		a.used_user_addr = 0;
		break;
	}
	return guest_ioctl(env.dev, VHOST_SET_VRING_ADDR, &a);
}

static int do_array(const struct errno_case *c)
{
	memset(env.words, 0, 4096);
	memcpy(env.words, &c->val, 8);
	return guest_ioctl(env.dev, c->req, env.words);
}

static int do_write(const struct errno_case *c)
{
	struct vhost_msg_v2 m[2] = { {
		.type = VHOST_IOTLB_MSG,
		.iotlb = { .iova = 0x100000, .size = 4096, .perm = RW,
			   .uaddr = (uintptr_t)env.mem,
			   .type = VHOST_IOTLB_UPDATE },
	} };
	struct vhost_iotlb_msg *i = &m[0].iotlb;
	size_t len = sizeof(m[0]);
	void *p = m;
	ssize_t n;

	m[1] = m[0];
	switch (c->msg) {
	case MSG_UPDATE:
		break;
	case MSG_V2:
		m[0].type = VHOST_IOTLB_MSG_V2;
		break;
	case MSG_INVALIDATE_ALL:
		i->iova = 0;
		i->size = 0;
		i->type = VHOST_IOTLB_INVALIDATE;
		break;
	case MSG_INVALIDATE:
		i->type = VHOST_IOTLB_INVALIDATE;
		break;
	case MSG_NOTHING:
		len = 0;
		break;
	case MSG_SHORT:
		len = 39;
		break;
	case MSG_NO_PADDING:
		len = 40;
		break;
	case MSG_TWO:
		len = sizeof(m);
		break;
	case MSG_TYPE_0:
		m[0].type = 0;
		break;
	case MSG_TYPE_3:
		m[0].type = 3;
		break;
	case MSG_MISS:
		i->type = VHOST_IOTLB_MISS;
		break;
	case MSG_BATCH_BEGIN:
		i->type = VHOST_IOTLB_BATCH_BEGIN;
		break;
	case MSG_SIZE_0:
		i->size = 0;
		break;
	case MSG_IOVA_WRAP:
		i->iova = -1ULL;
		break;
	case MSG_UADDR_WRAP:
		i->uaddr = -1ULL;
		break;
	case MSG_UADDR_KERNEL:
		i->uaddr = 0xffff888000000000ULL;
		break;
	case MSG_BAD_PTR:
		p = env.words + 4096;
		break;
	}
	n = write(env.dev, p, len);
	return n < 0 ? -errno : (int)n;
}

static int do_read(const struct errno_case *c)
{
	char buf[80];
	ssize_t n;

	fcntl(env.dev, F_SETFL, O_NONBLOCK);
	n = read(env.dev, buf, c->val);
	return n < 0 ? -errno : (int)n;
}

static int do_poll(void)
{
	struct pollfd p = { .fd = env.dev, .events = ~0 };

	return poll(&p, 1, 0) < 0 ? -errno : p.revents;
}

#ifndef MAP_32BIT
#define MAP_32BIT	0	/* only x86 has it, and a 32-bit call that needs it */
#endif

static long int80(long nr, long a, long b, long c)
{
#ifdef __x86_64__
	long ret;

	asm volatile("int $0x80" : "=a"(ret)
		     : "a"(nr), "b"(a), "c"(b), "d"(c)
		     : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
#else
	return -ENOSYS;
#endif
}

/* Call as a 32-bit process: ioctl has number 54 there, pointers are below 4 GiB. */
static int do_compat(const struct errno_case *c)
{
	static void *low;

	if (!low)
		low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	memset(low, 0, 4096);
	memcpy(low, &c->index, 4);
	memcpy((char *)low + 4, &c->val, 4);
	return int80(54, env.dev, c->req, (long)low);
}

static int do_call(const struct errno_case *c)
{
	struct vhost_vring_state s = { .index = c->index, .num = c->val };
	uint64_t u64 = c->val;
	uint8_t byte = c->val;
	int err;

	switch (c->kind) {
	case CALL_PLAIN:
		return guest_ioctl(env.dev, c->req, NULL);
	case CALL_U64:
		return guest_ioctl(env.dev, c->req, &u64);
	case CALL_STATE:
		return guest_ioctl(env.dev, c->req, &s);
	case CALL_GET_STATE:
		err = guest_ioctl(env.dev, c->req, &s);
		return err ?: (int)s.num;
	case CALL_FILE:
		return guest_vring_file(env.dev, c->req, c->index,
					env.fds[c->fd]);
	case CALL_INT:
		return guest_ioctl(env.dev, c->req, &env.fds[c->fd]);
	case CALL_ADDR:
		return do_addr(c);
	case CALL_MEM:
		return do_mem(c->mem);
	case CALL_ARRAY:
		return do_array(c);
	case CALL_BAD_PTR:
		return guest_ioctl(env.dev, c->req, (void *)8);
	case CALL_EDGE:
		memset(env.edge, 0, 4);
		return guest_ioctl(env.dev, c->req, env.edge);
	case CALL_READONLY:
		return guest_ioctl(env.dev, c->req, env.readonly);
	case CALL_COMPAT:
		return do_compat(c);
	case CALL_BYTE:
		return guest_ioctl(env.dev, c->req, &byte);
	case CALL_GET_BYTE:
		err = guest_ioctl(env.dev, c->req, &byte);
		return err ?: byte;
	case CALL_LOG:
		return log_base();
	case CALL_WRITE:
		return do_write(c);
	case CALL_READ:
		return do_read(c);
	case CALL_POLL:
		return do_poll();
	}
	return -ENOSYS;
}

/* Call from a process with another mm: only the owner may make these calls. */
static int call_in_child(const struct errno_case *c)
{
	int fds[2], ret = -ECHILD;
	pid_t pid;

	if (pipe(fds))
		return -errno;
	pid = fork();
	if (!pid) {
		ret = do_call(c);
		_exit(write(fds[1], &ret, sizeof(ret)) != sizeof(ret));
	}
	waitpid(pid, NULL, 0);
	if (read(fds[0], &ret, sizeof(ret)) != sizeof(ret))
		ret = -ECHILD;
	close(fds[0]);
	close(fds[1]);
	return ret;
}

/* ---- the program ---- */

static int env_init(void)
{
	int i;

	if (net_ns())
		return -1;
	env.tap = tap_open("vtap0", IFF_VNET_HDR);
	if (env.tap < 0 || tap_hdr_len(env.tap, 12) || link_up("vtap0"))
		return -1;
	for (i = 0; i < EVENTS; i++)
		env.event[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	env.mem = mmap(NULL, MEM_LEN, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	env.edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	env.readonly = mmap(NULL, 4096, PROT_READ,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	env.words = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	env.log = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	env.table = calloc(1, sizeof(*env.table) +
			   600 * sizeof(env.table->regions[0]));
	if (env.mem == MAP_FAILED || env.edge == MAP_FAILED ||
	    env.readonly == MAP_FAILED || env.words == MAP_FAILED ||
	    env.log == MAP_FAILED || !env.table)
		return -1;
	munmap(env.edge + 4096, 4096);
	munmap(env.words + 4096, 4096);
	env.edge += 4092;

	env.fds[FD_NONE] = -1;
	env.fds[FD_MINUS_2] = -2;
	env.fds[FD_CLOSED] = 9999;
	env.fds[FD_EVENT] = env.event[0];
	env.fds[FD_TAP] = env.tap;
	env.fds[FD_NULL] = open("/dev/null", O_RDWR);
	env.fds[FD_BARE_TUN] = open("/dev/net/tun", O_RDWR);
	env.fds[FD_UNIX] = socket(AF_UNIX, SOCK_DGRAM, 0);
	env.fds[FD_UDP] = socket(AF_INET, SOCK_DGRAM, 0);
	env.fds[FD_INET_RAW] = socket(AF_INET, SOCK_RAW, IPPROTO_UDP);
	env.fds[FD_PACKET_DGRAM] = socket(AF_PACKET, SOCK_DGRAM, 0);
	env.fds[FD_PACKET_RAW] = socket(AF_PACKET, SOCK_RAW, 0);
	env.fds[FD_NETLINK] = socket(AF_NETLINK, SOCK_RAW, 0);
	return 0;
}

static void run_case(enum state s, const struct errno_case *c)
{
	int err, ret;

	env.dev = open(guest_node(), O_RDWR | O_CLOEXEC);
	if (env.dev < 0) {
		printf("%s %s OPEN:%s\n", state_names[s], c->name,
		       strerrorname_np(errno));
		return;
	}
	env.fds[FD_SELF] = env.dev;
	err = enter(s);
	if (err) {
		printf("%s %s SETUP:%s\n", state_names[s], c->name,
		       strerrorname_np(-err));
	} else {
		ret = s >= FOREIGN ? call_in_child(c) : do_call(c);
		if (ret < 0)
			printf("%s %s %s\n", state_names[s], c->name,
			       strerrorname_np(-ret) ?: "?");
		else
			printf("%s %s %d\n", state_names[s], c->name, ret);
	}
	close(env.dev);
}

static bool has_compat(void)
{
	int status;
	pid_t pid = fork();

	/* Without IA32 emulation the instruction faults. */
	if (!pid)
		_exit(int80(20, 0, 0, 0) != getpid());
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	const struct errno_case *c;
	bool compat;
	int s;

	if (argc != 2) {
		fprintf(stderr, "usage: %s NODE\n", argv[0]);
		return 2;
	}
	setenv("VTAP_NODE", argv[1], 1);
	setvbuf(stdout, NULL, _IOLBF, 0);
	compat = has_compat();
	if (env_init()) {
		perror("set-up");
		return 2;
	}
	for (s = 0; s < NR_STATES; s++)
		for (c = errno_cases; c->name; c++)
			if (c->kind != CALL_COMPAT || compat)
				run_case(s, c);
	return 0;
}
