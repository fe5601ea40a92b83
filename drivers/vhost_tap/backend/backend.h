/* SPDX-License-Identifier: GPL-2.0 */
/*
 * backend.h - what a queue needs of a tap, a macvtap or a packet socket
 *
 * Read before: ../vtap.h. Read next: backend.c (attach), ring_rx.c, xdp_tx.c.
 *
 * All three kinds are sockets underneath: sendmsg and recvmsg work for each.
 * Tun and tap add two fast ways: frames in batches towards the host, and a
 * ring that packets for the guest wait in. AF_PACKET has neither, and so would
 * a kernel that keeps its rings to itself: backend.ring is NULL there and
 * everything still works.
 */
#ifndef VTAP_BACKEND_H
#define VTAP_BACKEND_H

#include <linux/if_vlan.h>
#include <linux/net.h>
#include <linux/skbuff.h>
#include <net/sock.h>

#include "../vtap.h"

/* backend.c: control */
struct socket *vtap_backend_socket(int fd, enum vtap_backend_kind *kind);
void vtap_backend_attach(struct vtap_backend *b, enum vtap_dir dir,
			 struct socket *sock, enum vtap_backend_kind kind);
struct socket *vtap_backend_detach(struct vtap_backend *b);

/* ring_rx.c: packets for the guest from a tun or tap ring */
u32 vtap_ring_rx_peek(struct vtap_backend *b);
u32 vtap_ring_rx_len(void *ptr);

/* xdp_tx.c: frames from the guest, in batches */
int vtap_xdp_tx_add(struct vtap_backend *b, const struct vtap_chain *c,
		    u8 skip, u8 hlen, size_t len);
int vtap_xdp_tx_flush(struct vtap_backend *b);

/**
 * vtap_backend_peek - length of the next packet for the guest
 * @b: attached backend of an RX queue
 *
 * Takes up to VTAP_BATCH packets out of the ring at a time.
 *
 * Return: bytes of the frame, a VLAN tag included, the virtio-net header not;
 * 0 when nothing waits.
 */
static inline u32 vtap_backend_peek(struct vtap_backend *b)
{
	struct sk_buff_head *list;
	struct sk_buff *skb;
	unsigned long flags;
	u32 len = 0;

	if (likely(b->batch_at < b->nr_batch))
		return vtap_ring_rx_len(b->batch[b->batch_at]);
	if (b->ring)
		return vtap_ring_rx_peek(b);

	list = &b->sock->sk->sk_receive_queue;
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
 * vtap_backend_recv - deliver the next packet, header first
 * @b: attached backend of an RX queue; vtap_backend_peek() gave a length
 * @to: where to; its count is what the packet may have
 *
 * The packet is consumed whatever happens; a shorter @to cuts it off.
 *
 * Return: bytes of header and packet, which may be more than fit; negative
 * errno when it could not be delivered.
 */
static inline int vtap_backend_recv(struct vtap_backend *b, struct iov_iter *to)
{
	struct msghdr msg = { .msg_iter = *to, .msg_flags = MSG_DONTWAIT };

	if (b->ring)
		msg.msg_control = b->batch[b->batch_at++];
	return b->sock->ops->recvmsg(b->sock, &msg, iov_iter_count(to),
				     MSG_DONTWAIT | MSG_TRUNC);
}

/**
 * vtap_backend_send - hand over one packet, header first
 * @b: attached backend of a TX queue
 * @from: header and frame
 * @more: another packet follows at once
 *
 * Return: 0; -EAGAIN no room in the socket; other negative errno.
 */
static inline int vtap_backend_send(struct vtap_backend *b,
				    struct iov_iter *from, bool more)
{
	struct msghdr msg = {
		.msg_iter = *from,
		.msg_flags = MSG_DONTWAIT | (more ? MSG_MORE : 0),
	};
	int ret = b->sock->ops->sendmsg(b->sock, &msg, iov_iter_count(from));

	return ret < 0 ? ret : 0;
}

/**
 * vtap_backend_has_xdp - does the backend take frames in batches?
 * @b: attached backend of a TX queue
 *
 * Frames given as a batch are not charged to the socket, so a send buffer
 * limit (TUNSETSNDBUF) rules them out; it can change at any time.
 */
static inline bool vtap_backend_has_xdp(const struct vtap_backend *b)
{
	return b->kind != VTAP_BACKEND_PACKET &&
	       READ_ONCE(b->sock->sk->sk_sndbuf) == INT_MAX;
}

/**
 * vtap_backend_has_room - may a refused packet be sent now?
 * @b: attached backend of a TX queue
 *
 * When not, the socket is asked for a wake-up (EPOLLOUT).
 */
static inline bool vtap_backend_has_room(struct vtap_backend *b)
{
	return vfs_poll(b->sock->file, NULL) & (EPOLLOUT | EPOLLERR);
}

#endif /* VTAP_BACKEND_H */
