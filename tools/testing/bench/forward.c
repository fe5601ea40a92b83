// SPDX-License-Identifier: GPL-2.0
/*
 * The network behind the tap of a TX row: a bridge, and a second port to which it forwards
 * all frames. Both run in the context of the tap's sendmsg, so the cost of a packet
 * includes them.
 *
 *   to=nic     a device without segmentation offload, so the stack segments in software
 *   to=vxlan   a VXLAN tunnel over such a device
 *   to=tap     another tap with all offloads, whose queue keeps the frames of a round
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "testbed.h"
#include "net.h"

#define NIC	"bench-nic"
#define VXLAN	"bench-vxlan"
#define TAP	"bench1"
#define ADDR	0x0a090001u	/* 10.9.0.1; the next one is the tunnel's other end */
#define MTU	9000		/* a tunnel does not fragment */
#define QUEUE_LEN	2048	/* all packets of a round */
#define BLOCKS	4		/* of 32 features */

static int ethtool(int s, void *cmd)
{
	struct ifreq ifr = { .ifr_name = NIC, .ifr_data = cmd };

	return ioctl(s, SIOCETHTOOL, &ifr) < 0 ? -errno : 0;
}

static bool is_offload(const char *feature)
{
	return strstr(feature, "-segmentation") &&
	       strcmp(feature, "tx-generic-segmentation");
}

/* Disable segmentation by the device; scatter/gather and checksums stay. */
static int segment_in_software(int s)
{
	struct ethtool_sset_info *count = calloc(1, sizeof(*count) + 4);
	struct ethtool_sfeatures *set;
	struct ethtool_gstrings *names;
	unsigned int i;
	int err;

	count->cmd = ETHTOOL_GSSET_INFO;
	count->sset_mask = 1ULL << ETH_SS_FEATURES;
	err = ethtool(s, count);
	if (err)
		goto out;
	names = calloc(1, sizeof(*names) + (size_t)count->data[0] * ETH_GSTRING_LEN);
	set = calloc(1, sizeof(*set) + BLOCKS * sizeof(*set->features));
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_FEATURES;
	names->len = count->data[0];
	err = ethtool(s, names);
	set->cmd = ETHTOOL_SFEATURES;
	set->size = (names->len + 31) / 32;
	for (i = 0; !err && i < names->len; i++)
		if (is_offload((char *)names->data + i * ETH_GSTRING_LEN))
			set->features[i / 32].valid |= 1U << i % 32;
	/* A positive result means that some features are fixed. */
	if (!err && set->size <= BLOCKS)
		err = ethtool(s, set);
	free(set);
	free(names);
out:
	free(count);
	return err;
}

static int make_nic(int s)
{
	return link_dummy(NIC) ?: link_mtu(NIC, MTU) ?: segment_in_software(s);
}

static int make_vxlan(int s)
{
	return make_nic(s) ?: link_addr(NIC, ADDR, 24) ?:
	       link_vxlan(VXLAN, NIC, 1, ADDR + 1);
}

static int make_tap(struct testbed *tb, int s)
{
	struct ifreq ifr = { .ifr_name = TAP, .ifr_qlen = QUEUE_LEN };

	tb->sink = tap_open(TAP, IFF_VNET_HDR);
	if (tb->sink < 0)
		return tb->sink;
	if (ioctl(s, SIOCSIFTXQLEN, &ifr))
		return -errno;
	return tap_hdr_len(tb->sink, TESTBED_HDR_LEN) ?:
	       tap_offload(tb->sink, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) ?:
	       link_up(TAP);
}

/* Put @tap and the port behind it on a bridge. */
int forward_init(struct testbed *tb, int s, const char *tap)
{
	const char *port = NIC;
	int err;

	switch (tb->row->path) {
	case PATH_HOST:
		return 0;
	case PATH_NIC:
		err = make_nic(s);
		break;
	case PATH_VXLAN:
		port = VXLAN;
		err = make_vxlan(s);
		break;
	default:
		port = TAP;
		err = make_tap(tb, s);
	}
	return err ?: bridge_ports(s, tap, port);
}

/* Empty the queue of the other tap. */
void forward_drain(struct testbed *tb)
{
	static char frame[1 << 17];

	while (tb->sink >= 0 && read(tb->sink, frame, sizeof(frame)) > 0)
		;
}
