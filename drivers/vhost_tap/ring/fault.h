/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fault.h - list of ring faults and packet faults
 *
 * A ring fault breaks the queue until vtap_ring_clear_fault(). A packet fault
 * drops one packet. Counters, traces, netlink and Documentation/uapi.rst follow
 * this list. Names are stable; numbers are internal.
 */
#ifndef VTAP_RING_FAULT_H
#define VTAP_RING_FAULT_H

#include "ring_env.h"

#define VTAP_RING_FAULTS(F)						\
	F(RING_ACCESS, "ring memory cannot be read or written")	\
	F(AVAIL_JUMP, "avail index moved by more than the ring size")	\
	F(HEAD_RANGE, "avail entry names a descriptor past the table")	\
	F(NEXT_RANGE, "next field names a descriptor past the table")	\
	F(CHAIN_LOOP, "descriptor chain longer than its table")		\
	F(CHAIN_TORN, "chain continues in a descriptor that is not available") \
	F(CHAIN_LONG, "descriptor chain longer than 1024 descriptors")	\
	F(CHAIN_ORDER, "device-readable descriptor after a writable one") \
	F(CHAIN_SEGMENTS, "chain needs more than 1024 memory segments")	\
	F(CHAIN_DIRECTION, "chain has buffers of the wrong direction")	\
	F(CHAIN_EMPTY, "chain has no buffer")				\
	F(INDIRECT_LEN, "indirect table length is not a positive multiple of 16") \
	F(INDIRECT_BIG, "indirect table of more than 65536 descriptors") \
	F(INDIRECT_NESTED, "indirect descriptor inside an indirect table") \
	F(INDIRECT_NEXT, "descriptor both indirect and chained")	\
	F(INDIRECT_ACCESS, "indirect table cannot be read")		\
	F(UNMAPPED, "guest address outside the memory table")		\
	F(RING_PIECES, "ring mapped in pieces that split its entries")	\
	F(IOTLB_DENIED, "IOTLB mapping forbids the access")		\
	F(LOG_ACCESS, "dirty log cannot be written")

#define VTAP_PACKET_FAULTS(F)						\
	F(TX_NO_HEADER, "chain shorter than the virtio-net header")	\
	F(TX_BAD_HEADER, "header does not match the packet")		\
	F(TX_RUNT, "frame shorter than an Ethernet header")		\
	F(TX_TOO_LONG, "chain longer than any packet")			\
	F(TX_UNREADABLE, "packet memory cannot be read")		\
	F(TX_REFUSED, "backend refused the packet")			\
	F(TX_NO_BACKEND, "backend device is gone")			\
	F(RX_TRUNCATED, "guest buffers too small for the packet")	\
	F(RX_UNWRITABLE, "guest buffer cannot be written")		\
	F(RX_REFUSED, "backend did not deliver the packet it announced") \
	F(RX_NO_ROOM, "full tap queue refused a packet of a stopped queue")

#define VTAP_FAULTS(F)	VTAP_RING_FAULTS(F) VTAP_PACKET_FAULTS(F)

enum vtap_fault {
	VTAP_FAULT_NONE,
#define VTAP_FAULT_ENUM(name, doc)	VTAP_FAULT_##name,
	VTAP_FAULTS(VTAP_FAULT_ENUM)
#undef VTAP_FAULT_ENUM
	VTAP_NR_FAULTS
};

const char *vtap_fault_name(enum vtap_fault fault);
const char *vtap_fault_doc(enum vtap_fault fault);

#endif /* VTAP_RING_FAULT_H */
