/* SPDX-License-Identifier: GPL-2.0 */
/*
 * takeover.h - state of the takeover of /dev/vhost-net
 */
#ifndef VHOST_TAPCTL_TAKEOVER_H
#define VHOST_TAPCTL_TAKEOVER_H

#include <stdbool.h>

#define NET_NODE	"/dev/vhost-net"

/** enum takeover - what the module's parameter says */
enum takeover {
	TAKEOVER_NO_MODULE,	/* the module is not loaded */
	TAKEOVER_UNKNOWN,	/* a module from before the parameter */
	TAKEOVER_OFF,
	TAKEOVER_ON,
};

enum takeover takeover_get(void);
const char *takeover_file(void);
bool takeover_node_ok(void);

#endif /* VHOST_TAPCTL_TAKEOVER_H */
