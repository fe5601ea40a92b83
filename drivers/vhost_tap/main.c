// SPDX-License-Identifier: GPL-2.0
/* main.c - module init and exit; Documentation/design.rst describes the driver */
#include <linux/module.h>

#include "control.h"
#include "netlink.h"

static int __init vtap_init(void)
{
	int err;

	err = vtap_nl_init();
	if (err)
		return err;
	vtap_debugfs_init();		/* before the node can be opened */
	err = vtap_node_init();
	if (err) {
		vtap_debugfs_exit();
		vtap_nl_exit();
	}
	return err;
}
module_init(vtap_init);

static void __exit vtap_exit(void)
{
	vtap_node_exit();
	vtap_debugfs_exit();
	vtap_nl_exit();
}
module_exit(vtap_exit);

MODULE_DESCRIPTION("Host side of virtio-net for tap and macvtap");
MODULE_AUTHOR("The vhost-tap developers");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
MODULE_ALIAS_GENL_FAMILY(VHOST_TAP_FAMILY_NAME);
