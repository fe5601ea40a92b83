/* SPDX-License-Identifier: GPL-2.0 */
/* UDP segmentation appeared in 6.2, UDP tunnel GSO in 6.17. */
#ifndef VTAP_COMPAT_LINUX_VIRTIO_NET_H
#define VTAP_COMPAT_LINUX_VIRTIO_NET_H

#include_next <linux/virtio_net.h>

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4		5
#endif /* VIRTIO_NET_HDR_GSO_UDP_L4: goes with 6.1 */

#ifndef VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO
#define VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO	65
#define VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO	67

struct virtio_net_hdr_v1_hash_tunnel {
	__u8 hash_hdr[20];		/* struct virtio_net_hdr_v1_hash */
	__le16 outer_th_offset;
	__le16 inner_nh_offset;
};
#endif /* VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO: remove with 6.1 and 6.12 */

#endif
