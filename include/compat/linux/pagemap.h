/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fault_in_safe_writeable() appeared in 5.16. The function that 5.10 has instead
 * writes zeros to the pages.
 */
#ifndef VTAP_COMPAT_LINUX_PAGEMAP_H
#define VTAP_COMPAT_LINUX_PAGEMAP_H

#include_next <linux/pagemap.h>

#ifndef VTAP_HAVE_FAULT_IN_SAFE_WRITEABLE
#define fault_in_safe_writeable	vtap_fault_in_safe_writeable

/* Return: bytes that are not writable; all of @size if a page is not. */
static inline size_t fault_in_safe_writeable(const char __user *uaddr,
					     size_t size)
{
	unsigned long start = (unsigned long)uaddr & PAGE_MASK;
	unsigned long end = PAGE_ALIGN((unsigned long)uaddr + size);
	struct mm_struct *mm = current->mm;
	bool unlocked = false;
	int err = 0;

	if (mmap_read_lock_killable(mm))
		return size;
	for (; !err && start != end; start += PAGE_SIZE)
		err = fixup_user_fault(mm, start, FAULT_FLAG_WRITE, &unlocked);
	mmap_read_unlock(mm);
	return err ? size : 0;
}
#endif /* VTAP_HAVE_FAULT_IN_SAFE_WRITEABLE: remove with 5.10 */

#endif
