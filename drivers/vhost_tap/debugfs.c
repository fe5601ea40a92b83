// SPDX-License-Identifier: GPL-2.0
/*
 * debugfs.c - a directory for each device with an owner; lines of "name value"
 *
 *   /sys/kernel/debug/vhost_tap/<serial>/state   the device
 *                                       /rx, tx  ring and counters
 *                                       /rx1, tx1 ... of other pairs
 */
#include <linux/debugfs.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/seq_file.h>

#include "control.h"
#include "thread.h"

static struct dentry *vtap_debugfs_root;

static const char *vtap_debugfs_state_name(enum vtap_queue_state state)
{
	switch (state) {
	case VTAP_STOPPED:
		return "stopped";
	case VTAP_RUNNING:
		return "running";
	case VTAP_BROKEN:
		return "broken";
	}
	return "?";
}

static const char *vtap_debugfs_backend_name(enum vtap_backend_kind kind)
{
	switch (kind) {
	case VTAP_BACKEND_NONE:
		return "none";
	case VTAP_BACKEND_TAP:
		return "tun";
	case VTAP_BACKEND_MACVTAP:
		return "macvtap";
	case VTAP_BACKEND_PACKET:
		return "packet";
	}
	return "?";
}

static int vtap_debugfs_state_show(struct seq_file *s, void *unused)
{
	struct pid_namespace *ns = task_active_pid_ns(current);
	struct vtap_dev *dev = s->private;
	struct vtap_queue *q = vtap_queue_at(dev, 0);
	pid_t tid;

	/* q->worker is valid: its end comes after the removal of this file. */
	if (mutex_lock_killable(&q->lock))
		return -EINTR;
	tid = vtap_queue_tid(q, ns);
	mutex_unlock(&q->lock);
	seq_printf(s, "owner_pid %d\n", vtap_process_pid(dev->owner, ns));
	seq_printf(s, "pairs %u\n", vtap_nr_queues(dev) / VTAP_NR_DIRS);
	seq_printf(s, "worker_tid %d\n", tid);
	seq_printf(s, "features 0x%llx\n", READ_ONCE(dev->features[0]));
	seq_printf(s, "features_hi 0x%llx\n", READ_ONCE(dev->features[1]));
	if (mutex_lock_killable(&q->lock))
		return -EINTR;
	seq_printf(s, "iotlb %d\n", !!q->mem.tlb);
	seq_printf(s, "dirty_log %d\n", q->dirty.payload || q->dirty.ring);
	seq_printf(s, "memory_regions %u\n", q->mem.map ? q->mem.map->nr : 0);
	mutex_unlock(&q->lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vtap_debugfs_state);

static int vtap_debugfs_show_ring(struct seq_file *s, struct vtap_queue *q)
{
	if (mutex_lock_killable(&q->lock))
		return -EINTR;
	seq_printf(s, "state %s\n", vtap_debugfs_state_name(q->state));
	seq_printf(s, "fault %s\n", vtap_fault_name(q->ring.fault));
	seq_printf(s, "fault_means %s\n", vtap_fault_doc(q->ring.fault));
	seq_printf(s, "backend %s\n",
		   vtap_debugfs_backend_name(q->backend.kind));
	seq_printf(s, "worker_id %u\n", q->worker->id);
	seq_printf(s, "worker_tid %d\n",
		   vtap_queue_tid(q, task_active_pid_ns(current)));
	seq_printf(s, "num %u\n", q->ring_cfg.num);
	seq_printf(s, "packed %d\n", q->ring_cfg.packed);
	seq_printf(s, "last_avail %u\n", q->state == VTAP_STOPPED ?
		   (u16)q->base : q->ring.last_avail);
	seq_printf(s, "last_used %u\n", q->ring.last_used);
	seq_printf(s, "starved_now %d\n", q->starved);
	seq_printf(s, "blocked_now %d\n", q->blocked);
	seq_printf(s, "throttled_now %d\n", q->throttled);
	seq_printf(s, "gso_frags %d\n", READ_ONCE(q->gso_frags));
	mutex_unlock(&q->lock);
	return 0;
}

static void vtap_debugfs_show_counters(struct seq_file *s,
				       const struct vtap_stats *st)
{
	enum vtap_fault fault;

#define SHOW(name, doc)	seq_printf(s, #name " %llu\n", READ_ONCE(st->name));
	VTAP_COUNTERS(SHOW, SHOW)
#undef SHOW
	for (fault = VTAP_FAULT_NONE + 1; fault < VTAP_NR_FAULTS; fault++)
		seq_printf(s, "fault.%s %llu\n", vtap_fault_name(fault),
			   READ_ONCE(st->fault[fault]));
}

static int vtap_debugfs_queue_show(struct seq_file *s, void *unused)
{
	struct vtap_queue *q = s->private;
	int err = vtap_debugfs_show_ring(s, q);

	if (err)
		return err;
	vtap_debugfs_show_counters(s, &q->stats);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vtap_debugfs_queue);

/**
 * vtap_debugfs_add - show a device that just got an owner
 * @dev: device
 *
 * Errors are ignored: without debugfs, or without memory for it, the device
 * works but is not shown.
 *
 * Context: vtap_dev.lock held.
 */
void vtap_debugfs_add(struct vtap_dev *dev)
{
	struct vtap_queue *q;
	char name[32];
	u32 i;

	lockdep_assert_held(&dev->lock);
	snprintf(name, sizeof(name), "%u", dev->id);
	dev->debugfs = debugfs_create_dir(name, vtap_debugfs_root);
	debugfs_create_file("state", 0400, dev->debugfs, dev,
			    &vtap_debugfs_state_fops);
	vtap_for_each_queue(dev, q, i) {
		/* The files of the first pair have no number. */
		snprintf(name, sizeof(name), i < VTAP_NR_DIRS ? "%s" : "%s%u",
			 q->dir == VTAP_RX ? "rx" : "tx", i / VTAP_NR_DIRS);
		debugfs_create_file(name, 0400, dev->debugfs, q,
				    &vtap_debugfs_queue_fops);
	}
}

/**
 * vtap_debugfs_remove - hide a device
 * @dev: device, whose workers still run
 *
 * Waits for readers, so the files must not take vtap_dev.lock. Readers wait for
 * passes, so vtap_workers_interrupt() comes first.
 *
 * Context: vtap_dev.lock held.
 */
void vtap_debugfs_remove(struct vtap_dev *dev)
{
	lockdep_assert_held(&dev->lock);
	debugfs_remove(dev->debugfs);
	dev->debugfs = NULL;
}

/**
 * vtap_debugfs_init - create the module's directory
 */
void vtap_debugfs_init(void)
{
	vtap_debugfs_root = debugfs_create_dir("vhost_tap", NULL);
}

/**
 * vtap_debugfs_exit - remove the module's directory
 */
void vtap_debugfs_exit(void)
{
	debugfs_remove(vtap_debugfs_root);
}
