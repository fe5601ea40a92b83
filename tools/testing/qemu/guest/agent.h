/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Common parts of agent: agent.c has the one-shot commands and the server, stream.c
 * the commands that run during a migration, rr.c the latency test, load.c the load for
 * benchmarks. boot.c runs the agent as the first process of a guest.
 */
#ifndef VTAP_AGENT_H
#define VTAP_AGENT_H

#include <netinet/in.h>
#include <stdint.h>

/* The period is a prime, so that no power-of-two shift maps the pattern onto itself. */
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

/* A client's request to the server, in network byte order. */
enum {
	ORDER_DOWNLOAD, ORDER_UPLOAD, ORDER_STREAM, ORDER_ECHO,
	/* The following are served by load.c and sent by "vhost-tapctl bench", too. */
	ORDER_SINK, ORDER_SOURCE, ORDER_DATAGRAMS, ORDER_COUNTERS,
};

struct order {
	uint64_t bytes;
	uint32_t seed;
	uint32_t kind;
};

int connect_server(char **arg, struct order *o);

/* Serve a stream; the pattern must exist. Return: the exit status. */
int serve_stream(int fd);

/* Return: the exit status, or -1 if stream.c has no such command. */
int stream_command(const char *cmd, int argc, char **arg);

/* Echo TCP messages. Return: the exit status. */
int serve_echo(int fd);

int request_response(char **arg);

/* Serve a load or print the counters of the driver. Return: the exit status. */
int serve_load(int fd, const struct order *o);

int load(char **arg);
int bursts(char **arg);
void boot(void);

#endif
