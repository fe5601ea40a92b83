/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest in a process: guest memory, rings and a vhost file.
 *
 * The code follows the virtio specification and <linux/vhost.h>. The driver's side of a
 * ring and the regions of memory are in tools/testing/lib. Neither shares anything with
 * drivers/vhost_tap/ring, so that they can serve as an oracle for it.
 */
#ifndef VTAP_TEST_GUEST_H
#define VTAP_TEST_GUEST_H

#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <unistd.h>

#include "../../../../include/compat/linux/vhost.h"
#include "pdriver.h"

/* Feature bits, defined here because installed headers may be older than the kernel. */
#define F_MRG_RXBUF		(1ULL << 15)
#define F_NOTIFY_ON_EMPTY	(1ULL << 24)
#define F_LOG_ALL		(1ULL << 26)
#define F_NET_HDR		(1ULL << 27)	/* vhost provides the header */
#define F_INDIRECT		(1ULL << 28)
#define F_EVENT_IDX		(1ULL << 29)
#define F_VERSION_1		(1ULL << 32)
#define F_ACCESS_PLATFORM	(1ULL << 33)
#define F_PACKED		(1ULL << 34)
#define F_IN_ORDER		(1ULL << 35)
#define F_RING_RESET		(1ULL << 40)
#define F_TUNNEL_GSO		0xaULL		/* bits 65 and 67: second word */

/* The default features of QEMU, limited to those of every tested kernel. */
#define F_QEMU	(F_MRG_RXBUF | F_INDIRECT | F_EVENT_IDX | F_VERSION_1)

#define RX			0
#define TX			1
#define GUEST_MAX_REGIONS	509
#define GUEST_GPA		0x100000000ULL
#define GUEST_HDR_MAX		24
#define KERNEL_ADDR		0xffff888000000000ULL
/* On s390x the kernel has an address space of its own, and users may have any address. */
#if defined(__s390x__)
#define HAS_KERNEL_ADDRS	false
#else
#define HAS_KERNEL_ADDRS	true
#endif
#define IS_BIG_ENDIAN		(__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
#define GUEST_FRAME_MAX		65550
/* Timeout of a test. It is long because TCG is slow and the machine is shared. */
#define WAIT_MS			20000

/* Wait until a condition is true. Return: whether it is */
#define wait_for(condition) ({				\
	int64_t end_ms = now_ms() + WAIT_MS;		\
	bool is_true;					\
	while (!(is_true = (condition)) && now_ms() < end_ms)	\
		usleep(1000);				\
	is_true;					\
})
/* Time to wait for something that must not happen. */
#define QUIET_MS		120

/**
 * enum layout - division of guest-physical memory into regions
 * @LAYOUT_FLAT: regions in order, contiguous in guest and process addresses
 * @LAYOUT_SHUFFLED: contiguous in guest addresses, but shuffled in process addresses
 *	and in the table, so that a buffer across a border has two pieces
 * @LAYOUT_HOLES: a GPA hole after each region, table in descending order
 */
enum layout { LAYOUT_FLAT, LAYOUT_SHUFFLED, LAYOUT_HOLES };

/**
 * struct vq - one ring of the driver, with its eventfds
 * @drv: the driver's side of the ring
 * @index: of the vring, which is 2 * pair + RX or TX
 * @map: memory of the ring, NULL if the ring is in guest memory
 * @shift: offset from our pointers to the addresses that the device gets
 * @gpa: guest address of @desc, if it is in guest memory
 * @is_logged: use VHOST_VRING_F_LOG at the next guest_set_addr()
 */
struct vq {
	/* The members of @drv are members of the ring (-fms-extensions). */
	union {
		struct drv;
		struct drv drv;
	};
	unsigned int index;
	int kick;
	int call;
	int err;
	unsigned long nr_kicks;
	unsigned long nr_calls;
	void *map;
	uint64_t shift;
	uint64_t gpa;
	bool is_logged;
};

/**
 * struct guest_cfg - parameters of guest_init(); zero selects the default
 *
 * With F_ACCESS_PLATFORM the guest's addresses are IOVAs. Each 4 KiB page is at an
 * unrelated process address, which only the IOTLB (iotlb.h) knows.
 */
struct guest_cfg {
	uint64_t features;
	unsigned int num[2];	/* ring sizes, default 256 */
	unsigned int regions;	/* default 1 */
	enum layout layout;
	size_t mem_len;		/* default 8 MiB */
	bool rings_inside;	/* the rings are in guest memory */
	bool msg_v2;		/* IOTLB messages of version 2 */
	uint64_t gpa_base;	/* default GUEST_GPA */
};

struct guest {
	int vhost;
	uint64_t features;
	unsigned int hdr_len;
	struct vq vq[2];

	/* guest memory: one memfd, divided into chunks */
	int memfd;
	uint8_t *mem;
	size_t mem_len;
	size_t chunk_len;
	enum layout layout;
	unsigned int nr_regions;
	uint64_t gpa_base;
	struct vhost_memory *table;
	uint16_t *perm;		/* logical chunk -> place in @mem */
	struct gmem_region *region; /* the chunks, in the order of guest addresses */
	uint8_t *view;		/* with an IOTLB: all memory in IOVA order */
	size_t scratch;		/* lower half: short-lived buffers, wraps */
	size_t kept;		/* upper half: lasting buffers, as for RX */

	uint8_t rx_hdr[GUEST_HDR_MAX];	/* whole header of the last packet */
	char debugfs[96];
};

/* ---- device: thin wrappers that return 0 or -errno ---- */
const char *guest_node(void);
bool guest_is_ours(void);
bool guest_kernel_before(unsigned int major, unsigned int minor);
bool guest_rx_is_direct(void);
int guest_ioctl(int fd, unsigned long req, void *arg);
int guest_vring_state(int fd, unsigned long req, unsigned int index,
		      unsigned int num);
int guest_vring_file(int fd, unsigned long req, unsigned int index, int file);
long guest_get_base(int fd, unsigned int index);
int guest_set_addr(struct guest *g, unsigned int index);
uint64_t guest_offered(int fd);
int guest_set_frags(struct guest *g, unsigned int enable);

/* ---- set-up and restart ---- */
int guest_init(struct guest *g, const struct guest_cfg *cfg);
int guest_open(struct guest *g, const char *node);
int guest_setup(struct guest *g, const uint32_t base[2]);
int guest_vq_setup(struct guest *g, unsigned int index, unsigned int base);
int guest_attach(struct guest *g, unsigned int index, int backend);
int guest_start(struct guest *g, int backend);
int guest_stop(struct guest *g);
int guest_stop_at(struct guest *g, uint32_t base[2]);
int guest_restart(struct guest *g, int backend);
void guest_free(struct guest *g);
struct tap;
int guest_on_tap(struct guest *g, struct tap *t, const struct guest_cfg *cfg);
void guest_off_tap(struct guest *g, struct tap *t);

/* ---- guest memory (memory.c) ---- */
int guest_mem_init(struct guest *g, const struct guest_cfg *cfg);
void guest_mem_free(struct guest *g);
uint64_t guest_gpa(const struct guest *g, size_t offset);
uint64_t guest_scratch(struct guest *g, size_t len);
uint64_t guest_alloc(struct guest *g, size_t len);
void *guest_ptr(struct guest *g, uint64_t gpa, size_t *room);
int guest_write(struct guest *g, uint64_t gpa, const void *buf, size_t len);
int guest_read(struct guest *g, uint64_t gpa, void *buf, size_t len);
int guest_set_mem(struct guest *g);

/* ---- rings (vq.c) ---- */
size_t vq_bytes(unsigned int num);
int vq_init(struct vq *q, unsigned int index, unsigned int num,
	    uint64_t features);
int vq_init_at(struct vq *q, unsigned int index, unsigned int num,
	       uint64_t features, void *at);
void vq_start_at(struct vq *q, uint16_t idx);
uint32_t vq_base(const struct vq *q);
bool vq_is_base(const struct vq *q, long base);
void vq_reset(struct vq *q);
void vq_free(struct vq *q);
int vq_add(struct vq *q, const struct seg *seg, unsigned int nr,
	   uint64_t cookie);
int vq_add_indirect(struct guest *g, struct vq *q, const struct seg *seg,
		    unsigned int nr, uint64_t table_gpa, uint64_t cookie);
void vq_publish(struct vq *q);
bool vq_must_kick(struct vq *q);
bool vq_kick(struct vq *q);
void vq_kick_hard(struct vq *q);
void vq_calls_on(struct vq *q);
void vq_calls_off(struct vq *q);
int vq_get_used(struct vq *q, uint32_t *len, uint64_t *cookie);
int vq_wait_used(struct vq *q, int timeout_ms);
bool vq_has_used(const struct vq *q);
bool vq_take_used(struct vq *q, unsigned int nr);
uint16_t vq_used_idx(const struct vq *q);
uint16_t vq_avail_event(const struct vq *q);
int vq_drain(struct vq *q, unsigned int nr, int timeout_ms);
int64_t now_ms(void);
bool fd_wait(int fd, int timeout_ms);
uint64_t fd_count(int fd);

/* ---- packets ---- */
int guest_write_hdr(struct guest *g, uint64_t gpa,
		    const struct virtio_net_hdr_mrg_rxbuf *hdr);
int guest_tx(struct guest *g, const struct virtio_net_hdr_mrg_rxbuf *hdr,
	     const void *frame, size_t len);
int guest_tx_some(struct guest *g, unsigned int nr);
int guest_tx_kick(struct guest *g, unsigned int nr);
bool guest_first_call(struct guest *g);
int guest_tx_segs(struct guest *g, uint64_t gpa, const uint32_t *cut,
		  unsigned int nr, bool indirect);
int guest_tx_sync(struct guest *g, const struct virtio_net_hdr_mrg_rxbuf *hdr,
		  const void *frame, size_t len);
int guest_rx_post(struct guest *g, unsigned int nr, uint32_t len);
ssize_t guest_rx(struct guest *g, struct virtio_net_hdr_mrg_rxbuf *hdr,
		 void *frame, size_t room, int timeout_ms);

/* ---- observability ---- */
long open_files(void);
void guest_find_debugfs(struct guest *g);
long guest_stat(struct guest *g, const char *file, const char *name);

#endif
