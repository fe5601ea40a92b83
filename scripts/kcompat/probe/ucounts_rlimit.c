/* since 6.1 | ucounts: Split rlimit and ucount values and max values | limits have fields of their own */
/* BTF: member ucounts.rlimit */
#include <linux/cred.h>
#include <linux/user_namespace.h>

long probe(const struct cred *cred);
long probe(const struct cred *cred)
{
	return atomic_long_read(&cred->ucounts->rlimit[UCOUNT_RLIMIT_NPROC]) -
	       get_userns_rlimit_max(cred->user_ns, UCOUNT_RLIMIT_NPROC);
}
