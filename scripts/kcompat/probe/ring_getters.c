/* since 4.16 | vhost_net: batch dequeue of the tap ring | upstream plans to remove these functions */
/* BTF: export tun_get_tx_ring */
#include <linux/fs.h>
#include <linux/virtio_net.h>
#include <linux/if_tap.h>
#include <linux/if_tun.h>

bool probe(struct file *file);
bool probe(struct file *file)
{
	return tun_get_tx_ring(file) == tap_get_ptr_ring(file);
}
