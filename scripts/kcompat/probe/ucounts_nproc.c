/* since 5.14 | Reimplement RLIMIT_NPROC on top of ucounts | processes are counted in each user namespace */
/* BTF: enumerator UCOUNT_RLIMIT_NPROC */
#include <linux/cred.h>
#include <linux/user_namespace.h>

struct ucounts *probe(const struct cred *cred, int *type);
struct ucounts *probe(const struct cred *cred, int *type)
{
	*type = UCOUNT_RLIMIT_NPROC;
	return cred->ucounts;
}
