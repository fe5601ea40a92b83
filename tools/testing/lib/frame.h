/* SPDX-License-Identifier: GPL-2.0 */
/*
 * frame.h - Ethernet frames of tests: headers, checksums and contents; user space only
 */
#ifndef VTAP_TEST_FRAME_H
#define VTAP_TEST_FRAME_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The local experimental ethertype, which no other traffic on the link has. */
#define TEST_PROTO	0x88B5

#define FRAME_ROOM	66000

size_t frame_raw(uint8_t *f, size_t len, uint32_t seq);
size_t frame_raw_to(uint8_t *f, size_t len, uint32_t seq,
		    const uint8_t dst[6], const uint8_t src[6]);
uint32_t frame_seq(const uint8_t *f);
bool frame_same(const uint8_t *f, size_t len, const uint8_t *want,
		size_t want_len);
size_t frame_l4(uint8_t *f, size_t payload, bool ipv6, int proto,
		uint32_t seq, struct virtio_net_hdr *hdr);

#endif /* VTAP_TEST_FRAME_H */
