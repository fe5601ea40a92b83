// SPDX-License-Identifier: GPL-2.0
/*
 * xdp_tx.c - send frames of the guest to a tap or macvtap in batches
 *
 * Kernel compatibility boundary. xdp_tx.h has the work per frame.
 */
#include <linux/gfp.h>
#include <linux/if_tun.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/skbuff.h>
#include <linux/workqueue.h>
#include <net/sock.h>

#include "backend.h"

/* Four pieces hold a batch of 1500-byte frames without an XDP program. */
#define PIECE_BYTES	SZ_32K
/* More than the frames of a piece. */
#define PIECE_REFS	1024

/* The smaller of the two sizes of memory for a long frame. */
#define LONG_FRAME_ROOM	SZ_64K

/* Allocations to skip after one has failed. */
#define SKIP_FRAMES	255
#define SKIP_PIECES	255

/**
 * vtap_xdp_tx_begin - begin a batch
 * @b: backend with vtap_backend_has_xdp() and an empty batch
 *
 * The headroom serves the header, the stack, and an XDP program if one is
 * attached. A program that is attached while frames wait finds less headroom in
 * these, and bpf_xdp_adjust_head() reports it.
 *
 * Frames of more than a page and GSO frames are batched only while no program
 * is attached, because no driver passes such a frame to one. Tun handles GSO
 * frames that meet a program all the same. Only tun accepts GSO frames in
 * batches, as it does for short ones of in-tree vhost-net.
 */
void vtap_xdp_tx_begin(struct vtap_backend *b)
{
	size_t room = NET_SKB_PAD + NET_IP_ALIGN + VTAP_HDR_OFFSET + VTAP_HDR_ROOM;
	bool has_prog = sock_flag(b->sock->sk, SOCK_XDP);

	if (has_prog)
		room += XDP_PACKET_HEADROOM;
	b->headroom = SKB_DATA_ALIGN(room);
	b->first_piece = b->frames.nr_taken;
	b->large = !has_prog;
	b->gso = !has_prog && b->kind == VTAP_BACKEND_TAP;
}

static void vtap_xdp_tx_drop_piece(struct vtap_piece *p)
{
	if (p->start)
		__page_frag_cache_drain(virt_to_page(p->start), p->refs);
	p->start = NULL;
	p->refs = 0;
}

/* Allocate a piece for frames of @size bytes. Return: false if that fails. */
static bool vtap_xdp_tx_new_piece(struct vtap_backend *b, struct vtap_piece *p,
				  u32 size)
{
	unsigned int order = get_order(PIECE_BYTES);
	struct vtap_frames *f = &b->frames;
	struct page *page = NULL;

	BUILD_BUG_ON((PIECE_BYTES + PAGE_SIZE) / VTAP_FRAME_TAIL >= PIECE_REFS);
	if (f->nr_skip) {
		f->nr_skip--;
		return false;
	}
	p->size = PAGE_SIZE << order;
	if (order)
		page = alloc_pages(VTAP_FRAME_GFP_LARGE, order);
	if (!page && size > PAGE_SIZE) {
		f->nr_skip_large = SKIP_PIECES;
		return false;
	}
	if (!page) {
		p->size = PAGE_SIZE;
		page = alloc_pages(VTAP_FRAME_GFP, 0);
	}
	if (!page) {
		f->nr_skip = SKIP_PIECES;
		return false;
	}
	p->start = page_address(page);
	p->refs = 1;
	schedule_delayed_work(b->trim, VTAP_TRIM_INTERVAL);
	return true;
}

/**
 * vtap_frames_next_piece - continue with the next piece of frame memory
 * @b: backend
 * @size: bytes that the next frame takes
 *
 * The oldest piece is next. If all of its frames are freed it is used again,
 * while it is still in the cache. Otherwise its frames keep it, and a new piece
 * replaces it.
 *
 * Return: true if the piece has @size bytes.
 */
bool vtap_frames_next_piece(struct vtap_backend *b, u32 size)
{
	struct vtap_frames *f = &b->frames;
	struct vtap_piece *p = &f->piece[f->cur];
	struct page *page;

	p->refs = f->refs;
	f->refs = 0;
	f->left = 0;
	f->cur = (f->cur + 1) % VTAP_FRAME_PIECES;
	p = &f->piece[f->cur];

	page = p->start ? virt_to_page(p->start) : NULL;
	if (!page || page_ref_count(page) != p->refs ||
	    page_is_pfmemalloc(page) || p->size < size) {
		vtap_xdp_tx_drop_piece(p);
		if (!vtap_xdp_tx_new_piece(b, p, size))
			return false;
		page = virt_to_page(p->start);
	}
	page_ref_add(page, PIECE_REFS - p->refs);
	f->start = p->start;
	f->left = p->size;
	f->refs = PIECE_REFS;
	f->nr_taken++;
	return f->left >= size;
}

static void vtap_xdp_tx_free_pieces(struct vtap_frames *f)
{
	int i;

	f->piece[f->cur].refs = f->refs;
	for (i = 0; i < VTAP_FRAME_PIECES; i++)
		vtap_xdp_tx_drop_piece(&f->piece[i]);
	f->left = 0;
	f->refs = 0;
}

static void vtap_xdp_tx_free_long(struct vtap_long *l)
{
	int i;

	for (i = 0; i < VTAP_LONG_FRAMES; i++) {
		if (l->start[i])
			put_page(virt_to_page(l->start[i]));
	}
	memset(l, 0, sizeof(*l));
}

/**
 * vtap_xdp_tx_free - free the memory for frames
 * @b: backend with an empty batch; frames in the stack keep their memory
 */
void vtap_xdp_tx_free(struct vtap_backend *b)
{
	int i;

	vtap_xdp_tx_free_pieces(&b->frames);
	for (i = 0; i < VTAP_LONG_SIZES; i++)
		vtap_xdp_tx_free_long(&b->long_frames[i]);
	vtap_frag_tx_free(b);
}

/* Free the pieces if no frame was allocated since the last call. */
static bool vtap_xdp_tx_trim_pieces(struct vtap_frames *f)
{
	bool is_left = false;
	int i;

	if (f->nr_taken == f->trim_taken && f->left == f->trim_left)
		vtap_xdp_tx_free_pieces(f);
	f->trim_taken = f->nr_taken;
	f->trim_left = f->left;
	for (i = 0; i < VTAP_FRAME_PIECES; i++)
		is_left |= !!f->piece[i].start;
	return is_left;
}

static bool vtap_xdp_tx_trim_long(struct vtap_long *l)
{
	bool is_left = false;
	int i;

	if (!l->is_used)
		vtap_xdp_tx_free_long(l);
	l->is_used = false;
	for (i = 0; i < VTAP_LONG_FRAMES; i++)
		is_left |= !!l->start[i];
	return is_left;
}

/**
 * vtap_xdp_tx_trim - free memory for frames that is not in use
 * @b: backend, attached or not, with an empty batch; its queue's lock is held
 *
 * Memory is in use if a frame was allocated from it since the last call.
 *
 * Return: true if some memory is left to check again later.
 */
bool vtap_xdp_tx_trim(struct vtap_backend *b)
{
	bool is_left;
	int i;

	vtap_backend_assert_locked(b);
	is_left = vtap_xdp_tx_trim_pieces(&b->frames);
	for (i = 0; i < VTAP_LONG_SIZES; i++)
		is_left |= vtap_xdp_tx_trim_long(&b->long_frames[i]);
	is_left |= vtap_frag_tx_trim(b);
	return is_left;
}

/* Memory @slot for a long frame; NULL without memory, or while the stack uses it. */
static void *vtap_xdp_tx_long_slot(struct vtap_backend *b, struct vtap_long *l,
				   u8 slot)
{
	u32 room = LONG_FRAME_ROOM << (l - b->long_frames);
	struct page *page;

	if (l->start[slot]) {
		page = virt_to_page(l->start[slot]);
		return page_ref_count(page) == 1 ? l->start[slot] : NULL;
	}
	if (l->nr_skip) {
		l->nr_skip--;
		return NULL;
	}
	page = alloc_pages(VTAP_FRAME_GFP_LARGE, get_order(room));
	if (!page) {
		l->nr_skip = SKIP_FRAMES;
		return NULL;
	}
	l->start[slot] = page_address(page);
	schedule_delayed_work(b->trim, VTAP_TRIM_INTERVAL);
	return l->start[slot];
}

/* Use the same memory again if its frame is freed: it is still in the cache. */
static void *vtap_xdp_tx_long_alloc(struct vtap_backend *b, struct vtap_long *l)
{
	void *buf = vtap_xdp_tx_long_slot(b, l, l->cur);

	if (!buf) {
		l->cur = (l->cur + 1) % VTAP_LONG_FRAMES;
		buf = vtap_xdp_tx_long_slot(b, l, l->cur);
	}
	if (buf) {
		get_page(virt_to_page(buf));
		l->is_used = true;
	}
	return buf;
}

/**
 * vtap_frame_is_gso - check whether a frame is a GSO frame
 * @c: descriptor chain: @skip bytes, the header, the frame
 * @skip: bytes before the header
 * @hlen: bytes of the header, 0 to VTAP_HLEN_MAX
 *
 * Read the type alone, to avoid the copy of a frame that has to go another way.
 * This is a hint: the guest may change the header, and functions that copy the
 * frame check their own copy.
 *
 * Return: true if it was one.
 */
bool vtap_frame_is_gso(const struct vtap_chain *c, u8 skip, u8 hlen)
{
	const size_t off = skip + offsetof(struct virtio_net_hdr, gso_type);
	u8 type;

	if (hlen < sizeof(struct virtio_net_hdr))
		return false;
	if (likely(off < c->iov->iov_len)) {
		if (get_user(type, (u8 __user *)c->iov->iov_base + off))
			return false;
	} else if (!vtap_frame_copy(&type, c, off, sizeof(type))) {
		return false;
	}
	return type != VIRTIO_NET_HDR_GSO_NONE;
}

/**
 * vtap_xdp_tx_add_large - copy a frame of more than a page into a batch slot
 * @b: backend with vtap_backend_has_xdp(), fewer than VTAP_BATCH frames
 * @c: descriptor chain: @skip bytes, the header, the frame
 * @skip: bytes before the header
 * @hlen: bytes of the header, 0 to VTAP_HLEN_MAX
 * @len: bytes of the frame, at least ETH_HLEN
 *
 * A piece is shared out among frames of this size, so that the truesize of a
 * run of such frames adds up to what they pin. Frames of different sizes in
 * turn can pin more, all of which is charged to the owner's memory cgroup.
 *
 * Return: as vtap_xdp_tx_add(); -ENOSPC also for a frame that vtap_xdp_tx_add()
 * or vtap_xdp_tx_add_long() can take.
 */
int vtap_xdp_tx_add_large(struct vtap_backend *b, const struct vtap_chain *c,
			  u8 skip, u8 hlen, u32 len)
{
	struct vtap_frame f = { .len = len, .skip = skip, .hlen = hlen };

	if (!b->nr_batch)
		vtap_xdp_tx_begin(b);
	f.size = vtap_frame_size(b, len);
	if (!b->large || f.size <= PAGE_SIZE || f.size > PIECE_BYTES)
		return -ENOSPC;
	if (!b->gso && vtap_frame_is_gso(c, skip, hlen))
		return -ENOSPC;
	if (b->frames.nr_skip_large) {
		b->frames.nr_skip_large--;
		return -ENOSPC;
	}
	f.size = PIECE_BYTES / (PIECE_BYTES / f.size);
	f.size = round_down(f.size, SMP_CACHE_BYTES);
	return vtap_frame_add(b, c, &f);
}

/**
 * vtap_xdp_tx_add_long - copy a long frame out of the guest, GSO or not
 * @b: backend with vtap_backend_has_xdp() and an empty batch
 * @c: descriptor chain: @skip bytes, the header, the frame
 * @skip: bytes before the header
 * @hlen: bytes of the header, 0 to VTAP_HLEN_MAX
 * @len: bytes of the frame, at least ETH_HLEN
 *
 * For such a frame sendmsg allocates new pages, in several fragments, which
 * many kernels clear first (init_on_alloc). This function copies it into one
 * piece of memory, which is used again. At most VTAP_LONG_FRAMES frames of a
 * size can be in flight; more go by sendmsg.
 *
 * The frame pins the whole piece, so the size of the piece is passed to the
 * backend and becomes the truesize of the skb.
 *
 * Return: as vtap_xdp_tx_add().
 */
int vtap_xdp_tx_add_long(struct vtap_backend *b, const struct vtap_chain *c,
			 u8 skip, u8 hlen, u32 len)
{
	struct vtap_frame f = { .len = len, .skip = skip, .hlen = hlen };
	struct vtap_long *l = b->long_frames;
	int err;

	BUILD_BUG_ON(VTAP_FRAME_MAX + SZ_4K >
		     LONG_FRAME_ROOM << (VTAP_LONG_SIZES - 1));
	vtap_xdp_tx_begin(b);
	f.size = vtap_frame_size(b, len);
	/* Some kernels keep the length of a frame in 16 bits. */
	if (!b->gso || f.size <= PIECE_BYTES || len > U16_MAX)
		return -ENOSPC;
	if (f.size > LONG_FRAME_ROOM)
		l++;
	f.size = LONG_FRAME_ROOM << (l - b->long_frames);
	f.buf = vtap_xdp_tx_long_alloc(b, l);
	if (!f.buf)
		return -ENOSPC;
	err = vtap_frame_fill(b, c, &f);
	if (unlikely(err))
		put_page(virt_to_page(f.buf));
	return err;
}

/**
 * vtap_xdp_tx_flush - pass the batch to the backend
 * @b: backend
 *
 * The backend drops single bad frames itself. The batch is empty afterwards in
 * every case.
 *
 * Return: 0, or the negative errno with which the backend refused the whole
 * batch.
 */
int vtap_xdp_tx_flush(struct vtap_backend *b)
{
	struct tun_msg_ctl ctl = {
		.type = TUN_MSG_PTR,
		.num = b->nr_batch,
		.ptr = b->xdp,
	};
	struct msghdr msg = {
		.msg_control = &ctl,
		.msg_controllen = sizeof(ctl),
		.msg_flags = MSG_DONTWAIT,
	};
	int ret;
	u16 i;

	vtap_backend_assert_locked(b);
	ret = b->sock->ops->sendmsg(b->sock, &msg, 0);
	if (unlikely(ret < 0)) {
		for (i = 0; i < b->nr_batch; i++)
			page_frag_free(b->xdp[i].data_hard_start);
	}
	b->nr_batch = 0;
	b->batch_bytes = 0;
	return ret < 0 ? ret : 0;
}
