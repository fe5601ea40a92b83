/* since 6.12 | move asm/unaligned.h to linux/unaligned.h | asm/ before */
#include <linux/unaligned.h>

u16 probe(const void *p);
u16 probe(const void *p)
{
	return get_unaligned_le16(p);
}
