/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vtap.h - the objects of the datapath
 *
 * An open file is a device. It has one owner, one or more queue pairs, and the
 * workers that serve them; by default each pair has a worker of its own. RX moves
 * packets from the host to the guest. Documentation/locking.rst has all locks.
 *
 * Fields that different CPUs write are on cache lines of their own: those that
 * kicks and socket wake-ups write, those that the worker writes, and those that
 * only control code writes. scripts/check-layout.sh checks them.
 */
#ifndef VTAP_VTAP_H
#define VTAP_VTAP_H

#include <linux/cache.h>
#include <linux/cpumask.h>
#include <linux/hrtimer.h>
#include <linux/kcov.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/vhost.h>
#include <linux/virtio_net.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "backend/types.h"
#include "ring/ring_ops.h"
#include "bucket.h"
#include "busypoll.h"
#include "interface.h"
#include "stats.h"

/* Words of 64 feature bits. */
#define VTAP_FEATURE_WORDS	2

struct dentry;
struct eventfd_ctx;
struct file;
struct mm_struct;
struct net;
struct pid;
struct pid_namespace;
struct vtap_shared_thread;
struct vtap_thread;

/* Vring 2i of the ABI is the RX queue of pair i, vring 2i + 1 its TX queue. */
enum vtap_dir {
	VTAP_RX,
	VTAP_TX,
	VTAP_NR_DIRS
};

/* Queue pairs of one file. */
#define VTAP_MAX_PAIRS		256
#define VTAP_MAX_QUEUES		(VTAP_MAX_PAIRS * VTAP_NR_DIRS)

/* Budget of a pass. The worker's other queues come next. */
#define VTAP_PASS_PACKETS	256
#define VTAP_PASS_BYTES		(512 * 1024)

/* Budget bytes per descriptor, so that long chains of short buffers count. */
#define VTAP_DESC_WEIGHT	64

/*
 * The longest frame that a driver can mean to send: an IPv6 packet with the
 * largest payload, its header, Ethernet and two VLAN tags.
 */
#define VTAP_FRAME_MAX		(65535 + 40 + 14 + 8)

/* Times that a packet is sent again for lack of memory before it is dropped. */
#define VTAP_TX_RETRIES		8

enum vtap_queue_state {
	VTAP_STOPPED,		/* no backend */
	VTAP_RUNNING,
	VTAP_BROKEN,		/* after a ring fault; each kick retries it */
};

/* Action of the worker after a pass of a queue. */
enum vtap_verdict {
	VTAP_IDLE,		/* wait for a wake-up */
	VTAP_MORE,		/* budget used up: give it another pass */
	VTAP_POLL,		/* kicks are off: poll it, and give it a last pass */
};

/**
 * struct vtap_poll - a hook in the wait queue of an eventfd or a socket
 *
 * A wake-up sets the queue's WAKE bit in @worker. The hook stays armed.
 */
struct vtap_poll {
	/** @table: passes the hook through vfs_poll() */
	poll_table table;
	/** @wait: entry in @wqh */
	wait_queue_entry_t wait;
	/** @wqh: wait queue of the file; NULL if the hook is not armed */
	wait_queue_head_t *wqh;
	/** @queue: queue that the hook belongs to */
	struct vtap_queue *queue;
	/** @worker: worker to wake; changes under @wqh's lock while armed */
	struct vtap_worker *worker;
	/** @mask: EPOLL* events that matter */
	__poll_t mask;
};

/*
 * Pending bits of a queue. TX comes before RX in a word, so that a round serves
 * the guest's packets first.
 */
enum vtap_work {
	VTAP_WORK_WAKE,		/* set by a kick or the socket */
	VTAP_WORK_REQUEUED,	/* set by the driver itself */
	VTAP_NR_WORKS
};

#define VTAP_QUEUES_PER_WORD	(BITS_PER_LONG / VTAP_NR_WORKS)

/**
 * struct vtap_worker - serves queues of one device in a thread
 *
 * Setting a bit of @pending hands the queue to this worker, even if the queue
 * is attached to another one by then. Only the setter that finds the bit clear
 * wakes the thread. worker_pool.c passes on the bits of a worker that ends.
 */
struct vtap_worker {
	/** @pending: see vtap_work_bit(); set by any CPU, taken by the thread */
	unsigned long pending[VTAP_MAX_QUEUES / VTAP_QUEUES_PER_WORD]
		____cacheline_aligned_in_smp;

	/* Read by any CPU, written by control code only. */

	/** @thread: the thread, which has other workers as well if @shared is set */
	struct vtap_thread *thread ____cacheline_aligned_in_smp;
	/** @dev: device; constant */
	struct vtap_dev *dev;
	/** @id: id in the ABI, and key in vtap_dev.workers; constant */
	u32 id;
	/** @nr_queues: attached queues; protected by vtap_dev.lock */
	u32 nr_queues;
	/** @first: lowest index of a queue ever attached */
	u16 first;
	/** @last: highest index of a queue ever attached */
	u16 last;
	/** @follow: what determines @node (numa.c); constant */
	u8 follow;
	/** @stop: stop polling; a stale value costs one more poll */
	bool stop;
	/** @is_interrupted: no round begins; protected by vtap_shared_thread.lock */
	bool is_interrupted;
	/** @is_leaving: no round begins any more; protected as @is_interrupted */
	bool is_leaving;
	/** @node: node to run on, or NUMA_NO_NODE; set once */
	int node;
	/** @shared: the shared thread (shared_thread.c); NULL if it never has one */
	struct vtap_shared_thread *shared;
	/** @kcov_handle: adds the coverage of rounds to that of the owner; constant */
	typeof(kcov_common_handle()) kcov_handle;

	/* Private to the thread. */

	/** @poll_ns: time to poll after this round that the client allows */
	u64 poll_ns ____cacheline_aligned_in_smp;
	/** @config_gen: value of vtap_dev.config_gen last seen */
	int config_gen;
	/** @busyloop_us: longest timeout of its queues, as of @config_gen */
	u32 busyloop_us;
	/** @busypoll: state of polling */
	struct vtap_busypoll busypoll;
	/** @is_last: this is the round before sleeping, which turns kicks on */
	bool is_last;
	/** @is_awake: it has worked since it slept last */
	bool is_awake;
	/** @others_wait: queues of this round wait for the current pass */
	bool others_wait;
	/** @node_is_applied: the thread has moved to @node */
	bool node_is_applied;
	/** @initial_cpus: affinity at the start, until @node_is_applied */
	cpumask_var_t initial_cpus;
	/** @kicks_off: REQUEUED bits of queues without kicks, polled in each round */
	unsigned long kicks_off[VTAP_MAX_QUEUES / VTAP_QUEUES_PER_WORD];

	/* Protected by vtap_shared_thread.lock. */

	/** @move_to: thread to move to after the round, or NULL */
	struct vtap_shared_thread *move_to;
	/** @shared_entry: entry in vtap_shared_thread.workers */
	struct list_head shared_entry;
};

/**
 * struct vtap_qcfg - settings of a pass that follow from the negotiated features
 *
 * Set by features.c between passes.
 */
struct vtap_qcfg {
	/** @guest_hlen: header bytes that the device adds (RX) or removes (TX) */
	u8 guest_hlen;
	/** @sock_hlen: header bytes that the backend writes or reads */
	u8 sock_hlen;
	/** @mergeable: a packet may use several chains */
	bool mergeable;
	/** @set_num_buffers: the header has a num_buffers field */
	bool set_num_buffers;
};

/**
 * struct vtap_miss - an IOTLB miss of a queue
 * @state: a queue has at most one miss, from its report to the client's answer
 * @perm: VHOST_ACCESS_*
 * @iova: address without a mapping
 *
 * Locking: vtap_dev.miss_lock.
 */
struct vtap_miss {
	enum vtap_miss_state {
		VTAP_MISS_NONE,
		VTAP_MISS_QUEUED,	/* the client has not read it yet */
		VTAP_MISS_READ,		/* the client has not answered it yet */
	} state;
	u8 perm;
	u64 iova;
};

/* Latency buckets: below 2 us, then powers of two, the last one from 2 s on. */
#define VTAP_LATENCY_FIRST	10
#define VTAP_LATENCY_BUCKETS	22

/**
 * struct vtap_latency - latency histograms of a queue (latency.c)
 * @is_on: latency is measured
 * @kick_at: ns, time of the first kick without used entries yet, or 0
 * @wake_at: ns, time of the first arrival without a call yet, or 0
 * @kick_to_done: histogram of the time from a kick to used entries
 * @wake_to_call: histogram of the time from an arrival to a call
 */
struct vtap_latency {
	bool is_on;
	u64 kick_at;
	u64 wake_at;
	u64 kick_to_done[VTAP_LATENCY_BUCKETS];
	u64 wake_to_call[VTAP_LATENCY_BUCKETS];
};

/**
 * struct vtap_load - time that workers spend in passes of a queue (load.c)
 * @is_on: the load is measured
 * @begin_ns: time at which the pass in progress began, or 0
 * @busy_ns: time spent in passes
 */
struct vtap_load {
	bool is_on;
	u64 begin_ns;
	u64 busy_ns;
};

/* The source of a limit. None of them can lift the limit of another one. */
enum vtap_limit_source {
	VTAP_LIMIT_HOST,	/* netlink, CAP_NET_ADMIN on the host */
	VTAP_LIMIT_NETNS,	/* netlink, CAP_NET_ADMIN in the namespace */
	VTAP_LIMIT_CLIENT,	/* ioctl; ends with VHOST_RESET_OWNER */
	VTAP_NR_LIMITS
};

/* The values that vtap_limit_set() changes. */
#define VTAP_LIMIT_RATE		BIT(0)	/* and the burst */
#define VTAP_LIMIT_PPS		BIT(1)

/**
 * struct vtap_limit_cfg - a limit that somebody set
 * @rate: bytes per second; 0 for no limit
 * @burst: bytes that may follow an idle time at once
 * @pps: packets per second; 0 for no limit
 */
struct vtap_limit_cfg {
	u64 rate;
	u64 burst;
	u64 pps;
};

/**
 * struct vtap_limit - rate limit of a queue (limit.c)
 * @gen: incremented with each change of @cfg
 * @cfg: the limits that were set
 * @gen_seen: value of @gen that the buckets are for
 * @bytes: bytes that the queue may move
 * @packets: packets that the queue may move
 * @bytes_seen: vtap_stats.bytes for which tokens were taken
 * @packets_seen: vtap_stats.packets for which tokens were taken
 * @until_ns: time at which a throttled queue may continue
 * @throttled_at: time at which it was throttled
 * @timer: wakes the worker at @until_ns
 *
 * Locking: vtap_queue.lock from @gen_seen on.
 */
struct vtap_limit {
	/** @lock: protects @cfg, and writes to @gen and vtap_queue.is_limited */
	spinlock_t lock;
	u32 gen;
	struct vtap_limit_cfg cfg[VTAP_NR_LIMITS];
	u32 gen_seen;
	struct vtap_bucket bytes;
	struct vtap_bucket packets;
	u64 bytes_seen;
	u64 packets_seen;
	u64 until_ns;
	u64 throttled_at;
	struct hrtimer timer;
};

/**
 * struct vtap_queue - one direction of a queue pair, served from one vring
 *
 * Locking: @lock serializes passes and reconfiguration, and protects each field
 * without a note of its own. Code that holds vtap_dev.lock may read the group
 * "configuration" without @lock, as nothing else writes it.
 */
struct vtap_queue {
	/** @lock: held by a pass, or by control code */
	struct mutex lock;

	/* Used by passes. */

	/** @state: stopped, running or broken */
	enum vtap_queue_state state;
	/** @keep_polling: TX: leave kicks off, because the worker polls */
	bool keep_polling;
	/** @requeue: the queue needs another pass; cleared by a worker without @lock */
	bool requeue;
	/** @is_limited: a limit is or was set; written under vtap_limit.lock */
	bool is_limited;
	/** @nr_retries: TX: retries for lack of memory, see vtap_send_single() */
	u8 nr_retries;
	/** @nr_uncalled: buffers published since the last vtap_queue_call() */
	u32 nr_uncalled;
	/** @spent_bytes: bytes of its budget that the limit denies a pass */
	u32 spent_bytes;
	/** @kicks_seen: kicks before the last pass; a later one retries a broken ring */
	u64 kicks_seen;
	/** @cfg: what the negotiated features mean */
	struct vtap_qcfg cfg;
	/** @spent_packets: packets of its budget that the limit denies a pass */
	u32 spent_packets;
	/** @ring: the virtqueue */
	struct vtap_ring ring;
	/** @mem: guest memory as this queue sees it */
	struct vtap_mem mem;
	/** @miss: unanswered IOTLB miss; @state is read without a lock */
	struct vtap_miss miss;
	/** @dirty: dirty log */
	struct vtap_dirty dirty;
	/** @backend: network side */
	struct vtap_backend backend;
	/** @call: eventfd for calls, or NULL */
	struct eventfd_ctx *call;
	/** @err: eventfd for ring faults, or NULL */
	struct eventfd_ctx *err;
	/** @log_call: eventfd to signal after a page was logged, or NULL */
	struct eventfd_ctx *log_call;
	/** @iov: segments of the current chains; VTAP_CHAIN_MAX entries */
	struct iovec *iov;
	/** @rx_used: RX: chains of the current packet; VTAP_CHAIN_MAX entries */
	struct vtap_used *rx_used;
	/** @rx_unstaged: RX: index in @rx_used at which the ring broke */
	u16 rx_unstaged;
	/** @nr_unstaged: RX: chains from there on that are still to be staged */
	u16 nr_unstaged;
	/** @reread_at: RX: ring position whose chains were fetched again last */
	u16 reread_at;
	/** @starved_at: ns, when @starved was set */
	u64 starved_at;
	/** @late_since_ns: TX: time since which the call waits, or 0 */
	u64 late_since_ns;
	/** @stats: counters; each has one writer and is read without a lock */
	struct vtap_stats stats;

	/* Read by kicks and socket wake-ups without a lock, rarely written. */

	/** @dev: device; constant */
	struct vtap_dev *dev ____cacheline_aligned_in_smp;
	/** @dir: RX or TX; constant */
	enum vtap_dir dir;
	/** @index: index of the vring; constant */
	u16 index;
	/**
	 * @starved: RX: packets wait for guest buffers, so wake-ups by more
	 * packets are ignored. A stale value costs one pass when it is set.
	 * vtap_rx_enable_wakeups() clears it, with a full barrier before the
	 * pass reads the backend's ring.
	 */
	bool starved;
	/**
	 * @blocked: TX: a frame waits for room in the socket; wake-ups of the
	 * socket are ignored otherwise. vtap_tx_block() sets it, with a full
	 * barrier before it checks the socket for room. A stale value costs one
	 * pass when it is cleared.
	 */
	bool blocked;
	/**
	 * @throttled: the limit makes the queue wait, so it has no work and
	 * wake-ups by more packets are ignored. Written under @lock. A stale
	 * value costs one visit when it is set. vtap_limit_release() clears it,
	 * with a full barrier before the pass reads the backend's ring.
	 */
	bool throttled;
	/** @kick_poll: hook in the kick eventfd */
	struct vtap_poll kick_poll;
	/** @sock_poll: hook in the socket */
	struct vtap_poll sock_poll;

	/* Configuration. */

	/** @worker: NULL without an owner; changes under vtap_dev.lock and @lock */
	struct vtap_worker *worker;
	/** @ring_cfg: addresses, size and format of the vring */
	struct vtap_ring_cfg ring_cfg;
	/** @base: ring position while stopped, as of vtap_ring_base() */
	u32 base;
	/** @busyloop_us: polling timeout; the worker reads it without a lock */
	u32 busyloop_us;
	/** @kick: eventfd file, or NULL */
	struct file *kick;
	/** @backend_fd: fd that the client passed for the backend, for netlink */
	int backend_fd;
	/**
	 * @gso_frags: TX: send GSO frames in page fragments; passes read it
	 * without vtap_dev.lock
	 */
	bool gso_frags;
	/** @interface: network device of the backend, for netlink */
	struct vtap_interface interface;

	/** @limit: rate limit, see @is_limited */
	struct vtap_limit limit;

	/* Observation. */

	/** @notify_due: a notification is due; atomic, see netlink_notify.c */
	u32 notify_due;
	/** @latency: histograms, if they are on */
	struct vtap_latency latency;
	/** @load: time spent in passes, if it is measured */
	struct vtap_load load;
};

/**
 * struct vtap_pair - a queue pair: one queue of a multi-queue tap
 * @queue: RX and TX
 */
struct vtap_pair {
	struct vtap_queue queue[VTAP_NR_DIRS];
};

/**
 * struct vtap_dev - one open file
 *
 * Locking: @lock serializes control code and protects each field without a note
 * of its own.
 */
struct vtap_dev {
	/** @lock: serializes control code */
	struct mutex lock;
	/** @id: serial number in traces, debugfs and netlink; constant */
	u32 id;
	/** @owner: owner's process (a reference), or NULL; read by debugfs, netlink */
	struct pid *owner;
	/** @mm: address space of the owner (mm_count reference), or NULL */
	struct mm_struct *mm;
	/** @features: features negotiated by VHOST_SET_FEATURES */
	u64 features[VTAP_FEATURE_WORDS];
	/** @mask: features that this file may offer */
	u64 mask[VTAP_FEATURE_WORDS];
	/** @backend_features: VHOST_BACKEND_F_* negotiated */
	u64 backend_features;
	/** @kthread: workers are kernel threads, not threads of the owner */
	bool kthread;
	/** @map: memory table, or NULL */
	struct vtap_memmap *map;
	/** @iotlb: device IOTLB, or NULL; readers of the file read it without @lock */
	struct vtap_iotlb *iotlb;
	/** @workers: struct vtap_worker by id; empty without an owner */
	struct xarray workers;
	/** @nr_pairs: queue pairs, at least 1; changes without an owner only */
	u32 nr_pairs;
	/** @adaptive_us: limit of adaptive polling, 0 for off; read without a lock */
	u32 adaptive_us;
	/** @config_gen: incremented by vtap_workers_config_changed() */
	atomic_t config_gen;
	/** @is_interrupted: kernel threads pause, see vtap_workers_interrupt() */
	bool is_interrupted;
	/** @layout_is_custom: a queue has another worker than @layout assigns */
	bool layout_is_custom;
	/** @layout: enum vhost_tap_layout that VHOST_SET_OWNER applies */
	u32 layout;
	/** @nr_shared: VHOST_TAP_WORKERS_SHARED: workers */
	u32 nr_shared;
	/** @nr_allocated: entries of @pair; a pair stays until close */
	u32 nr_allocated;
	/** @pair: the queue pairs, see vtap_for_each_queue() */
	struct vtap_pair *pair[VTAP_MAX_PAIRS];
	/** @debugfs: folder of the device */
	struct dentry *debugfs;
	/** @net: network namespace of the process that opened the file; constant */
	struct net *net;
	/** @is_registered: netlink shows the device; notifications read it unlocked */
	bool is_registered;
	/** @nr_regions: regions of @map, for netlink */
	u32 nr_regions;
	/** @miss_lock: protects vtap_queue.miss; a leaf */
	spinlock_t miss_lock;
	/** @miss_wait: readers of the file that wait for a miss */
	wait_queue_head_t miss_wait;
	/** @notify_work: sends notifications */
	struct delayed_work notify_work;
	/** @notify_next: jiffies of the earliest next run of @notify_work */
	unsigned long notify_next;
	/** @notify_from: vring that the next run starts with */
	u32 notify_from;
	/** @trim: frees the frame memory of idle queues */
	struct delayed_work trim;
};

/*
 * Workers read @config_gen and the fields around it in each round. A guest behind
 * an IOMMU makes its workers write @miss_lock.
 */
static_assert(offsetof(struct vtap_dev, config_gen) + SMP_CACHE_BYTES <=
	      offsetof(struct vtap_dev, miss_lock));

/* Vring @i of a device, which must be below vtap_nr_queues(). */
static inline struct vtap_queue *vtap_queue_at(const struct vtap_dev *dev,
					       u32 i)
{
	return &dev->pair[i / VTAP_NR_DIRS]->queue[i % VTAP_NR_DIRS];
}

/* Vrings of a device. Without vtap_dev.lock the number may grow at any time. */
static inline u32 vtap_nr_queues(const struct vtap_dev *dev)
{
	/* Pairs with the release in vtap_dev_set_pairs(): the pairs exist. */
	return smp_load_acquire(&dev->nr_pairs) * VTAP_NR_DIRS;
}

/*
 * Vring @i of a device, or NULL if it has fewer. The caller's program chooses @i,
 * so array_index_nospec() keeps a mispredicted check from reading past the pairs.
 */
static inline struct vtap_queue *vtap_queue_find(const struct vtap_dev *dev,
						 unsigned long i)
{
	u32 nr = vtap_nr_queues(dev);

	return i < nr ? vtap_queue_at(dev, array_index_nospec(i, nr)) : NULL;
}

#define vtap_for_each_queue(dev, q, i)					\
	for ((i) = 0; (i) < vtap_nr_queues(dev) &&			\
	     ((q) = vtap_queue_at(dev, i), true); (i)++)

/* Words of vtap_worker.pending that can have bits of worker @w. */
#define vtap_for_each_word(w, i)					\
	for ((i) = READ_ONCE((w)->first) / VTAP_QUEUES_PER_WORD;	\
	     (i) <= READ_ONCE((w)->last) / VTAP_QUEUES_PER_WORD; (i)++)

/* Bit of vtap_worker.pending. */
static inline u32 vtap_work_bit(const struct vtap_queue *q, enum vtap_work work)
{
	return (q->index ^ 1) * VTAP_NR_WORKS + work;
}

/* The queue of a bit of vtap_worker.pending. */
static inline struct vtap_queue *vtap_work_queue(const struct vtap_dev *dev,
						 u32 bit)
{
	return vtap_queue_at(dev, (bit / VTAP_NR_WORKS) ^ 1);
}

#include "datapath.h"

#endif /* VTAP_VTAP_H */
