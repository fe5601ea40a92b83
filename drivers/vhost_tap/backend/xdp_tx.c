// SPDX-License-Identifier: GPL-2.0
/*
 * xdp_tx.c - SEAM: frames from the guest, in batches, to a tun or tap
 *
 * Read before: backend.h, ../vnet_hdr.h. Read next: ../tx.c.
 *
 * Tun and tap take an array of xdp_buff in one sendmsg (TUN_MSG_PTR) and
 * build an skb around each, so a frame is copied once and lands in the page
 * that the host stack will use. The virtio-net header goes to the start of
 * the buffer:
 *
 *   up to 6.18: behind an int that holds the buffer's size (tun_xdp_hdr)
 *   since:      at the very start; the size is xdp->frame_sz
 */
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <linux/skbuff.h>
#include <net/sock.h>

#include "../vnet_hdr.h"
#include "backend.h"

#define TAIL	SKB_DATA_ALIGN(sizeof(struct skb_shared_info))

/* Where the header is, and room for the largest header any tun may read. */
#ifdef VTAP_HAVE_TUN_XDP_HDR
#define HDR_AT	offsetof(struct tun_xdp_hdr, gso)
#else
#define HDR_AT	0
#endif
#define HDR_ROOM	32

static void *hdr_of(void *buf)
{
	return buf + HDR_AT;
}

static void set_buflen(void *buf, int buflen)
{
#ifdef VTAP_HAVE_TUN_XDP_HDR
	((struct tun_xdp_hdr *)buf)->buflen = buflen;
#endif
}

/* Room in front of the frame: for the header, the stack, and an XDP program. */
static size_t headroom(const struct vtap_backend *b)
{
	size_t room = NET_SKB_PAD + NET_IP_ALIGN + HDR_AT + HDR_ROOM;

	if (sock_flag(b->sock->sk, SOCK_XDP))
		room += XDP_PACKET_HEADROOM;
	return SKB_DATA_ALIGN(room);
}

/* Most packets are one segment, which needs no iterator. */
static bool copy_packet(void *to, const struct vtap_chain *c, u8 skip,
			size_t len)
{
	struct iov_iter from;

	if (likely(c->nr_out == 1))
		return !copy_from_user(to, c->iov->iov_base + skip, len);
	iov_iter_init(&from, ITER_SOURCE, c->iov, c->nr_out, c->out_len);
	iov_iter_advance(&from, skip);
	return copy_from_iter(to, len, &from) == len;
}

/**
 * vtap_xdp_tx_add - copy a frame out of the guest into the next batch slot
 * @b: backend with vtap_backend_has_xdp(), fewer than VTAP_BATCH frames
 * @c: the frame's chain: @skip bytes of no interest, the header, the frame
 * @skip: bytes before the header
 * @hlen: bytes of the header, 0 to VTAP_HLEN_MAX
 * @len: bytes of the frame, at least ETH_HLEN
 *
 * Return: 0 the frame waits for vtap_xdp_tx_flush(); -ENOSPC it is too long,
 * a GSO packet, or there is no memory: send it alone; -EINVAL the header's
 * offsets lie past the frame; -EFAULT its memory cannot be read.
 */
int vtap_xdp_tx_add(struct vtap_backend *b, const struct vtap_chain *c,
		    u8 skip, u8 hlen, size_t len)
{
	size_t pad = headroom(b);
	size_t size = SKB_DATA_ALIGN(pad + len) + TAIL;
	struct virtio_net_hdr *hdr;
	struct xdp_buff *xdp;
	void *buf;
	int err;

	if (size > PAGE_SIZE)
		return -ENOSPC;
	/* Sizes are multiples of the cache line, so offsets are, too. */
	buf = page_frag_alloc(&b->frags, size, GFP_KERNEL | __GFP_NOWARN);
	if (unlikely(!buf))
		return -ENOSPC;

	/* One copy for both, so the header lies in front of the frame first. */
	err = -EFAULT;
	if (unlikely(!copy_packet(buf + pad - hlen, c, skip, hlen + len)))
		goto err_free;
	hdr = hdr_of(buf);
	memset(hdr, 0, HDR_ROOM);
	memcpy(hdr, buf + pad - hlen, hlen);
	if (unlikely(hdr->gso_type != VIRTIO_NET_HDR_GSO_NONE)) {
		err = -ENOSPC;
		goto err_free;
	}
	if (unlikely(!vtap_vnet_hdr_fix(hdr, len))) {
		err = -EINVAL;
		goto err_free;
	}
	set_buflen(buf, size);
	xdp = &b->xdp[b->nr_batch++];
	xdp_init_buff(xdp, size, NULL);
	xdp_prepare_buff(xdp, buf, pad, len, true);
	b->batch_bytes += len;
	return 0;

err_free:
	page_frag_free(buf);
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
	int ret = b->sock->ops->sendmsg(b->sock, &msg, 0);
	u16 i;

	if (unlikely(ret < 0)) {
		for (i = 0; i < b->nr_batch; i++)
			page_frag_free(b->xdp[i].data_hard_start);
	}
	b->nr_batch = 0;
	b->batch_bytes = 0;
	return ret < 0 ? ret : 0;
}
