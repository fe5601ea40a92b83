// SPDX-License-Identifier: GPL-2.0
/*
 * Read a line of rows.conf: a name, then key=value for each non-default setting.
 */
#include <stdlib.h>
#include <string.h>

#include "rows_conf.h"

static int set_op(struct bench_row *row, const char *name)
{
	static const char *const names[] = {
		[OP_IRQ] = "irq", [OP_MB] = "mb", [OP_LOCK] = "lock", [OP_USER] = "user",
		[OP_LINE] = "line", [OP_WAKEUP] = "wakeup", [OP_SYSCALL] = "syscall",
	};
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(name, names[i]))
			continue;
		row->op = i;
		return 0;
	}
	return -1;
}

static int set_key(struct bench_row *row, const char *key, const char *val)
{
	unsigned int n = strtoul(val, NULL, 0);

	if (!strcmp(key, "dir"))
		row->rx = !strcmp(val, "rx");
	else if (!strcmp(key, "len"))
		row->len = n;
	else if (!strcmp(key, "gso"))
		row->gso = !strcmp(val, "udp") ? GSO_UDP :
			   n ? GSO_TCP : GSO_NONE;
	else if (!strcmp(key, "ring"))
		row->ring = n;
	else if (!strcmp(key, "chain"))
		row->chain = n;
	else if (!strcmp(key, "buf"))
		row->buf = n;
	else if (!strcmp(key, "indirect"))
		row->indirect = n;
	else if (!strcmp(key, "regions"))
		row->regions = n;
	else if (!strcmp(key, "spread"))
		row->spread = n;
	else if (!strcmp(key, "adjacent"))
		row->adjacent = n;
	else if (!strcmp(key, "mrg"))
		row->mrg = n;
	else if (!strcmp(key, "eidx"))
		row->eidx = n;
	else if (!strcmp(key, "inorder"))
		row->in_order = n;
	else if (!strcmp(key, "packed"))
		row->packed = n;
	else if (!strcmp(key, "log"))
		row->log = n;
	else if (!strcmp(key, "iotlb"))
		row->iotlb = !strcmp(val, "4k") ? IOTLB_4K :
			     !strcmp(val, "big") ? IOTLB_BIG : IOTLB_OFF;
	else if (!strcmp(key, "burst"))
		row->burst = n;
	else if (!strcmp(key, "pairs"))
		row->pairs = n;
	else if (!strcmp(key, "idle"))
		row->nr_idle = n;
	else if (!strcmp(key, "mode"))
		row->mode = !strcmp(val, "stream") ? MODE_STREAM :
			    !strcmp(val, "idle") ? MODE_IDLE :
			    !strcmp(val, "many") ? MODE_MANY :
			    !strcmp(val, "rr") ? MODE_RR :
			    !strcmp(val, "latency") ? MODE_LATENCY :
			    !strcmp(val, "op") ? MODE_OP : MODE_ROUNDS;
	else if (!strcmp(key, "op"))
		return set_op(row, val);
	else if (!strcmp(key, "two_cpus"))
		row->two_cpus = n;
	else if (!strcmp(key, "poll"))
		row->poll_us = n;
	else if (!strcmp(key, "adapt"))
		row->adapt_us = n;
	else if (!strcmp(key, "pace"))
		row->pace_us = n;
	else if (!strcmp(key, "bridged"))
		row->bridged = n;
	else if (!strcmp(key, "to"))
		row->path = !strcmp(val, "nic") ? PATH_NIC :
			    !strcmp(val, "vxlan") ? PATH_VXLAN :
			    !strcmp(val, "tap") ? PATH_TAP : PATH_HOST;
	else if (!strcmp(key, "frags"))
		row->frags = n;
	else if (!strcmp(key, "batch"))
		row->batch = n;
	else if (!strcmp(key, "plain"))
		snprintf(row->plain, sizeof(row->plain), "%s", val);
	else if (!strcmp(key, "times"))
		row->times = n;
	else if (!strcmp(key, "baseline"))
		row->baseline = n;
	else
		return -1;
	return 0;
}

/* Return: 1 for a row, 0 for a comment or an empty line, -1 for a syntax error */
int bench_row_parse(struct bench_row *row, const char *line)
{
	char copy[256], *word, *val, *save;

	*row = (struct bench_row){
		.len = 64, .ring = 1024, .chain = 1, .buf = 1536, .regions = 1,
		.mrg = true, .eidx = true, .times = 2,
	};
	snprintf(copy, sizeof(copy), "%s", line);
	word = strtok_r(copy, " \t\n", &save);
	if (!word || *word == '#')
		return 0;
	snprintf(row->name, sizeof(row->name), "%s", word);
	while ((word = strtok_r(NULL, " \t\n", &save))) {
		if (*word == '#')
			break;
		val = strchr(word, '=');
		if (!val)
			return -1;
		*val++ = 0;
		if (set_key(row, word, val))
			return -1;
	}
	return 1;
}
