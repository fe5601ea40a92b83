/* since 6.13 | mm: move the page fragment allocator from page_alloc into its own file | gfp.h before */
#include <linux/page_frag_cache.h>

void probe(struct page_frag_cache *nc);
void probe(struct page_frag_cache *nc)
{
	page_frag_free(nc);
}
