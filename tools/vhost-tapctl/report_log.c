// SPDX-License-Identifier: GPL-2.0
/*
 * report_log.c - the kernel log's part of vhost-tapctl report
 *
 * Most lines of a log have nothing to do with vhost-tap, and some are private.
 * Lines are selected by words. Reports of kernel failures are kept as a whole.
 */
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "spawn.h"

#define MAX_LINES	1000	/* the last ones */
#define MAX_FAILURE	120	/* lines of one failure */

static const char * const words[] = {
	"vhost", "tun:", "tun_", "macvtap", "ipvtap", "module verification",
	"hung_task", "Out of memory", "oom-kill", "locked down", "Lockdown",
	NULL
};

/* The first line of a kernel failure. */
static const char * const failures[] = {
	"[ cut here ]", "BUG: ", "Oops: ", "WARNING: CPU", "general protection fault",
	"blocked for more than", "self-detected stall", "detected stalls",
	"LOCKUP", "Unable to handle", "UBSAN: ", NULL
};

static bool has_one(const char *line, const char * const *list)
{
	while (*list)
		if (strstr(line, *list++))
			return true;
	return false;
}

/*
 * Select lines by words and failures. @lines is used as a ring of @nr entries,
 * so the last ones are kept. Returns the number of selected lines.
 */
static size_t select_lines(char *text, char **lines, size_t nr)
{
	size_t kept = 0, failure = 0;
	char *line;

	while ((line = strsep(&text, "\n"))) {
		if (has_one(line, failures))
			failure = MAX_FAILURE;
		if (!*line || !(failure || has_one(line, words)))
			continue;
		lines[kept++ % nr] = line;
		if (failure)
			failure--;
		if (strstr(line, "---[ end") || strstr(line, "</TASK>"))
			failure = 0;
	}
	return kept;
}

/**
 * put_kernel_log - write the lines of the kernel log on taps, vhost and failures
 * @r: report
 * @f: file to write to
 */
void put_kernel_log(struct report *r, FILE *f)
{
	static const char * const readers[][7] = {
		{ "dmesg", "--color=never" },
		{ "journalctl", "--dmesg", "--boot", "--no-pager", "--quiet",
		  "--output=short-monotonic" },
	};
	char **lines = calloc(MAX_LINES, sizeof(*lines)), *text = NULL;
	size_t i, len, nr = 0;
	int ret = -1;
	FILE *t;

	for (i = 0; lines && ret && i < 2; i++) {
		free(text);
		text = NULL;
		t = open_memstream(&text, &len);
		if (!t)
			break;
		ret = spawn_text(readers[i], t);
		if (fclose(t))
			ret = -1;
		/* journalctl prints nothing if the user may not read the log. */
		if (!ret && !len)
			ret = -1;
	}
	if (!ret)
		nr = select_lines(text, lines, MAX_LINES);
	else
		missing(r, "the kernel log: it is not readable, run it as root");
	if (!ret && !nr)
		fputs("no line concerns taps or vhost\n", f);
	if (nr > MAX_LINES)
		fprintf(f, "(%zu earlier lines left out)\n", nr - MAX_LINES);
	for (i = nr > MAX_LINES ? nr - MAX_LINES : 0; i < nr; i++)
		fprintf(f, "%s\n", lines[i % MAX_LINES]);
	free(text);
	free(lines);
}
