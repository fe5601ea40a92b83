/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vhost_model.h - how in-tree vhost-net accesses a split ring, to compare ring/ with
 *
 * Only the accesses to the ring and their order are those of Linux 6.12. Checks, locks and
 * translation are left out, so the time of an access counts, not that of the code. Buffers are
 * chains of one descriptor. As handle_tx_copy() does, 64 used entries are written at a time.
 */
#ifndef VTAP_TEST_VHOST_MODEL_H
#define VTAP_TEST_VHOST_MODEL_H

#include "driver.h"

#define VHOST_MODEL_BATCH	64

/**
 * struct vhost_model - a virtqueue of in-tree vhost-net
 * @avail_idx: the driver's index, as last read
 * @last_avail: number of chains taken
 * @last_used: number of used entries written
 * @signalled_used: @last_used at the last decision about a call
 * @used_flags: flags of the used ring, as last written
 * @heads: chains taken and not written as used
 */
struct vhost_model {
	struct drv *ring;
	bool event_idx;
	u16 avail_idx;
	u16 last_avail;
	u16 last_used;
	u16 signalled_used;
	u16 used_flags;
	u16 nr_heads;
	u16 heads[VHOST_MODEL_BATCH];
	struct drv_desc desc;
};

static inline u16 vhost_model_load(const u16 *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static inline void vhost_model_store(u16 *word, u16 value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

/* vhost_get_vq_desc(): the index if none is known, an entry, a descriptor. */
static inline bool vhost_model_pop(struct vhost_model *v)
{
	const struct drv *d = v->ring;
	u16 head;

	if (v->avail_idx == v->last_avail) {
		v->avail_idx = vhost_model_load(&d->avail->idx);
		if (v->avail_idx == v->last_avail)
			return false;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	}
	head = vhost_model_load(&d->avail->ring[v->last_avail & (d->num - 1)]);
	memcpy(&v->desc, &d->desc[head & (d->num - 1)], sizeof(v->desc));
	barrier();
	v->last_avail++;
	v->heads[v->nr_heads++] = head;
	return true;
}

/* vhost_add_used_and_signal_n(): return whether the guest needs a call. */
static inline bool vhost_model_use(struct vhost_model *v)
{
	const struct drv *d = v->ring;
	u16 i, old, event;

	for (i = 0; i < v->nr_heads; i++) {
		d->used->ring[(u16)(v->last_used + i) & (d->num - 1)] =
			(struct drv_used_elem){ v->heads[i], 0 };
	}
	__atomic_thread_fence(__ATOMIC_RELEASE);
	v->last_used += v->nr_heads;
	v->nr_heads = 0;
	vhost_model_store(&d->used->idx, v->last_used);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!v->event_idx)
		return !(vhost_model_load(&d->avail->flags) & VRING_AVAIL_F_NO_INTERRUPT);
	old = v->signalled_used;
	v->signalled_used = v->last_used;
	event = vhost_model_load(&d->avail->ring[d->num]);
	return (u16)(v->last_used - event - 1) < (u16)(v->last_used - old);
}

/* vhost_disable_notify() */
static inline void vhost_model_disable_notify(struct vhost_model *v)
{
	if (v->used_flags & VRING_USED_F_NO_NOTIFY)
		return;
	v->used_flags |= VRING_USED_F_NO_NOTIFY;
	if (!v->event_idx)
		vhost_model_store(&v->ring->used->flags, v->used_flags);
}

/* vhost_enable_notify(): return whether a chain has arrived. */
static inline bool vhost_model_enable_notify(struct vhost_model *v)
{
	const struct drv *d = v->ring;

	if (!(v->used_flags & VRING_USED_F_NO_NOTIFY))
		return false;
	v->used_flags &= ~VRING_USED_F_NO_NOTIFY;
	if (v->event_idx)
		vhost_model_store((u16 *)&d->used->ring[d->num], v->avail_idx);
	else
		vhost_model_store(&d->used->flags, v->used_flags);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	v->avail_idx = vhost_model_load(&d->avail->idx);
	return v->avail_idx != v->last_avail;
}

#endif /* VTAP_TEST_VHOST_MODEL_H */
