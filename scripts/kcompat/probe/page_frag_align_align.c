/* since 6.9 | mm/page_alloc: modify page_frag_alloc_align() to accept align as an argument | a mask before */
#include <linux/gfp.h>
#include <linux/skbuff.h>

/* The mask version was a function of its own, the alignment one wraps this. */
void *probe(struct page_frag_cache *nc);
void *probe(struct page_frag_cache *nc)
{
	return __page_frag_alloc_align(nc, 64, GFP_KERNEL, -64u);
}
