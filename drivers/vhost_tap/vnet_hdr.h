/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vnet_hdr.h - the virtio-net header in front of every frame
 *
 * Read before: vtap.h. Read next: tx.c.
 */
#ifndef VTAP_VNET_HDR_H
#define VTAP_VNET_HDR_H

#include <linux/if_ether.h>
#include <linux/types.h>
#include <linux/virtio_net.h>

/* The longest header that the offered features can ask for. */
#define VTAP_HLEN_MAX	sizeof(struct virtio_net_hdr_v1_hash_tunnel)

/* Headers that frames mostly have: Ethernet, two VLAN tags, IPv6, TCP. */
#define VTAP_HDR_LEN_USUAL	(14 + 2 * 4 + 40 + 60)

/* Where the checksum that the host is to fill in ends, 0 if there is none. */
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
 * @len: bytes of the frame, without the header
 *
 * The checksum must lie in the frame (virtio 1.2, 5.1.6.2) if the host is to fill
 * one in. Nothing else is checked here: csum_start and csum_offset mean nothing
 * without NEEDS_CSUM, nor gso_size without a gso_type, and with one the stack
 * checks it. hdr_len is a hint that a device must not rely on (5.1.6.2.2), and
 * backends do not look at it in batches.
 *
 * Return: true if the header can be passed on.
 */
static inline bool vtap_vnet_hdr_ok(const struct virtio_net_hdr *hdr,
				    size_t len)
{
	u32 end = vtap_vnet_hdr_csum_end(hdr);

	return end <= len && end <= U16_MAX;
}

/**
 * vtap_vnet_hdr_fix_len - make hdr_len one that sendmsg takes
 * @hdr: our copy of the header, vtap_vnet_hdr_ok()
 * @len: bytes of the frame, without the header, at least ETH_HLEN
 *
 * Tun, tap and packet sockets refuse a packet by itself whose hdr_len is past its
 * end, and tun one that is shorter than an Ethernet header, whatever the other
 * fields say. They use it as the length of the linear part of the skb.
 *
 * Return: true if it was changed.
 */
static inline bool vtap_vnet_hdr_fix_len(struct virtio_net_hdr *hdr, size_t len)
{
	u32 hdr_len = le16_to_cpu((__force __le16)hdr->hdr_len);
	u32 fixed = hdr_len;

	if (fixed > len)
		fixed = min_t(size_t, len, VTAP_HDR_LEN_USUAL);
	if (fixed)
		fixed = max_t(u32, fixed, ETH_HLEN);
	fixed = max(fixed, vtap_vnet_hdr_csum_end(hdr));
	hdr->hdr_len = (__force __virtio16)cpu_to_le16(fixed);
	return fixed != hdr_len;
}

#endif /* VTAP_VNET_HDR_H */
