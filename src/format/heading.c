/*-------------------------------------------------------------------------
 *
 * heading.c
 *	  Is there a way down in what is to be a way up?
 *
 * Many tools keep both ways in one file, under comments as headings.  Read as
 * one text the way down would run as part of the way up, and drop what it has
 * just made.  So a text for the way up that has such a heading is refused,
 * whoever's it is: a comment alone in its line that says nothing but the name
 * of a way down, as in "-- down", "-- === Rollback ===", "-- +goose Down" or
 * "# --- !Downs".  A sentence that has such a word among others is none, and
 * neither is what stands in a literal.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include "format/heading.h"
#include "format/internal.h"
#include "sql/lexer.h"

/* A heading of more words than this is a sentence. */
#define MAX_WORDS 8

/* Bytes of a heading that its error shows. */
#define SHOWN_BYTES 80

/* Words for a way down. */
static const char *const ways_down[] = {
	"down", "downs", "undo", "rollback", "rollbacks", "revert", "reverts",
	"reverse", "downgrade", "downgrades", "downsql", "unapply", "backout",
	"backward", "backwards"
};

/* Words that may stand beside them, the names of tools among them. */
static const char *const fillers[] = {
	"begin", "changes", "code", "dbmate", "for", "goose", "here", "micrate",
	"migrate", "migration", "migrations", "of", "on", "part", "pgmigrate",
	"rambler", "schema", "script", "scripts", "section", "sql", "start",
	"statement", "statements", "step", "steps", "the", "this", "to", "way"
};

/* Where a search for a heading is. */
typedef struct HeadingSearch
{
	const PgmFormatScript *script;
	const char *start;			/* of the first heading, NULL: none */
	size_t		len;
	int			line;
} HeadingSearch;

static bool
is_one_of(const char *word, size_t len, int n, const char *const *words)
{
	for (int i = 0; i < n; i++)
	{
		if (strlen(words[i]) == len &&
			pg_strncasecmp(words[i], word, len) == 0)
			return true;
	}
	return false;
}

/*
 * How many bytes from p on are letters?  In UTF-8 dashes, arrows, boxes and
 * pictures are none; headings are drawn with them.
 */
static size_t
letters(const char *p, const char *end)
{
	const char *start = p;

	for (; p < end; p++)
	{
		unsigned char c = (unsigned char) *p;

		if (c < 0x80 ? !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) :
			c == 0xC2 || c == 0xE2 || c == 0xEF || c >= 0xF0 ||
			(p == start && c < 0xC0))
			break;
	}
	return p - start;
}

/*
 * Is this text, apart from punctuation and numbers, the name of a way down?
 */
static bool
names_way_down(const char *text, size_t len)
{
	static const char *const tern[] = {"create", "above", "drop", "below"};
	size_t		pos = 0;
	int			nwords = 0;
	int			ntern = 0;
	bool		down = false;
	bool		roll = false;

	while (pos < len)
	{
		size_t		start = pos;
		size_t		n = letters(text + pos, text + len);

		pos += Max(n, 1);
		if (n == 0)
			continue;
		if (++nwords > MAX_WORDS)
			return false;
		if (ntern < lengthof(tern) &&
			is_one_of(text + start, n, 1, &tern[ntern]))
		{
			ntern++;
			continue;
		}
		if (roll && n == 4 && pg_strncasecmp(text + start, "back", 4) == 0)
			down = true;
		else if (is_one_of(text + start, n, lengthof(ways_down), ways_down))
			down = true;
		else if (!is_one_of(text + start, n, lengthof(fillers), fillers) &&
				 !(n == 4 && pg_strncasecmp(text + start, "roll", 4) == 0))
			return false;
		roll = n == 4 && pg_strncasecmp(text + start, "roll", 4) == 0;
	}
	return ntern == lengthof(tern) || (ntern == 0 && down);
}

static bool
is_way_down(const char *word, size_t len)
{
	return is_one_of(word, len, lengthof(ways_down), ways_down);
}

/* Could there be a heading?  Cheap, and blind to literals. */
static bool
may_have_heading(const char *data, size_t len)
{
	PgmFormatReader reader;
	PgmFormatLine line;

	pgm_format_reader(&reader, data, len, 1);
	while (pgm_format_line(&reader, &line))
	{
		if (line.len < 256 && names_way_down(line.start, line.len))
			return true;
	}
	return false;
}

/*
 * Does the comment have its lines for itself?  Play writes "# --- !Downs".
 */
static bool
stands_alone(const PgmFormatScript *script, size_t start, size_t end)
{
	const char *data = script->data;

	while (start > 0 && strchr(" \t#", data[start - 1]) != NULL &&
		   data[start - 1] != '\0')
		start--;
	if (start > 0 && data[start - 1] != '\n')
		return false;
	while (end < script->len && data[end] != '\n')
	{
		if (!pgm_format_blank(data + end, 1))
			return false;
		end++;
	}
	return true;
}

/*
 * Look for a heading between two offsets of the script.
 */
static void
search(HeadingSearch *heading, size_t from, size_t to, int line)
{
	const PgmFormatScript *script = heading->script;
	PgmSqlLexer lexer;
	PgmSqlToken token;

	if (heading->start != NULL)
		return;
	pgm_sqlscan_lexer(&lexer, script->data + from, to - from, line);
	for (;;)
	{
		pgm_sqlscan_token(&lexer, &token);
		if (token.kind == PGM_SQL_END || token.kind == PGM_SQL_UNTERMINATED)
			return;
		if (token.kind != PGM_SQL_COMMENT ||
			!names_way_down(lexer.input + token.start,
							token.end - token.start) ||
			!stands_alone(script, from + token.start, from + token.end))
			continue;
		heading->start = lexer.input + token.start;
		heading->len = strcspn(heading->start, "\r\n");
		heading->len = Min(heading->len, token.end - token.start);
		heading->line = token.line;
		return;
	}
}

/* Would the statement run?  The end of a transaction does nothing. */
static bool
does_something(const PgmFormatScript *script, const PgmSqlItem *item)
{
	PgmSqlLexer lexer;
	PgmSqlToken token;

	if (item->kind == PGM_SQL_COPY)
		return true;
	if (item->kind != PGM_SQL_STATEMENT)
		return false;
	pgm_sqlscan_lexer(&lexer, script->data + item->body,
					  item->body_end - item->body, item->line);
	pgm_sqlscan_significant(&lexer, &token);
	return !pgm_sqlscan_is_word(&lexer, &token, "commit") &&
		!pgm_sqlscan_is_word(&lexer, &token, "end");
}

static char *
hint_of(PgmFormatContext *cx, const PgmFormatFile *file)
{
	PgmFormat	format = file ? pgm_format_by_contents(file) : PGM_FORMAT_AUTO;

	if (format != PGM_FORMAT_AUTO && format != PGM_FORMAT_STRUCTURE &&
		format != cx->result->format)
		return psprintf("Load it as format \"%s\", which is what it looks like.",
						pgm_format_name(format));
	return pstrdup("Give the way down a file of its own, such as 0001_name.down.sql beside 0001_name.up.sql, or write the headings of format \"dbmate\": \"-- migrate:up\" and \"-- migrate:down\".");
}

/*
 * Liquibase has its own language of comments, which nothing here reads: its
 * changesets would become one revision.
 */
static bool
check_liquibase(PgmFormatContext *cx, const PgmFormatScript *script)
{
	PgmFormatReader reader;
	PgmFormatLine line;
	const char *rest;
	size_t		len;

	pgm_format_reader(&reader, script->data, script->len, script->line);
	while (pgm_format_line(&reader, &line))
	{
		if (pgm_format_blank(line.start, line.len))
			continue;
		if (!pgm_format_marker(&line, "liquibase formatted sql", &rest, &len))
			return true;
		return pgm_format_fail(cx, script->file, line.number,
							   psprintf("changelogs of Liquibase are not supported"),
							   psprintf("Its changesets and their rollbacks would become one way up."),
							   pstrdup("Write each changeset as files 0001_name.up.sql and 0001_name.down.sql."));
	}
	return true;
}

/*
 * Refuse a text for the way up that has a heading of a way down with SQL after
 * it.  Where only comments follow, nothing of them would run.
 */
bool
pgm_format_check_way_up(PgmFormatContext *cx, const PgmFormatScript *script)
{
	HeadingSearch heading = {script, NULL, 0, 0};
	PgmSqlSplitter splitter;
	PgmSqlItem	item;
	const PgmFormatFile *file = NULL;
	int			line = script->line;
	bool		found = false;

	if (!check_liquibase(cx, script))
		return false;
	if (!may_have_heading(script->data, script->len))
		return true;
	pgm_sqlscan_splitter(&splitter, script->data, script->len, script->line);
	while (!found && pgm_sqlscan_next(&splitter, &item))
	{
		search(&heading, item.start, item.kind == PGM_SQL_META ? item.body :
			   item.body_end, line);
		for (size_t i = item.start; i < item.end; i++)
			line += script->data[i] == '\n';
		found = heading.start != NULL && does_something(script, &item);
	}
	if (!found)
		return true;

	for (int i = 0; i < cx->nfiles && file == NULL; i++)
	{
		if (strcmp(cx->files[i].name, script->file) == 0)
			file = &cx->files[i];
	}
	return pgm_format_fail(cx, script->file, heading.line,
						   psprintf("file has a way down that would run as part of the way up"),
						   psprintf("Its heading is \"%.*s\".",
									(int) Min(heading.len, SHOWN_BYTES),
									heading.start),
						   hint_of(cx, file));
}

/*
 * Does the name of the file, or of a folder it is in, say that it is a way
 * down?  Not the names that the formats know for it.
 */
bool
pgm_format_is_way_down(const char *path)
{
	const char *base = pgm_format_basename(path);
	size_t		len = strlen(base);

	while (path < base)
	{
		size_t		n = strcspn(path, "/");

		if (is_way_down(path, n))
			return true;
		path += n + 1;
	}
	if (!pgm_format_ends(base, ".sql"))
		return false;
	len -= strlen(".sql");
	for (size_t i = len; i > 0; i--)
	{
		if (base[i - 1] == '.')
			return is_way_down(base + i, len - i);
	}
	return false;
}
