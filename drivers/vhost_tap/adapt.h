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

#endif /* VTAP_ADAPT_H */
