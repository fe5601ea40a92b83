/* control | must compile: else the flags are wrong and every answer would be "no" */
#include <linux/module.h>
#include <linux/if_tun.h>
#include <linux/skbuff.h>
#include <net/tcp.h>

struct module *probe(void);
struct module *probe(void)
{
	pr_debug("probe\n");
	return THIS_MODULE;
}
