/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fuzz.h - common parts of the fuzz targets
 *
 * A target reads its input as a program: a few words of set-up, then calls with
 * operands, and the bytes of guest memory. The guest memory map stays for the process;
 * each input clears the contents.
 */
#ifndef VTAP_FUZZ_H
#define VTAP_FUZZ_H

#include "driver.h"
#include "ring_ops.h"

/* The counterpart of env.h's RAM: chains of the unit tests become seeds here. */
#define FUZZ_RAM	0x100000ull
#define FUZZ_RAM_SIZE	0x10000ull
#define FUZZ_TABLE	(FUZZ_RAM + 0x8000)
/* Two regions right after it, and one that claims nonexistent memory. */
#define FUZZ_RAM2_SIZE	0x20ull
#define FUZZ_RAM3_SIZE	0x1000ull
#define FUZZ_VOID	(1ull << 40)
#define FUZZ_VOID_SIZE	(1ull << 33)

struct input {
	const u8 *p;
	size_t left;
};

static inline u8 in8(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->p++;
}

static inline u16 in16(struct input *in)
{
	u16 lo = in8(in);

	return lo | in8(in) << 8;
}

static inline u64 in64(struct input *in)
{
	u64 v = 0;
	int i;

	for (i = 0; i < 8; i++)
		v |= (u64)in8(in) << 8 * i;
	return v;
}

/* Small numbers make overlaps likely, raw numbers make wraps likely. */
static inline u64 in_number(struct input *in, u8 form)
{
	switch (form & 3) {
	case 0:
		return in8(in);
	case 1:
		return (u64)in8(in) << 12;
	case 2:
		return 0 - (u64)in8(in);
	default:
		return in64(in);
	}
}

/* Copy up to @len bytes; missing input leaves the rest unchanged. */
static inline size_t in_bytes(struct input *in, void *to, size_t len)
{
	size_t n = min_t(size_t, len, in->left);

	memcpy(to, in->p, n);
	in->p += n;
	in->left -= n;
	return n;
}

/* Return the guest memory: created at the first call, zeroed at each. */
struct gmem *fuzz_ram(void);
/* Its memory table. */
const struct vtap_memmap *fuzz_map(void);

/** struct fuzz_ring - a ring outside of the guest memory that its buffers are in */
struct fuzz_ring {
	struct gmem rings;
	struct drv d;
	struct vtap_ring_cfg cfg;
	struct vtap_ring r;
	struct vtap_mem m;
	struct vtap_chain c;
	struct iovec iov[VTAP_CHAIN_MAX];
};

/* Set up all but @r, which the caller starts; the buffers are in @g. */
void fuzz_ring_init(struct fuzz_ring *f, struct gmem *g, u16 num, bool packed,
		    bool event_idx, u16 start);

/* From now on each load changes the bytes it has read, from a stream of @key. */
void fuzz_hostile(u32 key);

/* Guest memory in addition to the shim's extents: pages, also those of a ring. */
extern const struct gmem *fuzz_pages;
/* Check the segments: in known memory, none empty, sums and room correct. */
void fuzz_check_chain(const struct vtap_chain *c);
/* Check that a broken ring refuses all operations and only must_call reads it. */
void fuzz_check_refusal(struct vtap_ring *r, struct vtap_mem *m);

/* Run one input; the Makefile renames this to libFuzzer's entry point. */
int fuzz_one(const u8 *data, size_t size);

#endif /* VTAP_FUZZ_H */
