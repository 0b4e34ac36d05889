/*-------------------------------------------------------------------------
 *
 * hint.h
 *	  What is done instead of a statement, and the text that it is made of.
 *
 * A hint is SQL that ends with a semicolon, one statement in a line, and says
 * in comments what must come between them; or it is words that end with a
 * period.  Where a strategy does what the statement does, its steps are the
 * hint.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_LINT_HINT_H
#define PGM_LINT_HINT_H

#include "lib/stringinfo.h"

#include "lint/internal.h"
#include "sql/lexer.h"

/* Comments between the statements of a hint. */
#define PGM_LATER "-- in a later revision:\n"

/* The name of a relation as hints have it: qualified, if it is there. */
extern const char *pgm_lint_relation(Oid relid);
extern const char *pgm_lint_qualified(const RangeVar *name);

/*
 * What the run does instead if it carries the statement out online, as a
 * sentence; or that there is no way to.
 */
extern char *pgm_lint_online(const PgmLint *lint);

/*
 * The steps of the strategy as the hints of what it avoids; words where there
 * is none, or too many of them.
 */
extern void pgm_lint_safe_forms(PgmLint *lint);

/*
 * Parts of the statement as they are written, without a comment at the end:
 * from a location, or after a word that follows it, to the next clause of a
 * column; all after a word; or in parentheses.  NULL if there is none.
 */
extern char *pgm_lint_statement_sql(const PgmLint *lint);
extern char *pgm_lint_trim(char *text);
extern char *pgm_lint_clause(const PgmLint *lint, int location);
extern char *pgm_lint_clause_after(const PgmLint *lint, int location,
								   const char *word);
extern char *pgm_lint_rest_after(const PgmLint *lint, int location,
								 const char *word);
extern char *pgm_lint_parens(const PgmLint *lint, int location);

extern char *pgm_lint_replace_word(const char *text, const char *word,
								   const char *replacement);

/* The name that a token is, cut as the server does it; NULL if it is none. */
extern char *pgm_lint_token_name(const PgmSqlLexer *lexer,
								 const PgmSqlToken *token);

#endif							/* PGM_LINT_HINT_H */
