// SPDX-License-Identifier: GPL-2.0
/*
 * doctor_host.c - the doctor's checks of module, nodes and security modules
 *
 * Read before: doctor.h.
 */
#include <errno.h>
#include <glob.h>
#include <grp.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "doctor.h"

/* What dkms signs with, as DER. */
#define DKMS_KEY	"/var/lib/dkms/mok.pub"

/* Does depmod know the module for this kernel? */
static bool is_installed(const char *name)
{
	char path[256], line[512], want[64], *file;
	struct utsname u;
	bool found = false;
	FILE *f;

	uname(&u);
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", u.release);
	snprintf(want, sizeof(want), "%s.ko", name);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, ":")] = 0;
		file = strrchr(line, '/');
		found = !strncmp(file ? file + 1 : line, want, strlen(want));
	}
	if (f)
		fclose(f);
	return found;
}

/**
 * check_module - loaded, and may it be?
 * @p: patient
 */
void check_module(struct patient *p)
{
	char taint[16], enforce[8];
	bool has_dkms;
	glob_t g;

	read_line("/sys/module/module/parameters/sig_enforce", enforce,
		  sizeof(enforce));
	if (access("/sys/module/vhost_tap", F_OK)) {
		if (is_installed("vhost_tap")) {
			finding(p, PROBLEM, "the module vhost_tap is not loaded",
				enforce[0] == 'Y' ?
				"there is no device without it; this kernel takes only modules signed by a key it knows" :
				"there is no device without it",
				"modprobe vhost_tap");
			return;
		}
		has_dkms = !glob("/usr/src/vhost-tap-*/dkms.conf", 0, NULL, &g);
		if (has_dkms)
			globfree(&g);
		finding(p, PROBLEM,
			"the module vhost_tap is not installed for this kernel",
			"there is no device without it; kernel upgrades want it built anew",
			has_dkms ? "dkms autoinstall && modprobe vhost_tap" :
			"apt-get install vhost-tap-dkms && modprobe vhost_tap");
		return;
	}
	read_line("/sys/module/vhost_tap/taint", taint, sizeof(taint));
	if (strchr(taint, 'E'))
		finding(p, NOTE,
			"the loaded module is not signed by a key that this kernel knows",
			"Secure Boot refuses such modules, this kernel does not; a key is known from the next boot on, which asks for the password given here",
			access(DKMS_KEY, F_OK) ?
			"apt-get install vhost-tap-dkms mokutil && mokutil --import " DKMS_KEY :
			"mokutil --import " DKMS_KEY);
}

/* Who may, by the means at hand: the group of the file if it has one. */
static void mend_access(struct patient *p, const char *path, const char *what)
{
	const struct group *gr;
	struct stat st;

	if (stat(path, &st))
		return;
	gr = getgrgid(st.st_gid);
	if (p->user && st.st_gid && (st.st_mode & 0060) == 0060 && gr)
		finding(p, PROBLEM, what,
			"the VMM gets \"Permission denied\", or QEMU says that vhost-net was requested but could not be initialized",
			"usermod -a -G %s %s", gr->gr_name, p->user);
	else
		finding(p, PROBLEM, what,
			"the VMM gets \"Permission denied\", or QEMU says that vhost-net was requested but could not be initialized",
			"chgrp kvm %s && chmod 660 %s", path, path);
}

/* The numbers of a misc device that is there. */
static bool misc_numbers(const char *name, dev_t *numbers)
{
	unsigned int maj, min;
	char path[64], buf[32];

	snprintf(path, sizeof(path), "/sys/class/misc/%s/dev", name);
	if (!read_line(path, buf, sizeof(buf)) ||
	    sscanf(buf, "%u:%u", &maj, &min) != 2)
		return false;
	*numbers = makedev(maj, min);
	return true;
}

/**
 * check_node - is the node there, the right one, and usable?
 * @p: patient
 */
void check_node(struct patient *p)
{
	struct stat st;
	dev_t numbers;

	if (!misc_numbers("vhost-tap", &numbers)) {
		if (!access("/sys/module/vhost_tap", F_OK))
			finding(p, WARNING,
				"the module has its node under another name",
				"everything here looks for " NODE,
				"rmmod vhost_tap && modprobe vhost_tap devname=vhost-tap");
		return;
	}
	if (stat(NODE, &st)) {
		finding(p, PROBLEM, NODE " is not there",
			"no VMM can open it; in a container it has to be passed on (--device " NODE ")",
			"mknod -m 660 " NODE " c %u %u", major(numbers),
			minor(numbers));
		return;
	}
	if (!S_ISCHR(st.st_mode) || st.st_rdev != numbers) {
		finding(p, PROBLEM, NODE " is something else",
			"a file in its place, or the numbers of another module",
			"rm -f " NODE " && mknod -m 660 " NODE " c %u %u",
			major(numbers), minor(numbers));
		return;
	}
	if (!may_use(p, NODE))
		mend_access(p, NODE, NODE " may not be opened");
}

/**
 * check_tun - the other end: /dev/net/tun
 * @p: patient
 */
void check_tun(struct patient *p)
{
	static const char node[] = "/dev/net/tun";

	if (p->macvtap)
		return;
	if (access("/sys/class/misc/tun", F_OK)) {
		finding(p, PROBLEM, "the module tun is not loaded",
			"there are no taps without it", "modprobe tun");
		return;
	}
	if (access(node, F_OK))
		finding(p, PROBLEM, "/dev/net/tun is not there",
			"no VMM can open a tap; in a container it has to be passed on (--device /dev/net/tun)",
			"mkdir -p /dev/net && mknod -m 666 /dev/net/tun c 10 200");
	else if (!may_use(p, node))
		finding(p, PROBLEM, "/dev/net/tun may not be opened",
			"the VMM gets \"Permission denied\"; what may be done with a tap is decided by the tap's owner and group",
			"chmod 666 /dev/net/tun");
}

/**
 * check_slots - memory regions that VMMs believe to have
 * @p: patient
 */
void check_slots(struct patient *p)
{
	long max = read_number("/sys/module/vhost/parameters/max_mem_regions");

	if (max < 0 || max >= 509)
		return;
	finding(p, WARNING, "VMMs will use few memory slots",
		"vhost-tap takes 509, but QEMU and DPDK read the limit of the in-tree module and stop there; memory hotplug then fails",
		"echo options vhost max_mem_regions=509 >/etc/modprobe.d/vhost-slots.conf && modprobe -r vhost_net && modprobe vhost_net");
}

/**
 * check_security - AppArmor and SELinux
 * @p: patient
 */
void check_security(struct patient *p)
{
	static const char dir[] = "/etc/apparmor.d/abstractions/libvirt-qemu";
	char buf[256] = "";
	ssize_t len;

	read_line("/sys/module/apparmor/parameters/enabled", buf, sizeof(buf));
	if (buf[0] == 'Y' && !access(dir, F_OK) &&
	    access("/etc/apparmor.d/abstractions/libvirt-qemu.d/vhost-tap",
		   F_OK))
		finding(p, WARNING,
			"AppArmor does not let libvirt's guests have " NODE,
			"QEMU gets \"Permission denied\" though the node's mode is right",
			"mkdir -p %s.d && echo '%s rw,' >%s.d/vhost-tap", dir,
			NODE, dir);
	if (read_number("/sys/fs/selinux/enforce") != 1)
		return;
	len = getxattr(NODE, "security.selinux", buf, sizeof(buf) - 1);
	buf[len > 0 ? len : 0] = 0;
	if (!strstr(buf, "vhost_device_t"))
		finding(p, WARNING, NODE " has not the label that SELinux wants",
			"confined QEMU gets \"Permission denied\" though the node's mode is right",
			"chcon -t vhost_device_t " NODE);
}

/* Who has the misc device @numbers open: the first process, and how many. */
static unsigned int openers(dev_t numbers, char *first, size_t len)
{
	unsigned int nr = 0, last = 0, pid;
	char name[32];
	struct stat st;
	glob_t g;
	size_t i;

	first[0] = 0;
	if (glob("/proc/[0-9]*/fd/*", GLOB_NOSORT, NULL, &g))
		return 0;
	for (i = 0; i < g.gl_pathc; i++) {
		if (sscanf(g.gl_pathv[i], "/proc/%u/", &pid) != 1 ||
		    pid == last || stat(g.gl_pathv[i], &st) ||
		    !S_ISCHR(st.st_mode) || st.st_rdev != numbers)
			continue;
		last = pid;
		process_name(pid, name, sizeof(name));
		if (!nr++)
			snprintf(first, len, "process %u, %s", pid, name);
	}
	globfree(&g);
	return nr;
}

/**
 * check_in_tree - what vhost-net is doing
 * @p: patient
 */
void check_in_tree(struct patient *p)
{
	char who[80], what[160];
	dev_t in_tree, ours;
	unsigned int nr;
	struct stat st;

	if (read_number("/sys/module/vhost_net/refcnt") <= 0 ||
	    !misc_numbers("vhost-net", &in_tree) ||
	    !misc_numbers("vhost-tap", &ours))
		return;
	/* What was started before stays there; what starts now is ours. */
	if (!stat("/dev/vhost-net", &st) && st.st_rdev == ours)
		return;
	nr = openers(in_tree, who, sizeof(who));
	if (nr > 1)
		snprintf(what, sizeof(what),
			 "in-tree vhost_net is in use, too (%s, and %u more)",
			 who, nr - 1);
	else
		snprintf(what, sizeof(what),
			 "in-tree vhost_net is in use, too%s%s%s",
			 nr ? " (" : "", who, nr ? ")" : "");
	finding(p, NOTE, what,
		"a VMM that is told vhost=on without vhostfd opens /dev/vhost-net itself; \"vhost-tapctl run\" and libvirt's <backend vhost=> give it " NODE ", and with this any VMM gets it that is started from now on",
		"mount --bind " NODE " /dev/vhost-net");
}

/**
 * check_workers - may the workers run anywhere?
 * @p: patient
 */
void check_workers(struct patient *p)
{
	int cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct snapshot s = { 0 };
	struct genl *nl;
	unsigned int i;

	if (cpus < 2)
		return;
	nl = genl_open();
	if (!nl || snapshot_take(nl, &s))
		goto out;
	for (i = 0; i < s.nr_workers; i++) {
		pid_t tid = s.worker[i].tid;
		char what[64];
		cpu_set_t set;

		if (!tid || sched_getaffinity(tid, sizeof(set), &set) ||
		    CPU_COUNT(&set) < cpus)
			continue;
		snprintf(what, sizeof(what),
			 "worker %u of device %u (thread %d) runs on any processor",
			 s.worker[i].index, s.worker[i].device, tid);
		finding(p, NOTE, what,
			"the scheduler may put it where a guest's processor runs; latency is steadier with a place of its own",
			"taskset -p -c %u %d", i % cpus, tid);
	}
out:
	snapshot_free(&s);
	genl_close(nl);
}
