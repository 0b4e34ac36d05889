/*-------------------------------------------------------------------------
 *
 * statement_parts.c
 *	  Parts of a statement for its safe form, as they are written.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/defrem.h"
#include "parser/scansup.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "compat/parse.h"
#include "compat/server.h"
#include "lint/hint.h"
#include "lint/internal.h"
#include "sql/lexer.h"
#include "sql/source_text.h"

/* What can follow the type, the default or the collation of a column. */
static const char *const clauses[] = {
	"check", "collate", "constraint", "deferrable", "default", "generated",
	"initially", "not", "null", "primary", "references", "storage",
	"compression", "unique", "using", NULL
};

char *
pgm_lint_trim(char *text)
{
	return text == NULL || *pgm_slice_trim(text) == '\0' ? NULL : text;
}

char *
pgm_lint_statement_sql(const PgmLint *lint)
{
	return pgm_lint_trim(pgm_statement_text(lint->judged->source,
											lint->judged->n));
}

char *
pgm_lint_clause(const PgmLint *lint, int location)
{
	return location < 0 ? NULL :
		pgm_lint_trim(pgm_slice(lint->judged->source, lint->judged->n,
								location, clauses));
}

char *
pgm_lint_clause_after(const PgmLint *lint, int location, const char *word)
{
	return location < 0 ? NULL :
		pgm_lint_trim(pgm_slice_after(lint->judged->source, lint->judged->n,
									  location, word, clauses));
}

char *
pgm_lint_rest_after(const PgmLint *lint, int location, const char *word)
{
	return location < 0 ? NULL :
		pgm_lint_trim(pgm_slice_after(lint->judged->source, lint->judged->n,
									  location, word, NULL));
}

char *
pgm_lint_parens(const PgmLint *lint, int location)
{
	return location < 0 ? NULL :
		pgm_slice_parens(lint->judged->source, lint->judged->n, location,
						 NULL);
}

/* ---- expressions */

char *
pgm_lint_token_name(const PgmSqlLexer *lexer, const PgmSqlToken *token)
{
	const char *start = lexer->input + token->start;
	int			length = token->end - token->start;
	StringInfoData buf;

	if (token->kind == PGM_SQL_WORD)
		return downcase_truncate_identifier(start, length, false);
	if (token->kind != PGM_SQL_NAME || *start != '"')
		return NULL;
	initStringInfo(&buf);
	for (int i = 1; i < length - 1; i++)
	{
		if (start[i] == '"')
			i++;
		appendStringInfoChar(&buf, start[i]);
	}
	truncate_identifier(buf.data, buf.len, false);
	return buf.data;
}

char *
pgm_lint_replace_word(const char *text, const char *word,
					  const char *replacement)
{
	PgmSqlLexer lexer;
	PgmSqlToken token;
	StringInfoData buf;

	initStringInfo(&buf);
	pgm_sqlscan_lexer(&lexer, text, strlen(text), 1);
	for (;;)
	{
		pgm_sqlscan_token(&lexer, &token);
		if (token.kind == PGM_SQL_END || token.kind == PGM_SQL_UNTERMINATED)
			return buf.data;
		if (pgm_sqlscan_is_word(&lexer, &token, word))
			appendStringInfoString(&buf, replacement);
		else
			appendBinaryStringInfo(&buf, text + token.start,
								   token.end - token.start);
	}
}
