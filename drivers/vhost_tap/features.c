// SPDX-License-Identifier: GPL-2.0
/*
 * features.c - feature bits: the offer of a file, and the effect of acked bits
 *
 * A file offers what the module supports on this kernel, less what the module
 * parameter features= and VHOST_TAP_SET_FEATURE_MASK remove.
 */
#include <linux/if_tun.h>
#include <linux/module.h>
#include <linux/virtio_net.h>

#include "control.h"

#define TUNNEL	(BIT_ULL(VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO - 64) | \
		 BIT_ULL(VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO - 64))

static const u64 vtap_all_features[VTAP_FEATURE_WORDS] = {
	BIT_ULL(VIRTIO_NET_F_MRG_RXBUF) |
	BIT_ULL(VIRTIO_F_NOTIFY_ON_EMPTY) |
	BIT_ULL(VHOST_F_LOG_ALL) |
	BIT_ULL(VHOST_NET_F_VIRTIO_NET_HDR) |	/* and ANY_LAYOUT */
	BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) |
	BIT_ULL(VIRTIO_RING_F_EVENT_IDX) |
	BIT_ULL(VIRTIO_F_VERSION_1) |
	BIT_ULL(VIRTIO_F_ACCESS_PLATFORM) |
	BIT_ULL(VIRTIO_F_RING_PACKED) |
	BIT_ULL(VIRTIO_F_IN_ORDER) |
	BIT_ULL(VIRTIO_F_RING_RESET),

	TUN_F_UDP_TUNNEL_GSO ? TUNNEL : 0,	/* if tun supports it */
};

static unsigned long param_mask[VTAP_FEATURE_WORDS] = { ~0UL, ~0UL };
module_param_array_named(features, param_mask, ulong, NULL, 0444);
MODULE_PARM_DESC(features, "Mask of feature bits to offer, bits 0-63[,64-127] (default all)");

/**
 * vtap_features_init - set the features that a new file offers
 * @dev: device
 */
void vtap_features_init(struct vtap_dev *dev)
{
	int i;

	lockdep_assert_held(&dev->lock);
	for (i = 0; i < VTAP_FEATURE_WORDS; i++)
		dev->mask[i] = vtap_all_features[i] & param_mask[i];
}

/**
 * vtap_features_offered - get the features that a file offers
 * @dev: device
 * @features: set to VTAP_FEATURE_WORDS words of feature bits
 */
void vtap_features_offered(const struct vtap_dev *dev, u64 *features)
{
	lockdep_assert_held(&dev->lock);
	memcpy(features, dev->mask, sizeof(dev->mask));
}

/**
 * vtap_features_mask - VHOST_TAP_SET_FEATURE_MASK: remove features from the offer
 * @dev: device
 * @mask: VTAP_FEATURE_WORDS words of bits that may stay
 *
 * The owner, to whom the opener passes the file, cannot undo it.
 *
 * Return: 0, or -EBUSY if the device has an owner or a removed bit is acked.
 */
int vtap_features_mask(struct vtap_dev *dev, const u64 *mask)
{
	int i;

	lockdep_assert_held(&dev->lock);
	for (i = 0; i < VTAP_FEATURE_WORDS; i++) {
		if (dev->mm || dev->features[i] & ~mask[i])
			return -EBUSY;
	}
	for (i = 0; i < VTAP_FEATURE_WORDS; i++)
		dev->mask[i] &= mask[i];
	return 0;
}

static bool vtap_features_has(const u64 *features, unsigned int bit)
{
	return features[bit / 64] & BIT_ULL(bit % 64);
}

/*
 * The virtio-net header has 12 bytes with VERSION_1 or mergeable buffers, else
 * 10, and more with UDP tunnels. With VHOST_NET_F_VIRTIO_NET_HDR the backend
 * has no header.
 */
static struct vtap_qcfg vtap_features_qcfg(const u64 *features)
{
	bool mergeable = vtap_features_has(features, VIRTIO_NET_F_MRG_RXBUF);
	bool modern = vtap_features_has(features, VIRTIO_F_VERSION_1);
	bool tunnel = vtap_features_has(features,
					VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO) ||
		      vtap_features_has(features,
					VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO);
	u8 hlen = tunnel ? sizeof(struct virtio_net_hdr_v1_hash_tunnel) :
		  mergeable || modern ?
		  sizeof(struct virtio_net_hdr_mrg_rxbuf) :
		  sizeof(struct virtio_net_hdr);
	bool adds_header = vtap_features_has(features, VHOST_NET_F_VIRTIO_NET_HDR);

	return (struct vtap_qcfg){
		.guest_hlen = adds_header ? hlen : 0,
		.sock_hlen = adds_header ? 0 : hlen,
		.mergeable = mergeable,
		.set_num_buffers = mergeable || modern || tunnel,
	};
}

static bool vtap_features_fit_queue(const struct vtap_queue *q,
				    const u64 *features)
{
	bool iotlb = vtap_features_has(features, VIRTIO_F_ACCESS_PLATFORM);
	bool event_idx = vtap_features_has(features, VIRTIO_RING_F_EVENT_IDX);
	bool log = vtap_features_has(features, VHOST_F_LOG_ALL);

	if (!q->backend.sock)
		return true;
	if (vtap_features_has(features, VIRTIO_F_RING_PACKED) !=
	    q->ring_cfg.packed || !vtap_features_byte_order_ok(features))
		return false;
	return vtap_queue_memory_ok(q, event_idx, iotlb) &&
	       vtap_queue_log_ok(q, q->dirty.base, q->dev->map, log, iotlb);
}

/**
 * vtap_features_set - set the features that guest and client agreed on
 * @dev: device; its queues may be running
 * @features: VTAP_FEATURE_WORDS words of feature bits
 *
 * Implements VHOST_SET_FEATURES and VHOST_SET_FEATURES_ARRAY.
 *
 * Context: vtap_dev.lock held. Waits for passes in progress.
 * Return: 0, or a negative errno:
 *
 * * -EOPNOTSUPP: a bit was not offered, or packed rings lack VERSION_1.
 * * -EFAULT: a queue is running, and its ring format would change, or its ring,
 *   event words or dirty log would lie outside user memory.
 * * -ENOMEM
 */
int vtap_features_set(struct vtap_dev *dev, const u64 *features)
{
	struct vtap_qcfg cfg = vtap_features_qcfg(features);
	struct vtap_queue *q;
	u32 i;
	int err;

	lockdep_assert_held(&dev->lock);
	for (i = 0; i < VTAP_FEATURE_WORDS; i++) {
		if (features[i] & ~dev->mask[i])
			return -EOPNOTSUPP;
	}
	/* Legacy devices do not have packed rings. */
	if (vtap_features_has(features, VIRTIO_F_RING_PACKED) &&
	    !vtap_features_has(features, VIRTIO_F_VERSION_1))
		return -EOPNOTSUPP;
	vtap_for_each_queue(dev, q, i) {
		if (!vtap_features_fit_queue(q, features))
			return -EFAULT;
	}

	if (vtap_features_has(features, VIRTIO_F_ACCESS_PLATFORM)) {
		err = vtap_iotlb_enable(dev);
		if (err)
			return err;
	} else {
		vtap_iotlb_disable(dev);
	}
	vtap_for_each_queue(dev, q, i)
		vtap_queue_set_features(q, &cfg, features);
	memcpy(dev->features, features, sizeof(dev->features));
	return 0;
}
