// SPDX-License-Identifier: GPL-2.0
/*
 * host.c - information from /proc and /sys
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
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

/**
 * misc_numbers - get the numbers of a misc device
 * @name: name of the device
 * @numbers: set to its numbers
 *
 * Return: true if it exists.
 */
bool misc_numbers(const char *name, dev_t *numbers)
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

/*
 * Check whether an open file is the device @numbers. @files is /proc/PID/fd,
 * and @fd is an entry of it.
 *
 * stat() of an open file of another process waits for its file system, without
 * limit if that does not respond. So read the link only, and look the name up
 * in our own /dev.
 */
static bool is_device(int files, const char *fd, dev_t numbers)
{
	struct stat st;
	char name[128];
	ssize_t len;

	len = readlinkat(files, fd, name, sizeof(name) - 1);
	if (len < 0)
		return false;
	name[len] = 0;
	return !strncmp(name, "/dev/", strlen("/dev/")) &&
	       !fstatat(AT_FDCWD, name, &st,
			AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) &&
	       S_ISCHR(st.st_mode) && st.st_rdev == numbers;
}

static bool has_open(unsigned int pid, dev_t numbers)
{
	struct dirent *fd;
	bool found = false;
	char path[64];
	DIR *files;

	snprintf(path, sizeof(path), "/proc/%u/fd", pid);
	files = opendir(path);
	while (files && !found && (fd = readdir(files)))
		found = is_device(dirfd(files), fd->d_name, numbers);
	if (files)
		closedir(files);
	return found;
}

/**
 * openers - count the processes that have a device open
 * @numbers: numbers of the device
 * @first: set to a description of one of them, or empty
 * @room: size of @first; NAME_ROOM + 32 suffices
 *
 * Return: their number.
 */
unsigned int openers(dev_t numbers, char *first, size_t room)
{
	DIR *proc = opendir("/proc");
	char name[NAME_ROOM];
	unsigned int nr = 0;
	unsigned long pid;
	struct dirent *d;

	first[0] = 0;
	while (proc && (d = readdir(proc))) {
		if (number(d->d_name, 1, INT_MAX, &pid) ||
		    !has_open(pid, numbers) || nr++)
			continue;
		process_name(pid, name, sizeof(name));
		snprintf(first, room, "process %lu, %s", pid, name);
	}
	if (proc)
		closedir(proc);
	return nr;
}
