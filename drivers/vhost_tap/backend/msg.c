// SPDX-License-Identifier: GPL-2.0
/*
 * msg.c - packets by recvmsg and sendmsg, where that takes more than a call
 *
 * Read before: backend.h, ../vnet_hdr.h. Read next: ../tx.c, ../rx.c.
 *
 * RX: recvmsg of a backend without a ring wants to know the packet's length first.
 *
 * TX: a packet by itself goes to sendmsg as it lies in guest memory, header
 * included. Tun, tap and packet sockets refuse one whose hdr_len does not fit the
 * frame. The driver need not care for that field, so the packet is copied and sent
 * once more with a header of our own. Drivers rarely need that: it is not fast.
 */
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "../vnet_hdr.h"
#include "backend.h"

/**
 * vtap_msg_peek - length of the next packet for the guest
 * @b: attached backend of an RX queue, without a ring
 *
 * Packets of tun and tap wait in a ring that their peek_len() looks into. A packet
 * socket has no such operation: its packets are in the socket's own queue.
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

/**
 * vtap_msg_resend - send a packet that sendmsg refused with -EINVAL
 * @b: attached backend of a TX queue
 * @c: the frame's chain: @skip bytes of no interest, the header, the frame
 * @skip: bytes before the header
 * @hlen: bytes of the header, 0 to VTAP_HLEN_MAX
 * @len: bytes of the frame, at least ETH_HLEN and at most VTAP_FRAME_MAX
 *
 * Each byte is fetched from the guest once: the header that is checked is the
 * one that is sent.
 *
 * Return: 0; -EINVAL the header has another fault; -EAGAIN no room in the socket;
 * -ENOMEM; -EFAULT guest memory cannot be read; other negative errno.
 */
int vtap_msg_resend(struct vtap_backend *b, const struct vtap_chain *c,
		    u8 skip, u8 hlen, u32 len)
{
	struct virtio_net_hdr hdr;
	struct iov_iter from;
	struct kvec kvec;
	size_t rest;
	int err;

	if (hlen < sizeof(hdr))
		return -EINVAL;
	if (!vtap_user_gather(&hdr, c->iov, c->nr_out, skip, sizeof(hdr)))
		return -EFAULT;
	if (!vtap_vnet_hdr_ok(&hdr, len) || !vtap_vnet_hdr_fix_len(&hdr, len))
		return -EINVAL;

	rest = hlen - sizeof(hdr) + len;
	kvec.iov_len = sizeof(hdr) + rest;
	/* No memory is no reason to end a process of the owner's cgroup. */
	kvec.iov_base = kvmalloc(kvec.iov_len, GFP_KERNEL_ACCOUNT |
					       __GFP_RETRY_MAYFAIL |
					       __GFP_NOWARN);
	if (!kvec.iov_base)
		return -ENOMEM;
	memcpy(kvec.iov_base, &hdr, sizeof(hdr));
	err = -EFAULT;
	if (vtap_user_gather(kvec.iov_base + sizeof(hdr), c->iov, c->nr_out,
			     skip + sizeof(hdr), rest)) {
		iov_iter_kvec(&from, ITER_SOURCE, &kvec, 1, kvec.iov_len);
		err = vtap_backend_send(b, &from, false);
	}
	kvfree(kvec.iov_base);
	return err;
}
