/* since 7.0, in 6.12.y too | slab: Introduce kmalloc_obj() and family | typed allocation */
#include <linux/slab.h>

struct list_head *probe(void);
struct list_head *probe(void)
{
	return kzalloc_obj(struct list_head, GFP_KERNEL);
}
