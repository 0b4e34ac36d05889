/*-------------------------------------------------------------------------
 *
 * prose.c
 *	  Lines among SQL that are no SQL, as a program prints them beside it.
 *
 * What migrations print, and what is logged to the same place, ends up among
 * the statements of "alembic upgrade --sql".  It stands between statements and
 * does not begin with the first word of one.  Such lines are replaced by
 * blanks, so that the other lines keep their numbers, and each block of them
 * is told.  It goes as far as the next blank line, comment, or line with the
 * first word of a statement.  A block in which a line ends with a semicolon is
 * left in, since it may be a statement that is misspelt.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include "format/internal.h"
#include "format/prose.h"

/* Bytes of a block that its warning shows. */
#define SHOWN_BYTES 60

/* What a statement may begin with. */
static const char *const first_words[] = {
	"abort", "alter", "analyse", "analyze", "begin", "call", "checkpoint",
	"close", "cluster", "comment", "commit", "copy", "create", "deallocate",
	"declare", "delete", "discard", "do", "drop", "end", "execute", "explain",
	"fetch", "grant", "import", "insert", "listen", "load", "lock", "merge",
	"move", "notify", "prepare", "reassign", "refresh", "reindex", "release",
	"repack", "reset", "revoke", "rollback", "savepoint", "security",
	"select", "set", "show", "start", "table", "truncate", "unlisten",
	"update", "vacuum", "values", "wait", "with"
};

/* Could a statement, or a command of psql, begin with this token? */
static bool
begins_statement(const PgmSqlLexer *lexer, const PgmSqlToken *token)
{
	if (pgm_sqlscan_is_symbol(lexer, token, '(') ||
		pgm_sqlscan_is_symbol(lexer, token, ';') ||
		token->kind == PGM_SQL_BACKSLASH)
		return true;
	for (int i = 0; i < lengthof(first_words); i++)
	{
		if (pgm_sqlscan_is_word(lexer, token, first_words[i]))
			return token->end >= lexer->len ||
				strchr(":.,!?", lexer->input[token->end]) == NULL;
	}
	return false;
}

static bool
line_begins_statement(const PgmFormatLine *line)
{
	PgmSqlLexer lexer;
	PgmSqlToken token;

	pgm_sqlscan_lexer(&lexer, line->start, line->len, 1);
	pgm_sqlscan_significant(&lexer, &token);
	return token.kind == PGM_SQL_END || begins_statement(&lexer, &token);
}

/*
 * The block that begins with this line: where it ends, or 0 if it may be a
 * statement.
 */
static size_t
end_of_block(const char *data, size_t len, size_t start)
{
	PgmFormatReader reader;
	PgmFormatLine line;
	size_t		end = start;

	pgm_format_reader(&reader, data + start, len - start, 1);
	while (pgm_format_line(&reader, &line))
	{
		size_t		n = line.len;

		if (pgm_format_blank(line.start, n) ||
			(end > start && line_begins_statement(&line)))
			break;
		while (pgm_format_blank(line.start + n - 1, 1))
			n--;
		if (line.start[n - 1] == ';')
			return 0;
		end = start + line.next;
	}
	return end;
}

static void
take_out(PgmFormatContext *cx, const char *file, char *block, size_t len,
		 int line)
{
	size_t		shown = strcspn(block, "\r\n");

	shown = Min(shown, len);
	if (shown > SHOWN_BYTES)
	{
		shown = SHOWN_BYTES;
		/* not in the middle of a character */
		while (shown > 0 && ((unsigned char) block[shown] & 0xC0) == 0x80)
			shown--;
	}
	pgm_format_loss(cx, file, line,
					psprintf("text that is no SQL is left out: %.*s",
							 (int) shown, block));
	for (size_t i = 0; i < len; i++)
		if (block[i] != '\n' && block[i] != '\r')
			block[i] = ' ';
}

char *
pgm_format_without_prose(PgmFormatContext *cx, const PgmFormatFile *file)
{
	char	   *data = pnstrdup(file->data, file->len);
	size_t		len = file->len;
	size_t		pos = 0;
	int			line = 1;

	while (pos < len)
	{
		PgmSqlLexer lexer;
		PgmSqlToken token;
		PgmSqlSplitter splitter;
		PgmSqlItem	item;
		size_t		start;
		size_t		end = 0;

		pgm_sqlscan_lexer(&lexer, data + pos, len - pos, line);
		pgm_sqlscan_significant(&lexer, &token);
		if (token.kind == PGM_SQL_END)
			break;
		start = pos + token.start;
		while (start > pos && pgm_format_blank(data + start - 1, 1) &&
			   data[start - 1] != '\n')
			start--;
		if (!begins_statement(&lexer, &token) &&
			(start == 0 || data[start - 1] == '\n'))
			end = end_of_block(data, len, start);
		if (end > start)
		{
			take_out(cx, file->name, data + start, end - start, token.line);
			line = token.line;
			for (size_t i = start; i < end; i++)
				line += data[i] == '\n';
			pos = end;
			continue;
		}
		pgm_sqlscan_splitter(&splitter, data + pos, len - pos, line);
		if (!pgm_sqlscan_next(&splitter, &item) || item.end == 0)
			break;
		line = splitter.lexer.line;
		pos += item.end;
	}
	return data;
}
