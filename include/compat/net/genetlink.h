/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A check for a missing attribute appeared in 6.1, and before, extack cannot name
 * the attribute. Flags of a multicast group have names of their own since 6.7; the
 * kernels before that have these flags use those of operations.
 */
#ifndef VTAP_COMPAT_NET_GENETLINK_H
#define VTAP_COMPAT_NET_GENETLINK_H

#include_next <net/genetlink.h>

#ifndef GENL_REQ_ATTR_CHECK
#define GENL_REQ_ATTR_CHECK(info, attr)					\
	(!(info)->attrs[attr] && ({					\
		NL_SET_ERR_MSG((info)->extack, "missing attribute");	\
		true;							\
	}))
#endif /* GENL_REQ_ATTR_CHECK: remove with 5.10 */

#ifndef GENL_MCAST_CAP_NET_ADMIN
#define GENL_MCAST_CAP_NET_ADMIN	GENL_UNS_ADMIN_PERM
#endif /* GENL_MCAST_CAP_NET_ADMIN: remove with 5.10 */

#endif
