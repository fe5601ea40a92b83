/* control | must compile: otherwise the flags are wrong, and all probes fail */
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
