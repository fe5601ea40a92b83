// SPDX-License-Identifier: GPL-2.0
/* setup.c - start, relocate and stop a ring; not part of the packet path */
#include "event.h"
#include "ring_ops.h"

static void vtap_ring_set_addresses(struct vtap_ring *r,
				    const struct vtap_ring_cfg *cfg)
{
	r->num = cfg->num;
	r->packed = cfg->packed;
	r->desc = (struct vring_desc __user *)(unsigned long)cfg->desc;
	r->avail = (struct vring_avail __user *)(unsigned long)cfg->avail;
	r->used = (struct vring_used __user *)(unsigned long)cfg->used;
	r->event_idx = cfg->event_idx;
	r->call_on_empty = cfg->call_on_empty;
	r->chains = cfg->chains;
	r->log = cfg->log;
	r->mapped = !cfg->iotlb;
}

/**
 * vtap_ring_num_ok - check the size of a ring
 * @num: number of entries
 * @packed: the ring is packed; the size of a split ring is a power of two
 *
 * Return: true if the size is valid.
 */
bool vtap_ring_num_ok(u32 num, bool packed)
{
	return num && num <= VTAP_RING_MAX && (packed || is_power_of_2(num));
}

/**
 * vtap_ring_aligned - check the alignment of a packed ring
 * @cfg: settings of the client
 *
 * The rule is in virtio 1.2, 2.8.10.1. The alignment that both formats need is
 * checked when the client sets the addresses, maybe before the format is known.
 *
 * Return: true if the ring is aligned or split.
 */
bool vtap_ring_aligned(const struct vtap_ring_cfg *cfg)
{
	return !cfg->packed ||
	       (IS_ALIGNED(cfg->desc, sizeof(struct vring_packed_desc)) &&
		IS_ALIGNED(cfg->avail, sizeof(struct vring_packed_desc_event)));
}

/**
 * vtap_ring_memory_ok - check that the three areas lie in user address space
 * @cfg: settings of the client; @num is valid
 *
 * Return: true if the addresses are valid. The memory may still be unmapped, and
 * I/O virtual addresses are checked when they are translated.
 */
bool vtap_ring_memory_ok(const struct vtap_ring_cfg *cfg)
{
	struct vtap_ring_size s = vtap_ring_size(cfg);

	if (cfg->iotlb)
		return true;
	return vtap_user_range_ok(cfg->desc, s.desc) &&
	       vtap_user_range_ok(cfg->avail, s.avail) &&
	       vtap_user_range_ok(cfg->used, s.used);
}

/**
 * vtap_ring_size - return the sizes of the areas
 * @cfg: settings of the client; @num is valid
 *
 * Return: sizes in bytes.
 */
struct vtap_ring_size vtap_ring_size(const struct vtap_ring_cfg *cfg)
{
	const size_t n = cfg->num, desc = n * sizeof(struct vring_desc);
	const size_t event = sizeof(struct vring_packed_desc_event);

	if (cfg->packed)
		return (struct vtap_ring_size){ desc, event, event };
	return (struct vtap_ring_size){
		desc, vtap_split_avail_bytes(n, cfg->event_idx),
		vtap_split_used_bytes(n, cfg->event_idx),
	};
}

static void vtap_ring_reset_fault(struct vtap_ring *r)
{
	r->fault = VTAP_FAULT_NONE;
	vtap_packed_set_max(r);
}

/**
 * vtap_ring_refetch - discard fetched descriptors that were not popped
 * @r: ring
 *
 * A driver may change a chain that was discarded, for example enlarge a buffer.
 * The next pop then sees the change.
 */
void vtap_ring_refetch(struct vtap_ring *r)
{
	r->nr_fetched = 0;
	r->nr_left = 0;
	r->prefetched = 0;
}

static int vtap_split_load(struct vtap_ring *r)
{
	u16 __user *flags = (u16 __user *)&r->used->flags;
	u16 __user *idx_at = (u16 __user *)&r->used->idx;
	u16 __user *to = vtap_ring_used_addr(r, flags);
	u16 idx;

	if (!user_write_access_begin(to, sizeof(*to)))
		return -EFAULT;
	unsafe_put_user((u16)0, to, fault_in_window);
	user_write_access_end();
	vtap_split_log_word(r, flags);

	if (vtap_ring_get16(r, vtap_ring_used_addr(r, idx_at), &idx)) {
		vtap_ring_reset_fault(r);
		return -EFAULT;
	}
	r->last_used = idx;
	r->called = idx;
	r->loaded = true;
	return 0;

fault_in_window:
	user_write_access_end();
	return -EFAULT;
}

/**
 * vtap_ring_load - access the memory of a ring for the first time
 * @r: ring, mapped
 *
 * Enables kicks, and reads the used index of a split ring, at which an earlier
 * device stopped.
 *
 * Context: process context with the owner's address space; may fault.
 * Return: 0, or -EFAULT if the device area cannot be accessed.
 */
int vtap_ring_load(struct vtap_ring *r)
{
	int err;

	if (!r->packed)
		return vtap_split_load(r);
	err = vtap_packed_write_event(r, -1, VRING_PACKED_EVENT_FLAG_ENABLE);
	if (err) {
		vtap_ring_reset_fault(r);
		return -EFAULT;
	}
	r->loaded = true;
	return 0;
}

/*
 * Set the positions of VHOST_SET_VRING_BASE. The next available and the next
 * used descriptor each have an index and a wrap counter. DPDK's virtio-user
 * sets only the wrap counter of the first lap: both start at index 0.
 */
static int vtap_packed_start(struct vtap_ring *r, u32 base)
{
	u16 used = base >> 16;

	if (base == VTAP_PACKED_WRAP)
		used = base;
	if (vtap_packed_idx(base) >= r->num || vtap_packed_idx(used) >= r->num)
		return -EINVAL;
	vtap_packed_stage_from(r, used);
	r->called = used;
	return 0;
}

/**
 * vtap_ring_start - start a ring
 * @r: ring, stopped; a fault is cleared
 * @cfg: settings, checked with vtap_ring_memory_ok()
 * @base: next avail position (VHOST_SET_VRING_BASE); for a packed ring also the
 *	next used position, in the upper 16 bits
 *
 * With the IOTLB the first vtap_ring_map() accesses the memory of the ring.
 *
 * Context: process context with the owner's address space; may fault.
 * Return: 0; -EFAULT if the device area cannot be accessed; -EINVAL if the
 * size, the alignment or the position is invalid for the format.
 */
int vtap_ring_start(struct vtap_ring *r, const struct vtap_ring_cfg *cfg,
		    u32 base)
{
	if (!vtap_ring_num_ok(cfg->num, cfg->packed) || !vtap_ring_aligned(cfg))
		return -EINVAL;
	memset(r, 0, sizeof(*r));
	vtap_ring_set_addresses(r, cfg);
	r->last_avail = base;
	r->avail_idx = base;
	r->fetch_start = base;
	if (r->packed && vtap_packed_start(r, base))
		return -EINVAL;
	return r->mapped ? vtap_ring_load(r) : 0;
}

/**
 * vtap_ring_base - return the position of a ring for VHOST_GET_VRING_BASE
 * @r: ring, between passes
 *
 * Return: the @base with which vtap_ring_start() continues.
 */
u32 vtap_ring_base(const struct vtap_ring *r)
{
	return r->last_avail | (r->packed ? (u32)r->last_used << 16 : 0);
}

/**
 * vtap_ring_clear_fault - clear the fault of a broken ring for a retry
 * @r: ring, between passes
 *
 * Called when memory or an address has changed, or after a kick of a driver that may
 * have repaired the ring. A fault consumes no chain, so the ring fetches the chain at
 * fault again. Used entries that could not be written are still staged.
 *
 * Return: true if the ring was broken.
 */
bool vtap_ring_clear_fault(struct vtap_ring *r)
{
	if (!r->fault)
		return false;
	vtap_ring_reset_fault(r);
	vtap_ring_refetch(r);
	/* The memory may differ: discard what was derived from the old one. */
	r->called_valid = false;
	r->kicks_off = false;
	r->kicks_at = false;
	return true;
}

/**
 * vtap_ring_unmap - discard the translated addresses of a ring
 * @r: ring, between passes; stopped, or mapped again by vtap_ring_map()
 */
void vtap_ring_unmap(struct vtap_ring *r)
{
	kvfree(r->scattered);
	r->scattered = NULL;
	r->mapped = false;
}

/**
 * vtap_ring_relocate - set new addresses or features of a running ring
 * @r: ring, between passes, with nothing staged
 * @cfg: settings, checked with vtap_ring_memory_ok(); @num is unchanged
 *
 * QEMU does this when it switches logging for a migration. The indices stay, fetched
 * descriptors are discarded, and the next decision on a call is to call. If the ring
 * was never loaded, vtap_ring_map() loads it, also without the IOTLB.
 */
void vtap_ring_relocate(struct vtap_ring *r, const struct vtap_ring_cfg *cfg)
{
	vtap_ring_unmap(r);
	vtap_ring_set_addresses(r, cfg);
	vtap_ring_refetch(r);
	r->called_valid = false;
	r->kicks_off = false;
	r->kicks_at = false;
}
