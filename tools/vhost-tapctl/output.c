// SPDX-License-Identifier: GPL-2.0
/*
 * output.c - end the program when the output has no reader
 *
 * A command that runs until it is stopped must not outlive its reader. Services
 * and children of nohup may ignore SIGPIPE and SIGHUP, so signals are not
 * enough. poll() reports a lost reader immediately, even without a write.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl.h"

/**
 * output_flush - write the buffered output
 *
 * Return: CTL_OK, or CTL_FAILED after a message.
 */
int output_flush(void)
{
	errno = 0;
	if (!fflush(stdout) && !ferror(stdout))
		return CTL_OK;
	/* The errno of an earlier write is not known any more. */
	warn("cannot write the output%s%s", errno ? ": " : "",
	     errno ? strerror(errno) : "");
	return CTL_FAILED;
}

/**
 * output_wait - wait for input while the output has a reader
 * @fd: file descriptor to read from, or -1
 * @seconds: how long to wait, or -1 without limit
 *
 * A terminal loses its reader when it hangs up, a pipe or socket when its other
 * end is closed. A file never does.
 *
 * Return: 1 if @fd can be read or has failed, 0 after @seconds, or -EPIPE if
 * the output has no reader.
 */
int output_wait(int fd, double seconds)
{
	struct pollfd p[] = {
		{ .fd = STDOUT_FILENO },
		{ .fd = fd, .events = POLLIN },
	};
	double until = now() + seconds, left = seconds;

	do {
		if (poll(p, 2, seconds < 0 ? -1 : (int)(left * 1000) + 1) > 0) {
			if (p[0].revents & (POLLERR | POLLHUP | POLLNVAL))
				return -EPIPE;
			if (p[1].revents)
				return 1;
		}
		left = until - now();
	} while (seconds < 0 || left > 0);
	return 0;
}

/**
 * output_lost - end the program as a write without a reader would
 *
 * Return: CTL_FAILED, if SIGPIPE is ignored or the output is not a pipe.
 */
int output_lost(void)
{
	struct stat st;

	if (!fstat(STDOUT_FILENO, &st) &&
	    (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
		raise(SIGPIPE);
	warn("the reader of the output is gone");
	return CTL_FAILED;
}
