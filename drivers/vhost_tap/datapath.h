/* SPDX-License-Identifier: GPL-2.0 */
/* datapath.h - functions of the datapath, in the order of a packet's path */
#ifndef VTAP_DATAPATH_H
#define VTAP_DATAPATH_H

/* poll.c: the guest's kick, or the socket's wake-up */
void vtap_poll_init(struct vtap_poll *p, struct vtap_queue *q, __poll_t mask);
int vtap_poll_arm(struct vtap_poll *p, struct file *file);
void vtap_poll_disarm(struct vtap_poll *p);
void vtap_poll_retarget(struct vtap_poll *p, struct vtap_worker *w);

/* wakeup.c: the pending bits of a worker */
void vtap_worker_wake(struct vtap_worker *w, u32 bit);
bool vtap_worker_is_pending(const struct vtap_worker *w);
bool vtap_worker_may_run(const struct vtap_worker *w);
bool vtap_worker_sibling_has_work(const struct vtap_worker *w);
bool vtap_worker_has_more(const struct vtap_worker *w);
void vtap_worker_requeue(struct vtap_worker *w, struct vtap_queue *q);
void vtap_queue_wake(struct vtap_queue *q);
pid_t vtap_queue_tid(const struct vtap_queue *q, struct pid_namespace *ns);
void vtap_queue_set_busyloop(struct vtap_queue *q, u32 us);
void vtap_workers_config_changed(struct vtap_dev *dev);

/* worker.c: one round of a thread */
bool vtap_worker_run(void *data);

/* tx.c: guest to host */
enum vtap_verdict vtap_tx(struct vtap_queue *q, const struct vtap_worker *w);

/* rx.c: host to guest */
enum vtap_verdict vtap_rx(struct vtap_queue *q);

/* pass.c: around the packet loop */
bool vtap_queue_begin(struct vtap_queue *q);
void vtap_queue_end(struct vtap_queue *q);
void vtap_queue_publish(struct vtap_queue *q);
void vtap_queue_call(struct vtap_queue *q);
void vtap_queue_call_now(struct vtap_queue *q);
void vtap_queue_publish_and_call(struct vtap_queue *q);
bool vtap_queue_has_work(struct vtap_queue *q);
void vtap_queue_drop(struct vtap_queue *q, enum vtap_fault reason);
enum vtap_verdict vtap_queue_break(struct vtap_queue *q);
void vtap_queue_set_state(struct vtap_queue *q, enum vtap_queue_state state);

/* limit.c: the rate of a queue */
void vtap_limit_init(struct vtap_queue *q);
void vtap_limit_get(struct vtap_queue *q, struct vtap_limit_cfg *cfg);
void vtap_limit_set(struct vtap_queue *q, enum vtap_limit_source source,
		    const struct vtap_limit_cfg *cfg, u32 mask);
bool vtap_limit_begin(struct vtap_queue *q);
void vtap_limit_end(struct vtap_queue *q);
void vtap_limit_stop(struct vtap_queue *q);
void vtap_limit_cancel(struct vtap_queue *q);

/* iotlb_miss.c: an address without a mapping */
void vtap_miss_report(struct vtap_queue *q);
void vtap_miss_requeue(struct vtap_queue *q);
void vtap_miss_cancel(struct vtap_queue *q);

#endif /* VTAP_DATAPATH_H */
