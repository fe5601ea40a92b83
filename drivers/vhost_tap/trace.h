/* SPDX-License-Identifier: GPL-2.0 */
/*
 * trace.h - tracepoints of the vhost_tap system, see Documentation/tracing.rst
 *
 * dev is the id of the device, and index is that of the vring.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vhost_tap

#if !defined(VTAP_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VTAP_TRACE_H

#include <linux/tracepoint.h>

#include "vtap.h"

#define VTAP_FAULT_DEFINE(name, doc)	TRACE_DEFINE_ENUM(VTAP_FAULT_##name);
VTAP_FAULTS(VTAP_FAULT_DEFINE)
#undef VTAP_FAULT_DEFINE

#define VTAP_FAULT_SYMBOL(name, doc)	{ VTAP_FAULT_##name, #name },
#define vtap_show_fault(f) \
	__print_symbolic(f, VTAP_FAULTS(VTAP_FAULT_SYMBOL) { 0, "none" })

#define vtap_show_dir(d) \
	__print_symbolic(d, { 0, "rx" }, { 1, "tx" })

#define vtap_show_state(st) \
	__print_symbolic(st, { 0, "stopped" }, { 1, "running" }, \
			 { 2, "broken" })

/* A worker finished a pass of a queue. */
TRACE_EVENT(vtap_pass,
	TP_PROTO(const struct vtap_queue *q, u32 packets,
		 enum vtap_verdict verdict),
	TP_ARGS(q, packets, verdict),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(u8, dir)
		__field(u16, index)
		__field(u8, more)
		__field(u16, last_avail)
		__field(u16, last_used)
		__field(u32, packets)
	),
	TP_fast_assign(
		__entry->dev = q->dev->id;
		__entry->dir = q->dir;
		__entry->index = q->index;
		__entry->more = verdict == VTAP_MORE;
		__entry->last_avail = q->ring.last_avail;
		__entry->last_used = q->ring.last_used;
		__entry->packets = packets;
	),
	TP_printk("dev=%u dir=%s index=%u packets=%u more=%u last_avail=%u last_used=%u",
		  __entry->dev, vtap_show_dir(__entry->dir), __entry->index, __entry->packets,
		  __entry->more, __entry->last_avail, __entry->last_used)
);

/* A queue started, stopped or broke. */
TRACE_EVENT(vtap_state,
	TP_PROTO(const struct vtap_queue *q, enum vtap_queue_state from,
		 enum vtap_queue_state to),
	TP_ARGS(q, from, to),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(u8, dir)
		__field(u16, index)
		__field(u8, from)
		__field(u8, to)
	),
	TP_fast_assign(
		__entry->dev = q->dev->id;
		__entry->dir = q->dir;
		__entry->index = q->index;
		__entry->from = from;
		__entry->to = to;
	),
	TP_printk("dev=%u dir=%s index=%u %s -> %s", __entry->dev,
		  vtap_show_dir(__entry->dir), __entry->index, vtap_show_state(__entry->from),
		  vtap_show_state(__entry->to))
);

/* A packet was dropped, or the ring broke. */
TRACE_EVENT(vtap_fault,
	TP_PROTO(const struct vtap_queue *q, enum vtap_fault fault),
	TP_ARGS(q, fault),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(u8, dir)
		__field(u16, index)
		__field(u8, fault)
		__field(u16, last_avail)
	),
	TP_fast_assign(
		__entry->dev = q->dev->id;
		__entry->dir = q->dir;
		__entry->index = q->index;
		__entry->fault = fault;
		__entry->last_avail = q->ring.last_avail;
	),
	TP_printk("dev=%u dir=%s index=%u fault=%s last_avail=%u", __entry->dev,
		  vtap_show_dir(__entry->dir), __entry->index, vtap_show_fault(__entry->fault),
		  __entry->last_avail)
);

/* Used entries were published, and the guest was called or not. */
TRACE_EVENT(vtap_call,
	TP_PROTO(const struct vtap_queue *q, int must),
	TP_ARGS(q, must),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(u8, dir)
		__field(u16, index)
		__field(u8, called)
		__field(u16, last_used)
	),
	TP_fast_assign(
		__entry->dev = q->dev->id;
		__entry->dir = q->dir;
		__entry->index = q->index;
		__entry->called = must > 0;
		__entry->last_used = q->ring.last_used;
	),
	TP_printk("dev=%u dir=%s index=%u called=%u last_used=%u", __entry->dev,
		  vtap_show_dir(__entry->dir), __entry->index, __entry->called,
		  __entry->last_used)
);

/* Used entries were made visible to the driver. */
TRACE_EVENT(vtap_batch,
	TP_PROTO(const struct vtap_queue *q, int buffers),
	TP_ARGS(q, buffers),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(u8, dir)
		__field(u16, index)
		__field(u32, buffers)
	),
	TP_fast_assign(
		__entry->dev = q->dev->id;
		__entry->dir = q->dir;
		__entry->index = q->index;
		__entry->buffers = buffers;
	),
	TP_printk("dev=%u dir=%s index=%u buffers=%u", __entry->dev,
		  vtap_show_dir(__entry->dir), __entry->index,
		  __entry->buffers)
);

DECLARE_EVENT_CLASS(vtap_queue,
	TP_PROTO(const struct vtap_queue *q),
	TP_ARGS(q),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(u8, dir)
		__field(u16, index)
	),
	TP_fast_assign(
		__entry->dev = q->dev->id;
		__entry->dir = q->dir;
		__entry->index = q->index;
	),
	TP_printk("dev=%u dir=%s index=%u", __entry->dev,
		  vtap_show_dir(__entry->dir), __entry->index)
);

/* The socket woke the queue: a packet arrived (RX) or room was made (TX). */
DEFINE_EVENT(vtap_queue, vtap_wake,
	TP_PROTO(const struct vtap_queue *q),
	TP_ARGS(q)
);

/* The guest kicked, in the context of the eventfd's writer. */
DEFINE_EVENT(vtap_queue, vtap_kick,
	TP_PROTO(const struct vtap_queue *q),
	TP_ARGS(q)
);

/* A worker began a pass of a queue, which ends with vtap_pass if the ring is mapped. */
DEFINE_EVENT(vtap_queue, vtap_begin,
	TP_PROTO(const struct vtap_queue *q),
	TP_ARGS(q)
);

/* The device IOTLB does not map an address. The miss goes to the client. */
TRACE_EVENT(vtap_iotlb_miss,
	TP_PROTO(const struct vtap_queue *q, u64 iova, u8 perm),
	TP_ARGS(q, iova, perm),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(u8, dir)
		__field(u16, index)
		__field(u8, perm)
		__field(u64, iova)
	),
	TP_fast_assign(
		__entry->dev = q->dev->id;
		__entry->dir = q->dir;
		__entry->index = q->index;
		__entry->perm = perm;
		__entry->iova = iova;
	),
	TP_printk("dev=%u dir=%s index=%u iova=0x%llx perm=%u", __entry->dev,
		  vtap_show_dir(__entry->dir), __entry->index, __entry->iova, __entry->perm)
);

#endif /* VTAP_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
