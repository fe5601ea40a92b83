/* SPDX-License-Identifier: GPL-2.0 */
/* types.h - struct vtap_backend, a member of struct vtap_queue */
#ifndef VTAP_BACKEND_TYPES_H
#define VTAP_BACKEND_TYPES_H

#include <linux/types.h>
#include <linux/workqueue.h>
#include <net/xdp.h>

#include "../interface.h"

struct net_device;
struct ptr_ring;
struct sk_buff;
struct socket;
struct vtap_frags;

/* Packets exchanged with the backend at a time. */
#define VTAP_BATCH		64

/* Pieces of frame memory, which are used in turn. */
#define VTAP_FRAME_PIECES	4

/**
 * struct vtap_frames - memory for frames, used from the end of a piece
 * @start: start of the current piece
 * @left: bytes of it that no frame has yet
 * @refs: remaining page references to it; each frame takes one
 * @cur: index of the current piece in @piece
 * @piece: start (compound pages, or NULL), bytes, and remaining references while the
 *	piece is not the current one
 * @nr_skip: allocations to skip after the page allocator failed
 * @nr_skip_large: frames of more than a page to send by sendmsg after that
 * @nr_taken: times that a piece became the current one; with @left it shows whether
 *	a frame was allocated since the last vtap_xdp_tx_trim()
 * @trim_taken: @nr_taken at that time
 * @trim_left: @left at that time
 */
struct vtap_frames {
	void *start;
	u32 left;
	u32 refs;
	u32 cur;
	struct vtap_piece {
		void *start;
		u32 size;
		u32 refs;
	} piece[VTAP_FRAME_PIECES];
	u32 nr_skip;
	u32 nr_skip_large;
	u32 nr_taken;
	u32 trim_taken;
	u32 trim_left;
};

/* Long frames of one size that can be in flight; others go by sendmsg. */
#define VTAP_LONG_FRAMES	4

/* Memory for a long frame has one of two sizes: 64 or 128 KiB. */
#define VTAP_LONG_SIZES		2

/**
 * struct vtap_long - memory for long frames of one size
 * @start: compound pages or NULL; the queue has one reference, the frame another
 * @cur: index of the last one used
 * @nr_skip: frames to send by sendmsg before memory is requested again
 * @is_used: used since the last vtap_xdp_tx_trim()
 */
struct vtap_long {
	void *start[VTAP_LONG_FRAMES];
	u8 cur;
	u8 nr_skip;
	bool is_used;
};

/* Interval at which the frame memory of idle TX queues is freed (trim.c). */
#define VTAP_TRIM_INTERVAL	(2 * HZ)

/**
 * struct vtap_backend - network side of a queue
 *
 * Locking: vtap_queue.lock.
 */
struct vtap_backend {
	/** @kind: tap, macvtap or packet socket */
	enum vtap_backend_kind kind;
	/** @sock: socket, with a reference to its file */
	struct socket *sock;
	/** @ring: RX: ring that packets wait in; NULL to use recvmsg only */
	struct ptr_ring *ring;
	/** @batch: RX: packets taken from @ring and not delivered yet */
	void *batch[VTAP_BATCH];
	/** @done: RX: delivered skbs that are freed at the end of the pass */
	struct sk_buff *done;
	/** @nr_done: RX: skbs in @done */
	u16 nr_done;
	/** @batch_next: RX: index of the next packet in @batch */
	u16 batch_next;
	/** @nr_batch: RX: packets in @batch; TX: frames in @xdp */
	u16 nr_batch;
	/** @direct_hlen: RX: header bytes that recvmsg writes; 0 if not known yet */
	u8 direct_hlen;
	/** @nr_searches: RX: times that @dev was searched */
	u8 nr_searches;
	/** @dev: RX, tap: device of the packets; compared, never followed */
	const struct net_device *dev;
	/** @dev_index: RX, tap: ifindex of @dev */
	int dev_index;
	/** @nr_uncounted: RX, tap: packets not added to @dev's counters yet */
	u32 nr_uncounted;
	/** @bytes_uncounted: RX, tap: bytes of these packets */
	u32 bytes_uncounted;
	/** @batch_bytes: TX: bytes of the frames in @xdp */
	u32 batch_bytes;
	/** @nr_lost: TX: frames refused since the last vtap_backend_flush() */
	u32 nr_lost;
	/** @first_piece: TX: frames.nr_taken at the start of this batch */
	u32 first_piece;
	/** @xdp: TX: frames that wait for the next flush */
	struct xdp_buff xdp[VTAP_BATCH];
	/** @frames: TX: memory for frames of up to 32 KiB */
	struct vtap_frames frames;
	/** @long_frames: TX: memory for long frames, by size */
	struct vtap_long long_frames[VTAP_LONG_SIZES];
	/** @frags: TX: memory for frames in page fragments, or NULL (frag_tx.c) */
	struct vtap_frags *frags;
	/** @trim: TX: work that frees unused memory, scheduled on allocation */
	struct delayed_work *trim;
	/** @headroom: TX: bytes in front of each frame of this batch */
	u16 headroom;
	/** @batches: TX: the backend takes frames in batches */
	bool batches;
	/** @large: TX: this batch takes frames of more than a page */
	bool large;
	/** @gso: TX: this batch takes GSO frames */
	bool gso;
};

#endif /* VTAP_BACKEND_TYPES_H */
