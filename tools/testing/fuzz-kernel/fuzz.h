/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fuzz.h - the parts of the kernel fuzzer
 *
 * An input is a program: a sequence of struct op, each of which is one action of a client,
 * its guest, its host or its administrator. All state of a program is in the target, which
 * is in its initial state before each program. An input therefore reproduces its result.
 */
#ifndef VTAP_FUZZ_H
#define VTAP_FUZZ_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../../../include/compat/linux/vhost.h"
#include "../../../include/uapi/linux/vhost_tap.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define BIT(n)		(1ULL << (n))

/* Feature bits, as installed headers may be older than the kernel. */
#define F_MRG_RXBUF		BIT(15)
#define F_NOTIFY_ON_EMPTY	BIT(24)
#define F_LOG_ALL		BIT(26)
#define F_NET_HDR		BIT(27)
#define F_INDIRECT		BIT(28)
#define F_EVENT_IDX		BIT(29)
#define F_VERSION_1		BIT(32)
#define F_ACCESS_PLATFORM	BIT(33)
#define F_PACKED		BIT(34)
#define F_IN_ORDER		BIT(35)
#define F_RING_RESET		BIT(40)
#define F_TUNNEL_GSO		0xaULL	/* second word */

/**
 * struct op - one step of a program
 * @nr: index in ops[], modulo its size
 * @a: bits 0-1 device, bits 2-3 ring
 * @b: variant
 * @c: flags
 */
struct op {
	uint8_t nr;
	uint8_t a;
	uint8_t b;
	uint8_t c;
	uint32_t x;
	uint64_t y;
};

#define MAX_OPS		48

/**
 * struct op_type - a kind of step
 * @weight: how often the mutator adds it
 * @run: for steps that take the following ones with them: number of steps to skip
 */
struct op_type {
	const char *name;
	unsigned int weight;
	unsigned int (*run)(const struct op *o, unsigned int nr_left);
};

extern const struct op_type ops[];
extern const unsigned int nr_ops;

/* ---- the target (target.c) ---- */

#define NR_DEVS		4
#define NR_RINGS	4
#define NR_BACKENDS	8
#define RING_MAX	256

/*
 * Guest memory: the device sees it at ARENA, where programs unmap and protect pages. The
 * mock driver uses another mapping of the same memory, which is always there.
 */
#define ARENA		0x2000000000ULL
#define ARENA_LEN	(1ULL << 20)
#define ARENA_LOG	(256ULL << 10)	/* offset of the dirty log */
#define ARENA_DATA	(512ULL << 10)	/* offset of buffers */
#define GPA		0x1000000ULL

/**
 * struct ring - the driver's side of a ring
 * @off: offset in the arena
 * @is_swapped: the pages of guest memory are in another order than those of the arena
 * @next: next descriptor, or position in a packed ring
 * @idx: next avail index
 * @wrap: wrap counter of a packed ring
 */
struct ring {
	uint64_t off;
	bool is_swapped;
	bool packed;
	uint16_t num;
	uint16_t next;
	uint16_t idx;
	bool wrap;
	uint32_t base;
	int kick;
	int call;
	int err;
};

struct dev {
	int fd;
	bool is_used;
	uint64_t features;
	uint64_t features_hi;
	unsigned int layout;
	struct ring ring[NR_RINGS];
};

struct target {
	struct dev dev[NR_DEVS];
	int backend[NR_BACKENDS];
	uint8_t *mem;
	uint64_t data;		/* next free byte of the arena */
	bool in_child;
};

extern struct target target;

void target_init(void);
void target_begin(void);
void target_end(void);
void target_map(void);
void target_unmapped(void);
uint64_t target_gpa(const struct dev *d, uint64_t off);
uint64_t target_alloc(uint64_t len);
int target_eventfd(int *fd);

struct dev *op_dev(const struct op *o);
int target_open(void);

static inline unsigned int op_index(const struct op *o)
{
	return o->a >> 2 & 3;
}

static inline struct ring *op_ring(const struct op *o)
{
	return &op_dev(o)->ring[op_index(o)];
}

/* ---- steps: they return the number of following steps that they ran or skipped ---- */

#define STEP(name) unsigned int name(const struct op *o, unsigned int nr_left)
/* calls.c */
STEP(op_ioctl); STEP(op_setup); STEP(op_start); STEP(op_stop); STEP(op_save); STEP(op_load);
STEP(op_iotlb); STEP(op_miss);
/* target.c */
STEP(op_files); STEP(op_eventfd);
/* ring.c */
STEP(op_tx); STEP(op_rx); STEP(op_desc); STEP(op_avail); STEP(op_poke); STEP(op_events);
STEP(op_kick);
/* net.c */
STEP(op_send); STEP(op_recv); STEP(op_tap);
/* netlink.c */
STEP(op_netlink);
/* system.c */
STEP(op_settle); STEP(op_mm); STEP(op_uffd); STEP(op_param); STEP(op_fail); STEP(op_debugfs);
/* procs.c */
STEP(op_child); STEP(op_kill); STEP(op_thread); STEP(op_unshare);

void run_ops(const struct op *o, unsigned int nr);

void net_init(void);
void net_begin(void);
int net_backend(unsigned int nr);
void net_set_header(unsigned int nr, int len);
void net_end(void);
void netlink_init(void);
void netlink_end(void);
void system_init(void);
void system_end(void);
void system_restore(void);
void procs_init(void);
void procs_child_done(void);
void procs_end(void);
void ring_start(struct ring *r, uint32_t base, bool packed);
uint64_t ring_part(const struct ring *r, unsigned int part);
void write_file(const char *path, const char *text);

/* ---- coverage (cover.c) ---- */

void cover_init(void);
void cover_begin(void);
void cover_end(void);
int cover_enter(void);
void cover_leave(int id);
void cover_save(const char *path);
unsigned int cover_points(void);

/* ---- files (files.c, seeds.c) ---- */

#define NR_KEPT		16

/* An entry of $FUZZ_OUT/inputs: the input of a run. */
struct kept {
	uint64_t run;
	uint64_t size;
	struct op ops[MAX_OPS];
};

FILE *open_or_exit(const char *path, const char *mode);
void files_print(const char *path);
void files_pack(const char *dir, const char *path);
void files_unpack(const char *path, const char *dir);
void files_inputs(const char *path, const char *dir);
void seeds_write(const char *dir);

#endif
