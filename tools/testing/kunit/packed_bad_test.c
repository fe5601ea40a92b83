// SPDX-License-Identifier: GPL-2.0
/*
 * packed_bad_test.c - faults and attacks of the driver that only a packed ring has
 *
 * chain_test.c and indirect_test.c have those of both formats.
 * The tests corrupt descriptors of the mock driver before or after it makes them
 * available.
 */
#include "env_case.h"
#include "iommu.h"
#include "pdriver.h"

#define AVAIL	BIT(7)
#define USED	BIT(15)

static void start_packed(u16 num, u16 at)
{
	start(num, true, at);
	drv_alloc_tables(&e->d, 16);
}

static int packed_bad_init(struct kunit *test)
{
	packed = true;
	start_packed(256, 0x8000 | 200);
	return 0;
}

static struct pdrv_desc *desc(u16 i)
{
	return pdrv_desc_at(&e->d, i);
}

/* Make a chain of @nr descriptors available in one step, to be corrupted. */
static void show_chain(unsigned int nr)
{
	static struct seg buf[1100];
	unsigned int i;

	for (i = 0; i < nr; i++)
		buf[i] = (struct seg){ ENV_RAM + i % 512 * 64, 64, false };
	shim_assert(drv_add(&e->d, buf, nr, 0) >= 0);
	drv_publish(&e->d);
}

/* The next chain is a fault and is not consumed. */
static void expect_fault(struct kunit *test, enum vtap_fault fault)
{
	u16 at = e->r.last_avail;

	KUNIT_EXPECT_EQ(test, env_pop(e), -EIO);
	KUNIT_EXPECT_EQ(test, e->r.last_avail, at);
	env_expect_refusal(test, e, fault);
	KUNIT_EXPECT_EQ(test, (u16)vtap_ring_base(&e->r), at);
}

/* One of the four patterns is available; with the others the ring is empty. */
static void packed_head_bits(struct kunit *test)
{
	static const u16 bits[] = { 0, AVAIL, USED, AVAIL | USED };
	unsigned int i, wrap;

	for (wrap = 0; wrap < 2; wrap++)
		for (i = 0; i < ARRAY_SIZE(bits); i++) {
			bool is_avail = bits[i] == (wrap ? AVAIL : USED);

			start_packed(8, wrap << 15 | 2);
			show_chain(1);
			desc(2)->flags = bits[i];
			KUNIT_EXPECT_EQ(test, vtap_packed_empty(&e->r),
					!is_avail);
			KUNIT_EXPECT_EQ(test, vtap_packed_has_new(&e->r),
					is_avail);
			KUNIT_EXPECT_EQ(test, env_pop(e), is_avail);
			KUNIT_EXPECT_EQ(test, (int)e->r.fault, 0);
		}
}

/* A later descriptor of a chain has the bits of no lap or of the other one. */
static void packed_chain_torn(struct kunit *test)
{
	static const u16 bits[] = { 0, AVAIL, USED, AVAIL | USED };
	unsigned int wrap, nr, bad, i;

	for (wrap = 0; wrap < 2; wrap++)
		for (nr = 2; nr < 150; nr += 13)
			for (bad = 1; bad < nr; bad++)
				for (i = 0; i < ARRAY_SIZE(bits); i++) {
					u32 at = 100 + bad;
					struct pdrv_desc *bad;
					u16 lap = wrap;

					start_packed(151, wrap << 15 | 100);
					show_chain(nr);
					if (at >= 151)
						lap ^= 1;
					if (bits[i] == (lap ? AVAIL : USED))
						continue;
					bad = desc(at % 151);
					bad->flags &= ~(AVAIL | USED);
					bad->flags |= bits[i];
					KUNIT_EXPECT_EQ(test, env_pop(e), -EIO);
					KUNIT_ASSERT_TRUE(test, e->r.fault ==
							  VTAP_FAULT_CHAIN_TORN);
				}
	start_packed(8, 0x8000 | 6);
	show_chain(3);
	desc(0)->flags ^= AVAIL;
	expect_fault(test, VTAP_FAULT_CHAIN_TORN);
}

/* Chains before the bad one are served first. */
static void packed_chains_before_fault(struct kunit *test)
{
	u32 before, i;

	for (before = 0; before < 140; before++) {
		start_packed(150, 0x8000 | 70);
		for (i = 0; i < before; i++)
			show_chain(1);
		show_chain(2);
		desc((70 + before + 1) % 150)->flags ^= AVAIL;
		for (i = 0; i < before; i++)
			KUNIT_ASSERT_EQ(test, env_serve(e, 0), 1);
		KUNIT_EXPECT_EQ(test, env_pop(e), -EIO);
		KUNIT_EXPECT_EQ(test, vtap_packed_publish(&e->r), (int)before);
		KUNIT_EXPECT_EQ(test, e->r.last_used, e->r.last_avail);
		env_expect_refusal(test, e, VTAP_FAULT_CHAIN_TORN);
	}
}

/* Descriptors are reused before they are used: one publish spans many laps. */
static void packed_publish_many_laps(struct kunit *test)
{
	static const u16 nums[] = { 1, 3, 7, 64 };
	unsigned int i, n;
	u16 at, lap;

	for (i = 0; i < ARRAY_SIZE(nums); i++) {
		start_packed(nums[i], 0x8000);
		for (n = 0; n < 300; n++) {
			at = n % nums[i];
			lap = n / nums[i] % 2;
			*desc(at) = (struct pdrv_desc){
				.addr = ENV_RAM, .len = 64, .id = n,
				.flags = lap ? USED : AVAIL,
			};
			KUNIT_ASSERT_EQ(test, env_serve(e, n), 1);
		}
		KUNIT_EXPECT_EQ(test, vtap_packed_publish(&e->r), 300);
		KUNIT_EXPECT_EQ(test, e->r.last_used, e->r.last_avail);
		KUNIT_EXPECT_EQ(test, e->r.last_used & 0x7fff, 300 % nums[i]);
		for (n = 300 - nums[i]; n < 300; n++) {
			lap = n / nums[i] % 2;
			/* the very first entry is written last */
			if (n % nums[i]) {
				KUNIT_EXPECT_EQ(test, desc(n % nums[i])->id, n);
				KUNIT_EXPECT_EQ(test, desc(n % nums[i])->flags,
						DRV_WRITE | (lap ? 0 : AVAIL | USED));
			} else {
				KUNIT_EXPECT_EQ(test, desc(0)->id, 0);
			}
		}
	}
}

/* A chain may have as many descriptors as the ring, but not loop. */
static void packed_chain_loop(struct kunit *test)
{
	static const u16 nums[] = { 1, 2, 3, 63, 64, 65, 1000, 1023 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(nums); i++) {
		u16 last = nums[i] / 2;

		start_packed(nums[i], 0x8000 | (last + 1) % nums[i]);
		show_chain(nums[i]);
		KUNIT_EXPECT_EQ(test, env_pop(e), 1);
		KUNIT_EXPECT_EQ(test, e->c.nr_out, nums[i]);

		start_packed(nums[i], 0x8000 | (last + 1) % nums[i]);
		show_chain(nums[i]);
		desc(last)->flags |= DRV_NEXT;
		expect_fault(test, VTAP_FAULT_CHAIN_LOOP);
	}
}

/* ---- indirect ---- */

static struct pdrv_desc *show_table(void)
{
	struct seg buf[3] = { { ENV_RAM, 64 }, { ENV_RAM, 64 },
				  { ENV_RAM, 64, true } };
	int id;

	start_packed(8, 0x8000 | 5);
	id = drv_add_indirect(&e->d, buf, 3, 0, 0);
	drv_publish(&e->d);
	return (struct pdrv_desc *)drv_table(&e->d, id);
}

/* A table after a buffer, inside the fetch and past it. */
static void packed_indirect_flags(struct kunit *test)
{
	start_packed(8, 0x8000 | 5);
	show_chain(3);
	desc(6)->flags |= DRV_INDIRECT;
	expect_fault(test, VTAP_FAULT_INDIRECT_NEXT);
	start_packed(8, 0x8000 | 7);
	show_chain(2);
	desc(0)->flags |= DRV_INDIRECT;
	expect_fault(test, VTAP_FAULT_INDIRECT_NEXT);
}

/*
 * In a ring of one direction a table has that direction, whether or not WRITE
 * is set in its entries.
 */
static void packed_indirect_one_direction(struct kunit *test)
{
	unsigned int bits, i;
	u8 chains;

	for (chains = VTAP_CHAINS_READABLE; chains <= VTAP_CHAINS_WRITABLE; chains++)
		for (bits = 0; bits < 8; bits++) {
			struct pdrv_desc *t = show_table();
			bool in = chains == VTAP_CHAINS_WRITABLE;

			for (i = 0; i < 3; i++)
				t[i].flags = (bits >> i & 1 ? DRV_WRITE : 0) |
					     (i < 2 ? DRV_NEXT : 0) |
					     (bits & 1 ? AVAIL | USED : 0);
			e->r.chains = chains;
			KUNIT_ASSERT_EQ(test, env_pop(e), 1);
			env_expect_chain(test, e, in ? 0 : 3, in ? 0 : 192,
					 in ? 3 : 0, in ? 192 : 0);
		}
	/* In the ring itself the flag is valid, in both formats. */
	start_packed(8, 0x8000);
	e->r.chains = VTAP_CHAINS_READABLE;
	show_chain(2);
	desc(0)->flags |= DRV_WRITE;
	expect_fault(test, VTAP_FAULT_CHAIN_ORDER);
}

/* ---- fail each access of a pass ---- */

/* Return the number of operations done before the first failure. */
static int pass(void)
{
	int ret = vtap_ring_disable_notify(&e->r, true), i;

	if (ret < 0)
		return ret;
	for (i = 0; i < 100; i++) {
		ret = env_serve(e, 5);
		if (ret <= 0)
			break;
	}
	ret = vtap_ring_publish(&e->r, true);
	if (ret >= 0 && e->r.fault != VTAP_FAULT_RING_ACCESS)
		ret = vtap_ring_needs_call(&e->r, true);
	if (ret >= 0)
		ret = vtap_ring_enable_notify(&e->r, true);
	if (ret >= 0)
		ret = vtap_ring_empty(&e->r, true);
	return ret;
}

/* Plain chains are published by one copy, others entry by entry. */
static void fill(bool plain)
{
	struct seg buf[3] = { { ENV_RAM, 64 }, { ENV_RAM, 64 },
				  { ENV_RAM, 64 } };
	int i;

	start_packed(90, 0x8000 | (plain ? 0 : 70));
	for (i = 0; !plain && i < 20; i++)
		drv_add(&e->d, buf, 3, i);
	for (i = 0; !plain && i < 5; i++)
		drv_add_indirect(&e->d, buf, 3, 0, i);
	for (i = 0; i < (plain ? 60 : 25); i++)
		drv_add(&e->d, buf, 1, i);
	drv_publish(&e->d);
	shim.nr = 0;
}

static void fault_sweep(struct kunit *test, bool plain)
{
	unsigned long at, nr;
	int ret;

	fill(plain);
	KUNIT_ASSERT_EQ(test, pass(), 1);
	nr = shim.nr;
	KUNIT_EXPECT_GE(test, nr, plain ? 10 : 100);
	for (at = 1; at <= nr; at++) {
		u16 used;

		fill(plain);
		shim.fail_at = at;
		ret = pass();
		shim_idle();
		shim.fail_at = 0;
		KUNIT_EXPECT_EQ(test, ret, -EIO);
		KUNIT_EXPECT_TRUE(test,
				  e->r.fault == VTAP_FAULT_RING_ACCESS ||
				  e->r.fault == VTAP_FAULT_INDIRECT_ACCESS);
		/* The driver finds what was published, */
		for (used = e->d.used_idx; used != e->r.last_used;
		     used = e->d.used_idx) {
			unsigned long long cookie;
			u32 len;

			KUNIT_ASSERT_TRUE(test, drv_get(&e->d, &cookie, &len));
		}
		/* and does not see the entry after it. */
		KUNIT_EXPECT_EQ(test, drv_nr_used(&e->d), 0);
		env_expect_refusal(test, e, e->r.fault);
	}
}

static void packed_fault_sweep(struct kunit *test)
{
	fault_sweep(test, false);
	fault_sweep(test, true);
}

static void packed_start_fails(struct kunit *test)
{
	unsigned long at;

	for (at = 1; at <= 2; at++) {
		shim.nr = 0;
		shim.fail_at = at;
		KUNIT_EXPECT_EQ(test, env_start(e, 0x80008000), -EFAULT);
		shim.fail_at = 0;
		shim_idle();
		KUNIT_EXPECT_EQ(test, (int)e->r.fault, 0);
	}
	KUNIT_EXPECT_EQ(test, env_start(e, 0x80008000), 0);
}

/* ---- memory that is missing or not accessible ---- */

/* The ring is written, so a read-only mapping is not enough. */
static void packed_iotlb_permission(struct kunit *test)
{
	struct iommu_shape s = {
		.num = 300, .packed = true, .event_idx = true, .start = 0x8000,
		.place = { 0x100f00, 0x120ffc, 0x140ffc },
	};
	unsigned int i;
	struct iommu *f;
	u8 perm;

	for (i = 0; i < 6; i++) {
		s.kind = i & 1 ? IOMMU_IOTLB_PAGES : IOMMU_IOTLB_LINEAR;
		perm = i / 2 + VHOST_ACCESS_RO;
		f = iommu_new(&s);
		f->perm[iommu_region(f, s.place.desc + 4096)] = perm;
		KUNIT_EXPECT_EQ(test, iommu_map(f),
				perm == VHOST_ACCESS_RW ? 0 : -EIO);
		if (perm != VHOST_ACCESS_RW)
			KUNIT_EXPECT_EQ(test, (int)f->r.fault,
					(int)VTAP_FAULT_IOTLB_DENIED);
		iommu_free(f);
	}
}

static struct kunit_case packed_bad_cases[] = {
	KUNIT_CASE(packed_head_bits),
	KUNIT_CASE(packed_chain_torn),
	KUNIT_CASE(packed_chains_before_fault),
	KUNIT_CASE(packed_publish_many_laps),
	KUNIT_CASE(packed_chain_loop),
	KUNIT_CASE(packed_indirect_flags),
	KUNIT_CASE(packed_indirect_one_direction),
	KUNIT_CASE(packed_fault_sweep),
	KUNIT_CASE(packed_start_fails),
	KUNIT_CASE(packed_iotlb_permission),
	{}
};

static struct kunit_suite packed_bad_suite = {
	.name = "vtap_packed_bad",
	.init = packed_bad_init,
	.exit = end_case,
	.test_cases = packed_bad_cases,
};

kunit_test_suite(packed_bad_suite);
