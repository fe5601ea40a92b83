/* SPDX-License-Identifier: GPL-2.0 */
/* The page fragment cache got a header of its own in 6.13, verbs before. */
#ifndef VTAP_COMPAT_LINUX_PAGE_FRAG_CACHE_H
#define VTAP_COMPAT_LINUX_PAGE_FRAG_CACHE_H

#ifdef VTAP_HAVE_PAGE_FRAG_CACHE_H
#include_next <linux/page_frag_cache.h>
#else
#include <linux/gfp.h>
#include <linux/mm.h>

static inline void page_frag_cache_init(struct page_frag_cache *nc)
{
	nc->va = NULL;
}

#ifndef VTAP_HAVE_PAGE_FRAG_CACHE_DRAIN
static inline void page_frag_cache_drain(struct page_frag_cache *nc)
{
	if (!nc->va)
		return;
	__page_frag_cache_drain(virt_to_head_page(nc->va), nc->pagecnt_bias);
	nc->va = NULL;
}
#endif /* VTAP_HAVE_PAGE_FRAG_CACHE_DRAIN: goes with 6.1 */
#endif /* VTAP_HAVE_PAGE_FRAG_CACHE_H: goes with 6.12 */

#endif
