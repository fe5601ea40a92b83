// SPDX-License-Identifier: GPL-2.0
/*
 * numa.c - which CPUs a worker gets unless somebody says
 *
 * Read before: vtap.h, control.h. Read next: worker_pool.c.
 *
 * With the module parameter numa= a worker is given the CPUs of one node, once,
 * when the first of its queues starts: the node of the guest's memory, or of
 * the NIC behind the backend. It is a default and nothing more. A worker takes
 * only CPUs that it was born with, so it stays in its cpuset and in the
 * affinity of the VMM; and one whose CPUs somebody has changed since (taskset,
 * a cpuset) is left alone.
 *
 * Control chooses the node; the thread itself does the rest, so nobody has to
 * ask whether it is there yet.
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

static const char * const follow_names[] = { "off", "memory", "netdev" };
static int follow = VTAP_FOLLOW_NOTHING;

static int vtap_numa_follow_set(const char *val, const struct kernel_param *kp)
{
	int what = sysfs_match_string(follow_names, val);

	if (what < 0)
		return what;
	WRITE_ONCE(follow, what);
	return 0;
}

static int vtap_numa_follow_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%s\n", follow_names[READ_ONCE(follow)]);
}

static const struct kernel_param_ops follow_ops = {
	.set = vtap_numa_follow_set,
	.get = vtap_numa_follow_get,
};

module_param_cb(numa, &follow_ops, NULL, 0644);
__MODULE_PARM_TYPE(numa, "charp");
MODULE_PARM_DESC(numa, "Node whose CPUs new workers get: off, memory (the guest's), netdev (default off)");

/* ---- the node of guest memory ---- */

/*
 * Nothing is made present for it: a page that is not has no node yet, nor has one
 * that was only read, as all of those are the kernel's page of zeroes.
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

/* Ring and packets of a queue are mostly on one node: that of its driver. */
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

/* All from here to vtap_numa_netdev_node() under RTNL. */
static int vtap_numa_node_of_netdev(const struct net_device *dev)
{
	struct device *d;

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

/* A macvtap lies on its NIC; a tap is mostly in a bridge with it. */
static int vtap_numa_netdev_node(const struct vtap_backend *b)
{
	struct net_device *dev, *master;
	int node = NUMA_NO_NODE;
	char tun[IFNAMSIZ];

	vtap_backend_tun_name(b->sock, b->kind, tun);
	rtnl_lock();
	dev = vtap_backend_netdev(b->sock, b->kind, tun, NULL);
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
 * vtap_numa_init - what will a new worker follow?
 * @w: worker, zeroed
 *
 * Return: 0 or -ENOMEM; vtap_numa_free() is right after either.
 */
int vtap_numa_init(struct vtap_worker *w)
{
	w->node = NUMA_NO_NODE;
	w->follow = READ_ONCE(follow);
	if (w->follow == VTAP_FOLLOW_NOTHING)
		return 0;
	return alloc_cpumask_var(&w->initial_cpus, GFP_KERNEL_ACCOUNT) ? 0 :
								      -ENOMEM;
}

/**
 * vtap_numa_save_cpus - remember what a worker is born with
 * @w: worker, with its task, which is not started yet
 */
void vtap_numa_save_cpus(struct vtap_worker *w)
{
	if (w->follow != VTAP_FOLLOW_NOTHING)
		cpumask_copy(w->initial_cpus, vtap_thread_cpus(w->thread));
}

/**
 * vtap_numa_free - the end of a worker
 * @w: worker; its thread has ended
 */
void vtap_numa_free(struct vtap_worker *w)
{
	free_cpumask_var(w->initial_cpus);
}

/**
 * vtap_numa_set_node - a queue starts: where should its worker be?
 * @q: queue with a backend; vtap_dev.lock is held by the owner
 *
 * The first queue of a worker decides. vtap_queue_wake() comes next.
 */
void vtap_numa_set_node(struct vtap_queue *q)
{
	struct vtap_worker *w = q->worker;
	int node;

	if (w->follow == VTAP_FOLLOW_NOTHING || w->node != NUMA_NO_NODE)
		return;
	node = w->follow == VTAP_FOLLOW_MEMORY ? vtap_numa_memory_node(q) :
					    vtap_numa_netdev_node(&q->backend);
	if (node == NUMA_NO_NODE)
		return;
	WRITE_ONCE(w->node, node);
	vtap_workers_config_changed(q->dev);
}
