/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Worker threads, as an administrator sees them: by the name vhost-<owner pid>.
 */
#ifndef VTAP_TEST_THREADS_H
#define VTAP_TEST_THREADS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

int workers_of(pid_t pid, char *last);
bool workers_gone(pid_t pid);
uint64_t thread_cpu_ns(pid_t tid);
int put_text(const char *path, const char *text);

/* A cgroup of our own, on one CPU, below a mount that nobody else sees. */
#define CPUSET_DIR	"/mnt/vtap"
int cpuset_enter(int cpu);
void cpuset_leave(void);

#endif
