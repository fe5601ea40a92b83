// SPDX-License-Identifier: GPL-2.0
/*
 * load - load a link for some seconds, without checking the content
 *
 * Both ends of TCP streams discard what they receive. Datagrams go to the port after the
 * server's. No program reads that socket, so the kernel drops them at once, and the link
 * is measured instead of the receiver. Rates come from the counters of the tap.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"

#define STREAM_CHUNK	(128 << 10)
#define BATCH		64
#define MAX_FLOWS	64

/* ---- TCP ---- */

static void discard(int fd)
{
	static uint8_t buf[STREAM_CHUNK];

	while (recv(fd, buf, sizeof(buf), 0) > 0)
		;
}

static void produce(int fd)
{
	static uint8_t buf[STREAM_CHUNK];

	while (send(fd, buf, sizeof(buf), MSG_NOSIGNAL) > 0)
		;
}

static void tcp_flow(char **arg, int up)
{
	struct order o = { .kind = htonl(up ? ORDER_SINK : ORDER_SOURCE) };
	int fd = connect_server(arg, &o);

	if (up)
		produce(fd);
	else
		discard(fd);
	/* A flow ends with its process only. */
	die("the connection ended early: %s", strerror(errno));
}

/* ---- UDP ---- */

static void send_datagrams(struct sockaddr_in sa, unsigned int len)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct mmsghdr msg[BATCH] = { };
	static uint8_t buf[1472];
	struct iovec iov = { buf, len };
	unsigned int i;

	if (len > sizeof(buf) || connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		die("datagrams of %u bytes: %s", len, strerror(errno));
	for (i = 0; i < BATCH; i++)
		msg[i].msg_hdr = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
	for (;;)
		if (sendmmsg(fd, msg, BATCH, 0) < 0 && errno != ENOBUFS)
			usleep(1000);
}

/* Start a process for each flow; they end with this one. */
static void udp_flows(struct sockaddr_in sa, unsigned int len, unsigned int flows)
{
	sa.sin_port = htons(ntohs(sa.sin_port) + 1);
	for (; flows && flows <= MAX_FLOWS; flows--) {
		if (fork())
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		send_datagrams(sa, len);
	}
}

#define BURST_CHUNK	8

/*
 * Send @count datagrams at @pps, a few at a time. The sender sleeps between them, so that the
 * worker and the guest can use its CPU.
 */
static void send_burst(int fd, long count, double pps)
{
	static const uint8_t datagram[64];
	double start = now(), wait;
	long i;

	for (i = 0; i < count; i++) {
		if (i % BURST_CHUNK == 0) {
			wait = start + i / pps - now();
			if (wait > 0)
				usleep(wait * 1e6);
		}
		while (send(fd, datagram, sizeof(datagram), 0) < 0 && errno == ENOBUFS)
			usleep(100);
	}
}

/* HOST PORT COUNT PPS BURSTS: a pause of four times its length follows a burst. */
int bursts(char **arg)
{
	struct sockaddr_in sa = address(arg[0], arg[1]);
	int fd = socket(AF_INET, SOCK_DGRAM, 0), i, n = atoi(arg[4]);
	long count = atol(arg[2]);
	double pps = atof(arg[3]), seconds = 0, start;

	sa.sin_port = htons(ntohs(sa.sin_port) + 1);
	if (count < 1 || pps < 1 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		die("%ld datagrams: %s", count, strerror(errno));
	for (i = 0; i < n; i++) {
		start = now();
		send_burst(fd, count, pps);
		seconds += now() - start;
		usleep((now() - start) * 4e6);
	}
	printf("sent %ld seconds %.3f\n", n * count, seconds);
	return 0;
}

/* The order's bytes are the length of a datagram, its seed is the number of flows. */
static int serve_datagrams(int fd, const struct order *o)
{
	struct sockaddr_in peer, self;
	socklen_t len = sizeof(peer);
	char end;

	if (getpeername(fd, (struct sockaddr *)&peer, &len) ||
	    getsockname(fd, (struct sockaddr *)&self, &len))
		return 1;
	peer.sin_port = self.sin_port;
	udp_flows(peer, be64toh(o->bytes), ntohl(o->seed));
	recv(fd, &end, 1, 0);
	return 0;
}

static void datagrams_down(char **arg)
{
	struct order o = {
		.bytes = htobe64(atoi(arg[4])), .seed = htonl(atoi(arg[3])),
		.kind = htonl(ORDER_DATAGRAMS),
	};

	connect_server(arg, &o);
	pause();
}

/* ---- counters of the guest's driver ---- */

/* Sum the kicks of all queues from the driver's statistics. */
static unsigned long long count_kicks(int fd, struct ifreq *ifr)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ethtool_gstrings *names;
	struct ethtool_stats *values;
	unsigned long long sum = 0;
	unsigned int i;

	ifr->ifr_data = (void *)&info;
	if (ioctl(fd, SIOCETHTOOL, ifr) || !info.n_stats)
		return 0;
	names = calloc(1, sizeof(*names) + (size_t)info.n_stats * ETH_GSTRING_LEN);
	values = calloc(1, sizeof(*values) + (size_t)info.n_stats * 8);
	if (!names || !values)
		return 0;
	*names = (struct ethtool_gstrings){ ETHTOOL_GSTRINGS, ETH_SS_STATS, info.n_stats };
	*values = (struct ethtool_stats){ ETHTOOL_GSTATS, info.n_stats };
	ifr->ifr_data = (void *)names;
	if (!ioctl(fd, SIOCETHTOOL, ifr)) {
		ifr->ifr_data = (void *)values;
		if (!ioctl(fd, SIOCETHTOOL, ifr))
			for (i = 0; i < info.n_stats; i++)
				if (strstr((char *)names->data + i * ETH_GSTRING_LEN, "kicks"))
					sum += values->data[i];
	}
	free(names);
	free(values);
	return sum;
}

/* Sum the interrupts of all data queues, on all CPUs. */
static unsigned long long count_interrupts(void)
{
	FILE *f = fopen("/proc/interrupts", "r");
	unsigned long long sum = 0, n;
	static char line[8192];
	char *at, *end;

	while (f && fgets(line, sizeof(line), f)) {
		at = strchr(line, ':');
		if (!at || !strstr(line, "virtio") ||
		    (!strstr(line, "-input") && !strstr(line, "-output")))
			continue;
		for (at++; n = strtoull(at, &end, 10), end != at && (*end == ' '); at = end)
			sum += n;
	}
	if (f)
		fclose(f);
	return sum;
}

static int serve_counters(int fd)
{
	struct if_nameindex *all = if_nameindex(), *i;
	unsigned long long sum = 0;
	struct ifreq ifr = { };

	for (i = all; i && i->if_index; i++) {
		snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", i->if_name);
		sum += count_kicks(fd, &ifr);
	}
	if_freenameindex(all);
	dprintf(fd, "%llu %llu\n", sum, count_interrupts());
	return 0;
}

/* ---- commands ---- */

int serve_load(int fd, const struct order *o)
{
	time_limit(fd, 600);
	switch (ntohl(o->kind)) {
	case ORDER_SINK:
		discard(fd);
		return 0;
	case ORDER_SOURCE:
		produce(fd);
		return 0;
	case ORDER_DATAGRAMS:
		return serve_datagrams(fd, o);
	case ORDER_COUNTERS:
		return serve_counters(fd);
	}
	return 1;
}

/* HOST PORT tcp|udp FLOWS BYTES up|down: until this process ends. */
int load(char **arg)
{
	int tcp = !strcmp(arg[2], "tcp"), up = !strcmp(arg[5], "up"), i, status;
	int flows = atoi(arg[3]);

	if (flows < 1 || flows > MAX_FLOWS)
		die("1 to %d flows", MAX_FLOWS);
	if (!tcp && !up)
		datagrams_down(arg);
	if (!tcp)
		udp_flows(address(arg[0], arg[1]), atoi(arg[4]), flows);
	for (i = 0; tcp && i < flows; i++) {
		if (fork())
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		tcp_flow(arg, up);
	}
	/* No flow ends unless something is wrong. */
	wait(&status);
	return 1;
}
