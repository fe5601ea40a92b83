/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Find worker threads by their name, vhost-<owner pid>; processes to be killed.
 */
#ifndef VTAP_TEST_THREADS_H
#define VTAP_TEST_THREADS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* @task: the thread's directory in /proc, less than 64 bytes */
bool is_worker_of(pid_t pid, const char *task);
typedef void (*worker_fn)(const char *task, void *arg);

/* Visit the workers of a process. Return: their number */
int workers_each(pid_t pid, worker_fn visit, void *arg);
/* Store the path of the last one, unless @last is NULL. Return: their number */
int workers_of(pid_t pid, char *last);
bool workers_gone(pid_t pid);

/** struct child - a process that reports once, and then waits to be killed */
struct child {
	pid_t pid;
	int pipe[2];
};

/* Fork. Return: 0 in the child, in the parent its pid or -1 */
pid_t child_fork(struct child *c);
/* In the child: report, and wait. */
void child_report(struct child *c, bool failed) __attribute__((noreturn));
/* In the parent: wait for the report. Return: false on failure */
bool child_is_ready(struct child *c);
/* Return: true if the kill ended it */
bool child_kill(struct child *c);

uint64_t thread_cpu_ns(pid_t tid);
uint64_t thread_timeslices(pid_t tid);
bool thread_sleeps(pid_t tid);
int put_text(const char *path, const char *text);

/* A private cgroup on one CPU, below a mount in the test's own namespace. */
#define CPUSET_DIR	"/mnt/vtap"
int cpuset_enter(int cpu);
void cpuset_leave(void);

#endif
