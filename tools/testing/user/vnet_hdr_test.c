// SPDX-License-Identifier: GPL-2.0
/*
 * vnet_hdr_test.c - which virtio-net headers a TX packet may have
 *
 * Read before: drivers/vhost_tap/vnet_hdr.h. It lies here and not beside it
 * because the header is no part of ring/; user space has the same UAPI.
 */
#include <kunit/test.h>
#include "vnet_hdr.h"

static struct virtio_net_hdr hdr(u8 flags, u16 hdr_len, u16 start, u16 offset)
{
	return (struct virtio_net_hdr){
		.flags = flags,
		.hdr_len = (__virtio16)cpu_to_le16(hdr_len),
		.csum_start = (__virtio16)cpu_to_le16(start),
		.csum_offset = (__virtio16)cpu_to_le16(offset),
	};
}

static void vnet_plain(struct kunit *test)
{
	struct virtio_net_hdr h = hdr(0, 0, 0xffff, 0xffff);

	/* Without NEEDS_CSUM the offsets mean nothing. */
	KUNIT_EXPECT_TRUE(test, vtap_vnet_hdr_fix(&h, 14));
	KUNIT_EXPECT_EQ(test, h.hdr_len, 0);
	KUNIT_EXPECT_TRUE(test, vtap_vnet_hdr_fix(&h, 0));
}

/* A header said to be longer than the packet would be retried for ever. */
static void vnet_hdr_len_past_packet(struct kunit *test)
{
	struct virtio_net_hdr h = hdr(0, 60, 0, 0);

	KUNIT_EXPECT_TRUE(test, vtap_vnet_hdr_fix(&h, 60));
	KUNIT_EXPECT_FALSE(test, vtap_vnet_hdr_fix(&h, 59));
	h = hdr(0, 0xffff, 0, 0);
	KUNIT_EXPECT_FALSE(test, vtap_vnet_hdr_fix(&h, 1500));
	KUNIT_EXPECT_TRUE(test, vtap_vnet_hdr_fix(&h, 65535));
}

static void vnet_csum_raises_hdr_len(struct kunit *test)
{
	struct virtio_net_hdr h = hdr(VIRTIO_NET_HDR_F_NEEDS_CSUM, 14, 34, 16);

	KUNIT_EXPECT_TRUE(test, vtap_vnet_hdr_fix(&h, 60));
	KUNIT_EXPECT_EQ(test, le16_to_cpu(h.hdr_len), 52);
	h = hdr(VIRTIO_NET_HDR_F_NEEDS_CSUM, 54, 34, 16);
	KUNIT_EXPECT_TRUE(test, vtap_vnet_hdr_fix(&h, 60));
	KUNIT_EXPECT_EQ(test, le16_to_cpu(h.hdr_len), 54);
}

static void vnet_csum_past_packet(struct kunit *test)
{
	struct virtio_net_hdr h = hdr(VIRTIO_NET_HDR_F_NEEDS_CSUM, 0, 34, 16);

	KUNIT_EXPECT_TRUE(test, vtap_vnet_hdr_fix(&h, 52));
	h = hdr(VIRTIO_NET_HDR_F_NEEDS_CSUM, 0, 34, 16);
	KUNIT_EXPECT_FALSE(test, vtap_vnet_hdr_fix(&h, 51));
	h = hdr(VIRTIO_NET_HDR_F_NEEDS_CSUM, 0, 0xffff, 0xffff);
	KUNIT_EXPECT_FALSE(test, vtap_vnet_hdr_fix(&h, 1500));
	/* The sum passes 16 bits: not what is left of it. */
	h = hdr(VIRTIO_NET_HDR_F_NEEDS_CSUM, 0, 0xfff0, 0x0020);
	KUNIT_EXPECT_FALSE(test, vtap_vnet_hdr_fix(&h, 1u << 20));
	h = hdr(VIRTIO_NET_HDR_F_NEEDS_CSUM, 0xffff, 0xffff, 0xffff);
	KUNIT_EXPECT_FALSE(test, vtap_vnet_hdr_fix(&h, 1u << 20));
}

/* All of a header's words, small packets: what passes lies in the packet. */
static void vnet_what_passes_fits(struct kunit *test)
{
	u32 i;

	for (i = 0; i < 26 * 26 * 26 * 5; i++) {
		u32 len = i % 26, start = i / 26 % 26, offset = i / 676 % 26;
		u32 hdr_len = i / 17576 * 5;
		struct virtio_net_hdr h = hdr(VIRTIO_NET_HDR_F_NEEDS_CSUM,
					      hdr_len, start, offset);

		KUNIT_EXPECT_EQ(test, vtap_vnet_hdr_fix(&h, len),
				start + offset + 2 <= len && hdr_len <= len);
	}
}

static struct kunit_case vnet_cases[] = {
	KUNIT_CASE(vnet_plain),
	KUNIT_CASE(vnet_hdr_len_past_packet),
	KUNIT_CASE(vnet_csum_raises_hdr_len),
	KUNIT_CASE(vnet_csum_past_packet),
	KUNIT_CASE(vnet_what_passes_fits),
	{}
};

static struct kunit_suite vnet_suite = {
	.name = "vtap_vnet_hdr",
	.test_cases = vnet_cases,
};

kunit_test_suite(vnet_suite);
