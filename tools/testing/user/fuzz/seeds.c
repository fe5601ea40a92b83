// SPDX-License-Identifier: GPL-2.0
/*
 * seeds.c - first inputs for ring_fuzz, memmap_fuzz and iotlb_fuzz
 *
 * The seeds are written with ops.h, which ring_fuzz reads, so they always match. The
 * unit tests write those of chain_fuzz (env.c).
 *
 * Usage: seeds DIR: writes DIR/ring_fuzz/N and so on.
 */
#include <stdio.h>
#include <stdlib.h>
#include "ops.h"

static const char *dir;
static int nr_seeds;

static void save(const char *target, const void *buf, size_t len)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/seed-%03d", dir, target,
		 nr_seeds++);
	f = fopen(path, "w");
	if (!f || fwrite(buf, 1, len, f) != len || fclose(f)) {
		perror(path);
		exit(1);
	}
}

static void pass(struct ops *o, unsigned int nr)
{
	ops8(o, OP_KICK_OFF);
	ops_pop(o, nr, 0);
	ops_1(o, OP_STAGE, nr - 1);
	ops8(o, OP_PUBLISH);
	ops8(o, OP_KICK_ON);
}

/* Repeat the operations of a working driver and device. */
static void honest(struct ops *o, unsigned int rounds, unsigned int batch)
{
	unsigned int i, k;

	for (i = 0; i < rounds; i++) {
		ops8(o, OP_CALL_OFF);
		for (k = 0; k < batch; k++)
			ops_add(o, (i + k) % 3 ? OP_ADD : OP_ADD_INDIRECT,
				1 + k % 4, k % 2, 60 + k);
		ops8(o, OP_SHOW);
		ops8(o, OP_CALL_ON);
		pass(o, batch);
		ops8(o, OP_TAKE);
	}
}

static void seeds_ring(void)
{
	static const uint8_t ff[] = { 0xff, 0xff };
	static struct ops o;
	unsigned int log2, flags;

	for (log2 = 0; log2 <= 8; log2 += 2)
		for (flags = 0; flags < 4; flags++) {
			ops_begin(&o, log2, flags, 0xfff0);
			honest(&o, 3, 1 + log2);
			save("ring_fuzz", o.buf, o.len);

			/* Return chains, restart and move in the middle. */
			honest(&o, 1, 3);
			ops_add(&o, OP_ADD, 2, 1, 100);
			ops8(&o, OP_SHOW);
			ops_pop(&o, 2, 0);
			ops_1(&o, OP_UNPOP, 1);
			ops8(&o, OP_RESTART);
			ops8(&o, OP_EMPTY);
			ops8(&o, OP_MOVE);
			honest(&o, 1, 2);
			save("ring_fuzz", o.buf, o.len);

			/* Then operations fail. */
			ops_add(&o, OP_ADD, 3, 1, 100);
			ops8(&o, OP_SHOW);
			ops_1(&o, OP_FAIL, log2 + 3);
			pass(&o, 1);
			save("ring_fuzz", o.buf, o.len);

			ops_begin(&o, log2, flags, 7);
			ops_add(&o, OP_ADD, 1, 0, 100);
			ops_write(&o, 1, 2, ff, 2);
			ops_pop(&o, 1, 0);
			save("ring_fuzz", o.buf, o.len);

			ops_begin(&o, log2, flags, 7);
			ops8(&o, OP_HOSTILE);
			ops16(&o, 0x1234);
			ops16(&o, flags);
			honest(&o, 4, 4);
			save("ring_fuzz", o.buf, o.len);
		}
	for (flags = OPS_F_PACKED; flags < OPS_F_PACKED + 2; flags++)
		for (log2 = 0; log2 < 8; log2 += 2) {
			ops_begin(&o, 5 << log2 & 0xff, flags, 0x8003);
			honest(&o, 5, 3 + log2);
			save("ring_fuzz", o.buf, o.len);
			ops_1(&o, OP_FAIL, log2 + 3);
			honest(&o, 1, 2);
			save("ring_fuzz", o.buf, o.len);
		}
	/* More chains than the internal arrays hold, in a short input. */
	ops_begin(&o, 8, 1, 0xff80);
	for (flags = 0; flags < 150; flags++)
		ops_add(&o, OP_ADD, 1, 0, 60);
	ops8(&o, OP_SHOW);
	pass(&o, 150);
	ops8(&o, OP_TAKE);
	save("ring_fuzz", o.buf, o.len);
}

/* Behind an IOMMU, with mappings that appear, disappear and are false. */
static void seeds_iommu(void)
{
	static struct ops o;
	unsigned int log2, more, i;

	for (log2 = 1; log2 <= 8; log2 += 3)
		for (more = 0; more < 8; more++) {
			ops_begin(&o, log2, OPS_F_IOMMU | (more & 1) |
				  (more & 6) << 2 |
				  (log2 == 4 ? OPS_F_PACKED : 0),
				  0xfff0 + more);
			for (i = 0; i < 4; i++) {
				honest(&o, 1, 1 + log2);
				ops8(&o, OP_TAKE_BACK);
				ops8(&o, 60 + i);
				ops8(&o, 0);
				ops8(&o, i & 1 ? 12 : 63);
			}
			save("ring_fuzz", o.buf, o.len);

			ops8(&o, OP_TELL);
			ops8(&o, 66 - i);
			ops8(&o, more);
			ops8(&o, i);
			ops8(&o, more);
			ops8(&o, 128);
			honest(&o, 2, 3);
			save("ring_fuzz", o.buf, o.len);
		}
}

/* Single mapped pages and their use, a hole, a large mapping, too many mappings. */
static void seeds_iotlb(void)
{
	uint8_t buf[512];
	unsigned int i, flood;

	for (flood = 0; flood < 2; flood++) {
		size_t n = 0;

		if (flood) {
			memcpy(buf + n, "\4\1\0\x20", 4);
			n += 4;
		}
		for (i = 0; i < 12; i++) {
			/* Update a page, then translate all known pages. */
			buf[n++] = 0;
			buf[n++] = 1 | 1 << 2 | 1 << 4 | 3 << 6;
			buf[n++] = i;
			buf[n++] = 1;
			buf[n++] = 40 + i * (i & 4);
			buf[n++] = 7;
			buf[n++] = 1 | 1 << 2;
			buf[n++] = 0;
			buf[n++] = 1 + i;
			buf[n++] = 8;
		}
		memcpy(buf + n, "\1\5\3\1\7\5\0\4\10", 9);
		n += 9;
		memcpy(buf + n, "\0\xd5\0\x40\x80\7\5\2\7\1\0\0\0", 13);
		n += 13;
		save("iotlb_fuzz", buf, n);
	}
}

/* Regions of 1, 2, 4.. pages: separate, adjacent, overlapping. */
static void seeds_memmap(void)
{
	unsigned int nr, step, i;
	uint8_t buf[1024];

	for (nr = 1; nr < 24; nr += 5)
		for (step = 0; step < 4; step++) {
			size_t n = 0;

			buf[n++] = nr;
			for (i = 0; i < nr; i++) {
				buf[n++] = 1 | 1 << 2 | 1 << 4;
				buf[n++] = i * step;
				buf[n++] = 2;
				buf[n++] = 40 + 3 * i;
			}
			for (i = 0; i < nr * step + 2; i++) {
				buf[n++] = 1 | (i & 1) << 2;
				buf[n++] = i;
				buf[n++] = i * 3;
				buf[n++] = 8;
			}
			save("memmap_fuzz", buf, n);
		}
	/* The whole address space, and its last page. */
	save("memmap_fuzz", "\1\0\0\0\0\2\x10\x20\7", 9);
	save("memmap_fuzz", "\1\x0a\x80\x40\0\2\x70\x20\7", 9);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: seeds DIR\n");
		return 1;
	}
	dir = argv[1];
	seeds_ring();
	seeds_iommu();
	seeds_iotlb();
	seeds_memmap();
	return 0;
}
