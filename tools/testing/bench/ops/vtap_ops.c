// SPDX-License-Identifier: GPL-2.0
/*
 * vtap_ops.c - the time of basic operations of a kernel
 *
 * For benchmarks only. In User Mode Linux, a wake-up of another CPU or an access to user
 * memory takes another time than on a real kernel. These figures tell how much of it is
 * in the time of a packet. They use the clock of the scheduler, because UML's ktime has
 * steps of 256 ns.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>

#include "ops.h"

/**
 * struct ops_peer - a thread on the last CPU
 * @line: the caller writes odd numbers, the thread even ones
 * @rounds: number of answers
 */
struct ops_peer {
	u32 line ____cacheline_aligned;
	struct completion ping ____cacheline_aligned;
	struct completion pong;
	enum ops_op op;
	u32 rounds;
};

static DEFINE_MUTEX(ops_lock);	/* one caller at a time uses the last CPU */
static DEFINE_SPINLOCK(ops_spinlock);

/* ---- operations of one CPU ---- */

static void irq_op(u32 times)
{
	unsigned long flags;

	while (times--) {
		local_irq_save(flags);
		local_irq_restore(flags);
	}
}

static void lock_op(u32 times)
{
	while (times--) {
		spin_lock(&ops_spinlock);
		spin_unlock(&ops_spinlock);
	}
}

static int user_op(const struct ops_run *run)
{
	u16 __user *from = u64_to_user_ptr(run->mem);
	u32 i;
	u16 v;

	for (i = 0; i < run->times; i++)
		/* The caller's value is not 0. */
		if (get_user(v, from) || !v)
			return -EFAULT;
	return 0;
}

/* ---- operations of two CPUs ---- */

static void bounce(u32 *line, u32 value, u32 times)
{
	while (times--) {
		WRITE_ONCE(*line, value++);
		while (READ_ONCE(*line) != value)
			cpu_relax();
		value++;
	}
}

static void wake(struct ops_peer *p, u32 times)
{
	while (times--) {
		complete(&p->ping);
		wait_for_completion(&p->pong);
	}
}

static int peer_main(void *arg)
{
	struct ops_peer *p = arg;
	u32 i;

	for (i = 0; i < p->rounds; i++) {
		if (p->op == OPS_WAKEUP) {
			wait_for_completion(&p->ping);
			complete(&p->pong);
			continue;
		}
		while (READ_ONCE(p->line) != 2 * i + 1)
			cpu_relax();
		WRITE_ONCE(p->line, 2 * i + 2);
	}
	set_current_state(TASK_INTERRUPTIBLE);
	while (!kthread_should_stop()) {
		schedule();
		set_current_state(TASK_INTERRUPTIBLE);
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

static struct task_struct *start_peer(struct ops_peer *p, const struct ops_run *run)
{
	unsigned int cpu = cpumask_last(cpu_online_mask);
	struct task_struct *task;

	/* On one CPU the two would wait for each other's time slice to end. */
	if (run->op == OPS_LINE && cpu == raw_smp_processor_id())
		return ERR_PTR(-EOPNOTSUPP);
	*p = (struct ops_peer){ .op = run->op, .rounds = run->nr * run->times };
	init_completion(&p->ping);
	init_completion(&p->pong);
	task = kthread_create(peer_main, p, "vtap-ops");
	if (!IS_ERR(task)) {
		kthread_bind(task, cpu);
		wake_up_process(task);
	}
	return task;
}

/* ---- a packet: in the kernel, because a system call of UML takes longer ---- */

static int time_kick(struct ops_kick *k)
{
	u16 __user *used = u64_to_user_ptr(k->used);
	struct eventfd_ctx *kick = eventfd_ctx_fdget(k->kick);
	u16 before, now;
	int err;

	if (IS_ERR(kick))
		return PTR_ERR(kick);
	err = get_user(before, used);
	k->ns = local_clock();
	eventfd_signal(kick);
	do {
		cpu_relax();
		err = err ?: get_user(now, used);
	} while (!err && now == before && !signal_pending(current));
	k->ns = local_clock() - k->ns;
	eventfd_ctx_put(kick);
	return err;
}

static int send_and_wait(struct ops_arrival *a, struct socket *sock, struct file *call,
			 void *frame)
{
	struct kvec vec = { .iov_base = frame, .iov_len = a->len };
	struct msghdr msg = {};
	loff_t pos = 0;
	u64 count;
	int ret;

	a->ns = local_clock();
	ret = kernel_sendmsg(sock, &msg, &vec, 1, a->len);
	if (ret >= 0)
		ret = kernel_read(call, &count, sizeof(count), &pos);
	a->ns = local_clock() - a->ns;
	return min(ret, 0);
}

static int time_arrival(struct ops_arrival *a)
{
	struct socket *sock;
	struct file *call;
	void *frame;
	int err;

	if (a->len > OPS_FRAME)
		return -EINVAL;
	frame = memdup_user(u64_to_user_ptr(a->frame), a->len);
	if (IS_ERR(frame))
		return PTR_ERR(frame);
	sock = sockfd_lookup(a->sock, &err);
	if (!sock)
		goto err_free;
	call = fget(a->call);
	err = -EBADF;
	if (call) {
		err = send_and_wait(a, sock, call, frame);
		fput(call);
	}
	sockfd_put(sock);
err_free:
	kfree(frame);
	return err;
}

/* ---- the file ---- */

static int do_op(struct ops_peer *p, const struct ops_run *run, u32 sample)
{
	u32 i;

	switch (run->op) {
	case OPS_IRQ:
		irq_op(run->times);
		return 0;
	case OPS_MB:
		for (i = 0; i < run->times; i++)
			smp_mb();	/* the operation that is timed */
		return 0;
	case OPS_LOCK:
		lock_op(run->times);
		return 0;
	case OPS_USER:
		return user_op(run);
	case OPS_LINE:
		bounce(&p->line, 2 * sample * run->times + 1, run->times);
		return 0;
	case OPS_WAKEUP:
		wake(p, run->times);
		return 0;
	}
	return -EINVAL;
}

static int do_run(const struct ops_run *run)
{
	u64 __user *ns = u64_to_user_ptr(run->ns);
	struct task_struct *task = NULL;
	static struct ops_peer peer;
	int err = 0;
	u64 start;
	u32 i;

	if (run->op == OPS_LINE || run->op == OPS_WAKEUP) {
		task = start_peer(&peer, run);
		if (IS_ERR(task))
			return PTR_ERR(task);
	}
	/* The peer counts the rounds, so a fault must not end the loop. */
	for (i = 0; i < run->nr; i++) {
		start = local_clock();
		err = do_op(&peer, run, i) ?: err;
		if (put_user(local_clock() - start, ns + i))
			err = -EFAULT;
	}
	if (task)
		kthread_stop(task);
	return err;
}

static int ops_run(void __user *arg)
{
	struct ops_run run;
	int err;

	if (copy_from_user(&run, arg, sizeof(run)))
		return -EFAULT;
	if (run.nr > OPS_MAX || run.times > OPS_MAX || run.op > OPS_WAKEUP || run.reserved)
		return -EINVAL;
	mutex_lock(&ops_lock);
	/* The caller must stay away from the peer's CPU. */
	migrate_disable();
	err = do_run(&run);
	migrate_enable();
	mutex_unlock(&ops_lock);
	return err;
}

static long ops_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;
	struct ops_arrival arrival;
	struct ops_kick kick;
	int err;

	switch (cmd) {
	case OPS_RUN:
		return ops_run(user);
	case OPS_KICK:
		if (copy_from_user(&kick, user, sizeof(kick)))
			return -EFAULT;
		err = time_kick(&kick);
		return err ?: copy_to_user(user, &kick, sizeof(kick)) ? -EFAULT : 0;
	case OPS_ARRIVAL:
		if (copy_from_user(&arrival, user, sizeof(arrival)))
			return -EFAULT;
		err = time_arrival(&arrival);
		return err ?: copy_to_user(user, &arrival, sizeof(arrival)) ? -EFAULT : 0;
	}
	return -ENOTTY;
}

static const struct file_operations ops_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = ops_ioctl,
};

static struct miscdevice ops_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vtap-ops",
	.fops = &ops_fops,
};

module_misc_device(ops_misc);
MODULE_DESCRIPTION("Time of basic operations of a kernel, for the benchmarks of vhost-tap");
MODULE_LICENSE("GPL");
