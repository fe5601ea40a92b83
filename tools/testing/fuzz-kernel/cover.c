// SPDX-License-Identifier: GPL-2.0
/*
 * cover.c - turn the kernel's coverage into counters of libFuzzer
 *
 * The process forks. The parent only owns the handle that its descendants and the workers
 * of their devices inherit, because a task collects either its own coverage or that of
 * others. The child runs the programs. Its threads and children have areas of their own. An
 * edge inside a function counts as a pair of points. A jump further away, and the border
 * of two workers' rounds, only counts as its second point, so order adds no noise.
 */
#include <fcntl.h>
#include <linux/kcov.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

#define NR_AREAS	5
#define REMOTE		(NR_AREAS - 1)
#define AREA_WORDS	(256 << 10)
#define REMOTE_WORDS	(64 << 10)
#define NEAR		2048
#define NR_COUNTERS	(1 << 16)
#define TEXT_MAX	(4 << 20)

/* libFuzzer clears and reads this section. */
__attribute__((section("__libfuzzer_extra_counters")))
static uint8_t counters[NR_COUNTERS];

struct area {
	int fd;
	uint64_t *words;
};

static struct area area[NR_AREAS];
/* Users of areas, shared with children. */
static atomic_int *taken;
static uint64_t text;
static uint8_t *seen;
static unsigned int nr_seen;

static void area_init(struct area *a)
{
	a->fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	if (a->fd < 0 || ioctl(a->fd, KCOV_INIT_TRACE, AREA_WORDS)) {
		perror("kcov");
		exit(1);
	}
	a->words = mmap(NULL, AREA_WORDS * sizeof(uint64_t), PROT_READ | PROT_WRITE,
			MAP_SHARED, a->fd, 0);
	if (a->words == MAP_FAILED) {
		perror("kcov");
		exit(1);
	}
}

/* The lowest address of the module's code. */
static uint64_t text_base(void)
{
	FILE *f = fopen("/sys/module/vhost_tap/sections/.text", "r");
	unsigned long at = 0;

	if (!f || fscanf(f, "%lx", &at) != 1) {
		perror("vhost_tap's .text");
		exit(1);
	}
	fclose(f);
	return at - TEXT_MAX / 2;
}

void cover_init(void)
{
	struct kcov_remote_arg arg = {
		.trace_mode = KCOV_TRACE_PC,
		.area_size = REMOTE_WORDS,
		.common_handle = KCOV_SUBSYSTEM_COMMON | getpid(),
	};
	unsigned int i;
	int status;
	pid_t pid;

	text = text_base();
	seen = calloc(TEXT_MAX, 1);
	taken = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (i = 0; i < NR_AREAS; i++)
		area_init(&area[i]);
	taken[0] = 1;
	taken[REMOTE] = 1;
	if (ioctl(area[REMOTE].fd, KCOV_REMOTE_ENABLE, &arg)) {
		perror("kcov");
		exit(1);
	}
	fflush(NULL);
	pid = fork();
	if (pid) {
		waitpid(pid, &status, 0);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 77);
	}
	if (ioctl(area[0].fd, KCOV_ENABLE, KCOV_TRACE_PC)) {
		perror("kcov");
		exit(1);
	}
}

void cover_begin(void)
{
	unsigned int i;

	for (i = 0; i < NR_AREAS; i++)
		__atomic_store_n(&area[i].words[0], 0, __ATOMIC_RELAXED);
}

/* Collect the coverage of another thread or a child. Return: -1 if all areas are in use */
int cover_enter(void)
{
	int i;

	for (i = 1; i < REMOTE; i++) {
		if (atomic_exchange(&taken[i], 1))
			continue;
		if (!ioctl(area[i].fd, KCOV_ENABLE, KCOV_TRACE_PC))
			return i;
		atomic_store(&taken[i], 0);
	}
	return -1;
}

void cover_leave(int id)
{
	if (id < 0)
		return;
	ioctl(area[id].fd, KCOV_DISABLE, 0);
	atomic_store(&taken[id], 0);
}

static void count(uint64_t pc, uint64_t prev)
{
	uint64_t at = pc - text;
	uint32_t hash;
	uint8_t *c;

	if (at >= TEXT_MAX)
		return;
	if (!seen[at]) {
		seen[at] = 1;
		nr_seen++;
	}
	hash = at * 2654435761u;
	if (pc - prev + NEAR < 2 * NEAR)
		hash ^= (pc - prev) * 40503u << 7;
	c = &counters[(hash ^ hash >> 16) % NR_COUNTERS];
	if (*c < 200)
		(*c)++;
}

/* Fill the counters of libFuzzer. It only tells some from many. */
void cover_end(void)
{
	unsigned int i, j;

	for (i = 0; i < NR_AREAS; i++) {
		uint64_t nr = __atomic_load_n(&area[i].words[0], __ATOMIC_RELAXED);
		uint64_t prev = 0;

		for (j = 1; j <= nr && j < AREA_WORDS; j++) {
			count(area[i].words[j], prev);
			prev = area[i].words[j];
		}
		/* A child that was killed did not release its area. */
		if (i && i != REMOTE)
			atomic_store(&taken[i], 0);
	}
	for (i = 0; i < NR_COUNTERS; i++) {
		if (counters[i])
			counters[i] = counters[i] < 12 ? 1 : 12;
	}
}

unsigned int cover_points(void)
{
	return nr_seen;
}

/* Save the points as offsets from the start of .text, for uncovered.py. */
void cover_save(const char *path)
{
	FILE *f = fopen(path, "w");
	long i;

	if (!f)
		return;
	for (i = 0; i < TEXT_MAX; i++) {
		if (seen[i])
			fprintf(f, "%ld\n", i - TEXT_MAX / 2);
	}
	fclose(f);
}
