// SPDX-License-Identifier: GPL-2.0
/*
 * doctor_tap.c - the doctor's checks of a tap or macvtap
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "doctor.h"
#include "link.h"

/* Room for a command with three names of links and one of a user */
#define COMMAND_ROOM	2048

/*
 * Write the command that creates a suitable tap. These properties cannot be
 * changed later, so the command replaces an existing tap @l. @l is NULL if the
 * tap does not exist.
 */
static void tap_command(const struct doctor_ctx *ctx, const char *word,
			const struct link_info *l, char *buf, size_t room)
{
	char name[IFNAMSIZ], master[SHELL_ROOM] = "", remove[128] = "";

	if (l && l->master && if_indextoname(l->master, name))
		shell_word(master, sizeof(master), name);
	if (l)
		snprintf(remove, sizeof(remove),
			 "ip tuntap del dev %s mode tap%s && ", word,
			 l->multi_queue ? " multi_queue" : "");
	snprintf(buf, room,
		 "%sip tuntap add dev %s mode tap vnet_hdr%s%s%s && ip link set dev %s%s%s up",
		 remove, word, ctx->queues > 1 ? " multi_queue" : "",
		 ctx->user ? " user " : "", ctx->user_word, word,
		 master[0] ? " master " : "", master);
}

static void check_up(struct doctor_ctx *ctx, const struct link_info *l)
{
	if (!(l->flags & IFF_UP))
		finding(ctx, PROBLEM, "the link is down",
			"it does not carry packets", "ip link set dev %s up",
			ctx->link_word);
}

static void check_offloads(struct doctor_ctx *ctx, const char *link)
{
	static const struct {
		uint32_t cmd;
		const char *name;
		const char *problem;
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
			finding(ctx, WARNING, offloads[i].problem,
				"the host splits every large packet for this link, which costs most of the throughput",
				"ethtool -K %s %s on", ctx->link_word,
				offloads[i].name);
	}
	if (fd >= 0)
		close(fd);
}

/**
 * check_queues - check that the host has a CPU for each queue
 * @ctx: context
 */
void check_queues(struct doctor_ctx *ctx)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	char title[80];

	if ((long)ctx->queues <= cpus)
		return;
	snprintf(title, sizeof(title), "%lu queues on %ld CPU%s", ctx->queues,
		 cpus, plural(cpus));
	finding(ctx, WARNING, title,
		"the workers compete for CPU time; more queues than CPUs gain nothing",
		"vhost-tapctl doctor %s%s%s--queues %ld",
		ctx->tap ? "--tap " : ctx->macvtap ? "--macvtap " : "",
		ctx->link_word, ctx->link_word[0] ? " " : "", cpus);
}

/* Choose an unused name for a link, which needs no quotes. */
static void free_name(const char *stem, char *buf)
{
	unsigned int i = 0;

	do {
		snprintf(buf, IFNAMSIZ, "%s%u", stem, i++);
	} while (link_exists(buf));
}

/*
 * Get the device number of a macvtap's node, or 0. Only sysfs has it, and sysfs
 * shows the network namespace in which /sys was mounted. A link there with the
 * same name, index and address is the same link.
 */
static dev_t node_number(const char *link, const struct link_info *l)
{
	static const char * const where[] = { "", "macvtap/" };
	char path[128], text[64], mac[LINK_MAC_TEXT];
	unsigned int maj, min;
	size_t i;

	snprintf(path, sizeof(path), "/sys/class/net/%s/ifindex", link);
	if (read_number(path) != l->index)
		return 0;
	snprintf(path, sizeof(path), "/sys/class/net/%s/address", link);
	link_mac_text(l->mac, mac);
	if (!read_line(path, text, sizeof(text)) ||
	    (l->has_mac && strcmp(text, mac)))
		return 0;
	for (i = 0; i < sizeof(where) / sizeof(*where); i++) {
		snprintf(path, sizeof(path), "/sys/class/net/%s/%stap%u/dev",
			 link, where[i], l->index);
		if (read_line(path, text, sizeof(text)) &&
		    sscanf(text, "%u:%u", &maj, &min) == 2)
			return makedev(maj, min);
	}
	return 0;
}

static void not_a_tap(struct doctor_ctx *ctx, const struct link_info *l)
{
	static const char title[] = "the link is not a tap";
	static const char why[] =
		"only a tap can be opened through /dev/net/tun";
	char name[IFNAMSIZ], fix[COMMAND_ROOM];

	if (link_is_macvtap(l)) {
		finding(ctx, PROBLEM, title, why,
			"vhost-tapctl doctor --macvtap %s --queues %lu",
			ctx->link_word, ctx->queues);
		return;
	}
	free_name("tap", name);
	tap_command(ctx, name, NULL, fix, sizeof(fix));
	finding(ctx, PROBLEM, title, why,
		"%s && vhost-tapctl doctor --tap %s --queues %lu", fix, name,
		ctx->queues);
}

/* Check the properties that a tap was created with. */
static void check_tap_flags(struct doctor_ctx *ctx, const struct link_info *l)
{
	char fix[COMMAND_ROOM];

	tap_command(ctx, ctx->link_word, l, fix, sizeof(fix));
	if (ctx->queues > 1 && !l->multi_queue)
		finding(ctx, PROBLEM, "the tap was made without multi_queue",
			"a VMM cannot open a second queue: \"could not configure /dev/net/tun: Invalid argument\"",
			"%s", fix);
	else if (ctx->queues == 1 && l->multi_queue)
		finding(ctx, WARNING,
			"the tap was made with multi_queue, for one queue",
			"a VMM that opens one queue by the tap's name gets \"Invalid argument\"; \"vhost-tapctl run\" does not",
			"%s", fix);
	else if (!l->vnet_hdr)
		finding(ctx, WARNING, "the tap was made without vnet_hdr",
			"a VMM that does not set the flag itself gets no offloads",
			"%s", fix);
	else if (ctx->user && ctx->uid &&
		 l->owner != ctx->uid && l->group != ctx->gid)
		finding(ctx, PROBLEM, "the tap belongs to another user",
			"TUNSETIFF fails with \"Operation not permitted\" for this user",
			"%s", fix);
}

/*
 * Read the properties of a link. The index is 0 if the link does not exist.
 * Returns false after any other error.
 */
static bool read_link(const char *name, struct link_info *l)
{
	int err = link_get(name, l);

	if (!err || err == -ENODEV)
		return true;
	warn("cannot read the properties of the link: %s", strerror(-err));
	return false;
}

/**
 * check_tap - check a tap that a VMM is to use
 * @ctx: context
 */
void check_tap(struct doctor_ctx *ctx)
{
	char fix[COMMAND_ROOM];
	struct link_info l;

	if (!read_link(ctx->tap, &l))
		return;
	if (!l.index) {
		tap_command(ctx, ctx->link_word, NULL, fix, sizeof(fix));
		finding(ctx, PROBLEM, "the tap does not exist",
			"a VMM without CAP_NET_ADMIN cannot make it", "%s",
			fix);
		return;
	}
	if (!l.is_tap) {
		not_a_tap(ctx, &l);
		return;
	}
	check_tap_flags(ctx, &l);
	check_up(ctx, &l);
	check_offloads(ctx, ctx->tap);
}

/* Get the link of the default route, or else the first link. */
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

static void not_a_macvtap(struct doctor_ctx *ctx, const struct link_info *l)
{
	static const char title[] = "the link is not a macvtap";
	static const char why[] = "it has no node that a VMM can open";
	char name[IFNAMSIZ];

	if (l->is_tap) {
		finding(ctx, PROBLEM, title, why,
			"vhost-tapctl doctor --tap %s --queues %lu",
			ctx->link_word, ctx->queues);
		return;
	}
	free_name("macvtap", name);
	finding(ctx, PROBLEM, title, why,
		"ip link add link %s name %s type macvtap mode bridge && ip link set dev %s up && vhost-tapctl doctor --macvtap %s --queues %lu",
		ctx->link_word, name, name, name, ctx->queues);
}

/* Check the node, which is named after the link's index. */
static void check_macvtap_node(struct doctor_ctx *ctx,
			       const struct link_info *l)
{
	dev_t number = node_number(ctx->macvtap, l);
	char node[32], title[64];
	struct stat st;

	snprintf(node, sizeof(node), "/dev/tap%u", l->index);
	if (!number) {
		finding(ctx, WARNING,
			"the macvtap's node cannot be checked",
			"/sys shows another network namespace",
			"unshare --mount sh -c 'mount -t sysfs none /sys && exec vhost-tapctl \"$@\"' - doctor --macvtap %s --queues %lu",
			ctx->link_word, ctx->queues);
		return;
	}
	if (stat(node, &st)) {
		finding(ctx, PROBLEM, "the macvtap's node does not exist",
			"no VMM can open it; in a container, udev does not make it",
			"mknod -m 660 %s c %u %u", node, major(number),
			minor(number));
	} else if (!S_ISCHR(st.st_mode) || st.st_rdev != number) {
		snprintf(title, sizeof(title), "%s is not the macvtap's node",
			 node);
		finding(ctx, PROBLEM, title,
			"it belongs to a macvtap with the same index in another network namespace; the VMM has to open a node of another name",
			"mknod -m 660 /dev/%s c %u %u", ctx->link_word,
			major(number), minor(number));
	} else if (!may_use(ctx, node)) {
		finding(ctx, PROBLEM, "this user may not open the macvtap's node",
			"the VMM gets \"Permission denied\"",
			"chgrp kvm %s && chmod 660 %s", node, node);
	}
}

/**
 * check_macvtap - check a macvtap that a VMM is to use
 * @ctx: context
 */
void check_macvtap(struct doctor_ctx *ctx)
{
	char lower[IFNAMSIZ], lower_word[SHELL_ROOM];
	struct link_info l;

	if (!read_link(ctx->macvtap, &l))
		return;
	if (!l.index) {
		lower_link(lower);
		shell_word(lower_word, sizeof(lower_word),
			   lower[0] ? lower : "eth0");
		finding(ctx, PROBLEM, "the macvtap does not exist",
			"a VMM cannot make it",
			"ip link add link %s name %s type macvtap mode bridge && ip link set dev %s up",
			lower_word, ctx->link_word, ctx->link_word);
		return;
	}
	if (!link_is_macvtap(&l)) {
		not_a_macvtap(ctx, &l);
		return;
	}
	check_macvtap_node(ctx, &l);
	check_up(ctx, &l);
	check_offloads(ctx, ctx->macvtap);
}
