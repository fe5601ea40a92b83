/* SPDX-License-Identifier: GPL-2.0 */
/* registry.h - the list of devices that have an owner */
#ifndef VTAP_REGISTRY_H
#define VTAP_REGISTRY_H

#include "vtap.h"

void vtap_registry_lock(void);
void vtap_registry_unlock(void);
void vtap_registry_assert_held(void);
void vtap_registry_assert_stays(const struct vtap_dev *dev);
void vtap_registry_add(struct vtap_dev *dev);
void vtap_registry_remove(struct vtap_dev *dev);
struct vtap_dev *vtap_registry_find(const struct net *net, u32 id);
struct vtap_dev *vtap_registry_next(const struct net *net, unsigned long *id);

#endif /* VTAP_REGISTRY_H */
