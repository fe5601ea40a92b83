// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - module init and exit, and the device node
 *
 * Documentation/design.rst describes the structure of the driver.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/major.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/namei.h>
#include <linux/path.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "control.h"
#include "netlink.h"

/*
 * A fixed minor, from the range for local use. depmod records it, so the node
 * can exist from boot on, and opening it loads the module.
 */
#define VTAP_MINOR	245

#define DEVNAME_MAX	63

static char *devname = "vhost-tap";
module_param(devname, charp, 0444);
MODULE_PARM_DESC(devname, "Name of the node in /dev (default vhost-tap)");

static struct miscdevice vtap_misc = {
	.minor = VTAP_MINOR,
	.fops = &vtap_fops,
};

/* Check that neither the driver core nor devtmpfs reads @name as a path. */
static bool __init vtap_is_node_name(const char *name)
{
	size_t len = strlen(name), i;

	if (!len || len > DEVNAME_MAX || name[0] == '.')
		return false;
	for (i = 0; i < len; i++) {
		if (!isascii(name[i]) ||
		    (!isalnum(name[i]) && !strchr("-_.", name[i])))
			return false;
	}
	return true;
}

/*
 * Check whether @folder has a file @name. A device node with our minor does not
 * count, because udev creates it at boot.
 */
static bool __init vtap_is_taken(const char *folder, const char *name)
{
	char file[sizeof("/sys/class/misc/") + DEVNAME_MAX];
	const struct inode *inode;
	struct path path;
	bool is_ours;

	snprintf(file, sizeof(file), "%s/%s", folder, name);
	if (kern_path(file, 0, &path))
		return false;
	inode = d_backing_inode(path.dentry);
	is_ours = S_ISCHR(inode->i_mode) &&
		  inode->i_rdev == MKDEV(MISC_MAJOR, vtap_misc.minor);
	path_put(&path);
	return !is_ours;
}

/*
 * Check the name before registration: the driver core warns with a backtrace
 * about a bad name, and devtmpfs ignores a node that it cannot create.
 */
static int __init vtap_check_devname(void)
{
	if (!vtap_is_node_name(devname)) {
		pr_err("devname= takes 1 to %d letters, digits, '-', '_' and '.', and does not begin with '.'\n",
		       DEVNAME_MAX);
		return -EINVAL;
	}
	if (vtap_is_taken("/sys/class/misc", devname) ||
	    vtap_is_taken("/dev", devname)) {
		pr_err("devname=%s is in use; choose another name\n", devname);
		/* modprobe ignores -EEXIST: the module is loaded. */
		return -EBUSY;
	}
	return 0;
}

static int __init vtap_make_node(void)
{
	int err = vtap_check_devname();

	if (err)
		return err;
	vtap_misc.name = devname;
	err = misc_register(&vtap_misc);
	if (err != -EBUSY)
		return err;
	/* Another driver owns the minor, so a node with it is not ours. */
	vtap_misc.minor = MISC_DYNAMIC_MINOR;
	return vtap_check_devname() ?: misc_register(&vtap_misc);
}

static int __init vtap_init(void)
{
	int err;

	err = vtap_nl_init();
	if (err)
		return err;
	vtap_debugfs_init();		/* before the node can be opened */
	err = vtap_make_node();
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
