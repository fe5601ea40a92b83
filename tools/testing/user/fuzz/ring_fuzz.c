// SPDX-License-Identifier: GPL-2.0
/*
 * ring_fuzz.c - programs of calls to both sides of a ring
 *
 * While a program only makes calls, the ring is honest and all guarantees hold: each
 * chain comes once, in order, unchanged; each is used once; sleepers are woken; there
 * are no faults. After a program writes memory itself, fails an access or turns
 * hostile, only the guarantees against a bad guest remain.
 *
 * The ring is plain, or behind an IOMMU (iommu.h) with contiguous or scattered pages,
 * and changing mappings. With a log, each stored byte has its bit set, and no other
 * page has one.
 */
#include "ops.h"
#include "guest_ring.h"

static struct guest_ring *w;

/* ---- operations of the driver ---- */

static void op_add(bool indirect)
{
	struct seg buf[MAX_BUFS];
	unsigned int nr = in8(&w->in) % MAX_BUFS + 1, i;
	struct added a = { .nr_bufs = nr };
	bool write = false;
	int head;

	for (i = 0; i < nr; i++) {
		u16 place = in16(&w->in), len = in16(&w->in);

		/* Readable buffers come first; all are within RAM. */
		write |= !!(len & OPS_WRITE);
		buf[i] = (struct seg){
			.gpa = w->ram + place,
			.len = len & 0xfff,
			.is_write = write,
		};
		a.len[write] += buf[i].len;
	}
	head = indirect ? drv_add_indirect(w->d, buf, nr, nr / 4,
					   w->nr_added) :
			  drv_add(w->d, buf, nr, w->nr_added);
	if (head < 0)
		return;
	w->added[w->nr_added % MAX_NUM] = a;
	w->nr_added++;
}

static void op_show(void)
{
	bool has_new = w->d->avail_idx != w->d->shown_idx, kick;

	drv_publish(w->d);
	kick = drv_must_kick(w->d);
	if (w->honest && w->device_sleeps && has_new)
		shim_assert(kick);
	if (kick || has_new)
		w->device_sleeps = false;
}

static void op_take(void)
{
	unsigned long long cookie;
	u32 len;

	while (drv_get(w->d, &cookie, &len)) {
		if (w->honest)
			shim_assert(len == (u32)cookie * 7);
		w->nr_taken++;
		w->driver_sleeps = false;
	}
	if (w->honest)
		shim_assert(!w->d->broken);
}

static void op_call(enum op code)
{
	w->driver_sleeps = false;
	if (code == OP_CALL_ON)
		w->driver_sleeps = !drv_call_on(w->d);
	else if (code == OP_CALL_OFF)
		drv_call_off(w->d);
	else if (w->d->event_idx && !w->d->packed)
		drv_call_at(w->d, w->d->used_idx + (s8)in8(&w->in));
	else if (w->d->event_idx)	/* at any position, in either lap */
		drv_call_at(w->d, (in8(&w->in) & 0x80) << 8 |
			    in8(&w->in) % w->d->num);
}

/* ---- operations of the device ---- */

static void check_honest_chain(void)
{
	const struct added *a = &w->added[w->nr_popped % MAX_NUM];

	shim_assert(w->nr_popped < w->nr_added);
	shim_assert(w->c->out_len == a->len[0]);
	shim_assert(w->c->in_len == a->len[1]);
	/* A buffer may be in all three regions. */
	shim_assert(w->c->nr_out + w->c->nr_in <= 3 * a->nr_bufs);
}

static bool pop_one(u8 room)
{
	u16 at = w->r->last_avail;
	unsigned long nr;
	int ret;

	if (w->nr_out + w->nr_staged == MAX_OUT)
		return false;
	do {
		nr = shim.nr;
		w->c->iov = w->iov;
		w->c->iov_max = room ? room : VTAP_CHAIN_MAX;
		ret = vtap_ring_pop(w->r, w->m, w->c, w->r->packed);
		shim_idle();
		shim_assert(shim.nr - nr <= 4 * VTAP_CHAIN_MAX +
			    4 * VTAP_FETCH);
		shim_assert(ret == 1 || w->r->last_avail == at);
	} while (ret == -EAGAIN && iommu_answer(w->iommu));
	if (ret == 1) {
		if (w->r->packed) {
			shim_assert(w->r->last_avail != at);
			shim_assert((w->r->last_avail & 0x7fff) < w->r->num);
		} else {
			shim_assert(w->r->last_avail == (u16)(at + 1));
			shim_assert(w->c->head < w->r->num);
		}
		fuzz_pages = w->iommu ? &w->iommu->g : NULL;
		fuzz_check_chain(w->c);
		if (w->honest)
			check_honest_chain();
		w->out[w->nr_out++] = w->c->head;
		w->nr_popped++;
		w->may_unpop = true;
		return true;
	}
	shim_assert(w->r->last_avail == at);
	if (ret == -ENOBUFS)
		shim_assert(room && !w->r->fault);
	else if (ret == -EAGAIN)	/* an address without a translation */
		shim_assert(w->iommu && !w->honest && !w->r->fault);
	else
		shim_assert(ret == 0 || ret == -EIO);
	if (w->honest && !ret)
		shim_assert(w->r->last_avail == w->d->shown_idx);
	return false;
}

static void op_pop(void)
{
	unsigned int nr = in8(&w->in) + 1u;
	u8 room = in8(&w->in);

	w->device_sleeps = false;
	while (nr-- && pop_one(room))
		;
}

static void op_unpop(u32 nr)
{
	/* Only chains popped since the last stage may go back. */
	if (!w->may_unpop)
		return;
	nr = min_t(u32, nr, w->nr_out);
	w->nr_out -= nr;
	vtap_ring_discard(w->r, w->out + w->nr_out, nr, w->r->packed);
	w->nr_popped -= nr;
}

static void op_stage(u32 nr)
{
	u32 i, len;

	for (i = 0; i < nr && i < w->nr_out; i++) {
		len = (w->nr_popped - w->nr_out + i) * 7;
		if (vtap_ring_stage(w->r, w->out[i], len, w->r->packed)) {
			shim_assert(w->r->fault);
			break;
		}
		w->staged[w->nr_staged++] = (struct vring_used_elem){
			(u16)w->out[i], len };
	}
	w->nr_out -= i;
	memmove(w->out, w->out + i, w->nr_out * sizeof(w->out[0]));
	if (i)
		w->may_unpop = false;
}

/*
 * Check that the last @num used entries are in the ring as staged, unless a client
 * moved the ring's pages.
 */
static void check_used(u16 old)
{
	u32 i = w->nr_staged > w->r->num ? w->nr_staged - w->r->num : 0;

	if (w->r->packed) {
		shim_assert((w->r->last_used & 0x7fff) < w->r->num);
		if (w->honest && !w->nr_out)
			shim_assert(w->r->last_used == w->r->last_avail);
		return;		/* op_take() compares the driver's view */
	}
	shim_assert(w->r->last_used == (u16)(old + w->nr_staged));
	if (w->elsewhere)
		return;
	for (; i < w->nr_staged; i++) {
		const struct vring_used_elem *e = &w->staged[i];
		u32 at = 2 + 4 * ((u16)(old + i) & (w->r->num - 1));

		shim_assert(!memcmp(drv_used_at(w->d, at), &e->id, 4));
		shim_assert(!memcmp(drv_used_at(w->d, at + 2), &e->len, 4));
	}
	shim_assert(drv_used_idx(w->d) == (u16)(old + w->nr_staged));
}

static void check_call(int call)
{
	bool on_empty = w->cfg->call_on_empty && !w->r->packed &&
			w->r->avail_idx == w->r->last_avail;

	shim_assert(call == 0 || call == 1);
	if (w->driver_sleeps)
		shim_assert(call);
	if (on_empty) {
		shim_assert(call);
		return;
	}
	if (w->r->packed && drv_avail_at(w->d, 1)->v == 1)
		shim_assert(!call);
	else if (w->r->packed && !w->cfg->event_idx)
		shim_assert(call);
	else if (!w->cfg->event_idx)
		shim_assert(call == !(drv_avail_at(w->d, 0)->v & 1));
	else
		shim_assert(call == (!w->decided ||
				     drv_wants_call(w->d, w->decided_at,
						    w->r->last_used)));
	w->decided = true;
	w->decided_at = w->r->last_used;
}

static void op_publish(void)
{
	u16 old = w->r->last_used;
	int ret = vtap_ring_publish(w->r, w->r->packed), call;

	shim_idle();
	if (ret < 0) {
		shim_assert(ret == -EIO && w->r->fault && !w->honest);
		shim_assert(w->r->last_used == old);
		return;
	}
	shim_assert(ret == (int)w->nr_staged);
	if (!ret)
		return;
	check_used(old);
	w->nr_used += ret;
	w->nr_staged = 0;
	call = vtap_ring_needs_call(w->r, w->r->packed);
	shim_idle();
	if (w->honest)
		check_call(call);
	if (call)
		w->driver_sleeps = false;
}

static void op_kick(enum op code)
{
	int ret;

	w->device_sleeps = false;
	if (code == OP_KICK_OFF) {
		ret = vtap_ring_disable_notify(w->r, w->r->packed);
	} else if (code == OP_KICK_ON) {
		ret = vtap_ring_enable_notify(w->r, w->r->packed);
		w->device_sleeps = !ret;
		if (w->honest)
			shim_assert(ret == (w->r->avail_idx !=
					    w->d->shown_idx));
	} else {
		ret = vtap_ring_empty(w->r, w->r->packed);
		if (w->honest)
			shim_assert(ret == (w->r->last_avail ==
					    w->d->shown_idx));
	}
	shim_idle();
	shim_assert(ret >= 0 || (ret == -EIO && w->r->fault));
}

/* Stop between passes: return popped chains, publish staged ones. */
static void settle(void)
{
	op_stage(w->may_unpop ? 0 : w->nr_out);
	op_unpop(w->nr_out);
	op_publish();
}

static void op_restart(void)
{
	u32 base;

	settle();
	base = vtap_ring_base(w->r);
	w->device_sleeps = false;
	/* Stopping a broken ring loses the entries that it could not publish. */
	if (w->nr_out || w->nr_staged)
		w->only_failed = false;
	w->nr_out = 0;
	w->nr_staged = 0;
	vtap_ring_unmap(w->r);
	if (vtap_ring_start(w->r, w->cfg, base)) {
		shim_assert(!w->honest);
		w->in.left = 0;
		return;
	}
	w->decided = false;
}

static void op_move(void)
{
	settle();
	if (w->nr_staged)
		return;		/* broken in the middle of a pass */
	vtap_ring_relocate(w->r, w->cfg);
	w->device_sleeps = false;
	w->decided = false;
}

/*
 * The guest kicks a broken ring. If only an access failed, all guarantees hold again:
 * no chain is lost, and none is used twice.
 */
static void op_retry(void)
{
	shim_assert(vtap_ring_clear_fault(w->r));
	shim_assert(!w->r->fault);
	w->device_sleeps = false;
	w->decided = false;
	w->honest = w->only_failed;
}

/* ---- faults and direct writes ---- */

static void op_write(void)
{
	const struct iommu_shape *s = w->iommu ? &w->iommu->shape : NULL;
	struct {
		void *start;
		size_t size;
		u64 iova;
	} areas[] = {
		{w->d->desc, drv_desc_size(w->d->num), s ? s->place.desc : 0},
		{w->d->avail, vtap_ring_size(w->cfg).avail,
		 s ? s->place.avail : 0},
		{w->d->used, vtap_ring_size(w->cfg).used, s ? s->place.used : 0},
		{gmem_hva(w->d->g, FUZZ_RAM, 1), FUZZ_RAM_SIZE, IOMMU_RAM},
	};
	u8 area = in8(&w->in) % ARRAY_SIZE(areas);
	size_t at = in16(&w->in) % areas[area].size;
	size_t len = in8(&w->in) + 1;
	u8 data[256];

	w->honest = false;
	w->only_failed = false;
	len = in_bytes(&w->in, data, min_t(size_t, len,
					   areas[area].size - at));
	if (s)
		iommu_write(w->iommu, areas[area].iova + at, data, len);
	else
		memcpy(areas[area].start + at, data, len);
}

/* ---- operations of the IOMMU ---- */

/* Choose a page of RAM or of the ring. */
static const struct gmem_region *in_region(void)
{
	return &w->iommu->g.r[in8(&w->in) % w->iommu->g.nr];
}

static void op_take_back(void)
{
	const struct gmem_region *r;
	u64 first, size;

	if (!w->iommu)
		return;
	r = in_region();
	first = r->gpa + in8(&w->in) * 16;
	size = 1ull << in8(&w->in) % 64;
	settle();
	if (w->nr_staged)
		return;		/* broken in the middle of a pass */
	iommu_invalidate(w->iommu, first, first + size > first ?
		       first + size - 1 : U64_MAX);
}

/* Send the true mapping, or a false one: another page, a part, less permission. */
static void op_tell(void)
{
	const struct gmem_region *r, *to;
	u8 lie, perm = VHOST_ACCESS_RW;
	u64 from, size = IOMMU_PAGE;

	if (!w->iommu)
		return;
	r = in_region();
	to = r;
	lie = in8(&w->in);
	if (lie & 1) {
		to = in_region();
		w->elsewhere |= to != r;
		perm = in8(&w->in) & 3;
		w->honest = false;
		w->only_failed = false;
		w->may_fail = true;
		w->may_miss = true;
	}
	from = lie & 2 ? in8(&w->in) * 16 : 0;
	size -= from;
	if (lie & 4)
		size = min_t(u64, size, 16 * (1 + in8(&w->in)));
	settle();
	if (w->nr_staged)
		return;
	iommu_update(w->iommu, r->gpa + from, size, to->hva + from, perm);
}

/* Check before each pass that the ring's memory exists, as the operations require. */
static bool ring_is_there(void)
{
	int err;

	if (!w->iommu || (w->r->mapped && w->r->loaded))
		return true;
	err = iommu_map(w->iommu);
	shim_assert(!err || !w->honest);
	shim_assert(!err || err == -EAGAIN || w->r->fault);
	return !err;
}

static void check_log(void)
{
	u64 gpa;

	if (!w->iommu || !w->iommu->shape.log || shim.after_load)
		return;
	vtap_dirty_flush(&w->iommu->log);
	if (w->iommu->log.failed) {
		shim_assert(w->may_miss);
		w->iommu->log.failed = false;
		vtap_dirty_flush(&w->iommu->log);	/* this consumes the failure */
	}
	/* A store followed by a failure may lack its bit. */
	shim_assert(iommu_check_log(w->iommu, &gpa) <= (w->may_miss ? 1 : 0));
}

static void op_hostile(void)
{
	u32 key = in16(&w->in);

	w->honest = false;
	w->only_failed = false;
	fuzz_hostile(key | (u32)in16(&w->in) << 16);
}

static void step(enum op code)
{
	if (code >= OP_POP && code <= OP_EMPTY && !ring_is_there())
		return;
	switch (code) {
	case OP_ADD:
	case OP_ADD_INDIRECT:
		return op_add(code == OP_ADD_INDIRECT);
	case OP_SHOW:
		return op_show();
	case OP_TAKE:
		return op_take();
	case OP_CALL_ON:
	case OP_CALL_OFF:
	case OP_CALL_AT:
		return op_call(code);
	case OP_POP:
		return op_pop();
	case OP_UNPOP:
		return op_unpop(in8(&w->in));
	case OP_STAGE:
		return op_stage(in8(&w->in) + 1u);
	case OP_PUBLISH:
		return op_publish();
	case OP_KICK_OFF:
	case OP_KICK_ON:
	case OP_EMPTY:
		return op_kick(code);
	case OP_RESTART:
		return op_restart();
	case OP_MOVE:
		return op_move();
	case OP_FAIL:
		w->only_failed |= w->honest;
		w->honest = false;
		w->may_fail = true;
		w->may_miss = true;
		shim.fail_at = shim.nr + in8(&w->in) + 1;
		return;
	case OP_HOSTILE:
		return op_hostile();
	case OP_TAKE_BACK:
		return op_take_back();
	case OP_TELL:
		return op_tell();
	default:
		return op_write();
	}
}

/* If the ring is still honest: check that each added chain comes back once. */
static void finish(void)
{
	op_show();
	shim_assert(ring_is_there());
	settle();
	while (w->nr_used < w->nr_added) {
		u32 before = w->nr_used;

		while (w->nr_out < MAX_OUT && pop_one(0))
			;
		op_stage(w->nr_out);
		op_publish();
		op_take();
		shim_assert(w->nr_used > before);
	}
	op_take();
	shim_assert(w->nr_taken == w->nr_added);
	shim_assert(w->d->nr_free == w->d->num);
	shim_assert(!w->r->fault);
}

int fuzz_one(const u8 *data, size_t size)
{
	static struct guest_ring ring;

	shim_reset();
	w = &ring;
	memset(w, 0, sizeof(*w));
	w->in = (struct input){ data, size };
	guest_ring_start(w);
	while (w->in.left) {
		step(in8(&w->in) % NR_OPS);
		check_log();
		if (!w->r->fault)
			continue;
		shim_assert(!w->honest);
		/* The ring's own memory is complete, so this access cannot fail. */
		shim_assert(w->may_fail ||
			    w->r->fault != VTAP_FAULT_RING_ACCESS);
		shim.fail_at = 0;
		fuzz_check_refusal(w->r, w->m);
		switch (in8(&w->in) & 3) {
		case 0:
			continue;
		case 1:
			op_retry();
			continue;
		}
		break;
	}
	if (w->honest) {
		finish();
		check_log();
	}
	shim_reset();
	guest_ring_stop(w);
	return 0;
}
