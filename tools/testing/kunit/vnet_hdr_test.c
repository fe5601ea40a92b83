// SPDX-License-Identifier: GPL-2.0
/*
 * vnet_hdr_test.c - checks and fixes of the virtio-net header of a TX packet
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

/* Without NEEDS_CSUM and a GSO type the other fields have no meaning. */
static void vnet_meaningless_fields(struct kunit *test)
{
	static const u16 any[] = { 0, 1, 13, 14, 99, 100, 101, 0xffff };
	u32 i, k;

	for (i = 0; i < ARRAY_SIZE(any); i++) {
		for (k = 0; k < ARRAY_SIZE(any); k++) {
			struct virtio_net_hdr h = hdr(0, any[i], any[k],
						      any[i]);

			h.gso_size = (__virtio16)cpu_to_le16(any[k]);
			KUNIT_EXPECT_TRUE(test, vtap_vnet_hdr_ok(&h, 100));
			h.flags = VIRTIO_NET_HDR_F_DATA_VALID;
			KUNIT_EXPECT_TRUE(test, vtap_vnet_hdr_ok(&h, 14));
		}
	}
}

static u16 fixed(u8 flags, u16 hdr_len, u16 start, u16 offset, size_t len)
{
	struct virtio_net_hdr h = hdr(flags, hdr_len, start, offset);
	bool changed = vtap_vnet_hdr_fix_len(&h, len);
	u16 now = le16_to_cpu((__le16)h.hdr_len);

	return changed == (now != hdr_len) ? now : 0xdead;
}

static void vnet_fix_len(struct kunit *test)
{
	const u8 csum = VIRTIO_NET_HDR_F_NEEDS_CSUM;

	/* In the frame: unchanged. */
	KUNIT_EXPECT_EQ(test, fixed(0, 0, 0, 0, 60), 0);
	KUNIT_EXPECT_EQ(test, fixed(0, 14, 0, 0, 14), 14);
	KUNIT_EXPECT_EQ(test, fixed(0, 60, 0, 0, 60), 60);
	KUNIT_EXPECT_EQ(test, fixed(0, 65535, 0, 0, 65535), 65535);
	KUNIT_EXPECT_EQ(test, fixed(csum, 54, 34, 16, 60), 54);
	/* Past the end: the usual header length, or the whole frame. */
	KUNIT_EXPECT_EQ(test, fixed(0, 60, 0, 0, 59), 59);
	KUNIT_EXPECT_EQ(test, fixed(0, 0xffff, 0, 0, 1500), VTAP_HDR_LEN_USUAL);
	/* Shorter than an Ethernet header. */
	KUNIT_EXPECT_EQ(test, fixed(0, 1, 0, 0, 60), 14);
	KUNIT_EXPECT_EQ(test, fixed(0, 13, 0, 0, 14), 14);
	/* Drivers may leave the checksum out of hdr_len. */
	KUNIT_EXPECT_EQ(test, fixed(csum, 14, 34, 16, 60), 52);
	KUNIT_EXPECT_EQ(test, fixed(csum, 0, 34, 16, 60), 52);
	KUNIT_EXPECT_EQ(test, fixed(csum, 0xffff, 1000, 16, 1500), 1018);
	/* The offsets have no meaning without the flag. */
	KUNIT_EXPECT_EQ(test, fixed(0, 14, 34, 16, 60), 14);
}

static void vnet_csum_past_frame(struct kunit *test)
{
	struct virtio_net_hdr h = hdr(VIRTIO_NET_HDR_F_NEEDS_CSUM, 0, 34, 16);

	KUNIT_EXPECT_TRUE(test, vtap_vnet_hdr_ok(&h, 52));
	KUNIT_EXPECT_FALSE(test, vtap_vnet_hdr_ok(&h, 51));
	h = hdr(VIRTIO_NET_HDR_F_NEEDS_CSUM, 0, 0xffff, 0xffff);
	KUNIT_EXPECT_FALSE(test, vtap_vnet_hdr_ok(&h, 1500));
	/* The sum exceeds 16 bits and must not be truncated. */
	h = hdr(VIRTIO_NET_HDR_F_NEEDS_CSUM, 0, 0xfff0, 0x0020);
	KUNIT_EXPECT_FALSE(test, vtap_vnet_hdr_ok(&h, 1u << 20));
	h = hdr(VIRTIO_NET_HDR_F_NEEDS_CSUM, 0xffff, 0xffff, 0xffff);
	KUNIT_EXPECT_FALSE(test, vtap_vnet_hdr_ok(&h, 1u << 20));
}

/* All values of each word, small packets: sendmsg() takes what passes. */
static void vnet_fixed_headers_fit(struct kunit *test)
{
	u32 i;

	for (i = 0; i < 26 * 26 * 26 * 8; i++) {
		u32 len = 14 + i % 26, start = i / 26 % 26, offset = i / 676 % 26;
		u32 hdr_len = i / 17576 * 6, end = start + offset + 2;
		struct virtio_net_hdr h = hdr(VIRTIO_NET_HDR_F_NEEDS_CSUM,
					      hdr_len, start, offset);
		bool ok = vtap_vnet_hdr_ok(&h, len);

		KUNIT_EXPECT_EQ(test, ok, end <= len);
		if (!ok)
			continue;
		vtap_vnet_hdr_fix_len(&h, len);
		hdr_len = le16_to_cpu((__le16)h.hdr_len);
		KUNIT_EXPECT_TRUE(test, hdr_len <= len && hdr_len >= end);
	}
}

/* Of all types and flags, only TCP and UDP segmentation with a checksum and a size. */
static void vnet_plain_gso(struct kunit *test)
{
	u32 type, flags;

	for (type = 0; type < 256; type++) {
		for (flags = 0; flags < 4; flags++) {
			struct virtio_net_hdr h = {
				.flags = flags, .gso_type = type,
				.gso_size = (__virtio16)cpu_to_le16(1448),
			};
			u32 kind = type & ~VIRTIO_NET_HDR_GSO_ECN;
			bool plain = flags & VIRTIO_NET_HDR_F_NEEDS_CSUM &&
				     (kind == 1 || kind == 4 || kind == 5);

			KUNIT_EXPECT_EQ(test, vtap_vnet_hdr_gso_is_plain(&h),
					plain);
			h.gso_size = 0;
			KUNIT_EXPECT_FALSE(test, vtap_vnet_hdr_gso_is_plain(&h));
		}
	}
}

static struct kunit_case vnet_cases[] = {
	KUNIT_CASE(vnet_meaningless_fields),
	KUNIT_CASE(vnet_fix_len),
	KUNIT_CASE(vnet_csum_past_frame),
	KUNIT_CASE(vnet_fixed_headers_fit),
	KUNIT_CASE(vnet_plain_gso),
	{}
};

static struct kunit_suite vnet_suite = {
	.name = "vtap_vnet_hdr",
	.test_cases = vnet_cases,
};

kunit_test_suite(vnet_suite);
