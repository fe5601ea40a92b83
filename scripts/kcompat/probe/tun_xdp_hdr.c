/* until 6.16 | tun: remove unnecessary tun_xdp_hdr structure | later tun expects the virtio-net header alone */
/* BTF: member tun_xdp_hdr.gso */
#include <linux/fs.h>
#include <linux/virtio_net.h>
#include <linux/if_tun.h>

int probe(struct tun_xdp_hdr *hdr);
int probe(struct tun_xdp_hdr *hdr)
{
	return hdr->buflen + hdr->gso.gso_type;
}
