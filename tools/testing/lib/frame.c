// SPDX-License-Identifier: GPL-2.0
/*
 * frame.c - Ethernet frames of tests
 */
#include <arpa/inet.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stdio.h>
#include <string.h>

#include "frame.h"

static const uint8_t guest_mac[6] = { 0x02, 0, 0, 0, 0, 0x01 };
static const uint8_t host_mac[6] = { 0x02, 0, 0, 0, 0, 0x02 };

/*
 * Build a frame of exactly @len bytes: header, sequence number, then bytes that depend
 * on position and sequence, so that shifts and mix-ups are detected.
 */
size_t frame_raw_to(uint8_t *f, size_t len, uint32_t seq,
		    const uint8_t dst[6], const uint8_t src[6])
{
	uint8_t head[18];
	uint32_t x = seq * 2654435761u + 12345;
	size_t i;

	memcpy(head, dst, 6);
	memcpy(head + 6, src, 6);
	head[12] = TEST_PROTO >> 8;
	head[13] = TEST_PROTO & 0xff;
	memcpy(head + 14, &seq, 4);
	memcpy(f, head, len < 18 ? len : 18);
	for (i = 18; i < len; i++) {
		x = x * 1664525 + 1013904223;
		f[i] = x >> 24;
	}
	return len;
}

size_t frame_raw(uint8_t *f, size_t len, uint32_t seq)
{
	return frame_raw_to(f, len, seq, host_mac, guest_mac);
}

uint32_t frame_seq(const uint8_t *f)
{
	uint32_t seq;

	memcpy(&seq, f + 14, 4);
	return seq;
}

/* Compare two frames and print the first difference. */
bool frame_same(const uint8_t *f, size_t len, const uint8_t *want,
		size_t want_len)
{
	size_t i;

	if (len != want_len) {
		printf("# length %zu, wanted %zu\n", len, want_len);
		return false;
	}
	for (i = 0; i < len; i++) {
		if (f[i] != want[i]) {
			printf("# byte %zu of %zu: 0x%02x, wanted 0x%02x\n", i,
			       len, f[i], want[i]);
			return false;
		}
	}
	return true;
}

static uint32_t sum16(uint32_t sum, const void *p, size_t len)
{
	const uint8_t *b = p;

	for (; len > 1; len -= 2, b += 2)
		sum += b[0] << 8 | b[1];
	return len ? sum + (b[0] << 8) : sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static size_t put_ip(uint8_t *p, size_t l4, bool ipv6, int proto,
		     uint16_t *pseudo)
{
	uint32_t sum = proto + l4;

	if (ipv6) {
		struct ipv6hdr h = { .version = 6, .payload_len = htons(l4),
				     .nexthdr = proto, .hop_limit = 64 };

		h.saddr.s6_addr[0] = 0xfd;
		h.daddr.s6_addr[0] = 0xfd;
		h.saddr.s6_addr[15] = 1;
		h.daddr.s6_addr[15] = 2;
		sum = sum16(sum, &h.saddr, 32);
		*pseudo = fold(sum);
		memcpy(p, &h, sizeof(h));
		return sizeof(h);
	}
	struct iphdr h = { .version = 4, .ihl = 5, .ttl = 64, .protocol = proto,
			   .tot_len = htons(20 + l4),
			   .saddr = htonl(0x0a000001),
			   .daddr = htonl(0x0a000002) };

	h.check = htons(~fold(sum16(0, &h, 20)));
	sum = sum16(sum, &h.saddr, 8);
	*pseudo = fold(sum);
	memcpy(p, &h, sizeof(h));
	return sizeof(h);
}

/**
 * frame_l4 - build a TCP or UDP packet without its checksum
 * @payload: bytes after the transport header
 * @hdr: filled for NEEDS_CSUM; the caller may add a gso_type
 *
 * Return: frame length
 */
size_t frame_l4(uint8_t *f, size_t payload, bool ipv6, int proto,
		uint32_t seq, struct virtio_net_hdr *hdr)
{
	size_t l4_len = proto == IPPROTO_TCP ? 20 : 8, ip_len, at, i;
	uint16_t pseudo;

	frame_raw(f, 18, seq);
	f[12] = ipv6 ? 0x86 : 0x08;
	f[13] = ipv6 ? 0xdd : 0x00;
	ip_len = put_ip(f + 14, l4_len + payload, ipv6, proto, &pseudo);
	at = 14 + ip_len;
	*hdr = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.hdr_len = at + l4_len,
		.csum_start = at,
	};
	if (proto == IPPROTO_TCP) {
		struct tcphdr t = { .source = htons(1000), .dest = htons(2000),
				    .seq = htonl(seq), .doff = 5, .ack = 1,
				    .window = htons(1000),
				    .check = htons(pseudo) };

		memcpy(f + at, &t, sizeof(t));
		hdr->csum_offset = 16;
	} else {
		struct udphdr u = { .source = htons(1000), .dest = htons(2000),
				    .len = htons(8 + payload),
				    .check = htons(pseudo) };

		memcpy(f + at, &u, sizeof(u));
		hdr->csum_offset = 6;
	}
	for (i = at + l4_len; i < at + l4_len + payload; i++)
		f[i] = i * 7 + seq;
	return at + l4_len + payload;
}
