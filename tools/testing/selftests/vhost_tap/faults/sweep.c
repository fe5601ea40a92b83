// SPDX-License-Identifier: GPL-2.0
/*
 * sweep.c - make every allocation and user copy of every call fail once
 *
 * For each call of a life, and for n = 1, 2, ... until the call has no n-th failure
 * point: do the calls before it, then the call with its n-th allocation or user copy
 * failing (/proc/thread-self/fail-nth). The call must succeed, or fail with ENOMEM,
 * EFAULT or an errno that its step permits. A failed call must not have an effect:
 * its repetition succeeds, and the rest of the life, with packets, works. The same
 * applies to the worker while packets pass.
 *
 * VHOST_SET_OWNER is also made to fail with shared threads, as the first call of the
 * process and as the second one.
 *
 * Usage: sweep [-q] [WORD]  (-q: print failures only; WORD: only tests with this word
 * in their name). Output: TAP.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vhost_tap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "life.h"

#define MAX_NTH		2000
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static struct tap taps[2];
static bool quiet;
static const char *only = "";
static unsigned int tests, failed;

static void result(bool ok, const char *life, const char *name,
		   const char *what)
{
	tests++;
	failed += !ok;
	if (!ok || !quiet)
		printf("%sok %u %s: %s%s%s\n", ok ? "" : "not ", tests, life,
		       name, *what ? ": " : "", what);
	fflush(stdout);
}

/* ---- faults ---- */

static int nth_open(int tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/fail-nth", tid);
	return open(path, O_RDWR | O_CLOEXEC);
}

static int nth_arm(int fd, unsigned int n)
{
	char buf[16];
	int len = snprintf(buf, sizeof(buf), "%u", n);

	return pwrite(fd, buf, len, 0) == len ? 0 : -errno;
}

/* Return: true if the fault was injected. */
static bool nth_disarm(int fd)
{
	char buf[16] = {};

	/* A fault that hits this read was not injected before. */
	bool hit = pread(fd, buf, sizeof(buf) - 1, 0) > 0 && !atoi(buf);

	nth_arm(fd, 0);
	return hit;
}

/* ---- one call ---- */

struct tally {
	unsigned int refused;
	unsigned int tolerated;
	int errs[8];
	char why[160];
};

static bool errno_ok(const struct step *s, int err)
{
	switch (-err) {
	case EINVAL:
		return s->flags & STEP_EINVAL;
	case ENOBUFS:
		return s->flags & STEP_NETLINK;
	case ENOMEM:
	case EFAULT:
	case EAGAIN:		/* fork */
	case ENFILE:		/* a file */
		return true;
	}
	return false;
}

static void note_errno(struct tally *t, int err)
{
	int i;

	for (i = 0; i < 7 && t->errs[i] && t->errs[i] != -err; i++)
		;
	t->errs[i] = -err;
}

static bool applies(const struct step *s, bool iotlb)
{
	if (s->flags & STEP_OURS && !guest_is_ours())
		return false;
	return !(s->flags & (iotlb ? STEP_PLAIN : STEP_IOTLB));
}

/* Do steps @from to @to without faults. Return: the failed step, or -1. */
static int run_steps(struct life *l, unsigned int from, unsigned int to,
		     int *err)
{
	unsigned int i;

	for (i = from; i < to; i++) {
		*err = applies(&steps[i], l->iotlb) ? steps[i].run(l) : 0;
		if (*err)
			return i;
	}
	return -1;
}

/* Return: 1 if the n-th fault was injected, 0 if there is none, -1 on a failed test. */
static int try_nth(const struct step *s, unsigned int n, bool iotlb, int nth,
		   struct tally *t)
{
	unsigned int k = s - steps;
	int err, at, again = 0;
	struct life l;
	bool hit;

	err = life_begin(&l, taps, iotlb);
	at = err ? -1 : run_steps(&l, 0, k, &err);
	if (err) {
		snprintf(t->why, sizeof(t->why), "the earlier step %s returns %s",
			 at < 0 ? "the set-up" : steps[at].name,
			 strerrorname_np(-err));
		goto out;
	}

	nth_arm(nth, n);
	err = s->run(&l);
	hit = nth_disarm(nth);
	if (!hit && err) {
		snprintf(t->why, sizeof(t->why), "without a fault it returns %s",
			 strerrorname_np(-err));
		goto out;
	}
	if (err && !errno_ok(s, err)) {
		snprintf(t->why, sizeof(t->why), "fault %u: it returns %s", n,
			 strerrorname_np(-err) ?: "an unknown errno");
		goto out;
	}
	if (err) {
		t->refused++;
		note_errno(t, err);
		if (!(s->flags & STEP_LAST))
			again = s->run(&l);
	} else if (hit) {
		t->tolerated++;
	}
	if (again && !(again == -EBUSY && s->flags & STEP_ONCE)) {
		snprintf(t->why, sizeof(t->why),
			 "fault %u: it returns %s, and %s when repeated", n,
			 strerrorname_np(-err), strerrorname_np(-again));
		goto out;
	}
	at = run_steps(&l, k + 1, nr_steps, &err);
	if (at >= 0) {
		snprintf(t->why, sizeof(t->why), "fault %u: the later step %s returns %s",
			 n, steps[at].name, strerrorname_np(-err));
		goto out;
	}
	life_end(&l);
	return hit;
out:
	life_end(&l);
	return -1;
}

/* Print the result of a sweep that ended with fault @n. */
static void report(const char *life, const char *name, unsigned int n,
		   struct tally *t)
{
	char text[256];
	unsigned int i;
	size_t len;

	if (n == MAX_NTH)
		snprintf(t->why, sizeof(t->why), "too many failure points");
	if (*t->why) {
		result(false, life, name, t->why);
		return;
	}
	len = snprintf(text, sizeof(text), "%u faults, %u refused", n - 1,
		       t->refused);
	for (i = 0; i < 8 && t->errs[i]; i++)
		len += snprintf(text + len, sizeof(text) - len, "%s%s",
				i ? " " : " with ", strerrorname_np(t->errs[i]));
	result(true, life, name, text);
}

static void sweep(const struct step *s, bool iotlb, int nth)
{
	struct tally t = {};
	unsigned int n;

	if (!strstr(s->name, only))
		return;
	for (n = 1; n < MAX_NTH; n++)
		if (try_nth(s, n, iotlb, nth, &t) <= 0)
			break;
	report(iotlb ? "iotlb" : "plain", s->name, n, &t);
}

/* ---- shared threads ---- */

/**
 * struct share - a VHOST_SET_OWNER with shared threads
 * @name: name of the test
 * @threads: value of the module parameter
 * @is_second: another device of this process already has such a thread
 */
struct share {
	const char *name;
	const char *threads;
	bool is_second;
};

static const struct share shares[] = {
	{ "SET_OWNER, first one with a shared thread", "1", false },
	{ "SET_OWNER, second one with a shared thread", "1", true },
	{ "SET_OWNER, first one with two shared threads", "2", false },
	{ "SET_OWNER, second one with four shared threads", "4", true },
};

static int set_shared_threads(const char *nr)
{
	int fd = open("/sys/module/vhost_tap/parameters/shared_threads",
		      O_WRONLY | O_CLOEXEC);
	int err = fd < 0 || write(fd, nr, strlen(nr)) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

/* Return: file descriptor of a device with LIFE_PAIRS pairs, or -errno. */
static int share_open(uint8_t from_owner)
{
	struct vhost_tap_queue_pairs pairs = { .nr = LIFE_PAIRS };
	int fd = open(guest_node(), O_RDWR | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = guest_ioctl(fd, VHOST_SET_FORK_FROM_OWNER, &from_owner) ?:
	      guest_ioctl(fd, VHOST_TAP_SET_QUEUE_PAIRS, &pairs);
	if (err)
		close(fd);
	return err ?: fd;
}

/* Add the threads of a device to @tids. Return: their number, or -errno. */
static int add_tids(int fd, int tids[2 * LIFE_PAIRS], int nr)
{
	struct vhost_tap_vring_thread v = {};
	int err, i;

	for (; v.index < 2 * LIFE_PAIRS; v.index++) {
		while ((err = guest_ioctl(fd, VHOST_TAP_GET_VRING_THREAD, &v)) == -EAGAIN)
			usleep(100);
		if (err)
			return err;
		for (i = 0; i < nr && tids[i] != v.tid; i++)
			;
		if (i == 2 * LIFE_PAIRS)
			return -E2BIG;
		tids[i] = v.tid;
		nr += i == nr;
	}
	return nr;
}

/* Both devices have threads. Return: 1 if not more than permitted, 0, or -errno. */
static int threads_ok(const int fd[2], int max)
{
	int tids[2 * LIFE_PAIRS], nr = add_tids(fd[0], tids, 0);

	if (nr >= 0)
		nr = add_tids(fd[1], tids, nr);
	return nr < 0 ? nr : nr && nr <= max;
}

/* Return: as for try_nth(). */
static int try_share(const struct share *s, bool from_owner, unsigned int n,
		     int nth, struct tally *t)
{
	int fd[2] = { share_open(from_owner), share_open(from_owner) };
	int err = fd[0] < 0 ? fd[0] : fd[1] < 0 ? fd[1] : 0;
	bool hit = false;

	if (!err && s->is_second)
		err = guest_ioctl(fd[0], VHOST_SET_OWNER, NULL);
	if (err) {
		snprintf(t->why, sizeof(t->why), "the set-up returns %s",
			 strerrorname_np(-err));
		goto out;
	}
	nth_arm(nth, n);
	err = guest_ioctl(fd[s->is_second], VHOST_SET_OWNER, NULL);
	hit = nth_disarm(nth);
	if (err && (!hit || err != -ENOMEM)) {
		snprintf(t->why, sizeof(t->why), "%s %u: it returns %s",
			 hit ? "fault" : "without fault", n,
			 strerrorname_np(-err) ?: "an unknown errno");
		goto out;
	}
	if (err) {
		t->refused++;
		note_errno(t, err);
		err = guest_ioctl(fd[s->is_second], VHOST_SET_OWNER, NULL);
	}
	if (!err && !s->is_second)
		err = guest_ioctl(fd[1], VHOST_SET_OWNER, NULL);
	if (err)
		snprintf(t->why, sizeof(t->why), "fault %u: a later call returns %s",
			 n, strerrorname_np(-err));
	else if (threads_ok(fd, atoi(s->threads)) != 1)
		snprintf(t->why, sizeof(t->why), "fault %u: wrong threads", n);
out:
	close(fd[0]);
	close(fd[1]);
	return *t->why ? -1 : hit;
}

static void sweep_shared(const struct share *s, bool from_owner, int nth)
{
	const char *life = from_owner ? "vhost_task" : "kthread";
	struct tally t = {};
	unsigned int n = 0;

	if (!strstr(s->name, only))
		return;
	if (set_shared_threads(s->threads))
		snprintf(t.why, sizeof(t.why), "the parameter is refused");
	else
		for (n = 1; n < MAX_NTH; n++)
			if (try_share(s, from_owner, n, nth, &t) <= 0)
				break;
	set_shared_threads("0");
	if (!*t.why && !t.refused)
		snprintf(t.why, sizeof(t.why), "no call failed");
	report(life, s->name, n, &t);
}

/* ---- the worker ---- */

/* Give the worker four packets each way. Faults may drop them. */
static void send_each_way(struct life *l)
{
	uint8_t f[1500];
	int i;

	if (!l->g.vq[RX].avail_idx)
		guest_rx_post(&l->g, 16, 2048);
	for (i = 0; i < 4; i++) {
		frame_raw(f, 100 + i * 400, i);
		guest_tx(&l->g, NULL, f, 100 + i * 400);
		host_send(l->tap->host, f, 100 + i * 400);
	}
	vq_kick(&l->g.vq[TX]);
	usleep(20000);
}

/* Read all packets that have arrived, without waiting. */
static void drain(struct life *l)
{
	uint8_t got[2048];

	while (vq_get_used(&l->g.vq[TX], NULL, NULL) > 0)
		;
	while (guest_rx(&l->g, NULL, got, sizeof(got), 0) >= 0)
		;
}

/* The worker is the other thread of this process (since 6.4). */
static int worker_nth_open(void)
{
	DIR *d = opendir("/proc/self/task");
	struct dirent *de;
	int fd = -1;

	while (d && fd < 0 && (de = readdir(d)))
		if (atoi(de->d_name) > 0 && atoi(de->d_name) != getpid())
			fd = nth_open(atoi(de->d_name));
	if (d)
		closedir(d);
	return fd;
}

/* A queue whose ring could not be read is broken until its restart. */
static int restart_if_broken(struct life *l)
{
	if (!fd_count(l->g.vq[RX].err) && !fd_count(l->g.vq[TX].err))
		return 0;
	return guest_restart(&l->g, l->tap->fd[0]);
}

/* Return: as for try_nth(). */
static int try_worker(unsigned int n, bool iotlb, struct tally *t)
{
	int err, nth, hit = 0;
	struct life l;

	err = life_begin(&l, taps, iotlb);
	if (!err)
		run_steps(&l, 0, steps_to_traffic(), &err);
	if (!err)
		err = life_traffic(&l, l.tap->host);
	nth = worker_nth_open();
	if (err || nth < 0) {
		snprintf(t->why, sizeof(t->why), "no traffic or no worker");
		goto out;
	}
	nth_arm(nth, n);
	send_each_way(&l);
	hit = nth_disarm(nth);
	drain(&l);
	err = restart_if_broken(&l) ?: life_traffic(&l, l.tap->host);
	if (err)
		snprintf(t->why, sizeof(t->why),
			 "fault %u: traffic afterwards returns %s", n,
			 strerrorname_np(-err));
out:
	close(nth);
	life_end(&l);
	return err ? -1 : hit;
}

static void sweep_worker(bool iotlb)
{
	unsigned int n, hits = 0, misses = 0;
	struct tally t = {};
	char text[64];
	int ret;

	if (!strstr("the worker, with packets", only))
		return;
	/* The number of failure points depends on when the worker runs. */
	for (n = 1; n < MAX_NTH && misses < 4; n++) {
		ret = try_worker(n, iotlb, &t);
		if (ret < 0)
			break;
		hits += ret;
		misses = ret ? 0 : misses + 1;
	}
	snprintf(text, sizeof(text), "%u faults", hits);
	result(!*t.why && hits, iotlb ? "iotlb" : "plain",
	       "the worker, with packets", *t.why ? t.why : text);
}

/* Create two taps, each with a packet socket at its far end. */
static int make_taps(void)
{
	int err = net_ns() ?: tap_make(&taps[0], IFF_VNET_HDR, 1, 12);

	if (err)
		return err;
	taps[1] = (struct tap){ .name = "vtap1", .nr = 1 };
	taps[1].fd[0] = tap_open(taps[1].name, IFF_VNET_HDR);
	if (taps[1].fd[0] < 0)
		return taps[1].fd[0];
	err = tap_hdr_len(taps[1].fd[0], 12) ?: link_up(taps[1].name);
	if (err)
		return err;
	taps[1].host = host_open(taps[1].name, 0);
	return taps[1].host < 0 ? taps[1].host : 0;
}

int main(int argc, char **argv)
{
	int nth = nth_open(gettid()), iotlb, err;
	unsigned int i;

	quiet = argc > 1 && !strcmp(argv[1], "-q");
	if (argc > 1 + quiet)
		only = argv[1 + quiet];
	if (nth < 0) {
		printf("1..0 # SKIP this kernel has no fault injection\n");
		return 4;
	}
	err = make_taps();
	if (err) {
		printf("Bail out! no tap: %s\n", strerrorname_np(-err));
		return 1;
	}
	mlockall(MCL_CURRENT);
	for (iotlb = 0; iotlb < 2; iotlb++) {
		for (i = 0; i < nr_steps; i++) {
			if (applies(&steps[i], iotlb) &&
			    !(steps[i].flags & STEP_PEER))
				sweep(&steps[i], iotlb, nth);
		}
		sweep_worker(iotlb);
	}
	for (i = 0; i < 2 * ARRAY_SIZE(shares) && guest_is_ours(); i++)
		sweep_shared(&shares[i / 2], i % 2, nth);
	if (!tests)
		result(false, "sweep", only, "no such test");
	return failed != 0;
}
