// SPDX-License-Identifier: GPL-2.0
/* dirty.c - collect written pages and set their bits in the client's bitmap */
#include "dirty.h"

/**
 * vtap_dirty_init - initialize an empty log
 * @d: log
 */
void vtap_dirty_init(struct vtap_dirty *d)
{
	memset(d, 0, sizeof(*d));
}

/**
 * vtap_dirty_drop - discard the collected bits
 * @d: log
 */
void vtap_dirty_drop(struct vtap_dirty *d)
{
	memset(d->slot, 0, sizeof(d->slot));
	d->failed = false;
	d->lost = false;
}

/* Set @bits of the aligned word at user address @uaddr; false on failure. */
static bool vtap_dirty_set_bits(struct vtap_dirty *d, u64 uaddr, u32 bits)
{
	u32 __user *word = (u32 __user *)(unsigned long)uaddr;
	u32 old;

	if (!user_read_access_begin(word, sizeof(*word)))
		goto failed;
	unsafe_get_user(old, word, fault);
	user_read_access_end();

	bits &= ~le32_to_cpu((__force __le32)old);
	if (!bits)			/* G: the writes came before */
		return true;
	if (vtap_user_or32((__force u32)cpu_to_le32(bits), word))
		goto failed;
	d->pages += hweight32(bits);
	d->has_new = true;
	return true;

fault:
	user_read_access_end();
failed:
	d->failed = true;
	return false;
}

/*
 * Write a slot to the bitmap, whose base need not be aligned. The caller has
 * executed G. Bits that cannot be written stay in the slot for the next bitmap.
 */
static void vtap_dirty_write_slot(struct vtap_dirty *d,
				  struct vtap_dirty_slot *slot)
{
	u64 uaddr = d->base + slot->word * sizeof(u32);
	unsigned int shift = (uaddr & 3) * 8;

	if (slot->word > (U64_MAX - d->base) / sizeof(u32)) {
		d->failed = true;
		return;
	}
	if (slot->bits << shift &&
	    !vtap_dirty_set_bits(d, uaddr & ~3ULL, slot->bits << shift))
		return;
	if (shift && slot->bits >> (32 - shift) &&
	    !vtap_dirty_set_bits(d, (uaddr & ~3ULL) + 4,
				 slot->bits >> (32 - shift)))
		return;
	slot->bits = 0;
}

/**
 * vtap_dirty_flush - write all collected bits to the bitmap
 * @d: log; @failed is set if the bitmap cannot be written
 *
 * Context: process context with the owner's address space; may fault.
 */
void vtap_dirty_flush(struct vtap_dirty *d)
{
	int i;

	vtap_mb();			/* G: the pages before their bits */
	for (i = 0; i < VTAP_DIRTY_SLOTS; i++) {
		if (d->slot[i].bits)
			vtap_dirty_write_slot(d, &d->slot[i]);
	}
}

static void vtap_dirty_mark_word(struct vtap_dirty *d, u64 word, u32 bits)
{
	struct vtap_dirty_slot *slot =
		&d->slot[word & (VTAP_DIRTY_SLOTS - 1)];

	if (unlikely(slot->word != word && slot->bits)) {
		vtap_mb();		/* G */
		vtap_dirty_write_slot(d, slot);
		if (slot->bits)		/* the write failed */
			d->lost = true;
		slot->bits = 0;
	}
	slot->word = word;
	slot->bits |= bits;
}

/**
 * vtap_dirty_mark - record a write by its guest physical address
 * @d: log
 * @gpa: guest physical address of the first byte
 * @len: length in bytes; the caller bounds it, because the loop takes a step
 *	per 32 pages
 *
 * Context: as vtap_dirty_flush().
 */
void vtap_dirty_mark(struct vtap_dirty *d, u64 gpa, u64 len)
{
	u64 page, last;

	if (!len)
		return;
	last = gpa > U64_MAX - (len - 1) ? U64_MAX : gpa + (len - 1);
	last >>= VTAP_LOG_PAGE_SHIFT;
	page = gpa >> VTAP_LOG_PAGE_SHIFT;
	for (; page >> 5 < last >> 5; page = ((page >> 5) + 1) << 5)
		vtap_dirty_mark_word(d, page >> 5, ~0U << (page & 31));
	vtap_dirty_mark_word(d, last >> 5, vtap_dirty_bits(page, last));
}

static void vtap_dirty_mark_aliases(struct vtap_dirty *d, u64 uaddr, u64 len)
{
	u64 last = uaddr + (len - 1);	/* checked memory: no wrap */
	u32 i;

	/* A packet can have 1024 segments, and each searches 1018 regions. */
	cond_resched();
	d->steps += d->map->nr;
	for (i = 0; i < d->map->nr; i++) {
		const struct vtap_region *r = &d->map->region[i];
		u64 r_last = r->uaddr + (r->size - 1);
		u64 from = max(uaddr, r->uaddr);
		u64 to = min(last, r_last);

		if (from <= to)
			vtap_dirty_mark(d, r->gpa + (from - r->uaddr),
					to - from + 1);
	}
}

/**
 * vtap_dirty_mark_user_slow - record a write outside the last hit
 * @d: log
 * @uaddr: user address of the first byte
 * @len: length in bytes
 *
 * Context: as vtap_dirty_flush().
 */
void vtap_dirty_mark_user_slow(struct vtap_dirty *d, u64 uaddr, u64 len)
{
	if (unlikely(!d->map))
		return;
	if (unlikely(d->map->aliased)) {
		if (len)
			vtap_dirty_mark_aliases(d, uaddr, len);
		return;
	}
	while (len) {
		u64 off = uaddr - d->hit.uaddr, part;

		if (unlikely(off >= d->hit.size)) {
			const struct vtap_region *r =
				vtap_memmap_find_user(d->map, uaddr);

			/* Bytes before the region are not guest memory. */
			if (!r || (r->uaddr > uaddr && r->uaddr - uaddr >= len))
				return;
			if (r->uaddr > uaddr) {
				len -= r->uaddr - uaddr;
				uaddr = r->uaddr;
			}
			d->hit = *r;
			off = uaddr - r->uaddr;
		}
		part = min(len, d->hit.size - off);
		vtap_dirty_mark(d, d->hit.gpa + off, part);
		uaddr += part;
		len -= part;
	}
}

/**
 * vtap_dirty_range_ok - check that the bitmap can cover a range
 * @base: user address of the bitmap
 * @gpa: guest physical address of the range
 * @len: length in bytes
 *
 * Return: true if the bits of the range lie in user address space. The bitmap may
 * still be unmapped.
 */
bool vtap_dirty_range_ok(u64 base, u64 gpa, u64 len)
{
	u64 last = len && gpa <= U64_MAX - (len - 1) ? gpa + (len - 1) : gpa;
	u64 first_byte = (gpa >> VTAP_LOG_PAGE_SHIFT) / 8;
	u64 last_byte = (last >> VTAP_LOG_PAGE_SHIFT) / 8;
	u64 uaddr;

	if (check_add_overflow(base, first_byte, &uaddr))
		return false;
	return vtap_user_range_ok(uaddr, last_byte - first_byte + 1);
}

/**
 * vtap_dirty_map_ok - check that the bitmap can cover all guest memory
 * @base: user address of the bitmap
 * @map: memory table
 *
 * Return: true if it can.
 */
bool vtap_dirty_map_ok(u64 base, const struct vtap_memmap *map)
{
	u32 i;

	for (i = 0; i < map->nr; i++) {
		if (!vtap_dirty_range_ok(base, map->region[i].gpa,
					 map->region[i].size))
			return false;
	}
	return true;
}
