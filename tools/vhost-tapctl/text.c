// SPDX-License-Identifier: GPL-2.0
/*
 * text.c - names, messages, colors, numbers and options
 *
 * A name from outside, such as that of a network device, a process or a file,
 * may contain any bytes. clean_name() cleans it when it is received, so text,
 * JSON and metrics contain printable ASCII only. A command for the user to run
 * contains the true name, quoted by shell_word().
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

bool use_color;

/**
 * text_init - enable colors on a terminal, unless NO_COLOR is set
 */
void text_init(void)
{
	const char *term = getenv("TERM");

	use_color = isatty(STDOUT_FILENO) && !getenv("NO_COLOR") && term &&
		     strcmp(term, "dumb");
}

static bool is_printable(char c)
{
	return c >= ' ' && c <= '~';
}

/**
 * clean_text - make bytes from outside safe for terminals, JSON and metrics
 * @buf: result, always terminated
 * @room: size of @buf
 * @text: any bytes
 * @len: bytes to read at most; a NUL ends @text earlier
 * @keep: characters to keep that are not printable, or a backslash
 *
 * Printable ASCII is kept. Each other byte, and the backslash, becomes \xNN. A
 * result that does not fit is cut before an incomplete \xNN.
 */
void clean_text(char *buf, size_t room, const char *text, size_t len,
		const char *keep)
{
	size_t i;

	for (i = 0; i < len && text[i]; i++) {
		bool as_is = (is_printable(text[i]) && text[i] != '\\') ||
			     strchr(keep, text[i]);
		size_t size = as_is ? 1 : 4;

		if (size >= room)
			break;
		snprintf(buf, room, as_is ? "%c" : "\\x%02x",
			 (unsigned char)text[i]);
		buf += size;
		room -= size;
	}
	*buf = 0;
}

/**
 * clean_name - make a name from outside printable and unambiguous
 * @buf: result; NAME_ROOM bytes suffice for a name of 15 bytes
 * @room: size of @buf
 * @name: any bytes
 * @len: bytes to read at most; a NUL ends @name earlier
 *
 * Different names have different results.
 */
void clean_name(char *buf, size_t room, const char *name, size_t len)
{
	clean_text(buf, room, name, len, "");
}

/**
 * shell_word - quote a word so that a shell reads exactly its bytes
 * @buf: result; four bytes for each byte of the word and four more suffice
 * @room: size of @buf
 * @word: any bytes
 *
 * The result is printable ASCII. The form $'...', which bash and zsh support,
 * is used only if plain quotes are not enough.
 */
void shell_word(char *buf, size_t room, const char *word)
{
	const char *quote = "'";
	char *inside;
	size_t i;

	for (i = 0; isalnum((unsigned char)word[i]) ||
	     (word[i] && strchr("%+,-./:=@_", word[i])); i++)
		;
	if (*word && !word[i]) {
		snprintf(buf, room, "%s", word);
		return;
	}
	for (i = 0; word[i]; i++)
		if (!is_printable(word[i]) || strchr("'\\", word[i]))
			quote = "$'";
	inside = calloc(i + 1, 4);
	if (!inside) {
		buf[0] = 0;
		return;
	}
	/* Inside $'...' the quote is escaped, too. */
	for (i = 0; *word; word++) {
		bool as_is = is_printable(*word) && !strchr("'\\", *word);

		i += sprintf(inside + i, as_is ? "%c" : "\\x%02x",
			     (unsigned char)*word);
	}
	snprintf(buf, room, "%s%s'", quote, inside);
	free(inside);
}

/**
 * warn - print a message on stderr
 * @fmt: printf() format; names in the result need not be cleaned
 */
void warn(const char *fmt, ...)
{
	char *text, *clean = NULL;
	size_t room;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0)
		return;
	room = 4 * (size_t)len + 1;
	clean = malloc(room);
	fflush(stdout);
	if (clean) {
		clean_text(clean, room, text, len, "\n\\");
		fprintf(stderr, "vhost-tapctl: %s\n", clean);
	}
	free(clean);
	free(text);
}

static const char *color(const char *code)
{
	return use_color ? code : "";
}

/**
 * bold - begin bold text
 *
 * Return: the escape sequence, or "" without colors.
 */
const char *bold(void)
{
	return color("\033[1m");
}

/**
 * red - begin red text
 *
 * Return: the escape sequence, or "" without colors.
 */
const char *red(void)
{
	return color("\033[31m");
}

/**
 * yellow - begin yellow text
 *
 * Return: the escape sequence, or "" without colors.
 */
const char *yellow(void)
{
	return color("\033[33m");
}

/**
 * green - begin green text
 *
 * Return: the escape sequence, or "" without colors.
 */
const char *green(void)
{
	return color("\033[32m");
}

/**
 * plain - end bold and colored text
 *
 * Return: the escape sequence, or "" without colors.
 */
const char *plain(void)
{
	return color("\033[0m");
}

/**
 * plural - get the plural ending of a noun
 * @nr: number of items
 *
 * Return: "s", or "" for one.
 */
const char *plural(unsigned long nr)
{
	return nr == 1 ? "" : "s";
}

/**
 * human - write a number with a unit, in at most five characters
 * @v: number, not negative
 * @buf: result
 * @len: size of @buf
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
 * number - parse a decimal number within bounds
 * @s: text
 * @min: smallest value
 * @max: largest value
 * @out: set to the number
 *
 * Return: 0, or -EINVAL if @s is not such a number.
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

/**
 * device_number - parse an argument DEVICE or DEVICE/QUEUE
 * @arg: argument; a "/" in it becomes its end
 * @device: set to the id of the device
 * @queue: set to the text of the queue, or NULL
 *
 * Return: 0, or -EINVAL after a message.
 */
int device_number(char *arg, unsigned long *device, char **queue)
{
	*queue = strchr(arg, '/');
	if (*queue)
		*(*queue)++ = 0;
	if (!number(arg, 0, UINT32_MAX, device))
		return 0;
	warn("\"%s\" is not the number of a device (\"vhost-tapctl show\" lists them)",
	     arg);
	return -EINVAL;
}

/**
 * next_option - getopt_long() with cleaned names in its messages
 * @argc: arguments, with the name
 * @argv: arguments
 * @mode: "+" to stop at the first argument that is not an option, else "";
 *        then short options, as for getopt()
 * @options: supported options
 *
 * Return: the val of the option, '?' after a message, or -1 at the end.
 */
int next_option(int argc, char **argv, const char *mode,
		const struct option *options)
{
	bool stop = *mode == '+';
	char shorts[16];
	int c;

	opterr = 0;
	snprintf(shorts, sizeof(shorts), "%s:%s", stop ? "+" : "", mode + stop);
	c = getopt_long(argc, argv, shorts, options, NULL);
	if (c == ':')
		warn("option %s needs a value", argv[optind - 1]);
	else if (c == '?' && !strncmp(argv[optind - 1], "--", 2))
		warn("invalid option %s", argv[optind - 1]);
	else if (c == '?')
		warn("invalid option -%c", optopt);
	return c == ':' ? '?' : c;
}
