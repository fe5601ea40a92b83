// SPDX-License-Identifier: GPL-2.0
/*
 * send.c - send frames of the guest, in batches or one at a time
 *
 * A queue with gso_frags sends GSO frames of more than a page in page fragments
 * (frag_tx.c). A frame that goes neither there nor in a batch is passed to sendmsg as
 * it lies in guest memory, header included: frames of a packet socket or of a tap with
 * a send buffer limit, GSO frames of a macvtap, and frames that find no memory.
 */
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "../ring/ring_ops.h"
#include "backend.h"

/*
 * Send a batch with large frames when it has used this number of pieces. The
 * memory of sent frames is then used again while it is in the cache.
 */
#define LARGE_BATCH_PIECES	(VTAP_FRAME_PIECES - 1)

static void vtap_send_count(struct vtap_queue *q, u32 packets, u32 bytes)
{
	vtap_count_add(&q->stats, packets, packets);
	vtap_count_add(&q->stats, bytes, bytes);
}

/* The chains of the batch are staged already, so lost frames are only counted. */
static void vtap_send_batch(struct vtap_queue *q)
{
	struct vtap_backend *b = &q->backend;
	u32 packets = b->nr_batch, bytes = b->batch_bytes;

	if (!packets)
		return;
	if (unlikely(vtap_xdp_tx_flush(b))) {
		b->nr_lost += packets;
		return;
	}
	vtap_send_count(q, packets, bytes);
	vtap_count(&q->stats, backend_batches);
}

/**
 * vtap_backend_flush - send the frames of the batch
 * @q: TX queue with a backend; its lock is held
 *
 * Return: frames that the backend refused since the last call.
 */
u32 vtap_backend_flush(struct vtap_queue *q)
{
	struct vtap_backend *b = &q->backend;
	u32 nr_lost;

	lockdep_assert_held(&q->lock);
	vtap_send_batch(q);
	nr_lost = b->nr_lost;
	b->nr_lost = 0;
	return nr_lost;
}

/* @more: another frame follows at once. Return: 0 or a negative errno. */
static int vtap_send_msg(struct vtap_backend *b, struct iov_iter *from,
			 bool more)
{
	struct msghdr msg = {
		.msg_iter = *from,
		.msg_flags = MSG_DONTWAIT | (more ? MSG_MORE : 0),
	};
	int ret = b->sock->ops->sendmsg(b->sock, &msg, iov_iter_count(from));

	return ret < 0 ? ret : 0;
}

/*
 * Send a frame that sendmsg refused with -EINVAL once more, with a hdr_len that
 * fits. Tun, tap and packet sockets refuse a hdr_len that does not fit the
 * frame, but a driver need not set it. Each byte is fetched from the guest
 * once: the header that is checked is the one that is sent.
 * Return: 0; -EINVAL the header has another fault; -EAGAIN no room in the
 * socket; -ENOMEM; -EFAULT guest memory cannot be read; other negative errno.
 */
static int vtap_send_fixed(struct vtap_backend *b, const struct vtap_chain *c,
			   u8 skip, u8 hlen, u32 len)
{
	struct virtio_net_hdr hdr;
	struct iov_iter from;
	struct kvec kvec;
	size_t left;
	int err;

	if (hlen < sizeof(hdr))
		return -EINVAL;
	if (!vtap_user_gather(&hdr, c->iov, c->nr_out, skip, sizeof(hdr)))
		return -EFAULT;
	if (!vtap_vnet_hdr_ok(&hdr, len) || !vtap_vnet_hdr_fix_len(&hdr, len))
		return -EINVAL;

	left = hlen - sizeof(hdr) + len;
	kvec.iov_len = sizeof(hdr) + left;
	/* Too little memory must not invoke the OOM killer in the owner's cgroup. */
	kvec.iov_base = kvmalloc(kvec.iov_len, GFP_KERNEL_ACCOUNT |
					       __GFP_RETRY_MAYFAIL |
					       __GFP_NOWARN);
	if (!kvec.iov_base)
		return -ENOMEM;
	memcpy(kvec.iov_base, &hdr, sizeof(hdr));
	err = -EFAULT;
	if (vtap_user_gather(kvec.iov_base + sizeof(hdr), c->iov, c->nr_out,
			     skip + sizeof(hdr), left)) {
		iov_iter_kvec(&from, ITER_SOURCE, &kvec, 1, kvec.iov_len);
		err = vtap_send_msg(b, &from, false);
	}
	kvfree(kvec.iov_base);
	return err;
}

/*
 * A frame was sent by itself, with the result @err. A packet that the kernel
 * has no memory for is tried VTAP_TX_RETRIES times more.
 * Return: as vtap_backend_add().
 */
static int vtap_send_done(struct vtap_queue *q, int err, u32 len)
{
	if (err == -EAGAIN)
		return err;
	if ((err == -ENOMEM || err == -ENOBUFS) &&
	    q->nr_retries < VTAP_TX_RETRIES) {
		q->nr_retries++;
		vtap_count(&q->stats, retries);
		return -EAGAIN;
	}
	q->nr_retries = 0;
	if (unlikely(err))
		return err;
	vtap_send_count(q, 1, len);
	vtap_count(&q->stats, singles);
	return 0;
}

/*
 * Send one frame with sendmsg, after those batched before it.
 * Return: as vtap_backend_add().
 */
static int vtap_send_single(struct vtap_queue *q, const struct vtap_chain *c,
			    u32 len)
{
	struct vtap_backend *b = &q->backend;
	struct vtap_ring *r = &q->ring;
	struct iov_iter from;
	int err;

	iov_iter_init(&from, ITER_SOURCE, c->iov, c->nr_out, c->out_len);
	iov_iter_advance(&from, q->cfg.guest_hlen);
	/* More frames follow: a hint for sockets with a send buffer limit. */
	err = vtap_send_msg(b, &from, !vtap_backend_has_xdp(b) &&
			    vtap_ring_empty(r, r->packed) == 0);
	if (unlikely(err == -EINVAL))
		err = vtap_send_fixed(b, c, q->cfg.guest_hlen,
				      q->cfg.sock_hlen, len);
	return vtap_send_done(q, err, len);
}

static bool vtap_send_is_gso(const struct vtap_queue *q,
			     const struct vtap_chain *c)
{
	return vtap_frame_is_gso(c, q->cfg.guest_hlen, q->cfg.sock_hlen);
}

/*
 * Send a GSO frame in page fragments, after those batched before it.
 * Return: as vtap_backend_add(); -ENOSPC or -EOPNOTSUPP to send it in another
 * way, see vtap_frag_tx_send().
 */
static int vtap_send_frags(struct vtap_queue *q, const struct vtap_chain *c,
			   u32 len)
{
	int err;

	vtap_send_batch(q);
	err = vtap_frag_tx_send(&q->backend, c, q->cfg.guest_hlen,
				q->cfg.sock_hlen, len);
	if (err == -ENOSPC || err == -EOPNOTSUPP)
		return err;
	err = vtap_send_done(q, err, len);
	if (!err)
		vtap_count(&q->stats, frag_frames);
	return err;
}

/*
 * Send a frame that does not go in a batch slot of a page.
 * Return: as vtap_xdp_tx_add(), or vtap_send_frags().
 */
static int vtap_send_large(struct vtap_queue *q, const struct vtap_chain *c,
			   u32 len)
{
	struct vtap_backend *b = &q->backend;
	int err;

	if (READ_ONCE(q->gso_frags) && vtap_send_is_gso(q, c)) {
		err = vtap_send_frags(q, c, len);
		if (err != -EOPNOTSUPP)
			return err;
	}
	err = vtap_xdp_tx_add_large(b, c, q->cfg.guest_hlen, q->cfg.sock_hlen,
				    len);
	if (!err && b->frames.nr_taken - b->first_piece < LARGE_BATCH_PIECES)
		return 0;
	if (err && err != -ENOSPC)
		return err;
	vtap_send_batch(q);
	if (!err)
		return 0;
	/* Send it by itself: the next frame may reuse the memory. */
	err = vtap_xdp_tx_add_long(b, c, q->cfg.guest_hlen, q->cfg.sock_hlen,
				   len);
	if (!err)
		vtap_send_batch(q);
	return err;
}

/**
 * vtap_backend_add_slow - send a frame that vtap_xdp_tx_add() does not take
 * @q: TX queue with a backend
 * @c: descriptor chain of the frame
 * @len: bytes of the frame
 * @reason: errno of vtap_xdp_tx_add(); -ENOSPC if there is another way
 *
 * Return: as vtap_backend_add().
 */
int vtap_backend_add_slow(struct vtap_queue *q, const struct vtap_chain *c,
			  u32 len, int reason)
{
	int err = reason;

	if (err == -ENOSPC && vtap_backend_has_xdp(&q->backend))
		err = vtap_send_large(q, c, len);
	if (err == -ENOSPC || err == -EOPNOTSUPP) {
		vtap_send_batch(q);
		return vtap_send_single(q, c, len);
	}
	if (!err)
		q->nr_retries = 0;
	return err;
}

/**
 * vtap_backend_has_room - check whether the backend has room for a frame
 * @b: attached backend of a TX queue
 *
 * If not, the socket wakes the queue's hook (EPOLLOUT) when it has room.
 */
bool vtap_backend_has_room(struct vtap_backend *b)
{
	return vfs_poll(b->sock->file, NULL) & (EPOLLOUT | EPOLLERR);
}
