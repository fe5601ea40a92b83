/* since 6.10 | net: extend ubuf_info callback to ops structure | the callback of a ubuf_info is in a table */
/* BTF: member ubuf_info.ops */
#include <linux/skbuff.h>

const struct ubuf_info_ops *probe(const struct ubuf_info *ubuf);
const struct ubuf_info_ops *probe(const struct ubuf_info *ubuf)
{
	return ubuf->ops;
}
