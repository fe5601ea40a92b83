/* SPDX-License-Identifier: GPL-2.0 */
/*
 * busypoll.h - decide how long a worker polls before it sleeps
 *
 * The caller passes the time, so that unit tests cover every decision. A worker
 * polls for the longest of these times:
 *
 *   fixed     the client's VHOST_SET_VRING_BUSYLOOP_TIMEOUT
 *   adaptive  up to the client's VHOST_TAP_SET_POLLING, while it finds work
 *   burst     with any settings, after several packets of a guest in one pass
 *
 * The window of adaptive polling grows after a gap between work that is longer than
 * the window and within the limit. It shrinks after a gap beyond the limit. Two or
 * three of those in a row end polling, so an idle worker sleeps without a timer.
 *
 * Each direction has its own window, chosen by the last work before the gap. A
 * guest answers a request soon, but the next request may take long. A common
 * window would poll through the long gaps because of the short ones.
 *
 * A worker that is faster than the driver finds the ring empty after a few packets,
 * enables kicks and sleeps, and each kick is an exit of the guest. So it polls
 * after a burst, for a fraction of the time that it had work.
 */
#ifndef VTAP_BUSYPOLL_H
#define VTAP_BUSYPOLL_H

#include "ring/ring_env.h"

/* Longest time that a client can make a worker poll after its last work. */
#define VTAP_POLL_MAX_US	100000

/* A TX pass of this number of packets is a burst: more are likely to follow. */
#define VTAP_BUSYPOLL_BURST_PACKETS	4

/* Longest time to poll after a burst. */
#define VTAP_BUSYPOLL_BURST_NS		50000

/**
 * struct vtap_busypoll - polling state of a worker
 * @since_ns: time at which the worker ran out of work; 0 while it has some
 * @deadline_ns: time at which polling ends
 * @window_ns: adaptive: length of the next polling window, 0 for none, by direction
 *	of the last work
 * @woken_ns: time at which the worker began to work, after it slept
 * @polled_ns: time that it has polled since
 * @last_dir: direction of the last work
 * @is_burst: a pass since then was a burst
 */
struct vtap_busypoll {
	u64 since_ns;
	u64 deadline_ns;
	u64 window_ns[2];
	u64 woken_ns;
	u64 polled_ns;
	u8 last_dir;
	bool is_burst;
};

/* Nanoseconds of a client's timeout, at most VTAP_POLL_MAX_US. */
static inline u64 vtap_busypoll_limit_ns(u32 us)
{
	return (us < VTAP_POLL_MAX_US ? us : VTAP_POLL_MAX_US) * 1000ULL;
}

/* The worker begins to work at @now_ns, after it slept. */
static inline void vtap_busypoll_wake(struct vtap_busypoll *a, u64 now_ns)
{
	a->woken_ns = now_ns;
	a->polled_ns = 0;
	a->is_burst = false;
}

/*
 * Return the nanoseconds to poll after a burst: at most half the time of the work since
 * the worker woke up, less the time polled since. Long work earns four windows only, or
 * a worker that never sleeps could poll for seconds after its last burst.
 */
static inline u64 vtap_busypoll_burst_ns(struct vtap_busypoll *a, u64 now_ns)
{
	const s64 most_ns = 4 * VTAP_BUSYPOLL_BURST_NS;
	s64 work_ns = now_ns - a->woken_ns - a->polled_ns;
	s64 left_ns = work_ns / 2 - (s64)a->polled_ns;

	if (!a->is_burst || left_ns <= 0)
		return 0;
	if (left_ns > most_ns)
		a->woken_ns += 2 * (left_ns - most_ns);
	return left_ns < VTAP_BUSYPOLL_BURST_NS ? left_ns :
						  VTAP_BUSYPOLL_BURST_NS;
}

/* Start a polling window at @now_ns (monotonic). Return: true if it is not empty. */
static inline bool vtap_busypoll_begin(struct vtap_busypoll *a, u64 now_ns,
				       u64 window_ns)
{
	a->since_ns = now_ns;
	a->deadline_ns = now_ns + window_ns;
	return window_ns != 0;
}

/* End the window at @now_ns. */
static inline void vtap_busypoll_end(struct vtap_busypoll *a, u64 now_ns)
{
	a->polled_ns += now_ns - a->since_ns;
}

/* Return true to poll again. @must_yield: the CPU is needed, or the thread must end. */
static inline bool vtap_busypoll_continue(const struct vtap_busypoll *a,
					  u64 now_ns, bool must_yield)
{
	return !must_yield && (s64)(a->deadline_ns - now_ns) > 0;
}

/* Adapt the window, up to @limit_ns (0 for off), to the gap that has just ended. */
static inline void vtap_busypoll_learn(struct vtap_busypoll *a, u64 now_ns,
				       u64 limit_ns)
{
	u64 gap_ns = now_ns - a->since_ns, least_ns = limit_ns / 8;
	u64 *window_ns = &a->window_ns[a->last_dir];
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

/* Close the window because another task wanted the CPU. Short gaps open it again. */
static inline void vtap_busypoll_yield(struct vtap_busypoll *a)
{
	a->window_ns[a->last_dir] = 0;
}

#endif /* VTAP_BUSYPOLL_H */
