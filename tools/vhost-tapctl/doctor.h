/* SPDX-License-Identifier: GPL-2.0 */
/*
 * doctor.h - what the doctor's checks share
 *
 * Read before: ctl.h. Read next: doctor.c, then doctor_host.c, doctor_tap.c.
 */
#ifndef VHOST_TAPCTL_DOCTOR_H
#define VHOST_TAPCTL_DOCTOR_H

#include <sys/types.h>

#include "ctl.h"

/** struct patient - what is looked at */
struct patient {
	const char *tap;
	const char *macvtap;
	unsigned long queues;	/* 1 unless told */
	const char *user;	/* who will open the nodes, or NULL: us */
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

/* A finding: what is wrong, why it matters, and the command that mends it. */
void finding(struct patient *p, enum severity how, const char *what,
	     const char *why, const char *mend_fmt, ...)
	__attribute__((format(printf, 5, 6)));

bool may_use(const struct patient *p, const char *path);

/* doctor_host.c */
void check_module(struct patient *p);
void check_node(struct patient *p);
void check_tun(struct patient *p);
void check_slots(struct patient *p);
void check_security(struct patient *p);
void check_in_tree(struct patient *p);
void check_workers(struct patient *p);

/* doctor_tap.c */
void check_tap(struct patient *p);
void check_macvtap(struct patient *p);
void check_queues(struct patient *p);

#endif /* VHOST_TAPCTL_DOCTOR_H */
