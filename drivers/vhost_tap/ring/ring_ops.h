/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ring_ops.h - ring operations for both formats
 *
 * A caller that is compiled once per format passes a constant @packed, so the
 * operation is inlined. Other callers pass r->packed, which costs a branch.
 */
#ifndef VTAP_RING_OPS_H
#define VTAP_RING_OPS_H

#include "packed.h"
#include "split.h"

static __always_inline int vtap_ring_pop(struct vtap_ring *r,
					 struct vtap_mem *m,
					 struct vtap_chain *c,
					 const bool packed)
{
	return packed ? vtap_packed_pop(r, m, c, false) :
			vtap_split_pop(r, m, c);
}

/* vtap_ring_pop(), optimized for chains of one descriptor. */
static __always_inline int vtap_ring_pop_plain(struct vtap_ring *r,
					       struct vtap_mem *m,
					       struct vtap_chain *c,
					       const bool packed)
{
	return packed ? vtap_packed_pop(r, m, c, true) :
			vtap_split_pop_as(r, m, c, true);
}

static __always_inline void vtap_ring_discard(struct vtap_ring *r,
					      const u32 *heads, u16 nr_chains,
					      const bool packed)
{
	if (packed)
		vtap_packed_discard(r, heads, nr_chains);
	else
		vtap_split_discard(r, nr_chains);
}

static __always_inline int vtap_ring_stage(struct vtap_ring *r, u32 head,
					   u32 len, const bool packed)
{
	return packed ? vtap_packed_stage(r, head, len) :
			vtap_split_stage(r, head, len);
}

/* ---- operations for several chains: a branch and a call ---- */
static __always_inline void vtap_ring_pop_run(struct vtap_ring *r,
					      const struct vtap_mem *m,
					      struct vtap_run *run,
					      const bool packed)
{
	if (packed)
		vtap_packed_pop_run(r, m, run);
	else
		vtap_split_pop_run(r, m, run);
}

static __always_inline u16 vtap_ring_stage_run(struct vtap_ring *r,
					       const struct vtap_used *used,
					       u16 nr, const bool packed)
{
	return packed ? vtap_packed_stage_run(r, used, nr) :
			vtap_split_stage_run(r, used, nr);
}

static __always_inline int vtap_ring_publish(struct vtap_ring *r,
					     const bool packed)
{
	return packed ? vtap_packed_publish(r) : vtap_split_publish(r);
}

static __always_inline int vtap_ring_needs_call(struct vtap_ring *r,
						const bool packed)
{
	return packed ? vtap_packed_needs_call(r) : vtap_split_needs_call(r);
}

static __always_inline int vtap_ring_empty(struct vtap_ring *r,
					   const bool packed)
{
	return packed ? vtap_packed_empty(r) : vtap_split_empty(r);
}

static __always_inline int vtap_ring_has_new(struct vtap_ring *r,
					     const bool packed)
{
	return packed ? vtap_packed_has_new(r) : vtap_split_has_new(r);
}

static __always_inline int vtap_ring_disable_notify(struct vtap_ring *r,
						    const bool packed)
{
	return packed ? vtap_packed_disable_notify(r) :
			vtap_split_disable_notify(r);
}

static __always_inline int vtap_ring_enable_notify(struct vtap_ring *r,
						   const bool packed)
{
	return packed ? vtap_packed_enable_notify(r) :
			vtap_split_enable_notify(r);
}

#endif /* VTAP_RING_OPS_H */
