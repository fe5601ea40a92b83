/* SPDX-License-Identifier: GPL-2.0 */
/*
 * xdp_tx.h - copy a frame of the guest into a batch slot
 *
 * Kernel compatibility boundary. Tap and macvtap take an array of xdp_buff in one
 * sendmsg (TUN_MSG_PTR) and build an skb around each, so a frame is copied once,
 * into the memory that the host's stack uses. The virtio-net header goes to the
 * start of the buffer:
 *
 *   up to 6.16: behind an int that holds the buffer's size (tun_xdp_hdr)
 *   since:      at the very start; the size is xdp->frame_sz
 */
#ifndef VTAP_XDP_TX_H
#define VTAP_XDP_TX_H

#include <linux/if_tun.h>
#include <linux/skbuff.h>
#include <net/sock.h>
#include <net/xdp.h>

#include "../vnet_hdr.h"
#include "../vtap.h"
#include "usercopy.h"

#define VTAP_FRAME_TAIL	SKB_DATA_ALIGN(sizeof(struct skb_shared_info))

/* Offset of the header, and room for the largest header that a tun may read. */
#ifdef VTAP_HAVE_TUN_XDP_HDR
#define VTAP_HDR_OFFSET	offsetof(struct tun_xdp_hdr, gso)
#else
#define VTAP_HDR_OFFSET	0
#endif
#define VTAP_HDR_ROOM	32

/*
 * All memory for frames is charged to the owner's memory cgroup. Running into
 * the limit must not invoke the OOM killer: frames go by sendmsg then, and the
 * socket provides the memory. Only single pages are worth reclaim.
 */
#define VTAP_FRAME_GFP	(GFP_KERNEL_ACCOUNT | __GFP_NOWARN | __GFP_COMP | \
			 __GFP_NORETRY)
#define VTAP_FRAME_GFP_LARGE	((VTAP_FRAME_GFP & ~__GFP_DIRECT_RECLAIM) | \
				 __GFP_NOMEMALLOC)

/* xdp_tx.c */
void vtap_xdp_tx_begin(struct vtap_backend *b);
void vtap_xdp_tx_free(struct vtap_backend *b);
bool vtap_xdp_tx_trim(struct vtap_backend *b);
bool vtap_frames_next_piece(struct vtap_backend *b, u32 size);
int vtap_xdp_tx_flush(struct vtap_backend *b);
bool vtap_frame_is_gso(const struct vtap_chain *c, u8 skip, u8 hlen);
int vtap_xdp_tx_add_large(struct vtap_backend *b, const struct vtap_chain *c,
			  u8 skip, u8 hlen, u32 len);
int vtap_xdp_tx_add_long(struct vtap_backend *b, const struct vtap_chain *c,
			 u8 skip, u8 hlen, u32 len);

/*
 * Frames of a batch are not charged to the socket, so a send buffer limit
 * (TUNSETSNDBUF) rules batches out; it can change at any time.
 */
static inline bool vtap_backend_has_xdp(const struct vtap_backend *b)
{
	return b->batches && READ_ONCE(b->sock->sk->sk_sndbuf) == INT_MAX;
}

static inline struct virtio_net_hdr *vtap_frame_hdr(void *buf)
{
	return buf + VTAP_HDR_OFFSET;
}

static inline void vtap_frame_set_len(void *buf, int buflen)
{
#ifdef VTAP_HAVE_TUN_XDP_HDR
	((struct tun_xdp_hdr *)buf)->buflen = buflen;
#endif
}

/*
 * Allocate a page fragment for build_skb(); page_frag_free() drops the
 * reference that it carries. The frame that follows is at a lower address.
 */
static __always_inline void *vtap_frame_alloc(struct vtap_backend *b, u32 size)
{
	struct vtap_frames *f = &b->frames;

	if (unlikely(f->left < size) &&
	    unlikely(!vtap_frames_next_piece(b, size)))
		return NULL;
	f->left -= size;
	f->refs--;
	return f->start + f->left;
}

/* Free the frame that was allocated last. */
static inline void vtap_frame_free(struct vtap_frames *f, u32 size)
{
	f->left += size;
	f->refs++;
}

/* Most packets are one segment. */
static __always_inline bool vtap_frame_copy(void *to,
					    const struct vtap_chain *c,
					    size_t skip, size_t len)
{
	if (likely(c->nr_out == 1))
		return vtap_user_read(to, c->iov->iov_base + skip, len);
	return vtap_user_gather(to, c->iov, c->nr_out, skip, len);
}

/**
 * struct vtap_frame - parameters of vtap_frame_fill()
 * @buf: memory for the frame, including headroom and tail
 * @size: bytes of @buf
 * @len: bytes of the frame, at least ETH_HLEN
 * @skip: bytes of the chain before the header
 * @hlen: bytes of the header, 0 to VTAP_HLEN_MAX
 */
struct vtap_frame {
	void *buf;
	u32 size;
	u32 len;
	u8 skip;
	u8 hlen;
};

/* Bytes that a frame of @len bytes takes, with headroom and tail. */
static __always_inline u32 vtap_frame_size(const struct vtap_backend *b,
					   u32 len)
{
	return SKB_DATA_ALIGN(b->headroom + len) + VTAP_FRAME_TAIL;
}

/* Copy and check a frame, and put it into the next batch slot. */
static __always_inline int vtap_frame_fill(struct vtap_backend *b,
					   const struct vtap_chain *c,
					   const struct vtap_frame *f)
{
	const u8 mrg_hlen = sizeof(struct virtio_net_hdr_mrg_rxbuf);
	void *from = f->buf + b->headroom - f->hlen;
	struct virtio_net_hdr *hdr;
	struct xdp_buff *xdp;

	/* The copied header and its final place must not overlap. */
	BUILD_BUG_ON(NET_SKB_PAD < VTAP_HLEN_MAX);
	BUILD_BUG_ON(VTAP_HDR_ROOM < VTAP_HLEN_MAX);
	/* One copy for header and frame; the header moves to its place next. */
	if (unlikely(!vtap_frame_copy(from, c, f->skip, f->hlen + f->len)))
		return -EFAULT;
	hdr = vtap_frame_hdr(f->buf);
	memset(hdr, 0, VTAP_HDR_ROOM);
	if (likely(f->hlen == mrg_hlen))	/* constant length: two moves */
		memcpy(hdr, f->buf + b->headroom - mrg_hlen, mrg_hlen);
	else
		memcpy(hdr, from, f->hlen);
	if (unlikely(hdr->gso_type != VIRTIO_NET_HDR_GSO_NONE) &&
	    !(b->gso && vtap_vnet_hdr_gso_is_plain(hdr)))
		return -ENOSPC;
	if (unlikely(!vtap_vnet_hdr_ok(hdr, f->len)))
		return -EINVAL;
	vtap_frame_set_len(f->buf, f->size);
	xdp = &b->xdp[b->nr_batch++];
	xdp_init_buff(xdp, f->size, NULL);
	xdp_prepare_buff(xdp, f->buf, b->headroom, f->len, true);
	b->batch_bytes += f->len;
	return 0;
}

/* Take the memory of a frame from a piece, and fill it. */
static __always_inline int vtap_frame_add(struct vtap_backend *b,
					  const struct vtap_chain *c,
					  struct vtap_frame *f)
{
	int err;

	/* Sizes are multiples of the cache line, and so are offsets. */
	f->buf = vtap_frame_alloc(b, f->size);
	if (unlikely(!f->buf))
		return -ENOSPC;
	err = vtap_frame_fill(b, c, f);
	if (unlikely(err))
		vtap_frame_free(&b->frames, f->size);
	return err;
}

/**
 * vtap_xdp_tx_add - copy a frame out of the guest into the next batch slot
 * @b: backend with vtap_backend_has_xdp(), fewer than VTAP_BATCH frames
 * @c: descriptor chain: @skip bytes, the header, the frame
 * @skip: bytes before the header
 * @hlen: bytes of the header, 0 to VTAP_HLEN_MAX
 * @len: bytes of the frame, at least ETH_HLEN
 *
 * Return: 0 the frame waits for vtap_xdp_tx_flush(); -ENOSPC the frame must be
 * sent by itself, as it is too long or a GSO packet, or memory is short;
 * -EINVAL the checksum field is outside the frame; -EFAULT guest memory cannot
 * be read.
 */
static __always_inline int
vtap_xdp_tx_add(struct vtap_backend *b, const struct vtap_chain *c,
		u8 skip, u8 hlen, u32 len)
{
	struct vtap_frame f = { .len = len, .skip = skip, .hlen = hlen };

	if (len > PAGE_SIZE)
		return -ENOSPC;
	if (!b->nr_batch)
		vtap_xdp_tx_begin(b);
	f.size = vtap_frame_size(b, len);
	if (f.size > PAGE_SIZE)
		return -ENOSPC;
	return vtap_frame_add(b, c, &f);
}

#endif /* VTAP_XDP_TX_H */
