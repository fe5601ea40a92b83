/* SPDX-License-Identifier: GPL-2.0 */
/*
 * soak.h - state that the processes of the soak share
 *
 * Each slot is a network namespace with two processes. The host process makes a few links
 * with a packet socket on each, sends and receives frames there, deletes links, and starts
 * and kills the owner. The owner is a guest in a process: it opens devices, moves frames
 * and operates on the device meanwhile.
 */
#ifndef VTAP_SOAK_H
#define VTAP_SOAK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SLOTS		3
#define LINKS_MAX	3
#define FRAME_MAX	9000
/* A queue with work that stands still for this time is stuck. */
#define STUCK_MS	20000

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define GET(x)		__atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define SET(x, v)	__atomic_store_n(&(x), v, __ATOMIC_RELEASE)

#define COUNTS(C)							\
	C(devices, "devices opened and closed")				\
	C(starts, "times that all queues of a device started")		\
	C(stops, "times that they stopped under traffic")		\
	C(drained, "times that all frames arrived before the stop")	\
	C(no_memory, "calls that failed for lack of memory")		\
	C(moves, "queues moved to another worker")			\
	C(workers, "workers added or freed")				\
	C(restarts, "single queues stopped and started")		\
	C(settings, "memory tables, calls and polling times set")	\
	C(invalidations, "ranges of the IOTLB invalidated")		\
	C(misses, "IOTLB misses served")				\
	C(taps, "taps made")						\
	C(macvtaps, "macvtaps made")					\
	C(deletions, "links deleted under traffic")			\
	C(kills, "owners killed by SIGKILL")				\
	C(oom_kills, "owners killed at the limit of their memory cgroup") \
	C(limits, "memory limits set to what the owner uses")		\
	C(reloads, "times that the module was unloaded and loaded")	\
	C(refusals, "times that it refused to unload")			\
	C(tx_frames, "TX: chains that devices used")			\
	C(tx_packets, "TX: packets, by the counters of the devices")	\
	C(tx_faults, "TX: drops, by the counters of the devices")	\
	C(tx_received, "TX: frames that arrived at the host")		\
	C(tx_link_drops, "TX: drops of links and packet sockets")	\
	C(rx_tried, "RX: frames that the host sent")			\
	C(rx_link_drops, "RX: drops of links")				\
	C(rx_left, "RX: frames left in the queues of links")		\
	C(rx_packets, "RX: packets, by the counters of the devices")	\
	C(rx_faults, "RX: drops, by the counters of the devices")	\
	C(rx_received, "RX: frames that arrived in the guests")		\
	C(device_sums, "sums of a device checked")			\
	C(link_sums, "sums of a link checked")				\
	C(unknown_sums, "sums of a link not known: deleted or killed")

enum count {
#define COUNT_ENUM(name, text)	name,
	COUNTS(COUNT_ENUM)
#undef COUNT_ENUM
	NR_COUNTS
};

/**
 * struct flow - traffic of one link, which one pair of vrings serves
 * @is_open: RX has buffers, so the host sends
 * @is_gone: the host deletes the link now or has done so
 * @rx_tried: frames sent into the link; their numbers are 0 and up
 * @rx_dropped: of these, what links dropped, as of the last look
 * @rx_got: frames that the guest received
 * @tx_next: number of the next frame that the host expects
 * @tx_got: frames that the host received
 * @tx_seq: number of the next frame that the guest sends with a new device
 * @packets, @faults: counters of the closed devices, by direction
 * @tries: sends that failed: the device repeated them, or dropped the packet
 */
struct flow {
	bool is_open;
	bool is_gone;
	uint32_t rx_tried;
	uint32_t rx_dropped;
	uint32_t rx_got;
	uint32_t tx_next;
	uint32_t tx_got;
	uint32_t tx_seq;
	uint64_t packets[2];
	uint64_t faults[2];
	uint64_t tries;
};

/**
 * struct slot - a network namespace, its host process and its owner
 * @is_quiet: the owner asks the host not to send
 * @was_quiet: the host has seen it, and @rx_dropped is final
 * @must_stop: a queue could not start again, so the owner ends
 * @is_idle: the slot waits for the end of a reload
 * @fd: backend of each link
 * @is_unknown: a device had no counters, for lack of memory
 */
struct slot {
	unsigned int id;
	uint64_t random;
	unsigned int nr;
	int fd[LINKS_MAX];
	struct flow flow[LINKS_MAX];
	bool is_quiet;
	bool was_quiet;
	bool must_stop;
	bool is_idle;
	bool is_unknown;
};

struct shared {
	bool must_end;
	bool must_idle;
	bool has_failed;
	bool is_stuck;
	unsigned long count[NR_COUNTS];
	unsigned long fault[2][64];	/* drops of devices by reason, in the order of debugfs */
	char fault_name[64][24];
	struct slot slot[SLOTS];
};

extern struct shared *all;

#define ADD(name, n)	__atomic_add_fetch(&all->count[name], n, __ATOMIC_RELAXED)

/* Report a failure, which ends the soak. */
void fail(const struct slot *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Check whether the owner of a slot has to end its device now. */
bool must_stop(struct slot *s);
/* Return a number below @n. */
uint32_t draw(struct slot *s, uint32_t n);
bool one_in(struct slot *s, uint32_t n);
size_t frame_len(uint32_t seq);

void host_main(struct slot *s);
void owner_main(struct slot *s);

#endif /* VTAP_SOAK_H */
