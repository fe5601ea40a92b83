// SPDX-License-Identifier: GPL-2.0
/*
 * chain.c - walk chains of several descriptors and indirect tables
 *
 * A walk copies a table to a window in struct vtap_ring, one part at a time.
 */
#include "chain.h"

/*
 * The caller has compared @i, which the guest chooses, with the window's length.
 * The mask also bounds it on a CPU that mispredicts the comparison.
 */
static __always_inline struct vtap_desc
vtap_chain_entry(const struct vtap_ring *r, u32 i, const bool packed)
{
	i &= ARRAY_SIZE(r->table) - 1;
	return packed ? vtap_desc_from_packed(&r->packed_table[i]) :
			vtap_desc_from_split(&r->table[i]);
}

/*
 * Convert a translation error of a buffer to an error of its chain. If several
 * chains share a segment array (mergeable RX), a full one is not a guest fault.
 */
__cold int vtap_chain_unmapped(struct vtap_ring *r, u16 iov_max, int err)
{
	if (err == -ENOBUFS && iov_max < VTAP_CHAIN_MAX)
		return -ENOBUFS;
	return vtap_ring_untranslated(r, err, VTAP_FAULT_CHAIN_SEGMENTS,
				      VTAP_FAULT_UNMAPPED);
}

/*
 * Return true if the device may write the buffer of an indirect table's entry.
 * In a packed ring that allows one direction only, the flag is ignored: DPDK
 * sets WRITE on the header's entry even in tables that are only read.
 */
static __always_inline bool vtap_chain_table_in(const struct vtap_ring *r,
						u16 flags, const bool packed)
{
	if (!packed || r->chains == VTAP_CHAINS_MIXED)
		return flags & VRING_DESC_F_WRITE;
	return r->chains == VTAP_CHAINS_WRITABLE;
}

/*
 * Walk an indirect table (virtio 1.2, 2.7.5.3 and 2.8.8), which ends the chain
 * that refers to it. Drivers fill tables in order, so the walk copies a window
 * of entries at a time. A hostile driver can point next anywhere, so each jump
 * out of order starts again with a window of one entry. All entries of a packed
 * ring's table belong to the chain. @seen counts the chain's earlier descriptors.
 */
static __always_inline int vtap_chain_table(struct vtap_ring *r,
					    struct vtap_mem *m,
					    struct vtap_chain *c,
					    struct vtap_desc table,
					    u16 seen, const bool packed)
{
	const u32 size = sizeof(*r->table);
	u64 gpa = table.addr;
	u32 len = table.len, count = len / size;
	u32 win = 0, nr_win = 0, i = 0, found = 0, in_order_at = 0;
	u32 run = ARRAY_SIZE(r->table);

	if (!count || len % size)
		return vtap_ring_break(r, VTAP_FAULT_INDIRECT_LEN);
	if (count > 1 << 16)		/* next has 16 bits */
		return vtap_ring_break(r, VTAP_FAULT_INDIRECT_BIG);
	if (gpa > U64_MAX - len)
		return vtap_ring_break(r, VTAP_FAULT_INDIRECT_ACCESS);

	for (;;) {
		struct vtap_desc d;
		int err;

		if (++found > count)
			return vtap_ring_break(r, VTAP_FAULT_CHAIN_LOOP);
		if (seen + found > VTAP_CHAIN_MAX)
			return vtap_ring_break(r, VTAP_FAULT_CHAIN_LONG);

		if (i - win >= nr_win) {	/* also if i < win */
			if (i != in_order_at)
				run = 1;
			win = i;
			nr_win = min3(run, count - i,
				      (u32)ARRAY_SIZE(r->table));
			run = 2 * nr_win;
			in_order_at = win + nr_win;
			err = vtap_mem_read(m, r->table, gpa + (u64)win * size,
					    nr_win * size);
			if (err)
				return vtap_ring_untranslated(r, err,
						VTAP_FAULT_INDIRECT_ACCESS,
						VTAP_FAULT_INDIRECT_ACCESS);
		}
		d = vtap_chain_entry(r, i - win, packed);
		if (d.flags & VRING_DESC_F_INDIRECT)
			return vtap_ring_break(r, VTAP_FAULT_INDIRECT_NESTED);
		err = vtap_chain_add_as(r, m, c, d,
					vtap_chain_table_in(r, d.flags, packed));
		if (err)
			return err;
		if (packed) {
			if (++i == count)
				return 0;
			continue;
		}
		if (!(d.flags & VRING_DESC_F_NEXT))
			return 0;
		i = d.next;
		if (i >= count)
			return vtap_ring_break(r, VTAP_FAULT_NEXT_RANGE);
	}
}

int vtap_chain_indirect(struct vtap_ring *r, struct vtap_mem *m,
			struct vtap_chain *c, struct vtap_desc table, u16 seen)
{
	return vtap_chain_table(r, m, c, table, seen, false);
}

int vtap_chain_indirect_packed(struct vtap_ring *r, struct vtap_mem *m,
			       struct vtap_chain *c, struct vtap_desc table)
{
	return vtap_chain_table(r, m, c, table, 0, true);
}

/* vtap_chain_fetch() for a scattered ring: one descriptor. */
static noinline int vtap_chain_fetch_scattered(struct vtap_ring *r, u16 i)
{
	u64 __user *from = (u64 __user *)(r->desc + i);
	u64 __user *from2 =
		vtap_ring_scattered_addr(&r->scattered->desc, from + 1);
	u64 *to = (u64 *)r->table;

	BUILD_BUG_ON(sizeof(*r->table) != 2 * sizeof(u64));
	from = vtap_ring_scattered_addr(&r->scattered->desc, from);
	if (!user_read_access_begin(from, sizeof(*from)))
		goto fault;
	unsafe_get_user(to[0], from, fault_in_window);
	unsafe_get_user(to[1], from2, fault_in_window);
	user_read_access_end();
	return 1;

fault_in_window:
	user_read_access_end();
fault:
	return vtap_ring_break(r, VTAP_FAULT_RING_ACCESS);
}

/*
 * Copy up to @n descriptors of the ring's table, from @i < num on, to the
 * window. The end of the window or of the table may shorten the copy.
 * Return: number of descriptors copied, or -EIO if the ring is broken.
 */
int vtap_chain_fetch(struct vtap_ring *r, u16 i, u16 n)
{
	const struct vring_desc __user *from = r->desc + i;

	if (unlikely(r->scattered))
		return vtap_chain_fetch_scattered(r, i);
	n = min_t(u16, min_t(u16, n, ARRAY_SIZE(r->table)), r->num - i);
	if (!user_read_access_begin(from, n * sizeof(*from)))
		goto fault;
	vtap_copy_ahead(r->table, from, sizeof(*from), n * sizeof(*from),
			fault_in_window);
	user_read_access_end();
	return n;

fault_in_window:
	user_read_access_end();
fault:
	return vtap_ring_break(r, VTAP_FAULT_RING_ACCESS);
}

/*
 * Walk a chain that is not a single plain descriptor; @d is its first one. The
 * first window has as many descriptors as the last chain, because chains tend
 * to be alike. A jump out of order starts again with a window of one. Each
 * further window doubles, so the walk copies at most about twice what it uses.
 */
int vtap_chain_walk(struct vtap_ring *r, struct vtap_mem *m,
		    struct vtap_chain *c, struct vtap_desc d)
{
	u16 found = 0, win = 0, in_order_at = c->head + 1;
	u16 run = max_t(u16, r->ahead, 1);
	int nr_win = 0;

	for (;;) {
		u16 next;
		int err;

		if (++found > r->num)
			return vtap_ring_break(r, VTAP_FAULT_CHAIN_LOOP);
		if (found > VTAP_CHAIN_MAX)
			return vtap_ring_break(r, VTAP_FAULT_CHAIN_LONG);
		if (d.flags & VRING_DESC_F_INDIRECT) {
			/* virtio 1.2, 2.7.5.3.1: never both */
			if (d.flags & VRING_DESC_F_NEXT)
				return vtap_ring_break(r,
						VTAP_FAULT_INDIRECT_NEXT);
			return vtap_chain_indirect(r, m, c, d, found - 1);
		}
		err = vtap_chain_add(r, m, c, d);
		if (err)
			return err;
		if (!(d.flags & VRING_DESC_F_NEXT))
			break;
		next = d.next;
		if (next >= r->num)
			return vtap_ring_break(r, VTAP_FAULT_NEXT_RANGE);
		if (next - win >= nr_win || next < win) {
			if (next != in_order_at)
				run = 1;
			nr_win = vtap_chain_fetch(r, next, run);
			if (nr_win < 0)
				return nr_win;
			run = 2 * nr_win;
			win = next;
			in_order_at = win + nr_win;
		}
		d = vtap_chain_entry(r, next - win, false);
	}
	r->ahead = found - 1;
	return 0;
}
