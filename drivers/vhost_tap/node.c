// SPDX-License-Identifier: GPL-2.0
/* node.c - names of the device in /dev: vhost-tap, and vhost-net after a takeover */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/kstrtox.h>
#include <linux/major.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/namei.h>
#include <linux/path.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "control.h"

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

/*
 * There is no alias for this one: both modules would be loaded when the node is
 * opened. vhost-tapctl writes the alias to modprobe.d.
 */
static struct miscdevice vtap_net_misc = {
	.minor = VHOST_NET_MINOR,
	.name = "vhost-net",
	.fops = &vtap_fops,
};

/*
 * The lock of the module's parameters protects both. A parameter can be set before
 * the module's init, and sysfs has it until after the module's exit.
 */
static bool takeover;
static enum {
	VTAP_NODES_LOADING,
	VTAP_NODES_READY,
	VTAP_NODES_GONE,
} node_phase;

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
 * Check whether @folder has a file with the name of @misc. A device node with
 * its minor does not count, because udev creates it at boot.
 */
static bool vtap_folder_has_name(const char *folder, const struct miscdevice *misc)
{
	char file[sizeof("/sys/class/misc/") + DEVNAME_MAX];
	const struct inode *inode;
	struct path path;
	bool is_ours;

	snprintf(file, sizeof(file), "%s/%s", folder, misc->name);
	if (kern_path(file, 0, &path))
		return false;
	inode = d_backing_inode(path.dentry);
	is_ours = S_ISCHR(inode->i_mode) &&
		  inode->i_rdev == MKDEV(MISC_MAJOR, misc->minor);
	path_put(&path);
	return !is_ours;
}

/*
 * Check the name before registration: the driver core warns with a backtrace
 * about a name that exists, and devtmpfs ignores a node that it cannot create.
 */
static bool vtap_name_is_taken(const struct miscdevice *misc)
{
	return vtap_folder_has_name("/sys/class/misc", misc) ||
	       vtap_folder_has_name("/dev", misc);
}

static int __init vtap_check_devname(void)
{
	if (!vtap_is_node_name(devname)) {
		pr_err("devname= takes 1 to %d letters, digits, '-', '_' and '.', and does not begin with '.'\n",
		       DEVNAME_MAX);
		return -EINVAL;
	}
	vtap_misc.name = devname;
	if (vtap_name_is_taken(&vtap_misc)) {
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
	err = misc_register(&vtap_misc);
	if (err != -EBUSY)
		return err;
	/* Another driver owns the minor, so a node with it is not ours. */
	vtap_misc.minor = MISC_DYNAMIC_MINOR;
	return vtap_check_devname() ?: misc_register(&vtap_misc);
}

/* ---- takeover of /dev/vhost-net ---- */

static int vtap_register_vhost_net(void)
{
	int err;

	if (vtap_name_is_taken(&vtap_net_misc))
		return -EBUSY;
	/* The minor of in-tree vhost-net is busy while that is loaded. */
	err = misc_register(&vtap_net_misc);
	if (!err)
		takeover = true;
	return err;
}

static void vtap_deregister_vhost_net(void)
{
	if (takeover)
		misc_deregister(&vtap_net_misc);
	takeover = false;
}

/* A switch fails with EBUSY while a file is open by either name. */
static int vtap_switch_takeover(bool on)
{
	int err;

	if (on == takeover)
		return 0;
	err = vtap_chardev_admit(on);
	if (err)
		return err;
	if (on)
		return vtap_register_vhost_net();
	vtap_deregister_vhost_net();
	return 0;
}

static int vtap_takeover_set(const char *val, const struct kernel_param *kp)
{
	bool on = true;
	int err = val ? kstrtobool(val, &on) : 0;

	if (err)
		return err;
	if (node_phase == VTAP_NODES_READY)
		return vtap_switch_takeover(on);
	if (node_phase == VTAP_NODES_GONE)
		return -ENODEV;
	takeover = on;		/* for vtap_node_init() */
	return 0;
}

static const struct kernel_param_ops takeover_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = vtap_takeover_set,
	.get = param_get_bool,
};

module_param_cb(takeover, &takeover_ops, &takeover, 0644);
__MODULE_PARM_TYPE(takeover, "bool");
MODULE_PARM_DESC(takeover, "Name the device /dev/vhost-net as well, in place of in-tree vhost-net (default 0)");

/**
 * vtap_node_init - create the node, and /dev/vhost-net if takeover= is set
 *
 * The module is loaded without /dev/vhost-net if that cannot be created, because
 * guests that use the other name must start in any case.
 *
 * Return: 0 or -errno. From the first node on nothing fails, because the device
 * may be open.
 */
int __init vtap_node_init(void)
{
	bool wanted;
	int err;

	kernel_param_lock(THIS_MODULE);
	wanted = takeover;
	takeover = false;
	/* This does not fail, because no file can be open yet. */
	vtap_chardev_admit(wanted);
	err = vtap_make_node();
	if (!err && wanted && vtap_register_vhost_net())
		pr_warn("takeover: the name vhost-net is in use; run \"vhost-tapctl takeover on\"\n");
	node_phase = err ? VTAP_NODES_GONE : VTAP_NODES_READY;
	kernel_param_unlock(THIS_MODULE);
	return err;
}

/**
 * vtap_node_exit - remove the nodes
 */
void vtap_node_exit(void)
{
	kernel_param_lock(THIS_MODULE);
	node_phase = VTAP_NODES_GONE;
	vtap_deregister_vhost_net();
	misc_deregister(&vtap_misc);
	kernel_param_unlock(THIS_MODULE);
}

MODULE_ALIAS_MISCDEV(VTAP_MINOR);
MODULE_ALIAS("devname:vhost-tap");
