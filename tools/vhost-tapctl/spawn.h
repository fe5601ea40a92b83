/* SPDX-License-Identifier: GPL-2.0 */
/*
 * spawn.h - run another program with bounded time and output
 */
#ifndef VHOST_TAPCTL_SPAWN_H
#define VHOST_TAPCTL_SPAWN_H

#include <stdio.h>

int spawn(const char *const *args, int out);
int spawn_text(const char *const *args, FILE *f);

#endif /* VHOST_TAPCTL_SPAWN_H */
