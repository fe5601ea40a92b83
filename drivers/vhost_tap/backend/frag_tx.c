// SPDX-License-Identifier: GPL-2.0
/*
 * frag_tx.c - send GSO frames of the guest in page fragments
 *
 * Kernel compatibility boundary. A frame that the host segments in software
 * should lie in page fragments: the segments then share its pages, where they
 * copy the bytes of a linear frame. The frame is copied out of the guest into
 * pages of the queue, and goes to tun or macvtap by sendmsg with TUN_MSG_UBUF.
 * Both then put references to these pages into the skb, and copy the headers
 * only.
 *
 * TUN_MSG_UBUF was made for zero-copy. Pages of a zero-copy skb belong to the
 * sender, so the stack copies them where a frame may stay long, and calls the
 * sender back. struct ubuf_info.flags requests this. It is 0 here, because these
 * pages are plain kernel pages, which their references keep.
 *
 * With IFF_NAPI_FRAGS tun takes the parts after the first for an iovec, whatever
 * they are. It then returns -EINVAL for a part of length 0, before it uses
 * anything. So each frame ends with a guard, an empty part that nothing else reads.
 * Without it tun would build an skb with a wrong length from a frame of one part.
 * Tun skips a header whose length the client chooses, but never the whole frame.
 * The file of a tap can change to IFF_NAPI_FRAGS at any time, so no check before
 * sendmsg() could replace the guard.
 *
 * Locking: vtap_queue.lock protects vtap_backend.frags.
 */
#include <linux/bvec.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <linux/workqueue.h>
#include <net/sock.h>

#include "backend.h"

/* Bytes of a piece. Larger ones are hard to get when memory is fragmented. */
#define PIECE_ORDER	get_order(SZ_32K)
#define PIECE_BYTES	((u32)PAGE_SIZE << PIECE_ORDER)

/* Most pieces of a queue: 4 MiB, or 64 frames of 64 KiB. */
#define MAX_PIECES	128

/* Most pieces of a frame, and the fewest to use in turn. */
#define FRAME_PIECES	3

/* Pieces to look at for one whose frames are freed. */
#define NEXT_PIECES	4

/*
 * Bytes of the shortest frame. Tun and macvtap take 128 bytes for the linear part
 * if hdr_len is 0, and do not check that the frame has them.
 */
#define FRAME_MIN	256

/* Frames to skip after an allocation or a frame has failed. */
#define SKIP_FRAMES	255

/**
 * struct vtap_frags - memory for frames in page fragments, used in turn
 * @piece: compound pages; the queue has one reference, each fragment another
 * @nr: pieces
 * @cur: index of the current piece
 * @used: bytes of it that frames have; a multiple of PAGE_SIZE
 * @vec: parts of the frame being sent, and a guard
 * @nr_skip: frames to skip after an allocation has failed
 * @nr_refused: frames to skip after the socket has refused one
 * @is_used: a frame was allocated since the last vtap_frag_tx_trim()
 * @is_short: fewer than half of the pieces were free at some time since then
 */
struct vtap_frags {
	struct page *piece[MAX_PIECES];
	u32 nr;
	u32 cur;
	u32 used;
	struct bio_vec vec[FRAME_PIECES + 1];
	u8 nr_skip;
	u8 nr_refused;
	bool is_used;
	bool is_short;
};

#ifdef VTAP_HAVE_UBUF_INFO_FLAGS
/* Tun and macvtap call this if they copied the frame all the same. */
static void vtap_frag_tx_complete(struct sk_buff *skb, struct ubuf_info *ubuf,
				  bool success)
{
}

#ifdef VTAP_HAVE_UBUF_INFO_OPS
static const struct ubuf_info_ops vtap_frag_tx_ubuf_ops = {
	.complete = vtap_frag_tx_complete,
};
#endif

/*
 * Never written. An skb keeps a pointer to it, which the stack follows only if
 * @flags has SKBFL_ZEROCOPY_ENABLE. So the skb may outlive this module.
 */
static struct ubuf_info vtap_frag_tx_ubuf = {
#ifdef VTAP_HAVE_UBUF_INFO_OPS
	.ops = &vtap_frag_tx_ubuf_ops,
#else
	.callback = vtap_frag_tx_complete,
#endif
	.refcnt = REFCOUNT_INIT(1),
	.flags = 0,
};

static bool vtap_frags_is_free(const struct page *piece)
{
	return page_ref_count(piece) == 1;
}

static struct vtap_frags *vtap_frags_get(struct vtap_backend *b)
{
	struct vtap_frags *f = b->frags;

	if (likely(f))
		return f;
	/* The flag is constant while the backend is attached. */
	if (!sock_flag(b->sock->sk, SOCK_ZEROCOPY))
		return NULL;
	f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT | __GFP_NOWARN |
				__GFP_NORETRY);
	if (!f)
		return NULL;
	f->used = PIECE_BYTES;
	b->frags = f;
	schedule_delayed_work(b->trim, VTAP_TRIM_INTERVAL);
	return f;
}

/* Add a piece after the current one, and make it the current one. */
static bool vtap_frags_add_piece(struct vtap_frags *f)
{
	u32 slot = f->nr ? f->cur + 1 : 0;
	struct page *page;

	f->is_short = true;
	if (f->nr == MAX_PIECES)
		return false;
	page = alloc_pages(VTAP_FRAME_GFP_LARGE, PIECE_ORDER);
	if (!page) {
		f->nr_skip = SKIP_FRAMES;
		return false;
	}
	f->piece[f->nr++] = f->piece[slot];
	f->piece[slot] = page;
	f->cur = slot;
	f->used = 0;
	return true;
}

/*
 * Continue with one of the pieces that were not used for the longest time, if its
 * frames are freed, else with a new one. Frames of a few pieces may wait long in a
 * socket, and must not keep the other pieces from being used again. The current
 * piece and the one before it may have parts of the same frame, so they are left out.
 */
static bool vtap_frags_next_piece(struct vtap_frags *f)
{
	u32 next = f->cur + 1 < f->nr ? f->cur + 1 : 0;
	u32 slot = next, half, left;

	if (f->nr < FRAME_PIECES)
		return vtap_frags_add_piece(f);
	left = min_t(u32, NEXT_PIECES, f->nr - (FRAME_PIECES - 1));
	while (!vtap_frags_is_free(f->piece[slot])) {
		if (!--left)
			return vtap_frags_add_piece(f);
		slot = slot + 1 < f->nr ? slot + 1 : 0;
	}
	swap(f->piece[next], f->piece[slot]);
	half = next + f->nr / 2;
	if (half >= f->nr)
		half -= f->nr;
	f->is_short |= !vtap_frags_is_free(f->piece[half]);
	f->cur = next;
	f->used = 0;
	return true;
}

/*
 * Take memory for @len bytes. Frames do not share pages, and the truesize of an skb
 * is that of its pages. A frame that waits can pin its whole pieces, all of which
 * are charged to the owner.
 * Return: the number of parts in @vec, at most FRAME_PIECES; 0 without memory.
 */
static u32 vtap_frags_take(struct vtap_frags *f, u32 len, struct bio_vec *vec)
{
	u32 nr = 0, part;

	BUILD_BUG_ON(VTAP_FRAME_MAX + VTAP_HLEN_MAX >
		     PAGE_SIZE + (FRAME_PIECES - 1) * PIECE_BYTES);
	if (f->nr_skip) {
		f->nr_skip--;
		return 0;
	}
	/* It was used last, so it is in the cache. */
	if (f->nr && vtap_frags_is_free(f->piece[f->cur]))
		f->used = 0;
	for (; len; len -= part) {
		if (f->used == PIECE_BYTES && !vtap_frags_next_piece(f))
			return 0;
		part = min(len, PIECE_BYTES - f->used);
		vec[nr++] = (struct bio_vec){
			.bv_page = f->piece[f->cur],
			.bv_offset = f->used,
			.bv_len = part,
		};
		f->used += PAGE_ALIGN(part);
	}
	f->is_used = true;
	return nr;
}

static bool vtap_frags_copy(const struct bio_vec *vec, u32 nr,
			    const struct vtap_chain *c, size_t skip)
{
	for (; nr; nr--, vec++) {
		void *to = page_address(vec->bv_page) + vec->bv_offset;

		if (!vtap_frame_copy(to, c, skip, vec->bv_len))
			return false;
		skip += vec->bv_len;
	}
	return true;
}

/*
 * Set hdr_len, by which tun and macvtap decide how much of the frame to copy into
 * the linear part of the skb. They do not check that the frame has as much.
 * Return: false if the headers are longer than usual.
 */
static bool vtap_frags_set_hdr_len(struct virtio_net_hdr *hdr, u32 len)
{
	u32 hdr_len;

	vtap_vnet_hdr_fix_len(hdr, len);
	hdr_len = le16_to_cpu((__force __le16)hdr->hdr_len);
	if (!hdr_len)
		hdr->hdr_len = (__force __virtio16)
			       cpu_to_le16(VTAP_HDR_LEN_USUAL);
	return hdr_len <= VTAP_HDR_LEN_USUAL;
}

/**
 * vtap_frag_tx_send - send a frame in page fragments
 * @b: backend with vtap_backend_has_xdp() and an empty batch
 * @c: descriptor chain: @skip bytes, the header, the frame
 * @skip: bytes before the header
 * @hlen: bytes of the header, at least those of struct virtio_net_hdr
 * @len: bytes of the frame
 *
 * Return:
 * * 0
 * * -EOPNOTSUPP: the frame is too short, its headers are unusually long, or the
 *   socket refused it or one of the last ones; send it in one piece of memory
 * * -ENOSPC: there is no memory, or the kernel cannot do this; use sendmsg with
 *   the guest's memory
 * * -EINVAL: bad header
 * * -EFAULT: guest memory cannot be read
 * * any other negative errno of the socket
 */
int vtap_frag_tx_send(struct vtap_backend *b, const struct vtap_chain *c,
		      u8 skip, u8 hlen, u32 len)
{
	struct tun_msg_ctl ctl = {
		.type = TUN_MSG_UBUF,
		.ptr = &vtap_frag_tx_ubuf,
	};
	struct msghdr msg = {
		.msg_control = &ctl,
		.msg_controllen = sizeof(ctl),
		.msg_flags = MSG_DONTWAIT,
	};
	struct virtio_net_hdr *hdr;
	struct vtap_frags *f;
	struct bio_vec *vec;
	int nr, ret;

	vtap_backend_assert_locked(b);
	if (unlikely(len < FRAME_MIN))
		return -EOPNOTSUPP;
	f = vtap_frags_get(b);
	if (unlikely(!f))
		return -ENOSPC;
	if (unlikely(f->nr_refused)) {
		f->nr_refused--;
		return -EOPNOTSUPP;
	}
	vec = f->vec;
	nr = vtap_frags_take(f, hlen + len, vec);
	if (unlikely(!nr))
		return -ENOSPC;
	if (unlikely(!vtap_frags_copy(vec, nr, c, skip)))
		return -EFAULT;
	hdr = page_address(vec->bv_page) + vec->bv_offset;
	if (unlikely(!vtap_vnet_hdr_ok(hdr, len)))
		return -EINVAL;
	if (unlikely(!vtap_frags_set_hdr_len(hdr, len)))
		return -EOPNOTSUPP;
	vec[nr] = (struct bio_vec){};	/* the guard */
	iov_iter_bvec(&msg.msg_iter, ITER_SOURCE, vec, nr + 1, hlen + len);
	ret = b->sock->ops->sendmsg(b->sock, &msg, hlen + len);
	/* No guest memory is read here, so -EFAULT is a refusal, too. */
	if (unlikely(ret == -EINVAL || ret == -EFAULT)) {
		f->nr_refused = SKIP_FRAMES;
		return -EOPNOTSUPP;
	}
	return ret < 0 ? ret : 0;
}
#endif /* VTAP_HAVE_UBUF_INFO_FLAGS: remove with 5.10 */

static void vtap_frags_shrink(struct vtap_frags *f, u32 nr)
{
	if (f->nr <= nr)
		return;
	swap(f->piece[0], f->piece[f->cur]);
	f->cur = 0;
	/* Frames in the stack keep their references. */
	while (f->nr > nr)
		put_page(f->piece[--f->nr]);
}

/**
 * vtap_frag_tx_free - free the memory for frames in page fragments
 * @b: backend; frames in the stack keep their memory
 */
void vtap_frag_tx_free(struct vtap_backend *b)
{
	struct vtap_frags *f = b->frags;

	vtap_backend_assert_locked(b);
	if (!f)
		return;
	vtap_frags_shrink(f, 0);
	b->frags = NULL;
	kfree(f);
}

/**
 * vtap_frag_tx_trim - free memory for frames that is not in use
 * @b: backend, attached or not; its queue's lock is held
 *
 * Return: true if some memory is left to check again later.
 */
bool vtap_frag_tx_trim(struct vtap_backend *b)
{
	struct vtap_frags *f = b->frags;

	vtap_backend_assert_locked(b);
	if (!f)
		return false;
	if (!f->is_used) {
		vtap_frag_tx_free(b);
		return false;
	}
	if (!f->is_short)
		vtap_frags_shrink(f, max_t(u32, f->nr / 2, FRAME_PIECES));
	f->is_used = false;
	f->is_short = false;
	return true;
}
