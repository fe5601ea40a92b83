/* SPDX-License-Identifier: GPL-2.0 */
/*
 * annotations.h - kernel names that have no effect in user space
 *
 * Annotations for sparse, the section placement of the kernel and allocation
 * flags. If a test result could depend on one of these it belongs in kernel_api.h
 * or user_access.h instead.
 */
#ifndef VTAP_SHIM_ANNOTATIONS_H
#define VTAP_SHIM_ANNOTATIONS_H

#define __user
#define __force
#define __iomem
#define __must_check		__attribute__((__warn_unused_result__))
#define __maybe_unused		__attribute__((__unused__))
#define __counted_by(member)
#define __guarded_by(lock)

#define __always_inline		inline __attribute__((__always_inline__))
#define noinline		__attribute__((__noinline__))
#define __cold			__attribute__((__cold__))
#define __aligned(x)		__attribute__((__aligned__(x)))
#define __packed		__attribute__((__packed__))
#define fallthrough		__attribute__((__fallthrough__))

#define ____cacheline_aligned			__aligned(64)
#define ____cacheline_aligned_in_smp		__aligned(64)
#define __cacheline_group_begin(name)
#define __cacheline_group_end(name)
#define __cacheline_group_begin_aligned(name)
#define __cacheline_group_end_aligned(name)

#define GFP_KERNEL		0u
#define GFP_KERNEL_ACCOUNT	0u
#define __GFP_NOWARN		0u
#define __GFP_ZERO		0u
typedef unsigned int gfp_t;

#define might_fault()		do { } while (0)
#define might_sleep()		do { } while (0)
#define cond_resched()		do { } while (0)

#define EXPORT_SYMBOL_GPL(name)
#define MODULE_LICENSE(text)
#define MODULE_DESCRIPTION(text)

#endif /* VTAP_SHIM_ANNOTATIONS_H */
