// SPDX-License-Identifier: GPL-2.0
/*
 * twin_fuzz.c - one guest program on a split ring and on a packed one
 *
 * Two rings of the same size over the same memory run in lock step. After each call both
 * must have returned the same, found the same packets in the same segments, and given
 * the driver the same entries back. Both rings get the same descriptor errors.
 *
 * Input: log2 of the size (1), 1: event index (1), then operations.
 */
#include "fuzz.h"
#include "pdriver.h"

#define MAX_BUFS	8
#define MAX_OUT		300

enum {
	ADD, ADD_INDIRECT, ADD_BAD, SHOW, POP, UNPOP, STAGE, PUBLISH, TAKE,
	KICK_OFF, KICK_ON, RESTART, CALL, NR_OPS
};

struct twin {
	struct fuzz_ring f;
	u32 out[MAX_OUT];
};

static struct twin twin[2];	/* split, packed */
static struct input in;
static u32 nr_out, nr_staged, nr_added;
static bool may_unpop;

#define each(t)	for (t = twin; t < twin + 2; t++)

static void start(void)
{
	u16 num = 1 << in8(&in) % 9;
	bool event_idx = in8(&in) & 1;
	struct gmem *ram = fuzz_ram();
	struct twin *t;

	each(t) {
		const bool packed = t != twin;

		fuzz_ring_init(&t->f, ram, num, packed, event_idx, packed ? 0x8000 : 0);
		/* Each uses its own half of RAM for tables, as their formats differ. */
		t->f.d.table_max = MAX_BUFS;
		t->f.d.table_gpa = FUZZ_RAM + 0x2000 + (packed ? 0x7000 : 0);
		shim_assert(vtap_ring_memory_ok(&t->f.cfg));
		shim_assert(!vtap_ring_start(&t->f.r, &t->f.cfg,
					     packed ? 0x8000 : 0));
	}
	nr_out = 0;
	nr_staged = 0;
	nr_added = 0;
	may_unpop = false;
}

static void add(int op)
{
	unsigned int nr = in8(&in) % MAX_BUFS + 1, i;
	struct seg buf[MAX_BUFS];
	bool write = false;
	struct twin *t;
	int ret[2];

	/* One table for each head, as far as they fit. */
	if (op == ADD_INDIRECT && twin->f.d.num > 32)
		op = ADD;
	for (i = 0; i < nr; i++) {
		u16 place = in16(&in), len = in16(&in);

		write = op == ADD_BAD ? len >> 15 : write | len >> 15;
		buf[i] = (struct seg){ FUZZ_RAM + place, len & 0xfff,
					   write };
		if (op == ADD_BAD && len & 0x4000)
			buf[i].gpa = FUZZ_VOID - 16 + place;
	}
	each(t)
		ret[t - twin] = op == ADD_INDIRECT ?
			drv_add_indirect(&t->f.d, buf, nr, 0, nr_added) :
			drv_add(&t->f.d, buf, nr, nr_added);
	shim_assert((ret[0] < 0) == (ret[1] < 0));
	nr_added += ret[0] >= 0;
}

static void same_chain(void)
{
	const struct vtap_chain *a = &twin[0].f.c, *b = &twin[1].f.c;

	shim_assert(a->nr_out == b->nr_out && a->nr_in == b->nr_in);
	shim_assert(a->out_len == b->out_len && a->in_len == b->in_len);
	shim_assert(a->cost == b->cost);
	shim_assert(!memcmp(a->iov, b->iov,
			    (a->nr_out + a->nr_in) * sizeof(*a->iov)));
	fuzz_check_chain(a);
}

/* Pop the next chain of both. Return: 1, or the other result of both. */
static int pop(u8 room)
{
	struct twin *t;
	int ret[2];

	each(t) {
		t->f.c.iov = t->f.iov;
		t->f.c.iov_max = room ? room : VTAP_CHAIN_MAX;
		ret[t - twin] = vtap_ring_pop(&t->f.r, &t->f.m, &t->f.c, t != twin);
		shim_idle();
	}
	shim_assert(ret[0] == ret[1]);
	shim_assert(twin[0].f.r.fault == twin[1].f.r.fault);
	if (ret[0] != 1)
		return ret[0];
	same_chain();
	each(t)
		t->out[nr_out] = t->f.c.head;
	nr_out++;
	may_unpop = true;
	return 1;
}

static void stage(u32 nr)
{
	struct twin *t;
	u32 i;

	nr = min_t(u32, nr, nr_out);
	each(t) {
		for (i = 0; i < nr; i++)
			vtap_ring_stage(&t->f.r, t->out[i], nr_staged * 5 + i,
					t != twin);
		memmove(t->out, t->out + nr, (nr_out - nr) * sizeof(*t->out));
	}
	if (!nr || twin->f.r.fault)
		return;
	nr_staged += nr;
	nr_out -= nr;
	may_unpop = false;
}

static void unpop(u32 nr)
{
	struct twin *t;

	nr = may_unpop ? min_t(u32, nr, nr_out) : 0;
	each(t)
		vtap_ring_discard(&t->f.r, t->out + nr_out - nr, nr, t != twin);
	nr_out -= nr;
}

/* Run an operation that must have the same result on both. */
#define both(verb) ({							\
	int __a = vtap_ring_##verb(&twin[0].f.r, false);			\
	int __b = vtap_ring_##verb(&twin[1].f.r, true);			\
									\
	shim_idle();							\
	shim_assert(__a == __b);					\
	__a;								\
})

static void publish(void)
{
	if (both(publish) <= 0)
		return;
	nr_staged = 0;
	/* With event indices, the two use different words. */
	if (!twin->f.cfg.event_idx)
		both(needs_call);
}

static void take(void)
{
	unsigned long long cookie[2];
	bool got[2];
	u32 len[2];
	int i;

	do {
		for (i = 0; i < 2; i++)
			got[i] = drv_get(&twin[i].f.d, &cookie[i], &len[i]);
		shim_assert(got[0] == got[1]);
		shim_assert(!got[0] || (cookie[0] == cookie[1] &&
					len[0] == len[1]));
		shim_assert(!twin[0].f.d.broken && !twin[1].f.d.broken);
	} while (got[0]);
	shim_assert(twin[0].f.d.nr_free == twin[1].f.d.nr_free);
}

static void restart(void)
{
	struct twin *t;

	stage(may_unpop ? 0 : nr_out);
	unpop(nr_out);
	publish();
	if (nr_out || nr_staged)
		return;
	each(t)
		shim_assert(!vtap_ring_start(&t->f.r, &t->f.cfg,
					     vtap_ring_base(&t->f.r)));
}

static void step(int op)
{
	struct twin *t;
	u32 nr;
	u8 arg;

	switch (op) {
	case SHOW:
		each(t)
			drv_publish(&t->f.d);
		return;
	case POP:
		nr = in8(&in);
		arg = in8(&in);
		while (nr-- && nr_out + nr_staged < MAX_OUT && pop(arg) == 1)
			;
		return;
	case UNPOP:
		return unpop(in8(&in));
	case STAGE:
		return stage(in8(&in) + 1u);
	case PUBLISH:
		return publish();
	case TAKE:
		return take();
	case KICK_OFF:
		both(disable_notify);
		return;
	case KICK_ON:
		/*
		 * The end of the ring limits look-ahead. This makes no difference only if
		 * the ring was seen empty before.
		 */
		if (!pop(0) && both(enable_notify) >= 0)
			both(empty);
		return;
	case RESTART:
		return restart();
	case CALL:
		arg = in8(&in);
		each(t) {
			if (arg & 1)
				drv_call_on(&t->f.d);
			else
				drv_call_off(&t->f.d);
		}
		return;
	default:
		return add(op);
	}
}

int fuzz_one(const u8 *data, size_t size)
{
	struct twin *t;

	shim_reset();
	in = (struct input){ data, size };
	start();
	while (in.left && !twin->f.r.fault) {
		step(in8(&in) % NR_OPS);
		shim_assert((u8)twin[0].f.r.fault == twin[1].f.r.fault);
	}
	if (!twin->f.r.fault) {
		/* At the end, both return all that was added. */
		step(SHOW);
		while (nr_out + nr_staged < MAX_OUT && pop(0) == 1)
			;
	}
	if (!twin->f.r.fault) {
		stage(nr_out);
		publish();
		take();
	}
	shim_reset();
	each(t) {
		drv_exit(&t->f.d);
		gmem_free(&t->f.rings);
	}
	return 0;
}
