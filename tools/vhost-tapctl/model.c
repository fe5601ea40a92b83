// SPDX-License-Identifier: GPL-2.0
/*
 * model.c - convert netlink messages to structures
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

/* Get an integer of 4 or 8 bytes; other sizes are 0. */
static uint64_t get_uint(const struct nlattr *attr)
{
	switch (mnl_attr_get_payload_len(attr)) {
	case sizeof(uint32_t):
		return mnl_attr_get_u32(attr);
	case sizeof(uint64_t):
		return mnl_attr_get_u64(attr);
	default:
		return 0;
	}
}

/* All names are received here, so clean them here. */
static void get_string(const struct nlattr *attr, char *buf, size_t len)
{
	clean_name(buf, len, mnl_attr_get_payload(attr),
		   mnl_attr_get_payload_len(attr));
}

static void list_add(struct list *l, uint64_t val)
{
	if (l->nr < MAX_LIST)
		l->val[l->nr++] = val;
}

static void parse_counters(const struct nlattr *nest, struct queue *q)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest) {
		unsigned int type = mnl_attr_get_type(attr);

		if (type && type <= NR_COUNTERS)
			q->counter[type - 1] = get_uint(attr);
	}
}

static void parse_fault(const struct nlattr *nest, struct queue *q)
{
	const struct nlattr *attr;
	struct fault *f;

	if (q->nr_faults == MAX_FAULTS)
		return;
	f = &q->faults[q->nr_faults++];
	mnl_attr_for_each_nested(attr, nest) {
		switch (mnl_attr_get_type(attr)) {
		case VHOST_TAP_A_FAULT_NAME:
			get_string(attr, f->name, sizeof(f->name));
			break;
		case VHOST_TAP_A_FAULT_COUNT:
			f->count = get_uint(attr);
			break;
		}
	}
}

/**
 * parse_device - parse the message of a device
 * @nlh: message
 * @d: set to the device
 *
 * Return: 0, or -EBADMSG if the message is too short.
 */
int parse_device(const struct nlmsghdr *nlh, struct device *d)
{
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct genlmsghdr))
		return -EBADMSG;
	*d = (struct device){ 0 };
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		switch (mnl_attr_get_type(attr)) {
		case VHOST_TAP_A_DEVICE_ID:
			d->id = get_uint(attr);
			break;
		case VHOST_TAP_A_DEVICE_OWNER_PID:
			d->owner_pid = get_uint(attr);
			break;
		case VHOST_TAP_A_DEVICE_NR_QUEUES:
			d->nr_queues = get_uint(attr);
			break;
		case VHOST_TAP_A_DEVICE_NR_WORKERS:
			d->nr_workers = get_uint(attr);
			break;
		case VHOST_TAP_A_DEVICE_FEATURES:
			d->features[0] = get_uint(attr);
			break;
		case VHOST_TAP_A_DEVICE_FEATURES_HI:
			d->features[1] = get_uint(attr);
			break;
		case VHOST_TAP_A_DEVICE_IOTLB:
			d->iotlb = true;
			break;
		case VHOST_TAP_A_DEVICE_DIRTY_LOG:
			d->dirty_log = true;
			break;
		case VHOST_TAP_A_DEVICE_MEMORY_REGIONS:
			d->memory_regions = get_uint(attr);
			break;
		case VHOST_TAP_A_DEVICE_WORKER_LAYOUT:
			d->layout = get_uint(attr);
			break;
		case VHOST_TAP_A_DEVICE_POLLING:
			d->poll_mode = get_uint(attr);
			break;
		case VHOST_TAP_A_DEVICE_POLL_US:
			d->poll_us = get_uint(attr);
			break;
		case VHOST_TAP_A_DEVICE_NETNS_COOKIE:
			d->netns_cookie = get_uint(attr);
			break;
		}
	}
	return 0;
}

static void parse_if_dropped(const struct nlattr *attr, struct queue *q)
{
	q->if_dropped = get_uint(attr);
	q->has_if_dropped = true;
}

/* Find the member for a numeric attribute of a queue. */
static uint32_t *queue_number(struct queue *q, unsigned int type)
{
	switch (type) {
	case VHOST_TAP_A_QUEUE_DEVICE:
		return &q->device;
	case VHOST_TAP_A_QUEUE_INDEX:
		return &q->index;
	case VHOST_TAP_A_QUEUE_DIRECTION:
		return &q->direction;
	case VHOST_TAP_A_QUEUE_STATE:
		return &q->state;
	case VHOST_TAP_A_QUEUE_BACKEND:
		return &q->backend;
	case VHOST_TAP_A_QUEUE_BACKEND_FD:
		return &q->backend_fd;
	case VHOST_TAP_A_QUEUE_SIZE:
		return &q->size;
	case VHOST_TAP_A_QUEUE_DEPTH:
		return &q->depth;
	case VHOST_TAP_A_QUEUE_BUSYLOOP_US:
		return &q->busyloop_us;
	case VHOST_TAP_A_QUEUE_WORKER:
		return &q->worker;
	case VHOST_TAP_A_QUEUE_LATENCY:
		return &q->latency;
	case VHOST_TAP_A_QUEUE_LOAD:
		return &q->load;
	case VHOST_TAP_A_QUEUE_GSO_FRAGS:
		return &q->gso_frags;
	case VHOST_TAP_A_QUEUE_IFINDEX:
		return &q->ifindex;
	default:
		return NULL;
	}
}

/* Find the member for a numeric attribute of 64 bits. */
static uint64_t *queue_wide_number(struct queue *q, unsigned int type)
{
	switch (type) {
	case VHOST_TAP_A_QUEUE_IF_NETNS_COOKIE:
		return &q->if_netns_cookie;
	case VHOST_TAP_A_QUEUE_IOTLB_LOOKUPS:
		return &q->iotlb_lookups;
	case VHOST_TAP_A_QUEUE_STARVED_FOR_NS:
		return &q->starved_for_ns;
	case VHOST_TAP_A_QUEUE_RATE:
		return &q->rate;
	case VHOST_TAP_A_QUEUE_BURST:
		return &q->burst;
	case VHOST_TAP_A_QUEUE_PPS:
		return &q->pps;
	case VHOST_TAP_A_QUEUE_BUSY_NS:
		return &q->busy_ns;
	default:
		return NULL;
	}
}

/* Find the list for an attribute that occurs several times. */
static struct list *queue_list(struct queue *q, unsigned int type)
{
	switch (type) {
	case VHOST_TAP_A_QUEUE_BATCH_SIZES:
		return &q->batch_sizes;
	case VHOST_TAP_A_QUEUE_KICK_TO_DONE:
		return &q->kick_to_done;
	case VHOST_TAP_A_QUEUE_WAKE_TO_CALL:
		return &q->wake_to_call;
	default:
		return NULL;
	}
}

/**
 * parse_queue - parse the message of a queue
 * @nlh: message
 * @q: set to the queue
 *
 * Return: 0, or -EBADMSG if the message is too short.
 */
int parse_queue(const struct nlmsghdr *nlh, struct queue *q)
{
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct genlmsghdr))
		return -EBADMSG;
	*q = (struct queue){ 0 };
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		unsigned int type = mnl_attr_get_type(attr);
		uint32_t *number = queue_number(q, type);

		if (number)
			*number = get_uint(attr);
		else if (type == VHOST_TAP_A_QUEUE_IF_DROPPED)
			parse_if_dropped(attr, q);
		else if (type == VHOST_TAP_A_QUEUE_FAULT)
			get_string(attr, q->fault, sizeof(q->fault));
		else if (type == VHOST_TAP_A_QUEUE_FAULT_MEANS)
			get_string(attr, q->fault_means,
				   sizeof(q->fault_means));
		else if (type == VHOST_TAP_A_QUEUE_IFNAME)
			get_string(attr, q->tap, sizeof(q->tap));
		else if (type == VHOST_TAP_A_QUEUE_STARVED)
			q->starved = true;
		else if (type == VHOST_TAP_A_QUEUE_BLOCKED)
			q->blocked = true;
		else if (type == VHOST_TAP_A_QUEUE_THROTTLED)
			q->throttled = true;
		else if (type == VHOST_TAP_A_QUEUE_COUNTERS)
			parse_counters(attr, q);
		else if (type == VHOST_TAP_A_QUEUE_FAULTS)
			parse_fault(attr, q);
		else if (queue_wide_number(q, type))
			*queue_wide_number(q, type) = get_uint(attr);
		else if (queue_list(q, type))
			list_add(queue_list(q, type), get_uint(attr));
	}
	return 0;
}

static int parse_worker(const struct nlmsghdr *nlh, struct worker *w)
{
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct genlmsghdr))
		return -EBADMSG;
	*w = (struct worker){ .node = -1, .cpu = -1 };
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		switch (mnl_attr_get_type(attr)) {
		case VHOST_TAP_A_WORKER_DEVICE:
			w->device = get_uint(attr);
			break;
		case VHOST_TAP_A_WORKER_INDEX:
			w->index = get_uint(attr);
			break;
		case VHOST_TAP_A_WORKER_TID:
			w->tid = get_uint(attr);
			break;
		case VHOST_TAP_A_WORKER_QUEUES:
			list_add(&w->queues, get_uint(attr));
			break;
		case VHOST_TAP_A_WORKER_NODE:
			w->node = get_uint(attr);
			break;
		case VHOST_TAP_A_WORKER_RUN_NS:
			w->run_ns = get_uint(attr);
			break;
		case VHOST_TAP_A_WORKER_WAIT_NS:
			w->wait_ns = get_uint(attr);
			w->has_wait = true;
			break;
		case VHOST_TAP_A_WORKER_CPU:
			w->cpu = get_uint(attr);
			break;
		case VHOST_TAP_A_WORKER_SHARED_TIDS:
			list_add(&w->shared_tids, get_uint(attr));
			break;
		}
	}
	return 0;
}

/*
 * Add an element to an array of @nr. Returns NULL with errno. The array has
 * room for the next power of two, so it is seldom moved.
 */
static void *grow(void **array, unsigned int *nr, size_t size)
{
	void *p = *array;

	if (!(*nr & (*nr - 1))) {
		p = reallocarray(p, *nr ? 2 * (size_t)*nr : 1, size);
		if (!p)
			return NULL;
		*array = p;
	}
	return (char *)p + size * (*nr)++;
}

static int result(int err)
{
	errno = -err;
	return err ? MNL_CB_ERROR : MNL_CB_OK;
}

static int on_device(const struct nlmsghdr *nlh, void *data)
{
	struct snapshot *s = data;
	struct device *d = grow((void **)&s->device, &s->nr_devices,
				sizeof(*d));

	return d ? result(parse_device(nlh, d)) : MNL_CB_ERROR;
}

static int on_queue(const struct nlmsghdr *nlh, void *data)
{
	struct snapshot *s = data;
	struct queue *q = grow((void **)&s->queue, &s->nr_queues, sizeof(*q));

	return q ? result(parse_queue(nlh, q)) : MNL_CB_ERROR;
}

static int on_worker(const struct nlmsghdr *nlh, void *data)
{
	struct snapshot *s = data;
	struct worker *w = grow((void **)&s->worker, &s->nr_workers,
				sizeof(*w));

	return w ? result(parse_worker(nlh, w)) : MNL_CB_ERROR;
}

static int compare_numbers(uint32_t a, uint32_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_devices(const void *a, const void *b)
{
	const struct device *x = a, *y = b;

	return compare_numbers(x->id, y->id);
}

static int compare_queues(const void *a, const void *b)
{
	const struct queue *x = a, *y = b;

	return compare_numbers(x->device, y->device) ?:
	       compare_numbers(x->index, y->index);
}

static int compare_workers(const void *a, const void *b)
{
	const struct worker *x = a, *y = b;

	return compare_numbers(x->device, y->device) ?:
	       compare_numbers(x->index, y->index);
}

static void sort(void *array, unsigned int nr, size_t size,
		 int (*compare)(const void *a, const void *b))
{
	if (nr)
		qsort(array, nr, size, compare);
}

/* Sort all arrays by device, and set the ranges of each device. */
static void snapshot_index(struct snapshot *s)
{
	unsigned int i, q = 0, w = 0;

	sort(s->device, s->nr_devices, sizeof(*s->device), compare_devices);
	sort(s->queue, s->nr_queues, sizeof(*s->queue), compare_queues);
	sort(s->worker, s->nr_workers, sizeof(*s->worker), compare_workers);
	for (i = 0; i < s->nr_devices; i++) {
		struct device *d = &s->device[i];

		/* A device may have disappeared between two dumps. */
		while (q < s->nr_queues && s->queue[q].device < d->id)
			q++;
		d->first_queue = q;
		while (q < s->nr_queues && s->queue[q].device == d->id)
			q++;
		d->end_queue = q;
		while (w < s->nr_workers && s->worker[w].device < d->id)
			w++;
		d->first_worker = w;
		while (w < s->nr_workers && s->worker[w].device == d->id)
			w++;
		d->end_worker = w;
	}
}

/**
 * snapshot_take - get all devices, queues and workers
 * @nl: socket
 * @s: set to the snapshot, which the caller frees also after an error
 *
 * Return: 0 or a negative errno.
 */
int snapshot_take(struct genl *nl, struct snapshot *s)
{
	unsigned int i;
	int err;

	*s = (struct snapshot){ .at = now() };
	err = genl_dump(nl, VHOST_TAP_CMD_DEVICE_GET, on_device, s);
	if (!err)
		err = genl_dump(nl, VHOST_TAP_CMD_QUEUE_GET, on_queue, s);
	if (!err)
		err = genl_dump(nl, VHOST_TAP_CMD_WORKER_GET, on_worker, s);
	snapshot_index(s);
	for (i = 0; i < s->nr_devices; i++)
		process_name(s->device[i].owner_pid, s->device[i].owner,
			     sizeof(s->device[i].owner));
	return err;
}

/**
 * snapshot_read - get all devices, queues and workers with a socket of its own
 * @s: set to the snapshot, which the caller frees also after an error
 * @all: those of all network namespaces
 *
 * Return: CTL_OK, or the exit code after a message about an error.
 */
int snapshot_read(struct snapshot *s, bool all)
{
	struct genl *nl = genl_open();
	int err, ret;

	*s = (struct snapshot){ 0 };
	if (!nl)
		return genl_failure(NULL, -errno);
	if (all)
		genl_all_namespaces(nl);
	err = snapshot_take(nl, s);
	s->all_namespaces = all;
	ret = err ? genl_failure(nl, err) : CTL_OK;
	genl_close(nl);
	return ret;
}

/**
 * snapshot_free - free the memory of a snapshot
 * @s: snapshot
 */
void snapshot_free(struct snapshot *s)
{
	free(s->device);
	free(s->queue);
	free(s->worker);
	*s = (struct snapshot){ 0 };
}

/**
 * snapshot_device - find a device
 * @s: snapshot
 * @id: id of the device
 *
 * Return: the device or NULL.
 */
const struct device *snapshot_device(const struct snapshot *s, uint32_t id)
{
	const struct device wanted = { .id = id };

	if (!s->nr_devices)
		return NULL;
	return bsearch(&wanted, s->device, s->nr_devices, sizeof(*s->device),
		       compare_devices);
}

/**
 * snapshot_queue - find a queue
 * @s: snapshot
 * @device: id of the device
 * @index: vring index
 *
 * Return: the queue or NULL.
 */
const struct queue *snapshot_queue(const struct snapshot *s, uint32_t device,
				   uint32_t index)
{
	const struct queue wanted = { .device = device, .index = index };

	if (!s->nr_queues)
		return NULL;
	return bsearch(&wanted, s->queue, s->nr_queues, sizeof(*s->queue),
		       compare_queues);
}

/**
 * snapshot_worker - find a worker
 * @s: snapshot
 * @device: id of the device
 * @index: id of the worker
 *
 * Return: the worker or NULL.
 */
const struct worker *snapshot_worker(const struct snapshot *s, uint32_t device,
				     uint32_t index)
{
	const struct worker wanted = { .device = device, .index = index };

	if (!s->nr_workers)
		return NULL;
	return bsearch(&wanted, s->worker, s->nr_workers, sizeof(*s->worker),
		       compare_workers);
}

/**
 * queue_drops - sum up dropped packets
 * @q: queue
 *
 * Return: dropped packets for all reasons, without ring faults.
 */
uint64_t queue_drops(const struct queue *q)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < q->nr_faults; i++)
		if (!strncmp(q->faults[i].name, "TX_", 3) ||
		    !strncmp(q->faults[i].name, "RX_", 3))
			sum += q->faults[i].count;
	return sum;
}

/**
 * queue_label - write the label of a queue: direction and number of the pair
 * @q: queue
 * @buf: result
 * @len: size of @buf
 */
void queue_label(const struct queue *q, char *buf, size_t len)
{
	snprintf(buf, len, "%s%u", direction_name(q->direction), q->index / 2);
}
