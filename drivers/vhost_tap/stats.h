/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stats.h - counters of a queue
 *
 * debugfs and Documentation/uapi.rst follow one list. New counters go to its end,
 * because netlink numbers its attributes in this order. Each counter has one
 * writer: for C the pass, under the queue's lock, and for K the kick hook, under
 * the eventfd's lock. Readers take no lock. On 64-bit each value is consistent, but
 * different counters can be one pass apart.
 */
#ifndef VTAP_STATS_H
#define VTAP_STATS_H

#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/types.h>

#include "ring/fault.h"

/* Number of batch sizes to count: 1, 2 to 3, ..., 64 and more. */
#define VTAP_BATCH_SIZES	7

#define VTAP_COUNTERS(C, K)						\
	C(packets, "packets moved, without dropped ones")		\
	C(bytes, "bytes of these packets, without virtio-net headers")	\
	C(buffers, "descriptor chains returned to the guest")		\
	C(passes, "passes of the worker over the queue")		\
	C(batches, "times that used entries were published")		\
	K(kicks, "notifications from the guest")			\
	C(calls, "notifications to the guest")				\
	C(calls_suppressed, "notifications that the guest suppressed")	\
	C(backend_batches, "TX: packet batches handed to the backend")	\
	C(singles, "packets sent or received one at a time")		\
	C(starved, "RX: times that packets waited for buffers")		\
	C(blocked, "TX: times that the backend had no room")		\
	C(retries, "TX: sends repeated because memory was short")	\
	C(iotlb_misses, "misses reported to the client")		\
	C(dirty_pages, "bits set in the dirty log")			\
	C(broken, "times that a ring fault broke the queue")		\
	C(starved_ns, "RX: nanoseconds starved, in periods that ended")	\
	C(poll_hits, "times that polling found work")			\
	C(poll_misses, "times that polling found nothing")		\
	C(ring_retries, "kicks that retried a broken ring")		\
	C(throttled, "times that the queue's limit made it wait")	\
	C(throttled_ns, "nanoseconds throttled, in periods that ended")	\
	C(frag_frames, "TX: GSO packets sent in page fragments")

/**
 * struct vtap_stats - counters of one queue since the device was opened
 * @fault: packets dropped and ring faults, by reason
 * @batch_size: number of @batches with 2^i to 2^(i+1) - 1 buffers; the last
 *	element also counts larger ones
 * @kicks: on a cache line of its own, because another CPU writes it
 */
struct vtap_stats {
#define VTAP_COUNTER_FIELD(name, doc)	u64 name;
#define VTAP_COUNTER_ELSEWHERE(name, doc)
	VTAP_COUNTERS(VTAP_COUNTER_FIELD, VTAP_COUNTER_ELSEWHERE)
#undef VTAP_COUNTER_FIELD
#undef VTAP_COUNTER_ELSEWHERE
	u64 fault[VTAP_NR_FAULTS];
	u64 batch_size[VTAP_BATCH_SIZES];
	u64 kicks ____cacheline_aligned_in_smp;
};

/* With one writer no atomic is needed, but the store must not be torn. */
#define vtap_count_add(st, name, n) \
	WRITE_ONCE((st)->name, (st)->name + (n))
#define vtap_count(st, name)	vtap_count_add(st, name, 1)

#endif /* VTAP_STATS_H */
