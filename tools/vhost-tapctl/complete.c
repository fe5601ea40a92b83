// SPDX-License-Identifier: GPL-2.0
/*
 * complete.c - vhost-tapctl --complete: the words that can follow on a command line
 *
 * The completion of bash, zsh and fish starts the tool for each list of words, so the
 * commands and options are those of the installed version. They come from the usage
 * texts, and values from the tables of top.c and set.c.
 */
#include <ctype.h>
#include <string.h>

#include "ctl.h"
#include "top.h"

/*
 * Lines in place of words: the shell itself lists links, users, files, folders,
 * or the words of the command behind "--".
 */
static const struct {
	const char *option;
	const char *list;
} option_values[] = {
	{ "--tap", ":link" },
	{ "--macvtap", ":link" },
	{ "--user", ":user" },
}, placeholder_values[] = {
	{ "FILE", ":file" },
	{ "PATH", ":file" },
	{ "DIR", ":folder" },
};

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))

static void put_views(void)
{
	unsigned int i;

	for (i = 0; i < top_nr_views; i++)
		printf("%s\n", top_views[i].name);
}

/* The columns of the view named in @words, or of all views, each column once. */
static void put_columns(int nr, char **words)
{
	const char *view = NULL;
	unsigned int i, j, k, l;
	bool seen;
	int w;

	for (w = 0; w + 1 < nr; w++)
		if (!strcmp(words[w], "--view"))
			view = words[w + 1];
	for (i = 0; i < top_nr_views; i++) {
		const struct top_view *v = &top_views[i];

		if (view && strcmp(view, v->name))
			continue;
		for (j = 0; j < v->nr_columns; j++) {
			seen = false;
			for (k = 0; k < i && !view; k++)
				for (l = 0; l < top_views[k].nr_columns; l++)
					seen |= !strcmp(top_views[k].columns[l].name,
							v->columns[j].name);
			if (!seen)
				printf("%s\n", v->columns[j].name);
		}
	}
}

/* Return the placeholder of a value that follows @option in @usage, or NULL. */
static const char *placeholder(const char *usage, const char *option,
			       size_t *len)
{
	size_t option_len = strlen(option);
	const char *at = usage;

	while ((at = strstr(at, option))) {
		at += option_len;
		if (*at != ' ')
			continue;
		at += 1 + (at[1] == '\'');
		*len = 0;
		while (isupper((unsigned char)at[*len]))
			(*len)++;
		return *len ? at : NULL;
	}
	return NULL;
}

/* Print the values of @option. Return false if it has none. */
static bool put_values(const char *usage, const char *option, int nr,
		       char **words)
{
	const char *value;
	size_t len, i;

	if (!strcmp(option, "-o"))
		option = "--output";
	value = placeholder(usage, option, &len);
	if (!value)
		return false;
	if (!strcmp(option, "--view"))
		put_views();
	else if (!strcmp(option, "--sort"))
		put_columns(nr, words);
	for (i = 0; i < ARRAY_SIZE(option_values); i++)
		if (!strcmp(option_values[i].option, option))
			printf("%s\n", option_values[i].list);
	for (i = 0; i < ARRAY_SIZE(placeholder_values); i++)
		if (strlen(placeholder_values[i].option) == len &&
		    !strncmp(placeholder_values[i].option, value, len))
			printf("%s\n", placeholder_values[i].list);
	return true;
}

/* An option or a keyword: "--json", "--", "status" */
static bool is_word(const char *text, size_t len)
{
	size_t i = !strncmp(text, "--", 2) ? 2 : 0;

	if (i == len)
		return len == 2;
	for (; i < len; i++)
		if (!islower((unsigned char)text[i]) && text[i] != '-')
			return false;
	return len > 0;
}

static void put_usage_words(const char *usage)
{
	while (*usage) {
		size_t len = strcspn(usage, "\n []{}|");

		if (is_word(usage, len))
			printf("%.*s\n", (int)len, usage);
		usage += len + !!usage[len];
	}
}

/**
 * complete_command - print the words that can follow behind a command
 * @usage: usage of the command, without its name
 * @nr: number of @words, at least 1
 * @words: words of the command line behind "vhost-tapctl", from the command
 */
void complete_command(const char *usage, int nr, char **words)
{
	const char *last = words[nr - 1];
	int i;

	for (i = 1; i < nr; i++) {
		if (!strcmp(words[i], "--")) {
			printf(":command\n");
			return;
		}
	}
	if (nr > 1 && *last == '-' && put_values(usage, last, nr, words))
		return;
	if (!strcmp(words[0], "set") && nr > 1)
		set_put_tunables(!strchr(words[1], '/'));
	put_usage_words(usage);
}
