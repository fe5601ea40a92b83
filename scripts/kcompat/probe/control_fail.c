/* control | must not compile: otherwise the compiler accepts anything, and all probes pass */
#include <linux/module.h>

void probe(void);
void probe(void)
{
	vtap_no_such_function();
}
