// SPDX-License-Identifier: GPL-2.0
/*
 * spawn.c - run another program, or read a file, with bounded time and output
 *
 * A program may hang, for example on a dead file server. It is killed after
 * LIMIT_S seconds. Some files in /proc can only be read while a process does not
 * hold its memory's lock, so another process reads them.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl.h"
#include "spawn.h"

#define LIMIT_S		20
#define LIMIT_BYTES	(4 << 20)
#define LIMIT_FILE_S	2

/* A process that is stuck in the kernel does not end when it is killed. */
#define LIMIT_END_S	2

/* Messages go to @err, or where ours go if it is negative. */
static pid_t start(const char *const *args, int out, int err)
{
	pid_t pid = fork();
	int null;

	if (pid)
		return pid;
	/* A group of its own, so that its children end with it. */
	setpgid(0, 0);
	null = open("/dev/null", O_RDWR);
	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	if (err >= 0)
		dup2(err, STDERR_FILENO);
	signal(SIGPIPE, SIG_DFL);
	setenv("LC_ALL", "C", 1);
	execvp(args[0], (char *const *)args);
	_exit(errno == ENOENT ? 127 : 126);
}

/* Returns the exit status, 128 and a signal, or a negative errno. */
static int status_of(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFEXITED(status))
		return WEXITSTATUS(status) == 127 ? -ENOENT :
						    WEXITSTATUS(status);
	return 128 + WTERMSIG(status);
}

/* Kill a process and its group, and wait for it a moment. */
static void end(pid_t pid)
{
	double until = now() + LIMIT_END_S;

	kill(-pid, SIGKILL);
	while (!waitpid(pid, NULL, WNOHANG) && now() < until)
		usleep(10000);
}

/**
 * spawn - run a program that writes to a file
 * @args: program, found in PATH, and its arguments; NULL ends them
 * @out: its standard output
 *
 * Return: its exit status, -ENOENT if there is no such program, or another
 * negative errno.
 */
int spawn(const char *const *args, int out)
{
	pid_t pid = start(args, out, -1);

	return pid < 0 ? -errno : status_of(pid);
}

/* Copy what arrives on a pipe. */
static int copy(int from, FILE *f, double until)
{
	double left;
	size_t all = 0;
	char buf[4096];
	ssize_t len;

	while (all < LIMIT_BYTES) {
		struct pollfd p = { .fd = from, .events = POLLIN };

		left = until - now();
		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, left * 1000 + 1) <= 0)
			continue;
		len = read(from, buf, sizeof(buf));
		if (len < 0)
			return -errno;
		if (!len)
			return 0;
		fwrite(buf, 1, len, f);
		all += len;
	}
	return -EFBIG;
}

/* Wait for the end of a process that has closed its output. */
static int wait_until(pid_t pid, double until)
{
	siginfo_t info = { 0 };

	while (!waitid(P_PID, pid, &info, WEXITED | WNOWAIT | WNOHANG) &&
	       !info.si_pid) {
		if (now() > until)
			return -ETIMEDOUT;
		usleep(500);
	}
	return 0;
}

/* Collect the output of a process, and end it. Returns as spawn_text(). */
static int collect(pid_t pid, int from, FILE *f, double seconds)
{
	double until = now() + seconds;
	int ret = copy(from, f, until);

	if (!ret)
		ret = wait_until(pid, until);
	if (!ret)
		return status_of(pid);
	end(pid);
	return ret;
}

/* NUL bytes would end the text. */
static void put_text(FILE *f, const char *text, size_t len)
{
	for (; len; len--, text++)
		fputc(*text ?: ' ', f);
}

/**
 * spawn_text - run a program and get its output
 * @args: program, found in PATH, and its arguments; NULL ends them
 * @f: receives standard output and standard error; NUL bytes become spaces
 *
 * Return: its exit status, -ENOENT if there is no such program, -ETIMEDOUT or
 * -EFBIG if it was killed, or another negative errno.
 */
int spawn_text(const char *const *args, FILE *f)
{
	char *text = NULL;
	int fds[2], ret;
	size_t len = 0;
	FILE *raw;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	raw = open_memstream(&text, &len);
	pid = raw ? start(args, fds[1], fds[1]) : -1;
	ret = pid < 0 ? -errno : 0;
	close(fds[1]);
	if (!ret)
		ret = collect(pid, fds[0], raw, LIMIT_S);
	close(fds[0]);
	if (raw && !fclose(raw))
		put_text(f, text, len);
	free(text);
	return ret;
}

/* The work of the process that spawn_file() starts. */
static void read_file(const char *path, int out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char buf[4096];
	ssize_t len;

	while ((len = read(fd, buf, sizeof(buf))) > 0)
		if (write(out, buf, len) != len)
			break;
	_exit(len < 0);
}

/**
 * spawn_file - read a file that may not respond
 * @path: file
 * @f: receives its bytes
 *
 * Return: 0, 1 if it cannot be read, -ETIMEDOUT if it did not respond, -EFBIG if
 * it is too large, or another negative errno.
 */
int spawn_file(const char *path, FILE *f)
{
	int fds[2], ret;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		read_file(path, fds[1]);
	}
	ret = pid < 0 ? -errno : 0;
	close(fds[1]);
	if (!ret)
		ret = collect(pid, fds[0], f, LIMIT_FILE_S);
	close(fds[0]);
	return ret;
}
