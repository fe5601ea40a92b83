/* since 6.12 | uaccess: always export _copy_[from, to]_user with CONFIG_RUST | the inline copies have names of their own */
#include <linux/uaccess.h>

unsigned long probe(void __user *to, void *from, unsigned long len);
unsigned long probe(void __user *to, void *from, unsigned long len)
{
	return _inline_copy_to_user(to, from, len) + _inline_copy_from_user(from, to, len);
}
