/*-------------------------------------------------------------------------
 *
 * mark.c
 *	  A word for us in a comment: "pgmigrate: WORD".
 *
 *	-- pgmigrate: no-transaction
 *	SELECT create_distributed_table_concurrently('orders', 'tenant');
 *
 * strategy/marks.c reads those that say how a statement is carried out, and
 * lint/lint.c what is allowed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "sql/lexer.h"
#include "sql/mark.h"

#define MARK "pgmigrate:"

static bool
is_end(const char *at, const char *end)
{
	return at == end || isspace((unsigned char) *at);
}

/* The word after the mark in a comment. */
static bool
comment_has(const char *at, const char *end, const char *word)
{
	size_t		length = strlen(word);

	for (; at + strlen(MARK) <= end; at++)
	{
		const char *next = at + strlen(MARK);

		if (strncmp(at, MARK, strlen(MARK)) != 0)
			continue;
		while (next < end && (*next == ' ' || *next == '\t'))
			next++;
		if ((size_t) (end - next) >= length &&
			pg_strncasecmp(next, word, length) == 0 &&
			is_end(next + length, end))
			return true;
	}
	return false;
}

bool
pgm_mark_stands(const char *text, int start, int end, const char *word)
{
	PgmSqlLexer lexer;
	PgmSqlToken token;

	pgm_sqlscan_lexer(&lexer, text, end, 1);
	lexer.pos = start;
	for (;;)
	{
		pgm_sqlscan_token(&lexer, &token);
		if (token.kind == PGM_SQL_END || token.kind == PGM_SQL_UNTERMINATED)
			return false;
		if (token.kind == PGM_SQL_COMMENT &&
			comment_has(text + token.start, text + token.end, word))
			return true;
	}
}
