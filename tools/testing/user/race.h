/* SPDX-License-Identifier: GPL-2.0 */
/*
 * race.h - races of a driver thread and a device thread with a client between them
 *
 * The program is built twice. TSan detects an access to data that the other side has
 * not handed over. At full speed, a missing barrier sometimes loses a kick, a call or a
 * dirty page.
 *
 *   race.c         the driver, and the list of races
 *   race_device.c  the device
 *   race_client.c  the client: an IOMMU that removes mappings, and a migration
 *                  that reads dirty bits
 *
 * The threads sleep on eventfds through syscall(), which TSan does not intercept. A
 * kick or a call must not count as the synchronization that the ring lacks.
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

/* Longer than any scheduling delay: a thread that sleeps this long was not woken. */
#define LOST_MS		10000

/**
 * struct race - one race
 * @driver_pause: yield after every n-th batch; 0 for never
 * @device_pause: the same for the device
 * @kind: location of the guest's memory
 * @log: a migration runs
 * @lock: stands for vtap_queue.lock: held during a pass, and to clear the queue's
 *	caches
 * @revoked: by region: the mapping was removed, and its use is an error
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
	u64 bufs;		/* guest address of MAX_BUFS buffers per head */
	int kick;
	int call;
	u64 nr_kicks;
	u64 nr_calls;
	const char *failed;	/* the first failure */

	/* fields of the client */
	pthread_mutex_t lock;
	u8 revoked[GMEM_MAX];
	bool asked;		/* f->tlb.miss_iova is a pending miss */
	int answered;
	bool client_waits;	/* for @lock */
	bool device_is_done;
	u64 nr_taken_back;
	u64 nr_pages_copied;
	u8 (*copy)[IOMMU_PAGE];	/* migrated copy of each region of f->g */
};

void fail(struct race *t, const char *what);
bool has_failed(struct race *t);
void signal_fd(int fd);
/* Sleep until the other side signals; return false on a timeout. */
bool sleep_fd(struct race *t, int fd, const char *lost);
void maybe_pause(int every, u64 n);

void *device_main(void *arg);

/* Thread: remove mappings and reply to misses until the device is done. */
void *iommu_main(void *arg);
/* Thread: read dirty bits and copy pages until the device is done. */
void *migration_main(void *arg);
/* Read the remaining bits and copy their pages. */
void migration_finish(struct race *t);
/* Rounds of one write against one read of the bits: barrier G alone. */
const char *race_dirty_barrier(u64 rounds);

#endif /* VTAP_TEST_RACE_H */
