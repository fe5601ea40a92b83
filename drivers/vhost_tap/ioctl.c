// SPDX-License-Identifier: GPL-2.0
/*
 * ioctl.c - the table of ioctls: checks, argument and handler of each
 *
 * <linux/vhost.h> and <linux/vhost_tap.h> define the numbers and structures.
 * The dispatcher checks a call in the same order as in-tree vhost-net:
 * ownership, vring index, whether the queue is stopped, then the argument. A
 * call with two errors thus fails with the same errno.
 */
#include <linux/uaccess.h>
#include <linux/vhost.h>
#include <linux/vhost_tap.h>

#include "control.h"
#include "thread.h"

union vtap_ioctl_arg {
	u64 word;
	u8 byte;
	int fd;
	struct vhost_tap_feature_mask mask;
	struct vhost_tap_queue_pairs pairs;
	struct vhost_tap_workers workers;
	struct vhost_tap_polling polling;
	struct vhost_worker_state worker;
	u32 index;			/* first of vring structs */
	struct vhost_vring_worker attached;
	struct vhost_tap_vring_thread thread;
	struct vhost_tap_vring_limit limit;
	struct vhost_tap_vring_gso_frags frags;
	struct vhost_vring_state state;
	struct vhost_vring_file file;
	struct vhost_vring_addr addr;
};

struct vtap_ioctl_call {
	struct vtap_dev *dev;
	struct vtap_queue *q;		/* NEED_VRING only */
	union vtap_ioctl_arg arg;
	void __user *uarg;
};

enum {
	NEED_OWNER = 1,
	NEED_VRING = 2,			/* argument starts with a vring index */
	NEED_STOPPED = 4,		/* -EBUSY while it has a backend */
	ARG_FIRST = 8,			/* copied in before the owner check */
	NO_OWNER_EINVAL = 16,		/* -EINVAL without owner, not -EPERM */
};

struct vtap_ioctl_desc {
	unsigned int cmd;
	unsigned int need;
	u8 in;				/* bytes to copy in */
	u8 out;				/* bytes to copy out on success */
	long (*fn)(struct vtap_ioctl_call *c);
};

static bool vtap_ioctl_find_queue(struct vtap_ioctl_call *c, u32 index)
{
	c->q = vtap_queue_find(c->dev, index);
	return c->q;
}

static long vtap_ioctl_get_features(struct vtap_ioctl_call *c)
{
	u64 features[VTAP_FEATURE_WORDS];

	vtap_features_offered(c->dev, features);
	c->arg.word = features[0];
	return 0;
}

static long vtap_ioctl_set_features(struct vtap_ioctl_call *c)
{
	const u64 features[VTAP_FEATURE_WORDS] = { c->arg.word };

	return vtap_features_set(c->dev, features);
}

/* The argument is a count and that many words; those past VTAP_FEATURE_WORDS are 0. */
#define MAX_FEATURE_WORDS	64

static u64 __user *vtap_ioctl_feature_words(struct vtap_ioctl_call *c)
{
	return (u64 __user *)c->uarg + 1;
}

static long vtap_ioctl_get_features_array(struct vtap_ioctl_call *c)
{
	u64 features[MAX_FEATURE_WORDS] = {};

	if (c->arg.word > MAX_FEATURE_WORDS)
		return -E2BIG;
	vtap_features_offered(c->dev, features);
	if (copy_to_user(vtap_ioctl_feature_words(c), features,
			 c->arg.word * sizeof(features[0])))
		return -EFAULT;
	return 0;
}

static long vtap_ioctl_set_features_array(struct vtap_ioctl_call *c)
{
	u64 features[MAX_FEATURE_WORDS] = {};

	if (c->arg.word > MAX_FEATURE_WORDS)
		return -E2BIG;
	if (copy_from_user(features, vtap_ioctl_feature_words(c),
			   c->arg.word * sizeof(features[0])))
		return -EFAULT;
	if (memchr_inv(features + VTAP_FEATURE_WORDS, 0,
		       sizeof(features) -
		       VTAP_FEATURE_WORDS * sizeof(features[0])))
		return -EOPNOTSUPP;
	return vtap_features_set(c->dev, features);
}

static long vtap_ioctl_set_feature_mask(struct vtap_ioctl_call *c)
{
	return vtap_features_mask(c->dev, c->arg.mask.features);
}

#define BACKEND_FEATURES	BIT_ULL(VHOST_BACKEND_F_IOTLB_MSG_V2)

static long vtap_ioctl_get_backend_features(struct vtap_ioctl_call *c)
{
	c->arg.word = BACKEND_FEATURES;
	return 0;
}

static long vtap_ioctl_set_backend_features(struct vtap_ioctl_call *c)
{
	if (c->arg.word & ~BACKEND_FEATURES)
		return -EOPNOTSUPP;
	WRITE_ONCE(c->dev->backend_features, c->arg.word);
	return 0;
}

static long vtap_ioctl_set_fork_from_owner(struct vtap_ioctl_call *c)
{
	u8 kind;

	if (c->dev->mm)
		return -EBUSY;
	if (get_user(kind, (u8 __user *)c->uarg))
		return -EFAULT;
	if (kind != VHOST_FORK_OWNER_KTHREAD && kind != VHOST_FORK_OWNER_TASK)
		return -EINVAL;
	return vtap_workers_set_kind(c->dev, kind == VHOST_FORK_OWNER_KTHREAD);
}

static long vtap_ioctl_get_fork_from_owner(struct vtap_ioctl_call *c)
{
	c->arg.byte = c->dev->kthread ? VHOST_FORK_OWNER_KTHREAD :
					VHOST_FORK_OWNER_TASK;
	return 0;
}

static long vtap_ioctl_set_log_base(struct vtap_ioctl_call *c)
{
	return vtap_dev_set_log_base(c->dev, c->arg.word);
}

static long vtap_ioctl_set_log_fd(struct vtap_ioctl_call *c)
{
	return vtap_dev_set_log_fd(c->dev, c->arg.fd);
}

static long vtap_ioctl_set_owner(struct vtap_ioctl_call *c)
{
	return vtap_dev_set_owner(c->dev);
}

static long vtap_ioctl_reset_owner(struct vtap_ioctl_call *c)
{
	return vtap_dev_reset_owner(c->dev);
}

static long vtap_ioctl_set_mem_table(struct vtap_ioctl_call *c)
{
	return vtap_dev_set_mem_table(c->dev, c->uarg);
}

static long vtap_ioctl_set_vring_num(struct vtap_ioctl_call *c)
{
	u32 num = c->arg.state.num;

	if (!vtap_ring_num_ok(num, c->q->ring_cfg.packed))
		return -EINVAL;
	c->q->ring_cfg.num = num;
	return 0;
}

static long vtap_ioctl_set_vring_base(struct vtap_ioctl_call *c)
{
	if (c->arg.state.num > U16_MAX && !c->q->ring_cfg.packed)
		return -EINVAL;
	c->q->base = c->arg.state.num;
	return 0;
}

static long vtap_ioctl_get_vring_base(struct vtap_ioctl_call *c)
{
	c->arg.state.num = vtap_queue_base(c->q);
	return 0;
}

static long vtap_ioctl_set_vring_addr(struct vtap_ioctl_call *c)
{
	return vtap_queue_set_addr(c->q, &c->arg.addr);
}

static long vtap_ioctl_set_vring_kick(struct vtap_ioctl_call *c)
{
	return vtap_queue_set_kick(c->q, c->arg.file.fd);
}

static long vtap_ioctl_set_vring_call(struct vtap_ioctl_call *c)
{
	return vtap_queue_set_eventfd(c->q, &c->q->call, c->arg.file.fd);
}

static long vtap_ioctl_set_vring_err(struct vtap_ioctl_call *c)
{
	return vtap_queue_set_eventfd(c->q, &c->q->err, c->arg.file.fd);
}

static long vtap_ioctl_set_busyloop(struct vtap_ioctl_call *c)
{
	vtap_queue_set_busyloop(c->q, c->arg.state.num);
	return 0;
}

static long vtap_ioctl_get_busyloop(struct vtap_ioctl_call *c)
{
	c->arg.state.num = c->q->busyloop_us;
	return 0;
}

static long vtap_ioctl_set_queue_pairs(struct vtap_ioctl_call *c)
{
	u32 nr = c->arg.pairs.nr;

	if (!nr || nr > VTAP_MAX_PAIRS || c->arg.pairs.reserved)
		return -EINVAL;
	return vtap_dev_set_pairs(c->dev, nr);
}

static long vtap_ioctl_set_workers(struct vtap_ioctl_call *c)
{
	const struct vhost_tap_workers *w = &c->arg.workers;
	bool shared = w->layout == VHOST_TAP_WORKERS_SHARED;

	if (w->layout > VHOST_TAP_WORKERS_SHARED ||
	    (shared ? !w->nr || w->nr > VTAP_MAX_PAIRS : w->nr))
		return -EINVAL;
	if (c->dev->mm)
		return -EBUSY;
	c->dev->layout = w->layout;
	c->dev->nr_shared = w->nr;
	return 0;
}

static long vtap_ioctl_set_polling(struct vtap_ioctl_call *c)
{
	u32 us = c->arg.polling.adaptive_us;

	if (us > VTAP_POLL_MAX_US || c->arg.polling.reserved)
		return -EINVAL;
	if (c->dev->mm && c->dev->mm != current->mm)
		return -EPERM;
	WRITE_ONCE(c->dev->adaptive_us, us);
	return 0;
}

/* The client cannot free a worker whose id it does not know. */
static long vtap_ioctl_new_worker(struct vtap_ioctl_call *c)
{
	u32 id;
	int err = vtap_workers_new(c->dev, &id);

	if (err)
		return err;
	if (copy_to_user(c->uarg, &id, sizeof(id))) {
		vtap_workers_free(c->dev, id);
		return -EFAULT;
	}
	return 0;
}

static long vtap_ioctl_free_worker(struct vtap_ioctl_call *c)
{
	return vtap_workers_free(c->dev, c->arg.worker.worker_id);
}

static long vtap_ioctl_attach_worker(struct vtap_ioctl_call *c)
{
	return vtap_workers_attach(c->q, c->arg.attached.worker_id);
}

static long vtap_ioctl_get_worker(struct vtap_ioctl_call *c)
{
	c->arg.attached.worker_id = c->q->worker->id;
	return 0;
}

static long vtap_ioctl_get_thread(struct vtap_ioctl_call *c)
{
	pid_t tid = vtap_thread_vpid(READ_ONCE(c->q->worker->thread));

	if (tid < 0)
		return tid;
	c->arg.thread.tid = tid;
	return 0;
}

static long vtap_ioctl_set_limit(struct vtap_ioctl_call *c)
{
	const struct vhost_tap_vring_limit *l = &c->arg.limit;
	const struct vtap_limit_cfg cfg = {
		.rate = l->rate,
		.burst = l->burst,
		.pps = l->pps,
	};

	if (max3(cfg.rate, cfg.burst, cfg.pps) > VTAP_BUCKET_MAX ||
	    (cfg.burst && !cfg.rate) || l->reserved)
		return -EINVAL;
	vtap_limit_set(c->q, VTAP_LIMIT_CLIENT, &cfg,
		       VTAP_LIMIT_RATE | VTAP_LIMIT_PPS);
	/* The pass in progress may have begun with the former limit. */
	vtap_queue_lock(c->q);
	mutex_unlock(&c->q->lock);
	return 0;
}

static long vtap_ioctl_set_gso_frags(struct vtap_ioctl_call *c)
{
	if (c->arg.frags.enable > 1)
		return -EINVAL;
	if (c->arg.frags.enable && !capable(CAP_NET_ADMIN))
		return -EPERM;
	WRITE_ONCE(c->q->gso_frags, c->arg.frags.enable);
	return 0;
}

static long vtap_ioctl_set_backend(struct vtap_ioctl_call *c)
{
	if (!vtap_ioctl_find_queue(c, c->arg.file.index))
		return -ENOBUFS;
	return vtap_queue_set_backend(c->q, c->arg.file.fd);
}

static long vtap_ioctl_get_info(struct vtap_ioctl_call *c)
{
	struct vhost_tap_info info = {
		.version = VHOST_TAP_VERSION,
		.caps = VHOST_TAP_CAP_FEATURE_MASK | VHOST_TAP_CAP_QUEUE_PAIRS |
			VHOST_TAP_CAP_WORKERS | VHOST_TAP_CAP_POLLING |
			VHOST_TAP_CAP_LIMITS | VHOST_TAP_CAP_GSO_FRAGS,
		.max_pairs = VTAP_MAX_PAIRS,
	};
	u32 size;

	if (get_user(size, (u32 __user *)c->uarg))
		return -EFAULT;
	if (size < VHOST_TAP_INFO_SIZE_V1 || size > PAGE_SIZE)
		return -EINVAL;
	info.size = sizeof(info);
	if (clear_user(c->uarg, size) ||
	    copy_to_user(c->uarg, &info, min_t(size_t, size, sizeof(info))))
		return -EFAULT;
	return 0;
}

#define WORD	sizeof(u64)
#define MASK	sizeof(struct vhost_tap_feature_mask)
#define PAIRS	sizeof(struct vhost_tap_queue_pairs)
#define WORKERS	sizeof(struct vhost_tap_workers)
#define POLLING	sizeof(struct vhost_tap_polling)
#define WORKER	sizeof(struct vhost_worker_state)
#define ATTACH	sizeof(struct vhost_vring_worker)
#define THREAD	sizeof(struct vhost_tap_vring_thread)
#define LIMIT	sizeof(struct vhost_tap_vring_limit)
#define FRAGS	sizeof(struct vhost_tap_vring_gso_frags)
#define STATE	sizeof(struct vhost_vring_state)
#define FILE	sizeof(struct vhost_vring_file)
#define ADDR	sizeof(struct vhost_vring_addr)
#define VRING	(NEED_OWNER | NEED_VRING)
#define OWNED	(NEED_OWNER | NO_OWNER_EINVAL)

static const struct vtap_ioctl_desc vtap_ioctl_descs[] = {
	/* device */
	{ VHOST_GET_FEATURES, 0, 0, WORD, vtap_ioctl_get_features },
	{ VHOST_SET_FEATURES, ARG_FIRST, WORD, 0, vtap_ioctl_set_features },
	{ VHOST_GET_FEATURES_ARRAY, ARG_FIRST, WORD, 0,
	  vtap_ioctl_get_features_array },
	{ VHOST_SET_FEATURES_ARRAY, ARG_FIRST, WORD, 0,
	  vtap_ioctl_set_features_array },
	{ VHOST_GET_BACKEND_FEATURES, 0, 0, WORD,
	  vtap_ioctl_get_backend_features },
	{ VHOST_SET_BACKEND_FEATURES, ARG_FIRST, WORD, 0,
	  vtap_ioctl_set_backend_features },
	{ VHOST_SET_FORK_FROM_OWNER, 0, 0, 0, vtap_ioctl_set_fork_from_owner },
	{ VHOST_GET_FORK_FROM_OWNER, 0, 0, sizeof(u8),
	  vtap_ioctl_get_fork_from_owner },
	{ VHOST_SET_OWNER, 0, 0, 0, vtap_ioctl_set_owner },
	{ VHOST_RESET_OWNER, NEED_OWNER, 0, 0, vtap_ioctl_reset_owner },
	{ VHOST_SET_MEM_TABLE, NEED_OWNER, 0, 0, vtap_ioctl_set_mem_table },
	{ VHOST_SET_LOG_BASE, NEED_OWNER, WORD, 0, vtap_ioctl_set_log_base },
	{ VHOST_SET_LOG_FD, NEED_OWNER, sizeof(int), 0, vtap_ioctl_set_log_fd },
	/* ring, stopped */
	{ VHOST_SET_VRING_NUM, VRING | NEED_STOPPED, STATE, 0,
	  vtap_ioctl_set_vring_num },
	{ VHOST_SET_VRING_BASE, VRING | NEED_STOPPED, STATE, 0,
	  vtap_ioctl_set_vring_base },
	/* ring, any time */
	{ VHOST_GET_VRING_BASE, VRING, 0, STATE, vtap_ioctl_get_vring_base },
	{ VHOST_SET_VRING_ADDR, VRING, ADDR, 0, vtap_ioctl_set_vring_addr },
	{ VHOST_SET_VRING_KICK, VRING, FILE, 0, vtap_ioctl_set_vring_kick },
	{ VHOST_SET_VRING_CALL, VRING, FILE, 0, vtap_ioctl_set_vring_call },
	{ VHOST_SET_VRING_ERR, VRING, FILE, 0, vtap_ioctl_set_vring_err },
	{ VHOST_SET_VRING_BUSYLOOP_TIMEOUT, VRING, STATE, 0,
	  vtap_ioctl_set_busyloop },
	{ VHOST_GET_VRING_BUSYLOOP_TIMEOUT, VRING, 0, STATE,
	  vtap_ioctl_get_busyloop },
	/* workers, as in vhost-scsi */
	{ VHOST_NEW_WORKER, OWNED, 0, 0, vtap_ioctl_new_worker },
	{ VHOST_FREE_WORKER, OWNED, WORKER, 0, vtap_ioctl_free_worker },
	{ VHOST_ATTACH_VRING_WORKER, OWNED | NEED_VRING, ATTACH, 0,
	  vtap_ioctl_attach_worker },
	{ VHOST_GET_VRING_WORKER, OWNED | NEED_VRING, 0, ATTACH,
	  vtap_ioctl_get_worker },
	/* start and stop */
	{ VHOST_NET_SET_BACKEND, NEED_OWNER | ARG_FIRST, FILE, 0,
	  vtap_ioctl_set_backend },
	/* extensions */
	{ VHOST_TAP_GET_INFO, 0, 0, 0, vtap_ioctl_get_info },
	{ VHOST_TAP_SET_FEATURE_MASK, 0, MASK, 0, vtap_ioctl_set_feature_mask },
	{ VHOST_TAP_SET_QUEUE_PAIRS, 0, PAIRS, 0, vtap_ioctl_set_queue_pairs },
	{ VHOST_TAP_SET_WORKERS, 0, WORKERS, 0, vtap_ioctl_set_workers },
	{ VHOST_TAP_SET_POLLING, 0, POLLING, 0, vtap_ioctl_set_polling },
	{ VHOST_TAP_GET_VRING_THREAD, VRING, 0, THREAD, vtap_ioctl_get_thread },
	{ VHOST_TAP_SET_VRING_LIMIT, VRING, LIMIT, 0, vtap_ioctl_set_limit },
	{ VHOST_TAP_SET_VRING_GSO_FRAGS, VRING, FRAGS, 0,
	  vtap_ioctl_set_gso_frags },
};

/* A vring index is not read again, because user space could have changed it since. */
static int vtap_ioctl_copy_arg(struct vtap_ioctl_call *c,
			       const struct vtap_ioctl_desc *desc)
{
	size_t done = desc->need & NEED_VRING ? sizeof(c->arg.index) : 0;

	if (desc->in > done &&
	    copy_from_user((u8 *)&c->arg + done, c->uarg + done,
			   desc->in - done))
		return -EFAULT;
	return 0;
}

static int vtap_ioctl_find_vring(struct vtap_ioctl_call *c)
{
	u32 i;

	if (get_user(i, (u32 __user *)c->uarg))
		return -EFAULT;
	if (!vtap_ioctl_find_queue(c, i))
		return -ENOBUFS;
	c->arg.index = i;
	return 0;
}

static long vtap_ioctl_run(struct vtap_ioctl_call *c,
			   const struct vtap_ioctl_desc *desc)
{
	long ret = 0;

	if (desc->need & NO_OWNER_EINVAL && !c->dev->mm)
		return -EINVAL;
	if (desc->need & NEED_OWNER)
		ret = vtap_dev_check_owner(c->dev);
	if (!ret && desc->need & NEED_VRING)
		ret = vtap_ioctl_find_vring(c);
	if (!ret && desc->need & NEED_STOPPED && c->q->backend.sock)
		ret = -EBUSY;
	if (!ret && !(desc->need & ARG_FIRST))
		ret = vtap_ioctl_copy_arg(c, desc);
	if (!ret)
		ret = desc->fn(c);
	if (!ret && desc->out && copy_to_user(c->uarg, &c->arg, desc->out))
		ret = -EFAULT;
	return ret;
}

/**
 * vtap_ioctl - handle an ioctl
 * @dev: device
 * @cmd: VHOST_* or VHOST_TAP_* number
 * @uarg: argument in the caller's memory
 *
 * Context: Process context. Sleeps while a pass is in progress.
 * Return: 0, or a negative errno: -ENOIOCTLCMD if @cmd is unknown, -EINTR if
 * the caller is being killed, or that of the handler.
 */
long vtap_ioctl(struct vtap_dev *dev, unsigned int cmd, void __user *uarg)
{
	struct vtap_ioctl_call c = { .dev = dev, .uarg = uarg };
	const struct vtap_ioctl_desc *desc = NULL;
	size_t i;
	long ret;

	for (i = 0; i < ARRAY_SIZE(vtap_ioctl_descs) && !desc; i++) {
		if (vtap_ioctl_descs[i].cmd == cmd)
			desc = &vtap_ioctl_descs[i];
	}
	if (!desc)
		return -ENOIOCTLCMD;
	if (desc->need & ARG_FIRST && vtap_ioctl_copy_arg(&c, desc))
		return -EFAULT;

	if (vtap_dev_lock(dev))
		return -EINTR;
	ret = vtap_ioctl_run(&c, desc);
	vtap_dev_unlock(dev);
	return ret;
}
