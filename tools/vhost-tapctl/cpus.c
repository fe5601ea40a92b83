// SPDX-License-Identifier: GPL-2.0
/*
 * cpus.c - sets of CPUs, and the CPUs that a thread may use
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "ctl.h"

/* Parse a number at *@s, and set *@s to what follows it. */
static int parse_cpu(const char **s, unsigned long *cpu)
{
	char *end;

	if (!isdigit((unsigned char)**s))
		return -EINVAL;
	errno = 0;
	*cpu = strtoul(*s, &end, 10);
	*s = end;
	return errno || *cpu >= MAX_CPUS ? -EINVAL : 0;
}

/**
 * cpus_parse - parse a list of CPUs, as in "0-3,8"
 * @list: list
 * @c: set to the CPUs
 *
 * Return: 0, or -EINVAL if @list is not such a list.
 */
int cpus_parse(const char *list, struct cpus *c)
{
	unsigned long first, last;

	CPU_ZERO_S(sizeof(c->set), c->set);
	for (;;) {
		if (parse_cpu(&list, &first))
			return -EINVAL;
		last = first;
		if (*list == '-') {
			list++;
			if (parse_cpu(&list, &last) || last < first)
				return -EINVAL;
		}
		for (; first <= last; first++)
			CPU_SET_S(first, sizeof(c->set), c->set);
		if (!*list)
			return 0;
		if (*list++ != ',')
			return -EINVAL;
	}
}

/**
 * cpus_text - write a set of CPUs as a list
 * @c: CPUs
 *
 * Return: the list, which the caller frees, or NULL without memory.
 */
char *cpus_text(const struct cpus *c)
{
	const char *comma = "";
	unsigned int i, first;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	for (i = 0; i < MAX_CPUS; i++) {
		if (!CPU_ISSET_S(i, sizeof(c->set), c->set))
			continue;
		first = i;
		while (i + 1 < MAX_CPUS &&
		       CPU_ISSET_S(i + 1, sizeof(c->set), c->set))
			i++;
		fprintf(f, first < i ? "%s%u-%u" : "%s%u", comma, first, i);
		comma = ",";
	}
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}

/**
 * thread_cpus - get the CPUs that a thread may use
 * @tid: thread
 * @c: set to the CPUs
 *
 * Return: 0 or a negative errno.
 */
int thread_cpus(pid_t tid, struct cpus *c)
{
	return sched_getaffinity(tid, sizeof(c->set), c->set) ? -errno : 0;
}

/**
 * thread_set_cpus - choose the CPUs that a thread may use
 * @tid: thread
 * @c: CPUs; the kernel ignores those that are not in the cpuset of the thread,
 *	if others are
 *
 * Return: 0 or a negative errno.
 */
int thread_set_cpus(pid_t tid, const struct cpus *c)
{
	return sched_setaffinity(tid, sizeof(c->set), c->set) ? -errno : 0;
}
