// SPDX-License-Identifier: GPL-2.0
/*
 * spawn.c - run another program with bounded time and output
 *
 * A program may hang, for example on a dead file server. It is killed after
 * LIMIT_S seconds.
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

/* Copy what arrives on a pipe. NUL bytes become spaces. */
static int copy(int from, FILE *f)
{
	double until = now() + LIMIT_S, left;
	size_t all = 0;
	char buf[4096];
	ssize_t len, i;

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
		for (i = 0; i < len; i++)
			if (!buf[i])
				buf[i] = ' ';
		fwrite(buf, 1, len, f);
		all += len;
	}
	return -EFBIG;
}

/**
 * spawn_text - run a program and get its output
 * @args: program, found in PATH, and its arguments; NULL ends them
 * @f: receives standard output and standard error
 *
 * Return: its exit status, -ENOENT if there is no such program, -ETIMEDOUT or
 * -EFBIG if it was killed, or another negative errno.
 */
int spawn_text(const char *const *args, FILE *f)
{
	int fds[2], ret, status;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	pid = start(args, fds[1], fds[1]);
	ret = pid < 0 ? -errno : 0;
	close(fds[1]);
	if (!ret) {
		ret = copy(fds[0], f);
		if (ret)
			kill(-pid, SIGKILL);
		status = status_of(pid);
		if (!ret)
			ret = status;
	}
	close(fds[0]);
	return ret;
}
