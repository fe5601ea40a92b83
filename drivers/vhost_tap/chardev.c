// SPDX-License-Identifier: GPL-2.0
/*
 * chardev.c - file operations of /dev/vhost-tap
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/uio.h>

#include "control.h"

static int vtap_chardev_open(struct inode *inode, struct file *file)
{
	struct vtap_dev *dev = vtap_dev_open();

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	file->private_data = dev;
	return 0;
}

static int vtap_chardev_release(struct inode *inode, struct file *file)
{
	vtap_dev_close(file->private_data);
	return 0;
}

static long vtap_chardev_ioctl(struct file *file, unsigned int cmd,
			       unsigned long arg)
{
	return vtap_ioctl(file->private_data, cmd, (void __user *)arg);
}

static ssize_t vtap_chardev_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct file *file = iocb->ki_filp;

	return vtap_iotlb_read(file->private_data, to,
			       file->f_flags & O_NONBLOCK ||
			       iocb->ki_flags & IOCB_NOWAIT);
}

static ssize_t vtap_chardev_write_iter(struct kiocb *iocb,
				       struct iov_iter *from)
{
	return vtap_iotlb_write(iocb->ki_filp->private_data, from);
}

static __poll_t vtap_chardev_poll(struct file *file, poll_table *wait)
{
	return vtap_iotlb_poll(file->private_data, file, wait);
}

const struct file_operations vtap_fops = {
	.owner = THIS_MODULE,
	.open = vtap_chardev_open,
	.release = vtap_chardev_release,
	.read_iter = vtap_chardev_read_iter,
	.write_iter = vtap_chardev_write_iter,
	.poll = vtap_chardev_poll,
	.unlocked_ioctl = vtap_chardev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};
