// SPDX-License-Identifier: GPL-2.0
/*
 * xdp_tx.c - send frames of the guest to a tun or tap in batches
 *
 * Kernel compatibility boundary.
 *
 * Read before: xdp_tx.h, which has what is done for each frame.
 */
#include <linux/gfp.h>
#include <linux/if_tun.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/skbuff.h>
#include <linux/workqueue.h>
#include <net/sock.h>

#include "backend.h"

/* 64 frames of 1500 bytes fit four pieces, without the room for XDP programs. */
#define PIECE_BYTES	SZ_32K
/* More than a piece has frames. */
#define PIECE_REFS	1024

/* The smaller of the two sizes that memory for a long frame has. */
#define LONG_FRAME_ROOM	SZ_64K
/* Frames below that leave too much of it unused. */
#define LONG_FRAME_MIN	SZ_32K

/* Where there was no memory there will be none so soon. */
#define SKIP_FRAMES	255
#define SKIP_PIECES	255

/*
 * All memory for frames is charged to the owner's memory cgroup. A cgroup at its
 * limit is no reason to end a process: frames go by sendmsg for a while, whose
 * memory is the socket's affair. Single pages may be reclaimed for; larger
 * memory is not worth it.
 */
#define FRAME_GFP	(GFP_KERNEL_ACCOUNT | __GFP_NOWARN | __GFP_COMP |	\
			 __GFP_NORETRY)
#define FRAME_GFP_LARGE	((FRAME_GFP & ~__GFP_DIRECT_RECLAIM) | __GFP_NOMEMALLOC)

/**
 * vtap_xdp_tx_headroom - room in front of a frame
 * @b: backend with vtap_backend_has_xdp()
 *
 * For the header, the stack, and an XDP program if there is one. One that is
 * attached while frames wait has less for these: it is told when it asks.
 *
 * Return: bytes, a multiple of the cache line.
 */
u16 vtap_xdp_tx_headroom(const struct vtap_backend *b)
{
	size_t room = NET_SKB_PAD + NET_IP_ALIGN + VTAP_HDR_AT + VTAP_HDR_ROOM;

	if (sock_flag(b->sock->sk, SOCK_XDP))
		room += XDP_PACKET_HEADROOM;
	return SKB_DATA_ALIGN(room);
}

static void vtap_xdp_tx_drop_piece(struct vtap_piece *p)
{
	if (p->start)
		__page_frag_cache_drain(virt_to_page(p->start), p->refs);
	p->start = NULL;
	p->refs = 0;
}

/* Fill @p with memory of its own; false: there is none. */
static bool vtap_xdp_tx_new_piece(struct vtap_backend *b, struct vtap_piece *p)
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
		page = alloc_pages(FRAME_GFP_LARGE, order);
	if (!page) {
		p->size = PAGE_SIZE;
		page = alloc_pages(FRAME_GFP, 0);
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
 * vtap_frames_next_piece - the piece that frames come from is used up
 * @b: backend
 *
 * The oldest piece is next. If all its frames are gone it starts again, still
 * in the cache; otherwise they keep it and another takes its place.
 *
 * Return: false if there is no memory.
 */
bool vtap_frames_next_piece(struct vtap_backend *b)
{
	struct vtap_frames *f = &b->frames;
	struct vtap_piece *p = &f->piece[f->at];
	struct page *page;

	p->refs = f->refs;
	f->refs = 0;
	f->left = 0;
	f->at = (f->at + 1) % VTAP_FRAME_PIECES;
	p = &f->piece[f->at];

	page = p->start ? virt_to_page(p->start) : NULL;
	if (!page || page_ref_count(page) != p->refs ||
	    page_is_pfmemalloc(page)) {
		vtap_xdp_tx_drop_piece(p);
		if (!vtap_xdp_tx_new_piece(b, p))
			return false;
		page = virt_to_page(p->start);
	}
	page_ref_add(page, PIECE_REFS - p->refs);
	f->start = p->start;
	f->left = p->size;
	f->refs = PIECE_REFS;
	f->nr_taken++;
	return true;
}

static void vtap_xdp_tx_free_pieces(struct vtap_frames *f)
{
	int i;

	f->piece[f->at].refs = f->refs;
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
 * vtap_xdp_tx_free - give back the memory for frames
 * @b: backend; no frame of it waits; those that the stack has stay
 */
void vtap_xdp_tx_free(struct vtap_backend *b)
{
	int i;

	vtap_xdp_tx_free_pieces(&b->frames);
	for (i = 0; i < VTAP_LONG_SIZES; i++)
		vtap_xdp_tx_free_long(&b->long_frames[i]);
}

/* Give back the pieces if no frame was allocated since the last time. */
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
 * vtap_xdp_tx_trim - give back memory for frames that is not in use
 * @b: backend, attached or not; no frame of it waits, its queue's lock is held
 *
 * Memory is in use if a frame was allocated from it since the last call.
 *
 * Return: true if there is memory to look at another time.
 */
bool vtap_xdp_tx_trim(struct vtap_backend *b)
{
	bool is_left;
	int i;

	vtap_backend_assert_locked(b);
	is_left = vtap_xdp_tx_trim_pieces(&b->frames);
	for (i = 0; i < VTAP_LONG_SIZES; i++)
		is_left |= vtap_xdp_tx_trim_long(&b->long_frames[i]);
	return is_left;
}

/* Memory for a long frame, if place @at has none that the stack still uses. */
static void *vtap_xdp_tx_long_at(struct vtap_backend *b, struct vtap_long *l,
				 u8 at)
{
	u32 room = LONG_FRAME_ROOM << (l - b->long_frames);
	struct page *page;

	if (l->start[at]) {
		page = virt_to_page(l->start[at]);
		return page_ref_count(page) == 1 ? l->start[at] : NULL;
	}
	if (l->nr_skip) {
		l->nr_skip--;
		return NULL;
	}
	page = alloc_pages(FRAME_GFP_LARGE, get_order(room));
	if (!page) {
		l->nr_skip = SKIP_FRAMES;
		return NULL;
	}
	l->start[at] = page_address(page);
	schedule_delayed_work(b->trim, VTAP_TRIM_INTERVAL);
	return l->start[at];
}

/* The same place again if its frame has gone: it is still in the cache. */
static void *vtap_xdp_tx_long_alloc(struct vtap_backend *b, struct vtap_long *l)
{
	void *buf = vtap_xdp_tx_long_at(b, l, l->at);

	if (!buf) {
		l->at = (l->at + 1) % VTAP_LONG_FRAMES;
		buf = vtap_xdp_tx_long_at(b, l, l->at);
	}
	if (buf) {
		get_page(virt_to_page(buf));
		l->is_used = true;
	}
	return buf;
}

/**
 * vtap_xdp_tx_add_long - copy a long frame out of the guest, GSO or not
 * @b: backend with vtap_backend_has_xdp(), no frame waits
 * @c: the frame's chain: @skip bytes of no interest, the header, the frame
 * @skip: bytes before the header
 * @hlen: bytes of the header, 0 to VTAP_HLEN_MAX
 * @len: bytes of the frame, at least ETH_HLEN
 *
 * sendmsg allocates new pages for such a frame, in several pieces, and many
 * kernels clear them first (init_on_alloc). Here it is one piece of memory that
 * is used again. As many frames as VTAP_LONG_FRAMES can wait for what the host
 * does with them; with more sendmsg costs no more than ever.
 *
 * The frame keeps the whole piece from being used or freed, so the backend is
 * told the size of the piece, which becomes the truesize of the skb.
 *
 * For tun only, which gives in-tree's GSO packets below a page the same way.
 *
 * Return: as vtap_xdp_tx_add().
 */
int vtap_xdp_tx_add_long(struct vtap_backend *b, const struct vtap_chain *c,
			 u8 skip, u8 hlen, u32 len)
{
	struct vtap_frame f = {
		.len = len, .skip = skip, .hlen = hlen, .gso = true,
	};
	struct vtap_long *l = b->long_frames;
	int err;

	BUILD_BUG_ON(VTAP_FRAME_MAX + SZ_4K >
		     LONG_FRAME_ROOM << (VTAP_LONG_SIZES - 1));
	/*
	 * An XDP program would get what no driver gives it, and some kernels
	 * keep a frame's length in 16 bits; the second check is for a program
	 * that comes after the first.
	 */
	if (b->kind != VTAP_BACKEND_TAP || sock_flag(b->sock->sk, SOCK_XDP) ||
	    len < LONG_FRAME_MIN || len > U16_MAX)
		return -ENOSPC;
	b->headroom = vtap_xdp_tx_headroom(b);
	f.size = LONG_FRAME_ROOM;
	if (SKB_DATA_ALIGN(b->headroom + len) + VTAP_FRAME_TAIL > f.size) {
		l++;
		f.size *= 2;
	}
	f.buf = vtap_xdp_tx_long_alloc(b, l);
	if (!f.buf)
		return -ENOSPC;
	err = vtap_frame_fill(b, c, &f);
	if (unlikely(err))
		put_page(virt_to_page(f.buf));
	return err;
}

/**
 * vtap_xdp_tx_flush - hand the batch to the backend
 * @b: backend
 *
 * Return: 0, or the negative errno with which the backend refused the whole
 * batch; the frames are gone then, too. It deals with single bad frames by
 * itself.
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
