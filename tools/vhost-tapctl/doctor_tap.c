// SPDX-License-Identifier: GPL-2.0
/*
 * doctor_tap.c - the doctor's checks of a tap or macvtap
 */
#include <libgen.h>
#include <linux/ethtool.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "doctor.h"

/* A command with three names of a link and one of a user. */
#define COMMAND_ROOM	2048

static long link_number(const char *link, const char *file)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/class/net/%s/%s", link, file);
	return read_number(path);
}

/*
 * The command that makes a tap as it should be. It replaces a tap that exists,
 * since these properties of a tap cannot be changed.
 */
static void tap_command(const struct doctor_ctx *ctx, const char *word,
			bool exists, char *buf, size_t room)
{
	char path[96], link[256], master[SHELL_ROOM] = "", remove[128] = "";
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/class/net/%s/master", ctx->tap);
	n = readlink(path, link, sizeof(link) - 1);
	if (exists && n > 0) {
		link[n] = 0;
		shell_word(master, sizeof(master), basename(link));
	}
	if (exists)
		snprintf(remove, sizeof(remove),
			 "ip tuntap del dev %s mode tap%s && ", word,
			 link_number(ctx->tap, "tun_flags") & IFF_MULTI_QUEUE ?
			 " multi_queue" : "");
	snprintf(buf, room,
		 "%sip tuntap add dev %s mode tap vnet_hdr%s%s%s && ip link set dev %s%s%s up",
		 remove, word, ctx->queues > 1 ? " multi_queue" : "",
		 ctx->user ? " user " : "", ctx->user_word, word,
		 master[0] ? " master " : "", master);
}

static void check_up(struct doctor_ctx *ctx, const char *link)
{
	long flags = link_number(link, "flags");

	if (flags >= 0 && !(flags & IFF_UP))
		finding(ctx, PROBLEM, "the link is down",
			"it carries no packets", "ip link set dev %s up",
			ctx->link_word);
}

static void check_offloads(struct doctor_ctx *ctx, const char *link)
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
			finding(ctx, WARNING, offloads[i].what,
				"the host splits every large packet for this link, which costs most of the throughput",
				"ethtool -K %s %s on", ctx->link_word,
				offloads[i].name);
	}
	if (fd >= 0)
		close(fd);
}

/**
 * check_queues - check that there is a CPU for each queue
 * @ctx: context
 */
void check_queues(struct doctor_ctx *ctx)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	char what[80];

	if ((long)ctx->queues <= cpus)
		return;
	snprintf(what, sizeof(what), "%lu queues on %ld CPU%s", ctx->queues,
		 cpus, plural(cpus));
	finding(ctx, WARNING, what,
		"the workers compete for CPU time; more queues than CPUs gain nothing",
		"vhost-tapctl doctor %s%s%s--queues %ld",
		ctx->tap ? "--tap " : ctx->macvtap ? "--macvtap " : "",
		ctx->link_word, ctx->link_word[0] ? " " : "", cpus);
}

/* A name that no link has, which needs no quotes. */
static void free_name(const char *stem, char *buf)
{
	unsigned int i = 0;

	do {
		snprintf(buf, IFNAMSIZ, "%s%u", stem, i++);
	} while (link_exists(buf));
}

/* The file with the device numbers of a macvtap's node; false: no macvtap. */
static bool is_macvtap(const char *link, char *file, size_t room)
{
	static const char * const where[] = { "", "macvtap/" };
	size_t i;

	for (i = 0; i < sizeof(where) / sizeof(*where); i++) {
		snprintf(file, room, "/sys/class/net/%s/%stap%u/dev", link,
			 where[i], if_nametoindex(link));
		if (!access(file, F_OK))
			return true;
	}
	return false;
}

static void not_a_tap(struct doctor_ctx *ctx)
{
	static const char what[] = "the link is not a tap";
	static const char why[] =
		"only a tap can be opened through /dev/net/tun";
	char name[IFNAMSIZ], fix[COMMAND_ROOM], file[128];

	if (is_macvtap(ctx->tap, file, sizeof(file))) {
		finding(ctx, PROBLEM, what, why,
			"vhost-tapctl doctor --macvtap %s --queues %lu",
			ctx->link_word, ctx->queues);
		return;
	}
	free_name("tap", name);
	tap_command(ctx, name, false, fix, sizeof(fix));
	finding(ctx, PROBLEM, what, why,
		"%s && vhost-tapctl doctor --tap %s --queues %lu", fix, name,
		ctx->queues);
}

/* How the tap was made; @flags are its tun_flags. */
static void check_tap_flags(struct doctor_ctx *ctx, long flags)
{
	char fix[COMMAND_ROOM];

	tap_command(ctx, ctx->link_word, true, fix, sizeof(fix));
	if (ctx->queues > 1 && !(flags & IFF_MULTI_QUEUE))
		finding(ctx, PROBLEM, "the tap was made without multi_queue",
			"a VMM cannot open a second queue: \"could not configure /dev/net/tun: Invalid argument\"",
			"%s", fix);
	else if (ctx->queues == 1 && flags & IFF_MULTI_QUEUE)
		finding(ctx, WARNING,
			"the tap was made with multi_queue, for one queue",
			"a VMM that opens one queue by the tap's name gets \"Invalid argument\"; \"vhost-tapctl run\" does not",
			"%s", fix);
	else if (!(flags & IFF_VNET_HDR))
		finding(ctx, WARNING, "the tap was made without vnet_hdr",
			"a VMM that does not ask for the header itself gets no offloads",
			"%s", fix);
	else if (ctx->user && ctx->uid &&
		 link_number(ctx->tap, "owner") != (long)ctx->uid &&
		 link_number(ctx->tap, "group") != (long)ctx->gid)
		finding(ctx, PROBLEM, "the tap belongs to another user",
			"TUNSETIFF fails with \"Operation not permitted\" for this user",
			"%s", fix);
}

/**
 * check_tap - check a tap that a VMM is to use
 * @ctx: context
 */
void check_tap(struct doctor_ctx *ctx)
{
	long flags = link_number(ctx->tap, "tun_flags");
	char fix[COMMAND_ROOM];

	if (!link_exists(ctx->tap)) {
		tap_command(ctx, ctx->link_word, false, fix, sizeof(fix));
		finding(ctx, PROBLEM, "the tap does not exist",
			"a VMM without CAP_NET_ADMIN cannot make it", "%s",
			fix);
		return;
	}
	if (flags < 0 || !(flags & IFF_TAP)) {
		not_a_tap(ctx);
		return;
	}
	check_tap_flags(ctx, flags);
	check_up(ctx, ctx->tap);
	check_offloads(ctx, ctx->tap);
}

/* The link of the default route, else the first one. */
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

static void not_a_macvtap(struct doctor_ctx *ctx)
{
	static const char what[] = "the link is not a macvtap";
	static const char why[] = "it has no node that a VMM can open";
	char name[IFNAMSIZ];

	if (link_number(ctx->macvtap, "tun_flags") >= 0) {
		finding(ctx, PROBLEM, what, why,
			"vhost-tapctl doctor --tap %s --queues %lu",
			ctx->link_word, ctx->queues);
		return;
	}
	free_name("macvtap", name);
	finding(ctx, PROBLEM, what, why,
		"ip link add link %s name %s type macvtap mode bridge && ip link set dev %s up && vhost-tapctl doctor --macvtap %s --queues %lu",
		ctx->link_word, name, name, name, ctx->queues);
}

/**
 * check_macvtap - check a macvtap that a VMM is to use
 * @ctx: context
 */
void check_macvtap(struct doctor_ctx *ctx)
{
	char file[128], numbers[32], node[32], lower[IFNAMSIZ];
	char lower_word[SHELL_ROOM];
	unsigned int maj, min;

	if (!link_exists(ctx->macvtap)) {
		lower_link(lower);
		shell_word(lower_word, sizeof(lower_word),
			   lower[0] ? lower : "eth0");
		finding(ctx, PROBLEM, "the macvtap does not exist",
			"a VMM cannot make it",
			"ip link add link %s name %s type macvtap mode bridge && ip link set dev %s up",
			lower_word, ctx->link_word, ctx->link_word);
		return;
	}
	if (!is_macvtap(ctx->macvtap, file, sizeof(file))) {
		not_a_macvtap(ctx);
		return;
	}
	read_line(file, numbers, sizeof(numbers));
	snprintf(node, sizeof(node), "/dev/tap%u", if_nametoindex(ctx->macvtap));
	if (sscanf(numbers, "%u:%u", &maj, &min) == 2 && access(node, F_OK))
		finding(ctx, PROBLEM, "the macvtap's node does not exist",
			"no VMM can open it; in a container, udev does not make it",
			"mknod -m 660 %s c %u %u", node, maj, min);
	else if (!may_use(ctx, node))
		finding(ctx, PROBLEM, "this user may not open the macvtap's node",
			"the VMM gets \"Permission denied\"",
			"chgrp kvm %s && chmod 660 %s", node, node);
	check_up(ctx, ctx->macvtap);
	check_offloads(ctx, ctx->macvtap);
}
