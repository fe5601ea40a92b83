// SPDX-License-Identifier: GPL-2.0
/* chardev.c - file operations of /dev/vhost-tap */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/spinlock.h>
#include <linux/uio.h>

#include "control.h"

/*
 * Protects nr_files and admits_vhost_net. node.c cannot hold this lock while it
 * creates or removes a node: that takes the misc device core's lock, under which
 * open() takes this one. It therefore permits or refuses opens first.
 */
static DEFINE_SPINLOCK(files_lock);
static unsigned int nr_files;
static bool admits_vhost_net;

/**
 * vtap_chardev_admit - permit or refuse opens by the name vhost-net
 * @admit: permit them
 *
 * Opens by the other name always succeed.
 *
 * Return: 0, or -EBUSY without a change if a file is open by either name.
 */
int vtap_chardev_admit(bool admit)
{
	int err = 0;

	spin_lock(&files_lock);
	if (nr_files)
		err = -EBUSY;
	else
		admits_vhost_net = admit;
	spin_unlock(&files_lock);
	return err;
}

/* -ENODEV is the errno for a node whose driver has been removed. */
static int vtap_chardev_count(const struct inode *inode)
{
	int err = 0;

	spin_lock(&files_lock);
	if (iminor(inode) == VHOST_NET_MINOR && !admits_vhost_net)
		err = -ENODEV;
	else
		nr_files++;
	spin_unlock(&files_lock);
	return err;
}

static void vtap_chardev_uncount(void)
{
	spin_lock(&files_lock);
	nr_files--;
	spin_unlock(&files_lock);
}

static int vtap_chardev_open(struct inode *inode, struct file *file)
{
	struct vtap_dev *dev;
	int err = vtap_chardev_count(inode);

	if (err)
		return err;
	dev = vtap_dev_open();
	if (IS_ERR(dev)) {
		vtap_chardev_uncount();
		return PTR_ERR(dev);
	}
	file->private_data = dev;
	return 0;
}

static int vtap_chardev_release(struct inode *inode, struct file *file)
{
	vtap_dev_close(file->private_data);
	vtap_chardev_uncount();
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
