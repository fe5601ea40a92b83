// SPDX-License-Identifier: GPL-2.0
/*
 * doctor_tap.c - the doctor's checks of a tap or macvtap
 *
 * Read before: doctor.h.
 */
#include <glob.h>
#include <libgen.h>
#include <linux/ethtool.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "doctor.h"

static long link_number(const char *link, const char *file)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/class/net/%s/%s", link, file);
	return read_number(path);
}

/* What makes a tap as it should be; flags of those who have it now stay. */
static void tap_command(const struct patient *p, bool is_there, char *buf,
			size_t len)
{
	char bridge[IFNAMSIZ + 16] = "", path[96], master[256], remove[64] = "";
	const char *multi = p->queues > 1 ? " multi_queue" : "";
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/class/net/%s/master", p->tap);
	n = readlink(path, master, sizeof(master) - 1);
	if (n > 0) {
		master[n] = 0;
		snprintf(bridge, sizeof(bridge), " master %.15s",
			 basename(master));
	}
	if (is_there)
		snprintf(remove, sizeof(remove),
			 "ip tuntap del dev %s mode tap%s && ", p->tap,
			 link_number(p->tap, "tun_flags") & IFF_MULTI_QUEUE ?
			 " multi_queue" : "");
	snprintf(buf, len,
		 "%sip tuntap add dev %s mode tap vnet_hdr%s%s%s && ip link set %s%s up",
		 remove, p->tap, multi, p->user ? " user " : "",
		 p->user ? p->user : "", p->tap, bridge);
}

static void check_up(struct patient *p, const char *link)
{
	long flags = link_number(link, "flags");

	if (flags >= 0 && !(flags & IFF_UP))
		finding(p, PROBLEM, "the link is down",
			"no packet comes or goes", "ip link set %s up", link);
}

/* Offloads that somebody switched off. */
static void check_offloads(struct patient *p, const char *link)
{
	static const struct {
		uint32_t cmd;
		const char *name;
		const char *what;
	} offloads[] = {
		{ ETHTOOL_GSG, "sg", "scatter-gather is off" },
		{ ETHTOOL_GGSO, "gso", "segmentation offload is off" },
	};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	size_t i;

	for (i = 0; fd >= 0 && i < sizeof(offloads) / sizeof(*offloads); i++) {
		struct ethtool_value val = { .cmd = offloads[i].cmd };
		struct ifreq ifr = { .ifr_data = (void *)&val };

		snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", link);
		if (!ioctl(fd, SIOCETHTOOL, &ifr) && !val.data)
			finding(p, WARNING, offloads[i].what,
				"the host cuts every large packet for this link, which costs most of the throughput",
				"ethtool -K %s %s on", link, offloads[i].name);
	}
	if (fd >= 0)
		close(fd);
}

/**
 * check_queues - more queues than processors?
 * @p: patient
 */
void check_queues(struct patient *p)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	const char *link = p->tap ? p->tap : p->macvtap;
	char what[80];

	if ((long)p->queues <= cpus)
		return;
	snprintf(what, sizeof(what), "%lu queues on %ld processors", p->queues,
		 cpus);
	finding(p, WARNING, what,
		"workers take processor time from each other; more queues than that gain nothing",
		"vhost-tapctl doctor %s%s%s--queues %ld",
		p->tap ? "--tap " : p->macvtap ? "--macvtap " : "",
		link ? link : "", link ? " " : "", cpus);
}

/* A name that no link has. */
static void free_name(const char *stem, char *buf)
{
	unsigned int i = 0;

	do {
		snprintf(buf, IFNAMSIZ, "%s%u", stem, i++);
	} while (link_exists(buf));
}

/* The file with the numbers of a macvtap's node; false if the link is none. */
static bool is_macvtap(const char *link, char *file, size_t len)
{
	static const char * const where[] = { "*tap*/*", "tap*" };
	char pattern[96];
	glob_t g;
	size_t i;

	for (i = 0; i < sizeof(where) / sizeof(*where); i++) {
		snprintf(pattern, sizeof(pattern), "/sys/class/net/%s/%s/dev",
			 link, where[i]);
		if (glob(pattern, 0, NULL, &g))
			continue;
		snprintf(file, len, "%s", g.gl_pathv[0]);
		globfree(&g);
		return true;
	}
	return false;
}

static void not_a_tap(struct patient *p)
{
	static const char what[] = "the link is no tap";
	static const char why[] =
		"only a tap can be opened through /dev/net/tun";
	char name[IFNAMSIZ], mend[256], file[128];
	struct patient other = *p;

	if (is_macvtap(p->tap, file, sizeof(file))) {
		finding(p, PROBLEM, what, why,
			"vhost-tapctl doctor --macvtap %s --queues %lu", p->tap,
			p->queues);
		return;
	}
	free_name("tap", name);
	other.tap = name;
	tap_command(&other, false, mend, sizeof(mend));
	finding(p, PROBLEM, what, why,
		"%s && vhost-tapctl doctor --tap %s --queues %lu", mend, name,
		p->queues);
}

/**
 * check_tap - a tap that a VMM is to use
 * @p: patient
 */
void check_tap(struct patient *p)
{
	long flags = link_number(p->tap, "tun_flags");
	char mend[256];

	if (!link_exists(p->tap)) {
		tap_command(p, false, mend, sizeof(mend));
		finding(p, PROBLEM, "there is no such tap",
			"a VMM without CAP_NET_ADMIN cannot make it", "%s",
			mend);
		return;
	}
	if (flags < 0 || !(flags & IFF_TAP)) {
		not_a_tap(p);
		return;
	}
	tap_command(p, true, mend, sizeof(mend));
	if (p->queues > 1 && !(flags & IFF_MULTI_QUEUE))
		finding(p, PROBLEM, "the tap was made without multi_queue",
			"opening its second queue fails: \"could not configure /dev/net/tun: Invalid argument\"",
			"%s", mend);
	else if (p->queues == 1 && flags & IFF_MULTI_QUEUE)
		finding(p, WARNING,
			"the tap was made with multi_queue, for one queue",
			"a VMM that opens one queue by the tap's name gets \"Invalid argument\"; \"vhost-tapctl run\" does not",
			"%s", mend);
	else if (!(flags & IFF_VNET_HDR))
		finding(p, WARNING, "the tap was made without vnet_hdr",
			"a VMM that does not ask for the header itself gets no offloads",
			"%s", mend);
	else if (p->user && p->uid &&
		 link_number(p->tap, "owner") != (long)p->uid &&
		 link_number(p->tap, "group") != (long)p->gid)
		finding(p, PROBLEM, "the tap belongs to somebody else",
			"TUNSETIFF says \"Operation not permitted\" to that user",
			"%s", mend);
	check_up(p, p->tap);
	check_offloads(p, p->tap);
}

/* The link that packets leave by: the default route's, or the first one. */
static void lower_link(char *buf)
{
	char line[256], dest[16];
	FILE *f = fopen("/proc/net/route", "re");
	struct if_nameindex *all, *i;

	buf[0] = 0;
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%15s %15s", buf, dest) == 2 &&
		    !strcmp(dest, "00000000"))
			break;
		buf[0] = 0;
	}
	if (f)
		fclose(f);
	if (buf[0])
		return;
	all = if_nameindex();
	for (i = all; i && i->if_index; i++) {
		if (strcmp(i->if_name, "lo")) {
			snprintf(buf, IFNAMSIZ, "%s", i->if_name);
			break;
		}
	}
	if (all)
		if_freenameindex(all);
}

static void not_a_macvtap(struct patient *p)
{
	static const char what[] = "the link is no macvtap";
	static const char why[] = "it has no node that a VMM could open";
	char name[IFNAMSIZ];

	if (link_number(p->macvtap, "tun_flags") >= 0) {
		finding(p, PROBLEM, what, why,
			"vhost-tapctl doctor --tap %s --queues %lu", p->macvtap,
			p->queues);
		return;
	}
	free_name("macvtap", name);
	finding(p, PROBLEM, what, why,
		"ip link add link %s name %s type macvtap mode bridge && ip link set %s up && vhost-tapctl doctor --macvtap %s --queues %lu",
		p->macvtap, name, name, name, p->queues);
}

/**
 * check_macvtap - a macvtap that a VMM is to use
 * @p: patient
 */
void check_macvtap(struct patient *p)
{
	char file[128], numbers[32] = "", node[32], lower[IFNAMSIZ];
	unsigned int maj, min;

	if (!link_exists(p->macvtap)) {
		lower_link(lower);
		finding(p, PROBLEM, "there is no such macvtap",
			"a VMM cannot make it",
			"ip link add link %s name %s type macvtap mode bridge && ip link set %s up",
			lower[0] ? lower : "eth0", p->macvtap, p->macvtap);
		return;
	}
	if (!is_macvtap(p->macvtap, file, sizeof(file))) {
		not_a_macvtap(p);
		return;
	}
	read_line(file, numbers, sizeof(numbers));
	snprintf(node, sizeof(node), "/dev/tap%u", if_nametoindex(p->macvtap));
	if (sscanf(numbers, "%u:%u", &maj, &min) == 2 && access(node, F_OK))
		finding(p, PROBLEM, "the macvtap's node is not there",
			"no VMM can open it; in a container nobody makes it",
			"mknod -m 660 %s c %u %u", node, maj, min);
	else if (!may_use(p, node))
		finding(p, PROBLEM, "the macvtap's node may not be opened",
			"the VMM gets \"Permission denied\"",
			"chgrp kvm %s && chmod 660 %s", node, node);
	check_up(p, p->macvtap);
	check_offloads(p, p->macvtap);
}
