/*-------------------------------------------------------------------------
 *
 * marks.c
 *	  What a comment says about how a statement is to be carried out.
 *
 *	-- pgmigrate: plain because nobody works at night
 *	-- pgmigrate: online
 *
 * It stands before the statement, after the one before it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "sql/lexer.h"
#include "strategy/internal.h"

#define MARK "pgmigrate:"

/* The word at a position, in lower case; moves the position behind it. */
static char *
next_word(const char **at, const char *end)
{
	const char *start;
	char	   *word;

	while (*at < end && isspace((unsigned char) **at))
		(*at)++;
	start = *at;
	while (*at < end && !isspace((unsigned char) **at))
		(*at)++;
	word = pnstrdup(start, *at - start);
	for (char *c = word; *c; c++)
		*c = pg_tolower((unsigned char) *c);
	return word;
}

char *
pgm_strategy_reason(const char *at, const char *end)
{
	if (end - at >= 2 && strncmp(end - 2, "*/", 2) == 0)
		end -= 2;
	while (at < end && isspace((unsigned char) *at))
		at++;
	while (at < end && isspace((unsigned char) end[-1]))
		end--;
	return at == end ? NULL : pnstrdup(at, end - at);
}

static PgmMark
read_line(const char *at, const char *end, char **reason)
{
	PgmMark		mark;
	char	   *word = next_word(&at, end);

	if (strcmp(word, "plain") == 0)
		mark = PGM_MARK_PLAIN;
	else if (strcmp(word, "online") == 0)
		mark = PGM_MARK_ONLINE;
	else
		return PGM_MARK_NONE;

	word = next_word(&at, end);
	if (strcmp(word, "because") == 0)
		*reason = pgm_strategy_reason(at, end);
	return mark;
}

static PgmMark
read_comment(const char *at, const char *end, char **reason)
{
	PgmMark		mark = PGM_MARK_NONE;

	while (at < end && mark == PGM_MARK_NONE)
	{
		const char *line_end = memchr(at, '\n', end - at);

		if (line_end == NULL)
			line_end = end;
		for (const char *c = at; c + strlen(MARK) <= line_end; c++)
			if (strncmp(c, MARK, strlen(MARK)) == 0)
			{
				mark = read_line(c + strlen(MARK), line_end, reason);
				break;
			}
		at = line_end + 1;
	}
	return mark;
}

/* The last one counts. */
PgmMark
pgm_strategy_mark(const PgmSource *source, int n, char **reason)
{
	const PgmStatement *statement = &source->statements[n];
	PgmMark		result = PGM_MARK_NONE;
	PgmSqlLexer lexer;
	PgmSqlToken token;

	*reason = NULL;
	pgm_sqlscan_lexer(&lexer, source->text, statement->offset, 1);
	if (n > 0)
		lexer.pos = statement[-1].offset + statement[-1].length;
	for (;;)
	{
		PgmMark		mark;

		pgm_sqlscan_token(&lexer, &token);
		if (token.kind == PGM_SQL_END || token.kind == PGM_SQL_UNTERMINATED)
			return result;
		if (token.kind != PGM_SQL_COMMENT)
			continue;
		mark = read_comment(source->text + token.start,
							source->text + token.end, reason);
		if (mark != PGM_MARK_NONE)
			result = mark;
	}
}
