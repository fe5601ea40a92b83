// SPDX-License-Identifier: GPL-2.0
/*
 * top.c - vhost-tapctl top: show the rates of all queues, with ncurses
 *
 * A row fits 80 columns.
 */
#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

/** struct row - one queue and the values of its columns */
struct row {
	const struct queue *q;
	double val[6];
};

/* Columns to sort by; the key is the letter in brackets. */
static const struct column {
	char key;
	const char *name;
	const char *head;
} columns[] = {
	{ 'p', "packets", "[p]kt/s" },
	{ 'b', "bytes", "[b]yte/s" },
	{ 'k', "kicks", "[k]icks" },
	{ 'c', "calls", "[c]alls" },
	{ 'd', "drops", "[d]rops" },
	{ 'a', "batch", "b[a]tch" },
};

/* Give up after this number of reads without the input that poll() reported. */
#define MAX_EMPTY	8

#define NR_COLUMNS	(sizeof(columns) / sizeof(*columns))

static unsigned int sort_by;
static bool reversed;

static double growth(const struct queue *q, const struct queue *b, int which)
{
	return q->counter[which] - b->counter[which];
}

static void fill(struct row *r, const struct queue *q, const struct queue *b,
		 double t)
{
	double batches = growth(q, b, COUNTER(BATCHES));

	r->q = q;
	r->val[0] = growth(q, b, COUNTER(PACKETS)) / t;
	r->val[1] = growth(q, b, COUNTER(BYTES)) / t;
	r->val[2] = growth(q, b, COUNTER(KICKS)) / t;
	r->val[3] = growth(q, b, COUNTER(CALLS)) / t;
	r->val[4] = (queue_drops(q) - queue_drops(b)) / t;
	r->val[5] = batches ? growth(q, b, COUNTER(BUFFERS)) / batches : 0;
}

static int compare(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	double d = y->val[sort_by] - x->val[sort_by];

	if (d == 0)		/* keep the order of the snapshot */
		return x->q < y->q ? -1 : 1;
	return (d > 0) != reversed ? 1 : -1;
}

/* Make rows of all queues in both snapshots. Returns NULL without memory. */
static struct row *make_rows(const struct snapshot *s,
			     const struct snapshot *was, unsigned int *nr)
{
	struct row *rows = calloc(s->nr_queues + 1, sizeof(*rows));
	double t = s->at - was->at;
	unsigned int i;

	*nr = 0;
	for (i = 0; rows && i < s->nr_queues; i++) {
		const struct queue *q = &s->queue[i];
		const struct queue *b = snapshot_queue(was, q->device, q->index);

		if (b)
			fill(&rows[(*nr)++], q, b, t > 0 ? t : 1);
	}
	if (rows)
		qsort(rows, *nr, sizeof(*rows), compare);
	return rows;
}

static const char *short_state(const struct queue *q)
{
	if (q->state == VHOST_TAP_STATE_BROKEN)
		return q->fault[0] ? q->fault : "broken";
	return q->starved ? "starved" : q->blocked ? "blocked" :
	       state_name(q->state);
}

static void row_text(const struct row *r, char *buf, size_t len)
{
	char label[16], v[NR_COLUMNS][16];
	unsigned int i;

	queue_label(r->q, label, sizeof(label));
	for (i = 0; i < NR_COLUMNS; i++)
		human(r->val[i], v[i], sizeof(v[i]));
	snprintf(buf, len, "%3u %-5s %-10.10s %-10.10s %7s %8s %7s %7s %7s %7s",
		 r->q->device, label, r->q->tap[0] ? r->q->tap : "-",
		 short_state(r->q), v[0], v[1], v[2], v[3], v[4], v[5]);
}

static void head_text(char *buf, size_t len)
{
	snprintf(buf, len, "%3s %-5s %-10s %-10s %7s %8s %7s %7s %7s %7s",
		 "DEV", "QUEUE", "TAP", "STATE", columns[0].head,
		 columns[1].head, columns[2].head, columns[3].head,
		 columns[4].head, columns[5].head);
}

static void draw(const struct snapshot *s, const struct row *rows,
		 unsigned int nr)
{
	double packets = 0, bytes = 0;
	char text[256], p[16], b[16];
	unsigned int i;

	for (i = 0; i < nr; i++) {
		packets += rows[i].val[0];
		bytes += rows[i].val[1];
	}
	human(packets, p, sizeof(p));
	human(bytes * 8, b, sizeof(b));
	erase();
	attron(A_BOLD);
	mvprintw(0, 0, "vhost-tap  %u device%s, %u queue%s, %u worker%s",
		 s->nr_devices, plural(s->nr_devices), s->nr_queues,
		 plural(s->nr_queues), s->nr_workers, plural(s->nr_workers));
	attroff(A_BOLD);
	printw("   %s packets/s, %sbit/s", p, b);
	mvprintw(1, 0, "sorted by %s%s; the keys in brackets sort, r reverses, q quits",
		 columns[sort_by].name, reversed ? ", smallest first" : "");
	head_text(text, sizeof(text));
	attron(A_REVERSE);
	mvaddnstr(3, 0, text, COLS);
	attroff(A_REVERSE);
	for (i = 0; i < nr && (int)i + 4 < LINES; i++) {
		bool bad = rows[i].q->state == VHOST_TAP_STATE_BROKEN;

		row_text(&rows[i], text, sizeof(text));
		if (bad && has_colors())
			attron(COLOR_PAIR(1));
		mvaddnstr(i + 4, 0, text, COLS);
		if (bad && has_colors())
			attroff(COLOR_PAIR(1));
	}
	if (!nr)
		mvprintw(5, 0, "no device is open in this network namespace");
	refresh();
}

/* Handle a key. Returns false if the user quits. */
static bool key(int c)
{
	unsigned int i;

	if (c == 'q' || c == 'Q' || c == 3)
		return false;
	if (c == 'r')
		reversed = !reversed;
	for (i = 0; i < NR_COLUMNS; i++)
		if (c == columns[i].key)
			sort_by = i;
	return true;
}

/*
 * Wait for a key until @until.
 *
 * getch() cannot distinguish a terminal that hung up from one without input, so
 * check it with poll(). A terminal that is readable without input has hung up.
 *
 * Returns 1 with the key in @c, 0 at @until, or -EIO if the terminal hung up.
 */
static int wait_key(double until, int *c)
{
	struct pollfd p[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = STDOUT_FILENO },
	};
	unsigned int nr_empty = 0;
	double left;

	for (;;) {
		*c = getch();
		if (*c != ERR)
			return 1;
		left = until - now();
		if (left <= 0)
			return 0;
		/* A signal may report a new size, which getch() returns. */
		if (poll(p, 2, (int)(left * 1000) + 1) <= 0)
			continue;
		if ((p[0].revents | p[1].revents) & ~POLLIN ||
		    ++nr_empty > MAX_EMPTY)
			return -EIO;
	}
}

/*
 * Draw and handle keys until @until. Returns 1 at @until, 0 if the user quits,
 * or a negative errno.
 */
static int show_until(const struct snapshot *s, const struct snapshot *was,
		      double until)
{
	struct row *rows;
	unsigned int nr;
	int c, ret;

	for (;;) {
		rows = make_rows(s, was, &nr);
		if (!rows)
			return -ENOMEM;
		draw(s, rows, nr);
		free(rows);
		ret = wait_key(until, &c);
		if (ret <= 0)
			return ret ? ret : 1;
		if (!key(c))
			return 0;
	}
}

/* Start ncurses. Returns false if the type of the terminal is not known. */
static bool open_screen(void)
{
	if (!newterm(NULL, stdout, stdin))
		return false;
	raw();
	noecho();
	curs_set(0);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	if (has_colors() && !getenv("NO_COLOR")) {
		start_color();
		use_default_colors();
		init_pair(1, COLOR_RED, -1);
	}
	return true;
}

/* Show rates until the user quits. Returns an exit code. */
static int live(struct genl *nl, unsigned long interval)
{
	struct snapshot was, s;
	int err = snapshot_take(nl, &was), show = 1;

	if (err) {
		snapshot_free(&was);
		return genl_failure(nl, err);
	}
	if (!open_screen()) {
		warn("terminal type \"%s\" is not known", getenv("TERM") ?: "");
		snapshot_free(&was);
		return CTL_FAILED;
	}
	/* Show the first rates soon, and later ones after each interval. */
	napms(300);
	while (!err && show > 0) {
		err = snapshot_take(nl, &s);
		if (!err)
			show = show_until(&s, &was, s.at + interval);
		snapshot_free(&was);
		was = s;
	}
	endwin();
	snapshot_free(&was);
	if (err)
		return genl_failure(nl, err);
	if (show < 0)
		warn("%s", show == -EIO ? "the terminal is gone" :
		     strerror(-show));
	return show < 0 ? CTL_FAILED : CTL_OK;
}

/* Print the rates of one interval as text. Returns an exit code. */
static int once(struct genl *nl, unsigned long interval)
{
	struct snapshot was, s = { 0 };
	int err = snapshot_take(nl, &was);
	unsigned int nr = 0, i;
	struct row *rows;
	char text[256];

	if (!err && output_wait(-1, interval)) {
		snapshot_free(&was);
		return output_lost();
	}
	if (!err)
		err = snapshot_take(nl, &s);
	if (!err) {
		rows = make_rows(&s, &was, &nr);
		head_text(text, sizeof(text));
		puts(text);
		for (i = 0; rows && i < nr; i++) {
			row_text(&rows[i], text, sizeof(text));
			puts(text);
		}
		free(rows);
	}
	snapshot_free(&was);
	snapshot_free(&s);
	return err ? genl_failure(nl, err) : CTL_OK;
}

static int set_sort(const char *name)
{
	unsigned int i;

	for (i = 0; i < NR_COLUMNS; i++) {
		if (!strcmp(columns[i].name, name)) {
			sort_by = i;
			return 0;
		}
	}
	return -EINVAL;
}

/**
 * cmd_top - vhost-tapctl top
 * @argc: arguments, with the name
 * @argv: arguments
 *
 * Return: exit code.
 */
int cmd_top(int argc, char **argv)
{
	static const struct option options[] = {
		{ "interval", required_argument, NULL, 'i' },
		{ "sort", required_argument, NULL, 's' },
		{ "once", no_argument, NULL, 'o' },
		{ 0 },
	};
	unsigned long interval = 1;
	bool only_once = false;
	struct genl *nl;
	int c, ret;

	while ((c = next_option(argc, argv, "", options)) != -1) {
		if (c == 'i' && !number(optarg, 1, 3600, &interval))
			;
		else if (c == 's' && !set_sort(optarg))
			;
		else if (c == 'o')
			only_once = true;
		else
			return CTL_USAGE;
	}
	if (optind != argc)
		return CTL_USAGE;
	if (!only_once && (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO))) {
		warn("top needs a terminal; without one use top --once or stats --interval 1");
		return CTL_USAGE;
	}
	nl = genl_open();
	if (!nl)
		return genl_failure(NULL, -errno);
	ret = only_once ? once(nl, interval) : live(nl, interval);
	genl_close(nl);
	return ret;
}
