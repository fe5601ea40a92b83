/* SPDX-License-Identifier: GPL-2.0 */
/*
 * report.h - interface between the files of vhost-tapctl report
 *
 * report.c has the command and writes the archive. report_host.c collects
 * information on the host, report_log.c from the kernel log, report_tap.c on
 * devices and taps.
 */
#ifndef VHOST_TAPCTL_REPORT_H
#define VHOST_TAPCTL_REPORT_H

#include "ctl.h"

#define MAX_LINKS	16

/* Arguments for put_command() */
#define ARGS(...)	((const char *const[]){ __VA_ARGS__, NULL })

/** struct report_link - a tap or macvtap of the report */
struct report_link {
	char name[IFNAMSIZ];
	bool is_macvtap;
};

/** struct report - what to collect, and what is missing so far */
struct report {
	struct snapshot s;
	/** @err: why there is no snapshot: negative errno, or 0 */
	int err;
	struct report_link link[MAX_LINKS];
	unsigned int nr_links;
	/** @more_links: taps that are left out, because there are too many */
	unsigned int more_links;
	/** @nr_stuck: processes whose arguments could not be read in time */
	unsigned int nr_stuck;
	/** @missing: why a file is not complete, a line each; reset for each */
	FILE *missing;
};

void missing(struct report *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
int put_command(FILE *f, const char *const *args);
void add_link(struct report *r, const char *name);

/* report_host.c */
void find_names(struct report *r);
void put_versions(struct report *r, FILE *f);
void put_module(struct report *r, FILE *f);
void put_host(struct report *r, FILE *f);
void put_packages(struct report *r, FILE *f);
void put_vmms(struct report *r, FILE *f);

/* report_log.c */
void put_kernel_log(struct report *r, FILE *f);

/* report_tap.c */
void find_links(struct report *r);
void put_devices(struct report *r, FILE *f);
void put_links(struct report *r, FILE *f);
void put_doctor(struct report *r, FILE *f);

#endif /* VHOST_TAPCTL_REPORT_H */
