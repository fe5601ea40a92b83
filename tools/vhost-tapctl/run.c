// SPDX-License-Identifier: GPL-2.0
/*
 * run.c - vhost-tapctl run: start a VMM with its queues and nodes open
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/if_tun.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl.h"
#include "link.h"
#include "mac.h"

#define MAX_QUEUES	256

/**
 * struct run_options - options of the command line, and the open files
 */
struct run_options {
	const char *tap;
	char *macvtap;		/* name of the link below */
	char name[IFNAMSIZ];	/* of the macvtap */
	uint32_t mode;
	unsigned long queues;
	const char *id;
	const char *node;
	const char *device;	/* more properties of the NIC */
	const char *mac;
	bool dry_run;
	char own_mac[LINK_MAC_TEXT];
	int fd[MAX_QUEUES];
	int vhost[MAX_QUEUES];
};

static int open_tap(const char *node, const char *name, short flags)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR |
					  flags };
	int fd = open(node, O_RDWR);

	if (fd < 0) {
		warn("%s: %s (run \"vhost-tapctl doctor\" for details)", node,
		     strerror(errno));
		return -1;
	}
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
		warn("cannot open a queue of %s: %s%s", name, strerror(errno),
		     errno == EBUSY ? " (is it in use?)" : "");
		close(fd);
		return -1;
	}
	return fd;
}

/*
 * Check that a file is a queue of @name. The number in the name of a macvtap's
 * node is the index of the link, which can be another link's in another network
 * namespace.
 */
static bool is_queue_of(int fd, const char *name, const struct link_info *l)
{
	struct ifreq ifr = { 0 };

	if (ioctl(fd, TUNGETIFF, &ifr) || strcmp(ifr.ifr_name, name))
		return false;
	return !l->has_mac || ioctl(fd, SIOCGIFHWADDR, &ifr) ||
	       !memcmp(ifr.ifr_hwaddr.sa_data, l->mac, LINK_MAC);
}

/* Get the flags for an existing tap, or -1 after a message. */
static int tap_flags(const struct run_options *p, struct link_info *l)
{
	int err = link_get(p->tap, l);
	char word[SHELL_ROOM];

	shell_word(word, sizeof(word), p->tap);
	if (err && err != -ENODEV) {
		warn("cannot read the properties of %s: %s", p->tap, strerror(-err));
		return -1;
	}
	if (err) {
		warn("there is no tap \"%s\"; create it with:\n  ip tuntap add dev %s mode tap vnet_hdr%s && ip link set dev %s up",
		     p->tap, word, p->queues > 1 ? " multi_queue" : "", word);
		return -1;
	}
	if (!l->is_tap) {
		warn("%s is not a tap", p->tap);
		return -1;
	}
	if (p->queues > 1 && !l->multi_queue) {
		warn("%s supports one queue only, because it was made without multi_queue; create it again:\n  ip tuntap del dev %s mode tap && ip tuntap add dev %s mode tap vnet_hdr multi_queue && ip link set dev %s up",
		     p->tap, word, word, word);
		return -1;
	}
	return l->multi_queue ? IFF_MULTI_QUEUE : 0;
}

static int open_queues(struct run_options *p)
{
	const char *name = p->tap ? p->tap : p->name;
	const char *node = "/dev/net/tun";
	short flags = IFF_MULTI_QUEUE;
	struct link_info l;
	char tapnode[64];
	unsigned long i;
	int ret;

	if (p->tap) {
		ret = tap_flags(p, &l);
		if (ret < 0)
			return CTL_FAILED;
		flags = ret;
		mac_make(p->tap, &l, p->own_mac);
	} else {
		ret = link_get(name, &l);
		if (ret) {
			warn("cannot read the properties of %s: %s", name, strerror(-ret));
			return CTL_FAILED;
		}
		snprintf(tapnode, sizeof(tapnode), "/dev/tap%u", l.index);
		node = tapnode;
		link_mac_text(l.mac, p->own_mac);
		/* udev creates the node, which may take a moment. */
		for (i = 0; i < 50 && access(node, F_OK); i++)
			usleep(20000);
	}
	for (i = 0; i < p->queues; i++) {
		p->fd[i] = open_tap(node, name, flags);
		if (p->fd[i] < 0)
			return CTL_FAILED;
		if (!is_queue_of(p->fd[i], name, &l)) {
			warn("%s is not the node of %s, but of a macvtap in another network namespace",
			     node, name);
			return CTL_FAILED;
		}
		p->vhost[i] = open(p->node, O_RDWR);
		if (p->vhost[i] < 0) {
			warn("%s: %s (run \"vhost-tapctl doctor\" for details)",
			     p->node, strerror(errno));
			return errno == EACCES ? CTL_DENIED : CTL_FAILED;
		}
	}
	return CTL_OK;
}

static void put_fds(FILE *f, const int *fd, unsigned long nr)
{
	unsigned long i;

	for (i = 0; i < nr; i++)
		fprintf(f, "%s%d", i ? ":" : "", fd[i]);
}

/* Append our arguments to those of the VMM. Returns NULL without memory. */
static char **arguments(const struct run_options *p, char **vmm, int nr)
{
	char **args = calloc(nr + 5, sizeof(*args)), *text;
	size_t len;
	FILE *f;
	int i;

	if (!args)
		return NULL;
	for (i = 0; i < nr; i++)
		args[i] = vmm[i];
	f = open_memstream(&text, &len);
	if (!f)
		return NULL;
	fprintf(f, "tap,id=%s,fd%s=", p->id, p->queues > 1 ? "s" : "");
	put_fds(f, p->fd, p->queues);
	fprintf(f, ",vhost=on,vhostfd%s=", p->queues > 1 ? "s" : "");
	put_fds(f, p->vhost, p->queues);
	if (fclose(f))
		return NULL;
	args[i++] = "-netdev";
	args[i++] = text;
	f = open_memstream(&text, &len);
	if (!f)
		return NULL;
	fprintf(f, "virtio-net-pci,netdev=%s,mac=%s", p->id,
		p->mac ? p->mac : p->own_mac);
	/* One vector for each queue, control queue and config change. */
	if (p->queues > 1)
		fprintf(f, ",mq=on,vectors=%lu", 2 * p->queues + 2);
	if (p->device)
		fprintf(f, ",%s", p->device);
	if (fclose(f))
		return NULL;
	args[i++] = "-device";
	args[i++] = text;
	return args;
}

static pid_t child;

static void pass_on(int sig)
{
	if (child > 0)
		kill(child, sig);
}

static int exec_vmm(char **args)
{
	execvp(args[0], args);
	warn("%s: %s", args[0], strerror(errno));
	return errno == ENOENT ? CTL_NOT_FOUND : CTL_FAILED;
}

/* Wait for the VMM, because the macvtap has to be removed after it. */
static int wait_vmm(char **args)
{
	struct sigaction sa = { .sa_handler = pass_on, .sa_flags = SA_RESTART };
	int status;

	child = fork();
	if (child < 0) {
		warn("fork: %s", strerror(errno));
		return CTL_FAILED;
	}
	if (!child)
		_exit(exec_vmm(args));
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return CTL_FAILED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* "eth0,mode=bridge,name=mvt0" */
static int parse_macvtap(struct run_options *p, char *arg)
{
	char *const keys[] = { "mode", "name", NULL };
	char *val, *rest = strchr(arg, ',');

	p->macvtap = arg;
	if (rest)
		*rest++ = 0;
	while (rest && *rest) {
		switch (getsubopt(&rest, keys, &val)) {
		case 0:
			if (!val || link_mode(val, &p->mode)) {
				warn("mode takes bridge, vepa, private or passthru");
				return -EINVAL;
			}
			break;
		case 1:
			if (!val || !*val || strlen(val) >= IFNAMSIZ)
				return -EINVAL;
			memcpy(p->name, val, strlen(val) + 1);
			break;
		default:
			warn("unknown option \"%s\" of --macvtap", val);
			return -EINVAL;
		}
	}
	return 0;
}

static int parse(struct run_options *p, int argc, char **argv)
{
	static const struct option options[] = {
		{ "tap", required_argument, NULL, 't' },
		{ "macvtap", required_argument, NULL, 'm' },
		{ "queues", required_argument, NULL, 'q' },
		{ "id", required_argument, NULL, 'i' },
		{ "mac", required_argument, NULL, 'a' },
		{ "device", required_argument, NULL, 'd' },
		{ "node", required_argument, NULL, 'n' },
		{ "dry-run", no_argument, NULL, 'y' },
		{ 0 },
	};
	int c;

	while ((c = next_option(argc, argv, "+", options)) != -1) {
		if (c == 't' && strlen(optarg) < IFNAMSIZ &&
		    !strchr(optarg, '/'))
			p->tap = optarg;
		else if (c == 'm' && !parse_macvtap(p, optarg))
			;
		else if (c == 'q' && !number(optarg, 1, MAX_QUEUES, &p->queues))
			;
		else if (c == 'i')
			p->id = optarg;
		else if (c == 'a')
			p->mac = optarg;
		else if (c == 'd')
			p->device = optarg;
		else if (c == 'n')
			p->node = optarg;
		else if (c == 'y')
			p->dry_run = true;
		else
			return CTL_USAGE;
	}
	return optind < argc && !p->tap != !p->macvtap ? CTL_OK : CTL_USAGE;
}

static void print_command(char **args)
{
	size_t room;
	char *word;
	int i;

	for (i = 0; args[i]; i++) {
		room = 4 * strlen(args[i]) + 4;
		word = malloc(room);
		if (!word)
			return;
		shell_word(word, room, args[i]);
		printf("%s%s", i ? " " : "", word);
		free(word);
	}
	putchar('\n');
}

/**
 * cmd_run - vhost-tapctl run
 * @argc: arguments, with the name
 * @argv: arguments
 *
 * Return: exit code, or that of the VMM once it runs.
 */
int cmd_run(int argc, char **argv)
{
	static struct run_options p = { .queues = 1, .id = "vtap0", .node = NODE,
					.mode = LINK_BRIDGE };
	char **args = NULL;
	int ret = parse(&p, argc, argv);

	if (ret != CTL_OK)
		return ret;
	if (p.macvtap) {
		ret = link_add_macvtap(p.macvtap, p.name, p.mode);
		if (ret != CTL_OK)
			return ret;
	}
	ret = open_queues(&p);
	if (ret == CTL_OK) {
		args = arguments(&p, argv + optind, argc - optind);
		if (!args) {
			warn("out of memory");
			ret = CTL_FAILED;
		}
	}
	if (args && p.dry_run)
		print_command(args);
	else if (args)
		ret = p.macvtap ? wait_vmm(args) : exec_vmm(args);
	if (p.macvtap)
		link_del(p.name);
	return ret;
}
