/*-------------------------------------------------------------------------
 *
 * html.c
 *	  A page as one file of HTML that needs nothing else.
 *
 * The page is ASCII, so that it does not matter in which encoding it is saved
 * or sent, and forbids itself scripts and everything from elsewhere.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "base/printable.h"
#include "monitor/internal.h"
#include "monitor/svg.h"

static const char *const style_sheet =
"body{font:15px/1.45 system-ui,sans-serif;max-width:62em;margin:2em auto;padding:0 1em;color:#1d2129;background:#fff}"
"h1{font-size:1.5em;border-bottom:3px solid #336791;padding-bottom:.3em}"
"h2{font-size:1.15em;margin:1.8em 0 .5em;border-bottom:1px solid #ccd}h3{font-size:1em;margin:1.2em 0 .3em}"
"table{border-collapse:collapse}td{padding:.1em 1em .1em 0;vertical-align:top}td:first-child{color:#567;white-space:nowrap}"
"pre{background:#f4f6f9;border-left:4px solid #bcd;padding:.6em .8em;margin:.4em 0;white-space:pre-wrap;overflow-wrap:anywhere}"
"ul{list-style:none;padding:0;margin:.4em 0}li,p{margin:.25em 0;padding:.15em .6em;overflow-wrap:anywhere}"
".good{background:#e6f4e6;border-left:4px solid #4a4}.warning{background:#fff4d6;border-left:4px solid #d90}"
".danger{background:#fde5e5;border-left:4px solid #c33}"
".bar{display:flex;align-items:center;margin:.2em 0;font-size:.9em}.bar>b{width:15em;font-weight:400;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;padding-right:.5em}"
".track{position:relative;flex:1;height:1.2em;background:#eef1f5}.track>i{position:absolute;top:0;bottom:0;min-width:2px;background:#6a9bc9}"
".track>i.good{background:#5fae5f;border:0}.track>i.warning{background:#e8a020;border:0}.track>i.danger{background:#d04848;border:0}"
".bar>span{width:13em;padding-left:.6em;white-space:nowrap}"
"svg{max-width:100%;height:auto}@media print{body{margin:0;max-width:none}}";

void
pgm_append_html(StringInfo buf, const char *text)
{
	bool		known = GetDatabaseEncoding() != PG_SQL_ASCII;
	const char *utf8 = text;

	if (known)
		utf8 = pg_server_to_any(text, strlen(text), PG_UTF8);
	for (const unsigned char *at = (const unsigned char *) utf8; *at != '\0';)
	{
		int			length = 1;

		if (known)
			length = pg_encoding_mblen(PG_UTF8, (const char *) at);
		if (length > 1)
			appendStringInfo(buf, "&#x%X;", (unsigned int) utf8_to_unicode(at));
		else if (*at == '<')
			appendStringInfoString(buf, "&lt;");
		else if (*at == '>')
			appendStringInfoString(buf, "&gt;");
		else if (*at == '&')
			appendStringInfoString(buf, "&amp;");
		else if (*at == '"')
			appendStringInfoString(buf, "&quot;");
		else if (*at == '\'')
			appendStringInfoString(buf, "&#39;");
		else if (IS_HIGHBIT_SET(*at))
			appendStringInfoChar(buf, '?');
		else
			appendStringInfoChar(buf, *at);
		at += length;
	}
}

static const char *
mood_class(PgmPageMood mood)
{
	switch (mood)
	{
		case PGM_MOOD_PLAIN:
			return "";
		case PGM_MOOD_GOOD:
			return " class=\"good\"";
		case PGM_MOOD_WARNING:
			return " class=\"warning\"";
		case PGM_MOOD_DANGER:
			return " class=\"danger\"";
	}
	return NULL;				/* keep compiler quiet */
}

static void
element(PgmPage *page, const char *tag, const char *attributes,
		const char *text)
{
	appendStringInfo(&page->buf, "<%s%s>", tag, attributes);
	pgm_append_html(&page->buf, text);
	appendStringInfo(&page->buf, "</%s>", tag);
}

static void
html_begin(PgmPage *page, const char *title)
{
	pgm_page_line(page, "<!DOCTYPE html>");
	pgm_page_line(page, "<html lang=\"en\"><head><meta charset=\"utf-8\">");
	pgm_page_line(page, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">");
	pgm_page_line(page, "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">");
	element(page, "title", "", title);
	pgm_page_flush(page);
	appendStringInfo(&page->buf, "<style>%s</style></head><body>",
					 style_sheet);
	pgm_page_flush(page);
	element(page, "h1", "", title);
	pgm_page_flush(page);
}

static void
html_end(PgmPage *page)
{
	pgm_page_line(page, "</body></html>");
}

static void
html_block(PgmPage *page, PgmPageBlock block, bool opens)
{
	if (block == PGM_BLOCK_FACTS)
		pgm_page_line(page, opens ? "<table>" : "</table>");
	else
		pgm_page_line(page, opens ? "<ul>" : "</ul>");
}

static void
html_heading(PgmPage *page, int level, const char *text)
{
	element(page, level < 3 ? "h2" : "h3", "", text);
	pgm_page_flush(page);
}

static void
html_paragraph(PgmPage *page, PgmPageMood mood, const char *text)
{
	element(page, "p", mood_class(mood), text);
	pgm_page_flush(page);
}

static void
html_fact(PgmPage *page, const char *name, const char *value)
{
	appendStringInfoString(&page->buf, "<tr>");
	element(page, "td", "", name);
	element(page, "td", "", value);
	appendStringInfoString(&page->buf, "</tr>");
	pgm_page_flush(page);
}

static void
html_item(PgmPage *page, PgmPageMood mood, const char *label, const char *text)
{
	appendStringInfo(&page->buf, "<li%s>", mood_class(mood));
	if (label != NULL)
	{
		element(page, "b", "", label);
		appendStringInfoString(&page->buf, ": ");
	}
	pgm_append_html(&page->buf, text);
	appendStringInfoString(&page->buf, "</li>");
	pgm_page_flush(page);
}

static void
html_code(PgmPage *page, const char *text)
{
	element(page, "pre", "", text);
	pgm_page_flush(page);
}

static void
html_bars(PgmPage *page, int n, const PgmPageBar *bars, double end)
{
	bool		legend = false;

	for (int i = 0; i < n; i++)
	{
		appendStringInfoString(&page->buf, "<div class=\"bar\">");
		element(page, "b", "", pgm_printable_line(bars[i].label));
		appendStringInfoString(&page->buf, "<div class=\"track\">");
		for (int j = 0; j < bars[i].nspans; j++)
		{
			const PgmPageSpan *span = &bars[i].spans[j];
			double		left = Max(Min(100 * span->from / end, 100), 0);
			double		right = Max(Min(100 * span->to / end, 100), left);

			if (span->to <= span->from)
				continue;
			legend = legend || span->mark != PGM_MARK_WORK;
			appendStringInfo(&page->buf,
							 "<i%s style=\"left:%.2f%%;width:%.2f%%\" title=\"",
							 mood_class(span->mood), left, right - left);
			if (span->title != NULL)
				pgm_append_html(&page->buf, pgm_printable_line(span->title));
			appendStringInfoString(&page->buf, "\"></i>");
		}
		appendStringInfoString(&page->buf, "</div>");
		element(page, "span", "", bars[i].note ? bars[i].note : "");
		appendStringInfoString(&page->buf, "</div>");
		pgm_page_flush(page);
	}
	if (legend)
		pgm_page_line(page, "<p>Yellow is waiting for a lock, red is what failed; point at a part to see more.</p>");
}

static void
graph_line(const char *line, void *arg)
{
	pgm_page_line(arg, line);
}

static void
html_graph(PgmPage *page, const PgmGraph *graph, const PgmDrawNode *nodes)
{
	pgm_draw_svg(graph, nodes, graph_line, page);
}

const PgmPageStyle pgm_page_html_style = {
	html_begin, html_end, html_block, html_heading, html_paragraph, html_fact,
	html_item, html_code, html_bars, html_graph
};
