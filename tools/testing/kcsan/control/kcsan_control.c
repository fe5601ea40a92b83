// SPDX-License-Identifier: GPL-2.0
/*
 * A data race for KCSAN to find, and two threads without one. If no race is reported in
 * kcsan_control_racer(), KCSAN would not find a race of the driver either.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>

static unsigned int seconds = 5;
module_param(seconds, uint, 0444);
MODULE_PARM_DESC(seconds, "how long the threads run");

static unsigned long racy, marked;

static noinline int kcsan_control_racer(void *unused)
{
	while (!kthread_should_stop()) {
		racy++;
		cond_resched();
	}
	return 0;
}

static noinline int kcsan_control_marked(void *unused)
{
	while (!kthread_should_stop()) {
		WRITE_ONCE(marked, READ_ONCE(marked) + 1);
		cond_resched();
	}
	return 0;
}

/* Run a thread on each of the first two CPUs. */
static int kcsan_control_run(int (*fn)(void *), const char *name)
{
	struct task_struct *thread[2];
	int i, n, err = 0;

	for (n = 0; n < 2; n++) {
		thread[n] = kthread_create_on_cpu(fn, NULL, n, name);
		if (IS_ERR(thread[n])) {
			err = PTR_ERR(thread[n]);
			break;
		}
		wake_up_process(thread[n]);
	}
	if (!err)
		ssleep(seconds);
	for (i = 0; i < n; i++)
		kthread_stop(thread[i]);
	return err;
}

static int __init kcsan_control_init(void)
{
	int err = kcsan_control_run(kcsan_control_racer, "racer/%u");

	return err ?: kcsan_control_run(kcsan_control_marked, "marked/%u");
}
module_init(kcsan_control_init);

static void __exit kcsan_control_exit(void)
{
}
module_exit(kcsan_control_exit);

MODULE_DESCRIPTION("A data race for KCSAN to find");
MODULE_LICENSE("GPL");
