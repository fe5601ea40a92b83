// SPDX-License-Identifier: GPL-2.0
/*
 * monitor.c - vhost-tapctl monitor: print events as they happen
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <string.h>
#include <time.h>

#include "ctl.h"
#include "json.h"

/** struct monitor - state of the command */
struct monitor {
	/** @json: print JSON instead of text */
	bool json;
	/** @status: exit code; CTL_OK while the output can be written */
	int status;
};

static int print_json(const char *event, struct json_object *what)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "event", json_object_new_string(event));
	json_object_object_add(o, "what", what);
	return json_print(o);
}

static void print_time(void)
{
	struct timespec ts;
	char buf[32];
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &ts);
	localtime_r(&ts.tv_sec, &tm);
	strftime(buf, sizeof(buf), "%H:%M:%S", &tm);
	printf("%s.%03ld ", buf, ts.tv_nsec / 1000000);
}

static int on_device(const struct nlmsghdr *nlh, bool json, bool added)
{
	const char *event = added ? "device-add" : "device-del";
	struct json_object *o;
	struct device d;

	if (parse_device(nlh, &d))
		return CTL_OK;
	if (json) {
		o = json_object_new_object();
		json_object_object_add(o, "device",
				       json_object_new_uint64(d.id));
		return print_json(event, o);
	}
	print_time();
	printf("device %u %s\n", d.id, added ? "has an owner" : "is gone");
	return output_flush();
}

static int on_queue(const struct nlmsghdr *nlh, bool json)
{
	char label[16];
	struct queue q;
	unsigned int i;

	if (parse_queue(nlh, &q))
		return CTL_OK;
	if (json)
		return print_json("queue", json_queue(&q, NULL, 0));
	queue_label(&q, label, sizeof(label));
	print_time();
	printf("device %u %s %s%s%s", q.device, label,
	       q.state == VHOST_TAP_STATE_BROKEN ? red() : "",
	       state_name(q.state), plain());
	if (q.fault[0])
		printf(" %s (%s)", q.fault, q.fault_means);
	for (i = 0; i < q.nr_faults; i++)
		if (strcmp(q.faults[i].name, q.fault))
			printf(" %s=%llu", q.faults[i].name,
			       (unsigned long long)q.faults[i].count);
	putchar('\n');
	return output_flush();
}

static int on_event(const struct nlmsghdr *nlh, void *data)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	struct monitor *m = data;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*genl))
		return MNL_CB_OK;
	if (genl->cmd == VHOST_TAP_CMD_QUEUE_NTF)
		m->status = on_queue(nlh, m->json);
	else if (genl->cmd == VHOST_TAP_CMD_DEVICE_ADD_NTF ||
		 genl->cmd == VHOST_TAP_CMD_DEVICE_DEL_NTF)
		m->status = on_device(nlh, m->json, genl->cmd ==
				      VHOST_TAP_CMD_DEVICE_ADD_NTF);
	return m->status == CTL_OK ? MNL_CB_OK : MNL_CB_STOP;
}

/* Print events until the output or the socket fails. Returns an exit code. */
static int watch(struct genl *nl, struct monitor *m)
{
	int err;

	while (m->status == CTL_OK) {
		if (output_wait(genl_fd(nl), -1) < 0)
			return output_lost();
		err = genl_receive(nl, on_event, m);
		if (err == -ENOBUFS)
			warn("events were lost; \"vhost-tapctl show\" prints the present state");
		else if (err && err != -EINTR)
			return genl_failure(nl, err);
	}
	return m->status;
}

/**
 * cmd_monitor - vhost-tapctl monitor
 * @argc: arguments, with the name
 * @argv: arguments
 *
 * Return: exit code.
 */
int cmd_monitor(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	struct monitor m = { .status = CTL_OK };
	struct genl *nl;
	int c, err, ret;

	while ((c = next_option(argc, argv, "", options)) != -1) {
		if (c != 'j')
			return CTL_USAGE;
		m.json = true;
	}
	if (optind != argc)
		return CTL_USAGE;
	nl = genl_open();
	if (!nl)
		return genl_failure(NULL, -errno);
	err = genl_subscribe(nl);
	ret = err ? genl_failure(nl, err) : watch(nl, &m);
	genl_close(nl);
	return ret;
}
