/* SPDX-License-Identifier: GPL-2.0 */
/*
 * dirty.h - the dirty log, which records the guest pages that we write
 *
 * During a live migration the client provides a bitmap (VHOST_SET_LOG_BASE): bit
 * n stands for the page at guest physical address n * 4096. The client reads and
 * clears bits at any time, so a bit must be set after its page is written:
 *
 *   device (we)                        client
 *   -----------                        ------
 *   write the page                     clear the bit (atomic exchange)
 *   G  full barrier                    read the page
 *   read the bit, set it if clear
 *
 * Without G we may read a bit of an earlier round that the client clears before
 * our write reaches the page. The write would then be lost.
 */
#ifndef VTAP_RING_DIRTY_H
#define VTAP_RING_DIRTY_H

#include "mem.h"

/* A bit stands for VHOST_PAGE_SIZE of the ABI on every architecture. */
#define VTAP_LOG_PAGE_SHIFT	12

/* Words collected before a write to the bitmap; a power of two. */
#define VTAP_DIRTY_SLOTS	32

/**
 * struct vtap_dirty - dirty log of one queue
 * @base: user address of the bitmap
 * @payload: log writes to buffers (VHOST_F_LOG_ALL)
 * @ring: log writes to the ring (VHOST_VRING_F_LOG)
 * @ring_by_user: @ring_gpa is I/O virtual, so find ring pages by user address
 * @failed: a write to the bitmap failed
 * @lost: bits were lost because of @failed
 * @has_new: bits were set since the last signal to the client (VHOST_SET_LOG_FD)
 * @steps: regions searched for aliases, see vtap_dirty_take_steps()
 * @ring_gpa: guest physical address of the device area (log_guest_addr)
 * @map: memory table, which translates user addresses to guest addresses
 * @hit: region of the last hit
 * @pages: number of bits set so far
 * @slot: bits of groups of 32 pages; @word: index of the group; @bits: 0 if empty
 */
struct vtap_dirty {
	u64 base;
	bool payload;
	bool ring;
	bool ring_by_user;
	bool failed;
	bool lost;
	bool has_new;
	u32 steps;
	u64 ring_gpa;
	const struct vtap_memmap *map;
	struct vtap_region hit;
	u64 pages;
	struct vtap_dirty_slot {
		u64 word;
		u32 bits;
	} slot[VTAP_DIRTY_SLOTS];
};

void vtap_dirty_init(struct vtap_dirty *d);
void vtap_dirty_drop(struct vtap_dirty *d);
void vtap_dirty_mark(struct vtap_dirty *d, u64 gpa, u64 len);
void vtap_dirty_mark_user_slow(struct vtap_dirty *d, u64 uaddr, u64 len);
void vtap_dirty_flush(struct vtap_dirty *d);
bool vtap_dirty_range_ok(u64 base, u64 gpa, u64 len);
bool vtap_dirty_map_ok(u64 base, const struct vtap_memmap *map);

/* Return the bits of pages @first to @last, which are in one word. */
static __always_inline u32 vtap_dirty_bits(u64 first, u64 last)
{
	return (~0U << (first & 31)) & (~0U >> (31 - (last & 31)));
}

/*
 * Return and reset the number of regions searched for aliases. A buffer in memory
 * that several regions share is marked in each of them. No descriptor accounts
 * for this work, so the pass adds it to its budget.
 */
static __always_inline u32 vtap_dirty_take_steps(struct vtap_dirty *d)
{
	u32 steps = d->steps;

	d->steps = 0;
	return steps;
}

/**
 * vtap_dirty_mark_user - record a write by its user address
 * @d: log
 * @uaddr: user address of the first byte written
 * @len: length in bytes
 *
 * Bytes outside the memory table are not guest memory and have no bit.
 *
 * Context: as vtap_dirty_flush().
 */
static __always_inline void vtap_dirty_mark_user(struct vtap_dirty *d,
						 u64 uaddr, u64 len)
{
	u64 off = uaddr - d->hit.uaddr;

	/* Fast path: last hit region, and a word that is being collected. */
	if (likely(off < d->hit.size && len && len <= d->hit.size - off)) {
		u64 page = (d->hit.gpa + off) >> VTAP_LOG_PAGE_SHIFT;
		u64 last = (d->hit.gpa + off + len - 1) >> VTAP_LOG_PAGE_SHIFT;
		struct vtap_dirty_slot *slot =
			&d->slot[(page >> 5) & (VTAP_DIRTY_SLOTS - 1)];

		if (likely(slot->word == page >> 5 && slot->word == last >> 5)) {
			slot->bits |= vtap_dirty_bits(page, last);
			return;
		}
	}
	vtap_dirty_mark_user_slow(d, uaddr, len);
}

#endif /* VTAP_RING_DIRTY_H */
