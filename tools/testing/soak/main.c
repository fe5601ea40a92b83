// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - the soak: starts the slots, reloads the module meanwhile, prints the numbers
 *
 * Usage: soak SECONDS SEED KO
 * Prints TAP. The random numbers follow from SEED, but not the order of events.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"
#include "soak.h"

#define RELOAD_MS	15000
/* Time in which all slots become idle, the module unloads, or all processes end. */
#define PATIENCE_MS	120000

struct shared *all;

void fail(const struct slot *s, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (s)
		printf("# slot %u: %s\n", s->id, text);
	else
		printf("# %s\n", text);
	fflush(stdout);
	SET(all->has_failed, true);
}

bool must_stop(struct slot *s)
{
	return GET(s->must_stop) || GET(all->must_idle) || GET(all->must_end) ||
	       GET(all->has_failed);
}

/* xorshift64*; both processes of a slot draw from the same numbers. */
uint32_t draw(struct slot *s, uint32_t n)
{
	s->random ^= s->random >> 12;
	s->random ^= s->random << 25;
	s->random ^= s->random >> 27;
	return (s->random * 0x2545f4914f6cdd1d >> 32) * (uint64_t)n >> 32;
}

bool one_in(struct slot *s, uint32_t n)
{
	return !draw(s, n);
}

/* Of each 16 frames, one may be longer than a page. */
size_t frame_len(uint32_t seq)
{
	return 60 + seq * 31 % (seq % 16 ? 1400 : FRAME_MAX - 60);
}

/* ---- the module ---- */

/* The parameters change with each load. */
static int load(const char *ko, struct slot *s)
{
	static const char *const params[] = {
		"", "split_workers=1", "adaptive_poll_us=50", "gso_frags=1", "shared_threads=2",
	};
	int fd = open(ko, O_RDONLY | O_CLOEXEC), err;

	err = fd < 0 || syscall(SYS_finit_module, fd, params[draw(s, ARRAY_SIZE(params))], 0) ?
	      -errno : 0;
	close(fd);
	return err;
}

static int unload(void)
{
	return syscall(SYS_delete_module, "vhost_tap", O_NONBLOCK) ? -errno : 0;
}

static bool are_idle(void)
{
	unsigned int i;

	for (i = 0; i < SLOTS; i++)
		if (!GET(all->slot[i].is_idle))
			return false;
	return true;
}

static bool wait_idle(void)
{
	int64_t end = now_ms() + PATIENCE_MS;
	unsigned int i;

	while (!are_idle()) {
		if (GET(all->has_failed))
			return false;
		if (now_ms() > end) {
			for (i = 0; i < SLOTS; i++)
				if (!GET(all->slot[i].is_idle))
					fail(&all->slot[i], "the owner does not stop");
			return false;
		}
		usleep(1000);
	}
	return true;
}

/* Unload the idle module and load it again. */
static void reload(const char *ko, struct slot *s)
{
	int64_t end = now_ms() + PATIENCE_MS;
	int err;

	SET(all->must_idle, true);
	if (!wait_idle())
		return;
	/* Readers of netlink and debugfs hold it for a short time. */
	while ((err = unload()) == -EWOULDBLOCK && now_ms() < end)
		usleep(1000);
	if (err)
		return fail(NULL, "cannot unload the module: %s", strerror(-err));
	usleep(draw(s, 10000));
	err = load(ko, s);
	if (err)
		return fail(NULL, "cannot load the module: %s", strerror(-err));
	ADD(reloads, 1);
	SET(all->must_idle, false);
}

/* Try to unload it under traffic. If no device is open right now, it goes. */
static void try_unload(const char *ko, struct slot *s)
{
	int err = unload();

	if (err == -EWOULDBLOCK) {
		ADD(refusals, 1);
		return;
	}
	if (!err) {
		err = load(ko, s);
		ADD(reloads, 1);
	}
	if (err)
		fail(NULL, "unload or load under traffic: %s", strerror(-err));
}

/* ---- numbers ---- */

static void print_progress(int64_t ms)
{
	const unsigned long *c = all->count;

	printf("# %ld s: %lu devices, %lu TX, %lu RX packets, %lu kills, %lu deleted, %lu loads\n",
	       (long)ms / 1000, c[devices], c[tx_packets], c[rx_packets],
	       c[kills] + c[oom_kills], c[deletions], c[reloads]);
	fflush(stdout);
}

static void print_numbers(void)
{
	unsigned int i;

#define COUNT_PRINT(name, text)	printf("# %-16s %10lu  %s\n", #name, all->count[name], text);
	COUNTS(COUNT_PRINT)
#undef COUNT_PRINT
	for (i = 0; i < 128; i++)
		if (all->fault[i / 64][i % 64])
			printf("# %-16s %10lu  drops by reason: %s\n", i / 64 ? "TX" : "RX",
			       all->fault[i / 64][i % 64], all->fault_name[i % 64]);
}

/* Each kind of event must have happened, except those of rare races. */
static bool all_happened(void)
{
	static const enum count rare[] = {
		no_memory, limits, oom_kills, refusals, tx_faults, tx_link_drops,
		rx_link_drops, rx_left, rx_faults,
	};
	static const char *const name[] = {
#define COUNT_NAME(name, text)	#name,
		COUNTS(COUNT_NAME)
#undef COUNT_NAME
	};
	unsigned int i, k;
	bool ok = true;

	for (i = 0; i < NR_COUNTS; i++) {
		for (k = 0; k < ARRAY_SIZE(rare) && rare[k] != i; k++)
			;
		if (all->count[i] || k < ARRAY_SIZE(rare))
			continue;
		printf("# no %s\n", name[i]);
		ok = false;
	}
	return ok;
}

/* ---- the processes ---- */

static void start_slots(uint64_t seed)
{
	unsigned int i;

	for (i = 0; i < SLOTS; i++) {
		struct slot *s = &all->slot[i];

		s->id = i;
		s->random = (seed + 1) * 0x9e3779b97f4a7c15 + i * 0xd1342543de82ef95;
		fflush(stdout);
		if (fork())
			continue;
		host_main(s);
		fflush(stdout);
		_exit(0);
	}
}

/* Wait for all children. */
static void end_slots(void)
{
	int64_t end = now_ms() + PATIENCE_MS;
	int status;
	pid_t pid;

	SET(all->must_end, true);
	while ((pid = waitpid(-1, &status, WNOHANG)) >= 0) {
		if (pid && status)
			fail(NULL, "a host process ended with status 0x%x", status);
		if (!pid)
			usleep(10000);
		if (now_ms() > end)
			return fail(NULL, "the processes do not end");
	}
}

int main(int argc, char **argv)
{
	int64_t start = now_ms(), now, reload_at = start + RELOAD_MS, told = start;
	struct slot s = {};
	long seconds;

	if (argc != 4)
		return 2;
	seconds = atol(argv[1]);
	s.random = strtoul(argv[2], NULL, 0) * 2 + 1;
	all = mmap(NULL, sizeof(*all), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (all == MAP_FAILED)
		return 2;
	printf("# seed %s\n", argv[2]);
	start_slots(strtoul(argv[2], NULL, 0));
	while ((now = now_ms()) < start + seconds * 1000 && !GET(all->has_failed)) {
		if (now >= reload_at) {
			reload(argv[3], &s);
			reload_at = now_ms() + RELOAD_MS / 2 + draw(&s, RELOAD_MS);
		} else if (one_in(&s, 20)) {
			try_unload(argv[3], &s);
		}
		if (now - told >= 60000) {
			told = now;
			print_progress(now - start);
		}
		usleep(100000);
	}
	end_slots();
	print_progress(now_ms() - start);
	print_numbers();
	printf("%sok 1 sent = received + counted drops, in order, unchanged; no other failure\n",
	       all->has_failed && !all->is_stuck ? "not " : "");
	printf("%sok 2 no queue with work stood still for %d s\n", all->is_stuck ? "not " : "",
	       STUCK_MS / 1000);
	/* On a busy machine, a minute is too short for some. */
	if (seconds >= 600)
		printf("%sok 3 every kind of event happened\n", all_happened() ? "" : "not ");
	return 0;
}
