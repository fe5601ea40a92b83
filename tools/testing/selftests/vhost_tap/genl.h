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

int genl_open(void);
int genl_set(int fd, uint8_t cmd, const struct genl_attr *attr, unsigned int nr);
int genl_get(int fd, uint8_t cmd, uint32_t device, uint32_t index, uint16_t type,
	     uint64_t *val, unsigned int nr);
unsigned int genl_device(const struct guest *g);

#endif
