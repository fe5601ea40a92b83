// SPDX-License-Identifier: GPL-2.0
/*
 * dirty_test.c - the dirty log sets the right bits, no others, and in time
 *
 * dirty.h explains barrier G.
 */
#include "dirty_env.h"

static struct dirty_env *e;

static int dirty_init(struct kunit *test)
{
	e = dirty_env_new();
	return 0;
}

static void dirty_exit(struct kunit *test)
{
	dirty_env_free(e);
}

static void dirty_without_table(struct kunit *test)
{
	dirty_env_expect(test, e);
	vtap_dirty_mark(&e->d, 0x5000, 0);
	vtap_dirty_mark(&e->d, U64_MAX, 0);
	vtap_dirty_mark_user(&e->d, UBASE, 0);
	vtap_dirty_mark_user(&e->d, UBASE, 100);	/* no memory table */
	KUNIT_EXPECT_EQ(test, shim.nr, 0ul);
	dirty_env_expect(test, e);
	KUNIT_EXPECT_FALSE(test, e->d.has_new);
	KUNIT_EXPECT_EQ(test, e->d.pages, 0ull);
}

/* Each page of some words, by its first and by its last byte. */
static void dirty_one_page(struct kunit *test)
{
	u64 page;
	u32 by;

	for (by = 0; by < 8; by++)
		for (page = 0; page < 200; page++) {
			dirty_env_fresh(e, by);
			vtap_dirty_mark(&e->d, page * PAGE + page % 2 * 4095, 1);
			expect_page(e, page);
			dirty_env_expect(test, e);
			KUNIT_EXPECT_TRUE(test, e->d.has_new);
			KUNIT_EXPECT_EQ(test, e->d.pages, 1ull);
		}
}

static void dirty_last_page(struct kunit *test)
{
	u32 by;

	for (by = 0; by < 8; by++) {
		dirty_env_fresh(e, by);
		vtap_dirty_mark(&e->d, LOG_END - 1, 1);
		vtap_dirty_mark(&e->d, 0, 1);
		expect_page(e, LOG_END / PAGE - 1);
		expect_page(e, 0);
		dirty_env_expect(test, e);
	}
}

static void dirty_ranges(struct kunit *test)
{
	static const struct { u64 gpa, len; } r[] = {
		{ 0x0fff, 1 }, { 0x0fff, 2 }, { 0x1000, PAGE },
		{ 0x1000, PAGE + 1 }, { 0x1fff, PAGE }, { 0x1fff, PAGE + 2 },
		{ 31 * PAGE + 4095, 2 },		/* two words */
		{ 7 * PAGE, 130 * PAGE },		/* many */
		{ 1020 * PAGE, 8 * PAGE },		/* slots wrap */
		{ 3 * PAGE + 5, 1500 * PAGE },		/* all slots */
		{ 0, LOG_END },
		{ LOG_END - 1, 1 },
	};
	unsigned int i, by;

	for (i = 0; i < ARRAY_SIZE(r); i++)
		for (by = 0; by < 4; by++) {
			dirty_env_fresh(e, by);
			vtap_dirty_mark(&e->d, r[i].gpa, r[i].len);
			expect_bytes(e, r[i].gpa, r[i].len);
			dirty_env_expect(test, e);
			KUNIT_EXPECT_EQ(test, e->d.pages, nr_expected(e));
		}
}

/* Two words alternate in the same slot. */
static void dirty_slots_collide(struct kunit *test)
{
	const u64 apart = VTAP_DIRTY_SLOTS * 32 * PAGE;
	u32 i, by;

	for (by = 0; by < 4; by++) {
		dirty_env_fresh(e, by);
		for (i = 0; i < 200; i++) {
			u64 gpa = i % 7 * apart + i % 5 * 32 * PAGE +
				  i % 11 * PAGE;

			vtap_dirty_mark(&e->d, gpa, 1);
			expect_page(e, gpa / PAGE);
		}
		dirty_env_expect(test, e);
	}
}

/* ---- number of accesses ---- */

static unsigned long nr_mb;

static void count_mb(void *arg)
{
	nr_mb++;
}

/* Marking makes no access. A flush takes a barrier and an update per word. */
static void dirty_collects_words(struct kunit *test)
{
	u32 i;

	nr_mb = 0;
	shim.at_mb = count_mb;
	for (i = 0; i < VTAP_DIRTY_SLOTS * 32; i++)
		vtap_dirty_mark(&e->d, i * PAGE, 20);
	KUNIT_EXPECT_EQ(test, shim.nr, 0ul);
	KUNIT_EXPECT_EQ(test, nr_mb, 0ul);
	vtap_dirty_flush(&e->d);
	KUNIT_EXPECT_EQ(test, nr_mb, 1ul);
	/* window, load, atomic operation */
	KUNIT_EXPECT_EQ(test, shim.nr, 3ul * VTAP_DIRTY_SLOTS);
	expect_bytes(e, 0, VTAP_DIRTY_SLOTS * 32 * PAGE);
	dirty_env_expect(test, e);
	shim.at_mb = NULL;
}

/* A bit that is already set is read, but neither reported nor counted. */
static void dirty_bits_already_set(struct kunit *test)
{
	vtap_dirty_mark(&e->d, 0, 10 * PAGE);
	expect_bytes(e, 0, 10 * PAGE);
	dirty_env_expect(test, e);
	e->d.has_new = false;
	shim_reset();
	vtap_dirty_mark(&e->d, PAGE, 9 * PAGE);
	dirty_env_expect(test, e);
	KUNIT_EXPECT_EQ(test, shim.nr, 2ul);
	KUNIT_EXPECT_FALSE(test, e->d.has_new);
	KUNIT_EXPECT_EQ(test, e->d.pages, 10ull);
	/* One more page in the same words. */
	vtap_dirty_mark(&e->d, PAGE, 10 * PAGE);
	expect_page(e, 10);
	dirty_env_expect(test, e);
	KUNIT_EXPECT_TRUE(test, e->d.has_new);
	KUNIT_EXPECT_EQ(test, e->d.pages, 11ull);
}

/* ---- the client clears bits meanwhile ---- */

static void take_all(void *arg)
{
	memset(dirty_env_log(e), 0, LOG_BYTES);
}

/*
 * G: the client clears a bit of an earlier round as late as it can without
 * seeing our write. The log must not have read the bit before that.
 */
static void dirty_reads_after_barrier(struct kunit *test)
{
	const u64 apart = VTAP_DIRTY_SLOTS * 32 * PAGE;

	vtap_dirty_mark(&e->d, 0, 64 * PAGE);
	expect_bytes(e, 0, 64 * PAGE);
	dirty_env_expect(test, e);
	shim.at_mb = take_all;
	vtap_dirty_mark(&e->d, 0, 64 * PAGE);
	dirty_env_expect(test, e);

	/* The same when a slot is written to make room. */
	vtap_dirty_mark(&e->d, 5 * PAGE, 1);
	vtap_dirty_mark(&e->d, 5 * PAGE + apart, 1);
	memset(dirty_env_want(e), 0, LOG_BYTES);
	expect_page(e, 5);
	KUNIT_EXPECT_EQ(test, (u32)*dirty_env_log(e), 1u << 5);
	shim.at_mb = NULL;
	expect_page(e, 5 + VTAP_DIRTY_SLOTS * 32);
	dirty_env_expect(test, e);
}

/* The client clears a bit after we read its word to set another bit. */
static void take_word(void *addr, size_t len, void *arg)
{
	if (len == sizeof(u32))
		memset(addr, 0, len);
}

static void dirty_cleared_after_read(struct kunit *test)
{
	vtap_dirty_mark(&e->d, 0, 8 * PAGE);
	expect_bytes(e, 0, 8 * PAGE);
	dirty_env_expect(test, e);
	vtap_dirty_mark(&e->d, 6 * PAGE, 4 * PAGE);
	shim.after_load = take_word;
	memset(dirty_env_want(e), 0, LOG_BYTES);
	/* Bits 6 and 7 were set when read after the write: correct. */
	expect_page(e, 8);
	expect_page(e, 9);
	dirty_env_expect(test, e);
	shim.after_load = NULL;
}

/* ---- a bitmap that cannot be accessed ---- */

static void expect_failed(struct kunit *test, u64 base, u64 gpa)
{
	dirty_env_fresh(e, 0);
	e->d.base = base;
	vtap_dirty_mark(&e->d, gpa, 1);
	vtap_dirty_flush(&e->d);
	shim_idle();
	KUNIT_EXPECT_TRUE(test, e->d.failed);
	KUNIT_EXPECT_FALSE(test, e->d.has_new);
	KUNIT_EXPECT_EQ(test, e->d.pages, 0ull);
	if (gpa >= LOG_END)
		return;
	/* The bits are kept for a bitmap that can be written. */
	e->d.failed = false;
	e->d.base = (uintptr_t)dirty_env_log(e);
	expect_page(e, gpa / PAGE);
	dirty_env_expect(test, e);
	KUNIT_EXPECT_EQ(test, e->d.pages, 1ull);
}

/* Another word needs the slot: its bits are lost and not written elsewhere. */
static void dirty_failed_slot_is_reused(struct kunit *test)
{
	const u64 apart = VTAP_DIRTY_SLOTS * 32;

	e->d.base = 0;
	vtap_dirty_mark(&e->d, 5 * PAGE, 1);
	vtap_dirty_mark(&e->d, (apart + 9) * PAGE, 1);
	KUNIT_EXPECT_TRUE(test, e->d.failed);
	e->d.failed = false;
	e->d.base = (uintptr_t)dirty_env_log(e);
	expect_page(e, apart + 9);
	dirty_env_expect(test, e);
}

static void dirty_outside_user_space(struct kunit *test)
{
	const u64 base = (uintptr_t)dirty_env_log(e);

	expect_failed(test, 0, 0);
	expect_failed(test, TASK_SIZE_MAX, 0);
	expect_failed(test, TASK_SIZE_MAX - 3, 0);
	expect_failed(test, TASK_SIZE_MAX - 8, 64 * PAGE);
	expect_failed(test, 1ull << 63, 0);
	expect_failed(test, U64_MAX, 0);
	expect_failed(test, U64_MAX - 3, 0);
	expect_failed(test, U64_MAX, 31 * PAGE);
	expect_failed(test, base, U64_MAX);
	expect_failed(test, U64_MAX - 100, 1000 * PAGE);
	expect_failed(test, U64_MAX, U64_MAX);
	/* A range that wraps ends at the last page. */
	e->d.base = base;
	vtap_dirty_mark(&e->d, U64_MAX - PAGE, 3 * PAGE);
	vtap_dirty_flush(&e->d);
	KUNIT_EXPECT_TRUE(test, e->d.failed);
	KUNIT_EXPECT_EQ(test, e->d.pages, 0ull);
	/* Just after and just before the bitmap's memory. */
	expect_failed(test, base, LOG_END + AROUND * 8 * PAGE);
	expect_failed(test, base - AROUND - 4, 0);
}

/* A word of the log crosses the end of the address space. */
static void dirty_wraps_at_the_top(struct kunit *test)
{
	unsigned long nr;

	for (nr = 1; nr < 4; nr++) {
		dirty_env_fresh(e, 0);
		e->d.base = U64_MAX - 4 + nr;
		vtap_dirty_mark(&e->d, 0, 32 * PAGE);
		vtap_dirty_flush(&e->d);
		KUNIT_EXPECT_TRUE(test, e->d.failed);
		KUNIT_EXPECT_EQ(test, e->d.pages, 0ull);
	}
}

/* When the ring stops, bits that could not be written are discarded. */
static void dirty_drop_discards_bits(struct kunit *test)
{
	vtap_dirty_mark(&e->d, 0, 100 * PAGE);
	vtap_dirty_drop(&e->d);
	dirty_env_expect(test, e);
	KUNIT_EXPECT_EQ(test, e->d.pages, 0ull);

	e->d.base = 0;
	vtap_dirty_mark(&e->d, 5 * PAGE, 1);
	vtap_dirty_flush(&e->d);
	KUNIT_EXPECT_TRUE(test, e->d.failed);
	vtap_dirty_drop(&e->d);
	KUNIT_EXPECT_FALSE(test, e->d.failed);
	e->d.base = (uintptr_t)dirty_env_log(e);
	vtap_dirty_mark(&e->d, 7 * PAGE, 1);
	expect_page(e, 7);
	dirty_env_expect(test, e);
}

static void dirty_read_only_bitmap(struct kunit *test)
{
	static const enum shim_right right[] = { 0, SHIM_R, SHIM_W };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(right); i++) {
		shim_extent_right(e->mem, right[i] | SHIM_SHARED);
		dirty_env_fresh(e, 0);
		vtap_dirty_mark(&e->d, 5 * PAGE, 1);
		vtap_dirty_flush(&e->d);
		KUNIT_EXPECT_TRUE(test, e->d.failed);
		KUNIT_EXPECT_FALSE(test, e->d.has_new);
		KUNIT_EXPECT_TRUE(test, !memcmp(e->mem, e->want, sizeof(e->want)));
	}
	/* A read-only bitmap is enough if no bit has to be set. */
	shim_extent_right(e->mem, SHIM_R | SHIM_SHARED);
	dirty_env_fresh(e, 0);
	*dirty_env_log(e) = 1 << 5;
	expect_page(e, 5);
	vtap_dirty_mark(&e->d, 5 * PAGE, 1);
	dirty_env_expect(test, e);
	shim_extent_right(e->mem, SHIM_RW | SHIM_SHARED);
}

static void mark_some(void)
{
	static const u64 at[] = { 0, 40, 80, 1064, 1104 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(at); i++) {
		vtap_dirty_mark(&e->d, at[i] * PAGE, 20 * PAGE);
		expect_bytes(e, at[i] * PAGE, 20 * PAGE);
	}
}

/* Fail every access in turn. The failure is reported; no wrong bit is set. */
static void dirty_fault_sweep(struct kunit *test)
{
	unsigned long n, total = 0, in_marks = 0, i;
	u32 by;

	for (by = 0; by < 2; by++)
		for (n = 0; n <= total; n++) {
			dirty_env_fresh(e, by);
			shim_reset();
			shim.fail_at = n;
			mark_some();
			if (!n)
				in_marks = shim.nr;
			vtap_dirty_flush(&e->d);
			shim_idle();
			KUNIT_EXPECT_EQ(test, e->d.failed, n != 0);
			for (i = 0; i < sizeof(e->want); i++)
				KUNIT_EXPECT_EQ(test, 0, e->mem[i] &
						~e->want[i]);
			if (!n)
				total = shim.nr;
			else
				KUNIT_EXPECT_LT(test, e->d.pages, nr_expected(e));
			/* Only slots that had to make room lose bits. */
			e->d.failed = false;
			if (n > in_marks || !n)
				dirty_env_expect(test, e);
		}
	KUNIT_EXPECT_GT(test, in_marks, 5ul);
	KUNIT_EXPECT_GT(test, total, in_marks + 10);
}

/* ---- range checks of the bitmap ---- */

static void dirty_range_ok(struct kunit *test)
{
	const u64 top = TASK_SIZE_MAX;
	static const struct {
		u64 below_top, gpa, len;
		bool ok;
	} t[] = {
		{ 1, 0, 1, true },
		{ 1, 0, 8 * PAGE - 1, true },
		{ 1, 7 * PAGE, PAGE - 1, true },
		{ 1, 8 * PAGE, 1, false },
		{ 1, 0, 8 * PAGE + 1, false },
		{ 1, 7 * PAGE, 2 * PAGE, false },	/* bits 7 and 8 */
		{ 1, 8 * PAGE - 1, 2, false },
		{ 2, 8 * PAGE - 1, 2, true },
		{ 100, 792 * PAGE, 8 * PAGE - 1, true },
		{ 100, 792 * PAGE, 8 * PAGE + 1, false },
		{ 1ull << 40, U64_MAX, 1, false },
		{ 1ull << 40, U64_MAX, 2, false },	/* wraps */
		{ 1, 7 * PAGE, 0, true },
		{ 1, 8 * PAGE, 0, false },
		{ 1ull << 40, 0, U64_MAX, false },
		{ 1ull << 20, 0, 1ull << 40, false },
		{ 1ull << 25, 0, (1ull << 40) - 1, true },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(t); i++)
		KUNIT_EXPECT_TRUE_MSG(test, vtap_dirty_range_ok(top -
				      t[i].below_top, t[i].gpa, t[i].len) ==
				      t[i].ok, "row %u", i);
	KUNIT_EXPECT_FALSE(test, vtap_dirty_range_ok(U64_MAX, 0, 1));
	KUNIT_EXPECT_FALSE(test, vtap_dirty_range_ok(U64_MAX, 8 * PAGE, 1));
	KUNIT_EXPECT_FALSE(test, vtap_dirty_range_ok(1ull << 63, 0, 1));
	/* base + byte wraps to valid memory */
	KUNIT_EXPECT_FALSE(test, vtap_dirty_range_ok(U64_MAX - 10,
						     8 * 0x20 * PAGE, 1));
	KUNIT_EXPECT_TRUE(test, vtap_dirty_range_ok(0, U64_MAX, 1) ==
			  (U64_MAX / PAGE / 8 < TASK_SIZE_MAX));
}

static void dirty_map_ok(struct kunit *test)
{
	struct vhost_memory_region r[] = {
		reg(0, 8 * PAGE, UBASE),
		reg(800 * PAGE, 8 * PAGE - 1, UBASE + 100 * PAGE),
	};

	dirty_env_map(e, r, 2);
	KUNIT_EXPECT_TRUE(test, vtap_dirty_map_ok(0x1000, e->map));
	KUNIT_EXPECT_TRUE(test, vtap_dirty_map_ok(TASK_SIZE_MAX - 101, e->map));
	KUNIT_EXPECT_FALSE(test, vtap_dirty_map_ok(TASK_SIZE_MAX - 100, e->map));
	KUNIT_EXPECT_FALSE(test, vtap_dirty_map_ok(U64_MAX, e->map));
	dirty_env_map(e, r, 0);
	KUNIT_EXPECT_TRUE(test, vtap_dirty_map_ok(0x1000, e->map));
}

static struct kunit_case dirty_cases[] = {
	KUNIT_CASE(dirty_without_table),
	KUNIT_CASE(dirty_one_page),
	KUNIT_CASE(dirty_last_page),
	KUNIT_CASE(dirty_ranges),
	KUNIT_CASE(dirty_slots_collide),
	KUNIT_CASE(dirty_collects_words),
	KUNIT_CASE(dirty_bits_already_set),
	KUNIT_CASE(dirty_reads_after_barrier),
	KUNIT_CASE(dirty_cleared_after_read),
	KUNIT_CASE(dirty_outside_user_space),
	KUNIT_CASE(dirty_wraps_at_the_top),
	KUNIT_CASE(dirty_failed_slot_is_reused),
	KUNIT_CASE(dirty_drop_discards_bits),
	KUNIT_CASE(dirty_read_only_bitmap),
	KUNIT_CASE(dirty_fault_sweep),
	KUNIT_CASE(dirty_range_ok),
	KUNIT_CASE(dirty_map_ok),
	{}
};

static struct kunit_suite dirty_suite = {
	.name = "vtap_dirty",
	.init = dirty_init,
	.exit = dirty_exit,
	.test_cases = dirty_cases,
};

kunit_test_suite(dirty_suite);
