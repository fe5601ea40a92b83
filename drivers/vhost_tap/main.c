// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - load and unload
 *
 * Read before: nothing. Read next: vtap.h; the reading routes are in
 * Documentation/design.rst.
 */
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "control.h"
#include "netlink.h"

/*
 * A minor of the range for local use: known before the module is loaded, so
 * depmod can have the node made at boot and opening it loads the module.
 */
#define VTAP_MINOR	245

static char *devname = "vhost-tap";
module_param(devname, charp, 0444);
MODULE_PARM_DESC(devname, "Name of the node in /dev (default vhost-tap)");

static struct miscdevice vtap_misc = {
	.minor = VTAP_MINOR,
	.fops = &vtap_fops,
};

static int __init vtap_init(void)
{
	int err;

	err = vtap_nl_init();
	if (err)
		return err;
	vtap_debugfs_init();		/* before anyone can open the node */
	vtap_misc.name = devname;
	err = misc_register(&vtap_misc);
	if (err == -EBUSY) {		/* someone else's local use */
		vtap_misc.minor = MISC_DYNAMIC_MINOR;
		err = misc_register(&vtap_misc);
	}
	if (err) {
		vtap_debugfs_exit();
		vtap_nl_exit();
	}
	return err;
}
module_init(vtap_init);

static void __exit vtap_exit(void)
{
	misc_deregister(&vtap_misc);
	vtap_debugfs_exit();
	vtap_nl_exit();
}
module_exit(vtap_exit);

MODULE_DESCRIPTION("Host side of virtio-net for tap and macvtap");
MODULE_AUTHOR("The vhost-tap developers");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
MODULE_ALIAS_GENL_FAMILY(VHOST_TAP_FAMILY_NAME);
MODULE_ALIAS_MISCDEV(VTAP_MINOR);
MODULE_ALIAS("devname:vhost-tap");
