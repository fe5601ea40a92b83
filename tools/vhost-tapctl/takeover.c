// SPDX-License-Identifier: GPL-2.0
/*
 * takeover.c - vhost-tapctl takeover: give the module the name /dev/vhost-net
 *
 * The module's parameter "takeover" adds the name. Before, this command unloads
 * in-tree vhost_net, which has the name, and writes a file for modprobe that
 * prevents it from being loaded again. The file is in /run, whose content ends
 * with the next boot, or with --persist in /etc.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "ctl.h"
#include "takeover.h"

#define PARAMETER	"/sys/module/vhost_tap/parameters/takeover"
#define FILE_NAME	"/modprobe.d/vhost-tap-takeover.conf"
#define BOOT_FILE	"/run" FILE_NAME
#define KEPT_FILE	"/etc" FILE_NAME
#define WAS_LOADED	"# vhost_net was loaded."
#define LABEL		"security.selinux"

/* Numbers of vhost-net: MISC_MAJOR and VHOST_NET_MINOR. */
#define NET_NUMBERS	makedev(10, 238)

/*
 * The aliases load vhost_tap when the node is opened; without them the kernel's
 * request would load vhost_net. Programs that run "modprobe vhost_net" get the
 * module that has the name.
 */
static const char text[] =
	"options vhost_tap takeover=1\n"
	"alias devname:vhost-net vhost_tap\n"
	"alias char-major-10-238 vhost_tap\n"
	"blacklist vhost_net\n"
	"install vhost_net modprobe vhost_tap\n";

/** struct node - owner, mode and label of /dev/vhost-net */
struct node {
	bool exists;
	struct stat st;
	char label[256];
	ssize_t label_len;
};

/* ---- state ---- */

/**
 * takeover_get - read the module's parameter
 *
 * Return: its state.
 */
enum takeover takeover_get(void)
{
	char value[8];

	if (access("/sys/module/vhost_tap", F_OK))
		return TAKEOVER_NO_MODULE;
	if (!read_line(PARAMETER, value, sizeof(value)))
		return TAKEOVER_UNKNOWN;
	return value[0] == 'Y' ? TAKEOVER_ON : TAKEOVER_OFF;
}

/**
 * takeover_file - find the file that keeps vhost_net from being loaded
 *
 * Return: its path, or NULL if there is none.
 */
const char *takeover_file(void)
{
	return !access(KEPT_FILE, F_OK) ? KEPT_FILE :
	       !access(BOOT_FILE, F_OK) ? BOOT_FILE : NULL;
}

/**
 * takeover_node_ok - check that /dev/vhost-net is a node with vhost-net's numbers
 *
 * Return: true if it is; false if it is another file or does not exist.
 */
bool takeover_node_ok(void)
{
	struct stat st;

	return !lstat(NET_NODE, &st) && S_ISCHR(st.st_mode) &&
	       st.st_rdev == NET_NUMBERS;
}

static bool has_line(const char *path, const char *line)
{
	char buf[256];
	bool found = false;
	FILE *f = fopen(path, "re");

	while (f && !found && fgets(buf, sizeof(buf), f)) {
		buf[strcspn(buf, "\n")] = 0;
		found = !strcmp(buf, line);
	}
	if (f)
		fclose(f);
	return found;
}

/* Describe a process that has the misc device @name open, or "". */
static void describe_user(const char *name, char *buf, size_t len)
{
	char who[NAME_ROOM + 32];
	unsigned int nr = 0;
	dev_t numbers;

	buf[0] = 0;
	if (misc_numbers(name, &numbers))
		nr = openers(numbers, who, sizeof(who));
	if (nr > 1)
		snprintf(buf, len, " (%s, and %u more)", who, nr - 1);
	else if (nr)
		snprintf(buf, len, " (%s)", who);
}

static int refuse_in_use(const char *driver, const char *name)
{
	char who[NAME_ROOM + 64];

	describe_user(name, who, sizeof(who));
	warn("%s is in use%s; end all guests that use /dev/vhost-net or " NODE " first",
	     driver, who);
	return CTL_FAILED;
}

/*
 * Check whether a file of the module is open. A netlink request holds a
 * reference for a moment, too.
 */
static bool module_in_use(void)
{
	int i;

	for (i = 0; i < 5; i++) {
		if (read_number("/sys/module/vhost_tap/refcnt") <= 0)
			return false;
		usleep(20000);
	}
	return true;
}

static int refuse_ours_in_use(void)
{
	char who[NAME_ROOM + 64] = "";

	if (takeover_get() == TAKEOVER_ON)
		describe_user("vhost-net", who, sizeof(who));
	return refuse_in_use("vhost-tap", who[0] ? "vhost-net" : "vhost-tap");
}

/* ---- changes, each of which can be undone ---- */

static int write_parameter(const char *value)
{
	int fd = open(PARAMETER, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, 1) != 1)
		err = -errno;
	close(fd);
	return err;
}

static int write_text(FILE *f, bool was_loaded)
{
	fprintf(f, "# Written by \"vhost-tapctl takeover on\"; \"vhost-tapctl takeover off\" removes it.\n%s%s",
		was_loaded ? WAS_LOADED "\n" : "", text);
	return fflush(f) || ferror(f) ? -errno : 0;
}

/* Write the file for modprobe, in one step. */
static int write_file(const char *path, bool was_loaded)
{
	char dir[64], tmp[80];
	int err = 0;
	FILE *f;

	snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(path, '/') - path),
		 path);
	if (mkdir(dir, 0755) && errno != EEXIST)
		err = -errno;
	snprintf(tmp, sizeof(tmp), "%s.new", path);
	f = err ? NULL : fopen(tmp, "we");
	if (f) {
		err = write_text(f, was_loaded);
		if (!err && (fchmod(fileno(f), 0644) || fsync(fileno(f))))
			err = -errno;
		fclose(f);
		if (!err && rename(tmp, path))
			err = -errno;
		if (err)
			unlink(tmp);
	} else if (!err) {
		err = -errno;
	}
	if (err)
		warn("%s: %s", path, strerror(-err));
	return err;
}

static void remove_files(void)
{
	unlink(BOOT_FILE);
	unlink(KEPT_FILE);
	/* This fails if the folder has other files. */
	rmdir("/run/modprobe.d");
}

static int load_vhost_net(void)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
		execlp("modprobe", "modprobe", "--ignore-install", "vhost_net",
		       NULL);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	if (status)
		warn("modprobe vhost_net failed");
	return status ? CTL_FAILED : CTL_OK;
}

static void save_node(struct node *n)
{
	n->exists = takeover_node_ok() && !lstat(NET_NODE, &n->st);
	n->label_len = n->exists ?
		getxattr(NET_NODE, LABEL, n->label, sizeof(n->label)) : -1;
}

/*
 * The kernel creates a new node that only root can open, and udev applies its
 * rule. Restore owner, mode and label of the former node, which the administrator
 * may have changed.
 */
static void restore_node(const struct node *n)
{
	struct stat st;

	if (!n->exists || !takeover_node_ok() || lstat(NET_NODE, &st))
		return;
	/* The node never has more permissions than before or after. */
	if (chmod(NET_NODE, st.st_mode & n->st.st_mode & 07777) ||
	    chown(NET_NODE, n->st.st_uid, n->st.st_gid) ||
	    chmod(NET_NODE, n->st.st_mode & 07777))
		warn(NET_NODE ": %s", strerror(errno));
	if (n->label_len > 0)
		setxattr(NET_NODE, LABEL, n->label, n->label_len, 0);
}

/* ---- on ---- */

/*
 * Check whether in-tree vhost-net can be unloaded. Returns CTL_OK, with @loaded
 * set if it is loaded, or another exit code after a message.
 */
static int check_in_tree(bool *loaded)
{
	dev_t numbers;

	if (!misc_numbers("vhost-net", &numbers))
		return CTL_OK;
	if (numbers != NET_NUMBERS || access("/sys/module/vhost_net", F_OK)) {
		warn("another driver has the name vhost-net; is the module loaded with devname=vhost-net?");
		return CTL_FAILED;
	}
	if (access("/sys/module/vhost_net/refcnt", F_OK)) {
		warn("a takeover is impossible, because in-tree vhost-net is built into this kernel");
		return CTL_FAILED;
	}
	if (read_number("/sys/module/vhost_net/refcnt") > 0)
		return refuse_in_use("in-tree vhost-net", "vhost-net");
	*loaded = true;
	return CTL_OK;
}

static int check_before_on(bool *loaded)
{
	struct stat st;

	if (!lstat(NET_NODE, &st) && !takeover_node_ok()) {
		warn(NET_NODE " is a link or another file and not the node 10:238; remove or unmount it first");
		return CTL_FAILED;
	}
	if (module_in_use())
		return refuse_ours_in_use();
	return check_in_tree(loaded);
}

/*
 * Returns CTL_OK, or another code after undoing all steps. A @former file is
 * never removed.
 */
static int switch_on(const char *former, const char *path)
{
	struct node node;
	bool was_loaded = false;
	int err, ret = check_before_on(&was_loaded);

	if (ret != CTL_OK)
		return ret;
	save_node(&node);
	if (write_file(path, was_loaded ||
		       (former && has_line(former, WAS_LOADED))))
		return CTL_FAILED;
	if (was_loaded && syscall(SYS_delete_module, "vhost_net", O_NONBLOCK)) {
		err = errno;
		if (!former)
			remove_files();
		if (err == EAGAIN)
			return refuse_in_use("in-tree vhost-net", "vhost-net");
		warn("cannot unload vhost_net: %s", strerror(err));
		return err == EPERM ? CTL_DENIED : CTL_FAILED;
	}
	err = write_parameter("1");
	if (err) {
		if (!former)
			remove_files();
		if (was_loaded)
			load_vhost_net();
		restore_node(&node);
		if (err == -EBUSY)
			return refuse_ours_in_use();
		warn("%s: %s", PARAMETER, strerror(-err));
		return err == -EACCES ? CTL_DENIED : CTL_FAILED;
	}
	restore_node(&node);
	if (was_loaded)
		printf("unloaded in-tree vhost_net\n");
	return CTL_OK;
}

static int turn_on(bool persist)
{
	const char *path = persist ? KEPT_FILE : BOOT_FILE;
	const char *former = takeover_file();
	bool was_loaded;
	int ret = CTL_OK;

	switch (takeover_get()) {
	case TAKEOVER_NO_MODULE:
		warn("the module vhost_tap is not loaded (run \"vhost-tapctl doctor\" for details)");
		return CTL_NO_MODULE;
	case TAKEOVER_UNKNOWN:
		warn("the loaded module is too old for a takeover");
		return CTL_FAILED;
	case TAKEOVER_OFF:
		ret = switch_on(former, former ? former : path);
		break;
	case TAKEOVER_ON:
		break;
	}
	if (ret != CTL_OK)
		return ret;
	/* A file in /etc stays until "takeover off". */
	if (persist || !takeover_file()) {
		path = persist ? KEPT_FILE : BOOT_FILE;
		was_loaded = takeover_file() &&
			     has_line(takeover_file(), WAS_LOADED);
		if (write_file(path, was_loaded))
			return CTL_FAILED;
		if (persist)
			unlink(BOOT_FILE);
	}
	printf(NET_NODE " is vhost-tap, %s (%s)\n",
	       takeover_file() && !strcmp(takeover_file(), KEPT_FILE) ?
	       "also after a reboot" : "until the next boot", takeover_file());
	return CTL_OK;
}

/* ---- off ---- */

static int turn_off(void)
{
	const char *path = takeover_file();
	bool was_on = takeover_get() == TAKEOVER_ON;
	bool was_loaded = path && has_line(path, WAS_LOADED);
	struct node node;
	int err, ret = CTL_OK;

	save_node(&node);
	err = was_on ? write_parameter("0") : 0;
	if (err == -EBUSY)
		return refuse_ours_in_use();
	if (err) {
		warn("%s: %s", PARAMETER, strerror(-err));
		return err == -EACCES ? CTL_DENIED : CTL_FAILED;
	}
	remove_files();
	if (takeover_file()) {
		warn("cannot remove %s", takeover_file());
		return CTL_FAILED;
	}
	if (was_loaded)
		ret = load_vhost_net();
	restore_node(&node);
	printf(was_on || path ? NET_NODE " is no longer vhost-tap%s\n" :
	       NET_NODE " is not vhost-tap%s\n",
	       was_loaded && ret == CTL_OK ?
	       ", and in-tree vhost_net is loaded again" : "");
	return ret;
}

/* ---- status ---- */

static int print_status(void)
{
	static const char * const state[] = {
		[TAKEOVER_NO_MODULE] = "off, the module is not loaded",
		[TAKEOVER_UNKNOWN] = "off, the loaded module is too old",
		[TAKEOVER_OFF] = "off",
		[TAKEOVER_ON] = "on",
	};
	enum takeover now = takeover_get();
	const char *path = takeover_file();
	char who[NAME_ROOM + 64];
	dev_t numbers;

	describe_user("vhost-net", who, sizeof(who));
	printf("takeover  %s\n", state[now]);
	printf("driver    %s%s\n",
	       now == TAKEOVER_ON ? "vhost-tap" :
	       misc_numbers("vhost-net", &numbers) ? "in-tree vhost-net" :
	       "none", who);
	printf("node      %s\n",
	       access(NET_NODE, F_OK) ? NET_NODE " does not exist" :
	       takeover_node_ok() ? NET_NODE :
	       NET_NODE " is another file");
	printf("setting   %s\n", path ? path : "none");
	return CTL_OK;
}

/* ---- the command ---- */

/* Allow one run at a time, because two would undo each other's steps. */
static void lock(void)
{
	int fd = open("/sys/module", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* The end of the process releases it. */
	if (fd >= 0)
		flock(fd, LOCK_EX);
}

/* A signal between two steps would leave an incomplete takeover. */
static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/**
 * cmd_takeover - vhost-tapctl takeover
 * @argc: arguments, with the name
 * @argv: arguments
 *
 * Return: exit code.
 */
int cmd_takeover(int argc, char **argv)
{
	static const struct option options[] = {
		{ "persist", no_argument, NULL, 'p' },
		{ "dry-run", no_argument, NULL, 'y' },
		{ 0 },
	};
	bool persist = false, dry_run = false, on;
	int c;

	while ((c = next_option(argc, argv, "", options)) != -1) {
		if (c == 'p')
			persist = true;
		else if (c == 'y')
			dry_run = true;
		else
			return CTL_USAGE;
	}
	if (optind + 1 != argc)
		return CTL_USAGE;
	on = !strcmp(argv[optind], "on");
	if ((persist || dry_run) && !on)
		return CTL_USAGE;
	if (dry_run) {
		printf("# %s\n", persist ? KEPT_FILE : BOOT_FILE);
		write_text(stdout, false);
		return CTL_OK;
	}
	if (!strcmp(argv[optind], "status"))
		return print_status();
	if (!on && strcmp(argv[optind], "off"))
		return CTL_USAGE;
	if (geteuid()) {
		warn("only root can change the name");
		return CTL_DENIED;
	}
	lock();
	block_signals();
	return on ? turn_on(persist) : turn_off();
}
