// SPDX-License-Identifier: GPL-2.0
/* procs.c - steps that run the following ones in another process or thread */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

#define MAX_CHILDREN	4
#define MAX_THREADS	4

static pid_t child[MAX_CHILDREN];
static unsigned int nr_children;
/* Set by each child after its steps; shared. */
static volatile bool *is_done;

struct part {
	pthread_t thread;
	const struct op *ops;
	unsigned int nr;
};

static struct part part[MAX_THREADS];
static unsigned int nr_threads;

/* Called by a child after its steps, or before it waits. */
void procs_child_done(void)
{
	is_done[nr_children] = true;
}

static void end_child(unsigned int how)
{
	switch (how & 3) {
	case 0: _exit(0);
	case 1: raise(SIGKILL); break;
	case 2: execl("/bin/true", "true", NULL); break;
	}
	for (;;)
		pause();
}

/* Give a child up to 300 ms for its steps. */
static void wait_for_child(unsigned int i)
{
	unsigned int ms;

	for (ms = 0; ms < 300 && !is_done[i]; ms++)
		usleep(1000);
}

/*
 * Run the next @x steps in a child. @b: bits 0-1 its end, bit 2 wait for its steps, bit 3
 * kill it with the end of the program even if it has more to do
 */
STEP(op_child)
{
	unsigned int nr = o->x % 8 + 1;
	int id;

	if (nr > nr_left)
		nr = nr_left;
	if (target.in_child || nr_children == MAX_CHILDREN || nr_threads || !nr)
		return 0;
	is_done[nr_children] = o->b & 8;
	child[nr_children] = fork();
	if (!child[nr_children]) {
		target.in_child = true;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		id = cover_enter();
		run_ops(o + 1, nr);
		cover_leave(id);
		procs_child_done();
		end_child(o->b);
	}
	if (child[nr_children] < 0)
		return nr;
	if (o->b & 4)
		wait_for_child(nr_children);
	nr_children++;
	return nr;
}

static void kill_children(void)
{
	unsigned int i;

	for (i = 0; i < nr_children; i++)
		kill(child[i], SIGKILL);
	for (i = 0; i < nr_children; i++)
		waitpid(child[i], NULL, 0);
	nr_children = 0;
}

STEP(op_kill)
{
	if (!target.in_child)
		kill_children();
	return 0;
}

static void *run_part(void *arg)
{
	struct part *p = arg;
	int id = cover_enter();

	run_ops(p->ops, p->nr);
	cover_leave(id);
	return NULL;
}

/* Run the next @x steps in a thread, at the same time as those after them. */
STEP(op_thread)
{
	struct part *p = &part[nr_threads];
	unsigned int nr = o->x % 8 + 1;

	if (nr > nr_left)
		nr = nr_left;
	if (target.in_child || nr_threads == MAX_THREADS || !nr)
		return 0;
	p->ops = o + 1;
	p->nr = nr;
	if (!pthread_create(&p->thread, NULL, run_part, p))
		nr_threads++;
	return nr;
}

/* A child enters namespaces of its own, in which it is root, or gives up its rights. */
STEP(op_unshare)
{
	if (!target.in_child)
		return 0;
	if (o->b & 2)
		return setresuid(65534, 65534, 65534) == -2;
	return unshare(o->b & 1 ? CLONE_NEWUSER | CLONE_NEWNET : CLONE_NEWNET) == -2;
}

void procs_init(void)
{
	is_done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (is_done == MAP_FAILED) {
		perror("memory");
		exit(1);
	}
}

void procs_end(void)
{
	unsigned int i;

	for (i = 0; i < nr_children; i++)
		wait_for_child(i);
	kill_children();
	for (i = 0; i < nr_threads; i++)
		pthread_join(part[i].thread, NULL);
	nr_threads = 0;
}
