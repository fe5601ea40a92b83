// SPDX-License-Identifier: GPL-2.0
/*
 * host.c - what /proc and /sys know
 *
 * Read before: ctl.h.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"

/**
 * now - monotonic time
 *
 * Return: seconds.
 */
double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/**
 * read_line - the first line of a file
 * @path: file
 * @buf: where to; empty on failure
 * @len: room
 *
 * Return: true if it could be read.
 */
bool read_line(const char *path, char *buf, size_t len)
{
	FILE *f = fopen(path, "re");
	bool ok = f && fgets(buf, len, f);

	if (f)
		fclose(f);
	if (!ok)
		buf[0] = 0;
	buf[strcspn(buf, "\n")] = 0;
	return ok;
}

/**
 * read_number - the number in a file
 * @path: file
 *
 * Return: the number, -1 if there is none.
 */
long read_number(const char *path)
{
	char buf[32], *end;
	long val;

	if (!read_line(path, buf, sizeof(buf)))
		return -1;
	val = strtol(buf, &end, 0);
	return end == buf ? -1 : val;
}

/**
 * process_name - a process's name
 * @pid: process, 0 for none
 * @buf: its name, cleaned; empty if it is not known
 * @len: room; NAME_ROOM suffices
 */
void process_name(uint32_t pid, char *buf, size_t len)
{
	char path[64], name[32];

	buf[0] = 0;
	if (!pid)
		return;
	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	read_line(path, name, sizeof(name));
	clean_name(buf, len, name, sizeof(name));
}

/**
 * link_exists - is there such a network device?
 * @name: its name; no path
 *
 * Return: true if so.
 */
bool link_exists(const char *name)
{
	return if_nametoindex(name) != 0;
}

/* A tap is named in its file's fdinfo. */
static void name_of_tun(uint32_t pid, uint32_t fd, char *buf)
{
	char path[64], line[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/fdinfo/%u", pid, fd);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "iff: %15s", buf) == 1)
			break;
		buf[0] = 0;
	}
	if (f)
		fclose(f);
}

/* A macvtap's node is that of a network device with the same numbers. */
static void name_of_macvtap(uint32_t pid, uint32_t fd, char *buf)
{
	char path[PATH_MAX], real[PATH_MAX], *at;
	struct stat st;
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%u/fd/%u", pid, fd);
	/* stat() of a file on a dead mount would wait for ever. */
	len = readlink(path, real, sizeof(real));
	if (len < 5 || memcmp(real, "/dev/", 5) || stat(path, &st) ||
	    !S_ISCHR(st.st_mode))
		return;
	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u", major(st.st_rdev),
		 minor(st.st_rdev));
	/* .../net/NAME/tapN, or .../net/NAME/macvtap/tapN */
	if (!realpath(path, real))
		return;
	at = strstr(real, "/net/");
	if (!at)
		return;
	at += 5;
	at[strcspn(at, "/")] = 0;
	if (strlen(at) < IFNAMSIZ)
		memcpy(buf, at, strlen(at) + 1);
}

/**
 * tap_name - the network device behind a queue
 * @pid: owner, in our PID namespace; 0 not known
 * @fd: the owner's file descriptor
 * @backend: VHOST_TAP_BACKEND_*
 * @buf: NAME_ROOM; its name, cleaned; empty if it cannot be found
 */
void tap_name(uint32_t pid, uint32_t fd, uint32_t backend, char *buf)
{
	char name[IFNAMSIZ] = "";

	if (pid && backend == VHOST_TAP_BACKEND_TUN)
		name_of_tun(pid, fd, name);
	else if (pid && backend == VHOST_TAP_BACKEND_MACVTAP)
		name_of_macvtap(pid, fd, name);
	clean_name(buf, NAME_ROOM, name, sizeof(name));
}
