// SPDX-License-Identifier: GPL-2.0
/*
 * placement_test.c - one guest program with four kinds of memory mapping
 *
 * The program runs with a memory table, linear and of single pages, and with
 * the IOTLB, linear and scattered. In each run the device must see the same
 * packets, and the guest the same used entries and the same memory. With the
 * IOTLB, mappings are removed between passes and misses are answered late. With
 * the dirty log, the bitmap must match the stores exactly after each pass.
 *
 * Chains are used in the order they were made available, sometimes several for
 * one packet, as VIRTIO_F_IN_ORDER requires.
 */
#include "iommu.h"

#define ROUNDS		120
#define MAX_ADD		64
#define MAX_BUFS	6
#define SLOT		2048u	/* address of a chain's buffers */

struct program {
	u16 num;
	bool event_idx;
	u64 seed;
};

/* Observable result of a run. */
struct outcome {
	u64 packets;		/* hash of all data that the device read */
	u64 used;		/* hash of the used entries */
	u64 memory;		/* hash of RAM at the end */
	u64 ring;		/* hash of the device area at the end */
	u32 nr_chains;
};

struct chain {
	u32 nr_in;
	u64 in_at[MAX_BUFS];
	u32 in_len[MAX_BUFS];
};

struct run {
	struct kunit *test;
	struct iommu *f;
	struct rnd prog;	/* choices of the guest, equal in each run */
	struct rnd env;		/* all other choices */
	struct outcome out;
	struct chain chain[MAX_ADD];
	u32 nr_late;
};

static struct iommu *now;

static void hash(u64 *h, const void *from, size_t len)
{
	const u8 *p = from;

	while (len--)
		*h = (*h ^ *p++) * 1099511628211ull;
}

/* ---- the guest ---- */

static void add_one(struct run *t, u32 i)
{
	u32 nr = 1 + rnd_below(&t->prog, MAX_BUFS), nr_out, k, n;
	bool indirect = rnd_below(&t->prog, 3) == 0;
	struct seg buf[MAX_BUFS];
	struct chain *c = &t->chain[i];
	static u8 data[SLOT];

	nr_out = rnd_below(&t->prog, nr + 1);
	*c = (struct chain){};
	for (k = 0; k < nr; k++) {
		/* In the chain's own slot, or across the end of a page. */
		u64 at = IOMMU_RAM + i * SLOT % (IOMMU_RAM_SIZE / 2) +
			 k * (SLOT / MAX_BUFS);
		u32 len = rnd_below(&t->prog, SLOT / MAX_BUFS);

		at += rnd_below(&t->prog, SLOT / MAX_BUFS - len);
		for (n = 0; n < len; n++)
			data[n] = rnd(&t->prog);
		iommu_write(t->f, at, data, len);
		buf[k] = (struct seg){ at, len, k >= nr_out };
		if (k >= nr_out) {
			c->in_at[c->nr_in] = at;
			c->in_len[c->nr_in++] = len;
		}
	}
	if (!indirect && nr > t->f->d.nr_free)
		indirect = true;
	KUNIT_ASSERT_GE(t->test, indirect ?
			drv_add_indirect(&t->f->d, buf, nr, 0, i) :
			drv_add(&t->f->d, buf, nr, i), 0);
}

static void take(struct run *t, u32 nr)
{
	unsigned long long cookie;
	u32 i, k, len;

	for (i = 0; i < nr; i++) {
		const struct chain *c = &t->chain[i];
		static u8 data[SLOT];

		KUNIT_ASSERT_TRUE(t->test, drv_get(&t->f->d, &cookie, &len));
		KUNIT_ASSERT_EQ(t->test, cookie, (u64)i);	/* in order */
		hash(&t->out.used, &len, sizeof(len));
		for (k = 0; k < c->nr_in; k++) {
			iommu_read(t->f, data, c->in_at[k], c->in_len[k]);
			hash(&t->out.used, data, c->in_len[k]);
		}
	}
	KUNIT_EXPECT_FALSE(t->test, drv_get(&t->f->d, &cookie, &len));
	KUNIT_EXPECT_TRUE(t->test, !t->f->d.broken);
}

/* ---- the client of the IOTLB ---- */

/* Remove a mapping, or add one that did not miss. */
static void disturb(struct run *t)
{
	struct iommu *f = t->f;
	u32 i = rnd_below(&t->env, f->g.nr);
	const struct gmem_region *r = &f->g.r[i];

	if (!iommu_has_iotlb(f))
		return;
	switch (rnd_below(&t->env, 8)) {
	case 0:
		iommu_invalidate(f, 0, U64_MAX);
		break;
	case 1:
	case 2:
	case 3:
		iommu_invalidate(f, r->gpa, r->gpa + IOMMU_PAGE - 1);
		break;
	case 4:
		iommu_invalidate(f, r->gpa +
				 rnd_below(&t->env, IOMMU_PAGE),
				 r->gpa + 3 * IOMMU_PAGE);
		break;
	default:
		iommu_update(f, r->gpa, IOMMU_PAGE, r->hva,
			     VHOST_ACCESS_RW);
	}
}

/* ---- the device ---- */

/* Answer a miss at once, or after another event. */
static void answer(struct run *t)
{
	u64 iova = t->f->tlb.miss_iova;

	while (rnd_below(&t->env, 4) == 0) {
		disturb(t);
		t->nr_late++;
	}
	t->f->tlb.miss_iova = iova;
	KUNIT_ASSERT_TRUE(t->test, iommu_answer(t->f));
}

/* Map the ring, as before each pass. */
static void begin(struct run *t)
{
	struct iommu *f = t->f;
	int err;

	while (!f->r.mapped || !f->r.loaded) {
		err = vtap_ring_map(&f->r, &f->m, &f->cfg);
		shim_idle();
		if (err == -EAGAIN)
			answer(t);
		else
			KUNIT_ASSERT_EQ(t->test, err, 0);
	}
}

static void end(struct run *t)
{
	if (t->f->shape.log)
		iommu_expect_log(t->test, t->f);
}

static u32 serve(struct run *t)
{
	const struct vtap_chain *c = &t->f->c;
	u32 written = 0, room, part, i;
	static u8 data[SLOT * 2];

	for (i = 0; i < c->nr_out; i++) {
		KUNIT_ASSERT_EQ(t->test, 0ul,
				vtap_user_copy_in(data, c->iov[i].iov_base,
						  c->iov[i].iov_len));
		hash(&t->out.packets, data, c->iov[i].iov_len);
	}
	room = rnd_below(&t->prog, c->in_len + 1);
	for (; i < c->nr_out + c->nr_in && room; i++) {
		part = min_t(u64, room, c->iov[i].iov_len);
		memset(data, t->out.nr_chains + written, part);
		KUNIT_ASSERT_EQ(t->test, 0ul,
				vtap_user_copy_out(c->iov[i].iov_base, data, part));
		if (t->f->shape.log)
			vtap_dirty_mark_user(&t->f->log,
					     (uintptr_t)c->iov[i].iov_base,
					     part);
		written += part;
		room -= part;
	}
	t->out.nr_chains++;
	return written;
}

/* Run a pass over up to @nr chains; false if a miss ended it. */
static bool pass(struct run *t, u32 nr, u32 *done)
{
	struct iommu *f = t->f;
	u32 staged = 0;
	int ret = 1;

	begin(t);
	vtap_split_disable_notify(&f->r);
	while (staged < nr) {
		f->c.iov = f->iov;
		f->c.iov_max = ARRAY_SIZE(f->iov);
		ret = vtap_split_pop(&f->r, &f->m, &f->c);
		shim_idle();
		if (ret != 1)
			break;
		KUNIT_ASSERT_EQ(t->test, 0,
				vtap_split_stage(&f->r, f->c.head, serve(t)));
		staged++;
	}
	KUNIT_ASSERT_TRUE(t->test, ret == 1 || ret == -EAGAIN);
	KUNIT_ASSERT_EQ(t->test, vtap_split_publish(&f->r), (int)staged);
	vtap_split_enable_notify(&f->r);
	end(t);
	*done += staged;
	return ret == 1;
}

static void one_round(struct run *t)
{
	u32 nr = 1 + rnd_below(&t->prog, min_t(u32, MAX_ADD, t->f->d.num));
	u32 done = 0, i;

	for (i = 0; i < nr && t->f->d.nr_free; i++)
		add_one(t, i);
	nr = i;
	drv_publish(&t->f->d);
	while (done < nr) {
		if (!pass(t, min_t(u32, nr - done, 1 + rnd_below(&t->env, 70)),
			  &done))
			answer(t);
		while (rnd_below(&t->env, 3) == 0)
			disturb(t);
	}
	take(t, nr);
}

static void finish(struct run *t)
{
	struct iommu *f = t->f;
	static u8 page[IOMMU_PAGE];
	u32 i;

	/* The tables in the upper half hold addresses, equal in each run. */
	for (i = 0; i < IOMMU_RAM_PAGES; i++) {
		iommu_read(f, page, IOMMU_RAM + i * IOMMU_PAGE,
			   IOMMU_PAGE);
		hash(&t->out.memory, page, IOMMU_PAGE);
	}
	for (i = 2; i < drv_used_size(f->d.num, f->d.event_idx) / 2; i++)
		hash(&t->out.ring, drv_used_at(&f->d, i), 2);
	KUNIT_EXPECT_EQ(t->test, f->d.nr_free, f->d.num);
}

static void placement_exit(struct kunit *test)
{
	shim.after_store = NULL;
	iommu_free(now);
	now = NULL;
	shim_reset();
}

static struct outcome execute(struct kunit *test, const struct program *p,
			      enum iommu_kind kind, bool log, u64 env_seed)
{
	struct iommu_shape s = {
		.kind = kind, .num = p->num, .event_idx = p->event_idx,
		.start = 0xfff8, .seed = env_seed, .log = log,
		.place = { 0x100ff0, 0x120ffe, 0x140ffc },
	};
	static struct run t;	/* too large for a kernel stack */
	u32 i;

	t = (struct run){
		.test = test, .f = now = iommu_new(&s),
		.prog = { p->seed }, .env = { env_seed },
	};
	if (log) {
		iommu_watch(t.f);
		/* Earlier stores were not recorded: start again. */
		KUNIT_ASSERT_EQ(test, iommu_start(t.f, s.start), 0);
	}
	for (i = 0; i < ROUNDS; i++)
		one_round(&t);
	finish(&t);
	if (kind == IOMMU_IOTLB_PAGES)
		KUNIT_EXPECT_GT(test, t.f->nr_misses, 20ul);
	placement_exit(test);
	return t.out;
}

static void meta(struct kunit *test, bool log)
{
	static const u16 nums[] = { 2, 16, 64, 256, 1024 };
	enum iommu_kind kind;
	struct outcome first, o;
	struct program p;
	u32 i;

	for (i = 0; i < 2 * ARRAY_SIZE(nums); i++) {
		p = (struct program){ nums[i / 2], i & 1, 100 + i };
		first = execute(test, &p, IOMMU_TABLE_LINEAR, false, 1);
		KUNIT_EXPECT_GT(test, first.nr_chains, ROUNDS);
		for (kind = IOMMU_TABLE_LINEAR; kind < NR_IOMMU_KINDS;
		     kind++) {
			o = execute(test, &p, kind, log, 7 * i + kind);
			KUNIT_EXPECT_EQ(test, o.nr_chains, first.nr_chains);
			KUNIT_EXPECT_EQ(test, o.packets, first.packets);
			KUNIT_EXPECT_EQ(test, o.used, first.used);
			KUNIT_EXPECT_EQ(test, o.memory, first.memory);
			KUNIT_EXPECT_EQ(test, o.ring, first.ring);
		}
	}
}

static void placement_same_packets(struct kunit *test)
{
	meta(test, false);
}

static void placement_same_packets_logged(struct kunit *test)
{
	meta(test, true);
}

static struct kunit_case placement_cases[] = {
	KUNIT_CASE(placement_same_packets),
	KUNIT_CASE(placement_same_packets_logged),
	{}
};

static struct kunit_suite placement_suite = {
	.name = "vtap_placement",
	.exit = placement_exit,
	.test_cases = placement_cases,
};

kunit_test_suite(placement_suite);
