/*-------------------------------------------------------------------------
 *
 * text.c
 *	  A page as text for a terminal.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "mb/pg_wchar.h"

#include "base/printable.h"
#include "monitor/internal.h"

#define FACT_INDENT 16
#define BAR_LABEL 26
#define BAR_WIDTH 44

static void
underline(PgmPage *page, char mark, const char *text)
{
	int			columns = Min(pgm_text_columns(text), PGM_PAGE_WIDTH);

	for (int i = 0; i < columns; i++)
		appendStringInfoChar(&page->buf, mark);
	pgm_page_flush(page);
}

static void
text_begin(PgmPage *page, const char *title)
{
	pgm_page_wrap(page, "", "", title, PGM_PAGE_WIDTH);
	underline(page, '=', title);
}

static void
text_end(PgmPage *page)
{
}

static void
text_block(PgmPage *page, PgmPageBlock block, bool opens)
{
	if (block == PGM_BLOCK_FACTS && !opens)
		pgm_page_line(page, "");
}

static void
text_heading(PgmPage *page, int level, const char *text)
{
	if (!page->gap)
		pgm_page_line(page, "");
	pgm_page_wrap(page, "", "", text, PGM_PAGE_WIDTH);
	if (level < 3)
		underline(page, '-', text);
}

static void
text_paragraph(PgmPage *page, PgmPageMood mood, const char *text)
{
	pgm_page_wrap(page, "", "", text, PGM_PAGE_WIDTH);
}

static void
text_fact(PgmPage *page, const char *name, const char *value)
{
	pgm_page_wrap(page, psprintf("%-*s", FACT_INDENT, psprintf("%s:", name)),
				  psprintf("%*s", FACT_INDENT, ""), value, PGM_PAGE_WIDTH);
}

static void
text_item(PgmPage *page, PgmPageMood mood, const char *label, const char *text)
{
	pgm_page_wrap(page, label != NULL ? psprintf("  %s: ", label) : "  ",
				  "      ", text, PGM_PAGE_WIDTH);
}

static void
text_code(PgmPage *page, const char *text)
{
	while (*text != '\0')
	{
		const char *end = strchr(text, '\n');
		char	   *line = pnstrdup(text, end ? end - text : strlen(text));
		char	   *tab;

		while ((tab = strchr(line, '\t')) != NULL)
			line = psprintf("%.*s    %s", (int) (tab - line), line, tab + 1);
		pgm_page_wrap(page, "    ", "        ", line, PGM_PAGE_WIDTH);
		if (end == NULL)
			break;
		text = end + 1;
	}
}

/* A label of exactly that many columns. */
static void
append_label(StringInfo buf, const char *label, int width)
{
	int			columns = 0;

	for (const char *at = label; *at != '\0'; at += pg_mblen(at))
	{
		int			more = pg_encoding_dsplen(GetDatabaseEncoding(), at);

		if (columns + Max(more, 0) > width)
			break;
		appendBinaryStringInfo(buf, at, pg_mblen(at));
		columns += Max(more, 0);
	}
	appendStringInfoSpaces(buf, width - columns);
}

void
pgm_page_text_bars(PgmPage *page, int n, const PgmPageBar *bars, double end)
{
	bool		legend = false;

	for (int i = 0; i < n; i++)
	{
		char		bar[BAR_WIDTH + 1];

		memset(bar, '.', BAR_WIDTH);
		bar[BAR_WIDTH] = '\0';
		for (int j = 0; j < bars[i].nspans; j++)
		{
			const PgmPageSpan *span = &bars[i].spans[j];
			int			from = (int) floor(BAR_WIDTH * span->from / end);
			int			to = (int) ceil(BAR_WIDTH * span->to / end);

			from = Max(Min(from, BAR_WIDTH - 1), 0);
			to = Min(Max(to, from + 1), BAR_WIDTH);
			if (span->to <= span->from)
				continue;
			memset(bar + from, span->mark, to - from);
			legend = legend || span->mark != PGM_MARK_WORK;
		}
		append_label(&page->buf, pgm_printable_line(bars[i].label), BAR_LABEL);
		appendStringInfo(&page->buf, " |%s|", bar);
		if (bars[i].note != NULL)
			appendStringInfo(&page->buf, " %s", bars[i].note);
		pgm_page_flush(page);
	}
	if (legend)
	{
		appendStringInfo(&page->buf, "%c work, %c waiting for a lock, %c failed",
						 PGM_MARK_WORK, PGM_MARK_WAIT, PGM_MARK_FAILED);
		pgm_page_flush(page);
	}
}

static void
graph_line(const char *line, void *arg)
{
	pgm_page_wrap(arg, "", "          ", line, PGM_PAGE_WIDTH);
}

static void
text_graph(PgmPage *page, const PgmGraph *graph, const PgmDrawNode *nodes)
{
	pgm_draw_text(graph, nodes, GetDatabaseEncoding() == PG_UTF8, graph_line,
				  page);
}

const PgmPageStyle pgm_page_text_style = {
	text_begin, text_end, text_block, text_heading, text_paragraph, text_fact,
	text_item, text_code, pgm_page_text_bars, text_graph
};
