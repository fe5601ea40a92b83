/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stats.h - what a queue counts
 *
 * Read before: ring/fault.h. Read next: vtap.h.
 *
 * One list, which grows at its end only, for netlink numbers its attributes
 * by it; the struct, the names in debugfs and the table in
 * Documentation/uapi.rst follow it. A counter has one writer (the pass, under
 * the queue's lock; @kicks: the kick callback, under the eventfd's lock) and
 * readers that take no lock: on 64-bit each read is whole, and figures of
 * different counters may be a pass apart.
 */
#ifndef VTAP_STATS_H
#define VTAP_STATS_H

#include <linux/compiler.h>
#include <linux/types.h>

#include "ring/fault.h"

/* Sizes of batches that are told apart: 1, 2 to 3, ... 64 and more. */
#define VTAP_BATCH_SIZES	7

#define VTAP_COUNTERS(C)						\
	C(packets, "packets moved, without the dropped ones")		\
	C(bytes, "bytes of these packets, without virtio-net headers")	\
	C(buffers, "descriptor chains returned to the guest")		\
	C(passes, "times the worker looked at the queue")		\
	C(batches, "times used entries were made visible")		\
	C(kicks, "notifications from the guest")			\
	C(calls, "notifications to the guest")				\
	C(calls_suppressed, "notifications the guest did not want")	\
	C(backend_batches, "TX: packet batches handed to the backend") \
	C(singles, "packets sent or received by a call of their own")		\
	C(starved, "RX: times packets waited and the guest had no buffer") \
	C(blocked, "TX: times the backend had no room")			\
	C(retries, "TX: sends repeated for want of memory")		\
	C(iotlb_misses, "addresses the client was asked for")		\
	C(dirty_pages, "bits set in the dirty log")			\
	C(broken, "times a ring fault stopped the queue")		\
	C(starved_ns, "RX: nanoseconds starved, of spells that ended")	\
	C(poll_hits, "times that polling had work before the worker slept") \
	C(poll_misses, "times that polling found nothing")		\
	C(ring_retries, "times a kick had a broken ring tried again")

/**
 * struct vtap_stats - one queue's counters since the device was opened
 * @fault: packets dropped and ring faults by reason
 * @batch_size: of @batches, how many had 2^i to 2^(i+1) - 1 buffers; the last
 *	has the larger ones, too
 */
struct vtap_stats {
#define VTAP_COUNTER_FIELD(name, doc)	u64 name;
	VTAP_COUNTERS(VTAP_COUNTER_FIELD)
#undef VTAP_COUNTER_FIELD
	u64 fault[VTAP_NR_FAULTS];
	u64 batch_size[VTAP_BATCH_SIZES];
};

/* Single writer: no read-modify-write, but no torn or merged store either. */
#define vtap_count_add(st, name, n) \
	WRITE_ONCE((st)->name, (st)->name + (n))
#define vtap_count(st, name)	vtap_count_add(st, name, 1)

#endif /* VTAP_STATS_H */
