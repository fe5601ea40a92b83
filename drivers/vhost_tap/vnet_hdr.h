/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vnet_hdr.h - the virtio-net header in front of every frame
 *
 * Read before: vtap.h. Read next: tx.c.
 */
#ifndef VTAP_VNET_HDR_H
#define VTAP_VNET_HDR_H

#include <linux/types.h>
#include <linux/virtio_net.h>

/* The longest header that the offered features can ask for. */
#define VTAP_HLEN_MAX	sizeof(struct virtio_net_hdr_v1_hash_tunnel)

/**
 * vtap_vnet_hdr_fix - check a TX header against its frame
 * @hdr: our copy of the header; hdr_len may be raised
 * @len: bytes of the frame, without the header
 *
 * The offsets must lie in the frame (virtio 1.2, 5.1.6.2). Drivers may leave
 * hdr_len short of the checksum field that they ask us to fill in; the stack
 * pulls hdr_len bytes, so it is raised to cover the field.
 *
 * Return: true if the header can be passed on.
 */
static inline bool vtap_vnet_hdr_fix(struct virtio_net_hdr *hdr, size_t len)
{
	u32 hdr_len = le16_to_cpu((__force __le16)hdr->hdr_len);

	if (hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		/* u32 sum of two u16 and 2: no wrap */
		u32 end = le16_to_cpu((__force __le16)hdr->csum_start) +
			  le16_to_cpu((__force __le16)hdr->csum_offset) +
			  sizeof(__sum16);

		if (end > hdr_len) {
			hdr_len = end;
			if (hdr_len <= U16_MAX)
				hdr->hdr_len = (__force __virtio16)
					       cpu_to_le16(hdr_len);
		}
	}
	return hdr_len <= len && hdr_len <= U16_MAX;
}

#endif /* VTAP_VNET_HDR_H */
