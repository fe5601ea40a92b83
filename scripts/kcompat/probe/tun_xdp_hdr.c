/* until 6.17 | tun: remove unnecessary tun_xdp_hdr structure | tun expects the vnet header bare since */
#include <linux/fs.h>
#include <linux/virtio_net.h>
#include <linux/if_tun.h>

int probe(struct tun_xdp_hdr *hdr);
int probe(struct tun_xdp_hdr *hdr)
{
	return hdr->buflen + hdr->gso.gso_type;
}
