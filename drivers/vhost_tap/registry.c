// SPDX-License-Identifier: GPL-2.0
/*
 * registry.c - the list of devices that have an owner
 *
 * A device leaves the list before its workers end, and a single worker that ends
 * leaves vtap_dev.workers under the list's lock. So the workers of a listed device
 * stay valid while the lock is held.
 */
#include <linux/xarray.h>

#include "registry.h"

static DEFINE_MUTEX(vtap_registry_mutex);
static DEFINE_XARRAY(vtap_registry_devs);

/**
 * vtap_registry_lock - keep devices and their workers from leaving the list
 *
 * Context: Process context, may sleep. Taken after vtap_dev.lock.
 */
void vtap_registry_lock(void)
{
	mutex_lock(&vtap_registry_mutex);
}

/**
 * vtap_registry_unlock - release vtap_registry_lock()
 */
void vtap_registry_unlock(void)
{
	mutex_unlock(&vtap_registry_mutex);
}

/**
 * vtap_registry_assert_held - expect that the caller holds vtap_registry_lock()
 */
void vtap_registry_assert_held(void)
{
	lockdep_assert_held(&vtap_registry_mutex);
}

/**
 * vtap_registry_assert_stays - expect that a device and its workers cannot go
 * @dev: device, listed, or with vtap_dev.lock held
 */
void vtap_registry_assert_stays(const struct vtap_dev *dev)
{
	lockdep_assert(lockdep_is_held(&vtap_registry_mutex) ||
		       lockdep_is_held(&dev->lock));
}

/**
 * vtap_registry_add - list a device that just got an owner
 * @dev: device
 *
 * Without memory for its entry, a device works but is not listed.
 *
 * Context: vtap_dev.lock held.
 */
void vtap_registry_add(struct vtap_dev *dev)
{
	lockdep_assert_held(&dev->lock);
	mutex_lock(&vtap_registry_mutex);
	dev->is_registered = !xa_insert(&vtap_registry_devs, dev->id, dev,
				  GFP_KERNEL_ACCOUNT);
	mutex_unlock(&vtap_registry_mutex);
}

/**
 * vtap_registry_remove - remove a device from the list
 * @dev: device, listed, whose workers still run
 *
 * Context: vtap_dev.lock held.
 */
void vtap_registry_remove(struct vtap_dev *dev)
{
	lockdep_assert_held(&dev->lock);
	mutex_lock(&vtap_registry_mutex);
	xa_erase(&vtap_registry_devs, dev->id);
	WRITE_ONCE(dev->is_registered, false);
	mutex_unlock(&vtap_registry_mutex);
}

static bool vtap_registry_is_visible(const struct net *net,
				     const struct vtap_dev *dev)
{
	return !net || net_eq(dev->net, net);
}

/**
 * vtap_registry_find - find a device by its id
 * @net: network namespace of the request, or NULL for all namespaces
 * @id: id of the device
 *
 * Context: vtap_registry_lock() held.
 * Return: the device, or NULL if @net does not have it.
 */
struct vtap_dev *vtap_registry_find(const struct net *net, u32 id)
{
	struct vtap_dev *dev;

	lockdep_assert_held(&vtap_registry_mutex);
	dev = xa_load(&vtap_registry_devs, id);

	return dev && vtap_registry_is_visible(net, dev) ? dev : NULL;
}

/**
 * vtap_registry_next - find the next device
 * @net: network namespace of the request, or NULL for all namespaces
 * @id: first id to consider; set to the id of the device
 *
 * Context: vtap_registry_lock() held.
 * Return: the device, or NULL if @net has no more devices.
 */
struct vtap_dev *vtap_registry_next(const struct net *net, unsigned long *id)
{
	struct vtap_dev *dev;

	lockdep_assert_held(&vtap_registry_mutex);
	xa_for_each_start(&vtap_registry_devs, *id, dev, *id) {
		if (vtap_registry_is_visible(net, dev))
			return dev;
	}
	return NULL;
}
