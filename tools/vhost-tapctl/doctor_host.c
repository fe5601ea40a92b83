// SPDX-License-Identifier: GPL-2.0
/*
 * doctor_host.c - the doctor's checks of module, nodes and security modules
 */
#include <glob.h>
#include <grp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "doctor.h"
#include "takeover.h"

/* Certificate of the key that DKMS signs modules with, in DER form. */
#define DKMS_KEY	"/var/lib/dkms/mok.pub"

static const char denied[] =
	"the VMM gets \"Permission denied\", or QEMU reports that vhost-net was requested but could not be initialized";

static void not_loaded(struct doctor_ctx *ctx)
{
	char enforce[8];
	bool has_dkms;
	glob_t g;

	read_line("/sys/module/module/parameters/sig_enforce", enforce,
		  sizeof(enforce));
	if (is_installed()) {
		finding(ctx, PROBLEM, "the module vhost_tap is not loaded",
			enforce[0] == 'Y' ?
			"without it the device does not exist; this kernel accepts only modules that are signed by a key it knows" :
			"without it the device does not exist",
			"modprobe vhost_tap");
		return;
	}
	has_dkms = !glob("/usr/src/vhost-tap-*/dkms.conf", 0, NULL, &g);
	if (has_dkms)
		globfree(&g);
	finding(ctx, PROBLEM,
		"the module vhost_tap is not installed for this kernel",
		"without it the device does not exist; each kernel needs its own build",
		has_dkms ? "dkms autoinstall && modprobe vhost_tap" :
		"apt-get install vhost-tap-dkms && modprobe vhost_tap");
}

/**
 * check_module - check that the module is loaded and signed
 * @ctx: context
 */
void check_module(struct doctor_ctx *ctx)
{
	char taint[16];

	if (access("/sys/module/vhost_tap", F_OK)) {
		not_loaded(ctx);
		return;
	}
	read_line("/sys/module/vhost_tap/taint", taint, sizeof(taint));
	if (strchr(taint, 'E'))
		finding(ctx, NOTE,
			"the loaded module is not signed by a key that this kernel knows",
			"with Secure Boot the kernel refuses such a module; after the command below, the next boot asks for its password and enrolls the key",
			access(DKMS_KEY, F_OK) ?
			"apt-get install vhost-tap-dkms mokutil && mokutil --import " DKMS_KEY :
			"mokutil --import " DKMS_KEY);
}

/* Suggest to join the file's group, or to change it if it lacks access. */
static void fix_access(struct doctor_ctx *ctx, const char *path,
		       const char *what)
{
	char group[SHELL_ROOM];
	const struct group *gr;
	struct stat st;

	if (stat(path, &st))
		return;
	gr = getgrgid(st.st_gid);
	if (ctx->user && st.st_gid && (st.st_mode & 0060) == 0060 && gr) {
		shell_word(group, sizeof(group), gr->gr_name);
		finding(ctx, PROBLEM, what, denied, "usermod -a -G %s %s",
			group, ctx->user_word);
	} else {
		finding(ctx, PROBLEM, what, denied,
			"chgrp kvm %s && chmod 660 %s", path, path);
	}
}

/**
 * check_node - check that the node exists, is the right one, and is usable
 * @ctx: context
 */
void check_node(struct doctor_ctx *ctx)
{
	struct stat st;
	dev_t numbers;

	if (!misc_numbers("vhost-tap", &numbers)) {
		if (!access("/sys/module/vhost_tap", F_OK))
			finding(ctx, WARNING,
				"the module's node has another name than " NODE,
				"VMMs and vhost-tapctl expect it there",
				"rmmod vhost_tap && modprobe vhost_tap devname=vhost-tap");
		return;
	}
	if (stat(NODE, &st)) {
		finding(ctx, PROBLEM, NODE " does not exist",
			"no VMM can open it; a container needs --device " NODE,
			"mknod -m 660 " NODE " c %u %u", major(numbers),
			minor(numbers));
		return;
	}
	if (!S_ISCHR(st.st_mode) || st.st_rdev != numbers) {
		finding(ctx, PROBLEM, NODE " is not the module's node",
			"another file has its place, or the node has the numbers of another driver",
			"rm -f " NODE " && mknod -m 660 " NODE " c %u %u",
			major(numbers), minor(numbers));
		return;
	}
	if (!may_use(ctx, NODE))
		fix_access(ctx, NODE, "this user may not open " NODE);
}

/**
 * check_tun - check the node that taps are opened through
 * @ctx: context
 */
void check_tun(struct doctor_ctx *ctx)
{
	static const char node[] = "/dev/net/tun";

	if (ctx->macvtap)
		return;
	if (access("/sys/class/misc/tun", F_OK)) {
		finding(ctx, PROBLEM, "the module tun is not loaded",
			"without it the host has no taps", "modprobe tun");
		return;
	}
	if (access(node, F_OK))
		finding(ctx, PROBLEM, "/dev/net/tun does not exist",
			"no VMM can open a tap; a container needs --device /dev/net/tun",
			"mkdir -p /dev/net && mknod -m 666 /dev/net/tun c 10 200");
	else if (!may_use(ctx, node))
		finding(ctx, PROBLEM, "this user may not open /dev/net/tun",
			"the VMM gets \"Permission denied\"; opening the node is harmless, because the owner and group of each tap decide who may use it",
			"chmod 666 /dev/net/tun");
}

/**
 * check_slots - check the number of memory regions that VMMs will use
 * @ctx: context
 */
void check_slots(struct doctor_ctx *ctx)
{
	long max = read_number("/sys/module/vhost/parameters/max_mem_regions");

	if (max < 0 || max >= 509)
		return;
	finding(ctx, WARNING, "VMMs will use few memory regions",
		"vhost-tap accepts 509, but QEMU and DPDK obey the limit of in-tree vhost-net, above which memory hotplug fails",
		"echo options vhost max_mem_regions=509 >/etc/modprobe.d/vhost-slots.conf && modprobe -r vhost_net && modprobe vhost_net");
}

/**
 * check_security - check that AppArmor and SELinux allow the node
 * @ctx: context
 */
void check_security(struct doctor_ctx *ctx)
{
	static const char dir[] = "/etc/apparmor.d/abstractions/libvirt-qemu";
	char buf[256] = "";
	ssize_t len;

	read_line("/sys/module/apparmor/parameters/enabled", buf, sizeof(buf));
	if (buf[0] == 'Y' && !access(dir, F_OK) &&
	    access("/etc/apparmor.d/abstractions/libvirt-qemu.d/vhost-tap",
		   F_OK))
		finding(ctx, WARNING,
			"AppArmor does not let libvirt's guests use " NODE,
			"QEMU gets \"Permission denied\" although the node's mode is right",
			"mkdir -p %s.d && echo '%s rw,' >%s.d/vhost-tap", dir,
			NODE, dir);
	if (read_number("/sys/fs/selinux/enforce") != 1)
		return;
	len = getxattr(NODE, "security.selinux", buf, sizeof(buf) - 1);
	buf[len > 0 ? len : 0] = 0;
	if (!strstr(buf, "vhost_device_t"))
		finding(ctx, WARNING, NODE " lacks the label that SELinux requires",
			"confined QEMU gets \"Permission denied\" although the node's mode is right",
			"chcon -t vhost_device_t " NODE);
}

/**
 * check_takeover - check that a takeover of /dev/vhost-net is complete
 * @ctx: context
 */
void check_takeover(struct doctor_ctx *ctx)
{
	enum takeover now = takeover_get();
	const char *file = takeover_file();
	char what[160];

	if (file && now == TAKEOVER_NO_MODULE && !is_installed()) {
		snprintf(what, sizeof(what),
			 "%s keeps in-tree vhost_net from being loaded", file);
		finding(ctx, PROBLEM, what,
			"vhost_tap is to serve /dev/vhost-net in its place, but is not installed",
			"vhost-tapctl takeover off");
	}
	if (file && now == TAKEOVER_OFF) {
		snprintf(what, sizeof(what),
			 "%s gives the module the name vhost-net, but it does not have it",
			 file);
		finding(ctx, WARNING, what,
			"programs that open /dev/vhost-net do not get vhost-tap; another driver or file had the name when the module was loaded",
			"vhost-tapctl takeover on");
	}
	if (now != TAKEOVER_ON)
		return;
	if (!file)
		finding(ctx, WARNING,
			"no file keeps the name vhost-net for the module",
			"when the module is loaded again, in-tree vhost-net gets the name",
			"vhost-tapctl takeover on");
	if (!takeover_node_ok())
		finding(ctx, PROBLEM, NET_NODE " is not the module's node",
			"the node does not exist, or another file has its place",
			"rm -f " NET_NODE " && mknod -m 660 " NET_NODE " c 10 238");
	else if (!may_use(ctx, NET_NODE))
		fix_access(ctx, NET_NODE, "this user may not open " NET_NODE);
}

/**
 * check_in_tree - check whether VMMs still use in-tree vhost-net
 * @ctx: context
 */
void check_in_tree(struct doctor_ctx *ctx)
{
	char who[NAME_ROOM + 32], what[NAME_ROOM + 128];
	dev_t in_tree, ours;
	unsigned int nr;
	struct stat st;

	if (read_number("/sys/module/vhost_net/refcnt") <= 0 ||
	    !misc_numbers("vhost-net", &in_tree) ||
	    !misc_numbers("vhost-tap", &ours))
		return;
	/* After a bind mount only VMMs that started before it use vhost-net. */
	if (!stat("/dev/vhost-net", &st) && st.st_rdev == ours)
		return;
	nr = openers(in_tree, who, sizeof(who));
	if (nr > 1)
		snprintf(what, sizeof(what),
			 "in-tree vhost-net is in use (%s, and %u more)",
			 who, nr - 1);
	else
		snprintf(what, sizeof(what),
			 "in-tree vhost-net is in use%s%s%s",
			 nr ? " (" : "", who, nr ? ")" : "");
	finding(ctx, NOTE, what,
		"a VMM with vhost=on and without vhostfd opens /dev/vhost-net; \"vhost-tapctl run\" and libvirt's <backend vhost=> pass " NODE " instead; the command below gives it to every VMM that starts later, until the next boot; \"vhost-tapctl takeover on --persist\" does so permanently, after all guests on vhost-net have ended",
		"mount --bind " NODE " /dev/vhost-net");
}

/**
 * check_workers - check that the workers are pinned to CPUs
 * @ctx: context
 */
void check_workers(struct doctor_ctx *ctx)
{
	int cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct snapshot s = { 0 };
	struct genl *nl;
	unsigned int i;

	if (cpus < 2)
		return;
	nl = genl_open_loaded();
	if (!nl || snapshot_take(nl, &s))
		goto out;
	for (i = 0; i < s.nr_workers; i++) {
		const struct list *queues = &s.worker[i].queues;
		pid_t tid = s.worker[i].tid;
		char what[64];
		cpu_set_t set;

		if (!tid || !queues->nr || sched_getaffinity(tid, sizeof(set), &set) ||
		    CPU_COUNT(&set) < cpus)
			continue;
		snprintf(what, sizeof(what),
			 "worker %u of device %u (thread %d) may run on any CPU",
			 s.worker[i].index, s.worker[i].device, tid);
		finding(ctx, NOTE, what,
			"the scheduler may run it on the CPU of a guest's vCPU; on a dedicated CPU its latency varies less",
			"vhost-tapctl pin %u/%llu %u", s.worker[i].device,
			(unsigned long long)queues->val[0], i % cpus);
	}
out:
	snapshot_free(&s);
	genl_close(nl);
}
