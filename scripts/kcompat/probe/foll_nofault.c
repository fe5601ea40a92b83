/* since 5.16 | gup: Introduce FOLL_NOFAULT flag to disable page faults | later an enum, so #ifdef cannot tell */
#include <linux/mm.h>

unsigned int probe(void);
unsigned int probe(void)
{
	return FOLL_NOFAULT;
}
