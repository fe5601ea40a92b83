// SPDX-License-Identifier: GPL-2.0
/*
 * names.c - names of counters and of the values of enumerations
 */
#include <assert.h>

#include "ctl.h"

const char * const counter_names[NR_COUNTERS] = {
	[COUNTER(PACKETS)] = "packets",
	[COUNTER(BYTES)] = "bytes",
	[COUNTER(BUFFERS)] = "buffers",
	[COUNTER(PASSES)] = "passes",
	[COUNTER(BATCHES)] = "batches",
	[COUNTER(KICKS)] = "kicks",
	[COUNTER(CALLS)] = "calls",
	[COUNTER(CALLS_SUPPRESSED)] = "calls_suppressed",
	[COUNTER(BACKEND_BATCHES)] = "backend_batches",
	[COUNTER(SINGLES)] = "singles",
	[COUNTER(STARVED)] = "starved",
	[COUNTER(STARVED_NS)] = "starved_ns",
	[COUNTER(BLOCKED)] = "blocked",
	[COUNTER(RETRIES)] = "retries",
	[COUNTER(IOTLB_MISSES)] = "iotlb_misses",
	[COUNTER(DIRTY_PAGES)] = "dirty_pages",
	[COUNTER(BROKEN)] = "broken",
	[COUNTER(POLL_HITS)] = "poll_hits",
	[COUNTER(POLL_MISSES)] = "poll_misses",
	[COUNTER(RING_RETRIES)] = "ring_retries",
	[COUNTER(THROTTLED)] = "throttled",
	[COUNTER(THROTTLED_NS)] = "throttled_ns",
	[COUNTER(FRAG_FRAMES)] = "frag_frames",
};

/* A new counter needs a name above to be printed. */
static_assert(COUNTER(FRAG_FRAMES) + 1 == NR_COUNTERS);

/**
 * direction_name - get the name of a direction
 * @direction: VHOST_TAP_DIRECTION_*
 *
 * Return: a constant string.
 */
const char *direction_name(uint32_t direction)
{
	return direction == VHOST_TAP_DIRECTION_RX ? "rx" : "tx";
}

/**
 * state_name - get the name of a queue's state
 * @state: VHOST_TAP_STATE_*
 *
 * Return: a constant string.
 */
const char *state_name(uint32_t state)
{
	static const char * const name[] = { "stopped", "running", "broken" };

	return state < 3 ? name[state] : "?";
}

/**
 * backend_name - get the name of a kind of backend
 * @backend: VHOST_TAP_BACKEND_*
 *
 * Return: a constant string.
 */
const char *backend_name(uint32_t backend)
{
	static const char * const name[] = { "none", "tap", "macvtap", "packet" };

	return backend < 4 ? name[backend] : "?";
}

/**
 * layout_name - get the name of a worker layout
 * @layout: VHOST_TAP_WORKER_LAYOUT_*
 *
 * Return: a constant string.
 */
const char *layout_name(uint32_t layout)
{
	static const char * const name[] = {
		"pair", "direction", "shared", "by-hand"
	};

	return layout < 4 ? name[layout] : "?";
}

/**
 * poll_mode_name - get the name of a poll mode
 * @mode: VHOST_TAP_POLL_MODE_*
 *
 * Return: a constant string.
 */
const char *poll_mode_name(uint32_t mode)
{
	static const char * const name[] = { "off", "fixed", "adaptive" };

	return mode < 3 ? name[mode] : "?";
}
