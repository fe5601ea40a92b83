// SPDX-License-Identifier: GPL-2.0
/*
 * A worker is in the middle of a pass and waits for a page of its owner's memory that
 * never arrives. Tasks that wait for that pass can be killed: a task that closes the
 * node, changes or reads its state, or waits for another such task. All resources of
 * the device are free afterwards.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "pairs.h"
#include "stuck.h"
#include "threads.h"

/* Without a device IOTLB the message is refused, but under the same lock. */
#define MSG_LEN		72

static const struct guest_cfg qemu = { .features = F_QEMU };

/* The owner's next action once its worker is stuck. */
enum owner_action {
	CLOSE,		/* none: the killed process closes the node */
	EXIT,		/* the process exits without a signal */
	RESET,
	STOP,
	ATTACH,
	FREE,		/* free the worker, which has no queues left */
	MEM_TABLE,
	BASE,
	BEHIND,		/* a call waits for another thread's call */
	WRITE,		/* an IOTLB message waits for it */
};

/* Data shared by the processes. */
struct shared_state {
	enum { NOTHING, STUCK, WAITING, FAILED } stage;
	int line;
	int fd;
	char debugfs[96];
};

struct owner {
	struct pairs p;
	struct stuck stuck[2];
};

static void set_stage(struct shared_state *s, int stage, int line)
{
	s->line = line;
	__atomic_store_n(&s->stage, stage, __ATOMIC_RELEASE);
}

static bool wait_stage(struct shared_state *s, int stage)
{
	return wait_for((int)__atomic_load_n(&s->stage, __ATOMIC_ACQUIRE) >= stage) &&
	       s->stage != FAILED;
}

/* Return: true if the process has ended */
static bool reap(pid_t pid)
{
	return wait_for(waitpid(pid, NULL, WNOHANG) == pid);
}

#define DO(x)	do { if (x) return __LINE__; } while (0)

static int open_pairs(struct owner *o, uint8_t kind)
{
	struct pairs *p = &o->p;

	DO(stuck_open(&o->stuck[0]) || stuck_open(&o->stuck[1]));
	DO(pairs_open(p, 2));
	DO(node_set_kind(p->fd, kind) && kind);
	DO(pairs_up(p, &qemu));
	DO(stuck_page(&o->stuck[0], &p->g[0]) || stuck_page(&o->stuck[1], &p->g[1]));
	return 0;
}

/* Two pairs with one worker each; worker 0 is stuck in the TX queue of the first. */
static int stick(struct owner *o, uint8_t kind)
{
	DO(open_pairs(o, kind));
	DO(stuck_tx(&o->stuck[0], &o->p.g[0]));
	DO(!stuck_wait(&o->stuck[0]));
	return 0;
}

/*
 * As above, but worker 1 already serves this queue and all others: worker 0 had a
 * pending bit for it when it got stuck elsewhere.
 */
static int stick_former(struct owner *o, uint8_t kind)
{
	struct pairs *p = &o->p;

	DO(open_pairs(o, kind));
	/* Worker 1 must not have the wake-up of the start of queue 3 left. */
	DO(!thread_sleeps(node_thread_of(p->fd, 3)));
	DO(node_attach(p->fd, 3, 0));
	DO(stuck_tx(&o->stuck[1], &p->g[1]) || !stuck_wait(&o->stuck[1]));
	DO(stuck_tx(&o->stuck[0], &p->g[0]));
	DO(node_attach(p->fd, 0, 1) || node_attach(p->fd, 1, 1));
	DO(stuck_end(&o->stuck[1]) || !stuck_wait(&o->stuck[0]));
	DO(node_attach(p->fd, 3, 1));
	return 0;
}

static void *stop_tx(void *arg)
{
	struct owner *o = arg;

	guest_attach(&o->p.g[0], TX, -1);
	return NULL;
}

static void owner_act(struct owner *o, enum owner_action op)
{
	struct pairs *p = &o->p;
	unsigned int id = 0;
	char msg[MSG_LEN] = { 1 };	/* VHOST_IOTLB_MSG */
	uint64_t features;
	pthread_t thread;

	switch (op) {
	case CLOSE:
		break;
	case EXIT:
		_exit(0);
	case RESET:
		guest_ioctl(p->fd, VHOST_RESET_OWNER, NULL);
		break;
	case STOP:
		stop_tx(o);
		break;
	case ATTACH:
		node_attach(p->fd, 1, 1);
		break;
	case FREE:
		guest_ioctl(p->fd, VHOST_FREE_WORKER, &id);
		break;
	case MEM_TABLE:
		guest_ioctl(p->fd, VHOST_SET_MEM_TABLE, p->table);
		break;
	case BASE:
		guest_get_base(p->fd, 1);
		break;
	case BEHIND:
	case WRITE:
		pthread_create(&thread, NULL, stop_tx, o);
		usleep(QUIET_MS * 1000);
		if (op == BEHIND)
			guest_ioctl(p->fd, VHOST_GET_FEATURES, &features);
		else if (write(p->fd, msg, sizeof(msg)) > 0)
			break;
	}
	pause();
}

FIXTURE(killed) {
	struct shared_state *s;
	pid_t owner;
};

#define PARAMETER	"/sys/module/vhost_tap/parameters/shared_threads"

FIXTURE_VARIANT(killed) {
	uint8_t kind;
	const char *threads;	/* that the workers share */
};

FIXTURE_VARIANT_ADD(killed, kthread) { .kind = 0 };
FIXTURE_VARIANT_ADD(killed, vhost_task) { .kind = 1 };
FIXTURE_VARIANT_ADD(killed, shared_kthread) { .kind = 0, .threads = "2" };

FIXTURE_SETUP(killed)
{
	struct stuck s;

	if (!guest_is_ours())
		SKIP(return, "vhost-net's workers cannot be killed");
	if (variant->kind && !node_has_owner_kind())
		SKIP(return, "this kernel has only kernel threads");
	if (stuck_open(&s))
		SKIP(return, "no userfaultfd");
	close(s.uffd);
	ASSERT_EQ(0, net_ns());
	self->s = mmap(NULL, sizeof(*self->s), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->s);
	if (variant->threads)
		ASSERT_EQ(0, put_text(PARAMETER, variant->threads));
}

FIXTURE_TEARDOWN(killed)
{
	if (variant->threads)
		put_text(PARAMETER, "0");
}

/* Start the owner, which is stuck and does @op. Return: its pid, or -1 */
static pid_t begin(struct shared_state *s, uint8_t kind, enum owner_action op, bool former)
{
	struct owner o = {};
	pid_t pid;
	int line;

	memset(s, 0, sizeof(*s));
	pid = fork();
	if (pid)
		return wait_stage(s, WAITING) && !usleep(2 * QUIET_MS * 1000) ?
		       pid : -1;
	line = former ? stick_former(&o, kind) : stick(&o, kind);
	if (line) {
		set_stage(s, FAILED, line);
		_exit(1);
	}
	snprintf(s->debugfs, sizeof(s->debugfs), "%.80s/tx",
		 o.p.g[0].debugfs);
	s->fd = o.p.fd;
	set_stage(s, WAITING, 0);
	owner_act(&o, op);
	_exit(1);
}

/* Tap and node are free: set both up again with all resources. */
static int lives(void)
{
	struct pairs p;
	int err;

	err = pairs_open(&p, 2) ?: pairs_up(&p, &qemu);
	if (!err && !pairs_pass(&p))
		err = -EIO;
	pairs_free(&p);
	return err;
}

#define KILLED(op, former)						\
do {									\
	self->owner = begin(self->s, variant->kind, op, former);	\
	ASSERT_LT(0, self->owner) {					\
		TH_LOG("line %d", self->s->line);			\
	}								\
	if ((op) != EXIT)						\
		ASSERT_EQ(0, kill(self->owner, SIGKILL));		\
	ASSERT_TRUE(reap(self->owner));					\
	EXPECT_TRUE(workers_gone(self->owner));				\
	EXPECT_EQ(0, lives());						\
} while (0)

TEST_F_TIMEOUT(killed, closes, 120) { KILLED(CLOSE, false); }
TEST_F_TIMEOUT(killed, closes_with_a_former_worker, 120) { KILLED(CLOSE, true); }
TEST_F_TIMEOUT(killed, exits_without_signal, 120) { KILLED(EXIT, false); }
TEST_F_TIMEOUT(killed, in_reset_owner, 120) { KILLED(RESET, false); }
TEST_F_TIMEOUT(killed, in_stop, 120) { KILLED(STOP, false); }
TEST_F_TIMEOUT(killed, in_stop_of_a_former_worker, 120) { KILLED(STOP, true); }
TEST_F_TIMEOUT(killed, in_attach, 120) { KILLED(ATTACH, false); }
TEST_F_TIMEOUT(killed, in_free_worker, 120) { KILLED(FREE, true); }
TEST_F_TIMEOUT(killed, in_set_mem_table, 120) { KILLED(MEM_TABLE, false); }
TEST_F_TIMEOUT(killed, in_get_base, 120) { KILLED(BASE, false); }
TEST_F_TIMEOUT(killed, waiting_for_another_call, 120) { KILLED(BEHIND, false); }
TEST_F_TIMEOUT(killed, in_iotlb_write, 120) { KILLED(WRITE, false); }

/* ---- other processes ---- */

#define NOTHING_MORE	0UL

/* Start a process that also has the owner's file and makes one call. */
static pid_t stranger(pid_t owner, int fd, unsigned long req)
{
	uint64_t features = qemu.features;
	pid_t pid = fork();

	if (pid)
		return usleep(2 * QUIET_MS * 1000) ? -1 : pid;
	fd = syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, owner, 0), fd, 0);
	if (fd < 0)
		_exit(1);
	if (req != NOTHING_MORE)
		guest_ioctl(fd, req, &features);
	pause();
	_exit(1);
}

/* The device outlives its owner and ends with the last user of the file. */
#define INHERITED(op)							\
do {									\
	pid_t heir;							\
									\
	self->owner = begin(self->s, variant->kind, op, false);		\
	ASSERT_LT(0, self->owner);					\
	heir = stranger(self->owner, self->s->fd, NOTHING_MORE);	\
	ASSERT_EQ(0, kill(self->owner, SIGKILL));			\
	ASSERT_TRUE(reap(self->owner));					\
	EXPECT_EQ(0, waitpid(heir, NULL, WNOHANG));			\
	ASSERT_EQ(0, kill(heir, SIGKILL));				\
	ASSERT_TRUE(reap(heir));					\
	EXPECT_EQ(0, lives());						\
} while (0)

TEST_F_TIMEOUT(killed, file_stays_open, 120) { INHERITED(CLOSE); }
TEST_F_TIMEOUT(killed, file_stays_open_in_stop, 120) { INHERITED(STOP); }

/* Kill another process in its call, then the owner. */
#define STRANGER(op, req)						\
do {									\
	pid_t pid;							\
									\
	self->owner = begin(self->s, variant->kind, op, false);		\
	ASSERT_LT(0, self->owner);					\
	pid = stranger(self->owner, self->s->fd, req);			\
	ASSERT_EQ(0, kill(pid, SIGKILL));				\
	ASSERT_TRUE(reap(pid));						\
	EXPECT_EQ(0, waitpid(self->owner, NULL, WNOHANG));		\
	ASSERT_EQ(0, kill(self->owner, SIGKILL));			\
	ASSERT_TRUE(reap(self->owner));					\
	EXPECT_EQ(0, lives());						\
} while (0)

TEST_F_TIMEOUT(killed, non_owner_waiting_for_another_call, 120)
{
	STRANGER(STOP, VHOST_GET_FEATURES);
}

/* The only call of another process that waits for a pass. */
TEST_F_TIMEOUT(killed, non_owner_in_set_features, 120)
{
	if (variant->kind)
		SKIP(return, "the owner has to kill its own thread");
	STRANGER(CLOSE, VHOST_SET_FEATURES);
}

TEST_F_TIMEOUT(killed, debugfs_reader, 120)
{
	pid_t reader;
	char c[64];
	int fd, i;

	self->owner = begin(self->s, variant->kind, CLOSE, false);
	ASSERT_LT(0, self->owner);
	for (i = 0; i < 2; i++) {
		fd = open(self->s->debugfs, O_RDONLY | O_CLOEXEC);
		ASSERT_LE(0, fd);
		reader = fork();
		if (!reader)
			_exit(read(fd, c, sizeof(c)) < 0);
		close(fd);
		usleep(QUIET_MS * 1000);
		EXPECT_EQ(0, waitpid(reader, NULL, WNOHANG));
		/* Kill the reader first, then the owner of the device. */
		ASSERT_EQ(0, kill(i ? self->owner : reader, SIGKILL));
		ASSERT_TRUE(reap(reader));
	}
	ASSERT_TRUE(reap(self->owner));
	EXPECT_EQ(0, lives());
}

TEST_HARNESS_MAIN
