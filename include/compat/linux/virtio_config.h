/* SPDX-License-Identifier: GPL-2.0 */
/* IN_ORDER and RING_RESET got names in 5.18 and 6.0. */
#ifndef VTAP_COMPAT_LINUX_VIRTIO_CONFIG_H
#define VTAP_COMPAT_LINUX_VIRTIO_CONFIG_H

#include_next <linux/virtio_config.h>

#ifndef VIRTIO_F_IN_ORDER
#define VIRTIO_F_IN_ORDER	35
#endif /* VIRTIO_F_IN_ORDER: remove with 5.10 */

#ifndef VIRTIO_F_RING_RESET
#define VIRTIO_F_RING_RESET	40
#endif /* VIRTIO_F_RING_RESET: remove with 5.10 */

#endif
