/* since 6.10 | kernel: Remove signal hacks for vhost_tasks | create takes a SIGKILL callback */
/* BTF: parameters vhost_task_create 4 */
#include <linux/types.h>
#include <linux/sched/vhost_task.h>

struct vhost_task *probe(bool (*fn)(void *arg), void (*on_kill)(void *arg));
struct vhost_task *probe(bool (*fn)(void *arg), void (*on_kill)(void *arg))
{
	return vhost_task_create(fn, on_kill, NULL, "probe");
}
