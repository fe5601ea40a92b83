// SPDX-License-Identifier: GPL-2.0
/*
 * host.c - the host's side of a slot: links, frames at their far ends, the life of the
 * owner, and the sums of each link
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"
#include "net.h"
#include "soak.h"
#include "threads.h"

#define CGROUP		"/sys/fs/cgroup/soak"
#define AT_ONCE		16

/**
 * struct link - a tap, or a macvtap on one end of a veth pair
 * @tap: backend and packet socket
 * @name: the tap; or the macvtap, the veth below it, and the veth's other end
 * @socket_drops: frames that the packet socket dropped
 */
struct link {
	struct tap tap;
	bool is_macvtap;
	char name[3][IFNAMSIZ];
	uint32_t socket_drops;
};

/* Times of the events that hit the owner; 0 for none. */
struct fate {
	int64_t kill_at;
	int64_t limit_at;
	int64_t oom_at;
	int64_t delete_at;
	bool was_killed;
};

struct host {
	struct slot *s;
	struct link link[LINKS_MAX];
	struct fate fate;
	pid_t owner;
	uint32_t window;
	unsigned int serial;
	char cgroup[64];
};

/* ---- links ---- */

/* Read the drops of a link that /proc/net/dev shows, by the host's direction. */
static void read_drops(const char *name, uint64_t *rx, uint64_t *tx)
{
	unsigned long long r = 0, t = 0;
	char line[512], is[32];
	FILE *f = fopen("/proc/net/dev", "r");

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %31[^:]: %*u %*u %*u %llu %*u %*u %*u %*u %*u %*u %*u %llu",
			   is, &r, &t) == 3 && !strcmp(is, name)) {
			*rx = r;
			*tx = t;
		}
	}
	if (f)
		fclose(f);
}

/*
 * Return the drops on the way into the guest, or with @dir TX out of it. A macvtap also
 * counts sends that failed, of which the device knows.
 */
static uint32_t link_drops(struct host *h, unsigned int at, int dir)
{
	struct link *l = &h->link[at];
	uint64_t rx[3] = {}, tx[3] = {};
	unsigned int i;

	for (i = 0; i < (l->is_macvtap ? 3 : 1); i++)
		read_drops(l->name[i], &rx[i], &tx[i]);
	if (!l->is_macvtap)
		return dir == TX ? 0 : tx[0];
	return dir == TX ? tx[0] + tx[1] + rx[2] - h->s->flow[at].tries :
			   rx[0] + rx[1] + tx[2];
}

static int tap_up(struct host *h, struct link *l, unsigned int i)
{
	snprintf(l->name[0], IFNAMSIZ, "vtap%u", i);
	ADD(taps, 1);
	return tap_make_named(&l->tap, l->name[0], IFF_VNET_HDR, 1, 12);
}

static int macvtap_up(struct host *h, struct link *l, unsigned int i)
{
	/* The device node is named by it, for all namespaces. */
	int index = 100000 * (h->s->id + 1) + h->serial++ % 90000, err;

	snprintf(l->name[0], IFNAMSIZ, "mvt%u", i);
	snprintf(l->name[1], IFNAMSIZ, "low%u", i);
	snprintf(l->name[2], IFNAMSIZ, "far%u", i);
	l->tap = (struct tap){ .host = -1 };
	ADD(macvtaps, 1);
	err = link_veth(l->name[1], l->name[2]) ?: link_mtu(l->name[1], 2 * FRAME_MAX) ?:
	      link_mtu(l->name[2], 2 * FRAME_MAX) ?:
	      link_macvtap(l->name[0], l->name[1], MACVLAN_MODE_PASSTHRU, index) ?:
	      link_mtu(l->name[0], 2 * FRAME_MAX);
	if (err)
		return err;
	l->tap.fd[0] = macvtap_open(index, 12);
	if (l->tap.fd[0] < 0)
		return l->tap.fd[0];
	l->tap.nr = 1;
	l->tap.host = host_open(l->name[2], 0);
	return l->tap.host < 0 ? l->tap.host : 0;
}

static int links_up(struct host *h)
{
	struct slot *s = h->s;
	int err = 0, one = 1;
	unsigned int i;

	s->nr = 1 + draw(s, LINKS_MAX);
	memset(s->flow, 0, sizeof(s->flow));
	for (i = 0; !err && i < s->nr; i++) {
		struct link *l = &h->link[i];

		*l = (struct link){ .is_macvtap = one_in(s, 3) };
		err = l->is_macvtap ? macvtap_up(h, l, i) : tap_up(h, l, i);
		/* A queueing discipline would have drops of its own. */
		if (!err && setsockopt(l->tap.host, SOL_PACKET, PACKET_QDISC_BYPASS,
				       &one, sizeof(one)))
			err = -errno;
		s->fd[i] = l->tap.fd[0];
	}
	return err;
}

static void link_delete(struct host *h, unsigned int i)
{
	struct link *l = &h->link[i];

	int err;

	SET(h->s->flow[i].is_gone, true);
	ADD(deletions, 1);
	err = link_del(l->name[l->is_macvtap ? draw(h->s, 2) : 0]);
	if (err)
		fail(h->s, "link %u: delete: %s", i, strerror(-err));
}

static void links_down(struct host *h)
{
	unsigned int i;

	for (i = 0; i < h->s->nr; i++) {
		struct link *l = &h->link[i];

		tap_free(&l->tap);
		if (l->is_macvtap) {
			link_del(l->name[0]);
			link_del(l->name[1]);
		}
	}
}

/* ---- traffic ---- */

/* Check that a frame is the next one, or one after dropped ones. */
static bool receive(struct host *h, unsigned int i, const uint8_t *f, ssize_t n)
{
	struct flow *w = &h->s->flow[i];
	uint32_t seq = n < 18 ? 0 : frame_seq(f);
	uint8_t want[FRAME_MAX];

	frame_raw(want, frame_len(seq), seq);
	if ((int32_t)(seq - w->tx_next) < 0 || !frame_same(f, n, want, frame_len(seq))) {
		fail(h->s, "link %u: TX frame %u of %zd bytes, wanted %u or a later one", i,
		     seq, n, w->tx_next);
		return false;
	}
	w->tx_next = seq + 1;
	w->tx_got++;
	return true;
}

/* Return: number of frames; a guest that sends all the time must not keep the host here */
static unsigned int receive_some(struct host *h, unsigned int i)
{
	uint8_t f[2 * FRAME_MAX];
	unsigned int nr;
	ssize_t n;

	for (nr = 0; nr < 4 * AT_ONCE; nr++) {
		n = recv(h->link[i].tap.host, f, sizeof(f), MSG_DONTWAIT);
		if (n <= 0 || !receive(h, i, f, n))
			break;
	}
	return nr;
}

/* The packet socket has lost its interface, or the interface is down. */
static bool is_no_link(int err)
{
	return err == -ENXIO || err == -ENETDOWN;
}

/* Send frames while the window is open. Return: whether any was sent */
static bool send_some(struct host *h, unsigned int i)
{
	struct flow *w = &h->s->flow[i];
	uint8_t f[FRAME_MAX];
	unsigned int n;
	int err = 0;

	for (n = 0; n < AT_ONCE && !err; n++) {
		if (w->rx_tried - GET(w->rx_got) - w->rx_dropped >= h->window)
			break;
		frame_raw(f, frame_len(w->rx_tried), w->rx_tried);
		err = host_send(h->link[i].tap.host, f, frame_len(w->rx_tried));
		if (!err || err == -ENOBUFS)
			w->rx_tried++;
	}
	if (err && err != -ENOBUFS && err != -EAGAIN && !(w->is_gone && is_no_link(err)))
		fail(h->s, "link %u: send: %s", i, strerror(-err));
	/* The link drops frames of a large window. Go on without these. */
	if (!n || err == -ENOBUFS)
		w->rx_dropped = w->is_gone ? w->rx_dropped : link_drops(h, i, RX);
	return n;
}

static void answer_quiet(struct host *h, bool is_quiet)
{
	struct slot *s = h->s;
	unsigned int i;

	for (i = 0; is_quiet && !s->was_quiet && i < s->nr; i++) {
		struct flow *w = &s->flow[i];

		if (!w->is_gone)
			SET(w->rx_dropped, link_drops(h, i, RX));
	}
	SET(s->was_quiet, is_quiet);
}

/* ---- the owner's life ---- */

static int64_t some_time(struct slot *s, int64_t now)
{
	return now + 1 + draw(s, 256 << draw(s, 6));
}

static void choose_fate(struct host *h)
{
	struct fate *f = &h->fate;
	struct slot *s = h->s;
	int64_t now = now_ms();

	*f = (struct fate){};
	switch (draw(s, 10)) {
	case 0: case 1:
		f->kill_at = some_time(s, now);
		break;
	case 2:
		f->kill_at = some_time(s, now);
		f->delete_at = one_in(s, 2) ? f->kill_at : some_time(s, now);
		break;
	case 3:
		f->oom_at = some_time(s, now);
		break;
	case 4:
		f->limit_at = some_time(s, now);
		break;
	case 5: case 6:
		f->delete_at = some_time(s, now);
		break;
	}
}

static bool is_time(int64_t *at)
{
	bool is = *at && now_ms() >= *at;

	if (is)
		*at = 0;
	return is;
}

/* Writing a limit can end the owner, but must not fail. */
static int cgroup_put(struct host *h, const char *file, const char *text)
{
	char path[96];
	int err;

	snprintf(path, sizeof(path), "%s/%s", h->cgroup, file);
	err = put_text(path, text);
	if (err)
		fail(h->s, "%s: %s", path, strerror(-err));
	return err;
}

static unsigned long cgroup_get(struct host *h, const char *file, const char *key)
{
	unsigned long val = 0;
	char path[96], line[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", h->cgroup, file);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			val = strtoul(line + strlen(key), NULL, 10);
	if (f)
		fclose(f);
	return val;
}

static void apply_fate(struct host *h)
{
	struct fate *f = &h->fate;
	struct slot *s = h->s;
	char text[32];

	if (is_time(&f->delete_at))
		link_delete(h, draw(s, s->nr));
	if (is_time(&f->kill_at)) {
		f->was_killed = true;
		ADD(kills, 1);
		kill(h->owner, SIGKILL);
	}
	/* The next allocations reclaim memory, fail, or end the owner. */
	if (is_time(&f->limit_at)) {
		ADD(limits, 1);
		snprintf(text, sizeof(text), "%lu", cgroup_get(h, "memory.current", ""));
		cgroup_put(h, "memory.max", text);
	}
	if (is_time(&f->oom_at))
		cgroup_put(h, "memory.max", "65536");
}

static void start_owner(struct host *h)
{
	char pid[16];
	int go[2];
	char c;

	cgroup_put(h, "memory.max", "max");
	choose_fate(h);
	h->window = 16 << draw(h->s, 7);
	if (pipe(go))
		return fail(h->s, "no pipe: %s", strerror(errno));
	fflush(NULL);
	h->owner = fork();
	if (!h->owner) {
		close(go[1]);
		if (read(go[0], &c, 1) < 0)
			_exit(1);
		close(go[0]);
		owner_main(h->s);
		fflush(NULL);
		_exit(0);
	}
	close(go[0]);
	snprintf(pid, sizeof(pid), "%d", h->owner);
	if (h->owner < 0 || cgroup_put(h, "cgroup.procs", pid))
		fail(h->s, "cannot start an owner: %s", strerror(errno));
	close(go[1]);
}

/* Check that the owner ended as intended: by itself, or killed by us. */
static void judge_end(struct host *h, int status, unsigned long oom_before)
{
	unsigned long oom = cgroup_get(h, "memory.events", "oom_kill ") - oom_before;

	ADD(oom_kills, oom);
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && (h->fate.was_killed || oom)) {
		h->fate.was_killed = true;
		return;
	}
	fail(h->s, "the owner ended with status 0x%x", status);
}

static void run_owner(struct host *h)
{
	unsigned long oom = cgroup_get(h, "memory.events", "oom_kill ");
	struct pollfd p = { .events = POLLIN };
	struct slot *s = h->s;
	bool is_busy, is_quiet;
	unsigned int i;
	int status;

	s->must_stop = false;
	s->is_quiet = false;
	s->was_quiet = false;
	s->is_unknown = false;
	start_owner(h);
	while (waitpid(h->owner, &status, WNOHANG) == 0) {
		is_busy = false;
		is_quiet = GET(s->is_quiet);
		for (i = 0; i < s->nr; i++) {
			is_busy |= receive_some(h, i) > 0;
			if (!is_quiet && GET(s->flow[i].is_open))
				is_busy |= send_some(h, i);
		}
		answer_quiet(h, is_quiet);
		apply_fate(h);
		p.fd = h->link[draw(s, s->nr)].tap.host;
		if (!is_busy)
			poll(&p, 1, 1);
	}
	judge_end(h, status, oom);
}

/* ---- sums ---- */

/* Count the frames in a link's queue, which no device has taken. */
static uint32_t count_left(struct link *l)
{
	char f[2 * FRAME_MAX];
	uint32_t nr = 0;

	while (read(l->tap.fd[0], f, sizeof(f)) > 0)
		nr++;
	return nr;
}

static uint32_t socket_drops(struct link *l)
{
	struct tpacket_stats st = {};
	socklen_t len = sizeof(st);

	getsockopt(l->tap.host, SOL_PACKET, PACKET_STATISTICS, &st, &len);
	l->socket_drops += st.tp_drops;
	return l->socket_drops;
}

/*
 * A link that existed to the end, and whose owner stopped its devices:
 *   TX: packets of the devices = frames received + drops of links and packet socket
 *   RX: frames sent = packets and drops of the devices + drops of links + frames left
 */
static void check_link(struct host *h, unsigned int i)
{
	struct flow *w = &h->s->flow[i];
	struct link *l = &h->link[i];
	const char *kind = l->is_macvtap ? "macvtap" : "tap";
	uint64_t out, in;
	uint32_t left;
	int n;

	for (n = 0; n < 100; n++) {
		while (receive_some(h, i))
			;
		out = w->tx_got + link_drops(h, i, TX) + socket_drops(l);
		if (out >= w->packets[TX])
			break;
		usleep(10000);
	}
	left = count_left(l);
	w->rx_dropped = link_drops(h, i, RX);
	in = w->packets[RX] + w->faults[RX] + w->rx_dropped + left;
	ADD(tx_link_drops, out - w->tx_got);
	ADD(rx_link_drops, w->rx_dropped);
	ADD(rx_left, left);
	ADD(link_sums, 1);
	if (out != w->packets[TX])
		fail(h->s, "%s %u: devices sent %lu; %u arrived, links dropped %u, the socket %u",
		     kind, i, w->packets[TX], w->tx_got,
		     link_drops(h, i, TX), l->socket_drops);
	if (in != w->rx_tried)
		fail(h->s, "%s %u: %u sent; devices got %lu, dropped %lu, links lost %u, %u left",
		     kind, i, w->rx_tried, w->packets[RX], w->faults[RX], w->rx_dropped, left);
}

static void check_links(struct host *h)
{
	struct slot *s = h->s;
	unsigned int i;

	for (i = 0; i < s->nr; i++) {
		while (receive_some(h, i))
			;
		if (h->fate.was_killed || s->flow[i].is_gone || s->is_unknown)
			ADD(unknown_sums, 1);
		else
			check_link(h, i);
		ADD(tx_received, s->flow[i].tx_got);
		ADD(rx_tried, s->flow[i].rx_tried);
	}
}

/* ---- the process ---- */

void host_main(struct slot *s)
{
	struct host h = { .s = s };
	int err;

	snprintf(h.cgroup, sizeof(h.cgroup), CGROUP "%u", s->id);
	mkdir(h.cgroup, 0755);
	err = net_ns();
	if (err)
		fail(s, "no namespace: %s", strerror(-err));
	while (!GET(all->must_end) && !GET(all->has_failed)) {
		if (GET(all->must_idle)) {
			SET(s->is_idle, true);
			usleep(1000);
			continue;
		}
		SET(s->is_idle, false);
		err = links_up(&h);
		if (err) {
			fail(s, "no links: %s", strerror(-err));
			break;
		}
		run_owner(&h);
		if (!GET(all->has_failed))
			check_links(&h);
		links_down(&h);
	}
	SET(s->is_idle, true);
	rmdir(h.cgroup);
}
