/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ctl.h - interface between the files of vhost-tapctl
 *
 * main.c starts a command. A command takes a snapshot of all devices, which
 * model.c builds from the netlink messages that nl.c receives.
 */
#ifndef VHOST_TAPCTL_H
#define VHOST_TAPCTL_H

#include <getopt.h>
#include <linux/vhost_tap_netlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define NODE	"/dev/vhost-tap"

/** enum ctl_exit - exit codes; the man page lists them */
enum ctl_exit {
	CTL_OK = 0,
	CTL_FAILED = 1,
	CTL_USAGE = 2,
	CTL_NO_MODULE = 3,
	CTL_DENIED = 4,
	CTL_NOT_FOUND = 5,
	CTL_WARNINGS = 6,	/* doctor: warnings, no problem */
	CTL_PROBLEMS = 7,	/* doctor: problems */
};

/* ---- devices, queues and workers (model.c) ---- */

#define NR_COUNTERS	VHOST_TAP_A_COUNTERS_MAX
#define MAX_FAULTS	64
#define MAX_LIST	64

/*
 * Room for a name as clean_name() writes it: 15 bytes of at most four
 * characters each, and a NUL. Names of network devices and tasks have at most
 * 15 bytes.
 */
#define NAME_ROOM	(4 * 15 + 1)

/* Room for such a name as a word of a command, as shell_word() writes it. */
#define SHELL_ROOM	(NAME_ROOM + 3)

/* Index of a counter in counter_names and in struct queue's counter[]. */
#define COUNTER(name)	(VHOST_TAP_A_COUNTERS_##name - 1)

struct fault {
	char name[NAME_ROOM];
	uint64_t count;
};

/** struct list - values of an attribute that occurs several times */
struct list {
	unsigned int nr;
	uint64_t val[MAX_LIST];
};

struct queue {
	uint32_t device;
	uint32_t index;
	uint32_t direction;
	uint32_t state;
	uint32_t backend;
	uint32_t backend_fd;
	uint32_t size;
	uint32_t depth;
	uint32_t busyloop_us;
	uint32_t worker;
	bool starved;
	bool blocked;
	bool throttled;
	uint64_t rate;		/* limit in bytes per second; 0: none */
	uint64_t burst;
	uint64_t pps;		/* limit in packets per second; 0: none */
	uint32_t gso_frags;	/* nonzero: long GSO frames are in page fragments */
	char fault[NAME_ROOM];
	char fault_means[96];
	uint64_t counter[NR_COUNTERS];
	uint64_t iotlb_lookups;
	uint64_t starved_for_ns;
	uint32_t latency;	/* nonzero: latency is measured */
	uint32_t load;		/* nonzero: the load is measured */
	uint64_t busy_ns;	/* time in passes, while it is measured */
	struct list batch_sizes;
	struct list kick_to_done;
	struct list wake_to_call;
	unsigned int nr_faults;
	struct fault faults[MAX_FAULTS];
	char tap[NAME_ROOM];	/* the backend's network device, or empty */
	uint32_t ifindex;	/* its index in its namespace; 0: not known */
	uint64_t if_netns_cookie;
	uint64_t if_dropped;	/* by that device, in this direction */
	bool has_if_dropped;
};

struct device {
	uint32_t id;
	uint32_t owner_pid;	/* 0: ended, or not in our PID namespace */
	uint64_t netns_cookie;	/* network namespace that it belongs to */
	uint32_t nr_queues;
	uint32_t nr_workers;
	uint32_t memory_regions;
	uint32_t layout;
	uint32_t poll_mode;
	uint32_t poll_us;
	uint64_t features[2];
	bool iotlb;
	bool dirty_log;
	char owner[NAME_ROOM];	/* name of that process, or empty */
	/* Range in each array of the snapshot; end is exclusive. */
	unsigned int first_queue;
	unsigned int end_queue;
	unsigned int first_worker;
	unsigned int end_worker;
};

struct worker {
	uint32_t device;
	uint32_t index;
	uint32_t tid;
	int64_t node;		/* NUMA node that it follows, or -1 */
	int64_t cpu;		/* where it ran last, or -1 before it ran */
	uint64_t run_ns;
	uint64_t wait_ns;
	bool has_wait;		/* the kernel measures wait_ns */
	struct list queues;
	struct list shared_tids; /* threads that it can move to; none: its own thread */
};

/**
 * struct snapshot - all devices, queues and workers at nearly the same time
 *
 * Each array is sorted by device, then by index.
 */
struct snapshot {
	double at;		/* seconds, monotonic */
	bool all_namespaces;	/* prometheus: add a label for each */
	struct device *device;
	unsigned int nr_devices;
	struct queue *queue;
	unsigned int nr_queues;
	struct worker *worker;
	unsigned int nr_workers;
};

struct nlmsghdr;
struct genl;

int parse_device(const struct nlmsghdr *nlh, struct device *d);
int parse_queue(const struct nlmsghdr *nlh, struct queue *q);
int snapshot_take(struct genl *nl, struct snapshot *s);
int snapshot_read(struct snapshot *s, bool all);
void snapshot_free(struct snapshot *s);
const struct device *snapshot_device(const struct snapshot *s, uint32_t id);
const struct queue *snapshot_queue(const struct snapshot *s, uint32_t device,
				   uint32_t index);
const struct worker *snapshot_worker(const struct snapshot *s, uint32_t device,
				     uint32_t index);
uint64_t queue_drops(const struct queue *q);
void queue_label(const struct queue *q, char *buf, size_t len);

/* ---- names (names.c) ---- */

/* Names of the netlink family's counters, with underscores; the first is 1. */
extern const char * const counter_names[NR_COUNTERS];

const char *direction_name(uint32_t direction);
const char *state_name(uint32_t state);
const char *backend_name(uint32_t backend);
const char *layout_name(uint32_t layout);
const char *poll_mode_name(uint32_t mode);

/* ---- taps (taps.c) ---- */

/** struct tap - a direction of a network device that queues use as backend */
struct tap {
	const struct queue *q;	/* one of these queues */
	uint64_t packets;	/* of all of them */
	uint64_t starved;
	uint32_t size;		/* of the smallest ring */
};

struct tap *taps_find(const struct snapshot *s, unsigned int *nr);
const char *worker_tap(const struct snapshot *s, const struct worker *w);

/* ---- netlink (nl.c): 0 or negative errno ---- */
struct genl *genl_open(void);
struct genl *genl_open_loaded(void);
void genl_close(struct genl *nl);
int genl_fd(const struct genl *nl);
void genl_all_namespaces(struct genl *nl);
int genl_dump(struct genl *nl, uint8_t cmd,
	      int (*each)(const struct nlmsghdr *nlh, void *data), void *data);

/**
 * struct number_attr - a numeric attribute
 * @type: attribute
 * @is_wide: the kernel accepts 64 bits (type uint in the specification)
 * @value: its value
 */
struct number_attr {
	uint16_t type;
	bool is_wide;
	uint64_t value;
};

int genl_set(struct genl *nl, uint8_t cmd, const struct number_attr *attr,
	     size_t nr);
int genl_subscribe(struct genl *nl);
int genl_receive(struct genl *nl,
		 int (*each)(const struct nlmsghdr *nlh, void *data),
		 void *data);
int genl_failure(const struct genl *nl, int err);

/* ---- the host (host.c) ---- */
bool read_line(const char *path, char *buf, size_t len);
long read_number(const char *path);
void process_name(uint32_t pid, char *buf, size_t len);
bool link_exists(const char *name);
bool misc_numbers(const char *name, dev_t *numbers);
unsigned int openers(dev_t numbers, char *first, size_t room);
double now(void);

/* ---- CPUs of threads (cpus.c) ---- */

/* The largest number of CPUs that a Linux kernel can be built for. */
#define MAX_CPUS	8192

/** struct cpus - a set of CPUs */
struct cpus {
	cpu_set_t set[MAX_CPUS / CPU_SETSIZE];
};

int cpus_parse(const char *list, struct cpus *c);
char *cpus_text(const struct cpus *c);
int thread_cpus(pid_t tid, struct cpus *c);
int thread_set_cpus(pid_t tid, const struct cpus *c);

/* ---- text (text.c) ---- */
extern bool use_color;
void text_init(void);
void clean_text(char *buf, size_t room, const char *text, size_t len,
		const char *keep);
void clean_name(char *buf, size_t room, const char *name, size_t len);
void shell_word(char *buf, size_t room, const char *word);
void warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
const char *bold(void);
const char *red(void);
const char *yellow(void);
const char *green(void);
const char *plain(void);
const char *plural(unsigned long nr);
void human(double v, char *buf, size_t len);
int number(const char *s, unsigned long min, unsigned long max,
	   unsigned long *out);
int device_number(char *arg, unsigned long *device, char **queue);
int next_option(int argc, char **argv, const char *mode,
		const struct option *options);

/* ---- output (output.c) ---- */
int output_flush(void);
int output_wait(int fd, double seconds);
int output_lost(void);

/* ---- commands: each returns an exit code ---- */
int cmd_show(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_prometheus(int argc, char **argv);
int cmd_set(int argc, char **argv);
int cmd_pin(int argc, char **argv);
int cmd_balance(int argc, char **argv);
int cmd_monitor(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_takeover(int argc, char **argv);

/* ---- completion of shells ---- */

void complete_command(const char *usage, int nr, char **words);
void set_put_tunables(bool of_device);

#endif /* VHOST_TAPCTL_H */
