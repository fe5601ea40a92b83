/* SPDX-License-Identifier: GPL-2.0 */
/*
 * link.h - network devices of the current network namespace, by rtnetlink
 */
#ifndef VHOST_TAPCTL_LINK_H
#define VHOST_TAPCTL_LINK_H

#include <stdbool.h>
#include <stdint.h>

#define LINK_BRIDGE	4	/* MACVLAN_MODE_BRIDGE */
#define LINK_MAC	6	/* bytes of an Ethernet address */
#define LINK_MAC_TEXT	18	/* room for "52:54:00:12:34:56" */

/** struct link_info - a network device */
struct link_info {
	unsigned int index;
	unsigned int flags;	/* IFF_* */
	unsigned int master;	/* index of its bridge or bond; 0: none */
	unsigned int queue_len;	/* txqueuelen */
	unsigned int lower;	/* index of the link below; 0: none or not here */
	char kind[16];		/* of the driver, or empty */
	uint8_t mac[LINK_MAC];
	bool has_mac;
	/* tun only */
	bool is_tap;
	bool multi_queue;
	bool vnet_hdr;
	int64_t owner;		/* user; -1: any */
	int64_t group;		/* -1: any */
};

uint64_t link_netns_cookie(void);
int link_get(const char *name, struct link_info *l);
void link_mac_text(const uint8_t *mac, char *text);
bool link_is_macvtap(const struct link_info *l);
int link_mode(const char *name, uint32_t *mode);
int link_add_macvtap(const char *lower, char *name, uint32_t mode);
void link_del(const char *name);

#endif /* VHOST_TAPCTL_LINK_H */
