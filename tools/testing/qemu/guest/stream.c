// SPDX-License-Identifier: GPL-2.0
/*
 * stream - agent's commands for migration tests. Most of them run until a file
 * exists, and then print their results.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <linux/vhost.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../../include/uapi/linux/vhost_tap.h"
#include "agent.h"

/* ---- a TCP stream, both ways at once ---- */

/* A peer may be silent while a guest is stopped on a slow machine. */
#define SILENCE	90

/* Header of each piece; the last piece has a struct totals as its data. */
struct piece {
	uint32_t seq;
	uint32_t len;
};

struct totals {
	uint64_t bytes;
	uint64_t sum;
	/* The total that the sender itself has received, once it is done. */
	uint64_t got_bytes;
	uint64_t got_sum;
};

/* Shared by the sending and the receiving process of one end. */
struct both {
	atomic_ullong sent_bytes, sent_sum;
	atomic_ullong got_bytes, got_sum;
	atomic_int got_all;
};

static struct both *shared;

/* Update a running checksum, eight bytes at a time. */
static uint64_t add_sum(uint64_t sum, const uint8_t *data, size_t len)
{
	uint64_t word;

	for (; len >= sizeof(word); data += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, data, sizeof(word));
		sum = (sum ^ word) * 0x9e3779b97f4a7c15ull;
		sum = sum << 23 | sum >> 41;
	}
	for (; len; len--)
		sum = (sum ^ *data++) * 0x9e3779b97f4a7c15ull;
	return sum;
}

static void send_all(int fd, const void *data, size_t len)
{
	const uint8_t *from = data;

	while (len) {
		ssize_t n = send(fd, from, len, MSG_NOSIGNAL);

		if (n <= 0)
			die("send: %s", strerror(errno));
		from += n;
		len -= n;
	}
}

static void recv_all(int fd, void *data, size_t len)
{
	ssize_t n = recv(fd, data, len, MSG_WAITALL);

	if (n != (ssize_t)len)
		die("stream ends after %llu bytes: %s",
		    (unsigned long long)atomic_load(&shared->got_bytes),
		    n < 0 ? strerror(errno) : "closed");
}

/* Send pieces of many lengths until the file @stop exists or the peer ends. */
static void send_pieces(int fd, const char *stop)
{
	static const uint32_t lens[] = { 1, 100, 1447, 1448, 1449, 9000, 30000, 65535 };
	uint64_t bytes = 0, sum = 0;
	struct piece p = { };
	struct totals end = { };
	uint32_t i;

	for (i = 0; stop ? access(stop, F_OK) : !atomic_load(&shared->got_all); i++) {
		uint32_t len = lens[i % (sizeof(lens) / sizeof(*lens))];
		const uint8_t *data = pattern + bytes % PERIOD;

		p.seq = htonl(i);
		p.len = htonl(len);
		send_all(fd, &p, sizeof(p));
		send_all(fd, data, len);
		sum = add_sum(sum, data, len);
		bytes += len;
	}
	atomic_store(&shared->sent_sum, sum);
	atomic_store(&shared->sent_bytes, bytes);
	p.seq = htonl(i);
	p.len = 0;
	send_all(fd, &p, sizeof(p));
	end.bytes = bytes;
	end.sum = sum;
	end.got_bytes = atomic_load(&shared->got_bytes);
	end.got_sum = atomic_load(&shared->got_sum);
	send_all(fd, &end, sizeof(end));
}

/* Receive and compare pieces up to the last, whose totals go to @end. */
static void recv_pieces(int fd, struct totals *end, double *longest)
{
	static uint8_t buf[CHUNK];
	uint64_t bytes = 0, sum = 0;
	double last = now();
	struct piece p;
	uint32_t i;

	for (i = 0;; i++) {
		uint32_t len;

		recv_all(fd, &p, sizeof(p));
		len = ntohl(p.len);
		if (ntohl(p.seq) != i || len > sizeof(buf))
			die("piece %u at offset %llu claims to be %u, %u bytes", i,
			    (unsigned long long)bytes, ntohl(p.seq), len);
		if (!len)
			break;
		recv_all(fd, buf, len);
		if (memcmp(buf, pattern + bytes % PERIOD, len))
			die("wrong content within %u bytes of offset %llu", len,
			    (unsigned long long)bytes);
		sum = add_sum(sum, buf, len);
		bytes += len;
		atomic_store(&shared->got_sum, sum);
		atomic_store(&shared->got_bytes, bytes);
		if (now() - last > *longest)
			*longest = now() - last;
		last = now();
	}
	recv_all(fd, end, sizeof(*end));
	if (end->bytes != bytes || end->sum != sum)
		die("got %llu bytes, checksum %llx; sent were %llu, %llx",
		    (unsigned long long)bytes, (unsigned long long)sum,
		    (unsigned long long)end->bytes, (unsigned long long)end->sum);
	atomic_store(&shared->got_all, 1);
}

static int run_stream(int fd, const char *stop, struct totals *end, double *longest)
{
	int status;
	pid_t pid;

	time_limit(fd, SILENCE);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	signal(SIGCHLD, SIG_DFL);
	pid = fork();
	if (!pid) {
		send_pieces(fd, stop);
		_exit(0);
	}
	recv_pieces(fd, end, longest);
	if (waitpid(pid, &status, 0) != pid || status)
		die("the sending half failed");
	return 0;
}

int serve_stream(int fd)
{
	struct totals end;
	double longest = 0;

	return run_stream(fd, NULL, &end, &longest);
}

static int stream(char **arg)
{
	struct order o = { .seed = htonl(atoi(arg[3])), .kind = htonl(ORDER_STREAM) };
	int fd = connect_server(arg, &o);
	struct totals end;
	double longest = 0;

	make_pattern(atoi(arg[3]));
	run_stream(fd, arg[2], &end, &longest);
	if (end.got_bytes != atomic_load(&shared->sent_bytes) ||
	    end.got_sum != atomic_load(&shared->sent_sum))
		die("sent %llu bytes, checksum %llx; the server got %llu, %llx",
		    (unsigned long long)atomic_load(&shared->sent_bytes),
		    (unsigned long long)atomic_load(&shared->sent_sum),
		    (unsigned long long)end.got_bytes, (unsigned long long)end.got_sum);
	printf("TCP sent %llu bytes %016llx, got %llu bytes %016llx, longest pause %.0f ms\n",
	       (unsigned long long)end.got_bytes, (unsigned long long)end.got_sum,
	       (unsigned long long)end.bytes, (unsigned long long)end.sum, longest * 1000);
	return !end.got_bytes || !end.bytes;
}

/* ---- UDP ---- */

/* Send a datagram every 3 ms and check the echoes, until the file exists. */
static int dgrams(char **arg)
{
	static const uint32_t lens[] = { 8, 60, 128, 129, 1000, 1472, 1473, 4000, 16000 };
	struct sockaddr_in sa = address(arg[0], arg[1]);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	unsigned long sent = 0, back = 0;
	double last = now(), longest = 0;
	static struct dgram out, in;

	make_pattern(atoi(arg[3]));
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		die("connect: %s", strerror(errno));
	while (access(arg[2], F_OK)) {
		uint32_t len = lens[sent % (sizeof(lens) / sizeof(*lens))];
		struct pollfd pfd = { .fd = fd, .events = POLLIN };

		fill(&out, sent, len);
		/* Ignore a full queue and a port that is not open yet. */
		if (send(fd, &out, len, MSG_DONTWAIT) >= 0 || errno != EAGAIN)
			sent++;
		while (poll(&pfd, 1, 3) == 1) {
			ssize_t n = recv(fd, &in, sizeof(in), MSG_DONTWAIT);

			if (n < 0)
				break;
			if (!is_right(&in, n))
				die("a datagram came back wrong: %zd bytes, number %u of %u bytes",
				    n, ntohl(in.seq), ntohl(in.len));
			back++;
			if (now() - last > longest)
				longest = now() - last;
			last = now();
		}
	}
	if (now() - last > longest)
		longest = now() - last;
	printf("UDP %lu datagrams sent, %lu came back right, longest pause %.0f ms\n",
	       sent, back, longest * 1000);
	return !back;
}

/* Move to CPU @i if it exists: the CPU selects the queue of a packet. */
static void take_cpu(unsigned int i)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(i % sysconf(_SC_NPROCESSORS_ONLN), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("CPU %u: %s", i, strerror(errno));
}

/* Send one datagram from each of many sockets (flows), on each CPU in turn. */
static int flows(char **arg)
{
	struct sockaddr_in sa = address(arg[0], arg[1]);
	unsigned int nr = atoi(arg[2]), back = 0, try, i;
	struct pollfd pfd[256] = { };
	static struct dgram out, in;

	make_pattern(31);
	for (i = 0; i < nr && nr <= 256; i++) {
		pfd[i] = (struct pollfd){ socket(AF_INET, SOCK_DGRAM, 0), POLLIN, 0 };
		if (connect(pfd[i].fd, (struct sockaddr *)&sa, sizeof(sa)))
			die("connect: %s", strerror(errno));
	}
	for (try = 0; try < 3 && back < nr; try++) {
		double until;

		for (i = 0; i < nr; i++) {
			take_cpu(i);
			fill(&out, i, 100);
			if (pfd[i].fd >= 0)
				send(pfd[i].fd, &out, 100, 0);
		}
		/* On a busy guest each change of CPU can take 60 ms. */
		until = now() + 2;
		while (back < nr && now() < until && poll(pfd, nr, 100) >= 0) {
			for (i = 0; i < nr; i++) {
				ssize_t n = pfd[i].fd < 0 ? -1 :
					    recv(pfd[i].fd, &in, sizeof(in), MSG_DONTWAIT);

				if (n < 0)
					continue;
				if (!is_right(&in, n) || ntohl(in.seq) != i)
					die("datagram %u came back wrong", i);
				close(pfd[i].fd);
				pfd[i].fd = -1;
				back++;
			}
		}
	}
	printf("%u of %u answered, %u tries\n", back, nr, try);
	return back != nr;
}

/*
 * Keep datagrams unread in the socket until the file exists. Their bytes are in pages
 * that only the device wrote. A migration that misses the device's writes corrupts
 * them.
 */
static int hold(char **arg)
{
	struct sockaddr_in sa = address("0.0.0.0", arg[0]);
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 24 << 20, want = atoi(arg[2]), got = 0;
	static struct dgram d;

	make_pattern(11);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    bind(fd, (struct sockaddr *)&sa, sizeof(sa)))
		die("port %s: %s", arg[0], strerror(errno));
	while (access(arg[1], F_OK))
		usleep(50000);
	for (;;) {
		ssize_t n = recv(fd, &d, sizeof(d), MSG_DONTWAIT);

		if (n < 0)
			break;
		if (!is_right(&d, n))
			die("held datagram %d is wrong: %zd bytes, number %u of %u bytes",
			    got, n, ntohl(d.seq), ntohl(d.len));
		got++;
	}
	printf("held %d datagrams, all right\n", got);
	return got < want;
}

/* Send jumbo frames: Linux writes only into the first buffer of a packet. */
static int hold_send(char **arg)
{
	struct sockaddr_in sa = address(arg[0], arg[1]);
	int fd = socket(AF_INET, SOCK_DGRAM, 0), i;
	static struct dgram d;

	make_pattern(11);
	for (i = 0; i < 1000000 && access(arg[2], F_OK); i++) {
		fill(&d, i, 8000 + i % 900);
		sendto(fd, &d, 8000 + i % 900, MSG_DONTWAIT, (struct sockaddr *)&sa, sizeof(sa));
		usleep(5000);
	}
	return 0;
}

/* ---- announcements on a link, rings of a device ---- */

/* Count RARP, which QEMU sends to announce the guest, and the guest's gratuitous ARP. */
static int announce(char **arg)
{
	struct sockaddr_ll sll = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
				   .sll_ifindex = if_nametoindex(arg[0]) };
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	unsigned int mac[6], rarp = 0, garp = 0, i;
	uint8_t want[6], frame[2048];

	if (sscanf(arg[1], "%x:%x:%x:%x:%x:%x", mac, mac + 1, mac + 2, mac + 3, mac + 4,
		   mac + 5) != 6)
		die("%s is no MAC address", arg[1]);
	for (i = 0; i < 6; i++)
		want[i] = mac[i];
	if (bind(fd, (struct sockaddr *)&sll, sizeof(sll)))
		die("%s: %s", arg[0], strerror(errno));
	while (access(arg[2], F_OK)) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		ssize_t n = poll(&pfd, 1, 100) == 1 ? recv(fd, frame, sizeof(frame), 0) : 0;

		if (n < 42 || memcmp(frame + 6, want, 6))
			continue;
		if (frame[12] == 0x80 && frame[13] == 0x35)
			rarp++;
		/* Gratuitous: sender and target have the same protocol address. */
		if (frame[12] == 0x08 && frame[13] == 0x06 && !memcmp(frame + 28, frame + 38, 4))
			garp++;
	}
	printf("%u RARP, %u gratuitous ARP\n", rarp, garp);
	return !rarp || !garp;
}

/* @cmd is a struct of ethtool.h. All of them start with the command. */
static void ethtool(const char *name, void *cmd, const char *what)
{
	struct ifreq ifr = { .ifr_data = cmd };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, SIOCETHTOOL, &ifr))
		die("%s of %s: %s", what, name, strerror(errno));
	close(fd);
}

static int rings(char **arg)
{
	struct ethtool_ringparam ring = { .cmd = ETHTOOL_GRINGPARAM };

	ethtool(arg[0], &ring, "reading the ring sizes");
	printf("rx %u of %u, tx %u of %u", ring.rx_pending, ring.rx_max_pending,
	       ring.tx_pending, ring.tx_max_pending);
	ring.cmd = ETHTOOL_SRINGPARAM;
	ring.rx_pending = atoi(arg[1]);
	ring.tx_pending = atoi(arg[2]);
	ethtool(arg[0], &ring, "; setting the ring sizes");
	printf("; now rx %u, tx %u\n", ring.rx_pending, ring.tx_pending);
	return 0;
}

static int channels(char **arg)
{
	struct ethtool_channels ch = { .cmd = ETHTOOL_GCHANNELS };
	unsigned int before;

	ethtool(arg[0], &ch, "reading the number of queues");
	before = ch.combined_count;
	ch.cmd = ETHTOOL_SCHANNELS;
	ch.combined_count = atoi(arg[1]);
	ethtool(arg[0], &ch, "setting the number of queues");
	ch.cmd = ETHTOOL_GCHANNELS;
	ethtool(arg[0], &ch, "reading the number of queues");
	printf("%u queues of %u, now %u\n", before, ch.max_combined, ch.combined_count);
	return ch.combined_count != (unsigned int)atoi(arg[1]);
}

/* ---- features of a vhost node ---- */

static int offers(char **arg)
{
	int fd = open(arg[0], O_RDWR);
	uint64_t features;

	if (fd < 0 || ioctl(fd, VHOST_GET_FEATURES, &features))
		die("%s: %s", arg[0], strerror(errno));
	printf("0x%llx\n", (unsigned long long)features);
	return 0;
}

/* The shell opened the file and passes it on to QEMU. */
static int mask(char **arg)
{
	struct vhost_tap_feature_mask m = { .features = { strtoull(arg[1], NULL, 0) } };

	if (ioctl(atoi(arg[0]), VHOST_TAP_SET_FEATURE_MASK, &m))
		die("VHOST_TAP_SET_FEATURE_MASK: %s", strerror(errno));
	return 0;
}

int stream_command(const char *cmd, int argc, char **arg)
{
	static const struct {
		const char *name;
		int argc;
		int (*run)(char **arg);
	} commands[] = {
		{ "stream", 4, stream },
		{ "dgrams", 4, dgrams },
		{ "flows", 3, flows },
		{ "hold", 3, hold },
		{ "hold-send", 3, hold_send },
		{ "announce", 3, announce },
		{ "rings", 3, rings },
		{ "channels", 2, channels },
		{ "offers", 1, offers },
		{ "mask", 2, mask },
	};
	unsigned int i;

	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(cmd, commands[i].name) && argc == commands[i].argc)
			return commands[i].run(arg);
	return -1;
}
