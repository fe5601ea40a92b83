// SPDX-License-Identifier: GPL-2.0
/*
 * report_host.c - the host's part of vhost-tapctl report
 *
 * All text goes through redact.c, so functions here write what they find.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "redact.h"
#include "report.h"
#include "spawn.h"

#define MODULE		"/sys/module/vhost_tap"

/* Stop reading the arguments of processes after this number did not respond. */
#define MAX_STUCK	5

/* ---- names that are private ---- */

static void hide_host(void)
{
	struct utsname u;

	uname(&u);
	if (strcmp(u.nodename, "localhost") && strcmp(u.nodename, "(none)")) {
		u.nodename[strcspn(u.nodename, ".")] = 0;
		redact_add(PRIVATE_HOST, u.nodename);
	}
}

/* Users that are people, and not services. */
static void hide_users(void)
{
	const struct passwd *pw;

	setpwent();
	while ((pw = getpwent()))
		if (pw->pw_uid >= 1000 && pw->pw_uid < 60000)
			redact_add(PRIVATE_USER, pw->pw_name);
	endpwent();
}

/**
 * struct cmdline - arguments of a process
 */
struct cmdline {
	char *text;		/* NUL after each */
	size_t len;
};

/*
 * A process that is stuck in the kernel may hold the lock of its memory, which
 * has the arguments.
 */
static struct cmdline read_cmdline(struct report *r, unsigned long pid)
{
	struct cmdline c = { 0 };
	char path[64];
	FILE *f;
	int err;

	if (r->nr_stuck >= MAX_STUCK)
		return c;
	f = open_memstream(&c.text, &c.len);
	if (!f)
		return c;
	snprintf(path, sizeof(path), "/proc/%lu/cmdline", pid);
	err = spawn_file(path, f);
	r->nr_stuck += err == -ETIMEDOUT;
	if (fclose(f) || err) {
		free(c.text);
		c = (struct cmdline){ 0 };
	}
	return c;
}

/* Get the argument after @arg, or NULL. */
static const char *next_arg(const struct cmdline *c, const char *arg)
{
	arg += strlen(arg) + 1;
	return arg < c->text + c->len ? arg : NULL;
}

/* QEMU accepts its options with one or two hyphens. */
static bool is_option(const char *arg, const char *name)
{
	return arg[0] == '-' && !strcmp(arg + (arg[1] == '-' ? 2 : 1), name);
}

/* "NAME,process=NAME" or "guest=NAME,debug-threads=on"; ",," is a comma. */
static void hide_qemu_name(const char *arg)
{
	char word[4096], *eq;
	size_t len = 0;

	for (;; arg++) {
		if (*arg == ',' && arg[1] == ',') {
			arg++;
		} else if (*arg == ',' || !*arg) {
			word[len] = 0;
			eq = strchr(word, '=');
			if (!eq)
				redact_add(PRIVATE_VM, word);
			else if (!strncmp(word, "guest=", 6) ||
				 !strncmp(word, "process=", 8))
				redact_add(PRIVATE_VM, eq + 1);
			len = 0;
			if (!*arg)
				return;
			continue;
		}
		if (len < sizeof(word) - 1)
			word[len++] = *arg;
	}
}

static void hide_vms_of(struct report *r, unsigned long pid)
{
	struct cmdline c = read_cmdline(r, pid);
	const char *arg = c.text, *val;

	if (arg && c.len && (strstr(arg, "qemu") || strstr(arg, "kvm"))) {
		while ((arg = next_arg(&c, arg))) {
			val = is_option(arg, "name") ? next_arg(&c, arg) : NULL;
			if (val)
				hide_qemu_name(val);
		}
	}
	free(c.text);
}

static void hide_running_vms(struct report *r)
{
	DIR *dir = opendir("/proc");
	const struct dirent *d;
	unsigned long pid;

	while (dir && (d = readdir(dir)))
		if (!number(d->d_name, 1, INT_MAX, &pid))
			hide_vms_of(r, pid);
	if (dir)
		closedir(dir);
}

/* Names of files of libvirt are names of domains. */
static void hide_domains(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *d;
	char name[NAME_MAX + 1];
	size_t len;

	while (dir && (d = readdir(dir))) {
		len = strlen(d->d_name);
		if (len <= 4 || strcmp(d->d_name + len - 4, ".xml"))
			continue;
		memcpy(name, d->d_name, len - 4);
		name[len - 4] = 0;
		redact_add(PRIVATE_VM, name);
	}
	if (dir)
		closedir(dir);
}

/* Proxmox VE has a line "name: NAME" in the file of each guest. */
static void hide_proxmox_guests(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *d;
	char file[PATH_MAX], line[512];
	FILE *f;

	while (dir && (d = readdir(dir))) {
		snprintf(file, sizeof(file), "%s/%s", path, d->d_name);
		f = fopen(file, "re");
		while (f && fgets(line, sizeof(line), f)) {
			line[strcspn(line, "\n")] = 0;
			if (!strncmp(line, "name: ", 6))
				redact_add(PRIVATE_VM, line + 6);
		}
		if (f)
			fclose(f);
	}
	if (dir)
		closedir(dir);
}

/**
 * find_names - tell redact.c the names of this host, its users and its VMs
 * @r: report
 */
void find_names(struct report *r)
{
	hide_host();
	hide_users();
	hide_running_vms(r);
	hide_domains("/etc/libvirt/qemu");
	hide_domains("/run/libvirt/qemu");
	hide_proxmox_guests("/etc/pve/qemu-server");
}

/* ---- files ---- */

/* Write "NAME: first line of the file", or nothing if there is no file. */
static void put_file(FILE *f, const char *name, const char *path)
{
	char line[4096];

	if (read_line(path, line, sizeof(line)))
		fprintf(f, "%s: %s\n", name, line);
}

/* Write the lines of a file that begin with one of the words. */
static void put_lines(FILE *f, const char *path, const char *const *words)
{
	FILE *from = fopen(path, "re");
	char line[4096];
	size_t i;

	while (from && fgets(line, sizeof(line), from))
		for (i = 0; words[i]; i++)
			if (!strncmp(line, words[i], strlen(words[i])))
				fputs(line, f);
	if (from)
		fclose(from);
}

/**
 * put_versions - write the versions of everything that takes part
 * @r: report
 * @f: file to write to
 */
void put_versions(struct report *r, FILE *f)
{
	char qemu[128];
	struct utsname u;

	uname(&u);
	snprintf(qemu, sizeof(qemu), "qemu-system-%s", u.machine);
	fprintf(f, "vhost-tapctl: " VERSION "\n");
	put_file(f, "module, loaded", MODULE "/version");
	put_file(f, "module, loaded, srcversion", MODULE "/srcversion");
	if (access(MODULE, F_OK)) {
		fputs("module, loaded: no\n", f);
		missing(r, "the loaded module: none is loaded");
	}
	fprintf(f, "kernel: %s %s %s\n", u.release, u.version, u.machine);
	put_lines(f, "/etc/os-release", ARGS("PRETTY_NAME=", "ID=", "ID_LIKE="));
	fputc('\n', f);
	put_command(f, ARGS("modinfo", "-F", "version", "vhost_tap"));
	put_command(f, ARGS("modinfo", "-F", "srcversion", "vhost_tap"));
	if (put_command(f, ARGS(qemu, "--version")))
		put_command(f, ARGS("/usr/libexec/qemu-kvm", "--version"));
	if (put_command(f, ARGS("libvirtd", "--version")))
		put_command(f, ARGS("virtqemud", "--version"));
	put_command(f, ARGS("ip", "-V"));
}

/**
 * put_module - write parameters and build of the module
 * @r: report
 * @f: file to write to
 */
void put_module(struct report *r, FILE *f)
{
	static const char parameters[] = MODULE "/parameters";
	char path[sizeof(parameters) + NAME_MAX + 1];
	DIR *dir = opendir(parameters);
	const struct dirent *d;

	if (!dir)
		missing(r, "parameters of the module: %s",
			errno == ENOENT ? "it is not loaded" : strerror(errno));
	while (dir && (d = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", parameters, d->d_name);
		if (d->d_name[0] != '.')
			put_file(f, d->d_name, path);
	}
	if (dir)
		closedir(dir);
	put_file(f, "taint of the module", MODULE "/taint");
	put_file(f, "taint of the kernel", "/proc/sys/kernel/tainted");
	fputs("\nRelated modules, with size and users:\n", f);
	put_lines(f, "/proc/modules",
		  ARGS("vhost", "tun ", "tap ", "macvtap ", "ipvtap ", "bridge ",
		       "openvswitch ", "kvm"));
	fputc('\n', f);
	if (put_command(f, ARGS("modinfo", "vhost_tap")))
		missing(r, "the installed module: modinfo finds none");
}

static void put_node(FILE *f, const char *path)
{
	struct stat st;

	if (stat(path, &st))
		fprintf(f, "%s: %s\n", path, strerror(errno));
	else
		fprintf(f, "%s: mode %o, owner %u, group %u, device %u:%u%s\n",
			path, st.st_mode & 07777, st.st_uid, st.st_gid,
			major(st.st_rdev), minor(st.st_rdev),
			access(path, R_OK | W_OK) ? ", not accessible" : "");
}

/* Boot parameters that change what the module does, and none that is private. */
static void put_boot_parameters(FILE *f)
{
	static const char * const names[] = {
		"isolcpus=", "nohz_full=", "rcu_nocbs=", "irqaffinity=",
		"mitigations=", "preempt=", "threadirqs", "intel_iommu=",
		"amd_iommu=", "iommu=", "hugepages=", "hugepagesz=",
		"default_hugepagesz=", "transparent_hugepage=", "vhost",
		"modprobe.blacklist=", "module.sig_enforce", "lockdown=",
		"idle=", "processor.max_cstate=", "intel_idle.max_cstate=", NULL
	};
	char line[4096], *word, *rest = line;
	size_t i;

	fputs("boot parameters:", f);
	read_line("/proc/cmdline", line, sizeof(line));
	while ((word = strsep(&rest, " ")))
		for (i = 0; names[i]; i++)
			if (!strncmp(word, names[i], strlen(names[i])))
				fprintf(f, " %s", word);
	fputc('\n', f);
}

/**
 * put_host - write properties of the host
 * @r: report
 * @f: file to write to
 */
void put_host(struct report *r, FILE *f)
{
	(void)r;
	put_boot_parameters(f);
	put_file(f, "possible CPUs", "/sys/devices/system/cpu/possible");
	put_file(f, "online CPUs", "/sys/devices/system/cpu/online");
	put_file(f, "online nodes", "/sys/devices/system/node/online");
	put_file(f, "lockdown", "/sys/kernel/security/lockdown");
	put_file(f, "security modules", "/sys/kernel/security/lsm");
	put_lines(f, "/proc/meminfo",
		  ARGS("MemTotal", "MemAvailable", "HugePages", "Hugepagesize"));
	put_node(f, NODE);
	put_node(f, "/dev/vhost-net");
	put_node(f, "/dev/net/tun");
	put_node(f, "/dev/kvm");
	fputc('\n', f);
	put_command(f, ARGS("lscpu"));
}

/**
 * put_packages - write the packages that take part
 * @r: report
 * @f: file to write to
 */
void put_packages(struct report *r, FILE *f)
{
	int deb, rpm = -ENOENT, pacman = -ENOENT;

	/* The exit status is not 0 if no package matches one of the patterns. */
	deb = put_command(f, ARGS("dpkg-query", "--show", "--showformat",
				  "${db:Status-Abbrev} ${Package} ${Version}\n",
				  "vhost-tap*", "linux-image-*",
				  "linux-headers-*", "pve-kernel*",
				  "proxmox-kernel*", "qemu-system*", "pve-qemu*",
				  "libvirt-daemon*", "dkms", "dpdk", "iproute2",
				  "openvswitch-switch"));
	if (deb == -ENOENT)
		rpm = put_command(f, ARGS("rpm", "-q", "-a", "*vhost-tap*",
					  "kernel*", "qemu-kvm*",
					  "qemu-system*", "libvirt-daemon*",
					  "akmods", "dkms", "dpdk", "iproute"));
	if (deb == -ENOENT && rpm == -ENOENT)
		pacman = put_command(f, ARGS("pacman", "-Q"));
	if (deb == -ENOENT && rpm == -ENOENT && pacman == -ENOENT)
		missing(r, "packages: dpkg, rpm and pacman are not installed");
	put_command(f, ARGS("dkms", "status"));
}

/* ---- the owners of devices ---- */

/* Options of QEMU whose value is not private, or may hold the words. */
static const struct {
	const char *option;
	const char *holds;
} vmm_options[] = {
	{ "netdev", "" },
	{ "device", "virtio-net" },
	{ "device", "vhost" },
	{ "object", "memory-backend" },
	{ "object", "iothread" },
	{ "machine", "" },
	{ "M", "" },
	{ "accel", "" },
	{ "cpu", "" },
	{ "smp", "" },
	{ "m", "" },
	{ "numa", "" },
	{ "vdev", "virtio_user" },
};

static void put_vmm(struct report *r, FILE *f, unsigned long pid)
{
	struct cmdline c = read_cmdline(r, pid);
	const char *arg = c.text, *val;
	size_t i;

	if (arg && c.len)
		fprintf(f, "  %s\n", arg);
	while (arg && (arg = next_arg(&c, arg))) {
		val = next_arg(&c, arg);
		for (i = 0; i < sizeof(vmm_options) / sizeof(*vmm_options); i++) {
			if (!val || !is_option(arg, vmm_options[i].option) ||
			    !strstr(val, vmm_options[i].holds))
				continue;
			fprintf(f, "  %s %s\n", arg, val);
			break;
		}
		if (!strncmp(arg, "--vdev=", 7) && strstr(arg, "virtio_user"))
			fprintf(f, "  %s\n", arg);
	}
	free(c.text);
}

/**
 * put_vmms - write the network options of the processes that own devices
 * @r: report
 * @f: file to write to
 */
void put_vmms(struct report *r, FILE *f)
{
	unsigned int i, k;
	uint32_t pid;

	if (!r->s.nr_devices)
		fputs("no device is known\n", f);
	for (i = 0; i < r->s.nr_devices; i++) {
		pid = r->s.device[i].owner_pid;
		for (k = 0; k < i && r->s.device[k].owner_pid != pid; k++)
			;
		if (k < i || !pid)
			continue;
		fprintf(f, "device %u, process %u:\n", r->s.device[i].id, pid);
		put_vmm(r, f, pid);
	}
	if (r->nr_stuck)
		missing(r, "arguments of processes that do not respond; names of their VMs are not replaced");
}
