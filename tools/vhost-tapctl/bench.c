// SPDX-License-Identifier: GPL-2.0
/*
 * bench.c - vhost-tapctl bench: start the benchmark
 *
 * The benchmark is a Python program, so that the tool itself does not need Python.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

/**
 * cmd_bench - vhost-tapctl bench
 * @argc: arguments, with the name
 * @argv: arguments
 *
 * Return: exit code, or that of the benchmark once it runs.
 */
int cmd_bench(int argc, char **argv)
{
	const char *dir = getenv("VHOST_TAPCTL_LIBEXEC");
	char path[512];
	int err;

	(void)argc;
	if (!dir || !*dir)
		dir = LIBEXECDIR;
	if ((size_t)snprintf(path, sizeof(path), "%s/bench", dir) >=
	    sizeof(path)) {
		warn("VHOST_TAPCTL_LIBEXEC is too long");
		return CTL_FAILED;
	}
	argv[0] = path;
	execv(path, argv);
	err = errno;
	if (err == ENOENT && !access(path, F_OK))
		warn("the benchmark needs python3: install the package python3");
	else
		warn("cannot run %s: %s", path, strerror(err));
	return err == EACCES ? CTL_DENIED : CTL_NOT_FOUND;
}
