// SPDX-License-Identifier: GPL-2.0
/*
 * top.c - vhost-tapctl top: show the rates of queues or workers, with ncurses
 *
 * top_rows.c has the tables.
 */
#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "top.h"

/* Give up after this number of reads without the input that poll() reported. */
#define MAX_EMPTY	8

static const struct top_view *view = &top_views[0];
static unsigned int sort_by;
static bool reversed;

static int compare(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;
	double d = y->val[sort_by] - x->val[sort_by];

	if (d == 0)		/* keep the order of the snapshot */
		return x->q < y->q || x->w < y->w ? -1 : 1;
	return (d > 0) != reversed ? 1 : -1;
}

static struct top_row *sorted_rows(const struct snapshot *s,
				   const struct snapshot *was, unsigned int *nr)
{
	struct top_row *rows = top_rows(view, s, was, nr);

	if (rows)
		qsort(rows, *nr, sizeof(*rows), compare);
	return rows;
}

static void draw(const struct snapshot *s, const struct snapshot *was,
		 const struct top_row *rows, unsigned int nr)
{
	char text[256], p[16], b[16];
	double packets, bytes;
	unsigned int i;

	top_totals(s, was, &packets, &bytes);
	human(packets, p, sizeof(p));
	human(bytes * 8, b, sizeof(b));
	erase();
	attron(A_BOLD);
	mvprintw(0, 0, "vhost-tap  %u device%s, %u queue%s, %u worker%s",
		 s->nr_devices, plural(s->nr_devices), s->nr_queues,
		 plural(s->nr_queues), s->nr_workers, plural(s->nr_workers));
	attroff(A_BOLD);
	printw("   %s packets/s, %sbit/s", p, b);
	mvprintw(1, 0, "sorted by %s%s", view->columns[sort_by].name,
		 reversed ? ", smallest first" : "");
	mvprintw(2, 0, "the keys in brackets sort, r reverses, v changes the view, q quits");
	top_title(view, text, sizeof(text));
	attron(A_REVERSE);
	mvaddnstr(3, 0, text, COLS);
	attroff(A_REVERSE);
	for (i = 0; i < nr && (int)i + 4 < LINES; i++) {
		bool bad = rows[i].q &&
			   rows[i].q->state == VHOST_TAP_STATE_BROKEN;

		top_text(view, &rows[i], text, sizeof(text));
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
	if (c == 'v') {
		view = &top_views[(view - top_views + 1) % top_nr_views];
		sort_by = 0;
	}
	for (i = 0; i < view->nr_columns; i++)
		if (c == view->columns[i].key)
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
	struct top_row *rows;
	unsigned int nr;
	int c, ret;

	for (;;) {
		rows = sorted_rows(s, was, &nr);
		if (!rows)
			return -ENOMEM;
		draw(s, was, rows, nr);
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
	struct top_row *rows;
	char text[256];

	if (!err && output_wait(-1, interval)) {
		snapshot_free(&was);
		return output_lost();
	}
	if (!err)
		err = snapshot_take(nl, &s);
	if (!err) {
		rows = sorted_rows(&s, &was, &nr);
		top_title(view, text, sizeof(text));
		puts(text);
		for (i = 0; rows && i < nr; i++) {
			top_text(view, &rows[i], text, sizeof(text));
			puts(text);
		}
		free(rows);
	}
	snapshot_free(&was);
	snapshot_free(&s);
	return err ? genl_failure(nl, err) : CTL_OK;
}

static int set_view(const char *name)
{
	unsigned int i;

	for (i = 0; i < top_nr_views; i++) {
		if (!strcmp(top_views[i].name, name)) {
			view = &top_views[i];
			return 0;
		}
	}
	warn("top has no view \"%s\"", name);
	return -EINVAL;
}

static int set_sort(const char *name)
{
	unsigned int i;

	for (i = 0; i < view->nr_columns; i++) {
		if (!strcmp(view->columns[i].name, name)) {
			sort_by = i;
			return 0;
		}
	}
	warn("the view %s has no column \"%s\"", view->name, name);
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
		{ "view", required_argument, NULL, 'v' },
		{ "sort", required_argument, NULL, 's' },
		{ "once", no_argument, NULL, 'o' },
		{ 0 },
	};
	unsigned long interval = 1;
	const char *sort = NULL;
	bool only_once = false;
	struct genl *nl;
	int c, ret;

	while ((c = next_option(argc, argv, "", options)) != -1) {
		if (c == 'i' && !number(optarg, 1, 3600, &interval))
			;
		else if (c == 'v' && !set_view(optarg))
			;
		else if (c == 's')
			sort = optarg;
		else if (c == 'o')
			only_once = true;
		else
			return CTL_USAGE;
	}
	if (optind != argc || (sort && set_sort(sort)))
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
