// SPDX-License-Identifier: GPL-2.0
/*
 * registry.c - the list of devices that have an owner
 *
 * Netlink requests, notifications and latency measurement find devices here.
 * The list's lock is held for one message at a time, and nothing of ours but the
 * lock of a queue's interface is taken under it. A device leaves the list before
 * its workers end, and a single worker that ends leaves vtap_dev.workers under
 * this lock, so what a listed device points to stays valid while the lock is
 * held.
 */
#include <linux/xarray.h>

#include "registry.h"

static DEFINE_MUTEX(list_lock);
static DEFINE_XARRAY(list);

/**
 * vtap_registry_lock - keep listed devices listed until vtap_registry_unlock()
 */
void vtap_registry_lock(void)
{
	mutex_lock(&list_lock);
}

/**
 * vtap_registry_unlock - let devices leave the list again
 */
void vtap_registry_unlock(void)
{
	mutex_unlock(&list_lock);
}

/**
 * vtap_registry_add - list a device that just got an owner
 * @dev: device, locked
 *
 * A device that finds no memory for its entry works all the same; netlink does
 * not show it.
 */
void vtap_registry_add(struct vtap_dev *dev)
{
	mutex_lock(&list_lock);
	dev->is_registered = !xa_insert(&list, dev->id, dev,
				  GFP_KERNEL_ACCOUNT);
	mutex_unlock(&list_lock);
}

/**
 * vtap_registry_remove - take a device off the list
 * @dev: device, locked, listed; its workers still run
 */
void vtap_registry_remove(struct vtap_dev *dev)
{
	mutex_lock(&list_lock);
	xa_erase(&list, dev->id);
	WRITE_ONCE(dev->is_registered, false);
	mutex_unlock(&list_lock);
}

static bool vtap_registry_is_visible(const struct net *net,
				     const struct vtap_dev *dev)
{
	return !net || net_eq(dev->net, net);
}

/**
 * vtap_registry_find - find a device by its number
 * @net: namespace of the request; NULL: any
 * @id: number
 *
 * Context: vtap_registry_lock() held.
 * Return: the device, or NULL if @net has none of this number.
 */
struct vtap_dev *vtap_registry_find(const struct net *net, u32 id)
{
	struct vtap_dev *dev;

	lockdep_assert_held(&list_lock);
	dev = xa_load(&list, id);

	return dev && vtap_registry_is_visible(net, dev) ? dev : NULL;
}

/**
 * vtap_registry_next - find the next device
 * @net: namespace of the request; NULL: any
 * @id: number to begin with; set to that of the device
 *
 * Context: vtap_registry_lock() held.
 * Return: the device, or NULL if @net has no more.
 */
struct vtap_dev *vtap_registry_next(const struct net *net, unsigned long *id)
{
	struct vtap_dev *dev;

	lockdep_assert_held(&list_lock);
	xa_for_each_start(&list, *id, dev, *id) {
		if (vtap_registry_is_visible(net, dev))
			return dev;
	}
	return NULL;
}
