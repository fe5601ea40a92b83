// SPDX-License-Identifier: GPL-2.0
/*
 * setup.c - start a ring and move it; never on the packet path
 *
 * Read before: ring.h, ring_ops.h.
 */
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
 * vtap_ring_num_ok - can a ring have this size?
 * @num: entries
 * @packed: the format; a split ring's size is a power of two
 *
 * Return: true if so.
 */
bool vtap_ring_num_ok(u32 num, bool packed)
{
	return num && num <= VTAP_RING_MAX && (packed || is_power_of_2(num));
}

/**
 * vtap_ring_aligned - is a packed ring aligned as it should be?
 * @cfg: what the client set
 *
 * virtio 1.2, 2.8.10.1. What all rings need is checked where the addresses come
 * in; the format may be known later.
 *
 * Return: true if so, or if the ring is split.
 */
bool vtap_ring_aligned(const struct vtap_ring_cfg *cfg)
{
	return !cfg->packed ||
	       (IS_ALIGNED(cfg->desc, sizeof(struct vring_packed_desc)) &&
		IS_ALIGNED(cfg->avail, sizeof(struct vring_packed_desc_event)));
}

/**
 * vtap_ring_memory_ok - do all three areas lie in the user address space?
 * @cfg: what the client set; num valid
 *
 * A range check and no access: the memory may still be unmapped. I/O virtual
 * addresses are looked at when they are translated.
 *
 * Return: true if so.
 */
bool vtap_ring_memory_ok(const struct vtap_ring_cfg *cfg)
{
	struct vtap_ring_size s = vtap_ring_size(cfg);

	if (cfg->iotlb)
		return true;
	return access_ok((void __user *)(unsigned long)cfg->desc, s.desc) &&
	       access_ok((void __user *)(unsigned long)cfg->avail, s.avail) &&
	       access_ok((void __user *)(unsigned long)cfg->used, s.used);
}

/**
 * vtap_ring_size - how long the areas are
 * @cfg: what the client set; num valid
 *
 * Return: bytes of each.
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
 * vtap_ring_refetch - read descriptors again that were read ahead
 * @r: ring; what was popped stays popped
 *
 * A driver may still change a chain that it has made available, if the device has
 * not taken it: by enlarging a buffer in place, for example. Called where a chain is
 * given back and looked at again later.
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
 * vtap_ring_load - first contact with the ring's memory
 * @r: ring, mapped
 *
 * Asks for kicks. A split ring's used index is read back: it is the driver's
 * record of what was used and survives a change of the device underneath. A
 * packed ring has no such record.
 *
 * Context: process context of the owner, may fault.
 * Return: 0, or -EFAULT when the device area cannot be written or read.
 */
int vtap_ring_load(struct vtap_ring *r)
{
	int err;

	if (!r->packed)
		return vtap_split_load(r);
	err = vtap_packed_put_event(r, -1, VRING_PACKED_EVENT_FLAG_ENABLE);
	if (err) {
		vtap_ring_reset_fault(r);
		return -EFAULT;
	}
	r->loaded = true;
	return 0;
}

/*
 * Positions of VHOST_SET_VRING_BASE: what comes next and what is used next,
 * index and wrap counter of each. Who sends nothing but the wrap counter of a
 * first lap means that both are at its start (DPDK's virtio-user does).
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
 * vtap_ring_start - take a ring into service
 * @r: ring, stopped; a fault is forgotten
 * @cfg: checked with vtap_ring_memory_ok()
 * @base: the avail position to go on from (VHOST_SET_VRING_BASE); of a packed
 *	ring also the used position, in the high half
 *
 * With the IOTLB the ring's memory is met at the first vtap_ring_map().
 *
 * Context: process context of the owner, may fault.
 * Return: 0, -EFAULT when the device area cannot be written or read, -EINVAL
 * for a size, alignment or position that this format does not have.
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
 * vtap_ring_base - where the ring stands, for VHOST_GET_VRING_BASE
 * @r: ring, between passes
 *
 * Return: what vtap_ring_start() goes on from.
 */
u32 vtap_ring_base(const struct vtap_ring *r)
{
	return r->last_avail | (r->packed ? (u32)r->last_used << 16 : 0);
}

/**
 * vtap_ring_clear_fault - give a broken ring another try
 * @r: ring, between passes
 *
 * For a caller with a reason to hope: memory or an address has changed, or the
 * driver kicked and may have repaired what was wrong. A fault consumes no chain, so
 * the ring goes on with the one that met it and reads it again from the guest. Used
 * entries that could not be written are still staged; the next publish writes them.
 *
 * Return: true if the ring was broken.
 */
bool vtap_ring_clear_fault(struct vtap_ring *r)
{
	if (!r->fault)
		return false;
	vtap_ring_reset_fault(r);
	vtap_ring_refetch(r);
	/* The memory may be other memory: write and decide without a history. */
	r->called_valid = false;
	r->kicks_off = false;
	r->kicks_at = false;
	return true;
}

/**
 * vtap_ring_unmap - forget where the ring is
 * @r: ring, between passes: it stops, or vtap_ring_map() finds it again
 */
void vtap_ring_unmap(struct vtap_ring *r)
{
	kvfree(r->scattered);
	r->scattered = NULL;
	r->mapped = false;
}

/**
 * vtap_ring_relocate - new addresses or features for a running ring
 * @r: ring, between passes: nothing staged
 * @cfg: checked with vtap_ring_memory_ok(); num as before
 *
 * QEMU re-sends the addresses when migration starts and the features when
 * logging is switched. Indices go on; what was fetched from the old place is
 * forgotten, and the next decision on a call is "call". A ring that was not
 * met yet may be met without IOTLB now: vtap_ring_map() does it.
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
