/* SPDX-License-Identifier: GPL-2.0 */
/*
 * guest_ring.h - the ring of ring_fuzz.c, plain or behind an IOMMU
 */
#ifndef VTAP_FUZZ_GUEST_RING_H
#define VTAP_FUZZ_GUEST_RING_H

#include "iommu.h"
#include "fuzz.h"
#include "ops.h"

#define MAX_LOG2	8
#define MAX_NUM		(1 << MAX_LOG2)
#define MAX_BUFS	8
#define TABLE_MAX	MAX_BUFS
/* A pass is bounded: pop at most this many chains before the next publish. */
#define MAX_OUT		300

/* An added chain, to compare with the popped one. */
struct added {
	u16 nr_bufs;
	u64 len[2];
};

struct guest_ring {
	/* The driver of the plain ring or of the one behind the IOMMU. */
	struct drv *d;
	struct vtap_ring_cfg *cfg;
	struct vtap_ring *r;
	struct vtap_mem *m;
	struct vtap_chain *c;
	struct iovec *iov;
	struct fuzz_ring plain;	/* without an IOMMU */
	struct iommu *iommu;
	u64 ram;		/* guest address of the buffers */
	struct input in;
	bool may_miss;		/* the log, after a failed access */
	bool elsewhere;		/* the client may have moved a ring page */
	bool honest;
	bool may_fail;		/* an access fails by request */
	bool only_failed;	/* only that: honest again after a retry */

	struct added added[MAX_NUM];
	u32 nr_added, nr_popped, nr_used, nr_taken;

	/* Chains popped but not staged; staged but not published. */
	u32 out[MAX_OUT];
	u32 nr_out, nr_staged;
	struct vring_used_elem staged[MAX_OUT];
	bool may_unpop;

	bool device_sleeps;
	bool driver_sleeps;
	bool decided;		/* the device has decided on a call before */
	u16 decided_at;		/* used idx at that decision */
};

static inline void start_plain(struct guest_ring *w, u16 num, u8 flags, u16 start)
{
	struct fuzz_ring *p = &w->plain;

	fuzz_ring_init(p, fuzz_ram(), num, flags & OPS_F_PACKED, flags & OPS_F_EVENT_IDX,
		       start);
	drv_alloc_tables(&p->d, TABLE_MAX);
	w->ram = FUZZ_RAM;
	w->d = &p->d;
	w->cfg = &p->cfg;
	w->r = &p->r;
	w->m = &p->m;
	w->c = &p->c;
	w->iov = p->iov;
}

static inline void start_iommu(struct guest_ring *w, u16 num, u8 flags, u16 start)
{
	const u64 skew = start % 8 * 4;
	struct iommu_shape s = {
		.kind = flags & OPS_F_PAGES ? IOMMU_IOTLB_PAGES :
					      IOMMU_IOTLB_LINEAR,
		.num = num, .event_idx = flags & OPS_F_EVENT_IDX,
		.packed = flags & OPS_F_PACKED,
		.start = start, .seed = start, .log = flags & OPS_F_LOG,
		.place = { 0x100f80, 0x110ff0 + (skew & ~1ull),
			   0x120fe0 + skew },
	};

	if (s.packed)
		s.place.avail &= ~3ull;

	w->iommu = iommu_new(&s);
	iommu_watch(w->iommu);
	w->ram = IOMMU_RAM;
	w->d = &w->iommu->d;
	w->cfg = &w->iommu->cfg;
	w->r = &w->iommu->r;
	w->m = &w->iommu->m;
	w->c = &w->iommu->c;
	w->iov = w->iommu->iov;
}

static inline void guest_ring_start(struct guest_ring *w)
{
	u8 size = in8(&w->in), flags = in8(&w->in);
	u16 start = in16(&w->in), num = 1 << size % (MAX_LOG2 + 1);
	u32 base = start;

	if (flags & OPS_F_PACKED) {
		num = size + 1;
		start = (start & 0x8000) | (start & 0x7fff) % num;
		base = start | (u32)start << 16;
	}
	if (flags & OPS_F_IOMMU)
		start_iommu(w, num, flags, start);
	else
		start_plain(w, num, flags, start);
	w->cfg->call_on_empty = flags & OPS_F_CALL_ON_EMPTY;
	shim_assert(vtap_ring_memory_ok(w->cfg));
	shim_assert(!vtap_ring_start(w->r, w->cfg, base));
	w->honest = true;
}

static inline void guest_ring_stop(struct guest_ring *w)
{
	if (w->iommu) {
		iommu_free(w->iommu);
		return;
	}
	drv_exit(w->d);
	gmem_free(&w->plain.rings);
}

#endif /* VTAP_FUZZ_GUEST_RING_H */
