/* since 6.8 | eventfd: simplify eventfd_signal() | the count argument is gone */
/* BTF: parameters eventfd_signal_mask 2 */
#include <linux/eventfd.h>

void probe(struct eventfd_ctx *ctx);
void probe(struct eventfd_ctx *ctx)
{
	eventfd_signal(ctx);
}
