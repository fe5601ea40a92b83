// SPDX-License-Identifier: GPL-2.0
/* vnet_hdr.c - fix virtio-net headers that sendmsg() refused */
#include <linux/if_ether.h>

#include "ring/ring_env.h"
#include "vnet_hdr.h"

/**
 * vtap_vnet_hdr_fix_len - set hdr_len to a value that sendmsg() accepts
 * @hdr: our copy of the header, checked with vtap_vnet_hdr_ok()
 * @len: length of the frame in bytes, without the header, at least ETH_HLEN
 *
 * Backends use hdr_len as the length of the linear part of the skb. Tun, tap
 * and packet sockets reject a single packet whose hdr_len exceeds its length.
 * Tun also rejects one whose hdr_len is below ETH_HLEN.
 *
 * Return: true if hdr_len changed.
 */
bool vtap_vnet_hdr_fix_len(struct virtio_net_hdr *hdr, size_t len)
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
