/* since 6.9 | net: introduce page_frag_cache_drain() | was open coded with __page_frag_cache_drain() */
#include <linux/gfp.h>
#include <linux/skbuff.h>

void probe(struct page_frag_cache *nc);
void probe(struct page_frag_cache *nc)
{
	page_frag_cache_drain(nc);
}
