/* SPDX-License-Identifier: GPL-2.0 */
/*
 * redact.h - replace private data in text by numbered tokens
 */
#ifndef VHOST_TAPCTL_REDACT_H
#define VHOST_TAPCTL_REDACT_H

#include <stdbool.h>
#include <stdio.h>

/** enum private_kind - kinds of private data; each has its own numbers */
enum private_kind {
	PRIVATE_MAC,
	PRIVATE_IP,
	PRIVATE_HOST,
	PRIVATE_VM,
	PRIVATE_USER,
	PRIVATE_LINK,
	PRIVATE_PATH,
	PRIVATE_UUID,
	PRIVATE_ID,
	NR_PRIVATE,
};

bool redact_add(enum private_kind kind, const char *name);
bool redact_contains(const char *text);
void redact_write(FILE *f, const char *text);
void redact_summary(FILE *f);
void redact_legend(FILE *f);

#endif /* VHOST_TAPCTL_REDACT_H */
