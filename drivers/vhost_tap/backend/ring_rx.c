// SPDX-License-Identifier: GPL-2.0
/*
 * ring_rx.c - take packets from the ptr_ring of a tap or macvtap queue
 *
 * Kernel compatibility boundary. Some kernels do not export the rings, so only
 * recvmsg is used (msg.c). Since 7.3 a tun with IFF_BACKPRESSURE stops its queue
 * when the ring is full, and the consumer reports how many packets it took.
 */
#include <linux/if_tap.h>
#include <linux/if_tun.h>
#include <linux/mutex.h>
#include <linux/ptr_ring.h>
#include <linux/skb_array.h>

#include "backend.h"

/**
 * vtap_ring_rx_find - find the ptr_ring of a backend
 * @sock: from vtap_backend_socket()
 * @kind: of @sock
 *
 * Return: the ring, valid as long as @sock; NULL if the backend has none.
 */
struct ptr_ring *vtap_ring_rx_find(struct socket *sock,
				   enum vtap_backend_kind kind)
{
	struct ptr_ring *ring = NULL;

#ifdef VTAP_HAVE_RING_GETTERS
	if (kind == VTAP_BACKEND_TAP)
		ring = tun_get_tx_ring(sock->file);
	else if (kind == VTAP_BACKEND_MACVTAP)
		ring = tap_get_ptr_ring(sock->file);
#endif
	return IS_ERR(ring) ? NULL : ring;
}

/**
 * vtap_ring_rx_len - length of a packet from the ring
 * @ptr: sk_buff, or xdp_frame with the mark of if_tun.h
 *
 * Return: bytes, including a VLAN tag, without the virtio-net header.
 */
u32 vtap_ring_rx_len(void *ptr)
{
	if (tun_is_xdp_frame(ptr))
		return ((struct xdp_frame *)tun_ptr_to_xdp(ptr))->len;
	return __skb_array_len_with_tag(ptr);
}

static u16 vtap_ring_rx_consume(struct vtap_backend *b)
{
#ifdef VTAP_HAVE_TUN_WAKE_QUEUE
	u16 n;

	spin_lock(&b->ring->consumer_lock);
	n = __ptr_ring_consume_batched(b->ring, b->batch, VTAP_BATCH);
	if (n && b->kind == VTAP_BACKEND_TAP)
		tun_wake_queue(b->sock->file, n);
	spin_unlock(&b->ring->consumer_lock);
	return n;
#else
	return ptr_ring_consume_batched(b->ring, b->batch, VTAP_BATCH);
#endif
}

/**
 * vtap_ring_rx_peek - refill the batch from the ring
 * @b: backend with a ring and an empty batch
 *
 * Return: length of the first packet, 0 if the ring is empty.
 */
u32 vtap_ring_rx_peek(struct vtap_backend *b)
{
	b->batch_next = 0;
	/* Test for an empty ring under its lock as well: tun resizes rings. */
	b->nr_batch = vtap_ring_rx_consume(b);
	return b->nr_batch ? vtap_ring_rx_len(b->batch[0]) : 0;
}

/* Packets that a full ring did not take back; the lock belongs to the caller. */
static u32 nr_refused;
static DEFINE_MUTEX(refused_lock);

static void vtap_ring_rx_refuse(void *ptr)
{
	nr_refused++;
	tun_ptr_free(ptr);
}

/**
 * vtap_ring_rx_give_back - return the packets that were not delivered to the ring
 * @b: backend of a queue that stops
 *
 * They go to the head of the ring. If the host has filled the ring since, the oldest
 * packets are dropped. Tun does not count them.
 *
 * Context: takes a mutex.
 * Return: number of dropped packets.
 */
u32 vtap_ring_rx_give_back(struct vtap_backend *b)
{
	u32 n;

	vtap_backend_assert_locked(b);
	if (!b->ring || b->batch_next >= b->nr_batch)
		return 0;
	mutex_lock(&refused_lock);
	nr_refused = 0;
	ptr_ring_unconsume(b->ring, b->batch + b->batch_next,
			   b->nr_batch - b->batch_next, vtap_ring_rx_refuse);
	n = nr_refused;
	mutex_unlock(&refused_lock);
	b->batch_next = 0;
	b->nr_batch = 0;
	return n;
}
