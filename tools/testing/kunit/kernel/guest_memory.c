// SPDX-License-Identifier: GPL-2.0
/*
 * guest_memory.c - guest memory of the unit tests in a kernel
 *
 * The mock driver accesses guest memory with kernel pointers, and ring/ does so
 * with user addresses. Tests compare the two, so both have the same value: a
 * block is allocated with vmalloc, and its pages are mapped in the address
 * space of the test at their kernel address. User Mode Linux allows this,
 * because the two address spaces overlap.
 */
#include <kunit/test.h>
#include <kunit/test-bug.h>
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "arena.h"

static int map_block(struct file *file, struct vm_area_struct *vma)
{
	return remap_vmalloc_range(vma, file->private_data, 0);
}

static const struct file_operations block_fops = {
	.owner = THIS_MODULE,
	.mmap = map_block,
};

void shim_die(const char *what, const char *file, int line)
{
	struct kunit *test = kunit_get_current_test();

	if (test)
		KUNIT_FAIL_AND_ABORT(test, "%s:%d: %s", file, line, what);
	panic("%s:%d: %s, outside of a test", file, line, what);
}

/*
 * Each test case and its cleanup have a thread of their own. Changes of @shim by a
 * failed case end with its thread.
 */
static void begin_thread(void)
{
	static pid_t last;

	if (last == current->pid)
		return;
	last = current->pid;
	memset(&shim, 0, sizeof(shim));
	shim_reset();
}

void *shim_guest_alloc(size_t size)
{
	unsigned long at, len = PAGE_ALIGN(size);
	struct file *file;
	void *p;

	begin_thread();
	shim_assert(!kunit_attach_mm());
	p = vmalloc_user(len);
	shim_assert(p);
	file = anon_inode_getfile("[vtap_kunit]", &block_fops, p, O_RDWR);
	shim_assert(!IS_ERR(file));
	at = vm_mmap(file, (unsigned long)p, len, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_FIXED_NOREPLACE, 0);
	fput(file);
	shim_assert(at == (unsigned long)p);
	return p;
}

void shim_guest_free(void *p, size_t size)
{
	/* Cleanup after a case: its address space is gone. */
	if (current->mm)
		vm_munmap((unsigned long)p, PAGE_ALIGN(size));
	vfree(p);
}

/* ---- allocations ---- */

static atomic_long_t nr_live;

void *shim_alloc(size_t size, bool zero)
{
	void *p;

	begin_thread();
	if (shim.alloc_fail_at && ++shim.nr_alloc == shim.alloc_fail_at)
		return NULL;
	p = kvmalloc(size, zero ? GFP_KERNEL | __GFP_ZERO : GFP_KERNEL);
	if (!p)
		return NULL;
	/* Not zero, so that a missing initialization is found. */
	if (!zero)
		memset(p, 0xa5, size);
	atomic_long_inc(&nr_live);
	return p;
}

void shim_free(const void *p)
{
	if (!p)
		return;
	atomic_long_dec(&nr_live);
	kvfree(p);
}

long shim_nr_live(void)
{
	return atomic_long_read(&nr_live);
}

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit tests of vhost_tap's rings");
