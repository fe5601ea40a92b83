/* SPDX-License-Identifier: GPL-2.0 */
/*
 * link.h - a macvtap comes and goes, by rtnetlink
 *
 * Read next: link.c.
 */
#ifndef VHOST_TAPCTL_LINK_H
#define VHOST_TAPCTL_LINK_H

#include <stdint.h>

#define LINK_BRIDGE	4	/* MACVLAN_MODE_BRIDGE */

int link_mode(const char *name, uint32_t *mode);
int link_add_macvtap(const char *lower, char *name, uint32_t mode);
void link_del(const char *name);

#endif /* VHOST_TAPCTL_LINK_H */
