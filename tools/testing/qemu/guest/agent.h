/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of agent share: agent.c has the one-shot commands and the
 * server, stream.c those that run while a guest moves, rr.c times answers.
 */
#ifndef VTAP_AGENT_H
#define VTAP_AGENT_H

#include <netinet/in.h>
#include <stdint.h>

/* A prime: no power-of-two slip maps the pattern onto itself. */
#define PERIOD	65521
#define CHUNK	65536

extern uint8_t pattern[PERIOD + CHUNK];

struct dgram {
	uint32_t seq;
	uint32_t len;
	uint8_t data[65507 - 8];
};

void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
void make_pattern(uint64_t seed);
double now(void);
struct sockaddr_in address(const char *host, const char *port);
void time_limit(int fd, int seconds);
void fill(struct dgram *d, uint32_t seq, uint32_t len);
int is_right(const struct dgram *d, ssize_t n);

/* What a client asks of the server, in network byte order. */
enum { ORDER_DOWNLOAD, ORDER_UPLOAD, ORDER_STREAM, ORDER_ECHO };

struct order {
	uint64_t bytes;
	uint32_t seed;
	uint32_t what;
};

int connect_server(char **arg, struct order *o);

/* The server's end of a stream; the pattern is made. Return: the exit status. */
int serve_stream(int fd);

/* Return: the exit status, or -1 for no command of stream.c. */
int stream_command(const char *cmd, int argc, char **arg);

/* The server's end of TCP messages that come back. Return: the exit status. */
int serve_echo(int fd);

int request_response(char **arg);

#endif
