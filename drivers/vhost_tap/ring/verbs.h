/* SPDX-License-Identifier: GPL-2.0 */
/*
 * verbs.h - the ring verbs, whatever the format
 *
 * Read before: split.h, packed.h. Read next: ../tx.c, ../rx.c.
 *
 * Callers that are compiled once for each format give a constant and get that
 * format's verb inline; others give r->packed and get a branch, never an
 * indirect call.
 */
#ifndef VTAP_RING_VERBS_H
#define VTAP_RING_VERBS_H

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

/* The same where most chains are one descriptor each. */
static __always_inline int vtap_ring_pop_plain(struct vtap_ring *r,
					       struct vtap_mem *m,
					       struct vtap_chain *c,
					       const bool packed)
{
	return packed ? vtap_packed_pop(r, m, c, true) :
			vtap_split_pop_as(r, m, c, true);
}

static __always_inline void vtap_ring_unpop(struct vtap_ring *r,
					    const u32 *heads, u16 nr_chains,
					    const bool packed)
{
	if (packed)
		vtap_packed_unpop(r, heads, nr_chains);
	else
		vtap_split_unpop(r, nr_chains);
}

static __always_inline int vtap_ring_stage(struct vtap_ring *r, u32 head,
					   u32 len, const bool packed)
{
	return packed ? vtap_packed_stage(r, head, len) :
			vtap_split_stage(r, head, len);
}

/* The verbs of which a batch needs one: @packed is mostly r->packed. */
#define VTAP_RING_VERB(name)						\
static __always_inline int vtap_ring_##name(struct vtap_ring *r,	\
					    const bool packed)		\
{									\
	return packed ? vtap_packed_##name(r) : vtap_split_##name(r);	\
}

VTAP_RING_VERB(publish)
VTAP_RING_VERB(must_call)
VTAP_RING_VERB(empty)
VTAP_RING_VERB(has_news)
VTAP_RING_VERB(kick_off)
VTAP_RING_VERB(kick_on)
#undef VTAP_RING_VERB

#endif /* VTAP_RING_VERBS_H */
