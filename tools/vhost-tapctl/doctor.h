/* SPDX-License-Identifier: GPL-2.0 */
/*
 * doctor.h - interface between the files of the doctor
 *
 * doctor.c has the command and prints findings. doctor_host.c checks the host,
 * doctor_version.c the versions, doctor_tap.c a tap or macvtap, and doctor_drops.c
 * the drops of taps in use.
 */
#ifndef VHOST_TAPCTL_DOCTOR_H
#define VHOST_TAPCTL_DOCTOR_H

#include <limits.h>
#include <sys/types.h>

#include "ctl.h"

/** struct doctor_ctx - what to check, and what was found so far */
struct doctor_ctx {
	/** @tap: tap that a VMM is to use, or NULL */
	const char *tap;
	/** @macvtap: macvtap that a VMM is to use, or NULL */
	const char *macvtap;
	/** @link_word: @tap or @macvtap, quoted for a command */
	char link_word[SHELL_ROOM];
	/** @queues: queue pairs that the VMM is to use */
	unsigned long queues;
	/** @user: user that will open the nodes; NULL: the current one */
	const char *user;
	/** @user_word: @user, quoted for a command */
	char user_word[4 * LOGIN_NAME_MAX + 4];
	uid_t uid;
	gid_t gid;
	unsigned int problems;
	unsigned int warnings;
	unsigned int notes;
};

enum severity {
	NOTE,
	WARNING,
	PROBLEM,
};

void finding(struct doctor_ctx *ctx, enum severity severity, const char *what,
	     const char *why, const char *fix_fmt, ...)
	__attribute__((format(printf, 5, 6)));
bool may_use(const struct doctor_ctx *ctx, const char *path);

/* doctor_host.c */
void check_module(struct doctor_ctx *ctx);
void check_node(struct doctor_ctx *ctx);
void check_tun(struct doctor_ctx *ctx);
void check_slots(struct doctor_ctx *ctx);
void check_security(struct doctor_ctx *ctx);
void check_takeover(struct doctor_ctx *ctx);
void check_in_tree(struct doctor_ctx *ctx);
void check_workers(struct doctor_ctx *ctx);

/* doctor_version.c */
void check_versions(struct doctor_ctx *ctx);
bool is_installed(void);

/* doctor_drops.c */
void check_drops(struct doctor_ctx *ctx);

/* doctor_tap.c */
void check_tap(struct doctor_ctx *ctx);
void check_macvtap(struct doctor_ctx *ctx);
void check_queues(struct doctor_ctx *ctx);

#endif /* VHOST_TAPCTL_DOCTOR_H */
