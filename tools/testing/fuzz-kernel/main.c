// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - entry points of libFuzzer: run an input, mutate it, print it
 *
 * Before an input runs, it is written to a file of the host, because a report of the
 * kernel ends the kernel. $FUZZ_OUT/inputs has the last NR_KEPT inputs.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fuzz.h"

#define SAVE_EVERY	500

static int kmsg = -1, inputs = -1;
static unsigned long nr_runs;
static const char *out;

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t na, const uint8_t *b, size_t nb,
				 uint8_t *to, size_t max, unsigned int seed);

/* ---- what the kernel says ---- */

/* Reports that do not end the kernel by themselves, as panic_on_warn= does. */
static const char * const reports[] = {
	"BUG:", "WARNING:", "KASAN", "UBSAN", "lockdep", "suspicious RCU", "deadlock",
	"blocked for more than", "refcount_t", "corruption", "suspected memory leak",
	"still has locks held", "sleeping function", "inconsistent lock", "unregister_netdevice",
	"Out of memory", "detected stalls",
};

static void check_kmsg(void)
{
	char line[2048];
	ssize_t len;
	size_t i;

	while ((len = read(kmsg, line, sizeof(line) - 1)) > 0 || (len < 0 && errno == EPIPE)) {
		line[len < 0 ? 0 : len] = '\0';
		for (i = 0; i < ARRAY_SIZE(reports); i++) {
			if (strstr(line, reports[i])) {
				fprintf(stderr, "fuzz: the kernel reports: %s", line);
				abort();	/* libFuzzer saves the input */
			}
		}
	}
}

/* Two scans find objects that are more than a few seconds old. Slow, so only at the end. */
static void check_leaks(void)
{
	int fd = open("/sys/kernel/debug/kmemleak", O_RDWR | O_CLOEXEC);
	char line[4096];
	ssize_t len;

	if (fd < 0 || write(fd, "scan", 4) < 0 || sleep(6) || write(fd, "scan", 4) < 0)
		return;
	len = read(fd, line, sizeof(line) - 1);
	close(fd);
	if (len <= 0)
		return;
	line[len] = '\0';
	fprintf(stderr, "fuzz: kmemleak:\n%s", line);
	if (strstr(line, "[vhost_tap]"))
		_exit(78);
}

/* ---- running ---- */

static void save_points(void)
{
	char path[256];

	if (!out)
		return;
	snprintf(path, sizeof(path), "%s/points", out);
	cover_save(path);
}

static void at_end(void)
{
	if (target.in_child)
		return;
	save_points();
	check_leaks();
	fprintf(stderr, "fuzz: %lu runs, %u points of the driver\n", nr_runs, cover_points());
}

/* The commands that need no kernel. */
static void run_command(const char *name, char **arg)
{
	if (!strcmp(name, "--print"))
		files_print(arg[0]);
	else if (!strcmp(name, "--seeds"))
		seeds_write(arg[0]);
	else if (arg[1] && !strcmp(name, "--pack"))
		files_pack(arg[0], arg[1]);
	else if (arg[1] && !strcmp(name, "--unpack"))
		files_unpack(arg[0], arg[1]);
	else if (arg[1] && !strcmp(name, "--inputs"))
		files_inputs(arg[0], arg[1]);
	else
		return;
	exit(0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char path[256];

	if (*argc > 2)
		run_command((*argv)[1], *argv + 2);
	out = getenv("FUZZ_OUT");
	if (out) {
		snprintf(path, sizeof(path), "%s/inputs", out);
		inputs = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	}
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	lseek(kmsg, 0, SEEK_END);
	prctl(PR_SET_TIMERSLACK, 1);
	signal(SIGPIPE, SIG_IGN);
	cover_init();
	target_init();
	atexit(at_end);
	return 0;
}

/* hostfs writes to the host when asked. fdatasync() would also wait for the host's disk. */
static void keep(const uint8_t *data, size_t size)
{
	struct kept k = { .run = nr_runs, .size = size < sizeof(k.ops) ? size : sizeof(k.ops) };

	memcpy(k.ops, data, k.size);
	if (inputs >= 0 &&
	    (pwrite(inputs, &k, sizeof(k), nr_runs % NR_KEPT * sizeof(k)) != sizeof(k) ||
	     sync_file_range(inputs, 0, 0, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER))) {
		perror("inputs");
		exit(1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct op program[MAX_OPS];
	size_t nr = size / sizeof(struct op);

	if (nr > MAX_OPS)
		nr = MAX_OPS;
	memcpy(program, data, nr * sizeof(*program));
	keep(data, size);
	target_begin();
	cover_begin();
	run_ops(program, nr);
	target_end();
	cover_end();
	check_kmsg();
	if (++nr_runs % SAVE_EVERY == 0)
		save_points();
	return 0;
}

/* ---- mutation: by steps, not bytes ---- */

static unsigned int state;

static uint32_t rnd(uint32_t below)
{
	state = state * 1103515245u + 12345u;
	return below ? (state >> 8) % below : state >> 8;
}

static uint64_t rnd_value(void)
{
	static const uint64_t values[] = { 0, 1, 2, 3, 12, 14, 60, 64, 100, 256, 1000, 1500, 4095,
		4096, 65535, 65536, 0xffffffff, ~0ULL, 0x80000000, 0x80008000, ARENA, GPA,
		0x0514006e00360101, 0x1022001405a40101 };
	uint64_t v = values[rnd(ARRAY_SIZE(values))];

	switch (rnd(5)) {
	case 0: return v + rnd(9) - 4;
	case 1: return 1ULL << rnd(64);
	case 2: return (uint64_t)rnd(0) << 40 | (uint64_t)rnd(0) << 20 | rnd(0);
	case 3: return (uint64_t)rnd(0) & 0xffff;
	default: return v;
	}
}

static uint8_t rnd_type(void)
{
	unsigned int sum = 0, i;

	for (i = 0; i < nr_ops; i++)
		sum += ops[i].weight;
	sum = rnd(sum);
	for (i = 0; sum >= ops[i].weight; i++)
		sum -= ops[i].weight;
	return i;
}

static struct op rnd_op(void)
{
	struct op o = {
		.nr = rnd_type(), .a = rnd(4) ? rnd(2) << 2 : rnd(256), .b = rnd(256),
		.c = rnd(256), .x = rnd_value(), .y = rnd_value(),
	};

	if (!strcmp(ops[o.nr].name, "setup")) {
		o.b = rnd(6);
		o.x = rnd(3) ? (rnd(0) & 0x5fffff) & ~(rnd(2) ? BIT(15) : 0) : rnd(0) & 0x7fffff;
		o.y = rnd(4) ? 0 : rnd(65536);
		if (rnd(2))
			o.c |= 1;
	} else if (!strcmp(ops[o.nr].name, "tx") || !strcmp(ops[o.nr].name, "rx")) {
		o.a = rnd(8) ? (!strcmp(ops[o.nr].name, "tx")) << 2 : o.a;
		o.x = (rnd(3) ? 1500 : rnd(70000) & 0xffff) | (rnd(3) ? rnd(4) : rnd(16)) << 16 |
		      rnd(16) << 20 | (rnd(3) ? 0 : rnd(128)) << 24;
		o.y = rnd(2) ? 0 : o.y;
		o.c = 8 | (rnd(3) ? 0 : rnd(64));
	} else if (!strcmp(ops[o.nr].name, "send")) {
		o.b = rnd(6);
		o.x = (rnd(3) ? 60 + rnd(1440) : rnd(66000) & 0xffff) | rnd(16) << 16 |
		      (rnd(4) ? 0 : rnd(256)) << 24;
		o.c = 2 | rnd(2);
	}
	return o;
}

static void mutate_op(struct op *o)
{
	switch (rnd(9)) {
	case 0: o->a ^= 1 << rnd(8); break;
	case 1: o->b = rnd(2) ? o->b ^ 1u << rnd(8) : rnd(256); break;
	case 2: o->c = rnd(2) ? o->c ^ 1u << rnd(8) : rnd(256); break;
	case 3: o->x ^= 1u << rnd(32); break;
	case 4: o->x = rnd_value(); break;
	case 5: o->y ^= 1ULL << rnd(64); break;
	case 6: o->y = rnd_value(); break;
	case 7: o->y += rnd(33) - 16; break;
	default: *o = rnd_op();
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	struct op p[MAX_OPS + 1];
	size_t nr = size / sizeof(*p), room = max / sizeof(*p), at;
	unsigned int times;

	state = seed;
	if (room > MAX_OPS)
		room = MAX_OPS;
	if (nr > room)
		nr = room;
	memcpy(p, data, nr * sizeof(*p));
	for (times = 1 + rnd(4); times; times--) {
		unsigned int what = rnd(10);

		at = rnd(nr + 1);
		if (!nr || (what < 4 && nr < room)) {
			memmove(p + at + 1, p + at, (nr - at) * sizeof(*p));
			p[at] = what == 3 && nr ? p[at ? at - 1 : 1] : rnd_op();
			nr++;
		} else if (what < 6 && nr > 1) {
			at %= nr;
			nr--;
			memmove(p + at, p + at + 1, (nr - at) * sizeof(*p));
		} else if (what == 6 && nr > 1) {
			struct op swap = p[at % nr];
			size_t to = rnd(nr);

			p[at % nr] = p[to];
			p[to] = swap;
		} else {
			mutate_op(&p[at % nr]);
		}
	}
	memcpy(data, p, nr * sizeof(*p));
	return nr * sizeof(*p);
}

/* The start of one program and the end of another, or some of its steps inserted. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t na, const uint8_t *b, size_t nb,
				 uint8_t *to, size_t max, unsigned int seed)
{
	const size_t step = sizeof(struct op);
	size_t n, from, rest;

	state = seed;
	max = max / step < MAX_OPS ? max / step : MAX_OPS;
	na /= step;
	nb /= step;
	n = rnd(na + 1);
	from = rnd(nb + 1);
	rest = nb - from;
	if (rnd(2))
		rest = rnd(rest + 1);
	if (n > max)
		n = max;
	if (n + rest > max)
		rest = max - n;
	memcpy(to, a, n * step);
	memcpy(to + n * step, b + from * step, rest * step);
	return (n + rest) * step;
}
