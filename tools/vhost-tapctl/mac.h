/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mac.h - choose an Ethernet address for a guest
 */
#ifndef VHOST_TAPCTL_MAC_H
#define VHOST_TAPCTL_MAC_H

struct link_info;

void mac_make(const char *name, const struct link_info *l, char *text);

#endif /* VHOST_TAPCTL_MAC_H */
