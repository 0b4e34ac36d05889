/*-------------------------------------------------------------------------
 *
 * page.h
 *	  A page that is written once and shown as text, Markdown or HTML.
 *
 * Whatever is handed over may come from others: control characters are written
 * out, and what means something to the format is escaped.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_MONITOR_PAGE_H
#define PGM_MONITOR_PAGE_H

#include "graph/picture.h"

/* Columns of a terminal, and of a page: psql puts a blank around it. */
#define PGM_SCREEN_WIDTH 100
#define PGM_PAGE_WIDTH (PGM_SCREEN_WIDTH - 2)

/* Revisions of a graph that is still drawn. */
#define PGM_PAGE_MAX_GRAPH 300

typedef enum PgmPageFormat
{
	PGM_PAGE_TEXT,
	PGM_PAGE_MARKDOWN,
	PGM_PAGE_HTML
} PgmPageFormat;

/* How something is to be taken; the colours of HTML. */
typedef enum PgmPageMood
{
	PGM_MOOD_PLAIN,
	PGM_MOOD_GOOD,
	PGM_MOOD_WARNING,
	PGM_MOOD_DANGER
} PgmPageMood;

/* What a part of a bar is made of as text. */
#define PGM_MARK_WORK '#'
#define PGM_MARK_WAIT 'w'
#define PGM_MARK_FAILED '!'

/* A part of a bar. */
typedef struct PgmPageSpan
{
	double		from;
	double		to;
	PgmPageMood mood;
	char		mark;
	const char *title;			/* or NULL */
} PgmPageSpan;

typedef struct PgmPageBar
{
	const char *label;
	const char *note;			/* behind it */
	int			nspans;
	PgmPageSpan *spans;			/* later ones over those before */
} PgmPageBar;

typedef struct PgmPage PgmPage;

/* Called with each line. */
typedef void (*PgmPageLine) (const char *line, void *arg);

/* An error for what is no format. */
extern PgmPageFormat pgm_page_format(const char *name);

extern PgmPage *pgm_page_begin(PgmPageFormat format, const char *title,
							   PgmPageLine emit, void *arg);
extern void pgm_page_end(PgmPage *page);

extern void pgm_page_heading(PgmPage *page, int level, const char *text);
extern void pgm_page_paragraph(PgmPage *page, PgmPageMood mood,
							   const char *text);

/* One of a list of names with values; no value is no line. */
extern void pgm_page_fact(PgmPage *page, const char *name, const char *value);

/* One of a list; the label is what it begins with, or NULL. */
extern void pgm_page_item(PgmPage *page, PgmPageMood mood, const char *label,
						  const char *text);

/* SQL, with its lines. */
extern void pgm_page_code(PgmPage *page, const char *text);

/* Bars below each other; the axis goes from 0 to the end. */
extern void pgm_page_bars(PgmPage *page, int n, const PgmPageBar *bars,
						  double end);

extern void pgm_page_graph(PgmPage *page, const PgmGraph *graph,
						   const PgmDrawNode *nodes);

#endif							/* PGM_MONITOR_PAGE_H */
