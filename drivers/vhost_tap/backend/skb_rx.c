// SPDX-License-Identifier: GPL-2.0
/*
 * skb_rx.c - copy an skb of a tap or macvtap queue straight into guest memory
 *
 * Kernel compatibility boundary. vtap_skb_rx_deliver() does what recvmsg of tun
 * and tap does with an skb, in one copy instead of three (header, frame,
 * num_buffers). It also reports a frame that could not be copied. The length of the
 * header that tun writes (TUNSETVNETHDRSZ, IFF_NO_PI) cannot be read from it. So the
 * first packet goes by recvmsg, and the length that it returns is compared with what
 * the guest's features require.
 *
 * Tun counts the packets that leave it by recvmsg, so the driver adds those that it
 * takes to the counters of the device. The device can disappear at any time, and an
 * skb can be older than the current device of its socket. Therefore skb->dev is
 * compared but never followed, and the device is looked up by index.
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

/* Searches for a backend's unknown device before recvmsg is used permanently. */
#define MAX_SEARCHES	64

/* A frame up to this length is moved to make room for the header. */
#define SHORT_FRAME	128

/*
 * Frames up to this length are freed together, which returns the heads of their
 * skbs in bulk. Before 6.3 that would report them as drops, so each is freed at
 * once.
 */
#ifdef VTAP_HAVE_SKB_CONSUMED
#define FREE_LATER_MAX		2048
#define consume_skb_list(list)	kfree_skb_list_reason(list, SKB_CONSUMED)
#else
#define FREE_LATER_MAX		0
#define consume_skb_list(list)	kfree_skb_list(list)
#endif

/* An ioctl can make tun's headers big-endian, which the driver cannot see. */
static bool vtap_skb_rx_header_is_le(void)
{
	return virtio_legacy_is_little_endian() &&
	       !IS_ENABLED(CONFIG_TUN_VNET_CROSS_LE);
}

/* Find the tun at address @wanted in @net, if it still exists. RCU read side. */
static struct net_device *vtap_skb_rx_find_tun(struct net *net,
					       const struct net_device *wanted)
{
	struct net_device *dev;

	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "no RCU read lock");
	for_each_netdev_rcu(net, dev) {
		if (dev == wanted)
			return vtap_is_tun(dev) ? dev : NULL;
	}
	return NULL;
}

/* Find the tun at address @wanted in any namespace. RCU read side. */
static struct net_device *
vtap_skb_rx_find_moved(const struct net_device *wanted)
{
	struct net_device *dev;
	struct net *net;

	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "no RCU read lock");
	for_each_net_rcu(net) {
		dev = vtap_skb_rx_find_tun(net, wanted);
		if (dev)
			return dev;
	}
	return NULL;
}

/**
 * vtap_skb_rx_account - add delivered packets to the counters of the tap
 * @b: attached backend; its queue's lock is held
 *
 * Packets of a deleted device are not counted. If the device has moved to
 * another namespace, or another tun has its address, they are counted there,
 * and the next packet goes by recvmsg.
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
		/* vtap_skb_rx_set_dev() checked that it has tstats. */
		dev_sw_netstats_tx_add(dev, b->nr_uncounted,
				       b->bytes_uncounted);
		preempt_enable();
	}
	rcu_read_unlock();
	b->nr_uncounted = 0;
	b->bytes_uncounted = 0;
}

/* Let packets of @dev go without recvmsg. */
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
	/* Before 5.11, a tun has private counters instead. */
	if (tun && tun->tstats) {
		b->dev = tun;
		b->dev_index = tun->ifindex;
	}
	rcu_read_unlock();
	return b->dev;
}

/**
 * vtap_skb_rx_learn - note that recvmsg wrote a header of the expected length
 * @b: backend of an RX queue
 * @hlen: bytes of the header
 * @dev: vtap_skb_rx_dev() of the packet; NULL has no effect
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

/* Position of the next byte to write. */
struct vtap_iov_position {
	const struct iovec *iov;
	const struct iovec *end;
	size_t skip;		/* bytes of *iov that are written */
};

/* The caller has checked that the buffers suffice. */
static __always_inline bool vtap_skb_rx_write(struct vtap_iov_position *pos,
					      const void *from, size_t len)
{
	while (len) {
		size_t part;

		if (unlikely(pos->iov == pos->end))
			return false;
		part = min(pos->iov->iov_len - pos->skip, len);
		if (!vtap_user_write(pos->iov->iov_base + pos->skip, from, part))
			return false;
		from += part;
		len -= part;
		pos->skip += part;
		if (pos->skip == pos->iov->iov_len) {
			pos->iov++;
			pos->skip = 0;
		}
	}
	return true;
}

/* Check that the header may be written in front of the frame: no other user sees it. */
static __always_inline bool vtap_skb_rx_has_room(const struct sk_buff *skb,
						 size_t hlen)
{
	return skb_headroom(skb) >= hlen && !skb_header_cloned(skb) &&
	       !skb_shared(skb);
}

static noinline bool vtap_skb_rx_copy_pieces(struct sk_buff *skb,
					     const struct iovec *iov, u16 nr_iov,
					     const void *hdr, size_t hlen)
{
	const struct skb_shared_info *si = skb_shinfo(skb);
	struct vtap_iov_position pos = { .iov = iov, .end = iov + nr_iov };
	size_t in_head = 0;
	struct iov_iter iter;
	int i;

	if (IS_ENABLED(CONFIG_HIGHMEM) || skb_has_frag_list(skb)) {
		iov_iter_init(&iter, ITER_DEST, iov, nr_iov, hlen + skb->len);
		return copy_to_iter(hdr, hlen, &iter) == hlen &&
		       !skb_copy_datagram_iter(skb, 0, &iter, skb->len);
	}
	if (vtap_skb_rx_has_room(skb, hlen)) {
		memcpy(skb->data - hlen, hdr, hlen);
		in_head = hlen;
	} else if (!vtap_skb_rx_write(&pos, hdr, hlen)) {
		return false;
	}
	if (!vtap_skb_rx_write(&pos, skb->data - in_head,
			       in_head + skb_headlen(skb)))
		return false;
	for (i = 0; i < si->nr_frags; i++) {
		const skb_frag_t *frag = &si->frags[i];
		const void *from = skb_frag_address(frag);

		/* Device memory has no kernel address. */
		if (unlikely(!from) ||
		    !vtap_skb_rx_write(&pos, from, skb_frag_size(frag)))
			return false;
	}
	return true;
}

/*
 * Copy header and frame. The skb is freed next, so the header is written in front
 * of the frame and one copy suffices. TCP and forwarded packets have the room
 * there. Packets of local UDP and packet sockets have 2 bytes; a short frame is
 * moved to make room, unless another user may see it: a clone, which shares the
 * frame (TCP keeps one), or a reference to the frame's page.
 */
static __always_inline bool vtap_skb_rx_copy_out(struct sk_buff *skb,
						 const struct iovec *iov, u16 nr_iov,
						 const void *hdr, size_t hlen)
{
	u32 len = skb->len;
	u8 *start;

	if (unlikely(skb_is_nonlinear(skb)))
		return vtap_skb_rx_copy_pieces(skb, iov, nr_iov, hdr, hlen);
	if (vtap_skb_rx_has_room(skb, hlen)) {
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
 * vtap_skb_rx_free - free the delivered skbs
 * @b: backend of an RX queue, whose lock is held
 */
void vtap_skb_rx_free(struct vtap_backend *b)
{
	vtap_backend_assert_locked(b);
	if (b->nr_done == 1)
		consume_skb(b->done);
	else
		consume_skb_list(b->done);
	b->done = NULL;
	b->nr_done = 0;
}

/*
 * A delivered skb is freed later, with others of the batch. Long frames are
 * freed at once: they hold much memory, and the frame of another guest is in
 * memory that its queue uses again (xdp_tx.c).
 */
static void vtap_skb_rx_free_later(struct vtap_backend *b, struct sk_buff *skb)
{
	if (skb->len > FREE_LATER_MAX || skb_is_nonlinear(skb) ||
	    skb_shared(skb)) {
		consume_skb(skb);
		return;
	}
	skb->next = b->done;
	b->done = skb;
	if (++b->nr_done == VTAP_BATCH)
		vtap_skb_rx_free(b);
}

/**
 * vtap_skb_rx_deliver - deliver the next packet without recvmsg
 * @b: backend with vtap_skb_rx_can_deliver()
 * @cfg: format of the header
 * @nr_buffers: descriptor chains, for the header
 * @iov: guest buffers, with room for header and packet
 * @nr_iov: segments in @iov
 *
 * The packet is consumed in every case.
 *
 * Return: 0; -EFAULT guest memory cannot be written; -EINVAL the header cannot
 * describe the packet.
 */
int vtap_skb_rx_deliver(struct vtap_backend *b, const struct vtap_qcfg *cfg,
			u16 nr_buffers, const struct iovec *iov, u16 nr_iov)
{
	struct sk_buff *skb = b->batch[b->batch_next++];
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
	vtap_skb_rx_free_later(b, skb);
	if (b->kind == VTAP_BACKEND_TAP) {
		b->nr_uncounted++;
		b->bytes_uncounted += len;
	}
	return 0;
}
