/* since 7.3 | name in include/linux/if_tun.h | a consumer of the tun ring must wake its queue */
/* BTF: export tun_wake_queue */
#include <linux/fs.h>
#include <linux/virtio_net.h>
#include <linux/if_tun.h>

void probe(struct file *file);
void probe(struct file *file)
{
	tun_wake_queue(file, 1);
}
