/* SPDX-License-Identifier: GPL-2.0 */
/*
 * backend.h - the network side of a queue: a tap, a macvtap or a packet socket
 *
 * sendmsg and recvmsg work for all three. Tap and macvtap also take frames for the
 * host in batches (xdp_tx.h), and keep packets for the guest in a ptr_ring
 * (ring_rx.c, skb_rx.h). A kernel that does not export these rings leaves
 * vtap_backend.ring NULL. Packets are then taken by recvmsg (make check-recvmsg).
 */
#ifndef VTAP_BACKEND_H
#define VTAP_BACKEND_H

#include <linux/net.h>
#include <linux/netdevice.h>
#include <net/rtnetlink.h>

#include "../vtap.h"
#include "skb_rx.h"
#include "xdp_tx.h"

/* backend.c: attach and detach */
struct socket *vtap_backend_socket(int fd, enum vtap_backend_kind *kind);
bool vtap_backend_takes_batches(struct socket *sock,
				enum vtap_backend_kind kind,
				const struct net *own);
void vtap_backend_attach(struct vtap_backend *b, enum vtap_dir dir,
			 struct socket *sock, enum vtap_backend_kind kind,
			 bool batches);
struct socket *vtap_backend_detach(struct vtap_backend *b);

/* netdev.c: the network device behind the socket */
void vtap_backend_tun_name(struct socket *sock, enum vtap_backend_kind kind,
			   char *name);
struct net_device *vtap_backend_netdev(struct socket *sock,
				       enum vtap_backend_kind kind,
				       const char *tun,
				       const struct vtap_interface_id *last,
				       const struct vtap_interface_reader *reader);

/**
 * struct vtap_interface_drops - packets that a network device dropped itself
 * @is_known: false for a packet socket, whose device counts others' packets
 * @to_guest: packets for the guest, of all queues of the device
 * @from_guest: packets of the guest
 */
struct vtap_interface_drops {
	bool is_known;
	u64 to_guest;
	u64 from_guest;
};

void vtap_interface_init(struct vtap_interface *i);
void vtap_interface_free(struct vtap_interface *i);
void vtap_interface_set(struct vtap_interface *i, const struct net *net,
			struct socket *sock, enum vtap_backend_kind kind);
void vtap_interface_last(struct vtap_interface *i,
			 struct vtap_interface_id *id);
void vtap_interface_get(struct vtap_interface *i, const struct sk_buff *req,
			struct vtap_interface_id *id,
			struct vtap_interface_drops *drops);

/* Only one module can register this kind of link. */
static inline bool vtap_is_tun(const struct net_device *dev)
{
	return dev->rtnl_link_ops && !strcmp(dev->rtnl_link_ops->kind, "tun");
}

/* ring_rx.c: packets for the guest in the ptr_ring of a tap or macvtap */
struct ptr_ring *vtap_ring_rx_find(struct socket *sock,
				   enum vtap_backend_kind kind);
u32 vtap_ring_rx_peek(struct vtap_backend *b);
u32 vtap_ring_rx_len(void *ptr);
u32 vtap_ring_rx_give_back(struct vtap_backend *b);

/* msg.c: packets for the guest by recvmsg */
u32 vtap_msg_peek(struct vtap_backend *b);
int vtap_msg_deliver(struct vtap_queue *q, u32 len, u16 nr_buffers, u16 nr_iov);
void vtap_backend_discard(struct vtap_backend *b);

/* frag_tx.c: GSO frames for the host in page fragments */
void vtap_frag_tx_free(struct vtap_backend *b);
bool vtap_frag_tx_trim(struct vtap_backend *b);
#ifdef VTAP_HAVE_UBUF_INFO_FLAGS
int vtap_frag_tx_send(struct vtap_backend *b, const struct vtap_chain *c,
		      u8 skip, u8 hlen, u32 len);
#else
static inline int vtap_frag_tx_send(struct vtap_backend *b,
				    const struct vtap_chain *c, u8 skip,
				    u8 hlen, u32 len)
{
	return -ENOSPC;
}
#endif /* VTAP_HAVE_UBUF_INFO_FLAGS: remove with 5.10 */

/* send.c: frames for the host, in batches or one at a time */
int vtap_backend_add_slow(struct vtap_queue *q, const struct vtap_chain *c,
			  u32 len, int reason);
u32 vtap_backend_flush(struct vtap_queue *q);
bool vtap_backend_has_room(struct vtap_backend *b);

/* The lock of the queue that a backend belongs to protects the backend. */
static inline void vtap_backend_assert_locked(const struct vtap_backend *b)
{
	lockdep_assert_held(&container_of(b, struct vtap_queue, backend)->lock);
}

/**
 * vtap_backend_peek - length of the next packet for the guest
 * @b: attached backend of an RX queue
 *
 * Return: bytes of the frame, including a VLAN tag, without the virtio-net
 * header; 0 if no packet waits.
 */
static inline u32 vtap_backend_peek(struct vtap_backend *b)
{
	if (likely(b->batch_next < b->nr_batch))
		return vtap_ring_rx_len(b->batch[b->batch_next]);
	if (b->ring)
		return vtap_ring_rx_peek(b);
	return vtap_msg_peek(b);
}

/**
 * vtap_backend_deliver - move the next packet into guest buffers
 * @q: RX queue; vtap_backend_peek() returned @len
 * @len: bytes of the frame
 * @nr_buffers: descriptor chains that the buffers belong to, for the header
 * @nr_iov: segments in @q->iov, which have room for header and frame
 *
 * The packet is consumed in every case.
 *
 * Return: 0; -EFAULT guest memory cannot be written; other negative errno if
 * the packet cannot be delivered.
 */
static __always_inline int vtap_backend_deliver(struct vtap_queue *q, u32 len,
						u16 nr_buffers, u16 nr_iov)
{
	if (likely(vtap_skb_rx_can_deliver(&q->backend, q->cfg.sock_hlen)))
		return vtap_skb_rx_deliver(&q->backend, &q->cfg, nr_buffers, q->iov,
					   nr_iov);
	return vtap_msg_deliver(q, len, nr_buffers, nr_iov);
}

/* End an RX pass: free the delivered packets, and add them to the tap's counters. */
static inline void vtap_backend_end_rx(struct vtap_backend *b)
{
	vtap_backend_assert_locked(b);
	if (b->done)
		vtap_skb_rx_free(b);
	if (b->nr_uncounted)
		vtap_skb_rx_account(b);
}

/**
 * vtap_backend_add - send a frame of the guest, or add it to the batch
 * @q: TX queue with a backend and fewer than VTAP_BATCH frames in the batch
 * @c: descriptor chain of the frame, header first
 * @len: bytes of the frame, ETH_HLEN to VTAP_FRAME_MAX
 *
 * Frames leave in the order in which they are added. vtap_backend_flush() sends
 * those that wait.
 *
 * Return: 0; -EAGAIN the backend has no room or no memory: try the same frame
 * again later. After any other errno the frame is to be dropped: -EFAULT guest
 * memory cannot be read, -EINVAL bad header, else what the socket returned.
 */
static __always_inline int vtap_backend_add(struct vtap_queue *q,
					    const struct vtap_chain *c, u32 len)
{
	int err = -ENOSPC;

	if (likely(vtap_backend_has_xdp(&q->backend))) {
		err = vtap_xdp_tx_add(&q->backend, c, q->cfg.guest_hlen,
				      q->cfg.sock_hlen, len);
		if (likely(!err))
			return 0;
	}
	return vtap_backend_add_slow(q, c, len, err);
}

#endif /* VTAP_BACKEND_H */
