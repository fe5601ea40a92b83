// SPDX-License-Identifier: GPL-2.0
/*
 * vtap_baseline.c - the cost of a tap for its kernel user, without a ring
 *
 * For benchmarks only. The module does the minimum to move a packet between a tap and
 * user memory:
 *
 *   TX  a page fragment, one copy into it, the header where tun expects it, and one
 *       sendmsg for 64 of these; for a packet longer than a page, memory for one frame
 *       that is reused, and one sendmsg each
 *   RX  64 skbs at a time from the tap's ring; for each, the virtio-net header, one
 *       copy (two if a long frame has no room for the header), and its release
 *
 * It has no descriptors, used entries, notifications, counters or log, and runs in the
 * caller's thread instead of a worker. With BASELINE_KERNEL the memory belongs to the
 * kernel, and the copy needs no user access either.
 */
#include <linux/if_tun.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/ptr_ring.h>
#include <linux/skbuff.h>
#include <linux/virtio_net.h>
#include <net/sock.h>
#include <net/xdp.h>

#include "baseline.h"

#define BATCH		64
#define HLEN		12
#define MAX_LEN		(1 << 17)
#define TAIL		SKB_DATA_ALIGN(sizeof(struct skb_shared_info))
#define HDR_ROOM	32	/* larger than any header of tun */
#define ORDER		3	/* of the pages for fragments */
#define NR_PAGES	6	/* a batch of 1500 bytes takes four and a bit */
#define MAX_REFS	1024	/* more than the number of fragments */
#define LONG_ORDER	5	/* of the pages for one long frame */
#define SHORT		256	/* copied word by word up to this length */

#ifdef HAVE_TUN_XDP_HDR
#define HDR_AT		offsetof(struct tun_xdp_hdr, gso)
#else
#define HDR_AT		0
#endif

/** struct baseline_page - one or several pages of which we hold @refs */
struct baseline_page {
	struct page *page;
	unsigned int refs;
};

/**
 * struct baseline - an open file
 * @lock: protects all other fields
 * @tap: reference; @sock and @ring belong to it
 * @page: pages for fragments; @now is the present one
 * @at: bytes left in it
 * @long_page: for a long frame
 * @mem: replaces the caller's memory
 */
struct baseline {
	struct mutex lock;	/* allows one run at a time */
	struct file *tap;
	struct socket *sock;
	struct ptr_ring *ring;
	struct baseline_page page[NR_PAGES];
	unsigned int now;
	unsigned int left;
	struct page *long_page;
	void *mem;
	void *batch[BATCH];
	struct xdp_buff xdp[BATCH];
};

/* ---- page fragments for build_skb() ---- */

static void page_done(struct baseline_page *p)
{
	if (p->page)
		__page_frag_cache_drain(p->page, p->refs);
	p->page = NULL;
}

/*
 * Go to the next page, after the last to the first. If all its fragments have been
 * freed, it is reused while it is still in the cache.
 */
static bool page_next(struct baseline *f)
{
	struct baseline_page *p;

	f->now = (f->now + 1) % NR_PAGES;
	p = &f->page[f->now];
	f->left = 0;
	if (!p->page || page_ref_count(p->page) != p->refs) {
		page_done(p);
		p->page = alloc_pages(GFP_KERNEL | __GFP_COMP | __GFP_NORETRY,
				      ORDER);
		p->refs = 1;
	}
	if (!p->page)
		return false;
	/* One reference for each fragment that fits, and ours. */
	f->left = PAGE_SIZE << ORDER;
	page_ref_add(p->page, MAX_REFS - p->refs);
	p->refs = MAX_REFS;
	return true;
}

static void *fragment(struct baseline *f, unsigned int size)
{
	struct baseline_page *p;

	if (f->left < size && !page_next(f))
		return NULL;
	p = &f->page[f->now];
	f->left -= size;
	p->refs--;
	return page_address(p->page) + f->left;
}

/* Reuse the last long page if it has been freed, else drop our reference. */
static void *long_fragment(struct baseline *f)
{
	struct page *p = f->long_page;

	if (!p || page_ref_count(p) != 1) {
		if (p)
			put_page(p);
		p = alloc_pages(GFP_KERNEL | __GFP_COMP | __GFP_NORETRY,
				LONG_ORDER);
		f->long_page = p;
	}
	if (!p)
		return NULL;
	get_page(p);
	return page_address(p);
}

/* ---- memory ---- */

static void __user *place(const struct baseline_run *run, unsigned int i)
{
	u32 n = (run->first + i) % run->nr_places;

	return u64_to_user_ptr(run->mem + (u64)n * run->stride);
}

/* User access is inline here, not a function call. */
#if defined(CONFIG_X86_64) && !defined(CONFIG_UML)
static bool get_user_words(void *to, const void __user *from, size_t len)
{
	if (!user_read_access_begin(from, len))
		return false;
	for (; len >= 8; len -= 8, to += 8, from += 8)
		unsafe_get_user(*(u64 *)to, (u64 __user *)from, fault);
	for (; len >= 4; len -= 4, to += 4, from += 4)
		unsafe_get_user(*(u32 *)to, (u32 __user *)from, fault);
	for (; len; len--, to++, from++)
		unsafe_get_user(*(u8 *)to, (u8 __user *)from, fault);
	user_read_access_end();
	return true;
fault:
	user_read_access_end();
	return false;
}

static bool put_user_words(void __user *to, const void *from, size_t len)
{
	if (!user_write_access_begin(to, len))
		return false;
	for (; len >= 8; len -= 8, to += 8, from += 8)
		unsafe_put_user(*(u64 *)from, (u64 __user *)to, fault);
	for (; len >= 4; len -= 4, to += 4, from += 4)
		unsafe_put_user(*(u32 *)from, (u32 __user *)to, fault);
	for (; len; len--, to++, from++)
		unsafe_put_user(*(u8 *)from, (u8 __user *)to, fault);
	user_write_access_end();
	return true;
fault:
	user_write_access_end();
	return false;
}
#else
static bool get_user_words(void *to, const void __user *from, size_t len)
{
	return !copy_from_user(to, from, len);
}

static bool put_user_words(void __user *to, const void *from, size_t len)
{
	return !copy_to_user(to, from, len);
}
#endif

static bool put_user_all(void __user *to, const void *from, size_t len)
{
	return len <= SHORT ? put_user_words(to, from, len) :
			      !_copy_to_user(to, from, len);
}

static bool get_packet(const struct baseline *f, const struct baseline_run *run,
		       unsigned int i, void *to)
{
	if (!(run->flags & BASELINE_KERNEL))
		return run->len <= SHORT ?
		       get_user_words(to, place(run, i), run->len) :
		       !_copy_from_user(to, place(run, i), run->len);
	memcpy(to, f->mem, run->len);
	return true;
}

/* ---- guest to host ---- */

static int add_frame(struct baseline *f, const struct baseline_run *run,
		     unsigned int i, struct xdp_buff *xdp)
{
	size_t pad = NET_SKB_PAD + NET_IP_ALIGN + HDR_AT + HDR_ROOM;
	size_t len = run->len - HLEN, size;
	void *buf, *hdr;

	if (sock_flag(f->sock->sk, SOCK_XDP))
		pad += XDP_PACKET_HEADROOM;
	pad = SKB_DATA_ALIGN(pad);
	size = SKB_DATA_ALIGN(pad + len) + TAIL;
	if (size > PAGE_SIZE << LONG_ORDER)
		return -EMSGSIZE;
	buf = size <= PAGE_SIZE ? fragment(f, size) : long_fragment(f);
	if (!buf)
		return -ENOMEM;
	if (!get_packet(f, run, i, buf + pad - HLEN)) {
		page_frag_free(buf);
		return -EFAULT;
	}
	hdr = buf + HDR_AT;
	memset(hdr, 0, HDR_ROOM);
	memcpy(hdr, buf + pad - HLEN, HLEN);
#ifdef HAVE_TUN_XDP_HDR
	((struct tun_xdp_hdr *)buf)->buflen = size;
#endif
	xdp_init_buff(xdp, size, NULL);
	xdp_prepare_buff(xdp, buf, pad, len, true);
	return 0;
}

static int tx_batch(struct baseline *f, const struct baseline_run *run,
		    unsigned int first, unsigned int nr)
{
	struct tun_msg_ctl ctl = { .type = TUN_MSG_PTR, .ptr = f->xdp };
	struct msghdr msg = {
		.msg_control = &ctl,
		.msg_controllen = sizeof(ctl),
		.msg_flags = MSG_DONTWAIT,
	};
	int err = 0;

	for (ctl.num = 0; ctl.num < nr; ctl.num++) {
		err = add_frame(f, run, first + ctl.num, &f->xdp[ctl.num]);
		if (err)
			break;
	}
	if (!err)
		err = f->sock->ops->sendmsg(f->sock, &msg, 0);
	if (err < 0) {
		while (ctl.num--)
			page_frag_free(f->xdp[ctl.num].data_hard_start);
		return err;
	}
	return 0;
}

static int run_tx(struct baseline *f, const struct baseline_run *run)
{
	bool is_short = run->len + XDP_PACKET_HEADROOM + 256 + TAIL <= PAGE_SIZE;
	unsigned int i, nr;
	int err = 0;

	if (run->flags & BASELINE_KERNEL &&
	    copy_from_user(f->mem, place(run, 0), run->len))
		return -EFAULT;
	for (i = 0; !err && i < run->nr_packets; i += nr) {
		nr = is_short ? min(BATCH, run->nr_packets - i) : 1;
		err = tx_batch(f, run, i, nr);
	}
	return err;
}

/* ---- host to guest ---- */

static bool put_one(const struct baseline *f, const struct baseline_run *run,
		    unsigned int i, size_t at, const void *from, size_t len)
{
	if (run->flags & BASELINE_KERNEL) {
		memcpy(f->mem + at, from, len);
		return true;
	}
	return put_user_all(place(run, i) + at, from, len);
}

/* The header is before linear data if there was room, else separate. */
static bool put_skb(const struct baseline *f, const struct baseline_run *run,
		    unsigned int i, const struct sk_buff *skb, const void *hdr,
		    size_t hlen)
{
	size_t at = hlen + skb_headlen(skb);
	int k;

	if (skb_has_frag_list(skb) ||
	    (hlen && !put_one(f, run, i, 0, hdr, hlen)) ||
	    !put_one(f, run, i, hlen, skb->data, skb_headlen(skb)))
		return false;
	for (k = 0; k < skb_shinfo(skb)->nr_frags; k++) {
		const skb_frag_t *frag = &skb_shinfo(skb)->frags[k];

		if (!put_one(f, run, i, at, skb_frag_address(frag),
			     skb_frag_size(frag)))
			return false;
		at += skb_frag_size(frag);
	}
	return true;
}

static int rx_one(const struct baseline *f, const struct baseline_run *run,
		  unsigned int i, struct sk_buff *skb)
{
	struct virtio_net_hdr_mrg_rxbuf hdr = {};
	size_t hlen = HLEN;
	int err = -EINVAL;

	if (skb->len + HLEN == run->len &&
	    !virtio_net_hdr_from_skb(skb, &hdr.hdr, true, true, 0)) {
		if (skb_headroom(skb) >= HLEN && !skb_header_cloned(skb)) {
			memcpy(__skb_push(skb, HLEN), &hdr, HLEN);
			hlen = 0;
		} else if (skb->len <= SHORT && skb_tailroom(skb) >= HLEN &&
			   !skb_is_nonlinear(skb) && !skb_cloned(skb)) {
			memmove(skb->data + HLEN, skb->data, skb->len);
			memcpy(skb->data, &hdr, HLEN);
			__skb_put(skb, HLEN);
			hlen = 0;
		}
		err = put_skb(f, run, i, skb, &hdr, hlen) ? 0 : -EFAULT;
	}
	consume_skb(skb);
	return err;
}

static int run_rx(struct baseline *f, const struct baseline_run *run)
{
	unsigned int i, k, nr;
	int err = 0;

	for (i = 0; !err && i < run->nr_packets; i += nr) {
		nr = min(BATCH, run->nr_packets - i);
		nr = ptr_ring_consume_batched(f->ring, f->batch, nr);
		if (!nr)
			return -EAGAIN;
		for (k = 0; k < nr; k++)
			err = rx_one(f, run, i + k, f->batch[k]) ?: err;
	}
	return err;
}

/* ---- the file ---- */

static int set_tap(struct baseline *f, int fd)
{
	struct file *tap = fget(fd);

	if (!tap)
		return -EBADF;
	if (f->tap || IS_ERR(tun_get_socket(tap)) ||
	    IS_ERR(tun_get_tx_ring(tap))) {
		fput(tap);
		return -EINVAL;
	}
	f->tap = tap;
	f->sock = tun_get_socket(tap);
	f->ring = tun_get_tx_ring(tap);
	return 0;
}

static long baseline_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct baseline *f = file->private_data;
	struct baseline_run run;
	int fd, err = -EINVAL;

	mutex_lock(&f->lock);
	if (cmd == BASELINE_SET_TAP) {
		err = get_user(fd, (int __user *)arg) ?: set_tap(f, fd);
	} else if (cmd == BASELINE_RUN && f->tap) {
		if (copy_from_user(&run, (void __user *)arg, sizeof(run)))
			err = -EFAULT;
		else if (run.nr_places && run.len > HLEN && run.len <= MAX_LEN)
			err = run.flags & BASELINE_RX ? run_rx(f, &run) :
						     run_tx(f, &run);
	}
	mutex_unlock(&f->lock);
	return err;
}

static int baseline_open(struct inode *inode, struct file *file)
{
	struct baseline *f = kvzalloc(sizeof(*f), GFP_KERNEL);

	if (f)
		f->mem = kvmalloc(MAX_LEN, GFP_KERNEL);
	if (!f || !f->mem) {
		kvfree(f);
		return -ENOMEM;
	}
	mutex_init(&f->lock);
	file->private_data = f;
	return 0;
}

static int baseline_release(struct inode *inode, struct file *file)
{
	struct baseline *f = file->private_data;
	int i;

	for (i = 0; i < NR_PAGES; i++)
		page_done(&f->page[i]);
	if (f->long_page)
		put_page(f->long_page);
	if (f->tap)
		fput(f->tap);
	kvfree(f->mem);
	kvfree(f);
	return 0;
}

static const struct file_operations baseline_fops = {
	.owner = THIS_MODULE,
	.open = baseline_open,
	.release = baseline_release,
	.unlocked_ioctl = baseline_ioctl,
};

static struct miscdevice baseline_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vtap-baseline",
	.fops = &baseline_fops,
};

module_misc_device(baseline_misc);
MODULE_DESCRIPTION("What a tap costs without a ring, for the benches of vhost-tap");
MODULE_LICENSE("GPL");
