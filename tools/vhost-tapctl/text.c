// SPDX-License-Identifier: GPL-2.0
/*
 * text.c - messages, colours, numbers
 *
 * Read before: ctl.h.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

bool use_colour;

/**
 * text_init - colours on a terminal that wants them, and nowhere else
 */
void text_init(void)
{
	const char *term = getenv("TERM");

	use_colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR") && term &&
		     strcmp(term, "dumb");
}

/**
 * warn - a line on stderr
 * @fmt: as printf()
 */
void warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fflush(stdout);
	fputs("vhost-tapctl: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

static const char *colour(const char *code)
{
	return use_colour ? code : "";
}

/**
 * bold - begin bold text
 *
 * Return: what to print for it.
 */
const char *bold(void)
{
	return colour("\033[1m");
}

/**
 * red - begin red text
 *
 * Return: what to print for it.
 */
const char *red(void)
{
	return colour("\033[31m");
}

/**
 * yellow - begin yellow text
 *
 * Return: what to print for it.
 */
const char *yellow(void)
{
	return colour("\033[33m");
}

/**
 * green - begin green text
 *
 * Return: what to print for it.
 */
const char *green(void)
{
	return colour("\033[32m");
}

/**
 * plain - end of all that
 *
 * Return: what to print for it.
 */
const char *plain(void)
{
	return colour("\033[0m");
}

/**
 * put_safe - print a name that a process or a user chose
 * @f: where to
 * @s: text; what does not print becomes a question mark
 */
void put_safe(FILE *f, const char *s)
{
	for (; *s; s++)
		fputc(isprint((unsigned char)*s) ? *s : '?', f);
}

/**
 * human - a number in four characters or so
 * @v: number, not negative
 * @buf: where to
 * @len: room
 */
void human(double v, char *buf, size_t len)
{
	static const char unit[] = " kMGTPE";
	unsigned int i = 0;

	while (v >= 999.5 && i < sizeof(unit) - 2) {
		v /= 1000;
		i++;
	}
	if (!i)
		snprintf(buf, len, "%.0f", v);
	else
		snprintf(buf, len, "%.*f%c", v < 9.95 ? 1 : 0, v, unit[i]);
}

/**
 * number - a number of the command line
 * @s: decimal digits
 * @min: smallest
 * @max: largest
 * @out: the number
 *
 * Return: 0; -EINVAL no such number.
 */
int number(const char *s, unsigned long min, unsigned long max,
	   unsigned long *out)
{
	char *end;

	if (!isdigit((unsigned char)*s))
		return -EINVAL;
	errno = 0;
	*out = strtoul(s, &end, 10);
	return errno || *end || *out < min || *out > max ? -EINVAL : 0;
}
