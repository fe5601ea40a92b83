// SPDX-License-Identifier: GPL-2.0
/*
 * env.c - a ring with a mock driver, for tests
 */
#include "env.h"
#include "pdriver.h"

const struct env_format env_formats[2] = {
	{ "split", false },
	{ "packed", true },
};

void env_map(struct env *e)
{
	struct vhost_memory_region *reg = calloc(GMEM_MAX, sizeof(*reg));
	unsigned int i;

	shim_assert(reg);
	for (i = 0; i < e->g.nr; i++)
		gmem_fill_entry(&reg[i], &e->g.r[i]);
	vtap_memmap_free(e->map);
	e->map = vtap_memmap_build(reg, e->g.nr);
	free(reg);
	shim_assert(!IS_ERR(e->map));
	vtap_mem_init(&e->m, e->map);
}

int env_start(struct env *e, u32 base)
{
	e->cfg = (struct vtap_ring_cfg){
		.num = e->d.num,
		.desc = (uintptr_t)e->d.desc,
		.avail = (uintptr_t)e->d.avail,
		.used = (uintptr_t)e->d.used,
		.packed = e->d.packed,
		.event_idx = e->d.event_idx,
		.call_on_empty = e->cfg.call_on_empty,
	};
	shim_assert(vtap_ring_memory_ok(&e->cfg));
	return vtap_ring_start(&e->r, &e->cfg, base);
}

struct env *env_new(bool packed, u16 num, bool event_idx, u16 start)
{
	struct env *e = calloc(1, sizeof(*e));

	shim_assert(e);
	e->start = start;
	gmem_add(&e->g, ENV_RAM, ENV_RAM_SIZE);
	if (packed)
		drv_init_packed(&e->d, &e->g, num, event_idx, start);
	else
		drv_init(&e->d, &e->g, num, event_idx, start);
	env_map(e);
	shim_assert(!env_start(e, packed ? start | (u32)start << 16 : start));
	return e;
}

void env_free(struct env *e)
{
	if (!e)
		return;
	shim_idle();
	vtap_memmap_free(e->map);
	drv_exit(&e->d);
	gmem_free(&e->g);
	free(e);
}

u16 env_step(const struct env *e, u16 at, u16 nr)
{
	return e->d.packed ? pdrv_step(&e->d, at, nr) : (u16)(at + nr);
}

#ifdef __KERNEL__
static void save_seed(const struct env *e)
{
}
#else
/*
 * If VTAP_SEEDS=DIR is in the environment, each distinct state before a pop is
 * written there as an input for fuzz/chain_fuzz.c.
 */
static void save_seed(const struct env *e)
{
	const char *dir = getenv("VTAP_SEEDS");
	u8 buf[8 + 64 * 16 + 2048] = {};
	u64 hash = 14695981039346656037ull;
	size_t n = 0, i, len;
	char path[4096];
	FILE *f;

	if (!dir || e->d.packed || e->d.num > 64 || e->r.last_avail == e->d.shown_idx)
		return;
	buf[n++] = __builtin_ctz(e->d.num);
	n++;
	buf[n++] = e->d.avail->ring[e->r.last_avail & (e->d.num - 1)];
	n += 5;
	memcpy(buf + n, e->d.desc, drv_desc_size(e->d.num));
	n += drv_desc_size(e->d.num);
	memcpy(buf + n, gmem_hva(&e->g, ENV_RAM + 0x8000, 2048), 2048);
	for (len = n + 2048; len && !buf[len - 1]; len--)
		;
	for (i = 0; i < len; i++)
		hash = (hash ^ buf[i]) * 1099511628211ull;
	snprintf(path, sizeof(path), "%s/unit-%016llx", dir, hash);
	f = fopen(path, "w");
	shim_assert(f && fwrite(buf, 1, len, f) == len);
	fclose(f);
}
#endif

int env_pop(struct env *e)
{
	int ret;

	save_seed(e);
	e->c.iov = e->iov;
	e->c.iov_max = ARRAY_SIZE(e->iov);
	ret = vtap_ring_pop(&e->r, &e->m, &e->c, e->r.packed);
	shim_idle();
	return ret;
}

void env_add(struct env *e, unsigned int nr, u64 cookie)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		struct seg b = {
			.gpa = ENV_RAM + (cookie + i) % 256 * 2048,
			.len = 64 + (cookie + i) % 1024,
		};

		shim_assert(drv_add(&e->d, &b, 1, cookie + i) >= 0);
	}
}

int env_serve(struct env *e, u32 len)
{
	int ret = env_pop(e);

	if (ret == 1)
		shim_assert(!vtap_ring_stage(&e->r, e->c.head, len,
					     e->r.packed));
	return ret;
}

void env_expect_served(struct kunit *test, struct env *e, u32 nr, u64 cookie)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		KUNIT_ASSERT_EQ(test, env_serve(e, (cookie + i) * 3), 1);
		KUNIT_EXPECT_EQ(test, e->c.out_len, 64 + (cookie + i) % 1024);
	}
}

void env_expect_chain(struct kunit *test, const struct env *e, u32 nr_out, u64 out_len,
		      u32 nr_in, u64 in_len)
{
	KUNIT_EXPECT_EQ(test, (u32)e->c.nr_out, nr_out);
	KUNIT_EXPECT_EQ(test, e->c.out_len, out_len);
	KUNIT_EXPECT_EQ(test, (u32)e->c.nr_in, nr_in);
	KUNIT_EXPECT_EQ(test, e->c.in_len, in_len);
}

void env_expect_used(struct kunit *test, struct env *e, u32 nr, u64 cookie)
{
	unsigned long long got = 0;
	u32 i, len = 0;

	for (i = 0; i < nr; i++) {
		KUNIT_ASSERT_TRUE(test, drv_get(&e->d, &got, &len));
		KUNIT_EXPECT_EQ(test, got, cookie + i);
		KUNIT_EXPECT_EQ(test, len, (u32)(cookie + i) * 3);
	}
	KUNIT_EXPECT_FALSE(test, drv_get(&e->d, &got, &len));
	KUNIT_EXPECT_TRUE(test, !e->d.broken);
}

void env_use(struct kunit *test, struct env *e, u32 nr)
{
	u32 i;

	env_add(e, nr, 0);
	drv_publish(&e->d);
	for (i = 0; i < nr; i++)
		KUNIT_ASSERT_EQ(test, env_serve(e, 0), 1);
	KUNIT_ASSERT_EQ(test, vtap_ring_publish(&e->r, e->r.packed), (int)nr);
}

void env_take_all(struct env *e)
{
	unsigned long long cookie;
	u32 len;

	while (drv_get(&e->d, &cookie, &len))
		;
}

void env_set_desc(struct env *e, u16 i, u64 gpa, u32 len, u16 flags, u16 next)
{
	e->d.desc[i] = (struct drv_desc){ gpa, len, flags, next };
}

int env_offer(struct env *e, u16 head)
{
	drv_put_avail(&e->d, head);
	drv_publish(&e->d);
	return env_pop(e);
}

void env_show_chain(struct env *e, const struct drv_desc *desc, unsigned int nr)
{
	const struct drv_desc *d = desc;
	unsigned int i;
	u16 flags;

	for (i = 0; i < nr; i++, d++) {
		flags = d->flags | (i + 1 < nr ? DRV_NEXT : 0);
		if (e->d.packed)
			pdrv_put(&e->d, &(struct pdrv_desc){ d->addr, d->len, 0, flags }, !i);
		else
			env_set_desc(e, i, d->addr, d->len, flags, i + 1 < nr ? i + 1 : 0xdead);
	}
	if (!e->d.packed)
		drv_put_avail(&e->d, 0);
	drv_publish(&e->d);
}

int env_offer_chain(struct env *e, const struct drv_desc *desc, unsigned int nr)
{
	env_show_chain(e, desc, nr);
	return env_pop(e);
}

bool env_chain_ok(const struct env *e, const struct vtap_chain *c)
{
	u64 sum[2] = {};
	int i;

	(void)e;
	for (i = 0; i < c->nr_out + c->nr_in; i++) {
		if (!c->iov[i].iov_len ||
		    !shim_extent_has(c->iov[i].iov_base, c->iov[i].iov_len,
				     SHIM_R))
			return false;
		sum[i >= c->nr_out] += c->iov[i].iov_len;
	}
	return sum[0] == c->out_len && sum[1] == c->in_len &&
	       c->nr_out + c->nr_in <= c->iov_max;
}

void env_expect_refusal(struct kunit *test, struct env *e,
			enum vtap_fault fault)
{
	bool no_access = fault == VTAP_FAULT_RING_ACCESS;
	u16 avail = e->r.last_avail, used = e->r.last_used;
	unsigned long nr = shim.nr;

	KUNIT_EXPECT_EQ(test, (int)e->r.fault, (int)fault);
	KUNIT_EXPECT_EQ(test, env_pop(e), -EIO);
	KUNIT_EXPECT_EQ(test, vtap_ring_stage(&e->r, 0, 0, e->r.packed), -EIO);
	KUNIT_EXPECT_EQ(test, vtap_ring_publish(&e->r, e->r.packed), no_access ? -EIO : 0);
	KUNIT_EXPECT_EQ(test, vtap_ring_empty(&e->r, e->r.packed), -EIO);
	KUNIT_EXPECT_EQ(test, vtap_ring_has_new(&e->r, e->r.packed), -EIO);
	KUNIT_EXPECT_EQ(test, vtap_ring_disable_notify(&e->r, e->r.packed),
			-EIO);
	KUNIT_EXPECT_EQ(test, vtap_ring_enable_notify(&e->r, e->r.packed),
			-EIO);
	KUNIT_EXPECT_EQ(test, shim.nr, nr);
	if (no_access)
		KUNIT_EXPECT_EQ(test, vtap_ring_needs_call(&e->r, e->r.packed),
				-EIO);
	else
		KUNIT_EXPECT_GE(test, vtap_ring_needs_call(&e->r, e->r.packed),
				0);
	KUNIT_EXPECT_EQ(test, (int)e->r.fault, (int)fault);
	KUNIT_EXPECT_EQ(test, e->r.last_avail, avail);
	KUNIT_EXPECT_EQ(test, e->r.last_used, used);
	shim_idle();
}
