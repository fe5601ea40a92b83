/* SPDX-License-Identifier: GPL-2.0 */
/*
 * top.h - views of vhost-tapctl top: columns, and the rows of a snapshot
 */
#ifndef VHOST_TAPCTL_TOP_H
#define VHOST_TAPCTL_TOP_H

#include "ctl.h"

#define TOP_COLUMNS	6

/** struct top_column - a column to sort by */
struct top_column {
	char key;		/* the letter in brackets in its title */
	const char *name;
	const char *title;
	int width;
};

/** struct top_row - a line of the table */
struct top_row {
	const struct snapshot *s;
	const struct queue *q;	/* NULL in the view of workers */
	const struct worker *w;	/* NULL in the views of queues */
	double val[TOP_COLUMNS];
};

/** struct top_view - a table */
struct top_view {
	const char *name;
	const char *title;	/* of the columns that are not sorted by */
	bool of_workers;
	unsigned int nr_columns;
	struct top_column columns[TOP_COLUMNS];
	void (*fill)(struct top_row *r, const struct queue *q,
		     const struct queue *before, double t);
};

extern const struct top_view top_views[];
extern const unsigned int top_nr_views;

struct top_row *top_rows(const struct top_view *v, const struct snapshot *s,
			 const struct snapshot *was, unsigned int *nr);
void top_totals(const struct snapshot *s, const struct snapshot *was,
		double *packets, double *bytes);
void top_title(const struct top_view *v, char *buf, size_t len);
void top_text(const struct top_view *v, const struct top_row *r, char *buf,
	      size_t len);

#endif /* VHOST_TAPCTL_TOP_H */
