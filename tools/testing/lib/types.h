/* SPDX-License-Identifier: GPL-2.0 */
/*
 * types.h - includes for user space or for the kernel
 */
#ifndef VTAP_TEST_TYPES_H
#define VTAP_TEST_TYPES_H

#ifdef __KERNEL__
#include <linux/string.h>
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#endif

/*
 * A ring is little-endian. On a big-endian machine GCC swaps the bytes of a field of a
 * DRV_LE structure at each access, and refuses to take the address of the field.
 * drv_field() gives the address, and who uses it swaps the bytes by drv_le16().
 */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define DRV_LE	__attribute__((scalar_storage_order("little-endian")))
#pragma GCC diagnostic ignored "-Wscalar-storage-order"
#define drv_le16(v)	__builtin_bswap16(v)
#define drv_le32(v)	__builtin_bswap32(v)
#else
#define DRV_LE
#define drv_le16(v)	((uint16_t)(v))
#define drv_le32(v)	((uint32_t)(v))
#endif

/* The address of a field, for an access of its own */
#define drv_field(p, member) \
	((void *)((char *)(p) + offsetof(__typeof__(*(p)), member)))

/* A 16-bit word at @p that the device reads or writes at the same time */
#define drv_load_acquire(p) \
	((uint16_t)drv_le16(__atomic_load_n((const uint16_t *)(p), __ATOMIC_ACQUIRE)))
#define drv_store_release(p, v) \
	__atomic_store_n((uint16_t *)(p), drv_le16(v), __ATOMIC_RELEASE)

/* A 16-bit word of a ring */
struct drv_word {
	uint16_t v;
} DRV_LE;

#endif /* VTAP_TEST_TYPES_H */
