/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ring.h - struct vtap_ring, and the protocol of a virtqueue
 *
 * A split virtqueue (virtio 1.2, section 2.7) has three areas in guest memory:
 *
 *   desc[num]   descriptors: address, length, flags, next
 *   avail       written by the driver: flags, idx, ring[num] of chain heads,
 *               used_event
 *   used        written by the device: flags, idx, ring[num] of (head, length),
 *               avail_event
 *
 * The driver makes descriptor chains available in the avail ring. The device
 * (this code) returns them in the used ring. Both idx fields run freely modulo
 * 2^16. Four ordered accesses synchronize the two sides:
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
 *   Without B we could read heads before the driver writes them. Without D
 *   the driver could read used entries or payload before we write them.
 *
 * For notification suppression each side needs a full barrier (vtap_mb() here)
 * between a store and a load. Otherwise both can miss each other's store, and
 * both sleep:
 *
 *   E  driver: store avail->idx; mb; load avail_event or used->flags
 *      device: store avail_event or used->flags; mb; load avail->idx
 *   F  device: store used->idx; mb; load used_event or avail->flags
 *      driver: store used_event or avail->flags; mb; load used->idx
 *
 * Operations, in the order of a pass:
 *
 *   disable_notify  disable kicks during the pass
 *   pop             take the next chain
 *   pop_run         take several chains of one writable buffer each
 *   discard         return the last n popped chains to the ring, unused
 *   stage           record a used entry, which the driver does not see yet
 *   stage_run       record used entries of several chains
 *   publish         make all staged entries visible (C)
 *   needs_call      decide whether the published entries need a call (F)
 *   empty           test for available chains
 *   has_new         test for chains that were added since the last fetch
 *   enable_notify   enable kicks, then test for new chains again (E)
 *
 * pop takes a whole chain or nothing. After a fault pop_run and stage_run take
 * and record nothing, and the other operations return -EIO, until
 * vtap_ring_start() or vtap_ring_clear_fault(). Only publish and needs_call still
 * complete what was staged before, unless the fault is VTAP_FAULT_RING_ACCESS.
 * VTAP_CHAIN_MAX and VTAP_FETCH bound the work of an operation. A caller that pops
 * several chains for one packet shares VTAP_CHAIN_MAX between them.
 */
#ifndef VTAP_RING_RING_H
#define VTAP_RING_RING_H

#include "dirty.h"
#include "fault.h"
#include "mem.h"

/* Maximum number of entries to fetch, or to stage, at a time. */
#define VTAP_FETCH	64

/* Minimum number of descriptors for which a copy call beats a word loop. */
#define VTAP_RUN_LONG	8

/* Maximum number of descriptors, and of memory segments, in a chain. */
#define VTAP_CHAIN_MAX	1024

/* Maximum of VHOST_SET_VRING_NUM; a split ring's size is a power of two. */
#define VTAP_RING_MAX	32768

/* Buffer directions that the device type allows in the chains of a ring. */
enum vtap_chains {
	VTAP_CHAINS_MIXED,	/* readable buffers, then writable ones */
	VTAP_CHAINS_READABLE,	/* TX */
	VTAP_CHAINS_WRITABLE,	/* RX */
};

/**
 * struct vtap_ring_cfg - settings of the client, copied when the ring starts
 * @num: number of entries, 1 to VTAP_RING_MAX; a power of two unless @packed
 * @desc: user address of the descriptor table, 16 bytes per entry
 * @avail: user address of the driver area, 2-byte aligned
 * @used: user address of the device area, 4-byte aligned
 * @packed: VIRTIO_F_RING_PACKED was negotiated
 * @event_idx: VIRTIO_F_EVENT_IDX was negotiated
 * @call_on_empty: VIRTIO_F_NOTIFY_ON_EMPTY was negotiated
 * @chains: enum vtap_chains, set by the queue and not by the client
 * @iotlb: the three addresses are I/O virtual (VIRTIO_F_ACCESS_PLATFORM)
 * @log: dirty log for writes to the device area, or NULL
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

/* Sizes in bytes. */
struct vtap_ring_size {
	size_t desc;
	size_t avail;
	size_t used;
};

/**
 * struct vtap_ring_area - one area of a ring that is scattered in user memory
 * @first_page: page number of the area's first I/O virtual address
 * @nr_pages: number of entries in @delta
 * @delta: for each page, its user address minus its I/O virtual address
 */
struct vtap_ring_area {
	u64 first_page;
	u64 nr_pages;
	u64 *delta;
};

/**
 * struct vtap_ring_scattered - page addresses of a scattered ring
 * @desc: descriptor table
 * @avail: driver area
 * @used: device area
 * @delta: storage for the delta arrays of the three areas
 *
 * The pointers in struct vtap_ring then hold I/O virtual addresses. Each word
 * must be accessed at the address that vtap_ring_desc_addr(),
 * vtap_ring_avail_addr() or vtap_ring_used_addr() returns.
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
 * A position in a packed ring is an index with the wrap counter in bit 15.
 *
 * Locking: the caller that runs the pass owns the whole structure. Addresses
 * change only between passes. With the IOTLB the addresses are valid only
 * while @mapped is set, so a pass calls vtap_ring_map() before any operation.
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
		/** @driver_event: packed: the driver's setting for calls */
		struct vring_packed_desc_event __user *driver_event;
	};
	union {
		/** @used: device area */
		struct vring_used __user *used;
		/** @device_event: packed: our setting for kicks */
		struct vring_packed_desc_event __user *device_event;
	};
	/** @scattered: page addresses if the ring is not linear, or NULL */
	struct vtap_ring_scattered *scattered;
	/** @log: dirty log for writes to the device area, or NULL */
	struct vtap_dirty *log;
	/** @mapped: the addresses are valid */
	bool mapped;
	/** @loaded: vtap_ring_load() has accessed the device area */
	bool loaded;
	/** @packed: the ring is packed, not split */
	bool packed;
	/** @chains: enum vtap_chains */
	u8 chains;
	/** @num: entries; a power of two if split */
	u16 num;
	/** @event_idx: notifications use event indices instead of flags */
	bool event_idx;
	/** @call_on_empty: call when all available chains were used */
	bool call_on_empty;
	/** @fault: enum vtap_fault; the ring is broken unless it is NONE */
	u8 fault;
	/** @kicks_off: kicks are disabled */
	bool kicks_off;
	/** @kicks_at: packed: a kick is enabled at @kick_at */
	bool kicks_at;
	/** @called_valid: @called is valid */
	bool called_valid;
	/** @called: used index at the last decision on a call */
	u16 called;

	/** @uncalled: packed: descriptors used since, below two laps if valid */
	u32 uncalled;

	/** @last_avail: the next avail entry, or packed descriptor, to pop */
	u16 last_avail;
	/** @avail_idx: the driver's index as last read, validated */
	u16 avail_idx;
	/** @last_used: used->idx, or packed position, as published */
	u16 last_used;
	/** @kick_at: packed: position for which a kick is enabled */
	u16 kick_at;
	/** @stage_max: packed: staging is slow from this @nr_staged on */
	u16 stage_max;
	/** @has_gaps: packed: gaps after other staged entries than the first, see @skip */
	bool has_gaps;
	/** @stage_room: packed: entries from the first staged one to the ring's end */
	int stage_room;
	/** @stage_word: packed: AVAIL and USED bits for the next entry's lap */
	u64 stage_word;
	/** @nr_spilled: staged entries already in the ring, not visible yet */
	u16 nr_spilled;
	/** @nr_staged: number of entries in @staged */
	u16 nr_staged;

	/** @fetch_start: avail position of the first fetched entry */
	u16 fetch_start;
	/** @nr_fetched: number of fetched entries, at most VTAP_FETCH */
	u16 nr_fetched;
	/** @run: packed: @nr_fetched of the last fetch that was not empty */
	u16 run;
	/** @prefetched: packed: available descriptors after the fetch */
	u16 prefetched;
	/** @nr_left: packed: fetched but not popped descriptors, negated */
	long nr_left;
	/** @fetch_end: packed: end of the fetched descriptors */
	const struct vring_packed_desc *fetch_end;
	union {
		/** @head: fetched chain heads in ring format, each below @num */
		u16 head[VTAP_FETCH];
		/** @skip: packed: descriptors after the first of each staged chain */
		u16 skip[VTAP_FETCH];
	};
	union {
		/** @first: the descriptors at @head */
		struct vring_desc first[VTAP_FETCH];
		/** @packed_first: packed: fetched and prefetched descriptors */
		struct vring_packed_desc packed_first[2 * VTAP_FETCH];
	};
	union {
		/** @staged: staged used entries */
		struct vring_used_elem staged[VTAP_FETCH];
		/** @packed_staged: packed: used entries in ring format */
		u64 packed_staged[VTAP_FETCH];
	};
	/** @ahead: descriptors after the first in the last longer chain */
	u16 ahead;
	union {
		/** @table: window of the table being walked */
		struct vring_desc table[VTAP_FETCH];
		/** @packed_table: packed: window of the table being walked */
		struct vring_packed_desc packed_table[VTAP_FETCH];
	};
};

/**
 * struct vtap_chain - a popped chain as segments of user memory
 * @iov: segments, device-readable first; the caller's array
 * @iov_max: room in @iov and limit for @cost, set by the caller
 * @head: index of the first descriptor; packed: vtap_packed_head()
 * @nr_out: number of device-readable segments
 * @nr_in: number of device-writable segments, which follow the readable ones
 * @out_len: bytes in the readable segments; a hostile driver can reach 4 TiB
 * @in_len: bytes in the writable segments
 * @cost: share of @iov_max that the chain took: its segments, plus one for each
 *	descriptor without a segment
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
 * struct vtap_used - a chain to return, in CPU byte order
 * @head: as vtap_chain.head
 * @len: number of bytes written to the chain
 */
struct vtap_used {
	u32 head;
	u32 len;
};

/**
 * struct vtap_run - chains of one writable buffer each, for one packet
 * @iov: the last segment of the packet so far; the caller's array goes on for
 *	@max segments, which are set as needed
 * @used: array for the chains, and the bytes of the packet in each
 * @max: room in @used
 * @nr: number of chains taken
 * @nr_iov: number of segments added; a buffer that follows the one before it in
 *	user memory extends its segment
 * @need: bytes of the packet without a buffer; more than 0 before the operation
 */
struct vtap_run {
	struct iovec *iov;
	struct vtap_used *used;
	u16 max;
	u16 nr;
	u16 nr_iov;
	u32 need;
};

/**
 * struct vtap_desc - a descriptor in CPU byte order
 * @addr: guest address of the buffer or of the indirect table
 * @len: length of the buffer or table in bytes
 * @flags: VRING_DESC_F_*; packed: also AVAIL and USED
 * @next: split: index of the chain's next descriptor, if @flags has NEXT
 * @id: packed: buffer ID of the chain, valid in its last descriptor
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
 * Return the user address of a word in a scattered ring. The caller has checked
 * that @word lies in the area, but a descriptor's index from the guest determines it:
 * array_index_nospec() keeps a mispredicted check from reading past @delta.
 */
static __always_inline void __user *
vtap_ring_scattered_addr(const struct vtap_ring_area *area,
			 const void __user *word)
{
	unsigned long iova = (unsigned long)word;
	u64 page = (iova >> VTAP_PAGE_SHIFT) - area->first_page;

	page = array_index_nospec(page, area->nr_pages);
	return (void __user *)(iova + (unsigned long)*(area->delta + page));
}

/* Return the user address of a word in the ring, for each of its areas. */
static __always_inline void __user *
vtap_ring_desc_addr(const struct vtap_ring *r, const void __user *word)
{
	if (unlikely(r->scattered))
		return vtap_ring_scattered_addr(&r->scattered->desc, word);
	return (void __user *)word;
}

static __always_inline void __user *
vtap_ring_avail_addr(const struct vtap_ring *r, const void __user *word)
{
	if (unlikely(r->scattered))
		return vtap_ring_scattered_addr(&r->scattered->avail, word);
	return (void __user *)word;
}

static __always_inline void __user *
vtap_ring_used_addr(const struct vtap_ring *r, const void __user *word)
{
	if (unlikely(r->scattered))
		return vtap_ring_scattered_addr(&r->scattered->used, word);
	return (void __user *)word;
}

/* fault.c */
int vtap_ring_break(struct vtap_ring *r, enum vtap_fault fault);
int vtap_ring_untranslated(struct vtap_ring *r, int err,
			   enum vtap_fault pieces, enum vtap_fault unmapped);

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
