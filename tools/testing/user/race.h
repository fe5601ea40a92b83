/* SPDX-License-Identifier: GPL-2.0 */
/*
 * race.h - a driver thread against a device thread, and who comes between
 *
 * Read before: iommu.h, ring/ring_ops.h. Built twice: under TSan, which tells when
 * one side touches what the other has not handed over, and at full speed,
 * where a missing barrier loses a kick, a call or a dirty page now and then.
 *
 *   race.c         the driver, and the list of races
 *   race_device.c  the device
 *   race_client.c  the client: the IOMMU that takes mappings back, and the
 *                  migration that takes dirty bits
 *
 * They sleep on eventfds through syscall(), which TSan does not know: a kick
 * or a call must not count as the synchronisation that the ring lacks.
 */
#ifndef VTAP_TEST_RACE_H
#define VTAP_TEST_RACE_H

#include <pthread.h>
#include "iommu.h"

#define MAX_BUFS	6
#define BUF_SIZE	64
#ifdef SHIM_FAST
#define BUILD		"fast"
#else
#define BUILD		"tsan"
#endif

/* Longer than any scheduler; what sleeps that long was never woken. */
#define LOST_MS		10000

/**
 * struct race - one race
 * @driver_pause: yield after every n-th batch; 0 never
 * @device_pause: the same
 * @kind: where the guest's memory is
 * @log: a migration is going on
 * @lock: what vtap_queue.lock is: held by a pass, and by who clears the
 *	queue's caches
 * @revoked: by region: taken back, and not to be used by anyone
 */
struct race {
	const char *name;
	u16 num;
	bool event_idx;
	bool indirect;
	int driver_pause;
	int device_pause;
	enum iommu_kind kind;
	bool log;
	bool packed;

	u64 nr_chains;
	struct iommu *f;
	struct drv *d;
	u64 bufs;		/* guest address of MAX_BUFS buffers a head */
	int kick;
	int call;
	u64 nr_kicks;
	u64 nr_calls;
	const char *failed;	/* by whoever sees it first */

	/* the client's */
	pthread_mutex_t lock;
	u8 revoked[GMEM_MAX];
	bool asked;		/* f->tlb.miss_iova is wanted */
	int answered;
	bool client_waits;	/* for @lock */
	bool device_is_done;
	u64 nr_taken_back;
	u64 nr_pages_copied;
	u8 (*copy)[IOMMU_PAGE];	/* of each region of f->g, as it has come */
};

void fail(struct race *t, const char *what);
bool has_failed(struct race *t);
void signal_fd(int fd);
/* Sleep until the other side signals; false when it does not. */
bool sleep_fd(struct race *t, int fd, const char *lost);
void maybe_pause(int every, u64 n);

void *device_main(void *arg);

/* Takes mappings back and answers questions until the device is done. */
void *iommu_main(void *arg);
/* Takes dirty bits and copies pages until the device is done. */
void *migration_main(void *arg);
/* Takes the last of them. */
void migration_finish(struct race *t);
/* Rounds of one write against one take: the letter G alone. */
const char *race_dirty_barrier(u64 rounds);

#endif /* VTAP_TEST_RACE_H */
