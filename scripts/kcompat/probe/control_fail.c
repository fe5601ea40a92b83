/* control | must not compile: else the compiler takes anything and every answer would be "yes" */
#include <linux/module.h>

void probe(void);
void probe(void)
{
	vtap_no_such_function();
}
