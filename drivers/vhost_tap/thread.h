/* SPDX-License-Identifier: GPL-2.0 */
/* thread.h - a thread in its creator's address space and cgroups */
#ifndef VTAP_THREAD_H
#define VTAP_THREAD_H

#include <linux/types.h>

struct cpumask;
struct pid;
struct pid_namespace;
struct vtap_thread;

/**
 * struct vtap_thread_usage - CPU time of a thread since it was created
 * @run_ns: time on a CPU
 * @wait_ns: time in a run queue, ready but not running; valid if @has_wait
 * @has_wait: the kernel measures @wait_ns (CONFIG_SCHED_INFO)
 * @cpu: CPU that the thread runs on, or ran on last
 */
struct vtap_thread_usage {
	u64 run_ns;
	u64 wait_ns;
	bool has_wait;
	u32 cpu;
};

struct vtap_thread *vtap_thread_create(bool (*fn)(void *data), void *data,
				       const char *name, bool kthread);
bool vtap_thread_has_owner_kind(void);
void vtap_thread_start(struct vtap_thread *t);
void vtap_thread_wake(struct vtap_thread *t);
void vtap_thread_resume(struct vtap_thread *t);
void vtap_thread_interrupt(struct vtap_thread *t);
void vtap_thread_signal(struct vtap_thread *t);
void vtap_thread_flush_signal(struct vtap_thread *t);
void vtap_thread_stop(struct vtap_thread *t);
int vtap_thread_wait_killable(struct vtap_thread *t);
void vtap_thread_end(struct vtap_thread *t);
void vtap_thread_free(struct vtap_thread *t);
const struct cpumask *vtap_thread_cpus(const struct vtap_thread *t);
pid_t vtap_process_pid(struct pid *process, struct pid_namespace *ns);
pid_t vtap_thread_pid(const struct vtap_thread *t, struct pid_namespace *ns);
bool vtap_thread_usage(const struct vtap_thread *t,
		       struct vtap_thread_usage *u);
pid_t vtap_thread_vpid(const struct vtap_thread *t);

#endif /* VTAP_THREAD_H */
