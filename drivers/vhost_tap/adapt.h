/* SPDX-License-Identifier: GPL-2.0 */
/*
 * adapt.h - poll on or sleep? as arithmetic
 *
 * Read before: nothing. Read next: worker.c.
 *
 * No clock inside: the caller passes the time, so every decision is a unit
 * test. The client allows polling with VHOST_SET_VRING_BUSYLOOP_TIMEOUT.
 */
#ifndef VTAP_ADAPT_H
#define VTAP_ADAPT_H

#include "ring/os.h"

/* The longest a client may make the worker poll after its last work. */
#define VTAP_POLL_MAX_US	100000

/**
 * struct vtap_adapt - one spell of polling
 * @deadline_ns: when to give up and sleep
 */
struct vtap_adapt {
	u64 deadline_ns;
};

/**
 * vtap_adapt_begin - after work: shall we poll, and until when?
 * @a: spell to begin
 * @now_ns: time now, monotonic
 * @rx_us: the RX ring's timeout, microseconds, 0 for none
 * @tx_us: the TX ring's timeout
 *
 * One worker serves both rings, so the longer wish decides.
 *
 * Return: true if there is anything to poll for.
 */
static inline bool vtap_adapt_begin(struct vtap_adapt *a, u64 now_ns,
				    u32 rx_us, u32 tx_us)
{
	u32 us = rx_us > tx_us ? rx_us : tx_us;

	if (us > VTAP_POLL_MAX_US)
		us = VTAP_POLL_MAX_US;
	a->deadline_ns = now_ns + us * 1000ULL;
	return us != 0;
}

/**
 * vtap_adapt_go_on - found nothing: look again or sleep?
 * @a: spell
 * @now_ns: time now, same clock
 * @must_yield: someone else wants the CPU, or we are being killed
 *
 * Return: true to look again.
 */
static inline bool vtap_adapt_go_on(const struct vtap_adapt *a, u64 now_ns,
				    bool must_yield)
{
	return !must_yield && (s64)(a->deadline_ns - now_ns) > 0;
}

/* From so many packets in a pass on, more are likely on their way. */
#define VTAP_LINGER_PACKETS	4

/* A look at an empty ring takes no longer, all told. */
#define VTAP_LINGER_MAX_NS	50000

/**
 * struct vtap_linger - looking again for what a busy driver adds next
 * @start_ns: when the pass began
 * @idle_ns: time spent looking since
 *
 * A worker that is faster than the driver finds the ring empty after every few
 * packets, asks for a kick and sleeps: the faster it is, the more kicks, each an
 * exit of the guest. So before it asks it looks again, for a fraction of
 * the time that it had work, which has no need of a setting and is short where
 * packets are cheap.
 */
struct vtap_linger {
	u64 start_ns;
	u64 idle_ns;
};

static inline void vtap_linger_begin(struct vtap_linger *l, u64 now_ns)
{
	l->start_ns = now_ns;
	l->idle_ns = 0;
}

/**
 * vtap_linger_ns - the ring is empty: how long to look again?
 * @l: the pass
 * @now_ns: time now, monotonic
 * @packets: moved in this pass; a few are no load
 *
 * All the looking of a pass takes at most half the time of its work.
 *
 * Return: nanoseconds, 0 not at all.
 */
static inline u64 vtap_linger_ns(const struct vtap_linger *l, u64 now_ns,
				 u32 packets)
{
	s64 work_ns = now_ns - l->start_ns - l->idle_ns;
	s64 left_ns = work_ns / 2 - (s64)l->idle_ns;

	if (packets < VTAP_LINGER_PACKETS || left_ns <= 0)
		return 0;
	return left_ns < VTAP_LINGER_MAX_NS ? left_ns : VTAP_LINGER_MAX_NS;
}

#endif /* VTAP_ADAPT_H */
