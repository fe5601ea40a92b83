// SPDX-License-Identifier: GPL-2.0
/*
 * race_device.c - the device's side of the races
 *
 * It does the same as a pass of tx.c and rx.c. The queue's lock is held from the check
 * of the ring's mapping to the flush of the log.
 */
#include <sched.h>
#include "race.h"

struct device {
	struct race *t;
	struct iommu *f;
	u64 nr_done;
};

/* Translations must not be revoked during a pass. */
static bool is_revoked(struct race *t, const void *at)
{
	const struct gmem *g = &t->f->g;
	unsigned int i;

	for (i = 0; iommu_has_iotlb(t->f) && i < g->nr; i++)
		if ((uintptr_t)at - g->r[i].hva < g->r[i].size)
			return __atomic_load_n(&t->revoked[i],
					       __ATOMIC_RELAXED);
	return false;
}

/* Check the driver's data, and write data for its check. */
static bool device_touch(struct device *dev)
{
	const struct vtap_chain *c = &dev->f->c;
	u64 words[BUF_SIZE / sizeof(u64)];
	unsigned int i, k;

	/* A buffer is one segment: aligned and smaller than a page. */
	for (i = 0; i < c->nr_out; i++) {
		if (is_revoked(dev->t, c->iov[i].iov_base))
			return false;
		memcpy(words, c->iov[i].iov_base, c->iov[i].iov_len);
		for (k = 0; k < c->iov[i].iov_len / sizeof(u64); k++)
			if (words[k] != dev->nr_done + i)
				return false;
	}
	for (; i < c->nr_out + c->nr_in; i++) {
		if (is_revoked(dev->t, c->iov[i].iov_base))
			return false;
		for (k = 0; k < ARRAY_SIZE(words); k++)
			words[k] = ~(dev->nr_done + i);
		memcpy(c->iov[i].iov_base, words, c->iov[i].iov_len);
		if (dev->t->log)
			vtap_dirty_mark_user(&dev->f->log,
					     (uintptr_t)c->iov[i].iov_base,
					     c->iov[i].iov_len);
	}
	return true;
}

/* Serve available chains within a budget; return their number or -errno. */
static int device_batch(struct device *dev)
{
	struct race *t = dev->t;
	struct iommu *f = dev->f;
	int n, ret = 0, err;

	for (n = 0; n < 64; n++) {
		f->c.iov = f->iov;
		f->c.iov_max = VTAP_CHAIN_MAX;
		ret = vtap_ring_pop(&f->r, &f->m, &f->c, f->r.packed);
		if (ret <= 0)
			break;
		if (!device_touch(dev)) {
			fail(t, "device read other bytes than were written");
			return -EIO;
		}
		ret = vtap_ring_stage(&f->r, f->c.head, (u32)dev->nr_done,
				      f->r.packed);
		if (ret)
			return ret;
		dev->nr_done++;
	}
	if (ret < 0 && ret != -EAGAIN)
		return ret;
	if (!n)
		return ret;
	if (vtap_ring_publish(&f->r, f->r.packed) != n)
		return -EIO;
	err = vtap_ring_needs_call(&f->r, f->r.packed);
	if (err == 1) {
		t->nr_calls++;
		signal_fd(t->call);
	}
	if (err < 0)
		return err;
	return ret == -EAGAIN ? ret : n;
}

/* Run a pass; return the number of served chains, 0 to sleep, or -errno. */
static int device_pass(struct device *dev)
{
	struct iommu *f = dev->f;
	int ret = 0;

	pthread_mutex_lock(&dev->t->lock);
	if (!f->r.mapped || !f->r.loaded)
		ret = vtap_ring_map(&f->r, &f->m, &f->cfg);
	if (!ret) {
		if (is_revoked(dev->t, vtap_ring_used_addr(&f->r, f->r.used)))
			fail(dev->t, "a mapping of the ring was removed in a pass");
		vtap_ring_disable_notify(&f->r, f->r.packed);
		ret = device_batch(dev);
	}
	if (!ret)
		ret = vtap_ring_enable_notify(&f->r, f->r.packed);
	if (dev->t->log)
		vtap_dirty_flush(&f->log);
	pthread_mutex_unlock(&dev->t->lock);
	return ret;
}

static bool device_ask(struct device *dev)
{
	struct race *t = dev->t;

	__atomic_store_n(&t->asked, true, __ATOMIC_RELEASE);
	if (!sleep_fd(t, t->answered, "a question was not answered"))
		return false;
	/* TSan does not know eventfds, so this acquire provides the order. */
	return !__atomic_load_n(&t->asked, __ATOMIC_ACQUIRE);
}

static void device_run(struct device *dev)
{
	struct race *t = dev->t;
	u64 batches = 0;
	int ret;

	while (dev->nr_done < t->nr_chains && !has_failed(t)) {
		ret = device_pass(dev);
		maybe_pause(t->device_pause, ++batches);
		/* A mutex of the C library is not fair, so let the client go first. */
		while (__atomic_load_n(&t->client_waits, __ATOMIC_RELAXED))
			sched_yield();
		if (ret == -EAGAIN) {
			if (!device_ask(dev))
				return;
		} else if (ret < 0) {
			fail(t, vtap_fault_name(dev->f->r.fault));
		} else if (!ret && !sleep_fd(t, t->kick, "a kick was lost")) {
			return;
		}
	}
}

void *device_main(void *arg)
{
	struct device dev = { .t = arg };
	unsigned int i;

	dev.f = dev.t->f;
	/* The client checks this in its own thread. */
	for (i = 0; i < dev.f->g.nr; i++)
		shim_assert(access_ok((void *)(uintptr_t)dev.f->g.r[i].hva,
				      dev.f->g.r[i].size));
	/* Check it in this thread, because windows are per thread. */
	shim_assert(vtap_ring_memory_ok(&dev.f->cfg));
	device_run(&dev);
	__atomic_store_n(&dev.t->device_is_done, true, __ATOMIC_RELEASE);
	return NULL;
}
