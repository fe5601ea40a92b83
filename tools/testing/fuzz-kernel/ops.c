// SPDX-License-Identifier: GPL-2.0
/* ops.c - the table of steps */
#include "fuzz.h"

const struct op_type ops[] = {
	/* the client */
	{ "setup", 10, op_setup },
	{ "ioctl", 30, op_ioctl },
	{ "start", 6, op_start },
	{ "stop", 4, op_stop },
	{ "save", 2, op_save },
	{ "load", 3, op_load },
	{ "iotlb", 8, op_iotlb },
	{ "miss", 5, op_miss },
	{ "files", 3, op_files },
	{ "eventfd", 3, op_eventfd },
	/* the guest */
	{ "tx", 16, op_tx },
	{ "rx", 12, op_rx },
	{ "desc", 14, op_desc },
	{ "avail", 4, op_avail },
	{ "poke", 6, op_poke },
	{ "events", 5, op_events },
	{ "kick", 8, op_kick },
	/* the host */
	{ "send", 12, op_send },
	{ "recv", 3, op_recv },
	{ "tap", 4, op_tap },
	{ "netlink", 8, op_netlink },
	{ "param", 3, op_param },
	{ "debugfs", 2, op_debugfs },
	/* the system */
	{ "settle", 10, op_settle },
	{ "mm", 8, op_mm },
	{ "uffd", 2, op_uffd },
	{ "fail", 5, op_fail },
	{ "child", 2, op_child },
	{ "kill", 2, op_kill },
	{ "thread", 2, op_thread },
	{ "unshare", 1, op_unshare },
};

const unsigned int nr_ops = ARRAY_SIZE(ops);

void run_ops(const struct op *o, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		i += ops[o[i].nr % nr_ops].run(&o[i], nr - i - 1);
}
