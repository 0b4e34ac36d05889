/*-------------------------------------------------------------------------
 *
 * page.c
 *	  A page that is written once and shown as text, Markdown or HTML.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/printable.h"
#include "monitor/internal.h"

static const struct
{
	const char *name;
	const PgmPageStyle *style;
}			formats[] = {
	[PGM_PAGE_TEXT] = {"text", &pgm_page_text_style},
	[PGM_PAGE_MARKDOWN] = {"markdown", &pgm_page_markdown_style},
	[PGM_PAGE_HTML] = {"html", &pgm_page_html_style},
};

PgmPageFormat
pgm_page_format(const char *name)
{
	for (int i = 0; i < lengthof(formats); i++)
		if (strcmp(formats[i].name, name) == 0)
			return (PgmPageFormat) i;
	ereport(ERROR,
			errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("unrecognized report format \"%s\"", name),
			errhint("The formats are \"text\", \"markdown\" and \"html\"."));
}

void
pgm_page_flush(PgmPage *page)
{
	char	   *at = page->buf.data;

	for (;;)
	{
		char	   *end = strchr(at, '\n');

		if (end != NULL)
			*end = '\0';
		page->emit(at, page->arg);
		if (end == NULL)
			break;
		at = end + 1;
	}
	resetStringInfo(&page->buf);
	page->gap = false;
}

void
pgm_page_line(PgmPage *page, const char *line)
{
	page->emit(line, page->arg);
	page->gap = line[0] == '\0';
}

void
pgm_page_wrap(PgmPage *page, const char *first, const char *next,
			  const char *text, int width)
{
	const char *begin = first;

	for (;;)
	{
		int			room = width - pgm_text_columns(begin);
		const char *end = pgm_text_line_end(text, Max(room, 20));

		appendStringInfoString(&page->buf, begin);
		if (end == NULL)
			appendStringInfoString(&page->buf, text);
		else
			appendBinaryStringInfo(&page->buf, text, end - text);
		while (page->buf.len > 0 && page->buf.data[page->buf.len - 1] == ' ')
			page->buf.data[--page->buf.len] = '\0';
		pgm_page_flush(page);
		if (end == NULL)
			return;
		text = end + strspn(end, " ");
		if (*text == '\0')
			return;
		begin = next;
	}
}

static void
enter_block(PgmPage *page, PgmPageBlock block)
{
	if (page->block == block)
		return;
	if (page->block != PGM_BLOCK_NONE)
		page->style->block(page, page->block, false);
	page->block = block;
	if (block != PGM_BLOCK_NONE)
		page->style->block(page, block, true);
}

PgmPage *
pgm_page_begin(PgmPageFormat format, const char *title, PgmPageLine emit,
			   void *arg)
{
	PgmPage    *page = palloc0(sizeof(PgmPage));

	page->style = formats[format].style;
	page->emit = emit;
	page->arg = arg;
	initStringInfo(&page->buf);
	page->style->begin(page, pgm_printable_line(title));
	return page;
}

void
pgm_page_end(PgmPage *page)
{
	enter_block(page, PGM_BLOCK_NONE);
	page->style->end(page);
}

void
pgm_page_heading(PgmPage *page, int level, const char *text)
{
	enter_block(page, PGM_BLOCK_NONE);
	page->style->heading(page, level, pgm_printable_line(text));
}

void
pgm_page_paragraph(PgmPage *page, PgmPageMood mood, const char *text)
{
	enter_block(page, PGM_BLOCK_NONE);
	page->style->paragraph(page, mood, pgm_printable_line(text));
}

void
pgm_page_fact(PgmPage *page, const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	enter_block(page, PGM_BLOCK_FACTS);
	page->style->fact(page, name, pgm_printable_line(value));
}

void
pgm_page_item(PgmPage *page, PgmPageMood mood, const char *label,
			  const char *text)
{
	enter_block(page, PGM_BLOCK_ITEMS);
	page->style->item(page, mood, label, pgm_printable_line(text));
}

void
pgm_page_code(PgmPage *page, const char *text)
{
	char	   *copy = pgm_printable(text);
	int			len = strlen(copy);

	while (len > 0 && isspace((unsigned char) copy[len - 1]))
		copy[--len] = '\0';
	enter_block(page, PGM_BLOCK_NONE);
	page->style->code(page, copy);
}

void
pgm_page_bars(PgmPage *page, int n, const PgmPageBar *bars, double end)
{
	if (n == 0)
		return;
	enter_block(page, PGM_BLOCK_NONE);
	page->style->bars(page, n, bars, end > 0 ? end : 1);
}

void
pgm_page_graph(PgmPage *page, const PgmGraph *graph, const PgmDrawNode *nodes)
{
	PgmDrawNode *copy;
	int			size = pgm_graph_size(graph);

	enter_block(page, PGM_BLOCK_NONE);
	if (size > PGM_PAGE_MAX_GRAPH)
	{
		page->style->paragraph(page, PGM_MOOD_PLAIN,
							   psprintf("The graph has %d revisions, too many to be drawn here; see pgmigrate.graph().",
										size));
		return;
	}
	copy = palloc(sizeof(PgmDrawNode) * Max(size, 1));
	for (int i = 0; i < size; i++)
	{
		copy[i] = nodes[i];
		if (nodes[i].message != NULL)
			copy[i].message = pgm_printable_line(nodes[i].message);
	}
	page->style->graph(page, graph, copy);
}
