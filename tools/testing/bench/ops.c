// SPDX-License-Identifier: GPL-2.0
/*
 * Basic operations of the kernel, without packets (ops/vtap_ops.c), and a system call.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cost.h"
#include "ops/ops.h"

#define NODE	"/dev/vtap-ops"
#define SAMPLES	500

bool ops_is_node(const char *node)
{
	return !strcmp(node, NODE);
}

static unsigned int times_of(enum bench_op op)
{
	/* A sample of a wake-up has one, so that its percentiles mean something. */
	return op == OP_WAKEUP ? 1 : op == OP_SYSCALL ? 10 : op == OP_LINE ? 100 : 1000;
}

static int run_syscalls(int64_t *ns, unsigned int times)
{
	int64_t start;
	unsigned int i, k;

	for (i = 0; i < SAMPLES; i++) {
		start = now_ns();
		for (k = 0; k < times; k++)
			syscall(SYS_getppid);
		ns[i] = now_ns() - start;
	}
	return 0;
}

static int run_kernel(enum bench_op op, int64_t *ns, unsigned int times)
{
	static const enum ops_op number[] = {
		[OP_IRQ] = OPS_IRQ, [OP_MB] = OPS_MB, [OP_LOCK] = OPS_LOCK,
		[OP_USER] = OPS_USER, [OP_LINE] = OPS_LINE, [OP_WAKEUP] = OPS_WAKEUP,
	};
	static uint16_t word = 1;
	struct ops_run run = {
		.ns = (uintptr_t)ns, .mem = (uintptr_t)&word, .op = number[op],
		.nr = SAMPLES, .times = times,
	};
	int fd = open(NODE, O_RDWR | O_CLOEXEC);
	int err = fd < 0 || ioctl(fd, OPS_RUN, &run) ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

int cost_op(const struct bench_row *row, struct packet_cost *cost)
{
	/* In UML, the clock that times system calls is read by one, too. */
	unsigned int times = times_of(row->op), count = times + (row->op == OP_SYSCALL);
	int64_t ns[SAMPLES] = {};
	int err;

	err = row->op == OP_SYSCALL ? run_syscalls(ns, times) :
				      run_kernel(row->op, ns, times);
	if (err)
		return err;
	if (row->op == OP_LINE || row->op == OP_WAKEUP)
		count *= 2;
	qsort(ns, SAMPLES, sizeof(*ns), by_value);
	*cost = (struct packet_cost){
		.rounds = SAMPLES, .packets = 1,
		.more = (double)ns[SAMPLES / 2] / count,
		.whole = typical(ns, SAMPLES) / count,
		.median = (double)ns[SAMPLES / 2] / count,
		.p99 = (double)ns[SAMPLES - 1 - SAMPLES / 100] / count,
	};
	return 0;
}
