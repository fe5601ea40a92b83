/* since 6.4 | vhost_task: Allow vhost layer to use copy_process | before: kthreads */
#include <linux/types.h>
#include <linux/sched/vhost_task.h>

void probe(struct vhost_task *vtsk);
void probe(struct vhost_task *vtsk)
{
	vhost_task_wake(vtsk);
}
