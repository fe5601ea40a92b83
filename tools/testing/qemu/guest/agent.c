// SPDX-License-Identifier: GPL-2.0
/*
 * agent - send and check traffic with known content, at both ends of a link
 *
 * The same static program runs in the guest and in the VM around it. Every payload
 * is a slice of one cyclic pattern that a seed selects. The receiver compares each
 * byte, and so detects lost, duplicated and shifted data.
 *
 *   agent serve PORT                      run a TCP and UDP server, until killed
 *   agent tcp-send HOST PORT BYTES SEED   send BYTES to the server; print Mbit/s
 *   agent tcp-recv HOST PORT BYTES SEED   receive BYTES from the server
 *   agent udp HOST PORT COUNT SEED        send COUNT datagrams of many sizes, check
 *                                         the echoes
 *   agent udp-flood HOST PORT SECONDS     send datagrams to a port, check nothing
 *   agent mcast-recv IFACE GROUP PORT COUNT SECONDS
 *   agent mcast-send IFACE GROUP PORT COUNT
 *   agent rr HOST PORT tcp|udp BYTES SECONDS   send messages of BYTES one at a time and
 *                                         time the replies of "serve" (rr.c)
 *   agent load HOST PORT tcp|udp FLOWS BYTES up|down   send to the server, or make it
 *                                         send, until killed (load.c)
 *   agent bursts HOST PORT COUNT PPS BURSTS   send BURSTS times COUNT datagrams to the
 *                                         port after PORT (load.c)
 *   agent with-taps IFACE COUNT CMD [ARG]...   run CMD with COUNT queues of the
 *                                         multi-queue tap IFACE as fds 100, ...
 * The following run until the file STOP exists (stream.c):
 *   agent stream HOST PORT STOP SEED      use one TCP connection both ways at once
 *   agent dgrams HOST PORT STOP SEED      send datagrams, check echoes, count losses
 *   agent hold PORT STOP COUNT            read COUNT or more datagrams after STOP exists
 *   agent hold-send HOST PORT STOP        send the datagrams for hold
 *   agent announce IFACE MAC STOP         count RARP and gratuitous ARP of MAC
 * Further commands:
 *   agent flows HOST PORT COUNT           send a datagram from each of COUNT sockets
 *   agent rings IFACE RX TX               resize the rings, as ethtool -G does
 *   agent channels IFACE COUNT            set the number of queues, as ethtool -L does
 *   agent offers NODE                     print bits 0 to 63 of a vhost node's features
 *   agent mask FD BITS                    limit the features of vhost-tap file FD
 *
 * Exit status: 0 if all content is correct, 1 if not, 2 for wrong usage.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"

uint8_t pattern[PERIOD + CHUNK];

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

void make_pattern(uint64_t seed)
{
	uint64_t x = seed * 2 + 1;
	size_t i;

	for (i = 0; i < PERIOD; i++) {
		x = x * 6364136223846793005ull + 1442695040888963407ull;
		pattern[i] = x >> 56;
	}
	for (; i < PERIOD + CHUNK; i++)
		pattern[i] = pattern[i - PERIOD];
}

double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

struct sockaddr_in address(const char *host, const char *port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };

	if (!inet_aton(host, &sa.sin_addr))
		die("%s is not in IPv4 notation", host);
	return sa;
}

void time_limit(int fd, int seconds)
{
	struct timeval tv = { .tv_sec = seconds };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

/* ---- TCP ---- */

static int send_stream(int fd, uint64_t bytes)
{
	uint64_t pos = 0;

	while (pos < bytes) {
		size_t len = bytes - pos < CHUNK ? bytes - pos : CHUNK;
		ssize_t n = send(fd, pattern + pos % PERIOD, len, MSG_NOSIGNAL);

		if (n <= 0)
			return -1;
		pos += n;
	}
	return 0;
}

static int recv_stream(int fd, uint64_t bytes)
{
	static uint8_t buf[CHUNK];
	uint64_t pos = 0;

	while (pos < bytes) {
		size_t len = bytes - pos < CHUNK ? bytes - pos : CHUNK;
		ssize_t n = recv(fd, buf, len, 0);

		if (n <= 0) {
			fprintf(stderr, "stream ends after %llu bytes: %s\n",
				(unsigned long long)pos, n ? strerror(errno) : "closed");
			return -1;
		}
		if (memcmp(buf, pattern + pos % PERIOD, n)) {
			fprintf(stderr, "wrong content within %zd bytes of offset %llu\n",
				n, (unsigned long long)pos);
			return -1;
		}
		pos += n;
	}
	return 0;
}

static void serve_one(int fd)
{
	struct order o;
	char verdict = 'n';

	time_limit(fd, 30);
	if (recv(fd, &o, sizeof(o), MSG_WAITALL) != sizeof(o))
		exit(1);
	make_pattern(ntohl(o.seed));
	if (ntohl(o.kind) == ORDER_STREAM)
		exit(serve_stream(fd));
	if (ntohl(o.kind) == ORDER_ECHO)
		exit(serve_echo(fd));
	if (ntohl(o.kind) >= ORDER_SINK)
		exit(serve_load(fd, &o));
	if (ntohl(o.kind) == ORDER_UPLOAD) {
		if (!recv_stream(fd, be64toh(o.bytes)))
			verdict = 'y';
		send(fd, &verdict, 1, MSG_NOSIGNAL);
	} else {
		send_stream(fd, be64toh(o.bytes));
	}
	exit(0);
}

int connect_server(char **arg, struct order *o)
{
	struct sockaddr_in sa = address(arg[0], arg[1]);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	time_limit(fd, 30);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		die("connect: %s", strerror(errno));
	if (send(fd, o, sizeof(*o), MSG_NOSIGNAL) != sizeof(*o))
		die("send: %s", strerror(errno));
	return fd;
}

static int tcp_client(char **arg, int upload)
{
	uint64_t bytes = strtoull(arg[2], NULL, 0);
	struct order o = {
		.bytes = htobe64(bytes), .seed = htonl(atoi(arg[3])),
		.kind = htonl(upload ? ORDER_UPLOAD : ORDER_DOWNLOAD),
	};
	char verdict = 'n';
	double start;
	int fd;

	make_pattern(atoi(arg[3]));
	fd = connect_server(arg, &o);
	start = now();
	if (upload) {
		if (send_stream(fd, bytes))
			die("send: %s", strerror(errno));
		if (recv(fd, &verdict, 1, 0) != 1 || verdict != 'y')
			die("the server received other data than was sent");
	} else if (recv_stream(fd, bytes)) {
		return 1;
	}
	printf("%llu bytes %.0f Mbit/s\n", (unsigned long long)bytes,
	       bytes * 8 / (now() - start) / 1e6);
	return 0;
}

/* ---- UDP ---- */

void fill(struct dgram *d, uint32_t seq, uint32_t len)
{
	d->seq = htonl(seq);
	d->len = htonl(len);
	memcpy(d->data, pattern + seq * 977u % PERIOD, len - 8);
}

int is_right(const struct dgram *d, ssize_t n)
{
	return n >= 8 && ntohl(d->len) == n &&
	       !memcmp(d->data, pattern + ntohl(d->seq) * 977u % PERIOD, n - 8);
}

static int udp_client(char **arg)
{
	static const unsigned int sizes[] = { 8, 9, 18, 60, 128, 1000, 1471, 1472, 1473, 4000,
					      65507 };
	struct sockaddr_in sa = address(arg[0], arg[1]);
	int count = atoi(arg[2]), fd = socket(AF_INET, SOCK_DGRAM, 0), i, lost = 0;
	static struct dgram out, in;

	make_pattern(atoi(arg[3]));
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		die("connect: %s", strerror(errno));
	for (i = 0; i < count; i++) {
		unsigned int len = sizes[i % (sizeof(sizes) / sizeof(*sizes))], try;
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		int answered = 0;

		fill(&out, i, len);
		for (try = 0; try < 3 && !answered; try++) {
			if (send(fd, &out, len, 0) < 0 && errno != ECONNREFUSED)
				die("send of %u bytes: %s", len, strerror(errno));
			while (!answered && poll(&pfd, 1, 2000) == 1) {
				ssize_t n = recv(fd, &in, sizeof(in), 0);

				if (n < 0)
					break;
				if (!is_right(&in, n))
					die("datagram %d came back wrong (%zd of %u bytes)",
					    i, n, len);
				answered = ntohl(in.seq) == (uint32_t)i;
			}
			lost += !answered;
		}
		if (!answered)
			die("no reply to datagram %d of %u bytes", i, len);
	}
	printf("%d datagrams, %d sent again\n", count, lost);
	return 0;
}

static int udp_flood(char **arg)
{
	struct sockaddr_in sa = address(arg[0], arg[1]);
	double end = now() + atof(arg[2]);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	static uint8_t buf[1400];
	unsigned long sent = 0;

	while (now() < end) {
		if (sendto(fd, buf, sizeof(buf), MSG_DONTWAIT, (struct sockaddr *)&sa,
			   sizeof(sa)) > 0)
			sent++;
		else
			usleep(1000);
	}
	printf("%lu datagrams sent\n", sent);
	return 0;
}

static int mcast_socket(char **arg, struct sockaddr_in *sa)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1, ttl = 1;
	struct ip_mreqn mr = { .imr_ifindex = if_nametoindex(arg[0]) };

	*sa = address(arg[1], arg[2]);
	mr.imr_multiaddr = sa->sin_addr;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof(ttl));
	if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &mr, sizeof(mr)))
		die("multicast on %s: %s", arg[0], strerror(errno));
	return fd;
}

static int mcast_recv(char **arg)
{
	int want = atoi(arg[3]), got = 0;
	double end = now() + atof(arg[4]);
	struct ip_mreqn mr = { .imr_ifindex = if_nametoindex(arg[0]) };
	struct sockaddr_in sa;
	static struct dgram d;
	int fd = mcast_socket(arg, &sa);

	make_pattern(7);
	mr.imr_multiaddr = sa.sin_addr;
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) ||
	    setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mr, sizeof(mr)))
		die("join: %s", strerror(errno));
	printf("joined\n");
	fflush(stdout);
	while (got < want && now() < end) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };

		if (poll(&pfd, 1, 200) != 1)
			continue;
		if (!is_right(&d, recv(fd, &d, sizeof(d), 0)))
			die("wrong content");
		got++;
	}
	printf("%d of %d\n", got, want);
	return got < want;
}

static int mcast_send(char **arg)
{
	struct sockaddr_in sa;
	int fd = mcast_socket(arg, &sa), i;
	static struct dgram d;

	make_pattern(7);
	for (i = 0; i < atoi(arg[3]); i++) {
		fill(&d, i, 100 + i);
		if (sendto(fd, &d, 100 + i, 0, (struct sockaddr *)&sa, sizeof(sa)) < 0)
			die("send: %s", strerror(errno));
		usleep(20000);
	}
	return 0;
}

/*
 * Open the queues of a tap, which a shell cannot, for QEMU: it takes vhostfds= only
 * together with fds=.
 */
static int with_taps(char **arg)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE };
	int i, fd;

	strncpy(ifr.ifr_name, arg[0], IFNAMSIZ - 1);
	for (i = 0; i < atoi(arg[1]); i++) {
		fd = open("/dev/net/tun", O_RDWR);
		if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr))
			die("queue %d of %s: %s", i, arg[0], strerror(errno));
		if (dup2(fd, 100 + i) < 0)
			die("dup2: %s", strerror(errno));
		close(fd);
	}
	execvp(arg[2], arg + 2);
	die("%s: %s", arg[2], strerror(errno));
	return 1;
}

/* ---- server ---- */

/* Echo a datagram; the client chooses the content and checks it. */
static void serve_udp(int fd)
{
	static struct dgram d;
	struct sockaddr_in sa;

	for (;;) {
		socklen_t salen = sizeof(sa);
		ssize_t n = recvfrom(fd, &d, sizeof(d), 0, (struct sockaddr *)&sa, &salen);

		if (n >= 8)
			sendto(fd, &d, n, 0, (struct sockaddr *)&sa, salen);
	}
}

static __attribute__((noreturn)) void serve(char **arg)
{
	struct sockaddr_in sa = address("0.0.0.0", arg[0]);
	int tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0), on = 1;

	setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(tcp, (struct sockaddr *)&sa, sizeof(sa)) || listen(tcp, 16) ||
	    bind(udp, (struct sockaddr *)&sa, sizeof(sa)))
		die("port %s: %s", arg[0], strerror(errno));
	signal(SIGCHLD, SIG_IGN);
	if (!fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(tcp);
		serve_udp(udp);
	}
	for (;;) {
		int fd = accept(tcp, NULL, NULL);

		if (fd < 0)
			continue;
		if (!fork()) {
			/* A left-over child must not keep the port. */
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(tcp);
			close(udp);
			serve_one(fd);
		}
		close(fd);
	}
}

/* The kernel starts the only program of a guest without arguments. */
static char *boot_port[] = { "5000" };

int main(int argc, char **argv)
{
	const char *cmd = argc > 1 ? argv[1] : "";
	int status = argc > 2 ? stream_command(cmd, argc - 2, argv + 2) : -1;

	if (status != -1)
		return status;
	if (getpid() == 1) {
		boot();
		serve(boot_port);
	}
	if (!strcmp(cmd, "serve") && argc == 3)
		serve(argv + 2);
	if (!strcmp(cmd, "tcp-send") && argc == 6)
		return tcp_client(argv + 2, 1);
	if (!strcmp(cmd, "tcp-recv") && argc == 6)
		return tcp_client(argv + 2, 0);
	if (!strcmp(cmd, "udp") && argc == 6)
		return udp_client(argv + 2);
	if (!strcmp(cmd, "rr") && argc == 7)
		return request_response(argv + 2);
	if (!strcmp(cmd, "load") && argc == 8)
		return load(argv + 2);
	if (!strcmp(cmd, "bursts") && argc == 7)
		return bursts(argv + 2);
	if (!strcmp(cmd, "udp-flood") && argc == 5)
		return udp_flood(argv + 2);
	if (!strcmp(cmd, "mcast-recv") && argc == 7)
		return mcast_recv(argv + 2);
	if (!strcmp(cmd, "mcast-send") && argc == 6)
		return mcast_send(argv + 2);
	if (!strcmp(cmd, "with-taps") && argc > 4)
		return with_taps(argv + 2);
	fprintf(stderr, "usage: see the comment at the top of agent.c\n");
	return 2;
}
