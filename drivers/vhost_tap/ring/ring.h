/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ring.h - the vocabulary of a virtqueue, and struct vtap_ring
 *
 * Read before: mem.h. Read next: chain.h, event.h, split.h, packed.h, ring_ops.h.
 *
 * A split virtqueue (virtio 1.2, section 2.7) is three areas of guest memory:
 *
 *   desc[num]   descriptors: address, length, flags, next
 *   avail       the driver writes: flags, idx, ring[num] of chain heads,
 *               used_event
 *   used        the device writes: flags, idx, ring[num] of (head, length),
 *               avail_event
 *
 * The driver offers chains of descriptors through avail, we answer through
 * used. Both idx run freely modulo 2^16. Four ordered accesses keep the two
 * sides honest:
 *
 *   driver                              device (we)
 *   ------                              -----------
 *   write desc[], avail->ring[]
 *   A  store avail->idx, release   ->   B  load avail->idx, acquire
 *                                       read avail->ring[], desc[], buffers
 *                                       write buffers, used->ring[]
 *   D  load used->idx, acquire     <-   C  store used->idx, release
 *   read used->ring[], buffers
 *
 *   Without B behind A we read heads that are not there yet; without D behind
 *   C the driver reads used entries or payload that are not there yet.
 *
 * Two pairs of crosswise store and load decide on notifications. Each side
 * needs a full barrier (vtap_mb() here) between the two, or both sleep:
 *
 *   E  driver: store avail->idx; mb; load avail_event or used->flags
 *      device: store avail_event or used->flags; mb; load avail->idx
 *   F  device: store used->idx; mb; load used_event or avail->flags
 *      driver: store used_event or avail->flags; mb; load used->idx
 *
 * Verbs, in the order a pass uses them:
 *
 *   kick_off   ask the driver not to kick while we look anyway
 *   pop        take the next chain          unpop  give the last n back
 *   stage      write a used entry, not yet visible
 *   publish    make all staged entries visible (C)
 *   must_call  does the driver want a call for what was published? (F)
 *   empty      is there anything to pop?
 *   kick_on    ask for kicks and look once more (E)
 *
 * Contract: pop leaves no chain half taken; after a fault every verb refuses
 * with -EIO until vtap_ring_start() or vtap_ring_clear_fault(), but for publish and
 * must_call, which still finish what was staged before unless ring memory
 * itself failed; what one verb does is bounded by VTAP_CHAIN_MAX and
 * VTAP_FETCH, never by the guest. Who pops several chains for one packet
 * shares VTAP_CHAIN_MAX between them (vtap_chain.cost).
 */
#ifndef VTAP_RING_RING_H
#define VTAP_RING_RING_H

#include "dirty.h"
#include "fault.h"
#include "mem.h"

/* Heads and descriptors fetched, and used entries staged, at a time. */
#define VTAP_FETCH	64

/* From so many descriptors on a copy by call is cheaper than one by words. */
#define VTAP_RUN_LONG	8

/* Descriptors, and memory segments, that one chain may have. */
#define VTAP_CHAIN_MAX	1024

/* Ring size limit of VHOST_SET_VRING_NUM; a split ring's is a power of two. */
#define VTAP_RING_MAX	32768

/* Which buffers the device type allows in the chains of a ring. */
enum vtap_chains {
	VTAP_CHAINS_MIXED,	/* readable ones, then writable ones */
	VTAP_CHAINS_READABLE,	/* TX */
	VTAP_CHAINS_WRITABLE,	/* RX */
};

/**
 * struct vtap_ring_cfg - what the client set, copied when the ring starts
 * @num: entries, 1 to VTAP_RING_MAX; a power of two unless @packed
 * @desc: descriptor table, user address, 16 bytes an entry
 * @avail: driver area, user address, 2-byte aligned
 * @used: device area, user address, 4-byte aligned
 * @packed: VIRTIO_F_RING_PACKED was negotiated
 * @event_idx: VIRTIO_F_EVENT_IDX was negotiated
 * @call_on_empty: VIRTIO_F_NOTIFY_ON_EMPTY was negotiated
 * @chains: enum vtap_chains; decided by the queue, not by the client
 * @iotlb: VIRTIO_F_ACCESS_PLATFORM: the addresses are I/O virtual
 * @log: where writes to the device area are noted, or NULL
 */
struct vtap_ring_cfg {
	u32 num;
	u64 desc;
	u64 avail;
	u64 used;
	bool packed;
	bool event_idx;
	bool call_on_empty;
	u8 chains;
	bool iotlb;
	struct vtap_dirty *log;
};

/* Bytes of a ring's areas. */
struct vtap_ring_size {
	size_t desc;
	size_t avail;
	size_t used;
};

/**
 * struct vtap_ring_area - one area of a ring that is scattered in user memory
 * @first_page: page number of its first address
 * @nr_pages: entries in @delta
 * @delta: for each page: user address minus I/O virtual address
 */
struct vtap_ring_area {
	u64 first_page;
	u64 nr_pages;
	u64 *delta;
};

/**
 * struct vtap_ring_scattered - a ring whose pages the IOTLB has scattered
 * @desc: descriptor table
 * @avail: driver area
 * @used: device area
 * @delta: of all three
 *
 * The pointers of struct vtap_ring hold I/O virtual addresses then, and each
 * word goes through vtap_ring_desc_addr(), _avail_addr() or _used_addr().
 */
struct vtap_ring_scattered {
	struct vtap_ring_area desc;
	struct vtap_ring_area avail;
	struct vtap_ring_area used;
	u64 delta[];
};

/**
 * struct vtap_ring - one running ring, split or packed
 *
 * What the two formats call differently lies in unions; a packed ring's
 * positions are its index and, in bit 15, its wrap counter.
 *
 * Locking: whoever owns the pass owns all of it. The addresses change only
 * between passes. With the IOTLB they are known while @mapped; no verb is used
 * without, vtap_ring_map() comes first.
 */
struct vtap_ring {
	union {
		/** @desc: descriptor table */
		struct vring_desc __user *desc;
		/** @packed_desc: packed: descriptor ring */
		struct vring_packed_desc __user *packed_desc;
	};
	union {
		/** @avail: driver area */
		struct vring_avail __user *avail;
		/** @driver_event: packed: when the driver wants calls */
		struct vring_packed_desc_event __user *driver_event;
	};
	union {
		/** @used: device area */
		struct vring_used __user *used;
		/** @device_event: packed: when we want kicks */
		struct vring_packed_desc_event __user *device_event;
	};
	/** @scattered: set if the ring is not linear in user memory */
	struct vtap_ring_scattered *scattered;
	/** @log: notes what is written into the device area, or NULL */
	struct vtap_dirty *log;
	/** @mapped: the addresses can be used */
	bool mapped;
	/** @loaded: the used index was read back from the ring */
	bool loaded;
	/** @packed: the format; else split */
	bool packed;
	/** @chains: enum vtap_chains */
	u8 chains;
	/** @num: entries; a power of two if split */
	u16 num;
	/** @event_idx: notifications by event index, not by flags */
	bool event_idx;
	/** @call_on_empty: call when the last available chain was used */
	bool call_on_empty;
	/** @fault: enum vtap_fault; not NONE means the ring is broken */
	u8 fault;
	/** @kicks_off: we last told the driver not to kick */
	bool kicks_off;
	/** @kicks_at: packed: we last told the driver to kick at @kick_at */
	bool kicks_at;
	/** @called_valid: @called is meaningful */
	bool called_valid;
	/** @called: used index the driver was last considered for a call at */
	u16 called;

	/** @uncalled: packed: descriptors used since, below two laps if valid */
	u32 uncalled;

	/** @last_avail: the next avail entry, or packed descriptor, to pop */
	u16 last_avail;
	/** @avail_idx: the driver's index as last read; validated */
	u16 avail_idx;
	/** @last_used: used->idx as published */
	u16 last_used;
	/** @kick_at: packed: position of the kick asked for */
	u16 kick_at;
	/** @stage_max: packed: as many staged are no common case any more */
	u16 stage_max;
	/** @has_gaps: packed: staged entries are not in a row, see @skip */
	bool has_gaps;
	/**
	 * @stage_room: packed: as many in a row from the first staged entry on
	 * end with the ring
	 */
	int stage_room;
	/** @stage_word: packed: AVAIL and USED of an entry in its lap */
	u64 stage_word;
	/** @nr_spilled: staged entries already in used->ring, behind the idx */
	u16 nr_spilled;
	/** @nr_staged: entries in @staged */
	u16 nr_staged;

	/** @fetch_start: avail position of the first fetched head */
	u16 fetch_start;
	/** @nr_fetched: fetched heads, at most VTAP_FETCH */
	u16 nr_fetched;
	/** @run: packed: @nr_fetched of the last fetch that had any */
	u16 run;
	/** @prefetched: packed: available behind those, by a copy ahead */
	u16 prefetched;
	/** @nr_left: packed: fetched ones not popped yet, negative */
	long nr_left;
	/** @fetch_end: packed: behind the last fetched one */
	const struct vring_packed_desc *fetch_end;
	union {
		/** @head: fetched heads, each below @num */
		u16 head[VTAP_FETCH];
		/** @skip: packed: descriptors of staged entries but the first */
		u16 skip[VTAP_FETCH];
	};
	union {
		/** @first: the descriptors that @head name */
		struct vring_desc first[VTAP_FETCH];
		/** @packed_first: packed: all fetched ones, and a copy ahead */
		struct vring_packed_desc packed_first[2 * VTAP_FETCH];
	};
	union {
		/** @staged: used entries on their way */
		struct vring_used_elem staged[VTAP_FETCH];
		/** @packed_staged: packed: the same, as the ring has them */
		u64 packed_staged[VTAP_FETCH];
	};
	/** @ahead: descriptors behind the first of the last chain of several */
	u16 ahead;
	union {
		/** @table: a window of the table being walked, indirect or @desc */
		struct vring_desc table[VTAP_FETCH];
		/** @packed_table: packed: the same */
		struct vring_packed_desc packed_table[VTAP_FETCH];
	};
};

/**
 * struct vtap_chain - a popped chain as segments of user memory
 * @iov: segments, device-readable first; the caller's array
 * @iov_max: room in @iov, and what the chain may cost; set by the caller, at
 *	most VTAP_CHAIN_MAX
 * @head: names the chain to stage and unpop: the first descriptor; packed:
 *	vtap_packed_head()
 * @nr_out: device-readable segments
 * @nr_in: device-writable segments, behind the readable ones
 * @out_len: bytes in the readable segments; up to 4 TiB by a hostile driver
 * @in_len: bytes in the writable segments
 * @cost: segments, and descriptors without any; what the walk took of @iov_max
 */
struct vtap_chain {
	struct iovec *iov;
	u16 iov_max;
	u32 head;
	u16 nr_out;
	u16 nr_in;
	u16 cost;
	u64 out_len;
	u64 in_len;
};

/**
 * struct vtap_desc - a descriptor in CPU byte order
 * @addr: guest address of its buffer, or of an indirect table
 * @len: bytes of that
 * @flags: VRING_DESC_F_*; packed: AVAIL and USED, too
 * @next: split: the next descriptor of the chain, if @flags has NEXT
 * @id: packed: buffer ID of the chain, in its last descriptor
 */
struct vtap_desc {
	u64 addr;
	u32 len;
	u16 flags;
	union {
		u16 next;
		u16 id;
	};
};

/* The descriptor in a copy of a split ring's. */
static __always_inline struct vtap_desc
vtap_desc_from_split(const struct vring_desc *d)
{
	return (struct vtap_desc){
		.addr = le64_to_cpu((__force __le64)d->addr),
		.len = le32_to_cpu((__force __le32)d->len),
		.flags = le16_to_cpu((__force __le16)d->flags),
		.next = le16_to_cpu((__force __le16)d->next),
	};
}

/* The descriptor in a copy of a packed ring's. */
static __always_inline struct vtap_desc
vtap_desc_from_packed(const struct vring_packed_desc *d)
{
	return (struct vtap_desc){
		.addr = le64_to_cpu(d->addr),
		.len = le32_to_cpu(d->len),
		.flags = le16_to_cpu(d->flags),
		.id = le16_to_cpu(d->id),
	};
}

/*
 * Where a word of a scattered ring is. The caller has checked that @at lies in
 * the area. The guest chooses @at (a descriptor's index), so a CPU that mispredicts
 * that check must not read past @delta either.
 */
static __always_inline void __user *
vtap_ring_scattered_at(const struct vtap_ring_area *area, const void __user *at)
{
	unsigned long iova = (unsigned long)at;
	u64 page = (iova >> VTAP_PAGE_SHIFT) - area->first_page;

	page = array_index_nospec(page, area->nr_pages);
	return (void __user *)(iova + (unsigned long)*(area->delta + page));
}

/* The user address of a word of the descriptor table or packed descriptor ring. */
static __always_inline void __user *
vtap_ring_desc_addr(const struct vtap_ring *r, const void __user *word)
{
	if (unlikely(r->scattered))
		return vtap_ring_scattered_at(&r->scattered->desc, word);
	return (void __user *)word;
}

/* The user address of a word of the driver area. */
static __always_inline void __user *
vtap_ring_avail_addr(const struct vtap_ring *r, const void __user *word)
{
	if (unlikely(r->scattered))
		return vtap_ring_scattered_at(&r->scattered->avail, word);
	return (void __user *)word;
}

/* The user address of a word of the device area. */
static __always_inline void __user *
vtap_ring_used_addr(const struct vtap_ring *r, const void __user *word)
{
	if (unlikely(r->scattered))
		return vtap_ring_scattered_at(&r->scattered->used, word);
	return (void __user *)word;
}

/* fault.c */
int vtap_ring_break(struct vtap_ring *r, enum vtap_fault fault);

/* setup.c */
bool vtap_ring_num_ok(u32 num, bool packed);
bool vtap_ring_aligned(const struct vtap_ring_cfg *cfg);
bool vtap_ring_memory_ok(const struct vtap_ring_cfg *cfg);
struct vtap_ring_size vtap_ring_size(const struct vtap_ring_cfg *cfg);
int vtap_ring_start(struct vtap_ring *r, const struct vtap_ring_cfg *cfg,
		    u32 base);
u32 vtap_ring_base(const struct vtap_ring *r);
int vtap_ring_load(struct vtap_ring *r);
bool vtap_ring_clear_fault(struct vtap_ring *r);
void vtap_ring_refetch(struct vtap_ring *r);
void vtap_ring_relocate(struct vtap_ring *r, const struct vtap_ring_cfg *cfg);
void vtap_ring_unmap(struct vtap_ring *r);

/* ring_map.c */
int vtap_ring_map(struct vtap_ring *r, struct vtap_mem *m,
		  const struct vtap_ring_cfg *cfg);
bool vtap_ring_touches(const struct vtap_ring_cfg *cfg, u64 first, u64 last);

/* log.c */
void vtap_ring_log_used(struct vtap_ring *r, u64 off, u64 len);
void vtap_ring_log_desc(struct vtap_ring *r, u64 off, u64 len);

#endif /* VTAP_RING_RING_H */
