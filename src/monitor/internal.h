/*-------------------------------------------------------------------------
 *
 * internal.h
 *	  Shared by the formats of a page.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_MONITOR_INTERNAL_H
#define PGM_MONITOR_INTERNAL_H

#include "lib/stringinfo.h"

#include "monitor/page.h"

/* What consecutive calls make one of. */
typedef enum PgmPageBlock
{
	PGM_BLOCK_NONE,
	PGM_BLOCK_FACTS,
	PGM_BLOCK_ITEMS
} PgmPageBlock;

/* All texts are printable, and in one line but for those of code. */
typedef struct PgmPageStyle
{
	void		(*begin) (PgmPage *page, const char *title);
	void		(*end) (PgmPage *page);
	void		(*block) (PgmPage *page, PgmPageBlock block, bool opens);
	void		(*heading) (PgmPage *page, int level, const char *text);
	void		(*paragraph) (PgmPage *page, PgmPageMood mood,
							  const char *text);
	void		(*fact) (PgmPage *page, const char *name, const char *value);
	void		(*item) (PgmPage *page, PgmPageMood mood, const char *label,
						 const char *text);
	void		(*code) (PgmPage *page, const char *text);
	void		(*bars) (PgmPage *page, int n, const PgmPageBar *bars,
						 double end);
	void		(*graph) (PgmPage *page, const PgmGraph *graph,
						  const PgmDrawNode *nodes);
} PgmPageStyle;

struct PgmPage
{
	const PgmPageStyle *style;
	PgmPageLine emit;
	void	   *arg;
	PgmPageBlock block;			/* that is open */
	StringInfoData buf;			/* of the line being written */
	bool		gap;			/* the last line is empty */
};

extern const PgmPageStyle pgm_page_text_style;
extern const PgmPageStyle pgm_page_markdown_style;
extern const PgmPageStyle pgm_page_html_style;

/* Send what is in the buffer, a line at a time, and empty it. */
extern void pgm_page_flush(PgmPage *page);

/* A line of its own. */
extern void pgm_page_line(PgmPage *page, const char *line);

/*
 * The text in lines of at most that width: the first begins with one text, the
 * others with another.
 */
extern void pgm_page_wrap(PgmPage *page, const char *first, const char *next,
						  const char *text, int width);

/* Bars of characters. */
extern void pgm_page_text_bars(PgmPage *page, int n, const PgmPageBar *bars,
							   double end);

/* Text as HTML and SVG want it: only ASCII, whatever the encoding. */
extern void pgm_append_html(StringInfo buf, const char *text);

#endif							/* PGM_MONITOR_INTERNAL_H */
