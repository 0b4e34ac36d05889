/*-------------------------------------------------------------------------
 *
 * markdown.c
 *	  A page as Markdown, for a comment of a pull request.
 *
 * Markdown lets HTML through, makes links of addresses and mentions of names:
 * all of that is escaped, so that a message of a revision neither pings
 * anybody nor hides anything.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "monitor/internal.h"

static void
append_markdown(StringInfo buf, const char *text)
{
	for (; *text != '\0'; text++)
	{
		if (strchr("\\`*_{}[]()<>#+!|~&$", *text) != NULL)
			appendStringInfo(buf, "\\%c", *text);
		else if (*text == '@')
			appendStringInfoString(buf, "@<!-- -->");
		else if (*text == ':' && text[1] == '/')
			appendStringInfoString(buf, "\\:");
		else if (*text == '.' && buf->len >= 3 &&
				 pg_strncasecmp(buf->data + buf->len - 3, "www", 3) == 0)
			appendStringInfoString(buf, "\\.");
		else
			appendStringInfoChar(buf, *text);
	}
}

static void
markdown_begin(PgmPage *page, const char *title)
{
	appendStringInfoString(&page->buf, "# ");
	append_markdown(&page->buf, title);
	appendStringInfoChar(&page->buf, '\n');
	pgm_page_flush(page);
}

static void
markdown_end(PgmPage *page)
{
}

static void
markdown_block(PgmPage *page, PgmPageBlock block, bool opens)
{
	if (!opens)
		pgm_page_line(page, "");
}

static void
markdown_heading(PgmPage *page, int level, const char *text)
{
	for (int i = 0; i < level; i++)
		appendStringInfoChar(&page->buf, '#');
	appendStringInfoChar(&page->buf, ' ');
	append_markdown(&page->buf, text);
	appendStringInfoChar(&page->buf, '\n');
	pgm_page_flush(page);
}

static void
markdown_paragraph(PgmPage *page, PgmPageMood mood, const char *text)
{
	if (mood >= PGM_MOOD_WARNING)
		appendStringInfoString(&page->buf, "**");
	append_markdown(&page->buf, text);
	if (mood >= PGM_MOOD_WARNING)
		appendStringInfoString(&page->buf, "**");
	appendStringInfoChar(&page->buf, '\n');
	pgm_page_flush(page);
}

static void
markdown_fact(PgmPage *page, const char *name, const char *value)
{
	appendStringInfo(&page->buf, "- **%s**: ", name);
	append_markdown(&page->buf, value);
	pgm_page_flush(page);
}

static void
markdown_item(PgmPage *page, PgmPageMood mood, const char *label,
			  const char *text)
{
	const char *strong = mood >= PGM_MOOD_WARNING ? "**" : "";

	appendStringInfoString(&page->buf, "- ");
	if (label != NULL)
	{
		appendStringInfoString(&page->buf, strong);
		append_markdown(&page->buf, label);
		appendStringInfo(&page->buf, "%s: ", strong);
	}
	append_markdown(&page->buf, text);
	pgm_page_flush(page);
}

/* A fence is longer than any run of backquotes inside. */
static void
fence(PgmPage *page, int length, const char *language)
{
	for (int i = 0; i < length; i++)
		appendStringInfoChar(&page->buf, '`');
	appendStringInfoString(&page->buf, language);
	pgm_page_flush(page);
}

static void
markdown_code(PgmPage *page, const char *text)
{
	int			length = 3;
	int			run = 0;

	for (const char *at = text; *at != '\0'; at++)
	{
		run = *at == '`' ? run + 1 : 0;
		length = Max(length, run + 1);
	}
	fence(page, length, "sql");
	appendStringInfoString(&page->buf, text);
	pgm_page_flush(page);
	fence(page, length, "\n");
}

/* Labels are names that may have backquotes: too long a fence does no harm. */
static void
markdown_bars(PgmPage *page, int n, const PgmPageBar *bars, double end)
{
	fence(page, 80, "text");
	pgm_page_text_bars(page, n, bars, end);
	fence(page, 80, "\n");
}

static void
graph_line(const char *line, void *arg)
{
	pgm_page_line(arg, line);
}

/* Text there is escaped for mermaid, which has no backquotes in our use. */
static void
markdown_graph(PgmPage *page, const PgmGraph *graph, const PgmDrawNode *nodes)
{
	fence(page, 80, "mermaid");
	pgm_draw_mermaid(graph, nodes, graph_line, page);
	fence(page, 80, "\n");
}

const PgmPageStyle pgm_page_markdown_style = {
	markdown_begin, markdown_end, markdown_block, markdown_heading,
	markdown_paragraph, markdown_fact, markdown_item, markdown_code,
	markdown_bars, markdown_graph
};
