/* SPDX-License-Identifier: GPL-2.0 */
/*
 * thread.h - a thread that works in its creator's address space and cgroups
 *
 * Read next: thread.c.
 */
#ifndef VTAP_THREAD_H
#define VTAP_THREAD_H

#include <linux/types.h>

struct cpumask;
struct pid;
struct pid_namespace;
struct vtap_task;

struct vtap_task *vtap_task_create(bool (*fn)(void *data), void *data,
				   const char *name, bool kthread);
bool vtap_task_has_owner_kind(void);
void vtap_task_start(struct vtap_task *t);
void vtap_task_wake(struct vtap_task *t);
void vtap_task_resume(struct vtap_task *t);
void vtap_task_interrupt(struct vtap_task *t);
void vtap_task_stop(struct vtap_task *t);
int vtap_task_wait_killable(struct vtap_task *t);
void vtap_task_end(struct vtap_task *t);
void vtap_task_free(struct vtap_task *t);
const struct cpumask *vtap_task_cpus(const struct vtap_task *t);
pid_t vtap_process_pid(struct pid *process, struct pid_namespace *ns);
pid_t vtap_task_pid(const struct vtap_task *t, struct pid_namespace *ns);
pid_t vtap_task_pid_here(const struct vtap_task *t);

#endif /* VTAP_THREAD_H */
