// SPDX-License-Identifier: GPL-2.0
/*
 * net.c - backends, and steps of the host's network
 *
 * A program opens queues of interfaces, and may change or delete those. They are restored
 * before the next program.
 */
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"

#ifndef PACKET_VNET_HDR
#define PACKET_VNET_HDR	15
#endif

enum backend { TAP, MQ_0, MQ_1, TUN, MACVTAP, PACKET, UNIX_SOCKET, NO_SOCKET };

static const char * const names[] = { "fzt0", "fzt1", "fzt1", "fzt2", "fzm0", "fzp0" };
/* Where packets for the backend are sent. */
static const char * const peers[] = { "fzt0", "fzt1", "fzt1", "fzt2", "fzv1", "fzp1" };

#define NR_NETDEVS	ARRAY_SIZE(names)

static int plain, with_header, ctl;
/* Header length for the next backend that is opened. */
static int header[NR_BACKENDS];
/* A program has changed an interface; shared with children. */
static volatile bool *dirty;

/* Set flags, MTU or queue length. Return: false if there is no such interface */
static bool set_link(const char *name, unsigned long cmd, int value)
{
	struct ifreq r = {};

	strcpy(r.ifr_name, name);
	if (cmd == SIOCSIFFLAGS)
		r.ifr_flags = value;
	else
		r.ifr_mtu = value;	/* and the queue length */
	return !ioctl(ctl, cmd, &r);
}

/* A tap that exists without its file, as net_backend() opens it. */
static void create_tap(unsigned int nr)
{
	struct ifreq r = { .ifr_flags = IFF_NO_PI | IFF_VNET_HDR };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	strcpy(r.ifr_name, names[nr]);
	r.ifr_flags |= nr == TUN ? IFF_TUN : IFF_TAP;
	r.ifr_flags |= nr == MQ_0 ? IFF_MULTI_QUEUE : 0;
	if (!ioctl(fd, TUNSETIFF, &r))
		ioctl(fd, TUNSETPERSIST, 1);
	close(fd);
}

static bool restore_link(const char *name)
{
	return set_link(name, SIOCSIFFLAGS, IFF_UP) && set_link(name, SIOCSIFMTU, 1500) &&
	       set_link(name, SIOCSIFTXQLEN, 500);
}

static bool restore_links(void)
{
	bool is_complete = true;
	unsigned int i;

	for (i = 0; i < NR_NETDEVS; i++)
		is_complete &= restore_link(names[i]) && restore_link(peers[i]);
	return is_complete;
}

static void restore(void)
{
	if (!if_nametoindex(names[TAP]))
		create_tap(TAP);
	if (!if_nametoindex(names[MQ_0]))
		create_tap(MQ_0);
	if (!if_nametoindex(names[TUN]))
		create_tap(TUN);
	if (restore_links())
		return;
	/* A program has deleted one of the others: slow. */
	if (system(getenv("FUZZ_LINKS")) || !restore_links()) {
		perror("network");
		exit(1);
	}
}

void net_init(void)
{
	int one = 1;

	plain = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	with_header = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	ctl = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	dirty = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!getenv("FUZZ_LINKS") || plain < 0 || dirty == MAP_FAILED ||
	    setsockopt(with_header, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one))) {
		perror("network");
		exit(1);
	}
	restore();
}

void net_begin(void)
{
	unsigned int i;

	for (i = 0; i < NR_BACKENDS; i++)
		header[i] = 12;
	if (!*dirty)
		return;
	*dirty = false;
	restore();
}

static int open_tun(unsigned int nr)
{
	struct ifreq r = {};
	char path[32];
	int fd;

	snprintf(path, sizeof(path), nr == MACVTAP ? "/dev/tap%u" : "/dev/net/tun",
		 nr == MACVTAP ? if_nametoindex(names[nr]) : 0);
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	strcpy(r.ifr_name, names[nr]);
	r.ifr_flags = IFF_NO_PI | (header[nr] ? IFF_VNET_HDR : 0) | (nr == TUN ? IFF_TUN : IFF_TAP);
	if (nr == MQ_0 || nr == MQ_1)
		r.ifr_flags |= IFF_MULTI_QUEUE;
	ioctl(fd, TUNSETIFF, &r);
	if (!header[nr])
		return fd;
	ioctl(fd, TUNSETVNETHDRSZ, &header[nr]);
	/* Otherwise the host cuts long packets before the guest gets them. */
	ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6);
	return fd;
}

static int open_packet(void)
{
	struct sockaddr_ll a = { .sll_family = AF_PACKET,
				 .sll_protocol = __builtin_bswap16(ETH_P_ALL),
				 .sll_ifindex = if_nametoindex(names[PACKET]) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), one = 1;

	if (header[PACKET])
		setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one));
	if (bind(fd, (void *)&a, sizeof(a)))
		return fd;
	return fd;
}

/* The file of backend @nr, which is opened at the first use. */
int net_backend(unsigned int nr)
{
	int *fd = &target.backend[nr % NR_BACKENDS];

	nr %= 16;
	if (nr >= NR_BACKENDS)
		return -1;
	if (*fd >= 0)
		return *fd;
	switch (nr) {
	case PACKET: *fd = open_packet(); break;
	case UNIX_SOCKET: *fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0); break;
	case NO_SOCKET: *fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC); break;
	default: *fd = open_tun(nr);
	}
	return *fd;
}

void net_set_header(unsigned int nr, int len)
{
	header[nr % NR_BACKENDS] = len;
	header[(nr + 1) % NR_BACKENDS] = len;
}

void net_end(void)
{
	unsigned int i;

	for (i = 0; i < NR_BACKENDS; i++) {
		if (target.backend[i] >= 0)
			close(target.backend[i]);
	}
}

/* Put a frame for the guest into @p. Return: length of its headers */
static unsigned int put_packet(uint8_t *p, unsigned int nr, unsigned int kind)
{
	bool is_v6 = kind & 1, is_udp = kind & 2;

	if (nr != TUN) {
		memset(p, kind & 4 ? 0xff : 2, 12);
		p[12] = is_v6 ? 0x86 : 8;
		p[13] = is_v6 ? 0xdd : 0;
		p += 14;
	}
	p[0] = is_v6 ? 0x60 : 0x45;
	p[is_v6 ? 6 : 9] = is_udp ? 17 : 6;
	p[is_v6 ? 40 + 12 : 20 + 12] = 0x50;
	return 14 + 60;
}

/*
 * Send packets to a backend's guest. @b: backend; @x: bits 0-15 length, 16-19 kind, 24-29
 * packets more; @c: bit 0 with the header @y, bit 1 wait afterwards
 */
STEP(op_send)
{
	unsigned int nr = o->b % NR_NETDEVS, len = o->x & 0xffff, i;
	struct sockaddr_ll a = { .sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(peers[nr]),
				 .sll_protocol = nr == TUN ? 8 : 0 };
	struct virtio_net_hdr h = {
		.flags = o->y, .gso_type = o->y >> 8, .hdr_len = o->y >> 16, .gso_size = o->y >> 32,
		.csum_start = o->y >> 48 & 0xff, .csum_offset = o->y >> 56,
	};
	static __thread uint8_t buf[66000];

	memset(buf, 0, 128);
	put_packet(buf + sizeof(h), nr, o->x >> 16 & 15);
	memcpy(buf, &h, sizeof(h));
	for (i = 0; i <= (o->x >> 24 & 63); i++) {
		if (o->c & 1)
			sendto(with_header, buf, len + sizeof(h), MSG_DONTWAIT, (void *)&a,
			       sizeof(a));
		else
			sendto(plain, buf + sizeof(h), len, MSG_DONTWAIT, (void *)&a,
			       sizeof(a));
	}
	return o->c & 2 ? op_settle(o, 0) : 0;
}

/* Read or write a backend's file, as the device does. @b: backend; @c: bit 0 write */
STEP(op_recv)
{
	static __thread uint8_t buf[2048];
	int fd = net_backend(o->b % NR_NETDEVS);
	unsigned int i;

	for (i = 0; i <= (o->x & 15); i++) {
		if (o->c & 1)
			i += write(fd, buf, o->y % sizeof(buf)) == -2;
		else if (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) < 0 &&
			 read(fd, buf, o->b % NR_NETDEVS == PACKET ? 0 : sizeof(buf)) < 0)
			break;
	}
	return 0;
}

static void delete_link(unsigned int index)
{
	struct {
		struct nlmsghdr nlh;
		struct ifinfomsg info;
	} m = {
		.nlh = { .nlmsg_len = sizeof(m), .nlmsg_type = RTM_DELLINK,
			 .nlmsg_flags = NLM_F_REQUEST },
		.info = { .ifi_index = index },
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (send(fd, &m, sizeof(m), 0) < 0)
		perror("RTM_DELLINK");
	close(fd);
}

/* Change an interface or a queue. @a: bits 4-6 backend; @b: the change; @x: value */
STEP(op_tap)
{
	unsigned int nr = (o->a >> 4) % NR_NETDEVS;
	int fd = target.backend[nr], value = o->x;
	struct ifreq r = {};

	*dirty = true;
	switch (o->b % 20) {
	case 0: set_link(names[nr], SIOCSIFFLAGS, 0); break;
	case 1: set_link(names[nr], SIOCSIFFLAGS, IFF_UP); break;
	case 2: r.ifr_flags = IFF_DETACH_QUEUE; ioctl(fd, TUNSETQUEUE, &r); break;
	case 3: r.ifr_flags = IFF_ATTACH_QUEUE; ioctl(fd, TUNSETQUEUE, &r); break;
	case 4:
		value &= 0xffff;
		ioctl(fd, TUNSETSNDBUF, &value);
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &value, sizeof(value));
		break;
	case 5: ioctl(fd, TUNSETOFFLOAD, o->x & 0xff); break;
	case 6: ioctl(fd, TUNSETVNETHDRSZ, &value); break;
	case 7: value &= 1; ioctl(fd, o->c & 1 ? TUNSETVNETBE : TUNSETVNETLE, &value); break;
	case 8: close(fd); target.backend[nr] = -1; break;
	case 9: delete_link(if_nametoindex(names[nr])); break;
	case 10: set_link(names[nr], SIOCSIFMTU, o->x & 0xffff); break;
	case 11: value &= 1; ioctl(fd, TUNSETCARRIER, &value); break;
	case 12: set_link(names[nr], SIOCSIFTXQLEN, o->x & 0xfff); break;
	case 13: set_link(peers[nr], SIOCSIFFLAGS, o->x & IFF_UP); break;
	case 14: ioctl(fd, TUNSETPERSIST, o->x & 1); break;
	case 15:
		if (o->x % 8 == 0)	/* seldom, as it takes long to restore */
			delete_link(if_nametoindex(peers[nr]));
		break;
	case 16: strcpy(r.ifr_name, names[nr]);
		r.ifr_flags = IFF_NO_PI | IFF_VNET_HDR | IFF_TAP |
			      (o->x & (IFF_NAPI | IFF_NAPI_FRAGS));
		ioctl(fd, TUNSETIFF, &r);
		break;
	case 17: shutdown(fd, o->x % 3); break;
	case 18: ioctl(fd, TUNSETDEBUG, value & 1); break;
	default: close(fd); target.backend[nr] = -1; net_backend(nr);
	}
	return 0;
}
