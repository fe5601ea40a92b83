/* SPDX-License-Identifier: GPL-2.0 */
/* Functions that fill an xdp_buff appeared in 5.12, its flags in 5.18. */
#ifndef VTAP_COMPAT_NET_XDP_H
#define VTAP_COMPAT_NET_XDP_H

#include_next <net/xdp.h>

#ifndef VTAP_HAVE_XDP_INIT_BUFF
#define xdp_init_buff		vtap_xdp_init_buff
#define xdp_prepare_buff	vtap_xdp_prepare_buff

static __always_inline void
xdp_init_buff(struct xdp_buff *xdp, u32 frame_sz, struct xdp_rxq_info *rxq)
{
	xdp->frame_sz = frame_sz;
	xdp->rxq = rxq;
}

static __always_inline void
xdp_prepare_buff(struct xdp_buff *xdp, unsigned char *hard_start,
		 int headroom, int data_len, const bool meta_valid)
{
	unsigned char *data = hard_start + headroom;

	xdp->data_hard_start = hard_start;
	xdp->data = data;
	xdp->data_end = data + data_len;
	xdp->data_meta = meta_valid ? data : data + 1;
}
#endif /* VTAP_HAVE_XDP_INIT_BUFF: remove with 5.10 */

#endif
