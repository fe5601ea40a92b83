// SPDX-License-Identifier: GPL-2.0
/*
 * iotlb_fuzz.c - messages of the client and translations of two queues
 *
 * The oracle keeps all messages and searches the last one for an address: an update
 * gives the translation, an invalidation removes it. While the table has not evicted
 * entries, each lookup must give the oracle's result. Afterwards a miss is also valid,
 * but never a wrong translation.
 *
 * Input: a byte of the enum, a form byte, and numbers, repeated.
 */
#include "fuzz.h"

#define MAX_MSGS	64
#define NR_VIEWS	2
#define MAX_IOV		16

enum { OP_UPDATE, OP_INVALIDATE, OP_TRANSLATE, OP_AGAIN, OP_FLOOD, NR_OPS };

/* @stride: for a full table: distance between mappings of one page each. */
struct msg {
	u64 first;
	u64 last;
	u64 uaddr;
	u64 stride;
	u8 perm;
	bool there;
};

static struct msg msg[MAX_MSGS];
static u32 nr_msgs;
static bool flooded;
static struct vtap_iotlb *table;
static struct vtap_tlb tlb[NR_VIEWS];
static struct vtap_mem view[NR_VIEWS];

/* ---- the oracle ---- */

/* Check whether the message covers this address. @edge: next address where this changes. */
static bool has(const struct msg *m, u64 iova, u64 *edge)
{
	u64 off = iova - m->first;

	*edge = 0;
	if (iova < m->first) {
		*edge = m->first;
		return false;
	}
	if (iova > m->last)
		return false;
	if (!m->stride) {
		*edge = m->last + 1;
		return true;
	}
	*edge = iova - off % m->stride;
	if (off % m->stride < VTAP_PAGE_SIZE) {
		*edge += VTAP_PAGE_SIZE;
		return true;
	}
	*edge += m->stride;
	return false;
}

/* Return the translation of an address, and the next address where it may change. */
static bool oracle(u64 iova, u64 *uaddr, u8 *perm, u64 *edge)
{
	u32 i = nr_msgs;
	bool found = false;
	u64 e;

	*edge = 0;
	while (i--) {
		const struct msg *m = &msg[i];
		bool hit = has(m, iova, &e);

		/* 0 stands for 2^64, the highest edge. */
		if (e - 1 < *edge - 1)
			*edge = e;
		if (!hit)
			continue;
		found = m->there;
		*perm = m->perm;
		*uaddr = m->uaddr + (iova - m->first);
		break;
	}
	return found;
}

static void said(const struct msg *m)
{
	msg[nr_msgs++] = *m;
}

/* ---- operations of the client ---- */

static void forget(u64 first, u64 last)
{
	int i;

	for (i = 0; i < NR_VIEWS; i++)
		vtap_mem_invalidate(&view[i], first, last);
}

static void check_table(void)
{
	u32 i;

	shim_assert(table->nr <= VTAP_IOTLB_MAX);
	for (i = 0; i < table->nr; i++) {
		shim_assert(table->map[i].first <= table->map[i].last);
		if (i)
			shim_assert(table->map[i - 1].last <
				    table->map[i].first);
	}
	if (table->nr == VTAP_IOTLB_MAX)
		flooded = true;
}

static void update(u64 first, u64 last, u64 uaddr, u8 perm)
{
	if (vtap_iotlb_add(table, first, last, uaddr, perm))
		forget(first, last);
}

static void op_update(struct input *in, u8 form)
{
	struct msg m = { .first = in_number(in, form), .there = true };
	u64 size = in_number(in, form >> 2);

	m.last = m.first + size - 1;
	m.uaddr = in_number(in, form >> 4);
	m.perm = form >> 6;
	if (m.last < m.first)
		return;
	update(m.first, m.last, m.uaddr, m.perm);
	said(&m);
}

static void op_invalidate(struct input *in, u8 form)
{
	struct msg m = { .first = in_number(in, form) };

	m.last = m.first + in_number(in, form >> 2) - 1;
	if (m.last < m.first)
		m.last = U64_MAX;
	vtap_iotlb_del(table, m.first, m.last);
	forget(m.first, m.last);
	said(&m);
}

/* Start with a full table, filled directly because that is faster. */
static void op_flood(struct input *in, u8 form)
{
	u64 stride = VTAP_PAGE_SIZE * (1 + (form & 3));
	struct msg m = {
		.first = (u64)in8(in) << 12, .uaddr = (u64)in8(in) << 12,
		.perm = VHOST_ACCESS_RW, .stride = stride, .there = true,
	};
	u32 i;

	if (nr_msgs)
		return;
	for (i = 0; i < VTAP_IOTLB_MAX; i++)
		table->map[i] = (struct vtap_mapping){
			.first = m.first + i * stride,
			.last = m.first + i * stride + VTAP_PAGE_SIZE - 1,
			.uaddr = m.uaddr + i * stride,
			.perm = m.perm,
			.age = i * 77 % VTAP_IOTLB_MAX,
		};
	table->nr = VTAP_IOTLB_MAX;
	table->clock = VTAP_IOTLB_MAX;
	m.last = table->map[VTAP_IOTLB_MAX - 1].last;
	said(&m);
}

/* ---- operations of the queues ---- */

enum first_bad { ALL_THERE, MISSING, FORBIDDEN, WRAPS };

/* Find the first byte of a buffer that has no translation. */
static enum first_bad find_bad(u8 access, u64 iova, u32 len, u64 *at)
{
	u64 left = len, uaddr, edge;
	u8 perm;

	for (*at = iova; ; *at = edge) {
		if (!oracle(*at, &uaddr, &perm, &edge))
			return MISSING;
		if (!(perm & access))
			return FORBIDDEN;
		if (edge - *at >= left)
			return ALL_THERE;
		left -= edge - *at;
		if (!edge)
			return WRAPS;
	}
}

static void check_error(const struct vtap_tlb *t, int err, u8 access, u64 iova,
			u32 len)
{
	enum first_bad bad;
	u64 at;

	shim_assert(len);
	bad = find_bad(access, iova, len, &at);
	switch (err) {
	case -EAGAIN:
		shim_assert(t->miss_perm == access);
		shim_assert(t->miss_iova - iova < len);
		if (!flooded)
			shim_assert(bad == MISSING && t->miss_iova == at);
		else if (bad == MISSING || bad == FORBIDDEN)
			shim_assert(t->miss_iova - iova <= at - iova);
		break;
	case -EACCES:
		shim_assert(bad == FORBIDDEN);
		break;
	case -EFAULT:
		shim_assert(bad == WRAPS);
		break;
	default:
		shim_assert(err == -ENOBUFS);
	}
}

static void check_segments(const struct iovec *iov, int n, u8 access, u64 iova,
			   u32 len)
{
	u64 at = iova, sum = 0, uaddr, edge, k;
	u8 perm;
	int i;

	for (i = 0; i < n; i++) {
		u64 to = (uintptr_t)iov[i].iov_base;

		shim_assert(iov[i].iov_len);
		for (k = 0; k < iov[i].iov_len; k += edge - at, at = edge) {
			shim_assert(oracle(at, &uaddr, &perm, &edge));
			shim_assert(perm & access);
			shim_assert(uaddr == to + k);
			if (!edge || edge - at > iov[i].iov_len - k)
				edge = at + (iov[i].iov_len - k);
		}
		sum += iov[i].iov_len;
		/* Adjacent segments are merged, unless they are long. */
		if (i && iov[i - 1].iov_len < VTAP_TLB_MERGE)
			shim_assert((uintptr_t)iov[i - 1].iov_base +
				    iov[i - 1].iov_len != to);
	}
	shim_assert(sum == len);
}

static void translate(int nr, u8 access, u64 iova, u32 len, int max)
{
	struct iovec iov[MAX_IOV + 1];
	int n;

	iov[max].iov_len = 0x5a;
	n = vtap_mem_translate(&view[nr], access, iova, len, iov, max);
	shim_assert(iov[max].iov_len == 0x5a);
	shim_assert(n <= max);
	if (n >= 0)
		check_segments(iov, n, access, iova, len);
	else
		check_error(&tlb[nr], n, access, iova, len);
}

int fuzz_one(const u8 *data, size_t size)
{
	struct input in = { data, size };
	u64 iova = 0;
	u32 len = 1;
	u8 form = 0;
	int i;

	shim_reset();
	nr_msgs = 0;
	flooded = false;
	table = vtap_iotlb_new();
	for (i = 0; i < NR_VIEWS; i++) {
		vtap_tlb_init(&tlb[i], table);
		vtap_mem_init(&view[i], NULL);
		vtap_mem_set(&view[i], NULL, &tlb[i]);
	}
	while (in.left && nr_msgs < MAX_MSGS) {
		u8 op = in8(&in);

		switch (op % NR_OPS) {
		case OP_UPDATE:
			op_update(&in, in8(&in));
			break;
		case OP_INVALIDATE:
			op_invalidate(&in, in8(&in));
			break;
		case OP_TRANSLATE:
			form = in8(&in);
			iova = in_number(&in, form);
			len = in_number(&in, form >> 2);
			fallthrough;
		case OP_AGAIN:		/* with the other queue, and twice */
			translate(form >> 4 & 1, form & 32 ? VHOST_ACCESS_RO :
				  VHOST_ACCESS_WO, iova, len, op % MAX_IOV);
			form ^= 16;
			break;
		case OP_FLOOD:
			op_flood(&in, in8(&in));
		}
		check_table();
	}
	vtap_iotlb_free(table);
	return 0;
}
