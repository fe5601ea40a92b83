/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bucket.h - arithmetic of the token buckets that limit the rate of a queue
 *
 * A bucket has one token for each byte or packet that a queue may move. It gets
 * tokens at its rate, up to its burst. A pass may take a few more tokens than
 * there are, so the bucket can go into debt. The queue then waits until the
 * bucket has a step of tokens.
 *
 * The caller passes the time, so that unit tests cover every decision. Fractions of
 * a token are kept. No rate and burst up to VTAP_BUCKET_MAX causes an overflow.
 */
#ifndef VTAP_BUCKET_H
#define VTAP_BUCKET_H

#include "ring/ring_env.h"

/* Largest rate and burst: with bytes, 800 Gbit/s. */
#define VTAP_BUCKET_MAX		100000000000ULL

/* Steps per second. A queue that waits is woken that often at most. */
#define VTAP_BUCKET_STEPS	2000

/*
 * Longest time that a bucket counts, in seconds; VTAP_BUCKET_MAX tokens per
 * second for this time fit an s64. A debt of one pass is paid earlier at any
 * rate.
 */
#define VTAP_BUCKET_MAX_S	16000000

/**
 * struct vtap_bucket - a token bucket
 * @rate: tokens per second; 0 for no limit
 * @burst: most tokens that the bucket holds
 * @tokens: tokens now; below 0 is a debt
 * @at_ns: time up to which it has got its tokens
 * @fraction: millionths of a token
 */
struct vtap_bucket {
	u64 rate;
	u64 burst;
	s64 tokens;
	u64 at_ns;
	u32 fraction;
};

/*
 * Return the burst that goes with a rate: @burst, or 1/20 s of the rate if it is 0.
 * A burst of two steps is the least with which a bucket reaches its rate.
 */
static inline u64 vtap_bucket_burst(u64 rate, u64 burst)
{
	u64 least = div_u64(rate, VTAP_BUCKET_STEPS / 2);

	if (!burst)
		burst = div_u64(rate, 20);
	return max3(burst, least, 1ULL);
}

/* Tokens that a waiting queue waits for, and the least budget of a pass. */
static inline u64 vtap_bucket_step(const struct vtap_bucket *b)
{
	return max(div_u64(b->rate, VTAP_BUCKET_STEPS), 1ULL);
}

/* Add the tokens of the time up to @now_ns (monotonic) to a bucket with a rate. */
static inline void vtap_bucket_refill(struct vtap_bucket *b, u64 now_ns)
{
	u64 us, seconds;
	u32 rest_us;

	/* Less than a microsecond, or another CPU's clock is behind. */
	if ((s64)(now_ns - b->at_ns) < NSEC_PER_USEC)
		return;
	us = div_u64(now_ns - b->at_ns, NSEC_PER_USEC);
	b->at_ns += us * NSEC_PER_USEC;
	seconds = div_u64_rem(us, USEC_PER_SEC, &rest_us);
	seconds = min_t(u64, seconds, VTAP_BUCKET_MAX_S);
	/* Both products are below 2^61. */
	b->tokens += seconds * b->rate +
		     div_u64_rem(rest_us * b->rate + b->fraction, USEC_PER_SEC,
				 &b->fraction);
	if (b->tokens >= (s64)b->burst) {
		b->tokens = b->burst;
		b->fraction = 0;
	}
}

/*
 * Change rate (0 for no limit) and burst. A bucket without a limit becomes a full
 * one. Otherwise it keeps its tokens and its debt.
 */
static inline void vtap_bucket_set(struct vtap_bucket *b, u64 rate, u64 burst,
				   u64 now_ns)
{
	if (!rate) {
		*b = (struct vtap_bucket){};
		return;
	}
	if (b->rate)
		vtap_bucket_refill(b, now_ns);
	else
		*b = (struct vtap_bucket){ .tokens = burst, .at_ns = now_ns };
	b->rate = rate;
	b->burst = burst;
	b->tokens = min_t(s64, b->tokens, burst);
}

/* Take @nr tokens, into debt if there are too few. */
static inline void vtap_bucket_take(struct vtap_bucket *b, u64 nr)
{
	if (b->rate)
		b->tokens -= nr;
}

/*
 * Return the nanoseconds until an empty bucket has a step of tokens; 0 if it has
 * tokens, or no limit. The bucket was refilled just now.
 */
static inline u64 vtap_bucket_wait_ns(const struct vtap_bucket *b)
{
	u64 lack;

	if (!b->rate || b->tokens > 0)
		return 0;
	/* A step and a debt of a pass are below 2^27: no overflow. */
	lack = (vtap_bucket_step(b) - b->tokens) * USEC_PER_SEC - b->fraction;
	return div64_u64(lack + b->rate - 1, b->rate) * NSEC_PER_USEC;
}

/*
 * Return the budget of a pass, at most @most. A bucket with few tokens gives a step,
 * because a pass for a handful of packets costs as much as one for many.
 */
static inline u32 vtap_bucket_budget(const struct vtap_bucket *b, u32 most)
{
	if (!b->rate)
		return most;
	return min_t(s64, max_t(s64, b->tokens, vtap_bucket_step(b)), most);
}

#endif /* VTAP_BUCKET_H */
