/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbered frames in both directions: the program on the guest's CPU and the peer of its
 * traffic are a thread each. The CPU can be paused, and the program's state be copied
 * with the guest. A frame that is lost, doubled, reordered or changed is an error. The
 * program only looks at a ring without used entries after a call.
 */
#ifndef VTAP_TEST_LOAD_H
#define VTAP_TEST_LOAD_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>

#include "guest.h"

/* Frames on their way to the guest; the queue of a tap has room for them. */
#define LOAD_RX_WINDOW	100

/* Fields that several threads use. */
#define LOAD_GET(x)	__atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define LOAD_SET(x, v)	__atomic_store_n(&(x), v, __ATOMIC_RELEASE)

/**
 * struct program - what the guest's program knows; a part of a snapshot
 * @tx_seq: number of the next frame to send
 * @rx_seq: number of the next frame to receive
 * @is_asleep: the program does not look at the ring before the next call
 */
struct program {
	uint32_t tx_seq;
	uint32_t rx_seq;
	bool is_asleep[2];
};

/**
 * struct load - traffic between the guest and the peer
 * @jump: number to which @prog.rx_seq may jump once, if @may_jump
 * @sent: number of frames that the peer sent
 * @acked: number of frames of these that the guest received
 * @peer_seq: number of the next frame that the peer receives
 * @moved: count of all frames received by the guest, and by the peer
 * @line: line of the failed check in the thread of the CPU, and of the peer
 * @is_quiet: the peer must not send
 * @was_quiet: the peer has seen it
 */
struct load {
	struct guest *g;
	int host;
	pthread_t cpu;
	pthread_t peer;
	bool is_on;
	bool must_stop;
	bool must_pause;
	sem_t paused;
	sem_t resumed;

	struct program prog;
	uint32_t jump;
	bool may_jump;

	uint32_t sent;
	uint32_t acked;
	uint32_t peer_seq;
	bool is_quiet;
	bool was_quiet;

	unsigned long moved[2];
	int line[2];
};

int load_start(struct load *l, struct guest *g, int host);
int load_stop(struct load *l);
bool load_failed(struct load *l);
bool load_wait(struct load *l, unsigned long more);
bool load_reaches(struct load *l, uint32_t *seq, uint32_t to);
bool load_pause(struct load *l);
void load_resume(struct load *l);
bool load_quiet(struct load *l);
uint32_t load_next_tx(const struct load *l);

#endif
