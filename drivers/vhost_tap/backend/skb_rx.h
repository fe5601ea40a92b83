/* SPDX-License-Identifier: GPL-2.0 */
/* skb_rx.h - copy an skb of a tun or tap queue straight into guest memory */
#ifndef VTAP_SKB_RX_H
#define VTAP_SKB_RX_H

#include <linux/if_tun.h>
#include <linux/if_vlan.h>
#include <linux/skbuff.h>
#include <net/sock.h>

#include "../vtap.h"

/* skb_rx.c */
int vtap_skb_rx_deliver(struct vtap_backend *b, const struct vtap_qcfg *cfg,
			u16 nr_buffers, const struct iovec *iov, u16 nr_iov);
void vtap_skb_rx_learn(struct vtap_backend *b, u8 hlen,
		       const struct net_device *dev);
void vtap_skb_rx_account(struct vtap_backend *b);
void vtap_skb_rx_free(struct vtap_backend *b);

/**
 * vtap_skb_rx_dev - device that the next packet came through
 * @b: backend of an RX queue; vtap_backend_peek() gave a length
 *
 * Return: an address to compare, not to follow: the device may be gone. NULL if
 * it is unknown.
 */
static inline const struct net_device *vtap_skb_rx_dev(struct vtap_backend *b)
{
	void *ptr = b->ring ? b->batch[b->batch_next] : NULL;

	if (!ptr || tun_is_xdp_frame(ptr))
		return NULL;
	return ((struct sk_buff *)ptr)->dev;
}

/**
 * vtap_skb_rx_can_deliver - check for a packet without special cases
 * @b: backend of an RX queue; vtap_backend_peek() returned a length
 * @hlen: bytes of the header in front of the frame
 *
 * recvmsg handles the rare cases: a VLAN tag outside the frame, tunnel offloads,
 * and packets of a deleted tun, which recvmsg refuses.
 */
static inline bool vtap_skb_rx_can_deliver(const struct vtap_backend *b, u8 hlen)
{
	const struct sk_buff *skb;

	if (!b->direct_hlen || b->direct_hlen != hlen)
		return false;
	if (tun_is_xdp_frame(b->batch[b->batch_next]))
		return false;
	skb = b->batch[b->batch_next];
	if (b->kind == VTAP_BACKEND_TAP &&
	    (skb->dev != b->dev ||
	     READ_ONCE(b->sock->sk->sk_shutdown) & RCV_SHUTDOWN))
		return false;
	return !skb_vlan_tag_present(skb) &&
	       !(skb_shinfo(skb)->gso_type &
		 (SKB_GSO_UDP_TUNNEL | SKB_GSO_UDP_TUNNEL_CSUM));
}

#endif /* VTAP_SKB_RX_H */
