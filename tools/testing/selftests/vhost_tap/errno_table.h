/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The calls of errno_table.c: valid and invalid arguments for each ioctl, read, write
 * and poll. The test tries each row in each state of the device.
 */
#ifndef VTAP_TEST_ERRNO_TABLE_H
#define VTAP_TEST_ERRNO_TABLE_H

#include <linux/types.h>
#include <stdint.h>

#include "../../../../include/compat/linux/vhost.h"

enum call_kind {
	CALL_PLAIN, CALL_U64, CALL_STATE, CALL_GET_STATE, CALL_FILE, CALL_INT,
	CALL_ADDR, CALL_MEM, CALL_ARRAY, CALL_BAD_PTR, CALL_EDGE,
	CALL_READONLY, CALL_COMPAT, CALL_BYTE, CALL_GET_BYTE, CALL_LOG,
	CALL_WRITE, CALL_READ, CALL_POLL,
};

/* The message for write(2): a valid update except for the named defect. */
enum msg_kind {
	MSG_UPDATE, MSG_V2, MSG_INVALIDATE, MSG_INVALIDATE_ALL, MSG_NOTHING,
	MSG_SHORT, MSG_NO_PADDING, MSG_TWO, MSG_TYPE_0, MSG_TYPE_3, MSG_MISS,
	MSG_BATCH_BEGIN, MSG_SIZE_0, MSG_IOVA_WRAP, MSG_UADDR_WRAP, MSG_UADDR_KERNEL,
	MSG_BAD_PTR,
};

enum fd_kind {
	FD_NONE, FD_MINUS_2, FD_CLOSED, FD_EVENT, FD_TAP, FD_NULL, FD_BARE_TUN,
	FD_UNIX, FD_UDP, FD_INET_RAW, FD_PACKET_DGRAM, FD_PACKET_RAW,
	FD_NETLINK, FD_SELF, NR_FD_KINDS,
};

enum mem_kind {
	MEM_GOOD, MEM_NONE, MEM_64, MEM_65, MEM_509, MEM_510, MEM_HUGE_COUNT,
	MEM_OVERLAP, MEM_SAME, MEM_SIZE_0, MEM_GPA_WRAP, MEM_GPA_TOP,
	MEM_HVA_WRAP, MEM_HVA_KERNEL, MEM_HVA_ODD, MEM_HVA_UNMAPPED, MEM_ALL,
	MEM_PADDING, MEM_FLAGS,
};

enum addr_kind {
	ADDR_GOOD, ADDR_DESC_ODD, ADDR_AVAIL_ODD, ADDR_USED_ODD, ADDR_LOG_ODD,
	ADDR_KERNEL, ADDR_WRAP, ADDR_ZERO,
};

struct errno_case {
	const char *name;
	enum call_kind kind;
	unsigned long req;
	unsigned int index;
	uint64_t val;
	enum fd_kind fd;
	enum mem_kind mem;
	enum addr_kind addr;
	enum msg_kind msg;
};

#define NR_UNKNOWN		_IO(VHOST_VIRTIO, 0xfe)
#define NR_FOREIGN_TYPE		_IOW('T', 0x10, struct vhost_vring_state)

#define PLAIN(n, r)	 { .name = n, .kind = CALL_PLAIN, .req = r }
#define U64(n, r, v)	 { .name = n, .kind = CALL_U64, .req = r, .val = v }
#define ARRAY(n, r, v)	 { .name = n, .kind = CALL_ARRAY, .req = r, .val = v }
#define STATE(n, r, i, v) \
	{ .name = n, .kind = CALL_STATE, .req = r, .index = i, .val = v }
#define GET(n, r, i)	 { .name = n, .kind = CALL_GET_STATE, .req = r, .index = i }
#define FILE_(n, r, i, f) \
	{ .name = n, .kind = CALL_FILE, .req = r, .index = i, .fd = f }
#define BYTE(n, r, v)	 { .name = n, .kind = CALL_BYTE, .req = r, .val = v }
#define WRITE(n, m)	 { .name = "write:" n, .kind = CALL_WRITE, .msg = m }
#define READ(n, l)	 { .name = "read:" n, .kind = CALL_READ, .val = l }
#define INT(n, r, f)	 { .name = n, .kind = CALL_INT, .req = r, .fd = f }
#define MEMT(n, m)	 { .name = "SET_MEM_TABLE:" n, .kind = CALL_MEM, .mem = m }
#define ADDR(n, i, a, v) \
	{ .name = "SET_VRING_ADDR:" n, .kind = CALL_ADDR, .index = i, \
	  .addr = a, .val = v }
#define COMPAT(n, r, i, v) \
	{ .name = "compat:" n, .kind = CALL_COMPAT, .req = r, .index = i, \
	  .val = v }
/* Arguments of which no byte, or only the first 4 bytes, can be read. */
#define READS(n, r) \
	{ .name = n ":bad-pointer", .kind = CALL_BAD_PTR, .req = r }, \
	{ .name = n ":page-end", .kind = CALL_EDGE, .req = r }
#define WRITES(n, r) \
	READS(n, r), { .name = n ":read-only", .kind = CALL_READONLY, .req = r }
#define VRING_FILE(n, r) \
	FILE_(n ":0:event", r, 0, FD_EVENT), \
	FILE_(n ":1:unbind", r, 1, FD_NONE), \
	FILE_(n ":0:minus-2", r, 0, FD_MINUS_2), \
	FILE_(n ":0:closed", r, 0, FD_CLOSED), \
	FILE_(n ":0:not-eventfd", r, 0, FD_NULL), \
	FILE_(n ":2:event", r, 2, FD_EVENT), \
	FILE_(n ":max:unbind", r, ~0U, FD_NONE), READS(n, r)
#define ARRAYS(n, r) \
	ARRAY(n ":0", r, 0), ARRAY(n ":1", r, 1), ARRAY(n ":2", r, 2), \
	ARRAY(n ":64", r, 64), ARRAY(n ":65", r, 65), \
	ARRAY(n ":2^61", r, 1ULL << 61), ARRAY(n ":max", r, ~0ULL), READS(n, r)
#define BACKEND(n, i, f) FILE_("NET_SET_BACKEND:" n, VHOST_NET_SET_BACKEND, i, f)

static const struct errno_case errno_cases[] = {
	PLAIN("SET_OWNER", VHOST_SET_OWNER),
	PLAIN("RESET_OWNER", VHOST_RESET_OWNER),

	U64("GET_FEATURES", VHOST_GET_FEATURES, 0),
	WRITES("GET_FEATURES", VHOST_GET_FEATURES),
	U64("SET_FEATURES:0", VHOST_SET_FEATURES, 0),
	U64("SET_FEATURES:qemu", VHOST_SET_FEATURES, 0x130008000ULL),
	U64("SET_FEATURES:net-hdr", VHOST_SET_FEATURES, 1ULL << 27),
	U64("SET_FEATURES:not-offered", VHOST_SET_FEATURES, 1ULL << 5),
	U64("SET_FEATURES:packed", VHOST_SET_FEATURES, 1ULL << 34),
	U64("SET_FEATURES:log-all", VHOST_SET_FEATURES, 1ULL << 26),
	U64("SET_FEATURES:iommu", VHOST_SET_FEATURES, 1ULL << 33),
	U64("SET_FEATURES:in-order", VHOST_SET_FEATURES, 1ULL << 35),
	U64("SET_FEATURES:ring-reset", VHOST_SET_FEATURES, 1ULL << 40),
	U64("SET_FEATURES:all", VHOST_SET_FEATURES, ~0ULL),
	READS("SET_FEATURES", VHOST_SET_FEATURES),
	U64("GET_BACKEND_FEATURES", VHOST_GET_BACKEND_FEATURES, 0),
	WRITES("GET_BACKEND_FEATURES", VHOST_GET_BACKEND_FEATURES),
	U64("SET_BACKEND_FEATURES:0", VHOST_SET_BACKEND_FEATURES, 0),
	U64("SET_BACKEND_FEATURES:msg-v2", VHOST_SET_BACKEND_FEATURES, 2),
	U64("SET_BACKEND_FEATURES:all", VHOST_SET_BACKEND_FEATURES, ~0ULL),
	READS("SET_BACKEND_FEATURES", VHOST_SET_BACKEND_FEATURES),
	ARRAYS("GET_FEATURES_ARRAY", VHOST_GET_FEATURES_ARRAY),
	ARRAYS("SET_FEATURES_ARRAY", VHOST_SET_FEATURES_ARRAY),

	MEMT("good", MEM_GOOD),
	MEMT("none", MEM_NONE),
	MEMT("64", MEM_64),
	MEMT("65", MEM_65),
	MEMT("509", MEM_509),
	MEMT("510", MEM_510),
	MEMT("count-max", MEM_HUGE_COUNT),
	MEMT("overlap", MEM_OVERLAP),
	MEMT("same-twice", MEM_SAME),
	MEMT("size-0", MEM_SIZE_0),
	MEMT("gpa-wrap", MEM_GPA_WRAP),
	MEMT("gpa-top", MEM_GPA_TOP),
	MEMT("hva-wrap", MEM_HVA_WRAP),
	MEMT("hva-kernel", MEM_HVA_KERNEL),
	MEMT("hva-odd", MEM_HVA_ODD),
	MEMT("hva-unmapped", MEM_HVA_UNMAPPED),
	MEMT("size-max", MEM_ALL),
	MEMT("padding", MEM_PADDING),
	MEMT("flags", MEM_FLAGS),
	READS("SET_MEM_TABLE", VHOST_SET_MEM_TABLE),

	U64("SET_LOG_BASE:0", VHOST_SET_LOG_BASE, 0),
	U64("SET_LOG_BASE:max", VHOST_SET_LOG_BASE, ~0ULL),
	U64("SET_LOG_BASE:kernel", VHOST_SET_LOG_BASE, 0xffff888000000000ULL),
	{ .name = "SET_LOG_BASE:good", .kind = CALL_LOG },
	READS("SET_LOG_BASE", VHOST_SET_LOG_BASE),
	INT("SET_LOG_FD:event", VHOST_SET_LOG_FD, FD_EVENT),
	INT("SET_LOG_FD:minus-2", VHOST_SET_LOG_FD, FD_MINUS_2),
	INT("SET_LOG_FD:closed", VHOST_SET_LOG_FD, FD_CLOSED),
	INT("SET_LOG_FD:unbind", VHOST_SET_LOG_FD, FD_NONE),
	INT("SET_LOG_FD:not-eventfd", VHOST_SET_LOG_FD, FD_NULL),
	READS("SET_LOG_FD", VHOST_SET_LOG_FD),

	STATE("SET_VRING_NUM:0:256", VHOST_SET_VRING_NUM, 0, 256),
	STATE("SET_VRING_NUM:1:1", VHOST_SET_VRING_NUM, 1, 1),
	STATE("SET_VRING_NUM:0:32768", VHOST_SET_VRING_NUM, 0, 32768),
	STATE("SET_VRING_NUM:0:0", VHOST_SET_VRING_NUM, 0, 0),
	STATE("SET_VRING_NUM:0:3", VHOST_SET_VRING_NUM, 0, 3),
	STATE("SET_VRING_NUM:0:65536", VHOST_SET_VRING_NUM, 0, 65536),
	STATE("SET_VRING_NUM:2:256", VHOST_SET_VRING_NUM, 2, 256),
	STATE("SET_VRING_NUM:max:256", VHOST_SET_VRING_NUM, ~0U, 256),
	READS("SET_VRING_NUM", VHOST_SET_VRING_NUM),

	ADDR("0:good", 0, ADDR_GOOD, 0),
	ADDR("1:good", 1, ADDR_GOOD, 0),
	ADDR("0:log", 0, ADDR_GOOD, 1),
	ADDR("0:flags", 0, ADDR_GOOD, 2),
	ADDR("0:desc-odd", 0, ADDR_DESC_ODD, 0),
	ADDR("0:avail-odd", 0, ADDR_AVAIL_ODD, 0),
	ADDR("0:used-odd", 0, ADDR_USED_ODD, 0),
	ADDR("0:log-odd", 0, ADDR_LOG_ODD, 0),
	ADDR("0:kernel", 0, ADDR_KERNEL, 0),
	ADDR("0:wrap", 0, ADDR_WRAP, 0),
	ADDR("0:zero", 0, ADDR_ZERO, 0),
	ADDR("2:good", 2, ADDR_GOOD, 0),
	READS("SET_VRING_ADDR", VHOST_SET_VRING_ADDR),

	STATE("SET_VRING_BASE:0:0", VHOST_SET_VRING_BASE, 0, 0),
	STATE("SET_VRING_BASE:0:65535", VHOST_SET_VRING_BASE, 0, 65535),
	STATE("SET_VRING_BASE:0:65536", VHOST_SET_VRING_BASE, 0, 65536),
	STATE("SET_VRING_BASE:0:packed", VHOST_SET_VRING_BASE, 0, 0x80008000),
	STATE("SET_VRING_BASE:2:0", VHOST_SET_VRING_BASE, 2, 0),
	READS("SET_VRING_BASE", VHOST_SET_VRING_BASE),
	GET("GET_VRING_BASE:0", VHOST_GET_VRING_BASE, 0),
	GET("GET_VRING_BASE:1", VHOST_GET_VRING_BASE, 1),
	GET("GET_VRING_BASE:2", VHOST_GET_VRING_BASE, 2),
	WRITES("GET_VRING_BASE", VHOST_GET_VRING_BASE),
	STATE("SET_VRING_ENDIAN:0:0", VHOST_SET_VRING_ENDIAN, 0, 0),
	STATE("SET_VRING_ENDIAN:0:1", VHOST_SET_VRING_ENDIAN, 0, 1),
	GET("GET_VRING_ENDIAN:0", VHOST_GET_VRING_ENDIAN, 0),

	VRING_FILE("SET_VRING_KICK", VHOST_SET_VRING_KICK),
	VRING_FILE("SET_VRING_CALL", VHOST_SET_VRING_CALL),
	VRING_FILE("SET_VRING_ERR", VHOST_SET_VRING_ERR),

	STATE("SET_BUSYLOOP:0:50", VHOST_SET_VRING_BUSYLOOP_TIMEOUT, 0, 50),
	STATE("SET_BUSYLOOP:0:max", VHOST_SET_VRING_BUSYLOOP_TIMEOUT, 0, ~0U),
	STATE("SET_BUSYLOOP:2:0", VHOST_SET_VRING_BUSYLOOP_TIMEOUT, 2, 0),
	READS("SET_BUSYLOOP", VHOST_SET_VRING_BUSYLOOP_TIMEOUT),
	GET("GET_BUSYLOOP:1", VHOST_GET_VRING_BUSYLOOP_TIMEOUT, 1),
	GET("GET_BUSYLOOP:2", VHOST_GET_VRING_BUSYLOOP_TIMEOUT, 2),
	WRITES("GET_BUSYLOOP", VHOST_GET_VRING_BUSYLOOP_TIMEOUT),

	BACKEND("0:detach", 0, FD_NONE),
	BACKEND("1:detach", 1, FD_NONE),
	BACKEND("2:detach", 2, FD_NONE),
	BACKEND("max:detach", ~0U, FD_NONE),
	BACKEND("0:tap", 0, FD_TAP),
	BACKEND("1:tap", 1, FD_TAP),
	BACKEND("2:tap", 2, FD_TAP),
	BACKEND("0:bare-tun", 0, FD_BARE_TUN),
	BACKEND("0:minus-2", 0, FD_MINUS_2),
	BACKEND("0:closed", 0, FD_CLOSED),
	BACKEND("0:null", 0, FD_NULL),
	BACKEND("0:eventfd", 0, FD_EVENT),
	BACKEND("0:unix", 0, FD_UNIX),
	BACKEND("0:udp", 0, FD_UDP),
	BACKEND("0:inet-raw", 0, FD_INET_RAW),
	BACKEND("0:packet-dgram", 0, FD_PACKET_DGRAM),
	BACKEND("0:packet-raw", 0, FD_PACKET_RAW),
	BACKEND("0:netlink", 0, FD_NETLINK),
	BACKEND("0:own-fd", 0, FD_SELF),
	READS("NET_SET_BACKEND", VHOST_NET_SET_BACKEND),

	BYTE("SET_FORK_OWNER:0", VHOST_SET_FORK_FROM_OWNER, 0),
	BYTE("SET_FORK_OWNER:1", VHOST_SET_FORK_FROM_OWNER, 1),
	BYTE("SET_FORK_OWNER:2", VHOST_SET_FORK_FROM_OWNER, 2),
	BYTE("SET_FORK_OWNER:255", VHOST_SET_FORK_FROM_OWNER, 255),
	{ .name = "SET_FORK_OWNER:bad-pointer", .kind = CALL_BAD_PTR,
	  .req = VHOST_SET_FORK_FROM_OWNER },
	{ .name = "GET_FORK_OWNER", .kind = CALL_GET_BYTE,
	  .req = VHOST_GET_FORK_FROM_OWNER },
	{ .name = "GET_FORK_OWNER:bad-pointer", .kind = CALL_BAD_PTR,
	  .req = VHOST_GET_FORK_FROM_OWNER },
	STATE("NEW_WORKER", VHOST_NEW_WORKER, 0, 0),
	STATE("unknown:0", NR_UNKNOWN, 0, 0),
	STATE("unknown:2", NR_UNKNOWN, 2, 0),
	STATE("foreign-type", NR_FOREIGN_TYPE, 0, 0),
	STATE("zero", 0, 0, 0),
	STATE("ones", 0xffffffff, 0, 0),
	READS("unknown", NR_UNKNOWN),

	WRITE("update", MSG_UPDATE),
	WRITE("v2", MSG_V2),
	WRITE("invalidate", MSG_INVALIDATE),
	WRITE("invalidate-all", MSG_INVALIDATE_ALL),
	WRITE("nothing", MSG_NOTHING),
	WRITE("short", MSG_SHORT),
	WRITE("no-padding", MSG_NO_PADDING),
	WRITE("two", MSG_TWO),
	WRITE("type-0", MSG_TYPE_0),
	WRITE("type-3", MSG_TYPE_3),
	WRITE("miss", MSG_MISS),
	WRITE("batch", MSG_BATCH_BEGIN),
	WRITE("size-0", MSG_SIZE_0),
	WRITE("iova-wrap", MSG_IOVA_WRAP),
	WRITE("uaddr-wrap", MSG_UADDR_WRAP),
	WRITE("uaddr-kernel", MSG_UADDR_KERNEL),
	WRITE("bad-pointer", MSG_BAD_PTR),
	READ("72", 72),
	READ("71", 71),
	READ("0", 0),
	{ .name = "poll", .kind = CALL_POLL },

	COMPAT("SET_OWNER", VHOST_SET_OWNER, 0, 0),
	COMPAT("GET_FEATURES", VHOST_GET_FEATURES, 0, 0),
	COMPAT("SET_FEATURES:0", VHOST_SET_FEATURES, 0, 0),
	COMPAT("SET_MEM_TABLE:none", VHOST_SET_MEM_TABLE, 0, 0),
	COMPAT("SET_VRING_NUM:0:256", VHOST_SET_VRING_NUM, 0, 256),
	COMPAT("SET_VRING_NUM:0:3", VHOST_SET_VRING_NUM, 0, 3),
	COMPAT("GET_VRING_BASE:0", VHOST_GET_VRING_BASE, 0, 0),
	COMPAT("NET_SET_BACKEND:0:detach", VHOST_NET_SET_BACKEND, 0, ~0U),
	COMPAT("unknown", NR_UNKNOWN, 0, 0),
	{}
};

#endif
