/* SPDX-License-Identifier: GPL-2.0 */
/*
 * spawn.h - run another program, or read a file, with bounded time and output
 */
#ifndef VHOST_TAPCTL_SPAWN_H
#define VHOST_TAPCTL_SPAWN_H

#include <stdio.h>

int spawn(const char *const *args, int out);
int spawn_text(const char *const *args, FILE *f);
int spawn_file(const char *path, FILE *f);

#endif /* VHOST_TAPCTL_SPAWN_H */
