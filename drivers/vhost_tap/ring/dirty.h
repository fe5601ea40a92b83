/* SPDX-License-Identifier: GPL-2.0 */
/*
 * dirty.h - the dirty log: which guest pages we wrote
 *
 * Read before: mem.h. Read next: ring.h.
 *
 * A live migration asks for every guest page that is written meanwhile as a
 * bit in the client's bitmap (VHOST_SET_LOG_BASE): bit n of the byte string is
 * the page at guest physical address n * 4096. The client reads and clears it
 * at any time, so a bit has to be set behind the write that it stands for:
 *
 *   we                                 the client
 *   --                                 ----------
 *   write the page                     take the bit (atomic exchange)
 *   G  full barrier                    read the page
 *   look at the bit, set it if clear
 *
 * Without G we may see the bit of an earlier round, which the client is about
 * to take before our write has reached the page.
 *
 * Writes are collected as bits of a few words and brought to the bitmap
 * together, at the latest before the pass lets go of the queue: then one
 * barrier and mostly one look for each word do for a batch. No page is pinned.
 */
#ifndef VTAP_RING_DIRTY_H
#define VTAP_RING_DIRTY_H

#include "mem.h"

/* Bytes a bit stands for: VHOST_PAGE_SIZE of the ABI on every architecture. */
#define VTAP_LOG_PAGE_SHIFT	12

/* Words collected before the bitmap is touched; a power of two. */
#define VTAP_DIRTY_SLOTS	32

/**
 * struct vtap_dirty - one queue's way to the bitmap
 * @base: user address of the bitmap
 * @payload: log what is written into buffers (VHOST_F_LOG_ALL)
 * @ring: log what is written into the ring (VHOST_VRING_F_LOG)
 * @ring_by_user: the ring's guest address is I/O virtual, so @ring_gpa is of
 *	no use and its pages are looked up by their user address
 * @failed: the bitmap could not be written
 * @lost: and bits were lost with that
 * @news: bits were set since the client was told (VHOST_SET_LOG_FD)
 * @steps: regions looked at because a write has several guest addresses, see
 *	vtap_dirty_take_steps()
 * @ring_gpa: guest physical address of the device area (log_guest_addr)
 * @map: memory table, for the way from user to guest addresses
 * @hit: region that answered last
 * @pages: bits set so far
 * @slot: collected bits; @word: index of 32 pages, @bits: 0 is an empty slot
 */
struct vtap_dirty {
	u64 base;
	bool payload;
	bool ring;
	bool ring_by_user;
	bool failed;
	bool lost;
	bool news;
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

/* Bits of pages @first to @last of a word. */
static __always_inline u32 vtap_dirty_bits(u64 first, u64 last)
{
	return (~0U << (first & 31)) & (~0U >> (31 - (last & 31)));
}

/**
 * vtap_dirty_take_steps - what did marking take since the last time?
 * @d: log
 *
 * A buffer in memory that many regions share is marked in each of them, and that is
 * work of the pass which no descriptor stands for.
 *
 * Return: regions looked at, 0 while no region shares memory.
 */
static __always_inline u32 vtap_dirty_take_steps(struct vtap_dirty *d)
{
	u32 steps = d->steps;

	d->steps = 0;
	return steps;
}

/**
 * vtap_dirty_mark_user - note a write by its user address
 * @d: log
 * @uaddr: first byte; a range of user memory that was written
 * @len: bytes
 *
 * What is in no region of the memory table is no guest memory and has no bit.
 *
 * Context: as vtap_dirty_flush().
 */
static __always_inline void vtap_dirty_mark_user(struct vtap_dirty *d,
						 u64 uaddr, u64 len)
{
	u64 off = uaddr - d->hit.uaddr;

	/* Mostly pages of the last region whose word is being collected. */
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
