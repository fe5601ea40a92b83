/* since 5.12 | skbuff: Add flags field to ubuf_info | skbs can refer to pages without being zero-copy skbs */
/* BTF: member ubuf_info.flags */
#include <linux/skbuff.h>

int probe(const struct ubuf_info *ubuf);
int probe(const struct ubuf_info *ubuf)
{
	return ubuf->flags;
}
