// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - vhost-tapctl: select and run a command
 */
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *usage;
	const char *help;
} commands[] = {
	{ "show", cmd_show, "[--json] [--all-namespaces]",
	  "print devices, queues, taps, owners and worker threads" },
	{ "stats", cmd_stats,
	  "[--json] [--all-namespaces] [--interval SECONDS [--count N]]",
	  "print all counters, or rates" },
	{ "top", cmd_top, "[--interval SECONDS] [--view NAME] [--sort COLUMN] [--once]",
	  "show rates on the terminal" },
	{ "prometheus", cmd_prometheus, "[--output FILE] [--all-namespaces]",
	  "print or write all counters for Prometheus" },
	{ "set", cmd_set, "DEVICE[/QUEUE] NAME=VALUE...",
	  "change tunables of a device or queue" },
	{ "pin", cmd_pin, "DEVICE[/QUEUE] CPUS",
	  "choose the CPUs of worker threads" },
	{ "balance", cmd_balance,
	  "[--owner PID] [--interval SECONDS] [--once] [--dry-run]",
	  "move workers from busy to idle shared threads" },
	{ "monitor", cmd_monitor, "[--json]",
	  "print state changes and faults as they happen" },
	{ "doctor", cmd_doctor,
	  "[--tap NAME | --macvtap NAME] [--queues N] [--user NAME]",
	  "check this host and a planned setup, and suggest fixes" },
	{ "report", cmd_report, "[--output FILE] [--tap NAME]...",
	  "collect an archive for a bug report, without private data" },
	{ "run", cmd_run,
	  "{--tap NAME | --macvtap LINK[,mode=MODE][,name=NAME]}\n"
	  "              [--queues N] [--mac ADDRESS] [--device PROPERTIES]\n"
	  "              [--id ID] [--node PATH] [--dry-run] -- COMMAND [ARGUMENT]...",
	  "start a VMM on a tap or macvtap" },
	{ "bench", cmd_bench,
	  "[--no-guest] [--rows 'PATTERN...'] [--list]\n"
	  "              [--json FILE] [--plot FILE] [--rounds N] [--ms MS]\n"
	  "              [--limit SECONDS] [--queues N] [--nodes A,B]\n"
	  "              [--kernel FILE] [--modules DIR] [--append TEXT]\n"
	  "              [--device PROPERTIES] [--qemu-args ARGUMENTS]",
	  "compare vhost-tap with vhost-net on this host" },
	{ "takeover", cmd_takeover, "{on [--persist] [--dry-run] | off | status}",
	  "give the module the name /dev/vhost-net, in place of in-tree vhost-net" },
};

static int help(FILE *f)
{
	size_t i;

	fprintf(f, "usage: vhost-tapctl COMMAND [OPTION]...\n\n");
	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		fprintf(f, "  %-10s  %s\n              %s\n", commands[i].name,
			commands[i].usage, commands[i].help);
	fprintf(f, "\nvhost-tapctl(8) describes the options and the exit status.\n");
	return f == stdout ? CTL_OK : CTL_USAGE;
}

static bool is_help(const char *arg)
{
	return !strcmp(arg, "--help") || !strcmp(arg, "-h");
}

static int run(const struct command *c, int argc, char **argv)
{
	int ret;

	if (argc == 2 && is_help(argv[1])) {
		printf("usage: vhost-tapctl %s %s\n", c->name, c->usage);
		return CTL_OK;
	}
	ret = c->run(argc, argv);
	if (ret == CTL_USAGE)
		fprintf(stderr, "usage: vhost-tapctl %s %s\n", c->name,
			c->usage);
	return ret;
}

/* Print the words that can follow behind the @nr words on the command line. */
static int complete(int nr, char **words)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (!nr)
			printf("%s\t%s\n", commands[i].name, commands[i].help);
		else if (!strcmp(commands[i].name, words[0]))
			complete_command(commands[i].usage, nr, words);
	}
	if (!nr)
		printf("--help\n--version\n");
	return CTL_OK;
}

static int dispatch(int argc, char **argv)
{
	size_t i;

	if (argc < 2)
		return help(stderr);
	if (is_help(argv[1]) || !strcmp(argv[1], "help"))
		return help(stdout);
	if (!strcmp(argv[1], "--version")) {
		printf("vhost-tapctl %s\n", VERSION);
		return CTL_OK;
	}
	if (!strcmp(argv[1], "--complete"))
		return complete(argc - 2, argv + 2);
	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(commands[i].name, argv[1]))
			return run(&commands[i], argc - 1, argv + 1);
	warn("there is no command \"%s\"", argv[1]);
	return help(stderr);
}

int main(int argc, char **argv)
{
	int ret;

	text_init();
	ret = dispatch(argc, argv);
	/* A command that failed has printed a message. */
	if ((ret == CTL_OK || ret >= CTL_WARNINGS) && output_flush() != CTL_OK)
		ret = CTL_FAILED;
	return ret;
}
