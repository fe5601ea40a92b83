// SPDX-License-Identifier: GPL-2.0
/*
 * The end of a device, in any order: the owner is killed, forks, passes the file on or
 * resets; tap, namespace or lower link disappear under traffic; the module cannot be
 * removed while a file is open. Other tests check the name and place of its worker.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if_link.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "guest.h"
#include "net.h"
#include "threads.h"
#include "traffic.h"

static const struct guest_cfg qemu = { .features = F_QEMU };

FIXTURE(life) {
	struct guest g;
	struct tap tap;
};

FIXTURE_SETUP(life)
{
	ASSERT_EQ(0, net_ns());
	ASSERT_EQ(0, tap_make(&self->tap, IFF_VNET_HDR, 1, 12));
	self->g.vhost = -1;
}

FIXTURE_TEARDOWN(life)
{
	if (self->g.vhost >= 0)
		guest_off_tap(&self->g, &self->tap);
}

static int up(struct guest *g, int backend)
{
	return guest_init(g, &qemu) ?: guest_start(g, backend) ?:
	       guest_rx_post(g, 64, 2048);
}

static bool echo(struct guest *g, int host)
{
	return frame_out(g, host, 300, 77) && frame_in(g, host, 300, 77);
}

/* ---- workers ---- */

TEST_F(life, worker_has_the_owners_name)
{
	ASSERT_EQ(0, up(&self->g, self->tap.fd[0]));
	ASSERT_TRUE(echo(&self->g, self->tap.host));
	EXPECT_EQ(1, workers_of(getpid(), NULL));
	guest_free(&self->g);
	EXPECT_TRUE(workers_gone(getpid()));
}

static bool file_has(const char *path, const char *want)
{
	char line[256];
	bool found = false;
	FILE *f = fopen(path, "r");

	while (f && fgets(line, sizeof(line), f))
		found |= !!strstr(line, want);
	if (f)
		fclose(f);
	return found;
}

/* In a cgroup of the hierarchy at /mnt. */
static void worker_is_in_cgroup(struct __test_metadata *_metadata,
				struct guest *g, int tap)
{
	char name[64], path[160], worker[64] = "";
	FILE *f;

	snprintf(name, sizeof(name), "vtap-test-%d", getpid());
	snprintf(path, sizeof(path), "/mnt/%s", name);
	ASSERT_EQ(0, mkdir(path, 0755));
	snprintf(path, sizeof(path), "/mnt/%s/cgroup.procs", name);
	f = fopen(path, "w");
	ASSERT_NE(NULL, f);
	fprintf(f, "%d\n", getpid());
	ASSERT_EQ(0, fclose(f));

	ASSERT_EQ(0, up(g, tap));
	ASSERT_EQ(1, workers_of(getpid(), worker));
	strcat(worker, "/cgroup");
	EXPECT_TRUE(file_has(worker, name));
	guest_free(g);

	f = fopen("/mnt/cgroup.procs", "w");
	ASSERT_NE(NULL, f);
	fprintf(f, "%d\n", getpid());
	ASSERT_EQ(0, fclose(f));
	snprintf(path, sizeof(path), "/mnt/%s", name);
	rmdir(path);
}

/* Linux 5.10 moves kernel threads, also those of in-tree, in hierarchies of version 1 only. */
TEST_F(life, worker_is_in_the_owners_cgroup)
{
	const bool v1 = guest_kernel_before(5, 12);

	if (unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/mnt", v1 ? "cgroup" : "cgroup2", 0,
		  v1 ? "none,name=vtap" : NULL))
		SKIP(return, "no cgroups");
	worker_is_in_cgroup(_metadata, &self->g, self->tap.fd[0]);
}

/* ---- owners ---- */

TEST_F(life, CVE_2025_40024_owner_killed_under_load)
{
	struct traffic t;
	struct child child;
	bool failed;
	int i;

	for (i = 0; i < 8; i++) {
		if (!child_fork(&child)) {
			failed = up(&self->g, self->tap.fd[0]) ||
				 traffic_start(&t, &self->g, self->tap.host, true) ||
				 !traffic_wait(&t, 3) ||
				 (i & 1 && guest_vring_state(self->g.vhost,
						VHOST_SET_VRING_BUSYLOOP_TIMEOUT,
						1, 1000));
			child_report(&child, failed);
		}
		ASSERT_TRUE(child_is_ready(&child));
		usleep(i * 3000);
		ASSERT_TRUE(child_kill(&child));
		EXPECT_TRUE(workers_gone(child.pid));
	}
	/* Tap and node work again. */
	tap_free(&self->tap);
	ASSERT_EQ(0, tap_make(&self->tap, IFF_VNET_HDR, 1, 12));
	ASSERT_EQ(0, up(&self->g, self->tap.fd[0]));
	EXPECT_TRUE(echo(&self->g, self->tap.host));
}

TEST_F(life, child_closes_its_copy)
{
	pid_t pid;
	int i;

	ASSERT_EQ(0, up(&self->g, self->tap.fd[0]));
	for (i = 0; i < 5; i++) {
		pid = fork();
		if (!pid) {
			close(self->g.vhost);
			_exit(0);
		}
		ASSERT_EQ(pid, waitpid(pid, NULL, 0));
		ASSERT_TRUE(echo(&self->g, self->tap.host));
	}
}

/* The owner dies while a child holds the file: no worker runs without its mm. */
TEST_F(life, owner_dies_child_keeps_file)
{
	int status, ready[2];
	pid_t pid;
	char c = 0;

	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	if (!pid) {
		if (up(&self->g, self->tap.fd[0]) || fork() == 0) {
			/* The child waits for the end of its parent. */
			while (getppid() == pid)
				usleep(1000);
			usleep(200000);
			if (self->g.vhost >= 0)
				c = guest_set_mem(&self->g) == -EPERM;
			if (write(ready[1], &c, 1) != 1)
				_exit(1);
			_exit(0);
		}
		kill(getpid(), SIGKILL);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(1, read(ready[0], &c, 1));
	EXPECT_EQ(1, c);
	EXPECT_TRUE(workers_gone(pid));
}

static int send_fd(int sock, int fd)
{
	char byte = 0, ctl[CMSG_SPACE(sizeof(int))] = {};
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = ctl, .msg_controllen = sizeof(ctl) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(sock, &m, 0) == 1 ? 0 : -errno;
}

static int recv_fd(int sock)
{
	char byte, ctl[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = ctl, .msg_controllen = sizeof(ctl) };
	int fd = -1;

	if (recvmsg(sock, &m, 0) == 1 && CMSG_FIRSTHDR(&m))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

/* Opened by one process (libvirt), owned by another (QEMU). */
TEST_F(life, file_passed_by_scm_rights)
{
	int sk[2], status, fd, opened;
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sk));
	pid = fork();
	if (!pid) {
		fd = recv_fd(sk[1]);
		if (guest_init(&self->g, &qemu))
			_exit(1);
		dup2(fd, self->g.vhost);
		close(fd);
		if (guest_ioctl(self->g.vhost, VHOST_SET_OWNER, NULL) ||
		    guest_ioctl(self->g.vhost, VHOST_SET_FEATURES,
				&self->g.features) ||
		    guest_set_mem(&self->g) ||
		    guest_vq_setup(&self->g, RX, 0) ||
		    guest_vq_setup(&self->g, TX, 0) ||
		    guest_start(&self->g, self->tap.fd[0]) ||
		    guest_rx_post(&self->g, 16, 2048))
			_exit(2);
		_exit(!echo(&self->g, self->tap.host));
	}
	opened = open(guest_node(), O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, opened);
	ASSERT_EQ(0, send_fd(sk[0], opened));
	close(opened);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F_TIMEOUT(life, reset_owner_under_load, 60)
{
	struct traffic t;
	int i;

	ASSERT_EQ(0, up(&self->g, self->tap.fd[0]));
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, traffic_start(&t, &self->g, self->tap.host, true));
		ASSERT_TRUE(traffic_wait(&t, 2));
		ASSERT_EQ(0, guest_ioctl(self->g.vhost, VHOST_RESET_OWNER,
					 NULL));
		traffic_stop(&t);
		guest_free(&self->g);
		ASSERT_EQ(0, up(&self->g, self->tap.fd[0]));
	}
}

/* ---- backends that go away ---- */

/* Without its backend, TX completes its packets, and a stop works. */
static void after_death(struct __test_metadata *_metadata, struct guest *g)
{
	struct vq *q = &g->vq[TX];
	uint8_t f[600];
	int i, k;

	frame_raw(f, 600, 0);
	if (guest_is_ours()) {
		/* All packets in flight, and three more rings. */
		EXPECT_EQ(0, vq_drain(q, q->num - q->nr_free, WAIT_MS));
		for (k = 0; k < 3; k++) {
			for (i = 0; i < 100; i++)
				ASSERT_LE(0, guest_tx(g, NULL, f, 600));
			vq_kick(q);
			EXPECT_EQ(0, vq_drain(q, 100, WAIT_MS)) {
				TH_LOG("TX does not complete, round %d", k);
			}
		}
	}
	EXPECT_EQ(0, guest_stop(g));
	EXPECT_LE(0, guest_get_base(g->vhost, RX));
	EXPECT_LE(0, guest_get_base(g->vhost, TX));
}

TEST_F_TIMEOUT(life, 3c4cea8fa7f7_tap_deleted, 60)
{
	struct traffic t;

	ASSERT_EQ(0, up(&self->g, self->tap.fd[0]));
	ASSERT_EQ(0, traffic_start(&t, &self->g, self->tap.host, true));
	ASSERT_TRUE(traffic_wait(&t, 5));
	ASSERT_EQ(0, link_del(self->tap.name));
	ASSERT_TRUE(traffic_wait(&t, 5));
	ASSERT_EQ(0, traffic_stop(&t));
	after_death(_metadata, &self->g);
}

TEST_F_TIMEOUT(life, tap_down_and_up_under_load, 60)
{
	struct traffic t;
	int i;

	ASSERT_EQ(0, up(&self->g, self->tap.fd[0]));
	ASSERT_EQ(0, traffic_start(&t, &self->g, self->tap.host, true));
	for (i = 0; i < 5; i++) {
		ASSERT_TRUE(traffic_wait(&t, 3));
		ASSERT_EQ(0, link_down(self->tap.name));
		ASSERT_TRUE(traffic_wait(&t, 3));
		ASSERT_EQ(0, link_up(self->tap.name));
	}
	ASSERT_EQ(0, traffic_stop(&t));
	EXPECT_EQ(0, vq_drain(&self->g.vq[TX], self->g.vq[TX].num -
			      self->g.vq[TX].nr_free, WAIT_MS));
	EXPECT_TRUE(traffic_once(&self->g, self->tap.host));
	EXPECT_TRUE(traffic_in(&self->g, self->tap.host));
}

TEST_F_TIMEOUT(life, tap_namespace_deleted_under_load, 60)
{
	struct traffic t;
	struct child child;
	int i;

	if (!child_fork(&child))
		child_report(&child, unshare(CLONE_NEWNET));
	ASSERT_TRUE(child_is_ready(&child));
	ASSERT_EQ(0, up(&self->g, self->tap.fd[0]));
	ASSERT_EQ(0, traffic_start(&t, &self->g, self->tap.host, true));
	ASSERT_TRUE(traffic_wait(&t, 3));
	ASSERT_EQ(0, run("ip link set %s netns %d", self->tap.name, child.pid));
	ASSERT_TRUE(traffic_wait(&t, 3));
	ASSERT_TRUE(child_kill(&child));
	/* The kernel removes namespaces in the background. */
	for (i = 0; i < 10; i++)
		ASSERT_TRUE(traffic_wait(&t, 5));
	usleep(500000);
	ASSERT_EQ(0, traffic_stop(&t));
	after_death(_metadata, &self->g);
}

TEST_F_TIMEOUT(life, macvtap_lower_removed_under_load, 60)
{
	int index = 40000 + getpid(), fd, host;
	struct traffic t;

	ASSERT_EQ(0, link_veth("veth0", "veth1"));
	ASSERT_EQ(0, link_macvtap("mvt0", "veth0", MACVLAN_MODE_BRIDGE, index));
	fd = macvtap_open(index, 12);
	ASSERT_LE(0, fd);
	host = host_open("veth1", 0);
	ASSERT_LE(0, host);
	ASSERT_EQ(0, up(&self->g, fd));
	ASSERT_EQ(0, traffic_start(&t, &self->g, host, true));
	ASSERT_TRUE(traffic_wait(&t, 5));
	ASSERT_EQ(0, link_del("veth0"));
	ASSERT_TRUE(traffic_wait(&t, 5));
	ASSERT_EQ(0, traffic_stop(&t));
	after_death(_metadata, &self->g);
	close(fd);
	close(host);
}

/* vhost holds the tap, so closing our file changes nothing. */
TEST_F(life, tap_file_closed)
{
	ASSERT_EQ(0, up(&self->g, self->tap.fd[0]));
	close(self->tap.fd[0]);
	self->tap.nr = 0;
	EXPECT_TRUE(echo(&self->g, self->tap.host));
	EXPECT_EQ(0, guest_stop(&self->g));
	EXPECT_EQ(-ENODEV, link_del(self->tap.name));
}

/* ---- the module ---- */

TEST_F(life, module_stays_while_open)
{
	if (!guest_is_ours())
		SKIP(return, "vhost-tap only");
	ASSERT_EQ(0, up(&self->g, self->tap.fd[0]));
	EXPECT_EQ(-1, syscall(SYS_delete_module, "vhost_tap", O_NONBLOCK));
	EXPECT_EQ(EWOULDBLOCK, errno);
	EXPECT_TRUE(echo(&self->g, self->tap.host));
}

TEST_F_TIMEOUT(life, open_close_cycles, 60)
{
	long before = 0;
	uint8_t f[60];
	int i;

	frame_raw(f, 60, 1);
	for (i = 0; i < 100; i++) {
		if (i == 10)
			before = open_files();
		ASSERT_EQ(0, up(&self->g, self->tap.fd[0]));
		/* End it in different states. */
		if (i & 1)
			ASSERT_LE(0, guest_tx(&self->g, NULL, f, 60));
		if (i & 2)
			vq_kick(&self->g.vq[TX]);
		if (i & 4)
			ASSERT_EQ(0, guest_stop(&self->g));
		guest_free(&self->g);
	}
	usleep(200000);
	EXPECT_GT(before + 40, open_files());
	EXPECT_TRUE(workers_gone(getpid()));
}

TEST_HARNESS_MAIN
