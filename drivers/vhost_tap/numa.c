// SPDX-License-Identifier: GPL-2.0
/*
 * numa.c - default NUMA placement of workers
 *
 * With the module parameter numa= a worker moves once, when the first of its queues
 * starts, to the node of the guest's memory, or of the NIC behind the backend. It
 * only uses CPUs that it was created with. If its CPUs were changed since (taskset,
 * cpuset), it stays where it is. So does a thread that several workers share.
 * Control code chooses the node, and the thread moves itself (worker.c), so no code
 * has to check whether the thread runs yet.
 */
#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/sched.h>
#include <linux/topology.h>

#include "backend/backend.h"
#include "control.h"
#include "thread.h"

enum {
	VTAP_FOLLOW_NOTHING,
	VTAP_FOLLOW_MEMORY,
	VTAP_FOLLOW_NETDEV,
};

static const char * const vtap_numa_names[] = { "off", "memory", "netdev" };
static int vtap_numa_follow = VTAP_FOLLOW_NOTHING;

static int vtap_numa_follow_set(const char *val, const struct kernel_param *kp)
{
	int choice = sysfs_match_string(vtap_numa_names, val);

	if (choice < 0)
		return choice;
	WRITE_ONCE(vtap_numa_follow, choice);
	return 0;
}

static int vtap_numa_follow_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%s\n", vtap_numa_names[READ_ONCE(vtap_numa_follow)]);
}

static const struct kernel_param_ops vtap_numa_follow_ops = {
	.set = vtap_numa_follow_set,
	.get = vtap_numa_follow_get,
};

module_param_cb(numa, &vtap_numa_follow_ops, NULL, 0644);
__MODULE_PARM_TYPE(numa, "charp");
MODULE_PARM_DESC(numa, "NUMA node of new workers: off, memory (of the guest) or netdev (of the NIC) (default off)");

/* ---- the node of guest memory ---- */

/*
 * Do not fault the page in. An absent page has no node, and a page that was
 * only read is the kernel's zero page.
 */
static int vtap_numa_page_node(unsigned long uaddr)
{
	struct page *page;
	int node;

	if (get_user_pages_fast(uaddr, 1, FOLL_NOFAULT, &page) != 1)
		return NUMA_NO_NODE;
	node = is_zero_pfn(page_to_pfn(page)) ? NUMA_NO_NODE :
						page_to_nid(page);
	put_page(page);
	return node;
}

static int vtap_numa_largest_region_node(const struct vtap_memmap *map)
{
	const struct vtap_region *largest = NULL;
	u32 i;

	for (i = 0; i < map->nr; i++) {
		if (!largest || map->region[i].size > largest->size)
			largest = &map->region[i];
	}
	return largest ? vtap_numa_page_node(largest->uaddr) : NUMA_NO_NODE;
}

/* The ring is mostly on the node of the guest's driver. */
static int vtap_numa_memory_node(const struct vtap_queue *q)
{
	int node = NUMA_NO_NODE;

	if (!q->ring_cfg.iotlb)
		node = vtap_numa_page_node(q->ring_cfg.desc);
	return node == NUMA_NO_NODE ?
		       vtap_numa_largest_region_node(q->dev->map) :
		       node;
}

/* ---- the node of the NIC behind a backend ---- */

/* The functions up to vtap_numa_netdev_node() run under RTNL. */
static int vtap_numa_node_of_netdev(const struct net_device *dev)
{
	struct device *d;

	ASSERT_RTNL();
	for (d = dev->dev.parent; d; d = d->parent) {
		if (dev_to_node(d) != NUMA_NO_NODE)
			return dev_to_node(d);
	}
	return NUMA_NO_NODE;
}

static int vtap_numa_node_of_lower(struct net_device *dev,
				   struct netdev_nested_priv *priv)
{
	int *node = priv->data;

	*node = vtap_numa_node_of_netdev(dev);
	return *node != NUMA_NO_NODE;
}

static int vtap_numa_node_below(struct net_device *dev)
{
	int node = vtap_numa_node_of_netdev(dev);
	struct netdev_nested_priv priv = { .data = &node };

	if (node == NUMA_NO_NODE)
		netdev_walk_all_lower_dev(dev, vtap_numa_node_of_lower, &priv);
	return node;
}

/* A macvtap is on top of its NIC. A tap is mostly in a bridge with it. */
static int vtap_numa_netdev_node(struct vtap_queue *q)
{
	const struct vtap_interface_reader reader = { .net = q->dev->net };
	const struct vtap_backend *b = &q->backend;
	struct net_device *dev, *master;
	struct vtap_interface_id last;
	int node = NUMA_NO_NODE;

	vtap_interface_last(&q->interface, &last);
	rtnl_lock();
	dev = vtap_backend_netdev(b->sock, b->kind, last.name, &last, &reader);
	if (dev)
		node = vtap_numa_node_below(dev);
	master = dev ? netdev_master_upper_dev_get(dev) : NULL;
	if (node == NUMA_NO_NODE && master)
		node = vtap_numa_node_below(master);
	rtnl_unlock();
	return node;
}

/* ---- a worker's life ---- */

/**
 * vtap_numa_init - set what a new worker follows
 * @w: worker, zeroed
 * @is_shared: its thread has other workers, for which it stays where it is
 *
 * Return: 0 or -ENOMEM. Either way vtap_numa_free() frees it.
 */
int vtap_numa_init(struct vtap_worker *w, bool is_shared)
{
	w->node = NUMA_NO_NODE;
	if (is_shared)
		return 0;
	w->follow = READ_ONCE(vtap_numa_follow);
	if (w->follow == VTAP_FOLLOW_NOTHING)
		return 0;
	return alloc_cpumask_var(&w->initial_cpus, GFP_KERNEL_ACCOUNT) ? 0 :
								      -ENOMEM;
}

/**
 * vtap_numa_save_cpus - save the CPUs that a worker was created with
 * @w: worker whose thread is not started yet
 */
void vtap_numa_save_cpus(struct vtap_worker *w)
{
	if (w->follow != VTAP_FOLLOW_NOTHING)
		cpumask_copy(w->initial_cpus, vtap_thread_cpus(w->thread));
}

/**
 * vtap_numa_free - free what vtap_numa_init() allocated
 * @w: worker whose thread has ended
 */
void vtap_numa_free(struct vtap_worker *w)
{
	free_cpumask_var(w->initial_cpus);
}

/**
 * vtap_numa_set_node - choose the node of the worker of a starting queue
 * @q: queue with a backend
 *
 * The first queue of a worker decides. The caller wakes the queue next.
 *
 * Context: vtap_dev.lock held by the owner. May take RTNL.
 */
void vtap_numa_set_node(struct vtap_queue *q)
{
	struct vtap_worker *w = q->worker;
	int node;

	lockdep_assert_held(&q->dev->lock);
	if (w->follow == VTAP_FOLLOW_NOTHING || w->node != NUMA_NO_NODE)
		return;
	node = w->follow == VTAP_FOLLOW_MEMORY ? vtap_numa_memory_node(q) :
					    vtap_numa_netdev_node(q);
	if (node == NUMA_NO_NODE)
		return;
	WRITE_ONCE(w->node, node);
	vtap_workers_config_changed(q->dev);
}
