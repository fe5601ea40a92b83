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

#endif /* VTAP_TEST_TYPES_H */
