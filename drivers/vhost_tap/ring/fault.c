// SPDX-License-Identifier: GPL-2.0
/* fault.c - mark rings broken, and describe faults */
#include "ring.h"

/**
 * vtap_ring_break - mark a ring broken
 * @r: ring; the caller owns the pass
 * @fault: reason; a ring keeps its first fault
 *
 * Return: -EIO.
 */
noinline __cold int vtap_ring_break(struct vtap_ring *r, enum vtap_fault fault)
{
	if (!r->fault)
		r->fault = fault;
	r->nr_left = 0;
	r->stage_max = 0;
	return -EIO;
}

/**
 * vtap_ring_untranslated - handle an address that cannot be translated
 * @r: ring; the caller owns the pass
 * @err: errno of vtap_mem_translate(), or -ENOMEM
 * @pieces: fault for a range of too many pieces, or without memory for them
 * @unmapped: fault for a range that is not in guest memory
 *
 * Return: -EAGAIN on an IOTLB miss, which is not a fault of the guest, or -EIO.
 */
noinline __cold int vtap_ring_untranslated(struct vtap_ring *r, int err,
					   enum vtap_fault pieces,
					   enum vtap_fault unmapped)
{
	switch (err) {
	case -EAGAIN:
		return -EAGAIN;
	case -EACCES:
		return vtap_ring_break(r, VTAP_FAULT_IOTLB_DENIED);
	case -ENOBUFS:
	case -ENOMEM:
		return vtap_ring_break(r, pieces);
	default:
		return vtap_ring_break(r, unmapped);
	}
}

/**
 * vtap_fault_name - return the name of a fault in counters, traces and netlink
 * @fault: any value
 *
 * Return: a constant string, "none" for 0, "?" for an unknown value.
 */
const char *vtap_fault_name(enum vtap_fault fault)
{
	switch (fault) {
	case VTAP_FAULT_NONE:
		return "none";
#define VTAP_FAULT_NAME(name, doc)	case VTAP_FAULT_##name: return #name;
	VTAP_FAULTS(VTAP_FAULT_NAME)
#undef VTAP_FAULT_NAME
	default:
		return "?";
	}
}

/**
 * vtap_fault_doc - return the description of a fault
 * @fault: any value
 *
 * Return: a constant string, empty for an unknown value.
 */
const char *vtap_fault_doc(enum vtap_fault fault)
{
	switch (fault) {
#define VTAP_FAULT_DOC(name, doc)	case VTAP_FAULT_##name: return doc;
	VTAP_FAULTS(VTAP_FAULT_DOC)
#undef VTAP_FAULT_DOC
	default:
		return "";
	}
}
