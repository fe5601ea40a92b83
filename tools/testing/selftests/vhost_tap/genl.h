/* SPDX-License-Identifier: GPL-2.0 */
/* Requests to the generic netlink family vhost_tap. */
#ifndef VTAP_TEST_GENL_H
#define VTAP_TEST_GENL_H

#include <stdint.h>

#include "../../../../include/uapi/linux/vhost_tap_netlink.h"
#include "guest.h"

/** struct genl_attr - an attribute of type u32 */
struct genl_attr {
	uint16_t type;
	uint32_t val;
};

/** struct genl_item - a message of a dump, or a notification; 0 for what it does not have */
struct genl_item {
	uint8_t cmd;
	uint32_t device;
	uint32_t index;		/* queues and workers */
	uint32_t state;		/* queues */
};

/* The number of a queue or worker, if a device is requested. */
#define GENL_DEVICE	UINT32_MAX

int genl_open(void);
/* Return: a socket that receives notifications, or -errno */
int genl_listen(void);
int genl_set(int fd, uint8_t cmd, const struct genl_attr *attr, unsigned int nr);
int genl_get(int fd, uint8_t cmd, uint32_t device, uint32_t index, uint16_t type,
	     uint64_t *val, unsigned int nr);
/* Request all devices, queues or workers of the network namespace. Return: 0 or -errno */
int genl_dump(int fd, uint8_t cmd);
/*
 * Receive messages up to the end of a dump, or until none arrives for @ms. Return: their
 * number, of which @max are stored, or -errno
 */
int genl_items(int fd, struct genl_item *item, unsigned int max, int ms);
unsigned int genl_device(const struct guest *g);

#endif
