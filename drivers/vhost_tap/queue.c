// SPDX-License-Identifier: GPL-2.0
/*
 * queue.c - configure, start and stop a queue
 *
 * A queue runs while it has a backend (VHOST_NET_SET_BACKEND). Until then ring_cfg
 * and base hold the client's settings. Documentation/design.rst ("Faults") lists
 * what retries a broken ring.
 */
#define pr_fmt(fmt)	KBUILD_MODNAME ": " fmt

#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "backend/backend.h"
#include "control.h"
#include "trace.h"

static bool gso_frags;
module_param(gso_frags, bool, 0644);
MODULE_PARM_DESC(gso_frags, "Send GSO frames of new files in page fragments (default off)");

static void vtap_queue_init_ring_cfg(struct vtap_queue *q)
{
	q->ring_cfg = (struct vtap_ring_cfg){
		.num = 1,
		.chains = q->dir == VTAP_RX ? VTAP_CHAINS_WRITABLE :
					      VTAP_CHAINS_READABLE,
	};
}

/**
 * vtap_queue_init - initialize a queue of a new device
 * @q: queue, zeroed
 * @dev: device of the queue
 * @index: vring index
 *
 * Return: 0 or -ENOMEM. Either way vtap_queue_free() frees @q.
 */
int vtap_queue_init(struct vtap_queue *q, struct vtap_dev *dev, u16 index)
{
	enum vtap_dir dir = index % VTAP_NR_DIRS;

	mutex_init(&q->lock);
	vtap_interface_init(&q->interface);
	q->dir = dir;
	q->index = index;
	q->dev = dev;
	vtap_queue_init_ring_cfg(q);
	q->backend.trim = &dev->trim;
	q->gso_frags = READ_ONCE(gso_frags);
	vtap_limit_init(q);
	vtap_poll_init(&q->kick_poll, q, EPOLLIN);
	vtap_poll_init(&q->sock_poll, q, dir == VTAP_RX ? EPOLLIN : EPOLLOUT);

	q->iov = kvcalloc(VTAP_CHAIN_MAX, sizeof(*q->iov), VTAP_GFP);
	if (!q->iov)
		return -ENOMEM;
	if (dir != VTAP_RX)
		return 0;
	q->rx_used = kvcalloc(VTAP_CHAIN_MAX, sizeof(*q->rx_used),
			      VTAP_GFP);
	return q->rx_used ? 0 : -ENOMEM;
}

/**
 * vtap_queue_free - free what vtap_queue_init() allocated
 * @q: queue, reset
 */
void vtap_queue_free(struct vtap_queue *q)
{
	kvfree(q->rx_used);
	kvfree(q->iov);
	vtap_interface_free(&q->interface);
	mutex_destroy(&q->lock);
}

/* Stop a queue. Returns the former backend, for the caller to put, or NULL. */
static struct socket *vtap_queue_stop(struct vtap_queue *q)
{
	struct socket *sock;
	u32 n;

	vtap_poll_disarm(&q->sock_poll);
	vtap_queue_lock(q);
	if (q->state != VTAP_STOPPED) {
		q->base = vtap_ring_base(&q->ring);
		vtap_queue_set_state(q, VTAP_STOPPED);
		vtap_queue_call_now(q);
		vtap_ring_unmap(&q->ring);
	}
	/*
	 * Each pass has flushed its bits to the log. Drop the bits that could
	 * not be written: the caller's memory need not be the owner's.
	 */
	vtap_dirty_drop(&q->dirty);
	vtap_miss_cancel(q);
	vtap_limit_stop(q);
	for (n = vtap_ring_rx_give_back(&q->backend); n; n--)
		vtap_queue_drop(q, VTAP_FAULT_RX_NO_ROOM);
	sock = vtap_backend_detach(&q->backend);
	mutex_unlock(&q->lock);
	vtap_interface_set(&q->interface, NULL, NULL, VTAP_BACKEND_NONE);
	return sock;
}

/* Explain the usual cause of an error: the VMM has more queues than the tap accepts. */
static void vtap_queue_backend_error(void)
{
	pr_notice_ratelimited("%s[%d]: the file descriptor of the tap has no device; create the tap with multi_queue for several queues\n",
			      current->comm, task_pid_nr(current));
}

static int vtap_queue_start(struct vtap_queue *q, struct socket *sock,
			    enum vtap_backend_kind kind)
{
	bool batches = q->dir == VTAP_TX &&
		       vtap_backend_takes_batches(sock, kind, q->dev->net);
	int err;

	vtap_queue_lock(q);
	err = vtap_ring_start(&q->ring, &q->ring_cfg, q->base);
	vtap_queue_end(q);
	if (!err) {
		vtap_backend_attach(&q->backend, q->dir, sock, kind, batches);
		WRITE_ONCE(q->starved, false);
		WRITE_ONCE(q->blocked, false);
		q->nr_uncalled = 0;
		q->nr_retries = 0;
		q->nr_unstaged = 0;
	}
	mutex_unlock(&q->lock);
	if (err)
		return err;

	/* Allow passes only once the backend is known to work. */
	err = vtap_poll_arm(&q->sock_poll, sock->file);
	if (err) {
		if (err == -EINVAL && kind == VTAP_BACKEND_TAP)
			vtap_queue_backend_error();
		vtap_queue_stop(q);	/* the caller still has @sock */
		return err;
	}
	/* Set the interface first: the state's notification reports it. */
	vtap_interface_set(&q->interface, q->dev->net, sock, kind);
	vtap_queue_lock(q);
	vtap_queue_set_state(q, VTAP_RUNNING);
	mutex_unlock(&q->lock);
	vtap_numa_set_node(q);
	/* Buffers added before the hook was armed came without a kick. */
	vtap_queue_wake(q);
	return 0;
}

/**
 * vtap_queue_set_backend - VHOST_NET_SET_BACKEND: start, stop or switch a queue
 * @q: queue of a device with an owner
 * @fd: tap, macvtap or packet socket, or -1 to stop
 *
 * Stopping always succeeds, whatever the state of memory, ring or tap, because QEMU
 * aborts the guest on an error. If a new backend cannot be started, the old one stays.
 *
 * Context: vtap_dev.lock held. Waits for the pass in progress.
 * Return: 0, or a negative errno:
 *
 * * -EFAULT: the ring, guest memory or the dirty log is not set up or not
 *   accessible.
 * * -ENOTSOCK: @fd is not a supported backend.
 * * -EINVAL: a tun without a device, or a ring size or position that the ring
 *   format does not allow.
 * * -EOPNOTSUPP: the host is big-endian and the guest has not acked VERSION_1.
 */
int vtap_queue_set_backend(struct vtap_queue *q, int fd)
{
	enum vtap_backend_kind kind, old_kind = q->backend.kind;
	const struct vtap_memmap *map = q->dev->map;
	struct socket *sock, *old;
	int err;

	lockdep_assert_held(&q->dev->lock);
	if (fd == -1) {
		old = vtap_queue_stop(q);
		if (old)
			sockfd_put(old);
		return 0;
	}
	if (!map || !map->in_user_space ||
	    !vtap_ring_memory_ok(&q->ring_cfg) ||
	    !vtap_queue_log_ok(q, q->dirty.base, map, q->dirty.payload,
			       q->ring_cfg.iotlb))
		return -EFAULT;
	if (!vtap_features_byte_order_ok(q->dev->features))
		return -EOPNOTSUPP;
	sock = vtap_backend_socket(fd, &kind);
	if (IS_ERR(sock))
		return PTR_ERR(sock);
	/* Setting the same backend again only restarts a broken queue. */
	if (sock == q->backend.sock && q->state == VTAP_RUNNING) {
		WRITE_ONCE(q->backend_fd, fd);
		sockfd_put(sock);
		return 0;
	}

	old = vtap_queue_stop(q);
	err = vtap_queue_start(q, sock, kind);
	if (err) {
		sockfd_put(sock);
		if (old && !vtap_queue_start(q, old, old_kind))
			return err;
	}
	if (old)
		sockfd_put(old);
	if (!err)
		WRITE_ONCE(q->backend_fd, fd);
	return err;
}

/* Retry a broken queue, because memory has changed. q->lock held. */
static void vtap_queue_recover(struct vtap_queue *q)
{
	lockdep_assert_held(&q->lock);
	if (q->state != VTAP_BROKEN)
		return;
	/* Only another log recovers from a failed log. */
	if (q->ring.fault == VTAP_FAULT_LOG_ACCESS && q->dirty.failed)
		return;
	if (!vtap_ring_clear_fault(&q->ring))
		return;
	vtap_queue_set_state(q, VTAP_RUNNING);
	vtap_queue_wake(q);
}

/*
 * The ring has moved or has another format. The client may never answer the
 * outstanding miss now, so the next pass reports a new one. q->lock held.
 */
static void vtap_queue_relocate(struct vtap_queue *q)
{
	lockdep_assert_held(&q->lock);
	vtap_miss_cancel(q);
	/* Logging has ended: forget its failure, drop collected bits. */
	if (!q->dirty.payload && !q->dirty.ring)
		vtap_dirty_drop(&q->dirty);
	if (q->state != VTAP_STOPPED)
		vtap_ring_relocate(&q->ring, &q->ring_cfg);
}

/**
 * vtap_queue_set_map - set the memory table of a queue
 * @q: queue, may be running
 * @map: the table; NULL only while the queue is stopped
 *
 * Context: vtap_dev.lock held. Waits for the pass in progress.
 */
void vtap_queue_set_map(struct vtap_queue *q, const struct vtap_memmap *map)
{
	lockdep_assert_held(&q->dev->lock);
	vtap_queue_lock(q);
	vtap_mem_set(&q->mem, map, q->mem.tlb);
	q->dirty.map = map;
	q->dirty.hit.size = 0;
	vtap_queue_recover(q);
	mutex_unlock(&q->lock);
}

/**
 * vtap_queue_set_tlb - enable or disable the device IOTLB of a queue
 * @q: queue, may be running
 * @tlb: an empty cache, or NULL to use the memory table
 *
 * The ring's addresses have another meaning now. If the queue is running, the
 * caller calls vtap_queue_set_features() next.
 *
 * Context: vtap_dev.lock held. Waits for the pass in progress.
 * Return: the former cache, for the caller to free, or NULL.
 */
struct vtap_tlb *vtap_queue_set_tlb(struct vtap_queue *q, struct vtap_tlb *tlb)
{
	struct vtap_tlb *old;

	lockdep_assert_held(&q->dev->lock);
	vtap_queue_lock(q);
	old = q->mem.tlb;
	vtap_mem_set(&q->mem, q->mem.map, tlb);
	q->ring_cfg.iotlb = tlb;
	q->dirty.ring_by_user = tlb;
	vtap_queue_relocate(q);
	mutex_unlock(&q->lock);
	return old;
}

/**
 * vtap_queue_invalidate - drop translations of a range of I/O virtual addresses
 * @q: queue, may be running
 * @first: first address
 * @last: last address
 *
 * No pass uses a former translation of the range once this returns.
 *
 * Context: vtap_dev.lock held. Waits for the pass in progress.
 */
void vtap_queue_invalidate(struct vtap_queue *q, u64 first, u64 last)
{
	lockdep_assert_held(&q->dev->lock);
	vtap_queue_lock(q);
	vtap_mem_invalidate(&q->mem, first, last);
	if (q->state != VTAP_STOPPED && q->ring_cfg.iotlb &&
	    vtap_ring_touches(&q->ring_cfg, first, last))
		vtap_ring_unmap(&q->ring);
	vtap_queue_recover(q);
	mutex_unlock(&q->lock);
}

/**
 * vtap_queue_set_features - apply the acked features to a queue
 * @q: queue, may be running; checked with vtap_queue_memory_ok()
 * @cfg: settings for passes that follow from @features
 * @features: VTAP_FEATURE_WORDS words of feature bits
 *
 * Context: vtap_dev.lock held. Waits for the pass in progress.
 */
void vtap_queue_set_features(struct vtap_queue *q, const struct vtap_qcfg *cfg,
			     const u64 *features)
{
	bool packed = features[0] & BIT_ULL(VIRTIO_F_RING_PACKED);

	lockdep_assert_held(&q->dev->lock);
	vtap_queue_lock(q);
	q->cfg = *cfg;
	if (q->ring_cfg.packed != packed)	/* only while stopped */
		q->base = packed ? VTAP_PACKED_FRESH : 0;
	q->ring_cfg.packed = packed;
	q->ring_cfg.event_idx = features[0] & BIT_ULL(VIRTIO_RING_F_EVENT_IDX);
	q->ring_cfg.call_on_empty =
		features[0] & BIT_ULL(VIRTIO_F_NOTIFY_ON_EMPTY);
	q->dirty.payload = features[0] & BIT_ULL(VHOST_F_LOG_ALL);
	vtap_queue_relocate(q);
	vtap_queue_recover(q);
	mutex_unlock(&q->lock);
	vtap_queue_wake(q);
}

/**
 * vtap_queue_memory_ok - check whether a running queue can use these features
 * @q: queue
 * @event_idx: the ring has event words
 * @iotlb: the ring's addresses are I/O virtual
 *
 * Return: true if it can, or if the queue has no backend.
 */
bool vtap_queue_memory_ok(const struct vtap_queue *q, bool event_idx, bool iotlb)
{
	struct vtap_ring_cfg cfg = q->ring_cfg;

	lockdep_assert_held(&q->dev->lock);
	cfg.event_idx = event_idx;
	cfg.iotlb = iotlb;
	return !q->backend.sock || vtap_ring_memory_ok(&cfg);
}

/* In a packed ring the device also writes descriptors. */
static bool vtap_queue_logs_desc(const struct vtap_ring_cfg *cfg)
{
	return cfg->packed && cfg->log;
}

/* Check that the log covers the device's part of the ring. */
static bool vtap_queue_ring_log_ok(const struct vtap_ring_cfg *cfg, u64 base,
				   u64 gpa)
{
	return !cfg->log ||
	       vtap_dirty_range_ok(base, gpa, vtap_ring_size(cfg).used);
}

/**
 * vtap_queue_log_ok - check the address of a dirty log
 * @q: queue
 * @base: user address of the bitmap
 * @map: memory table
 * @payload: VHOST_F_LOG_ALL is acked, or about to be
 * @iotlb: the same for VIRTIO_F_ACCESS_PLATFORM: the ring's guest address is unused
 *
 * Return: true if each page that may have to be logged has its bit in user
 * memory.
 */
bool vtap_queue_log_ok(const struct vtap_queue *q, u64 base,
		       const struct vtap_memmap *map, bool payload, bool iotlb)
{
	lockdep_assert_held(&q->dev->lock);
	return (!(payload || vtap_queue_logs_desc(&q->ring_cfg)) ||
		vtap_dirty_map_ok(base, map)) &&
	       (iotlb ||
		vtap_queue_ring_log_ok(&q->ring_cfg, base, q->dirty.ring_gpa));
}

/**
 * vtap_queue_set_log - set the address of the dirty log of a queue
 * @q: queue, may be running; checked with vtap_queue_log_ok()
 * @base: user address of the bitmap
 *
 * Context: vtap_dev.lock held. Waits for the pass in progress.
 */
void vtap_queue_set_log(struct vtap_queue *q, u64 base)
{
	lockdep_assert_held(&q->dev->lock);
	vtap_queue_lock(q);
	q->dirty.base = base;
	q->dirty.failed = false;
	q->dirty.lost = false;
	vtap_queue_recover(q);
	mutex_unlock(&q->lock);
	vtap_queue_wake(q);
}

/**
 * vtap_queue_set_addr - VHOST_SET_VRING_ADDR: set the addresses of a ring
 * @q: queue, may be running
 * @a: addresses from the client
 *
 * Context: vtap_dev.lock held. Waits for the pass in progress.
 * Return: 0, -EOPNOTSUPP for unknown flags, or -EINVAL if an address is
 * misaligned, or if the queue is running and the ring or its dirty log lies
 * outside user memory.
 */
int vtap_queue_set_addr(struct vtap_queue *q, const struct vhost_vring_addr *a)
{
	struct vtap_ring_cfg cfg = q->ring_cfg;

	lockdep_assert_held(&q->dev->lock);
	if (a->flags & ~(1u << VHOST_VRING_F_LOG))
		return -EOPNOTSUPP;
	if (!IS_ALIGNED(a->avail_user_addr, VRING_AVAIL_ALIGN_SIZE) ||
	    !IS_ALIGNED(a->used_user_addr, VRING_USED_ALIGN_SIZE) ||
	    !IS_ALIGNED(a->log_guest_addr, VRING_USED_ALIGN_SIZE))
		return -EINVAL;

	cfg.desc = a->desc_user_addr;
	cfg.avail = a->avail_user_addr;
	cfg.used = a->used_user_addr;
	cfg.log = a->flags & (1u << VHOST_VRING_F_LOG) ? &q->dirty : NULL;
	if (!vtap_ring_aligned(&cfg))
		return -EINVAL;
	if (q->backend.sock &&
	    (!vtap_ring_memory_ok(&cfg) ||
	     (vtap_queue_logs_desc(&cfg) &&
	      !vtap_dirty_map_ok(q->dirty.base, q->dev->map)) ||
	     (!cfg.iotlb &&
	      !vtap_queue_ring_log_ok(&cfg, q->dirty.base, a->log_guest_addr))))
		return -EINVAL;

	vtap_queue_lock(q);
	q->ring_cfg = cfg;
	q->dirty.ring = cfg.log;
	q->dirty.ring_gpa = a->log_guest_addr;
	vtap_queue_relocate(q);
	vtap_queue_recover(q);
	mutex_unlock(&q->lock);
	vtap_queue_wake(q);
	return 0;
}

/**
 * vtap_queue_set_kick - VHOST_SET_VRING_KICK: set the eventfd of the guest's kicks
 * @q: queue, may be running
 * @fd: eventfd, or VHOST_FILE_UNBIND
 *
 * Return: 0, -EBADF if @fd is not open, or -EINVAL if it is not an eventfd.
 */
int vtap_queue_set_kick(struct vtap_queue *q, int fd)
{
	struct file *file = NULL, *old = q->kick;

	lockdep_assert_held(&q->dev->lock);
	if (fd != VHOST_FILE_UNBIND) {
		file = eventfd_fget(fd);
		if (IS_ERR(file))
			return PTR_ERR(file);
	}
	if (file == old) {
		if (file)
			fput(file);
		return 0;
	}
	vtap_poll_disarm(&q->kick_poll);
	q->kick = file;
	if (old)
		fput(old);
	if (!file)
		return 0;
	/* A kick that the eventfd already holds was not counted. */
	vtap_queue_lock(q);
	q->kicks_seen--;
	mutex_unlock(&q->lock);
	return vtap_poll_arm(&q->kick_poll, file);
}

/**
 * vtap_queue_set_eventfd - set an eventfd that the queue signals
 * @q: queue, may be running
 * @slot: &q->call, &q->err or &q->log_call
 * @fd: eventfd, or VHOST_FILE_UNBIND
 *
 * The former eventfd is not signaled any more once this returns.
 *
 * Context: vtap_dev.lock held. Waits for the pass in progress.
 * Return: 0, -EBADF if @fd is not open, or -EINVAL if it is not an eventfd.
 */
int vtap_queue_set_eventfd(struct vtap_queue *q, struct eventfd_ctx **slot,
			   int fd)
{
	struct eventfd_ctx *ctx = NULL;

	lockdep_assert_held(&q->dev->lock);
	if (fd != VHOST_FILE_UNBIND) {
		ctx = eventfd_ctx_fdget(fd);
		if (IS_ERR(ctx))
			return PTR_ERR(ctx);
	}
	vtap_queue_lock(q);
	if (slot == &q->call)
		vtap_queue_call_now(q);
	swap(*slot, ctx);
	mutex_unlock(&q->lock);
	if (ctx)
		eventfd_ctx_put(ctx);
	return 0;
}

/**
 * vtap_queue_base - VHOST_GET_VRING_BASE: get the position of a queue in its ring
 * @q: queue, may be running
 *
 * The position of a stopped queue is exact: nothing is in flight between passes.
 *
 * Context: vtap_dev.lock held. Waits for the pass in progress.
 * Return: the position in the format of vtap_ring_base().
 */
u32 vtap_queue_base(struct vtap_queue *q)
{
	u32 base;

	lockdep_assert_held(&q->dev->lock);
	vtap_queue_lock(q);
	base = q->state == VTAP_STOPPED ? q->base : vtap_ring_base(&q->ring);
	mutex_unlock(&q->lock);
	return base;
}

/**
 * vtap_queue_reset - return a queue to its initial state
 * @q: queue without worker
 *
 * The counters, and limits set by netlink, stay: they belong to the open file.
 */
void vtap_queue_reset(struct vtap_queue *q)
{
	lockdep_assert_held(&q->dev->lock);
	vtap_queue_set_backend(q, -1);
	vtap_queue_set_kick(q, VHOST_FILE_UNBIND);
	vtap_queue_set_eventfd(q, &q->call, VHOST_FILE_UNBIND);
	vtap_queue_set_eventfd(q, &q->err, VHOST_FILE_UNBIND);
	vtap_queue_set_eventfd(q, &q->log_call, VHOST_FILE_UNBIND);
	vtap_queue_init_ring_cfg(q);
	vtap_dirty_init(&q->dirty);
	q->cfg = (struct vtap_qcfg){};
	q->base = 0;
	vtap_queue_set_busyloop(q, 0);
	WRITE_ONCE(q->gso_frags, READ_ONCE(gso_frags));
	vtap_limit_set(q, VTAP_LIMIT_CLIENT, &(struct vtap_limit_cfg){},
		       VTAP_LIMIT_RATE | VTAP_LIMIT_PPS);
}
