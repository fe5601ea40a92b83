/* SPDX-License-Identifier: GPL-2.0 */
/*
 * busypoll.h - poll on or sleep? as arithmetic
 *
 * Read before: nothing. Read next: worker.c.
 *
 * No clock inside: the caller passes the time, so every decision is a unit
 * test. Two ways to allow a worker to look for work before it sleeps:
 *
 *   fixed     VHOST_SET_VRING_BUSYLOOP_TIMEOUT: so long, each time
 *   adaptive  VHOST_TAP_SET_POLLING: at most so long, while it pays
 *
 * Whether it pays is seen from the gaps between work. A gap longer than
 * the limit could not have been bridged: the window shrinks, and two or three
 * such gaps in a row end the looking. A gap that the limit covers and the window
 * did not lets it grow. So an idle worker sleeps, and nothing has to wake it
 * for the decision.
 *
 * There is a window for each direction that the work before the gap had: a guest
 * that got a request answers soon, and after its answer the next one may
 * take long. With one window the short gaps would have the long ones polled for.
 */
#ifndef VTAP_BUSYPOLL_H
#define VTAP_BUSYPOLL_H

#include "ring/ring_env.h"

/* The longest a client may make the worker poll after its last work. */
#define VTAP_POLL_MAX_US	100000

/**
 * struct vtap_busypoll - a worker's polling
 * @since_ns: when it ran out of work; 0 while it has some
 * @deadline_ns: when to give up and sleep
 * @window_ns: adaptive: how long to look the next time, 0 not at all; by the
 *	direction of the last work
 * @after: that direction
 */
struct vtap_busypoll {
	u64 since_ns;
	u64 deadline_ns;
	u64 window_ns[2];
	u8 after;
};

/* A client's microseconds, in bounds. */
static inline u64 vtap_busypoll_limit_ns(u32 us)
{
	return (us < VTAP_POLL_MAX_US ? us : VTAP_POLL_MAX_US) * 1000ULL;
}

/**
 * vtap_busypoll_begin - out of work: until when shall we poll?
 * @a: polling
 * @now_ns: time now, monotonic
 * @window_ns: how long
 *
 * Return: true if there is anything to poll for.
 */
static inline bool vtap_busypoll_begin(struct vtap_busypoll *a, u64 now_ns,
				       u64 window_ns)
{
	a->since_ns = now_ns;
	a->deadline_ns = now_ns + window_ns;
	return window_ns != 0;
}

/**
 * vtap_busypoll_go_on - found nothing: look again or sleep?
 * @a: polling
 * @now_ns: time now, same clock
 * @must_yield: someone else wants the CPU, or we are being killed
 *
 * Return: true to look again.
 */
static inline bool vtap_busypoll_go_on(const struct vtap_busypoll *a,
				       u64 now_ns, bool must_yield)
{
	return !must_yield && (s64)(a->deadline_ns - now_ns) > 0;
}

/**
 * vtap_busypoll_learn - there is work again: what was the gap good for?
 * @a: polling
 * @now_ns: time now, same clock
 * @limit_ns: the longest look that is allowed; 0 adaptive polling is off
 */
static inline void vtap_busypoll_learn(struct vtap_busypoll *a, u64 now_ns,
				       u64 limit_ns)
{
	u64 gap_ns = now_ns - a->since_ns, least_ns = limit_ns / 8;
	u64 *window_ns = &a->window_ns[a->after];
	int i;

	for (i = 0; i < 2; i++) {
		if (a->window_ns[i] > limit_ns)
			a->window_ns[i] = limit_ns;
	}
	if (!a->since_ns || !limit_ns)
		return;
	a->since_ns = 0;
	if (gap_ns > limit_ns) {
		*window_ns /= 4;
		if (*window_ns < least_ns)
			*window_ns = 0;
	} else if (gap_ns >= *window_ns) {
		*window_ns = *window_ns ? *window_ns * 2 : least_ns;
		if (*window_ns > limit_ns)
			*window_ns = limit_ns;
	}
}

/**
 * vtap_busypoll_yield - others wanted the CPU that we polled on
 * @a: polling
 *
 * It starts from nothing when gaps are short again.
 */
static inline void vtap_busypoll_yield(struct vtap_busypoll *a)
{
	a->window_ns[a->after] = 0;
}

/* From so many packets in a pass on, more are likely on their way. */
#define VTAP_BUSYPOLL_TX_PACKETS	4

/* A look at an empty ring takes no longer, all told. */
#define VTAP_BUSYPOLL_TX_MAX_NS	50000

/**
 * struct vtap_busypoll_tx - looking again for what a busy driver adds next
 * @start_ns: when the pass began
 * @idle_ns: time spent looking since
 *
 * A worker that is faster than the driver finds the ring empty after every few
 * packets, asks for a kick and sleeps: the faster it is, the more kicks, each an
 * exit of the guest. So before it asks it looks again, for a fraction of
 * the time that it had work, which has no need of a setting and is short where
 * packets are cheap.
 */
struct vtap_busypoll_tx {
	u64 start_ns;
	u64 idle_ns;
};

static inline void vtap_busypoll_tx_begin(struct vtap_busypoll_tx *l,
					  u64 now_ns)
{
	l->start_ns = now_ns;
	l->idle_ns = 0;
}

/**
 * vtap_busypoll_tx_ns - the ring is empty: how long to look again?
 * @l: the pass
 * @now_ns: time now, monotonic
 * @packets: moved in this pass; a few are no load
 *
 * All the looking of a pass takes at most half the time of its work.
 *
 * Return: nanoseconds, 0 not at all.
 */
static inline u64 vtap_busypoll_tx_ns(const struct vtap_busypoll_tx *l,
				      u64 now_ns, u32 packets)
{
	s64 work_ns = now_ns - l->start_ns - l->idle_ns;
	s64 left_ns = work_ns / 2 - (s64)l->idle_ns;

	if (packets < VTAP_BUSYPOLL_TX_PACKETS || left_ns <= 0)
		return 0;
	return left_ns < VTAP_BUSYPOLL_TX_MAX_NS ? left_ns : VTAP_BUSYPOLL_TX_MAX_NS;
}

#endif /* VTAP_BUSYPOLL_H */
