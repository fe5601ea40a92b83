// SPDX-License-Identifier: GPL-2.0
/*
 * msg.c - deliver packets to the guest by recvmsg
 *
 * This way serves packet sockets, kernels that do not export the ring of a tap,
 * and the packets that skb_rx.c does not handle.
 */
#include <linux/if_vlan.h>
#include <linux/net.h>
#include <linux/skbuff.h>
#include <linux/uio.h>

#include "backend.h"

/**
 * vtap_msg_peek - length of the next packet for the guest
 * @b: attached backend of an RX queue, without a ring
 *
 * peek_len() of tap and macvtap looks into their ring. A packet socket lacks
 * the operation; its packets wait in the receive queue of the socket.
 *
 * Return: as vtap_backend_peek().
 */
u32 vtap_msg_peek(struct vtap_backend *b)
{
	struct sk_buff_head *list = &b->sock->sk->sk_receive_queue;
	struct sk_buff *skb;
	unsigned long flags;
	u32 len = 0;

	if (b->sock->ops->peek_len)
		return max(b->sock->ops->peek_len(b->sock), 0);
	if (skb_queue_empty_lockless(list))
		return 0;
	spin_lock_irqsave(&list->lock, flags);
	skb = skb_peek(list);
	if (skb)
		len = skb->len +
		      (skb_vlan_tag_present(skb) ? VLAN_HLEN : 0);
	spin_unlock_irqrestore(&list->lock, flags);
	return len;
}

/*
 * Take the next packet with recvmsg, header first. It is consumed in every
 * case, and cut off at the end of @to. Tun reports success for a frame that it
 * could not copy, so the bytes written are counted.
 *
 * errno if it was not delivered.
 */
static int vtap_msg_recv(struct vtap_backend *b, struct iov_iter *to)
{
	struct msghdr msg = { .msg_iter = *to, .msg_flags = MSG_DONTWAIT };
	size_t room = iov_iter_count(to);
	int ret;

	if (b->ring)
		msg.msg_control = b->batch[b->batch_next++];
	ret = b->sock->ops->recvmsg(b->sock, &msg, room,
				    MSG_DONTWAIT | MSG_TRUNC);
	if (ret > 0 &&
	    room - iov_iter_count(&msg.msg_iter) < min_t(size_t, ret, room))
		return -EFAULT;
	return ret;
}

/* Write the whole header, or only num_buffers if the backend has a header. */
static int vtap_msg_write_header(const struct vtap_qcfg *cfg,
				 struct iov_iter to, u16 nr_buffers)
{
	__le16 num_buffers = cpu_to_le16(nr_buffers);

	if (cfg->guest_hlen) {
		struct iov_iter header = to;

		if (iov_iter_zero(cfg->guest_hlen, &header) != cfg->guest_hlen)
			return -EFAULT;
	}
	iov_iter_advance(&to, sizeof(struct virtio_net_hdr));
	if (cfg->set_num_buffers &&
	    copy_to_iter(&num_buffers, sizeof(num_buffers), &to) !=
	    sizeof(num_buffers))
		return -EFAULT;
	return 0;
}

/**
 * vtap_msg_deliver - move the next packet into guest buffers with recvmsg
 * @q: RX queue; vtap_backend_peek() returned @len
 * @len: bytes of the frame
 * @nr_buffers: descriptor chains that the buffers belong to, for the header
 * @nr_iov: segments in @q->iov
 *
 * Return: as vtap_backend_deliver(); -EMSGSIZE if the packet had another length
 * than @len.
 */
int vtap_msg_deliver(struct vtap_queue *q, u32 len, u16 nr_buffers, u16 nr_iov)
{
	const struct net_device *dev = vtap_skb_rx_dev(&q->backend);
	u32 sock_len = q->cfg.sock_hlen + len;
	struct iov_iter start, to;
	int ret;

	iov_iter_init(&start, ITER_DEST, q->iov, nr_iov,
		      q->cfg.guest_hlen + sock_len);
	to = start;
	iov_iter_advance(&to, q->cfg.guest_hlen);
	vtap_count(&q->stats, singles);
	ret = vtap_msg_recv(&q->backend, &to);
	if (unlikely(ret != (int)sock_len))
		return ret < 0 ? ret : -EMSGSIZE;
	vtap_skb_rx_learn(&q->backend, q->cfg.sock_hlen, dev);
	return vtap_msg_write_header(&q->cfg, start, nr_buffers);
}

/**
 * vtap_backend_discard - consume the next packet without delivering it
 * @b: attached backend of an RX queue; vtap_backend_peek() returned a length
 */
void vtap_backend_discard(struct vtap_backend *b)
{
	/* One byte: tun and tap leave a packet in their ring if there is no room. */
	u8 byte;
	struct kvec kvec = { .iov_base = &byte, .iov_len = sizeof(byte) };
	struct iov_iter to;

	iov_iter_kvec(&to, ITER_DEST, &kvec, 1, sizeof(byte));
	vtap_msg_recv(b, &to);
}
