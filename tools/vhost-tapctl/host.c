// SPDX-License-Identifier: GPL-2.0
/*
 * host.c - what /proc and /sys know
 *
 * Read before: ctl.h.
 */
#include <stdlib.h>
#include <string.h>
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

/* In another PID namespace, /proc may still show the processes of the former one. */
static bool proc_is_ours(void)
{
	char text[16] = "";

	return readlink("/proc/self", text, sizeof(text) - 1) > 0 &&
	       strtol(text, NULL, 10) == getpid();
}

/**
 * process_name - a process's name
 * @pid: process in our PID namespace, 0 for none
 * @buf: its name, cleaned; empty if it is not known
 * @len: room; NAME_ROOM suffices
 */
void process_name(uint32_t pid, char *buf, size_t len)
{
	char path[64], name[32];

	buf[0] = 0;
	if (!pid || !proc_is_ours())
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
