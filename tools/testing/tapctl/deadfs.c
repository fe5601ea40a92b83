// SPDX-License-Identifier: GPL-2.0
/*
 * deadfs.c - a mount whose server does not respond, and a process in it
 *
 * The program mounts a FUSE file system and replies to no request, so stat() of any
 * file in it waits. It opens the mount's root with O_PATH, which needs no reply, prints
 * "ok" and waits to be killed. The kernel then ends the waiting requests.
 *
 * Usage: deadfs FOLDER
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char options[128];
	int fuse, fd;

	if (argc != 2) {
		fprintf(stderr, "usage: deadfs FOLDER\n");
		return 2;
	}
	fuse = open("/dev/fuse", O_RDWR);
	if (fuse < 0) {
		perror("/dev/fuse");
		return 1;
	}
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fuse);
	if (mount("deadfs", argv[1], "fuse", 0, options)) {
		perror("mount");
		return 1;
	}
	fd = open(argv[1], O_PATH);
	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	printf("ok\n");
	fflush(stdout);
	pause();
	return 0;
}
