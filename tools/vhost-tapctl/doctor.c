// SPDX-License-Identifier: GPL-2.0
/*
 * doctor.c - vhost-tapctl doctor: report what is wrong with a host, and the fix
 *
 * The doctor changes nothing. Each finding has a command that fixes it, which
 * the user may run.
 */
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor.h"

/* Print a line that may hold names of any bytes. */
static void put_line(const char *start, const char *text)
{
	size_t room = 4 * strlen(text) + 1;
	char *clean = malloc(room);

	if (clean) {
		clean_text(clean, room, text, room, "\\");
		printf("%s%s\n", start, clean);
	}
	free(clean);
}

/**
 * finding - print and count a finding
 * @ctx: context
 * @severity: severity of the finding
 * @what: what is wrong
 * @why: why it matters
 * @fix_fmt: printf() format of the command that fixes it, or NULL
 */
void finding(struct doctor_ctx *ctx, enum severity severity, const char *what,
	     const char *why, const char *fix_fmt, ...)
{
	static const char * const word[] = { "note", "warning", "problem" };
	const char *color = bold();
	char *fix = NULL;
	va_list ap;

	if (severity == PROBLEM) {
		ctx->problems++;
		color = red();
	} else if (severity == WARNING) {
		ctx->warnings++;
		color = yellow();
	} else {
		ctx->notes++;
	}
	printf("%s%s%s", color, word[severity], plain());
	put_line(": ", what);
	put_line("  why: ", why);
	if (!fix_fmt)
		return;
	va_start(ap, fix_fmt);
	if (vasprintf(&fix, fix_fmt, ap) >= 0)
		put_line("  fix: ", fix);
	va_end(ap);
	free(fix);
}

static bool in_group(const struct doctor_ctx *ctx, gid_t group)
{
	gid_t groups[256];
	int nr = 256, i;

	if (ctx->gid == group)
		return true;
	if (ctx->user)
		nr = getgrouplist(ctx->user, ctx->gid, groups, &nr) < 0 ? 0 :
									  nr;
	else
		nr = getgroups(256, groups);
	for (i = 0; i < nr; i++)
		if (groups[i] == group)
			return true;
	return false;
}

/**
 * may_use - check that the user may open a file for reading and writing
 * @ctx: context
 * @path: file
 *
 * For another user than the current one, owner, group and mode decide.
 *
 * Return: true if the user may open it.
 */
bool may_use(const struct doctor_ctx *ctx, const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return false;
	if (!ctx->user)
		return !access(path, R_OK | W_OK);
	if (!ctx->uid)
		return true;
	if (st.st_uid == ctx->uid)
		return (st.st_mode & 0600) == 0600;
	if (in_group(ctx, st.st_gid))
		return (st.st_mode & 0060) == 0060;
	return (st.st_mode & 0006) == 0006;
}

/* The kernel's rule for names of network devices (dev_valid_name()). */
static bool is_link_name(const char *name)
{
	size_t len = strlen(name);

	return len && len < IFNAMSIZ && strcmp(name, ".") &&
	       strcmp(name, "..") && !strpbrk(name, "/: \t\n\v\f\r\xa0");
}

static int set_user(struct doctor_ctx *ctx)
{
	const struct passwd *pw;

	ctx->uid = geteuid();
	ctx->gid = getegid();
	if (!ctx->user)
		return CTL_OK;
	pw = getpwnam(ctx->user);
	if (!pw || strlen(ctx->user) > LOGIN_NAME_MAX) {
		warn("there is no user \"%s\"", ctx->user);
		return CTL_NOT_FOUND;
	}
	shell_word(ctx->user_word, sizeof(ctx->user_word), ctx->user);
	ctx->uid = pw->pw_uid;
	ctx->gid = pw->pw_gid;
	return CTL_OK;
}

static int parse(struct doctor_ctx *ctx, int argc, char **argv)
{
	static const struct option options[] = {
		{ "tap", required_argument, NULL, 't' },
		{ "macvtap", required_argument, NULL, 'm' },
		{ "queues", required_argument, NULL, 'q' },
		{ "user", required_argument, NULL, 'u' },
		{ 0 },
	};
	int c;

	while ((c = next_option(argc, argv, "", options)) != -1) {
		if ((c == 't' || c == 'm') && !is_link_name(optarg)) {
			warn("\"%s\" is not a valid name for a network device",
			     optarg);
			return CTL_USAGE;
		}
		if (c == 't')
			ctx->tap = optarg;
		else if (c == 'm')
			ctx->macvtap = optarg;
		else if (c == 'q' && !number(optarg, 1, 256, &ctx->queues))
			;
		else if (c == 'u')
			ctx->user = optarg;
		else
			return CTL_USAGE;
	}
	if (optind != argc || (ctx->tap && ctx->macvtap))
		return CTL_USAGE;
	if (ctx->tap || ctx->macvtap)
		shell_word(ctx->link_word, sizeof(ctx->link_word),
			   ctx->tap ? ctx->tap : ctx->macvtap);
	return set_user(ctx);
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
	struct doctor_ctx ctx = { .queues = 1 };
	int ret = parse(&ctx, argc, argv);

	if (ret != CTL_OK)
		return ret;
	check_module(&ctx);
	check_versions(&ctx);
	check_node(&ctx);
	check_tun(&ctx);
	check_queues(&ctx);
	if (ctx.tap)
		check_tap(&ctx);
	if (ctx.macvtap)
		check_macvtap(&ctx);
	check_slots(&ctx);
	check_security(&ctx);
	check_workers(&ctx);
	check_drops(&ctx);
	check_takeover(&ctx);
	check_in_tree(&ctx);
	printf("%u problem%s, %u warning%s, %u note%s\n",
	       ctx.problems, plural(ctx.problems), ctx.warnings,
	       plural(ctx.warnings), ctx.notes, plural(ctx.notes));
	return ctx.problems ? CTL_PROBLEMS :
	       ctx.warnings ? CTL_WARNINGS : CTL_OK;
}
