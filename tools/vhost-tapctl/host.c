// SPDX-License-Identifier: GPL-2.0
/*
 * host.c - information from /proc and /sys
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"

/**
 * now - get the monotonic time
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
 * read_line - read the first line of a file
 * @path: file
 * @buf: set to the line, or empty on failure
 * @len: size of @buf
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
 * read_number - read the number in a file
 * @path: file
 *
 * Return: the number, or -1 if the file does not have one.
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

/*
 * After a change of the PID namespace, /proc may show the processes of the
 * former.
 */
static bool proc_is_ours(void)
{
	char text[16] = "";

	return readlink("/proc/self", text, sizeof(text) - 1) > 0 &&
	       strtol(text, NULL, 10) == getpid();
}

/**
 * process_name - get the name of a process
 * @pid: process in the current PID namespace, or 0 for none
 * @buf: set to the name, cleaned; empty if it is not known
 * @len: size of @buf; NAME_ROOM suffices
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
 * link_exists - check for a network device
 * @name: name of the device
 *
 * Return: true if it exists.
 */
bool link_exists(const char *name)
{
	return if_nametoindex(name) != 0;
}
