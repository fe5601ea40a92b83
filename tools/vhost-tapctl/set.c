// SPDX-License-Identifier: GPL-2.0
/*
 * set.c - vhost-tapctl set: change tunables
 */
#include <errno.h>
#include <string.h>

#include "ctl.h"

#define POLLING	"polling="

static const struct tunable {
	const char *name;
	uint16_t attr;
	bool is_wide;
	unsigned long max;
} tunables[] = {
	{ "busyloop-us", VHOST_TAP_A_QUEUE_BUSYLOOP_US, false,
	  VHOST_TAP_BUSYLOOP_MAX_US },
	{ "latency", VHOST_TAP_A_QUEUE_LATENCY, false, 1 },
	{ "load", VHOST_TAP_A_QUEUE_LOAD, false, 1 },
	{ "gso-frags", VHOST_TAP_A_QUEUE_GSO_FRAGS, false, 1 },
	{ "rate", VHOST_TAP_A_QUEUE_RATE, true, VHOST_TAP_LIMIT_MAX },
	{ "burst", VHOST_TAP_A_QUEUE_BURST, true, VHOST_TAP_LIMIT_MAX },
	{ "pps", VHOST_TAP_A_QUEUE_PPS, true, VHOST_TAP_LIMIT_MAX },
};

#define NR_TUNABLES	(sizeof(tunables) / sizeof(*tunables))

/*
 * struct request - tunables of queues, which one message for each queue sets
 *
 * The first two attributes are the device and the index.
 */
struct request {
	struct number_attr attr[2 + NR_TUNABLES];
	size_t nr;
};

static int set_queues(struct genl *nl, const char *queue, struct request *r)
{
	unsigned long index, first = 0, last = UINT16_MAX;
	int err = 0;

	if (queue && number(queue, 0, UINT16_MAX, &first)) {
		warn("\"%s\" is not the number of a queue", queue);
		return CTL_USAGE;
	}
	if (queue)
		last = first;
	for (index = first; index <= last && !err; index++) {
		r->attr[1].value = index;
		err = genl_set(nl, VHOST_TAP_CMD_QUEUE_SET, r->attr, r->nr);
	}
	/* Without a queue number, the first missing index ends the loop. */
	if (!queue && err == -ENOENT && index > 1)
		err = 0;
	return err ? genl_failure(nl, err) : CTL_OK;
}

/* off, fixed:US or adaptive:US */
static int set_polling(struct genl *nl, uint32_t device, const char *arg)
{
	struct number_attr attr[] = {
		{ VHOST_TAP_A_DEVICE_ID, false, device },
		{ VHOST_TAP_A_DEVICE_POLLING, false, VHOST_TAP_POLL_MODE_OFF },
		{ VHOST_TAP_A_DEVICE_POLL_US, false, 0 },
	};
	size_t len = strcspn(arg, ":"), nr = 2;
	uint32_t mode = VHOST_TAP_POLL_MODE_FIXED;
	unsigned long us;
	int err;

	if (strcmp(arg, poll_mode_name(VHOST_TAP_POLL_MODE_OFF))) {
		while (mode <= VHOST_TAP_POLL_MODE_ADAPTIVE &&
		       (strlen(poll_mode_name(mode)) != len ||
			strncmp(arg, poll_mode_name(mode), len)))
			mode++;
		if (mode > VHOST_TAP_POLL_MODE_ADAPTIVE || !arg[len] ||
		    number(arg + len + 1, 1, VHOST_TAP_BUSYLOOP_MAX_US, &us)) {
			warn("polling takes off, fixed:US or adaptive:US, US from 1 to %u",
			     VHOST_TAP_BUSYLOOP_MAX_US);
			return CTL_USAGE;
		}
		attr[1].value = mode;
		attr[2].value = us;
		nr = 3;
	}
	err = genl_set(nl, VHOST_TAP_CMD_DEVICE_SET, attr, nr);
	return err ? genl_failure(nl, err) : CTL_OK;
}

/* Add NAME=VALUE to a request. A name that occurs twice replaces its value. */
static int add_named(struct request *r, const char *arg)
{
	size_t len = strcspn(arg, "="), i, k;
	unsigned long value;

	for (i = 0; i < NR_TUNABLES; i++) {
		const struct tunable *t = &tunables[i];

		if (strlen(t->name) != len || strncmp(arg, t->name, len))
			continue;
		if (!arg[len] || number(arg + len + 1, 0, t->max, &value)) {
			warn("%s takes a number from 0 to %lu", t->name,
			     t->max);
			return CTL_USAGE;
		}
		for (k = 2; k < r->nr && r->attr[k].type != t->attr; k++)
			;
		r->attr[k] = (struct number_attr){ t->attr, t->is_wide, value };
		if (k == r->nr)
			r->nr++;
		return CTL_OK;
	}
	warn("there is no tunable \"%.*s\"", (int)len, arg);
	return CTL_USAGE;
}

/**
 * set_put_tunables - print the tunables, as words of the command line
 * @of_device: with the tunables that only devices have
 */
void set_put_tunables(bool of_device)
{
	uint32_t mode;
	size_t i;

	for (mode = VHOST_TAP_POLL_MODE_OFF;
	     of_device && mode <= VHOST_TAP_POLL_MODE_ADAPTIVE; mode++)
		printf(POLLING "%s%s\n", poll_mode_name(mode),
		       mode == VHOST_TAP_POLL_MODE_OFF ? "" : ":");
	for (i = 0; i < sizeof(tunables) / sizeof(*tunables); i++)
		printf("%s=\n", tunables[i].name);
}

/**
 * cmd_set - vhost-tapctl set
 * @argc: arguments, with the name
 * @argv: arguments
 *
 * Nothing is set if an argument is wrong.
 *
 * Return: exit code.
 */
int cmd_set(int argc, char **argv)
{
	const char *polling = NULL;
	unsigned long device;
	struct request r = { .nr = 2 };
	struct genl *nl;
	int i, ret = CTL_OK;
	char *queue;

	if (argc < 3)
		return CTL_USAGE;
	if (device_number(argv[1], &device, &queue))
		return CTL_USAGE;
	r.attr[0] = (struct number_attr){ VHOST_TAP_A_QUEUE_DEVICE, false, device };
	r.attr[1] = (struct number_attr){ VHOST_TAP_A_QUEUE_INDEX, false, 0 };
	for (i = 2; i < argc && ret == CTL_OK; i++) {
		if (!strncmp(argv[i], POLLING, strlen(POLLING)))
			polling = argv[i] + strlen(POLLING);
		else
			ret = add_named(&r, argv[i]);
	}
	if (ret != CTL_OK)
		return ret;
	if (polling && queue) {
		warn("polling is a tunable of devices, not of queues");
		return CTL_USAGE;
	}
	nl = genl_open();
	if (!nl)
		return genl_failure(NULL, -errno);
	if (polling)
		ret = set_polling(nl, device, polling);
	if (ret == CTL_OK && r.nr > 2)
		ret = set_queues(nl, queue, &r);
	genl_close(nl);
	return ret;
}
