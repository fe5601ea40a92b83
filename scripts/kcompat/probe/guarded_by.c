/* since 7.0 | compiler-context-analysis: Add infrastructure for Context Analysis with Clang | lock notes on fields */
#include <linux/spinlock.h>

struct probe {
	spinlock_t lock;
	int a __guarded_by(&lock);
};

int probe(struct probe *p);
int probe(struct probe *p)
{
	return p->a;
}
