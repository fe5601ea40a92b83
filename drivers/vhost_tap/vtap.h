/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vtap.h - the datapath's objects, and every function a packet meets
 *
 * Read before: ring/ring.h, stats.h. Read next: worker.c, tx.c, rx.c.
 *
 * One open file is one device with one owner: pairs of queues, RX and TX as the
 * guest names them (RX: host to guest), one pair unless the client asks for
 * more, and workers, one for each pair unless it says otherwise.
 *
 * Lock order: vtap_dev.lock, vtap_queue.lock, then the leaves vtap_dev.miss_lock
 * and vtap_iotlb.lock. The table is in
 * Documentation/locking.rst.
 */
#ifndef VTAP_VTAP_H
#define VTAP_VTAP_H

#include <linux/cpumask.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/types.h>
#include <linux/vhost.h>
#include <linux/virtio_net.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <net/xdp.h>

#include "ring/ring_ops.h"
#include "busypoll.h"
#include "interface.h"
#include "stats.h"

/* Words of feature bits: what virtio knows has outgrown one. */
#define VTAP_FEATURE_WORDS	2

struct dentry;
struct eventfd_ctx;
struct file;
struct mm_struct;
struct net;
struct net_device;
struct pid;
struct pid_namespace;
struct ptr_ring;
struct socket;
struct vtap_thread;

/* Vring 2i of the ABI is pair i's RX, vring 2i + 1 its TX. */
enum vtap_dir {
	VTAP_RX,
	VTAP_TX,
	VTAP_NR_DIRS
};

/* Pairs of queues behind one file. */
#define VTAP_MAX_PAIRS		256
#define VTAP_MAX_QUEUES		(VTAP_MAX_PAIRS * VTAP_NR_DIRS)

/* Packets handed to or taken from the backend in one go. */
#define VTAP_BATCH		64

/* What one pass may move before the other queue gets its turn. */
#define VTAP_PASS_PACKETS	256
#define VTAP_PASS_BYTES		(512 * 1024)

/* What a descriptor weighs in bytes: long chains of nothing are work, too. */
#define VTAP_DESC_WEIGHT	64

/*
 * The longest frame that any guest can mean: an IPv6 packet with the largest
 * payload, its header, Ethernet and two VLAN tags.
 */
#define VTAP_FRAME_MAX		(65535 + 40 + 14 + 8)

/* Sends repeated for want of memory before the packet is dropped. */
#define VTAP_TX_RETRIES		8

enum vtap_queue_state {
	VTAP_STOPPED,		/* no backend */
	VTAP_RUNNING,
	VTAP_BROKEN,		/* a ring fault; each kick tries again */
};

/* What a pass tells the worker. */
enum vtap_verdict {
	VTAP_IDLE,		/* nothing to do before the next wake-up */
	VTAP_MORE,		/* budget used up: come again */
	VTAP_POLL,		/* nothing to do; kicks are off: look yourself, and
				 * come again before you sleep
				 */
};

/**
 * struct vtap_poll - a hook in the wait queue of an eventfd or a socket
 *
 * Armed once and kept: a wake-up sets the queue's WAKE bit in @worker.
 */
struct vtap_poll {
	/** @table: carries the hook through vfs_poll() */
	poll_table table;
	/** @wait: entry in @wqh */
	wait_queue_entry_t wait;
	/** @wqh: where the hook hangs; NULL when not armed */
	wait_queue_head_t *wqh;
	/** @queue: whose hook it is */
	struct vtap_queue *queue;
	/** @worker: whom to wake; while armed it changes under @wqh's lock */
	struct vtap_worker *worker;
	/** @mask: EPOLL* events that count */
	__poll_t mask;
};

/*
 * What a worker is told of a queue. Two bits each, TX before RX: in a worker's
 * round the guest's packets go first.
 */
enum vtap_work {
	VTAP_WORK_WAKE,		/* a kick, or the socket */
	VTAP_WORK_REQUEUED,	/* our own doing */
	VTAP_NR_WORKS
};

#define VTAP_QUEUES_PER_WORD	(BITS_PER_LONG / VTAP_NR_WORKS)

/**
 * struct vtap_worker - a thread that serves queues of one device
 *
 * Whoever finds a bit of @pending set need not wake; whoever set it has the
 * queue served by this worker, also when the queue has another one by then.
 * The bits of a worker that ends are passed on (worker_pool.c).
 */
struct vtap_worker {
	/** @pending: see vtap_work_bit(); set by anyone, taken by the thread */
	unsigned long pending[VTAP_MAX_QUEUES / VTAP_QUEUES_PER_WORD];
	/** @first: no queue below was ever attached */
	u16 first;
	/** @last: nor above */
	u16 last;
	/** @stop: do not poll any more; a stale value costs one look, for what
	 * ends the thread (thread.c) has barriers of its own
	 */
	bool stop;
	/** @is_last: the round before sleeping, which turns kicks on */
	bool is_last;
	/** @poll_ns: how long to look for work after this round; the thread's
	 * own, as all that follows up to @task
	 */
	u64 poll_ns;
	/** @config_gen: of vtap_dev.config_gen, the last seen */
	int config_gen;
	/** @busyloop_us: the longest of its queues, as of @config_gen */
	u32 busyloop_us;
	/** @busypoll: when that pays */
	struct vtap_busypoll busypoll;
	/** @kicks_off: AGAIN bits of queues whose kicks are off; they have a pass in
	 * each round
	 */
	unsigned long kicks_off[VTAP_MAX_QUEUES / VTAP_QUEUES_PER_WORD];
	/** @others_wait: queues of this round wait for the pass in hand; the
	 * thread's own
	 */
	bool others_wait;
	/** @thread: the thread; constant */
	struct vtap_thread *thread;
	/** @dev: constant */
	struct vtap_dev *dev;
	/** @id: what the client calls it, key in vtap_dev.workers; constant */
	u32 id;
	/** @nr_queues: attached; vtap_dev.lock */
	u32 nr_queues;
	/** @follow: what decides on @node (numa.c); constant */
	u8 follow;
	/** @node_is_applied: @node was looked at; the thread's own */
	bool node_is_applied;
	/** @node: where it should be, or NUMA_NO_NODE; set once, by control */
	int node;
	/** @initial_cpus: CPUs; of no use any more once @node_is_applied */
	cpumask_var_t initial_cpus;
};

/* Pieces of memory that take turns; a batch's worth of full frames. */
#define VTAP_FRAME_PIECES	4

/**
 * struct vtap_frames - memory for frames, from the end of a piece to its start
 * @start: the piece in use
 * @left: its bytes not given to a frame yet
 * @refs: page references to it that are still ours; each frame got one
 * @at: its place in @piece
 * @piece: start (pages, one compound; NULL: none yet), bytes, and references
 *	that are ours while it is not in use
 * @nr_skip: pieces not to ask the page allocator for, because it had none
 * @nr_taken: pieces taken in use so far; with @left it tells whether any frame
 *	was allocated since the last vtap_xdp_tx_trim()
 * @trim_taken: @nr_taken as of then
 * @trim_left: @left as of then
 */
struct vtap_frames {
	void *start;
	u32 left;
	u32 refs;
	u32 at;
	struct vtap_piece {
		void *start;
		u32 size;
		u32 refs;
	} piece[VTAP_FRAME_PIECES];
	u32 nr_skip;
	u32 nr_taken;
	u32 trim_taken;
	u32 trim_left;
};

/*
 * Long frames of a size that may be on their way at a time; the others go by
 * sendmsg.
 */
#define VTAP_LONG_FRAMES	4

/* Memory for a long frame comes in two sizes: 64 and 128 KiB. */
#define VTAP_LONG_SIZES		2

/**
 * struct vtap_long - memory for long frames of a size, one each
 * @start: compound pages, NULL: none yet; a reference is ours, one the frame's
 * @at: the one in use
 * @nr_skip: frames to go by sendmsg before memory is asked for again
 * @is_used: since the last vtap_xdp_tx_trim()
 */
struct vtap_long {
	void *start[VTAP_LONG_FRAMES];
	u8 at;
	u8 nr_skip;
	bool is_used;
};

/* How often the memory of idle TX queues is looked at; see trim.c. */
#define VTAP_TRIM_INTERVAL	(2 * HZ)

/**
 * struct vtap_backend - the other end of a queue
 */
struct vtap_backend {
	/** @kind: decides what @sock understands */
	enum vtap_backend_kind kind;
	/** @sock: holds a reference on its file */
	struct socket *sock;
	/** @ring: RX: the ring that packets wait in; NULL: use recvmsg only */
	struct ptr_ring *ring;
	/** @batch: RX: packets taken from @ring and not delivered yet */
	void *batch[VTAP_BATCH];
	/** @batch_at: RX: next one in @batch */
	u16 batch_at;
	/** @nr_batch: RX: end of @batch; TX: frames in @xdp */
	u16 nr_batch;
	/** @direct_hlen: RX: header bytes that the backend was seen to add, so
	 * that skb_rx.c may do so as well; 0: not seen yet
	 */
	u8 direct_hlen;
	/** @nr_searches: RX: times that @dev was looked for */
	u8 nr_searches;
	/** @dev: RX, tun: whose packets these are; an address to compare */
	const struct net_device *dev;
	/** @dev_index: RX, tun: its ifindex */
	int dev_index;
	/** @nr_uncounted: RX, tun: packets that @dev does not know of yet */
	u32 nr_uncounted;
	/** @bytes_uncounted: RX, tun: their bytes */
	u32 bytes_uncounted;
	/** @batch_bytes: TX: bytes of the frames in @xdp */
	u32 batch_bytes;
	/** @nr_lost: TX: frames refused since the last vtap_backend_flush() */
	u32 nr_lost;
	/** @xdp: TX: frames that wait for the next flush */
	struct xdp_buff xdp[VTAP_BATCH];
	/** @frames: TX: where frames are allocated */
	struct vtap_frames frames;
	/** @long_frames: TX: where long ones are, by size */
	struct vtap_long long_frames[VTAP_LONG_SIZES];
	/** @trim: TX: to be scheduled when there is memory to give back one
	 * day; constant
	 */
	struct delayed_work *trim;
	/** @headroom: TX: bytes in front of each frame of this batch */
	u16 headroom;
	/** @batches: TX: the backend takes frames in batches */
	bool batches;
};

/**
 * struct vtap_qcfg - what the acked features mean for a pass
 *
 * Built by features.c, replaced between passes only.
 */
struct vtap_qcfg {
	/** @guest_hlen: header bytes that we add (RX) or remove (TX) */
	u8 guest_hlen;
	/** @sock_hlen: header bytes that the backend adds or takes */
	u8 sock_hlen;
	/** @mergeable: a packet may use several chains */
	bool mergeable;
	/** @set_num_buffers: the header has a num_buffers field to write */
	bool set_num_buffers;
};

/**
 * struct vtap_miss - a queue's question to the client's IOMMU
 * @state: there is at most one question, asked until answered
 * @perm: VHOST_ACCESS_*
 * @iova: address without a mapping
 *
 * Locking: vtap_dev.miss_lock.
 */
struct vtap_miss {
	enum vtap_miss_state {
		VTAP_MISS_NONE,
		VTAP_MISS_QUEUED,	/* waits to be read */
		VTAP_MISS_READ,		/* waits for the answer */
	} state;
	u8 perm;
	u64 iova;
};

/* Buckets of a latency: below 2 us, then a power of two each, to 2 s and more. */
#define VTAP_LATENCY_FIRST	10
#define VTAP_LATENCY_BUCKETS	22

/**
 * struct vtap_latency - how long a queue takes (latency.c)
 * @is_on: it is measured
 * @kick_at: ns, the kick that is not answered yet, or 0
 * @wake_at: ns, the arrival that is not told yet, or 0
 * @kick_to_done: from a kick to used entries
 * @wake_to_call: from an arrival to a call
 */
struct vtap_latency {
	bool is_on;
	u64 kick_at;
	u64 wake_at;
	u64 kick_to_done[VTAP_LATENCY_BUCKETS];
	u64 wake_to_call[VTAP_LATENCY_BUCKETS];
};

/**
 * struct vtap_queue - one direction of a pair
 *
 * Locking: @lock serialises passes and reconfiguration; it protects all but
 * what is marked. Control code that holds vtap_dev.lock may read the
 * "set by the client" group without @lock, for it alone writes there.
 */
struct vtap_queue {
	/** @lock: a pass, or control */
	struct mutex lock;
	/** @dir: RX or TX; constant */
	enum vtap_dir dir;
	/** @index: of the vring; constant */
	u16 index;
	/** @dev: constant */
	struct vtap_dev *dev;

	/* pass */
	enum vtap_queue_state state;
	/** @starved: RX: packets wait for guest buffers, and wake-ups by more
	 * packets are ignored. Read by vtap_poll_wakeup() without a lock. Set: a
	 * stale value there costs one idle pass. Cleared: with a full barrier
	 * before the backend's ring is read, see vtap_rx_enable_wakeups() in rx.c.
	 */
	bool starved;
	/** @blocked: TX: waits for room in the socket, without which its
	 * wake-ups are ignored. Read by vtap_poll_wakeup() without a lock. Set:
	 * with a full barrier before the socket is asked for room, see
	 * vtap_tx_block(). Cleared: a stale value costs one idle pass.
	 */
	bool blocked;
	/** @keep_polling: TX: leave kicks off, the worker looks */
	bool keep_polling;
	/** @requeue: the pass wants another one, whatever its verdict; read and
	 * cleared by the worker behind the pass. Where two workers take turns
	 * either gives it.
	 */
	bool requeue;
	/** @nr_uncalled: buffers published since the last vtap_queue_call() */
	u32 nr_uncalled;
	/** @nr_retries: TX: times the next chain met a lack of memory */
	u8 nr_retries;
	/** @kicks_seen: kicks counted before the last pass began; a broken ring
	 * is tried again when there are more
	 */
	u64 kicks_seen;
	struct vtap_qcfg cfg;
	struct vtap_ring ring;
	struct vtap_mem mem;
	/** @miss: what the pass waits for; looked at without a lock, the
	 * answer comes with a wake-up
	 */
	struct vtap_miss miss;
	/** @dirty: the way to the dirty log */
	struct vtap_dirty dirty;
	struct vtap_backend backend;
	/** @call: eventfd of the guest's interrupt, or NULL */
	struct eventfd_ctx *call;
	/** @err: eventfd for ring faults, or NULL */
	struct eventfd_ctx *err;
	/** @log_call: eventfd for news in the dirty log, or NULL */
	struct eventfd_ctx *log_call;
	struct vtap_stats stats;
	/** @iov: segments of the chains in hand; VTAP_CHAIN_MAX */
	struct iovec *iov;
	/** @rx_head: RX: heads of the packet in hand; VTAP_CHAIN_MAX */
	u32 *rx_head;
	/** @rx_len: RX: bytes used of each; VTAP_CHAIN_MAX */
	u32 *rx_len;
	/** @rx_unstaged: RX: the ring broke at this one of @rx_head */
	u16 rx_unstaged;
	/** @nr_unstaged: RX: from there on they are to be staged yet */
	u16 nr_unstaged;

	/* set by the client */
	/** @worker: who serves the queue; NULL without owner. Changes under
	 * vtap_dev.lock and @lock.
	 */
	struct vtap_worker *worker;
	struct vtap_ring_cfg ring_cfg;
	/** @base: where the ring goes on from, as of vtap_ring_base(), while
	 * stopped
	 */
	u32 base;
	/** @busyloop_us: read by the worker without a lock */
	u32 busyloop_us;
	/** @kick: eventfd file, or NULL */
	struct file *kick;
	struct vtap_poll kick_poll;
	struct vtap_poll sock_poll;
	/** @backend_fd: what the client called the backend, for netlink */
	int backend_fd;

	/** @notify_due: a notification is due; by anyone, without a lock. Set
	 * behind the new state with a full barrier between, cleared by xchg()
	 * before the state is read (netlink_notify.c).
	 */
	u32 notify_due;
	/** @starved_at: ns, since when @starved */
	u64 starved_at;
	struct vtap_latency latency;
	/** @interface: the backend, for netlink */
	struct vtap_interface interface;
};

/**
 * struct vtap_pair - what a multi-queue tap calls a queue
 * @queue: RX and TX
 */
struct vtap_pair {
	struct vtap_queue queue[VTAP_NR_DIRS];
};

/**
 * struct vtap_dev - one open file
 *
 * Locking: @lock serialises control; @mm is set under it once by
 * VHOST_SET_OWNER and cleared by VHOST_RESET_OWNER.
 */
struct vtap_dev {
	/** @lock: control */
	struct mutex lock;
	/** @id: serial number, names the device in traces, debugfs, netlink */
	u32 id;
	/** @owner: process that called VHOST_SET_OWNER (a reference), or NULL;
	 * may be read while debugfs or netlink shows the device
	 */
	struct pid *owner;
	/** @mm: the owner's address space (mm_count reference), or NULL */
	struct mm_struct *mm;
	/** @features: acked by VHOST_SET_FEATURES */
	u64 features[VTAP_FEATURE_WORDS];
	/** @mask: features that this file offers at most */
	u64 mask[VTAP_FEATURE_WORDS];
	/** @backend_features: VHOST_BACKEND_F_* acked */
	u64 backend_features;
	/** @kthread: the worker is to be a kernel thread, not of the owner */
	bool kthread;
	/** @map: memory table, or NULL */
	struct vtap_memmap *map;
	/** @iotlb: with VIRTIO_F_ACCESS_PLATFORM, or NULL; read without @lock
	 * by those who wait for a message
	 */
	struct vtap_iotlb *iotlb;
	/** @miss_lock: protects vtap_queue.miss; a leaf */
	spinlock_t miss_lock;
	/** @miss_wait: readers of the file, who wait for a question */
	wait_queue_head_t miss_wait;
	/** @workers: struct vtap_worker by id; none without owner */
	struct xarray workers;
	/** @nr_pairs: in use, at least 1; changes without owner only */
	u32 nr_pairs;
	/** @adaptive_us: limit of adaptive polling, 0 off; read by workers
	 * without a lock
	 */
	u32 adaptive_us;
	/** @config_gen: times that control changed what workers keep of it, see
	 * vtap_workers_config_changed()
	 */
	atomic_t config_gen;
	/** @is_interrupted: kernel threads rest, see vtap_workers_interrupt() */
	bool is_interrupted;
	/** @layout_is_custom: a queue was given another worker than @layout says */
	bool layout_is_custom;
	/** @layout: enum vhost_tap_layout, for VHOST_SET_OWNER */
	u32 layout;
	/** @nr_shared: VHOST_TAP_WORKERS_SHARED: workers */
	u32 nr_shared;
	/** @nr_allocated: of @pair; a pair stays until the file is closed */
	u32 nr_allocated;
	/** @pair: the queues, see vtap_for_each_queue() */
	struct vtap_pair *pair[VTAP_MAX_PAIRS];
	/** @debugfs: the device's folder */
	struct dentry *debugfs;
	/** @net: namespace of whoever opened the file; constant */
	struct net *net;
	/** @is_registered: netlink shows it; read without a lock: a stale value costs a
	 * notification of a device that comes or goes, which has its own
	 */
	bool is_registered;
	/** @nr_regions: of @map, for netlink */
	u32 nr_regions;
	/** @notify_work: sends notifications */
	struct delayed_work notify_work;
	/** @notify_next: earliest jiffies of its next run */
	unsigned long notify_next;
	/** @notify_from: the vring that it begins with */
	u32 notify_from;
	/** @trim: gives back the memory of idle queues */
	struct delayed_work trim;
};

/* Vring @i of a device; it has to be one. */
static inline struct vtap_queue *vtap_queue_at(const struct vtap_dev *dev,
					       u32 i)
{
	return &dev->pair[i / VTAP_NR_DIRS]->queue[i % VTAP_NR_DIRS];
}

/* Vrings of a device. Readers without vtap_dev.lock may find more at any time. */
static inline u32 vtap_nr_queues(const struct vtap_dev *dev)
{
	/* Pairs with the release in vtap_dev_set_pairs(): the pairs are there. */
	return smp_load_acquire(&dev->nr_pairs) * VTAP_NR_DIRS;
}

#define vtap_for_each_queue(dev, q, i)					\
	for ((i) = 0; (i) < vtap_nr_queues(dev) &&			\
	     ((q) = vtap_queue_at(dev, i), true); (i)++)

/* The words of vtap_worker.pending in which worker @w may have bits. */
#define vtap_for_each_word(w, i)					\
	for ((i) = READ_ONCE((w)->first) / VTAP_QUEUES_PER_WORD;	\
	     (i) <= READ_ONCE((w)->last) / VTAP_QUEUES_PER_WORD; (i)++)

/* Bit of vtap_worker.pending. */
static inline u32 vtap_work_bit(const struct vtap_queue *q, enum vtap_work work)
{
	return (q->index ^ 1) * VTAP_NR_WORKS + work;
}

#include "datapath.h"

#endif /* VTAP_VTAP_H */
