// SPDX-License-Identifier: GPL-2.0
/*
 * rr - request and response: send one message at a time and measure each reply
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "agent.h"

#define MAX_LEN		1400
#define MAX_SAMPLES	1000000

static void no_delay(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

int serve_echo(int fd)
{
	static uint8_t buf[MAX_LEN];
	ssize_t n;

	no_delay(fd);
	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		if (send(fd, buf, n, MSG_NOSIGNAL) != n)
			return 1;
	return 0;
}

static int compare(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* Send a lost datagram again, and drop its sample. */
static int ask(int fd, uint8_t *buf, int len, int is_tcp)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int got = 0;

	if (send(fd, buf, len, MSG_NOSIGNAL) != len)
		die("send: %s", strerror(errno));
	while (got < len) {
		ssize_t n;

		if (!is_tcp && poll(&pfd, 1, 1000) != 1)
			return 0;
		n = recv(fd, buf + got, len - got, 0);
		if (n <= 0)
			die("recv: %s", n ? strerror(errno) : "closed");
		got += n;
	}
	return 1;
}

static int connect_to(char **arg, int is_tcp)
{
	struct order o = { .kind = htonl(ORDER_ECHO) };
	struct sockaddr_in sa;
	int fd;

	if (is_tcp) {
		fd = connect_server(arg, &o);
		no_delay(fd);
		return fd;
	}
	sa = address(arg[0], arg[1]);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		die("connect: %s", strerror(errno));
	return fd;
}

int request_response(char **arg)
{
	int is_tcp = !strcmp(arg[2], "tcp"), len = atoi(arg[3]);
	static float us[MAX_SAMPLES];
	static uint8_t buf[MAX_LEN];
	unsigned long n = 0, lost = 0;
	double end, begin, after;
	int fd;

	if (len < 8 || len > MAX_LEN)
		die("a message has 8 to %d bytes", MAX_LEN);
	fd = connect_to(arg, is_tcp);
	begin = now();
	end = begin + atof(arg[4]);
	while (begin < end && n < MAX_SAMPLES) {
		int answered = ask(fd, buf, len, is_tcp);

		after = now();
		if (answered)
			us[n++] = (after - begin) * 1e6;
		else
			lost++;
		begin = after;
	}
	if (!n)
		die("no reply");
	qsort(us, n, sizeof(*us), compare);
	printf("answers %lu lost %lu median %.1f p99 %.1f us\n", n, lost, us[n / 2],
	       us[n - 1 - n / 100]);
	return 0;
}
