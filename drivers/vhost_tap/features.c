// SPDX-License-Identifier: GPL-2.0
/*
 * features.c - from feature bits to what a pass does
 *
 * Read before: vtap.h, control.h.
 */
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>

#include "control.h"

#define OFFERED	(BIT_ULL(VIRTIO_NET_F_MRG_RXBUF) |	\
		 BIT_ULL(VIRTIO_F_NOTIFY_ON_EMPTY) |	\
		 BIT_ULL(VHOST_NET_F_VIRTIO_NET_HDR) |	\
		 BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) |	\
		 BIT_ULL(VIRTIO_RING_F_EVENT_IDX) |	\
		 BIT_ULL(VIRTIO_F_VERSION_1) |		\
		 BIT_ULL(VIRTIO_F_RING_RESET))

/**
 * vtap_features_offered - what VHOST_GET_FEATURES answers
 *
 * Return: feature bits; VHOST_NET_F_VIRTIO_NET_HDR is bit 27 and so is
 * VIRTIO_F_ANY_LAYOUT, which any device may offer.
 */
u64 vtap_features_offered(void)
{
	return OFFERED;
}

/*
 * Modern drivers and mergeable buffers use the 12-byte header, others the
 * 10-byte one. Bit 27 says that the backend knows of no header.
 */
static struct vtap_qcfg qcfg(u64 features)
{
	bool mergeable = features & BIT_ULL(VIRTIO_NET_F_MRG_RXBUF);
	bool modern = features & BIT_ULL(VIRTIO_F_VERSION_1);
	u8 hlen = mergeable || modern ?
		  sizeof(struct virtio_net_hdr_mrg_rxbuf) :
		  sizeof(struct virtio_net_hdr);
	bool ours = features & BIT_ULL(VHOST_NET_F_VIRTIO_NET_HDR);

	return (struct vtap_qcfg){
		.guest_hlen = ours ? hlen : 0,
		.sock_hlen = ours ? 0 : hlen,
		.mergeable = mergeable,
		.set_num_buffers = mergeable || modern,
	};
}

/**
 * vtap_features_set - take the features the guest and client agreed on
 * @dev: device, locked; its queues may be running
 * @features: bits
 *
 * Return: 0; -EOPNOTSUPP a bit that was not offered; -EFAULT a running ring
 * does not have room for the event words.
 */
int vtap_features_set(struct vtap_dev *dev, u64 features)
{
	struct vtap_qcfg cfg = qcfg(features);
	int i;

	if (features & ~OFFERED)
		return -EOPNOTSUPP;

	for (i = 0; i < VTAP_NR_QUEUES; i++) {
		struct vtap_queue *q = &dev->queue[i];
		struct vtap_ring_cfg ring_cfg = q->ring_cfg;

		ring_cfg.event_idx = true;	/* the larger of the two */
		if (features & BIT_ULL(VIRTIO_RING_F_EVENT_IDX) &&
		    q->backend.sock && !vtap_ring_memory_ok(&ring_cfg))
			return -EFAULT;
	}

	for (i = 0; i < VTAP_NR_QUEUES; i++) {
		struct vtap_queue *q = &dev->queue[i];

		mutex_lock(&q->lock);
		q->cfg = cfg;
		q->ring_cfg.event_idx =
			features & BIT_ULL(VIRTIO_RING_F_EVENT_IDX);
		q->ring_cfg.call_on_empty =
			features & BIT_ULL(VIRTIO_F_NOTIFY_ON_EMPTY);
		if (q->state != VTAP_STOPPED)
			vtap_ring_move(&q->ring, &q->ring_cfg);
		mutex_unlock(&q->lock);
		vtap_worker_wake(&dev->worker, VTAP_WORK_AGAIN(i));
	}
	dev->features = features;
	return 0;
}
