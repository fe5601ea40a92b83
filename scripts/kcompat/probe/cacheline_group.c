/* since 6.11 | cache: add __cacheline_group_{begin, end}_aligned() (+ couple more) | named field groups */
#include <linux/cache.h>

struct probe {
	__cacheline_group_begin_aligned(grp);
	int a;
	__cacheline_group_end_aligned(grp);
};

int probe(struct probe *p);
int probe(struct probe *p)
{
	return p->a;
}
