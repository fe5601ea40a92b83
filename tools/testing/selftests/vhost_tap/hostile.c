// SPDX-License-Identifier: GPL-2.0
/* Run the cases of hostile.h. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hostile.h"
#include "net.h"
#include "traffic.h"

/* Return the sum of the fault counters named "A|B". */
static long faults(struct guest *g, const char *file, const char *names)
{
	char list[64], key[80], *name, *save;
	long sum = 0, n;

	strncpy(list, names, sizeof(list) - 1);
	list[sizeof(list) - 1] = 0;
	for (name = strtok_r(list, "|", &save); name;
	     name = strtok_r(NULL, "|", &save)) {
		snprintf(key, sizeof(key), "fault.%s", name);
		n = guest_stat(g, file, key);
		if (n < 0)
			return -1;
		sum += n;
	}
	return sum;
}

/* The driver has no record of a bad chain, so read the ring itself. */
static bool has_moved(struct vq *q, uint16_t from)
{
	return q->packed ? pdrv_is_used(&q->drv, q->used_idx) :
			   vq_used_idx(q) != from;
}

static bool used_moves(struct vq *q, uint16_t from)
{
	return wait_for(has_moved(q, from));
}

static uint64_t address(const struct hostile_target *t, uint64_t addr)
{
	switch (addr >> 32) {
	case MEM >> 32:
		return addr - MEM + t->gpa;
	case TABLE >> 32:
		return addr - TABLE + t->table;
	case END >> 32:
		return addr - END + guest_gpa(t->g, t->g->mem_len);
	}
	return addr;
}

/* Write descriptor @i without any check, and make it available as a head. */
void hostile_put(struct hostile_target *t, unsigned int i, const struct hostile_desc *bad,
		 bool is_first)
{
	uint64_t addr = address(t, bad->addr);
	struct drv *d = &t->q->drv;

	if (d->packed) {
		pdrv_put(d, &(struct pdrv_desc){ addr, bad->len, 0, bad->flags },
			 is_first);
		return;
	}
	d->desc[i] = (struct drv_desc){ addr, bad->len, bad->flags, bad->next };
	if (is_first)
		drv_put_avail(d, i);
}

/* A chain of @nr buffers of @len; the last descriptor has @last_flags. */
void hostile_chain(struct hostile_target *t, unsigned int nr, uint32_t len,
		   uint16_t last_flags)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		hostile_put(t, i, &(struct hostile_desc){
			MEM, len, i + 1 < nr ? N : last_flags, i + 1 }, !i);
}

static void put_table(struct hostile_target *t, const struct hostile_desc *bad)
{
	uint64_t gpa = t->table;
	struct pdrv_desc p;
	struct drv_desc d;
	int i;

	for (i = 0; i < 2 && bad->addr; i++, bad++, gpa += sizeof(d)) {
		d = (struct drv_desc){ address(t, bad->addr), bad->len,
				       bad->flags, bad->next };
		p = (struct pdrv_desc){ d.addr, d.len, 0, d.flags & ~N };
		guest_write(t->g, gpa, t->q->packed ? (void *)&p : &d, sizeof(d));
	}
}

static void make(struct hostile_target *t, const struct hostile_case *b)
{
	bool is_first = true;
	int i;

	put_table(t, b->table);
	for (i = 0; i < 3 && (b->desc[i].addr || !is_first); i++) {
		hostile_put(t, i, &b->desc[i], is_first);
		is_first = !(b->desc[i].flags & N);
	}
	if (b->make)
		b->make(t);
}

/**
 * hostile_case - run one case on a restarted guest
 *
 * Return: NULL, or a description of the failure
 */
const char *hostile_run(struct hostile_target *t, const struct hostile_case *b, int backend,
			int host)
{
	bool is_tx = t->q->index % 2 == TX;
	const char *file = is_tx ? "tx" : "rx";
	uint8_t f[100] = {};
	uint16_t used;
	long before;

	if (b->intree_fails && !guest_is_ours())
		return NULL;
	if (guest_restart(t->g, backend))
		return "no restart";
	if (is_tx && !traffic_once(t->g, host))
		return "no traffic before";
	before = faults(t->g, file, b->fault);
	used = vq_used_idx(t->q);
	make(t, b);
	vq_publish(t->q);
	vq_kick_hard(t->q);
	if (!is_tx && host_send(host, f, 100))
		return "nothing sent";
	if (!guest_is_ours()) {
		usleep(20000);
		return NULL;
	}
	if (b->is_drop) {
		if (!used_moves(t->q, used))
			return "not completed";
		if (fd_count(t->q->err))
			return "err signalled";
	} else {
		if (!fd_wait(t->q->err, WAIT_MS))
			return "err not signalled";
		if (has_moved(t->q, used))
			return "completed";
	}
	/* A kick during the pass that finds the fault causes one retry. */
	return faults(t->g, file, b->fault) > before ?
	       NULL : "fault not counted";
}
