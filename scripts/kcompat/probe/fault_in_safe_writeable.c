/* since 5.16 | gup: Introduce fault_in_safe_writeable() | faults pages in and keeps their contents */
/* BTF: export fault_in_safe_writeable */
#include <linux/mm.h>
#include <linux/pagemap.h>

size_t probe(const char __user *uaddr);
size_t probe(const char __user *uaddr)
{
	return fault_in_safe_writeable(uaddr, 1);
}
