// SPDX-License-Identifier: GPL-2.0
/*
 * boot - the agent as the only program of a guest
 *
 * Loads the modules of /modules in the order of their names, gives the NIC the address
 * vtap.address= of the kernel command line, and serves port 5000. The guest of
 * "vhost-tapctl bench" has no other program in its initramfs.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent.h"

static void mount_on(const char *type, const char *dir)
{
	mkdir(dir, 0755);
	if (mount("none", dir, type, 0, NULL) && errno != EBUSY)
		die("mount %s: %s", dir, strerror(errno));
}

static void load_modules(void)
{
	struct dirent **all;
	char path[300];
	int n, i, fd;

	n = scandir("/modules", &all, NULL, alphasort);
	for (i = 0; i < n; i++) {
		if (all[i]->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/modules/%s", all[i]->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
			die("%s: %s", path, strerror(errno));
		close(fd);
	}
}

/* Find the NIC, which may appear a moment after its driver. */
static void find_nic(char *name)
{
	struct if_nameindex *all, *i;
	int try;

	for (try = 0; try < 200; try++) {
		all = if_nameindex();
		for (i = all; i && i->if_index; i++) {
			if (strncmp(i->if_name, "eth", 3) && strncmp(i->if_name, "en", 2))
				continue;
			snprintf(name, IFNAMSIZ, "%s", i->if_name);
			if_freenameindex(all);
			return;
		}
		if_freenameindex(all);
		usleep(50000);
	}
	die("no NIC");
}

static void set_address(const char *text)
{
	struct sockaddr_in sa = address(text, "0");
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq ifr = { };

	find_nic(ifr.ifr_name);
	memcpy(&ifr.ifr_addr, &sa, sizeof(sa));
	if (ioctl(fd, SIOCSIFADDR, &ifr))
		die("address %s: %s", text, strerror(errno));
	sa.sin_addr.s_addr = htonl(0xffffff00);
	memcpy(&ifr.ifr_netmask, &sa, sizeof(sa));
	if (ioctl(fd, SIOCSIFNETMASK, &ifr))
		die("netmask: %s", strerror(errno));
	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, &ifr))
		die("%s: %s", ifr.ifr_name, strerror(errno));
	close(fd);
}

/* Datagrams for this socket are dropped once its small buffer is full. */
static void open_drain(int port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), size = 1;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)))
		die("port %d: %s", port, strerror(errno));
}

void boot(void)
{
	static const char key[] = "vtap.address=";
	char line[2048] = "", *at;
	FILE *f;

	mount_on("proc", "/proc");
	mount_on("sysfs", "/sys");
	mount_on("devtmpfs", "/dev");
	load_modules();
	f = fopen("/proc/cmdline", "r");
	if (!f || !fgets(line, sizeof(line), f))
		die("no command line");
	fclose(f);
	at = strstr(line, key);
	if (!at)
		die("no %s in the command line", key);
	at += strlen(key);
	at[strcspn(at, "\n ")] = 0;
	set_address(at);
	open_drain(5001);
	printf("guest: ready\n");
	fflush(stdout);
}
