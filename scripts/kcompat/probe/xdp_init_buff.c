/* since 5.12 | net, xdp: Introduce xdp_init_buff and xdp_prepare_buff utility routines | they fill an xdp_buff */
#include <linux/filter.h>
#include <net/xdp.h>

void probe(struct xdp_buff *xdp, unsigned char *start);
void probe(struct xdp_buff *xdp, unsigned char *start)
{
	xdp_init_buff(xdp, 4096, NULL);
	xdp_prepare_buff(xdp, start, 256, 64, true);
}
