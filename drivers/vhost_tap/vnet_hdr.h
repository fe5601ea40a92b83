/* SPDX-License-Identifier: GPL-2.0 */
/* vnet_hdr.h - check and fix virtio-net headers */
#ifndef VTAP_VNET_HDR_H
#define VTAP_VNET_HDR_H

#include <linux/types.h>
#include <linux/virtio_net.h>

/* Length of the longest header that the offered features allow. */
#define VTAP_HLEN_MAX	sizeof(struct virtio_net_hdr_v1_hash_tunnel)

/* Typical length of all headers: Ethernet, two VLAN tags, IPv6, TCP. */
#define VTAP_HDR_LEN_USUAL	(14 + 2 * 4 + 40 + 60)

/* Return the end of the checksum that the host has to fill in, or 0. */
static inline u32 vtap_vnet_hdr_csum_end(const struct virtio_net_hdr *hdr)
{
	if (!(hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return 0;
	/* u32 sum of two u16 and 2: no wrap */
	return le16_to_cpu((__force __le16)hdr->csum_start) +
	       le16_to_cpu((__force __le16)hdr->csum_offset) + sizeof(__sum16);
}

/**
 * vtap_vnet_hdr_ok - check a TX header against its frame
 * @hdr: our copy of the header
 * @len: length of the frame in bytes, without the header
 *
 * A checksum that the host has to fill in must lie in the frame (virtio 1.2,
 * 5.1.6.2). No other field is checked here: csum_start and csum_offset have no
 * meaning without NEEDS_CSUM, the network stack checks gso_size, and hdr_len is a
 * hint that a device must not rely on (5.1.6.2.2).
 *
 * Return: true if the header can be passed to the backend.
 */
static inline bool vtap_vnet_hdr_ok(const struct virtio_net_hdr *hdr,
				    size_t len)
{
	u32 end = vtap_vnet_hdr_csum_end(hdr);

	return end <= len && end <= U16_MAX;
}

/**
 * vtap_vnet_hdr_gso_is_plain - check for segmentation that every kernel accepts
 * @hdr: our copy of the header
 *
 * If tun does not accept the GSO fields of a frame in a batch, it drops the frame
 * without an error. Frames with other headers therefore go by sendmsg, which
 * returns an error.
 *
 * Return: true for TCP or UDP segmentation with checksum offload and a size.
 */
static inline bool vtap_vnet_hdr_gso_is_plain(const struct virtio_net_hdr *hdr)
{
	if (!(hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) || !hdr->gso_size)
		return false;
	switch (hdr->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
	case VIRTIO_NET_HDR_GSO_TCPV6:
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		return true;
	default:
		return false;
	}
}

/* vnet_hdr.c */
bool vtap_vnet_hdr_fix_len(struct virtio_net_hdr *hdr, size_t len);

#endif /* VTAP_VNET_HDR_H */
