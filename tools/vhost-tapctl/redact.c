// SPDX-License-Identifier: GPL-2.0
/*
 * redact.c - replace private data in text by numbered tokens
 *
 * Addresses, UUIDs and home folders are recognized by their form. Names have to
 * be added first, because nothing in their form shows that they are private. The
 * same value always gets the same token, so a reader can still see which lines
 * belong together.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "redact.h"

#define HEX		"0123456789abcdefABCDEF"
#define MIN_NAME	2	/* a shorter name would match everywhere */
#define MIN_PART	4	/* shortest name to search for within words */
#define MAX_GROUPS	64

static const struct {
	const char *token;
	const char *meaning;
} kinds[NR_PRIVATE] = {
	[PRIVATE_MAC]	= { "MAC", "MAC address" },
	[PRIVATE_IP]	= { "IP", "IP address" },
	[PRIVATE_HOST]	= { "HOST", "host name" },
	[PRIVATE_VM]	= { "VM", "name of a virtual machine" },
	[PRIVATE_USER]	= { "USER", "user name" },
	[PRIVATE_LINK]	= { "LINK", "network device whose name holds another name" },
	[PRIVATE_PATH]	= { "PATH", "path in a home folder" },
	[PRIVATE_UUID]	= { "UUID", "UUID" },
	[PRIVATE_ID]	= { "ID", "identifier of 32 digits, or hexadecimal text" },
};

/**
 * struct secret - one form of a private value
 */
struct secret {
	char *text;
	enum private_kind kind;
	unsigned int nr;	/* number in the token */
	bool is_name;		/* search for it in the text */
};

static struct secret *secrets;
static size_t nr_secrets;
static unsigned int last_nr[NR_PRIVATE];

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static struct secret *find(enum private_kind kind, const char *text)
{
	size_t i;

	for (i = 0; i < nr_secrets; i++)
		if (secrets[i].kind == kind && !strcmp(secrets[i].text, text))
			return &secrets[i];
	return NULL;
}

static struct secret *add(enum private_kind kind, const char *text,
			  unsigned int nr, bool is_name)
{
	struct secret *all = realloc(secrets, (nr_secrets + 1) * sizeof(*all));
	struct secret *s;

	if (!all)
		return NULL;
	secrets = all;
	s = &all[nr_secrets];
	*s = (struct secret){ strdup(text), kind, nr, is_name };
	if (!s->text)
		return NULL;
	nr_secrets++;
	return s;
}

/* The longest name comes first, because it may contain another one. */
static int by_length(const void *a, const void *b)
{
	const struct secret *one = a, *other = b;
	size_t len = strlen(one->text), other_len = strlen(other->text);

	return (len < other_len) - (len > other_len);
}

/* Add a form of a name. Returns false without memory. */
static bool add_form(enum private_kind kind, const char *text, unsigned int nr)
{
	struct secret *s = find(kind, text);

	if (!s && *text)
		s = add(kind, text, nr, true);
	if (s)
		s->is_name = true;
	return s || !*text;
}

/* JSON escapes characters that other text has as they are. */
static bool add_json_form(enum private_kind kind, const char *text,
			  unsigned int nr)
{
	struct json_object *o = json_object_new_string(text);
	const char *quoted = NULL;
	bool done = false;
	char *inside;

	if (o)
		quoted = json_object_to_json_string_ext(o, JSON_C_TO_STRING_NOSLASHESCAPE);
	if (quoted) {
		inside = strndup(quoted + 1, strlen(quoted) - 2);
		done = inside && add_form(kind, inside, nr);
		free(inside);
	}
	json_object_put(o);
	return done;
}

/* Add the forms in which output has a name: cleaned, in JSON, and quoted. */
static bool add_forms(enum private_kind kind, const char *name, unsigned int nr)
{
	size_t len = strlen(name), room = 4 * len + 4;
	char *text = malloc(room), *inside;
	bool done;

	if (!text)
		return false;
	clean_name(text, room, name, len);
	done = add_form(kind, text, nr) && add_json_form(kind, text, nr);
	clean_text(text, room, name, len, "\\");
	done = done && add_form(kind, text, nr);
	shell_word(text, room, name);
	inside = text + strspn(text, "$'");
	inside[strcspn(inside, "'")] = 0;
	done = done && add_form(kind, inside, nr);
	free(text);
	return done;
}

/**
 * redact_add - add a name that redact_write() replaces
 * @kind: kind of the name
 * @name: any bytes
 *
 * Names of one character, numbers and the words of JSON are not added, because too
 * much text that is not private would match.
 *
 * Return: true if it was added now or before, false without memory.
 */
bool redact_add(enum private_kind kind, const char *name)
{
	bool done;

	if (strlen(name) < MIN_NAME || !name[strspn(name, "0123456789.")] ||
	    !strcmp(name, "true") || !strcmp(name, "false") ||
	    !strcmp(name, "null") || find(kind, name))
		return true;
	/* This form only remembers that the name was added. */
	if (!add(kind, name, last_nr[kind] + 1, false))
		return false;
	done = add_forms(kind, name, ++last_nr[kind]);
	qsort(secrets, nr_secrets, sizeof(*secrets), by_length);
	return done;
}

/**
 * redact_contains - check for an added name anywhere in a text
 * @text: any bytes
 *
 * Return: true if the text holds a name of some length, even as a part of a
 * word.
 */
bool redact_contains(const char *text)
{
	size_t i;

	for (i = 0; i < nr_secrets; i++)
		if (secrets[i].is_name &&
		    strlen(secrets[i].text) >= MIN_PART &&
		    strcasestr(text, secrets[i].text))
			return true;
	return false;
}

/* Write the token of a value, with a new number for a new value. */
static size_t token(FILE *f, enum private_kind kind, const char *value,
		    size_t len)
{
	const struct secret *s = find(kind, value);

	if (!s)
		s = add(kind, value, last_nr[kind] + 1, false);
	if (s && s->nr > last_nr[kind])
		last_nr[kind] = s->nr;
	fprintf(f, "<%s-%u>", kinds[kind].token, s ? s->nr : 0);
	return len;
}

/* ---- each returns the length of what it replaced at @p, or 0 ---- */

static size_t match_name(FILE *f, const char *start, const char *p)
{
	size_t i, len;

	for (i = 0; i < nr_secrets; i++) {
		const struct secret *s = &secrets[i];

		len = strlen(s->text);
		if (!s->is_name ||
		    (s->kind == PRIVATE_HOST ? strncasecmp(p, s->text, len) :
					       strncmp(p, s->text, len)))
			continue;
		/* Names that begin or end like a word are whole words. */
		if ((p > start && is_word(p[-1]) && is_word(*p)) ||
		    (is_word(p[len - 1]) && is_word(p[len])))
			continue;
		fprintf(f, "<%s-%u>", kinds[s->kind].token, s->nr);
		/* the domain behind the name of a host */
		while (s->kind == PRIVATE_HOST && p[len] == '.' &&
		       is_word(p[len + 1])) {
			do
				len++;
			while (is_word(p[len]) || p[len] == '-');
		}
		return len;
	}
	return 0;
}

static size_t match_path(FILE *f, const char *p)
{
	static const char * const homes[] = { "/home/", "/root/" };
	size_t i, len;
	char *value;

	for (i = 0; i < sizeof(homes) / sizeof(*homes); i++) {
		len = strlen(homes[i]);
		if (strncmp(p, homes[i], len))
			continue;
		/* A path may have spaces, so only these characters end it. */
		while (p[len] && !strchr("\n\"',:", p[len]) &&
		       strncmp(p + len, " (", 2))
			len++;
		if (len == strlen(homes[i]))
			return 0;
		value = strndup(p, len);
		if (!value)
			return 0;
		fputs(homes[i], f);
		token(f, PRIVATE_PATH, value, len);
		free(value);
		return len;
	}
	return 0;
}

/* Length of the run of hexadecimal digits at @p. */
static size_t hex_len(const char *p)
{
	return strspn(p, HEX);
}

/*
 * Length of a name at @p in hexadecimal digits. The audit log writes names with
 * unusual bytes like this.
 */
static size_t audit_len(const char *start, const char *p)
{
	static const char * const keys[] = { "name=", "comm=", "exe=", "cwd=",
					     "profile=", "label=", "proctitle=" };
	size_t len = strspn(p, "0123456789ABCDEF"), key, i;

	if (len < 2 || len % 2 || is_word(p[len]))
		return 0;
	for (i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		key = strlen(keys[i]);
		if ((size_t)(p - start) >= key &&
		    !strncmp(p - key, keys[i], key))
			return len;
	}
	return 0;
}

static size_t match_id(FILE *f, const char *start, const char *p)
{
	static const size_t groups[] = { 8, 4, 4, 4, 12 };
	size_t len = hex_len(p), at = 0, i;
	char value[64];

	if (len == 32 && !is_word(p[len])) {
		snprintf(value, sizeof(value), "%.32s", p);
		return token(f, PRIVATE_ID, value, len);
	}
	len = audit_len(start, p);
	if (len) {
		char *text = strndup(p, len);

		if (!text)
			return 0;
		token(f, PRIVATE_ID, text, len);
		free(text);
		return len;
	}
	for (i = 0; i < 5; i++) {
		if (hex_len(p + at) != groups[i])
			return 0;
		at += groups[i];
		if (i < 4 && p[at++] != '-')
			return 0;
	}
	if (is_word(p[at]))
		return 0;
	for (i = 0; i < at; i++)
		value[i] = tolower((unsigned char)p[i]);
	value[at] = 0;
	return token(f, PRIVATE_UUID, value, at);
}

/* Six groups or more: a MAC address, or several in one line of a firewall. */
static size_t match_mac(FILE *f, const char *start, const char *p)
{
	char value[3 * MAX_GROUPS + 1] = "";
	size_t at = 0, nr = 0, len;
	bool zero = true, ones = true;
	unsigned int byte;
	char sep = 0;

	/* 8000.525400123456, the id of a bridge in /sys */
	if (p - start >= 5 && p[-1] == '.' && hex_len(p - 5) == 4 &&
	    hex_len(p) == 12 && !is_word(p[12])) {
		for (nr = 0; nr < 6; nr++)
			sprintf(value + 3 * nr, "%.2s:", p + 2 * nr);
		value[17] = 0;
		for (at = 0; value[at]; at++)
			value[at] = tolower((unsigned char)value[at]);
		return token(f, PRIVATE_MAC, value, 12);
	}
	while (nr < MAX_GROUPS) {
		len = hex_len(p + at);
		if (len < 1 || len > 2 || (sep == '-' && len != 2))
			break;
		byte = strtoul((char[]){ p[at], len > 1 ? p[at + 1] : 0, 0 },
			       NULL, 16);
		sprintf(value + 3 * nr++, "%02x:", byte);
		zero = zero && !byte;
		ones = ones && byte == 0xff;
		at += len;
		if (!sep && (p[at] == ':' || p[at] == '-'))
			sep = p[at];
		if (!sep || p[at] != sep || !isxdigit((unsigned char)p[at + 1]))
			break;
		at++;
	}
	if (nr < 6 || zero || ones || is_word(p[at]))
		return 0;
	value[3 * nr - 1] = 0;
	return token(f, PRIVATE_MAC, value, at);
}

/* Replace an address of one family, whose text has at most @len characters. */
static size_t match_family(FILE *f, int family, const char *p, size_t len)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char addr[16];

	if (is_word(p[len]))
		return 0;
	/* the end of a sentence, or a port */
	while (len && (p[len - 1] == '.' ||
		       (p[len - 1] == ':' && len > 1 && p[len - 2] != ':')))
		len--;
	if (len < 2 || len >= sizeof(text))
		return 0;
	snprintf(text, sizeof(text), "%.*s", (int)len, p);
	if (inet_pton(family, text, addr) != 1)
		return 0;
	inet_ntop(family, addr, text, sizeof(text));
	/* These say nothing about the host. */
	if (!strcmp(text, "::") || !strcmp(text, "::1") ||
	    !strcmp(text, "0.0.0.0") || !strcmp(text, "127.0.0.1"))
		return 0;
	return token(f, PRIVATE_IP, text, len);
}

static size_t match_ip(FILE *f, const char *p)
{
	size_t len = match_family(f, AF_INET6, p, strspn(p, HEX ":."));

	if (!len)
		len = match_family(f, AF_INET, p, strspn(p, "0123456789."));
	return len;
}

/**
 * redact_write - write a text with private data replaced
 * @f: file to write to
 * @text: printable text
 */
void redact_write(FILE *f, const char *text)
{
	const char *p = text;
	size_t len;

	while (*p) {
		len = match_path(f, p);
		if (!len)
			len = match_name(f, text, p);
		if (!len && (p == text || !is_word(p[-1]))) {
			len = match_id(f, text, p);
			/* Eight groups can be either kind. */
			if (!len)
				len = match_ip(f, p);
			if (!len)
				len = match_mac(f, text, p);
		}
		if (!len) {
			fputc(*p, f);
			len = 1;
		}
		p += len;
	}
}

/**
 * redact_summary - print how many values of each kind were replaced
 * @f: file to write to
 */
void redact_summary(FILE *f)
{
	bool any = false;
	unsigned int i;

	for (i = 0; i < NR_PRIVATE; i++) {
		if (last_nr[i])
			fprintf(f, "%s%u %s", any ? ", " : "", last_nr[i],
				kinds[i].token);
		any = any || last_nr[i];
	}
	fputs(any ? "\n" : "none\n", f);
}

/**
 * redact_legend - print the meaning of the tokens
 * @f: file to write to
 */
void redact_legend(FILE *f)
{
	unsigned int i;

	for (i = 0; i < NR_PRIVATE; i++)
		fprintf(f, "  <%s-N>%*s%s\n", kinds[i].token,
			(int)(7 - strlen(kinds[i].token)), "", kinds[i].meaning);
}
