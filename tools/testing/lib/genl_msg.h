/* SPDX-License-Identifier: GPL-2.0 */
/* genl_msg.h - build requests of generic netlink */
#ifndef VTAP_TEST_GENL_MSG_H
#define VTAP_TEST_GENL_MSG_H

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <string.h>

/** struct message - a request, with room for a reply */
struct message {
	struct nlmsghdr nlh;
	struct genlmsghdr genl;
	char attrs[16384];
};

static inline void begin(struct message *m, uint16_t type, uint8_t cmd, uint16_t flags)
{
	m->nlh = (struct nlmsghdr){
		.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN), .nlmsg_type = type,
		.nlmsg_flags = NLM_F_REQUEST | flags,
	};
	m->genl = (struct genlmsghdr){ .cmd = cmd, .version = 1 };
}

/* The caller makes sure that the attribute fits. */
static inline void add(struct message *m, uint16_t type, const void *val, uint16_t len)
{
	struct nlattr *a = (void *)((char *)m + NLMSG_ALIGN(m->nlh.nlmsg_len));

	*a = (struct nlattr){ .nla_len = NLA_HDRLEN + len, .nla_type = type };
	memcpy((char *)a + NLA_HDRLEN, val, len);
	m->nlh.nlmsg_len = NLMSG_ALIGN(m->nlh.nlmsg_len) + NLA_ALIGN(a->nla_len);
}

#endif
