/* SPDX-License-Identifier: GPL-2.0 */
/*
 * backend.h - what a queue needs of a tap, a macvtap or a packet socket
 *
 * Read before: ../vtap.h. Read next: backend.c (attach), netdev.c, ring_rx.c,
 * skb_rx.c, xdp_tx.h.
 *
 * All three kinds are sockets underneath: sendmsg and recvmsg work for each.
 * Tun and tap add two fast ways: frames in batches towards the host, and a
 * ring that packets for the guest wait in. AF_PACKET has neither. A kernel may
 * keep the rings of its taps to itself: backend.ring is NULL then, and packets
 * are taken by recvmsg one by one (make check-recvmsg).
 */
#ifndef VTAP_BACKEND_H
#define VTAP_BACKEND_H

#include <linux/if_tun.h>
#include <linux/if_vlan.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <net/rtnetlink.h>
#include <net/sock.h>

#include "../vtap.h"

/* backend.c: control */
struct socket *vtap_backend_socket(int fd, enum vtap_backend_kind *kind);
bool vtap_backend_takes_batches(struct socket *sock,
				enum vtap_backend_kind kind);
void vtap_backend_attach(struct vtap_backend *b, enum vtap_dir dir,
			 struct socket *sock, enum vtap_backend_kind kind,
			 bool batches);
struct socket *vtap_backend_detach(struct vtap_backend *b);

/* netdev.c: which network device is behind it */
void vtap_backend_tun_name(struct socket *sock, enum vtap_backend_kind kind,
			   char *name);
struct net_device *vtap_backend_netdev(struct socket *sock,
				       enum vtap_backend_kind kind,
				       const char *tun,
				       const struct vtap_interface_id *last);

void vtap_interface_init(struct vtap_interface *i);
void vtap_interface_free(struct vtap_interface *i);
void vtap_interface_set(struct vtap_interface *i, struct socket *sock,
			enum vtap_backend_kind kind);
void vtap_interface_get(struct vtap_interface *i, struct vtap_interface_id *id);

/* Only one module can be of this kind. */
static inline bool vtap_is_tun(const struct net_device *dev)
{
	return dev->rtnl_link_ops && !strcmp(dev->rtnl_link_ops->kind, "tun");
}

/* ring_rx.c: packets for the guest from a tun or tap ring */
struct ptr_ring *vtap_ring_rx_find(struct socket *sock,
				   enum vtap_backend_kind kind);
u32 vtap_ring_rx_peek(struct vtap_backend *b);
u32 vtap_ring_rx_len(void *ptr);

/* msg.c: packets by recvmsg, and such that sendmsg refused */
u32 vtap_msg_peek(struct vtap_backend *b);
int vtap_msg_resend(struct vtap_backend *b, const struct vtap_chain *c,
		    u8 skip, u8 hlen, u32 len);

/* skb_rx.c: an skb into guest memory */
int vtap_skb_rx(struct vtap_backend *b, const struct vtap_qcfg *cfg,
		u16 nr_buffers, const struct iovec *iov, u16 nr_iov);
void vtap_skb_rx_learn(struct vtap_backend *b, u8 hlen,
		       const struct net_device *dev);
void vtap_skb_rx_account(struct vtap_backend *b);

/* Every change of a backend happens under the lock of the queue it belongs to. */
static inline void vtap_backend_assert_locked(const struct vtap_backend *b)
{
	lockdep_assert_held(&container_of(b, struct vtap_queue, backend)->lock);
}

/*
 * Whole packets to and from guest memory. What copy_from_user() does besides,
 * looking up what kind of object the kernel's side is to see that the length
 * stays inside (hardened usercopy), is a tenth of what a small packet costs.
 * The kernel's side is memory allocated for the frame's length, or the header
 * and the linear part of an skb, whose length is the skb's own.
 */
static inline bool vtap_user_read(void *to, const void __user *from,
				  unsigned long len)
{
	might_fault();
	return !_copy_from_user(to, from, len);
}

static inline bool vtap_user_write(void __user *to, const void *from,
				   unsigned long len)
{
	might_fault();
	return !_copy_to_user(to, from, len);
}

/* The same with segments: @len bytes of them behind the first @skip. */
static inline bool vtap_user_gather(void *to, const struct iovec *iov,
				    u16 nr_iov, size_t skip, size_t len)
{
	for (; nr_iov && len; nr_iov--, iov++) {
		size_t part = min(iov->iov_len - min(iov->iov_len, skip), len);

		if (part && !vtap_user_read(to, iov->iov_base + skip, part))
			return false;
		skip -= min(iov->iov_len, skip);
		to += part;
		len -= part;
	}
	return !len;
}

static inline bool vtap_user_scatter(const struct iovec *iov, u16 nr_iov,
				     size_t skip, const void *from, size_t len)
{
	if (likely(iov->iov_len >= skip + len))
		return vtap_user_write(iov->iov_base + skip, from, len);
	for (; nr_iov && len; nr_iov--, iov++) {
		size_t part = min(iov->iov_len - min(iov->iov_len, skip), len);

		if (part && !vtap_user_write(iov->iov_base + skip, from, part))
			return false;
		skip -= min(iov->iov_len, skip);
		from += part;
		len -= part;
	}
	return !len;
}

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
	if (likely(b->batch_at < b->nr_batch))
		return vtap_ring_rx_len(b->batch[b->batch_at]);
	if (b->ring)
		return vtap_ring_rx_peek(b);
	return vtap_msg_peek(b);
}

/**
 * vtap_backend_recv - deliver the next packet, header first
 * @b: attached backend of an RX queue; vtap_backend_peek() gave a length
 * @to: where to; its count is what the packet may have
 *
 * The packet is consumed whatever happens; a shorter @to cuts it off. Tun says that
 * a frame was delivered although it could not be copied, so what was written counts.
 *
 * Return: bytes of header and packet, which may be more than fit; negative
 * errno when it could not be delivered.
 */
static inline int vtap_backend_recv(struct vtap_backend *b, struct iov_iter *to)
{
	struct msghdr msg = { .msg_iter = *to, .msg_flags = MSG_DONTWAIT };

	size_t room = iov_iter_count(to);
	int ret;

	if (b->ring)
		msg.msg_control = b->batch[b->batch_at++];
	ret = b->sock->ops->recvmsg(b->sock, &msg, room,
				    MSG_DONTWAIT | MSG_TRUNC);
	if (ret > 0 && room - iov_iter_count(&msg.msg_iter) < min_t(size_t, ret, room))
		return -EFAULT;
	return ret;
}

/**
 * vtap_skb_rx_dev - whose packet is next?
 * @b: backend of an RX queue; vtap_backend_peek() gave a length
 *
 * Return: to compare, not to follow: the device may be gone. NULL unknown.
 */
static inline const struct net_device *vtap_skb_rx_dev(struct vtap_backend *b)
{
	void *ptr = b->ring ? b->batch[b->batch_at] : NULL;

	if (!ptr || tun_is_xdp_frame(ptr))
		return NULL;
	return ((struct sk_buff *)ptr)->dev;
}

/**
 * vtap_skb_rx_is_simple - may the next packet go by vtap_skb_rx()?
 * @b: backend of an RX queue; vtap_backend_peek() gave a length
 * @hlen: bytes of the header in front of the frame, all told
 *
 * What is rare is left to recvmsg: VLAN tags beside the frame, tunnels, and
 * what is left of a tun that was deleted, which recvmsg refuses.
 */
static inline bool vtap_skb_rx_is_simple(const struct vtap_backend *b, u8 hlen)
{
	const struct sk_buff *skb;

	if (!b->direct_hlen || b->direct_hlen != hlen)
		return false;
	if (tun_is_xdp_frame(b->batch[b->batch_at]))
		return false;
	skb = b->batch[b->batch_at];
	if (b->kind == VTAP_BACKEND_TAP &&
	    (skb->dev != b->dev ||
	     READ_ONCE(b->sock->sk->sk_shutdown) & RCV_SHUTDOWN))
		return false;
	return !skb_vlan_tag_present(skb) &&
	       !(skb_shinfo(skb)->gso_type &
		 (SKB_GSO_UDP_TUNNEL | SKB_GSO_UDP_TUNNEL_CSUM));
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
	return b->batches &&
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
