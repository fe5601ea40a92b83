// SPDX-License-Identifier: GPL-2.0
/*
 * Snapshots of a guest and its queues. The queues are stopped and their positions read,
 * guest memory is copied, and the guest continues in another file on other memory, in
 * the same ones, or at an older snapshot. Meanwhile it sends and receives numbered
 * frames. A frame that is lost, doubled, reordered or changed is an error, and so is a
 * kick or call that is missing. VTAP_SNAPSHOTS is the number of snapshots of a test.
 */
#define _GNU_SOURCE
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "guest.h"
#include "load.h"
#include "net.h"

#define MEM_LEN		(512 << 10)

/* ---- snapshots ---- */

/**
 * struct snapshot - a paused guest whose queues are stopped
 * @base: positions of the queues
 * @has_call: a call was signaled that the guest's CPU has not received
 * @mem: copy of guest memory
 * @drv: state of the guest's driver
 * @next_tx: number of the first frame that the device has not taken
 */
struct snapshot {
	uint32_t base[2];
	bool has_call[2];
	uint8_t *mem;
	struct drv drv[2];
	struct program prog;
	size_t kept;
	size_t scratch;
	uint32_t next_tx;
};

static bool snapshot_init(struct snapshot *s, const struct guest *g)
{
	int i;

	s->mem = malloc(g->mem_len);
	for (i = 0; i < 2; i++) {
		s->drv[i].num = g->vq[i].num;
		if (!drv_alloc(&s->drv[i]))
			return false;
	}
	return s->mem;
}

static void snapshot_free(struct snapshot *s)
{
	drv_exit(&s->drv[RX]);
	drv_exit(&s->drv[TX]);
	free(s->mem);
}

/* Copy the driver's state; each copy has its own memory. */
static void copy_driver(struct drv *to, const struct drv *from)
{
	struct drv own = *to;

	*to = *from;
	to->desc = own.desc;
	to->avail = own.avail;
	to->used = own.used;
	to->slot = memcpy(own.slot, from->slot, from->num * sizeof(*from->slot));
	to->link = memcpy(own.link, from->link, from->num * sizeof(*from->link));
	to->order = memcpy(own.order, from->order, from->num * sizeof(*from->order));
	to->held = memcpy(own.held, from->held, from->num * sizeof(*from->held));
}

/* Stop the device of the paused guest, and save both. */
static int save(struct snapshot *s, struct load *l)
{
	struct guest *g = l->g;
	int i, err = guest_stop_at(g, s->base);

	if (err)
		return err;
	for (i = 0; i < 2; i++) {
		s->has_call[i] = fd_count(g->vq[i].call);
		copy_driver(&s->drv[i], &g->vq[i].drv);
	}
	memcpy(s->mem, g->mem, g->mem_len);
	s->prog = l->prog;
	s->kept = g->kept;
	s->scratch = g->scratch;
	s->next_tx = load_next_tx(l);
	return 0;
}

static int signal_calls(struct guest *g, const struct snapshot *s)
{
	const uint64_t one = 1;
	int i;

	for (i = 0; i < 2; i++)
		if (s->has_call[i] && write(g->vq[i].call, &one, sizeof(one)) < 0)
			return -errno;
	return 0;
}

/* Continue where the snapshot was taken; the file still knows its positions. */
static int go_on(struct load *l, const struct snapshot *s, int backend)
{
	return signal_calls(l->g, s) ?: guest_start(l->g, backend);
}

/* Move the guest to new memory; the caller unmaps the former. */
static int new_memory(struct guest *g)
{
	ptrdiff_t shift;
	uint8_t *mem;
	int i;

	close(g->memfd);
	g->memfd = memfd_create("guest", MFD_CLOEXEC);
	if (g->memfd < 0 || ftruncate(g->memfd, g->mem_len))
		return -errno;
	mem = mmap(NULL, g->mem_len, PROT_READ | PROT_WRITE, MAP_SHARED, g->memfd, 0);
	if (mem == MAP_FAILED)
		return -errno;
	shift = mem - g->mem;
	g->mem = mem;
	g->region->hva += shift;
	gmem_fill_entry(g->table->regions, g->region);
	for (i = 0; i < 2; i++) {
		struct vq *q = &g->vq[i];

		q->desc = (void *)((char *)q->desc + shift);
		q->avail = (void *)((char *)q->avail + shift);
		q->used = (void *)((char *)q->used + shift);
	}
	return 0;
}

static void new_eventfds(struct vq *q)
{
	close(q->kick);
	close(q->call);
	close(q->err);
	q->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q->err = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

/* Load memory, driver and program into a guest whose device is stopped. */
static void load_guest(struct load *l, const struct snapshot *s)
{
	struct guest *g = l->g;
	int i;

	memcpy(g->mem, s->mem, g->mem_len);
	for (i = 0; i < 2; i++) {
		copy_driver(&g->vq[i].drv, &s->drv[i]);
		new_eventfds(&g->vq[i]);
	}
	l->prog = s->prog;
	g->kept = s->kept;
	g->scratch = s->scratch;
}

static int start_device(struct load *l, const struct snapshot *s, int backend)
{
	return guest_setup(l->g, s->base) ?: guest_start(l->g, backend) ?:
	       signal_calls(l->g, s);
}

/* Load into the same memory and the same file, as QEMU's loadvm does. */
static int load_in_place(struct load *l, const struct snapshot *s, int backend)
{
	load_guest(l, s);
	return start_device(l, s, backend);
}

/*
 * Load into new memory and a new file of @node. The former file is closed before the new
 * one starts, or after that. Until then it must not write its memory.
 */
static int load_elsewhere(struct load *l, const struct snapshot *s, int backend,
			  const char *node, bool late)
{
	struct guest *g = l->g;
	uint8_t *left = g->mem, *copy = malloc(g->mem_len);
	int err, old = g->vhost;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, left, g->mem_len);
	err = new_memory(g);
	if (err)
		return err;
	load_guest(l, s);
	if (!late)
		close(old);
	err = guest_open(g, node) ?: start_device(l, s, backend);
	if (late)
		close(old);
	if (!err && memcmp(copy, left, g->mem_len))
		err = -EPROTO;
	munmap(left, g->mem_len);
	free(copy);
	return err;
}

/* ---- tests ---- */

FIXTURE(snapshot) {
	struct guest g;
	struct tap tap;
	struct load l;
	struct snapshot s;
	const char *node[2];
	unsigned int rounds;
};

FIXTURE_VARIANT(snapshot) {
	struct guest_cfg cfg;
	bool to_intree;
};

FIXTURE_VARIANT_ADD(snapshot, split) {
	.cfg = { .features = F_QEMU & ~F_MRG_RXBUF, .num = { 64, 64 } },
};
FIXTURE_VARIANT_ADD(snapshot, split_mergeable) {
	.cfg = { .features = F_QEMU, .num = { 64, 128 } },
};
FIXTURE_VARIANT_ADD(snapshot, split_legacy) {
	.cfg = { .features = 0, .num = { 64, 32 } },
};
FIXTURE_VARIANT_ADD(snapshot, split_with_vhost_net) {
	.cfg = { .features = F_QEMU & ~F_MRG_RXBUF, .num = { 64, 64 } },
	.to_intree = true,
};
FIXTURE_VARIANT_ADD(snapshot, split_mergeable_with_vhost_net) {
	.cfg = { .features = F_QEMU, .num = { 64, 128 } }, .to_intree = true,
};
FIXTURE_VARIANT_ADD(snapshot, packed) {
	.cfg = { .features = (F_QEMU & ~F_MRG_RXBUF) | F_PACKED, .num = { 50, 33 } },
};
FIXTURE_VARIANT_ADD(snapshot, packed_mergeable) {
	.cfg = { .features = F_QEMU | F_PACKED, .num = { 66, 100 } },
};
FIXTURE_VARIANT_ADD(snapshot, packed_in_order) {
	.cfg = { .features = F_VERSION_1 | F_MRG_RXBUF | F_PACKED | F_IN_ORDER,
		 .num = { 66, 40 } },
};

FIXTURE_SETUP(snapshot)
{
	const char *rounds = getenv("VTAP_SNAPSHOTS");
	struct guest_cfg cfg = variant->cfg;
	bool mergeable = cfg.features & F_MRG_RXBUF;

	self->rounds = rounds ? atoi(rounds) : 20;
	self->node[0] = guest_node();
	self->node[1] = variant->to_intree ? "/dev/vhost-net" : guest_node();
	if (cfg.features & F_PACKED && !guest_is_ours())
		SKIP(return, "in-tree has no packed rings");
	if (access(self->node[1], F_OK))
		SKIP(return, "this system has no %s", self->node[1]);
	cfg.mem_len = MEM_LEN;
	cfg.rings_inside = true;
	ASSERT_EQ(0, guest_on_tap(&self->g, &self->tap, &cfg));
	ASSERT_TRUE(snapshot_init(&self->s, &self->g));
	ASSERT_EQ(0, guest_start(&self->g, self->tap.fd[0]));
	/* Most frames need several mergeable buffers. */
	ASSERT_EQ(0, guest_rx_post(&self->g, cfg.num[RX], mergeable ? 300 : 2048));
	ASSERT_EQ(0, load_start(&self->l, &self->g, self->tap.host));
	ASSERT_TRUE(load_wait(&self->l, 3));
}

FIXTURE_TEARDOWN(snapshot)
{
	load_stop(&self->l);
	snapshot_free(&self->s);
	guest_off_tap(&self->g, &self->tap);
}

TEST_F_TIMEOUT(snapshot, loaded_elsewhere, 600)
{
	struct load *l = &self->l;
	unsigned int i, nr_loads = 0;
	const char *node;

	for (i = 0; i < self->rounds; i++) {
		if (i % 4)
			ASSERT_TRUE(load_wait(l, i % 4)) {
				TH_LOG("after snapshot %u", i);
			}
		ASSERT_TRUE(load_pause(l));
		ASSERT_EQ(0, save(&self->s, l)) {
			TH_LOG("snapshot %u", i);
		}
		if (i % 3 == 2) {
			ASSERT_EQ(0, go_on(l, &self->s, self->tap.fd[0]));
		} else {
			node = self->node[~nr_loads++ & 1];
			ASSERT_EQ(0, load_elsewhere(l, &self->s, self->tap.fd[0], node,
						    i & 2)) {
				TH_LOG("snapshot %u to %s", i, node);
			}
		}
		load_resume(l);
	}
	ASSERT_TRUE(load_wait(l, 2 * LOAD_RX_WINDOW));
	EXPECT_EQ(0, load_stop(l));
	EXPECT_EQ(0, fd_count(self->g.vq[RX].err));
	EXPECT_EQ(0, fd_count(self->g.vq[TX].err));
}

/*
 * The guest returns to an older state. It sends again what the device had not taken then.
 * Frames that the peer sent since do not arrive again.
 */
TEST_F_TIMEOUT(snapshot, rolled_back, 600)
{
	unsigned int i, rounds = self->rounds / 5;
	int backend = self->tap.fd[0];
	struct snapshot *s = &self->s;
	struct load *l = &self->l;
	int err;

	for (i = 0; i < rounds; i++) {
		ASSERT_TRUE(load_pause(l));
		ASSERT_EQ(0, save(s, l));
		ASSERT_EQ(0, go_on(l, s, backend));
		load_resume(l);
		ASSERT_TRUE(load_wait(l, 10 * (1 + i % 3)));

		/* Leave no frame on its way. */
		ASSERT_TRUE(load_quiet(l));
		ASSERT_TRUE(load_pause(l));
		ASSERT_EQ(0, guest_stop(&self->g));
		ASSERT_TRUE(load_reaches(l, &l->peer_seq, load_next_tx(l)));
		LOAD_SET(l->peer_seq, s->next_tx);
		l->jump = l->sent;
		l->may_jump = true;

		if (i & 1)
			err = load_in_place(l, s, backend);
		else
			err = load_elsewhere(l, s, backend, self->node[~i / 2 & 1], false);
		ASSERT_EQ(0, err);
		LOAD_SET(l->is_quiet, false);
		load_resume(l);
		ASSERT_TRUE(load_wait(l, LOAD_RX_WINDOW)) {
			TH_LOG("after rollback %u", i);
		}
		ASSERT_FALSE(l->may_jump);
	}
	EXPECT_EQ(0, load_stop(l));
}

/* The control: a wrong position does not go unnoticed. */
TEST_F_TIMEOUT(snapshot, wrong_base_is_noticed, 120)
{
	struct load *l = &self->l;

	ASSERT_TRUE(load_pause(l));
	ASSERT_EQ(0, save(&self->s, l));
	self->s.base[TX] += self->g.features & F_PACKED ? 0x10001 : 1;
	if (load_elsewhere(l, &self->s, self->tap.fd[0], self->node[1], false))
		return;
	load_resume(l);
	if (wait_for(load_failed(l) || fd_wait(self->g.vq[TX].err, 0)) && !load_failed(l))
		return;
	EXPECT_NE(0, load_stop(l));
}

TEST_HARNESS_MAIN
