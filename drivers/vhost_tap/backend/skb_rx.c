// SPDX-License-Identifier: GPL-2.0
/*
 * skb_rx.c - copy an skb of a tun or tap queue straight into guest memory
 *
 * Kernel compatibility boundary.
 *
 * Read before: backend.h, ring_rx.c. Read next: ../rx.c.
 *
 * Does what recvmsg of tun and tap do with an skb, with one copy where they
 * and we need three: header, frame, num_buffers. What they are set to (length
 * of the header, packet information) cannot be asked for, so a first packet
 * goes by recvmsg; the length it returns tells whether that is what the
 * guest's features say. From then on the features count. One thing is done
 * better: a frame that the guest's memory does not take is a fault, where
 * recvmsg of tun says it was delivered.
 *
 * Tun counts what leaves it by recvmsg in its device's counters, hence we must
 * as well. The device can go at any time, and an skb we hold can be older than
 * the device that its socket has now: skb->dev is compared, never followed,
 * and the device looked up by its index before it is touched.
 */
#include <linux/netdevice.h>
#include <linux/rcupdate.h>
#include <linux/uaccess.h>
#include <linux/virtio_net.h>
#include <net/net_namespace.h>
#include <net/rtnetlink.h>
#include <net/sock.h>

#include "../vnet_hdr.h"
#include "backend.h"

/* How often packets may come from a device that we have to look for. */
#define MAX_SEARCHES	64

/* A frame up to this length is moved rather than copied on its own. */
#define SHORT_FRAME	128

/* Elsewhere an ioctl makes tun's headers big-endian, and nobody can see it. */
static bool vtap_skb_rx_header_is_le(void)
{
	return virtio_legacy_is_little_endian() &&
	       !IS_ENABLED(CONFIG_TUN_VNET_CROSS_LE);
}

/* Is there a tun at this address, in @net? It may be long gone. RCU. */
static struct net_device *vtap_skb_rx_find_tun(struct net *net,
					       const struct net_device *wanted)
{
	struct net_device *dev;

	for_each_netdev_rcu(net, dev) {
		if (dev == wanted)
			return vtap_is_tun(dev) ? dev : NULL;
	}
	return NULL;
}

/* The same, wherever it has moved to. */
static struct net_device *
vtap_skb_rx_find_moved(const struct net_device *wanted)
{
	struct net_device *dev;
	struct net *net;

	for_each_net_rcu(net) {
		dev = vtap_skb_rx_find_tun(net, wanted);
		if (dev)
			return dev;
	}
	return NULL;
}

/**
 * vtap_skb_rx_account - bring to the tap's counters what was delivered
 * @b: attached backend; its queue's lock is held
 *
 * A device that has gone gets none. When it has moved to another namespace,
 * or another took its place in memory, it is counted there, and recvmsg's
 * turn again.
 */
void vtap_skb_rx_account(struct vtap_backend *b)
{
	struct net_device *dev;

	vtap_backend_assert_locked(b);
	rcu_read_lock();
	dev = dev_get_by_index_rcu(sock_net(b->sock->sk), b->dev_index);
	if (unlikely(!dev || dev != b->dev || !vtap_is_tun(dev))) {
		dev = vtap_skb_rx_find_moved(b->dev);
		b->direct_hlen = 0;
		b->dev = NULL;
	}
	if (dev) {
		preempt_disable();
		/* A tun has tstats. */
		dev_sw_netstats_tx_add(dev, b->nr_uncounted,
				       b->bytes_uncounted);
		preempt_enable();
	}
	rcu_read_unlock();
	b->nr_uncounted = 0;
	b->bytes_uncounted = 0;
}

/* From now on @dev is the one whose packets may go without recvmsg. */
static bool vtap_skb_rx_set_dev(struct vtap_backend *b,
				const struct net_device *dev)
{
	struct net *net = sock_net(b->sock->sk);
	const struct net_device *tun;

	if (b->nr_uncounted)
		vtap_skb_rx_account(b);
	b->dev = NULL;
	if (b->nr_searches == MAX_SEARCHES)
		return false;
	b->nr_searches++;
	rcu_read_lock();
	tun = vtap_skb_rx_find_tun(net, dev);
	if (tun) {
		b->dev = tun;
		b->dev_index = tun->ifindex;
	}
	rcu_read_unlock();
	return b->dev;
}

/**
 * vtap_skb_rx_learn - recvmsg has delivered what was expected of it
 * @b: backend of an RX queue
 * @hlen: bytes of the header in front of the frame
 * @dev: vtap_skb_rx_dev() before; NULL: it was no skb, nothing is proven
 */
void vtap_skb_rx_learn(struct vtap_backend *b, u8 hlen,
		       const struct net_device *dev)
{
	bool is_tun_file = b->kind == VTAP_BACKEND_TAP;

	if (!hlen || !dev || !vtap_skb_rx_header_is_le())
		return;
	if (b->direct_hlen == hlen && (!is_tun_file || b->dev == dev))
		return;
	b->direct_hlen = !is_tun_file || vtap_skb_rx_set_dev(b, dev) ? hlen : 0;
}

/* Where the next byte goes. */
struct place {
	const struct iovec *iov;
	const struct iovec *end;
	size_t skip;		/* of *iov, filled */
};

/* The caller has counted that the buffers suffice. */
static bool vtap_skb_rx_put(struct place *to, const void *from, size_t len)
{
	while (len) {
		size_t part;

		if (unlikely(to->iov == to->end))
			return false;
		part = min(to->iov->iov_len - to->skip, len);
		if (!vtap_user_write(to->iov->iov_base + to->skip, from, part))
			return false;
		from += part;
		len -= part;
		to->skip += part;
		if (to->skip == to->iov->iov_len) {
			to->iov++;
			to->skip = 0;
		}
	}
	return true;
}

/* Not in one piece in the kernel: the linear part, then pages. */
static noinline bool vtap_skb_rx_copy_pieces(const struct sk_buff *skb,
					     const struct iovec *iov, u16 nr_iov,
					     const void *hdr, size_t hlen)
{
	const struct skb_shared_info *si = skb_shinfo(skb);
	struct place to = { .iov = iov, .end = iov + nr_iov };
	struct iov_iter iter;
	int i;

	if (IS_ENABLED(CONFIG_HIGHMEM) || skb_has_frag_list(skb)) {
		iov_iter_init(&iter, ITER_DEST, iov, nr_iov, hlen + skb->len);
		return copy_to_iter(hdr, hlen, &iter) == hlen &&
		       !skb_copy_datagram_iter(skb, 0, &iter, skb->len);
	}
	if (!vtap_skb_rx_put(&to, hdr, hlen) ||
	    !vtap_skb_rx_put(&to, skb->data, skb_headlen(skb)))
		return false;
	for (i = 0; i < si->nr_frags; i++) {
		const skb_frag_t *frag = &si->frags[i];
		const void *from = skb_frag_address(frag);

		/* A device's own memory has no address. */
		if (unlikely(!from) ||
		    !vtap_skb_rx_put(&to, from, skb_frag_size(frag)))
			return false;
	}
	return true;
}

/*
 * Most skbs are linear. The skb is freed next, so the header is put in front of
 * the frame and both are one copy: TCP and what is forwarded has the room
 * there. What local UDP and packet sockets send has 2 bytes; a short frame is
 * moved out of the way then, unless somebody else may see it: a clone (TCP
 * keeps one that shares the frame, but not the room in front) or, if the frame
 * is in a page, a reference to that.
 */
static __always_inline bool vtap_skb_rx_copy_out(struct sk_buff *skb,
						 const struct iovec *iov, u16 nr_iov,
						 const void *hdr, size_t hlen)
{
	u32 len = skb->len;
	u8 *start;

	if (unlikely(skb_is_nonlinear(skb)))
		return vtap_skb_rx_copy_pieces(skb, iov, nr_iov, hdr, hlen);
	if (skb_headroom(skb) >= hlen && !skb_header_cloned(skb) &&
	    !skb_shared(skb)) {
		start = skb->data - hlen;
	} else if (len <= SHORT_FRAME && skb_tailroom(skb) >= hlen &&
		   !skb_cloned(skb) && !skb_shared(skb) && !skb->head_frag) {
		start = skb->data;
		memmove(start + hlen, start, len);
	} else {
		return vtap_user_scatter(iov, nr_iov, 0, hdr, hlen) &&
		       vtap_user_scatter(iov, nr_iov, hlen, skb->data, len);
	}
	memcpy(start, hdr, hlen);
	return vtap_user_scatter(iov, nr_iov, 0, start, hlen + len);
}

/**
 * vtap_skb_rx - deliver the next packet without recvmsg
 * @b: backend with vtap_skb_rx_is_simple()
 * @cfg: what the header is like
 * @nr_buffers: for the header
 * @iov: where to; room for header and packet
 * @nr_iov: segments
 *
 * The packet is consumed whatever happens.
 *
 * Return: 0; -EFAULT guest memory cannot be written; -EINVAL the packet is of
 * a kind that the header has no word for.
 */
int vtap_skb_rx(struct vtap_backend *b, const struct vtap_qcfg *cfg,
		u16 nr_buffers, const struct iovec *iov, u16 nr_iov)
{
	struct sk_buff *skb = b->batch[b->batch_at++];
	union {
		struct virtio_net_hdr_mrg_rxbuf mrg;
		u8 all[VTAP_HLEN_MAX];
	} hdr;
	const size_t hlen = cfg->sock_hlen;
	const u32 len = skb->len;

	memset(&hdr, 0, sizeof(hdr));
	if (unlikely(virtio_net_hdr_from_skb(skb, &hdr.mrg.hdr, true, true,
					     0))) {
		kfree_skb(skb);
		return -EINVAL;
	}
	if (cfg->set_num_buffers)
		hdr.mrg.num_buffers = (__force __virtio16)
				      cpu_to_le16(nr_buffers);

	if (unlikely(!vtap_skb_rx_copy_out(skb, iov, nr_iov, &hdr, hlen))) {
		kfree_skb(skb);
		return -EFAULT;
	}
	consume_skb(skb);
	if (b->kind == VTAP_BACKEND_TAP) {
		b->nr_uncounted++;
		b->bytes_uncounted += len;
	}
	return 0;
}
