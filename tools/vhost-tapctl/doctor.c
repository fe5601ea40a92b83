// SPDX-License-Identifier: GPL-2.0
/*
 * doctor.c - vhost-tapctl doctor: what is wrong, why it matters, what mends it
 *
 * Read before: doctor.h. Nothing is changed here, only looked at.
 */
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor.h"

/**
 * finding - tell what was found
 * @p: patient
 * @how: how bad it is
 * @what: what is wrong
 * @why: why it matters
 * @mend_fmt: the command, as printf(); NULL when there is nothing to mend
 */
void finding(struct patient *p, enum severity how, const char *what,
	     const char *why, const char *mend_fmt, ...)
{
	static const char * const word[] = { "note", "warning", "problem" };
	va_list ap;

	if (how == PROBLEM)
		p->problems++;
	else if (how == WARNING)
		p->warnings++;
	else
		p->notes++;
	printf("%s%s%s: %s\n  why:  %s\n",
	       how == PROBLEM ? red() : how == WARNING ? yellow() : bold(),
	       word[how], plain(), what, why);
	if (!mend_fmt)
		return;
	va_start(ap, mend_fmt);
	printf("  mend: ");
	vprintf(mend_fmt, ap);
	putchar('\n');
	va_end(ap);
}

static bool in_group(const struct patient *p, gid_t group)
{
	gid_t groups[256];
	int nr = 256, i;

	if (p->gid == group)
		return true;
	if (p->user)
		nr = getgrouplist(p->user, p->gid, groups, &nr) < 0 ? 0 : nr;
	else
		nr = getgroups(256, groups);
	for (i = 0; i < nr; i++)
		if (groups[i] == group)
			return true;
	return false;
}

/**
 * may_use - may the patient's user open a file for reading and writing?
 * @p: patient
 * @path: file
 *
 * By owner, group and mode; root may.
 *
 * Return: true if so.
 */
bool may_use(const struct patient *p, const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return false;
	if (!p->user)
		return !access(path, R_OK | W_OK);
	if (!p->uid)
		return true;
	if (st.st_uid == p->uid)
		return (st.st_mode & 0600) == 0600;
	if (in_group(p, st.st_gid))
		return (st.st_mode & 0060) == 0060;
	return (st.st_mode & 0006) == 0006;
}

static int parse(struct patient *p, int argc, char **argv)
{
	static const struct option options[] = {
		{ "tap", required_argument, NULL, 't' },
		{ "macvtap", required_argument, NULL, 'm' },
		{ "queues", required_argument, NULL, 'q' },
		{ "user", required_argument, NULL, 'u' },
		{ 0 },
	};
	const struct passwd *pw;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		bool is_link = (c == 't' || c == 'm') && *optarg &&
			       strlen(optarg) < IFNAMSIZ &&
			       !strpbrk(optarg, "/ \t\n;&|$`'\"\\<>()*?");

		if (c == 't' && is_link)
			p->tap = optarg;
		else if (c == 'm' && is_link)
			p->macvtap = optarg;
		else if (c == 'q' && !number(optarg, 1, 256, &p->queues))
			;
		else if (c == 'u')
			p->user = optarg;
		else
			return CTL_USAGE;
	}
	if (optind != argc || (p->tap && p->macvtap))
		return CTL_USAGE;
	p->uid = geteuid();
	p->gid = getegid();
	if (!p->user)
		return CTL_OK;
	pw = getpwnam(p->user);
	if (!pw) {
		warn("there is no user \"%s\"", p->user);
		return CTL_NOT_FOUND;
	}
	p->uid = pw->pw_uid;
	p->gid = pw->pw_gid;
	return CTL_OK;
}

/**
 * cmd_doctor - vhost-tapctl doctor
 * @argc: arguments, with the name
 * @argv: arguments
 *
 * Return: exit code.
 */
int cmd_doctor(int argc, char **argv)
{
	struct patient p = { .queues = 1 };
	int ret = parse(&p, argc, argv);

	if (ret != CTL_OK)
		return ret;
	check_module(&p);
	check_node(&p);
	check_tun(&p);
	check_queues(&p);
	if (p.tap)
		check_tap(&p);
	if (p.macvtap)
		check_macvtap(&p);
	check_slots(&p);
	check_security(&p);
	check_workers(&p);
	check_in_tree(&p);
	printf("%u problems, %u warnings, %u notes\n", p.problems, p.warnings,
	       p.notes);
	return p.problems ? CTL_PROBLEMS : p.warnings ? CTL_WARNINGS : CTL_OK;
}
