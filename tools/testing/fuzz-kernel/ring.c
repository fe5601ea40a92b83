// SPDX-License-Identifier: GPL-2.0
/*
 * ring.c - steps of the guest: chains, raw descriptors, ring words, kicks
 *
 * The mock driver never takes buffers back. It writes over old descriptors, as a hostile
 * guest may.
 */
#include <linux/if_ether.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

struct seg {
	uint64_t addr;
	uint32_t len;
};

struct packed_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t id;
	uint16_t flags;
};

#define PACKED_AVAIL	BIT(7)
#define PACKED_USED	BIT(15)

/*
 * Offset of the descriptors, the driver's and the device's part of a ring (0 to 2) from its
 * start, in the order of guest memory. With swapped pages each of them crosses a border of
 * two pages that are apart.
 */
uint64_t ring_part(const struct ring *r, unsigned int part)
{
	static const uint16_t plain[] = { 0, 0x2000, 0x3000 };
	static const uint16_t swapped[] = { 0x800, 0x1c00, 0x2e00 };

	return r->is_swapped ? swapped[part] : plain[part];
}

static void *ring_byte(const struct ring *r, uint64_t at)
{
	return target.mem + r->off + (r->is_swapped ? at ^ 0x1000 : at);
}

static uint16_t *avail_word(const struct ring *r, unsigned int i)
{
	return ring_byte(r, ring_part(r, 1) + 2 * i);
}

static void *desc_at(const struct ring *r, unsigned int i)
{
	return ring_byte(r, ring_part(r, 0) + i % RING_MAX * sizeof(struct vring_desc));
}

/* Start at @base, as VHOST_SET_VRING_BASE defines it. */
void ring_start(struct ring *r, uint32_t base, bool packed)
{
	r->packed = packed;
	r->base = base;
	r->idx = base;
	r->next = packed ? (base & 0x7fff) % r->num : 0;
	r->wrap = base & 0x8000;
	if (!packed)
		*avail_word(r, 1) = r->idx;
}

static void put_split(struct ring *r, unsigned int i, const struct seg *s, uint16_t flags,
		      uint16_t next)
{
	struct vring_desc *d = desc_at(r, i);

	*d = (struct vring_desc){ .addr = s->addr, .len = s->len, .flags = flags, .next = next };
}

/* Write a descriptor at the next position of a packed ring. */
static void put_packed(struct ring *r, const struct seg *s, uint16_t flags, uint16_t id)
{
	struct packed_desc *d = desc_at(r, r->next);

	d->addr = s->addr;
	d->len = s->len;
	d->id = id;
	__atomic_store_n(&d->flags, flags | (r->wrap ? PACKED_AVAIL : PACKED_USED),
			 __ATOMIC_RELEASE);
	if (++r->next >= r->num) {
		r->next = 0;
		r->wrap = !r->wrap;
	}
}

/* Replace the segments by one of an indirect table. */
static void make_table(const struct dev *d, const struct ring *r, struct seg *s, unsigned int nr,
		       uint16_t write)
{
	uint64_t off = target_alloc(nr * sizeof(struct vring_desc));
	struct vring_desc *table = (void *)(target.mem + off);
	unsigned int i;

	for (i = 0; i < nr; i++) {
		table[i] = (struct vring_desc){ .addr = s[i].addr, .len = s[i].len };
		if (r->packed) {
			((struct packed_desc *)table)[i].flags = write;
			continue;
		}
		table[i].flags = write | (i + 1 < nr ? VRING_DESC_F_NEXT : 0);
		table[i].next = i + 1;
	}
	s->addr = target_gpa(d, off);
	s->len = nr * sizeof(*table);
}

static void add_chain(const struct dev *d, struct ring *r, struct seg *s, unsigned int nr,
		      uint16_t write, bool indirect)
{
	uint16_t head = r->next % r->num;
	unsigned int i;

	if (indirect) {
		make_table(d, r, s, nr, write);
		write = VRING_DESC_F_INDIRECT;
		nr = 1;
	}
	if (r->packed) {
		for (i = 0; i < nr; i++)
			put_packed(r, &s[i], write | (i + 1 < nr ? VRING_DESC_F_NEXT : 0), head);
		return;
	}
	for (i = 0; i < nr; i++) {
		uint16_t at = r->next % r->num;

		r->next++;
		put_split(r, at, &s[i], write | (i + 1 < nr ? VRING_DESC_F_NEXT : 0),
			  r->next % r->num);
	}
	*avail_word(r, 2 + r->idx % r->num) = head;
	r->idx++;
	__atomic_store_n(avail_word(r, 1), r->idx, __ATOMIC_RELEASE);
}

static void kick(const struct ring *r)
{
	uint64_t one = 1;

	if (r->kick >= 0 && write(r->kick, &one, sizeof(one)) < 0)
		return;
}

static unsigned int header_len(const struct dev *d)
{
	if (d->features_hi & F_TUNNEL_GSO)
		return 24;
	return d->features & (F_MRG_RXBUF | F_VERSION_1) ? 12 : 10;
}

/* Ethernet, IP and TCP or UDP of a shape that @kind selects. Return: length */
static unsigned int put_frame(uint8_t *p, unsigned int kind)
{
	static const uint16_t types[] = { ETH_P_IP, ETH_P_IPV6, ETH_P_ARP, ETH_P_8021Q, 0, 0x88a8,
					  ETH_P_IP, ETH_P_IPV6 };
	static const uint8_t protocols[] = { 6, 17, 1, 17, 0, 6, 17, 6 };
	uint16_t type = types[kind & 7];

	memset(p, kind & 8 ? 0xff : 2, 6);
	memset(p + 6, 2, 6);
	p[12] = type >> 8;
	p[13] = type;
	if (type == ETH_P_8021Q || type == 0x88a8) {
		p[15] = 5;
		p[16] = ETH_P_IP >> 8;
		p += 4;
	}
	if (type == ETH_P_IPV6) {
		p[14] = 0x60;
		p[14 + 6] = protocols[kind & 7];
		p[14 + 7] = 64;
		p[14 + 40 + 12] = 0x50;
	} else {
		p[14] = 0x45;
		p[14 + 8] = 64;
		p[14 + 9] = protocols[kind & 7];
		p[14 + 20 + 12] = 0x50;
	}
	return 14 + 40 + 24;
}

/* The 10 bytes that all headers have in common: a plain one, or that of @y. */
static void put_header(uint8_t *p, uint64_t y)
{
	struct virtio_net_hdr h = {
		.flags = y, .gso_type = y >> 8, .hdr_len = y >> 16, .gso_size = y >> 32,
		.csum_start = y >> 48 & 0xff, .csum_offset = y >> 56,
	};

	memcpy(p, &h, sizeof(h));
}

/*
 * Send frames. @x: bits 0-15 length, 16-19 segments, 20-23 kind of frame, 24-30 frames
 * more; @y: the header; @c: bit 0 indirect, bit 1 no kick, bit 2 one-byte segments first,
 * bit 3 wait afterwards, bit 4 four times the length, bit 5 eighty times the segments
 */
STEP(op_tx)
{
	static __thread struct seg s[16 * 80];
	struct dev *d = op_dev(o);
	unsigned int len = o->x & 0xffff, nr_segs = (o->x >> 16 & 15) + 1, i;
	unsigned int frames = (o->x >> 24 & 0x7f) + 1, hlen = header_len(d);
	struct ring *r = op_ring(o);

	len *= o->c & 16 ? 4 : 1;
	nr_segs *= o->c & 32 ? 80 : 1;
	while (frames--) {
		uint64_t off = target_alloc(hlen + len + 128);
		uint32_t left = hlen + len;

		put_header(target.mem + off, o->y);
		put_frame(target.mem + off + hlen, o->x >> 20 & 15);
		for (i = 0; i < nr_segs && left; i++) {
			uint32_t part = i + 1 == nr_segs ? left :
					o->c & 4 ? 1 : left / (nr_segs - i);

			s[i] = (struct seg){ target_gpa(d, off), part };
			off += part;
			left -= part;
		}
		if (i)
			add_chain(d, r, s, i, 0, o->c & 1);
	}
	if (!(o->c & 2))
		kick(r);
	return o->c & 8 ? op_settle(o, 0) : 0;
}

/* Post buffers. @x: bits 0-15 length, 16-19 segments, 24-31 buffers more; @c as above */
STEP(op_rx)
{
	struct dev *d = op_dev(o);
	unsigned int len = o->x & 0xffff, nr_segs = (o->x >> 16 & 15) + 1, i;
	unsigned int nr = (o->x >> 24) + 1;
	struct ring *r = op_ring(o);

	while (nr--) {
		uint64_t off = target_alloc(len * nr_segs);
		struct seg s[16];

		for (i = 0; i < nr_segs; i++)
			s[i] = (struct seg){ target_gpa(d, off + (uint64_t)i * len), len };
		add_chain(d, r, s, nr_segs, VRING_DESC_F_WRITE, o->c & 1);
	}
	if (!(o->c & 2))
		kick(r);
	return o->c & 8 ? op_settle(o, 0) : 0;
}

/*
 * Write a descriptor without any rule. @b: descriptor, relative to the next one;
 * @c: flags 0-3, bit 4 raw address, bit 5 make it available, bit 6 in the last table,
 * bit 7 kick; @x: length, or with bit 4 of @b a short one and next
 */
STEP(op_desc)
{
	struct dev *d = op_dev(o);
	struct ring *r = op_ring(o);
	uint64_t addr = o->c & 16 ? o->y : target_gpa(d, o->y % (2 * ARENA_LEN));
	uint16_t at = (r->next + (int8_t)o->b / 2) % r->num;
	bool is_short = o->b & 1;
	struct seg s = { addr, is_short ? o->x & 0xffff : o->x };

	if (o->c & 64) {
		struct vring_desc *t = (void *)(target.mem + (target.data & ~15ULL) -
						(o->b % 16 + 1) * sizeof(*t));

		*t = (struct vring_desc){ .addr = s.addr, .len = s.len, .flags = o->c & 7,
					  .next = is_short ? o->x >> 16 : o->b };
	} else if (r->packed) {
		r->next = at;
		put_packed(r, &s, o->c & 7, is_short ? o->x >> 16 : at);
	} else {
		put_split(r, at, &s, o->c & 7, is_short ? o->x >> 16 : (at + 1) % r->num);
		if (o->c & 32) {
			*avail_word(r, 2 + r->idx % r->num) = at;
			*avail_word(r, 1) = ++r->idx;
		}
	}
	if (o->c & 128)
		kick(r);
	return 0;
}

/* Put any head into the avail ring, or move the index or position of the driver. */
STEP(op_avail)
{
	struct ring *r = op_ring(o);

	if (r->packed) {
		r->next = o->x % r->num;
		r->wrap = o->b & 1 ? !r->wrap : r->wrap;
	} else if (o->b & 1) {
		*avail_word(r, 2 + r->idx % r->num) = o->x;
		*avail_word(r, 1) = ++r->idx;
	} else {
		r->idx += o->x;
		*avail_word(r, 1) = r->idx;
	}
	if (o->c & 128)
		kick(r);
	return 0;
}

/* Write bytes anywhere. @c: bit 0 in the ring, bit 1 all 8 bytes, bit 2 fill a page */
STEP(op_poke)
{
	uint64_t off = o->c & 1 ? op_ring(o)->off + o->x % 0x4000 : o->x % ARENA_LEN;

	if (o->c & 4)
		memset(target.mem + (off & ~4095ULL), o->y, 4096);
	else if (off + 8 <= ARENA_LEN)
		memcpy(target.mem + off, &o->y, o->c & 2 ? 8 : 2);
	return 0;
}

/* Suppress or request calls: the flags, and the event word or structure. */
STEP(op_events)
{
	struct ring *r = op_ring(o);

	if (r->packed) {
		*avail_word(r, 0) = o->b & 1 ? r->next | r->wrap << 15 : o->x;
		*avail_word(r, 1) = o->c;
	} else {
		*avail_word(r, 0) = o->c;
		*avail_word(r, 2 + r->num) = o->b & 1 ? r->idx + o->x : o->x;
	}
	return 0;
}

STEP(op_kick)
{
	kick(op_ring(o));
	return o->c & 1 ? op_settle(o, 0) : 0;
}
