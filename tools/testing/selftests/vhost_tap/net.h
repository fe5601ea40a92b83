/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The host's network: a fresh network namespace with taps, macvtaps and veths, packet
 * sockets at their far ends, and frames to send.
 *
 * All functions return 0, a file descriptor or a length, or -errno.
 */
#ifndef VTAP_TEST_NET_H
#define VTAP_TEST_NET_H

#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "frame.h"

#ifndef TUN_F_USO4
#define TUN_F_USO4	0x20
#define TUN_F_USO6	0x40
#endif
#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

#define TAP_MAX_MTU	65521

/* ---- namespace and links ---- */
int net_ns(void);
int link_veth(const char *a, const char *b);
int link_dummy(const char *name);
/* A tunnel over @lower to @remote, an IPv4 address in host order. */
int link_vxlan(const char *name, const char *lower, uint32_t id, uint32_t remote);
int link_macvtap(const char *name, const char *lower, uint32_t mode, int ifindex);
int link_macvlan(const char *name, const char *lower, uint32_t mode);
int link_ipvtap(const char *name, const char *lower, int ifindex);
int link_del(const char *name);
int link_up(const char *name);
int link_down(const char *name);
int link_mtu(const char *name, int mtu);
int link_allmulti(const char *name);
int link_mac(const char *name, uint8_t mac[6]);
int link_addr(const char *name, uint32_t addr, int prefix);
int run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- backends ---- */
/** struct tap - a tap and the packet socket on its other side */
struct tap {
	char name[IFNAMSIZ];
	int fd[8];
	unsigned int nr;
	int host;
};

int tap_open(const char *name, unsigned int flags);
int tap_hdr_len(int fd, int len);
int tap_offload(int fd, unsigned int offload);
int tap_make(struct tap *t, unsigned int flags, unsigned int nr, int hdr_len);
int tap_make_named(struct tap *t, const char *name, unsigned int flags,
		   unsigned int nr, int hdr_len);
void tap_free(struct tap *t);
int macvtap_open(int ifindex, int hdr_len);

/* ---- the far end ---- */
#define HOST_VNET_HDR	1	/* PACKET_VNET_HDR: receive and send offload headers */
#define HOST_ALL	2	/* every protocol, not only TEST_PROTO */
int host_open(const char *name, unsigned int flags);
ssize_t host_recv(int fd, void *buf, size_t room, int timeout_ms);
int host_send(int fd, const void *buf, size_t len);
int host_quiet(int fd, int ms);

#endif
