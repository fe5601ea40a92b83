// SPDX-License-Identifier: GPL-2.0
/*
 * report_tap.c - devices and taps of vhost-tapctl report
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "link.h"
#include "redact.h"
#include "report.h"
#include "spawn.h"

/*
 * Get the true name of a queue's tap, or false if it is in another network
 * namespace. The snapshot has the cleaned name.
 */
static bool tap_of(const struct queue *q, char *name)
{
	char clean[NAME_ROOM];

	if (!q->tap[0] || !q->ifindex ||
	    q->if_netns_cookie != link_netns_cookie() ||
	    !if_indextoname(q->ifindex, name))
		return false;
	clean_name(clean, sizeof(clean), name, IFNAMSIZ);
	return !strcmp(clean, q->tap);
}

/* If no device is open, report all taps of this namespace. */
static void add_all_taps(struct report *r)
{
	struct if_nameindex *all = if_nameindex(), *i;
	struct link_info l;

	for (i = all; i && i->if_index; i++)
		if (!link_get(i->if_name, &l) &&
		    (l.is_tap || link_is_macvtap(&l)))
			add_link(r, i->if_name);
	if_freenameindex(all);
}

/**
 * find_links - select the taps and macvtaps of the report
 * @r: report
 *
 * The user may have selected some. The names of links that hold another name,
 * such as "tap-webserver", are private as well.
 */
void find_links(struct report *r)
{
	char name[IFNAMSIZ];
	struct link_info l;
	unsigned int i;

	for (i = 0; !r->nr_links && i < r->s.nr_queues; i++)
		if (tap_of(&r->s.queue[i], name))
			break;
	if (!r->nr_links && i == r->s.nr_queues)
		add_all_taps(r);
	else if (!r->nr_links)
		for (; i < r->s.nr_queues; i++)
			if (tap_of(&r->s.queue[i], name))
				add_link(r, name);
	for (i = 0; i < r->nr_links; i++) {
		r->link[i].is_macvtap = !link_get(r->link[i].name, &l) &&
					link_is_macvtap(&l);
		if (redact_contains(r->link[i].name))
			redact_add(PRIVATE_LINK, r->link[i].name);
	}
	for (i = 0; i < r->s.nr_queues; i++)
		if (redact_contains(r->s.queue[i].tap))
			redact_add(PRIVATE_LINK, r->s.queue[i].tap);
}

/**
 * put_devices - write all devices, queues, workers and counters as JSON
 * @r: report
 * @f: file to write to
 */
void put_devices(struct report *r, FILE *f)
{
	struct json_object *o;
	const char *text = NULL;

	if (r->err == -ENOENT)
		missing(r, "devices: the module is not loaded");
	else if (r->err == -EPERM)
		missing(r, "devices: this needs CAP_NET_ADMIN, run it as root");
	else if (r->err)
		missing(r, "devices: %s", strerror(-r->err));
	if (r->err) {
		fputs("{}\n", f);
		return;
	}
	o = json_snapshot(&r->s, NULL);
	if (o)
		text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
							 JSON_C_TO_STRING_SPACED |
							 JSON_C_TO_STRING_NOSLASHESCAPE);
	fprintf(f, "%s\n", text ? text : "{}");
	json_object_put(o);
}

/* ---- links ---- */

/* Write the output of ip for a link, without its alias, which may be any text. */
static int put_link(FILE *f, const char *name)
{
	char *text = NULL, *rest, *line;
	size_t len;
	FILE *t = open_memstream(&text, &len);
	int ret;

	if (!t)
		return -ENOMEM;
	ret = put_command(t, ARGS("ip", "-d", "-s", "-s", "link", "show", "dev",
				  name));
	if (fclose(t))
		ret = -ENOMEM;
	rest = text;
	while (rest && (line = strsep(&rest, "\n"))) {
		if (!strncmp(line, "    alias ", 10))
			line = "    alias (left out)";
		fprintf(f, "%s%s", line, rest ? "\n" : "");
	}
	free(text);
	return ret;
}

static void put_bridge_port(FILE *f, const char *name)
{
	put_command(f, ARGS("bridge", "-d", "link", "show", "dev", name));
	put_command(f, ARGS("bridge", "vlan", "show", "dev", name));
}

/* Write the link above or below, once. Returns true if it was written. */
static bool put_other(FILE *f, unsigned int index, struct list *seen)
{
	char name[IFNAMSIZ];
	unsigned int i;

	for (i = 0; i < seen->nr; i++)
		if (seen->val[i] == index)
			return false;
	if (!index || seen->nr == MAX_LIST || !if_indextoname(index, name))
		return false;
	seen->val[seen->nr++] = index;
	if (redact_contains(name))
		redact_add(PRIVATE_LINK, name);
	put_link(f, name);
	return true;
}

/**
 * put_links - write the state of the taps, macvtaps and their bridges
 * @r: report
 * @f: file to write to
 */
void put_links(struct report *r, FILE *f)
{
	struct list seen = { 0 };
	struct link_info l;
	unsigned int i, elsewhere = 0;
	char name[IFNAMSIZ];

	for (i = 0; i < r->s.nr_queues; i++)
		elsewhere += r->s.queue[i].tap[0] &&
			     !tap_of(&r->s.queue[i], name);
	if (elsewhere)
		missing(r, "the taps of %u queues in other network namespaces",
			elsewhere);
	if (r->more_links)
		missing(r, "%u more taps: select some with --tap",
			r->more_links);
	if (!r->nr_links)
		fputs("there is no tap or macvtap in this network namespace\n",
		      f);
	for (i = 0; i < r->nr_links; i++) {
		const char *link = r->link[i].name;

		if (put_link(f, link) == -ENOENT) {
			missing(r, "links: ip is not installed");
			return;
		}
		put_command(f, ARGS("ethtool", "-k", link));
		put_command(f, ARGS("tc", "-s", "qdisc", "show", "dev", link));
		if (link_get(link, &l))
			continue;
		if (l.master)
			put_bridge_port(f, link);
		put_other(f, l.master, &seen);
		put_other(f, l.lower, &seen);
	}
}

/**
 * put_doctor - write the findings of the doctor, for each link
 * @r: report
 * @f: file to write to
 */
void put_doctor(struct report *r, FILE *f)
{
	unsigned int i = 0;

	do {
		const char *option = NULL;
		int ret;

		if (r->nr_links)
			option = r->link[i].is_macvtap ? "--macvtap" : "--tap";
		/* This program is perhaps not in PATH. */
		ret = put_command(f, ARGS("/proc/self/exe", "doctor", option,
					  r->link[i].name));
		if (ret && ret != CTL_PROBLEMS && ret != CTL_WARNINGS)
			missing(r, "findings of the doctor: %s",
				ret < 0 ? strerror(-ret) : "it failed");
	} while (++i < r->nr_links);
}
